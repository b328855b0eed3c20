use crate::problems::{Flat, Kind};
use sha2::{Digest, Sha256};
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::normal::Normals;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::{BLOCK, Law, Sample, Stream};
use spectral_alignment::simulation::task::{self};
use std::collections::BTreeMap;

fn seed(root: u64, experiment: &str, replicate: u32) -> Seed {
    Seed { root, experiment: experiment.to_owned(), replicate }
}

fn first_bits(mut stream: Normals) -> Vec<u64> {
    let mut values = [0.0; 12];
    stream.fill(&mut values);
    values.iter().map(|value| value.to_bits()).chain([stream.uniform().to_bits()]).collect()
}

/// PCG-64-DXSM written out (O'Neill's cheap-multiplier variant), seeded as the documentation of `seed` says.
struct Pcg {
    state: u128,
    increment: u128,
}

impl Pcg {
    const CHEAP: u64 = 0xda94_2042_e4dd_58b5;

    fn new(parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        let digest = Sha256::digest(&bytes);
        let half = |range: std::ops::Range<usize>| u128::from_le_bytes(digest[range].try_into().unwrap());
        let increment = (half(16..32) << 1) | 1;
        let mut pcg = Self { state: half(0..16).wrapping_add(increment), increment };
        pcg.advance();
        pcg
    }

    fn advance(&mut self) {
        self.state = self.state.wrapping_mul(u128::from(Self::CHEAP)).wrapping_add(self.increment);
    }

    fn next(&mut self) -> u64 {
        let (mut high, low) = ((self.state >> 64) as u64, self.state as u64 | 1);
        high ^= high >> 32;
        high = high.wrapping_mul(Self::CHEAP);
        high ^= high >> 48;
        high = high.wrapping_mul(low);
        self.advance();
        high
    }
}

#[test]
fn a_stream_is_pcg_seeded_with_the_sha256_of_its_names() {
    for (root, experiment, replicate, purpose, word, block) in [
        (0_u64, "gmm", 0_u32, Purpose::Train, "train", 0_u64),
        (7, "gmm-snr-lambda-30", 19, Purpose::Test, "test", 3),
        (u64::MAX, "", u32::MAX, Purpose::Initial, "initial", u64::MAX),
    ] {
        let lanes = |lane: u64| {
            Pcg::new(&[
                b"spectral-alignment seeds 1",
                &root.to_le_bytes(),
                experiment.as_bytes(),
                &replicate.to_le_bytes(),
                word.as_bytes(),
                &block.to_le_bytes(),
                &lane.to_le_bytes(),
            ])
        };
        let mut stream = seed(root, experiment, replicate).stream(purpose, block);
        let mut first = lanes(0);
        for _ in 0..1000 {
            let expected = ((first.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
            assert_eq!(stream.uniform().to_bits(), expected.to_bits());
        }
        // Nearly every normal is one draw scaled by the width of its layer: the sign and the lane show in the bits.
        let mut values = [0.0; 4];
        seed(root, experiment, replicate).stream(purpose, block).fill(&mut values);
        for (lane, value) in values.iter().enumerate() {
            let bits = lanes(lane as u64).next();
            let fraction = (bits.cast_signed() >> 11) as f64 / 4_503_599_627_370_496.0;
            let end = value / fraction;
            assert!(
                value * fraction > 0.0 && (0.2..4.0).contains(&end),
                "lane {lane}: {value} from {fraction}"
            );
        }
    }
}

#[test]
fn streams_differ_where_any_name_differs_and_nowhere_else() {
    let mut seen: BTreeMap<Vec<u64>, String> = BTreeMap::new();
    for root in [0, 1, u64::MAX] {
        for experiment in
            ["", "a", "ab", "abc", "b", "bc", "gmm", "gmm-k10", "gmm\0", "gmm\u{1}\0\0\0", "Gmm", "train"]
        {
            for replicate in [0, 1, 256, 1 << 24] {
                for purpose in [Purpose::Initial, Purpose::Train, Purpose::Test] {
                    for block in [0, 1, 256, 1 << 32] {
                        let name = format!("{root} {experiment:?} {replicate} {purpose:?} {block}");
                        let bits = first_bits(seed(root, experiment, replicate).stream(purpose, block));
                        assert_eq!(
                            bits,
                            first_bits(seed(root, experiment, replicate).stream(purpose, block)),
                            "{name}"
                        );
                        if let Some(other) = seen.insert(bits, name.clone()) {
                            panic!("{name} and {other} have the same stream");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn draws_depend_on_no_parameter() {
    let model = |lambda, beta, c, phi| Flat {
        task: Kind::mixture(3),
        d: 9,
        lambda,
        beta,
        c,
        phi,
        start: Start::default(),
    };
    let seed = seed(5, "gmm", 2);
    let (one, two) = (
        task::build(&model(1.0, 0.0, 1.0, 2.0).problem()),
        task::build(&model(4.0, 0.3, 2.0, 50.0).problem()),
    );
    assert_eq!(one.initial(&seed), two.initial(&seed));
    let samples = [&one, &two].map(|task| Sample::first(task.law(), &seed, Purpose::Test, 300));
    assert_eq!(samples[0].clusters, samples[1].clusters);
    let means = one.law().means();
    for row in 0..300 {
        let mean = means.row(samples[0].clusters[row] as usize);
        for col in 0..9 {
            let noise = [&samples[0], &samples[1]].map(|sample| sample.features()[[row, col]] - mean[col]);
            assert!((noise[0] - 2.0 * noise[1]).abs() < 1e-14, "noise is z/√λ of the same z");
        }
    }
}

#[test]
fn a_tile_of_256_samples_can_be_regenerated_alone() {
    let model = Flat {
        task: Kind::mixture(4),
        d: 13,
        lambda: 3.0,
        beta: 0.1,
        c: 1.0,
        phi: 1.0,
        start: Start::default(),
    };
    let task = task::build(&model.problem());
    let law: &dyn Law = task.law();
    let seed = seed(0, "gmm", 1);
    assert_eq!(BLOCK, 256);
    for purpose in [Purpose::Train, Purpose::Test] {
        let whole = Sample::first(law, &seed, purpose, 256 * 4 + 100);
        for tile in 0..5_usize {
            let mut stream = seed.stream(purpose, tile as u64);
            for row in tile * 256..whole.len().min((tile + 1) * 256) {
                let mut y = vec![0.0; 13];
                assert_eq!(law.draw(&mut stream, &mut y), whole.clusters[row]);
                assert!(
                    whole.features().row(row).iter().zip(&y).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "row {row}"
                );
            }
        }
        let short = Sample::first(law, &seed, purpose, 300);
        assert_eq!(short.features(), whole.features().slice(ndarray::s![..300, ..]));
        assert!(whole.padded_rows().slice(ndarray::s![.., 13..]).iter().all(|entry| entry.to_bits() == 0));
    }
}

#[test]
fn the_training_sample_is_what_sgd_sees_and_the_test_sample_is_fresh() {
    let model = Flat {
        task: Kind::mixture(3),
        d: 6,
        lambda: 2.0,
        beta: 0.1,
        c: 1.0,
        phi: 1.0,
        start: Start::default(),
    };
    let task = task::build(&model.problem());
    let seed = seed(0, "gmm", 0);
    let train = Sample::first(task.law(), &seed, Purpose::Train, 600);
    let test = Sample::first(task.law(), &seed, Purpose::Test, 600);
    let mut stream = Stream::new(task.law(), &seed, Purpose::Train);
    for row in 0..600 {
        let mut y = vec![0.0; 6];
        assert_eq!(stream.next_into(&mut y), train.clusters[row]);
        assert_eq!(train.features().row(row).to_vec(), y);
    }
    assert!(train.features().iter().zip(test.features()).all(|(a, b)| a != b));
}

#[test]
fn the_first_numbers_of_a_named_stream_are_pinned() {
    let bits = first_bits(seed(0, "gmm", 0).stream(Purpose::Train, 0));
    assert_eq!(bits, GOLDEN, "every committed value changes with these");
}

/// Twelve normals and a uniform number.
const GOLDEN: [u64; 13] = [
    0xbfe9_3604_3777_8908,
    0x3fdf_d04c_6d22_92a4,
    0xbfe8_5247_44ee_34ee,
    0xbfc8_3479_69a0_8069,
    0xbfb4_cb54_ed79_63fe,
    0x3ff1_26e6_6c8a_ca92,
    0xbfe3_b620_0587_01d5,
    0x3ff7_8130_e9d4_0002,
    0xbfee_8413_d345_3b90,
    0xbfb1_d5f8_45de_290c,
    0x3ff3_b3bd_9f5f_9a4b,
    0xbfea_4583_5f8d_cd0c,
    0x3fc3_1d2a_1394_799a,
];

fn normals(count: usize) -> Vec<f64> {
    let mut values = vec![0.0; count];
    for (block, chunk) in values.chunks_mut(1 << 16).enumerate() {
        seed(0, "law of the normals", 0).stream(Purpose::Test, block as u64).fill(chunk);
    }
    values
}

/// Distribution function of N(0, 1), accurate in both tails.
fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// The Kolmogorov-Smirnov statistic `√n sup |F_n - F|`; its law exceeds 1.95 with probability 0.001.
fn kolmogorov_smirnov(mut values: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let gap = |(index, value): (usize, &f64)| {
        let (below, here) = (index as f64 / n, distribution(*value));
        (here - below).abs().max((here - below - 1.0 / n).abs())
    };
    n.sqrt() * values.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn normals_follow_the_normal_law() {
    let values = normals(1 << 22);
    let n = values.len() as f64;
    let statistic = kolmogorov_smirnov(values.clone(), phi);
    assert!(statistic < 1.95, "Kolmogorov-Smirnov {statistic}");
    let moment = |power: i32| values.iter().map(|value| value.powi(power)).sum::<f64>() / n;
    // E x^p and the variance of x^p: E x^{2p} - (E x^p)².
    for (power, mean, variance) in
        [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0)]
    {
        let z = (moment(power) - mean) / (variance / n).sqrt();
        assert!(z.abs() < 4.0, "moment {power} is {} ({z} standard errors off)", moment(power));
    }
    for lag in [1, 2, 4, 8] {
        let correlation: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| a * b).sum::<f64>() / n.sqrt();
        assert!(correlation.abs() < 4.0, "lag {lag}: {correlation}");
        let of_squares: f64 =
            values.iter().zip(&values[lag..]).map(|(a, b)| (a * a - 1.0) * (b * b - 1.0) / 2.0).sum::<f64>()
                / n.sqrt();
        assert!(of_squares.abs() < 4.0, "squares at lag {lag}: {of_squares}");
    }
    // The layers of the ziggurat: 256 intervals of equal area under the density, and the ends of the layers.
    let mut counts = [0.0_f64; 256];
    for value in &values {
        counts[((phi(*value) * 256.0) as usize).min(255)] += 1.0;
    }
    let expected = n / 256.0;
    let chi: f64 = counts.iter().map(|count| (count - expected) * (count - expected) / expected).sum();
    let z = (chi - 255.0) / (2.0 * 255.0_f64).sqrt();
    assert!(z.abs() < 4.0, "chi-square {chi}");
}

#[test]
fn the_tail_beyond_the_ziggurat_has_the_normal_frequency_and_shape() {
    let end = 3.654_152_885_361_009;
    let values = normals(1 << 24);
    for (side, sign) in [("right", 1.0), ("left", -1.0)] {
        let tail: Vec<f64> = values.iter().map(|value| sign * value).filter(|value| *value > end).collect();
        let expected = values.len() as f64 * phi(-end);
        let z = (tail.len() as f64 - expected) / expected.sqrt();
        assert!(z.abs() < 4.0, "{side}: {} beyond {end}, {expected} expected", tail.len());
        let statistic = kolmogorov_smirnov(tail, |x| 1.0 - phi(-x) / phi(-end));
        assert!(statistic < 1.95, "{side}: Kolmogorov-Smirnov {statistic}");
    }
    // The base layer just inside its end.
    let inside = values.iter().filter(|value| (3.4..end).contains(&value.abs())).count() as f64;
    let expected = values.len() as f64 * 2.0 * (phi(-3.4) - phi(-end));
    assert!(((inside - expected) / expected.sqrt()).abs() < 4.0, "{inside}, {expected} expected");
}

#[test]
fn uniforms_are_uniform_in_the_open_interval() {
    let mut stream = seed(0, "uniforms", 0).stream(Purpose::Test, 0);
    let values: Vec<f64> = (0..1 << 20).map(|_| stream.uniform()).collect();
    assert!(values.iter().all(|value| (0.0..1.0).contains(value) && *value > 0.0));
    let statistic = kolmogorov_smirnov(values, |x| x);
    assert!(statistic < 1.95, "Kolmogorov-Smirnov {statistic}");
}
