//! Packs: what is added is found, what is damaged is mended, what differs is told.

use super::{damages, entries, examine, open};
use spectral_alignment::digest::KeyBuilder;
use spectral_alignment::store::{Access, Group, Record, Store};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

pub(super) fn group(seed: u64) -> Group {
    Group::new("gmm", KeyBuilder::new("trajectories").with("seed", seed).finish())
}

/// Values that no two ids share.
pub(super) fn payload(id: &str) -> Vec<u8> {
    (0..40_u8).flat_map(|byte| [byte, id.len() as u8]).chain(id.bytes()).collect()
}

pub(super) fn record(id: &str) -> Record {
    Record { id: id.to_owned(), items: 3, seconds: 0.25, payload: payload(id) }
}

pub(super) fn provenance() -> [(String, String); 1] {
    [("cpu".to_owned(), "a processor".to_owned())]
}

pub(super) fn add(store: &Store, seed: u64, ids: &[&str]) {
    store.append(&group(seed), &provenance(), ids.iter().map(|id| record(id)).collect()).unwrap();
}

/// Ids of the records that can be read; each must be what was added.
pub(super) fn readable(store: &Store, seed: u64) -> Vec<String> {
    let mut ids: Vec<String> =
        store.records(&group(seed)).unwrap().iter().map(|entry| entry.id.clone()).collect();
    ids.sort();
    ids.retain(|id| {
        let found = store.read(&group(seed), id).unwrap();
        found.inspect(|found| assert_eq!(*found, payload(id))).is_some()
    });
    ids
}

pub(super) fn packs(store: &Store, seed: u64) -> Vec<PathBuf> {
    let key = group(seed).key().brief().to_owned();
    let folder = store.root().join("packs/gmm").join(format!("trajectories-{key}"));
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn records_are_found_again_and_merged_into_one_file() {
    let (folder, store) = super::new_store();
    add(&store, 1, &["0", "1"]);
    add(&store, 1, &["2"]);
    add(&store, 1, &["2", "1"]);
    add(&store, 2, &["0"]);
    assert_eq!(
        (packs(&store, 1).len(), packs(&store, 2).len()),
        (2, 1),
        "what is there is not written again"
    );
    let reader = Store::open(folder.path(), Access::Read, |_| {}).unwrap();
    for store in [&store, &reader, &open(folder.path())] {
        assert_eq!(readable(store, 1), ["0", "1", "2"]);
        let records = store.records(&group(1)).unwrap();
        let entry = records.get("1").unwrap();
        assert_eq!((entry.items, entry.seconds), (3, 0.25));
        assert_eq!(entry.values, spectral_alignment::digest::sha256(&payload("1")));
        assert_eq!(store.provenance(&group(1), entry).unwrap(), provenance());
        assert!(store.read(&group(1), "3").unwrap().is_none() && records.get("3").is_none());
    }
    store.merge(&group(1), &|_, _| false).unwrap();
    let merged = packs(&store, 1);
    assert_eq!((merged.len(), readable(&store, 1).len()), (1, 3));
    // Who had looked at the packs before finds their records in the new one.
    assert_eq!(readable(&reader, 1), ["0", "1", "2"]);
    // One file with these records always has these bytes, in whatever order they came.
    let (_other, again) = super::new_store();
    add(&again, 1, &["2", "0", "1"]);
    let name = |path: &PathBuf| path.file_name().unwrap().to_owned();
    assert_eq!(name(&packs(&again, 1)[0]), name(&merged[0]));
    assert_eq!(fs::read(&packs(&again, 1)[0]).unwrap(), fs::read(&merged[0]).unwrap());
    assert_eq!(store.groups().unwrap().len(), 2);
    assert_eq!(examine(&store), vec![]);
    assert_eq!(entries(&folder.path().join("temporary")), 0);
}

#[test]
fn a_damaged_pack_keeps_its_intact_records() {
    for (what, damage) in damages() {
        for by_doctor in [false, true] {
            let (folder, store) = super::new_store();
            add(&store, 1, &["0", "1", "2"]);
            add(&store, 2, &["0", "1"]);
            let file = packs(&store, 1).remove(0);
            damage(&file, &packs(&store, 2)[0]);
            drop(store);
            // Who only reads believes nothing wrong and moves nothing.
            let reader = Store::open(folder.path(), Access::Read, |_| {}).unwrap();
            let seen = readable(&reader, 1);
            assert_eq!(entries(&folder.path().join("damaged")), 0);
            let store = open(folder.path());
            let problems = if by_doctor { examine(&store) } else { Vec::new() };
            let kept = readable(&store, 1);
            let problems = [problems, store.take_problems()].concat();
            let lost = match what {
                "removed" | "a folder" | "empty" | "swapped" => 3,
                "a bit in the middle" => 1,
                "truncated" => 2,
                _ => 0,
            };
            assert!(kept.len() >= 3 - lost && kept.len() >= seen.len(), "{what}: {kept:?} {seen:?}");
            if what == "removed" || what == "a folder" {
                // Nothing is left to be named; what is missing is computed again.
                assert!(kept.is_empty());
            } else {
                assert!(
                    problems
                        .iter()
                        .any(|found| found.path == file && (found.set_aside.is_some() || kept.len() == 3)),
                    "{what}: {problems:?}"
                );
                assert!(problems.iter().all(|found| found.healed));
            }
            add(&store, 1, &["0", "1", "2"]);
            assert_eq!(readable(&store, 1), ["0", "1", "2"], "{what}");
            if what != "a folder" {
                assert_eq!(examine(&store), vec![], "{what}");
            }
        }
    }
}

#[test]
fn a_pack_knows_its_group() {
    let (_folder, store) = super::new_store();
    add(&store, 1, &["0", "1"]);
    add(&store, 2, &["2"]);
    let (one, other) = (packs(&store, 1).remove(0), packs(&store, 2).remove(0));
    fs::rename(&other, one.parent().unwrap().join(other.file_name().unwrap())).unwrap();
    store.forget(&group(1));
    assert_eq!(readable(&store, 1), ["0", "1"]);
    let problems = store.take_problems();
    assert!(problems.len() == 1 && problems[0].problem.contains("another group"), "{problems:?}");
}

#[test]
fn two_values_of_one_record_are_both_kept_and_named() {
    let (folder, store) = super::new_store();
    add(&store, 1, &["0", "1"]);
    let other = || Record { payload: b"other".to_vec(), ..record("1") };
    let error = store.append(&group(1), &provenance(), vec![other(), record("2")]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("not deterministic") && message.contains("trajectories of gmm: 1 is"),
        "{message}"
    );
    assert!(message.contains("nondeterministic/gmm-trajectories-") && error.exit_status() == 3, "{message}");
    assert_eq!(readable(&store, 1), ["0", "1", "2"], "what agrees is kept");
    let problems = examine(&store);
    assert!(
        problems.len() == 1 && !problems[0].healed && problems[0].problem.contains("gmm: 1"),
        "{problems:?}"
    );
    // The wrong one was the first: it is deleted, and a computation gives the second again.
    fs::remove_dir_all(folder.path().join("packs")).unwrap();
    let store = open(folder.path());
    assert!(examine(&store)[0].problem.contains("whose first one is gone"));
    store.append(&group(1), &provenance(), vec![other()]).unwrap();
    assert!(examine(&store)[0].problem.contains("removed"));
    assert_eq!(examine(&store), vec![]);
}

#[test]
fn two_runs_at_once_that_disagree_are_found_when_their_packs_are_merged() {
    let (folder, store) = super::new_store();
    let second = open(folder.path());
    assert_eq!(second.records(&group(1)).unwrap().iter().count(), 0);
    add(&store, 1, &["0", "1"]);
    // The second does not know of the first's yet.
    let other = Record { payload: b"other".to_vec(), ..record("1") };
    second.append(&group(1), &provenance(), vec![other, record("0")]).unwrap();
    let error = open(folder.path()).merge(&group(1), &|_, _| false).unwrap_err();
    assert!(error.to_string().contains("not deterministic"), "{error}");
    assert_eq!(packs(&store, 1).len(), 1);
    assert!(examine(&open(folder.path())).iter().any(|found| !found.healed));
}

#[test]
fn only_what_is_in_use_stays() {
    let (folder, store) = super::new_store();
    add(&store, 1, &["0", "1"]);
    add(&store, 1, &["2"]);
    add(&store, 2, &["0"]);
    super::publish(&store, 1, 0.0).unwrap();
    super::publish(&store, 2, 0.0).unwrap();
    fs::write(folder.path().join("damaged/old"), "12345").unwrap();
    drop(store);
    let store = Store::open(folder.path(), Access::Alone, |_| panic!("nobody else has it")).unwrap();
    let drop_unused = |really: bool| -> BTreeMap<String, (u64, u64)> {
        let keep = |of: &Group, entry: &spectral_alignment::store::Entry| *of == group(1) && entry.id != "1";
        let dropped =
            store.drop_unused(&keep, &|result| result.ingredients == super::ingredients(1), really).unwrap();
        let sum = dropped.into_iter().map(|item| (format!("{} {}", item.kind, item.count), item.bytes));
        sum.fold(BTreeMap::new(), |mut all, (kind, bytes)| {
            let of = all.entry(kind).or_insert((0, 0));
            *of = (of.0 + 1, of.1 + bytes);
            all
        })
    };
    let planned = drop_unused(false);
    assert_eq!(planned["damaged 1"], (1, 5));
    assert_eq!(planned["trajectories 1"], (2, (payload("0").len() + payload("1").len()) as u64));
    assert_eq!(planned["tables 1"].0, 1);
    assert_eq!(readable(&store, 2), ["0"]);
    assert_eq!(drop_unused(true), planned);
    assert_eq!((readable(&store, 1), readable(&store, 2)), (vec!["0".to_owned(), "2".to_owned()], vec![]));
    assert_eq!((packs(&store, 1).len(), packs(&store, 2).len()), (1, 0));
    assert_eq!(store.results("tables").unwrap().len(), 1);
    assert_eq!(drop_unused(true), BTreeMap::new());
    assert_eq!(examine(&store), vec![]);
}

#[test]
fn threads_and_processes_add_to_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (shared, path) = (&shared, folder.path());
            scope.spawn(move || {
                let own = open(path);
                for number in 0..8 {
                    let id = (thread % 3 * 8 + number).to_string();
                    add(if thread % 2 == 0 { shared } else { &own }, 1, &[&id]);
                    if number == 5 {
                        own.merge(&group(1), &|_, _| false).unwrap();
                    }
                }
            });
        }
    });
    let store = open(folder.path());
    store.merge(&group(1), &|_, _| false).unwrap();
    assert_eq!((readable(&store, 1).len(), packs(&store, 1).len()), (24, 1));
    assert_eq!(examine(&store), vec![]);
}
