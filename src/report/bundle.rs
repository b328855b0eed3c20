//! A folder with the report and every file that it names, to be copied or put on a server as it is.
//!
//! `bundle.sha256` lists what the program wrote, as `sha256sum` does: a folder is an earlier bundle if and only if nothing else
//! lies in it and every file is as it was written. Before files are replaced, the list has the old and the new ones, so that a
//! bundle of a killed program is still known as one.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::report::files::{DOCUMENTS, Place};
use crate::report::gather::Report;
use crate::report::page::page;
use crate::store::{Folder, Place as Found, is_draft, is_plain};
use crate::table::MOST_BYTES;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// The list of files with their digests.
const LIST: &str = "bundle.sha256";

/// The page.
const PAGE: &str = "index.html";

/// Files by their path, with their bytes.
type Files = BTreeMap<String, Vec<u8>>;

/// The lines of a list: digest and path. While files are replaced, one path may have two digests.
type Lines = BTreeSet<(String, String)>;

/// Writes the report with all its files into a folder that is new, empty or an earlier bundle; the number of files.
///
/// # Errors
/// A folder with anything else in it, which is left as it is; a file that cannot be read or written.
pub fn bundle(report: &Report, out: &Path) -> Result<usize> {
    if out.exists() && !out.is_dir() {
        return Err(Error::parameter("--bundle", out.display(), "is no folder; name a new or an empty one"));
    }
    if let Some(folder) = Folder::root(out)? {
        earlier(&folder, out)?;
    }
    let files = files(report)?;
    let folder = Folder::make_root(out)?;
    let _alone = folder.lock()?;
    let old = earlier(&folder, out)?;
    let new: Lines = files.iter().map(|(path, bytes)| (path.clone(), sha256(bytes))).collect();
    folder.sweep_all()?;
    folder.update(LIST, list(&old.union(&new).cloned().collect()).as_bytes())?;
    for (path, bytes) in &files {
        Folder::update_below(out, path, bytes)?;
    }
    for (path, _) in old.iter().filter(|(path, _)| !files.contains_key(path)) {
        Folder::remove_below(out, path)?;
    }
    folder.update(LIST, list(&new).as_bytes())?;
    Ok(files.len() + 1)
}

/// Everything that goes into a bundle except the list.
fn files(report: &Report) -> Result<Files> {
    let mut files = Files::new();
    for document in &DOCUMENTS {
        files.insert(format!("docs/{}", document.name), document.text.as_bytes().to_vec());
    }
    for file in report.files() {
        files.insert(file.bundled.clone(), file.bytes()?);
    }
    files.insert(PAGE.to_owned(), page(report, Place::Bundle).into_bytes());
    Ok(files)
}

/// The files of an earlier bundle; none in an empty folder.
fn earlier(folder: &Folder, out: &Path) -> Result<Lines> {
    let refused = |path: &str, what: &str| {
        let rule = format!("`{path}` in it {what}; nothing was changed: name a new or an empty folder");
        Error::parameter("--bundle", out.display(), rule)
    };
    let lines = match folder.read(LIST, MOST_BYTES)? {
        Some(bytes) => parse(&bytes).ok_or_else(|| refused(LIST, "is no list of a bundle"))?,
        None => Lines::new(),
    };
    each(folder, "", &mut |folder, name, path| {
        let inside = format!("{path}/");
        let listed = lines.iter().any(|(known, _)| known == path);
        match folder.entry(name)? {
            None => Ok(()),
            Some(Found::Folder) if lines.iter().any(|(known, _)| known.starts_with(&inside)) => Ok(()),
            Some(Found::File(_)) if path == LIST => Ok(()),
            Some(Found::File(_)) if listed => {
                let digest = sha256(&folder.read(name, MOST_BYTES)?.unwrap_or_default());
                if lines.contains(&(path.to_owned(), digest)) {
                    Ok(())
                } else {
                    Err(refused(path, "has been changed since the program wrote it"))
                }
            }
            Some(_) => Err(refused(path, "is no part of a bundle that this program wrote")),
        }
    })?;
    Ok(lines)
}

/// Goes through everything below a folder but the drafts of killed runs: its folder, its name there, its path.
fn each(
    folder: &Folder,
    below: &str,
    visit: &mut impl FnMut(&Folder, &str, &str) -> Result<()>,
) -> Result<()> {
    for name in folder.list()?.iter().filter(|name| !is_draft(name)) {
        let path = format!("{below}{name}");
        visit(folder, name, &path)?;
        if folder.entry(name)? == Some(Found::Folder)
            && let Some(inner) = folder.sub(name)?
        {
            each(&inner, &format!("{path}/"), visit)?;
        }
    }
    Ok(())
}

fn list(lines: &Lines) -> String {
    let mut text = String::new();
    for (path, digest) in lines {
        let _ = writeln!(text, "{digest}  {path}");
    }
    text
}

/// The lines of a list; nothing where it is not one of ours.
fn parse(bytes: &[u8]) -> Option<Lines> {
    let line = |line: &str| {
        let (digest, path) = line.split_once("  ")?;
        let ours = digest.len() == 64 && path.split('/').all(is_plain);
        ours.then(|| (path.to_owned(), digest.to_owned()))
    };
    std::str::from_utf8(bytes).ok()?.lines().map(line).collect()
}
