//! What stages use in the store, so that the rest can be dropped.

use crate::digest::{Ingredients, Key, KeyBuilder, Value};
use crate::error::Result;
use crate::pipeline::context::{Inputs, RunContext};
use crate::pipeline::keys::{query_id, study_id, trajectory_id};
use crate::pipeline::plan::StagePlan;
use crate::store::{Entry, Group, Manifest};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Ingredients that are digests of other results' values: unknown until those have been computed.
const DERIVED: [&str; 2] = ["inputs", "tables"];
/// Stands for the values of a trajectory that is missing: results about any trajectory are kept.
const UNKNOWN: &str = "?";

/// What is in use.
#[derive(Debug, Default)]
pub struct LiveSet {
    records: HashMap<Key, HashSet<String>>,
    results: BTreeSet<Key>,
    patterns: BTreeSet<Key>,
    programs: HashSet<[String; 2]>,
}

impl LiveSet {
    /// Whether a record is in use.
    pub fn has_record(&self, group: &Group, entry: &Entry) -> bool {
        let Some(live) = self.records.get(group.key()) else { return false };
        let unknown = || entry.id.rsplit_once(" of ").map(|(query, _)| format!("{query} of {UNKNOWN}"));
        live.contains(&entry.id) || unknown().is_some_and(|id| live.contains(&id))
    }

    /// Whether a result of a stage is in use. If the inputs of a stage are missing, any result that agrees in
    /// everything else counts as in use, so that nothing is dropped that the next run could need.
    pub fn has_result(&self, result: &Manifest) -> bool {
        self.results.contains(&result.key) || self.patterns.contains(&pattern(&result.ingredients))
    }

    /// Whether this program, rather than another version of it, made something of these ingredients.
    pub fn is_of_this_program(&self, ingredients: &Ingredients) -> bool {
        self.programs.contains(&program(ingredients))
    }

    /// Adds what a stage uses.
    pub fn add(&mut self, context: &RunContext, plan: &StagePlan) -> Result<()> {
        let (tables, figures) =
            (context.tables(plan, &Inputs::default())?, context.figures_of(plan, BTreeMap::new())?);
        self.programs.extend([program(&tables), program(&figures)]);
        for request in &plan.requests {
            let experiment = &request.experiment;
            let groups = context.groups(experiment)?;
            self.programs.extend(groups.all().map(|group| program(group.ingredients())));
            let trajectories = context.store.records(&groups.trajectories)?;
            for replicate in 0..experiment.replicates {
                let id = trajectory_id(replicate);
                let values = trajectories.get(&id).map_or(UNKNOWN, |entry| entry.values.as_str());
                let queries =
                    request.queries(replicate).into_iter().map(|query| query_id(replicate, query, values));
                let studies = request.studies().iter().map(|study| study_id(replicate, study, values));
                self.records.entry(groups.studies.key().clone()).or_default().extend(studies);
                self.records.entry(groups.spectra.key().clone()).or_default().extend(queries);
                self.records.entry(groups.trajectories.key().clone()).or_default().insert(id);
            }
        }
        let inputs = context.inputs(plan)?;
        let made = if inputs.missing.is_empty() {
            let key = context.tables(plan, &inputs)?;
            self.results.insert(key.digest());
            context.store.result(plan.stage.name, &key)?
        } else {
            self.patterns.insert(pattern(&tables));
            None
        };
        match made {
            Some(tables) => self.results.insert(context.figures(plan, &tables)?.digest()),
            None => self.patterns.insert(pattern(&figures)),
        };
        Ok(())
    }
}

/// The code and the crates that something was made by.
fn program(ingredients: &Ingredients) -> [String; 2] {
    ["code", "crates"].map(|role| ingredients.get(role).map(ToString::to_string).unwrap_or_default())
}

/// A digest of ingredients without those that are derived from other results.
fn pattern(ingredients: &Ingredients) -> Key {
    let known = ingredients.iter().filter(|(role, _)| !DERIVED.contains(role));
    let known = known.fold(KeyBuilder::new(ingredients.kind()), |key, (role, value): (&str, &Value)| {
        key.with(role, value.clone())
    });
    known.finish().digest()
}
