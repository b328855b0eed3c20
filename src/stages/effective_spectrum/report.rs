//! Claims and figures of the stage `effective-spectrum`: a change here computes and reduces nothing again.

mod compared;
mod figures;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::dimensions::{by_dimension, dimension, places};
use crate::stages::common::grid::slopes;
use crate::stages::effective_spectrum::report::compared::Compared;
use crate::stages::effective_spectrum::{plan, reduce};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "effective-spectrum",
    kind: Kind::Theorem,
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
    ],
    figures: &["effective-spectrum-gmm", "effective-spectrum-xor", "effective-spectrum-rates"],
    plan,
    reduce,
    judge,
    draw: figures::draw,
};

/// Largest relative difference of an outlier from its prediction, mean over replicates at the largest d.
const OUTLIER: f64 = 0.03;

/// Largest difference of a squared overlap.
const OVERLAP: f64 = 0.03;

/// Largest slope of the deviation in d: fluctuations fall like `d^{-1/2}`.
const RATE: f64 = -0.4;

/// Largest distance of the distribution functions of all eigenvalues, measured and predicted.
const DISTANCE: f64 = 0.03;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let compared = Compared::read(results)?;
    let (mixture, network) = (by_dimension(results, "gmm"), by_dimension(results, "xor"));
    let last = |experiments: &[&Experiment], what: &str, layer: Layer, relative: bool| {
        experiments
            .last()
            .map_or_else(Vec::new, |experiment| compared.worst(experiment, what, layer, relative))
    };
    let most = mixture.last().map_or(0, |experiment| experiment.problem.d());
    let mut claims = Vec::new();
    for (outliers, overlaps, experiments, layer, block) in [
        ("D2.outliers-gmm", "D2.overlaps-gmm", &mixture, Layer::X, "block 11 of task A"),
        ("D2.outliers-xor-first", "D2.overlaps-xor-first", &network, Layer::W, "block W_1W_1 of task B"),
        ("D2.outliers-xor-second", "D2.overlaps-xor-second", &network, Layer::V, "block vv of task B"),
    ] {
        claims.push(
            declare(outliers)
                .says(format!("the outliers of H and G, {block}, lie where they are foreseen"))
                .statistic(format!(
                    "relative difference where its mean is largest, over times, ranks and H, G; d = {most}"
                ))
                .between(-OUTLIER, OUTLIER)
                .measure(&last(experiments, "outlier", layer, true))?,
        );
        let with = if layer == Layer::V { "the foreseen eigenvectors" } else { "the span of the means" };
        claims.push(
            declare(overlaps)
                .says(format!(
                    "the outlier eigenvectors of H and G, {block}, overlap with {with} as foreseen"
                ))
                .statistic(format!(
                    "difference of the squared overlap where its mean is largest, likewise; d = {most}"
                ))
                .between(-OVERLAP, OVERLAP)
                .measure(&last(experiments, "overlap", layer, false))?,
        );
    }
    for (rate, bulk, experiments, layers, words) in [
        ("D2.rate-gmm", "D2.bulk-gmm", &mixture, &[Layer::X][..], "task A"),
        ("D2.rate-xor", "D2.bulk-xor", &network, &[Layer::W, Layer::V][..], "task B"),
    ] {
        claims.push(
            declare(rate)
                .says(format!("outliers of {words} approach their prediction like d^{{-1/2}}"))
                .statistic(
                    "slope in d of the mean size of the relative difference over times, ranks and H, G",
                )
                .at_most(RATE)
                .measure(&slopes(&places(experiments, dimension, |one| compared.sizes(one, layers)), 0.0))?,
        );
        let mut farthest: BTreeMap<u32, f64> = BTreeMap::new();
        let largest = experiments.last().map_or("", |experiment| &experiment.name);
        for row in compared.statistics.of(largest, "distance").iter() {
            let value = farthest.entry(row.at.replicate.unwrap_or(0)).or_default();
            *value = value.max(row.value);
        }
        claims.push(
            declare(bulk)
                .says(format!("the bulk of H and G of {words} has the foreseen density"))
                .statistic(format!("largest distance of distribution functions of all eigenvalues at the end, H and G; d = {most}"))
                .at_most(DISTANCE)
                .measure(&farthest.into_values().collect::<Vec<_>>())?,
        );
    }
    Ok(claims)
}
