//! Versions of the numerical crates that this package was locked to.

use std::collections::BTreeSet;

use serde::Deserialize;

/// `Cargo.lock`, as far as it is needed here.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

/// One locked package.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `name`, or `name version` where there are several, or with the source as a third word.
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Versions of those `wanted` crates that `root` reaches through wanted crates alone, sorted. Other versions of the same
/// crates, which some tool may pull in, do not count.
///
/// # Errors
/// A text that is no lock file, in words.
pub fn versions(lock: &str, root: &str, wanted: &[&str]) -> Result<Vec<(String, String)>, String> {
    let Lock { package: packages } =
        toml::from_str(lock).map_err(|error| format!("Cargo.lock: {}", error.to_string().trim()))?;
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Package> = packages.iter().filter(|package| package.name == root).collect();
    while let Some(package) = waiting.pop() {
        for dependency in &package.dependencies {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            if !wanted.contains(&name) {
                continue;
            }
            let meant = |other: &&Package| {
                other.name == name && version.is_none_or(|version| version == other.version)
            };
            for candidate in packages.iter().filter(meant) {
                if found.insert((candidate.name.clone(), candidate.version.clone())) {
                    waiting.push(candidate);
                }
            }
        }
    }
    Ok(found.into_iter().collect())
}
