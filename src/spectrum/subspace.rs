//! Alignment of vectors and of subspaces.

use crate::error::{Error, Result};
use crate::problem::network::Layer;
use crate::random::normal::Normals;
use crate::simulation::task::{Parameters, Spanning, Task};
use ndarray::{Array2, ArrayView1, s};
use ndarray_linalg::SVD;

/// Orthonormal basis (d × dim) of the span of columns, without the directions whose singular value is below `cut` times
/// the largest.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails.
pub fn span(columns: &Array2<f64>, cut: f64) -> Result<Array2<f64>> {
    let (vectors, values) = decomposed(columns)?;
    let kept = values.iter().filter(|value| **value > cut * values[0]).count();
    Ok(vectors.slice(s![.., ..kept]).to_owned())
}

/// Left singular vectors of columns (d × m) with their singular values, largest first, those of zero left out.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails.
pub fn singular(columns: &Array2<f64>) -> Result<(Array2<f64>, Vec<f64>)> {
    let (vectors, values) = decomposed(columns)?;
    let kept = values.iter().filter(|value| **value > 1e-13 * values[0]).count();
    Ok((vectors.slice(s![.., ..kept]).to_owned(), values[..kept].to_vec()))
}

fn decomposed(columns: &Array2<f64>) -> Result<(Array2<f64>, Vec<f64>)> {
    let (vectors, values, _) = columns.svd(true, false).map_err(|error| numeric("svd", &error))?;
    match vectors {
        Some(vectors) => Ok((vectors, values.to_vec())),
        None => Err(Error::Numeric { routine: "svd", problem: "gave no vectors".to_owned() }),
    }
}

/// Orthonormal basis (p × dim) of a subspace drawn uniformly: the span of dim ≤ p standard normal vectors.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails.
pub fn random_space(p: usize, dim: usize, normals: &mut Normals) -> Result<Array2<f64>> {
    let mut columns = Array2::zeros((p, dim));
    normals.fill(columns.as_slice_mut().unwrap_or_default());
    span(&columns, 0.0)
}

/// Orthonormal basis (columns, p × dim) of the subspace that parameter vectors of a layer align with.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails.
pub fn space(task: &dyn Task, layer: Layer, parameters: &Parameters) -> Result<Array2<f64>> {
    let Spanning { columns, cut } = task.spanning(layer, parameters);
    match cut {
        Some(cut) => span(&columns, cut),
        None => Ok(columns),
    }
}

fn numeric(routine: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Numeric { routine, problem: error.to_string() }
}

/// `ρ(v; B) = ‖P_B v‖ / ‖v‖` for a basis of orthonormal columns (d × dim); 0 for the zero vector.
#[must_use]
pub fn alignment(v: ArrayView1<f64>, basis: &Array2<f64>) -> f64 {
    let inside = basis.t().dot(&v);
    let norm = v.dot(&v).sqrt();
    if norm > 0.0 { (inside.dot(&inside).sqrt() / norm).min(1.0) } else { 0.0 }
}

/// `sin(v; B) = ‖(I - P_B) v‖ / ‖v‖ = √(1 - ρ²)`, accurate when it is small; 0 for the zero vector.
#[must_use]
pub fn sine(v: ArrayView1<f64>, basis: &Array2<f64>) -> f64 {
    let outside = &v - &basis.dot(&basis.t().dot(&v));
    let norm = v.dot(&v).sqrt();
    if norm > 0.0 { outside.dot(&outside).sqrt() / norm } else { 0.0 }
}

/// `‖P_U P_B‖_F² / dim U` of two orthonormal bases (d × dim U, d × dim B): 1 when U lies in B.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a dimension is exact in f64")]
pub fn overlap(u: &Array2<f64>, b: &Array2<f64>) -> f64 {
    u.t().dot(b).iter().map(|entry| entry * entry).sum::<f64>() / u.ncols() as f64
}
