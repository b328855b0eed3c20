//! The clone of this project that a command is about.

use crate::error::{Error, Result};
use crate::pipeline::closure::SOURCE_BYTES;
use crate::pipeline::machine::source_bytes;
use std::fs;
use std::path::{Path, PathBuf};

/// The nearest folder, from this one upwards, that is a clone of this project; none outside one.
#[must_use]
pub fn above(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| is_project(folder))
}

fn is_project(folder: &Path) -> bool {
    let manifest: Option<toml::Table> =
        fs::read_to_string(folder.join("Cargo.toml")).ok().and_then(|text| toml::from_str(&text).ok());
    let name = manifest.as_ref().and_then(|manifest| manifest.get("package")?.get("name")?.as_str());
    name == Some(env!("CARGO_PKG_NAME"))
}

/// The clone around the working directory, of whatever sources; `missing` says what to do where there is none.
///
/// # Errors
/// No clone there.
pub fn around(missing: &str) -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(Error::io("find", "."))?;
    let outside = || {
        Error::Usage(format!(
            "{} is in no clone of {}: go to one, or {missing}",
            here.display(),
            env!("CARGO_PKG_NAME")
        ))
    };
    above(&here).map(Path::to_owned).ok_or_else(outside)
}

/// The same, if it has the sources that this program was built from: results of others are not its own.
///
/// # Errors
/// No clone there, or one of other sources.
pub fn root(missing: &str) -> Result<PathBuf> {
    let root = around(missing)?;
    if source_bytes(&root).as_deref() == Some(SOURCE_BYTES) {
        return Ok(root);
    }
    Err(Error::Usage(format!(
        "{} has other sources than this program was built from: build it there (`cargo build --release`, which every recipe \
         of `just` does), or {missing}",
        root.display()
    )))
}
