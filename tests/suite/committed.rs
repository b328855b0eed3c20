use spectral_alignment::claim::Claim;
use spectral_alignment::pipeline::committed::{Figures, Lock};
use spectral_alignment::pipeline::key::sha256;
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::pipeline::run::judge;
use spectral_alignment::pipeline::table::Table;
use spectral_alignment::stage::{Profile, Settings};
use spectral_alignment::stages::STAGES;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures")
}

/// What the lock says, where figures are committed.
fn lock() -> Option<Lock> {
    folder().join("figures.lock").exists().then(|| Figures::at(&folder()).lock().unwrap())
}

#[test]
fn committed_values_and_figures_are_those_of_the_lock() {
    let Some(lock) = lock() else { return };
    let (mut bytes, mut figures) = (0, BTreeSet::new());
    for (stage, profiles) in &lock.stages {
        let Some(entry) = profiles.get("paper") else { continue };
        let values = folder().join("values").join(stage);
        let mut files = BTreeSet::new();
        for (table, digest) in &entry.values {
            let path = values.join(format!("{table}.parquet"));
            bytes += fs::metadata(&path).unwrap().len();
            assert_eq!(
                Table::from_parquet(table, &path).unwrap().values_digest().unwrap(),
                *digest,
                "{}",
                path.display()
            );
            files.insert(format!("{table}.parquet"));
        }
        let found: BTreeSet<String> = fs::read_dir(&values)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, files, "tables of {stage}");
        for (figure, digest) in &entry.figures {
            assert_eq!(sha256(&fs::read(folder().join(figure)).unwrap()), *digest, "{figure}");
            figures.insert(figure.clone());
        }
    }
    assert!(bytes < 8 << 20, "{bytes} bytes of committed values");
    let drawn: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "svg"))
        .collect();
    assert_eq!(drawn, figures, "figures without an entry in the lock, or entries without a figure");
}

#[test]
fn claims_from_committed_values_are_those_of_the_lock() {
    let Some(lock) = lock() else { return };
    let settings = Settings { profile: Profile::Paper, seed: 0, overrides: Vec::new() };
    for stage in STAGES {
        let plan = StagePlan::new(stage, &settings).unwrap();
        let Some(results) = Figures::at(&folder()).results(&settings, &plan).unwrap() else { continue };
        let mut written: Vec<Claim> = lock.stages[stage.name]["paper"].claims.clone();
        let mut judged = judge(stage, &results).unwrap();
        assert_eq!(judged.len(), written.len(), "{}", stage.name);
        for (new, old) in judged.iter_mut().zip(&mut written) {
            // Quantiles of Student's t come from the system's mathematical library: their last bits may differ.
            for (new, old) in [
                (&mut new.measured, &mut old.measured),
                (&mut new.low, &mut old.low),
                (&mut new.high, &mut old.high),
            ] {
                match (new.take(), old.take()) {
                    (Some(new), Some(old)) => {
                        assert!((new - old).abs() <= 1e-12 * old.abs(), "{new} against {old}");
                    }
                    (new, old) => assert_eq!(new, old),
                }
            }
            assert_eq!(new, old, "{}", stage.name);
        }
    }
}

#[test]
fn the_lock_has_both_profiles_of_every_stage_and_nothing_of_the_machine() {
    let Some(lock) = lock() else { return };
    let text = fs::read_to_string(folder().join("figures.lock")).unwrap();
    for word in ["rustc", "x86_64", "/home", "/root", "/tmp", "openblas", "commit"] {
        assert!(!text.to_lowercase().contains(word), "figures.lock has {word}");
    }
    for (stage, profiles) in &lock.stages {
        assert_eq!(profiles.keys().collect::<Vec<_>>(), ["paper", "quick"], "{stage}");
        for entry in profiles.values() {
            assert_eq!(entry.seed, 0);
            assert!(
                entry.recipe.len() == 64
                    && !entry.parameters.is_empty()
                    && !entry.values.is_empty()
                    && !entry.figures.is_empty()
            );
        }
    }
}
