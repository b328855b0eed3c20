//! Why a stage is not up to date: compares the ingredients of its keys with those of the closest earlier result in the cache or,
//! if the cache has none, of the committed lock.

use crate::digest::{Ingredients, Value, diff};
use crate::error::Result;
use crate::pipeline::context::{RunContext, Work};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{SOURCES, read_sources, sources, table_sources};
use crate::published::figures::Figures;
use crate::published::lockfile::{self, LockEntry, LockFile};
use crate::published::status::{Status, is_of};
use crate::stage::Settings;
use crate::store::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// An ingredient that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it is, in words: `gmm.lambda`, `source file src/simulation/sgd.rs`.
    pub ingredient: String,
    /// What it was; nothing if it is new.
    pub old: Option<String>,
    /// What it is; nothing if it is gone.
    pub new: Option<String>,
}

impl Change {
    fn new(ingredient: impl Into<String>, old: Option<String>, new: Option<String>) -> Self {
        Self { ingredient: ingredient.into(), old, new }
    }
}

/// Why a stage is in its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Its state.
    pub status: Status,
    /// What it was compared with: `cache`, `figures.lock` or `nothing`.
    pub against: &'static str,
    /// What changed.
    pub changes: Vec<Change>,
}

/// Source files by path with the first digits of their digests.
type Files = BTreeMap<String, String>;

/// Why a stage is in its state.
///
/// # Errors
/// A store or lock that cannot be read.
pub fn why(context: &RunContext<'_>, figures: &Figures, plan: &StagePlan) -> Result<Explanation> {
    let settings = context.settings;
    let earlier = |kind: &str| -> Result<Vec<Manifest>> {
        let mut results = context.store.results(kind)?;
        results.retain(|result| is_of(result, plan, settings));
        Ok(results)
    };
    if let Some(tables) = context.current_tables(plan)? {
        let key = context.figures(plan, &tables)?;
        if context.store.result(plan.stage.name, &key)?.is_some() {
            return Ok(Explanation { status: Status::UpToDate, against: "cache", changes: Vec::new() });
        }
        let files = read_sources(&sources(&[&plan.figure_code()?]));
        let all = earlier("figures")?.into_iter().map(|result| {
            let changes = result_changes(&result, &key, &files);
            (result, changes)
        });
        return Ok(match nearest(all) {
            Some((_, changes)) => Explanation { status: Status::Stale, against: "cache", changes },
            None => Explanation {
                status: Status::Stale,
                against: "cache",
                changes: vec![unmade("claims and figures")],
            },
        });
    }
    let inputs = context.inputs(plan)?;
    let key = context.tables(plan, &inputs)?;
    let files = read_sources(&table_sources(plan)?);
    let lineage = context.lineage(plan)?;
    let all = earlier("tables")?.into_iter().map(|result| {
        let mut changes = result_changes(&result, &key, &files);
        for (name, new) in &lineage {
            if let Some(old) = result.lineage.get(name) {
                changes.extend(input_changes(name, old, new, files_of(&result).as_ref(), &files));
            }
        }
        (result, changes)
    });
    match nearest(all) {
        Some((_, mut changes)) => {
            if changes.is_empty() {
                changes = missing(plan, &inputs.missing);
            }
            Ok(Explanation { status: Status::Stale, against: "cache", changes })
        }
        None => against_lock(&figures.lock()?, plan, settings),
    }
}

/// The result with the fewest changes (of several, the latest), with each change listed once.
fn nearest(all: impl Iterator<Item = (Manifest, Vec<Change>)>) -> Option<(Manifest, Vec<Change>)> {
    let finished = |result: &Manifest| {
        result.provenance.iter().find(|(name, _)| name == "finished").map(|(_, time)| time.clone())
    };
    all.map(|(result, changes)| {
        let once: BTreeSet<Change> = changes.into_iter().collect();
        (result, once.into_iter().collect::<Vec<_>>())
    })
    .min_by_key(|(result, changes)| (changes.len(), std::cmp::Reverse(finished(result))))
}

fn unmade(what: &str) -> Change {
    Change::new(what, None, Some("not made yet, or deleted".to_owned()))
}

/// What is missing although no ingredient changed.
fn missing(plan: &StagePlan, works: &[Work]) -> Vec<Change> {
    let mut changes = Vec::new();
    for experiment in plan.experiments().into_values() {
        let count = works.iter().filter(|work| work.experiment.name == experiment.name).count();
        if count > 0 {
            let new = format!("{count} of {} replicates are missing or incomplete", experiment.replicates);
            changes.push(Change::new(
                format!("data of {}", experiment.name),
                Some("complete".to_owned()),
                Some(new),
            ));
        }
    }
    if changes.is_empty() {
        changes.push(unmade("tables"));
    }
    changes
}

/// What changed from a result to a key, except the values of its inputs, whose own ingredients are more telling.
fn result_changes(old: &Manifest, new: &Ingredients, files: &Files) -> Vec<Change> {
    let old_files = files_of(old);
    let mut changes = Vec::new();
    for (role, old, new) in diff(&old.ingredients, new) {
        match role.as_str() {
            "inputs" => {}
            "code" => {
                changes.extend(code_changes("code", old_files.as_ref(), files, old.as_ref(), new.as_ref()));
            }
            "experiments" => changes.extend(map_changes("", old.as_ref(), new.as_ref())),
            "tables" => changes.extend(map_changes("values of table ", old.as_ref(), new.as_ref())),
            _ => changes.extend(plain_changes(&role, old, new)),
        }
    }
    changes
}

fn files_of(result: &Manifest) -> Option<Files> {
    result.provenance.iter().find(|(name, _)| name == SOURCES).map(|(_, text)| read_sources(text))
}

fn input_changes(
    name: &str,
    old: &Ingredients,
    new: &Ingredients,
    old_files: Option<&Files>,
    files: &Files,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let found = diff(old, new);
    // Other parameters bring other questions with them.
    let explained = found.iter().any(|(role, ..)| ["replicates", "parameters"].contains(&role.as_str()));
    for (role, was, is) in found {
        match role.as_str() {
            "questions" if explained => {}
            "trajectory code" | "answer code" => {
                changes.extend(code_changes(&role, old_files, files, was.as_ref(), is.as_ref()));
            }
            "parameters" => {
                let named = |value: Option<Value>| {
                    value.map(|value| Value::Map(BTreeMap::from([(name.to_owned(), value)])))
                };
                changes.extend(map_changes("", named(was).as_ref(), named(is).as_ref()));
            }
            "replicates" => changes.push(Change::new(format!("{name}.replicates"), text(was), text(is))),
            "questions" => changes.extend(plain_changes(&format!("questions about {name}"), was, is)),
            _ => changes.extend(plain_changes(&role, was, is)),
        }
    }
    changes
}

fn text(value: Option<Value>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A changed list as the entries that are gone and those that are new; anything else as it is.
fn plain_changes(role: &str, old: Option<Value>, new: Option<Value>) -> Vec<Change> {
    let (Some(Value::List(was)), Some(Value::List(is))) = (&old, &new) else {
        return vec![Change::new(role, text(old), text(new))];
    };
    let gone: Vec<String> = was.iter().filter(|value| !is.contains(value)).map(Value::to_string).collect();
    let come: Vec<String> = is.iter().filter(|value| !was.contains(value)).map(Value::to_string).collect();
    let joined = |list: Vec<String>| (!list.is_empty()).then(|| list.join(", "));
    vec![Change::new(role, joined(gone), joined(come))]
}

/// Changes inside maps, down to the last level: `gmm.lambda`.
fn map_changes(prefix: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<Change> {
    let (Some(Value::Map(was)), Some(Value::Map(is))) = (old, new) else {
        return vec![Change::new(prefix, text(old.cloned()), text(new.cloned()))];
    };
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (old, new) = (was.get(name), is.get(name));
        if old == new {
            continue;
        }
        let place = format!("{prefix}{name}");
        match (old, new) {
            (Some(Value::Map(_)), Some(Value::Map(_))) => {
                changes.extend(map_changes(&format!("{place}."), old, new));
            }
            _ => changes.push(Change::new(place, text(old.cloned()), text(new.cloned()))),
        }
    }
    changes
}

/// The source files that changed; their common digest if the old list is not known.
fn code_changes(
    role: &str,
    old_files: Option<&Files>,
    files: &Files,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Vec<Change> {
    let whole = || vec![Change::new(role, text(old.cloned()), text(new.cloned()))];
    let Some(old_files) = old_files else { return whole() };
    let changes = file_changes(old_files, files);
    if changes.is_empty() { whole() } else { changes }
}

fn file_changes(old: &Files, new: &Files) -> Vec<Change> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| {
            Change::new(format!("source file {path}"), old.get(path).cloned(), new.get(path).cloned())
        })
        .collect()
}

/// What changed since the committed entry of a stage.
fn against_lock(lock: &LockFile, plan: &StagePlan, settings: &Settings) -> Result<Explanation> {
    let entry = lock.entry(plan.stage.name, settings.profile);
    let Some(entry) = entry else {
        return Ok(Explanation {
            status: Status::Missing,
            against: "nothing",
            changes: vec![unmade("tables, claims and figures")],
        });
    };
    let mut changes = lock_changes(lock, entry, plan, settings)?;
    if changes.is_empty() {
        let same = entry.recipe == plan.recipe(settings)?.digest().as_str();
        changes.push(if same {
            unmade("tables, claims and figures")
        } else {
            let new = plan.recipe(settings)?.digest().to_string();
            Change::new("recipe", Some(entry.recipe.clone()), Some(new))
        });
    }
    Ok(Explanation { status: Status::Missing, against: "figures.lock", changes })
}

fn lock_changes(
    lock: &LockFile,
    entry: &LockEntry,
    plan: &StagePlan,
    settings: &Settings,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    if entry.seed != settings.seed {
        changes.push(Change::new("seed", Some(entry.seed.to_string()), Some(settings.seed.to_string())));
    }
    let (old, new) = (Value::Map(entry.parameters.clone()), Value::Map(plan.parameters()?));
    if old != new {
        changes.extend(map_changes("", Some(&old), Some(&new)));
    }
    let new = lockfile::ingredients(plan, settings)?;
    for (role, was) in &entry.ingredients {
        let is = new.get(role);
        if is == Some(was) || role == "questions" && !changes.is_empty() {
            continue;
        }
        if role == "code" {
            let files = read_sources(&sources(&[&plan.recipe_code()?]));
            let found = lock.sources.get(was).map(|old| file_changes(old, &files)).unwrap_or_default();
            if !found.is_empty() {
                changes.extend(found);
                continue;
            }
        }
        changes.push(Change::new(role, Some(was.clone()), is.cloned()));
    }
    Ok(changes)
}
