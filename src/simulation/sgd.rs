//! The step loop: online SGD with ridge, checkpoints at whole steps.

use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::Stream;
use crate::simulation::kernel::padded;
use crate::simulation::task::{LARGEST, Task};
use crate::simulation::trajectory::{Checkpoint, Trajectory};

/// `x_l = x_{l-1} - δ (∇L(x_{l-1}, Y^l) + β x_{l-1})` from random initial parameters, one fresh sample a step.
///
/// `schedule` lists the steps of the checkpoints in increasing order, from 0. After each checkpoint `progress` is
/// told how many steps were taken since the last.
pub fn train(
    task: &dyn Task,
    seed: &Seed,
    schedule: &[u64],
    progress: &dyn Fn(u64),
) -> Trajectory<Checkpoint> {
    let mut parameters = task.initial(seed);
    let mut learner = task.learner(&parameters);
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let labels = task.law().labels();
    let mut y = vec![0.0; padded(task.problem().d())];
    let mut checkpoints = Vec::with_capacity(schedule.len());
    let mut taken = 0;
    for &step in schedule {
        let before = taken;
        while taken < step {
            let cluster = stream.next_into(&mut y);
            taken += 1;
            if !learner.step(labels[cluster as usize], &y) {
                return Trajectory { checkpoints, diverged: Some(taken) };
            }
        }
        if step > 0 {
            parameters = learner.parameters();
        }
        if !parameters.iter().all(|layer| layer.iter().all(|value| value.abs() <= LARGEST)) {
            return Trajectory { checkpoints, diverged: Some(taken) };
        }
        checkpoints.push(Checkpoint { step, parameters: parameters.clone() });
        progress(taken - before);
    }
    Trajectory { checkpoints, diverged: None }
}
