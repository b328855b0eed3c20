//! A1, A2 and A5 over a grid of signal-to-noise ratios: rates of the alignment errors, and where outliers appear.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::problem::family::{Axis, Family};
use crate::simulation::task;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::sine;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Statistic, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{FIRST_BLOCK, Predicted, experiment, mean_gram};
use crate::stages::common::shared::{MATRICES, at, level, query};
use crate::table::Table;

/// The grid: dense where outliers appear, then half a decade apart.
const GRID: [u32; 18] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 100, 200, 300, 1000, 3000, 10_000, 30_000];

/// The grid of the quick profile.
const QUICK_GRID: [u32; 7] = [1, 5, 30, 100, 300, 3000, 30_000];

/// Eigenvalues among which outliers are counted.
const COUNTED: u32 = 8;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let grid: &[u32] = settings.profile.pick(&GRID, &QUICK_GRID);
    let mut base = experiment(settings.profile, "gmm-snr", 5, f64::from(grid[0]));
    // Rates need no large dimension: the errors are operator norms, not fluctuations.
    base.problem.data.set_d(settings.profile.pick(300, 60));
    base.checkpoints = FEWEST_CHECKPOINTS;
    let family = Family::new("gmm-snr", base).axis(Axis::new(
        "lambda",
        "-lambda-",
        grid.iter().copied().map(f64::from),
    ));
    settings
        .members(family)?
        .into_iter()
        .map(|point| {
            Ok(Request::new(settings.experiment(point)?)
                .every_replicate(Checkpoints::First, FIRST_BLOCK, Question::Top(COUNTED))
                .every_replicate(Checkpoints::Last, FIRST_BLOCK, Question::Top(COUNTED))
                .every_replicate(Checkpoints::Last, FIRST_BLOCK, Question::Norms))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut statistics, mut theory) = (Vec::new(), Vec::new());
    for experiment in data.experiments() {
        for checkpoint in [0, experiment.schedule().len() - 1] {
            let Some(levels) = predict(data, experiment, checkpoint, &mut theory)? else { continue };
            for replicate in data.finished(&experiment.name)? {
                measure(data, experiment, (replicate, checkpoint), levels, &mut statistics)?;
            }
        }
    }
    Ok(vec![statistics_table("statistics", &statistics)?, statistics_table("theory", &theory)?])
}

/// Predicted edges and numbers of outliers of both matrices; returns the levels above which eigenvalues count, none
/// where every replicate diverged.
fn predict(
    data: &dyn Data,
    experiment: &Experiment,
    checkpoint: usize,
    theory: &mut Vec<Statistic>,
) -> Result<Option<[f64; 2]>> {
    let Some(mean) = mean_gram(data, experiment, checkpoint)? else { return Ok(None) };
    let step = experiment.schedule()[checkpoint];
    let here = At { experiment: experiment.name.clone(), replicate: None, step, time: experiment.time(step) };
    let mut levels = [0.0; 2];
    for ((matrix, of), least) in MATRICES.into_iter().zip(&mut levels) {
        let predicted = Predicted::block(experiment, &mean, of, 0, 0)?;
        *least = level(&predicted.spectrum, experiment.problem.d());
        let outliers = predicted.spectrum.outliers_above()?;
        let counted = outliers.iter().filter(|outlier| outlier.position > *least).count();
        theory.push(Statistic::plain(
            &here,
            format!("edge, {matrix}"),
            predicted.spectrum.right_edge().position,
        ));
        theory.push(Statistic::plain(&here, format!("level, {matrix}"), *least));
        theory.push(Statistic::plain(&here, format!("outliers, {matrix}"), as_f64(counted)));
    }
    Ok(Some(levels))
}

/// Alignment, numbers of outliers and, at the end, the operator-norm errors of one replicate.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    (replicate, checkpoint): (u32, usize),
    levels: [f64; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<()> {
    let name = experiment.name.as_str();
    let trajectory = data.trajectory(name, replicate)?;
    let Some(observed) = trajectory.checkpoints.get(checkpoint) else { return Ok(()) };
    let here = at(experiment, replicate, observed);
    let x = observed.parameters[0].row(0);
    let space = task::build(&experiment.problem).mean_space();
    statistics.push(Statistic::plain(&here, "sine", sine(x, &space)));
    statistics.push(Statistic::plain(&here, "norm", x.dot(&x).sqrt()));
    let pairs = data.pairs(name, replicate, query(checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    for (((matrix, _), pairs), level) in MATRICES.iter().zip(&pairs).zip(levels) {
        let count = pairs.iter().filter(|pair| pair.value > level).count();
        statistics.push(Statistic::plain(&here, format!("outliers, {matrix}"), as_f64(count)));
        for (rank, pair) in (1..).zip(pairs) {
            statistics.push(Statistic::of(&here, format!("eigenvalue, {matrix}"), rank, pair.value));
        }
    }
    if checkpoint > 0 {
        let norms = data.norms(name, replicate, query(checkpoint, FIRST_BLOCK, Question::Norms))?;
        for ((matrix, _), norms) in MATRICES.iter().zip(&norms).filter(|(_, norms)| norms.operator > 0.0) {
            let relative = |norm: f64| norm / norms.operator;
            statistics.push(Statistic::plain(
                &here,
                format!("full error, {matrix}"),
                relative(norms.outside),
            ));
            statistics.push(Statistic::plain(
                &here,
                format!("perpendicular error, {matrix}"),
                relative(norms.perpendicular),
            ));
        }
    }
    Ok(())
}
