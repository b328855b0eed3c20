//! Which source code a result depends on, as digests embedded when the program was built.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::error::{Error, Result};

/// One source file as it was when the program was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path below the package, like `src/simulation/sgd.rs`.
    pub path: &'static str,
    /// SHA-256 of its tokens, without comments, documentation and tests; of its bytes, if it is not a Rust file.
    pub digest: &'static str,
    /// Files it refers to, sorted.
    pub dependencies: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// All source files that some result depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    files: Vec<(&'static str, &'static str)>,
}

impl Closure {
    /// Paths and digests, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[(&'static str, &'static str)] {
        &self.files
    }

    /// SHA-256 over all paths and digests, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"source closure 1\0");
        for (path, digest) in &self.files {
            for text in [path, digest] {
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        hex(&hasher.finalize())
    }
}

/// Everything that the files `roots` (like `src/simulation/sgd.rs`) reach, the roots included.
///
/// Files whose path starts with one of `skip_prefixes` are left out, with what only they reach;
/// a root is never left out.
///
/// # Errors
/// A root that is no source file of this program.
pub fn closure(roots: &[&str], skip_prefixes: &[&str]) -> Result<Closure> {
    closure_in(SOURCES, roots, skip_prefixes)
}

/// Like [`closure`], in another list of sources.
///
/// # Errors
/// A root that is not in the list.
pub fn closure_in(sources: &[SourceFile], roots: &[&str], skip_prefixes: &[&str]) -> Result<Closure> {
    let by_path: BTreeMap<&str, &SourceFile> = sources.iter().map(|source| (source.path, source)).collect();
    let mut waiting = Vec::with_capacity(roots.len());
    for root in roots {
        let Some(source) = by_path.get(root) else {
            let known: Vec<&str> = by_path.keys().copied().collect();
            return Err(Error::unknown("source file", root, &known));
        };
        waiting.push(*source);
    }
    let mut reached = BTreeSet::new();
    while let Some(source) = waiting.pop() {
        if !reached.insert((source.path, source.digest)) {
            continue;
        }
        waiting.extend(
            source
                .dependencies
                .iter()
                .filter(|path| !skip_prefixes.iter().any(|prefix| path.starts_with(prefix)))
                .filter_map(|path| by_path.get(path).copied()),
        );
    }
    Ok(Closure { files: reached.into_iter().collect() })
}
