//! Commands that look after the store.

use crate::cli::Shared;
use crate::commands::{Stages, open, print_json, say, waiting};
use crate::error::Result;
use crate::pipeline::plan::{RunContext, plan_all};
use crate::pipeline::progress::Progress;
use crate::pipeline::used::Used;
use crate::published::standard;
use crate::stage::Profile;
use crate::store::{Dropped, Store};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// `doctor`.
///
/// # Errors
/// Bad parameters; a store that cannot be read or written.
pub fn doctor(all: &Stages, shared: &Shared, as_json: bool) -> Result<ExitCode> {
    plan_all(all, &shared.settings()?)?;
    let store = Store::open(&shared.data)?;
    let _lock = store.lock_shared(|| waiting(shared))?;
    let mut problems = store.take_problems();
    let units = store.places()?.len() as u64;
    let progress = Progress::start(&format!("checking {units} units"), units);
    let health = store.examine(&|| progress.add(1))?;
    drop(progress);
    problems.extend(health.problems);
    let ill = problems.iter().any(|problem| !problem.healed);
    if as_json {
        let rows: Vec<_> = problems
            .iter()
            .map(|found| {
                json!({ "path": found.path, "problem": found.problem, "set_aside": found.set_aside,
                        "healed": found.healed })
            })
            .collect();
        print_json(&rows)?;
    } else {
        for problem in &problems {
            say(&problem.to_string())?;
        }
        say(&format!("{} units with {} are sound", health.units, size(health.bytes)))?;
        if !problems.is_empty() && !ill {
            say("everything else is set right, or the next run makes it again")?;
        }
    }
    Ok(if ill { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

/// `gc`: keeps what stages use in both profiles with the default seed and parameters, and under the settings given.
///
/// # Errors
/// Bad parameters; a store that cannot be read or written.
pub fn gc(all: &Stages, shared: &Shared, as_json: bool, dry_run: bool) -> Result<ExitCode> {
    let given = shared.settings()?;
    let store = open(shared)?;
    let alone = store.lock_exclusive(|| {
        eprintln!("waiting until all runs on {} are done", shared.data.display());
    })?;
    let mut used = Used::default();
    for settings in [standard(Profile::Paper), standard(Profile::Quick), given] {
        let context = RunContext::new(&store, &settings)?;
        for plan in plan_all(all, &settings)? {
            used.add(&context, &plan)?;
        }
    }
    let dropped = store.drop_unused(&alone, |unit| used.contains(unit), !dry_run)?;
    if as_json {
        let row = |item: &Dropped| {
            json!({ "kind": item.kind, "name": item.name, "path": item.path, "bytes": item.bytes,
                    "dropped": !dry_run })
        };
        print_json(&dropped.iter().map(row).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut kinds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for item in &dropped {
        let (count, bytes) = kinds.entry(&item.kind).or_default();
        (*count, *bytes) = (*count + 1, *bytes + item.bytes);
    }
    for (kind, (count, bytes)) in kinds {
        say(&format!("{kind}: {count} with {}", size(bytes)))?;
    }
    let total = size(dropped.iter().map(|item| item.bytes).sum());
    let verb = if dry_run { "would be dropped" } else { "dropped" };
    say(&format!("{} items with {total} {verb}; everything that a stage uses stays", dropped.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// Bytes, with the digits that matter to people.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB ({bytes} bytes)", bytes / 1000),
        _ => format!("{} MB ({bytes} bytes)", bytes / 1_000_000),
    }
}
