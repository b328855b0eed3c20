//! B1 and B2 over a grid of signal-to-noise ratios: rates of the alignment errors of both layers.
//!
//! The theorem bounds both by `O(ε + λ^{-1/2})`, with ε for what is left of the start. The first layer attains the rate. The
//! second does not: its error is all ε, from neurons that never align and fade with the ridge, at every λ; run for longer
//! it falls below 1e-5 without a trace of λ. So slopes are claimed of the first layer only, and of the second the bound.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::FEWEST_CHECKPOINTS;
use crate::problem::family::Family;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{sine, space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Rows, Subspace, average};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::shared::{Seen, all_seen, norm_errors, query};
use crate::stages::common::xor::{SECOND, checked, experiment, first, neurons};
use crate::table::Table;

/// The grid, half a decade apart.
const GRID: [u32; 7] = [10, 30, 100, 300, 1000, 3000, 10_000];

/// The neuron whose block is taken; those of the others differ by a factor and by their gates.
const NEURON: u32 = 0;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut base = experiment(settings.profile, "xor-snr", 8, 300, f64::from(GRID[0]));
    // What is left of the start must be gone: e^{-βT} = 5.5e-4, still below the collapse threshold of every λ.
    base.problem.training.beta = 0.05;
    base.checkpoints = FEWEST_CHECKPOINTS;
    let family = Family::new("xor-snr", base).axis(over_lambda(&GRID));
    settings
        .members(family)?
        .into_iter()
        .map(|point| {
            Ok(Request::new(checked(settings, point)?)
                .every_replicate(Checkpoints::Last, first(NEURON), Question::Norms)
                .every_replicate(Checkpoints::Last, SECOND, Question::Norms))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::Last)? {
            let all = neurons(experiment, &observed);
            let alive: Vec<f64> =
                all.iter().filter(|neuron| neuron.alive()).map(|neuron| neuron.sine).collect();
            let (neurons, dead) = (Of::layer(Layer::W), as_f64(all.len() - alive.len()));
            rows.measure(&here, "dead neurons", neurons, dead);
            if !alive.is_empty() {
                let mean = average(&alive);
                rows.measure(&here, "sine", neurons.with(Subspace::Means), mean);
            }
            let space = space(&*task::build(&experiment.problem), SECOND.layer, &observed.parameters)?;
            let v = observed.parameters[1].column(0);
            let second = Of::row(Layer::V, 0).with(Subspace::Means);
            rows.measure(&here, "sine", second, sine(v, &space));
            for block in [first(NEURON), SECOND] {
                let norms =
                    data.norms(&experiment.name, replicate, query(checkpoint, block, Question::Norms))?;
                for (matrix, norms) in Matrix::BOTH.into_iter().zip(norms) {
                    rows.statistics.extend(norm_errors(&here, Of::block(matrix, block), norms));
                }
            }
        }
    }
    rows.tables(&["statistics"])
}
