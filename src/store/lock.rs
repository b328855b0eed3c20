//! Locks of the operating system: a killed process leaves none behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Result};

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

    /// Whether nobody holds the lock on `path`; so if there is no such file.
    pub(crate) fn is_free(path: &Path) -> Result<bool> {
        match File::open(path).map(|file| file.try_lock()) {
            Ok(Ok(())) => Ok(true),
            Ok(Err(TryLockError::WouldBlock)) => Ok(false),
            Ok(Err(TryLockError::Error(error))) => Err(Error::io("lock", path)(error)),
            Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(true),
            Err(error) => Err(Error::io("open", path)(error)),
        }
    }

    /// Takes the lock on `path`, unless another holds it.
    pub(crate) fn attempt(path: &Path) -> Result<Option<Self>> {
        let file = open_lock(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
        }
    }
}

fn open_lock(path: &Path) -> Result<File> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    options.map_err(Error::io("open", path))
}
