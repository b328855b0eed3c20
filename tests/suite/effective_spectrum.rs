//! The effective spectral theory against closed forms and against small dense simulations written here.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "small counts, and the names of the formulas"
)]

use ndarray::{Array1, Array2, Axis, array, s};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};
use spectral_alignment::theory::effective_spectrum::{EffectiveSpectrum, Outlier, Side};
use spectral_alignment::theory::jacobi::symmetric_eigen;
use spectral_alignment::theory::joint::overlap;
use spectral_alignment::theory::mixture_law::MixtureLaw;
use spectral_alignment::theory::{Matrix, NodeSet, Weights, gaussian_nodes};

/// Gram matrix of the rows of `x` followed by the rows of `means`.
fn gram(x: &Array2<f64>, means: &Array2<f64>) -> Array2<f64> {
    let all = ndarray::concatenate(Axis(0), &[x.view(), means.view()]).unwrap();
    all.dot(&all.t())
}

fn uniform_law(x: &Array2<f64>, means: &Array2<f64>, lambda: f64) -> MixtureLaw {
    let k = means.nrows();
    MixtureLaw::new(&gram(x, means), x.nrows(), &vec![1.0 / k as f64; k], lambda).unwrap()
}

/// `x = 0`, orthonormal means, equal probabilities.
fn start(k: usize, lambda: f64) -> MixtureLaw {
    uniform_law(&Array2::zeros((k, k)), &Array2::eye(k), lambda)
}

fn spectrum(law: &MixtureLaw, block: (Matrix, usize, usize), ratio: f64, lambda: f64) -> EffectiveSpectrum {
    let weights = law.weights(block.0, block.1, block.2).unwrap();
    EffectiveSpectrum::new(&law.nodes, &weights, ratio, lambda).unwrap()
}

pub(crate) fn close(value: f64, expected: f64, relative: f64) {
    assert!((value - expected).abs() <= relative * expected.abs(), "{value} instead of {expected}");
}

fn integral(curve: &[(f64, f64)]) -> f64 {
    curve.windows(2).map(|pair| 0.5 * (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1)).sum()
}

/// A spectrum without projection: `V` has dimension 0 and `f` takes the given values.
pub(crate) fn bulk_only(values: &[f64], masses: &[f64], ratio: f64, lambda: f64) -> EffectiveSpectrum {
    let masses = Array1::from(masses.to_vec());
    let nodes = NodeSet::new(Array2::zeros((values.len(), 0)), masses, Array1::zeros(0)).unwrap();
    let weights = Weights::discrete(Array1::from(values.to_vec()));
    EffectiveSpectrum::new(&nodes, &weights, ratio, lambda).unwrap()
}

#[test]
fn hessian_at_the_start_has_the_closed_form() {
    for (k, lambda, ratio) in [(10, 10.0, 10.0), (5, 7.0, 2.0), (4, 30.0, 0.5), (3, 300.0, 0.1)] {
        let law = start(k, lambda);
        assert_eq!((law.means.ncols(), law.sampled), (k, 0));
        let prediction = spectrum(&law, (Matrix::Hessian, 1, 1), ratio, lambda);
        let weight = (1.0 - 1.0 / k as f64) / k as f64;
        let strength = lambda / k as f64;
        let edge = |sign: f64| weight / lambda * (1.0 + sign / ratio.sqrt()) * (1.0 + sign / ratio.sqrt());
        close(prediction.right_edge().position, edge(1.0), 1e-12);
        close(prediction.left_edge().position, edge(-1.0), 1e-12);
        let outliers = prediction.outliers().unwrap();
        assert_eq!(outliers.len(), k);
        let noise = 1.0 / (ratio * strength);
        for outlier in &outliers {
            assert_eq!(outlier.side, Side::Above);
            close(outlier.position, weight / lambda * (1.0 + strength) * (1.0 + noise), 1e-11);
            let overlap = (1.0 - noise / strength) / (1.0 + noise);
            close(outlier.overlap_with_space(), overlap, 1e-9);
            close(outlier.overlap_with_span_of_means(&law), overlap, 1e-9);
        }
        // Degenerate vectors are orthogonal, so each direction of V is covered once.
        let covered: f64 = outliers.iter().map(|outlier| outlier.overlap_with(&law.means.row(0))).sum();
        close(covered, outliers[0].overlap_with_space(), 1e-9);
    }
}

#[test]
fn hessian_example_in_numbers() {
    let law = start(10, 10.0);
    let prediction = spectrum(&law, (Matrix::Hessian, 0, 0), 10.0, 10.0);
    let outlier = &prediction.outliers().unwrap()[0];
    close(prediction.right_edge().position, 0.015_592_099_788_303_083, 1e-6);
    close(outlier.position, 0.0198, 1e-6);
    close(outlier.overlap_with_space(), 9.0 / 11.0, 1e-6);
}

#[test]
fn outliers_appear_exactly_at_the_threshold() {
    let (k, ratio) = (5, 10.0_f64);
    let threshold = k as f64 / ratio.sqrt();
    for (lambda, count) in [(0.01, 0), (threshold * (1.0 - 1e-5), 0), (threshold * (1.0 + 1e-5), k)] {
        let prediction = spectrum(&start(k, lambda), (Matrix::Hessian, 0, 0), ratio, lambda);
        assert_eq!(prediction.outliers().unwrap().len(), count, "λ = {lambda}");
    }
}

#[test]
fn thresholds_of_the_first_and_of_all_outliers() {
    // k = 5, φ = 10. An outlier along μ_b leaves the bulk where y = f_b (1 + λφ/k) meets the edge, h(y) = 1.
    let count = |matrix: Matrix, lambda: f64| {
        spectrum(&start(5, lambda), (matrix, 2, 2), 10.0, lambda).outliers().unwrap().len()
    };
    let threshold = |matrix: Matrix, wanted: usize| {
        let (mut low, mut high) = (0.1, 1000.0);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if count(matrix, middle) >= wanted { high = middle } else { low = middle }
        }
        high
    };
    close(threshold(Matrix::Hessian, 1), 5.0 / 10.0_f64.sqrt(), 1e-6);
    close(threshold(Matrix::Hessian, 5), 5.0 / 10.0_f64.sqrt(), 1e-6);
    let (own, other) = (0.64, 0.04);
    let h = |y: f64| {
        let term = |f: f64| (f / (y - f)) * (f / (y - f));
        10.0 * (0.2 * term(own) + 0.8 * term(other))
    };
    let leading = threshold(Matrix::Gradient, 1);
    close(h(own * (1.0 + 2.0 * leading)), 1.0, 1e-6);
    close(leading, 0.7091, 1e-3);
    let all = threshold(Matrix::Gradient, 5);
    close(h(other * (1.0 + 2.0 * all)), 1.0, 1e-6);
    close(all, 18.83, 1e-2);
}

#[test]
fn gradient_matrix_at_the_start_splits_into_one_and_the_rest() {
    // F is diagonal in the means, and z(y) = F_bb(y) reduces to y = f_b (1 + λφ p_b).
    let (k, lambda, ratio) = (5_usize, 60.0, 10.0);
    let law = start(k, lambda);
    let prediction = spectrum(&law, (Matrix::Gradient, 2, 2), ratio, lambda);
    let p = 1.0 / k as f64;
    let (own, other) = ((1.0 - p) * (1.0 - p), p * p);
    let z = |y: f64| y / lambda * (1.0 / ratio + p * own / (y - own) + (1.0 - p) * other / (y - other));
    let outliers = prediction.outliers().unwrap();
    assert_eq!(outliers.len(), k);
    close(outliers[0].position, z(own * (1.0 + lambda * ratio * p)), 1e-10);
    for outlier in &outliers[1..] {
        close(outlier.position, z(other * (1.0 + lambda * ratio * p)), 1e-10);
        assert!(outlier.overlap_with(&law.means.row(2)) < 1e-12);
    }
    close(outliers[0].overlap_with(&law.means.row(2)), outliers[0].overlap_with_space(), 1e-10);
    // The ratio tends to (k-1)² as λ grows.
    let far = spectrum(&start(k, 1e6), (Matrix::Gradient, 2, 2), ratio, 1e6).outliers().unwrap();
    close(far[0].position / far[1].position, 16.0, 1e-3);
}

#[test]
fn constant_weights_give_marchenko_pastur() {
    for (ratio, lambda) in [(10.0_f64, 1.0), (2.0, 30.0), (0.3, 4.0), (0.05, 1.0)] {
        let prediction = bulk_only(&[0.7], &[1.0], ratio, lambda);
        let root = ratio.sqrt();
        let unit = 0.7 / (lambda * ratio);
        let (low, high) = (unit * (1.0 - root) * (1.0 - root), unit * (1.0 + root) * (1.0 + root));
        close(prediction.left_edge().position, low, 1e-10);
        close(prediction.right_edge().position, high, 1e-12);
        close(1.0 - prediction.mass_at_zero(), ratio.min(1.0), 1e-12);
        let closed = |x: f64| ((x - low) * (high - x)).sqrt() / (2.0 * std::f64::consts::PI * unit * x);
        let curve = prediction.density_grid(400).unwrap();
        for &(x, density) in curve.iter().filter(|(x, _)| *x > low * 1.000_001 && *x < high * 0.999_999) {
            close(density, closed(x), 1e-6);
        }
        let middle = 0.5 * (low + high);
        close(prediction.density(middle).unwrap(), closed(middle), 1e-9);
        close(integral(&curve) + prediction.mass_at_zero(), 1.0, 1e-3);
        // Tracy-Widom scale of a Wishart matrix (Johnstone 2001), λ = 1 and f = 1 up to the unit.
        let (d, n) = (500.0_f64, 500.0 * ratio);
        let johnstone = (n.sqrt() + d.sqrt()) * libm::cbrt(1.0 / n.sqrt() + 1.0 / d.sqrt()) / n;
        close(prediction.right_edge().tracy_widom_scale(d).unwrap(), 0.7 / lambda * johnstone, 1e-9);
    }
    let hard = bulk_only(&[1.0], &[1.0], 1.0, 1.0);
    assert!(hard.left_edge().position.abs() < 1e-20);
    close(integral(&hard.density_grid(600).unwrap()), 1.0, 1e-3);
}

#[test]
fn densities_integrate_to_one() {
    let cases: [(&[f64], &[f64], f64, usize); 6] = [
        (&[0.04, 0.64], &[0.8, 0.2], 10.0, 1),
        (&[0.001, 1.0], &[0.5, 0.5], 1.6, 2),
        (&[0.001, 1.0], &[0.5, 0.5], 0.4, 2),
        (&[0.0, 0.5, 1.0], &[0.5, 0.3, 0.2], 1.2, 1),
        (&[-0.16, 0.04], &[0.4, 0.6], 10.0, 1),
        (&[-1.0, 1.0], &[0.5, 0.5], 0.2, 2),
    ];
    for (values, masses, ratio, bands) in cases {
        let prediction = bulk_only(values, masses, ratio, 3.0);
        let curve = prediction.density_grid(1200).unwrap();
        assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        close(integral(&curve) + prediction.mass_at_zero(), 1.0, 1e-3);
        assert_eq!(prediction.bands().len(), bands, "{values:?}: {:?}", prediction.bands());
        // The first moment of the limit is E[f]/λ.
        let tilted: Vec<(f64, f64)> = curve.iter().map(|&(x, density)| (x, x * density)).collect();
        let mean: f64 = values.iter().zip(masses).map(|(f, p)| f * p).sum::<f64>() / 3.0;
        assert!((integral(&tilted) - mean).abs() < 2e-3 / 3.0, "{} {mean}", integral(&tilted));
    }
}

#[test]
fn trained_blocks_integrate_to_one() {
    let k = 5;
    let means = Array2::<f64>::eye(k);
    let x = (&means - 0.2) * 3.0;
    for lambda in [5.0, 100.0] {
        let law = uniform_law(&x, &means, lambda);
        assert_eq!((law.means.ncols(), law.sampled), (k, k - 1));
        for block in [(Matrix::Hessian, 0, 0), (Matrix::Gradient, 0, 0), (Matrix::Gradient, 0, 1)] {
            for ratio in [10.0, 0.5] {
                let prediction = spectrum(&law, block, ratio, lambda);
                let curve = prediction.density_grid(1500).unwrap();
                close(integral(&curve) + prediction.mass_at_zero(), 1.0, 3e-3);
            }
        }
    }
}

#[test]
fn weights_that_vanish_leave_everything_at_zero() {
    let prediction = bulk_only(&[0.0], &[1.0], 3.0, 1.0);
    assert_eq!((prediction.mass_at_zero(), prediction.bands().len()), (1.0, 0));
    assert!(prediction.density_grid(100).unwrap().is_empty() && prediction.outliers().unwrap().is_empty());
    let negative = bulk_only(&[-0.7], &[1.0], 3.0, 2.0);
    let positive = bulk_only(&[0.7], &[1.0], 3.0, 2.0);
    close(-negative.left_edge().position, positive.right_edge().position, 1e-13);
    close(-negative.right_edge().position, positive.left_edge().position, 1e-13);
}

#[test]
fn a_thin_tail_puts_the_edge_at_the_endpoint() {
    // The law of f reaches 1 with too little mass near it for h = 1 to be met before.
    let nodes = NodeSet::new(Array2::zeros((1, 0)), Array1::ones(1), Array1::zeros(0)).unwrap();
    let weights = Weights { values: Array1::from(vec![0.2]), sup: 1.0, inf: 0.0 };
    let prediction = EffectiveSpectrum::new(&nodes, &weights, 1.0, 1.0).unwrap();
    close(prediction.right_edge().position, 1.25, 1e-12);
    assert!(prediction.right_edge().tracy_widom_scale(100.0).is_none());
    assert!(EffectiveSpectrum::new(&nodes, &Weights { sup: 0.1, ..weights.clone() }, 1.0, 1.0).is_err());
    assert!(EffectiveSpectrum::new(&nodes, &weights, 0.0, 1.0).is_err());
    assert!(EffectiveSpectrum::new(&nodes, &weights, 1.0, f64::NAN).is_err());
}

#[test]
fn bounds_of_the_weights() {
    let k = 4;
    let means = Array2::<f64>::eye(k);
    let trained = uniform_law(&((&means - 0.25) * 4.0), &means, 3.0);
    let bounds = |law: &MixtureLaw, matrix, a, b| {
        let weights = law.weights(matrix, a, b).unwrap();
        assert!(weights.values.iter().all(|f| (weights.inf..=weights.sup).contains(f)));
        (weights.inf, weights.sup)
    };
    assert_eq!(bounds(&trained, Matrix::Hessian, 0, 0), (0.0, 0.25));
    assert_eq!(bounds(&trained, Matrix::Hessian, 0, 1), (-0.25, 0.0));
    assert_eq!(bounds(&trained, Matrix::Gradient, 0, 0), (0.0, 1.0));
    assert_eq!(bounds(&trained, Matrix::Gradient, 0, 1), (-1.0, 0.25));
    // Equal rows, even if not 0, keep π constant: the weights are discrete.
    let equal = uniform_law(&Array2::from_elem((k, k), 0.7), &means, 3.0);
    assert_eq!((equal.sampled, equal.nodes.masses.len()), (0, k));
    assert_eq!(bounds(&equal, Matrix::Gradient, 0, 1), (-3.0 / 16.0, 1.0 / 16.0));
    assert_eq!(bounds(&equal, Matrix::Hessian, 0, 0), (3.0 / 16.0, 3.0 / 16.0));
    // Two classes leave no third label under which G_ab would be positive.
    let pair = Array2::<f64>::eye(2);
    assert_eq!(bounds(&uniform_law(&pair, &pair, 3.0), Matrix::Gradient, 0, 1), (-1.0, 0.0));
    assert!(trained.weights(Matrix::Hessian, 0, k).is_err());
}

#[test]
fn degenerate_gram_matrices() {
    let means = Array2::<f64>::eye(3);
    let mut twice = means.clone();
    twice.row_mut(2).assign(&means.row(1));
    let x = Array2::from_shape_fn((3, 3), |(a, i)| if a == i { 2.0 } else { -0.3 });
    let inside = uniform_law(&x, &means, 5.0);
    assert_eq!((inside.means.ncols(), inside.sampled, inside.means_basis.ncols()), (3, 2, 3));
    let duplicate = uniform_law(&Array2::zeros((3, 3)), &twice, 5.0);
    assert_eq!((duplicate.means.ncols(), duplicate.means_basis.ncols()), (2, 2));
    // Coordinates reproduce the Gram matrix.
    let wide = ndarray::concatenate(Axis(1), &[x.view(), (&x * 0.1).view(), Array2::eye(3).view()]).unwrap();
    let padded = ndarray::concatenate(Axis(1), &[means.view(), Array2::zeros((3, 6)).view()]).unwrap();
    let law = uniform_law(&wide, &padded, 5.0);
    assert_eq!(law.means.ncols(), 6);
    let expected = gram(&wide, &padded);
    for a in 0..3 {
        for b in 0..3 {
            assert!((law.parameters.row(a).dot(&law.parameters.row(b)) - expected[[a, b]]).abs() < 1e-12);
            assert!((law.parameters.row(a).dot(&law.means.row(b)) - expected[[a, 3 + b]]).abs() < 1e-12);
            assert!((law.means.row(a).dot(&law.means.row(b)) - expected[[3 + a, 3 + b]]).abs() < 1e-12);
        }
    }
    // Two nearly equal Gram matrices of different rank give nearly the same spectrum.
    let nearly = uniform_law(
        &(&wide * &Array1::from_iter((0..9).map(|i| if i < 3 { 1.0 } else { 1e-5 }))),
        &padded,
        5.0,
    );
    let near = spectrum(&nearly, (Matrix::Hessian, 0, 0), 10.0, 5.0).outliers().unwrap();
    let exact = spectrum(&inside, (Matrix::Hessian, 0, 0), 10.0, 5.0).outliers().unwrap();
    assert_eq!(near.len(), exact.len());
    for (a, b) in near.iter().zip(&exact) {
        close(a.position, b.position, 1e-3);
        close(a.overlap_with_space(), b.overlap_with_space(), 1e-2);
    }
    let indefinite = ndarray::array![
        [1.0, 2.0, 0.0, 0.0],
        [2.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0]
    ];
    assert!(MixtureLaw::new(&indefinite, 2, &[0.5, 0.5], 1.0).is_err());
    assert!(MixtureLaw::new(&Array2::eye(4), 2, &[0.5, 0.6], 1.0).is_err());
    assert!(MixtureLaw::new(&Array2::eye(4), 2, &[0.5, 0.5], 0.0).is_err());
}

#[test]
fn the_choice_of_orthonormal_basis_does_not_matter() {
    let mut random = Gaussian::new(3);
    let points =
        Array2::from_shape_fn((60, 4), |(_, i)| random.draw() * 0.3 + if i == 0 { 1.0 } else { 0.0 });
    let nodes = |points| NodeSet::new(points, Array1::from_elem(60, 1.0 / 60.0), Array1::zeros(4)).unwrap();
    let weights = Weights::discrete((0..60).map(|_| random.draw()).collect());
    let turn = symmetric_eigen(&Array2::from_shape_fn((4, 4), |_| random.draw())).unwrap().vectors;
    let solve =
        |points| EffectiveSpectrum::new(&nodes(points), &weights, 5.0, 20.0).unwrap().outliers().unwrap();
    // The turned points are column-major, which must not matter either.
    let (plain, turned) = (solve(points.clone()), solve(turn.t().dot(&points.t()).reversed_axes()));
    assert!(!plain.is_empty() && plain.len() == turned.len());
    for (a, b) in plain.iter().zip(&turned) {
        assert_eq!(a.side, b.side);
        close(b.position, a.position, 1e-10);
        close(b.overlap_with_space(), a.overlap_with_space(), 1e-8);
        let axis = ndarray::array![1.0, 0.0, 0.0, 0.0];
        assert!((b.overlap_with(&turn.t().dot(&axis).view()) - a.overlap_with(&axis.view())).abs() < 1e-8);
    }
}

#[test]
fn integrating_directions_exactly_is_consistent_with_nodes() {
    // Many nodes against the default, and a Gram matrix in which the classes are listed in another order.
    let means = ndarray::array![[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, 0.8]];
    let x = ndarray::array![[2.0, -0.5, 0.3], [-1.0, 1.5, 0.0], [0.2, 0.1, 1.0]];
    let swapped = |rows: &Array2<f64>| rows.select(Axis(0), &[2, 0, 1]);
    let lambda = 10.0;
    let fine = MixtureLaw::with_nodes(&gram(&x, &means), 3, &[1.0 / 3.0; 3], lambda, 60_000).unwrap();
    let coarse = uniform_law(&x, &means, lambda);
    let permuted = uniform_law(&swapped(&x), &swapped(&means), lambda);
    for (matrix, tolerance) in [(Matrix::Hessian, 5e-3), (Matrix::Gradient, 2e-2)] {
        let reference = spectrum(&fine, (matrix, 0, 0), 10.0, lambda);
        for other in [
            spectrum(&coarse, (matrix, 0, 0), 10.0, lambda),
            spectrum(&permuted, (matrix, 1, 1), 10.0, lambda),
        ] {
            close(other.right_edge().position, reference.right_edge().position, tolerance);
            let (found, expected) = (other.outliers().unwrap(), reference.outliers().unwrap());
            // An outlier about to enter the bulk is as uncertain as the edge.
            for (a, b) in found
                .iter()
                .zip(&expected)
                .filter(|(_, b)| b.position > 1.05 * reference.right_edge().position)
            {
                close(a.position, b.position, tolerance);
                close(a.overlap_with_space(), b.overlap_with_space(), tolerance);
            }
        }
    }
}

/// Box-Muller numbers.
pub(crate) struct Gaussian {
    source: Pcg64Mcg,
}

impl Gaussian {
    pub(crate) fn new(seed: u64) -> Self {
        Self { source: Pcg64Mcg::seed_from_u64(seed) }
    }

    pub(crate) fn draw(&mut self) -> f64 {
        let mut uniform = || ((self.source.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let radius = (-2.0 * libm::log(uniform())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * uniform())
    }
}

const SIMULATED_DIMENSION: usize = 160;
const SEEDS: u64 = 4;

/// Eigenvalues (largest first) and eigenvectors of one empirical block with orthonormal means `e_1..e_k`, equal class counts
/// and `x` in the span of the means (`x`: `k × k`), and the weights of the sample.
fn simulate(
    x: &Array2<f64>,
    (matrix, a, b): (Matrix, usize, usize),
    (ratio, lambda): (f64, f64),
    seed: u64,
) -> (Array1<f64>, Array2<f64>, Vec<f64>) {
    let (k, d) = (x.nrows(), SIMULATED_DIMENSION);
    let n = (ratio * d as f64) as usize;
    let mut random = Gaussian::new(seed);
    let mut plain = vec![0.0; d * d];
    let mut weights = Vec::with_capacity(n);
    for sample in 0..n {
        let label = sample % k;
        let y: Vec<f64> =
            (0..d).map(|i| random.draw() / lambda.sqrt() + if i == label { 1.0 } else { 0.0 }).collect();
        let terms: Vec<f64> =
            x.outer_iter().map(|row| libm::exp(row.iter().zip(&y).map(|(p, q)| p * q).sum())).collect();
        let total: f64 = terms.iter().sum();
        let pi = |class: usize| terms[class] / total;
        let is = |p: usize, q: usize| if p == q { 1.0 } else { 0.0 };
        let f = match matrix {
            Matrix::Hessian => pi(a) * is(a, b) - pi(a) * pi(b),
            Matrix::Gradient => (pi(a) - is(a, label)) * (pi(b) - is(b, label)),
        };
        weights.push(f);
        for i in 0..d {
            let factor = f * y[i] / n as f64;
            for (entry, value) in plain[i * d..(i + 1) * d].iter_mut().zip(&y) {
                *entry += factor * value;
            }
        }
    }
    let eigen = symmetric_eigen(&Array2::from_shape_vec((d, d), plain).unwrap()).unwrap();
    (eigen.values, eigen.vectors, weights)
}

/// Mean over seeds of edges, outliers and squared overlaps with the span of the means against the prediction.
fn compare(
    x: &Array2<f64>,
    block: (Matrix, usize, usize),
    ratio: f64,
    lambda: f64,
    tolerance: f64,
) -> Vec<Outlier> {
    let k = x.nrows();
    let law = uniform_law(x, &Array2::eye(k), lambda);
    // As many nodes as a sample may have: the extremes that it reaches, not those of the law.
    let weights = Weights::discrete(law.weights(block.0, block.1, block.2).unwrap().values);
    let prediction = EffectiveSpectrum::new(&law.nodes, &weights, ratio, lambda).unwrap();
    let outliers = prediction.outliers().unwrap();
    let above = outliers.iter().filter(|outlier| outlier.side == Side::Above).count();
    let below = outliers.len() - above;
    let d = SIMULATED_DIMENSION;
    let (mut edges, mut expected) = ([0.0; 2], [0.0; 2]);
    let (mut positions, mut overlaps) = (vec![0.0; outliers.len()], vec![0.0; outliers.len()]);
    for seed in 0..SEEDS {
        let (values, vectors, weights) = simulate(x, block, (ratio, lambda), seed + 1);
        let share = 1.0 / SEEDS as f64;
        edges[0] += share * values[above];
        edges[1] += share * values[d - 1 - below];
        // Edges for the realised weights: the limit is reached slowly where large weights are rare. The extreme bulk
        // eigenvalue lies 1.2065 Tracy-Widom scales inside on average.
        let bulk = bulk_only(&weights, &vec![1.0 / weights.len() as f64; weights.len()], ratio, lambda);
        for (target, edge, sign) in [(0, bulk.right_edge(), 1.0), (1, bulk.left_edge(), -1.0)] {
            expected[target] +=
                share * (edge.position - sign * 1.2065 * edge.tracy_widom_scale(d as f64).unwrap_or(0.0));
        }
        for j in 0..outliers.len() {
            let index = if j < above { j } else { d - outliers.len() + j };
            positions[j] += share * values[index];
            overlaps[j] +=
                share * vectors.slice(s![..k, index]).iter().map(|value| value * value).sum::<f64>();
        }
    }
    for (measured, predicted) in edges.iter().zip(expected) {
        let width = expected[0] - expected[1];
        assert!(
            (measured - predicted).abs() < tolerance * width,
            "{block:?}: edge {measured}, predicted {predicted}"
        );
    }
    for (j, outlier) in outliers.iter().enumerate() {
        let predicted = outlier.overlap_with_span_of_means(&law);
        assert!((overlaps[j] - predicted).abs() < 1.5 * tolerance, "{block:?}: {} {predicted}", overlaps[j]);
        close(positions[j], outlier.position, tolerance);
    }
    outliers
}

#[test]
fn two_valued_weights_against_simulation() {
    let outliers = compare(&Array2::zeros((3, 3)), (Matrix::Gradient, 0, 0), 4.0, 60.0, 0.05);
    assert_eq!(outliers.len(), 3);
}

#[test]
fn between_the_thresholds_the_gradient_matrix_has_one_outlier() {
    assert_eq!(compare(&Array2::zeros((5, 5)), (Matrix::Gradient, 0, 0), 10.0, 1.5, 0.05).len(), 1);
}

#[test]
fn signed_weights_against_simulation() {
    // G_ab at the start: two negative outliers (means a and b) and k-2 positive ones.
    let outliers = compare(&Array2::zeros((4, 4)), (Matrix::Gradient, 0, 1), 4.0, 100.0, 0.05);
    assert_eq!(
        outliers.iter().map(|outlier| outlier.side).collect::<Vec<_>>(),
        [Side::Above, Side::Above, Side::Below, Side::Below]
    );
    let hessian = compare(&Array2::zeros((4, 4)), (Matrix::Hessian, 0, 1), 4.0, 100.0, 0.05);
    assert!(hessian.len() == 4 && hessian.iter().all(|outlier| outlier.side == Side::Below));
}

#[test]
fn trained_weights_against_simulation() {
    let x = Array2::<f64>::eye(3) - 1.0 / 3.0;
    for block in [(Matrix::Hessian, 0, 0), (Matrix::Gradient, 0, 0)] {
        assert!(!compare(&(&x * 3.0), block, 6.0, 20.0, 0.08).is_empty());
    }
    // Off the diagonal the weights of a sharper classifier are too rare for d = 160: they converge as d grows.
    assert_eq!(compare(&x, (Matrix::Gradient, 0, 1), 6.0, 40.0, 0.08).len(), 3);
}

/// Trained rows with orthonormal means, at which the block `(0, 0)` of both matrices has as many outliers as there are classes.
fn both_blocks(lambda: f64, ratio: f64) -> (Array2<f64>, MixtureLaw, [EffectiveSpectrum; 2]) {
    let k = 3;
    let x = Array2::from_shape_fn((k, k), |(a, b)| if a == b { 1.2 } else { -0.6 });
    let law = uniform_law(&x, &Array2::eye(k), lambda);
    let spectra = [Matrix::Hessian, Matrix::Gradient].map(|matrix| {
        let weights = Weights::discrete(law.weights(matrix, 0, 0).unwrap().values);
        EffectiveSpectrum::new(&law.nodes, &weights, ratio, lambda).unwrap()
    });
    (x, law, spectra)
}

#[test]
fn outlier_eigenvectors_of_one_matrix_are_orthonormal() {
    let (_, _, spectra) = both_blocks(40.0, 4.0);
    for spectrum in &spectra {
        let outliers = spectrum.outliers().unwrap();
        assert_eq!(outliers.len(), 3);
        for (i, one) in outliers.iter().enumerate() {
            for (j, other) in outliers.iter().enumerate() {
                let value =
                    overlap((spectrum, std::slice::from_ref(one)), (spectrum, std::slice::from_ref(other)));
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((value - expected).abs() < 1e-6, "{i} {j}: {value}");
            }
        }
    }
}

#[test]
fn outlier_eigenspaces_of_two_matrices_of_one_sample_against_simulation() {
    let (lambda, ratio) = (40.0, 4.0);
    let (x, _, [hessian, gradient]) = both_blocks(lambda, ratio);
    let (h, g) = (hessian.outliers().unwrap(), gradient.outliers().unwrap());
    let predicted = overlap((&hessian, &h), (&gradient, &g));
    // If the parts outside V had nothing to do with each other, it would be less.
    let inside = |outliers: &[Outlier]| outliers.iter().map(Outlier::overlap_with_space).sum::<f64>() / 3.0;
    assert!(predicted > inside(&h) * inside(&g) + 0.02, "{predicted}");
    let mut measured = 0.0;
    for seed in 0..SEEDS {
        let vectors = [Matrix::Hessian, Matrix::Gradient].map(|matrix| {
            simulate(&x, (matrix, 0, 0), (ratio, lambda), seed + 1).1.slice(s![.., ..3]).to_owned()
        });
        let products = vectors[0].t().dot(&vectors[1]);
        measured += products.iter().map(|value| value * value).sum::<f64>() / 3.0 / SEEDS as f64;
    }
    assert!((measured - predicted).abs() < 0.01, "{measured} {predicted}");
}

#[test]
fn reproduces_a_known_spectrum_with_a_double_eigenvalue() {
    let eigen = symmetric_eigen(&array![[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]]).unwrap();
    for (value, expected) in eigen.values.iter().zip([4.0, 1.0, 1.0]) {
        assert!((value - expected).abs() < 1e-14);
    }
}

#[test]
fn vectors_are_orthonormal_and_rebuild_the_matrix() {
    let a = Array2::from_shape_fn((20, 20), |(i, j)| {
        let (low, high) = (i.min(j), i.max(j));
        f64::from(u32::try_from((7 * low + 3 * high * high + low * high) % 23).unwrap()) - 11.0
    });
    let eigen = symmetric_eigen(&a).unwrap();
    let rebuilt = (&eigen.vectors * &eigen.values).dot(&eigen.vectors.t());
    assert!((&rebuilt - &a).iter().all(|gap| gap.abs() < 1e-11));
    let gram = eigen.vectors.t().dot(&eigen.vectors);
    assert!((&gram - &Array2::<f64>::eye(20)).iter().all(|gap| gap.abs() < 1e-13));
    assert!(eigen.values.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
}

#[test]
fn empty_and_unsound_matrices() {
    assert!(symmetric_eigen(&Array2::zeros((0, 0))).unwrap().values.is_empty());
    assert!(symmetric_eigen(&Array2::zeros((2, 3))).is_err());
    assert!(symmetric_eigen(&array![[f64::NAN]]).is_err());
}

#[test]
fn nodes_have_the_first_moments_of_a_gaussian() {
    for dimension in [1, 4, 9, 19] {
        let nodes = gaussian_nodes(dimension, 400).unwrap();
        for i in 0..dimension {
            assert!(nodes.column(i).iter().sum::<f64>().abs() < 1e-11);
            for j in 0..=i {
                let moment = nodes.outer_iter().map(|row| row[i] * row[j]).sum::<f64>() / 400.0;
                assert!((moment - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }
    assert_eq!(gaussian_nodes(0, 400).unwrap().dim(), (1, 0));
    assert!(gaussian_nodes(9, 30).is_err());
}
