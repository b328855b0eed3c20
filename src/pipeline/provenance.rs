//! What made a file and where, for its metadata: never part of a key, never committed.

use crate::digest::Ingredients;
use crate::error::Result;
use crate::pipeline::closure::{COMPILER, Closure, TARGET, closure};
use crate::pipeline::code::{NOT_DIGESTED, other_parts, simulator};
use crate::pipeline::machine::{COMMIT, CPU};
use crate::pipeline::openblas;
use crate::pipeline::plan::StagePlan;
use crate::problem::experiment::Experiment;
use crate::store::elapsed::{SECONDS, utc};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

/// Name of the list of source files with their digests.
pub const SOURCES: &str = "sources";

/// See [`threads`].
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// Records the number of threads of the current run.
pub(crate) fn set_threads(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// Number of threads of the current run.
pub(crate) fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// The program and the machine that make something.
fn maker() -> Vec<(&'static str, String)> {
    let (commit, dirty) = COMMIT.clone();
    vec![
        ("program", concat!("spectral-alignment ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("commit", commit),
        ("dirty", dirty),
        ("compiler", COMPILER.to_owned()),
        ("target", TARGET.to_owned()),
        ("blas", openblas::LIBRARY.0.clone()),
        ("blas kernel", openblas::LIBRARY.1.clone()),
        ("cpu", CPU.clone()),
        ("threads", threads().to_string()),
    ]
}

fn owned(all: Vec<(&str, String)>) -> Vec<(String, String)> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Names and values for the metadata of a result of `stage` begun at `started` and finished now; `more` adds what
/// the ingredients do not contain.
#[must_use]
pub fn provenance(
    ingredients: &Ingredients,
    stage: &str,
    more: &[(&str, String)],
    started: Instant,
) -> Vec<(String, String)> {
    let (now, took) = (SystemTime::now(), started.elapsed());
    let mut all = vec![("stage", stage.to_owned())];
    all.extend(maker());
    all.extend([
        ("started", utc(now.checked_sub(took).unwrap_or(now))),
        ("finished", utc(now)),
        (SECONDS, format!("{:.3}", took.as_secs_f64())),
    ]);
    all.extend(ingredients.get("profile").map(|value| ("profile", value.to_string())));
    let parameters = ingredients.get("experiments");
    all.extend(parameters.map(|value| ("parameters", serde_json::Value::from(value.clone()).to_string())));
    all.extend_from_slice(more);
    owned(all)
}

/// Names and values for the records of an experiment; the records themselves hold their seconds.
pub(crate) fn simulation_provenance(experiment: &Experiment) -> Result<Vec<(String, String)>> {
    let mut all = maker();
    all.push((SOURCES, sources(&[&simulating_code(experiment)?])));
    Ok(owned(all))
}

/// The source code behind trajectories and answers of an experiment.
pub(crate) fn simulating_code(experiment: &Experiment) -> Result<Closure> {
    let mut skipped = other_parts([experiment]);
    skipped.push(NOT_DIGESTED);
    closure(&[simulator(experiment), "src/spectrum/answer.rs"], &skipped)
}

/// Source files and the first digits of their digests, one per line, to tell later which file of a closure has changed.
#[must_use]
pub fn sources(closures: &[&Closure]) -> String {
    let mut all: Vec<String> = closures
        .iter()
        .flat_map(|closure| closure.files())
        .map(|(path, digest)| format!("{path} {}", brief(digest)))
        .collect();
    all.sort();
    all.dedup();
    all.join("\n")
}

/// The list for all code behind a stage's tables, that which simulates included.
pub(crate) fn table_sources(plan: &StagePlan) -> Result<String> {
    let mut code = vec![plan.table_code()?];
    for request in &plan.requests {
        code.push(simulating_code(&request.experiment)?);
    }
    Ok(sources(&code.iter().collect::<Vec<_>>()))
}

/// Parses the list written by [`sources`].
pub(crate) fn read_sources(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.rsplit_once(' '));
    pairs.map(|(path, digest)| (path.to_owned(), digest.to_owned())).collect()
}

/// The first sixteen digits of a digest, enough to tell two versions of a file apart.
#[must_use]
pub fn brief(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}
