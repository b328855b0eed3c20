//! One replicate of an experiment: its SGD trajectory with what is observed at every checkpoint.

use crate::problem::experiment::Experiment;
use crate::random::seed::Seed;
use crate::simulation::data::Sample;
use crate::simulation::sgd;
use crate::simulation::task::Task;
use crate::simulation::trajectory::{Checkpoint, Observed, Trajectory};

/// Runs SGD and evaluates every checkpoint on a sample: the replicate's fresh one.
#[must_use]
pub fn observe(
    experiment: &Experiment,
    task: &dyn Task,
    seed: &Seed,
    sample: &Sample,
    progress: &dyn Fn(u64),
) -> Trajectory<Observed> {
    evaluate(experiment, task, sgd::train(task, seed, &experiment.schedule(), progress), sample)
}

/// Evaluates every checkpoint of a run on a sample.
#[must_use]
pub fn evaluate(
    experiment: &Experiment,
    task: &dyn Task,
    run: Trajectory<Checkpoint>,
    sample: &Sample,
) -> Trajectory<Observed> {
    let checkpoints = run
        .checkpoints
        .into_iter()
        .map(|checkpoint| {
            let evaluation = task.evaluate(&checkpoint.parameters, sample);
            Observed {
                step: checkpoint.step,
                time: experiment.time(checkpoint.step),
                parameters: checkpoint.parameters,
                loss: evaluation.loss,
                accuracy: evaluation.accuracy,
                cluster_accuracy: evaluation.cluster_accuracy,
                outputs: Some(evaluation.outputs),
            }
        })
        .collect();
    Trajectory { checkpoints, diverged: run.diverged }
}
