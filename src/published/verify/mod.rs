//! Whether what is committed can be computed again: tables by column, figures by bytes, claims.
//!
//! Two questions are asked of every stage. *Committed*: do the committed files belong together, the tables and figures to
//! the lock, and do the committed tables give the committed claims and figures? *Recomputed*: does a computation from
//! nothing, in a store of its own, give them?
//!
//! A verdict is `nondeterministic` where two computations of the same thing by this program on this machine differ. One
//! computation cannot tell, so a second one is made of every stage that differs from what is committed, or of all of them
//! on request.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::pipeline::run::{judge, present};
use crate::published::lockfile::{Entry, Lock};
use crate::published::{Figures, is_standard, standard};
use crate::stage::claim::Claim;
use crate::stage::{Profile, Results, Settings, Stage};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub mod claims;
pub mod columns;
mod recompute;
pub mod tolerance;

use crate::published::verify::claims::{Apart, compare as compare_claims};

/// What came of a comparison, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every bit is the same.
    Identical,
    /// Numbers differ by no more than is declared, or a picture is drawn from such numbers.
    Within,
    /// Something differs by more.
    Different,
    /// Computed twice it is not the same.
    Nondeterministic,
}

impl Verdict {
    /// The word for people and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Within => "within tolerance",
            Self::Different => "different",
            Self::Nondeterministic => "nondeterministic",
        }
    }

    /// Whether this is a difference.
    #[must_use]
    pub fn is_bad(self) -> bool {
        self >= Self::Different
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The stage.
    pub stage: String,
    /// `paper` or `quick`.
    pub profile: &'static str,
    /// `committed` or `recomputed`.
    pub check: &'static str,
    /// `recipe`, `table`, `column`, `figure`, `claim` or `stage`.
    pub what: &'static str,
    /// Its name: a column is `table.column`, a figure a file.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
    /// The worst place, in words.
    pub detail: Option<String>,
}

/// What to verify, and how.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// All stages of the program.
    pub all: &'a [&'static Stage],
    /// Those to verify.
    pub stages: &'a [&'static Stage],
    /// Profile; the seed is the default one, and there are no overrides.
    pub settings: &'a Settings,
    /// What is committed.
    pub figures: &'a Figures,
    /// An empty folder for stores.
    pub scratch: &'a Path,
    /// Threads.
    pub jobs: usize,
    /// Compute every stage twice.
    pub twice: bool,
}

/// Collects the comparisons of one stage.
pub(crate) struct Rows {
    stage: String,
    profile: &'static str,
    check: &'static str,
    pub(crate) list: Vec<Row>,
}

impl Rows {
    pub(crate) fn new(stage: &str, profile: Profile, check: &'static str) -> Self {
        Self { stage: stage.to_owned(), profile: profile.word(), check, list: Vec::new() }
    }

    fn add(&mut self, what: &'static str, name: impl Into<String>, verdict: Verdict, detail: Option<String>) {
        let (stage, profile, check) = (self.stage.clone(), self.profile, self.check);
        self.list.push(Row { stage, profile, check, what, name: name.into(), verdict, detail });
    }

    fn same(&mut self, what: &'static str, name: impl Into<String>, same: bool, otherwise: &str) {
        let verdict = if same { Verdict::Identical } else { Verdict::Different };
        self.add(what, name, verdict, (!same).then(|| otherwise.to_owned()));
    }
}

/// Verifies stages; every comparison is a row.
///
/// # Errors
/// Settings that are not those of committed files; a lock that cannot be read; a computation that fails.
pub fn verify(request: VerifyOptions<'_>) -> Result<Vec<Row>> {
    let VerifyOptions { all, stages, settings, figures, .. } = request;
    if !is_standard(settings) {
        let problem = "only results with the default seed and parameters are committed: leave out --seed, --set and --overrides";
        return Err(Error::Usage(problem.to_owned()));
    }
    plan_all(all, settings)?;
    let lock = figures.lock()?;
    let mut rows = Vec::new();
    for stage in stages {
        rows.extend(committed(figures, &lock, stage, Profile::Paper)?);
    }
    rows.extend(recompute::recomputed(&request, &lock)?);
    if stages.len() == all.len() {
        let known: BTreeSet<&str> = all.iter().map(|stage| stage.name).collect();
        for name in lock.stages.keys().filter(|name| !known.contains(name.as_str())) {
            let mut gone = Rows::new(name, Profile::Paper, "committed");
            gone.same("stage", name, false, "figures.lock has a stage that this program does not have");
            rows.append(&mut gone.list);
        }
    }
    Ok(rows)
}

/// Whether the committed files of a stage belong together. Reads, judges and draws; simulates nothing.
///
/// # Errors
/// A stage whose parameters are refused.
pub fn committed(
    figures: &Figures,
    lock: &Lock,
    stage: &'static Stage,
    profile: Profile,
) -> Result<Vec<Row>> {
    let settings = standard(profile);
    let mut rows = Rows::new(stage.name, profile, "committed");
    let Some(entry) = lock.stages.get(stage.name).and_then(|profiles| profiles.get(profile.word())) else {
        rows.same("stage", stage.name, false, "figures.lock does not have it; `run` writes it");
        return Ok(rows.list);
    };
    let plan = StagePlan::new(stage, &settings)?;
    compare_recipe(&mut rows, &plan, &settings, entry)?;
    // Pictures of the quick profile are not committed.
    for (file, digest) in entry.figures.iter().filter(|_| profile == Profile::Paper) {
        let path = figures.root().join(file);
        let same = fs::read(&path).is_ok_and(|bytes| sha256(&bytes) == *digest);
        rows.same("figure", file, same, "the file is not the one that figures.lock names");
    }
    let (tables, whole) = committed_tables(figures, &mut rows, &plan, profile, entry)?;
    if !whole {
        return Ok(rows.list);
    }
    let results = Results { profile, experiments: plan.experiments(), tables };
    match judge(stage, &results) {
        Ok(judged) => compare_all_claims(&mut rows, &entry.claims, &judged, Apart::SAME_TABLES),
        Err(error) => rows.add("claim", "all", Verdict::Different, Some(error.to_string())),
    }
    match present(&plan, &results) {
        Ok(blobs) => {
            let drawn = |file: &str| blobs.iter().find(|blob| blob.name == file);
            for (file, digest) in &entry.figures {
                let same = drawn(file).is_some_and(|blob| sha256(&blob.bytes) == *digest);
                rows.same("figure", file, same, "the committed tables do not give this picture");
            }
        }
        Err(error) => rows.add("figure", "all", Verdict::Different, Some(error.to_string())),
    }
    Ok(merged(rows.list))
}

/// One row per thing: the worst of those about it.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.iter_mut().find(|other| (other.what, &other.name) == (row.what, &row.name)) {
            Some(other) if other.verdict < row.verdict => *other = row,
            Some(_) => {}
            None => merged.push(row),
        }
    }
    merged
}

fn compare_recipe(rows: &mut Rows, plan: &StagePlan, settings: &Settings, entry: &Entry) -> Result<()> {
    let same = entry.recipe == plan.recipe(settings)?.digest().as_str();
    let why =
        format!("the lock was written by other code or parameters; `why {}` names them", plan.stage.name);
    rows.same("recipe", "recipe", same, &why);
    let same = entry.seed == settings.seed && entry.parameters == plan.parameters()?;
    rows.same("recipe", "parameters", same, "seed or parameters in the lock are not those of the stage");
    Ok(())
}

/// The committed tables of a stage in a profile, and whether all are there with the digests of the lock.
fn committed_tables(
    figures: &Figures,
    rows: &mut Rows,
    plan: &StagePlan,
    profile: Profile,
    entry: &Entry,
) -> Result<(BTreeMap<String, Table>, bool)> {
    let folder = figures.tables(plan.stage.name, profile);
    let (mut tables, mut whole) = (BTreeMap::new(), true);
    for (name, digest) in &entry.values {
        let path = folder.join(format!("{name}.parquet"));
        let problem = match Table::from_parquet(name, &path) {
            Ok(table) if table.values_digest()? == *digest => {
                tables.insert(name.clone(), table);
                rows.add("table", name, Verdict::Identical, None);
                continue;
            }
            Ok(_) => format!("{} does not hold the values that figures.lock names", path.display()),
            Err(error) => error.to_string(),
        };
        rows.add("table", name, Verdict::Different, Some(problem));
        whole = false;
    }
    Ok((tables, whole))
}

pub(crate) fn compare_all_claims(rows: &mut Rows, old: &[Claim], new: &[Claim], apart: Apart) {
    for claim in new {
        match old.iter().find(|other| other.id == claim.id) {
            Some(other) => {
                let (verdict, detail) = compare_claims(other, claim, apart);
                rows.add("claim", &claim.id, verdict, detail);
            }
            None => rows.same("claim", &claim.id, false, "figures.lock does not have it"),
        }
    }
    for claim in old.iter().filter(|claim| !new.iter().any(|other| other.id == claim.id)) {
        rows.same("claim", &claim.id, false, "only figures.lock has it");
    }
}
