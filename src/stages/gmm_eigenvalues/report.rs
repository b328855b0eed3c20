//! Claims and figures of the stage `gmm-eigenvalues`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::problem::as_f64;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, chosen, declare, theory as basis};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, Subspace, average, extent};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::between;
use crate::stages::common::judged::{
    averaged, combined, ending, extreme, from_onset, mean as average_of, smallest,
};
use crate::stages::common::mixture::{CONTRAST, COUNTS, MAIN, SHOWN, classes};
use crate::stages::common::panels::{Expected, eigenvalues, over_log_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::gmm_eigenvalues::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-eigenvalues",
    kind: StageKind::Figure,
    on_request: false,
    title: "Top eigenvalues of H_11 and G_11 along training: one leading outlier, k-1 smaller ones, the bulk",
    source: "src/stages/gmm_eigenvalues/mod.rs",
    report: file!(),
    claims: &[
        "A4.gradient-start",
        "A4.hessian-start",
        "A4.gradient-end",
        "A4.hessian-end",
        "A4.hessian-clear",
        "A4.gradient-clear",
    ],
    figures: &["gmm-eigenvalues"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share of runs with exactly k eigenvalues above the level: an eigenvalue of the bulk exceeds it in less than one run in a
/// thousand (Tracy and Widom's law at four scales), and 752 of 800 runs still show more than 0.9.
const EXACTLY: f64 = 0.9;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let theory = Statistics::read(results, "theory")?;
    let (gradient, hessian) = ((Matrix::Gradient, "G"), (Matrix::Hessian, "H"));
    let mut claims = Vec::new();
    for (of, when) in [(gradient, "start"), (hessian, "start"), (gradient, "end"), (hessian, "end")] {
        claims.push(leads(results, (&statistics, &theory), of, when)?);
    }
    for (matrix, symbol) in SYMBOLS {
        claims.push(clear(results, &statistics, matrix, symbol)?);
    }
    Ok(claims)
}

/// Relative error that the smallest of k predicted leads may have, twice what is expected of it: outliers follow the shares of
/// their classes in the sample and the scatter of weights, by `√s` relative to their mean (`√(s k/(k-1))` relative to the mean
/// of the others), and the extreme of k such numbers is off by at most `√(2 ln k)` of them.
fn lead_error(k: usize, scatter: f64) -> f64 {
    2.0 * extreme(k) * (scatter * as_f64(k) / as_f64(k - 1)).sqrt()
}

fn leads(
    results: &Results,
    (statistics, theory): (&Statistics, &Statistics),
    (matrix, symbol): (Matrix, &str),
    when: &str,
) -> Result<Claim> {
    let experiment = results.experiment(MAIN)?;
    let k = experiment.problem.rows();
    let at = |table: &Statistics, statistic: &str, matrix: Matrix, when: &str| -> Values {
        let rows = table.of(MAIN, statistic).matrix(matrix);
        smallest(&if when == "start" { rows.step(0) } else { from_onset(rows, experiment) })
    };
    let predicted = at(theory, "lead", matrix, when);
    let relative =
        |values: &Values| combined(values, &predicted, |measured, predicted| measured / predicted - 1.0);
    let components = averaged(&statistics.of(MAIN, "lead").with(Subspace::Components));
    let tolerance = lead_error(k, average_of(&at(theory, "scatter", matrix, when)));
    let (says, blocks) = match (matrix, when) {
        (Matrix::Gradient, "start") => ("has one leading outlier from the start", "11"),
        (Matrix::Hessian, "start") => (
            "has k nearly degenerate outliers at the start, like the sample without weights, all of which are nearly equal",
            "11",
        ),
        _ => ("has one leading outlier after training, for every c", "cc"),
    };
    let statistic = if when == "start" {
        format!(
            "leading eigenvalue of {symbol}_11 over the mean of the next k-1 at the start, over its prediction from the run's own inner products, minus 1"
        )
    } else {
        format!(
            "smallest ratio over c, at T0 and at the end, of the leading eigenvalue of {symbol}_cc to the mean of the next k-1, over its prediction from the run's own inner products, minus 1"
        )
    };
    let claim = declare(format!("A4.{}-{when}", matrix.name()), Kind::Prediction)
        .says(format!("{symbol}_{blocks} {says}: predicted {:.3} times the mean of the other k-1", average_of(&predicted)))
        .statistic(statistic)
        .about([MAIN])
        .near(0.0, tolerance, basis("twice (2 ln k)^{1/2} standard deviations of an outlier, which follows the share of its class in the sample and the scatter of weights"));
    let claim = match (matrix, when) {
        // Theory says that principal components have the same ratio here: the contrast is with later, and with G.
        (Matrix::Hessian, "start") => claim
            .null("end", relative(&at(statistics, "lead", matrix, "end")))
            .null("gradient-matrix", relative(&at(statistics, "lead", Matrix::Gradient, when))),
        (Matrix::Hessian, _) => claim
            .null("principal-components", relative(&components))
            .null("start", relative(&at(statistics, "lead", matrix, "start"))),
        _ => claim
            .null("principal-components", relative(&components))
            .null("hessian", relative(&at(statistics, "lead", Matrix::Hessian, when))),
    };
    claim.mean(relative(&at(statistics, "lead", matrix, when)))
}

fn clear(results: &Results, statistics: &Statistics, matrix: Matrix, symbol: &str) -> Result<Claim> {
    let experiment = results.experiment(COUNTS)?;
    let k = f64::from(classes(experiment));
    let exactly = |subspace: Option<Subspace>| -> Values {
        let rows = statistics.of(COUNTS, "outliers").matrix(matrix).only(|row| row.of.subspace == subspace);
        let counts = averaged(&ending(rows, experiment));
        counts
            .into_iter()
            .map(|(replicate, count)| (replicate, f64::from(u8::from((count - k).abs() < 0.5))))
            .collect()
    };
    declare(format!("A4.{}-clear", matrix.name()), Kind::Share)
        .says(format!("after training k eigenvalues of {symbol}_11, the leading one and k-1 smaller ones, stand clear of the bulk, and no other"))
        .statistic("share of runs with exactly k eigenvalues above the predicted edge and 4 Tracy-Widom scales at the end, by the run's own inner products")
        .about([COUNTS])
        .at_least(EXACTLY, chosen("below 1 by what exceedances of the bulk may cost; 752 of 800 runs show as much"))
        .predicted(1.0)
        .null("static-theory", exactly(Some(Subspace::Start)))
        .share(exactly(None))
}

/// Means and ranges over replicates of the outliers of a matrix of an experiment, where more than one replicate has them.
fn ranges(spectrum: &Statistics, name: &str, matrix: Matrix, k: u32) -> Vec<(f64, f64, f64, f64)> {
    let mut places: BTreeMap<(u64, Option<u32>), (f64, Vec<f64>)> = BTreeMap::new();
    let outliers =
        spectrum.in_experiment(name).matrix(matrix).only(|row| row.of.rank.is_some_and(|rank| rank <= k));
    for row in outliers.iter() {
        let place = places.entry((row.at.step, row.of.rank)).or_insert((row.at.time, Vec::new()));
        place.1.push(row.value);
    }
    let several = places.into_values().filter(|(_, values)| values.len() > 1);
    several
        .map(|(time, values)| {
            let (low, high) = extent(&values);
            (time, average(&values), low, high)
        })
        .collect()
}

/// Relative deviations from their predictions of the leading eigenvalue of both matrices, over all times: of replicate 0, and
/// of the mean over replicates.
fn off(spectrum: &Statistics, theory: &Statistics, name: &str) -> [Vec<f64>; 2] {
    let (mut first, mut means) = (Vec::new(), Vec::new());
    for (matrix, _) in SYMBOLS {
        for row in theory.of(name, "outlier").matrix(matrix).rank(1).iter() {
            let found = spectrum.in_experiment(name).matrix(matrix).rank(1).step(row.at.step);
            first.extend(found.clone().replicate(0).values().first().map(|value| value / row.value - 1.0));
            if found.values().len() > 1 {
                means.push(found.mean() / row.value - 1.0);
            }
        }
    }
    [first, means]
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let beyond = |matrix: Matrix| {
        let last =
            theory.of(CONTRAST, "outlier").matrix(matrix).iter().map(|row| row.at.step).max().unwrap_or(0);
        theory.of(CONTRAST, "outlier").matrix(matrix).step(last).values().len()
    };
    let [first, means] = off(&spectrum, &theory, MAIN).map(|values| extent(&values));
    let ends = |(low, high): (f64, f64)| between((100.0 * low, 100.0 * high), 1);
    let caption = Caption::new(
        "Top eigenvalues of a diagonal block of H and of G along training",
        format!(
            "The {SHOWN} largest eigenvalues of H_11 (a, c) and of G_11 (b, d) over training time, at λ = {} (a, b) and λ = {} (c, d): \
             lines, replicate 0; bars, range of the k largest over {} replicates; dashed, outliers, and dotted, edge, predicted from the inner products of replicate 0",
            main.problem.lambda(),
            contrast.problem.lambda(),
            main.replicates
        ),
        parameters(&[main, contrast]),
        format!(
            "At λ = {} the leading outliers of replicate 0 are {} % off their prediction at all times, since one test sample serves \
             them all, and means over replicates {} %. At λ = {} theory ends with {} outliers of H and {} of G",
            main.problem.lambda(),
            ends(first),
            ends(means),
            contrast.problem.lambda(),
            beyond(Matrix::Hessian),
            beyond(Matrix::Gradient)
        ),
    );
    let mut figure = Figure::new("gmm-eigenvalues", caption, Width::Full, 2);
    for experiment in [main, contrast] {
        let (name, k) = (&experiment.name, classes(experiment));
        for (matrix, label) in SYMBOLS {
            let block = format!("{label}_{{11}}");
            let predicted = theory.of(name, "outlier").matrix(matrix);
            let expected = Expected {
                eigenvalues: predicted.ranked(k),
                label: "predicted edge of the bulk",
                line: theory.of(name, "edge").matrix(matrix).points(),
            };
            figure = figure.panel(
                eigenvalues(
                    over_log_time(experiment, Axis::log(format!("eigenvalue of ${block}$"))),
                    (matrix, &block),
                    spectrum.in_experiment(name).matrix(matrix).replicate(0).ranked(SHOWN),
                    expected,
                    (experiment.replicates, ranges(&spectrum, name, matrix, k)),
                )
                .title(format!(r"$\lambda = {}$", experiment.problem.lambda())),
            );
        }
    }
    Ok(vec![figure])
}
