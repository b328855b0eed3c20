//! The state of the equations, and what both tasks share.

use ndarray::{Array2, s};

use crate::error::{Error, Result};
use crate::mutation;
use crate::theory::span::check_gram;
use crate::theory::{gaussian_nodes, whiten};

/// What the equations of both tasks share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Signal-to-noise ratio `λ > 0`: samples are `mean + z/√λ`.
    pub lambda: f64,
    /// Ridge `β ≥ 0`.
    pub beta: f64,
    /// Step constant `c > 0`: the step is `c/d`.
    pub c: f64,
}

impl Constants {
    pub(crate) fn checked(self) -> Result<Self> {
        for (name, value, least) in
            [("lambda", self.lambda, false), ("c", self.c, false), ("beta", self.beta, true)]
        {
            if !(value.is_finite() && (value > 0.0 || least && value == 0.0)) {
                let rule =
                    if least { "must be finite and not negative" } else { "must be finite and positive" };
                return Err(Error::parameter(name, value, rule));
            }
        }
        Ok(Self { lambda: mutation::predicted_for(self.lambda), ..self })
    }
}

/// Summary statistics of the parameters, or their derivatives in time.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// `m_ab = x^a·μ_b` (`C × k`); `W_i·μ`, `W_i·ν` for the network (`K × 2`).
    pub means: Array2<f64>,
    /// `R_ab = x^a·x^b` (`C × C`); `W_i·W_j` for the network (`K × K`).
    pub gram: Array2<f64>,
    /// Second-layer weights `v` (length `K`); empty for softmax regression.
    pub second: Vec<f64>,
}

impl State {
    /// Limit of independent rows `N(0, I_d/d)`: `m = 0` (`rows × means`), `R = I`, no second layer.
    ///
    /// For the network add the weights: `State { second: v, ..State::random_limit(v.len(), 2) }`.
    pub fn random_limit(rows: usize, means: usize) -> Self {
        Self { gram: Array2::eye(rows), ..Self::zero(rows, means) }
    }

    /// All rows zero: `m = 0` (`rows × means`), `R = 0`, no second layer.
    pub fn zero(rows: usize, means: usize) -> Self {
        Self { means: Array2::zeros((rows, means)), gram: Array2::zeros((rows, rows)), second: Vec::new() }
    }

    /// Gram matrix of `x^1..x^C, μ_1..μ_k` (`(C+k) × (C+k)`), in the order that [`crate::theory::mixture_law::MixtureLaw`] and
    /// [`crate::theory::xor_law::XorLaw`] expect, for the Gram matrix of the means (`k × k`).
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn full_gram(&self, mean_gram: &Array2<f64>) -> Result<Array2<f64>> {
        let (rows, means) = self.means.dim();
        if self.gram.dim() != (rows, rows) || mean_gram.dim() != (means, means) {
            let found =
                format!("m {:?}, R {:?}, means {:?}", self.means.dim(), self.gram.dim(), mean_gram.dim());
            return Err(Error::parameter("state", found, "needs m C × k, R C × C and k × k for the means"));
        }
        let size = rows + means;
        Ok(Array2::from_shape_fn((size, size), |(i, j)| match (i < rows, j < rows) {
            (true, true) => self.gram[[i, j]],
            (true, false) => self.means[[i, j - rows]],
            (false, true) => self.means[[j, i - rows]],
            (false, false) => mean_gram[[i - rows, j - rows]],
        }))
    }

    /// Refuses what is no state of `rows` vectors with `second` second-layer weights beside these means, as far as entries
    /// and 2 × 2 minors tell.
    pub(crate) fn check(&self, rows: usize, mean_gram: &Array2<f64>, second: usize) -> Result<()> {
        if self.means.nrows() != rows || self.second.len() != second {
            let found = format!("{} rows, {} second-layer weights", self.means.nrows(), self.second.len());
            return Err(Error::parameter("state", found, format!("needs {rows} and {second}")));
        }
        if self.second.iter().any(|value| !value.is_finite()) {
            return Err(Error::parameter("v", format!("{:?}", self.second), "weights must be finite"));
        }
        check_gram(&self.full_gram(mean_gram)?, rows + mean_gram.nrows())
    }
}

/// An equation of motion for a [`State`].
pub trait Dynamics {
    /// Gram matrix of the means (`k × k`).
    fn mean_gram(&self) -> &Array2<f64>;

    /// Time derivative of every summary statistic.
    ///
    /// # Errors
    /// Shapes that do not fit, values that are not finite, a Gram matrix that is not positive semidefinite.
    fn derivative(&self, state: &State) -> Result<State>;

    /// The same equation with other quadrature nodes, as many, whose answers show the error of quadrature; none if
    /// expectations are exact.
    fn with_other_nodes(&self) -> Option<Box<dyn Dynamics>>;
}

/// `sets` disjoint stretches of one quasi-Monte Carlo sequence for the standard Gaussian in `dimension ≥ 1` variables, `each`
/// (even) nodes long, node after node; antithetic and white, every one by itself.
pub(crate) fn node_sets(dimension: usize, sets: usize, each: usize) -> Result<Vec<Vec<f64>>> {
    if each < 4 * (dimension + 1) {
        let rule = format!("needs at least {} nodes in dimension {dimension}", 4 * (dimension + 1));
        return Err(Error::parameter("nodes", each, rule));
    }
    let all = gaussian_nodes(dimension, sets * each)?;
    let stretch = |set: usize| {
        let mut nodes = all.slice(s![set * each..(set + 1) * each, ..]).to_owned();
        whiten(&mut nodes)?;
        Ok(nodes.into_raw_vec_and_offset().0)
    };
    (0..sets).map(stretch).collect()
}
