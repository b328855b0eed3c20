//! Claims and figures of the stage `gmm-spectrum`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Series, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::rows::{Statistics, extent};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::mixture::{CONTRAST, MAIN};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::gmm_spectrum::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-spectrum",
    kind: Kind::Figure,
    on_request: false,
    title: "The whole spectrum of H_11 and G_11 at the start, during and at the end of training",
    source: "src/stages/gmm_spectrum/mod.rs",
    report: file!(),
    claims: &[],
    figures: &["gmm-spectrum", "gmm-spectrum-lambda-10"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

/// Bins of a histogram.
const BINS: u32 = 60;

/// Edges and heights of a histogram in `log10`, normalised to area 1 there.
fn histogram(values: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let logs: Vec<f64> =
        values.iter().filter(|value| **value > 0.0).map(|value| libm::log10(*value)).collect();
    if logs.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let (low, high) = extent(&logs);
    let width = ((high - low) / f64::from(BINS)).max(1e-9);
    let mut counts = vec![0.0; BINS as usize];
    for log in &logs {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin number")]
        let bin = (((log - low) / width) as usize).min(counts.len() - 1);
        counts[bin] += 1.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "a number of eigenvalues is exact in f64")]
    let heights = counts.iter().map(|count| count / (values.len() as f64 * width)).collect();
    let edges = (0..=BINS).map(|bin| libm::exp10(low + f64::from(bin) * width)).collect();
    (edges, heights)
}

/// A time with one decimal.
fn rounded(time: f64) -> f64 {
    (10.0 * time).round() / 10.0
}

/// Numbers of predicted outliers at the times shown, in words.
fn counted(theory: &Statistics, experiment: &str, matrix: Matrix) -> String {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for row in theory.in_experiment(experiment).matrix(matrix).iter() {
        *counts.entry(row.at.step).or_default() += usize::from(row.statistic == "outlier");
    }
    let (fewest, most) = (counts.values().min().unwrap_or(&0), counts.values().max().unwrap_or(&0));
    match (fewest, most) {
        (1, 1) => "one eigenvalue".to_owned(),
        _ if fewest == most => format!("{most} eigenvalues"),
        _ => format!("{fewest} to {most} eigenvalues"),
    }
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let [place, density] =
        ["eigenvalue", "density"].map(|column| Statistics::column(results.table("density")?, column));
    let (place, density) = (place?, density?);
    [(MAIN, "gmm-spectrum"), (CONTRAST, "gmm-spectrum-lambda-10")]
        .into_iter()
        .map(|(name, figure)| {
            let lambda = results.experiment(name)?.problem.lambda();
            let mut steps: Vec<(u64, f64)> =
                spectrum.in_experiment(name).iter().map(|row| (row.at.step, row.at.time)).collect();
            steps.dedup();
            let middle = steps.iter().find(|(step, _)| *step > 0).map_or(0.0, |(_, time)| rounded(*time));
            let predicted = |matrix: Matrix| counted(&theory, name, matrix);
            let caption = Caption::new(
                format!("Spectrum of one block of H and of G at signal-to-noise ratio λ = {lambda}"),
                format!(
                    "Histograms of all eigenvalues of H_11 (a-c) and of G_11 (d-f) in replicate 0 at the start (a, d), at \
                     t = {middle} (b, e) and at the end (c, f) of training, as density per decade on logarithmic axes: the \
                     whole area is 1, and a single eigenvalue is a low bar. The dashed line is the density of the bulk and \
                     triangles are the outliers that theory predicts from the inner products of means and parameters alone"
                ),
                setting(&[results.experiment(name)?], &[Symbol::Blocks]),
                format!(
                    "Outside the bulk, at the predicted places, are {} of H and {} of G; the leading one of G is apart from all \
                     else from the start, that of H separates from the others during training",
                    predicted(Matrix::Hessian),
                    predicted(Matrix::Gradient)
                ),
            );
            let mut figure = Figure::new(figure, caption, Width::Full, 3).shared_y();
            for (matrix, label) in SYMBOLS {
                // One range for all times, so that they can be compared.
                let (all, predicted) = (spectrum.in_experiment(name).matrix(matrix), theory.of(name, "outlier").matrix(matrix));
                let (low, high) = all
                    .iter()
                    .chain(predicted.iter())
                    .map(|row| row.value)
                    .filter(|value| *value > 0.0)
                    .fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
                let mut seen = Vec::new();
                for &(step, time) in &steps {
                    if seen.contains(&step) {
                        continue;
                    }
                    seen.push(step);
                    let (edges, heights) = histogram(&all.clone().step(step).values());
                    if edges.is_empty() {
                        continue;
                    }
                    let here = |of: &Statistics| of.in_experiment(name).matrix(matrix).step(step).values();
                    let curve = here(&place)
                        .into_iter()
                        .zip(here(&density))
                        .filter(|(place, _)| *place > 0.0)
                        .map(|(place, density)| (place, density * place * std::f64::consts::LN_10))
                        .collect();
                    // A single eigenvalue in its bin stands clear of the axis, and of the mark of its prediction below it.
                    let least = heights.iter().copied().filter(|height| *height > 0.0).fold(f64::INFINITY, f64::min);
                    let floor = if least.is_finite() { least / 4.0 } else { 0.01 };
                    let top = 1.8 * heights.iter().copied().fold(floor, f64::max);
                    let outliers = predicted.clone().step(step).values().into_iter().map(|value| (value, 1.4 * floor)).collect();
                    figure = figure.panel(
                        Panel::new(
                            Axis::log(format!(r"eigenvalue of ${label}_{{11}}$")).range(low / 1.15, high * 1.25),
                            Axis::log("density per decade").range(floor, top),
                        )
                        .title(format!(r"$\lambda = {lambda}$, $t = {}$", rounded(time)))
                        .series(Series::histogram("all eigenvalues, replicate 0", Style::measured(Colour::Blue), edges, heights))
                        .line("predicted density", Style::theory(Colour::Black), curve)
                        .points(
                            "predicted outlier",
                            Style::theory(Colour::Vermillion).marker(Marker::Triangle).size(4.0),
                            outliers,
                        ),
                    );
                }
            }
            Ok(figure)
        })
        .collect()
}
