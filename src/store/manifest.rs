//! What a result of a stage says about itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::digest::{Ingredients, Key, sha256};
use crate::store::format::FORMAT;
use crate::store::names::is_plain;

/// One table of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Name of the table.
    pub table: String,
    /// Name of its file, inside the result's folder.
    pub file: String,
    /// Number of rows.
    pub rows: u64,
    /// Digest of the file: tells damage.
    pub sha256: String,
    /// Digest of schema and values: tells meaning.
    pub values_sha256: String,
    /// Digest of the same table as a file without metadata, as it is committed: tells that a committed file has these values
    /// without decoding it. None in stores of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_sha256: Option<String>,
}

/// One file of a result that is no table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobEntry {
    /// Name of the blob.
    pub name: String,
    /// Name of its file, inside the result's folder.
    pub file: String,
    /// Digest of the file.
    pub sha256: String,
}

/// What a result is, what it was made from, and digests of everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the store's format.
    pub format: u32,
    /// `tables`, or `figures` with the claims.
    pub kind: String,
    /// Name of its stage.
    pub name: String,
    /// The digest of the ingredients.
    pub key: Key,
    /// Everything the result depends on.
    pub ingredients: Ingredients,
    /// Its tables, in the order in which they were published.
    pub tables: Vec<TableEntry>,
    /// Its other files, in that order too.
    pub blobs: Vec<BlobEntry>,
    /// Where it was made: no part of the key.
    pub provenance: Vec<(String, String)>,
    /// What the data of each of its experiments were made from: no part of the key either, which has their values.
    pub lineage: BTreeMap<String, Ingredients>,
    /// Digest of this manifest with an empty digest.
    pub digest: String,
}

/// The BLAS kernel in a provenance.
pub(crate) fn kernel(provenance: &[(String, String)]) -> Option<&str> {
    provenance.iter().find(|(name, _)| name == "blas kernel").map(|(_, kernel)| kernel.as_str())
}

impl Manifest {
    /// The entry of a table.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableEntry> {
        self.tables.iter().find(|entry| entry.table == name)
    }

    /// The entry of a blob.
    #[must_use]
    pub fn blob(&self, name: &str) -> Option<&BlobEntry> {
        self.blobs.iter().find(|entry| entry.name == name)
    }

    /// The BLAS kernel that it was made with.
    pub(crate) fn kernel(&self) -> Option<&str> {
        kernel(&self.provenance)
    }

    /// Whether both hold the same values, wherever they were made.
    #[must_use]
    pub fn same_values(&self, other: &Self) -> bool {
        let tables = |of: &Self| -> Vec<(String, String)> {
            of.tables.iter().map(|entry| (entry.table.clone(), entry.values_sha256.clone())).collect()
        };
        self.kind == other.kind
            && self.key == other.key
            && tables(self) == tables(other)
            && self.blobs == other.blobs
    }

    /// Names and digests of all files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let tables = self.tables.iter().map(|entry| (entry.file.as_str(), entry.sha256.as_str()));
        tables.chain(self.blobs.iter().map(|entry| (entry.file.as_str(), entry.sha256.as_str())))
    }

    /// Fills in the digest of the manifest and gives the bytes to store.
    pub(crate) fn seal(&mut self) -> std::result::Result<Vec<u8>, serde_json::Error> {
        self.digest = String::new();
        self.digest = sha256(&self.render()?);
        self.render()
    }

    fn render(&self) -> std::result::Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest; the problem in words where it is damaged.
    pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let found: Self = serde_json::from_slice(bytes).map_err(|error| format!("manifest.json: {error}"))?;
        let mut sealed = found.clone();
        // Every byte counts: what does not come out the same again has been changed.
        if sealed.seal().map_err(|error| format!("manifest.json: {error}"))? != bytes || sealed != found {
            return Err("manifest.json does not have the digest that it states".to_owned());
        }
        if found.format != FORMAT {
            return Err(format!("manifest.json has format {}, not {FORMAT}", found.format));
        }
        if found.ingredients.kind() != found.kind || found.ingredients.digest() != found.key {
            return Err("the ingredients in manifest.json do not give its key".to_owned());
        }
        if let Some((file, _)) = found.files().find(|(file, _)| !is_plain(file)) {
            return Err(format!("manifest.json names a file `{file}`"));
        }
        Ok(found)
    }
}
