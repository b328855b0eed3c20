//! Folders for computations from nothing, below the system's folder for temporary files; those of killed runs are swept by
//! the next.

use crate::error::{Error, Result};
use crate::store::folder::Folder;
use std::fs::File;
use std::path::Path;

/// A folder of its own, removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    /// A new folder whose name begins so. Others of this kind that hold a store and belong to no running process are removed.
    ///
    /// # Errors
    /// A folder that cannot be made or locked.
    pub fn new(prefix: &str) -> Result<Self> {
        let all = std::env::temp_dir();
        if let Some(all) = Folder::root(&all)? {
            for (name, folder) in all.folders().unwrap_or_default() {
                let stores = ["first", "second"];
                let ours = name.starts_with(prefix)
                    && folder
                        .list()
                        .is_ok_and(|names| names.iter().all(|name| stores.contains(&name.as_str())))
                    && folder.sub("first").is_ok_and(|first| {
                        first.is_some_and(|first| crate::store::format::is_store(&first).unwrap_or(false))
                    });
                // Whoever may not remove it need not.
                if ours && folder.try_lock().is_ok_and(|lock| lock.is_some()) {
                    let _ = all.remove(&name);
                }
            }
        }
        let folder = tempfile::Builder::new().prefix(prefix).tempdir();
        let folder = folder.map_err(Error::io("create a folder in", all))?;
        let lock = Folder::make_root(folder.path())?.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
