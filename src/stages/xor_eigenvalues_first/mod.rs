//! Top eigenvalues of the first-layer blocks along training: two outliers, then the bulk.

pub mod report;

use crate::error::Result;
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, Seen, query, seen};
use crate::stages::common::xor::{CONTRAST, MAIN, first, first_layer, law_of_sample, predicted};
use crate::table::Table;

/// Eigenpairs shown of a block.
const TOP: u32 = 10;
/// The neuron whose block is shown; those of the others differ by the factor `v_i²` and by their gates.
const NEURON: u32 = 0;
/// Checkpoints at which it is shown.
const TIMES: Checkpoints = Checkpoints::Spread(25);

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    [MAIN, CONTRAST]
        .into_iter()
        .map(|name| {
            Ok(first_layer(settings, name)?.first_replicate(TIMES, first(NEURON), Question::Top(TOP)))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, TIMES)? {
            let question = query(checkpoint, first(NEURON), Question::Top(TOP));
            let law = law_of_sample(experiment, &observed)?;
            for ((matrix, of), pairs) in MATRICES.into_iter().zip(&data.pairs(name, 0, question)?) {
                rows.spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &question, pairs));
                let predicted = predicted(experiment, &law, of, NEURON as usize)?;
                let edge = predicted.right_edge().position;
                let block = Of::block(matrix, first(NEURON));
                rows.predict(&here, "edge", block, edge);
                for (rank, outlier) in (1..).zip(predicted.outliers_above()?) {
                    rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                }
            }
        }
    }
    rows.tables(&["spectrum", "theory"])
}
