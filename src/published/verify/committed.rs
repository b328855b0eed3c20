//! Whether committed files are consistent.

use crate::digest::sha256;
use crate::error::Result;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::run::{judge, present};
use crate::published::editions::digest;
use crate::published::figures::Figures;
use crate::published::lockfile::{LockEntry, LockFile};
use crate::published::standard::standard;
use crate::published::verify::claims::{SAME_TABLES, compare_all_claims};
use crate::published::verify::rows::{Row, Rows, Verdict};
use crate::stage::claim::EDITION;
use crate::stage::{Profile, Results, Settings, Stage};
use crate::table::Table;
use std::collections::BTreeMap;

/// Whether the committed files of a stage are consistent. Reads, judges and draws, but simulates nothing.
///
/// # Errors
/// A stage whose parameters are refused.
pub fn committed(
    figures: &Figures,
    lock: &LockFile,
    stage: &'static Stage,
    profile: Profile,
) -> Result<Vec<Row>> {
    let settings = standard(profile);
    let mut rows = Rows::new(stage.name, profile, "committed");
    let Some(entry) = lock.entry(stage.name, profile) else {
        rows.same("stage", stage.name, false, "figures.lock does not have it; `run` writes it");
        return Ok(rows.list);
    };
    let plan = StagePlan::new(stage, &settings)?;
    compare_recipe(&mut rows, &plan, &settings, entry)?;
    let said = lock.declared().is_ok_and(|declared| lock.declarations == digest(&declared));
    let declared = said && lock.edition == EDITION;
    rows.same(
        "recipe",
        "declarations",
        declared,
        "edition or declarations in the lock are not those of its claims",
    );
    for (name, wrong) in figures.summaries(lock) {
        let what = if name.contains('.') { "text" } else { "table" };
        rows.same(what, name, wrong.is_none(), wrong.unwrap_or_default());
    }
    // Pictures of the quick profile are not committed.
    for (file, digest) in entry.figures.iter().filter(|_| profile == Profile::Paper) {
        let same = figures.is(file, digest);
        rows.same("figure", file, same, "the file is not the one that figures.lock names");
    }
    let (tables, whole) = committed_tables(figures, &mut rows, &plan, profile, entry);
    if !whole {
        return Ok(rows.list);
    }
    let results = Results { profile, experiments: plan.experiments(), tables };
    match judge(stage, &results) {
        Ok(judged) => compare_all_claims(&mut rows, &entry.claims, &judged, SAME_TABLES),
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

/// Compares recipe, seed and parameters with those of the lock.
pub(crate) fn compare_recipe(
    rows: &mut Rows,
    plan: &StagePlan,
    settings: &Settings,
    entry: &LockEntry,
) -> Result<()> {
    let same = entry.recipe == plan.recipe(settings)?.digest().as_str();
    let why =
        format!("the lock was written by other code or parameters; `why {}` names them", plan.stage.name);
    rows.same("recipe", "recipe", same, &why);
    let same = entry.seed == settings.seed && entry.parameters == plan.parameters()?;
    rows.same("recipe", "parameters", same, "seed or parameters in the lock are not those of the stage");
    Ok(())
}

/// The committed tables of a stage in a profile, and whether all are there with the digests of the lock.
pub(crate) fn committed_tables(
    figures: &Figures,
    rows: &mut Rows,
    plan: &StagePlan,
    profile: Profile,
    entry: &LockEntry,
) -> (BTreeMap<String, Table>, bool) {
    let (mut tables, mut whole) = (BTreeMap::new(), true);
    for (name, digest) in &entry.values {
        match figures.table(plan.stage.name, profile, name, digest) {
            Ok(table) => {
                tables.insert(name.clone(), table);
                rows.add("table", name, Verdict::Identical, None);
            }
            Err(error) => {
                rows.add("table", name, Verdict::Different, Some(error.to_string()));
                whole = false;
            }
        }
    }
    (tables, whole)
}
