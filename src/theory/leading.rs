//! The XOR network to leading order: its effective dynamics where neurons meet in the output only.
//!
//! A neuron is its four numbers `(W·μ, W·ν, ‖W_⊥‖², v)`. Two approximations make the effective dynamics of
//! [`crate::theory::dynamics`] an equation in these: the parts of different neurons outside `Span(μ, ν)` are orthogonal, as at a
//! random start up to `d^{-1/2}`, and the residual of a cluster is that of its mean output, which is off by `O(λ^{-1/2})`.
//! The gates are exact: with `a = W·mean_c`, `s = ‖W‖/√λ`, `x = a/s` and the normal law Φ with density φ, the gate of cluster c is
//! open with probability `Φ(x)`, the mean feature is `aΦ(x) + sφ(x)`, and `E[1{open} g·u] = φ(x) W·u/‖W‖`. With the residuals
//! `r_c` and `T = Σ_c r_c φ(x_c)/(4‖W‖√λ)`:
//!
//! ```text
//! d(W·μ)/dt  = -v (r_{+μ}Φ_{+μ} - r_{-μ}Φ_{-μ})/4 - (vT + β) W·μ,   likewise ν
//! d‖W_⊥‖²/dt = -2 (vT + β) ‖W_⊥‖² + (c/λ) v² Σ_c r_c² Φ_c/4
//! dv/dt      = -Σ_c r_c (aΦ + sφ)_c/4 - βv
//! ```
//!
//! **Late neurons.** While `r = ±1/2` a small `x = √λ W·μ/‖W‖` grows at the rate `κ√λ|v|/‖W‖`, `κ = √(2/π)/8` ([`RATE`]), and
//! once `x ≫ 1` a neuron has chosen its direction for good. But where another neuron has learnt the cluster `+μ` before, so
//! `|r_{+μ}| < |r_{-μ}|`, the pull on a neuron with small x is towards `-μ`: it turns to the cluster that is not covered. From
//! `x(0) = √(λ/d) |g|`, `g ~ N(0, 1)`, a neuron is late if `√(λ/d) |g| e^{κ√λ|v|τ} < 1`, τ being the time that the first neurons
//! take; for `d ≫ λ` this has probability about `√(2/π) (ln(d/λ)/2 - E ln|g|)/(κτ√λ)` ([`lateness`]). So neurons choose by
//! the signs at the start, and the rank follows the coupon collector's law, where `√λ ≫ log d`: large λ is not enough.

use crate::error::{Error, Result};
use crate::mutation;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// `√(2/π)/8`: a small `√λ W·μ/‖W‖` grows at `√λ|v|/‖W‖` times this.
pub const RATE: f64 = 0.099_735_570_100_358_16;

/// `-2 E ln|g|`, `g ~ N(0, 1)`: Euler's constant plus `ln 2`.
const SMALL: f64 = 1.270_362_845_461_478_2;

/// Longest step of the integrator.
const LONGEST: f64 = 0.25;
/// Largest product of a growth rate and a step.
const SHARE: f64 = 0.4;

/// The combination of d and λ that decides how many neurons are late where `d ≫ λ`: `(ln(d/λ) + γ + ln 2)/√λ`, the chance
/// to be late times `κτ√(2π)`.
pub fn lateness(d: f64, lambda: f64) -> f64 {
    (libm::log(d / lambda) + SMALL) / lambda.sqrt()
}

/// A neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neuron {
    /// `W·μ` and `W·ν`.
    pub along: [f64; 2],
    /// `‖W‖²` outside `Span(μ, ν)`.
    pub rest: f64,
    /// Its second-layer weight.
    pub v: f64,
}

impl Neuron {
    /// `‖W‖`.
    pub fn length(&self) -> f64 {
        (self.along[0] * self.along[0] + self.along[1] * self.along[1] + self.rest).sqrt()
    }

    /// `ρ(W; Span(μ, ν))`; 0 for the zero vector.
    pub fn rho(&self) -> f64 {
        let length = self.length();
        if length > 0.0 { (1.0 - self.rest / (length * length)).max(0.0).sqrt() } else { 0.0 }
    }

    fn plus(&self, step: f64, slope: &Self) -> Self {
        Self {
            along: [self.along[0] + step * slope.along[0], self.along[1] + step * slope.along[1]],
            rest: (self.rest + step * slope.rest).max(0.0),
            v: self.v + step * slope.v,
        }
    }
}

/// The equation of motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leading {
    lambda: f64,
    beta: f64,
    c: f64,
}

/// Probability that the gate is open, mean feature and density at a cluster.
fn gate(a: f64, s: f64) -> [f64; 3] {
    let x = a / s;
    let open = 0.5 * libm::erfc(-x * FRAC_1_SQRT_2);
    let density = libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt();
    [open, a * open + s * density, density]
}

impl Leading {
    /// The equation for these parameters.
    pub fn new(lambda: f64, beta: f64, c: f64) -> Self {
        Self { lambda: mutation::predicted_for(lambda), beta, c }
    }

    /// The time derivative of all neurons.
    pub fn derivative(&self, neurons: &[Neuron]) -> Vec<Neuron> {
        let root = self.lambda.sqrt();
        let gates: Vec<[[f64; 3]; 4]> = neurons
            .iter()
            .map(|neuron| {
                let s = (neuron.length() / root).max(1e-150);
                let [mu, nu] = neuron.along;
                [mu, -mu, nu, -nu].map(|a| gate(a, s))
            })
            .collect();
        let mut residuals = [0.0; 4];
        for (cluster, residual) in residuals.iter_mut().enumerate() {
            let f: f64 = neurons.iter().zip(&gates).map(|(neuron, gate)| neuron.v * gate[cluster][1]).sum();
            let margin = if cluster < 2 { f } else { -f };
            let small = libm::exp(-margin.abs());
            let size = if margin > 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
            *residual = if cluster < 2 { -size } else { size };
        }
        let quarter = |of: &dyn Fn(usize) -> f64| 0.25 * (of(0) + of(1) + of(2) + of(3));
        neurons
            .iter()
            .zip(&gates)
            .map(|(neuron, gate)| {
                let scale = (neuron.length() * root).max(1e-150);
                let turn = quarter(&|cluster| residuals[cluster] * gate[cluster][2]) / scale;
                let decay = neuron.v * turn + self.beta;
                let pull = |plus: usize| {
                    0.25 * (residuals[plus] * gate[plus][0] - residuals[plus + 1] * gate[plus + 1][0])
                };
                let noise = quarter(&|cluster| residuals[cluster] * residuals[cluster] * gate[cluster][0]);
                Neuron {
                    along: [0, 1].map(|axis| -neuron.v * pull(2 * axis) - decay * neuron.along[axis]),
                    rest: mutation::STEP_NOISE * self.c / self.lambda * neuron.v * neuron.v * noise
                        - 2.0 * decay * neuron.rest,
                    v: -quarter(&|cluster| residuals[cluster] * gate[cluster][1]) - self.beta * neuron.v,
                }
            })
            .collect()
    }

    /// The neurons at increasing times, from these at time 0, by Runge-Kutta steps of order 4 that follow the fastest neuron.
    ///
    /// # Errors
    /// A time that is not finite; a state that blows up.
    pub fn path(&self, start: &[Neuron], times: &[f64]) -> Result<Vec<Vec<Neuron>>> {
        let (mut now, mut state) = (0.0, start.to_vec());
        let mut states = Vec::with_capacity(times.len());
        for &time in times {
            if !time.is_finite() {
                return Err(Error::parameter("time", time, "must be finite"));
            }
            while now < time {
                let step = self.step(&state).min(time - now);
                state = self.advanced(&state, step);
                now = if step >= time - now { time } else { now + step };
                if state.iter().any(|neuron| !neuron.length().is_finite() || !neuron.v.is_finite()) {
                    let problem = format!("the state at t = {now} is not finite");
                    return Err(Error::Numeric { routine: "leading order", problem });
                }
            }
            states.push(state.clone());
        }
        Ok(states)
    }

    /// A step that is short beside the growth of any neuron that has not chosen yet.
    fn step(&self, neurons: &[Neuron]) -> f64 {
        let root = self.lambda.sqrt();
        let fastest = neurons.iter().fold(0.0_f64, |fastest, neuron| {
            let length = neuron.length().max(1e-3);
            let undecided = neuron.along.iter().any(|a| a.abs() * root < 4.0 * length);
            if undecided { fastest.max(RATE * root * neuron.v.abs() / length) } else { fastest }
        });
        LONGEST.min(SHARE / fastest.max(1e-9))
    }

    fn advanced(&self, state: &[Neuron], step: f64) -> Vec<Neuron> {
        let moved = |slopes: &[Neuron], share: f64| -> Vec<Neuron> {
            state.iter().zip(slopes).map(|(neuron, slope)| neuron.plus(share * step, slope)).collect()
        };
        let first = self.derivative(state);
        let second = self.derivative(&moved(&first, 0.5));
        let third = self.derivative(&moved(&second, 0.5));
        let fourth = self.derivative(&moved(&third, 1.0));
        let weighted = |one: f64, two: f64, three: f64, four: f64| (one + 2.0 * (two + three) + four) / 6.0;
        let mean: Vec<Neuron> = (0..state.len())
            .map(|i| {
                let (a, b, c, d) = (&first[i], &second[i], &third[i], &fourth[i]);
                Neuron {
                    along: [0, 1]
                        .map(|axis| weighted(a.along[axis], b.along[axis], c.along[axis], d.along[axis])),
                    rest: weighted(a.rest, b.rest, c.rest, d.rest),
                    v: weighted(a.v, b.v, c.v, d.v),
                }
            })
            .collect();
        moved(&mean, 1.0)
    }
}

/// Chance that step noise turns a neuron away from the direction that the signs at the start foretell, for large d and λ with
/// `λ > d`, on average over `v ~ N(0, 1)`.
///
/// Near the boundary `W·μ = 0` the coordinate `m = W·μ` obeys `dm = κ√λ|v| m dt + |v| √(c/(16 d)) dB`: of the samples a quarter
/// is of a cluster ±μ and passes the gate, and `r² = 1/4`. What noise adds to m(0), `N(0, 1/d)`, in the long run has the
/// variance `(c/16d) v²/(2κ√λ|v|)`, so the sign changes with the chance `arctan(√(c|v|/(32κ√λ)))/π`, whatever d.
pub fn overturned(lambda: f64, c: f64) -> f64 {
    let (lambda, c) = (mutation::predicted_for(lambda), mutation::STEP_NOISE * c);
    // The midpoint rule over v from 0 to 8, with the density of |v|.
    let (count, end) = (4000_u32, 8.0);
    let width = end / f64::from(count);
    let value = |v: f64| {
        let turned = libm::atan((c * v / (32.0 * RATE * lambda.sqrt())).sqrt()) / PI;
        (2.0 / PI).sqrt() * libm::exp(-0.5 * v * v) * turned
    };
    (0..count).map(|place| width * value(width * (f64::from(place) + 0.5))).sum()
}

/// Chance that a neuron changes its axis, on average over `v ~ N(0, 1)`, for λ far above d.
///
/// With gates that follow the signs, `u = |W·μ| - |W·ν|` and v > 0 obey `du/dt = v/4`, `dv/dt = u/8` near zero, a saddle: where
/// `u < -√2 v` the weight v changes its sign before it has grown, and the neuron heads for ±ν in place of ±μ (likewise for v < 0). With
/// inner products `N(0, 1/d)` the chance is `√(2/π) E(|g| - |g'|)₊/√(2d)`, and the mean is `2/√π - √(2/π)`.
pub fn diverted(d: f64) -> f64 {
    let half = (2.0 / PI).sqrt();
    half * (2.0 / PI.sqrt() - half) / (2.0 * d).sqrt()
}

/// Chance that `width` neurons, each on one of the directions ±μ, ±ν at random, cover the same directions after each has, independently,
/// turned to the opposite one with the first chance, or to either one of the other axis with the second.
pub fn same_cover(width: u32, turned: f64, diverted: f64) -> f64 {
    // The chain in the number of neurons of (directions foretold, directions taken), as sums of powers of two.
    let mut law = vec![0.0; 256];
    law[0] = 1.0;
    for _ in 0..width {
        let mut next = vec![0.0; 256];
        for (state, probability) in law.iter().enumerate().filter(|(_, probability)| **probability > 0.0) {
            for direction in 0..4 {
                for (taken, chance) in [
                    (direction, 1.0 - turned - diverted),
                    (direction ^ 1, turned),
                    (direction ^ 2, 0.5 * diverted),
                    (direction ^ 3, 0.5 * diverted),
                ] {
                    next[state | 1 << direction | 16 << taken] += 0.25 * chance * probability;
                }
            }
        }
        law = next;
    }
    law.iter().enumerate().filter(|(state, _)| state & 15 == state >> 4).map(|(_, p)| p).sum()
}

#[cfg(test)]
mod tests {
    use crate::theory::dynamics::{Constants, Dynamics as _, State, XorDynamics, integrate};
    use crate::theory::leading::{Leading, Neuron, RATE, diverted, lateness, overturned, same_cover};
    use ndarray::Array2;

    const NEURONS: [Neuron; 4] = [
        Neuron { along: [0.04, -0.02], rest: 1.0, v: 1.1 },
        Neuron { along: [-0.03, 0.05], rest: 0.9, v: 0.3 },
        Neuron { along: [0.02, 0.03], rest: 1.1, v: -0.8 },
        Neuron { along: [0.01, -0.06], rest: 1.0, v: -0.5 },
    ];

    fn state(neurons: &[Neuron]) -> State {
        let means = Array2::from_shape_fn((neurons.len(), 2), |(i, b)| neurons[i].along[b]);
        let mut gram = means.dot(&means.t());
        for (i, neuron) in neurons.iter().enumerate() {
            gram[[i, i]] += neuron.rest;
        }
        State { means, gram, second: neurons.iter().map(|neuron| neuron.v).collect() }
    }

    #[test]
    fn it_is_the_effective_dynamics_up_to_the_approximations() {
        for (lambda, tolerance) in [(1000.0, 0.03), (1e6, 0.002)] {
            let leading = Leading::new(lambda, 0.02, 1.0);
            let full = XorDynamics::new(4, Constants { lambda, beta: 0.02, c: 1.0 }).unwrap();
            let (measured, expected) =
                (leading.derivative(&NEURONS), full.derivative(&state(&NEURONS)).unwrap());
            for (i, neuron) in measured.iter().enumerate() {
                for b in 0..2 {
                    let difference = neuron.along[b] - expected.means[[i, b]];
                    assert!(difference.abs() < tolerance * 0.125, "{lambda} {i} {b} {difference}");
                }
                assert!((neuron.v - expected.second[i]).abs() < tolerance * 0.125);
            }
        }
    }

    #[test]
    fn paths_end_where_the_effective_dynamics_end() {
        let leading = Leading::new(3000.0, 0.02, 1.0);
        let full = XorDynamics::with_nodes(4, Constants { lambda: 3000.0, beta: 0.02, c: 1.0 }, 256).unwrap();
        let path = leading.path(&NEURONS, &[4.0, 20.0]).unwrap();
        let expected = integrate(&full, &state(&NEURONS), &[4.0, 20.0], 0.1).unwrap();
        for (found, expected) in path.iter().zip(&expected.states) {
            for (i, neuron) in found.iter().enumerate() {
                for b in 0..2 {
                    let difference = neuron.along[b] - expected.means[[i, b]];
                    assert!(difference.abs() < 0.1, "{i} {b}: {neuron:?} {}", expected.means[[i, b]]);
                }
            }
        }
    }

    #[test]
    fn steps_are_short_enough() {
        let leading = Leading::new(1e4, 0.02, 1.0);
        let once = leading.path(&NEURONS, &[10.0]).unwrap();
        let times: Vec<f64> = (1..=2000).map(|index| 0.005 * f64::from(index)).collect();
        let often = leading.path(&NEURONS, &times).unwrap();
        for (one, other) in once[0].iter().zip(often.last().unwrap()) {
            assert!((one.along[0] - other.along[0]).abs() < 1e-3, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_late_neuron_turns_to_the_cluster_that_is_not_covered() {
        let early = Neuron { along: [0.1, 0.0], rest: 1.0, v: 1.5 };
        let late = Neuron { along: [1e-3, 0.0], rest: 1.0, v: 0.15 };
        let leading = Leading::new(1000.0, 0.02, 1.0);
        let together = leading.path(&[early, late], &[60.0]).unwrap();
        assert!(together[0][0].along[0] > 1.0 && together[0][1].along[0] < 0.0, "{together:?}");
        let alone = leading.path(&[late], &[60.0]).unwrap();
        assert!(alone[0][0].along[0] > 0.0, "{alone:?}");
    }

    #[test]
    fn a_neuron_changes_its_axis_beyond_the_saddle_and_as_often_as_said() {
        // Far beyond the gates' width, on either side of u = -√2 v.
        let leading = Leading::new(1e12, 0.0, 1.0);
        for (v, axis) in [(0.9, 1), (1.1, 0)] {
            let start = Neuron { along: [1e-3, 3e-3], rest: 1e-12, v: v * 2e-3 / 2.0_f64.sqrt() };
            let end = leading.path(&[start], &[60.0]).unwrap()[0][0];
            assert!(end.along[axis].abs() > 10.0 * end.along[1 - axis].abs(), "{end:?}");
        }
        // The chance by the midpoint rule over both inner products, for small chances.
        let (count, width) = (400_u32, 0.02);
        let half = |g: f64| (2.0 / std::f64::consts::PI).sqrt() * libm::exp(-0.5 * g * g);
        let places: Vec<f64> = (0..count).map(|place| width * (f64::from(place) + 0.5)).collect();
        let mut mean = 0.0;
        for a in &places {
            for b in &places {
                mean += width * width * half(*a) * half(*b) * (a - b).max(0.0);
            }
        }
        assert!((diverted(200.0) / (half(0.0) * mean / 20.0) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn growth_noise_and_cover_have_their_closed_forms() {
        assert!((RATE - (2.0 / std::f64::consts::PI).sqrt() / 8.0).abs() < 1e-15);
        assert!((lateness(1000.0, 1000.0) - 1.270_362_845 / 1000.0_f64.sqrt()).abs() < 1e-9);
        // arctan is nearly linear here, and E √|v| = 2^{1/4} Γ(3/4)/√π.
        let linear = 0.822_178_944 * (1.0 / (32.0 * RATE * 1e4)).sqrt() / std::f64::consts::PI;
        assert!((overturned(1e8, 1.0) / linear - 1.0).abs() < 1e-3);
        assert!((same_cover(4, 0.0, 0.0) - 1.0).abs() < 1e-15);
        // One neuron covers the same direction unless it turns; two on both directions of an axis, with chance 1/4, also do if
        // both turn.
        assert!((same_cover(1, 0.06, 0.04) - 0.9).abs() < 1e-15);
        let two = 0.25 * (0.81 + 0.01) + 0.75 * 0.81;
        assert!((same_cover(2, 0.1, 0.0) - two).abs() < 1e-12);
    }
}
