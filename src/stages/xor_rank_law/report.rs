//! Claims and figures of the law of the final rank.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, interval, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::number;
use crate::stages::common::looks;
use crate::stages::common::shared::{indicators, present, small};
use crate::stages::common::words::{listed, parameters};
use crate::stages::common::xor::width;
use crate::stages::common::xor_runs::{NARROW, Run, is_so, of_runs, runs_rows, with_next};
use crate::stages::xor_rank_law::{
    DIMENSION, DIMENSIONS, FAMILY, LAMBDAS, LIMIT, WIDTHS, at_dimension, at_lambda, at_width, of, plan,
    reduce,
};
use crate::theory::coupon_collector::{covered, mean_covered};
use crate::theory::leading::{diverted, overturned, same_cover};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-rank-law",
    kind: Kind::Theorem,
    on_request: false,
    title: "How often SGD loses rank: the coupon collector's law, where it holds and where it fails",
    source: "src/stages/xor_rank_law/mod.rs",
    report: file!(),
    claims: &[
        "B5.success",
        "B5.rank",
        "B5.rank-k6",
        "B5.rank-k12",
        "B5.foretold",
        "B5.fails-at-small-lambda",
        "B4.equal-law",
        "B4.equal-law-zero",
    ],
    figures: &["xor-rank-law"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest tilt of the law that is not excluded, by width.
///
/// The score of a run has the standard deviation 1/σ of the law, so the mean of n runs has `1/(σ√n)`, and 7.6 of these (half of the
/// interval, and as much for a chance of 10⁻⁴ to fall outside it) are 0.24 at K = 4 (σ = 0.64, n = 2500), 0.34 at K = 6
/// (σ = 0.59, n = 1500) and 0.58 at K = 12 (σ = 0.34, n = 1500). A tilt of 0.25 multiplies the odds of one more direction by 1.28
/// and moves the mean rank by 0.1 at K = 4, 0.12 at K = 6 (0.35) and 0.07 at K = 12 (0.6).
const TILTS: [(usize, f64); 3] = [(4, 0.25), (6, 0.35), (12, 0.6)];
/// Largest difference of the share of runs with four outliers from 3/32: 7.6 standard errors of 2500 runs are 0.044.
const SUCCESS: f64 = 0.045;
/// Largest difference of the share of foretold runs from its prediction: 7.6 standard errors of 2500 runs, 0.04, and 0.01 for
/// terms of order 1/d.
const FORETOLD: f64 = 0.05;
/// Least share of runs with as many outliers as classified clusters.
const EQUAL: f64 = 0.98;

/// 1 for every run of an experiment that ended with all four outliers.
fn successes(runs: &[Run], experiment: &str) -> Vec<f64> {
    indicators(of(runs, experiment), |run| run.outliers as usize == CLUSTERS)
}

/// The score of every run at no tilt, `(rank - m)/σ²` with mean and variance of the law.
fn scores(runs: &[Run], experiment: &str, k: usize, rank: impl Fn(&Run) -> u32) -> Values {
    let law = covered(k, CLUSTERS);
    let mean = mean_covered(k, CLUSTERS);
    let variance: f64 =
        (0_u32..).zip(&law).map(|(r, p)| p * (f64::from(r) - mean) * (f64::from(r) - mean)).sum();
    of_runs(runs, experiment, |run| (f64::from(rank(run)) - mean) / variance)
}

/// The law at a width.
fn law(
    results: &Results,
    runs: &[Run],
    fit: &Statistics,
    id: &str,
    (k, tilt): (usize, f64),
) -> Result<Claim> {
    let name = at_width(k);
    let found = scores(runs, &name, k, |run| run.outliers);
    declare(id, ClaimKind::Law)
        .says(format!("the rank follows the coupon collector's law (K = {k}, lambda = {LIMIT}, d = {DIMENSION}); it needs sqrt(lambda) >> log d"))
        .statistic("tilt theta of the law, (rank - mean)/variance with mean and variance of the law; rank: outliers of H_vv at the end")
        .about(present(results, &[&name]))
        .near(0.0, tilt, chosen("the least tilt that this many runs exclude with certainty, 7.6 standard errors 1/(sigma sqrt(n)); larger ones move the mean rank by more than 0.07 to 0.12"))
        .p_value(fitted(fit, &name))
        .no_null("the law itself is what chance makes of the signs at the start")
        .mean(found)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let runs = runs_rows(results)?;
    let fit = Statistics::read(results, "fit")?;
    let (limit, least) = (at_lambda(LIMIT), at_lambda(LAMBDAS[0]));
    let success = covered(NARROW, CLUSTERS).last().copied().unwrap_or(0.0);
    let mut claims = vec![
        declare("B5.success", ClaimKind::Law)
            .says(format!("at K = 4 all four clusters are found with probability 3/32 (lambda = {LIMIT}, d = {DIMENSION})"))
            .statistic("whether a run ends with four outliers")
            .about(present(results, &[&limit]))
            .near(success, SUCCESS, chosen("7.6 standard errors of a share of 3/32 over 2500 runs"))
            .no_null("the law itself is what chance makes of the signs at the start")
            .share(is_so(&runs, &limit, |run| run.outliers as usize == CLUSTERS))?,
    ];
    for (id, width) in ["B5.rank", "B5.rank-k6", "B5.rank-k12"].into_iter().zip(TILTS) {
        claims.push(law(results, &runs, &fit, id, width)?);
    }
    let c = results.experiments.get(&limit).map_or(1.0, |experiment| experiment.problem.training.c);
    let foretold = same_cover(small(NARROW), overturned(f64::from(LIMIT), c), diverted(as_f64(DIMENSION)));
    claims.extend([
        declare("B5.foretold", ClaimKind::Prediction)
            .says("neurons end on the directions that the signs of v_i and of W_i along the means foretell at the start, but for those that step noise or a small v_i turns around")
            .statistic(format!("whether the neurons of a run cover exactly the foretold directions (lambda = {LIMIT}, d = {DIMENSION})"))
            .about(present(results, &[&limit]))
            .near(
                foretold,
                FORETOLD,
                theory("step noise turns a neuron with chance E arctan(sqrt(c|v|/(32 kappa sqrt(lambda))))/pi, and a small v_i diverts it with chance 0.19/sqrt(d) (theory::leading::overturned, diverted); 7.6 standard errors of 2500 runs and 0.01 for terms of order 1/d"),
            )
            .null("another-start", with_next(&runs, &limit, |run, next| run.covered == next.foretold))
            .share(is_so(&runs, &limit, |run| run.covered == run.foretold))?,
        declare("B5.fails-at-small-lambda", ClaimKind::Bound)
            .says(format!("the law fails at lambda = {}, d = {DIMENSION}: late neurons find uncovered clusters, and the rank is larger", LAMBDAS[0]))
            .statistic("tilt theta of the law, (rank - mean)/variance with mean and variance of the law")
            .about(present(results, &[&least]))
            .at_least(0.0, theory("a late neuron turns to a cluster that is not covered and never away from one, so the tilt is positive (theory::leading)"))
            .null("signs-at-start", scores(&runs, &least, NARROW, |run| run.foretold.count_ones()))
            .mean(scores(&runs, &least, NARROW, |run| run.outliers))?,
        declare("B4.equal-law", ClaimKind::Share)
            .says(format!("as many outliers as classified clusters at lambda = {LIMIT} as well, where the output f = 0 counts as wrong"))
            .statistic("whether both numbers are equal")
            .about(present(results, &[&limit]))
            .at_least(EQUAL, chosen("one run in fifty may be caught while a neuron still grows; 2500 runs with up to 25 exceptions clear the bound"))
            .null("another-run", with_next(&runs, &limit, |run, next| run.outliers == next.classified))
            .share(is_so(&runs, &limit, |run| run.outliers == run.classified))?,
        declare("B4.equal-law-zero", ClaimKind::Share)
            .says(format!("as many outliers as classified clusters at lambda = {LIMIT} as well, where the output f = 0 counts as label 0"))
            .statistic("whether both numbers are equal")
            .about(present(results, &[&limit]))
            .at_least(EQUAL, chosen("the same as where the output 0 counts as wrong"))
            .null("another-run", with_next(&runs, &limit, |run, next| run.outliers == next.classified_with_zero))
            .share(is_so(&runs, &limit, |run| run.outliers == run.classified_with_zero))?,
    ]);
    Ok(claims)
}

/// A share with its 95 % interval, as far as shares go.
fn bar(x: f64, values: &[f64]) -> Result<(f64, f64, f64, f64)> {
    let (mean, half) = interval(values)?;
    Ok((x, mean, (mean - half).max(0.0), (mean + half).min(1.0)))
}

/// An axis of shares from 0 to `room` times the largest of `least` and the upper ends of all bars.
fn shares(label: &str, (least, room): (f64, f64), points: &[(f64, f64, f64, f64)]) -> Axis {
    Axis::linear(label).range(0.0, room * points.iter().map(|point| point.3).fold(least, f64::max))
}

/// The p-value of the fit of an experiment's ranks to their law.
fn fitted(fit: &Statistics, experiment: &str) -> f64 {
    fit.of(experiment, "goodness-of-fit p").values().first().copied().unwrap_or(f64::NAN)
}

/// A p-value as a formula.
fn p_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// Below this the fit is rejected.
const REJECTED: f64 = 0.05;

/// The points at which the fit is rejected, with their p-values.
fn rejections(results: &Results, fit: &Statistics) -> Vec<String> {
    let (lambdas, dimensions, widths) = points(results);
    let mut all: Vec<(String, String)> = Vec::new();
    for (symbol, points) in [("λ", lambdas), ("d", dimensions), ("K", widths)] {
        for (value, name) in points {
            if !all.iter().any(|(_, other)| *other == name) {
                all.push((format!("{symbol} = {value}"), name));
            }
        }
    }
    let found = all.into_iter().map(|(words, name)| (words, fitted(fit, &name)));
    let rejected = found.filter(|(_, p)| *p < REJECTED);
    rejected.map(|(words, p)| format!("{words} ({})", p_words(p))).collect()
}

fn caption(results: &Results, runs: &[Run], fit: &Statistics) -> Caption {
    let rejected = rejections(results, fit);
    let success = covered(NARROW, CLUSTERS).last().copied().unwrap_or(0.0);
    let share = average(&successes(runs, &at_lambda(LIMIT)));
    let rejected = if rejected.is_empty() { "no point".to_owned() } else { listed(&rejected) };
    Caption::new(
        "The law of the final rank against the coupon collector's law",
        format!(
            "(a, b) Share of runs that end with each number of outliers of H_vv (final rank) at K = {NARROW}, λ = {LIMIT} and λ = {}, with the p-value of the fit to the law under which neurons choose directions at random. (c-f) Share with all four outliers, and p-values, over λ, d, K. Marks, measured; bars, 95 % interval; crosses and dashed lines, the law; dotted, \
             p = {REJECTED}",
            LAMBDAS[0]
        ),
        parameters(&results.all()),
        format!(
            "At λ = {LIMIT} the share is {}, and {} by the law. p is below {REJECTED} for {rejected}; the law needs √λ ≫ log d",
            number(share, 3),
            number(success, 3)
        ),
    )
}

/// A panel with the p-values of the fits at its points, in words.
fn with_fits(
    fit: &Statistics,
    panel: Panel,
    symbol: &str,
    points: &[(f64, String)],
    (place, heights, anchor): (f64, [f64; 3], Anchor),
) -> Panel {
    points.iter().zip(heights).fold(panel, |panel, ((x, name), height)| {
        let words = format!("${symbol} = {x}$: ${}$", p_words(fitted(fit, name)));
        panel.note(place, height, words, anchor)
    })
}

/// Experiments by λ, by dimension and by width, of those that there are.
fn points(results: &Results) -> (Points, Points, Points) {
    let there = |(_, name): &(f64, String)| results.experiments.contains_key(name);
    let family = results.experiments.values().filter(|experiment| experiment.is_called(FAMILY));
    let mut lambdas: Points =
        family.map(|experiment| (experiment.problem.lambda(), experiment.name.clone())).collect();
    lambdas.sort_by(|a, b| a.0.total_cmp(&b.0));
    let dimensions = [DIMENSIONS[0], DIMENSION, DIMENSIONS[1]].map(|d| (as_f64(d), at_dimension(d)));
    let widths = [NARROW, WIDTHS[0], WIDTHS[1]].map(|width| (as_f64(width), at_width(width)));
    let of = |all: [(f64, String); 3]| all.into_iter().filter(there).collect();
    (lambdas, of(dimensions), of(widths))
}

/// Names of experiments at their places on an axis.
type Points = Vec<(f64, String)>;

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let runs = runs_rows(results)?;
    let fit = Statistics::read(results, "fit")?;
    let measured = looks::data();
    let law = looks::predicted;
    let expected = covered(NARROW, CLUSTERS);
    let success = expected.last().copied().unwrap_or(0.0);
    let bars = |points: &[(f64, String)], of: &dyn Fn(&str) -> Vec<f64>| -> Result<Vec<_>> {
        points.iter().map(|(x, name)| bar(*x, &of(name))).collect()
    };
    let one = |label: &str, points: Vec<(f64, f64, f64, f64)>| Series::error_bars(label, measured, points);
    let label = "measured, 95 % interval";
    let mut figure = Figure::new("xor-rank-law", caption(results, &runs, &fit), Width::Full, 3);
    let (lambdas, dimensions, widths) = points(results);
    for (lambda, name) in [lambdas.last(), lambdas.first()].into_iter().flatten() {
        let points = (1..=4_u32)
            .map(|rank| bar(f64::from(rank), &indicators(of(&runs, name), |run| run.outliers == rank)))
            .collect::<Result<Vec<_>>>()?;
        let predicted =
            (1..=4_u32).zip(expected.iter().skip(1)).map(|(rank, p)| (f64::from(rank), *p)).collect();
        figure = figure.panel(
            Panel::new(Axis::linear("final rank").whole(), shares("share of runs", (0.7, 1.05), &points))
                .title(format!(r"$K = {NARROW}$, $\lambda = {lambda}$"))
                .note(0.05, 0.92, format!("fit: ${}$", p_words(fitted(&fit, name))), Anchor::Left)
                .series(one(label, points))
                .points("coupon collector's law", law().marker(Marker::Cross).size(4.0), predicted),
        );
    }
    let share = |points: &[(f64, f64, f64, f64)], room| shares("share with rank 4", (0.22, room), points);
    let constant = |points: &[(f64, String)]| points.iter().map(|(x, _)| (*x, success)).collect::<Vec<_>>();
    let p: Vec<(f64, f64)> = lambdas.iter().map(|(x, name)| (*x, fitted(&fit, name))).collect();
    let most = f64::from(results.experiments.values().map(width).max().unwrap_or(0));
    let by_width = (4..=12_u32)
        .filter(|k| f64::from(*k) <= most)
        .map(|k| (f64::from(k), covered(k as usize, CLUSTERS).last().copied().unwrap_or(0.0)))
        .collect();
    let rank_four = |name: &str| successes(&runs, name);
    let by_lambda = bars(&lambdas, &rank_four)?;
    let measured_widths = bars(&widths, &rank_four)?;
    let by_dimension = bars(&dimensions, &rank_four)?;
    Ok(vec![
        figure
            .panel(
                Panel::new(Axis::log(r"signal-to-noise ratio $\lambda$"), share(&by_lambda, 1.05))
                    .title(format!("$K = {NARROW}$"))
                    .series(one(label, by_lambda))
                    .line("coupon collector's law", law(), constant(&lambdas)),
            )
            .panel(
                Panel::new(Axis::log(r"signal-to-noise ratio $\lambda$"), Axis::log("goodness-of-fit $p$"))
                    .title(format!("$K = {NARROW}$"))
                    .points("goodness-of-fit $p$", looks::data().darker().marker(Marker::Ring), p)
                    .series(Series::rule_horizontal(
                        format!("$p = {REJECTED}$"),
                        Style::reference(),
                        REJECTED,
                    )),
            )
            .panel(with_fits(
                &fit,
                // The upper part of the panel is for the words.
                Panel::new(
                    Axis::log("dimension $d$").ticks([100.0, 200.0, 400.0]),
                    share(&by_dimension, 1.65),
                )
                .title(format!(r"$K = {NARROW}$, $\lambda = {LIMIT}$"))
                .series(one(label, by_dimension))
                .line("coupon collector's law", law(), constant(&dimensions)),
                "d",
                &dimensions,
                (0.05, [0.92, 0.8, 0.68], Anchor::Left),
            ))
            .panel(with_fits(
                &fit,
                Panel::new(
                    Axis::linear("width $K$").whole(),
                    shares("share with rank 4", (0.9, 1.05), &measured_widths),
                )
                .title(format!(r"$\lambda = {LIMIT}$"))
                .series(one(label, measured_widths))
                .line("coupon collector's law", law(), by_width),
                "K",
                &widths,
                (0.97, [0.29, 0.17, 0.05], Anchor::Right),
            )),
    ])
}
