//! Computes what is missing: trajectories, then the results of queries, sharing sample and matrices, then studies.

use crate::digest::sha256;
use crate::error::{Error, Result, WithContext, say};
use crate::pipeline::context::{RunContext, Work, place};
use crate::pipeline::cost::{answer_cost, cost, memory, study_cost, trajectory_cost};
use crate::pipeline::distribute::distribute;
use crate::pipeline::keys::{
    Groups, answer_bytes, decode, query_id, study_bytes, study_id, trajectory_bytes, trajectory_id,
};
use crate::pipeline::openblas::reserve;
use crate::pipeline::parallel::each;
use crate::pipeline::progress::Progress;
use crate::pipeline::provenance::simulation_provenance;
use crate::problem::experiment::{Experiment, Simulator};
use crate::random::seed::Seed;
use crate::simulation::chain;
use crate::simulation::data::Sample;
use crate::simulation::observe;
use crate::simulation::task::{self, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::{Point, QueryResult};
use crate::spectrum::query::{Query, SampleKind};
use crate::store::{Access, Group, Record, kernel};
use crate::study::Reading;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// For how long finished work may be held back to be written together; a killed run loses at most this much.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for a slice, which leaves the merging of its packs to another run.
const SLICE_PATIENCE: Duration = Duration::from_secs(60);

/// Merges the work of several stages on the same replicates, so that nothing is computed twice.
pub fn merge(works: Vec<Work>) -> Vec<Work> {
    let mut merged: BTreeMap<(String, u32), Work> = BTreeMap::new();
    for work in works {
        let entry = merged.entry((work.experiment.name.clone(), work.replicate)).or_insert_with(|| Work {
            queries: Vec::new(),
            studies: Vec::new(),
            ..work.clone()
        });
        entry.stages.extend(&work.stages);
        entry.queries.extend(work.queries);
        entry.queries.sort_unstable();
        entry.queries.dedup();
        for study in work.studies {
            if !entry.studies.contains(&study) {
                entry.studies.push(study);
            }
        }
    }
    merged.into_values().collect()
}

/// Replicates of one experiment that one thread computes one after the other.
struct Batch {
    works: Vec<Work>,
    number: u32,
}

impl Batch {
    fn cost(&self) -> u64 {
        self.works.iter().map(cost).sum()
    }
}

/// Splits work into batches; short replicates are grouped into batches of at least so many nanoseconds. The split depends on the
/// experiment alone, so that simultaneous runs can share the work.
fn batches(works: Vec<Work>, least: u64) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for work in works {
        let size = (least / trajectory_cost(&work.experiment).max(1)).clamp(1, 1000);
        let number = work.replicate / u32::try_from(size).unwrap_or(1);
        match batches.last_mut() {
            Some(batch)
                if batch.number == number && batch.works[0].experiment.name == work.experiment.name =>
            {
                batch.works.push(work);
            }
            _ => batches.push(Batch { works: vec![work], number }),
        }
    }
    batches
}

/// Nanoseconds, as a number to compare with costs.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Computes all work on `jobs` threads, longest first, sharing it with other runs on the same store; a slice computes what is its
/// own, and leaves its packs for another run to merge. Values depend neither on the number of threads nor on the order.
pub fn compute(context: &RunContext, works: Vec<Work>, jobs: usize, force: bool) -> Result<()> {
    if works.is_empty() {
        return Ok(());
    }
    let total: u64 = works.iter().map(cost).sum();
    let stages: BTreeSet<&str> = works.iter().flat_map(|work| work.stages.iter().copied()).collect();
    let names: Vec<&str> = stages.into_iter().collect();
    let names = match names.as_slice() {
        [first, _, _, ..] => format!("{first} and {} more", names.len() - 1),
        few => few.join(" and "),
    };
    let progress = Progress::start(&format!("simulating {} replicates of {names}", works.len()), total);
    let mut groups: BTreeMap<String, Arc<Groups>> = BTreeMap::new();
    for work in &works {
        groups.insert(work.experiment.name.clone(), context.groups(&work.experiment)?);
    }
    let alone = context.store.access() == Access::Slice;
    let least = if alone {
        // Every thread has something to do.
        nanoseconds(SLICE_PATIENCE).min(total / (4 * jobs.max(1) as u64))
    } else {
        nanoseconds(PATIENCE)
    };
    let mut batches = batches(works, least);
    batches.sort_by_key(|batch| std::cmp::Reverse(batch.cost()));
    afford(&batches, jobs)?;
    let name = |batch: &Batch| format!("replicates {} {}", batch.works[0].experiment.name, batch.number);
    let counts = Counts::default();
    let work = |batch: &Batch| compute_batch(context, batch, force, (&progress, &counts));
    let computed = if alone {
        each(&batches, jobs, work)
    } else {
        distribute(context.store, &batches, jobs, name, work)
    };
    let (trajectories, results) = (counts.trajectories.into_inner(), counts.results.into_inner());
    progress.print_line(&format!("computed {trajectories} trajectories and {results} results of queries"));
    if alone {
        return computed.map(|_| ());
    }
    // What is finished is merged even where something failed.
    for group in groups.values().flat_map(|groups| groups.all()) {
        context.store.forget(group);
        tidy(context, group)?;
    }
    computed.map(|_| ())
}

/// Merges the packs of a group. Where two runs gave a record with other digits, because they computed on other BLAS kernels, the
/// first is kept.
pub(crate) fn tidy(context: &RunContext, group: &Group) -> Result<()> {
    let answers = group.ingredients().kind() == "spectra";
    context.store.merge(group, &move |first, second| answers && near(first, second))
}

/// Largest dimension of which LAPACK can compute all eigenvectors: it counts its workspace of 1 + 6 n + 2 n² in 32 bits.
const MOST_DIMENSIONS: usize = 32_766;

/// Checks that the system gives as much memory as the largest pieces of work need on all threads at once.
fn afford(batches: &[Batch], jobs: usize) -> Result<()> {
    let mut needs = Vec::new();
    for batch in batches {
        let work = &batch.works[0];
        let d = work.experiment.reduced_problem().d();
        let asked = |work: &Work| !work.queries.is_empty() || !work.studies.is_empty();
        let queries = batch.works.iter().any(asked);
        if queries && d > MOST_DIMENSIONS {
            let rule = format!("must be at most {MOST_DIMENSIONS} where eigenvectors are computed");
            return Err(Error::parameter(format!("{}.d", work.experiment.name), d, rule));
        }
        needs.push(memory(&work.experiment, queries));
    }
    needs.sort_unstable_by(|a, b| b.cmp(a));
    let threads = jobs.min(batches.len());
    reserve(threads, needs.iter().take(threads).sum())
}

/// What this run has computed itself.
#[derive(Debug, Default)]
struct Counts {
    trajectories: AtomicU64,
    results: AtomicU64,
}

/// Computes a batch. If it fails, what was finished by then is kept.
fn compute_batch(
    context: &RunContext,
    batch: &Batch,
    force: bool,
    (progress, counts): (&Progress, &Counts),
) -> Result<()> {
    let experiment = &batch.works[0].experiment;
    let mut outbox = Outbox::new(context, experiment)?;
    // Another run may have done some of it. A slice asks a network file system for as little as it can.
    if context.store.access() != Access::Slice {
        for group in outbox.groups.all() {
            context.store.forget(group);
        }
    }
    let done = batch.works.iter().try_for_each(|work| {
        replicate(context, &mut outbox, work, force, progress).context(|| place(experiment, work.replicate))
    });
    let kept = outbox.flush();
    counts.trajectories.fetch_add(outbox.computed.0, Ordering::Relaxed);
    counts.results.fetch_add(outbox.computed.1, Ordering::Relaxed);
    done.and(kept)
}

/// Finished results of one experiment on their way into the store, collected so that they are flushed to disk together.
struct Outbox<'a> {
    context: &'a RunContext<'a>,
    groups: Arc<Groups>,
    provenance: Vec<(String, String)>,
    trajectories: Vec<Record>,
    spectra: Vec<Record>,
    studies: Vec<Record>,
    computed: (u64, u64),
    since: Instant,
    patience: Duration,
}

impl<'a> Outbox<'a> {
    fn new(context: &'a RunContext<'a>, experiment: &Experiment) -> Result<Self> {
        let provenance = simulation_provenance(experiment)?;
        let (groups, since) = (context.groups(experiment)?, Instant::now());
        let (trajectories, spectra, studies) = (Vec::new(), Vec::new(), Vec::new());
        let patience = if context.store.access() == Access::Slice { SLICE_PATIENCE } else { PATIENCE };
        Ok(Self {
            context,
            groups,
            provenance,
            trajectories,
            spectra,
            studies,
            computed: (0, 0),
            since,
            patience,
        })
    }

    /// Flushes if enough time has passed.
    fn offer(&mut self) -> Result<()> {
        if self.since.elapsed() >= self.patience { self.flush() } else { Ok(()) }
    }

    /// Records without those that another BLAS kernel gave before, with other digits but the same numbers within tolerance: two
    /// kernels that round differently are no defect of the code.
    fn other_kernels(&self, group: &Group, records: Vec<Record>) -> Result<Vec<Record>> {
        let store = self.context.store;
        let known = store.records(group)?;
        let now = kernel(&self.provenance);
        // The kernel that gave a record before with other digits, if it is another one and the numbers are the same.
        let rounded_by = |record: &Record| -> Result<Option<String>> {
            let Some(entry) = known.get(&record.id).filter(|entry| entry.values != sha256(&record.payload))
            else {
                return Ok(None);
            };
            let made = store.provenance(group, entry)?;
            let Some(before) = kernel(&made).filter(|before| Some(*before) != now) else { return Ok(None) };
            let old = store.read(group, &record.id)?;
            Ok(old.is_some_and(|old| near(&old, &record.payload)).then(|| before.to_owned()))
        };
        let (mut kept, mut kernels) = (Vec::new(), Vec::new());
        for record in records {
            match rounded_by(&record)? {
                Some(before) => kernels.push(before),
                None => kept.push(record),
            }
        }
        if let Some(before) = kernels.first() {
            say(&format!(
                "{}: {} results differ in their last digits, within tolerance, because the BLAS kernel does: {before} \
                 before, {} now; the first are kept",
                group.experiment(),
                kernels.len(),
                now.unwrap_or_default()
            ));
        }
        Ok(kept)
    }

    fn flush(&mut self) -> Result<()> {
        let (store, groups) = (self.context.store, Arc::clone(&self.groups));
        self.computed.0 += self.trajectories.len() as u64;
        self.computed.1 += (self.spectra.len() + self.studies.len()) as u64;
        // Trajectories first: results are about them.
        let waiting = [&mut self.trajectories, &mut self.spectra, &mut self.studies].map(std::mem::take);
        for (group, waiting) in groups.all().into_iter().zip(waiting) {
            if !waiting.is_empty() {
                store.append(group, &self.provenance, self.other_kernels(group, waiting)?)?;
            }
        }
        self.since = Instant::now();
        Ok(())
    }
}

/// Whether two results of a query have the same numbers, to rounding relative to the largest of them. Directions of
/// eigenvectors that their eigenvalues do not separate are no numbers.
fn near(old: &[u8], new: &[u8]) -> bool {
    let (Ok(old), Ok(new)) = (decode("result", old), decode("result", new)) else {
        let study = (numbers_of_study(old), numbers_of_study(new));
        return matches!(study, (Ok(old), Ok(new)) if close(&old, &new));
    };
    let numbers = |result: &QueryResult| -> Vec<f64> {
        match result {
            QueryResult::Pairs(both) => both.iter().flatten().map(|pair| pair.value).collect(),
            QueryResult::Values(both) => both.iter().flatten().copied().collect(),
            QueryResult::Components(pairs) => pairs.iter().map(|pair| pair.value).collect(),
            QueryResult::Norms(both) => {
                both.iter().flat_map(|norms| [norms.operator, norms.outside, norms.perpendicular]).collect()
            }
        }
    };
    close(&numbers(&old), &numbers(&new))
}

fn numbers_of_study(bytes: &[u8]) -> Result<Vec<f64>> {
    let readings: Vec<Reading> = decode("reading of a study", bytes)?;
    Ok(readings.iter().map(|reading| reading.value).collect())
}

/// Whether numbers are the same to rounding relative to the largest of them.
fn close(old: &[f64], new: &[f64]) -> bool {
    let scale = old.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| (a - b).abs() <= 1e-10 * scale)
}

fn replicate(
    context: &RunContext,
    outbox: &mut Outbox,
    work: &Work,
    force: bool,
    progress: &Progress,
) -> Result<()> {
    let experiment = &work.experiment;
    let task = task::build(&experiment.reduced_problem());
    let seed = context.seed(experiment, work.replicate);
    let mut samples = Samples { task: &*task, seed: &seed, drawn: BTreeMap::new() };
    let (values, trajectory) = match if force { None } else { stored(context, work)? } {
        Some(found) => {
            progress.add(trajectory_cost(experiment));
            found
        }
        None => simulate(outbox, work, &mut samples, progress)?,
    };
    let queries = if force { work.queries.clone() } else { context.open_queries(work)? };
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
                let answer = point.answer(query, &matrices).context(|| describe(query))?;
                outbox.spectra.push(Record {
                    id: query_id(work.replicate, query, &values),
                    items: 1,
                    seconds: started.elapsed().as_secs_f64(),
                    payload: answer_bytes(&answer)?,
                });
                outbox.offer()?;
                started = Instant::now();
                progress.add(answer_cost(experiment));
            }
        }
    }
    let studies = if force { work.studies.clone() } else { context.open_studies(work)? };
    for study in &work.studies {
        if studies.contains(study) && trajectory.diverged.is_none() {
            let started = Instant::now();
            let readings = study.run(&*task, &seed, &trajectory).context(|| study.to_string())?;
            outbox.studies.push(Record {
                id: study_id(work.replicate, study, &values),
                items: 1,
                seconds: started.elapsed().as_secs_f64(),
                payload: study_bytes(&readings)?,
            });
            outbox.offer()?;
        }
        progress.add(study_cost(experiment, study));
    }
    Ok(())
}

/// The stored trajectory of a replicate, with the digest of its values.
fn stored(context: &RunContext, work: &Work) -> Result<Option<(String, Trajectory<Observed>)>> {
    let Some(trajectory) = context.trajectory(&work.experiment, work.replicate)? else { return Ok(None) };
    let records = context.store.records(&context.groups(&work.experiment)?.trajectories)?;
    Ok(records.get(&trajectory_id(work.replicate)).map(|entry| (entry.values.clone(), trajectory)))
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
    format!("checkpoint {}, block {}", query.checkpoint, query.block.shown())
}

/// `total · part / whole`, rounded down.
fn scaled(total: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(total) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(total)
}

fn simulate(
    outbox: &mut Outbox,
    work: &Work,
    samples: &mut Samples,
    progress: &Progress,
) -> Result<(String, Trajectory<Observed>)> {
    let (experiment, task, seed) = (&work.experiment, samples.task, samples.seed);
    let (total, steps) = (trajectory_cost(experiment), experiment.problem.steps(experiment.horizon));
    let taken = |taken| progress.add(scaled(total, taken, steps));
    let started = Instant::now();
    let sample = samples.of(SampleKind::Test);
    let trajectory = match experiment.simulator {
        Simulator::Sgd => observe::observe(experiment, task, seed, sample, &taken),
        Simulator::Chain => chain::observe(experiment, task, seed, sample, &taken)?,
    };
    if let Some(step) = trajectory.diverged {
        let problem = &experiment.problem;
        let lambda = problem.data.lambda().map_or_else(String::new, |lambda| format!("lambda = {lambda}, "));
        progress.print_line(&format!(
            "{}, replicate {}: SGD diverged at step {step} with {lambda}beta = {}, c = {}, d = {}; lower c or beta",
            experiment.name, seed.replicate, problem.training.beta, problem.training.c, problem.d()
        ));
    }
    let payload = trajectory_bytes(&trajectory)?;
    let values = sha256(&payload);
    outbox.trajectories.push(Record {
        id: trajectory_id(work.replicate),
        items: trajectory.checkpoints.len() as u64,
        seconds: started.elapsed().as_secs_f64(),
        payload,
    });
    outbox.offer()?;
    Ok((values, trajectory))
}
