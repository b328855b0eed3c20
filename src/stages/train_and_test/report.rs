//! Claims and figures about training samples.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, declare, interval, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::small;
use crate::stages::common::judged::{combined, minus};
use crate::stages::common::judging::{folded, mapped, mean};
use crate::stages::common::looks::{self, data, predicted};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::train_and_test::{CLASSES, SNR, WINDOWS, XOR, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "train-and-test",
    kind: Kind::Theorem,
    on_request: false,
    title: "Matrices on the samples of SGD itself beside those on fresh ones, with the predicted gap",
    source: "src/stages/train_and_test/mod.rs",
    report: file!(),
    claims: &[
        "C1.shift",
        "C1.loss",
        "C1.hessian-outliers",
        "C1.hessian-edge",
        "C1.gradient-outliers",
        "C1.gradient-edge",
        "C1.loss-window",
        "C1.gradient-window",
        "C1.age",
        "C1.forgotten",
        "C1.weak",
        "C1.hessian-space",
        "C1.gradient-space",
        "C1.loss-xor",
        "C1.hessian-xor",
        "C1.gradient-xor",
    ],
    figures: &["train-and-test", "train-and-test-windows", "train-and-test-xor"],
    plan,
    reduce,
    judge,
    draw,
};

/// Standard errors of a mean over replicates that a bound leaves.
const ERRORS: f64 = 7.0;

/// How a statistic of one sample of n points scatters, in units of `n^{-1/2}`: the mean loss, and logarithms of the outliers and
/// edges of H and G. Upper ends of what trial seeds give at the smallest λ of each task; the scatter of the loss and of the weights of single points, of which
/// these are means, is in the tables beside, and outliers of a few neurons scatter more than their weights.
struct Scatter {
    loss: f64,
    weights: [f64; 2],
}

const MIXTURE: Scatter = Scatter { loss: 0.55, weights: [0.35, 1.0] };
const NETWORK: Scatter = Scatter { loss: 0.25, weights: [0.95, 2.8] };

/// `7 √(2/(n R))`: the gap is the difference of two independent samples of n points, averaged over R replicates.
fn margin(one: &Experiment, part: f64) -> f64 {
    let n = one.problem.training.phi * as_f64(one.problem.d()) * part;
    ERRORS * (2.0 / (n * f64::from(one.replicates))).sqrt()
}

/// Measured and predicted numbers of the stage.
struct Numbers {
    measured: Statistics,
    predicted: Statistics,
}

/// The mean, for each replicate, of the numbers of a selection.
fn averaged(selection: &Selection<'_>) -> Values {
    let all = selection.iter().filter_map(|row| Some((row.at.replicate?, row.value)));
    folded(all.collect::<Vec<_>>(), |values| average(values))
}

impl Numbers {
    fn read(results: &Results) -> Result<Self> {
        let (measured, predicted) = Statistics::both(results)?;
        Ok(Self { measured, predicted })
    }

    fn loss(&self, name: &str) -> [Values; 2] {
        [&self.measured, &self.predicted].map(|table| averaged(&table.of(name, "gap of the loss")))
    }

    /// The gap of the logarithm of eigenvalues, mean over these ranks.
    fn eigenvalues(&self, name: &str, matrix: Matrix, (from, to): (u32, u32)) -> [Values; 2] {
        [&self.measured, &self.predicted].map(|table| {
            let all = table.of(name, "gap of an eigenvalue").matrix(matrix);
            averaged(&all.only(|row| row.of.rank.is_some_and(|rank| (from..=to).contains(&rank))))
        })
    }

    fn told(&self, name: &str, statistic: &str) -> Values {
        averaged(&self.measured.of(name, statistic))
    }

    fn of_matrix(&self, name: &str, statistic: &str, matrix: Matrix) -> Values {
        averaged(&self.measured.of(name, statistic).matrix(matrix))
    }
}

/// Members of a family, in the order of their place on its axis.
fn members<'a>(results: &'a Results, family: &str) -> Vec<(f64, &'a Experiment)> {
    let place = |one: &'a Experiment| {
        let member = one.member.as_ref().filter(|member| member.family == family)?;
        Some((member.place.first()?.1, one))
    };
    let mut all: Vec<_> = results.all().into_iter().filter_map(place).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// The member of a family with the least or the largest place on its axis.
fn end<'a>(results: &'a Results, family: &str, largest: bool) -> Result<&'a Experiment> {
    let all = members(results, family);
    let found = if largest { all.last() } else { all.first() };
    found.map_or_else(|| results.experiment(family), |one| Ok(one.1))
}

/// A gap that is predicted: the difference from the prediction, replicate by replicate.
struct Predicted<'a> {
    id: &'a str,
    says: String,
    gap: &'a str,
    one: &'a Experiment,
    values: [Values; 2],
    scatter: f64,
}

impl Predicted<'_> {
    fn judged(self, first: Option<Values>) -> Result<Claim> {
        let Self { id, says, gap, one, values: [measured, predicted], scatter } = self;
        let claim = declare(id, ClaimKind::Prediction)
            .says(says)
            .statistic(format!("{gap} of the last n samples minus that of fresh ones, minus the same of fresh ones shifted as derived"))
            .about([one.name.clone()])
            .near(
                0.0,
                margin(one, 1.0) * scatter,
                theory(format!("theory::own_samples is exact up to the share (1 + k/lambda)/(1 + d/lambda) of the gap; two samples of n points differ by {ERRORS} (2/(n R))^(1/2) times the scatter {scatter} of a point, in {ERRORS} standard errors of R replicates")),
            )
            .null("no-gap", measured.clone());
        let claim = match first {
            Some(first) => claim.null("first-samples", minus(&first, &predicted)),
            None => claim,
        };
        claim.mean(minus(&measured, &predicted))
    }
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let numbers = &Numbers::read(results)?;
    let weak = end(results, SNR, false)?;
    let clear = end(results, SNR, true)?;
    let long = end(results, WINDOWS, true)?;
    let k = u32::try_from(CLASSES).unwrap_or(u32::MAX);
    let mut claims = vec![shift(results, numbers)?];
    claims.push(
        Predicted {
            id: "C1.loss",
            says: format!("at lambda = {} the loss of the last n training samples is lower than that of fresh ones by what their own shift makes", weak.problem.lambda()),
            gap: "mean loss",
            one: weak,
            values: numbers.loss(&weak.name),
            scatter: MIXTURE.loss,
        }
        .judged(Some(numbers.told(&weak.name, "gap of the loss of the first")))?,
    );
    for ((matrix, symbol), scatter) in SYMBOLS.into_iter().zip(MIXTURE.weights) {
        for (suffix, ranks, what, lies) in
            [("outliers", (1, k), "outliers", "lie"), ("edge", (k + 1, k + 1), "edge of the bulk", "lies")]
        {
            claims.push(
                Predicted {
                    id: &format!("C1.{}-{suffix}", matrix.name()),
                    says: format!("at lambda = {} the {what} of {symbol} on the last n training samples {lies} lower than on fresh ones by what the own shift of the samples makes of its weights", weak.problem.lambda()),
                    gap: &format!("mean logarithm of the {what} of the diagonal blocks of {symbol}"),
                    one: weak,
                    values: numbers.eigenvalues(&weak.name, matrix, ranks),
                    scatter,
                }
                .judged(None)?,
            );
        }
    }
    claims.push(
        Predicted {
            id: "C1.loss-window",
            says: format!("so it is over the last {} units of time", long.problem.training.phi),
            gap: "mean loss",
            one: long,
            values: numbers.loss(&long.name),
            scatter: MIXTURE.loss,
        }
        .judged(Some(numbers.told(&long.name, "gap of the loss of the first")))?,
    );
    claims.push(
        Predicted {
            id: "C1.gradient-window",
            says: format!(
                "so it is for the outliers of G over the last {} units of time",
                long.problem.training.phi
            ),
            gap: "mean logarithm of the outliers of the diagonal blocks of G",
            one: long,
            values: numbers.eigenvalues(&long.name, Matrix::Gradient, (1, k)),
            scatter: MIXTURE.weights[1],
        }
        .judged(None)?,
    );
    claims.push(age(long, numbers)?);
    claims.push(forgotten(weak, numbers)?);
    claims.push(no_gap(clear, weak, numbers, k)?);
    for (matrix, symbol) in SYMBOLS {
        claims.push(space(clear, numbers, (matrix, symbol))?);
    }
    let xor = end(results, XOR, false)?;
    claims.push(
        Predicted {
            id: "C1.loss-xor",
            says: format!("in the XOR network at lambda = {} too, the loss of the last n training samples is lower than that of fresh ones by what their own shift makes", xor.problem.lambda()),
            gap: "mean loss",
            one: xor,
            values: numbers.loss(&xor.name),
            scatter: NETWORK.loss,
        }
        .judged(Some(numbers.told(&xor.name, "gap of the loss of the first")))?,
    );
    for ((matrix, symbol), scatter) in SYMBOLS.into_iter().zip(NETWORK.weights) {
        claims.push(
            Predicted {
                id: &format!("C1.{}-xor", matrix.name()),
                says: format!("in the XOR network at lambda = {} too, the outliers of the neurons' blocks of {symbol} on the last n training samples lie lower by what the own shift of the samples makes of their weights", xor.problem.lambda()),
                gap: &format!("mean logarithm of the two outliers of {symbol}, each a mean over the neurons' blocks"),
                one: xor,
                values: numbers.eigenvalues(&xor.name, matrix, (1, 2)),
                scatter,
            }
            .judged(None)?,
        );
    }
    Ok(claims)
}

/// Slope of measured on derived shifts.
fn shift(results: &Results, numbers: &Numbers) -> Result<Claim> {
    let one = end(results, SNR, false)?;
    let share = crate::theory::own_samples::share_in_span(
        as_f64(CLASSES),
        as_f64(one.problem.d()),
        one.problem.lambda(),
    );
    // A shift is that of a path of n steps at most whose curvature fluctuates; a run has 16 samples that are left out.
    let scatter = ERRORS / (as_f64(one.problem.d()) * 16.0 * f64::from(one.replicates)).sqrt();
    declare("C1.shift", ClaimKind::Prediction)
        .says("SGD has moved the logits of each of its own samples by -(c |Y|^2/d) expm(-(beta + E[diag pi - pi pi^T]/lambda) tau)(pi - y), a time tau after its step")
        .statistic(format!("slope, through the origin, of the measured on the derived shift of the logits of 16 of the last n samples, each left out of training once; lambda = {}", one.problem.lambda()))
        .about([one.name.clone()])
        .near(1.0, share + scatter, theory("the part of a sample in the span of means and rows, a share (1 + k/lambda)/(1 + d/lambda) of its squared length, is forgotten faster; fluctuations of relative size d^(-1/2) in each of 16 samples a run"))
        .null("noise-and-ridge", numbers.told(&one.name, "slope of the shift without curvature"))
        .mean(numbers.told(&one.name, "slope of the shift"))
}

/// The older half of a window.
fn age(one: &Experiment, numbers: &Numbers) -> Result<Claim> {
    let part = |table: &Statistics, from: u32, to: u32| {
        let all = table.of(&one.name, "gap of the loss by age");
        averaged(&all.only(|row| row.of.rank.is_some_and(|rank| (from..=to).contains(&rank))))
    };
    let [old, expected] = [&numbers.measured, &numbers.predicted].map(|table| part(table, 5, 8));
    let young = part(&numbers.predicted, 1, 1);
    let phi = one.problem.training.phi;
    declare("C1.age", ClaimKind::Prediction)
        .says("the network forgets its samples at the derived rate beta + C/lambda")
        .statistic(format!("mean loss of the older half of the last n = {phi} d samples minus that of fresh ones, minus the same of fresh ones shifted as derived"))
        .about([one.name.clone()])
        .near(
            0.0,
            margin(one, 0.5) * MIXTURE.loss,
            theory(format!("two samples of n/2 points differ by {ERRORS} (4/(n R))^(1/2) times the scatter {} of the loss of a point, in {ERRORS} standard errors of R replicates", MIXTURE.loss)),
        )
        .null("nothing-forgotten", minus(&old, &young))
        .null("no-gap", old.clone())
        .mean(minus(&old, &expected))
}

/// The first samples at the end.
fn forgotten(one: &Experiment, numbers: &Numbers) -> Result<Claim> {
    declare("C1.forgotten", ClaimKind::Prediction)
        .says("at the end of training the first n samples are forgotten: their loss is that of fresh ones")
        .statistic(format!("mean loss of the first n samples minus that of fresh ones, at the end; lambda = {}", one.problem.lambda()))
        .about([one.name.clone()])
        .near(
            0.0,
            margin(one, 1.0) * MIXTURE.loss,
            theory("what is left of a shift is below e^(-beta (T - phi)); two samples of n points differ by 7 (2/(n R))^(1/2) times the scatter of the loss of a point, in 7 standard errors of R replicates"),
        )
        .null("last-samples", numbers.loss(&one.name)[0].clone())
        .mean(numbers.told(&one.name, "gap of the loss of the first"))
}

/// Where the noise is weak.
fn no_gap(one: &Experiment, null: &Experiment, numbers: &Numbers, k: u32) -> Result<Claim> {
    let problem = &one.problem;
    let own = 2.0 * problem.training.c * (1.0 / problem.lambda() + 1.0 / as_f64(problem.d()));
    let outliers = |name: &str| numbers.eigenvalues(name, Matrix::Gradient, (1, k))[0].clone();
    declare("C1.weak", ClaimKind::Bound)
        .says(format!("at lambda = {} training and fresh samples give the same outliers of G", problem.lambda()))
        .statistic("mean logarithm of the outliers of the diagonal blocks of G on the last n samples minus that on fresh ones")
        .about([one.name.clone(), null.name.clone()])
        .between(
            -own - margin(one, 1.0) * MIXTURE.weights[1],
            own + margin(one, 1.0) * MIXTURE.weights[1],
            theory("the logarithm of a weight (pi - y)^2 moves by at most twice the shift of a logit, c (1/lambda + 1/d), and two samples of n points by 7 (2/(n R))^(1/2) times the scatter of a weight"),
        )
        .null("stronger-noise", outliers(&null.name))
        .mean(outliers(&one.name))
}

/// The outlier spaces of training samples.
fn space(one: &Experiment, numbers: &Numbers, (matrix, symbol): (Matrix, &str)) -> Result<Claim> {
    let lack = |statistic: &str| {
        let found = match statistic {
            "overlap of components of the last samples" => numbers.told(&one.name, statistic),
            _ => numbers.of_matrix(&one.name, statistic, matrix),
        };
        mapped(&found, |overlap| 1.0 - overlap)
    };
    let fresh = lack("overlap of fresh samples");
    let over = |statistic: &str| combined(&lack(statistic), &fresh, |one, other| libm::log(one / other));
    let problem = &one.problem;
    let d = as_f64(problem.d());
    let own = 2.0 * problem.training.c * (1.0 / problem.lambda() + 1.0 / d);
    let scatter = ERRORS * (2.0 * 2.0 / (as_f64(CLASSES) * d * f64::from(one.replicates))).sqrt();
    let chance = as_f64(CLASSES) / d;
    declare(format!("C1.{}-space", matrix.name()), ClaimKind::Prediction)
        .says(format!("the outlier spaces of {symbol} on training samples lie in Span(mu) as well as those on fresh ones"))
        .statistic(format!("logarithm of what the outlier spaces of the diagonal blocks of {symbol} lack in the squared overlap with Span(mu), on the last n samples over fresh ones; lambda = {}", problem.lambda()))
        .about([one.name.clone()])
        .near(
            0.0,
            own + scatter,
            theory("weights move by at most twice the shift of a logit, c (1/lambda + 1/d); what k unit vectors have outside a space is a Gaussian vector of k d components, whose squared length scatters by (2/(k d))^(1/2), 7 standard errors of the difference of two"),
        )
        .null("random-subspace", mapped(&fresh, |lack| libm::log((1.0 - chance) / lack)))
        .null("principal-components", over("overlap of components of the last samples"))
        .mean(over("overlap of the last samples"))
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let numbers = &Numbers::read(results)?;
    Ok(vec![over_lambda(results, numbers)?, windows(results, numbers)?, xor(results, numbers)?])
}

/// A mean with its 95 % interval at a place.
fn bar(place: f64, values: &Values) -> Result<(f64, f64, f64, f64)> {
    let (mean, half) = interval(&values.values().copied().collect::<Vec<_>>())?;
    Ok((place, mean, mean - half, mean + half))
}

/// Measured and predicted gaps in an experiment.
type Gap<'a> = &'a dyn Fn(&str) -> [Values; 2];

/// One thing whose gap is drawn: its words, its look, and its measured and predicted values in an experiment.
struct Drawn<'a> {
    words: String,
    look: Style,
    dash: Dash,
    values: Gap<'a>,
}

/// Measured gaps with their intervals and the prediction as a line, over the places of experiments.
fn gaps(mut panel: Panel, shown: &[(f64, &Experiment)], drawn: &[Drawn]) -> Result<Panel> {
    for Drawn { words, look, dash, values } in drawn {
        let (mut bars, mut line) = (Vec::new(), Vec::new());
        for (place, one) in shown {
            let [measured, predicted] = values(&one.name);
            if measured.is_empty() || predicted.is_empty() {
                continue;
            }
            bars.push(bar(*place, &measured)?);
            line.push((*place, mean(&mut predicted.into_values().collect::<Vec<_>>())));
        }
        panel = panel.error_bars(format!("{words}: mean, 95 % interval"), *look, bars).line(
            format!("{words}, predicted"),
            predicted().dash(*dash),
            line,
        );
    }
    Ok(panel.series(Series::line(
        "no gap",
        Style::reference().dash(Dash::Solid),
        shown.iter().map(|(place, _)| (*place, 0.0)).collect(),
    )))
}

/// What is drawn of a matrix: its first outlier, the others, the edge.
fn of_matrix(matrix: Matrix, values: [Gap<'_>; 3]) -> Vec<Drawn<'_>> {
    let [first, others, edge] = values;
    [
        ("first outlier", Marker::Ring, Dash::Dashed, first),
        ("other outliers", Marker::OpenSquare, Dash::DashDot, others),
        ("edge", Marker::OpenTriangle, Dash::Dotted, edge),
    ]
    .into_iter()
    .map(|(words, marker, dash, values)| {
        let look = looks::matrix(matrix).marker(marker).size(4.0);
        Drawn { words: words.to_owned(), look, dash, values }
    })
    .collect()
}

/// What is drawn of the loss.
fn of_loss(values: Gap<'_>) -> Drawn<'_> {
    Drawn { words: "last $n$".to_owned(), look: data().marker(Marker::Ring), dash: Dash::Dashed, values }
}

/// The panels of a family: loss, H, G.
fn three(
    numbers: &Numbers,
    shown: &[(f64, &Experiment)],
    (axis, outliers): (&dyn Fn() -> Axis, u32),
    mut figure: Figure,
) -> Result<Figure> {
    let last = |name: &str| numbers.loss(name);
    let drawn = [of_loss(&last)];
    let panel = Panel::new(axis(), Axis::linear("gap of the mean loss")).title("loss");
    let mut loss = gaps(panel, shown, &drawn)?;
    let mut bars = Vec::new();
    for (place, one) in shown {
        let values = numbers.told(&one.name, "gap of the loss of the first");
        if !values.is_empty() {
            bars.push(bar(*place, &values)?);
        }
    }
    loss = loss.error_bars("first $n$: mean, 95 % interval", data().darker().marker(Marker::Diamond), bars);
    figure = figure.panel(loss);
    for (matrix, symbol) in SYMBOLS {
        let one = |name: &str| numbers.eigenvalues(name, matrix, (1, 1));
        let others = |name: &str| numbers.eigenvalues(name, matrix, (2, outliers));
        let edge = |name: &str| numbers.eigenvalues(name, matrix, (outliers + 1, outliers + 1));
        let panel = Panel::new(axis(), Axis::linear("gap of $\\ln$ eigenvalue"))
            .title(format!("diagonal blocks of ${symbol}$"));
        figure = figure.panel(gaps(panel, shown, &of_matrix(matrix, [&one, &others, &edge]))?);
    }
    Ok(figure)
}

/// What is drawn over λ, and the gap of the loss at the smallest.
fn meaning(numbers: &Numbers, shown: &[(f64, &Experiment)]) -> String {
    let gap = shown.first().map_or_else(String::new, |(_, one)| said(numbers.loss(&one.name)));
    format!(
        "at the end of training. The last n samples of SGD less fresh ones: (a) mean loss, (b) logarithms of outliers and edge of the \
         diagonal blocks of H, (c) of G, means over rows; diamonds, the first n samples. Marks, mean over replicates; bars, 95 % \
         interval; lines, what is derived for samples that trained the network. At the smallest λ the gap of the loss is {gap}"
    )
}

/// A measured gap with the derived one, as captions say it.
fn said([measured, derived]: [Values; 2]) -> String {
    let [measured, derived] =
        [measured, derived].map(|all| small(average(&all.into_values().collect::<Vec<_>>()), 3));
    format!("{measured}, derived {derived}")
}

fn over_lambda(results: &Results, numbers: &Numbers) -> Result<Figure> {
    let shown = members(results, SNR);
    let experiments: Vec<&Experiment> = shown.iter().map(|one| one.1).collect();
    let caption = Caption::new(
        "The gap between training and fresh samples over the signal-to-noise ratio",
        format!("Softmax regression {}", meaning(numbers, &shown)),
        parameters(&experiments),
        "Strong noise makes a gap, most of all in G; the first samples have none left",
    );
    let k = u32::try_from(CLASSES).unwrap_or(u32::MAX);
    let axis = || Axis::log(r"signal-to-noise ratio $\lambda$");
    let figure = Figure::new("train-and-test", caption, Width::Full, 3);
    Ok(three(numbers, &shown, (&axis, k), figure)?.axes_height(110.0))
}

fn xor(results: &Results, numbers: &Numbers) -> Result<Figure> {
    let shown = members(results, XOR);
    let experiments: Vec<&Experiment> = shown.iter().map(|one| one.1).collect();
    let caption = Caption::new(
        "The gap between training and fresh samples in the XOR network",
        format!("The XOR network {}", meaning(numbers, &shown)),
        parameters(&experiments),
        "The rule that softmax regression follows predicts the gap of a network with a hidden layer too",
    );
    let axis = || Axis::log(r"signal-to-noise ratio $\lambda$");
    let figure = Figure::new("train-and-test-xor", caption, Width::Full, 3);
    Ok(three(numbers, &shown, (&axis, 2), figure)?.axes_height(110.0))
}

/// The gaps of the loss of one part of the window.
fn of_age<'a>(table: &'a Statistics, name: &str, age: u32) -> Selection<'a> {
    table.of(name, "gap of the loss by age").rank(age)
}

/// Gaps over the length of the window and over age.
fn windows(results: &Results, numbers: &Numbers) -> Result<Figure> {
    let mut shown = members(results, WINDOWS);
    shown.extend(members(results, SNR).first().map(|(_, one)| (one.problem.training.phi, *one)));
    shown.sort_by(|a, b| a.0.total_cmp(&b.0));
    let long = end(results, WINDOWS, true)?;
    let k = u32::try_from(CLASSES).unwrap_or(u32::MAX);
    let experiments: Vec<&Experiment> = shown.iter().map(|one| one.1).collect();
    let caption = Caption::new(
        "The gap over the age of samples and the length of the window",
        format!(
            "Softmax regression at the smallest λ. Training samples less fresh ones: (a) mean loss by the time since their step, in the \
             longest window; (b) mean loss, and (c) logarithms of outliers and edge of the diagonal blocks of G, of the last n samples over \
             φ = n/d. Marks, mean over replicates; bars, 95 % interval; lines, what is derived. In the longest window the gap of the loss \
             is {}, in the shortest {}",
            said(numbers.loss(&long.name)),
            said(numbers.loss(&end(results, WINDOWS, false)?.name)),
        ),
        parameters(&experiments),
        "SGD forgets its samples, so the gap shrinks as the window grows",
    );
    let mut ages =
        Panel::new(Axis::linear(r"age $\tau$ of the samples"), Axis::linear("gap of the mean loss"))
            .title("by age");
    let (mut bars, mut line) = (Vec::new(), Vec::new());
    for age in 1..=8 {
        let step = of_age(&numbers.measured, &long.name, age).iter().next().map_or(0, |row| row.at.step);
        let place = long.horizon - long.time(step);
        let values = averaged(&of_age(&numbers.measured, &long.name, age));
        if !values.is_empty() {
            bars.push(bar(place, &values)?);
            line.push((place, of_age(&numbers.predicted, &long.name, age).mean()));
        }
    }
    let ends = (line.first().map_or(0.0, |point| point.0), line.last().map_or(1.0, |point| point.0));
    ages = ages
        .error_bars("last $n$: mean, 95 % interval", data().marker(Marker::Ring), bars)
        .line("last $n$, predicted", predicted(), line)
        .series(Series::line(
            "no gap",
            Style::reference().dash(Dash::Solid),
            vec![(ends.0, 0.0), (ends.1, 0.0)],
        ));
    let axis = || Axis::log(r"window $\varphi = n/d$");
    let last = |name: &str| numbers.loss(name);
    let drawn = [of_loss(&last)];
    let panel = Panel::new(axis(), Axis::linear("gap of the mean loss")).title("loss");
    let figure = Figure::new("train-and-test-windows", caption, Width::Full, 3)
        .panel(ages)
        .panel(gaps(panel, &shown, &drawn)?);
    let one = |name: &str| numbers.eigenvalues(name, Matrix::Gradient, (1, 1));
    let others = |name: &str| numbers.eigenvalues(name, Matrix::Gradient, (2, k));
    let edge = |name: &str| numbers.eigenvalues(name, Matrix::Gradient, (k + 1, k + 1));
    let panel = Panel::new(axis(), Axis::linear("gap of $\\ln$ eigenvalue")).title("diagonal blocks of $G$");
    Ok(figure
        .panel(gaps(panel, &shown, &of_matrix(Matrix::Gradient, [&one, &others, &edge]))?)
        .axes_height(110.0))
}
