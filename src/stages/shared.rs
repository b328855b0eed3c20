//! What the stages of both tasks share: places, questions, levels.

use crate::ask::{Ask, Question, SampleKind};
use crate::experiment::Experiment;
use crate::measure::At;
use crate::simulate::Observed;
use crate::spectrum::Pair;
use crate::task::Block;
use crate::theory::Matrix;
use crate::theory::effective_spectrum::EffectiveSpectrum;

/// Both matrices, named as in tables and as the theory knows them.
pub const MATRICES: [(&str, Matrix); 2] = [("hessian", Matrix::Hessian), ("gradient", Matrix::Gradient)];

/// Where a checkpoint of a replicate is.
#[must_use]
pub fn at(experiment: &Experiment, replicate: u32, observed: &Observed) -> At {
    At {
        experiment: experiment.name.clone(),
        replicate: Some(replicate),
        step: observed.step,
        time: observed.time,
    }
}

/// A question about the test sample.
#[must_use]
pub fn ask(checkpoint: usize, block: Block, question: Question) -> Ask {
    Ask { checkpoint, sample: SampleKind::Test, block, question }
}

/// A count as a value of a table.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
pub fn number(count: usize) -> f64 {
    count as f64
}

/// Tracy-Widom scales between the edge of the bulk and what counts as an outlier.
pub const MARGIN: f64 = 4.0;

/// The level above which an eigenvalue of a d × d matrix counts as an outlier: the right edge of the bulk plus four
/// Tracy-Widom scales, which its extreme eigenvalue exceeds with probability below 10^-3.
#[must_use]
pub fn level(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.right_edge();
    edge.position + MARGIN * edge.tracy_widom_scale(number(d)).unwrap_or(0.0)
}

/// The level below which an eigenvalue counts as a negative outlier, likewise.
#[must_use]
pub fn level_below(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.left_edge();
    edge.position - MARGIN * edge.tracy_widom_scale(number(d)).unwrap_or(0.0)
}

/// Squared cosine of the angle between an eigenvector and a vector.
#[must_use]
pub fn squared_cosine(pair: &Pair, vector: ndarray::ArrayView1<f64>) -> f64 {
    let product = pair.vector.dot(&vector);
    product * product / vector.dot(&vector)
}
