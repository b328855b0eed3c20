//! Cholesky factors in a fixed order, continuous in the matrix down to the loss of rank.

use crate::error::{Error, Result};

/// Share of a vector's squared length that is added to what of it lies outside the span of the vectors before it.
///
/// It keeps the factor of a singular matrix free of quotients of rounding errors, and without a threshold there is no jump;
/// it moves an expectation by about as much.
const JITTER: f64 = 1e-10;
/// Relative violation of positive semidefiniteness above which a Gram matrix is refused.
const TOLERANCE: f64 = 1e-5;

/// The first `columns` columns of a lower triangular `L` with `L Lᵀ ≈ gram` (`size × size`, flat), as `size × columns`.
///
/// `scale` is the squared length with which the new part of each vector is compared; vectors of scale 0 get no column.
pub(super) fn cholesky(gram: &[f64], scale: &[f64], columns: usize) -> Result<Vec<f64>> {
    let size = scale.len();
    let mut lower = vec![0.0; size * columns];
    for j in 0..columns {
        let known = |i: usize, lower: &[f64]| {
            let (left, right) = (&lower[i * columns..i * columns + j], &lower[j * columns..j * columns + j]);
            left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>()
        };
        let rest = gram[j * size + j] - known(j, &lower);
        if rest < -TOLERANCE * scale[j] {
            let rule = format!("must be positive semidefinite; remainder {rest:e} at ({j}, {j})");
            return Err(Error::parameter("gram", "indefinite", rule));
        }
        let pivot = (rest.max(0.0) + JITTER * scale[j]).sqrt();
        if pivot == 0.0 {
            continue;
        }
        lower[j * columns + j] = pivot;
        for i in j + 1..size {
            lower[i * columns + j] = (gram[i * size + j] - known(i, &lower)) / pivot;
        }
    }
    Ok(lower)
}

/// `L⁻¹ B` in place of `B` (`size × width`, flat), for a square factor; rows without a pivot become 0.
pub(super) fn solve(lower: &[f64], size: usize, right: &mut [f64]) {
    let width = right.len() / size.max(1);
    for i in 0..size {
        let (done, current) = right.split_at_mut(i * width);
        let row = &mut current[..width];
        let pivot = lower[i * size + i];
        if pivot == 0.0 {
            row.fill(0.0);
            continue;
        }
        for (known, factor) in done.chunks_exact(width).zip(&lower[i * size..]) {
            row.iter_mut().zip(known).for_each(|(entry, other)| *entry -= factor * other);
        }
        for entry in row {
            *entry /= pivot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{cholesky, solve};

    #[test]
    fn factors_of_singular_matrices() {
        // (1, 0), (1, 0), 0, (3, 4e-3).
        let gram = [1.0, 1.0, 0.0, 3.0, 1.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 0.0, 9.000_016];
        let scale = [1.0, 1.0, 0.0, 9.000_016];
        let lower = cholesky(&gram, &scale, 4).unwrap();
        for i in 0..4 {
            for j in 0..4 {
                let product: f64 = (0..4).map(|l| lower[4 * i + l] * lower[4 * j + l]).sum();
                assert!((product - gram[4 * i + j]).abs() < 3e-9, "({i}, {j})");
            }
        }
        let mut right = gram.to_vec();
        solve(&lower, 4, &mut right);
        for i in 0..4 {
            for j in 0..4 {
                let product: f64 = (0..4).map(|l| lower[4 * i + l] * right[4 * l + j]).sum();
                assert!((product - gram[4 * i + j]).abs() < 1e-12, "({i}, {j})");
            }
        }
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], &[1.0, 1.0], 2).is_err());
    }
}
