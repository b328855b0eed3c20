//! Claims and figures of the stage `gmm-alignment`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Anchor, Axis, Caption, Colour, Dash, Figure, Marker, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Curves, Statistics, Subspace, last, mean, mean_and_range, range};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::mixture::{CONTRAST, MAIN};
use crate::stages::common::panels::{self, mean_and_band, over_time};
use crate::stages::gmm_alignment::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-alignment",
    kind: Kind::Theorem,
    on_request: false,
    title: "SGD on the Gaussian mixture aligns with the means and with the outlier eigenspaces",
    source: "src/stages/gmm_alignment/mod.rs",
    report: file!(),
    claims: &["A1.error", "A1.onset", "A1.sum", "A3.hessian", "A3.gradient", "A3.spaces"],
    figures: &["gmm-alignment", "gmm-training"],
    plan,
    reduce,
    judge,
    draw,
};

/// Error at which a row counts as aligned, beyond the floor of the step noise.
const EPSILON: f64 = 0.1;

/// Least alignment ρ of a trained row with the outlier space of its block.
const ALIGNED: f64 = 0.9;

/// Least overlap `‖P_H P_G‖_F²/k` of the two trained outlier spaces: those of G lie nearer to its bulk.
const EQUIVALENT: f64 = 0.8;

/// The tables, read.
struct Read {
    rho: Statistics,
    sine: Statistics,
    statistics: Statistics,
}

impl Read {
    fn new(results: &Results) -> Result<Self> {
        Ok(Self {
            rho: Statistics::read(results, "alignment")?,
            sine: Statistics::column(results.table("alignment")?, "sine")?,
            statistics: Statistics::read(results, "statistics")?,
        })
    }

    /// `ρ(x^1; B)` over time.
    fn rho(&self, experiment: &str, subspace: Subspace) -> Curves {
        self.rho.in_experiment(experiment).row(0).with(subspace).curves()
    }

    /// `sin(x^a; Span μ)` over time.
    fn sine(&self, experiment: &str, row: u32) -> Curves {
        self.sine.in_experiment(experiment).row(row).with(Subspace::Means).curves()
    }

    /// `‖x^a‖` over time.
    fn norm(&self, experiment: &str, row: u32) -> Curves {
        self.statistics.of(experiment, "norm").row(row).curves()
    }

    fn statistic(&self, experiment: &str, name: &str) -> Curves {
        self.statistics.of(experiment, name).curves()
    }
}

/// The predicted bound on `sin(x^c; Span μ)` times `‖x^c‖`: what is left of the start, and the floor of the step noise.
///
/// The part of `x^c` outside the span shrinks at least like `e^{-βt}` (the Hessian is positive semidefinite) and gains
/// `δ² E[e_c²] (d-k)/λ` of variance a step, with `E[e_c²] ≤ p_c(1-p_c)`, its value for a classifier that knows nothing;
/// so its norm is at most `e^{-βt}‖x_0‖ + √(c p_c(1-p_c)(1 - e^{-2βt})/(2βλ))`.
fn bound(results: &Results, experiment: &str, time: f64, start: f64) -> Result<(f64, f64)> {
    let problem = &results.experiment(experiment)?.problem;
    #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
    let p = 1.0 / problem.rows() as f64;
    let decay = libm::exp(-problem.training.beta * time);
    let gathered = if problem.training.beta > 0.0 {
        (1.0 - decay * decay) / (2.0 * problem.training.beta)
    } else {
        time
    };
    Ok((decay * start, (problem.training.c * p * (1.0 - p) * gathered / problem.lambda()).sqrt()))
}

/// `log(1/ε)/β`, the time after which what is left of the start is below ε.
fn onset_bound(results: &Results, experiment: &str) -> Result<f64> {
    let beta = results.experiment(experiment)?.problem.training.beta;
    Ok(libm::log(1.0 / EPSILON) / beta.max(f64::MIN_POSITIVE))
}

/// Per replicate: the largest ratio of error to bound over rows and over times from `log(1/ε)/β` on, and the time from
/// which all rows are aligned.
fn errors(results: &Results, read: &Read, experiment: &str) -> Result<(Vec<f64>, Vec<f64>)> {
    let k = results.experiment(experiment)?.problem.rows();
    let (mut worst, mut onset) = (BTreeMap::<u32, f64>::new(), BTreeMap::<u32, f64>::new());
    for row in 0..u32::try_from(k).unwrap_or(u32::MAX) {
        let norms = read.norm(experiment, row);
        for (replicate, curve) in read.sine(experiment, row) {
            let Some(norms) = norms.get(&replicate) else { continue };
            let mut aligned_from = 0.0;
            for (index, &(time, sine)) in curve.iter().enumerate() {
                let (left, floor) = bound(results, experiment, time, norms[0].1)?;
                if time >= onset_bound(results, experiment)? {
                    let entry = worst.entry(replicate).or_default();
                    *entry = entry.max(sine * norms[index].1 / (left + floor));
                }
                if sine > EPSILON + floor / norms[index].1 {
                    aligned_from = curve.get(index + 1).map_or(f64::INFINITY, |next| next.0);
                }
            }
            let entry = onset.entry(replicate).or_default();
            *entry = entry.max(aligned_from);
        }
    }
    Ok((worst.into_values().collect(), onset.into_values().collect()))
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let read = Read::new(results)?;
    let problem = &results.experiment(MAIN)?.problem;
    let (worst, onset) = errors(results, &read, MAIN)?;
    let shrink = 1.0 - problem.step_size() * problem.training.beta;
    let horizon = results.experiment(MAIN)?.horizon;
    let steps = problem.steps(horizon);
    #[allow(clippy::cast_precision_loss, reason = "a number of steps is exact in f64")]
    let law = steps as f64 * libm::log(shrink);
    let sums: Vec<f64> = read
        .statistic(MAIN, "norm of the class sum")
        .values()
        .filter_map(|curve| Some((curve.last()?.1, curve.first()?.1)))
        .map(|(end, start)| (libm::log(end / start) - law).abs())
        .collect();
    let trained = |matrix: Matrix| last(&read.rho(MAIN, Subspace::Outliers(matrix)));
    Ok(vec![
        declare("A1.error")
            .says("every row x^c aligns with Span(mu): from T0 = log(1/epsilon)/beta on its error stays below e^{-beta t}|x_0|/|x| plus the step noise of order lambda^{-1/2}")
            .statistic("largest sin(x^c; Span mu) over its bound, over c and checkpoints from T0 on")
            .at_most(1.0)
            .measure(&worst)?,
        declare("A1.onset")
            .says("rows are aligned from a time T0 of at most log(1/epsilon)/beta on, epsilon = 0.1")
            .statistic("first checkpoint from which every sin(x^c; Span mu) is within epsilon of the noise floor")
            .at_most(onset_bound(results, MAIN)?)
            .measure(&onset)?,
        declare("A1.sum")
            .says("the sum of the rows decays exactly as (1 - delta beta)^l, so beta > 0 is necessary")
            .statistic("|log of the measured decay minus log of the law| at the end")
            .at_most(1e-9)
            .measure(&sums)?,
        declare("A3.hessian")
            .says("x^1 aligns with the top-k eigenspace of H_11")
            .statistic("rho(x^1; top-k of H_11) at the end")
            .at_least(ALIGNED)
            .measure(&trained(Matrix::Hessian))?,
        declare("A3.gradient")
            .says("x^1 aligns with the top-k eigenspace of G_11")
            .statistic("rho(x^1; top-k of G_11) at the end")
            .at_least(ALIGNED)
            .measure(&trained(Matrix::Gradient))?,
        declare("A3.spaces")
            .says("the outlier eigenspaces of H_11 and G_11 align with each other")
            .statistic("|P_H P_G|_F^2 / k of the top-k eigenspaces at the end")
            .at_least(EQUIVALENT)
            .measure(&last(&read.statistic(MAIN, "overlap")))?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let read = Read::new(results)?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let n = main.replicates;
    let whole = format!("bars and band: range of {n} replicates");
    let caption = Caption::new(
        "Alignment of softmax regression with the means and with the outlier eigenspaces",
        format!(
            "(a, b) Alignment ρ(x^1; B) of the first row of parameters over training time t, at λ = {} and λ = {}: B \
             is the span of the means (black line, mean; grey band, range over {n} replicates), or the span of the \
             top k eigenvectors of H_11 (blue discs) or of G_11 (orange squares; marks are means, bars the range \
             over the replicates). (c) Error sin(x^1; Span μ) (marks and line, mean; bands, range) with the bound of \
             the theory (dashed, dash-dotted for the smaller λ). (d) Overlap of the outlier spaces of H_11 and of \
             G_11, which is 1 if they are the same (marks, mean; bars, range); bars shorter than their mark are \
             hidden by it",
            main.problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[main, contrast], &[Symbol::Blocks, Symbol::Alignment, Symbol::Sine, Symbol::Overlap]),
        "The row moves into the span of the means, and with it into the outlier eigenspaces, and its error stays below the \
         bound; where outliers have not left the bulk, the top k eigenvectors hold less of it, and H and G agree less",
    );
    let mut figure = Figure::new("gmm-alignment", caption, Width::Full, 2);
    for name in [MAIN, CONTRAST] {
        let lambda = results.experiment(name)?.problem.lambda();
        let rho = |subspace: Subspace| read.rho(name, subspace);
        let mut panel = over_time(Axis::linear(r"alignment $\rho(x^1; B)$").range(0.0, 1.02))
            .title(format!(r"$\lambda = {lambda}$"))
            .band(whole.clone(), Style::measured(Colour::Black), range(&rho(Subspace::Means)))
            .line(r"$B = \Span(\mu)$", Style::measured(Colour::Black), mean(&rho(Subspace::Means)));
        for (matrix, label, style) in [
            (Matrix::Hessian, r"$B$: top $k$ of $H_{11}$", Style::measured(Colour::Blue)),
            (
                Matrix::Gradient,
                r"$B$: top $k$ of $G_{11}$",
                Style::measured(Colour::Vermillion).marker(Marker::OpenSquare).size(5.0),
            ),
        ] {
            let found = rho(Subspace::Outliers(matrix));
            panel = panel.error_bars(label, style, mean_and_range(&found));
        }
        figure = figure.panel(panel);
    }
    let mut error = over_time(Axis::log(r"error $\sin(x^1; \Span\mu)$")).legend_inside(0.21, 1.03);
    let mut spaces =
        over_time(Axis::linear(r"overlap $\| P_H P_G\|_F^2/k$").range(0.0, 1.02)).legend_inside(0.3, 0.66);
    for (name, style) in styles() {
        let lambda = results.experiment(name)?.problem.lambda();
        let label = format!(r"$\lambda = {lambda}$, mean and range");
        let dash = if name == MAIN { Dash::Dashed } else { Dash::DashDot };
        let sines = read.sine(name, 0);
        let norms = mean(&read.norm(name, 0));
        let bounds = norms
            .iter()
            .map(|&(time, norm)| {
                bound(results, name, time, norms[0].1)
                    .map(|(left, floor)| (time, ((left + floor) / norm).min(1.0)))
            })
            .collect::<Result<Vec<_>>>()?;
        error = mean_and_band(error, &label, (style, Dash::Solid), &sines);
        error = error.line("bound", Style::theory(style.colour).dash(dash), bounds);
        let overlaps = read.statistic(name, "overlap");
        spaces = spaces.error_bars(label, style, mean_and_range(&overlaps));
    }
    Ok(vec![figure.panel(error).panel(spaces), training(results, &read)?])
}

/// The two experiments with the look of what was measured in each; the open mark shows a filled one under it.
fn styles() -> [(&'static str, Style); 2] {
    [
        (MAIN, Style::measured(Colour::Green)),
        (CONTRAST, Style::measured(Colour::Purple).marker(Marker::OpenSquare).size(4.6)),
    ]
}

fn training(results: &Results, read: &Read) -> Result<Figure> {
    let n = results.experiment(MAIN)?.replicates;
    let shown = [
        ("loss", Axis::linear("test loss $L$")),
        ("accuracy", Axis::linear("test accuracy").range(0.0, 1.02)),
        ("norm of the class sum", Axis::log(r"class sum $\|\Sigma_a x^a\|$")),
    ];
    let styles = styles().map(|(name, style)| (name, (style, Dash::Solid)));
    let [loss, accuracy, sum] = panels::training(results, &read.statistics, shown, &styles)?;
    let start = mean(&read.statistic(MAIN, "norm of the class sum"));
    let problem = &results.experiment(MAIN)?.problem;
    let law = start
        .iter()
        .map(|&(time, _)| (time, start[0].1 * libm::exp(-problem.training.beta * time)))
        .collect();
    let sum = sum.note(0.06, 0.08, format!(r"$\beta = {}$", problem.training.beta), Anchor::Left);
    let sum = sum.line(
        r"law $e^{-\beta t}$ from the mean start",
        Style::theory(Colour::Black).dash(Dash::Dashed).width(0.9),
        law,
    );
    let caption = Caption::new(
        "Loss, accuracy and the decay of the class sum along training",
        format!(
            "(a) Test loss, (b) test accuracy and (c) norm of the sum Σ_a x^a of all rows over training time t, at two \
             signal-to-noise ratios λ (marks and lines, mean; bands, range over {n} replicates, mostly narrower than the \
             lines); dashed, the law e^(-βt) from the mean at the start"
        ),
        setting(&[results.experiment(MAIN)?, results.experiment(CONTRAST)?], &[]),
        "The classifier settles long before the end; the sum of the rows has no part in the loss and decays as the ridge \
         alone dictates",
    );
    Ok(Figure::new("gmm-training", caption, Width::Full, 3).panel(loss).panel(accuracy).panel(sum))
}
