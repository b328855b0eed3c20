use super::{Dice, STAGE, call, command, end, heals, start};
use crate::support::Place;
use std::time::{Duration, Instant};

fn kill_at_random(times: u64, seed: u64) {
    let (mut dice, mut kills, mut unfinished) = (Dice(seed), 0, 0);
    let begun = Instant::now();
    call(&Place::new(), &["run", STAGE]).good();
    let whole = u64::try_from(begun.elapsed().as_millis()).unwrap().max(10);
    while kills < times {
        let place = Place::new();
        // Some stores are killed once, some again and again.
        let series = 1 + dice.below(4);
        for _ in 0..series {
            let mut child = start(command(&place, &["run", STAGE]));
            std::thread::sleep(Duration::from_millis(dice.below(whole)));
            unfinished += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            end(child);
            kills += 1;
        }
        heals(&place, "killed at a random time");
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
