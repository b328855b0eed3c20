//! Where the phenomena of the XOR network live and die: a grid of signal-to-noise ratios λ and ridges β.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::FEWEST_CHECKPOINTS;
use crate::problem::family::{Axis, Family};
use crate::problem::network::Layer;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::shared::{Seen, all_seen, predicted_at};
use crate::stages::common::xor::{
    ALIVE, checked, classified, experiment, leading_neurons, leading_order, neurons,
};
use crate::table::Table;

/// Signal-to-noise ratios.
const LAMBDAS: [u32; 6] = [1, 3, 10, 30, 100, 1000];

/// Ridges, in thousandths.
const RIDGES: [u32; 7] = [20, 40, 60, 80, 100, 120, 140];

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut base = experiment(settings.profile, "xor-collapse", 8, 100, f64::from(LAMBDAS[0]));
    base.problem.data.set_d(settings.profile.pick(100, 50));
    base.horizon = 200.0;
    // That every point of the grid is as predicted in 62 of 80 shows more than 0.55, in 66 more than 0.6.
    base.replicates = settings.profile.pick(80, base.replicates);
    base.checkpoints = FEWEST_CHECKPOINTS;
    // Names carry β in thousandths.
    let family = Family::new("xor-collapse", base)
        .axis(over_lambda(&LAMBDAS))
        .axis(Axis::new("beta", "-beta-", RIDGES.map(|ridge| f64::from(ridge) / 1000.0)).scaled(1000.0));
    let points = settings.members(family)?.into_iter();
    points.map(|point| Ok(Request::new(checked(settings, point)?))).collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        for Seen { here, observed, .. } in all_seen(data, experiment, Checkpoints::Last)? {
            let all = neurons(experiment, &observed);
            let alive = all.iter().filter(|neuron| neuron.alive()).count();
            rows.measure(&here, "alive neurons", Of::layer(Layer::W), as_f64(alive));
            rows.measure(&here, "classified", Of::default(), as_f64(classified(&observed)));
        }
        for start in all_seen(data, experiment, Checkpoints::First)? {
            let here = predicted_at(experiment, experiment.schedule().len() - 1);
            let here = At { replicate: Some(start.replicate), ..here };
            let neurons = leading_neurons(experiment, &start.observed);
            let end = leading_order(experiment).path(&neurons, &[here.time])?.pop().unwrap_or_default();
            let alive = end.iter().filter(|neuron| neuron.v.abs() * neuron.length() > ALIVE).count();
            rows.predict(&here, "alive neurons", Of::layer(Layer::W), as_f64(alive));
        }
    }
    rows.tables(&["statistics", "theory"])
}
