//! The two loops SGD spends its time in, with every addition in a fixed order.
//!
//! Sums run over eight lanes (element `i` goes to lane `i mod 8`) that are added pairwise at the end, and nothing is
//! fused, so the same bits come out whatever vector width the CPU has. `pulp` picks the width at run time.

use pulp::Arch;

/// Lanes of every sum; rows are padded with zeros to a multiple of it.
pub const LANES: usize = 8;

/// `length` rounded up to whole lanes.
#[must_use]
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(LANES)
}

/// Dispatches to the widest vectors this CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    arch: Arch,
}

impl Default for Kernel {
    fn default() -> Self {
        Self { arch: Arch::new() }
    }
}

impl Kernel {
    /// `out[a] = Σ_i rows[a·w + i] · y[i]` for rows of width `w = y.len()`, a multiple of [`LANES`].
    pub fn dots(self, rows: &[f64], y: &[f64], out: &mut [f64]) {
        self.arch.dispatch(
            #[inline(always)]
            || {
                let (y, _) = y.as_chunks::<LANES>();
                for (row, out) in rows.chunks_exact(y.len() * LANES).zip(out.iter_mut()) {
                    let (row, _) = row.as_chunks::<LANES>();
                    let mut sum = [0.0; LANES];
                    for (left, right) in row.iter().zip(y) {
                        for lane in 0..LANES {
                            sum[lane] += left[lane] * right[lane];
                        }
                    }
                    *out = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
                }
            },
        );
    }

    /// `rows[a·w + i] ← shrink · rows[a·w + i] - steps[a] · y[i]` for rows of width `w = y.len()`.
    pub fn descend(self, rows: &mut [f64], y: &[f64], shrink: f64, steps: &[f64]) {
        self.arch.dispatch(
            #[inline(always)]
            || {
                for (row, &step) in rows.chunks_exact_mut(y.len()).zip(steps) {
                    for (x, y) in row.iter_mut().zip(y) {
                        *x = shrink * *x - step * y;
                    }
                }
            },
        );
    }
}
