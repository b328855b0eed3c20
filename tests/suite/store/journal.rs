//! The journal: what it says, and what is made of it when it is damaged.

use super::{entries, ingredients, new_store, publish};
use spectral_alignment::store::{Event, Store};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

fn events(store: &Store) -> Vec<Event> {
    store.history().unwrap().iter().map(|entry| entry.event).collect()
}

/// Seconds since 1970 of `2025-11-21T16:16:00Z`, counted year by year.
fn seconds(text: &str) -> u64 {
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let year = number(0, 4);
    let mut days: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months[..number(5, 7) as usize - 1].iter().sum::<u64>() + number(8, 10) - 1;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60 + number(17, 19)
}

#[test]
fn it_tells_what_came_and_went_and_when() {
    use Event::{Confirmed, Different, Published, SetAside};
    let (folder, store) = new_store();
    let made = publish(&store, 1, 0.0).unwrap();
    publish(&store, 1, 0.0).unwrap();
    publish(&store, 1, 1e-9).unwrap_err();
    fs::write(store.folder(&made).join("alignment.parquet"), "junk").unwrap();
    store.doctor().unwrap();
    publish(&store, 1, 0.0).unwrap();
    let alone = store.lock_exclusive(|| {}).unwrap();
    publish(&store, 2, 0.0).unwrap();
    assert_eq!(events(&store), [Published, Confirmed, Different, SetAside, Published, Published]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for entry in store.history().unwrap() {
        assert!(entry.time <= now && entry.time + 600 > now);
        let (began, process) = entry.run.rsplit_once('-').unwrap();
        assert!(seconds(began) <= entry.time && seconds(began) + 600 > entry.time, "{}", entry.run);
        assert_eq!(process, std::process::id().to_string());
        assert_eq!(entry.kind, "trajectory");
    }
    let kept = ingredients(2).digest();
    let dropped = store.drop_unused(&alone, |unit| unit.key == kept, true).unwrap();
    let kinds: Vec<&str> = dropped.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["trajectory", "damaged", "nondeterministic"], "{dropped:?}");
    assert_eq!(events(&store), [Published], "of what was dropped nothing is left to say");
    assert_eq!((entries(&folder.path().join("damaged")), store.doctor().unwrap()), (0, vec![]));
}

#[test]
fn a_torn_tail_is_cut_off() {
    let (folder, store) = new_store();
    publish(&store, 1, 0.0).unwrap();
    let path = folder.path().join("journal");
    let whole = fs::read(&path).unwrap();
    for tail in [&b"0123456789abcdef {\"time\":17"[..], &[0; 300], b"x"] {
        fs::write(&path, [&whole[..], tail].concat()).unwrap();
        let again = Store::open(folder.path()).unwrap();
        assert_eq!((fs::read(&path).unwrap() == whole, again.take_notes()), (true, vec![]));
        // Another process may still have the store open.
        fs::write(&path, [&whole[..], tail].concat()).unwrap();
        publish(&store, 1, 0.0).unwrap();
        assert_eq!(events(&store), [Event::Published, Event::Confirmed]);
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(store.doctor().unwrap(), vec![]);
}

#[test]
fn a_lost_journal_is_made_anew_from_the_folder() {
    let (folder, store) = new_store();
    let path = folder.path().join("journal");
    for seed in 0..3 {
        publish(&store, seed, 0.0).unwrap();
    }
    let lose: [fn(&std::path::Path); 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for lose in lose {
        lose(&path);
        let store = Store::open(folder.path()).unwrap();
        let notes = store.take_notes();
        assert!(notes.last().unwrap().contains("3 units"), "{notes:?}");
        assert_eq!((events(&store), store.doctor().unwrap()), (vec![Event::Found; 3], vec![]));
    }
}

#[test]
fn damaged_lines_are_found_and_taken_out() {
    let (folder, store) = new_store();
    for seed in 0..3 {
        publish(&store, seed, 0.0).unwrap();
    }
    let path = folder.path().join("journal");
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in [0, 40, second + 3, second + 200, whole.len() - 2] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(store.history().unwrap().len(), 2, "byte {at}");
        let problems = store.doctor().unwrap();
        assert!(problems.len() == 2 && problems.iter().all(|found| found.path == path), "{problems:?}");
        assert!(problems[0].set_aside.as_ref().unwrap().exists());
        assert_eq!(store.doctor().unwrap(), vec![]);
        assert_eq!(events(&store).iter().filter(|event| **event == Event::Found).count(), 1);
    }
    // Lines that are missing altogether.
    fs::write(&path, &whole[..second]).unwrap();
    let problems = store.doctor().unwrap();
    assert!(problems.len() == 1 && problems[0].problem.contains("2 units"), "{problems:?}");
    assert_eq!(store.doctor().unwrap(), vec![]);
}

#[test]
fn a_unit_that_is_not_the_one_that_was_published_is_found() {
    let (_folder, store) = new_store();
    let (_other_folder, other) = new_store();
    let (made, foreign) = (publish(&store, 1, 0.0).unwrap(), publish(&other, 1, 0.5).unwrap());
    fs::remove_dir_all(store.folder(&made)).unwrap();
    fs::rename(other.folder(&foreign), store.folder(&made)).unwrap();
    let problems = store.doctor().unwrap();
    assert!(problems.len() == 1 && problems[0].problem.contains("journal"), "{problems:?}");
    assert!(problems[0].set_aside.as_ref().unwrap().exists());
    assert_eq!(publish(&store, 1, 0.0).unwrap().digest, made.digest);
    assert_eq!(store.doctor().unwrap(), vec![]);
}
