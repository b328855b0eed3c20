//! Claims and figures of the stage `gmm-snr`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Panel, Style, Width};
use crate::problem::experiment::Experiment;
use crate::problem::training::Training;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, interval};
use crate::stage::legacy::declare;
use crate::stage::rows::average;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::grid::{Grid, bars, over_grid, slopes};
use crate::stages::common::mixture::classes;
use crate::stages::common::rates::{FIT_WEIGHTS, PARTS, SLOPE, SLOPE_WEIGHTS, fitted, snr, style};
use crate::stages::common::shared::{MARGIN, SYMBOLS};
use crate::stages::gmm_snr::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-snr",
    kind: Kind::Theorem,
    on_request: false,
    title: "Rates of alignment in the signal-to-noise ratio, and the ratios at which outliers leave the bulk",
    source: "src/stages/gmm_snr/mod.rs",
    report: file!(),
    claims: &[
        "A1.slope",
        "A2.perpendicular-hessian",
        "A2.perpendicular-gradient",
        "A2.full-hessian",
        "A2.full-gradient",
        "A5.hessian-start",
        "A5.hessian-end",
        "A5.gradient-start",
        "A5.gradient-end",
    ],
    figures: &["gmm-snr-rates", "gmm-snr-outliers"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest mean difference of measured and predicted number of outliers, out of k, over the grid.
const MISCOUNT: f64 = 0.25;

/// A statistic at the end of training over λ, of a matrix or of the weights.
fn at_end(results: &Results, statistic: &str, matrix: Option<Matrix>) -> Result<Grid> {
    over_grid(results, ("statistics", statistic), false, |found| found.only(|row| row.of.matrix == matrix))
}

/// Mean over the grid of |measured - predicted| number of outliers, per replicate.
fn miscounts(results: &Results, matrix: Matrix, start: bool) -> Result<Vec<f64>> {
    let [measured, predicted] = ["statistics", "theory"]
        .map(|table| over_grid(results, (table, "outliers"), start, |found| found.matrix(matrix)));
    let (measured, predicted) = (measured?, predicted?);
    let mut totals: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for ((_, measured), (_, predicted)) in measured.iter().zip(&predicted) {
        let Some(predicted) = predicted.get(&0) else { continue };
        for (replicate, count) in measured {
            totals.entry(*replicate).or_default().push((count - predicted).abs());
        }
    }
    Ok(totals.values().map(|differences| average(differences)).collect())
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let mut claims = vec![
        declare("A1.slope")
            .says("the error of the alignment of x^1 with Span(mu) falls at least as fast as lambda^{-1/2}")
            .statistic(fitted("sin(x^1; Span mu)", FIT_WEIGHTS))
            .at_most(-0.5 + SLOPE_WEIGHTS)
            .measure(&slopes(&at_end(results, "sine", None)?, FIT_WEIGHTS))?,
    ];
    for part in &PARTS {
        for (matrix, symbol) in SYMBOLS {
            let error = at_end(results, &part.statistic(), Some(matrix))?;
            claims.push(
                declare(format!("A2.{}-{}", part.name, matrix.name()))
                    .says(format!("{symbol}_11 lives in Span(mu) up to {}", part.falls))
                    .statistic(fitted(part.formula, part.least))
                    .between(part.slope - SLOPE, part.slope + SLOPE)
                    .measure(&slopes(&error, part.least))?,
            );
        }
    }
    for (matrix, symbol) in SYMBOLS {
        for when in ["start", "end"] {
            claims.push(
                declare(format!("A5.{}-{when}", matrix.name()))
                    .says(format!("outliers of {symbol}_11 leave the bulk at the predicted signal-to-noise ratios, at the {when} of training"))
                    .statistic("mean over the grid of |measured - predicted| number of eigenvalues above the predicted edge plus 4 Tracy-Widom scales")
                    .at_most(MISCOUNT)
                    .measure(&miscounts(results, matrix, when == "start")?)?,
            );
        }
    }
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let Some(point) = results.experiments.values().next() else { return Ok(Vec::new()) };
    Ok(vec![rates(results, point)?, outliers(results, point)?])
}

fn rates(results: &Results, point: &Experiment) -> Result<Figure> {
    let k = f64::from(classes(point));
    let Training { phi, beta, c, .. } = point.problem.training;
    let lambdas: Vec<f64> = at_end(results, "sine", None)?.iter().map(|(lambda, _)| *lambda).collect();
    let label = format!(r"mean of {}, 95 % interval", point.replicates);
    let curve = |of: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
        lambdas.iter().map(|&lambda| (lambda, of(lambda))).collect()
    };
    let norms = at_end(results, "norm", None)?;
    let mut floor = Vec::new();
    for (lambda, values) in norms.iter().filter(|(_, values)| !values.is_empty()) {
        let (norm, _) = interval(&values.values().copied().collect::<Vec<_>>())?;
        let p = 1.0 / k;
        let left = libm::exp(-beta * point.horizon);
        floor.push((*lambda, ((c * p * (1.0 - p) / (2.0 * beta * lambda)).sqrt() + left) / norm));
    }
    let alignment = Panel::new(snr(), Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"))
        .error_bars(
            format!("$x^1$: {label}"),
            Style::measured(Colour::Green),
            bars(&at_end(results, "sine", None)?)?,
        )
        .line("bound", Style::theory(Colour::Green), floor);
    let mut panels = vec![alignment];
    let perpendicular = |lambda: f64| (k / lambda) * (1.0 + 1.0 / phi.sqrt()) * (1.0 + 1.0 / phi.sqrt());
    let full = |lambda: f64| (k / (phi * lambda)).sqrt();
    let used = format!(r"$k = {k}$, $\phi = {phi}$");
    let laws: [(_, &dyn Fn(f64) -> f64); 2] =
        [(r"$(k/\lambda)(1+\phi^{-1/2})^2$", &perpendicular), (r"$\sqrt{k/(\phi\lambda)}$", &full)];
    for (part, (legend, law)) in PARTS.iter().zip(laws) {
        let error = part.statistic();
        let mut panel = Panel::new(snr(), Axis::log(format!("{error}\n{}", part.label)));
        for (matrix, symbol) in SYMBOLS {
            let label = format!("$A = {symbol}_{{11}}$: {label}");
            panel = panel.error_bars(label, style(matrix), bars(&at_end(results, &error, Some(matrix))?)?);
        }
        panel = panel.note(1.0, 0.9, legend, Anchor::Right).note(0.05, 0.06, used.clone(), Anchor::Left);
        panels.push(panel.line("law in the panel", Style::theory(Colour::Black), curve(law)));
    }
    // How far the marks of panel b lie below its line at the largest λ.
    let below = |matrix: Matrix| -> Result<f64> {
        let shown = bars(&at_end(results, "perpendicular error", Some(matrix))?)?;
        Ok(shown.last().map_or(f64::NAN, |bar| perpendicular(bar.0) / bar.1))
    };
    let caption = Caption::new(
        "Rates of the alignment errors in the signal-to-noise ratio",
        format!(
            "Errors at the end of training over the signal-to-noise ratio λ, on logarithmic axes (marks, mean over replicates; bars, \
         its 95 % interval, mostly smaller than the mark). (a) sin(x^1; Span μ) with its bound. (b) Operator norm of H_11 and of \
         G_11 outside the span of the means, P being the projection on it, relative to the whole norm. (c) The same for \
         what is not inside the span on both sides. Lines are the laws in the panels, with nothing fitted; in b only the slope \
         is predicted, and at the largest λ the norms of H and of G lie {:.1} and {:.1} times below the line",
            below(Matrix::Hessian)?,
            below(Matrix::Gradient)?
        ),
        setting(&results.all(), &[Symbol::Blocks, Symbol::Sine]),
        "For large λ the alignment error and the full error fall like λ^(-1/2), the perpendicular error like λ^(-1)",
    );
    let figure = Figure::new("gmm-snr-rates", caption, Width::Full, 3);
    Ok(panels.into_iter().fold(figure.axes_height(96.0), Figure::panel))
}

fn outliers(results: &Results, point: &Experiment) -> Result<Figure> {
    let caption = Caption::new(
        "Number of outliers over the signal-to-noise ratio",
        format!(
            "Number of eigenvalues of H_11 (a) and of G_11 (b) above the predicted edge of the bulk plus {MARGIN} Tracy-Widom \
             scales, over the signal-to-noise ratio λ, at the start (purple discs) and at the end (black squares) of training: \
             marks, mean over replicates; bars, its 95 % interval. Lines join the numbers that theory predicts from the mean \
             inner products of means and parameters"
        ),
        setting(&results.all(), &[Symbol::Blocks]),
        "All k outliers appear within one step of the grid of the predicted λ, those of G at a larger one than those of H, and \
         at the end of training at a larger one than at its start",
    );
    let mut figure = Figure::new("gmm-snr-outliers", caption, Width::Full, 2);
    for (matrix, symbol) in SYMBOLS {
        let mut panel = Panel::new(
            snr(),
            Axis::linear(format!(r"number of outliers of ${symbol}_{{11}}$")).range(-0.3, 5.8).whole(),
        );
        let end = Style::measured(Colour::Black).marker(Marker::OpenSquare).size(5.0);
        for (when, style, dash) in
            [("start", Style::measured(Colour::Purple), Dash::Dashed), ("end", end, Dash::DashDot)]
        {
            let counted = |table| {
                over_grid(results, (table, "outliers"), when == "start", |found| found.matrix(matrix))
            };
            let predicted: Vec<(f64, f64)> = counted("theory")?
                .iter()
                .filter_map(|(lambda, values)| values.get(&0).map(|count| (*lambda, *count)))
                .collect();
            panel = panel
                .error_bars(format!("{when}: mean, 95 % interval"), style, bars(&counted("statistics")?)?)
                .line(format!("{when}: predicted"), Style::theory(style.colour).dash(dash), predicted);
        }
        let note = format!(
            r"$k = {}$, $d = {}$, $\phi = {}$, {} replicates",
            classes(point),
            point.problem.d(),
            point.problem.training.phi,
            point.replicates
        );
        figure = figure.panel(panel.note(0.97, 0.05, note, Anchor::Right));
    }
    Ok(figure)
}
