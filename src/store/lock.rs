//! Locks of the operating system: a killed process leaves none behind.

use std::fs::{File, TryLockError};

use crate::error::{Error, Result};
use crate::store::folder::Folder;

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
    /// Takes the lock `name` in a folder, and calls `on_wait` first if another holds it.
    pub(crate) fn take(folder: &Folder, name: &str, mode: Mode, on_wait: impl FnOnce()) -> Result<Self> {
        let file = folder.lock_file(name)?;
        if !try_lock(&file, mode).map_err(Error::io("lock", folder.join(name)))? {
            on_wait();
            let taken = match mode {
                Mode::Shared => file.lock_shared(),
                Mode::Exclusive => file.lock(),
            };
            taken.map_err(Error::io("lock", folder.join(name)))?;
        }
        Ok(Self { _file: file })
    }

    /// Takes the lock, unless another holds it.
    pub(crate) fn attempt(folder: &Folder, name: &str) -> Result<Option<Self>> {
        let file = folder.lock_file(name)?;
        let taken = try_lock(&file, Mode::Exclusive).map_err(Error::io("lock", folder.join(name)))?;
        Ok(taken.then_some(Self { _file: file }))
    }
}

fn try_lock(file: &File, mode: Mode) -> std::io::Result<bool> {
    let attempt = match mode {
        Mode::Shared => file.try_lock_shared(),
        Mode::Exclusive => file.try_lock(),
    };
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
