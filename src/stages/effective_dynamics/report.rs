//! Claims and figures of the stage `effective-dynamics`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Panel, Style, Width};
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, Kind, chosen, declare, log_slope, theory as derived};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::number;
use crate::stages::common::dimensions::{
    HALF_LAW, by_dimension, dimension, noted, places, values, with_half_law,
};
use crate::stages::common::grid::{Bar, bars, slopes};
use crate::stages::common::looks;
use crate::stages::common::panels::over_time;
use crate::stages::common::words::parameters;
use crate::stages::effective_dynamics::{DEVIATIONS, STILL, TASKS, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "effective-dynamics",
    kind: StageKind::Theorem,
    on_request: false,
    title: "Summary statistics of SGD follow the effective dynamics of both tasks",
    source: "src/stages/effective_dynamics/mod.rs",
    report: file!(),
    claims: &["D1.gmm-rate", "D1.gmm-deviation", "D1.xor-rate", "D1.xor-deviation"],
    figures: &["effective-dynamics-gmm", "effective-dynamics-xor"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest `√d ·` deviation, in units of the largest statistics, which are of order 1: the fluctuations are a diffusion of
/// order one over a few units of relaxation time, and their supremum is taken over some twenty statistics.
const DEVIATION: f64 = 5.0;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let mut claims = Vec::new();
    for (id, bound, (task, words)) in
        [("D1.gmm-rate", "D1.gmm-deviation", TASKS[0]), ("D1.xor-rate", "D1.xor-deviation", TASKS[1])]
    {
        let experiments = by_dimension(results, task);
        let of = |statistic: &str| places(&experiments, dimension, |one| values(&statistics, one, statistic));
        let names: Vec<String> = experiments.iter().map(|one| one.name.clone()).collect();
        let range = experiments.first().zip(experiments.last());
        let (least, most) = range.map_or((0, 0), |(first, last)| (first.problem.d(), last.problem.d()));
        claims.push(
            declare(id, Kind::Rate)
                .says(format!(
                    "the effective dynamics of {words} predict every summary statistic up to O(d^{{-1/2}})"
                ))
                .statistic(format!(
                    "slope in d of the largest deviation over time and statistics, d from {least} to {most}"
                ))
                .about(names.clone())
                .near(-0.5, HALF_LAW, derived("diffusion of variance c/d around the limit (arXiv 2206.04030); the tolerance is half way to the exponent -1/3"))
                .null("static-theory", slopes(&of(STILL), 0.0))
                .mean(slopes(&of(DEVIATIONS), 0.0))?,
        );
        let scaled = |statistic: &str| -> Values {
            let last = of(statistic).pop();
            last.map_or_else(Values::new, |(d, values)| {
                values.into_iter().map(|(replicate, value)| (replicate, value * d.sqrt())).collect()
            })
        };
        claims.push(
            declare(bound, Kind::Bound)
                .says(format!(
                    "the deviation of {words} from the effective dynamics is a small multiple of d^{{-1/2}}"
                ))
                .statistic(format!(
                    "sqrt(d) times the largest deviation over time and statistics, d = {most}"
                ))
                .about(names.last().cloned())
                .at_most(DEVIATION, chosen("order 1, as the theorem gives no constant: the squared norms start with fluctuations sqrt(2/d), and the largest of some twenty statistics over a few relaxation times is 3 standard deviations, 4.2/sqrt(d)"))
                .null("static-theory", scaled(STILL))
                .mean(scaled(DEVIATIONS))?,
        );
    }
    Ok(claims)
}

/// What a panel of curves shows: statistic, row, column, label.
type Shown = (&'static str, u32, u32, &'static str);

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let mixture: [Shown; 5] = [
        ("m", 0, 0, r"$x^1 \cdot \mu_1$"),
        ("m", 1, 0, r"$x^2 \cdot \mu_1$"),
        ("m", 2, 2, r"$x^3 \cdot \mu_3$"),
        ("R", 0, 0, r"$x^1 \cdot x^1$"),
        ("R", 0, 1, r"$x^1 \cdot x^2$"),
    ];
    let xor: [Shown; 5] = [
        ("m", 0, 0, r"$W_1 \cdot \mu$"),
        ("m", 1, 0, r"$W_2 \cdot \mu$"),
        ("m", 2, 1, r"$W_3 \cdot \nu$"),
        ("R", 0, 1, r"$W_1 \cdot W_2$"),
        ("v", 3, 0, "$v_4$"),
    ];
    Ok(vec![
        figure(
            results,
            "gmm",
            "effective-dynamics-gmm",
            [
                "Effective dynamics of softmax regression on a Gaussian mixture",
                "(a-c) Inner products of rows of parameters with means, (d) the squared norm of x^1 and (e) its inner product \
                 with x^2",
                "inner product of rows with means or with each other",
            ],
            &mixture,
        )?,
        figure(
            results,
            "xor",
            "effective-dynamics-xor",
            [
                "Effective dynamics of the two-layer network on the XOR mixture",
                "(a-c) Inner products of first-layer weights with means, (d) the inner product of W_1 and W_2 and (e) the \
                 second-layer weight v_4",
                "inner product or v_i",
            ],
            &xor,
        )?,
    ])
}

/// `words`: the title, what panels a to e show, and what deviates in panel f.
fn figure(results: &Results, task: &str, name: &str, words: [&str; 3], shown: &[Shown]) -> Result<Figure> {
    let [title, curves, deviating] = words;
    let [lows, highs] = ["low", "high"].map(|end| Statistics::column(results.table("bands")?, end));
    let (lows, highs, theory) = (lows?, highs?, Statistics::read(results, "theory")?);
    let experiments = by_dimension(results, task);
    let dimensions = experiments.first().zip(experiments.last());
    let (least, most) = dimensions.map_or((0, 0), |(first, last)| (first.problem.d(), last.problem.d()));
    // How wide the bands are on average, over all panels and times.
    let curve = |of: &Statistics, experiment: &Experiment, (statistic, row, col, _): Shown| {
        of.of(&experiment.name, statistic).row(row).only(|found| found.of.col == Some(col)).points()
    };
    let wide = |experiment: Option<&&Experiment>| {
        let Some(experiment) = experiment else { return f64::NAN };
        let widths = shown.iter().flat_map(|one| {
            let (low, high) = (curve(&lows, experiment, *one), curve(&highs, experiment, *one));
            low.into_iter().zip(high).map(|(low, high)| high.1 - low.1).collect::<Vec<_>>()
        });
        average(&widths.collect::<Vec<_>>())
    };
    let statistics = Statistics::read(results, "statistics")?;
    let deviations = bars(&places(&experiments, dimension, |one| values(&statistics, one, DEVIATIONS)))?;
    let slope = log_slope(&deviations.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>());
    let mut figure = Figure::new(
        name,
        Caption::new(
            title,
            format!(
                "{curves}, over training time: bands, range over the replicates of SGD at d = {least} and (darker) d = {most}; dashed, effective dynamics, to which nothing is fitted. (f) Largest deviation of any {deviating} at any time over d: marks, mean; bars, 95 % interval; dash-dotted, slope -1/2"
            ),
            parameters(&experiments),
            format!(
                "The bands narrow around the predicted curves, from {} to {} on average, and the deviation falls with slope {}",
                number(wide(experiments.first()), 2),
                number(wide(experiments.last()), 2),
                number(slope, 2)
            ),
        ),
        Width::Full,
        3,
    );
    let ends: Vec<(&Experiment, Style)> = experiments
        .first()
        .zip(experiments.last())
        .map(|(first, last)| vec![(*first, looks::weights()), (*last, looks::weights().darker())])
        .unwrap_or_default();
    for &one in shown {
        let mut panel = over_time(Axis::linear(one.3));
        for (experiment, style) in &ends {
            let (low, high) = (curve(&lows, experiment, one), curve(&highs, experiment, one));
            let band = low.iter().zip(&high).map(|(low, high)| (low.0, low.1, high.1)).collect();
            panel = panel.band(
                format!("$d = {}$: range of {} replicates", experiment.problem.d(), experiment.replicates),
                *style,
                band,
            );
        }
        if let Some((experiment, _)) = ends.last() {
            panel = panel.line("effective dynamics", looks::predicted(), curve(&theory, experiment, one));
        }
        figure = figure.panel(panel);
    }
    Ok(figure.panel(rate(deviations, &experiments)))
}

/// The largest deviation over dimension, with the law it should follow.
fn rate(deviations: Vec<Bar>, experiments: &[&Experiment]) -> Panel {
    let panel = Panel::new(Axis::log("dimension $d$"), Axis::log("largest deviation"));
    let label = "mean of replicates, 95 % interval";
    let panel = with_half_law(panel, label, looks::data(), Colour::Black, deviations);
    noted(panel, (0.97, 0.93), experiments, |experiment| {
        format!(
            r"$\lambda = {}$, $\beta = {}$",
            experiment.problem.lambda(),
            experiment.problem.training.beta
        )
    })
}
