//! Versions of the numerical crates that this package was locked to.

use std::collections::{BTreeMap, BTreeSet};

/// Name, version and dependencies (`name` or `name version`) of one locked package.
struct Package {
    name: String,
    version: String,
    dependencies: Vec<String>,
}

/// Versions of those `wanted` crates that `root` reaches through wanted crates alone, sorted. Other
/// versions of the same crates, which some tool may pull in, do not count.
pub fn versions(lock: &str, root: &str, wanted: &[&str]) -> Vec<(String, String)> {
    let packages = parse(lock);
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Package> = by_name.get(root).cloned().unwrap_or_default();
    while let Some(package) = waiting.pop() {
        for dependency in &package.dependencies {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            if !wanted.contains(&name) {
                continue;
            }
            for candidate in by_name.get(name).into_iter().flatten() {
                if version.is_none_or(|version| version == candidate.version)
                    && found.insert((candidate.name.clone(), candidate.version.clone()))
                {
                    waiting.push(candidate);
                }
            }
        }
    }
    found.into_iter().collect()
}

fn parse(lock: &str) -> Vec<Package> {
    lock.split("[[package]]").skip(1).map(package).collect()
}

fn package(block: &str) -> Package {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
            .map_or_else(String::new, |value| value.trim_matches('"').to_owned())
    };
    let dependencies = block
        .lines()
        .skip_while(|line| *line != "dependencies = [")
        .skip(1)
        .take_while(|line| *line != "]")
        .map(|line| line.trim().trim_matches(',').trim_matches('"').to_owned())
        .collect();
    Package { name: field("name"), version: field("version"), dependencies }
}
