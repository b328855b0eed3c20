//! The store: what is published is found, what is damaged is not believed.

mod closure;
mod fuzz;
mod journal;
mod laws;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use spectral_alignment::digest::{Ingredients, KeyBuilder};
use spectral_alignment::error::Error;
use spectral_alignment::store::{Blob, Manifest, Store};
use spectral_alignment::table::{Table, TableBuilder, parquet_metadata};
use tempfile::TempDir;

fn ingredients(seed: u64) -> Ingredients {
    KeyBuilder::new("trajectory").with("experiment", "gmm").with("seed", seed).with("delta", 0.1).finish()
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
    store.publish("trajectory", "gmm 0", &ingredients(seed), &[table(shift)], &[blob()], &provenance)
}

fn new_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn entries(path: &Path) -> usize {
    fs::read_dir(path).map_or(0, Iterator::count)
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["temporary", "units"] {
        let file = folder.path().join(name).join("thesis").join("chapter.tex");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "much work").unwrap();
        let message = Store::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains("--data"), "{message}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "much work");
        fs::remove_dir_all(folder.path().join(name)).unwrap();
    }
    // In a store, what is no preparation of a run is not swept away either.
    let store = Store::open(folder.path()).unwrap();
    publish(&store, 1, 0.0).unwrap();
    fs::write(folder.path().join("temporary").join("notes"), "mine").unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(folder.path().join("temporary").join("notes").exists());
    let problems = store.doctor().unwrap();
    assert!(problems.len() == 1 && problems[0].set_aside.as_ref().unwrap().exists(), "{problems:?}");
}

#[test]
fn what_stands_in_the_place_of_locks_and_folders_is_cleared_away() {
    let (folder, store) = new_store();
    publish(&store, 1, 0.0).unwrap();
    drop(store);
    let place = |name: &str| folder.path().join(name);
    for name in ["guard", "lock"] {
        fs::remove_file(place(name)).unwrap_or_default();
        fs::create_dir(place(name)).unwrap();
    }
    fs::remove_dir_all(place("damaged")).unwrap();
    fs::write(place("damaged"), "a file").unwrap();
    fs::write(place("units").join("figures"), "a file").unwrap();
    fs::create_dir(place("claims").join("replicate-00")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.take_notes().len(), 5);
    publish(&store, 1, 0.0).unwrap();
    assert!(store.try_claim("replicate gmm 0").unwrap().is_some());
    assert_eq!(store.doctor().unwrap(), vec![]);
}

#[test]
fn a_unit_is_found_again() {
    let (folder, store) = new_store();
    assert!(store.find("trajectory", &ingredients(1).digest()).unwrap().is_none());
    let made = publish(&store, 1, 0.0).unwrap();
    let other = publish(&store, 2, 0.5).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let found = store.find("trajectory", &ingredients(1).digest()).unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(
        store.table(&found, "alignment").unwrap().unwrap().values_digest().unwrap(),
        table(0.0).values_digest().unwrap()
    );
    assert_eq!(store.blob(&found, "figure.svg").unwrap().unwrap(), blob().bytes);
    let bytes = fs::read(store.folder(&found).join("alignment.parquet")).unwrap();
    assert!(parquet_metadata(&bytes).unwrap().iter().any(|(key, _)| key == "threads"));
    assert_eq!(store.units("trajectory").unwrap().len(), 2);
    assert!(store.units("figure").unwrap().is_empty());
    assert!(store.table(&other, "aligment").unwrap_err().to_string().contains("did you mean `alignment`"));
    assert!(store.find("../trajectory", &made.key).is_err());
    let bad = Blob { name: "../x".to_owned(), bytes: vec![] };
    assert!(store.publish("trajectory", "x", &ingredients(3), &[], &[bad], &[]).is_err());
    assert!(store.publish("trajectory", "x", &ingredients(3), &[table(0.0), table(1.0)], &[], &[]).is_err());
    assert_eq!((store.doctor().unwrap(), store.take_notes()), (vec![], vec![]));
    drop(store);
    assert_eq!(entries(&folder.path().join("temporary")), 0);
}

/// Damages the first file; the second is the same file of another unit.
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
fn damage_is_seen_set_aside_and_healed() {
    for file in ["manifest.json", "alignment.parquet", "figure.svg"] {
        for (what, damage) in damages() {
            for by_doctor in [false, true] {
                let (folder, store) = new_store();
                let made = publish(&store, 1, 0.0).unwrap();
                let other = store
                    .publish(
                        "trajectory",
                        "b",
                        &ingredients(2),
                        &[table(0.5)],
                        &[Blob { bytes: b"<svg>2</svg>".to_vec(), ..blob() }],
                        &[],
                    )
                    .unwrap();
                damage(&store.folder(&made).join(file), &store.folder(&other).join(file));
                if by_doctor {
                    let problems = store.doctor().unwrap();
                    assert_eq!(problems.len(), 1, "{file} {what}: {problems:?}");
                    assert_eq!(problems[0].path, store.folder(&made));
                    assert!(problems[0].set_aside.as_ref().unwrap().exists());
                } else {
                    match store.find("trajectory", &made.key).unwrap() {
                        None => assert_eq!(file, "manifest.json", "{what}"),
                        Some(found) if file == "figure.svg" => {
                            assert_eq!(store.blob(&found, file).unwrap(), None, "{what}");
                        }
                        Some(found) => {
                            assert!(store.table(&found, "alignment").unwrap().is_none(), "{file} {what}");
                        }
                    }
                }
                let notes = store.take_notes();
                assert!(notes.len() == 1 && notes[0].contains(made.key.as_str()), "{file} {what}: {notes:?}");
                assert_eq!(entries(&folder.path().join("damaged")), 1);
                assert!(store.find("trajectory", &made.key).unwrap().is_none());
                let again = publish(&store, 1, 0.0).unwrap();
                assert!(again.same_values(&made));
                assert_eq!(
                    (store.doctor().unwrap(), store.find("trajectory", &made.key).unwrap()),
                    (vec![], Some(again))
                );
            }
        }
    }
}

#[test]
fn units_in_the_wrong_place_are_not_believed() {
    let (_folder, store) = new_store();
    let (a, b) = (publish(&store, 1, 0.0).unwrap(), publish(&store, 2, 0.5).unwrap());
    fs::remove_dir_all(store.folder(&a)).unwrap();
    fs::rename(store.folder(&b), store.folder(&a)).unwrap();
    assert!(store.find("trajectory", &a.key).unwrap().is_none());
    assert!(store.take_notes()[0].contains("belongs to another unit"));
    fs::write(store.root().join("units").join("stray"), "x").unwrap();
    fs::create_dir_all(store.root().join("units/trajectory/zz")).unwrap();
    fs::write(store.root().join("units/trajectory/zz/file"), "x").unwrap();
    let problems = store.doctor().unwrap();
    let strays = problems.iter().filter(|found| found.problem.contains("does not belong")).count();
    let lost = problems.iter().filter(|found| found.path == store.folder(&b)).count();
    assert_eq!((problems.len(), strays, lost), (3, 2, 1), "{problems:?}");
    assert!(problems.iter().all(|found| found.healed));
    assert_eq!(store.doctor().unwrap(), vec![]);
}

#[test]
fn publishing_heals_what_it_finds_damaged() {
    let (folder, store) = new_store();
    let made = publish(&store, 1, 0.0).unwrap();
    fs::write(store.folder(&made).join("alignment.parquet"), "junk").unwrap();
    publish(&store, 1, 0.0).unwrap();
    assert!(store.doctor().unwrap().is_empty());
    assert_eq!((entries(&folder.path().join("damaged")), store.take_notes().len()), (1, 1));
}

#[test]
fn a_second_value_under_a_key_is_a_finding() {
    let (folder, store) = new_store();
    let made = publish(&store, 1, 0.0).unwrap();
    for _ in 0..2 {
        let error = publish(&store, 1, 1e-9).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("not deterministic") && message.contains(made.key.as_str()), "{message}");
        assert!(message.contains("nondeterministic/trajectory-"), "{message}");
        assert_eq!(error.exit_status(), 3);
    }
    assert_eq!(store.find("trajectory", &made.key).unwrap(), Some(made));
    assert_eq!(entries(&folder.path().join("nondeterministic")), 1);
    assert_eq!(store.doctor().unwrap().len(), 1);
}

#[test]
fn many_at_once_publish_once() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Store::open(folder.path()).unwrap();
    let made: Vec<Manifest> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|index| {
                let (shared, path) = (&shared, folder.path());
                scope.spawn(move || {
                    let own = Store::open(path).unwrap();
                    (0..6)
                        .map(|seed| publish(if index % 2 == 0 { shared } else { &own }, seed, 0.0).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().map(|manifest| &manifest.digest).collect::<BTreeSet<_>>().len(), 6);
    assert!(shared.doctor().unwrap().is_empty());
    assert_eq!(
        (entries(&folder.path().join("damaged")), entries(&folder.path().join("nondeterministic"))),
        (0, 0)
    );
}

#[test]
fn a_run_waits_for_another_and_killed_runs_leave_nothing() {
    let (folder, store) = new_store();
    let lock = store.lock_exclusive(|| panic!("nobody holds it")).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            drop(Store::open(folder.path()).unwrap().lock_exclusive(|| sender.send(()).unwrap()).unwrap());
        });
        receiver.recv().unwrap();
        drop(lock);
    });
    let left = folder.path().join("temporary").join("run-dead");
    fs::create_dir_all(left.join("1")).unwrap();
    fs::write(left.join("lock"), "").unwrap();
    fs::write(left.join("1/manifest.json"), "{").unwrap();
    publish(&store, 1, 0.0).unwrap();
    drop(Store::open(folder.path()).unwrap());
    assert!(!left.exists());
    assert_eq!(entries(&folder.path().join("temporary")), 1, "the area of the living store stays");
    publish(&store, 2, 0.0).unwrap();
}

#[test]
fn a_place_that_cannot_be_a_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/none")] {
        let error = Store::open(&path).unwrap_err();
        assert_eq!(error.exit_status(), 3);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    let root = folder.path().join("data");
    drop(Store::open(&root).unwrap());
    let format = root.join("format");
    let good = fs::read(&format).unwrap();
    let newer = spectral_alignment::digest::sha256(b"spectral-alignment store 2");
    fs::write(&format, format!("spectral-alignment store 2 {newer}\n")).unwrap();
    assert!(Store::open(&root).unwrap_err().to_string().contains("newer"));
    for damaged in [&b""[..], b"spectral-alignment store 2\n", b"\xff\xfe"] {
        fs::write(&format, damaged).unwrap();
        let store = Store::open(&root).unwrap();
        assert_eq!((store.take_notes().len(), fs::read(&format).unwrap()), (1, good.clone()));
    }
}

#[test]
fn thousands_of_units_are_checked_quickly() {
    let (_folder, store) = new_store();
    let made = publish(&store, 0, 0.0).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..3000 {
        store.find("trajectory", &made.key).unwrap();
    }
    assert!(start.elapsed().as_secs_f64() < 1.0, "{:?}", start.elapsed());
}
