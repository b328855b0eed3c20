//! What a stage's `reduce` reads: its trajectories and answers, out of the store, verified.

use crate::error::{Error, Result, WithContext};
use crate::pipeline::plan::{RunContext, StagePlan, reached};
use crate::pipeline::units::{answer_from, trajectory_from};
use crate::problem::experiment::Experiment;
use crate::simulation::task;
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::Answer;
use crate::spectrum::query::Query;
use crate::stage::Data;
use crate::store::Manifest;
use crate::table::{Table, TableBuilder};

/// The data of one stage.
#[derive(Debug)]
pub struct StageData<'a> {
    context: &'a RunContext<'a>,
    plan: &'a StagePlan,
}

impl<'a> StageData<'a> {
    /// The data of a stage whose units are all there.
    #[must_use]
    pub fn new(context: &'a RunContext<'a>, plan: &'a StagePlan) -> Self {
        Self { context, plan }
    }

    /// The table `replicates`: what ran, how many checkpoints it reached, and the step at which it diverged if it did.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn replicates(&self) -> Result<Table> {
        let (mut experiment, mut replicate, mut checkpoints, mut diverged) = (vec![], vec![], vec![], vec![]);
        for request in &self.plan.requests {
            for number in 0..request.experiment.replicates {
                let reached = reached(&self.unit(&request.experiment, number)?, &request.experiment);
                experiment.push(request.experiment.name.clone());
                replicate.push(number);
                checkpoints.push(reached as u64);
                let early = reached < request.experiment.schedule().len();
                diverged.push(if early {
                    self.trajectory(&request.experiment.name, number)?.diverged
                } else {
                    None
                });
            }
        }
        TableBuilder::new("replicates")
            .str("experiment", &experiment)
            .u32("replicate", replicate)
            .u64("checkpoints", checkpoints)
            .u64_or_null("diverged_step", diverged)
            .build()
    }

    fn unit(&self, experiment: &Experiment, replicate: u32) -> Result<Manifest> {
        self.context.trajectory(experiment, replicate)?.ok_or_else(|| missing(&experiment.name, replicate))
    }

    fn table(&self, manifest: &Manifest, name: &str) -> Result<Table> {
        self.context.store.table(manifest, name)?.ok_or_else(|| {
            Error::damaged(self.context.store.folder(manifest), "was damaged and is computed again")
        })
    }
}

fn missing(experiment: &str, replicate: u32) -> Error {
    Error::damaged(format!("{experiment}, replicate {replicate}"), "is not in the store")
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
            if reached(&self.unit(experiment, replicate)?, experiment) == all {
                finished.push(replicate);
            }
        }
        Ok(finished)
    }

    fn trajectory(&self, experiment: &str, replicate: u32) -> Result<Trajectory<Observed>> {
        let experiment = self.experiment(experiment)?;
        let manifest = self.unit(experiment, replicate)?;
        let tables = [self.table(&manifest, "trajectory")?, self.table(&manifest, "evaluation")?];
        let task = task::build(&experiment.kept());
        trajectory_from([&tables[0], &tables[1]], &*task)
            .context(|| format!("experiment {}, replicate {replicate}", experiment.name))
    }

    fn answer(&self, experiment: &str, replicate: u32, query: Query) -> Result<Answer> {
        let experiment = self.experiment(experiment)?;
        let manifest = self.unit(experiment, replicate)?;
        let key = self.context.answer(experiment, replicate, query, &manifest)?;
        let answer = self.context.find(&key)?.ok_or_else(|| {
            Error::damaged(
                format!("{}, replicate {replicate}", experiment.name),
                format!("{query:?} was not asked for"),
            )
        })?;
        answer_from(&self.table(&answer, "answer")?, query.question)
            .context(|| format!("experiment {}, replicate {replicate}", experiment.name))
    }
}
