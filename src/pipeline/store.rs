//! The store of computed units: nothing in it is believed before its digest has been checked.
//!
//! A unit is a folder `units/<kind>/<first two digits>/<key>/` with one Parquet file per table, any
//! other files, and `manifest.json`. Beside `units` there are
//! - `format`: version of the layout;
//! - `lock`: held by a run for as long as it takes; `guard`: held for an instant, while a unit is
//!   moved into or out of its place;
//! - `temporary`: units in preparation;
//! - `damaged`: what failed its check, set aside for whoever wants to look at it;
//! - `nondeterministic`: a second, different value under a key that already has one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::pipeline::key::{Ingredients, Key, sha256};
use crate::pipeline::table::Table;

mod disk;
mod doctor;
mod manifest;

pub use crate::pipeline::store::disk::Lock;
pub use crate::pipeline::store::doctor::Problem;
pub use crate::pipeline::store::manifest::{BlobEntry, Manifest, TableEntry};

use crate::pipeline::store::disk::{Area, Draft, Mode};
use crate::pipeline::store::manifest::is_plain;

/// Version of the layout that this program reads and writes.
pub const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";

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
    notes: Mutex<Vec<String>>,
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
        fs::create_dir_all(&root).map_err(Error::io("create", &root))?;
        let store = Self { root, area: Mutex::new(None), notes: Mutex::new(Vec::new()) };
        let guard = store.guard()?;
        held(&store.notes).extend(disk::check_format(&store.root)?);
        let units = store.root.join("units");
        fs::create_dir_all(&units).map_err(Error::io("create", &units))?;
        disk::sweep(&store.temporary())?;
        drop(guard);
        Ok(store)
    }

    /// The store's folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Waits for the right to change the store; `on_wait` is called if another run has it.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn lock_exclusive(&self, on_wait: impl FnOnce()) -> Result<Lock> {
        Lock::take(&self.root.join("lock"), Mode::Exclusive, on_wait)
    }

    /// Waits until no run changes the store; `on_wait` is called if one does.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn lock_shared(&self, on_wait: impl FnOnce()) -> Result<Lock> {
        Lock::take(&self.root.join("lock"), Mode::Shared, on_wait)
    }

    /// What was found damaged and set aside since the last call, in words.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut held(&self.notes))
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

    /// Stores a unit, complete or not at all. A unit with the same values that is already there is
    /// kept. `provenance` goes into the manifest and into every Parquet file.
    ///
    /// # Errors
    /// A name that cannot be a file name, a file that cannot be written (then nothing is left of it),
    /// or a sound unit with different values under the same key: both are kept, and the error names them.
    pub fn publish(
        &self,
        kind: &str,
        name: &str,
        ingredients: &Ingredients,
        tables: &[Table],
        blobs: &[Blob],
        provenance: &[(String, String)],
    ) -> Result<Manifest> {
        check_name("kind", kind)?;
        if ingredients.kind() != kind {
            return Err(Error::parameter(
                "kind",
                kind,
                format!("the ingredients are for {}", ingredients.kind()),
            ));
        }
        let draft = self.draft()?;
        let mut manifest = Manifest {
            format: FORMAT,
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: ingredients.digest(),
            ingredients: ingredients.clone(),
            tables: Vec::new(),
            blobs: Vec::new(),
            provenance: provenance.to_vec(),
            digest: String::new(),
        };
        write_unit(&draft.folder, &mut manifest, tables, blobs)?;
        let shard = shard(&manifest.key);
        disk::create_folders(&self.root, &Path::new("units").join(kind).join(shard))?;
        let guard = self.guard()?;
        if let Some(problem) = self.flaw(kind, &manifest.key)? {
            self.set_aside(&guard, kind, &manifest.key, &problem)?;
        }
        let place = self.place(kind, &manifest.key);
        match self.unit(kind, &manifest.key)? {
            Unit::Present(kept) if kept.same_values(&manifest) => Ok(kept),
            Unit::Present(_) => Err(self.keep_both(&guard, &draft, &manifest)?),
            Unit::Absent | Unit::Damaged(_) => {
                fs::rename(&draft.folder, &place).map_err(Error::io("publish", &place))?;
                place.parent().map_or(Ok(()), disk::sync_folder)?;
                Ok(manifest)
            }
        }
    }

    /// Keeps a second value under a key that has one, and gives the error that names both.
    fn keep_both(&self, _guard: &Lock, draft: &Draft, manifest: &Manifest) -> Result<Error> {
        let into = self.root.join("nondeterministic");
        let label = label(&manifest.kind, &manifest.key);
        let known = disk::list(&into)?.into_iter().map(|name| into.join(name)).find(|folder| {
            let bytes = fs::read(folder.join(MANIFEST)).unwrap_or_default();
            Manifest::parse(&bytes, &manifest.kind, &manifest.key)
                .is_ok_and(|other| other.same_values(manifest))
        });
        let other = match known {
            Some(folder) => folder,
            None => disk::move_aside(&draft.folder, &into, &label)?.unwrap_or(into),
        };
        let place = self.folder(manifest);
        let problem = format!(
            "{} {} is not deterministic: computed again it gave other values, kept in {}",
            manifest.kind,
            manifest.name,
            other.display()
        );
        Ok(Error::damaged(place, problem))
    }

    fn draft(&self) -> Result<Draft> {
        let mut area = held(&self.area);
        if area.is_none() {
            let _guard = self.guard()?;
            *area = Some(Area::create(&self.temporary())?);
        }
        area.as_mut().map_or_else(|| Err(Error::damaged(self.temporary(), "is not there")), Area::draft)
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
        let aside = disk::move_aside(&place, &self.root.join("damaged"), &label(kind, key))?;
        if let Some(aside) = &aside {
            let note = format!("{}: {problem}; set aside as {}", place.display(), aside.display());
            held(&self.notes).push(note);
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
            let replaced =
                matches!(self.unit(&manifest.kind, &manifest.key)?, Unit::Present(now) if now != *manifest);
            if !replaced {
                self.set_aside(&guard, &manifest.kind, &manifest.key, &format!("{file} {problem}"))?;
            }
        }
        Ok(bytes)
    }
}

/// Writes all files of a unit into `folder`, fills in `manifest`, and waits for the disk.
fn write_unit(folder: &Path, manifest: &mut Manifest, tables: &[Table], blobs: &[Blob]) -> Result<()> {
    for table in tables {
        let file = format!("{}.parquet", table.name());
        new_name(manifest, &file)?;
        let about = [
            ("kind", manifest.kind.as_str()),
            ("unit", manifest.name.as_str()),
            ("key", manifest.key.as_str()),
            ("table", table.name()),
        ];
        let mut metadata: Vec<(String, String)> =
            about.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        metadata.extend_from_slice(&manifest.provenance);
        let bytes = table.to_parquet_bytes(&metadata)?;
        disk::write_durably(&folder.join(&file), &bytes)?;
        manifest.tables.push(TableEntry {
            table: table.name().to_owned(),
            file,
            rows: table.rows() as u64,
            sha256: sha256(&bytes),
            values_sha256: table.values_digest()?,
        });
    }
    for blob in blobs {
        new_name(manifest, &blob.name)?;
        disk::write_durably(&folder.join(&blob.name), &blob.bytes)?;
        let entry =
            BlobEntry { name: blob.name.clone(), file: blob.name.clone(), sha256: sha256(&blob.bytes) };
        manifest.blobs.push(entry);
    }
    let path = folder.join(MANIFEST);
    let bytes = manifest.seal().map_err(|error| Error::damaged(&path, error))?;
    disk::write_durably(&path, &bytes)?;
    disk::sync_folder(folder)
}

fn new_name(manifest: &Manifest, file: &str) -> Result<()> {
    check_name("file", file)?;
    if file == MANIFEST || manifest.files().any(|(known, _)| known == file) {
        return Err(Error::parameter("file", file, "a unit cannot have two files of the same name"));
    }
    Ok(())
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
