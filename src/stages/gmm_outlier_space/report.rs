//! Claims and figures of the stage `gmm-outlier-space`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Marker, Panel, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, chosen, declare, theory as basis};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics, Subspace, extent, mean, mean_and_range};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{between, number, percent};
use crate::stages::common::judged::{
    averaged, combined, from_onset, mean as average_of, minus, noise, smallest,
};
use crate::stages::common::looks;
use crate::stages::common::mixture::{
    COUNTS, MAIN, NO_RIDGE, OBLIQUE, SHOWN, UNEQUAL, WIDE, WIDE_CLEAR, classes,
};
use crate::stages::common::panels::{mapped, over_log_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::{listed, parameters};
use crate::stages::gmm_outlier_space::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-outlier-space",
    kind: StageKind::Theorem,
    on_request: false,
    title: "The outlier eigenspaces of every block of H and G live in the span of the means",
    source: "src/stages/gmm_outlier_space/mod.rs",
    report: file!(),
    claims: &[
        "A2.hessian",
        "A2.gradient",
        "A2.hessian-k10",
        "A2.gradient-k10",
        "A2.gradient-k10-clear",
        "A2.hessian-beta-0",
        "A2.gradient-beta-0",
        "A2.hessian-oblique",
        "A2.gradient-oblique",
        "A2.hessian-unequal",
        "A2.gradient-unequal",
        "A2.offdiagonal-space-hessian-start",
        "A2.offdiagonal-space-hessian-end",
        "A2.offdiagonal-space-gradient-start",
        "A2.offdiagonal-space-gradient-end",
        "A2.offdiagonal-hessian-start",
        "A2.offdiagonal-hessian",
        "A2.offdiagonal-gradient-negative",
        "A2.offdiagonal-gradient-positive",
        "A2.offdiagonal-gradient-end",
    ],
    figures: &["gmm-outlier-space", "gmm-off-diagonal"],
    plan,
    reduce,
    judge,
    draw,
};

/// Name of the number of outliers that theory predicts beyond the bulk.
const BEYOND: &str = "outliers beyond the bulk";

/// Least share of runs with exactly the predicted numbers of eigenvalues beyond the levels. An eigenvalue of the bulk exceeds
/// its level in less than one run in a thousand (Tracy and Widom's law at four scales, on either side), and in G where a sample
/// has some large weights more than others; 752 of 800 runs still show more than 0.9.
const EXACTLY: f64 = 0.9;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let mut claims = Vec::new();
    for (name, suffix, which) in [
        (MAIN, "", ""),
        (WIDE, "-k10", ""),
        (WIDE_CLEAR, "-k10-clear", ""),
        (NO_RIDGE, "-beta-0", " without ridge too"),
        (OBLIQUE, "-oblique", " with means that are not orthogonal"),
        (UNEQUAL, "-unequal", " with classes that are not equally likely"),
    ] {
        for (matrix, symbol) in SYMBOLS {
            // At so large a λ nothing tells eigenvectors of H from principal components.
            if name == WIDE_CLEAR && matrix == Matrix::Hessian {
                continue;
            }
            claims.push(diagonal(results, (&statistics, &theory), (name, suffix, which), (matrix, symbol))?);
        }
    }
    for (matrix, symbol) in SYMBOLS {
        for when in ["start", "end"] {
            claims.push(off_diagonal_space(results, (&statistics, &theory), (matrix, symbol), when)?);
        }
    }
    claims.extend(counted(results, &statistics)?);
    Ok(claims)
}

/// Relative error that a predicted deficit `1 - ‖P_U P_B‖_F²/k` may have: two standard deviations of the squared length of k
/// vectors outside `V`, and the bias from random weights.
fn deficit_error(experiment: &Experiment, scatter: f64) -> f64 {
    noise(experiment, experiment.problem.rows()) + 2.0 * scatter
}

/// What the two nulls have for the overlap with the means, less a prediction.
fn nulls(statistics: &Statistics, name: &str, predicted: &Values) -> [(&'static str, Values); 2] {
    [Subspace::Components, Subspace::Random].map(|subspace| {
        let other = averaged(&statistics.of(name, "overlap with the means").with(subspace));
        (subspace.name(), minus(&other, predicted))
    })
}

fn diagonal(
    results: &Results,
    (statistics, theory): (&Statistics, &Statistics),
    (name, suffix, which): (&str, &str, &str),
    (matrix, symbol): (Matrix, &str),
) -> Result<Claim> {
    let experiment = results.experiment(name)?;
    let k = experiment.problem.rows();
    let diagonal = |table: &Statistics, statistic: &str| -> Values {
        let rows = table.of(name, statistic).matrix(matrix).only(|row| row.of.row == row.of.col);
        averaged(&from_onset(rows, experiment))
    };
    let predicted = diagonal(theory, "overlap");
    let measured = diagonal(statistics, "overlap");
    let outliers = from_onset(theory.of(name, BEYOND).matrix(matrix), experiment);
    let fewest = average_of(&smallest(&outliers));
    let tolerance =
        (1.0 - average_of(&predicted)) * deficit_error(experiment, average_of(&diagonal(theory, "scatter")));
    let blocks = if suffix.starts_with("-k10") { "11" } else { "cc" };
    let [components, random] = nulls(statistics, name, &predicted);
    declare(format!("A2.{}{suffix}", matrix.name()), Kind::Prediction)
        .says(format!("the outlier eigenspace of {symbol}_{blocks} lives in Span(mu){which} as far as the effective spectrum predicts, k = {k}, lambda = {}", experiment.problem.lambda()))
        .statistic("|P_U P_B|_F^2 / k of the top-k eigenspace and B = Span mu, mean over c and over checkpoints from T0 on, minus its prediction from the run's own inner products")
        .about([name])
        .near(0.0, tolerance, basis("relative error of 1 - overlap: two standard deviations of a squared length in k d components, and the variance of mean weights in n points"))
        .premise(fewest >= as_f64(k), format!("the theory predicts {fewest:.1} of {k} outliers beyond the bulk; measured overlap {:.3}, predicted of these {:.3}", average_of(&measured), average_of(&predicted)))
        .null(components.0, components.1)
        .null(random.0, random.1)
        .mean(minus(&measured, &predicted))
}

fn off_diagonal_space(
    results: &Results,
    (statistics, theory): (&Statistics, &Statistics),
    (matrix, symbol): (Matrix, &str),
    when: &str,
) -> Result<Claim> {
    let experiment = results.experiment(MAIN)?;
    let last = experiment.schedule().last().copied().unwrap_or(0);
    let step = if when == "start" { 0 } else { last };
    let of = |table: &Statistics| -> Values {
        let rows = table.of(MAIN, "overlap").matrix(matrix).step(step);
        averaged(&rows.only(|row| row.of.row != row.of.col))
    };
    let predicted = of(theory);
    let tolerance = (1.0 - average_of(&predicted)) * deficit_error(experiment, 0.0);
    let which = match (matrix, when) {
        (Matrix::Hessian, "start") => {
            "; its weights are nearly equal then, so principal components are as good"
        }
        _ => "",
    };
    let [components, random] = nulls(statistics, MAIN, &predicted);
    declare(format!("A2.offdiagonal-space-{}-{when}", matrix.name()), Kind::Prediction)
        .says(format!("the outlier eigenspace of {symbol}_ab, a ≠ b, lives in Span(mu) as far as the effective spectrum predicts, at the {when} of training{which}"))
        .statistic("|P_U P_B|_F^2 / k of the k eigenvectors of largest magnitude and B = Span mu, mean over blocks, minus its prediction from the run's own inner products")
        .about([MAIN])
        .near(0.0, tolerance, basis("relative error of 1 - overlap: two standard deviations of a squared length in k d components"))
        .null(components.0, components.1)
        .null(random.0, random.1)
        .mean(minus(&of(statistics), &predicted))
}

/// Claims about numbers of eigenvalues of off-diagonal blocks.
fn counted(results: &Results, statistics: &Statistics) -> Result<Vec<Claim>> {
    let experiment = results.experiment(COUNTS)?;
    let k = f64::from(classes(experiment));
    let last = experiment.schedule().last().copied().unwrap_or(0);
    // Per run: whether the numbers on the sides looked at are these.
    let exactly = |matrix: Matrix, step: u64, level: Option<Subspace>, sides: [Option<f64>; 2]| -> Values {
        let [below, above] = ["negative outliers", "positive outliers"].map(|side| {
            let rows = statistics.of(COUNTS, side).matrix(matrix).step(step);
            averaged(&rows.only(|row| row.of.subspace == level))
        });
        let same = |count: f64, side: Option<f64>| side.is_none_or(|wanted| (count - wanted).abs() < 0.5);
        combined(&below, &above, |below, above| {
            f64::from(u8::from(same(below, sides[0]) && same(above, sides[1])))
        })
    };
    let all = [Some(k), Some(0.0)];
    let split = [Some(2.0), Some(k - 2.0)];
    let (hessian, gradient) = (Matrix::Hessian, Matrix::Gradient);
    let mut claims = Vec::new();
    for (id, says, matrix, step, sides) in [
        (
            "A2.offdiagonal-hessian-start",
            "H_12 has k negative outliers and no positive one at the start",
            hessian,
            0,
            all,
        ),
        (
            "A2.offdiagonal-hessian",
            "H_12 has k negative outliers and no positive one at the end",
            hessian,
            last,
            all,
        ),
        (
            "A2.offdiagonal-gradient-negative",
            "G_12 has two negative outliers at the start",
            gradient,
            0,
            [Some(2.0), None],
        ),
        (
            "A2.offdiagonal-gradient-positive",
            "G_12 has k-2 smaller positive outliers at the start",
            gradient,
            0,
            [None, Some(k - 2.0)],
        ),
        (
            "A2.offdiagonal-gradient-end",
            "G_12 has two negative and k-2 smaller positive outliers at the end, as at the start",
            gradient,
            last,
            split,
        ),
    ] {
        let other = if matrix == hessian { (gradient, "gradient-matrix") } else { (hessian, "hessian") };
        let claim = declare(id, Kind::Share)
            .says(says)
            .statistic("share of runs with exactly these numbers of eigenvalues beyond the predicted edges and 4 Tracy-Widom scales, by the run's own inner products")
            .about([COUNTS])
            .at_least(EXACTLY, chosen("below 1 by what exceedances of the bulk may cost, which the largest weights of a sample of G make; 752 of 800 runs show as much"))
            .predicted(1.0)
            .null(other.1, exactly(other.0, step, None, sides));
        // Theory has G at the end on both sides as at the start, so its start is no other statement.
        let claim = if step > 0 && matrix == hessian {
            claim.null("static-theory", exactly(matrix, step, Some(Subspace::Start), sides))
        } else {
            claim
        };
        claims.push(claim.share(exactly(matrix, step, None, sides))?);
    }
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    Ok(vec![overlaps(results, &statistics, &theory)?, off_diagonal(results, &theory)?])
}

/// How much of the outlier spaces lies outside the span of the means.
fn overlaps(results: &Results, statistics: &Statistics, theory: &Statistics) -> Result<Figure> {
    let (main, wide) = (results.experiment(MAIN)?, results.experiment(WIDE)?);
    let clear = results.experiment(WIDE_CLEAR)?;
    let at_end = |of: &Statistics, name: &str, what: &str| {
        let curves = of.of(name, what).matrix(Matrix::Gradient).row(0).curves();
        mean(&curves).last().map_or(f64::NAN, |point| point.1)
    };
    let leading: Vec<f64> = statistics
        .of(MAIN, "entry")
        .rank(1)
        .only(|row| row.of.cluster == row.of.row)
        .iter()
        .map(|row| row.value.abs())
        .collect();
    let caption = Caption::new(
        "The outlier eigenspaces of H and of G live in the span of the means",
        format!(
            "Share of the top k eigenvectors of H_11 and of G_11 outside the span of the means, 1 less the overlap, over training time, (a) for k = {}, (b) for k = {} and (c) at a larger λ: marks, mean; bars, range over {}, {} \
             and {} replicates; lines, predicted from each run's inner products",
            classes(main),
            classes(wide),
            main.replicates,
            wide.replicates,
            clear.replicates
        ),
        parameters(&[main, wide, clear]),
        format!(
            "At k = {} and λ = {} theory ends with {} outliers of G and an overlap of {}; {} is measured. At \
             k = {} the leading eigenvectors of H_cc and G_cc have inner products of {} with μ_c in replicate 0",
            classes(wide),
            wide.problem.lambda(),
            number(at_end(theory, WIDE, BEYOND), 1),
            number(at_end(theory, WIDE, "overlap"), 3),
            number(at_end(statistics, WIDE, "overlap"), 3),
            classes(main),
            between(extent(&leading), 3)
        ),
    );
    let mut figure = Figure::new("gmm-outlier-space", caption, Width::Full, 3);
    for experiment in [main, wide, clear] {
        let mut panel = over_log_time(experiment, Axis::log(r"$1 - \| P_U P_{\mu}\|_F^2/k$")).title(format!(
            r"$k = {}$, $\lambda = {}$",
            classes(experiment),
            experiment.problem.lambda()
        ));
        for (matrix, label) in SYMBOLS {
            let lacking = |table: &Statistics| {
                mapped(first_block(table, &experiment.name).matrix(matrix).curves(), |overlap| 1.0 - overlap)
            };
            panel = panel
                .error_bars(
                    format!(r"${label}_{{11}}$, mean and range"),
                    looks::matrix(matrix),
                    mean_and_range(&lacking(statistics)),
                )
                .line(
                    format!(r"${label}_{{11}}$, predicted"),
                    looks::predicted_of(matrix),
                    mean(&lacking(theory)),
                );
        }
        figure = figure.panel(panel);
    }
    Ok(figure)
}

/// Overlap of the outlier space of the first block with the span of the means.
fn first_block<'a>(table: &'a Statistics, experiment: &str) -> Selection<'a> {
    table.of(experiment, "overlap").row(0).only(|row| row.of.col == Some(0))
}

fn off_diagonal(results: &Results, theory: &Statistics) -> Result<Figure> {
    let spectrum = Statistics::eigenvalues(results)?;
    let end = spectrum.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    // Numbers of predicted outliers below and above the bulk, and the largest relative deviation of a measured one.
    let (mut sides, mut farthest) = (Vec::new(), 0.0_f64);
    let mut panels = Vec::new();
    for (matrix, label) in SYMBOLS {
        for (step, when) in [(0, "start"), (end, "end")] {
            let named = |name: &str| theory.of(MAIN, name).matrix(matrix).step(step).values();
            let measured = spectrum.in_experiment(MAIN).matrix(matrix).step(step).values();
            let predicted = named("outlier");
            sides.push(format!(
                "{} below and {} above ({label}, {when})",
                predicted.iter().filter(|value| **value < 0.0).count(),
                predicted.iter().filter(|value| **value > 0.0).count()
            ));
            for (found, foretold) in measured.iter().zip(&predicted) {
                farthest = farthest.max((found / foretold - 1.0).abs());
            }
            let scaled = |values: &[f64]| -> Vec<(f64, f64)> {
                (1..).zip(values).map(|(rank, value)| (f64::from(rank), value * 1e3)).collect()
            };
            let mut panel = Panel::new(
                Axis::linear("rank by magnitude").whole().range(0.4, f64::from(SHOWN) + 0.6),
                Axis::linear(format!(r"eigenvalue of ${label}_{{12}}$ [$10^{{-3}}$]")),
            )
            .title(format!("{when} of training"))
            .points(
                format!("${label}_{{12}}$, replicate 0"),
                looks::matrix(matrix).size(5.0),
                scaled(&measured),
            )
            .points(
                "predicted outlier",
                looks::predicted().marker(Marker::Cross).size(3.6),
                scaled(&predicted),
            );
            if let (Some(&low), Some(&high)) = (named("left edge").first(), named("edge").first()) {
                let ends = [0.4, f64::from(SHOWN) + 0.6].map(|rank| (rank, low * 1e3, high * 1e3)).to_vec();
                panel = panel.band("band: predicted support of the bulk", Style::reference(), ends);
            }
            panels.push(panel);
        }
    }
    let caption = Caption::new(
        "Eigenvalues of the off-diagonal blocks stand on both sides of the bulk",
        format!(
            "The {SHOWN} eigenvalues of largest magnitude of H_12 (a, b) and of G_12 (c, d) at the start (a, c) and the end (b, d) of training in replicate 0: open marks, measured; crosses, predicted outliers; band, predicted bulk"
        ),
        parameters(&[results.experiment(MAIN)?]),
        format!(
            "Theory has outliers {}; the measured eigenvalues of the same rank are within {} of them",
            listed(&sides),
            percent(farthest, 0)
        ),
    );
    let figure = Figure::new("gmm-off-diagonal", caption, Width::Full, 2).axes_height(100.0);
    Ok(panels.into_iter().fold(figure, Figure::panel))
}
