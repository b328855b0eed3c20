//! Claims and figures of the stage `xor-snr`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Dash, Figure, Panel, Series, Width};
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, declare, log_slope, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::Subspace;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{number, small};
use crate::stages::common::grid::{Bar, Grid, over_grid, slopes};
use crate::stages::common::judging::{folded, largest, mean, quartiles};
use crate::stages::common::looks;
use crate::stages::common::rates::{FIT_WEIGHTS, PARTS, SLOPE, SLOPE_WEIGHTS, fitted, snr};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::xor_snr::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-snr",
    kind: Kind::Theorem,
    on_request: false,
    title: "Rates of alignment of both layers in the signal-to-noise ratio",
    source: "src/stages/xor_snr/mod.rs",
    report: file!(),
    claims: &[
        "B1.slope",
        "B1.perpendicular-hessian",
        "B1.full-hessian",
        "B1.perpendicular-gradient",
        "B1.full-gradient",
        "B1.level-hessian",
        "B2.bound",
        "B2.perpendicular-hessian",
        "B2.full-hessian",
        "B2.perpendicular-gradient",
        "B2.full-gradient",
    ],
    figures: &["xor-snr-rates"],
    plan,
    reduce,
    judge,
    draw,
};

/// The theorem's bound on an error, with constants 1: `λ^{-1/2} + e^{-βT}`.
fn bound(results: &Results, lambda: f64) -> f64 {
    let left = |point: &Experiment| libm::exp(-point.problem.training.beta * point.horizon);
    let same = |point: &&Experiment| point.problem.lambda().total_cmp(&lambda).is_eq();
    1.0 / lambda.sqrt() + results.experiments.values().find(same).map_or(0.0, left)
}

/// Largest mean of ln(measured over predicted) height of the bulk of H below its outliers, over λ from 100 on.
///
/// The extreme eigenvalue of the bulk lies within some Tracy-Widom scales of the edge, a relative `d^{-2/3}` of 0.02 each at
/// d = 300, 1.2 of them below it; the part of the `W_j` outside the means, in which eigenvectors lean, is `O(K/d)`, 0.03. For
/// principal components of the data, which see all samples where gates drop half, the third over the first is by
/// `ln(((1+φ^{-1/2})²/(1/2))/((1+(φ/2)^{-1/2})²/2/(1/4)))` = -0.19 away at φ = 10.
const HEIGHT: f64 = 0.1;

/// A statistic of a layer at the end of training over λ, of a matrix or of the weights.
fn at_end(results: &Results, statistic: &str, layer: Layer, matrix: Option<Matrix>) -> Result<Grid> {
    against(results, ("statistics", statistic), (layer, matrix), Subspace::Means)
}

/// The same of any table, in comparison with any subspace.
fn against(
    results: &Results,
    (table, statistic): (&str, &str),
    (layer, matrix): (Layer, Option<Matrix>),
    subspace: Subspace,
) -> Result<Grid> {
    over_grid(results, (table, statistic), false, |found| {
        found.layer(layer).with(subspace).only(|row| row.of.matrix == matrix)
    })
}

/// The names of all experiments.
fn all(results: &Results) -> Vec<String> {
    results.experiments.keys().cloned().collect()
}

/// The slopes of the first layer.
fn rates(results: &Results) -> Result<Vec<Claim>> {
    let of = |statistic: &str, matrix: Option<Matrix>, subspace: Subspace| {
        against(results, ("statistics", statistic), (Layer::W, matrix), subspace)
    };
    let mut claims = vec![
        declare("B1.slope", ClaimKind::Rate)
            .says("the error of the alignment of alive neurons with Span(mu, nu) falls at least as fast as lambda^{-1/2}")
            .statistic(fitted("mean sin(W_i; Span(mu, nu)) of alive neurons", FIT_WEIGHTS))
            .about(all(results))
            .predicted(-0.5)
            .at_most(
                -0.5 + SLOPE_WEIGHTS,
                theory("step noise of variance c/lambda makes -1/2 once e^{-beta T} = 5.5e-4 is negligible, up to lambda = 10^4; the one-sided tolerance is seven standard errors of 20 slopes"),
            )
            .null("random-subspace", slopes(&of("sine", None, Subspace::Random)?, FIT_WEIGHTS))
            .mean(slopes(&of("sine", None, Subspace::Means)?, FIT_WEIGHTS))?,
    ];
    for (matrix, symbol) in SYMBOLS {
        for part in &PARTS {
            claims.push(
                declare(format!("B1.{}-{}", part.name, matrix.name()), ClaimKind::Rate)
                    .says(format!("{symbol}_(W_1 W_1) lives in Span(mu, nu) up to {}, as the sample does and as it does at the start", part.falls))
                    .statistic(fitted(part.formula, part.least))
                    .about(all(results))
                    .predicted(part.slope)
                    .between(
                        part.slope - SLOPE,
                        part.slope + SLOPE,
                        theory(format!("bulk over outlier goes like 1/lambda and cross terms like lambda^(-1/2), beyond the crossover lambda = k phi (1 + phi^(-1/2))^4, {}", part.least)),
                    )
                    .no_null("of a random subspace the error is 1 - O(1/d) at every lambda, slope 0; the level of the bulk is judged against the prediction")
                    .mean(slopes(&of(&part.statistic(), Some(matrix), Subspace::Means)?, part.least))?,
            );
        }
    }
    Ok(claims)
}

/// The height of the bulk below the outliers against its prediction.
fn height(results: &Results) -> Result<Claim> {
    let least = PARTS[0].least;
    let of = |table: &str, matrix: Option<Matrix>, subspace: Subspace| {
        against(results, (table, "perpendicular error"), (Layer::W, matrix), subspace)
    };
    let hessian = Some(Matrix::Hessian);
    let predicted = of("theory", hessian, Subspace::Means)?;
    let off = |measured: &Grid| {
        let places = measured.iter().zip(&predicted).filter(|((lambda, _), _)| *lambda >= least);
        folded(
            places.flat_map(|((_, measured), (_, predicted))| {
                measured.iter().filter_map(|(replicate, value)| {
                    Some((*replicate, libm::log(value / predicted.get(replicate)?)))
                })
            }),
            mean,
        )
    };
    declare("B1.level-hessian", ClaimKind::Prediction)
        .says("the bulk of H_(W_1 W_1) outside Span(mu, nu) lies as far below its outliers as predicted, which the bulk of the sample does not")
        .statistic(format!("mean over lambda >= {least} of ln(measured/predicted) {} at the end, predicted: right edge over first outlier", PARTS[0].formula))
        .about(all(results))
        .near(0.0, HEIGHT, theory("a few Tracy-Widom scales, d^(-2/3) = 0.02 at d = 300, and K/d = 0.03 of other neurons (constant HEIGHT)"))
        .null("principal-components", off(&of("statistics", None, Subspace::Components)?))
        .mean(off(&of("statistics", hessian, Subspace::Means)?))
}

/// The second layer against the theorem's bound.
fn bounds(results: &Results) -> Result<Vec<Claim>> {
    let left = over_grid(results, ("statistics", "left of the start"), false, |found| found)?;
    let worst = |statistic: &str, matrix: Option<Matrix>, power: f64, subspace: Subspace| -> Result<Values> {
        let found = against(results, ("statistics", statistic), (Layer::V, matrix), subspace)?;
        let ratios = found.iter().zip(&left).flat_map(|((lambda, values), (_, left))| {
            values.iter().filter_map(move |(replicate, value)| {
                let bound = 1.0 / lambda.sqrt() + left.get(replicate)?;
                Some((*replicate, value / libm::pow(bound, power)))
            })
        });
        Ok(folded(ratios, largest))
    };
    let claim = |id: String,
                 says: String,
                 formula: String,
                 (statistic, matrix, power): (&str, Option<Matrix>, f64)| {
        declare(id, ClaimKind::Bound)
            .says(says)
            .statistic(formula)
            .about(all(results))
            .at_most(
                1.0,
                theory("the theorem's O(epsilon + lambda^{-1/2}), squared for the part on both sides, with constants 1 and epsilon = e^{-beta T} |v(0)|/|v(T)|; no rate is attained"),
            )
            .null("random-subspace", worst(statistic, matrix, power, Subspace::Random)?)
            .median(worst(statistic, matrix, power, Subspace::Means)?)
    };
    let over = |square: &str| {
        format!(
            "(lambda^{{-1/2}} + e^{{-beta T}} |v(0)|/|v(T)|){square} over the grid; heavy tails, from neurons that never align"
        )
    };
    let mut claims = vec![claim(
        "B2.bound".to_owned(),
        "the error of the alignment of v with B_t is at most lambda^{-1/2} plus what is left of the start"
            .to_owned(),
        format!("largest sin(v; B_t) / {}", over("")),
        ("sine", None, 1.0),
    )?];
    for (matrix, symbol) in SYMBOLS {
        for (part, (what, square)) in PARTS.iter().zip([
            ("a perpendicular part of at most 1/lambda", "^2"),
            ("an error of at most lambda^{-1/2}", ""),
        ]) {
            claims.push(claim(
                format!("B2.{}-{}", part.name, matrix.name()),
                format!("{symbol}_vv lives in B_t up to {what} plus what is left of the start"),
                format!("largest {} / {}", part.formula, over(square)),
                (&part.statistic(), Some(matrix), -2.0 * part.slope),
            )?);
        }
    }
    Ok(claims)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    Ok([rates(results)?, vec![height(results)?], bounds(results)?].concat())
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let Some(point) = results.experiments.values().next() else { return Ok(Vec::new()) };
    let medians = format!("median of {}, quartiles", point.replicates);
    // Slopes of medians over all λ; of the second layer how far medians stay below the bound, and the largest error of all.
    let middle = |statistic: &str, layer: Layer, matrix: Option<Matrix>| -> Result<Vec<Bar>> {
        Ok(middles(&at_end(results, statistic, layer, matrix)?))
    };
    let slope =
        |bars: &[Bar]| number(log_slope(&bars.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>()), 2);
    let [weights, perpendicular, full] = [
        middle("sine", Layer::W, None)?,
        middle(&PARTS[0].statistic(), Layer::W, Some(Matrix::Hessian))?,
        middle(&PARTS[1].statistic(), Layer::W, Some(Matrix::Hessian))?,
    ]
    .map(|bars| slope(&bars));
    let second = at_end(results, "sine", Layer::V, None)?;
    let below =
        middles(&second).iter().map(|bar| bound(results, bar.0) / bar.1).fold(f64::INFINITY, f64::min);
    let worst = second
        .iter()
        .flat_map(|(lambda, values)| values.values().map(|value| (*value, *lambda)))
        .fold((0.0, f64::NAN), |worst, one| if one.0 > worst.0 { one } else { worst });
    let usual =
        middles(&second).iter().find(|bar| bar.0.total_cmp(&worst.1).is_eq()).map_or(f64::NAN, |bar| bar.1);
    let caption = Caption::new(
        "Rates of the errors of both layers in the signal-to-noise ratio",
        "Errors at the end, first layer (a-c) and second (d-f): marks, median; bars, quartiles. (a, d) sin of alive neurons with Span(μ, ν), and of v with B_t. (b, e) Norm of blocks outside that space on both sides, (c, f) of what is not inside on both. Dotted, slopes of theory; dashed, predicted; dash-dotted, its bound with constants 1",
        parameters(&results.all()),
        format!(
            "Slopes are {weights} in a, {perpendicular} in b and {full} in c (H). Medians in d are {} times below the bound or more; the worst run, at λ = {}, has {}, where the median is {}",
            number(below, 0),
            worst.1,
            small(worst.0, 2),
            small(usual, 2)
        ),
    );
    let mut figure = Figure::new("xor-snr-rates", caption, Width::Full, 3);
    // The first layer attains the rates, so lines of their slopes go through its points; the second stays below its bound.
    let law = |layer: Layer, shown: &[Bar], power: f64| {
        if layer == Layer::W { slope_line(shown, -0.5 * power) } else { bound_line(results, shown, power) }
    };
    for (layer, words_of, symbol, block) in [
        (Layer::W, "first", r"$\sin(W_i; \Span(\mu,\nu))$", "W_1W_1"),
        (Layer::V, "second", r"$\sin(v; B_t)$", "vv"),
    ] {
        let words = |slope: &'static str| if layer == Layer::W { slope } else { "bound" };
        let shown = middle("sine", layer, None)?;
        figure = figure.panel(
            Panel::new(snr(), Axis::log(format!("{words_of} layer:\n{symbol}")))
                .error_bars(format!("weights: {medians}"), looks::weights(), shown.clone())
                .series(law(layer, &shown, 1.0))
                .note(0.95, 0.92, words(r"slope $-1/2$"), Anchor::Right),
        );
        for (part, slope) in PARTS.iter().zip(["slope $-1$", r"slope $-1/2$"]) {
            let mut panel = Panel::new(snr(), Axis::log(format!("{words_of} layer:\n{}", part.label)));
            for (matrix, name) in SYMBOLS {
                let shown = middle(&part.statistic(), layer, Some(matrix))?;
                let label = format!("$A = {name}$: {medians}");
                panel = panel.error_bars(label, looks::matrix(matrix), shown.clone());
                if matrix == Matrix::Hessian {
                    panel = panel.series(law(layer, &shown, -2.0 * part.slope));
                }
                if (layer, part.name) == (Layer::W, "perpendicular") && matrix == Matrix::Hessian {
                    let theory = against(
                        results,
                        ("theory", &part.statistic()),
                        (layer, Some(matrix)),
                        Subspace::Means,
                    )?;
                    let expected = middles(&theory).iter().map(|bar| (bar.0, bar.1)).collect();
                    panel = panel.line("$H$, predicted", looks::predicted(), expected);
                }
            }
            figure =
                figure.panel(panel.note(0.95, 0.92, format!("${block}$, {}", words(slope)), Anchor::Right));
        }
    }
    Ok(vec![figure])
}

/// Median with quartiles at every place that has values.
fn middles(grid: &Grid) -> Vec<Bar> {
    grid.iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(place, values)| {
            let [low, middle, high] = quartiles(&values.values().copied().collect::<Vec<_>>());
            (*place, middle, low, high)
        })
        .collect()
}

/// A line of this slope in logarithms, through the point in the middle.
fn slope_line(points: &[Bar], slope: f64) -> Series {
    let middle = points.get(points.len() / 2).copied().unwrap_or((1.0, 1.0, 1.0, 1.0));
    let line =
        points.iter().map(|point| (point.0, middle.1 * libm::pow(point.0 / middle.0, slope))).collect();
    Series::line("slope in the panel", looks::bound(), line)
}

/// The power of the theorem's bound.
fn bound_line(results: &Results, points: &[Bar], power: f64) -> Series {
    let line = points.iter().map(|point| (point.0, libm::pow(bound(results, point.0), power))).collect();
    Series::line(
        r"bound $(\lambda^{-1/2} + e^{-\beta T})^p$, $p = 1$ or $2$",
        looks::predicted().dash(Dash::DashDot),
        line,
    )
}
