//! One replicate of an experiment by the exact reduced chain instead of SGD in d dimensions: the same law of every inner
//! product of parameters and means, at any d.
//!
//! Checkpoints hold the first layer in the chain's coordinates, means first; they are evaluated on
//! a test sample projected on the same coordinates, on which loss and accuracy have the law they have in d dimensions.

pub mod factor;
pub mod noise;
pub mod reduced;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::chain::noise::Noise;
use crate::simulation::chain::reduced::Chain;
use crate::simulation::data::Sample;
use crate::simulation::observe::evaluate;
use crate::simulation::task::Task;
use crate::simulation::trajectory::{Observed, Trajectory};

/// A named stream as the randomness of theory.
struct Stream(Normals);

impl Noise for Stream {
    fn fill(&mut self, out: &mut [f64]) {
        self.0.fill(out);
    }

    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

/// Runs the chain and evaluates every checkpoint on a sample of `task`, the task whose law is kept in these coordinates.
///
/// # Errors
/// A problem without room for the chain.
pub fn observe(
    experiment: &Experiment,
    task: &dyn Task,
    seed: &Seed,
    sample: &Sample,
    progress: &dyn Fn(u64),
) -> Result<Trajectory<Observed>> {
    let mut chain = Chain::new(&experiment.problem, &mut Stream(seed.stream(Purpose::Initial, 0)))?;
    let mut noise = Stream(seed.stream(Purpose::Train, 0));
    let run = chain.run(&experiment.schedule(), &mut noise, progress);
    Ok(evaluate(experiment, task, run, sample))
}
