//! Claims as they were committed earlier.

use crate::error::{Error, Result};
use crate::published::figures::Figures;
use crate::published::lockfile::{self, LOCK};
use crate::stage::Profile;
use crate::stage::claim::Claim;
use std::process::Command;

/// The claims in `figures.lock` at a commit, as git names it.
///
/// # Errors
/// [`Error::Usage`] for a name that is neither a commit nor a variant, or a commit without the file; a lock of another format.
pub fn claims_at(figures: &Figures, commit: &str, profile: Profile) -> Result<Vec<Claim>> {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let place = format!("{commit}:./{LOCK}");
    let git = git.args(["--no-optional-locks", "-C"]).arg(figures.root());
    let answer = git.args(["show", "--end-of-options", &place]).output().map_err(Error::io("run", "git"))?;
    if !answer.status.success() {
        let variants = figures.variants()?;
        let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        return Err(Error::Usage(format!(
            "--diff {commit}: is no variant ({known}) and no commit with a {LOCK}; git says: {}",
            String::from_utf8_lossy(&answer.stderr).trim().lines().next().unwrap_or("nothing")
        )));
    }
    let lock = lockfile::parse(&answer.stdout).map_err(|problem| Error::damaged(place, problem))?;
    let entries = lock.stages.into_values().filter_map(|mut profiles| profiles.remove(profile.word()));
    Ok(entries.flat_map(|entry| entry.claims).collect())
}
