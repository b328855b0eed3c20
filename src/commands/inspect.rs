//! Commands that only read and print: `list`, `status`, `why`, `tables`; how `plan` prints.

use crate::cli::{PrintArgs, StageArgs, StagesArgs, StatusArgs};
use crate::commands::console::{
    listed, named, open, plans_of, print_json, print_line, print_styled, print_wrapped, styled,
};
use crate::commands::watch::watch;
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::pipeline::units::{Unit, seconds};
use crate::problem::family::{Outline, outlines};
use crate::published::lockfile::summary_file;
use crate::published::why::{Change, Explanation, why};
use crate::published::{Figures, Status, cached_status};
use crate::stage::{Profile, Settings};
use crate::stages::STAGES;
use crate::store::Access;
use anstyle::Style;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn described(family: &Outline) -> serde_json::Value {
    let axis = |(key, values): &(&str, Vec<f64>)| json!({ "key": key, "values": values });
    json!({ "family": family.family, "axes": family.axes.iter().map(axis).collect::<Vec<_>>(),
            "members": family.members })
}

/// `list`.
pub fn list(StagesArgs { stages, print }: &StagesArgs) -> Result<ExitCode> {
    let wanted = listed(stages)?;
    let mut plans = plan_all(STAGES, &print.shared.settings()?)?;
    plans.retain(|plan| wanted.iter().any(|stage| stage.name == plan.stage.name));
    let families = |plan: &StagePlan| outlines(plan.requests.iter().map(|request| &request.experiment));
    if print.json {
        print_json(plans.iter().map(|plan| {
            let stage = plan.stage;
            json!({ "name": stage.name, "kind": stage.kind.word(), "title": stage.title,
                    "on_request": stage.on_request, "claims": stage.claims,
                    "figures": stage.figures, "experiments": plan.experiments().into_keys().collect::<Vec<_>>(),
                    "families": families(plan).iter().map(described).collect::<Vec<_>>() })
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for plan in &plans {
        let stage = plan.stage;
        let claims = if stage.claims.is_empty() { "none".to_owned() } else { stage.claims.join(", ") };
        let on_request = if stage.on_request { ", on request" } else { "" };
        let name = styled(Style::new().bold(), stage.name);
        print_styled(&format!("{name} ({}{on_request})", stage.kind.word()))?;
        print_wrapped("    ", 4, stage.title)?;
        print_wrapped("    claims: ", 12, &claims)?;
        print_wrapped("    figures: ", 13, &stage.figures.join(", "))?;
        let experiments = plan.requests.iter().map(|request| &request.experiment);
        let alone: Vec<&str> =
            experiments.filter(|one| one.member.is_none()).map(|one| one.name.as_str()).collect();
        if !alone.is_empty() {
            print_wrapped("    experiments: ", 17, &alone.join(", "))?;
        }
        for family in families(plan) {
            print_wrapped("    family ", 11, &family.to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What stages lack, as `plan` and `run --dry-run` print it.
pub(crate) fn print_units(
    context: &RunContext,
    plans: &[StagePlan],
    units: &[Unit],
    json: bool,
) -> Result<ExitCode> {
    if json {
        print_json(units.iter().map(|unit| {
            json!({ "unit": unit.name, "experiment": unit.experiment, "replicate": unit.replicate,
                    "what": unit.what(), "seconds": unit.seconds(), "whole_seconds": seconds(unit.whole),
                    "bytes": unit.bytes })
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut experiments: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for unit in units {
        experiments.entry(&unit.experiment).or_default().push(unit);
    }
    let mut rows = vec![["experiment", "trajectories", "spectra", "seconds"].map(str::to_owned)];
    rows.extend(experiments.iter().map(|(experiment, units)| {
        let trajectories = units.iter().filter(|unit| unit.trajectory).count();
        let results: usize = units.iter().map(|unit| unit.results).sum();
        let seconds: f64 = units.iter().map(|unit| unit.seconds()).sum();
        [(*experiment).to_owned(), trajectories.to_string(), results.to_string(), format!("{seconds:.1}")]
    }));
    let [name, most, many, long]: [usize; 4] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default());
    for [experiment, trajectories, spectra, seconds] in rows.iter().filter(|_| !units.is_empty()) {
        print_line(&format!(
            "{experiment:name$}  {trajectories:>most$}  {spectra:>many$}  {seconds:>long$}"
        ))?;
    }
    let mut finished = Vec::new();
    for plan in plans {
        if cached_status(context, plan)? != Status::UpToDate {
            finished.push(plan.stage.name);
        }
    }
    if finished.is_empty() {
        print_line("everything is up to date")?;
        return Ok(ExitCode::SUCCESS);
    }
    let seconds: f64 = units.iter().map(Unit::seconds).sum();
    print_line(&format!("{} replicates, about {seconds:.1} s on one thread (an estimate)", units.len()))?;
    print_wrapped("then reduced, judged and drawn: ", 4, &finished.join(", "))?;
    Ok(ExitCode::SUCCESS)
}

/// Stage, profile, status.
type StatusRow = (String, &'static str, Status);

/// `status`.
pub fn status(args: &StatusArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    let settings = shared.settings()?;
    let wanted = if args.watch { named(&args.stages)? } else { listed(&args.stages)? };
    let plans = plans_of(&wanted, &settings)?;
    if args.watch {
        return watch(args, &settings, &plans);
    }
    let rows: Vec<StatusRow> = if args.committed {
        let rows = committed_statuses(&Figures::at(&shared.figures()?), &settings)?;
        let asked = |name: &str| args.stages.is_empty() || args.stages.iter().any(|stage| stage == name);
        rows.into_iter().filter(|(name, _, _)| asked(name)).collect()
    } else {
        let store = open(shared, Access::Read)?;
        let context = RunContext::new(&store, &settings)?;
        let row = |plan: &StagePlan| {
            Ok((plan.stage.name.to_owned(), settings.profile.word(), cached_status(&context, plan)?))
        };
        plans.iter().map(row).collect::<Result<_>>()?
    };
    if *json {
        print_json(rows.iter().map(
            |(stage, profile, status)| json!({ "stage": stage, "profile": profile, "status": status.word() }),
        ))?;
    } else {
        for (stage, profile, status) in &rows {
            let profile = if args.committed { format!(" ({profile})") } else { String::new() };
            print_line(&format!("{stage}{profile}: {}", status.word()))?;
        }
    }
    // What runs on request only need not have been published.
    let on_request = |name: &str| STAGES.iter().any(|stage| stage.name == name && stage.on_request);
    let stale = args.committed
        && rows.iter().any(|(name, _, status)| match status {
            Status::UpToDate => false,
            Status::Missing => !on_request(name),
            Status::Stale => true,
        });
    Ok(if stale { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Whether what is committed of every stage in every profile belongs to this program; a stage that no longer exists is stale,
/// and so is a file over all stages that is not the one of the lock.
fn committed_statuses(figures: &Figures, settings: &Settings) -> Result<Vec<StatusRow>> {
    let lock = figures.lock()?;
    let mut rows = Vec::new();
    for profile in [Profile::Paper, Profile::Quick] {
        let settings = Settings { profile, ..settings.clone() };
        for plan in plan_all(STAGES, &settings)? {
            let status = figures.committed_status(&lock, &plan, &settings)?;
            rows.push((plan.stage.name.to_owned(), profile.word(), status));
        }
    }
    let gone = |name: &&String| !STAGES.iter().any(|stage| stage.name == name.as_str());
    rows.extend(lock.stages.keys().filter(gone).map(|name| (name.clone(), "any", Status::Stale)));
    let wrong = figures.summaries(&lock).into_iter().filter(|(_, wrong)| wrong.is_some());
    rows.extend(wrong.map(|(name, _)| (summary_file(&name), "any", Status::Stale)));
    Ok(rows)
}

/// The plan of the stage that a command is about.
fn plan_of(args: &StageArgs) -> Result<(StagePlan, Settings)> {
    let settings = args.print.shared.settings()?;
    let stage = named(std::slice::from_ref(&args.stage))?[0];
    plan_all(STAGES, &settings)?;
    Ok((StagePlan::new(stage, &settings)?, settings))
}

/// `why`.
pub(crate) fn explain(args: &StageArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    let (plan, settings) = plan_of(args)?;
    let figures = Figures::at(&shared.figures()?);
    let store = open(shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let Explanation { status, against, changes } = why(&context, &figures, &plan)?;
    let name = plan.stage.name;
    if *json {
        let row = |change: Option<&Change>| {
            json!({ "stage": name, "status": status.word(), "against": against,
                    "ingredient": change.map(|change| &change.ingredient),
                    "old": change.and_then(|change| change.old.as_ref()),
                    "new": change.and_then(|change| change.new.as_ref()) })
        };
        let unchanged = changes.is_empty().then(|| row(None));
        print_json(changes.iter().map(|change| row(Some(change))).chain(unchanged))?;
        return Ok(ExitCode::SUCCESS);
    }
    let compared = match (status, against) {
        (Status::UpToDate, _) => "",
        (_, "cache") => "; compared with the closest earlier result in the cache:",
        (_, "figures.lock") => "; nothing is cached; compared with figures.lock:",
        _ => "; nothing is cached or committed:",
    };
    print_line(&format!("{name}: {}{compared}", status.word()))?;
    for change in &changes {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        print_line(&format!("    {}: {} → {}", change.ingredient, side(&change.old), side(&change.new)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `tables`.
pub fn tables(args: &StageArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    let (plan, settings) = plan_of(args)?;
    let store = open(shared, Access::Read)?;
    let current = match RunContext::new(&store, &settings)?.current_tables(&plan)? {
        Some(manifest) if store.is_intact(&manifest)? => Some(manifest),
        _ => None,
    };
    let (name, data) = (plan.stage.name, shared.data()?);
    let manifest = current.ok_or_else(|| Error::Absent {
        what: format!("the tables of {name} are not in {}", data.display()),
        remedy: format!("`spectral-alignment run {name}` makes them"),
    })?;
    let folder = store.result_folder(&manifest);
    if *json {
        print_json(manifest.tables.iter().map(|entry| {
            json!({ "table": entry.table, "path": folder.join(&entry.file), "rows": entry.rows,
                    "sha256": entry.sha256, "values_sha256": entry.values_sha256 })
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &manifest.tables {
        let path = folder.join(&entry.file);
        print_line(&format!("{}: {} rows, {}", entry.table, entry.rows, path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
