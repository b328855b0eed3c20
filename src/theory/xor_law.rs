//! Law of the projection of an XOR mixture sample on `V = Span(W_1..W_K, μ, ν)`, and what the two-layer ReLU network makes
//! of it: weights of the first layer's blocks of Hessian and gradient matrix, and the second layer's blocks.
//!
//! `Y = m + z/√λ`, `z ~ N(0, I_d)`, with four equally likely clusters `m = +μ, -μ` (label 1), `+ν, -ν` (label 0), numbered
//! 0 to 3 in this order; `f = v·relu(WY)`, `σ(f) = 1/(1 + e^{-f})`, `r = σ(f) - y`, `q = σ(f)(1 - σ(f))`, and
//! `1_i = 1{W_i·Y > 0}`. With the weight `w = q` for the Hessian and `w = r²` for the gradient matrix,
//! block `W_iW_j` is `E[w v_i v_j 1_i 1_j Y Yᵀ]` (`d × d`) and block `vv` is `E[w relu_i relu_j]` (`K × K`).
//!
//! The Hessian is the almost-everywhere one: the mean of the Hessians of samples. It leaves out the kink of ReLU, so in the
//! blocks `W_iW_i` it is not the derivative of the population gradient. Source: arXiv 2310.03010, companions 2206.04030
//! and 2502.15655.

use ndarray::{Array1, Array2, ArrayView1, s};

use crate::error::{Error, Result};
use crate::mutation;
use crate::theory::jacobi::{SymmetricEigen, symmetric_eigen};
use crate::theory::span::{Coordinates, check_gram, mixture_nodes, orthonormal_span, product};
use crate::theory::{DEFAULT_NODES, Matrix, NodeSet};

/// Probabilities of the clusters +μ, -μ, +ν, -ν.
const CLUSTERS: [f64; 4] = [0.25; 4];

/// The XOR mixture and the network, seen on `V`: orthonormal coordinates, quadrature nodes and the network's state there.
#[derive(Debug, Clone)]
pub struct XorLaw {
    /// Coordinates of `W_1..W_K` in the orthonormal basis of `V`, `K × r`, with the rank `r ≤ K + 2` of the Gram matrix.
    pub neurons: Array2<f64>,
    /// Coordinates of the means of the clusters, `4 × r`: the first row is `μ`, the third `ν`.
    pub means: Array2<f64>,
    /// Orthonormal basis of `Span(μ, ν)` as columns, `r × dim Span(μ, ν)`.
    pub means_basis: Array2<f64>,
    v: Vec<f64>,
    /// Rank `q ≤ K` of `W`: the number of coordinates, the first ones, over which nodes spread.
    pub sampled: usize,
    /// The quadrature rule for the projection of `Y` on `V`, cluster by cluster: `E[c u uᵀ]` is exact for constant `c`.
    pub nodes: NodeSet,
    /// Cluster of each node, length `N`: 0 is +μ, 1 is -μ, 2 is +ν, 3 is -ν.
    pub clusters: Vec<usize>,
    features: NodeSet,
    /// Output `f = v·relu(WY)` at each node, length `N`.
    pub outputs: Array1<f64>,
    curvature: Array1<f64>,
    squared_residual: Array1<f64>,
}

impl XorLaw {
    /// The law for a Gram matrix of `W_1..W_K, μ, ν` in this order (`(K+2) × (K+2)`), second-layer weights `v` (length `K`)
    /// and the signal-to-noise ratio `λ`, with about 4096 nodes in all.
    ///
    /// Entries of the block `vv` are then accurate to 0.2 % of the largest at `λ = 20`, `K = 8`, and to some 2 % where noise
    /// rules (`λ = 5`, rows of length 2; 0.2 to 0.7 % with 16 times the nodes), as measured on random networks.
    /// `μ` and `ν` are unit and orthogonal in the XOR mixture; any others will do here.
    ///
    /// # Errors
    /// No neuron, shapes that do not fit, values that are not finite, a Gram matrix that is not symmetric positive
    /// semidefinite, `λ ≤ 0`.
    pub fn new(gram: &Array2<f64>, v: &[f64], lambda: f64) -> Result<Self> {
        Self::with_nodes(gram, v, lambda, (DEFAULT_NODES / CLUSTERS.len()).max(8 * (v.len() + 1)))
    }

    /// As [`XorLaw::new`], with a chosen number of nodes per cluster (rounded up to an even number).
    ///
    /// The network sees a sample through `WY` only, so nodes spread over `Span(W)` alone (dimension at most `K`); the other
    /// directions of `V` are integrated exactly. If `W = 0` one node per cluster is exact. The nodes of a cluster are those
    /// of its mirror image reflected, so `P(1_i) = 1/2` holds exactly for `W_i ≠ 0`.
    ///
    /// # Errors
    /// As [`XorLaw::new`], and fewer than `4 (q + 1)` nodes for `W` of rank `q`.
    pub fn with_nodes(gram: &Array2<f64>, v: &[f64], lambda: f64, nodes_per_cluster: usize) -> Result<Self> {
        let (count, size) = (v.len(), v.len() + 2);
        if count == 0 || v.iter().any(|value| !value.is_finite()) {
            return Err(Error::parameter("v", format!("{v:?}"), "needs one finite weight per neuron"));
        }
        check_gram(gram, size)?;
        let symmetric = Array2::from_shape_fn((size, size), |(i, j)| 0.5 * (gram[[i, j]] + gram[[j, i]]));
        // A gate depends on the direction of its row only, so every row is measured by its own length.
        let scale = symmetric.diag().to_vec();
        let Coordinates { rows, ranks } = Coordinates::new(symmetric, &scale, &[0..count, count..size])?;
        let sampled = ranks[0];
        let neurons = rows.slice(s![..count, ..]).to_owned();
        let means = Array2::from_shape_fn((CLUSTERS.len(), rows.ncols()), |(cluster, column)| {
            let coordinate = rows[[count + cluster / 2, column]];
            if cluster % 2 == 0 { coordinate } else { -coordinate }
        });
        let (nodes, clusters) = mixture_nodes(&means, &CLUSTERS, lambda, sampled, nodes_per_cluster)?;
        let relu = |node: usize, i: usize| product(neurons.row(i), nodes.points.row(node)).max(0.0);
        let activations = Array2::from_shape_fn((clusters.len(), count), |(node, i)| relu(node, i));
        let outputs: Array1<f64> =
            activations.outer_iter().map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect();
        let features = NodeSet::new(activations, nodes.masses.clone(), Array1::zeros(count))?;
        let squared_residual = outputs.iter().zip(&clusters).map(|(&output, &cluster)| {
            let residual = sigmoid(if label(cluster) { -output } else { output });
            residual * residual
        });
        Ok(Self {
            means_basis: orthonormal_span(&means),
            v: v.to_vec(),
            sampled,
            squared_residual: squared_residual.collect(),
            curvature: outputs.mapv(|output| sigmoid(output) * sigmoid(-output)),
            neurons,
            means,
            nodes,
            clusters,
            features,
            outputs,
        })
    }

    /// `w` at each node, length `N`: `q` for the Hessian, `r²` for the gradient matrix.
    ///
    /// Both come from `σ(f)` and `σ(-f)`, each accurate to a few rounding errors, never from `1 - σ(f)`.
    pub fn sample_weights(&self, matrix: Matrix) -> &Array1<f64> {
        match matrix {
            Matrix::Hessian => &self.curvature,
            Matrix::Gradient => &self.squared_residual,
        }
    }

    /// Weights of the block `W_iW_j` at the nodes (length `N`), `w v_i v_j 1_i 1_j`: the block is `E[weight Y Yᵀ]`.
    ///
    /// They belong into [`crate::theory::Weights::discrete`]; gates that are shut give exact zeros, half of all
    /// nodes for `i = j`. The extremes of the nodes stand for those of a sample of about as many points; the support of the
    /// law reaches further where rare samples have large weights (`r²` of a trained network).
    ///
    /// # Errors
    /// `i` or `j` not below the number of neurons.
    pub fn first_layer(&self, matrix: Matrix, i: usize, j: usize) -> Result<Array1<f64>> {
        let count = self.v.len();
        if i.max(j) >= count {
            let rule = format!("there are {count} neurons");
            return Err(Error::parameter("block", format!("({i}, {j})"), rule));
        }
        let signed = self.v[i] * self.v[j];
        let rows = self.features.points.outer_iter().zip(self.sample_weights(matrix));
        let weight = |(relu, w): (ArrayView1<f64>, &f64)| {
            if relu[i] > 0.0 && relu[j] > 0.0 { w * signed } else { 0.0 }
        };
        Ok(rows.map(weight).collect())
    }

    /// The block `vv`, `E[w relu_i relu_j]` (`K × K`).
    ///
    /// At `v → 0` with orthonormal `W_i` and means that `W` does not see, `w = 1/4` and `4λ` times the block has the
    /// eigenvalue `1/2 - 1/(2π) + K/(2π) ≈ 0.341 + 0.159 K` once, for `(1, …, 1)`, and `1/2 - 1/(2π)` otherwise.
    pub fn second_layer(&self, matrix: Matrix) -> Array2<f64> {
        let weights = self.sample_weights(matrix);
        self.features.weighted_second_moment(|node| weights[node])
    }

    /// Eigenvalues, largest first, and eigenvectors of the block `vv`.
    ///
    /// # Errors
    /// If the eigensolver fails.
    pub fn second_layer_spectrum(&self, matrix: Matrix) -> Result<SymmetricEigen> {
        symmetric_eigen(&self.second_layer(matrix))
    }

    /// Operator norm of `W`, the `K × d` matrix of the first layer.
    ///
    /// # Errors
    /// If the eigensolver fails.
    pub fn operator_norm(&self) -> Result<f64> {
        let count = self.v.len();
        let entry = |(i, j): (usize, usize)| product(self.neurons.row(i), self.neurons.row(j));
        let gram = symmetric_eigen(&Array2::from_shape_fn((count, count), entry))?;
        Ok(gram.values[0].max(0.0).sqrt())
    }
}

/// Level above which an eigenvalue of the block `vv` counts as an outlier, `s ‖W‖²/λ` with `s = sup w` (1/4 for the
/// Hessian, 1 for the gradient matrix) and the operator norm of `W`: at most four eigenvalues lie above it.
///
/// *Proof.* Write `A = E[w relu reluᵀ]` and `B = E[relu reluᵀ]` for the vector `relu = relu(WY)`. As `0 ≤ w ≤ s` holds for
/// every sample, `A ⪯ s B`, and by monotonicity the j-th largest eigenvalues obey `eig_j(A) ≤ s eig_j(B)`. The weight is
/// gone before the clusters are told apart: `B = C + M`, where `C` is the mean of the covariances of `relu` within the
/// clusters and `M` is the mean over the clusters of `E[relu | m] E[relu | m]ᵀ`, of rank at most four. Weyl's
/// inequality gives `eig_5(B) ≤ eig_1(C) + eig_5(M) = eig_1(C)`. For a unit vector `a` the function `z ↦ a·relu(W(m + z/√λ))`
/// is Lipschitz, with gradient `Wᵀ(a_i 1_i)_i/√λ` almost everywhere, and the Gaussian Poincaré inequality bounds its variance
/// by `E‖Wᵀ(a_i 1_i)_i‖²/λ ≤ (‖W‖²/λ) Σ_i a_i² P(1_i | m)`. Hence `eig_5(A) ≤ s ‖W‖²/λ`. ∎
///
/// The mean of `P(1_i | m)` over the clusters is 1/2, since the mixture is symmetric about 0, so even
/// `eig_5(A) ≤ s ‖W‖²/(2λ)` holds for the population. For a sample the first two steps hold as they stand, with the
/// covariances within the clusters of the sample in place of `C`, which exceed theirs by a relative `O(√(K/n))`: the level
/// without the 1/2 leaves room for that.
pub fn second_layer_threshold(matrix: Matrix, operator_norm: f64, lambda: f64) -> f64 {
    let sup = match matrix {
        Matrix::Hessian => 0.25,
        Matrix::Gradient => 1.0,
    };
    sup * operator_norm * operator_norm / mutation::predicted_for(lambda)
}

/// Whether a cluster has label 1.
fn label(cluster: usize) -> bool {
    cluster < 2
}

/// `1/(1 + e^{-x})`, with small relative error for either sign and without overflow.
fn sigmoid(x: f64) -> f64 {
    let small = libm::exp(-x.abs());
    if x < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) }
}
