//! Removes a store, of this layout or an earlier one, and nothing else.

use crate::error::Result;
use crate::store::folder::{Entry as Place, Folder};
use crate::store::format;
use crate::store::lock::{Announce, Lock, Mode};
use crate::store::names::{is_draft, is_plain};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was removed and what was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Number of files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What this program does not name so: left where it is.
    pub left: Vec<PathBuf>,
}

/// Removes all files of the store in `root` that have names and places which only this program gives. Waits until nobody
/// uses it; `announce` is told of that.
///
/// # Errors
/// A folder that is no store; a file that cannot be removed.
pub fn clean(root: &Path, announce: &Announce) -> Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    let Some(root) = Folder::root(root)? else { return Ok(cleaned) };
    let Some(version) = format::version_of(&root)? else { return Ok(cleaned) };
    let _alone = Lock::take(&root, "lock", Mode::Exclusive, Duration::ZERO, announce)?;
    sweep(&root, &mut Vec::new(), version, &mut cleaned)?;
    root.sync()?;
    Ok(cleaned)
}

fn sweep(folder: &Folder, parts: &mut Vec<String>, version: u32, cleaned: &mut Cleaned) -> Result<()> {
    // What makes the folder a store goes last: a killed `clean` can go on.
    let mut names = folder.list()?;
    names.sort_by_key(|name| ["format", "lock"].iter().position(|last| last == name));
    for name in names {
        parts.push(name.clone());
        match folder.entry(&name)? {
            Some(Place::Folder) => {
                if let Some(inner) = folder.sub(&name)? {
                    sweep(&inner, parts, version, cleaned)?;
                    folder.remove_if_empty(&name)?;
                }
            }
            Some(Place::File(bytes)) if is_ours(parts, version) => {
                folder.remove(&name)?;
                cleaned.files += 1;
                cleaned.bytes += bytes;
            }
            Some(_) if parts.len() > 1 || !format::HARMLESS.contains(&name.as_str()) => {
                cleaned.left.push(folder.join(&name));
            }
            _ => {}
        }
        parts.pop();
    }
    Ok(())
}

/// Whether a store of this layout has a file of this name at this place.
fn is_ours(parts: &[String], version: u32) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let numbered =
        |name: &str| name.rsplit_once('-').is_some_and(|(label, number)| is_plain(label) && digits(number));
    let keyed = |name: &str| name.rsplit_once('-').is_some_and(|(kind, key)| is_plain(kind) && hex(key, 16));
    let pack = |name: &str| name.strip_suffix(".pack").is_some_and(|name| keyed(name) || hex(name, 16));
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (version, parts.as_slice()) {
        (_, ["format" | "lock" | "guard"]) | (1, ["journal"]) => true,
        (2, [name] | ["packs", _, _, name]) if is_draft(name) => true,
        (_, ["damaged", name, ..]) | (1, ["nondeterministic", name, ..]) | (2, ["work", name]) => {
            numbered(name)
        }
        (1, ["claims", name]) => {
            name.rsplit_once('-').is_some_and(|(kind, shard)| is_plain(kind) && hex(shard, 2))
        }
        (1, ["units", kind, shard, key, file]) => {
            is_plain(kind) && hex(shard, 2) && hex(key, 64) && is_plain(file)
        }
        (1, ["temporary", name, ..]) => name.starts_with("run-"),
        (2, ["temporary" | "slices", name, ..]) => {
            name.split('-').count() == 3 && name.split('-').all(digits)
        }
        (2, ["nondeterministic", name]) => pack(name),
        (2, ["nondeterministic", name, file]) => numbered(name) && is_plain(file),
        (2, ["packs", experiment, group, file]) => is_plain(experiment) && keyed(group) && pack(file),
        (2, ["stages", stage, result, file]) => is_plain(stage) && keyed(result) && is_plain(file),
        _ => false,
    }
}
