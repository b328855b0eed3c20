//! What was measured against what was predicted, place by place.

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::rows::{Statistic, Statistics, average};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Where a statistic of a layer's block is compared: matrix, step and rank. Means over places add them in this order.
type Place = (Reverse<Option<Matrix>>, u64, Option<u32>);

fn place(row: &Statistic) -> Place {
    (Reverse(row.of.matrix), row.at.step, row.of.rank)
}

/// Differences of one statistic from its prediction by place, one per replicate; relative or not.
type Differences = BTreeMap<Place, Vec<f64>>;

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

    fn differences(&self, experiment: &Experiment, what: &str, layer: Layer, relative: bool) -> Differences {
        let mut all = Differences::new();
        let [measured, predicted] =
            [&self.statistics, &self.theory].map(|table| table.of(&experiment.name, what).layer(layer));
        let predicted: BTreeMap<Place, f64> = predicted.iter().map(|row| (place(row), row.value)).collect();
        for row in measured.iter() {
            if let Some(expected) = predicted.get(&place(row)) {
                let difference = row.value - expected;
                let value = if relative { difference / expected } else { difference };
                all.entry(place(row)).or_default().push(value);
            }
        }
        all
    }

    /// The differences at the place where their mean is largest.
    pub fn worst(&self, experiment: &Experiment, what: &str, layer: Layer, relative: bool) -> Vec<f64> {
        let size = |values: &Vec<f64>| average(values).abs();
        self.differences(experiment, what, layer, relative)
            .into_values()
            .max_by(|a, b| size(a).total_cmp(&size(b)))
            .unwrap_or_default()
    }

    /// Per replicate, the mean over places of the size of the relative difference of outliers.
    pub fn sizes(&self, experiment: &Experiment, layers: &[Layer]) -> Vec<f64> {
        let all: Vec<Vec<f64>> = layers
            .iter()
            .flat_map(|layer| self.differences(experiment, "outlier", *layer, true).into_values())
            .collect();
        let replicates = all.iter().map(Vec::len).min().unwrap_or(0);
        (0..replicates)
            .map(|replicate| {
                all.iter().map(|values| values[replicate].abs()).sum::<f64>() / as_f64(all.len())
            })
            .collect()
    }
}
