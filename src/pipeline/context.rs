//! What the store holds for a stage, and what is missing.

use crate::digest::{Ingredients, KeyBuilder, Value};
use crate::error::{Error, Result, WithContext};
use crate::pipeline::code::{Code, crates, parameters, presenting_crates};
use crate::pipeline::keys::{Groups, decode, query_id, study_id, trajectory_id};
use crate::pipeline::plan::StagePlan;
use crate::problem::experiment::Experiment;
use crate::random::seed::{SCHEME, Seed};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::QueryResult;
use crate::spectrum::query::Query;
use crate::stage::Settings;
use crate::stage::request::Request;
use crate::store::{Group, Manifest, Store};
use crate::study::{Reading, Study};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Work on one replicate: its trajectory, the queries about it and its studies.
#[derive(Clone, Debug)]
pub struct Work {
    /// The experiment.
    pub experiment: Arc<Experiment>,
    /// The replicate.
    pub replicate: u32,
    /// What to ask.
    pub queries: Vec<Query>,
    /// What to study.
    pub studies: Vec<Study>,
    /// The stages that need it.
    pub stages: BTreeSet<&'static str>,
}

/// The data behind a stage's tables.
#[derive(Debug, Default)]
pub struct Inputs {
    /// One digest per experiment, over the values of everything asked about it.
    pub digests: BTreeMap<String, Value>,
    /// What has to be computed first.
    pub missing: Vec<Work>,
    /// Seconds spent on the results already present, each on one thread.
    pub seconds: f64,
}

/// The store with the keys of everything in it.
#[derive(Debug)]
pub struct RunContext<'a> {
    /// The store.
    pub store: &'a Store,
    /// What the user chose.
    pub settings: &'a Settings,
    code: Code,
    groups: Mutex<HashMap<String, (Experiment, Arc<Groups>)>>,
}

impl<'a> RunContext<'a> {
    /// The context of a run on a store.
    ///
    /// # Errors
    /// Sources that are not embedded.
    pub fn new(store: &'a Store, settings: &'a Settings) -> Result<Self> {
        Ok(Self { store, settings, code: Code::embedded()?, groups: Mutex::default() })
    }

    /// The seed of one replicate.
    #[must_use]
    pub fn seed(&self, experiment: &Experiment, replicate: u32) -> Seed {
        Seed { root: self.settings.seed, experiment: experiment.name.clone(), replicate }
    }

    /// The groups of an experiment; their keys are computed once.
    ///
    /// # Errors
    /// Parameters without a canonical form.
    pub fn groups(&self, experiment: &Experiment) -> Result<Arc<Groups>> {
        let mut known = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, groups)) = known.get(&experiment.name)
            && of == experiment
        {
            return Ok(Arc::clone(groups));
        }
        let groups = Arc::new(Groups::of(&self.code, experiment, self.settings.seed)?);
        known.insert(experiment.name.clone(), (experiment.clone(), Arc::clone(&groups)));
        Ok(groups)
    }

    /// A trajectory from the store, if it is there.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn trajectory(
        &self,
        experiment: &Experiment,
        replicate: u32,
    ) -> Result<Option<Trajectory<Observed>>> {
        let bytes = self.store.read(&self.groups(experiment)?.trajectories, &trajectory_id(replicate))?;
        bytes.map(|bytes| decode("trajectory", &bytes)).transpose().context(|| place(experiment, replicate))
    }

    /// The result of a query, if it is there.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn answer(
        &self,
        experiment: &Experiment,
        replicate: u32,
        query: Query,
    ) -> Result<Option<QueryResult>> {
        let groups = self.groups(experiment)?;
        let id = |values: &str| query_id(replicate, query, values);
        self.about(experiment, replicate, ("result of a query", &groups.spectra), id)
    }

    /// The readings of a study, if they are there.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn study(
        &self,
        experiment: &Experiment,
        replicate: u32,
        study: &Study,
    ) -> Result<Option<Vec<Reading>>> {
        let groups = self.groups(experiment)?;
        let id = |values: &str| study_id(replicate, study, values);
        self.about(experiment, replicate, ("reading of a study", &groups.studies), id)
    }

    /// What a group has about the trajectory of a replicate, under an id that has the digest of the trajectory's values.
    fn about<T: DeserializeOwned>(
        &self,
        experiment: &Experiment,
        replicate: u32,
        (what, group): (&'static str, &Group),
        id: impl FnOnce(&str) -> String,
    ) -> Result<Option<T>> {
        let trajectories = self.store.records(&self.groups(experiment)?.trajectories)?;
        let Some(trajectory) = trajectories.get(&trajectory_id(replicate)) else { return Ok(None) };
        let bytes = self.store.read(group, &id(&trajectory.values))?;
        bytes.map(|bytes| decode(what, &bytes)).transpose().context(|| place(experiment, replicate))
    }

    /// Whether the store has a trajectory.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn has_trajectory(&self, experiment: &Experiment, replicate: u32) -> Result<bool> {
        let records = self.store.records(&self.groups(experiment)?.trajectories)?;
        Ok(records.get(&trajectory_id(replicate)).is_some())
    }

    /// Number of checkpoints that a trajectory in the store reached before it ended or diverged.
    ///
    /// # Errors
    /// A trajectory that is not there.
    pub fn reached(&self, experiment: &Experiment, replicate: u32) -> Result<usize> {
        let records = self.store.records(&self.groups(experiment)?.trajectories)?;
        let entry = records.get(&trajectory_id(replicate));
        let entry = entry.ok_or_else(|| Error::Lost { what: place(experiment, replicate) })?;
        Ok(usize::try_from(entry.items).unwrap_or(usize::MAX))
    }

    /// The queries of a piece of work that have no result yet.
    pub(crate) fn open_queries(&self, work: &Work) -> Result<Vec<Query>> {
        let groups = self.groups(&work.experiment)?;
        let trajectories = self.store.records(&groups.trajectories)?;
        let spectra = self.store.records(&groups.spectra)?;
        let Some(trajectory) = trajectories.get(&trajectory_id(work.replicate)) else {
            return Ok(work.queries.clone());
        };
        let open = |query: &&Query| {
            (query.checkpoint as u64) < trajectory.items
                && spectra.get(&query_id(work.replicate, **query, &trajectory.values)).is_none()
        };
        Ok(work.queries.iter().filter(open).copied().collect())
    }

    /// The studies of a piece of work that have not been carried out, of a replicate that reached the end.
    pub(crate) fn open_studies(&self, work: &Work) -> Result<Vec<Study>> {
        let groups = self.groups(&work.experiment)?;
        let trajectories = self.store.records(&groups.trajectories)?;
        let studies = self.store.records(&groups.studies)?;
        let Some(trajectory) = trajectories.get(&trajectory_id(work.replicate)) else {
            return Ok(work.studies.clone());
        };
        if trajectory.items < work.experiment.schedule().len() as u64 {
            return Ok(Vec::new());
        }
        let open =
            |study: &&Study| studies.get(&study_id(work.replicate, study, &trajectory.values)).is_none();
        Ok(work.studies.iter().filter(open).copied().collect())
    }

    /// What the store holds of the data behind a stage; reads only the indices of packs.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn inputs(&self, plan: &StagePlan) -> Result<Inputs> {
        let mut inputs = Inputs::default();
        for request in &plan.requests {
            let experiment = &request.experiment;
            let groups = self.groups(experiment)?;
            let trajectories = self.store.records(&groups.trajectories)?;
            let spectra = self.store.records(&groups.spectra)?;
            let (shared, stages) = (Arc::new(experiment.clone()), BTreeSet::from([plan.stage.name]));
            let studied = self.store.records(&groups.studies)?;
            let planned = experiment.schedule().len() as u64;
            let mut values = Vec::new();
            for replicate in 0..experiment.replicates {
                let mut queries = request.queries(replicate);
                let mut studies = request.studies().to_vec();
                let trajectory = trajectories.get(&trajectory_id(replicate));
                if let Some(trajectory) = trajectory {
                    inputs.seconds += trajectory.seconds;
                    values.push(trajectory.values.clone());
                    queries.retain(|query| (query.checkpoint as u64) < trajectory.items);
                    queries.retain(|query| {
                        match spectra.get(&query_id(replicate, *query, &trajectory.values)) {
                            Some(result) => {
                                inputs.seconds += result.seconds;
                                values.push(result.values.clone());
                                false
                            }
                            None => true,
                        }
                    });
                    // A replicate that diverged is not studied.
                    studies.retain(|_| trajectory.items >= planned);
                    studies.retain(|study| {
                        match studied.get(&study_id(replicate, study, &trajectory.values)) {
                            Some(result) => {
                                inputs.seconds += result.seconds;
                                values.push(result.values.clone());
                                false
                            }
                            None => true,
                        }
                    });
                }
                if trajectory.is_none() || !queries.is_empty() || !studies.is_empty() {
                    let (experiment, stages) = (Arc::clone(&shared), stages.clone());
                    inputs.missing.push(Work { experiment, replicate, queries, studies, stages });
                }
            }
            let digest = KeyBuilder::new("inputs").with("values", values).finish().digest();
            inputs.digests.insert(experiment.name.clone(), digest.as_str().into());
        }
        Ok(inputs)
    }

    /// Ingredients of the tables of a stage.
    ///
    /// # Errors
    /// A stage whose source is not embedded.
    pub fn tables(&self, plan: &StagePlan, inputs: &Inputs) -> Result<Ingredients> {
        Ok(KeyBuilder::new("tables")
            .with("stage", plan.stage.name)
            .with("profile", self.settings.profile.word())
            .with("experiments", plan.parameters()?)
            .with("inputs", inputs.digests.clone())
            .with("code", plan.table_code()?.digest())
            .with("crates", crates())
            .finish())
    }

    /// Ingredients of the claims and figures of a stage.
    ///
    /// # Errors
    /// A stage whose source is not embedded.
    pub fn figures(&self, plan: &StagePlan, tables: &Manifest) -> Result<Ingredients> {
        let values: BTreeMap<String, Value> =
            tables.tables.iter().map(|entry| (entry.table.clone(), (&entry.values_sha256).into())).collect();
        self.figures_of(plan, values)
    }

    /// As [`RunContext::figures`], for tables with these values.
    pub(crate) fn figures_of(
        &self,
        plan: &StagePlan,
        values: BTreeMap<String, Value>,
    ) -> Result<Ingredients> {
        Ok(KeyBuilder::new("figures")
            .with("stage", plan.stage.name)
            .with("profile", self.settings.profile.word())
            .with("experiments", plan.parameters()?)
            .with("tables", values)
            .with("code", plan.figure_code()?.digest())
            .with("crates", presenting_crates())
            .finish())
    }

    /// The tables of a stage, if they are up to date.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn current_tables(&self, plan: &StagePlan) -> Result<Option<Manifest>> {
        let inputs = self.inputs(plan)?;
        if !inputs.missing.is_empty() {
            return Ok(None);
        }
        self.store.result(plan.stage.name, &self.tables(plan, &inputs)?)
    }

    /// The claims and figures of a stage, if they are up to date.
    pub(crate) fn current_figures(&self, plan: &StagePlan) -> Result<Option<Manifest>> {
        match self.current_tables(plan)? {
            Some(tables) => self.store.result(plan.stage.name, &self.figures(plan, &tables)?),
            None => Ok(None),
        }
    }

    /// Everything from which the data of each experiment of a stage are made, as ingredients that people can compare; kept
    /// beside the tables, whose key contains only digests of values.
    ///
    /// # Errors
    /// Parameters without a canonical form.
    pub fn lineage(&self, plan: &StagePlan) -> Result<BTreeMap<String, Ingredients>> {
        plan.requests
            .iter()
            .map(|request| Ok((request.experiment.name.clone(), self.lineage_of(request)?)))
            .collect()
    }

    fn lineage_of(&self, request: &Request) -> Result<Ingredients> {
        let experiment = &request.experiment;
        let mut lineage = KeyBuilder::new("inputs");
        if !request.studies().is_empty() {
            lineage = lineage
                .with("studies", Value::of(request.studies())?)
                .with("study code", self.code.studies(experiment));
        }
        Ok(lineage
            .with("experiment", &experiment.name)
            .with("replicates", experiment.replicates)
            .with("seed", self.settings.seed)
            .with("seed scheme", SCHEME)
            .with("parameters", parameters(experiment)?)
            .with("questions", Value::of(request.questions())?)
            .with("trajectory code", self.code.trajectories(experiment))
            .with("answer code", self.code.answers(experiment))
            .with("crates", crates())
            .finish())
    }
}

/// An experiment and a replicate, in words.
#[must_use]
pub fn place(experiment: &Experiment, replicate: u32) -> String {
    format!("experiment {}, replicate {replicate}", experiment.name)
}
