//! Claims and figures of the stage `xor-collapse`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Style, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::experiment::Experiment;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::setting;
use crate::stages::common::grid::{distinct, linear_edges, log_edges};
use crate::stages::common::panels::heat;
use crate::stages::common::shared::indicators;
use crate::stages::common::words::listed;
use crate::stages::common::xor::{ALIVE, CLASSIFIED, width};
use crate::stages::xor_collapse::{plan, reduce};
use crate::theory::collapse::collapse_threshold;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-collapse",
    kind: Kind::Extension,
    title: "Where the XOR network lives and dies: the collapse threshold in the ridge over the signal-to-noise ratio",
    source: "src/stages/xor_collapse/mod.rs",
    report: file!(),
    claims: &["B1.collapse", "B1.survival"],
    figures: &["xor-collapse"],
    plan,
    reduce,
    judge,
    draw,
};

/// Relative distance of the ridge from the threshold within which no verdict is given: growth is too slow there.
const MARGIN: f64 = 0.1;

/// Least share of replicates on the predicted side.
const SHARE: f64 = 0.95;

/// β over the threshold of λ.
fn ratio(experiment: &Experiment) -> f64 {
    experiment.problem.training.beta / collapse_threshold(experiment.problem.lambda())
}

/// Per replicate number, the share of grid points on one side of the threshold where the network is as predicted.
fn shares(
    results: &Results,
    statistics: &Statistics,
    side: impl Fn(f64) -> bool,
    complies: impl Fn(f64) -> bool + Copy,
) -> Vec<f64> {
    let points: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| side(ratio(experiment))).collect();
    let replicates = points.iter().map(|experiment| experiment.replicates).max().unwrap_or(0);
    (0..replicates)
        .filter_map(|replicate| {
            let values: Vec<f64> = points
                .iter()
                .flat_map(|one| statistics.of(&one.name, "alive neurons").replicate(replicate).values())
                .collect();
            (!values.is_empty()).then(|| {
                let good = indicators(&values, |value| complies(*value));
                average(&good)
            })
        })
        .collect()
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
    let statistics = Statistics::read(results, "statistics")?;
    let collapsed = shares(results, &statistics, |ratio| ratio > 1.0 + MARGIN, |alive| alive < 0.5);
    let survived = shares(results, &statistics, |ratio| ratio < 1.0 - MARGIN, |alive| alive > 0.5);
    let failed: Vec<String> = failures(results, &statistics, 1.0 - MARGIN)
        .iter()
        .map(|(point, _)| {
            format!("lambda = {}, beta = {}", point.problem.lambda(), point.problem.training.beta)
        })
        .collect();
    let save = if failed.is_empty() { String::new() } else { format!(", if not at {}", listed(&failed)) };
    Ok(vec![
        declare("B1.collapse")
            .says("the network collapses to zero for a ridge above the predicted threshold")
            .statistic("share of grid points with beta over 1.1 times the threshold at which no neuron is alive in the end")
            .at_least(SHARE)
            .measure(&collapsed)?,
        declare("B1.survival")
            .says(format!("neurons stay alive for a ridge below the predicted threshold, on average over the grid{save}"))
            .statistic("share of grid points with beta below 0.9 times the threshold at which a neuron is alive in the end")
            .at_least(SHARE)
            .measure(&survived)?,
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
    let mean = |lambda: f64, beta: f64, statistic: &str, of: &dyn Fn(f64) -> f64| {
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
                "at λ = {}, β = {} ({:.0} % live)",
                point.problem.lambda(),
                point.problem.training.beta,
                100.0 * share
            )
        })
        .collect();
    let save = if failed.is_empty() { String::new() } else { format!(", save {}", listed(&failed)) };
    let caption = Caption::new(
        "Where the XOR network lives and dies",
        format!(
            "Means over the replicates of each point of a grid of signal-to-noise ratios λ and ridges β at the end of training: \
             (a) share of runs with at least one alive neuron, |v_i| ‖W_i‖ > {ALIVE}, (b) share of the four clusters that are \
             classified, in more than {CLASSIFIED} of their test points, (c) share of dead neurons. The line is the ridge above \
             which theory predicts that every neuron dies"
        ),
        setting(&results.all(), &[]),
        format!(
            "Networks collapse above the predicted threshold and live below it{save}; a dead network classifies by what is left \
             of its start"
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
            .map(|beta| lambdas.iter().map(|lambda| mean(*lambda, *beta, statistic, of) / top).collect())
            .collect();
        let axes = [
            (Axis::log(r"signal-to-noise ratio $\lambda$"), &x_edges),
            (Axis::linear(r"ridge $\beta$"), &y_edges),
        ];
        let axes = axes.map(|(axis, edges)| (axis.range(edges[0], edges[edges.len() - 1]), edges.clone()));
        let law = Style::theory(Colour::Vermillion);
        figure = figure.panel(heat("mean share", axes, values, 1.0, Vec::new()).title(title).line(
            "predicted collapse threshold",
            law,
            threshold.clone(),
        ));
    }
    Ok(vec![figure])
}
