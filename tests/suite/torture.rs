//! One small stage, run by the program itself while everything around it fails. What takes minutes is ignored here, and
//! run by `just torture`.

mod crowds;
mod damage;
mod disks;
mod hostile;
mod kills;
mod slices;
#[cfg(feature = "faults")]
mod steps;
mod upkeep;

use crate::support::{Answer, Place};
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const STAGE: &str = "xor-rank-deficiency";

/// Makes the stage a matter of a tenth of a second.
const SMALL: [&str; 8] = [
    "--set",
    "xor-rank.replicates=3",
    "--set",
    "xor-rank-k8.replicates=3",
    "--set",
    "xor-rank.checkpoints=6",
    "--set",
    "xor-rank-k8.checkpoints=6",
];

type Digests = BTreeMap<(String, String), String>;

/// The program at this size.
fn command(place: &Place, arguments: &[&str]) -> Command {
    place.command(&[arguments, &SMALL].concat())
}

fn call(place: &Place, arguments: &[&str]) -> Answer {
    command(place, arguments).output().unwrap().into()
}

fn digests(place: &Place) -> Digests {
    place.digests(&[STAGE], &SMALL)
}

/// What an undisturbed run leaves.
fn undisturbed() -> &'static (Place, Digests) {
    &UNDISTURBED.0
}

/// How much an undisturbed run computes.
fn all() -> (u64, u64) {
    UNDISTURBED.1
}

static UNDISTURBED: LazyLock<((Place, Digests), (u64, u64))> = LazyLock::new(|| {
    let place = Place::new();
    let computed = computed(&call(&place, &["run", STAGE]).good());
    assert!(computed.0 == 6 && computed.1 > 10, "{computed:?}");
    let digests = digests(&place);
    ((place, digests), computed)
});

/// The next run finishes, with the same values, and leaves a sound store.
fn heals(place: &Place, what: &str) -> Answer {
    let run = call(place, &["run", STAGE]);
    assert_eq!(run.status, Some(0), "{what}: {run:?}");
    assert_eq!(digests(place), undisturbed().1, "{what}");
    assert_eq!(place.call(&["doctor", "--json"]).good().rows(), Vec::<serde_json::Value>::new(), "{what}");
    run
}

/// How much a run says that it computed: trajectories, and results of queries.
fn computed(run: &Answer) -> (u64, u64) {
    let lines = run.err.lines().filter_map(|line| line.strip_prefix("computed "));
    let numbers =
        lines.map(|line| line.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<u64>>());
    numbers.fold((0, 0), |sum, pair| (sum.0 + pair[0], sum.1 + pair[1]))
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The end of a process, which comes some time unless there is a deadlock.
fn end(mut child: Child) -> Answer {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
            panic!("this run does not end: {:?}", Answer::from(child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap().into()
}

/// Numbers for times and places: any would do.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
