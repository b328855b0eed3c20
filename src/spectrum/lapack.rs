//! The only file that calls BLAS and LAPACK by hand.
//!
//! `ndarray-linalg` reaches symmetric eigenproblems through `dsyev`, which takes ten times as long as `dsyevd` and
//! `dsyevr` on the same library. Matrices are symmetric, so row and column order do not matter; only one triangle
//! is read.
#![allow(unsafe_code, reason = "foreign functions; every length is checked before the call")]

use crate::error::{Error, Result};
use ndarray::Array2;

unsafe extern "C" {
    fn openblas_set_num_threads(threads: i32);
}

/// Holds OpenBLAS to one thread, so that sums have one order; parallelism is over replicates.
pub fn use_one_thread() {
    // SAFETY: the function takes an integer and touches only OpenBLAS's own state.
    unsafe { openblas_set_num_threads(1) }
}

fn size(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| Error::Numeric {
        routine: "LAPACK",
        problem: format!("dimension {length} does not fit 32-bit integers"),
    })
}

fn check(routine: &'static str, info: i32) -> Result<()> {
    if info == 0 {
        Ok(())
    } else {
        Err(Error::Numeric { routine, problem: format!("returned info = {info}") })
    }
}

fn slice(matrix: &mut Array2<f64>) -> Result<&mut [f64]> {
    matrix
        .as_slice_mut()
        .ok_or_else(|| Error::Numeric { routine: "LAPACK", problem: "a matrix is not contiguous".to_owned() })
}

/// Upper triangle (in column order) of `matrix ← matrix + alpha · TᵀT`; `tile` holds the rows of `T`, p entries each.
///
/// # Errors
/// [`Error::Numeric`] where a dimension does not fit.
///
/// # Panics
/// If the matrix is not square or the tile does not hold whole rows.
pub fn add_gram(matrix: &mut Array2<f64>, tile: &[f64], alpha: f64) -> Result<()> {
    let p = matrix.nrows();
    let rows = tile.len() / p.max(1);
    if rows == 0 {
        return Ok(());
    }
    let (n, k) = (size(p)?, size(rows)?);
    let matrix = slice(matrix)?;
    assert!(matrix.len() == p * p && tile.len() == rows * p, "shapes of a rank update");
    // SAFETY: `tile` holds k columns of length n and `matrix` n columns of length n, as asserted.
    unsafe { blas::dsyrk(b'U', b'N', n, k, alpha, tile, n, 1.0, matrix, n) };
    Ok(())
}

/// Copies the upper triangle (in column order) onto the other.
pub fn symmetrise(matrix: &mut Array2<f64>) {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            matrix[[j, i]] = matrix[[i, j]];
        }
    }
}

/// All eigenvalues, ascending (`dsyevd`).
///
/// # Errors
/// [`Error::Numeric`] if LAPACK does not converge.
pub fn eigenvalues(mut matrix: Array2<f64>) -> Result<Vec<f64>> {
    dsyevd(&mut matrix, b'N')
}

/// All eigenvalues, ascending, and the eigenvectors as rows (`dsyevd`).
///
/// # Errors
/// [`Error::Numeric`] if LAPACK does not converge.
pub fn eigenpairs(mut matrix: Array2<f64>) -> Result<(Vec<f64>, Array2<f64>)> {
    let values = dsyevd(&mut matrix, b'V')?;
    Ok((values, matrix))
}

fn dsyevd(matrix: &mut Array2<f64>, job: u8) -> Result<Vec<f64>> {
    let p = matrix.nrows();
    if p == 0 {
        return Ok(Vec::new());
    }
    let n = size(p)?;
    let entries = slice(matrix)?;
    assert!(entries.len() == p * p, "a square matrix");
    let mut values = vec![0.0; p];
    let (mut info, mut work, mut iwork) = (0, vec![0.0; 1], vec![0; 1]);
    // SAFETY: a workspace query, then the call with workspaces of the sizes it asked for.
    unsafe {
        lapack::dsyevd(job, b'U', n, entries, n, &mut values, &mut work, -1, &mut iwork, -1, &mut info);
    };
    check("dsyevd", info)?;
    let (lwork, liwork) = workspace(&mut work, &mut iwork);
    unsafe {
        lapack::dsyevd(
            job,
            b'U',
            n,
            entries,
            n,
            &mut values,
            &mut work,
            lwork,
            &mut iwork,
            liwork,
            &mut info,
        );
    }
    check("dsyevd", info)?;
    Ok(values)
}

/// Sizes both workspaces to what a query answered in their first entries.
#[allow(clippy::cast_possible_truncation, reason = "LAPACK answers whole numbers")]
fn workspace(work: &mut Vec<f64>, iwork: &mut Vec<i32>) -> (i32, i32) {
    let (lwork, liwork) = (work[0] as i32, iwork[0]);
    work.resize(usize::try_from(lwork).unwrap_or(1), 0.0);
    iwork.resize(usize::try_from(liwork).unwrap_or(1), 0);
    (lwork, liwork)
}

/// Eigenpairs number `first..=last` in ascending order, from 1; eigenvectors are rows (`dsyevr`).
///
/// # Errors
/// [`Error::Numeric`] if LAPACK does not converge or the range is empty.
///
/// # Panics
/// If the matrix is not square.
pub fn eigenpairs_between(
    mut matrix: Array2<f64>,
    first: usize,
    last: usize,
) -> Result<(Vec<f64>, Array2<f64>)> {
    let p = matrix.nrows();
    if first == 0 || first > last || last > p {
        let problem = format!("eigenpairs {first} to {last} of {p}");
        return Err(Error::Numeric { routine: "dsyevr", problem });
    }
    let count = last - first + 1;
    let (n, il, iu) = (size(p)?, size(first)?, size(last)?);
    let entries = slice(&mut matrix)?;
    assert!(entries.len() == p * p, "a square matrix");
    let mut values = vec![0.0; p];
    let mut vectors = Array2::zeros((count, p));
    let z = slice(&mut vectors)?;
    let mut support = vec![0; 2 * count];
    let (mut found, mut info, mut work, mut iwork) = (0, 0, vec![0.0; 1], vec![0; 1]);
    let mut call = |work: &mut [f64], lwork, iwork: &mut [i32], liwork| {
        // SAFETY: n × n matrix, `count` columns of length n in z, 2·count entries in the support, workspaces as queried.
        unsafe {
            lapack::dsyevr(
                b'V',
                b'I',
                b'U',
                n,
                entries,
                n,
                0.0,
                0.0,
                il,
                iu,
                0.0,
                &mut found,
                &mut values,
                z,
                n,
                &mut support,
                work,
                lwork,
                iwork,
                liwork,
                &mut info,
            );
        }
        check("dsyevr", info)
    };
    call(&mut work, -1, &mut iwork, -1)?;
    let (lwork, liwork) = workspace(&mut work, &mut iwork);
    call(&mut work, lwork, &mut iwork, liwork)?;
    if usize::try_from(found).unwrap_or(0) != count {
        let problem = format!("found {found} of {count} eigenpairs");
        return Err(Error::Numeric { routine: "dsyevr", problem });
    }
    values.truncate(count);
    Ok((values, vectors))
}
