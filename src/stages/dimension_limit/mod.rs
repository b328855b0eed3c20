//! A1 and D1 as d grows, from 10² to beyond 10⁶: the exact reduced chain has the law of SGD at a cost that does not depend on d.
//!
//! The chain takes the same steps as SGD seen through its Gram matrix ([`crate::simulation::chain::reduced`]), so every statement
//! here is one about SGD. The limit is that of the effective dynamics.

pub mod report;

use crate::error::Result;
use crate::problem::Problem;
use crate::problem::data::DataLaw;
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::family::Family;
use crate::problem::network::{Layer, Network};
use crate::problem::training::Training;
use crate::simulation::task;
use crate::spectrum::subspace::sine;
use crate::stage::request::Request;
use crate::stage::rows::{At, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::{over, over_lambda};
use crate::stages::common::limit::{Limit, experiment, limit_with, macroscopic, predicted};
use crate::table::Table;
use crate::theory::dynamics::State;
use std::collections::BTreeMap;

/// Dimensions at every λ.
const DIMENSIONS: [usize; 4] = [100, 1000, 10_000, 100_000];

/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 2] = [100, 1000];

/// Further dimensions at the λ that is followed.
const BEYOND: [usize; 2] = [1_000_000, 2_000_000];

/// Those of the quick profile.
const QUICK_BEYOND: [usize; 1] = [10_000];

/// Signal-to-noise ratios of task A: the rate is fitted from [`FIT`] on.
const LAMBDAS: [u32; 5] = [10, 30, 100, 300, 1000];

/// The signal-to-noise ratio at which d grows furthest.
const FOLLOWED: f64 = 100.0;

/// Least λ of the fit: there `‖x‖²/λ`, by which weights are off those without noise, is below a tenth.
const FIT: f64 = 30.0;

/// Nodes per class or cluster of the limit, whose error must be small beside deviations at the largest d.
const NODES: usize = 8192;

/// Replicates of task B, where d spans less and slopes scatter more than in task A.
const REPLICATES: u32 = 60;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let beyond: &[usize] = settings.profile.pick(&BEYOND, &QUICK_BEYOND);
    let base = |name: &str, data: DataLaw, network: Network, training: Training| Experiment {
        simulator: Simulator::Chain,
        ..experiment(name.to_owned(), Problem { data, network, training }, 20.0, 21, 20)
    };
    let d = dimensions[0];
    // β = 0.2 makes e^{-βt} 0.02 at the end.
    let softmax = Training::new(0.2, 1.0, 1.0);
    let mixture = base("gmm-limit", DataLaw::mixture(d, FOLLOWED, 3), Network::softmax(), softmax);
    let two_layer = Training { start: macroscopic(), ..Training::new(0.02, 1.0, 1.0) };
    let mut network = base("xor-limit", DataLaw::xor(d, 10.0), Network::two_layer(4), two_layer);
    network.replicates = settings.profile.pick(REPLICATES, network.replicates);
    let families = [
        Family::new("gmm-limit", mixture.clone()).axis(over_lambda(&LAMBDAS)).axis(over(dimensions)),
        Family::new("gmm-limit-beyond", mixture).axis(over_lambda(&[FOLLOWED])).axis(over(beyond)),
        Family::new("xor-limit", network).axis(over(dimensions)),
    ];
    let mut requests = Vec::new();
    for family in families {
        requests.extend(settings.points(family)?.into_iter().map(Request::new));
    }
    Ok(requests)
}

fn is_mixture(experiment: &Experiment) -> bool {
    experiment.task() == "gmm"
}

/// The sine of the angle of `x^1` with the span of the means in a state of the limit.
fn limit_sine(state: Option<&State>) -> f64 {
    let Some(state) = state else { return f64::NAN };
    let inside: f64 = state.means.row(0).iter().map(|m| m * m).sum();
    (1.0 - inside / state.gram[[0, 0]]).max(0.0).sqrt()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    // The limit does not know d.
    let mut limits: BTreeMap<(bool, u64), Limit> = BTreeMap::new();
    for experiment in data.experiments() {
        let key = (is_mixture(experiment), experiment.problem.lambda().to_bits());
        if let std::collections::btree_map::Entry::Vacant(entry) = limits.entry(key) {
            entry.insert(limit_with(experiment, NODES)?);
        }
        let Some(limit) = limits.get(&key) else { continue };
        let (step, name) = (experiment.problem.steps(experiment.horizon), experiment.name.clone());
        let row = Of::row(Layer::X, 0);
        let place = At { experiment: name.clone(), replicate: None, step, time: experiment.horizon };
        rows.predict(&place, "error of the prediction", Of::default(), limit.error());
        if is_mixture(experiment) {
            rows.predict(&place, "sine", row.with(Subspace::Means), limit_sine(limit.path.states.last()));
        }
        let task = task::build(&experiment.reduced_problem());
        let space = task.mean_space();
        for replicate in data.finished(&name)? {
            let here = At { replicate: Some(replicate), ..place.clone() };
            let checkpoints = data.trajectory(&name, replicate)?.checkpoints;
            let (mut farthest, mut still) = (0.0_f64, 0.0_f64);
            for (observed, state) in checkpoints.iter().zip(&limit.path.states) {
                for summary in task.summary(&observed.parameters) {
                    farthest = farthest.max((summary.value - predicted(state, &summary)).abs());
                    still = still.max((summary.value - predicted(&limit.path.states[0], &summary)).abs());
                }
            }
            rows.measure(&here, "largest deviation", Of::default(), farthest);
            rows.measure(&here, "largest deviation from the start", Of::default(), still);
            let (Some(first), Some(last)) = (checkpoints.first(), checkpoints.last()) else { continue };
            if is_mixture(experiment) {
                let (start, x) = (first.parameters[0].row(0), last.parameters[0].row(0));
                let means = row.with(Subspace::Means);
                rows.measure(&here, "sine", means, sine(x, &space));
                rows.measure(&here, "sine at the start", means, sine(start, &space));
                let left = libm::exp(-experiment.problem.training.beta * experiment.horizon);
                let left = left * start.dot(&start).sqrt() / x.dot(&x).sqrt();
                rows.measure(&here, "left of the start", row, left);
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}
