use super::{STAGE, call, command, end, heals, start, undisturbed};
use crate::support::Place;
use serde_json::Value;
use spectral_alignment::digest::{Ingredients, KeyBuilder};
use spectral_alignment::store::{Group, Publication, Record, Store};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Every record and every result of the store.
fn contents(store: &Store) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for group in store.groups().unwrap() {
        let label = format!("{} {} {}", group.ingredients().kind(), group.experiment(), group.key());
        all.extend(store.records(&group).unwrap().iter().map(|entry| format!("{label} {}", entry.id)));
    }
    for kind in ["tables", "figures"] {
        all.extend(store.results(kind).unwrap().iter().map(|result| format!("{kind} {}", result.key)));
    }
    all
}

/// The group with the trajectories of an experiment.
fn trajectories(store: &Store, experiment: &str) -> Group {
    let mut groups = store.groups().unwrap().into_iter();
    groups
        .find(|group| group.experiment() == experiment && group.ingredients().kind() == "trajectories")
        .unwrap()
}

fn group_folder(place: &Place, group: &Group) -> PathBuf {
    let name = format!("{}-{}", group.ingredients().kind(), group.key().brief());
    place.data().join("packs").join(group.experiment()).join(name)
}

fn size(path: &Path) -> u64 {
    let inside = |entry: fs::DirEntry| size(&entry.path());
    if path.is_dir() {
        fs::read_dir(path).unwrap().map(|entry| inside(entry.unwrap())).sum()
    } else {
        fs::metadata(path).unwrap().len()
    }
}

#[test]
fn gc_drops_what_no_stage_uses_and_nothing_else() {
    let place = Place::copy_of(&undisturbed().0);
    let before = contents(&place.store());
    let weaker = ["--set", "xor-rank.lambda=50"];
    call(&place, &[&["run", STAGE][..], &weaker].concat()).good();
    let all = contents(&place.store());
    assert!(all.len() >= before.len() + 10 && all.is_superset(&before));
    fs::write(place.data().join("damaged/old"), "12345").unwrap();

    // Named, the variant is in use.
    let named = call(&place, &[&["gc", "--json", "--dry-run"][..], &weaker].concat()).good().rows();
    assert!(named.iter().any(|row| row["kind"] == "damaged" && row["bytes"] == 5), "{named:?}");
    for variant in all.difference(&before) {
        let key = variant.split(' ').find(|word| word.len() == 64).unwrap();
        assert!(
            !named.iter().any(|row| row["path"].as_str().unwrap().contains(&key[..16])),
            "{variant} {named:?}"
        );
    }

    let planned = call(&place, &["gc", "--json", "--dry-run"]).good().rows();
    assert_eq!(contents(&place.store()), all, "a dry run drops nothing");
    assert!(place.data().join("damaged/old").exists());
    let size_before = size(&place.data());
    let really = call(&place, &["gc", "--json"]).good().rows();
    assert_eq!(contents(&place.store()), before);
    let paths = |rows: &[Value]| rows.iter().map(|row| row["path"].to_string()).collect::<Vec<_>>();
    assert_eq!(paths(&planned), paths(&really));
    let bytes: u64 = really.iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    let freed = size_before - size(&place.data());
    assert!(bytes > 10_000 && freed >= bytes && freed < bytes + bytes / 2, "{bytes} {freed}");
    assert!(!place.data().join("damaged/old").exists());
    assert!(call(&place, &["gc"]).good().out.contains("0 items with 0 bytes dropped"));
    assert!(heals(&place, "gc").out.contains("up to date"));
    // Without the sizes of these tests no stage uses any of it.
    place.call(&["gc"]).good();
    assert!(contents(&place.store()).is_empty());
}

#[test]
fn gc_keeps_what_the_next_run_can_use() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let before = contents(&store);
    for result in store.results("tables").unwrap() {
        fs::remove_dir_all(store.result_folder(&result)).unwrap();
    }
    fs::remove_dir_all(group_folder(&place, &trajectories(&store, "xor-rank"))).unwrap();
    drop(store);
    let left = contents(&place.store());
    assert!(left.len() >= 12 && left.len() < before.len());
    call(&place, &["gc"]).good();
    assert_eq!(contents(&place.store()), left);
    call(&place, &["run", STAGE]).good();
    assert_eq!(contents(&place.store()), before);
    heals(&place, "gc");
}

#[test]
fn gc_keeps_what_other_versions_made_until_it_is_told() {
    fn of_another_version(old: &Ingredients) -> Ingredients {
        let items = old.iter().fold(KeyBuilder::new(old.kind()), |key, (role, value)| match role {
            "code" => key.with(role, "0".repeat(64)),
            _ => key.with(role, value.clone()),
        });
        items.finish()
    }
    let place = Place::copy_of(&undisturbed().0);
    let (before, store) = (contents(&place.store()), place.store());
    let group = trajectories(&store, "xor-rank");
    let other = Group::new("xor-rank", of_another_version(group.ingredients()));
    let payload = store.read(&group, "1").unwrap().unwrap();
    let record = Record { id: "1".to_owned(), items: 6, seconds: 1.0, payload };
    store.append(&other, &[], vec![record]).unwrap();
    let tables = store.results("tables").unwrap().remove(0);
    let copies: Vec<_> =
        tables.tables.iter().map(|entry| store.table(&tables, &entry.table).unwrap().unwrap()).collect();
    let ingredients = of_another_version(&tables.ingredients);
    let published = Publication {
        stage: STAGE,
        ingredients: &ingredients,
        tables: &copies,
        blobs: &[],
        provenance: &[],
        lineage: &tables.lineage,
    };
    store.publish(published).unwrap();
    drop(store);
    let both = contents(&place.store());
    assert!(both.is_superset(&before) && both.len() >= before.len() + 2);

    let kept = call(&place, &["gc"]).good();
    assert!(kept.err.contains("--all-versions") && kept.out.contains("0 items"), "{kept:?}");
    assert_eq!(contents(&place.store()), both);
    let planned = call(&place, &["gc", "--all-versions", "--dry-run", "--json"]).good().rows();
    assert!(planned.iter().any(|row| row["kind"] == "trajectories" && row["count"] == 1), "{planned:?}");
    assert!(planned.iter().any(|row| row["kind"] == "tables"), "{planned:?}");
    assert_eq!(contents(&place.store()), both);
    let told = call(&place, &["gc", "--all-versions"]).good();
    assert!(!told.err.contains("--all-versions"), "{told:?}");
    assert_eq!(contents(&place.store()), before);
    heals(&place, "gc of all versions");
}

#[test]
fn gc_waits_for_runs() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let mut gc = start(command(&place, &["gc"]));
    let mut line = String::new();
    BufReader::new(gc.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("waiting"), "{line}");
    // Other runs are not kept away meanwhile.
    heals(&place, "while gc waits");
    assert!(gc.try_wait().unwrap().is_none());
    drop(store);
    end(gc).good();
}

#[test]
fn a_second_value_is_kept_beside_the_first_and_reported() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let group = trajectories(&store, "xor-rank");
    let kept = store.read(&group, "1").unwrap();
    let other = Record { id: "1".to_owned(), items: 6, seconds: 1.0, payload: b"other values".to_vec() };
    let error = store.append(&group, &[], vec![other]).unwrap_err();
    assert!(error.to_string().contains("not deterministic"), "{error}");
    drop(store);
    let doctor = place.call(&["doctor", "--json"]);
    assert_eq!(doctor.status, Some(3));
    let rows = doctor.rows();
    assert!(rows.len() == 1 && rows[0]["healed"] == false, "{rows:?}");
    let other = PathBuf::from(rows[0]["path"].as_str().unwrap());
    assert!(other.starts_with(place.data().join("nondeterministic")) && other.exists());
    assert!(rows[0]["problem"].as_str().unwrap().contains("trajectories of xor-rank: 1"), "{rows:?}");
    // A run goes on with the first; gc keeps both as long as the first is there.
    call(&place, &["run", STAGE]).good();
    call(&place, &["gc"]).good();
    assert_eq!(place.store().read(&group, "1").unwrap(), kept);
    assert_eq!(place.call(&["doctor"]).status, Some(3));
    let again = Place::copy_of(&place);
    fs::remove_file(other).unwrap();
    heals(&place, "finding");

    // Somebody who deletes the first value, and not the second: a run decides, here for the first.
    fs::remove_dir_all(group_folder(&again, &group)).unwrap();
    let gone = call(&again, &["doctor", "--json"]).rows();
    assert!(gone.iter().any(|row| row["problem"].as_str().unwrap().contains("is gone")), "{gone:?}");
    call(&again, &["run", STAGE]).good();
    assert_eq!(again.call(&["doctor"]).status, Some(3));
}

#[test]
fn a_forced_run_that_computes_other_values_says_so() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let group = trajectories(&store, "xor-rank");
    // As if the stored values had been computed by a program that is not deterministic.
    fs::remove_dir_all(group_folder(&place, &group)).unwrap();
    store.forget(&group);
    let wrong = Record { id: "1".to_owned(), items: 6, seconds: 1.0, payload: b"other values".to_vec() };
    store.append(&group, &[], vec![wrong]).unwrap();
    drop(store);
    let words = ["not deterministic", "trajectories of xor-rank: 1", "nondeterministic"];
    call(&place, &["run", STAGE, "--force"]).refused(3, &words);
    // Damage elsewhere, which is healed, does not hide it.
    let result = place.store().results("tables").unwrap().remove(0);
    fs::write(place.store().result_folder(&result).join("replicates.parquet"), "x").unwrap();
    call(&place, &["run", STAGE, "--force"]).refused(3, &words);
    assert_eq!(place.call(&["doctor"]).status, Some(3));
    // Once the wrong one is deleted, a computation gives the other again, and that settles it.
    fs::remove_dir_all(group_folder(&place, &group)).unwrap();
    call(&place, &["run", STAGE, "--force"]).good();
    let settled = place.call(&["doctor", "--json"]).good().rows();
    assert!(settled.iter().any(|row| row["problem"].as_str().unwrap().contains("removed")), "{settled:?}");
    heals(&place, "settled");
}

#[test]
fn what_is_lost_is_named_with_the_stage_that_needs_it() {
    let place = Place::copy_of(&undisturbed().0);
    assert!(call(&place, &["doctor", "--json"]).good().rows().is_empty());
    fs::remove_dir_all(group_folder(&place, &trajectories(&place.store(), "xor-rank"))).unwrap();
    let rows = call(&place, &["doctor", "--json"]).good().rows();
    assert!(rows.len() == 1 && rows[0]["healed"] == true, "{rows:?}");
    let problem = rows[0]["problem"].as_str().unwrap();
    for word in ["needed by stage xor-rank-deficiency", "absent", "3 replicates of xor-rank", "run"] {
        assert!(problem.contains(word), "{problem}");
    }
    heals(&place, "lost");
    assert!(call(&place, &["doctor"]).good().out.contains("are intact"));
    // Of what was never computed nothing is lost.
    assert!(place.call(&["doctor", "--json"]).good().rows().is_empty());
}

#[test]
fn cleaning_leaves_nothing_of_the_cache_and_everything_else() {
    let place = Place::copy_of(&undisturbed().0);
    fs::write(place.data().join("thesis.tex"), "mine").unwrap();
    let said = place.call(&["clean"]).good().out;
    assert!(said.contains("thesis.tex") && said.contains("files with"), "{said}");
    let left: Vec<_> = fs::read_dir(place.data()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.tex"]);
    place.call(&["clean"]).refused(3, &["is no store", "thesis.tex"]);
    // Nothing is there to be removed, and nothing is made.
    let empty = Place::new();
    assert!(empty.call(&["clean", "--json"]).good().rows()[0]["files"] == 0 && !empty.data().exists());
}
