//! Claims and figures of the stage `xor-escape`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::stage::claim::{Claim, Kind, chosen, declare, interval, semilog_slope, theory as derived};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{number, percent};
use crate::stages::common::dimensions::{by_dimension, dimension, mean_of, noted, values};
use crate::stages::common::looks;
use crate::stages::common::panels::over_time;
use crate::stages::common::words::parameters;
use crate::stages::xor_escape::{ESCAPED, plan, reduce, times};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-escape",
    kind: StageKind::Theorem,
    on_request: false,
    title: "At random starts the XOR network leaves m = 0 after a time that grows like log d",
    source: "src/stages/xor_escape/mod.rs",
    report: file!(),
    claims: &["D1.escape-share", "D1.escape-time", "D1.escape-rate", "D1.escape-log"],
    figures: &["xor-escape"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share of replicates that leave m = 0 at every d; a hundred of a hundred show 0.906.
const SHARE: f64 = 0.9;

/// Largest relative difference of measured and predicted escape time at the largest d.
///
/// Noise of the steps adds to m, early on, a part of the size of m(0) or less. With `η` of its size, the escape is earlier by
/// `ln(1 + η²)/(2r)` on average, which is `ln(1 + η²)/ln d` of the whole: below 0.05 for η² up to 3/4 at d = 10⁵.
const TIME: f64 = 0.05;

/// Least d of the fit against the same starts; below, fluctuations along the way count as well.
const FIT: f64 = 1000.0;

/// Largest relative difference of slopes of the escape time in ln d, measured and predicted from the same starts: the noise of the
/// steps scatters the time by `η/r` and its slope over two decades by a tenth of itself at most.
const RATE: f64 = 0.15;

/// Largest relative difference of the slope of the escape time in ln d from `1/(2r)`: random starts scatter a time by `0.6/r`, so a
/// slope over seven d by 0.17 of itself, of which half an interval and 7 standard errors of a hundred are 0.19.
const LOG: f64 = 0.2;

/// Escape times by d, from the least d on.
fn by_d(results: &Results, statistics: &Statistics, least: f64, statistic: &str) -> Vec<(f64, Values)> {
    by_dimension(results, "xor-escape")
        .into_iter()
        .filter(|experiment| dimension(experiment) >= least)
        .map(|experiment| (dimension(experiment), values(statistics, experiment, statistic)))
        .collect()
}

/// Per replicate number, the slope of its escape times in ln d; none where a run did not escape.
fn slopes(fitted: &[(f64, Values)]) -> Values {
    let Some((_, first)) = fitted.first() else { return Values::new() };
    first
        .keys()
        .filter_map(|replicate| {
            let points: Option<Vec<(f64, f64)>> =
                fitted.iter().map(|(d, times)| times.get(replicate).map(|time| (*d, *time))).collect();
            points.filter(|points| points.len() >= 3).map(|points| (*replicate, semilog_slope(&points)))
        })
        .collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let experiments = by_dimension(results, "xor-escape");
    let names: Vec<String> = experiments.iter().map(|one| one.name.clone()).collect();
    let from = |least: f64| -> Vec<String> {
        experiments.iter().filter(|one| dimension(one) >= least).map(|one| one.name.clone()).collect()
    };
    let (mut everywhere, mut in_limit) = (Values::new(), Values::new());
    for experiment in &experiments {
        let escaped = times(&statistics, experiment);
        let limit = mean_of(&values(&theory, experiment, "largest m of the limit"));
        for replicate in 0..experiment.replicates {
            for (all, left) in
                [(&mut everywhere, escaped.contains_key(&replicate)), (&mut in_limit, limit >= ESCAPED)]
            {
                let known = all.entry(replicate).or_insert(1.0_f64);
                *known = known.min(f64::from(u8::from(left)));
            }
        }
    }
    let (mut ratios, mut constant, mut most) = (Values::new(), Values::new(), 0.0);
    if let (Some(first), Some(experiment)) = (experiments.first(), experiments.last()) {
        most = dimension(experiment);
        let (predicted, at_first) = (times(&theory, experiment), mean_of(&times(&theory, first)));
        for (replicate, time) in times(&statistics, experiment) {
            constant.insert(replicate, time / at_first - 1.0);
            if let Some(predicted) = predicted.get(&replicate) {
                ratios.insert(replicate, time / predicted - 1.0);
            }
        }
    }
    let [measured, predicted] =
        [&statistics, &theory].map(|table| slopes(&by_d(results, table, FIT, "escape time")));
    let expected = mean_of(&predicted);
    // Starts differ more than runs from their predictions, so each slope is compared with that predicted from the same starts.
    let minus = |share: f64| -> Values {
        let pairs = measured
            .iter()
            .filter_map(|(replicate, slope)| Some((*replicate, slope, predicted.get(replicate)?)));
        pairs.map(|(replicate, slope, own)| (replicate, (slope - share * own) / expected)).collect()
    };
    let typical: Vec<(f64, f64)> = by_d(results, &theory, 0.0, "typical escape time")
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(d, values)| (d, mean_of(&values)))
        .collect();
    let law = if typical.len() < 2 { f64::NAN } else { semilog_slope(&typical) };
    let escaped = by_d(results, &statistics, 0.0, "escape time");
    // At every d the times of the smallest, of another replicate at each.
    let constant_times: Vec<(f64, Values)> = (0..)
        .zip(&escaped)
        .map(|(shift, (d, _))| {
            let first = &escaped[0].1;
            let all: Vec<f64> = first.values().copied().collect();
            let moved = all.iter().cycle().skip(shift).take(all.len());
            (*d, first.keys().copied().zip(moved.copied()).collect())
        })
        .collect();
    let relative = |times: &[(f64, Values)]| -> Values {
        slopes(times).into_iter().map(|(replicate, slope)| (replicate, slope / law)).collect()
    };
    let log = declare("D1.escape-log", Kind::Rate)
        .says("the time to leave m = 0 grows in proportion to log d, with the factor 1/(2r) that the escape rate r of the effective dynamics gives")
        .statistic("slope of the escape time in ln d over that of the effective dynamics from m_i(0) = d^(-1/2)")
        .about(names.clone());
    let log = if law.is_finite() {
        log.near(1.0, LOG, derived("scatter of the start by 0.6/r makes 0.17 in the slope of one replicate; half an interval and 7 standard errors of a hundred"))
            .null("constant-time", relative(&constant_times))
            .mean(relative(&escaped))?
    } else {
        log.not_run("the predicted times do not reach the horizon")
    };
    Ok(vec![
        declare("D1.escape-share", Kind::Share)
            .says("runs from random starts leave the set m = 0, in which the limit of their starts stays for ever")
            .statistic(format!("share of replicates in which some |m_i| reaches {ESCAPED} at every d"))
            .about(names)
            .at_least(SHARE, chosen("all of a hundred replicates show 0.906"))
            .null("limit", in_limit)
            .share(everywhere)?,
        declare("D1.escape-time", Kind::Prediction)
            .says("the effective dynamics from a run's own m(0) of order d^{-1/2} predict when it leaves")
            .statistic(format!("measured over predicted time to |m_i| = {ESCAPED}, less 1, at d = {most}"))
            .about(experiments.last().map(|one| one.name.clone()))
            .near(0.0, TIME, derived("noise of size eta m(0) moves the escape by ln(1 + eta^2)/ln d of itself, below 0.05 for eta^2 up to 3/4"))
            .null("constant-time", constant)
            .mean(ratios)?,
        declare("D1.escape-rate", Kind::Prediction)
            .says("the growth with log d of the time to leave m = 0 is the one predicted from the same starts")
            .statistic(format!("slope of the time in ln d less that predicted from the same starts, over its mean; d >= {FIT}"))
            .about(from(FIT))
            .near(0.0, RATE, derived("noise along the way scatters a time by eta/r, a slope over two decades by a tenth of itself"))
            .null("constant-time", minus(0.0))
            .mean(minus(1.0))?,
        log,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let experiments = by_dimension(results, "xor-escape");
    let mut one = over_time(Axis::log(r"largest $\|(W_i \cdot \mu, W_i \cdot \nu)\|$").range(0.001, 4.0));
    let shown = [experiments.first(), experiments.get(experiments.len() / 2), experiments.last()];
    let styles = [
        looks::weights(),
        looks::weights().marker(Marker::OpenSquare),
        looks::weights().darker().marker(Marker::OpenTriangle),
    ];
    for (experiment, style) in shown.into_iter().flatten().zip(styles) {
        let own = theory.of(&experiment.name, "largest m").curves();
        for (replicate, curve) in statistics.of(&experiment.name, "largest m").curves() {
            one = one.marked_line(format!("$d = {}$, 3 runs", experiment.problem.d()), style, curve);
            if let Some(curve) = own.get(&replicate) {
                one = one.line("effective dynamics from the same start", looks::predicted(), curve.clone());
            }
        }
    }
    one = one.series(Series::rule_horizontal("escaped above", Style::reference(), ESCAPED));
    let (mut bars, mut predicted) = (Vec::new(), Vec::new());
    for experiment in &experiments {
        let values: Vec<f64> = times(&statistics, experiment).into_values().collect();
        if values.is_empty() {
            continue;
        }
        let (mean, half) = interval(&values)?;
        bars.push((dimension(experiment), mean, mean - half, mean + half));
        let expected: Vec<f64> = times(&theory, experiment).into_values().collect();
        predicted.push((dimension(experiment), average(&expected)));
    }
    let all = Panel::new(Axis::log("dimension $d$"), Axis::linear("escape time"))
        .error_bars("measured: mean, 95 % interval", looks::weights(), bars.clone())
        .line("effective dynamics from the same start", looks::predicted(), predicted.clone());
    let all = noted(all, (0.97, 0.07), &experiments, |experiment| {
        let (k, lambda) = (experiment.problem.rows(), experiment.problem.lambda());
        format!(r"$K = {k}$, $\lambda = {lambda}$, {} replicates", experiment.replicates)
    });
    let escaped: usize = experiments.iter().map(|one| times(&statistics, one).len()).sum();
    let runs: u32 = experiments.iter().map(|one| one.replicates).sum();
    let slope = |points: &[(f64, f64)]| if points.len() < 2 { f64::NAN } else { semilog_slope(points) };
    let found: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.0, bar.1)).collect();
    let figure = Figure::new(
        "xor-escape",
        Caption::new(
            "Escape of the XOR network from random starts",
            format!(
                "(a) Largest ‖m_i‖, with m_i = (W_i·μ, W_i·ν), over the neurons i against time, three runs of the exact reduced chain at each of three d, and the effective dynamics from the same starts (dashed). (b) Time at which it \
                 reaches {ESCAPED}: marks, mean over replicates; bars, its 95 % interval; dashed, mean of the times by the effective dynamics"
            ),
            parameters(&experiments),
            format!(
                "{} of the runs leave the set m = 0, in which the limit d → ∞ would stay; the time to leave grows by {} for \
                 each factor e of d, and by {} as predicted from m(0) of order d^(-1/2)",
                percent(as_f64(escaped) / f64::from(runs), 0),
                number(slope(&found), 2),
                number(slope(&predicted), 2)
            ),
        ),
        Width::Full,
        2,
    );
    Ok(vec![figure.panel(one).panel(all)])
}
