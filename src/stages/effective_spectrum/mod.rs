//! D2: outliers, their eigenvectors and the bulk, predicted from the parameters of the problem alone.
//!
//! The effective dynamics give the Gram matrix at every time, the effective spectrum from it the bulk, the outliers and their
//! overlaps with the span of the means; nothing that is measured enters. Task A has unequal classes, so that its outliers are
//! simple; task B starts with macroscopic `m(0)`. An outlier is compared where the prediction clears the edge by four
//! Tracy-Widom scales at the smallest dimension, an eigenvalue of the second layer where it clears the level of
//! [`crate::theory::xor_law::second_layer_threshold`].

pub mod report;

use crate::error::Result;
use crate::problem::data::{CLUSTERS, DataLaw, Means};
use crate::problem::experiment::Experiment;
use crate::problem::family::Family;
use crate::problem::network::{Layer, Network};
use crate::problem::training::{Start, Training};
use crate::problem::{Problem, as_f64};
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::alignment;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over;
use crate::stages::common::limit::{Limit, experiment, limit, macroscopic};
use crate::stages::common::mixture::Predicted;
use crate::stages::common::shared::{MATRICES, predicted_at, query, small, threshold};
use crate::stages::common::xor::{self, SECOND};
use crate::table::Table;
use crate::theory;
use crate::theory::effective_spectrum::EffectiveSpectrum;
use crate::theory::xor_law::XorLaw;
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

/// Dimensions, the largest last.
const DIMENSIONS: [usize; 4] = [125, 250, 500, 1000];

/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 3] = [50, 75, 100];

/// Signal-to-noise ratio.
const LAMBDA: f64 = 40.0;

/// Relative gap of predicted eigenvalues below which their eigenvectors are compared together, since neither is determined alone.
const GAP: f64 = 0.1;

/// Points of a predicted density.
const POINTS: usize = 800;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let probabilities = vec![0.4, 0.3, 0.2, 0.1];
    let mixture = DataLaw::unequal_mixture(DIMENSIONS[0], LAMBDA, probabilities, Means::Orthonormal);
    let tasks = [
        ("gmm", mixture, Network::softmax(), 0.05, Start::default()),
        ("xor", DataLaw::xor(DIMENSIONS[0], LAMBDA), Network::two_layer(4), 0.02, macroscopic()),
    ];
    let mut requests = Vec::new();
    for (prefix, data, network, beta, start) in tasks {
        let training = Training { start, ..Training::new(beta, 1.0, 6.0) };
        let problem = Problem { data, network, training };
        let replicates = settings.profile.pick(40, 20);
        let base = experiment(format!("{prefix}-effective"), problem, 30.0, 5, replicates);
        let family = Family::new(base.name.clone(), base).axis(over(dimensions));
        for experiment in settings.points(family)? {
            let (followed, block) = (outliers(&experiment), block(&experiment));
            let mut request = Request::new(experiment)
                .every_replicate(Checkpoints::All, block, followed)
                .every_replicate(Checkpoints::Last, block, Question::Values);
            if prefix == "xor" {
                request = request.every_replicate(Checkpoints::All, SECOND, Question::Top(4));
            }
            requests.push(request);
        }
    }
    Ok(requests)
}

/// The block of the first layer that is followed.
fn block(experiment: &Experiment) -> Block {
    Block::diagonal(experiment.problem.network.layers()[0], 0)
}

/// As many outliers as a first-layer block can have: one per class, or two.
fn outliers(experiment: &Experiment) -> Question {
    Question::Outliers(small(experiment.problem.data.means()))
}

/// What is predicted of both layers at a checkpoint.
struct Prediction {
    spectrum: EffectiveSpectrum,
    means: Array2<f64>,
    law: Option<XorLaw>,
}

fn predict(
    experiment: &Experiment,
    limit: &Limit,
    checkpoint: usize,
    matrix: theory::Matrix,
) -> Result<Prediction> {
    let gram = &limit.grams[checkpoint];
    if experiment.task() == "gmm" {
        let Predicted { law, spectrum } = Predicted::block(experiment, gram, matrix, 0, 0)?;
        return Ok(Prediction { spectrum, means: law.means_basis.clone(), law: None });
    }
    let nodes = experiment.problem.sample_size().div_ceil(CLUSTERS);
    let weights = &limit.path.states[checkpoint].second;
    let law = XorLaw::with_nodes(gram, weights, experiment.problem.lambda(), nodes)?;
    let spectrum = xor::predicted(experiment, &law, matrix, 0)?;
    Ok(Prediction { spectrum, means: law.means_basis.clone(), law: Some(law) })
}

/// Predicted eigenvalues and eigenvectors of a second-layer block above its level.
fn second_layer(
    experiment: &Experiment,
    law: &XorLaw,
    matrix: theory::Matrix,
) -> Result<Vec<(f64, Array1<f64>)>> {
    let eigen = law.second_layer_spectrum(matrix)?;
    let threshold = xor::threshold(experiment, law, matrix)?;
    let pairs = eigen.values.iter().zip(eigen.vectors.columns());
    Ok(pairs
        .filter(|(value, _)| **value > threshold)
        .map(|(value, vector)| (*value, vector.to_owned()))
        .collect())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    // Number of outliers compared, decided at the smallest d of each task.
    let mut compared: BTreeMap<(Layer, usize, Matrix), usize> = BTreeMap::new();
    for experiment in data.experiments() {
        let limit = limit(experiment)?;
        let block = block(experiment);
        let finished = data.finished(&experiment.name)?;
        let last = experiment.schedule().len() - 1;
        for checkpoint in 0..=last {
            let here = predicted_at(experiment, checkpoint);
            for (index, (matrix, of)) in MATRICES.into_iter().enumerate() {
                let predicted = predict(experiment, &limit, checkpoint, of)?;
                let outliers = predicted.spectrum.outliers_above()?;
                let least = threshold(&predicted.spectrum, experiment.problem.d());
                let clear = outliers.iter().filter(|outlier| outlier.position > least).count();
                let key = (block.layer, checkpoint, matrix);
                let count = (*compared.entry(key).or_insert(clear)).min(outliers.len());
                let edge = predicted.spectrum.right_edge().position;
                let followed = Of::block(matrix, block);
                rows.predict(&here, "edge", followed, edge);
                for (rank, outlier) in (1..).zip(&outliers[..count]) {
                    let overlap = outlier.overlap_with_span(&predicted.means);
                    let place = followed.rank(rank);
                    rows.theory.extend(outlier_rows(
                        &here,
                        place,
                        outlier.position,
                        (Subspace::Means, overlap),
                    ));
                }
                let second = match &predicted.law {
                    Some(law) => second_layer(experiment, law, of)?,
                    None => Vec::new(),
                };
                for (rank, (value, _)) in (1..).zip(&second) {
                    let place = Of::block(matrix, SECOND).rank(rank);
                    rows.theory.extend(outlier_rows(&here, place, *value, (Subspace::Predicted, 1.0)));
                }
                for &replicate in &finished {
                    let followed = Followed { experiment, replicate, checkpoint, index, matrix };
                    followed.first_layer(data, count, &mut rows.statistics)?;
                    followed.second_layer(data, &second, &mut rows.statistics)?;
                    if checkpoint == last {
                        followed.bulk(data, &predicted.spectrum, &mut rows.statistics)?;
                    }
                }
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}

/// The predicted pairs that no gap separates from one of them.
fn cluster(predicted: &[(f64, Array1<f64>)], index: usize) -> &[(f64, Array1<f64>)] {
    let joined = |pair: &[(f64, Array1<f64>)]| pair[0].0 - pair[1].0 < GAP * pair[0].0;
    let from = (0..index).rev().take_while(|&i| joined(&predicted[i..=i + 1])).last().unwrap_or(index);
    let to =
        (index + 1..predicted.len()).take_while(|&i| joined(&predicted[i - 1..=i])).last().unwrap_or(index);
    &predicted[from..=to]
}

/// The rows of one outlier: its place, and the squared overlap of its eigenvector with a subspace.
fn outlier_rows(at: &At, of: Of, value: f64, (subspace, overlap): (Subspace, f64)) -> [Statistic; 2] {
    [Statistic::new(at, "outlier", of, value), Statistic::new(at, "overlap", of.with(subspace), overlap)]
}

/// One matrix of one replicate at one checkpoint.
struct Followed<'a> {
    experiment: &'a Experiment,
    replicate: u32,
    checkpoint: usize,
    index: usize,
    matrix: Matrix,
}

impl Followed<'_> {
    /// The schedule knows steps and times: no trajectory is read for them.
    fn at(&self) -> At {
        At { replicate: Some(self.replicate), ..predicted_at(self.experiment, self.checkpoint) }
    }

    /// Outliers of the first-layer block and the squared overlaps of their eigenvectors with the span of the means.
    fn first_layer(&self, data: &dyn Data, count: usize, rows: &mut Vec<Statistic>) -> Result<()> {
        let (here, block) = (self.at(), block(self.experiment));
        let space = task::build(&self.experiment.problem).mean_space();
        let question = query(self.checkpoint, block, outliers(self.experiment));
        let pairs = &data.pairs(&self.experiment.name, self.replicate, question)?[self.index];
        for (rank, pair) in (1..).zip(pairs.iter().take(count)) {
            let share = alignment(pair.vector.view(), &space);
            let of = Of::block(self.matrix, block).rank(rank);
            rows.extend(outlier_rows(&here, of, pair.value, (Subspace::Means, share * share)));
        }
        Ok(())
    }

    /// Eigenvalues of the second-layer block and the squared overlaps of its eigenvectors with the predicted ones.
    fn second_layer(
        &self,
        data: &dyn Data,
        predicted: &[(f64, Array1<f64>)],
        rows: &mut Vec<Statistic>,
    ) -> Result<()> {
        if predicted.is_empty() {
            return Ok(());
        }
        let here = self.at();
        let question = query(self.checkpoint, SECOND, Question::Top(4));
        let pairs = &data.pairs(&self.experiment.name, self.replicate, question)?[self.index];
        for ((rank, pair), index) in (1..).zip(pairs).zip(0..predicted.len()) {
            let squared = |vector: &Array1<f64>| pair.vector.dot(vector) * pair.vector.dot(vector);
            let overlap = cluster(predicted, index).iter().map(|(_, vector)| squared(vector)).sum();
            let of = Of::block(self.matrix, SECOND).rank(rank);
            rows.extend(outlier_rows(&here, of, pair.value, (Subspace::Predicted, overlap)));
        }
        Ok(())
    }

    /// Largest distance of the distribution functions of all eigenvalues, measured and predicted.
    fn bulk(&self, data: &dyn Data, spectrum: &EffectiveSpectrum, rows: &mut Vec<Statistic>) -> Result<()> {
        let (here, block) = (self.at(), block(self.experiment));
        let question = query(self.checkpoint, block, Question::Values);
        let values = &data.values(&self.experiment.name, self.replicate, question)?[self.index];
        let distance = distance(values, spectrum)?;
        rows.push(Statistic::new(&here, "distance", Of::block(self.matrix, block), distance));
        Ok(())
    }
}

/// `sup_x |F_n(x) - F(x)|` over the eigenvalues, F from the predicted density by the trapezoidal rule and an atom at zero;
/// the outliers, `O(1/d)` of all, do not count in F.
fn distance(values: &[f64], spectrum: &EffectiveSpectrum) -> Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let grid = spectrum.density_grid(POINTS)?;
    let atom = |x: f64| if x >= 0.0 { spectrum.mass_at_zero() } else { 0.0 };
    let (mut below, mut place, mut farthest) = (0.0, 0, 0.0_f64);
    for (index, &value) in sorted.iter().enumerate() {
        while place + 1 < grid.len() && grid[place + 1].0 <= value {
            below += 0.5 * (grid[place].1 + grid[place + 1].1) * (grid[place + 1].0 - grid[place].0);
            place += 1;
        }
        let rest = match (grid.get(place), grid.get(place + 1)) {
            (Some(left), Some(right)) if value > left.0 => {
                let density = left.1 + (right.1 - left.1) * (value - left.0) / (right.0 - left.0);
                0.5 * (left.1 + density) * (value - left.0)
            }
            _ => 0.0,
        };
        let predicted = below + rest + atom(value);
        let count = as_f64(values.len());
        farthest = farthest.max((as_f64(index) / count - predicted).abs());
        farthest = farthest.max((as_f64(index + 1) / count - predicted).abs());
    }
    Ok(farthest)
}
