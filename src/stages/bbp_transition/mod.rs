//! A5: where outliers leave the bulk, over a grid of signal-to-noise ratios λ and sample ratios φ, and over training time.
//!
//! Every prediction follows from the limit d → ∞ of SGD alone ([`crate::theory::dynamics`]): Gram matrices at the grid's
//! times and ratios, and from each the bulk and the outliers of the block. A count takes eigenvalues above the predicted
//! edge plus four Tracy-Widom scales at the grid's d, for measured and predicted outliers alike. Thresholds of that count, in
//! λ and in time, are found by one rule for every replicate and for the prediction ([`crate::stages::common::thresholds`]).

pub mod report;

use crate::error::Result;
use crate::problem::experiment::{Experiment, Spacing};
use crate::problem::family::{Axis, Family};
use crate::simulation::task::{self, Matrix};
use crate::spectrum::Pair;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{alignment, random_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::limit::{Limit, limit};
use crate::stages::common::mixture::{FIRST_BLOCK, Prediction, counted, experiment};
use crate::stages::common::shared::{Seen, all_seen, predicted_at, query, small};
use crate::stages::common::thresholds::{self, Curves, relative, relative_without_weights};
use crate::table::Table;
use crate::theory::effective_spectrum::Outlier;
use ndarray::Array2;
use std::collections::BTreeMap;

/// Signal-to-noise ratios, by factors of at most 1.3.
const LAMBDAS: [f64; 25] = [
    1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0, 32.0, 40.0, 50.0, 64.0,
    80.0, 100.0, 128.0, 160.0, 200.0, 256.0,
];

/// Those of the quick profile.
const QUICK_LAMBDAS: [f64; 4] = [1.0, 6.0, 40.0, 256.0];

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

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let ratios: &[u32] = settings.profile.pick(&RATIOS, &QUICK_RATIOS);
    let lambdas: &[f64] = settings.profile.pick(&LAMBDAS, &QUICK_LAMBDAS);
    let mut base = experiment(settings.profile, "gmm-bbp", CLASSES, lambdas[0]);
    // Edges and outliers of a block of 150 rows are within the margin of their limits.
    base.problem.data.set_d(settings.profile.pick(150, 60));
    base.horizon = settings.profile.pick(100.0, 30.0);
    base.checkpoints = settings.profile.pick(25, 9);
    base.spacing = Spacing::Geometric;
    // Names carry φ in tenths.
    let family = Family::new("gmm-bbp", base)
        .axis(over_lambda(lambdas))
        .axis(Axis::new("phi", "-phi-", ratios.iter().map(|ratio| f64::from(*ratio) / 10.0)).scaled(10.0));
    let ask = |point: Experiment| {
        let checkpoints = asked(&point);
        Request::new(point).every_replicate(checkpoints, FIRST_BLOCK, Question::Top(COUNTED))
    };
    let mut requests = Vec::new();
    for mut point in settings.members(family)? {
        point.replicates = settings.profile.pick(replicates(&point), point.replicates);
        requests.push(ask(settings.experiment(point)?));
    }
    Ok(requests)
}

/// Replicates of the paper profile. Logarithms of thresholds scatter by up to 0.16 where samples are few (φ = 0.5) and by up to 0.12
/// elsewhere, those of times by 0.2 for H: [`thresholds::TOLERANCE`] is 8 standard errors of their means.
fn replicates(experiment: &Experiment) -> u32 {
    if is_followed(experiment) {
        120
    } else if experiment.problem.training.phi < 1.0 {
        96
    } else {
        60
    }
}

/// Whether transitions are followed in time.
pub fn is_followed(experiment: &Experiment) -> bool {
    experiment.problem.training.phi.to_bits() == (f64::from(FOLLOWED) / 10.0).to_bits()
}

/// Checkpoints with spectra.
fn asked(experiment: &Experiment) -> Checkpoints {
    if is_followed(experiment) { Checkpoints::All } else { Checkpoints::Spread(2) }
}

/// What a curve over λ is of: φ, checkpoint, matrix, rank.
type OverSnr = (u64, usize, Matrix, u32);
/// What a curve over time is of: experiment, matrix, rank, and whether it falls below the level.
type OverTime = (String, Matrix, u32, bool);

/// The curves of eigenvalues over their levels.
#[derive(Default)]
struct Collected {
    snr: Curves<OverSnr>,
    time: Curves<OverTime>,
    unweighted: Curves<(u64, Matrix, u32)>,
    /// Whether an eigenvalue is predicted to be above its level at the start.
    starts: BTreeMap<(String, Matrix, u32), bool>,
}

impl Collected {
    fn add(
        &mut self,
        experiment: &Experiment,
        (checkpoint, time): (usize, f64),
        (matrix, rank): (Matrix, u32),
        (replicate, relative): (Option<u32>, f64),
    ) {
        let (lambda, phi) = (experiment.problem.lambda(), experiment.problem.training.phi.to_bits());
        self.snr.add((phi, checkpoint, matrix, rank), replicate, lambda, relative);
        if !is_followed(experiment) {
            return;
        }
        let name = (experiment.name.clone(), matrix, rank);
        if checkpoint == 0 && replicate.is_none() {
            self.starts.insert(name.clone(), relative >= 1.0);
        }
        // The start is at no place of a logarithmic axis.
        let falls = self.starts.get(&name).copied().unwrap_or(false);
        let key = (name.0, matrix, rank, falls);
        self.time.add(key, replicate, time, if falls { 1.0 / relative } else { relative });
    }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    let mut all = Collected::default();
    // The limit does not know φ, so one path serves all ratios of a λ.
    let mut limits: BTreeMap<u64, Limit> = BTreeMap::new();
    for experiment in data.experiments() {
        let lambda = experiment.problem.lambda().to_bits();
        if let std::collections::btree_map::Entry::Vacant(entry) = limits.entry(lambda) {
            entry.insert(limit(experiment)?);
        }
        let Some(limit) = limits.get(&lambda) else { continue };
        for checkpoint in asked(experiment).indices(experiment.schedule().len()) {
            let here = predicted_at(experiment, checkpoint);
            let predicted = predict(experiment, (limit, checkpoint), &mut all, &mut rows.theory)?;
            for seen in all_seen(data, experiment, Checkpoints::At(checkpoint))? {
                let pairs = measure(data, experiment, &seen, predicted, &mut rows.statistics)?;
                for ((matrix, level), pairs) in Matrix::BOTH.into_iter().zip(predicted).zip(&pairs) {
                    for (rank, pair) in (1..=small(CLASSES)).zip(pairs) {
                        let place = (Some(seen.replicate), pair.value / level);
                        all.add(experiment, (checkpoint, here.time), (matrix, rank), place);
                    }
                }
            }
        }
    }
    tell_thresholds(data, all, (&mut rows.statistics, &mut rows.theory))?;
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

/// Whether carriers are compared at a checkpoint.
fn carries(experiment: &Experiment, checkpoint: usize) -> bool {
    checkpoint == 0 || checkpoint + 1 == experiment.schedule().len()
}

/// Predicted numbers and carriers of outliers of both matrices; returns the levels above which eigenvalues count.
fn predict(
    experiment: &Experiment,
    (limit, checkpoint): (&Limit, usize),
    all: &mut Collected,
    theory: &mut Vec<Statistic>,
) -> Result<[f64; 2]> {
    let here = predicted_at(experiment, checkpoint);
    let both = Prediction::both(&here, experiment, &limit.grams[checkpoint], theory)?;
    for (matrix, prediction) in Matrix::BOTH.into_iter().zip(&both) {
        let Prediction { predicted, outliers, threshold } = prediction;
        for (rank, relative) in (1..).zip(relative(experiment, &predicted.spectrum)?) {
            all.add(experiment, (checkpoint, here.time), (matrix, rank), (None, relative));
        }
        if checkpoint == 0 {
            let (lambda, phi) = (experiment.problem.lambda(), experiment.problem.training.phi.to_bits());
            for (rank, relative) in (1..).zip(relative_without_weights(experiment, prediction)?) {
                all.unweighted.add((phi, matrix, rank), None, lambda, relative);
            }
        }
        if carries(experiment, checkpoint) {
            let carriers = |outlier: &Outlier| {
                let means = outlier.overlap_with_span_of_means(&predicted.law);
                [means, outlier.overlap_with_space() - means]
            };
            carried(&here, matrix, &outliers.iter().map(carriers).collect::<Vec<_>>(), theory);
            let edge = predicted.spectrum.right_edge().position;
            for (rank, outlier) in (1..).zip(outliers) {
                // In units of the margin between edge and level.
                let clearance = (outlier.position - edge) / (threshold - edge);
                theory.push(Statistic::new(&here, "clearance", thresholds::of(matrix, rank), clearance));
            }
        }
    }
    Ok(both.map(|predicted| predicted.threshold))
}

/// Orthonormal basis of what the span of the rows adds to a space.
fn added(rows: &Array2<f64>, space: &Array2<f64>) -> Result<Array2<f64>> {
    let outside = rows - &rows.dot(space).dot(&space.t());
    crate::spectrum::subspace::span(&outside.reversed_axes(), 1e-8)
}

/// Numbers and carriers of outliers of one replicate at one checkpoint; returns the eigenpairs.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    Seen { here, replicate, checkpoint, observed }: &Seen,
    levels: [f64; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<[Vec<Pair>; 2]> {
    let name = experiment.name.as_str();
    let pairs = data.pairs(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    let squared = |pair: &Pair, space: &Array2<f64>| {
        let share = alignment(pair.vector.view(), space);
        share * share
    };
    let counted = counted(here, &pairs, levels, statistics);
    if carries(experiment, *checkpoint) && *checkpoint > 0 {
        let space = task::build(&experiment.problem).mean_space();
        let rest = added(&observed.parameters[0], &space)?;
        let random = random_space(space.nrows(), space.ncols(), &mut data.null(name, *replicate))?;
        for (matrix, counted) in Matrix::BOTH.into_iter().zip(counted) {
            let carriers: Vec<[f64; 2]> =
                counted.iter().map(|pair| [squared(pair, &space), squared(pair, &rest)]).collect();
            carried(here, matrix, &carriers, statistics);
            for (rank, pair) in (1..).zip(counted) {
                let of = thresholds::of(matrix, rank).with(Subspace::Random);
                statistics.push(Statistic::new(here, "overlap", of, squared(pair, &random)));
            }
        }
    }
    Ok(pairs)
}

/// Measured and predicted thresholds: in λ, of every φ and followed time, in the rows of the first experiment of that φ; in time,
/// of every experiment that is followed.
fn tell_thresholds(
    data: &dyn Data,
    all: Collected,
    (statistics, theory): (&mut Vec<Statistic>, &mut Vec<Statistic>),
) -> Result<()> {
    let mut anchors: BTreeMap<u64, &Experiment> = BTreeMap::new();
    for experiment in data.experiments() {
        anchors.entry(experiment.problem.training.phi.to_bits()).or_insert(experiment);
    }
    let mut push = |at: At, statistic: &'static str, of: Of, value: f64| {
        let table = if at.replicate.is_some() { &mut *statistics } else { &mut *theory };
        table.push(Statistic::new(&at, statistic, of, value));
    };
    for ((phi, checkpoint, matrix, rank), replicate, lambda) in all.snr.thresholds() {
        let Some(anchor) = anchors.get(&phi) else { continue };
        let at = At { replicate, ..predicted_at(anchor, checkpoint) };
        push(at, "threshold", thresholds::of(matrix, rank), lambda);
    }
    for ((phi, matrix, rank), _, lambda) in all.unweighted.thresholds() {
        let Some(anchor) = anchors.get(&phi) else { continue };
        push(predicted_at(anchor, 0), "threshold without weights", thresholds::of(matrix, rank), lambda);
    }
    for ((name, matrix, rank, falls), replicate, time) in all.time.thresholds() {
        let experiment = data.experiment(&name)?;
        let at = At { replicate, ..predicted_at(experiment, experiment.schedule().len() - 1) };
        let statistic = if falls { "time of joining the bulk" } else { "time of leaving the bulk" };
        push(at, statistic, thresholds::of(matrix, rank), time);
    }
    Ok(())
}
