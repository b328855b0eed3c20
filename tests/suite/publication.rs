use crate::committing::{EFFORT, SMALL, committed_place, paper};
use crate::support::{Place, quick_settings};
use spectral_alignment::digest::sha256;
use spectral_alignment::error::Result;
use spectral_alignment::pipeline::run::{Done, run, run_in_turn};
use spectral_alignment::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width};
use spectral_alignment::published::Figures;
use spectral_alignment::published::lockfile::LockFile;
use spectral_alignment::published::publish::{self, drop_gone};
use spectral_alignment::stage::{Results, Stage};
use spectral_alignment::stages::STAGES;
use spectral_alignment::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The same stage under another name, with another figure.
static OTHER: Stage = Stage { name: "gmm-other", figures: &["gmm-other"], draw: other, ..SMALL };

#[allow(clippy::unnecessary_wraps, reason = "the signature that stages have")]
fn other(_: &Results) -> Result<Vec<Figure>> {
    let line = Series::line("law", Style::measured(Colour::Blue), vec![(0.0, 0.0), (1.0, 1.0)]);
    let panel = Panel::new(Axis::linear("$x$"), Axis::linear("$y$")).series(line);
    let caption = Caption::new("A line", "The line y = x", "Parameters: none".to_owned(), "It is straight");
    Ok(vec![Figure::new("gmm-other", caption, Width::Single, 1).panel(panel)])
}

/// Every file below a folder with its bytes.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            all.insert(name, fs::read(&path).unwrap());
        }
    }
    all
}

fn compute(place: &Place, stage: &'static Stage) -> Vec<Done> {
    run(&[stage], &[stage], &place.store(), &paper(), EFFORT).unwrap()
}

fn publish(place: &Place, figures: &Figures, done: &[Done]) -> Result<Vec<String>> {
    publish::publish(figures, &place.store(), &paper(), done)
}

#[test]
fn an_interrupted_publication_leaves_no_trace_once_another_ends() {
    let (place, figures) = committed_place(&SMALL);
    let (root, before) = (figures.root().to_owned(), files(figures.root()));
    let (small, done) = (compute(&place, &SMALL), compute(&place, &OTHER));
    // A file in the place of a folder ends the publication after the figures and before the tables.
    let interrupt = || {
        fs::write(root.join("values/gmm-other"), "in the way").unwrap();
        publish(&place, &figures, &done).unwrap_err();
        assert!(root.join("gmm-other.svg").exists() && !figures.lock().unwrap().unsettled.is_empty());
        let draft = format!(".new-1-{}", &sha256(b"spectral-alignment draft 1")[..16]);
        fs::write(root.join(&draft), "half of").unwrap();
        fs::write(root.join("values/gmm-template").join(&draft), "half of").unwrap();
        fs::remove_file(root.join("values/gmm-other")).unwrap();
    };
    interrupt();
    assert_eq!(publish(&place, &figures, &small).unwrap(), Vec::<String>::new());
    assert_eq!(files(&root), before, "the code was put back");

    interrupt();
    assert_eq!(publish(&place, &figures, &done).unwrap(), ["gmm-other"]);
    assert_eq!(drop_gone(&figures, &[&OTHER]).unwrap(), ["gmm-template"]);
    let after = files(&root);
    assert!(after.contains_key("gmm-other.svg") && after.contains_key("values/gmm-other/statistics.parquet"));
    assert!(
        !after.keys().any(|name| name.contains("template") || name.contains(".new-")),
        "{:?}",
        after.keys()
    );
    assert!(figures.lock().unwrap().unsettled.is_empty());
}

/// Changes the lock by hand.
fn edit(figures: &Figures, change: impl FnOnce(&mut LockFile)) {
    let mut lock = figures.lock().unwrap();
    change(&mut lock);
    fs::write(figures.root().join("figures.lock"), serde_json::to_vec_pretty(&lock).unwrap()).unwrap();
}

#[test]
fn a_run_puts_right_what_was_changed_by_hand() {
    let (place, figures) = committed_place(&SMALL);
    let before = files(figures.root());
    let done = compute(&place, &SMALL);
    let svg = figures.root().join("gmm-template.svg");
    let changes: [&dyn Fn(); 5] = [
        &|| {
            edit(&figures, |lock| {
                lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap().claims[0].measured =
                    Some(0.25);
            });
        },
        &|| {
            edit(&figures, |lock| {
                lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap().seed = 7;
            });
        },
        &|| {
            fs::write(&svg, "<svg/>").unwrap();
            edit(&figures, |lock| {
                let entry = lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap();
                entry.figures.insert("gmm-template.svg".to_owned(), sha256(b"<svg/>"));
            });
        },
        &|| fs::remove_file(figures.root().join("values/gmm-template/statistics.parquet")).unwrap(),
        &|| fs::write(&svg, "<svg/>").unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        change();
        assert_eq!(publish(&place, &figures, &done).unwrap(), [SMALL.name], "change {number}");
        assert_eq!(files(figures.root()), before, "change {number}");
    }
    assert_eq!(publish(&place, &figures, &done).unwrap(), Vec::<String>::new());
}

#[test]
fn committed_tables_are_told_by_their_bytes_and_claims_by_their_digest() {
    let (place, figures) = committed_place(&SMALL);
    let done = compute(&place, &SMALL);
    for entry in &done[0].tables.tables {
        let path = figures.root().join(format!("values/gmm-template/{}.parquet", entry.table));
        assert_eq!(entry.committed_sha256.as_deref(), Some(&*sha256(&fs::read(&path).unwrap())));
        // The same values in other bytes are no change either.
        let table = Table::from_parquet(&entry.table, &path).unwrap();
        let other = table.to_parquet_bytes(&[("by".to_owned(), "hand".to_owned())]).unwrap();
        fs::write(&path, other).unwrap();
    }
    assert_eq!(publish(&place, &figures, &done).unwrap(), Vec::<String>::new());
    let claims = figures.lock().unwrap().stages[SMALL.name]["paper"].claims.clone();
    assert!(done[0].are_judged(&claims).unwrap());
    assert_eq!(done[0].verdicts(&place.store(), &paper()).unwrap(), claims);
    let mut forged = claims;
    forged[0].measured = Some(0.25);
    assert!(!done[0].are_judged(&forged).unwrap());
}

#[test]
fn stages_are_ready_in_turns_of_those_that_share_simulations() {
    let place = Place::new();
    let asked = ["gmm-spectrum", "gmm-snr", "xor-escape", "gmm-eigenvalues"];
    let stages: Vec<&'static Stage> =
        asked.iter().map(|name| *STAGES.iter().find(|stage| stage.name == *name).unwrap()).collect();
    let turns = |seen: &mut Vec<BTreeSet<&'static str>>| {
        run_in_turn(&stages, STAGES, &place.store(), &quick_settings(), EFFORT, |done| {
            seen.push(done.iter().map(|done| done.plan.stage.name).collect());
            Ok(())
        })
        .unwrap()
    };
    let mut seen = Vec::new();
    let done = turns(&mut seen);
    assert_eq!(done.iter().map(|done| done.plan.stage.name).collect::<Vec<_>>(), asked);
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen.contains(&BTreeSet::from(["gmm-spectrum", "gmm-eigenvalues"])), "{seen:?}");
    // Nothing is missing any more, so that nobody waits for anybody.
    let mut again = Vec::new();
    assert!(turns(&mut again).iter().all(|done| !done.computed));
    assert_eq!(again, [BTreeSet::from(asked)]);
    // What goes wrong with a stage that is ready ends the run.
    let refused = |_: &[Done]| Err(spectral_alignment::error::Error::defect("publication", "refused"));
    let error = run_in_turn(&stages, STAGES, &place.store(), &quick_settings(), EFFORT, refused).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}
