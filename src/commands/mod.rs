//! What each command does with the stages, and how it prints it.

use crate::cli::Shared;
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::pipeline::run::{Done, RunOptions, run};
use crate::plot::contact_sheet::contact_sheet;
use crate::plot::png::{PRINT, png};
use crate::problem::family::{Outline, outlines};
use crate::published::Figures;
use crate::published::publish::{drop_gone, publish, record, update};
use crate::published::why::is_of;
use crate::stage::claim::{Bound, Claim, Verdict};
use crate::stage::{Profile, Settings, Stage};
use crate::store::{Access, Store};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub mod export;
pub mod new;
pub mod report;
pub mod upkeep;
pub mod verify;
pub mod why;

type Stages = [&'static Stage];

/// Prints a line. A reader that has gone away, as in `… | head`, is no error.
fn print_line(line: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}

fn print_json(rows: &[serde_json::Value]) -> Result<()> {
    print_line(&format!("{:#}", serde_json::Value::from(rows.to_vec())))
}

fn named(all: &Stages, names: &[String]) -> Result<Vec<&'static Stage>> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let known: Vec<&str> = all.iter().map(|stage| stage.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::unknown("stage", name, &known));
    }
    Ok(all.iter().copied().filter(|stage| names.iter().any(|name| name == stage.name)).collect())
}

/// The store of a command: what was found damaged in it is named in the end, whatever becomes of the command.
struct Opened(Store);

impl std::ops::Deref for Opened {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        for problem in self.0.take_problems() {
            eprintln!("damaged: {problem}");
        }
    }
}

fn open(shared: &Shared, access: Access) -> Result<Opened> {
    let data = shared.data.display();
    let on_wait = || match access {
        Access::Alone => eprintln!("waiting until all runs on {data} are done"),
        _ => eprintln!("waiting until `gc` is done with {data}"),
    };
    Store::open(&shared.data, access, on_wait).map(Opened)
}

/// The number of threads to compute on.
fn threads(jobs: Option<u16>) -> Result<usize> {
    match jobs {
        Some(0) => Err(Error::parameter("--jobs", 0, "must be at least 1")),
        Some(jobs) => Ok(usize::from(jobs)),
        None => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
    }
}

/// The families of experiments of a stage.
fn families(plan: &StagePlan) -> Vec<Outline> {
    outlines(plan.requests.iter().map(|request| &request.experiment))
}

fn described(family: &Outline) -> serde_json::Value {
    let axis = |(key, values): &(&str, Vec<f64>)| json!({ "key": key, "values": values });
    json!({ "family": family.family, "axes": family.axes.iter().map(axis).collect::<Vec<_>>(),
            "members": family.members })
}

/// `list`.
///
/// # Errors
/// Bad parameters.
pub fn list(all: &Stages, shared: &Shared, as_json: bool) -> Result<ExitCode> {
    let plans = plan_all(all, &shared.settings()?)?;
    let names = |plan: &StagePlan| plan.experiments().into_keys().collect::<Vec<_>>();
    if as_json {
        let rows: Vec<_> = plans
            .iter()
            .map(|plan| {
                let stage = plan.stage;
                json!({ "name": stage.name, "kind": stage.kind.word(), "title": stage.title, "claims": stage.claims,
                        "figures": stage.figures, "experiments": names(plan),
                        "families": families(plan).iter().map(described).collect::<Vec<_>>() })
            })
            .collect();
        print_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    for plan in &plans {
        let stage = plan.stage;
        print_line(&format!("{} ({})\n    {}", stage.name, stage.kind.word(), stage.title))?;
        print_line(&format!(
            "    claims: {}",
            if stage.claims.is_empty() { "none".to_owned() } else { stage.claims.join(", ") }
        ))?;
        print_line(&format!("    figures: {}", stage.figures.join(", ")))?;
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

/// `run`.
///
/// # Errors
/// Bad parameters; a store or figures folder that cannot be written or healed.
pub fn run_stages(
    all: &Stages,
    names: &[String],
    shared: &Shared,
    jobs: Option<u16>,
    (force, png): (bool, bool),
) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let stages = named(all, names)?;
    let jobs = threads(jobs)?;
    plan_all(all, &settings)?;
    let store = open(shared, Access::Write)?;
    let figures = Figures::at(&shared.figures);
    // Before anything is computed that could not be published.
    figures.lock()?;
    let options = RunOptions { jobs, force };
    let done = run(&stages, all, &store, &settings, options)?;
    let (folder, changed) = figures.alone().and_then(|_alone| publish(&figures, &store, &settings, &done))?;
    if png {
        write_images(&folder, &done)?;
    }
    if Figures::commits(&settings) {
        let quick = Settings { profile: Profile::Quick, ..settings.clone() };
        let done = run(&stages, all, &store, &quick, options)?;
        let _alone = figures.alone()?;
        record(&figures, &store, &quick, &done)?;
        for gone in drop_gone(&figures, all)? {
            print_line(&format!("{gone}: is no more; its figures and values are removed"))?;
        }
    }
    for stage in &done {
        let name = stage.plan.stage.name;
        let state = if stage.computed { "computed" } else { "up to date" };
        let written = if changed.iter().any(|other| other == name) {
            format!(", written to {}", folder.display())
        } else {
            String::new()
        };
        print_line(&format!("{name}: {state}{written}"))?;
        for claim in figures.claims(&store, &settings, &stage.plan, Some(&stage.figures))? {
            print_line(&format!("    {}", line(&claim)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures of stages as PNG images, drawn from their SVG files.
fn write_images(folder: &Path, done: &[Done]) -> Result<()> {
    for entry in done.iter().flat_map(|stage| &stage.figures.blobs) {
        let Some(name) = entry.name.strip_suffix(".svg") else { continue };
        let path = folder.join(&entry.name);
        let svg = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let image = png(&svg, PRINT)
            .map_err(|error| Error::Figure { figure: name.to_owned(), problem: error.to_string() })?;
        let image_path = folder.join("png").join(format!("{name}.png"));
        update(&image_path, &image)?;
        print_line(&format!("{}", image_path.display()))?;
    }
    Ok(())
}

/// `status`.
///
/// # Errors
/// Bad parameters; a store that cannot be read.
pub fn status(all: &Stages, shared: &Shared, as_json: bool, committed: bool) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let plans = plan_all(all, &settings)?;
    let mut rows = Vec::new();
    if committed {
        rows = committed_states(all, shared)?;
    } else {
        let store = open(shared, Access::Read)?;
        let context = RunContext::new(&store, &settings)?;
        let tables = store.results("tables")?;
        for plan in &plans {
            let state = match context.current_figures(plan)? {
                Some(_) => "up to date",
                None if tables.iter().any(|result| is_of(result, plan, &settings)) => "stale",
                None => "missing",
            };
            rows.push((plan.stage.name.to_owned(), settings.profile.word(), state));
        }
    }
    if as_json {
        let row =
            |(stage, profile, state): &State| json!({ "stage": stage, "profile": profile, "status": state });
        print_json(&rows.iter().map(row).collect::<Vec<_>>())?;
    } else {
        for (stage, profile, state) in &rows {
            let profile = if committed { format!(" ({profile})") } else { String::new() };
            print_line(&format!("{stage}{profile}: {state}"))?;
        }
    }
    let stale = committed && rows.iter().any(|(_, _, state)| *state != "up to date");
    Ok(if stale { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Stage, profile, state.
type State = (String, &'static str, &'static str);

/// For every stage in every profile, whether its recipe is the one in `figures.lock`, and its tables and figures are there as
/// the lock names them; a stage that is no more is stale.
fn committed_states(all: &Stages, shared: &Shared) -> Result<Vec<State>> {
    let figures = Figures::at(&shared.figures);
    let lock = figures.lock()?;
    let mut rows = Vec::new();
    for profile in [Profile::Paper, Profile::Quick] {
        let settings = Settings { profile, ..shared.settings()? };
        for plan in plan_all(all, &settings)? {
            let entry = lock.stages.get(plan.stage.name).and_then(|profiles| profiles.get(profile.word()));
            let recipe = plan.recipe(&settings)?.digest();
            let state = match entry {
                None => "missing",
                // Only figures of the paper profile are committed.
                Some(entry)
                    if entry.recipe == recipe.as_str()
                        && figures.has_tables(plan.stage.name, profile, entry)
                        && (profile == Profile::Quick || figures.holds(entry)) =>
                {
                    "up to date"
                }
                Some(_) => "stale",
            };
            rows.push((plan.stage.name.to_owned(), profile.word(), state));
        }
    }
    let gone = |name: &&String| !all.iter().any(|stage| stage.name == name.as_str());
    rows.extend(lock.stages.keys().filter(gone).map(|name| (name.clone(), "any", "stale")));
    Ok(rows)
}

/// `contact-sheet`.
///
/// # Errors
/// Bad parameters; a folder without figures or that cannot be written.
pub fn write_contact_sheet(all: &Stages, shared: &Shared) -> Result<ExitCode> {
    let figures = Figures::at(&shared.figures);
    let folder = figures.folder(&shared.settings()?);
    let names: Vec<&str> = all
        .iter()
        .flat_map(|stage| stage.figures)
        .copied()
        .filter(|name| folder.join(format!("{name}.svg")).exists())
        .collect();
    if names.is_empty() {
        return Err(Error::Absent {
            what: format!("figures are not in {}", folder.display()),
            remedy: "`spectral-alignment run` draws them".to_owned(),
        });
    }
    let path = folder.join("contact-sheet.html");
    let _alone = figures.alone()?;
    update(&path, contact_sheet(&names).as_bytes())?;
    print_line(&path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// `tables`.
///
/// # Errors
/// An unknown stage, or one that is not up to date.
pub fn tables(all: &Stages, stage: &str, shared: &Shared, as_json: bool) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let stage = named(all, &[stage.to_owned()])?[0];
    plan_all(all, &settings)?;
    let plan = StagePlan::new(stage, &settings)?;
    let store = open(shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let current = match context.current_tables(&plan)? {
        Some(manifest) if store.is_intact(&manifest)? => Some(manifest),
        _ => None,
    };
    let manifest = current.ok_or_else(|| Error::Absent {
        what: format!("the tables of {} are not in {}", stage.name, shared.data.display()),
        remedy: format!("`spectral-alignment run {}` makes them", stage.name),
    })?;
    let folder = store.result_folder(&manifest);
    if as_json {
        let rows: Vec<_> = manifest
            .tables
            .iter()
            .map(|entry| {
                json!({ "table": entry.table, "path": folder.join(&entry.file), "rows": entry.rows,
                        "sha256": entry.sha256, "values_sha256": entry.values_sha256 })
            })
            .collect();
        print_json(&rows)?;
    } else {
        for entry in &manifest.tables {
            print_line(&format!(
                "{}: {} rows, {}",
                entry.table,
                entry.rows,
                folder.join(&entry.file).display()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `claims`.
///
/// # Errors
/// Bad parameters; files that cannot be read.
pub fn claims(all: &Stages, shared: &Shared, as_json: bool) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let plans = plan_all(all, &settings)?;
    let store = open(shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let committed = Figures::at(&shared.figures);
    let mut claims: Vec<Claim> = Vec::new();
    for plan in &plans {
        let current = context.current_figures(plan)?;
        claims.extend(committed.claims(&store, &settings, plan, current.as_ref())?);
    }
    if as_json {
        let rows: Vec<_> = claims
            .iter()
            .map(serde_json::to_value)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Error::defect("claims", error))?;
        print_json(&rows)?;
    } else {
        for claim in &claims {
            print_line(&line(claim))?;
        }
        let count = |verdict: Verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
        print_line(&format!(
            "{} hold, {} fail, {} not run",
            count(Verdict::Holds),
            count(Verdict::Fails),
            count(Verdict::NotRun)
        ))?;
        if claims.iter().any(|claim| claim.source == crate::stage::claim::Source::Committed) {
            print_line(&format!(
                "(some from the values committed in {}; `run` computes them)",
                shared.figures.display()
            ))?;
        }
    }
    let failed = claims.iter().any(|claim| claim.verdict == Verdict::Fails);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// A number with four decimals, or four digits where that would hide it.
fn brief(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1e-3 { format!("{value:.4}") } else { format!("{value:.3e}") }
}

/// One claim in one line.
fn line(claim: &Claim) -> String {
    let relation = match claim.relation {
        crate::stage::claim::Relation::AtMost => "<=",
        crate::stage::claim::Relation::AtLeast => ">=",
        crate::stage::claim::Relation::In => "in",
        crate::stage::claim::Relation::Contains => "contains",
    };
    let bound = match claim.bound {
        Bound::Number(bound) => brief(bound),
        Bound::Pair([low, high]) => format!("[{}, {}]", brief(low), brief(high)),
    };
    let measured = match (claim.measured, claim.low, claim.high) {
        (Some(measured), Some(low), Some(high)) => {
            format!("{} [{}, {}] {relation} {bound}", brief(measured), brief(low), brief(high))
        }
        _ => String::new(),
    };
    let reason = claim.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{:8} {:24} {measured} {}{reason}", claim.verdict.word(), claim.id, claim.statement)
}
