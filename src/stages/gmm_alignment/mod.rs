//! A1 and A3: the rows of softmax regression align with the span of the means, hence with the outlier eigenspaces of
//! their Hessian and gradient-matrix blocks, and these with each other.

pub mod report;

use crate::error::Result;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::leading_space;
use crate::spectrum::query::SampleKind;
use crate::spectrum::subspace::overlap;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Alignment, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{CONTRAST, FIRST_BLOCK, MAIN, contrast, main, outliers, replicated};
use crate::stages::common::shared::{Seen, all_seen, of_summary};
use crate::table::Table;
use ndarray::Axis as Along;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![main(settings)?, contrast(settings)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let task = task::build(&experiment.problem);
        let space = task.mean_space();
        let k = experiment.problem.rows();
        let asked = replicated(name).indices(experiment.schedule().len());
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::All)? {
            let x = &observed.parameters[0];
            for (row, weights) in (0..).zip(x.rows()) {
                let of = (Layer::X, row, weights);
                rows.alignments.push(Alignment::of(&here, of, (Subspace::Means, None, &space)));
                let norm = weights.dot(&weights).sqrt();
                rows.measure(&here, "norm", Of::row(Layer::X, row), norm);
            }
            let total = x.sum_axis(Along(0));
            let norm = total.dot(&total).sqrt();
            rows.measure(&here, "norm of the class sum", Of::layer(Layer::X), norm);
            rows.measure(&here, "loss", Of::default(), observed.loss);
            rows.measure(&here, "accuracy", Of::default(), observed.accuracy);
            for entry in task.summary(&observed.parameters) {
                let of = of_summary(&*task, entry.statistic, (entry.row, entry.col));
                rows.measure(&here, entry.statistic, of, entry.value);
            }
            if asked.contains(&checkpoint) {
                let pairs = data.pairs(name, replicate, outliers(experiment, checkpoint))?;
                let spaces = [leading_space(&pairs[0], k)?, leading_space(&pairs[1], k)?];
                for (matrix, space) in Matrix::BOTH.into_iter().zip(&spaces) {
                    let with = (Subspace::Outliers(matrix), Some(SampleKind::Test), space);
                    rows.alignments.push(Alignment::of(&here, (Layer::X, 0, x.row(0)), with));
                }
                let of = Of::block(Matrix::Hessian, FIRST_BLOCK);
                let of = of.with(Subspace::Outliers(Matrix::Gradient));
                rows.measure(&here, "overlap", of, overlap(&spaces[0], &spaces[1]));
            }
        }
    }
    rows.tables(&["alignment", "statistics"])
}
