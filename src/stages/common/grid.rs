//! Grids of signal-to-noise ratios, one experiment a point: values, slopes, error bars.

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::stage::Results;
use crate::stage::claim::{interval, log_slope};
use crate::stage::rows::statistics_rows;
use std::collections::BTreeMap;

/// Values of a statistic by λ, then by replicate (0 for a prediction).
pub type Grid = Vec<(f64, BTreeMap<u32, f64>)>;

/// Values of a statistic of a table at the start or at the end, over the stage's experiments.
///
/// # Errors
/// A table the stage does not have or of another shape.
pub fn over_grid(results: &Results, table: &str, statistic: &str, start: bool) -> Result<Grid> {
    let rows = statistics_rows(results.table(table)?)?;
    let mut grid: Grid = results
        .experiments
        .values()
        .map(|experiment| {
            let values = rows
                .iter()
                .filter(|row| {
                    row.at.experiment == experiment.name
                        && row.statistic == statistic
                        && (row.at.step == 0) == start
                })
                .map(|row| (row.at.replicate.unwrap_or(0), row.value))
                .collect();
            (experiment.problem.lambda(), values)
        })
        .collect();
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(grid)
}

/// One slope per replicate, over the grid from `least` on; none where a point is missing.
#[must_use]
pub fn slopes(grid: &[(f64, BTreeMap<u32, f64>)], least: f64) -> Vec<f64> {
    let fitted: Vec<_> = grid.iter().filter(|(lambda, _)| *lambda >= least).collect();
    let Some((_, first)) = fitted.first() else { return Vec::new() };
    first
        .keys()
        .filter_map(|replicate| {
            let points: Option<Vec<(f64, f64)>> = fitted
                .iter()
                .map(|(lambda, values)| values.get(replicate).map(|value| (*lambda, *value)))
                .collect();
            points.filter(|points| points.len() >= 3).map(|points| log_slope(&points))
        })
        .collect()
}

/// Mean with its 95 % interval at every λ.
///
/// # Errors
/// As for [`interval`].
pub fn bars(grid: &[(f64, BTreeMap<u32, f64>)]) -> Result<Vec<(f64, f64, f64, f64)>> {
    grid.iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(lambda, values)| {
            let (mean, half) = interval(&values.values().copied().collect::<Vec<_>>())?;
            Ok((*lambda, mean, mean - half, mean + half))
        })
        .collect()
}

/// The values of a parameter of experiments, each once, increasing.
#[must_use]
pub fn distinct(results: &Results, of: impl Fn(&Experiment) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = results.experiments.values().map(of).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Edges of cells around increasing places, halfway between them in logarithms; around one place, from half of it to its double.
#[must_use]
pub fn log_edges(places: &[f64]) -> Vec<f64> {
    let mut edges: Vec<f64> = places.windows(2).map(|pair| (pair[0] * pair[1]).sqrt()).collect();
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        let low = edges.first().map_or(first / 2.0, |edge| first * first / edge);
        let high = edges.last().map_or(last * 2.0, |edge| last * last / edge);
        edges.insert(0, low);
        edges.push(high);
    }
    edges
}

/// Edges of cells around increasing places, halfway between them; around one place, half of it away.
#[must_use]
pub fn linear_edges(places: &[f64]) -> Vec<f64> {
    let mut edges: Vec<f64> = places.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect();
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        let low = edges.first().map_or(first / 2.0, |edge| 2.0 * first - edge);
        let high = edges.last().map_or(1.5 * last, |edge| 2.0 * last - edge);
        edges.insert(0, low);
        edges.push(high);
    }
    edges
}
