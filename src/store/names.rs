//! Names of files and folders below the store.

use crate::digest::{Key, sha256};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether `name` can be the name of a file anywhere: letters, digits, `-`, `_` and inner dots.
pub(crate) fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= 120 && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Name of the folder of a result below its stage.
pub(crate) fn folder_name(kind: &str, key: &Key) -> String {
    format!("{kind}-{}", key.brief())
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    if is_plain(name) {
        Ok(())
    } else {
        Err(Error::parameter(what, name, "must be a plain name of letters, digits, `-`, `_` and `.`"))
    }
}

/// A number that no other process or thread has: process, time and count.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{}-{time}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A name for a file in preparation, which nobody else gives: it ends with the digest of the rest.
pub(crate) fn draft() -> String {
    sealed(&unique())
}

fn sealed(number: &str) -> String {
    format!(".new-{number}-{}", &sha256(format!("spectral-alignment draft {number}").as_bytes())[..16])
}

/// Whether [`draft`] made this name.
pub(crate) fn is_draft(name: &str) -> bool {
    let number = name.strip_prefix(".new-").and_then(|rest| rest.rsplit_once('-')).map(|(number, _)| number);
    number.is_some_and(|number| sealed(number) == name)
}
