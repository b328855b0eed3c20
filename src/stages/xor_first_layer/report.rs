//! Claims and figures of the alignment of the first layer.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, theory};
use crate::stage::rows::{Statistics, Subspace, average, extent, last};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::judging::{all_so, folded, keyed, largest, mean, median};
use crate::stages::common::panels::{self, over_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::xor::{ALIVE, CONTRAST, MAIN, width};
use crate::stages::xor_first_layer::{plan, reduce};
use std::collections::{BTreeMap, BTreeSet};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-first-layer",
    kind: Kind::Theorem,
    on_request: false,
    title: "Every neuron of the first layer, and the top two eigenvectors of its blocks, align with the means",
    source: "src/stages/xor_first_layer/mod.rs",
    report: file!(),
    claims: &[
        "B1.weights",
        "B1.onset",
        "B1.hessian",
        "B1.every-hessian",
        "B1.own-hessian",
        "B1.outliers",
        "B1.outliers-hessian-contrast",
        "B1.gradient",
        "B1.own-gradient",
        "B1.outliers-gradient",
        "B1.outliers-gradient-contrast",
    ],
    figures: &["xor-first-layer", "xor-training"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest part of the noise share `1 - ‖P_U P_B‖_F²/2` of a block by which its overlap may differ from the prediction.
///
/// Gates leave a neuron's block about half of the sample, so the noise share of principal components of the whole sample,
/// which goes like one over the sample's size, is half as large: they differ by a half, twice this. At finite d and n the
/// noise share of two vectors in d dimensions fluctuates by a relative `√(1/d)` (0.04 at d = 600) in every block and by as
/// much again from the weights of n = 10 d samples, independently from run to run.
const QUARTER: f64 = 0.25;
/// The same for the worst of 24 blocks of a run (8 neurons at three times), whose extreme is some 2.5 times the 0.06 of one
/// block; principal components are off by 0.5 in the mean, and by more at the worst.
const WORST: f64 = 0.35;
/// Least share of runs in which every block has two outliers. An extreme eigenvalue exceeds the level of four Tracy-Widom
/// scales with probability below 10⁻³, so all 8 blocks of a run comply with probability 0.99.
const TWO: f64 = 0.6;
/// Least mean share of the blocks of a run that have two outliers in G, whose edge moves with the few largest weights of a sample, so
/// that single blocks exceed the level: four in five, where a rule that misses an outlier or takes one of the bulk for it has none.
const MOST: f64 = 0.8;
/// Largest median over the alive neurons of a run of `|ln|` of measured over predicted time of onset.
///
/// A neuron grows at the rate `κ√λ|v|` (about 1 at λ = 100) from `W·μ = O(d^{-1/2})`, and then moves at `|v|/8` until it is as
/// long along the means as across, some 8/|v| units of time. Step noise adds `N(0, |v|/(32 d κ√λ))` to a start of variance 1/d
/// (`leading::overturned`), a relative 0.2, and by way of the logarithm 0.2/|v| in time, 2 to 3 % of the onset; checkpoints
/// are a factor 1.22 apart, which interpolation between them on a line turns into some 2 %; outputs of other neurons, which
/// the leading order takes without their spread, into as much again. Neurons that noise turns around are the tail, hence medians over neurons and over runs.
const ONSET_TIME: f64 = 0.15;

/// `λ^{-1/2}`, the theorem's rate.
fn rate(experiment: &Experiment) -> f64 {
    1.0 / experiment.problem.lambda().sqrt()
}

/// The last step of an experiment.
fn last_step(experiment: &Experiment) -> u64 {
    experiment.schedule().last().copied().unwrap_or(0)
}

/// Neurons that are alive at the end.
fn alive(statistics: &Statistics, experiment: &Experiment) -> BTreeSet<(u32, u32)> {
    keyed(&statistics.of(&experiment.name, "strength").step(last_step(experiment)))
        .into_iter()
        .filter(|(_, strength)| *strength > ALIVE)
        .map(|((replicate, _, row), _)| (replicate, row))
        .collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let experiment = results.experiment(MAIN)?;
    let alive = alive(&statistics, experiment);
    let mut claims = vec![weights(results, &statistics, &alive)?, onset(&statistics, &theory, &alive)?];
    for (matrix, symbol) in SYMBOLS {
        claims.extend(spaces(&statistics, &theory, (matrix, symbol))?);
        claims.push(own(results, &theory, &alive, (matrix, symbol))?);
        for name in [MAIN, CONTRAST] {
            claims.push(counts(results.experiment(name)?, (&statistics, &theory), (matrix, symbol))?);
        }
    }
    Ok(claims)
}

/// Alive neurons against the theorem's bound with its constants.
fn weights(results: &Results, statistics: &Statistics, alive: &BTreeSet<(u32, u32)>) -> Result<Claim> {
    let experiment = results.experiment(MAIN)?;
    let (end, rate) = (last_step(experiment), rate(experiment));
    let left = keyed(&statistics.of(MAIN, "left of the start"));
    let sines = Statistics::column(results.table("alignment")?, "sine")?;
    let worst = |subspace: Subspace, step: u64| {
        let found = keyed(&sines.in_experiment(MAIN).with(subspace).step(step));
        let ratios = found.into_iter().filter(|((replicate, _, row), _)| alive.contains(&(*replicate, *row)));
        folded(
            ratios.filter_map(|((replicate, _, row), sine)| {
                Some((replicate, sine / (rate + left.get(&(replicate, end, row))?)))
            }),
            largest,
        )
    };
    declare("B1.weights", ClaimKind::Bound)
        .says("every alive neuron W_i aligns with Span(mu, nu), up to lambda^{-1/2} and what is left of its start")
        .statistic("largest sin(W_i; Span(mu, nu)) / (lambda^{-1/2} + e^{-beta T} |W_i(0)|/|W_i(T)|) over neurons with |v_i| |W_i| > 0.05 at the end")
        .about([MAIN])
        .at_most(
            1.0,
            theory("alignment up to O(epsilon + lambda^{-1/2}): the ridge leaves e^{-beta T} of the start, and step noise of variance (c/lambda) E[r^2 1_i] v_i^2 a share c/lambda of a neuron with |W_i| = |v_i|"),
        )
        .null("random-subspace", worst(Subspace::Random, end))
        .null("start", worst(Subspace::Means, 0))
        .mean(worst(Subspace::Means, end))
}

/// Times of onset against those that the leading order of the effective dynamics predicts.
fn onset(statistics: &Statistics, predictions: &Statistics, alive: &BTreeSet<(u32, u32)>) -> Result<Claim> {
    let measured = keyed(&statistics.of(MAIN, "onset"));
    let predicted = keyed(&predictions.of(MAIN, "onset"));
    let runs: BTreeSet<u32> = measured.keys().map(|key| key.0).collect();
    let next =
        |replicate: u32| runs.range(replicate + 1..).next().or(runs.first()).copied().unwrap_or(replicate);
    let apart = |of: &dyn Fn(u32) -> u32| {
        let pairs = measured.iter().filter(|((replicate, _, row), _)| alive.contains(&(*replicate, *row)));
        folded(
            pairs.filter_map(|((replicate, step, row), time)| {
                let foretold = predicted.get(&(of(*replicate), *step, *row))?;
                Some((*replicate, libm::log(time / foretold).abs()))
            }),
            median,
        )
    };
    declare("B1.onset", ClaimKind::Prediction)
        .says("alive neurons turn to Span(mu, nu) at the times that the leading order of the effective dynamics predicts from the run's own start")
        .statistic("median over alive neurons of |ln(measured/predicted)| of the time at which rho(W_i; Span(mu, nu))^2 first reaches 1/2")
        .about([MAIN])
        .predicted(0.0)
        .at_most(
            ONSET_TIME,
            theory("step noise at d = 600 makes 2 to 3 %, checkpoints a factor 1.22 apart 2 %, the spread of outputs as much again (constant ONSET_TIME)"),
        )
        .null("another-start", apart(&next))
        .median(apart(&|replicate| replicate))
}

/// The top two eigenvectors of every block against the predicted overlap with the means.
fn spaces(
    statistics: &Statistics,
    predictions: &Statistics,
    (matrix, symbol): (Matrix, &str),
) -> Result<Vec<Claim>> {
    let measured = keyed(&statistics.of(MAIN, "overlap").matrix(matrix).with(Subspace::Means));
    let predicted = keyed(&predictions.of(MAIN, "overlap").matrix(matrix).with(Subspace::Means));
    let off = |value: f64, foretold: f64| (value - foretold) / (1.0 - foretold);
    let own = || {
        let pairs = measured.iter().filter_map(|(key, value)| Some((key.0, (*value, *predicted.get(key)?))));
        pairs.map(|(replicate, (value, foretold))| (replicate, off(value, foretold)))
    };
    let null = |subspace: Subspace| {
        let null = keyed(&statistics.of(MAIN, "overlap").with(subspace));
        let of: BTreeMap<u32, f64> = null.into_iter().map(|(key, value)| (key.0, value)).collect();
        let pairs =
            predicted.iter().filter_map(move |(key, foretold)| Some((key.0, *of.get(&key.0)?, *foretold)));
        pairs.map(|(replicate, value, foretold)| (replicate, off(value, foretold))).collect::<Vec<_>>()
    };
    let size = |all: Vec<(u32, f64)>| all.into_iter().map(|(replicate, value)| (replicate, value.abs()));
    let (components, random) = (null(Subspace::Components), null(Subspace::Random));
    let mut claims = vec![
        declare(format!("B1.{}", matrix.name()), ClaimKind::Prediction)
            .says(format!("the top two eigenvectors of {symbol}_(W_i W_i) span (mu, nu) as much as predicted, on average over i at start, middle and end"))
            .statistic("mean over neurons and three times of (measured - predicted)/(1 - predicted) overlap |P_U P_B|_F^2 / 2")
            .about([MAIN])
            .near(
                0.0,
                QUARTER,
                theory("half of what tells the block from principal components, whose noise share is half as large as gates drop half of the sample"),
            )
            .null("principal-components", folded(components.clone(), mean))
            .null("random-subspace", folded(random.clone(), mean))
            .mean(folded(own(), mean))?,
    ];
    // The few samples of large weight in G make single blocks fluctuate by more than what tells them from principal components.
    if matrix == Matrix::Hessian {
        claims.push(
            declare("B1.every-hessian", ClaimKind::Prediction)
                .says("the top two eigenvectors of H_(W_i W_i) span (mu, nu) as much as predicted, for every i at start, middle and end")
                .statistic("largest |measured - predicted|/(1 - predicted) overlap |P_U P_B|_F^2 / 2 over neurons and three times")
                .about([MAIN])
                .predicted(0.0)
                .at_most(
                    WORST,
                    theory("the extreme of 24 blocks whose noise shares fluctuate by 0.06 each at d = 600, n = 6000 (constant WORST)"),
                )
                .null("principal-components", folded(size(components), largest))
                .null("random-subspace", folded(size(random), largest))
                .mean(folded(size(own().collect()), largest))?,
        );
    }
    Ok(claims)
}

/// Alive neurons against the outlier space of their own block.
fn own(
    results: &Results,
    predictions: &Statistics,
    alive: &BTreeSet<(u32, u32)>,
    (matrix, symbol): (Matrix, &str),
) -> Result<Claim> {
    let experiment = results.experiment(MAIN)?;
    let end = last_step(experiment);
    let rho = Statistics::read(results, "alignment")?;
    let of =
        |subspace: Subspace| keyed(&predictions.of(MAIN, "overlap").matrix(matrix).with(subspace).step(end));
    let (share, space) = (of(Subspace::Row), of(Subspace::Means));
    let off = |subspace: Subspace| {
        let found = keyed(&rho.in_experiment(MAIN).with(subspace).step(end));
        let found = found.into_iter().filter(|((replicate, _, row), _)| alive.contains(&(*replicate, *row)));
        folded(
            found.filter_map(|(key, rho)| {
                Some((key.0, (rho * rho - share.get(&key)?) / (1.0 - space.get(&key)?)))
            }),
            mean,
        )
    };
    declare(format!("B1.own-{}", matrix.name()), ClaimKind::Prediction)
        .says(format!("alive neurons W_i lie in the outlier eigenspace of their own block {symbol}_(W_i W_i) as much as predicted"))
        .statistic("mean over alive neurons at the end of measured - predicted rho(W_i; top two eigenvectors)^2, in units of the predicted noise share 1 - |P_U P_B|_F^2 / 2")
        .about([MAIN])
        .near(
            0.0,
            QUARTER,
            theory("half of what tells the block from principal components, whose noise share is half as large as gates drop half of the sample"),
        )
        .null("principal-components", off(Subspace::Components))
        .null("random-subspace", off(Subspace::Random))
        .mean(off(Subspace::Outliers(matrix)))
}

/// The number of outliers of every block.
fn counts(
    experiment: &Experiment,
    (statistics, predictions): (&Statistics, &Statistics),
    (matrix, symbol): (Matrix, &str),
) -> Result<Claim> {
    let (name, end) = (experiment.name.as_str(), last_step(experiment));
    let two = |statistics: &Statistics, fold: fn(&mut [f64]) -> f64| {
        let found = keyed(&statistics.of(name, "outliers").matrix(matrix).step(end));
        let found = found.into_iter();
        folded(found.map(|(key, count)| (key.0, f64::from(u8::from((count - 2.0).abs() < 0.5)))), fold)
    };
    let predicted = two(predictions, all_so);
    let short = predicted.values().filter(|value| **value < 0.5).count();
    let (suffix, lambda) = match (name, matrix) {
        (MAIN, Matrix::Hessian) => (String::new(), experiment.problem.lambda()),
        (MAIN, Matrix::Gradient) => ("-gradient".to_owned(), experiment.problem.lambda()),
        _ => (format!("-{}-contrast", matrix.name()), experiment.problem.lambda()),
    };
    let every = matrix == Matrix::Hessian;
    let (which, statistic, least, reason) = if every {
        (
            "for every i",
            "whether all blocks of a run have",
            TWO,
            "a run complies with probability 0.99 if an extreme eigenvalue exceeds four Tracy-Widom scales with 10^-3; 36 of 40 clear this bound",
        )
    } else {
        (
            "for most i",
            "share of the blocks of a run that have",
            MOST,
            "four in five: single blocks of G exceed the level where a sample has some weights much larger than the others",
        )
    };
    let claim = declare(format!("B1.outliers{suffix}"), ClaimKind::Share)
        .says(format!("{symbol}_(W_i W_i) has exactly two outliers, {which} at the end (lambda = {lambda})"))
        .statistic(format!(
            "{statistic} two eigenvalues above the predicted edge plus 4 Tracy-Widom scales at the end"
        ))
        .about([name])
        .predicted(1.0)
        .at_least(least, chosen(reason))
        .premise(
            short == 0,
            format!(
                "theory predicts fewer or more than two outliers of some block in {short} of {} runs",
                predicted.len()
            ),
        )
        .no_null("a count above a level has no subspace to replace");
    if every { claim.share(two(statistics, all_so)) } else { claim.mean(two(statistics, mean)) }
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
                    let found =
                        statistics.of(experiment, "overlap").matrix(matrix).row(neuron).with(Subspace::Means);
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
