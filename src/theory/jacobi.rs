//! Eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations.
//!
//! Theory works in the few coordinates of `V = Span(x^1..x^C, μ_1..μ_k)`, at most some twenty-five, so no linear algebra
//! library is needed: the predictions drawn beside a measurement share no code with the eigensolver that measured it.
//! The method is unconditionally stable and returns orthonormal eigenvectors even for multiple eigenvalues.

use ndarray::{Array1, Array2};

use crate::error::{Error, Result};

/// Sweeps after which the method gives up; convergence is quadratic and takes six to ten.
const MOST_SWEEPS: usize = 60;
/// Frobenius norm of the off-diagonal part, relative to that of the matrix, at which the iteration stops.
const OFF_DIAGONAL: f64 = 1e-15;

/// Spectral decomposition `A = Q diag(values) Qᵀ` of a symmetric matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricEigen {
    /// Eigenvalues, largest first (length `r`).
    pub values: Array1<f64>,
    /// Orthonormal eigenvectors as columns, in the order of the eigenvalues (`r × r`).
    pub vectors: Array2<f64>,
}

/// Spectral decomposition of the symmetric matrix `a` (`r × r`; only the mean of `a` and its transpose is used).
///
/// # Errors
/// A matrix that is not square or not finite, or an iteration that does not converge in 60 sweeps.
pub fn symmetric_eigen(a: &Array2<f64>) -> Result<SymmetricEigen> {
    let size = a.nrows();
    if a.ncols() != size {
        return Err(Error::parameter("matrix", format!("{size} × {}", a.ncols()), "must be square"));
    }
    if a.iter().any(|value| !value.is_finite()) {
        return Err(Error::Numeric {
            routine: "symmetric_eigen",
            problem: "an entry is not finite".to_owned(),
        });
    }
    let mut matrix: Vec<f64> = (a + &a.t()).iter().map(|sum| 0.5 * sum).collect();
    let mut rotations = vec![0.0; size * size];
    rotations.iter_mut().step_by(size + 1).for_each(|diagonal| *diagonal = 1.0);
    let target = OFF_DIAGONAL * matrix.iter().map(|value| value * value).sum::<f64>().sqrt();
    let mut sweeps = 0;
    while off_diagonal_norm(&matrix, size) > target {
        if sweeps == MOST_SWEEPS {
            let problem = format!("no convergence in {MOST_SWEEPS} sweeps for a {size} × {size} matrix");
            return Err(Error::Numeric { routine: "symmetric_eigen", problem });
        }
        sweeps += 1;
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut rotations, size, (p, q));
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&i, &j| matrix[j * size + j].total_cmp(&matrix[i * size + i]));
    // `rotations` holds the eigenvectors as rows, so that a rotation touches contiguous memory.
    Ok(SymmetricEigen {
        values: order.iter().map(|&i| matrix[i * size + i]).collect(),
        vectors: Array2::from_shape_fn((size, size), |(row, column)| rotations[order[column] * size + row]),
    })
}

fn off_diagonal_norm(matrix: &[f64], size: usize) -> f64 {
    let squares = (0..size).flat_map(|i| (0..i).map(move |j| matrix[i * size + j] * matrix[i * size + j]));
    (2.0 * squares.sum::<f64>()).sqrt()
}

/// One rotation that annihilates the entry `(p, q)`, `p < q`.
fn rotate(matrix: &mut [f64], rotations: &mut [f64], size: usize, (p, q): (usize, usize)) {
    let entry = matrix[p * size + q];
    if entry == 0.0 {
        return;
    }
    let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * entry);
    // The smaller root of t² + 2θt - 1 = 0; for huge θ the square overflows to infinity and t is 0, which is right.
    let tangent = 1.0_f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    // `turn` is the sine of the angle.
    let turn = tangent * cosine;
    for row in matrix.chunks_exact_mut(size) {
        (row[p], row[q]) = (cosine * row[p] - turn * row[q], turn * row[p] + cosine * row[q]);
    }
    rotate_rows(matrix, size, (p, q), (cosine, turn));
    rotate_rows(rotations, size, (p, q), (cosine, turn));
    matrix[p * size + q] = 0.0;
    matrix[q * size + p] = 0.0;
}

fn rotate_rows(matrix: &mut [f64], size: usize, (p, q): (usize, usize), (cosine, turn): (f64, f64)) {
    let (upper, lower) = matrix.split_at_mut(q * size);
    let first = &mut upper[p * size..(p + 1) * size];
    for (a, b) in first.iter_mut().zip(&mut lower[..size]) {
        (*a, *b) = (cosine * *a - turn * *b, turn * *a + cosine * *b);
    }
}
