//! A5: where outliers leave the bulk, over a grid of signal-to-noise ratios λ and sample ratios φ, and over training time.
//!
//! Every prediction follows from the limit d → ∞ of SGD alone ([`crate::theory::dynamics`]): Gram matrices at the grid's
//! times and ratios, and from each the bulk and the outliers of the block. A count takes eigenvalues above the predicted
//! edge plus four Tracy-Widom scales at the grid's d, for measured and predicted outliers alike; the curves in the figures
//! are the thresholds of that count, interpolated between Gram matrices of the grid.

use crate::ask::{Checkpoints, Question, Study};
use crate::claim::{Claim, declare};
use crate::error::Result;
use crate::experiment::{Experiment, Spacing};
use crate::measure::{At, Statistic, statistics_table};
use crate::pipeline::table::Table;
use crate::plot::{
    Anchor, Axis, Caption, Colour, ColourMap, Dash, Figure, HeatMap, Marker, Panel, Series, Style, Width,
};
use crate::spectrum::Pair;
use crate::stage::{Data, Kind, Results, Settings, Stage};
use crate::stages::grid::log_edges;
use crate::stages::limit::{Limit, limit};
use crate::stages::mixture::{FIRST_BLOCK, Predicted, experiment};
use crate::stages::shared::{MARGIN, MATRICES, Statistics, ask, at, level, number, parameters};
use crate::subspace::alignment;
use crate::task;
use crate::theory::Matrix;
use ndarray::Array2;
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "bbp-transition",
    kind: Kind::Theorem,
    title: "Where outliers leave the bulk, over signal-to-noise ratio, sample ratio and training time",
    source: file!(),
    claims: &[
        "A5.grid-hessian-start",
        "A5.grid-hessian-end",
        "A5.grid-gradient-start",
        "A5.grid-gradient-end",
        "A5.dynamical-hessian",
        "A5.dynamical-gradient",
        "A5.carriers-hessian",
        "A5.carriers-gradient",
    ],
    figures: &["bbp-transition", "bbp-transition-in-time", "bbp-transition-carriers"],
    plan,
    reduce,
    judge,
    draw,
};

/// Signal-to-noise ratios.
const LAMBDAS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Those of the quick profile.
const QUICK_LAMBDAS: [u32; 4] = [1, 6, 40, 256];
/// Sample ratios, in tenths.
const RATIOS: [u32; 5] = [5, 15, 40, 120, 360];
/// Those of the quick profile.
const QUICK_RATIOS: [u32; 2] = [5, 40];
/// The sample ratio at which transitions are followed in time, in tenths.
const FOLLOWED: u32 = 40;
/// Classes.
const CLASSES: usize = 5;
/// Eigenpairs computed, among which outliers are counted.
const COUNTED: u32 = 8;
/// Largest mean difference of measured and predicted number of outliers, out of k, over the grid, as in `gmm-snr`.
const MISCOUNT: f64 = 0.25;
/// Largest mean difference of measured and predicted squared overlap of an outlier's eigenvector with the span of the means.
const CARRIERS: f64 = 0.05;
/// Parts in which the logarithm of a grid step in λ is cut to find a threshold.
const PARTS: u32 = 16;

/// The name carries φ in tenths, since a point would end it in `--set`.
fn name(lambda: u32, ratio: u32) -> String {
    format!("gmm-bbp-lambda-{lambda}-phi-{ratio}")
}

fn plan(settings: &Settings) -> Result<Vec<Study>> {
    let ratios: &[u32] = settings.profile.pick(&RATIOS, &QUICK_RATIOS);
    let lambdas: &[u32] = settings.profile.pick(&LAMBDAS, &QUICK_LAMBDAS);
    let points = lambdas.iter().flat_map(|lambda| ratios.iter().map(move |ratio| (*lambda, *ratio)));
    points
        .map(|(lambda, ratio)| {
            let mut point = experiment(settings.profile, &name(lambda, ratio), CLASSES, f64::from(lambda));
            // Edges and outliers of a block of 150 rows are within the margin of their limits.
            point.model.d = settings.profile.pick(150, 60);
            point.model.phi = f64::from(ratio) / 10.0;
            point.horizon = settings.profile.pick(100.0, 30.0);
            point.checkpoints = 9;
            point.spacing = Spacing::Geometric;
            let checkpoints = if ratio == FOLLOWED { Checkpoints::All } else { Checkpoints::Spread(2) };
            Ok(Study::new(settings.experiment(point)?).every_replicate(
                checkpoints,
                FIRST_BLOCK,
                Question::Top(COUNTED),
            ))
        })
        .collect()
}

/// Checkpoints with spectra.
fn asked(experiment: &Experiment) -> Vec<usize> {
    let count = experiment.schedule().len();
    let followed = experiment.model.phi.to_bits() == (f64::from(FOLLOWED) / 10.0).to_bits();
    if followed { Checkpoints::All.indices(count) } else { Checkpoints::Spread(2).indices(count) }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut statistics, mut theory) = (Vec::new(), Vec::new());
    // The limit does not know φ, so one path serves all ratios of a λ.
    let mut limits: BTreeMap<u64, Limit> = BTreeMap::new();
    for experiment in data.experiments() {
        let lambda = experiment.model.lambda.to_bits();
        if let std::collections::btree_map::Entry::Vacant(entry) = limits.entry(lambda) {
            entry.insert(limit(experiment)?);
        }
        let Some(limit) = limits.get(&lambda) else { continue };
        for checkpoint in asked(experiment) {
            let levels = predict(experiment, limit, checkpoint, &mut theory)?;
            for replicate in data.finished(&experiment.name)? {
                measure(data, experiment, (replicate, checkpoint), levels, &mut statistics)?;
            }
        }
    }
    thresholds(data, &limits, &mut theory)?;
    Ok(vec![statistics_table("statistics", &statistics)?, statistics_table("theory", &theory)?])
}

/// What is foreseen of a block: its level, and of each outlier above it the squared overlaps with the span of the means and
/// with the part of the span of the parameters outside.
struct Foreseen {
    level: f64,
    carriers: Vec<[f64; 2]>,
}

fn foresee(experiment: &Experiment, gram: &Array2<f64>, matrix: Matrix) -> Result<Foreseen> {
    let predicted = Predicted::block(experiment, gram, matrix, 0, 0)?;
    let level = level(&predicted.spectrum, experiment.model.d);
    let carriers = predicted
        .spectrum
        .outliers_above()?
        .iter()
        .filter(|outlier| outlier.position > level)
        .map(|outlier| {
            let means = outlier.overlap_with_span_of_means(&predicted.law);
            [means, outlier.overlap_with_space() - means]
        })
        .collect();
    Ok(Foreseen { level, carriers })
}

/// Predicted numbers and carriers of outliers of both matrices; returns the levels above which eigenvalues count.
fn predict(
    experiment: &Experiment,
    limit: &Limit,
    checkpoint: usize,
    theory: &mut Vec<Statistic>,
) -> Result<[f64; 2]> {
    let step = experiment.schedule()[checkpoint];
    let here = At { experiment: experiment.name.clone(), replicate: None, step, time: experiment.time(step) };
    let mut levels = [0.0; 2];
    for ((matrix, of), least) in MATRICES.into_iter().zip(&mut levels) {
        let foreseen = foresee(experiment, &limit.grams[checkpoint], of)?;
        *least = foreseen.level;
        theory.push(Statistic::plain(&here, format!("level, {matrix}"), foreseen.level));
        theory.push(Statistic::plain(&here, format!("outliers, {matrix}"), number(foreseen.carriers.len())));
        for (rank, [means, parameters]) in (1..).zip(&foreseen.carriers) {
            theory.push(Statistic::of(&here, format!("carried by means, {matrix}"), rank, *means));
            theory.push(Statistic::of(&here, format!("carried by parameters, {matrix}"), rank, *parameters));
        }
    }
    Ok(levels)
}

/// Orthonormal basis of what the span of the rows adds to a space.
fn added(rows: &Array2<f64>, space: &Array2<f64>) -> Result<Array2<f64>> {
    let outside = rows - &rows.dot(space).dot(&space.t());
    crate::subspace::span(&outside.reversed_axes(), 1e-8)
}

/// Numbers and carriers of outliers of one replicate at one checkpoint.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    (replicate, checkpoint): (u32, usize),
    levels: [f64; 2],
    statistics: &mut Vec<Statistic>,
) -> Result<()> {
    let name = experiment.name.as_str();
    let trajectory = data.trajectory(name, replicate)?;
    let Some(observed) = trajectory.checkpoints.get(checkpoint) else { return Ok(()) };
    let here = at(experiment, replicate, observed);
    let space = task::build(&experiment.model).mean_space();
    let rest = added(&observed.parameters[0], &space)?;
    let pairs = data.pairs(name, replicate, ask(checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    let squared = |pair: &Pair, space: &Array2<f64>| {
        let share = alignment(pair.vector.view(), space);
        share * share
    };
    for (((matrix, _), pairs), level) in MATRICES.iter().zip(&pairs).zip(levels) {
        let counted: Vec<&Pair> = pairs.iter().filter(|pair| pair.value > level).collect();
        statistics.push(Statistic::plain(&here, format!("outliers, {matrix}"), number(counted.len())));
        for (rank, pair) in (1..).zip(counted) {
            let (means, parameters) = (squared(pair, &space), squared(pair, &rest));
            statistics.push(Statistic::of(&here, format!("carried by means, {matrix}"), rank, means));
            statistics.push(Statistic::of(
                &here,
                format!("carried by parameters, {matrix}"),
                rank,
                parameters,
            ));
        }
    }
    Ok(())
}

/// Predicted thresholds in λ of the first and of the k-th outlier, for every φ and followed time: the first λ of a fine grid,
/// on which Gram matrices are interpolated, from which on that many are counted.
fn thresholds(data: &dyn Data, limits: &BTreeMap<u64, Limit>, theory: &mut Vec<Statistic>) -> Result<()> {
    let mut grid: Vec<(f64, &Limit)> =
        limits.iter().map(|(bits, limit)| (f64::from_bits(*bits), limit)).collect();
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut seen: Vec<u64> = Vec::new();
    for experiment in data.experiments() {
        if seen.contains(&experiment.model.phi.to_bits()) {
            continue;
        }
        seen.push(experiment.model.phi.to_bits());
        for checkpoint in asked(experiment) {
            let step = experiment.schedule()[checkpoint];
            let here = At {
                experiment: experiment.name.clone(),
                replicate: None,
                step,
                time: experiment.time(step),
            };
            for (matrix, of) in MATRICES {
                for (which, wanted) in [("first", 1), ("all", CLASSES)] {
                    if let Some(lambda) = threshold(experiment, &grid, checkpoint, of, wanted)? {
                        theory.push(Statistic::plain(
                            &here,
                            format!("threshold of the {which}, {matrix}"),
                            lambda,
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The λ from which on at least this many outliers are counted, by bisection between the grid points that bracket it; none if
/// already the least λ has them, or the largest does not.
fn threshold(
    experiment: &Experiment,
    grid: &[(f64, &Limit)],
    checkpoint: usize,
    matrix: Matrix,
    wanted: usize,
) -> Result<Option<f64>> {
    let counted = |lambda: f64, gram: &Array2<f64>| -> Result<bool> {
        let mut there = experiment.clone();
        there.model.lambda = lambda;
        Ok(foresee(&there, gram, matrix)?.carriers.len() >= wanted)
    };
    let mut below: Option<(f64, &Array2<f64>)> = None;
    for (lambda, limit) in grid {
        let gram = &limit.grams[checkpoint];
        if !counted(*lambda, gram)? {
            below = Some((*lambda, gram));
            continue;
        }
        let Some((low, start)) = below else { return Ok(None) };
        let (mut from, mut to) = (0, PARTS);
        let share = |part: u32| f64::from(part) / f64::from(PARTS);
        let between = |part: u32| low * libm::pow(lambda / low, share(part));
        while to - from > 1 {
            let middle = u32::midpoint(from, to);
            let gram = start * (1.0 - share(middle)) + gram * share(middle);
            if counted(between(middle), &gram)? { to = middle } else { from = middle }
        }
        return Ok(Some(between(to)));
    }
    Ok(None)
}

/// Per replicate, the mean over experiments and checkpoints of `|measured - predicted|`, of all ranks of a statistic.
fn deviations(
    results: &Results,
    statistic: &str,
    wanted: impl Fn(&Experiment, u64) -> bool,
) -> Result<Vec<f64>> {
    let (measured, predicted) =
        (Statistics::read(results, "statistics")?, Statistics::read(results, "theory")?);
    let mut totals: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for experiment in results.experiments.values() {
        let foreseen: BTreeMap<(u64, Option<u32>), f64> = predicted
            .rows(&experiment.name, statistic)
            .map(|row| ((row.at.step, row.row), row.value))
            .collect();
        for row in measured.rows(&experiment.name, statistic).filter(|row| wanted(experiment, row.at.step)) {
            // A carrier counts where measurement and prediction both have an outlier of this rank.
            if let (Some(value), Some(replicate)) = (foreseen.get(&(row.at.step, row.row)), row.at.replicate)
            {
                totals.entry(replicate).or_default().push((row.value - value).abs());
            }
        }
    }
    Ok(totals.values().map(|values| values.iter().sum::<f64>() / number(values.len())).collect())
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let last = |experiment: &Experiment| experiment.schedule().last().copied().unwrap_or(0);
    let mut claims = Vec::new();
    for (id, matrix, symbol, start) in [
        ("A5.grid-hessian-start", "hessian", "H_11", true),
        ("A5.grid-hessian-end", "hessian", "H_11", false),
        ("A5.grid-gradient-start", "gradient", "G_11", true),
        ("A5.grid-gradient-end", "gradient", "G_11", false),
    ] {
        let when = if start { "start" } else { "end" };
        let statistic = format!("outliers, {matrix}");
        let wanted =
            |experiment: &Experiment, step: u64| if start { step == 0 } else { step == last(experiment) };
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} leave the bulk at the predicted lambda and phi, at the {when}"),
                format!("mean over the grid of |measured - predicted| number of outliers at the {when}"),
            )
            .at_most(MISCOUNT)
            .measure(&deviations(results, &statistic, wanted)?)?,
        );
    }
    for (id, matrix, symbol) in
        [("A5.dynamical-hessian", "hessian", "H_11"), ("A5.dynamical-gradient", "gradient", "G_11")]
    {
        let followed = |experiment: &Experiment, _| asked(experiment).len() > 2;
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} leave the bulk at the predicted times of training"),
                "mean over lambda and time of |measured - predicted| number of outliers",
            )
            .at_most(MISCOUNT)
            .measure(&deviations(results, &format!("outliers, {matrix}"), followed)?)?,
        );
    }
    for (id, matrix, symbol) in
        [("A5.carriers-hessian", "hessian", "H_11"), ("A5.carriers-gradient", "gradient", "G_11")]
    {
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} carry the span of the means as much as predicted"),
                "mean over the grid and ranks at the end of |measured - predicted| squared overlap with Span(mu)",
            )
            .at_most(CARRIERS)
            .measure(&deviations(
                results,
                &format!("carried by means, {matrix}"),
                |experiment, step| step == last(experiment),
            )?)?,
        );
    }
    Ok(claims)
}

fn mean<'a>(rows: impl Iterator<Item = &'a Statistic>) -> f64 {
    let values: Vec<f64> = rows.map(|row| row.value).collect();
    values.iter().sum::<f64>() / number(values.len())
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) =
        (Statistics::read(results, "statistics")?, Statistics::read(results, "theory")?);
    Ok(vec![
        grid(results, &statistics, &theory),
        in_time(results, &statistics, &theory),
        carriers(results, &statistics, &theory)?,
    ])
}

/// Looks of the two thresholds.
fn looks() -> [(&'static str, &'static str, Style); 2] {
    [
        ("first", "predicted: first outlier appears", Style::theory(Colour::Vermillion)),
        ("all", "predicted: all five have appeared", Style::theory(Colour::Purple).dash(Dash::DashDot)),
    ]
}

fn lambda_axis(edges: &[f64]) -> Axis {
    Axis::log(r"signal-to-noise ratio $\lambda$").range(edges[0], edges[edges.len() - 1])
}

fn lambdas(results: &Results) -> Vec<f64> {
    let mut all: Vec<f64> = results.experiments.values().map(|experiment| experiment.model.lambda).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Numbers of outliers over λ and φ, at the start and at the end.
fn grid(results: &Results, statistics: &Statistics, theory: &Statistics) -> Figure {
    let mut ratios: Vec<f64> = results.experiments.values().map(|experiment| experiment.model.phi).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.dedup();
    let (x_edges, y_edges) = (log_edges(&lambdas(results)), log_edges(&ratios));
    let mut figure = Figure::new(
        "bbp-transition",
        Caption::new(
            "Number of outliers over signal-to-noise ratio and sample ratio",
            format!(
"Mean over replicates (colour) of the number of eigenvalues of H_11 (a, b) and of G_11 (c, d) above the predicted edge of the bulk plus {MARGIN} Tracy-Widom scales, at the start and at the end of training. Crosses joined by lines: the λ from which on theory counts at least one outlier (dashed) and all {CLASSES} (dash-dotted), from the effective dynamics alone"),
            parameters(&results.experiments.values().collect::<Vec<_>>()),
            "Outliers appear along the predicted curves, lower in λ the more samples there are; all outliers of H appear together at the start and one by one after training, those of G far apart",
        ),
        Width::Full,
        2,
    )
    .shared_x()
    .shared_y();
    for (matrix, symbol) in [("hessian", "H"), ("gradient", "G")] {
        for (when, start) in [("start", true), ("end", false)] {
            let of = |experiment: &&Experiment, step: u64| {
                if start { step == 0 } else { Some(step) == experiment.schedule().last().copied() }
            };
            let found = |lambda: f64, ratio: f64| {
                results.experiments.values().find(|experiment| {
                    experiment.model.lambda.to_bits() == lambda.to_bits()
                        && experiment.model.phi.to_bits() == ratio.to_bits()
                })
            };
            let value = |lambda: f64, ratio: f64| {
                found(lambda, ratio).map_or(f64::NAN, |experiment| {
                    let counts = format!("outliers, {matrix}");
                    mean(
                        statistics.rows(&experiment.name, &counts).filter(|row| of(&experiment, row.at.step)),
                    )
                })
            };
            let values = ratios
                .iter()
                .map(|ratio| lambdas(results).iter().map(|lambda| value(*lambda, *ratio)).collect())
                .collect();
            let mut panel = Panel::new(
                lambda_axis(&x_edges),
                Axis::log(r"sample ratio $\phi = n/d$").range(y_edges[0], y_edges[y_edges.len() - 1]),
            )
            .title(format!(r"${symbol}_{{11}}$, {when}"))
            .series(Series::heatmap(
                "mean number of outliers",
                HeatMap {
                    x_edges: x_edges.clone(),
                    y_edges: y_edges.clone(),
                    values,
                    map: ColourMap::Viridis,
                    range: (0.0, number(CLASSES)),
                },
            ));
            for (which, label, style) in looks() {
                let statistic = format!("threshold of the {which}, {matrix}");
                let mut curve: Vec<(f64, f64)> = results
                    .experiments
                    .values()
                    .flat_map(|experiment| {
                        theory
                            .rows(&experiment.name, &statistic)
                            .filter(|row| of(&experiment, row.at.step))
                            .map(|row| (row.value, experiment.model.phi))
                            .collect::<Vec<_>>()
                    })
                    .collect();
                curve.sort_by(|a, b| a.1.total_cmp(&b.1));
                panel =
                    panel.series(Series::marked_line(label, style.marker(Marker::Cross).size(3.5), curve));
            }
            figure = figure.panel(panel);
        }
    }
    figure
}

/// Numbers of outliers over training time and λ.
fn in_time(results: &Results, statistics: &Statistics, theory: &Statistics) -> Figure {
    let followed: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| asked(experiment).len() > 2).collect();
    let times: Vec<f64> = followed.first().map_or_else(Vec::new, |experiment| {
        experiment.schedule().iter().filter(|step| **step > 0).map(|step| experiment.time(*step)).collect()
    });
    let (x_edges, y_edges) = (log_edges(&times), log_edges(&lambdas(results)));
    let mut figure = Figure::new(
        "bbp-transition-in-time",
        Caption::new(
            "Number of outliers over training time and signal-to-noise ratio",
            format!(
"Mean over replicates (colour) of the number of eigenvalues of H_11 (a) and of G_11 (b) above the predicted edge of the bulk plus {MARGIN} Tracy-Widom scales, over training time t and the signal-to-noise ratio λ. Crosses joined by lines: the λ from which on theory counts at least one outlier (dashed) and all {CLASSES} (dash-dotted) at that time"),
            parameters(&followed),
            "The thresholds move during training as predicted: that of the first outlier of H falls while that of all rises, both of G rise",
        ),
        Width::Full,
        2,
    )
    .shared_y();
    for (matrix, symbol) in [("hessian", "H"), ("gradient", "G")] {
        let counts = format!("outliers, {matrix}");
        let values = lambdas(results)
            .iter()
            .map(|lambda| {
                let there = followed.iter().find(|found| found.model.lambda.to_bits() == lambda.to_bits());
                times
                    .iter()
                    .map(|time| {
                        there.map_or(f64::NAN, |experiment| {
                            let same = |row: &&Statistic| row.at.time.to_bits() == time.to_bits();
                            mean(statistics.rows(&experiment.name, &counts).filter(same))
                        })
                    })
                    .collect()
            })
            .collect();
        let mut panel = Panel::new(
            Axis::log("training time $t$").range(x_edges[0], x_edges[x_edges.len() - 1]),
            Axis::log(r"signal-to-noise ratio $\lambda$").range(y_edges[0], y_edges[y_edges.len() - 1]),
        )
        .title(format!(r"${symbol}_{{11}}$, $\phi = {}$", f64::from(FOLLOWED) / 10.0))
        .series(Series::heatmap(
            "mean number of outliers",
            HeatMap {
                x_edges: x_edges.clone(),
                y_edges: y_edges.clone(),
                values,
                map: ColourMap::Viridis,
                range: (0.0, number(CLASSES)),
            },
        ));
        for (which, label, style) in looks() {
            let statistic = format!("threshold of the {which}, {matrix}");
            let curve = followed
                .iter()
                .flat_map(|experiment| theory.rows(&experiment.name, &statistic))
                .filter(|row| row.at.step > 0)
                .map(|row| (row.at.time, row.value))
                .collect();
            panel = panel.series(Series::marked_line(label, style.marker(Marker::Cross).size(3.5), curve));
        }
        figure = figure.panel(panel);
    }
    figure
}

/// What the outliers carry at the end, over λ.
fn carriers(results: &Results, statistics: &Statistics, theory: &Statistics) -> Result<Figure> {
    let followed: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| asked(experiment).len() > 2).collect();
    let replicates = followed.first().map_or(0, |experiment| experiment.replicates);
    let mut figure = Figure::new(
        "bbp-transition-carriers",
        Caption::new(
            "Which outliers carry means and which carry parameters",
            "Squared overlap of the eigenvectors of the outliers of H_11 (a) and of G_11 (b) at the end of training, mean over outliers, with the span of the means (discs) and with what the span of x adds to it (squares), where more than half of the replicates have an outlier: marks, mean over replicates; bars, its 95 % interval; crosses, theory",
            parameters(&followed),
            "Outliers carry the means, the more so the larger λ; they carry nothing of the parameters outside the span of the means",
        ),
        Width::Full,
        2,
    )
    .shared_y();
    for (matrix, symbol) in [("hessian", "H"), ("gradient", "G")] {
        let mut panel = Panel::new(
            Axis::log(r"signal-to-noise ratio $\lambda$").range(0.8, 320.0),
            Axis::linear("mean squared overlap of outliers").range(-0.02, 1.02),
        )
        .title(format!(r"${symbol}_{{11}}$, end"));
        for (carrier, words, style) in [
            ("means", r"$\Span(\mu)$", Style::measured(Colour::Blue)),
            (
                "parameters",
                r"$\Span(x)$ outside $\Span(\mu)$",
                Style::measured(Colour::Green).marker(Marker::OpenSquare).size(4.0),
            ),
        ] {
            let statistic = format!("carried by {carrier}, {matrix}");
            let (mut bars, mut expected) = (Vec::new(), Vec::new());
            for experiment in &followed {
                let end = experiment.schedule().last().copied();
                let values: Vec<&Statistic> = statistics
                    .rows(&experiment.name, &statistic)
                    .filter(|row| Some(row.at.step) == end)
                    .collect();
                let per_replicate: Vec<f64> = (0..experiment.replicates)
                    .filter_map(|replicate| {
                        let own = || values.iter().copied().filter(|row| row.at.replicate == Some(replicate));
                        own().next().map(|_| mean(own()))
                    })
                    .collect();
                let lambda = experiment.model.lambda;
                // Few replicates that happen to count one say nothing of a mean.
                if 2 * per_replicate.len() > experiment.replicates as usize {
                    let (middle, half) = crate::claim::interval(&per_replicate)?;
                    bars.push((lambda, middle, middle - half, middle + half));
                }
                let foreseen =
                    mean(theory.rows(&experiment.name, &statistic).filter(|row| Some(row.at.step) == end));
                if foreseen.is_finite() {
                    expected.push((lambda, foreseen));
                }
            }
            panel = panel
                .series(Series::error_bars(
                    format!("with {words}: mean of {replicates}, 95 % interval"),
                    style,
                    bars,
                ))
                .series(Series::points(
                    "predicted",
                    Style::theory(style.colour).marker(Marker::Cross).size(4.5),
                    expected,
                ));
        }
        if let Some(experiment) = followed.first() {
            let model = &experiment.model;
            let note = format!(r"$k = {CLASSES}$, $d = {}$, $\phi = {}$", model.d, model.phi);
            panel = panel.note(0.97, 0.5, note, Anchor::Right);
        }
        figure = figure.panel(panel);
    }
    Ok(figure)
}
