//! What the stages on the XOR mixture share: experiments, questions, and the words of the claims in code.
//!
//! - A **neuron is alive** if `|v_i| ‖W_i‖ > 0.05`; one with tiny `|v_i|` at the start never aligns and fades with the ridge.
//! - Its **direction** is the cluster mean (`+μ, -μ, +ν, -ν`) that `W_i` has the largest inner product with. At the start the
//!   signs foretell it: `v_i > 0` heads for `sign(W_i·μ) μ`, `v_i < 0` for `sign(W_i·ν) ν`.
//! - A **cluster is classified** if the network labels more than 0.9 of its test points correctly. The output `f = 0`, which occurs
//!   where every gate is shut, is counted as wrong in every cluster; claims that hinge on this are also judged with `f = 0` as
//!   label 0 ([`classified_with_zero`]).
//! - An **outlier** of the second-layer block `H_vv` is an eigenvalue above `‖W‖_op²/(4λ)`: at most four exceed it, since the
//!   noise of the features has covariance at most `‖W‖_op²/λ` and `q ≤ 1/4` ([`second_layer_threshold`]). For `G_vv` the supremum
//!   of `r²`, 1, would say nothing, so its level takes the mean of `r²` in place of the 1/4; that at most four exceed it is
//!   then no theorem, but measured.
//! - An outlier of a first-layer block exceeds the edge of the predicted bulk by four Tracy-Widom scales.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::problem::data::CLUSTERS;
use crate::problem::data::DataLaw;
use crate::problem::experiment::{Experiment, Simulator, Spacing};
use crate::problem::network::{Layer, Network};
use crate::problem::training::Training;
use crate::simulation::task::{self, Block};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{alignment, sine};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::{Profile, Settings};
use crate::theory::effective_spectrum::EffectiveSpectrum;
use crate::theory::jacobi::symmetric_eigen;
use crate::theory::leading::{self, Leading};
use crate::theory::xor_law::{XorLaw, second_layer_threshold};
use crate::theory::{Matrix, Weights};
use ndarray::{Array2, Axis, concatenate};
use std::collections::BTreeSet;

/// Width 8, signal-to-noise ratio 100: the first layer.
pub const MAIN: &str = "xor";
/// The contrast for the first layer, signal-to-noise ratio 20.
pub const CONTRAST: &str = "xor-lambda-20";
/// Width 20, signal-to-noise ratio 100: the second layer, where `B_t` is far from everything.
pub const WIDE: &str = "xor-k20";
/// The contrast for the second layer, signal-to-noise ratio 20.
pub const WIDE_CONTRAST: &str = "xor-k20-lambda-20";

/// The second-layer block.
pub const SECOND: Block = Block::diagonal(Layer::V, 0);
/// Least `|v_i| ‖W_i‖` of a neuron that is alive.
pub const ALIVE: f64 = 0.05;
/// Accuracy above which a cluster is classified.
pub const CLASSIFIED: f64 = 0.9;
/// Eigenpairs computed of a first-layer block: the two outliers and the top of the bulk.
pub const SHOWN: u32 = 4;
/// Growth rate of a neuron that is aligned with a mean, as λ → ∞: the fastest there is.
const GROWTH: f64 = 1.0 / 8.0;

/// Names of the clusters and of the directions, in order, as mathematics.
pub const DIRECTIONS: [&str; CLUSTERS] = [r"+\mu", r"-\mu", r"+\nu", r"-\nu"];

/// An XOR experiment of this width and dimension.
///
/// β = 0.02 stays far below the collapse threshold, and φ = 10 test samples per dimension keep bulks narrow.
pub fn experiment(profile: Profile, name: &str, width: usize, d: usize, lambda: f64) -> Experiment {
    Experiment {
        name: name.to_owned(),
        problem: Problem {
            data: DataLaw::xor(profile.pick(d, 100), lambda),
            network: Network::two_layer(width),
            training: Training::new(0.02, 1.0, 10.0),
        },
        horizon: 150.0,
        checkpoints: profile.pick(25, 13),
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// The experiment with the overrides of the settings, checked.
///
/// # Errors
/// A parameter outside its range; a horizon in which no neuron can align.
pub fn checked(settings: &Settings, experiment: Experiment) -> Result<Experiment> {
    let experiment = settings.experiment(experiment)?;
    if experiment.horizon * GROWTH < 1.0 {
        let rule = format!(
            "is too short for any verdict: in less than {} units of time no neuron's alignment grows by a factor e; raise it",
            1.0 / GROWTH
        );
        return Err(Error::parameter(format!("{}.horizon", experiment.name), experiment.horizon, rule));
    }
    Ok(experiment)
}

/// Width of an experiment.
pub fn width(experiment: &Experiment) -> u32 {
    u32::try_from(experiment.problem.rows()).unwrap_or(u32::MAX)
}

/// The diagonal block of one neuron.
pub fn first(neuron: u32) -> Block {
    Block::diagonal(Layer::W, neuron)
}

/// Checkpoints at which first-layer blocks of every replicate are computed.
pub fn replicated(experiment: &str) -> Checkpoints {
    if experiment == MAIN { Checkpoints::Three } else { Checkpoints::Last }
}

/// The experiment on the first layer, or its contrast, with the top of every neuron's block in every replicate.
///
/// # Errors
/// A parameter outside its range.
pub fn first_layer(settings: &Settings, name: &str) -> Result<Request> {
    let lambda = if name == MAIN { 100.0 } else { 20.0 };
    let mut experiment = experiment(settings.profile, name, 8, 600, lambda);
    experiment.spacing = Spacing::Geometric;
    // Enough that a share of runs can be told from its bound.
    experiment.replicates = 40;
    let experiment = checked(settings, experiment)?;
    let neurons = width(&experiment);
    let request = Request::new(experiment);
    Ok((0..neurons).fold(request, |request, neuron| {
        request.every_replicate(replicated(name), first(neuron), Question::Top(SHOWN))
    }))
}

/// The experiment on the second layer, or its contrast, with the whole second-layer block of every replicate at all times.
///
/// # Errors
/// A parameter outside its range.
pub fn second_layer(settings: &Settings, name: &str) -> Result<Request> {
    let (d, lambda) = if name == WIDE { (1000, 100.0) } else { (600, 20.0) };
    let mut experiment = experiment(settings.profile, name, 20, d, lambda);
    experiment.spacing = Spacing::Geometric;
    // A few more than a verdict needs, since some end in a classifier that misses a cluster; and K × K matrices need fewer
    // samples than d × d ones.
    experiment.replicates = 24;
    experiment.problem.training.phi = 4.0;
    let experiment = checked(settings, experiment)?;
    let pairs = whole_second(&experiment);
    Ok(Request::new(experiment).every_replicate(Checkpoints::All, SECOND, pairs))
}

/// All eigenpairs of the second-layer block.
pub fn whole_second(experiment: &Experiment) -> Question {
    Question::Top(width(experiment))
}

/// One neuron at a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neuron {
    /// `|v_i| ‖W_i‖`.
    pub strength: f64,
    /// `ρ(W_i; Span(μ, ν))`.
    pub rho: f64,
    /// `√(1 - ρ²)`.
    pub sine: f64,
    /// Index of the cluster mean it points to.
    pub direction: usize,
    /// Index of the cluster mean that the signs of `v_i`, `W_i·μ` and `W_i·ν` foretell.
    pub foretold: usize,
}

impl Neuron {
    /// Whether it is alive.
    pub fn alive(&self) -> bool {
        self.strength > ALIVE
    }
}

/// All neurons at a checkpoint.
pub fn neurons(experiment: &Experiment, observed: &Observed) -> Vec<Neuron> {
    let space = task::build(&experiment.reduced_problem()).mean_space();
    let (w, v) = (&observed.parameters[0], &observed.parameters[1]);
    w.rows()
        .into_iter()
        .zip(v.column(0))
        .map(|(row, &v)| {
            let along = [row.dot(&space.column(0)), row.dot(&space.column(1))];
            Neuron {
                strength: v.abs() * row.dot(&row).sqrt(),
                rho: alignment(row, &space),
                sine: sine(row, &space),
                direction: direction(along),
                foretold: if v > 0.0 { towards(0, along[0]) } else { towards(2, along[1]) },
            }
        })
        .collect()
}

/// Index of the cluster mean on the axis that begins with this one, by sign.
fn towards(first: usize, value: f64) -> usize {
    first + usize::from(value < 0.0)
}

/// Index of the cluster mean that a neuron with these inner products with `μ` and `ν` points to.
fn direction([mu, nu]: [f64; 2]) -> usize {
    if mu.abs() >= nu.abs() { towards(0, mu) } else { towards(2, nu) }
}

/// The neurons at a checkpoint as the leading order of the effective dynamics knows them.
pub fn leading_neurons(experiment: &Experiment, observed: &Observed) -> Vec<leading::Neuron> {
    let space = task::build(&experiment.reduced_problem()).mean_space();
    let (w, v) = (&observed.parameters[0], &observed.parameters[1]);
    w.rows()
        .into_iter()
        .zip(v.column(0))
        .map(|(row, &v)| {
            let along = [row.dot(&space.column(0)), row.dot(&space.column(1))];
            let outside = &row - &space.dot(&space.t().dot(&row));
            leading::Neuron { along, rest: outside.dot(&outside), v }
        })
        .collect()
}

/// The leading order of the effective dynamics of an experiment.
pub fn leading_order(experiment: &Experiment) -> Leading {
    let Training { beta, c, .. } = experiment.problem.training;
    Leading::new(experiment.problem.lambda(), beta, c)
}

/// The directions that alive neurons are predicted to point to.
pub fn covered_by(neurons: &[leading::Neuron]) -> BTreeSet<usize> {
    let alive = |neuron: &&leading::Neuron| neuron.v.abs() * neuron.length() > ALIVE;
    neurons.iter().filter(alive).map(|neuron| direction(neuron.along)).collect()
}

/// The directions that alive neurons point to.
pub fn covered(neurons: &[Neuron]) -> BTreeSet<usize> {
    neurons.iter().filter(|neuron| neuron.alive()).map(|neuron| neuron.direction).collect()
}

/// Number of clusters that are classified.
pub fn classified(observed: &Observed) -> usize {
    observed.cluster_accuracy.iter().flatten().filter(|share| **share > CLASSIFIED).count()
}

/// Number of clusters that are classified where the output 0 counts as label 0, by the law of the output: the network labels more
/// than 0.9 of a cluster correctly. An output is exactly 0 where every gate is shut, as in a cluster that no neuron points to.
pub fn classified_with_zero(law: &XorLaw) -> usize {
    let (mut right, mut all) = ([0.0; CLUSTERS], [0.0; CLUSTERS]);
    for ((output, cluster), mass) in law.outputs.iter().zip(&law.clusters).zip(&law.nodes.masses) {
        all[*cluster] += mass;
        if (*output > 0.0) == (*cluster < 2) {
            right[*cluster] += mass;
        }
    }
    right.iter().zip(&all).filter(|(right, all)| **right > CLASSIFIED * **all).count()
}

/// Gram matrix of `W_1..W_K, μ, ν`, in this order.
///
/// # Errors
/// Parameters of another shape.
fn gram(experiment: &Experiment, observed: &Observed) -> Result<Array2<f64>> {
    let space = task::build(&experiment.reduced_problem()).mean_space();
    let all = concatenate(Axis(0), &[observed.parameters[0].view(), space.t()])
        .map_err(|error| Error::Numeric { routine: "Gram matrix", problem: error.to_string() })?;
    Ok(all.dot(&all.t()))
}

fn weights(observed: &Observed) -> Vec<f64> {
    observed.parameters[1].column(0).to_vec()
}

/// The law behind second-layer blocks at a checkpoint, from the Gram matrix of `W_1..W_K, μ, ν` and from v.
///
/// # Errors
/// Parameters of another shape.
pub fn law(experiment: &Experiment, observed: &Observed) -> Result<XorLaw> {
    XorLaw::new(&gram(experiment, observed)?, &weights(observed), experiment.problem.lambda())
}

/// The same with as many nodes as the matrices have samples: the edges of first-layer blocks depend on how rare the largest
/// weights are.
///
/// # Errors
/// Parameters of another shape.
pub fn law_of_sample(experiment: &Experiment, observed: &Observed) -> Result<XorLaw> {
    let gram = gram(experiment, observed)?;
    let nodes = experiment.problem.sample_size().div_ceil(CLUSTERS).max(8 * (gram.nrows() + 1));
    XorLaw::with_nodes(&gram, &weights(observed), experiment.problem.lambda(), nodes)
}

/// The effective spectrum of one neuron's block.
///
/// # Errors
/// A neuron that is not there.
pub fn predicted(
    experiment: &Experiment,
    law: &XorLaw,
    matrix: Matrix,
    neuron: usize,
) -> Result<EffectiveSpectrum> {
    let weights = Weights::discrete(law.first_layer(matrix, neuron, neuron)?);
    EffectiveSpectrum::new(&law.nodes, &weights, experiment.problem.training.phi, experiment.problem.lambda())
}

/// The level above which an eigenvalue of `H_vv` counts as an outlier, `‖W‖_op²/(4λ)`.
///
/// # Errors
/// If the eigensolver fails.
pub fn hessian_threshold(experiment: &Experiment, observed: &Observed) -> Result<f64> {
    let w = &observed.parameters[0];
    let norm = symmetric_eigen(&w.dot(&w.t()))?.values[0].max(0.0).sqrt();
    Ok(second_layer_threshold(Matrix::Hessian, norm, experiment.problem.lambda()))
}

/// The level above which an eigenvalue of either second-layer block counts as an outlier.
///
/// # Errors
/// If the eigensolver fails.
pub fn threshold(experiment: &Experiment, law: &XorLaw, matrix: Matrix) -> Result<f64> {
    let supremum = second_layer_threshold(matrix, law.operator_norm()?, experiment.problem.lambda());
    Ok(match matrix {
        Matrix::Hessian => supremum,
        Matrix::Gradient => supremum * law.sample_weights(matrix).dot(&law.nodes.masses),
    })
}

/// Number of values above a level.
pub fn above(values: impl IntoIterator<Item = f64>, threshold: f64) -> usize {
    values.into_iter().filter(|value| *value > threshold).count()
}
