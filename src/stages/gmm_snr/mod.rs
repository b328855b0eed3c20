//! A1, A2 and A5 over a grid of signal-to-noise ratios: rates of the alignment errors, and where outliers appear.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::simulation::task::{self, Layer, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::sine;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Statistic, Subspace, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{FIRST_BLOCK, Predicted, experiment, mean_gram};
use crate::stages::common::shared::{MATRICES, at, foreseen_at, level, norm_errors, query};
use crate::table::Table;

/// The grid: dense where outliers appear, then half a decade apart.
const GRID: [u32; 18] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 100, 200, 300, 1000, 3000, 10_000, 30_000];

/// The grid of the quick profile.
const QUICK_GRID: [u32; 7] = [1, 5, 30, 100, 300, 3000, 30_000];

/// Eigenvalues among which outliers are counted.
const COUNTED: u32 = 8;

fn name(lambda: u32) -> String {
    format!("gmm-snr-lambda-{lambda}")
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let grid: &[u32] = settings.profile.pick(&GRID, &QUICK_GRID);
    grid.iter()
        .map(|&lambda| {
            let mut point = experiment(settings.profile, &name(lambda), 5, f64::from(lambda));
            // Rates need no large dimension: the errors are operator norms, not fluctuations.
            point.model.d = settings.profile.pick(300, 60);
            point.checkpoints = FEWEST_CHECKPOINTS;
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
    let here = foreseen_at(experiment, checkpoint);
    let mut levels = [0.0; 2];
    for ((matrix, of), least) in MATRICES.into_iter().zip(&mut levels) {
        let predicted = Predicted::block(experiment, &mean, of, 0, 0)?;
        *least = level(&predicted.spectrum, experiment.model.d);
        let outliers = predicted.spectrum.outliers_above()?;
        let counted = outliers.iter().filter(|outlier| outlier.position > *least).count();
        let block = Of::block(matrix, FIRST_BLOCK);
        theory.push(Statistic::new(&here, "edge", block, predicted.spectrum.right_edge().position));
        theory.push(Statistic::new(&here, "level", block, *least));
        theory.push(Statistic::new(&here, "outliers", block, as_f64(counted)));
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
    let space = task::build(&experiment.model).mean_space();
    let row = Of::row(Layer::X, 0);
    statistics.push(Statistic::new(&here, "sine", row.with(Subspace::Means), sine(x, &space)));
    statistics.push(Statistic::new(&here, "norm", row, x.dot(&x).sqrt()));
    let pairs = data.pairs(name, replicate, query(checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    for ((matrix, pairs), level) in Matrix::BOTH.into_iter().zip(&pairs).zip(levels) {
        let block = Of::block(matrix, FIRST_BLOCK);
        let count = pairs.iter().filter(|pair| pair.value > level).count();
        statistics.push(Statistic::new(&here, "outliers", block, as_f64(count)));
        for (rank, pair) in (1..).zip(pairs) {
            statistics.push(Statistic::new(&here, "eigenvalue", block.rank(rank), pair.value));
        }
    }
    if checkpoint > 0 {
        let norms = data.norms(name, replicate, query(checkpoint, FIRST_BLOCK, Question::Norms))?;
        for (matrix, norms) in Matrix::BOTH.into_iter().zip(norms) {
            statistics.extend(norm_errors(&here, Of::block(matrix, FIRST_BLOCK), norms));
        }
    }
    Ok(())
}
