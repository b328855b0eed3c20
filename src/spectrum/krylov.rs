//! Block Krylov iteration with full reorthogonalisation, for the few eigenvalues of largest magnitude.

use crate::error::Result;
use crate::spectrum::lapack;
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// Ritz pairs: values by decreasing magnitude, unit vectors as columns.
#[derive(Clone, Debug)]
pub struct Ritz {
    /// Ritz values.
    pub values: Vec<f64>,
    /// Ritz vectors, p × count.
    pub vectors: Array2<f64>,
}

/// The `count` eigenpairs of largest magnitude of a symmetric p × p operator, by Rayleigh-Ritz on the block Krylov
/// space of `start`, once each residual is at most `tolerance` times the largest Ritz value in magnitude.
///
/// `start` is p × b, its columns need not be orthonormal. None when the space has grown to `most` vectors (or to p), or no
/// longer grows, without that.
///
/// # Errors
/// [`crate::error::Error::Numeric`] if the small dense problem does not converge.
pub fn leading(
    apply: &dyn Fn(&Array2<f64>) -> Array2<f64>,
    start: &Array2<f64>,
    count: usize,
    tolerance: f64,
    most: usize,
) -> Result<Option<Ritz>> {
    let p = start.nrows();
    let mut basis: Array2<f64> = Array2::zeros((p, 0));
    let mut image: Array2<f64> = Array2::zeros((p, 0));
    let mut next = start.clone();
    let mut tried = 0;
    loop {
        let fresh = orthonormal_to(&basis, &next);
        if fresh.ncols() == 0 || basis.ncols() + fresh.ncols() > most.min(p) {
            return Ok(None);
        }
        next = apply(&fresh);
        basis = join(&basis, &fresh);
        image = join(&image, &next);
        // The small dense problem costs the cube of the basis: solve it only once the basis has grown by a quarter.
        if basis.ncols() < count.max(tried + tried / 4) {
            continue;
        }
        tried = basis.ncols();
        let (values, vectors) = lapack::eigenpairs(basis.t().dot(&image).as_standard_layout().to_owned())?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        order.truncate(count);
        let coordinates = vectors.select(Axis(0), &order);
        let values: Vec<f64> = order.iter().map(|&index| values[index]).collect();
        let ritz = basis.dot(&coordinates.t());
        let residual = image.dot(&coordinates.t()) - &ritz * &Array1::from(values.clone());
        let bound = tolerance * values[0].abs();
        if residual.columns().into_iter().all(|column| column.dot(&column).sqrt() <= bound) {
            return Ok(Some(Ritz { values, vectors: ritz }));
        }
    }
}

fn join(left: &Array2<f64>, right: &Array2<f64>) -> Array2<f64> {
    concatenate![Axis(1), left.view(), right.view()]
}

/// Orthonormal columns that complete `basis` to the span of both; directions already inside are dropped.
#[must_use]
pub fn orthonormal_to(basis: &Array2<f64>, columns: &Array2<f64>) -> Array2<f64> {
    let mut block = columns.clone();
    for _ in 0..2 {
        let inside = basis.t().dot(&block);
        block -= &basis.dot(&inside);
    }
    let mut kept = Array2::zeros((block.nrows(), block.ncols()));
    let mut count = 0;
    for (index, column) in block.columns().into_iter().enumerate() {
        let mut vector = column.to_owned();
        for _ in 0..2 {
            let inside = kept.slice(s![.., ..count]).t().dot(&vector);
            vector -= &kept.slice(s![.., ..count]).dot(&inside);
            let inside = basis.t().dot(&vector);
            vector -= &basis.dot(&inside);
        }
        let norm = vector.dot(&vector).sqrt();
        let original = columns.column(index);
        if norm > 1e-10 * original.dot(&original).sqrt() && norm > 0.0 {
            kept.column_mut(count).assign(&(vector / norm));
            count += 1;
        }
    }
    kept.slice(s![.., ..count]).to_owned()
}
