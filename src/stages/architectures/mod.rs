//! C2: multilayer perceptrons of depth 1 to 4 on both data laws, layer by layer.
//!
//! What a layer aligns with is the space that the data induce in it: the span of the means for the first layer, for later ones that of
//! the cluster means pushed forward through the layers before ([`crate::simulation::task::Task::spanning`]). Compared with it are
//!
//! - the **weights**: their leading right singular vectors, as many as there are labels (of these the network makes one value each), in
//!   the last layer one less, the directions in which outputs differ, and never more than the space has dimensions;
//! - the **outlier space** of H or G: the leading eigenvectors of the layer's whole block, as many as there are clusters, or as fit
//!   into the space, each as a matrix V (rows × inputs) of norm 1, whose share in the space is `‖V P‖_F²`;
//! - as nulls, the leading principal components of what the layer is given, a random space, the start.
//!
//! With isotropic noise the principal components of the data lie in the span of the means as well, so nothing follows from the alignment of
//! eigenvectors alone. In the *nuisance control* a few label-free directions have a large variance: the principal components
//! lie in these, and what still aligns with the means has learnt.
//!
//! A network is **dead** if `Π ‖W_l‖ < 0.05`: no logit then exceeds 0.05 ‖Y‖. Nothing is aligned in a dead network.

pub mod report;

use crate::error::Result;
use crate::problem::Problem;
use crate::problem::as_f64;
use crate::problem::data::{DataLaw, Nuisance};
use crate::problem::experiment::{Experiment, Simulator, Spacing};
use crate::problem::family::{Axis, Family};
use crate::problem::network::{Head, Layer, Network};
use crate::problem::training::Training;
use crate::simulation::task::{self, Block, Matrix, Task};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::{Query, Question};
use crate::spectrum::subspace::{overlap, random_space, singular, space};
use crate::spectrum::{MOST_FORMED, Pair, leading_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows, Subspace};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common::shared::{at, query, small};
use crate::table::Table;
use ndarray::{Array2, s};

/// Depths 1 to 4 on the mixture at signal-to-noise ratio 100.
pub const DEPTHS: &str = "mlp-gmm";
/// Depths 2 to 4 on the XOR mixture.
pub const XOR: &str = "mlp-xor";
/// Depth 3 at signal-to-noise ratio 20.
pub const CONTRAST: &str = "mlp-gmm-lambda-20";
/// Depth 3 with label-free directions of variance 1.
pub const NUISANCE: &str = "mlp-gmm-nuisance";
/// Depth 4 under a stronger ridge, which merges classes in some runs.
pub const MERGED: &str = "mlp-gmm-merged";
/// Depth 3 at other widths.
pub const WIDTHS: [(&str, usize); 2] = [("mlp-gmm-width-10", 10), ("mlp-gmm-width-40", 40)];
/// The member of [`DEPTHS`] that the others are compared with.
pub const MIDDLE: &str = "mlp-gmm-depth-3";

/// Clusters of both laws: four classes, or ±μ and ±ν.
pub const CLUSTERS: u32 = 4;
/// Largest product of operator norms of a dead network.
const DEAD: f64 = 0.05;
/// Singular values below this share of the largest are cut from a space, as those that the network's task cuts.
const CUT: f64 = 0.1;
/// Eigenvalues below this share of the largest count as rounding: solvers err by 1e-15 of the largest, so that ratios of
/// eigenvalues above it agree between processors to seven digits.
const ROUNDING: f64 = 1e-8;
/// Rows of the first layer whose blocks are looked at.
const ROWS: u32 = 4;

/// An experiment on a data law, of this depth and width.
fn experiment(profile: Profile, name: &str, data: DataLaw, depth: usize, width: usize) -> Experiment {
    let xor = data.labels() == 2;
    // At β = 0.05 networks of depth 4 merge classes; at 0.02 `e^{-βT}` still leaves a tenth of the start.
    let (head, beta) = if xor { (Head::Logistic, 0.01) } else { (Head::Softmax, 0.02) };
    Experiment {
        name: name.to_owned(),
        problem: Problem {
            data,
            network: Network::mlp(vec![profile.pick(width, width.min(8)); depth - 1], head),
            training: Training::new(beta, 1.0, 4.0),
        },
        horizon: profile.pick(120.0, 30.0),
        checkpoints: profile.pick(9, 5),
        spacing: Spacing::Geometric,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// The layers of a network with their numbers of rows and inputs.
fn layers(experiment: &Experiment) -> Vec<(Layer, usize, usize)> {
    task::build(&experiment.problem).layers()
}

/// How many eigenvectors are asked for of a layer's block: the outlier space, and what follows it where the block is formed.
fn asked(experiment: &Experiment, (layer, rows, cols): (Layer, usize, usize)) -> u32 {
    let last = layer.index as usize + 1 == experiment.problem.network.layers().len();
    let classes = small(experiment.problem.data.labels());
    match (rows * cols <= MOST_FORMED, last) {
        (false, _) => CLUSTERS,
        (true, true) if classes > 2 => classes * (classes - 1) + 1,
        (true, _) => CLUSTERS + 1,
    }
}

/// Number of outliers that the Hessian of a layer is to have in the end: in the last layer k(k-1), elsewhere one for each cluster.
pub fn expected_outliers(experiment: &Experiment, layer: Layer) -> u32 {
    let last = layer.index as usize + 1 == experiment.problem.network.layers().len();
    let classes = small(experiment.problem.data.labels());
    if last && classes > 2 { classes * (classes - 1) } else { CLUSTERS }
}

/// Checkpoints at which spectra are looked at.
fn places(experiment: &Experiment) -> Checkpoints {
    let followed = experiment.member.is_some() || experiment.name == NUISANCE;
    Checkpoints::Spread(if followed { 4 } else { 2 })
}

/// What is asked about every layer, and about a few rows of the first.
fn ask(experiment: Experiment) -> Request {
    let (all, places) = (layers(&experiment), places(&experiment));
    let mut request = Request::new(experiment.clone());
    for of in all {
        let block = Block::whole(of.0);
        request = request
            .every_replicate(places, block, Question::Outliers(asked(&experiment, of)))
            .every_replicate(places, block, Question::ClusterMeans)
            .every_replicate(Checkpoints::Spread(2), block, Question::Components(CLUSTERS));
    }
    for row in 0..first_rows(&experiment) {
        let block = Block::diagonal(Layer::DEEP[0], row);
        request = request.every_replicate(Checkpoints::Last, block, Question::Outliers(CLUSTERS + 1));
    }
    request
}

/// How many rows of the first layer are looked at.
fn first_rows(experiment: &Experiment) -> u32 {
    ROWS.min(small(experiment.problem.rows()))
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let (profile, d) = (settings.profile, settings.profile.pick(400, 60));
    let mixture = |lambda| DataLaw::mixture(d, lambda, CLUSTERS as usize);
    let base = experiment(profile, DEPTHS, mixture(100.0), 2, 20);
    let depths = Family::new(DEPTHS, base).axis(Axis::new("depth", "-depth-", [1.0, 2.0, 3.0, 4.0]));
    let xor = experiment(profile, XOR, DataLaw::xor(d, 100.0), 2, 20);
    let xor = Family::new(XOR, xor).axis(Axis::new("depth", "-depth-", [2.0, 3.0, 4.0]));
    let nuisance = mixture(100.0).with_nuisance(Nuisance { directions: 4, variance: 1.0 });
    let mut single = vec![
        experiment(profile, CONTRAST, mixture(20.0), 3, 20),
        experiment(profile, NUISANCE, nuisance, 3, 20),
    ];
    let mut merged = experiment(profile, MERGED, mixture(100.0), 4, 20);
    merged.problem.training.beta = 0.05;
    single.push(merged);
    single.extend(WIDTHS.map(|(name, width)| experiment(profile, name, mixture(100.0), 3, width)));
    let mut all = settings.points(depths)?;
    all.extend(settings.points(xor)?);
    for one in single {
        all.push(settings.experiment(one)?);
    }
    Ok(all.into_iter().map(ask).collect())
}

/// Mean over unit eigenvectors of a layer's block of their share `‖V P‖_F²` in a space of inputs (inputs × dim).
fn share(pairs: &[Pair], space: &Array2<f64>) -> f64 {
    let inputs = space.nrows();
    let inside = |pair: &Pair| -> f64 {
        let rows = pair.vector.len() / inputs;
        let products = pair.vector.to_shape((rows, inputs)).map(|matrix| matrix.dot(space));
        products.map_or(f64::NAN, |products| products.iter().map(|entry| entry * entry).sum())
    };
    pairs.iter().map(inside).sum::<f64>() / as_f64(pairs.len())
}

/// The layers' operator norms, multiplied.
fn strength(observed: &Observed) -> Result<f64> {
    let mut product = 1.0;
    for weights in &observed.parameters {
        product *= singular(weights)?.1.first().copied().unwrap_or(0.0);
    }
    Ok(product)
}

/// One layer of one checkpoint of a replicate.
struct Place<'a> {
    data: &'a dyn Data,
    experiment: &'a Experiment,
    here: &'a At,
    replicate: u32,
    checkpoint: usize,
    dead: bool,
}

impl Place<'_> {
    fn of(&self, layer: Layer, question: Question) -> Query {
        query(self.checkpoint, Block::whole(layer), question)
    }

    /// Weights, and where spectra are known eigenvectors and nulls, against the space that the data induce in the layer.
    fn layer(
        &self,
        task: &dyn Task,
        observed: &Observed,
        of: (Layer, usize, usize),
        spectra: bool,
        rows: &mut Rows,
    ) -> Result<()> {
        let (layer, outputs, inputs) = of;
        let (name, last) = (self.experiment.name.as_str(), observed.parameters.len() - 1);
        let weights = &observed.parameters[layer.index as usize];
        let space: Array2<f64> = space(task, layer, &observed.parameters)?;
        let here = Of::layer(layer).with(Subspace::Means);
        let live = |value: f64| if self.dead || space.ncols() == 0 { 0.0 } else { value };
        let (vectors, _) = singular(&weights.t().to_owned())?;
        let labels = self.experiment.problem.data.labels();
        let directions = if layer.index as usize == last { labels - 1 } else { labels };
        let wanted = directions.min(space.ncols()).clamp(1, vectors.ncols());
        let leading = vectors.slice(s![.., ..wanted]).to_owned();
        rows.measure(self.here, "weights share", here, live(overlap(&leading, &space)));
        rows.measure(self.here, "dimension", here, as_f64(space.ncols()));
        if !spectra {
            return Ok(());
        }
        let mut normals = self.data.null(name, self.replicate);
        let random = random_space(inputs, space.ncols().max(1), &mut normals)?;
        let with = Of::layer(layer).with(Subspace::Random);
        rows.measure(self.here, "weights share", with, overlap(&leading, &random));
        let means = self.data.components(name, self.replicate, self.of(layer, Question::ClusterMeans))?;
        let kept = means.iter().filter(|pair| pair.value > CUT * means[0].value).count();
        if kept > 0 {
            let means = leading_space(&means, kept)?;
            rows.measure(self.here, "overlap", here, live(overlap(&means, &space)));
        }
        let question = Question::Outliers(asked(self.experiment, of));
        let pairs = self.data.pairs(name, self.replicate, self.of(layer, question))?;
        let mut tops = Vec::new();
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            let fitting = (outputs * space.ncols()).clamp(1, CLUSTERS as usize);
            let top = &pairs[..beyond_rounding(pairs).clamp(1, fitting)];
            let block = Of::block(matrix, Block::whole(layer));
            rows.measure(self.here, "share", block.with(Subspace::Means), live(share(top, &space)));
            rows.measure(self.here, "share", block.with(Subspace::Random), live(share(top, &random)));
            gaps(self.here, block, pairs, rows);
            tops.push(leading_space(top, top.len())?);
        }
        let both = Of::layer(layer).with(Subspace::Outliers(Matrix::Gradient));
        rows.measure(self.here, "overlap", both, live(overlap(&tops[0], &tops[1])));
        Ok(())
    }

    /// The principal components of what a layer is given, against the space that the data induce in it.
    fn components(&self, task: &dyn Task, observed: &Observed, layer: Layer, rows: &mut Rows) -> Result<()> {
        let question = Question::Components(CLUSTERS);
        let pairs = self.data.components(&self.experiment.name, self.replicate, self.of(layer, question))?;
        let space: Array2<f64> = space(task, layer, &observed.parameters)?;
        let of = Of::layer(layer).with(Subspace::Components);
        // As many as the space has dimensions.
        let count = space.ncols().clamp(1, pairs.len());
        rows.measure(self.here, "share", of, overlap(&leading_space(&pairs, count)?, &space));
        Ok(())
    }
}

/// How many of the leading eigenvalues are no rounding of zero; of the others the eigenvectors mean nothing.
fn beyond_rounding(pairs: &[Pair]) -> usize {
    pairs.iter().take_while(|pair| pair.value > ROUNDING * pairs[0].value).count()
}

/// Ratios of successive eigenvalues up to the first that rounding alone may have left, which counts as the most that
/// rounding leaves, and the number before the largest ratio.
fn gaps(here: &At, of: Of, pairs: &[Pair], rows: &mut Rows) {
    let mut largest: Option<(u32, f64)> = None;
    for (rank, pair) in (1..).zip(pairs.windows(2)).take(beyond_rounding(pairs)) {
        let gap = pair[0].value / pair[1].value.max(ROUNDING * pairs[0].value);
        rows.measure(here, "gap", of.rank(rank), gap);
        if largest.is_none_or(|(_, most)| gap > most) {
            largest = Some((rank, gap));
        }
    }
    if let Some((rank, _)) = largest {
        rows.measure(here, "eigenvalues before the largest gap", of, f64::from(rank));
    }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let task = task::build(&experiment.problem);
        let count = experiment.schedule().len();
        let (spectra, ends) = (places(experiment).indices(count), [0, count - 1]);
        for replicate in data.finished(&experiment.name)? {
            let trajectory = data.trajectory(&experiment.name, replicate)?;
            for (checkpoint, observed) in trajectory.checkpoints.iter().enumerate() {
                let here = &at(experiment, replicate, observed);
                let dead = strength(observed)? < DEAD;
                rows.measure(here, "loss", Of::default(), observed.loss);
                rows.measure(here, "accuracy", Of::default(), observed.accuracy);
                rows.measure(here, "dead", Of::default(), f64::from(u8::from(dead)));
                let one = Place { data, experiment, here, replicate, checkpoint, dead };
                for of in layers(experiment) {
                    one.layer(&*task, observed, of, spectra.contains(&checkpoint), &mut rows)?;
                    if ends.contains(&checkpoint) {
                        one.components(&*task, observed, of.0, &mut rows)?;
                    }
                }
                if checkpoint == count - 1 {
                    for row in 0..first_rows(experiment) {
                        let block = Block::diagonal(Layer::DEEP[0], row);
                        let asked = query(checkpoint, block, Question::Outliers(CLUSTERS + 1));
                        let pairs = data.pairs(&experiment.name, replicate, asked)?;
                        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
                            gaps(here, Of::block(matrix, block), pairs, &mut rows);
                        }
                    }
                }
            }
        }
    }
    rows.tables(&["statistics"])
}

#[cfg(test)]
mod tests {
    use crate::simulation::trajectory::Observed;
    use crate::spectrum::Pair;
    use crate::stage::rows::{At, Of, Rows};
    use crate::stages::architectures::{ROUNDING, beyond_rounding, gaps, share, strength};
    use ndarray::{Array1, array};

    fn pair(value: f64, vector: Array1<f64>) -> Pair {
        Pair { value, vector, residual: 0.0 }
    }

    #[test]
    fn the_share_of_eigenvectors_is_that_of_their_rows() {
        // Two rows of three inputs: the first vector lies in the space with both rows, the second with 0.36 of its square.
        let space = array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]];
        let pairs = [
            pair(2.0, array![0.6, 0.0, 0.0, 0.0, 0.8, 0.0]),
            pair(1.0, array![0.0, 0.6, 0.0, 0.0, 0.0, 0.8]),
        ];
        assert!((share(&pairs, &space) - 0.68).abs() < 1e-15);
        assert!((share(&pairs[..1], &space) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn gaps_end_with_that_above_rounding() {
        let values = [8.0, 6.0, 5.0, 1.0, 1e-15, -1e-15].map(|value| pair(value, array![1.0]));
        let mut rows = Rows::default();
        gaps(&At::default(), Of::default(), &values, &mut rows);
        let found: Vec<f64> = rows.statistics.iter().map(|row| row.value).collect();
        assert_eq!(found, [8.0 / 6.0, 6.0 / 5.0, 5.0, 1.0 / (8.0 * ROUNDING), 4.0]);
        assert_eq!(beyond_rounding(&values), 4);
        let mut none = Rows::default();
        gaps(&At::default(), Of::default(), &[0.0, 0.0].map(|value| pair(value, array![1.0])), &mut none);
        assert!(none.statistics.is_empty());
    }

    #[test]
    fn a_network_is_as_strong_as_its_layers_multiplied() {
        let parameters = vec![array![[3.0, 0.0], [0.0, 4.0]], array![[0.0, 0.5]]];
        let observed = Observed {
            step: 0,
            time: 0.0,
            parameters,
            loss: 0.0,
            accuracy: 0.0,
            cluster_accuracy: Vec::new(),
            outputs: None,
        };
        assert!((strength(&observed).unwrap() - 2.0).abs() < 1e-15);
    }
}
