use proc_macro2::{TokenStream, TokenTree};
use spectral_alignment::pipeline::closure::{SOURCES, VIOLATIONS, closure};
use spectral_alignment::pipeline::plan::{StagePlan, plan_all};
use spectral_alignment::stage::{Kind, Override, Profile, Settings};
use spectral_alignment::stages::STAGES;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Everything that draws samples, trains on them, or solves for their spectra.
const SIMULATION: [&str; 3] = ["src/random/", "src/simulation/", "src/spectrum/"];

/// The rooms of the house from the ground up: each imports only itself and those before it.
const ROOMS: [&str; 22] = [
    "error",
    "digest",
    "mutation",
    "problem",
    "random",
    "simulation",
    "spectrum",
    "theory",
    "study",
    "table",
    "plot",
    "stage",
    "stages",
    "store",
    "pipeline",
    "published",
    "report",
    "scaffold",
    "cluster",
    "cli",
    "commands",
    "main",
];

/// The room of a source file.
fn room(path: &str) -> Option<usize> {
    let inner = path.strip_prefix("src/")?;
    let name = inner.split_once('/').map_or_else(|| inner.trim_end_matches(".rs"), |(folder, _)| folder);
    ROOMS.iter().position(|room| *room == name)
}

#[test]
fn no_room_imports_from_one_above() {
    let files =
        SOURCES.iter().filter(|source| source.path.starts_with("src/") && source.path != "src/lib.rs");
    for source in files {
        let here = room(source.path).unwrap_or_else(|| panic!("{} is in no room", source.path));
        for dependency in source.dependencies.iter().filter(|path| **path != "src/lib.rs") {
            let there = room(dependency).unwrap_or(0);
            assert!(there <= here, "{} imports {dependency}, which is above it", source.path);
        }
    }
}

/// Paths from the crate's root in a file: in `use`, with what stands in braces, and anywhere else; those through a child
/// that it declares start from the file itself.
fn paths(tokens: TokenStream, prefix: &[String], here: (&[String], &[String]), found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let text = |at: usize| tokens.get(at).map(ToString::to_string).unwrap_or_default();
    let separated = |at: usize| text(at) == ":" && text(at + 1) == ":";
    let mut at = 0;
    while at < tokens.len() {
        let (word, mut path) = (text(at), prefix.to_vec());
        let begins = prefix.is_empty() && separated(at + 1) && !(at >= 2 && separated(at - 2));
        let is_path = match word.as_str() {
            "crate" => begins,
            _ if here.1.contains(&word) && begins => {
                path.extend(here.0.iter().cloned().chain([word.clone()]));
                true
            }
            _ if !prefix.is_empty() && matches!(tokens[at], TokenTree::Ident(_)) => {
                path.push(word.clone());
                true
            }
            _ => false,
        };
        if let (TokenTree::Group(group), true) = (&tokens[at], prefix.is_empty()) {
            paths(group.stream(), &[], here, found);
        }
        at += 1;
        if !is_path {
            continue;
        }
        let mut opened = false;
        while separated(at) {
            at += 2;
            match tokens.get(at) {
                Some(TokenTree::Ident(segment)) => path.push(segment.to_string()),
                Some(TokenTree::Group(group)) => {
                    // `{a, b::c}`: each with what stands before.
                    let base = if path.is_empty() { vec![String::new()] } else { path.clone() };
                    paths(group.stream(), &base, here, found);
                    opened = true;
                }
                _ => {}
            }
            at += 1;
        }
        if !opened {
            found.push(path);
        }
    }
}

/// The files that a file imports, as a reader of imports would find them.
fn imports() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let module = |path: &str| -> Vec<String> {
        let inner = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        inner.split('/').map(str::to_owned).collect()
    };
    let files: Vec<&str> = SOURCES
        .iter()
        .map(|source| source.path)
        .filter(|path| Path::new(path).extension().is_some_and(|of| of == "rs") && *path != "src/lib.rs")
        .collect();
    let by_module: BTreeMap<Vec<String>, &'static str> =
        files.iter().map(|path| (module(path), *path)).collect();
    let of = |path: &&'static str| {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let mut found = Vec::new();
        let declared = text.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
        let children: Vec<String> = declared.map(|name| name.trim_end_matches(';').to_owned()).collect();
        paths(text.parse().unwrap(), &[], (&module(path), &children), &mut found);
        let longest = |segments: &Vec<String>| {
            let segments: Vec<String> =
                segments.iter().filter(|segment| !segment.is_empty()).cloned().collect();
            (1..=segments.len()).rev().find_map(|length| by_module.get(&segments[..length]).copied())
        };
        (*path, found.iter().filter_map(longest).filter(|other| other != path).collect())
    };
    files.iter().map(of).collect()
}

/// A door (`mod.rs`) and the files behind it count as any others: files in a room import each other, and never their door.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut imports = imports();
    assert!(
        imports["src/stages/gmm_snr/mod.rs"].contains("src/stage/rows.rs"),
        "{:?}",
        imports["src/stages/gmm_snr/mod.rs"]
    );
    assert!(imports["src/store/mod.rs"].contains("src/store/root.rs"));
    assert!(
        imports["src/stages/effective_spectrum/report.rs"]
            .contains("src/stages/effective_spectrum/report/figures.rs")
    );
    // What imports nothing that is left is on no circle.
    loop {
        let free: Vec<&str> = imports.iter().filter(|(_, of)| of.is_empty()).map(|(path, _)| *path).collect();
        if free.is_empty() {
            break;
        }
        imports.retain(|path, _| !free.contains(path));
        for of in imports.values_mut() {
            of.retain(|path| !free.contains(path));
        }
    }
    assert!(imports.is_empty(), "on circles, or above them: {imports:#?}");
}

#[test]
fn the_core_reaches_no_lapack_no_table_and_no_file() {
    let core = ["problem", "random", "simulation", "theory", "plot"];
    for (path, words) in identifiers() {
        if room(path).is_some_and(|room| core.contains(&ROOMS[room])) {
            for outer in ["polars", "lapack", "ndarray_linalg", "blas", "fs"] {
                assert!(!words.contains(outer), "{path} uses {outer}");
            }
        }
    }
}

fn settings(profile: Profile) -> Settings {
    Settings { profile, seed: spectral_alignment::published::DEFAULT_SEED, overrides: Vec::new() }
}

fn simulates(path: &str) -> bool {
    SIMULATION.iter().any(|prefix| path.starts_with(prefix))
}

fn reached(root: &str) -> Vec<&'static str> {
    closure(&[root], &[]).unwrap().files().iter().map(|(path, _)| *path).collect()
}

#[test]
fn theory_knows_no_simulation_and_simulation_no_theory() {
    for prefix in SIMULATION {
        assert!(SOURCES.iter().any(|source| source.path.starts_with(prefix)), "there is no {prefix}");
    }
    let theory: Vec<&str> =
        SOURCES.iter().map(|source| source.path).filter(|path| path.starts_with("src/theory/")).collect();
    assert!(theory.len() >= 3);
    for file in theory {
        let met: Vec<&str> = reached(file).into_iter().filter(|path| simulates(path)).collect();
        assert!(met.is_empty(), "{file} reaches {met:?}");
    }
    for source in SOURCES.iter().filter(|source| simulates(source.path)) {
        let met: Vec<&str> =
            reached(source.path).into_iter().filter(|path| path.starts_with("src/theory/")).collect();
        assert!(met.is_empty(), "{} reaches {met:?}", source.path);
    }
}

#[test]
fn simulation_does_not_depend_on_stages_plots_or_the_store() {
    let spectrum = ROOMS.iter().position(|room| *room == "spectrum").unwrap();
    for source in SOURCES.iter().filter(|source| simulates(source.path)) {
        for path in reached(source.path) {
            let above = room(path).is_some_and(|room| ROOMS[room] == "theory" || room > spectrum);
            assert!(!above, "{} reaches {path}", source.path);
        }
    }
}

fn words(stream: TokenStream, found: &mut BTreeSet<String>) {
    for token in stream {
        match token {
            TokenTree::Ident(word) => {
                found.insert(word.to_string());
            }
            TokenTree::Group(group) => words(group.stream(), found),
            _ => {}
        }
    }
}

/// The identifiers and keywords of every source file.
fn identifiers() -> BTreeMap<&'static str, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rust = |path: &&str| Path::new(path).extension().is_some_and(|extension| extension == "rs");
    SOURCES
        .iter()
        .map(|source| source.path)
        .filter(rust)
        .map(|path| {
            let mut found = BTreeSet::new();
            words(std::fs::read_to_string(root.join(path)).unwrap().parse().unwrap(), &mut found);
            (path, found)
        })
        .collect()
}

/// Every token of a file, brackets opened.
fn flat(stream: TokenStream, found: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => flat(group.stream(), found),
            other => found.push(other.to_string()),
        }
    }
}

/// A third data law or network is a file of its own, a variant with what is said of it, and a line where it is built: nothing
/// else asks which one it is.
#[test]
fn only_their_own_modules_know_which_data_laws_and_networks_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let capital = |word: &String| word.starts_with(char::is_uppercase);
    let mut met = BTreeMap::new();
    for path in identifiers().into_keys().filter(|path| path.starts_with("src/")) {
        let mut tokens = Vec::new();
        flat(std::fs::read_to_string(root.join(path)).unwrap().parse().unwrap(), &mut tokens);
        let variants = tokens.windows(4).filter(|four| {
            ["DataLaw", "Network"].contains(&four[0].as_str())
                && four[1..3] == [":", ":"]
                && (capital(&four[3]) || four[3] == "*" || four[3] == "{")
        });
        let count = variants.count();
        if count > 0 {
            met.insert(path, count);
        }
    }
    // Where they are built; their own modules call them `Self`.
    assert_eq!(met, BTreeMap::from([("src/simulation/task/build.rs", 5)]));
}

#[test]
fn only_plot_draws_and_only_calls_of_blas_are_unsafe() {
    for (path, words) in identifiers() {
        for library in ["plotters", "krilla", "resvg"] {
            if words.iter().any(|word| word.starts_with(library)) {
                assert!(path.starts_with("src/plot/"), "{path} uses {library}");
            }
        }
        if words.contains("unsafe") {
            let allowed = ["src/spectrum/lapack.rs", "src/pipeline/openblas.rs"];
            assert!(allowed.contains(&path), "{path} is unsafe");
        }
        if words.iter().any(|word| word.starts_with("polars")) {
            assert!(path.starts_with("src/table/"), "{path} uses polars");
        }
        if ["ndarray_linalg", "lapack", "blas"].iter().any(|word| words.contains(*word)) {
            let allowed = ["src/spectrum/", "src/main.rs"];
            assert!(allowed.iter().any(|prefix| path.starts_with(prefix)), "{path} calls LAPACK");
        }
    }
}

#[test]
fn nothing_hides_its_dependencies() {
    assert_eq!(VIOLATIONS, []);
}

#[test]
fn every_stage_obeys_the_rules_of_stages() {
    let known: BTreeSet<&str> = SOURCES.iter().map(|source| source.path).collect();
    let (mut names, mut claims, mut figures, mut sources) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let kebab = |name: &str| {
        !name.is_empty()
            && !name.starts_with('-')
            && !name.ends_with('-')
            && !name.contains("--")
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
    };
    for stage in STAGES {
        let name = stage.name;
        assert!(names.insert(name), "two stages {name}");
        assert!(kebab(name), "{name}");
        assert!(known.contains(stage.source), "{name}: {} is no source file", stage.source);
        assert!(known.contains(stage.report), "{name}: {} is no source file", stage.report);
        assert!(sources.insert(stage.source), "two stages in {}", stage.source);
        let folder = format!("src/stages/{}", name.replace('-', "_"));
        assert_eq!(stage.source, format!("{folder}/mod.rs"));
        assert_eq!(stage.report, format!("{folder}/report.rs"));
        assert!(
            !stage.title.is_empty() && !stage.title.contains('\n') && !stage.title.ends_with('.'),
            "{name}: {}",
            stage.title
        );
        assert!(!stage.figures.is_empty(), "{name} draws nothing");
        for figure in stage.figures {
            assert!(figures.insert(*figure), "two figures {figure}");
            assert!(kebab(figure), "{figure}");
        }
        for claim in stage.claims {
            assert!(claims.insert(*claim), "two claims {claim}");
            let (letter, rest) = claim.split_at(1);
            let (number, suffix) =
                rest.split_once('.').map_or((rest, None), |(number, suffix)| (number, Some(suffix)));
            assert!(
                "ABCD".contains(letter) && number.parse::<u8>().is_ok_and(|number| number >= 1),
                "{claim}"
            );
            assert!(suffix.is_none_or(kebab), "{claim}");
        }
        assert!(stage.kind != Kind::Theorem || !stage.claims.is_empty(), "{name}: a theorem without a claim");
    }
}

#[test]
fn the_theorems_of_task_a_are_claimed() {
    for id in ["A1", "A2", "A3", "A4", "A5"] {
        let claimed =
            STAGES.iter().any(|stage| stage.claims.iter().any(|claim| claim.split('.').next() == Some(id)));
        assert!(claimed, "{id}");
    }
}

#[test]
fn every_plan_obeys_the_rules_of_experiments() {
    for profile in [Profile::Paper, Profile::Quick] {
        let settings = settings(profile);
        let mut shared = BTreeMap::new();
        for plan in plan_all(STAGES, &settings).unwrap() {
            let name = plan.stage.name;
            assert!(!plan.requests.is_empty(), "{name}");
            assert_eq!(plan.experiments().len(), plan.requests.len(), "{name}: one request per experiment");
            for request in &plan.requests {
                let experiment = &request.experiment;
                experiment.validate().unwrap();
                let task = experiment.task();
                let (law, network) = (experiment.problem.data.name(), experiment.problem.network.name());
                let expected = match task {
                    "gmm" => ("mixture", "softmax"),
                    "xor" => ("xor", "two-layer"),
                    _ if experiment.name.starts_with("mlp-gmm") => ("mixture", "mlp"),
                    _ => ("xor", "mlp"),
                };
                assert_eq!((law, network), expected, "{name}: {}", experiment.name);
                assert!(["gmm", "xor", "mlp"].contains(&task), "{name}: {}", experiment.name);
                let own = ["gmm", "xor"].iter().any(|prefix| name.starts_with(prefix));
                assert!(!own || name.starts_with(task), "{name}: {}", experiment.name);
                assert!(experiment.schedule().len() >= 5 && experiment.schedule()[0] == 0, "{name}");
                if plan.stage.kind == Kind::Theorem {
                    assert!(experiment.replicates >= 20, "{name}: {} in {profile:?}", experiment.name);
                }
                // Stages that share an experiment mean the same one, or they would not share its trajectories.
                let first = shared.entry(experiment.name.clone()).or_insert_with(|| experiment.clone());
                assert_eq!(first, experiment, "{name}");
                for replicate in 0..experiment.replicates.min(2) {
                    let queries = request.queries(replicate);
                    assert!(
                        queries.iter().all(|query| query.checkpoint < experiment.schedule().len()),
                        "{name}"
                    );
                }
            }
        }
        let snr = shared.keys().filter(|name| name.starts_with("gmm-snr")).count();
        assert!(snr >= 5, "a grid has one experiment per point");
    }
}

#[test]
fn an_override_reaches_every_stage_that_uses_the_experiment() {
    let plain = settings(Profile::Quick);
    let names: BTreeSet<String> =
        plan_all(STAGES, &plain).unwrap().iter().flat_map(|plan| plan.experiments().into_keys()).collect();
    for name in names {
        for (key, value) in [
            ("d", "83"),
            ("lambda", "77"),
            ("beta", "0.07"),
            ("c", "0.9"),
            ("phi", "9"),
            ("horizon", "90"),
            ("replicates", "3"),
            ("checkpoints", "8"),
            match &name[..3] {
                "gmm" => ("k", "4"),
                "xor" => ("width", "4"),
                _ => ("depth", "3"),
            },
        ] {
            // The classes of an experiment that tells them apart are fixed.
            if plan_all(STAGES, &plain)
                .unwrap()
                .iter()
                .filter_map(|plan| plan.experiments().remove(&name))
                .any(|mut experiment| experiment.set(key, value).is_err())
            {
                continue;
            }
            let change = Override { experiment: name.clone(), key: key.to_owned(), value: value.to_owned() };
            let changed = Settings { overrides: vec![change], ..plain.clone() };
            // A stage whose experiments are of the other task is not touched.
            for stage in STAGES.iter().filter(|stage| stage.name[..3] == name[..3]) {
                let (before, after) =
                    (StagePlan::new(stage, &plain).unwrap(), StagePlan::new(stage, &changed).unwrap());
                for (experiment, old) in before.experiments() {
                    let mut expected = old.clone();
                    if experiment == name {
                        expected.set(key, value).unwrap();
                    }
                    assert_eq!(
                        after.experiments()[&experiment],
                        expected,
                        "{}: --set {name}.{key}={value}",
                        stage.name
                    );
                }
            }
        }
    }
}
