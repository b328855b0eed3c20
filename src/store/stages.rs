//! What stages make of records: a folder with tables, or with figures, and its manifest.

use crate::digest::{Ingredients, Key, sha256};
use crate::error::{Error, Result};
use crate::store::fault;
use crate::store::folder::Folder;
use crate::store::format::FORMAT;
use crate::store::manifest::{BlobEntry, Manifest, TableEntry};
use crate::store::names::{check_name, folder_name, unique};
use crate::store::root::Store;
use crate::table::Table;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) const MANIFEST: &str = "manifest.json";
/// Most bytes of a manifest.
const MANIFEST_LIMIT: u64 = 1 << 26;
/// Most bytes of a table or figure.
const FILE_LIMIT: u64 = 1 << 30;

/// A file of a result that is no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its name, which is also the name of its file.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A result of a stage on its way into the store.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The stage.
    pub stage: &'a str,
    /// What it depends on, with its kind.
    pub ingredients: &'a Ingredients,
    /// Its tables.
    pub tables: &'a [Table],
    /// Its other files.
    pub blobs: &'a [Blob],
    /// Where it was made: for its manifest and for the metadata of its Parquet files.
    pub provenance: &'a [(String, String)],
    /// What the data of each of its experiments were made from.
    pub lineage: &'a BTreeMap<String, Ingredients>,
}

impl Store {
    /// Folder of a result, absolute.
    #[must_use]
    pub fn result_folder(&self, manifest: &Manifest) -> PathBuf {
        self.root().join("stages").join(&manifest.name).join(folder_name(&manifest.kind, &manifest.key))
    }

    /// Bytes of a result.
    pub(crate) fn result_size(&self, manifest: &Manifest) -> Result<u64> {
        let folder = self.stage_folder(&manifest.name)?;
        folder.map_or(Ok(0), |stage| stage.size(&folder_name(&manifest.kind, &manifest.key)))
    }

    fn stage_folder(&self, stage: &str) -> Result<Option<Folder>> {
        check_name("stage", stage)?;
        self.folder("stages")?.map_or(Ok(None), |stages| stages.sub(stage))
    }

    /// The result of a stage with these ingredients, if it is there. Only its manifest is read; a damaged one is set aside and
    /// counts as absent.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn result(&self, stage: &str, ingredients: &Ingredients) -> Result<Option<Manifest>> {
        let Some(folder) = self.stage_folder(stage)? else { return Ok(None) };
        let key = ingredients.digest();
        self.manifest(&folder, &folder_name(ingredients.kind(), &key), Some((ingredients.kind(), &key)))
    }

    fn manifest(&self, stage: &Folder, name: &str, wanted: Option<(&str, &Key)>) -> Result<Option<Manifest>> {
        let found = match stage.sub(name) {
            Ok(None) => return Ok(None),
            Ok(Some(folder)) => folder.read(MANIFEST, MANIFEST_LIMIT),
            Err(error) => Err(error),
        };
        let problem = match found {
            Ok(Some(bytes)) => match Manifest::parse(&bytes) {
                Ok(manifest)
                    if name == folder_name(&manifest.kind, &manifest.key)
                        && stage.path().ends_with(&manifest.name)
                        && wanted.is_none_or(|wanted| wanted == (manifest.kind.as_str(), &manifest.key)) =>
                {
                    return Ok(Some(manifest));
                }
                Ok(other) => format!("{MANIFEST} belongs to another result, {} {}", other.kind, other.key),
                Err(problem) => problem,
            },
            Ok(None) => format!("{MANIFEST} is missing"),
            Err(error) => error.to_string(),
        };
        self.set_aside(stage, name, name, &problem)?;
        Ok(None)
    }

    /// All results of one kind, `tables` or `figures`, by stage and key.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn results(&self, kind: &str) -> Result<Vec<Manifest>> {
        let mut found = Vec::new();
        let Some(stages) = self.folder("stages")? else { return Ok(found) };
        for (_, folder) in stages.folders()? {
            for name in folder.list()?.iter().filter(|name| name.starts_with(&format!("{kind}-"))) {
                found.extend(self.manifest(&folder, name, None)?);
            }
        }
        Ok(found)
    }

    /// Bytes of a file of a result; nothing if they are not what was published: then the result has been set aside.
    fn checked(&self, manifest: &Manifest, file: &str, digest: &str) -> Result<Option<Vec<u8>>> {
        let Some(stage) = self.stage_folder(&manifest.name)? else { return Ok(None) };
        let name = folder_name(&manifest.kind, &manifest.key);
        let Some(folder) = stage.sub(&name)? else { return Ok(None) };
        let problem = match folder.read(file, FILE_LIMIT) {
            Ok(Some(bytes)) if sha256(&bytes) == *digest => return Ok(Some(bytes)),
            Ok(Some(_)) => format!("{file} does not have the digest that its manifest states"),
            Ok(None) => format!("{file} is missing"),
            Err(error) => error.to_string(),
        };
        // Only what this manifest speaks of: it may have been made anew meanwhile.
        if self.manifest(&stage, &name, None)?.as_ref() == Some(manifest) {
            self.set_aside(&stage, &name, &name, &problem)?;
        }
        Ok(None)
    }

    /// A table of a result, verified before it is decoded; nothing if it is damaged.
    ///
    /// # Errors
    /// A table that the result does not have; a file that cannot be read.
    pub fn table(&self, manifest: &Manifest, name: &str) -> Result<Option<Table>> {
        let Some(entry) = manifest.table(name) else {
            let known: Vec<&str> = manifest.tables.iter().map(|entry| entry.table.as_str()).collect();
            return Err(Error::unknown("table", name, &known));
        };
        let Some(bytes) = self.checked(manifest, &entry.file, &entry.sha256)? else { return Ok(None) };
        let path = self.result_folder(manifest).join(&entry.file);
        let table = Table::from_parquet_bytes(name, &bytes).map_err(|error| Error::damaged(&path, error))?;
        if table.values_digest()? == entry.values_sha256 && table.rows() as u64 == entry.rows {
            return Ok(Some(table));
        }
        Err(Error::damaged(path, "does not hold the values that its manifest states"))
    }

    /// Another file of a result, verified likewise.
    ///
    /// # Errors
    /// A file that the result does not have, or that cannot be read.
    pub fn blob(&self, manifest: &Manifest, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(entry) = manifest.blob(name) else {
            let known: Vec<&str> = manifest.blobs.iter().map(|entry| entry.name.as_str()).collect();
            return Err(Error::unknown("file", name, &known));
        };
        self.checked(manifest, &entry.file, &entry.sha256)
    }

    /// Whether every file of a result is what was published; if not, the result has been set aside.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn is_intact(&self, manifest: &Manifest) -> Result<bool> {
        for (file, digest) in manifest.files() {
            if self.checked(manifest, file, digest)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Stores a result, complete or not at all. One with the same values that is already there is kept.
    ///
    /// # Errors
    /// A name that cannot be a file name; a file that cannot be written (then nothing is left of it); an intact result with
    /// different values under the same key, made on the same BLAS kernel: both are kept, and the error names them.
    pub fn publish(&self, new: Publication) -> Result<Manifest> {
        check_name("stage", new.stage)?;
        let kind = new.ingredients.kind();
        check_name("kind", kind)?;
        let temporary = self.own("temporary")?;
        let draft = unique();
        let outcome = self.publish_by(&temporary, &draft, new);
        // Gone if it was moved; if this fails, the next run does it.
        let _ = temporary.remove(&draft);
        outcome
    }

    fn publish_by(&self, temporary: &Folder, draft: &str, new: Publication) -> Result<Manifest> {
        let folder = temporary.make(draft)?;
        let manifest = write_result(&folder, new)?;
        folder.sync()?;
        let stage = self.own("stages")?.make(new.stage)?;
        let name = folder_name(&manifest.kind, &manifest.key);
        let _guard = self.guard()?;
        match self.manifest(&stage, &name, None)? {
            Some(kept) if self.is_intact(&kept)? => {
                // Kernels of a BLAS library that round differently are no defect: `verify` compares such values within tolerance.
                if kept.same_values(&manifest) || kept.kernel() != manifest.kernel() {
                    return Ok(kept);
                }
                let apart = self.own("nondeterministic")?;
                let second = temporary.move_aside(draft, &apart, &name)?.unwrap_or_else(|| apart.join(&name));
                let what = format!("{} of {}", manifest.kind, manifest.name);
                Err(Error::Nondeterministic { what, first: self.result_folder(&kept), second })
            }
            _ => {
                temporary.rename(draft, &stage, &name)?;
                stage.sync()?;
                Ok(manifest)
            }
        }
    }

    /// Removes a result in one step: what a kill leaves of it is swept away later.
    pub(crate) fn remove_result(&self, manifest: &Manifest) -> Result<()> {
        let Some(stage) = self.stage_folder(&manifest.name)? else { return Ok(()) };
        let (temporary, draft) = (self.own("temporary")?, unique());
        fault::point("drop").map_err(Error::io("drop", self.result_folder(manifest)))?;
        stage.rename(&folder_name(&manifest.kind, &manifest.key), &temporary, &draft)?;
        temporary.remove(&draft)?;
        self.own("stages")?.remove_if_empty(&manifest.name)
    }
}

/// Writes all files of a result into `folder`, and gives its manifest.
fn write_result(folder: &Folder, new: Publication) -> Result<Manifest> {
    let mut manifest = Manifest {
        format: FORMAT,
        kind: new.ingredients.kind().to_owned(),
        name: new.stage.to_owned(),
        key: new.ingredients.digest(),
        ingredients: new.ingredients.clone(),
        tables: Vec::new(),
        blobs: Vec::new(),
        provenance: new.provenance.to_vec(),
        lineage: new.lineage.clone(),
        digest: String::new(),
    };
    for table in new.tables {
        let file = format!("{}.parquet", table.name());
        new_name(&manifest, &file)?;
        let about = [
            ("kind", manifest.kind.as_str()),
            ("unit", manifest.name.as_str()),
            ("key", manifest.key.as_str()),
            ("table", table.name()),
        ];
        let mut metadata: Vec<(String, String)> =
            about.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        metadata.extend_from_slice(new.provenance);
        let bytes = table.to_parquet_bytes(&metadata)?;
        let committed = table.to_parquet_bytes(&[])?;
        folder.write_new(&file, &bytes)?;
        manifest.tables.push(TableEntry {
            table: table.name().to_owned(),
            file,
            rows: table.rows() as u64,
            sha256: sha256(&bytes),
            values_sha256: table.values_digest()?,
            committed_sha256: Some(sha256(&committed)),
        });
    }
    for blob in new.blobs {
        new_name(&manifest, &blob.name)?;
        folder.write_new(&blob.name, &blob.bytes)?;
        let entry =
            BlobEntry { name: blob.name.clone(), file: blob.name.clone(), sha256: sha256(&blob.bytes) };
        manifest.blobs.push(entry);
    }
    let bytes = manifest.seal().map_err(|error| Error::defect(MANIFEST, error))?;
    folder.write_new(MANIFEST, &bytes)?;
    Ok(manifest)
}

fn new_name(manifest: &Manifest, file: &str) -> Result<()> {
    check_name("file", file)?;
    if file == MANIFEST || manifest.files().any(|(known, _)| known == file) {
        return Err(Error::parameter("file", file, "a result cannot have two files of the same name"));
    }
    Ok(())
}
