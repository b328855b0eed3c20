//! Claims and figures of the stage `xor-snr`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Panel, Series, Style, Width};
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::grid::{Bar, Grid, bars, over_grid, slopes};
use crate::stages::common::rates::{FIT_WEIGHTS, PARTS, SLOPE, SLOPE_WEIGHTS, fitted, snr, style};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::xor_snr::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-snr",
    kind: Kind::Theorem,
    title: "Rates of alignment of both layers in the signal-to-noise ratio",
    source: "src/stages/xor_snr/mod.rs",
    report: file!(),
    claims: &[
        "B1.slope",
        "B2.bound",
        "B1.perpendicular-hessian",
        "B1.full-hessian",
        "B1.perpendicular-gradient",
        "B1.full-gradient",
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

/// A statistic of a layer at the end of training over λ, of a matrix or of the weights.
fn at_end(results: &Results, statistic: &str, layer: Layer, matrix: Option<Matrix>) -> Result<Grid> {
    over_grid(results, ("statistics", statistic), false, |found| {
        found.layer(layer).only(|row| row.of.matrix == matrix)
    })
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let slope = |statistic: &str, matrix: Option<Matrix>, least: f64| -> Result<Vec<f64>> {
        Ok(slopes(&at_end(results, statistic, Layer::W, matrix)?, least))
    };
    let ratios = |statistic: &str, matrix: Option<Matrix>, power: f64| -> Result<Vec<f64>> {
        let mut worst: BTreeMap<u32, f64> = BTreeMap::new();
        for (lambda, values) in at_end(results, statistic, Layer::V, matrix)? {
            for (replicate, value) in values {
                let entry = worst.entry(replicate).or_default();
                *entry = entry.max(value / libm::pow(bound(results, lambda), power));
            }
        }
        Ok(worst.into_values().collect())
    };
    let mut claims = vec![
        declare("B1.slope")
            .says("the error of the alignment of alive neurons with Span(mu, nu) falls at least as fast as lambda^{-1/2}")
            .statistic(fitted("mean sin(W_i; Span(mu, nu)) of alive neurons", FIT_WEIGHTS))
            .at_most(-0.5 + SLOPE_WEIGHTS)
            .measure(&slope("sine", None, FIT_WEIGHTS)?)?,
        declare("B2.bound")
            .says("the error of the alignment of v with B_t is at most lambda^{-1/2} plus what is left of the start")
            .statistic("largest sin(v; B_t) / (lambda^{-1/2} + e^{-beta T}) over the grid")
            .at_most(1.0)
            .measure(&ratios("sine", None, 1.0)?)?,
    ];
    for (matrix, symbol) in SYMBOLS {
        for part in &PARTS {
            claims.push(
                declare(format!("B1.{}-{}", part.name, matrix.name()))
                    .says(format!("{symbol}_(W_1 W_1) lives in Span(mu, nu) up to {}", part.falls))
                    .statistic(fitted(part.formula, part.least))
                    .between(part.slope - SLOPE, part.slope + SLOPE)
                    .measure(&slope(&part.statistic(), Some(matrix), part.least)?)?,
            );
        }
    }
    for (matrix, symbol) in SYMBOLS {
        for (part, (what, square)) in PARTS.iter().zip([
            ("a perpendicular part of at most 1/lambda", "^2"),
            ("an error of at most lambda^{-1/2}", ""),
        ]) {
            let formula = part.formula;
            claims.push(
                declare(format!("B2.{}-{}", part.name, matrix.name()))
                    .says(format!("{symbol}_vv lives in B_t up to {what} plus what is left of the start"))
                    .statistic(format!(
                        "largest {formula} / (lambda^{{-1/2}} + e^{{-beta T}}){square} over the grid"
                    ))
                    .at_most(1.0)
                    .measure(&ratios(&part.statistic(), Some(matrix), -2.0 * part.slope)?)?,
            );
        }
    }
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let Some(point) = results.experiments.values().next() else { return Ok(Vec::new()) };
    let label = format!("mean of {}, 95 % interval", point.replicates);
    let caption = Caption::new(
        "Rates of the alignment errors of both layers in the signal-to-noise ratio",
        "Errors at the end of training over the signal-to-noise ratio λ for the first layer (a-c) and the second (d-f), on \
         logarithmic axes (marks, mean over replicates; bars, its 95 % interval, which goes on below the axes where it holds \
         zero). (a, d) sin of the angle of alive neurons with Span(μ, ν), and of v with B_t = Span(relu(±Wμ), relu(±Wν)). (b, e) Operator norm of the block \
         W_1W_1 or vv of H and of G outside that space, P being the projection on it, relative to the whole norm. (c, f) The same for what is \
         not inside the space on both sides. Dash-dotted lines in a-c have the slope of the theory and go through the point in the \
         middle; dashed lines in d-f are the bound of the theory with constants 1",
        setting(&results.all(), &[Symbol::Blocks, Symbol::SecondBlock, Symbol::Sine]),
        "The first layer attains the rates; the second stays far below its bound at every λ, where neurons that never align \
         set its error",
    );
    let mut figure = Figure::new("xor-snr-rates", caption, Width::Full, 3);
    let series = |label: String, grid: Result<Grid>, style: Style| -> Result<(Series, Vec<Bar>)> {
        let shown = bars(&grid?)?;
        Ok((Series::error_bars(label, style, shown.clone()), shown))
    };
    // The first layer attains the rates, so lines of their slopes go through its points; the second stays below its bound.
    let law = |layer: Layer, shown: &[Bar], power: f64| {
        if layer == Layer::W { slope_line(shown, -0.5 * power) } else { bound_line(results, shown, power) }
    };
    for (layer, words_of, symbol, block) in [
        (Layer::W, "first", r"$\sin(W_i; \Span(\mu,\nu))$", "W_1W_1"),
        (Layer::V, "second", r"$\sin(v; B_t)$", "vv"),
    ] {
        let words = |slope: &'static str, bound: &'static str| if layer == Layer::W { slope } else { bound };
        let weights = at_end(results, "sine", layer, None);
        let (measured, shown) = series(format!("weights: {label}"), weights, Style::measured(Colour::Green))?;
        figure = figure.panel(
            Panel::new(snr(), Axis::log(format!("{words_of} layer:\n{symbol}")))
                .series(measured)
                .series(law(layer, &shown, 1.0))
                .note(0.95, 0.92, words(r"slope $-1/2$", "bound"), Anchor::Right),
        );
        for (part, slope) in PARTS.iter().zip(["slope $-1$", r"slope $-1/2$"]) {
            let mut panel = Panel::new(snr(), Axis::log(format!("{words_of} layer:\n{}", part.label)));
            for (matrix, name) in SYMBOLS {
                let grid = at_end(results, &part.statistic(), layer, Some(matrix));
                let (measured, shown) = series(format!("$A = {name}$: {label}"), grid, style(matrix))?;
                panel = panel.series(measured);
                if matrix == Matrix::Hessian {
                    panel = panel.series(law(layer, &shown, -2.0 * part.slope));
                }
            }
            let note = format!("${block}$, {}", words(slope, "bound"));
            figure = figure.panel(panel.note(0.95, 0.92, note, Anchor::Right));
        }
    }
    Ok(vec![figure])
}

/// A line of this slope in logarithms, through the point in the middle.
fn slope_line(points: &[Bar], slope: f64) -> Series {
    let middle = points.get(points.len() / 2).copied().unwrap_or((1.0, 1.0, 1.0, 1.0));
    let line =
        points.iter().map(|point| (point.0, middle.1 * libm::pow(point.0 / middle.0, slope))).collect();
    Series::line("slope in the panel", Style::theory(Colour::Black).dash(Dash::DashDot), line)
}

/// The power of the theorem's bound.
fn bound_line(results: &Results, points: &[Bar], power: f64) -> Series {
    let line = points.iter().map(|point| (point.0, libm::pow(bound(results, point.0), power))).collect();
    Series::line(
        r"bound $(\lambda^{-1/2} + e^{-\beta T})^p$, $p = 1$ or $2$",
        Style::theory(Colour::Black).dash(Dash::Dashed),
        line,
    )
}
