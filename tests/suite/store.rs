//! The store: what is published is found, what is damaged is not believed.

mod clean;
mod closure;
mod fuzz;
mod laws;
mod packs;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use spectral_alignment::digest::{Ingredients, KeyBuilder};
use spectral_alignment::error::Error;
use spectral_alignment::store::{Access, Blob, Manifest, Problem, Publication, Store};
use spectral_alignment::table::{Table, TableBuilder, parquet_metadata};
use tempfile::TempDir;

fn ingredients(seed: u64) -> Ingredients {
    KeyBuilder::new("tables").with("experiment", "gmm").with("seed", seed).with("delta", 0.1).finish()
}

fn table(shift: f64) -> Table {
    let rows = 0..500_u32;
    TableBuilder::new("alignment")
        .u32("replicate", rows.clone().collect())
        .u64_or_null("step", rows.clone().map(|row| (row % 7 != 0).then_some(u64::from(row) * 3)).collect())
        .i64("label", rows.clone().map(|row| i64::from(row) - 9).collect())
        .f64_or_null(
            "value",
            rows.clone().map(|row| (row % 5 != 0).then(|| libm::sin(f64::from(row)) + shift)).collect(),
        )
        .str_or_null(
            "layer",
            &rows.clone().map(|row| (row % 3 != 0).then(|| format!("layer {row}"))).collect::<Vec<_>>(),
        )
        .bool("outlier", rows.clone().map(|row| row % 2 == 0).collect())
        .f64_list_or_null(
            "features",
            &rows
                .map(|row| (row % 4 != 0).then(|| vec![f64::from(row); row as usize % 4]))
                .collect::<Vec<_>>(),
        )
        .build()
        .unwrap()
}

fn blob() -> Blob {
    Blob { name: "figure.svg".to_owned(), bytes: b"<svg/>".to_vec() }
}

fn publish(store: &Store, seed: u64, shift: f64) -> Result<Manifest, Error> {
    let provenance = [("threads".to_owned(), format!("{:?}", std::thread::current().id()))];
    store.publish(Publication {
        stage: "gmm",
        ingredients: &ingredients(seed),
        tables: &[table(shift)],
        blobs: &[blob()],
        provenance: &provenance,
        lineage: &BTreeMap::new(),
    })
}

fn open(path: &Path) -> Store {
    Store::open(path, Access::Write, |_| panic!("nobody has it alone")).unwrap()
}

fn new_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (folder, store)
}

fn entries(path: &Path) -> usize {
    fs::read_dir(path).map_or(0, Iterator::count)
}

/// What an examination of every byte finds.
fn examine(store: &Store) -> Vec<Problem> {
    store.examine(&|| {}).unwrap();
    store.take_problems()
}

/// Everything below a folder, files with their bytes.
fn tree(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(tree(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    for name in ["temporary/run-1/thesis.tex", "format/x", "journal", "packs/gmm/notes", "format"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "much work").unwrap();
        let before = tree(folder.path());
        for access in [Access::Read, Access::Write, Access::Alone] {
            let error = Store::open(folder.path(), access, |_| {}).unwrap_err();
            assert!(error.to_string().contains("--data") && error.exit_status() == 3, "{name}: {error}");
            assert_eq!(tree(folder.path()), before);
        }
    }
}

#[test]
fn a_folder_with_our_readme_is_a_new_store_and_a_question_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("README.md"), "the cache").unwrap();
    let before = tree(folder.path());
    let reader = Store::open(folder.path(), Access::Read, |_| {}).unwrap();
    assert!(reader.result("gmm", &ingredients(1)).unwrap().is_none());
    assert!(reader.results("tables").unwrap().is_empty() && reader.groups().unwrap().is_empty());
    assert_eq!(tree(folder.path()), before);
    let made = publish(&open(folder.path()), 1, 0.0).unwrap();
    let reader = Store::open(folder.path(), Access::Read, |_| {}).unwrap();
    assert_eq!(reader.result("gmm", &ingredients(1)).unwrap(), Some(made));
    assert!(publish(&reader, 2, 0.0).is_err());
    assert!(Store::open(&folder.path().join("nowhere"), Access::Read, |_| {}).is_ok());
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn links_among_our_own_names_are_not_followed() {
    for name in
        ["packs", "stages", "work", "temporary", "damaged", "nondeterministic", "guard", "lock", "format"]
    {
        let (folder, store) = new_store();
        publish(&store, 1, 0.0).unwrap();
        drop(store);
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("mine"), "mine").unwrap();
        let place = folder.path().join(name);
        let target = if place.is_dir() { outside.path().to_owned() } else { outside.path().join("mine") };
        if place.is_dir() {
            fs::remove_dir_all(&place).unwrap();
        } else {
            fs::remove_file(&place).unwrap_or_default();
        }
        std::os::unix::fs::symlink(&target, &place).unwrap();
        let before = tree(outside.path());
        if let Ok(store) = Store::open(folder.path(), Access::Write, |_| {}) {
            let _ = publish(&store, 2, 0.0);
            let _ = store.examine(&|| {});
            drop(store);
        }
        if let Ok(store) = Store::open(folder.path(), Access::Alone, |_| {}) {
            let _ = store.drop_unused(&|_, _| false, &|_| false, true);
        }
        assert_eq!(tree(outside.path()), before, "{name}");
    }
}

#[test]
fn a_result_is_found_again() {
    let (folder, store) = new_store();
    assert!(store.result("gmm", &ingredients(1)).unwrap().is_none());
    let made = publish(&store, 1, 0.0).unwrap();
    let other = publish(&store, 2, 0.5).unwrap();
    drop(store);
    let store = open(folder.path());
    let found = store.result("gmm", &ingredients(1)).unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(
        store.table(&found, "alignment").unwrap().unwrap().values_digest().unwrap(),
        table(0.0).values_digest().unwrap()
    );
    assert_eq!(store.blob(&found, "figure.svg").unwrap().unwrap(), blob().bytes);
    let bytes = fs::read(store.result_folder(&found).join("alignment.parquet")).unwrap();
    assert!(parquet_metadata(&bytes).unwrap().iter().any(|(key, _)| key == "threads"));
    assert_eq!(store.results("tables").unwrap().len(), 2);
    assert!(store.results("figures").unwrap().is_empty());
    assert!(store.table(&other, "aligment").unwrap_err().to_string().contains("did you mean `alignment`"));
    assert!(store.result("../gmm", &ingredients(1)).is_err());
    let lineage = BTreeMap::new();
    let refused = |tables: &[Table], blobs: &[Blob]| {
        let ingredients = ingredients(3);
        let new = Publication {
            stage: "x",
            ingredients: &ingredients,
            tables,
            blobs,
            provenance: &[],
            lineage: &lineage,
        };
        store.publish(new).is_err()
    };
    assert!(refused(&[], &[Blob { name: "../x".to_owned(), bytes: vec![] }]));
    assert!(refused(&[table(0.0), table(1.0)], &[]));
    assert_eq!(examine(&store), vec![]);
    assert_eq!(entries(&folder.path().join("temporary")), 0);
}

/// Damages the first file; the second is the same file of another result.
type Damage = fn(&Path, &Path);

/// Every way in which a file can be damaged.
fn damages() -> Vec<(&'static str, Damage)> {
    fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
    vec![
        ("first bit", |file, _| edit(file, |bytes| bytes[0] ^= 1)),
        ("a bit in the middle", |file, _| {
            edit(file, |bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 4;
            });
        }),
        ("last bit", |file, _| {
            edit(file, |bytes| {
                let at = bytes.len() - 1;
                bytes[at] ^= 128;
            });
        }),
        ("truncated", |file, _| edit(file, |bytes| bytes.truncate(bytes.len() / 2))),
        ("longer", |file, _| edit(file, |bytes| bytes.push(b' '))),
        ("empty", |file, _| fs::write(file, []).unwrap()),
        ("removed", |file, _| fs::remove_file(file).unwrap()),
        ("a folder", |file, _| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
        ("swapped", |file, other| {
            fs::copy(other, file).unwrap();
        }),
    ]
}

#[test]
fn damage_to_a_result_is_seen_set_aside_and_healed() {
    for file in ["manifest.json", "alignment.parquet", "figure.svg"] {
        for (what, damage) in damages() {
            for by_doctor in [false, true] {
                let (folder, store) = new_store();
                let made = publish(&store, 1, 0.0).unwrap();
                let blobs = [Blob { bytes: b"<svg>2</svg>".to_vec(), ..blob() }];
                let (key, lineage) = (ingredients(2), BTreeMap::new());
                let other = Publication {
                    stage: "b",
                    ingredients: &key,
                    tables: &[table(0.5)],
                    blobs: &blobs,
                    provenance: &[],
                    lineage: &lineage,
                };
                let other = store.publish(other).unwrap();
                let place = store.result_folder(&made);
                damage(&place.join(file), &store.result_folder(&other).join(file));
                // Who only reads says what is wrong and moves nothing.
                let reader = Store::open(folder.path(), Access::Read, |_| {}).unwrap();
                let whole = reader
                    .result("gmm", &ingredients(1))
                    .unwrap()
                    .is_some_and(|found| reader.is_intact(&found).unwrap());
                assert!(!whole && reader.take_problems().len() == 1, "{file} {what}");
                assert_eq!(entries(&folder.path().join("damaged")), 0);
                if by_doctor {
                    store.examine(&|| {}).unwrap();
                } else {
                    match store.result("gmm", &ingredients(1)).unwrap() {
                        None => assert_eq!(file, "manifest.json", "{what}"),
                        Some(found) if file == "figure.svg" => {
                            assert_eq!(store.blob(&found, file).unwrap(), None, "{what}");
                        }
                        Some(found) => {
                            assert!(store.table(&found, "alignment").unwrap().is_none(), "{file} {what}");
                        }
                    }
                }
                let problems = store.take_problems();
                let [problem] = problems.as_slice() else { panic!("{file} {what}: {problems:?}") };
                assert!(problem.path == place && problem.healed, "{file} {what}: {problem:?}");
                assert!(problem.set_aside.as_ref().unwrap().exists());
                assert_eq!(entries(&folder.path().join("damaged")), 1);
                assert!(store.result("gmm", &ingredients(1)).unwrap().is_none());
                let again = publish(&store, 1, 0.0).unwrap();
                assert!(again.same_values(&made));
                assert_eq!(
                    (examine(&store), store.result("gmm", &ingredients(1)).unwrap()),
                    (vec![], Some(again))
                );
            }
        }
    }
}

#[test]
fn results_in_the_wrong_place_are_not_believed_and_strangers_are_left_alone() {
    let (folder, store) = new_store();
    let (a, b) = (publish(&store, 1, 0.0).unwrap(), publish(&store, 2, 0.5).unwrap());
    fs::remove_dir_all(store.result_folder(&a)).unwrap();
    fs::rename(store.result_folder(&b), store.result_folder(&a)).unwrap();
    assert!(store.result("gmm", &ingredients(1)).unwrap().is_none());
    assert!(store.take_problems()[0].problem.contains("belongs to another result"));
    let strangers = ["stray", "stages/stray", "stages/gmm/stray", "packs/stray"];
    for name in strangers {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    let problems = examine(&store);
    assert_eq!(problems.len(), strangers.len(), "{problems:?}");
    for (name, problem) in strangers.iter().zip(["stray", "packs/stray", "stages/stray", "stages/gmm/stray"])
    {
        assert!(problems.iter().any(|found| found.path == folder.path().join(problem)), "{problems:?}");
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"mine");
    }
}

#[test]
fn publishing_heals_what_it_finds_damaged() {
    let (folder, store) = new_store();
    let made = publish(&store, 1, 0.0).unwrap();
    fs::write(store.result_folder(&made).join("alignment.parquet"), "junk").unwrap();
    publish(&store, 1, 0.0).unwrap();
    assert_eq!((entries(&folder.path().join("damaged")), store.take_problems().len()), (1, 1));
    assert!(examine(&store).is_empty());
}

#[test]
fn a_second_value_under_a_key_is_a_finding() {
    let (folder, store) = new_store();
    let made = publish(&store, 1, 0.0).unwrap();
    let error = publish(&store, 1, 1e-9).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("not deterministic") && message.contains(made.key.brief()), "{message}");
    assert!(message.contains("nondeterministic/tables-") && error.exit_status() == 3, "{message}");
    assert_eq!(store.result("gmm", &ingredients(1)).unwrap(), Some(made.clone()));
    let problems = examine(&store);
    assert!(problems.len() == 1 && !problems[0].healed, "{problems:?}");
    // Somebody deletes the first: the next computation decides, and settles it where it gives the second again.
    fs::remove_dir_all(store.result_folder(&made)).unwrap();
    assert!(examine(&store)[0].problem.contains("whose first one is gone"));
    publish(&store, 1, 1e-9).unwrap();
    assert!(examine(&store)[0].problem.contains("removed"));
    assert_eq!((examine(&store), entries(&folder.path().join("nondeterministic"))), (vec![], 0));
}

#[test]
fn many_at_once_publish_once() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    let made: Vec<Manifest> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|index| {
                let (shared, path) = (&shared, folder.path());
                scope.spawn(move || {
                    let own = open(path);
                    (0..6)
                        .map(|seed| publish(if index % 2 == 0 { shared } else { &own }, seed, 0.0).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().map(|manifest| &manifest.digest).collect::<BTreeSet<_>>().len(), 6);
    assert!(examine(&shared).is_empty());
    assert_eq!(
        (entries(&folder.path().join("damaged")), entries(&folder.path().join("nondeterministic"))),
        (0, 0)
    );
}

#[test]
fn who_drops_waits_for_runs_and_killed_runs_leave_nothing() {
    let (folder, store) = new_store();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let path = folder.path();
        scope.spawn(move || {
            let announce = move |sentence: &str| sender.send(sentence.to_owned()).unwrap_or_default();
            drop(Store::open(path, Access::Alone, announce).unwrap());
        });
        // It says for whom, for what and how long.
        let sentence: String = receiver.recv().unwrap();
        let (process, lock) = (format!("process {}", std::process::id()), folder.path().join("lock"));
        for part in ["waiting for", &process, lock.to_str().unwrap(), "(0 s so far)"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        // Questions wait for nobody.
        drop(Store::open(folder.path(), Access::Read, |_| panic!("a question waits")).unwrap());
        drop(store);
    });
    let left = folder.path().join("temporary/1234-5-6");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("manifest.json"), "{").unwrap();
    let store = open(folder.path());
    assert!(!left.exists());
    // Not while somebody works: it may be theirs.
    fs::create_dir_all(&left).unwrap();
    drop(open(folder.path()));
    assert!(left.exists());
    publish(&store, 2, 0.0).unwrap();
}

#[test]
fn a_place_that_cannot_be_a_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/none")] {
        let error = Store::open(&path, Access::Write, |_| {}).unwrap_err();
        assert_eq!(error.exit_status(), 3);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn stores_of_other_layouts_are_named_and_left_alone() {
    for (version, word) in [(1, "older"), (99, "newer")] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("spectral-alignment store {version}");
        let line = format!("{text} {}\n", spectral_alignment::digest::sha256(text.as_bytes()));
        fs::write(folder.path().join("format"), line).unwrap();
        fs::create_dir(folder.path().join("units")).unwrap();
        fs::write(folder.path().join("units/x"), "x").unwrap();
        let before = tree(folder.path());
        for access in [Access::Read, Access::Write, Access::Alone] {
            let message = Store::open(folder.path(), access, |_| {}).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("--data"), "{message}");
        }
        assert_eq!(tree(folder.path()), before);
    }
}

#[test]
fn what_makes_it_a_store_stands_twice() {
    let (folder, store) = new_store();
    publish(&store, 1, 0.0).unwrap();
    drop(store);
    let line = fs::read(folder.path().join("format")).unwrap();
    for name in ["format", "lock"] {
        for damaged in [Some(&b""[..]), Some(b"spectral-alignment store 2\n"), Some(b"\xff\xfe"), None] {
            match damaged {
                Some(bytes) => fs::write(folder.path().join(name), bytes).unwrap(),
                None => fs::remove_file(folder.path().join(name)).unwrap(),
            }
            let store = open(folder.path());
            assert!(store.result("gmm", &ingredients(1)).unwrap().is_some());
            assert_eq!(fs::read(folder.path().join(name)).unwrap(), line);
        }
    }
}
