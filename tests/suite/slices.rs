use crate::support::{Answer, Place};
use proptest::prelude::*;
use spectral_alignment::cluster::layout::Layout;
use spectral_alignment::cluster::limits::{Limits, default_partition};
use spectral_alignment::cluster::site::Site;
use spectral_alignment::cluster::words::quoted;
use spectral_alignment::digest::{Ingredients, KeyBuilder};
use spectral_alignment::pipeline::slices::{Slice, Split, split};
use spectral_alignment::pipeline::units::Unit;
use spectral_alignment::store::{Access, Group, Record, Store};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A stage of some tenths of a second with several experiments.
const STAGE: &str = "xor-rank-deficiency";

fn units(place: &Place, more: &[&str]) -> BTreeSet<String> {
    let rows = place.call(&[&["plan", STAGE, "--json"], more].concat()).good().rows();
    rows.iter().map(|row| row["unit"].as_str().unwrap().to_owned()).collect()
}

fn slice(place: &Place, slice: &str) -> Answer {
    place.call(&["run", STAGE, "--slice", slice]).good()
}

proptest! {
    #[test]
    fn a_split_gives_each_unit_to_one_share_and_no_share_much_more_than_the_average(
        experiments in prop::collection::vec((1..40_usize, 1..100_000_u64), 1..30),
        of in 1..50_u32,
    ) {
        let names: Vec<String> = (0..experiments.len()).map(|number| format!("experiment-{number}")).collect();
        let units: Vec<(&str, u64)> = experiments
            .iter()
            .zip(&names)
            .flat_map(|((count, cost), name)| vec![(name.as_str(), *cost); *count])
            .collect();
        let Split { numbers, costs } = split(units.clone(), of);
        prop_assert_eq!(numbers.len(), units.len());
        let mut sums = vec![0; of as usize];
        for (number, (_, cost)) in numbers.iter().zip(&units) {
            prop_assert!((1..=of).contains(number));
            sums[*number as usize - 1] += cost;
        }
        prop_assert_eq!(&sums, &costs);
        let total: u64 = costs.iter().sum();
        let longest = units.iter().map(|(_, cost)| *cost).max().unwrap();
        // A piece is no longer than an eighth of a share, or than one unit.
        let most = total / u64::from(of) + longest.max(total / (8 * u64::from(of))) + 1;
        prop_assert!(costs.iter().all(|cost| *cost <= most), "{:?} above {}", costs, most);
        prop_assert_eq!(split(units, of), Split { numbers, costs });
    }
}

#[test]
fn the_longest_units_come_first() {
    // By hand: pieces of one unit each, 5 4 3 3 3 to two shares: 5 + 3, 4 + 3 + 3.
    let units = [("a", 3), ("b", 5), ("c", 3), ("d", 4), ("e", 3)];
    assert_eq!(split(units, 2), Split { numbers: vec![2, 1, 1, 2, 2], costs: vec![8, 10] });
    // Neighbours of one experiment stay together in pieces of an eighth of a share: 16 units of 1 for one share, by twos.
    let many: Vec<(&str, u64)> = vec![("a", 1); 32];
    let numbers = split(many, 2).numbers;
    assert!(numbers.chunks(2).all(|pair| pair[0] == pair[1]), "{numbers:?}");
}

#[test]
fn slices_are_from_one_to_n() {
    assert_eq!("3/7".parse(), Ok(Slice { number: 3, of: 7 }));
    for wrong in ["0/7", "8/7", "1/0", "1", "a/b", "1/-2", "1/1000001", "1/7/7"] {
        assert!(wrong.parse::<Slice>().is_err(), "{wrong}");
    }
    let place = Place::new();
    place.call(&["run", STAGE, "--slice", "3/2"]).refused(2, &["3/2"]);
    place.call(&["run", STAGE, "--slice", "1/2", "--force"]).refused(2, &["--force"]);
    place.call(&["run", STAGE, "--plan", "x"]).refused(2, &["--slice"]);
}

#[test]
fn slices_together_compute_everything_once_and_the_last_run_only_reduces_and_draws() {
    let (place, alone) = (Place::new(), Place::new());
    let every = units(&place, &[]);
    let mut left = every.clone();
    for number in [2, 3, 1] {
        let told = slice(&place, &format!("{number}/3")).out;
        let now = units(&place, &[]);
        let words: Vec<&str> = told.split(' ').collect();
        // The split is of all units, whatever is there.
        assert_eq!(words[2].parse(), Ok(left.len() - now.len()), "{told}");
        assert!(told.contains(" 0 there before"), "{told}");
        assert!(now.is_subset(&left) && now.len() < left.len());
        left = now;
    }
    assert!(left.is_empty());
    // What is there is skipped; nothing is reduced or drawn, and no lock was taken.
    assert!(slice(&place, "2/3").out.contains(" 0 computed"));
    assert!(!place.figures().exists() && !place.data().join("stages").exists());
    for lock in ["lock", "guard", "work"] {
        assert!(!place.data().join(lock).exists(), "{lock}");
    }
    let packs = |place: &Place| count(&place.data().join("packs"));
    let before = packs(&place);
    let run = place.call(&["run", STAGE, "--merge"]).good();
    assert!(!run.err.contains("computed ") && run.out.contains(&format!("{STAGE}: computed")), "{run:?}");
    alone.call(&["run", STAGE]).good();
    assert_eq!(place.digests(&[STAGE], &[]), alone.digests(&[STAGE], &[]));
    assert!(before > packs(&place) && packs(&place) == packs(&alone));
    assert_eq!(place.examine(), vec![]);
}

fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

#[test]
fn a_merge_with_something_missing_says_what_and_computes_nothing() {
    let place = Place::new();
    slice(&place, "1/2");
    let before = units(&place, &[]);
    place.call(&["run", STAGE, "--merge"]).refused(3, &["are not there", "plan", &before.len().to_string()]);
    assert_eq!(units(&place, &[]), before);
    // An ordinary run computes it.
    place.call(&["run", STAGE]).good();
    assert!(units(&place, &[]).is_empty());
}

#[test]
fn a_frozen_plan_is_what_was_missing_then() {
    let place = Place::new();
    slice(&place, "1/4");
    let (frozen, file) = (units(&place, &[]), place.path().join("plan.json"));
    let path = file.to_str().unwrap();
    let told = place.call(&["plan", STAGE, "--out", path]).good().out;
    assert!(told.contains(&format!("{} units", frozen.len())), "{told}");
    // Whatever is done meanwhile, shares stay the same.
    let first = |place: &Place| {
        let mut command = place.bare();
        command.args(["run", "--plan", path, "--slice", "1/2", "--data"]).arg(place.data());
        Answer::from(command.output().unwrap()).good().out
    };
    let told = first(&place);
    let again = first(&place);
    let number = |text: &str| text.split(' ').nth(2).unwrap().parse::<usize>().unwrap();
    assert!(number(&told) == number(&again) && again.contains(" 0 computed"), "{told} {again}");
    assert_eq!(units(&place, &[]).len(), frozen.len() - number(&told));
    place.call(&["run", STAGE, "--plan", path, "--slice", "2/2"]).good();
    assert!(units(&place, &[]).is_empty());
    // For other settings or stages it is refused, and so is one that is none.
    place.call(&["run", "--plan", path, "--slice", "1/2", "--seed", "1007"]).refused(2, &["--profile quick"]);
    place.call(&["run", "gmm-snr", "--plan", path, "--slice", "1/2"]).refused(2, &[STAGE]);
    let text = fs::read_to_string(&file).unwrap();
    let other = text.replacen("\"keys\":\"", "\"keys\":\"0", 1);
    for (text, status, words) in [
        (other.as_str(), 2, "another version"),
        ("{}", 3, "no frozen plan"),
        (&text[..text.len() / 2], 3, "no frozen plan"),
    ] {
        fs::write(&file, text).unwrap();
        place.call(&["run", "--plan", path, "--slice", "1/2"]).refused(status, &[words]);
    }
}

fn group() -> Group {
    let ingredients: Ingredients = KeyBuilder::new("spectra").with("experiment", "gmm").finish();
    Group::new("gmm", ingredients)
}

fn record(id: &str, payload: &[u8]) -> Record {
    Record { id: id.to_owned(), items: 1, seconds: 0.5, payload: payload.to_vec() }
}

fn sharer(place: &Place) -> Store {
    Store::open(&place.data(), Access::Slice, |_| panic!("a slice waits for nobody")).unwrap()
}

#[test]
fn two_slices_with_the_same_unit_publish_one_value_and_compare() {
    let place = Place::new();
    let (one, other) = (sharer(&place), sharer(&place));
    // Neither sees what the other has not published yet.
    for store in [&one, &other] {
        assert!(store.records(&group()).unwrap().get("0").is_none());
    }
    one.append(&group(), &[], vec![record("0", b"same"), record("1", b"first")]).unwrap();
    other.append(&group(), &[], vec![record("0", b"same")]).unwrap();
    // Who sees a first value compares at once.
    let late = sharer(&place);
    late.append(&group(), &[], vec![record("0", b"same")]).unwrap();
    let error = late.append(&group(), &[], vec![record("1", b"second")]).unwrap_err();
    assert!(error.to_string().contains("not deterministic") && error.exit_status() == 3, "{error}");
    // Who does not, is found out by whoever merges.
    other.append(&group(), &[], vec![record("1", b"third")]).unwrap();
    let store = place.store();
    let error = store.merge(&group(), &|_, _| false).unwrap_err();
    assert!(error.to_string().contains("not deterministic"), "{error}");
    assert_eq!(count(&place.data().join("packs")), 1);
    assert_eq!(store.read(&group(), "0").unwrap().unwrap(), b"same");
    assert_eq!(count(&place.data().join("nondeterministic")), 2);
}

#[test]
fn what_two_blas_kernels_round_differently_is_merged_into_the_first() {
    let made = |kernel: &str| vec![("blas kernel".to_owned(), kernel.to_owned())];
    for (kernels, near, good) in [
        (["Haswell", "SkylakeX"], true, true),
        (["Haswell", "SkylakeX"], false, false),
        (["Haswell", "Haswell"], true, false),
    ] {
        let place = Place::new();
        let (one, other) = (sharer(&place), sharer(&place));
        for store in [&one, &other] {
            store.records(&group()).unwrap();
        }
        one.append(&group(), &made(kernels[0]), vec![record("0", b"0.1")]).unwrap();
        other.append(&group(), &made(kernels[1]), vec![record("0", b"0.2")]).unwrap();
        assert_eq!(place.store().merge(&group(), &move |_, _| near).is_ok(), good, "{kernels:?} {near}");
        assert_eq!(count(&place.data().join("packs")), 1);
    }
}

#[test]
fn a_slice_moves_nothing_and_what_is_damaged_counts_as_absent() {
    let place = Place::new();
    slice(&place, "1/1");
    let pack = {
        let mut folder = place.data().join("packs");
        while folder.is_dir() {
            folder = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        }
        folder
    };
    let mut bytes = fs::read(&pack).unwrap();
    let at = bytes.len() - 70;
    bytes[at] ^= 1;
    fs::write(&pack, &bytes).unwrap();
    assert!(!units(&place, &[]).is_empty());
    let told = slice(&place, "1/1");
    assert!(told.err.contains("damaged") && !told.out.contains(" 0 computed"), "{told:?}");
    assert!(fs::read(&pack).unwrap() == bytes && !place.data().join("damaged").exists());
    // The run that merges mends it.
    let run = place.call(&["run", STAGE, "--merge"]).good();
    assert!(run.err.contains("damaged"), "{run:?}");
    assert_eq!(place.examine(), vec![]);
}

#[test]
fn what_killed_slices_leave_is_removed_a_day_later() {
    let place = Place::new();
    drop(place.store());
    let left = place.data().join("slices");
    for name in ["1-2-3", "4-5-6"] {
        fs::write(left.join(name), "half a pack").unwrap();
    }
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    fs::File::options().write(true).open(left.join("1-2-3")).unwrap().set_modified(old).unwrap();
    // A slice killed while it made the store.
    let draft = place.data().join(".new-1-2-3-ffffffffffffffff");
    fs::write(&draft, "half a line").unwrap();
    assert_eq!(place.examine().len(), 1, "it has not the name of a draft, whose end is a digest");
    fs::remove_file(&draft).unwrap();
    drop(place.store());
    assert!(!left.join("1-2-3").exists() && left.join("4-5-6").exists());
    assert!(place.examine().is_empty());
    place.call(&["clean"]).good();
    assert!(!place.data().join("format").exists() && !left.exists());
}

#[test]
fn many_slices_make_one_new_store_together() {
    for _ in 0..20 {
        let place = Place::new();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let place = &place;
                scope.spawn(move || {
                    let id = number.to_string();
                    sharer(place).append(&group(), &[], vec![record(&id, id.as_bytes())]).unwrap();
                });
            }
        });
        let store = place.store();
        store.merge(&group(), &|_, _| false).unwrap();
        assert_eq!(store.records(&group()).unwrap().iter().count(), 8);
        assert!(place.examine().is_empty());
    }
    // A folder of somebody else is not made one.
    let place = Place::new();
    fs::create_dir_all(place.data()).unwrap();
    fs::write(place.data().join("thesis.tex"), "mine").unwrap();
    place.call(&["run", STAGE, "--slice", "1/2"]).refused(3, &["is no store", "thesis.tex"]);
}

/// Most memory in kilobytes, and seconds of processor, of a process so far; nothing once it has ended.
fn spent(process: u32) -> Option<(u64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let ticks: Vec<f64> =
        stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    Some((peak.trim().trim_end_matches(" kB").parse().ok()?, ticks.iter().sum::<f64>() / 100.0))
}

#[test]
fn a_plan_of_a_hundred_thousand_units_takes_seconds_and_little_memory() {
    let place = Place::new();
    let set = ["--set", "xor-rank-map-d300.replicates=25000", "--set", "xor-rank-map-d1000.replicates=25000"];
    let file = place.path().join("plan.json");
    for more in [&["--json"][..], &["--out", file.to_str().unwrap()]] {
        let mut command = place.command(&[&["plan", "rank-law-map"], &set[..], more].concat());
        let out = place.path().join("out");
        let mut child = command.stdout(fs::File::create(&out).unwrap()).spawn().unwrap();
        let (mut memory, mut seconds) = (0, 0.0);
        while child.try_wait().unwrap().is_none() {
            (memory, seconds) = spent(child.id()).unwrap_or((memory, seconds));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(child.wait().unwrap().success());
        let text = fs::read_to_string(out).unwrap();
        let units = if more.len() == 1 { text.matches("\"unit\"").count() } else { 100_000 };
        assert!(units == 100_000 && (more.len() == 1 || text.contains("100000 units")), "{units}");
        eprintln!("{more:?}: 10^5 units in {seconds} s of processor and {} MB", memory / 1000);
        assert!(seconds < 5.0 && memory < 500_000, "{seconds} s, {memory} kB");
    }
}

fn unit(experiment: &str, replicate: u32, minutes: u64) -> Unit {
    Unit {
        name: format!("{experiment}/{replicate}"),
        experiment: experiment.to_owned(),
        replicate,
        trajectory: true,
        results: 0,
        cost: minutes * 60_000_000_000,
        whole: minutes * 60_000_000_000,
        bytes: 100 << 20,
    }
}

#[test]
fn units_are_packed_as_the_site_wants_it_within_what_the_partition_allows() {
    let units: Vec<Unit> = (0..600).map(|replicate| unit("gmm", replicate, 2)).collect();
    let layout = |site: &Site, limits: Limits| Layout::new(&units, site, limits, None);
    // 1,200 minutes in elements of an hour.
    let usual = layout(&Site::default(), Limits::default()).unwrap();
    assert_eq!((usual.elements, usual.minutes, usual.cpus), (20, 3 * 60 + 5, 1));
    assert_eq!(usual.megabytes, 100 + 200 + 128 + 256);
    // Where 1,000 run at a time, ten starts a minute are elements of 100 minutes.
    let crowded = Site { parallel: 1000, ..Site::default() };
    assert_eq!(layout(&crowded, Limits::default()).unwrap().elements, 12);
    // A partition of an hour has more and shorter ones, and no request above it.
    let short = layout(&Site::default(), Limits { minutes: Some(60), ..Limits::default() }).unwrap();
    assert!(short.elements == 80 && short.minutes <= 60, "{short:?}");
    // Arrays are as long as Slurm allows, and together no longer at a time than the site wants.
    let limits = Limits { index: Some(6), ..Limits::default() };
    let arrays = layout(&Site { parallel: 10, ..Site::default() }, limits).unwrap().arrays;
    assert_eq!(arrays.iter().map(|array| array.elements).collect::<Vec<_>>(), [6, 6, 6, 2]);
    assert_eq!(arrays.iter().map(|array| array.before).collect::<Vec<_>>(), [0, 6, 12, 18]);
    assert!(arrays.iter().all(|array| array.parallel == 3));
    // What the partition never starts is refused here.
    let refused = |site: Site, limits: Limits, word: &str| {
        let error = layout(&site, limits).unwrap_err();
        assert!(error.exit_status() == 2 && error.to_string().contains(word), "{error}");
    };
    let none = Limits::default();
    refused(Site { cpus: 4, ..Site::default() }, Limits { cpus: Some(2), ..none }, "cpus = 4");
    refused(Site::default(), Limits { megabytes: Some(500), ..none }, "684");
    refused(Site::default(), Limits { minutes: Some(1), ..none }, "gmm/");
}

#[test]
fn limits_are_read_as_slurm_prints_them() {
    let config = "MaxArraySize            = 1001\nMaxDBDMsgs = 20012\n";
    let partition = "PartitionName=p MaxTime=2-03:30:00 MaxCPUsPerNode=UNLIMITED MaxMemPerNode=3000";
    let limits = Limits::parse(config, partition, "16 2000\n64 256000\n");
    let stated = Limits { minutes: Some(3090), cpus: Some(64), megabytes: Some(3000), index: Some(1000) };
    assert_eq!(limits, stated);
    assert_eq!(Limits::parse("", "MaxTime=UNLIMITED", ""), Limits::default());
    assert_eq!(default_partition("short\nlong*\n"), Some("long"));
    assert_eq!(default_partition("short\n"), None);
}

#[test]
fn a_site_says_what_it_wants_and_nothing_else() {
    let text = "elements = 500\nminutes = 30.0\nbefore = [\"module load openblas\"]\n[sbatch]\npartition = \"short\"\n\
                nice = 100\nexclusive = true\n";
    let site = Site::parse(text).unwrap();
    assert_eq!((site.elements, site.cpus), (500, 1));
    assert_eq!(site.options(), ["--exclusive", "--nice=100", "--partition=short"]);
    for (wrong, word) in [
        ("elments = 5", "elments"),
        ("elements = 0", "elements = 0"),
        ("safety = 0.5", "safety"),
        ("minutes = nan", "minutes"),
        ("[sbatch]\nx = [1]", "sbatch.x"),
    ] {
        let problem = Site::parse(wrong).unwrap_err();
        assert!(problem.contains(word), "{problem}");
    }
}

#[test]
fn scripts_for_slurm_are_printed_without_slurm_and_write_nothing() {
    let place = Place::new();
    let site = place.path().join("site.toml");
    fs::write(&site, "cpus = 2\nbefore = [\"module load x\"]\n[sbatch]\nqos = \"low\"\n").unwrap();
    let arguments = [
        "slurm",
        STAGE,
        "--dry-run",
        "--set",
        "xor-rank.replicates=4",
        "--elements",
        "3",
        "--account",
        "a b",
        "--site",
        site.to_str().unwrap(),
    ];
    let mut command = place.command(&arguments);
    let told =
        Answer::from(command.args(["--", "--mail-type=END"]).env("PATH", "").output().unwrap()).good().out;
    for part in [
        "#SBATCH --cpus-per-task=2\n",
        "#SBATCH --qos=low\n",
        "#SBATCH '--account=a b'\n",
        "module load x\n",
        "--slice \"$((SLURM_ARRAY_TASK_ID + $1))/3\"",
        "sbatch --parsable --array=1-3%100 --mail-type=END",
        "--dependency=afterany:ARRAY1",
        &format!("run {STAGE} --merge --profile quick --seed"),
        "--set xor-rank.replicates=4",
    ] {
        assert!(told.contains(part), "`{part}` is missing in {told}");
    }
    assert!(!place.data().exists() && !place.path().join("slurm").exists());
    // They are scripts.
    for script in told.split("\n--- ").skip(1) {
        let text = script.split_once(" ---\n").unwrap().1.split("\nsbatch ").next().unwrap();
        let mut shell = Command::new("bash").args(["-n"]).stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(shell.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success(), "{text}");
    }
    // Without Slurm nothing can be submitted.
    let mut command = place.command(&["slurm", STAGE]);
    Answer::from(command.env("PATH", "").output().unwrap()).refused(3, &["no Slurm", "--dry-run"]);
    assert_eq!(
        (quoted("a b'c"), quoted("x/y=1"), quoted("")),
        (r"'a b'\''c'".into(), "x/y=1".into(), "''".into())
    );
}

#[test]
fn a_watch_tells_how_far_the_whole_is_and_ends_with_it() {
    let place = Place::new();
    let child =
        place.command(&["status", STAGE, "--watch", "--every", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    place.call(&["run", STAGE, "--slice", "1/2"]).good();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    place.call(&["run", STAGE]).good();
    let told = Answer::from(child.wait_with_output().unwrap()).good().out;
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() >= 2 && lines[0].contains("0 of 1 stages"), "{told}");
    assert!(lines.last().unwrap().contains("100.0 % of the work; 1 of 1 stages up to date"), "{told}");
}

/// A Python with HyperQueue, if there is one.
fn python() -> Option<String> {
    let named = std::env::var("SPECTRAL_ALIGNMENT_PYTHON").ok().filter(|named| !named.is_empty());
    let python = named.unwrap_or_else(|| "python3".to_owned());
    // Its server listens on all interfaces: it gets a network of its own.
    let works = Command::new("unshare").args(["-n", &python, "-c", "import hyperqueue"]).output();
    works.is_ok_and(|output| output.status.success()).then_some(python)
}

#[test]
fn hyperqueue_runs_the_same_plan() {
    let (place, alone) = (Place::new(), Place::new());
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let plan = ["plan", STAGE, "--out", &path("plan.json"), "--format", "hyperqueue", "--slices", "4"];
    let job = place.call(&plan).good().out;
    let file: toml::Table = toml::from_str(&job).unwrap();
    let tasks = file["task"].as_array().unwrap();
    assert_eq!(tasks.len(), 4);
    for (task, number) in tasks.iter().zip(1..) {
        let words: Vec<&str> =
            task["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert!(words.contains(&&*format!("{number}/4")) && words.contains(&"--plan"), "{words:?}");
        assert_eq!(task["id"].as_integer(), Some(number));
        assert!(task["request"][0]["time_request"].as_str().unwrap().ends_with('s'));
    }
    let Some(python) = python() else {
        eprintln!(
            "skipped: no Python with hyperqueue, or no network namespaces; `./bootstrap.sh --all` installs it"
        );
        return;
    };
    fs::write(path("job.toml"), &job).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/tasks.py");
    let mut command = Command::new("unshare");
    command.args(["-n", &python]).arg(script).arg(path("job.toml")).current_dir(place.path());
    let answer: Answer = command.output().unwrap().into();
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(units(&place, &[]).is_empty());
    place.call(&["run", STAGE, "--merge"]).good();
    alone.call(&["run", STAGE]).good();
    assert_eq!(place.digests(&[STAGE], &[]), alone.digests(&[STAGE], &[]));
}
