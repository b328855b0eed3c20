//! Experiments that differ in one parameter, such as λ or d: values of a statistic, slopes, error bars.

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::stage::Results;
use crate::stage::claim::{interval, log_slope};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics};
use std::collections::BTreeMap;

/// Values of a statistic by place, such as λ, then by replicate (0 for a prediction).
pub type Grid = Vec<(f64, BTreeMap<u32, f64>)>;

/// Mean at a place with its 95 % interval: place, mean, ends of the interval.
pub type Bar = (f64, f64, f64, f64);

/// Values of a statistic of a table at the start or at the end, over the λ of the stage's experiments.
///
/// # Errors
/// A table the stage does not have or of another shape.
pub fn over_grid(
    results: &Results,
    (table, statistic): (&str, &str),
    start: bool,
    choose: impl Fn(Selection<'_>) -> Selection<'_>,
) -> Result<Grid> {
    let all = Statistics::read(results, table)?;
    let values = |experiment: &Experiment| {
        let found = choose(all.of(&experiment.name, statistic)).only(|row| (row.at.step == 0) == start);
        found.iter().map(|row| (row.at.replicate.unwrap_or(0), row.value)).collect()
    };
    let experiments = results.experiments.values();
    let mut grid: Grid = experiments.map(|one| (one.problem.lambda(), values(one))).collect();
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(grid)
}

/// One log-log slope per replicate, over the places from `least` on; none where one is missing, or with fewer than two.
pub fn slopes(grid: &Grid, least: f64) -> Values {
    let fitted: Vec<_> = grid.iter().filter(|(place, _)| *place >= least).collect();
    let Some((_, first)) = fitted.first() else { return Values::new() };
    first
        .keys()
        .filter_map(|replicate| {
            let value = |values: &BTreeMap<u32, f64>| values.get(replicate).copied();
            let points: Option<Vec<(f64, f64)>> =
                fitted.iter().map(|(place, values)| value(values).map(|value| (*place, value))).collect();
            points.filter(|points| points.len() >= 2).map(|points| (*replicate, log_slope(&points)))
        })
        .collect()
}

/// Mean with its 95 % interval at every place that has values.
///
/// # Errors
/// As for [`interval`].
pub fn bars(grid: &Grid) -> Result<Vec<Bar>> {
    grid.iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(place, values)| {
            let (mean, half) = interval(&values.values().copied().collect::<Vec<_>>())?;
            Ok((*place, mean, mean - half, mean + half))
        })
        .collect()
}

/// The values of a parameter of experiments, each once, increasing.
pub fn distinct(experiments: &[&Experiment], of: impl Fn(&Experiment) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = experiments.iter().map(|one| of(one)).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Edges of cells around increasing places, halfway between them in logarithms; around one place, from half of it to its double.
pub fn log_edges(places: &[f64]) -> Vec<f64> {
    edges(places, 2.0, |a, b| (a * b).sqrt(), |place, edge| place * place / edge)
}

/// Edges of cells around increasing places, halfway between them; around one place, half of it away.
pub fn linear_edges(places: &[f64]) -> Vec<f64> {
    edges(places, 1.5, f64::midpoint, |place, edge| 2.0 * place - edge)
}

/// The edges of one place reach from half of it to this many times it.
fn edges(
    places: &[f64],
    reach: f64,
    between: impl Fn(f64, f64) -> f64,
    beyond: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let mut edges: Vec<f64> = places.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        let low = edges.first().map_or(first / 2.0, |edge| beyond(*first, *edge));
        let high = edges.last().map_or(last * reach, |edge| beyond(*last, *edge));
        edges.insert(0, low);
        edges.push(high);
    }
    edges
}
