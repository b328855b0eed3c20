//! The exact reduced chain: online SGD of either task at any dimension `d`, at a cost per step that does not depend on
//! `d`.
//!
//! **Setting.** `x` has `C` rows in `R^d`: `x^1..x^k` of task A, `W_1..W_K` of task B. One step on `Y = m_b + z/√λ`,
//! `z ~ N(0, I_d)`, is `x^i ← s x^i - δ e_i Y` with `s = 1 - δβ` and `δ = c/d`. In task A `e_a = π_a - 1{b = a}`,
//! `π = softmax(x^1·Y, …, x^k·Y)`. In task B `e_i = r v_i 1{W_i·Y > 0}` and `v_i ← s v_i - δ r relu(W_i·Y)`, where
//! `r = σ(v·relu(WY)) - y`, all from `W` and `v` before the step. Either way `e` and the step of `v` depend on `x` and
//! `Y` through `b`, `v` and the products `x^i·Y` alone.
//!
//! **State.** Let `M` be the span of the means, of dimension `q` (`k`, or 2 for μ and ν). The state holds `A` (`C × q`),
//! the coordinates of the rows in an orthonormal basis of `M`; `T` (`C × p`), a factor of the Gram matrix `T Tᵀ` of their
//! parts outside `M`; and `v`. As rows, `[A | T]` has all inner products of the rows with each other (`R`) and with the
//! means (`m`) when the means have their coordinates in `M` followed by zeros.
//!
//! **Step.** Draw `b`, `z_A ~ N(0, I_q)`, `z_T ~ N(0, I_p)` and `χ² ~` chi-square with `d - q - p` degrees of freedom.
//! Let `y_A = m_b + z_A/√λ` and `y_T = z_T/√λ`. Then `x·Y = A y_A + T y_T` gives `e`, and `A ← s A - δ e y_Aᵀ`,
//! `T ← [s T - δ e y_Tᵀ | -δ e χ/√λ]`, of `p + 1` columns. A rotation of the columns ([`Factor::triangulate`]) brings them
//! back to `C` whenever there are more than `C + 8`, or than `d - q - 1`.
//!
//! **Start.** Rows `N(0, I_d/d)` have `A` with independent entries `N(0, 1/d)`, and outside `M` a Gram matrix that is `1/d`
//! times a Wishart one with `d - q` degrees of freedom. By Bartlett's decomposition it has a factor `T` with independent
//! entries: `N(0, 1/d)` left of the diagonal, and on it, in row `i = 0, 1, …`, the root of `1/d` times a chi-square number
//! with `d - q - i` degrees of freedom.
//!
//! **Theorem.** Let `d > q + C`, and let the chain start where SGD does: `(A_0, T_0 T_0ᵀ, v_0)` with the law that it has
//! for `x_0`. Then the processes `(A_l, T_l T_lᵀ, v_l)`, `l = 0, 1, …`, of the chain and of SGD in `R^d` have the same
//! law, at every finite `d`. Equivalently, SGD and a chain can be put on one probability space such that
//! `x_l = [A_l | T_l | 0] U_l` for all `l`, with rotations `U_l` of `R^d` that fix `M`.
//!
//! *Proof.* Take a basis of `R^d` whose first `q` vectors are that of `M`, and call `x = [A | B]` with `B` of `d - q`
//! columns.
//!
//! 1. *Symmetry.* For a rotation (orthogonal map) `U` of `R^d` that fixes `M`, `(xUᵀ)(YUᵀ)ᵀ = xYᵀ`, so `e` and the step
//!    of `v` are the same at `(xUᵀ, YUᵀ)` as at `(x, Y)`, and the new rows are those turned by `U`. Given `b`, `YUᵀ`
//!    has the law of `Y`, as `m_b` is in `M` and `z` isotropic. So the kernel `P` of SGD obeys
//!    `P((xUᵀ, v), SUᵀ) = P((x, v), S)` for every set `S`.
//! 2. *The Gram matrix is Markov.* Two `B` have the same `B Bᵀ` if and only if a rotation of `M^⊥` turns one into the
//!    other. So `φ(x, v) = (A, B Bᵀ, v)` has the orbits of the rotations as level sets, and by 1 the law of `φ` after a
//!    step from `(x, v)` depends on `φ(x, v)` alone. Hence `φ(x_l, v_l)` is a Markov chain in the filtration of SGD:
//!    given the whole past, its next value has a law that depends on its present value. This holds for every `d` and
//!    needs no limit.
//! 3. *Its kernel.* By 2 one may start a step from any `x` with the given `φ`, so from `[A | T | 0]`. Write
//!    `z = (z_A, z_T, z')` in the basis, `z' ~ N(0, I_{d-q-p})`. The products `x·Y`, thus `e` and the new `A` and `v`, do
//!    not involve `z'`, and the new outside part is `B' = [s T - δ e y_Tᵀ | -δ e z'ᵀ/√λ]`. Its Gram matrix involves `z'`
//!    only through `‖z'‖`, and `‖z'‖²` is chi-square with `d - q - p` degrees of freedom, independent of `b`, `z_A` and
//!    `z_T`. So replacing the last block by the one column `-δ e χ/√λ` leaves the law of `φ` after the step as it is.
//! 4. *Rotations.* A factor `B' = L Q` with orthonormal rows of `Q` has `L Lᵀ = B' B'ᵀ`, the same `φ`, and by 2 the law
//!    of the rest of the process depends on `φ` alone. So any factor will do, whatever its width, its rank or its signs.
//!
//! Steps 2 to 4 give both processes the same kernel, and they have the same start. For the second form, given
//! `x_l = [A_l | T_l | 0] U_l`, write the next noise as `z = ζ U_l`. `U_l` is a function of the past, `z` is independent of
//! the past and isotropic, so `ζ` is again `N(0, I_d)` and independent of the past. Drive the chain by the first `q + p`
//! entries of `ζ` and the length of the others. Its new `[A | T]` then has the Gram matrix of `x_{l+1}`, with each other and
//! with the means, so a rotation that fixes `M` turns one into the other; this is `U_{l+1}`. It is also why the
//! direction of each past `z'` may be forgotten: it only decides which frame is used next, and in every frame the next
//! noise looks the same. ∎
//!
//! So every statistic of the rows and means at each time, and of such statistics at several times, has exactly the law it
//! has under SGD. Inner products of rows at *different* times are not carried, since `U_l` changes with `l`.
//!
//! **What breaks if `d ≤ q + C`.** Then `R^d` has no room for `C` directions outside `M` and a remainder. At `d = q + C`
//! the remainder is zero; below, `z_T` would have coordinates that the noise does not have, and `T` columns that the rows
//! cannot fill.
//!
//! Source: reduction to summary statistics in arXiv 2206.04030, there in the limit `d → ∞`; the task is that of arXiv
//! 2310.03010.

use ndarray::{Array2, s};

use crate::error::{Error, Result};
use crate::problem::{Problem, as_f64};
use crate::simulation::chain::factor::Factor;
use crate::simulation::chain::noise::{ChiSquared, Noise};
use crate::simulation::data::InSpan;
use crate::simulation::task::{self, LARGEST, Reduced};
use crate::simulation::trajectory::{Checkpoint, Trajectory};

/// Columns that may come up before they are rotated into `C`: more make rotations rarer, but steps longer.
const EXTRA: usize = 8;

/// Online SGD, reduced to inner products.
#[derive(Debug)]
pub struct Chain {
    rows: usize,
    /// The law in the `q` coordinates of the span of its means.
    law: InSpan,
    /// Label of each cluster.
    labels: Vec<u32>,
    network: Box<dyn Reduced>,
    /// `[A | T]`.
    factor: Factor,
    /// What is outside the coordinates, for `T` of `C`, `C + 1`, … columns.
    rests: Vec<ChiSquared>,
    step: f64,
    shrink: f64,
    noise: Vec<f64>,
    products: Vec<f64>,
    taken: u64,
}

impl Chain {
    /// A chain of this problem, for any `d` above `q + C` (samples and blocks that would not fit in memory do not matter
    /// here; φ is not used).
    ///
    /// A start takes from `noise` the entries of `A` (row by row; unless the problem's start gives them), for each row `i = 0, 1, …`
    /// the `i` entries of `T` left of its diagonal and the chi-square number with `d - q - i` degrees of freedom for its
    /// diagonal (Bartlett's decomposition of the Gram matrix of Gaussian rows), and `v` (unless the problem's start gives them).
    ///
    /// # Errors
    /// A problem that is not valid, `d ≤ q + C`, coefficients of the wrong shape or not finite.
    pub fn new(problem: &Problem, noise: &mut dyn Noise) -> Result<Self> {
        problem.validate("chain", problem.step_size())?;
        let task = task::build(problem);
        let (d, rows) = (problem.d(), problem.rows());
        let law = task.law().in_span().ok_or_else(|| {
            let rule = "the reduced chain needs isotropic Gaussian noise about the means";
            Error::parameter("law", problem.data.name(), rule)
        })?;
        let q = law.basis.len();
        if d <= q + rows {
            let rule = format!("the reduced chain needs d above {q} means and {rows} rows, {}", q + rows);
            return Err(Error::parameter("d", d, rule));
        }
        let mut first = Array2::zeros((rows, q + rows));
        let size = 1.0 / as_f64(d).sqrt();
        if let Some(along) = &problem.training.start.along {
            for (row, coefficients) in along.iter().enumerate() {
                for (mean, coefficient) in coefficients.iter().enumerate() {
                    for (column, coordinate) in law.means[law.basis[mean]].iter().enumerate() {
                        first[[row, column]] += coefficient * coordinate;
                    }
                }
            }
        } else {
            let mut entries = vec![0.0; q * rows];
            noise.fill(&mut entries);
            for (index, entry) in entries.iter().enumerate() {
                first[[index / q, index % q]] = size * entry;
            }
        }
        let mut left = vec![0.0; rows];
        for row in 0..rows {
            noise.fill(&mut left[..row]);
            for (column, entry) in left[..row].iter().enumerate() {
                first[[row, q + column]] = size * entry;
            }
            first[[row, q + row]] = size * ChiSquared::new(d - q - row)?.draw(noise).sqrt();
        }
        let extra = EXTRA.min(d - q - rows - 1);
        let rests = (0..=extra).map(|more| ChiSquared::new(d - q - rows - more)).collect::<Result<_>>()?;
        let step = problem.step_size();
        Ok(Self {
            rows,
            labels: task.law().labels().to_vec(),
            network: task.reduced(&mut |weights| noise.fill(weights)),
            factor: Factor::new(&first),
            rests,
            step,
            shrink: 1.0 - step * problem.training.beta,
            noise: vec![0.0; q + rows + extra + 1],
            products: vec![0.0; rows],
            taken: 0,
            law,
        })
    }

    /// One step, from a uniform number for the cluster, `q + p` normal ones and a chi-square one (the next normal number, and
    /// what more it takes), drawn in this order.
    /// False, without a step, when a product `x^i·Y` or the output exceeds 1e75 or is no number.
    pub fn step(&mut self, noise: &mut dyn Noise) -> bool {
        let uniform = noise.uniform();
        let last = self.law.cumulative.len() - 1;
        let cluster = self.law.cumulative.iter().position(|&c| uniform < c).unwrap_or(last);
        let (q, width, scale) = (self.law.basis.len(), self.factor.width(), self.law.scale);
        noise.fill(&mut self.noise[..=width]);
        let rest = self.rests[width - q - self.rows].draw_from(self.noise[width], noise).sqrt();
        let y = &mut self.noise[..width];
        for entry in &mut *y {
            *entry *= scale;
        }
        for (entry, mean) in y.iter_mut().zip(&self.law.means[cluster]) {
            *entry += mean;
        }
        self.factor.products(y, &mut self.products);
        if !self.network.steps(self.labels[cluster], self.step, self.shrink, &mut self.products) {
            return false;
        }
        self.factor.descend(self.shrink, &self.products, y, scale * rest);
        if width == q + self.rows + self.rests.len() - 1 {
            self.factor.triangulate(q);
        }
        self.taken += 1;
        true
    }

    /// Steps until the last of `schedule`, which lists the steps of the checkpoints in increasing order; counting begins
    /// at the start of the chain, at 0. After each checkpoint `progress` is told how many steps were taken since the
    /// last.
    pub fn run(
        &mut self,
        schedule: &[u64],
        noise: &mut dyn Noise,
        progress: &dyn Fn(u64),
    ) -> Trajectory<Checkpoint> {
        let mut checkpoints = Vec::with_capacity(schedule.len());
        for &step in schedule {
            let before = self.taken;
            while self.taken < step {
                if !self.step(noise) {
                    return Trajectory { checkpoints, diverged: Some(self.taken + 1) };
                }
            }
            let parameters = self.layers();
            if !parameters.iter().all(|layer| layer.iter().all(|value| value.abs() <= LARGEST)) {
                return Trajectory { checkpoints, diverged: Some(self.taken) };
            }
            checkpoints.push(Checkpoint { step: self.taken, parameters });
            progress(self.taken - before);
        }
        Trajectory { checkpoints, diverged: None }
    }

    /// One array per layer: the rows `[A | T]` (`C × (q + C)`, `T` lower triangular), then those of the other layers (`v`,
    /// `K × 1`).
    #[must_use]
    pub fn layers(&self) -> Vec<Array2<f64>> {
        let mut first = self.factor.clone();
        first.triangulate(self.law.basis.len());
        std::iter::once(first.values()).chain(self.network.further_layers()).collect()
    }

    /// `[A | T]` as the next step finds it, `C × (q + p)`.
    #[must_use]
    pub fn coordinates(&self) -> Array2<f64> {
        self.factor.values()
    }

    /// The means in the coordinates of [`Chain::layers`], `q × (q + C)`: `μ_1..μ_k` as rows of the Cholesky factor of
    /// their Gram matrix, or `μ = e_1` and `ν = e_2`.
    #[must_use]
    pub fn means(&self) -> Array2<f64> {
        let q = self.law.basis.len();
        let mut means = Array2::zeros((q, q + self.rows));
        for ((row, column), entry) in means.slice_mut(s![.., ..q]).indexed_iter_mut() {
            *entry = self.law.means[self.law.basis[row]][column];
        }
        means
    }

    /// Steps taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }
}
