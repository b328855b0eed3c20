//! Files and folders below the store.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};
use crate::store::fail;
use crate::store::lock::{Lock, Mode};

/// Most threads that wait for the disk at once: flushes that come together cost little more than one.
const FLUSHES: usize = 8;

/// Writes a file, which is not on the disk before it is flushed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let written = file.write_all(first).and_then(|()| fail::point("write"));
    written.and_then(|()| file.write_all(second)).map_err(Error::io("write", path))
}

/// Puts a new content in the place of a file's, all or nothing.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    write(&beside, bytes)?;
    flush(&beside)?;
    fs::rename(&beside, path).map_err(Error::io("write", path))?;
    path.parent().map_or(Ok(()), flush)
}

/// Waits until a file, or the names in a folder, are on the disk.
pub(crate) fn flush(path: &Path) -> Result<()> {
    let flushed = fail::point("flush").and_then(|()| File::open(path)).and_then(|file| file.sync_all());
    flushed.map_err(Error::io("flush", path))
}

/// The same for many at once, on several threads: the file system then commits them together.
pub(crate) fn flush_all(paths: &[PathBuf]) -> Result<()> {
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    let worker = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = flush(path)
                && let Ok(mut failure) = failure.lock()
            {
                failure.get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..paths.len().min(FLUSHES) {
            scope.spawn(worker);
        }
        worker();
    });
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Creates a folder; says whether it was not there.
pub(crate) fn create(folder: &Path) -> Result<bool> {
    match fs::create_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("create", folder)(error)),
    }
}

/// Bytes of a file, or of all files below a folder.
pub(crate) fn size(path: &Path) -> Result<u64> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    if !found.is_dir() {
        return Ok(found.len());
    }
    list(path)?.into_iter().map(|name| size(&path.join(name))).sum()
}

/// Removes a file, or a folder with everything in it.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    match if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Moves a folder or file to the first free name `<label>-<n>` in `into`. Nothing, if it is gone.
pub(crate) fn move_aside(from: &Path, into: &Path, label: &str) -> Result<Option<PathBuf>> {
    fs::create_dir_all(into).map_err(Error::io("create", into))?;
    let mut number = 0_u64;
    loop {
        let to = into.join(format!("{label}-{number}"));
        number += 1;
        if fs::symlink_metadata(&to).is_ok() {
            continue;
        }
        return match fail::point("aside").and_then(|()| fs::rename(from, &to)) {
            Ok(()) => {
                flush(into)?;
                Ok(Some(to))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("move", from)(error)),
        };
    }
}

/// Reads a file; nothing if there is none where one should be.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::IsADirectory]
                .contains(&error.kind()) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Names in a folder, sorted; none if there is no such folder.
pub(crate) fn list(path: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(Error::io("read", path))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The folder in which one open store prepares units. Its lock tells that its owner is alive.
#[derive(Debug)]
pub(crate) struct Area {
    folder: PathBuf,
    count: u64,
    lock: Option<Lock>,
    stays: bool,
}

impl Area {
    /// Makes an area in `temporary`. The caller holds the store's guard.
    pub(crate) fn create(temporary: &Path) -> Result<Self> {
        fs::create_dir_all(temporary).map_err(Error::io("create", temporary))?;
        let folder = tempfile::Builder::new()
            .prefix(AREA)
            .tempdir_in(temporary)
            .map_err(Error::io("create", temporary))?
            .keep();
        let mut area = Self { folder, count: 0, lock: None, stays: false };
        area.lock = Some(Lock::take(&area.folder.join("lock"), Mode::Exclusive, || {})?);
        Ok(area)
    }

    /// Leaves the folder when it is done, as a killed run does: whoever opens the store next looks whether the journal lacks
    /// an entry.
    pub(crate) fn stay(&mut self) {
        self.stays = true;
    }

    /// A new empty folder.
    pub(crate) fn draft(&mut self) -> Result<Draft> {
        self.count += 1;
        let folder = self.folder.join(self.count.to_string());
        fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
        Ok(Draft { folder })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // If this fails, the next `sweep` does it.
        if !self.stays {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A unit in preparation: removed when dropped, unless it was moved into place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) folder: PathBuf,
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Beginning of the names of areas.
pub(crate) const AREA: &str = "run-";

/// What killed runs left in `temporary`. The caller holds the store's guard.
pub(crate) fn dead(temporary: &Path) -> Result<Vec<PathBuf>> {
    let mut dead = Vec::new();
    for name in list(temporary)?.into_iter().filter(|name| name.starts_with(AREA)) {
        let folder = temporary.join(name);
        if Lock::is_free(&folder.join("lock"))? {
            dead.push(folder);
        }
    }
    Ok(dead)
}
