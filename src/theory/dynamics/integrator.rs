//! Classical Runge-Kutta steps of order 4 for an equation of motion.

use ndarray::Array2;

use crate::error::{Error, Result, WithContext as _};
use crate::theory::dynamics::state::{Dynamics, State};
use crate::theory::jacobi::symmetric_eigen;
use crate::theory::span::Coordinates;

/// Size of an entry above which the state has blown up.
const LARGEST: f64 = 1e12;
/// Eigenvalues of the Gram matrix of the means below this share of the largest count as zero.
const RANK_TOLERANCE: f64 = 1e-12;
/// Largest number of steps.
const MOST_STEPS: f64 = 1e8;

/// A solution at given times, with what is known of its errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The times.
    pub times: Vec<f64>,
    /// The state at each of them.
    pub states: Vec<State>,
    /// Largest difference of an entry from the solution with steps of twice the length, at each time. For a right-hand
    /// side with five derivatives that is 15 times the error, by Richardson's argument; whatever the order, at least 1, it is
    /// no less than the error.
    pub step_error: Vec<f64>,
    /// Largest difference of an entry between two sets of quadrature nodes, at each time: about `√2` errors of either. 0 for
    /// dynamics whose expectations are exact.
    pub node_error: Vec<f64>,
}

/// The solution that is `start` at time 0, at the given times, by the classical Runge-Kutta method of order 4 with steps of
/// equal length between two times, none longer than `step`.
///
/// The variables of the method are `m`, `v` and the Gram matrix `Q = R - m M⁺ mᵀ` of what of the rows lies outside the span of
/// the means (`M` the Gram matrix of these). `Q` obeys `Q' = -(BQ + QBᵀ) + (c/λ) E[e eᵀ]`, where the pull of the means does not
/// enter: `B` is of order `β + 1/λ` in task A and `β + |v_i|/(‖W_i‖ √λ)` in task B. So `Q` stays positive semidefinite under
/// long steps as well, where `R` as a variable would not.
///
/// Steps of 0.25 show a `step_error` of 1e-8 to 1e-7 in task A. In task B a small `m_i` grows at rates up to
/// `|v_i| √(2λ/π)/(8‖W_i‖)`, and steps must be a small share of their inverse: seen were up to 1e-4 at `λ = 100` and 1e-3 at
/// `λ = 1000` with steps of 0.1, and 6e-3 at `λ = 10⁴` (1e-4 with 0.05). A neuron much shorter than `|v_i|` times a step turns
/// within one, which shows in the error or ends in one.
///
/// Work: the equation is solved once as asked and twice with steps of twice the length, for the two errors in [`Path`].
///
/// # Errors
/// A step that is not positive, times that are negative, not finite or not increasing, too many steps; a start of the wrong
/// shape or with an indefinite Gram matrix; a state that blows up or ceases to be a Gram matrix, as it does under steps
/// that are too long.
pub fn integrate(dynamics: &dyn Dynamics, start: &State, times: &[f64], step: f64) -> Result<Path> {
    let counts = step_counts(times, step)?;
    let rows = start.means.nrows();
    let full = start.full_gram(dynamics.mean_gram())?;
    start.check(rows, dynamics.mean_gram(), start.second.len())?;
    let scale = full.diag().to_vec();
    let symmetric = Array2::from_shape_fn(full.dim(), |(i, j)| 0.5 * (full[[i, j]] + full[[j, i]]));
    Coordinates::new(symmetric, &scale, &[0..rows, rows..scale.len()])?;
    let split = Split::new(start, dynamics.mean_gram())?;
    let fine = run(dynamics, &split, start, times, &counts)?;
    let halves: Vec<u32> = counts.iter().map(|count| count / 2).collect();
    let coarse = run(dynamics, &split, start, times, &halves)?;
    let node_error = match dynamics.with_other_nodes() {
        Some(other) => differences(&run(&*other, &split, start, times, &halves)?, &coarse),
        None => vec![0.0; times.len()],
    };
    Ok(Path { times: times.to_vec(), step_error: differences(&fine, &coarse), node_error, states: fine })
}

/// An even number of steps before each time.
fn step_counts(times: &[f64], step: f64) -> Result<Vec<u32>> {
    if !(step.is_finite() && step > 0.0) {
        return Err(Error::parameter("step", step, "must be finite and positive"));
    }
    let mut before = 0.0;
    let mut counts = Vec::with_capacity(times.len());
    for &time in times {
        if !(time.is_finite() && time >= before) {
            let rule = "times must be finite, not negative, and increasing";
            return Err(Error::parameter("times", time, rule));
        }
        let pairs = ((time - before) / (2.0 * step)).ceil();
        if pairs > MOST_STEPS / 2.0 {
            return Err(Error::parameter("step", step, format!("takes too many steps to reach t = {time}")));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
        counts.push(2 * pairs as u32);
        before = time;
    }
    Ok(counts)
}

fn differences(left: &[State], right: &[State]) -> Vec<f64> {
    let largest = |(left, right): (&State, &State)| {
        let pairs = left.means.iter().zip(&right.means);
        let pairs =
            pairs.chain(left.gram.iter().zip(&right.gram)).chain(left.second.iter().zip(&right.second));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    left.iter().zip(right).map(largest).collect()
}

/// Coordinates of the method: `m`, `Q = R - m M⁺ mᵀ` and `v`, in one list.
struct Split {
    rows: usize,
    means: usize,
    /// `M⁺`.
    inverse: Array2<f64>,
}

impl Split {
    fn new(state: &State, mean_gram: &Array2<f64>) -> Result<Self> {
        let eigen = symmetric_eigen(mean_gram)?;
        let (rows, means) = state.means.dim();
        let mut inverse = Array2::zeros((means, means));
        for (value, vector) in eigen.values.iter().zip(eigen.vectors.columns()) {
            if *value > RANK_TOLERANCE * eigen.values[0] {
                for ((i, j), entry) in inverse.indexed_iter_mut() {
                    *entry += vector[i] * vector[j] / value;
                }
            }
        }
        Ok(Self { rows, means, inverse })
    }

    /// `left M⁺ rightᵀ`.
    fn within(&self, left: &Array2<f64>, right: &Array2<f64>) -> Array2<f64> {
        let size = self.means;
        let half = Array2::from_shape_fn((self.rows, size), |(a, j)| {
            (0..size).map(|i| left[[a, i]] * self.inverse[[i, j]]).sum::<f64>()
        });
        Array2::from_shape_fn((self.rows, self.rows), |(a, b)| {
            (0..size).map(|j| half[[a, j]] * right[[b, j]]).sum::<f64>()
        })
    }

    fn list(means: &Array2<f64>, across: &Array2<f64>, second: &[f64]) -> Vec<f64> {
        means.iter().chain(across).chain(second).copied().collect()
    }

    fn split(&self, state: &State) -> Vec<f64> {
        let along = self.within(&state.means, &state.means);
        Self::list(&state.means, &(&state.gram - &along), &state.second)
    }

    /// The list of derivatives at a state.
    fn derivative(&self, dynamics: &dyn Dynamics, state: &State) -> Result<Vec<f64>> {
        let change = dynamics.derivative(state)?;
        let turn = self.within(&change.means, &state.means);
        let across = &change.gram - &turn - turn.t();
        Ok(Self::list(&change.means, &across, &change.second))
    }

    fn join(&self, list: &[f64]) -> State {
        let (means, rest) = list.split_at(self.rows * self.means);
        let (across, second) = rest.split_at(self.rows * self.rows);
        let means = Array2::from_shape_fn((self.rows, self.means), |(a, b)| means[a * self.means + b]);
        let mut gram = self.within(&means, &means);
        for ((a, b), entry) in gram.indexed_iter_mut() {
            *entry += 0.5 * (across[a * self.rows + b] + across[b * self.rows + a]);
        }
        State { means, gram, second: second.to_vec() }
    }
}

fn run(
    dynamics: &dyn Dynamics,
    split: &Split,
    start: &State,
    times: &[f64],
    counts: &[u32],
) -> Result<Vec<State>> {
    let mut list = split.split(start);
    let mut states = Vec::with_capacity(times.len());
    let mut before = 0.0;
    for (&time, &count) in times.iter().zip(counts) {
        let step = (time - before) / f64::from(count.max(1));
        for index in 0..count {
            let now = || {
                format!("effective dynamics at t = {} by steps of {step}", before + step * f64::from(index))
            };
            runge_kutta(dynamics, split, &mut list, step).context(now)?;
            if let Some(value) = list.iter().find(|value| value.is_nan() || value.abs() > LARGEST) {
                let problem = format!("an entry of the state is {value:e}; shorter steps may help");
                return Err(Error::Numeric { routine: "effective dynamics", problem }).context(now);
            }
        }
        states.push(if time == 0.0 { start.clone() } else { split.join(&list) });
        before = time;
    }
    Ok(states)
}

/// One step: slopes at the start, twice in the middle, and at the end, with weights 1/6, 1/3, 1/3, 1/6.
fn runge_kutta(dynamics: &dyn Dynamics, split: &Split, list: &mut [f64], step: f64) -> Result<()> {
    let moved = |slope: &[f64], length: f64| {
        let point: Vec<f64> = list.iter().zip(slope).map(|(value, slope)| value + length * slope).collect();
        split.derivative(dynamics, &split.join(&point))
    };
    let first = split.derivative(dynamics, &split.join(list))?;
    let second = moved(&first, 0.5 * step)?;
    let third = moved(&second, 0.5 * step)?;
    let fourth = moved(&third, step)?;
    for (index, value) in list.iter_mut().enumerate() {
        *value += step / 6.0 * (first[index] + 2.0 * (second[index] + third[index]) + fourth[index]);
    }
    Ok(())
}
