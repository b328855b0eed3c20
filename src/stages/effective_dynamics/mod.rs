//! D1: summary statistics of SGD follow the effective dynamics, up to fluctuations of order d^{-1/2}.
//!
//! Task A starts at random, with unequal class probabilities and means that are not orthogonal. Task B starts with
//! macroscopic `m(0)`: from `N(0, I_d/d)` its limit has `m = 0` and keeps it, while every run leaves that set; the stage
//! `xor-escape` shows how.

pub mod report;

use crate::error::Result;
use crate::problem::Problem;
use crate::problem::data::{DataLaw, Means};
use crate::problem::family::Family;
use crate::problem::network::Network;
use crate::problem::training::{Start, Training};
use crate::simulation::task::{self, Summary};
use crate::stage::request::Request;
use crate::stage::rows::{At, Statistic, ranges_table, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over;
use crate::stages::common::limit::{experiment, limit, macroscopic, predicted};
use crate::stages::common::shared::of_summary;
use crate::table::Table;
use std::collections::BTreeMap;

/// Dimensions.
const DIMENSIONS: [usize; 5] = [100, 200, 400, 800, 1600];

/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 3] = [50, 100, 200];

/// Signal-to-noise ratio.
const LAMBDA: f64 = 10.0;

/// The statistic that is bounded, and its rate.
const DEVIATIONS: &str = "largest deviation";
/// The same of the prediction that stays at the start.
const STILL: &str = "largest deviation from the start";

/// Replicates: the largest deviation scatters by a fifth, so its slope over these dimensions by 0.1, of which 7 standard errors
/// and half an interval must fit into the tolerance of the exponent.
const REPLICATES: u32 = 200;

/// Prefixes of the names of the experiments of both tasks.
const TASKS: [(&str, &str); 2] = [("gmm", "task A"), ("xor", "task B")];

/// Three unequal classes, two of whose means are not orthogonal.
fn mixture(d: usize, lambda: f64) -> DataLaw {
    let gram = vec![vec![1.0, 0.3, 0.0], vec![0.3, 1.0, 0.0], vec![0.0, 0.0, 1.0]];
    DataLaw::unequal_mixture(d, lambda, vec![0.5, 0.3, 0.2], Means::Gram(gram))
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let mut requests = Vec::new();
    for (task, _) in TASKS {
        let d = dimensions[0];
        let (data, network, beta, start) = match task {
            "gmm" => (mixture(d, LAMBDA), Network::softmax(), 0.05, Start::default()),
            _ => (DataLaw::xor(d, LAMBDA), Network::two_layer(4), 0.02, macroscopic()),
        };
        let training = Training { start, ..Training::new(beta, 1.0, 1.0) };
        let problem = Problem { data, network, training };
        let replicates = settings.profile.pick(REPLICATES, 20);
        let base = experiment(
            format!("{task}-dynamics"),
            problem,
            settings.profile.pick(20.0, 10.0),
            21,
            replicates,
        );
        let family = Family::new(base.name.clone(), base).axis(over(dimensions));
        requests.extend(settings.points(family)?.into_iter().map(Request::new));
    }
    Ok(requests)
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut statistics, mut theory) = (Vec::new(), Vec::new());
    let (mut lows, mut highs) = (Vec::new(), Vec::new());
    for experiment in data.experiments() {
        let limit = limit(experiment)?;
        let task = task::build(&experiment.reduced_problem());
        let schedule = experiment.schedule();
        let here = |checkpoint: usize, replicate: Option<u32>| At {
            experiment: experiment.name.clone(),
            replicate,
            step: schedule[checkpoint],
            time: experiment.time(schedule[checkpoint]),
        };
        let last = schedule.len() - 1;
        theory.push(Statistic::plain(&here(last, None), "error of the prediction", limit.error()));
        // Smallest and largest value over replicates, by checkpoint and statistic.
        let mut ranges: BTreeMap<(usize, &'static str, usize, usize), (f64, f64)> = BTreeMap::new();
        for replicate in data.finished(&experiment.name)? {
            let (mut farthest, mut still) = (0.0_f64, 0.0_f64);
            for (checkpoint, observed) in
                data.trajectory(&experiment.name, replicate)?.checkpoints.iter().enumerate()
            {
                for summary in task.summary(&observed.parameters) {
                    let expected = predicted(&limit.path.states[checkpoint], &summary);
                    farthest = farthest.max((summary.value - expected).abs());
                    still = still.max((summary.value - predicted(&limit.path.states[0], &summary)).abs());
                    let key = (checkpoint, summary.statistic, summary.row, summary.col);
                    let range = ranges.entry(key).or_insert((f64::INFINITY, f64::NEG_INFINITY));
                    *range = (range.0.min(summary.value), range.1.max(summary.value));
                }
            }
            statistics.push(Statistic::plain(&here(last, Some(replicate)), DEVIATIONS, farthest));
            statistics.push(Statistic::plain(&here(last, Some(replicate)), STILL, still));
        }
        for ((checkpoint, statistic, row, col), (low, high)) in ranges {
            let (place, of) = (here(checkpoint, None), of_summary(&*task, statistic, (row, col)));
            lows.push(Statistic::new(&place, statistic, of, low));
            highs.push(high);
            let summary = Summary { statistic, row, col, value: 0.0 };
            let expected = predicted(&limit.path.states[checkpoint], &summary);
            theory.push(Statistic::new(&place, statistic, of, expected));
        }
    }
    Ok(vec![
        statistics_table("statistics", &statistics)?,
        ranges_table("bands", &lows, highs)?,
        statistics_table("theory", &theory)?,
    ])
}
