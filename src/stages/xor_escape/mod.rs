//! D1, where it does not reach: the XOR network at a random start leaves the set `m = 0` after a time that grows like log d.
//!
//! As d → ∞ a random start has `m = 0`, where the effective dynamics stay for ever. At finite d it has `m(0)` of order
//! `d^{-1/2}`, which grows exponentially: the time at which some `‖(W_i·μ, W_i·ν)‖` reaches 1/2 grows like `ln d / (2 r)` with
//! the rate r. The effective dynamics from the run's own start foretell it. The second layer starts at fixed
//! weights, so that r is the same at every d; the exact reduced chain reaches dimensions that SGD cannot.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::family::Family;
use crate::problem::training::Start;
use crate::simulation::task;
use crate::simulation::trajectory::Observed;
use crate::stage::request::Request;
use crate::stage::rows::{At, Of, Rows, Statistic, Statistics};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over;
use crate::stages::common::limit::limit_from;
use crate::stages::common::shared::predicted_at;
use crate::stages::common::xor::experiment;
use crate::table::Table;
use crate::theory::dynamics::State;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Dimensions.
const DIMENSIONS: [usize; 7] = [100, 300, 1000, 3000, 10_000, 30_000, 100_000];

/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 3] = [1000, 3000, 10_000];

/// Size of `(W_i·μ, W_i·ν)` at which a neuron has escaped.
const ESCAPED: f64 = 0.5;

/// Step and nodes per cluster of the predictions.
const INTEGRATION: (f64, usize) = (0.5, 64);

/// Replicates: escape times scatter by half a rate's inverse and more, and a share of all of them must clear its bound.
const REPLICATES: u32 = 100;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let mut base = experiment(settings.profile, "xor-escape", 4, dimensions[0], 100.0);
    base.problem.training.start = Start { along: None, second: Some(vec![1.0, 1.0, -1.0, -1.0]) };
    base.horizon = 20.0;
    base.checkpoints = 51;
    base.replicates = settings.profile.pick(REPLICATES, base.replicates);
    base.simulator = Simulator::Chain;
    let family = Family::new("xor-escape", base).axis(over(dimensions));
    Ok(settings.points(family)?.into_iter().map(Request::new).collect())
}

/// Largest `‖(W_i·μ, W_i·ν)‖` of a matrix m (K × 2).
fn largest(means: &Array2<f64>) -> f64 {
    means.rows().into_iter().map(|row| row.dot(&row).sqrt()).fold(0.0, f64::max)
}

/// m, R and v of a checkpoint.
fn state(experiment: &Experiment, observed: &Observed) -> State {
    let task = task::build(&experiment.reduced_problem());
    let rows = experiment.problem.rows();
    let mut state = State::zero(rows, 2);
    state.second = vec![0.0; rows];
    for summary in task.summary(&observed.parameters) {
        match summary.statistic {
            "m" => state.means[[summary.row, summary.col]] = summary.value,
            "R" => state.gram[[summary.row, summary.col]] = summary.value,
            _ => state.second[summary.row] = summary.value,
        }
    }
    state
}

/// The time at which a curve first reaches a level, between points on a line; none if it never does.
fn reaches(curve: &[(f64, f64)], level: f64) -> Option<f64> {
    curve.windows(2).find(|pair| pair[1].1 >= level).map(|pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        from + (to - from) * ((level - low) / (high - low)).clamp(0.0, 1.0)
    })
}

/// The curve of the largest `‖m_i‖` that the effective dynamics give from the limit of the random starts with `m_i = size·(1, 1)/√2`
/// added, the size of m at finite d.
fn from_typical(experiment: &Experiment, size: f64) -> Result<Vec<(f64, f64)>> {
    let rows = experiment.problem.rows();
    let mut start = State::random_limit(rows, 2);
    start.means.fill(size / 2.0_f64.sqrt());
    start.gram += &start.means.dot(&start.means.t());
    start.second = experiment.problem.training.start.second.clone().unwrap_or_default();
    let (step, nodes) = INTEGRATION;
    let path = limit_from(experiment, &start, step, nodes)?.path;
    Ok(path.times.iter().zip(&path.states).map(|(time, state)| (*time, largest(&state.means))).collect())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let end = predicted_at(experiment, experiment.schedule().len() - 1);
        let d = as_f64(experiment.problem.d());
        if let Some(time) = reaches(&from_typical(experiment, 1.0 / d.sqrt())?, ESCAPED) {
            rows.predict(&end, "typical escape time", Of::default(), time);
        }
        let limit = from_typical(experiment, 0.0)?.into_iter().map(|point| point.1).fold(0.0, f64::max);
        rows.predict(&end, "largest m of the limit", Of::default(), limit);
        for replicate in data.finished(&experiment.name)? {
            let checkpoints = data.trajectory(&experiment.name, replicate)?.checkpoints;
            let Some(first) = checkpoints.first() else { continue };
            let (step, nodes) = INTEGRATION;
            let path = limit_from(experiment, &state(experiment, first), step, nodes)?.path;
            let predicted: Vec<(f64, f64)> = path
                .times
                .iter()
                .zip(&path.states)
                .map(|(time, state)| (*time, largest(&state.means)))
                .collect();
            let measured: Vec<(f64, f64)> = checkpoints
                .iter()
                .map(|observed| (observed.time, largest(&state(experiment, observed).means)))
                .collect();
            for (curve, table) in [(&measured, &mut rows.statistics), (&predicted, &mut rows.theory)] {
                let here = |index: usize| At {
                    experiment: experiment.name.clone(),
                    replicate: Some(replicate),
                    step: checkpoints[index].step,
                    time: curve[index].0,
                };
                // Curves of a few replicates are drawn, times of all are used.
                if replicate < 3 {
                    for (index, (_, value)) in curve.iter().enumerate() {
                        table.push(Statistic::plain(&here(index), "largest m", *value));
                    }
                }
                if let Some(time) = reaches(curve, ESCAPED) {
                    table.push(Statistic::plain(&here(curve.len() - 1), "escape time", time));
                }
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}

/// Escape times by replicate.
fn times(statistics: &Statistics, experiment: &Experiment) -> BTreeMap<u32, f64> {
    let all = statistics.of(&experiment.name, "escape time");
    all.iter().filter_map(|row| row.at.replicate.map(|replicate| (replicate, row.value))).collect()
}
