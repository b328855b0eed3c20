use ndarray::{Array2, Axis, array, s};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::theory::effective_spectrum::EffectiveSpectrum;
use spectral_alignment::theory::xor_law::{XorLaw, second_layer_threshold};
use spectral_alignment::theory::{Matrix, Weights};

use crate::effective_spectrum::{Gaussian, close};

pub(crate) const MATRICES: [Matrix; 2] = [Matrix::Hessian, Matrix::Gradient];

/// A network and its data, with `μ = e_1` and `ν = e_2`.
pub(crate) struct Network {
    pub(crate) w: Array2<f64>,
    pub(crate) v: Vec<f64>,
    pub(crate) lambda: f64,
}

/// One sample and what the network makes of it, by definition.
pub(crate) struct Drawn {
    pub(crate) y: Vec<f64>,
    relu: Vec<f64>,
    residual: f64,
    curvature: f64,
}

impl Network {
    /// Independent `N(0, scale²)` entries everywhere.
    pub(crate) fn random(neurons: usize, d: usize, scale: f64, lambda: f64, seed: u64) -> Self {
        let mut random = Gaussian::new(seed);
        let w = Array2::from_shape_fn((neurons, d), |_| scale * random.draw());
        Self { w, v: (0..neurons).map(|_| random.draw()).collect(), lambda }
    }

    /// Neurons along ±μ, ±ν in turn with `noise` in every entry, and second-layer weights of the right signs and about the
    /// same size, so that `|f|` is about 2.25 at the means.
    pub(crate) fn trained(neurons: usize, d: usize, noise: f64, lambda: f64) -> Self {
        let mut network = Self::random(neurons, d, noise, lambda, 5);
        let size = 1.5 / (neurons as f64 / 4.0).sqrt();
        for i in 0..neurons {
            network.w[[i, (i / 2) % 2]] += if i % 2 == 0 { size } else { -size };
            network.v[i] = if (i / 2) % 2 == 0 { size } else { -size } + 0.1 * network.v[i];
        }
        network
    }

    pub(crate) fn d(&self) -> usize {
        self.w.ncols()
    }

    fn gram(&self) -> Array2<f64> {
        let means = Array2::from_shape_fn((2, self.d()), |(b, i)| f64::from(u8::from(b == i)));
        let all = ndarray::concatenate(Axis(0), &[self.w.view(), means.view()]).unwrap();
        all.dot(&all.t())
    }

    fn law(&self) -> XorLaw {
        XorLaw::new(&self.gram(), &self.v, self.lambda).unwrap()
    }

    pub(crate) fn law_with(&self, nodes_per_cluster: usize) -> XorLaw {
        XorLaw::with_nodes(&self.gram(), &self.v, self.lambda, nodes_per_cluster).unwrap()
    }

    /// Sample number `index`: the clusters take turns.
    pub(crate) fn draw(&self, index: usize, random: &mut Gaussian) -> Drawn {
        let mut y: Vec<f64> = (0..self.d()).map(|_| random.draw() / self.lambda.sqrt()).collect();
        y[(index % 4) / 2] += if index.is_multiple_of(2) { 1.0 } else { -1.0 };
        let label = if index % 4 < 2 { 1.0 } else { 0.0 };
        let inner = |row: ndarray::ArrayView1<f64>| row.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>();
        let relu: Vec<f64> = self.w.outer_iter().map(|row| inner(row).max(0.0)).collect();
        let f: f64 = relu.iter().zip(&self.v).map(|(a, b)| a * b).sum();
        let sigma = 1.0 / (1.0 + (-f).exp());
        Drawn { y, relu, residual: sigma - label, curvature: sigma * (1.0 - sigma) }
    }
}

impl Drawn {
    fn weight(&self, matrix: Matrix) -> f64 {
        if matrix == Matrix::Hessian { self.curvature } else { self.residual * self.residual }
    }

    pub(crate) fn block_weight(&self, network: &Network, matrix: Matrix, i: usize, j: usize) -> f64 {
        let open = |i: usize| f64::from(u8::from(self.relu[i] > 0.0));
        self.weight(matrix) * network.v[i] * network.v[j] * open(i) * open(j)
    }
}

/// Mean over samples of a matrix given entry by entry, with its standard errors.
fn sampled_mean(
    network: &Network,
    count: usize,
    size: usize,
    entry: impl Fn(&Drawn, usize, usize) -> f64,
) -> (Array2<f64>, Array2<f64>) {
    let mut random = Gaussian::new(11);
    let (mut sum, mut squares) = (Array2::<f64>::zeros((size, size)), Array2::<f64>::zeros((size, size)));
    for index in 0..count {
        let drawn = network.draw(index, &mut random);
        for i in 0..size {
            for j in 0..size {
                let value = entry(&drawn, i, j);
                sum[[i, j]] += value;
                squares[[i, j]] += value * value;
            }
        }
    }
    let n = count as f64;
    let mean = sum / n;
    let error = (squares / n - &mean * &mean).mapv(|variance| (variance / n).sqrt());
    (mean, error)
}

/// Entries agree within 4 standard errors and a share of the largest entry.
fn agree(found: &Array2<f64>, (mean, error): &(Array2<f64>, Array2<f64>), share: f64) {
    let largest = mean.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for ((place, value), (mean, error)) in found.indexed_iter().zip(mean.iter().zip(error)) {
        let gap = (value - mean).abs();
        assert!(gap < 4.0 * error + share * largest, "{place:?}: {value} instead of {mean} ± {error}");
    }
}

#[test]
fn second_layer_against_samples() {
    for (network, count) in [
        (Network::random(4, 9, 0.7, 5.0, 1), 200_000),
        (Network::trained(4, 9, 0.2, 5.0), 200_000),
        (Network::random(20, 30, 0.3, 20.0, 3), 20_000),
    ] {
        let law = network.law_with(8192);
        for matrix in MATRICES {
            let reference = sampled_mean(&network, count, network.v.len(), |drawn, i, j| {
                drawn.weight(matrix) * drawn.relu[i] * drawn.relu[j]
            });
            agree(&law.second_layer(matrix), &reference, 0.01);
        }
    }
}

#[test]
fn first_layer_against_samples() {
    // The block E[f Y Yᵀ] between the vectors of V, which does not depend on the basis.
    for network in [Network::random(3, 8, 0.7, 5.0, 1), Network::trained(4, 8, 0.2, 5.0)] {
        let (law, count) = (network.law_with(8192), network.v.len());
        let vector = |a: usize| if a < count { law.neurons.row(a) } else { law.means.row(2 * (a - count)) };
        for (matrix, i, j) in [
            (Matrix::Hessian, 0, 0),
            (Matrix::Gradient, 0, 0),
            (Matrix::Hessian, 0, 2),
            (Matrix::Gradient, 1, 2),
        ] {
            let reference = sampled_mean(&network, 100_000, count + 2, |drawn, a, b| {
                let along = |a: usize| {
                    if a < count {
                        network.w.row(a).iter().zip(&drawn.y).map(|(p, q)| p * q).sum()
                    } else {
                        drawn.y[a - count]
                    }
                };
                let (left, right): (f64, f64) = (along(a), along(b));
                drawn.block_weight(&network, matrix, i, j) * left * right
            });
            let weights = law.first_layer(matrix, i, j).unwrap();
            let block = law.nodes.weighted_second_moment(|node| weights[node]);
            let found =
                Array2::from_shape_fn((count + 2, count + 2), |(a, b)| vector(a).dot(&block.dot(&vector(b))));
            agree(&found, &reference, 0.01);
        }
        let probabilities = &law.nodes.masses;
        let shut: f64 = law
            .first_layer(Matrix::Hessian, 1, 1)
            .unwrap()
            .iter()
            .zip(probabilities)
            .filter(|(weight, _)| **weight == 0.0)
            .map(|(_, mass)| mass)
            .sum();
        close(shut, 0.5, 1e-12);
    }
}

#[test]
fn one_neuron_against_an_integral() {
    // t = W·Y is N(±0.8, s²/λ) or N(±0.5, s²/λ), and μ·Y given t is Gaussian too.
    let (lambda, v) = (7.0, -1.3_f64);
    let w = array![[0.8, 0.5, 0.6, 0.0]];
    let squared: f64 = w.iter().map(|x| x * x).sum();
    let law = XorLaw::new(&Network { w: w.clone(), v: vec![v], lambda }.gram(), &[v], lambda).unwrap();
    assert_eq!((law.means.ncols(), law.sampled), (3, 1));
    for matrix in MATRICES {
        let (mut second, mut first) = (0.0, 0.0);
        for (mean, along, label) in [(0.8, 1.0, 1.0), (-0.8, -1.0, 1.0), (0.5, 0.0, 0.0), (-0.5, 0.0, 0.0)] {
            let deviation = (squared / lambda).sqrt();
            let step = 1e-4;
            for i in 0..100_000 {
                let t = (f64::from(i) + 0.5) * step;
                let z = (t - mean) / deviation;
                let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / deviation;
                let sigma = 1.0 / (1.0 + (-v * t).exp());
                let weight = match matrix {
                    Matrix::Hessian => sigma * (1.0 - sigma),
                    Matrix::Gradient => (sigma - label) * (sigma - label),
                };
                let projected = along + 0.8 / squared * (t - mean);
                let variance = (1.0 - 0.64 / squared) / lambda;
                second += 0.25 * step * density * weight * t * t;
                first += 0.25 * step * density * weight * v * v * (projected * projected + variance);
            }
        }
        close(law.second_layer(matrix)[[0, 0]], second, 1e-3);
        let weights = law.first_layer(matrix, 0, 0).unwrap();
        let block = law.nodes.weighted_second_moment(|node| weights[node]);
        close(law.means.row(0).dot(&block.dot(&law.means.row(0))), first, 2e-3);
    }
}

#[test]
fn second_layer_at_the_start_has_the_closed_form() {
    let pi = std::f64::consts::PI;
    for neurons in [1_usize, 4, 8, 20] {
        // Orthonormal rows that do not see the means.
        let lambda = 0.3;
        let law = XorLaw::new(&Array2::eye(neurons + 2), &vec![0.0; neurons], lambda).unwrap();
        let gradient = law.second_layer(Matrix::Gradient);
        assert!((&gradient - &law.second_layer(Matrix::Hessian)).iter().all(|gap| gap.abs() < 1e-15));
        let eigen = law.second_layer_spectrum(Matrix::Hessian).unwrap();
        let small = 0.5 - 0.5 / pi;
        close(4.0 * lambda * eigen.values[0], small + neurons as f64 / (2.0 * pi), 0.01);
        close(eigen.vectors.column(0).sum().abs(), (neurons as f64).sqrt(), 1e-3);
        for value in eigen.values.iter().skip(1) {
            close(4.0 * lambda * value, small, 0.15);
        }
        let mean: f64 = eigen.values.iter().sum();
        close(4.0 * lambda * mean, 0.5 * neurons as f64, 1e-9);
    }
    // The arc-cosine kernel of rows at any angle (Cho and Saul 2009).
    let mut network = Network::random(5, 12, 0.5, 2.0, 8);
    network.w.slice_mut(s![.., ..2]).fill(0.0);
    network.v.fill(0.0);
    let block = network.law().second_layer(Matrix::Hessian);
    let gram = network.w.dot(&network.w.t());
    for ((i, j), value) in block.indexed_iter() {
        let lengths = (gram[[i, i]] * gram[[j, j]]).sqrt();
        let angle = (gram[[i, j]] / lengths).clamp(-1.0, 1.0).acos();
        let kernel = lengths * (angle.sin() + (pi - angle) * angle.cos()) / (2.0 * pi);
        assert!((value - 0.25 * kernel / 2.0).abs() < 0.003 * lengths, "({i}, {j}): {value} {kernel}");
    }
    // Rows N(0, I/d) as SGD starts from.
    let (d, neurons) = (2000, 8);
    let mut start = Network::random(neurons, d, 1.0 / (d as f64).sqrt(), 20.0, 4);
    start.v.fill(1e-6);
    let values = start.law().second_layer_spectrum(Matrix::Hessian).unwrap().values;
    close(80.0 * values[0], 0.341 + 0.159 * 8.0, 0.1);
    close(80.0 * values.iter().skip(1).sum::<f64>() / 7.0, 0.341, 0.1);
}

#[test]
fn tiny_weights_keep_their_relative_accuracy() {
    let gram =
        Network { w: array![[40.0, 0.0, 1.0], [0.0, 50.0, 1.0]], v: vec![1.0, -1.0], lambda: 50.0 }.gram();
    let law = XorLaw::new(&gram, &[1.0, -1.0], 50.0).unwrap();
    let mut met = 0;
    for (node, (f, cluster)) in law.outputs.iter().zip(&law.clusters).enumerate() {
        if f.abs() > 38.0 {
            met += 1;
            close(law.sample_weights(Matrix::Hessian)[node], (-f.abs()).exp(), 1e-13);
            let right = (*f > 0.0) == (*cluster < 2);
            let expected = if right { (-2.0 * f.abs()).exp() } else { 1.0 };
            close(law.sample_weights(Matrix::Gradient)[node], expected, 1e-13);
        }
    }
    assert!(met > 500);
}

#[test]
fn exchanging_the_means_exchanges_the_labels() {
    let network = Network::random(5, 9, 0.6, 6.0, 2);
    let mut swapped = network.w.clone();
    for (column, other) in [(0, 1), (1, 0)] {
        swapped.column_mut(column).assign(&network.w.column(other));
    }
    let negative: Vec<f64> = network.v.iter().map(|v| -v).collect();
    let other = Network { w: swapped, v: negative, lambda: 6.0 };
    // Clusters and rows in another order.
    let order = [3, 0, 4, 1, 2];
    let permuted = Network {
        w: network.w.select(Axis(0), &order),
        v: order.iter().map(|&i| network.v[i]).collect(),
        lambda: 6.0,
    };
    let (law, mirrored, permuted) = (network.law(), other.law(), permuted.law());
    for matrix in MATRICES {
        let (plain, turned) = (law.second_layer(matrix), mirrored.second_layer(matrix));
        assert!((&plain - &turned).iter().all(|gap| gap.abs() < 1e-12));
        let moved = permuted.second_layer(matrix);
        let scale = plain.diag().sum();
        for ((i, j), value) in moved.indexed_iter() {
            assert!((value - plain[[order[i], order[j]]]).abs() < 5e-3 * scale);
        }
        let spectrum = |law: &XorLaw, i: usize| {
            let weights = Weights::discrete(law.first_layer(matrix, i, i).unwrap());
            EffectiveSpectrum::new(&law.nodes, &weights, 10.0, 6.0).unwrap().outliers().unwrap()
        };
        let (plain, turned, moved) = (spectrum(&law, 3), spectrum(&mirrored, 3), spectrum(&permuted, 0));
        assert!(!plain.is_empty() && plain.len() == turned.len() && !moved.is_empty());
        for (a, b) in plain.iter().zip(&turned) {
            close(b.position, a.position, 1e-9);
            close(b.overlap_with_span(&mirrored.means_basis), a.overlap_with_span(&law.means_basis), 1e-8);
        }
        close(moved[0].position, plain[0].position, 0.02);
    }
}

#[test]
fn degenerate_networks() {
    let means = |neurons: usize| {
        let mut gram = Array2::zeros((neurons + 2, neurons + 2));
        gram[[neurons, neurons]] = 1.0;
        gram[[neurons + 1, neurons + 1]] = 1.0;
        gram
    };
    // W = 0: every gate is shut.
    let dead = XorLaw::new(&means(3), &[1.0, -1.0, 0.5], 4.0).unwrap();
    assert_eq!((dead.means.ncols(), dead.sampled, dead.nodes.masses.len()), (2, 0, 4));
    assert_eq!(dead.clusters, [0, 1, 2, 3]);
    assert!(dead.second_layer(Matrix::Gradient).iter().all(|value| *value == 0.0));
    assert!(dead.first_layer(Matrix::Hessian, 0, 1).unwrap().iter().all(|value| *value == 0.0));
    assert_eq!(dead.operator_norm().unwrap(), 0.0);
    let nothing = Weights::discrete(dead.first_layer(Matrix::Hessian, 0, 0).unwrap());
    let nothing = EffectiveSpectrum::new(&dead.nodes, &nothing, 5.0, 4.0).unwrap();
    assert_eq!(nothing.mass_at_zero(), 1.0);
    assert!(nothing.outliers().unwrap().is_empty() && nothing.bands().is_empty());
    // A dead neuron beside others changes nothing for them.
    let pair =
        Network { w: array![[0.9, 0.2, 0.4, 0.0], [-0.1, 0.7, 0.0, 0.3]], v: vec![1.0, -0.8], lambda: 4.0 };
    let mut three = Network { w: Array2::zeros((3, 4)), v: vec![1.0, 5.0, -0.8], lambda: 4.0 };
    three.w.row_mut(0).assign(&pair.w.row(0));
    three.w.row_mut(2).assign(&pair.w.row(1));
    let (two, three) = (pair.law(), three.law());
    assert_eq!(three.sampled, 2);
    for matrix in MATRICES {
        let (a, b) = (two.second_layer(matrix), three.second_layer(matrix));
        close(b[[0, 2]], a[[0, 1]], 1e-12);
        assert_eq!(b[[1, 1]], 0.0);
    }
    // Parallel rows are one neuron: v adds up in f. Opposite ones are never open together.
    let rows = Network {
        w: array![[0.9, 0.2, 0.4], [1.8, 0.4, 0.8], [-0.9, -0.2, -0.4]],
        v: vec![0.5, 0.25, 0.0],
        lambda: 4.0,
    };
    let parallel = rows.law();
    let single = Network { w: array![[0.9, 0.2, 0.4]], v: vec![1.0], lambda: 4.0 }.law();
    assert_eq!((parallel.means.ncols(), parallel.sampled), (3, 1));
    let (many, one) = (parallel.second_layer(Matrix::Gradient), single.second_layer(Matrix::Gradient));
    close(many[[0, 0]], one[[0, 0]], 1e-9);
    close(many[[0, 1]], 2.0 * one[[0, 0]], 1e-9);
    assert_eq!(many[[0, 2]], 0.0);
    assert!(parallel.first_layer(Matrix::Hessian, 0, 2).unwrap().iter().all(|value| *value == 0.0));
    // W within Span(μ, ν), more neurons than its dimension; K + 2 vectors of rank 2.
    let planar = Network::random(6, 2, 1.0, 4.0, 9);
    let law = planar.law_with(8192);
    assert_eq!((law.means.ncols(), law.sampled, law.means_basis.ncols()), (2, 2, 2));
    let reference = sampled_mean(&planar, 100_000, 6, |drawn, i, j| {
        drawn.weight(Matrix::Gradient) * drawn.relu[i] * drawn.relu[j]
    });
    agree(&law.second_layer(Matrix::Gradient), &reference, 0.01);
    let gram = planar.gram();
    for i in 0..6 {
        assert!((law.neurons.row(i).dot(&law.means.row(3)) + gram[[i, 7]]).abs() < 1e-12);
        assert!((law.neurons.row(i).dot(&law.neurons.row(2)) - gram[[i, 2]]).abs() < 1e-12);
    }
    // A row a million times shorter keeps its own direction.
    let mut uneven = pair.w.clone();
    uneven.row_mut(1).mapv_inplace(|entry| 1e-9 * entry);
    assert_eq!(Network { w: uneven, v: vec![1.0, 1.0], lambda: 4.0 }.law().sampled, 2);
    // What is refused.
    assert!(XorLaw::new(&means(0), &[], 1.0).is_err());
    assert!(XorLaw::new(&means(2), &[1.0], 1.0).is_err());
    assert!(XorLaw::new(&means(1), &[f64::NAN], 1.0).is_err());
    assert!(XorLaw::new(&means(1), &[1.0], 0.0).is_err());
    assert!(XorLaw::with_nodes(&Array2::eye(6), &[1.0; 4], 1.0, 10).is_err());
    let mut indefinite = Array2::eye(3);
    (indefinite[[0, 1]], indefinite[[1, 0]]) = (2.0, 2.0);
    assert!(XorLaw::new(&indefinite, &[1.0], 1.0).is_err());
    assert!(single.first_layer(Matrix::Hessian, 0, 1).is_err());
}

#[test]
fn at_most_four_eigenvalues_exceed_the_level() {
    for (neurons, scale, lambda, seed) in
        [(8, 0.3, 20.0, 1), (12, 0.05, 100.0, 2), (20, 1.0, 3.0, 3), (9, 0.2, 0.5, 4)]
    {
        let random = Network::random(neurons, 40, scale, lambda, seed);
        let trained = Network::trained(neurons, 40, scale, lambda);
        for network in [random, trained] {
            let law = network.law();
            let norm = network.w.dot(&network.w.t()).eigh(UPLO::Lower).unwrap().0[neurons - 1].sqrt();
            close(law.operator_norm().unwrap(), norm, 1e-10);
            for matrix in MATRICES {
                let values = law.second_layer_spectrum(matrix).unwrap().values;
                assert!(values[4] <= 0.5 * second_layer_threshold(matrix, norm, lambda), "{values}");
            }
        }
    }
    // One outlier at the start, four once the classifier is good.
    let mut start = Network::random(12, 3000, 1.0 / 3000.0_f64.sqrt(), 100.0, 6);
    start.v.fill(0.0);
    for (network, outliers) in [(start, 1), (Network::trained(12, 40, 0.02, 100.0), 4)] {
        let law = network.law();
        let level = second_layer_threshold(Matrix::Hessian, law.operator_norm().unwrap(), network.lambda);
        let values = law.second_layer_spectrum(Matrix::Hessian).unwrap().values;
        assert_eq!(values.iter().filter(|value| **value > level).count(), outliers, "{values} {level}");
    }
    assert_eq!(second_layer_threshold(Matrix::Gradient, 3.0, 2.0), 4.5);
    assert_eq!(second_layer_threshold(Matrix::Hessian, 3.0, 2.0), 1.125);
}
