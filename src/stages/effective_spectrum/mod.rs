//! D2: outliers, their eigenvectors and the bulk, predicted from the parameters of the problem alone.
//!
//! The effective dynamics give the Gram matrix at every time, the effective spectrum from it the bulk, the outliers and their
//! overlaps with the span of the means; nothing that is measured enters. Task A has unequal classes, so that its outliers are
//! simple; task B starts with macroscopic `m(0)`. An outlier is compared where the prediction clears the edge by four
//! Tracy-Widom scales at its dimension, an eigenvalue of the second layer where it clears the level of
//! [`crate::theory::xor_law::second_layer_threshold`].

pub mod report;

use crate::error::Result;
use crate::problem::data::{CLUSTERS, DataLaw, Means};
use crate::problem::experiment::Experiment;
use crate::problem::family::Family;
use crate::problem::network::Network;
use crate::problem::training::{Start, Training};
use crate::problem::{Problem, as_f64};
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::Pair;
use crate::spectrum::query::{Query, Question};
use crate::spectrum::subspace::{alignment, random_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over;
use crate::stages::common::limit::{Limit, experiment, limit, macroscopic};
use crate::stages::common::mixture::Predicted;
use crate::stages::common::shared::{MATRICES, predicted_at, query, small, threshold};
use crate::stages::common::thresholds::{FINE, Largest, largest_of_bulk};
use crate::stages::common::xor::{self, SECOND};
use crate::table::Table;
use crate::theory::effective_spectrum::EffectiveSpectrum;
use crate::theory::mixture_law::MixtureLaw;
use crate::theory::xor_law::XorLaw;
use crate::theory::{self, NodeSet, Weights};
use ndarray::{Array1, Array2};

/// Dimensions, the largest last.
const DIMENSIONS: [usize; 5] = [62, 125, 250, 500, 1000];

/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 3] = [50, 75, 100];

/// Signal-to-noise ratio.
const LAMBDA: f64 = 40.0;

/// Relative gap of predicted eigenvalues below which their eigenvectors are compared together, since neither is determined alone.
pub const GAP: f64 = 0.1;

/// Width of the network.
const NEURONS: u32 = 4;

/// Points of a predicted density.
const POINTS: usize = 800;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let probabilities = vec![0.4, 0.3, 0.2, 0.1];
    let mixture = DataLaw::unequal_mixture(DIMENSIONS[0], LAMBDA, probabilities, Means::Orthonormal);
    let tasks = [
        ("gmm", mixture, Network::softmax(), 0.05, Start::default()),
        (
            "xor",
            DataLaw::xor(DIMENSIONS[0], LAMBDA),
            Network::two_layer(NEURONS as usize),
            0.02,
            macroscopic(),
        ),
    ];
    let mut requests = Vec::new();
    for (prefix, data, network, beta, start) in tasks {
        let training = Training { start, ..Training::new(beta, 1.0, 6.0) };
        let problem = Problem { data, network, training };
        let replicates = settings.profile.pick(40, 20);
        let base = experiment(format!("{prefix}-effective"), problem, 30.0, 5, replicates);
        let family = Family::new(base.name.clone(), base).axis(over(dimensions));
        let points = settings.points(family)?;
        let largest = points.iter().map(|experiment| experiment.problem.d()).max();
        for experiment in points {
            let (followed, block) = (outliers(&experiment), block(&experiment));
            let is_largest = Some(experiment.problem.d()) == largest;
            let components = components(&experiment);
            let mut request = Request::new(experiment)
                .every_replicate(Checkpoints::All, block, followed)
                .every_replicate(Checkpoints::Last, block, Question::Values);
            if prefix == "xor" {
                request = request.every_replicate(Checkpoints::All, SECOND, Question::Top(NEURONS));
            }
            // Claims are about the largest dimension, and so are their nulls.
            if is_largest {
                request = request.every_replicate(Checkpoints::Last, block, components);
                if prefix == "xor" {
                    request =
                        request.every_replicate(Checkpoints::All, SECOND, Question::Components(NEURONS));
                }
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

/// As many principal components of what the first layer is given.
fn components(experiment: &Experiment) -> Question {
    Question::Components(small(experiment.problem.data.means()))
}

/// What is predicted of both layers at a checkpoint.
struct Prediction {
    spectrum: EffectiveSpectrum,
    nodes: NodeSet,
    weights: Array1<f64>,
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
        let (nodes, weights) = (law.nodes.clone(), law.weights(matrix, 0, 0)?.values);
        return Ok(Prediction { spectrum, nodes, weights, means: law.means_basis.clone(), law: None });
    }
    let nodes = experiment.problem.sample_size().div_ceil(CLUSTERS);
    let weights = &limit.path.states[checkpoint].second;
    let law = XorLaw::with_nodes(gram, weights, experiment.problem.lambda(), nodes)?;
    let spectrum = xor::predicted(experiment, &law, matrix, 0)?;
    let (nodes, weights) = (law.nodes.clone(), law.first_layer(matrix, 0, 0)?);
    Ok(Prediction { spectrum, nodes, weights, means: law.means_basis.clone(), law: Some(law) })
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

/// The weights of the first layer's block at many more nodes than the sample has points, and the largest eigenvalue of the bulk
/// that a sample is expected to have; then the same of a matrix without weights of this mean.
fn largest_of_bulks(
    data: &dyn Data,
    experiment: &Experiment,
    limit: &Limit,
    (checkpoint, matrix): (usize, theory::Matrix),
) -> Result<[Largest; 2]> {
    let (problem, gram) = (&experiment.problem, &limit.grams[checkpoint]);
    let (n, lambda) = (problem.sample_size(), problem.lambda());
    let (nodes, weights) = if experiment.task() == "gmm" {
        let probabilities = problem.data.probabilities();
        let k = probabilities.len();
        let law = MixtureLaw::with_nodes(gram, k, probabilities, lambda, FINE * n.div_ceil(k))?;
        (law.nodes.clone(), law.weights(matrix, 0, 0)?.values)
    } else {
        let second = &limit.path.states[checkpoint].second;
        let law = XorLaw::with_nodes(gram, second, lambda, FINE * n.div_ceil(CLUSTERS))?;
        (law.nodes.clone(), law.first_layer(matrix, 0, 0)?)
    };
    let constant = Array1::from_elem(weights.len(), weights.dot(&nodes.masses));
    let expected = |weights: &Array1<f64>| {
        let mut normals = data.null(&experiment.name, 0);
        largest_of_bulk(&nodes, weights, (n, problem.d(), lambda), || normals.uniform())
    };
    Ok([expected(&weights)?, expected(&constant)?])
}

/// The predicted spectrum of the first layer's block if all weights were their mean.
fn without_weights(experiment: &Experiment, predicted: &Prediction) -> Result<EffectiveSpectrum> {
    let (nodes, weights) = (&predicted.nodes, &predicted.weights);
    let constant = Weights::discrete(Array1::from_elem(weights.len(), weights.dot(&nodes.masses)));
    EffectiveSpectrum::new(nodes, &constant, experiment.problem.training.phi, experiment.problem.lambda())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let limit = limit(experiment)?;
        let block = block(experiment);
        let finished = data.finished(&experiment.name)?;
        let last = experiment.schedule().len() - 1;
        for (index, (matrix, of)) in MATRICES.into_iter().enumerate() {
            let start = predict(experiment, &limit, 0, of)?.spectrum;
            for checkpoint in 0..=last {
                let here = predicted_at(experiment, checkpoint);
                let predicted = predict(experiment, &limit, checkpoint, of)?;
                let outliers = predicted.spectrum.outliers_above()?;
                let least = threshold(&predicted.spectrum, experiment.problem.d());
                let count = outliers.iter().filter(|outlier| outlier.position > least).count();
                let edge = predicted.spectrum.right_edge().position;
                let followed = Of::block(matrix, block);
                rows.predict(&here, "edge", followed, edge);
                if checkpoint == 0 || checkpoint == last {
                    let [largest, constant] = largest_of_bulks(data, experiment, &limit, (checkpoint, of))?;
                    rows.predict(&here, "largest of the bulk", followed, largest.mean);
                    let scatter = largest.deviation / largest.mean;
                    rows.predict(&here, "scatter of the largest of the bulk", followed, scatter);
                    rows.predict(&here, "the same without weights", followed, constant.mean);
                }
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
                let bulks = [
                    ("distance", predicted.spectrum.clone()),
                    ("distance of the start", start.clone()),
                    ("distance without weights", without_weights(experiment, &predicted)?),
                ];
                for &replicate in &finished {
                    let followed = Followed { experiment, replicate, checkpoint, index, matrix };
                    followed.first_layer(data, count, &mut rows.statistics)?;
                    followed.second_layer(data, &second, &mut rows.statistics)?;
                    if checkpoint == last {
                        followed.bulk(data, &bulks, outliers.len(), &mut rows.statistics)?;
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
        let last = self.experiment.schedule().len() - 1;
        let Some(components) = self.components(data, query(last, block, components(self.experiment)))? else {
            return Ok(());
        };
        let mut normals = data.null(&self.experiment.name, self.replicate);
        let random = random_space(space.nrows(), space.ncols(), &mut normals)?;
        for (rank, (pair, component)) in (1..).zip(pairs.iter().take(count).zip(&components)) {
            let of = Of::block(self.matrix, block).rank(rank);
            for (null, share) in [
                (Subspace::Components, alignment(component.vector.view(), &space)),
                (Subspace::Random, alignment(pair.vector.view(), &random)),
            ] {
                rows.push(Statistic::new(&here, "overlap", of.with(null), share * share));
            }
        }
        Ok(())
    }

    /// Principal components, where they were asked for: at the largest dimension.
    fn components(&self, data: &dyn Data, question: Query) -> Result<Option<Vec<Pair>>> {
        let all = data.experiments().into_iter().filter(|other| other.task() == self.experiment.task());
        let largest = all.map(|other| other.problem.d()).max();
        if largest != Some(self.experiment.problem.d()) {
            return Ok(None);
        }
        data.components(&self.experiment.name, self.replicate, question).map(Some)
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
        let question = query(self.checkpoint, SECOND, Question::Top(NEURONS));
        let pairs = &data.pairs(&self.experiment.name, self.replicate, question)?[self.index];
        let overlap = |vector: &Array1<f64>, index: usize| -> f64 {
            cluster(predicted, index).iter().map(|(_, other)| vector.dot(other) * vector.dot(other)).sum()
        };
        for ((rank, pair), index) in (1..).zip(pairs).zip(0..predicted.len()) {
            let of = Of::block(self.matrix, SECOND).rank(rank);
            let share = overlap(&pair.vector, index);
            rows.extend(outlier_rows(&here, of, pair.value, (Subspace::Predicted, share)));
        }
        let question = query(self.checkpoint, SECOND, Question::Components(NEURONS));
        let Some(components) = self.components(data, question)? else { return Ok(()) };
        let mut normals = data.null(&self.experiment.name, self.replicate);
        let random = random_space(NEURONS as usize, NEURONS as usize, &mut normals)?;
        for ((rank, component), index) in (1..).zip(&components).zip(0..predicted.len()) {
            let of = Of::block(self.matrix, SECOND).rank(rank);
            for (null, vector) in [
                (Subspace::Components, component.vector.clone()),
                (Subspace::Random, random.column(index).to_owned()),
            ] {
                rows.push(Statistic::new(&here, "overlap", of.with(null), overlap(&vector, index)));
            }
        }
        Ok(())
    }

    /// Largest distances of the distribution function of all eigenvalues from predicted ones, and the largest eigenvalue after the
    /// outliers that are predicted.
    fn bulk(
        &self,
        data: &dyn Data,
        predicted: &[(&'static str, EffectiveSpectrum)],
        outliers: usize,
        rows: &mut Vec<Statistic>,
    ) -> Result<()> {
        let (here, block) = (self.at(), block(self.experiment));
        let question = query(self.checkpoint, block, Question::Values);
        let values = &data.values(&self.experiment.name, self.replicate, question)?[self.index];
        let of = Of::block(self.matrix, block);
        for (statistic, spectrum) in predicted {
            rows.push(Statistic::new(&here, statistic, of, distance(values, spectrum)?));
        }
        let mut sorted = values.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        if let Some(largest) = sorted.get(outliers) {
            rows.push(Statistic::new(&here, "largest of the bulk", of, *largest));
        }
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
