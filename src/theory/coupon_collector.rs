//! The coupon collector's law: how many of `D` directions are covered when each of `K` neurons falls on one of them,
//! independently and uniformly.
//!
//! `P(exactly r covered) = C(D,r) Σ_j (-1)^j C(r,j) ((r-j)/D)^K`. For the XOR task `D = 4` (±μ, ±ν): the rank that SGD ends
//! with, in the limit `λ → ∞`. Four neurons cover all four with probability 3/32. Source: arXiv 2310.03010 and companion
//! 2206.04030.

use crate::problem::as_f64;

/// `P(exactly r of the directions are covered)` for `r = 0..=directions` (length `directions + 1`, summing to 1).
///
/// By the chain in the number of neurons: one more falls on a covered direction with probability `r/D`, on a new one with
/// `1 - r/D`. All terms are positive, so every probability has a relative error of some `neurons` roundings, unlike in
/// the alternating sum; impossible ones are exactly 0, and for four directions and up to 26 neurons nothing is rounded.
/// Probabilities below 1e-308 lose accuracy or vanish.
///
/// Without directions neurons have nowhere to fall and the only possible count, 0, is certain.
pub fn covered(neurons: usize, directions: usize) -> Vec<f64> {
    let mut law = vec![0.0; directions + 1];
    law[0] = 1.0;
    if directions == 0 {
        return law;
    }
    let all = as_f64(directions);
    for _ in 0..neurons {
        for r in (1..=directions).rev() {
            law[r] = (law[r] * as_f64(r) + law[r - 1] * as_f64(directions - r + 1)) / all;
        }
        law[0] = 0.0;
    }
    law
}

/// Mean number of covered directions, `D (1 - (1 - 1/D)^K)`.
pub fn mean_covered(neurons: usize, directions: usize) -> f64 {
    covered(neurons, directions).iter().enumerate().map(|(r, probability)| as_f64(r) * probability).sum()
}
