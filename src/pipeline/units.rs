//! Units of work: what stages need of one replicate of an experiment, what is missing of it, and what it is declared to cost.

use crate::error::Result;
use crate::pipeline::compute::merge;
use crate::pipeline::context::{RunContext, Work};
use crate::pipeline::cost::{answer_cost, cost, memory, study_cost, trajectory_cost};
use crate::pipeline::plan::StagePlan;
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// How many results of queries about it and studies of it are missing.
    pub results: usize,
    /// Declared nanoseconds of what is missing, on one thread.
    pub cost: u64,
    /// Declared nanoseconds of the whole unit, whatever is there of it.
    pub whole: u64,
    /// Bytes that it needs on its thread.
    pub bytes: u64,
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

    /// Declared seconds of what is missing, on one thread.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds(self.cost)
    }
}

/// Nanoseconds in seconds.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Everything that a stage needs, whether it is there or not.
pub(crate) fn everything(plan: &StagePlan) -> impl Iterator<Item = Work> + '_ {
    plan.requests.iter().flat_map(|request| {
        let experiment = Arc::new(request.experiment.clone());
        let stages = BTreeSet::from([plan.stage.name]);
        (0..experiment.replicates).map(move |replicate| Work {
            experiment: Arc::clone(&experiment),
            replicate,
            queries: request.queries(replicate),
            studies: request.studies().to_vec(),
            stages: stages.clone(),
        })
    })
}

/// Everything that stages need, each replicate once, by experiment and replicate, with its declared cost in nanoseconds.
#[must_use]
pub fn all(plans: &[StagePlan]) -> Vec<(Work, u64)> {
    let works = merge(plans.iter().flat_map(everything).collect());
    works
        .into_iter()
        .map(|work| {
            let cost = cost(&work);
            (work, cost)
        })
        .collect()
}

/// Whether something is missing of a piece of work.
///
/// # Errors
/// A store that cannot be read.
pub(crate) fn is_open(context: &RunContext, work: &Work) -> Result<bool> {
    Ok(!context.has_trajectory(&work.experiment, work.replicate)?
        || !work.queries.is_empty() && !context.open_queries(work)?.is_empty()
        || !work.studies.is_empty() && !context.open_studies(work)?.is_empty())
}

/// What stages lack, each replicate once, by experiment and replicate.
///
/// # Errors
/// A store that cannot be read.
pub fn missing(context: &RunContext, plans: &[StagePlan]) -> Result<Vec<Unit>> {
    open(context, plans)?.iter().map(|(work, whole)| unit(context, work, *whole)).collect()
}

/// The same as pieces of work, with the declared cost of each as a whole.
pub(crate) fn open(context: &RunContext, plans: &[StagePlan]) -> Result<Vec<(Work, u64)>> {
    let mut open = Vec::new();
    for (work, whole) in all(plans) {
        if is_open(context, &work)? {
            open.push((work, whole));
        }
    }
    Ok(open)
}

fn unit(context: &RunContext, work: &Work, whole: u64) -> Result<Unit> {
    let (experiment, replicate) = (&work.experiment, work.replicate);
    let trajectory = !context.has_trajectory(experiment, replicate)?;
    let results = context.open_queries(work)?.len();
    let studies = context.open_studies(work)?;
    let simulation = if trajectory { trajectory_cost(experiment) } else { 0 };
    Ok(Unit {
        name: format!("{}/{replicate}", experiment.name),
        experiment: experiment.name.clone(),
        replicate,
        trajectory,
        results: results + studies.len(),
        cost: simulation
            + results as u64 * answer_cost(experiment)
            + studies.iter().map(|study| study_cost(experiment, study)).sum::<u64>(),
        whole,
        bytes: memory(experiment, !work.queries.is_empty() || !work.studies.is_empty()),
    })
}
