//! Statistics of replicates over dimensions, or over any other parameter, and the law d^{-1/2}.

use crate::plot::{Anchor, Colour, Dash, Panel, Style};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::family::Axis;
use crate::stage::Results;
use crate::stage::estimate::Values;
use crate::stage::rows::Statistics;
use crate::stages::common::grid::{Bar, Grid};

/// Dimension of an experiment.
pub fn dimension(experiment: &Experiment) -> f64 {
    as_f64(experiment.problem.d())
}

/// The experiments whose names begin so, by dimension.
pub fn by_dimension<'a>(results: &'a Results, prefix: &str) -> Vec<&'a Experiment> {
    let mut all: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| experiment.name.starts_with(prefix)).collect();
    all.sort_by_key(|experiment| experiment.problem.d());
    all
}

/// The values of a statistic of each experiment that has any, at its place.
pub fn places(
    experiments: &[&Experiment],
    place: impl Fn(&Experiment) -> f64,
    values: impl Fn(&Experiment) -> Values,
) -> Grid {
    let all = experiments.iter().map(|experiment| (place(experiment), values(experiment)));
    all.filter(|(_, values)| !values.is_empty()).collect()
}

/// The values of a statistic of an experiment, one per replicate; a prediction has replicate 0.
pub fn values(statistics: &Statistics, experiment: &Experiment, statistic: &str) -> Values {
    let all = statistics.of(&experiment.name, statistic);
    all.iter().map(|row| (row.at.replicate.unwrap_or(0), row.value)).collect()
}

/// Mean over replicates; NaN if there is none.
pub fn mean_of(values: &Values) -> f64 {
    values.values().sum::<f64>() / as_f64(values.len())
}

/// Tolerance of the exponent -1/2 of fluctuations in d: half way to -1/3, the next exponent that theory has at hand (edges
/// fluctuate like `d^{-2/3}`, thresholds move like `d^{-1/3}`).
pub const HALF_LAW: f64 = 1.0 / 12.0;

/// Dimensions as an axis of a family.
pub fn over(dimensions: &[usize]) -> Axis {
    Axis::new("d", "-d", dimensions.iter().copied().map(as_f64))
}

/// Signal-to-noise ratios as an axis of a family.
pub fn over_lambda<L: Copy + Into<f64>>(lambdas: &[L]) -> Axis {
    Axis::new("lambda", "-lambda-", lambdas.iter().map(|&lambda| lambda.into()))
}

/// Words about the first of the experiments at a place of a panel.
pub fn noted(
    panel: Panel,
    (x, y): (f64, f64),
    experiments: &[&Experiment],
    words: impl Fn(&Experiment) -> String,
) -> Panel {
    match experiments.first() {
        Some(first) => panel.note(x, y, words(first), Anchor::Right),
        None => panel,
    }
}

/// A panel with bars over dimension and a line of the law `d^{-1/2}`: its slope is the prediction, its height the geometric
/// middle of theirs.
pub fn with_half_law(
    panel: Panel,
    label: impl Into<String>,
    style: Style,
    law: Colour,
    bars: Vec<Bar>,
) -> Panel {
    let height = bars.iter().map(|bar| libm::log(bar.1 * bar.0.sqrt())).sum::<f64>() / as_f64(bars.len());
    let line = bars.iter().map(|bar| (bar.0, libm::exp(height) / bar.0.sqrt())).collect();
    let law = Style::theory(law).dash(Dash::DashDot);
    panel.error_bars(label, style, bars).line(r"slope $-1/2$", law, line)
}
