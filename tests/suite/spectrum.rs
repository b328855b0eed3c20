use crate::problems::{Flat, Kind};
use ndarray::{Array1, Array2, Axis, s};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::problem::network::Layer;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::task::{self, Block, Curvature, Matrix};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::subspace::overlap;
use spectral_alignment::spectrum::{BlockMatrix, Pair, RESIDUAL, leading_space, scattered, warm_start};

const X: Layer = Layer::X;

fn noise(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut stream =
        Seed { root: seed, experiment: "noise".to_owned(), replicate: 0 }.stream(Purpose::Test, 0);
    let mut flat = vec![0.0; rows * cols];
    stream.fill(&mut flat);
    Array2::from_shape_vec((rows, cols), flat).unwrap()
}

/// Orthonormal columns by Gram-Schmidt, twice.
fn orthogonal(p: usize, seed: u64) -> Array2<f64> {
    let mut q = noise(p, p, seed);
    for _ in 0..2 {
        for col in 0..p {
            for other in 0..col {
                let along = q.column(other).dot(&q.column(col));
                let shift = &q.column(other) * along;
                let mut column = q.column_mut(col);
                column -= &shift;
            }
            let norm = q.column(col).dot(&q.column(col)).sqrt();
            q.column_mut(col).mapv_inplace(|entry| entry / norm);
        }
    }
    q
}

/// Features and weights of `Σ λ_i q_i q_iᵀ` for the columns of an orthogonal matrix.
fn known(values: &[f64], q: &Array2<f64>) -> (Array2<f64>, Vec<f64>) {
    (q.t().to_owned(), values.iter().map(|value| value * values.len() as f64).collect())
}

/// All eigenpairs by another route: `dsyev` through ndarray-linalg, by decreasing magnitude.
fn reference(matrix: &Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let (values, vectors) = matrix.eigh(UPLO::Lower).unwrap();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    (order.iter().map(|&index| values[index]).collect(), vectors.select(Axis(1), &order))
}

fn largest(matrix: &Array2<f64>) -> f64 {
    reference(matrix).0.first().map_or(0.0, |value| value.abs())
}

/// What every list of pairs promises.
fn check(matrix: &Array2<f64>, pairs: &[Pair], count: usize, what: &str) {
    let (values, vectors) = reference(matrix);
    let norm = values[0].abs().max(f64::MIN_POSITIVE);
    assert_eq!(pairs.len(), count.min(values.len()), "{what}");
    for (index, pair) in pairs.iter().enumerate() {
        assert!(
            (pair.value - values[index]).abs() <= 1e-12 * norm,
            "{what}: value {index} {} {}",
            pair.value,
            values[index]
        );
        let left = matrix.dot(&pair.vector) - &pair.vector * pair.value;
        let residual = left.dot(&left).sqrt() / norm;
        assert!(residual <= RESIDUAL && pair.residual <= RESIDUAL, "{what}: residual {residual:e}");
        assert!(
            (residual - pair.residual).abs() <= 1e-14,
            "{what}: residual stated {:e}, is {residual:e}",
            pair.residual
        );
        let most = pair.vector.iter().fold(0.0_f64, |most, entry| most.max(entry.abs()));
        let lead = pair.vector.iter().find(|entry| entry.abs() >= most * (1.0 - 1e-6)).unwrap();
        assert!(*lead > 0.0, "{what}: the largest entry of vector {index} is negative");
        for (other, earlier) in pairs.iter().enumerate().take(index) {
            let product = earlier.vector.dot(&pair.vector);
            assert!(product.abs() < 1e-11, "{what}: vectors {other} and {index}: {product:e}");
        }
        assert!((pair.vector.dot(&pair.vector) - 1.0).abs() < 1e-12, "{what}: length of vector {index}");
        // A vector is unique as far as its eigenvalue stands apart.
        let gap = (0..values.len())
            .filter(|&other| other != index)
            .map(|other| (values[other] - values[index]).abs())
            .fold(f64::INFINITY, f64::min);
        if gap > 1e-3 * norm {
            let cosine = vectors.column(index).dot(&pair.vector).abs();
            assert!(cosine > 1.0 - 1e-12, "{what}: vector {index} has cosine {cosine}");
        }
    }
    assert!(pairs.is_sorted_by(|a, b| a.value.abs() >= b.value.abs()), "{what}: by decreasing magnitude");
}

fn check_all(features: &Array2<f64>, weights: &[f64], space: &Array2<f64>, row: &Array2<f64>, what: &str) {
    let block =
        || BlockMatrix::new(Curvature { features: features.view().into(), weights: weights.to_vec() });
    let p = features.ncols();
    let dense = block().dense().unwrap().clone();
    let weighted = features * &Array1::from(weights.to_vec()).insert_axis(Axis(1));
    let plain = features.t().dot(&weighted) / weights.len() as f64;
    let scale = largest(&plain).max(f64::MIN_POSITIVE);
    assert!((&dense - &plain).iter().all(|entry| entry.abs() <= 1e-13 * scale), "{what}: the dense matrix");
    assert_eq!(dense, dense.t(), "{what}: symmetric");
    for count in [1, 3, 12, p] {
        check(&dense, &block().top(count).unwrap(), count, &format!("{what}, top {count}"));
    }
    for count in [1, 5, 12] {
        let start = warm_start(space, row.row(0));
        check(&dense, &block().outliers(count, &start).unwrap(), count, &format!("{what}, outliers {count}"));
    }
    let mut sorted = reference(&dense).0;
    sorted.sort_by(|a, b| b.total_cmp(a));
    let values = block().values().unwrap();
    assert_eq!(values.len(), p);
    assert!(
        values.iter().zip(&sorted).all(|(found, expected)| (found - expected).abs() <= 1e-13 * scale),
        "{what}: all values"
    );
    let norms = block().norms(space).unwrap();
    let inside = space.dot(&space.t());
    let outside = Array2::<f64>::eye(p) - &inside;
    for (name, found, matrix) in [
        ("operator", norms.operator, dense.clone()),
        ("outside", norms.outside, &dense - &inside.dot(&dense).dot(&inside)),
        ("perpendicular", norms.perpendicular, outside.dot(&dense).dot(&outside)),
    ] {
        let expected = largest(&((&matrix + &matrix.t()) / 2.0));
        assert!((found - expected).abs() <= 1e-10 * scale, "{what}: norm {name} {found} {expected}");
    }
}

fn space(p: usize, k: usize) -> Array2<f64> {
    Array2::eye(p).slice(s![.., ..k]).to_owned()
}

#[test]
fn random_blocks_agree_with_another_route() {
    use_one_thread();
    for (n, p) in [(400, 30), (1000, 60), (257, 100), (50, 80)] {
        let features = noise(n, p, n as u64);
        let positive: Vec<f64> = noise(n, 1, 9).iter().map(|value| value * value).collect();
        let negative: Vec<f64> = positive.iter().map(|value| -value).collect();
        let signed: Vec<f64> = noise(n, 1, 10).iter().copied().collect();
        let sparse: Vec<f64> =
            positive.iter().enumerate().map(|(i, value)| if i % 7 == 0 { *value } else { 0.0 }).collect();
        let row = noise(1, p, 3);
        for (what, weights) in
            [("positive", positive), ("negative", negative), ("signed", signed), ("sparse", sparse)]
        {
            check_all(&features, &weights, &space(p, 4), &row, &format!("{what}, {n} × {p}"));
        }
    }
}

#[test]
fn outliers_that_stand_clear_are_found_without_the_dense_way() {
    use_one_thread();
    let p = 120;
    let mut values = vec![0.01; p];
    for (index, value) in values.iter_mut().enumerate() {
        *value *= 1.0 - index as f64 / 400.0;
    }
    values[..5].copy_from_slice(&[3.0, -2.5, 2.0, 1.0, -0.7]);
    let q = orthogonal(p, 1);
    let (features, weights) = known(&values, &q);
    // A start that knows nothing, and one that is nearly right.
    for start in [noise(p, 6, 4), q.slice(s![.., ..5]).to_owned() + noise(p, 5, 5) * 1e-3] {
        let block =
            BlockMatrix::new(Curvature { features: features.view().into(), weights: weights.clone() });
        let pairs = block.outliers(5, &start).unwrap();
        check(block.dense().unwrap(), &pairs, 5, "clear outliers");
        for (pair, (value, column)) in pairs.iter().zip([3.0, -2.5, 2.0, 1.0, -0.7].iter().zip(q.columns())) {
            assert!((pair.value - value).abs() < 1e-12 && pair.vector.dot(&column).abs() > 1.0 - 1e-12);
        }
    }
}

#[test]
fn degenerate_outliers_span_the_right_space() {
    use_one_thread();
    let p = 90;
    let q = orthogonal(p, 2);
    for outliers in [[2.0; 5], [2.0, 2.0, 2.0 - 1e-13, 2.0 - 1e-10, 2.0 - 1e-7], [-2.0, -2.0, -2.0, 1.5, 1.5]]
    {
        let mut values: Vec<f64> = (0..p).map(|index| 0.3 * (index as f64 / p as f64)).collect();
        values[..5].copy_from_slice(&outliers);
        let (features, weights) = known(&values, &q);
        let block = BlockMatrix::new(Curvature { features: features.view().into(), weights });
        let expected = q.slice(s![.., ..5]).to_owned();
        let start = warm_start(&expected, noise(1, p, 3).row(0));
        for (what, pairs) in [
            ("top", block.top(5).unwrap()),
            ("outliers", block.outliers(5, &start).unwrap()),
            ("cold", block.outliers(5, &scattered(p, 8)).unwrap()),
        ] {
            check(block.dense().unwrap(), &pairs, 5, what);
            let found = leading_space(&pairs, 5).unwrap();
            assert!(
                (overlap(&found, &expected) - 1.0).abs() < 1e-12,
                "{what}: {}",
                overlap(&found, &expected)
            );
        }
    }
}

#[test]
fn equal_magnitudes_of_both_signs_are_all_found() {
    use_one_thread();
    let q = orthogonal(20, 6);
    let mut values = vec![1e-3; 20];
    values[..6].copy_from_slice(&[2.0, -2.0, 2.0, -2.0, 1.0, -1.0]);
    let (features, weights) = known(&values, &q);
    let block = BlockMatrix::new(Curvature { features: features.view().into(), weights });
    for pairs in [block.top(6).unwrap(), block.outliers(6, &scattered(20, 8)).unwrap()] {
        let mut found: Vec<f64> = pairs.iter().map(|pair| pair.value).collect();
        found.sort_by(f64::total_cmp);
        let expected = [-2.0, -2.0, -1.0, 1.0, 2.0, 2.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-13), "{found:?}");
    }
}

#[test]
fn blocks_smaller_than_the_start_are_solved() {
    use_one_thread();
    for p in [2, 3, 5, 6, 9] {
        for k in [2.min(p), p] {
            let features = noise(40, p, p as u64);
            let weights: Vec<f64> = noise(40, 1, 8).iter().copied().collect();
            check_all(&features, &weights, &space(p, k), &noise(1, p, 3), &format!("p = {p}, k = {k}"));
        }
    }
}

#[test]
fn a_zero_matrix_has_zero_eigenvalues() {
    use_one_thread();
    for p in [4, 50] {
        let features = noise(30, p, 1);
        let block = BlockMatrix::new(Curvature { features: features.view().into(), weights: vec![0.0; 30] });
        let start = warm_start(&space(p, 2), noise(1, p, 3).row(0));
        for pairs in [block.top(3).unwrap(), block.outliers(3, &start).unwrap()] {
            assert_eq!(pairs.len(), 3);
            assert!(pairs.iter().all(|pair| pair.value == 0.0 && pair.residual == 0.0));
            let gram = leading_space(&pairs, 3).unwrap();
            assert!((gram.t().dot(&gram) - Array2::<f64>::eye(3)).iter().all(|entry| entry.abs() < 1e-12));
        }
        assert_eq!(block.values().unwrap(), vec![0.0; p]);
        let norms = block.norms(&space(p, 2)).unwrap();
        assert_eq!((norms.operator, norms.outside, norms.perpendicular), (0.0, 0.0, 0.0));
    }
}

#[test]
fn a_single_sample_gives_one_eigenvalue() {
    use_one_thread();
    let features = noise(1, 30, 1);
    let block = BlockMatrix::new(Curvature { features: features.view().into(), weights: vec![0.7] });
    let length = features.row(0).dot(&features.row(0));
    let start = warm_start(&space(30, 2), noise(1, 30, 3).row(0));
    for pairs in [block.top(4).unwrap(), block.outliers(4, &start).unwrap()] {
        assert!((pairs[0].value - 0.7 * length).abs() < 1e-12 * length);
        assert!(pairs[1..].iter().all(|pair| pair.value.abs() < 1e-12 * length));
    }
}

#[test]
fn blocks_of_the_task_agree_with_another_route() {
    use_one_thread();
    let model = Flat {
        task: Kind::mixture(5),
        d: 60,
        lambda: 50.0,
        beta: 0.05,
        c: 1.0,
        phi: 10.0,
        start: Start::default(),
    };
    let task = task::build(&model.problem());
    let seed = Seed { root: 0, experiment: "gmm".to_owned(), replicate: 0 };
    let sample = Sample::first(task.law(), &seed, Purpose::Test, model.sample_size());
    let start = task.initial(&seed);
    let trained = spectral_alignment::simulation::sgd::train(&*task, &seed, &[0, 3000], &|_| {}).checkpoints
        [1]
    .parameters
    .clone();
    for (when, parameters) in [("start", start), ("trained", trained)] {
        let at = task.evaluate(&parameters, &sample);
        for matrix in Matrix::BOTH {
            for (row, col) in [(0, 0), (3, 3), (0, 1), (4, 2)] {
                let curvature = task
                    .curvature(matrix, Block { layer: X, row, col }, &parameters, &at.outputs, &sample)
                    .unwrap();
                let features = sample.features().to_owned();
                let line = parameters[0].slice(s![0..1, ..]).to_owned();
                check_all(
                    &features,
                    &curvature.weights,
                    &task.mean_space(),
                    &line,
                    &format!("{when}, {} ({row}, {col})", matrix.name()),
                );
            }
        }
    }
}

/// At x = 0 with orthonormal means all weights of `H_cc` are `w = (1/k)(1-1/k)`: a spiked covariance matrix.
#[test]
fn the_closed_form_at_zero_is_met_within_sampling_error() {
    use_one_thread();
    let (k, lambda, phi, d) = (5.0_f64, 30.0_f64, 10.0_f64, 400.0_f64);
    let (w, s) = ((1.0 / k) * (1.0 - 1.0 / k), lambda / k);
    let position = (w / lambda) * (1.0 + s) * (1.0 + 1.0 / (phi * s));
    let squared_overlap = (1.0 - 1.0 / (phi * s * s)) / (1.0 + 1.0 / (phi * s));
    let edge = (w / lambda) * (1.0 + 1.0 / phi.sqrt()).powi(2);
    let model =
        Flat { task: Kind::mixture(5), d: 400, lambda, beta: 0.05, c: 1.0, phi, start: Start::default() };
    let task = task::build(&model.problem());
    let (mut positions, mut overlaps, mut edges) = (vec![], vec![], vec![]);
    for replicate in 0..8 {
        let seed = Seed { root: 0, experiment: "gmm-zero".to_owned(), replicate };
        let sample = Sample::first(task.law(), &seed, Purpose::Test, model.sample_size());
        let zero = vec![Array2::zeros((5, 400))];
        let at = task.evaluate(&zero, &sample);
        let block = Block::diagonal(X, replicate % 5);
        let matrix =
            BlockMatrix::new(task.curvature(Matrix::Hessian, block, &zero, &at.outputs, &sample).unwrap());
        let pairs = matrix.top(6).unwrap();
        positions.push(pairs[..5].iter().map(|pair| pair.value).sum::<f64>() / 5.0);
        let inside = task.mean_space().t().dot(&leading_space(&pairs, 5).unwrap());
        overlaps.push(inside.iter().map(|entry| entry * entry).sum::<f64>() / 5.0);
        edges.push(pairs[5].value);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / 8.0;
    let error = |values: &[f64]| {
        (values.iter().map(|value| (value - mean(values)).powi(2)).sum::<f64>() / 7.0 / 8.0).sqrt()
    };
    for (what, values, law) in [("outlier", &positions, position), ("overlap", &overlaps, squared_overlap)] {
        let off = mean(values) - law;
        // Four standard errors, and the finite-size shift of order 1/d.
        assert!(
            off.abs() < 4.0 * error(values) + law / d,
            "{what}: {} ± {}, law {law}",
            mean(values),
            error(values)
        );
        assert!(error(values) < 0.01 * law, "{what}: the test has power");
    }
    // The largest eigenvalue of the bulk follows Tracy and Widom about the edge (mean -1.21, deviation 1.27 scales).
    let n = phi * d;
    let root = n.sqrt() + d.sqrt();
    let scale = (w / lambda) * root * (1.0 / n.sqrt() + 1.0 / d.sqrt()).cbrt() / n;
    for value in &edges {
        let shifted = (value - edge) / scale;
        assert!((-5.5..3.0).contains(&shifted), "{shifted} Tracy-Widom scales above the edge");
    }
    assert!((mean(&edges) - edge) / scale < 0.0, "the mean lies below the edge");
    // Below the threshold k/√φ nothing leaves the bulk.
    let model = Flat { lambda: 0.5, ..model };
    let task = task::build(&model.problem());
    let seed = Seed { root: 0, experiment: "gmm-zero".to_owned(), replicate: 0 };
    let sample = Sample::first(task.law(), &seed, Purpose::Test, model.sample_size());
    let zero = vec![Array2::zeros((5, 400))];
    let at = task.evaluate(&zero, &sample);
    let matrix = BlockMatrix::new(
        task.curvature(Matrix::Hessian, Block::diagonal(X, 0), &zero, &at.outputs, &sample).unwrap(),
    );
    let edge = (w / 0.5) * (1.0 + 1.0 / phi.sqrt()).powi(2);
    let scale = scale * lambda / 0.5;
    assert!((matrix.top(1).unwrap()[0].value - edge) / scale < 3.0);
}
