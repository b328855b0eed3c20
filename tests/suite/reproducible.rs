use crate::support::{Answer, Place, quick, quick_settings, stages, tables};
use spectral_alignment::store::Store;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn values_do_not_depend_on_threads_place_locale_or_time_zone() {
    let place = Place::new();
    let elsewhere = place.path().join("ein anderer Ort");
    fs::create_dir(&elsewhere).unwrap();
    let mut command = place.bare();
    command.args([
        "run",
        "--jobs",
        "1",
        "--profile",
        "quick",
        "--data",
        "../data",
        "--figures",
        "../figures",
    ]);
    command
        .current_dir(&elsewhere)
        .env("LC_ALL", "de_DE.UTF-8")
        .env("LANG", "tr_TR.UTF-8")
        .env("TZ", "Pacific/Chatham");
    Answer::from(command.output().unwrap()).good();
    assert_eq!(place.digests(&stages(), &[]), quick().digests(&stages(), &[]));
    let claims = |place: &Place| place.call(&["claims", "--json"]).out;
    assert_eq!(claims(&place), claims(quick()));
    let folder = |place: &Place| place.figures().join("variants").join("quick");
    for entry in fs::read_dir(folder(quick())).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(
            fs::read(folder(quick()).join(&name)).unwrap() == fs::read(folder(&place).join(&name)).unwrap(),
            "{name:?}"
        );
    }
}

const SMALL: [&str; 6] =
    ["--set", "gmm.replicates=2", "--set", "gmm-lambda-10.replicates=2", "--set", "gmm-k10.replicates=2"];
const ASKING: [&str; 4] = ["gmm-alignment", "gmm-outlier-space", "gmm-eigenvalues", "gmm-spectrum"];

/// Digest of every table of every trajectory, and every eigenvalue with what it belongs to.
type Units = (BTreeMap<(String, String), String>, BTreeMap<String, Vec<(String, f64)>>);

fn units(store: &Store) -> Units {
    let (mut trajectories, mut spectra) = (BTreeMap::new(), BTreeMap::new());
    for unit in store.units("trajectory").unwrap() {
        for entry in &unit.tables {
            let table = store.table(&unit, &entry.table).unwrap().unwrap();
            trajectories.insert((unit.name.clone(), entry.table.clone()), table.values_digest().unwrap());
        }
    }
    for unit in store.units("spectra").unwrap() {
        let table = store.table(&unit, "answer").unwrap().unwrap();
        if table.columns().contains(&"eigenvalue") {
            let of = table.present("matrix", table.strs("matrix").unwrap()).unwrap();
            let values = table.present("eigenvalue", table.f64s("eigenvalue").unwrap()).unwrap();
            let what = unit.ingredients.get("question").unwrap();
            let rows = of.iter().map(|of| (*of).to_owned()).zip(values).collect();
            spectra.insert(format!("{} {what}", unit.name), rows);
        }
    }
    (trajectories, spectra)
}

#[test]
fn trajectories_keep_their_bits_and_spectra_ten_digits_on_other_processors() {
    let run = |variables: &[(&str, &str)]| {
        let place = Place::new();
        let mut command = place.command(&[&["run"], &ASKING[..], &SMALL].concat());
        command.envs(variables.iter().copied());
        Answer::from(command.output().unwrap()).good();
        units(&place.store())
    };
    let (trajectories, spectra) = run(&[]);
    assert!(trajectories.len() >= 12 && spectra.len() >= 40, "{} {}", trajectories.len(), spectra.len());
    for variables in [
        &[("OPENBLAS_CORETYPE", "Haswell")][..],
        &[("OPENBLAS_CORETYPE", "Prescott")],
        &[("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA")],
        &[
            ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA"),
            ("OPENBLAS_CORETYPE", "Prescott"),
            ("OPENBLAS_NUM_THREADS", "2"),
        ],
    ] {
        let (other_trajectories, other_spectra) = run(variables);
        assert_eq!(other_trajectories, trajectories, "{variables:?}");
        assert!(other_spectra.keys().eq(spectra.keys()), "{variables:?}");
        for (what, rows) in &spectra {
            for matrix in ["hessian", "gradient"] {
                let of = |rows: &[(String, f64)]| -> Vec<f64> {
                    rows.iter().filter(|row| row.0 == matrix).map(|row| row.1).collect()
                };
                let (ours, theirs) = (of(rows), of(&other_spectra[what]));
                let largest = ours.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
                assert_eq!(ours.len(), theirs.len());
                for (one, other) in ours.iter().zip(&theirs) {
                    assert!((one - other).abs() <= 1e-10 * largest, "{variables:?}, {what}: {one} {other}");
                }
            }
        }
    }
}

#[test]
fn two_runs_at_once_share_one_store() {
    let place = Place::new();
    let stages = ["gmm-alignment", "gmm-spectrum"];
    let command = || place.command(&[&["run"], &stages[..]].concat());
    let children: Vec<_> = (0..2)
        .map(|_| {
            command()
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        Answer::from(child.wait_with_output().unwrap()).good();
    }
    assert_eq!(place.digests(&stages, &[]), quick().digests(&stages, &[]));
    let store = place.store();
    assert_eq!((store.doctor().unwrap(), store.take_notes()), (vec![], vec![]));
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_one_minds() {
    let place = Place::new();
    let stages = ["gmm-alignment"];
    for milliseconds in [30, 150, 400, 700] {
        let mut child = place
            .command(&["run", "gmm-alignment"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.call(&["run", "gmm-alignment"]).good();
    assert_eq!(place.digests(&stages, &[]), quick().digests(&stages, &[]));
    let store = place.store();
    assert_eq!((store.doctor().unwrap(), store.take_notes()), (vec![], vec![]));
}

fn flip(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 16;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_table_of_a_stage_is_found_and_computed_again() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let store = place.store();
    let (_, manifest) = tables(&store, &quick_settings(), "gmm-alignment");
    flip(&store.folder(&manifest).join("alignment.parquet"));
    drop(store);
    // Whoever reads the table must be told, or get a sound one.
    let answer = place.call(&["tables", "gmm-alignment", "--json"]);
    if answer.status == Some(0) {
        for row in answer.rows() {
            let bytes = fs::read(row["path"].as_str().unwrap()).unwrap();
            assert_eq!(
                row["sha256"],
                spectral_alignment::digest::sha256(&bytes),
                "a damaged file is handed out as sound"
            );
        }
    }
    let run = place.call(&["run"]).good();
    // Whichever command met the damage first set it aside and named it.
    let named = |text: &str| text.contains("alignment.parquet") && text.contains("damaged");
    assert!(named(&answer.err) || named(&run.err), "the damage is not named: {answer:?} {run:?}");
    assert_eq!(place.digests(&stages(), &[]), before);
    assert_eq!(place.store().doctor().unwrap(), vec![]);
}

#[test]
fn damaged_simulations_are_found_when_they_are_needed_and_computed_again() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let store = place.store();
    let (_, made) = tables(&store, &quick_settings(), "gmm-alignment");
    fs::remove_dir_all(store.folder(&made)).unwrap();
    let trajectories = store.units("trajectory").unwrap();
    let spectra = store.units("spectra").unwrap();
    let asked = |unit: &&spectral_alignment::store::Manifest| {
        unit.name == "gmm-3"
            && unit.ingredients.get("question").unwrap().to_string().contains("question: {outliers: ")
    };
    flip(
        &store
            .folder(trajectories.iter().find(|unit| unit.name == "gmm-2").unwrap())
            .join("trajectory.parquet"),
    );
    flip(
        &store
            .folder(trajectories.iter().find(|unit| unit.name == "gmm-lambda-10-5").unwrap())
            .join("evaluation.parquet"),
    );
    flip(&store.folder(spectra.iter().find(asked).unwrap()).join("answer.parquet"));
    drop(store);
    let run = place.call(&["run"]).good();
    assert!(run.err.contains("damaged"), "{run:?}");
    assert_eq!(place.digests(&stages(), &[]), before);
    let store = place.store();
    assert_eq!(store.doctor().unwrap(), vec![]);
}

#[test]
fn damaged_manifests_and_figures_are_found_and_made_again() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let store = place.store();
    for (kind, file) in [
        ("trajectory", "manifest.json"),
        ("spectra", "manifest.json"),
        ("tables", "manifest.json"),
        ("figures", "claims.json"),
    ] {
        // All tables, so that every stage looks at what is behind its own.
        let damaged = if kind == "tables" { usize::MAX } else { 1 };
        for unit in store.units(kind).unwrap().iter().take(damaged) {
            flip(&store.folder(unit).join(file));
        }
    }
    drop(store);
    let run = place.call(&["run"]).good();
    assert!(run.err.contains("damaged"), "{run:?}");
    assert_eq!(place.digests(&stages(), &[]), before);
    assert_eq!(place.store().doctor().unwrap(), vec![]);
    assert_eq!(place.call(&["claims", "--json"]).out, quick().call(&["claims", "--json"]).out);
}

#[test]
fn a_forced_run_computes_the_same_again() {
    let place = Place::copy_of(quick());
    let run = place.call(&["run", "gmm-spectrum", "--force"]).good();
    assert!(run.out.contains("gmm-spectrum: computed"), "{run:?}");
    assert_eq!(place.digests(&stages(), &[]), quick().digests(&stages(), &[]));
}
