//! The store itself: what it is opened for, its folders, its locks, and what was found wrong in it.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::store::folder::Folder;
use crate::store::format;
use crate::store::group::Records;
use crate::store::lock::{Announce, Lock, Mode};
use crate::store::names::is_draft;

/// How old the unfinished file of a slice is that no slice still writes: that takes seconds.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// How long a wait for another's piece of work may take before it is told of.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To answer questions: nothing is made, moved or waited for.
    Read,
    /// To compute: many at a time can, but none while somebody drops things.
    Write,
    /// To drop things: alone.
    Alone,
    /// To compute beside others whose locks do not count, as on other machines of a cluster: packs are added, and nothing is
    /// moved, merged, removed or waited for. What is damaged counts as absent.
    Slice,
}

impl Access {
    /// Whether what is damaged is mended or set aside.
    pub(crate) fn heals(self) -> bool {
        matches!(self, Self::Write | Self::Alone)
    }
}

/// Something wrong in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where it was set aside.
    pub set_aside: Option<PathBuf>,
    /// Whether it is right now, or will be once the next run has made anew what was set aside.
    pub healed: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.problem)?;
        self.set_aside.as_ref().map_or(Ok(()), |aside| write!(out, "; set aside as {}", aside.display()))
    }
}

/// A folder with computed results.
pub struct Store {
    path: PathBuf,
    pub(crate) root: Option<Folder>,
    pub(crate) access: Access,
    pub(crate) packs: Mutex<HashMap<String, Arc<Records>>>,
    problems: Mutex<Vec<Problem>>,
    announce: Box<Announce>,
    lock: Option<Lock>,
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Store")
            .field("path", &self.path)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the store in the folder `root`. Where it is opened to write, it is made if need be, and what killed runs left
    /// in preparation is removed; `announce` is told of every wait, for whom and how long.
    ///
    /// # Errors
    /// A folder that holds something else; a store of another layout; a folder that cannot be read or written.
    pub fn open(
        root: &Path,
        access: Access,
        announce: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self> {
        let path = std::path::absolute(root).map_err(Error::io("find", root))?;
        let mut store = Self {
            path,
            root: None,
            access,
            packs: Mutex::default(),
            problems: Mutex::default(),
            announce: Box::new(announce),
            lock: None,
        };
        store.prepare().map_err(|error| unusable(&store.path, error))?;
        Ok(store)
    }

    fn prepare(&mut self) -> Result<()> {
        if self.access == Access::Read {
            if let Some(root) = Folder::root(&self.path)? {
                // A new folder holds nothing to read.
                self.root = format::is_store(&root)?.then_some(root);
            }
            return Ok(());
        }
        let root = Folder::make_root(&self.path)?;
        if self.access == Access::Slice {
            format::make_without_locks(&root)?;
            root.make("packs")?;
            self.root = Some(root);
            return Ok(());
        }
        format::make(&root)?;
        for name in format::FOLDERS {
            root.make(name)?;
        }
        if let Some(_alone) = Lock::attempt(&root, "lock")? {
            let temporary = root.make("temporary")?;
            for name in temporary.list()? {
                temporary.remove(&name)?;
            }
            // Slices hold no lock that could be asked: only time tells whose files are left over.
            root.make("slices")?.remove_older(FORGOTTEN, |_| true)?;
            root.remove_older(FORGOTTEN, is_draft)?;
            // A copy made of links shares no lock with its original.
            root.detach("guard")?;
            let work = root.make("work")?;
            work.list()?.iter().try_for_each(|name| work.detach(name))?;
        }
        let mode = if self.access == Access::Alone { Mode::Exclusive } else { Mode::Shared };
        self.lock = Some(Lock::take(&root, "lock", mode, Duration::ZERO, &*self.announce)?);
        self.root = Some(root);
        Ok(())
    }

    /// What it was opened for.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// The folder for files in preparation.
    pub(crate) fn drafts(&self) -> Result<Folder> {
        self.own(if self.access == Access::Slice { "slices" } else { "temporary" })
    }

    /// The store's folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// A folder of the store; nothing where the store is opened to read and there is none.
    pub(crate) fn folder(&self, name: &str) -> Result<Option<Folder>> {
        self.root.as_ref().map_or(Ok(None), |root| root.sub(name))
    }

    /// A folder of the store that is there, since the store was opened to write.
    pub(crate) fn own(&self, name: &str) -> Result<Folder> {
        match &self.root {
            Some(root) if self.access != Access::Read => root.make(name),
            _ => Err(Error::defect(
                "store",
                format!("`{name}` is to be written in a store that was opened to read"),
            )),
        }
    }

    /// Holds off all other processes and threads while something is replaced.
    pub(crate) fn guard(&self) -> Result<Lock> {
        match &self.root {
            Some(root) => Lock::take(root, "guard", Mode::Exclusive, PATIENCE, &*self.announce),
            None => Err(Error::defect("store", "is guarded, but was opened to read")),
        }
    }

    /// Takes a piece of work, unless another run or thread has it; a killed process gives it back.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn try_work(&self, work: &str) -> Result<Option<Lock>> {
        Lock::attempt(&self.own("work")?, &work_file(work))
    }

    /// Waits for a piece of work.
    ///
    /// # Errors
    /// A lock that cannot be taken.
    pub fn wait_for_work(&self, work: &str) -> Result<Lock> {
        Lock::take(&self.own("work")?, &work_file(work), Mode::Exclusive, PATIENCE, &*self.announce)
    }

    /// What was found wrong since the last call.
    pub fn take_problems(&self) -> Vec<Problem> {
        std::mem::take(&mut held(&self.problems))
    }

    pub(crate) fn note(
        &self,
        path: impl Into<PathBuf>,
        problem: impl Into<String>,
        set_aside: Option<PathBuf>,
        healed: bool,
    ) {
        let (path, problem) = (path.into(), problem.into());
        let new = Problem { path, problem, set_aside, healed };
        let mut problems = held(&self.problems);
        if !problems.contains(&new) {
            problems.push(new);
        }
    }

    /// Moves something damaged out of the way and reports it; a store that was opened to read, or for a slice, only reports it.
    pub(crate) fn set_aside(&self, folder: &Folder, name: &str, label: &str, problem: &str) -> Result<()> {
        if !self.access.heals() {
            self.note(folder.join(name), problem, None, true);
            return Ok(());
        }
        if let Some(aside) = folder.move_aside(name, &self.own("damaged")?, label)? {
            folder.sync()?;
            self.note(folder.join(name), problem, Some(aside), true);
        }
        Ok(())
    }
}

/// Pieces of work share 64 files; who has one may wait for another of another kind (the word in front), not of its own.
fn work_file(work: &str) -> String {
    let kind = work.split(' ').next().unwrap_or_default();
    let digest = sha256(work.as_bytes());
    let number = u8::from_str_radix(digest.get(..2).unwrap_or_default(), 16).unwrap_or_default() % 64;
    format!("{kind}-{number:02}")
}

/// The remedy where the store may not be read or written at all.
fn unusable(root: &Path, error: Error) -> Error {
    use std::io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    match error {
        Error::Io { source, .. } if source.kind() == NotADirectory => {
            Error::damaged(root, "is no folder; the data folder must be one (--data)")
        }
        Error::Io { action, path, source }
            if [PermissionDenied, ReadOnlyFilesystem].contains(&source.kind()) =>
        {
            let problem = format!(
                "this folder must be readable and writable, but: {action} {}: {source}; give the right to it, or another \
                 folder with --data",
                path.display()
            );
            Error::damaged(root, problem)
        }
        other => other,
    }
}
