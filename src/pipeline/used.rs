//! What stages use of the store, so that the rest can be dropped.

use crate::digest::{Ingredients, Key, KeyBuilder, Value};
use crate::error::Result;
use crate::pipeline::plan::{RunContext, StagePlan, Upstream, reached};
use crate::pipeline::units::{answer_key, trajectory_key};
use crate::store::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// Ingredients that are digests of other units' values: unknown as long as those have not been computed.
const DERIVED: [&str; 3] = ["trajectory", "inputs", "tables"];

/// Units that are in use.
#[derive(Debug, Default)]
pub struct Used {
    keys: BTreeSet<Key>,
    patterns: BTreeSet<Key>,
}

impl Used {
    /// Whether a unit is in use. Where what stands before it is missing, it is if all that is known of it agrees: nothing
    /// is dropped that the next run could use.
    #[must_use]
    pub fn contains(&self, unit: &Manifest) -> bool {
        self.keys.contains(&unit.key) || self.patterns.contains(&pattern(&unit.ingredients))
    }

    /// Adds what a stage uses.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn add(&mut self, context: &RunContext, plan: &StagePlan) -> Result<()> {
        for request in &plan.requests {
            let experiment = &request.experiment;
            self.keys.insert(context.inputs(request)?.digest());
            for replicate in 0..experiment.replicates {
                let seed = context.seed(experiment, replicate);
                self.keys.insert(trajectory_key(&context.code, experiment, &seed)?.digest());
                let queries = request.queries(replicate);
                if let Some(trajectory) = context.trajectory(experiment, replicate)? {
                    let reached = reached(&trajectory, experiment);
                    for query in queries.into_iter().filter(|query| query.checkpoint < reached) {
                        self.keys.insert(context.answer(experiment, replicate, query, &trajectory)?.digest());
                    }
                } else {
                    for query in queries {
                        self.patterns.insert(pattern(&answer_key(
                            &context.code,
                            experiment,
                            &seed,
                            query,
                            "",
                        )?));
                    }
                }
            }
        }
        self.add_results(context, plan)
    }

    /// Tables and figures of a stage.
    fn add_results(&mut self, context: &RunContext, plan: &StagePlan) -> Result<()> {
        let tables = if let Some(tables) = context.remembered_tables(plan)? {
            Some(tables.ingredients)
        } else {
            let upstream = context.upstream(plan)?;
            if upstream.missing.is_empty() { Some(context.tables(plan, &upstream)?) } else { None }
        };
        let Some(tables) = tables else {
            self.patterns.insert(pattern(&context.tables(plan, &Upstream::default())?));
            self.patterns.insert(pattern(&context.figures_of(plan, BTreeMap::new())?));
            return Ok(());
        };
        self.keys.insert(tables.digest());
        match context.find(&tables)? {
            Some(manifest) => self.keys.insert(context.figures(plan, &manifest)?.digest()),
            None => self.patterns.insert(pattern(&context.figures_of(plan, BTreeMap::new())?)),
        };
        Ok(())
    }
}

/// A digest of ingredients without those that are derived from other units.
fn pattern(ingredients: &Ingredients) -> Key {
    let known = ingredients.iter().filter(|(role, _)| !DERIVED.contains(role));
    let known = known.fold(KeyBuilder::new(ingredients.kind()), |key, (role, value): (&str, &Value)| {
        key.with(role, value.clone())
    });
    known.finish().digest()
}
