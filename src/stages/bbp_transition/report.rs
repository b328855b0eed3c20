//! Claims and figures of the stage `bbp-transition`: a change here computes and reduces nothing again.

mod figures;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, declare};
use crate::stage::{Kind, Results, Stage};
use crate::stages::bbp_transition::{asked, plan, reduce};
use crate::stages::common::shared::Statistics;
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "bbp-transition",
    kind: Kind::Theorem,
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
    wanted: impl Fn(&Experiment, u64) -> bool,
) -> Result<Vec<f64>> {
    let (measured, predicted) =
        (Statistics::read(results, "statistics")?, Statistics::read(results, "theory")?);
    let mut totals: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for experiment in results.experiments.values() {
        let foreseen: BTreeMap<(u64, Option<u32>), f64> = predicted
            .rows(&experiment.name, statistic)
            .map(|row| ((row.at.step, row.row), row.value))
            .collect();
        for row in measured.rows(&experiment.name, statistic).filter(|row| wanted(experiment, row.at.step)) {
            // A carrier counts where measurement and prediction both have an outlier of this rank.
            if let (Some(value), Some(replicate)) = (foreseen.get(&(row.at.step, row.row)), row.at.replicate)
            {
                totals.entry(replicate).or_default().push((row.value - value).abs());
            }
        }
    }
    Ok(totals.values().map(|values| values.iter().sum::<f64>() / as_f64(values.len())).collect())
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let last = |experiment: &Experiment| experiment.schedule().last().copied().unwrap_or(0);
    let mut claims = Vec::new();
    for (id, matrix, symbol, start) in [
        ("A5.grid-hessian-start", "hessian", "H_11", true),
        ("A5.grid-hessian-end", "hessian", "H_11", false),
        ("A5.grid-gradient-start", "gradient", "G_11", true),
        ("A5.grid-gradient-end", "gradient", "G_11", false),
    ] {
        let when = if start { "start" } else { "end" };
        let statistic = format!("outliers, {matrix}");
        let wanted =
            |experiment: &Experiment, step: u64| if start { step == 0 } else { step == last(experiment) };
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} leave the bulk at the predicted lambda and phi, at the {when}"),
                format!("mean over the grid of |measured - predicted| number of outliers at the {when}"),
            )
            .at_most(MISCOUNT)
            .measure(&deviations(results, &statistic, wanted)?)?,
        );
    }
    for (id, matrix, symbol) in
        [("A5.dynamical-hessian", "hessian", "H_11"), ("A5.dynamical-gradient", "gradient", "G_11")]
    {
        let followed = |experiment: &Experiment, _| asked(experiment).len() > 2;
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} leave the bulk at the predicted times of training"),
                "mean over lambda and time of |measured - predicted| number of outliers",
            )
            .at_most(MISCOUNT)
            .measure(&deviations(results, &format!("outliers, {matrix}"), followed)?)?,
        );
    }
    for (id, matrix, symbol) in
        [("A5.carriers-hessian", "hessian", "H_11"), ("A5.carriers-gradient", "gradient", "G_11")]
    {
        claims.push(
            declare(
                id,
                format!("outliers of {symbol} carry the span of the means as much as predicted"),
                "mean over the grid and ranks at the end of |measured - predicted| squared overlap with Span(mu)",
            )
            .at_most(CARRIERS)
            .measure(&deviations(
                results,
                &format!("carried by means, {matrix}"),
                |experiment, step| step == last(experiment),
            )?)?,
        );
    }
    Ok(claims)
}
