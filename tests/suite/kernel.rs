use crate::problems::{Flat, Kind};
use ndarray::Array2;
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Stream;
use spectral_alignment::simulation::kernel::{Kernel, LANES, padded};
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task::{self, LARGEST};

pub fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

/// The documented order: element `i` into lane `i mod 8`, the lanes pairwise at the end.
pub fn scalar_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sum = [0.0_f64; 8];
    for (i, (l, r)) in left.iter().zip(right).enumerate() {
        sum[i % 8] += l * r;
    }
    ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
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

#[test]
fn dots_add_in_the_documented_order() {
    let mut other_order = false;
    for width in [8, 16, 24, 40, 104, 400, 1000, 1008] {
        for k in [1, 2, 5, 7, 10] {
            let (rows, y) = (numbers(k * width, 1), numbers(width, 2));
            let mut out = vec![f64::NAN; k];
            Kernel::default().dots(&rows, &y, &mut out);
            let expected: Vec<f64> = rows.chunks(width).map(|row| scalar_dot(row, &y)).collect();
            assert_eq!(bits(out), bits(expected.clone()), "width {width}, k = {k}");
            let plain: Vec<f64> =
                rows.chunks(width).map(|row| row.iter().zip(&y).map(|(a, b)| a * b).sum()).collect();
            other_order |= bits(plain) != bits(expected);
        }
    }
    assert!(other_order, "the numbers would not tell orders of additions apart");
}

#[test]
fn descents_are_not_fused() {
    let mut fused_differs = false;
    for width in [8, 16, 104, 1000] {
        for k in [1, 2, 5, 10] {
            let (mut rows, y, steps) = (numbers(k * width, 3), numbers(width, 4), numbers(k, 5));
            let shrink = 1.0 - 0.05 / 1000.0;
            let expected: Vec<f64> =
                (0..k * width).map(|i| shrink * rows[i] - steps[i / width] * y[i % width]).collect();
            let fused: Vec<f64> =
                (0..k * width).map(|i| shrink.mul_add(rows[i], -(steps[i / width] * y[i % width]))).collect();
            Kernel::default().descend(&mut rows, &y, shrink, &steps);
            assert_eq!(bits(rows), bits(expected.clone()), "width {width}, k = {k}");
            fused_differs |= bits(fused) != bits(expected);
        }
    }
    assert!(fused_differs, "the numbers would not tell a fused operation apart");
    assert_eq!(LANES, 8);
}

/// SGD in scalar code: `x^a ← (1-δβ) x^a - δ (π_a - 1{a=b}) Y`.
fn plain_sgd(model: &Flat, seed: &Seed, schedule: &[u64]) -> Vec<Array2<f64>> {
    let task = task::build(&model.problem());
    let (d, k) = (model.d, model.rows());
    let mut x: Vec<Vec<f64>> = task.initial(seed)[0].rows().into_iter().map(|row| row.to_vec()).collect();
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let (delta, mut y, mut found, mut taken) = (model.c / d as f64, vec![0.0; d], Vec::new(), 0);
    let shrink = 1.0 - delta * model.beta;
    for &step in schedule {
        while taken < step {
            let label = stream.next_into(&mut y) as usize;
            let logits: Vec<f64> = x.iter().map(|row| scalar_dot(row, &y)).collect();
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = logits.iter().map(|logit| libm::exp(logit - top)).collect();
            let mut total = 0.0;
            for weight in &weights {
                total += weight;
            }
            for a in 0..k {
                let residual = weights[a] / total - if a == label { 1.0 } else { 0.0 };
                let rate = residual * delta;
                for i in 0..d {
                    let kept = shrink * x[a][i];
                    x[a][i] = kept - rate * y[i];
                }
            }
            taken += 1;
        }
        found.push(Array2::from_shape_fn((k, d), |(a, i)| x[a][i]));
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
