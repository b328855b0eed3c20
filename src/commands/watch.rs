//! `status --watch`: how far the whole is, from any machine that sees the store.

use crate::cli::StatusArgs;
use crate::commands::console::{open, print_line};
use crate::error::Result;
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::units::{all, missing, seconds};
use crate::published::{Status, cached_status};
use crate::stage::Settings;
use crate::store::Access;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// Where the whole stands.
struct Stand {
    /// Units that are missing.
    units: usize,
    /// Declared nanoseconds of what is missing of them.
    cost: u64,
    /// Stages that are not up to date.
    stages: usize,
}

fn stand(args: &StatusArgs, settings: &Settings, plans: &[StagePlan]) -> Result<Stand> {
    let store = open(&args.print.shared, Access::Read)?;
    let context = RunContext::new(&store, settings)?;
    let units = missing(&context, plans)?;
    let mut stages = 0;
    for plan in plans {
        stages += usize::from(cached_status(&context, plan)? != Status::UpToDate);
    }
    Ok(Stand { units: units.len(), cost: units.iter().map(|unit| unit.cost).sum(), stages })
}

/// Prints a line whenever something has changed, until the stages are up to date.
pub(crate) fn watch(args: &StatusArgs, settings: &Settings, plans: &[StagePlan]) -> Result<ExitCode> {
    let every = all(plans);
    let (total, count) = (every.iter().map(|(_, cost)| cost).sum::<u64>(), every.len());
    drop(every);
    let (begun, mut first, mut last) = (Instant::now(), None, String::new());
    loop {
        let Stand { units, cost, stages } = stand(args, settings, plans)?;
        let at_first = *first.get_or_insert(cost);
        let share = if total == 0 { 100.0 } else { 100.0 - 100.0 * seconds(cost) / seconds(total) };
        let gained = seconds(at_first.saturating_sub(cost));
        // At the pace since the watch began.
        let left = match (gained > 0.0).then(|| begun.elapsed().as_secs_f64() * seconds(cost) / gained) {
            Some(left) if cost > 0 => {
                format!(", about {} left", humantime::format_duration(Duration::from_secs_f64(left.ceil())))
            }
            _ => String::new(),
        };
        let told = format!(
            "{} of {count} units, {share:.1} % of the work{left}; {} of {} stages up to date",
            count - units,
            plans.len() - stages,
            plans.len()
        );
        if told != last {
            let now = humantime::format_rfc3339_seconds(SystemTime::now());
            print_line(&format!("{now}  {told}"))?;
        }
        if stages == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        last = told;
        std::thread::sleep(Duration::from_secs(args.every));
    }
}
