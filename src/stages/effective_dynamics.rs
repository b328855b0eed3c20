//! D1: summary statistics of SGD follow the effective dynamics, up to fluctuations of order d^{-1/2}.
//!
//! Task A starts at random, with unequal class probabilities and means that are not orthogonal. Task B starts with
//! macroscopic `m(0)`: from `N(0, I_d/d)` its limit has `m = 0` and keeps it, while every run leaves that set; the stage
//! `xor-escape` shows how.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::experiment::{Experiment, Simulator, Spacing};
use crate::problem::{Means, Model, Start, TaskKind};
use crate::simulation::task::{self, Summary};
use crate::stage::claim::{Claim, declare};
use crate::stage::request::Request;
use crate::stage::rows::{At, Statistic, statistics_table};
use crate::stage::{Data, Kind, Results, Settings, Stage};
use crate::stages::common::captions::setting;
use crate::stages::common::dimensions::{bars, by_dimension, dimension, half_law, places, slopes, values};
use crate::stages::common::limit::{foreseen, limit, macroscopic};
use crate::stages::common::shared::Statistics;
use crate::table::Table;
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "effective-dynamics",
    kind: Kind::Theorem,
    title: "Summary statistics of SGD follow the effective dynamics of both tasks",
    source: file!(),
    report: file!(),
    claims: &["D1.gmm-rate", "D1.gmm-deviation", "D1.xor-rate", "D1.xor-deviation"],
    figures: &["effective-dynamics-gmm", "effective-dynamics-xor"],
    plan,
    reduce,
    judge,
    draw,
};

/// Dimensions.
const DIMENSIONS: [usize; 5] = [100, 200, 400, 800, 1600];
/// Dimensions of the quick profile.
const QUICK_DIMENSIONS: [usize; 3] = [50, 100, 200];
/// Tolerance of the slope -1/2 of the deviation in d.
const SLOPE: f64 = 0.1;
/// Largest `√d ·` deviation, in units of the largest statistics, which are of order 1: the fluctuations are a diffusion of
/// order one over a few units of relaxation time, and their supremum is taken over some twenty statistics.
const DEVIATION: f64 = 5.0;

/// The statistic that is bounded.
const DEVIATIONS: &str = "largest deviation";

/// Prefixes of the names of the experiments of both tasks.
const TASKS: [(&str, &str); 2] = [("gmm", "task A"), ("xor", "task B")];

fn name(task: &str, d: usize) -> String {
    format!("{task}-dynamics-d{d}")
}

/// Three unequal classes, two of whose means are not orthogonal.
fn mixture() -> TaskKind {
    TaskKind::Mixture {
        probabilities: vec![0.5, 0.3, 0.2],
        means: Means::Gram(vec![vec![1.0, 0.3, 0.0], vec![0.3, 1.0, 0.0], vec![0.0, 0.0, 1.0]]),
    }
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let dimensions: &[usize] = settings.profile.pick(&DIMENSIONS, &QUICK_DIMENSIONS);
    let mut requests = Vec::new();
    for (task, _) in TASKS {
        for &d in dimensions {
            let (kind, beta, start) = match task {
                "gmm" => (mixture(), 0.05, Start::default()),
                _ => (TaskKind::xor(4), 0.02, macroscopic()),
            };
            requests.push(Request::new(settings.experiment(Experiment {
                name: name(task, d),
                model: Model { task: kind, d, lambda: 10.0, beta, c: 1.0, phi: 1.0, start },
                horizon: settings.profile.pick(20.0, 10.0),
                checkpoints: 21,
                spacing: Spacing::Linear,
                replicates: settings.profile.pick(40, 20),
                simulator: Simulator::Sgd,
            })?));
        }
    }
    Ok(requests)
}

fn small(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut statistics, mut bands, mut theory) = (Vec::new(), Vec::new(), Vec::new());
    for experiment in data.experiments() {
        let limit = limit(experiment)?;
        let task = task::build(&experiment.kept());
        let schedule = experiment.schedule();
        let here = |checkpoint: usize, replicate: Option<u32>| At {
            experiment: experiment.name.clone(),
            replicate,
            step: schedule[checkpoint],
            time: experiment.time(schedule[checkpoint]),
        };
        let last = schedule.len() - 1;
        theory.push(Statistic::plain(&here(last, None), "error of the prediction", limit.error()));
        // Smallest and largest value over replicates, by checkpoint and statistic.
        let mut ranges: BTreeMap<(usize, &str, usize, usize), (f64, f64)> = BTreeMap::new();
        for replicate in data.finished(&experiment.name)? {
            let mut farthest = 0.0_f64;
            for (checkpoint, observed) in
                data.trajectory(&experiment.name, replicate)?.checkpoints.iter().enumerate()
            {
                for summary in task.summary(&observed.parameters) {
                    let expected = foreseen(&limit.path.states[checkpoint], &summary);
                    farthest = farthest.max((summary.value - expected).abs());
                    let key = (checkpoint, summary.statistic, summary.row, summary.col);
                    let range = ranges.entry(key).or_insert((f64::INFINITY, f64::NEG_INFINITY));
                    *range = (range.0.min(summary.value), range.1.max(summary.value));
                }
            }
            statistics.push(Statistic::plain(&here(last, Some(replicate)), DEVIATIONS, farthest));
        }
        for ((checkpoint, statistic, row, col), (low, high)) in ranges {
            let place = here(checkpoint, None);
            for (end, value) in [("low", low), ("high", high)] {
                bands.push(Statistic::between(
                    &place,
                    format!("{statistic}, {end}"),
                    small(row),
                    small(col),
                    value,
                ));
            }
            let summary = Summary { statistic: known(statistic), row, col, value: 0.0 };
            let expected = foreseen(&limit.path.states[checkpoint], &summary);
            theory.push(Statistic::between(&place, statistic, small(row), small(col), expected));
        }
    }
    Ok(vec![
        statistics_table("statistics", &statistics)?,
        statistics_table("bands", &bands)?,
        statistics_table("theory", &theory)?,
    ])
}

fn known(statistic: &str) -> &'static str {
    match statistic {
        "m" => "m",
        "R" => "R",
        _ => "v",
    }
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let mut claims = Vec::new();
    for (id, bound, (task, words)) in
        [("D1.gmm-rate", "D1.gmm-deviation", TASKS[0]), ("D1.xor-rate", "D1.xor-deviation", TASKS[1])]
    {
        let experiments = by_dimension(results, task);
        let all = places(&experiments, dimension, |experiment| values(&statistics, experiment, DEVIATIONS));
        let range = experiments.first().zip(experiments.last());
        let (least, most) = range.map_or((0, 0), |(first, last)| (first.model.d, last.model.d));
        claims.push(
            declare(
                id,
                format!(
                    "the effective dynamics of {words} predict every summary statistic up to O(d^{{-1/2}})"
                ),
                format!(
                    "slope in d of the largest deviation over time and statistics, d from {least} to {most}"
                ),
            )
            .between(-0.5 - SLOPE, -0.5 + SLOPE)
            .measure(&slopes(&all))?,
        );
        let scaled: Vec<f64> = all
            .last()
            .map_or_else(Vec::new, |(d, values)| values.iter().map(|value| value * d.sqrt()).collect());
        claims.push(
            declare(
                bound,
                format!(
                    "the deviation of {words} from the effective dynamics is a small multiple of d^{{-1/2}}"
                ),
                format!("sqrt(d) times the largest deviation over time and statistics, d = {most}"),
            )
            .at_most(DEVIATION)
            .measure(&scaled)?,
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
                "inner product of first-layer weights with means or with each other, or of a v_i,",
            ],
            &xor,
        )?,
    ])
}

/// `words`: the title, what panels a to e show, and what deviates in panel f.
fn figure(results: &Results, task: &str, name: &str, words: [&str; 3], shown: &[Shown]) -> Result<Figure> {
    let [title, curves, deviating] = words;
    let (bands, theory) = (Statistics::read(results, "bands")?, Statistics::read(results, "theory")?);
    let experiments = by_dimension(results, task);
    let dimensions = experiments.first().zip(experiments.last());
    let (least, most) = dimensions.map_or((0, 0), |(first, last)| (first.model.d, last.model.d));
    let mut figure = Figure::new(
        name,
        Caption::new(
            title,
            format!(
                "{curves}, over training time t: bands, range over the replicates of SGD at d = {least} (blue) and d = {most} \
                 (orange); dashed, the solution of the effective dynamics, to which nothing is fitted. (f) Largest deviation of \
                 any {deviating} from the solution at any time over dimension d: marks, mean over replicates; bars, its 95 % \
                 interval; dash-dotted, a line of slope -1/2 through their middle"
            ),
            setting(&experiments, &[]),
            "The bands narrow around the predicted curves, and the deviation falls like d^(-1/2)",
        ),
        Width::Full,
        3,
    );
    let ends: Vec<(&Experiment, Style)> = experiments
        .first()
        .zip(experiments.last())
        .map(|(first, last)| {
            vec![(*first, Style::measured(Colour::Blue)), (*last, Style::measured(Colour::Vermillion))]
        })
        .unwrap_or_default();
    for &(statistic, row, col, label) in shown {
        let curve = |of: &Statistics, experiment: &Experiment, name: &str| -> Vec<(f64, f64)> {
            of.rows(&experiment.name, name)
                .filter(|found| found.row == Some(row) && found.col == Some(col))
                .map(|found| (found.at.time, found.value))
                .collect()
        };
        let mut panel = Panel::new(Axis::linear("training time $t$"), Axis::linear(label));
        for (experiment, style) in &ends {
            let low = curve(&bands, experiment, &format!("{statistic}, low"));
            let high = curve(&bands, experiment, &format!("{statistic}, high"));
            let band = low.iter().zip(&high).map(|(low, high)| (low.0, low.1, high.1)).collect();
            panel = panel.series(Series::band(
                format!("$d = {}$: range of {} replicates", experiment.model.d, experiment.replicates),
                *style,
                band,
            ));
        }
        if let Some((experiment, _)) = ends.last() {
            panel = panel.series(Series::line(
                "effective dynamics",
                Style::theory(Colour::Black),
                curve(&theory, experiment, statistic),
            ));
        }
        figure = figure.panel(panel);
    }
    Ok(figure.panel(rate(results, &experiments)?))
}

/// The largest deviation over dimension, with the law it should follow.
fn rate(results: &Results, experiments: &[&Experiment]) -> Result<Panel> {
    let statistics = Statistics::read(results, "statistics")?;
    let all = places(experiments, dimension, |experiment| values(&statistics, experiment, DEVIATIONS));
    let bars = bars(&all)?;
    let law = half_law(&bars);
    let panel = Panel::new(Axis::log("dimension $d$"), Axis::log("largest deviation"))
        .series(Series::error_bars(
            "mean of replicates, 95 % interval",
            Style::measured(Colour::Green).marker(Marker::Circle),
            bars,
        ))
        .series(Series::line(r"slope $-1/2$", Style::theory(Colour::Green).dash(Dash::DashDot), law));
    Ok(match experiments.first() {
        Some(experiment) => {
            let note =
                format!(r"$\lambda = {}$, $\beta = {}$", experiment.model.lambda, experiment.model.beta);
            panel.note(0.97, 0.93, note, Anchor::Right)
        }
        None => panel,
    })
}
