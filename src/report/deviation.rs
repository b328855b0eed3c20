//! Measurement against theory, from the tables `statistics`, `spectrum` and `theory` of a stage.

use crate::simulation::task::Matrix;
use crate::stage::rows::{Of, Statistic, Statistics};
use std::collections::BTreeMap;

/// Predictions below this share of the largest one of their statistic are compared by their difference only.
pub const SMALL: f64 = 0.01;

/// How far one statistic is from its prediction, over all places present in both tables.
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

/// Eigenvalues, and the same under the name that predictions of outliers have.
pub fn eigenvalues(spectrum: &Statistics) -> Vec<Statistic> {
    let outlier = |row: &Statistic| Statistic { statistic: "outlier".into(), ..row.clone() };
    spectrum.all().iter().flat_map(|row| [row.clone(), outlier(row)]).collect()
}

type Place<'a> = (&'a str, &'a str, u64, Of, Option<u32>);

fn place(row: &Statistic, replicate: Option<u32>) -> Place<'_> {
    (&row.statistic, &row.at.experiment, row.at.step, row.of, replicate)
}

/// What is compared, in words: the statistic, the subspace, the layer and the matrix.
fn words(row: &Statistic) -> String {
    let Of { subspace, layer, matrix, .. } = row.of;
    let with = subspace.map(|subspace| format!(" with {}", subspace.name()));
    let of = [layer.map(|layer| layer.name), matrix.map(Matrix::name)];
    let of = of.into_iter().flatten().map(|name| format!(", {name}"));
    [row.statistic.to_string()].into_iter().chain(with).chain(of).collect()
}

/// The deviations of all statistics in both tables. What is predicted for all replicates is compared with their mean.
#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
pub fn deviations(measured: &[Statistic], predicted: &[Statistic]) -> Vec<Deviation> {
    let mut values: BTreeMap<Place, (f64, usize)> = BTreeMap::new();
    for row in measured {
        let mut add = |replicate| {
            let entry = values.entry(place(row, replicate)).or_default();
            entry.0 += row.value;
            entry.1 += 1;
        };
        add(None);
        if row.at.replicate.is_some() {
            add(row.at.replicate);
        }
    }
    let mut found: BTreeMap<String, Vec<(&Statistic, f64)>> = BTreeMap::new();
    for row in predicted {
        if let Some((sum, count)) = values.get(&place(row, row.at.replicate)) {
            let difference = (sum / *count as f64 - row.value).abs();
            found.entry(words(row)).or_default().push((row, difference));
        }
    }
    found.into_iter().map(|(statistic, rows)| deviation(&statistic, &rows)).collect()
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
