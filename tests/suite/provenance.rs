use crate::support::quick;
use spectral_alignment::table::parquet_metadata;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
}

fn metadata(path: &Path) -> BTreeMap<String, String> {
    parquet_metadata(&fs::read(path).unwrap()).unwrap().into_iter().collect()
}

const ALWAYS: [&str; 15] = [
    "stage",
    "parameters",
    "seed",
    "key",
    "commit",
    "dirty",
    "program",
    "compiler",
    "target",
    "blas",
    "blas kernel",
    "cpu",
    "threads",
    "started",
    "finished",
];

#[test]
fn every_table_in_the_cache_says_where_it_was_made() {
    let mut found = Vec::new();
    files(&quick().data().join("units"), &mut found);
    assert!(found.len() > 1000, "{}", found.len());
    for path in found.iter().step_by(17) {
        let metadata = metadata(path);
        for name in ALWAYS {
            assert!(
                metadata.get(name).is_some_and(|value| !value.is_empty()),
                "{name} of {}",
                path.display()
            );
        }
        assert!(path.to_str().unwrap().contains(&metadata["key"]), "{}", path.display());
        assert!(metadata["threads"].parse::<u32>().unwrap() >= 1);
        assert!(metadata["started"] <= metadata["finished"] && metadata["finished"].ends_with('Z'));
        assert!(metadata["compiler"].starts_with("rustc ") && metadata["blas"].contains("OpenBLAS"));
        assert!(metadata["parameters"].contains("lambda"));
        let commit = &metadata["commit"];
        assert!(
            commit == "unknown" || commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        );
        assert!(["true", "false", "unknown"].contains(&metadata["dirty"].as_str()));
        assert_eq!(metadata["seed"], "0");
    }
}

#[test]
fn nothing_of_it_is_committed() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"), &mut found);
    for path in found {
        for name in metadata(&path).keys() {
            assert!(
                ["values_sha256", "ARROW:schema"].contains(&name.as_str()),
                "{} has {name}",
                path.display()
            );
        }
    }
}
