//! A4, eigenvectors: the leading outlier of block (c, c) points along `μ_c`, and `x^c` prefers it.

pub mod report;

use crate::error::Result;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{FIRST_BLOCK, MAIN, REPLICATED, SHOWN, main, outliers};
use crate::stages::common::shared::{Seen, all_seen, query, seen, squared_cosine};
use crate::table::Table;
use ndarray::ArrayView1;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let main = main(settings)?;
    Ok(vec![main.first_replicate(Checkpoints::First, FIRST_BLOCK, Question::Top(SHOWN)).first_replicate(
        Checkpoints::Last,
        FIRST_BLOCK,
        Question::Top(SHOWN),
    )])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let experiment = data.experiment(MAIN)?;
    let means = task::build(&experiment.problem).law().means();
    let mut rows = Rows::default();
    for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, REPLICATED)? {
        let x = observed.parameters[0].row(0);
        let pairs = data.pairs(MAIN, replicate, outliers(experiment, checkpoint))?;
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            let Some(leading) = pairs.first() else { continue };
            let of = Of::block(matrix, FIRST_BLOCK).rank(1);
            for (subspace, vector) in [(Subspace::Mean, means.row(0)), (Subspace::Row, x)] {
                let overlap = squared_cosine(leading, vector);
                rows.measure(&here, "overlap", of.with(subspace), overlap);
            }
        }
    }
    for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, Checkpoints::Spread(2))? {
        let mut add = |of: Of, vector: ArrayView1<f64>| {
            rows.entries.extend(
                (0..)
                    .zip(vector)
                    .map(|(col, entry)| Statistic::new(&here, "entry", Of { col: Some(col), ..of }, *entry)),
            );
        };
        let x = observed.parameters[0].row(0);
        add(Of::row(Layer::X, 0), (&x / x.dot(&x).sqrt()).view());
        let pairs = data.pairs(MAIN, 0, query(checkpoint, FIRST_BLOCK, Question::Top(SHOWN)))?;
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            for (rank, pair) in (1..).zip(pairs.iter().take(means.nrows())) {
                add(Of::block(matrix, FIRST_BLOCK).rank(rank), pair.vector.view());
            }
        }
    }
    rows.tables(&["statistics", "entries"])
}
