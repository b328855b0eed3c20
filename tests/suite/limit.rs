use crate::problems::{Flat, Kind};
use crate::support::Place;
use ndarray::{Array2, array};
use spectral_alignment::problem::data::Means;
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::chain;
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::observe::observe;
use spectral_alignment::simulation::task;
use spectral_alignment::simulation::trajectory::{Observed, Trajectory};
use spectral_alignment::stages::common::limit::{limit, limit_with};

fn experiment(task: Kind, d: usize, start: Start) -> Experiment {
    Experiment {
        name: "gmm-limit-test".to_owned(),
        problem: Flat { task, d, lambda: 4.0, beta: 0.1, c: 1.0, phi: 4.0, start }.problem(),
        horizon: 6.0,
        checkpoints: 5,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

fn skew() -> Kind {
    let gram = vec![vec![1.0, 0.4, 0.0], vec![0.4, 1.0, -0.2], vec![0.0, -0.2, 1.0]];
    Kind::unequal(&[0.5, 0.3, 0.2], Means::Gram(gram))
}

fn macroscopic() -> Start {
    Start {
        along: Some(vec![vec![0.8, 0.1], vec![-0.3, 0.4], vec![0.2, 0.6], vec![0.1, -0.5]]),
        second: Some(vec![1.0, 0.7, -0.8, -0.6]),
    }
}

/// One replicate by either simulator.
fn run(experiment: &Experiment, replicate: u32) -> Trajectory<Observed> {
    let task = task::build(&experiment.reduced_problem());
    let seed = Seed { root: 3, experiment: format!("{:?}", experiment.simulator), replicate };
    let sample = Sample::first(task.law(), &seed, Purpose::Test, task.problem().sample_size());
    match experiment.simulator {
        Simulator::Sgd => observe(experiment, &*task, &seed, &sample, &|_| {}),
        Simulator::Chain => chain::observe(experiment, &*task, &seed, &sample, &|_| {}).unwrap(),
    }
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn loss_and_accuracy_of_a_chain_are_those_of_sgd() {
    for (task, start) in [(skew(), Start::default()), (Kind::xor(4), macroscopic())] {
        let sgd = experiment(task, 60, start);
        let chain = Experiment { simulator: Simulator::Chain, ..sgd.clone() };
        let [full, reduced] = [&sgd, &chain].map(|experiment| -> Vec<Trajectory<Observed>> {
            (0..300).map(|replicate| run(experiment, replicate)).collect()
        });
        for checkpoint in [0, 4] {
            for value in [
                |at: &Trajectory<Observed>, index: usize| at.checkpoints[index].loss,
                |at: &Trajectory<Observed>, index: usize| at.checkpoints[index].accuracy,
                |at: &Trajectory<Observed>, index: usize| at.checkpoints[index].cluster_accuracy[1].unwrap(),
            ] {
                let [(left, one), (right, other)] = [&full, &reduced]
                    .map(|all| mean(&all.iter().map(|at| value(at, checkpoint)).collect::<Vec<_>>()));
                let error = one.hypot(other);
                assert!((left - right).abs() < 4.0 * error, "{left} and {right}, standard error {error}");
            }
        }
        let (start, end) = (full[0].checkpoints[0].loss, full[0].checkpoints[4].loss);
        assert!(end < start, "nothing was learnt: {start}, {end}");
    }
}

#[test]
fn a_chain_keeps_coordinates_and_no_dimension() {
    let mut million = experiment(skew(), 1_000_000, Start::default());
    assert!(million.validate().unwrap_err().to_string().contains("8 GiB"));
    million.simulator = Simulator::Chain;
    million.validate().unwrap();
    let kept = million.reduced_problem();
    assert_eq!((kept.d(), kept.sample_size()), (6, 2000));
    let few = Experiment { simulator: Simulator::Chain, ..experiment(skew(), 6, Start::default()) };
    assert!(few.validate().unwrap_err().to_string().contains("6 coordinates"));
    let sgd = experiment(skew(), 60, Start::default());
    assert_eq!(sgd.reduced_problem(), sgd.problem);
}

#[test]
fn the_limit_starts_where_the_experiment_does() {
    let network = experiment(Kind::xor(4), 4000, macroscopic());
    let start = &limit(&network).unwrap().path.states[0];
    let along = array![[0.8, 0.1], [-0.3, 0.4], [0.2, 0.6], [0.1, -0.5]];
    let outside: Array2<f64> = &start.gram - &along.dot(&along.t());
    assert!((&start.means - &along).iter().all(|gap| gap.abs() < 1e-15));
    assert!((outside - Array2::<f64>::eye(4)).iter().all(|gap| gap.abs() < 1e-15));
    assert_eq!(start.second, [1.0, 0.7, -0.8, -0.6]);
    let means = vec![vec![0.5, -0.2, 0.1]; 3];
    let mixture = experiment(skew(), 4000, Start { along: Some(means), second: None });
    let limit = limit_with(&mixture, 128).unwrap();
    let found = run(&mixture, 0).checkpoints[0].parameters[0].clone();
    let all = task::build(&mixture.problem).law().means();
    // Coefficients are exact at any d; what is random outside makes R differ by O(d^{-1/2}).
    assert!((found.dot(&all.t()) - &limit.path.states[0].means).iter().all(|gap| gap.abs() < 1e-12));
    let gap = found.dot(&found.t()) - &limit.path.states[0].gram;
    assert!(gap.iter().all(|gap| gap.abs() < 6.0 / 4000.0_f64.sqrt()), "{gap}");
    assert!(limit.error() < 0.05);
}

#[test]
fn a_random_second_layer_has_no_limit() {
    let network = experiment(Kind::xor(4), 400, Start { second: None, ..macroscopic() });
    assert!(limit(&network).unwrap_err().to_string().contains("random second layer has no limit"));
}

#[test]
fn starts_that_do_not_fit_are_refused() {
    let refuse = |task: Kind, start: Start, word: &str| {
        let message = experiment(task, 400, start).validate().unwrap_err().to_string();
        assert!(message.contains("gmm-limit-test.start") && message.contains(word), "{message}");
    };
    refuse(skew(), Start { second: Some(vec![1.0]), along: None }, "no second layer");
    refuse(Kind::xor(3), macroscopic(), "each of 3 rows");
    refuse(skew(), Start { along: Some(vec![vec![f64::NAN; 3]; 3]), second: None }, "finite");
    refuse(Kind::xor(3), Start { along: None, second: Some(vec![1.0; 4]) }, "each of 3 neurons");
}

#[test]
fn a_chain_has_nothing_to_export() {
    let place = Place::new();
    let out = place.path().join("out");
    let out = out.to_str().unwrap();
    place
        .call(&["export", "xor-escape-d1000", "--replicate", "0", "--checkpoint", "0", "--out", out])
        .refused(2, &["xor-escape-d1000", "reduced chain"]);
}
