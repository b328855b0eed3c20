use crate::support::quick;
use spectral_alignment::published::DEFAULT_SEED;
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
    files(&quick().data().join("stages"), &mut found);
    assert!(found.len() > 60, "{}", found.len());
    for path in &found {
        let metadata = metadata(path);
        for name in ALWAYS {
            assert!(
                metadata.get(name).is_some_and(|value| !value.is_empty()),
                "{name} of {}",
                path.display()
            );
        }
        assert!(path.to_str().unwrap().contains(&metadata["key"][..16]), "{}", path.display());
        assert!(metadata["threads"].parse::<u32>().unwrap() >= 1);
        assert!(metadata["started"] <= metadata["finished"] && metadata["finished"].ends_with('Z'));
        assert!(metadata["compiler"].starts_with("rustc ") && metadata["blas"].contains("OpenBLAS"));
        assert!(metadata["parameters"].contains("lambda"));
        let commit = &metadata["commit"];
        assert!(
            commit == "unknown" || commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        );
        assert!(["true", "false", "unknown"].contains(&metadata["dirty"].as_str()));
        assert_eq!(metadata["seed"], DEFAULT_SEED.to_string());
    }
}

#[test]
fn every_simulated_result_says_where_it_was_made_and_how_long_it_took() {
    let store = quick().store();
    for group in store.groups().unwrap() {
        for entry in store.records(&group).unwrap().iter().take(3) {
            let provenance: BTreeMap<String, String> =
                store.provenance(&group, entry).unwrap().into_iter().collect();
            for name in
                ["commit", "dirty", "program", "compiler", "target", "blas", "blas kernel", "cpu", "threads"]
            {
                assert!(
                    provenance.get(name).is_some_and(|value| !value.is_empty()),
                    "{name} of {}",
                    entry.id
                );
            }
            assert!(provenance["sources"].contains("src/simulation/"), "{provenance:?}");
            assert!(entry.seconds > 0.0 && entry.seconds < 3600.0, "{entry:?}");
        }
        for role in ["experiment", "seed", "seed scheme", "parameters", "code", "crates"] {
            assert!(group.ingredients().get(role).is_some(), "{role} of {}", group.experiment());
        }
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

#[test]
fn all_results_of_a_run_name_the_same_library_however_many_threads_made_them() {
    let store = quick().store();
    let mut libraries = std::collections::BTreeSet::new();
    for group in store.groups().unwrap() {
        for entry in store.records(&group).unwrap().iter() {
            let provenance = store.provenance(&group, entry).unwrap();
            let named =
                |name: &str| provenance.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone());
            libraries.insert((named("blas"), named("blas kernel")));
        }
    }
    let [(Some(blas), Some(kernel))] = &libraries.into_iter().collect::<Vec<_>>()[..] else {
        panic!("not one")
    };
    assert!(blas.starts_with("OpenBLAS ") && blas.is_ascii() && !kernel.is_empty(), "{blas} {kernel}");
}
