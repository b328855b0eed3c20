use ndarray::{Array1, Array2, Axis};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::{DataLaw, Nuisance};
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::network::{Head, Layer, Network};
use spectral_alignment::problem::training::{Start, Training};
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::chain::reduced::Chain;
use spectral_alignment::simulation::data::{Sample, Stream};
use spectral_alignment::simulation::kernel::padded;
use spectral_alignment::simulation::sgd::train;
use spectral_alignment::simulation::task::{self, Block, Matrix, Parameters, Task};
use spectral_alignment::spectrum::answer::{Point, QueryResult};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::query::{Query, Question, SampleKind};
use spectral_alignment::spectrum::subspace::{overlap, space};
use spectral_alignment::spectrum::{BlockMatrix, leading_space};

const D: usize = 7;

fn problem(data: DataLaw, network: Network) -> Problem {
    Problem { data, network, training: Training::new(0.1, 1.0, 6.0) }
}

/// Both heads at depths 1 to 4; a logistic head on three labels does not fit, so it has the XOR mixture.
fn networks() -> Vec<(String, Box<dyn Task>)> {
    let mut all = Vec::new();
    for depth in 1..=4 {
        let widths: Vec<usize> = [5, 4, 6][..depth - 1].to_vec();
        for (head, data) in [
            (Head::Softmax, DataLaw::mixture(D, 3.0, 3)),
            (Head::Softmax, DataLaw::xor(D, 3.0)),
            (Head::Logistic, DataLaw::xor(D, 3.0)),
        ] {
            let name = format!("depth {depth}, {head:?}, {}", data.name());
            all.push((name, task::build(&problem(data, Network::mlp(widths.clone(), head)))));
        }
    }
    all
}

fn seed(replicate: u32) -> Seed {
    Seed { root: 3, experiment: "mlp-test".to_owned(), replicate }
}

fn sample(task: &dyn Task, n: usize) -> Sample {
    Sample::first(task.law(), &seed(0), Purpose::Test, n)
}

fn loss(task: &dyn Task, parameters: &Parameters, sample: &Sample) -> f64 {
    task.evaluate(parameters, sample).loss
}

/// The parameters with one weight of a layer moved.
fn moved(parameters: &Parameters, layer: usize, entry: usize, by: f64) -> Parameters {
    let mut moved = parameters.clone();
    moved[layer].as_slice_mut().unwrap()[entry] += by;
    moved
}

/// Central differences of the loss in the weights of one layer.
fn gradient(task: &dyn Task, parameters: &Parameters, layer: usize, sample: &Sample) -> Array1<f64> {
    let step = 1e-5;
    Array1::from_shape_fn(parameters[layer].len(), |entry| {
        let at = |by| loss(task, &moved(parameters, layer, entry, by), sample);
        (at(step) - at(-step)) / (2.0 * step)
    })
}

/// The block of a whole layer, formed.
fn whole(task: &dyn Task, matrix: Matrix, layer: Layer, at: &Parameters, sample: &Sample) -> Array2<f64> {
    let outputs = task.evaluate(at, sample).outputs;
    let curvature = task.layer_curvature(matrix, layer, at, &outputs, sample).unwrap();
    BlockMatrix::of_layer(curvature).dense().unwrap().clone()
}

fn largest(array: &Array2<f64>) -> f64 {
    array.iter().fold(0.0, |most, value| most.max(value.abs()))
}

fn near(found: &Array2<f64>, expected: &Array2<f64>, tolerance: f64, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let off = largest(&(found - expected));
    assert!(off <= tolerance * largest(expected).max(1e-3), "{what}: off by {off:e}");
}

fn outer(vector: &Array1<f64>) -> Array2<f64> {
    let column = vector.view().insert_axis(Axis(1));
    column.dot(&column.t())
}

#[test]
fn the_gradient_matrix_of_a_sample_is_the_square_of_its_gradient_by_differences() {
    for (name, task) in networks() {
        let parameters = task.initial(&seed(1));
        for index in 0..3 {
            let stream = Sample::first(task.law(), &seed(index), Purpose::Test, 1);
            for (layer, ..) in task.layers() {
                let found = whole(&*task, Matrix::Gradient, layer, &parameters, &stream);
                let expected = outer(&gradient(&*task, &parameters, layer.index as usize, &stream));
                near(&found, &expected, 1e-7, &format!("{name}, {}", layer.name));
            }
        }
    }
}

#[test]
fn the_hessian_of_a_layer_is_the_derivative_of_the_gradient_by_differences() {
    for (name, task) in networks() {
        let (parameters, sample, step) = (task.initial(&seed(2)), sample(&*task, 6), 1e-4);
        for (layer, rows, cols) in task.layers() {
            let index = layer.index as usize;
            let found = whole(&*task, Matrix::Hessian, layer, &parameters, &sample);
            let column = |entry| {
                let at = |by| gradient(&*task, &moved(&parameters, index, entry, by), index, &sample);
                (at(step) - at(-step)) / (2.0 * step)
            };
            let columns: Vec<Array1<f64>> = (0..rows * cols).map(column).collect();
            let expected = Array2::from_shape_fn((rows * cols, rows * cols), |(i, j)| columns[j][i]);
            // Second differences of steps 1e-5 and 1e-4 are rounded to 1e-7.
            let off = largest(&(found - &expected));
            let most = 3e-5 * largest(&expected) + 5e-7;
            assert!(off <= most, "{name}, {}: off by {off:e}", layer.name);
            assert!(largest(&expected) > 1e-4, "{name}, {}: the test has power", layer.name);
        }
    }
}

#[test]
fn blocks_of_rows_are_parts_of_the_block_of_their_layer() {
    for (name, task) in networks() {
        let (parameters, sample) = (task.initial(&seed(3)), sample(&*task, 30));
        let outputs = task.evaluate(&parameters, &sample).outputs;
        assert_eq!(task.diagonal_blocks().len(), task.layers().iter().map(|layer| layer.1).sum::<usize>());
        for (layer, rows, cols) in task.layers() {
            for matrix in Matrix::BOTH {
                let all = whole(&*task, matrix, layer, &parameters, &sample);
                for (i, j) in [(0, 0), (rows - 1, 0)] {
                    let block = Block { layer, row: i as u32, col: j as u32 };
                    let curvature = task.curvature(matrix, block, &parameters, &outputs, &sample).unwrap();
                    let found = BlockMatrix::new(curvature).dense().unwrap().clone();
                    let part = all.slice(ndarray::s![i * cols..(i + 1) * cols, j * cols..(j + 1) * cols]);
                    near(&found, &part.to_owned(), 1e-12, &format!("{name}, {}", block.shown()));
                }
            }
            let beyond = Block::diagonal(layer, rows as u32);
            assert!(task.curvature(Matrix::Hessian, beyond, &parameters, &outputs, &sample).is_err());
            assert!(task.vector(&parameters, beyond).is_err());
        }
    }
}

/// The parameters of the dedicated network as those of the general one: the second layer is a row there.
fn general(parameters: &Parameters) -> Parameters {
    let second = parameters.get(1).map(|v| v.t().as_standard_layout().to_owned());
    [Some(parameters[0].clone()), second].into_iter().flatten().collect()
}

#[test]
fn softmax_regression_and_the_two_layer_network_are_special_cases() {
    let (mixture, xor) = (DataLaw::mixture(D, 3.0, 4), DataLaw::xor(D, 3.0));
    let cases = [
        (mixture, Network::softmax(), Network::mlp(vec![], Head::Softmax)),
        (xor, Network::two_layer(5), Network::mlp(vec![5], Head::Logistic)),
    ];
    for (data, dedicated, multilayer) in cases {
        let name = dedicated.name();
        let one = task::build(&problem(data.clone(), dedicated));
        let other = task::build(&problem(data, multilayer));
        let (sample, start) = (sample(&*one, 60), one.initial(&seed(4)));
        // The same steps from the same start.
        let (mut left, mut right) = (one.learner(&start), other.learner(&general(&start)));
        let draws = seed(4);
        let mut stream = Stream::new(one.law(), &draws, Purpose::Train);
        let mut y = vec![0.0; padded(D)];
        for _ in 0..400 {
            let label = one.law().labels()[stream.next_into(&mut y) as usize];
            assert!(left.step(label, &y) && right.step(label, &y));
        }
        let (found, expected) = (right.parameters(), left.parameters());
        for (found, expected) in found.iter().zip(&general(&expected)) {
            near(found, expected, 1e-12, name);
        }
        // The same loss and accuracy, and the same blocks.
        let (a, b) = (one.evaluate(&expected, &sample), other.evaluate(&general(&expected), &sample));
        assert!((a.loss - b.loss).abs() <= 1e-12 * a.loss, "{name}: {} and {}", a.loss, b.loss);
        assert_eq!((a.accuracy, &a.cluster_accuracy), (b.accuracy, &b.cluster_accuracy), "{name}");
        let rows = one.shapes()[0].0 as u32;
        let mut pairs: Vec<(Block, Block)> = (0..rows)
            .flat_map(|row| (0..rows).map(move |col| (row, col)))
            .map(|(row, col)| {
                let [from, to] = [one.layers()[0].0, Layer::DEEP[0]];
                (Block { layer: from, row, col }, Block { layer: to, row, col })
            })
            .collect();
        if name == "two-layer" {
            pairs.push((Block::diagonal(Layer::V, 0), Block::diagonal(Layer::DEEP[1], 0)));
        }
        for (mine, theirs) in pairs {
            for matrix in Matrix::BOTH {
                let dense = |task: &dyn Task, block, parameters: &Parameters, outputs: &Array2<f64>| {
                    let curvature = task.curvature(matrix, block, parameters, outputs, &sample).unwrap();
                    BlockMatrix::new(curvature).dense().unwrap().clone()
                };
                let expected_block = dense(&*one, mine, &expected, &a.outputs);
                let found_block = dense(&*other, theirs, &general(&expected), &b.outputs);
                near(&found_block, &expected_block, 1e-12, &format!("{name}, {}", mine.shown()));
            }
        }
        // The same induced spaces.
        for (layer, of) in one.layers().iter().zip(other.layers()) {
            let space_of = |task: &dyn Task, layer, at: &Parameters| space(task, layer, at).unwrap();
            let (a, b) = (space_of(&*one, layer.0, &expected), space_of(&*other, of.0, &general(&expected)));
            assert_eq!(a.dim(), b.dim(), "{name}");
            assert!((overlap(&a, &b) - 1.0).abs() < 1e-12, "{name}");
        }
    }
}

#[test]
fn a_step_of_sgd_is_one_down_the_gradient_by_differences_and_the_ridge() {
    for (name, task) in networks() {
        let parameters = task.initial(&seed(5));
        let one = Sample::first(task.law(), &seed(5), Purpose::Train, 1);
        let mut learner = task.learner(&parameters);
        let y = one.padded_rows().row(0).to_vec();
        assert!(learner.step(one.labels[0], &y), "{name}");
        let delta = task.problem().step_size();
        for (index, (before, after)) in parameters.iter().zip(learner.parameters()).enumerate() {
            let slope = gradient(&*task, &parameters, index, &one);
            let slope = Array2::from_shape_vec(before.dim(), slope.to_vec()).unwrap();
            let expected = before - delta * (slope + 0.1 * before);
            near(&after, &expected, 1e-9, &format!("{name}, layer {}", index + 1));
        }
    }
}

#[test]
fn large_blocks_are_answered_without_being_formed() {
    use_one_thread();
    // 30 rows of 40 and of 30 weights: 1200 and 900 parameters, both above what is formed.
    let data = DataLaw::mixture(40, 100.0, 4);
    let task = task::build(&problem(data, Network::mlp(vec![30, 30], Head::Softmax)));
    let parameters = train(&*task, &seed(6), &[0, 800], &|_| {}).checkpoints[1].parameters.clone();
    let sample = sample(&*task, 240);
    let outputs = task.evaluate(&parameters, &sample).outputs;
    for (layer, rows, cols) in &task.layers()[..2] {
        for matrix in Matrix::BOTH {
            let curvature = || task.layer_curvature(matrix, *layer, &parameters, &outputs, &sample).unwrap();
            let of = curvature();
            let rank = of.factors.nrows() / sample.len();
            let explicit = Array2::from_shape_fn((of.factors.nrows(), rows * cols), |(row, entry)| {
                of.factors[[row, entry / cols]] * of.inputs[[row / rank, entry % cols]]
            });
            let expected = explicit.t().dot(&explicit) / sample.len() as f64;
            let block = BlockMatrix::of_layer(curvature());
            assert!(block.dense().is_err(), "it is not formed");
            let columns = Array2::from_shape_fn((rows * cols, 3), |(i, j)| ((i + 7 * j) as f64).sin());
            near(&block.apply(&columns).unwrap(), &expected.dot(&columns), 1e-12, layer.name);
            let start = block.cluster_start(&sample.clusters, 6).unwrap();
            let pairs = block.outliers(4, &start).unwrap();
            let (values, vectors) = expected.eigh(UPLO::Lower).unwrap();
            let top = values.len() - 4;
            for (pair, value) in pairs.iter().zip(values.iter().rev()) {
                assert!((pair.value - value).abs() < 1e-12 * values[values.len() - 1], "{}", layer.name);
            }
            let dense = vectors.slice(ndarray::s![.., top..]).to_owned();
            let gap = 1.0 - values[top - 1] / values[top];
            let missing = 1.0 - overlap(&leading_space(&pairs, 4).unwrap(), &dense);
            assert!(missing < 1e-12 + (1e-8 / gap).powi(2), "{}: {missing:e}, gap {gap}", layer.name);
        }
    }
}

#[test]
fn questions_about_whole_layers_and_cluster_means_are_answered() {
    use_one_thread();
    let data = DataLaw::mixture(12, 50.0, 3);
    let task = task::build(&problem(data, Network::mlp(vec![6], Head::Softmax)));
    let (parameters, sample) = (task.initial(&seed(7)), sample(&*task, 90));
    let point = Point::new(&*task, &parameters, &sample);
    let ask = |layer: Layer, question| {
        let block = Block::whole(layer);
        let query = Query { checkpoint: 0, sample: SampleKind::Test, block, question };
        point.answer(query, &point.matrices(block).unwrap()).unwrap()
    };
    for (layer, rows, cols) in task.layers() {
        let QueryResult::Pairs(pairs) = ask(layer, Question::Outliers(5)) else { panic!() };
        let QueryResult::Values(values) = ask(layer, Question::Values) else { panic!() };
        for (index, matrix) in Matrix::BOTH.into_iter().enumerate() {
            let dense = whole(&*task, matrix, layer, &parameters, &sample);
            assert_eq!(values[index].len(), rows * cols);
            for (pair, value) in pairs[index].iter().zip(&values[index]) {
                assert!((pair.value - value).abs() <= 1e-12 * values[index][0]);
                let off = dense.dot(&pair.vector) - &pair.vector * pair.value;
                assert!(off.dot(&off).sqrt() <= 1e-11 * values[index][0]);
            }
        }
        // Norms of a layer: outside the space of its inputs, for every row.
        let QueryResult::Norms(norms) = ask(layer, Question::Norms) else { panic!() };
        let basis = space(&*task, layer, &parameters).unwrap();
        let out = Array2::eye(cols) - basis.dot(&basis.t());
        let dense = whole(&*task, Matrix::Hessian, layer, &parameters, &sample);
        let mut projected = dense.clone();
        for (i, j) in (0..rows).flat_map(|i| (0..rows).map(move |j| (i, j))) {
            let place = ndarray::s![i * cols..(i + 1) * cols, j * cols..(j + 1) * cols];
            projected.slice_mut(place).assign(&out.dot(&dense.slice(place)).dot(&out));
        }
        let top = projected.eigh(UPLO::Lower).unwrap().0[rows * cols - 1];
        assert!((norms[0].perpendicular - top).abs() < 1e-9 * norms[0].operator);
        // Means over clusters, by hand.
        let QueryResult::Components(means) = ask(layer, Question::ClusterMeans) else { panic!() };
        let inputs = match layer.index {
            0 => sample.features().to_owned(),
            _ => sample.features().dot(&parameters[0].t()).mapv(|z| z.max(0.0)),
        };
        let basis = leading_space(&means, 3).unwrap();
        for cluster in 0..3 {
            let mine = (0..90).filter(|one| sample.clusters[*one] == cluster);
            let of = inputs.select(Axis(0), &mine.collect::<Vec<_>>()).mean_axis(Axis(0)).unwrap();
            let rest = &of - &basis.dot(&basis.t().dot(&of));
            assert!(rest.dot(&rest).sqrt() < 1e-12 * of.dot(&of).sqrt());
        }
        assert!(means.windows(2).all(|pair| pair[0].value >= pair[1].value));
    }
    let softmax = task::build(&problem(DataLaw::mixture(12, 50.0, 3), Network::softmax()));
    let start = softmax.initial(&seed(7));
    let refused = Point::new(&*softmax, &start, &sample).matrices(Block::whole(Layer::X)).unwrap_err();
    assert!(refused.to_string().contains("(x)"), "{refused}");
}

/// What the layers after the first do in the reduced chain is what they do in SGD, so the chain trains a network of any depth.
#[test]
fn the_reduced_chain_trains_deep_networks_too() {
    struct Constant(f64);
    impl spectral_alignment::simulation::chain::noise::Noise for Constant {
        fn fill(&mut self, out: &mut [f64]) {
            for slot in out {
                self.0 = (self.0 * 7.3 + 0.31).fract();
                *slot = 2.0 * self.0 - 1.0;
            }
        }
        fn uniform(&mut self) -> f64 {
            self.0 = (self.0 * 5.7 + 0.17).fract();
            self.0
        }
    }
    let network = Network::mlp(vec![5, 4], Head::Softmax);
    let mut noise = Constant(0.4);
    let mut chain = Chain::new(&problem(DataLaw::mixture(60, 20.0, 3), network), &mut noise).unwrap();
    let run = chain.run(&[0, 200], &mut noise, &|_| {});
    let end = &run.checkpoints[1].parameters;
    assert_eq!(end.iter().map(Array2::nrows).collect::<Vec<_>>(), [5, 4, 3]);
    assert!(end.iter().flatten().all(|weight| weight.is_finite()));
    let start = &run.checkpoints[0].parameters;
    assert!(start.iter().zip(end).all(|(a, b)| largest(&(a - b)) > 1e-3), "every layer has moved");
}

#[test]
fn starts_have_the_variance_of_their_layer() {
    let network = Network::mlp(vec![200, 150], Head::Softmax);
    let task = task::build(&problem(DataLaw::mixture(300, 3.0, 5), network));
    let variances = [2.0 / 300.0, 2.0 / 200.0, 1.0 / 150.0];
    for (weights, variance) in task.initial(&seed(8)).iter().zip(variances) {
        let found = weights.iter().map(|weight| weight * weight).sum::<f64>() / weights.len() as f64;
        let error = variance * (2.0 / weights.len() as f64).sqrt();
        assert!((found - variance).abs() < 5.0 * error, "{found} against {variance}");
    }
}

#[test]
fn nuisance_changes_its_coordinates_only() {
    let (d, k) = (30, 3);
    let plain = DataLaw::mixture(d, 25.0, k);
    let law = plain.clone().with_nuisance(Nuisance { directions: 4, variance: 9.0 });
    let draw = |data: DataLaw| {
        let task = task::build(&problem(data, Network::softmax()));
        Sample::first(task.law(), &seed(9), Purpose::Test, 2000)
    };
    let (before, after) = (draw(plain), draw(law));
    assert_eq!(before.clusters, after.clusters);
    for (index, (one, other)) in
        before.features().columns().into_iter().zip(after.features().columns()).enumerate()
    {
        if (k..k + 4).contains(&index) {
            // From standard deviation 1/5 to 3.
            assert!(one.iter().zip(other).all(|(a, b)| (15.0 * a - b).abs() < 1e-12));
            let variance = other.iter().map(|value| value * value).sum::<f64>() / 2000.0;
            assert!((variance - 9.0).abs() < 5.0 * 9.0 * (2.0_f64 / 2000.0).sqrt(), "{variance}");
        } else {
            assert_eq!(one, other, "coordinate {index}");
        }
    }
}

fn experiment(data: DataLaw, network: Network) -> Experiment {
    Experiment {
        name: "mlp-gmm".to_owned(),
        problem: problem(data, network),
        horizon: 10.0,
        checkpoints: 5,
        spacing: Spacing::Linear,
        replicates: 1,
        simulator: Simulator::Sgd,
        member: None,
    }
}

#[test]
fn what_makes_no_network_is_refused_in_a_sentence() {
    let mixture = || DataLaw::mixture(20, 3.0, 3);
    let mlp = |widths: &[usize], head| Network::mlp(widths.to_vec(), head);
    let nuisance = |directions, variance| mixture().with_nuisance(Nuisance { directions, variance });
    let soft = || mlp(&[5], Head::Softmax);
    for (data, network, words) in [
        (mixture(), mlp(&[5, 0], Head::Softmax), ["mlp-gmm.width = 0", "at least 1 neuron"]),
        (mixture(), mlp(&[5; 8], Head::Softmax), ["mlp-gmm.depth = 9", "at most 8"]),
        (mixture(), mlp(&[5], Head::Logistic), ["mlp-gmm.head = logistic", "the data have 3"]),
        (
            mixture(),
            Network::Mlp { widths: vec![2], head: Head::Softmax, gain: f64::NAN },
            ["gain", "above 0"],
        ),
        (nuisance(0, 1.0), soft(), ["nuisance_directions = 0", "from 1 to 17"]),
        (nuisance(18, 1.0), soft(), ["nuisance_directions = 18", "from 1 to 17"]),
        (nuisance(4, -1.0), soft(), ["nuisance = -1", "above 0"]),
    ] {
        let error = experiment(data, network).validate().unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)) && !error.contains('\n'), "{error}");
    }
    let mut given = experiment(mixture(), soft());
    given.problem.training.start = Start { second: Some(vec![1.0; 5]), along: None };
    assert!(given.validate().unwrap_err().to_string().contains("is random"));
    let mut chain = experiment(nuisance(4, 1.0), soft());
    chain.simulator = Simulator::Chain;
    assert!(chain.validate().unwrap_err().to_string().contains("isotropic"));
    // What `--set` can ask for.
    let mut asked = experiment(nuisance(4, 1.0), soft());
    for (key, value) in [("depth", "0"), ("depth", "9"), ("width", "0"), ("nuisance", "x")] {
        let error = asked.set(key, value).unwrap_err().to_string();
        assert!(error.contains(&format!("mlp-gmm.{key} = {value}")), "{error}");
    }
    for (key, value) in [("depth", "3"), ("width", "8"), ("nuisance", "2.5")] {
        asked.set(key, value).unwrap();
    }
    assert_eq!(asked.problem.network, mlp(&[8, 8], Head::Softmax));
    assert_eq!(asked.problem.data, nuisance(4, 2.5));
    asked.validate().unwrap();
    let mut shallow = experiment(mixture(), mlp(&[], Head::Softmax));
    shallow.set("depth", "3").unwrap();
    assert_eq!(shallow.problem.network.widths(), [20, 20]);
}
