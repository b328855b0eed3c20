//! What makes a folder a store: one line, in `format` and, as a copy, in `lock`. Without it nothing in a folder is touched.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::store::folder::{Entry, Folder};
use crate::store::names::is_draft;
use std::time::Duration;

/// Version of the layout that this program reads and writes.
pub const FORMAT: u32 = 2;

/// Folders of a store.
pub(crate) const FOLDERS: [&str; 7] =
    ["packs", "stages", "work", "temporary", "slices", "damaged", "nondeterministic"];

/// Seconds to wait, again and again, for what another machine has written: a network file system may show it a minute late.
const LATE: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// Most bytes of the line.
const LIMIT: u64 = 1 << 12;

/// Names that a folder may hold and still be a new store.
pub(crate) const HARMLESS: [&str; 2] = ["README.md", ".gitignore"];

/// Whether a folder is a store of this layout; if not, it is new.
///
/// # Errors
/// A store of another layout; a folder that holds something else.
pub(crate) fn is_store(root: &Folder) -> Result<bool> {
    match stated(root) {
        Some(FORMAT) => return Ok(true),
        Some(version) => {
            let (age, remedy) = if version > FORMAT {
                ("newer", "use the program that wrote it, or another folder with --data")
            } else {
                ("older", "`spectral-alignment clean` removes it; or name another folder with --data")
            };
            let problem = format!(
                "is a store of layout {version}, which is {age} than this program's {FORMAT}, and is left alone; {remedy}"
            );
            return Err(Error::damaged(root.path(), problem));
        }
        None => {}
    }
    let mut strange = None;
    for name in root.list()? {
        // Empty, they are those of a run that is making the store just now, or was killed when it did.
        let begun = is_draft(&name)
            || ["format", "lock"].contains(&name.as_str()) && root.entry(&name)? == Some(Entry::File(0));
        if !begun && !HARMLESS.contains(&name.as_str()) {
            strange = Some(name);
        }
    }
    match strange {
        None => Ok(false),
        Some(other) => {
            let problem = format!(
                "is no store: it holds `{other}`, but no valid file `format`; nothing in it was touched; name another folder \
                 with --data"
            );
            Err(Error::damaged(root.path(), problem))
        }
    }
}

/// The layout of a store, of any version up to this program's; nothing where a folder is new.
///
/// # Errors
/// A store of a newer layout; a folder that holds something else.
pub(crate) fn version_of(root: &Folder) -> Result<Option<u32>> {
    match stated(root) {
        Some(older) if older < FORMAT => Ok(Some(older)),
        _ => Ok(is_store(root)?.then_some(FORMAT)),
    }
}

/// Makes a new folder a store, and writes anew what is lost of the line in a store.
pub(crate) fn make(root: &Folder) -> Result<()> {
    let _alone = root.lock()?;
    is_store(root)?;
    for name in ["lock", "format"] {
        root.detach(name)?;
        if version(root, name) == Some(FORMAT) {
            continue;
        }
        let line = line(FORMAT);
        // Where it is: whoever holds the lock must keep it.
        let file = root.lock_file(name)?;
        let write = |error| Error::io("write", root.join(name))(error);
        std::os::unix::fs::FileExt::write_all_at(&file, line.as_bytes(), 0).map_err(write)?;
        file.set_len(line.len() as u64).and_then(|()| file.sync_all()).map_err(write)?;
        root.sync()?;
    }
    Ok(())
}

/// The same where locks do not count: whoever comes first or at the same time writes the same line, in one step.
pub(crate) fn make_without_locks(root: &Folder) -> Result<()> {
    let mut pauses = LATE.into_iter();
    loop {
        match is_store(root) {
            Ok(true) => return Ok(()),
            Ok(false) => return root.update("format", line(FORMAT).as_bytes()).map(|_| ()),
            // Another machine's files may be seen late, and one after the other.
            Err(error) => {
                let begun = root.list()?.iter().all(|name| {
                    let name = name.as_str();
                    ["format", "lock"].contains(&name)
                        || FOLDERS.contains(&name)
                        || HARMLESS.contains(&name)
                        || is_draft(name)
                });
                match pauses.next() {
                    Some(seconds) if begun => std::thread::sleep(Duration::from_secs(seconds)),
                    _ => return Err(error),
                }
            }
        }
    }
}

fn line(version: u32) -> String {
    let text = format!("spectral-alignment store {version}");
    format!("{text} {}\n", sha256(text.as_bytes()))
}

/// The version that a folder states, in whichever of the two places.
fn stated(root: &Folder) -> Option<u32> {
    version(root, "format").max(version(root, "lock"))
}

/// The version that a file states, with its digest.
fn version(root: &Folder, name: &str) -> Option<u32> {
    let bytes = root.read(name, LIMIT).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    let version = text.strip_prefix("spectral-alignment store ")?.split(' ').next()?.parse().ok()?;
    (text == line(version)).then_some(version)
}
