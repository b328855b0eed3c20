//! Spectra of one block of the Hessian or the gradient matrix: the only user of LAPACK.
//!
//! A block is `A = (1/n) Σ w_i g_i g_iᵀ` (p × p) over the n samples. Pairs are ordered by decreasing magnitude of the
//! eigenvalue; of every eigenvector the first entry within a relative 1e-6 of the largest magnitude is positive.

pub mod answer;
pub mod krylov;
pub mod lapack;
pub mod query;
pub mod subspace;

use crate::error::{Error, Result};
use crate::simulation::task::Curvature;
use ndarray::{Array1, Array2, ArrayView1, Axis, s, stack};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

/// Largest residual `‖A v - θ v‖ / ‖A‖` of a stored pair; `‖A‖` is the largest magnitude of an eigenvalue.
pub const RESIDUAL: f64 = 1e-12;
/// Residual at which the Krylov iteration stops, below [`RESIDUAL`] to leave room for rounding.
const KRYLOV_RESIDUAL: f64 = 2e-13;
/// Relative residual at which an operator norm has an error far below 1e-10.
const NORM_RESIDUAL: f64 = 1e-7;
/// Samples of one rank update.
const TILE: usize = 256;

/// One eigenpair with its relative residual `‖A v - θ v‖ / ‖A‖`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Eigenvalue θ.
    pub value: f64,
    /// Unit eigenvector v.
    pub vector: Array1<f64>,
    /// Relative residual.
    pub residual: f64,
}

/// Operator norms, not normalised, that say how well a matrix lives in a subspace `B` with projector `P`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Norms {
    /// `‖A‖`.
    pub operator: f64,
    /// `‖A - PAP‖`.
    pub outside: f64,
    /// `‖(I-P) A (I-P)‖`.
    pub perpendicular: f64,
}

/// A block; its dense matrix is formed when first needed.
#[derive(Debug)]
pub struct BlockMatrix<'a> {
    curvature: Curvature<'a>,
    dense: OnceCell<Array2<f64>>,
}

impl<'a> BlockMatrix<'a> {
    /// The block of these features and weights.
    pub fn new(curvature: Curvature<'a>) -> Self {
        Self { curvature, dense: OnceCell::new() }
    }

    /// The same with every weight 1: `(1/n) Σ g_i g_iᵀ`.
    pub fn unweighted(&self) -> BlockMatrix<'_> {
        let features = self.curvature.features.view().into();
        BlockMatrix::new(Curvature { features, weights: vec![1.0; self.curvature.weights.len()] })
    }

    fn p(&self) -> usize {
        self.curvature.features.ncols()
    }

    /// The dense matrix, p × p, both triangles.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a dimension does not fit LAPACK.
    pub fn dense(&self) -> Result<&Array2<f64>> {
        if let Some(dense) = self.dense.get() {
            return Ok(dense);
        }
        let formed = weighted_gram(&self.curvature)?;
        Ok(self.dense.get_or_init(|| formed))
    }

    /// The `count` eigenpairs of largest magnitude (all p if there are fewer), from the dense matrix.
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails or a residual is above [`RESIDUAL`].
    pub fn top(&self, count: usize) -> Result<Vec<Pair>> {
        let dense = self.dense()?;
        let p = self.p();
        let count = count.min(p);
        let (mut values, mut vectors) = lapack::eigenpairs_between(dense.clone(), p - count + 1, p)?;
        let signed = self.curvature.weights.iter().any(|&weight| weight < 0.0);
        if signed && count < p {
            let (low, low_vectors) = lapack::eigenpairs_between(dense.clone(), 1, count.min(p - count))?;
            values.extend(low);
            vectors.append(Axis(0), low_vectors.view()).map_err(shape)?;
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        order.truncate(count);
        let values: Vec<f64> = order.iter().map(|&index| values[index]).collect();
        let vectors = vectors.select(Axis(0), &order).reversed_axes();
        finish(&dense.dot(&vectors), &values, &vectors)
    }

    /// The same by a block Krylov iteration warm-started from `start` (p × b), a guess of the space; where outliers do
    /// not stand clear of the bulk it does not converge and the dense way is taken.
    ///
    /// # Errors
    /// [`Error::Numeric`] as for [`Self::top`].
    pub fn outliers(&self, count: usize, start: &Array2<f64>) -> Result<Vec<Pair>> {
        let dense = self.dense()?;
        let count = count.min(self.p());
        let most = 16 * start.ncols();
        match krylov::leading(&|block| dense.dot(block), start, count, KRYLOV_RESIDUAL, most)? {
            Some(ritz) => finish(&dense.dot(&ritz.vectors), &ritz.values, &ritz.vectors),
            None => self.top(count),
        }
    }

    /// All eigenvalues by value, largest first.
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails.
    pub fn values(&self) -> Result<Vec<f64>> {
        let mut values = lapack::eigenvalues(self.dense()?.clone())?;
        values.reverse();
        Ok(values)
    }

    /// How well the block lives in the span of the orthonormal columns of `space` (p × dim).
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails.
    pub fn norms(&self, space: &Array2<f64>) -> Result<Norms> {
        let dense = self.dense()?;
        let inside = |block: &Array2<f64>| space.dot(&space.t().dot(block));
        let norm = |apply: &dyn Fn(&Array2<f64>) -> Array2<f64>| -> Result<f64> {
            let start = scattered(self.p(), 4.min(self.p()));
            if let Some(ritz) = krylov::leading(apply, &start, 1, NORM_RESIDUAL, 120)? {
                return Ok(ritz.values[0].abs());
            }
            let values = lapack::eigenvalues(apply(&Array2::eye(self.p())).as_standard_layout().to_owned())?;
            Ok(values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs())))
        };
        Ok(Norms {
            operator: norm(&|block| dense.dot(block))?,
            outside: norm(&|block| dense.dot(block) - inside(&dense.dot(&inside(block))))?,
            perpendicular: norm(&|block| {
                let image = dense.dot(&(block - &inside(block)));
                &image - &inside(&image)
            })?,
        })
    }
}

fn shape(error: ndarray::ShapeError) -> Error {
    Error::Numeric { routine: "spectrum", problem: error.to_string() }
}

#[allow(clippy::cast_precision_loss, reason = "a sample size is exact in f64")]
fn count(n: usize) -> f64 {
    n as f64
}

/// `(1/n) Σ w_i g_i g_iᵀ` by rank updates over tiles of samples, those of positive weight first.
fn weighted_gram(curvature: &Curvature) -> Result<Array2<f64>> {
    let Curvature { features, weights } = curvature;
    let p = features.ncols();
    let mut matrix = Array2::zeros((p, p));
    for sign in [1.0, -1.0] {
        let alpha = sign / count(weights.len());
        let mut tile = Vec::with_capacity(TILE * p);
        for (row, weight) in features.rows().into_iter().zip(weights) {
            if weight * sign > 0.0 {
                let root = weight.abs().sqrt();
                tile.extend(row.iter().map(|value| root * value));
            }
            if tile.len() == TILE * p {
                lapack::add_gram(&mut matrix, &tile, alpha)?;
                tile.clear();
            }
        }
        lapack::add_gram(&mut matrix, &tile, alpha)?;
    }
    lapack::symmetrise(&mut matrix);
    Ok(matrix)
}

/// Fixes signs, measures residuals and refuses pairs above [`RESIDUAL`].
fn finish(image: &Array2<f64>, values: &[f64], vectors: &Array2<f64>) -> Result<Vec<Pair>> {
    let norm = values.first().map_or(0.0, |value| value.abs());
    let mut pairs = Vec::with_capacity(values.len());
    for (index, &value) in values.iter().enumerate() {
        let vector = vectors.column(index);
        let difference = &image.column(index) - &(&vector * value);
        let residual = difference.dot(&difference).sqrt();
        if residual.is_nan() || residual > RESIDUAL * norm {
            let problem = format!(
                "residual {residual:e} of pair {} is above {RESIDUAL:e} of the norm {norm:e}",
                index + 1
            );
            return Err(Error::Numeric { routine: "eigenpairs", problem });
        }
        pairs.push(Pair {
            value,
            vector: signed(vector.to_owned()),
            residual: if norm > 0.0 { residual / norm } else { 0.0 },
        });
    }
    Ok(pairs)
}

/// The eigenvectors of the first `count` pairs as orthonormal columns, p × count.
///
/// # Errors
/// [`Error::Numeric`] if there is no pair.
pub fn leading_space(pairs: &[Pair], count: usize) -> Result<Array2<f64>> {
    let views: Vec<ArrayView1<f64>> = pairs.iter().take(count).map(|pair| pair.vector.view()).collect();
    stack(Axis(1), &views).map_err(shape)
}

/// The vector or its negative, whichever makes the first of its (nearly) largest entries positive.
fn signed(vector: Array1<f64>) -> Array1<f64> {
    let largest = vector.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    let lead = vector.iter().find(|entry| entry.abs() >= largest * (1.0 - 1e-6)).copied().unwrap_or(0.0);
    if lead < 0.0 { -vector } else { vector }
}

/// Deterministic columns in general position, to start an iteration from.
pub fn scattered(p: usize, columns: usize) -> Array2<f64> {
    let mut state = 1u64;
    Array2::from_shape_simple_fn((p, columns), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 33) as u32) / f64::from(1u32 << 30) - 1.0
    })
}

/// Columns to start the outliers of one block from: a basis of the mean space, one parameter row, two in general
/// position.
pub fn warm_start(space: &Array2<f64>, row: ArrayView1<f64>) -> Array2<f64> {
    let p = space.nrows();
    let mut start = Array2::zeros((p, space.ncols() + 3));
    start.slice_mut(s![.., ..space.ncols()]).assign(space);
    start.slice_mut(s![.., space.ncols()]).assign(&row);
    start.slice_mut(s![.., space.ncols() + 1..]).assign(&scattered(p, 2));
    start
}
