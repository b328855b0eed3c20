use ndarray::{Array1, Array2, Axis, s};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::theory::effective_spectrum::{EffectiveSpectrum, Side};
use spectral_alignment::theory::{Matrix, Weights};

use crate::effective_spectrum::{Gaussian, bulk_only, close};
use crate::xor_law::{MATRICES, Network};

const SEEDS: u64 = 4;

/// Eigenvalues (largest first) and eigenvectors of one block of a sample of `n = φ d`, and its weights.
fn dense(
    network: &Network,
    (matrix, i, j): (Matrix, usize, usize),
    ratio: f64,
    seed: u64,
) -> (Array1<f64>, Array2<f64>, Vec<f64>) {
    let n = (ratio * network.d() as f64) as usize;
    let mut random = Gaussian::new(seed);
    let mut inputs = Array2::zeros((n, network.d()));
    let mut weights = Vec::with_capacity(n);
    for index in 0..n {
        let drawn = network.draw(index, &mut random);
        weights.push(drawn.block_weight(network, matrix, i, j));
        inputs.row_mut(index).assign(&Array1::from(drawn.y));
    }
    let factors = Array1::from(weights.clone()) / n as f64;
    let block = (&inputs * &factors.insert_axis(Axis(1))).t().dot(&inputs);
    let (values, vectors) = block.eigh(UPLO::Lower).unwrap();
    (values.slice(s![..;-1]).to_owned(), vectors.slice(s![.., ..;-1]).to_owned(), weights)
}

/// Means over seeds of outliers, overlaps with `Span(μ, ν)`, edge, mass at zero and distribution function of one block
/// against the prediction.
fn compare(network: &Network, block: (Matrix, usize, usize), ratio: f64, tolerance: f64) -> (usize, usize) {
    let d = network.d();
    // As many nodes as the sample has points: the extremes that it reaches, not those of the law.
    let law = network.law_with((ratio * d as f64 / 4.0) as usize);
    let weights = Weights::discrete(law.first_layer(block.0, block.1, block.2).unwrap());
    let prediction = EffectiveSpectrum::new(&law.nodes, &weights, ratio, network.lambda).unwrap();
    let outliers = prediction.outliers().unwrap();
    let above = outliers.iter().filter(|outlier| outlier.side == Side::Above).count();
    let (mut positions, mut overlaps) = (vec![0.0; outliers.len()], vec![0.0; outliers.len()]);
    let (mut edge, mut expected, mut zero) = (0.0, 0.0, 0.0);
    let mut below = 0.0;
    let curve = prediction.density_grid(400).unwrap();
    let distribution: Vec<(f64, f64)> = curve
        .windows(2)
        .map(|pair| {
            below += 0.5 * (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1);
            (pair[1].0, below + if pair[1].0 > 0.0 { prediction.mass_at_zero() } else { 0.0 })
        })
        .collect();
    let mut gaps = vec![0.0_f64; distribution.len()];
    for seed in 0..SEEDS {
        let share = 1.0 / SEEDS as f64;
        let (values, vectors, weights) = dense(network, block, ratio, seed + 1);
        for j in 0..outliers.len() {
            let index = if j < above { j } else { d - outliers.len() + j };
            positions[j] += share * values[index];
            overlaps[j] +=
                share * vectors.slice(s![..2, index]).iter().map(|value| value * value).sum::<f64>();
        }
        // The edge for the weights of the sample, and 1.2065 Tracy-Widom scales inside it, where the mean lies.
        let bulk =
            bulk_only(&weights, &vec![1.0 / weights.len() as f64; weights.len()], ratio, network.lambda);
        edge += share * values[above];
        let right = bulk.right_edge();
        expected += share * (right.position - 1.2065 * right.tracy_widom_scale(d as f64).unwrap_or(0.0));
        let tiny = 1e-10 * values[0].abs().max(values[d - 1].abs());
        zero += share * values.iter().filter(|value| value.abs() < tiny).count() as f64 / d as f64;
        for (gap, &(x, below)) in gaps.iter_mut().zip(&distribution) {
            let measured = values.iter().filter(|value| **value <= x + tiny).count() as f64 / d as f64;
            *gap += share * (below - measured);
        }
    }
    close(edge, expected, tolerance);
    // It fluctuates by √(φP(1-P)/d), P(1-P) ≤ 1/4.
    let fluctuation = (0.25 * ratio / d as f64 / SEEDS as f64).sqrt();
    assert!((zero - prediction.mass_at_zero()).abs() < 2.0 * fluctuation, "{block:?}: {zero}");
    // The projection on V shifts up to K + 2 of the d eigenvalues, 0.025 in distribution.
    let distance = gaps.iter().fold(0.0, |most: f64, gap| most.max(gap.abs()));
    assert!(distance < 0.05, "{block:?}: distribution function off by {distance}");
    let sum: f64 = outliers.iter().map(|outlier| outlier.position).sum();
    close(positions.iter().sum(), sum, tolerance);
    for (j, outlier) in outliers.iter().enumerate() {
        // Nearly equal outliers repel each other in a finite sample.
        close(positions[j], outlier.position, 2.0 * tolerance);
        let predicted = outlier.overlap_with_span(&law.means_basis);
        assert!((overlaps[j] - predicted).abs() < 1.5 * tolerance, "{block:?}: {} {predicted}", overlaps[j]);
    }
    (above, outliers.len() - above)
}

#[test]
fn blocks_at_the_start_against_dense_matrices() {
    let network = Network::random(4, 240, 1.0 / 240.0_f64.sqrt(), 30.0, 21);
    for matrix in MATRICES {
        assert_eq!(compare(&network, (matrix, 1, 1), 6.0, 0.06), (2, 0));
        compare(&network, (matrix, 1, 1), 1.6, 0.08);
        compare(&network, (matrix, 0, 2), 6.0, 0.08);
    }
}

#[test]
fn trained_blocks_against_dense_matrices() {
    let network = Network::trained(4, 240, 0.02, 30.0);
    for matrix in MATRICES {
        compare(&network, (matrix, 0, 0), 6.0, 0.08);
        compare(&network, (matrix, 0, 2), 6.0, 0.08);
    }
    // Of the gradient matrix so few samples hold too few of the rare large weights for an edge.
    compare(&network, (Matrix::Hessian, 0, 0), 1.6, 0.08);
}
