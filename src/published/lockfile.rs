//! `figures.lock`: its entries, names that are safe to follow, what recipes were made of, what is gone.

use crate::digest::{Key, Value, sha256};
use crate::error::Result;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{read_sources, sources};
use crate::published::editions::{self, Declarations, declarations};
use crate::stage::claim::{Claim, EDITION};
use crate::stage::{Profile, Settings, Stage};
use crate::store::is_plain;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Digest of the values of each table over all stages, and of the bytes of each file for LaTeX.
    #[serde(default)]
    pub summaries: BTreeMap<String, String>,
    /// Files that may be there although no entry names them, while results are published, with their digests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unsettled: BTreeMap<String, String>,
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

impl LockEntry {
    /// What the entry of a stage says of its recipe, without tables, figures and claims.
    pub(crate) fn of(plan: &StagePlan, settings: &Settings) -> Result<Self> {
        Ok(Self {
            recipe: plan.recipe(settings)?.digest().to_string(),
            ingredients: ingredients(plan, settings)?,
            seed: settings.seed,
            parameters: plan.parameters()?,
            values: BTreeMap::new(),
            figures: BTreeMap::new(),
            claims: Vec::new(),
        })
    }
}

const FORMAT: u32 = 3;

/// What every version of the lock has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The name of the file.
pub(crate) const LOCK: &str = "figures.lock";

/// A lock without entries.
pub(crate) fn empty() -> LockFile {
    LockFile { format: FORMAT, ..LockFile::default() }
}

/// The lock in these bytes; the problem in words if they are none.
pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<LockFile, String> {
    let Version { format } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!("has format {format}, this program reads {FORMAT}"));
    }
    let lock: LockFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    check(&lock)?;
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
    for (file, text) in &lock.unsettled {
        digest("unsettled file", text)?;
        let steps: Vec<&str> = file.split('/').collect();
        if !(steps.len() == 1 || steps.len() <= 4 && steps[0] == "values") {
            return Err(format!("unsettled file `{file}` is no file that stages write"));
        }
        steps.iter().try_for_each(|step| plain("a part of an unsettled file", step))?;
    }
    for (table, text) in &lock.summaries {
        plain("table", table)?;
        digest(&format!("table {table}"), text)?;
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

/// Every file that a lock names, below the figures' folder, with its digest.
#[must_use]
pub fn files(lock: &LockFile) -> BTreeMap<String, String> {
    let summaries = lock.summaries.iter();
    let mut files: BTreeMap<String, String> =
        summaries.map(|(table, digest)| (summary_file(table), digest.clone())).collect();
    for (stage, profiles) in &lock.stages {
        for (profile, entry) in profiles {
            let tables = entry.values.iter();
            files.extend(tables.map(|(table, digest)| (table_file(stage, profile, table), digest.clone())));
            if profile == Profile::Paper.word() {
                files.extend(entry.figures.clone());
            }
        }
    }
    files
}

/// The file of a table over all stages; a file for LaTeX has its own name.
pub(crate) fn summary_file(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("values/{name}.parquet") }
}

/// The folder of the tables of a stage in a profile.
pub(crate) fn table_folder(stage: &str, profile: &str) -> String {
    if profile == Profile::Paper.word() {
        format!("values/{stage}")
    } else {
        format!("values/{stage}/{profile}")
    }
}

/// The file of a table.
pub(crate) fn table_file(stage: &str, profile: &str, table: &str) -> String {
    format!("{}/{table}.parquet", table_folder(stage, profile))
}
