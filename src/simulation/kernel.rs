//! The loops SGD spends its time in, with every addition in a fixed order.
//!
//! Sums run over eight lanes (element `i` goes to lane `i mod 8`) that are added pairwise at the end, and nothing is
//! fused, so the same bits come out whatever vector width the CPU has. `pulp` picks the width at run time.

use ndarray::Array2;
use pulp::{Arch, Simd, WithSimd};

/// Lanes of every sum; rows are padded with zeros to a multiple of it.
pub const LANES: usize = 8;

/// Rows are multiplied out when their common factor leaves this band about 1.
const BAND: f64 = 1e18;

/// `length` rounded up to whole lanes.
#[must_use]
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(LANES)
}

/// Rows `x^a` under the steps `x^a ← s x^a - e_a Y` of SGD.
///
/// They are held as `x^a = σ w^a` with one factor `σ`, so that a step is `σ ← s σ`, `w^a ← w^a - (e_a/σ) Y`: no row is
/// touched that does not move. A step is taken together with the products of the next, in one pass over the rows.
#[derive(Clone, Debug)]
pub struct Rows {
    arch: Arch,
    columns: usize,
    /// `w`, padded to whole lanes.
    entries: Vec<f64>,
    factor: f64,
    /// `Y` and `e_a/σ` of the step that is still to be taken; `e = 0` if there is none.
    sample: Vec<f64>,
    steps: Vec<f64>,
}

impl Rows {
    /// These rows.
    #[must_use]
    pub fn new(values: &Array2<f64>) -> Self {
        let (count, columns) = values.dim();
        let width = padded(columns);
        let mut entries = vec![0.0; count * width];
        for ((row, column), value) in values.indexed_iter() {
            entries[row * width + column] = *value;
        }
        let (sample, steps) = (vec![0.0; width], vec![0.0; count]);
        Self { arch: Arch::new(), columns, entries, factor: 1.0, sample, steps }
    }

    /// The same rows, computed with these instructions instead of the widest there are.
    #[must_use]
    pub fn on(self, arch: Arch) -> Self {
        Self { arch, ..self }
    }

    /// `out[a] = x^a·y` for `y` padded with zeros.
    ///
    /// # Panics
    /// If `y` is not as wide as the padded rows.
    pub fn products(&mut self, y: &[f64], out: &mut [f64]) {
        assert_eq!(y.len(), self.sample.len(), "a sample as wide as the rows");
        let Self { entries, sample, steps, .. } = self;
        self.arch.dispatch(Pass { entries, sample, steps, y, out });
        self.steps.fill(0.0);
        for product in out {
            *product *= self.factor;
        }
    }

    /// `x^a ← shrink x^a - steps[a] y`, with `y` padded with zeros.
    pub fn descend(&mut self, y: &[f64], shrink: f64, steps: &[f64]) {
        self.settle();
        self.factor *= shrink;
        if !(1.0 / BAND..BAND).contains(&self.factor.abs()) {
            for entry in &mut self.entries {
                *entry *= self.factor;
            }
            self.factor = 1.0;
        }
        self.sample.copy_from_slice(y);
        for (pending, step) in self.steps.iter_mut().zip(steps) {
            *pending = step / self.factor;
        }
    }

    /// A copy of the rows.
    #[must_use]
    pub fn values(&self) -> Array2<f64> {
        let width = self.sample.len();
        Array2::from_shape_fn((self.steps.len(), self.columns), |(row, column)| {
            self.factor * (self.entries[row * width + column] - self.steps[row] * self.sample[column])
        })
    }

    /// Takes the step that is still to be taken.
    fn settle(&mut self) {
        for (row, step) in self.entries.chunks_exact_mut(self.sample.len()).zip(&mut self.steps) {
            if *step != 0.0 {
                for (entry, y) in row.iter_mut().zip(&self.sample) {
                    *entry -= *step * y;
                }
                *step = 0.0;
            }
        }
    }
}

/// Takes the steps of `sample`, then the products with `y`.
struct Pass<'a> {
    entries: &'a mut [f64],
    sample: &'a [f64],
    steps: &'a [f64],
    y: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "must be compiled for the instructions of its caller")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ((y, _), (sample, _)) = (self.y.as_chunks::<LANES>(), self.sample.as_chunks::<LANES>());
        let rows = self.entries.chunks_exact_mut(self.y.len());
        for ((row, &step), out) in rows.zip(self.steps).zip(self.out) {
            let mut sum = [simd.splat_f64s(0.0); LANES];
            let (row, _) = row.as_chunks_mut::<LANES>();
            if step == 0.0 {
                for (x, y) in row.iter().zip(y) {
                    add_products::<S>(simd, &mut sum, S::as_simd_f64s(x).0, y);
                }
            } else {
                let step = simd.splat_f64s(step);
                for ((x, y), sample) in row.iter_mut().zip(y).zip(sample) {
                    let (x, (sample, _)) = (S::as_mut_simd_f64s(x).0, S::as_simd_f64s(sample));
                    for lane in 0..LANES / S::F64_LANES {
                        x[lane] = simd.sub_f64s(x[lane], simd.mul_f64s(step, sample[lane]));
                    }
                    add_products::<S>(simd, &mut sum, x, y);
                }
            }
            let mut lanes = [0.0; LANES];
            S::as_mut_simd_f64s(&mut lanes).0.copy_from_slice(&sum[..LANES / S::F64_LANES]);
            let [a, b, c, d, e, f, g, h] = lanes;
            *out = ((a + e) + (c + g)) + ((b + f) + (d + h));
        }
    }
}

#[allow(clippy::inline_always, reason = "must be compiled for the instructions of its caller")]
#[inline(always)]
fn add_products<S: Simd>(simd: S, sum: &mut [S::f64s; LANES], x: &[S::f64s], y: &[f64; LANES]) {
    let (y, _) = S::as_simd_f64s(y);
    for lane in 0..LANES / S::F64_LANES {
        sum[lane] = simd.add_f64s(sum[lane], simd.mul_f64s(x[lane], y[lane]));
    }
}
