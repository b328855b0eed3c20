use crate::problems::{Flat, Kind};
use crate::support::{quick, quick_settings, tables};
use ndarray::Array2;
use spectral_alignment::digest::diff;
use spectral_alignment::pipeline::plan::{RunContext, StagePlan};
use spectral_alignment::pipeline::units::{
    Code, answer_from, answer_key, answer_table, trajectory_from, trajectory_key, trajectory_tables,
};
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::training::Start;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::data::Sample;
use spectral_alignment::simulation::observe::observe;
use spectral_alignment::simulation::task::{self, Block, Task};
use spectral_alignment::simulation::trajectory::{Observed, Trajectory};
use spectral_alignment::spectrum::answer::{Answer, Point};
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::query::{Query, Question, SampleKind};
use spectral_alignment::stage::{Override, Stage};
use spectral_alignment::stages::STAGES;
use spectral_alignment::table::{Table, TableBuilder};
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

fn again(table: &Table) -> Table {
    Table::from_parquet_bytes(table.name(), &table.to_parquet_bytes(&[]).unwrap()).unwrap()
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
fn a_trajectory_survives_its_tables() {
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
        let tables: Vec<Table> = trajectory_tables(&trajectory, &*task).unwrap().iter().map(again).collect();
        same(&trajectory_from([&tables[0], &tables[1]], &*task).unwrap(), &trajectory);
    }
}

#[test]
fn tables_of_another_shape_are_no_trajectory() {
    for experiment in [experiment(), xor()] {
        refuses_other_shapes(&experiment);
    }
}

fn refuses_other_shapes(experiment: &Experiment) {
    let task = task::build(&experiment.problem);
    let tables =
        trajectory_tables(&observe(experiment, &*task, &seed(), &test_sample(&*task), &|_| {}), &*task)
            .unwrap();
    let mut wider = experiment.problem.clone();
    wider.data.set_d(13);
    let wider = task::build(&wider);
    let other = |kind: Kind| task::build(&flat(kind).problem());
    assert!(trajectory_from([&tables[0], &tables[1]], &*wider).is_err());
    for kind in [Kind::mixture(4), Kind::xor(2), Kind::xor(4), Kind::xor(6)] {
        assert!(trajectory_from([&tables[0], &tables[1]], &*other(kind)).is_err());
    }
    assert!(trajectory_from([&tables[1], &tables[0]], &*task).is_err());
    let empty = TableBuilder::new("trajectory").u32("checkpoint", vec![]).build().unwrap();
    assert!(trajectory_from([&empty, &tables[1]], &*task).is_err());
}

#[test]
fn every_answer_survives_its_table() {
    use_one_thread();
    for (experiment, layer) in [(experiment(), 0), (xor(), 0)] {
        let apart = Block { layer, row: 0, col: 2 };
        survive(&experiment, &[Block::diagonal(layer, 1), apart]);
    }
    survive(&xor(), &[Block::diagonal(1, 0)]);
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
            let answer: Answer = point.answer(query, &matrices).unwrap();
            assert_eq!(
                answer_from(&again(&answer_table(&answer).unwrap()), question).unwrap(),
                answer,
                "{question:?}"
            );
        }
    }
}

#[test]
fn name_seed_parameters_and_question_change_the_key() {
    type Change = fn(&mut Experiment, &mut Seed);
    let code = Code::embedded().unwrap();
    let query = Query {
        checkpoint: 1,
        sample: SampleKind::Test,
        block: Block::diagonal(0, 0),
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
        assert!(
            keys.insert(trajectory_key(&code, &experiment, &seed).unwrap().digest()),
            "{what} does not change the trajectory's key"
        );
        assert!(
            keys.insert(answer_key(&code, &experiment, &seed, query, "values").unwrap().digest()),
            "{what} does not change the answer's key"
        );
    }
    for other in [
        Query { checkpoint: 2, ..query },
        Query { sample: SampleKind::Train, ..query },
        Query { block: Block { layer: 1, ..query.block }, ..query },
        Query { block: Block { row: 1, ..query.block }, ..query },
        Query { block: Block { col: 1, ..query.block }, ..query },
        Query { question: Question::Top(4), ..query },
        Query { question: Question::Outliers(3), ..query },
        Query { question: Question::Values, ..query },
        Query { question: Question::Norms, ..query },
    ] {
        assert!(
            keys.insert(answer_key(&code, &experiment(), &seed(), other, "values").unwrap().digest()),
            "{other:?}"
        );
    }
    assert!(keys.insert(answer_key(&code, &experiment(), &seed(), query, "other values").unwrap().digest()));
    // The number of replicates is not a property of any of them.
    let more = Experiment { replicates: 99, ..experiment() };
    let key = |experiment: &Experiment| trajectory_key(&code, experiment, &seed()).unwrap();
    assert_eq!(key(&more), key(&experiment()));
}

#[test]
fn a_new_title_or_another_stage_keys_nothing_anew() {
    let (place, settings) = (quick(), quick_settings());
    let store = place.store();
    let context = RunContext::new(&store, &settings).unwrap();
    for stage in STAGES {
        let plan = StagePlan::new(stage, &settings).unwrap();
        let upstream = context.upstream(&plan).unwrap();
        assert!(upstream.missing.is_empty());
        let retitled: &'static Stage = Box::leak(Box::new(Stage { title: "another title", ..**stage }));
        let other = StagePlan::new(retitled, &settings).unwrap();
        assert_eq!(context.tables(&other, &upstream).unwrap(), context.tables(&plan, &upstream).unwrap());
        assert_eq!(other.recipe(&settings).unwrap(), plan.recipe(&settings).unwrap());
        // Under another name the stage finds all its simulations again.
        let renamed: &'static Stage = Box::leak(Box::new(Stage { name: "another-name", ..**stage }));
        let other = StagePlan::new(renamed, &settings).unwrap();
        assert!(context.upstream(&other).unwrap().missing.is_empty());
        let changed =
            diff(&context.tables(&plan, &upstream).unwrap(), &context.tables(&other, &upstream).unwrap());
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
    assert_eq!(store.units("trajectory").unwrap().len(), wanted.len());
}
