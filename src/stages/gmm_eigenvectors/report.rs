//! Claims and figures of the stage `gmm-eigenvectors`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind, declare, theory as basis};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, Subspace};
use crate::stage::{Kind as StageKind, Results, Stage};
use crate::stages::common::captions::{number, signs, time};
use crate::stages::common::judged::{
    averaged, extreme, from_onset, mean as average_of, minus, noise, smallest,
};
use crate::stages::common::looks;
use crate::stages::common::mixture::{MAIN, classes};
use crate::stages::common::panels;
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::{listed, parameters};
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
    figures: &["gmm-eigenvectors", "gmm-inner-products"],
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
    Ok(vec![coordinates(results)?, inner(results)?])
}

fn coordinates(results: &Results) -> Result<Figure> {
    let entries = Statistics::read(results, "entries")?;
    let entries_of = |step: u64, matrix: Option<Matrix>| {
        let rows = entries.in_experiment(MAIN).step(step);
        rows.only(|row| row.of.matrix == matrix && row.of.rank == matrix.map(|_| 1)).values()
    };
    let experiment = results.experiment(MAIN)?;
    let k = classes(experiment) as usize;
    let end = entries.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    let vectors = [None, Some(Matrix::Hessian), Some(Matrix::Gradient)];
    // Share of a unit vector's square along the means, and its first entry.
    let along = |step: u64| {
        let shares = vectors.map(|matrix| {
            let inside = entries_of(step, matrix).iter().take(k).map(|entry| entry * entry).sum();
            number(inside, 3)
        });
        listed(&shares)
    };
    let first =
        vectors.map(|matrix| number(entries_of(end, matrix).first().copied().unwrap_or(f64::NAN).abs(), 3));
    let caption = Caption::new(
        "Training gathers the first row and the leading eigenvectors along the means",
        format!(
            "Entries of the unit vector along x^1 (a, d) and of the leading unit eigenvectors of H_11 (b, e) and G_11 (c, f), over the \
             coordinate i on a logarithmic axis, in replicate 0 at the start (a-c) and at the end (d-f) of training. The means are \
             the first k = {k} coordinate vectors, right of which a line stands"
        ),
        parameters(&[experiment]),
        format!(
            "Their squares in these coordinates are {} at the start and {} at the end, when the sizes of their first entries, along μ_1, \
             are {}",
            along(0),
            along(end),
            listed(&first)
        ),
    );
    let mut figure = Figure::new("gmm-eigenvectors", caption, Width::Full, 3).shared_x().shared_y();
    for (step, when) in [(0, "start"), (end, "end")] {
        for (matrix, label) in
            vectors.into_iter().zip([r"$x^1/\| x^1\|$", r"$v_1$ of $H_{11}$", r"$v_1$ of $G_{11}$"])
        {
            let look = matrix.map_or_else(looks::weights, looks::matrix).width(0.7);
            let points =
                (1..).zip(entries_of(step, matrix)).map(|(i, value)| (f64::from(i), value)).collect();
            let border = f64::from(classes(experiment)) + 0.5;
            figure = figure.panel(
                Panel::new(Axis::log("coordinate $i$"), Axis::linear("entry"))
                    .title(format!("{label}, {when}"))
                    .series(Series::stems(label, look, points))
                    .series(Series::rule_vertical("means to the left", Style::reference(), border)),
            );
        }
    }
    Ok(figure.axes_height(80.0))
}

/// Inner products of means, rows and eigenvectors at three times.
fn inner(results: &Results) -> Result<Figure> {
    let experiment = results.experiment(MAIN)?;
    let schedule = experiment.schedule();
    let steps = [schedule[0], schedule[(schedule.len() - 1) / 2], schedule[schedule.len() - 1]];
    let product = |step: u64, first: &str, second: &str| -> Result<f64> {
        Ok(panels::product(results, (MAIN, step), (first, second))?.unwrap_or(f64::NAN).abs())
    };
    let of = |second: &str| -> Result<String> {
        let all = steps.map(|step| product(step, "mean 1", second));
        Ok(listed(
            &all.into_iter().map(|value| value.map(|value| number(value, 2))).collect::<Result<Vec<_>>>()?,
        ))
    };
    let caption = Caption::new(
        "Inner products of means, rows and leading eigenvectors of task A",
        format!(
            "Inner products of unit vectors with each other in replicate 0, at the start, at t = {} and at the end of training: means μ_c, rows x^c and top k eigenvectors of H_11 and G_11, in order; {}. The largest entry of an eigenvector is positive",
            time(experiment.time(steps[1])),
            signs()
        ),
        parameters(&[experiment]),
        format!(
            "At the three times μ_1 has inner products of size {} with x^1, {} with the leading eigenvector of H_11 and {} with that of G_11",
            of("row 1")?,
            of("hessian 1")?,
            of("gradient 1")?
        ),
    );
    let groups = [("mean", r"$\mu_c$"), ("row", "$x^c$"), ("hessian", "$H_{11}$"), ("gradient", "$G_{11}$")];
    let mut figure = Figure::new("gmm-inner-products", caption, Width::Full, 3).shared_y();
    for step in steps {
        let time = time(experiment.time(step));
        let panel = panels::products(results, (MAIN, "x", step), &groups)?;
        figure = figure.panel(panel.title(format!("$t = {time}$")));
    }
    Ok(figure.axes_height(98.0))
}
