//! What made a file, for its metadata: never part of a key.

use crate::pipeline::closure::{COMPILER, TARGET};

/// Program, compiler and target as names and values.
#[must_use]
pub fn provenance() -> Vec<(String, String)> {
    [
        ("program", concat!("spectral-alignment ", env!("CARGO_PKG_VERSION"))),
        ("compiler", COMPILER),
        ("target", TARGET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
