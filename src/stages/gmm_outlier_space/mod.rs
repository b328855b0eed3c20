//! A2: the outlier eigenspaces of all blocks of the Hessian and of the gradient matrix live in the span of the means.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::leading_space;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::overlap;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    FIRST_BLOCK, MAIN, OFF_DIAGONAL, Predicted, REPLICATED, SHOWN, WIDE, classes, experiment, gram, main,
    outliers,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, seen, threshold, threshold_below};
use crate::table::Table;
use crate::theory::effective_spectrum::Outlier;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut main = main(settings)?
        .every_replicate(Checkpoints::First, OFF_DIAGONAL, Question::Values)
        .every_replicate(Checkpoints::Last, OFF_DIAGONAL, Question::Values)
        .first_replicate(Checkpoints::First, OFF_DIAGONAL, Question::Top(SHOWN))
        .first_replicate(Checkpoints::Last, OFF_DIAGONAL, Question::Top(SHOWN));
    for row in 0..classes(&main.experiment) {
        main = main.first_replicate(Checkpoints::Three, Block::diagonal(Layer::X, row), Question::Top(SHOWN));
    }
    let wide = settings.experiment(experiment(settings.profile, WIDE, 10, 100.0))?;
    let question = Question::Outliers(classes(&wide));
    let wide = Request::new(wide).every_replicate(Checkpoints::First, FIRST_BLOCK, question).every_replicate(
        Checkpoints::Last,
        FIRST_BLOCK,
        question,
    );
    Ok(vec![main, wide])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [MAIN, WIDE] {
        overlaps(data, data.experiment(name)?, &mut rows)?;
    }
    off_diagonal_outliers(data, &mut rows)?;
    eigenvector_entries(data, &mut rows)?;
    rows.tables(&["statistics", "theory", "spectrum"])
}

/// Overlap of the top-k eigenspaces of the first block with the span of the means, measured and predicted.
fn overlaps(data: &dyn Data, experiment: &Experiment, rows: &mut Rows) -> Result<()> {
    let space = task::build(&experiment.problem).mean_space();
    let k = experiment.problem.rows();
    let asked = if experiment.name == MAIN { REPLICATED } else { Checkpoints::Spread(2) };
    for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, asked)? {
        let pairs = data.pairs(&experiment.name, replicate, outliers(experiment, checkpoint))?;
        for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
            let block = Of::block(matrix, FIRST_BLOCK);
            let spanned = block.with(Subspace::Means);
            let inside = overlap(&leading_space(pairs, k)?, &space);
            rows.measure(&here, "overlap", spanned, inside);
            if replicate == 0 {
                let predicted = Predicted::block(experiment, &gram(experiment, &observed)?, of, 0, 0)?;
                let outliers = predicted.spectrum.outliers_above()?;
                let inside = |outlier: &Outlier| outlier.overlap_with_span_of_means(&predicted.law);
                let total: f64 = outliers.iter().take(k).map(inside).sum();
                rows.predict(&here, "overlap", spanned, total / as_f64(k));
                let count = as_f64(outliers.len());
                rows.predict(&here, "outliers beyond the bulk", block, count);
            }
        }
    }
    Ok(())
}

/// Numbers of negative and positive outliers of an off-diagonal block in every replicate, and its largest eigenvalues
/// in the first, with predicted edges and outliers.
fn off_diagonal_outliers(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let experiment = data.experiment(MAIN)?;
    for asked in [Checkpoints::First, Checkpoints::Last] {
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, asked)? {
            let gram = gram(experiment, &observed)?;
            let values = data.values(MAIN, replicate, query(checkpoint, OFF_DIAGONAL, Question::Values))?;
            for (index, (matrix, of)) in MATRICES.into_iter().enumerate() {
                let block = Of::block(matrix, OFF_DIAGONAL);
                let predicted = Predicted::block(experiment, &gram, of, 0, 1)?;
                let (low, high) = (
                    threshold_below(&predicted.spectrum, experiment.problem.d()),
                    threshold(&predicted.spectrum, experiment.problem.d()),
                );
                let below = values[index].iter().filter(|value| **value < low).count();
                let above = values[index].iter().filter(|value| **value > high).count();
                rows.measure(&here, "negative outliers", block, as_f64(below));
                rows.measure(&here, "positive outliers", block, as_f64(above));
                if replicate > 0 {
                    continue;
                }
                let (left, right) = (predicted.spectrum.left_edge(), predicted.spectrum.right_edge());
                rows.predict(&here, "left edge", block, left.position);
                rows.predict(&here, "edge", block, right.position);
                let mut places: Vec<f64> =
                    predicted.spectrum.outliers()?.iter().map(|outlier| outlier.position).collect();
                // Ranks of off-diagonal blocks go by magnitude, as those of measured eigenvalues do.
                places.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
                for (rank, place) in (1..).zip(places) {
                    rows.predict(&here, "outlier", block.rank(rank), place);
                }
                let top = query(checkpoint, OFF_DIAGONAL, Question::Top(SHOWN));
                rows.spectrum.extend(Eigenvalue::of_pairs(
                    &here,
                    matrix,
                    &top,
                    &data.pairs(MAIN, 0, top)?[index],
                ));
            }
        }
    }
    Ok(())
}

/// Entries of the leading eigenvectors of every diagonal block along the means, in the first replicate at the end.
fn eigenvector_entries(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let experiment = data.experiment(MAIN)?;
    let means = task::build(&experiment.problem).law().means();
    let Some(Seen { here, checkpoint, .. }) = seen(data, experiment, 0, Checkpoints::Last)?.pop() else {
        return Ok(());
    };
    for row in 0..classes(experiment) {
        let block = Block::diagonal(Layer::X, row);
        let pairs = data.pairs(MAIN, 0, query(checkpoint, block, Question::Top(SHOWN)))?;
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            for (rank, pair) in (1..).zip(pairs.iter().take(means.nrows())) {
                for (mean, direction) in (0..).zip(means.rows()) {
                    let of = Of::block(matrix, block).rank(rank).cluster(mean);
                    rows.measure(&here, "entry", of, pair.vector.dot(&direction));
                }
            }
        }
    }
    Ok(())
}
