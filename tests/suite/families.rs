use crate::problems::{Flat, Kind};
use crate::support::Place;
use spectral_alignment::pipeline::plan::{StagePlan, plan_all};
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::family::{Axis, Family, outlines};
use spectral_alignment::problem::training::Start;
use spectral_alignment::published::Figures;
use spectral_alignment::published::overrides::{of_stage, parse, toml};
use spectral_alignment::stage::{Override, Profile, Settings};
use spectral_alignment::stages::STAGES;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn base(name: &str) -> Experiment {
    let task = Kind::mixture(3);
    let flat = Flat { task, d: 100, lambda: 10.0, beta: 0.05, c: 1.0, phi: 5.0, start: Start::default() };
    Experiment {
        name: name.to_owned(),
        problem: flat.problem(),
        horizon: 20.0,
        checkpoints: 9,
        spacing: Spacing::Linear,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

fn family() -> Family {
    Family::new("gmm-test", base("gmm-test-of"))
        .axis(Axis::new("lambda", "-lambda-", [1.0, 30.0]))
        .axis(Axis::new("phi", "-phi-", [0.5, 1.5, 36.0]).scaled(10.0))
}

fn names(experiments: &[Experiment]) -> Vec<&str> {
    experiments.iter().map(|experiment| experiment.name.as_str()).collect()
}

fn settings(profile: Profile, sets: &[(&str, &str, &str)]) -> Settings {
    let change = |(experiment, key, value): &(&str, &str, &str)| Override {
        experiment: (*experiment).to_owned(),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    Settings {
        profile,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: sets.iter().map(change).collect(),
    }
}

/// The experiments of a stage under some settings.
fn planned(stage: &str, settings: &Settings) -> spectral_alignment::error::Result<Vec<Experiment>> {
    let stage = STAGES.iter().find(|one| one.name == stage).unwrap();
    let plan = StagePlan::new(stage, settings)?;
    Ok(plan.requests.into_iter().map(|request| request.experiment).collect())
}

#[test]
fn a_family_has_a_member_for_every_point_of_its_grid() {
    let members = family().members().unwrap();
    assert_eq!(
        names(&members),
        [
            "gmm-test-of-lambda-1-phi-5",
            "gmm-test-of-lambda-1-phi-15",
            "gmm-test-of-lambda-1-phi-360",
            "gmm-test-of-lambda-30-phi-5",
            "gmm-test-of-lambda-30-phi-15",
            "gmm-test-of-lambda-30-phi-360",
        ]
    );
    for (index, member) in members.iter().enumerate() {
        let (lambda, phi) = ([1.0, 30.0][index / 3], [0.5, 1.5, 36.0][index % 3]);
        let mut expected = base(&member.name);
        expected.problem.data.set_lambda(lambda);
        expected.problem.training.phi = phi;
        expected.member.clone_from(&member.member);
        assert_eq!(member, &expected);
        assert_eq!(member.member.as_ref().unwrap().place, [("lambda", lambda), ("phi", phi)]);
        assert!(
            member.is_called("gmm-test")
                && member.is_called(&member.name)
                && !member.is_called("gmm-test-of")
        );
    }
    let [outline] = outlines(&members).try_into().unwrap();
    assert_eq!(outline.to_string(), "gmm-test: lambda (2) × phi (3)");
    assert_eq!(outline.members, names(&members));
    assert_eq!(outline.axes, [("lambda", vec![1.0, 30.0]), ("phi", vec![0.5, 1.5, 36.0])]);
    assert_eq!(outlines(&[base("gmm")]), []);
}

#[test]
fn names_carry_values_without_points_and_without_rounding_noise() {
    let part = |scale: f64, value: f64| Axis::new("phi", "-phi-", []).scaled(scale).part(value);
    // 0.07 · 1000 is 70.00000000000001.
    for (scale, value, expected) in [
        (1000.0, 0.07, "70"),
        (10.0, 0.5, "5"),
        (10.0, 0.55, "5p5"),
        (1.0, 2.5, "2p5"),
        (1.0, 2e6, "2000000"),
    ] {
        assert_eq!(part(scale, value), format!("-phi-{expected}"));
    }
}

#[test]
fn an_axis_is_replaced_by_different_numbers_only() {
    let mut replaced = family();
    replaced.replace("lambda", "2, 4.5,1e3").unwrap();
    replaced.replace("phi", "1").unwrap();
    // A parameter that is no axis is none of its business.
    replaced.replace("beta", "nothing").unwrap();
    assert_eq!(
        names(&replaced.members().unwrap()),
        ["gmm-test-of-lambda-2-phi-10", "gmm-test-of-lambda-4p5-phi-10", "gmm-test-of-lambda-1000-phi-10"]
    );
    for (value, word) in
        [("", "finite"), ("1,", "finite"), ("1,x", "x"), ("NaN", "NaN"), ("1,2,1.0", "twice"), ("1;2", "1;2")]
    {
        let message = family().replace("lambda", value).unwrap_err().to_string();
        assert!(message.contains("gmm-test.lambda") && message.contains(word), "{message}");
    }
    let mut broken = family().axis(Axis::new("d", "-d", [50.0]));
    broken.replace("d", "10.5").unwrap();
    let message = broken.members().unwrap_err().to_string();
    assert!(message.starts_with("gmm-test.d = 10.5: must be a whole number"), "{message}");
}

/// Seeds come from names: no member is called otherwise than in the committed lock.
#[test]
fn members_have_the_names_that_are_committed() {
    let figures = Figures::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"));
    let lock = figures.lock().unwrap();
    for profile in [Profile::Paper, Profile::Quick] {
        for plan in plan_all(STAGES, &settings(profile, &[])).unwrap() {
            if plan.stage.on_request && !lock.stages.contains_key(plan.stage.name) {
                continue;
            }
            let committed = &lock.stages[plan.stage.name][profile.word()].parameters;
            let planned: BTreeSet<String> = plan.experiments().into_keys().collect();
            assert_eq!(planned, committed.keys().cloned().collect(), "{}", plan.stage.name);
        }
    }
}

#[test]
fn no_name_means_two_things_and_grids_are_families() {
    for profile in [Profile::Paper, Profile::Quick] {
        let plans = plan_all(STAGES, &settings(profile, &[])).unwrap();
        let experiments: BTreeMap<String, Experiment> =
            plans.iter().flat_map(StagePlan::experiments).collect();
        let families = outlines(experiments.values());
        let mut seen = BTreeSet::new();
        for family in &families {
            assert!(seen.insert(&family.family), "two families {}", family.family);
            assert!(!experiments.contains_key(&family.family), "{} is an experiment too", family.family);
            let points: usize = family.axes.iter().map(|(_, values)| values.len()).product();
            assert_eq!(points, family.members.len(), "{}", family.family);
            assert!(family.members.iter().all(|name| name.len() > 3 && name[..3] == family.family[..3]));
        }
        let alone = experiments.values().filter(|experiment| experiment.member.is_none()).count();
        assert!(families.len() >= 12 && alone <= 24, "{} families, {alone} others", families.len());
    }
}

#[test]
fn a_family_is_overridden_as_a_whole_and_a_member_more_closely() {
    let plain = planned("bbp-transition", &settings(Profile::Quick, &[])).unwrap();
    let name = plain[1].name.as_str();
    let changed = settings(
        Profile::Quick,
        &[("gmm-bbp", "beta", "0.1"), (name, "beta", "0.2"), ("gmm-bbp", "replicates", "3")],
    );
    let found = planned("bbp-transition", &changed).unwrap();
    assert_eq!(names(&found), names(&plain));
    for (found, plain) in found.iter().zip(&plain) {
        let mut expected = plain.clone();
        expected.problem.training.beta = if plain.name == name { 0.2 } else { 0.1 };
        expected.replicates = 3;
        assert_eq!(found, &expected);
    }
    // The claims of the stage say so, those of others do not.
    let plans = plan_all(STAGES, &changed).unwrap();
    for plan in plans {
        let said = of_stage(&plan, &changed);
        assert_eq!(said.len(), if plan.stage.name == "bbp-transition" { 3 } else { 0 }, "{said:?}");
    }
}

#[test]
fn an_axis_is_overridden_with_members_of_its_own() {
    let changed = settings(Profile::Quick, &[("gmm-bbp", "lambda", "1,10,100"), ("gmm-bbp", "phi", "4")]);
    let found = planned("bbp-transition", &changed).unwrap();
    assert_eq!(
        names(&found),
        ["gmm-bbp-lambda-1-phi-40", "gmm-bbp-lambda-10-phi-40", "gmm-bbp-lambda-100-phi-40"]
    );
    // A point that the grid had before is the same experiment, so its results are found again.
    let plain = planned("bbp-transition", &settings(Profile::Quick, &[])).unwrap();
    let before = plain.iter().find(|one| one.name == found[0].name).unwrap();
    assert_eq!(&found[0], before);
    // New members can be overridden by name.
    let closer = settings(Profile::Quick, &[("gmm-snr", "lambda", "7,8"), ("gmm-snr-lambda-8", "d", "50")]);
    let found = planned("gmm-snr", &closer).unwrap();
    assert_eq!(found.iter().map(|one| one.problem.d()).collect::<Vec<_>>(), [60, 50]);
    plan_all(STAGES, &closer).unwrap();
}

#[test]
fn several_values_survive_the_file_of_overrides() {
    let all =
        settings(Profile::Quick, &[("gmm-bbp", "beta", "0.1"), ("gmm-bbp", "lambda", "1,2.5,1e3")]).overrides;
    let text = toml(&all);
    assert!(text.contains("lambda = [1, 2.5, 1000.0]"), "{text}");
    let again = parse(&text).unwrap();
    assert_eq!((again[0].value.as_str(), again[1].value.as_str()), ("0.1", "1,2.5,1000.0"));
    assert!(parse("[gmm-bbp]\nlambda = [1, \"x\"]").unwrap_err().contains("gmm-bbp.lambda"));
    assert!(parse("[gmm-bbp]\nlambda = []").unwrap_err().contains("array"));
}

#[test]
fn list_shows_a_family_in_one_line() {
    let place = Place::new();
    let plain = place.call(&["list"]).good().out;
    assert!(plain.contains("family gmm-bbp: lambda (4) × phi (2)\n"), "{plain}");
    assert!(!plain.contains("gmm-bbp-lambda-") && plain.contains("experiments: gmm, "), "{plain}");
    let rows = place.call(&["list", "--json", "--set", "gmm-bbp.lambda=1,10"]).good().rows();
    let row = rows.iter().find(|row| row["name"] == "bbp-transition").unwrap();
    let family = &row["families"][0];
    assert_eq!(family["family"], "gmm-bbp");
    assert_eq!(family["axes"][0], serde_json::json!({ "key": "lambda", "values": [1.0, 10.0] }));
    assert_eq!(family["members"].as_array().unwrap().len(), 4);
    let mut members: Vec<_> = family["members"].as_array().unwrap().clone();
    members.sort_by_key(|name| name.as_str().map(str::to_owned));
    assert_eq!(&members, row["experiments"].as_array().unwrap());
    let spectrum = rows.iter().find(|row| row["name"] == "gmm-spectrum").unwrap();
    assert_eq!(spectrum["families"], serde_json::json!([]));
}

#[test]
fn a_wrong_name_gets_the_nearest_and_never_the_whole_list() {
    let place = Place::new();
    for (set, words) in [
        ("gmm-bpb.beta=0.1", "did you mean `gmm-bbp`"),
        ("gmm-snr-lamda-30.beta=0.1", "`gmm-snr-lambda-30`"),
        ("gmm-bbp.lamda=0.1", "did you mean `lambda`"),
        ("gmm-bbp.width=3", "gmm-bbp.width = 3: width is no parameter of this experiment"),
        ("gmm-bbp.lambda=1,x", "gmm-bbp.lambda = x"),
        ("gmm-bbp.lambda=1,-1", "lambda = -1"),
        ("gmm-bbp.beta=1,2", "gmm-bbp.beta = 1,2"),
        ("completely-else.lambda=3", "there is no experiment `completely-else`; `list` names all"),
    ] {
        let answer = place.call(&["list", "--set", set]);
        answer.refused(2, &[words]);
        assert!(answer.err.len() < 300, "{}", answer.err);
    }
}

/// Stages read their grids off their experiments, so that other axes than their own end well too, down to one point.
#[test]
fn every_stage_runs_on_other_axes() {
    let place = Place::new();
    let stages = [
        "gmm-snr",
        "bbp-transition",
        "xor-snr",
        "xor-collapse",
        "xor-rank-law",
        "xor-escape",
        "effective-dynamics",
        "effective-spectrum",
        "dimension-limit",
    ];
    let several = [
        "gmm-snr.lambda=20,50",
        "gmm-bbp.lambda=20,50,70",
        "xor-snr.lambda=50,60",
        "xor-collapse.beta=0.02,0.05",
        "xor-rank-lambda.lambda=50,500",
        "xor-rank-width.width=5,7",
        "xor-escape.d=500,700",
        "gmm-dynamics.d=40,45",
        "xor-dynamics.d=40,45",
        "gmm-effective.d=40,45",
        "xor-effective.d=40,45",
        "gmm-limit.lambda=5,50",
        "gmm-limit-beyond.d=3000",
        "xor-limit.d=200,300",
    ];
    let one = several.map(|set| set.split(',').next().unwrap().to_owned());
    let names = several.map(|set| set.split('.').next().unwrap());
    let replicates = names.iter().chain(&["xor-rank-law-d100", "xor-rank-law-d400"]);
    let replicates: Vec<String> = replicates.map(|name| format!("{name}.replicates=2")).collect();
    for sets in [several.map(str::to_owned), one] {
        let sets = sets.iter().chain(&replicates).flat_map(|set| ["--set", set.as_str()]);
        let words: Vec<&str> = ["run"].into_iter().chain(stages).chain(sets).collect();
        place.call(&words).good();
    }
}
