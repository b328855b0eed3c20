use super::{STAGE, call, heals, undisturbed};
use crate::support::Place;
use spectral_alignment::digest::sha256;
use spectral_alignment::store::Manifest;
use std::fs;
use std::path::{Path, PathBuf};

/// One file of each kind, with another that is just as valid.
fn kinds(place: &Place) -> Vec<(PathBuf, PathBuf)> {
    let store = place.store();
    let (tables, figures) = (store.results("tables").unwrap(), store.results("figures").unwrap());
    let file = |result: &Manifest, name: &str| store.result_folder(result).join(name);
    let root = |name: &str| place.data().join(name);
    let lock = fs::read_dir(root("work")).unwrap().next().unwrap().unwrap().path();
    let pack = |experiment: &str, kind: &str| {
        let folders =
            fs::read_dir(root("packs").join(experiment)).unwrap().map(|folder| folder.unwrap().path());
        let mut of_kind =
            folders.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(kind));
        fs::read_dir(of_kind.next().unwrap()).unwrap().next().unwrap().unwrap().path()
    };
    vec![
        (file(&tables[0], "replicates.parquet"), file(&tables[0], &tables[0].tables[0].file)),
        (pack("xor-rank", "trajectories"), pack("xor-rank-k8", "trajectories")),
        (pack("xor-rank-k8", "trajectories"), pack("xor-rank-k8", "spectra")),
        (pack("xor-rank", "spectra"), pack("xor-rank-k8", "spectra")),
        (file(&tables[0], "manifest.json"), file(&figures[0], "manifest.json")),
        (file(&figures[0], "manifest.json"), file(&tables[0], "manifest.json")),
        (file(&figures[0], "xor-rank-runs.txt"), file(&figures[0], "xor-rank-runs.svg")),
        (file(&figures[0], "xor-rank-runs.svg"), file(&figures[0], "xor-rank-deficiency.svg")),
        (root("format"), file(&tables[0], "manifest.json")),
        (root("lock"), file(&tables[0], "manifest.json")),
        (root("guard"), root("format")),
        (lock, root("format")),
    ]
}

const DAMAGES: [&str; 6] = ["a bit flipped", "truncated", "emptied", "zeroed", "swapped", "removed"];

/// Damages a file, and gives it its old mode and times; false if that is no damage to this file.
fn damage(file: &Path, other: &Path, what: &str) -> bool {
    let before = fs::metadata(file).unwrap();
    let old = fs::read(file).unwrap();
    let mut new = old.clone();
    match what {
        "a bit flipped" if !old.is_empty() => new[old.len() / 2] ^= 2,
        "truncated" => new.truncate(old.len() / 2),
        "emptied" => new.clear(),
        "zeroed" => new.fill(0),
        "swapped" => {
            new = fs::read(other).unwrap();
            if !old.is_empty() {
                new.resize(old.len(), b'\n');
            }
        }
        _ => {}
    }
    // No file of a lock is needed before the lock is.
    if what == "removed" {
        fs::remove_file(file).unwrap();
        return !old.is_empty();
    }
    fs::write(file, &new).unwrap();
    fs::set_permissions(file, before.permissions()).unwrap();
    fs::File::options().write(true).open(file).unwrap().set_modified(before.modified().unwrap()).unwrap();
    new != old
}

/// Whatever the program shows is what an undisturbed run shows, or it says that there is nothing to show.
fn shows_nothing_wrong(place: &Place, what: &str) {
    let claims = call(place, &["claims", "--json"]);
    if claims.status != Some(3) {
        let right = call(&undisturbed().0, &["claims", "--json"]).rows();
        for (claim, right) in claims.rows().iter().zip(&right) {
            assert!(claim == right || claim["verdict"] == "not run", "{what}: {claim}");
        }
    }
    let tables = call(place, &["tables", STAGE, "--json"]);
    if tables.status == Some(0) {
        for row in tables.rows() {
            let bytes = fs::read(row["path"].as_str().unwrap()).unwrap();
            assert_eq!(row["sha256"], sha256(&bytes), "{what}: a damaged file is handed out as sound");
            let known = &undisturbed().1[&(STAGE.to_owned(), row["table"].as_str().unwrap().to_owned())];
            assert_eq!(row["values_sha256"].as_str(), Some(known.as_str()), "{what}");
        }
    } else {
        tables.refused(3, &[]);
    }
}

/// Damage is named by the doctor, or by the run that meets it, and healed.
fn found_and_healed(number: usize, kind: &str, by_doctor: bool) {
    let place = Place::copy_of(&undisturbed().0);
    let (file, other) = kinds(&place).swap_remove(number);
    let what = format!("{} {kind}, {by_doctor}", file.display());
    if !damage(&file, &other, kind) {
        return;
    }
    // What is in the file of a lock does not matter; what makes the folder a store stands twice, and is written anew.
    let silent = ["lock", "guard", "format"].iter().any(|name| file.ends_with(name))
        || file.parent().unwrap().ends_with("work");
    if by_doctor {
        let answer = call(&place, &["doctor", "--json"]).good();
        let folder = file.parent().unwrap().to_string_lossy().into_owned();
        let named = |row: &serde_json::Value| {
            let path = row["path"].as_str().unwrap();
            row["healed"] == true
                && (path == file.to_string_lossy()
                    || path == folder
                    || folder.starts_with(path) && kind == "removed")
        };
        assert!(silent || answer.rows().iter().any(named), "{what}: {answer:?}");
        if kind != "removed" {
            assert!(place.call(&["doctor", "--json"]).good().rows().is_empty(), "{what}");
        }
    } else {
        shows_nothing_wrong(&place, &what);
        call(&place, &["run", STAGE]).good();
    }
    // What no run needed is still to be found.
    place.call(&["doctor"]).good();
    heals(&place, &what);
}

#[test]
fn damage_to_any_kind_of_file_is_found_and_healed() {
    let count = kinds(&undisturbed().0).len();
    for number in 0..count {
        found_and_healed(number, DAMAGES[number % DAMAGES.len()], number % 2 == 0);
        found_and_healed(number, "swapped", number % 2 == 1);
    }
}

#[test]
#[ignore = "minutes: just torture"]
fn any_damage_to_any_kind_of_file_is_found_and_healed() {
    for number in 0..kinds(&undisturbed().0).len() {
        for kind in DAMAGES {
            for by_doctor in [false, true] {
                found_and_healed(number, kind, by_doctor);
            }
        }
    }
}
