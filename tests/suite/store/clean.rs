//! Cleaning removes a store and nothing else.

use super::packs::add;
use super::{examine, ingredients, new_store, open, publish, tree};
use spectral_alignment::digest::sha256;
use spectral_alignment::store::{Record, Store, clean};
use std::fs;
use std::path::Path;

fn files(path: &Path) -> Vec<String> {
    let short = |file: &Path| file.strip_prefix(path).unwrap().to_str().unwrap().to_owned();
    tree(path).keys().map(|file| short(file)).collect()
}

/// A store in which everything happened that leaves files.
fn lived_in() -> (tempfile::TempDir, Store) {
    let (folder, store) = new_store();
    add(&store, 1, &["0", "1"]);
    publish(&store, 1, 0.0).unwrap();
    publish(&store, 1, 1.0).unwrap_err();
    let other = Record { id: "1".to_owned(), items: 3, seconds: 0.1, payload: b"other".to_vec() };
    store.append(&super::packs::group(1), &[], vec![other]).unwrap_err();
    drop(store.try_work("replicates gmm 0").unwrap());
    let result = store.result("gmm", &ingredients(1)).unwrap().unwrap();
    fs::write(store.result_folder(&result).join("alignment.parquet"), "x").unwrap();
    assert_eq!(examine(&store).len(), 3);
    publish(&store, 1, 0.0).unwrap();
    (folder, store)
}

#[test]
fn everything_of_a_store_goes_and_whatever_else_is_there_stays() {
    let (folder, store) = lived_in();
    drop(store);
    let strangers = [
        "README.md",
        "thesis.tex",
        "packs/notes",
        "packs/gmm/mine.pack",
        "stages/gmm/x/y",
        "damaged/mine",
        "work/x",
    ];
    for name in strangers {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let before = tree(folder.path());
    let cleaned = clean(folder.path(), &|_| panic!("nobody uses it")).unwrap();
    let mut expected = strangers.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(files(folder.path()), expected);
    assert_eq!(cleaned.files as usize, before.len() - strangers.len());
    assert_eq!(cleaned.left.len(), strangers.len() - 1, "all but our own page: {:?}", cleaned.left);
    // What is left makes no store any more.
    assert!(clean(folder.path(), &|_| {}).unwrap_err().to_string().contains("is no store"));
}

#[test]
fn a_store_of_an_earlier_layout_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let key = sha256(b"x");
    let text = "spectral-alignment store 1";
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("format", &format!("{text} {}\n", sha256(text.as_bytes())));
    for name in ["journal", "lock", "guard", "claims/replicate-0a", "temporary/run-1/1/x", "damaged/format-0"]
    {
        write(name, "");
    }
    write(&format!("units/tables/{}/{key}/manifest.json", &key[..2]), "{}");
    write("units/mine", "mine");
    clean(folder.path(), &|_| {}).unwrap();
    assert_eq!(files(folder.path()), ["units/mine"]);
}

#[test]
fn no_other_folder_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(clean(&folder.path().join("nowhere"), &|_| {}).unwrap().files, 0);
    assert_eq!(clean(folder.path(), &|_| {}).unwrap().files, 0);
    fs::create_dir_all(folder.path().join("packs/gmm")).unwrap();
    fs::write(folder.path().join("packs/gmm/x.pack"), "mine").unwrap();
    assert!(clean(folder.path(), &|_| {}).is_err());
    assert_eq!(files(folder.path()), ["packs/gmm/x.pack"]);
    // A link in the place of one of our folders is left, and what it leads to.
    let (store, opened) = new_store();
    drop(opened);
    fs::remove_dir(store.path().join("packs")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("packs"), store.path().join("packs")).unwrap();
    let cleaned = clean(store.path(), &|_| {}).unwrap();
    assert_eq!(cleaned.left, [store.path().join("packs")]);
    assert_eq!(files(folder.path()), ["packs/gmm/x.pack"]);
    drop(open(folder.path().join("new").as_path()));
}
