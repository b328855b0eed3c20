//! Orthonormal coordinates of vectors that are known by their Gram matrix, and the nodes of a Gaussian mixture in them.
//!
//! In both tasks a sample counts only through its projection on the span `V` of parameters and means, and everything
//! follows from the Gram matrix of these vectors.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1};

use crate::error::{Error, Result};
use crate::mutation;
use crate::problem::as_f64;
use crate::theory::{NodeSet, gaussian_nodes};

/// Squared length of a vector's new part, relative to the vector's, below which it lies in the span of the others.
const RANK_TOLERANCE: f64 = 1e-12;
/// Relative violation of positive semidefiniteness above which a Gram matrix is refused.
const GRAM_TOLERANCE: f64 = 1e-5;

/// Refuses what is no Gram matrix of `size` vectors, as far as its entries and 2 × 2 minors tell.
pub(crate) fn check_gram(gram: &Array2<f64>, size: usize) -> Result<()> {
    if gram.dim() != (size, size) {
        let rule = format!("needs the Gram matrix of {size} parameters and means");
        return Err(Error::parameter("gram", format!("{:?}", gram.dim()), rule));
    }
    if gram.iter().any(|value| !value.is_finite()) {
        return Err(Error::parameter("gram", "not finite", "entries must be finite"));
    }
    for ((i, j), value) in gram.indexed_iter() {
        let scale = (gram[[i, i]].max(0.0) * gram[[j, j]].max(0.0)).sqrt();
        if (value - gram[[j, i]]).abs() > GRAM_TOLERANCE * scale
            || value.abs() > (1.0 + GRAM_TOLERANCE) * scale
        {
            let rule = "must be symmetric positive semidefinite";
            return Err(Error::parameter(format!("gram[{i}, {j}]"), value, rule));
        }
    }
    Ok(())
}

/// Refuses what are no probabilities of the components of a mixture with one of `classes` labels each.
pub(crate) fn check_probabilities(classes: usize, probabilities: &[f64]) -> Result<()> {
    let components = probabilities.len();
    if classes < 2 || components == 0 || components > classes {
        let rule = format!("needs 1 ≤ k ≤ C and C ≥ 2, found k = {components}");
        return Err(Error::parameter("classes", classes, rule));
    }
    let negative = probabilities.iter().any(|p| !p.is_finite() || *p < 0.0);
    if negative || (probabilities.iter().sum::<f64>() - 1.0).abs() > 1e-9 {
        let rule = "must be ≥ 0 and sum to 1";
        return Err(Error::parameter("probabilities", format!("{probabilities:?}"), rule));
    }
    Ok(())
}

/// Vectors in an orthonormal basis of their span.
pub(crate) struct Coordinates {
    /// One vector per row, as many columns as the rank.
    pub(crate) rows: Array2<f64>,
    /// Rank of the vectors of the first stages: of one stage, of two, and so on.
    pub(crate) ranks: Vec<usize>,
}

impl Coordinates {
    /// Coordinates for a symmetric Gram matrix by a Cholesky factor with pivots.
    ///
    /// Pivots are taken within each of the `stages` (ranges of indices) before the next, so that the vectors of the first
    /// stages lie in the span of the first coordinates. `scale` is the squared length to which a vector's new part is
    /// compared.
    pub(crate) fn new(mut rest: Array2<f64>, scale: &[f64], stages: &[Range<usize>]) -> Result<Self> {
        let mut columns: Vec<Array1<f64>> = Vec::new();
        let mut ranks = Vec::with_capacity(stages.len());
        for stage in stages {
            while let Some(pivot) = largest(&rest, scale, stage.clone()) {
                let column = &rest.column(pivot) / rest[[pivot, pivot]].sqrt();
                for ((i, j), entry) in rest.indexed_iter_mut() {
                    *entry -= column[i] * column[j];
                }
                rest.row_mut(pivot).fill(0.0);
                rest.column_mut(pivot).fill(0.0);
                columns.push(column);
            }
            ranks.push(columns.len());
        }
        for ((i, j), left) in rest.indexed_iter() {
            if left.abs() > GRAM_TOLERANCE * (scale[i] * scale[j]).sqrt() {
                let rule = format!("must be positive semidefinite; remainder {left:e} at ({i}, {j})");
                return Err(Error::parameter("gram", "indefinite", rule));
            }
        }
        let rows = Array2::from_shape_fn((rest.nrows(), columns.len()), |(row, column)| columns[column][row]);
        Ok(Self { rows, ranks })
    }
}

/// The index in `stage` with the largest remaining squared length relative to its scale, if above the tolerance.
fn largest(rest: &Array2<f64>, scale: &[f64], stage: Range<usize>) -> Option<usize> {
    stage
        .filter(|&i| rest[[i, i]] > RANK_TOLERANCE * scale[i])
        .max_by(|&i, &j| (rest[[i, i]] * scale[j]).total_cmp(&(rest[[j, j]] * scale[i])))
}

/// Quadrature rule for the projection of `Y = m_b + z/√λ` on `V`, component `b` with probability `p_b`, and the component
/// of each node: component by component, `per_component` nodes each (rounded up to an even number).
///
/// `means` (`k × r`) holds the `m_b`. Nodes spread over the first `sampled` coordinates only; over the others the Gaussian
/// is integrated exactly.
pub(crate) fn mixture_nodes(
    means: &Array2<f64>,
    probabilities: &[f64],
    lambda: f64,
    sampled: usize,
    per_component: usize,
) -> Result<(NodeSet, Vec<usize>)> {
    if !(lambda.is_finite() && lambda > 0.0) {
        return Err(Error::parameter("lambda", lambda, "must be positive"));
    }
    let lambda = mutation::predicted_for(lambda);
    let dimension = means.ncols();
    let gaussian = gaussian_nodes(sampled, per_component)?;
    let each = gaussian.nrows();
    let count = each * probabilities.len();
    let mut points = Array2::zeros((count, dimension));
    let mut masses = Array1::zeros(count);
    let mut components = Vec::with_capacity(count);
    for (component, probability) in probabilities.iter().enumerate() {
        for (index, noise) in gaussian.outer_iter().enumerate() {
            let node = component * each + index;
            let mut point = points.row_mut(node);
            point.assign(&means.row(component));
            for (coordinate, z) in point.iter_mut().zip(noise) {
                *coordinate += z / lambda.sqrt();
            }
            masses[node] = probability / as_f64(each);
            components.push(component);
        }
    }
    let residual = Array1::from_shape_fn(dimension, |i| if i < sampled { 0.0 } else { 1.0 / lambda });
    Ok((NodeSet::new(points, masses, residual)?, components))
}

/// Orthonormal basis (columns) of the span of the rows, by Gram-Schmidt done twice with pivoting.
pub(crate) fn orthonormal_span(rows: &Array2<f64>) -> Array2<f64> {
    let squared = |row: &Array1<f64>| row.iter().map(|value| value * value).sum::<f64>();
    let mut left: Vec<(f64, Array1<f64>)> =
        rows.outer_iter().map(|row| (squared(&row.to_owned()), row.to_owned())).collect();
    left.retain(|(scale, _)| *scale > 0.0);
    let mut basis: Vec<Array1<f64>> = Vec::new();
    loop {
        for (_, row) in &mut left {
            for unit in basis.iter().chain(&basis) {
                let along: f64 = unit.iter().zip(row.iter()).map(|(a, b)| a * b).sum();
                row.zip_mut_with(unit, |value, direction| *value -= along * direction);
            }
        }
        left.retain(|(scale, row)| squared(row) > RANK_TOLERANCE * scale);
        let Some(next) = (0..left.len()).max_by(|&i, &j| squared(&left[i].1).total_cmp(&squared(&left[j].1)))
        else {
            break;
        };
        let (_, row) = left.swap_remove(next);
        basis.push(&row / squared(&row).sqrt());
    }
    Array2::from_shape_fn((rows.ncols(), basis.len()), |(row, column)| basis[column][row])
}

/// Scalar product, summed in the order of the coordinates.
pub(crate) fn product(left: ArrayView1<f64>, right: ArrayView1<f64>) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>()
}
