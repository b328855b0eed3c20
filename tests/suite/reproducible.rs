use crate::support::{Answer as Said, Place, answers, quick, quick_settings, stages, tables};
use spectral_alignment::spectrum::answer::QueryResult;
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
    command.arg("run").args(stages()).args([
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
    Said::from(command.output().unwrap()).good();
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

/// Digest of the values of every trajectory, and the result of every query.
type Units = (BTreeMap<String, String>, BTreeMap<String, QueryResult>);

fn units(store: &Store) -> Units {
    let mut trajectories = BTreeMap::new();
    for group in store.groups().unwrap().iter().filter(|group| group.ingredients().kind() == "trajectories") {
        for entry in store.records(group).unwrap().iter() {
            trajectories.insert(format!("{} {}", group.experiment(), entry.id), entry.values.clone());
        }
    }
    (trajectories, answers(store))
}

/// All eigenvalues of a result, those of the Hessian first.
fn eigenvalues(answer: &QueryResult) -> [Vec<f64>; 2] {
    match answer {
        QueryResult::Pairs(both) => {
            both.each_ref().map(|pairs| pairs.iter().map(|pair| pair.value).collect())
        }
        QueryResult::Values(both) => both.clone(),
        QueryResult::Components(pairs) => [pairs.iter().map(|pair| pair.value).collect(), Vec::new()],
        QueryResult::Norms(both) => both.each_ref().map(|norms| vec![norms.operator, norms.outside]),
    }
}

#[test]
fn trajectories_keep_their_bits_and_spectra_ten_digits_on_other_processors() {
    let run = |variables: &[(&str, &str)]| {
        let place = Place::new();
        let mut command = place.command(&[&["run"], &ASKING[..], &SMALL].concat());
        command.envs(variables.iter().copied());
        Said::from(command.output().unwrap()).good();
        units(&place.store())
    };
    let (trajectories, spectra) = run(&[]);
    assert!(trajectories.len() >= 6 && spectra.len() >= 40, "{} {}", trajectories.len(), spectra.len());
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
        for (what, answer) in &spectra {
            for (ours, theirs) in eigenvalues(answer).iter().zip(eigenvalues(&other_spectra[what])) {
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
        Said::from(child.wait_with_output().unwrap()).good();
    }
    assert_eq!(place.digests(&stages, &[]), quick().digests(&stages, &[]));
    assert_eq!(place.examine(), vec![]);
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
    assert_eq!(place.examine(), vec![]);
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
    flip(&store.result_folder(&manifest).join("alignment.parquet"));
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
    // A question names the damage, and moves nothing; the run sets it aside.
    let named = |text: &str| text.contains("alignment.parquet") && text.contains("damaged");
    assert!(named(&answer.err) && named(&run.err), "the damage is not named: {answer:?} {run:?}");
    assert!(run.err.contains("set aside") && !answer.err.contains("set aside"), "{answer:?} {run:?}");
    assert_eq!(place.digests(&stages(), &[]), before);
    assert_eq!(place.examine(), vec![]);
}

/// The packs of an experiment of one kind.
fn packs(place: &Place, experiment: &str, kind: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(place.data().join("packs").join(experiment)).unwrap();
    let folders = folders.map(|folder| folder.unwrap().path());
    let of_kind = folders.filter(|folder| folder.file_name().unwrap().to_str().unwrap().starts_with(kind));
    of_kind.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path()).collect()
}

#[test]
fn damaged_simulations_are_found_when_they_are_needed_and_computed_again() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let store = place.store();
    let (_, made) = tables(&store, &quick_settings(), "gmm-alignment");
    fs::remove_dir_all(store.result_folder(&made)).unwrap();
    drop(store);
    let damaged = [("gmm", "trajectories"), ("gmm-lambda-10", "trajectories"), ("gmm", "spectra")];
    let files: Vec<PathBuf> = damaged.iter().map(|(of, kind)| packs(&place, of, kind).remove(0)).collect();
    files.iter().for_each(flip);
    let run = place.call(&["run"]).good();
    for file in &files {
        // One record of each is lost; all the others are kept.
        let line = run.err.lines().find(|line| line.contains(file.to_str().unwrap()));
        assert!(
            line.is_some_and(|line| line.contains("are intact and kept") && !line.contains(" 0 of")),
            "{run:?}"
        );
    }
    assert_eq!(place.digests(&stages(), &[]), before);
    assert_eq!(place.examine(), vec![]);
}

#[test]
fn damaged_manifests_and_figures_are_found_and_made_again() {
    let place = Place::copy_of(quick());
    let before = quick().digests(&stages(), &[]);
    let store = place.store();
    for kind in ["tables", "figures"] {
        // All tables, so that every stage looks at what is behind its own.
        let damaged = if kind == "tables" { usize::MAX } else { 1 };
        for result in store.results(kind).unwrap().iter().take(damaged) {
            let file = result.blobs.first().map_or("manifest.json", |blob| &blob.file);
            flip(&store.result_folder(result).join(file));
        }
    }
    drop(store);
    let run = place.call(&[&["run"], &stages()[..]].concat()).good();
    assert!(run.err.contains("damaged"), "{run:?}");
    assert_eq!(place.digests(&stages(), &[]), before);
    assert_eq!(place.examine(), vec![]);
    assert_eq!(place.call(&["claims", "--json"]).out, quick().call(&["claims", "--json"]).out);
}

#[test]
fn a_forced_run_computes_the_same_again() {
    let place = Place::copy_of(quick());
    let run = place.call(&["run", "gmm-spectrum", "--force"]).good();
    assert!(run.out.contains("gmm-spectrum: computed"), "{run:?}");
    assert_eq!(place.digests(&stages(), &[]), quick().digests(&stages(), &[]));
}
