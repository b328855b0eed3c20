//! Histograms of the whole spectrum of `H_11` and `G_11` at the start, during and at the end of training.

pub mod report;

use crate::error::Result;
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::densities::Densities;
use crate::stages::common::mixture::{
    CONTRAST, FIRST_BLOCK, MAIN, Predicted, contrast, gram, main, outliers,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query};
use crate::table::Table;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let all = |request: Request| request.first_replicate(Checkpoints::Three, FIRST_BLOCK, Question::Values);
    Ok(vec![all(main(settings)?), all(contrast(settings)?)])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut rows, mut densities) = (Rows::default(), Densities::default());
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::Three)?
        {
            if replicate > 0 {
                // Of these the outliers are enough.
                let question = outliers(experiment, checkpoint);
                for ((matrix, _), pairs) in MATRICES.into_iter().zip(&data.pairs(name, replicate, question)?)
                {
                    rows.spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &question, pairs));
                }
                continue;
            }
            let query = query(checkpoint, FIRST_BLOCK, Question::Values);
            for ((matrix, of), values) in MATRICES.into_iter().zip(&data.values(name, 0, query)?) {
                rows.spectrum.extend(Eigenvalue::of_values(&here, matrix, &query, values));
                let predicted = Predicted::block(experiment, &gram(experiment, &observed)?, of, 0, 0)?;
                let block = Of::block(matrix, FIRST_BLOCK);
                rows.predict(&here, "edge", block, predicted.spectrum.right_edge().position);
                for (rank, outlier) in (1..).zip(predicted.spectrum.outliers_above()?) {
                    rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                }
                densities.add(&here, matrix, &predicted.spectrum)?;
            }
        }
    }
    let mut tables = rows.tables(&["spectrum", "theory"])?;
    tables.push(densities.table()?);
    Ok(tables)
}
