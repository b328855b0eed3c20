//! Measurement against theory, from the tables `statistics` and `theory` of a stage.

use crate::measure::Statistic;
use std::collections::BTreeMap;

/// How far one statistic is from its prediction, over all places that both tables have.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// The statistic.
    pub statistic: String,
    /// Number of places: experiment, step and indices, and the replicate where the prediction is of one.
    pub places: usize,
    /// Mean of `|measured - predicted| / |predicted|`; none where all predictions are zero.
    pub mean: Option<f64>,
    /// Its largest value.
    pub largest: Option<f64>,
    /// The experiment and time of the largest.
    pub place: Option<(String, f64)>,
    /// Largest `|measured - predicted|`.
    pub absolute: f64,
}

type Place<'a> = (&'a str, u64, Option<u32>, Option<u32>, Option<u32>);

fn place(row: &Statistic, replicate: Option<u32>) -> Place<'_> {
    (&row.at.experiment, row.at.step, row.row, row.col, replicate)
}

/// The deviations of all statistics in both tables. What is predicted for all replicates is compared with their mean.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
pub fn deviations(measured: &[Statistic], predicted: &[Statistic]) -> Vec<Deviation> {
    let mut values: BTreeMap<(&str, Place), (f64, usize)> = BTreeMap::new();
    for row in measured {
        let mut add = |replicate| {
            let entry = values.entry((row.statistic.as_str(), place(row, replicate))).or_default();
            entry.0 += row.value;
            entry.1 += 1;
        };
        add(None);
        if row.at.replicate.is_some() {
            add(row.at.replicate);
        }
    }
    let mut found: BTreeMap<&str, Vec<(&Statistic, f64)>> = BTreeMap::new();
    for row in predicted {
        if let Some((sum, count)) = values.get(&(row.statistic.as_str(), place(row, row.at.replicate))) {
            let difference = (sum / *count as f64 - row.value).abs();
            found.entry(row.statistic.as_str()).or_default().push((row, difference));
        }
    }
    found.into_iter().map(|(statistic, rows)| deviation(statistic, &rows)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
fn deviation(statistic: &str, rows: &[(&Statistic, f64)]) -> Deviation {
    let relative: Vec<(&Statistic, f64)> = rows
        .iter()
        .filter(|(row, _)| row.value != 0.0)
        .map(|(row, difference)| (*row, difference / row.value.abs()))
        .collect();
    let largest = relative.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let sum: f64 = relative.iter().map(|(_, share)| share).sum();
    Deviation {
        statistic: statistic.to_owned(),
        places: rows.len(),
        mean: largest.map(|_| sum / relative.len() as f64),
        largest: largest.map(|(_, share)| *share),
        place: largest.map(|(row, _)| (row.at.experiment.clone(), row.at.time)),
        absolute: rows.iter().map(|(_, difference)| *difference).fold(0.0, f64::max),
    }
}
