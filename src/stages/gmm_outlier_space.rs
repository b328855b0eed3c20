//! A2: the outlier eigenspaces of all blocks of the Hessian and of the gradient matrix live in the span of the means.

use crate::ask::{Checkpoints, Question, Study};
use crate::claim::{Claim, declare};
use crate::error::Result;
use crate::measure::{
    Curves, Eigenvalue, Statistic, curves, first, last, mean, range, spectrum_rows, spectrum_table, statistics_rows, statistics_table,
};
use crate::pipeline::table::Table;
use crate::plot::{Axis, Colour, ColourMap, Figure, HeatMap, Marker, Panel, Series, Style, Width};
use crate::spectrum::{Pair, leading_space};
use crate::stage::{Data, Kind, Results, Settings, Stage};
use crate::stages::mixture::{
    FIRST_BLOCK, MAIN, MATRICES, OFF_DIAGONAL, Predicted, REPLICATED, SHOWN, WIDE, ask, at, classes, experiment, gram, main, outliers,
};
use crate::subspace::overlap;
use crate::task::{self, Block, Layer};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-outlier-space",
    kind: Kind::Theorem,
    title: "The outlier eigenspaces of every block of H and G live in the span of the means",
    source: file!(),
    claims: &[
        "A2.hessian",
        "A2.gradient",
        "A2.hessian-k10",
        "A2.offdiagonal-hessian",
        "A2.offdiagonal-gradient-negative",
        "A2.offdiagonal-gradient-positive",
    ],
    figures: &["gmm-outlier-space", "gmm-off-diagonal"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least overlap `‖P_U P_B‖_F²/k` of the outlier space of a trained `H_11`; at x = 0 the theory gives about `1 - k/(φλ)`.
const INSIDE: f64 = 0.95;
/// The same for `G_11`, whose smaller outliers lie nearer to its bulk.
const INSIDE_GRADIENT: f64 = 0.8;

fn plan(settings: &Settings) -> Result<Vec<Study>> {
    let mut main = main(settings)?
        .every_replicate(Checkpoints::First, OFF_DIAGONAL, Question::Top(SHOWN))
        .every_replicate(Checkpoints::Last, OFF_DIAGONAL, Question::Top(SHOWN));
    for row in 0..classes(&main.experiment) {
        main = main.first_replicate(Checkpoints::Three, Block::diagonal(Layer::X, row), Question::Top(SHOWN));
    }
    let wide = experiment(settings, WIDE, 10, 100.0)?;
    let question = Question::Outliers(classes(&wide));
    let wide = Study::new(wide)
        .every_replicate(Checkpoints::First, FIRST_BLOCK, question)
        .every_replicate(Checkpoints::Last, FIRST_BLOCK, question);
    Ok(vec![main, wide])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut statistics, mut theory, mut spectrum) = (Vec::new(), Vec::new(), Vec::new());
    for name in [MAIN, WIDE] {
        let experiment = data.experiment(name)?;
        let task = task::build(&experiment.model);
        let space = task.mean_space();
        let k = experiment.model.task.classes();
        let count = experiment.schedule().len();
        let asked = if name == MAIN { REPLICATED.indices(count) } else { vec![0, count - 1] };
        for replicate in 0..experiment.replicates {
            let trajectory = data.trajectory(name, replicate)?;
            for &checkpoint in &asked {
                let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
                let here = at(experiment, replicate, observed);
                let pairs = data.pairs(name, replicate, outliers(experiment, checkpoint))?;
                for ((matrix, of), pairs) in MATRICES.iter().zip(&pairs) {
                    let value = overlap(&leading_space(pairs, k)?, &space);
                    statistics.push(Statistic::plain(&here, format!("overlap with Span mu, {matrix}"), value));
                    if replicate == 0 {
                        let predicted = Predicted::block(experiment, &gram(experiment, observed)?, *of, 0, 0)?;
                        let outliers = predicted.spectrum.outliers_above()?;
                        let total: f64 = outliers.iter().take(k).map(|outlier| outlier.overlap_with_span_of_means(&predicted.law)).sum();
                        #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
                        theory.push(Statistic::plain(&here, format!("overlap with Span mu, {matrix}"), total / k as f64));
                    }
                }
            }
        }
    }
    let experiment = data.experiment(MAIN)?;
    let means = task::build(&experiment.model).law().means();
    let last = experiment.schedule().len() - 1;
    for replicate in 0..experiment.replicates {
        let trajectory = data.trajectory(MAIN, replicate)?;
        for checkpoint in [0, last] {
            let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
            let here = at(experiment, replicate, observed);
            let pairs = data.pairs(MAIN, replicate, ask(checkpoint, OFF_DIAGONAL, Question::Top(SHOWN)))?;
            for ((matrix, of), pairs) in MATRICES.iter().zip(&pairs) {
                let predicted = Predicted::block(experiment, &gram(experiment, observed)?, *of, 0, 1)?;
                let (low, high) = (predicted.level_below(experiment.model.d), predicted.level(experiment.model.d));
                let count = |chosen: &dyn Fn(&Pair) -> bool| f64::from(u32::try_from(pairs.iter().filter(|pair| chosen(pair)).count()).unwrap_or(u32::MAX));
                statistics.push(Statistic::plain(&here, format!("negative outliers of block (1,2), {matrix}"), count(&|pair| pair.value < low)));
                statistics.push(Statistic::plain(&here, format!("positive outliers of block (1,2), {matrix}"), count(&|pair| pair.value > high)));
                if replicate == 0 {
                    theory.push(Statistic::plain(&here, format!("left edge of block (1,2), {matrix}"), predicted.spectrum.left_edge().position));
                    theory.push(Statistic::plain(&here, format!("right edge of block (1,2), {matrix}"), predicted.spectrum.right_edge().position));
                    for (rank, outlier) in (1..).zip(predicted.spectrum.outliers()?) {
                        theory.push(Statistic::of(&here, format!("outlier of block (1,2), {matrix}"), rank, outlier.position));
                    }
                    spectrum.extend((1..).zip(pairs).map(|(rank, pair)| Eigenvalue {
                        at: here.clone(),
                        sample: "test".to_owned(),
                        matrix: (*matrix).to_owned(),
                        layer: "x".to_owned(),
                        row: 0,
                        col: 1,
                        rank,
                        eigenvalue: pair.value,
                        residual: Some(pair.residual),
                    }));
                }
            }
        }
    }
    let trajectory = data.trajectory(MAIN, 0)?;
    if let Some(observed) = trajectory.checkpoints.get(last) {
        let here = at(experiment, 0, observed);
        for row in 0..classes(experiment) {
            let pairs = data.pairs(MAIN, 0, ask(last, Block::diagonal(Layer::X, row), Question::Top(SHOWN)))?;
            for ((matrix, _), pairs) in MATRICES.iter().zip(&pairs) {
                for (rank, pair) in (1..).zip(pairs.iter().take(means.nrows())) {
                    for (mean, direction) in (0..).zip(means.rows()) {
                        let name = format!("entry of eigenvector {rank} along a mean, {matrix}");
                        statistics.push(Statistic::between(&here, name, row, mean, pair.vector.dot(&direction)));
                    }
                }
            }
        }
    }
    Ok(vec![
        statistics_table("statistics", &statistics)?,
        statistics_table("theory", &theory)?,
        spectrum_table(&spectrum)?,
    ])
}

fn statistic(rows: &[Statistic], experiment: &str, name: &str) -> Curves {
    curves(rows.iter().filter(|row| row.at.experiment == experiment && row.statistic == name).map(|row| (&row.at, row.value)))
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let rows = statistics_rows(results.table("statistics")?)?;
    let end = |experiment: &str, name: &str| last(&statistic(&rows, experiment, name));
    let start = |name: &str| first(&statistic(&rows, MAIN, name));
    let k = f64::from(classes(results.experiment(MAIN)?));
    let space = "|P_U P_B|_F^2 / k of the top-k eigenspace and B = Span mu at the end";
    Ok(vec![
        declare("A2.hessian", "the outlier eigenspace of H_11 lives in Span(mu), k = 5", space)
            .at_least(INSIDE)
            .measure(&end(MAIN, "overlap with Span mu, hessian"))?,
        declare("A2.gradient", "the outlier eigenspace of G_11 lives in Span(mu), k = 5", space)
            .at_least(INSIDE_GRADIENT)
            .measure(&end(MAIN, "overlap with Span mu, gradient"))?,
        declare("A2.hessian-k10", "the outlier eigenspace of H_11 lives in Span(mu), k = 10", space)
            .at_least(INSIDE)
            .measure(&end(WIDE, "overlap with Span mu, hessian"))?,
        declare(
            "A2.offdiagonal-hessian",
            "H_12 is negative semidefinite with k negative outliers",
            "eigenvalues of H_12 below its predicted left edge minus 4 Tracy-Widom scales, at the end",
        )
        .between(k - 0.05, k + 0.05)
        .measure(&end(MAIN, "negative outliers of block (1,2), hessian"))?,
        declare(
            "A2.offdiagonal-gradient-negative",
            "G_12 has two negative outliers",
            "eigenvalues of G_12 below its predicted left edge minus 4 Tracy-Widom scales, at the start",
        )
        .between(1.95, 2.05)
        .measure(&start("negative outliers of block (1,2), gradient"))?,
        declare(
            "A2.offdiagonal-gradient-positive",
            "G_12 has k-2 smaller positive outliers",
            "eigenvalues of G_12 above its predicted right edge plus 4 Tracy-Widom scales, at the start",
        )
        .between(k - 2.05, k - 1.95)
        .measure(&start("positive outliers of block (1,2), gradient"))?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let rows = statistics_rows(results.table("statistics")?)?;
    let theory = statistics_rows(results.table("theory")?)?;
    let mut figure = Figure::new(
        "gmm-outlier-space",
        "The outlier eigenspaces of H and G live in the span of the means",
        "Overlap of the outlier eigenspaces with the span of the means over training time for five and ten classes, and the entries of the outlier eigenvectors of every diagonal block along the means",
        Width::Full,
        2,
    );
    for name in [MAIN, WIDE] {
        let experiment = results.experiment(name)?;
        let title = format!(r"$k = {}$, $\lambda = {}$", classes(experiment), experiment.model.lambda);
        let mut panel = Panel::new(
            Axis::linear("training time $t$"),
            Axis::linear(r"overlap $\| P_U P_{\mu}\|_F^2/k$").range(0.0, 1.02),
        )
        .title(title);
        for (matrix, label, colour) in [("hessian", "H", Colour::Blue), ("gradient", "G", Colour::Vermillion)] {
            let statistic_name = format!("overlap with Span mu, {matrix}");
            let measured = statistic(&rows, name, &statistic_name);
            let ends: Vec<_> =
                mean(&measured).into_iter().zip(range(&measured)).map(|((x, y), (_, lo, hi))| (x, y, lo, hi)).collect();
            let predicted = mean(&statistic(&theory, name, &statistic_name));
            panel = panel
                .series(Series::error_bars(
                    format!(r"${label}_{{11}}$, mean and range of {} replicates", experiment.replicates),
                    Style::measured(colour),
                    ends,
                ))
                .series(Series::line(format!(r"${label}_{{11}}$, effective spectrum"), Style::theory(colour), predicted));
        }
        figure = figure.panel(panel);
    }
    for (matrix, label) in [("hessian", "H"), ("gradient", "G")] {
        figure = figure.panel(entries(results, &rows, matrix, label)?);
    }
    Ok(vec![figure, off_diagonal(results, &theory)?])
}

/// Heat map of `⟨v_i, μ_b⟩` for the leading eigenvectors of every diagonal block.
fn entries(results: &Results, rows: &[Statistic], matrix: &str, label: &str) -> Result<Panel> {
    let k = results.experiment(MAIN)?.model.task.classes();
    let mut values = vec![vec![f64::NAN; k * k]; k];
    for rank in 1..=k {
        let name = format!("entry of eigenvector {rank} along a mean, {matrix}");
        for row in rows.iter().filter(|row| row.statistic == name) {
            if let (Some(class), Some(mean)) = (row.row, row.col) {
                values[mean as usize][class as usize * k + rank - 1] = row.value;
            }
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
    let edges = |count: usize, step: f64| (0..=count).map(|index| 0.5 + index as f64 * step).collect::<Vec<_>>();
    #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
    let map = HeatMap {
        x_edges: edges(k * k, 1.0 / k as f64),
        y_edges: edges(k, 1.0),
        values,
        map: ColourMap::Diverging,
        range: (-1.0, 1.0),
    };
    Ok(Panel::new(
        Axis::linear(format!(r"block $c$ of ${label}_{{cc}}$, in it ranks 1 to {k}")).whole(),
        Axis::linear("mean $b$").whole(),
    )
    .series(Series::heatmap(r"entry $\langle v_i, \mu_b\rangle$", map)))
}

fn off_diagonal(results: &Results, theory: &[Statistic]) -> Result<Figure> {
    let spectrum = spectrum_rows(results.table("spectrum")?)?;
    let mut figure = Figure::new(
        "gmm-off-diagonal",
        "Eigenvalues of the off-diagonal blocks",
        "Eigenvalues of largest magnitude of an off-diagonal block of H and of G at the start and at the end, with predicted edges and outliers",
        Width::Full,
        2,
    );
    let end = spectrum.iter().map(|row| row.at.step).max().unwrap_or(0);
    for (matrix, label) in [("hessian", "H"), ("gradient", "G")] {
        for (step, when) in [(0, "start"), (end, "end")] {
            let here = |row: &&Statistic| row.at.step == step;
            let named = |name: &str| -> Vec<f64> {
                let name = format!("{name} of block (1,2), {matrix}");
                theory.iter().filter(here).filter(|row| row.statistic == name).map(|row| row.value).collect()
            };
            let measured = spectrum
                .iter()
                .filter(|row| row.at.step == step && row.matrix == matrix)
                .map(|row| (f64::from(row.rank), row.eigenvalue))
                .collect();
            let mut outliers = named("outlier");
            outliers.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
            let predicted = (1..).zip(outliers).map(|(rank, value)| (f64::from(rank), value)).collect();
            let mut panel = Panel::new(
                Axis::linear("rank by magnitude").whole().range(0.4, f64::from(SHOWN) + 0.6),
                Axis::linear(format!(r"eigenvalue of ${label}_{{12}}$")),
            )
            .title(format!("{when} of training"))
            .series(Series::points("measured, replicate 1", Style::measured(Colour::Blue), measured))
            .series(Series::points("predicted outlier", Style::theory(Colour::Black).marker(Marker::Cross).size(5.0), predicted));
            for edge in ["left edge", "right edge"] {
                for value in named(edge) {
                    panel = panel.series(Series::rule_horizontal("predicted edge of the bulk", Style::reference(), value));
                }
            }
            figure = figure.panel(panel);
        }
    }
    Ok(figure)
}
