//! The settings whose results are committed, and the names of the others.

use crate::digest::sha256;
use crate::stage::{Profile, Settings};

/// The root seed of everything that is committed.
pub const DEFAULT_SEED: u64 = crate::stage::claim::EDITION;

/// Default seed and parameters.
#[must_use]
pub fn standard(profile: Profile) -> Settings {
    Settings { profile, seed: DEFAULT_SEED, overrides: Vec::new() }
}

/// Whether settings have the default seed and parameters, so that their results are in the lock.
#[must_use]
pub fn is_standard(settings: &Settings) -> bool {
    *settings == standard(settings.profile)
}

/// Name of the folder for results that are not committed, or not drawn in the committed style.
#[must_use]
pub fn variant(settings: &Settings) -> String {
    let mut name = settings.profile.word().to_owned();
    if settings.seed != DEFAULT_SEED {
        name = format!("{name}-seed-{}", settings.seed);
    }
    if !settings.overrides.is_empty() {
        let changes: Vec<String> = settings
            .overrides
            .iter()
            .map(|change| format!("{}.{}={}", change.experiment, change.key, change.value))
            .collect();
        let digest = sha256(changes.join("\n").as_bytes());
        name = format!("{name}-set-{}", digest.get(..8).unwrap_or_default());
    }
    name
}
