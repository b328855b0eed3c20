//! The machine and the working tree that a result was made on.

use crate::digest::hex;
use crate::pipeline::closure::{SOURCE_BYTES, SOURCES};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Name of the processor.
pub static CPU: LazyLock<String> = LazyLock::new(|| {
    let named = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    named.or_else(|| said("sysctl", &["-n", "machdep.cpu.brand_string"])).unwrap_or_else(unknown)
});

/// The commit of the working tree, and whether its sources have been changed (`true`, `false`, `unknown`).
pub static COMMIT: LazyLock<(String, String)> =
    LazyLock::new(|| commit(Path::new(env!("CARGO_MANIFEST_DIR"))));

fn unknown() -> String {
    "unknown".to_owned()
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    // A hook's or an alias's repository is not the one that is asked about.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let answer = command.args(arguments).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    answer.status.success().then(|| text.trim().to_owned())
}

/// What git says about `root`, if its sources are still those that this program was built from.
fn commit(root: &Path) -> (String, String) {
    let git = |arguments: &[&str]| {
        said("git", &[&["--no-optional-locks", "-C", root.to_str()?], arguments].concat())
    };
    if source_bytes(root).as_deref() != Some(SOURCE_BYTES) {
        return (unknown(), unknown());
    }
    let Some(commit) = git(&["rev-parse", "--verify", "HEAD"]) else { return (unknown(), unknown()) };
    let others = ["build", "build.rs", "Cargo.toml", "Cargo.lock"];
    let paths = SOURCES.iter().map(|source| source.path).chain(others);
    let changed = git(&["status", "--porcelain", "--"].into_iter().chain(paths).collect::<Vec<_>>());
    (commit, changed.map_or_else(unknown, |changed| (!changed.is_empty()).to_string()))
}

/// Digest of the bytes of all sources below `root`, as the build script computes it.
pub(crate) fn source_bytes(root: &Path) -> Option<String> {
    let mut hasher = Sha256::new();
    for source in SOURCES {
        let bytes = fs::read(root.join(source.path)).ok()?;
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Some(hex(&hasher.finalize()))
}
