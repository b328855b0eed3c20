use std::sync::LazyLock;

use ndarray::{Array1, Array2, array, s};
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::Purpose;
use spectral_alignment::simulation::chain::noise::{ChiSquared, Noise};
use spectral_alignment::simulation::chain::reduced::Chain;
use spectral_alignment::simulation::data::Stream;
use spectral_alignment::simulation::kernel::padded;
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task;

use crate::chain::{Drawn, LEVEL, WRONG, cluster, kolmogorov, model, noise, q, seed, skew, wide};
use crate::problems::{Flat, Kind};

/// Test of two samples against each other.
fn two_samples(mut left: Vec<f64>, mut right: Vec<f64>) -> f64 {
    left.sort_by(f64::total_cmp);
    right.sort_by(f64::total_cmp);
    let (n, m) = (left.len() as f64, right.len() as f64);
    let gap = |x: &f64| {
        let below = |sample: &[f64]| sample.partition_point(|y| y <= x) as f64 / sample.len() as f64;
        (below(&left) - below(&right)).abs()
    };
    kolmogorov(left.iter().chain(&right).map(gap).fold(0.0, f64::max), n * m / (n + m))
}

/// Statistics of one run by name.
type Statistics = Vec<(String, f64)>;

/// The smallest p-value over all statistics, corrected for their number, and the statistic that has it.
fn compare(left: &[Statistics], right: &[Statistics]) -> (f64, String) {
    let count = left[0].len();
    let column = |runs: &[Statistics], i: usize| runs.iter().map(|run| run[i].1).collect::<Vec<_>>();
    let p = (0..count).map(|i| (two_samples(column(left, i), column(right, i)), left[0][i].0.clone()));
    let (least, name) = p.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    ((least * count as f64).min(1.0), name)
}

/// Passes if no statistic has another law.
fn same(left: &[Statistics], right: &[Statistics], least: usize) {
    assert!(left[0].len() >= least, "{} statistics", left[0].len());
    let (p, name) = compare(left, right);
    println!("{} runs, {} statistics, smallest corrected p = {p:.3} ({name})", left.len(), left[0].len());
    assert!(p > LEVEL, "p = {p:e} for {name}");
}

/// Passes if some statistic has another law beyond doubt.
fn differ(left: &[Statistics], right: &[Statistics], what: &str) {
    let (p, name) = compare(left, right);
    println!("{what}: smallest corrected p = {p:e} ({name})");
    assert!(p < WRONG, "{what} passes, p = {p:e} for {name}");
}

/// What is compared of a run with two checkpoints, whose first layers have the span of the means in their first `q` coordinates.
fn statistics(model: &Flat, means: &Array2<f64>, checkpoints: &[Vec<Array2<f64>>; 2]) -> Statistics {
    let q = q(model);
    let (middle, last) = (&checkpoints[0], &checkpoints[1]);
    let (x, earlier) = (&last[0], &middle[0]);
    let product = |u: usize, w: usize| x.row(u).dot(&x.row(w));
    let m = |row: usize, mean: usize| x.row(row).dot(&means.row(mean));
    let outside = |u: usize, w: usize| x.slice(s![u, q..]).dot(&x.slice(s![w, q..]));
    let mut all = Vec::new();
    let mut add = |name: &str, value: f64| all.push((name.to_owned(), value));
    for (row, mean) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)] {
        add(&format!("m{row}{mean}"), m(row, mean));
    }
    for (u, w) in [(0, 0), (1, 1), (0, 1), (1, 2)] {
        add(&format!("R{u}{w}"), product(u, w));
    }
    add("length of x0", product(0, 0).sqrt());
    for row in [0, 2] {
        add(&format!("sine of x{row}"), (outside(row, row) / product(row, row)).sqrt());
    }
    add("cosine outside", outside(0, 1) / (outside(0, 0) * outside(1, 1)).sqrt());
    add("change of m00", m(0, 0) - earlier.row(0).dot(&means.row(0)));
    add("growth of R00", product(0, 0) / earlier.row(0).dot(&earlier.row(0)));
    if wide(model) {
        let v = &last[1];
        add("v0", v[[0, 0]]);
        add("v1", v[[1, 0]]);
        add("v0 v1", v[[0, 0]] * v[[1, 0]]);
        add("length of v", v.iter().map(|value| value * value).sum::<f64>().sqrt());
        let aligned = (0..v.nrows()).map(|row| m(row, 0).hypot(m(row, 1)));
        add("largest alignment", aligned.fold(0.0, f64::max));
        add("change of v0", v[[0, 0]] - middle[1][[0, 0]]);
    }
    all
}

/// Steps of the two checkpoints.
fn schedule(model: &Flat, horizon: f64) -> [u64; 2] {
    [model.steps(0.5 * horizon), model.steps(horizon)]
}

/// SGD in `R^d`.
fn sgd(model: &Flat, horizon: f64, runs: u32) -> Vec<Statistics> {
    let task = task::build(&model.problem());
    let means = means(model);
    (0..runs)
        .map(|run| {
            let found = train(&*task, &seed("sgd", run), &schedule(model, horizon), &|_| {});
            assert_eq!(found.diverged, None);
            let checkpoints = found.checkpoints.into_iter().map(|at| at.parameters).collect::<Vec<_>>();
            statistics(model, &means, &checkpoints.try_into().unwrap())
        })
        .collect()
}

/// The `q` means in `R^d`.
fn means(model: &Flat) -> Array2<f64> {
    let task = task::build(&model.problem());
    if wide(model) { task.mean_space().reversed_axes() } else { task.law().means() }
}

/// The reduced chain.
fn chain(model: &Flat, horizon: f64, runs: u32) -> Vec<Statistics> {
    (0..runs)
        .map(|run| {
            let mut noise = noise("chain", run);
            let mut chain = Chain::new(&model.problem(), &mut noise).unwrap();
            let found = chain.run(&schedule(model, horizon), &mut noise, &|_| {});
            assert_eq!(found.diverged, None);
            let checkpoints = found.checkpoints.into_iter().map(|at| at.parameters).collect::<Vec<_>>();
            statistics(model, &chain.means(), &checkpoints.try_into().unwrap())
        })
        .collect()
}

/// What a plainly written chain does wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Nothing,
    /// The remainder of the noise is left out, and with it the term of order c/λ.
    NoRemainder,
    /// Another number of degrees of freedom.
    Degrees(usize),
    /// Entries right of the diagonal go into it row by row, which keeps the lengths of rows and not their products.
    RowByRow,
}

/// The chain in dense arrays, with a Cholesky factor in the place of rotations.
struct Plain<'a> {
    model: &'a Flat,
    means: Array2<f64>,
    x: Array2<f64>,
    v: Array1<f64>,
    wrong: Wrong,
}

impl Plain<'_> {
    fn step(&mut self, noise: &mut Drawn) {
        let (rows, q) = (self.x.nrows(), q(self.model));
        let (delta, root) = (self.model.step_size(), self.model.lambda.sqrt());
        let shrink = 1.0 - delta * self.model.beta;
        let cluster = cluster(self.model, noise.uniform());
        let mut y = Array1::zeros(q + rows + 1);
        noise.fill(&mut y.as_slice_mut().unwrap()[..q + rows]);
        let degrees =
            if let Wrong::Degrees(degrees) = self.wrong { degrees } else { self.model.d - q - rows };
        let rest = ChiSquared::new(degrees).unwrap().draw(noise).sqrt();
        y[q + rows] = if matches!(self.wrong, Wrong::NoRemainder) { 0.0 } else { rest };
        y /= root;
        let (mean, sign) = match cluster {
            _ if !wide(self.model) => (cluster, 1.0),
            _ => (cluster / 2, if cluster.is_multiple_of(2) { 1.0 } else { -1.0 }),
        };
        for (entry, coordinate) in y.iter_mut().zip(self.means.row(mean)) {
            *entry += sign * coordinate;
        }
        let products = self.x.dot(&y.slice(s![..q + rows]));
        let steps = if wide(self.model) {
            let relu = products.mapv(|product| product.max(0.0));
            let label = if cluster < 2 { 1.0 } else { 0.0 };
            let residual = 1.0 / (1.0 + (-self.v.dot(&relu)).exp()) - label;
            let steps = Array1::from_shape_fn(rows, |i| {
                if products[i] > 0.0 { delta * residual * self.v[i] } else { 0.0 }
            });
            self.v = shrink * &self.v - delta * residual * relu;
            steps
        } else {
            let total = products.mapv(f64::exp).sum();
            Array1::from_shape_fn(rows, |a| {
                delta * (products[a].exp() / total - if a == cluster { 1.0 } else { 0.0 })
            })
        };
        let mut wider = Array2::zeros((rows, q + rows + 1));
        wider.slice_mut(s![.., ..q + rows]).assign(&(shrink * &self.x));
        for ((row, column), entry) in wider.indexed_iter_mut() {
            *entry -= steps[row] * y[column];
        }
        self.x.slice_mut(s![.., ..q]).assign(&wider.slice(s![.., ..q]));
        let outside = wider.slice(s![.., q..]);
        let factor = if matches!(self.wrong, Wrong::RowByRow) {
            Array2::from_shape_fn((rows, rows), |(i, j)| match j {
                _ if j < i => outside[[i, j]],
                _ if j > i => 0.0,
                _ => outside.slice(s![i, i..]).mapv(|entry| entry * entry).sum().sqrt(),
            })
        } else {
            cholesky(&outside.dot(&outside.t()))
        };
        self.x.slice_mut(s![.., q..]).assign(&factor);
    }
}

fn cholesky(gram: &Array2<f64>) -> Array2<f64> {
    let size = gram.nrows();
    let mut factor = Array2::<f64>::zeros((size, size));
    for i in 0..size {
        for j in 0..=i {
            let known: f64 = (0..j).map(|l| factor[[i, l]] * factor[[j, l]]).sum();
            let rest = gram[[i, j]] - known;
            factor[[i, j]] = if i == j { rest.max(0.0).sqrt() } else { rest / factor[[j, j]] };
        }
    }
    factor
}

/// The plainly written chain.
fn plain(model: &Flat, wrong: Wrong, horizon: f64, runs: u32) -> Vec<Statistics> {
    (0..runs)
        .map(|run| {
            let mut noise = noise("plain chain", run);
            let start = Chain::new(&model.problem(), &mut noise).unwrap();
            let (means, layers) = (start.means(), start.layers());
            let v = layers.get(1).map_or_else(|| Array1::zeros(0), |v| v.column(0).to_owned());
            let mut plain = Plain { model, means, x: layers[0].clone(), v, wrong };
            let (mut taken, mut checkpoints) = (0, Vec::new());
            for step in schedule(model, horizon) {
                while taken < step {
                    plain.step(&mut noise);
                    taken += 1;
                }
                checkpoints.push(vec![plain.x.clone(), plain.v.clone().insert_axis(ndarray::Axis(1))]);
            }
            statistics(model, &plain.means, &checkpoints.try_into().unwrap())
        })
        .collect()
}

/// A model, how long it is trained, how often, and what SGD makes of it.
struct Case {
    model: Flat,
    horizon: f64,
    sgd: Vec<Statistics>,
}

impl Case {
    fn new(model: Flat, horizon: f64, runs: u32) -> Self {
        let sgd = sgd(&model, horizon, runs);
        Self { model, horizon, sgd }
    }

    fn runs(&self) -> u32 {
        self.sgd.len() as u32
    }

    fn passes(&self) {
        let chain = chain(&self.model, self.horizon, self.runs());
        same(&self.sgd, &chain, 15);
        same(&self.sgd, &plain(&self.model, Wrong::Nothing, self.horizon, self.runs() / 2), 15);
    }

    fn fails(&self, wrong: &[Wrong]) {
        for &wrong in wrong {
            let found = plain(&self.model, wrong, self.horizon, self.runs() / 2);
            differ(&self.sgd, &found, &format!("{wrong:?}"));
        }
    }

    /// The mean of a statistic over the runs of SGD.
    fn mean(&self, name: &str) -> f64 {
        let values = self.sgd.iter().map(|run| run.iter().find(|(other, _)| other == name).unwrap().1);
        values.sum::<f64>() / self.sgd.len() as f64
    }
}

static MIXTURE: LazyLock<Case> = LazyLock::new(|| Case::new(model(skew(), 300), 8.0, 600));

static XOR: LazyLock<Case> = LazyLock::new(|| {
    let model = Flat { lambda: 4.0, beta: 0.02, c: 4.0, ..model(Kind::xor(4), 300) };
    Case::new(model, 40.0, 500)
});

/// In so few dimensions no limit is near, and every degree of freedom counts.
static SMALL_MIXTURE: LazyLock<Case> = LazyLock::new(|| Case::new(model(skew(), 8), 10.0, 6000));

static SMALL_XOR: LazyLock<Case> =
    LazyLock::new(|| Case::new(Flat { lambda: 0.5, c: 2.0, ..model(Kind::xor(3), 7) }, 20.0, 6000));

#[test]
fn chain_and_sgd_have_one_law_in_task_a() {
    MIXTURE.passes();
    assert!(MIXTURE.mean("m00") > 0.5 && MIXTURE.mean("R01") < -0.1, "nothing was learnt");
}

#[test]
fn chain_and_sgd_have_one_law_in_task_b() {
    XOR.passes();
    let (aligned, sine) = (XOR.mean("largest alignment"), XOR.mean("sine of x0"));
    assert!(aligned > 0.5 && sine < 0.9, "nothing was learnt: {aligned}, {sine}");
}

#[test]
fn chain_and_sgd_have_one_law_in_few_dimensions() {
    SMALL_MIXTURE.passes();
    SMALL_XOR.passes();
}

#[test]
fn wrong_chains_have_another_law_in_task_a() {
    MIXTURE.fails(&[Wrong::NoRemainder, Wrong::Degrees(600), Wrong::Degrees(150), Wrong::RowByRow]);
}

#[test]
fn wrong_chains_have_another_law_in_task_b() {
    XOR.fails(&[Wrong::NoRemainder, Wrong::Degrees(600), Wrong::Degrees(150), Wrong::RowByRow]);
}

#[test]
fn in_few_dimensions_one_degree_of_freedom_is_seen() {
    SMALL_MIXTURE.fails(&[Wrong::Degrees(3), Wrong::Degrees(1), Wrong::Degrees(8)]);
    SMALL_XOR.fails(&[Wrong::Degrees(3), Wrong::Degrees(1), Wrong::Degrees(7)]);
}

/// Rows of Gaussian numbers against the law by which a chain starts, and means and variances against their values.
#[test]
fn a_chain_starts_where_sgd_does() {
    const RUNS: u32 = 6000;
    for (task, d) in [(skew(), 7), (skew(), 60), (Kind::xor(4), 7), (Kind::xor(4), 60)] {
        let model = model(task, d);
        let task = task::build(&model.problem());
        let full_means = means(&model);
        let full: Vec<_> = (0..RUNS)
            .map(|run| {
                let start = task.initial(&seed("start", run));
                statistics(&model, &full_means, &[start.clone(), start])
            })
            .collect();
        let reduced: Vec<_> = (0..RUNS)
            .map(|run| {
                let chain = Chain::new(&model.problem(), &mut noise("start", run)).unwrap();
                statistics(&model, &chain.means(), &[chain.layers(), chain.layers()])
            })
            .collect();
        same(&full, &reduced, 15);
        let moments = |name: &str| {
            let values = reduced.iter().map(|run| run.iter().find(|(other, _)| other == name).unwrap().1);
            let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
            let mean = sum / f64::from(RUNS);
            (mean, squares / f64::from(RUNS) - mean * mean)
        };
        let (n, size) = (d as f64, f64::from(RUNS).sqrt());
        for (name, mean, variance) in
            [("m00", 0.0, 1.0 / n), ("m11", 0.0, 1.0 / n), ("R00", 1.0, 2.0 / n), ("R12", 0.0, 1.0 / n)]
        {
            let found = moments(name);
            assert!((found.0 - mean).abs() < 4.0 * variance.sqrt() / size, "{name}: mean {}", found.0);
            assert!((found.1 / variance - 1.0).abs() < 16.0 / size, "{name}: variance {}", found.1);
        }
    }
}

/// From given coefficients: the products with the means are exact at once, and the law is that of SGD later.
#[test]
fn a_macroscopic_start_has_the_law_of_sgd_from_there() {
    const RUNS: u32 = 500;
    let xor = Flat { lambda: 4.0, beta: 0.02, ..model(Kind::xor(4), 200) };
    let xor_along = array![[0.8, 0.0], [-0.5, 0.3], [0.0, -1.0], [0.1, 0.6]];
    let mixture_along = array![[1.0, -0.5, 0.0], [0.2, 0.4, -0.1], [-1.0, 0.0, 0.7]];
    let mixture = model(skew(), 200);
    for (model, along, v, horizon) in
        [(&mixture, &mixture_along, &[][..], 3.0), (&xor, &xor_along, &[1.0, 0.7, -1.2, -0.5][..], 6.0)]
    {
        let coefficients = along.rows().into_iter().map(|row| row.to_vec()).collect();
        let second = (!v.is_empty()).then(|| v.to_vec());
        let model = &Flat { start: Start { along: Some(coefficients), second }, ..model.clone() };
        let task = task::build(&model.problem());
        let (means, d) = (means(model), model.d);
        let layers = Chain::new(&model.problem(), &mut noise("along", 0)).unwrap();
        let gap = layers.layers()[0].dot(&layers.means().t()) - along.dot(&means).dot(&means.t());
        assert!(gap.iter().all(|gap| gap.abs() < 1e-15));
        assert!(v.is_empty() || layers.layers()[1].column(0).to_vec() == v);

        let full: Vec<_> = (0..RUNS)
            .map(|run| {
                let seed = seed("along", run);
                let parameters = task.initial(&seed);
                let gap = parameters[0].dot(&task.law().means().t()).slice(s![.., ..1]).to_owned()
                    - along.dot(&means).dot(&means.t()).slice(s![.., ..1]);
                assert!(gap.iter().all(|gap| gap.abs() < 1e-12));
                let mut learner = task.learner(&parameters);
                let mut stream = Stream::new(task.law(), &seed, Purpose::Train);
                let (mut y, mut taken, mut checkpoints) = (vec![0.0; padded(d)], 0, Vec::new());
                for step in schedule(model, horizon) {
                    while taken < step {
                        let cluster = stream.next_into(&mut y);
                        assert!(learner.step(task.law().labels()[cluster as usize], &y));
                        taken += 1;
                    }
                    checkpoints.push(learner.parameters());
                }
                statistics(model, &means, &checkpoints.try_into().unwrap())
            })
            .collect();
        same(&full, &chain(model, horizon, RUNS), 15);
    }
}
