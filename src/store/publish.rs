//! Publishing: written beside, flushed, moved to its place, entered in the journal.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::{Ingredients, sha256};
use crate::error::{Error, Result};
use crate::store::disk::{self, Area, Draft};
use crate::store::journal::{self, Event};
use crate::store::{
    Blob, BlobEntry, FORMAT, Lock, MANIFEST, Manifest, Store, TableEntry, Unit, check_name, fail, held,
    label, shard,
};
use crate::table::Table;

/// A unit that is written, but neither on the disk for certain nor in its place. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Prepared {
    draft: Draft,
    manifest: Manifest,
    files: Vec<PathBuf>,
}

impl Prepared {
    /// The manifest of the unit.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

impl Store {
    /// Stores a unit, complete or not at all. A unit with the same values that is already there is
    /// kept. `provenance` goes into the manifest and into every Parquet file.
    ///
    /// # Errors
    /// A name that cannot be a file name, a file that cannot be written (then nothing is left of it),
    /// or a sound unit with different values under the same key: both are kept, and the error names them.
    pub fn publish(
        &self,
        kind: &str,
        name: &str,
        ingredients: &Ingredients,
        tables: &[Table],
        blobs: &[Blob],
        provenance: &[(String, String)],
    ) -> Result<Manifest> {
        let prepared = self.prepare(kind, name, ingredients, tables, blobs, provenance)?;
        let manifest = prepared.manifest.clone();
        Ok(self.publish_prepared(vec![prepared])?.pop().unwrap_or(manifest))
    }

    /// Writes the files of a unit, to be published later together with others: that the disk has them is waited for only
    /// once.
    ///
    /// # Errors
    /// As for [`Store::publish`].
    pub fn prepare(
        &self,
        kind: &str,
        name: &str,
        ingredients: &Ingredients,
        tables: &[Table],
        blobs: &[Blob],
        provenance: &[(String, String)],
    ) -> Result<Prepared> {
        check_name("kind", kind)?;
        if ingredients.kind() != kind {
            return Err(Error::parameter(
                "kind",
                kind,
                format!("the ingredients are for {}", ingredients.kind()),
            ));
        }
        let draft = self.draft()?;
        let mut manifest = Manifest {
            format: FORMAT,
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: ingredients.digest(),
            ingredients: ingredients.clone(),
            tables: Vec::new(),
            blobs: Vec::new(),
            provenance: provenance.to_vec(),
            digest: String::new(),
        };
        write_unit(&draft.folder, &mut manifest, tables, blobs)?;
        let names = std::iter::once(MANIFEST).chain(manifest.files().map(|(file, _)| file));
        let mut files: Vec<PathBuf> = names.map(|name| draft.folder.join(name)).collect();
        files.push(draft.folder.clone());
        Ok(Prepared { draft, manifest, files })
    }

    /// Publishes units in their order, each complete or not at all, and gives what is in their places then.
    ///
    /// # Errors
    /// As for [`Store::publish`]; units before the one that failed are published.
    pub fn publish_prepared(&self, prepared: Vec<Prepared>) -> Result<Vec<Manifest>> {
        let files: Vec<PathBuf> = prepared.iter().flat_map(|unit| unit.files.iter().cloned()).collect();
        disk::flush_all(&files)?;
        // Folders whose new names have to reach the disk, with the journal after them.
        let mut folders = BTreeSet::new();
        let mut published = Vec::with_capacity(prepared.len());
        let units = self.root.join("units");
        let mut outcome = Ok(());
        for unit in prepared {
            let Manifest { kind, key, .. } = &unit.manifest;
            let place = self.place(kind, key);
            let (kind, shard) = (units.join(kind), units.join(kind).join(shard(key)));
            for (folder, parent) in [(&kind, &units), (&shard, &kind)] {
                if disk::create(folder)? {
                    folders.insert(parent.clone());
                }
            }
            match self.move_in(unit, &place) {
                Ok(manifest) => published.push(manifest),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
            folders.insert(shard);
        }
        let mut names: Vec<PathBuf> = folders.into_iter().collect();
        if !names.is_empty() {
            names.push(self.journal());
        }
        disk::flush_all(&names)?;
        outcome.map(|()| published)
    }

    /// Gives a flushed unit its place, unless it has one.
    fn move_in(&self, unit: Prepared, place: &Path) -> Result<Manifest> {
        let Prepared { draft, manifest, .. } = unit;
        let Manifest { kind, name, key, .. } = &manifest;
        let guard = self.guard()?;
        if let Some(problem) = self.flaw(kind, key)? {
            self.set_aside(&guard, kind, key, &problem)?;
        }
        let enter = |event, digest: &str| {
            journal::append(&self.journal(), &[self.entry(event, kind, name, key, digest)])
        };
        match self.unit(kind, key)? {
            Unit::Present(kept) if kept.same_values(&manifest) => {
                enter(Event::Confirmed, &kept.digest)?;
                Ok(kept)
            }
            Unit::Present(_) => {
                enter(Event::Different, &manifest.digest)?;
                Err(self.keep_both(&guard, &draft, &manifest)?)
            }
            Unit::Absent | Unit::Damaged(_) => {
                let moved = fail::point("move").and_then(|()| fs::rename(&draft.folder, place));
                moved.map_err(Error::io("publish", place))?;
                enter(Event::Published, &manifest.digest).inspect_err(|_| {
                    if let Some(area) = held(&self.area).as_mut() {
                        area.stay();
                    }
                })?;
                Ok(manifest)
            }
        }
    }

    /// Keeps a second value under a key that has one, and gives the error that names both.
    fn keep_both(&self, _guard: &Lock, draft: &Draft, manifest: &Manifest) -> Result<Error> {
        let into = self.root.join("nondeterministic");
        let label = label(&manifest.kind, &manifest.key);
        let known = disk::list(&into)?.into_iter().map(|name| into.join(name)).find(|folder| {
            let bytes = fs::read(folder.join(MANIFEST)).unwrap_or_default();
            Manifest::parse(&bytes, &manifest.kind, &manifest.key)
                .is_ok_and(|other| other.same_values(manifest))
        });
        let other = match known {
            Some(folder) => folder,
            None => disk::move_aside(&draft.folder, &into, &label)?.unwrap_or(into),
        };
        Ok(Error::Nondeterministic {
            what: format!("{} {}", manifest.kind, manifest.name),
            first: self.folder(manifest),
            second: other,
        })
    }

    pub(crate) fn draft(&self) -> Result<Draft> {
        let mut area = held(&self.area);
        if area.is_none() {
            let _guard = self.guard()?;
            *area = Some(Area::create(&self.temporary())?);
        }
        area.as_mut().map_or_else(|| Err(Error::damaged(self.temporary(), "is not there")), Area::draft)
    }
}

/// Writes all files of a unit into `folder`, and fills in `manifest`.
fn write_unit(folder: &Path, manifest: &mut Manifest, tables: &[Table], blobs: &[Blob]) -> Result<()> {
    for table in tables {
        let file = format!("{}.parquet", table.name());
        new_name(manifest, &file)?;
        let about = [
            ("kind", manifest.kind.as_str()),
            ("unit", manifest.name.as_str()),
            ("key", manifest.key.as_str()),
            ("table", table.name()),
        ];
        let mut metadata: Vec<(String, String)> =
            about.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        metadata.extend_from_slice(&manifest.provenance);
        let bytes = table.to_parquet_bytes(&metadata)?;
        disk::write(&folder.join(&file), &bytes)?;
        manifest.tables.push(TableEntry {
            table: table.name().to_owned(),
            file,
            rows: table.rows() as u64,
            sha256: sha256(&bytes),
            values_sha256: table.values_digest()?,
        });
    }
    for blob in blobs {
        new_name(manifest, &blob.name)?;
        disk::write(&folder.join(&blob.name), &blob.bytes)?;
        let entry =
            BlobEntry { name: blob.name.clone(), file: blob.name.clone(), sha256: sha256(&blob.bytes) };
        manifest.blobs.push(entry);
    }
    let path = folder.join(MANIFEST);
    let bytes = manifest.seal().map_err(|error| Error::damaged(&path, error))?;
    disk::write(&path, &bytes)
}

fn new_name(manifest: &Manifest, file: &str) -> Result<()> {
    check_name("file", file)?;
    if file == MANIFEST || manifest.files().any(|(known, _)| known == file) {
        return Err(Error::parameter("file", file, "a unit cannot have two files of the same name"));
    }
    Ok(())
}
