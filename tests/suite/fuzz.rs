use crate::committing::{SMALL, committed_place, paper};
use clap::Parser;
use proptest::prelude::*;
use spectral_alignment::cli::{Cli, Command};
use spectral_alignment::pipeline::plan::plan_all;
use spectral_alignment::published::overrides::{parse, resolve, toml};
use spectral_alignment::published::verify::{Verdict, committed};
use spectral_alignment::stage::{Override, Profile, Settings};
use spectral_alignment::stages::STAGES;
use std::fs;
use std::sync::LazyLock;

/// This many cases, or as many as `PROPTEST_CASES` says.
pub fn config(cases: u32) -> ProptestConfig {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(said.unwrap_or(cases)) }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "list",
            "run",
            "status",
            "tables",
            "claims",
            "export",
            "verify",
            "why",
            "new",
            "--json",
            "--set",
            "--seed",
            "--jobs",
            "--profile",
            "quick",
            "paper",
            "--data",
            "--overrides",
            "gmm",
            "gmm-alignment",
            "gmm.lambda=10",
            "gmm.d=0",
            "gmm.k=1e9",
            "xor.width=2",
            "--",
            "-",
            "--force",
            "--twice",
            "0",
            "-1",
            "last",
        ])
        .prop_map(str::to_owned),
        "(gmm|xor|gmm-lambda-10|\\PC{0,4})\\.(lambda|d|k|c|beta|phi|horizon|\\PC{0,3})=(-?[0-9]{1,30}|[0-9.e+-]{0,8}|NaN|inf|\\PC{0,5})",
        "\\PC{0,12}",
    ]
}

fn settings(command: &Command) -> Option<Settings> {
    let shared = match command {
        Command::List(args) => &args.print.shared,
        Command::Plan(args) => &args.print.shared,
        Command::Slurm(args) => &args.shared,
        Command::Claims(args) => &args.print.shared,
        Command::Editions(args) => &args.print.shared,
        Command::Seeds(args) => &args.print.shared,
        Command::Run(args) => &args.shared,
        Command::Status(args) => &args.print.shared,
        Command::Verify(args) => &args.print.shared,
        Command::Why(args) => &args.print.shared,
        _ => return None,
    };
    shared.settings().ok()
}

/// A number as a table of bounds on all parameters would accept it.
fn plausible(change: &Override) -> bool {
    let Ok(number) = change.value.parse::<f64>() else { return false };
    let whole = number.fract() == 0.0 && number >= 1.0;
    number.is_finite()
        && match change.key.as_str() {
            "d" | "k" | "width" | "depth" | "replicates" | "checkpoints" => whole && number <= 1e9,
            "lambda" | "nuisance" | "c" | "phi" | "horizon" => number > 0.0,
            "beta" => number >= 0.0,
            _ => false,
        }
}

proptest! {
    #![proptest_config(config(2500))]

    #[test]
    fn command_lines_do_not_panic_and_accept_nothing_wrong(words in prop::collection::vec(word(), 0..7)) {
        let line = std::iter::once("spectral-alignment".to_owned()).chain(words.clone());
        if let Ok(cli) = Cli::try_parse_from(line)
            && let Some(settings) = settings(&cli.command)
        {
            for change in &settings.overrides {
                let said = |word: &String| {
                    word.contains(&change.experiment) && word.contains(&change.key) && word.contains(&change.value)
                };
                prop_assert!(!change.key.is_empty() && words.iter().any(said), "{:?} of {:?}", change, words);
            }
            if plan_all(STAGES, &settings).is_ok() {
                prop_assert!(settings.overrides.iter().all(plausible), "{:?} is accepted", settings.overrides);
            }
        }
    }

    #[test]
    fn a_set_option_is_accepted_only_where_it_is_plausible(key in "lambda|d|k|c|beta|phi|horizon|replicates|checkpoints|[a-z]{1,8}", value in "-?[0-9]{1,25}|[0-9.e+-]{0,8}|NaN|inf|0x1|1_000|\\PC{0,6}") {
        let value = value.trim().to_owned();
        let change = Override { experiment: "gmm".to_owned(), key, value };
        let changed = Settings { overrides: vec![change.clone()], ..paper() };
        // A plan is as large as what was typed says: check that of the stages which are cheap to plan.
        if plan_all(STAGES, &changed).is_ok() {
            prop_assert!(plausible(&change), "{change:?} is accepted");
        }
    }

    #[test]
    fn files_of_overrides_do_not_panic(text in "\\PC{0,60}|(\\[[a-z.-]{0,6}\\]\n|[a-z]{1,5} = [0-9a-z.\"+-]{0,6}\n){0,6}") {
        for change in parse(&text).unwrap_or_default() {
            prop_assert!(change.value.split(',').all(|value| value.parse::<f64>().is_ok()), "{change:?}");
        }
    }

    #[test]
    fn overrides_survive_their_file(list in prop::collection::vec(("[a-z][a-z0-9-]{0,5}|\\PC{1,4}", "[a-z]{1,6}|\\PC{1,3}", prop_oneof![
        any::<u32>().prop_map(|value| value.to_string()),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:?}")),
    ]), 0..6)) {
        let mut wanted: Vec<Override> =
            list.into_iter().map(|(experiment, key, value)| Override { experiment, key, value }).collect();
        resolve(&mut wanted);
        let mut found = parse(&toml(&wanted)).map_err(TestCaseError::fail)?;
        resolve(&mut found);
        let rows = |list: &[Override]| -> Vec<(String, String, u64)> {
            let row = |change: &Override| {
                (change.experiment.clone(), change.key.clone(), change.value.parse::<f64>().unwrap().to_bits())
            };
            list.iter().map(row).collect()
        };
        prop_assert_eq!(rows(&found), rows(&wanted));
    }
}

/// A committed stage with the bytes of its lock.
static COMMITTED: LazyLock<(crate::support::Place, Vec<u8>)> = LazyLock::new(|| {
    let (place, figures) = committed_place(&SMALL);
    let bytes = fs::read(figures.root().join("figures.lock")).unwrap();
    (place, bytes)
});

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn a_lock_with_another_byte_is_refused_or_found_out(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (_, sound) = &*COMMITTED;
        let folder = tempfile::tempdir().unwrap();
        let other = spectral_alignment::published::Figures::at(folder.path());
        let mut bytes = sound.clone();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        fs::write(folder.path().join("figures.lock"), &bytes).unwrap();
        let original: spectral_alignment::published::lockfile::LockFile = serde_json::from_slice(sound).unwrap();
        if let Ok(lock) = other.lock()
            && lock != original
        {
            // Digests, parameters and claims must be told apart from the committed files and the code.
            let figures = spectral_alignment::published::Figures::at(&COMMITTED.0.figures());
            let (mut paper, mut sound) = (lock.clone(), original.clone());
            for lock in [&mut paper, &mut sound] {
                lock.sources.clear();
                lock.unsettled.clear();
                for entry in lock.stages.values_mut().flat_map(|profiles| profiles.values_mut()) {
                    entry.ingredients.clear();
                }
                for profiles in lock.stages.values_mut() {
                    profiles.remove("quick");
                }
            }
            if paper != sound {
                let rows = committed(&figures, &lock, &SMALL, Profile::Paper).unwrap();
                // A last digit may differ by what a mathematical library may; it is still not called identical.
                let found = rows.iter().any(|row| row.verdict != Verdict::Identical);
                prop_assert!(found, "byte {place} became {byte}");
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_lock(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("figures.lock"), &bytes).unwrap();
        prop_assert!(spectral_alignment::published::Figures::at(folder.path()).lock().is_err());
    }
}
