//! Predictions of the effective spectral theory, computed without any simulation.
//!
//! The weights of every empirical matrix `A = (1/n) Σ_i f_i Y_i Y_iᵀ` considered here depend on a sample only through its
//! projection `u` on the low-dimensional space `V` of parameters and means, `Y = u + (noise outside V)`. The law of
//! `(u, f)` therefore decides the whole limiting spectrum: bulk, edges, outliers and eigenvector overlaps. That law is
//! carried by a [`NodeSet`] (a quadrature rule for `u`) and the [`Weights`] at its nodes.
//!
//! Source: arXiv 2310.03010 and companion 2502.15655.

pub mod bulk;
pub mod collapse;
pub mod coupon_collector;
pub mod dynamics;
pub mod effective_spectrum;
pub mod gradients;
pub mod jacobi;
pub mod joint;
pub mod leading;
pub mod mixture_law;
pub mod own_samples;
mod span;
pub mod xor_law;

use ndarray::{Array1, Array2};

use crate::error::{Error, Result};
use crate::problem::as_f64;

/// Total number of nodes of the law of a task, over all components of the mixture, unless told otherwise.
const DEFAULT_NODES: usize = 4096;

/// Which empirical matrix a block belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// The Hessian `(1/n) Σ ∇²L(x, Y_i)`, without the ridge penalty.
    Hessian,
    /// The gradient matrix `(1/n) Σ ∇L(x, Y_i) ∇L(x, Y_i)ᵀ`, without the ridge penalty.
    Gradient,
}

/// Quadrature rule for the projection `u` of a sample on `V`: given node `i`, the second moment of `u` is
/// `points_i points_iᵀ + diag(residual_variance)`.
///
/// Directions of `V` on which the weights do not depend are integrated exactly: there the points carry the conditional
/// mean and `residual_variance` the conditional variance. A plain rule has `residual_variance = 0`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSet {
    /// Node coordinates, `N × r`.
    pub points: Array2<f64>,
    /// Node probabilities, length `N`, summing to 1.
    pub masses: Array1<f64>,
    /// Variance of `u` given the node, per coordinate, length `r`.
    pub residual_variance: Array1<f64>,
}

impl NodeSet {
    /// Takes nodes `points` (`N × r`, orthonormal coordinates of `V`), their probabilities `masses` (length `N`) and the
    /// variance left out of the points in each coordinate (length `r`).
    ///
    /// # Errors
    /// Shapes that do not fit, values that are not finite, negative masses or variances, or masses that do not sum to 1.
    pub fn new(points: Array2<f64>, masses: Array1<f64>, residual_variance: Array1<f64>) -> Result<Self> {
        let (count, dimension) = points.dim();
        if masses.len() != count || residual_variance.len() != dimension {
            let found = format!("{count} × {dimension}, {} and {}", masses.len(), residual_variance.len());
            return Err(Error::parameter("nodes", found, "need N × r points, N masses and r variances"));
        }
        if points.iter().chain(&masses).chain(&residual_variance).any(|value| !value.is_finite()) {
            return Err(Error::parameter(
                "nodes",
                "not finite",
                "points, masses and variances must be finite",
            ));
        }
        if masses.iter().chain(&residual_variance).any(|&value| value < 0.0) {
            return Err(Error::parameter("nodes", "negative", "masses and variances must not be negative"));
        }
        let total = masses.sum();
        if (total - 1.0).abs() > 1e-9 {
            return Err(Error::parameter("nodes", total, "masses must sum to 1"));
        }
        // Rows must be contiguous, whatever the layout of the caller's array.
        let points =
            if points.is_standard_layout() { points } else { points.as_standard_layout().into_owned() };
        Ok(Self { points, masses, residual_variance })
    }

    /// Dimension `r` of `V`.
    pub fn dimension(&self) -> usize {
        self.points.ncols()
    }

    /// `E[c(node) u uᵀ]` (`r × r`) for a coefficient given at each node.
    pub fn weighted_second_moment(&self, mut coefficient: impl FnMut(usize) -> f64) -> Array2<f64> {
        let dimension = self.dimension();
        let mut moment = vec![0.0; dimension * dimension];
        let mut total = 0.0;
        for (node, (point, mass)) in self.points.outer_iter().zip(&self.masses).enumerate() {
            let factor = mass * coefficient(node);
            total += factor;
            if let Some(point) = point.as_slice() {
                for (row, &coordinate) in point.iter().enumerate() {
                    let scaled = factor * coordinate;
                    let target = &mut moment[row * dimension..=row * dimension + row];
                    target.iter_mut().zip(point).for_each(|(entry, other)| *entry += scaled * other);
                }
            }
        }
        Array2::from_shape_fn((dimension, dimension), |(i, j)| {
            let residual = if i == j { total * self.residual_variance[i] } else { 0.0 };
            moment[i.max(j) * dimension + i.min(j)] + residual
        })
    }
}

/// Weights `f` of a matrix `(1/n) Σ f_i Y_i Y_iᵀ` at the nodes of a [`NodeSet`].
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// `f` at each node, length `N`.
    pub values: Array1<f64>,
    /// Supremum of the support of the law of `f` (not the maximum over nodes, which a finite rule underestimates).
    pub sup: f64,
    /// Infimum of the support of the law of `f`.
    pub inf: f64,
}

impl Weights {
    /// Weights whose law is discrete and carried by the nodes: `sup` and `inf` are the extremes of the values.
    pub fn discrete(values: Array1<f64>) -> Self {
        let sup = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let inf = values.iter().copied().fold(f64::INFINITY, f64::min);
        Self { values, sup, inf }
    }
}

/// Quasi-Monte Carlo nodes for the standard Gaussian in `dimension` variables (`count × dimension`, equal masses).
///
/// The `R_d` Kronecker sequence (multiples of `1/g, 1/g², …` modulo 1, with `g^{d+1} = g + 1`) through the inverse normal
/// distribution function, made antithetic (mean exactly 0) and whitened (second moment exactly the identity, to rounding).
/// `count` is rounded up to an even number; in dimension 0 the answer is a single empty node.
///
/// # Errors
/// Fewer than `4 (dimension + 1)` nodes.
pub fn gaussian_nodes(dimension: usize, count: usize) -> Result<Array2<f64>> {
    if dimension == 0 {
        return Ok(Array2::zeros((1, 0)));
    }
    if count < 4 * (dimension + 1) {
        let rule = format!("needs at least {} nodes in dimension {dimension}", 4 * (dimension + 1));
        return Err(Error::parameter("nodes", count, rule));
    }
    let half = count.div_ceil(2);
    let generator = kronecker_generator(dimension);
    let mut points = Array2::<f64>::zeros((2 * half, dimension));
    let mut shift = vec![0.5; dimension];
    for row in 0..half {
        let mut step = 1.0;
        for (column, position) in shift.iter_mut().enumerate() {
            step /= generator;
            *position = (*position + step).fract();
            let gaussian = normal_quantile(*position);
            points[[2 * row, column]] = gaussian;
            points[[2 * row + 1, column]] = -gaussian;
        }
    }
    whiten(&mut points)?;
    Ok(points)
}

/// The `probability`-quantile of N(0, 1): the rational start of Hastings (error below 5e-4) and three Halley steps.
///
/// Only `libm` is called, so that nodes have the same bits on every machine (common statistics crates call the system's
/// logarithm).
fn normal_quantile(probability: f64) -> f64 {
    let tail = probability.min(1.0 - probability).max(1e-300);
    let t = (-2.0 * libm::log(tail)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = t - numerator / denominator;
    for _ in 0..3 {
        let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
        let newton = (0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2) - tail) / density;
        x += newton / (1.0 - 0.5 * newton * x);
    }
    if probability < 0.5 { -x } else { x }
}

/// The positive root of `g^{d+1} = g + 1`, by the contraction `g ← (1 + g)^{1/(d+1)}`.
fn kronecker_generator(dimension: usize) -> f64 {
    let exponent = 1.0 / (as_f64(dimension) + 1.0);
    (0..64).fold(2.0, |root, _| libm::pow(1.0 + root, exponent))
}

/// Replaces each row `g` by `L⁻¹ g`, where `L Lᵀ` is the second moment of the rows.
fn whiten(points: &mut Array2<f64>) -> Result<()> {
    let (count, size) = points.dim();
    let mut lower = Array2::<f64>::zeros((size, size));
    for i in 0..size {
        for j in 0..=i {
            let moment = points.outer_iter().map(|row| row[i] * row[j]).sum::<f64>() / as_f64(count);
            let known: f64 = (0..j).map(|l| lower[[i, l]] * lower[[j, l]]).sum();
            let rest = moment - known;
            if i != j {
                lower[[i, j]] = rest / lower[[j, j]];
            } else if rest > 1e-12 * moment {
                lower[[i, i]] = rest.sqrt();
            } else {
                let problem = format!("the second moment of {count} nodes is singular in dimension {size}");
                return Err(Error::Numeric { routine: "gaussian_nodes", problem });
            }
        }
    }
    for mut row in points.outer_iter_mut() {
        for i in 0..size {
            let known: f64 = (0..i).map(|j| lower[[i, j]] * row[j]).sum();
            row[i] = (row[i] - known) / lower[[i, i]];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::theory::normal_quantile;

    #[test]
    fn quantiles_against_tables() {
        for (probability, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (1e-10, -6.361_340_902_404_056),
            (0.6, 0.253_347_103_135_8),
        ] {
            assert!((normal_quantile(probability) - expected).abs() < 1e-12);
        }
    }
}
