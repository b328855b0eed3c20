//! Brings stages up to date: simulate what is missing, reduce to tables, judge and draw.

use crate::digest::{Ingredients, sha256};
use crate::error::{Error, Result, WithContext, caught, say};
use crate::pipeline::compute::{compute, merge, tidy};
use crate::pipeline::context::{RunContext, Work};
use crate::pipeline::cost::cost;
use crate::pipeline::data::StageData;
use crate::pipeline::distribute::distribute;
use crate::pipeline::openblas::reserve;
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::pipeline::progress::Progress;
use crate::pipeline::provenance::{SOURCES, provenance, set_threads, sources, table_sources};
use crate::pipeline::units::everything;
use crate::plot::{Figure, PageStyle, PlotError, pdf, restyled, svg};
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, EDITION, FEWEST_REPLICATES, Verdict};
use crate::stage::{Profile, Results, Settings, Stage};
use crate::store::elapsed::SIMULATION;
use crate::store::{Blob, Manifest, Publication, Store};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

/// How often a stage with damaged data is healed. Each time all of its data are verified, so more than one healing means that
/// the disk is damaging data right now.
const HEALINGS: usize = 3;

/// A stage that is up to date.
#[derive(Debug)]
pub struct Done {
    /// Its plan.
    pub plan: StagePlan,
    /// Its tables.
    pub tables: Manifest,
    /// Its figures.
    pub figures: Manifest,
    /// Its claims, once they were asked for.
    claims: OnceLock<Vec<Claim>>,
    /// The same as the lock has them, where they were found to be those.
    committed: OnceLock<Vec<Claim>>,
    /// Whether anything had to be computed for it.
    pub computed: bool,
    /// Whether this run made its tables and its figures; if not, an earlier one left them in the store.
    pub made: [bool; 2],
}

impl Done {
    /// Its claims, judged from its tables when they are first asked for.
    ///
    /// # Errors
    /// A damaged table, or one that is not what the stage writes.
    pub fn claims(&self, store: &Store, settings: &Settings) -> Result<&[Claim]> {
        if self.claims.get().is_none() {
            let results = results(store, settings, &self.plan, &self.tables)?;
            let own = |error| mistake(self.plan.stage.report, error);
            let judged = judge(self.plan.stage, &results).map_err(own)?;
            // Another thread may have been faster; both have judged the same.
            let _ = self.claims.set(judged);
        }
        Ok(self.claims.get().map_or(&[], Vec::as_slice))
    }

    /// Whether claims of a lock are what was judged when the figures were made, by the digest noted with these; if so,
    /// [`Done::verdicts`] are these claims, and nothing is judged again.
    ///
    /// # Errors
    /// Claims that cannot be written.
    pub fn are_judged(&self, claims: &[Claim]) -> Result<bool> {
        let noted = self.figures.provenance.iter().find(|(name, _)| name == CLAIMS);
        let same = noted.map(|(_, digest)| digest) == Some(&digest_of(claims)?);
        if same {
            let _ = self.committed.set(claims.to_vec());
        }
        Ok(same)
    }

    /// Its claims to be shown, without the values of replicates where the lock has them.
    ///
    /// # Errors
    /// As for [`Done::claims`].
    pub fn verdicts(&self, store: &Store, settings: &Settings) -> Result<&[Claim]> {
        self.committed.get().map_or_else(|| self.claims(store, settings), |claims| Ok(claims))
    }
}

/// Name of the digest of the claims in the provenance of figures.
const CLAIMS: &str = "claims";

/// A digest of claims as the lock has them.
fn digest_of(claims: &[Claim]) -> Result<String> {
    let claims: Vec<Claim> = claims.iter().cloned().map(Claim::without_values).collect();
    Ok(sha256(&serde_json::to_vec(&claims).map_err(|error| Error::defect("claims", error))?))
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Number of threads.
    pub jobs: usize,
    /// Recompute what is already there, and compare.
    pub force: bool,
}

/// Brings the named stages up to date. Damaged data are set aside, named on standard error, and recomputed.
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
    run_in_turn(stages, all, store, settings, options, |_| Ok(()))
}

/// The same, with what happens to stages as soon as they are up to date: those that share simulations come together, those with the
/// least to compute first.
///
/// # Errors
/// As for [`run`]; what `ready` returns.
pub fn run_in_turn(
    stages: &[&'static Stage],
    all: &[&'static Stage],
    store: &Store,
    settings: &Settings,
    options: RunOptions,
    ready: impl FnMut(&[Done]) -> Result<()> + Send,
) -> Result<Vec<Done>> {
    plan_all(all, settings)?;
    set_threads(options.jobs);
    let context = RunContext::new(store, settings)?;
    let outcome = bring_up_to_date(stages, &context, options, ready);
    for problem in store.take_problems() {
        say(&format!("damaged: {problem}"));
    }
    outcome
}

fn bring_up_to_date(
    stages: &[&'static Stage],
    context: &RunContext,
    options: RunOptions,
    ready: impl FnMut(&[Done]) -> Result<()> + Send,
) -> Result<Vec<Done>> {
    let plans: Vec<StagePlan> =
        stages.iter().map(|stage| StagePlan::new(stage, context.settings)).collect::<Result<_>>()?;
    let mut works = Vec::new();
    for plan in &plans {
        // What slices and killed runs have left; first, so that values that differ are found before anything is made of them.
        for request in &plan.requests {
            let groups = context.groups(&request.experiment)?;
            for group in groups.all() {
                tidy(context, group)?;
            }
        }
        if options.force {
            works.extend(everything(plan));
        } else {
            works.extend(context.inputs(plan)?.missing);
        }
    }
    let works = merge(works);
    let simulated: BTreeSet<&str> = works.iter().flat_map(|work| work.stages.iter().copied()).collect();
    let ready = Mutex::new(ready);
    let name = |plan: &StagePlan| format!("stage {}", plan.stage.name);
    let healed = AtomicBool::new(false);
    let finish_one = |plan: &StagePlan, simulated: bool| {
        let done = finish_or_heal(context, plan, options.force, simulated, &healed);
        done.context(|| format!("stage {}", plan.stage.name))
    };
    let finish_all = |plans: &[StagePlan], jobs: usize, progress: Option<&Progress>| {
        let mut done = distribute(context.store, plans, jobs, name, |plan| {
            let done = finish_one(plan, simulated.contains(plan.stage.name));
            progress.inspect(|progress| progress.add(1));
            done
        })?;
        // What one stage found damaged another may have been finished with before.
        if healed.swap(false, Ordering::Relaxed) {
            for (plan, done) in plans.iter().zip(&mut done) {
                if !context.inputs(plan)?.missing.is_empty() {
                    *done = finish_one(plan, true)?;
                }
            }
        }
        (ready.lock().unwrap_or_else(PoisonError::into_inner))(&done)?;
        Ok(done)
    };
    let mut turns = turns(plans, works);
    let last = turns.pop();
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        // One turn is finished on a thread of its own while the next is simulated.
        if !turns.is_empty() {
            reserve(options.jobs + 1, 0)?;
        }
        let mut behind: Option<ScopedJoinHandle<Result<Vec<Done>>>> = None;
        let mut simulate = |works: Vec<Work>, behind: Option<ScopedJoinHandle<Result<Vec<Done>>>>| {
            let computed = compute(context, works, options.jobs, options.force);
            if let Some(behind) = behind {
                let stopped = |_| Err(Error::defect("worker", "a thread stopped unexpectedly"));
                all.extend(behind.join().unwrap_or_else(stopped)?);
            }
            computed
        };
        for Turn { plans, works, .. } in turns {
            simulate(works, behind.take())?;
            let finish_all = &finish_all;
            let started =
                std::thread::Builder::new().spawn_scoped(scope, move || finish_all(&plans, 1, None));
            behind = Some(started.map_err(Error::io("start a thread in", context.store.root()))?);
        }
        let Some(Turn { plans, works, .. }) = last else { return Ok(()) };
        simulate(works, behind)?;
        let progress = Progress::start(&format!("finishing {} stages", plans.len()), plans.len() as u64);
        all.extend(finish_all(&plans, options.jobs, Some(&progress))?);
        Ok(())
    })?;
    all.sort_by_key(|done| stages.iter().position(|stage| stage.name == done.plan.stage.name));
    Ok(all)
}

/// Stages that are brought up to date together, and what must be simulated for them.
struct Turn {
    plans: Vec<StagePlan>,
    works: Vec<Work>,
    cost: u64,
}

/// Stages apart that share no missing simulation, those with the least work first; those without any come with the first. Works keep
/// their order.
fn turns(plans: Vec<StagePlan>, works: Vec<Work>) -> Vec<Turn> {
    let mut groups: Vec<BTreeSet<&'static str>> = Vec::new();
    for work in &works {
        if groups.iter().any(|group| work.stages.is_subset(group)) {
            continue;
        }
        let mut joined = work.stages.clone();
        groups.retain(|group| {
            let apart = group.is_disjoint(&work.stages);
            if !apart {
                joined.extend(group);
            }
            apart
        });
        groups.push(joined);
    }
    let mut turns: Vec<Turn> =
        groups.iter().map(|_| Turn { plans: Vec::new(), works: Vec::new(), cost: 0 }).collect();
    let place = |stage: &str| groups.iter().position(|group| group.contains(stage));
    for work in works {
        if let Some(turn) = work.stages.first().and_then(|stage| place(stage)) {
            turns[turn].cost += cost(&work);
            turns[turn].works.push(work);
        }
    }
    let mut idle = Vec::new();
    for plan in plans {
        match place(plan.stage.name) {
            Some(turn) => turns[turn].plans.push(plan),
            None => idle.push(plan),
        }
    }
    turns.sort_by_key(|turn| turn.cost);
    match turns.first_mut() {
        Some(first) => first.plans.extend(idle),
        None => turns.push(Turn { plans: idle, works: Vec::new(), cost: 0 }),
    }
    turns
}

/// Finishes a stage; if data turn out to be damaged on the way, verifies all data of the stage and recomputes what is lost.
fn finish_or_heal(
    context: &RunContext,
    plan: &StagePlan,
    force: bool,
    simulated: bool,
    healed: &AtomicBool,
) -> Result<Done> {
    let mut simulated = simulated;
    for _ in 0..HEALINGS {
        match finish(context, plan, force, simulated) {
            Err(error) if error.is_lost() => {}
            other => return other,
        }
        healed.store(true, Ordering::Relaxed);
        for request in &plan.requests {
            let groups = context.groups(&request.experiment)?;
            for group in groups.all() {
                context.store.check_group(group)?;
            }
        }
        compute(context, merge(context.inputs(plan)?.missing), 1, false)?;
        simulated = true;
    }
    finish(context, plan, force, simulated)
}

/// The result of a stage with these ingredients, with every byte verified.
fn intact(
    context: &RunContext,
    plan: &StagePlan,
    key: &Ingredients,
    force: bool,
) -> Result<Option<Manifest>> {
    match context.store.result(plan.stage.name, key)? {
        Some(manifest) if !force && context.store.is_intact(&manifest)? => Ok(Some(manifest)),
        _ => Ok(None),
    }
}

fn finish(context: &RunContext, plan: &StagePlan, force: bool, simulated: bool) -> Result<Done> {
    let (store, stage) = (context.store, plan.stage.name);
    let mut made = [false; 2];
    let inputs = context.inputs(plan)?;
    if let Some(work) = inputs.missing.first() {
        return Err(Error::Lost { what: crate::pipeline::context::place(&work.experiment, work.replicate) });
    }
    let key = context.tables(plan, &inputs)?;
    let tables = if let Some(manifest) = intact(context, plan, &key, force)? {
        manifest
    } else {
        made[0] = true;
        let started = Instant::now();
        let tables = reduce(context, plan)?;
        let seed = context.settings.seed.to_string();
        let simulation = format!("{:.3}", inputs.seconds);
        let more = [("seed", seed), (SOURCES, table_sources(plan)?), (SIMULATION, simulation)];
        let provenance = provenance(&key, stage, &more, started);
        let lineage = context.lineage(plan)?;
        store.publish(Publication {
            stage,
            ingredients: &key,
            tables: &tables,
            blobs: &[],
            provenance: &provenance,
            lineage: &lineage,
        })?
    };
    let claims = OnceLock::new();
    let key = context.figures(plan, &tables)?;
    let figures = if let Some(manifest) = intact(context, plan, &key, force)? {
        manifest
    } else {
        let started = Instant::now();
        let results = results(store, context.settings, plan, &tables)?;
        // The store vouches for the tables: whatever does not suit them is a mistake in the stage.
        let own = |error| mistake(plan.stage.report, error);
        let judged = judge(plan.stage, &results).map_err(own)?;
        let blobs = present(plan, &results).map_err(own)?;
        made[1] = true;
        let more = [(SOURCES, sources(&[&plan.figure_code()?])), (CLAIMS, digest_of(&judged)?)];
        let _ = claims.set(judged);
        let provenance = provenance(&key, stage, &more, started);
        store.publish(Publication {
            stage,
            ingredients: &key,
            tables: &[],
            blobs: &blobs,
            provenance: &provenance,
            lineage: &BTreeMap::new(),
        })?
    };
    let computed = simulated || made.contains(&true);
    Ok(Done { plan: plan.clone(), tables, figures, claims, committed: OnceLock::new(), computed, made })
}

/// The tables of a stage, made of the records in the store.
fn reduce(context: &RunContext, plan: &StagePlan) -> Result<Vec<Table>> {
    let data = StageData::new(context, plan);
    let reduced = guarded(plan.stage, "records", || (plan.stage.reduce)(&data));
    let mut tables = reduced.map_err(|error| mistake(plan.stage.source, error))?;
    tables.push(data.replicates()?);
    Ok(tables)
}

/// Checks tables and figures that an earlier run left in the store: they must be what its records give.
///
/// # Errors
/// They are not.
pub fn confirm(context: &RunContext, done: &Done) -> Result<()> {
    let Done { plan, tables, figures, .. } = done;
    let refused = |manifest: &Manifest| {
        let problem = "does not hold what the records in the store give; remove it and run again";
        Err(Error::damaged(context.store.result_folder(manifest), problem))
    };
    let mut known = tables.tables.iter();
    for table in reduce(context, plan)? {
        if known.next().map(|entry| &entry.values_sha256) != Some(&table.values_digest()?) {
            return refused(tables);
        }
    }
    let results = results(context.store, context.settings, plan, tables)?;
    let mut known = figures.blobs.iter();
    for blob in present(plan, &results)? {
        if known.next().map(|entry| (&entry.name, &entry.sha256)) != Some((&blob.name, &sha256(&blob.bytes)))
        {
            return refused(figures);
        }
    }
    Ok(())
}

/// How a complaint about the shape of tables or records begins.
const SHAPE: &str = "are not of the shape that the stage gives them: ";

/// Does something with tables or records of a stage whose shape nobody has checked: what panics over them, or takes their names
/// for those of a user, is an error about them.
fn guarded<T>(stage: &Stage, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let problem = match caught(work) {
        Ok(Err(error)) if error.exit_status() == 2 || matches!(error, Error::Defect { .. }) => {
            error.to_string()
        }
        Ok(Err(error)) if error.to_string().contains(stage.name) => return Err(error),
        Ok(other) => return other.context(|| format!("{what} of {}", stage.name)),
        Err(panic) => panic,
    };
    Err(Error::table(format!("{what} of {}", stage.name), format!("{SHAPE}{problem}")))
}

/// An error about tables as one about the stage whose function met them.
fn mistake(file: &'static str, error: Error) -> Error {
    match error {
        Error::Table { problem, .. } => {
            let problem = problem.strip_prefix(SHAPE).map_or_else(|| problem.clone(), str::to_owned);
            Error::Stage { file, problem }
        }
        Error::Context { source, .. } => mistake(file, *source),
        other => other,
    }
}

/// The tables of a stage from the store.
///
/// # Errors
/// A damaged table: it is set aside, and the next run recomputes it.
pub fn results(store: &Store, settings: &Settings, plan: &StagePlan, manifest: &Manifest) -> Result<Results> {
    let mut tables = BTreeMap::new();
    for entry in &manifest.tables {
        let table: Table = store
            .table(manifest, &entry.table)?
            .ok_or_else(|| Error::Lost { what: format!("table {} of {}", entry.table, manifest.name) })?;
        tables.insert(entry.table.clone(), table);
    }
    Ok(Results { profile: settings.profile, experiments: plan.experiments(), tables })
}

/// Figures of a stage as files.
///
/// # Errors
/// Tables that are not what the stage writes; a figure that cannot be drawn.
pub fn present(plan: &StagePlan, results: &Results) -> Result<Vec<Blob>> {
    guarded(plan.stage, "tables", || draw(plan, results, |figure| figure))
}

/// The same in another style, and what a strict reviewer would mark in them.
///
/// # Errors
/// As for [`present`].
pub fn present_in(
    style: &PageStyle,
    plan: &StagePlan,
    results: &Results,
) -> Result<(Vec<Blob>, Vec<String>)> {
    let mut found = Vec::new();
    let blobs = guarded(plan.stage, "tables", || {
        draw(plan, results, |figure| {
            let (figure, findings) = restyled(&figure, style);
            found.extend(findings.into_iter().map(|finding| format!("{}: {finding}", figure.name())));
            figure
        })
    })?;
    Ok((blobs, found))
}

fn draw(plan: &StagePlan, results: &Results, mut dressed: impl FnMut(Figure) -> Figure) -> Result<Vec<Blob>> {
    let mut blobs = Vec::new();
    if let Some(experiment) = unfinished(results)? {
        let stage = plan.stage.name;
        say(&format!("{stage}: no figures, because SGD diverged in the first replicate of {experiment}"));
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
        let figure = dressed(figure);
        let failed = |error: PlotError| Error::Figure { figure: name.clone(), problem: error.to_string() };
        let drawing = svg(&figure).map_err(failed)?;
        let document = pdf(&figure).map_err(failed)?;
        blobs.push(Blob { name: format!("{name}.svg"), bytes: drawing.into_bytes() });
        blobs.push(Blob { name: format!("{name}.pdf"), bytes: document });
        blobs.push(Blob { name: format!("{name}.txt"), bytes: figure.caption().text().into_bytes() });
    }
    Ok(blobs)
}

/// The claims of a stage, with its name and with what diverged.
///
/// # Errors
/// A table that is not what the stage writes.
pub fn judge(stage: &'static Stage, results: &Results) -> Result<Vec<Claim>> {
    let ran = guarded(stage, "tables", || Ran::read(results))?;
    let meant = meant(stage)?;
    let mut claims = guarded(stage, "tables", || (stage.judge)(results))?;
    for claim in &mut claims {
        stage.name.clone_into(&mut claim.stage);
        if !stage.claims.contains(&claim.id.as_str()) {
            return Err(Error::defect(
                stage.source,
                format!("claim {} is not in the stage's list of claims", claim.id),
            ));
        }
        let experiments: Vec<&Experiment> =
            claim.experiments.iter().map(|name| results.experiment(name)).collect::<Result<_>>()?;
        if let Some(reason) = experiments.iter().find_map(|experiment| smaller(experiment, &meant)) {
            claim.withdraw(Verdict::TooSmall, reason);
        }
        // A claim of experiments that it does not name is about all of the stage.
        let experiments = if experiments.is_empty() { results.all() } else { experiments };
        if let Some(reason) = experiments.iter().find_map(|experiment| ran.incomplete(experiment)) {
            claim.withdraw(Verdict::NotRun, reason);
        }
    }
    claims.sort_by_key(|claim| stage.claims.iter().position(|id| *id == claim.id));
    Ok(claims)
}

/// The experiments of a stage as its claims are meant: those of the paper profile, by name.
fn meant(stage: &'static Stage) -> Result<BTreeMap<String, Experiment>> {
    let settings = Settings { profile: Profile::Paper, seed: EDITION, overrides: Vec::new() };
    Ok(StagePlan::new(stage, &settings)?.experiments())
}

/// In what an experiment falls short of the one that claims are meant for: half its dimension, half its replicates, and at least
/// [`FEWEST_REPLICATES`] of them.
fn smaller(experiment: &Experiment, meant: &BTreeMap<String, Experiment>) -> Option<String> {
    let meant = meant.get(&experiment.name)?;
    let (name, d, n) = (&experiment.name, experiment.problem.d(), experiment.replicates as usize);
    let dimension = meant.problem.d().div_ceil(2);
    if d < dimension {
        return Some(format!("{name} has d = {d}; the claim is meant for d >= {dimension}"));
    }
    let replicates = FEWEST_REPLICATES.max((meant.replicates as usize).div_ceil(2));
    (n < replicates)
        .then(|| format!("{name} has {n} replicates; the claim is meant for {replicates} or more"))
}

/// Which replicates ran, and where SGD diverged.
struct Ran(BTreeMap<(String, u32), Option<u64>>);

impl Ran {
    fn read(results: &Results) -> Result<Self> {
        let table = results.table("replicates")?;
        let experiment = table.present("experiment", table.strs("experiment")?)?;
        let replicate = table.present("replicate", table.u32s("replicate")?)?;
        let diverged = table.u64s("diverged_step")?;
        let rows = experiment.into_iter().map(str::to_owned).zip(replicate).zip(diverged);
        Ok(Self(rows.collect()))
    }

    /// Why an experiment cannot be judged: a planned replicate that diverged or is missing.
    fn incomplete(&self, experiment: &Experiment) -> Option<String> {
        let name = &experiment.name;
        (0..experiment.replicates).find_map(|replicate| match self.0.get(&(name.clone(), replicate)) {
            Some(None) => None,
            Some(Some(step)) => {
                Some(format!("SGD diverged in replicate {replicate} of {name} at step {step}"))
            }
            None => Some(format!("replicate {replicate} of {name} is missing")),
        })
    }
}

/// An experiment whose first replicate, the one shown in figures, diverged.
fn unfinished(results: &Results) -> Result<Option<String>> {
    let table = results.table("replicates")?;
    let experiment = table.present("experiment", table.strs("experiment")?)?;
    let (replicate, diverged) = (table.u32s("replicate")?, table.u64s("diverged_step")?);
    let row = (0..experiment.len()).find(|&row| replicate[row] == Some(0) && diverged[row].is_some());
    Ok(row.map(|row| experiment[row].to_owned()))
}
