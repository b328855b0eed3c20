//! What theory predicts of an experiment before any of it is simulated: the limit d → ∞ of its summary statistics.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::problem::experiment::{Experiment, Simulator, Spacing};
use crate::problem::training::{Start, Training};
use crate::simulation::task::Summary;
use crate::theory::dynamics::{Constants, Dynamics, MixtureDynamics, Path, State, XorDynamics, integrate};
use ndarray::Array2;

/// Longest step of the integrator in units of time; what it leaves is far below the quadrature's error, as [`Limit::error`]
/// shows.
const STEP: f64 = 0.2;
/// Quadrature nodes per class or cluster.
const NODES: usize = 512;
/// Longest time that is integrated: a hundred thousand steps take minutes.
const LONGEST: f64 = 2e4;

/// The limit at the checkpoints of an experiment.
#[derive(Clone, Debug)]
pub struct Limit {
    /// States and errors.
    pub path: Path,
    /// Gram matrices of first-layer rows and means, in this order.
    pub grams: Vec<Array2<f64>>,
}

impl Limit {
    /// Largest error of an entry at any checkpoint that steps and nodes leave, as far as the integrator can tell.
    pub fn error(&self) -> f64 {
        self.path.step_error.iter().chain(&self.path.node_error).copied().fold(0.0, f64::max)
    }
}

/// Gram matrix of the means that rows of the first layer align with.
pub fn gram_of_means(experiment: &Experiment) -> Array2<f64> {
    let gram = experiment.problem.data.mean_gram();
    Array2::from_shape_fn((gram.len(), gram.len()), |(i, j)| gram[i][j])
}

/// What makes an equation of motion with this many nodes per class or cluster.
type Make = fn(&Experiment, Constants, usize) -> Result<Box<dyn Dynamics>>;

/// The data laws and networks whose limit is known.
const KNOWN: [(&str, &str, Make); 2] = [("mixture", "softmax", softmax), ("xor", "two-layer", two_layer)];

fn softmax(experiment: &Experiment, constants: Constants, nodes: usize) -> Result<Box<dyn Dynamics>> {
    let probabilities = experiment.problem.data.probabilities();
    let (k, gram) = (probabilities.len(), gram_of_means(experiment));
    let nodes = nodes.max(8 * (k + 1));
    Ok(Box::new(MixtureDynamics::with_nodes(k, probabilities, &gram, constants, nodes)?))
}

fn two_layer(experiment: &Experiment, constants: Constants, nodes: usize) -> Result<Box<dyn Dynamics>> {
    Ok(Box::new(XorDynamics::with_nodes(experiment.problem.rows(), constants, nodes)?))
}

/// The equation of motion of an experiment, with this many nodes per class or cluster.
fn dynamics(experiment: &Experiment, nodes: usize) -> Result<Box<dyn Dynamics>> {
    let problem = &experiment.problem;
    let (law, network) = (problem.data.name(), problem.network.name());
    let Some((.., make)) = KNOWN.iter().find(|(data, of, _)| (*data, *of) == (law, network)) else {
        let rule = format!("no limit is known of a {network} network on data of the law {law}");
        return Err(Error::parameter("experiment", &experiment.name, rule));
    };
    if problem.data.nuisance().is_some() {
        let rule = "no limit is known of data whose noise is not isotropic";
        return Err(Error::parameter("experiment", &experiment.name, rule));
    }
    let Training { beta, c, .. } = problem.training;
    make(experiment, Constants { lambda: problem.lambda(), beta, c }, nodes)
}

/// The start of an experiment as d → ∞: random rows are orthonormal and orthogonal to the means.
fn start(experiment: &Experiment) -> Result<State> {
    let problem = &experiment.problem;
    let (rows, means) = (problem.rows(), problem.data.means());
    let mut state = State::random_limit(rows, means);
    if let Some(along) = &problem.training.start.along {
        let along = Array2::from_shape_fn((rows, means), |(i, j)| along[i][j]);
        state.means = along.dot(&gram_of_means(experiment));
        state.gram += &state.means.dot(&along.t());
    }
    if problem.network.layers().len() > 1 {
        let rule = "a random second layer has no limit as d grows; give its weights";
        let missing = || Error::parameter(format!("{}.start", experiment.name), "random", rule);
        state.second = problem.training.start.second.clone().ok_or_else(missing)?;
    }
    Ok(state)
}

/// The limit of an experiment at its checkpoints.
///
/// # Errors
/// An experiment of task B with a random second layer, which has no limit.
pub fn limit(experiment: &Experiment) -> Result<Limit> {
    limit_with(experiment, NODES)
}

/// The same with this many quadrature nodes per class or cluster.
///
/// # Errors
/// As for [`limit`].
pub fn limit_with(experiment: &Experiment, nodes: usize) -> Result<Limit> {
    limit_from(experiment, &start(experiment)?, STEP, nodes)
}

/// The same from the state that a replicate starts with at finite d.
///
/// # Errors
/// A state that does not fit the experiment, a horizon beyond 20,000.
pub fn limit_from(experiment: &Experiment, start: &State, step: f64, nodes: usize) -> Result<Limit> {
    if experiment.horizon > LONGEST {
        let rule = format!("effective dynamics are integrated to t = {LONGEST} at most");
        return Err(Error::parameter(format!("{}.horizon", experiment.name), experiment.horizon, rule));
    }
    let times: Vec<f64> = experiment.schedule().iter().map(|step| experiment.time(*step)).collect();
    let path = integrate(&*dynamics(experiment, nodes)?, start, &times, step)?;
    let means = gram_of_means(experiment);
    let grams = path.states.iter().map(|state| state.full_gram(&means)).collect::<Result<_>>()?;
    Ok(Limit { path, grams })
}

/// A summary statistic of a state of the limit.
pub fn predicted(state: &State, summary: &Summary) -> f64 {
    match summary.statistic {
        "m" => state.means[[summary.row, summary.col]],
        "R" => state.gram[[summary.row, summary.col]],
        _ => state.second[summary.row],
    }
}

/// An experiment at evenly spaced checkpoints.
pub fn experiment(
    name: String,
    problem: Problem,
    horizon: f64,
    checkpoints: usize,
    replicates: u32,
) -> Experiment {
    let (spacing, simulator) = (Spacing::Linear, Simulator::Sgd);
    Experiment { name, problem, horizon, checkpoints, spacing, replicates, simulator, member: None }
}

/// A start of task B that the limit does not keep at `m = 0`: four neurons of different directions and strengths.
pub fn macroscopic() -> Start {
    Start {
        along: Some(vec![vec![0.8, 0.1], vec![-0.3, 0.4], vec![0.2, 0.6], vec![0.1, -0.5]]),
        second: Some(vec![1.0, 0.7, -0.8, -0.6]),
    }
}
