//! What a run needs: the requests of its stages, the keys of their units, and what of them is missing.

use crate::digest::{Ingredients, KeyBuilder, Value};
use crate::error::{Error, Result, WithContext};
use crate::pipeline::closure::{Closure, closure};
use crate::pipeline::provenance::{SOURCES, provenance, simulating_code, sources};
use crate::pipeline::units::{
    Code, NO_MATHEMATICS, answer_key, crates, foreign, parameters, presenting_crates, simulator,
    trajectory_key,
};
use crate::problem::experiment::{Experiment, Simulator};
use crate::random::seed::{SCHEME, Seed};
use crate::simulation::task;
use crate::spectrum::query::Query;
use crate::stage::request::Request;
use crate::stage::{Settings, Stage};
use crate::store::elapsed::took;
use crate::store::{Blob, Manifest, Store};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Instant;

/// Code that turns tables into claims and pictures, but not data into tables.
const PRESENTATION: [&str; 3] = [NO_MATHEMATICS, "src/plot/", "src/stage/claim.rs"];

/// The file of a note on inputs.
pub const DIGEST: &str = "digest";

/// A stage with its requests under the current settings.
#[derive(Clone, Debug)]
pub struct StagePlan {
    /// The stage.
    pub stage: &'static Stage,
    /// Its requests, overrides applied.
    pub requests: Vec<Request>,
}

impl StagePlan {
    /// The stage's requests.
    ///
    /// # Errors
    /// A parameter outside its range, with the name of the stage.
    pub fn new(stage: &'static Stage, settings: &Settings) -> Result<Self> {
        let requests = (stage.plan)(settings).context(|| format!("stage {}", stage.name))?;
        for Request { experiment, .. } in requests.iter().filter(|request| !request.queries(0).is_empty()) {
            if experiment.simulator == Simulator::Chain {
                let rule = "is simulated by the reduced chain, which has trajectories but no spectra";
                return Err(Error::parameter("experiment", &experiment.name, rule));
            }
        }
        Ok(Self { stage, requests })
    }

    /// These files, and those of the tasks that the stage does not have.
    fn skipped(&self, files: &[&'static str]) -> Vec<&'static str> {
        let mut skipped = files.to_vec();
        skipped.extend(foreign(self.requests.iter().map(|request| &request.experiment)));
        skipped
    }

    /// Its experiments by name.
    #[must_use]
    pub fn experiments(&self) -> BTreeMap<String, Experiment> {
        self.requests
            .iter()
            .map(|request| (request.experiment.name.clone(), request.experiment.clone()))
            .collect()
    }

    /// Names of its experiments with their parameters and numbers of replicates.
    ///
    /// # Errors
    /// As for [`parameters`].
    pub fn parameters(&self) -> Result<BTreeMap<String, Value>> {
        let named =
            |request: &Request| Ok((request.experiment.name.clone(), Value::of(&request.experiment)?));
        self.requests.iter().map(named).collect()
    }

    /// The files from which the source code behind the committed results is found, and those at which the search stops.
    #[must_use]
    pub fn recipe_roots(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut roots = vec![self.stage.source, self.stage.report, "src/spectrum/answer.rs"];
        roots.extend(self.requests.iter().map(|request| simulator(&request.experiment)));
        (roots, self.skipped(&[NO_MATHEMATICS]))
    }

    /// The source code behind the committed results.
    ///
    /// # Errors
    /// A stage whose source is not among the embedded files.
    pub fn recipe_code(&self) -> Result<Closure> {
        let (roots, skipped) = self.recipe_roots();
        closure(&roots, &skipped)
    }

    /// The files from which the code behind tables is found, and those at which the search stops: nothing that judges or
    /// draws, so that a caption, a colour or a bound reduces nothing again.
    #[must_use]
    pub fn table_roots(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut skipped = self.skipped(&PRESENTATION);
        skipped.push(self.stage.report);
        (vec![self.stage.source], skipped)
    }

    /// The same for claims and figures: a change of what is reduced judges again.
    #[must_use]
    pub fn figure_roots(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        (vec![self.stage.source, self.stage.report], self.skipped(&[NO_MATHEMATICS]))
    }

    /// The source code that makes tables from data.
    ///
    /// # Errors
    /// A stage whose source is not among the embedded files.
    pub fn table_code(&self) -> Result<Closure> {
        let (roots, skipped) = self.table_roots();
        closure(&roots, &skipped)
    }

    /// The source code that makes claims and figures from tables.
    ///
    /// # Errors
    /// A stage whose source is not among the embedded files.
    pub fn figure_code(&self) -> Result<Closure> {
        let (roots, skipped) = self.figure_roots();
        closure(&roots, &skipped)
    }

    /// Everything that decides whether committed figures are stale: experiments, parameters, questions, seed and the
    /// closure of source code, but no compiler, library or machine.
    ///
    /// # Errors
    /// A stage whose source is not among the embedded files.
    pub fn recipe(&self, settings: &Settings) -> Result<Ingredients> {
        let mut questions = BTreeMap::new();
        for request in &self.requests {
            questions.insert(request.experiment.name.clone(), asked(request)?);
        }
        Ok(KeyBuilder::new("recipe")
            .with("stage", self.stage.name)
            .with("profile", settings.profile.word())
            .with("seed", settings.seed)
            .with("seed scheme", SCHEME)
            .with("experiments", self.parameters()?)
            .with("questions", questions)
            .with("code", self.recipe_code()?.digest())
            .with("crates", [crates(), presenting_crates()].concat())
            .finish())
    }
}

/// What a request asks of each replicate.
fn asked(request: &Request) -> Result<Value> {
    (0..request.experiment.replicates)
        .map(|replicate| Value::of(&request.queries(replicate)))
        .collect::<Result<Vec<_>>>()
        .map(Value::List)
}

/// The plans of all stages; an override of an experiment that none has is an error.
///
/// # Errors
/// A parameter outside its range; an unknown experiment.
pub fn plan_all(stages: &[&'static Stage], settings: &Settings) -> Result<Vec<StagePlan>> {
    let plans: Vec<StagePlan> =
        stages.iter().map(|stage| StagePlan::new(stage, settings)).collect::<Result<_>>()?;
    let experiments = plans.iter().flat_map(|plan| plan.experiments().into_values());
    let names = |experiment: Experiment| {
        [Some(experiment.name), experiment.member.map(|member| member.family)].into_iter().flatten()
    };
    let known: BTreeSet<String> = experiments.flat_map(names).collect();
    let known: Vec<String> = known.into_iter().collect();
    for change in &settings.overrides {
        if !known.contains(&change.experiment) {
            return Err(Error::unknown("experiment", &change.experiment, &known));
        }
    }
    Ok(plans)
}

/// Work on one replicate: its trajectory and the answers wanted of it.
#[derive(Clone, Debug)]
pub struct Work {
    /// The experiment.
    pub experiment: Experiment,
    /// The replicate.
    pub replicate: u32,
    /// What to answer.
    pub queries: Vec<Query>,
    /// The stages that want it.
    pub stages: BTreeSet<&'static str>,
}

/// Digests of what stands behind a stage, by role, or what is missing of it.
#[derive(Debug, Default)]
pub struct Upstream {
    /// One digest per experiment, over the values of everything asked of it.
    pub digests: BTreeMap<String, Value>,
    /// What has to be computed first.
    pub missing: Vec<Work>,
    /// The seconds that what is there took, each unit on one thread; not a number where a unit does not say.
    pub seconds: f64,
}

/// The store with the keys of everything in it.
#[derive(Debug)]
pub struct RunContext<'a> {
    /// The store.
    pub store: &'a Store,
    /// What the user chose.
    pub settings: &'a Settings,
    /// Digests of the simulating code.
    pub code: Code,
    seen: Mutex<HashMap<String, Manifest>>,
}

impl<'a> RunContext<'a> {
    /// The context of a run on a store.
    ///
    /// # Errors
    /// Sources that are not embedded.
    pub fn new(store: &'a Store, settings: &'a Settings) -> Result<Self> {
        Ok(Self { store, settings, code: Code::embedded()?, seen: Mutex::new(HashMap::new()) })
    }

    /// The seed of one replicate.
    #[must_use]
    pub fn seed(&self, experiment: &Experiment, replicate: u32) -> Seed {
        Seed { root: self.settings.seed, experiment: experiment.name.clone(), replicate }
    }

    /// The unit with these ingredients, if it is there; remembered for the rest of the run.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn find(&self, ingredients: &Ingredients) -> Result<Option<Manifest>> {
        let key = ingredients.digest();
        if let Ok(seen) = self.seen.lock()
            && let Some(manifest) = seen.get(key.as_str())
        {
            return Ok(Some(manifest.clone()));
        }
        let found = self.store.find(ingredients.kind(), &key)?;
        if let Some(manifest) = &found {
            self.remember(manifest);
        }
        Ok(found)
    }

    /// Remembers a published unit.
    pub fn remember(&self, manifest: &Manifest) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.insert(manifest.key.as_str().to_owned(), manifest.clone());
        }
    }

    /// The trajectory of a replicate, if it is there.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn trajectory(&self, experiment: &Experiment, replicate: u32) -> Result<Option<Manifest>> {
        self.find(&trajectory_key(&self.code, experiment, &self.seed(experiment, replicate))?)
    }

    /// Ingredients of the answer to a question about a trajectory.
    ///
    /// # Errors
    /// A trajectory without its table.
    pub fn answer(
        &self,
        experiment: &Experiment,
        replicate: u32,
        query: Query,
        of: &Manifest,
    ) -> Result<Ingredients> {
        let values = values_of(of, "trajectory")?;
        answer_key(&self.code, experiment, &self.seed(experiment, replicate), query, &values)
    }

    /// What stands behind a stage.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn upstream(&self, plan: &StagePlan) -> Result<Upstream> {
        let mut upstream = Upstream::default();
        for request in &plan.requests {
            let experiment = &request.experiment;
            let stages = BTreeSet::from([plan.stage.name]);
            let mut digests = Vec::new();
            for replicate in 0..experiment.replicates {
                let queries = request.queries(replicate);
                let Some(trajectory) = self.trajectory(experiment, replicate)? else {
                    let (experiment, stages) = (experiment.clone(), stages.clone());
                    upstream.missing.push(Work { experiment, replicate, queries, stages });
                    continue;
                };
                upstream.seconds += took(&trajectory.provenance).unwrap_or(f64::NAN);
                digests.push(values_of(&trajectory, "trajectory")?);
                digests.push(values_of(&trajectory, "evaluation")?);
                let reached = reached(&trajectory, experiment);
                let mut missing = Vec::new();
                for query in queries.into_iter().filter(|query| query.checkpoint < reached) {
                    match self.find(&self.answer(experiment, replicate, query, &trajectory)?)? {
                        Some(answer) => {
                            upstream.seconds += took(&answer.provenance).unwrap_or(f64::NAN);
                            digests.push(values_of(&answer, "answer")?);
                        }
                        None => missing.push(query),
                    }
                }
                if !missing.is_empty() {
                    let (experiment, stages) = (experiment.clone(), stages.clone());
                    upstream.missing.push(Work { experiment, replicate, queries: missing, stages });
                }
            }
            let digest = KeyBuilder::new("inputs").with("values", digests).finish().digest();
            upstream.digests.insert(experiment.name.clone(), digest.as_str().into());
        }
        Ok(upstream)
    }

    /// Ingredients of the tables of a stage.
    ///
    /// # Errors
    /// A stage whose source is not embedded.
    pub fn tables(&self, plan: &StagePlan, upstream: &Upstream) -> Result<Ingredients> {
        Ok(KeyBuilder::new("tables")
            .with("stage", plan.stage.name)
            .with("profile", self.settings.profile.word())
            .with("experiments", plan.parameters()?)
            .with("inputs", upstream.digests.clone())
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

    /// The same for tables with these values.
    ///
    /// # Errors
    /// A stage whose source is not embedded.
    pub fn figures_of(&self, plan: &StagePlan, values: BTreeMap<String, Value>) -> Result<Ingredients> {
        Ok(KeyBuilder::new("figures")
            .with("stage", plan.stage.name)
            .with("profile", self.settings.profile.word())
            .with("experiments", plan.parameters()?)
            .with("tables", values)
            .with("code", plan.figure_code()?.digest())
            .with("crates", presenting_crates())
            .finish())
    }

    /// The claims and figures of a stage, if they are up to date.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn current_figures(&self, plan: &StagePlan) -> Result<Option<Manifest>> {
        match self.current_tables(plan)? {
            Some(tables) => self.find(&self.figures(plan, &tables)?),
            None => Ok(None),
        }
    }

    /// The tables of a stage, if they are up to date.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn current_tables(&self, plan: &StagePlan) -> Result<Option<Manifest>> {
        if let Some(tables) = self.remembered_tables(plan)? {
            return Ok(Some(tables));
        }
        let upstream = self.upstream(plan)?;
        if upstream.missing.is_empty() { self.find(&self.tables(plan, &upstream)?) } else { Ok(None) }
    }

    /// The tables of a stage as made from what a complete run noted of its inputs, without a look at any of them: thousands
    /// of small units stand behind some stages, and a run that has nothing to do should not read them.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn remembered_tables(&self, plan: &StagePlan) -> Result<Option<Manifest>> {
        let mut upstream = Upstream::default();
        for request in &plan.requests {
            let Some(note) = self.find(&self.inputs(request)?)? else { return Ok(None) };
            let Some(digest) = self.store.blob(&note, DIGEST)? else { return Ok(None) };
            let digest = String::from_utf8_lossy(&digest).into_owned();
            upstream.digests.insert(request.experiment.name.clone(), digest.into());
        }
        self.find(&self.tables(plan, &upstream)?)
    }

    /// Notes the digests of complete inputs.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn remember_inputs(&self, plan: &StagePlan, upstream: &Upstream) -> Result<()> {
        for request in &plan.requests {
            let Some(Value::Text(digest)) = upstream.digests.get(&request.experiment.name) else { continue };
            let key = self.inputs(request)?;
            let _claim = self.store.claim(&format!("inputs {}", request.experiment.name))?;
            let blob = Blob { name: DIGEST.to_owned(), bytes: digest.clone().into_bytes() };
            if let Some(note) = self.find(&key)?
                && self.store.blob(&note, DIGEST)?.as_ref() == Some(&blob.bytes)
            {
                continue;
            }
            let more = [(SOURCES, sources(&[&simulating_code(&request.experiment)?]))];
            let about = provenance(&key, plan.stage.name, &more, Instant::now());
            let note = self.store.publish("inputs", &request.experiment.name, &key, &[], &[blob], &about)?;
            self.remember(&note);
        }
        Ok(())
    }

    /// Everything that the values of a request's units depend on.
    ///
    /// # Errors
    /// As for [`parameters`].
    pub fn inputs(&self, request: &Request) -> Result<Ingredients> {
        let experiment = &request.experiment;
        Ok(KeyBuilder::new("inputs")
            .with("experiment", &experiment.name)
            .with("replicates", experiment.replicates)
            .with("seed", self.settings.seed)
            .with("seed scheme", SCHEME)
            .with("parameters", parameters(experiment)?)
            .with("questions", asked(request)?)
            .with("trajectory code", self.code.trajectories(experiment))
            .with("answer code", self.code.answers(experiment))
            .with("crates", crates())
            .finish())
    }
}

/// Number of checkpoints that a trajectory reached before it ended or diverged.
#[must_use]
pub fn reached(trajectory: &Manifest, experiment: &Experiment) -> usize {
    let rows: usize = task::build(&experiment.kept()).layers().iter().map(|(_, rows, _)| rows).sum();
    let stored = trajectory.table("trajectory").map_or(0, |entry| entry.rows);
    usize::try_from(stored).unwrap_or(usize::MAX) / rows.max(1)
}

fn values_of(manifest: &Manifest, table: &str) -> Result<String> {
    manifest
        .table(table)
        .map(|entry| entry.values_sha256.clone())
        .ok_or_else(|| Error::damaged(format!("unit {}", manifest.name), format!("has no table {table}")))
}
