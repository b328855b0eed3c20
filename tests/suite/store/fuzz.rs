//! Journals and manifests with any bytes in them: nothing panics, nothing wrong is believed, nothing good is lost.

use super::{Manifest, entries, ingredients, publish};
use crate::fuzz::config;
use proptest::prelude::*;
use proptest::sample::Index;
use spectral_alignment::digest::sha256;
use spectral_alignment::store::{Entry, Event, Store};
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

const UNITS: u64 = 3;

/// A store with three units, and what its journal says.
static SOUND: LazyLock<(TempDir, Vec<Manifest>, Vec<Entry>)> = LazyLock::new(|| {
    let (folder, store) = super::new_store();
    let made = (0..UNITS).map(|seed| publish(&store, seed, 0.0).unwrap()).collect();
    let history = store.history().unwrap();
    (folder, made, history)
});

fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::support::copy(SOUND.0.path(), folder.path());
    folder
}

/// A change to some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        any::<Index>().prop_map(Edit::Cut),
        (any::<Index>(), 1_usize..400).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<Index>(), prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 1..40))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<Index>(), 1_usize..600).prop_map(|(at, length)| Edit::Repeat(at, length)),
    ]
}

fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        if bytes.is_empty() {
            break;
        }
        let size = bytes.len();
        let to = |at: usize, length: usize| (at + length).min(size);
        match edit {
            Edit::Set(at, byte) => bytes[at.index(size)] = *byte,
            Edit::Cut(at) => bytes.truncate(at.index(size)),
            Edit::Remove(at, length) => drop(bytes.drain(at.index(size)..to(at.index(size), *length))),
            Edit::Insert(at, new) => {
                bytes.splice(at.index(size)..at.index(size), new.iter().copied());
            }
            Edit::Repeat(at, length) => {
                let piece = bytes[at.index(size)..to(at.index(size), *length)].to_vec();
                bytes.extend(piece);
            }
        }
    }
    bytes
}

/// Units that are in the store; each must be what was published.
fn found(store: &Store) -> u64 {
    let (_, made, _) = &*SOUND;
    (0..UNITS)
        .filter(|&seed| {
            let unit = store.find("trajectory", &ingredients(seed).digest()).unwrap();
            if let Some(unit) = &unit {
                assert_eq!(unit, &made[seed as usize]);
                assert!(store.is_whole(unit).unwrap());
            }
            unit.is_some()
        })
        .count() as u64
}

/// An entry that says anything at all, with its digest.
fn line() -> impl Strategy<Value = String> {
    let events =
        ["published", "confirmed", "different", "found", "set-aside", "lost", "dropped", "\\PC{0,5}"];
    let key = prop_oneof![
        (0..UNITS).prop_map(|seed| ingredients(seed).digest().to_string()),
        "[0-9a-f]{64}",
        "\\PC{0,6}"
    ];
    let kind = prop_oneof![Just("trajectory".to_owned()), "[a-z]{1,8}|\\.\\./|\\PC{0,4}"];
    (any::<u64>(), prop::sample::select(events.to_vec()), kind, "\\PC{0,5}", key).prop_map(
        |(time, event, kind, name, key)| {
            let entry = serde_json::json!({ "time": time, "run": name, "event": event, "kind": kind, "name": name,
                                            "key": key, "digest": name });
            let text = entry.to_string();
            format!("{} {text}\n", &sha256(text.as_bytes())[..16])
        },
    )
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_changed_journal_is_healed_and_costs_no_unit(edits in prop::collection::vec(edit(), 1..4)) {
        let folder = copy();
        let path = folder.path().join("journal");
        fs::write(&path, edited(fs::read(&path).unwrap(), &edits)).unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.doctor().unwrap();
        prop_assert_eq!(store.doctor().unwrap(), vec![]);
        prop_assert_eq!(found(&store), UNITS);
        for entry in store.history().unwrap() {
            prop_assert!(SOUND.2.contains(&entry) || entry.event == Event::Found, "{:?}", entry);
        }
    }

    #[test]
    fn a_journal_may_say_anything(lines in prop::collection::vec(line(), 0..8), kept in any::<bool>()) {
        let folder = copy();
        let path = folder.path().join("journal");
        let before = if kept { fs::read_to_string(&path).unwrap() } else { String::new() };
        fs::write(&path, before + &lines.concat()).unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.doctor().unwrap();
        prop_assert_eq!(store.doctor().unwrap(), vec![]);
        // What is not there as it says has been set aside, and nothing else.
        prop_assert_eq!(found(&store) + entries(&folder.path().join("damaged")) as u64 >= UNITS, true);
        for seed in 0..UNITS {
            publish(&store, seed, 0.0).unwrap();
        }
        prop_assert_eq!(store.units("trajectory").unwrap().len() as u64, UNITS);
        prop_assert_eq!(store.doctor().unwrap(), vec![]);
    }

    #[test]
    fn a_changed_manifest_is_not_believed(edits in prop::collection::vec(edit(), 1..3)) {
        let folder = copy();
        let store = Store::open(folder.path()).unwrap();
        let unit = store.units("trajectory").unwrap().remove(0);
        let path = store.folder(&unit).join("manifest.json");
        let sound = fs::read(&path).unwrap();
        let bytes = edited(sound.clone(), &edits);
        fs::write(&path, &bytes).unwrap();
        let again = store.find("trajectory", &unit.key).unwrap();
        prop_assert_eq!(again.is_some(), bytes == sound);
        prop_assert_eq!(entries(&folder.path().join("damaged")) == 0, bytes == sound);
    }
}
