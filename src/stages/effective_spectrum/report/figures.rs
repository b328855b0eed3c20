//! Figures of the stage `effective-spectrum`.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Marker, Panel, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::claim::log_slope;
use crate::stage::rows::{Statistics, Subspace, average, extent};
use crate::stages::common::captions::{number, percent};
use crate::stages::common::dimensions::{by_dimension, dimension, noted, places};
use crate::stages::common::grid::bars;
use crate::stages::common::looks;
use crate::stages::common::panels::{joined, over_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::effective_spectrum::GAP;
use crate::stages::effective_spectrum::report::compared::{Against, Compared};
use std::collections::BTreeMap;

/// A figure: its name, the task, the layer, the block in labels and in the caption, and what eigenvectors are compared with.
struct Shown {
    name: &'static str,
    task: &'static str,
    layer: Layer,
    block: &'static str,
    title: &'static str,
    with: &'static str,
}

const FIGURES: [Shown; 3] = [
    Shown {
        name: "effective-spectrum-gmm",
        task: "gmm",
        layer: Layer::X,
        block: "11",
        title: "Outliers of task A against their prediction from the effective dynamics",
        with: "Span(μ)",
    },
    Shown {
        name: "effective-spectrum-xor",
        task: "xor",
        layer: Layer::W,
        block: "W_1W_1",
        title: "Outliers of the first layer of task B against their prediction",
        with: "Span(μ, ν)",
    },
    Shown {
        name: "effective-spectrum-xor-second",
        task: "xor",
        layer: Layer::V,
        block: "vv",
        title: "Outliers of the second layer of task B against their prediction",
        with: "the predicted eigenvectors that no gap separates",
    },
];

/// The figures.
///
/// # Errors
/// Tables of another shape.
pub fn draw(results: &Results) -> Result<Vec<Figure>> {
    let compared = Compared::read(results)?;
    FIGURES.iter().map(|shown| figure(results, &compared, shown)).collect()
}

/// A level or a sum of levels: its distance from the nearest other one, relative to it, and the mean over replicates of its relative
/// deviation from the prediction, in standard errors.
#[derive(Clone, Copy, Debug)]
struct Bias {
    gap: f64,
    errors: f64,
    mean: f64,
}

/// The biases of single levels, or of sums of those that no gap separates, at the largest dimension.
fn biases(
    compared: &Compared,
    experiment: &Experiment,
    layer: Layer,
    matrix: Matrix,
    sums: bool,
) -> Vec<Bias> {
    let rows = |table: &Statistics| {
        let mut found: BTreeMap<u64, BTreeMap<u32, Vec<(u32, f64)>>> = BTreeMap::new();
        for row in table.of(&experiment.name, "outlier").layer(layer).matrix(matrix).iter() {
            let rank = found.entry(row.at.step).or_default().entry(row.of.rank.unwrap_or(0)).or_default();
            rank.push((row.at.replicate.unwrap_or(0), row.value));
        }
        found
    };
    let measured = rows(&compared.statistics);
    let mut all = Vec::new();
    for (step, ranks) in rows(&compared.theory) {
        let levels: Vec<(u32, f64)> =
            ranks.into_iter().filter_map(|(rank, values)| Some((rank, values.first()?.1))).collect();
        let mut groups: Vec<Vec<(u32, f64)>> = Vec::new();
        for level in levels {
            match groups.last_mut() {
                Some(group) if sums && group.last().is_some_and(|last| last.1 - level.1 < GAP * last.1) => {
                    group.push(level);
                }
                _ => groups.push(vec![level]),
            }
        }
        let place = |group: &[(u32, f64)]| average(&group.iter().map(|level| level.1).collect::<Vec<_>>());
        for (index, group) in groups.iter().enumerate() {
            let own = place(group);
            let others = groups.iter().enumerate().filter(|(other, _)| *other != index);
            let gap = others.map(|(_, other)| (place(other) / own - 1.0).abs()).fold(f64::INFINITY, f64::min);
            let mut totals: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
            for (rank, _) in group {
                for (replicate, value) in
                    measured.get(&step).and_then(|ranks| ranks.get(rank)).into_iter().flatten()
                {
                    let total = totals.entry(*replicate).or_default();
                    *total = (total.0 + value, total.1 + 1);
                }
            }
            let whole = totals.into_values().filter(|(_, count)| *count == group.len());
            let off: Vec<f64> = whole.map(|(total, _)| total / (own * as_f64(group.len())) - 1.0).collect();
            if off.len() < 2 || !gap.is_finite() {
                continue;
            }
            let mean = average(&off);
            let squares = off.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
            let error = (squares / as_f64(off.len() - 1) / as_f64(off.len())).sqrt();
            all.push(Bias { gap, errors: (mean / error).abs(), mean });
        }
    }
    all
}

fn figure(results: &Results, compared: &Compared, shown: &Shown) -> Result<Figure> {
    let experiments = by_dimension(results, shown.task);
    let symbol = |label: &str| {
        if shown.block.len() > 2 {
            format!("{label}_({})", shown.block)
        } else {
            format!("{label}_{}", shown.block)
        }
    };
    let last = &experiments[experiments.len().saturating_sub(1)..];
    let Some(experiment) = last.first().copied() else {
        let caption = Caption::new(shown.title, "Nothing was run", "No parameters", "Nothing is shown");
        return Ok(Figure::new(shown.name, caption, Width::Full, 2));
    };
    let deviations = bars(&places(&experiments, dimension, |one| {
        compared.sizes(one, &experiments, &[shown.layer], Against::Prediction)
    }))?;
    let worst = |sums: bool| {
        let all: Vec<Bias> = SYMBOLS
            .iter()
            .flat_map(|(matrix, _)| biases(compared, experiment, shown.layer, *matrix, sums))
            .collect();
        let of = |value: fn(&Bias) -> f64| all.iter().map(value).fold(0.0, f64::max);
        format!(
            "{} standard errors ({})",
            number(of(|bias| bias.errors), 1),
            percent(of(|bias| bias.mean.abs()), 1)
        )
    };
    let slope = log_slope(&deviations.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>());
    let edge = if shown.layer == Layer::V { "" } else { "; dotted, the predicted edge" };
    let caption = Caption::new(
        shown.title,
        format!(
            "(a, b) Outliers of {} and {} over training time and (c, d) squared overlaps of their eigenvectors with {}: marks, mean; \
             bars, range; dashed, predictions by the effective dynamics, joined{edge}. (e) Mean relative deviation of sums of levels that no gap separates, bars, 95 % interval, and (f) bias of single levels and (darker) of sums over the gap",
            symbol("H"),
            symbol("G"),
            shown.with,
        ),
        parameters(&experiments),
        format!(
            "Deviations fall with slope {}. Nearly degenerate levels repel each other: single ones are off by up to {}, sums by {}",
            number(slope, 2),
            worst(false),
            worst(true)
        ),
    );
    let mut figure = Figure::new(shown.name, caption, Width::Full, 2);
    for what in ["outlier", "overlap"] {
        for (matrix, label) in SYMBOLS {
            figure = figure.panel(in_time(compared, experiment, shown, (matrix, label), what));
        }
    }
    Ok(figure
        .panel(rate(&experiments, deviations))
        .panel(bias(compared, experiment, shown))
        .axes_height(98.0))
}

/// Outliers or their overlaps over time at the largest dimension.
fn in_time(
    compared: &Compared,
    experiment: &Experiment,
    shown: &Shown,
    (matrix, label): (Matrix, &str),
    what: &str,
) -> Panel {
    let block = format!("{label}_{{{}}}", shown.block);
    let of = |table: &Statistics, what: &str| {
        let null = |space: Option<Subspace>| matches!(space, Some(Subspace::Random | Subspace::Components));
        let found = table.of(&experiment.name, what).layer(shown.layer).matrix(matrix);
        found.only(|row| !null(row.of.subspace)).iter().cloned().collect::<Vec<_>>()
    };
    let y = if what == "outlier" {
        Axis::log(format!("eigenvalue of ${block}$"))
    } else {
        let with = if shown.layer == Layer::V { "prediction" } else { "means" };
        Axis::linear(format!("overlap with {with}, ${block}$"))
    };
    let mut places: BTreeMap<(u64, Option<u32>), (f64, Vec<f64>)> = BTreeMap::new();
    for row in of(&compared.statistics, what) {
        let place = places.entry((row.at.step, row.of.rank)).or_insert((row.at.time, Vec::new()));
        place.1.push(row.value);
    }
    let bars = places.into_values().map(|(time, values)| {
        let (low, high) = extent(&values);
        (time, average(&values), low, high)
    });
    let mut ranks: BTreeMap<Option<u32>, Vec<(f64, f64)>> = BTreeMap::new();
    for row in of(&compared.theory, what) {
        ranks.entry(row.of.rank).or_default().push((row.at.time, row.value));
    }
    let panel = over_time(y)
        .error_bars(
            format!("${block}$: mean and range of {} replicates", experiment.replicates),
            looks::matrix(matrix).size(4.6),
            bars.collect(),
        )
        .line("predicted", looks::predicted(), joined(ranks.into_values()));
    if what == "outlier" && shown.layer != Layer::V {
        let edge = of(&compared.theory, "edge").iter().map(|row| (row.at.time, row.value)).collect();
        panel.line("predicted edge of the bulk", looks::bound(), edge)
    } else {
        panel
    }
}

/// The mean size of the deviation over dimension.
fn rate(experiments: &[&Experiment], deviations: Vec<(f64, f64, f64, f64)>) -> Panel {
    let height = average(&deviations.iter().map(|bar| libm::log(bar.1 * bar.0.sqrt())).collect::<Vec<_>>());
    let law = deviations.iter().map(|bar| (bar.0, libm::exp(height) / bar.0.sqrt())).collect();
    let panel = Panel::new(Axis::log("dimension $d$"), Axis::log("mean deviation\nof sums of levels"))
        .error_bars("$H$ and $G$: mean of replicates, 95 % interval", looks::data(), deviations)
        .line(r"slope $-1/2$", looks::bound(), law);
    noted(panel, (0.97, 0.9), experiments, |one| {
        format!(r"$\lambda = {}$, $\phi = {}$", one.problem.lambda(), one.problem.training.phi)
    })
}

/// Biases over gaps.
fn bias(compared: &Compared, experiment: &Experiment, shown: &Shown) -> Panel {
    let mut panel =
        Panel::new(Axis::log("relative gap to the next level"), Axis::log("bias in standard errors"));
    for (matrix, label) in SYMBOLS {
        let look = looks::matrix(matrix);
        let points = |sums: bool| -> Vec<(f64, f64)> {
            let all = biases(compared, experiment, shown.layer, matrix, sums);
            all.into_iter().map(|bias| (bias.gap, bias.errors)).collect()
        };
        let dark =
            look.darker().marker(if matrix == Matrix::Hessian { Marker::Square } else { Marker::Triangle });
        panel = panel.points(format!("${label}$: single levels"), look, points(false)).points(
            format!("${label}$: sums of levels"),
            dark.size(2.8),
            points(true),
        );
    }
    noted(panel, (0.97, 0.9), &[experiment], |one| format!("$d = {}$", one.problem.d()))
}
