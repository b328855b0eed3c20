//! Figures of the stage `bbp-transition`.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Panel, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::claim::interval;
use crate::stage::rows::{Selection, Statistic, Statistics, Subspace, average};
use crate::stages::bbp_transition::{CLASSES, FOLLOWED, is_followed};
use crate::stages::common::captions::{number, percent};
use crate::stages::common::dimensions::noted;
use crate::stages::common::grid::{distinct, log_edges};
use crate::stages::common::judging::median;
use crate::stages::common::looks;
use crate::stages::common::panels::heat;
use crate::stages::common::shared::{SYMBOLS, small};
use crate::stages::common::words::{listed, parameters};
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
        format!("; means above {CLASSES}, up to {}, are bulks that reach beyond it", number(largest, 2))
    } else {
        String::new()
    }
}

/// Looks of the thresholds of the first and of the last outlier.
fn looks_of_thresholds() -> [(u32, &'static str, Style); 2] {
    [
        (1, "predicted: first outlier appears", looks::predicted()),
        (small(CLASSES), "predicted: all five have appeared", looks::predicted().dash(Dash::DashDot)),
    ]
}

/// A map of mean numbers of outliers over two logarithmic axes, each a label and the edges of cells; colours in halves.
fn numbers(axes: [(&str, &Vec<f64>); 2], values: Vec<Vec<f64>>, most: f64) -> Panel {
    let axes =
        axes.map(|(label, edges)| (Axis::log(label).range(edges[0], edges[edges.len() - 1]), edges.clone()));
    let halves = (2.0 * most).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    heat("mean number of outliers", axes, values, (halves / 2.0, Some(halves as u32)), Vec::new())
}

/// A panel with the predicted thresholds of outliers, by their rank.
fn with_thresholds(panel: Panel, curve: impl Fn(u32) -> Vec<(f64, f64)>) -> Panel {
    looks_of_thresholds()
        .into_iter()
        .fold(panel, |panel, (rank, label, style)| panel.line(label, style, curve(rank)))
}

/// How far measured thresholds are from their prediction: the median size of ln(measured/predicted) over ranks and replicates.
fn apart(statistics: &Statistics, theory: &Statistics, wanted: impl Fn(&Statistic) -> bool) -> f64 {
    let key = |row: &Statistic| (row.at.experiment.clone(), row.at.step, row.of.matrix, row.of.rank);
    let of = |table: &'_ Statistics| {
        let rows = Selection::every(table).only(|row| row.statistic == "threshold" && wanted(row));
        rows.iter().map(|row| (key(row), row.value)).collect::<Vec<_>>()
    };
    let predicted: BTreeMap<_, f64> = of(theory).into_iter().collect();
    let found = of(statistics);
    let mut sizes: Vec<f64> =
        found.iter().filter_map(|(key, value)| Some(libm::log(value / predicted.get(key)?).abs())).collect();
    median(&mut sizes)
}

/// The predicted λ of the first or of the last outlier of an experiment at a step.
fn threshold(theory: &Statistics, matrix: Matrix, rank: u32, step: impl Fn(u64) -> bool, name: &str) -> f64 {
    let rows = theory.of(name, "threshold").matrix(matrix).rank(rank).only(|row| step(row.at.step));
    rows.values().first().copied().unwrap_or(f64::NAN)
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
    let end = all.iter().filter_map(|one| one.schedule().last().copied()).max().unwrap_or(0);
    let mut figure = Figure::new(
        "bbp-transition",
        Caption::new(
            "Number of outliers over signal-to-noise ratio and sample ratio",
            format!(
                "Colour: mean over replicates of the number of eigenvalues of H_11 (a, b) and G_11 (c, d) above the level, at the start and at the end of training{}. Lines: the λ from which on theory, by the effective dynamics alone, has one outlier (dashed) and all {CLASSES} (dash-dotted), where the grid has it",
                beyond(most)
            ),
            parameters(&all),
            format!(
                "In the median over ranks and runs measured λ are {} off at the start and {} at the end; the more samples, the smaller the λ",
                percent(apart(statistics, theory, |row| row.at.step == 0), 0),
                percent(apart(statistics, theory, |row| row.at.step == end), 0)
            ),
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
    let moving: BTreeSet<&str> = followed.iter().map(|one| one.name.as_str()).collect();
    let end = followed.iter().filter_map(|one| one.schedule().last().copied()).max().unwrap_or(0);
    let moves = |matrix: Matrix, rank: u32| {
        let at = |step: u64| {
            let found =
                moving.iter().map(|name| threshold(theory, matrix, rank, |other| other == step, name));
            number(found.filter(|value| value.is_finite()).fold(f64::NAN, f64::max), 1)
        };
        format!("{} to {}", at(0), at(end))
    };
    let mut figure = Figure::new(
        "bbp-transition-in-time",
        Caption::new(
            "Number of outliers over training time and signal-to-noise ratio",
            format!(
                "Colour: mean over replicates of the number of eigenvalues of H_11 (a) and of G_11 (b) above the level, over training time and λ{}. Lines: the λ from which on theory, by the effective dynamics alone, has one outlier (dashed) and all {CLASSES} (dash-dotted)",
                beyond(most)
            ),
            parameters(&followed),
            format!(
                "Measured λ are within {} in the median. Theory moves the first outlier of H from {} and the last from {}, those of G from {} and from {}",
                percent(apart(statistics, theory, |row| moving.contains(&row.at.experiment.as_str())), 0),
                moves(Matrix::Hessian, 1),
                moves(Matrix::Hessian, small(CLASSES)),
                moves(Matrix::Gradient, 1),
                moves(Matrix::Gradient, small(CLASSES))
            ),
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

/// What the outliers of an experiment carry at the end: per replicate, mean over as many outliers as theory has, if more than
/// half of the replicates have any; and the same of theory.
fn carried(
    experiment: &Experiment,
    (statistics, theory): (&Statistics, &Statistics),
    (matrix, carrier): (Matrix, Subspace),
) -> Result<(Option<[f64; 2]>, Option<f64>)> {
    let end = experiment.schedule().last().copied().unwrap_or(0);
    let [predicted, found] = [theory, statistics]
        .map(|table| table.of(&experiment.name, "overlap").matrix(matrix).with(carrier).step(end));
    // Outliers that theory does not have are not compared with those that it has.
    let ranks: BTreeSet<Option<u32>> = predicted.iter().map(|row| row.of.rank).collect();
    let values = found.only(|row| ranks.contains(&row.of.rank));
    let per_replicate: Vec<f64> = (0..experiment.replicates)
        .map(|replicate| values.clone().replicate(replicate))
        .filter(|own| own.iter().next().is_some())
        .map(|own| own.mean())
        .collect();
    // Few replicates that happen to count one say nothing of a mean.
    let measured = if 2 * per_replicate.len() > experiment.replicates as usize {
        let (middle, half) = interval(&per_replicate)?;
        Some([middle, half])
    } else {
        None
    };
    Ok((measured, (!ranks.is_empty()).then(|| predicted.mean())))
}

/// What the outliers carry at the end, over λ.
fn carriers(results: &Results, statistics: &Statistics, theory: &Statistics) -> Result<Figure> {
    let mut followed = followed(results);
    followed.sort_by(|a, b| a.problem.lambda().total_cmp(&b.problem.lambda()));
    let replicates = followed.first().map_or(0, |experiment| experiment.replicates);
    let (mut dips, mut most, mut panels) = (Vec::new(), 0.0_f64, Vec::new());
    for (matrix, symbol) in SYMBOLS {
        let mut panel = Panel::new(
            Axis::log(LAMBDA_LABEL).range(0.8, 320.0),
            Axis::linear("mean squared overlap of outliers").range(-0.02, 1.02),
        )
        .title(format!(r"${symbol}_{{11}}$, end"));
        for (carrier, words, style) in [
            (Subspace::Means, r"$\Span(\mu)$", looks::matrix(matrix)),
            (Subspace::Parameters, r"$\Span(x)$ outside $\Span(\mu)$", looks::weights()),
        ] {
            let (mut bars, mut expected) = (Vec::new(), Vec::new());
            for experiment in &followed {
                let lambda = experiment.problem.lambda();
                let (found, foretold) = carried(experiment, (statistics, theory), (matrix, carrier))?;
                bars.extend(found.map(|[middle, half]| (lambda, middle, middle - half, middle + half)));
                expected.extend(foretold.map(|value| (lambda, value)));
            }
            if carrier == Subspace::Means {
                let falls = bars.windows(2).filter(|pair| pair[1].3 < pair[0].2);
                let at: Vec<String> = falls.map(|pair| format!("{:.0}", pair[1].0)).collect();
                let words =
                    if at.is_empty() { "never".to_owned() } else { format!("at λ = {}", listed(&at)) };
                dips.push(format!("{words} for {symbol}"));
            } else {
                most = bars.iter().map(|bar| bar.1).fold(most, f64::max);
            }
            panel = panel
                .error_bars(
                    format!("${symbol}_{{11}}$ with {words}: mean of {replicates}, 95 % interval"),
                    style,
                    bars,
                )
                .line("predicted", looks::predicted(), expected);
        }
        panels.push(noted(panel, (0.97, 0.5), &followed, |experiment| {
            let problem = &experiment.problem;
            format!(r"$k = {CLASSES}$, $d = {}$, $\phi = {}$", problem.d(), problem.training.phi)
        }));
    }
    let caption = Caption::new(
        "Outliers carry means, and next to nothing of the parameters outside their span",
        "Squared overlap of the outliers' eigenvectors of H_11 (a) and of G_11 (b) at the end, mean over as many as theory has, with the span of the means and with what that of the rows x^c adds, where most replicates have an outlier: marks, mean; bars, its 95 % interval; dashed, theory",
        parameters(&followed),
        format!(
            "The overlap with the means falls, where further outliers appear, {}, and rises elsewhere; that with the rest of the \
             rows is {} at most",
            dips.join(" and "),
            number(most, 3)
        ),
    );
    let figure = Figure::new("bbp-transition-carriers", caption, Width::Full, 2).shared_y();
    Ok(panels.into_iter().fold(figure, Figure::panel))
}
