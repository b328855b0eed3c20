//! A4, eigenvalues: one leading outlier, then k-1 smaller ones, then the bulk.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::simulation::task::Matrix;
use crate::spectrum::query::{Query, Question};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Eigenvalue, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    CONTRAST, COUNTS, FIRST_BLOCK, Judged, MAIN, Predicted, SHOWN, classes, contrast, counts, each_judged,
    gram, law, main, outliers, places, replicated,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, seen, threshold};
use crate::table::Table;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let show = |request: Request| {
        let checkpoints = shown(&request.experiment.name);
        request.first_replicate(checkpoints, FIRST_BLOCK, Question::Top(SHOWN))
    };
    Ok(vec![show(main(settings)?), show(contrast(settings)?), counts(settings)?])
}

/// Checkpoints at which the bulk of the first replicate is shown.
fn shown(experiment: &str) -> Checkpoints {
    Checkpoints::Spread(if experiment == MAIN { 25 } else { 13 })
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
    let main = data.experiment(MAIN)?;
    each_judged(data, main, &places(main), |judged| {
        leads(judged, &mut rows);
        Ok(())
    })?;
    components(data, &mut rows)?;
    counted(data, &mut rows)?;
    rows.tables(&["spectrum", "statistics", "theory"])
}

/// The first of some eigenvalues over the mean of the others, whose trace has no bias from how nearly degenerate levels repel
/// each other.
fn lead(values: &[f64]) -> f64 {
    let others = &values[1..];
    values[0] * as_f64(others.len()) / others.iter().sum::<f64>()
}

/// By how much the leading outlier of each matrix leads, measured and predicted.
fn leads(judged: &Judged, rows: &mut Rows) {
    for one in &judged.of {
        let of =
            Of { row: Some(judged.class), col: Some(judged.class), ..Of::block(one.matrix, FIRST_BLOCK) };
        let here = &judged.seen.here;
        let measured: Vec<f64> = one.pairs.iter().map(|pair| pair.value).collect();
        let predicted: Vec<f64> = one.outliers.iter().map(|outlier| outlier.position).collect();
        if measured.len() > 1 && predicted.len() == measured.len() {
            rows.measure(here, "lead", of, lead(&measured));
            rows.predict(here, "lead", of, lead(&predicted));
            rows.predict(here, "scatter", of, one.scatter);
        }
    }
}

/// The same of principal components.
fn components(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let main = data.experiment(MAIN)?;
    for Seen { here, replicate, checkpoint, .. } in all_seen(data, main, Checkpoints::Last)? {
        let question = query(checkpoint, FIRST_BLOCK, Question::Components(classes(main)));
        let values: Vec<f64> =
            data.components(MAIN, replicate, question)?.iter().map(|pair| pair.value).collect();
        if values.len() > 1 {
            let of = Of::default().with(Subspace::Components);
            rows.measure(&here, "lead", of, lead(&values));
        }
    }
    Ok(())
}

/// Numbers of eigenvalues of a diagonal block above its level, by each replicate's own inner products and by those of its
/// start.
fn counted(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let experiment = data.experiment(COUNTS)?;
    for replicate in data.finished(COUNTS)? {
        let mut at_start = None;
        for Seen { here, checkpoint, observed, .. } in
            seen(data, experiment, replicate, Checkpoints::Spread(2))?
        {
            let law = law(experiment, &gram(experiment, &observed)?)?;
            let values = data.values(COUNTS, replicate, query(checkpoint, FIRST_BLOCK, Question::Values))?;
            let mut levels = Vec::new();
            for (_, of) in MATRICES {
                let spectrum = Predicted::finite(experiment, &law, (of, 0, 0))?.spectrum;
                levels.push(threshold(&spectrum, experiment.problem.d()));
            }
            let start = at_start.get_or_insert_with(|| levels.clone()).clone();
            for (index, matrix) in Matrix::BOTH.into_iter().enumerate() {
                let block = Of::block(matrix, FIRST_BLOCK);
                for (of, level) in [(block, levels[index]), (block.with(Subspace::Start), start[index])] {
                    let above = values[index].iter().filter(|value| **value > level).count();
                    rows.measure(&here, "outliers", of, as_f64(above));
                }
            }
        }
    }
    Ok(())
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
