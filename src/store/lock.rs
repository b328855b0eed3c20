//! Locks of the operating system: a killed process leaves none behind, and who waits for one says so.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

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
pub enum Mode {
    /// With others who do the same.
    Shared,
    /// Alone.
    Exclusive,
}

/// What to do with a sentence that says for what, for whom and how long somebody has been waiting.
pub type Announce = dyn Fn(&str) + Send + Sync;

impl Lock {
    /// Takes the lock `name` in a folder. Waits while another holds it, and says so once that has taken `patience`.
    pub(crate) fn take(
        folder: &Folder,
        name: &str,
        mode: Mode,
        patience: Duration,
        announce: &Announce,
    ) -> Result<Self> {
        let file = folder.lock_file(name)?;
        wait(&file, &folder.join(name), mode, patience, announce)?;
        Ok(Self { _file: file })
    }

    /// Takes the lock, unless another holds it.
    pub(crate) fn attempt(folder: &Folder, name: &str) -> Result<Option<Self>> {
        let file = folder.lock_file(name)?;
        let taken = try_lock(&file, Mode::Exclusive).map_err(Error::io("lock", folder.join(name)))?;
        Ok(taken.then_some(Self { _file: file }))
    }
}

/// Locks a file or folder; `announce` is told after `patience`, and again at ever longer intervals, who has it and for how
/// long it has been waited for.
///
/// # Errors
/// A lock that cannot be taken.
pub fn wait(file: &File, path: &Path, mode: Mode, patience: Duration, announce: &Announce) -> Result<()> {
    let (started, mut next, mut pause) = (Instant::now(), patience, Duration::from_millis(1));
    while !try_lock(file, mode).map_err(Error::io("lock", path))? {
        let waited = started.elapsed();
        if waited >= next {
            let seconds = waited.as_secs();
            announce(&format!(
                "waiting for {} to be done with {} ({seconds} s so far)",
                holders(file),
                path.display()
            ));
            next = (2 * waited).max(Duration::from_secs(10));
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(50));
    }
    Ok(())
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

/// Who holds a lock on a file, as far as the system tells: it does not of processes on other machines.
fn holders(file: &File) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let inode = file.metadata().map_or(0, |found| found.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut processes: Vec<String> = locks
        .lines()
        .filter_map(|line| {
            // `1: FLOCK ADVISORY WRITE <process> <device>:<inode> 0 EOF`; who waits has `->` after the number.
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, "FLOCK", _, _, process, place, ..] = words.as_slice() else { return None };
            let same = place.rsplit(':').next()?.parse::<u64>().ok()? == inode;
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            same.then(|| format!("process {process} ({})", name.trim()))
        })
        .collect();
    processes.sort();
    processes.dedup();
    match (processes.as_slice(), host.trim()) {
        ([], "") => "another process".to_owned(),
        ([], host) => format!("another process, not on {host}"),
        (some, "") => some.join(", "),
        (some, host) => format!("{} on {host}", some.join(", ")),
    }
}
