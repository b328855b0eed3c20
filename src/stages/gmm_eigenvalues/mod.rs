//! A4, eigenvalues: one leading outlier, then k-1 smaller ones, then the bulk.

pub mod report;

use crate::error::Result;
use crate::simulation::task::Matrix;
use crate::spectrum::query::{Query, Question};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    CONTRAST, FIRST_BLOCK, MAIN, Predicted, SHOWN, contrast, gram, main, outliers, replicated,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, threshold};
use crate::table::Table;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let show = |request: Request| {
        let checkpoints = shown(&request.experiment.name);
        request.first_replicate(checkpoints, FIRST_BLOCK, Question::Top(SHOWN))
    };
    Ok(vec![show(main(settings)?), show(contrast(settings)?)])
}

/// Checkpoints at which the bulk of the first replicate is shown.
fn shown(experiment: &str) -> Checkpoints {
    if experiment == MAIN { Checkpoints::All } else { Checkpoints::Spread(13) }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let count = experiment.schedule().len();
        let shown = shown(name).indices(count);
        let asked = replicated(name).indices(count);
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::All)? {
            if replicate == 0 && shown.contains(&checkpoint) {
                let top = query(checkpoint, FIRST_BLOCK, Question::Top(SHOWN));
                record(data, &here, 0, top, &mut rows.spectrum)?;
                for (matrix, of) in MATRICES {
                    let predicted = Predicted::block(experiment, &gram(experiment, &observed)?, of, 0, 0)?;
                    let block = Of::block(matrix, FIRST_BLOCK);
                    let edge = predicted.spectrum.right_edge().position;
                    rows.predict(&here, "edge", block, edge);
                    let threshold = threshold(&predicted.spectrum, experiment.problem.d());
                    rows.predict(&here, "level", block, threshold);
                    for (rank, outlier) in (1..).zip(predicted.spectrum.outliers_above()?) {
                        rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                    }
                }
            } else if replicate > 0 && asked.contains(&checkpoint) {
                record(data, &here, replicate, outliers(experiment, checkpoint), &mut rows.spectrum)?;
            }
        }
    }
    rows.tables(&["spectrum", "theory"])
}

/// Asks for eigenpairs and adds their rows.
fn record(
    data: &dyn Data,
    at: &At,
    replicate: u32,
    query: Query,
    spectrum: &mut Vec<Eigenvalue>,
) -> Result<()> {
    for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&data.pairs(&at.experiment, replicate, query)?) {
        spectrum.extend(Eigenvalue::of_pairs(at, matrix, &query, pairs));
    }
    Ok(())
}
