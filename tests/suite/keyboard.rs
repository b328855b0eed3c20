use crate::support::{Answer, Place, copy, quick};
use spectral_alignment::cli::Cli;
use spectral_alignment::stages::STAGES;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder that lies in no clone, wherever tests have theirs.
fn elsewhere() -> TempDir {
    tempfile::Builder::new().prefix("suite-elsewhere-").tempdir().unwrap()
}

fn program(folder: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spectral-alignment"));
    command.current_dir(folder).env_remove("RUST_BACKTRACE").env_remove("COLUMNS").args(arguments);
    command.output().unwrap().into()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// A clone with the sources of this program: all that tells it from others.
fn clone() -> TempDir {
    let (root, clone) = (Path::new(env!("CARGO_MANIFEST_DIR")), elsewhere());
    let sources = spectral_alignment::pipeline::closure::SOURCES.iter().map(|source| source.path);
    for source in sources.chain(["Cargo.toml"]) {
        let target = clone.path().join(source);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root.join(source), target).unwrap();
    }
    clone
}

#[test]
fn outside_a_clone_commands_say_so_and_make_nothing() {
    let place = elsewhere();
    let export = ["export", "gmm", "--replicate", "0", "--checkpoint", "last", "--out", "x"];
    let commands: [&[&str]; 14] = [
        &["run"],
        &["run", "--dry-run"],
        &["plan"],
        &["report"],
        &["status"],
        &["why", "gmm-snr"],
        &["tables", "gmm-snr"],
        &["claims"],
        &["variants"],
        &["doctor"],
        &["gc"],
        &["clean"],
        &["new", "gmm-x"],
        &export,
    ];
    for command in commands {
        program(place.path(), command).refused(2, &["is in no clone of spectral-alignment", "--"]);
        assert!(is_empty(place.path()), "{command:?}");
    }
    // One folder given, the other missing: the message names that one, and the first is not made.
    program(place.path(), &["run", "gmm-snr", "--data", "d"]).refused(2, &["give --figures"]);
    program(place.path(), &["claims", "--figures", "f"]).refused(2, &["give --data"]);
    assert!(is_empty(place.path()));
    // Nothing of a clone is needed to tell what the program knows itself.
    for command in [&["list"][..], &["list", "gmm-snr", "--json"], &["--help"], &["completions", "bash"]] {
        program(place.path(), command).good();
    }
}

#[test]
fn the_root_is_found_from_below_and_a_clone_of_other_sources_is_refused() {
    let clone = clone();
    let below = clone.path().join("src/stages");
    let status = program(&below, &["status", "--json"]).good().rows();
    assert!(status.iter().all(|row| row["status"] == "missing"));
    let tables = program(&below, &["tables", "gmm-snr"]);
    tables.refused(3, &[clone.path().join("data").to_str().unwrap()]);
    assert!(!clone.path().join("data").exists() && !below.join("data").exists());
    fs::write(clone.path().join("src/lib.rs"), "//! Another program.\n").unwrap();
    for command in [&["status"][..], &["run", "gmm-snr"], &["claims"]] {
        let words = [clone.path().to_str().unwrap(), "other sources", "cargo build"];
        program(&below, command).refused(2, &words);
    }
    assert!(!clone.path().join("data").exists());
    // With both folders given nothing of the clone is used.
    program(&below, &["status", "--data", "d", "--figures", "f"]).good();
    // A project of another name is none.
    fs::write(clone.path().join("Cargo.toml"), "[package]\nname = \"another\"\n").unwrap();
    program(&below, &["status"]).refused(2, &["is in no clone"]);
}

#[test]
fn asking_makes_no_folder() {
    let place = Place::new();
    let missing = ["--replicate", "999", "--checkpoint", "last", "--out", "x"];
    let commands: [&[&str]; 12] = [
        &["list"],
        &["status"],
        &["why", "gmm-snr"],
        &["tables", "gmm-snr"],
        &["claims"],
        &["plan"],
        &["run", "--dry-run"],
        &["variants"],
        &["doctor"],
        &["gc"],
        &["clean"],
        &["contact-sheet"],
    ];
    for command in commands {
        place.call(command);
        assert!(is_empty(place.path()), "{command:?}");
    }
    place.call(&[&["export", "gmm"], &missing[..]].concat()).refused(2, &["--replicate = 999"]);
    place.call(&["run", "--jobs", "0"]).refused(2, &["--jobs = 0"]);
    assert!(is_empty(place.path()));
}

#[test]
fn claims_are_chosen_by_id_by_the_papers_claim_by_stage_and_by_verdict() {
    let all = quick().call(&["claims", "--json"]).rows();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let answer = quick().call(&[&["claims", "--json"], arguments].concat());
        answer.rows().iter().map(|claim| claim["id"].as_str().unwrap().to_owned()).collect()
    };
    let those = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
        let chosen = all
            .iter()
            .filter(|claim| wanted(claim["id"].as_str().unwrap(), claim["stage"].as_str().unwrap()));
        chosen.map(|claim| claim["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["A1.error"]), ["A1.error"]);
    assert_eq!(ids(&["A2"]), those(&|id, _| id.starts_with("A2.")));
    assert_eq!(ids(&["A2.hessian*"]), those(&|id, _| id.starts_with("A2.hessian")));
    assert_eq!(
        ids(&["xor-collapse", "A1.error"]),
        those(&|id, stage| stage == "xor-collapse" || id == "A1.error")
    );
    assert!(ids(&["A2.hessian*"]).len() > 1 && ids(&["A2"]).len() > ids(&["A2.hessian*"]).len());
    for verdict in ["holds", "fails", "undecided", "premise-not-met", "too-small-to-judge", "not-run"] {
        let word = verdict.replace('-', " ");
        let expected: Vec<&str> = all
            .iter()
            .filter(|claim| claim["verdict"] == word)
            .map(|claim| claim["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids(&["--verdict", verdict]), expected, "{verdict}");
        assert_eq!(ids(&["--verdict", &word]), expected, "{word}");
    }
    // The exit status is about what is shown.
    assert_eq!(quick().call(&["claims", "--verdict", "holds"]).status, Some(0));
}

#[test]
fn a_difference_is_told_against_a_variant_and_a_commit() {
    let place = Place::copy_of(quick());
    let set = ["--set", "gmm.replicates=3", "--set", "gmm-lambda-10.replicates=3"];
    place.call(&[&["run", "gmm-alignment"], &set[..]].concat()).good();
    let variants = place.call(&["variants", "--json"]).good().rows();
    let [variant] = &variants[..] else { panic!("{variants:?}") };
    let name = variant["variant"].as_str().unwrap();
    assert!(name.starts_with("quick-set-"), "{variant}");
    assert_eq!(variant["overrides"][0], "gmm.replicates=3");
    assert!(
        variant["figures"].as_u64().unwrap() >= 2 && !variant["verdicts"].as_object().unwrap().is_empty()
    );
    let changes = place.call(&["claims", "A3", "--diff", name, "--json"]).rows();
    let changed = changes.iter().find(|row| row["id"] == "A3.hessian").unwrap();
    assert_ne!(changed["change"], "none", "{changed}");
    assert_ne!(changed["old"]["measured"], changed["new"]["measured"], "{changed}");
    // Against itself nothing differs.
    let same = place.call(&[&["claims", "A3", "--diff", name, "--json"], &set[..]].concat()).rows();
    assert!(same.iter().all(|row| row["change"] == "none"), "{same:?}");
    let told = place.call(&["claims", "A3", "--diff", name]).out;
    assert!(told.contains("A3.hessian") && told.contains(" → ") && told.contains("claims changed"), "{told}");
    place.call(&["claims", "--diff", "no-such-thing"]).refused(2, &["no-such-thing", name]);

    // A commit: one claim of the lock is made another.
    let repository = elsewhere();
    let figures = repository.path().join("figures");
    fs::create_dir(&figures).unwrap();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures");
    let lock = fs::read_to_string(committed.join("figures.lock")).unwrap();
    let tables = "values/gmm-alignment";
    copy(&committed.join(tables), &figures.join(tables));
    fs::write(figures.join("figures.lock"), lock).unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"];
        let answer =
            Command::new("git").current_dir(&figures).args(identity).args(arguments).output().unwrap();
        assert!(answer.status.success(), "{answer:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "c"]);
    let arguments = [
        "claims",
        "A1.error",
        "--json",
        "--diff",
        "HEAD",
        "--data",
        "d",
        "--figures",
        figures.to_str().unwrap(),
    ];
    let rows = program(repository.path(), &arguments).rows();
    assert!(rows[0]["old"]["measured"].is_number() && rows[0]["id"] == "A1.error", "{rows:?}");

    place.call(&["variants", "rm", "quick-set"]).refused(2, &["did you mean", name]);
    fs::write(place.figures().join("variants").join(name).join("notes.md"), "mine").unwrap();
    let removed = place.call(&["variants", "rm", name]).good();
    assert!(removed.out.contains("notes.md") && removed.out.contains("left there"), "{removed:?}");
    fs::remove_file(place.figures().join("variants").join(name).join("notes.md")).unwrap();
    place.call(&["variants", "rm", name]).refused(2, &[name]);
}

#[test]
fn a_plan_names_what_a_run_computes_and_nothing_else() {
    let place = Place::new();
    let set = ["--set", "gmm.replicates=3", "--set", "gmm-lambda-10.replicates=2"];
    let plan = |command: &[&str]| place.call(&[command, &["--json"], &set[..]].concat()).good().rows();
    let units = plan(&["plan", "gmm-spectrum"]);
    assert_eq!(plan(&["run", "gmm-spectrum", "--dry-run"]), units);
    let names: Vec<&str> = units.iter().map(|unit| unit["unit"].as_str().unwrap()).collect();
    assert_eq!(names, ["gmm/0", "gmm/1", "gmm/2", "gmm-lambda-10/0", "gmm-lambda-10/1"]);
    for unit in &units {
        let name = format!("{}/{}", unit["experiment"].as_str().unwrap(), unit["replicate"]);
        assert_eq!(unit["unit"], name);
        assert!(
            unit["seconds"].as_f64().unwrap() > 0.0 && unit["what"].as_str().unwrap().contains("trajectory")
        );
    }
    let told = place.call(&[&["plan", "gmm-spectrum"], &set[..]].concat()).good().out;
    assert!(told.contains("then reduced, judged and drawn: gmm-spectrum"), "{told}");
    assert!(!place.data().exists());
    place.call(&[&["run", "gmm-spectrum"], &set[..]].concat()).good();
    assert_eq!(plan(&["plan", "gmm-spectrum"]), Vec::<serde_json::Value>::new());
    let told = place.call(&[&["run", "--dry-run", "gmm-spectrum"], &set[..]].concat()).good().out;
    assert!(told.contains("everything is up to date"), "{told}");
    // One replicate more is all that is missing then.
    let more = ["--set", "gmm.replicates=4", "--set", "gmm-lambda-10.replicates=2"];
    let units = place.call(&[&["plan", "gmm-spectrum", "--json"], &more[..]].concat()).good().rows();
    assert_eq!(units.len(), 1, "{units:?}");
    assert_eq!(units[0]["unit"], "gmm/3");
}

#[test]
fn a_sweep_makes_a_variant_of_each_combination_and_one_table_and_figure() {
    let place = Place::new();
    let sweep =
        ["--sweep", "gmm.lambda=100,10", "--sweep", "gmm.beta=0.05,0.1", "--set", "gmm.replicates=20"];
    let rows = place.call(&[&["run", "gmm-alignment", "--json"], &sweep[..]].concat()).good().rows();
    let points: std::collections::BTreeSet<String> =
        rows.iter().map(|row| format!("{} {}", row["gmm.lambda"], row["gmm.beta"])).collect();
    assert_eq!(points.into_iter().collect::<Vec<_>>(), ["10.0 0.05", "10.0 0.1", "100.0 0.05", "100.0 0.1"]);
    // Each row is what `claims` says under the same settings.
    for row in rows.iter().filter(|row| row["id"] == "A3.hessian") {
        let set = [format!("gmm.lambda={}", row["gmm.lambda"]), format!("gmm.beta={}", row["gmm.beta"])];
        let claim = place.call(&[
            "claims",
            "A3.hessian",
            "--json",
            "--set",
            &set[0],
            "--set",
            &set[1],
            "--set",
            "gmm.replicates=20",
        ]);
        assert_eq!(claim.rows()[0]["measured"], row["measured"], "{row}");
    }
    let variants = place.figures().join("variants");
    let folders: Vec<String> = fs::read_dir(&variants)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let swept = folders.iter().find(|name| name.starts_with("quick-sweep-")).unwrap();
    assert_eq!(folders.len(), 5, "{folders:?}");
    let bytes = fs::read(variants.join(swept).join("sweep.parquet")).unwrap();
    let table = spectral_alignment::table::Table::from_parquet_bytes("sweep", &bytes).unwrap();
    assert_eq!(table.rows(), rows.len());
    assert_eq!(table.columns()[..3], ["gmm.lambda", "gmm.beta", "id"]);
    let drawing = fs::read_to_string(variants.join(swept).join("sweep.svg")).unwrap();
    assert!(drawing.starts_with("<svg"));
    let caption = fs::read_to_string(variants.join(swept).join("sweep.txt")).unwrap();
    assert!(caption.contains("gmm.lambda = 10, 100; gmm.beta = 0.05, 0.1"), "{caption}");
    // All of it goes with `clean`.
    let left = place.call(&["clean"]).good().out;
    assert!(!variants.exists(), "{left}");
}

#[test]
fn every_command_says_what_its_exit_status_means() {
    let command = <Cli as clap::CommandFactory>::command();
    for subcommand in command.get_subcommands() {
        let help = program(Path::new("/"), &[subcommand.get_name(), "--help"]).good().out;
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("Exit status: 0 "), "{}: {help}", subcommand.get_name());
    }
    let run =
        program(Path::new("/"), &["run", "--help"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.contains("whatever the verdicts"), "{run}");
}

#[test]
fn shells_complete_commands_options_and_stages() {
    for shell in ["bash", "zsh", "fish"] {
        let script = program(Path::new("/"), &["completions", shell]).good().out;
        for word in ["contact-sheet", "dry-run", "gmm-outlier-space", "profile"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let script = program(Path::new("/"), &["completions", "bash"]).out;
    let asked = format!(
        "{script}\nCOMP_WORDS=(spectral-alignment run gmm-sp); COMP_CWORD=2; \
         _spectral__alignment spectral-alignment gmm-sp run; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let answer: Answer = Command::new("bash").args(["-c", &asked]).output().unwrap().into();
    assert_eq!(answer.good().out.trim(), "gmm-spectrum");
}

#[test]
fn colours_are_for_terminals_and_lines_for_their_width() {
    let place = quick();
    let plain = place.call(&["claims", "A1"]).out;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let with = |variables: &[(&str, &str)]| -> Answer {
        place.command(&["claims", "A1"]).envs(variables.iter().copied()).output().unwrap().into()
    };
    assert!(with(&[("CLICOLOR_FORCE", "1")]).out.contains("\u{1b}["));
    assert_eq!(with(&[("NO_COLOR", "1")]).out, plain);
    for width in [80_usize, 120] {
        let told = with(&[("COLUMNS", &width.to_string())]).out;
        let longest = told.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width, "{width}: {longest}: {told}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&told), words(&plain), "the same words");
    }
    // Under a heading for each of the paper's claims, with the columns under each other.
    let all = place.call(&["claims"]).out;
    let headings = all.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    let found: Vec<&str> = headings.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        found,
        ["A1", "A2", "A3", "A4", "A5", "B1", "B2", "B3", "B4", "B5", "C1", "C2", "C3", "D1", "D2"]
    );
    let ids: Vec<&str> = STAGES.iter().flat_map(|stage| stage.claims).copied().collect();
    let place_of = |line: &str| ids.iter().find_map(|id| line.find(&format!("  {id} ")));
    let places: std::collections::BTreeSet<usize> = all.lines().filter_map(place_of).collect();
    assert_eq!(places.len(), 1, "{all}");
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    let (ran, empty) = (quick(), Place::new());
    let commands: [(&Place, &[&str]); 11] = [
        (ran, &["list"]),
        (ran, &["claims"]),
        (ran, &["claims", "--verdict", "too-small-to-judge"]),
        (ran, &["why", "gmm-alignment"]),
        (ran, &["variants"]),
        (&empty, &["variants"]),
        (&empty, &["plan"]),
        (&empty, &["status"]),
        (&empty, &["claims", "--verdict", "true"]),
        (&empty, &["run", "nothing-at-all-like-it"]),
        (&empty, &["zzz"]),
    ];
    let call = |place: &Place, arguments: &[&str], width: &str| -> Answer {
        place.command(arguments).env("COLUMNS", width).output().unwrap().into()
    };
    for (place, arguments) in commands {
        for width in [80, 120] {
            let Answer { out, err, .. } = call(place, arguments, &width.to_string());
            assert!(!(out.is_empty() && err.is_empty()), "{arguments:?}");
            for line in out.lines().chain(err.lines()) {
                // A path that is longer than that stays whole, on a line of its own.
                let fits = line.chars().count() <= width || line.split_whitespace().count() == 1;
                assert!(fits, "{arguments:?} at {width}: {line}");
                assert_eq!(line.trim_end(), line, "{arguments:?} at {width}");
            }
        }
    }
    let plan = call(&empty, &["plan"], "80").out;
    let mut rows = plan.lines().take_while(|line| !line.contains(" replicates, about "));
    assert!(rows.all(|line| !line.starts_with(' ')), "every experiment on a line: {plan}");
    // What programs read is the same everywhere.
    for arguments in [&["claims", "--page"][..], &["plan", "gmm-snr", "--format", "hyperqueue"]] {
        assert_eq!(call(&empty, arguments, "80").out, empty.call(arguments).out, "{arguments:?}");
    }
}

#[test]
fn an_interrupt_says_what_is_kept() {
    let place = Place::new();
    // Long enough to be interrupted, whatever the machine.
    let run = ["run", "xor-collapse", "--set", "xor-collapse.replicates=400", "--jobs", "1"];
    let mut child = place
        .command(&run)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !place.data().join("packs").exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    let output: Answer = child.wait_with_output().unwrap().into();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2), "{output:?}");
    assert!(output.err.contains("interrupted") && output.err.contains("kept in the cache"), "{output:?}");
}

/// Wrong names, options and folders: what was typed, the exit status, and what the message must name.
const WRONG: [(&[&str], i32, &[&str]); 39] = [
    (&[], 2, &["Usage"]),
    (&["rnu"], 2, &["there is no command `rnu`", "did you mean `run`"]),
    (&["claim"], 2, &["did you mean `claims`"]),
    (&["variant"], 2, &["did you mean `variants`"]),
    (&["zzz"], 2, &["zzz", "known: list, run"]),
    (&["run", "gmm-alignmnet"], 2, &["did you mean `gmm-alignment`"]),
    (&["run", "snr"], 2, &["did you mean `gmm-snr` or `xor-snr`"]),
    (&["list", "gmm-sprectrum"], 2, &["did you mean `gmm-spectrum`"]),
    (&["plan", "nothing"], 2, &["there is no stage `nothing`"]),
    (&["why"], 2, &["<STAGE>"]),
    (&["why", "gmm"], 2, &["there is no stage `gmm`", "gmm-alignment"]),
    (&["tables", "gmm-snr", "xor-snr"], 2, &["unexpected argument 'xor-snr'"]),
    (&["claims", "A1.eror"], 2, &["did you mean `A1.error`"]),
    (&["claims", "A9"], 2, &["there is no claim or stage with claims `A9`"]),
    (&["claims", "A9*"], 2, &["A9*"]),
    (&["claims", "--verdict", "true"], 2, &["true", "holds, fails"]),
    (&["claims", "--verdict"], 2, &["--verdict <VERDICT>"]),
    (&["claims", "--diff", "HEAD~x"], 2, &["--diff HEAD~x", "no variant", "no commit"]),
    (&["claims", "--page", "--json"], 2, &["--page", "--json"]),
    (&["variants", "rm"], 2, &["<VARIANT>"]),
    (&["variants", "rm", "quick-x"], 2, &["there is no variant `quick-x`"]),
    (&["run", "--dry-run", "--force"], 2, &["--dry-run", "--force"]),
    (&["run", "--json"], 2, &["--dry-run"]),
    (&["run", "--jobs", "0"], 2, &["--jobs = 0", "between 1 and 128"]),
    (&["run", "--jobs", "many"], 2, &["many", "--jobs"]),
    (&["run", "--porfile", "quick"], 2, &["--porfile", "--profile"]),
    (&["run", "--seed", "-1"], 2, &["-1"]),
    (&["run", "--set", "gmm.lamda=3"], 2, &["lamda", "did you mean `lambda`"]),
    (&["run", "--set", "gmn.lambda=3"], 2, &["gmn", "did you mean `gmm`"]),
    (&["run", "--set", "gmm.lambda"], 2, &["--set gmm.lambda", "EXPERIMENT.KEY=VALUE"]),
    (&["run", "gmm-snr", "--sweep", "gmm.lambda"], 2, &["--sweep gmm.lambda", "EXPERIMENT.KEY=V1,V2"]),
    (&["run", "gmm-snr", "--sweep", "gmm.lambda=3,3"], 2, &["names a value twice"]),
    (&["run", "gmm-snr", "--sweep", "gmm.lamda=3,4"], 2, &["did you mean `lambda`"]),
    (&["run", "--sweep", "gmm.lambda=3,4"], 2, &["<STAGES>"]),
    (&["run", "--overrides", "none.toml"], 3, &["none.toml"]),
    (
        &["export", "lambda-10", "--replicate", "0", "--checkpoint", "last", "--out", "o"],
        2,
        &["did you mean", "gmm-lambda-10"],
    ),
    (&["export", "gmm", "--replicate", "0", "--checkpoint", "first", "--out", "o"], 2, &["first", "`last`"]),
    (&["export", "gmm", "--replicate", "0", "--checkpoint", "last"], 2, &["--out <DIR>"]),
    (&["completions", "bsh"], 2, &["bsh", "bash"]),
];

#[test]
fn wrong_uses_get_one_clear_message_and_their_status() {
    let mut bad = Vec::new();
    for (arguments, status, words) in WRONG {
        let place = Place::new();
        // Nothing typed is nothing to add options to; completions take none.
        let answer: Answer = if arguments.is_empty() || arguments[0] == "completions" {
            place.bare().args(arguments).output().unwrap().into()
        } else {
            place.call(arguments)
        };
        let flat = answer.err.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = words.iter().all(|word| flat.contains(word));
        let lines = answer.err.lines().count();
        let short = arguments.is_empty() || lines <= 12;
        if answer.status != Some(status)
            || !told
            || !short
            || answer.err.contains("panicked")
            || !answer.out.is_empty()
        {
            bad.push(format!("{arguments:?}: {answer:?}"));
        }
        if !is_empty(place.path()) {
            bad.push(format!("{arguments:?} leaves something behind"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_help_of_stages_is_about_all_of_them() {
    let place = Place::new();
    for stage in STAGES {
        let rows = place.call(&["list", stage.name, "--json"]).good().rows();
        assert_eq!((rows.len(), rows[0]["name"].as_str()), (1, Some(stage.name)));
    }
}
