//! Plain parameters of the model, shared by simulation and theory; no formula of either stands here.

pub mod experiment;

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
    /// Where SGD starts.
    pub start: Start,
}

/// Where SGD starts; what is not given is random, rows of the first layer `N(0, I_d/d)` and the second layer `N(0, I_K)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Row i of the first layer projects on the span of the means as `Σ_b along[i][b] mean_b`, with the means `μ_1..μ_k` of task
    /// A and `μ, ν` of task B; its part outside stays random.
    pub along: Option<Vec<Vec<f64>>>,
    /// Weights of the second layer, of task B.
    pub second: Option<Vec<f64>>,
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
    /// Task B: four equally likely clusters `±μ` (label 1) and `±ν` (label 0), 2-layer ReLU network.
    Xor {
        /// Width `K` of the hidden layer.
        width: usize,
        /// Leading coordinates of the unit vector μ; the rest are zero.
        mu: Vec<f64>,
        /// Leading coordinates of the unit vector ν, orthogonal to μ.
        nu: Vec<f64>,
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

    /// Task B with a hidden layer of this width, `μ = e_1` and `ν = e_2`.
    #[must_use]
    pub fn xor(width: usize) -> Self {
        Self::Xor { width, mu: vec![1.0], nu: vec![0.0, 1.0] }
    }

    /// Number of rows of `d` weights in the first layer: classes `k` in task A, neurons `K` in task B.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Mixture { probabilities, .. } => probabilities.len(),
            Self::Xor { width, .. } => *width,
        }
    }

    /// Number of means that rows of the first layer align with, linearly independent: `μ_1..μ_k` of task A, `μ, ν` of task B.
    #[must_use]
    pub fn means(&self) -> usize {
        match self {
            Self::Mixture { probabilities, .. } => probabilities.len(),
            Self::Xor { .. } => 2,
        }
    }

    /// Name of the number of rows, as `--set` knows it.
    #[must_use]
    pub fn rows_key(&self) -> &'static str {
        match self {
            Self::Mixture { .. } => "k",
            Self::Xor { .. } => "width",
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
        let steps = horizon / self.step_size();
        if !(0.5..=MOST_STEPS).contains(&steps) {
            let rule =
                format!("gives {steps:.3e} SGD steps (horizon·d/c); choose between 1 and {MOST_STEPS:e}");
            return Err(Error::parameter(name("horizon"), horizon, rule));
        }
        match &self.task {
            TaskKind::Mixture { probabilities, means } => {
                validate_mixture(&name, self.d, probabilities, means)?;
            }
            TaskKind::Xor { width, mu, nu } => validate_xor(&name, self.d, *width, mu, nu)?,
        }
        validate_start(&name, &self.task, &self.start)
    }

    /// Checks that samples and blocks in d dimensions fit in memory.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the name, the value and what to change.
    pub fn validate_memory(&self, experiment: &str) -> Result<()> {
        let name = |key: &str| format!("{experiment}.{key}");
        if self.d as f64 * self.d as f64 * 8.0 > SAMPLE_BYTES {
            let rule = "a block of d × d entries needs over 8 GiB; lower d";
            return Err(Error::parameter(name("d"), self.d, rule));
        }
        let n = self.phi * self.d as f64;
        if n * self.d as f64 * 8.0 > SAMPLE_BYTES {
            let rule = format!(
                "a sample of n = φ d = {n} points in dimension {} needs over 8 GiB; lower d or phi",
                self.d
            );
            return Err(Error::parameter(name("phi"), self.phi, rule));
        }
        if n * self.task.rows() as f64 * 8.0 > SAMPLE_BYTES {
            let rule = format!("{n} sample points with as many outputs each need over 8 GiB");
            return Err(Error::parameter(name(self.task.rows_key()), self.task.rows(), rule));
        }
        Ok(())
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

fn validate_xor(name: &dyn Fn(&str) -> String, d: usize, width: usize, mu: &[f64], nu: &[f64]) -> Result<()> {
    if width < 1 {
        return Err(Error::parameter(name("width"), width, "the hidden layer needs at least 1 neuron"));
    }
    if d < 2 {
        return Err(Error::parameter(name("d"), d, "two orthogonal means need d of at least 2"));
    }
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).fold(0.0, |sum, (left, right)| sum + left * right);
    for (key, mean) in [("mu", mu), ("nu", nu)] {
        let shown = format!("{mean:?}");
        if mean.len() > d {
            let rule = format!("has more coordinates than d = {d}");
            return Err(Error::parameter(name(key), shown, rule));
        }
        let squared = dot(mean, mean);
        if squared == 0.0 {
            return Err(Error::parameter(name(key), shown, "a mean of the XOR mixture must not be zero"));
        }
        if squared.is_nan() || (squared - 1.0).abs() > 1e-12 {
            return Err(Error::parameter(name(key), shown, "a mean of the XOR mixture must have length 1"));
        }
    }
    let cosine = dot(mu, nu);
    if cosine.abs() > 1e-12 {
        let rule = "the means μ and ν of the XOR mixture must be orthogonal; this is their inner product";
        return Err(Error::parameter(name("mu·nu"), cosine, rule));
    }
    Ok(())
}

fn validate_start(name: &dyn Fn(&str) -> String, task: &TaskKind, start: &Start) -> Result<()> {
    let finite = |values: &[f64]| values.iter().all(|value| value.abs() <= 1e75);
    if let Some(along) = &start.along
        && !(along.len() == task.rows() && along.iter().all(|row| row.len() == task.means() && finite(row)))
    {
        let rule = format!("needs {} finite coefficients for each of {} rows", task.means(), task.rows());
        return Err(Error::parameter(name("start"), format!("{along:?}"), rule));
    }
    if let Some(second) = &start.second {
        let rule = match task {
            TaskKind::Mixture { .. } => "task A has no second layer".to_owned(),
            TaskKind::Xor { width, .. } if second.len() == *width && finite(second) => return Ok(()),
            TaskKind::Xor { width, .. } => format!("needs one finite weight for each of {width} neurons"),
        };
        return Err(Error::parameter(name("start"), format!("{second:?}"), rule));
    }
    Ok(())
}

/// A count as a number, exact below 2^53.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    reason = "counts of nodes, classes, neurons and steps are far below 2^53"
)]
pub fn as_f64(count: usize) -> f64 {
    count as f64
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
