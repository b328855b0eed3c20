//! The store of computed units: nothing in it is believed before its digest has been checked.
//!
//! A unit is a folder `units/<kind>/<first two digits>/<key>/` with one Parquet file per table, any
//! other files, and `manifest.json`. Beside `units` there are
//! - `format`: version of the layout;
//! - `journal`: when, and by which run, units came and went;
//! - `lock`: shared by runs for as long as they take, and held alone to drop units; `guard`: held for an
//!   instant, while a unit is moved into or out of its place; `claims`: one lock per piece of work, so
//!   that runs at the same time share it;
//! - `temporary`: units in preparation;
//! - `damaged`: what failed its check, set aside for whoever wants to look at it;
//! - `nondeterministic`: a second, different value under a key that already has one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::{Key, sha256};
use crate::error::{Error, Result};
use crate::table::Table;

mod disk;
mod doctor;
mod drop;
pub mod elapsed;
pub(crate) mod fail;
mod format;
mod history;
mod journal;
mod lock;
mod manifest;
mod publish;

pub use crate::store::doctor::{Health, Problem};
pub use crate::store::drop::Dropped;
pub use crate::store::journal::{Entry, Event};
pub use crate::store::lock::Lock;
pub use crate::store::manifest::{BlobEntry, Manifest, TableEntry};
pub use crate::store::publish::Prepared;

use crate::store::disk::Area;
use crate::store::lock::Mode;
pub(crate) use crate::store::manifest::is_plain;

/// Version of the layout that this program reads and writes.
pub const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";

/// Folders of a store.
const FOLDERS: [&str; 5] = ["damaged", "units", "claims", "temporary", "nondeterministic"];

/// A file of a unit that is no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its name, which is also the name of its file.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A folder with computed units.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    area: Mutex<Option<Area>>,
    notes: Mutex<Vec<Problem>>,
    run: String,
}

/// What is at the place of a unit.
pub(crate) enum Unit {
    Absent,
    Damaged(String),
    Present(Manifest),
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the store in the folder `root`, which is made if need be, and clears away what killed
    /// runs left.
    ///
    /// # Errors
    /// A place that is no folder or cannot be written, or a store of another format.
    pub fn open(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).map_err(Error::io("find", root))?;
        if fs::metadata(&root).is_ok_and(|found| !found.is_dir()) {
            let source = io::Error::other("is a file; the data folder must be a folder (--data)");
            return Err(Error::io("open", root)(source));
        }
        let run = format!("{}-{}", journal::written(journal::now()), std::process::id());
        let store = Self { root, area: Mutex::new(None), notes: Mutex::new(Vec::new()), run };
        store.prepare_root().map_err(|error| store.unusable(error))?;
        Ok(store)
    }

    fn prepare_root(&self) -> Result<()> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        self.check_ownership()?;
        // What is in the way is moved to `damaged`, so that comes first.
        self.make_folder("damaged")?;
        for name in ["guard", "lock"] {
            let path = self.root.join(name);
            if path.is_dir() {
                self.clear(&path, "is a folder in the place of a lock")?;
            }
        }
        let guard = self.guard()?;
        held(&self.notes).extend(format::check_format(&self.root)?);
        FOLDERS.into_iter().try_for_each(|name| self.make_folder(name))?;
        let units = self.root.join("units");
        for kind in disk::list(&units)?.into_iter().map(|kind| units.join(kind)).filter(|kind| !kind.is_dir())
        {
            self.clear(&kind, "is no folder")?;
        }
        let claims = self.root.join("claims");
        for claim in disk::list(&claims)?.into_iter().map(|claim| claims.join(claim)) {
            if claim.is_dir() {
                self.clear(&claim, "is a folder in the place of a lock")?;
            }
        }
        let killed = disk::dead(&self.temporary())?;
        self.check_journal(&guard, !killed.is_empty())?;
        // Only now: a kill before leaves the sign that the journal may lack an entry.
        killed.iter().try_for_each(|folder| disk::remove(folder))
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        let folder = self.root.join(name);
        let mut made = disk::create(&folder)?;
        if !made && !folder.is_dir() {
            self.clear(&folder, "is no folder")?;
            made = disk::create(&folder)?;
        }
        if made { disk::flush(&self.root) } else { Ok(()) }
    }

    /// Refuses a folder that holds something else: clearing up in it could cost somebody their files.
    fn check_ownership(&self) -> Result<()> {
        if ["format", "journal"].iter().any(|name| self.root.join(name).exists()) {
            return Ok(());
        }
        for name in FOLDERS {
            let folder = self.root.join(name);
            if !disk::list(&folder)?.is_empty() {
                let problem = format!(
                    "is no store, but has a folder `{name}` of its own; name another folder with --data"
                );
                return Err(Error::damaged(&self.root, problem));
            }
        }
        Ok(())
    }

    /// Moves away what is in the place of something else.
    fn clear(&self, path: &Path, problem: &str) -> Result<()> {
        let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let into = if label == "damaged" { self.root.clone() } else { self.root.join("damaged") };
        let aside = disk::move_aside(path, &into, &label)?;
        self.note(path, problem, aside);
        Ok(())
    }

    /// Kinds and keys of everything that has a place, sound or not.
    pub(crate) fn places(&self) -> Result<Vec<journal::Place>> {
        let units = self.root.join("units");
        let mut places = Vec::new();
        for kind in disk::list(&units)? {
            for shard in disk::list(&units.join(&kind))? {
                let names = disk::list(&units.join(&kind).join(&shard))?;
                let keys =
                    names.iter().filter(|name| name.starts_with(&shard)).flat_map(|name| Key::parse(name));
                places.extend(keys.map(|key| (kind.clone(), key)));
            }
        }
        Ok(places)
    }

    fn unusable(&self, error: Error) -> Error {
        let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        match error {
            Error::Io { action, path, source } if refused.contains(&source.kind()) => {
                let problem = format!(
                    "this folder must be readable and writable, but: {action} {}: {source}; give the right to it, or \
                     another folder with --data",
                    path.display()
                );
                Error::damaged(&self.root, problem)
            }
            other => other,
        }
    }

    /// The store's folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until no run uses the store, and keeps all away; `on_wait` is called if one does.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn lock_exclusive(&self, on_wait: impl FnOnce()) -> Result<Lock> {
        Lock::take(&self.root.join("lock"), Mode::Exclusive, on_wait)
    }

    /// Waits until nobody has the store alone, and sees to it that nobody takes it; `on_wait` is called if one has. Every
    /// run holds this lock.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn lock_shared(&self, on_wait: impl FnOnce()) -> Result<Lock> {
        Lock::take(&self.root.join("lock"), Mode::Shared, on_wait)
    }

    /// Claims a piece of work, unless another run or thread works on it. A claim ends with the process at the latest.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn try_claim(&self, work: &str) -> Result<Option<Lock>> {
        Lock::attempt(&self.claim_file(work))
    }

    /// Waits for a piece of work.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn claim(&self, work: &str) -> Result<Lock> {
        Lock::take(&self.claim_file(work), Mode::Exclusive, || {})
    }

    /// Files are shared by pieces of work of one kind, the word in front; who holds one kind may wait for another, but not
    /// for its own.
    fn claim_file(&self, work: &str) -> PathBuf {
        let kind = work.split(' ').next().unwrap_or_default();
        let digest = sha256(work.as_bytes());
        self.root.join("claims").join(format!("{kind}-{}", digest.get(..2).unwrap_or_default()))
    }

    /// What was found damaged and set aside since the last call, in words.
    pub fn take_notes(&self) -> Vec<String> {
        self.take_problems().iter().map(Problem::to_string).collect()
    }

    /// The same.
    pub fn take_problems(&self) -> Vec<Problem> {
        std::mem::take(&mut held(&self.notes))
    }

    pub(crate) fn note(&self, path: &Path, problem: &str, set_aside: Option<PathBuf>) {
        let problem = problem.to_owned();
        held(&self.notes).push(Problem { path: path.to_owned(), problem, set_aside, healed: true });
    }

    /// Says that something which was there a moment ago is gone, as when another run found it damaged: a second look is
    /// worth while.
    pub fn note_gone(&self, what: &str) {
        self.note(Path::new(what), "was there a moment ago; another run may have set it aside", None);
    }

    /// Folder of a unit, absolute.
    #[must_use]
    pub fn folder(&self, manifest: &Manifest) -> PathBuf {
        self.place(&manifest.kind, &manifest.key)
    }

    /// The unit of `kind` under `key`, if there is one. Only its manifest is read; a damaged unit is
    /// set aside and counts as absent.
    ///
    /// # Errors
    /// A manifest that cannot be read, or a damaged unit that cannot be moved.
    pub fn find(&self, kind: &str, key: &Key) -> Result<Option<Manifest>> {
        check_name("kind", kind)?;
        match self.unit(kind, key)? {
            Unit::Absent => return Ok(None),
            Unit::Present(manifest) => return Ok(Some(manifest)),
            Unit::Damaged(_) => {}
        }
        let guard = self.guard()?;
        // Another process may have healed it meanwhile.
        match self.unit(kind, key)? {
            Unit::Absent => Ok(None),
            Unit::Present(manifest) => Ok(Some(manifest)),
            Unit::Damaged(problem) => self.set_aside(&guard, kind, key, &problem).map(|_| None),
        }
    }

    /// All units of `kind`, by name and key.
    ///
    /// # Errors
    /// A folder or manifest that cannot be read.
    pub fn units(&self, kind: &str) -> Result<Vec<Manifest>> {
        check_name("kind", kind)?;
        let folder = self.root.join("units").join(kind);
        let mut found = Vec::new();
        for shard in disk::list(&folder)? {
            for name in disk::list(&folder.join(&shard))? {
                if let Ok(key) = Key::parse(&name)
                    && name.starts_with(&shard)
                {
                    found.extend(self.find(kind, &key)?);
                }
            }
        }
        found.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        Ok(found)
    }

    /// A table of a unit, checked before it is read; nothing if it is damaged: then the unit has been
    /// set aside and must be computed again.
    ///
    /// # Errors
    /// A table that the unit does not have, or a file that cannot be read.
    pub fn table(&self, manifest: &Manifest, name: &str) -> Result<Option<Table>> {
        let Some(entry) = manifest.table(name) else {
            let known: Vec<&str> = manifest.tables.iter().map(|entry| entry.table.as_str()).collect();
            return Err(Error::unknown("table", name, &known));
        };
        let Some(bytes) = self.checked(manifest, &entry.file, &entry.sha256)? else { return Ok(None) };
        let path = self.folder(manifest).join(&entry.file);
        Table::from_parquet_bytes(name, &bytes).map(Some).map_err(|error| Error::damaged(path, error))
    }

    /// Whether every file of a unit is what was published; if not, the unit has been set aside.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn is_whole(&self, manifest: &Manifest) -> Result<bool> {
        for (file, digest) in manifest.files() {
            if self.checked(manifest, file, digest)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A blob of a unit, likewise.
    ///
    /// # Errors
    /// A blob that the unit does not have, or a file that cannot be read.
    pub fn blob(&self, manifest: &Manifest, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(entry) = manifest.blob(name) else {
            let known: Vec<&str> = manifest.blobs.iter().map(|entry| entry.name.as_str()).collect();
            return Err(Error::unknown("file", name, &known));
        };
        self.checked(manifest, &entry.file, &entry.sha256)
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    /// Holds off all other processes and threads while something is moved.
    pub(crate) fn guard(&self) -> Result<Lock> {
        Lock::take(&self.root.join("guard"), Mode::Exclusive, || {})
    }

    pub(crate) fn place(&self, kind: &str, key: &Key) -> PathBuf {
        self.root.join("units").join(kind).join(shard(key)).join(key.as_str())
    }

    /// What is at a unit's place, as far as its manifest tells.
    pub(crate) fn unit(&self, kind: &str, key: &Key) -> Result<Unit> {
        let place = self.place(kind, key);
        Ok(match disk::read(&place.join(MANIFEST))? {
            Some(bytes) => Manifest::parse(&bytes, kind, key).map_or_else(Unit::Damaged, Unit::Present),
            None if fs::symlink_metadata(&place).is_ok() => Unit::Damaged(format!("{MANIFEST} is missing")),
            None => Unit::Absent,
        })
    }

    pub(crate) fn set_aside(
        &self,
        _guard: &Lock,
        kind: &str,
        key: &Key,
        problem: &str,
    ) -> Result<Option<PathBuf>> {
        let place = self.place(kind, key);
        journal::append(&self.journal(), &[self.entry(Event::SetAside, kind, "", key, "")])?;
        let aside = disk::move_aside(&place, &self.root.join("damaged"), &label(kind, key))?;
        if aside.is_some() {
            self.note(&place, problem, aside.clone());
        }
        Ok(aside)
    }

    /// Bytes of a unit's file; nothing if they are not what was published, after setting it aside.
    fn checked(&self, manifest: &Manifest, file: &str, digest: &str) -> Result<Option<Vec<u8>>> {
        let path = self.folder(manifest).join(file);
        let sound = |bytes: &Vec<u8>| sha256(bytes) == *digest;
        if let Some(bytes) = disk::read(&path)?.filter(sound) {
            return Ok(Some(bytes));
        }
        let guard = self.guard()?;
        let (problem, bytes) = match disk::read(&path)? {
            Some(bytes) if sound(&bytes) => (None, Some(bytes)),
            Some(_) => (Some("does not have the digest that its manifest states"), None),
            None => (Some("is missing"), None),
        };
        // Set aside only what this manifest speaks of: the unit may have been made anew meanwhile.
        if let Some(problem) = problem {
            match self.unit(&manifest.kind, &manifest.key)? {
                Unit::Absent => self.note_gone(&path.display().to_string()),
                Unit::Present(now) if now != *manifest => self.note_gone(&path.display().to_string()),
                _ => {
                    self.set_aside(&guard, &manifest.kind, &manifest.key, &format!("{file} {problem}"))?;
                }
            }
        }
        Ok(bytes)
    }
}

fn check_name(what: &str, name: &str) -> Result<()> {
    if is_plain(name) {
        Ok(())
    } else {
        Err(Error::parameter(what, name, "must be a plain name of letters, digits, `-`, `_` and `.`"))
    }
}

fn shard(key: &Key) -> &str {
    key.as_str().get(..2).unwrap_or_default()
}

fn label(kind: &str, key: &Key) -> String {
    format!("{kind}-{}", key.as_str().get(..16).unwrap_or_default())
}
