//! Claims and figures of the alignment of the first layer.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, Subspace, average, extent, last};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::panels::{self, over_time};
use crate::stages::common::shared::{SYMBOLS, indicators};
use crate::stages::common::xor::{ALIVE, CONTRAST, MAIN, width};
use crate::stages::xor_first_layer::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-first-layer",
    kind: Kind::Theorem,
    title: "Every neuron of the first layer, and the top two eigenvectors of its blocks, align with the means",
    source: "src/stages/xor_first_layer/mod.rs",
    report: file!(),
    claims: &["B1.weights", "B1.hessian", "B1.gradient", "B1.outliers"],
    figures: &["xor-first-layer", "xor-training"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least alignment ρ of an alive neuron at the end.
const ALIGNED: f64 = 0.9;
/// Least overlap `‖P_U P_B‖_F²/2` of the top two eigenvectors with the means, for every neuron.
const SPANNED: f64 = 0.95;
/// Least share of blocks with exactly two outliers.
const TWO: f64 = 0.95;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let experiment = results.experiment(MAIN)?;
    let end = experiment.schedule().last().copied().unwrap_or(0);
    let mut claims = vec![
        declare("B1.weights")
            .says("every alive neuron W_i aligns with Span(mu, nu)")
            .statistic("smallest rho(W_i; Span(mu, nu)) over neurons with |v_i| |W_i| > 0.05 at the end")
            .at_least(ALIGNED)
            .measure(&last(&statistics.of(MAIN, "alignment of alive neurons").smallest()))?,
    ];
    for (id, (matrix, symbol)) in ["B1.hessian", "B1.gradient"].into_iter().zip(SYMBOLS) {
        let overlaps = statistics.of(MAIN, "overlap").matrix(matrix).smallest();
        let least: Vec<f64> = overlaps
            .values()
            .map(|curve| curve.iter().map(|point| point.1).fold(f64::INFINITY, f64::min))
            .collect();
        claims.push(
            declare(id)
                .says(format!("the top two eigenvectors of {symbol}_(W_i W_i) span (mu, nu), for every i at start, middle and end"))
                .statistic("smallest |P_U P_B|_F^2 / 2 over neurons, at the start, in the middle and at the end")
                .at_least(SPANNED)
                .measure(&least)?,
        );
    }
    let outliers = statistics.of(MAIN, "outliers").matrix(Matrix::Hessian).step(end);
    let shares: Vec<f64> = (0..experiment.replicates)
        .filter_map(|replicate| {
            let two =
                indicators(outliers.clone().replicate(replicate).values(), |count| (count - 2.0).abs() < 0.5);
            (!two.is_empty()).then(|| average(&two))
        })
        .collect();
    claims.push(
        declare("B1.outliers")
            .says("H_(W_i W_i) has two outliers, for every i")
            .statistic("share of neurons with two eigenvalues above the predicted edge plus 4 Tracy-Widom scales at the end")
            .at_least(TWO)
            .measure(&shares)?,
    );
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    Ok(vec![figure(results, &statistics, &theory)?, training(results, &statistics)?])
}

fn figure(results: &Results, statistics: &Statistics, theory: &Statistics) -> Result<Figure> {
    let rho = Statistics::read(results, "alignment")?;
    let sine = Statistics::column(results.table("alignment")?, "sine")?;
    let experiment = results.experiment(MAIN)?;
    let (problem, n) = (&experiment.problem, experiment.replicates);
    let neurons = width(experiment);
    let curve = |neuron: u32| -> Vec<(f64, f64)> {
        rho.in_experiment(MAIN).replicate(0).row(neuron).with(Subspace::Means).points()
    };
    let strength = |neuron: u32| -> Option<f64> {
        statistics.of(MAIN, "strength").replicate(0).row(neuron).values().last().copied()
    };
    let mut one = over_time(Axis::linear(r"alignment $\rho(W_i; \Span(\mu,\nu))$").range(0.0, 1.02))
        .title(format!(r"$K = {neurons}$, $\lambda = {}$, replicate 0", problem.lambda()));
    for neuron in 0..neurons {
        let alive = strength(neuron).is_some_and(|strength| strength > ALIVE);
        let (label, style) = if alive {
            ("alive neuron", Style::measured(Colour::Black))
        } else {
            ("dead neuron", Style::measured(Colour::Purple).dash(Dash::Dashed))
        };
        one = one.line(label, style, curve(neuron));
    }
    let mut ends = Panel::new(
        Axis::log(r"strength $|v_i| \, \| W_i\|$ at the end"),
        Axis::log(r"error $\sin(W_i; \Span(\mu,\nu))$"),
    );
    for (name, style) in styles() {
        let experiment = results.experiment(name)?;
        let end = experiment.schedule().last().copied().unwrap_or(0);
        let sines = sine.in_experiment(name).step(end).with(Subspace::Means);
        let points: Vec<(f64, f64)> = statistics
            .of(name, "strength")
            .step(end)
            .iter()
            .filter_map(|row| {
                let found = sines.iter().find(|sine| sine.at == row.at && sine.of.row == row.of.row)?;
                Some((row.value, found.value))
            })
            .collect();
        ends = ends.points(
            format!(r"$\lambda = {}$, all neurons of {n} replicates", experiment.problem.lambda()),
            style,
            points,
        );
    }
    ends = ends.series(Series::rule_vertical("alive to the right", Style::reference(), ALIVE));
    let contrast = results.experiment(CONTRAST)?;
    let caption = Caption::new(
        "Alignment of the first layer with the means",
        format!(
            "(a) Alignment ρ(W_i; Span(μ, ν)) of every neuron over training time t in replicate 0, λ = {}: black lines are \
             neurons that are alive at the end, |v_i| ‖W_i‖ > {ALIVE}, dashed purple ones are dead. (b) Error of the \
             alignment over this strength at the end, every neuron of {n} replicates at λ = {} (discs) and λ = {} (open \
             squares); neurons to the right of the dotted line count as alive. (c, d) Overlap of the top two eigenvectors of the \
             block of neuron i of H (c) and of G (d) with Span(μ, ν) at the end (marks, mean; bars, range over the \
             replicates; crosses, mean of the predictions)",
            problem.lambda(),
            problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[experiment, contrast], &[Symbol::Blocks, Symbol::Alignment, Symbol::Sine, Symbol::Overlap]),
        "Every alive neuron aligns, the stronger the better down to a floor set by λ, and so do the top two eigenvectors of \
         its blocks",
    );
    let mut figure = Figure::new("xor-first-layer", caption, Width::Full, 2).panel(one).panel(ends);
    for (matrix, symbol) in SYMBOLS {
        figure = figure.panel(overlaps(results, statistics, theory, matrix, symbol)?);
    }
    Ok(figure)
}

/// How much of the top two eigenvectors of every neuron's block lies in the span of the means, measured and predicted.
fn overlaps(
    results: &Results,
    statistics: &Statistics,
    theory: &Statistics,
    matrix: Matrix,
    symbol: &str,
) -> Result<Panel> {
    let experiment = results.experiment(MAIN)?;
    let (n, neurons) = (experiment.replicates, width(experiment));
    let label = format!("overlap of the top two\nof ${symbol}_{{W_iW_i}}$ with $\\Span(\\mu,\\nu)$");
    let mut panel = Panel::new(Axis::linear("neuron $i$").whole(), Axis::linear(label));
    for (experiment, style) in styles() {
        let lambda = results.experiment(experiment)?.problem.lambda();
        let mark = if experiment == MAIN { Marker::Cross } else { Marker::Plus };
        let at_end = |statistics: &Statistics| -> Vec<(f64, f64, f64, f64)> {
            (0..neurons)
                .filter_map(|neuron| {
                    let found = statistics.of(experiment, "overlap").matrix(matrix).row(neuron);
                    let values = last(&found.curves());
                    let (mean, (low, high)) = (average(&values), extent(&values));
                    (!values.is_empty()).then(|| (f64::from(neuron + 1), mean, low, high))
                })
                .collect()
        };
        panel = panel
            .error_bars(
                format!(r"$\lambda = {lambda}$, mean and range of {n} replicates"),
                style,
                at_end(statistics),
            )
            .points(
                "predicted (mean)",
                Style::theory(style.colour).marker(mark).size(4.0),
                at_end(theory).into_iter().map(|(x, y, ..)| (x, y)).collect(),
            );
    }
    Ok(panel)
}

fn styles() -> [(&'static str, Style); 2] {
    [
        (MAIN, Style::measured(Colour::Blue).size(2.6)),
        (CONTRAST, Style::measured(Colour::Vermillion).marker(Marker::OpenSquare).size(3.6)),
    ]
}

fn training(results: &Results, statistics: &Statistics) -> Result<Figure> {
    let n = results.experiment(MAIN)?.replicates;
    let shown = [
        ("loss", Axis::linear("test loss $L$")),
        ("accuracy", Axis::linear("test accuracy").range(0.0, 1.02)),
        ("dead neurons", Axis::linear("dead neurons").range(-0.2, 6.0).whole()),
    ];
    let [(main, discs), (contrast, squares)] = styles();
    let styles = [(main, (discs, Dash::Solid)), (contrast, (squares, Dash::Dashed))];
    let [loss, accuracy, dead] = panels::training(results, statistics, shown, &styles)?;
    let note = format!(r"of $K = {}$", width(results.experiment(MAIN)?));
    let caption = Caption::new(
        "Loss, accuracy and dead neurons along training",
        format!(
            "(a) Test loss, (b) test accuracy and (c) number of dead neurons, |v_i| ‖W_i‖ ≤ {ALIVE}, over training time t at \
             two signal-to-noise ratios λ (marks and lines, mean; bands, range over {n} replicates, with dashed sides at the \
             smaller λ)"
        ),
        setting(&[results.experiment(MAIN)?, results.experiment(CONTRAST)?], &[]),
        "Most networks classify everything; the lower ends of the bands in b are networks that miss a cluster for good",
    );
    let figure = Figure::new("xor-training", caption, Width::Full, 3).panel(loss).panel(accuracy);
    Ok(figure.panel(dead.note(0.95, 0.9, note, Anchor::Right)))
}
