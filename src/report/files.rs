//! Files behind the report: named on the page, linked and copied in a bundle.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::store::read_file;
use crate::table::{MOST_BYTES, Table};
use maud::{Markup, html};
use std::path::{Path, PathBuf};

/// Where a page will stand, which decides what it can link to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By itself, wherever somebody copies it: files are named and not linked.
    Alone,
    /// In a bundle, beside all files that it names.
    Bundle,
}

/// A file with numbers or a drawing.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// The same as the page names it, seen from the page's own folder.
    pub shown: String,
    /// Its path in a bundle.
    pub bundled: String,
    /// Digest: of a table's values, of the bytes of anything else.
    pub digest: String,
}

impl File {
    /// Its bytes, which are what the digest says.
    ///
    /// # Errors
    /// A file that cannot be read or has changed.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        let bytes = read_file(&self.path, MOST_BYTES)?;
        let found = match self.bundled.strip_suffix(".parquet") {
            Some(table) => Table::from_parquet_bytes(table, &bytes)?.values_digest()?,
            None => sha256(&bytes),
        };
        if found == self.digest {
            Ok(bytes)
        } else {
            let problem = format!("has digest {found}, where the report has {}; run again", self.digest);
            Err(Error::damaged(&self.path, problem))
        }
    }
}

/// A page of `docs/` that the report refers to.
pub(crate) struct Document {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it explains; nothing if only another one refers to it.
    pub(crate) explains: &'static str,
    /// The text.
    pub(crate) text: &'static str,
}

/// The pages of `docs/` that go into a bundle.
pub(crate) const DOCUMENTS: [Document; 4] = [
    Document { name: "glossary.md", explains: "every symbol", text: include_str!("../../docs/glossary.md") },
    Document {
        name: "tables.md",
        explains: "every table, column and statistic",
        text: include_str!("../../docs/tables.md"),
    },
    Document {
        name: "derivations.md",
        explains: "derivations behind bounds",
        text: include_str!("../../docs/derivations.md"),
    },
    Document { name: "columns.csv", explains: "", text: include_str!("../../docs/columns.csv") },
];

/// Words that lead to a file of the bundle, or only say them.
pub(crate) fn link(place: Place, bundled: &str, words: &Markup) -> Markup {
    match place {
        Place::Bundle => html! { a href=(bundled) { (words) } },
        Place::Alone => words.clone(),
    }
}

/// The path of a file as seen from a folder, with slashes.
pub fn relative(folder: &Path, file: &Path) -> String {
    let absolute = |path: &Path| {
        path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    };
    let (folder, file) = (absolute(folder), absolute(file));
    let common = folder.components().zip(file.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = file.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
