//! Claims and figures of the stage `gmm-eigenvectors`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, Subspace, last};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting, signs};
use crate::stages::common::mixture::{MAIN, classes};
use crate::stages::common::panels::{self, unit_edges};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::gmm_eigenvectors::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-eigenvectors",
    kind: Kind::Figure,
    on_request: false,
    title: "Entries of x^1 and of the leading eigenvectors of H_11 and G_11, at the start and at the end",
    source: "src/stages/gmm_eigenvectors/mod.rs",
    report: file!(),
    claims: &[
        "A4.hessian-direction",
        "A4.gradient-direction",
        "A4.hessian-preference",
        "A4.gradient-preference",
    ],
    figures: &["gmm-eigenvectors", "gmm-eigenvector-entries"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least squared overlap of a leading eigenvector with `μ_c`.
const ALONG: f64 = 0.9;

/// Tolerance of the squared overlap of `x^c` with the leading eigenvector around its limit `(k-1)/k`.
const AROUND: f64 = 0.1;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let end = |matrix: Matrix, subspace: Subspace| {
        last(&statistics.of(MAIN, "overlap").matrix(matrix).with(subspace).curves())
    };
    let k = f64::from(classes(results.experiment(MAIN)?));
    let limit = (k - 1.0) / k;
    let mut claims = Vec::new();
    for (matrix, symbol) in SYMBOLS {
        claims.push(
            declare(format!("A4.{}-direction", matrix.name()))
                .says(format!("the leading outlier of {symbol}_11 points along mu_1"))
                .statistic("squared overlap of the leading eigenvector with mu_1 at the end")
                .at_least(ALONG)
                .measure(&end(matrix, Subspace::Mean))?,
        );
    }
    for (matrix, symbol) in SYMBOLS {
        claims.push(
            declare(format!("A4.{}-preference", matrix.name()))
                .says(format!("x^1 prefers the leading eigenvector of {symbol}_11"))
                .statistic("squared overlap of x^1 with the leading eigenvector at the end, around (k-1)/k")
                .between(limit - AROUND, limit + AROUND)
                .measure(&end(matrix, Subspace::Row))?,
        );
    }
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let entries = Statistics::read(results, "entries")?;
    let entries_of = |step: u64, matrix: Option<Matrix>, rank: Option<u32>| {
        entries
            .in_experiment(MAIN)
            .step(step)
            .only(|row| (row.of.matrix, row.of.rank) == (matrix, rank))
            .values()
    };
    let experiment = results.experiment(MAIN)?;
    let k = classes(experiment);
    let end = entries.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    let caption = Caption::new(
        "Entries of the first row of parameters and of the leading eigenvectors",
        format!(
            "Entries of the unit vector along x^1 (a, d), and of the leading unit eigenvectors of H_11 (b, e) and of G_11 \
             (c, f), over the coordinate i on a logarithmic axis, in replicate 0 at the start (a-c) and at the end (d-f) of \
             training. The means are the first k = {k} coordinate vectors: their entries are thick and orange, all \
             others thin and blue"
        ),
        setting(&[experiment], &[Symbol::Blocks]),
        "Training gathers x^1 and the leading eigenvectors in the first coordinates, and all three point along μ_1, x^1 with \
         equal negative parts along the other means",
    );
    let mut figure = Figure::new("gmm-eigenvectors", caption, Width::Full, 3).shared_x().shared_y();
    for (step, when) in [(0, "start"), (end, "end")] {
        for (matrix, label) in [
            (None, r"$x^1/\| x^1\|$"),
            (Some(Matrix::Hessian), r"$v_1$ of $H_{11}$"),
            (Some(Matrix::Gradient), r"$v_1$ of $G_{11}$"),
        ] {
            let points: Vec<(u32, f64)> = (1..).zip(entries_of(step, matrix, matrix.map(|_| 1))).collect();
            let part = |along: bool| -> Vec<(f64, f64)> {
                points
                    .iter()
                    .filter(|point| (point.0 <= k) == along)
                    .map(|&(i, value)| (f64::from(i), value))
                    .collect()
            };
            figure = figure.panel(
                Panel::new(Axis::log("coordinate $i$"), Axis::linear("entry"))
                    .title(format!("{label}, {when}"))
                    .series(Series::stems(
                        r"$i \leq k$: along the mean $\mu_i$",
                        Style::measured(Colour::Vermillion).width(1.4),
                        part(true),
                    ))
                    .series(Series::stems(
                        r"$i > k$: outside the span of the means",
                        Style::measured(Colour::Blue).width(0.5),
                        part(false),
                    )),
            );
        }
    }
    let caption = Caption::new(
        "Entries of the leading eigenvectors along the means",
        format!(
            "Inner products of the top {k} unit eigenvectors v_i of H_11 (a, c) and of G_11 (b, d) with the means μ_b, in \
             replicate 0 at the start (a, b) and at the end (c, d) of training; {}",
            signs()
        ),
        setting(&[experiment], &[Symbol::Blocks]),
        "G has its leading eigenvector along μ_1 from the start, H from training on; the other outliers are nearly \
         degenerate, so their eigenvectors mix the remaining means",
    );
    let mut map = Figure::new("gmm-eigenvector-entries", caption, Width::Full, 2).shared_y();
    for (step, when) in [(0, "start"), (end, "end")] {
        for (matrix, label) in SYMBOLS {
            let vectors: Vec<Vec<f64>> =
                (1..=k).map(|rank| entries_of(step, Some(matrix), Some(rank))).collect();
            let entry = |vector: &Vec<f64>, mean: u32| vector.get(mean as usize).copied().unwrap_or(f64::NAN);
            let values: Vec<Vec<f64>> =
                (0..k).map(|mean| vectors.iter().map(|vector| entry(vector, mean)).collect()).collect();
            let axes = [
                (format!(r"rank $i$ of the eigenvector of ${label}_{{11}}$"), unit_edges(k)),
                ("mean $b$".to_owned(), unit_edges(k)),
            ];
            let panel = panels::entries(r"entry $\langle v_i, \mu_b\rangle$", axes, values, 1.0);
            map = map.panel(panel.title(format!("{when} of training")));
        }
    }
    Ok(vec![figure, map])
}
