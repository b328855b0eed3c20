//! The files of a crate, their digests, and which depends on which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

use crate::paths::{Names, names};
use crate::tokens::{canonical, digest, hex};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path below the package, with `/`.
    pub path: String,
    /// Digest of its canonical tokens (of its bytes, if it is no Rust file).
    pub digest: String,
    /// Files it names, sorted, without itself.
    pub dependencies: Vec<String>,
}

/// All files, sorted by path, and what is forbidden in them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Files, sorted by path.
    pub files: Vec<File>,
    /// File and problem.
    pub violations: Vec<(String, String)>,
}

/// Reads `src` below `package`, whose crate other binaries call `crate_name`.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn scan(package: &Path, crate_name: &str) -> io::Result<Graph> {
    let mut paths = Vec::new();
    walk(&package.join("src"), "src", &mut paths)?;
    paths.sort();
    let mut graph = Graph::default();
    let mut modules = Modules { crate_name: crate_name.to_owned(), ..Modules::default() };
    let mut digests = BTreeMap::new();
    let mut all = BTreeMap::new();
    for path in paths {
        let bytes = fs::read(package.join(&path))?;
        let text = String::from_utf8_lossy(&bytes);
        let found = match canonical(&text) {
            Ok(tokens) => {
                digests.insert(path.clone(), digest(&tokens));
                names(&tokens)
            }
            Err(problem) => {
                digests.insert(path.clone(), hex(&Sha256::digest(&bytes)));
                Names { forbidden: vec![format!("cannot be read as Rust: {problem}")], ..Names::default() }
            }
        };
        graph.violations.extend(found.forbidden.iter().map(|problem| (path.clone(), problem.clone())));
        modules.files.insert(module(&path), path.clone());
        all.insert(path, found);
    }
    modules.find_aliases(&all);
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, found) in &all {
        let mut targets = BTreeSet::new();
        let imports = found.imports.iter().map(|import| &import.path);
        for segments in found.paths.iter().chain(imports) {
            modules.resolve_in(path, segments, &mut targets);
        }
        // An `impl` far from both its trait and its type is named by nobody who uses it.
        for implementation in found.implementations.iter().filter(|found| !found.local) {
            let mut owners = BTreeSet::new();
            for segments in &implementation.paths {
                modules.resolve_in(path, segments, &mut owners);
            }
            for owner in owners {
                edges.entry(owner).or_default().insert(path.clone());
            }
        }
        for name in &found.included {
            let target = beside(path, name);
            match fs::read(package.join(&target)) {
                Ok(bytes) => {
                    digests.insert(target.clone(), hex(&Sha256::digest(&bytes)));
                    targets.insert(target);
                }
                Err(_) => {
                    graph.violations.push((path.clone(), format!("includes {name}, which is not there")));
                }
            }
        }
        edges.entry(path.clone()).or_default().append(&mut targets);
    }
    graph.files = digests
        .into_iter()
        .map(|(path, digest)| {
            let mut dependencies = edges.remove(&path).unwrap_or_default();
            dependencies.remove(&path);
            File { path, digest, dependencies: dependencies.into_iter().collect() }
        })
        .collect();
    Ok(graph)
}

fn walk(folder: &Path, name: &str, out: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let below = format!("{name}/{}", file.to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &below, out)?;
        } else if Path::new(&file).extension().is_some_and(|extension| extension == "rs") {
            out.push(below);
        }
    }
    Ok(())
}

/// Module path of a file: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if segments.last().is_some_and(|last| last == "mod") || inner == "lib" {
        segments.pop();
    } else if inner == "main" {
        // Not a place that other files can name.
        return vec![String::new(), "main".to_owned()];
    }
    segments
}

/// `name` as seen from the folder of `path`.
fn beside(path: &str, name: &str) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut clean = PathBuf::new();
    for part in folder.join(name).components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean.to_string_lossy().replace('\\', "/")
}

/// Names that a file brings into scope: from the crate's root, without `crate`.
type Aliases = BTreeMap<String, BTreeSet<Vec<String>>>;

#[derive(Default)]
struct Modules {
    crate_name: String,
    files: BTreeMap<Vec<String>, String>,
    aliases: BTreeMap<String, Aliases>,
}

impl Modules {
    /// Learns what every file calls the modules that it imports or declares.
    fn find_aliases(&mut self, all: &BTreeMap<String, Names>) {
        for (path, found) in all {
            let here = if path == "src/main.rs" { Vec::new() } else { module(path) };
            let aliases = self.aliases.entry(path.clone()).or_default();
            for child in &found.children {
                let mut target = here.clone();
                target.push(child.clone());
                aliases.entry(child.clone()).or_default().insert(target);
            }
        }
        // Imports may build on other imports: repeat until nothing new is found.
        for _ in 0..8 {
            let mut new = Vec::new();
            for (path, found) in all {
                for import in &found.imports {
                    for target in self.absolute(path, &import.path) {
                        match &import.name {
                            Some(name) => new.push((path.clone(), name.clone(), target)),
                            None => new.extend(
                                self.inside(&target)
                                    .into_iter()
                                    .map(|(name, inner)| (path.clone(), name, inner)),
                            ),
                        }
                    }
                }
            }
            let mut grew = false;
            for (path, name, target) in new {
                grew |= self.aliases.entry(path).or_default().entry(name).or_default().insert(target);
            }
            if !grew {
                break;
            }
        }
    }

    /// What a glob import of `target` brings: files directly below it, and what it imports itself.
    fn inside(&self, target: &[String]) -> Vec<(String, Vec<String>)> {
        let below = self
            .files
            .keys()
            .filter(|module| module.len() == target.len() + 1 && module.starts_with(target))
            .filter_map(|module| Some((module.last()?.clone(), module.clone())));
        let imported = self
            .files
            .get(target)
            .and_then(|file| self.aliases.get(file))
            .into_iter()
            .flatten()
            .flat_map(|(name, targets)| targets.iter().map(move |target| (name.clone(), target.clone())));
        below.chain(imported).collect()
    }

    /// `segments` as written in `file`, from the crate's root; empty if it leads out of the crate.
    fn absolute(&self, file: &str, segments: &[String]) -> Vec<Vec<String>> {
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        if *first == "crate" || *first == self.crate_name {
            return vec![rest.to_vec()];
        }
        let targets = self.aliases.get(file).and_then(|aliases| aliases.get(first));
        targets.into_iter().flatten().map(|target| [target.as_slice(), rest].concat()).collect()
    }

    /// Adds the files that `segments`, as written in `file`, lead to.
    fn resolve_in(&self, file: &str, segments: &[String], out: &mut BTreeSet<String>) {
        for target in self.absolute(file, segments) {
            self.resolve(&target, out, 0);
        }
    }

    fn resolve(&self, target: &[String], out: &mut BTreeSet<String>, depth: usize) {
        for length in (0..=target.len()).rev() {
            let Some(file) = self.files.get(&target[..length]) else { continue };
            out.insert(file.clone());
            // The rest may go through a module that the file re-exports.
            if let Some((name, rest)) = target[length..].split_first()
                && depth < 16
            {
                for next in self.aliases.get(file).and_then(|aliases| aliases.get(name)).into_iter().flatten()
                {
                    let next = [next.as_slice(), rest].concat();
                    if next != target {
                        self.resolve(&next, out, depth + 1);
                    }
                }
            }
            return;
        }
    }
}
