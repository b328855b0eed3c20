//! Softmax regression on a Gaussian mixture.

use ndarray::Array2;

use crate::error::Result;
use crate::mutation;
use crate::problem::as_f64;
use crate::theory::DEFAULT_NODES;
use crate::theory::dynamics::factor::cholesky;
use crate::theory::dynamics::state::{Constants, Dynamics, State, node_sets};
use crate::theory::span::{check_gram, check_probabilities};

/// The effective dynamics of softmax regression with `C` classes on a mixture of `k ≤ C` Gaussians.
///
/// With `D_ac = p_c E[π_a - 1{a=c} | c]`, `H = E[diag π - π πᵀ]` (`C × C`) and the Gram matrix `M` of the means, Gaussian
/// integration by parts, `E[e_a z] = Σ_b E[∂π_a/∂(x^b·Y)] x^b/√λ`, turns the equations exactly into
///
/// ```text
/// dm/dt = -D M - (H/λ + β) m
/// dR/dt = -(A + Aᵀ) - 2βR + (c/λ) E[e eᵀ],   A = D mᵀ + H R/λ
/// ```
///
/// so only `E[π | c]` and `E[π πᵀ]` are left to quadrature, over logits that are Gaussian with covariance `R/λ` about `m_·c`.
/// Common shifts of the logits do not count: nodes have dimension `C - 1` and move with the Cholesky factor of the Gram
/// matrix of the differences `x^a - x̄`, in the order of the classes. What the equation owes to `Σ_a e_a = 0` holds for
/// every set of nodes, to rounding: `Σ_a m_ab` decays as `e^{-βt}` and `Σ_ab R_ab` as `e^{-2βt}`.
///
/// Each class has nodes of its own.
#[derive(Debug, Clone)]
pub struct MixtureDynamics {
    classes: usize,
    probabilities: Vec<f64>,
    mean_gram: Array2<f64>,
    constants: Constants,
    /// Nodes of each class, one after the other, in dimension `C - 1`.
    nodes: Vec<Vec<f64>>,
    /// As many others.
    others: Vec<Vec<f64>>,
}

/// Expectations over the nodes.
struct Moments {
    /// `p_c E[π_a | c]` (`C × k`, flat).
    first: Vec<f64>,
    /// `E[π πᵀ]` (`C × C`, flat).
    second: Vec<f64>,
}

impl MixtureDynamics {
    /// The dynamics for `C = classes` softmax outputs, the probabilities `p_1..p_k` of the mixture components (component `b`
    /// has label `b`, so `k ≤ C`) and the Gram matrix of their means (`k × k`), with about 4096 nodes in all.
    ///
    /// # Errors
    /// Probabilities that are not a probability vector, shapes that do not fit, a Gram matrix that is not symmetric positive
    /// semidefinite, `λ ≤ 0`, `c ≤ 0`, `β < 0`.
    pub fn new(
        classes: usize,
        probabilities: &[f64],
        mean_gram: &Array2<f64>,
        constants: Constants,
    ) -> Result<Self> {
        let per_class = DEFAULT_NODES.div_ceil(probabilities.len().max(1)).max(8 * (classes + 1));
        Self::with_nodes(classes, probabilities, mean_gram, constants, per_class)
    }

    /// As [`MixtureDynamics::new`], with a chosen number of nodes per class (rounded up to an even number).
    ///
    /// # Errors
    /// As [`MixtureDynamics::new`], and fewer than `4C` nodes.
    pub fn with_nodes(
        classes: usize,
        probabilities: &[f64],
        mean_gram: &Array2<f64>,
        constants: Constants,
        nodes_per_class: usize,
    ) -> Result<Self> {
        check_probabilities(classes, probabilities)?;
        check_gram(mean_gram, probabilities.len())?;
        let constants = constants.checked()?;
        let components = probabilities.len();
        let each = nodes_per_class.next_multiple_of(2);
        let mut nodes = node_sets(classes - 1, 2 * components, each)?;
        let others = nodes.split_off(components);
        Ok(Self {
            classes,
            probabilities: probabilities.to_vec(),
            mean_gram: mean_gram.clone(),
            constants,
            nodes,
            others,
        })
    }

    /// Calls `visit` with the class, the mass and the logits, up to a common shift, of every node.
    fn visit(&self, state: &State, mut visit: impl FnMut(usize, f64, &mut [f64])) -> Result<()> {
        let (classes, dimension) = (self.classes, self.classes - 1);
        state.check(classes, &self.mean_gram, 0)?;
        let columns = self.columns(&state.gram)?;
        let mut means = vec![0.0; classes];
        let mut logits = vec![0.0; classes];
        for (class, (nodes, probability)) in self.nodes.iter().zip(&self.probabilities).enumerate() {
            means.iter_mut().zip(state.means.column(class)).for_each(|(mean, value)| *mean = *value);
            let mass = probability / as_f64(nodes.len() / dimension);
            for node in nodes.chunks_exact(dimension) {
                logits.copy_from_slice(&means);
                for (column, coordinate) in columns.chunks_exact(classes).zip(node) {
                    for (logit, entry) in logits.iter_mut().zip(column) {
                        *logit += entry * coordinate;
                    }
                }
                visit(class, mass, &mut logits);
            }
        }
        Ok(())
    }

    /// Columns (length `C` each, `C - 1` of them) of the factor of the covariance of the logits without their average.
    fn columns(&self, gram: &Array2<f64>) -> Result<Vec<f64>> {
        let (classes, dimension) = (self.classes, self.classes - 1);
        let share = 1.0 / as_f64(classes);
        let average: Vec<f64> = (0..classes)
            .map(|a| share * (0..classes).map(|b| 0.5 * (gram[[a, b]] + gram[[b, a]])).sum::<f64>())
            .collect();
        let overall = share * average.iter().sum::<f64>();
        let mut centred = Vec::with_capacity(classes * classes);
        for a in 0..classes {
            for b in 0..classes {
                centred.push(0.5 * (gram[[a, b]] + gram[[b, a]]) - average[a] - average[b] + overall);
            }
        }
        let longest = gram.diag().iter().copied().fold(0.0, f64::max);
        let lower = cholesky(&centred, &vec![longest; classes], dimension)?;
        let noise = 1.0 / self.constants.lambda.sqrt();
        let mut columns = Vec::with_capacity(classes * dimension);
        for j in 0..dimension {
            columns.extend((0..classes).map(|a| noise * lower[a * dimension + j]));
        }
        Ok(columns)
    }

    fn moments(&self, state: &State) -> Result<Moments> {
        let (classes, components) = (self.classes, self.probabilities.len());
        let mut first = vec![0.0; classes * components];
        let mut second = vec![0.0; classes * classes];
        self.visit(state, |class, mass, logits| {
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut total = 0.0;
            for logit in &mut *logits {
                *logit = libm::exp(*logit - top);
                total += *logit;
            }
            let share = 1.0 / total;
            for (a, entries) in second.chunks_exact_mut(classes).enumerate() {
                let pi = share * logits[a];
                first[a * components + class] += mass * pi;
                let scaled = mass * share * pi;
                entries[..=a].iter_mut().zip(&*logits).for_each(|(entry, term)| *entry += scaled * term);
            }
        })?;
        for a in 0..classes {
            for b in 0..a {
                second[b * classes + a] = second[a * classes + b];
            }
        }
        Ok(Moments { first, second })
    }
}

impl Dynamics for MixtureDynamics {
    fn mean_gram(&self) -> &Array2<f64> {
        &self.mean_gram
    }

    fn derivative(&self, state: &State) -> Result<State> {
        let Constants { lambda, beta, c } = self.constants;
        let (classes, components) = (self.classes, self.probabilities.len());
        let Moments { first, second } = self.moments(state)?;
        let probability = |a: usize| if a < components { self.probabilities[a] } else { 0.0 };
        // p_c E[π_a | c], with 0 for classes that no component has.
        let given =
            |a: usize, class: usize| if class < components { first[a * components + class] } else { 0.0 };
        let pull = Array2::from_shape_fn((classes, components), |(a, class)| {
            given(a, class) - if a == class { self.probabilities[class] } else { 0.0 }
        });
        let hessian = Array2::from_shape_fn((classes, classes), |(a, b)| {
            let mean: f64 = first[a * components..(a + 1) * components].iter().sum();
            if a == b { mean - second[a * classes + b] } else { -second[a * classes + b] }
        });
        // E[e_a e_b], where e = π - y and y yᵀ is diagonal.
        let noise = |a: usize, b: usize| {
            let same = if a == b { probability(a) } else { 0.0 };
            second[a * classes + b] - given(a, b) - given(b, a) + same
        };
        let sum = |count: usize, term: &dyn Fn(usize) -> f64| (0..count).map(term).sum::<f64>();
        let means = Array2::from_shape_fn(state.means.dim(), |(a, b)| {
            let drift = sum(components, &|class| pull[[a, class]] * self.mean_gram[[class, b]]);
            let back = sum(classes, &|other| hessian[[a, other]] * state.means[[other, b]]);
            -drift - back / lambda - beta * state.means[[a, b]]
        });
        let towards = Array2::from_shape_fn((classes, classes), |(a, b)| {
            let drift = sum(components, &|class| pull[[a, class]] * state.means[[b, class]]);
            drift + sum(classes, &|other| hessian[[a, other]] * state.gram[[other, b]]) / lambda
        });
        let gram = Array2::from_shape_fn((classes, classes), |(a, b)| {
            let drift = towards[[a, b]] + towards[[b, a]] + 2.0 * beta * state.gram[[a, b]];
            mutation::STEP_NOISE * c / lambda * noise(a, b) - drift
        });
        Ok(State { means, gram, second: Vec::new() })
    }

    fn with_other_nodes(&self) -> Option<Box<dyn Dynamics>> {
        let (nodes, others) = (self.others.clone(), self.nodes.clone());
        Some(Box::new(Self { nodes, others, ..self.clone() }))
    }
}
