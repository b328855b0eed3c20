use crate::problems::{Flat, Kind};
use ndarray::{Array1, Array2, Axis};
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::network::Layer;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task::{self, Block, Matrix, Task};
use spectral_alignment::spectrum::BlockMatrix;

const X: Layer = Layer::X;

const GRAM: [[f64; 4]; 4] =
    [[1.0, 0.5, -0.2, 0.1], [0.5, 1.0, 0.3, 0.0], [-0.2, 0.3, 1.0, -0.4], [0.1, 0.0, -0.4, 1.0]];

fn seed() -> Seed {
    Seed { root: 11, experiment: "gmm-test".to_owned(), replicate: 3 }
}

fn skew_model() -> Flat {
    let means = Means::Gram(GRAM.iter().map(|row| row.to_vec()).collect());
    let task = Kind::unequal(&[0.4, 0.3, 0.2, 0.1], means);
    Flat { task, d: 7, lambda: 3.0, beta: 0.1, c: 1.0, phi: 6.0, start: Start::default() }
}

/// Parameters of size one, so that no class is certain.
fn parameters(k: usize, d: usize) -> Array2<f64> {
    Array2::from_shape_fn((k, d), |(a, i)| ((3 * a + 5 * i * i + 1) as f64).sin())
}

/// `L = -log π_b` in plain mathematics.
fn loss(x: &Array2<f64>, y: &Array1<f64>, label: usize) -> f64 {
    let logits = x.dot(y);
    logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[label]
}

/// `∂L/∂x^a` by central differences.
fn slope(x: &Array2<f64>, y: &Array1<f64>, label: usize, a: usize, i: usize) -> f64 {
    let h = 1e-5;
    let at = |shift: f64| {
        let mut moved = x.clone();
        moved[[a, i]] += shift;
        loss(&moved, y, label)
    };
    (at(h) - at(-h)) / (2.0 * h)
}

/// `∂²L/∂x^a_i ∂x^b_j` by central differences.
fn bend(
    x: &Array2<f64>,
    y: &Array1<f64>,
    label: usize,
    (a, i): (usize, usize),
    (b, j): (usize, usize),
) -> f64 {
    let h = 2e-4;
    let at = |first: f64, second: f64| {
        let mut moved = x.clone();
        moved[[a, i]] += first;
        moved[[b, j]] += second;
        loss(&moved, y, label)
    };
    (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4.0 * h * h)
}

fn dense(
    task: &dyn Task,
    x: &Array2<f64>,
    sample: &Sample,
    matrix: Matrix,
    a: usize,
    b: usize,
) -> Array2<f64> {
    let parameters = vec![x.clone()];
    let at = task.evaluate(&parameters, sample);
    let block = Block { layer: X, row: a as u32, col: b as u32 };
    BlockMatrix::new(task.curvature(matrix, block, &parameters, &at.outputs, sample).unwrap())
        .dense()
        .unwrap()
        .clone()
}

fn assert_near(found: &Array2<f64>, expected: &Array2<f64>, tolerance: f64, what: &str) {
    let scale = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs())).max(1e-3);
    let worst = (found - expected).iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    assert!(worst <= tolerance * scale, "{what}: {worst:e} of {scale:e}");
}

#[test]
fn loss_and_accuracy_are_those_of_softmax_regression() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let sample = Sample::first(task.law(), &seed(), Purpose::Test, 500);
    let x = parameters(4, 7);
    let at = task.evaluate(&vec![x.clone()], &sample);
    let mut total = 0.0;
    let (mut right, mut seen) = ([0.0; 4], [0.0; 4]);
    for (y, &label) in sample.features().rows().into_iter().zip(&sample.labels) {
        let y = y.to_owned();
        total += loss(&x, &y, label as usize);
        let logits = x.dot(&y);
        let best = (0..4).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
        seen[label as usize] += 1.0;
        right[label as usize] += f64::from(u8::from(best == label as usize));
    }
    assert!((at.loss - total / 500.0).abs() < 1e-13, "{} {}", at.loss, total / 500.0);
    assert_eq!(at.accuracy, right.iter().sum::<f64>() / 500.0);
    for class in 0..4 {
        assert_eq!(at.cluster_accuracy[class], Some(right[class] / seen[class]));
    }
    let lone = Sample::first(task.law(), &seed(), Purpose::Test, 1);
    let at = task.evaluate(&vec![x], &lone);
    assert_eq!(at.cluster_accuracy.iter().flatten().count(), 1, "no accuracy of a cluster without a point");
    let start = task.evaluate(&vec![Array2::zeros((4, 7))], &sample);
    assert!((start.loss - 4.0_f64.ln()).abs() < 1e-14);
}

#[test]
fn a_step_of_sgd_follows_the_gradient_of_the_loss_and_the_ridge() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let sample = Sample::first(task.law(), &seed(), Purpose::Train, 20);
    let x = parameters(4, 7);
    let delta = 1.0 / 7.0;
    for row in 0..20 {
        let (y, label) = (sample.features().row(row).to_owned(), sample.labels[row]);
        let mut learner = task.learner(&vec![x.clone()]);
        assert!(learner.step(label, sample.padded_rows().row(row).to_slice().unwrap()));
        let moved = learner.parameters().remove(0);
        let expected = Array2::from_shape_fn((4, 7), |(a, i)| {
            x[[a, i]] - delta * (slope(&x, &y, label as usize, a, i) + 0.1 * x[[a, i]])
        });
        assert_near(&moved, &expected, 1e-9, "step");
        let sum = (&moved - &(&x * (1.0 - 0.1 * delta))).sum_axis(Axis(0));
        assert!(sum.iter().all(|entry| entry.abs() < 1e-14), "the gradients of all classes add up to zero");
    }
}

#[test]
fn blocks_agree_with_finite_differences_of_the_loss() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let x = parameters(4, 7);
    // One sample, and the mean over several.
    for n in [1, 5] {
        let sample = Sample::first(task.law(), &seed(), Purpose::Test, n);
        for (a, b) in [(0, 0), (2, 2), (0, 1), (3, 1), (1, 3)] {
            let (mut hessian, mut gradient) = (Array2::<f64>::zeros((7, 7)), Array2::<f64>::zeros((7, 7)));
            for (row, &label) in sample.labels.iter().enumerate() {
                let y = sample.features().row(row).to_owned();
                let slopes = |class| Array1::from_shape_fn(7, |i| slope(&x, &y, label as usize, class, i));
                let (left, right) = (slopes(a), slopes(b));
                for ((i, j), entry) in gradient.indexed_iter_mut() {
                    *entry += left[i] * right[j] / n as f64;
                }
                for ((i, j), entry) in hessian.indexed_iter_mut() {
                    *entry += bend(&x, &y, label as usize, (a, i), (b, j)) / n as f64;
                }
            }
            assert_near(
                &dense(&*task, &x, &sample, Matrix::Hessian, a, b),
                &hessian,
                // The rounding of a loss of a few, `2^-53 L/h²`, is 1e-8 in an entry.
                3e-5,
                &format!("H_{a}{b}, n = {n}"),
            );
            assert_near(
                &dense(&*task, &x, &sample, Matrix::Gradient, a, b),
                &gradient,
                1e-8,
                &format!("G_{a}{b}, n = {n}"),
            );
        }
    }
}

#[test]
fn every_block_equals_a_double_loop() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let x = parameters(4, 7);
    // More than two tiles of rank updates, the last one not full.
    let n = 600;
    let sample = Sample::first(task.law(), &seed(), Purpose::Test, n);
    for a in 0..4 {
        for b in 0..4 {
            let (mut hessian, mut gradient) = (Array2::<f64>::zeros((7, 7)), Array2::<f64>::zeros((7, 7)));
            for (y, &label) in sample.features().rows().into_iter().zip(&sample.labels) {
                let weights: Vec<f64> = x.dot(&y).iter().map(|logit| logit.exp()).collect();
                let total: f64 = weights.iter().sum();
                let pi = |class: usize| weights[class] / total;
                let indicator = |yes: bool| f64::from(u8::from(yes));
                let h = pi(a) * indicator(a == b) - pi(a) * pi(b);
                let g = (pi(a) - indicator(a == label as usize)) * (pi(b) - indicator(b == label as usize));
                for i in 0..7 {
                    for j in 0..7 {
                        hessian[[i, j]] += h * y[i] * y[j] / n as f64;
                        gradient[[i, j]] += g * y[i] * y[j] / n as f64;
                    }
                }
            }
            let (found_h, found_g) = (
                dense(&*task, &x, &sample, Matrix::Hessian, a, b),
                dense(&*task, &x, &sample, Matrix::Gradient, a, b),
            );
            assert_near(&found_h, &hessian, 1e-13, &format!("H_{a}{b}"));
            assert_near(&found_g, &gradient, 1e-13, &format!("G_{a}{b}"));
            assert_eq!(found_h, found_h.t(), "exactly symmetric");
            assert_eq!(found_g, found_g.t(), "exactly symmetric");
        }
    }
}

#[test]
fn moving_all_rows_together_changes_nothing() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let x = parameters(4, 7);
    let sample = Sample::first(task.law(), &seed(), Purpose::Test, 300);
    for matrix in Matrix::BOTH {
        for a in 0..4 {
            let blocks: Vec<Array2<f64>> = (0..4).map(|b| dense(&*task, &x, &sample, matrix, a, b)).collect();
            let sum = blocks.iter().fold(Array2::<f64>::zeros((7, 7)), |sum, block| sum + block);
            let most = |block: &Array2<f64>| block.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            assert!(most(&sum) < 1e-14 * most(&blocks[a]) * 7.0, "row {a} of {}", matrix.name());
        }
    }
}

#[test]
fn a_block_that_does_not_exist_is_refused() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let sample = Sample::first(task.law(), &seed(), Purpose::Test, 3);
    let x = vec![parameters(4, 7)];
    let at = task.evaluate(&x, &sample);
    for (row, col) in [(4, 0), (0, 4), (u32::MAX, 0)] {
        let error = task
            .curvature(Matrix::Hessian, Block { layer: X, row, col }, &x, &at.outputs, &sample)
            .unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().contains(&format!("(x, {row}, {col})")), "{error}");
    }
    assert_eq!(task.diagonal_blocks().len(), 4);
}

#[test]
fn the_sum_of_the_rows_decays_by_its_law() {
    for (task, beta) in [(Kind::mixture(5), 0.05), (skew_model().task, 0.3), (Kind::mixture(3), 0.0)] {
        let model = Flat { task, d: 50, lambda: 10.0, beta, c: 1.0, phi: 1.0, start: Start::default() };
        let run = train(&*task::build(&model.problem()), &seed(), &[0, 1, 100, 3000], &|_| {});
        let start = run.checkpoints[0].parameters[0].sum_axis(Axis(0));
        for checkpoint in &run.checkpoints {
            let sum = checkpoint.parameters[0].sum_axis(Axis(0));
            let law = (1.0 - beta / 50.0).powi(i32::try_from(checkpoint.step).unwrap());
            let worst = (&sum - &(&start * law)).iter().fold(0.0_f64, |most, entry| most.max(entry.abs()));
            assert!(worst < 1e-12, "β = {beta}, step {}: {worst:e}", checkpoint.step);
        }
    }
}

#[test]
fn means_have_the_gram_matrix_they_were_given() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let means = task.law().means();
    let expected = Array2::from_shape_fn((4, 4), |(a, b)| GRAM[a][b]);
    assert_near(&means.dot(&means.t()), &expected, 1e-15, "Gram matrix");
    let space = task.mean_space();
    assert_near(&space.t().dot(&space), &Array2::eye(4), 0.0, "an orthonormal basis");
    assert_near(
        &space.dot(&space.t().dot(&means.t())),
        &means.t().to_owned(),
        1e-15,
        "the basis spans the means",
    );
    let plain = task::build(&Flat { task: Kind::mixture(4), ..model }.problem());
    assert_near(&plain.law().means().dot(&plain.law().means().t()), &Array2::eye(4), 0.0, "orthonormal");
}

#[test]
fn samples_follow_the_mixture() {
    let model = Flat { lambda: 2.5, ..skew_model() };
    let task = task::build(&model.problem());
    let n = 200_000;
    let sample = Sample::first(task.law(), &seed(), Purpose::Test, n);
    assert_eq!(sample.clusters, sample.labels);
    let mut counts = [0.0; 4];
    let mut sums = Array2::<f64>::zeros((4, 7));
    for (y, &label) in sample.features().rows().into_iter().zip(&sample.labels) {
        counts[label as usize] += 1.0;
        let mut sum = sums.row_mut(label as usize);
        sum += &y;
    }
    let chi: f64 = [0.4, 0.3, 0.2, 0.1]
        .iter()
        .zip(counts)
        .map(|(p, count)| (count - p * n as f64).powi(2) / (p * n as f64))
        .sum();
    // Three degrees of freedom: 16.27 is exceeded with probability 0.001.
    assert!(chi < 16.27, "chi-square {chi}");
    let means = task.law().means();
    for class in 0..4 {
        for i in 0..7 {
            let z = (sums[[class, i]] / counts[class] - means[[class, i]]) * (2.5 * counts[class]).sqrt();
            assert!(z.abs() < 4.5, "class {class}, coordinate {i}: {z}");
        }
    }
    let noise: f64 = sample
        .features()
        .rows()
        .into_iter()
        .zip(&sample.labels)
        .map(|(y, &label)| (&y - &means.row(label as usize)).iter().map(|entry| entry * entry).sum::<f64>())
        .sum();
    let degrees = 7.0 * n as f64;
    assert!(((noise * 2.5 - degrees) / (2.0 * degrees).sqrt()).abs() < 4.0, "variance of the noise");
}

#[test]
fn the_start_is_random_with_rows_of_length_one() {
    let model = Flat {
        task: Kind::mixture(5),
        d: 4000,
        lambda: 1.0,
        beta: 0.1,
        c: 1.0,
        phi: 1.0,
        start: Start::default(),
    };
    let x = task::build(&model.problem()).initial(&seed()).remove(0);
    assert_eq!(x.dim(), (5, 4000));
    let gram = x.dot(&x.t());
    for ((a, b), entry) in gram.indexed_iter() {
        let expected = f64::from(u8::from(a == b));
        assert!((entry - expected).abs() < 4.5 * 2.0_f64.sqrt() / 4000.0_f64.sqrt(), "x^{a}·x^{b} = {entry}");
    }
}

#[test]
fn summaries_are_inner_products() {
    let model = skew_model();
    let task = task::build(&model.problem());
    let x = parameters(4, 7);
    let (m, r) = (x.dot(&task.law().means().t()), x.dot(&x.t()));
    let summary = task.summary(&vec![x]);
    assert_eq!(summary.len(), 32);
    for entry in summary {
        let expected = if entry.statistic == "m" { &m } else { &r }[[entry.row, entry.col]];
        assert!((entry.value - expected).abs() < 1e-13, "{entry:?}");
    }
}
