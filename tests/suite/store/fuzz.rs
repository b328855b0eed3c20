//! Packs and manifests with any bytes in them: nothing panics, nothing wrong is believed, nothing good is lost.

use super::packs::{add, packs, payload, readable};
use super::{entries, examine, ingredients, open, publish};
use crate::fuzz::config;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

const IDS: [&str; 4] = ["0", "1", "2", "3"];

/// A store with one pack and one result.
static SOUND: LazyLock<TempDir> = LazyLock::new(|| {
    let (folder, store) = super::new_store();
    add(&store, 1, &IDS);
    publish(&store, 1, 0.0).unwrap();
    folder
});

fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::support::copy(SOUND.path(), folder.path());
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

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_changed_pack_is_mended_and_believed_only_where_it_is_intact(edits in prop::collection::vec(edit(), 1..4)) {
        let folder = copy();
        let path = packs(&open(folder.path()), 1).remove(0);
        let sound = fs::read(&path).unwrap();
        let bytes = edited(sound.clone(), &edits);
        fs::write(&path, &bytes).unwrap();
        let store = open(folder.path());
        // `readable` compares the bytes; a record can be there only where all of its payload is.
        let left = readable(&store, 1);
        if bytes == sound {
            prop_assert_eq!(left.len(), IDS.len());
        }
        for id in &left {
            let wanted = payload(id);
            prop_assert!(bytes.windows(wanted.len()).any(|part| part == wanted), "{}", id);
        }
        examine(&store);
        prop_assert_eq!(readable(&store, 1), left);
        add(&store, 1, &IDS);
        prop_assert_eq!(readable(&store, 1), IDS);
        prop_assert_eq!(examine(&store), vec![]);
    }

    #[test]
    fn a_changed_manifest_is_not_believed(edits in prop::collection::vec(edit(), 1..3)) {
        let folder = copy();
        let store = open(folder.path());
        let result = store.results("tables").unwrap().remove(0);
        let path = store.result_folder(&result).join("manifest.json");
        let sound = fs::read(&path).unwrap();
        let bytes = edited(sound.clone(), &edits);
        fs::write(&path, &bytes).unwrap();
        let again = store.result("gmm", &ingredients(1)).unwrap();
        prop_assert_eq!(again.is_some(), bytes == sound);
        prop_assert_eq!(entries(&folder.path().join("damaged")) == 0, bytes == sound);
    }
}
