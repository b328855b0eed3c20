use crate::committing::{EFFORT, SMALL, committed_place, paper};
use crate::support::{Place, quick};
use spectral_alignment::digest::{Ingredients, KeyBuilder, Value};
use spectral_alignment::pipeline::context::RunContext;
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::pipeline::provenance::SOURCES;
use spectral_alignment::pipeline::run::run;
use spectral_alignment::published::DEFAULT_SEED;
use spectral_alignment::published::why::{Change, Explanation, why};
use spectral_alignment::published::{Figures, Status};
use spectral_alignment::stage::{Override, Settings};
use spectral_alignment::store::{Manifest, Publication, Record, Store};
use std::fs;

fn query(store: &Store, figures: &Figures, settings: &Settings) -> Explanation {
    let plan = StagePlan::new(&SMALL, settings).unwrap();
    why(&RunContext::new(store, settings).unwrap(), figures, &plan).unwrap()
}

fn change(ingredient: &str, old: &str, new: &str) -> Change {
    let (old, new) = (Some(old.to_owned()), Some(new.to_owned()));
    Change { ingredient: ingredient.to_owned(), old, new }
}

fn with(key: &str, value: &str) -> Settings {
    let change =
        Override { experiment: "gmm-template".to_owned(), key: key.to_owned(), value: value.to_owned() };
    Settings { overrides: vec![change], ..paper() }
}

#[test]
fn what_changed_is_named_from_old_to_new() {
    let (place, figures) = committed_place(&SMALL);
    let store = place.store();
    assert_eq!(
        query(&store, &figures, &paper()),
        Explanation { status: Status::UpToDate, against: "cache", changes: vec![] }
    );
    for (settings, expected) in [
        (with("lambda", "10"), change("gmm-template.lambda", "100.0", "10.0")),
        (with("replicates", "3"), change("gmm-template.replicates", "20", "3")),
        (Settings { seed: 5, ..paper() }, change("seed", &DEFAULT_SEED.to_string(), "5")),
    ] {
        let answer = query(&store, &figures, &settings);
        assert_eq!((answer.status, answer.against), (Status::Stale, "cache"));
        assert_eq!(answer.changes, [expected]);
    }
    // Of several earlier results the nearest is taken.
    run(&[&SMALL], &[&SMALL], &store, &with("lambda", "10"), EFFORT).unwrap();
    let mut both = with("lambda", "10");
    both.overrides.extend(with("beta", "0.1").overrides);
    assert_eq!(query(&store, &figures, &both).changes, [change("gmm-template.beta", "0.05", "0.1")]);
}

/// A result as a program would have made it whose `path` had the digest `0123456789abcdef`: with another digest of code
/// among its own ingredients, or among those of its data.
fn by_older_code(from: &Store, to: &Store, result: &Manifest, role: &str, path: &str) {
    let older = |of: &Ingredients| {
        of.iter().fold(KeyBuilder::new(of.kind()), |key, (name, value)| {
            key.with(name, if name == role { Value::from("another digest") } else { value.clone() })
        })
    };
    let mut key = older(&result.ingredients);
    if role == "trajectory code" {
        // The old code gave other values.
        key = result.ingredients.iter().fold(KeyBuilder::new(&*result.kind), |key, (name, value)| {
            key.with(name, if name == "inputs" { Value::from("other values") } else { value.clone() })
        });
    }
    let mut provenance = result.provenance.clone();
    for (_, text) in provenance.iter_mut().filter(|(name, _)| name == SOURCES) {
        let line = |line: &str| {
            if line.starts_with(path) { format!("{path} 0123456789abcdef") } else { line.to_owned() }
        };
        *text = text.lines().map(line).collect::<Vec<_>>().join("\n");
    }
    let tables: Vec<_> =
        result.tables.iter().map(|entry| from.table(result, &entry.table).unwrap().unwrap()).collect();
    let blobs: Vec<_> = result
        .blobs
        .iter()
        .map(|entry| spectral_alignment::store::Blob {
            name: entry.name.clone(),
            bytes: from.blob(result, &entry.name).unwrap().unwrap(),
        })
        .collect();
    let lineage = result.lineage.iter().map(|(name, of)| (name.clone(), older(of).finish())).collect();
    to.publish(Publication {
        stage: &result.name,
        ingredients: &key.finish(),
        tables: &tables,
        blobs: &blobs,
        provenance: &provenance,
        lineage: &lineage,
    })
    .unwrap();
}

fn copy_packs(from: &Store, to: &Store) {
    for group in from.groups().unwrap() {
        for entry in from.records(&group).unwrap().iter() {
            let payload = from.read(&group, &entry.id).unwrap().unwrap();
            let record = Record { id: entry.id.clone(), items: entry.items, seconds: entry.seconds, payload };
            to.append(&group, &[], vec![record]).unwrap();
        }
    }
}

#[test]
fn a_changed_source_file_is_named() {
    let (place, figures) = committed_place(&SMALL);
    let store = place.store();
    for (kind, role, path) in [
        ("data", "trajectory code", "src/simulation/sgd.rs"),
        ("tables", "code", "src/stage/rows.rs"),
        ("figures", "code", "src/plot/description/axis.rs"),
    ] {
        let folder = Place::new();
        let older = folder.store();
        for result in store.results("tables").unwrap() {
            let (role, path) = if kind == "figures" { ("no role", "no file") } else { (role, path) };
            by_older_code(&store, &older, &result, role, path);
        }
        for result in store.results("figures").unwrap() {
            let (role, path) = if kind == "figures" { (role, path) } else { ("no role", "no file") };
            by_older_code(&store, &older, &result, role, path);
        }
        // The data of older code are gone.
        if kind != "data" {
            copy_packs(&store, &older);
        }
        let answer = query(&older, &figures, &paper());
        assert_eq!((answer.status, answer.against), (Status::Stale, "cache"), "{kind}");
        let [found] = answer.changes.as_slice() else { panic!("{kind}: {:?}", answer.changes) };
        assert_eq!(found.ingredient, format!("source file {path}"));
        assert_eq!(found.old.as_deref(), Some("0123456789abcdef"));
        assert_ne!(found.new, found.old);
    }
}

#[test]
fn deleted_data_is_named() {
    let (place, figures) = committed_place(&SMALL);
    fs::remove_dir_all(place.data().join("packs")).unwrap();
    let answer = query(&place.store(), &figures, &paper());
    assert_eq!(answer.changes[0].ingredient, "data of gmm-template", "{answer:?}");
}

#[test]
fn where_nothing_is_cached_the_lock_is_asked() {
    let (_place, figures) = committed_place(&SMALL);
    let empty = Place::new();
    let store = empty.store();
    let answer = query(&store, &figures, &paper());
    assert_eq!((answer.status, answer.against), (Status::Missing, "figures.lock"));
    assert_eq!(answer.changes[0].old, None, "the recipe is that of the lock: {answer:?}");
    let answer = query(&store, &figures, &with("lambda", "10"));
    assert_eq!(answer.changes, [change("gmm-template.lambda", "100.0", "10.0")]);
    let mut lock = figures.lock().unwrap();
    let mut files = lock.sources.values().next().unwrap().clone();
    files.insert("src/simulation/sgd.rs".to_owned(), "0123456789abcdef".to_owned());
    lock.sources.insert("another digest".to_owned(), files);
    let entry = lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap();
    entry.ingredients.insert("code".to_owned(), "another digest".to_owned());
    entry.recipe = "0".repeat(64);
    fs::write(figures.root().join("figures.lock"), serde_json::to_vec(&lock).unwrap()).unwrap();
    let answer = query(&store, &figures, &paper());
    assert_eq!(answer.changes.len(), 1, "{answer:?}");
    assert_eq!(answer.changes[0].ingredient, "source file src/simulation/sgd.rs");
    let nowhere = Figures::at(&empty.figures());
    assert_eq!(query(&store, &nowhere, &paper()).against, "nothing");
}

#[test]
fn the_program_answers_in_words_and_in_json() {
    assert!(quick().call(&["why", "gmm-spectrum"]).good().out.contains("gmm-spectrum: up to date"));
    let rows = quick().call(&["why", "gmm-spectrum", "--json"]).good().rows();
    assert_eq!((rows.len(), &rows[0]["status"]), (1, &"up to date".into()));
    let changed = quick().call(&["why", "gmm-spectrum", "--set", "gmm.lambda=10"]).good();
    assert!(changed.out.contains("gmm.lambda: 100.0 → 10.0"), "{changed:?}");
    let rows = quick().call(&["why", "gmm-spectrum", "--set", "gmm.lambda=10", "--json"]).good().rows();
    assert_eq!(
        (&rows[0]["ingredient"], &rows[0]["old"], &rows[0]["new"]),
        (&"gmm.lambda".into(), &"100.0".into(), &"10.0".into())
    );
    let place = Place::new();
    assert!(place.call(&["why", "gmm-spectrum"]).good().out.contains("missing"));
    place.call(&["why", "gmm-spektrum"]).refused(2, &["did you mean `gmm-spectrum`"]);
}
