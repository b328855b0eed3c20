use ndarray::{Array1, Array2};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::DataLaw;
use spectral_alignment::problem::experiment::Experiment;
use spectral_alignment::problem::network::{Head, Network};
use spectral_alignment::problem::training::Training;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::observe::observe;
use spectral_alignment::simulation::task::{self, Task};
use spectral_alignment::simulation::trajectory::{Observed, Trajectory};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::stages::common::limit::experiment;
use spectral_alignment::study::gradient_share::GradientShare;
use spectral_alignment::study::projected::Projected;
use spectral_alignment::study::{Reading, Study};
use spectral_alignment::theory::gradients::GradientMoments;
use spectral_alignment::theory::mixture_law::MixtureLaw;

const D: usize = 12;
const CLASSES: usize = 3;

fn made(network: Network, lambda: f64) -> (Experiment, Box<dyn Task>, Seed, Trajectory<Observed>) {
    use_one_thread();
    let problem = Problem {
        data: DataLaw::mixture(D, lambda, CLASSES),
        network,
        training: Training::new(0.1, 1.0, 6.0),
    };
    let experiment = experiment("gmm-top-test".to_owned(), problem, 8.0, 5, 1);
    let task = task::build(&experiment.problem);
    let seed = Seed { root: 1000, experiment: experiment.name.clone(), replicate: 2 };
    let test = Sample::first(task.law(), &seed, Purpose::Test, experiment.problem.sample_size());
    let trajectory = observe(&experiment, &*task, &seed, &test, &|_| {});
    (experiment, task, seed, trajectory)
}

fn value(readings: &[Reading], name: &str, of: &str, step: u64) -> f64 {
    let found: Vec<f64> = readings
        .iter()
        .filter(|one| (one.name.as_str(), one.of.as_str(), one.step) == (name, of, step))
        .map(|one| one.value)
        .collect();
    assert_eq!(found.len(), 1, "{name} of {of} at {step}");
    found[0]
}

/// Gradients `(π - y) Yᵀ` of the points of a sample, and their probabilities.
fn gradients(x: &Array2<f64>, sample: &Sample) -> Vec<(Array1<f64>, Array1<f64>, Array1<f64>)> {
    let rows = sample.features();
    (0..sample.len())
        .map(|index| {
            let y = rows.row(index).to_owned();
            let weights = x.dot(&y).mapv(f64::exp);
            let pi = &weights / weights.sum();
            let mut e = pi.clone();
            e[sample.labels[index] as usize] -= 1.0;
            let gradient =
                Array1::from_iter((0..CLASSES).flat_map(|a| y.iter().map(|y| e[a] * y).collect::<Vec<_>>()));
            (gradient, pi, y)
        })
        .collect()
}

#[test]
fn shares_of_gradients_are_those_of_explicit_vectors_in_explicit_eigenspaces() {
    let (experiment, task, seed, trajectory) = made(Network::mlp(Vec::new(), Head::Softmax), 20.0);
    let study = Study::GradientShare(GradientShare { classes: 3, batch: 4, every: 4 });
    let readings = study.run(&*task, &seed, &trajectory).unwrap();
    let n = experiment.problem.sample_size();
    let both = Sample::first(task.law(), &seed, Purpose::Test, 2 * n);
    for observed in [&trajectory.checkpoints[0], &trajectory.checkpoints[4]] {
        let all = gradients(&observed.parameters[0], &both);
        let p = CLASSES * D;
        let mut hessian = Array2::<f64>::zeros((p, p));
        for (_, pi, y) in &all[..n] {
            for (i, j) in (0..p).flat_map(|i| (0..p).map(move |j| (i, j))) {
                let (a, b) = (i / D, j / D);
                let weight = pi[a] * f64::from(u8::from(a == b)) - pi[a] * pi[b];
                hessian[[i, j]] += weight * y[i % D] * y[j % D] / n as f64;
            }
        }
        let (values, vectors) = hessian.eigh(UPLO::Lower).unwrap();
        for (space, dimension) in [("hessian, k", 3), ("hessian, all", 6)] {
            let basis = vectors.slice(ndarray::s![.., p - dimension..]);
            for (name, batch) in
                [("share of one sample", 1), ("share of a batch", 4), ("share of n samples", n)]
            {
                let (mut inside, mut whole) = (0.0, 0.0);
                for part in all[n..].chunks_exact(batch) {
                    let sum = part.iter().fold(Array1::<f64>::zeros(p), |sum, one| sum + &one.0);
                    let coefficients = basis.t().dot(&sum);
                    inside += coefficients.dot(&coefficients);
                    whole += sum.dot(&sum);
                }
                let found = value(&readings, name, space, observed.step);
                assert!((found - inside / whole).abs() < 1e-9, "{name} {space}: {found} {}", inside / whole);
            }
        }
        let gaps: Vec<&Reading> =
            readings.iter().filter(|one| one.name == "gap" && one.step == observed.step).collect();
        assert_eq!(gaps.iter().map(|one| one.rank).collect::<Vec<_>>(), [Some(3), Some(6)]);
        for (gap, rank) in gaps.iter().zip([3, 6]) {
            assert!((gap.value - values[p - rank] / values[p - rank - 1]).abs() < 1e-7 * gap.value);
        }
    }
}

#[test]
fn moments_of_the_gradient_are_those_of_many_samples() {
    let (experiment, task, seed, trajectory) = made(Network::softmax(), 5.0);
    let x = &trajectory.checkpoints[4].parameters[0];
    let means = task.law().independent_means();
    let rows = ndarray::concatenate(ndarray::Axis(0), &[x.view(), means.view()]).unwrap();
    let law =
        MixtureLaw::new(&rows.dot(&rows.t()), CLASSES, experiment.problem.data.probabilities(), 5.0).unwrap();
    let moments = GradientMoments::of(&law, D as f64, 5.0);
    let sample = Sample::first(task.law(), &seed, Purpose::Test, 60_000);
    let all = gradients(x, &sample);
    let inside = |vector: &Array1<f64>| {
        (0..CLASSES * D).filter(|i| i % D < CLASSES).map(|i| vector[i] * vector[i]).sum::<f64>()
    };
    let count = all.len() as f64;
    let mean = all.iter().fold(Array1::<f64>::zeros(CLASSES * D), |sum, one| sum + &one.0) / count;
    let second = all.iter().map(|one| one.0.dot(&one.0)).sum::<f64>() / count;
    let second_inside = all.iter().map(|one| inside(&one.0)).sum::<f64>() / count;
    // A mean over 60,000 samples is off by half a percent of the root of the second moment.
    let noise = 4.0 * (second / count).sqrt();
    for (found, expected, tolerance) in [
        (moments.second, second, 0.02 * second),
        (moments.second_inside, second_inside, 0.02 * second_inside),
        (moments.mean.sqrt(), mean.dot(&mean).sqrt(), noise),
        (moments.mean_inside.sqrt(), inside(&mean).sqrt(), noise),
    ] {
        assert!((found - expected).abs() < tolerance, "{found} {expected} {tolerance}");
    }
    assert!((moments.share(1.0) - second_inside / second).abs() < 0.02);
    assert!((moments.share(1e12) - moments.mean_inside / moments.mean).abs() < 1e-6);
}

#[test]
fn projecting_on_everything_is_sgd_and_off_everything_stands_still() {
    for network in [Network::softmax(), Network::mlp(vec![4], Head::Softmax)] {
        let (experiment, task, seed, trajectory) = made(network, 5.0);
        // More than any unit has: a row of softmax regression has 12 parameters, the layers of the perceptron 48 and 12.
        let study = Study::Projected(Projected { from: 2.0, renewal: 2.0, dimension: 48, wide: 48 });
        let readings = study.run(&*task, &seed, &trajectory).unwrap();
        let (start, end) = (2 * D as u64, 8 * D as u64);
        let frozen = value(&readings, "loss", "start", start);
        let sgd = trajectory.checkpoints[4].loss;
        for rule in ["sgd", "top", "top, ridge everywhere", "wide top", "random", "components"] {
            let found = value(&readings, "loss", rule, end);
            assert!((found - sgd).abs() < 1e-10, "{rule}: {found} {sgd}");
        }
        assert!((value(&readings, "loss", "off top", end) - frozen).abs() < 1e-10);
        // The ridge alone is left.
        let test = Sample::first(task.law(), &seed, Purpose::Test, experiment.problem.sample_size());
        let mut learner = task.learner(&task.initial(&seed));
        let mut stream = spectral_alignment::simulation::data::Stream::new(task.law(), &seed, Purpose::Train);
        let mut y = vec![0.0; spectral_alignment::simulation::kernel::padded(D)];
        for _ in 0..start {
            let cluster = stream.next_into(&mut y);
            learner.step(task.law().labels()[cluster as usize], &y);
        }
        let shrunk: Vec<Array2<f64>> = learner
            .parameters()
            .iter()
            .map(|layer| layer * (1.0 - 0.1 / D as f64).powf(6.0 * D as f64))
            .collect();
        let expected = task.evaluate(&shrunk, &test).loss;
        let found = value(&readings, "loss", "off top, ridge everywhere", end);
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }
}

#[test]
fn projected_steps_stay_in_the_affine_space_of_their_directions() {
    // With principal components of one dimension: each row moves along one direction between renewals, so after the
    // only renewal the change has rank one, and the loss is that of a plain loop.
    let (experiment, task, seed, trajectory) = made(Network::softmax(), 5.0);
    let study = Study::Projected(Projected { from: 2.0, renewal: 100.0, dimension: 1, wide: 2 });
    let readings = study.run(&*task, &seed, &trajectory).unwrap();
    let n = experiment.problem.sample_size();
    let both = Sample::first(task.law(), &seed, Purpose::Test, 2 * n);
    let further = both.features().slice(ndarray::s![n.., ..]).to_owned();
    let (_, vectors) = (further.t().dot(&further) / n as f64).eigh(UPLO::Lower).unwrap();
    let unit = vectors.column(D - 1).to_owned();
    let mut learner = task.learner(&task.initial(&seed));
    let mut stream = spectral_alignment::simulation::data::Stream::new(task.law(), &seed, Purpose::Train);
    let mut y = vec![0.0; spectral_alignment::simulation::kernel::padded(D)];
    let mut x: Option<Array2<f64>> = None;
    for step in 0..8 * D {
        let label = stream.next_into(&mut y) as usize;
        if step < 2 * D {
            learner.step(label as u32, &y);
            continue;
        }
        let now = x.get_or_insert_with(|| learner.parameters()[0].clone());
        let point = Array1::from(y[..D].to_vec());
        let weights = now.dot(&point).mapv(f64::exp);
        let mut e = &weights / weights.sum();
        e[label] -= 1.0;
        for (a, mut row) in now.rows_mut().into_iter().enumerate() {
            let gradient = &point * e[a] + &row * 0.1;
            let along = unit.dot(&gradient) / D as f64;
            row.scaled_add(-along, &unit);
        }
    }
    let test = Sample::first(task.law(), &seed, Purpose::Test, n);
    let expected = task.evaluate(&vec![x.unwrap()], &test).loss;
    let found = value(&readings, "loss", "components", 8 * D as u64);
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}
