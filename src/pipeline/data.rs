//! What a stage's `reduce` reads: verified trajectories and results of queries from the store.

use crate::error::{Error, Result};
use crate::pipeline::context::{RunContext, place};
use crate::pipeline::keys::query_id;
use crate::pipeline::plan::StagePlan;
use crate::problem::experiment::Experiment;
use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::QueryResult;
use crate::spectrum::query::Query;
use crate::stage::Data;
use crate::study::{Reading, Study};
use crate::table::{Table, TableBuilder};

/// The data of one stage.
#[derive(Debug)]
pub struct StageData<'a> {
    context: &'a RunContext<'a>,
    plan: &'a StagePlan,
}

impl<'a> StageData<'a> {
    /// The data of a stage, none of which may be missing.
    pub fn new(context: &'a RunContext<'a>, plan: &'a StagePlan) -> Self {
        Self { context, plan }
    }

    /// The table `replicates`: what ran, how many checkpoints it reached, and the step at which it diverged if it did.
    pub fn replicates(&self) -> Result<Table> {
        let (mut name, mut replicate, mut checkpoints, mut diverged) = (vec![], vec![], vec![], vec![]);
        for experiment in self.experiments() {
            let planned = experiment.schedule().len();
            for number in 0..experiment.replicates {
                let reached = self.context.reached(experiment, number)?;
                name.push(experiment.name.clone());
                replicate.push(number);
                checkpoints.push(reached as u64);
                let early = reached < planned;
                diverged.push(if early { self.trajectory(&experiment.name, number)?.diverged } else { None });
            }
        }
        TableBuilder::new("replicates")
            .str("experiment", &name)
            .u32("replicate", replicate)
            .u64("checkpoints", checkpoints)
            .u64_or_null("diverged_step", diverged)
            .build()
    }

    fn experiment(&self, name: &str) -> Result<&'a Experiment> {
        let mut all = self.plan.requests.iter().map(|request| &request.experiment);
        all.find(|experiment| experiment.name == name).ok_or_else(|| {
            let known: Vec<&str> =
                self.experiments().iter().map(|experiment| experiment.name.as_str()).collect();
            Error::unknown("experiment", name, &known)
        })
    }
}

impl Data for StageData<'_> {
    fn experiments(&self) -> Vec<&Experiment> {
        self.plan.requests.iter().map(|request| &request.experiment).collect()
    }

    fn finished(&self, experiment: &str) -> Result<Vec<u32>> {
        let experiment = self.experiment(experiment)?;
        let all = experiment.schedule().len();
        let mut finished = Vec::new();
        for replicate in 0..experiment.replicates {
            if self.context.reached(experiment, replicate)? == all {
                finished.push(replicate);
            }
        }
        Ok(finished)
    }

    fn trajectory(&self, experiment: &str, replicate: u32) -> Result<Trajectory<Observed>> {
        let experiment = self.experiment(experiment)?;
        let found = self.context.trajectory(experiment, replicate)?;
        found.ok_or_else(|| Error::Lost { what: place(experiment, replicate) })
    }

    fn null(&self, experiment: &str, replicate: u32) -> Normals {
        let experiment = experiment.to_owned();
        Seed { root: self.context.settings.seed, experiment, replicate }.stream(Purpose::Null, 0)
    }

    fn studies(&self, experiment: &str) -> Result<&[Study]> {
        let name = self.experiment(experiment)?.name.as_str();
        let request = self.plan.requests.iter().find(|request| request.experiment.name == name);
        Ok(request.map_or(&[], |request| request.studies()))
    }

    fn study(&self, experiment: &str, replicate: u32, study: &Study) -> Result<Vec<Reading>> {
        let experiment = self.experiment(experiment)?;
        if let Some(found) = self.context.study(experiment, replicate, study)? {
            return Ok(found);
        }
        let mut requests =
            self.plan.requests.iter().filter(|request| request.experiment.name == experiment.name);
        if requests.any(|request| request.studies().contains(study)) {
            return Err(Error::Lost { what: place(experiment, replicate) });
        }
        let rule = format!("is not in the plan of stage {}", self.plan.stage.name);
        Err(Error::parameter("study", study, rule))
    }

    fn answer(&self, experiment: &str, replicate: u32, query: Query) -> Result<QueryResult> {
        let experiment = self.experiment(experiment)?;
        if let Some(found) = self.context.answer(experiment, replicate, query)? {
            return Ok(found);
        }
        let mut requests =
            self.plan.requests.iter().filter(|request| request.experiment.name == experiment.name);
        if requests.any(|request| request.queries(replicate).contains(&query)) {
            return Err(Error::Lost { what: place(experiment, replicate) });
        }
        let query = query_id(replicate, query, &experiment.name);
        Err(Error::parameter("query", query, format!("is not in the plan of stage {}", self.plan.stage.name)))
    }
}
