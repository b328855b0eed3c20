use crate::support::quick;
use spectral_alignment::pipeline::machine::utc;
use spectral_alignment::pipeline::table::parquet_metadata;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

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

#[test]
fn times_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_704_067_199, "2023-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
    }
}
