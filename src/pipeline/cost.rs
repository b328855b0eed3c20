//! The declared model of cost: seconds and bytes of a piece of work from its parameters alone, never from what a store holds, so
//! that every machine shares work in the same way at any time.

use crate::pipeline::context::Work;
use crate::problem::experiment::{Experiment, Simulator};
use crate::study::Study;

/// Approximate time to compute a trajectory, in nanoseconds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
pub(crate) fn trajectory_cost(experiment: &Experiment) -> u64 {
    let problem = &experiment.problem;
    let (d, k) = (problem.d() as f64, problem.rows() as f64);
    let step = match experiment.simulator {
        Simulator::Sgd => 100.0 + d * (2.0 + 0.35 * k),
        Simulator::Chain => 150.0 + 40.0 * k + 8.0 * k * k,
    };
    (problem.steps(experiment.horizon) as f64 * step) as u64
}

/// Approximate time to answer one query, in nanoseconds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
pub(crate) fn answer_cost(experiment: &Experiment) -> u64 {
    let d = experiment.problem.d() as f64;
    (2.0 * experiment.problem.training.phi * d * d * d / 50.0 + 2.0 * d * d * d / 15.0) as u64
}

/// Approximate time of a study, in nanoseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
pub(crate) fn study_cost(experiment: &Experiment, study: &Study) -> u64 {
    study.cost(&experiment.problem, experiment.horizon) as u64
}

/// Approximate time to compute a piece of work, in nanoseconds.
pub(crate) fn cost(work: &Work) -> u64 {
    trajectory_cost(&work.experiment)
        + work.queries.len() as u64 * answer_cost(&work.experiment)
        + work.studies.iter().map(|study| study_cost(&work.experiment, study)).sum::<u64>()
}

/// Bytes that a piece of work needs on its thread: two samples with their outputs, the parameters of all checkpoints; for queries
/// two matrices, one as LAPACK overwrites it, its eigenvectors, and a workspace of two.
pub(crate) fn memory(experiment: &Experiment, queries: bool) -> u64 {
    let problem = experiment.reduced_problem();
    let (d, n, rows) = (problem.d() as u64, problem.sample_size() as u64, problem.rows() as u64);
    let matrices = if queries { 6 * d * d } else { 0 };
    8 * (2 * n * (d + rows) + experiment.checkpoints as u64 * d * rows + matrices)
}
