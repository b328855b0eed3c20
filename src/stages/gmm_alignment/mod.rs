//! A1 and A3: the rows of softmax regression align with the span of the means, hence with the outlier eigenspaces of
//! their Hessian and gradient-matrix blocks, and these with each other.

pub mod report;

use crate::error::Result;
use crate::simulation::task;
use crate::spectrum::leading_space;
use crate::spectrum::subspace::{alignment, overlap, sine};
use crate::stage::request::Request;
use crate::stage::rows::{Alignment, Statistic, alignment_table, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{CONTRAST, MAIN, contrast, main, outliers, replicated};
use crate::stages::common::shared::{MATRICES, at};
use crate::table::Table;
use ndarray::Axis as Along;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![main(settings)?, contrast(settings)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut alignments, mut statistics) = (Vec::new(), Vec::new());
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let task = task::build(&experiment.problem);
        let space = task.mean_space();
        let k = experiment.problem.rows();
        let count = experiment.schedule().len();
        let asked = replicated(name).indices(count);
        for replicate in data.finished(&experiment.name)? {
            let trajectory = data.trajectory(name, replicate)?;
            for (checkpoint, observed) in trajectory.checkpoints.iter().enumerate() {
                let here = at(experiment, replicate, observed);
                let x = &observed.parameters[0];
                let mut add = |row: u32, sample: Option<&str>, subspace: &str, value: f64, sine: f64| {
                    alignments.push(Alignment {
                        at: here.clone(),
                        layer: "x".to_owned(),
                        row,
                        sample: sample.map(str::to_owned),
                        subspace: subspace.to_owned(),
                        value,
                        sine,
                    });
                };
                for (row, weights) in (0..).zip(x.rows()) {
                    add(row, None, "means", alignment(weights, &space), sine(weights, &space));
                    statistics.push(Statistic::of(&here, "norm", row, weights.dot(&weights).sqrt()));
                }
                let total = x.sum_axis(Along(0));
                statistics.push(Statistic::plain(&here, "norm of the class sum", total.dot(&total).sqrt()));
                statistics.push(Statistic::plain(&here, "loss", observed.loss));
                statistics.push(Statistic::plain(&here, "accuracy", observed.accuracy));
                for entry in task.summary(&observed.parameters) {
                    let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
                    statistics.push(Statistic::between(
                        &here,
                        entry.statistic,
                        index(entry.row),
                        index(entry.col),
                        entry.value,
                    ));
                }
                if asked.contains(&checkpoint) {
                    let pairs = data.pairs(name, replicate, outliers(experiment, checkpoint))?;
                    let spaces = [leading_space(&pairs[0], k)?, leading_space(&pairs[1], k)?];
                    for ((matrix, _), space) in MATRICES.iter().zip(&spaces) {
                        add(0, Some("test"), matrix, alignment(x.row(0), space), sine(x.row(0), space));
                    }
                    statistics.push(Statistic::plain(
                        &here,
                        "overlap of H and G",
                        overlap(&spaces[0], &spaces[1]),
                    ));
                }
            }
        }
    }
    Ok(vec![alignment_table(&alignments)?, statistics_table("statistics", &statistics)?])
}
