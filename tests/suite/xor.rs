use crate::kernel::{Plain, bits};
use crate::problems::{Flat, Kind};
use ndarray::{Array1, Array2, s};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::problem::network::Layer;
use spectral_alignment::problem::network::Network;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::{Sample, Stream};
use spectral_alignment::simulation::kernel::padded;
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task::{self, Block, LARGEST, Matrix, Parameters, Task};
use spectral_alignment::spectrum::answer::{Point, QueryResult};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::query::{Query, Question, SampleKind};
use spectral_alignment::spectrum::subspace::space;

const W: Layer = Layer::W;
const V: Layer = Layer::V;
/// A layer that there is not.
const NONE: Layer = Layer { index: 2, name: "2" };

const STEP: f64 = 1e-5;

fn model(width: usize, d: usize) -> Flat {
    Flat { task: Kind::xor(width), d, lambda: 3.0, beta: 0.1, c: 1.0, phi: 6.0, start: Start::default() }
}

/// The same mixture turned by an angle in the plane of its means.
fn turned(width: usize, d: usize) -> Flat {
    let task = Kind::turned(width, &[0.6, 0.8], &[-0.8, 0.6]);
    Flat { task, ..model(width, d) }
}

fn seed(replicate: u32) -> Seed {
    Seed { root: 5, experiment: "xor-test".to_owned(), replicate }
}

fn sample(task: &dyn Task, replicate: u32, n: usize) -> Sample {
    Sample::first(task.law(), &seed(replicate), Purpose::Test, n)
}

fn row(sample: &Sample, index: usize) -> Vec<f64> {
    sample.features().row(index).to_vec()
}

fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(a, b)| a * b).sum()
}

fn largest(array: &Array2<f64>) -> f64 {
    array.iter().fold(0.0, |most, value| most.max(value.abs()))
}

fn assert_near(found: &Array2<f64>, expected: &Array2<f64>, tolerance: f64, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let off = largest(&(found - expected));
    assert!(off <= tolerance * largest(expected).max(1e-3), "{what}: off by {off:e}");
}

fn smallest_eigenvalue(matrix: &Array2<f64>) -> f64 {
    matrix.eigh(UPLO::Lower).unwrap().0[0]
}

/// The network in plain lists.
#[derive(Clone)]
struct Net {
    w: Vec<Vec<f64>>,
    v: Vec<f64>,
}

impl Net {
    /// Weights of size one and both signs, so that no label is certain.
    fn new(width: usize, d: usize) -> Self {
        let w =
            (0..width).map(|i| (0..d).map(|j| ((3 * i + 5 * j * j + 1) as f64).sin()).collect()).collect();
        Self { w, v: (0..width).map(|i| 1.3 * ((2 * i + 1) as f64).cos()).collect() }
    }

    fn of(parameters: &Parameters) -> Self {
        Self {
            w: parameters[0].rows().into_iter().map(|row| row.to_vec()).collect(),
            v: parameters[1].iter().copied().collect(),
        }
    }

    fn parameters(&self) -> Parameters {
        let (width, d) = (self.v.len(), self.w[0].len());
        vec![
            Array2::from_shape_fn((width, d), |(i, j)| self.w[i][j]),
            Array2::from_shape_fn((width, 1), |(i, _)| self.v[i]),
        ]
    }

    fn hidden(&self, y: &[f64]) -> Vec<f64> {
        self.w.iter().map(|w| dot(w, y)).collect()
    }

    fn output(&self, y: &[f64]) -> f64 {
        self.hidden(y).iter().zip(&self.v).map(|(h, v)| v * h.max(0.0)).sum()
    }

    fn loss(&self, y: &[f64], label: u32) -> f64 {
        let f = self.output(y);
        (1.0 + f.exp()).ln() - f64::from(label) * f
    }

    /// The network with one parameter moved; they are numbered W row by row, then v.
    fn moved(&self, index: usize, by: f64) -> Self {
        let (mut net, d) = (self.clone(), self.w[0].len());
        match net.w.get_mut(index / d) {
            Some(w) => w[index % d] += by,
            None => net.v[index - self.w.len() * d] += by,
        }
        net
    }

    /// `∇_{W_i} L = r v_i 1_i Y` and `∇_{v_i} L = r relu(W_i·Y)`, in one list.
    fn gradient(&self, y: &[f64], label: u32) -> Vec<f64> {
        let r = 1.0 / (1.0 + (-self.output(y)).exp()) - f64::from(label);
        let hidden = self.hidden(y);
        let mut all = Vec::new();
        for (h, v) in hidden.iter().zip(&self.v) {
            all.extend(y.iter().map(|y| if *h > 0.0 { r * v * y } else { 0.0 }));
        }
        all.extend(hidden.iter().map(|h| r * h.max(0.0)));
        all
    }

    /// The gradient by central differences of the loss.
    fn slopes(&self, y: &[f64], label: u32) -> Vec<f64> {
        let size = self.v.len() * (y.len() + 1);
        let at = |index, by| self.moved(index, by).loss(y, label);
        (0..size).map(|index| (at(index, STEP) - at(index, -STEP)) / (2.0 * STEP)).collect()
    }

    /// Whether no neuron turns on or off within a step.
    fn clear_of_kinks(&self, y: &[f64]) -> bool {
        let reach = 2.0 * STEP * (1.0 + dot(y, y).sqrt());
        self.hidden(y).iter().all(|h| h.abs() > reach)
    }
}

/// H by central differences of the gradient of each sample, and G, over all parameters.
fn plain_matrices(net: &Net, sample: &Sample) -> [Array2<f64>; 2] {
    let size = net.v.len() * (net.w[0].len() + 1);
    let (mut h, mut g) = (Array2::zeros((size, size)), Array2::zeros((size, size)));
    for (index, &label) in sample.labels.iter().enumerate() {
        let y = row(sample, index);
        let gradient = net.gradient(&y, label);
        for b in 0..size {
            let (up, down) =
                (net.moved(b, STEP).gradient(&y, label), net.moved(b, -STEP).gradient(&y, label));
            for a in 0..size {
                h[[a, b]] += (up[a] - down[a]) / (2.0 * STEP) / sample.len() as f64;
                g[[a, b]] += gradient[a] * gradient[b] / sample.len() as f64;
            }
        }
    }
    [h, g]
}

/// The same two, put together from all blocks of the task.
fn assembled(task: &dyn Task, parameters: &Parameters, sample: &Sample) -> [Array2<f64>; 2] {
    let (width, d) = parameters[0].dim();
    let point = Point::new(task, parameters, sample);
    let mut whole = [
        Array2::zeros((width * (d + 1), width * (d + 1))),
        Array2::zeros((width * (d + 1), width * (d + 1))),
    ];
    let second = point.matrices(Block::diagonal(V, 0)).unwrap();
    for i in 0..width {
        let cross = point.cross(i as u32).unwrap();
        for j in 0..width {
            let first = point.matrices(Block { layer: W, row: i as u32, col: j as u32 }).unwrap();
            for (whole, block) in whole.iter_mut().zip(&first) {
                whole.slice_mut(s![i * d..(i + 1) * d, j * d..(j + 1) * d]).assign(block.dense().unwrap());
            }
        }
        for ((whole, second), cross) in whole.iter_mut().zip(&second).zip(&cross) {
            whole.slice_mut(s![i * d..(i + 1) * d, width * d..]).assign(cross);
            whole.slice_mut(s![width * d.., i * d..(i + 1) * d]).assign(&cross.t());
            whole.slice_mut(s![width * d.., width * d..]).assign(second.dense().unwrap());
        }
    }
    whole
}

#[test]
fn samples_follow_the_mixture_with_the_labels_of_an_xor() {
    for (model, means) in [
        (model(2, 5), [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
        (turned(2, 5), [[0.6, 0.8], [-0.6, -0.8], [-0.8, 0.6], [0.8, -0.6]]),
    ] {
        let task = task::build(&model.problem());
        let n = 100_000;
        let sample = sample(&*task, 0, n);
        let (mut counts, mut sums, mut squares) = ([0.0; 4], [[0.0; 5]; 4], [0.0; 5]);
        for (index, &cluster) in sample.clusters.iter().enumerate() {
            let cluster = cluster as usize;
            assert_eq!(sample.labels[index], [1, 1, 0, 0][cluster]);
            counts[cluster] += 1.0;
            for (i, y) in row(&sample, index).into_iter().enumerate() {
                let z = y - means[cluster].get(i).unwrap_or(&0.0);
                sums[cluster][i] += z;
                squares[i] += 3.0 * z * z;
            }
        }
        let quarter = n as f64 / 4.0;
        let chi: f64 = counts.iter().map(|count| (count - quarter).powi(2) / quarter).sum();
        // Three degrees of freedom: 16.27 is exceeded with probability 0.001.
        assert!(chi < 16.27, "equal shares: chi-square {chi}");
        for cluster in 0..4 {
            for (i, sum) in sums[cluster].iter().enumerate() {
                let z = sum * (3.0 / counts[cluster]).sqrt();
                assert!(z.abs() < 4.5, "mean of cluster {cluster}, coordinate {i}: {z}");
            }
        }
        for square in squares {
            let z = (square - n as f64) / (2.0 * n as f64).sqrt();
            assert!(z.abs() < 4.0, "variance 1/λ: {z}");
        }
        for (cluster, mean) in means.iter().enumerate() {
            assert_eq!(task.law().means().row(cluster).to_vec(), [mean[0], mean[1], 0.0, 0.0, 0.0]);
        }
        assert_eq!(task.law().labels(), [1, 1, 0, 0]);
    }
}

#[test]
fn the_start_is_random_with_rows_of_length_one_and_second_weights_of_size_one() {
    let (width, d) = (2000, 50);
    let start = task::build(&model(width, d).problem()).initial(&seed(0));
    assert_eq!((start[0].dim(), start[1].dim()), ((width, d), (width, 1)));
    let normal = |sum: f64, count: usize| (sum / (count as f64).sqrt()).abs() < 4.5;
    let chi = |sum: f64, count: usize| ((sum - count as f64) / (2.0 * count as f64).sqrt()).abs() < 4.5;
    let root = (d as f64).sqrt();
    assert!(normal(start[0].sum() * root, width * d) && normal(start[1].sum(), width), "centred");
    assert!(chi(start[0].iter().map(|w| w * w).sum::<f64>() * d as f64, width * d), "variance 1/d");
    assert!(chi(start[1].iter().map(|v| v * v).sum(), width), "variance 1");
    for column in start[0].columns() {
        assert!(normal(column.dot(&start[1].column(0)) * root, width), "W and v are independent");
    }
}

#[test]
fn loss_and_accuracy_are_those_of_the_network() {
    let task = task::build(&turned(4, 7).problem());
    let net = Net::new(4, 7);
    let sample = sample(&*task, 0, 500);
    let at = task.evaluate(&net.parameters(), &sample);
    assert_eq!(at.outputs.dim(), (500, 5));
    let (mut total, mut right, mut seen) = (0.0, [0.0; 4], [0.0; 4]);
    for (index, (&label, &cluster)) in sample.labels.iter().zip(&sample.clusters).enumerate() {
        let y = row(&sample, index);
        total += net.loss(&y, label);
        seen[cluster as usize] += 1.0;
        right[cluster as usize] += f64::from(u8::from((net.output(&y) > 0.0) == (label == 1)));
        let mut outputs = net.hidden(&y);
        outputs.push(net.output(&y));
        assert!(
            at.outputs
                .row(index)
                .iter()
                .zip(outputs)
                .all(|(found, expected)| (found - expected).abs() < 1e-13)
        );
    }
    assert!((at.loss - total / 500.0).abs() < 1e-13, "{} {}", at.loss, total / 500.0);
    assert_eq!(at.accuracy, right.iter().sum::<f64>() / 500.0);
    for cluster in 0..4 {
        assert!((0.05..0.95).contains(&(right[cluster] / seen[cluster])), "the clusters differ");
        assert_eq!(at.cluster_accuracy[cluster], Some(right[cluster] / seen[cluster]));
    }
    let lone = task.evaluate(&net.parameters(), &Sample::first(task.law(), &seed(0), Purpose::Test, 1));
    assert_eq!(lone.cluster_accuracy.iter().flatten().count(), 1, "no accuracy of a cluster without a point");
}

#[test]
fn a_tie_is_an_error_and_four_right_neurons_make_none() {
    let task = task::build(&Flat { lambda: 1000.0, ..turned(4, 7) }.problem());
    let sample = sample(&*task, 0, 200);
    let mut net = Net::new(4, 7);
    net.v = vec![0.0; 4];
    let at = task.evaluate(&net.parameters(), &sample);
    assert_eq!((at.accuracy, at.cluster_accuracy), (0.0, vec![Some(0.0); 4]));
    assert!((at.loss - 2.0_f64.ln()).abs() < 1e-14);
    net.w = task.law().means().rows().into_iter().map(|mean| mean.to_vec()).collect();
    for (sign, accuracy) in [(1.0, 1.0), (-1.0, 0.0)] {
        net.v = vec![5.0 * sign, 5.0 * sign, -5.0 * sign, -5.0 * sign];
        let at = task.evaluate(&net.parameters(), &sample);
        assert_eq!((at.accuracy, at.cluster_accuracy), (accuracy, vec![Some(accuracy); 4]));
    }
}

#[test]
fn a_step_of_sgd_follows_the_gradient_of_the_loss_and_the_ridge() {
    let task = task::build(&model(3, 7).problem());
    let net = Net::new(3, 7);
    let sample = sample(&*task, 0, 30);
    let (delta, beta) = (1.0 / 7.0, 0.1);
    let (mut labels, mut gates, mut in_turn) = ([0; 2], [0; 2], 0.0_f64);
    for index in 0..30 {
        let (y, label) = (row(&sample, index), sample.labels[index]);
        assert!(net.clear_of_kinks(&y));
        labels[label as usize] += 1;
        let mut learner = task.learner(&net.parameters());
        assert_eq!(learner.parameters(), net.parameters());
        assert!(learner.step(label, sample.padded_rows().row(index).to_slice().unwrap()));
        let moved = Net::of(&learner.parameters());
        let slopes = net.slopes(&y, label);
        for i in 0..3 {
            let expected = net.v[i] - delta * (slopes[3 * 7 + i] + beta * net.v[i]);
            assert!((moved.v[i] - expected).abs() < 1e-9, "v_{i}: {} {expected}", moved.v[i]);
            for j in 0..7 {
                let expected = net.w[i][j] - delta * (slopes[i * 7 + j] + beta * net.w[i][j]);
                assert!((moved.w[i][j] - expected).abs() < 1e-9, "W_{i}{j}: {} {expected}", moved.w[i][j]);
            }
            gates[usize::from(net.hidden(&y)[i] > 0.0)] += 1;
        }
        // One layer after the other would be another algorithm, and the test would see it.
        let later = Net { w: moved.w.clone(), v: net.v.clone() };
        in_turn = in_turn.max(delta * (later.slopes(&y, label)[3 * 7] - slopes[3 * 7]).abs());
    }
    assert!(labels[0] > 5 && labels[1] > 5 && gates[0] > 20 && gates[1] > 20, "{labels:?} {gates:?}");
    assert!(in_turn > 1e-3, "{in_turn}");
}

#[test]
fn blocks_agree_with_finite_differences_away_from_kinks() {
    use_one_thread();
    let (width, d) = (3, 5);
    let task = task::build(&turned(width, d).problem());
    let net = Net::new(width, d);
    let mut clusters = [0; 4];
    // One sample, a few, and more than two tiles of rank updates.
    for (n, replicates) in [(1, 40), (5, 4), (600, 4)] {
        for replicate in 0..replicates {
            let sample = sample(&*task, replicate, n);
            if !(0..n).all(|index| net.clear_of_kinks(&row(&sample, index))) {
                continue;
            }
            clusters[sample.clusters[0] as usize] += 1;
            for index in 0..n.min(3) {
                let (y, label) = (row(&sample, index), sample.labels[index]);
                for (exact, slope) in net.gradient(&y, label).into_iter().zip(net.slopes(&y, label)) {
                    assert!((exact - slope).abs() < 1e-9, "the test's own gradient");
                }
            }
            let (found, expected) =
                (assembled(&*task, &net.parameters(), &sample), plain_matrices(&net, &sample));
            for ((found, expected), (matrix, tolerance)) in
                found.iter().zip(&expected).zip([("H", 1e-8), ("G", 1e-13)])
            {
                assert_near(found, expected, tolerance, &format!("{matrix}, n = {n}, replicate {replicate}"));
                assert_near(&found.t().to_owned(), found, 1e-15, "symmetric");
                for (start, size) in (0..width).map(|i| (i * d, d)).chain([(width * d, width)]) {
                    let range = start..start + size;
                    let block = found.slice(s![range.clone(), range]).to_owned();
                    assert!(
                        smallest_eigenvalue(&block) >= -1e-14 * largest(&block),
                        "{matrix}: a diagonal block"
                    );
                }
            }
            assert!(smallest_eigenvalue(&found[1]) > -1e-13, "the whole G");
        }
    }
    assert!(clusters.iter().all(|count| *count > 0), "{clusters:?}");
}

#[test]
fn residual_curvature_and_loss_are_accurate_however_small() {
    let task = task::build(&Flat { beta: 0.0, ..model(3, 6) }.problem());
    let (mut extremes, mut beyond) = ([0; 4], 0);
    for size in [1.0, 30.0, -30.0, 250.0, -250.0, 700.0, -700.0] {
        // A third neuron that sees the residual but has no say in the output.
        let net = Net { v: vec![size, -size, 0.0], ..Net::new(3, 6) };
        let parameters = net.parameters();
        for replicate in 0..100 {
            let sample = sample(&*task, replicate, 1);
            let at = task.evaluate(&parameters, &sample);
            let (f, label, feature) = (at.outputs[[0, 3]], sample.labels[0], at.outputs[[0, 2]].max(0.0));
            let near = |what: &str, found: f64, expected: f64| {
                let off = (found - expected).abs();
                let allowed = 4.0 * f64::EPSILON * expected.abs() + f64::MIN_POSITIVE;
                assert!(off <= allowed, "{what} at f = {f}, label {label}: {found:e}, {expected:e} expected");
            };
            let r = if label == 1 { -1.0 / (1.0 + f.exp()) } else { 1.0 / (1.0 + (-f).exp()) };
            let e = (-f.abs()).exp();
            let weight = |matrix| {
                let block = Block::diagonal(V, 0);
                task.curvature(matrix, block, &parameters, &at.outputs, &sample).unwrap().weights[0]
            };
            near("q", weight(Matrix::Hessian), e / (1.0 + e) / (1.0 + e));
            near("r²", weight(Matrix::Gradient), r * r);
            let right = (f > 0.0) == (label == 1);
            near("the loss", at.loss, e.ln_1p() + if right { 0.0 } else { f.abs() });
            let mut learner = task.learner(&parameters);
            assert!(learner.step(label, sample.padded_rows().row(0).to_slice().unwrap()));
            near("a step", learner.parameters()[1][[2, 0]], -(1.0 / 6.0) * r * feature);
            if feature > 0.0 && (40.0..700.0).contains(&f.abs()) {
                extremes[2 * usize::from(f > 0.0) + label as usize] += 1;
            }
            beyond += usize::from(f.abs() > 750.0);
        }
    }
    assert!(extremes.iter().all(|count| *count > 20) && beyond > 20, "{extremes:?} {beyond}");
}

/// The step loop again, one number at a time. Gives W and v at the steps of the schedule.
fn plain_sgd(model: &Flat, seed: &Seed, schedule: &[u64]) -> Vec<Net> {
    let task = task::build(&model.problem());
    let (d, delta) = (model.d, model.c / model.d as f64);
    let initial = task.initial(seed);
    let (mut rows, mut v) = (Plain::new(&initial[0]), initial[1].column(0).to_vec());
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let (mut y, mut taken, mut found) = (vec![0.0; padded(d)], 0, vec![]);
    let shrink = 1.0 - delta * model.beta;
    for &step in schedule {
        while taken < step {
            let label = [1, 1, 0, 0][stream.next_into(&mut y) as usize];
            let hidden = rows.products(&y);
            let mut f = 0.0;
            for (h, v) in hidden.iter().zip(&v) {
                if *h > 0.0 {
                    f += v * h;
                }
            }
            let e = libm::exp(-f64::abs(f));
            // σ(f) and 1 - σ(f)
            let (yes, no) =
                if f > 0.0 { (1.0 / (1.0 + e), e / (1.0 + e)) } else { (e / (1.0 + e), 1.0 / (1.0 + e)) };
            let rate = delta * if label == 1 { -no } else { yes };
            let pull = |(h, v): (&f64, &f64)| if *h > 0.0 { rate * v } else { 0.0 };
            let steps: Vec<f64> = hidden.iter().zip(&v).map(pull).collect();
            rows.descend(&y, shrink, &steps);
            for (h, v) in hidden.iter().zip(&mut v) {
                let kept = shrink * *v;
                *v = kept - rate * h.max(0.0);
            }
            taken += 1;
        }
        let w = rows.values(d).rows().into_iter().map(|row| row.to_vec()).collect();
        found.push(Net { w, v: v.clone() });
    }
    found
}

#[test]
fn a_trajectory_equals_a_scalar_loop_to_the_last_bit() {
    for base in [model(1, 2), model(2, 7), model(3, 8), turned(8, 33), model(5, 100), turned(4, 161)] {
        let model = Flat { lambda: 4.0, beta: 0.05, c: 1.5, ..base };
        // Beyond 256 steps, so that a second block of samples is drawn.
        let schedule = [0, 1, 2, 255, 256, 257, 1000];
        let run = train(&*task::build(&model.problem()), &seed(1), &schedule, &|_| {});
        assert_eq!((run.diverged, run.checkpoints.len()), (None, schedule.len()));
        for (checkpoint, (expected, step)) in
            run.checkpoints.iter().zip(plain_sgd(&model, &seed(1), &schedule).iter().zip(schedule))
        {
            assert_eq!(checkpoint.step, step);
            let found = Net::of(&checkpoint.parameters);
            assert_eq!(bits(found.w.concat()), bits(expected.w.concat()), "W of {model:?}, step {step}");
            assert_eq!(bits(found.v), bits(expected.v.clone()), "v of {model:?}, step {step}");
        }
    }
}

#[test]
fn divergence_is_found_and_what_was_reached_is_finite() {
    // |1 - δβ| = 9: W and v of size one grow ninefold a step, their product 81-fold.
    let model = Flat { beta: 40.0, lambda: 4.0, ..model(4, 4) };
    let task = task::build(&model.problem());
    let run = train(&*task, &seed(0), &[0, 10, 35, 1000], &|_| {});
    let (step, expected) = (run.diverged.unwrap() as f64, LARGEST.log(81.0));
    assert!((step - expected).abs() < 3.0, "{step}, {expected} expected");
    assert_eq!(run.checkpoints.iter().map(|checkpoint| checkpoint.step).collect::<Vec<_>>(), [0, 10, 35]);
    let last = &run.checkpoints[2].parameters;
    assert!(
        last.iter().flatten().all(|value| value.abs() <= LARGEST) && last[1].iter().any(|v| v.abs() > 1e30)
    );
    let at = task.evaluate(last, &sample(&*task, 0, 50));
    assert!(at.loss.is_finite() && at.outputs.iter().all(|output| output.is_finite()));
    // The largest parameters allowed, in pairs that cancel, so that q = 1/4.
    let most = vec![
        Array2::from_elem((4, 4), LARGEST),
        ndarray::array![[LARGEST], [-LARGEST], [LARGEST], [-LARGEST]],
    ];
    for matrix in assembled(&*task, &most, &sample(&*task, 0, 50)) {
        assert!(matrix.iter().all(|entry| entry.is_finite()) && largest(&matrix) > LARGEST);
    }
    // A logit that is no number is refused without a step, whichever layer it comes from.
    for bad in [f64::NAN, f64::INFINITY, 1e80] {
        for index in [0, 16] {
            let y = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
            let open = Net { w: vec![vec![1.0; 4]; 4], v: vec![1.0; 4] }.moved(index, bad);
            let mut learner = task.learner(&open.parameters());
            assert!(!learner.step(1, &y), "{bad} in parameter {index}");
            assert_eq!(bits(Net::of(&learner.parameters()).v), bits(open.v));
        }
    }
}

#[test]
fn the_space_of_the_first_layer_is_that_of_the_means() {
    for (model, mu, nu) in [(model(3, 6), [1.0, 0.0], [0.0, 1.0]), (turned(3, 6), [0.6, 0.8], [-0.8, 0.6])] {
        let task = task::build(&model.problem());
        let expected = Array2::from_shape_fn((6, 2), |(i, j)| if i < 2 { [mu, nu][j][i] } else { 0.0 });
        assert_eq!(task.mean_space(), expected);
        assert_eq!(space(&*task, W, &Net::new(3, 6).parameters()).unwrap(), expected);
    }
}

/// Columns `relu(±Wμ)`, `relu(±Wν)`.
fn features(net: &Net, means: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn((net.v.len(), 4), |(i, b)| dot(&net.w[i], &means.row(b).to_vec()).max(0.0))
}

#[test]
fn the_space_of_the_second_layer_is_cut_at_a_tenth() {
    let mut dimensions = [0; 5];
    for (width, replicate) in [(1, 0), (2, 1), (3, 2), (8, 3), (8, 4), (8, 5), (30, 6), (30, 7)] {
        let task = task::build(&turned(width, 11).problem());
        let parameters = task.initial(&seed(replicate));
        let f = features(&Net::of(&parameters), &task.law().means());
        // Squared singular values are eigenvalues of F Fᵀ, K × K.
        let (values, vectors) = f.dot(&f.t()).eigh(UPLO::Lower).unwrap();
        let kept = values.iter().filter(|value| **value > 0.01 * values[width - 1]).count();
        let kept = vectors.slice(s![.., width - kept..]);
        let basis = space(&*task, V, &parameters).unwrap();
        assert_eq!(basis.dim(), kept.dim());
        dimensions[kept.ncols()] += 1;
        assert_near(&basis.t().dot(&basis), &Array2::eye(kept.ncols()), 1e-14, "orthonormal");
        assert_near(&basis.dot(&basis.t()), &kept.dot(&kept.t()), 1e-10, "the projector");
    }
    assert!(dimensions[1] > 0 && dimensions[2] > 0 && dimensions[4] > 0, "{dimensions:?}");
    // Neurons on μ, -μ, ν, -ν with singular values as given, and dead ones.
    let task = task::build(&turned(6, 5).problem());
    let means = task.law().means();
    for (last, dimension) in [(0.101, 4), (0.099, 3)] {
        let mut w = Array2::zeros((6, 5));
        for (neuron, (cluster, length)) in [(0, 1.0), (1, 0.5), (2, 0.2), (3, last)].into_iter().enumerate() {
            w.row_mut(neuron + 1).assign(&(&means.row(cluster) * length));
        }
        let basis = space(&*task, V, &vec![w, Array2::ones((6, 1))]).unwrap();
        let expected = Array2::from_shape_fn((6, 6), |(i, j)| {
            f64::from(u8::from(i == j && (1..=dimension).contains(&i)))
        });
        assert_near(&basis.dot(&basis.t()), &expected, 1e-14, "the cut");
    }
    let dead = space(&*task, V, &vec![Array2::zeros((6, 5)), Array2::ones((6, 1))]).unwrap();
    assert_eq!(dead.dim(), (6, 0), "nothing is left of a dead layer");
}

#[test]
fn summaries_are_inner_products() {
    let task = task::build(&turned(3, 7).problem());
    let net = Net::new(3, 7);
    let means = task.law().means();
    let mut seen = std::collections::BTreeSet::new();
    for entry in task.summary(&net.parameters()) {
        let expected = match entry.statistic {
            "m" => dot(&net.w[entry.row], &means.row(2 * entry.col).to_vec()),
            "R" => dot(&net.w[entry.row], &net.w[entry.col]),
            _ => net.v[entry.row],
        };
        assert!((entry.value - expected).abs() < 1e-13, "{entry:?}");
        assert!(seen.insert((entry.statistic, entry.row, entry.col)));
    }
    let count = |statistic: &str| seen.iter().filter(|entry| entry.0 == statistic).count();
    assert_eq!((count("m"), count("R"), count("v"), seen.len()), (6, 9, 3, 18));
}

#[test]
fn vectors_and_blocks_are_those_of_the_layers() {
    let task = task::build(&model(3, 7).problem());
    let parameters = Net::new(3, 7).parameters();
    let blocks = task.diagonal_blocks();
    assert_eq!(blocks, [(W, 0), (W, 1), (W, 2), (V, 0)].map(|(layer, row)| Block { layer, row, col: row }));
    for block in &blocks[..3] {
        assert_eq!(task.vector(&parameters, *block).unwrap(), parameters[0].row(block.row as usize));
    }
    assert_eq!(task.vector(&parameters, blocks[3]).unwrap(), parameters[1].column(0));
}

#[test]
fn a_block_that_does_not_exist_is_refused_by_name() {
    let task = task::build(&model(3, 7).problem());
    let parameters = Net::new(3, 7).parameters();
    let sample = sample(&*task, 0, 3);
    let at = task.evaluate(&parameters, &sample);
    let known = "blocks (W, 0..3, 0..3) and (v, 0..1, 0..1)";
    for (layer, row, col) in
        [(W, 3, 0), (W, 0, 3), (W, u32::MAX, 0), (V, 0, 1), (V, 1, 0), (V, 2, 2), (NONE, 0, 0)]
    {
        let name = layer.name;
        let (block, shown) = (Block { layer, row, col }, format!("({name}, {row}, {col})"));
        for matrix in Matrix::BOTH {
            let error = task.curvature(matrix, block, &parameters, &at.outputs, &sample).unwrap_err();
            assert_eq!(error.exit_status(), 2);
            assert!([shown.as_str(), known].iter().all(|words| error.to_string().contains(words)), "{error}");
        }
        if row != 0 || layer == NONE {
            let error = task.vector(&parameters, block).unwrap_err().to_string();
            assert!([shown.as_str(), known].iter().all(|words| error.contains(words)), "{error}");
        }
    }
    for row in [3, u32::MAX] {
        let error = Point::new(&*task, &parameters, &sample).cross(row).unwrap_err().to_string();
        assert!(error.contains(&format!("(W {row}, v)")) && error.contains("3 neurons"), "{error}");
    }
    // Task A has no such layers.
    let mixture = task::build(&Flat { task: Kind::mixture(3), ..model(3, 7) }.problem());
    let x = vec![Array2::zeros((3, 7))];
    let sample = Sample::first(mixture.law(), &seed(0), Purpose::Test, 20);
    let at = mixture.evaluate(&x, &sample);
    for layer in [V, NONE] {
        let block = Block::diagonal(layer, 0);
        for error in [
            mixture.vector(&x, block).unwrap_err(),
            mixture.curvature(Matrix::Gradient, block, &x, &at.outputs, &sample).unwrap_err(),
        ] {
            assert!(error.to_string().contains("blocks (x, 0..3, 0..3)"), "{error}");
        }
    }
    let error = mixture.cross(Matrix::Hessian, 0, &x, &at.outputs, &sample).unwrap_err();
    assert!(error.to_string().contains("one layer"), "{error}");
}

/// Softmax regression can only split the plane of the means in two, so it classifies no more than three of four clusters.
#[test]
fn softmax_regression_does_not_learn_xor_and_two_layers_learn_a_mixture() {
    let trained = |task: Kind, steps: u64| {
        let task = task::build(&Flat { task, lambda: 100.0, beta: 0.0, ..model(1, 20) }.problem());
        let run = train(&*task, &seed(0), &[0, steps], &|_| {});
        let sample = sample(&*task, 1, 2000);
        [0, 1].map(|at| task.evaluate(&run.checkpoints[at].parameters, &sample))
    };
    let [_, end] = trained(Kind { network: Network::softmax(), ..Kind::xor(1) }, 2000);
    assert_eq!(end.cluster_accuracy.len(), 4);
    assert!(end.cluster_accuracy.iter().flatten().filter(|share| **share > 0.9).count() <= 3, "{end:?}");
    assert!(end.accuracy < 0.8, "{}", end.accuracy);
    let [start, end] = trained(Kind { network: Network::two_layer(6), ..Kind::mixture(2) }, 4000);
    assert_eq!(end.cluster_accuracy.len(), 2);
    assert!(end.accuracy > 0.99 && end.loss < 0.2 * start.loss, "{} from {}", end.loss, start.loss);
    let refused = Flat { task: Kind { network: Network::two_layer(6), ..Kind::mixture(3) }, ..model(1, 20) };
    let error = refused.problem().validate("gmm", 1.0).unwrap_err().to_string();
    assert!(
        error.contains("gmm.network = two-layer: has one output, for 2 labels; the data have 3"),
        "{error}"
    );
}

/// After some hundred steps on the training samples of a task, labels flipped or not.
fn trained(task: &dyn Task, net: &Net, samples: &Array2<f64>, labels: &[u32]) -> Net {
    let mut learner = task.learner(&net.parameters());
    for (y, label) in samples.rows().into_iter().zip(labels) {
        let mut y = y.to_vec();
        y.resize(padded(y.len()), 0.0);
        assert!(learner.step(*label, &y));
    }
    Net::of(&learner.parameters())
}

fn assert_same_net(found: &Net, expected: &Net, what: &str) {
    let (found, expected) = (found.parameters(), expected.parameters());
    assert_near(&found[0], &expected[0], 1e-11, &format!("W, {what}"));
    assert_near(&found[1], &expected[1], 1e-11, &format!("v, {what}"));
}

#[test]
fn turning_the_mixture_turns_everything() {
    let (plain, turned) = (task::build(&model(5, 9).problem()), task::build(&turned(5, 9).problem()));
    let mut q = Array2::eye(9);
    q.slice_mut(s![..2, ..2]).assign(&ndarray::array![[0.6, -0.8], [0.8, 0.6]]);
    let samples = Sample::first(plain.law(), &seed(2), Purpose::Train, 400);
    let others = Sample::first(turned.law(), &seed(2), Purpose::Train, 400);
    assert_eq!(samples.labels, others.labels);
    let noise = |task: &dyn Task, sample: &Sample| {
        Array2::from_shape_fn((400, 9), |(i, j)| {
            sample.features()[[i, j]] - task.law().means()[[sample.clusters[i] as usize, j]]
        })
    };
    assert_near(&noise(&*turned, &others), &noise(&*plain, &samples), 1e-15, "the same noise");
    let net = Net::new(5, 9);
    let turn = |net: &Net| {
        let parameters = net.parameters();
        Net::of(&vec![parameters[0].dot(&q.t()), parameters[1].clone()])
    };
    let end = trained(&*plain, &net, &samples.features().to_owned(), &samples.labels);
    let other = trained(&*turned, &turn(&net), &samples.features().dot(&q.t()), &samples.labels);
    assert!(largest(&(&end.parameters()[0] - &net.parameters()[0])) > 0.1);
    assert_same_net(&other, &turn(&end), "turned");
    for (one, two) in plain.summary(&end.parameters()).iter().zip(turned.summary(&other.parameters())) {
        assert!((one.value - two.value).abs() < 1e-11, "{one:?} {two:?}");
    }
    for layer in [W, V] {
        let (one, two) = (
            space(&*plain, layer, &end.parameters()).unwrap(),
            space(&*turned, layer, &other.parameters()).unwrap(),
        );
        let one = if layer == W { q.dot(&one) } else { one };
        assert_near(&two.dot(&two.t()), &one.dot(&one.t()), 1e-10, "the space");
    }
}

#[test]
fn neurons_are_exchangeable_and_so_are_the_labels() {
    let task = task::build(&model(5, 9).problem());
    let samples = Sample::first(task.law(), &seed(2), Purpose::Train, 400);
    let y = samples.features().to_owned();
    let net = Net::new(5, 9);
    let end = trained(&*task, &net, &y, &samples.labels);
    let order = [3, 0, 4, 1, 2];
    let reorder =
        |net: &Net| Net { w: order.map(|i| net.w[i].clone()).to_vec(), v: order.map(|i| net.v[i]).to_vec() };
    assert_same_net(&trained(&*task, &reorder(&net), &y, &samples.labels), &reorder(&end), "permuted");
    // μ and ν exchanged: the other labels. With v negated nothing else changes, to the last bit.
    let swapped = Kind::turned(5, &[0.0, 1.0], &[1.0]);
    let swapped = task::build(&Flat { task: swapped, ..model(5, 9) }.problem());
    let mean = |task: &dyn Task, cluster: usize| task.law().means().row(cluster).to_owned();
    for (cluster, other) in [(0, 2), (1, 3), (2, 0), (3, 1)] {
        assert_eq!(mean(&*task, cluster), mean(&*swapped, other));
        assert_eq!(task.law().labels()[cluster], 1 - swapped.law().labels()[other]);
    }
    let flipped: Vec<u32> = samples.labels.iter().map(|label| 1 - label).collect();
    let negated = |net: &Net| Net { w: net.w.clone(), v: net.v.iter().map(|v| -v).collect() };
    let other = trained(&*swapped, &negated(&net), &y, &flipped);
    assert_eq!(
        (bits(other.w.concat()), bits(other.v.clone())),
        (bits(end.w.concat()), bits(negated(&end).v))
    );
}

#[test]
fn every_question_is_answered_about_every_block() {
    use_one_thread();
    for (width, d) in [(1, 3), (3, 20), (9, 30)] {
        let task = task::build(&Flat { phi: 4.0, lambda: 20.0, ..model(width, d) }.problem());
        let run = train(&*task, &seed(0), &[0, 1000], &|_| {});
        for mut parameters in run.checkpoints.into_iter().map(|checkpoint| checkpoint.parameters) {
            if width == 9 {
                // A neuron that no sample reaches.
                parameters[0].row_mut(4).fill(0.0);
            }
            let sample = sample(&*task, 0, task.problem().sample_size());
            let point = Point::new(&*task, &parameters, &sample);
            let apart = Block { layer: W, row: 0, col: width as u32 - 1 };
            for block in task.diagonal_blocks().into_iter().chain([apart]) {
                let matrices = point.matrices(block).unwrap();
                let space = space(&*task, block.layer, &parameters).unwrap();
                let query = |question| {
                    let query = Query { checkpoint: 0, sample: SampleKind::Test, block, question };
                    point.answer(query, &matrices).unwrap()
                };
                let answers =
                    [Question::Top(12), Question::Outliers(5), Question::Values, Question::Norms].map(query);
                let [
                    QueryResult::Pairs(top),
                    QueryResult::Pairs(outliers),
                    QueryResult::Values(all),
                    QueryResult::Norms(norms),
                ] = &answers
                else {
                    panic!("other kinds of answers");
                };
                for index in 0..2 {
                    let dense = matrices[index].dense().unwrap();
                    let p = dense.nrows();
                    assert_eq!(p, if block.layer == V { width } else { d });
                    let magnitudes = |matrix: &Array2<f64>| {
                        let mut values: Vec<f64> =
                            matrix.eigh(UPLO::Lower).unwrap().0.iter().map(|value| value.abs()).collect();
                        values.sort_by(|a, b| b.total_cmp(a));
                        values
                    };
                    let expected = magnitudes(dense);
                    let near = |found: f64, expected_value: f64, tolerance: f64| {
                        let off = (found.abs() - expected_value).abs();
                        assert!(
                            off <= tolerance * expected[0],
                            "K = {width}, {block:?}: {found} {expected_value}"
                        );
                    };
                    assert_eq!(
                        (top[index].len(), outliers[index].len(), all[index].len()),
                        (12.min(p), 5.min(p), p)
                    );
                    for pairs in [&top[index], &outliers[index]] {
                        for (pair, value) in pairs.iter().zip(&expected) {
                            near(pair.value, *value, 1e-12);
                            let left: Array1<f64> = dense.dot(&pair.vector) - &pair.vector * pair.value;
                            near(left.dot(&left).sqrt(), 0.0, 1e-12);
                        }
                    }
                    let inside = space.dot(&space.t());
                    let outside = Array2::<f64>::eye(p) - &inside;
                    near(norms[index].operator, expected[0], 1e-10);
                    near(
                        norms[index].outside,
                        magnitudes(&(dense - &inside.dot(dense).dot(&inside)))[0],
                        1e-10,
                    );
                    near(norms[index].perpendicular, magnitudes(&outside.dot(dense).dot(&outside))[0], 1e-10);
                }
            }
        }
    }
}
