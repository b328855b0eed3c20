//! Claims and figures of the stage `gmm-alignment`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Dash, Figure, Marker, Panel, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{
    Curves, Selection, Statistics, Subspace, at_start, average as mean_of, extent, mean, mean_and_range,
};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{number, percent, small};
use crate::stages::common::judged::{
    averaged, ending, extreme, from_onset, mean as average, minus, noise, smallest,
};
use crate::stages::common::judging::deficit;
use crate::stages::common::looks;
use crate::stages::common::mixture::{
    CONTRAST, EPSILON, MAIN, NO_RIDGE, OBLIQUE, UNEQUAL, classes, onset_bound,
};
use crate::stages::common::panels::{self, over_log_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::gmm_alignment::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-alignment",
    kind: StageKind::Theorem,
    on_request: false,
    title: "SGD on the Gaussian mixture aligns with the means and with the outlier eigenspaces",
    source: "src/stages/gmm_alignment/mod.rs",
    report: file!(),
    claims: &[
        "A1.error",
        "A1.error-oblique",
        "A1.error-unequal",
        "A1.onset",
        "A1.onset-time",
        "A1.floor",
        "A1.without-ridge",
        "A1.sum",
        "A1.sum-without-ridge",
        "A3.hessian",
        "A3.gradient",
        "A3.spaces",
    ],
    figures: &["gmm-alignment", "gmm-training"],
    plan,
    reduce,
    judge,
    draw,
};

/// The tables, read.
struct Read {
    rho: Statistics,
    sine: Statistics,
    statistics: Statistics,
    theory: Statistics,
}

impl Read {
    fn new(results: &Results) -> Result<Self> {
        Ok(Self {
            rho: Statistics::read(results, "alignment")?,
            sine: Statistics::column(results.table("alignment")?, "sine")?,
            statistics: Statistics::read(results, "statistics")?,
            theory: Statistics::read(results, "theory")?,
        })
    }

    /// `ρ(x^1; B)` over time.
    fn rho(&self, experiment: &str, subspace: Subspace) -> Curves {
        self.rho.in_experiment(experiment).row(0).with(subspace).curves()
    }

    /// `sin(x^a; Span μ)` over time.
    fn sine(&self, experiment: &str, row: u32) -> Curves {
        self.sine.in_experiment(experiment).row(row).with(Subspace::Means).curves()
    }

    /// `‖x^a‖` over time.
    fn norm(&self, experiment: &str, row: u32) -> Curves {
        self.statistics.of(experiment, "norm").row(row).curves()
    }

    /// `‖P_H P_G‖_F²/k` of the first block over time.
    fn overlap(&self, experiment: &str) -> Curves {
        self.statistics.of(experiment, "overlap").matrix(Matrix::Hessian).row(0).curves()
    }

    fn statistic(&self, experiment: &str, name: &str) -> Curves {
        self.statistics.of(experiment, name).curves()
    }
}

/// The predicted bound on `sin(x^c; Span μ)` times `‖x^c‖`: what is left of the start, and the floor of the step noise.
///
/// The part of `x^c` outside the span shrinks at least like `e^{-βt}` (the Hessian is positive semidefinite) and gains
/// `δ² E[e_c²] (d-k)/λ` of variance a step, with `E[e_c²] ≤ p_c(1-p_c)`, its value for a classifier that knows nothing;
/// so its norm is at most `e^{-βt}‖x_0‖ + √(c p_c(1-p_c)(1 - e^{-2βt})/(2βλ))`.
fn bound(experiment: &Experiment, row: u32, time: f64, start: f64) -> (f64, f64) {
    let problem = &experiment.problem;
    let p = problem.data.probabilities()[row as usize];
    let decay = libm::exp(-problem.training.beta * time);
    let gathered = if problem.training.beta > 0.0 {
        (1.0 - decay * decay) / (2.0 * problem.training.beta)
    } else {
        time
    };
    (decay * start, (problem.training.c * p * (1.0 - p) * gathered / problem.lambda()).sqrt())
}

/// The time from which on a curve of errors stays below its level, linear in the logarithm of their ratio between checkpoints;
/// the last time if it does not.
fn stays_below(curve: &[(f64, f64)], level: impl Fn(usize) -> f64) -> f64 {
    let over: Vec<f64> =
        curve.iter().enumerate().map(|(index, point)| libm::log(point.1 / level(index))).collect();
    let last = curve.last().map_or(f64::NAN, |point| point.0);
    match over.iter().rposition(|excess| *excess > 0.0) {
        None => 0.0,
        Some(index) if index + 1 == curve.len() => last,
        Some(index) => {
            let share = over[index] / (over[index] - over[index + 1]);
            curve[index].0 + share * (curve[index + 1].0 - curve[index].0)
        }
    }
}

/// How one row of one replicate aligns.
struct RowError {
    /// Largest ratio of error to bound from `log(1/ε)/β` on.
    worst: f64,
    /// Time from which on the error is within ε of the floor.
    onset: f64,
    /// The same if the row kept the norm of its start.
    without_growth: f64,
}

impl RowError {
    fn new(experiment: &Experiment, row: u32, sines: &[(f64, f64)], norms: &[(f64, f64)]) -> Self {
        let start = norms[0].1;
        let from = onset_bound(experiment);
        let parts = |index: usize| bound(experiment, row, sines[index].0, start);
        let ratio = |index: usize| {
            let (left, floor) = parts(index);
            sines[index].1 * norms[index].1 / (left + floor)
        };
        let late = (0..sines.len()).filter(|index| sines[*index].0 >= from).map(ratio);
        let fixed: Vec<(f64, f64)> =
            sines.iter().zip(norms).map(|(sine, norm)| (sine.0, sine.1 * norm.1 / start)).collect();
        Self {
            worst: late.fold(0.0, f64::max),
            onset: stays_below(sines, |index| EPSILON + parts(index).1 / norms[index].1),
            without_growth: stays_below(&fixed, |index| EPSILON + parts(index).1 / start),
        }
    }
}

/// Rows by replicate, and predicted ones.
type Rows = (BTreeMap<u32, Vec<RowError>>, Vec<RowError>);

/// Every row of every replicate, and of the effective dynamics.
fn errors(results: &Results, read: &Read, name: &str) -> Result<Rows> {
    let experiment = results.experiment(name)?;
    let (mut measured, mut predicted) = (BTreeMap::<u32, Vec<RowError>>::new(), Vec::new());
    for row in 0..classes(experiment) {
        let norms = read.norm(name, row);
        for (replicate, sines) in read.sine(name, row) {
            if let Some(norms) = norms.get(&replicate) {
                measured.entry(replicate).or_default().push(RowError::new(experiment, row, &sines, norms));
            }
        }
        let theory = |statistic: &str| read.theory.of(name, statistic).row(row).points();
        let (sines, norms) = (theory("sine"), theory("norm"));
        if !sines.is_empty() {
            predicted.push(RowError::new(experiment, row, &sines, &norms));
        }
    }
    Ok((measured, predicted))
}

/// The largest number over the rows of every replicate.
fn worst(errors: &BTreeMap<u32, Vec<RowError>>, of: impl Fn(&RowError) -> f64) -> Values {
    let largest = |rows: &Vec<RowError>| rows.iter().map(&of).fold(f64::NEG_INFINITY, f64::max);
    errors.iter().map(|(replicate, rows)| (*replicate, largest(rows))).collect()
}

/// The mean over rows.
fn over_rows(rows: &[RowError], of: impl Fn(&RowError) -> f64) -> f64 {
    rows.iter().map(of).sum::<f64>() / as_f64(rows.len())
}

/// What the ratio of error to bound at the end would be with a random subspace of as many dimensions.
fn random_ratio(results: &Results, read: &Read, name: &str) -> Result<Values> {
    let experiment = results.experiment(name)?;
    let mut found = Values::new();
    for row in 0..classes(experiment) {
        let norms = read.norm(name, row);
        let sines = read.sine.in_experiment(name).row(row).with(Subspace::Random);
        for (replicate, sine) in averaged(&ending(sines, experiment)) {
            let Some((first, last)) = norms.get(&replicate).and_then(|norms| norms.first().zip(norms.last()))
            else {
                continue;
            };
            let (left, floor) = bound(experiment, row, last.0, first.1);
            let ratio = found.entry(replicate).or_insert(f64::NEG_INFINITY);
            *ratio = ratio.max(sine * last.1 / (left + floor));
        }
    }
    Ok(found)
}

/// The ratio of error to bound if the error were that of the start.
fn start_ratio(results: &Results, read: &Read, name: &str) -> Result<Values> {
    let experiment = results.experiment(name)?;
    let mut found = Values::new();
    for row in 0..classes(experiment) {
        let norms = read.norm(name, row);
        for (replicate, sines) in read.sine(name, row) {
            let Some((first, last)) = norms.get(&replicate).and_then(|norms| norms.first().zip(norms.last()))
            else {
                continue;
            };
            let (left, floor) = bound(experiment, row, last.0, first.1);
            let ratio = found.entry(replicate).or_insert(f64::NEG_INFINITY);
            *ratio = ratio.max(sines[0].1 * last.1 / (left + floor));
        }
    }
    Ok(found)
}

/// The decay of the sum of the rows until the end, as the logarithm of what is left less that of `(1-δβ)^l`.
fn decay_of_sum(results: &Results, read: &Read, name: &str) -> Result<Values> {
    let experiment = results.experiment(name)?;
    let problem = &experiment.problem;
    #[allow(clippy::cast_precision_loss, reason = "a number of steps is exact in f64")]
    let law = problem.steps(experiment.horizon) as f64
        * libm::log(1.0 - problem.step_size() * problem.training.beta);
    let decay = |curve: &Vec<(f64, f64)>| {
        curve.first().zip(curve.last()).map(|(start, end)| (libm::log(end.1 / start.1) - law).abs())
    };
    let sums = read.statistic(name, "norm of the class sum");
    Ok(sums.iter().filter_map(|(replicate, curve)| Some((*replicate, decay(curve)?))).collect())
}

/// Root mean square over rows of the sine at the end with a subspace.
fn end_error(results: &Results, read: &Read, name: &str, subspace: Subspace) -> Result<Values> {
    let all = read.sine.in_experiment(name).with(subspace);
    Ok(squared(&ending(all, results.experiment(name)?)))
}

/// Root mean square of the numbers of every replicate.
fn squared(rows: &Selection) -> Values {
    let mut runs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for row in rows.iter() {
        runs.entry(row.at.replicate.unwrap_or(0)).or_default().push(row.value * row.value);
    }
    runs.into_iter().map(|(run, all)| (run, (all.iter().sum::<f64>() / as_f64(all.len())).sqrt())).collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let read = Read::new(results)?;
    let mut claims = errors_stay_below(results, &read)?;
    claims.extend(onset(results, &read)?);
    claims.extend(end_errors(results, &read)?);
    claims.extend(sums(results, &read)?);
    claims.extend(outlier_spaces(results, &read)?);
    Ok(claims)
}

fn errors_stay_below(results: &Results, read: &Read) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (name, suffix, which) in [
        (MAIN, "", "every row x^c"),
        (OBLIQUE, "-oblique", "with means that are not orthogonal every row x^c"),
        (UNEQUAL, "-unequal", "with classes that are not equally likely every row x^c"),
    ] {
        let (measured, _) = errors(results, read, name)?;
        let claim = declare(format!("A1.error{suffix}"), Kind::Bound)
            .says(format!("{which} aligns with Span(mu): from T0 = log(1/epsilon)/beta on its error stays below e^{{-beta t}}|x_0|/|x| plus the step noise of order lambda^{{-1/2}}"))
            .statistic("largest sin(x^c; Span mu) over its bound, over c and checkpoints from T0 on")
            .about([name])
            .at_most(1.0, theory("e^{-beta t}|x_0| + (c p_c (1-p_c)(1 - e^{-2 beta t})/(2 beta lambda))^{1/2}: H is positive semidefinite, and a step has at most the noise of a classifier that knows nothing"))
            .null("start", start_ratio(results, read, name)?);
        let claim = if name == MAIN {
            claim.null("random-subspace", random_ratio(results, read, name)?)
        } else {
            claim
        };
        claims.push(claim.mean(worst(&measured, |row| row.worst))?);
    }
    Ok(claims)
}

fn onset(results: &Results, read: &Read) -> Result<Vec<Claim>> {
    let main = results.experiment(MAIN)?;
    let (measured, predicted) = errors(results, read, MAIN)?;
    let foreseen = over_rows(&predicted, |row| row.onset);
    let curve = read.theory.of(MAIN, "sine").row(0).points();
    let tolerance = onset_tolerance(main, &curve, foreseen);
    let each = |of: fn(&RowError) -> f64| -> Values {
        measured.iter().map(|(replicate, rows)| (*replicate, over_rows(rows, of))).collect()
    };
    // A random subspace: the row is never aligned, so the last time stands for the onset.
    let never: Values = random_ratio(results, read, MAIN)?
        .into_iter()
        .map(|(replicate, ratio)| (replicate, if ratio > 1.0 { main.horizon } else { 0.0 }))
        .collect();
    let near = if tolerance.is_finite() { (foreseen, tolerance) } else { (0.0, 0.0) };
    let time = declare("A1.onset-time", Kind::Prediction)
            .says("rows align at the time that the effective dynamics predict, earlier than ridge alone would have it since they grow along the means meanwhile")
            .statistic("time from which on sin(x^c; Span mu) is within epsilon of the noise floor, mean over c")
            .about([MAIN])
            .near(near.0, near.1, theory("a relative error d^{-1/2} of the sine, over its predicted rate of decay at the onset"))
            .null("without-growth", each(|row| row.without_growth))
            .null("start", measured.keys().map(|replicate| (*replicate, main.horizon)).collect());
    Ok(vec![
        declare("A1.onset", Kind::Bound)
            .says(format!("all rows are aligned from a time T0 of at most log(1/epsilon)/beta on, epsilon = {EPSILON}"))
            .statistic("time from which on every sin(x^c; Span mu) is within epsilon of the noise floor, interpolated between checkpoints")
            .about([MAIN])
            .at_most(onset_bound(main), theory("what ridge leaves of the start, e^{-beta t}|x_0|/|x|, is below epsilon where |x| >= |x_0|"))
            .null("random-subspace", never)
            .mean(worst(&measured, |row| row.onset))?,
        if tolerance.is_finite() { time.mean(each(|row| row.onset))? } else { time.not_run("the effective dynamics have no onset") },
    ])
}

/// By how much the onset moves when the sine is off by its relative fluctuation `d^{-1/2}`: that over the rate at which the
/// logarithm of the predicted sine falls there.
fn onset_tolerance(experiment: &Experiment, curve: &[(f64, f64)], onset: f64) -> f64 {
    let around = curve.windows(2).find(|pair| pair[0].0 <= onset && onset < pair[1].0);
    let rate = around.map_or(f64::NAN, |pair| libm::log(pair[0].1 / pair[1].1) / (pair[1].0 - pair[0].0));
    1.0 / (rate * as_f64(experiment.problem.d()).sqrt())
}

fn end_errors(results: &Results, read: &Read) -> Result<Vec<Claim>> {
    let foreseen = |name: &str| -> Result<f64> {
        let last = results.experiment(name)?.schedule().last().copied().unwrap_or(0);
        let sines = read.theory.of(name, "sine").step(last).values();
        Ok((sines.iter().map(|sine| sine * sine).sum::<f64>() / as_f64(sines.len())).sqrt())
    };
    let relative = |values: Values, to: f64| -> Values {
        values.into_iter().map(|(replicate, value)| (replicate, value / to - 1.0)).collect()
    };
    let start =
        |name: &str| -> Values { squared(&read.sine.in_experiment(name).with(Subspace::Means).step(0)) };
    let of = |name: &str, subspace: Subspace| end_error(results, read, name, subspace);
    let (main, ridgeless) = (foreseen(MAIN)?, foreseen(NO_RIDGE)?);
    let tolerance = |name: &str| -> Result<f64> { Ok(noise(results.experiment(name)?, 1)) };
    let reason = "two standard deviations of the squared length of a row outside the span, a Gaussian vector of d components";
    let statistic = "root mean square over c of sin(x^c; Span mu) at the end, over that of the effective dynamics, minus 1";
    Ok(vec![
        declare("A1.floor", Kind::Prediction)
            .says("at the end the rows are as far from Span(mu) as the effective dynamics predict")
            .statistic(statistic)
            .about([MAIN])
            .near(0.0, tolerance(MAIN)?, theory(reason))
            .null("principal-components", relative(of(MAIN, Subspace::Components)?, main))
            .null("random-subspace", relative(of(MAIN, Subspace::Random)?, main))
            .null("start", relative(start(MAIN), main))
            .mean(relative(of(MAIN, Subspace::Means)?, main))?,
        declare("A1.without-ridge", Kind::Prediction)
            .says(format!("without ridge the rows do not come near Span(mu): their error at the end is {:.1} times that with ridge, as the effective dynamics predict", ridgeless / main))
            .statistic(statistic)
            .about([NO_RIDGE])
            .near(0.0, tolerance(NO_RIDGE)?, theory(reason))
            .null("with-ridge", relative(of(MAIN, Subspace::Means)?, ridgeless))
            .null("start", relative(start(NO_RIDGE), ridgeless))
            .mean(relative(of(NO_RIDGE, Subspace::Means)?, ridgeless))?,
    ])
}

fn sums(results: &Results, read: &Read) -> Result<Vec<Claim>> {
    let reason =
        "residuals sum to 0, so the sum of the rows obeys s <- (1 - delta beta) s; rounding alone is left";
    let statistic = "|log of the measured decay minus log of the law| at the end";
    Ok(vec![
        declare("A1.sum", Kind::Identity)
            .says("the sum of the rows decays exactly as (1 - delta beta)^l")
            .statistic(statistic)
            .about([MAIN])
            .at_most(1e-9, theory(reason))
            .no_null("an identity of the recursion")
            .mean(decay_of_sum(results, read, MAIN)?)?,
        declare("A1.sum-without-ridge", Kind::Identity)
            .says("without ridge the sum of the rows never changes, so its part outside Span(mu) stays")
            .statistic(statistic)
            .about([NO_RIDGE])
            .at_most(1e-9, theory(reason))
            .no_null("an identity of the recursion")
            .mean(decay_of_sum(results, read, NO_RIDGE)?)?,
    ])
}

/// Relative error that the predicted deficit `1 - ρ` of the worst of k classes may have: two standard deviations of the squared
/// length outside `V` of `directions` unit vectors, and the extreme of k such lengths for a single vector.
fn deficit_error(experiment: &Experiment, directions: usize) -> f64 {
    noise(experiment, directions) + 0.5 * noise(experiment, directions) * extreme(experiment.problem.rows())
}

fn outlier_spaces(results: &Results, read: &Read) -> Result<Vec<Claim>> {
    let main = results.experiment(MAIN)?;
    let k = main.problem.rows();
    let late = |table: &Statistics, name: Option<&str>, subspace: Subspace, matrix: Option<Matrix>| {
        let rows = table.in_experiment(MAIN).with(subspace);
        let rows = rows.only(|row| name.is_none_or(|name| row.statistic == name) && row.of.matrix == matrix);
        smallest(&from_onset(rows, main))
    };
    let mut claims = Vec::new();
    for (matrix, symbol) in SYMBOLS {
        let subspace = Subspace::Outliers(matrix);
        let predicted = late(&read.theory, Some("alignment"), subspace, None);
        let measured = |subspace| minus(&late(&read.rho, None, subspace, None), &predicted);
        let start = at_start(&read.rho(MAIN, subspace));
        let deficit = 1.0 - average(&predicted);
        claims.push(
            declare(format!("A3.{}", matrix.name()), Kind::Prediction)
                .says(format!("every row x^c aligns with the outlier eigenspace of {symbol}_cc as far as the effective spectrum predicts"))
                .statistic(format!("smallest rho(x^c; top-k of {symbol}_cc), over c, at T0 and at the end, minus its prediction from the run's own inner products"))
                .about([MAIN])
                .near(0.0, deficit * deficit_error(main, 1), theory("relative error of 1 - rho: two standard deviations, and the extreme of k, of a squared length in d components"))
                .null("principal-components", measured(Subspace::Components))
                .null("random-subspace", measured(Subspace::Random))
                .null("start", minus(&start, &predicted))
                .mean(measured(subspace))?,
        );
    }
    let of_gradient = Subspace::Outliers(Matrix::Gradient);
    let predicted = late(&read.theory, Some("overlap"), of_gradient, Some(Matrix::Hessian));
    let measured = |subspace, matrix| {
        minus(&late(&read.statistics, Some("overlap"), subspace, Some(matrix)), &predicted)
    };
    let start = at_start(&read.overlap(MAIN));
    let deficit = 1.0 - average(&predicted);
    claims.push(
        declare("A3.spaces", Kind::Prediction)
            .says("the outlier eigenspaces of H_cc and G_cc align with each other as far as the joint spectrum of both predicts")
            .statistic("smallest |P_H P_G|_F^2 / k over c, at T0 and at the end, minus its prediction from the run's own inner products")
            .about([MAIN])
            .near(0.0, deficit * deficit_error(main, k), theory("relative error of 1 - overlap: two standard deviations, and the extreme of k, of a squared length in k d components"))
            .null("principal-components", measured(Subspace::Components, Matrix::Gradient))
            .null("random-subspace", measured(Subspace::Random, Matrix::Gradient))
            .null("start", minus(&start, &predicted))
            .mean(measured(of_gradient, Matrix::Hessian))?,
    );
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let read = Read::new(results)?;
    Ok(vec![alignment(results, &read)?, training(results, &read)?])
}

/// Mean and range at each time of `1 - ρ` over all rows of all replicates.
fn pooled(sines: &Selection) -> Vec<(f64, f64, f64, f64)> {
    let mut times: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
    for row in sines.iter() {
        times.entry(row.at.step).or_insert((row.at.time, Vec::new())).1.push(deficit(row.value));
    }
    let range = |(time, values): (f64, Vec<f64>)| {
        let (low, high) = extent(&values);
        (time, mean_of(&values), low, high)
    };
    times.into_values().map(range).collect()
}

/// What theory says of `1 - ρ`, mean over rows: of the span of the means, or of the outlier space of a matrix.
fn expected(read: &Read, name: &str, matrix: Option<Matrix>) -> Vec<(f64, f64)> {
    match matrix {
        None => {
            let sines = read.theory.of(name, "sine").with(Subspace::Means);
            pooled(&sines).into_iter().map(|(time, mean, ..)| (time, mean)).collect()
        }
        Some(matrix) => {
            let rho = read.theory.of(name, "alignment of the limit").with(Subspace::Outliers(matrix));
            rho.points().into_iter().map(|(time, rho)| (time, 1.0 - rho)).collect()
        }
    }
}

fn alignment(results: &Results, read: &Read) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let n = main.replicates;
    let last = |points: &[(f64, f64, f64, f64)]| points.last().map_or(f64::NAN, |point| point.1);
    let end = |name: &str, subspace: Subspace| last(&pooled(&read.sine.in_experiment(name).with(subspace)));
    let three = |name: &str| {
        let all =
            [Subspace::Means, Subspace::Outliers(Matrix::Hessian), Subspace::Outliers(Matrix::Gradient)];
        let [means, hessian, gradient] = all.map(|subspace| small(end(name, subspace), 2));
        format!("{means}, {hessian} and {gradient}")
    };
    // The prediction has times of its own, those of the schedule as well.
    let apart = pooled(&read.sine.in_experiment(MAIN).with(Subspace::Means))
        .iter()
        .zip(expected(read, MAIN, None))
        .map(|(measured, predicted)| (measured.1 / predicted.1 - 1.0).abs())
        .fold(0.0, f64::max);
    let variants = [NO_RIDGE, OBLIQUE, UNEQUAL];
    let caption = Caption::new(
        "Softmax regression moves into the span of the means and the outlier eigenspaces",
        format!(
            "(a, b) 1 − ρ(x^c; B) for B = Span(μ) and the top k eigenvectors of H_cc and G_cc: lines, for H and G of replicate 0; \
             band and bars, range over classes and {n} replicates; dashed, effective dynamics and spectrum; dotted, the \
             theorem's bound. (c) The error for B = Span(μ) without ridge, with oblique means and with unequal classes. (d) \
             Overlap of the outlier spaces"
        ),
        parameters(&[main, contrast, results.experiment(NO_RIDGE)?, results.experiment(OBLIQUE)?]),
        format!(
            "Errors end at {} for Span(μ), H and G at λ = {}, and at {} at λ = {}; for Span(μ) theory is within {} at all times",
            three(MAIN),
            main.problem.lambda(),
            three(CONTRAST),
            contrast.problem.lambda(),
            percent(apart, 0)
        ),
    );
    let mut figure = Figure::new("gmm-alignment", caption, Width::Full, 2);
    for experiment in [main, contrast] {
        figure = figure.panel(deficits(read, experiment));
    }
    let mut other = over_log_time(main, Axis::log(r"$1 - \rho(x^c; \Span(\mu))$"));
    let looks = [Dash::Solid, Dash::Dashed, Dash::DashDot].map(|dash| looks::weights().dash(dash));
    for ((name, words), look) in
        variants.iter().zip(["no ridge", "oblique means", "unequal classes"]).zip(looks)
    {
        let found = pooled(&read.sine.in_experiment(name).with(Subspace::Means));
        other = other
            .band(words, look, found.iter().map(|point| (point.0, point.2, point.3)).collect())
            .line(words, look, found.iter().map(|point| (point.0, point.1)).collect())
            .line("predicted", looks::predicted(), expected(read, name, None));
    }
    let mut spaces = over_log_time(main, Axis::linear(r"overlap $\| P_H P_G\|_F^2/k$").range(0.0, 1.04));
    for (experiment, look) in [(main, looks::data()), (contrast, looks::data().darker().marker(Marker::Ring))]
    {
        let label = format!(r"$\lambda = {}$, mean and range of {n}", experiment.problem.lambda());
        spaces = spaces.error_bars(label, look, mean_and_range(&read.overlap(&experiment.name)));
    }
    let foretold = read.theory.of(MAIN, "overlap").row(0).curves();
    let cross = looks::predicted().marker(Marker::Cross).size(4.0);
    let spaces = spaces.points("predicted", cross, mean(&foretold)).legend_inside(0.28, 0.64);
    Ok(figure.panel(other.legend_inside(0.05, 0.52)).panel(spaces).axes_height(118.0))
}

/// `1 - ρ` of all rows with the three spaces, measured and predicted.
fn deficits(read: &Read, experiment: &Experiment) -> Panel {
    let name = &experiment.name;
    let spanned = pooled(&read.sine.in_experiment(name).with(Subspace::Means));
    let weights = looks::weights();
    let mut panel = over_log_time(experiment, Axis::log(r"error $1 - \rho(x^c; B)$").range(2e-4, 1.3))
        .title(format!(r"$\lambda = {}$", experiment.problem.lambda()))
        .band(
            r"$B = \Span(\mu)$: mean and range",
            weights,
            spanned.iter().map(|point| (point.0, point.2, point.3)).collect(),
        )
        .line(
            r"$B = \Span(\mu)$: mean and range",
            weights,
            spanned.iter().map(|point| (point.0, point.1)).collect(),
        );
    for (matrix, symbol) in SYMBOLS {
        let (look, subspace) = (looks::matrix(matrix), Subspace::Outliers(matrix));
        let followed = read.statistics.of(name, "alignment").with(subspace).points();
        let found = pooled(&read.sine.in_experiment(name).with(subspace));
        panel = panel
            .line(
                format!("$B$: top $k$ of ${symbol}_{{cc}}$, replicate 0"),
                look.width(if matrix == Matrix::Hessian { 0.7 } else { 1.3 }),
                followed.into_iter().map(|(time, rho)| (time, 1.0 - rho)).collect(),
            )
            .error_bars(format!("$B$: top $k$ of ${symbol}_{{cc}}$, mean and range"), look, found);
    }
    for matrix in [None, Some(Matrix::Hessian), Some(Matrix::Gradient)] {
        panel = panel.line("predicted", looks::predicted(), expected(read, name, matrix));
    }
    let norms = mean(&read.norm(name, 0));
    let bounds = norms.iter().map(|&(time, norm)| {
        let (left, floor) = bound(experiment, 0, time, norms[0].1);
        (time, deficit(((left + floor) / norm).min(1.0)))
    });
    panel.line(r"bound for $\Span(\mu)$", looks::bound(), bounds.collect())
}

fn training(results: &Results, read: &Read) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let shown = [
        ("loss", Axis::linear("test loss $L$"), looks::data()),
        ("accuracy", Axis::linear("test accuracy").range(0.0, 1.02), looks::data()),
        ("norm of the class sum", Axis::log(r"class sum $\|\Sigma_a x^a\|$"), looks::weights()),
    ];
    let [loss, accuracy, sum] = panels::training(results, &read.statistics, shown, [MAIN, CONTRAST])?;
    let start = mean(&read.statistic(MAIN, "norm of the class sum"));
    let beta = main.problem.training.beta;
    let law = start.iter().map(|&(time, _)| (time, start[0].1 * libm::exp(-beta * time))).collect();
    let sum = sum.note(0.06, 0.08, format!(r"$\beta = {beta}$"), Anchor::Left);
    let sum = sum.line(r"law $e^{-\beta t}$ from the mean start", looks::predicted().dash(Dash::Dotted), law);
    let ends = |name: &str| last_of(&mean(&read.statistic(name, "accuracy")));
    // The first time from which on the mean loss stays within a hundredth of its range of where it ends.
    let losses = mean(&read.statistic(MAIN, "loss"));
    let (low, high) = extent(&losses.iter().map(|point| point.1).collect::<Vec<_>>());
    let settled = |point: &(f64, f64)| (point.1 - last_of(&losses)).abs() > 0.01 * (high - low);
    let from =
        losses.iter().rposition(settled).and_then(|index| losses.get(index + 1)).map_or(0.0, |point| point.0);
    let caption = Caption::new(
        "Loss, accuracy and the decay of the class sum along training of softmax regression",
        format!(
            "(a) Test loss, (b) test accuracy and (c) norm of the sum Σ_a x^a of all rows over training time at two λ: marks and lines, mean; bands, range over {} replicates, mostly narrower; dotted, the law \
             e^(-βt) from the mean at the start",
            main.replicates
        ),
        parameters(&[main, contrast]),
        format!(
            "The loss at λ = {} is within 1 % of its range of its end from t = {} on, where accuracy ends at {} and, at λ = {}, at {}. \
             The sum of the rows has no part in the loss and decays as the ridge alone dictates",
            main.problem.lambda(),
            number(from, 0),
            number(ends(MAIN), 3),
            contrast.problem.lambda(),
            number(ends(CONTRAST), 3)
        ),
    );
    Ok(Figure::new("gmm-training", caption, Width::Full, 3).panel(loss).panel(accuracy).panel(sum))
}

fn last_of(points: &[(f64, f64)]) -> f64 {
    points.last().map_or(f64::NAN, |point| point.1)
}
