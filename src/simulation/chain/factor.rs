//! Coordinates of a few rows, whose Gram matrix is what counts, under the steps of SGD.
//!
//! The rows `X` (`C × p`) stand for vectors of a large space. A step turns them into `[s·X | 0] - e [y | r]ᵀ`, with a
//! shrinkage `s`, steps `e` (length `C`) along a sample with coordinates `y` and a length `r` in a new direction, the last
//! column. So columns come up, one a step; all but the first few, which have a meaning of their own, are from time to time
//! rotated into `C` columns, which leaves the Gram matrix as it is:
//!
//! for the rows `i = 1, 2, …, C` a reflection (Householder) of the columns `i, i+1, …` makes the row zero right of its
//! diagonal entry. Rows above are zero there already. The result is lower triangular, with nothing in the further columns.
//!
//! All operations are in a fixed order. Reflections are orthogonal, hence stable row by row, whatever the rank of `X`: no
//! row is too small to count (above 1e-307), and nothing is divided by an entry of the diagonal.

use ndarray::Array2;

/// Columns are padded with zeros to a multiple of this many entries.
const LANES: usize = 4;

/// Squared lengths outside may have lost digits to underflow, or overflown.
const SAFE: std::ops::Range<f64> = 1e-280..1e280;

/// `X`, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    rows: usize,
    columns: Vec<[f64; LANES]>,
    /// Chunks of a column.
    stride: usize,
    /// Of the reflection at work: its normal, and the products of the rows with it.
    normal: Vec<f64>,
    products: Vec<f64>,
}

impl Factor {
    /// These rows.
    #[must_use]
    pub fn new(values: &Array2<f64>) -> Self {
        let (rows, columns) = values.dim();
        let stride = rows.div_ceil(LANES);
        let mut padded = vec![[0.0; LANES]; stride * columns];
        for ((row, column), value) in values.indexed_iter() {
            padded[column * stride + row / LANES][row % LANES] = *value;
        }
        Self { rows, columns: padded, stride, normal: Vec::new(), products: vec![0.0; rows] }
    }

    /// Number of columns `p`.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len() / self.stride
    }

    /// A copy of the rows.
    #[must_use]
    pub fn values(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.rows, self.width()), |(row, column)| *self.get(row, column))
    }

    /// `out = X y`, for `y` of `p` entries and `out` of `C`, column by column.
    pub fn products(&self, y: &[f64], out: &mut [f64]) {
        multiply(&self.columns, self.stride, 0, y, out);
    }

    /// A step, which makes a column.
    pub fn descend(&mut self, shrink: f64, steps: &[f64], y: &[f64], rest: f64) {
        self.columns.resize(self.columns.len() + self.stride, [0.0; LANES]);
        let (old, new) = self.columns.split_at_mut(self.stride * y.len());
        for (column, &factor) in old.chunks_exact_mut(self.stride).zip(y) {
            subtract(column, shrink, steps, factor);
        }
        subtract(new, 0.0, steps, rest);
    }

    /// Rotates all columns but the first `kept` into a lower triangular matrix without negative entries on its diagonal.
    pub fn triangulate(&mut self, kept: usize) {
        for row in 0..self.rows.min(self.width() - kept) {
            self.reflect(row, kept + row);
        }
        self.columns.truncate(self.stride * (kept + self.rows));
    }

    fn get(&self, row: usize, column: usize) -> &f64 {
        &self.columns[column * self.stride + row / LANES][row % LANES]
    }

    /// Reflects the columns from `first` on so that `row` is zero right of the first of them.
    fn reflect(&mut self, row: usize, first: usize) {
        let (stride, chunk) = (self.stride, row / LANES);
        let columns = &mut self.columns[first * stride..];
        let entries = columns.iter().skip(chunk).step_by(stride).map(|entries| entries[row % LANES]);
        self.normal.clear();
        self.normal.extend(entries);
        let square = |normal: &[f64]| normal.iter().fold(0.0, |sum, entry| sum + entry * entry);
        let mut squared = square(&self.normal);
        if !SAFE.contains(&squared) {
            let largest = self.normal.iter().fold(0.0, |most: f64, entry| most.max(entry.abs()));
            if largest < f64::MIN_POSITIVE {
                return;
            }
            self.normal.iter_mut().for_each(|entry| *entry /= largest);
            squared = square(&self.normal);
        }
        // The normal of a mirror between the row and the axis of its first column, on the side where nothing cancels.
        let (length, entry) = (squared.sqrt(), self.normal[0]);
        self.normal[0] = entry + length.copysign(entry);
        let twice = 1.0 / (length * (length + entry.abs()));
        // Chunks of rows above are zero.
        multiply(columns, stride, chunk, &self.normal, &mut self.products);
        let products = &self.products[chunk * LANES..];
        for (column, factor) in columns.chunks_exact_mut(stride).zip(&self.normal) {
            subtract(&mut column[chunk..], 1.0, products, factor * twice);
        }
        for entries in columns.iter_mut().skip(chunk).step_by(stride).skip(1) {
            entries[row % LANES] = 0.0;
        }
        if columns[chunk][row % LANES] < 0.0 {
            columns[..stride].iter_mut().flatten().for_each(|entry| *entry = -*entry);
        }
    }
}

/// `out = Σ_j y_j column_j` from chunk `first` on, two chunks at a time.
fn multiply(columns: &[[f64; LANES]], stride: usize, first: usize, y: &[f64], out: &mut [f64]) {
    let mut outs = out.chunks_mut(LANES).skip(first);
    let mut chunk = first;
    while chunk < stride {
        let other = (chunk + 1).min(stride - 1);
        let (mut sum, mut second) = ([0.0; LANES], [0.0; LANES]);
        for (column, factor) in columns.chunks_exact(stride).zip(y) {
            let (one, two) = (&column[chunk], &column[other]);
            for lane in 0..LANES {
                sum[lane] += factor * one[lane];
                second[lane] += factor * two[lane];
            }
        }
        for (out, sum) in outs.by_ref().take(2).zip([sum, second]) {
            out.copy_from_slice(&sum[..out.len()]);
        }
        chunk += 2;
    }
}

/// `column ← shrink column - factor steps`.
fn subtract(column: &mut [[f64; LANES]], shrink: f64, steps: &[f64], factor: f64) {
    for (entry, step) in column.as_flattened_mut().iter_mut().zip(steps) {
        *entry = shrink * *entry - factor * step;
    }
}
