//! Claims and figures of the stage `gmm-snr`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Panel, Style, Width};
use crate::problem::experiment::Experiment;
use crate::problem::training::Training;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, interval, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics, Subspace, average};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::grid::{Grid, bars, over_grid, slopes};
use crate::stages::common::mixture::classes;
use crate::stages::common::rates::{PARTS, crossover, fitted, snr, steepest, style};
use crate::stages::common::shared::{MARGIN, SYMBOLS};
use crate::stages::common::thresholds::{DERIVED, TOLERANCE, offsets, predicted};
use crate::stages::gmm_snr::{LARGE, plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-snr",
    kind: StageKind::Theorem,
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

/// Tolerance of the slope -1/2 of the alignment error, from [`LARGE`] on.
///
/// The error is `√(c E[e²]/(2βλ))/‖x‖`; as λ grows the weights tend to those without noise like `‖x‖²/λ`, the variance of a
/// logit. ‖x‖² is about 16, so the local slope is off by at most 0.16 at λ = 100 and ten times less a decade on, on
/// average over the range of the fit by 0.03. Relative fluctuations of an error are `√(1/(2d))`: 0.006 in a slope.
const SLOPE: f64 = 0.05;

/// Tolerance of the slope of the full error beside the crossover: norms of a `k × d` block fluctuate by `√(1/(2d))`, 0.04, which
/// is 0.016 in the slope of a replicate and 7 standard errors and half an interval of forty in 0.03.
const CROSSING: f64 = 0.03;

/// Largest mean difference of the logarithms of measured and predicted perpendicular error.
///
/// The largest eigenvalue of a block, the denominator, is carried by the `n/k` points of one class, so it fluctuates by
/// `√(κk/n)` with κ = `E f²/(E f)²` at most 4: 0.08, or 0.03 in a mean over seven independent λ, 0.06 in half an interval and
/// 7 standard errors of forty. Its bias and that of the edge are of relative order `1/n_class` and `d^{-2/3}/4`: 0.02 each.
const PERPENDICULAR: f64 = 0.1;

/// Full errors are fitted from this multiple of the crossover on.
const BEYOND: f64 = 4.0;

/// A statistic at the end of training over λ, of a matrix or of the weights of the first row.
fn at_end(results: &Results, statistic: &str, matrix: Option<Matrix>) -> Result<Grid> {
    over_grid(results, ("statistics", statistic), false, |found| {
        found.row(0).only(|row| {
            row.of.matrix == matrix
                && !matches!(row.of.subspace, Some(Subspace::Random | Subspace::Components))
        })
    })
}

/// The same with a null in the place of the span of the means or of the matrix.
fn of_null(results: &Results, statistic: &str, matrix: Option<Matrix>, null: Subspace) -> Result<Grid> {
    over_grid(results, ("statistics", statistic), false, |found| {
        found.with(null).only(|row| row.of.matrix == matrix)
    })
}

/// Per replicate, the slope of the alignment error of the row whose slope is farthest from -1/2.
fn farthest_slope(results: &Results, start: bool, rows: u32) -> Result<Values> {
    let mut farthest = Values::new();
    for row in 0..rows {
        let sines = over_grid(results, ("statistics", "sine"), start, |found| found.row(row))?;
        for (replicate, slope) in slopes(&sines, LARGE) {
            let known = farthest.entry(replicate).or_insert(slope);
            if (slope + 0.5).abs() > (*known + 0.5).abs() {
                *known = slope;
            }
        }
    }
    Ok(farthest)
}

/// Per replicate, the mean over λ from [`LARGE`] on of the logarithm of measured over predicted.
fn mean_ratio(measured: &Grid, predicted: &Grid) -> Values {
    let mut all: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for ((lambda, measured), (_, predicted)) in measured.iter().zip(predicted) {
        let Some(expected) = predicted.get(&0).filter(|_| *lambda >= LARGE) else { continue };
        for (replicate, value) in measured {
            all.entry(*replicate).or_default().push(libm::log(value / expected));
        }
    }
    all.into_iter().map(|(replicate, logs)| (replicate, average(&logs))).collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let Some(point) = results.experiments.values().next() else { return Ok(Vec::new()) };
    let (k, phi) = (classes(point), point.problem.training.phi);
    let from = |least: f64| -> Vec<String> {
        let all = results.experiments.values().filter(|one| one.problem.lambda() >= least);
        all.map(|one| one.name.clone()).collect()
    };
    let mut claims = vec![
        declare("A1.slope", Kind::Rate)
            .says("the error of the alignment of every row x^c with Span(mu) falls like lambda^{-1/2}")
            .statistic(format!("{}, of the c whose slope is farthest from -1/2", fitted("sin(x^c; Span mu)", LARGE)))
            .about(from(LARGE))
            .near(-0.5, SLOPE, theory("step noise sqrt(c p(1-p)/(2 beta lambda))/|x|; |x|^2/lambda, the variance of logits, bends it by 0.03 in the range of the fit"))
            .null("start", farthest_slope(results, true, k)?)
            .mean(farthest_slope(results, false, k)?)?,
    ];
    let crossover = crossover(f64::from(k), phi);
    for (matrix, symbol) in SYMBOLS {
        let [error, predicted] = ["statistics", "theory"].map(|table| {
            over_grid(results, (table, "perpendicular error"), false, |found| {
                found.matrix(matrix).only(|row| row.of.subspace != Some(Subspace::Random))
            })
        });
        let (error, predicted) = (error?, predicted?);
        let components = of_null(results, "perpendicular error", None, Subspace::Components)?;
        claims.push(
            declare(format!("A2.perpendicular-{}", matrix.name()), Kind::Prediction)
                .says(format!(
                    "the part of {symbol}_11 outside Span(mu) is as large as the largest bulk eigenvalue that theory predicts, \
                     which falls like 1/lambda; without weights it would be (k/lambda)(1 + phi^{{-1/2}})^2"
                ))
                .statistic(format!("mean over lambda >= {LARGE} of ln(measured / predicted {}) at the end", PARTS[0].formula))
                .about(from(LARGE))
                .near(0.0, PERPENDICULAR, theory("fluctuations of the largest eigenvalue, sqrt(kappa k/n) with kappa = E f^2/(E f)^2 <= 4, over seven lambda and forty replicates; biases of order 0.02"))
                .null("principal-components", mean_ratio(&components, &predicted))
                .mean(mean_ratio(&error, &predicted))?,
        );
    }
    for (matrix, symbol) in SYMBOLS {
        let error = at_end(results, "full error", Some(matrix))?;
        let fitted_from =
            error.iter().map(|(lambda, _)| *lambda).find(|lambda| *lambda >= BEYOND * crossover);
        let fitted_from = fitted_from.unwrap_or(f64::INFINITY);
        let lambdas: Vec<f64> =
            error.iter().map(|(lambda, _)| *lambda).filter(|lambda| *lambda >= fitted_from).collect();
        let steep = if lambdas.len() < 2 { -0.5 } else { steepest(&lambdas, crossover) };
        claims.push(
            declare(format!("A2.full-{}", matrix.name()), Kind::Rate)
                .says(format!(
                    "{symbol}_11 lives in Span(mu) up to an error that falls like lambda^{{-1/2}} beyond the crossover \
                     k phi (1 + phi^{{-1/2}})^4 = {crossover:.0}"
                ))
                .statistic(fitted(PARTS[1].formula, fitted_from))
                .about(from(fitted_from))
                .between(steep - CROSSING, -0.5 + CROSSING, theory(format!("cross terms fall like lambda^(-1/2); with the perpendicular part beside them by at most {steep:.3}; fluctuations of {CROSSING}")))
                .predicted(-0.5)
                .null("random-subspace", slopes(&of_null(results, "full error", Some(matrix), Subspace::Random)?, fitted_from))
                .mean(slopes(&error, fitted_from))?,
        );
    }
    let (measured, expected) = Statistics::both(results)?;
    let thresholds = |table: &Statistics, name: &str, matrix: Matrix| {
        predicted(&Selection::every(table).matrix(matrix).only(|row| row.statistic == name))
    };
    let last = point.schedule().last().copied().unwrap_or(0);
    for (matrix, symbol) in SYMBOLS {
        let judged = thresholds(&expected, "threshold", matrix);
        let unweighted = thresholds(&expected, "threshold without weights", matrix);
        for when in ["start", "end"] {
            let (step, other) = if when == "start" { (0, last) } else { (last, 0) };
            let found = Selection::every(&measured).matrix(matrix).step(step);
            let found = found.only(|row| row.statistic == "threshold");
            let leading = |place: &(String, u64, Option<u32>)| place.2 == Some(1);
            let at = |step: u64| {
                let judged = &judged;
                move |place: &(String, u64, Option<u32>)| {
                    judged.get(&(place.0.clone(), step, place.2)).copied()
                }
            };
            let trivial = matrix == Matrix::Hessian && when == "start";
            let remark = if trivial {
                "; the weights are nearly constant then, so these are the ratios of principal components too"
            } else {
                ""
            };
            let claim = declare(format!("A5.{}-{when}", matrix.name()), Kind::Prediction)
                .says(format!(
                    "outliers of {symbol}_11 leave the bulk at the predicted signal-to-noise ratios, at the {when} of training{remark}"
                ))
                .statistic("ln(measured / predicted lambda at which an eigenvalue clears the predicted edge by 4 Tracy-Widom scales): of the first rank or the mean of the others, whichever has a mean over replicates farther from 0")
                .about(from(0.0))
                .near(0.0, TOLERANCE, theory(DERIVED))
                .null(if when == "start" { "end-theory" } else { "static-theory" }, offsets(&found, &judged, at(other), leading));
            let claim = if trivial {
                claim
            } else {
                let without = |place: &(String, u64, Option<u32>)| {
                    unweighted.get(&(place.0.clone(), 0, place.2)).copied()
                };
                claim.null("principal-components", offsets(&found, &judged, without, leading))
            };
            claims.push(claim.mean(offsets(&found, &judged, at(step), leading))?);
        }
    }
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let Some(point) = results.experiments.values().next() else { return Ok(Vec::new()) };
    Ok(vec![errors(results, point)?, outliers(results, point)?])
}

fn errors(results: &Results, point: &Experiment) -> Result<Figure> {
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
         what is not inside the span on both sides. Lines are the laws in the panels, those of a matrix without weights; at the \
         largest λ the norms of H and of G in b lie {:.1} and {:.1} times below the line",
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
             marks, mean over replicates; bars, its 95 % interval. Lines join the numbers that theory predicts from the effective \
             dynamics"
        ),
        setting(&results.all(), &[Symbol::Blocks]),
        "The numbers rise where theory says, those of G at a larger λ than those of H, and at the end of training all k are there \
         only at a larger λ than at its start",
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
