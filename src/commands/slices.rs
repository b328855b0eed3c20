//! Units as jobs: `run --slice`, `run --plan`, `plan --out`, `plan --format hyperqueue`.

use crate::cli::shared::Shared;
use crate::cli::{PlanArgs, PlanFormat, RunArgs};
use crate::cluster::hyperqueue::job_file;
use crate::cluster::words;
use crate::commands::console::{named, open, plans_of, print_line, print_verbatim};
use crate::commands::inspect::print_units;
use crate::commands::interrupt::{KEPT, explain_interrupts};
use crate::error::{Error, Result, say};
use crate::pipeline::context::RunContext;
use crate::pipeline::frozen::Frozen;
use crate::pipeline::slices::{Slice, run_slice, split};
use crate::pipeline::units::{all, missing, seconds};
use crate::published::standard;
use crate::stage::{Profile, Settings};
use crate::store::Access;
use std::path::Path;
use std::process::ExitCode;

/// Declared seconds of a task of HyperQueue, which takes some hundred thousand of them.
const TASK: u64 = 60;
/// Most tasks that are made where no number of slices is given.
const MOST_TASKS: u64 = 10_000;

/// The settings of a frozen plan; what the user gives beside it must be the same.
fn settings_of(frozen: &Frozen, shared: &Shared, path: &Path) -> Result<Settings> {
    let (given, settings) = (shared.settings()?, frozen.settings()?);
    if given == settings || given == standard(Profile::Paper) {
        return Ok(settings);
    }
    Err(Error::Usage(format!(
        "{} was frozen for other settings, `{}`: give the same or none",
        path.display(),
        words::line(&words::options(&settings))
    )))
}

/// `run --slice`.
pub(crate) fn run_one(args: &RunArgs, slice: Slice) -> Result<ExitCode> {
    let (jobs, shared) = (args.threads.number()?, &args.shared);
    let frozen = args.plan.as_ref().map(|path| Frozen::read(path).map(|plan| (path, plan))).transpose()?;
    let (stages, settings) = match &frozen {
        Some((path, plan)) => {
            if !args.stages.is_empty() && args.stages != plan.stages {
                let stages = plan.stages.join(" ");
                return Err(Error::Usage(format!("{} was frozen for the stages {stages}", path.display())));
            }
            (named(&plan.stages)?, settings_of(plan, shared, path)?)
        }
        None => (named(&args.stages)?, shared.settings()?),
    };
    let plans = plans_of(&stages, &settings)?;
    let store = open(shared, Access::Slice)?;
    explain_interrupts(KEPT)?;
    let context = RunContext::new(&store, &settings)?;
    let units = match &frozen {
        Some((_, plan)) => plan.works(&context, &plans)?,
        None => all(&plans),
    };
    let done = run_slice(&context, units, slice, jobs)?;
    let before = done.units - done.computed;
    print_line(&format!(
        "slice {slice}: {} units, {before} there before, {} computed",
        done.units, done.computed
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// `plan`.
pub(crate) fn plan(args: &PlanArgs) -> Result<ExitCode> {
    let PlanArgs { stages, print, out, format, slices } = args;
    let stages = named(stages)?;
    let format = if print.json { PlanFormat::Json } else { *format };
    if slices.is_some() && format != PlanFormat::Hyperqueue {
        return Err(Error::Usage("--slices of `plan` goes with --format hyperqueue".to_owned()));
    }
    let settings = print.shared.settings()?;
    let plans = plans_of(&stages, &settings)?;
    let store = open(&print.shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let units = missing(&context, &plans)?;
    if let Some(path) = out {
        Frozen::new(&context, &plans, &units)?.write(path)?;
        let cost: u64 = units.iter().map(|unit| unit.cost).sum();
        let told =
            format!("{}: {} units, about {:.1} s on one thread", path.display(), units.len(), seconds(cost));
        match format {
            PlanFormat::Text => print_line(&told)?,
            _ => say(&told),
        }
    }
    match format {
        PlanFormat::Text if out.is_some() => Ok(ExitCode::SUCCESS),
        PlanFormat::Text | PlanFormat::Json => {
            print_units(&context, &plans, &units, format == PlanFormat::Json)
        }
        PlanFormat::Hyperqueue => {
            // Of a frozen plan, or else of everything, so that shares stay the same whatever is done meanwhile.
            let of_plan = units.iter().map(|unit| (unit.experiment.clone(), unit.cost));
            let of_all = || all(&plans).into_iter().map(|(work, cost)| (work.experiment.name.clone(), cost));
            let costs: Vec<(String, u64)> =
                if out.is_some() { of_plan.collect() } else { of_all().collect() };
            let total: u64 = costs.iter().map(|(_, cost)| cost).sum();
            let most = MOST_TASKS.min(costs.len() as u64).max(1);
            let number = slices.unwrap_or_else(|| {
                u32::try_from((total / (TASK * 1_000_000_000)).clamp(1, most)).unwrap_or(u32::MAX)
            });
            let program = std::env::current_exe().map_err(Error::io("find", "this program"))?;
            let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io("find", path));
            let mut first = vec![program.display().to_string(), "run".to_owned()];
            if let Some(path) = out {
                first.extend(words::path("--plan", &absolute(path)?));
            } else {
                first.extend(plans.iter().map(|plan| plan.stage.name.to_owned()));
                first.extend(words::options(&settings));
            }
            first.extend(words::path("--data", &absolute(&print.shared.data()?)?));
            first.extend(["--jobs", "1"].map(str::to_owned));
            let command = |slice: u32| {
                [first.clone(), vec!["--slice".to_owned(), format!("{slice}/{number}")]].concat()
            };
            let costs = split(costs.iter().map(|(name, cost)| (name.as_str(), *cost)), number).costs;
            print_verbatim(job_file(&costs, command)?.trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
