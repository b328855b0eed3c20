//! Deliberate mistakes, as features of the build: `just mutations` shows which claims each of them makes fail.
//!
//! Without one of the features every function here is the identity. The name of a mutation enters every key, and its results live
//! in a store of their own, so nothing computed with a mistake is ever taken for anything else.

/// The mistake of this build.
pub const NAME: Option<&str> = if cfg!(feature = "mutate-predictions") {
    Some("predictions")
} else if cfg!(feature = "mutate-weights") {
    Some("weights")
} else if cfg!(feature = "mutate-labels") {
    Some("labels")
} else if cfg!(feature = "mutate-noise") {
    Some("noise")
} else {
    None
};

/// The signal-to-noise ratio that predictions are made for; `predictions` takes 1.25 times the right one.
pub fn predicted_for(lambda: f64) -> f64 {
    if cfg!(feature = "mutate-predictions") { 1.25 * lambda } else { lambda }
}

/// The weights of a block of the Hessian; `weights` replaces them by ones, which makes it the second moment of the data.
pub fn hessian_weights(weights: Vec<f64>) -> Vec<f64> {
    if cfg!(feature = "mutate-weights") { vec![1.0; weights.len()] } else { weights }
}

/// The labels behind the residuals of the gradient matrix; `labels` takes the next label for every sample.
pub fn gradient_labels(labels: &[u32]) -> Option<Vec<u32>> {
    let count = labels.iter().max().map_or(1, |most| most + 1);
    cfg!(feature = "mutate-labels").then(|| labels.iter().map(|label| (label + 1) % count).collect())
}

/// The factor of the term of the effective dynamics that step noise adds to the Gram matrix; `noise` drops it.
pub const STEP_NOISE: f64 = if cfg!(feature = "mutate-noise") { 0.0 } else { 1.0 };
