//! Claims and figures of the stage `xor-escape`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Series, Style, Width};
use crate::stage::claim::{Claim, interval, semilog_slope};
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::setting;
use crate::stages::common::dimensions::{by_dimension, dimension, noted};
use crate::stages::common::panels::over_time;
use crate::stages::xor_escape::{ESCAPED, plan, reduce, times};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-escape",
    kind: Kind::Theorem,
    title: "At random starts the XOR network leaves m = 0 after a time that grows like log d",
    source: "src/stages/xor_escape/mod.rs",
    report: file!(),
    claims: &["D1.escape-share", "D1.escape-time", "D1.escape-rate"],
    figures: &["xor-escape"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share of runs that leave m = 0.
const SHARE: f64 = 0.95;

/// Largest relative difference of measured and predicted escape time at the largest d.
const TIME: f64 = 0.05;

/// Least d of the fit of the rate; below, fluctuations along the way count as well.
const FIT: f64 = 1000.0;

/// Largest relative difference of measured and predicted slope of the escape time in ln d.
const RATE: f64 = 0.15;

/// Per replicate number, the slope of its escape times in ln d over the fitted range; none where a run did not escape.
fn slopes(results: &Results, statistics: &Statistics) -> Vec<f64> {
    let fitted: Vec<(f64, BTreeMap<u32, f64>)> = by_dimension(results, "xor-escape")
        .into_iter()
        .filter(|experiment| dimension(experiment) >= FIT)
        .map(|experiment| (dimension(experiment), times(statistics, experiment)))
        .collect();
    let Some((_, first)) = fitted.first() else { return Vec::new() };
    first
        .keys()
        .filter_map(|replicate| {
            let points: Option<Vec<(f64, f64)>> =
                fitted.iter().map(|(d, times)| times.get(replicate).map(|time| (*d, *time))).collect();
            points.filter(|points| points.len() >= 3).map(|points| semilog_slope(&points))
        })
        .collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let experiments = by_dimension(results, "xor-escape");
    let mut shares: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for experiment in &experiments {
        let escaped = times(&statistics, experiment);
        for replicate in 0..experiment.replicates {
            let left = f64::from(u8::from(escaped.contains_key(&replicate)));
            shares.entry(replicate).or_default().push(left);
        }
    }
    let shares: Vec<f64> = shares.values().map(|values| average(values)).collect();
    let (mut ratios, mut most) = (Vec::new(), 0.0);
    if let Some(experiment) = experiments.last() {
        most = dimension(experiment);
        let predicted = times(&theory, experiment);
        for (replicate, time) in times(&statistics, experiment) {
            ratios.extend(predicted.get(&replicate).map(|predicted| time / predicted - 1.0));
        }
    }
    let predicted = slopes(results, &theory);
    let expected = average(&predicted);
    // Starts differ more than runs from their predictions, so each slope is compared with that predicted from the same starts.
    let rates: Vec<f64> = slopes(results, &statistics)
        .iter()
        .zip(&predicted)
        .map(|(slope, predicted)| (slope - predicted) / expected)
        .collect();
    Ok(vec![
        declare("D1.escape-share")
            .says("runs from random starts leave the set m = 0, in which the limit of their starts stays for ever")
            .statistic(format!("share of dimensions at which some |m_i| reaches {ESCAPED}"))
            .at_least(SHARE)
            .measure(&shares)?,
        declare("D1.escape-time")
            .says("the effective dynamics from a run's own m(0) of order d^{-1/2} predict when it leaves")
            .statistic(format!("measured over predicted time to |m_i| = {ESCAPED}, less 1, at d = {most}"))
            .between(-TIME, TIME)
            .measure(&ratios)?,
        declare("D1.escape-rate")
            .says("the time to leave m = 0 grows like log d, at the predicted rate")
            .statistic(format!("slope of the time in ln d less that predicted from the same starts, over its mean; d >= {FIT}"))
            .between(-RATE, RATE)
            .measure(&rates)?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let experiments = by_dimension(results, "xor-escape");
    let mut one = over_time(Axis::log(r"largest $\|(W_i \cdot \mu, W_i \cdot \nu)\|$").range(0.001, 4.0));
    let shown = [experiments.first(), experiments.get(experiments.len() / 2), experiments.last()];
    let styles = [
        (Colour::Blue, Marker::Circle),
        (Colour::Vermillion, Marker::OpenSquare),
        (Colour::Green, Marker::Triangle),
    ];
    for (experiment, (colour, marker)) in shown.into_iter().flatten().zip(styles) {
        let style = Style::measured(colour).marker(marker);
        let own = theory.of(&experiment.name, "largest m").curves();
        for (replicate, curve) in statistics.of(&experiment.name, "largest m").curves() {
            one = one.marked_line(format!("$d = {}$, 3 runs", experiment.problem.d()), style, curve);
            if let Some(curve) = own.get(&replicate) {
                one = one.line(
                    "effective dynamics from the same start",
                    Style::theory(Colour::Black),
                    curve.clone(),
                );
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
        .error_bars("measured: mean, 95 % interval", Style::measured(Colour::Black), bars)
        .marked_line(
            "effective dynamics from the same starts: mean",
            Style::theory(Colour::Purple).marker(Marker::Cross).size(4.5),
            predicted,
        );
    let all = noted(all, (0.97, 0.07), &experiments, |experiment| {
        let (k, lambda) = (experiment.problem.rows(), experiment.problem.lambda());
        format!(r"$K = {k}$, $\lambda = {lambda}$, {} replicates", experiment.replicates)
    });
    let figure = Figure::new(
        "xor-escape",
        Caption::new(
            "Escape of the XOR network from random starts",
            format!(
                "(a) Largest ‖m_i‖, with m_i = (W_i·μ, W_i·ν), over the neurons i against training time t, three runs of the exact reduced chain at each of three dimensions (solid), and the effective dynamics from the same starts (dashed). (b) Time at which it reaches {ESCAPED}: discs, mean over replicates; bars, its 95 % interval; crosses, mean of the times that the effective dynamics give from the same starts"
            ),
            setting(&experiments, &[]),
            "Every run leaves the set m = 0 (all m_i = 0), in which the limit d → ∞ of its start would stay; the time to leave grows like log d, as predicted from m(0) of order d^(-1/2)",
        ),
        Width::Full,
        2,
    );
    Ok(vec![figure.panel(one).panel(all)])
}
