//! A1, A2 and A5 over a grid of signal-to-noise ratios: rates of the alignment errors, and where outliers appear.

pub mod report;

use crate::error::{Error, Result};
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::problem::family::Family;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{random_space, sine, span};
use crate::spectrum::{Pair, leading_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::limit::limit;
use crate::stages::common::mixture::{FIRST_BLOCK, Prediction, classes, counted, experiment};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, norm_errors, predicted_at, query};
use crate::stages::common::thresholds::{
    self, Curves, FINE, largest_of_bulk, relative, relative_without_weights,
};
use crate::table::Table;
use crate::theory;
use crate::theory::jacobi::symmetric_eigen;
use crate::theory::mixture_law::MixtureLaw;
use ndarray::{Array1, Array2, Axis, concatenate};

/// The grid: steps of at most a factor 1.3 where outliers appear, then wider.
const GRID: [f64; 28] = [
    0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0, 30.0, 38.0, 48.0,
    60.0, 75.0, 100.0, 200.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0,
];

/// The grid of the quick profile.
const QUICK_GRID: [f64; 7] = [1.0, 5.0, 30.0, 100.0, 300.0, 3000.0, 30_000.0];

/// Replicates: the threshold of one outlier of one replicate scatters by up to 0.17 in its logarithm, of which the tolerance of its
/// mean, [`thresholds::TOLERANCE`], is then 8 standard errors.
const REPLICATES: u32 = 96;

/// Least λ of what is compared at large λ: principal components and random spaces are computed from here on.
pub const LARGE: f64 = 100.0;

/// Classes.
const CLASSES: usize = 5;

/// Eigenvalues among which outliers are counted.
const COUNTED: u32 = 8;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let grid: &[f64] = settings.profile.pick(&GRID, &QUICK_GRID);
    let mut base = experiment(settings.profile, "gmm-snr", CLASSES, grid[0]);
    // Rates need no large dimension: the errors are operator norms, not fluctuations.
    base.problem.data.set_d(settings.profile.pick(300, 60));
    base.checkpoints = FEWEST_CHECKPOINTS;
    base.replicates = settings.profile.pick(REPLICATES, base.replicates);
    let family = Family::new("gmm-snr", base).axis(over_lambda(grid));
    let ask = |point: Experiment| {
        let large = point.problem.lambda() >= LARGE;
        let components = Question::Components(classes(&point) + 1);
        let request = Request::new(point)
            .every_replicate(Checkpoints::Spread(2), FIRST_BLOCK, Question::Top(COUNTED))
            .every_replicate(Checkpoints::Last, FIRST_BLOCK, Question::Norms);
        if large { request.every_replicate(Checkpoints::Last, FIRST_BLOCK, components) } else { request }
    };
    Ok(settings.points(family)?.into_iter().map(ask).collect())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    let (mut curves, mut unweighted) = (Curves::default(), Curves::default());
    for experiment in data.experiments() {
        let (limit, lambda) = (limit(experiment)?, experiment.problem.lambda());
        for checkpoint in [0, experiment.schedule().len() - 1] {
            let here = predicted_at(experiment, checkpoint);
            let predicted = Prediction::both(&here, experiment, &limit.grams[checkpoint], &mut rows.theory)?;
            for ((matrix, of), prediction) in MATRICES.into_iter().zip(&predicted) {
                let spectrum = &prediction.predicted.spectrum;
                let block = Of::block(matrix, FIRST_BLOCK);
                rows.predict(&here, "edge", block, spectrum.right_edge().position);
                for (rank, relative) in (1..).zip(relative(experiment, spectrum)?) {
                    curves.add((checkpoint > 0, matrix, rank), None, lambda, relative);
                }
                if checkpoint == 0 {
                    for (rank, relative) in (1..).zip(relative_without_weights(experiment, prediction)?) {
                        unweighted.add((matrix, rank), None, lambda, relative);
                    }
                } else if let (true, Some(first)) = (lambda >= LARGE, prediction.outliers.first()) {
                    let largest = largest_of_bulk_at(data, experiment, &limit.grams[checkpoint], of)?;
                    rows.predict(&here, "perpendicular error", block, largest / first.position);
                }
            }
            let thresholds = predicted.map(|predicted| predicted.threshold);
            for seen in all_seen(data, experiment, Checkpoints::At(checkpoint))? {
                let pairs = measure(data, experiment, &seen, thresholds, &mut rows.statistics)?;
                for ((matrix, level), pairs) in Matrix::BOTH.into_iter().zip(thresholds).zip(&pairs) {
                    for (rank, pair) in (1..=classes(experiment)).zip(pairs) {
                        let key = (checkpoint > 0, matrix, rank);
                        curves.add(key, Some(seen.replicate), lambda, pair.value / level);
                    }
                }
            }
        }
    }
    let Some(anchor) = data.experiments().into_iter().next() else { return Ok(Vec::new()) };
    let last = anchor.schedule().len() - 1;
    for ((end, matrix, rank), replicate, lambda) in curves.thresholds() {
        let here = At { replicate, ..predicted_at(anchor, if end { last } else { 0 }) };
        let table = if replicate.is_some() { &mut rows.statistics } else { &mut rows.theory };
        table.push(Statistic::new(&here, "threshold", thresholds::of(matrix, rank), lambda));
    }
    for ((matrix, rank), _, lambda) in unweighted.thresholds() {
        let here = predicted_at(anchor, 0);
        rows.predict(&here, "threshold without weights", thresholds::of(matrix, rank), lambda);
    }
    rows.tables(&["statistics", "theory"])
}

/// [`largest_of_bulk`] of the first block of a matrix.
fn largest_of_bulk_at(
    data: &dyn Data,
    experiment: &Experiment,
    gram: &Array2<f64>,
    matrix: theory::Matrix,
) -> Result<f64> {
    let problem = &experiment.problem;
    let (n, probabilities) = (problem.sample_size(), problem.data.probabilities());
    let k = probabilities.len();
    let law = MixtureLaw::with_nodes(gram, k, probabilities, problem.lambda(), FINE * n.div_ceil(k))?;
    let weights = law.weights(matrix, 0, 0)?.values;
    let mut normals = data.null(&experiment.name, 0);
    let sizes = (n, problem.d(), problem.lambda());
    Ok(largest_of_bulk(&law.nodes, &weights, sizes, || normals.uniform())?.mean)
}

/// Alignment, numbers of outliers and, at the end, the operator-norm errors of one replicate.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    Seen { here, replicate, checkpoint, observed }: &Seen,
    thresholds: [f64; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<[Vec<Pair>; 2]> {
    let name = experiment.name.as_str();
    let space = task::build(&experiment.problem).mean_space();
    for (class, x) in (0..).zip(observed.parameters[0].rows()) {
        let row = Of::row(Layer::X, class);
        statistics.push(Statistic::new(here, "sine", row.with(Subspace::Means), sine(x, &space)));
        if class == 0 {
            statistics.push(Statistic::new(here, "norm", row, x.dot(&x).sqrt()));
        }
    }
    let pairs = data.pairs(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    counted(here, &pairs, thresholds, statistics);
    for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
        let block = Of::block(matrix, FIRST_BLOCK);
        for (rank, pair) in (1..).zip(pairs) {
            statistics.push(Statistic::new(here, "eigenvalue", block.rank(rank), pair.value));
        }
    }
    if *checkpoint > 0 {
        let norms = data.norms(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Norms))?;
        for (matrix, norms) in Matrix::BOTH.into_iter().zip(norms) {
            statistics.extend(norm_errors(here, Of::block(matrix, FIRST_BLOCK), norms));
        }
        if experiment.problem.lambda() >= LARGE {
            nulls(data, experiment, (here, *replicate, *checkpoint), &pairs, statistics)?;
        }
    }
    Ok(pairs)
}

/// What the errors are of the unweighted second moment of the sample, and with a random space in the place of the span of the
/// means.
fn nulls(
    data: &dyn Data,
    experiment: &Experiment,
    (here, replicate, checkpoint): (&At, u32, usize),
    pairs: &[Vec<Pair>; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<()> {
    let k = classes(experiment);
    let question = query(checkpoint, FIRST_BLOCK, Question::Components(k + 1));
    let components = data.components(&experiment.name, replicate, question)?;
    if let (Some(first), Some(outside)) = (components.first(), components.get(k as usize)) {
        let of = Of::row(Layer::X, 0).with(Subspace::Components);
        statistics.push(Statistic::new(here, "perpendicular error", of, outside.value / first.value));
    }
    let mut normals = data.null(&experiment.name, replicate);
    let space = random_space(experiment.problem.d(), k as usize, &mut normals)?;
    for (matrix, pairs) in Matrix::BOTH.into_iter().zip(pairs) {
        let of = Of::block(matrix, FIRST_BLOCK).with(Subspace::Random);
        statistics.push(Statistic::new(here, "full error", of, outside(pairs, &space)?));
    }
    Ok(())
}

/// `‖A - PAP‖ / ‖A‖` of the matrix of these pairs alone, with the projection P on a space.
fn outside(pairs: &[Pair], space: &Array2<f64>) -> Result<f64> {
    let vectors = leading_space(pairs, pairs.len())?;
    let both = concatenate(Axis(1), &[vectors.view(), space.view()])
        .map_err(|error| Error::Numeric { routine: "full error", problem: error.to_string() })?;
    // All of A - PAP is within the span of the vectors and the space.
    let basis = span(&both, 1e-9)?;
    let (vectors, space) = (basis.t().dot(&vectors), basis.t().dot(space));
    let values = Array1::from_iter(pairs.iter().map(|pair| pair.value));
    let whole = (&vectors * &values).dot(&vectors.t());
    let projection = space.dot(&space.t());
    let rest = &whole - &projection.dot(&whole).dot(&projection);
    let norm = |matrix: &Array2<f64>| -> Result<f64> {
        Ok(symmetric_eigen(matrix)?.values.iter().fold(0.0, |norm: f64, value| norm.max(value.abs())))
    };
    Ok(norm(&rest)? / norm(&whole)?)
}
