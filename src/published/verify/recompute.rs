//! Verifies stages: checks that what is committed is consistent, then computes it from scratch, twice if need be.

use crate::digest::sha256;
use crate::error::{Error, Result, say};
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::pipeline::run::{Done, RunOptions, present, results, run};
use crate::published::figures::Figures;
use crate::published::lockfile::LockFile;
use crate::published::standard::is_standard;
use crate::published::verify::claims::{NEAR_TABLES, SAME_TABLES, compare_all_claims};
use crate::published::verify::columns::columns;
use crate::published::verify::committed::{committed, committed_tables, compare_recipe};
use crate::published::verify::rows::{Row, Rows, Verdict};
use crate::stage::claim::Claim;
use crate::stage::{Profile, Results, Settings, Stage};
use crate::store::{Access, Blob, Store};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    rows.extend(recomputed(&request, &lock)?);
    let named = |stage: &Stage| stages.iter().any(|other| other.name == stage.name);
    if all.iter().all(|stage| stage.on_request || named(stage)) {
        // What takes too long to compute along with all else is judged by what is committed of it.
        for stage in
            all.iter().filter(|stage| !named(stage) && lock.entry(stage.name, Profile::Paper).is_some())
        {
            rows.extend(committed(figures, &lock, stage, Profile::Paper)?);
        }
        let known: BTreeSet<&str> = all.iter().map(|stage| stage.name).collect();
        for name in lock.stages.keys().filter(|name| !known.contains(name.as_str())) {
            let mut gone = Rows::new(name, Profile::Paper, "committed");
            gone.same("stage", name, false, "figures.lock has a stage that this program does not have");
            rows.append(&mut gone.list);
        }
    }
    Ok(rows)
}

/// One computation of a stage.
struct Computed {
    tables: BTreeMap<String, Table>,
    blobs: Vec<Blob>,
    claims: Vec<Claim>,
}

fn compute(
    request: &VerifyOptions<'_>,
    stages: &[&'static Stage],
    name: &str,
) -> Result<BTreeMap<String, Computed>> {
    if stages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let store = Store::open(&request.scratch.join(name), Access::Write, say)?;
    let options = RunOptions { jobs: request.jobs, force: false };
    let done = run(stages, request.all, &store, request.settings, options)?;
    done.iter()
        .map(|stage| Ok((stage.plan.stage.name.to_owned(), computed(&store, request.settings, stage)?)))
        .collect()
}

fn computed(store: &Store, settings: &Settings, done: &Done) -> Result<Computed> {
    let mut blobs = Vec::new();
    for entry in &done.figures.blobs {
        if let Some(bytes) = store.blob(&done.figures, &entry.name)? {
            blobs.push(Blob { name: entry.name.clone(), bytes });
        }
    }
    let results = results(store, settings, &done.plan, &done.tables)?;
    Ok(Computed { tables: results.tables, blobs, claims: done.claims(store, settings)?.to_vec() })
}

/// Every comparison of a computation from scratch with what is committed.
fn recomputed(request: &VerifyOptions<'_>, lock: &LockFile) -> Result<Vec<Row>> {
    // There is nothing to compare a stage with that the lock does not have.
    let locked = |stage: &&'static Stage| lock.entry(stage.name, request.settings.profile).is_some();
    let first =
        compute(request, &request.stages.iter().copied().filter(locked).collect::<Vec<_>>(), "first")?;
    let mut found: Vec<(&'static Stage, Vec<Row>)> = Vec::new();
    for stage in request.stages {
        found.push((stage, against(request, lock, stage, first.get(stage.name))?));
    }
    let doubtful = |rows: &[Row]| rows.iter().any(|row| row.verdict.is_bad() && row.what != "recipe");
    let again: Vec<&'static Stage> = found
        .iter()
        .filter(|(stage, rows)| locked(stage) && (request.twice || doubtful(rows)))
        .map(|(stage, _)| *stage)
        .collect();
    let second = compute(request, &again, "second")?;
    for (stage, rows) in &mut found {
        if let (Some(one), Some(other)) = (first.get(stage.name), second.get(stage.name)) {
            mark(rows, one, other)?;
        }
    }
    Ok(found.into_iter().flat_map(|(_, rows)| rows).collect())
}

/// Marks everything on which two computations disagree.
fn mark(rows: &mut [Row], one: &Computed, other: &Computed) -> Result<()> {
    let mut unsteady: BTreeSet<(&'static str, String)> = BTreeSet::new();
    for (name, table) in &one.tables {
        let Some(again) = other.tables.get(name) else { continue };
        for column in columns(table, again)?.into_iter().filter(|column| column.verdict != Verdict::Identical)
        {
            unsteady.insert(("table", name.clone()));
            unsteady.insert(("column", format!("{name}.{}", column.name)));
        }
    }
    for blob in one.blobs.iter().filter(|blob| !other.blobs.contains(blob)) {
        unsteady.insert(("figure", blob.name.clone()));
    }
    for claim in one.claims.iter().filter(|claim| !other.claims.contains(claim)) {
        unsteady.insert(("claim", claim.id.clone()));
    }
    for row in rows.iter_mut().filter(|row| unsteady.contains(&(row.what, row.name.clone()))) {
        row.verdict = Verdict::Nondeterministic;
        row.detail = Some("two computations by this program on this machine differ".to_owned());
    }
    Ok(())
}

/// One computation against what is committed.
fn against(
    request: &VerifyOptions<'_>,
    lock: &LockFile,
    stage: &'static Stage,
    new: Option<&Computed>,
) -> Result<Vec<Row>> {
    let profile = request.settings.profile;
    let mut rows = Rows::new(stage.name, profile, "recomputed");
    let entry = lock.entry(stage.name, profile);
    let (Some(entry), Some(new)) = (entry, new) else {
        rows.same("stage", stage.name, false, "figures.lock does not have it; `run` writes it");
        return Ok(rows.list);
    };
    let plan = StagePlan::new(stage, request.settings)?;
    compare_recipe(&mut rows, &plan, request.settings, entry)?;
    let mut files = Rows::new(stage.name, profile, "recomputed");
    let (old, whole) = committed_tables(request.figures, &mut files, &plan, profile, entry);
    let problems: BTreeMap<String, Option<String>> =
        files.list.into_iter().map(|row| (row.name, row.detail)).collect();
    let mut worst = Verdict::Identical;
    for name in entry.values.keys().chain(new.tables.keys()).collect::<BTreeSet<_>>() {
        let verdict = match (old.get(name), new.tables.get(name)) {
            (Some(old), Some(new)) => compare_table(&mut rows, name, old, new)?,
            (None, Some(table)) if entry.values.get(name) == Some(&table.values_digest()?) => {
                // The file is missing or damaged, yet the lock names these very values.
                let detail = problems.get(name).cloned().flatten();
                rows.add("table", name, Verdict::Different, detail);
                Verdict::Identical
            }
            (_, found) => {
                let missing =
                    if found.is_some() { "figures.lock does not have it" } else { "is computed no more" };
                let detail = problems.get(name).cloned().flatten().unwrap_or_else(|| missing.to_owned());
                rows.same("table", name, false, &detail);
                Verdict::Different
            }
        };
        worst = worst.max(verdict);
    }
    // A picture of numbers within tolerance may have other bytes; then the committed numbers must give the committed one.
    let drawn = if whole && worst == Verdict::Within {
        let results = Results { profile, experiments: plan.experiments(), tables: old };
        present(&plan, &results)?
    } else {
        Vec::new()
    };
    for name in entry.figures.keys().chain(new.blobs.iter().map(|blob| &blob.name)).collect::<BTreeSet<_>>() {
        let digest =
            |blobs: &[Blob]| blobs.iter().find(|blob| blob.name == *name).map(|blob| sha256(&blob.bytes));
        let wanted = entry.figures.get(name);
        if wanted.is_some() && digest(&new.blobs).as_ref() == wanted {
            rows.add("figure", name, Verdict::Identical, None);
        } else if wanted.is_some() && digest(&drawn).as_ref() == wanted {
            let detail = "drawn from numbers within tolerance".to_owned();
            rows.add("figure", name, Verdict::Within, Some(detail));
        } else {
            rows.same("figure", name, false, "other bytes than figures.lock names");
        }
    }
    let apart = if worst == Verdict::Identical { SAME_TABLES } else { NEAR_TABLES };
    compare_all_claims(&mut rows, &entry.claims, &new.claims, apart);
    Ok(rows.list)
}

fn compare_table(rows: &mut Rows, name: &str, old: &Table, new: &Table) -> Result<Verdict> {
    let found = columns(old, new)?;
    let verdict = found.iter().map(|column| column.verdict).max().unwrap_or(Verdict::Identical);
    let worst =
        found.iter().find(|column| column.verdict == verdict).and_then(|column| column.detail.clone());
    rows.add("table", name, verdict, worst);
    for column in found.into_iter().filter(|column| !column.name.is_empty()) {
        rows.add("column", format!("{name}.{}", column.name), column.verdict, column.detail);
    }
    Ok(verdict)
}
