//! Checks every byte of the store.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::pipeline::key::{Key, sha256};
use crate::pipeline::store::manifest::Manifest;
use crate::pipeline::store::{Store, Unit, disk};
use crate::pipeline::table::Table;

/// Something wrong in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The unit's folder, or the file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where it was set aside, so that the next run makes it anew.
    pub set_aside: Option<PathBuf>,
}

impl Store {
    /// Checks every byte of every unit. Damaged units are set aside; findings of different values
    /// under the same key, and things that do not belong into the store, are only reported.
    ///
    /// # Errors
    /// A folder or file that cannot be read or moved.
    pub fn doctor(&self) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        let units = self.root().join("units");
        for kind in disk::list(&units)? {
            for shard in disk::list(&units.join(&kind))? {
                let folder = units.join(&kind).join(&shard);
                let names = disk::list(&folder)?;
                if !folder.is_dir() {
                    problems.push(stranger(folder));
                    continue;
                }
                for name in names {
                    match Key::parse(&name) {
                        Ok(key) if name.starts_with(&shard) => problems.extend(self.check(&kind, &key)?),
                        _ => problems.push(stranger(folder.join(name))),
                    }
                }
            }
        }
        let findings = self.root().join("nondeterministic");
        for name in disk::list(&findings)? {
            problems.push(Problem {
                path: findings.join(name),
                problem: "a second, different value under the key of a published unit".to_owned(),
                set_aside: None,
            });
        }
        Ok(problems)
    }

    fn check(&self, kind: &str, key: &Key) -> Result<Option<Problem>> {
        let Some(problem) = self.flaw(kind, key)? else { return Ok(None) };
        let guard = self.guard()?;
        // Another process may have healed it meanwhile.
        let Some(_) = self.flaw(kind, key)? else { return Ok(None) };
        let set_aside = self.set_aside(&guard, kind, key, &problem)?;
        Ok(Some(Problem { path: self.place(kind, key), problem, set_aside }))
    }

    /// What is wrong with a unit, if anything: every byte is read.
    pub(crate) fn flaw(&self, kind: &str, key: &Key) -> Result<Option<String>> {
        match self.unit(kind, key)? {
            Unit::Absent => Ok(None),
            Unit::Damaged(problem) => Ok(Some(problem)),
            Unit::Present(manifest) => flaw_inside(&self.place(kind, key), &manifest),
        }
    }
}

fn stranger(path: PathBuf) -> Problem {
    Problem { path, problem: "does not belong into the store".to_owned(), set_aside: None }
}

fn flaw_inside(folder: &Path, manifest: &Manifest) -> Result<Option<String>> {
    for (file, digest) in manifest.files() {
        match disk::read(&folder.join(file))? {
            None => return Ok(Some(format!("{file} is missing"))),
            Some(bytes) if sha256(&bytes) != *digest => {
                return Ok(Some(format!("{file} does not have the digest that its manifest states")));
            }
            Some(bytes) => {
                if let Some(entry) = manifest.tables.iter().find(|entry| entry.file == file) {
                    let table = match Table::from_parquet_bytes(&entry.table, &bytes) {
                        Ok(table) => table,
                        Err(error) => return Ok(Some(format!("{file}: {error}"))),
                    };
                    if table.values_digest()? != entry.values_sha256 || table.rows() as u64 != entry.rows {
                        return Ok(Some(format!("{file} does not hold the values that its manifest states")));
                    }
                }
            }
        }
    }
    let known = |name: &String| name == "manifest.json" || manifest.files().any(|(file, _)| file == name);
    Ok(disk::list(folder)?
        .into_iter()
        .find(|name| !known(name))
        .map(|name| format!("{name} does not belong to it")))
}
