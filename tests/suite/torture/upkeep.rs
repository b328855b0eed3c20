use super::{STAGE, call, command, computed_once, end, heals, start, undisturbed};
use crate::support::Place;
use serde_json::Value;
use spectral_alignment::store::Store;
use spectral_alignment::table::TableBuilder;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Every unit of the store.
fn units(store: &Store) -> BTreeSet<PathBuf> {
    ["trajectory", "spectra", "inputs", "tables", "figures"]
        .iter()
        .flat_map(|kind| store.units(kind).unwrap())
        .map(|unit| store.folder(&unit))
        .collect()
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
    let before = units(&place.store());
    let weaker = ["--set", "xor-rank.lambda=50"];
    call(&place, &[&["run", STAGE][..], &weaker].concat()).good();
    let all = units(&place.store());
    assert!(all.len() >= before.len() + 10 && all.is_superset(&before));
    fs::write(place.data().join("damaged/old"), "12345").unwrap();

    // Named, the variant is in use.
    let named = call(&place, &[&["gc", "--json", "--dry-run"][..], &weaker].concat()).good().rows();
    assert!(named.iter().any(|row| row["kind"] == "damaged" && row["bytes"] == 5), "{named:?}");
    let dropped: BTreeSet<PathBuf> =
        named.iter().map(|row| PathBuf::from(row["path"].as_str().unwrap())).collect();
    assert!(all.difference(&before).all(|unit| !dropped.contains(unit)), "{dropped:?}");

    let planned = call(&place, &["gc", "--json", "--dry-run"]).good().rows();
    assert_eq!(units(&place.store()), all, "a dry run drops nothing");
    let units_before = size(&place.data().join("units"));
    let really = call(&place, &["gc", "--json"]).good().rows();
    assert_eq!(units(&place.store()), before);
    let paths = |rows: &[Value]| rows.iter().map(|row| row["path"].to_string()).collect::<Vec<_>>();
    assert_eq!(paths(&planned), paths(&really));
    let bytes: u64 = really.iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes - 5, units_before - size(&place.data().join("units")));
    assert!(!place.data().join("damaged/old").exists());
    assert!(call(&place, &["gc"]).good().out.contains("0 items with 0 bytes dropped"));
    assert!(heals(&place, "gc").out.contains("up to date"));
    computed_once(&place, "gc");
    // Without the sizes of these tests no stage uses any of it.
    place.call(&["gc"]).good();
    assert!(units(&place.store()).is_empty());
}

#[test]
fn gc_keeps_what_the_next_run_can_use() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let before = units(&store);
    let trajectory = store.folder(&store.units("trajectory").unwrap()[0]);
    for kind in ["tables", "inputs"] {
        for unit in store.units(kind).unwrap() {
            fs::remove_dir_all(store.folder(&unit)).unwrap();
        }
    }
    fs::remove_dir_all(&trajectory).unwrap();
    drop(store);
    let left = units(&place.store());
    assert!(left.len() >= 12 && left.len() < before.len());
    call(&place, &["gc"]).good();
    assert_eq!(units(&place.store()), left);
    call(&place, &["run", STAGE]).good();
    assert_eq!(units(&place.store()), before);
    heals(&place, "gc");
}

#[test]
fn gc_waits_for_runs() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let run = store.lock_shared(|| panic!("nobody has it alone")).unwrap();
    let mut gc = start(command(&place, &["gc"]));
    let mut line = String::new();
    BufReader::new(gc.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("waiting"), "{line}");
    // Other runs are not kept away meanwhile.
    heals(&place, "while gc waits");
    assert!(gc.try_wait().unwrap().is_none());
    drop(run);
    end(gc).good();
}

#[test]
fn a_second_value_is_kept_beside_the_first_and_reported() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let unit = store.units("trajectory").unwrap().remove(0);
    let kept = fs::read(store.folder(&unit).join("manifest.json")).unwrap();
    let tables: Vec<_> = unit
        .tables
        .iter()
        .map(|entry| TableBuilder::new(entry.table.as_str()).f64("value", vec![1.0]).build().unwrap())
        .collect();
    let error = store.publish("trajectory", &unit.name, &unit.ingredients, &tables, &[], &[]).unwrap_err();
    assert!(error.to_string().contains("not deterministic"), "{error}");
    let folder = store.folder(&unit);
    drop(store);
    let doctor = place.call(&["doctor", "--json"]);
    assert_eq!(doctor.status, Some(3));
    let rows = doctor.rows();
    assert!(rows.len() == 1 && rows[0]["healed"] == false, "{rows:?}");
    let other = PathBuf::from(rows[0]["path"].as_str().unwrap());
    assert!(other.starts_with(place.data()) && other.join("trajectory.parquet").exists());
    assert!(rows[0]["problem"].as_str().unwrap().contains(folder.to_str().unwrap()), "{rows:?}");
    // A run goes on with the first; gc keeps both as long as the key is in use.
    call(&place, &["run", STAGE]).good();
    call(&place, &["gc"]).good();
    assert_eq!(fs::read(folder.join("manifest.json")).unwrap(), kept);
    assert_eq!(place.call(&["doctor"]).status, Some(3));
    let again = Place::copy_of(&place);
    fs::remove_dir_all(other).unwrap();
    heals(&place, "finding");

    // Somebody who deletes the first value, and not the second: a run decides, here for the first.
    fs::remove_dir_all(again.data().join(folder.strip_prefix(place.data()).unwrap())).unwrap();
    let gone = again.call(&["doctor", "--json"]).rows();
    assert!(gone.iter().any(|row| row["problem"].as_str().unwrap().contains("is gone")), "{gone:?}");
    call(&again, &["run", STAGE]).good();
    assert_eq!(again.call(&["doctor"]).status, Some(3));
}

#[test]
fn a_forced_run_that_computes_other_values_says_so() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let unit = store.units("trajectory").unwrap().remove(0);
    // As if the stored values had been computed by a program that is not deterministic.
    let away = place.path().join("away");
    fs::rename(store.folder(&unit), &away).unwrap();
    let values = TableBuilder::new("trajectory").f64("value", vec![1.0]).build().unwrap();
    store.publish("trajectory", &unit.name, &unit.ingredients, &[values], &[], &[]).unwrap();
    drop(store);
    let forced = call(&place, &["run", STAGE, "--force"]);
    forced.refused(3, &["not deterministic", unit.key.as_str(), "nondeterministic"]);
    // Damage elsewhere, which a second attempt heals, does not hide it.
    let store = place.store();
    let other = store.units("trajectory").unwrap().into_iter().find(|other| other.key != unit.key).unwrap();
    fs::write(store.folder(&other).join("trajectory.parquet"), "x").unwrap();
    drop(store);
    call(&place, &["run", STAGE, "--force"]).refused(3, &["not deterministic", unit.key.as_str()]);
    assert_eq!(place.call(&["doctor"]).status, Some(3));
    // Once the wrong one is deleted, a computation gives the other again, and that settles it.
    fs::remove_dir_all(
        place.data().join("units/trajectory").join(&unit.key.as_str()[..2]).join(unit.key.as_str()),
    )
    .unwrap();
    call(&place, &["run", STAGE, "--force"]).good();
    let settled = place.call(&["doctor", "--json"]).good().rows();
    assert!(settled.iter().any(|row| row["problem"].as_str().unwrap().contains("removed")), "{settled:?}");
    heals(&place, "settled");
}

#[test]
fn what_is_lost_is_named_with_its_time_and_run() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let unit = store.units("spectra").unwrap().remove(0);
    let published = store.history().unwrap().into_iter().find(|entry| entry.key == unit.key).unwrap();
    fs::remove_dir_all(store.folder(&unit)).unwrap();
    drop(store);
    let rows = place.call(&["doctor", "--json"]).good().rows();
    assert!(rows.len() == 1 && rows[0]["healed"] == true, "{rows:?}");
    let problem = rows[0]["problem"].as_str().unwrap();
    assert!(problem.contains("is gone") && problem.contains(&published.run), "{problem}");
    assert!(place.call(&["doctor", "--json"]).good().rows().is_empty());
    let plain = place.call(&["doctor"]).good().out;
    assert!(plain.contains("units with"), "{plain}");
}
