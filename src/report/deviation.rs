//! Measurement against theory, from the tables `statistics`, `spectrum` and `theory` of a stage.

use crate::stage::rows::{Eigenvalue, Statistic};
use std::collections::{BTreeMap, BTreeSet};

/// Predictions below this share of the largest one of their statistic are compared by their difference only.
pub const SMALL: f64 = 0.01;

/// How far one statistic is from its prediction, over all places that both tables have.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// The statistic.
    pub statistic: String,
    /// Number of places: experiment, step and indices, and the replicate where the prediction is of one.
    pub places: usize,
    /// Mean of `|measured - predicted| / |predicted|` over places where the prediction is not [`SMALL`]; none where all
    /// predictions are zero.
    pub mean: Option<f64>,
    /// Its largest value.
    pub largest: Option<f64>,
    /// The experiment and time of the largest.
    pub place: Option<(String, f64)>,
    /// Largest `|measured - predicted|`.
    pub absolute: f64,
}

/// Eigenvalues under the names that predictions of them have: `outlier, hessian` or `eigenvalue, hessian`, with the rank as
/// first index, and without the matrix where there is only one. None where several blocks could be meant.
#[must_use]
pub fn eigenvalues(rows: &[Eigenvalue]) -> Vec<Statistic> {
    let blocks: BTreeSet<_> = rows.iter().map(|row| (&row.layer, row.row, row.col, &row.sample)).collect();
    let matrices: BTreeSet<_> = rows.iter().map(|row| &row.matrix).collect();
    if blocks.len() > 1 {
        return Vec::new();
    }
    let named = |row: &Eigenvalue, name: &str| Statistic::of(&row.at, name, row.rank, row.eigenvalue);
    let mut all = Vec::new();
    for row in rows {
        for word in ["outlier", "eigenvalue"] {
            all.push(named(row, &format!("{word}, {}", row.matrix)));
            if matrices.len() == 1 {
                all.push(named(row, word));
            }
        }
    }
    all
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
    let scale = rows.iter().map(|(row, _)| row.value.abs()).fold(0.0, f64::max);
    let relative: Vec<(&Statistic, f64)> = rows
        .iter()
        .filter(|(row, _)| row.value != 0.0 && row.value.abs() >= SMALL * scale)
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
