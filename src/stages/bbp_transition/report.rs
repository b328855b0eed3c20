//! Claims and figures of the stage `bbp-transition`: a change here computes and reduces nothing again.

mod figures;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, chosen, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Selection, Statistics, Subspace, average};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::bbp_transition::{is_followed, plan, reduce};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::thresholds::{DERIVED, TOLERANCE, offsets, predicted};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "bbp-transition",
    kind: StageKind::Theorem,
    on_request: false,
    title: "Where outliers leave the bulk, over signal-to-noise ratio, sample ratio and training time",
    source: "src/stages/bbp_transition/mod.rs",
    report: file!(),
    claims: &[
        "A5.grid-hessian-start",
        "A5.grid-hessian-end",
        "A5.grid-gradient-start",
        "A5.grid-gradient-end",
        "A5.dynamical-hessian",
        "A5.dynamical-gradient",
        "A5.time-hessian",
        "A5.time-gradient",
        "A5.carriers-hessian",
        "A5.carriers-gradient",
    ],
    figures: &["bbp-transition", "bbp-transition-in-time", "bbp-transition-carriers"],
    plan,
    reduce,
    judge,
    draw: figures::draw,
};

/// Largest mean difference of measured and predicted squared overlap of an outlier's eigenvector with the span of the means.
///
/// Judged are outliers that clear the edge by at least [`CLEAR`] margins, so by x = 8 Tracy-Widom scales or more, and whose
/// predicted overlap is below [`TELLING`]. The overlap q of one is biased by about `(1 - q) x^{-3/2}` at finite d, 0.045 (1 - q),
/// so by 0.02 on average; fluctuations, `d^{-1/2}` for one, leave 0.01 of a mean over ranks, ratios and replicates. A prediction
/// that is 1.25 times too large is off by 0.1 and more.
const CARRIERS: f64 = 0.03;

/// Least distance of a judged outlier from the edge, in units of that of the level.
const CLEAR: f64 = 2.0;

/// Largest predicted overlap that is judged: those near 1 would be met by any theory.
const TELLING: f64 = 0.9;

/// The threshold that a place names: experiment, step, rank.
type Place = (String, u64, Option<u32>);

/// Per replicate, the mean over places of measured minus expected overlap with the span of the means (or with a random space).
fn carriers(
    results: &Results,
    matrix: Matrix,
    space: Subspace,
    step_of: impl Fn(&Experiment) -> u64,
) -> Result<Values> {
    let (measured, theory) = Statistics::both(results)?;
    let mut all: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for experiment in results.experiments.values().filter(|one| is_followed(one)) {
        let end = last(experiment);
        let by_rank = |statistic: &str, step: u64| -> BTreeMap<Option<u32>, f64> {
            let rows = theory.of(&experiment.name, statistic).matrix(matrix).step(step);
            let rows = rows.only(|row| matches!(row.of.subspace, None | Some(Subspace::Means)));
            rows.iter().map(|row| (row.of.rank, row.value)).collect()
        };
        let (predicted, clearance) = (by_rank("overlap", end), by_rank("clearance", end));
        let expected = by_rank("overlap", step_of(experiment));
        let found = measured.of(&experiment.name, "overlap").matrix(matrix).with(space).step(end);
        for row in found.iter() {
            let judged = predicted.get(&row.of.rank).is_some_and(|overlap| *overlap < TELLING)
                && clearance.get(&row.of.rank).is_some_and(|clearance| *clearance >= CLEAR);
            if let (true, Some(replicate)) = (judged, row.at.replicate) {
                // A theory that has no outlier there says that the eigenvector is of the bulk, which overlaps with nothing.
                let expected = expected.get(&row.of.rank).copied().unwrap_or(0.0);
                all.entry(replicate).or_default().push(row.value - expected);
            }
        }
    }
    Ok(all.into_iter().map(|(replicate, values)| (replicate, average(&values))).collect())
}

fn last(experiment: &Experiment) -> u64 {
    experiment.schedule().last().copied().unwrap_or(0)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, expected) = Statistics::both(results)?;
    let all: Vec<String> = results.experiments.keys().cloned().collect();
    let followed: Vec<String> =
        results.experiments.values().filter(|one| is_followed(one)).map(|one| one.name.clone()).collect();
    let end = results.experiments.values().map(last).max().unwrap_or(0);
    let of = |table: &'_ Statistics, name: &str, matrix: Matrix| -> BTreeMap<Place, f64> {
        predicted(&Selection::every(table).matrix(matrix).only(|row| row.statistic == name))
    };
    let by_ratio = |place: &Place| place.0.clone();
    let by_time = |place: &Place| place.1;
    let mut claims = Vec::new();
    for (matrix, symbol) in SYMBOLS {
        let judged = of(&expected, "threshold", matrix);
        let unweighted = of(&expected, "threshold without weights", matrix);
        let at = |step: u64| {
            let judged = &judged;
            move |place: &Place| judged.get(&(place.0.clone(), step, place.2)).copied()
        };
        let without = |place: &Place| unweighted.get(&(place.0.clone(), 0, place.2)).copied();
        let found = Selection::every(&statistics).matrix(matrix).only(|row| row.statistic == "threshold");
        for (when, step, other) in [("start", 0, end), ("end", end, 0)] {
            let found = found.clone().step(step);
            let trivial = matrix == Matrix::Hessian && when == "start";
            let remark = if trivial {
                "; the weights are nearly constant then, so these are the ratios of principal components too"
            } else {
                ""
            };
            let claim = declare(format!("A5.grid-{}-{when}", matrix.name()), Kind::Prediction)
                .says(format!("outliers of {symbol}_11 leave the bulk at the predicted lambda for every phi, at the {when}{remark}"))
                .statistic("ln(measured / predicted lambda at which an eigenvalue clears the predicted edge by 4 Tracy-Widom scales): mean over ranks, at the phi where its mean over replicates is farthest from 0")
                .about(all.clone())
                .near(0.0, TOLERANCE, theory(DERIVED))
                .null(if when == "start" { "end-theory" } else { "static-theory" }, offsets(&found, &judged, at(other), by_ratio));
            let claim = if trivial {
                claim
            } else {
                claim.null("principal-components", offsets(&found, &judged, without, by_ratio))
            };
            claims.push(claim.mean(offsets(&found, &judged, at(step), by_ratio))?);
        }
        let found = found.only(|row| followed.contains(&row.at.experiment));
        let same = |place: &Place| judged.get(place).copied();
        claims.push(
            declare(format!("A5.dynamical-{}", matrix.name()), Kind::Prediction)
                .says(format!("the lambda at which outliers of {symbol}_11 leave the bulk moves during training as predicted"))
                .statistic("ln(measured / predicted lambda at which an eigenvalue clears the predicted edge by 4 Tracy-Widom scales): mean over ranks, at the time where its mean over replicates is farthest from 0")
                .about(followed.clone())
                .near(0.0, TOLERANCE, theory(DERIVED))
                .null("static-theory", offsets(&found, &judged, at(0), by_time))
                .null("principal-components", offsets(&found, &judged, without, by_time))
                .mean(offsets(&found, &judged, same, by_time))?,
        );
    }
    for (matrix, symbol) in SYMBOLS {
        let timed = |name: &str| name.starts_with("time of");
        let judged = predicted(&Selection::every(&expected).matrix(matrix).only(|row| timed(&row.statistic)));
        let found = Selection::every(&statistics).matrix(matrix).only(|row| timed(&row.statistic));
        let horizon = results.experiments.values().map(|one| one.horizon).fold(0.0, f64::max);
        claims.push(
            declare(format!("A5.time-{}", matrix.name()), Kind::Prediction)
                .says(format!("outliers of {symbol}_11 leave the bulk, or join it, at the predicted times of training"))
                .statistic("mean over lambda and ranks that theory says change sides of ln(measured / predicted time of the change)")
                .about(followed.clone())
                .near(0.0, TOLERANCE, chosen("as in lambda: 15 %, below the factor 1.25 that is to be told apart"))
                .null("static-theory", offsets(&found, &judged, |_| Some(horizon), |_| 0))
                .mean(offsets(&found, &judged, |place| judged.get(place).copied(), |_| 0))?,
        );
    }
    for (matrix, symbol) in SYMBOLS {
        claims.push(
            declare(format!("A5.carriers-{}", matrix.name()), Kind::Prediction)
                .says(format!("outliers of {symbol}_11 carry the span of the means as much as predicted"))
                .statistic(format!("mean over lambda and ranks at the end of measured - predicted squared overlap with Span(mu), where predicted is below {TELLING} and the outlier {CLEAR} times as far from the edge as the level"))
                .about(followed.clone())
                .near(0.0, CARRIERS, theory("bias (1 - q) x^(-3/2) of an overlap q at x >= 8 Tracy-Widom scales from the edge, 0.02, and fluctuations d^(-1/2) averaged"))
                .null("static-theory", carriers(results, matrix, Subspace::Means, |_| 0)?)
                .null("random-subspace", carriers(results, matrix, Subspace::Random, last)?)
                .mean(carriers(results, matrix, Subspace::Means, last)?)?,
        );
    }
    Ok(claims)
}
