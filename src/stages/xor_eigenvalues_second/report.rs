//! Claims and figures of the eigenvalues of the second-layer blocks.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Dash, Figure, Marker, Style, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Curves, Statistics, first};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::panels::{band_and_mean, eigenvalues, over_time};
use crate::stages::common::shared::{SYMBOLS, indicators};
use crate::stages::common::xor::{CLASSIFIED, WIDE, WIDE_CONTRAST, width};
use crate::stages::xor_eigenvalues_second::{plan, reduce};
use std::f64::consts::PI;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-eigenvalues-second",
    kind: Kind::Figure,
    title: "Eigenvalues of the second-layer blocks along training: one outlier at the start, four at the end",
    source: "src/stages/xor_eigenvalues_second/mod.rs",
    report: file!(),
    claims: &[
        "B3.start-hessian",
        "B3.start-gradient",
        "B3.start-law",
        "B3.end-hessian",
        "B3.end-gradient",
        "B3.decay",
        "B3.at-most-four",
    ],
    figures: &["xor-eigenvalues-second", "xor-outliers-second"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share of replicates in which a count is as claimed.
const SHARE: f64 = 0.9;
/// Largest relative deviation of the first eigenvalue at the start from its law.
const START: f64 = 0.2;
/// Largest ratio of the fifth to the fourth eigenvalue at the end.
const DECAYED: f64 = 0.05;
/// The start has one outlier if λK is below this many d: beyond it the means show in the random features.
const PREMISE: f64 = 2.7;

/// `λK/d`, to be well below [`PREMISE`].
#[allow(clippy::cast_precision_loss, reason = "a dimension is exact in f64")]
fn premise(experiment: &Experiment) -> f64 {
    experiment.problem.lambda() * f64::from(width(experiment)) / experiment.problem.d() as f64
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let spectrum = Statistics::eigenvalues(results)?;
    let experiment = results.experiment(WIDE)?;
    let counts = |matrix: Matrix| statistics.of(WIDE, "outliers").matrix(matrix).curves();
    let eigenvalue = |rank: u32| spectrum.in_experiment(WIDE).matrix(Matrix::Hessian).rank(rank).curves();
    let is = |values: Vec<f64>, wanted: f64| indicators(values, |value| (value - wanted).abs() < 0.5);
    let classes = statistics.of(WIDE, "classified").curves();
    let good = |curves: &Curves| -> Vec<f64> {
        curves
            .iter()
            .filter(|(replicate, _)| {
                classes.get(replicate).and_then(|curve| curve.last()).is_some_and(|point| point.1 > 3.5)
            })
            .filter_map(|(_, curve)| curve.last().map(|point| point.1))
            .collect()
    };
    let (noise, k) = (0.5 - 1.0 / (2.0 * PI), f64::from(width(experiment)));
    let scale = 4.0 * experiment.problem.lambda() / (noise + k / (2.0 * PI));
    let law: Vec<f64> = first(&eigenvalue(1)).iter().map(|value| (value * scale - 1.0).abs()).collect();
    let (fourth, fifth) = (good(&eigenvalue(4)), good(&eigenvalue(5)));
    let ratio: Vec<f64> = fifth.iter().zip(fourth).map(|(fifth, fourth)| fifth / fourth).collect();
    let most: Vec<f64> = Matrix::BOTH
        .into_iter()
        .flat_map(|matrix| counts(matrix).into_values())
        .map(|curve| curve.iter().map(|point| point.1).fold(0.0, f64::max))
        .collect();
    let start = |id, symbol: &str| {
        declare(id)
            .says(format!("{symbol}_vv has one outlier at the start, since ReLU features are positive"))
            .statistic("share of replicates with exactly one eigenvalue above the level at the start")
            .at_least(SHARE)
    };
    let end = |id, symbol: &str| {
        declare(id)
            .says(format!("{symbol}_vv has four outliers once the classifier is good"))
            .statistic("share of replicates with exactly four eigenvalues above the level at the end, among those that classify all four clusters")
            .at_least(SHARE)
    };
    let starting = |declared: crate::stage::legacy::Declared, values: Vec<f64>| {
        if premise(experiment) < PREMISE {
            declared.measure(&values)
        } else {
            let reason = format!("lambda K = {} d, not below {PREMISE} d", premise(experiment));
            Ok(declared.not_run(values.len(), reason))
        }
    };
    Ok(vec![
        starting(start("B3.start-hessian", "H"), is(first(&counts(Matrix::Hessian)), 1.0))?,
        starting(start("B3.start-gradient", "G"), is(first(&counts(Matrix::Gradient)), 1.0))?,
        starting(
            declare("B3.start-law")
                .says("at the start 4 lambda times the first eigenvalue of H_vv is 0.341 + 0.159 K")
                .statistic("relative deviation from the law of small outputs")
                .at_most(START),
            law,
        )?,
        end("B3.end-hessian", "H").measure(&is(good(&counts(Matrix::Hessian)), 4.0))?,
        end("B3.end-gradient", "G").measure(&is(good(&counts(Matrix::Gradient)), 4.0))?,
        declare("B3.decay")
            .says("the other K-4 eigenvalues of H_vv decay")
            .statistic("fifth over fourth eigenvalue at the end, where all four clusters are classified")
            .at_most(DECAYED)
            .measure(&ratio)?,
        declare("B3.at-most-four")
            .says("H_vv and G_vv never have more than four outliers")
            .statistic("largest number of eigenvalues above the level over all checkpoints, of both matrices in every replicate")
            .at_most(as_f64(CLUSTERS))
            .measure(&most)?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let (statistics, theory) = Statistics::both(results)?;
    let (wide, contrast) = (results.experiment(WIDE)?, results.experiment(WIDE_CONTRAST)?);
    let caption = Caption::new(
        "Eigenvalues of the second-layer blocks of H and of G along training",
        format!(
            "All eigenvalues of H_vv (a, c) and of G_vv (b, d) over training time t in replicate 0, at λ = {} (a, b) and λ = {} \
             (c, d); colour is the rank. Crosses are the eigenvalues that theory predicts, and the dashed line is the level \
             above which an eigenvalue counts as an outlier: the most that the noise of the features can reach in H_vv, \
             and its like with the mean weight in G_vv. Eigenvalues far below the level are not shown",
            wide.problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[wide, contrast], &[Symbol::SecondBlock]),
        "One outlier at the start becomes four, one for each cluster, while the rest fades with the ridge; at the smaller λ \
         the level is too high for some of them",
    );
    let mut figure = Figure::new("xor-eigenvalues-second", caption, Width::Full, 2);
    let mut counted = Figure::new("xor-outliers-second", counts(wide, contrast), Width::Full, 2).shared_y();
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = results.experiment(name)?;
        let (lambda, n) = (experiment.problem.lambda(), experiment.replicates);
        let title = format!(r"$K = {}$, $\lambda = {lambda}$", width(experiment));
        for (matrix, label) in SYMBOLS {
            let of = spectrum.in_experiment(name).matrix(matrix).replicate(0);
            let ranked = of.ranked(width(experiment));
            let highest = ranked.iter().flatten().map(|point| point.1).fold(0.0, f64::max) * 2.0;
            let predicted = theory.of(name, "eigenvalue").matrix(matrix);
            let predicted = |rank: u32| predicted.clone().rank(rank).points();
            let threshold = theory.of(name, "level").matrix(matrix).replicate(0).points();
            let lowest = threshold.iter().map(|point| point.1).fold(f64::INFINITY, f64::min) / 300.0;
            // Marks far below the level would lie outside the axes.
            let points: Vec<(f64, f64)> =
                (1..=width(experiment)).flat_map(predicted).filter(|point| point.1 > lowest).collect();
            figure = figure.panel(
                eigenvalues(
                    Axis::log(format!(r"eigenvalue of ${label}_{{vv}}$")).range(lowest, highest),
                    ("rank (measured, replicate 0)", ranked),
                    ("predicted", 2.4, points),
                    ("level of outliers", threshold),
                )
                .title(title.clone()),
            );
        }
        let mut panel = over_time(Axis::linear("number").range(-0.1, 4.4).whole()).title(title);
        let open = |colour, marker, size| Style::measured(colour).marker(marker).size(size);
        for (statistic, matrix, label, style) in [
            (
                "classified",
                None,
                "classified clusters",
                (Style::measured(Colour::Black).size(2.6), Dash::Solid),
            ),
            (
                "outliers",
                Some(Matrix::Hessian),
                r"outliers of $H_{vv}$",
                (open(Colour::Blue, Marker::OpenSquare, 3.8), Dash::Dashed),
            ),
            (
                "outliers",
                Some(Matrix::Gradient),
                r"outliers of $G_{vv}$",
                (open(Colour::Vermillion, Marker::Triangle, 3.6), Dash::Dotted),
            ),
        ] {
            let found = statistics.of(name, statistic).only(|row| row.of.matrix == matrix).curves();
            panel = band_and_mean(panel, n, format!("{label}, mean"), style, &found);
        }
        counted = counted.panel(panel);
    }
    Ok(vec![figure, counted])
}

/// The caption of the figure of counts.
fn counts(wide: &Experiment, contrast: &Experiment) -> Caption {
    Caption::new(
        "Outliers of the second layer and classified clusters along training",
        format!(
            "Number of outliers of H_vv (open squares) and of G_vv (triangles) and number of clusters of which more than {} of \
             the test points are classified (discs) over training time t, at λ = {} (a) and λ = {} (b): marks and lines, mean; \
             bands with solid sides (clusters), dashed (H_vv) and dotted (G_vv), range over {} replicates",
            CLASSIFIED,
            wide.problem.lambda(),
            contrast.problem.lambda(),
            wide.replicates
        ),
        setting(&[wide, contrast], &[Symbol::SecondBlock]),
        "Both matrices end with as many outliers as classified clusters at the larger λ; at the smaller one some outliers \
         stay below the level",
    )
}
