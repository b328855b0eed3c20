//! Which figure shows what a claim is about.

use crate::stage::Stage;

/// Claims that another figure of their stage shows than the first; `*` stands for anything. The first pattern that fits counts.
pub const SHOWN: [(&str, &str); 33] = [
    ("A1.sum*", "gmm-training"),
    ("A2.offdiagonal-*", "gmm-off-diagonal"),
    ("A4.*-preference", "gmm-inner-products"),
    ("A5.dynamical-*", "bbp-transition-in-time"),
    ("A5.time-*", "bbp-transition-in-time"),
    ("A5.carriers-*", "bbp-transition-carriers"),
    ("A5.hessian-*", "gmm-snr-outliers"),
    ("A5.gradient-*", "gmm-snr-outliers"),
    ("B3.start-hessian", "xor-outliers-second"),
    ("B3.start-gradient", "xor-outliers-second"),
    ("B3.end-*", "xor-outliers-second"),
    ("B3.at-most-four*", "xor-outliers-second"),
    ("B4.equal*", "xor-rank-runs"),
    ("B4.directions", "xor-neurons"),
    ("C1.*-window", "train-and-test-windows"),
    ("C1.age", "train-and-test-windows"),
    ("C1.*-xor", "train-and-test-xor"),
    ("C2.weights*", "architectures-layers"),
    ("C2.hessian*", "architectures-layers"),
    ("C2.gradient*", "architectures-layers"),
    ("C2.spaces", "architectures-layers"),
    ("C3.top", "top-subspace-training"),
    ("C3.off", "top-subspace-training"),
    ("C3.components", "top-subspace-training"),
    ("C3.top-nuisance", "top-subspace-training"),
    ("C3.off-nuisance", "top-subspace-training"),
    ("C3.wide-nuisance", "top-subspace-training"),
    ("D1.xor-*", "effective-dynamics-xor"),
    ("D2.*-xor-second", "effective-spectrum-xor-second"),
    ("D2.*-xor", "effective-spectrum-xor"),
    ("D2.*-xor-first", "effective-spectrum-xor"),
    ("D2.*-xor-hessian", "effective-spectrum-xor"),
    ("D2.*-xor-gradient", "effective-spectrum-xor"),
];

/// Whether an id is one of those that a pattern stands for.
pub fn fits(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            id.strip_prefix(start).is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end))
        }
        None => pattern == id,
    }
}

/// The figure of a claim; none where its stage has none.
pub fn claim_figure(stage: &Stage, id: &str) -> Option<&'static str> {
    let named = SHOWN.iter().find(|(pattern, figure)| stage.figures.contains(figure) && fits(pattern, id));
    named.map(|(_, figure)| *figure).or_else(|| stage.figures.first().copied())
}
