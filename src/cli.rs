//! The command line: arguments only.

use crate::error::{Error, Result};
use crate::published::overrides;
use crate::spectrum::query::SampleKind;
use crate::stage::{Override, Profile, Settings};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

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
  spectral-alignment list                               what there is
  spectral-alignment run --profile quick                everything, small, in seconds
  spectral-alignment run gmm-alignment                  one stage at full size
  spectral-alignment run --set gmm.lambda=10            another signal-to-noise ratio; goes to figures/variants/
  spectral-alignment run --overrides weak.toml          the same for many parameters: [gmm] lambda = 10
  spectral-alignment claims                             the verdicts
  spectral-alignment report                             verdicts and figures on one page, figures/report.html
  spectral-alignment verify --profile quick             does a computation from nothing give what is committed?
  spectral-alignment export gmm --replicate 0 --checkpoint last --out /tmp/gmm
                                                        one checkpoint, to recompute its spectra elsewhere

Exit status: 0 good; 1 a claim fails, or what is verified differs; 2 bad usage or parameters; 3 input or output.";

/// The commands.
#[allow(missing_docs, reason = "the shared options document themselves")]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the stages: what each shows, its claims, figures and experiments.
    List {
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Bring stages up to date: simulate what is missing, judge the claims, draw the figures.
    Run {
        /// Stages; all if none is named.
        stages: Vec<String>,
        #[command(flatten)]
        shared: Shared,
        /// Threads to simulate on; results do not depend on it. [default: all processors]
        #[arg(long, value_name = "N")]
        jobs: Option<u16>,
        /// Compute even what is there, and compare with it.
        #[arg(long)]
        force: bool,
        /// Also write the figures as PNG images with 300 dots per inch, to png/ beside the figures.
        #[arg(long)]
        png: bool,
        /// Also write the report, as `report` does.
        #[arg(long)]
        report: bool,
    },
    /// Write report.html beside the figures: every verdict and figure with what made it, on one page that needs nothing else.
    ///
    /// Without computed data it reads the values committed beside the figures, and says so.
    Report {
        #[command(flatten)]
        shared: Shared,
    },
    /// Say which stages are up to date, stale or missing.
    Status {
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
        /// Compare figures/figures.lock with this program's recipes instead; exit status 1 if one is stale.
        #[arg(long)]
        committed: bool,
    },
    /// Say which ingredient changed, old → new, where a stage is stale or missing.
    Why {
        /// The stage.
        stage: String,
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Compute from nothing in a scratch folder, and compare with the committed tables, figures and claims; exit status 1
    /// if something differs.
    ///
    /// Verdicts are `identical`, `within tolerance`, `different`, and `nondeterministic` where a second computation differs
    /// from the first; a stage is computed again if it differs from what is committed.
    Verify {
        /// Stages; all if none is named.
        stages: Vec<String>,
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
        /// Threads to simulate on; results do not depend on it. [default: all processors]
        #[arg(long, value_name = "N")]
        jobs: Option<u16>,
        /// Compute every stage a second time.
        #[arg(long)]
        twice: bool,
    },
    /// Write a new stage that runs at once: one source file, one line in the list of stages, one test.
    New {
        /// Its name, like `gmm-unequal` or `xor-wide`: the task, then words of small letters and digits.
        name: String,
        /// The repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        root: PathBuf,
    },
    /// Write contact-sheet.html beside the figures: all of them at their size in colour, in grey and under deuteranopia.
    ContactSheet {
        #[command(flatten)]
        shared: Shared,
    },
    /// Name the tables of a stage, with their paths and digests.
    Tables {
        /// The stage.
        stage: String,
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show the verdict on every claim; exit status 1 if one fails.
    ///
    /// Without computed data it reads the values committed beside the figures, and says so.
    Claims {
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Write checkpoints of one replicate, so that their spectra can be recomputed elsewhere.
    Export(ExportOptions),
    /// Check every byte of the cache; set aside and name what is damaged. Exit status 3 if something cannot be healed.
    ///
    /// What was set aside is made again by the next run that needs it. Different values under one key are only reported.
    Doctor {
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array, empty if nothing is wrong.
        #[arg(long)]
        json: bool,
    },
    /// Drop what no stage uses from the cache, and what was set aside.
    ///
    /// Stays: what stages use in both profiles with default seed and parameters, and under the --profile, --seed and --set
    /// given here. Waits until all runs are done.
    Gc {
        #[command(flatten)]
        shared: Shared,
        /// Machine-readable: one JSON array of what is dropped.
        #[arg(long)]
        json: bool,
        /// Only say what would be dropped.
        #[arg(long)]
        dry_run: bool,
    },
}

/// The options of `export`.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The experiment, as `list` names it.
    pub experiment: String,
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// The replicate, from 0.
    #[arg(long, value_name = "R")]
    pub replicate: u32,
    /// The checkpoint, from 0, or `last`; or `all`, each in a folder `checkpoint-I` of its own.
    #[arg(long, value_name = "I")]
    pub checkpoint: String,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The sample that the matrices are means over.
    #[arg(long, value_enum, default_value_t = SampleChoice::Test)]
    pub sample: SampleChoice,
    /// Its number of points, or `run` for as many as SGD took. [default: n = φ d]
    #[arg(long, value_name = "N")]
    pub sample_size: Option<String>,
}

/// What goes with every command that touches results.
#[derive(Debug, Args)]
pub struct Shared {
    /// Size of the experiments.
    #[arg(long, value_enum, default_value_t = ProfileChoice::Paper)]
    profile: ProfileChoice,
    /// Root of all random streams.
    #[arg(long, value_name = "N", default_value_t = crate::published::DEFAULT_SEED)]
    seed: u64,
    /// Change a parameter of an experiment, or of all members of a family: d, k, width, lambda, beta, c, phi, horizon, replicates,
    /// checkpoints. Several values, as in gmm-snr.lambda=1,10,100, replace an axis of a family.
    #[arg(long, value_name = "EXPERIMENT.KEY=VALUE")]
    set: Vec<String>,
    /// Read changed parameters from a TOML file, with a table per experiment; --set takes precedence.
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// Folder of the cache.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Folder of the figures.
    #[arg(long, value_name = "DIR", default_value = "figures")]
    pub figures: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileChoice {
    /// The committed figures: minutes.
    Paper,
    /// Small versions of everything: seconds.
    Quick,
}

/// A sample on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SampleChoice {
    /// The fresh sample of the replicate.
    Test,
    /// The first n samples that SGD saw.
    Train,
}

impl From<SampleChoice> for SampleKind {
    fn from(choice: SampleChoice) -> Self {
        match choice {
            SampleChoice::Test => Self::Test,
            SampleChoice::Train => Self::Train,
        }
    }
}

impl Shared {
    /// What the user chose.
    ///
    /// # Errors
    /// A `--set` that is not `EXPERIMENT.KEY=VALUE`; a file of overrides that is none.
    pub fn settings(&self) -> Result<Settings> {
        let profile = match self.profile {
            ProfileChoice::Paper => Profile::Paper,
            ProfileChoice::Quick => Profile::Quick,
        };
        let mut overrides = self.overrides.as_deref().map_or_else(|| Ok(Vec::new()), overrides::read)?;
        for text in &self.set {
            overrides.push(parse_override(text)?);
        }
        // The last of several values for one key counts; the order of different keys does not.
        overrides::resolve(&mut overrides);
        Ok(Settings { profile, seed: self.seed, overrides })
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
