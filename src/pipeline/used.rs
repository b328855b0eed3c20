//! What stages use of the store, so that the rest can be dropped.

use crate::error::Result;
use crate::pipeline::key::{Ingredients, Key, KeyBuilder, Value};
use crate::pipeline::plan::{Shelf, StagePlan, Upstream, reached};
use crate::pipeline::store::Manifest;
use crate::pipeline::units::{answer_key, trajectory_key};
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
    pub fn add(&mut self, shelf: &Shelf, plan: &StagePlan) -> Result<()> {
        for study in &plan.studies {
            let experiment = &study.experiment;
            self.keys.insert(shelf.inputs(study).digest());
            for replicate in 0..experiment.replicates {
                let seed = shelf.seed(experiment, replicate);
                self.keys.insert(trajectory_key(&shelf.code, experiment, &seed).digest());
                let asks = study.asks(replicate);
                if let Some(trajectory) = shelf.trajectory(experiment, replicate)? {
                    let reached = reached(&trajectory, experiment);
                    for ask in asks.into_iter().filter(|ask| ask.checkpoint < reached) {
                        self.keys.insert(shelf.answer(experiment, replicate, ask, &trajectory)?.digest());
                    }
                } else {
                    for ask in asks {
                        self.patterns.insert(pattern(&answer_key(&shelf.code, experiment, &seed, ask, "")));
                    }
                }
            }
        }
        self.add_results(shelf, plan)
    }

    /// Tables and figures of a stage.
    fn add_results(&mut self, shelf: &Shelf, plan: &StagePlan) -> Result<()> {
        let tables = if let Some(tables) = shelf.remembered_tables(plan)? {
            Some(tables.ingredients)
        } else {
            let upstream = shelf.upstream(plan)?;
            if upstream.missing.is_empty() { Some(shelf.tables(plan, &upstream)?) } else { None }
        };
        let Some(tables) = tables else {
            self.patterns.insert(pattern(&shelf.tables(plan, &Upstream::default())?));
            self.patterns.insert(pattern(&shelf.figures_of(plan, BTreeMap::new())?));
            return Ok(());
        };
        self.keys.insert(tables.digest());
        match shelf.find(&tables)? {
            Some(manifest) => self.keys.insert(shelf.figures(plan, &manifest)?.digest()),
            None => self.patterns.insert(pattern(&shelf.figures_of(plan, BTreeMap::new())?)),
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
