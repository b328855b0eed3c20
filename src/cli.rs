//! The command line: arguments only.

pub mod shared;
pub mod values;

use crate::cli::shared::Shared;
use crate::cli::values::{length, samples, verdicts};
use crate::pipeline::slices::Slice;
use crate::spectrum::query::SampleKind;
use crate::stage::claim::Verdict;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

pub use crate::cli::values::{Checkpoints, SampleSize, Threads};

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
  spectral-alignment run gmm-alignment --sweep gmm.lambda=3,10,30
                                                        run it at each value; one figure of the claims over λ
  spectral-alignment run --overrides weak.toml          change many parameters at once: [gmm] lambda = 10
  spectral-alignment redraw --style slides              draw the committed tables anew, in another style
  spectral-alignment claims                             print the verdicts
  spectral-alignment report                             put verdicts and figures on one page, figures/report.html
  spectral-alignment report --bundle /tmp/report        the same in a folder with PDFs, SVGs and tables, to be passed on
  spectral-alignment verify --profile quick             recompute from scratch and compare with what is committed
  spectral-alignment export gmm --replicate 0 --checkpoint last --out /tmp/gmm
                                                        write one checkpoint, to recompute its spectra elsewhere

Exit status: 0 success (of `run`: whatever the verdicts); 1 `claims` shows one that fails, `verify` finds a difference, or
`status --committed` or `editions` something stale; 2 bad usage or parameters; 3 input or output; 4 a mistake in a stage or in
the program; 130 interrupted (Ctrl-C).";

/// Exit status of commands that only answer.
const ANSWERS: &str = "Exit status: 0 answered; 2 bad usage or parameters; 3 input or output.";
/// Exit status of commands that write.
const WRITES: &str = "Exit status: 0 done; 2 bad usage or parameters; 3 input or output.";
const RUNS: &str = "Exit status: 0 the stages are up to date, whatever the verdicts (`claims` has 1 for one that fails); \
2 bad usage or parameters; 3 input or output, or a cache that could not be healed; 4 a mistake in a stage or in the program.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the stages: what each shows, its claims, figures and experiments.
    #[command(after_help = ANSWERS)]
    List(StagesArgs),
    /// Bring stages up to date: simulate what is missing, judge the claims, draw the figures.
    #[command(after_help = RUNS)]
    Run(RunArgs),
    /// Judge and draw again from the committed tables, without simulating anything: after a change of a caption, a bound or a colour,
    /// or in another style.
    ///
    /// Stages whose tables this program would compute otherwise are named and left alone. Another style than that of the committed
    /// figures goes to figures/variants/, with a style.toml that says what it is; with --set, --seed or --profile quick it is drawn
    /// from the cache.
    #[command(
        after_help = "Exit status: 0 done; 1 a stage has to be computed, which `run` does; 2 bad usage or parameters; \
3 input or output; 4 a mistake in a stage or in the program."
    )]
    Redraw(RedrawArgs),
    /// Show what `run` would have to compute, with estimated times; computes nothing.
    ///
    /// One line per experiment; with --json one object per replicate: `unit`, `experiment`, `replicate`, `what`, `seconds`
    /// on one thread, `whole_seconds` of all that stages need of it, whatever is there, and `bytes` of memory. Costs are declared:
    /// they depend on parameters alone.
    #[command(after_help = ANSWERS)]
    Plan(PlanArgs),
    /// Compute stages on a Slurm cluster: submit arrays of slices of what is missing, and a job after them that merges, reduces
    /// and draws.
    ///
    /// Called again, it submits what is missing by then. Data and figures must be on a file system that all nodes share.
    #[command(after_help = WRITES)]
    Slurm(SlurmArgs),
    /// Write report.html beside the figures: every verdict and figure, and what produced it, on one self-contained page.
    ///
    /// The page needs no other file and can be copied by itself; --bundle writes a folder in which it leads to all of them.
    /// Without computed data it falls back on the values committed beside the figures, and says so.
    #[command(after_help = WRITES)]
    Report(ReportArgs),
    /// Show which stages are up to date, stale or missing.
    #[command(
        after_help = "Exit status: 0 answered; 1 with --committed, something is stale; 2 bad usage or parameters; \
3 input or output."
    )]
    Status(StatusArgs),
    /// Explain why a stage is stale or missing: the ingredient that changed, old → new.
    #[command(after_help = ANSWERS)]
    Why(StageArgs),
    /// Recompute from scratch in a temporary folder and compare with the committed tables, figures and claims.
    ///
    /// Verdicts are `identical`, `within tolerance`, `different`, and `nondeterministic` where a second computation disagrees
    /// with the first; a stage that differs from what is committed is computed a second time.
    #[command(
        after_help = "Exit status: 0 nothing differs; 1 something differs; 2 bad usage or parameters; 3 input or output; \
4 a mistake in a stage or in the program."
    )]
    Verify(VerifyArgs),
    /// Create a new stage that runs right away: its source files, one line in the list of stages, one test.
    #[command(after_help = WRITES)]
    New(NewArgs),
    /// Remove a stage that `new` created: its files, its test and every line that names them.
    #[command(after_help = WRITES)]
    Remove(RemoveArgs),
    /// Write contact-sheet.html beside the figures: all of them at print size, in colour, in grey and under deuteranopia.
    #[command(after_help = WRITES)]
    ContactSheet(Shared),
    /// List the tables of a stage, with their paths and digests.
    #[command(after_help = ANSWERS)]
    Tables(StageArgs),
    /// Show the verdicts on claims: all, or those named; or what changed in them.
    ///
    /// Without computed data it falls back on the values committed beside the figures, and says so.
    #[command(
        after_help = "Exit status: 0 none of the claims shown fails; 1 one fails; 2 bad usage or parameters; \
3 input or output."
    )]
    Claims(ClaimsArgs),
    /// List the variants: results with other parameters, seeds or sizes than the committed ones, below figures/variants/.
    #[command(after_help = ANSWERS)]
    Variants(VariantsArgs),
    /// List the editions of the declarations of claims, and whether what the program declares is the last of them.
    #[command(
        after_help = "Exit status: 0 it is; 1 it is not; 2 bad usage or parameters; 3 input or output."
    )]
    Editions(EditionsArgs),
    /// Judge every claim at several root seeds, none of them an edition's, and list the verdicts that are not the same at all.
    ///
    /// What the seeds need stays in the cache, so that an interrupted call goes on where it was; `gc` drops it.
    #[command(after_help = RUNS)]
    Seeds(SeedsArgs),
    /// Write checkpoints of one replicate, so that their spectra can be recomputed elsewhere.
    #[command(after_help = WRITES)]
    Export(ExportArgs),
    /// Check every byte of the cache; name damaged files and set them aside.
    ///
    /// Whatever was set aside is recomputed by the next run that needs it. Conflicting values under one key are only reported.
    #[command(
        after_help = "Exit status: 0 all is well or will be; 2 bad usage or parameters; 3 something cannot be healed."
    )]
    Doctor(PrintArgs),
    /// Drop from the cache whatever no stage uses, along with anything that was set aside.
    ///
    /// Kept is what stages use in both profiles with the default seed and parameters, and under the --profile, --seed and
    /// --set given here. Waits until all runs have finished.
    #[command(after_help = WRITES)]
    Gc(GcArgs),
    /// Remove the cache: every file of it, of this or an earlier layout, that has a name and place which only this program gives;
    /// also variants, images and pages beside the committed figures.
    ///
    /// Whatever else is there stays and is named. A folder that is not a cache is refused and left untouched.
    #[command(after_help = WRITES)]
    Clean(PrintArgs),
    /// Print what makes a shell complete commands, options and names of stages.
    ///
    /// For bash: spectral-alignment completions bash >~/.local/share/bash-completion/completions/spectral-alignment.
    /// For zsh: into a file `_spectral-alignment` in a folder of `$fpath`. For fish:
    /// into ~/.config/fish/completions/spectral-alignment.fish.
    #[command(after_help = ANSWERS)]
    Completions(CompletionsArgs),
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

/// Arguments of commands about stages.
#[derive(Debug, Args)]
pub struct StagesArgs {
    /// Stages; all if none is named.
    pub stages: Vec<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Stages; all if none is named.
    pub stages: Vec<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Also freeze what is missing in this file, for `run --plan`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print it: text, JSON, or a job file for HyperQueue with a task for each slice (of the frozen plan, if there is --out).
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    pub format: PlanFormat,
    /// With --format hyperqueue: how many slices. [default: of about a minute]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub slices: Option<u32>,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PlanFormat {
    /// Lines.
    Text,
    /// One JSON array.
    Json,
    /// A job file for `hq job submit-file`.
    Hyperqueue,
}

/// Arguments of `slurm`.
#[derive(Debug, Args)]
pub struct SlurmArgs {
    /// Stages; all if none is named.
    pub stages: Vec<String>,
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// A TOML file about the site: `elements`, `array`, `parallel`, `minutes`, `starts`, `cpus`, `safety`, `before`, `[sbatch]`.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// The partition.
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    /// The account.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Processors of an array element.
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// Fewest minutes that an array element is meant to take.
    #[arg(long, value_name = "M")]
    pub minutes: Option<f64>,
    /// This many array elements, whatever they take.
    #[arg(long, value_name = "N")]
    pub elements: Option<u32>,
    /// Time limit of the final job, in minutes.
    #[arg(long, value_name = "M", default_value_t = 60)]
    pub final_minutes: u64,
    /// Folder for the plan, the scripts, a copy of the program and what jobs print. [default: in slurm/ beside the cache]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Only print the scripts and the commands that would submit them.
    #[arg(long)]
    pub dry_run: bool,
    /// Submit even while jobs of the same work are queued.
    #[arg(long)]
    pub again: bool,
    /// Further options of `sbatch`, after `--`.
    #[arg(last = true, value_name = "SBATCH OPTIONS")]
    pub options: Vec<String>,
}

/// Arguments of `run`.
#[allow(clippy::struct_excessive_bools, reason = "one for each option")]
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
    /// Only show what would be computed, as `plan` does.
    #[arg(long, conflicts_with_all = ["force", "png", "report"])]
    pub dry_run: bool,
    /// Run the stages once for each of these values, each a variant; several axes multiply. One table and figure has the
    /// claims' statistics over them (repeatable).
    #[arg(long, value_name = "EXPERIMENT.KEY=V1,V2,…", requires = "stages", conflicts_with_all = ["dry_run", "png", "report"])]
    pub sweep: Vec<String>,
    /// Only compute this share of all units of the stages, I from 1 to N, into the cache: nothing is reduced or drawn. All N together,
    /// on any machines at any time, compute everything.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["force", "png", "report", "dry_run", "sweep", "merge", "json"])]
    pub slice: Option<Slice>,
    /// With --slice: a share of this frozen plan, which says of which stages and settings.
    #[arg(long, value_name = "FILE", requires = "slice")]
    pub plan: Option<PathBuf>,
    /// Merge what slices have left, reduce and draw, and simulate nothing: where something is missing, say so and fail.
    #[arg(long, conflicts_with_all = ["force", "dry_run", "sweep"])]
    pub merge: bool,
    /// With --dry-run or --sweep: print one JSON array instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `redraw`.
#[derive(Debug, Args)]
pub struct RedrawArgs {
    /// Stages to redraw; all if none is named.
    pub stages: Vec<String>,
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// The style: double (the committed one), single (every figure in one column), slides, or a file like figures/style.toml.
    #[arg(long, value_name = "NAME|FILE")]
    pub style: Option<String>,
    /// Width of all figures, in pt, mm, cm or in.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub width: Option<f64>,
    /// Size in pt of the numbers at ticks; all other type, lines and marks keep their proportion to it.
    #[arg(long, value_name = "PT", value_parser = length)]
    pub font_size: Option<f64>,
    /// Also write the figures as PNG images, to png/ beside the figures.
    #[arg(long)]
    pub png: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// What goes with every command.
    #[command(flatten)]
    pub shared: Shared,
    /// Instead write the page as index.html into this folder, together with every file that it names: figures as SVG and PDF,
    /// tables as Parquet, the pages of docs/ that explain them. The folder must be new, empty or an earlier bundle, which is
    /// brought up to date; anything else is left as it is.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Stages; all if none is named.
    pub stages: Vec<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Compare figures/figures.lock with this program's recipes instead; exit status 1 if one is stale.
    #[arg(long)]
    pub committed: bool,
    /// Print how far the whole is whenever that changes, until the stages are up to date (without names: those not on request).
    #[arg(long, conflicts_with_all = ["committed", "json"])]
    pub watch: bool,
    /// With --watch: seconds between looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
}

/// Arguments of `claims`.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    /// Claims by id (A1.error, A2.hessian*), by the paper's claim (A1) or by stage; all if none is named.
    #[arg(value_name = "ID|STAGE")]
    pub names: Vec<String>,
    /// Only claims with this verdict (repeatable).
    #[arg(long, value_name = "VERDICT", value_parser = verdicts())]
    pub verdict: Vec<Verdict>,
    /// What changed since a commit (old: figures.lock there) or against a variant (old: its results; `variants` lists them).
    #[arg(long, value_name = "REF|VARIANT")]
    pub diff: Option<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// Print them as the page docs/claims.md, from what is committed.
    #[arg(long, conflicts_with_all = ["json", "names", "verdict", "diff"])]
    pub page: bool,
}

/// Arguments of `variants`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct VariantsArgs {
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
    /// What else to do.
    #[command(subcommand)]
    pub action: Option<VariantsAction>,
}

/// What to do with variants.
#[derive(Debug, Subcommand)]
pub enum VariantsAction {
    /// Remove variants: their figures, images and pages; what else lies in their folders stays and is named.
    #[command(after_help = WRITES)]
    Rm(RemoveVariantsArgs),
}

/// Arguments of `variants rm`.
#[derive(Debug, Args)]
pub struct RemoveVariantsArgs {
    /// Variants, as `variants` names them.
    #[arg(required = true, value_name = "VARIANT")]
    pub names: Vec<String>,
    /// How to print it.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
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
    /// Its name, such as `gmm-skewed` or `xor-wide`: the task, then words of lowercase letters and digits.
    pub name: String,
    /// Start from a copy of this stage, with its experiments, instead of the template.
    #[arg(long, value_name = "STAGE")]
    pub from: Option<String>,
    /// The clone. [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// Arguments of `remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The stage.
    pub name: String,
    /// The clone. [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
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
