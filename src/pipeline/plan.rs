//! Stages with their requests under the current settings, and the code behind their results.

use crate::digest::{Ingredients, KeyBuilder, Value};
use crate::error::{Error, Result, WithContext};
use crate::pipeline::closure::{Closure, closure};
use crate::pipeline::code::{NOT_DIGESTED, crates, other_parts, presenting_crates, simulator};
use crate::problem::experiment::{Experiment, Simulator};
use crate::random::seed::SCHEME;
use crate::stage::request::Request;
use crate::stage::{Settings, Stage};
use crate::study::definition;
use std::collections::{BTreeMap, BTreeSet};

/// Code that turns tables into claims and pictures, but not data into tables.
const PRESENTATION: [&str; 3] = [NOT_DIGESTED, "src/plot/", "src/stage/claim.rs"];

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
        for Request { experiment, .. } in
            requests.iter().filter(|request| !request.queries(0).is_empty() || !request.studies().is_empty())
        {
            if experiment.simulator == Simulator::Chain {
                let rule = "is simulated by the reduced chain, which has trajectories but no spectra";
                return Err(Error::parameter("experiment", &experiment.name, rule));
            }
        }
        Ok(Self { stage, requests })
    }

    /// These files, and those of data laws and networks that the stage does not use.
    fn skipped(&self, files: &[&'static str]) -> Vec<&'static str> {
        let mut skipped = files.to_vec();
        skipped.extend(other_parts(self.requests.iter().map(|request| &request.experiment)));
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
    /// A parameter without a canonical form.
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
        if self.requests.iter().any(|request| !request.studies().is_empty()) {
            roots.push(definition::SOURCE);
        }
        (roots, self.skipped(&[NOT_DIGESTED]))
    }

    /// The source code behind the committed results.
    pub(crate) fn recipe_code(&self) -> Result<Closure> {
        let (roots, skipped) = self.recipe_roots();
        closure(&roots, &skipped)
    }

    /// The files from which the code behind tables is found, and those at which the search stops: nothing that judges or
    /// draws, so that a changed caption, colour or bound does not reduce anything again.
    #[must_use]
    pub fn table_roots(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut skipped = self.skipped(&PRESENTATION);
        skipped.push(self.stage.report);
        (vec![self.stage.source], skipped)
    }

    /// The source code behind the committed tables: all that a recipe has but what judges or draws.
    pub(crate) fn data_code(&self) -> Result<Closure> {
        let (mut roots, _) = self.recipe_roots();
        roots.retain(|root| *root != self.stage.report);
        closure(&roots, &self.table_roots().1)
    }

    /// As [`StagePlan::table_roots`], for claims and figures, which depend on the reduction too.
    #[must_use]
    pub fn figure_roots(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        (vec![self.stage.source, self.stage.report], self.skipped(&[NOT_DIGESTED]))
    }

    /// The source code that makes tables from data.
    pub(crate) fn table_code(&self) -> Result<Closure> {
        let (roots, skipped) = self.table_roots();
        closure(&roots, &skipped)
    }

    /// The source code that makes claims and figures from tables.
    pub(crate) fn figure_code(&self) -> Result<Closure> {
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
            questions.insert(request.experiment.name.clone(), Value::of(request.questions())?);
        }
        let mut recipe = KeyBuilder::new("recipe");
        let studies: BTreeMap<String, Value> = self
            .requests
            .iter()
            .filter(|request| !request.studies().is_empty())
            .map(|request| Ok((request.experiment.name.clone(), Value::of(request.studies())?)))
            .collect::<Result<_>>()?;
        if !studies.is_empty() {
            recipe = recipe.with("studies", studies);
        }
        Ok(recipe
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

/// The plans of all stages; an override of an experiment that no stage has is an error.
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
