//! Values of options, and what they may be.

use crate::error::{Error, Result};
use crate::spectrum::query::SampleKind;
use crate::stage::Profile;
use crate::stage::claim::Verdict;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Which checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// One, from 0.
    One(usize),
    /// The last.
    Last,
    /// All, each in a folder `checkpoint-I` of its own.
    All,
}

impl std::str::FromStr for Checkpoints {
    type Err = &'static str;

    fn from_str(word: &str) -> std::result::Result<Self, Self::Err> {
        match word {
            "last" => Ok(Self::Last),
            "all" => Ok(Self::All),
            number => number.parse().map(Self::One).map_err(|_| "must be a number from 0, `last` or `all`"),
        }
    }
}

/// How large a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleSize {
    /// This many points.
    Points(std::num::NonZeroUsize),
    /// As many as SGD took in the whole run.
    Run,
}

impl std::str::FromStr for SampleSize {
    type Err = &'static str;

    fn from_str(word: &str) -> std::result::Result<Self, Self::Err> {
        match word {
            "run" => Ok(Self::Run),
            number => {
                number.parse().map(Self::Points).map_err(|_| "must be a number of points from 1, or `run`")
            }
        }
    }
}

/// A length in pt: a number, with a unit or without.
///
/// # Errors
/// Anything else, in words.
pub fn length(text: &str) -> std::result::Result<f64, String> {
    let units = [("pt", 1.0), ("mm", 72.0 / 25.4), ("cm", 72.0 / 2.54), ("in", 72.0)];
    let (number, unit) =
        units.iter().find_map(|(name, pt)| Some((text.strip_suffix(name)?, *pt))).unwrap_or((text, 1.0));
    let number: Option<f64> = number.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let words = || format!("`{text}` is no length; write 234pt, 84mm, 8.4cm or 3.3in");
    number.map(|number| number * unit).ok_or_else(words)
}

/// Most threads: OpenBLAS has buffers for so many.
const MOST_JOBS: usize = 128;

/// How many threads to compute on.
#[derive(Debug, Args)]
pub struct Threads {
    /// Threads to simulate on; results do not depend on their number. [default: all processors]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

impl Threads {
    /// The number of threads to compute on.
    ///
    /// # Errors
    /// A number that is none of threads.
    pub fn number(&self) -> Result<usize> {
        match self.jobs {
            Some(jobs) if !(1..=MOST_JOBS).contains(&jobs) => {
                Err(Error::parameter("--jobs", jobs, format!("must be between 1 and {MOST_JOBS}")))
            }
            Some(jobs) => Ok(jobs),
            None => Ok(all_processors()),
        }
    }
}

/// As many threads as there are processors, and no more than are possible.
pub(crate) fn all_processors() -> usize {
    std::thread::available_parallelism().map_or(1, |all| all.get().min(MOST_JOBS))
}

// Parsers and no `impl ValueEnum`: an implementation here would make this file part of what the digests of those types cover.
pub(crate) fn profiles() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new([
        PossibleValue::new("paper").help("The committed figures: minutes"),
        PossibleValue::new("quick").help("Small versions of everything: seconds"),
    ])
    .map(|word| if word == "quick" { Profile::Quick } else { Profile::Paper })
}

pub(crate) fn samples() -> impl TypedValueParser<Value = SampleKind> {
    PossibleValuesParser::new([
        PossibleValue::new("test").help("The fresh sample of the replicate"),
        PossibleValue::new("train").help("The first n samples that SGD saw"),
    ])
    .map(|word| if word == "train" { SampleKind::Train } else { SampleKind::Test })
}

/// Verdicts as options name them: their words, with hyphens.
const VERDICTS: [(&str, Verdict); 6] = [
    ("holds", Verdict::Holds),
    ("fails", Verdict::Fails),
    ("undecided", Verdict::Undecided),
    ("premise-not-met", Verdict::PremiseNotMet),
    ("too-small-to-judge", Verdict::TooSmall),
    ("not-run", Verdict::NotRun),
];

pub(crate) fn verdicts() -> impl TypedValueParser<Value = Verdict> {
    PossibleValuesParser::new(
        VERDICTS.map(|(option, verdict)| PossibleValue::new(option).alias(verdict.word())),
    )
    .try_map(|word| {
        let meant = |(option, verdict): &&(&str, Verdict)| word == *option || word == verdict.word();
        VERDICTS.iter().find(meant).map(|(_, verdict)| *verdict).ok_or("is no verdict")
    })
}
