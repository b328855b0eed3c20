use crate::problems::{Flat, Kind};
use crate::support::{quick, quick_settings, tables};
use ndarray::Array2;
use spectral_alignment::digest::diff;
use spectral_alignment::pipeline::code::Code;
use spectral_alignment::pipeline::context::RunContext;
use spectral_alignment::pipeline::keys::{
    Groups, answer_bytes, decode, query_id, trajectory_bytes, trajectory_id,
};
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::network::Layer;
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::observe::observe;
use spectral_alignment::simulation::task::{self, Block, Task};
use spectral_alignment::simulation::trajectory::{Observed, Trajectory};
use spectral_alignment::spectrum::answer::{Point, QueryResult};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::query::{Query, Question, SampleKind};
use spectral_alignment::stage::{Override, Stage};
use spectral_alignment::stages::STAGES;
use std::collections::BTreeSet;

fn flat(task: Kind) -> Flat {
    Flat { task, d: 12, lambda: 10.0, beta: 0.05, c: 1.0, phi: 0.5, start: Start::default() }
}

fn experiment() -> Experiment {
    Experiment {
        name: "gmm-units".to_owned(),
        problem: flat(Kind::mixture(3)).problem(),
        horizon: 20.0,
        checkpoints: 6,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// The same for task B, whose layers have rows of different length.
fn xor() -> Experiment {
    Experiment { name: "xor-units".to_owned(), problem: flat(Kind::xor(3)).problem(), ..experiment() }
}

fn seed() -> Seed {
    Seed { root: 1, experiment: "gmm-units".to_owned(), replicate: 2 }
}

fn test_sample(task: &dyn Task) -> Sample {
    Sample::first(task.law(), &seed(), Purpose::Test, task.problem().sample_size())
}

fn same(one: &Trajectory<Observed>, other: &Trajectory<Observed>) {
    assert_eq!((one.diverged, one.checkpoints.len()), (other.diverged, other.checkpoints.len()));
    for (a, b) in one.checkpoints.iter().zip(&other.checkpoints) {
        assert_eq!(
            (a.step, a.time.to_bits(), a.loss.to_bits(), a.accuracy.to_bits()),
            (b.step, b.time.to_bits(), b.loss.to_bits(), b.accuracy.to_bits())
        );
        assert_eq!(a.cluster_accuracy, b.cluster_accuracy);
        let bits = |layer: &Array2<f64>| layer.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(a.parameters.len(), b.parameters.len());
        for (layer, other) in a.parameters.iter().zip(&b.parameters) {
            assert_eq!((layer.dim(), bits(layer)), (other.dim(), bits(other)));
        }
    }
}

#[test]
fn a_trajectory_survives_its_bytes() {
    // Six test samples of three clusters: some cluster may be without a sample, and its accuracy null.
    let diverging = |mut experiment: Experiment| {
        experiment.problem.training.beta = 40.0 * 12.0;
        experiment.horizon = 200.0;
        experiment
    };
    for (experiment, diverges) in
        [(experiment(), false), (diverging(experiment()), true), (xor(), false), (diverging(xor()), true)]
    {
        let task = task::build(&experiment.problem);
        let trajectory = observe(&experiment, &*task, &seed(), &test_sample(&*task), &|_| {});
        assert_eq!(trajectory.diverged.is_some(), diverges);
        let bytes = trajectory_bytes(&trajectory).unwrap();
        same(&decode("trajectory", &bytes).unwrap(), &trajectory);
        let values: usize =
            trajectory.checkpoints.iter().flat_map(|at| &at.parameters).map(Array2::len).sum();
        assert!(
            bytes.len() < 8 * values + 120 * trajectory.checkpoints.len() + 20,
            "no more than its numbers"
        );
        for length in 0..bytes.len() {
            assert!(decode::<Trajectory<Observed>>("trajectory", &bytes[..length]).is_err());
        }
        let mut broken = trajectory.clone();
        broken.checkpoints[0].parameters[0][[0, 0]] = f64::NAN;
        assert!(trajectory_bytes(&broken).unwrap_err().to_string().contains("not finite"));
    }
}

#[test]
fn every_result_of_a_query_survives_its_bytes() {
    use_one_thread();
    for (experiment, layer) in [(experiment(), Layer::X), (xor(), Layer::W)] {
        let apart = Block { layer, row: 0, col: 2 };
        survive(&experiment, &[Block::diagonal(layer, 1), apart]);
    }
    survive(&xor(), &[Block::diagonal(Layer::V, 0)]);
}

fn survive(experiment: &Experiment, blocks: &[Block]) {
    let task = task::build(&experiment.problem);
    let parameters = task.initial(&seed());
    let sample = test_sample(&*task);
    let point = Point::new(&*task, &parameters, &sample);
    for &block in blocks {
        let matrices = point.matrices(block).unwrap();
        for question in [Question::Top(4), Question::Outliers(3), Question::Values, Question::Norms] {
            let query = Query { checkpoint: 0, sample: SampleKind::Test, block, question };
            let answer: QueryResult = point.answer(query, &matrices).unwrap();
            let again: QueryResult = decode("result", &answer_bytes(&answer).unwrap()).unwrap();
            assert_eq!(again, answer, "{question:?}");
        }
    }
    let nan = QueryResult::Values([vec![f64::INFINITY], vec![]]);
    assert!(answer_bytes(&nan).unwrap_err().to_string().contains("not finite"));
}

#[test]
fn name_seed_parameters_and_question_change_the_key() {
    type Change = fn(&mut Experiment, &mut Seed);
    let code = Code::embedded().unwrap();
    let query = Query {
        checkpoint: 1,
        sample: SampleKind::Test,
        block: Block::diagonal(Layer::X, 0),
        question: Question::Top(3),
    };
    let changes: &[(&str, Change)] = &[
        ("nothing", |_, _| {}),
        ("lambda", |e, _| e.problem.data.set_lambda(10.000_000_000_000_002)),
        ("name", |e, s| {
            e.name.push('x');
            s.experiment.push('x');
        }),
        ("seed", |_, s| s.root = 2),
        ("replicate", |_, s| s.replicate = 3),
    ];
    let mut keys = BTreeSet::new();
    for (what, change) in changes {
        let (mut experiment, mut seed) = (experiment(), seed());
        change(&mut experiment, &mut seed);
        let groups = Groups::of(&code, &experiment, seed.root).unwrap();
        let id = trajectory_id(seed.replicate);
        assert!(
            keys.insert((groups.trajectories.key().clone(), id)),
            "{what} does not change the trajectory's key"
        );
        let id = query_id(seed.replicate, query, "values");
        assert!(keys.insert((groups.spectra.key().clone(), id)), "{what} does not change the result's key");
    }
    let spectra = Groups::of(&code, &experiment(), seed().root).unwrap().spectra.key().clone();
    for other in [
        Query { checkpoint: 2, ..query },
        Query { sample: SampleKind::Train, ..query },
        Query { block: Block { layer: Layer::V, ..query.block }, ..query },
        Query { block: Block { row: 1, ..query.block }, ..query },
        Query { block: Block { col: 1, ..query.block }, ..query },
        Query { question: Question::Top(4), ..query },
        Query { question: Question::Outliers(3), ..query },
        Query { question: Question::Values, ..query },
        Query { question: Question::Norms, ..query },
    ] {
        assert!(keys.insert((spectra.clone(), query_id(seed().replicate, other, "values"))), "{other:?}");
    }
    assert!(keys.insert((spectra, query_id(seed().replicate, query, "other values"))));
    // The number of replicates is not a property of any of them.
    let more = Experiment { replicates: 99, ..experiment() };
    let key = |experiment: &Experiment| Groups::of(&code, experiment, 1).unwrap().trajectories.key().clone();
    assert_eq!(key(&more), key(&experiment()));
}

#[test]
fn a_new_title_or_another_stage_keys_nothing_anew() {
    let (place, settings) = (quick(), quick_settings());
    let store = place.store();
    let context = RunContext::new(&store, &settings).unwrap();
    for stage in STAGES {
        let plan = StagePlan::new(stage, &settings).unwrap();
        let inputs = context.inputs(&plan).unwrap();
        assert!(inputs.missing.is_empty());
        let retitled: &'static Stage = Box::leak(Box::new(Stage { title: "another title", ..**stage }));
        let other = StagePlan::new(retitled, &settings).unwrap();
        assert_eq!(context.tables(&other, &inputs).unwrap(), context.tables(&plan, &inputs).unwrap());
        assert_eq!(other.recipe(&settings).unwrap(), plan.recipe(&settings).unwrap());
        // Under another name the stage finds all its simulations again.
        let renamed: &'static Stage = Box::leak(Box::new(Stage { name: "another-name", ..**stage }));
        let other = StagePlan::new(renamed, &settings).unwrap();
        assert!(context.inputs(&other).unwrap().missing.is_empty());
        let changed =
            diff(&context.tables(&plan, &inputs).unwrap(), &context.tables(&other, &inputs).unwrap());
        assert_eq!(changed.iter().map(|change| change.0.as_str()).collect::<Vec<_>>(), ["stage"]);
    }
}

#[test]
fn a_changed_experiment_keys_only_the_stages_that_use_it() {
    let plain = quick_settings();
    let change =
        Override { experiment: "gmm-k10".to_owned(), key: "lambda".to_owned(), value: "50".to_owned() };
    let mut changed = quick_settings();
    changed.overrides = vec![change];
    for stage in STAGES {
        let recipe = |settings| StagePlan::new(stage, settings).unwrap().recipe(settings).unwrap();
        let uses = StagePlan::new(stage, &plain).unwrap().experiments().contains_key("gmm-k10");
        assert_eq!(recipe(&plain) != recipe(&changed), uses, "{}", stage.name);
    }
}

#[test]
fn nothing_is_simulated_twice() {
    let store = quick().store();
    let mut wanted = BTreeSet::new();
    for stage in STAGES {
        let (plan, _) = tables(&store, &quick_settings(), stage.name);
        for request in &plan.requests {
            wanted.extend(
                (0..request.experiment.replicates)
                    .map(|replicate| (request.experiment.name.clone(), replicate)),
            );
        }
    }
    let groups = store.groups().unwrap();
    let trajectories = groups.iter().filter(|group| group.ingredients().kind() == "trajectories");
    let count: usize = trajectories.map(|group| store.records(group).unwrap().iter().count()).sum();
    assert_eq!(count, wanted.len());
}
