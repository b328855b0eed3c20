use crate::problems::{Flat, Kind};
use pulp::Arch;
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

/// One lane of xoshiro256++, after Blackman and Vigna.
struct Xoshiro([u64; 4]);

impl Xoshiro {
    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        self.0 = [a ^ d ^ b, b ^ c ^ a, c ^ a ^ (b << 17), (d ^ b).rotate_left(45)];
        a.wrapping_add(d).rotate_left(23).wrapping_add(a)
    }
}

#[test]
fn the_lane_of_the_tests_is_that_of_its_authors() {
    // From the state 1, 2, 3, 4, as their C code gives it.
    let mut lane = Xoshiro([1, 2, 3, 4]);
    let first: Vec<u64> = (0..6).map(|_| lane.next()).collect();
    let published = [
        41_943_041,
        58_720_359,
        3_588_806_011_781_223,
        3_591_011_842_654_386,
        9_228_616_714_210_784_205,
        9_973_669_472_204_895_162,
    ];
    assert_eq!(first, published);
}

/// The normal numbers of a stream one by one, and how often each path of the ziggurat was taken.
struct Ziggurat {
    end: Vec<f64>,
    lanes: Vec<Xoshiro>,
    outside: Pcg,
    drawn: usize,
    paths: BTreeMap<&'static str, u32>,
}

const LAYERS: usize = 1024;
const TAIL: f64 = 4.038_849_846_109_504;

fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x)
}

impl Ziggurat {
    fn new(mut outside: Pcg) -> Self {
        let area = 0.001_226_324_646_353_088;
        let mut end = vec![area / density(TAIL), TAIL];
        while end.len() < LAYERS {
            let last = end[end.len() - 1];
            end.push((-2.0 * libm::log(density(last) + area / last)).sqrt());
        }
        end.push(0.0);
        let words: Vec<u64> = (0..32).map(|_| outside.next()).collect();
        let lane = |lane: usize| Xoshiro([0, 1, 2, 3].map(|word| words[8 * word + lane]));
        Self { end, lanes: (0..8).map(lane).collect(), outside, drawn: 0, paths: BTreeMap::new() }
    }

    fn took(&mut self, path: &'static str) {
        *self.paths.entry(path).or_default() += 1;
    }

    /// The layer is in the lowest ten bits, the sign in bit 11, the fraction in the others from bit 12 on.
    fn place(&self, bits: u64) -> (usize, f64) {
        let layer = (bits & 1023) as usize;
        let size = (bits >> 12) as f64 / 4_503_599_627_370_496.0 * self.end[layer];
        (layer, if bits & 2048 == 0 { size } else { -size })
    }

    fn uniform(&mut self) -> f64 {
        ((self.outside.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    fn next(&mut self) -> f64 {
        let bits = self.lanes[self.drawn % 8].next();
        let (mut layer, mut x) = self.place(bits);
        self.drawn += 1;
        let mut fresh = true;
        loop {
            if x.abs() < self.end[layer + 1] {
                self.took(if fresh { "inside" } else { "inside, drawn again" });
                return x;
            }
            if layer == 0 {
                loop {
                    let beyond = -libm::log(self.uniform()) / TAIL;
                    if -2.0 * libm::log(self.uniform()) > beyond * beyond {
                        self.took(if x < 0.0 { "left tail" } else { "right tail" });
                        return (TAIL + beyond).copysign(x);
                    }
                    self.took("tail refused");
                }
            }
            let (low, high) = (density(self.end[layer]), density(self.end[layer + 1]));
            if low + self.uniform() * (high - low) < density(x) {
                self.took("wedge");
                return x;
            }
            self.took("wedge refused");
            fresh = false;
            let bits = self.outside.next();
            (layer, x) = self.place(bits);
        }
    }
}

#[test]
fn a_stream_is_pcg_seeded_with_the_sha256_of_its_names() {
    for (root, experiment, replicate, purpose, word, block) in [
        (0_u64, "gmm", 0_u32, Purpose::Train, "train", 0_u64),
        (7, "gmm-snr-lambda-30", 19, Purpose::Test, "test", 3),
        (u64::MAX, "", u32::MAX, Purpose::Initial, "initial", u64::MAX),
    ] {
        let generator = |number: u64| {
            Pcg::new(&[
                b"spectral-alignment seeds 2",
                &root.to_le_bytes(),
                experiment.as_bytes(),
                &replicate.to_le_bytes(),
                word.as_bytes(),
                &block.to_le_bytes(),
                &number.to_le_bytes(),
            ])
        };
        let mut stream = seed(root, experiment, replicate).stream(purpose, block);
        let mut first = generator(0);
        for _ in 0..1000 {
            let expected = ((first.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
            assert_eq!(stream.uniform().to_bits(), expected.to_bits());
        }
        // Normal numbers to the last bit, of the widest vectors there are and of none, cut in any way, by every path.
        let mut plain = Ziggurat::new(generator(1));
        let mut scalar = seed(root, experiment, replicate).stream(purpose, block).on(Arch::Scalar);
        let mut drawn = 0;
        for length in [1, 0, 3, 60, 64, 65, 200, 7, 1000, 128, 5].into_iter().cycle() {
            let [mut values, mut same] = [vec![0.0; length], vec![0.0; length]];
            stream.fill(&mut values);
            scalar.fill(&mut same);
            drawn += length;
            for (value, same) in values.iter().zip(same) {
                let expected = plain.next();
                assert_eq!(
                    [value.to_bits(), same.to_bits()],
                    [expected.to_bits(); 2],
                    "number {}",
                    plain.drawn
                );
            }
            if drawn > 1 << 22 {
                break;
            }
        }
        let paths =
            ["inside, drawn again", "left tail", "right tail", "tail refused", "wedge", "wedge refused"];
        assert!(
            paths.iter().all(|path| plain.paths.get(path).is_some_and(|count| *count > 1)),
            "{:?}",
            plain.paths
        );
        let rare = f64::from(plain.paths["wedge"] + plain.paths["wedge refused"]) / drawn as f64;
        assert!((0.003..0.005).contains(&rare), "{rare} outside the rectangles");
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
    0x3fe3_1ab9_63a3_3f9a,
    0xbfe4_2f3b_8450_f50f,
    0x3f57_f20e_6830_b18a,
    0xbfbf_1de6_0288_4b1a,
    0xbfed_c958_d8ad_f14d,
    0xbfe6_d7b9_b141_d62e,
    0xbfe2_8392_9baa_a837,
    0xbfd1_854f_b46b_a5a7,
    0xbfd9_68b2_eaf7_690a,
    0xbfec_bf5d_e254_1ae2,
    0xbfa6_4da2_61c5_9998,
    0xbfec_37b8_ac32_837c,
    0x3fe8_c2dc_4c2e_b816,
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
    // Neighbours come from different lanes, numbers 8, 16 and 24 apart from one, 64 apart from two batches.
    for lag in (1..=8).chain([15, 16, 24, 63, 64, 65, 128]) {
        let correlation: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| a * b).sum::<f64>() / n.sqrt();
        assert!(correlation.abs() < 4.5, "lag {lag}: {correlation}");
        let of_squares: f64 =
            values.iter().zip(&values[lag..]).map(|(a, b)| (a * a - 1.0) * (b * b - 1.0) / 2.0).sum::<f64>()
                / n.sqrt();
        assert!(of_squares.abs() < 4.5, "squares at lag {lag}: {of_squares}");
    }
    // Every pair of lanes at the same step, in 8 × 8 cells of equal probability.
    let cell = |x: f64| ((phi(x) * 8.0) as usize).min(7);
    let cells: Vec<usize> = values[..1 << 20].iter().map(|value| cell(*value)).collect();
    for (one, other) in (0..8).flat_map(|one| (0..one).map(move |other| (one, other))) {
        let mut counts = [0.0_f64; 64];
        cells.chunks_exact(8).for_each(|step| counts[8 * step[one] + step[other]] += 1.0);
        let expected = cells.len() as f64 / 8.0 / 64.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        assert!((chi - 63.0) / 126.0_f64.sqrt() < 5.0, "lanes {one} and {other}: chi-square {chi}");
    }
}

/// A hundred million numbers in intervals of 1/32, to 5.3 standard deviations and beyond, and between the ends of the
/// layers of the ziggurat.
#[test]
fn a_hundred_million_normals_have_the_normal_frequencies() {
    const HALF: usize = 256;
    let (mut counts, mut values, mut extreme) = ([0.0_f64; 2 * HALF], vec![0.0; 1 << 20], 0.0_f64);
    let mut layers = [0.0_f64; LAYERS];
    let end = Ziggurat::new(Pcg::new(&[])).end;
    let blocks = 100;
    for block in 0..blocks {
        seed(1, "law of the normals", 0).stream(Purpose::Test, block).fill(&mut values);
        for value in &values {
            counts[((value * 32.0).floor() + HALF as f64) as usize] += 1.0;
            extreme = extreme.max(value.abs());
        }
        if block < 8 {
            for value in &values {
                layers[end.partition_point(|end| *end > value.abs()).clamp(2, LAYERS) - 1] += 1.0;
            }
        }
    }
    let n = (blocks as usize * values.len()) as f64;
    let check = |what: &str, observed: &[(f64, f64)]| {
        let chi: f64 = observed.iter().map(|(count, expected)| (count - expected).powi(2) / expected).sum();
        let degrees = observed.len() as f64 - 1.0;
        let z = (chi - degrees) / (2.0 * degrees).sqrt();
        assert!(
            degrees > 300.0 && z.abs() < 4.5,
            "{what}: chi-square {chi} with {degrees} degrees of freedom"
        );
    };
    // Intervals where less than ten are expected go together, those of a side.
    let (mut cells, mut rest) = (Vec::new(), [(0.0, 0.0); 2]);
    for (index, count) in counts.iter().enumerate() {
        let low = (index as f64 - HALF as f64) / 32.0;
        let far = low.abs().min((low + 1.0 / 32.0).abs());
        let expected = n * (phi(-far) - phi(-far - 1.0 / 32.0));
        if expected < 10.0 {
            let side = &mut rest[usize::from(low > 0.0)];
            *side = (side.0 + count, side.1 + expected);
        } else {
            cells.push((*count, expected));
        }
    }
    cells.extend(rest);
    check("intervals", &cells);
    // The largest of n has the law P(max < x) = exp(-2n(1-Φ(x))): outside [5.2, 6.8] once in a thousand.
    assert!((5.2..6.8).contains(&extreme), "the largest is {extreme}");
    let between: Vec<(f64, f64)> = (1..LAYERS)
        .map(|layer| {
            let beyond = if layer == 1 { 0.0 } else { phi(-end[layer]) };
            (layers[layer], 8.0 * values.len() as f64 * 2.0 * (phi(-end[layer + 1]) - beyond))
        })
        .collect();
    check("between the ends of layers", &between);
}

#[test]
fn the_tail_beyond_the_ziggurat_has_the_normal_frequency_and_shape() {
    let (mut far, mut block, blocks) = (Vec::<f64>::new(), vec![0.0; 1 << 20], 64);
    for number in 0..blocks {
        seed(2, "law of the normals", 0).stream(Purpose::Test, number).fill(&mut block);
        far.extend(block.iter().filter(|value| value.abs() > 3.7));
    }
    let n = (blocks as usize * block.len()) as f64;
    for (side, sign) in [("right", 1.0), ("left", -1.0)] {
        let tail: Vec<f64> = far.iter().map(|value| sign * value).filter(|value| *value > TAIL).collect();
        let expected = n * phi(-TAIL);
        let z = (tail.len() as f64 - expected) / expected.sqrt();
        assert!(z.abs() < 4.0, "{side}: {} beyond {TAIL}, {expected} expected", tail.len());
        let statistic = kolmogorov_smirnov(tail, |x| 1.0 - phi(-x) / phi(-TAIL));
        assert!(statistic < 1.95, "{side}: Kolmogorov-Smirnov {statistic}");
    }
    // The base layer just inside its end.
    let inside = far.iter().filter(|value| (3.7..TAIL).contains(&value.abs())).count() as f64;
    let expected = n * 2.0 * (phi(-3.7) - phi(-TAIL));
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
