//! Judges and draws again from committed tables: nothing is simulated or reduced, and no cache is needed.
//!
//! The tables of a stage are those that this program would compute as long as no source file, crate, parameter or question behind
//! them has changed since they were published; the lock knows all of these. What judges and draws may have changed.

use crate::digest::sha256;
use crate::error::Result;
use crate::pipeline::code::crates;
use crate::pipeline::parallel::each;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{brief, threads};
use crate::pipeline::run::{judge, present};
use crate::published::figures::Figures;
use crate::published::lockfile::{self, LockEntry, LockFile};
use crate::published::publish::settle;
use crate::published::summary;
use crate::stage::claim::Claim;
use crate::stage::{Profile, Settings};
use crate::store::Blob;

/// What became of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redrawn {
    /// Its claims or figures were made anew.
    Changed,
    /// What is committed is what this program judges and draws.
    UpToDate,
    /// Nothing of it is committed.
    Missing,
    /// Its tables are not known to be those of this program; why.
    Refused(String),
}

/// What is made of the committed tables of a stage.
struct Made {
    entry: LockEntry,
    claims: Vec<Claim>,
    blobs: Vec<Blob>,
}

/// Judges and draws stages from their committed tables under these settings, which must be the standard ones of a profile, and
/// publishes what has changed. Callers must hold [`Figures::alone`].
///
/// # Errors
/// A committed table that is not the one the lock names; a claim or figure that cannot be made of it; a file that cannot be written.
pub fn redraw(figures: &Figures, settings: &Settings, plans: &[StagePlan]) -> Result<Vec<Redrawn>> {
    let (lock, profile) = (figures.lock()?, settings.profile);
    let made = each(plans, threads(), |plan| {
        let Some(old) = lock.entry(plan.stage.name, profile) else { return Ok((Redrawn::Missing, None)) };
        if let Some(reason) = other_data(&lock, old, plan, settings)? {
            return Ok((Redrawn::Refused(reason), None));
        }
        let made = made(figures, settings, plan, old)?;
        let same = made.entry == *old && (profile == Profile::Quick || figures.holds(old));
        Ok(if same { (Redrawn::UpToDate, None) } else { (Redrawn::Changed, Some(made)) })
    })?;
    let changed: Vec<(&StagePlan, &Made)> =
        plans.iter().zip(&made).filter_map(|(plan, (_, made))| Some((plan, made.as_ref()?))).collect();
    let entries = changed.iter().map(|(plan, made)| (*plan, made.entry.clone())).collect();
    let rows = || {
        let rows = |made: &Made| summary::rows(&made.claims).collect();
        Ok(changed.iter().map(|(plan, made)| (plan.stage.name, rows(made))).collect())
    };
    settle(figures, profile, &lock, entries, rows, || {
        let blobs = changed.iter().filter(|_| profile == Profile::Paper).flat_map(|(_, made)| &made.blobs);
        blobs.into_iter().try_for_each(|blob| figures.update(&blob.name, &blob.bytes).map(|_| ()))
    })?;
    Ok(made.into_iter().map(|(redrawn, _)| redrawn).collect())
}

/// What this program makes of the tables of an entry.
fn made(figures: &Figures, settings: &Settings, plan: &StagePlan, old: &LockEntry) -> Result<Made> {
    let results = figures.results_of(settings.profile, plan, old)?;
    let (claims, blobs) = (judge(plan.stage, &results)?, present(plan, &results)?);
    let entry = LockEntry {
        values: old.values.clone(),
        figures: blobs.iter().map(|blob| (blob.name.clone(), sha256(&blob.bytes))).collect(),
        claims: claims.iter().cloned().map(Claim::without_values).collect(),
        ..LockEntry::of(plan, settings)?
    };
    Ok(Made { entry, claims, blobs })
}

/// Why this program would compute other tables than those of an entry; nothing if it would compute these.
///
/// # Errors
/// A stage whose source is not embedded.
pub fn other_data(
    lock: &LockFile,
    entry: &LockEntry,
    plan: &StagePlan,
    settings: &Settings,
) -> Result<Option<String>> {
    if entry.seed != settings.seed {
        return Ok(Some(format!("the seed was {}", entry.seed)));
    }
    if entry.parameters != plan.parameters()? {
        return Ok(Some("the parameters of its experiments are others".to_owned()));
    }
    let own = lockfile::ingredients(plan, settings)?;
    for role in ["seed scheme", "questions"] {
        if entry.ingredients.get(role) != own.get(role) {
            return Ok(Some(format!("its {role} changed")));
        }
    }
    let listed = entry.ingredients.get("crates").map_or("", String::as_str);
    let listed: Vec<&str> = listed.trim_matches(['[', ']']).split(", ").collect();
    if let Some(other) = crates().iter().find(|name| !listed.contains(&name.as_str())) {
        return Ok(Some(format!("it was not computed with {other}")));
    }
    let sources = entry.ingredients.get("code").and_then(|code| lock.sources.get(code));
    let noted = |path: &str| sources.and_then(|sources| sources.get(path)).map(String::as_str);
    let code = plan.data_code()?;
    let other = code.files().iter().find(|(path, digest)| noted(path) != Some(brief(digest)));
    Ok(other.map(|(path, _)| format!("{path} changed")))
}
