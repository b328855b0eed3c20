//! `figures.lock`: its entries, names that are safe to follow, what recipes were made of, what is gone.

use crate::digest::{Key, Value, sha256};
use crate::error::{Error, Result};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{read_sources, sources};
use crate::published::editions::{self, Declarations, declarations};
use crate::stage::claim::{Claim, EDITION};
use crate::stage::{Profile, Settings, Stage};
use crate::store::is_plain;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// `figures.lock`: what the committed figures were made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    /// Version of this format.
    pub format: u32,
    /// Source files behind the entries with the first digits of their digests, by the digest of the code they make.
    #[serde(default)]
    pub sources: BTreeMap<String, BTreeMap<String, String>>,
    /// Edition of the declarations.
    #[serde(default)]
    pub edition: u64,
    /// Digest of the declarations of all claims in the paper profile.
    #[serde(default)]
    pub declarations: String,
    /// Files that may be there although no entry names them, while results are published.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsettled: BTreeSet<String>,
    /// By stage, then by profile.
    pub stages: BTreeMap<String, BTreeMap<String, LockEntry>>,
}

impl LockFile {
    /// The declarations of all claims in the paper profile.
    ///
    /// # Errors
    /// A claim about an experiment that its entry does not have.
    pub fn declared(&self) -> Result<Declarations> {
        let mut all = Declarations::new();
        for entry in self.stages.values().filter_map(|profiles| profiles.get(Profile::Paper.word())) {
            all.extend(declarations(&entry.claims, &entry.parameters)?);
        }
        Ok(all)
    }

    /// The entry of a stage in a profile.
    #[must_use]
    pub fn entry(&self, stage: &str, profile: Profile) -> Option<&LockEntry> {
        self.stages.get(stage)?.get(profile.word())
    }
}

/// One stage in one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockEntry {
    /// Digest of experiments, parameters, seed and source closure.
    pub recipe: String,
    /// What else the recipe was made of: seed scheme, code, crates, questions.
    #[serde(default)]
    pub ingredients: BTreeMap<String, String>,
    /// The root seed.
    pub seed: u64,
    /// Parameters of each experiment.
    pub parameters: BTreeMap<String, Value>,
    /// Digest of schema and values of each table.
    pub values: BTreeMap<String, String>,
    /// Digest of each figure's files: SVG, PDF, and the caption as text.
    pub figures: BTreeMap<String, String>,
    /// Every claim.
    pub claims: Vec<Claim>,
}

const FORMAT: u32 = 3;

/// What every version of the lock has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The lock at `path`; empty where there is none.
///
/// # Errors
/// A file that cannot be read or is no lock.
pub fn read(path: &Path) -> Result<LockFile> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(LockFile { format: FORMAT, ..LockFile::default() });
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let refused =
        |problem: String| Error::damaged(path, format!("{problem}; restore the committed file or delete it"));
    let Version { format } = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    if format != FORMAT {
        return Err(refused(format!("has format {format}, this program reads {FORMAT}")));
    }
    let lock: LockFile = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    check(&lock).map_err(refused)?;
    Ok(lock)
}

/// Checks that every name in a lock is a plain file name and every digest a digest.
///
/// # Errors
/// The first that is not, in words.
pub fn check(lock: &LockFile) -> std::result::Result<(), String> {
    let plain = |what: &str, name: &str| {
        if is_plain(name) {
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
    for file in &lock.unsettled {
        let steps: Vec<&str> = file.split('/').collect();
        if !(steps.len() == 1 || steps.len() <= 4 && steps[0] == "values") {
            return Err(format!("unsettled file `{file}` is no file that stages write"));
        }
        steps.iter().try_for_each(|step| plain("a part of an unsettled file", step))?;
    }
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
pub(crate) fn note_sources(lock: &mut LockFile, plan: &StagePlan) -> Result<()> {
    let code = plan.recipe_code()?;
    let digest = Value::from(code.digest()).to_string();
    lock.sources.entry(digest).or_insert_with(|| read_sources(&sources(&[&code])));
    Ok(())
}

/// Notes in a lock what its claims declare.
pub(crate) fn declare(lock: &mut LockFile) -> Result<()> {
    (lock.edition, lock.declarations) = (EDITION, editions::digest(&lock.declared()?));
    Ok(())
}

/// Forgets source files that no entry is made of any more.
pub(crate) fn drop_sources(lock: &mut LockFile) {
    let entries = lock.stages.values().flat_map(|profiles| profiles.values());
    let used: BTreeSet<String> = entries.filter_map(|entry| entry.ingredients.get("code")).cloned().collect();
    lock.sources.retain(|code, _| used.contains(code));
}

/// Deletes files below the folder of figures, and folders that are empty then.
pub(crate) fn delete(root: &Path, files: &BTreeSet<String>) -> Result<()> {
    for file in files {
        let path = root.join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("delete", path)(error));
            }
            _ => {}
        }
        // A folder that is not empty is kept.
        let mut folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
        while folders.next().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {}
    }
    Ok(())
}

/// Removes the entries of stages that are not among `all`; their names.
pub(crate) fn drop_stages(lock: &mut LockFile, all: &[&'static Stage]) -> Vec<String> {
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
#[must_use]
pub fn files(lock: &LockFile) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (stage, profiles) in &lock.stages {
        for (profile, entry) in profiles {
            files.extend(names(stage, profile, entry));
        }
    }
    files
}

fn names(stage: &str, profile: &str, entry: &LockEntry) -> Vec<String> {
    let paper = profile == "paper";
    let folder = if paper { format!("values/{stage}") } else { format!("values/{stage}/{profile}") };
    let tables = entry.values.keys().map(|table| format!("{folder}/{table}.parquet"));
    let figures = entry.figures.keys().filter(|_| paper).cloned();
    tables.chain(figures).collect()
}
