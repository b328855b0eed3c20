//! Entries of the leading eigenvectors of the second-layer blocks, neuron by neuron, at the start and at the end.

pub mod report;

use crate::error::Result;
use crate::problem::data::CLUSTERS;
use crate::simulation::task::Matrix;
use crate::stage::request::Request;
use crate::stage::rows::{Of, Statistic, entries_table};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{at, query};
use crate::stages::common::xor::{DIRECTIONS, SECOND, WIDE, neurons, second_layer, whole_second};
use crate::table::{Table, TableBuilder};

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![second_layer(settings, WIDE)?])
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
