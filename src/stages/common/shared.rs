//! What the stages of both tasks share: places, questions, levels, statistics.

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Block;
use crate::simulation::trajectory::Observed;
use crate::spectrum::Pair;
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::stage::Results;
use crate::stage::rows::{At, Curves, Statistic, curves, statistics_rows};
use crate::theory::Matrix;
use crate::theory::effective_spectrum::EffectiveSpectrum;
use std::collections::BTreeMap;

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
pub fn query(checkpoint: usize, block: Block, question: Question) -> Query {
    Query { checkpoint, sample: SampleKind::Test, block, question }
}

/// Tracy-Widom scales between the edge of the bulk and what counts as an outlier.
pub const MARGIN: f64 = 4.0;

/// The level above which an eigenvalue of a d × d matrix counts as an outlier: the right edge of the bulk plus four
/// Tracy-Widom scales, which its extreme eigenvalue exceeds with probability below 10^-3.
#[must_use]
pub fn level(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.right_edge();
    edge.position + MARGIN * edge.tracy_widom_scale(as_f64(d)).unwrap_or(0.0)
}

/// The level below which an eigenvalue counts as a negative outlier, likewise.
#[must_use]
pub fn level_below(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.left_edge();
    edge.position - MARGIN * edge.tracy_widom_scale(as_f64(d)).unwrap_or(0.0)
}

/// Squared cosine of the angle between an eigenvector and a vector.
#[must_use]
pub fn squared_cosine(pair: &Pair, vector: ndarray::ArrayView1<f64>) -> f64 {
    let product = pair.vector.dot(&vector);
    product * product / vector.dot(&vector)
}

/// A table of statistics, read for its curves.
#[derive(Clone, Debug)]
pub struct Statistics(Vec<Statistic>);

impl Statistics {
    /// The table of this name.
    ///
    /// # Errors
    /// A table the stage does not have or of another shape.
    pub fn read(results: &Results, table: &str) -> Result<Self> {
        Ok(Self(statistics_rows(results.table(table)?)?))
    }

    /// The rows of one statistic of an experiment.
    pub fn rows<'a>(&'a self, experiment: &'a str, name: &'a str) -> impl Iterator<Item = &'a Statistic> {
        self.0.iter().filter(move |row| row.at.experiment == experiment && row.statistic == name)
    }

    /// One curve over time per replicate (0 for a prediction), of a statistic with this first index, or without any.
    #[must_use]
    pub fn curves(&self, experiment: &str, name: &str, row: Option<u32>) -> Curves {
        curves(
            self.rows(experiment, name)
                .filter(|found| found.row == row)
                .map(|found| (&found.at, found.value)),
        )
    }

    /// The smallest value over the first index, as one curve over time per replicate.
    #[must_use]
    pub fn smallest(&self, experiment: &str, name: &str) -> Curves {
        let mut smallest: BTreeMap<u32, BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
        for found in self.rows(experiment, name) {
            let replicate = smallest.entry(found.at.replicate.unwrap_or(0)).or_default();
            let point = replicate.entry(found.at.step).or_insert((found.at.time, f64::INFINITY));
            point.1 = point.1.min(found.value);
        }
        smallest.into_iter().map(|(replicate, points)| (replicate, points.into_values().collect())).collect()
    }
}

/// Every value as a claim's statistic: 1 where it complies, 0 where it does not.
pub fn indicators<T>(values: impl IntoIterator<Item = T>, complies: impl Fn(T) -> bool) -> Vec<f64> {
    values.into_iter().map(|value| f64::from(u8::from(complies(value)))).collect()
}
