//! Top eigenvalues of the first-layer blocks along training: two outliers, then the bulk, whose whole spectrum is shown at three
//! times.

pub mod report;

use crate::error::Result;
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::densities::Densities;
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
            let request =
                first_layer(settings, name)?.first_replicate(TIMES, first(NEURON), Question::Top(TOP));
            Ok(request.first_replicate(Checkpoints::Three, first(NEURON), Question::Values))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut rows, mut densities) = (Rows::default(), Densities::default());
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let three = Checkpoints::Three.indices(experiment.schedule().len());
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, TIMES)? {
            let question = query(checkpoint, first(NEURON), Question::Top(TOP));
            let pairs = data.pairs(name, 0, question)?;
            let law = law_of_sample(experiment, &observed)?;
            let whole = query(checkpoint, first(NEURON), Question::Values);
            let values = three.contains(&checkpoint).then(|| data.values(name, 0, whole)).transpose()?;
            for (index, (matrix, of)) in MATRICES.into_iter().enumerate() {
                let predicted = predicted(experiment, &law, of, NEURON as usize)?;
                match &values {
                    Some(values) => {
                        rows.spectrum.extend(Eigenvalue::of_values(&here, matrix, &whole, &values[index]));
                        densities.add(&here, matrix, &predicted)?;
                    }
                    None => {
                        rows.spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &question, &pairs[index]));
                    }
                }
                let edge = predicted.right_edge().position;
                let block = Of::block(matrix, first(NEURON));
                rows.predict(&here, "edge", block, edge);
                for (rank, outlier) in (1..).zip(predicted.outliers_above()?) {
                    rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                }
            }
        }
    }
    let mut tables = rows.tables(&["spectrum", "theory"])?;
    tables.push(densities.table()?);
    Ok(tables)
}
