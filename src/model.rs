//! Plain parameters of the model, shared by simulation and theory; no formula of either stands here.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Largest sample or block that is held in memory, in bytes.
const SAMPLE_BYTES: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;
/// Largest number of SGD steps of one trajectory.
const MOST_STEPS: f64 = 1e10;

/// Parameters of one learning problem and its online SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Data law and network.
    pub task: TaskKind,
    /// Dimension `d` of the data.
    pub d: usize,
    /// Signal-to-noise ratio λ: samples are `mean + z/√λ` with `z ~ N(0, I_d)`.
    pub lambda: f64,
    /// Ridge β: the step is `x ← x - δ (∇L + β x)`.
    pub beta: f64,
    /// Step constant `c`: `δ = c/d`.
    pub c: f64,
    /// Sample ratio `φ`: matrices are means over `n = φ d` samples.
    pub phi: f64,
}

/// Data law and network of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TaskKind {
    /// Task A: k-component Gaussian mixture, softmax regression with one weight row per class.
    Mixture {
        /// Class probabilities `p_1..p_k`.
        probabilities: Vec<f64>,
        /// The class means.
        means: Means,
    },
}

/// How the unit class means lie to each other. By rotation invariance they may as well span the first k coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Means {
    /// `μ_a = e_a`.
    Orthonormal,
    /// Means with this k × k Gram matrix (ones on the diagonal, positive definite).
    Gram(Vec<Vec<f64>>),
}

impl TaskKind {
    /// Task A with `k` equally likely classes and orthonormal means.
    #[must_use]
    pub fn mixture(k: usize) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
        let probabilities = vec![1.0 / k as f64; k];
        Self::Mixture { probabilities, means: Means::Orthonormal }
    }

    /// Number of classes `k` of task A.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self {
            Self::Mixture { probabilities, .. } => probabilities.len(),
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are validated to be far below 2^53"
)]
impl Model {
    /// Step size `δ = c/d`; time is `step · δ`.
    #[must_use]
    pub fn step_size(&self) -> f64 {
        self.c / self.d as f64
    }

    /// Sample size `n = φ d`, rounded to the nearest whole number.
    #[must_use]
    pub fn sample_size(&self) -> usize {
        (self.phi * self.d as f64).round() as usize
    }

    /// Number of steps until time `horizon`, rounded to the nearest whole step.
    #[must_use]
    pub fn steps(&self, horizon: f64) -> u64 {
        (horizon / self.step_size()).round() as u64
    }

    /// Checks every parameter; `experiment` goes into the message.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the name, the value and the rule it breaks.
    pub fn validate(&self, experiment: &str, horizon: f64) -> Result<()> {
        let name = |key: &str| format!("{experiment}.{key}");
        let positive = |key: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(Error::parameter(name(key), value, "must be a finite number above 0"))
            }
        };
        if self.d == 0 {
            return Err(Error::parameter(name("d"), self.d, "must be at least 1"));
        }
        if self.d as f64 * self.d as f64 * 8.0 > SAMPLE_BYTES {
            return Err(Error::parameter(
                name("d"),
                self.d,
                "a block of d × d entries needs over 8 GiB; lower d",
            ));
        }
        positive("lambda", self.lambda)?;
        positive("c", self.c)?;
        positive("phi", self.phi)?;
        positive("horizon", horizon)?;
        if !(self.beta.is_finite() && self.beta >= 0.0) {
            return Err(Error::parameter(name("beta"), self.beta, "must be a finite number, 0 or above"));
        }
        let n = self.phi * self.d as f64;
        if n < 0.5 {
            return Err(Error::parameter(name("phi"), self.phi, "must give at least one sample, n = φ d"));
        }
        if n * self.d as f64 * 8.0 > SAMPLE_BYTES {
            let rule = format!(
                "a sample of n = φ d = {n} points in dimension {} needs over 8 GiB; lower d or phi",
                self.d
            );
            return Err(Error::parameter(name("phi"), self.phi, rule));
        }
        let steps = horizon / self.step_size();
        if !(0.5..=MOST_STEPS).contains(&steps) {
            let rule =
                format!("gives {steps:.3e} SGD steps (horizon·d/c); choose between 1 and {MOST_STEPS:e}");
            return Err(Error::parameter(name("horizon"), horizon, rule));
        }
        let TaskKind::Mixture { probabilities, means } = &self.task;
        validate_mixture(&name, self.d, probabilities, means)
    }
}

fn validate_mixture(
    name: &dyn Fn(&str) -> String,
    d: usize,
    probabilities: &[f64],
    means: &Means,
) -> Result<()> {
    let k = probabilities.len();
    if k < 2 {
        return Err(Error::parameter(name("k"), k, "a classification task needs at least 2 classes"));
    }
    if k > d {
        return Err(Error::parameter(name("k"), k, format!("k linearly independent means need k ≤ d = {d}")));
    }
    for &p in probabilities {
        if !(p.is_finite() && p > 0.0) {
            return Err(Error::parameter(
                name("probabilities"),
                p,
                "every class probability must be above 0",
            ));
        }
    }
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() > 1e-9 {
        return Err(Error::parameter(name("probabilities"), total, "class probabilities must sum to 1"));
    }
    if let Means::Gram(gram) = means {
        if gram.len() != k || gram.iter().any(|row| row.len() != k) {
            return Err(Error::parameter(
                name("means"),
                gram.len(),
                format!("the Gram matrix of means must be {k} × {k}"),
            ));
        }
        for (a, row) in gram.iter().enumerate() {
            for (b, &entry) in row.iter().enumerate() {
                let expected = if a == b { 1.0 } else { gram[b][a] };
                if !entry.is_finite() || (entry - expected).abs() > 1e-12 {
                    let rule = "the Gram matrix of means must be symmetric with ones on the diagonal";
                    return Err(Error::parameter(format!("{}[{a}][{b}]", name("means")), entry, rule));
                }
            }
        }
        if cholesky(gram).is_none() {
            let rule = "the Gram matrix of means must be positive definite (linearly independent means)";
            return Err(Error::parameter(name("means"), format!("{gram:?}"), rule));
        }
    }
    Ok(())
}

/// Lower Cholesky factor of a small symmetric matrix, in a fixed order of operations; none if it is not
/// positive definite to a relative 1e-12.
#[must_use]
pub fn cholesky(gram: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let k = gram.len();
    let mut factor = vec![vec![0.0; k]; k];
    for a in 0..k {
        for b in 0..=a {
            let mut rest = gram[a][b];
            for (left, right) in factor[a][..b].iter().zip(&factor[b][..b]) {
                rest -= left * right;
            }
            factor[a][b] = if a > b {
                rest / factor[b][b]
            } else if rest > 1e-12 {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    Some(factor)
}
