//! What is missing, replicate by replicate, with estimated times: the answer of `plan`.

use crate::error::Result;
use crate::pipeline::compute::{answer_cost, merge, trajectory_cost};
use crate::pipeline::context::{RunContext, Work};
use crate::pipeline::plan::StagePlan;

/// What is missing of one replicate of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Stable name: experiment, `/`, replicate.
    pub name: String,
    /// The experiment.
    pub experiment: String,
    /// The replicate.
    pub replicate: u32,
    /// Whether its trajectory is missing.
    pub trajectory: bool,
    /// How many results of queries about it are missing.
    pub results: usize,
    /// Estimated seconds on one thread.
    pub seconds: f64,
}

impl Unit {
    /// What is missing, in words.
    #[must_use]
    pub fn what(&self) -> String {
        match (self.trajectory, self.results) {
            (true, 0) => "trajectory".to_owned(),
            (true, results) => format!("trajectory, {results} spectral results"),
            (false, results) => format!("{results} spectral results"),
        }
    }
}

/// What stages lack, each replicate once, by experiment and replicate.
///
/// # Errors
/// A store that cannot be read.
pub fn missing(context: &RunContext, plans: &[StagePlan]) -> Result<Vec<Unit>> {
    let mut works = Vec::new();
    for plan in plans {
        works.extend(context.inputs(plan)?.missing);
    }
    merge(works).iter().map(|work| unit(context, work)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn unit(context: &RunContext, Work { experiment, replicate, queries, .. }: &Work) -> Result<Unit> {
    let trajectory = !context.has_trajectory(experiment, *replicate)?;
    let simulation = if trajectory { trajectory_cost(experiment) } else { 0 };
    let nanoseconds = simulation + queries.len() as u64 * answer_cost(experiment);
    Ok(Unit {
        name: format!("{}/{replicate}", experiment.name),
        experiment: experiment.name.clone(),
        replicate: *replicate,
        trajectory,
        results: queries.len(),
        seconds: nanoseconds as f64 / 1e9,
    })
}
