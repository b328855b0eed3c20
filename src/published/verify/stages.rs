//! Both questions, asked of every stage.

use crate::error::{Error, Result};
use crate::pipeline::plan::plan_all;
use crate::published::standard::is_standard;
use crate::published::verify::committed::committed;
use crate::published::verify::options::VerifyOptions;
use crate::published::verify::recompute::recomputed;
use crate::published::verify::rows::{Row, Rows};
use crate::stage::Profile;
use std::collections::BTreeSet;

/// Verifies stages; every comparison is a row.
///
/// # Errors
/// Settings that are not those of committed files; a lock that cannot be read; a computation that fails.
pub fn verify(request: VerifyOptions<'_>) -> Result<Vec<Row>> {
    let VerifyOptions { all, stages, settings, figures, .. } = request;
    if !is_standard(settings) {
        let problem = "only results with the default seed and parameters are committed: leave out --seed, --set and --overrides";
        return Err(Error::Usage(problem.to_owned()));
    }
    plan_all(all, settings)?;
    let lock = figures.lock()?;
    let mut rows = Vec::new();
    for stage in stages {
        rows.extend(committed(figures, &lock, stage, Profile::Paper)?);
    }
    rows.extend(recomputed(&request, &lock)?);
    if stages.len() == all.len() {
        let known: BTreeSet<&str> = all.iter().map(|stage| stage.name).collect();
        for name in lock.stages.keys().filter(|name| !known.contains(name.as_str())) {
            let mut gone = Rows::new(name, Profile::Paper, "committed");
            gone.same("stage", name, false, "figures.lock has a stage that this program does not have");
            rows.append(&mut gone.list);
        }
    }
    Ok(rows)
}
