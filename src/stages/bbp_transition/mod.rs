//! A5: where outliers leave the bulk, over a grid of signal-to-noise ratios λ and sample ratios φ, and over training time.
//!
//! Every prediction follows from the limit d → ∞ of SGD alone ([`crate::theory::dynamics`]): Gram matrices at the grid's
//! times and ratios, and from each the bulk and the outliers of the block. A count takes eigenvalues above the predicted
//! edge plus four Tracy-Widom scales at the grid's d, for measured and predicted outliers alike; the curves in the figures
//! are the thresholds of that count, interpolated between Gram matrices of the grid.

pub mod report;

use crate::error::Result;
use crate::problem::experiment::{Experiment, Spacing};
use crate::problem::family::{Axis, Family};
use crate::simulation::task::{self, Matrix};
use crate::spectrum::Pair;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::alignment;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::limit::{Limit, limit};
use crate::stages::common::mixture::{FIRST_BLOCK, Prediction, counted, experiment};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, predicted_at, query, small};
use crate::table::Table;
use crate::theory;
use crate::theory::effective_spectrum::Outlier;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Signal-to-noise ratios.
const LAMBDAS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Those of the quick profile.
const QUICK_LAMBDAS: [u32; 4] = [1, 6, 40, 256];

/// Sample ratios, in tenths.
const RATIOS: [u32; 5] = [5, 15, 40, 120, 360];

/// Those of the quick profile.
const QUICK_RATIOS: [u32; 2] = [5, 40];

/// The sample ratio at which transitions are followed in time, in tenths.
pub const FOLLOWED: u32 = 40;

/// Classes.
pub const CLASSES: usize = 5;

/// Eigenpairs computed, among which outliers are counted.
const COUNTED: u32 = 8;

/// Parts in which the logarithm of a grid step in λ is cut to find a threshold.
const PARTS: u32 = 16;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let ratios: &[u32] = settings.profile.pick(&RATIOS, &QUICK_RATIOS);
    let lambdas: &[u32] = settings.profile.pick(&LAMBDAS, &QUICK_LAMBDAS);
    let mut base = experiment(settings.profile, "gmm-bbp", CLASSES, f64::from(lambdas[0]));
    // Edges and outliers of a block of 150 rows are within the margin of their limits.
    base.problem.data.set_d(settings.profile.pick(150, 60));
    base.horizon = settings.profile.pick(100.0, 30.0);
    base.checkpoints = 9;
    base.spacing = Spacing::Geometric;
    // Names carry φ in tenths.
    let family = Family::new("gmm-bbp", base)
        .axis(over_lambda(lambdas))
        .axis(Axis::new("phi", "-phi-", ratios.iter().map(|ratio| f64::from(*ratio) / 10.0)).scaled(10.0));
    let ask = |point: Experiment| {
        let checkpoints = asked(&point);
        Request::new(point).every_replicate(checkpoints, FIRST_BLOCK, Question::Top(COUNTED))
    };
    Ok(settings.points(family)?.into_iter().map(ask).collect())
}

/// Whether transitions are followed in time.
pub fn is_followed(experiment: &Experiment) -> bool {
    experiment.problem.training.phi.to_bits() == (f64::from(FOLLOWED) / 10.0).to_bits()
}

/// Checkpoints with spectra.
fn asked(experiment: &Experiment) -> Checkpoints {
    if is_followed(experiment) { Checkpoints::All } else { Checkpoints::Spread(2) }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    // The limit does not know φ, so one path serves all ratios of a λ.
    let mut limits: BTreeMap<u64, Limit> = BTreeMap::new();
    for experiment in data.experiments() {
        let lambda = experiment.problem.lambda().to_bits();
        if let std::collections::btree_map::Entry::Vacant(entry) = limits.entry(lambda) {
            entry.insert(limit(experiment)?);
        }
        let Some(limit) = limits.get(&lambda) else { continue };
        for checkpoint in asked(experiment).indices(experiment.schedule().len()) {
            let thresholds = predict(experiment, limit, checkpoint, &mut rows.theory)?;
            for seen in all_seen(data, experiment, Checkpoints::At(checkpoint))? {
                measure(data, experiment, &seen, thresholds, &mut rows.statistics)?;
            }
        }
    }
    thresholds(data, &limits, &mut rows.theory)?;
    rows.tables(&["statistics", "theory"])
}

/// The squared overlaps of each outlier with the span of the means and with what the parameters add to it.
fn carried(here: &At, matrix: Matrix, carriers: &[[f64; 2]], rows: &mut Vec<Statistic>) {
    for (rank, carriers) in (1..).zip(carriers) {
        let outlier = Of::block(matrix, FIRST_BLOCK).rank(rank);
        for (subspace, overlap) in [Subspace::Means, Subspace::Parameters].into_iter().zip(carriers) {
            rows.push(Statistic::new(here, "overlap", outlier.with(subspace), *overlap));
        }
    }
}

/// Predicted numbers and carriers of outliers of both matrices; returns the levels above which eigenvalues count.
fn predict(
    experiment: &Experiment,
    limit: &Limit,
    checkpoint: usize,
    theory: &mut Vec<Statistic>,
) -> Result<[f64; 2]> {
    let here = predicted_at(experiment, checkpoint);
    let predicted = Prediction::both(&here, experiment, &limit.grams[checkpoint], theory)?;
    for (matrix, Prediction { predicted, outliers, .. }) in Matrix::BOTH.into_iter().zip(&predicted) {
        let carriers = |outlier: &Outlier| {
            let means = outlier.overlap_with_span_of_means(&predicted.law);
            [means, outlier.overlap_with_space() - means]
        };
        carried(&here, matrix, &outliers.iter().map(carriers).collect::<Vec<_>>(), theory);
    }
    Ok(predicted.map(|predicted| predicted.threshold))
}

/// Orthonormal basis of what the span of the rows adds to a space.
fn added(rows: &Array2<f64>, space: &Array2<f64>) -> Result<Array2<f64>> {
    let outside = rows - &rows.dot(space).dot(&space.t());
    crate::spectrum::subspace::span(&outside.reversed_axes(), 1e-8)
}

/// Numbers and carriers of outliers of one replicate at one checkpoint.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    Seen { here, replicate, checkpoint, observed }: &Seen,
    thresholds: [f64; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<()> {
    let name = experiment.name.as_str();
    let space = task::build(&experiment.problem).mean_space();
    let rest = added(&observed.parameters[0], &space)?;
    let pairs = data.pairs(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    let squared = |pair: &Pair, space: &Array2<f64>| {
        let share = alignment(pair.vector.view(), space);
        share * share
    };
    for (matrix, counted) in Matrix::BOTH.into_iter().zip(counted(here, &pairs, thresholds, statistics)) {
        let carriers: Vec<[f64; 2]> =
            counted.iter().map(|pair| [squared(pair, &space), squared(pair, &rest)]).collect();
        carried(here, matrix, &carriers, statistics);
    }
    Ok(())
}

/// Predicted thresholds in λ of the first and of the k-th outlier, for every φ and followed time: the first λ of a fine grid,
/// on which Gram matrices are interpolated, from which on that many are counted.
fn thresholds(data: &dyn Data, limits: &BTreeMap<u64, Limit>, theory: &mut Vec<Statistic>) -> Result<()> {
    let mut grid: Vec<(f64, &Limit)> =
        limits.iter().map(|(bits, limit)| (f64::from_bits(*bits), limit)).collect();
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut seen: Vec<u64> = Vec::new();
    for experiment in data.experiments() {
        if seen.contains(&experiment.problem.training.phi.to_bits()) {
            continue;
        }
        seen.push(experiment.problem.training.phi.to_bits());
        for checkpoint in asked(experiment).indices(experiment.schedule().len()) {
            let here = predicted_at(experiment, checkpoint);
            for (matrix, of) in MATRICES {
                for wanted in [1, CLASSES] {
                    if let Some(lambda) = threshold(experiment, &grid, checkpoint, of, wanted)? {
                        let outlier = Of::block(matrix, FIRST_BLOCK).rank(small(wanted));
                        theory.push(Statistic::new(&here, "threshold", outlier, lambda));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The λ from which on at least this many outliers are counted, by bisection between the grid points that bracket it; none if
/// already the least λ has them, or the largest does not.
fn threshold(
    experiment: &Experiment,
    grid: &[(f64, &Limit)],
    checkpoint: usize,
    matrix: theory::Matrix,
    wanted: usize,
) -> Result<Option<f64>> {
    let enough = |lambda: f64, gram: &Array2<f64>| -> Result<bool> {
        let mut there = experiment.clone();
        there.problem.data.set_lambda(lambda);
        Ok(Prediction::new(&there, gram, matrix)?.outliers.len() >= wanted)
    };
    let mut below: Option<(f64, &Array2<f64>)> = None;
    for (lambda, limit) in grid {
        let gram = &limit.grams[checkpoint];
        if !enough(*lambda, gram)? {
            below = Some((*lambda, gram));
            continue;
        }
        let Some((low, start)) = below else { return Ok(None) };
        let (mut from, mut to) = (0, PARTS);
        let share = |part: u32| f64::from(part) / f64::from(PARTS);
        let between = |part: u32| low * libm::pow(lambda / low, share(part));
        while to - from > 1 {
            let middle = u32::midpoint(from, to);
            let gram = start * (1.0 - share(middle)) + gram * share(middle);
            if enough(between(middle), &gram)? { to = middle } else { from = middle }
        }
        return Ok(Some(between(to)));
    }
    Ok(None)
}
