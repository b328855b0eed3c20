use crate::committing::{EFFORT, SMALL, committed_place, paper, small};
use crate::support::{Place, quick, quick_settings};
use spectral_alignment::digest::sha256;
use spectral_alignment::error::Result;
use spectral_alignment::pipeline::run::run;
use spectral_alignment::published::Figures;
use spectral_alignment::published::lockfile::LockFile;
use spectral_alignment::published::publish::{drop_gone, record};
use spectral_alignment::published::verify::columns::columns;
use spectral_alignment::published::verify::tolerance::{OTHERWISE, RULES, Tolerance, rule, ulps};
use spectral_alignment::published::verify::{Row, Verdict, VerifyOptions, verify};
use spectral_alignment::scaffold::template::report::STAGE as TEMPLATE;
use spectral_alignment::stage::rows::{Statistics, statistics_table};
use spectral_alignment::stage::{Data, Profile, Settings, Stage};
use spectral_alignment::table::{Table, TableBuilder};
use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

fn rows(stage: &'static Stage, figures: &Figures, profile: Profile) -> Vec<Row> {
    let scratch = tempfile::tempdir().unwrap();
    let settings = Settings { profile, ..paper() };
    let (all, scratch) = (&[stage], scratch.path());
    verify(VerifyOptions { all, stages: all, settings: &settings, figures, scratch, jobs: 2, twice: false })
        .unwrap()
}

/// What is found bad, as `check what name`.
fn bad(rows: &[Row]) -> BTreeSet<String> {
    let words = |row: &Row| format!("{} {} {}", row.check, row.what, row.name);
    rows.iter().filter(|row| row.verdict.is_bad()).map(words).collect()
}

fn change_lock(figures: &Figures, change: impl Fn(&mut LockFile)) {
    let path = figures.root().join("figures.lock");
    let mut lock = figures.lock().unwrap();
    change(&mut lock);
    fs::write(path, serde_json::to_vec_pretty(&lock).unwrap()).unwrap();
}

/// A change to an entry of the lock, with its name.
type Change<'a> = (&'a str, &'a dyn Fn(&mut spectral_alignment::published::lockfile::LockEntry));

#[test]
fn what_was_just_committed_is_identical() {
    let (_place, figures) = committed_place(&SMALL);
    for profile in [Profile::Paper, Profile::Quick] {
        let rows = rows(&SMALL, &figures, profile);
        for row in &rows {
            assert_eq!(row.verdict, Verdict::Identical, "{row:?}");
        }
        for check in ["committed", "recomputed"] {
            for what in ["recipe", "table", "figure", "claim"] {
                assert!(rows.iter().any(|row| (row.check, row.what) == (check, what)), "{check} {what}");
            }
        }
        assert!(rows.iter().any(|row| row.name == "statistics.value" && row.what == "column"));
    }
}

#[test]
fn a_number_changed_by_hand_in_the_lock_is_found() {
    let (_place, figures) = committed_place(&SMALL);
    let sound = figures.lock().unwrap();
    let flip = |digest: &mut String| {
        let last = if digest.ends_with('0') { '1' } else { '0' };
        digest.pop();
        digest.push(last);
    };
    let changes: [Change<'_>; 7] = [
        ("recipe recipe", &|entry| flip(&mut entry.recipe)),
        ("recipe parameters", &|entry| entry.seed = 7),
        ("recipe parameters", &|entry| entry.parameters.clear()),
        ("table statistics", &|entry| flip(entry.values.get_mut("statistics").unwrap())),
        ("figure gmm-template.svg", &|entry| flip(entry.figures.get_mut("gmm-template.svg").unwrap())),
        ("claim D3.gmm-template", &|entry| {
            let measured = entry.claims[0].measured.as_mut().unwrap();
            *measured *= 1.0 + 1e-9;
        }),
        ("claim D3.gmm-template", &|entry| entry.claims[0].replicates += 1),
    ];
    for (what, change) in changes {
        for profile in [Profile::Paper, Profile::Quick] {
            change_lock(&figures, |lock| {
                *lock = sound.clone();
                change(lock.stages.get_mut(SMALL.name).unwrap().get_mut(profile.word()).unwrap());
            });
            let found = bad(&rows(&SMALL, &figures, profile));
            assert!(found.contains(&format!("recomputed {what}")), "{what}: {found:?}");
            // What is committed in the paper profile is looked at in both.
            assert_eq!(
                found.contains(&format!("committed {what}")),
                profile == Profile::Paper,
                "{what}: {found:?}"
            );
        }
    }
}

/// The table with one value times a factor.
fn altered(table: &Table, factor: f64) -> Table {
    let mut rows = Statistics::column(table, "value").unwrap().all().to_vec();
    rows[3].value *= factor;
    statistics_table(table.name(), &rows).unwrap()
}

#[test]
fn a_number_changed_by_hand_in_a_table_is_found_even_with_its_digest() {
    let (_place, figures) = committed_place(&SMALL);
    for (profile, check) in [(Profile::Paper, "committed"), (Profile::Quick, "recomputed")] {
        let path = figures.tables(SMALL.name, profile).join("statistics.parquet");
        let sound = fs::read(&path).unwrap();
        let table = altered(&Table::from_parquet_bytes("statistics", &sound).unwrap(), 1.0 + 1e-3);
        table.to_parquet(&path, &[]).unwrap();
        let found = bad(&rows(&SMALL, &figures, profile));
        assert!(found.contains(&format!("{check} table statistics")), "{found:?}");
        let before = figures.lock().unwrap();
        change_lock(&figures, |lock| {
            let entry = lock.stages.get_mut(SMALL.name).unwrap().get_mut(profile.word()).unwrap();
            entry.values.insert("statistics".to_owned(), table.values_digest().unwrap());
        });
        let found = bad(&rows(&SMALL, &figures, profile));
        assert!(found.contains("recomputed column statistics.value"), "{found:?}");
        change_lock(&figures, |lock| *lock = before.clone());
        fs::write(&path, sound).unwrap();
    }
    assert_eq!(bad(&rows(&SMALL, &figures, Profile::Quick)), BTreeSet::new());
}

#[test]
fn a_number_changed_by_hand_in_a_picture_is_found_even_with_its_digest() {
    let (_place, figures) = committed_place(&SMALL);
    let file = "gmm-template.svg";
    let path = figures.root().join(file);
    let sound = fs::read_to_string(&path).unwrap();
    let place = sound.rfind(|digit: char| digit.is_ascii_digit()).unwrap();
    let digit = if sound[place..].starts_with('7') { "8" } else { "7" };
    let mut changed = sound.clone();
    changed.replace_range(place..=place, digit);
    fs::write(&path, &changed).unwrap();
    for profile in [Profile::Quick, Profile::Paper] {
        let found = bad(&rows(&SMALL, &figures, profile));
        assert!(found.contains(&format!("committed figure {file}")), "{found:?}");
    }
    change_lock(&figures, |lock| {
        let entry = lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap();
        entry.figures.insert(file.to_owned(), sha256(changed.as_bytes()));
    });
    let found = bad(&rows(&SMALL, &figures, Profile::Quick));
    assert!(found.contains(&format!("committed figure {file}")), "{found:?}");
    fs::remove_file(&path).unwrap();
    assert!(bad(&rows(&SMALL, &figures, Profile::Quick)).contains(&format!("committed figure {file}")));
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A stage whose table depends on how often it was made.
static UNSTEADY: Stage = Stage { plan: small, reduce: unsteady, ..TEMPLATE };

fn unsteady(data: &dyn Data) -> Result<Vec<Table>> {
    let tables = (TEMPLATE.reduce)(data)?;
    let count = f64::from(COUNT.fetch_add(1, Ordering::Relaxed));
    Ok(vec![altered(&tables[0], 1.0 + 1e-3 * count)])
}

#[test]
fn what_differs_from_itself_is_nondeterministic() {
    let (_place, figures) = committed_place(&UNSTEADY);
    let rows = rows(&UNSTEADY, &figures, Profile::Quick);
    let of = |what: &str, name: &str| {
        let mut found =
            rows.iter().filter(|row| (row.check, row.what, row.name.as_str()) == ("recomputed", what, name));
        found.next().unwrap().verdict
    };
    assert_eq!(of("column", "statistics.value"), Verdict::Nondeterministic);
    assert_eq!(of("table", "statistics"), Verdict::Nondeterministic);
    assert_eq!(of("column", "statistics.time"), Verdict::Identical);
    assert_eq!(of("table", "replicates"), Verdict::Identical);
}

#[test]
fn tolerances_are_those_that_are_declared() {
    let table = |shift: f64, loss: f64| {
        TableBuilder::new("statistics")
            .str("experiment", &["gmm"; 4])
            .str("statistic", &["slope", "slope", "edge", "loss"])
            .f64("value", vec![1000.0, 1.0 + shift, 1e-3, loss])
            .build()
            .unwrap()
    };
    let verdict = |other: Table| columns(&table(0.0, 0.5), &other).unwrap().last().unwrap().clone();
    assert_eq!(verdict(table(0.0, 0.5)).verdict, Verdict::Identical);
    assert_eq!(verdict(table(1e-5, 0.5)).verdict, Verdict::Within);
    let far = verdict(table(1e-3, 0.5));
    assert_eq!(far.verdict, Verdict::Different);
    assert!(far.detail.unwrap().contains("row 1"));
    // The scale is that of like numbers, and the loss is one of the trajectory.
    assert_eq!(verdict(table(0.0, 0.5 + f64::EPSILON)).verdict, Verdict::Different);
    assert_eq!(rule("statistics", "time", None).tolerance, Tolerance::EXACT);
    assert_eq!(rule("spectrum", "eigenvalue", None).tolerance.relative, 1e-10);
    assert_eq!(rule("theory", "value", Some("edge")).tolerance, OTHERWISE.tolerance);
    assert!(RULES.iter().all(|rule| !rule.reason.is_empty() && !rule.columns.is_empty()));
    let two = Tolerance { absolute: 0.0, relative: 0.0, ulps: 2 };
    assert!(
        two.accepts(1.0, 1.0 + 2.0 * f64::EPSILON, 1.0) && !two.accepts(1.0, 1.0 + 3.0 * f64::EPSILON, 1.0)
    );
    assert_eq!((ulps(0.0, -0.0), ulps(-f64::from_bits(1), f64::from_bits(1))), (1, 3));
    assert!(!Tolerance { relative: 1.0, ..two }.accepts(1.0, f64::INFINITY, 1.0));
}

#[test]
fn the_program_says_so_and_ends_with_status_1() {
    let place = Place::new();
    let (stage, figures) = ("xor-eigenvectors", Figures::at(&place.figures()));
    let (stage_of, store) =
        (spectral_alignment::stages::STAGES.iter().find(|other| other.name == stage), quick().store());
    let done =
        run(&[stage_of.unwrap()], spectral_alignment::stages::STAGES, &store, &quick_settings(), EFFORT)
            .unwrap();
    record(&figures, &store, &quick_settings(), &done).unwrap();
    let answer = place.call(&["verify", stage, "--json"]);
    assert_eq!(answer.status, Some(1), "the paper profile is not committed here: {answer:?}");
    let mut seen = 0;
    for row in answer.rows() {
        if row["check"] == "recomputed" {
            assert_eq!(row["verdict"], "identical", "{row}");
            seen += 1;
        } else {
            assert_eq!((&row["verdict"], &row["what"]), (&"different".into(), &"stage".into()), "{row}");
        }
    }
    assert!(seen >= 10, "{seen}");
    assert!(!place.data().exists(), "the cache is not touched");
    place.call(&["verify", stage, "--seed", "1001"]).refused(2, &["--seed"]);
    place.call(&["verify", stage, "--set", "xor-k20.lambda=3"]).refused(2, &["--set"]);
    place.call(&["verify", "xor-eigenvektors"]).refused(2, &["did you mean `xor-eigenvectors`"]);
}

#[test]
fn a_stage_that_is_no_more_leaves_no_trace() {
    let (_place, figures) = committed_place(&SMALL);
    let all: Vec<&'static Stage> = vec![&SMALL];
    assert_eq!(drop_gone(&figures, &all).unwrap(), Vec::<String>::new());
    assert!(figures.root().join("gmm-template.svg").exists());
    assert_eq!(drop_gone(&figures, &[]).unwrap(), [SMALL.name]);
    let left: Vec<_> =
        fs::read_dir(figures.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name == "gmm-template.svg"), "{left:?}");
    assert!(
        !figures.tables(SMALL.name, Profile::Paper).exists()
            && !figures.tables(SMALL.name, Profile::Quick).exists()
    );
    assert!(figures.lock().unwrap().stages.is_empty());
}
