//! The two-layer ReLU network on the XOR mixture.

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::mutation;
use crate::problem::as_f64;
use crate::theory::dynamics::factor::{cholesky, solve};
use crate::theory::dynamics::state::{Constants, Dynamics, State, node_sets};
use crate::theory::normal_quantile;

/// Clusters +μ, -μ (label 1), +ν, -ν (label 0).
const CLUSTERS: usize = 4;
/// Nodes per cluster, unless told otherwise.
const NODES: usize = 1024;
/// Number of values that the noise along a neuron takes at the nodes, given that its gate is open.
const STRATA: usize = 32;
/// Threshold, in standard deviations, beyond which a gate is open or shut for every node.
const FAR: f64 = 37.0;

/// The effective dynamics of the two-layer ReLU network of width `K` on the XOR mixture with orthonormal `μ`, `ν`.
///
/// `W_i·Y = m_i + h_i/√λ` with `m_i = ±m_iμ, ±m_iν` in the four clusters and Gaussian `h = Lg`, `L Lᵀ = R`. What `Y` brings
/// besides is regressed on `g`: with `D_ic = E[e_i 1{c}]` and `T_il = E[e_i g_l]`, exactly
///
/// ```text
/// E[e_i Y·u] = Σ_c D_ic (mean_c·u) + (1/√λ) Σ_l T_il (q_l·u),   (q_l·W_j)_j = L⁻¹ R,  (q_l·μ, q_l·ν) = L⁻¹ m
/// ```
///
/// **Gates.** The pull on a small `m_i` comes from samples whose gate it opens: a share `√λ m_i/‖W_i‖` of all, fewer than one
/// in any set of nodes. So the gate of neuron `i` is integrated exactly: the noise along `W_i` is drawn from its Gaussian
/// law given that the gate is open (as 32 values with its exact mean and variance, from equal shares of probability), times
/// the probability of that, and the nodes' own component along `W_i` is replaced by it. `D`, `T` and with them the equations for
/// `m`, `v` and the drift of `R` are then differentiable in the state but for the kinks of ReLU. Only the noise term
/// `(c/λ) E[e_i e_j]` sees plain gates, so that it is positive semidefinite; it is met within some 2 % and jumps by the mass of
/// a node when one crosses a gate, which leaves 1e-5 or so in the error of steps, however short. `dv_i/dt` uses `E[r relu_i] = E[e_i W_i·Y]/v_i` from the same sums, so what ties the layers holds for all nodes:
/// `d(‖W_i‖² - v_i²)/dt = -2β(‖W_i‖² - v_i²) + (c/λ) E[e_i²]`.
///
/// **Twins.** The noise that separates two neurons in parallel comes from samples between their gates, whose share goes like
/// the distance of the two, so that its square may leave 0 at any time: solutions from exact twins are not unique, and
/// rounding decides when they part.
///
/// Nodes are those of all four clusters alike and antithetic, so mirror images are exact: `m = 0` is invariant to the last
/// bit, and exchanging `μ` with `-μ`, `ν` with `-ν`, or `μ` with `ν` and the signs of `v` at once, exchanges the solution.
#[derive(Debug, Clone)]
pub struct XorDynamics {
    width: usize,
    mean_gram: Array2<f64>,
    constants: Constants,
    nodes: Nodes,
    others: Nodes,
}

/// Gaussian nodes in dimension `K`, and a number below [`STRATA`] for each, as good as independent of it.
#[derive(Debug, Clone)]
struct Nodes {
    gaussian: Vec<f64>,
    strata: Vec<usize>,
}

impl Nodes {
    /// Splits nodes in dimension `K + 1`: the last coordinate, in order of size, gives the strata.
    fn new(all: &[f64], width: usize) -> Self {
        let last: Vec<f64> = all.chunks_exact(width + 1).map(|node| node[width]).collect();
        let mut order: Vec<usize> = (0..last.len()).collect();
        order.sort_by(|&i, &j| last[i].total_cmp(&last[j]));
        let mut strata = vec![0; last.len()];
        for (place, &node) in order.iter().enumerate() {
            strata[node] = place * STRATA / last.len();
        }
        let gaussian = all.chunks_exact(width + 1).flat_map(|node| &node[..width]).copied().collect();
        Self { gaussian, strata }
    }
}

/// The law of the samples at a state, as far as the network sees it.
struct Seen {
    /// Factor of `R` (`K × K`, flat).
    lower: Vec<f64>,
    /// `W_i·mean` of the four clusters (`4 × K`, flat).
    means: Vec<f64>,
    /// `h_i/√λ` at the nodes (`N × K`, flat).
    noise: Vec<f64>,
}

impl XorDynamics {
    /// The dynamics for `K = width` neurons, with 1024 nodes per cluster. A quarter of them still gives paths to `t = 40` within
    /// some 1e-3 (K = 4 to 8, `λ` from 100 to 10⁶).
    ///
    /// # Errors
    /// No neuron, `λ ≤ 0`, `c ≤ 0`, `β < 0`.
    pub fn new(width: usize, constants: Constants) -> Result<Self> {
        Self::with_nodes(width, constants, NODES.max(8 * (width + 2)))
    }

    /// As [`XorDynamics::new`], with a chosen number of nodes per cluster (rounded up to a multiple of 64).
    ///
    /// # Errors
    /// As [`XorDynamics::new`], and fewer than `4 (K + 2)` nodes.
    pub fn with_nodes(width: usize, constants: Constants, nodes_per_cluster: usize) -> Result<Self> {
        if width == 0 {
            return Err(Error::parameter("width", width, "needs at least one neuron"));
        }
        let constants = constants.checked()?;
        let sets = node_sets(width + 1, 2, nodes_per_cluster.next_multiple_of(2 * STRATA))?;
        let [nodes, others] = [0, 1].map(|set| Nodes::new(&sets[set], width));
        Ok(Self { width, mean_gram: Array2::eye(2), constants, nodes, others })
    }

    fn see(&self, state: &State) -> Result<Seen> {
        let width = self.width;
        state.check(width, &self.mean_gram, width)?;
        let gram = flat(&state.gram);
        let scale: Vec<f64> = state.gram.diag().to_vec();
        let lower = cholesky(&gram, &scale, width)?;
        let mut means = Vec::with_capacity(CLUSTERS * width);
        for cluster in 0..CLUSTERS {
            let sign = if cluster % 2 == 0 { 1.0 } else { -1.0 };
            means.extend(state.means.column(cluster / 2).iter().map(|value| sign * value));
        }
        let share = 1.0 / self.constants.lambda.sqrt();
        let mut noise = Vec::with_capacity(self.nodes.gaussian.len());
        for node in self.nodes.gaussian.chunks_exact(width) {
            noise.extend((0..width).map(|i| share * dot(&lower[i * width..=i * width + i], node)));
        }
        Ok(Seen { lower, means, noise })
    }

    /// `E[e_i e_j]` (`K × K`, flat), from plain gates.
    fn noise(&self, seen: &Seen, v: &[f64]) -> Vec<f64> {
        let width = self.width;
        let mut total = vec![0.0; width * width];
        let mut e = vec![0.0; width];
        for (cluster, means) in seen.means.chunks_exact(width).enumerate() {
            for noise in seen.noise.chunks_exact(width) {
                let mut f = 0.0;
                for (((e, mean), noise), v) in e.iter_mut().zip(means).zip(noise).zip(v) {
                    let hidden = mean + noise;
                    *e = if hidden > 0.0 { *v } else { 0.0 };
                    f += *e * hidden;
                }
                let r = residual(f, cluster);
                for (i, row) in total.chunks_exact_mut(width).enumerate() {
                    let factor = r * r * e[i];
                    if factor != 0.0 {
                        row[..=i].iter_mut().zip(&e).for_each(|(entry, other)| *entry += factor * other);
                    }
                }
            }
        }
        let mass = 1.0 / as_f64(CLUSTERS * self.nodes.strata.len());
        for i in 0..width {
            for j in 0..=i {
                let value = mass * total[i * width + j];
                total[i * width + j] = value;
                total[j * width + i] = value;
            }
        }
        total
    }

    /// `D̂_c = E[r 1_i 1{c}]` and `T̂ = E[r 1_i g]` (length `K`) for one neuron, with its gate integrated exactly.
    fn open(&self, seen: &Seen, v: &[f64], i: usize) -> ([f64; CLUSTERS], Vec<f64>) {
        let width = self.width;
        let mut mean = [0.0; CLUSTERS];
        let mut turn = vec![0.0; width];
        let row = &seen.lower[i * width..(i + 1) * width];
        let length = dot(row, row).sqrt();
        if length == 0.0 {
            return (mean, turn);
        }
        let unit: Vec<f64> = row.iter().map(|entry| entry / length).collect();
        let root = self.constants.lambda.sqrt();
        let slopes: Vec<f64> = seen.lower.chunks_exact(width).map(|other| dot(other, &unit) / root).collect();
        let along: Vec<f64> = self.nodes.gaussian.chunks_exact(width).map(|node| dot(node, &unit)).collect();
        for (cluster, means) in seen.means.chunks_exact(width).enumerate() {
            let (probability, values) = above((-root * means[i] / length).clamp(-FAR, FAR));
            let mass = probability / as_f64(CLUSTERS * along.len());
            let (mut total, mut lengthwise) = (0.0, 0.0);
            let points = self.nodes.gaussian.chunks_exact(width).zip(seen.noise.chunks_exact(width));
            for ((node, noise), (own, stratum)) in points.zip(along.iter().zip(&self.nodes.strata)) {
                let shift = values[*stratum] - own;
                let mut f = 0.0;
                for (((mean, noise), slope), v) in means.iter().zip(noise).zip(&slopes).zip(v) {
                    f += v * (mean + noise + shift * slope).max(0.0);
                }
                let weight = mass * residual(f, cluster);
                total += weight;
                lengthwise += weight * shift;
                turn.iter_mut().zip(node).for_each(|(entry, coordinate)| *entry += weight * coordinate);
            }
            mean[cluster] = total;
            turn.iter_mut().zip(&unit).for_each(|(entry, coordinate)| *entry += lengthwise * coordinate);
        }
        (mean, turn)
    }
}

impl Dynamics for XorDynamics {
    fn mean_gram(&self) -> &Array2<f64> {
        &self.mean_gram
    }

    fn derivative(&self, state: &State) -> Result<State> {
        let Constants { lambda, beta, c } = self.constants;
        let (width, v) = (self.width, &state.second);
        let seen = self.see(state)?;
        let noise = self.noise(&seen, v);
        let (mut products, mut means) = (flat(&state.gram), flat(&state.means));
        solve(&seen.lower, width, &mut products);
        solve(&seen.lower, width, &mut means);
        // E[r 1_i Y·u] for u = W_j, and for u = μ, ν.
        let mut towards = Array2::zeros((width, width));
        let mut pull = Array2::zeros((width, 2));
        for i in 0..width {
            let (mean, turn) = self.open(&seen, v, i);
            let regression = |right: &[f64], columns: usize, column: usize| {
                let terms = turn.iter().zip(right.chunks_exact(columns)).map(|(t, row)| t * row[column]);
                terms.sum::<f64>() / lambda.sqrt()
            };
            let difference = [mean[0] - mean[1], mean[2] - mean[3]];
            for j in 0..width {
                let drift = difference[0] * state.means[[j, 0]] + difference[1] * state.means[[j, 1]];
                towards[[i, j]] = drift + regression(&products, width, j);
            }
            for b in 0..2 {
                pull[[i, b]] = difference[b] + regression(&means, 2, b);
            }
        }
        let gram = Array2::from_shape_fn((width, width), |(i, j)| {
            let drift = v[i] * towards[[i, j]] + v[j] * towards[[j, i]] + 2.0 * beta * state.gram[[i, j]];
            mutation::STEP_NOISE * c / lambda * noise[i * width + j] - drift
        });
        Ok(State {
            means: Array2::from_shape_fn((width, 2), |(i, b)| {
                -v[i] * pull[[i, b]] - beta * state.means[[i, b]]
            }),
            gram,
            second: (0..width).map(|i| -towards[[i, i]] - beta * v[i]).collect(),
        })
    }

    fn with_other_nodes(&self) -> Option<Box<dyn Dynamics>> {
        let (nodes, others) = (self.others.clone(), self.nodes.clone());
        Some(Box::new(Self { nodes, others, ..self.clone() }))
    }
}

/// `P(t > threshold)` for `t ~ N(0, 1)`, and values that stand for equal shares of the law of `t` above the threshold, with
/// its exact mean and variance.
fn above(threshold: f64) -> (f64, [f64; STRATA]) {
    let probability = 0.5 * libm::erfc(threshold * std::f64::consts::FRAC_1_SQRT_2);
    let share = 1.0 / as_f64(STRATA);
    let mut values = [0.0; STRATA];
    for (stratum, value) in values.iter_mut().enumerate() {
        *value = -normal_quantile(probability * (as_f64(stratum) + 0.5) * share);
    }
    let density = libm::exp(-0.5 * threshold * threshold) / (2.0 * std::f64::consts::PI).sqrt();
    let mean = density / probability;
    let variance = (1.0 + threshold * mean - mean * mean).max(0.0);
    let found = share * values.iter().sum::<f64>();
    let spread = share * values.iter().map(|value| (value - found) * (value - found)).sum::<f64>();
    let stretch = if spread > 0.0 { (variance / spread).sqrt() } else { 1.0 };
    (probability, values.map(|value| mean + stretch * (value - found)))
}

/// `r = σ(f) - y`, with small relative error.
fn residual(f: f64, cluster: usize) -> f64 {
    let small = libm::exp(-f.abs());
    let right = if cluster < 2 { f > 0.0 } else { f < 0.0 };
    let size = if right { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
    if cluster < 2 { -size } else { size }
}

fn flat(matrix: &Array2<f64>) -> Vec<f64> {
    matrix.iter().copied().collect()
}

/// Scalar product of the first entries, summed in order.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
