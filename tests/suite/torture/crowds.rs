use super::{STAGE, all, command, computed, digests, end, heals, start, undisturbed};
use crate::support::Place;
use std::process::Child;
use std::time::Duration;

/// Several processes on one empty store; one of them is killed after some time, if one is named.
fn crowd(size: usize, killed: Option<Duration>) {
    let place = Place::new();
    let mut crowd: Vec<Child> = (0..size).map(|_| start(command(&place, &["run", STAGE]))).collect();
    if let Some(after) = killed {
        std::thread::sleep(after);
        let mut victim = crowd.remove(0);
        victim.kill().unwrap();
        end(victim);
    }
    let what = format!("{size} at once, {killed:?}");
    let sums: Vec<(u64, u64)> = crowd.into_iter().map(|child| computed(&end(child).good())).collect();
    let sum = sums.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    // What a killed run had not stored is computed again.
    assert!(sum == all() || killed.is_some(), "{what}: {sums:?}");
    assert_eq!(digests(&place), undisturbed().1, "{what}");
    heals(&place, &what);
}

#[test]
fn four_processes_compute_everything_once() {
    crowd(4, None);
}

#[test]
fn when_one_is_killed_the_others_finish() {
    crowd(3, Some(Duration::from_millis(80)));
}

#[test]
#[ignore = "minutes: just torture"]
fn crowds_of_any_size_compute_everything_once() {
    for size in 2..=8 {
        crowd(size, None);
        for milliseconds in [5, 40, 100, 180] {
            crowd(size, Some(Duration::from_millis(milliseconds)));
        }
    }
}
