//! What the stages of both tasks share: places, questions, levels.

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::{Block, Matrix, Task};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::spectrum::{Norms, Pair};
use crate::stage::request::Checkpoints;
use crate::stage::rows::{At, Of, Statistic, Subspace};
use crate::stage::{Data, Results};
use crate::theory;
use crate::theory::effective_spectrum::EffectiveSpectrum;

/// Both matrices, as they are measured and as the theory knows them.
pub const MATRICES: [(Matrix, theory::Matrix); 2] =
    [(Matrix::Hessian, theory::Matrix::Hessian), (Matrix::Gradient, theory::Matrix::Gradient)];

/// Both matrices with their symbols.
pub const SYMBOLS: [(Matrix, &str); 2] = [(Matrix::Hessian, "H"), (Matrix::Gradient, "G")];

/// A count or index, all of which are small.
pub fn small(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// What a summary statistic of a task is of.
pub fn of_summary(task: &dyn Task, statistic: &str, (row, col): (usize, usize)) -> Of {
    let layer = if statistic == "v" { Layer::V } else { task.layers()[0].0 };
    Of { col: Some(small(col)), ..Of::row(layer, small(row)) }
}

/// Where a checkpoint of a replicate is.
pub fn at(experiment: &Experiment, replicate: u32, observed: &Observed) -> At {
    At {
        experiment: experiment.name.clone(),
        replicate: Some(replicate),
        step: observed.step,
        time: observed.time,
    }
}

/// A checkpoint of a replicate.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Where it is.
    pub here: At,
    /// The replicate.
    pub replicate: u32,
    /// Its place in the schedule.
    pub checkpoint: usize,
    /// What was observed.
    pub observed: Observed,
}

/// Those of the checkpoints asked for that a replicate has.
///
/// # Errors
/// A store that cannot be read.
pub fn seen(data: &dyn Data, one: &Experiment, replicate: u32, asked: Checkpoints) -> Result<Vec<Seen>> {
    let asked = asked.indices(one.schedule().len());
    let all = data.trajectory(&one.name, replicate)?.checkpoints.into_iter().enumerate();
    Ok(all
        .filter(|(checkpoint, _)| asked.contains(checkpoint))
        .map(|(checkpoint, observed)| Seen {
            here: at(one, replicate, &observed),
            replicate,
            checkpoint,
            observed,
        })
        .collect())
}

/// The same of every replicate that reached the end.
///
/// # Errors
/// A store that cannot be read.
pub fn all_seen(data: &dyn Data, one: &Experiment, asked: Checkpoints) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    for replicate in data.finished(&one.name)? {
        all.extend(seen(data, one, replicate, asked)?);
    }
    Ok(all)
}

/// Where a checkpoint of a prediction for all replicates is.
pub fn predicted_at(experiment: &Experiment, checkpoint: usize) -> At {
    let step = experiment.schedule()[checkpoint];
    At { experiment: experiment.name.clone(), replicate: None, step, time: experiment.time(step) }
}

/// A question about the test sample.
pub fn query(checkpoint: usize, block: Block, question: Question) -> Query {
    Query { checkpoint, sample: SampleKind::Test, block, question }
}

/// Tracy-Widom scales between the edge of the bulk and what counts as an outlier.
pub const MARGIN: f64 = 4.0;

/// The level above which an eigenvalue of a d × d matrix counts as an outlier: the right edge of the bulk plus four
/// Tracy-Widom scales, which its extreme eigenvalue exceeds with probability below 10^-3.
pub fn threshold(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.right_edge();
    edge.position + MARGIN * edge.tracy_widom_scale(as_f64(d)).unwrap_or(0.0)
}

/// The level below which an eigenvalue counts as a negative outlier, likewise.
pub fn threshold_below(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.left_edge();
    edge.position - MARGIN * edge.tracy_widom_scale(as_f64(d)).unwrap_or(0.0)
}

/// Squared cosine of the angle between an eigenvector and a vector.
pub fn squared_cosine(pair: &Pair, vector: ndarray::ArrayView1<f64>) -> f64 {
    let product = pair.vector.dot(&vector);
    product * product / vector.dot(&vector)
}

/// How much of a block's operator norm is outside the span of the means, on one side (`full error`) and on both
/// (`perpendicular error`); nothing of a block that is zero.
pub fn norm_errors(at: &At, block: Of, norms: Norms) -> impl Iterator<Item = Statistic> {
    let errors = [("full error", norms.outside), ("perpendicular error", norms.perpendicular)];
    let errors = errors.into_iter().filter(move |_| norms.operator > 0.0);
    errors
        .map(move |(name, norm)| Statistic::new(at, name, block.with(Subspace::Means), norm / norms.operator))
}

/// Every value as a claim's statistic: 1 where it complies, 0 where it does not.
pub fn indicators<T>(values: impl IntoIterator<Item = T>, complies: impl Fn(T) -> bool) -> Vec<f64> {
    values.into_iter().map(|value| f64::from(u8::from(complies(value)))).collect()
}

/// The time at which a curve first reaches a level, between points on a line; none if it never does.
pub fn reaches(curve: &[(f64, f64)], level: f64) -> Option<f64> {
    if curve.first().is_some_and(|point| point.1 >= level) {
        return curve.first().map(|point| point.0);
    }
    curve.windows(2).find(|pair| pair[1].1 >= level).map(|pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        from + (to - from) * ((level - low) / (high - low)).clamp(0.0, 1.0)
    })
}

/// Those of the names that experiments have: grids may be replaced, and a claim is about what there is.
pub fn present(results: &Results, names: &[&str]) -> Vec<String> {
    let there = names.iter().filter(|name| results.experiments.contains_key(**name));
    there.map(|name| (*name).to_owned()).collect()
}
