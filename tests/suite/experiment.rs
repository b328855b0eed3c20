use crate::problems::{Flat, Kind};
use spectral_alignment::error::Error;
use spectral_alignment::problem::data::{DataLaw, Means, Nuisance, cholesky};
use spectral_alignment::problem::experiment::{Experiment, KEYS, Simulator, Spacing};
use spectral_alignment::problem::given::Given;
use spectral_alignment::problem::network::{Head, Network};
use spectral_alignment::problem::training::{Start, Training};
use spectral_alignment::simulation::task::Block;
use spectral_alignment::spectrum::query::{Question, SampleKind};
use spectral_alignment::stage::request::{Checkpoints, Request};
use std::collections::BTreeSet;

fn flat(task: Kind) -> Flat {
    Flat { task, d: 100, lambda: 10.0, beta: 0.05, c: 1.0, phi: 5.0, start: Start::default() }
}

fn experiment() -> Experiment {
    Experiment {
        name: "gmm".to_owned(),
        problem: flat(Kind::mixture(3)).problem(),
        horizon: 20.0,
        checkpoints: 9,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

fn xor() -> Experiment {
    Experiment { name: "xor".to_owned(), problem: flat(Kind::xor(4)).problem(), ..experiment() }
}

/// An error of bad parameters whose message has these words.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, words: &[&str]) {
    let error = outcome.unwrap_err();
    assert_eq!(error.exit_status(), 2, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is missing in: {error}");
    }
}

#[test]
fn schedules_run_from_zero_to_the_last_whole_step() {
    let mut checked = 0;
    for spacing in [Spacing::Linear, Spacing::Geometric] {
        for checkpoints in [5, 6, 7, 13, 25, 100] {
            for d in [2, 3, 7, 60, 100, 333, 1000, 4096] {
                for c in [0.1, 0.3, 0.7, 1.0, 1.5, 3.0] {
                    for horizon in [0.1, 0.3, 1.0, 2.5, 7.7, 150.0, 1e4] {
                        let problem = Flat { d, c, ..flat(Kind::mixture(3)) }.problem();
                        let experiment =
                            Experiment { problem, horizon, checkpoints, spacing, ..experiment() };
                        if experiment.validate().is_err() {
                            continue;
                        }
                        checked += 1;
                        let schedule = experiment.schedule();
                        assert_eq!(schedule.len(), checkpoints, "{experiment:?}");
                        assert_eq!(schedule[0], 0);
                        assert!(schedule.is_sorted_by(|a, b| a < b), "{schedule:?}");
                        let exact = horizon * d as f64 / c;
                        let last = schedule[checkpoints - 1] as f64;
                        assert!((last - exact).abs() <= 0.5 + 1e-9 * exact, "{last} of {exact}");
                        let time = experiment.time(schedule[checkpoints - 1]);
                        assert!((time - horizon).abs() <= 0.5 * c / d as f64 * (1.0 + 1e-9) + 1e-9 * horizon);
                        for (index, &step) in schedule.iter().enumerate().skip(1) {
                            let place = match spacing {
                                Spacing::Linear => index as f64 / (checkpoints - 1) as f64,
                                Spacing::Geometric => {
                                    0.01 * 100.0_f64.powf((index - 1) as f64 / (checkpoints - 2) as f64)
                                }
                            };
                            assert!(
                                (step as f64 - place * last).abs() < 0.51,
                                "{index}: {step} of {}",
                                place * last
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(checked > 1500, "{checked} experiments");
}

#[test]
fn the_last_checkpoint_is_not_lost_to_rounding() {
    // horizon·d/c falls just short of a whole number in each of these.
    for (d, c, horizon, steps) in
        [(10, 0.1, 0.3, 30), (1000, 1.0, 0.29, 290), (100, 0.7, 0.7, 100), (3, 0.3, 0.7, 7)]
    {
        let mut experiment = Experiment { horizon, checkpoints: 5, ..experiment() };
        experiment.problem.data.set_d(d);
        experiment.problem.training.c = c;
        assert_eq!(experiment.schedule().last(), Some(&steps));
    }
}

fn deep() -> Experiment {
    let mut deep = experiment();
    let nuisance = Nuisance { directions: 2, variance: 1.0 };
    deep.problem.data = deep.problem.data.with_nuisance(nuisance);
    deep.problem.network = Network::mlp(vec![6], Head::Softmax);
    deep
}

#[test]
fn every_set_key_changes_its_field_and_nothing_else() {
    type Change = fn(&mut Experiment);
    let cases: [(&str, &str, Change); 9] = [
        ("d", "64", |e| e.problem.data.set_d(64)),
        ("k", "7", |e| e.problem.data = DataLaw::mixture(100, 10.0, 7)),
        ("lambda", "2.5e1", |e| e.problem.data.set_lambda(25.0)),
        ("beta", "0", |e| e.problem.training.beta = 0.0),
        ("c", " 0.5 ", |e| e.problem.training.c = 0.5),
        ("phi", "3", |e| e.problem.training.phi = 3.0),
        ("horizon", "12", |e| e.horizon = 12.0),
        ("replicates", "4", |e| e.replicates = 4),
        ("checkpoints", "5", |e| e.checkpoints = 5),
    ];
    for (key, value, change) in cases {
        let (mut found, mut expected) = (experiment(), experiment());
        found.set(key, value).unwrap();
        change(&mut expected);
        assert_eq!(found, expected, "{key}");
        assert!(KEYS.contains(&key));
    }
    // Classes are task A's, neurons task B's.
    let (mut found, mut expected) = (xor(), xor());
    found.set("width", "8").unwrap();
    expected.problem.network = Network::two_layer(8);
    assert_eq!(found, expected);
    refused(experiment().set("width", "8"), &["gmm.width = 8", "set d, k, lambda, beta"]);
    refused(xor().set("k", "4"), &["xor.k = 4", "set d, lambda, width, beta"]);
    // Depth is that of multilayer perceptrons; nuisance that of laws with directions of it.
    let mut deep = deep();
    deep.set("depth", "4").unwrap();
    deep.set("nuisance", "0.5").unwrap();
    assert_eq!(deep.problem.network, Network::mlp(vec![6; 3], Head::Softmax));
    assert_eq!(deep.problem.data.nuisance().unwrap().variance, 0.5);
    refused(experiment().set("depth", "2"), &["gmm.depth = 2", "set d, k, lambda, beta"]);
    refused(experiment().set("nuisance", "2"), &["gmm.nuisance = 2", "set d, k, lambda, beta"]);
    assert_eq!(KEYS.len(), cases.len() + 3);
}

#[test]
fn every_part_says_which_keys_it_has_and_refuses_all_others_by_name() {
    let of = |experiment: &Experiment| BTreeSet::from_iter(experiment.keys());
    let (mixture, xor, deep) = (of(&experiment()), of(&xor()), of(&deep()));
    assert_eq!(deep, BTreeSet::from(KEYS));
    assert_eq!(&(&deep - &mixture) - &xor, BTreeSet::from(["depth", "nuisance"]));
    assert_eq!(&mixture - &xor, BTreeSet::from(["k"]));
    assert_eq!(&xor - &mixture, BTreeSet::from(["width"]));
    // A part is asked for any key: what is not its own it does not take for another.
    for key in KEYS {
        let given = Given { experiment: "gmm", key, value: "3" };
        let mut data = experiment().problem.data;
        assert_eq!(data.set(key, &given).is_ok(), data.keys().contains(&key), "{key} of the law");
        for mut network in [Network::softmax(), Network::two_layer(2), Network::mlp(vec![2], Head::Softmax)] {
            assert_eq!(
                network.set(key, &given).is_ok(),
                network.keys().contains(&key),
                "{key} of the network"
            );
        }
        let mut training = Training::new(0.1, 1.0, 2.0);
        assert_eq!(training.set(key, &given).is_ok(), Training::KEYS.contains(&key), "{key} of training");
    }
    // What an experiment says whose law has no λ.
    let given = Given { experiment: "mlp-mnist", key: "lambda", value: "3" };
    refused::<()>(
        Err(given.not_of(&["d", "beta"])),
        &["mlp-mnist.lambda = 3", "lambda is no parameter of this experiment; set d, beta"],
    );
}

#[test]
fn values_that_are_no_numbers_are_refused_with_name_and_value() {
    for key in ["lambda", "beta", "c", "phi", "horizon"] {
        for value in
            ["NaN", "nan", "-nan", "inf", "-inf", "infinity", "1e999", "", "x", "1,5", "0x10", "1 2", "١"]
        {
            refused(experiment().set(key, value), &[&format!("gmm.{key}"), value]);
        }
    }
    for key in ["d", "k", "replicates", "checkpoints"] {
        for value in ["0", "-1", "1.5", "NaN", "", "x", "1e3", "99999999999999999999999", "1000000001"] {
            refused(experiment().set(key, value), &[&format!("gmm.{key}"), value]);
        }
    }
    for value in ["0", "-1", "1.5", "NaN", "", "x", "10001"] {
        refused(xor().set("width", value), &["xor.width", value]);
    }
    refused(experiment().set("lamda", "1"), &["lamda", "did you mean `lambda`"]);
    refused(experiment().set("gamma_ray", "1"), &["gamma_ray", "known"]);
    refused(experiment().set("", "1"), &[]);
    let mut skew = experiment();
    skew.problem.data = probabilities(&[0.5, 0.3, 0.2]);
    refused(skew.set("k", "4"), &["gmm.k", "4"]);
}

#[test]
fn parameters_outside_their_range_are_refused_with_name_and_value() {
    type Change = fn(&mut Experiment);
    let cases: &[(Change, &[&str])] = &[
        (|e| e.problem.data.set_d(0), &["gmm.d = 0"]),
        (|e| e.problem.data.set_lambda(0.0), &["gmm.lambda = 0"]),
        (|e| e.problem.data.set_lambda(-1.0), &["gmm.lambda = -1"]),
        (|e| e.problem.data.set_lambda(f64::NAN), &["gmm.lambda = NaN"]),
        (|e| e.problem.data.set_lambda(f64::INFINITY), &["gmm.lambda = inf"]),
        (|e| e.problem.training.beta = -0.1, &["gmm.beta = -0.1"]),
        (|e| e.problem.training.beta = f64::NAN, &["gmm.beta = NaN"]),
        (|e| e.problem.training.c = 0.0, &["gmm.c = 0"]),
        (|e| e.problem.training.c = f64::NAN, &["gmm.c = NaN"]),
        (|e| e.problem.training.phi = 0.0, &["gmm.phi = 0"]),
        (|e| e.problem.training.phi = f64::NAN, &["gmm.phi = NaN"]),
        (|e| e.problem.training.phi = 1e-3, &["gmm.phi = 0.001", "sample"]),
        (|e| e.problem.training.phi = 1e9, &["gmm.phi = 1000000000", "GiB"]),
        (|e| e.problem.data.set_d(1_000_000), &["GiB"]),
        (|e| e.horizon = 0.0, &["gmm.horizon = 0"]),
        (|e| e.horizon = -5.0, &["gmm.horizon = -5"]),
        (|e| e.horizon = f64::NAN, &["gmm.horizon = NaN"]),
        (|e| e.horizon = 1e-5, &["gmm.horizon = 0.00001", "steps"]),
        (|e| e.horizon = 1e12, &["gmm.horizon = 1000000000000", "steps"]),
        (|e| e.replicates = 0, &["gmm.replicates = 0"]),
        (|e| e.checkpoints = 4, &["gmm.checkpoints = 4", "5"]),
        (|e| e.checkpoints = 0, &["gmm.checkpoints = 0"]),
        (|e| e.checkpoints = 10_001, &["gmm.checkpoints = 10001"]),
        (|e| e.horizon = 0.03, &["gmm.checkpoints = 9", "3 steps"]),
        (|e| e.problem.data = DataLaw::mixture(100, 10.0, 101), &["gmm.k = 101", "100"]),
        (|e| e.problem.data = DataLaw::mixture(100, 10.0, 1), &["gmm.k = 1"]),
        (|e| e.problem.data = DataLaw::mixture(100, 10.0, 0), &["gmm.k = 0"]),
        (|e| e.problem.data = probabilities(&[0.5, 0.4]), &["gmm.probabilities = 0.9", "sum to 1"]),
        (|e| e.problem.data = probabilities(&[1.5, -0.5]), &["gmm.probabilities = -0.5"]),
        (|e| e.problem.data = probabilities(&[1.0, 0.0]), &["gmm.probabilities = 0"]),
        (|e| e.problem.data = probabilities(&[f64::NAN, 1.0]), &["gmm.probabilities = NaN"]),
        (|e| e.problem.data = gram(&[&[1.0, 2.0], &[2.0, 1.0]]), &["gmm.means", "positive definite"]),
        (|e| e.problem.data = gram(&[&[1.0, 1.0], &[1.0, 1.0]]), &["gmm.means", "positive definite"]),
        (|e| e.problem.data = gram(&[&[1.0, 0.5], &[0.4, 1.0]]), &["gmm.means", "symmetric"]),
        (|e| e.problem.data = gram(&[&[1.0, 0.5], &[0.5, 2.0]]), &["gmm.means[1][1] = 2"]),
        (|e| e.problem.data = gram(&[&[1.0, f64::NAN], &[f64::NAN, 1.0]]), &["gmm.means[0][1] = NaN"]),
        (|e| e.problem.data = gram(&[&[1.0, 0.5]]), &["gmm.means", "2 × 2"]),
        (|e| e.problem.data = gram(&[&[1.0], &[0.5, 1.0]]), &["gmm.means", "2 × 2"]),
    ];
    for (change, words) in cases {
        let mut bad = experiment();
        change(&mut bad);
        refused(bad.validate(), words);
    }
    experiment().validate().unwrap();
    let mut edge = experiment();
    edge.problem.data = DataLaw::mixture(100, 10.0, 100);
    edge.problem.training.beta = 0.0;
    edge.validate().unwrap();
}

#[test]
fn parameters_of_task_b_outside_their_range_are_refused_with_name_and_value() {
    type Change = fn(&mut Experiment);
    let cases: &[(Change, &[&str])] = &[
        (|e| e.problem.network = Network::two_layer(0), &["xor.width = 0"]),
        (|e| e.problem.data.set_d(1), &["xor.d = 1:", "orthogonal"]),
        (|e| e.problem.training.beta = -0.1, &["xor.beta = -0.1"]),
        (|e| e.problem.data = means(&[], &[0.0, 1.0]), &["xor.mu = []", "zero"]),
        (|e| e.problem.data = means(&[0.0, 0.0], &[0.0, 1.0]), &["xor.mu = [0.0, 0.0]", "zero"]),
        (|e| e.problem.data = means(&[1.0], &[0.0]), &["xor.nu = [0.0]", "zero"]),
        (|e| e.problem.data = means(&[2.0], &[0.0, 1.0]), &["xor.mu = [2.0]", "length 1"]),
        (|e| e.problem.data = means(&[1.0], &[0.0, 0.999]), &["xor.nu = [0.0, 0.999]", "length 1"]),
        (|e| e.problem.data = means(&[f64::NAN], &[0.0, 1.0]), &["xor.mu = [NaN]"]),
        (|e| e.problem.data = means(&[1.0], &[f64::INFINITY, 1.0]), &["xor.nu = [inf, 1.0]"]),
        (|e| e.problem.data = means(&[1.0], &[0.6, 0.8]), &["xor.mu·nu = 0.6", "orthogonal"]),
        (|e| e.problem.data = means(&[1.0], &[-1.0]), &["xor.mu·nu = -1", "orthogonal"]),
        (
            |e| {
                e.problem.data = means(&[1.0, 0.0, 0.0], &[0.0, 1.0]);
                e.problem.data.set_d(2);
            },
            &["xor.mu = [1.0, 0.0, 0.0]", "d = 2"],
        ),
        (
            |e| {
                e.problem.training.phi = 1000.0;
                e.problem.network = Network::two_layer(20_000);
            },
            &["xor.width = 20000", "GiB"],
        ),
        (
            |e| {
                e.problem.network = Network::two_layer(10_000);
                e.checkpoints = 1000;
            },
            &["xor.checkpoints = 1000", "width · d"],
        ),
    ];
    for (change, words) in cases {
        let mut bad = xor();
        change(&mut bad);
        refused(bad.validate(), words);
    }
    xor().validate().unwrap();
    let mut edge = xor();
    edge.problem.data.set_d(2);
    edge.problem.data = DataLaw::turned_xor(2, 10.0, vec![0.6, 0.8], vec![-0.8, 0.6]);
    edge.problem.network = Network::two_layer(1);
    edge.validate().unwrap();
}

fn means(mu: &[f64], nu: &[f64]) -> DataLaw {
    DataLaw::turned_xor(100, 10.0, mu.to_vec(), nu.to_vec())
}

fn probabilities(probabilities: &[f64]) -> DataLaw {
    DataLaw::unequal_mixture(100, 10.0, probabilities.to_vec(), Means::Orthonormal)
}

fn gram(rows: &[&[f64]]) -> DataLaw {
    let means = Means::Gram(rows.iter().map(|row| row.to_vec()).collect());
    DataLaw::unequal_mixture(100, 10.0, vec![0.5, 0.5], means)
}

#[test]
fn a_cholesky_factor_reproduces_its_matrix() {
    let hilbert: Vec<Vec<f64>> =
        (0..6).map(|i| (0..6).map(|j| 1.0 / f64::from(i + j + 1)).collect()).collect();
    let factor = cholesky(&hilbert).unwrap();
    for i in 0..6 {
        for j in 0..6 {
            let product: f64 = (0..6).map(|k| factor[i][k] * factor[j][k]).sum();
            assert!((product - hilbert[i][j]).abs() < 1e-15);
            assert!(j <= i || factor[i][j] == 0.0, "lower triangular");
        }
    }
    assert!(cholesky(&[vec![1.0, 1.0], vec![1.0, 1.0]]).is_none());
}

#[test]
fn checkpoints_are_chosen_by_their_place() {
    for count in [1, 2, 5, 13, 25, 100] {
        assert_eq!(Checkpoints::All.indices(count), (0..count).collect::<Vec<_>>());
        assert_eq!(Checkpoints::First.indices(count), [0]);
        assert_eq!(Checkpoints::Last.indices(count), [count - 1]);
        for chosen in
            [Checkpoints::Three, Checkpoints::Spread(2), Checkpoints::Spread(7), Checkpoints::Spread(1000)]
        {
            let indices = chosen.indices(count);
            assert!(indices.is_sorted_by(|a, b| a < b), "{chosen:?} of {count}: {indices:?}");
            assert_eq!((indices[0], *indices.last().unwrap()), (0, count - 1), "{chosen:?} of {count}");
        }
    }
    assert_eq!(Checkpoints::Three.indices(25), [0, 12, 24]);
    assert_eq!(Checkpoints::Spread(7).indices(25), [0, 4, 8, 12, 16, 20, 24]);
}

#[test]
fn a_question_asked_twice_is_answered_once() {
    let block = Block::diagonal(spectral_alignment::problem::network::Layer::X, 0);
    let request = Request::new(experiment())
        .every_replicate(Checkpoints::Last, block, Question::Top(3))
        .every_replicate(Checkpoints::Three, block, Question::Top(3))
        .first_replicate(Checkpoints::All, block, Question::Values);
    let queries = request.queries(1);
    assert_eq!(queries.iter().map(|query| query.checkpoint).collect::<Vec<_>>(), [0, 4, 8]);
    assert!(
        queries.iter().all(|query| query.question == Question::Top(3) && query.sample == SampleKind::Test)
    );
    assert_eq!(request.queries(0).len(), 3 + 9);
}
