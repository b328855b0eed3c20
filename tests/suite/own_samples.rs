use ndarray::{Array1, Array2};
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::DataLaw;
use spectral_alignment::problem::experiment::Experiment;
use spectral_alignment::problem::network::Network;
use spectral_alignment::problem::training::Training;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::{Sample, Stream};
use spectral_alignment::simulation::kernel::padded;
use spectral_alignment::simulation::observe::observe;
use spectral_alignment::simulation::task::{self, Task};
use spectral_alignment::simulation::trajectory::{Observed, Trajectory};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::stages::common::limit::experiment;
use spectral_alignment::study::own_samples::OwnSamples;
use spectral_alignment::study::points::Points;
use spectral_alignment::study::{Reading, Study};
use spectral_alignment::theory::own_samples::{Memory, share_in_span};

const D: usize = 24;
const CLASSES: usize = 3;

fn softmax() -> Experiment {
    let problem = Problem {
        data: DataLaw::mixture(D, 3.0, CLASSES),
        network: Network::softmax(),
        training: Training::new(0.05, 1.0, 4.0),
    };
    experiment("gmm-own-test".to_owned(), problem, 6.0, 5, 1)
}

fn seed(experiment: &Experiment) -> Seed {
    Seed { root: 1000, experiment: experiment.name.clone(), replicate: 0 }
}

fn trained(experiment: &Experiment, task: &dyn Task) -> Trajectory<Observed> {
    let seed = seed(experiment);
    let test = Sample::first(task.law(), &seed, Purpose::Test, experiment.problem.sample_size());
    observe(experiment, task, &seed, &test, &|_| {})
}

/// A symmetric matrix with given entries below the diagonal and on it.
fn symmetric(entries: [f64; 6]) -> Array2<f64> {
    let [a, b, c, d, e, f] = entries;
    ndarray::array![[a, b, d], [b, c, e], [d, e, f]]
}

#[test]
fn what_is_left_of_a_change_solves_its_equation_of_motion() {
    // dΔ/dt = -(β + C(t)/λ) Δ in small steps of Runge and Kutta's midpoint rule, with the mean curvature of each interval.
    let curvatures = [
        symmetric([0.3, -0.1, 0.2, -0.05, 0.02, 0.25]),
        symmetric([0.5, 0.1, 0.4, 0.0, -0.2, 0.3]),
        symmetric([0.1, 0.0, 0.2, 0.03, 0.0, 0.15]),
    ];
    let (beta, lambda, times) = (0.07, 0.6, [0.0, 2.0, 3.5]);
    let memory = Memory::new(beta, lambda, &times, &curvatures).unwrap();
    let start = ndarray::array![0.7, -0.4, 0.2];
    for from in [0.0, 0.9, 2.0, 2.6, 3.5] {
        let mut vector = start.clone();
        for (place, ends) in times.windows(2).enumerate() {
            let h = (ends[1] - ends[0].max(from)).max(0.0) / 10_000.0;
            let mean = (&curvatures[place] + &curvatures[place + 1]) * 0.5;
            let slope = |vector: &Array1<f64>| vector * -beta - mean.dot(vector) / lambda;
            for _ in 0..10_000 {
                let half = &vector + &(slope(&vector) * (0.5 * h));
                vector = &vector + &(slope(&half) * h);
            }
        }
        let found = memory.of(from, start.view());
        assert!((&found - &vector).iter().all(|error| error.abs() < 1e-8), "{from}: {found} {vector}");
    }
    assert!(Memory::new(beta, lambda, &[0.0], &curvatures[..1]).is_err());
    assert!(Memory::new(beta, lambda, &[1.0, 1.0], &curvatures[..2]).is_err());
    assert!((share_in_span(4.0, 400.0, 4.0) - 2.0 / 101.0).abs() < 1e-15);
}

#[test]
fn points_that_are_given_come_as_a_sample_in_their_order() {
    let task = task::build(&softmax().problem);
    let drawn = Sample::first(task.law(), &seed(&softmax()), Purpose::Train, 300);
    let points = Points::new(task.law(), &drawn.padded_rows().to_owned(), drawn.clusters.clone());
    for _ in 0..2 {
        let sample = points.sample();
        assert_eq!(sample.features(), drawn.features());
        assert_eq!((sample.labels, sample.clusters), (drawn.labels.clone(), drawn.clusters.clone()));
    }
}

fn probabilities(x: &Array2<f64>, y: &Array1<f64>) -> Array1<f64> {
    let logits = x.dot(y);
    let weights = logits.mapv(f64::exp);
    &weights / weights.sum()
}

fn residual(x: &Array2<f64>, (y, label): &(Array1<f64>, usize)) -> Array1<f64> {
    let mut e = probabilities(x, y);
    e[*label] -= 1.0;
    e
}

/// The first `n` points of a stream with their labels.
fn points(task: &dyn Task, seed: &Seed, purpose: Purpose, n: usize) -> Vec<(Array1<f64>, usize)> {
    let mut stream = Stream::new(task.law(), seed, purpose);
    let mut row = vec![0.0; padded(D)];
    (0..n)
        .map(|_| {
            let label = stream.next_into(&mut row) as usize;
            (Array1::from(row[..D].to_vec()), label)
        })
        .collect()
}

fn value(readings: &[Reading], name: &str, of: &str, place: (Option<u32>, Option<u32>)) -> f64 {
    let found: Vec<f64> = readings
        .iter()
        .filter(|one| one.name == name && one.of == of && (one.matrix, one.rank) == place)
        .map(|one| one.value)
        .collect();
    assert_eq!(found.len(), 1, "{name} of {of}");
    found[0]
}

/// Mean loss and the mean of the weights of H and G over rows, of points whose logits are moved.
fn by_loops(x: &Array2<f64>, points: &[(Array1<f64>, usize)], moved: &[Array1<f64>]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for ((y, label), moved) in points.iter().zip(moved) {
        let weights = (x.dot(y) + moved).mapv(f64::exp);
        let pi = &weights / weights.sum();
        sums[0] -= pi[*label].ln();
        for class in 0..CLASSES {
            let e = pi[class] - f64::from(u8::from(class == *label));
            sums[1] += pi[class] * (1.0 - pi[class]) / CLASSES as f64;
            sums[2] += e * e / CLASSES as f64;
        }
    }
    sums.map(|sum| sum / points.len() as f64)
}

#[test]
fn the_study_of_own_samples_is_what_plain_loops_make_of_its_definition() {
    use_one_thread();
    let experiment = softmax();
    let (task, seed) = (task::build(&experiment.problem), seed(&experiment));
    let trajectory = trained(&experiment, &*task);
    let study = Study::OwnSamples(OwnSamples { rows: 9, ages: 4, left_out: 3, first: true });
    let readings = study.run(&*task, &seed, &trajectory).unwrap();

    let (steps, n, delta) = (6 * D, 4 * D, 1.0 / D as f64);
    let (train, test) =
        (points(&*task, &seed, Purpose::Train, steps), points(&*task, &seed, Purpose::Test, n));
    let shrink = 1.0 - delta * 0.05;
    let descend = |x: &Array2<f64>, point: &(Array1<f64>, usize)| {
        let e = residual(x, point);
        x * shrink - &(Array2::from_shape_fn((CLASSES, D), |(a, j)| delta * e[a] * point.0[j]))
    };
    let mut before = vec![task.initial(&seed)[0].clone()];
    for point in &train {
        before.push(descend(before.last().unwrap(), point));
    }
    let end = &before[steps];
    assert!((end - &trajectory.checkpoints[4].parameters[0]).iter().all(|error| error.abs() < 1e-12));

    // P by the product of many small steps, with the mean curvature between checkpoints on the test sample.
    let curvature = |x: &Array2<f64>| {
        let mut mean = Array2::zeros((CLASSES, CLASSES));
        for (y, _) in &test {
            let pi = probabilities(x, y);
            for a in 0..CLASSES {
                for b in 0..CLASSES {
                    mean[[a, b]] += (pi[a] * f64::from(u8::from(a == b)) - pi[a] * pi[b]) / n as f64;
                }
            }
        }
        mean
    };
    let at: Vec<Array2<f64>> =
        trajectory.checkpoints.iter().map(|one| curvature(&one.parameters[0])).collect();
    let left = |place: usize, g: &Array1<f64>| {
        let from = (steps - (n - 1 - place)) as f64 * delta;
        let mut vector = g.clone();
        for (interval, pair) in at.windows(2).enumerate() {
            let (start, end) = (1.5 * interval as f64, 1.5 * (interval + 1) as f64);
            let h = (end - start.max(from)).max(0.0) / 2000.0;
            let mean = (&pair[0] + &pair[1]) * 0.5;
            for _ in 0..2000 {
                let half = &vector - &((&vector * 0.05 + mean.dot(&vector) / 3.0) * (0.5 * h));
                vector = &vector - &((&half * 0.05 + mean.dot(&half) / 3.0) * h);
            }
        }
        vector
    };
    let own = &train[steps - n..];
    let nothing = vec![Array1::zeros(CLASSES); n];
    let shift = |place: usize, point: &(Array1<f64>, usize)| {
        let g = residual(&before[steps - n + place], point);
        left(place, &g) * (-delta * point.0.dot(&point.0))
    };
    // Losses of all, and of some twins moved one by one.
    for (of, points) in [("fresh", &test[..]), ("last", own), ("first", &train[..n])] {
        let [loss, hessian, gradient] = by_loops(end, points, &nothing);
        let found = [
            value(&readings, "loss", of, (None, None)),
            value(&readings, "weight", of, (Some(0), None)),
            value(&readings, "weight", of, (Some(1), None)),
        ];
        for (found, expected) in found.into_iter().zip([loss, hessian, gradient]) {
            assert!((found - expected).abs() < 1e-11, "{of}: {found} {expected}");
        }
    }
    let moved: Vec<Array1<f64>> = (0..n).map(|place| shift(place, &test[place])).collect();
    let [loss, hessian, gradient] = by_loops(end, &test, &moved);
    for (name, matrix, expected) in
        [("loss", None, loss), ("weight", Some(0), hessian), ("weight", Some(1), gradient)]
    {
        let found = value(&readings, name, "predicted", (matrix, None));
        assert!((found - expected).abs() < 1e-7, "{name}: {found} {expected}");
    }
    // The youngest quarter of the last samples is the fourth of the list.
    let [young, ..] = by_loops(end, &own[3 * n / 4..], &nothing);
    assert!((value(&readings, "loss by age", "last", (None, Some(1))) - young).abs() < 1e-11);

    // Three of them left out: the slope of what that changes on the derivation.
    let (mut product, mut square) = (0.0, 0.0);
    for place in [n / 6, n / 2, 5 * n / 6] {
        let mut x = &before[steps - n + place] * shrink;
        for point in &own[place + 1..] {
            x = descend(&x, point);
        }
        let (measured, derived) = ((end - &x).dot(&own[place].0), shift(place, &own[place]));
        product += derived.dot(&measured);
        square += derived.dot(&derived);
    }
    let slope = value(&readings, "slope of the shift", "derived", (None, None));
    assert!((slope - product / square).abs() < 1e-6, "{slope} {}", product / square);
    assert!((slope - 1.0).abs() < 0.2, "{slope}");

    // Eigenvalues of the whole trace: ranks are in order and the largest is that of a dense matrix.
    let mut dense = Array2::<f64>::zeros((D, D));
    for (y, label) in own {
        let e = residual(end, &(y.clone(), *label))[0];
        for (i, j) in (0..D).flat_map(|i| (0..D).map(move |j| (i, j))) {
            dense[[i, j]] += e * e * y[i] * y[j] / n as f64;
        }
    }
    let few = Study::OwnSamples(OwnSamples { rows: 1, ages: 1, left_out: 0, first: false });
    let readings = few.run(&*task, &seed, &trajectory).unwrap();
    let mut vector = Array1::from_elem(D, 1.0);
    for _ in 0..3000 {
        vector = dense.dot(&vector);
        vector /= vector.dot(&vector).sqrt();
    }
    let top = vector.dot(&dense.dot(&vector));
    let found = value(&readings, "eigenvalue", "last", (Some(1), Some(1)));
    assert!((found - top).abs() < 1e-9 * top, "{found} {top}");
    assert!(readings.iter().all(|one| one.of != "first" || one.name == "loss"));
}

#[test]
fn the_study_knows_networks_with_a_hidden_layer_and_refuses_another_seed() {
    use_one_thread();
    let problem = Problem {
        data: DataLaw::xor(D, 10.0),
        network: Network::two_layer(5),
        training: Training::new(0.02, 1.0, 2.0),
    };
    let experiment = experiment("xor-own-test".to_owned(), problem, 6.0, 5, 1);
    let (task, seed) = (task::build(&experiment.problem), seed(&experiment));
    let trajectory = trained(&experiment, &*task);
    let study = Study::OwnSamples(OwnSamples { rows: 2, ages: 2, left_out: 8, first: false });
    let readings = study.run(&*task, &seed, &trajectory).unwrap();
    let slope = value(&readings, "slope of the shift", "derived", (None, None));
    assert!((slope - 1.0).abs() < 0.3, "{slope}");
    assert!(
        value(&readings, "loss", "predicted", (None, None)) < value(&readings, "loss", "fresh", (None, None))
    );
    let other = Seed { replicate: 1, ..seed };
    assert!(study.run(&*task, &other, &trajectory).is_err());
}
