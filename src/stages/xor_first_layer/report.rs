//! Claims and figures of the alignment of the first layer.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, theory};
use crate::stage::rows::{Statistics, Subspace, average, extent, last};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{number, small};
use crate::stages::common::judging::{all_so, deficit, folded, keyed, largest, mean, median, quartiles};
use crate::stages::common::looks;
use crate::stages::common::panels::{self, over_log_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
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
    let read = Read::new(results)?;
    Ok(vec![figure(results, &read)?, training(results, &read.statistics)?])
}

/// The tables, read.
struct Read {
    sine: Statistics,
    statistics: Statistics,
    theory: Statistics,
}

impl Read {
    fn new(results: &Results) -> Result<Self> {
        let (statistics, theory) = Statistics::both(results)?;
        Ok(Self { sine: Statistics::column(results.table("alignment")?, "sine")?, statistics, theory })
    }

    /// The neurons that are alive at the end, by replicate and index.
    fn alive(&self, experiment: &Experiment) -> BTreeSet<(u32, u32)> {
        let ends = keyed(&self.statistics.of(&experiment.name, "strength").step(last_step(experiment)));
        ends.into_iter().filter(|(_, strength)| *strength > ALIVE).map(|(key, _)| (key.0, key.2)).collect()
    }

    /// Medians and quartiles over the alive neurons of all replicates of `1 - ρ`, at each time.
    fn deficits(&self, experiment: &Experiment) -> Vec<(f64, [f64; 3])> {
        let alive = self.alive(experiment);
        let mut times: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
        for row in self.sine.in_experiment(&experiment.name).with(Subspace::Means).iter() {
            let neuron = (row.at.replicate.unwrap_or(0), row.of.row.unwrap_or(0));
            if alive.contains(&neuron) {
                times.entry(row.at.step).or_insert((row.at.time, Vec::new())).1.push(deficit(row.value));
            }
        }
        times.into_values().map(|(time, values)| (time, quartiles(&values))).collect()
    }

    /// `1 - overlap` of the top two eigenvectors of all blocks with the means, measured and predicted, by time.
    fn lacking(&self, experiment: &Experiment, matrix: Matrix) -> BTreeMap<u64, (f64, Vec<[f64; 2]>)> {
        let [found, foretold] = [&self.statistics, &self.theory]
            .map(|table| table.of(&experiment.name, "overlap").matrix(matrix).with(Subspace::Means));
        let foretold = keyed(&foretold);
        let mut times: BTreeMap<u64, (f64, Vec<[f64; 2]>)> = BTreeMap::new();
        for row in found.iter() {
            let key = (row.at.replicate.unwrap_or(0), row.at.step, row.of.row.unwrap_or(0));
            if let Some(foretold) = foretold.get(&key) {
                let pair = [1.0 - row.value, 1.0 - foretold];
                times.entry(row.at.step).or_insert((row.at.time, Vec::new())).1.push(pair);
            }
        }
        times
    }

    /// How many blocks at the end have not exactly two outliers, and how many blocks there are.
    fn odd(&self, experiment: &Experiment, matrix: Matrix) -> (usize, usize) {
        let counts = self.statistics.of(&experiment.name, "outliers").matrix(matrix);
        let counts = counts.step(last_step(experiment)).values();
        (counts.iter().filter(|count| (**count - 2.0).abs() > 0.5).count(), counts.len())
    }
}

fn figure(results: &Results, read: &Read) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let n = main.replicates;
    let overlaps: Vec<f64> = read
        .lacking(contrast, Matrix::Gradient)
        .pop_last()
        .map_or_else(Vec::new, |(_, (_, pairs))| pairs.iter().map(|pair| 1.0 - pair[0]).collect());
    let odd = |experiment: &Experiment| {
        let [h, g] = Matrix::BOTH.map(|matrix| read.odd(experiment, matrix));
        format!("{} (H) and {} (G) of {}", h.0, g.0, g.1)
    };
    let ends = [main, contrast]
        .map(|experiment| small(read.deficits(experiment).last().map_or(f64::NAN, |end| end.1[1]), 2));
    let caption = Caption::new(
        "Neurons and the top eigenvectors of their blocks align with the means",
        format!(
            "(a, b) 1 − ρ(W_i; Span(μ, ν)) of neurons alive at the end of {n} replicates: line, median; band, quartiles; and 1 less the overlap of the top two eigenvectors of H_(W_iW_i) and G_(W_iW_i): marks, mean; bars, range; dashed, predicted. (c) Error over strength at the end, every neuron. (d) The share outside at the end, every block"
        ),
        parameters(&[main, contrast]),
        format!(
            "Medians end at {}. At λ = {} overlaps of G are {} on average, {} at least; {} blocks have not two outliers there, {} at λ = {}",
            ends.join(" and "),
            contrast.problem.lambda(),
            number(average(&overlaps), 3),
            number(extent(&overlaps).0, 3),
            odd(contrast),
            odd(main),
            main.problem.lambda()
        ),
    );
    let mut figure = Figure::new("xor-first-layer", caption, Width::Full, 2);
    for experiment in [main, contrast] {
        figure = figure.panel(over_training(read, experiment));
    }
    let mut strengths = Panel::new(
        Axis::log(r"strength $|v_i| \, \| W_i\|$ at the end"),
        Axis::log(r"error $\sin(W_i; \Span(\mu,\nu))$"),
    );
    let mut shares = Panel::new(Axis::log("share outside, predicted"), Axis::log("share outside, measured"));
    let mut range = (f64::INFINITY, 0.0_f64);
    for (experiment, dark) in [(main, false), (contrast, true)] {
        let shade = |style: Style| if dark { style.darker() } else { style };
        let lambda = experiment.problem.lambda();
        let end = last_step(experiment);
        let sines = keyed(&read.sine.in_experiment(&experiment.name).step(end).with(Subspace::Means));
        let found = keyed(&read.statistics.of(&experiment.name, "strength").step(end));
        let points = found.iter().filter_map(|(key, strength)| Some((*strength, *sines.get(key)?)));
        let mark = if dark { Marker::Plus } else { Marker::Ring };
        strengths = strengths.points(
            format!(r"$W_i$, $\lambda = {lambda}$"),
            shade(looks::weights()).marker(mark).size(2.4),
            points.collect(),
        );
        for (matrix, symbol) in SYMBOLS {
            let Some((_, (_, pairs))) = read.lacking(experiment, matrix).pop_last() else { continue };
            let (low, high) = extent(&pairs.iter().flatten().copied().collect::<Vec<_>>());
            range = (range.0.min(low), range.1.max(high));
            let mark = if dark { Marker::Cross } else { looks::matrix(matrix).marker };
            let mark = if dark && matrix == Matrix::Gradient { Marker::Plus } else { mark };
            shares = shares.points(
                format!(r"${symbol}_{{W_iW_i}}$, $\lambda = {lambda}$"),
                shade(looks::matrix(matrix)).marker(mark).size(2.6),
                pairs.into_iter().map(|[found, foretold]| (foretold, found)).collect(),
            );
        }
    }
    let strengths = strengths.series(Series::rule_vertical("alive to the right", Style::reference(), ALIVE));
    let shares =
        shares.line("as predicted", looks::predicted(), vec![(range.0, range.0), (range.1, range.1)]);
    Ok(figure.panel(strengths).panel(shares).axes_height(112.0))
}

/// Medians of neurons and means of blocks over training.
fn over_training(read: &Read, experiment: &Experiment) -> Panel {
    let (weights, found) = (looks::weights(), read.deficits(experiment));
    let label = r"$1 - \rho(W_i; \Span(\mu,\nu))$: median, quartiles";
    let mut panel = over_log_time(experiment, Axis::log("share outside the means"))
        .title(format!(r"$K = {}$, $\lambda = {}$", width(experiment), experiment.problem.lambda()))
        .band(label, weights, found.iter().map(|(time, [low, _, high])| (*time, *low, *high)).collect())
        .line(label, weights, found.iter().map(|(time, [_, middle, _])| (*time, *middle)).collect());
    for (matrix, symbol) in SYMBOLS {
        let times = read.lacking(experiment, matrix);
        let column =
            |pairs: &[[f64; 2]], index: usize| pairs.iter().map(|pair| pair[index]).collect::<Vec<f64>>();
        let bars = times.values().map(|(time, pairs)| {
            let values = column(pairs, 0);
            let (low, high) = extent(&values);
            (*time, average(&values), low, high)
        });
        let expected: Vec<(f64, f64)> =
            times.values().map(|(time, pairs)| (*time, average(&column(pairs, 1)))).collect();
        panel = panel.error_bars(
            format!(r"top two of ${symbol}_{{W_iW_i}}$: mean, range"),
            looks::matrix(matrix),
            bars.collect(),
        );
        panel = if expected.len() > 1 {
            panel.line("predicted (mean)", looks::predicted(), expected)
        } else {
            panel.points("predicted (mean)", looks::predicted().marker(Marker::Cross).size(4.0), expected)
        };
    }
    panel
}

fn training(results: &Results, statistics: &Statistics) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let shown = [
        ("loss", Axis::linear("test loss $L$"), looks::data()),
        ("accuracy", Axis::linear("test accuracy").range(0.0, 1.02), looks::data()),
        ("dead neurons", Axis::linear("dead neurons").range(-0.2, 6.0).whole(), looks::weights()),
    ];
    let [loss, accuracy, dead] = panels::training(results, statistics, shown, [MAIN, CONTRAST])?;
    let note = format!(r"of $K = {}$", width(main));
    let ends = |experiment: &Experiment, name: &str| last(&statistics.of(&experiment.name, name).curves());
    // A network that misses a cluster of four has an accuracy of 3/4 or less; CLASSIFIED is about single clusters.
    let missing = |experiment: &Experiment| {
        let ends = ends(experiment, "accuracy");
        format!("{} of {}", ends.iter().filter(|accuracy| **accuracy < MISSED).count(), ends.len())
    };
    let caption = Caption::new(
        "Loss, accuracy and dead neurons along training of the two-layer network",
        format!(
            "(a) Test loss, (b) test accuracy and (c) number of dead neurons, |v_i| ‖W_i‖ ≤ {ALIVE}, over training time at two \
             signal-to-noise ratios: marks and lines, mean; bands, range over {} replicates. Neurons count as dead at the start \
             where |v_i| is small",
            main.replicates
        ),
        parameters(&[main, contrast]),
        format!(
            "Networks that miss a cluster for good, with an accuracy below {MISSED}, make the lower ends of the bands in b: {} at λ = {} \
             and {} at λ = {}. On average {} and {} neurons are dead at the end",
            missing(main),
            main.problem.lambda(),
            missing(contrast),
            contrast.problem.lambda(),
            number(average(&ends(main, "dead neurons")), 2),
            number(average(&ends(contrast, "dead neurons")), 2)
        ),
    );
    let figure = Figure::new("xor-training", caption, Width::Full, 3).panel(loss).panel(accuracy);
    Ok(figure.panel(dead.note(0.95, 0.9, note, Anchor::Right)))
}

/// Accuracy below which a network misses one of four clusters.
const MISSED: f64 = 0.85;
