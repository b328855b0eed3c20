//! What stands behind the last layer of a network: softmax, or the logit of label 1 against label 0.

use crate::simulation::exponential::exp;
use crate::simulation::task::definition::{LARGEST, Matrix};

/// `π = softmax(logits)` in place, in a fixed order; returns `log Σ exp`.
pub fn softmax(logits: &mut [f64]) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for logit in &mut *logits {
        *logit = exp(*logit - top);
    }
    for weight in &*logits {
        total += weight;
    }
    for probability in logits {
        *probability /= total;
    }
    top + libm::log(total)
}

/// Turns logits into steps `δ (π_a - y_a)`; false if they are too large.
pub fn steps(logits: &mut [f64], label: u32, step: f64) -> bool {
    if !logits.iter().all(|logit| logit.abs() <= LARGEST) {
        return false;
    }
    softmax(logits);
    logits[label as usize] -= 1.0;
    for residual in logits {
        *residual *= step;
    }
    true
}

/// `r = σ(f) - y` and `q = σ(f)(1 - σ(f))` of one sample, accurate however small they are.
pub fn residual_and_curvature(f: f64, label: u32) -> (f64, f64) {
    let small = libm::exp(-f.abs());
    let (near, far) = (1.0 / (1.0 + small), small / (1.0 + small));
    let (sigma, rest) = if f > 0.0 { (near, far) } else { (far, near) };
    (if label == 1 { -rest } else { sigma }, near * far)
}

/// What stands in a matrix for one sample, besides derivatives of the logit: `q` or `r²`.
pub fn weight(matrix: Matrix, f: f64, label: u32) -> f64 {
    let (r, q) = residual_and_curvature(f, label);
    match matrix {
        Matrix::Hessian => q,
        Matrix::Gradient => r * r,
    }
}

/// Loss `log(1 + e^f) - y f`, and whether f has the sign of the label: positive for 1, negative for 0.
pub fn logistic_loss(f: f64, label: u32) -> (f64, bool) {
    let margin = if label == 1 { f } else { -f };
    // log(1 + e^f) - y f is log(1 + e^{-margin}).
    (relu(-margin) + libm::log1p(libm::exp(-margin.abs())), margin > 0.0)
}

/// The index of the largest logit, the first of equals.
pub fn first_largest(logits: &[f64]) -> usize {
    (0..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best })
}

/// The positive part.
pub fn relu(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}
