//! What was measured against what was predicted, place by place.

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistic, Statistics, Subspace, average};
use crate::stages::common::dimensions::mean_of;
use crate::stages::effective_spectrum::GAP;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Where a statistic of a layer's block is compared: matrix, step and the first rank of levels that no gap separates. Means over
/// places add them in this order.
type Place = (Reverse<Option<Matrix>>, u64, u32);

/// Differences of one statistic from what is expected by place and replicate.
type Differences = BTreeMap<Place, Values>;

/// What measured levels are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Their prediction.
    Prediction,
    /// That for the start of training, later on.
    Start,
}

/// What differences are in units of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The predicted value.
    Relative,
    /// One.
    Difference,
    /// What the predicted value lacks to 1.
    Lacking,
}

/// A statistic of a layer.
#[derive(Clone, Copy, Debug)]
pub struct What {
    /// Its name.
    pub statistic: &'static str,
    /// The layer.
    pub layer: Layer,
    /// What overlaps are with: what theory predicts one with, or a null.
    pub space: Option<Subspace>,
    /// What differences are in units of.
    pub scale: Scale,
}

/// Both tables.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Measured.
    pub statistics: Statistics,
    /// Predicted.
    pub theory: Statistics,
}

impl Compared {
    /// The tables of the stage.
    ///
    /// # Errors
    /// A table the stage does not have or of another shape.
    pub fn read(results: &Results) -> Result<Self> {
        let (statistics, theory) = Statistics::both(results)?;
        Ok(Self { statistics, theory })
    }

    /// The first rank of the levels that no gap separates from each predicted one.
    fn clusters(&self, experiment: &Experiment, layer: Layer) -> BTreeMap<(Option<Matrix>, u64, u32), u32> {
        let mut levels: BTreeMap<(Option<Matrix>, u64), BTreeMap<u32, f64>> = BTreeMap::new();
        for row in self.theory.of(&experiment.name, "outlier").layer(layer).iter() {
            let ranks = levels.entry((row.of.matrix, row.at.step)).or_default();
            ranks.insert(row.of.rank.unwrap_or(0), row.value);
        }
        let mut first = BTreeMap::new();
        for ((matrix, step), ranks) in levels {
            let mut above: Option<(u32, f64)> = None;
            for (rank, value) in ranks {
                let joined = above.filter(|(_, last)| last - value < GAP * last);
                let lead = joined.map_or(rank, |(lead, _)| lead);
                first.insert((matrix, step, rank), lead);
                above = Some((lead, value));
            }
        }
        first
    }

    /// The differences by place: of sums over levels that no gap separates, since repulsion moves these apart and their sum not;
    /// overlaps as means over them.
    fn differences(&self, experiment: &Experiment, what: What, against: Against) -> Differences {
        let clusters = self.clusters(experiment, what.layer);
        let found = |table: &Statistics, space: Option<Subspace>| {
            let rows = table.of(&experiment.name, what.statistic).layer(what.layer);
            let rows = rows.only(|row| space.is_none() || row.of.subspace == space);
            rows.iter().cloned().collect::<Vec<Statistic>>()
        };
        let expected: BTreeMap<(Option<Matrix>, u64, Option<u32>), f64> = found(&self.theory, None)
            .into_iter()
            .map(|row| ((row.of.matrix, row.at.step, row.of.rank), row.value))
            .collect();
        let mut sums: BTreeMap<Place, BTreeMap<u32, (f64, f64, f64)>> = BTreeMap::new();
        for row in found(&self.statistics, what.space) {
            let (matrix, step, rank) = (row.of.matrix, row.at.step, row.of.rank);
            let Some(lead) = clusters.get(&(matrix, step, rank.unwrap_or(0))) else { continue };
            let of_start = against == Against::Start;
            if of_start && step == 0 {
                continue;
            }
            let reference = expected.get(&(matrix, if of_start { 0 } else { step }, rank));
            if let (Some(reference), Some(replicate)) = (reference, row.at.replicate) {
                let place = sums.entry((Reverse(matrix), step, *lead)).or_default();
                let sum = place.entry(replicate).or_default();
                *sum = (sum.0 + row.value, sum.1 + reference, sum.2 + 1.0);
            }
        }
        let difference = |(value, expected, count): (f64, f64, f64)| match what.scale {
            Scale::Relative => value / expected - 1.0,
            Scale::Difference => (value - expected) / count,
            Scale::Lacking => (value - expected) / (count - expected),
        };
        let of_place =
            |place: BTreeMap<u32, _>| place.into_iter().map(|(r, sum)| (r, difference(sum))).collect();
        sums.into_iter().map(|(place, all)| (place, of_place(all))).collect()
    }

    /// The differences at the place where their mean is largest.
    pub fn worst(&self, experiment: &Experiment, what: What, against: Against) -> Values {
        let size = |values: &Values| mean_of(values).abs();
        self.differences(experiment, what, against)
            .into_values()
            .max_by(|a, b| size(a).total_cmp(&size(b)))
            .unwrap_or_default()
    }

    /// Per replicate, the mean over places of the size of the relative difference of outliers, at the places that all of the
    /// experiments have.
    pub fn sizes(
        &self,
        experiment: &Experiment,
        all: &[&Experiment],
        layers: &[Layer],
        against: Against,
    ) -> Values {
        // Steps differ between dimensions: times are the same.
        let place = |experiment: &Experiment, place: &Place| {
            let checkpoint = experiment.schedule().iter().position(|step| *step == place.1);
            (place.0, checkpoint, place.2)
        };
        let mut totals: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for &layer in layers {
            let what = What { statistic: "outlier", layer, space: None, scale: Scale::Relative };
            let of = |other: &Experiment| -> BTreeSet<_> {
                self.differences(other, what, against).keys().map(|found| place(other, found)).collect()
            };
            let common: Vec<BTreeSet<_>> = all.iter().map(|other| of(other)).collect();
            let everywhere =
                |here: &Place| common.iter().all(|places| places.contains(&place(experiment, here)));
            for (here, values) in self.differences(experiment, what, against) {
                if everywhere(&here) {
                    for (replicate, value) in values {
                        totals.entry(replicate).or_default().push(value.abs());
                    }
                }
            }
        }
        totals.into_iter().map(|(replicate, sizes)| (replicate, average(&sizes))).collect()
    }
}
