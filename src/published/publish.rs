//! Publishing into the folder of figures: files that agree are left alone, and the next run repairs what a killed run leaves
//! behind.
//!
//! Files are replaced one by one, each atomically, and the lock after them: files from a killed run do not match the digests in
//! the lock and are written again. Names about to appear or disappear are first noted in the lock, as `unsettled`; those that no
//! entry has in the end are deleted. Callers must hold [`Figures::alone`].

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::parallel::each;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::threads;
use crate::pipeline::run::{Done, confirm};
use crate::published::figures::Figures;
use crate::published::lockfile::{LOCK, LockEntry, LockFile};
use crate::published::verify::Rows;
use crate::published::verify::claims::{SAME_TABLES, compare_all_claims};
use crate::published::verify::columns::columns;
use crate::published::verify::committed;
use crate::published::{editions, latex, lockfile, overrides, summary};
use crate::stage::claim::Claim;
use crate::stage::{Profile, Settings, Stage};
use crate::store::{Folder, Manifest, Store};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Publishes stages: into the folder itself if they are the committed ones, otherwise into a variant below it.
/// Returns the names of the stages whose files changed.
///
/// # Errors
/// A file that cannot be read or written.
pub fn publish(figures: &Figures, store: &Store, settings: &Settings, done: &[Done]) -> Result<Vec<String>> {
    let below = Figures::below(settings);
    figures.sweep(&below)?;
    if Figures::commits(settings) {
        return commit(figures, store, settings, done);
    }
    let mut changed = Vec::new();
    for stage in done {
        let mut any = false;
        for entry in &stage.figures.blobs {
            any |= figures
                .update(&format!("{below}{}", entry.name), &blob(store, &stage.figures, &entry.name)?)?;
        }
        if any {
            changed.push(stage.plan.stage.name.to_owned());
        }
    }
    if !settings.overrides.is_empty() {
        figures.update(&format!("{below}overrides.toml"), overrides::toml(&settings.overrides).as_bytes())?;
    }
    Ok(changed)
}

/// Records the quick profile of stages in the lock, with its tables.
///
/// # Errors
/// A file that cannot be read or written.
pub fn record(figures: &Figures, store: &Store, settings: &Settings, done: &[Done]) -> Result<()> {
    commit(figures, store, settings, done).map(|_| ())
}

/// Drops from the lock the stages that are not among `all`, with their files; the names of the stages.
///
/// # Errors
/// A file that cannot be read, written or deleted.
pub fn drop_gone(figures: &Figures, all: &[&'static Stage]) -> Result<Vec<String>> {
    let before = figures.lock()?;
    let mut after = before.clone();
    let gone = lockfile::drop_stages(&mut after, all);
    replace(figures, &before, after, || Ok(()))?;
    Ok(gone)
}

fn commit(figures: &Figures, store: &Store, settings: &Settings, done: &[Done]) -> Result<Vec<String>> {
    let before = figures.lock()?;
    let (mut changed, mut written) = (Vec::new(), Vec::new());
    // Tables are read and judged here, which is most of the time of a run that has nothing else to do.
    let entries = each(done, threads(), |stage| {
        let new = entry(settings, stage)?;
        let agrees = agrees(figures, &before, settings, &new, store, stage)?;
        Ok((new, agrees))
    })?;
    for (stage, (mut new, agrees)) in done.iter().zip(entries) {
        if !agrees {
            let old = before.entry(stage.plan.stage.name, settings.profile);
            let known = [
                old.is_some_and(|old| old.values == new.values),
                old.is_some_and(|old| old.figures == new.figures),
            ];
            if (0..2).any(|part| !stage.made[part] && !known[part]) {
                confirm(&RunContext::new(store, settings)?, stage)?;
            }
            let claims = stage.claims(store, settings)?.iter();
            new.claims = claims.cloned().map(Claim::without_values).collect();
            changed.push((&stage.plan, new));
            written.push(stage);
        }
    }
    let names = changed.iter().map(|(plan, _)| plan.stage.name.to_owned()).collect();
    let judged = || {
        let rows =
            |done: &Done| Ok((done.plan.stage.name, summary::rows(done.claims(store, settings)?).collect()));
        done.iter().map(rows).collect()
    };
    settle(figures, settings.profile, &before, changed, judged, || {
        written.iter().try_for_each(|stage| write(figures, store, settings.profile, stage))
    })?;
    Ok(names)
}

/// Replaces the entries of stages in the lock, with `write` for their files and with the tables over all stages, for which `judged`
/// has the rows of the stages that it names; those of others stay as they were published.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn settle(
    figures: &Figures,
    profile: Profile,
    before: &LockFile,
    changed: Vec<(&StagePlan, LockEntry)>,
    judged: impl FnOnce() -> Result<Vec<(&'static str, Vec<summary::Row>)>>,
    write: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let mut after = before.clone();
    let judges = profile == Profile::Paper && !changed.is_empty();
    for (plan, new) in changed {
        lockfile::note_sources(&mut after, plan)?;
        after.stages.entry(plan.stage.name.to_owned()).or_default().insert(profile.word().to_owned(), new);
    }
    let mut summaries = Vec::new();
    if judges {
        summaries = [claim_values(figures, &after, judged()?)?, summary::experiments(&after)?].into();
        for table in &summaries {
            after.summaries.insert(table.name().to_owned(), table.values_digest()?);
        }
    }
    replace(figures, before, after, || {
        write()?;
        summaries.iter().try_for_each(|table| {
            figures.update(&lockfile::summary_file(table.name()), &table.to_parquet_bytes(&[])?).map(|_| ())
        })
    })?;
    note_verdicts(figures)
}

/// The values of all claims: of those just judged, and of the claims of other stages as they were published.
fn claim_values(
    figures: &Figures,
    lock: &LockFile,
    judged: Vec<(&'static str, Vec<summary::Row>)>,
) -> Result<Table> {
    let is_judged = |stage: &str| judged.iter().any(|(name, _)| *name == stage);
    let others =
        lock.stages.iter().filter(|(stage, _)| !is_judged(stage)).flat_map(|(_, profiles)| profiles.values());
    let ids: BTreeSet<&str> = others.flat_map(|entry| &entry.claims).map(|claim| claim.id.as_str()).collect();
    let file = lockfile::summary_file(summary::CLAIMS);
    let mut published = Vec::new();
    if let Some(bytes) = figures.read(&file)?.filter(|_| !ids.is_empty()) {
        published = summary::read(&Table::from_parquet_bytes(summary::CLAIMS, &bytes)?)?;
        published.retain(|row| ids.contains(row.0.as_str()));
    }
    summary::claims(judged.into_iter().flat_map(|(_, rows)| rows).chain(published).collect())
}

/// Notes in the current edition, once it is frozen, what became of its claims.
fn note_verdicts(figures: &Figures) -> Result<()> {
    let before = figures.editions()?;
    let mut after = before.clone();
    let lock = figures.lock()?;
    let entries = lock.stages.values().filter_map(|profiles| profiles.get(Profile::Paper.word()));
    after.record(entries.flat_map(|entry| &entry.claims));
    if after != before {
        figures.update(editions::FILE, after.text()?.as_bytes())?;
    }
    Ok(())
}

/// Puts `after` in the place of `before`, with `write` for the files whose content changes. What follows from the lock, for LaTeX,
/// is brought up to date whatever changed.
fn replace(
    figures: &Figures,
    before: &LockFile,
    mut after: LockFile,
    write: impl FnOnce() -> Result<()>,
) -> Result<()> {
    lockfile::drop_sources(&mut after);
    lockfile::declare(&mut after)?;
    let (old, new) = (lockfile::files(before), lockfile::files(&after));
    let mut touched = before.unsettled.clone();
    let lacking = |all: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        all.iter()
            .filter(|(file, _)| !other.contains_key(*file))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect::<Vec<_>>()
    };
    touched.extend(lacking(&old, &new).into_iter().chain(lacking(&new, &old)));
    if touched != before.unsettled {
        write_lock(figures, &LockFile { unsettled: touched.clone(), ..before.clone() })?;
    }
    write()?;
    for (file, bytes) in latex::files(&after, |caption| figures.read(caption).ok().flatten()) {
        figures.update(file, &bytes)?;
        after.summaries.insert(file.to_owned(), sha256(&bytes));
    }
    after.unsettled = lacking(&touched, &new).into_iter().collect();
    write_lock(figures, &after)?;
    if !after.unsettled.is_empty() {
        after.unsettled.iter().try_for_each(|(file, digest)| figures.delete(file, digest))?;
        after.unsettled.clear();
        write_lock(figures, &after)?;
    }
    Ok(())
}

fn write(figures: &Figures, store: &Store, profile: Profile, done: &Done) -> Result<()> {
    if profile == Profile::Paper {
        for entry in &done.figures.blobs {
            figures.update(&entry.name, &blob(store, &done.figures, &entry.name)?)?;
        }
    }
    for table in &done.tables.tables {
        let values = table_of(store, done, &table.table)?;
        let file = lockfile::table_file(done.plan.stage.name, profile.word(), &table.table);
        figures.update(&file, &values.to_parquet_bytes(&[])?)?;
    }
    Ok(())
}

/// Whether the lock and the committed files of a stage are those of `new`, or come from the same recipe with values within
/// tolerance, as on another processor; if so they are left untouched.
fn agrees(
    figures: &Figures,
    lock: &LockFile,
    settings: &Settings,
    new: &LockEntry,
    store: &Store,
    done: &Done,
) -> Result<bool> {
    let (name, profile) = (done.plan.stage.name, settings.profile);
    let Some(old) = lock.entry(name, profile) else {
        return Ok(false);
    };
    // Results with the same values are judged and drawn alike; what else an entry says must be the same anyway.
    let alike = LockEntry {
        values: new.values.clone(),
        figures: new.figures.clone(),
        claims: new.claims.clone(),
        ..old.clone()
    };
    let names = |entry: &LockEntry| entry.values.keys().cloned().collect::<Vec<_>>();
    // A file with the values of this run's own table needs no look at its rows, and one with its bytes none inside; any
    // other does.
    let there = |(table, digest): (&String, &String)| {
        if new.values.get(table) == Some(digest) {
            let file = lockfile::table_file(name, profile.word(), table);
            let own = done.tables.table(table).and_then(|entry| entry.committed_sha256.as_ref());
            own.is_some_and(|own| figures.has_bytes(&file, own)) || figures.is(&file, digest)
        } else {
            figures.table(name, profile, table, digest).is_ok()
        }
    };
    if alike != *new || names(old) != names(new) || !old.values.iter().all(there) {
        return Ok(false);
    }
    for (table, digest) in old.values.iter().filter(|&(table, digest)| new.values.get(table) != Some(digest))
    {
        let found = columns(&figures.table(name, profile, table, digest)?, &table_of(store, done, table)?)?;
        if found.iter().any(|column| column.verdict.is_bad()) {
            return Ok(false);
        }
    }
    if old.values == new.values {
        // Claims of the same values by the same code are the same; those of the paper profile, which are shown, are compared.
        if profile != Profile::Paper {
            return Ok(old.figures == new.figures);
        }
        let drawn = old.figures == new.figures && figures.holds(old);
        if drawn && done.are_judged(&old.claims)? {
            return Ok(true);
        }
        let mut rows = Rows::new(name, profile, "committed");
        compare_all_claims(&mut rows, &old.claims, done.claims(store, settings)?, SAME_TABLES);
        return Ok(drawn && !rows.list.iter().any(|row| row.verdict.is_bad()));
    }
    // Files for LaTeX say nothing of a stage, and are written anyway.
    let found = committed(figures, lock, done.plan.stage, profile)?;
    Ok(!found.iter().any(|row| row.verdict.is_bad() && row.what != "text"))
}

fn write_lock(figures: &Figures, lock: &LockFile) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(lock).map_err(|error| Error::defect(LOCK, error))?;
    bytes.push(b'\n');
    figures.update(LOCK, &bytes).map(|_| ())
}

fn lost(manifest: &Manifest) -> Error {
    Error::Lost { what: format!("{} of {}", manifest.kind, manifest.name) }
}

fn blob(store: &Store, manifest: &Manifest, name: &str) -> Result<Vec<u8>> {
    store.blob(manifest, name)?.ok_or_else(|| lost(manifest))
}

fn table_of(store: &Store, done: &Done, name: &str) -> Result<Table> {
    store.table(&done.tables, name)?.ok_or_else(|| lost(&done.tables))
}

/// The entry of a stage but for its claims.
fn entry(settings: &Settings, done: &Done) -> Result<LockEntry> {
    let tables = done.tables.tables.iter();
    Ok(LockEntry {
        values: tables.map(|entry| (entry.table.clone(), entry.values_sha256.clone())).collect(),
        figures: done.figures.blobs.iter().map(|entry| (entry.name.clone(), entry.sha256.clone())).collect(),
        ..LockEntry::of(&done.plan, settings)?
    })
}

/// Writes a file atomically unless it already holds these bytes.
///
/// # Errors
/// A file that cannot be written.
pub fn update(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Folder::make_root(folder)?.update(&name, bytes).map(|_| ())
}
