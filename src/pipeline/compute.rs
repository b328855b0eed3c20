//! Computes what is missing of one replicate: its trajectory, then the answers, sharing sample and matrices.

use crate::error::{Result, WithContext};
use crate::pipeline::outbox::Outbox;
use crate::pipeline::plan::{RunContext, Work};
use crate::pipeline::progress::Progress;
use crate::pipeline::provenance::provenance;
use crate::pipeline::share::share;
use crate::pipeline::units::{answer_table, trajectory_from, trajectory_key, trajectory_tables};
use crate::problem::experiment::{Experiment, Simulator};
use crate::random::seed::Seed;
use crate::simulation::chain;
use crate::simulation::data::Sample;
use crate::simulation::observe;
use crate::simulation::task::{self, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::Point;
use crate::spectrum::query::{Query, SampleKind};
use crate::store::Manifest;
use std::collections::BTreeMap;
use std::time::Instant;

/// Merges the work of several stages on the same replicates, so that nothing is computed twice.
#[must_use]
pub fn merge(works: Vec<Work>) -> Vec<Work> {
    let mut merged: BTreeMap<(String, u32), Work> = BTreeMap::new();
    for work in works {
        let entry = merged
            .entry((work.experiment.name.clone(), work.replicate))
            .or_insert_with(|| Work { queries: Vec::new(), ..work.clone() });
        entry.stages.extend(&work.stages);
        entry.queries.extend(work.queries);
        entry.queries.sort_unstable();
        entry.queries.dedup();
    }
    merged.into_values().collect()
}

/// About how long a trajectory takes, in nanoseconds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
fn trajectory_cost(experiment: &Experiment) -> u64 {
    let problem = &experiment.problem;
    let (d, k) = (problem.d() as f64, problem.rows() as f64);
    let step = match experiment.simulator {
        Simulator::Sgd => 100.0 + d * (2.0 + 0.35 * k),
        Simulator::Chain => 150.0 + 40.0 * k + 8.0 * k * k,
    };
    (problem.steps(experiment.horizon) as f64 * step) as u64
}

/// About how long one answer takes, in nanoseconds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
fn answer_cost(experiment: &Experiment) -> u64 {
    let d = experiment.problem.d() as f64;
    (2.0 * experiment.problem.training.phi * d * d * d / 50.0 + 2.0 * d * d * d / 15.0) as u64
}

fn cost(work: &Work) -> u64 {
    trajectory_cost(&work.experiment) + work.queries.len() as u64 * answer_cost(&work.experiment)
}

/// Computes all work on `jobs` threads, the longest first, and shares it with other runs on the same store. Values do not
/// depend on the number or on the order.
///
/// # Errors
/// The first error, with experiment and replicate.
pub fn compute(context: &RunContext, mut works: Vec<Work>, jobs: usize, force: bool) -> Result<()> {
    if works.is_empty() {
        return Ok(());
    }
    works.sort_by_key(|work| std::cmp::Reverse(cost(work)));
    let progress =
        Progress::start(&format!("simulating {} replicates", works.len()), works.iter().map(cost).sum());
    let claim = |work: &Work| format!("replicate {} {}", work.experiment.name, work.replicate);
    share(context.store, &works, jobs, claim, |work| {
        replicate(context, work, force, &progress)
            .context(|| format!("experiment {}, replicate {}", work.experiment.name, work.replicate))
    })
    .map(|_| ())
}

/// Computes the work on one replicate. What is finished when it fails is published all the same.
fn replicate(context: &RunContext, work: &Work, force: bool, progress: &Progress) -> Result<()> {
    let mut outbox = Outbox::new(context);
    let done = fill(&mut outbox, work, force, progress);
    let sent = outbox.send();
    done.and(sent)
}

fn fill(outbox: &mut Outbox, work: &Work, force: bool, progress: &Progress) -> Result<()> {
    let context = outbox.context();
    let experiment = &work.experiment;
    let task = task::build(&experiment.kept());
    let seed = context.seed(experiment, work.replicate);
    let label = format!("{}-{}", experiment.name, work.replicate);
    let mut samples = Samples { task: &*task, seed: &seed, drawn: BTreeMap::new() };
    let stages = work.stages.iter().copied().collect::<Vec<_>>().join(", ");
    let (manifest, trajectory) =
        trajectory(outbox, experiment, &mut samples, (&label, &stages), force, progress)?;
    let queries = if force { work.queries.clone() } else { open_asks(context, work, &manifest)? };
    progress.add((work.queries.len() - queries.len()) as u64 * answer_cost(experiment));
    let mut queries = queries.as_slice();
    while let Some(&first) = queries.first() {
        let together = queries
            .iter()
            .take_while(|query| query.checkpoint == first.checkpoint && query.sample == first.sample)
            .count();
        let (now, later) = queries.split_at(together);
        queries = later;
        let Some(observed) = trajectory.checkpoints.get(first.checkpoint) else { continue };
        let point = Point::observed(&*task, observed, first.sample, samples.of(first.sample));
        for same_block in now.chunk_by(|a, b| a.block == b.block) {
            let mut started = Instant::now();
            let matrices = point.matrices(same_block[0].block)?;
            for &query in same_block {
                let key = context.answer(experiment, work.replicate, query, &manifest)?;
                let answer = point.answer(query, &matrices).context(|| describe(query))?;
                let table = answer_table(&answer)?;
                let about = provenance(&key, &stages, &[], started);
                let unit = context.store.prepare("spectra", &label, &key, &[table], &[], &about)?;
                outbox.put(unit, started)?;
                started = Instant::now();
                progress.add(answer_cost(experiment));
            }
        }
    }
    Ok(())
}

/// The questions of some work that have no answer yet; another run may have answered them since the work was planned.
fn open_asks(context: &RunContext, work: &Work, trajectory: &Manifest) -> Result<Vec<Query>> {
    let mut open = Vec::new();
    for &query in &work.queries {
        if context.find(&context.answer(&work.experiment, work.replicate, query, trajectory)?)?.is_none() {
            open.push(query);
        }
    }
    Ok(open)
}

/// The samples of one replicate, drawn when first needed.
struct Samples<'a> {
    task: &'a dyn Task,
    seed: &'a Seed,
    drawn: BTreeMap<SampleKind, Sample>,
}

impl Samples<'_> {
    fn of(&mut self, kind: SampleKind) -> &Sample {
        let size = self.task.problem().sample_size();
        self.drawn
            .entry(kind)
            .or_insert_with(|| Sample::first(self.task.law(), self.seed, kind.purpose(), size))
    }
}

fn describe(query: Query) -> String {
    let block = query.block;
    format!("checkpoint {}, block (layer {}, {}, {})", query.checkpoint, block.layer, block.row, block.col)
}

/// `total · part / whole`, rounded down.
fn share_of(total: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(total) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(total)
}

fn trajectory(
    outbox: &mut Outbox,
    experiment: &Experiment,
    samples: &mut Samples,
    (label, stages): (&str, &str),
    force: bool,
    progress: &Progress,
) -> Result<(Manifest, Trajectory<Observed>)> {
    let (context, task, seed) = (outbox.context(), samples.task, samples.seed);
    let key = trajectory_key(&context.code, experiment, seed)?;
    if !force
        && let Some(manifest) = context.find(&key)?
        && let Some(rows) = context.store.table(&manifest, "trajectory")?
        && let Some(evaluation) = context.store.table(&manifest, "evaluation")?
    {
        progress.add(trajectory_cost(experiment));
        return Ok((manifest, trajectory_from([&rows, &evaluation], task)?));
    }
    let (total, steps) = (trajectory_cost(experiment), experiment.problem.steps(experiment.horizon));
    let taken = |taken| progress.add(share_of(total, taken, steps));
    let started = Instant::now();
    let sample = samples.of(SampleKind::Test);
    let trajectory = match experiment.simulator {
        Simulator::Sgd => observe::observe(experiment, task, seed, sample, &taken),
        Simulator::Chain => chain::observe(experiment, task, seed, sample, &taken)?,
    };
    if let Some(step) = trajectory.diverged {
        let problem = &experiment.problem;
        let lambda = problem.data.lambda().map_or_else(String::new, |lambda| format!("lambda = {lambda}, "));
        progress.say(&format!(
            "{}, replicate {}: SGD diverged at step {step} with {lambda}beta = {}, c = {}, d = {}; lower c or beta",
            experiment.name, seed.replicate, problem.training.beta, problem.training.c, problem.d()
        ));
    }
    let tables = trajectory_tables(&trajectory, task)?;
    let about = provenance(&key, stages, &[], started);
    let prepared = context.store.prepare("trajectory", label, &key, &tables, &[], &about)?;
    let manifest = prepared.manifest().clone();
    outbox.put(prepared, started)?;
    Ok((manifest, trajectory))
}
