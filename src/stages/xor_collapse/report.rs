//! Claims and figures of the stage `xor-collapse`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, at_end, average, extent};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{between, percent};
use crate::stages::common::grid::{distinct, linear_edges, log_edges};
use crate::stages::common::judging::{all_so, folded, mean};
use crate::stages::common::looks;
use crate::stages::common::panels::heat;
use crate::stages::common::shared::indicators;
use crate::stages::common::words::{listed, parameters};
use crate::stages::common::xor::{ALIVE, width};
use crate::stages::xor_collapse::{plan, reduce};
use crate::theory::collapse::collapse_threshold;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-collapse",
    kind: Kind::Extension,
    on_request: false,
    title: "Where the XOR network lives and dies: the collapse threshold in the ridge over the signal-to-noise ratio",
    source: "src/stages/xor_collapse/mod.rs",
    report: file!(),
    claims: &["B1.collapse", "B1.survival", "B1.survival-domain", "B1.survival-predicted"],
    figures: &["xor-collapse"],
    plan,
    reduce,
    judge,
    draw,
};

/// Relative distance of the ridge from the threshold within which no verdict is given: growth is too slow there.
const MARGIN: f64 = 0.1;

/// Least share of replicate numbers in which every point of the grid is as predicted: 66 of 80 show more, as 20 of 20 do.
const EVERY: f64 = 0.6;

/// Share of the networks of a point below which it is named in the caption.
const SHARE: f64 = 0.95;

/// Least λ of the domain in which step noise, `c/(8λ)` in `d‖W‖²/dt` per `v²`, lowers the growth rate of an aligned neuron by less
/// than a hundredth (`theory::collapse`: 1e-3 at λ = 5, 0.08 at λ = 1).
const QUIET: f64 = 3.0;

/// Least share of points at small λ at which a run lives if and only if it is predicted to.
const AGREED: f64 = 0.8;

/// β over the threshold of λ.
fn ratio(experiment: &Experiment) -> f64 {
    experiment.problem.training.beta / collapse_threshold(experiment.problem.lambda())
}

/// By replicate number, whether the networks of all points chosen are as predicted: 1 or 0.
fn every(
    results: &Results,
    statistics: &Statistics,
    chosen: impl Fn(&Experiment) -> bool,
    complies: impl Fn(f64) -> bool + Copy,
) -> Values {
    let points = results.experiments.values().filter(|experiment| chosen(experiment));
    let values = points.flat_map(|point| at_end(&statistics.of(&point.name, "alive neurons").curves()));
    folded(values.map(|(replicate, alive)| (replicate, f64::from(u8::from(complies(alive))))), all_so)
}

/// The grid points below this share of the threshold at which fewer than [`SHARE`] of the networks live, with that share.
fn failures<'a>(results: &'a Results, statistics: &Statistics, below: f64) -> Vec<(&'a Experiment, f64)> {
    let mut found: Vec<(&Experiment, f64)> = results
        .experiments
        .values()
        .filter(|experiment| ratio(experiment) < below)
        .map(|experiment| {
            let lives =
                indicators(statistics.of(&experiment.name, "alive neurons").values(), |alive| alive > 0.5);
            (experiment, average(&lives))
        })
        .filter(|(_, share)| *share < SHARE)
        .collect();
    found.sort_by(|a, b| a.0.problem.lambda().total_cmp(&b.0.problem.lambda()));
    found
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, predictions) = Statistics::both(results)?;
    let names = |chosen: &dyn Fn(&Experiment) -> bool| -> Vec<String> {
        let points = results.experiments.values().filter(|experiment| chosen(experiment));
        points.map(|experiment| experiment.name.clone()).collect()
    };
    let above = |point: &Experiment| ratio(point) > 1.0 + MARGIN;
    let below = |point: &Experiment| ratio(point) < 1.0 - MARGIN;
    let quiet = |point: &Experiment| below(point) && point.problem.lambda() >= QUIET;
    let (dead, alive) = (|alive: f64| alive < 0.5, |alive: f64| alive > 0.5);
    let basis = || chosen("theory has every run on its side; 20 of 20 have the lower end 0.61");
    // What becomes of a run by the leading order from its own start, step noise and finite time included.
    let foretold = |chosen: &dyn Fn(&Experiment) -> bool, still: bool| -> Values {
        let points = results.experiments.values().filter(|experiment| chosen(experiment));
        let same = points.flat_map(|point| {
            let measured = at_end(&statistics.of(&point.name, "alive neurons").curves());
            let predicted = at_end(&predictions.of(&point.name, "alive neurons").curves());
            let side = ratio(point) < 1.0;
            measured.into_iter().filter_map(move |(replicate, alive)| {
                let lives = if still { side } else { *predicted.get(&replicate)? > 0.5 };
                Some((replicate, f64::from(u8::from((alive > 0.5) == lives))))
            })
        });
        folded(same, mean)
    };
    let noisy = |point: &Experiment| ratio(point) < 1.0 && point.problem.lambda() < QUIET;
    Ok(vec![
        declare("B1.collapse", ClaimKind::Share)
            .says("the network collapses to zero for a ridge above the predicted threshold, at every point of the grid")
            .statistic("whether no neuron is alive in the end at all grid points with beta over 1.1 times the threshold")
            .about(names(&above))
            .predicted(1.0)
            .at_least(EVERY, basis())
            .null("below-the-threshold", every(results, &statistics, below, dead))
            .share(every(results, &statistics, above, dead))?,
        declare("B1.survival", ClaimKind::Share)
            .says("neurons stay alive for a ridge below the predicted threshold, at every point of the grid")
            .statistic("whether a neuron is alive in the end at all grid points with beta below 0.9 times the threshold")
            .about(names(&below))
            .predicted(1.0)
            .at_least(EVERY, basis())
            .null("above-the-threshold", every(results, &statistics, above, alive))
            .share(every(results, &statistics, below, alive))?,
        declare("B1.survival-domain", ClaimKind::Share)
            .says(format!("neurons stay alive for a ridge below the predicted threshold, at every point of the grid with lambda >= {QUIET}, where step noise hardly lowers their growth"))
            .statistic(format!("whether a neuron is alive in the end at all grid points with lambda >= {QUIET} and beta below 0.9 times the threshold"))
            .about(names(&quiet))
            .predicted(1.0)
            .at_least(EVERY, basis())
            .null("above-the-threshold", every(results, &statistics, above, alive))
            .share(every(results, &statistics, quiet, alive))?,
        declare("B1.survival-predicted", ClaimKind::Prediction)
            .says("at small lambda the leading order of the effective dynamics, with step noise and finite time, predicts from a run's own start whether a neuron lives below the threshold")
            .statistic(format!("share of the grid points with lambda < {QUIET} and beta below the threshold at which a neuron is alive in the end if and only if predicted"))
            .about(names(&noisy))
            .predicted(1.0)
            .at_least(AGREED, chosen("noise of order d^(-1/2) decides the runs whose largest strength ends within a factor e of 0.05"))
            .null("static-theory", foretold(&noisy, true))
            .mean(foretold(&noisy, false))?,
    ])
}

/// A statistic, the panel's title, what is averaged of each value, and what the average is divided by.
type Share<'a> = (&'a str, &'a str, &'a dyn Fn(f64) -> f64, f64);

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let statistics = Statistics::read(results, "statistics")?;
    let ridge = |experiment: &Experiment| experiment.problem.training.beta;
    let lambdas = distinct(&results.all(), |experiment| experiment.problem.lambda());
    let ridges = distinct(&results.all(), ridge);
    let (x_edges, y_edges) = (log_edges(&lambdas), linear_edges(&ridges));
    let k = results.experiments.values().next().map_or(1, width);
    let mean_at = |lambda: f64, beta: f64, statistic: &str, of: &dyn Fn(f64) -> f64| {
        let there = |point: &&Experiment| {
            point.problem.lambda().to_bits() == lambda.to_bits() && ridge(point).to_bits() == beta.to_bits()
        };
        let points = results.experiments.values().filter(there);
        let values: Vec<f64> =
            points.flat_map(|point| statistics.of(&point.name, statistic).values()).map(of).collect();
        average(&values)
    };
    let threshold: Vec<(f64, f64)> = (0..=120)
        .map(|index| {
            let share = f64::from(index) / 120.0;
            let lambda = x_edges[0] * libm::pow(x_edges[x_edges.len() - 1] / x_edges[0], share);
            (lambda, collapse_threshold(lambda))
        })
        .filter(|point| point.1 > y_edges[0])
        .collect();
    let failed: Vec<String> = failures(results, &statistics, 1.0)
        .iter()
        .map(|(point, share)| {
            format!(
                "at λ = {}, β = {} ({} live)",
                point.problem.lambda(),
                point.problem.training.beta,
                percent(*share, 0)
            )
        })
        .collect();
    let save = if failed.is_empty() { String::new() } else { format!(", save {}", listed(&failed)) };
    // Where no neuron is alive in any run, by signal-to-noise ratio, the share of classified clusters at the largest ridge.
    let most = ridges.last().copied().unwrap_or(f64::NAN);
    let dead_at = |lambda: f64| {
        mean_at(lambda, most, "alive neurons", &|alive| f64::from(u8::from(alive > 0.5))) == 0.0
    };
    let classified: Vec<f64> = lambdas
        .iter()
        .filter(|lambda| dead_at(**lambda))
        .map(|lambda| mean_at(*lambda, most, "classified", &|count| count) / as_f64(CLUSTERS))
        .collect();
    let caption = Caption::new(
        "Where the XOR network lives and dies",
        format!(
            "Means over replicates at the end of training, over λ and the ridge β: (a) share of \
             runs with at least one alive neuron, |v_i| ‖W_i‖ > {ALIVE}, (b) share of the four clusters classified, (c) share of dead \
             neurons. Line: the ridge above which theory has all die"
        ),
        parameters(&results.all()),
        format!(
            "Networks collapse above the predicted ridge and live below it{save}. Dead networks still classify, since the sign of a small \
             output is enough: at β = {most} the share of clusters is {}, the more the larger λ",
            between(extent(&classified), 2)
        ),
    );
    let mut figure = Figure::new("xor-collapse", caption, Width::Full, 3).shared_y();
    let clusters = as_f64(CLUSTERS);
    let alive = |value: f64| f64::from(u8::from(value > 0.5));
    let dead = |value: f64| 1.0 - value / f64::from(k);
    let same = |value: f64| value;
    let panels: [Share<'_>; 3] = [
        ("alive neurons", "living networks", &alive, 1.0),
        ("classified", "classified clusters", &same, clusters),
        ("alive neurons", "dead neurons", &dead, 1.0),
    ];
    for (statistic, title, of, top) in panels {
        let values = ridges
            .iter()
            .map(|beta| lambdas.iter().map(|lambda| mean_at(*lambda, *beta, statistic, of) / top).collect())
            .collect();
        let axes = [
            (Axis::log(r"signal-to-noise ratio $\lambda$"), &x_edges),
            (Axis::linear(r"ridge $\beta$"), &y_edges),
        ];
        let axes = axes.map(|(axis, edges)| (axis.range(edges[0], edges[edges.len() - 1]), edges.clone()));
        let law = looks::predicted();
        figure = figure.panel(heat("mean share", axes, values, (1.0, None), Vec::new()).title(title).line(
            "predicted collapse threshold",
            law,
            threshold.clone(),
        ));
    }
    Ok(vec![figure])
}
