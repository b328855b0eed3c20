//! Claims and figures of the stage `effective-spectrum`: a change here computes and reduces nothing again.

mod compared;
mod figures;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::Subspace;
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::dimensions::{by_dimension, dimension, places};
use crate::stages::common::grid::slopes;
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::thresholds::DRAWS;
use crate::stages::effective_spectrum::report::compared::{Against, Compared, Scale, What};
use crate::stages::effective_spectrum::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "effective-spectrum",
    kind: StageKind::Theorem,
    on_request: false,
    title: "Outliers, their eigenvectors and the bulk of H and G against the effective spectrum, both tasks",
    source: "src/stages/effective_spectrum/mod.rs",
    report: file!(),
    claims: &[
        "D2.outliers-gmm",
        "D2.overlaps-gmm",
        "D2.outliers-xor-first",
        "D2.overlaps-xor-first",
        "D2.outliers-xor-second",
        "D2.overlaps-xor-second",
        "D2.rate-gmm",
        "D2.bulk-gmm",
        "D2.rate-xor",
        "D2.bulk-xor",
        "D2.edge-gmm-hessian",
        "D2.edge-gmm-gradient",
        "D2.edge-xor-hessian",
        "D2.edge-xor-gradient",
    ],
    figures: &["effective-spectrum-gmm", "effective-spectrum-xor", "effective-spectrum-xor-second"],
    plan,
    reduce,
    judge,
    draw: figures::draw,
};

/// Largest relative difference of a sum of outliers that no gap separates, mean over replicates at the largest d.
///
/// An outlier is carried by the `p n` points of one class, so it fluctuates by `√(κ/(p n))`, at most 0.03 for p = 0.1, n = 6000 and
/// κ = `E f²/(E f)² - 1` of order 1/2; its mean over forty replicates by 0.005. Half an interval is 4.4 of these, the largest of
/// forty places 2.5 more, and 3 are left; its bias is of relative order `1/(p n)` and smaller. Levels that a gap of less than a
/// tenth separates repel each other: only their sum is predicted so well.
const OUTLIER: f64 = 0.05;

/// Largest difference of a squared overlap q, as a share of what the prediction lacks to 1: biased by `(1 - q) x^{-3/2}` at x > 4
/// Tracy-Widom scales from the edge, an eighth of `1 - q`, and fluctuating by `(2/d)^{1/2}(1 - q)`, of which 0.05 are 7 standard errors
/// of forty and half as much again. Principal components lack another share: those of a first layer half of it.
const OVERLAP: f64 = 0.175;

/// Most that eigenvectors of the second layer lack of the predicted ones, squared: `(K - 1)/(n g²)` with gaps g of a tenth, below
/// which they are taken together, at n = 6000: each other eigenvector mixes in by the relative noise `n^{-1/2}` of an entry over
/// the gap.
const LACKING: f64 = 0.05;

/// Tolerance of the slope -1/2 of the deviation in d: nearer to it than to 0, the slope of a wrong theory. Deviations of
/// replicates, means over a few independent numbers, scatter by 0.3, so slopes over these d by 0.13; half an interval and 7
/// standard errors of forty are 0.24.
const RATE: f64 = 0.25;

/// Largest distance of the distribution functions of all eigenvalues, measured and predicted: eigenvalues scale with the mean weight
/// of the sample, which fluctuates by `n^{-1/2}` of itself; two of that for H and G, and outliers are up to `4/d`.
fn distance_bound(experiment: Option<&Experiment>) -> f64 {
    experiment.map_or(f64::INFINITY, |one| {
        2.0 / as_f64(one.problem.sample_size()).sqrt() + 4.0 / as_f64(one.problem.d())
    })
}

/// Standard errors between expectation and bound, by which a claim whose theory is right is not missed.
const ERRORS: f64 = 7.6;

/// Largest relative difference of the largest eigenvalue of the bulk from its expectation: corrections to its mean of relative order
/// `d^{-2/3}`, and [`ERRORS`] standard errors of the mean over replicates and over the [`DRAWS`] samples of weights that the
/// expectation is taken over, by the predicted scatter of one.
fn edge_bound(experiment: Option<&Experiment>, scatter: f64) -> f64 {
    experiment.map_or(f64::INFINITY, |one| {
        let errors = (1.0 / f64::from(one.replicates) + 1.0 / as_f64(DRAWS)).sqrt();
        libm::pow(as_f64(one.problem.d()), -2.0 / 3.0) + ERRORS * scatter * errors
    })
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let compared = Compared::read(results)?;
    let (mixture, network) = (by_dimension(results, "gmm"), by_dimension(results, "xor"));
    let last = |experiments: &[&Experiment], what: What, against: Against| {
        experiments.last().map_or_else(Values::new, |experiment| compared.worst(experiment, what, against))
    };
    let name = |experiments: &[&Experiment]| experiments.last().map(|experiment| experiment.name.clone());
    let most = mixture.last().map_or(0, |experiment| experiment.problem.d());
    let beyond = "; ReLU weights are beyond the published theorem (arXiv 2502.15655)";
    let mut claims = Vec::new();
    for (outliers, overlaps, experiments, layer, block) in [
        ("D2.outliers-gmm", "D2.overlaps-gmm", &mixture, Layer::X, "block 11 of task A"),
        ("D2.outliers-xor-first", "D2.overlaps-xor-first", &network, Layer::W, "block W_1W_1 of task B"),
        ("D2.outliers-xor-second", "D2.overlaps-xor-second", &network, Layer::V, "block vv of task B"),
    ] {
        let remark = if layer == Layer::X { "" } else { beyond };
        let level = What { statistic: "outlier", layer, space: None, scale: Scale::Relative };
        claims.push(
            declare(outliers, Kind::Prediction)
                .says(format!("the outliers of H and G, {block}, lie where they are predicted{remark}"))
                .statistic(format!(
                    "measured / predicted sum of outliers that no gap separates, less 1, where its mean is largest, over times, ranks and H, G; d = {most}"
                ))
                .about(name(experiments))
                .near(0.0, OUTLIER, theory("fluctuations sqrt(kappa/(p n)) = 0.03, 0.005 in the mean of forty: half an interval, the largest of forty places, and 3 standard errors"))
                .null("static-theory", last(experiments, level, Against::Start))
                .mean(last(experiments, level, Against::Prediction))?,
        );
        let second = layer == Layer::V;
        let scale = if second { Scale::Difference } else { Scale::Lacking };
        let of = |space: Subspace| What { statistic: "overlap", layer, space: Some(space), scale };
        let lacking = |what: What| -> Values {
            let sign = if second { -1.0 } else { 1.0 };
            last(experiments, what, Against::Prediction)
                .into_iter()
                .map(|(r, value)| (r, sign * value))
                .collect()
        };
        let claim = if second {
            declare(overlaps, Kind::Bound)
                .says(format!("the outlier eigenvectors of H and G, {block}, are the predicted ones{remark}"))
                .statistic(format!(
                    "1 less the squared overlap with the predicted eigenvectors that no gap separates, where its mean is largest, over times, ranks and H, G; d = {most}"
                ))
                .at_most(LACKING, theory("an overlap with a predicted eigenvector is 1 at most; others mix in by (K - 1)/(n gap^2), with gaps of a tenth"))
        } else {
            declare(overlaps, Kind::Prediction)
                .says(format!("the outlier eigenvectors of H and G, {block}, overlap with the span of the means as predicted{remark}"))
                .statistic(format!(
                    "(measured - predicted)/(1 - predicted) squared overlap where its mean is largest, over times, ranks and H, G; d = {most}"
                ))
                .near(0.0, OVERLAP, theory("bias (1 - q) x^(-3/2) of an overlap q at x > 4 Tracy-Widom scales from the edge, an eighth of 1 - q, and 7 standard errors of fluctuations sqrt(2/d)(1 - q)"))
        };
        let claim = claim
            .about(name(experiments))
            .null("principal-components", lacking(of(Subspace::Components)))
            .null("random-subspace", lacking(of(Subspace::Random)));
        let own = if second { Subspace::Predicted } else { Subspace::Means };
        claims.push(claim.mean(lacking(of(own)))?);
    }
    for (task, experiments, layers, words, remark) in [
        ("gmm", &mixture, &[Layer::X][..], "task A", ""),
        ("xor", &network, &[Layer::W, Layer::V][..], "task B", beyond),
    ] {
        let sizes = |against: Against| {
            places(experiments, dimension, |one| compared.sizes(one, experiments, layers, against))
        };
        claims.push(
            declare(format!("D2.rate-{task}"), Kind::Rate)
                .says(format!("outliers of {words} approach their prediction like d^{{-1/2}}{remark}"))
                .statistic(
                    "slope in d of the mean size of the relative difference over times, ranks and H, G",
                )
                .about(experiments.iter().map(|one| one.name.clone()))
                .near(-0.5, RATE, theory("fluctuations n^(-1/2); the tolerance is half way to 0, the slope of a wrong prediction"))
                .null("static-theory", slopes(&sizes(Against::Start), 0.0))
                .mean(slopes(&sizes(Against::Prediction), 0.0))?,
        );
        let largest = |statistic: &str| -> Values {
            let mut farthest = Values::new();
            if let Some(experiment) = experiments.last() {
                for row in compared.statistics.of(&experiment.name, statistic).iter() {
                    let value = farthest.entry(row.at.replicate.unwrap_or(0)).or_default();
                    *value = row.value.max(*value);
                }
            }
            farthest
        };
        claims.push(
            declare(format!("D2.bulk-{task}"), Kind::Prediction)
                .says(format!("the bulk of H and G of {words} has the predicted density{remark}"))
                .statistic(format!("largest distance of distribution functions of all eigenvalues at the end, H and G; d = {most}"))
                .about(name(experiments))
                .at_most(distance_bound(experiments.last().copied()), theory("2 n^(-1/2), fluctuations of the mean weight, and 4/d, the outliers"))
                .null("static-theory", largest("distance of the start"))
                .null("principal-components", largest("distance without weights"))
                .mean(largest("distance"))?,
        );
        for (matrix, symbol) in SYMBOLS {
            let predicted = |experiment: &Experiment, statistic: &str, start: bool| -> f64 {
                let step = if start { 0 } else { experiment.schedule().last().copied().unwrap_or(0) };
                compared.theory.of(&experiment.name, statistic).matrix(matrix).step(step).mean()
            };
            let edge = |statistic: &str, start: bool| -> Values {
                let Some(experiment) = experiments.last() else { return Values::new() };
                let expected = predicted(experiment, statistic, start);
                let found = compared.statistics.of(&experiment.name, "largest of the bulk").matrix(matrix);
                found.iter().filter_map(|row| Some((row.at.replicate?, row.value / expected - 1.0))).collect()
            };
            let largest = experiments.last().copied();
            let scatter =
                largest.map_or(f64::NAN, |one| predicted(one, "scatter of the largest of the bulk", false));
            claims.push(claim_of_edge(task, words, remark, (matrix, symbol), most)
                .about(name(experiments))
                .near(0.0, edge_bound(largest, scatter), theory(format!("d^(-2/3), and {ERRORS} standard errors of replicates and of {DRAWS} drawn samples at the predicted scatter, {scatter:.3}")))
                .null("static-theory", edge("largest of the bulk", true))
                .null("principal-components", edge("the same without weights", false))
                .mean(edge("largest of the bulk", false))?);
        }
    }
    Ok(claims)
}

/// A claim about the right edge of a bulk, without its bound.
fn claim_of_edge(
    task: &str,
    words: &str,
    remark: &str,
    (matrix, symbol): (Matrix, &str),
    most: usize,
) -> crate::stage::claim::Declared {
    let slow = if matrix == Matrix::Gradient {
        ", below the edge of the limit, to which it converges slowly since the largest weights of G are rare in a sample"
    } else {
        ""
    };
    declare(format!("D2.edge-{task}-{}", matrix.name()), Kind::Prediction)
        .says(format!("the bulk of {symbol} of {words} ends where it is predicted for its d and n{slow}{remark}"))
        .statistic(format!("largest eigenvalue after the predicted outliers over its expectation for weights drawn at random, less 1, at the end; d = {most}"))
}
