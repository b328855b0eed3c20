//! How fast the parts of a block outside a space fall in the signal-to-noise ratio λ, for the stages of both tasks.

use crate::plot::Axis;
use crate::stage::claim::log_slope;

/// A part of a block `A` outside a space with the projection P, relative to the whole.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its name in ids of claims, and before "error" in tables.
    pub name: &'static str,
    /// What a claim says of it in the mixture and in the first layer of the XOR network.
    pub falls: &'static str,
    /// Its formula in claims.
    pub formula: &'static str,
    /// Its formula in labels.
    pub label: &'static str,
    /// Least λ of the fit.
    pub least: f64,
    /// Its power of λ, halved: the slope of its logarithm.
    pub slope: f64,
}

impl Part {
    /// Name of the statistic in tables.
    pub fn statistic(&self) -> String {
        format!("{} error", self.name)
    }
}

/// What is outside the space on both sides, and all that is not inside: its cross terms dominate beyond `λ ≈ kφ(1+φ^{-1/2})⁴`.
pub const PARTS: [Part; 2] = [
    Part {
        name: "perpendicular",
        falls: "a perpendicular part that falls like 1/lambda",
        formula: "|(I-P) A (I-P)| / |A|",
        label: r"$\| (I-P) A (I-P)\| / \| A\|$",
        least: 100.0,
        slope: -1.0,
    },
    Part {
        name: "full",
        falls: "an error that falls like lambda^{-1/2}",
        formula: "|A - PAP| / |A|",
        label: r"$\| A - PAP\| / \| A\|$",
        least: 300.0,
        slope: -0.5,
    },
];

/// The λ beyond which the cross terms of a block, `√(k/(φλ))` of its norm, exceed its perpendicular part, at most
/// `(k/λ)(1+φ^{-1/2})²` of it: the full error falls like `λ^{-1/2}` only well beyond.
pub fn crossover(k: f64, phi: f64) -> f64 {
    let edge = 1.0 + 1.0 / phi.sqrt();
    k * phi * edge * edge * edge * edge
}

/// The steepest slope of the full error over these λ. Its square block form `[[0, B], [Bᵀ, C]]` has norm at most
/// `(‖C‖ + √(‖C‖² + 4‖B‖²))/2`, and at least ‖B‖, so it falls between this law of `‖C‖/‖B‖ = √(crossover/λ)` and `λ^{-1/2}`.
pub fn steepest(lambdas: &[f64], crossover: f64) -> f64 {
    let points: Vec<(f64, f64)> = lambdas
        .iter()
        .map(|&lambda| {
            let share = (crossover / lambda).sqrt();
            (lambda, (share + (share * share + 4.0).sqrt()) / (2.0 * lambda.sqrt()))
        })
        .collect();
    log_slope(&points)
}

/// Least λ of the fit of the alignment of weights, where the part left of the start is negligible.
pub const FIT_WEIGHTS: f64 = 30.0;

/// Tolerance of a slope.
pub const SLOPE: f64 = 0.1;

/// Tolerance of the one-sided slope of the alignment of weights.
pub const SLOPE_WEIGHTS: f64 = 0.05;

/// The statistic of a claim on the slope of something in λ.
pub fn fitted(what: &str, least: f64) -> String {
    format!("slope of ln({what}) in ln(lambda) at the end, lambda >= {least}")
}

/// The axis of λ.
pub fn snr() -> Axis {
    Axis::log(r"signal-to-noise ratio $\lambda$")
}
