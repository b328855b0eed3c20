//! Drops what nobody uses any more.

use crate::error::{Error, Result};
use crate::store::fault;
use crate::store::group::Group;
use crate::store::manifest::Manifest;
use crate::store::pack::Entry;
use crate::store::root::Store;
use std::path::PathBuf;

/// Something that was dropped, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its folder or file.
    pub path: PathBuf,
    /// `trajectories`, `spectra`, `tables`, `figures`; `damaged` or `nondeterministic` for what was kept apart.
    pub kind: String,
    /// Its experiment, stage or file.
    pub name: String,
    /// How many results.
    pub count: u64,
    /// Their size.
    pub bytes: u64,
}

impl Store {
    /// Drops all records and results but those that are in use, and everything that was set aside. With `really` false it
    /// only says so. The store was opened alone.
    ///
    /// # Errors
    /// A file that cannot be read or removed.
    pub fn drop_unused(
        &self,
        keep: &dyn Fn(&Group, &Entry) -> bool,
        keep_result: &dyn Fn(&Manifest) -> bool,
        really: bool,
    ) -> Result<Vec<Dropped>> {
        let mut dropped = Vec::new();
        for group in self.groups()? {
            let records = self.records(&group)?;
            let unused: Vec<&Entry> = records.iter().filter(|entry| !keep(&group, entry)).collect();
            if unused.is_empty() {
                continue;
            }
            let path = self.root().join("packs").join(group.experiment()).join(group.folder());
            dropped.push(Dropped {
                path: path.clone(),
                kind: group.ingredients().kind().to_owned(),
                name: group.experiment().to_owned(),
                count: unused.len() as u64,
                bytes: unused.iter().map(|entry| entry.length).sum(),
            });
            if really {
                let all = unused.len() == records.iter().count();
                fault::point("drop").map_err(Error::io("drop", path))?;
                let kept = |entry: &Entry| !all && (!entry.is_result() || keep(&group, entry));
                self.rewrite(&group, &kept, &|_, _| false)?;
                if all && let Some(experiment) = self.own("packs")?.sub(group.experiment())? {
                    experiment.remove_if_empty(&group.folder())?;
                    self.own("packs")?.remove_if_empty(group.experiment())?;
                }
            }
        }
        for kind in ["tables", "figures"] {
            for manifest in self.results(kind)?.into_iter().filter(|manifest| !keep_result(manifest)) {
                let path = self.result_folder(&manifest);
                let bytes = self.result_size(&manifest)?;
                if really {
                    self.remove_result(&manifest)?;
                }
                dropped.push(Dropped { path, kind: kind.to_owned(), name: manifest.name, count: 1, bytes });
            }
        }
        for wing in ["damaged", "nondeterministic"] {
            let Some(folder) = self.folder(wing)? else { continue };
            for name in folder.list()? {
                let bytes = folder.size(&name)?;
                if wing == "nondeterministic" && self.is_open_question(&folder, &name)? {
                    continue;
                }
                if really {
                    folder.remove(&name)?;
                }
                dropped.push(Dropped {
                    path: folder.join(&name),
                    kind: wing.to_owned(),
                    name,
                    count: 1,
                    bytes,
                });
            }
        }
        Ok(dropped)
    }
}
