//! How far SGD has moved what a network makes of a sample that it was trained on.
//!
//! Let `p = W Y` be what the first layer makes of a point, `g = ∂L/∂p` the gradient there and `C = E[∂²L/∂p ∂pᵀ]` the mean
//! curvature over the data (K × K for K rows; in softmax regression `g = π - y` and `C = E[diag π - π πᵀ]`). The step on a sample `(Y, y)`,
//! `W ← W - δ (g Yᵀ + β W)`, changes `W` by `Δ = -δ g Yᵀ` beyond what a run would do that leaves the sample out. Later steps
//! are on samples that know nothing of this one, and to first order in Δ their mean effect is
//!
//! `dΔ/dt = -β Δ - E[∂²L/∂p ∂pᵀ Δ Y' Y'ᵀ]`.
//!
//! The curvature depends on `Y'` through its projection on `V`, the span of means and rows, alone, and outside `V` the noise has the
//! covariance `I/λ` and is independent of it. So for the part of `Y` outside `V`, which is all but `(1 + k/λ)/(1 + d/λ)`
//! of its squared length, `dΔ/dt = -(β + C/λ) Δ`, and a time τ after its step the sample's own `p` is off by
//!
//! `Δ Y = -(c ‖Y‖²/d) P g`, `P = expm(-(β + C/λ) τ)`,
//!
//! with the time-ordered exponential where C moves. What is left out: the part in `V`, which decays faster; the second order of
//! the shift, `O((c/λ)²)`; and fluctuations of relative size `d^{-1/2}`. A fresh sample shown at the same step has the same law but for this shift, so
//! the law of any function of a training sample is that of a fresh one whose `p` is shifted: loss, weights of H and G, and
//! with them bulk, edges and outliers.

use ndarray::{Array1, Array2, ArrayView1};

use crate::error::{Error, Result};
use crate::theory::jacobi::{SymmetricEigen, symmetric_eigen};

/// What is left at the end of training of a change at an earlier time: `P`, as a function of that time.
#[derive(Debug, Clone)]
pub struct Memory {
    beta: f64,
    lambda: f64,
    /// Times at which the curvature is known, increasing; the last is the end.
    times: Vec<f64>,
    /// Spectral decomposition of the mean curvature over each interval between them.
    between: Vec<SymmetricEigen>,
    /// `P` from each of the times to the end.
    left: Vec<Array2<f64>>,
}

impl Memory {
    /// For ridge `β`, signal-to-noise ratio `λ` and mean curvatures `C` (K × K) at increasing times, the last of which is the end;
    /// between them C is the mean of both ends.
    ///
    /// # Errors
    /// Fewer than two times, times that do not increase, another number of matrices, a matrix that is not square.
    pub fn new(beta: f64, lambda: f64, times: &[f64], curvatures: &[Array2<f64>]) -> Result<Self> {
        if times.len() < 2
            || times.len() != curvatures.len()
            || times.windows(2).any(|pair| pair[0] >= pair[1])
        {
            let found = format!("{} and {}", times.len(), curvatures.len());
            return Err(Error::parameter(
                "times",
                found,
                "need two or more that increase, a curvature at each",
            ));
        }
        let between: Vec<SymmetricEigen> = curvatures
            .windows(2)
            .map(|pair| symmetric_eigen(&((&pair[0] + &pair[1]) * 0.5)))
            .collect::<Result<_>>()?;
        let mut memory = Self { beta, lambda, times: times.to_vec(), between, left: Vec::new() };
        let rows = curvatures[0].nrows();
        let mut left = vec![Array2::eye(rows); times.len()];
        for place in (0..times.len() - 1).rev() {
            let columns = (0..rows).map(|column| {
                let unit = Array1::from_shape_fn(rows, |row| f64::from(u8::from(row == column)));
                left[place + 1].dot(&memory.decayed(place, times[place + 1] - times[place], unit.view()))
            });
            let columns: Vec<Array1<f64>> = columns.collect();
            left[place] = Array2::from_shape_fn((rows, rows), |(row, column)| columns[column][row]);
        }
        memory.left = left;
        Ok(memory)
    }

    /// A vector after a duration within the interval of this place.
    fn decayed(&self, place: usize, duration: f64, vector: ArrayView1<f64>) -> Array1<f64> {
        let SymmetricEigen { values, vectors } = &self.between[place];
        let mut coordinates = vectors.t().dot(&vector);
        for (coordinate, value) in coordinates.iter_mut().zip(values) {
            *coordinate *= libm::exp(-(self.beta + value / self.lambda) * duration);
        }
        vectors.dot(&coordinates)
    }

    /// `P g` (length K): what is left at the end of a gradient `g` whose step was taken at this time.
    #[must_use]
    pub fn of(&self, time: f64, gradient: ArrayView1<f64>) -> Array1<f64> {
        let next = self.times.partition_point(|known| *known <= time).clamp(1, self.times.len() - 1);
        let duration = (self.times[next] - time).max(0.0);
        self.left[next].dot(&self.decayed(next - 1, duration, gradient))
    }
}

/// The share of a sample's squared length in `V`, `(1 + k/λ)/(1 + d/λ)`: the relative error of the shift that leaving `V` out makes at most.
#[must_use]
pub fn share_in_span(means: f64, d: f64, lambda: f64) -> f64 {
    (1.0 + means / lambda) / (1.0 + d / lambda)
}
