//! Claims and figures of the stage `gmm-snr`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Dash, Figure, Marker, Panel, Series, Width};
use crate::problem::experiment::Experiment;
use crate::problem::training::Training;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, interval, log_slope, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics, Subspace, average, extent};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{between, number};
use crate::stages::common::grid::{Bar, Grid, bars, distinct, over_grid, slopes};
use crate::stages::common::looks;
use crate::stages::common::mixture::classes;
use crate::stages::common::rates::{PARTS, Part, crossover, fitted, snr, steepest};
use crate::stages::common::shared::{MARGIN, SYMBOLS, small};
use crate::stages::common::thresholds::{DERIVED, TOLERANCE, offsets, predicted};
use crate::stages::common::words::parameters;
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
    let norms = at_end(results, "norm", None)?;
    let mut floor = Vec::new();
    for (lambda, values) in norms.iter().filter(|(_, values)| !values.is_empty()) {
        let (norm, _) = interval(&values.values().copied().collect::<Vec<_>>())?;
        let p = 1.0 / k;
        let left = libm::exp(-beta * point.horizon);
        floor.push((*lambda, ((c * p * (1.0 - p) / (2.0 * beta * lambda)).sqrt() + left) / norm));
    }
    let sines = bars(&at_end(results, "sine", None)?)?;
    let alignment = Panel::new(snr(), Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"))
        .error_bars(format!("$x^1$: {label}"), looks::weights(), sines.clone())
        .line("bound, or law in the panel", looks::bound(), floor.clone());
    let mut panels = vec![alignment];
    let full = |lambda: f64| (k / (phi * lambda)).sqrt();
    let used = format!(r"$k = {k}$, $\phi = {phi}$");
    let predicted = |matrix: Matrix| -> Result<Vec<(f64, f64)>> {
        let of = over_grid(results, ("theory", "perpendicular error"), false, |found| found.matrix(matrix))?;
        Ok(of.iter().flat_map(|(lambda, values)| values.values().map(|value| (*lambda, *value))).collect())
    };
    for part in &PARTS {
        let error = part.statistic();
        let mut panel = Panel::new(snr(), Axis::log(format!("{error}\n{}", part.label)));
        for (matrix, symbol) in SYMBOLS {
            let label = format!("$A = {symbol}_{{11}}$: {label}");
            let found = bars(&at_end(results, &error, Some(matrix))?)?;
            panel = panel.error_bars(label, looks::matrix(matrix), found);
            if part.name == "perpendicular" {
                panel = panel.line(
                    format!("${symbol}_{{11}}$, predicted"),
                    looks::predicted_of(matrix),
                    predicted(matrix)?,
                );
            }
        }
        if part.name == "full" {
            let law = lambdas.iter().map(|&lambda| (lambda, full(lambda))).collect();
            panel = panel.note(1.0, 0.9, r"$\sqrt{k/(\phi\lambda)}$", Anchor::Right).line(
                "bound, or law in the panel",
                looks::bound(),
                law,
            );
        }
        panels.push(panel.note(0.05, 0.06, used.clone(), Anchor::Left));
    }
    // Slopes of the means over the largest λ, the errors of panels a, b and c.
    let slope = |points: &[(f64, f64)]| {
        let large: Vec<_> = points.iter().copied().filter(|point| point.0 >= SLOPED).collect();
        if large.len() < 2 { f64::NAN } else { log_slope(&large) }
    };
    let of_part = |part: &Part| -> Result<String> {
        let of = |matrix: Matrix| -> Result<String> {
            let found = bars(&at_end(results, &part.statistic(), Some(matrix))?)?;
            Ok(number(slope(&found.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>()), 2))
        };
        Ok(format!("{} and {}", of(Matrix::Hessian)?, of(Matrix::Gradient)?))
    };
    let share = |(sine, floor): (&Bar, &(f64, f64))| sine.1 / floor.1;
    let shares: Vec<f64> = sines.iter().zip(&floor).map(share).collect();
    let caption = Caption::new(
        "Rates of the alignment errors of task A in the signal-to-noise ratio",
        "Errors at the end of training: marks, mean; bars, its 95 % interval, mostly hidden by the mark. (a) sin(x^1; Span μ) with its \
         bound. (b) Operator norm of H_11 and G_11 outside the span of the means on both sides, relative to the whole norm, and its \
         prediction (dashed, dash-dotted). (c) The same of what is not inside on both sides, with the law without weights",
        parameters(&results.all()),
        format!(
            "The error is {} times the bound. From λ = {SLOPED} on slopes are {} in a, {} (H, G) in b and {} in c",
            between(extent(&shares), 2),
            number(slope(&sines.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>()), 2),
            of_part(&PARTS[0])?,
            of_part(&PARTS[1])?
        ),
    );
    let figure = Figure::new("gmm-snr-rates", caption, Width::Full, 3);
    Ok(panels.into_iter().fold(figure.axes_height(96.0), Figure::panel))
}

/// Least λ of the slopes in a caption.
const SLOPED: f64 = 1000.0;

/// The number of outliers that theory has over λ, as steps at its thresholds.
fn steps(theory: &Statistics, matrix: Matrix, start: bool, (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let rows = Selection::every(theory).matrix(matrix).only(|row| row.statistic == "threshold");
    let mut at = rows.only(|row| (row.at.step == 0) == start).values();
    at.sort_by(f64::total_cmp);
    let below = f64::from(small(at.iter().filter(|threshold| **threshold <= low).count()));
    let inside = at.iter().filter(|threshold| **threshold > low && **threshold < high);
    let mut points = vec![(low, below)];
    points.extend((1..).map(f64::from).zip(inside).map(|(count, threshold)| (*threshold, below + count)));
    points.push((high, points.last().map_or(below, |point| point.1)));
    points
}

fn outliers(results: &Results, point: &Experiment) -> Result<Figure> {
    let theory = Statistics::read(results, "theory")?;
    let lambdas = distinct(&results.all(), |one| one.problem.lambda());
    let range = (lambdas[0], lambdas[lambdas.len() - 1]);
    let of = |matrix: Matrix, start: bool| {
        let rows = Selection::every(&theory).matrix(matrix).only(|row| row.statistic == "threshold");
        let (low, high) = extent(&rows.only(|row| (row.at.step == 0) == start).values());
        between((low, high), 1)
    };
    let caption = Caption::new(
        "Number of outliers over the signal-to-noise ratio",
        format!(
            "Number of eigenvalues of H_11 (a) and of G_11 (b) above the level, {MARGIN} Tracy-Widom scales above the edge, at the start and (darker) at the end of training: marks, mean; bars, its 95 % interval; dashed and dash-dotted \
             steps, the numbers that theory has above the level, by the effective dynamics alone"
        ),
        parameters(&results.all()),
        format!(
            "Theory lets the outliers of H appear at λ = {} at the start and {} at the end, those of G at {} and {}",
            of(Matrix::Hessian, true),
            of(Matrix::Hessian, false),
            of(Matrix::Gradient, true),
            of(Matrix::Gradient, false)
        ),
    );
    let mut figure = Figure::new("gmm-snr-outliers", caption, Width::Full, 2);
    for (matrix, symbol) in SYMBOLS {
        let mut panel = Panel::new(
            snr(),
            Axis::linear(format!(r"number of outliers of ${symbol}_{{11}}$")).range(-0.3, 5.8).whole(),
        );
        let look = looks::matrix(matrix);
        let end = look.darker().marker(Marker::OpenDiamond);
        for (when, style, dash) in [("start", look, Dash::Dashed), ("end", end, Dash::DashDot)] {
            let start = when == "start";
            let counted =
                over_grid(results, ("statistics", "outliers"), start, |found| found.matrix(matrix))?;
            panel = panel
                .error_bars(format!("${symbol}_{{11}}$, {when}: mean, 95 % interval"), style, bars(&counted)?)
                .series(Series::steps(
                    format!("{when}: predicted"),
                    looks::predicted().dash(dash),
                    &steps(&theory, matrix, start, range),
                ));
        }
        let note = format!(
            r"$k = {}$, $d = {}$, $\phi = {}$",
            classes(point),
            point.problem.d(),
            point.problem.training.phi,
        );
        figure = figure.panel(panel.note(0.97, 0.05, note, Anchor::Right));
    }
    Ok(figure)
}
