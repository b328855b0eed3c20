use crate::problems::{Flat, Kind};
use ndarray::{Array2, Axis, array};
use spectral_alignment::error::Result;
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::{Sample, Stream};
use spectral_alignment::simulation::kernel::padded;
use spectral_alignment::simulation::task::{self, Parameters, Task};
use spectral_alignment::theory::dynamics::{
    Constants, Dynamics, MixtureDynamics, State, XorDynamics, integrate,
};
use spectral_alignment::theory::jacobi::symmetric_eigen;
use spectral_alignment::theory::mixture_law::MixtureLaw;
use spectral_alignment::theory::xor_law::XorLaw;

use crate::effective_spectrum::{Gaussian, close};

const CONSTANTS: Constants = Constants { lambda: 4.0, beta: 0.1, c: 1.5 };

/// Rows with independent `N(0, scale²)` entries.
fn random(rows: usize, d: usize, scale: f64, seed: u64) -> Array2<f64> {
    let mut random = Gaussian::new(seed);
    Array2::from_shape_fn((rows, d), |_| scale * random.draw())
}

/// Unit rows that are not orthogonal.
fn skew(rows: usize, d: usize) -> Array2<f64> {
    let mut means = Array2::from_shape_fn((rows, d), |(b, i)| if b == i { 1.0 } else { 0.0 });
    for b in 1..rows {
        let along: f64 = if b % 2 == 0 { -0.3 } else { 0.5 };
        means[[b, 0]] = along;
        means[[b, b]] = (1.0 - along * along).sqrt();
    }
    means
}

fn state(x: &Array2<f64>, means: &Array2<f64>, v: &[f64]) -> State {
    State { means: x.dot(&means.t()), gram: x.dot(&x.t()), second: v.to_vec() }
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most, value| most.max(value.abs()))
}

fn entries(state: &State) -> Vec<f64> {
    state.means.iter().chain(&state.gram).chain(&state.second).copied().collect()
}

fn gap(left: &State, right: &State) -> f64 {
    largest(entries(left).iter().zip(entries(right)).map(|(a, b)| a - b))
}

fn mixture(
    probabilities: &[f64],
    means: &Array2<f64>,
    classes: usize,
    constants: Constants,
) -> MixtureDynamics {
    MixtureDynamics::new(classes, probabilities, &means.dot(&means.t()), constants).unwrap()
}

fn xor(width: usize, constants: Constants) -> XorDynamics {
    XorDynamics::new(width, constants).unwrap()
}

/// The equation for small `m`, at the `R` and `v` of a state: `dm_·μ/dt = J_μ m_·μ` and `dm_·ν/dt = J_ν m_·ν`, as `[J_μ, J_ν]`
/// by differences. Columns of zero rows hold `-β` only: the equation is not differentiable there.
fn linearised(width: usize, constants: Constants, state: &State) -> [Array2<f64>; 2] {
    let dynamics = xor(width, constants);
    let still = State { means: Array2::zeros((width, 2)), ..state.clone() };
    [0, 1].map(|mean| {
        let mut jacobian = Array2::zeros((width, width));
        for j in 0..width {
            let size = 1e-3 * (state.gram[[j, j]] / (1.0 + constants.lambda)).sqrt();
            if size == 0.0 {
                jacobian[[j, j]] = -constants.beta;
                continue;
            }
            let mut moved = still.clone();
            moved.means[[j, mean]] = size;
            let change = dynamics.derivative(&moved).unwrap();
            jacobian.column_mut(j).assign(&change.means.column(mean).mapv(|value| value / size));
        }
        jacobian
    })
}

fn plane(d: usize) -> Array2<f64> {
    Array2::from_shape_fn((2, d), |(b, i)| f64::from(u8::from(b == i)))
}

/// What one sample adds to the derivatives, entry by entry, in the plain words of the equations; `slopes` are the `e_a`, and
/// `second` what the sample adds to `dv/dt`, but for `-βv`.
fn contribution(
    x: &Array2<f64>,
    means: &Array2<f64>,
    y: &[f64],
    slopes: &[f64],
    second: &[f64],
    v: &[f64],
    constants: Constants,
) -> Vec<f64> {
    let Constants { lambda, beta, c } = constants;
    let inner = |rows: &Array2<f64>| -> Vec<f64> {
        rows.outer_iter().map(|row| row.iter().zip(y).map(|(a, b)| a * b).sum()).collect()
    };
    let (along_x, along_means) = (inner(x), inner(means));
    let (m, r) = (x.dot(&means.t()), x.dot(&x.t()));
    let rows = m.indexed_iter().map(|((a, b), m)| -slopes[a] * along_means[b] - beta * m);
    let grams = r.indexed_iter().map(|((a, b), r)| {
        c / lambda * slopes[a] * slopes[b] - slopes[a] * along_x[b] - slopes[b] * along_x[a] - 2.0 * beta * r
    });
    rows.chain(grams).chain(second.iter().zip(v).map(|(change, v)| change - beta * v)).collect()
}

/// Means of samples agree with the derivative within 4.5 standard errors and the error of quadrature.
fn agrees_with_samples(
    change: &State,
    count: usize,
    quadrature: f64,
    mut sample: impl FnMut(usize) -> Vec<f64>,
) {
    let found = entries(change);
    let (mut sum, mut squares) = (vec![0.0; found.len()], vec![0.0; found.len()]);
    for index in 0..count {
        for ((value, sum), square) in sample(index).iter().zip(&mut sum).zip(&mut squares) {
            *sum += value;
            *square += value * value;
        }
    }
    let n = count as f64;
    for (place, ((found, sum), squares)) in found.iter().zip(sum).zip(squares).enumerate() {
        let mean = sum / n;
        let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
        assert!(
            (found - mean).abs() < 4.5 * error + quadrature,
            "entry {place}: {found}, not {mean} ± {error}"
        );
    }
}

fn noisy(mean: impl Fn(usize) -> f64, d: usize, lambda: f64, random: &mut Gaussian) -> Vec<f64> {
    (0..d).map(|i| mean(i) + random.draw() / lambda.sqrt()).collect()
}

#[test]
fn right_hand_side_of_task_a_against_samples() {
    let d = 9;
    for (classes, probabilities, scale, seed) in [
        (2, vec![0.8, 0.2], 1.0, 1),
        (3, vec![0.5, 0.3, 0.2], 0.5, 2),
        (4, vec![0.1, 0.6, 0.3], 1.0, 3),
        (4, vec![0.4, 0.3, 0.2, 0.1], 0.2, 4),
    ] {
        let (x, means) = (random(classes, d, scale, seed), skew(probabilities.len(), d));
        let dynamics = mixture(&probabilities, &means, classes, CONSTANTS);
        let change = dynamics.derivative(&state(&x, &means, &[])).unwrap();
        let mut random = Gaussian::new(seed + 10);
        // Labels take turns in tens.
        let mut labels = Vec::new();
        for (label, probability) in probabilities.iter().enumerate() {
            labels.extend(vec![label; (10.0 * probability).round() as usize]);
        }
        assert_eq!(labels.len(), 10);
        agrees_with_samples(&change, 100_000, 1e-3, |index| {
            let label = labels[index % 10];
            let y = noisy(|i| means[[label, i]], d, CONSTANTS.lambda, &mut random);
            let terms: Vec<f64> =
                x.outer_iter().map(|row| row.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>().exp()).collect();
            let total: f64 = terms.iter().sum();
            let slope = |a: usize| terms[a] / total - f64::from(u8::from(a == label));
            let slopes: Vec<f64> = (0..classes).map(slope).collect();
            contribution(&x, &means, &y, &slopes, &[], &[], CONSTANTS)
        });
    }
}

#[test]
fn right_hand_side_of_task_b_against_samples() {
    let d = 8;
    for (width, scale, pull, lambda, seed) in
        [(2, 1.0, 0.3, 4.0, 1), (3, 0.5, 0.0, 1.0, 2), (4, 0.7, 0.8, 30.0, 3), (6, 0.3, 0.3, 4.0, 4)]
    {
        let constants = Constants { lambda, ..CONSTANTS };
        let mut w = random(width, d, scale, seed);
        for i in 0..width {
            w[[i, i % 2]] += if i % 3 == 0 { -pull } else { pull };
        }
        let v = random(width, 1, 1.2, seed + 5).into_raw_vec_and_offset().0;
        let means = plane(d);
        let change = xor(width, constants).derivative(&state(&w, &means, &v)).unwrap();
        let mut random = Gaussian::new(seed + 10);
        agrees_with_samples(&change, 100_000, 1e-3, |index| {
            let sign = if index % 2 == 0 { 1.0 } else { -1.0 };
            let mean = (index % 4) / 2;
            let y = noisy(|i| if i == mean { sign } else { 0.0 }, d, lambda, &mut random);
            let hidden: Vec<f64> =
                w.outer_iter().map(|row| row.iter().zip(&y).map(|(a, b)| a * b).sum()).collect();
            let f: f64 = hidden.iter().zip(&v).map(|(h, v)| v * h.max(0.0)).sum();
            let r = 1.0 / (1.0 + (-f).exp()) - if mean == 0 { 1.0 } else { 0.0 };
            let slopes: Vec<f64> =
                hidden.iter().zip(&v).map(|(h, v)| if *h > 0.0 { r * v } else { 0.0 }).collect();
            let second: Vec<f64> = hidden.iter().map(|h| -r * h.max(0.0)).collect();
            contribution(&w, &means, &y, &slopes, &second, &v, constants)
        });
    }
}

#[test]
fn softmax_at_zero_in_closed_form() {
    for (classes, probabilities) in [(4, vec![0.4, 0.3, 0.2, 0.1]), (5, vec![0.6, 0.4]), (2, vec![1.0])] {
        let components = probabilities.len();
        let means = skew(components, 6);
        let products = means.dot(&means.t());
        let dynamics = mixture(&probabilities, &means, classes, CONSTANTS);
        let change = dynamics.derivative(&State::zero(classes, components)).unwrap();
        let share = 1.0 / classes as f64;
        let probability = |a: usize| probabilities.get(a).copied().unwrap_or(0.0);
        for ((a, b), found) in change.means.indexed_iter() {
            let mean: f64 = (0..components).map(|c| probabilities[c] * products[[c, b]]).sum();
            let own = if a < components { probability(a) * products[[a, b]] } else { 0.0 };
            assert!((found - (own - share * mean)).abs() < 1e-13);
        }
        for ((a, b), found) in change.gram.indexed_iter() {
            let same = if a == b { probability(a) } else { 0.0 };
            let product = share * share - share * (probability(a) + probability(b)) + same;
            assert!((found - CONSTANTS.c / CONSTANTS.lambda * product).abs() < 1e-13);
        }
    }
}

#[test]
fn sums_over_classes_only_decay() {
    let (x, means) = (random(4, 9, 0.8, 7), skew(3, 9));
    let dynamics = mixture(&[0.5, 0.4, 0.1], &means, 4, CONSTANTS);
    let start = state(&x, &means, &[]);
    let times = [0.0, 0.7, 3.0, 12.0];
    let path = integrate(&dynamics, &start, &times, 0.1).unwrap();
    for (time, state) in times.iter().zip(&path.states) {
        let decay = (-CONSTANTS.beta * time).exp();
        for b in 0..3 {
            close(state.means.column(b).sum(), decay * start.means.column(b).sum(), 1e-7);
        }
        close(state.gram.sum(), decay * decay * start.gram.sum(), 1e-7);
    }
    assert!(path.step_error[3] < 1e-4 && path.node_error[3] > 0.0 && path.node_error[3] < 5e-3);
}

/// `E|a + σg|` and its derivatives in `a` and `σ`.
fn folded(a: f64, sigma: f64) -> (f64, f64, f64) {
    let edge = (2.0 / std::f64::consts::PI).sqrt() * (-0.5 * a * a / (sigma * sigma)).exp();
    let slope = libm::erf(a / (sigma * 2.0_f64.sqrt()));
    (sigma * edge + a * slope, slope, edge)
}

#[test]
fn network_with_small_weights_in_closed_form() {
    // r = 1/2 - y, so E[r relu_i] = -Φ(W_i) and E[r 1_i Y] = -∇Φ(W_i), Φ = (E|m + s g/√λ| - E|n + s g/√λ|)/8.
    let (d, width) = (7, 4);
    for (lambda, scale) in [(3.0, 0.7), (100.0, 0.4), (1e4, 0.02), (1e6, 1.0)] {
        let constants = Constants { lambda, beta: 0.0, c: 1.0 };
        let mut w = random(width, d, scale, 3);
        // A start from N(0, I/d): the pull comes from a hundred-thousandth of all samples.
        w[[1, 0]] = 1e-6;
        w[[1, 1]] = -2e-5;
        let v: Vec<f64> = [1.0, -0.7, 0.4, 2.0].iter().map(|v| 1e-14 * v).collect();
        let means = plane(d);
        let start = state(&w, &means, &v);
        let change = xor(width, constants).derivative(&start).unwrap();
        for i in 0..width {
            let length = start.gram[[i, i]].sqrt();
            let sigma = length / lambda.sqrt();
            let (up, up_mean, up_sigma) = folded(w[[i, 0]], sigma);
            let (down, down_mean, down_sigma) = folded(w[[i, 1]], sigma);
            let drift = (up - down) / 8.0;
            assert!((change.second[i] - drift).abs() < 1e-7 * drift.abs() + 1e-13);
            // v ∇Φ along a vector with these products with μ, ν and W_i.
            let pull = |mu: f64, nu: f64, own: f64| {
                let across = (up_sigma - down_sigma) / lambda.sqrt() * own / length;
                v[i] * (up_mean * mu - down_mean * nu + across) / 8.0
            };
            let means = [pull(1.0, 0.0, w[[i, 0]]), pull(0.0, 1.0, w[[i, 1]])];
            for (found, mean) in change.means.row(i).iter().zip(means) {
                let error = 1e-7 * mean.abs() + 1e-13 * v[i].abs();
                assert!((found - mean).abs() < error, "{found} {mean}");
            }
            let found = change.gram[[i, i]];
            let drift = 2.0 * pull(w[[i, 0]], w[[i, 1]], start.gram[[i, i]]);
            assert!((found - drift).abs() < 1e-7 * drift.abs() + 1e-13 * v[i].abs(), "{found} {drift}");
        }
        // Near m = 0 the gate gives v √(2λ/π)/(8 ‖W‖), against it for ν.
        let jacobians = linearised(width, constants, &start);
        for (jacobian, sign) in jacobians.iter().zip([1.0, -1.0]) {
            for ((i, j), found) in jacobian.indexed_iter() {
                let rate =
                    v[i] * (2.0 * lambda / std::f64::consts::PI).sqrt() / (8.0 * start.gram[[i, i]].sqrt());
                let expected = if i == j { sign * rate } else { 0.0 };
                let error = 1e-5 * rate.abs() + 1e-12 * v[i].abs();
                assert!((found - expected).abs() < error, "({i}, {j}): {found} {expected}");
            }
        }
    }
}

#[test]
fn noise_of_the_network_in_closed_form() {
    // At m = 0 and small v, r² = 1/4 and two gates are open together with probability (π - θ)/(2π).
    let width = 3;
    let w = random(width, 6, 0.5, 8);
    let gram = w.dot(&w.t());
    let v = vec![1e-4, -2e-4, 1.5e-4];
    let start = State { means: Array2::zeros((width, 2)), gram: gram.clone(), second: v.clone() };
    // Plain gates: many nodes.
    let at = |c: f64| {
        let dynamics = XorDynamics::with_nodes(width, Constants { c, ..CONSTANTS }, 1 << 16).unwrap();
        dynamics.derivative(&start).unwrap().gram
    };
    let noise = at(3.0) - at(1.0);
    for ((i, j), found) in noise.indexed_iter() {
        let angle = (gram[[i, j]] / (gram[[i, i]] * gram[[j, j]]).sqrt()).clamp(-1.0, 1.0).acos();
        let both = (std::f64::consts::PI - angle) / (2.0 * std::f64::consts::PI);
        let size = 2.0 / CONSTANTS.lambda * v[i] * v[j] * 0.25;
        assert!((found - size * both).abs() < 2e-3 * size.abs(), "({i}, {j}): {found} {}", size * both);
    }
}

/// SGD from these parameters on, at whole units of time.
fn trained(task: &dyn Task, seed: &Seed, start: &Parameters, until: u32) -> Vec<Parameters> {
    let mut learner = task.learner(start);
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let labels = task.law().labels();
    let mut y = vec![0.0; padded(task.problem().d())];
    let steps = task.problem().steps(1.0);
    let mut all = Vec::new();
    for _ in 0..until {
        for _ in 0..steps {
            let cluster = stream.next_into(&mut y);
            assert!(learner.step(labels[cluster as usize], &y));
        }
        all.push(learner.parameters());
    }
    all
}

/// The state of parameters of either task, whose first means have these indices.
fn observed(task: &dyn Task, parameters: &Parameters, means: &[usize]) -> State {
    let means = task.law().means().select(Axis(0), means);
    let v = parameters.get(1).map_or_else(Vec::new, |v| v.column(0).to_vec());
    state(&parameters[0], &means, &v)
}

/// Largest deviation of SGD from the dynamics started where it starts, times `√d`, over times and replicates; and the same
/// of the mean over replicates.
fn deviations(
    task: &dyn Task,
    dynamics: &dyn Dynamics,
    means: &[usize],
    replicates: u32,
    start: impl Fn(&Seed) -> Parameters,
) -> (f64, f64) {
    let until = 8;
    let times: Vec<f64> = (1..=until).map(f64::from).collect();
    let root = (task.problem().d() as f64).sqrt();
    let mut worst = 0.0_f64;
    let mut total = Vec::new();
    for replicate in 0..replicates {
        let seed = Seed { root: 3, experiment: "dynamics-test".to_owned(), replicate };
        let first = start(&seed);
        let path = integrate(dynamics, &observed(task, &first, means), &times, 0.1).unwrap();
        let mut off = Vec::new();
        for (found, expected) in trained(task, &seed, &first, until).iter().zip(&path.states) {
            let found = entries(&observed(task, found, means));
            off.extend(found.iter().zip(entries(expected)).map(|(a, b)| root * (a - b)));
        }
        worst = worst.max(largest(off.iter().copied()));
        total.resize(off.len(), 0.0);
        total.iter_mut().zip(off).for_each(|(sum, value)| *sum += value / f64::from(replicates));
    }
    (worst, largest(total))
}

#[test]
fn sgd_of_task_a_follows_the_dynamics() {
    // With c/λ = 1 the correction adds about 0.2 to R in a unit of time.
    let probabilities = vec![0.5, 0.3, 0.2];
    let gram = vec![vec![1.0, 0.4, 0.0], vec![0.4, 1.0, -0.3], vec![0.0, -0.3, 1.0]];
    for d in [400, 1600] {
        let task = Kind::unequal(&probabilities, Means::Gram(gram.clone()));
        let model = Flat { task, d, lambda: 2.0, beta: 0.1, c: 2.0, phi: 4.0, start: Start::default() };
        let task = task::build(&model.problem());
        let products = Array2::from_shape_fn((3, 3), |(i, j)| gram[i][j]);
        let constants = Constants { lambda: 2.0, beta: 0.1, c: 2.0 };
        let dynamics = MixtureDynamics::new(3, &probabilities, &products, constants).unwrap();
        let (worst, mean) = deviations(&*task, &dynamics, &[0, 1, 2], 6, |seed| task.initial(seed));
        assert!(worst < 5.0 && mean < 2.5, "d = {d}: {worst} {mean}");
    }
}

#[test]
fn sgd_of_task_b_follows_the_dynamics() {
    let width = 5;
    for d in [400, 1600] {
        let model = Flat {
            task: Kind::xor(width),
            d,
            lambda: 3.0,
            beta: 0.05,
            c: 1.5,
            phi: 4.0,
            start: Start::default(),
        };
        let task = task::build(&model.problem());
        let dynamics = xor(width, Constants { lambda: 3.0, beta: 0.05, c: 1.5 });
        let start = |seed: &Seed| {
            let mut parameters = task.initial(seed);
            for i in 0..width {
                parameters[0][[i, i % 2]] += if i % 4 < 2 { 0.6 } else { -0.5 };
                parameters[1][[i, 0]] = if i % 2 == 0 { 1.0 } else { -0.8 };
            }
            parameters
        };
        let (worst, mean) = deviations(&*task, &dynamics, &[0, 2], 6, start);
        assert!(worst < 5.0 && mean < 2.5, "d = {d}: {worst} {mean}");
    }
}

#[test]
fn losses_of_the_laws_are_those_of_a_test_sample() {
    let seed = Seed { root: 4, experiment: "dynamics-test".to_owned(), replicate: 0 };
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.015, "{found} {expected}");
    let probabilities = vec![0.5, 0.3, 0.2];
    let task = Kind::unequal(&probabilities, Means::Orthonormal);
    let model = Flat { task, d: 60, lambda: 4.0, beta: 0.1, c: 1.0, phi: 500.0, start: Start::default() };
    let task = task::build(&model.problem());
    let parameters = vec![
        random(3, 60, 0.2, 6) + 1.2 * &Array2::from_shape_fn((3, 60), |(a, i)| f64::from(u8::from(a == i))),
    ];
    let sample = Sample::first(task.law(), &seed, Purpose::Test, model.sample_size());
    let measured = task.evaluate(&parameters, &sample);
    let start = observed(&*task, &parameters, &[0, 1, 2]);
    let law = MixtureLaw::new(&start.full_gram(&Array2::eye(3)).unwrap(), 3, &probabilities, 4.0).unwrap();
    let nodes = law.softmax.outer_iter().zip(&law.labels).zip(&law.nodes.masses);
    let loss: f64 = nodes.map(|((pi, label), mass)| -mass * pi[*label].ln()).sum();
    near(loss, measured.loss);

    let model = Flat {
        task: Kind::xor(4),
        d: 60,
        lambda: 4.0,
        beta: 0.1,
        c: 1.0,
        phi: 500.0,
        start: Start::default(),
    };
    let task = task::build(&model.problem());
    let w = random(4, 60, 0.1, 7)
        + 1.5 * &array![[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]].dot(&plane(60));
    let v = array![[2.0], [1.5], [-2.0], [-1.0]];
    let parameters = vec![w, v.clone()];
    let sample = Sample::first(task.law(), &seed, Purpose::Test, model.sample_size());
    let measured = task.evaluate(&parameters, &sample);
    let start = observed(&*task, &parameters, &[0, 2]);
    let law = XorLaw::new(&start.full_gram(&Array2::eye(2)).unwrap(), &start.second, 4.0).unwrap();
    let nodes = law.outputs.iter().zip(&law.clusters).zip(&law.nodes.masses);
    let loss: f64 = nodes
        .map(|((f, cluster), mass)| mass * ((1.0 + f.exp()).ln() - if *cluster < 2 { *f } else { 0.0 }))
        .sum();
    near(loss, measured.loss);
}

/// `m' = m(1 - m)`, `v' = -m v` and `Q' = 1 - 2Q` for `R = m² + Q`.
struct Logistic {
    means: Array2<f64>,
}

impl Dynamics for Logistic {
    fn mean_gram(&self) -> &Array2<f64> {
        &self.means
    }

    fn derivative(&self, state: &State) -> Result<State> {
        let m = state.means[[0, 0]];
        let change = m * (1.0 - m);
        let across = state.gram[[0, 0]] - m * m;
        let gram = 2.0 * m * change + 1.0 - 2.0 * across;
        Ok(State { means: array![[change]], gram: array![[gram]], second: vec![-m * state.second[0]] })
    }

    fn with_other_nodes(&self) -> Option<Box<dyn Dynamics>> {
        None
    }
}

#[test]
fn integrator_has_order_four_and_knows_its_error() {
    let dynamics = Logistic { means: array![[1.0]] };
    let (a, v, across) = (4.0_f64, 3.0, 2.0);
    let start = State {
        means: array![[1.0 / (1.0 + a)]],
        gram: array![[1.0 / ((1.0 + a) * (1.0 + a)) + across]],
        second: vec![v],
    };
    let times = [0.0, 0.3, 1.1, 1.1, 4.0];
    let exact = |t: f64| {
        let m = 1.0 / (1.0 + a * (-t).exp());
        let rest = 0.5 + (across - 0.5) * (-2.0 * t).exp();
        State {
            means: array![[m]],
            gram: array![[m * m + rest]],
            second: vec![v * (1.0 + a) / (t.exp() + a)],
        }
    };
    let error = |step: f64| {
        let path = integrate(&dynamics, &start, &times, step).unwrap();
        assert_eq!(
            (path.times.as_slice(), &path.states[0], path.step_error[0]),
            (times.as_slice(), &start, 0.0)
        );
        assert_eq!((&path.states[2], path.node_error.as_slice()), (&path.states[3], [0.0; 5].as_slice()));
        (gap(&path.states[4], &exact(4.0)), path.step_error[4])
    };
    // 4 - 1.1 and the other gaps are no multiples of the steps: they are divided evenly.
    let errors: Vec<(f64, f64)> = [0.2, 0.1, 0.05, 0.025].iter().map(|step| error(*step)).collect();
    for pair in errors.windows(2) {
        let order = (pair[0].0 / pair[1].0).log2();
        assert!((3.6..4.6).contains(&order), "{errors:?}");
    }
    for (error, estimate) in &errors {
        let ratio = estimate / error;
        assert!((10.0..25.0).contains(&ratio), "{errors:?}");
    }
    assert!(errors[3].0 < 1e-8);
}

#[test]
fn steps_of_the_dynamics_converge() {
    let dynamics = mixture(&[0.5, 0.3, 0.2], &skew(3, 6), 3, CONSTANTS);
    let start = state(&random(3, 6, 0.5, 4), &skew(3, 6), &[]);
    let error = |step: f64| integrate(&dynamics, &start, &[6.0], step).unwrap().step_error[0];
    assert!(error(0.25) > 10.0 * error(0.125) && error(0.125) < 1e-4, "{} {}", error(0.25), error(0.125));
    let width = 4;
    let start = state(&(random(width, 6, 0.5, 5)), &plane(6), &[1.0, -1.0, 0.5, -0.5]);
    let path = |step: f64| integrate(&xor(width, CONSTANTS), &start, &[6.0], step).unwrap();
    // Samples on either side of a gate leave a little noise in R.
    let (long, short) = (path(0.2).step_error[0], path(0.1).step_error[0]);
    assert!(short < 2e-5 && long < 4e-5, "{long} {short}");
    assert_eq!(path(0.2), path(0.2));
}

#[test]
fn renaming_classes_renames_the_solution() {
    let (x, means) = (random(4, 9, 0.6, 9), skew(4, 9));
    let (probabilities, order) = ([0.4, 0.3, 0.2, 0.1], [2, 0, 3, 1]);
    let start = state(&x, &means, &[]);
    let path = integrate(&mixture(&probabilities, &means, 4, CONSTANTS), &start, &[5.0], 0.2).unwrap();
    let (other_x, other_means) = (x.select(Axis(0), &order), means.select(Axis(0), &order));
    let renamed: Vec<f64> = order.iter().map(|a| probabilities[*a]).collect();
    let dynamics = mixture(&renamed, &other_means, 4, CONSTANTS);
    let other = integrate(&dynamics, &state(&other_x, &other_means, &[]), &[5.0], 0.2).unwrap();
    let expected = State {
        means: path.states[0].means.select(Axis(0), &order).select(Axis(1), &order),
        gram: path.states[0].gram.select(Axis(0), &order).select(Axis(1), &order),
        second: Vec::new(),
    };
    let off = gap(&expected, &other.states[0]);
    assert!(off < 3.0 * (path.node_error[0] + other.node_error[0]) && off < 5e-3, "{off}");
}

#[test]
fn mirror_images_of_the_network() {
    let width = 5;
    let w = random(width, 7, 0.4, 12) + 0.5 * &random(width, 2, 1.0, 13).dot(&plane(7));
    let v = vec![1.0, -0.5, 0.7, -1.2, 0.1];
    let dynamics = xor(width, CONSTANTS);
    let start = state(&w, &plane(7), &v);
    let solve = |start: &State| integrate(&dynamics, start, &[4.0], 0.1).unwrap().states.remove(0);
    let end = solve(&start);
    // -μ for μ.
    let flip = |state: &State| {
        let mut other = state.clone();
        other.means.column_mut(0).mapv_inplace(|m| -m);
        other
    };
    assert!(gap(&flip(&end), &solve(&flip(&start))) < 1e-12);
    // μ and ν exchanged, labels too.
    let swap = |state: &State| State {
        means: state.means.select(Axis(1), &[1, 0]),
        gram: state.gram.clone(),
        second: state.second.iter().map(|v| -v).collect(),
    };
    assert!(gap(&swap(&end), &solve(&swap(&start))) < 1e-12);
    // Neurons in another order.
    let order = [3, 1, 4, 0, 2];
    let renamed = |state: &State| State {
        means: state.means.select(Axis(0), &order),
        gram: state.gram.select(Axis(0), &order).select(Axis(1), &order),
        second: order.iter().map(|i| state.second[*i]).collect(),
    };
    let off = gap(&renamed(&end), &solve(&renamed(&start)));
    assert!(off < 5e-3 && off > 0.0, "{off}");
}

#[test]
fn the_limit_equation_never_leaves_zero_overlap() {
    let width = 6;
    let v = random(width, 1, 1.0, 14).into_raw_vec_and_offset().0;
    let start = State { second: v, ..State::random_limit(width, 2) };
    let dynamics = xor(width, Constants { lambda: 50.0, beta: 0.02, c: 1.0 });
    let path = integrate(&dynamics, &start, &[1.0, 20.0], 0.2).unwrap();
    for state in &path.states {
        assert_eq!(largest(state.means.iter().copied()), 0.0);
    }
    assert!(gap(&path.states[1], &start) > 0.1);
    let mut moved = start.clone();
    moved.means.fill(0.1);
    moved.gram += 0.02;
    let path = integrate(&dynamics, &moved, &[20.0], 0.2).unwrap();
    assert!(largest(path.states[0].means.iter().copied()) > 0.5);
}

#[test]
fn escape_takes_a_time_logarithmic_in_the_start() {
    let constants = Constants { lambda: 20.0, beta: 0.02, c: 1.0 };
    let dynamics = xor(1, constants);
    let times: Vec<f64> = (0..=600).map(|index| 0.1 * f64::from(index)).collect();
    let from = |m: f64| {
        let start = State { means: array![[m, 0.0]], gram: array![[1.0]], second: vec![0.8] };
        integrate(&dynamics, &start, &times, 0.1).unwrap().states
    };
    // While m is small it grows by the rate along the path of m = 0.
    let still = from(0.0);
    let rates: Vec<f64> = still.iter().map(|state| linearised(1, constants, state)[0][[0, 0]]).collect();
    let grown =
        |end: usize| (0.05 * (1..=end).map(|index| rates[index - 1] + rates[index]).sum::<f64>()).exp();
    for size in [1e-8, 1e-6] {
        let path = from(size);
        for end in [10, 50, 100] {
            close(path[end].means[[0, 0]], size * grown(end), 1e-3);
        }
    }
    // The time to reach 1/2, between the recorded ones.
    let escape = |size: f64| {
        let path: Vec<f64> = from(size).iter().map(|state| state.means[[0, 0]]).collect();
        let after = path.iter().position(|m| *m >= 0.5).expect("leaves within the time");
        times[after] - 0.1 * (path[after] - 0.5) / (path[after] - path[after - 1])
    };
    let found: Vec<f64> = [1e-2, 1e-3, 1e-4, 1e-5].iter().map(|size| escape(*size)).collect();
    // Each decade takes as long as the growth of a small m by a factor of about ten, later on the same path.
    let delays: Vec<f64> = found.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (delay, pair) in delays.iter().zip(found.windows(2)) {
        assert!((delay / delays[0] - 1.0).abs() < 0.1, "{found:?}");
        let share = grown((10.0 * pair[1]) as usize) / grown((10.0 * pair[0]) as usize);
        assert!((8.0..16.0).contains(&share), "{found:?} {share}");
    }
}

fn smallest_eigenvalue(state: &State, mean_gram: &Array2<f64>) -> f64 {
    let values = symmetric_eigen(&state.full_gram(mean_gram).unwrap()).unwrap().values;
    values[values.len() - 1]
}

#[test]
fn degenerate_states_of_task_a() {
    let products = Array2::eye(3);
    let dynamics = |lambda: f64| {
        MixtureDynamics::new(3, &[0.5, 0.3, 0.2], &products, Constants { lambda, ..CONSTANTS }).unwrap()
    };
    // From zero; from one row three times; from within the span of the means, under long steps and weak noise.
    let one = Array2::from_shape_fn((3, 5), |(_, i)| if i == 3 { 0.7 } else { 0.1 });
    let flat =
        Array2::from_shape_fn((3, 5), |(a, i)| if i < 3 { 0.3 * (a as f64) - 0.2 * (i as f64) } else { 0.0 });
    for x in [Array2::zeros((3, 5)), one.clone(), flat] {
        for lambda in [0.5, 10.0, 1e6] {
            let start = state(&x, &Array2::eye(5).select(Axis(0), &[0, 1, 2]), &[]);
            let path = integrate(&dynamics(lambda), &start, &[0.5, 10.0], 0.5).unwrap();
            for state in &path.states {
                assert!(smallest_eigenvalue(state, &products) > -1e-9);
            }
            assert!(path.states[1].means[[0, 0]] > 0.5 && path.step_error[1] < 1e-2, "{:?}", path.step_error);
        }
    }
    // Nothing jumps when rank is lost.
    let x = random(3, 5, 0.5, 15);
    let near = |share: f64| {
        let mut x = x.clone();
        let row = &x.row(1) * share + &x.row(0) * (1.0 - share);
        x.row_mut(1).assign(&row);
        dynamics(4.0).derivative(&state(&x, &Array2::eye(5).select(Axis(0), &[0, 1, 2]), &[])).unwrap()
    };
    for share in [1e-4, 1e-6, 1e-8, 1e-10] {
        assert!(gap(&near(share), &near(0.0)) < share + 1e-7, "{share}");
    }
    // The same mean twice: its statistics agree.
    let twice = array![[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let dynamics = MixtureDynamics::new(3, &[0.5, 0.3, 0.2], &twice, CONSTANTS).unwrap();
    let path = integrate(&dynamics, &State::random_limit(3, 3), &[4.0], 0.2).unwrap();
    assert!(largest((0..3).map(|a| path.states[0].means[[a, 0]] - path.states[0].means[[a, 1]])) < 1e-12);
    assert!(path.states[0].means[[2, 2]] > 0.1);
}

#[test]
fn degenerate_states_of_task_b() {
    // The same neuron twice, a dead one, one in the plane of the means and one a million times shorter than the others.
    let mut w = random(5, 6, 0.5, 16);
    let twin = w.row(0).to_owned();
    w.row_mut(1).assign(&twin);
    w.row_mut(2).fill(0.0);
    w.row_mut(3).assign(&array![0.5, -0.7, 0.0, 0.0, 0.0, 0.0]);
    w.row_mut(4).mapv_inplace(|entry| 1e-6 * entry);
    let v = [0.8, 0.8, 1.5, -1.0, 1.0];
    for lambda in [1.0, 30.0, 1e5] {
        let dynamics = xor(5, Constants { lambda, beta: 0.05, c: 1.0 });
        let start = state(&w, &plane(6), &v);
        let path = integrate(&dynamics, &start, &[1.0, 6.0], 0.05).unwrap();
        for (time, state) in path.times.iter().zip(&path.states) {
            assert!(smallest_eigenvalue(state, &Array2::eye(2)) > -1e-7);
            assert!((state.second[0] - state.second[1]).abs() < 1e-5);
            assert!((&state.means.row(0) - &state.means.row(1)).iter().all(|gap| gap.abs() < 1e-5));
            // The noise of gates between two neurons goes like their distance, so its square can leave 0 by rounding.
            let apart = if lambda > 10.0 { 1e-5 } else { 1e-3 };
            assert!((state.gram[[0, 0]] - state.gram[[0, 1]]).abs() < apart, "λ = {lambda}");
            // Dead neurons stay dead, and their weight decays.
            assert_eq!(largest(state.gram.row(2).iter().chain(state.means.row(2)).copied()), 0.0);
            close(state.second[2], 1.5 * (-0.05 * time).exp(), 1e-9);
        }
        // More neurons than dimensions, with long steps.
        let planar = state(&random(5, 2, 0.6, 17), &plane(2), &v);
        let path = integrate(&dynamics, &planar, &[6.0], 0.3).unwrap();
        assert!(smallest_eigenvalue(&path.states[0], &Array2::eye(2)) > -1e-7);
    }
    let near = |share: f64| {
        let mut w = w.clone();
        let row = &twin + &(share * &random(1, 6, 1.0, 18).row(0));
        w.row_mut(1).assign(&row);
        xor(5, CONSTANTS).derivative(&state(&w, &plane(6), &v)).unwrap()
    };
    for share in [1e-4, 1e-6, 1e-8] {
        let off = gap(&near(share), &near(0.0));
        assert!(off < share + 1e-3, "{share}: {off}");
    }
    let [jacobian, _] = linearised(5, CONSTANTS, &state(&w, &plane(6), &v));
    assert_eq!((jacobian[[2, 2]], jacobian[[0, 2]]), (-CONSTANTS.beta, 0.0));
}

#[test]
fn gram_matrices_of_rows_and_means() {
    let (x, means) = (random(3, 6, 1.0, 19), skew(2, 6));
    let start = state(&x, &means, &[0.5]);
    let all = ndarray::concatenate(Axis(0), &[x.view(), means.view()]).unwrap();
    let gram = start.full_gram(&means.dot(&means.t())).unwrap();
    assert!((&gram - &all.dot(&all.t())).iter().all(|gap| gap.abs() < 1e-12));
    assert_eq!(State::random_limit(2, 3).full_gram(&Array2::eye(3)).unwrap(), Array2::<f64>::eye(5));
    assert!(start.full_gram(&Array2::eye(3)).is_err());
}

#[test]
fn what_the_dynamics_refuse() {
    let told = |error: spectral_alignment::error::Error, words: &[&str]| {
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    let made = |constants: Constants| MixtureDynamics::new(2, &[0.5, 0.5], &Array2::eye(2), constants);
    told(made(Constants { lambda: 0.0, ..CONSTANTS }).unwrap_err(), &["lambda = 0", "positive"]);
    told(made(Constants { c: -1.0, ..CONSTANTS }).unwrap_err(), &["c = -1", "positive"]);
    told(made(Constants { beta: -0.1, ..CONSTANTS }).unwrap_err(), &["beta = -0.1", "not negative"]);
    told(XorDynamics::new(2, Constants { beta: f64::NAN, ..CONSTANTS }).unwrap_err(), &["beta = NaN"]);
    told(XorDynamics::new(0, CONSTANTS).unwrap_err(), &["width = 0"]);
    told(XorDynamics::with_nodes(40, CONSTANTS, 64).unwrap_err(), &["nodes = 64"]);
    let shaped = |classes: usize, probabilities: &[f64], means: usize| {
        MixtureDynamics::new(classes, probabilities, &Array2::eye(means), CONSTANTS).unwrap_err()
    };
    told(shaped(1, &[1.0], 1), &["classes = 1"]);
    told(shaped(2, &[0.5, 0.3, 0.2], 3), &["classes = 2"]);
    told(shaped(2, &[0.5, 0.6], 2), &["probabilities"]);
    told(shaped(2, &[0.5, 0.5], 3), &["gram"]);
    let few = MixtureDynamics::with_nodes(4, &[1.0], &Array2::eye(1), CONSTANTS, 10);
    told(few.unwrap_err(), &["nodes = 10"]);

    let dynamics = made(CONSTANTS).unwrap();
    let good = State::random_limit(2, 2);
    assert!(dynamics.derivative(&good).is_ok());
    told(dynamics.derivative(&State::random_limit(3, 2)).unwrap_err(), &["state", "needs 2"]);
    told(dynamics.derivative(&State::random_limit(2, 3)).unwrap_err(), &["state"]);
    told(dynamics.derivative(&State { second: vec![1.0], ..good.clone() }).unwrap_err(), &["second-layer"]);
    let mut broken = good.clone();
    broken.means[[0, 1]] = f64::NAN;
    told(dynamics.derivative(&broken).unwrap_err(), &["not finite"]);
    let mut indefinite = good.clone();
    indefinite.means[[0, 1]] = 2.0;
    told(integrate(&dynamics, &indefinite, &[1.0], 0.1).unwrap_err(), &["gram", "semidefinite"]);
    // Every 2 × 2 minor is fine here.
    let mut subtle = State::random_limit(2, 2);
    subtle.means.fill(0.9);
    told(integrate(&dynamics, &subtle, &[1.0], 0.1).unwrap_err(), &["gram", "semidefinite"]);
    let solve = |times: &[f64], step: f64| integrate(&dynamics, &good, times, step).unwrap_err();
    told(solve(&[-1.0], 0.1), &["times = -1"]);
    told(solve(&[2.0, 1.0], 0.1), &["times = 1", "increasing"]);
    told(solve(&[f64::INFINITY], 0.1), &["times = inf"]);
    told(solve(&[1.0], 0.0), &["step = 0"]);
    told(solve(&[1e9], 1e-3), &["step = 0.001", "too many"]);
    assert!(integrate(&dynamics, &good, &[], 0.1).unwrap().states.is_empty());
    // Steps that are far too long blow up, and say so.
    let stiff = made(Constants { beta: 100.0, ..CONSTANTS }).unwrap();
    told(integrate(&stiff, &good, &[50.0], 0.5).unwrap_err(), &["t = ", "step"]);
    let network = xor(2, CONSTANTS);
    told(network.derivative(&State::random_limit(2, 2)).unwrap_err(), &["second-layer"]);
    let infinite = State { second: vec![1.0, f64::INFINITY], ..State::random_limit(2, 2) };
    told(network.derivative(&infinite).unwrap_err(), &["v = ", "finite"]);
}
