//! Histograms of the whole spectrum of `H_11` and `G_11` at the start, during and at the end of training.

pub mod report;

use crate::error::Result;
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    CONTRAST, FIRST_BLOCK, MAIN, Predicted, contrast_alone, gram, main_alone,
};
use crate::stages::common::shared::{MATRICES, Seen, query, seen};
use crate::table::{Table, TableBuilder};

/// Points at which the predicted density is computed.
const POINTS: usize = 400;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let all = |request: Request| request.first_replicate(Checkpoints::Three, FIRST_BLOCK, Question::Values);
    Ok(vec![all(main_alone(settings)?), all(contrast_alone(settings)?)])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    let (mut density_at, mut density_matrix, mut x, mut density) = (Vec::<At>::new(), vec![], vec![], vec![]);
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, Checkpoints::Three)? {
            let query = query(checkpoint, FIRST_BLOCK, Question::Values);
            for ((matrix, of), values) in MATRICES.into_iter().zip(&data.values(name, 0, query)?) {
                rows.spectrum.extend(Eigenvalue::of_values(&here, matrix, &query, values));
                let predicted = Predicted::block(experiment, &gram(experiment, &observed)?, of, 0, 0)?;
                let block = Of::block(matrix, FIRST_BLOCK);
                rows.predict(&here, "edge", block, predicted.spectrum.right_edge().position);
                for (rank, outlier) in (1..).zip(predicted.spectrum.outliers_above()?) {
                    rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                }
                for (place, value) in predicted.spectrum.density_grid(POINTS)? {
                    density_at.push(here.clone());
                    density_matrix.push(matrix.name());
                    x.push(place);
                    density.push(value);
                }
            }
        }
    }
    let experiments: Vec<&str> = density_at.iter().map(|at| at.experiment.as_str()).collect();
    let densities = TableBuilder::new("density")
        .str("experiment", &experiments)
        .u64("step", density_at.iter().map(|at| at.step).collect())
        .f64("time", density_at.iter().map(|at| at.time).collect())
        .str("matrix", &density_matrix)
        .f64("eigenvalue", x)
        .f64("density", density)
        .build()?;
    let mut tables = rows.tables(&["spectrum", "theory"])?;
    tables.push(densities);
    Ok(tables)
}
