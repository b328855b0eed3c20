//! Entries of the leading eigenvectors of the second-layer blocks, neuron by neuron, at the start and at the end; and inner
//! products of means, parameters and eigenvectors of both layers.

pub mod report;

use crate::error::Result;
use crate::problem::data::CLUSTERS;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Statistic, entries_table};
use crate::stage::{Data, Settings};
use crate::stages::common::products::{Kind, Products, upright};
use crate::stages::common::shared::{Seen, at, query, seen};
use crate::stages::common::xor::{
    DIRECTIONS, MAIN, SECOND, SHOWN, WIDE, first, first_layer, neurons, second_layer, whole_second,
};
use crate::table::{Table, TableBuilder};
use ndarray::Array1;

/// The neuron whose first-layer block is shown.
const NEURON: u32 = 0;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let narrow = Request::new(first_layer(settings, MAIN)?.experiment);
    let narrow = narrow.first_replicate(Checkpoints::Three, first(NEURON), Question::Top(SHOWN));
    Ok(vec![second_layer(settings, WIDE)?, narrow])
}

/// The products of both layers' vectors with each other: the means as the layer sees them, parameters, leading eigenvectors.
fn products(data: &dyn Data) -> Result<Table> {
    let mut products = Products::default();
    for (name, layer) in [(MAIN, Layer::W), (WIDE, Layer::V)] {
        let experiment = data.experiment(name)?;
        let means = task::build(&experiment.problem).law().means();
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, Checkpoints::Three)? {
            let w = &observed.parameters[0];
            let mut vectors: Vec<(Kind, Array1<f64>)> = Vec::new();
            let (question, count) = if layer == Layer::W {
                // One of each pair of opposite means.
                let signs = means.rows().into_iter().step_by(2);
                vectors.extend(signs.map(|mean| (Kind::Mean, mean.to_owned())));
                vectors.extend(w.rows().into_iter().map(|row| (Kind::Row, row.to_owned())));
                (query(checkpoint, first(NEURON), Question::Top(SHOWN)), 2)
            } else {
                let features = means.rows().into_iter().map(|mean| w.dot(&mean).mapv(|f| f.max(0.0)));
                vectors.extend(features.map(|feature| (Kind::Feature, feature)));
                vectors.push((Kind::Row, observed.parameters[1].column(0).to_owned()));
                (query(checkpoint, SECOND, whole_second(experiment)), CLUSTERS)
            };
            for (kind, pairs) in Kind::MATRICES.into_iter().zip(&data.pairs(name, 0, question)?) {
                let leading = pairs.iter().take(count);
                vectors.extend(leading.map(|pair| (kind, upright(pair.vector.view()))));
            }
            products.add(&here, layer, &vectors);
        }
    }
    products.table()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let experiment = data.experiment(WIDE)?;
    let trajectory = data.trajectory(WIDE, 0)?;
    let mut entries = Vec::new();
    let last = trajectory.checkpoints.len().saturating_sub(1);
    for checkpoint in [0, last] {
        let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
        let here = at(experiment, 0, observed);
        let question = query(checkpoint, SECOND, whole_second(experiment));
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&data.pairs(WIDE, 0, question)?) {
            for (rank, pair) in (1..).zip(pairs.iter().take(CLUSTERS)) {
                for (neuron, value) in (0..).zip(&pair.vector) {
                    let of = Of { col: Some(neuron), ..Of::block(matrix, SECOND).rank(rank) };
                    entries.push(Statistic::new(&here, "entry", of, *value));
                }
            }
        }
    }
    // Neurons in the order of the directions they take in the end, the strongest first.
    let mut order: Vec<(u32, usize, bool, f64)> = trajectory
        .checkpoints
        .get(last)
        .map_or_else(Vec::new, |observed| neurons(experiment, observed))
        .iter()
        .zip(0..)
        .map(|(neuron, index)| (index, neuron.direction, neuron.alive(), neuron.strength))
        .collect();
    order.sort_by(|a, b| (!a.2, a.1).cmp(&(!b.2, b.1)).then(b.3.total_cmp(&a.3)));
    Ok(vec![
        entries_table(&entries)?,
        products(data)?,
        TableBuilder::new("neurons")
            .u32("neuron", order.iter().map(|row| row.0).collect())
            .str("direction", &order.iter().map(|row| words(row.1, row.2)).collect::<Vec<_>>())
            .f64("strength", order.iter().map(|row| row.3).collect())
            .build()?,
    ])
}

fn words(direction: usize, alive: bool) -> &'static str {
    if alive { DIRECTIONS.get(direction).copied().unwrap_or_default() } else { "dead" }
}
