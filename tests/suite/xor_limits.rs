use std::f64::consts::PI;

use spectral_alignment::theory::collapse::collapse_threshold;
use spectral_alignment::theory::coupon_collector::{covered, mean_covered};

use crate::effective_spectrum::close;

#[test]
fn coupon_collector_against_all_assignments() {
    for directions in 1..=5_usize {
        for neurons in 0..=6_u32 {
            let all = directions.pow(neurons);
            let mut counts = vec![0_usize; directions + 1];
            for assignment in 0..all {
                let mut met = vec![false; directions];
                let mut rest = assignment;
                for _ in 0..neurons {
                    met[rest % directions] = true;
                    rest /= directions;
                }
                counts[met.iter().filter(|met| **met).count()] += 1;
            }
            let law = covered(neurons as usize, directions);
            assert_eq!(law.len(), directions + 1);
            for (probability, count) in law.iter().zip(&counts) {
                close(*probability, *count as f64 / all as f64, 1e-14);
                assert!(directions != 4 || *probability == *count as f64 / all as f64, "exact for four");
            }
            let mean: usize = counts.iter().enumerate().map(|(r, count)| r * count).sum();
            close(mean_covered(neurons as usize, directions), mean as f64 / all as f64, 1e-14);
        }
    }
    assert_eq!(covered(4, 4), [0.0, 4.0, 84.0, 144.0, 24.0].map(|count| count / 256.0));
    assert_eq!((covered(0, 4), covered(3, 0)), (vec![1.0, 0.0, 0.0, 0.0, 0.0], vec![1.0]));
}

#[test]
fn coupon_collector_with_many_neurons() {
    for neurons in [7_u32, 30, 200, 1000] {
        let law = covered(neurons as usize, 4);
        close(law.iter().sum(), 1.0, 1e-12);
        close(mean_covered(neurons as usize, 4), 4.0 * (1.0 - 0.75_f64.powf(f64::from(neurons))), 1e-12);
        // The alternating sums, where they lose nothing.
        let power = |share: f64| share.powf(f64::from(neurons));
        close(law[4], 1.0 - 4.0 * power(0.75) + 6.0 * power(0.5) - 4.0 * power(0.25), 1e-12);
        close(law[3], 4.0 * (power(0.75) - 3.0 * power(0.5) + 3.0 * power(0.25)), 1e-9);
        close(law[2], 6.0 * (power(0.5) - 2.0 * power(0.25)), 1e-9);
    }
}

/// `E[(y - 1/2) relu(W·Y)]` and its gradient in `(m, n, p)`-space by quadrature over the four clusters, for
/// `W = (m, n, p)` along μ, ν and a direction orthogonal to both.
fn drive(w: [f64; 3], lambda: f64) -> (f64, [f64; 3]) {
    // W·Y given the noise along W alone; Y is the mean plus noise, whose mean given t lies along W.
    let length = w.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut value, mut gradient) = (0.0, [0.0; 3]);
    let step = 1e-2;
    for (place, sign) in [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)] {
        let side = if place == 0 { 0.5 } else { -0.5 };
        for i in -800..800 {
            let z = (f64::from(i) + 0.5) * step;
            let mass = 0.25 * step * (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
            let mut y = w.map(|x| x / length * z / lambda.sqrt());
            y[place] += sign;
            let t: f64 = w.iter().zip(&y).map(|(a, b)| a * b).sum();
            if t > 0.0 {
                value += mass * side * t;
                gradient.iter_mut().zip(&y).for_each(|(entry, y)| *entry += mass * side * y);
            }
        }
    }
    (value, gradient)
}

#[test]
fn no_direction_grows_faster_than_a_mean() {
    for lambda in [0.5, 3.0, 10.0, 100.0] {
        let rate = collapse_threshold(lambda);
        close(drive([1.0, 0.0, 0.0], lambda).0, rate, 2e-3);
        close(drive([0.0, -1.0, 0.0], lambda).0, -rate, 2e-3);
        for i in 0..12 {
            for j in 0..6 {
                let (a, b) = (f64::from(i) * PI / 6.0, f64::from(j) * PI / 12.0);
                let w = [a.cos() * b.cos(), a.sin() * b.cos(), b.sin()];
                assert!(drive(w, lambda).0.abs() <= rate * (1.0 + 2e-3), "{w:?}");
            }
        }
    }
    // Large λ, small λ, and numbers worked out elsewhere.
    close(collapse_threshold(10.0), 0.093_477_677_357_560_7, 1e-13);
    close(collapse_threshold(1e4), 0.125 * (1.0 - (2e-4 / PI).sqrt()), 1e-12);
    close(collapse_threshold(1e-8), 0.125 * (1e-8 / (2.0 * PI)).sqrt(), 1e-6);
    assert!(collapse_threshold(0.0).is_nan() && collapse_threshold(-1.0).is_nan());
}

#[test]
fn small_networks_grow_below_the_threshold_and_collapse_above() {
    // Euler steps of the linearised dynamics of one neuron from a start in no special direction.
    for lambda in [3.0, 30.0] {
        let threshold = collapse_threshold(lambda);
        for beta in [0.9 * threshold, 1.1 * threshold] {
            let (mut w, mut v) = ([0.4, 0.2, 0.3], 0.5);
            let step = 0.25;
            let mut growth = 0.0;
            for _ in 0..1000 {
                let (value, gradient) = drive(w, lambda);
                for (x, slope) in w.iter_mut().zip(gradient) {
                    *x += step * (v * slope - beta * *x);
                }
                v += step * (value - beta * v);
                let size: f64 = w.iter().map(|x| x * x).sum::<f64>() + v * v;
                growth = 0.5 * size.ln() / step;
                let back = size.sqrt();
                w = w.map(|x| x / back);
                v /= back;
            }
            assert_eq!(growth > 0.0, beta < threshold, "λ = {lambda}, β = {beta}: {growth}");
            close(growth, threshold - beta, 0.02);
            assert!(w[0] > 0.99 * w.iter().map(|x| x * x).sum::<f64>().sqrt());
        }
    }
}

#[test]
fn step_noise_lowers_the_rate_to_second_order() {
    // dm, d(‖W‖² - m²) and dv with the noise c v²/(8λ) off the means; |m + s g/√λ| in closed form.
    let rate = |lambda: f64| {
        let (mut m, mut p, mut v) = (1.0, 0.0, 1.0);
        let (step, mut growth) = (0.02, 0.0);
        for _ in 0..10_000 {
            let squared: f64 = m * m + p;
            let s = squared.sqrt();
            let spread = (2.0 / (PI * lambda)).sqrt();
            let t = m / s;
            let open = libm::erf(t * (0.5 * lambda).sqrt());
            let drive = 0.125 * (s * spread * ((-0.5 * lambda * t * t).exp() - 1.0) + m * open);
            let shrink = 0.125 * spread * ((-0.5 * lambda * t * t).exp() - 1.0);
            let (dm, dp) =
                (v * (0.125 * open + shrink * t), 2.0 * v * shrink * p / s + v * v / (8.0 * lambda));
            (m, p, v) = (m + step * dm, p + step * dp, v + step * drive);
            growth = f64::ln(v) / step;
            (m, p, v) = (m / v, p / (v * v), 1.0);
        }
        growth / collapse_threshold(lambda)
    };
    for (lambda, share) in [(10.0, 1.4e-4), (5.0, 1.15e-3), (1.0, 0.082)] {
        // Euler steps of length h are off by h ρ/2.
        let bias = 0.01 * collapse_threshold(lambda);
        let lowered = 1.0 - rate(lambda) - bias;
        assert!((lowered - share).abs() < 0.05 * share + 2e-5, "{lambda}: {lowered}");
    }
}
