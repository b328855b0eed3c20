//! Files, folders and locks below the store.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::pipeline::key::sha256;
use crate::pipeline::store::FORMAT;

/// A lock of the operating system, given back when dropped, also when the process is killed.
#[derive(Debug)]
#[must_use]
pub struct Lock {
    _file: File,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

impl Lock {
    /// Takes the lock on `path`, and calls `on_wait` first if another holds it.
    pub(crate) fn take(path: &Path, mode: Mode, on_wait: impl FnOnce()) -> Result<Self> {
        let file = open_lock(path)?;
        let attempt = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match attempt {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                on_wait();
                match mode {
                    Mode::Shared => file.lock_shared(),
                    Mode::Exclusive => file.lock(),
                }
                .map_err(Error::io("lock", path))?;
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
        Ok(Self { _file: file })
    }

    /// Takes the lock on `path`, unless another holds it.
    fn attempt(path: &Path) -> Option<Self> {
        let file = open_lock(path).ok()?;
        file.try_lock().ok()?;
        Some(Self { _file: file })
    }
}

fn open_lock(path: &Path) -> Result<File> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    options.map_err(Error::io("open", path))
}

/// Writes a file and waits until it is on the disk.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("flush", path))
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io("flush", path))
}

/// Creates a folder and its parents below `root`, each durably.
pub(crate) fn create_folders(root: &Path, below: &Path) -> Result<()> {
    let mut folder = root.to_path_buf();
    for part in below.components() {
        let parent = folder.clone();
        folder.push(part);
        match fs::create_dir(&folder) {
            Ok(()) => sync_folder(&parent)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", folder)(error)),
        }
    }
    Ok(())
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
        return match fs::rename(from, &to) {
            Ok(()) => {
                sync_folder(into)?;
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
}

impl Area {
    /// Makes an area in `temporary`. The caller holds the store's guard.
    pub(crate) fn create(temporary: &Path) -> Result<Self> {
        fs::create_dir_all(temporary).map_err(Error::io("create", temporary))?;
        let folder = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(temporary)
            .map_err(Error::io("create", temporary))?
            .keep();
        let mut area = Self { folder, count: 0, lock: None };
        area.lock = Some(Lock::take(&area.folder.join("lock"), Mode::Exclusive, || {})?);
        Ok(area)
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
        let _ = fs::remove_dir_all(&self.folder);
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

/// Removes what killed runs left in `temporary`. The caller holds the store's guard.
pub(crate) fn sweep(temporary: &Path) -> Result<()> {
    for name in list(temporary)? {
        let folder = temporary.join(name);
        let lock = folder.join("lock");
        let dead = fs::symlink_metadata(&lock).is_err() || Lock::attempt(&lock).is_some();
        if dead {
            let removed =
                if folder.is_dir() { fs::remove_dir_all(&folder) } else { fs::remove_file(&folder) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", folder)(error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Checks the version of the store, and writes it into a new one. Gives a note if it was damaged.
/// The caller holds the store's guard.
pub(crate) fn check_format(root: &Path) -> Result<Option<String>> {
    let path = root.join("format");
    let mut note = None;
    if let Some(bytes) = read(&path)? {
        match format_version(&bytes) {
            Some(FORMAT) => return Ok(None),
            Some(version) => {
                let age = if version > FORMAT { "newer" } else { "older" };
                let problem = format!(
                    "the store has format {version}, which is {age} than this program's {FORMAT}; \
                     use the program that wrote it, or another folder with --data"
                );
                return Err(Error::damaged(path, problem));
            }
            None => {
                let aside = move_aside(&path, &root.join("damaged"), "format")?;
                let aside = aside.unwrap_or_default();
                note = Some(format!("{} was damaged; set aside as {}", path.display(), aside.display()));
            }
        }
    }
    let beside = root.join("format.new");
    write_durably(&beside, format_line(FORMAT).as_bytes())?;
    fs::rename(&beside, &path).map_err(Error::io("write", &path))?;
    sync_folder(root)?;
    Ok(note)
}

fn format_line(version: u32) -> String {
    let text = format!("spectral-alignment store {version}");
    format!("{text} {}\n", sha256(text.as_bytes()))
}

fn format_version(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let version = text.strip_prefix("spectral-alignment store ")?.split(' ').next()?.parse().ok()?;
    (text == format_line(version)).then_some(version)
}
