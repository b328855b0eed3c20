//! Drops what nobody uses any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::store::journal::{self, Event, Journal, Place};
use crate::store::manifest::Manifest;
use crate::store::{Lock, MANIFEST, Store, disk, fail};

/// Something that was dropped, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its folder or file.
    pub path: PathBuf,
    /// Kind of the unit; `damaged` or `nondeterministic` for what was kept apart.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Store {
    /// Drops all units but those that `used` recognises, everything that was set aside, and second values of units that
    /// are dropped. With `really` false it only says so. The caller holds the store alone.
    ///
    /// # Errors
    /// A file that cannot be read or removed.
    pub fn drop_unused(
        &self,
        _alone: &Lock,
        used: impl Fn(&Manifest) -> bool,
        really: bool,
    ) -> Result<Vec<Dropped>> {
        let mut kept: BTreeSet<Place> = BTreeSet::new();
        let mut dropped = Vec::new();
        for (kind, key) in self.places()? {
            let Some(manifest) = self.find(&kind, &key)? else { continue };
            if used(&manifest) {
                kept.insert((kind, key));
                continue;
            }
            let path = self.folder(&manifest);
            let bytes = disk::size(&path)?;
            if really {
                // Out of its place in one step: what a kill leaves of it is swept away later.
                let away = self.draft()?;
                let _guard = self.guard()?;
                let entry = self.entry(Event::Dropped, &kind, &manifest.name, &key, "");
                journal::append(&self.journal(), &[entry])?;
                let moved =
                    fail::point("drop").and_then(|()| fs::rename(&path, away.folder.join(key.as_str())));
                moved.map_err(Error::io("move", &path))?;
            }
            dropped.push(Dropped { path, kind, name: manifest.name, bytes });
        }
        for (folder, all) in [("damaged", true), ("nondeterministic", false)] {
            for name in disk::list(&self.root().join(folder))? {
                let path = self.root().join(folder).join(&name);
                let of = Manifest::read_any(&disk::read(&path.join(MANIFEST))?.unwrap_or_default());
                let in_use = of.is_ok_and(|unit| kept.contains(&(unit.kind, unit.key)));
                if !all && in_use {
                    continue;
                }
                let bytes = disk::size(&path)?;
                if really {
                    disk::remove(&path)?;
                }
                dropped.push(Dropped { path, kind: folder.to_owned(), name, bytes });
            }
        }
        if really {
            self.compact(&kept)?;
        }
        Ok(dropped)
    }

    /// Leaves in the journal only what concerns these units.
    fn compact(&self, kept: &BTreeSet<Place>) -> Result<()> {
        let _guard = self.guard()?;
        let path = self.journal();
        if let Some(mut journal) = Journal::read(&path)?
            && journal.damaged == 0
        {
            journal.keep(kept);
            journal.replace(&path)?;
        }
        Ok(())
    }
}
