//! Commands that only read and print: `list`, `status`, `why`, `tables`, `claims`.

use crate::cli::{ClaimsArgs, PrintArgs, StageArgs, StatusArgs};
use crate::commands::console::{claim_line, named, open, print_json, print_line};
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::problem::family::{Outline, outlines};
use crate::published::why::{Change, Explanation, why};
use crate::published::{Figures, Status, cached_status};
use crate::report::{claims_page, summary};
use crate::stage::claim::{Claim, Source, Verdict};
use crate::stage::{Profile, Settings};
use crate::stages::STAGES;
use crate::store::Access;
use serde_json::json;
use std::process::ExitCode;

fn described(family: &Outline) -> serde_json::Value {
    let axis = |(key, values): &(&str, Vec<f64>)| json!({ "key": key, "values": values });
    json!({ "family": family.family, "axes": family.axes.iter().map(axis).collect::<Vec<_>>(),
            "members": family.members })
}

/// `list`.
pub fn list(args: &PrintArgs) -> Result<ExitCode> {
    let plans = plan_all(STAGES, &args.shared.settings()?)?;
    let families = |plan: &StagePlan| outlines(plan.requests.iter().map(|request| &request.experiment));
    if args.json {
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
        print_line(&format!("{} ({}{on_request})\n    {}", stage.name, stage.kind.word(), stage.title))?;
        print_line(&format!("    claims: {claims}\n    figures: {}", stage.figures.join(", ")))?;
        let experiments = plan.requests.iter().map(|request| &request.experiment);
        let alone: Vec<&str> =
            experiments.filter(|one| one.member.is_none()).map(|one| one.name.as_str()).collect();
        if !alone.is_empty() {
            print_line(&format!("    experiments: {}", alone.join(", ")))?;
        }
        for family in families(plan) {
            print_line(&format!("    family {family}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Stage, profile, status.
type StatusRow = (String, &'static str, Status);

/// `status`.
pub fn status(args: &StatusArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    let settings = shared.settings()?;
    let plans = plan_all(STAGES, &settings)?;
    let rows: Vec<StatusRow> = if args.committed {
        committed_statuses(&Figures::at(&shared.figures), &settings)?
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

/// Whether what is committed of every stage in every profile belongs to this program; a stage that no longer exists is stale.
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
    let store = open(shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let Explanation { status, against, changes } = why(&context, &Figures::at(&shared.figures), &plan)?;
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
    let name = plan.stage.name;
    let manifest = current.ok_or_else(|| Error::Absent {
        what: format!("the tables of {name} are not in {}", shared.data.display()),
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

/// `claims`.
pub fn claims(args: &ClaimsArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    if args.page {
        let figures = Figures::at(&shared.figures);
        print_line(&claims_page(STAGES, &figures.lock()?, &figures.editions()?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let settings = shared.settings()?;
    let plans = plan_all(STAGES, &settings)?;
    let store = open(shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let committed = Figures::at(&shared.figures);
    let mut claims: Vec<Claim> = Vec::new();
    for plan in &plans {
        let current = context.current_tables(plan)?;
        claims.extend(committed.claims(&store, &settings, plan, current.as_ref())?);
    }
    if *json {
        let rows: std::result::Result<Vec<_>, _> = claims.iter().map(serde_json::to_value).collect();
        print_json(rows.map_err(|error| Error::defect("claims", error))?)?;
    } else {
        for claim in &claims {
            print_line(&claim_line(claim))?;
        }
        print_line(&summary(claims.iter()))?;
        if claims.iter().any(|claim| claim.source == Source::Committed) {
            let figures = shared.figures.display();
            print_line(&format!("(some from the values committed in {figures}; `run` computes them)"))?;
        }
    }
    let failed = claims.iter().any(|claim| claim.verdict == Verdict::Fails);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
