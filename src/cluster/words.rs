//! Command lines of the program for others to run.

use crate::stage::Settings;
use std::path::Path;

/// A word as a POSIX shell takes it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,+%@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words as a POSIX shell takes them.
#[must_use]
pub fn line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The options that choose these settings.
#[must_use]
pub fn options(settings: &Settings) -> Vec<String> {
    let mut words = ["--profile", settings.profile.word(), "--seed", &settings.seed.to_string()]
        .map(str::to_owned)
        .to_vec();
    for change in &settings.overrides {
        words.push("--set".to_owned());
        words.push(format!("{}.{}={}", change.experiment, change.key, change.value));
    }
    words
}

/// An option with a path.
#[must_use]
pub fn path(option: &str, path: &Path) -> Vec<String> {
    vec![option.to_owned(), path.display().to_string()]
}
