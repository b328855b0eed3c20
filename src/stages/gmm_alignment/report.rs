//! Claims and figures of the stage `gmm-alignment`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Curves, Selection, Statistics, Subspace, at_start, mean, mean_and_range, range};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::judged::{
    averaged, ending, extreme, from_onset, mean as average, minus, noise, smallest,
};
use crate::stages::common::mixture::{
    CONTRAST, EPSILON, MAIN, NO_RIDGE, OBLIQUE, UNEQUAL, classes, onset_bound,
};
use crate::stages::common::panels::{self, mean_and_band, over_time};
use crate::stages::common::shared::SYMBOLS;
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
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let n = main.replicates;
    let whole = format!("bars and band: range of {n} replicates");
    let caption = Caption::new(
        "Alignment of softmax regression with the means and with the outlier eigenspaces",
        format!(
            "(a, b) Alignment ρ(x^1; B) of the first row of parameters over training time t, at λ = {} and λ = {}: B \
             is the span of the means (black line, mean; grey band, range over {n} replicates), or the span of the \
             top k eigenvectors of H_11 (blue discs) or of G_11 (orange squares; marks are means, bars the range \
             over the replicates). (c) Error sin(x^1; Span μ) (marks and line, mean; bands, range) with the bound of \
             the theory (dashed, dash-dotted for the smaller λ). (d) Overlap of the outlier spaces of H_11 and of \
             G_11, which is 1 if they are the same (marks, mean; bars, range); bars shorter than their mark are \
             hidden by it",
            main.problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[main, contrast], &[Symbol::Blocks, Symbol::Alignment, Symbol::Sine, Symbol::Overlap]),
        "The row moves into the span of the means, and with it into the outlier eigenspaces, and its error stays below the \
         bound; where outliers have not left the bulk, the top k eigenvectors hold less of it, and H and G agree less",
    );
    let mut figure = Figure::new("gmm-alignment", caption, Width::Full, 2);
    for name in [MAIN, CONTRAST] {
        let lambda = results.experiment(name)?.problem.lambda();
        let rho = |subspace: Subspace| read.rho(name, subspace);
        let mut panel = over_time(Axis::linear(r"alignment $\rho(x^1; B)$").range(0.0, 1.02))
            .title(format!(r"$\lambda = {lambda}$"))
            .band(whole.clone(), Style::measured(Colour::Black), range(&rho(Subspace::Means)))
            .line(r"$B = \Span(\mu)$", Style::measured(Colour::Black), mean(&rho(Subspace::Means)));
        for (matrix, label, style) in [
            (Matrix::Hessian, r"$B$: top $k$ of $H_{11}$", Style::measured(Colour::Blue)),
            (
                Matrix::Gradient,
                r"$B$: top $k$ of $G_{11}$",
                Style::measured(Colour::Vermillion).marker(Marker::OpenSquare).size(5.0),
            ),
        ] {
            let found = rho(Subspace::Outliers(matrix));
            panel = panel.error_bars(label, style, mean_and_range(&found));
        }
        figure = figure.panel(panel);
    }
    let mut error = over_time(Axis::log(r"error $\sin(x^1; \Span\mu)$")).legend_inside(0.21, 1.03);
    let mut spaces =
        over_time(Axis::linear(r"overlap $\| P_H P_G\|_F^2/k$").range(0.0, 1.02)).legend_inside(0.3, 0.66);
    for (name, style) in styles() {
        let lambda = results.experiment(name)?.problem.lambda();
        let label = format!(r"$\lambda = {lambda}$, mean and range");
        let dash = if name == MAIN { Dash::Dashed } else { Dash::DashDot };
        let sines = read.sine(name, 0);
        let norms = mean(&read.norm(name, 0));
        let experiment = results.experiment(name)?;
        let bounds = norms
            .iter()
            .map(|&(time, norm)| {
                let (left, floor) = bound(experiment, 0, time, norms[0].1);
                (time, ((left + floor) / norm).min(1.0))
            })
            .collect();
        error = mean_and_band(error, &label, (style, Dash::Solid), &sines);
        error = error.line("bound", Style::theory(style.colour).dash(dash), bounds);
        let overlaps = read.overlap(name);
        spaces = spaces.error_bars(label, style, mean_and_range(&overlaps));
    }
    Ok(vec![figure.panel(error).panel(spaces), training(results, &read)?])
}

/// The two experiments with the look of what was measured in each; the open mark shows a filled one under it.
fn styles() -> [(&'static str, Style); 2] {
    [
        (MAIN, Style::measured(Colour::Green)),
        (CONTRAST, Style::measured(Colour::Purple).marker(Marker::OpenSquare).size(4.6)),
    ]
}

fn training(results: &Results, read: &Read) -> Result<Figure> {
    let n = results.experiment(MAIN)?.replicates;
    let shown = [
        ("loss", Axis::linear("test loss $L$")),
        ("accuracy", Axis::linear("test accuracy").range(0.0, 1.02)),
        ("norm of the class sum", Axis::log(r"class sum $\|\Sigma_a x^a\|$")),
    ];
    let styles = styles().map(|(name, style)| (name, (style, Dash::Solid)));
    let [loss, accuracy, sum] = panels::training(results, &read.statistics, shown, &styles)?;
    let start = mean(&read.statistic(MAIN, "norm of the class sum"));
    let problem = &results.experiment(MAIN)?.problem;
    let law = start
        .iter()
        .map(|&(time, _)| (time, start[0].1 * libm::exp(-problem.training.beta * time)))
        .collect();
    let sum = sum.note(0.06, 0.08, format!(r"$\beta = {}$", problem.training.beta), Anchor::Left);
    let sum = sum.line(
        r"law $e^{-\beta t}$ from the mean start",
        Style::theory(Colour::Black).dash(Dash::Dashed).width(0.9),
        law,
    );
    let caption = Caption::new(
        "Loss, accuracy and the decay of the class sum along training",
        format!(
            "(a) Test loss, (b) test accuracy and (c) norm of the sum Σ_a x^a of all rows over training time t, at two \
             signal-to-noise ratios λ (marks and lines, mean; bands, range over {n} replicates, mostly narrower than the \
             lines); dashed, the law e^(-βt) from the mean at the start"
        ),
        setting(&[results.experiment(MAIN)?, results.experiment(CONTRAST)?], &[]),
        "The classifier settles long before the end; the sum of the rows has no part in the loss and decays as the ridge \
         alone dictates",
    );
    Ok(Figure::new("gmm-training", caption, Width::Full, 3).panel(loss).panel(accuracy).panel(sum))
}
