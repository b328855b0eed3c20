//! Claims and figures of the stage `dimension-limit`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Style, Width};
use crate::problem::experiment::Experiment;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::dimensions::{dimension, noted, places, values, with_half_law};
use crate::stages::common::grid::{bars, distinct, slopes};
use crate::stages::dimension_limit::{DIMENSIONS, is_mixture, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "dimension-limit",
    kind: Kind::Theorem,
    title: "Alignment and effective dynamics as d grows to a million and beyond, by the exact reduced chain",
    source: "src/stages/dimension_limit/mod.rs",
    report: file!(),
    claims: &["D1.limit-gmm", "D1.limit-xor", "A1.limit-error", "A1.limit-lambda", "A1.limit-dimension"],
    figures: &["dimension-limit"],
    plan,
    reduce,
    judge,
    draw,
};

/// Tolerance of the slope -1/2 of the deviation in d, over four decades and more.
const SLOPE: f64 = 0.05;

/// Largest relative difference of the alignment error from its limit at the largest d.
const ERROR: f64 = 0.01;

/// Tolerance of the one-sided slope of the alignment error in λ.
const SLOPE_LAMBDA: f64 = 0.05;

/// Largest slope of the alignment error in d, of either sign.
const SLOPE_DIMENSION: f64 = 0.02;

/// The experiments that are wanted, by dimension, then λ.
fn ordered(results: &Results, wanted: impl Fn(&Experiment) -> bool) -> Vec<&Experiment> {
    let mut all: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| wanted(experiment)).collect();
    all.sort_by(|a, b| {
        a.problem.d().cmp(&b.problem.d()).then(a.problem.lambda().total_cmp(&b.problem.lambda()))
    });
    all
}

/// The signal-to-noise ratios of task A, increasing.
fn lambdas(results: &Results) -> Vec<f64> {
    distinct(&ordered(results, is_mixture), |experiment| experiment.problem.lambda())
}

/// Experiments of task A at one λ, by dimension.
fn at_lambda(results: &Results, lambda: f64) -> Vec<&Experiment> {
    ordered(results, |experiment| {
        is_mixture(experiment) && experiment.problem.lambda().to_bits() == lambda.to_bits()
    })
}

/// The largest dimension that every λ of task A has.
fn common(results: &Results) -> usize {
    let last = |lambda: f64| at_lambda(results, lambda).last().map_or(0, |experiment| experiment.problem.d());
    lambdas(results).into_iter().map(last).min().unwrap_or(0)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let largest = lambdas(results).pop().unwrap_or(f64::NAN);
    let (mixture, network) =
        (at_lambda(results, largest), ordered(results, |experiment| !is_mixture(experiment)));
    let deviation = |experiment: &Experiment| values(&statistics, experiment, "largest deviation");
    let sines = |experiment: &Experiment| values(&statistics, experiment, "sine");
    let mut claims = Vec::new();
    for (id, experiments, words) in
        [("D1.limit-gmm", &mixture, "task A"), ("D1.limit-xor", &network, "task B from a macroscopic start")]
    {
        let most = experiments.last().map_or(0, |experiment| experiment.problem.d());
        claims.push(
            declare(id)
                .says(format!(
                    "SGD of {words} approaches the effective dynamics like d^{{-1/2}} up to d = {most}"
                ))
                .statistic(format!(
                    "slope in d of the largest deviation over time and statistics, d from {} on",
                    DIMENSIONS[0]
                ))
                .between(-0.5 - SLOPE, -0.5 + SLOPE)
                .measure(&slopes(&places(experiments, dimension, deviation), 0.0))?,
        );
    }
    let errors: Vec<f64> = mixture.last().map_or_else(Vec::new, |experiment| {
        let limit = values(&theory, experiment, "sine").first().copied().unwrap_or(f64::NAN);
        values(&statistics, experiment, "sine").iter().map(|sine| sine / limit - 1.0).collect()
    });
    claims.push(
        declare("A1.limit-error")
            .says("the alignment error tends to that of the effective dynamics")
            .statistic(format!(
                "sin(x^1; Span mu) over its limit, less 1, at the largest d, lambda = {largest}"
            ))
            .between(-ERROR, ERROR)
            .measure(&errors)?,
    );
    let most = common(results);
    let over_lambda = ordered(results, |experiment| is_mixture(experiment) && experiment.problem.d() == most);
    let noise = |experiment: &Experiment| -> Vec<f64> {
        let left = values(&statistics, experiment, "left of the start");
        values(&statistics, experiment, "sine").iter().zip(&left).map(|(sine, left)| sine - left).collect()
    };
    claims.push(
        declare("A1.limit-lambda")
            .says("the alignment error, less what is left of the start, falls at least as fast as lambda^{-1/2} at large d")
            .statistic(format!("slope of ln(sin(x^1; Span mu) - e^(-beta t) |x_0|/|x|) in ln(lambda), d = {most}"))
            .at_most(-0.5 + SLOPE_LAMBDA)
            .measure(&slopes(&places(&over_lambda, |experiment| experiment.problem.lambda(), noise), 0.0))?,
    );
    claims.push(
        declare("A1.limit-dimension")
            .says(format!(
                "the logarithm of the alignment error changes by at most {SLOPE_DIMENSION} per unit of ln(d)"
            ))
            .statistic(format!("slope of ln(sin(x^1; Span mu)) in ln(d), lambda = {largest}"))
            .between(-SLOPE_DIMENSION, SLOPE_DIMENSION)
            .measure(&slopes(&places(&mixture, dimension, sines), 0.0))?,
    );
    Ok(claims)
}

/// `lambdas`: those of panel b, of task A and of task B.
fn caption(results: &Results, statistics: &Statistics, theory: &Statistics, lambdas: (f64, f64)) -> Caption {
    let off = results
        .experiments
        .values()
        .filter(|experiment| is_mixture(experiment) && experiment.problem.d() >= DIMENSIONS[1])
        .map(|experiment| {
            let mean = average(&values(statistics, experiment, "sine"));
            let limit = values(theory, experiment, "sine").first().copied().unwrap_or(f64::NAN);
            (mean / limit - 1.0).abs()
        })
        .fold(0.0, f64::max);
    Caption::new(
        "Alignment and effective dynamics from dimension 100 to two million",
        format!(
            "The exact reduced chain, which takes the same steps as SGD: marks, mean over replicates; bars, its 95 % interval. (a) \
             Error sin(x^1; Span μ) of the alignment in task A at the end of training over dimension d at four signal-to-noise \
             ratios λ; dashed, its limit by the effective dynamics. (b) Largest deviation, at any time, of an inner product of \
             parameters with means or with each other, or of a v_i, from the effective dynamics, in task A at λ = {} (crosses) \
             and in task B at λ = {} (squares); dash-dotted, lines of slope -1/2 through the middle of the marks. (c) Error of \
             the alignment in task A over λ at d = {}, with its limit",
            lambdas.0,
            lambdas.1,
            common(results)
        ),
        setting(&results.all(), &[Symbol::Sine]),
        format!(
            "From d = {} on the mean alignment error is within {:.1} % of its limit; deviations fall like d^(-1/2) over more \
             than four decades",
            DIMENSIONS[1],
            100.0 * off
        ),
    )
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let sines = |experiment: &Experiment| values(&statistics, experiment, "sine");
    let limits = |experiments: &[&Experiment], place: &dyn Fn(&Experiment) -> f64| -> Vec<(f64, f64)> {
        experiments
            .iter()
            .flat_map(|experiment| {
                values(&theory, experiment, "sine").into_iter().map(|sine| (place(experiment), sine))
            })
            .collect()
    };
    let styles = [
        (Colour::Blue, Marker::Circle),
        (Colour::Vermillion, Marker::OpenSquare),
        (Colour::Green, Marker::Triangle),
        (Colour::Black, Marker::Cross),
    ];
    let mut alignment =
        Panel::new(Axis::log("dimension $d$"), Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"));
    for (lambda, (colour, marker)) in lambdas(results).into_iter().zip(styles.into_iter().cycle()) {
        let experiments = at_lambda(results, lambda);
        alignment = alignment
            .error_bars(
                format!(r"$\lambda = {lambda}$"),
                Style::measured(colour).marker(marker),
                bars(&places(&experiments, dimension, sines))?,
            )
            .line(
                r"effective dynamics ($d \to \infty$)",
                Style::theory(Colour::Black),
                limits(&experiments, &dimension),
            );
    }
    let largest = lambdas(results).pop().unwrap_or(f64::NAN);
    let network = ordered(results, |experiment| !is_mixture(experiment));
    let other = network.first().map_or(f64::NAN, |experiment| experiment.problem.lambda());
    let mut rate = Panel::new(Axis::log("dimension $d$"), Axis::log("largest deviation"));
    for (label, style, experiments) in [
        (
            format!(r"$\lambda = {largest}$"),
            Style::measured(Colour::Black).marker(Marker::Cross),
            at_lambda(results, largest),
        ),
        (
            format!(r"task B, $\lambda = {other}$"),
            Style::measured(Colour::Purple).marker(Marker::OpenSquare),
            network,
        ),
    ] {
        let deviation = |experiment: &Experiment| values(&statistics, experiment, "largest deviation");
        let points = bars(&places(&experiments, dimension, deviation))?;
        rate = with_half_law(rate, label, style, Colour::Black, points);
    }
    let most = common(results);
    let over_lambda = ordered(results, |experiment| is_mixture(experiment) && experiment.problem.d() == most);
    let place = |experiment: &Experiment| experiment.problem.lambda();
    let mut noise = Panel::new(
        Axis::log(r"signal-to-noise ratio $\lambda$"),
        Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"),
    )
    .line(
        r"effective dynamics ($d \to \infty$)",
        Style::theory(Colour::Black),
        limits(&over_lambda, &place),
    );
    for (lambda, (colour, marker)) in lambdas(results).into_iter().zip(styles.into_iter().cycle()) {
        let here: Vec<&Experiment> = at_lambda(results, lambda)
            .into_iter()
            .filter(|experiment| experiment.problem.d() == most)
            .collect();
        noise = noise.error_bars(
            format!(r"$\lambda = {lambda}$"),
            Style::measured(colour).marker(marker),
            bars(&places(&here, place, sines))?,
        );
    }
    let noise = noted(noise, (0.97, 0.92), &over_lambda, |_| format!("$d = {most}$"));
    let noise = noted(noise, (0.97, 0.81), &over_lambda, |one| format!("{} replicates", one.replicates));
    let caption = caption(results, &statistics, &theory, (largest, other));
    let figure = Figure::new("dimension-limit", caption, Width::Full, 3);
    Ok(vec![figure.panel(alignment).panel(rate).panel(noise)])
}
