//! Commands that look after the store.

use crate::cli::{GcArgs, PrintArgs};
use crate::commands::console::{open_existing, print_json, print_line};
use crate::digest::Ingredients;
use crate::error::{Result, say};
use crate::pipeline::context::RunContext;
use crate::pipeline::live::LiveSet;
use crate::pipeline::plan::plan_all;
use crate::pipeline::progress::Progress;
use crate::published::status::is_of;
use crate::published::{Figures, standard};
use crate::stage::{Profile, Settings};
use crate::stages::STAGES;
use crate::store::{self, Access, Cleaned, Dropped, Problem, Store};
use serde_json::json;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// `doctor`.
pub fn doctor(PrintArgs { shared, json }: &PrintArgs) -> Result<ExitCode> {
    let settings = shared.settings()?;
    plan_all(STAGES, &settings)?;
    let store = open_existing(shared, Access::Write)?;
    let places = store.places()?;
    let progress = Progress::start("reading everything", places);
    let health = store.examine(&|| progress.add(1))?;
    drop(progress);
    let mut problems = store.take_problems();
    problems.extend(lost(&store, &settings)?);
    let ill = problems.iter().any(|problem| !problem.healed);
    if *json {
        print_json(problems.iter().map(|found| {
            json!({ "path": found.path, "problem": found.problem, "set_aside": found.set_aside,
                    "healed": found.healed })
        }))?;
    } else {
        for problem in &problems {
            print_line(&problem.to_string())?;
        }
        print_line(&format!("{} results with {} are intact", health.results, size(health.bytes)))?;
        if !problems.is_empty() && !ill {
            print_line("everything else has been repaired, or will be recomputed by the next run")?;
        }
    }
    Ok(if ill { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

/// What stages need and the store has lost: data of stages whose tables were made.
fn lost(store: &Store, settings: &Settings) -> Result<Vec<Problem>> {
    let context = RunContext::new(store, settings)?;
    let tables = store.results("tables")?;
    let mut problems = Vec::new();
    for plan in plan_all(STAGES, settings)? {
        let inputs = context.inputs(&plan)?;
        // Only if the store has tables made by the same code with the same parameters were these data ever there.
        let made =
            |lineage| tables.iter().any(|result| is_of(result, &plan, settings) && result.lineage == lineage);
        if inputs.missing.is_empty() || !made(context.lineage(&plan)?) {
            continue;
        }
        let mut of: BTreeMap<&str, usize> = BTreeMap::new();
        for work in &inputs.missing {
            *of.entry(&work.experiment.name).or_default() += 1;
        }
        for (experiment, count) in of {
            let path = store.root().join("packs").join(experiment);
            let problem = format!(
                "needed by stage {0}, absent: {count} replicates of {experiment}, or results about them; `run {0}` makes them",
                plan.stage.name
            );
            problems.push(Problem { path, problem, set_aside: None, healed: true });
        }
    }
    Ok(problems)
}

/// `gc`: keeps what stages use in both profiles with the default seed and parameters, and under the settings given.
pub fn gc(args: &GcArgs) -> Result<ExitCode> {
    let (PrintArgs { shared, json }, dry_run) = (&args.print, args.dry_run);
    let given = shared.settings()?;
    let store = open_existing(shared, if dry_run { Access::Read } else { Access::Alone })?;
    let mut live = LiveSet::default();
    for settings in [standard(Profile::Paper), standard(Profile::Quick), given] {
        let context = RunContext::new(&store, &settings)?;
        for plan in plan_all(STAGES, &settings)? {
            live.add(&context, &plan)?;
        }
    }
    let (others, all) = (Cell::new(0_u64), args.all_versions);
    let foreign = |ingredients: &Ingredients| {
        let keep = !all && !live.is_of_this_program(ingredients);
        others.set(others.get() + u64::from(keep));
        keep
    };
    let dropped = store.drop_unused(
        &|group, entry| live.has_record(group, entry) || foreign(group.ingredients()),
        &|result| live.has_result(result) || foreign(&result.ingredients),
        !dry_run,
    )?;
    if others.get() > 0 {
        say(
            "what other versions of this program made is kept; --all-versions drops what this one does not use",
        );
    }
    if *json {
        let row = |item: &Dropped| {
            json!({ "kind": item.kind, "name": item.name, "path": item.path, "count": item.count,
                    "bytes": item.bytes, "dropped": !dry_run })
        };
        print_json(dropped.iter().map(row))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut kinds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for item in &dropped {
        let (count, bytes) = kinds.entry(&item.kind).or_default();
        (*count, *bytes) = (*count + item.count, *bytes + item.bytes);
    }
    for (kind, (count, bytes)) in kinds {
        print_line(&format!("{kind}: {count} with {}", size(bytes)))?;
    }
    let total = size(dropped.iter().map(|item| item.bytes).sum());
    let verb = if dry_run { "would be dropped" } else { "dropped" };
    let count: u64 = dropped.iter().map(|item| item.count).sum();
    print_line(&format!("{count} items with {total} {verb}; everything that a stage uses stays"))?;
    Ok(ExitCode::SUCCESS)
}

/// `clean`.
pub fn clean(PrintArgs { shared, json }: &PrintArgs) -> Result<ExitCode> {
    let (data, folder) = (shared.data()?, shared.figures()?);
    let mut cleaned = store::clean(&data, &say)?;
    let figures: Vec<&str> = STAGES.iter().flat_map(|stage| stage.figures).copied().collect();
    Figures::at(&folder).clean(&figures, &mut cleaned)?;
    print_cleaned(&cleaned, *json)?;
    Ok(ExitCode::SUCCESS)
}

/// What was removed and what was left.
pub(crate) fn print_cleaned(cleaned: &Cleaned, json: bool) -> Result<()> {
    if json {
        return print_json([json!({ "files": cleaned.files, "bytes": cleaned.bytes, "left": cleaned.left })]);
    }
    for path in &cleaned.left {
        print_line(&format!("{}: was not made by this program; left there", path.display()))?;
    }
    print_line(&format!("{} files with {} removed", cleaned.files, size(cleaned.bytes)))
}

/// Bytes, with the digits that matter to people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB ({bytes} bytes)", bytes / 1000),
        _ => format!("{} MB ({bytes} bytes)", bytes / 1_000_000),
    }
}
