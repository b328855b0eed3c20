//! Brings stages up to date: simulate what is missing, reduce to tables, judge and draw.

use crate::digest::Ingredients;
use crate::error::{Error, Result, WithContext};
use crate::pipeline::compute::{compute, merge};
use crate::pipeline::data::StageData;
use crate::pipeline::plan::{RunContext, StagePlan, plan_all};
use crate::pipeline::progress::Progress;
use crate::pipeline::provenance::{SOURCES, provenance, set_threads, sources};
use crate::pipeline::share::share;
use crate::plot::PlotError;
use crate::stage::claim::Claim;
use crate::stage::{Results, Settings, Stage};
use crate::store::elapsed::SIMULATION;
use crate::store::{Blob, Manifest, Store};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How often damaged units are set aside and computed again before a store counts as beyond healing; every round finds
/// at least one.
const HEALINGS: usize = 1000;
/// Name of the blob with the claims of a stage.
pub const CLAIMS: &str = "claims.json";

/// A stage that is up to date.
#[derive(Debug)]
pub struct Done {
    /// Its plan.
    pub plan: StagePlan,
    /// The unit with its tables.
    pub tables: Manifest,
    /// The unit with its claims and figures.
    pub figures: Manifest,
    /// Whether anything had to be computed for it.
    pub computed: bool,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Number of threads.
    pub jobs: usize,
    /// Compute even what is there, and compare.
    pub force: bool,
}

/// Brings the named stages up to date. Damaged units are set aside, named on standard error, and computed again.
///
/// # Errors
/// Bad parameters; a store that cannot be written or healed; a stage that fails.
pub fn run(
    stages: &[&'static Stage],
    all: &[&'static Stage],
    store: &Store,
    settings: &Settings,
    options: RunOptions,
) -> Result<Vec<Done>> {
    plan_all(all, settings)?;
    set_threads(options.jobs);
    let mut attempt = 1;
    loop {
        let context = RunContext::new(store, settings)?;
        let outcome = attempt_run(stages, &context, options);
        let notes = store.take_notes();
        for note in &notes {
            eprintln!("damaged: {note}");
        }
        match outcome {
            Err(error) if !notes.is_empty() && attempt < HEALINGS && !error.is_nondeterminism() => {}
            other => return other,
        }
        attempt += 1;
    }
}

fn attempt_run(stages: &[&'static Stage], context: &RunContext, options: RunOptions) -> Result<Vec<Done>> {
    let plans: Vec<StagePlan> =
        stages.iter().map(|stage| StagePlan::new(stage, context.settings)).collect::<Result<_>>()?;
    let mut works = Vec::new();
    for plan in &plans {
        if options.force {
            works.extend(plan.requests.iter().flat_map(|request| {
                (0..request.experiment.replicates).map(|replicate| crate::pipeline::plan::Work {
                    experiment: request.experiment.clone(),
                    replicate,
                    queries: request.queries(replicate),
                    stages: BTreeSet::from([plan.stage.name]),
                })
            }));
        } else if context.remembered_tables(plan)?.is_none() {
            works.extend(context.upstream(plan)?.missing);
        }
    }
    let simulated: BTreeSet<&str> = works.iter().flat_map(|work| work.stages.iter().copied()).collect();
    compute(context, merge(works), options.jobs, options.force)?;
    let progress = Progress::start(&format!("finishing {} stages", plans.len()), plans.len() as u64);
    let claim = |plan: &StagePlan| format!("stage {}", plan.stage.name);
    share(context.store, &plans, options.jobs, claim, |plan| {
        let simulated = simulated.contains(plan.stage.name);
        let done =
            finish(context, plan, options.force, simulated).context(|| format!("stage {}", plan.stage.name));
        progress.add(1);
        done
    })
}

/// The unit with these ingredients, every byte checked: what a stage hands out must be what was published.
fn whole(context: &RunContext, key: &Ingredients, force: bool) -> Result<Option<Manifest>> {
    match context.find(key)? {
        Some(manifest) if !force && context.store.is_whole(&manifest)? => Ok(Some(manifest)),
        _ => Ok(None),
    }
}

fn finish(context: &RunContext, plan: &StagePlan, force: bool, simulated: bool) -> Result<Done> {
    let mut computed = simulated;
    let remembered = if force { None } else { context.remembered_tables(plan)? };
    let tables = match remembered {
        Some(manifest) if context.store.is_whole(&manifest)? => manifest,
        _ => {
            let upstream = context.upstream(plan)?;
            if let Some(work) = upstream.missing.first() {
                context.store.note_gone(&format!("{} {}", work.experiment.name, work.replicate));
                return Err(Error::damaged(
                    &work.experiment.name,
                    format!("replicate {} is missing", work.replicate),
                ));
            }
            let key = context.tables(plan, &upstream)?;
            // Before the tables: they are explained by it.
            context.remember_inputs(plan, &upstream)?;
            if let Some(manifest) = whole(context, &key, force)? {
                manifest
            } else {
                computed = true;
                let started = Instant::now();
                let data = StageData::new(context, plan);
                let mut tables = (plan.stage.reduce)(&data)?;
                tables.push(data.replicates()?);
                let seed = context.settings.seed.to_string();
                let mut more = vec![("seed", seed), (SOURCES, sources(&[&plan.table_code()?]))];
                if upstream.seconds.is_finite() {
                    more.push((SIMULATION, format!("{:.3}", upstream.seconds)));
                }
                let about = provenance(&key, plan.stage.name, &more, started);
                context.store.publish("tables", plan.stage.name, &key, &tables, &[], &about)?
            }
        }
    };
    let key = context.figures(plan, &tables)?;
    let figures = if let Some(manifest) = whole(context, &key, force)? {
        manifest
    } else {
        computed = true;
        let started = Instant::now();
        let results = results(context.store, context.settings, plan, &tables)?;
        let blobs = present(plan, &results)?;
        let more = [(SOURCES, sources(&[&plan.figure_code()?]))];
        let about = provenance(&key, plan.stage.name, &more, started);
        context.store.publish("figures", plan.stage.name, &key, &[], &blobs, &about)?
    };
    Ok(Done { plan: plan.clone(), tables, figures, computed })
}

/// The tables of a stage out of the store.
///
/// # Errors
/// A damaged table: it is set aside, and a second run computes it again.
pub fn results(store: &Store, settings: &Settings, plan: &StagePlan, manifest: &Manifest) -> Result<Results> {
    let mut tables = BTreeMap::new();
    for entry in &manifest.tables {
        let table: Table = store
            .table(manifest, &entry.table)?
            .ok_or_else(|| Error::damaged(store.folder(manifest), "was damaged and is computed again"))?;
        tables.insert(entry.table.clone(), table);
    }
    Ok(Results { profile: settings.profile, experiments: plan.experiments(), tables })
}

/// Claims and figures of a stage as files.
///
/// # Errors
/// Tables that are not what the stage writes; a figure that cannot be drawn.
pub fn present(plan: &StagePlan, results: &Results) -> Result<Vec<Blob>> {
    let claims = judge(plan.stage, results)?;
    let claims = serde_json::to_vec_pretty(&claims).map_err(|error| Error::damaged(CLAIMS, error))?;
    let mut blobs = vec![Blob { name: CLAIMS.to_owned(), bytes: claims }];
    if let Some(experiment) = unfinished(results)? {
        eprintln!(
            "{}: no figures, because SGD diverged in the first replicate of {experiment}",
            plan.stage.name
        );
        return Ok(blobs);
    }
    for figure in (plan.stage.draw)(results)? {
        let name = figure.name().to_owned();
        if !plan.stage.figures.contains(&name.as_str()) {
            return Err(Error::Figure {
                figure: name,
                problem: "is not in the stage's list of figures".to_owned(),
            });
        }
        let failed = |error: PlotError| Error::Figure { figure: name.clone(), problem: error.to_string() };
        let svg = figure.render().map_err(failed)?;
        let pdf = figure.pdf().map_err(failed)?;
        blobs.push(Blob { name: format!("{name}.svg"), bytes: svg.into_bytes() });
        blobs.push(Blob { name: format!("{name}.pdf"), bytes: pdf });
        blobs.push(Blob { name: format!("{name}.txt"), bytes: figure.caption().text().into_bytes() });
    }
    Ok(blobs)
}

/// The claims of a stage, with its name and with what diverged.
///
/// # Errors
/// A table that is not what the stage writes.
pub fn judge(stage: &Stage, results: &Results) -> Result<Vec<Claim>> {
    let diverged = divergences(results)?;
    let mut claims = (stage.judge)(results)?;
    for claim in &mut claims {
        stage.name.clone_into(&mut claim.stage);
        if !stage.claims.contains(&claim.id.as_str()) {
            return Err(Error::damaged(
                stage.source,
                format!("claim {} is not in the stage's list of claims", claim.id),
            ));
        }
        if !diverged.is_empty() {
            let reason = claim
                .reason
                .take()
                .map_or_else(|| diverged.clone(), |reason| format!("{reason}; {diverged}"));
            claim.reason = Some(reason);
        }
    }
    Ok(claims)
}

/// An experiment whose first replicate, which figures show, diverged.
fn unfinished(results: &Results) -> Result<Option<String>> {
    let table = results.table("replicates")?;
    let experiment = table.present("experiment", table.strs("experiment")?)?;
    let (replicate, diverged) = (table.u32s("replicate")?, table.u64s("diverged_step")?);
    let row = (0..experiment.len()).find(|&row| replicate[row] == Some(0) && diverged[row].is_some());
    Ok(row.map(|row| experiment[row].to_owned()))
}

fn divergences(results: &Results) -> Result<String> {
    let table = results.table("replicates")?;
    let experiment = table.present("experiment", table.strs("experiment")?)?;
    let replicate = table.present("replicate", table.u32s("replicate")?)?;
    let diverged = table.u64s("diverged_step")?;
    let list: Vec<String> = (0..experiment.len())
        .filter_map(|row| {
            diverged[row]
                .map(|step| format!("{} replicate {} at step {step}", experiment[row], replicate[row]))
        })
        .collect();
    Ok(if list.is_empty() { String::new() } else { format!("SGD diverged: {}", list.join(", ")) })
}

/// The claims out of the figures' unit of a stage.
///
/// # Errors
/// A damaged unit.
pub fn claims(store: &Store, figures: &Manifest) -> Result<Vec<Claim>> {
    let bytes = store
        .blob(figures, CLAIMS)?
        .ok_or_else(|| Error::damaged(store.folder(figures), "was damaged; run the stage again"))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::damaged(store.folder(figures).join(CLAIMS), error))
}
