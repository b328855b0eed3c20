use super::{STAGE, call, command, heals, undisturbed};
use crate::support::{Answer, Place};

const FAIL_AT: &str = "SPECTRAL_ALIGNMENT_FAIL_AT";

/// Runs until the program kills itself at a step; false if it did not get there.
fn killed_at(place: &Place, arguments: &[&str], step: &str) -> bool {
    let answer = Answer::from(command(place, arguments).env(FAIL_AT, step).output().unwrap());
    assert!(answer.status.is_none() || answer.status == Some(0), "{step}: {answer:?}");
    answer.status.is_none()
}

fn killed_and_healed(step: &str) -> bool {
    let place = Place::new();
    let killed = killed_at(&place, &["run", STAGE], step);
    heals(&place, step);
    killed
}

#[test]
fn a_run_killed_while_it_publishes_is_finished_by_the_next() {
    for step in ["write:1", "write:5", "flush:1", "flush:9", "move:1", "move:2", "move:4", "move:6"] {
        assert!(killed_and_healed(step), "{step} is never reached");
    }
}

#[test]
#[ignore = "minutes: just torture"]
fn a_run_killed_at_any_step_is_finished_by_the_next() {
    let mut steps = 0;
    while killed_and_healed(&format!("any:{}", steps + 1)) {
        steps += 1;
    }
    assert!(steps >= 30, "{steps}");
}

#[test]
fn killed_while_it_sets_aside_or_drops_the_store_heals() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let tables = store.results("tables").unwrap().remove(0);
    std::fs::write(store.result_folder(&tables).join("replicates.parquet"), "x").unwrap();
    drop(store);
    assert!(killed_at(&place, &["run", STAGE], "aside:1"));
    heals(&place, "set aside");

    call(&place, &["run", STAGE, "--set", "xor-rank.lambda=50"]).good();
    for step in ["drop:1", "drop:2", "drop:3"] {
        assert!(killed_at(&place, &["gc"], step));
        assert_eq!(
            place.call(&["doctor", "--json"]).good().rows(),
            Vec::<serde_json::Value>::new(),
            "{step}"
        );
    }
    call(&place, &["gc"]).good();
    let run = heals(&place, "dropped");
    assert!(run.out.contains("up to date"), "what is used was dropped: {run:?}");
}

#[test]
fn killed_while_it_mends_or_merges_a_pack_the_store_heals() {
    let (sound, _) = undisturbed();
    let pack = |place: &Place| {
        let mut folders: Vec<_> =
            std::fs::read_dir(place.data().join("packs/xor-rank")).unwrap().flatten().collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.file_name()));
        folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten())
            .next()
            .unwrap()
            .path()
    };
    for step in ["write:1", "flush:1", "move:1", "aside:1"] {
        let place = Place::copy_of(sound);
        let mut bytes = std::fs::read(pack(&place)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(pack(&place), bytes).unwrap();
        assert!(killed_at(&place, &["doctor"], step), "{step} is never reached");
        place.call(&["doctor"]).good();
        heals(&place, step);
    }
}

#[test]
fn killed_while_figures_are_written_the_next_run_writes_them_all() {
    let (sound, _) = undisturbed();
    let names = |place: &Place| -> Vec<(String, Vec<u8>)> {
        let folder =
            std::fs::read_dir(place.figures().join("variants")).unwrap().next().unwrap().unwrap().path();
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files
            .map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    for step in ["update:1", "update:3", "update:6"] {
        let place = Place::copy_of(sound);
        assert!(killed_at(&place, &["run", STAGE], step), "{step} is never reached");
        assert!(names(&place).iter().any(|(name, _)| name.starts_with(".new-")), "{step}");
        heals(&place, step);
        assert_eq!(names(&place), names(sound), "{step}");
    }
}
