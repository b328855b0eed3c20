//! Claims and figures of the stage `dimension-limit`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, Kind, declare, log_slope, theory as derived};
use crate::stage::estimate::Values;
use crate::stage::rows::Statistics;
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{number, percent};
use crate::stages::common::dimensions::{HALF_LAW, dimension, mean_of, noted, places, values, with_half_law};
use crate::stages::common::grid::{bars, distinct, slopes};
use crate::stages::common::looks;
use crate::stages::common::words::parameters;
use crate::stages::dimension_limit::{DIMENSIONS, FIT, FOLLOWED, is_mixture, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "dimension-limit",
    kind: StageKind::Theorem,
    on_request: false,
    title: "Alignment and effective dynamics as d grows to a million and beyond, by the exact reduced chain",
    source: "src/stages/dimension_limit/mod.rs",
    report: file!(),
    claims: &["D1.limit-gmm", "D1.limit-xor", "A1.limit-error", "A1.limit-lambda", "A1.limit-dimension"],
    figures: &["dimension-limit"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest `√d ·` relative difference of the alignment error from its limit.
///
/// The error is that of `d - 3` noise coordinates over a norm that fluctuates like `d^{-1/2}` times order 1: `√d` times its relative
/// difference is normal with a standard deviation of 1 to 2. The largest of six has mean 3 at most, half an interval of twenty is
/// 1 and 7 standard errors are 2.
const SCALED: f64 = 7.0;

/// Tolerance of the slope -1/2 of the alignment error in λ: `‖x‖²/λ`, a tenth at λ = 30, bends the law there by 0.05 and ten
/// times less a decade on; fluctuations at d = 10⁵ leave 0.001.
const SLOPE_LAMBDA: f64 = 0.05;

/// Largest share that the error of the limit's integration may have of the mean deviation at the largest d.
const BUDGET: f64 = 0.25;

/// The experiments that are wanted, by dimension, then λ.
fn ordered(results: &Results, wanted: impl Fn(&Experiment) -> bool) -> Vec<&Experiment> {
    let mut all: Vec<&Experiment> =
        results.experiments.values().filter(|experiment| wanted(experiment)).collect();
    all.sort_by(|a, b| {
        a.problem.d().cmp(&b.problem.d()).then(a.problem.lambda().total_cmp(&b.problem.lambda()))
    });
    all
}

/// The signal-to-noise ratios of task A, increasing.
fn lambdas(results: &Results) -> Vec<f64> {
    distinct(&ordered(results, is_mixture), |experiment| experiment.problem.lambda())
}

/// Experiments of task A at one λ, by dimension.
fn at_lambda(results: &Results, lambda: f64) -> Vec<&Experiment> {
    ordered(results, |experiment| {
        is_mixture(experiment) && experiment.problem.lambda().to_bits() == lambda.to_bits()
    })
}

/// The largest dimension that every λ of task A has.
fn common(results: &Results) -> usize {
    let last = |lambda: f64| at_lambda(results, lambda).last().map_or(0, |experiment| experiment.problem.d());
    lambdas(results).into_iter().map(last).min().unwrap_or(0)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let names =
        |experiments: &[&Experiment]| experiments.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let (mixture, network) =
        (at_lambda(results, FOLLOWED), ordered(results, |experiment| !is_mixture(experiment)));
    let of = |statistic: &'static str| {
        let statistics = &statistics;
        move |experiment: &Experiment| values(statistics, experiment, statistic)
    };
    let limit = |experiment: &Experiment, statistic: &str| mean_of(&values(&theory, experiment, statistic));
    let mut claims = Vec::new();
    for (id, experiments, words) in
        [("D1.limit-gmm", &mixture, "task A"), ("D1.limit-xor", &network, "task B from a macroscopic start")]
    {
        let most = experiments.last().map_or(0, |experiment| experiment.problem.d());
        let deviations = places(experiments, dimension, of("largest deviation"));
        let share = experiments
            .last()
            .zip(deviations.last())
            .map_or(0.0, |(last, (_, values))| limit(last, "error of the prediction") / mean_of(values));
        claims.push(
            declare(id, Kind::Rate)
                .says(format!(
                    "SGD of {words} approaches the effective dynamics like d^{{-1/2}} up to d = {most}"
                ))
                .statistic(format!(
                    "slope in d of the largest deviation over time and statistics, d from {} on",
                    DIMENSIONS[0]
                ))
                .about(names(experiments))
                .near(-0.5, HALF_LAW, derived("diffusion of variance c/d around the limit; the tolerance is half way to the exponent -1/3"))
                .premise(share <= BUDGET, format!("the error of the integrated limit is {share:.2} of the deviation at d = {most}, more than {BUDGET}"))
                .null("static-theory", slopes(&places(experiments, dimension, of("largest deviation from the start")), 0.0))
                .mean(slopes(&deviations, 0.0))?,
        );
    }
    let scaled = |experiment: &Experiment, statistic: &str, d: f64| -> Values {
        let limit = limit(experiment, "sine");
        let all = values(&statistics, experiment, statistic).into_iter();
        all.map(|(replicate, sine)| (replicate, d * (sine / limit - 1.0))).collect()
    };
    if let Some(last) = mixture.last() {
        let tolerance = SCALED / as_f64(last.problem.d()).sqrt();
        claims.push(
            declare("A1.limit-error", Kind::Prediction)
                .says("at the largest d the alignment error is that of the effective dynamics")
                .statistic(format!(
                    "sin(x^1; Span mu) over its limit, less 1, d = {}, lambda = {FOLLOWED}",
                    last.problem.d()
                ))
                .about([last.name.clone()])
                .near(
                    0.0,
                    tolerance,
                    derived(format!(
                        "{SCALED}/sqrt(d): fluctuations of relative size 1/sqrt(d) to 2/sqrt(d)"
                    )),
                )
                .null("start", scaled(last, "sine at the start", 1.0))
                .mean(scaled(last, "sine", 1.0))?,
        );
    }
    let most = common(results);
    let over_lambda = ordered(results, |experiment| {
        is_mixture(experiment) && experiment.problem.d() == most && experiment.problem.lambda() >= FIT
    });
    // What is left of the start is orthogonal to the noise of the steps: squares add.
    let noise = |experiment: &Experiment| -> Values {
        let left = values(&statistics, experiment, "left of the start");
        let sines = values(&statistics, experiment, "sine").into_iter();
        sines
            .filter_map(|(replicate, sine)| {
                let left = left.get(&replicate)?;
                Some((replicate, (sine * sine - left * left).max(0.0).sqrt()))
            })
            .collect()
    };
    let snr = |experiment: &Experiment| experiment.problem.lambda();
    claims.push(
        declare("A1.limit-lambda", Kind::Rate)
            .says("the part of the alignment error that the noise of the steps makes falls like lambda^{-1/2} at large d")
            .statistic(format!("slope of ln sqrt(sin(x^1; Span mu)^2 - (e^(-beta t) |x_0|/|x|)^2) in ln(lambda), lambda >= {FIT}, d = {most}"))
            .about(names(&over_lambda))
            .near(-0.5, SLOPE_LAMBDA, derived("step noise of variance c p(1-p)/(2 beta lambda); |x|^2/lambda, a tenth at the least lambda, bends it by 0.05 there"))
            .null("start", slopes(&places(&over_lambda, snr, of("sine at the start")), 0.0))
            .mean(slopes(&places(&over_lambda, snr, noise), 0.0))?,
    );
    let farthest = |statistic: &str| -> Values {
        let mut all = Values::new();
        for experiment in &mixture {
            for (replicate, value) in scaled(experiment, statistic, dimension(experiment).sqrt()) {
                let known = all.entry(replicate).or_insert(0.0_f64);
                *known = known.max(value.abs());
            }
        }
        all
    };
    claims.push(
        declare("A1.limit-dimension", Kind::Prediction)
            .says("at every d the alignment error differs from its limit by no more than fluctuations of order d^{-1/2}")
            .statistic(format!("largest sqrt(d) |sin(x^1; Span mu) over its limit, less 1| over d, lambda = {FOLLOWED}"))
            .about(names(&mixture))
            .at_most(SCALED, derived("normal with standard deviation 1 to 2 at each d, largest of six; half an interval and 7 standard errors"))
            .null("start", farthest("sine at the start"))
            .mean(farthest("sine"))?,
    );
    Ok(claims)
}

/// `lambdas`: those of panel b, of task A and of task B.
fn caption(results: &Results, statistics: &Statistics, theory: &Statistics, lambdas: (f64, f64)) -> Caption {
    let off = results
        .experiments
        .values()
        .filter(|experiment| is_mixture(experiment) && experiment.problem.d() >= DIMENSIONS[1])
        .map(|experiment| {
            let mean = mean_of(&values(statistics, experiment, "sine"));
            let limit = mean_of(&values(theory, experiment, "sine"));
            (mean / limit - 1.0).abs()
        })
        .fold(0.0, f64::max);
    let slope = |chosen: &dyn Fn(&Experiment) -> bool| {
        let points = ordered(results, chosen)
            .into_iter()
            .map(|one| (as_f64(one.problem.d()), mean_of(&values(statistics, one, "largest deviation"))));
        number(log_slope(&points.collect::<Vec<_>>()), 2)
    };
    let followed = |one: &Experiment| is_mixture(one) && one.problem.lambda().total_cmp(&lambdas.0).is_eq();
    Caption::new(
        "Alignment and effective dynamics from dimension 100 to two million",
        format!(
            "The exact reduced chain, which takes the same steps as SGD: marks, mean; bars, 95 % interval. (a) Error of the alignment in task A at \
             the end over d at five λ, and (c) over λ at d = {}; dashed, its limit by the effective dynamics. (b) Largest deviation, at any time, \
             of an inner product or a v_i from the effective dynamics, in task A at λ = {} and task B at λ = {}; dash-dotted, slope -1/2",
            common(results),
            lambdas.0,
            lambdas.1,
        ),
        parameters(&results.all()),
        format!(
            "From d = {} on the mean error is within {} of its limit; deviations fall with slopes {} (A) and {} (B)",
            DIMENSIONS[1],
            percent(off, 1),
            slope(&followed),
            slope(&|one| !is_mixture(one))
        ),
    )
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let sines = |experiment: &Experiment| values(&statistics, experiment, "sine");
    let limits = |experiments: &[&Experiment], place: &dyn Fn(&Experiment) -> f64| -> Vec<(f64, f64)> {
        experiments
            .iter()
            .flat_map(|experiment| {
                values(&theory, experiment, "sine").into_values().map(|sine| (place(experiment), sine))
            })
            .collect()
    };
    let marks = [
        (Marker::Ring, false),
        (Marker::OpenSquare, false),
        (Marker::OpenTriangle, false),
        (Marker::OpenDiamond, true),
        (Marker::Cross, true),
    ];
    let styles = marks.map(|(marker, dark)| {
        let look = looks::weights().marker(marker);
        if dark { look.darker() } else { look }
    });
    let mut alignment =
        Panel::new(Axis::log("dimension $d$"), Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"));
    for (lambda, style) in lambdas(results).into_iter().zip(styles.into_iter().cycle()) {
        let experiments = at_lambda(results, lambda);
        alignment = alignment
            .error_bars(
                format!(r"$\lambda = {lambda}$"),
                style,
                bars(&places(&experiments, dimension, sines))?,
            )
            .line(
                r"effective dynamics ($d \to \infty$)",
                looks::predicted(),
                limits(&experiments, &dimension),
            );
    }
    let network = ordered(results, |experiment| !is_mixture(experiment));
    let other = network.first().map_or(f64::NAN, |experiment| experiment.problem.lambda());
    let mut rate = Panel::new(Axis::log("dimension $d$"), Axis::log("largest deviation"));
    for (label, style, experiments) in [
        (
            format!(r"task A, $\lambda = {FOLLOWED}$"),
            looks::data().marker(Marker::Plus),
            at_lambda(results, FOLLOWED),
        ),
        (format!(r"task B, $\lambda = {other}$"), looks::data().darker().marker(Marker::OpenSquare), network),
    ] {
        let deviation = |experiment: &Experiment| values(&statistics, experiment, "largest deviation");
        let points = bars(&places(&experiments, dimension, deviation))?;
        rate = with_half_law(rate, label, style, Colour::Black, points);
    }
    let most = common(results);
    let over_lambda = ordered(results, |experiment| is_mixture(experiment) && experiment.problem.d() == most);
    let place = |experiment: &Experiment| experiment.problem.lambda();
    let mut noise = Panel::new(
        Axis::log(r"signal-to-noise ratio $\lambda$"),
        Axis::log("alignment error\n$\\sin(x^1; \\Span\\mu)$"),
    )
    .line(r"effective dynamics ($d \to \infty$)", looks::predicted(), limits(&over_lambda, &place));
    for (lambda, style) in lambdas(results).into_iter().zip(styles.into_iter().cycle()) {
        let here: Vec<&Experiment> = at_lambda(results, lambda)
            .into_iter()
            .filter(|experiment| experiment.problem.d() == most)
            .collect();
        noise =
            noise.error_bars(format!(r"$\lambda = {lambda}$"), style, bars(&places(&here, place, sines))?);
    }
    let noise = noted(noise, (0.97, 0.92), &over_lambda, |_| format!("$d = {most}$"));
    let noise = noted(noise, (0.97, 0.81), &over_lambda, |one| format!("{} replicates", one.replicates));
    let caption = caption(results, &statistics, &theory, (FOLLOWED, other));
    let figure = Figure::new("dimension-limit", caption, Width::Full, 3);
    Ok(vec![figure.panel(alignment).panel(rate).panel(noise)])
}
