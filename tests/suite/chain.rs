use crate::kernel::bits;
use crate::problems::{Flat, Kind};
use ndarray::{Array1, Array2, array, s};
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::network::Network;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::normal::Normals;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::chain::factor::Factor;
use spectral_alignment::simulation::chain::noise::{ChiSquared, Noise};
use spectral_alignment::simulation::chain::reduced::Chain;
use spectral_alignment::simulation::task::{self, Parameters};
use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_lr;

/// Level of a test by Kolmogorov and Smirnov, over all of its statistics.
pub const LEVEL: f64 = 0.01;
/// What a wrong chain must fall below, over all statistics too.
pub const WRONG: f64 = 1e-6;

#[derive(Clone)]
pub struct Drawn(pub Normals);

impl Noise for Drawn {
    fn fill(&mut self, out: &mut [f64]) {
        self.0.fill(out);
    }

    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

pub fn seed(experiment: &str, replicate: u32) -> Seed {
    Seed { root: 11, experiment: experiment.to_owned(), replicate }
}

pub fn noise(experiment: &str, replicate: u32) -> Drawn {
    Drawn(seed(experiment, replicate).stream(Purpose::Train, 0))
}

pub fn model(task: Kind, d: usize) -> Flat {
    Flat { task, d, lambda: 2.0, beta: 0.1, c: 1.0, phi: 1.0, start: Start::default() }
}

/// Three classes that differ in weight, with means that are not orthogonal.
pub fn skew() -> Kind {
    let gram = vec![vec![1.0, 0.3, -0.2], vec![0.3, 1.0, 0.1], vec![-0.2, 0.1, 1.0]];
    Kind::unequal(&[0.5, 0.3, 0.2], Means::Gram(gram))
}

pub fn q(model: &Flat) -> usize {
    model.task.data.means()
}

pub fn wide(model: &Flat) -> bool {
    model.task.network.layers().len() == 2
}

/// `P(√n D > x)` in the limit, with Stephens' correction for finite `n`.
pub fn kolmogorov(distance: f64, n: f64) -> f64 {
    let x = distance * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
    if x < 0.3 {
        return 1.0;
    }
    let term = |j: f64| (-2.0 * j * j * x * x).exp();
    (1..=100).map(|j| if j % 2 == 1 { 2.0 } else { -2.0 } * term(f64::from(j))).sum::<f64>().clamp(0.0, 1.0)
}

/// Test of one sample against a distribution function.
fn one_sample(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let gap = |(i, x): (usize, &f64)| {
        let p = distribution(*x);
        (p - i as f64 / n).max((i + 1) as f64 / n - p)
    };
    kolmogorov(sample.iter().enumerate().map(gap).fold(0.0, f64::max), n)
}

/// Inner products of rows with each other and with the means, given as rows of the same width.
fn gram(first: &Array2<f64>, means: &Array2<f64>) -> Array2<f64> {
    let all = ndarray::concatenate![ndarray::Axis(0), first.view(), means.view()];
    all.dot(&all.t())
}

/// Largest difference of two Gram matrices, relative to the lengths of the vectors.
fn gram_gap(found: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    let length = |i: usize| expected[[i, i]].sqrt();
    let gaps = found.indexed_iter().map(|((i, j), value)| {
        let gap = (value - expected[[i, j]]).abs();
        if gap == 0.0 { 0.0 } else { gap / (length(i) * length(j)) }
    });
    gaps.fold(0.0, f64::max)
}

/// Coordinates in the span of the means and outside as vectors of a larger space, reflected outside that span.
fn embed(rows: &Array2<f64>, q: usize, normal: &Array1<f64>) -> Array2<f64> {
    let size = q + normal.len();
    let mut full = Array2::zeros((rows.nrows(), size));
    full.slice_mut(s![.., ..rows.ncols()]).assign(rows);
    for mut row in full.rows_mut() {
        let mut outside = row.slice_mut(s![q..]);
        let along = 2.0 * outside.dot(normal) / normal.dot(normal);
        outside.scaled_add(-along, normal);
    }
    full
}

/// From the coordinates before each step the step of SGD itself, in a space with at least three more dimensions than the
/// coordinates need, on the same noise.
#[test]
fn a_step_is_that_of_sgd_in_the_whole_space() {
    for (task, d, lambda) in [
        (Kind::mixture(2), 5, 0.5),
        (skew(), 40, 2.0),
        (Kind::mixture(10), 300, 10.0),
        (Kind::xor(1), 4, 1.0),
        (Kind::xor(4), 30, 3.0),
        (Kind::xor(9), 1_000_000, 0.01),
        // The parts go together in other ways as well.
        (Kind { network: Network::softmax(), ..Kind::xor(1) }, 30, 2.0),
        (Kind { network: Network::two_layer(3), ..Kind::mixture(2) }, 30, 2.0),
    ] {
        let model = Flat { lambda, ..model(task, d) };
        let (rows, q) = (model.rows(), q(&model));
        let size = q + rows + 11;
        let full_model = Flat { d: size, c: model.step_size() * size as f64, ..model.clone() };
        let full = task::build(&full_model.problem());
        let clusters = full.law().means();
        let mut noise = noise("chain-step", 0);
        let mut chain = Chain::new(&model.problem(), &mut noise).unwrap();
        let start = gram(&chain.layers()[0], &chain.means());
        let mut widths = std::collections::BTreeSet::new();
        for step in 0..600 {
            let mut same = noise.clone();
            let mut normal = vec![0.0; rows + 11];
            seed("chain-reflection", step).stream(Purpose::Test, 0).fill(&mut normal);
            let normal = Array1::from(normal);
            let before = chain.coordinates();
            let width = before.ncols();
            widths.insert(width);
            let mut parameters: Parameters = vec![embed(&before, q, &normal)];
            parameters.extend_from_slice(&chain.layers()[1..]);
            let mut learner = full.learner(&parameters);

            let uniform = same.uniform();
            let cluster = cluster(&model, uniform);
            let mut z = vec![0.0; width];
            same.fill(&mut z);
            let length = ChiSquared::new(d - width).unwrap().draw(&mut same).sqrt();
            z.extend([0.36, -0.48, 0.8].map(|share| share * length));
            z.resize(size, 0.0);
            let z = Array2::from_shape_vec((1, size), z).unwrap();
            let y = &embed(&z, q, &normal).row(0) / lambda.sqrt() + clusters.row(cluster);
            let mut y = y.to_vec();
            y.resize(spectral_alignment::simulation::kernel::padded(size), 0.0);

            assert!(learner.step(full.law().labels()[cluster], &y));
            assert!(chain.step(&mut noise));
            let (found, expected) = (chain.layers(), learner.parameters());
            let means = full.law().independent_means();
            let gap = gram_gap(&gram(&found[0], &chain.means()), &gram(&expected[0], &means));
            assert!(gap < 1e-13, "{:?}: step {step} is off by {gap:e}", model.task);
            for (v, expected) in found[1..].iter().flatten().zip(expected[1..].iter().flatten()) {
                assert!((v - expected).abs() <= 1e-14 * expected.abs(), "{v} against {expected}");
            }
            for ((row, column), value) in found[0].slice(s![.., q..]).indexed_iter() {
                assert!(column <= row || *value == 0.0, "not triangular at ({row}, {column}): {value}");
                assert!(column != row || *value >= 0.0, "{value} on the diagonal");
            }
        }
        assert_eq!(chain.taken(), 600);
        let most = (q + rows + 8).min(d - 1);
        assert_eq!(widths, (q + rows..=most).collect(), "widths of the coordinates");
        let moved = gram_gap(&gram(&chain.layers()[0], &chain.means()), &start);
        assert!(d > 1000 || moved > 0.1, "nothing happened: {moved}");
    }
}

/// The cluster that a uniform number chooses.
pub fn cluster(model: &Flat, uniform: f64) -> usize {
    let probabilities = model.task.data.probabilities();
    let mut total = 0.0;
    for (cluster, p) in probabilities.iter().enumerate() {
        total += p;
        if uniform < total {
            return cluster;
        }
    }
    probabilities.len() - 1
}

#[test]
fn a_triangulated_factor_loses_nothing() {
    let normals = |label: &str, count: usize| {
        let mut out = vec![0.0; count];
        noise(label, count as u32).fill(&mut out);
        out
    };
    let mut checked = 0;
    for (size, kept) in (1..=11_usize).flat_map(|size| [(size, 0), (size, 3)]) {
        let entries = normals("factor", size * (size + kept));
        // Rows of all lengths, columns of zeros, equal rows, and nothing at all.
        let scales = [1.0, 1e-9, 1e-30, 1e-160];
        let shapes: [&dyn Fn(usize, usize) -> f64; 7] = [
            &|i, j| entries[i * size + j],
            &|i, j| entries[i * size + j] * scales[i % 4],
            &|i, j| if j % 2 == 0 { entries[i * size + j] } else { 0.0 },
            &|i, j| if i == j { [1.0, 1e-12, 0.0][j % 3] } else { entries[i * size + j] },
            &|_, j| if j == 0 { 1.0 } else { 0.0 },
            &|_, _| 0.0,
            &|i, j| if i == 0 { entries[i * size + j] * 1e160 } else { entries[i * size + j] },
        ];
        for (shape, entry) in shapes.into_iter().enumerate() {
            let start = Array2::from_shape_fn((size, kept + size), |(i, j)| entry(i, j % size));
            let scale = |i: usize| match (shape, i) {
                (1, _) => scales[i % 4],
                (6, 0) => 1e160,
                _ => 1.0,
            };
            for (size_of_steps, told, rest) in [
                (1.0, size, 0.7),
                (1e-3, size, 30.0),
                (1.0, 0, 1.0),
                (1.0, size, 0.0),
                (1.0, size / 2, 0.0),
                (1.0, 0, 0.0),
                (0.0, size, 1.0),
                (1e-8, size, 1e-8),
            ] {
                let mut factor = Factor::new(&start);
                // The same in dense arrays of rows divided by their scales, so that no square underflows.
                let mut dense = Array2::from_shape_fn(start.dim(), |(i, j)| start[[i, j]] / scale(i));
                let mut lengths = vec![0.0; size];
                for turn in 0..4 {
                    let (mut along, steps) =
                        (normals("direction", dense.ncols()), normals("steps", size + turn));
                    along.iter_mut().skip(told).for_each(|entry| *entry = 0.0);
                    let scaled: Vec<f64> = (0..size).map(|i| size_of_steps * steps[i] * scale(i)).collect();
                    let mut products = vec![f64::NAN; size];
                    factor.products(&along, &mut products);
                    for (i, product) in products.iter().enumerate() {
                        let terms: Vec<f64> = dense.row(i).iter().zip(&along).map(|(x, y)| x * y).collect();
                        let size: f64 = terms.iter().map(|term| term.abs()).sum();
                        assert!((product / scale(i) - terms.iter().sum::<f64>()).abs() <= 1e-14 * size);
                    }
                    factor.descend(0.9, &scaled, &along, rest);
                    along.push(rest);
                    dense = Array2::from_shape_fn((size, along.len()), |(i, j)| {
                        let old = if j < dense.ncols() { dense[[i, j]] } else { 0.0 };
                        0.9 * old - scaled[i] / scale(i) * along[j]
                    });
                    for (i, length) in lengths.iter_mut().enumerate() {
                        *length = dense.row(i).dot(&dense.row(i)).sqrt().max(*length);
                    }
                }
                assert_eq!(factor.width(), kept + size + 4);
                factor.triangulate(kept);
                assert_eq!(factor.width(), kept + size);
                let found = factor.values();
                let found = Array2::from_shape_fn(found.dim(), |(i, j)| found[[i, j]] / scale(i));
                let (expected, gram) = (dense.dot(&dense.t()), found.dot(&found.t()));
                for i in 0..size {
                    for j in 0..size {
                        let gap = (gram[[i, j]] - expected[[i, j]]).abs();
                        assert!(
                            gap <= 1e-14 * lengths[i] * lengths[j],
                            "shape {shape}, {size} rows: ({i}, {j}) is off by {gap:e}"
                        );
                        assert!(j <= i || found[[i, kept + j]] == 0.0);
                    }
                    assert!(found[[i, kept + i]] >= 0.0);
                    assert!((0..kept).all(|j| found[[i, j]] == dense[[i, j]] || scale(i) != 1.0));
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 22 * 7 * 8);
}

/// Steps of no size only rotate; rounding changes the Gram matrix by less than its last bit each time.
#[test]
fn rotations_do_not_drift() {
    let mut noise = noise("drift", 0);
    let lower = Array2::from_shape_fn((10, 10), |(i, j)| if j > i { 0.0 } else { 1.0 / (1 + i - j) as f64 });
    let mut factor = Factor::new(&lower);
    for _ in 0..50_000 {
        // A reflection of the columns, as dense arrays make it, so that there is something to triangulate.
        let mut normal = [0.0; 10];
        noise.fill(&mut normal);
        let mut products = [0.0; 10];
        factor.products(&normal, &mut products);
        let twice = 2.0 / normal.iter().map(|entry| entry * entry).sum::<f64>();
        factor.descend(1.0, &products.map(|product| twice * product), &normal, 0.0);
        factor.triangulate(0);
    }
    let found = factor.values();
    let gap = gram_gap(&found.dot(&found.t()), &lower.dot(&lower.t()));
    println!("the Gram matrix has drifted by {gap:e}");
    assert!(gap < 100_000.0 * 1e-16, "drifted by {gap:e}");
}

#[test]
fn chi_square_law() {
    let degrees = [1, 2, 3, 4, 7, 50, 281, 10_000, 1_000_000_000];
    for nu in degrees {
        let mut noise = noise("chi-square", nu as u32);
        let law = ChiSquared::new(nu).unwrap();
        let sample: Vec<f64> = (0..200_000).map(|_| law.draw(&mut noise)).collect();
        let n = nu as f64;
        let p = if nu <= 10_000 {
            one_sample(sample, |x| gamma_lr(0.5 * n, 0.5 * x))
        } else {
            // The distance to the normal law of the same moments is below 1e-5.
            one_sample(sample, |x| 0.5 * erfc(-(x - n) / (4.0 * n).sqrt()))
        };
        assert!(p * degrees.len() as f64 > LEVEL, "{nu} degrees of freedom: p = {p:e}");
    }
    assert!(ChiSquared::new(0).unwrap_err().to_string().contains("degrees of freedom = 0"));
    // The test tells 281 degrees of freedom from 278.
    let mut noise = noise("chi-square", 281);
    let law = ChiSquared::new(281).unwrap();
    let sample: Vec<f64> = (0..200_000).map(|_| law.draw(&mut noise)).collect();
    assert!(one_sample(sample, |x| gamma_lr(139.0, 0.5 * x)) < WRONG);
}

#[test]
fn the_same_numbers_give_the_same_bits_however_a_run_is_cut() {
    for task in [Kind::mixture(5), skew(), Kind::xor(6)] {
        let model = model(task, 200);
        let run = |replicate: u32, schedule: &[u64]| {
            let mut noise = noise("chain-bits", replicate);
            let mut chain = Chain::new(&model.problem(), &mut noise).unwrap();
            chain.run(schedule, &mut noise, &|_| {})
        };
        let layers = |replicate: u32, schedule: &[u64]| {
            let last = run(replicate, schedule).checkpoints.pop().unwrap();
            assert_eq!(last.step, 700);
            bits(last.parameters.into_iter().flatten())
        };
        let whole = layers(0, &[700]);
        assert_eq!(whole, layers(0, &[0, 1, 2, 350, 699, 700]));
        assert_ne!(whole, layers(1, &[700]));
        let told = std::cell::RefCell::new(Vec::new());
        let mut noise = noise("chain-bits", 0);
        let mut chain = Chain::new(&model.problem(), &mut noise).unwrap();
        chain.run(&[0, 3, 10], &mut noise, &|steps| told.borrow_mut().push(steps));
        assert_eq!(told.into_inner(), [0, 3, 7]);
        let rest = chain.run(&[10, 700], &mut noise, &|_| {});
        assert_eq!(bits(rest.checkpoints[1].parameters.iter().flatten().copied()), whole);
    }
}

#[test]
fn layers_have_the_shapes_of_the_tasks_and_turned_means_change_nothing() {
    let mut first = noise("chain-shapes", 0);
    let chain = Chain::new(&model(skew(), 50).problem(), &mut first).unwrap();
    assert_eq!(chain.layers().iter().map(Array2::dim).collect::<Vec<_>>(), [(3, 6)]);
    let means = chain.means();
    let expected = array![[1.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 1.0]];
    assert!((means.dot(&means.t()) - expected).iter().all(|gap| gap.abs() < 1e-15));
    let turned = Kind::turned(4, &[0.6, 0.8], &[-0.8, 0.6]);
    let chains = [Kind::xor(4), turned].map(|task| {
        let mut noise = noise("chain-shapes", 1);
        let mut chain = Chain::new(&model(task, 50).problem(), &mut noise).unwrap();
        chain.run(&[100], &mut noise, &|_| {});
        assert_eq!(chain.means(), Array2::<f64>::eye(6).slice(s![..2, ..]));
        chain.layers()
    });
    assert_eq!(chains[0].iter().map(Array2::dim).collect::<Vec<_>>(), [(4, 6), (4, 1)]);
    assert_eq!(chains[0], chains[1]);
}

#[test]
fn any_dimension_above_the_coordinates_and_no_other() {
    for (task, coordinates) in [(Kind::mixture(3), 6), (Kind::xor(5), 7)] {
        for d in [coordinates + 1, 1_000_000_000] {
            let mut noise = noise("chain-d", 0);
            let mut chain = Chain::new(&model(task.clone(), d).problem(), &mut noise).unwrap();
            assert_eq!(chain.run(&[50], &mut noise, &|_| {}).diverged, None);
            let long: f64 = chain.layers()[0].row(0).iter().map(|value| value * value).sum();
            assert!(d == coordinates + 1 || (long - 1.0).abs() < 1e-3, "length {long}");
        }
        let refused = Chain::new(&model(task, coordinates).problem(), &mut noise("chain-d", 0));
        let message = refused.unwrap_err().to_string();
        assert!(message.starts_with(&format!("d = {coordinates}: ")), "{message}");
    }
}

#[test]
fn what_makes_no_chain_is_refused() {
    let plain = model(Kind::mixture(2), 30);
    let refuse = |model: &Flat, word: &str| {
        let message = Chain::new(&model.problem(), &mut noise("chain-refused", 0)).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    };
    refuse(&Flat { lambda: 0.0, ..plain.clone() }, "chain.lambda = 0");
    refuse(&Flat { beta: -1.0, ..plain.clone() }, "chain.beta = -1");
    refuse(&Flat { c: f64::INFINITY, ..plain.clone() }, "chain.c = inf");
    refuse(&model(Kind::mixture(1), 30), "chain.k = 1");
    let along = |rows: [[f64; 2]; 2]| Some(rows.iter().map(|row| row.to_vec()).collect());
    let start = |start: Start| Flat { start, ..plain.clone() };
    refuse(&start(Start { along: Some(vec![vec![0.0; 3]; 2]), second: None }), "chain.start = [[0.0");
    refuse(&start(Start { along: along([[0.0; 2]; 2]), second: Some(vec![1.0]) }), "no second layer");
    refuse(&start(Start { along: along([[0.0, f64::NAN], [0.0; 2]]), second: None }), "NaN");
    let network = model(Kind::xor(2), 30);
    for second in [vec![1.0], vec![1.0, f64::INFINITY], vec![1.0, 1e76]] {
        let start = Start { along: along([[0.0; 2]; 2]), second: Some(second) };
        refuse(&Flat { start, ..network.clone() }, "one finite weight");
    }
}

#[test]
fn divergence_is_reported_at_its_step() {
    for task in [Kind::mixture(3), Kind::xor(3)] {
        let model = Flat { c: 1e42, ..model(task, 100) };
        let mut noise = noise("chain-diverges", 0);
        let mut chain = Chain::new(&model.problem(), &mut noise).unwrap();
        let run = chain.run(&[0, 1, 50, 60], &mut noise, &|_| {});
        let diverged = run.diverged.unwrap();
        assert!((2..=50).contains(&diverged), "at step {diverged}");
        assert_eq!(diverged, chain.taken() + 1);
        assert_eq!(run.checkpoints.len(), 2);
        assert!(
            run.checkpoints.iter().all(|at| at.parameters.iter().flatten().all(|value| value.is_finite()))
        );
        let before = chain.layers();
        assert!(before.iter().flatten().all(|value| value.is_finite()));
    }
}
