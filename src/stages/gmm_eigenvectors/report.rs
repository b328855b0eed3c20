//! Claims and figures of the stage `gmm-eigenvectors`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, theory as basis};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, Subspace};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting, signs};
use crate::stages::common::judged::{
    averaged, extreme, from_onset, mean as average_of, minus, noise, smallest,
};
use crate::stages::common::mixture::{MAIN, classes};
use crate::stages::common::panels::{self, unit_edges};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::gmm_eigenvectors::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-eigenvectors",
    kind: StageKind::Figure,
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

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let mut claims = Vec::new();
    for what in [Subspace::Mean, Subspace::Row] {
        for (matrix, symbol) in SYMBOLS {
            claims.push(leading(results, (&statistics, &theory), (matrix, symbol), what)?);
        }
    }
    Ok(claims)
}

/// A claim about the squared overlap of leading eigenvectors with the mean or with the row of their class.
///
/// Its tolerance is, for the mean: of the deficit, two standard deviations and the extreme of k of a squared length in d
/// components; and twice the mixing with the other outliers, `(k-1) s/λ (z_1/(z_1 - z_2))²` for the scatter s of weights, since a
/// sample's covariance of two means is of order `√(s/λ)` of the outlier. The row has parts along all means, so it feels the mixing
/// in first order: `2√(p(1-p))` times its root, times as many standard deviations.
fn leading(
    results: &Results,
    (statistics, theory): (&Statistics, &Statistics),
    (matrix, symbol): (Matrix, &str),
    what: Subspace,
) -> Result<Claim> {
    let experiment = results.experiment(MAIN)?;
    let k = experiment.problem.rows();
    let late = |table: &Statistics| -> Values {
        smallest(&from_onset(table.of(MAIN, "overlap").matrix(matrix).with(what), experiment))
    };
    let predicted = late(theory);
    let of = |values: Values| minus(&values, &predicted);
    let other = |name: &str| of(smallest(&statistics.of(MAIN, name).with(what)));
    // None of a leading outlier that is alone.
    let mixing = averaged(&from_onset(theory.of(MAIN, "mixing").matrix(matrix), experiment));
    let mixing = if mixing.is_empty() { 0.0 } else { average_of(&mixing) };
    let deviations = 2.0 + extreme(k);
    let p = average_of(&predicted);
    let start = of(smallest(&statistics.of(MAIN, "overlap").matrix(matrix).with(what).step(0)));
    let (id, says, tolerance, reason) = if what == Subspace::Mean {
        (
            "direction",
            format!(
                "the leading outlier of {symbol}_cc points along mu_c, for every c, as far as the effective spectrum predicts"
            ),
            (1.0 - p) * deviations * 0.5 * noise(experiment, 1) + 2.0 * mixing,
            "of 1 - overlap, two standard deviations and the extreme of k of a squared length in d components; and twice the mixing with other outliers in n points",
        )
    } else {
        (
            "preference",
            format!(
                "x^c prefers the leading eigenvector of {symbol}_cc, for every c, as far as the effective spectrum predicts: {p:.3} of its square, (k-1)/k = {:.3} in the limit",
                as_f64(k - 1) / as_f64(k)
            ),
            deviations * 2.0 * (p * (1.0 - p) * mixing).sqrt(),
            "two standard deviations and the extreme of k of what the mixing with other outliers in n points changes in first order",
        )
    };
    let vector = if what == Subspace::Mean { "mu_c" } else { "x^c" };
    let claim = declare(format!("A4.{}-{id}", matrix.name()), Kind::Prediction)
        .says(says)
        .statistic(format!("smallest squared overlap of the leading eigenvector of {symbol}_cc with {vector}, over c, at T0 and at the end, minus its prediction from the run's own inner products"))
        .about([MAIN])
        .near(0.0, tolerance, basis(reason))
        .null("principal-components", other("overlap of the principal component"))
        .null("random-subspace", other("overlap of a random vector"));
    // G has its leading eigenvector along the mean from the start.
    let claim =
        if matrix == Matrix::Gradient && what == Subspace::Mean { claim } else { claim.null("start", start) };
    claim.mean(of(late(statistics)))
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
