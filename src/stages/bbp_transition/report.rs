//! Claims and figures of the stage `bbp-transition`: a change here computes and reduces nothing again.

mod figures;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Of, Selection, Statistics, Subspace, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::bbp_transition::{is_followed, plan, reduce};
use crate::stages::common::shared::SYMBOLS;
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "bbp-transition",
    kind: Kind::Theorem,
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
        "A5.carriers-hessian",
        "A5.carriers-gradient",
    ],
    figures: &["bbp-transition", "bbp-transition-in-time", "bbp-transition-carriers"],
    plan,
    reduce,
    judge,
    draw: figures::draw,
};

/// Largest mean difference of measured and predicted number of outliers, out of k, over the grid, as in `gmm-snr`.
const MISCOUNT: f64 = 0.25;

/// Largest mean difference of measured and predicted squared overlap of an outlier's eigenvector with the span of the means.
const CARRIERS: f64 = 0.05;

/// Per replicate, the mean over experiments and checkpoints of `|measured - predicted|`, of all ranks of a statistic.
fn deviations(
    results: &Results,
    statistic: &str,
    choose: impl Fn(Selection<'_>) -> Selection<'_>,
    wanted: impl Fn(&Experiment, u64) -> bool,
) -> Result<Vec<f64>> {
    let (measured, predicted) = Statistics::both(results)?;
    let mut totals: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for experiment in results.experiments.values() {
        let [measured, predicted] =
            [&measured, &predicted].map(|table| choose(table.of(&experiment.name, statistic)));
        let predicted: BTreeMap<(u64, Of), f64> =
            predicted.iter().map(|row| ((row.at.step, row.of), row.value)).collect();
        for row in measured.iter().filter(|row| wanted(experiment, row.at.step)) {
            // A carrier counts where measurement and prediction both have an outlier of this rank.
            if let (Some(value), Some(replicate)) = (predicted.get(&(row.at.step, row.of)), row.at.replicate)
            {
                totals.entry(replicate).or_default().push((row.value - value).abs());
            }
        }
    }
    Ok(totals.values().map(|values| average(values)).collect())
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let last = |experiment: &Experiment| experiment.schedule().last().copied().unwrap_or(0);
    let mut claims = Vec::new();
    for (matrix, symbol) in SYMBOLS {
        for when in ["start", "end"] {
            let wanted = |experiment: &Experiment, step: u64| {
                step == if when == "start" { 0 } else { last(experiment) }
            };
            claims.push(
                declare(format!("A5.grid-{}-{when}", matrix.name()))
                    .says(format!(
                        "outliers of {symbol}_11 leave the bulk at the predicted lambda and phi, at the {when}"
                    ))
                    .statistic(format!(
                        "mean over the grid of |measured - predicted| number of outliers at the {when}"
                    ))
                    .at_most(MISCOUNT)
                    .measure(&deviations(results, "outliers", |found| found.matrix(matrix), wanted)?)?,
            );
        }
    }
    for (matrix, symbol) in SYMBOLS {
        let followed = |experiment: &Experiment, _| is_followed(experiment);
        claims.push(
            declare(format!("A5.dynamical-{}", matrix.name()))
                .says(format!("outliers of {symbol}_11 leave the bulk at the predicted times of training"))
                .statistic("mean over lambda and time of |measured - predicted| number of outliers")
                .at_most(MISCOUNT)
                .measure(&deviations(results, "outliers", |found| found.matrix(matrix), followed)?)?,
        );
    }
    for (matrix, symbol) in SYMBOLS {
        let at_end = |experiment: &Experiment, step| step == last(experiment);
        claims.push(
            declare(format!("A5.carriers-{}", matrix.name()))
                .says(format!("outliers of {symbol}_11 carry the span of the means as much as predicted"))
                .statistic("mean over the grid and ranks at the end of |measured - predicted| squared overlap with Span(mu)")
                .at_most(CARRIERS)
                .measure(&deviations(results, "overlap", |found| found.matrix(matrix).with(Subspace::Means), at_end)?)?,
        );
    }
    Ok(claims)
}
