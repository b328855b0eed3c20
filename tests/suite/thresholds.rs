use ndarray::{Array1, Array2};
use spectral_alignment::simulation::task::Matrix;
use spectral_alignment::stage::rows::{At, Selection, Statistic, Statistics, statistics_table};
use spectral_alignment::stages::common::rates::{crossover, steepest};
use spectral_alignment::stages::common::thresholds::{
    Curves, crossing, largest_of_bulk, of, offsets, predicted,
};
use spectral_alignment::theory::NodeSet;

/// Uniform numbers by a linear congruence, enough for weights that are all equal or take two values.
fn uniform() -> impl FnMut() -> f64 {
    let mut state = 12_345u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

#[test]
fn a_threshold_is_where_a_line_rises_above_zero() {
    // The line y = x - 1.3 on an uneven grid.
    let line: Vec<(f64, f64)> = [0.0, 0.4, 1.0, 1.7, 3.0].map(|x| (x, x - 1.3)).to_vec();
    assert!((crossing(&line).unwrap() - 1.3).abs() < 1e-14);
    // Below for 1 + 0.5 + 0.25 in all: up at 1, down at 2.5, up at 3.25.
    let zigzag = [(0.0, -1.0), (2.0, 1.0), (3.0, -1.0), (3.5, 1.0)];
    assert!((crossing(&zigzag).unwrap() - 1.75).abs() < 1e-14);
    assert_eq!(crossing(&[(2.0, 1.0), (3.0, 1.0)]), Some(2.0));
    assert_eq!(crossing(&[(2.0, -1.0), (3.0, -1.0)]), Some(3.0));
    assert_eq!(crossing(&[(2.0, -1.0)]), None);
}

#[test]
fn predicted_thresholds_lie_inside_the_grid_and_curves_are_whole() {
    let mut curves = Curves::default();
    for place in [1.0, 2.0, 4.0, 8.0] {
        // Crosses at 3, at 1.1 (too near the end), and of a replicate that lacks a place.
        curves.add("inside", None, place, place / 3.0);
        curves.add("outside", None, place, place / 1.1);
        curves.add("inside", Some(4), place, place / 1.1);
        if place < 8.0 {
            curves.add("inside", Some(5), place, place / 3.0);
        }
    }
    let found: Vec<_> = curves.thresholds().collect();
    let names: Vec<_> = found.iter().map(|(key, replicate, _)| (*key, *replicate)).collect();
    assert_eq!(names, [("inside", None), ("inside", Some(4))]);
    assert!((found[0].2 - 3.0).abs() < 1e-12 && (found[1].2 - 1.1).abs() < 1e-12, "{found:?}");
}

#[test]
fn offsets_are_those_of_the_group_whose_mean_is_farthest_off() {
    // Ranks 1 and 2 at three places: right on average though far off in each run; off by 0.1; right.
    let mut rows = Vec::new();
    for (step, ends) in [(0, [0.5, -0.5]), (10, [0.1, 0.1]), (20, [0.0, 0.0])] {
        for (replicate, end) in (0..).zip(ends) {
            for rank in [1, 2] {
                let at = At { experiment: "gmm".to_owned(), replicate: Some(replicate), step, time: 0.0 };
                let place = of(Matrix::Hessian, rank);
                rows.push(Statistic::new(&at, "threshold", place, 3.0 * f64::exp(end)));
            }
        }
    }
    let table = statistics_table("statistics", &rows).unwrap();
    let measured = Statistics::column(&table, "value").unwrap();
    let every = Selection::every(&measured);
    let judged = predicted(&every.clone().replicate(0));
    let found = offsets(&every, &judged, |_| Some(3.0), |place| place.1);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 1]);
    assert!(found.values().all(|offset| (offset - 0.1).abs() < 1e-12), "{found:?}");
    // What takes the place of the prediction counts where there is one.
    let other = offsets(&every, &judged, |place| (place.1 == 0).then_some(1.5), |place| place.1);
    assert!((other[&0] - 0.5 - 2.0_f64.ln()).abs() < 1e-12 && other.len() == 2, "{other:?}");
    assert!(offsets(&every, &judged, |_| None, |place| place.1).is_empty());
}

#[test]
fn the_largest_of_the_bulk_of_white_noise_is_johnstones() {
    let (n, d, lambda) = (4000, 500, 7.0);
    let nodes =
        NodeSet::new(Array2::zeros((3, 0)), Array1::from_vec(vec![0.2, 0.3, 0.5]), Array1::zeros(0)).unwrap();
    let found = largest_of_bulk(&nodes, &Array1::from_elem(3, 2.0), (n, d, lambda), uniform()).unwrap();
    // Johnstone (2001) with n in the place of his n - 1; the Tracy-Widom law of real matrices has mean -1.2065.
    let (n, d) = (n as f64, d as f64);
    let (sum, scale) = (n.sqrt() + d.sqrt(), (1.0 / n.sqrt() + 1.0 / d.sqrt()).powf(1.0 / 3.0));
    let expected = 2.0 / lambda * (sum * sum - 1.206_533_6 * sum * scale) / n;
    assert!((found.mean / expected - 1.0).abs() < 1e-6, "{found:?} {expected}");
    // Its standard deviation is 1.2680; equal weights add nothing.
    let deviation = 2.0 / lambda * 1.268_0 * sum * scale / n;
    assert!((found.deviation / deviation - 1.0).abs() < 1e-4, "{found:?} {deviation}");
}

#[test]
fn rare_weights_are_drawn_as_often_as_they_occur() {
    // Weights 0 and 1: with share p of ones the bulk is that of p n points, so its edge is (√p + √(d/n))²/λ.
    let (n, d, share) = (40_000, 400, 0.3);
    let nodes =
        NodeSet::new(Array2::zeros((2, 0)), Array1::from_vec(vec![1.0 - share, share]), Array1::zeros(0))
            .unwrap();
    let found = largest_of_bulk(&nodes, &Array1::from_vec(vec![0.0, 1.0]), (n, d, 1.0), uniform()).unwrap();
    let edge = (share.sqrt() + (d as f64 / n as f64).sqrt()).powi(2);
    assert!((found.mean / edge - 1.0).abs() < 0.02, "{found:?} {edge}");
    // The share of ones scatters by √(p(1-p)/n), and the edge with it by √edge/√p of that; its own law adds a little.
    let scatter = edge.sqrt() * ((1.0 - share) / n as f64).sqrt();
    assert!(found.deviation > 0.8 * scatter && found.deviation < 2.0 * scatter, "{found:?} {scatter}");
}

#[test]
fn the_full_error_is_between_the_laws_of_its_parts() {
    // k φ (1 + φ^{-1/2})⁴ of k = 5, φ = 4: 20 · 1.5⁴.
    let crossover = crossover(5.0, 4.0);
    assert!((crossover - 101.25).abs() < 1e-10);
    let slope = |lambdas: &[f64]| steepest(lambdas, crossover);
    // Far beyond, the law of the cross terms; far below, that of the perpendicular part.
    assert!((slope(&[1e9, 1e10]) + 0.5).abs() < 1e-3 && (slope(&[1e-7, 1e-6]) + 1.0).abs() < 1e-3);
    assert!(slope(&[1e3, 3e4]) < -0.5 && slope(&[1e3, 3e4]) > -0.6);
}
