use crate::fuzz::config;
use crate::{graph, tokens};
use proptest::prelude::*;
use spectral_alignment::digest::{Ingredients, KeyBuilder, Value, diff};
use spectral_alignment::pipeline::closure::{SOURCES, SourceFile, closure_in};
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::experiment::Simulator;
use spectral_alignment::stage::{Profile, Settings};
use spectral_alignment::stages::STAGES;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[a-c]{0,3}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::from),
        (-2_i32..3).prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        prop_oneof![Just(0.0), Just(-0.0), Just(1.0)].prop_map(Value::Float),
        any::<bool>().prop_map(Value::Bool),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("[a-c]{0,2}", inner, 0..4).prop_map(Value::Map),
        ]
    })
}

type Pairs = Vec<(String, Value)>;

fn pairs() -> impl Strategy<Value = Pairs> {
    prop::collection::btree_map("[a-d]{0,3}", value(), 1..6).prop_map(|map| map.into_iter().collect())
}

fn key(kind: &str, pairs: &Pairs) -> Ingredients {
    pairs.iter().fold(KeyBuilder::new(kind), |key, (role, value)| key.with(role, value.clone())).finish()
}

proptest! {
    #![proptest_config(config(2500))]

    #[test]
    fn any_single_ingredient_changes_the_key(pairs in pairs(), index in any::<prop::sample::Index>(), other in value()) {
        let old = key("k", &pairs);
        let place = index.index(pairs.len());
        let mut changed = pairs.clone();
        changed[place].1 = other.clone();
        let new = key("k", &changed);
        let same = pairs[place].1 == other;
        prop_assert_eq!(old.digest() == new.digest(), same);
        prop_assert_eq!(diff(&old, &new).len(), usize::from(!same));
        let mut renamed = pairs.clone();
        renamed[place].0.push('z');
        prop_assert_ne!(old.digest(), key("k", &renamed).digest());
        let mut fewer = pairs.clone();
        fewer.remove(place);
        prop_assert_ne!(old.digest(), key("k", &fewer).digest());
        prop_assert_ne!(old.digest(), key("kz", &pairs).digest());
    }

    #[test]
    fn order_counts_for_nothing_and_json_loses_nothing(pairs in pairs()) {
        let old = key("k", &pairs);
        let reversed: Pairs = pairs.iter().rev().cloned().collect();
        prop_assert_eq!(old.digest(), key("k", &reversed).digest());
        let json = serde_json::to_string(&old).unwrap();
        let again: Ingredients = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(again.digest(), old.digest());
    }

    #[test]
    fn where_a_text_is_cut_counts(text in "[a-c]{2,6}", one in 0_usize..6, other in 0_usize..6) {
        let (one, other) = (one.min(text.len()), other.min(text.len()));
        let cut = |at: usize| (text[..at].to_owned(), Value::from(&text[at..]));
        let (a, b) = (vec![cut(one)], vec![cut(other)]);
        prop_assert_eq!(key("k", &a).digest() == key("k", &b).digest(), one == other);
        let list = |at: usize| KeyBuilder::new("k").with("a", vec![&text[..at], &text[at..]]).finish().digest();
        prop_assert_eq!(list(one) == list(other), one == other);
    }

    #[test]
    fn swapped_roles_and_signs_of_zero_count(a in value(), b in value()) {
        let of = |x: &Value, y: &Value| KeyBuilder::new("k").with("x", x.clone()).with("y", y.clone()).finish().digest();
        prop_assert_eq!(of(&a, &b) == of(&b, &a), a == b);
        prop_assert_ne!(of(&a, &Value::Float(0.0)), of(&a, &Value::Float(-0.0)));
        prop_assert_ne!(of(&a, &Value::Float(1.0)), of(&a, &Value::Integer(1)));
    }
}

fn settings() -> Settings {
    Settings {
        profile: Profile::Paper,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    }
}

fn plans() -> Vec<StagePlan> {
    STAGES.iter().map(|stage| StagePlan::new(stage, &settings()).unwrap()).collect()
}

/// The sources with another digest for one of them.
fn changed(path: &str) -> Vec<SourceFile> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(file).unwrap();
    let mut list = tokens::canonical(&text).unwrap();
    let constant = list.iter_mut().rev().find_map(|token| match token {
        tokens::Token::Literal(text) if text.starts_with(|digit: char| digit.is_ascii_digit()) => Some(text),
        _ => None,
    });
    constant.unwrap_or_else(|| panic!("{path} has no constant")).insert(0, '9');
    let digest: &'static str = String::leak(tokens::digest(&list));
    SOURCES
        .iter()
        .map(|source| if source.path == path { SourceFile { digest, ..*source } } else { *source })
        .collect()
}

/// The stages whose recipes change when a constant of one file does.
fn stale(plans: &[StagePlan], path: &str) -> BTreeSet<&'static str> {
    let sources = changed(path);
    let digest = |plan: &StagePlan, sources: &[SourceFile]| {
        let (roots, skipped) = plan.recipe_roots();
        closure_in(sources, &roots, &skipped).unwrap().digest()
    };
    plans
        .iter()
        .filter(|plan| digest(plan, &sources) != digest(plan, SOURCES))
        .map(|plan| plan.stage.name)
        .collect()
}

#[test]
fn a_changed_constant_makes_exactly_its_stages_stale() {
    let plans = plans();
    for plan in &plans {
        for root in [plan.stage.source, plan.stage.report] {
            assert_eq!(stale(&plans, root), BTreeSet::from([plan.stage.name]));
        }
    }
    let having = |what: &dyn Fn(&Problem, Simulator) -> bool| -> BTreeSet<&'static str> {
        let has = |plan: &&StagePlan| {
            let mut requests = plan.requests.iter();
            requests.any(|request| what(&request.experiment.problem, request.experiment.simulator))
        };
        plans.iter().filter(has).map(|plan| plan.stage.name).collect()
    };
    let all: BTreeSet<&str> = plans.iter().map(|plan| plan.stage.name).collect();
    let mixture = having(&|problem, _| problem.data.name() == "mixture");
    let xor = having(&|problem, _| problem.data.name() == "xor");
    let softmax = having(&|problem, _| problem.network.name() == "softmax");
    let two_layer = having(&|problem, _| problem.network.name() == "two-layer");
    assert!(!mixture.is_empty() && mixture != all && !xor.is_empty() && xor != all);
    assert!(!softmax.is_empty() && softmax != mixture && !two_layer.is_empty() && two_layer != xor);
    for (own, stages) in [
        ("src/simulation/data/mixture.rs", &mixture),
        ("src/simulation/network/softmax.rs", &softmax),
        ("src/simulation/data/xor.rs", &xor),
        ("src/simulation/network/two_layer.rs", &two_layer),
    ] {
        assert_eq!(&stale(&plans, own), stages, "{own}");
    }
    assert_eq!(stale(&plans, "src/random/normal.rs"), all);
    assert_eq!(
        stale(&plans, "src/simulation/chain/mod.rs"),
        having(&|_, simulator| simulator == Simulator::Chain)
    );
    for bystander in ["src/commands/mod.rs", "src/store/mod.rs", "src/error.rs", "src/scaffold/mod.rs"] {
        if tokens::canonical(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(bystander)).unwrap())
            .unwrap()
            .iter()
            .any(|token| matches!(token, tokens::Token::Literal(text) if text.starts_with(|c: char| c.is_ascii_digit())))
        {
            assert_eq!(stale(&plans, bystander), BTreeSet::new(), "{bystander}");
        }
    }
}

#[test]
fn a_caption_or_a_bound_is_no_part_of_tables_and_physics_is_part_of_both() {
    for plan in plans() {
        let digests = |sources: &[SourceFile]| {
            [plan.table_roots(), plan.figure_roots()]
                .map(|(roots, skipped)| closure_in(sources, &roots, &skipped).unwrap().digest())
        };
        let [tables, figures] = digests(SOURCES);
        let [same, drawn] = digests(&changed(plan.stage.report));
        assert!(same == tables && drawn != figures, "{}: {}", plan.stage.name, plan.stage.report);
        let [reduced, judged] = digests(&changed(plan.stage.source));
        assert!(reduced != tables && judged != figures, "{}: {}", plan.stage.name, plan.stage.source);
    }
}

/// Copies the files that the build script reads to another place, each changed by `change`.
fn elsewhere(change: impl Fn(&str, String) -> String) -> graph::Graph {
    let (root, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    for source in SOURCES {
        let target = folder.path().join("another place").join(source.path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        match fs::read_to_string(root.join(source.path)) {
            Ok(text) => fs::write(target, change(source.path, text)).unwrap(),
            Err(_) => fs::write(target, fs::read(root.join(source.path)).unwrap()).unwrap(),
        }
    }
    graph::scan(&folder.path().join("another place"), "spectral_alignment").unwrap()
}

#[test]
fn a_touched_file_another_place_and_a_changed_comment_are_not_told_apart() {
    let digests = |graph: &graph::Graph| -> BTreeMap<String, String> {
        graph.files.iter().map(|file| (file.path.clone(), file.digest.clone())).collect()
    };
    let embedded: BTreeMap<String, String> =
        SOURCES.iter().map(|source| (source.path.to_owned(), source.digest.to_owned())).collect();
    let told_apart = |graph: &graph::Graph| -> Vec<String> {
        let found = digests(graph);
        assert_eq!(found.len(), embedded.len());
        found
            .into_iter()
            .filter(|(path, digest)| embedded.get(path) != Some(digest))
            .map(|(path, _)| path)
            .collect()
    };
    assert_eq!(told_apart(&elsewhere(|_, text| text)), Vec::<String>::new());
    // The template of new stages is data of the program besides: it counts by its bytes.
    let code = |path: &str| {
        path.starts_with("src/") && !path.starts_with("src/scaffold/template/") && path.ends_with("rs")
    };
    let commented =
        elsewhere(|path, text| if code(path) { format!("{text}\n// a comment\n\n") } else { text });
    assert_eq!(told_apart(&commented), Vec::<String>::new());
    let changed =
        elsewhere(|path, text| if code(path) { format!("{text}\nconst ADDED: u8 = 1;\n") } else { text });
    for (path, digest) in digests(&changed) {
        assert_eq!(embedded[&path] != digest, code(&path), "{path}");
    }
}
