//! Claims and figures of the stage `gmm-outlier-space`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Statistics, first, last, mean, mean_and_range};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting, signs};
use crate::stages::common::mixture::{MAIN, SHOWN, WIDE, classes};
use crate::stages::common::panels::{self, over_time, unit_edges};
use crate::stages::common::shared::{SYMBOLS, small};
use crate::stages::gmm_outlier_space::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-outlier-space",
    kind: Kind::Theorem,
    on_request: false,
    title: "The outlier eigenspaces of every block of H and G live in the span of the means",
    source: "src/stages/gmm_outlier_space/mod.rs",
    report: file!(),
    claims: &[
        "A2.hessian",
        "A2.gradient",
        "A2.hessian-k10",
        "A2.gradient-k10",
        "A2.offdiagonal-hessian",
        "A2.offdiagonal-gradient-negative",
        "A2.offdiagonal-gradient-positive",
    ],
    figures: &["gmm-outlier-space", "gmm-off-diagonal"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least overlap `‖P_U P_B‖_F²/k` of the outlier space of a trained `H_11`; at x = 0 the theory gives about `1 - k/(φλ)`.
const INSIDE: f64 = 0.95;

/// The same for `G_11`, whose smaller outliers lie nearer to its bulk.
const INSIDE_GRADIENT: f64 = 0.8;

/// Name of the number of outliers that theory predicts beyond the bulk.
const BEYOND: &str = "outliers beyond the bulk";

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, theory) = Statistics::both(results)?;
    let curves =
        |experiment: &str, name: &str, matrix| statistics.of(experiment, name).matrix(matrix).curves();
    let k = f64::from(classes(results.experiment(MAIN)?));
    let space = "|P_U P_B|_F^2 / k of the top-k eigenspace and B = Span mu at the end";
    let wide = f64::from(classes(results.experiment(WIDE)?));
    let mut claims = Vec::new();
    for (name, suffix, k) in [(MAIN, "", 5), (WIDE, "-k10", 10)] {
        for ((matrix, symbol), least) in SYMBOLS.into_iter().zip([INSIDE, INSIDE_GRADIENT]) {
            let claim = declare(format!("A2.{}{suffix}", matrix.name()))
                .says(format!("the outlier eigenspace of {symbol}_11 lives in Span(mu), k = {k}"))
                .statistic(space)
                .at_least(least);
            let found = last(&curves(name, "overlap", matrix));
            let outliers = theory.of(name, BEYOND).matrix(matrix).values().last().copied();
            // A space of k eigenvectors that are not all outliers is no outlier eigenspace.
            claims.push(match outliers {
                Some(count) if k == 10 && matrix == Matrix::Gradient && count < wide => {
                    let reason =
                        format!("the theory predicts {count} of {wide} outliers beyond the bulk at the end");
                    claim.not_run(found.len(), reason)
                }
                _ => claim.measure(&found)?,
            });
        }
    }
    claims.extend([
        declare("A2.offdiagonal-hessian")
            .says("H_12 has k negative outliers")
            .statistic(
                "eigenvalues of H_12 below its predicted left edge minus 4 Tracy-Widom scales, at the end",
            )
            .between(k - 0.05, k + 0.05)
            .measure(&last(&curves(MAIN, "negative outliers", Matrix::Hessian)))?,
        declare("A2.offdiagonal-gradient-negative")
            .says("G_12 has two negative outliers")
            .statistic(
                "eigenvalues of G_12 below its predicted left edge minus 4 Tracy-Widom scales, at the start",
            )
            .between(1.95, 2.05)
            .measure(&first(&curves(MAIN, "negative outliers", Matrix::Gradient)))?,
        declare("A2.offdiagonal-gradient-positive")
            .says("G_12 has k-2 smaller positive outliers")
            .statistic(
                "eigenvalues of G_12 above its predicted right edge plus 4 Tracy-Widom scales, at the start",
            )
            .between(k - 2.05, k - 1.95)
            .measure(&first(&curves(MAIN, "positive outliers", Matrix::Gradient)))?,
    ]);
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let (main, wide) = (results.experiment(MAIN)?, results.experiment(WIDE)?);
    let at_end = |of: &Statistics, name: &str| {
        let curves = of.of(WIDE, name).matrix(Matrix::Gradient).curves();
        mean(&curves).last().map_or(f64::NAN, |point| point.1)
    };
    let caption = Caption::new(
        "The outlier eigenspaces of H and of G live in the span of the means",
        format!(
            "(a, b) Overlap of the span of the top k eigenvectors of H_11 and of G_11 with the span of the means over \
             training time t, for k = {} and k = {} (marks, mean; bars, range over {} replicates), and its prediction for \
             replicate 0 (dashed for H, dash-dotted for G). (c, d) Inner products of the top k unit eigenvectors v_i of \
             every diagonal block with the means μ_b at the end of training, k = {}, in replicate 0: {}; vertical lines \
             separate the blocks",
            classes(main),
            classes(wide),
            main.replicates,
            classes(main),
            signs()
        ),
        setting(&[main, wide], &[Symbol::Blocks, Symbol::Overlap]),
        format!(
            "Where all k outliers have left the bulk their space is nearly that of the means; at k = {} theory has {} of {0} outliers \
             of G beyond the bulk at the end, with an overlap of {:.3}, and {:.3} is measured. The leading eigenvector of block \
             (c, c) is along μ_c",
            classes(wide),
            at_end(&theory, BEYOND),
            at_end(&theory, "overlap"),
            at_end(&statistics, "overlap")
        ),
    );
    let mut figure = Figure::new("gmm-outlier-space", caption, Width::Full, 2);
    for name in [MAIN, WIDE] {
        let experiment = results.experiment(name)?;
        let title = format!(r"$k = {}$, $\lambda = {}$", classes(experiment), experiment.problem.lambda());
        let overlap = Axis::linear(r"overlap $\| P_U P_{\mu}\|_F^2/k$");
        // Overlaps near one need a range of their own to tell measurement from theory.
        let least = statistics.of(name, "overlap").values().into_iter().fold(1.0, f64::min);
        let enlarged = (1.0 - 1.3 * (1.0 - least)).clamp(0.0, 0.99);
        let mut panel =
            over_time(if name == MAIN { overlap.range(enlarged, 1.0) } else { overlap.range(0.0, 1.02) })
                .title(if name == MAIN { format!("{title} (enlarged)") } else { title });
        for (matrix, label, style) in [
            (Matrix::Hessian, "H", Style::measured(Colour::Blue)),
            (Matrix::Gradient, "G", Style::measured(Colour::Vermillion).marker(Marker::Square)),
        ] {
            let of = |table: &Statistics| table.of(name, "overlap").matrix(matrix).curves();
            let ends = mean_and_range(&of(&statistics));
            let predicted = mean(&of(&theory));
            panel = panel
                .error_bars(
                    format!(r"${label}_{{11}}$, mean and range of {} replicates", experiment.replicates),
                    style,
                    ends,
                )
                .line(
                    format!(r"${label}_{{11}}$, predicted (replicate 0)"),
                    Style::theory(style.colour).dash(if matrix == Matrix::Hessian {
                        Dash::Dashed
                    } else {
                        Dash::DashDot
                    }),
                    predicted,
                );
        }
        figure = figure.panel(panel);
    }
    for (matrix, label) in SYMBOLS {
        figure = figure.panel(entries(results, &statistics, matrix, label)?);
    }
    Ok(vec![figure, off_diagonal(results, &theory)?])
}

/// Heat map of `⟨v_i, μ_b⟩` for the leading eigenvectors of every diagonal block.
fn entries(results: &Results, statistics: &Statistics, matrix: Matrix, label: &str) -> Result<Panel> {
    let k = results.experiment(MAIN)?.problem.rows();
    let mut values = vec![vec![f64::NAN; k * k]; k];
    for entry in statistics.of(MAIN, "entry").matrix(matrix).iter() {
        if let (Some(class), Some(rank), Some(mean)) = (entry.of.row, entry.of.rank, entry.of.cluster) {
            values[mean as usize][class as usize * k + rank as usize - 1] = entry.value;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
    let ranks = (0..=k * k).map(|index| 0.5 + index as f64 * (1.0 / k as f64)).collect();
    let x = format!("block ${label}_{{cc}}$ of class $c$,\nin each the ranks $i = 1$ to ${k}$");
    let axes = [(x, ranks), ("mean $b$".to_owned(), unit_edges(small(k)))];
    let mut panel = panels::entries(r"entry $\langle v_i, \mu_b\rangle$", axes, values, 1.0).title(format!(
        r"$k = {k}$, $\lambda = {}$, end of training",
        results.experiment(MAIN)?.problem.lambda()
    ));
    for block in 1..small(k) {
        let between = f64::from(block) + 0.5;
        panel = panel.series(Series::rule_vertical(
            "between blocks",
            Style::measured(Colour::Black).width(0.6),
            between,
        ));
    }
    Ok(panel)
}

fn off_diagonal(results: &Results, theory: &Statistics) -> Result<Figure> {
    let spectrum = Statistics::eigenvalues(results)?;
    let caption = Caption::new(
        "Eigenvalues of the off-diagonal blocks",
        format!(
            "The {SHOWN} eigenvalues of largest magnitude of H_12 (a, b) and of G_12 (c, d) at the start (a, c) and at the end \
             (b, d) of training in replicate 0 (blue discs), with the outliers (open squares) and the support of the bulk \
             (grey band) that theory predicts"
        ),
        setting(&[results.experiment(MAIN)?], &[Symbol::Blocks]),
        "As many eigenvalues as there are classes stand outside the bulk: all below it for H, on both sides of it for G",
    );
    let mut figure = Figure::new("gmm-off-diagonal", caption, Width::Full, 2);
    let end = spectrum.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    for (matrix, label) in SYMBOLS {
        for (step, when) in [(0, "start"), (end, "end")] {
            let named = |name: &str| theory.of(MAIN, name).matrix(matrix).step(step).values();
            let measured = (1..).zip(spectrum.in_experiment(MAIN).matrix(matrix).step(step).values());
            let measured = measured.map(|(rank, value)| (f64::from(rank), value * 1e3)).collect();
            let predicted =
                (1..).zip(named("outlier")).map(|(rank, value)| (f64::from(rank), value * 1e3)).collect();
            let mut panel = Panel::new(
                Axis::linear("rank by magnitude").whole().range(0.4, f64::from(SHOWN) + 0.6),
                Axis::linear(format!(r"eigenvalue of ${label}_{{12}}$ [$10^{{-3}}$]")),
            )
            .title(format!("{when} of training"))
            .points("measured, replicate 0", Style::measured(Colour::Blue), measured)
            .points(
                "predicted outlier",
                Style::theory(Colour::Black).marker(Marker::OpenSquare).size(6.0),
                predicted,
            );
            if let (Some(&low), Some(&high)) = (named("left edge").first(), named("edge").first()) {
                let ends = [0.4, f64::from(SHOWN) + 0.6].map(|rank| (rank, low * 1e3, high * 1e3)).to_vec();
                panel = panel.band("predicted support of the bulk", Style::measured(Colour::Grey), ends);
            }
            figure = figure.panel(panel);
        }
    }
    Ok(figure)
}
