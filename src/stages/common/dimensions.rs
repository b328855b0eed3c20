//! Statistics of replicates over dimensions, or over any other parameter: slopes, error bars, the law d^{-1/2}.

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::stage::Results;
use crate::stage::claim::{interval, log_slope};
use crate::stages::common::shared::Statistics;

/// Values of the replicates at each place, a dimension or another parameter.
pub type Places = Vec<(f64, Vec<f64>)>;

/// Dimension of an experiment.
#[must_use]
pub fn dimension(experiment: &Experiment) -> f64 {
    as_f64(experiment.problem.d())
}

/// The experiments whose names begin so, by dimension.
#[must_use]
pub fn by_dimension<'a>(results: &'a Results, prefix: &str) -> Vec<&'a Experiment> {
    let mut all: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| experiment.name.starts_with(prefix)).collect();
    all.sort_by_key(|experiment| experiment.problem.d());
    all
}

/// The values of a statistic of each experiment that has any, at its place.
#[must_use]
pub fn places(
    experiments: &[&Experiment],
    place: impl Fn(&Experiment) -> f64,
    values: impl Fn(&Experiment) -> Vec<f64>,
) -> Places {
    let all = experiments.iter().map(|experiment| (place(experiment), values(experiment)));
    all.filter(|(_, values)| !values.is_empty()).collect()
}

/// The values of a statistic of an experiment, one per replicate.
#[must_use]
pub fn values(statistics: &Statistics, experiment: &Experiment, statistic: &str) -> Vec<f64> {
    statistics.rows(&experiment.name, statistic).map(|row| row.value).collect()
}

/// One log-log slope per replicate; none with fewer than two places.
#[must_use]
pub fn slopes(places: &Places) -> Vec<f64> {
    let replicates = places.iter().map(|(_, values)| values.len()).min().unwrap_or(0);
    if places.len() < 2 {
        return Vec::new();
    }
    (0..replicates)
        .map(|replicate| log_slope(&places.iter().map(|(x, all)| (*x, all[replicate])).collect::<Vec<_>>()))
        .collect()
}

/// Mean with its 95 % interval at every place.
///
/// # Errors
/// As for [`interval`].
pub fn bars(places: &Places) -> Result<Vec<(f64, f64, f64, f64)>> {
    places
        .iter()
        .map(|(place, values)| {
            let (mean, half) = interval(values)?;
            Ok((*place, mean, mean - half, mean + half))
        })
        .collect()
}

/// The law `d^{-1/2}` at the places of bars: its slope is the prediction, its height the geometric middle of theirs.
#[must_use]
pub fn half_law(bars: &[(f64, f64, f64, f64)]) -> Vec<(f64, f64)> {
    let height = bars.iter().map(|bar| libm::log(bar.1 * bar.0.sqrt())).sum::<f64>() / as_f64(bars.len());
    bars.iter().map(|bar| (bar.0, libm::exp(height) / bar.0.sqrt())).collect()
}
