//! Somebody else's clone: links, bombs and forgeries under every name; nothing around the two folders is touched.

use super::{Dice, STAGE, call, command, end, heals, start, undisturbed};
use crate::committing::{EFFORT, SMALL as COMMITTED, committed_place, paper};
use crate::support::{Answer, Place, copy};
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::pipeline::run::run;
use spectral_alignment::published::Figures;
use spectral_alignment::published::lockfile::LockFile;
use spectral_alignment::published::publish::publish;
use spectral_alignment::published::verify::committed;
use spectral_alignment::stage::{Profile, Settings};
use spectral_alignment::stages::STAGES;
use spectral_alignment::store::{Access, Publication, Store};
use spectral_alignment::table::{Table, TableBuilder};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Files of a user beside the folders of the program.
struct Canaries(PathBuf);

impl Canaries {
    fn around(place: &Place) -> Self {
        let folder = place.path().join("mine");
        for file in ["thesis.tex", "values/a.parquet", "run-1/b", "svg/gmm.svg", "figures.lock", "format"] {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "much work").unwrap();
        }
        Self(folder)
    }

    fn alive(&self, what: &str) {
        fn count(path: &Path, what: &str) -> usize {
            let below = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            below
                .map(|path| {
                    if path.is_dir() {
                        return count(&path, what);
                    }
                    assert_eq!(fs::read(&path).unwrap(), b"much work", "{what}: {}", path.display());
                    1
                })
                .sum()
        }
        assert_eq!(count(&self.0, what), 6, "{what}");
    }
}

/// Seconds of processor time of a process so far, which other work on the machine does not lengthen.
fn processor_time(stat: &str) -> f64 {
    // The name in parentheses may hold spaces; times are the 14th and 15th field, in hundredths of a second.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// What a command says on a hostile clone: it ends soon, in little memory, with an answer or a refusal.
fn bounded(mut command: Command, what: &str) -> Answer {
    let begun = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (status, stat) = (format!("/proc/{}/status", child.id()), format!("/proc/{}/stat", child.id()));
    let (mut peak, mut spent) = (0_u64, 0.0_f64);
    // Small answers fit into the pipes.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        spent = spent.max(processor_time(&fs::read_to_string(&stat).unwrap_or_default()));
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{what}: does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let answer: Answer = child.wait_with_output().unwrap().into();
    assert!(peak < 500_000, "{what}: {peak} kB");
    assert!(spent < 10.0, "{what}: {spent} s");
    assert!(
        !answer.err.contains("panicked") && matches!(answer.status, Some(0 | 1 | 3)),
        "{what}: {answer:?}"
    );
    answer
}

/// A committed clone of this repository; its data folder is new.
fn clone() -> Place {
    let place = Place::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"), &place.figures());
    place
}

fn claims(place: &Place) -> Command {
    let mut command = place.bare();
    command.arg("claims").arg("--data").arg(place.data()).arg("--figures").arg(place.figures());
    command
}

fn put(path: &Path, make: impl Fn(&Path)) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    make(path);
}

#[test]
fn links_under_any_name_of_both_folders_lead_nowhere() {
    link_farm(1);
}

#[test]
#[ignore = "a minute: just torture"]
fn any_links_under_any_name_of_both_folders_lead_nowhere() {
    link_farm(3);
}

/// Every name as a link to so many of a folder, a file and nothing.
fn link_farm(targets: usize) {
    let names = [
        "figures/values",
        "figures/variants",
        "figures/variants/quick",
        "figures/png",
        "figures/report.html",
        "figures/contact-sheet.html",
        "figures/figures.lock",
        "data/packs",
        "data/packs/xor-rank",
        "data/stages",
        "data/stages/xor-rank-deficiency",
        "data/work",
        "data/temporary",
        "data/damaged",
        "data/nondeterministic",
        "data/lock",
        "data/guard",
        "data/format",
    ];
    for (number, name) in names.into_iter().enumerate() {
        for target in
            ["mine", "mine/thesis.tex", "mine/nothing"].into_iter().cycle().skip(number).take(targets)
        {
            let place = Place::copy_of(&undisturbed().0);
            let canaries = Canaries::around(&place);
            put(&place.path().join(name), |path| symlink(place.path().join(target), path).unwrap());
            for arguments in [
                &["run", STAGE][..],
                &["claims"],
                &["doctor"],
                &["gc"],
                &["status", "--committed"],
                &["report"],
                &["clean"],
            ] {
                bounded(command(&place, arguments), &format!("{arguments:?} with {name}"));
                canaries.alive(&format!("{arguments:?} with {name} to {target}"));
            }
            assert!(!place.path().join("mine/nothing").exists());
        }
    }
}

#[test]
fn links_among_published_names_lead_nowhere() {
    let (sound, _) = committed_place(&COMMITTED);
    let done = run(&[&COMMITTED], &[&COMMITTED], &sound.store(), &paper(), EFFORT).unwrap();
    for name in
        ["values", "values/gmm-template", "values/gmm-template/quick", "gmm-template.svg", "figures.lock"]
    {
        let place = Place::new();
        let canaries = Canaries::around(&place);
        copy(&sound.figures(), &place.figures());
        fs::write(place.figures().join("gmm-template.pdf"), "another").unwrap();
        let figures = Figures::at(&place.figures());
        put(&place.figures().join(name), |path| symlink(place.path().join("mine"), path).unwrap());
        match publish(&figures, &sound.store(), &paper(), &done) {
            Err(error) => {
                assert_eq!(error.exit_status(), 3, "{error}");
                assert!(error.to_string().contains(place.figures().to_str().unwrap()), "{error}");
            }
            // Nothing of the quick profile is written.
            Ok(_) => assert!(name.ends_with("quick"), "{name}"),
        }
        canaries.alive(name);
        // A file of somebody else that looks like one in preparation.
        put(&place.figures().join(name), |_| {});
        copy(&sound.figures(), &place.figures());
        fs::write(place.figures().join(".new-mine"), "mine").unwrap();
        publish(&figures, &sound.store(), &paper(), &done).unwrap();
        assert!(place.figures().join(".new-mine").exists());
    }
}

#[test]
fn a_table_that_its_records_do_not_give_is_not_published() {
    let (place, figures) = committed_place(&COMMITTED);
    let store = place.store();
    let done = run(&[&COMMITTED], &[&COMMITTED], &store, &paper(), EFFORT).unwrap();
    let (manifest, before) = (&done[0].tables, fs::read(place.figures().join("figures.lock")).unwrap());
    let mut tables: Vec<Table> =
        manifest.tables.iter().map(|entry| store.table(manifest, &entry.table).unwrap().unwrap()).collect();
    let at = tables.iter().position(|table| table.name() == "statistics").unwrap();
    tables[at] = changed(
        &tables[at],
        &|rows| rows,
        &|column, text| text.filter(|_| !column.is_empty()),
        &|value| value * 2.0,
        "",
    );
    fs::remove_dir_all(store.result_folder(manifest)).unwrap();
    let forged = Publication {
        stage: COMMITTED.name,
        ingredients: &manifest.ingredients,
        tables: &tables,
        blobs: &[],
        provenance: &[],
        lineage: &manifest.lineage,
    };
    store.publish(forged).unwrap();
    let done = run(&[&COMMITTED], &[&COMMITTED], &store, &paper(), EFFORT).unwrap();
    let error = publish(&figures, &store, &paper(), &done).unwrap_err();
    assert!(error.exit_status() == 3 && error.to_string().contains("records in the store"), "{error}");
    assert_eq!(fs::read(place.figures().join("figures.lock")).unwrap(), before);
}

#[test]
fn bombs_are_refused_before_they_are_read() {
    let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let zero = |path: &Path| symlink("/dev/zero", path).unwrap();
    let huge = |path: &Path| fs::File::create(path).unwrap().set_len(1 << 36).unwrap();
    let bombs: [&dyn Fn(&Path); 3] = [&fifo, &zero, &huge];
    for bomb in bombs {
        for name in
            ["figures/figures.lock", "figures/values/gmm-snr/statistics.parquet", "data/format", "data/lock"]
        {
            let place = clone();
            put(&place.path().join(name), bomb);
            bounded(claims(&place), name).refused(3, &[]);
        }
        let place = Place::copy_of(&undisturbed().0);
        put(&place.path().join("over.toml"), bomb);
        let answer = bounded(command(&place, &["claims", "--overrides", "over.toml"]), "overrides");
        answer.refused(3, &["over.toml", "not read"]);
    }
    bounded(claims(&clone()), "nothing");
}

/// A table with other rows, other texts, other numbers, and without one of its columns.
fn changed(
    table: &Table,
    rows: &dyn Fn(Vec<usize>) -> Vec<usize>,
    text: &dyn Fn(&str, Option<String>) -> Option<String>,
    number: &dyn Fn(f64) -> f64,
    without: &str,
) -> Table {
    let order = rows((0..table.rows()).collect());
    let pick = |row: &usize| *row;
    let mut builder = TableBuilder::new(table.name());
    for name in table.columns().into_iter().filter(|name| *name != without) {
        builder = if let Ok(all) = table.f64s(name) {
            builder.f64_or_null(name, order.iter().map(pick).map(|row| all[row].map(number)).collect())
        } else if let Ok(all) = table.strs(name) {
            let all: Vec<_> =
                order.iter().map(pick).map(|row| text(name, all[row].map(str::to_owned))).collect();
            builder.str_or_null(name, &all)
        } else if let Ok(all) = table.bools(name) {
            builder.bool(name, order.iter().map(pick).map(|row| all[row].unwrap_or(false)).collect())
        } else if let (Ok(all), Err(_)) = (table.i64s(name), table.u64s(name)) {
            builder.i64(name, order.iter().map(pick).map(|row| all[row].unwrap_or(0)).collect())
        } else if let Ok(all) = table.u64s(name) {
            builder.u64_or_null(name, order.iter().map(pick).map(|row| all[row]).collect())
        } else {
            let all = table.f64_lists(name).unwrap();
            builder.f64_list_or_null(
                name,
                &order.iter().map(pick).map(|row| all[row].clone()).collect::<Vec<_>>(),
            )
        };
    }
    builder.build().unwrap()
}

/// One of the tables of a stage, forged at random, with a lock that has its digest: whatever the program makes of it, it says in
/// an answer or in an error of status 3.
fn forged(number: u64) {
    let mut dice = Dice(number * 7919 + 1);
    let home = Figures::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"));
    let all = home.lock().unwrap();
    let there: Vec<_> = STAGES.iter().filter(|stage| all.stages.contains_key(stage.name)).collect();
    let stage = there[dice.below(there.len() as u64) as usize];
    let mut profiles = all.stages[stage.name].clone();
    let place = Place::new();
    let figures = Figures::at(&place.figures());
    copy(&home.tables(stage.name, Profile::Paper), &figures.tables(stage.name, Profile::Paper));
    let entry = profiles.get_mut("paper").unwrap();
    let names: Vec<String> = entry.values.keys().cloned().collect();
    let name = &names[dice.below(names.len() as u64) as usize];
    let path = figures.tables(stage.name, Profile::Paper).join(format!("{name}.parquet"));
    let table = Table::from_parquet(name, &path).unwrap();
    let columns: Vec<String> = table.columns().into_iter().map(str::to_owned).collect();
    let (kind, drop) = (dice.below(9), dice.below(columns.len() as u64) as usize);
    let part = dice.below(table.rows().max(1) as u64) as usize;
    let same = |rows: Vec<usize>| rows;
    let (keep, as_is) = (|_: &str, text: Option<String>| text, |value: f64| value);
    let new = match kind {
        0 => changed(&table, &|rows| [rows.clone(), rows].concat(), &keep, &as_is, ""),
        1 => changed(&table, &|rows| rows[..part].to_vec(), &keep, &as_is, ""),
        2 => changed(&table, &|rows| rows[part..].to_vec(), &keep, &as_is, ""),
        3 => changed(&table, &|_| Vec::new(), &keep, &as_is, ""),
        4 => changed(
            &table,
            &same,
            &|column, text| {
                text.map(|text| if column == columns[drop] { "\u{1b}[31mx".into() } else { text })
            },
            &as_is,
            "",
        ),
        5 => changed(&table, &same, &|column, text| text.filter(|_| column != columns[drop]), &as_is, ""),
        6 => changed(&table, &same, &keep, &|value| value * 1e300, ""),
        7 => changed(&table, &same, &keep, &|_| f64::INFINITY, ""),
        _ => changed(&table, &same, &keep, &as_is, &columns[drop]),
    };
    let what = format!("forgery {number}: kind {kind} of {} {name}, column {}", stage.name, columns[drop]);
    fs::write(&path, new.to_parquet_bytes(&[]).unwrap()).unwrap();
    entry.values.insert(name.clone(), new.values_digest().unwrap());
    let lock = LockFile {
        stages: BTreeMap::from([(stage.name.to_owned(), profiles)]),
        sources: BTreeMap::new(),
        ..all
    };
    fs::write(place.figures().join("figures.lock"), serde_json::to_vec(&lock).unwrap()).unwrap();
    let settings = Settings {
        profile: Profile::Paper,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    };
    let store = Store::open(&place.data(), Access::Read, |_| {}).unwrap();
    let plan = StagePlan::new(stage, &settings).unwrap();
    let spent = || processor_time(&fs::read_to_string("/proc/thread-self/stat").unwrap_or_default());
    let begun = spent();
    let judged = figures.claims(&store, &settings, &plan, None);
    if let Err(error) = &judged {
        assert_eq!(error.exit_status(), 3, "{what}: {error}");
        assert!(error.to_string().contains(stage.name), "{what}: {error}");
    }
    assert!(judged.is_err() || kind != 0 || table.rows() == 0, "{what}: doubled rows are judged");
    committed(&figures, &lock, stage, Profile::Paper).unwrap();
    assert!(spent() - begun < 10.0, "{what}: {} s", spent() - begun);
}

#[test]
fn twenty_consistent_forgeries_of_tables_are_answered_or_refused() {
    (0..20).for_each(forged);
}

#[test]
#[ignore = "a minute: just torture"]
fn two_hundred_consistent_forgeries_of_tables_are_answered_or_refused() {
    (20..220).for_each(forged);
}

#[test]
fn in_little_address_space_the_program_answers_or_refuses() {
    for kilobytes in [150_000, 250_000, 400_000, 1_500_000] {
        for arguments in [&["list"][..], &["run", STAGE, "--jobs", "2"]] {
            let place = Place::new();
            let inner = command(&place, arguments);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -v {kilobytes}; exec \"$@\""), "sh"]).arg(inner.get_program());
            let begun = Instant::now();
            let answer: Answer = end(start({
                shell.args(inner.get_args()).current_dir(place.path());
                shell
            }));
            let what = format!("{arguments:?} in {kilobytes} kB: {answer:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            if answer.status != Some(0) {
                answer.refused(2, &["ulimit -v", "--jobs"]);
            }
        }
    }
    Place::new().call(&["run", STAGE, "--jobs", "70000"]).refused(2, &["--jobs = 70000", "128"]);
}

#[test]
fn a_matrix_that_lapack_cannot_take_is_refused() {
    let place = Place::new();
    let more = ["--set", "gmm.d=32768", "--set", "gmm.phi=1"];
    let answer = place.call(&[&["run", "gmm-alignment"][..], &more].concat());
    answer.refused(2, &["gmm.d = 32768", "32766"]);
}

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static int now(int fd, const char *call) {
    static int count;
    char name[64], path[4096];
    const char *where = getenv("SHIM_PATH"), *what = getenv("SHIM_CALL"), *nth = getenv("SHIM_NTH");
    if (!where || !what || !nth || strcmp(what, call)) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, where, strlen(where))) return 0;
    return __sync_add_and_fetch(&count, 1) == atoi(nth);
}
#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
ssize_t write(int fd, const void *b, size_t n) { if (now(fd, "write")) { errno = EIO; return -1; } return REAL(write)(fd, b, n); }
ssize_t read(int fd, void *b, size_t n) { if (now(fd, "read")) { errno = EIO; return -1; } return REAL(read)(fd, b, n); }
ssize_t pread64(int fd, void *b, size_t n, off_t o) { if (now(fd, "pread")) { errno = EIO; return -1; } return ((ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64"))(fd, b, n, o); }
int fsync(int fd) { if (now(fd, "fsync")) { errno = ENOSPC; return -1; } return REAL(fsync)(fd); }
"#;

/// The library that makes the n-th call on files of a folder fail; nothing without a C compiler.
fn shim(place: &Place) -> Option<PathBuf> {
    let (source, library) = (place.path().join("shim.c"), place.path().join("shim.so"));
    fs::write(&source, SHIM).unwrap();
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").output();
    compiled.is_ok_and(|output| output.status.success()).then_some(library)
}

fn failing_calls(step: usize) {
    let tools = Place::new();
    let Some(library) = shim(&tools) else { return };
    for (call_name, arguments) in [
        ("read", &["doctor"][..]),
        ("read", &["run", STAGE]),
        ("pread", &["run", STAGE]),
        ("pread", &["doctor"]),
        ("pread", &["gc"]),
        ("read", &["gc"]),
        ("write", &["run", STAGE, "--force"]),
        ("fsync", &["run", STAGE, "--force"]),
        ("read", &["claims"]),
        ("pread", &["claims"]),
    ] {
        for nth in (1..30).step_by(step) {
            let place = Place::copy_of(&undisturbed().0);
            let canaries = Canaries::around(&place);
            let mut program = command(&place, arguments);
            program.env("LD_PRELOAD", &library).env("SHIM_PATH", place.data()).env("SHIM_CALL", call_name);
            let what = format!("{call_name} {nth} of {arguments:?}");
            let answer = bounded(
                {
                    program.env("SHIM_NTH", nth.to_string());
                    program
                },
                &what,
            );
            // One file that cannot be read is set aside, and the rest goes on.
            let reading = call_name == "read" || call_name == "pread";
            assert!(!reading || arguments[0] == "claims" || answer.status == Some(0), "{what}: {answer:?}");
            canaries.alive(&what);
            heals(&place, &what);
        }
    }
}

/// The command without root's right to pass over permissions; nothing where that cannot be given up.
fn without_rights(inner: Command) -> Option<Command> {
    if fs::metadata("/proc/self").is_ok_and(|me| me.uid() != 0) {
        return Some(inner);
    }
    let given_up = ["--bounding-set", "-dac_override,-dac_read_search", "--"];
    let tried = Command::new("setpriv").args(given_up).arg("true").output();
    let mut outer = Command::new("setpriv");
    outer.args(given_up).arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(inner.get_current_dir()?);
    tried.is_ok_and(|output| output.status.success()).then_some(outer)
}

#[test]
fn a_file_that_may_not_be_read_is_set_aside_and_the_rest_goes_on() {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
    let mut all = Vec::new();
    files(&undisturbed().0.data(), &mut all);
    for path in all {
        let name = path.strip_prefix(undisturbed().0.data()).unwrap();
        let place = Place::copy_of(&undisturbed().0);
        let canaries = Canaries::around(&place);
        fs::set_permissions(place.data().join(name), Permissions::from_mode(0o0)).unwrap();
        let Some(program) = without_rights(command(&place, &["run", STAGE])) else { return };
        let answer = bounded(program, &name.display().to_string());
        let said = answer.err.contains(name.file_name().unwrap().to_str().unwrap());
        canaries.alive(&name.display().to_string());
        if name.starts_with("packs") || name.starts_with("stages") {
            assert!(answer.status == Some(0) && said, "{}: {answer:?}", name.display());
            heals(&place, &name.display().to_string());
        } else if answer.status != Some(0) {
            // What says that this is a store, and who is at work in it.
            answer.refused(3, &[name.to_str().unwrap(), "ermission denied"]);
        }
    }
}

#[test]
fn any_call_may_fail() {
    failing_calls(14);
}

#[test]
#[ignore = "minutes: just torture"]
fn every_call_may_fail() {
    failing_calls(1);
}

#[test]
fn signals_end_any_command_and_the_next_run_heals() {
    for signal in ["TERM", "INT", "HUP", "QUIT", "PIPE"] {
        for arguments in [
            &["run", STAGE, "--force"][..],
            &["doctor"],
            &["gc"],
            &["claims"],
            &["report"],
            &["verify", STAGE],
        ] {
            let place = Place::copy_of(&undisturbed().0);
            let canaries = Canaries::around(&place);
            let mut program = command(&place, arguments);
            program.env("TMPDIR", place.path());
            let child = start(program);
            std::thread::sleep(Duration::from_millis(40));
            let _ = Command::new("kill").args(["-s", signal, &child.id().to_string()]).output();
            end(child);
            canaries.alive(signal);
            heals(&place, signal);
        }
    }
}

#[test]
fn a_killed_verify_leaves_nothing_that_the_next_does_not_sweep() {
    let place = Place::new();
    let scratches = || {
        let names = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("spectral-alignment-verify-")).count()
    };
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"), &place.figures());
    let verify = |place: &Place| {
        let mut command = place.command(&["verify", STAGE]);
        command.env("TMPDIR", place.path());
        command
    };
    let mut child = start(verify(&place));
    let begun = Instant::now();
    let held = |place: &Place| {
        let mut all = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path());
        all.any(|path| path.join("first/format").exists())
    };
    while !held(&place) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    end(child);
    assert_eq!(scratches(), 1);
    // A folder of somebody else with such a name stays.
    fs::create_dir_all(place.path().join("spectral-alignment-verify-mine/first")).unwrap();
    fs::write(place.path().join("spectral-alignment-verify-mine/first/format"), "mine").unwrap();
    let _ = verify(&place).output().unwrap();
    assert_eq!(scratches(), 1);
    assert!(place.path().join("spectral-alignment-verify-mine/first/format").exists());
}

#[test]
fn a_copy_made_of_links_shares_no_lock() {
    let place = Place::copy_of(&undisturbed().0);
    call(&place, &["run", STAGE]).good();
    let other = Place::new();
    let copied = Command::new("cp").arg("-al").arg(place.data()).arg(other.data()).status().unwrap();
    assert!(copied.success());
    let _store = Store::open(&other.data(), Access::Write, |_| {}).unwrap();
    // Would wait for ever for the other one's run.
    end(start(command(&place, &["gc"]))).good();
    heals(&place, "a copy made of links");
}

#[test]
fn another_kernel_is_named_and_no_defect() {
    let place = Place::new();
    let with = |kernel: &str, more: &[&str]| -> Answer {
        let mut program = command(&place, &[&["run", STAGE][..], more].concat());
        program.env("OPENBLAS_CORETYPE", kernel);
        program.output().unwrap().into()
    };
    with("Nehalem", &[]).good();
    let answer = with("Prescott", &["--force"]).good();
    // Where the library has no kernels to choose from, there is nothing to say.
    assert!(
        answer.err.is_empty()
            || !answer.err.contains("BLAS kernel")
            || answer.err.contains("within tolerance")
    );
    assert!(place.call(&["doctor", "--json"]).good().rows().is_empty());
}

#[test]
fn cleaning_removes_what_runs_write_beside_the_committed_files_and_nothing_else() {
    fn list(path: &Path, left: &mut Vec<String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                list(&path, left);
            } else {
                left.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let place = Place::copy_of(&undisturbed().0);
    call(&place, &["run", STAGE, "--png", "--report"]).good();
    for mine in ["report.html", "variants/mine/thesis.tex", "png/photo.png", "figures.lock.bak"] {
        let path = place.figures().join(mine);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let said = call(&place, &["clean"]).good().out;
    assert!(said.contains("thesis.tex") && said.contains("photo.png"), "{said}");
    let mut left = Vec::new();
    list(&place.figures(), &mut left);
    left.sort();
    assert_eq!(left, ["figures.lock.bak", "photo.png", "report.html", "thesis.tex"]);
}

#[test]
fn nothing_steers_or_floods_a_terminal() {
    let place = Place::new();
    let long = "9".repeat(300);
    for (arguments, words) in [
        (vec!["run", "--set", "gmm.lambda=\u{1b}[31m"], "\\u{1b}"),
        (vec!["run", "\u{1b}]0;x\u{7}"], "\\u{1b}"),
        (vec!["run", "--set", &*format!("gmm.d={long}")], ""),
        (vec!["\u{1b}[31m"], ""),
    ] {
        let answer = place.call(&arguments);
        let all = format!("{}{}", answer.out, answer.err);
        assert!(answer.status == Some(2) && all.contains(words) && !all.contains('\u{1b}'), "{answer:?}");
        assert!(!all.contains(&long[..60]), "{answer:?}");
    }
    for entry in spectral_alignment::pipeline::closure::SOURCES {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(entry.path)).unwrap_or_default();
        let speaks = text.contains("eprintln!") || text.contains("println!(\"{") || text.contains("dbg!");
        assert!(!speaks || entry.path == "src/error.rs", "{} speaks past `say`", entry.path);
    }
}

#[test]
fn every_unsafe_block_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("docs/safety.md")).unwrap();
    for file in ["src/spectrum/lapack.rs", "src/pipeline/openblas.rs"] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let blocks = text.matches("unsafe {").count();
        let listed = list.lines().filter(|line| line.contains(&format!("`{file}`"))).count();
        assert_eq!(listed, blocks, "{file}");
    }
}
