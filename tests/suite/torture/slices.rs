use super::{Dice, Digests, STAGE, all, call, command, computed, end, start, undisturbed};
use crate::support::Place;
use std::time::{Duration, Instant};

/// Four workers over one store that take no locks; two are killed at random times, and what they had is done again.
fn rounds(count: u64, seed: u64) {
    let (mut dice, mut unfinished) = (Dice(seed), 0);
    let expected: &Digests = &undisturbed().1;
    let begun = Instant::now();
    call(&Place::new(), &["run", STAGE, "--slice", "1/4"]).good();
    let one = u64::try_from(begun.elapsed().as_millis()).unwrap().max(10);
    for round in 0..count {
        let place = Place::new();
        let worker =
            |number: usize| start(command(&place, &["run", STAGE, "--slice", &format!("{number}/4")]));
        let mut workers: Vec<_> = (1..=4).map(worker).collect();
        // Four at once are slower than one.
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(dice.below(one)));
            let mut victim = workers.remove(usize::try_from(dice.below(workers.len() as u64)).unwrap());
            unfinished += u64::from(victim.try_wait().unwrap().is_none());
            victim.kill().unwrap();
            end(victim);
        }
        for worker in workers {
            end(worker).good();
        }
        // Nothing is half published, and nothing of those who finished is lost.
        assert_eq!(place.examine(), vec![], "round {round}");
        let sum = (1..=4)
            .map(|number| computed(&call(&place, &["run", STAGE, "--slice", &format!("{number}/4")]).good()))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert!(sum.0 < all().0, "round {round}: all was computed again");
        let run = call(&place, &["run", STAGE, "--merge"]).good();
        assert_eq!(computed(&run), (0, 0), "round {round}");
        assert_eq!(super::digests(&place), *expected, "round {round}");
        assert_eq!(place.examine(), vec![], "round {round}");
    }
    assert!(unfinished >= count, "only {unfinished} of {} were still running", 2 * count);
}

#[test]
fn two_of_four_slices_killed_at_random_times_lose_nothing() {
    rounds(3, 1);
}

#[test]
#[ignore = "minutes: just torture"]
fn fifty_times_two_of_four_slices_killed_lose_nothing() {
    rounds(50, 2);
}
