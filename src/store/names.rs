//! Names of files and folders below the store.

use crate::digest::Key;
use crate::error::{Error, Result};

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
