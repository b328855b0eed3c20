use spectral_alignment::digest::sha256;
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::pipeline::run::judge;
use spectral_alignment::plot::ink::{Item, Part};
use spectral_alignment::plot::{Dash, Figure, Frame, lint, pdf, scene, svg};
use spectral_alignment::published::Figures;
use spectral_alignment::published::lockfile::LockFile;
use spectral_alignment::stage::claim::Claim;
use spectral_alignment::stage::{Profile, Settings, Stage};
use spectral_alignment::stages::STAGES;
use spectral_alignment::table::Table;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures")
}

/// What the lock says, where figures are committed.
fn lock() -> Option<LockFile> {
    folder().join("figures.lock").exists().then(|| Figures::at(&folder()).lock().unwrap())
}

#[test]
fn committed_values_and_figures_are_those_of_the_lock() {
    let Some(lock) = lock() else { return };
    let (mut bytes, mut figures) = (0, BTreeSet::new());
    for (stage, profiles) in &lock.stages {
        for profile in [Profile::Paper, Profile::Quick] {
            let entry = &profiles[profile.word()];
            let values = Figures::at(&folder()).tables(stage, profile);
            let mut files = BTreeSet::new();
            for (table, digest) in &entry.values {
                let path = values.join(format!("{table}.parquet"));
                bytes += fs::metadata(&path).unwrap().len();
                assert_eq!(
                    Table::from_parquet(table, &path).unwrap().values_digest().unwrap(),
                    *digest,
                    "{}",
                    path.display()
                );
                files.insert(format!("{table}.parquet"));
            }
            if profile == Profile::Paper {
                files.insert("quick".to_owned());
            }
            let found: BTreeSet<String> = fs::read_dir(&values)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(found, files, "tables of {stage}");
        }
        let entry = &profiles["paper"];
        for (figure, digest) in &entry.figures {
            assert_eq!(sha256(&fs::read(folder().join(figure)).unwrap()), *digest, "{figure}");
            figures.insert(figure.clone());
        }
    }
    assert!(bytes < 12 << 20, "{bytes} bytes of committed values");
    let drawn: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            FORMATS.iter().any(|format| Path::new(name).extension().is_some_and(|found| found == *format))
        })
        .collect();
    assert_eq!(drawn, figures, "figures without an entry in the lock, or entries without a figure");
    let mut total = 0;
    for file in &drawn {
        let size = fs::metadata(folder().join(file)).unwrap().len();
        total += size;
        assert!(size <= 400_000, "{file} has {size} bytes");
        let (name, _) = file.rsplit_once('.').unwrap();
        assert!(FORMATS.iter().all(|format| drawn.contains(&format!("{name}.{format}"))), "{name}");
    }
    assert!(total <= 12 << 20, "{total} bytes of committed figures");
}

/// The files of a figure: two formats and its caption.
const FORMATS: [&str; 3] = ["svg", "pdf", "txt"];

/// The figures of a stage, drawn again from the committed values.
fn drawn(stage: &'static Stage) -> Vec<Figure> {
    let settings = Settings {
        profile: Profile::Paper,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    };
    let plan = StagePlan::new(stage, &settings).unwrap();
    let results = Figures::at(&folder()).results(&settings, &plan).unwrap();
    results.map_or_else(Vec::new, |results| (stage.draw)(&results).unwrap())
}

#[test]
fn committed_figures_are_drawn_from_committed_values_and_have_no_lint() {
    if lock().is_none() {
        return;
    }
    for figure in STAGES.iter().flat_map(|stage| drawn(stage)) {
        let name = figure.name();
        let committed = |format: &str| fs::read(folder().join(format!("{name}.{format}"))).unwrap();
        assert_eq!(lint(&figure), Vec::<String>::new(), "{name}");
        assert!(svg(&figure).unwrap().into_bytes() == committed("svg"), "{name}.svg");
        assert!(pdf(&figure).unwrap() == committed("pdf"), "{name}.pdf");
        assert_eq!(figure.caption().text().into_bytes(), committed("txt"), "{name}.txt");
    }
}

/// The integral over decades of a polygon or line that is drawn on logarithmic axes.
fn integral(places: &[(i32, i32)], frame: &Frame) -> f64 {
    let point = |(x, y): (i32, i32)| {
        let right = (f64::from(x) / 100.0 - frame.left) / frame.width;
        let up = 1.0 - (f64::from(y) / 100.0 - frame.top) / frame.height;
        let height = frame.y.low * (frame.y.high / frame.y.low).powf(up);
        (right * (frame.x.high / frame.x.low).log10(), if up < 1e-4 { 0.0 } else { height })
    };
    let pairs = places.windows(2).map(|pair| (point(pair[0]), point(pair[1])));
    pairs.map(|(from, to)| (to.0 - from.0) * f64::midpoint(from.1, to.1)).sum()
}

#[test]
fn committed_densities_integrate_to_one() {
    let stage = STAGES.iter().find(|stage| stage.name == "gmm-spectrum").unwrap();
    for figure in drawn(stage) {
        let (scene, frames) = scene(&figure).unwrap();
        let inside = |(x, y): (i32, i32), frame: &Frame| {
            let (x, y) = (f64::from(x) / 100.0, f64::from(y) / 100.0);
            x >= frame.left - 0.01
                && x <= frame.left + frame.width + 0.01
                && y >= frame.top - 0.01
                && y <= frame.top + frame.height + 0.01
        };
        for frame in &frames {
            let (mut steps, mut curve) = (0.0, 0.0);
            for item in &scene.items {
                match item {
                    // Grey bands are ranges of outliers.
                    Item::Fill(parts, colour, opacity)
                        if *opacity < 1.0 && (colour.0 != colour.1 || colour.1 != colour.2) =>
                    {
                        for part in parts {
                            if let Part::Closed(places) = part
                                && inside(places[0], frame)
                            {
                                steps += integral(places, frame).abs();
                            }
                        }
                    }
                    Item::Stroke(parts, stroke) if stroke.data && stroke.dash == Dash::Dashed => {
                        for part in parts {
                            if let Part::Open(places) = part
                                && inside(places[0], frame)
                            {
                                curve += integral(places, frame);
                            }
                        }
                    }
                    _ => {}
                }
            }
            assert!((steps - 1.0).abs() < 0.01, "{}: the histogram has area {steps}", figure.name());
            assert!((curve - 1.0).abs() < 0.02, "{}: the density has area {curve}", figure.name());
        }
    }
}

#[test]
fn claims_from_committed_values_are_those_of_the_lock() {
    let Some(lock) = lock() else { return };
    let settings = Settings {
        profile: Profile::Paper,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    };
    for stage in STAGES {
        let plan = StagePlan::new(stage, &settings).unwrap();
        let Some(results) = Figures::at(&folder()).results(&settings, &plan).unwrap() else { continue };
        let mut written: Vec<Claim> = lock.stages[stage.name]["paper"].claims.clone();
        let mut judged = judge(stage, &results).unwrap();
        assert_eq!(judged.len(), written.len(), "{}", stage.name);
        for (new, old) in judged.iter_mut().zip(&mut written) {
            // Quantiles of Student's t come from the system's mathematical library: their last bits may differ.
            for (new, old) in [
                (&mut new.measured, &mut old.measured),
                (&mut new.low, &mut old.low),
                (&mut new.high, &mut old.high),
            ] {
                match (new.take(), old.take()) {
                    (Some(new), Some(old)) => {
                        assert!((new - old).abs() <= 1e-12 * old.abs(), "{new} against {old}");
                    }
                    (new, old) => assert_eq!(new, old),
                }
            }
            assert_eq!(new.nulls.len(), old.nulls.len(), "{}", new.id);
            for (new, old) in new.nulls.iter_mut().zip(&mut old.nulls) {
                for (new, old) in [
                    (&mut new.measured, &mut old.measured),
                    (&mut new.low, &mut old.low),
                    (&mut new.high, &mut old.high),
                ] {
                    assert!((*new - *old).abs() <= 1e-12 * old.abs(), "{new} against {old}");
                    (*new, *old) = (0.0, 0.0);
                }
            }
            // The lock does not have the values of the replicates.
            assert_eq!(new.clone().without_values(), *old, "{}", stage.name);
        }
    }
}

#[test]
fn the_lock_has_both_profiles_of_every_stage_and_nothing_of_the_machine() {
    let Some(lock) = lock() else { return };
    let text = fs::read_to_string(folder().join("figures.lock")).unwrap();
    for word in ["rustc", "x86_64", "/home", "/root", "/tmp", "openblas", "commit"] {
        assert!(!text.to_lowercase().contains(word), "figures.lock has {word}");
    }
    for (stage, profiles) in &lock.stages {
        assert_eq!(profiles.keys().collect::<Vec<_>>(), ["paper", "quick"], "{stage}");
        for entry in profiles.values() {
            assert_eq!(entry.seed, spectral_alignment::published::DEFAULT_SEED);
            assert!(
                entry.recipe.len() == 64
                    && !entry.parameters.is_empty()
                    && !entry.values.is_empty()
                    && !entry.figures.is_empty()
            );
        }
    }
}
