//! Law of the projection of a Gaussian mixture sample on `V = Span(x^1..x^C, μ_1..μ_k)`, and the weights of the blocks of
//! Hessian and gradient matrix of softmax regression under it.
//!
//! `Y = μ_b + z/√λ`, `z ~ N(0, I_d)`, class `b` with probability `p_b`; `π = softmax(x^1·Y, …, x^C·Y)`;
//! `H_ab = E[(π_a 1{a=b} - π_a π_b) Y Yᵀ]`, `G_ab = E[(π_a - y_a)(π_b - y_b) Y Yᵀ]` with `y_a = 1{label = a}`.
//! Everything is a function of the Gram matrix of `x^1..x^C, μ_1..μ_k`.
//! Source: arXiv 2310.03010 and companion 2502.15655.

use ndarray::{Array1, Array2, ArrayView1, s};

use crate::error::{Error, Result};
use crate::problem::as_f64;
use crate::theory::span::{
    Coordinates, check_gram, check_probabilities, mixture_nodes, orthonormal_span, product,
};
use crate::theory::{DEFAULT_NODES, Matrix, NodeSet, Weights};

/// The mixture, seen on `V`: orthonormal coordinates, quadrature nodes and softmax probabilities at the nodes.
#[derive(Debug, Clone)]
pub struct MixtureLaw {
    /// Coordinates of `x^1..x^C` in the orthonormal basis of `V`, `C × r`, with the rank `r ≤ C + k` of the Gram matrix.
    pub parameters: Array2<f64>,
    /// Coordinates of `μ_1..μ_k`, `k × r`.
    pub means: Array2<f64>,
    /// Orthonormal basis of `Span(μ_1..μ_k)` as columns, `r × dim Span(μ)`.
    pub means_basis: Array2<f64>,
    class_probabilities: Vec<f64>,
    /// Rank `q ≤ C - 1` of the differences `x^a - x^b`: the number of coordinates, the first ones, over which nodes spread.
    pub sampled: usize,
    /// The quadrature rule for `u`, class by class: `E[c u uᵀ]` is exact for constant `c`.
    pub nodes: NodeSet,
    /// Class label of each node, length `N`.
    pub labels: Vec<usize>,
    /// Softmax probabilities `π_a` at each node, `N × C`.
    pub softmax: Array2<f64>,
    complement: Array2<f64>,
}

impl MixtureLaw {
    /// The law for a Gram matrix of `x^1..x^C, μ_1..μ_k` in this order (`(C+k) × (C+k)`), `C = classes` softmax outputs,
    /// the probabilities `p_1..p_k` of the mixture components (component `b` has label `b`, so `k ≤ C`) and the
    /// signal-to-noise ratio `λ`, with about 4096 nodes in all.
    ///
    /// # Errors
    /// Shapes that do not fit, a Gram matrix that is not symmetric positive semidefinite, probabilities that are not a
    /// probability vector, `λ ≤ 0`.
    pub fn new(gram: &Array2<f64>, classes: usize, probabilities: &[f64], lambda: f64) -> Result<Self> {
        let per_class = DEFAULT_NODES.div_ceil(probabilities.len().max(1)).max(8 * (classes + 1));
        Self::with_nodes(gram, classes, probabilities, lambda, per_class)
    }

    /// As [`MixtureLaw::new`], with a chosen number of nodes per class (rounded up to an even number).
    ///
    /// Weights depend on the sample only through differences of logits, so nodes spread over the span of the
    /// differences `x^a - x^b` alone (dimension at most `C - 1`); the other directions of `V` are integrated exactly. If
    /// all `x^a` are equal one node per class is exact.
    ///
    /// # Errors
    /// As [`MixtureLaw::new`], and fewer than `4 (q + 1)` nodes for differences of rank `q`.
    pub fn with_nodes(
        gram: &Array2<f64>,
        classes: usize,
        probabilities: &[f64],
        lambda: f64,
        nodes_per_class: usize,
    ) -> Result<Self> {
        check_probabilities(classes, probabilities)?;
        check_gram(gram, classes + probabilities.len())?;
        let (parameters, means, sampled) = coordinates(gram, classes)?;
        let (nodes, labels) = mixture_nodes(&means, probabilities, lambda, sampled, nodes_per_class)?;
        let (softmax, complement) = softmax(&nodes.points, &parameters);
        let means_basis = orthonormal_span(&means);
        let class_probabilities = probabilities.to_vec();
        Ok(Self {
            parameters,
            means,
            means_basis,
            class_probabilities,
            sampled,
            nodes,
            labels,
            softmax,
            complement,
        })
    }

    /// Weights of the block `(a, b)` at the nodes, with the extremes of the support of their law.
    ///
    /// If all `x^a` are equal, `π` is constant, the law is discrete and the extremes are those of the nodes. Otherwise they
    /// are, as limits of logits: `H_aa` in `[0, 1/4]`, `H_ab` in `[-1/4, 0]`, `G_aa` in `[0, 1]`, and `G_ab` from -1 (own
    /// label `a` or `b`, probability mass on the other) to 1/4 (`π_a = π_b = 1/2` under a third label; 0 without one). They
    /// are attained in the limit if the differences of the `x^a` have full rank `C - 1`; at lower rank they may be wider
    /// than the support, and edges computed from them err outwards.
    ///
    /// # Errors
    /// `a` or `b` not below the number of classes.
    pub fn weights(&self, matrix: Matrix, a: usize, b: usize) -> Result<Weights> {
        let classes = self.parameters.nrows();
        if a.max(b) >= classes {
            let rule = format!("there are {classes} classes");
            return Err(Error::parameter("block", format!("({a}, {b})"), rule));
        }
        let values: Array1<f64> =
            (0..self.labels.len()).map(|node| self.weight(matrix, a, b, node)).collect();
        if self.sampled == 0 {
            let extremes = Weights::discrete(self.occupied(&values));
            return Ok(Weights { values, ..extremes });
        }
        let possible = |label: &usize| self.class_probabilities[*label] > 0.0;
        let own = (0..self.class_probabilities.len()).filter(possible).any(|label| label == a || label == b);
        let other =
            (0..self.class_probabilities.len()).filter(possible).any(|label| label != a && label != b);
        let (inf, sup) = match (matrix, a == b) {
            (Matrix::Hessian, true) => (0.0, 0.25),
            (Matrix::Hessian, false) => (-0.25, 0.0),
            (Matrix::Gradient, true) => (0.0, 1.0),
            (Matrix::Gradient, false) => (if own { -1.0 } else { 0.0 }, if other { 0.25 } else { 0.0 }),
        };
        Ok(Weights { values, sup, inf })
    }

    /// One weight, with `1 - π` from the complementary sum so that tiny weights keep their relative accuracy.
    fn weight(&self, matrix: Matrix, a: usize, b: usize, node: usize) -> f64 {
        let (pi, rest, label) = (self.softmax.row(node), self.complement.row(node), self.labels[node]);
        let residual = |row: usize| if row == label { -rest[row] } else { pi[row] };
        match matrix {
            Matrix::Hessian if a == b => pi[a] * rest[a],
            Matrix::Hessian => -pi[a] * pi[b],
            Matrix::Gradient => residual(a) * residual(b),
        }
    }

    /// The values at nodes of positive mass.
    fn occupied(&self, values: &Array1<f64>) -> Array1<f64> {
        let pairs = values.iter().zip(&self.nodes.masses);
        pairs.filter(|(_, mass)| **mass > 0.0).map(|(value, _)| *value).collect()
    }
}

/// Coordinates of the parameters and of the means, with pivots taken first among `x^a - x̄`, then `x̄`, then the means: the
/// first coordinates, whose number is the third answer, are exactly those on which differences of logits depend.
fn coordinates(gram: &Array2<f64>, classes: usize) -> Result<(Array2<f64>, Array2<f64>, usize)> {
    let components = gram.nrows() - classes;
    // Rows express x^a - x̄ (C of them), x̄ and μ_b in terms of x^1..x^C, μ_1..μ_k.
    let average = 1.0 / as_f64(classes);
    let combination = Array2::from_shape_fn((classes + 1 + components, gram.nrows()), |(row, column)| {
        let same = |index: usize| if index == column { 1.0 } else { 0.0 };
        match (row < classes, column < classes) {
            (true, true) => same(row) - average,
            (false, true) if row == classes => average,
            (false, false) if row > classes => same(row - 1),
            _ => 0.0,
        }
    });
    let size = combination.nrows();
    let entry = |left: ArrayView1<f64>, right: ArrayView1<f64>| -> f64 {
        let pairs =
            left.indexed_iter().flat_map(|(i, l)| right.indexed_iter().map(move |(j, r)| (i, j, l * r)));
        pairs.map(|(i, j, weight)| weight * 0.5 * (gram[[i, j]] + gram[[j, i]])).sum()
    };
    let differences =
        Array2::from_shape_fn((size, size), |(i, j)| entry(combination.row(i), combination.row(j)));
    let longest = (0..classes).map(|a| gram[[a, a]]).fold(0.0, f64::max);
    let scale: Vec<f64> =
        (0..size).map(|i| if i <= classes { longest } else { gram[[i - 1, i - 1]] }).collect();
    let Coordinates { mut rows, ranks } =
        Coordinates::new(differences, &scale, &[0..classes, classes..classes + 1, classes + 1..size])?;
    let sampled = ranks[0];
    if sampled == 0 {
        // Differences of rank 0 are exactly 0, so that all logits are exactly equal.
        rows.slice_mut(s![..classes, ..]).fill(0.0);
    }
    let parameters = &rows.slice(s![..classes, ..]) + &rows.slice(s![classes..=classes, ..]);
    Ok((parameters, rows.slice(s![classes + 1.., ..]).to_owned(), sampled))
}

/// `π_a` and `1 - π_a` at every node (`N × C` each).
fn softmax(points: &Array2<f64>, parameters: &Array2<f64>) -> (Array2<f64>, Array2<f64>) {
    let shape = (points.nrows(), parameters.nrows());
    let (mut softmax, mut complement) = (Array2::zeros(shape), Array2::zeros(shape));
    for (node, point) in points.outer_iter().enumerate() {
        let logits: Vec<f64> = parameters.outer_iter().map(|row| product(row, point)).collect();
        let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let terms: Vec<f64> = logits.iter().map(|logit| libm::exp(logit - highest)).collect();
        let total: f64 = terms.iter().sum();
        for (class, term) in terms.iter().enumerate() {
            let others: f64 =
                terms.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, term)| term).sum();
            softmax[[node, class]] = term / total;
            complement[[node, class]] = others / total;
        }
    }
    (softmax, complement)
}
