//! The version of the layout, in a file of its own.

use std::path::Path;

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::store::disk::{move_aside, read, replace};
use crate::store::{FORMAT, Problem};

/// Checks the version of the store, and writes it into a new one. Says so if it was damaged. The caller holds the store's guard.
pub(crate) fn check_format(root: &Path) -> Result<Option<Problem>> {
    let path = root.join("format");
    let mut note = None;
    if path.exists() {
        match format_version(&read(&path)?.unwrap_or_default()) {
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
                let problem = "does not state a version with its digest".to_owned();
                note = Some(Problem { path: path.clone(), problem, set_aside: aside, healed: true });
            }
        }
    } else if root.join("journal").exists() {
        let problem = "was gone; made anew".to_owned();
        note = Some(Problem { path: path.clone(), problem, set_aside: None, healed: true });
    }
    replace(&path, format_line(FORMAT).as_bytes())?;
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
