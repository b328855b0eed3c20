//! The command line: arguments only.

use crate::error::{Error, Result};
use crate::published::overrides;
use crate::spectrum::query::SampleKind;
use crate::stage::{Override, Profile, Settings};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};

/// Regenerates and verifies every figure of "Spectral alignment of stochastic gradient descent for high-dimensional
/// classification tasks" (arXiv 2310.03010): seeded data, SGD, spectra of the Hessian and of the gradient matrix,
/// figures, and a measured verdict on every claim.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  spectral-alignment list                               list the stages
  spectral-alignment run --profile quick                run everything at small size, in seconds
  spectral-alignment run gmm-alignment                  run one stage at full size
  spectral-alignment run --set gmm.lambda=10            change the signal-to-noise ratio; writes to figures/variants/
  spectral-alignment run --overrides weak.toml          change many parameters at once: [gmm] lambda = 10
  spectral-alignment claims                             print the verdicts
  spectral-alignment report                             put verdicts and figures on one page, figures/report.html
  spectral-alignment verify --profile quick             recompute from scratch and compare with what is committed
  spectral-alignment export gmm --replicate 0 --checkpoint last --out /tmp/gmm
                                                        write one checkpoint, to recompute its spectra elsewhere

Exit status: 0 success; 1 a claim fails or a verified result differs; 2 bad usage or parameters; 3 input or output.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the stages: what each shows, its claims, figures and experiments.
    List(PrintArgs),
    /// Bring stages up to date: simulate what is missing, judge the claims, draw the figures.
    Run(RunArgs),
    /// Write report.html beside the figures: every verdict and figure, and what produced it, on one self-contained page.
    ///
    /// Without computed data it falls back on the values committed beside the figures, and says so.
    Report(Shared),
    /// Show which stages are up to date, stale or missing.
    Status(StatusArgs),
    /// Explain why a stage is stale or missing: the ingredient that changed, old → new.
    Why(StageArgs),
    /// Recompute from scratch in a temporary folder and compare with the committed tables, figures and claims; exit status 1
    /// if anything differs.
    ///
    /// Verdicts are `identical`, `within tolerance`, `different`, and `nondeterministic` where a second computation disagrees
    /// with the first; a stage that differs from what is committed is computed a second time.
    Verify(VerifyArgs),
    /// Create a new stage that runs right away: its source files, one line in the list of stages, one test.
    New(NewArgs),
    /// Write contact-sheet.html beside the figures: all of them at print size, in colour, in grey and under deuteranopia.
    ContactSheet(Shared),
    /// List the tables of a stage, with their paths and digests.
    Tables(StageArgs),
    /// Show the verdict on every claim; exit status 1 if one fails.
    ///
    /// Without computed data it falls back on the values committed beside the figures, and says so.
    Claims(ClaimsArgs),
    /// List the editions of the declarations of claims, and whether what the program declares is the last of them; exit status 1
    /// if it is not.
    Editions(EditionsArgs),
    /// Judge every claim at several root seeds, none of them an edition's, and list the verdicts that are not the same at all.
    ///
    /// What the seeds need stays in the cache, so that an interrupted call goes on where it was; `gc` drops it.
    Seeds(SeedsArgs),
    /// Write checkpoints of one replicate, so that their spectra can be recomputed elsewhere.
    Export(ExportArgs),
    /// Check every byte of the cache; name damaged files and set them aside. Exit status 3 if something cannot be healed.
    ///
    /// Whatever was set aside is recomputed by the next run that needs it. Conflicting values under one key are only reported.
    Doctor(PrintArgs),
    /// Drop from the cache whatever no stage uses, along with anything that was set aside.
    ///
    /// Kept is what stages use in both profiles with the default seed and parameters, and under the --profile, --seed and
    /// --set given here. Waits until all runs have finished.
    Gc(GcArgs),
    /// Remove the cache: every file of it, of this or an earlier layout, that has a name and place which only this program gives;
    /// also variants, images and pages beside the committed figures.
    ///
    /// Whatever else is there stays and is named. A folder that is not a cache is refused and left untouched.
    Clean(PrintArgs),
}

/// Arguments of commands that only print.
#[derive(Debug, Args)]
pub struct PrintArgs {
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// Print one JSON array instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of commands that print something about one stage.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// The stage.
    pub stage: String,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Stages to run; all if none is named.
    pub stages: Vec<String>,
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// How many threads.
    #[command(flatten)]
    pub threads: Threads,
    /// Recompute what is already there, and compare.
    #[arg(long)]
    pub force: bool,
    /// Also write the figures as PNG images at 300 dots per inch, to png/ beside the figures.
    #[arg(long)]
    pub png: bool,
    /// Also write the report, as `report` does.
    #[arg(long)]
    pub report: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Compare figures/figures.lock with this program's recipes instead; exit status 1 if one is stale.
    #[arg(long)]
    pub committed: bool,
}

/// Arguments of `claims`.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Print them as the page docs/claims.md, from what is committed.
    #[arg(long, conflicts_with = "json")]
    pub page: bool,
}

/// Arguments of `editions`.
#[derive(Debug, Args)]
pub struct EditionsArgs {
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Freeze the declarations as the current edition, with what changed and why; they are taken from results in the cache under
    /// the settings given here, which should be those of another seed.
    #[arg(long, value_name = "REASON")]
    pub freeze: Option<String>,
}

/// Arguments of `seeds`.
#[derive(Debug, Args)]
pub struct SeedsArgs {
    /// How many seeds.
    pub count: u32,
    /// Stages; all if none is named.
    pub stages: Vec<String>,
    /// How to print it; --seed is the first seed, by default 1000 more than the edition.
    #[command(flatten)]
    pub print: PrintArgs,
    /// How many threads.
    #[command(flatten)]
    pub threads: Threads,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Stages to verify; all if none is named.
    pub stages: Vec<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// How many threads.
    #[command(flatten)]
    pub threads: Threads,
    /// Compute every stage twice.
    #[arg(long)]
    pub twice: bool,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name, such as `gmm-unequal` or `xor-wide`: the task, then words of lowercase letters and digits.
    pub name: String,
    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
}

/// Arguments of `gc`.
#[derive(Debug, Args)]
pub struct GcArgs {
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Only show what would be dropped.
    #[arg(long)]
    pub dry_run: bool,
    /// Also drop what other versions of this program made; otherwise it is kept.
    #[arg(long)]
    pub all_versions: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The experiment, as `list` names it.
    pub experiment: String,
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// What to export.
    #[command(flatten)]
    pub selection: Selection,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// What to export.
#[derive(Clone, Copy, Debug, Args)]
pub struct Selection {
    /// The replicate, counted from 0.
    #[arg(long, value_name = "R")]
    pub replicate: u32,
    /// The checkpoint, counted from 0, or `last`; or `all`, each in its own folder `checkpoint-I`.
    #[arg(long, value_name = "I")]
    pub checkpoint: Checkpoints,
    /// The sample over which the matrices are averaged.
    #[arg(long, value_parser = samples(), default_value = "test")]
    pub sample: SampleKind,
    /// Number of points in that sample, or `run` for as many as SGD took. [default: n = φ d]
    #[arg(long, value_name = "N")]
    pub sample_size: Option<SampleSize>,
}

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
            None => Ok(std::thread::available_parallelism().map_or(1, |all| all.get().min(MOST_JOBS))),
        }
    }
}

/// What goes with every command that touches results.
#[derive(Debug, Args)]
pub struct Shared {
    /// Size of the experiments.
    #[arg(long, value_parser = profiles(), default_value = "paper")]
    profile: Profile,
    /// Root of all random streams.
    #[arg(long, value_name = "N", default_value_t = crate::published::DEFAULT_SEED)]
    seed: u64,
    /// Change a parameter of an experiment, or of all members of a family: d, k, width, depth, lambda, nuisance, beta, c, phi, horizon, replicates,
    /// checkpoints. Several values, as in gmm-snr.lambda=1,10,100, replace an axis of a family.
    #[arg(long, value_name = "EXPERIMENT.KEY=VALUE")]
    set: Vec<String>,
    /// Read changed parameters from a TOML file with one table per experiment; --set takes precedence.
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// Folder of the cache.
    #[arg(long, value_name = "DIR", default_value_os_t = folder("data"))]
    pub data: PathBuf,
    /// Folder of the figures.
    #[arg(long, value_name = "DIR", default_value_os_t = folder("figures"))]
    pub figures: PathBuf,
}

/// The folder of this name; a build with a mutation has its own.
fn folder(name: &str) -> PathBuf {
    let above =
        crate::mutation::NAME.map_or_else(PathBuf::new, |mutation| Path::new("mutated").join(mutation));
    above.join(name)
}

// Parsers and no `impl ValueEnum`: an implementation here would make this file part of what the digests of those types cover.
fn profiles() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new([
        PossibleValue::new("paper").help("The committed figures: minutes"),
        PossibleValue::new("quick").help("Small versions of everything: seconds"),
    ])
    .map(|word| if word == "quick" { Profile::Quick } else { Profile::Paper })
}

fn samples() -> impl TypedValueParser<Value = SampleKind> {
    PossibleValuesParser::new([
        PossibleValue::new("test").help("The fresh sample of the replicate"),
        PossibleValue::new("train").help("The first n samples that SGD saw"),
    ])
    .map(|word| if word == "train" { SampleKind::Train } else { SampleKind::Test })
}

impl Shared {
    /// What the user chose.
    ///
    /// # Errors
    /// A `--set` that is not `EXPERIMENT.KEY=VALUE`; an unreadable file of overrides.
    pub fn settings(&self) -> Result<Settings> {
        let mut overrides = self.overrides.as_deref().map_or_else(|| Ok(Vec::new()), overrides::read)?;
        for text in &self.set {
            overrides.push(parse_override(text)?);
        }
        // The last of several values for one key counts; the order of different keys does not.
        overrides::resolve(&mut overrides);
        Ok(Settings { profile: self.profile, seed: self.seed, overrides })
    }
}

fn parse_override(text: &str) -> Result<Override> {
    let parts = text.split_once('=').and_then(|(place, value)| {
        place.rsplit_once('.').map(|(experiment, key)| (experiment.trim(), key.trim(), value.trim()))
    });
    match parts {
        Some((experiment, key, value)) if !experiment.is_empty() && !key.is_empty() => {
            Ok(Override { experiment: experiment.to_owned(), key: key.to_owned(), value: value.to_owned() })
        }
        _ => Err(Error::Usage(format!(
            "--set {text}: write EXPERIMENT.KEY=VALUE, for example --set gmm.lambda=10"
        ))),
    }
}
