use super::{Dice, STAGE, call, command, computed_once, end, heals, start, undisturbed};
use crate::support::{Answer, Place};
use std::time::Duration;

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
    computed_once(&place, step);
    killed
}

#[test]
fn a_run_killed_while_it_publishes_is_finished_by_the_next() {
    for step in ["write:1", "write:23", "flush:1", "flush:29", "move:1", "move:9", "journal:1", "journal:9"] {
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
    assert!(steps >= 100, "{steps}");
}

#[test]
fn killed_while_it_sets_aside_or_drops_the_store_heals() {
    let place = Place::copy_of(&undisturbed().0);
    let store = place.store();
    let tables = store.units("tables").unwrap().remove(0);
    std::fs::write(store.folder(&tables).join("replicates.parquet"), "x").unwrap();
    drop(store);
    assert!(killed_at(&place, &["run", STAGE], "aside:1"));
    heals(&place, "set aside");

    call(&place, &["run", STAGE, "--set", "xor-rank.lambda=50"]).good();
    for step in ["drop:1", "drop:4"] {
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
fn a_second_kill_while_the_first_is_healed_changes_nothing() {
    let place = Place::new();
    assert!(killed_at(&place, &["run", STAGE], "journal:9"));
    assert!(killed_at(&place, &["status"], "journal:1"));
    assert!(killed_at(&place, &["status"], "journal:1"));
    heals(&place, "killed while it opened the store");
    computed_once(&place, "killed while it opened the store");
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

fn kill_at_random(times: u64, seed: u64) {
    let (mut dice, mut kills, mut unfinished) = (Dice(seed), 0, 0);
    while kills < times {
        let place = Place::new();
        // Some stores are killed once, some again and again.
        let series = 1 + dice.below(4);
        for _ in 0..series {
            let mut child = start(command(&place, &["run", STAGE]));
            std::thread::sleep(Duration::from_millis(dice.below(300)));
            unfinished += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            end(child);
            kills += 1;
        }
        heals(&place, "killed at a random time");
        computed_once(&place, "killed at a random time");
    }
    assert!(unfinished * 4 >= times, "only {unfinished} of {times} were still running");
}

#[test]
fn runs_killed_at_random_times_are_finished_by_the_next() {
    kill_at_random(8, 1);
}

#[test]
#[ignore = "minutes: just torture"]
fn two_hundred_runs_killed_at_random_times_are_finished_by_the_next() {
    kill_at_random(200, 2);
}
