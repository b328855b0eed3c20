//! What is kept together: a group of records.

use crate::digest::{Ingredients, Key};
use crate::store::pack::Entry;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that is made from the same ingredients: trajectories of an experiment, or results of queries about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub(crate) experiment: String,
    pub(crate) ingredients: Ingredients,
    pub(crate) key: Key,
}

impl Group {
    /// The group of an experiment with these ingredients.
    #[must_use]
    pub fn new(experiment: &str, ingredients: Ingredients) -> Self {
        Self { experiment: experiment.to_owned(), key: ingredients.digest(), ingredients }
    }

    /// Name of the experiment.
    #[must_use]
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// What its records depend on, but for their ids.
    #[must_use]
    pub fn ingredients(&self) -> &Ingredients {
        &self.ingredients
    }

    /// Digest of the ingredients.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.ingredients.kind(), self.key.brief())
    }

    /// A name for messages and for what is set aside.
    pub(crate) fn label(&self) -> String {
        format!("{}-{}", self.experiment, self.folder())
    }
}

/// What is there of a group.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub(crate) entries: HashMap<String, (Arc<str>, Entry)>,
    pub(crate) conflicts: Vec<(Arc<str>, Entry)>,
    pub(crate) packs: Vec<Arc<str>>,
}

impl Records {
    /// What is known of a record.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id).map(|(_, entry)| entry)
    }

    /// All results, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|(_, entry)| entry).filter(|entry| entry.is_result())
    }

    pub(crate) fn insert(&mut self, pack: &Arc<str>, entry: Entry) {
        match self.entries.get(&entry.id) {
            Some((_, known)) if known.values != entry.values => {
                self.conflicts.push((Arc::clone(pack), entry));
            }
            Some(_) => {}
            None => {
                self.entries.insert(entry.id.clone(), (Arc::clone(pack), entry));
            }
        }
    }
}
