use crate::support::Place;
use crate::{graph, tokens};
use spectral_alignment::problem::experiment::Experiment;
use spectral_alignment::scaffold::{EXPERIMENTS, check_name, stage_sources, test_source, with_stage};
use spectral_alignment::stage::Profile;
use spectral_alignment::stages::{STAGES, common};
use std::fs;
use std::path::Path;

/// An expression as it is written, after the compiler has looked at it.
macro_rules! compiled {
    ($profile:ident, $name:ident, $expression:expr) => {{
        let make = |$profile: Profile, $name: &str| -> Experiment { $expression };
        (make(Profile::Quick, "xor-new"), stringify!($expression))
    }};
}

#[test]
#[allow(non_snake_case, reason = "the expressions name a constant")]
fn the_experiments_of_both_tasks_compile() {
    let found = [
        compiled!(profile, EXPERIMENT, common::mixture::experiment(profile, EXPERIMENT, 5, 100.0)),
        compiled!(profile, EXPERIMENT, common::xor::experiment(profile, EXPERIMENT, 8, 600, 100.0)),
    ];
    for ((experiment, text), offered) in found.into_iter().zip(EXPERIMENTS) {
        experiment.validate().unwrap();
        assert_eq!(tokens::canonical(text).unwrap(), tokens::canonical(offered).unwrap());
        assert!(
            stage_sources("xor-new")[0].1.contains(EXPERIMENTS[1])
                && stage_sources("gmm-new")[0].1.contains(EXPERIMENTS[0])
        );
    }
}

/// A repository with nothing but what `new` reads and what the build script looks at.
fn repository() -> Place {
    let (root, place) = (Path::new(env!("CARGO_MANIFEST_DIR")), Place::new());
    for source in spectral_alignment::pipeline::closure::SOURCES
        .iter()
        .map(|source| source.path)
        .chain(["tests/suite/main.rs", "Cargo.toml"])
    {
        let target = place.path().join(source);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root.join(source), target).unwrap();
    }
    place
}

#[test]
fn a_new_stage_is_the_compiled_template_under_another_name() {
    let place = repository();
    let before = fs::read_to_string(place.path().join("src/stages/mod.rs")).unwrap();
    let call =
        |name: &str| -> crate::support::Answer { place.bare().args(["new", name]).output().unwrap().into() };
    for name in ["gmm-brand-new", "xor-2nd"] {
        let module = name.replace('-', "_");
        let told = call(name).good().out;
        let test = fs::read_to_string(place.path().join(format!("tests/suite/{module}.rs"))).unwrap();
        assert!(told.contains(&format!("tests/suite/{module}.rs")));
        // Only literals and the path of the module differ from what is compiled, and the maker of the experiment, whose
        // compilation is checked above.
        let templates = [
            ("mod.rs", include_str!("../../src/scaffold/template/mod.rs")),
            ("report.rs", include_str!("../../src/scaffold/template/report.rs")),
        ];
        for (file, template) in templates {
            let path = format!("src/stages/{module}/{file}");
            assert!(told.contains(&path), "{told}");
            let stage = fs::read_to_string(place.path().join(path)).unwrap();
            let back = stage
                .replace(&format!("src/stages/{module}"), "src/scaffold/template")
                .replace(&format!("stages::{module}"), "scaffold::template")
                .replace(name, "gmm-template")
                .replace(EXPERIMENTS[1], EXPERIMENTS[0]);
            assert_eq!(back, template);
        }
        assert_eq!(
            test.replace(&format!("stages::{module}"), "scaffold::template"),
            include_str!("template.rs")
        );
        let list = fs::read_to_string(place.path().join("src/stages/mod.rs")).unwrap();
        assert!(
            list.contains(&format!("pub mod {module};\n"))
                && list.contains(&format!("    &{module}::report::STAGE,\n];"))
        );
        let tests = fs::read_to_string(place.path().join("tests/suite/main.rs")).unwrap();
        assert!(tests.ends_with(&format!("mod {module};\n")));
        call(name).refused(2, &[name, "there already"]);
    }
    let list = fs::read_to_string(place.path().join("src/stages/mod.rs")).unwrap();
    assert_eq!(list.lines().count(), before.lines().count() + 4);
    let modules: Vec<&str> = list.lines().filter(|line| line.starts_with("pub mod ")).collect();
    assert!(modules.is_sorted(), "{modules:?}");
    let graph = graph::scan(place.path(), "spectral_alignment").unwrap();
    assert_eq!(graph.violations, []);
    let file = graph.files.iter().find(|file| file.path == "src/stages/gmm_brand_new/mod.rs").unwrap();
    assert!(file.dependencies.iter().any(|path| path == "src/stages/common/mixture.rs"), "{file:?}");
    // The list of stages imports this one, so that this one must not import the list.
    let text = fs::read_to_string(place.path().join(&file.path)).unwrap();
    assert!(!text.contains("use crate::stages;") && !text.contains("STAGES"), "{text}");
}

#[test]
fn names_that_no_stage_can_have_are_refused() {
    for name in [
        "",
        "gmm",
        "gmm-",
        "gmm--x",
        "gmm-X",
        "gmm-x/../y",
        "gmm-ü",
        "new",
        "-gmm",
        "gmm-alignment",
        "xor_x",
        "gmm-training",
    ] {
        assert_eq!(check_name(name, STAGES).unwrap_err().exit_status(), 2, "{name}");
    }
    // No name of the guide, whose stages may be there.
    check_name("gmm-none-has-this", STAGES).unwrap();
    assert!(test_source("gmm-x-y").contains("stages::gmm_x_y::report::STAGE"));
    assert!(with_stage("pub mod a;\n", "b").is_none());
    let place = Place::new();
    let answer: crate::support::Answer =
        place.bare().args(["new", "gmm-x", "--root", "."]).output().unwrap().into();
    answer.refused(3, &["src/stages/mod.rs", "--root"]);
}

/// Every file of a folder with its bytes.
fn files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_stage_that_is_removed_leaves_no_trace() {
    let place = repository();
    let before = files(place.path());
    let call = |arguments: &[&str]| -> crate::support::Answer {
        place.bare().args(arguments).output().unwrap().into()
    };
    call(&["new", "gmm-brand-new"]).good();
    call(&["new", "xor-copied", "--from", "xor-eigenvalues-second"]).good();
    assert!(files(place.path()).len() >= before.len() + 6);
    call(&["remove", "gmm-brand-new"]).good();
    let told = call(&["remove", "xor-copied"]).good().out;
    assert!(told.contains("src/stages/xor_copied") && told.contains("tests/suite/xor_copied.rs"), "{told}");
    assert_eq!(files(place.path()), before);
    // What `new` did not make stays.
    call(&["remove", "gmm-snr"]).refused(2, &["gmm-snr", "not made by `new`"]);
    call(&["remove", "gmm-sn"]).refused(2, &["did you mean `gmm-snr`"]);
    assert_eq!(files(place.path()), before);
}

#[test]
fn a_copied_stage_has_names_of_its_own_and_the_experiments_of_the_other() {
    let place = repository();
    let call = |arguments: &[&str]| -> crate::support::Answer {
        place.bare().args(arguments).output().unwrap().into()
    };
    for (name, from) in
        [("gmm-mine", "gmm-alignment"), ("gmm-second", "bbp-transition"), ("xor-mine", "xor-snr")]
    {
        call(&["new", name, "--from", from]).good();
        let stage = STAGES.iter().find(|stage| stage.name == from).unwrap();
        let module = name.replace('-', "_");
        let folder = place.path().join("src/stages").join(&module);
        let text: String =
            files(&folder).values().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
        assert!(
            text.contains(&format!("name: \"{name}\""))
                && text.contains(&format!("src/stages/{module}/mod.rs"))
        );
        assert!(!text.contains(&format!("stages::{}", from.replace('-', "_"))), "{name}");
        for id in stage.claims {
            let (paper, rest) = id.split_once('.').unwrap();
            assert!(!text.contains(&format!("\"{id}\"")), "{id} has two stages");
            assert!(text.contains(&format!("\"D3.{name}-{}-{rest}\"", paper.to_lowercase())), "{id}");
        }
        for figure in stage.figures {
            assert!(!text.contains(&format!("\"{figure}\"")), "{figure} has two stages");
        }
        let graph = graph::scan(place.path(), "spectral_alignment").unwrap();
        assert_eq!(graph.violations, []);
    }
    call(&["new", "xor-wrong", "--from", "gmm-snr"]).refused(2, &["xor-wrong", "task of gmm-snr"]);
    // A name that is put together from parts cannot be replaced.
    let source = place.path().join("src/stages/gmm_snr/report.rs");
    let text = fs::read_to_string(&source).unwrap();
    let (listed, drawn) = text.rsplit_once("\"gmm-snr-rates\"").unwrap();
    fs::write(&source, format!("{listed}concat!(\"gmm\", \"-snr-rates\"){drawn}")).unwrap();
    call(&["new", "gmm-wrong", "--from", "gmm-snr"]).refused(2, &["gmm-snr", "from parts"]);
    call(&["new", "gmm-wrong", "--from", "gmm-snrr"]).refused(2, &["did you mean `gmm-snr`"]);
}
