use crate::problems::{Flat, Kind};
use serde::Serialize;
use spectral_alignment::digest::{KeyBuilder, Value};
use spectral_alignment::pipeline::closure::SOURCES;
use spectral_alignment::pipeline::code::{other_parts, parameters};
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::{self, DataLaw, Means, Nuisance};
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::network::Layer;
use spectral_alignment::problem::network::{self, Head, Network};
use spectral_alignment::problem::training::{Start, Training};
use spectral_alignment::simulation::task::Block;
use spectral_alignment::spectrum::query::{Query, Question, SampleKind};
use std::collections::{BTreeMap, BTreeSet};

fn experiment(task: Kind) -> Experiment {
    let flat = Flat { task, d: 12, lambda: 10.0, beta: 0.05, c: 1.0, phi: 0.5, start: Start::default() };
    Experiment {
        name: "gmm-parameters".to_owned(),
        problem: flat.problem(),
        horizon: 20.0,
        checkpoints: 6,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

fn digest(value: Value) -> String {
    KeyBuilder::new("k").with("value", value).finish().digest().to_string()
}

/// Every field under its name, so that a new field does not compile until it has a case below.
fn fields(experiment: &Experiment) -> BTreeSet<&'static str> {
    let Experiment {
        name: _,
        problem,
        horizon: _,
        checkpoints: _,
        spacing: _,
        replicates: _,
        simulator: _,
        member: _,
    } = experiment;
    let Problem { data, network, training } = problem;
    let Training { beta: _, c: _, phi: _, start } = training;
    let Start { along: _, second: _ } = start;
    let mut names = BTreeSet::from([
        "horizon",
        "checkpoints",
        "spacing",
        "simulator",
        "law",
        "network",
        "beta",
        "c",
        "phi",
        "along",
        "second",
    ]);
    names.extend(match data {
        DataLaw::Mixture { d: _, lambda: _, probabilities: _, means: _, nuisance: _ } => {
            ["d", "lambda", "probabilities", "means"]
        }
        DataLaw::Xor { d: _, lambda: _, mu: _, nu: _ } => ["d", "lambda", "mu", "nu"],
    });
    if let Some(Nuisance { directions: _, variance: _ }) = data.nuisance() {
        names.extend(["nuisance", "nuisance_directions"]);
    }
    match network {
        Network::Softmax => {}
        Network::TwoLayer { width: _ } => {
            names.insert("width");
        }
        Network::Mlp { widths: _, head: _, gain: _ } => names.extend(["widths", "head", "gain"]),
    }
    names
}

const NUISANCE: Nuisance = Nuisance { directions: 2, variance: 1.0 };

type Change = (&'static str, fn(&mut Experiment));

/// Changes of the fields that all experiments have.
const COMMON: [Change; 10] = [
    ("d", |e| e.problem.data.set_d(13)),
    ("lambda", |e| e.problem.data.set_lambda(10.000_000_000_000_002)),
    ("beta", |e| e.problem.training.beta = 0.06),
    ("c", |e| e.problem.training.c = 2.0),
    ("phi", |e| e.problem.training.phi = 0.6),
    ("along", |e| e.problem.training.start.along = Some(vec![vec![0.5; 3]; 3])),
    ("horizon", |e| e.horizon = 21.0),
    ("checkpoints", |e| e.checkpoints = 7),
    ("spacing", |e| e.spacing = Spacing::Geometric),
    ("simulator", |e| e.simulator = Simulator::Chain),
];

#[test]
fn every_field_changes_the_key_and_the_replicates_do_not() {
    let mixture: &[Change] = &[
        ("law", |e| e.problem.data = DataLaw::xor(12, 10.0)),
        ("network", |e| e.problem.network = Network::two_layer(3)),
        ("second", |e| e.problem.training.start.second = Some(vec![1.0; 3])),
        ("probabilities", |e| {
            e.problem.data = DataLaw::unequal_mixture(12, 10.0, vec![0.5, 0.25, 0.25], Means::Orthonormal);
        }),
        ("means", |e| {
            let gram = data::identity(3);
            e.problem.data = DataLaw::unequal_mixture(12, 10.0, vec![1.0 / 3.0; 3], Means::Gram(gram));
        }),
    ];
    let xor: &[Change] = &[
        ("law", |e| e.problem.data = DataLaw::mixture(12, 10.0, 2)),
        ("network", |e| e.problem.network = Network::softmax()),
        ("second", |e| e.problem.training.start.second = Some(vec![1.0, -0.0, 0.0])),
        ("second", |e| e.problem.training.start.second = Some(vec![1.0, 0.0, 0.0])),
        ("width", |e| e.problem.network = Network::two_layer(4)),
        ("mu", |e| e.problem.data = DataLaw::turned_xor(12, 10.0, vec![-1.0], vec![0.0, 1.0])),
        ("nu", |e| e.problem.data = DataLaw::turned_xor(12, 10.0, vec![1.0], vec![-0.0, 1.0])),
    ];
    let deep: &[Change] = &[
        ("law", |e| e.problem.data = DataLaw::xor(12, 10.0)),
        ("network", |e| e.problem.network = Network::softmax()),
        ("second", |e| e.problem.training.start.second = Some(vec![1.0; 3])),
        ("probabilities", |e| {
            e.problem.data = DataLaw::unequal_mixture(12, 10.0, vec![0.5, 0.25, 0.25], Means::Orthonormal)
                .with_nuisance(NUISANCE);
        }),
        ("means", |e| {
            let gram = data::identity(3);
            e.problem.data = DataLaw::unequal_mixture(12, 10.0, vec![1.0 / 3.0; 3], Means::Gram(gram))
                .with_nuisance(NUISANCE);
        }),
        ("nuisance", |e| {
            let nuisance = Nuisance { variance: 1.5, ..NUISANCE };
            e.problem.data = DataLaw::mixture(12, 10.0, 3).with_nuisance(nuisance);
        }),
        ("nuisance_directions", |e| {
            let nuisance = Nuisance { directions: 3, ..NUISANCE };
            e.problem.data = DataLaw::mixture(12, 10.0, 3).with_nuisance(nuisance);
        }),
        ("widths", |e| e.problem.network = Network::mlp(vec![4, 3], Head::Softmax)),
        ("widths", |e| e.problem.network = Network::mlp(vec![5], Head::Softmax)),
        ("head", |e| e.problem.network = Network::mlp(vec![4], Head::Logistic)),
        ("gain", |e| {
            e.problem.network = Network::Mlp { widths: vec![4], head: Head::Softmax, gain: 1.0 };
        }),
    ];
    let of_mlp = Kind {
        data: DataLaw::mixture(1, 1.0, 3).with_nuisance(NUISANCE),
        network: Network::mlp(vec![4], Head::Softmax),
    };
    for (task, changes) in [(Kind::mixture(3), mixture), (Kind::xor(3), xor), (of_mlp, deep)] {
        let mut keys = BTreeMap::new();
        let base = experiment(task.clone());
        let all: Vec<&Change> = COMMON.iter().chain(changes).collect();
        assert_eq!(all.iter().map(|change| change.0).collect::<BTreeSet<_>>(), fields(&base));
        let mut add = |what: &str, experiment: &Experiment| {
            let key = digest(Value::Map(parameters(experiment).unwrap()));
            if let Some(other) = keys.insert(key, format!("{what} of {task:?}")) {
                panic!("{what} of {task:?} gives the key of {other}");
            }
        };
        add("nothing", &base);
        for (what, change) in all {
            let mut changed = base.clone();
            change(&mut changed);
            add(what, &changed);
        }
        let more = Experiment { replicates: 99, name: "another".to_owned(), ..base.clone() };
        assert_eq!(parameters(&more).unwrap(), parameters(&base).unwrap());
    }
}

#[test]
fn parameters_stand_beside_each_other_and_defaults_make_no_noise() {
    let names = |experiment: &Experiment| parameters(experiment).unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(
        names(&experiment(Kind::mixture(3))),
        [
            "beta",
            "c",
            "checkpoints",
            "d",
            "horizon",
            "lambda",
            "law",
            "means",
            "network",
            "phi",
            "probabilities",
            "spacing"
        ]
    );
    let mut chain = experiment(Kind::xor(3));
    assert_eq!(
        names(&chain),
        [
            "beta",
            "c",
            "checkpoints",
            "d",
            "horizon",
            "lambda",
            "law",
            "mu",
            "network",
            "nu",
            "phi",
            "spacing",
            "width"
        ]
    );
    chain.simulator = Simulator::Chain;
    chain.problem.training.start.second = Some(vec![1.0, 2.0, 3.0]);
    let found = parameters(&chain).unwrap();
    assert_eq!(found["simulator"], "chain".into());
    assert_eq!(found["start"].to_string(), "{second: [1.0, 2.0, 3.0]}");
    assert_eq!((found["law"].to_string(), found["network"].to_string()), ("xor".into(), "two-layer".into()));
}

#[test]
fn what_json_would_confuse_has_different_canonical_forms() {
    #[derive(Serialize)]
    enum Choice {
        Plain,
        One(f64),
        Two(u8, u8),
        Named { x: i64 },
    }
    let of = |value: &dyn Fn() -> Value| digest(value());
    let forms = [
        of(&|| Value::of(&0.0).unwrap()),
        of(&|| Value::of(&-0.0).unwrap()),
        of(&|| Value::of(&0).unwrap()),
        of(&|| Value::of(&1).unwrap()),
        of(&|| Value::of(&1.0).unwrap()),
        of(&|| Value::of("1").unwrap()),
        of(&|| Value::of(&true).unwrap()),
        of(&|| Value::of(&f64::NAN).unwrap()),
        of(&|| Value::of(&-f64::NAN).unwrap()),
        of(&|| Value::of(&f64::INFINITY).unwrap()),
        of(&|| Value::of(&u64::MAX).unwrap()),
        of(&|| Value::of(&i64::MIN).unwrap()),
        of(&|| Value::of(&[1.0]).unwrap()),
        of(&|| Value::of(&Vec::<f64>::new()).unwrap()),
        of(&|| Value::of(&BTreeMap::<String, f64>::new()).unwrap()),
        of(&|| Value::of(&Choice::Plain).unwrap()),
        of(&|| Value::of(&Choice::One(1.0)).unwrap()),
        of(&|| Value::of(&Choice::Two(1, 2)).unwrap()),
        of(&|| Value::of(&Choice::Named { x: 1 }).unwrap()),
    ];
    assert_eq!(forms.iter().collect::<BTreeSet<_>>().len(), forms.len());
    assert_eq!(Value::of(&Choice::Two(1, 2)).unwrap().to_string(), "{Two: [1, 2]}");
    assert_eq!(Value::of(&Choice::Named { x: -1 }).unwrap().to_string(), "{Named: {x: -1}}");
    // Numbers of any width are the same number.
    assert_eq!(Value::of(&7_u8).unwrap(), Value::of(&7_i64).unwrap());
    assert_eq!(Value::of(&Some(7)).unwrap(), Value::of(&7).unwrap());
    let query = Query {
        checkpoint: 3,
        sample: SampleKind::Test,
        block: Block { layer: Layer::V, row: 0, col: 2 },
        question: Question::Top(4),
    };
    assert_eq!(
        Value::of(&query).unwrap().to_string(),
        "{block: {col: 2, layer: {index: 1, name: v}, row: 0}, checkpoint: 3, question: {top: 4}, sample: test}"
    );
}

#[test]
fn what_has_no_canonical_form_is_refused() {
    #[derive(Serialize)]
    struct Inner {
        x: f64,
    }
    #[derive(Serialize)]
    struct Twice {
        x: f64,
        #[serde(flatten)]
        inner: Inner,
    }
    let refused = |outcome: spectral_alignment::error::Result<Value>, word: &str| {
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    };
    refused(Value::of(&None::<f64>), "nothing");
    refused(Value::of(&()), "nothing");
    refused(Value::of(&vec![Some(1), None]), "nothing");
    refused(Value::of(&BTreeMap::from([(1, 2)])), "no name");
    refused(Value::of(&Twice { x: 1.0, inner: Inner { x: 2.0 } }), "two fields are named `x`");
}

/// Manifests and the lock are JSON: with either of these features of `serde_json`, which any crate could switch on for all, the
/// same value would be written in other bytes.
#[test]
fn json_is_written_in_one_way() {
    // `preserve_order` keeps the order of the text.
    let sorted: serde_json::Value = serde_json::from_str(r#"{"b": 1, "a": 2}"#).unwrap();
    assert_eq!(sorted.to_string(), r#"{"a":2,"b":1}"#);
    // `arbitrary_precision` keeps the digits of the text, and numbers that no f64 holds.
    let number: serde_json::Value = serde_json::from_str("1.0000000000000000000001").unwrap();
    assert_eq!(number.to_string(), "1.0");
    assert!(serde_json::from_str::<serde_json::Value>("1e400").is_err());
}

/// Every law and every network names the file of its code, and no experiment depends on the files of the others.
#[test]
fn every_law_and_network_has_a_source_file_of_its_own() {
    let laws = [DataLaw::mixture(9, 1.0, 2), DataLaw::xor(9, 1.0)].map(|law| law.source());
    let networks = [Network::softmax(), Network::two_layer(2), Network::mlp(vec![2], Head::Softmax)]
        .map(|network| network.source());
    assert_eq!(laws, data::SOURCES);
    assert_eq!(networks, network::SOURCES);
    let shared = [
        "src/simulation/data/mod.rs",
        "src/simulation/data/clusters.rs",
        "src/simulation/network/heads.rs",
        "src/simulation/network/mod.rs",
    ];
    let files: BTreeSet<&str> = SOURCES
        .iter()
        .map(|source| source.path)
        .filter(|path| {
            path.starts_with("src/simulation/data/") || path.starts_with("src/simulation/network/")
        })
        .filter(|path| !shared.contains(path))
        .collect();
    assert_eq!(files, laws.into_iter().chain(networks).collect());
    let (mixture, xor) = (experiment(Kind::mixture(3)), experiment(Kind::xor(3)));
    assert_eq!(other_parts([&mixture]), [laws[1], networks[1], networks[2]]);
    assert_eq!(other_parts([&xor]), [laws[0], networks[0], networks[2]]);
    assert_eq!(other_parts([&mixture, &xor]), [networks[2]]);
}
