use spectral_alignment::error::Error;
use spectral_alignment::problem::experiment::{Experiment, KEYS, Simulator, Spacing};
use spectral_alignment::problem::{Means, Model, Start, TaskKind, cholesky};
use spectral_alignment::simulation::task::{Block, Layer};
use spectral_alignment::spectrum::query::{Question, SampleKind};
use spectral_alignment::stage::request::{Checkpoints, Request};

fn experiment() -> Experiment {
    Experiment {
        name: "gmm".to_owned(),
        model: Model {
            task: TaskKind::mixture(3),
            d: 100,
            lambda: 10.0,
            beta: 0.05,
            c: 1.0,
            phi: 5.0,
            start: Start::default(),
        },
        horizon: 20.0,
        checkpoints: 9,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
    }
}

fn xor() -> Experiment {
    let model = Model { task: TaskKind::xor(4), ..experiment().model };
    Experiment { name: "xor".to_owned(), model, ..experiment() }
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
                        let model = Model { d, c, ..experiment().model };
                        let experiment = Experiment { model, horizon, checkpoints, spacing, ..experiment() };
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
        experiment.model.d = d;
        experiment.model.c = c;
        assert_eq!(experiment.schedule().last(), Some(&steps));
    }
}

#[test]
fn every_set_key_changes_its_field_and_nothing_else() {
    type Change = fn(&mut Experiment);
    let cases: [(&str, &str, Change); 9] = [
        ("d", "64", |e| e.model.d = 64),
        ("k", "7", |e| e.model.task = TaskKind::mixture(7)),
        ("lambda", "2.5e1", |e| e.model.lambda = 25.0),
        ("beta", "0", |e| e.model.beta = 0.0),
        ("c", " 0.5 ", |e| e.model.c = 0.5),
        ("phi", "3", |e| e.model.phi = 3.0),
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
    expected.model.task = TaskKind::xor(8);
    assert_eq!(found, expected);
    refused(experiment().set("width", "8"), &["gmm.width = 8", "set k"]);
    refused(xor().set("k", "4"), &["xor.k = 4", "set width"]);
    assert_eq!(KEYS.len(), cases.len() + 1);
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
    skew.model.task = TaskKind::Mixture { probabilities: vec![0.5, 0.3, 0.2], means: Means::Orthonormal };
    refused(skew.set("k", "4"), &["gmm.k", "4"]);
}

#[test]
fn parameters_outside_their_range_are_refused_with_name_and_value() {
    type Change = fn(&mut Experiment);
    let cases: &[(Change, &[&str])] = &[
        (|e| e.model.d = 0, &["gmm.d = 0"]),
        (|e| e.model.lambda = 0.0, &["gmm.lambda = 0"]),
        (|e| e.model.lambda = -1.0, &["gmm.lambda = -1"]),
        (|e| e.model.lambda = f64::NAN, &["gmm.lambda = NaN"]),
        (|e| e.model.lambda = f64::INFINITY, &["gmm.lambda = inf"]),
        (|e| e.model.beta = -0.1, &["gmm.beta = -0.1"]),
        (|e| e.model.beta = f64::NAN, &["gmm.beta = NaN"]),
        (|e| e.model.c = 0.0, &["gmm.c = 0"]),
        (|e| e.model.c = f64::NAN, &["gmm.c = NaN"]),
        (|e| e.model.phi = 0.0, &["gmm.phi = 0"]),
        (|e| e.model.phi = f64::NAN, &["gmm.phi = NaN"]),
        (|e| e.model.phi = 1e-3, &["gmm.phi = 0.001", "sample"]),
        (|e| e.model.phi = 1e9, &["gmm.phi = 1000000000", "GiB"]),
        (|e| e.model.d = 1_000_000, &["GiB"]),
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
        (|e| e.model.task = TaskKind::mixture(101), &["gmm.k = 101", "100"]),
        (|e| e.model.task = TaskKind::mixture(1), &["gmm.k = 1"]),
        (|e| e.model.task = TaskKind::mixture(0), &["gmm.k = 0"]),
        (|e| e.model.task = probabilities(&[0.5, 0.4]), &["gmm.probabilities = 0.9", "sum to 1"]),
        (|e| e.model.task = probabilities(&[1.5, -0.5]), &["gmm.probabilities = -0.5"]),
        (|e| e.model.task = probabilities(&[1.0, 0.0]), &["gmm.probabilities = 0"]),
        (|e| e.model.task = probabilities(&[f64::NAN, 1.0]), &["gmm.probabilities = NaN"]),
        (|e| e.model.task = gram(&[&[1.0, 2.0], &[2.0, 1.0]]), &["gmm.means", "positive definite"]),
        (|e| e.model.task = gram(&[&[1.0, 1.0], &[1.0, 1.0]]), &["gmm.means", "positive definite"]),
        (|e| e.model.task = gram(&[&[1.0, 0.5], &[0.4, 1.0]]), &["gmm.means", "symmetric"]),
        (|e| e.model.task = gram(&[&[1.0, 0.5], &[0.5, 2.0]]), &["gmm.means[1][1] = 2"]),
        (|e| e.model.task = gram(&[&[1.0, f64::NAN], &[f64::NAN, 1.0]]), &["gmm.means[0][1] = NaN"]),
        (|e| e.model.task = gram(&[&[1.0, 0.5]]), &["gmm.means", "2 × 2"]),
        (|e| e.model.task = gram(&[&[1.0], &[0.5, 1.0]]), &["gmm.means", "2 × 2"]),
    ];
    for (change, words) in cases {
        let mut bad = experiment();
        change(&mut bad);
        refused(bad.validate(), words);
    }
    experiment().validate().unwrap();
    let mut edge = experiment();
    edge.model.task = TaskKind::mixture(100);
    edge.model.beta = 0.0;
    edge.validate().unwrap();
}

#[test]
fn parameters_of_task_b_outside_their_range_are_refused_with_name_and_value() {
    type Change = fn(&mut Experiment);
    let cases: &[(Change, &[&str])] = &[
        (|e| e.model.task = TaskKind::xor(0), &["xor.width = 0"]),
        (|e| e.model.d = 1, &["xor.d = 1:", "orthogonal"]),
        (|e| e.model.beta = -0.1, &["xor.beta = -0.1"]),
        (|e| e.model.task = means(&[], &[0.0, 1.0]), &["xor.mu = []", "zero"]),
        (|e| e.model.task = means(&[0.0, 0.0], &[0.0, 1.0]), &["xor.mu = [0.0, 0.0]", "zero"]),
        (|e| e.model.task = means(&[1.0], &[0.0]), &["xor.nu = [0.0]", "zero"]),
        (|e| e.model.task = means(&[2.0], &[0.0, 1.0]), &["xor.mu = [2.0]", "length 1"]),
        (|e| e.model.task = means(&[1.0], &[0.0, 0.999]), &["xor.nu = [0.0, 0.999]", "length 1"]),
        (|e| e.model.task = means(&[f64::NAN], &[0.0, 1.0]), &["xor.mu = [NaN]"]),
        (|e| e.model.task = means(&[1.0], &[f64::INFINITY, 1.0]), &["xor.nu = [inf, 1.0]"]),
        (|e| e.model.task = means(&[1.0], &[0.6, 0.8]), &["xor.mu·nu = 0.6", "orthogonal"]),
        (|e| e.model.task = means(&[1.0], &[-1.0]), &["xor.mu·nu = -1", "orthogonal"]),
        (
            |e| {
                e.model.d = 2;
                e.model.task = means(&[1.0, 0.0, 0.0], &[0.0, 1.0]);
            },
            &["xor.mu = [1.0, 0.0, 0.0]", "d = 2"],
        ),
        (
            |e| {
                e.model.phi = 1000.0;
                e.model.task = TaskKind::xor(20_000);
            },
            &["xor.width = 20000", "GiB"],
        ),
        (
            |e| {
                e.model.task = TaskKind::xor(10_000);
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
    edge.model.d = 2;
    edge.model.task = TaskKind::Xor { width: 1, mu: vec![0.6, 0.8], nu: vec![-0.8, 0.6] };
    edge.validate().unwrap();
}

fn means(mu: &[f64], nu: &[f64]) -> TaskKind {
    TaskKind::Xor { width: 4, mu: mu.to_vec(), nu: nu.to_vec() }
}

fn probabilities(probabilities: &[f64]) -> TaskKind {
    TaskKind::Mixture { probabilities: probabilities.to_vec(), means: Means::Orthonormal }
}

fn gram(rows: &[&[f64]]) -> TaskKind {
    TaskKind::Mixture {
        probabilities: vec![0.5, 0.5],
        means: Means::Gram(rows.iter().map(|row| row.to_vec()).collect()),
    }
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
    let block = Block::diagonal(Layer::X, 0);
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
