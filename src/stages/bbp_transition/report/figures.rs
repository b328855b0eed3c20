//! Figures of the stage `bbp-transition`.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Dash, Figure, Marker, Panel, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::claim::interval;
use crate::stage::rows::{Statistics, Subspace, average};
use crate::stages::bbp_transition::{CLASSES, FOLLOWED, is_followed};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::dimensions::noted;
use crate::stages::common::grid::{distinct, log_edges};
use crate::stages::common::panels::heat;
use crate::stages::common::shared::{MARGIN, SYMBOLS, small};
use std::collections::{BTreeMap, BTreeSet};

const LAMBDA_LABEL: &str = r"signal-to-noise ratio $\lambda$";

/// The figures.
///
/// # Errors
/// Tables of another shape.
pub fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    Ok(vec![
        grid(results, &statistics, &theory),
        in_time(results, &statistics, &theory),
        carriers(results, &statistics, &theory)?,
    ])
}

/// The largest mean number of outliers of an experiment at a checkpoint that is shown: at large φ it can exceed that of classes.
fn largest(
    statistics: &Statistics,
    experiments: &[&Experiment],
    shown: impl Fn(&Experiment, u64) -> bool,
) -> f64 {
    let mut counts: BTreeMap<(&str, u64, Option<Matrix>), Vec<f64>> = BTreeMap::new();
    for experiment in experiments {
        let counted = statistics.of(&experiment.name, "outliers");
        for row in counted.only(|row| shown(experiment, row.at.step)).iter() {
            counts.entry((&experiment.name, row.at.step, row.of.matrix)).or_default().push(row.value);
        }
    }
    counts.values().map(|values| average(values)).fold(as_f64(CLASSES), f64::max)
}

/// What a caption says of means above the number of classes.
fn beyond(largest: f64) -> String {
    if largest > as_f64(CLASSES) {
        format!(
            ". Means above {CLASSES}, up to {largest:.2}, come from a few replicates in which the bulk itself reaches beyond \
             that level"
        )
    } else {
        String::new()
    }
}

/// Styles of the thresholds of the first and of the last outlier.
fn styles() -> [(u32, &'static str, Style); 2] {
    let last = Style::theory(Colour::Purple).dash(Dash::DashDot);
    [
        (1, "predicted: first outlier appears", Style::theory(Colour::Vermillion)),
        (small(CLASSES), "predicted: all five have appeared", last),
    ]
}

/// A map of mean numbers of outliers over two logarithmic axes, each a label and the edges of cells.
fn numbers(axes: [(&str, &Vec<f64>); 2], values: Vec<Vec<f64>>, most: f64) -> Panel {
    let axes =
        axes.map(|(label, edges)| (Axis::log(label).range(edges[0], edges[edges.len() - 1]), edges.clone()));
    heat("mean number of outliers", axes, values, most, Vec::new())
}

/// A panel with the predicted thresholds of outliers, by their rank.
fn with_thresholds(panel: Panel, curve: impl Fn(u32) -> Vec<(f64, f64)>) -> Panel {
    styles().into_iter().fold(panel, |panel, (rank, label, style)| {
        let curve = curve(rank);
        panel.marked_line(label, style.marker(Marker::Cross).size(3.5), curve)
    })
}

/// The experiments that are followed in time.
fn followed(results: &Results) -> Vec<&Experiment> {
    results.experiments.values().filter(|experiment| is_followed(experiment)).collect()
}

fn lambdas(results: &Results) -> Vec<f64> {
    distinct(&results.all(), |experiment| experiment.problem.lambda())
}

/// Numbers of outliers over λ and φ, at the start and at the end.
fn grid(results: &Results, statistics: &Statistics, theory: &Statistics) -> Figure {
    let ratios = distinct(&results.all(), |experiment| experiment.problem.training.phi);
    let (x_edges, y_edges) = (log_edges(&lambdas(results)), log_edges(&ratios));
    let all = results.all();
    let is_end = |experiment: &Experiment, step: u64| Some(step) == experiment.schedule().last().copied();
    let most = largest(statistics, &all, |experiment, step| step == 0 || is_end(experiment, step));
    let mut figure = Figure::new(
        "bbp-transition",
        Caption::new(
            "Number of outliers over signal-to-noise ratio and sample ratio",
            format!(
"Mean over replicates (colour) of the number of eigenvalues of H_11 (a, b) and of G_11 (c, d) above the predicted edge of the bulk plus {MARGIN} Tracy-Widom scales, at the start and at the end of training. Crosses joined by lines: the λ from which on theory counts at least one outlier (dashed) and all {CLASSES} (dash-dotted), from the effective dynamics alone; none where that λ is outside the grid{}", beyond(most)),
            setting(&all, &[Symbol::Blocks]),
            "Outliers appear along the predicted curves, lower in λ the more samples there are; all outliers of H appear together at the start and one by one after training, those of G far apart",
        ),
        Width::Full,
        2,
    )
    .shared_x()
    .shared_y();
    for (matrix, symbol) in SYMBOLS {
        for (when, start) in [("start", true), ("end", false)] {
            let of = |experiment: &Experiment, step: u64| {
                if start { step == 0 } else { is_end(experiment, step) }
            };
            let found = |lambda: f64, ratio: f64| {
                results.experiments.values().find(|experiment| {
                    experiment.problem.lambda().to_bits() == lambda.to_bits()
                        && experiment.problem.training.phi.to_bits() == ratio.to_bits()
                })
            };
            let value = |lambda: f64, ratio: f64| {
                found(lambda, ratio).map_or(f64::NAN, |experiment| {
                    let counted = statistics.of(&experiment.name, "outliers").matrix(matrix);
                    counted.only(|row| of(experiment, row.at.step)).mean()
                })
            };
            let values = ratios
                .iter()
                .map(|ratio| lambdas(results).iter().map(|lambda| value(*lambda, *ratio)).collect())
                .collect();
            let thresholds = |rank: u32| {
                let mut curve: Vec<(f64, f64)> = results
                    .experiments
                    .values()
                    .flat_map(|experiment| {
                        let all = theory.of(&experiment.name, "threshold").matrix(matrix).rank(rank);
                        let here = all.only(|row| of(experiment, row.at.step)).values();
                        here.into_iter().map(|lambda| (lambda, experiment.problem.training.phi))
                    })
                    .collect();
                curve.sort_by(|a, b| a.1.total_cmp(&b.1));
                curve
            };
            let axes = [(LAMBDA_LABEL, &x_edges), (r"sample ratio $\phi = n/d$", &y_edges)];
            let panel = numbers(axes, values, most).title(format!(r"${symbol}_{{11}}$, {when}"));
            figure = figure.panel(with_thresholds(panel, thresholds));
        }
    }
    figure
}

/// Numbers of outliers over training time and λ.
fn in_time(results: &Results, statistics: &Statistics, theory: &Statistics) -> Figure {
    let followed = followed(results);
    let times: Vec<f64> = followed.first().map_or_else(Vec::new, |experiment| {
        experiment.schedule().iter().filter(|step| **step > 0).map(|step| experiment.time(*step)).collect()
    });
    let (x_edges, y_edges) = (log_edges(&times), log_edges(&lambdas(results)));
    let most = largest(statistics, &followed, |_, step| step > 0);
    let mut figure = Figure::new(
        "bbp-transition-in-time",
        Caption::new(
            "Number of outliers over training time and signal-to-noise ratio",
            format!(
"Mean over replicates (colour) of the number of eigenvalues of H_11 (a) and of G_11 (b) above the predicted edge of the bulk plus {MARGIN} Tracy-Widom scales, over training time t and the signal-to-noise ratio λ. Crosses joined by lines: the λ from which on theory counts at least one outlier (dashed) and all {CLASSES} (dash-dotted) at that time{}", beyond(most)),
            setting(&followed, &[Symbol::Blocks]),
            "The thresholds move during training as predicted: that of the first outlier of H falls while that of all rises, both of G rise",
        ),
        Width::Full,
        2,
    )
    .shared_y();
    for (matrix, symbol) in SYMBOLS {
        let values = lambdas(results)
            .iter()
            .map(|lambda| {
                let there =
                    followed.iter().find(|found| found.problem.lambda().to_bits() == lambda.to_bits());
                times
                    .iter()
                    .map(|time| {
                        there.map_or(f64::NAN, |experiment| {
                            let counted = statistics.of(&experiment.name, "outliers").matrix(matrix);
                            counted.only(|row| row.at.time.to_bits() == time.to_bits()).mean()
                        })
                    })
                    .collect()
            })
            .collect();
        let thresholds = |rank: u32| {
            let of = |experiment: &&Experiment| {
                let all = theory.of(&experiment.name, "threshold").matrix(matrix).rank(rank);
                all.only(|row| row.at.step > 0).points()
            };
            followed.iter().flat_map(of).collect()
        };
        let title = format!(r"${symbol}_{{11}}$, $\phi = {}$", f64::from(FOLLOWED) / 10.0);
        let axes = [("training time $t$", &x_edges), (LAMBDA_LABEL, &y_edges)];
        let panel = numbers(axes, values, most).title(title);
        figure = figure.panel(with_thresholds(panel, thresholds));
    }
    figure
}

/// What the outliers carry at the end, over λ.
fn carriers(results: &Results, statistics: &Statistics, theory: &Statistics) -> Result<Figure> {
    let followed = followed(results);
    let replicates = followed.first().map_or(0, |experiment| experiment.replicates);
    let mut figure = Figure::new(
        "bbp-transition-carriers",
        Caption::new(
            "Which outliers carry means and which carry parameters",
            "Squared overlap of the eigenvectors of the outliers of H_11 (a) and of G_11 (b) at the end of training, mean over as many outliers as theory predicts, with the span of the means (discs) and with what the span of the rows x^c adds to it (squares), where more than half of the replicates have an outlier: marks, mean over replicates; bars, its 95 % interval; crosses and diamonds, theory",
            setting(&followed, &[Symbol::Blocks]),
            "Outliers carry the means, more of them the larger λ, with dips where further outliers appear; they carry next to nothing of the parameters outside the span of the means",
        ),
        Width::Full,
        2,
    )
    .shared_y();
    for (matrix, symbol) in SYMBOLS {
        let mut panel = Panel::new(
            Axis::log(LAMBDA_LABEL).range(0.8, 320.0),
            Axis::linear("mean squared overlap of outliers").range(-0.02, 1.02),
        )
        .title(format!(r"${symbol}_{{11}}$, end"));
        for (carrier, words, style, cross) in [
            (Subspace::Means, r"$\Span(\mu)$", Style::measured(Colour::Blue), Marker::Cross),
            (
                Subspace::Parameters,
                r"$\Span(x)$ outside $\Span(\mu)$",
                Style::measured(Colour::Green).marker(Marker::OpenSquare).size(4.0),
                Marker::Diamond,
            ),
        ] {
            let (mut bars, mut expected) = (Vec::new(), Vec::new());
            for experiment in &followed {
                let end = experiment.schedule().last().copied().unwrap_or(0);
                let [predicted, found] = [theory, statistics].map(|table| {
                    table.of(&experiment.name, "overlap").matrix(matrix).with(carrier).step(end)
                });
                // Outliers that theory does not have are not compared with those that it has.
                let ranks: BTreeSet<Option<u32>> = predicted.iter().map(|row| row.of.rank).collect();
                let values = found.only(|row| ranks.contains(&row.of.rank));
                let per_replicate: Vec<f64> = (0..experiment.replicates)
                    .map(|replicate| values.clone().replicate(replicate))
                    .filter(|own| own.iter().next().is_some())
                    .map(|own| own.mean())
                    .collect();
                let lambda = experiment.problem.lambda();
                // Few replicates that happen to count one say nothing of a mean.
                if 2 * per_replicate.len() > experiment.replicates as usize {
                    let (middle, half) = interval(&per_replicate)?;
                    bars.push((lambda, middle, middle - half, middle + half));
                }
                if !ranks.is_empty() {
                    expected.push((lambda, predicted.mean()));
                }
            }
            panel = panel
                .error_bars(format!("with {words}: mean of {replicates}, 95 % interval"), style, bars)
                .points("predicted", Style::theory(style.colour).marker(cross).size(4.0), expected);
        }
        panel = noted(panel, (0.97, 0.5), &followed, |experiment| {
            let problem = &experiment.problem;
            format!(r"$k = {CLASSES}$, $d = {}$, $\phi = {}$", problem.d(), problem.training.phi)
        });
        figure = figure.panel(panel);
    }
    Ok(figure)
}
