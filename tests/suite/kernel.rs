use crate::problems::{Flat, Kind};
use ndarray::Array2;
use pulp::Arch;
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Stream;
use spectral_alignment::simulation::exponential::exp;
use spectral_alignment::simulation::kernel::{LANES, Rows, padded};
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task::{self, LARGEST};

pub fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

/// The documented order: element `i` into lane `i mod 8`, the lanes pairwise at the end.
fn scalar_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sum = [0.0_f64; 8];
    for (i, (l, r)) in left.iter().zip(right).enumerate() {
        sum[i % 8] += l * r;
    }
    ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
}

/// Rows `σ w` under steps `σ ← s σ`, `w^a ← w^a - (e_a/σ) y`, in scalar code.
#[derive(Clone)]
pub struct Plain {
    pub w: Vec<Vec<f64>>,
    pub factor: f64,
}

impl Plain {
    pub fn new(rows: &Array2<f64>) -> Self {
        let pad = |row: ndarray::ArrayView1<f64>| {
            let mut row = row.to_vec();
            row.resize(padded(rows.ncols()), 0.0);
            row
        };
        Self { w: rows.rows().into_iter().map(pad).collect(), factor: 1.0 }
    }

    pub fn products(&self, y: &[f64]) -> Vec<f64> {
        self.w.iter().map(|row| scalar_dot(row, y) * self.factor).collect()
    }

    pub fn descend(&mut self, y: &[f64], shrink: f64, steps: &[f64]) {
        self.factor *= shrink;
        for (row, step) in self.w.iter_mut().zip(steps) {
            for (entry, y) in row.iter_mut().zip(y) {
                let pull = step / self.factor * y;
                *entry -= pull;
            }
        }
    }

    pub fn values(&self, d: usize) -> Array2<f64> {
        Array2::from_shape_fn((self.w.len(), d), |(a, i)| self.factor * self.w[a][i])
    }
}

/// Numbers of very different size and both signs, so that another order of additions shows.
fn numbers(count: usize, mut state: u64) -> Vec<f64> {
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let exponent = ((state >> 20) % 40) as i32 - 20;
            ((state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0) * 2.0_f64.powi(exponent)
        })
        .collect()
}

#[test]
fn rows_are_padded_to_whole_lanes() {
    assert_eq!([0, 1, 8, 9, 16, 17, 1000].map(padded), [0, 8, 8, 16, 16, 24, 1000]);
}

/// Rows on the widest vectors there are, and without any.
fn both(values: &Array2<f64>) -> [Rows; 2] {
    [Rows::new(values), Rows::new(values).on(Arch::Scalar)]
}

#[test]
fn products_add_in_the_documented_order() {
    let mut other_order = false;
    for width in [8, 16, 24, 40, 104, 400, 1000, 1008] {
        for k in [1, 2, 5, 7, 10] {
            let rows = Array2::from_shape_vec((k, width), numbers(k * width, 1)).unwrap();
            let (y, mut out) = (numbers(width, 2), vec![f64::NAN; k]);
            let expected = Plain::new(&rows).products(&y);
            for mut on in both(&rows) {
                on.products(&y, &mut out);
                assert_eq!(bits(out.clone()), bits(expected.clone()), "width {width}, k = {k}");
            }
            let plain: Vec<f64> =
                rows.rows().into_iter().map(|row| row.iter().zip(&y).map(|(a, b)| a * b).sum()).collect();
            other_order |= bits(plain) != bits(expected);
        }
    }
    assert!(other_order, "the numbers would not tell orders of additions apart");
    assert_eq!(LANES, 8);
}

#[test]
fn steps_are_not_fused_and_taken_whenever_they_show() {
    let (shrink, mut fused_differs) = (1.0 - 0.05 / 1000.0, false);
    for width in [5, 8, 104, 1000] {
        for k in [1, 2, 5, 10] {
            let start = Array2::from_shape_vec((k, width), numbers(k * width, 3)).unwrap();
            for mut rows in both(&start) {
                let mut plain = Plain::new(&start);
                for turn in 0..6 {
                    let (mut y, mut steps) = (numbers(width, 4 + turn), numbers(k, 40 + turn));
                    y.resize(padded(width), 0.0);
                    steps[turn as usize % k] = 0.0;
                    let before = plain.clone();
                    rows.descend(&y, shrink, &steps);
                    plain.descend(&y, shrink, &steps);
                    for (row, (old, new)) in before.w.iter().zip(&plain.w).enumerate() {
                        let step = -(steps[row] / plain.factor);
                        let fused = old.iter().zip(&y).map(|(old, y)| step.mul_add(*y, *old));
                        fused_differs |= bits(fused) != bits(new.iter().copied());
                    }
                    assert_eq!(bits(rows.values()), bits(plain.values(width)), "width {width}, k = {k}");
                    // Steps are taken by the products, by the next step or by a look at the rows.
                    if turn % 3 != 1 {
                        let mut out = vec![f64::NAN; k];
                        rows.products(&y, &mut out);
                        assert_eq!(bits(out), bits(plain.products(&y)), "width {width}, k = {k}");
                        assert_eq!(bits(rows.values()), bits(plain.values(width)));
                    }
                }
            }
        }
    }
    assert!(fused_differs, "the numbers would not tell a fused operation apart");
}

#[test]
fn rows_may_shrink_to_nothing_and_grow_without_bound() {
    let start = Array2::from_shape_vec((2, 3), numbers(6, 9)).unwrap();
    for shrinks in [[0.0, 0.5], [1e-200, 0.5], [-1e30, 1e-30], [1e-17, 1e-17]] {
        let (mut rows, mut expected) = (Rows::new(&start), start.clone());
        for (turn, shrink) in shrinks.into_iter().enumerate() {
            let (y, steps) = ([1.0, -2.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0], [0.25, turn as f64]);
            rows.descend(&y, shrink, &steps);
            expected.indexed_iter_mut().for_each(|((a, i), x)| *x = shrink * *x - steps[a] * y[i]);
        }
        for (found, expected) in rows.values().iter().zip(&expected) {
            assert!(
                (found - expected).abs() <= 1e-14 * (expected.abs() + 1.0),
                "{shrinks:?}: {found} {expected}"
            );
        }
    }
}

#[test]
fn the_exponential_is_within_a_last_bit_of_libm() {
    let mut other = 0;
    for i in 0..2_000_000 {
        let x = -708.0 * f64::from(i) / 2e6;
        for x in [x, x / 1024.0, -x.abs().sqrt() / 1e9] {
            let (found, expected) = (exp(x), libm::exp(x));
            assert!(
                found.to_bits().abs_diff(expected.to_bits()) <= 1,
                "exp({x:e}) is {expected:e}, not {found:e}"
            );
            other += u32::from(found != expected);
        }
    }
    println!("{other} of 6000000 differ in the last bit");
    assert_eq!(
        [0.0, -0.0, -708.0001, -1e4, -1e300, f64::NEG_INFINITY].map(exp),
        [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    );
    assert!(exp(f64::NAN).is_nan());
    // The same bits everywhere, whatever vectors a loop becomes.
    let pinned = [-0.1, -1.0, -20.5, -700.25].map(|x| exp(x).to_bits());
    assert_eq!(pinned, PINNED);
}

const PINNED: [u64; 4] =
    [0x3fec_f46d_99d5_2b3a, 0x3fd7_8b56_362c_ef38, 0x3e15_7a3a_feed_00ac, 0x00ca_f5fe_9a48_5c8e];

/// SGD in scalar code: `x^a ← (1-δβ) x^a - δ (π_a - 1{a=b}) Y`.
fn plain_sgd(model: &Flat, seed: &Seed, schedule: &[u64]) -> Vec<Array2<f64>> {
    let task = task::build(&model.problem());
    let d = model.d;
    let mut x = Plain::new(&task.initial(seed)[0]);
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let (delta, mut y, mut found, mut taken) = (model.c / d as f64, vec![0.0; padded(d)], Vec::new(), 0);
    let shrink = 1.0 - delta * model.beta;
    for &step in schedule {
        while taken < step {
            let label = stream.next_into(&mut y) as usize;
            let logits = x.products(&y);
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = logits.iter().map(|logit| exp(logit - top)).collect();
            let mut total = 0.0;
            for weight in &weights {
                total += weight;
            }
            let residual = |a: usize| weights[a] / total - if a == label { 1.0 } else { 0.0 };
            let rates: Vec<f64> = (0..weights.len()).map(|a| residual(a) * delta).collect();
            x.descend(&y, shrink, &rates);
            taken += 1;
        }
        found.push(x.values(d));
    }
    found
}

#[test]
fn a_trajectory_equals_a_scalar_loop_to_the_last_bit() {
    let gram = vec![vec![1.0, 0.3, -0.2], vec![0.3, 1.0, 0.1], vec![-0.2, 0.1, 1.0]];
    let skew = Kind::unequal(&[0.5, 0.3, 0.2], Means::Gram(gram));
    for (task, d) in [
        (Kind::mixture(2), 2),
        (Kind::mixture(2), 7),
        (Kind::mixture(5), 8),
        (Kind::mixture(5), 100),
        (Kind::mixture(10), 161),
        (skew, 33),
    ] {
        let model = Flat { task, d, lambda: 4.0, beta: 0.05, c: 1.5, phi: 1.0, start: Start::default() };
        let seed = Seed { root: 3, experiment: format!("gmm-{d}"), replicate: 1 };
        // Beyond 256 steps, so that a second block of samples is drawn.
        let schedule = [0, 1, 2, 255, 256, 257, 1000];
        let run = train(&*task::build(&model.problem()), &seed, &schedule, &|_| {});
        assert_eq!(run.diverged, None);
        for ((checkpoint, expected), step) in
            run.checkpoints.iter().zip(plain_sgd(&model, &seed, &schedule)).zip(schedule)
        {
            assert_eq!(checkpoint.step, step);
            assert_eq!(
                bits(checkpoint.parameters[0].iter().copied()),
                bits(expected),
                "d = {d}, step {step}"
            );
        }
        assert_eq!(run.checkpoints.len(), schedule.len());
    }
}

#[test]
fn a_trajectory_does_not_depend_on_its_checkpoints() {
    let model = Flat {
        task: Kind::mixture(3),
        d: 20,
        lambda: 4.0,
        beta: 0.05,
        c: 1.0,
        phi: 1.0,
        start: Start::default(),
    };
    let seed = Seed { root: 0, experiment: "gmm".to_owned(), replicate: 0 };
    let task = task::build(&model.problem());
    let few = train(&*task, &seed, &[0, 700], &|_| {});
    let many = train(&*task, &seed, &(0..=700).step_by(7).collect::<Vec<_>>(), &|_| {});
    assert_eq!(few.checkpoints[1].parameters, many.checkpoints.last().unwrap().parameters);
}

#[test]
fn divergence_is_found_at_its_step() {
    // |1 - δβ| = 9: parameters of size 1/2 grow ninefold a step.
    let model = Flat {
        task: Kind::mixture(2),
        d: 4,
        lambda: 4.0,
        beta: 40.0,
        c: 1.0,
        phi: 1.0,
        start: Start::default(),
    };
    let seed = Seed { root: 0, experiment: "gmm".to_owned(), replicate: 0 };
    let run = train(&*task::build(&model.problem()), &seed, &[0, 10, 70, 1000], &|_| {});
    let (step, expected) = (run.diverged.unwrap() as f64, LARGEST.log(9.0));
    assert!((step - expected).abs() < 3.0, "{step}, {expected} expected");
    let reached: Vec<u64> = run.checkpoints.iter().map(|checkpoint| checkpoint.step).collect();
    assert_eq!(reached, [0, 10, 70]);
    let entries = run.checkpoints.iter().flat_map(|checkpoint| checkpoint.parameters[0].iter());
    assert!(
        entries.clone().all(|value| value.abs() <= LARGEST)
            && entries.clone().any(|value| value.abs() > 1e60)
    );
}
