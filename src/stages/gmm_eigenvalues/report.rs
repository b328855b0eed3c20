//! Claims and figures of the stage `gmm-eigenvalues`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Curves, Statistics, first, last};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::mixture::{CONTRAST, MAIN, SHOWN, classes};
use crate::stages::common::panels::eigenvalues;
use crate::stages::common::shared::SYMBOLS;
use crate::stages::gmm_eigenvalues::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-eigenvalues",
    kind: Kind::Figure,
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

/// Standard errors by which the first outlier of H may exceed the k-th at the start, where all k are degenerate in the
/// limit: each follows the share of its class in the sample, whose relative standard error is `√((k-1)/n)`, and the
/// range of k such shares is about two and a half of them; the initial logits add as much again.
const DEGENERATE: f64 = 6.0;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let k = classes(results.experiment(MAIN)?);
    let others = f64::from(k - 1);
    #[allow(clippy::cast_precision_loss, reason = "a sample size is exact in f64")]
    let sample = results.experiment(MAIN)?.problem.sample_size() as f64;
    let pick = |matrix: Matrix, rank: u32, of: fn(&Curves) -> Vec<f64>| {
        of(&spectrum.in_experiment(MAIN).matrix(matrix).rank(rank).curves())
    };
    let ratio = |matrix: Matrix, lower: u32, of: fn(&Curves) -> Vec<f64>| -> Vec<f64> {
        pick(matrix, 1, of)
            .iter()
            .zip(pick(matrix, lower, of))
            .map(|(first, second)| first / second)
            .collect()
    };
    let clear = |matrix: Matrix| -> Vec<f64> {
        let threshold =
            theory.of(MAIN, "level").matrix(matrix).values().last().copied().unwrap_or(f64::INFINITY);
        pick(matrix, k, last).iter().map(|value| value / threshold).collect()
    };
    Ok(vec![
        declare("A4.gradient-start")
            .says("G_11 has one leading outlier from the start; the limit of large lambda is (k-1)^2 times the second")
            .statistic("ratio of the first two eigenvalues of G_11 at the start, at least half the limit")
            .at_least(others * others / 2.0)
            .measure(&ratio(Matrix::Gradient, 2, first))?,
        declare("A4.hessian-start")
            .says("the k outliers of H_11 are degenerate at the start")
            .statistic("ratio of the first and the k-th eigenvalue of H_11 at the start")
            .at_most(1.0 + DEGENERATE * (others / sample).sqrt())
            .measure(&ratio(Matrix::Hessian, k, first))?,
        declare("A4.gradient-end")
            .says("G_11 has one leading outlier after training")
            .statistic("ratio of the first two eigenvalues of G_11 at the end, at least half of (k-1)^2")
            .at_least(others * others / 2.0)
            .measure(&ratio(Matrix::Gradient, 2, last))?,
        declare("A4.hessian-end")
            .says("H_11 has one leading outlier after training; the limit of good classifiers is k-1 times the second")
            .statistic("ratio of the first two eigenvalues of H_11 at the end, at least half the limit")
            .at_least(others / 2.0)
            .measure(&ratio(Matrix::Hessian, 2, last))?,
        declare("A4.hessian-clear")
            .says("the k-1 smaller outliers of H_11 stand clear of the bulk after training")
            .statistic("k-th eigenvalue of H_11 over its predicted edge plus 4 Tracy-Widom scales, at the end")
            .at_least(1.0)
            .measure(&clear(Matrix::Hessian))?,
        declare("A4.gradient-clear")
            .says("the k-1 smaller outliers of G_11 stand clear of the bulk after training")
            .statistic("k-th eigenvalue of G_11 over its predicted edge plus 4 Tracy-Widom scales, at the end")
            .at_least(1.0)
            .measure(&clear(Matrix::Gradient))?,
    ])
}

/// The points at times at least `gap` apart: early checkpoints are so dense that marks would hide the curves.
fn spaced(points: &[(f64, f64)], gap: f64) -> Vec<(f64, f64)> {
    let mut last = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for &(time, value) in points {
        if time.total_cmp(&last).is_eq() || time >= last + gap {
            last = time;
            kept.push((time, value));
        }
    }
    kept
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let caption = Caption::new(
        "Top eigenvalues of a diagonal block of H and of G along training",
        format!(
            "The {SHOWN} largest eigenvalues of H_11 (a, c) and of G_11 (b, d) over training time t in replicate 0, at λ = {} \
             (a, b) and λ = {} (c, d); colour is the rank. Crosses are the outliers and the dashed line is the edge of the \
             bulk that the effective spectral theory predicts from the inner products of means and parameters alone",
            main.problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[main, contrast], &[Symbol::Blocks]),
        "One leading outlier separates, k - 1 smaller ones follow, and the rest stays in the bulk; at the smaller λ only \
         the first outlier of G is clear of it",
    );
    let mut figure = Figure::new("gmm-eigenvalues", caption, Width::Full, 2);
    for name in [MAIN, CONTRAST] {
        let lambda = results.experiment(name)?.problem.lambda();
        for (matrix, label) in SYMBOLS {
            let ranked = spectrum.in_experiment(name).matrix(matrix).replicate(0).ranked(SHOWN);
            let horizon = results.experiment(name)?.horizon;
            let predicted = |statistic: &str| theory.of(name, statistic).matrix(matrix).points();
            figure = figure.panel(
                eigenvalues(
                    Axis::log(format!(r"eigenvalue of ${label}_{{11}}$")),
                    ("rank (measured)", ranked),
                    ("predicted outlier", 3.0, spaced(&predicted("outlier"), horizon / 25.0)),
                    ("predicted edge of the bulk", predicted("edge")),
                )
                .title(format!(r"$\lambda = {lambda}$")),
            );
        }
    }
    Ok(vec![figure])
}
