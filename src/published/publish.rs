//! Publishing into the folder of figures: files that agree are left alone, and the next run repairs what a killed run leaves
//! behind.
//!
//! Files are replaced one by one, each atomically, and the lock after them: files from a killed run do not match the digests in
//! the lock and are written again. Names about to appear or disappear are first noted in the lock, as `unsettled`; those that no
//! entry has in the end are deleted. Callers must hold [`Figures::alone`].

use crate::error::{Error, Result};
use crate::pipeline::run::{CLAIMS, Done, claims};
use crate::published::figures::Figures;
use crate::published::lockfile::{LockEntry, LockFile};
use crate::published::verify::Rows;
use crate::published::verify::claims::{SAME_TABLES, compare_all_claims};
use crate::published::verify::columns::columns;
use crate::published::verify::committed;
use crate::published::editions::Editions;
use crate::published::{editions, lockfile, overrides};
use crate::stage::claim::Claim;
use crate::stage::{Profile, Settings, Stage};
use crate::store::{BlobEntry, Manifest, Store, fault};
use crate::table::Table;
use std::fs;
use std::path::{Path, PathBuf};

/// Beginning of the names of files in preparation.
const BESIDE: &str = ".new-";

/// Publishes stages: into the folder itself if they are the committed ones, otherwise into a variant below it.
/// Returns the folder written to and the names of the stages whose files changed.
///
/// # Errors
/// A file that cannot be read or written.
pub fn publish(
    figures: &Figures,
    store: &Store,
    settings: &Settings,
    done: &[Done],
) -> Result<(PathBuf, Vec<String>)> {
    let folder = figures.folder(settings);
    sweep(&folder)?;
    if Figures::commits(settings) {
        return Ok((folder, commit(figures, store, settings, done)?));
    }
    let mut changed = Vec::new();
    for stage in done {
        let mut any = false;
        for entry in drawn(&stage.figures) {
            any |= update(&folder.join(&entry.name), &blob(store, &stage.figures, &entry.name)?)?;
        }
        if any {
            changed.push(stage.plan.stage.name.to_owned());
        }
    }
    if !settings.overrides.is_empty() {
        update(&folder.join("overrides.toml"), overrides::toml(&settings.overrides).as_bytes())?;
    }
    Ok((folder, changed))
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
    let mut after = before.clone();
    let mut changed = Vec::new();
    for stage in done {
        let name = stage.plan.stage.name;
        let new = entry(store, settings, stage)?;
        if !agrees(figures, &before, settings, &new, store, stage)? {
            lockfile::note_sources(&mut after, &stage.plan)?;
            let profiles = after.stages.entry(name.to_owned()).or_default();
            profiles.insert(settings.profile.word().to_owned(), new);
            changed.push(stage);
        }
    }
    replace(figures, &before, after, || {
        changed.iter().try_for_each(|stage| write(figures, store, settings.profile, stage))
    })?;
    note_verdicts(figures)?;
    Ok(changed.iter().map(|stage| stage.plan.stage.name.to_owned()).collect())
}

/// Notes in the current edition, once it is frozen, what became of its claims.
fn note_verdicts(figures: &Figures) -> Result<()> {
    let before = Editions::read(figures.root())?;
    let mut after = before.clone();
    let lock = figures.lock()?;
    let entries = lock.stages.values().filter_map(|profiles| profiles.get(Profile::Paper.word()));
    after.record(entries.flat_map(|entry| &entry.claims));
    if after != before {
        update(&figures.root().join(editions::FILE), after.text()?.as_bytes())?;
    }
    Ok(())
}

/// Puts `after` in the place of `before`, with `write` for the files whose content changes.
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
    touched.extend(old.symmetric_difference(&new).cloned());
    if touched != before.unsettled {
        write_lock(figures, &LockFile { unsettled: touched.clone(), ..before.clone() })?;
    }
    write()?;
    after.unsettled = touched.difference(&new).cloned().collect();
    write_lock(figures, &after)?;
    if !after.unsettled.is_empty() {
        lockfile::delete(figures.root(), &after.unsettled)?;
        after.unsettled.clear();
        write_lock(figures, &after)?;
    }
    Ok(())
}

fn write(figures: &Figures, store: &Store, profile: Profile, done: &Done) -> Result<()> {
    if profile == Profile::Paper {
        for entry in drawn(&done.figures) {
            update(&figures.root().join(&entry.name), &blob(store, &done.figures, &entry.name)?)?;
        }
    }
    let folder = figures.tables(done.plan.stage.name, profile);
    for table in &done.tables.tables {
        let values = table_of(store, done, &table.table)?;
        update(&folder.join(&table.file), &values.to_parquet_bytes(&[])?)?;
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
    if alike != *new || names(old) != names(new) || !figures.has_tables(name, profile, old) {
        return Ok(false);
    }
    for table in old.values.keys().filter(|&table| old.values.get(table) != new.values.get(table)) {
        let path = figures.tables(name, profile).join(format!("{table}.parquet"));
        let found = columns(&Table::from_parquet(table, &path)?, &table_of(store, done, table)?)?;
        if found.iter().any(|column| column.verdict.is_bad()) {
            return Ok(false);
        }
    }
    if old.values == new.values {
        let mut rows = Rows::new(name, profile, "committed");
        compare_all_claims(&mut rows, &old.claims, &new.claims, SAME_TABLES);
        let drawn = old.figures == new.figures && (profile != Profile::Paper || figures.holds(old));
        return Ok(drawn && !rows.list.iter().any(|row| row.verdict.is_bad()));
    }
    Ok(!committed(figures, lock, done.plan.stage, profile)?.iter().any(|row| row.verdict.is_bad()))
}

fn write_lock(figures: &Figures, lock: &LockFile) -> Result<()> {
    let path = figures.root().join("figures.lock");
    let mut bytes = serde_json::to_vec_pretty(lock).map_err(|error| Error::defect("figures.lock", error))?;
    bytes.push(b'\n');
    update(&path, &bytes).map(|_| ())
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

/// The figures among the files of a unit.
fn drawn(figures: &Manifest) -> impl Iterator<Item = &BlobEntry> {
    figures.blobs.iter().filter(|entry| entry.name != CLAIMS)
}

fn entry(store: &Store, settings: &Settings, done: &Done) -> Result<LockEntry> {
    let tables = done.tables.tables.iter();
    Ok(LockEntry {
        recipe: done.plan.recipe(settings)?.digest().to_string(),
        ingredients: lockfile::ingredients(&done.plan, settings)?,
        seed: settings.seed,
        parameters: done.plan.parameters()?,
        values: tables.map(|entry| (entry.table.clone(), entry.values_sha256.clone())).collect(),
        figures: drawn(&done.figures).map(|entry| (entry.name.clone(), entry.sha256.clone())).collect(),
        claims: claims(store, &done.figures)?.into_iter().map(Claim::without_values).collect(),
    })
}

/// Removes unfinished files of killed runs from `folder` and from below its `values`.
fn sweep(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(BESIDE) {
            fs::remove_file(&path).map_err(Error::io("delete", &path))?;
        } else if path.is_dir() && (name == "values" || folder.ancestors().any(|one| one.ends_with("values")))
        {
            sweep(&path)?;
        }
    }
    Ok(())
}

/// Writes a file atomically unless it already holds these bytes; returns whether it was written.
///
/// # Errors
/// A file that cannot be written.
pub fn update(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let beside = tempfile::Builder::new().prefix(BESIDE).tempfile_in(folder);
    let mut file = beside.map_err(Error::io("create a file in", folder))?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    std::io::Write::write_all(&mut file, first)
        .and_then(|()| fault::point("update"))
        .and_then(|()| std::io::Write::write_all(&mut file, second))
        .and_then(|()| file.as_file().sync_all())
        .map_err(Error::io("write", path))?;
    #[cfg(unix)]
    {
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(Error::io("write", path))?;
    }
    file.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("flush", folder))?;
    Ok(true)
}
