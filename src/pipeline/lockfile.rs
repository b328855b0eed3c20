//! What `figures.lock` says beyond digests: names that are safe to follow, what recipes were made of, what is gone.

use crate::error::{Error, Result};
use crate::pipeline::committed::{Entry, Lock};
use crate::pipeline::key::{Key, Value, sha256};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{read_sources, sources};
use crate::stage::{Settings, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Checks that every name in a lock is a plain file name and every digest a digest.
///
/// # Errors
/// The first that is not, in words.
pub fn check(lock: &Lock) -> std::result::Result<(), String> {
    let plain = |what: &str, name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !name.is_empty() && name.len() <= 120 && !name.starts_with('.') && name.bytes().all(allowed) {
            Ok(())
        } else {
            Err(format!("{what} `{name}` is no plain name of letters, digits, `-`, `_` and `.`"))
        }
    };
    let digest = |what: &str, text: &str| {
        Key::parse(text)
            .map(|_| ())
            .map_err(|_| format!("{what}: `{text}` is no digest of 64 hexadecimal digits"))
    };
    for (stage, profiles) in &lock.stages {
        plain("stage", stage)?;
        for (profile, entry) in profiles {
            if !["paper", "quick"].contains(&profile.as_str()) {
                return Err(format!("stage {stage} has a profile `{profile}`; there are paper and quick"));
            }
            digest(&format!("recipe of {stage}"), &entry.recipe)?;
            for (what, files) in [("table", &entry.values), ("figure", &entry.figures)] {
                for (name, text) in files {
                    plain(what, name)?;
                    digest(&format!("{what} {name} of {stage}"), text)?;
                }
            }
            if let Some(claim) = entry.claims.iter().find(|claim| claim.stage != *stage) {
                return Err(format!("claim {} of {stage} is said to belong to `{}`", claim.id, claim.stage));
            }
        }
    }
    Ok(())
}

/// Ingredients of a recipe that the entry of a stage does not have elsewhere, by name.
///
/// # Errors
/// A stage whose source is not embedded.
pub fn ingredients(plan: &StagePlan, settings: &Settings) -> Result<BTreeMap<String, String>> {
    let recipe = plan.recipe(settings)?;
    let mut all = BTreeMap::new();
    for role in ["seed scheme", "code", "crates"] {
        all.extend(recipe.get(role).map(|value| (role.to_owned(), value.to_string())));
    }
    let questions = recipe.get("questions").map(Value::to_string).unwrap_or_default();
    all.insert("questions".to_owned(), sha256(questions.as_bytes()));
    Ok(all)
}

/// Notes in a lock the source files behind an entry that is written to it.
///
/// # Errors
/// A stage whose source is not embedded.
pub fn note_sources(lock: &mut Lock, plan: &StagePlan) -> Result<()> {
    lock.sources.extend(read_sources(&sources(&[&plan.recipe_code()?])));
    Ok(())
}

/// Forgets the stages that are no more, and deletes every file that `before` names and `after` does not.
///
/// # Errors
/// A file that cannot be deleted.
pub fn drop_traces(root: &Path, before: &Lock, after: &Lock) -> Result<()> {
    let kept = files(after);
    for file in files(before).difference(&kept) {
        let path = root.join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("delete", path)(error));
            }
            _ => {}
        }
        // A folder that still holds something stays.
        let mut folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
        while folders.next().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {}
    }
    Ok(())
}

/// Removes the entries of stages that are not among `all`; their names.
pub fn drop_stages(lock: &mut Lock, all: &[&'static Stage]) -> Vec<String> {
    let gone: Vec<String> = lock
        .stages
        .keys()
        .filter(|name| !all.iter().any(|stage| stage.name == name.as_str()))
        .cloned()
        .collect();
    for name in &gone {
        lock.stages.remove(name);
    }
    gone
}

/// Every file that a lock names, below the figures' folder.
fn files(lock: &Lock) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (stage, profiles) in &lock.stages {
        for (profile, entry) in profiles {
            files.extend(names(stage, profile, entry));
        }
    }
    files
}

fn names(stage: &str, profile: &str, entry: &Entry) -> Vec<String> {
    let paper = profile == "paper";
    let folder = if paper { format!("values/{stage}") } else { format!("values/{stage}/{profile}") };
    let tables = entry.values.keys().map(|table| format!("{folder}/{table}.parquet"));
    let figures = entry.figures.keys().filter(|_| paper).cloned();
    tables.chain(figures).collect()
}
