//! A4, eigenvectors: the leading outlier of block (c, c) points along `μ_c`, and `x^c` prefers it.

pub mod report;

use crate::error::Result;
use crate::simulation::task;
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Statistic, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{FIRST_BLOCK, MAIN, REPLICATED, SHOWN, main, outliers};
use crate::stages::common::shared::{MATRICES, at, query, squared_cosine};
use crate::table::{Table, TableBuilder};

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
    let count = experiment.schedule().len();
    let mut statistics = Vec::new();
    for replicate in data.finished(&experiment.name)? {
        let trajectory = data.trajectory(MAIN, replicate)?;
        for checkpoint in REPLICATED.indices(count) {
            let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
            let here = at(experiment, replicate, observed);
            let x = observed.parameters[0].row(0);
            let pairs = data.pairs(MAIN, replicate, outliers(experiment, checkpoint))?;
            for ((matrix, _), pairs) in MATRICES.iter().zip(&pairs) {
                let Some(leading) = pairs.first() else { continue };
                statistics.push(Statistic::plain(
                    &here,
                    format!("v_1 along mu_1, {matrix}"),
                    squared_cosine(leading, means.row(0)),
                ));
                statistics.push(Statistic::plain(
                    &here,
                    format!("x^1 along v_1, {matrix}"),
                    squared_cosine(leading, x),
                ));
            }
        }
    }
    let (mut step, mut vector, mut matrix, mut col, mut value) = (vec![], vec![], vec![], vec![], vec![]);
    let trajectory = data.trajectory(MAIN, 0)?;
    for checkpoint in [0, count - 1] {
        let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
        let mut add = |name: String, of: Option<&str>, entries: ndarray::ArrayView1<f64>| {
            for (index, entry) in (0..).zip(entries) {
                step.push(observed.step);
                vector.push(name.clone());
                matrix.push(of.map(str::to_owned));
                col.push(index);
                value.push(*entry);
            }
        };
        let x = observed.parameters[0].row(0);
        let norm = x.dot(&x).sqrt();
        add("x".to_owned(), None, (&x / norm).view());
        let pairs = data.pairs(MAIN, 0, query(checkpoint, FIRST_BLOCK, Question::Top(SHOWN)))?;
        for ((of, _), pairs) in MATRICES.iter().zip(&pairs) {
            for (rank, pair) in (1..=means.nrows()).zip(pairs) {
                add(format!("v{rank}"), Some(of), pair.vector.view());
            }
        }
    }
    let entries = TableBuilder::new("entries")
        .u64("step", step)
        .str("vector", &vector)
        .str_or_null("matrix", &matrix)
        .u32("col", col)
        .f64("value", value)
        .build()?;
    Ok(vec![statistics_table("statistics", &statistics)?, entries])
}
