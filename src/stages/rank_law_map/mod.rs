//! B5, where it ends: the coupon collector's law of the rank over signal-to-noise ratio λ and dimension d.
//!
//! The law needs `√λ ≫ log d`, not only large λ. A neuron is late if its `√λ W_i·μ/‖W_i‖` is still small when other neurons have
//! learnt their clusters; the pull is then towards the clusters that are not covered, and the rank is larger than the law has it
//! ([`crate::theory::leading`] has the argument, and the combination [`lateness`] of d and λ that decides how many are late). The
//! prediction is the leading order of the effective dynamics from every run's own start, without any fitted number; the runs
//! are exact reduced chains, whose cost per step does not depend on d. The rank is the number of directions that alive neurons
//! point to, which is the number of outliers (`B4.directions`).

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::family::{Axis, Family};
use crate::stage::request::Request;
use crate::stage::rows::{Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::at;
use crate::stages::common::xor::{covered, covered_by, leading_neurons, leading_order, neurons};
use crate::stages::common::xor_runs::{NARROW, Point};
use crate::table::Table;
use crate::theory::leading::lateness;
use std::collections::BTreeSet;

/// Dimensions, each with its signal-to-noise ratios. A run at d = 10⁵ takes as long as all others of its replicate together.
const GRID: [(usize, &[f64]); 4] =
    [(300, &LAMBDAS), (1000, &LAMBDAS), (10_000, &LAMBDAS), (100_000, &[1000.0, 10_000.0])];
/// The signal-to-noise ratios of most dimensions.
const LAMBDAS: [f64; 6] = [100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0];
/// The grid of the quick profile.
const QUICK: [(usize, &[f64]); 2] = [(300, &[100.0, 1000.0]), (1000, &[100.0, 1000.0])];

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let grid: &[(usize, &[f64])] = settings.profile.pick(&GRID, &QUICK);
    let mut requests = Vec::new();
    for (d, lambdas) in grid {
        let name = format!("xor-rank-map-d{d}");
        let point = Point {
            name: name.clone(),
            width: NARROW,
            d: *d,
            lambda: lambdas[0],
            horizon: 40.0,
            replicates: 300,
        };
        let mut base = point.experiment(settings.profile, false);
        base.problem.data.set_d(*d);
        base.simulator = Simulator::Chain;
        let family = Family::new(name, base).axis(Axis::new("lambda", "-lambda-", lambdas.iter().copied()));
        requests.extend(settings.points(family)?.into_iter().map(Request::new));
    }
    Ok(requests)
}

/// The place of an experiment on the axis of [`lateness`].
fn place(experiment: &Experiment) -> f64 {
    lateness(as_f64(experiment.problem.d()), experiment.problem.lambda())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        for replicate in data.finished(&experiment.name)? {
            let checkpoints = data.trajectory(&experiment.name, replicate)?.checkpoints;
            let (Some(start), Some(end)) = (checkpoints.first(), checkpoints.last()) else { continue };
            let here = at(experiment, replicate, end);
            let foretold: BTreeSet<usize> =
                neurons(experiment, start).iter().map(|neuron| neuron.foretold).collect();
            let rank = covered(&neurons(experiment, end)).len();
            rows.measure(&here, "rank", Of::default(), as_f64(rank));
            rows.measure(&here, "foretold rank", Of::default(), as_f64(foretold.len()));
            let path = leading_order(experiment).path(&leading_neurons(experiment, start), &[end.time])?;
            let predicted = path.last().map_or(0, |neurons| covered_by(neurons).len());
            rows.predict(&here, "rank", Of::default(), as_f64(predicted));
        }
    }
    rows.tables(&["statistics", "theory"])
}
