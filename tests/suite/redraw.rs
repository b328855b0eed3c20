//! `redraw`: claims and figures from committed tables, in the committed style and in others.

use crate::committing::{SMALL, committed_place, paper};
use crate::publication::files;
use crate::support::{Answer, Place, copy};
use spectral_alignment::digest::Value;
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::plot::PageStyle;
use spectral_alignment::published::Figures;
use spectral_alignment::published::lockfile::{LockEntry, LockFile};
use spectral_alignment::published::redraw::{Redrawn, redraw};
use spectral_alignment::published::style_file::{chosen, written};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const STAGE: &str = "xor-escape";

fn plans() -> Vec<StagePlan> {
    vec![StagePlan::new(&SMALL, &paper()).unwrap()]
}

/// What is done to an entry of the lock and to the sources behind it.
type Alteration = dyn Fn(&mut LockEntry, &mut BTreeMap<String, String>);

/// The lock, after something was done to the entry of the small stage at full size and to the lock.
fn altered(figures: &Figures, alter: impl FnOnce(&mut LockEntry, &mut BTreeMap<String, String>)) {
    let mut lock = figures.lock().unwrap();
    let entry = lock.stages.get_mut(SMALL.name).unwrap().get_mut("paper").unwrap();
    let code = entry.ingredients["code"].clone();
    alter(entry, lock.sources.get_mut(&code).unwrap());
    let text = serde_json::to_string_pretty(&lock).unwrap() + "\n";
    fs::write(figures.root().join("figures.lock"), text).unwrap();
}

/// The entries of the lock among these files.
fn stages(all: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, BTreeMap<String, LockEntry>> {
    let lock: LockFile = serde_json::from_slice(&all["figures.lock"]).unwrap();
    lock.stages
}

#[test]
fn figures_and_claims_come_back_from_the_tables_without_a_cache() {
    let (place, figures) = committed_place(&SMALL);
    let before = files(figures.root());
    assert_eq!(redraw(&figures, &paper(), &plans()).unwrap(), [Redrawn::UpToDate]);
    fs::remove_dir_all(place.data()).unwrap();
    // As if another version had judged and drawn: other figures, no claims, and another file that draws.
    altered(&figures, |entry, sources| {
        entry.recipe = "0".repeat(64);
        entry.claims.clear();
        for digest in entry.figures.values_mut() {
            *digest = "1".repeat(64);
        }
        *sources.get_mut("src/plot/layout/compose.rs").unwrap() = "0123456789abcdef".to_owned();
    });
    for name in figures.lock().unwrap().entry(SMALL.name, paper().profile).unwrap().figures.keys() {
        fs::write(figures.root().join(name), "another picture").unwrap();
    }
    assert_eq!(redraw(&figures, &paper(), &plans()).unwrap(), [Redrawn::Changed]);
    let after = files(figures.root());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (file, bytes) in &before {
        // The quick profile's entry keeps the noted source; everything else is as it was.
        assert!(after[file] == *bytes || file == "figures.lock", "{file}");
    }
    assert_eq!(stages(&after), stages(&before));
    assert!(!place.data().exists());
}

#[test]
fn tables_that_may_be_others_are_left_alone() {
    let alterations: [(&str, &Alteration); 5] = [
        ("src/random/seed.rs changed", &|_, sources| {
            sources.insert("src/random/seed.rs".to_owned(), "0123456789abcdef".to_owned());
        }),
        ("src/table/mod.rs changed", &|_, sources| {
            sources.remove("src/table/mod.rs");
        }),
        ("the seed was 7", &|entry, _| entry.seed = 7),
        ("the parameters of its experiments are others", &|entry, _| {
            *entry.parameters.values_mut().next().unwrap() = Value::from(1_u64);
        }),
        ("its questions changed", &|entry, _| {
            entry.ingredients.insert("questions".to_owned(), "2".repeat(64));
        }),
    ];
    for (reason, alter) in alterations {
        let (_place, figures) = committed_place(&SMALL);
        altered(&figures, |entry, sources| {
            entry.recipe = "0".repeat(64);
            alter(entry, sources);
        });
        let before = files(figures.root());
        let redrawn = redraw(&figures, &paper(), &plans()).unwrap();
        assert_eq!(redrawn, [Redrawn::Refused(reason.to_owned())]);
        let after = files(figures.root());
        assert_eq!(stages(&after), stages(&before), "{reason}");
        // What follows from the lock alone is written whatever happens to stages.
        for (file, bytes) in before {
            assert!(
                after[&file] == bytes || ["figures.lock", "numbers.tex", "captions.tex"].contains(&&*file),
                "{file}"
            );
        }
    }
    let (_place, figures) = committed_place(&SMALL);
    altered(&figures, |entry, _| {
        let crates = entry.ingredients.get_mut("crates").unwrap();
        *crates = crates.replacen("ndarray 0", "ndarray 9", 1);
    });
    let [Redrawn::Refused(reason)] = &redraw(&figures, &paper(), &plans()).unwrap()[..] else { panic!() };
    assert!(reason.starts_with("it was not computed with ndarray"), "{reason}");
}

#[test]
fn a_committed_table_with_another_number_is_refused() {
    let (_place, figures) = committed_place(&SMALL);
    altered(&figures, |entry, _| {
        let digest = entry.values.values_mut().next().unwrap();
        *digest = "3".repeat(64);
    });
    let before = files(figures.root());
    let error = redraw(&figures, &paper(), &plans()).unwrap_err();
    assert!(error.exit_status() == 3 && error.to_string().contains("restore"), "{error}");
    assert_eq!(files(figures.root()), before);
}

/// A place with the committed files of this repository, and the program called there at full size.
fn clone() -> Place {
    let place = Place::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"), &place.figures());
    place
}

fn call(place: &Place, arguments: &[&str]) -> Answer {
    let mut command = place.bare();
    command.args(arguments).arg("--data").arg(place.data()).arg("--figures").arg(place.figures());
    command.output().unwrap().into()
}

/// Width of an SVG in pt.
fn wide(svg: &str) -> f64 {
    let (_, rest) = svg.split_once("width=\"").unwrap();
    rest.split_once("pt\"").unwrap().0.parse().unwrap()
}

#[test]
fn what_is_committed_is_redrawn_byte_for_byte() {
    let place = clone();
    let before = files(&place.figures());
    let answer = call(&place, &["redraw"]);
    let missing = |line: &&str| line.contains("nothing is committed");
    assert!(
        answer.out.lines().filter(|line| !missing(line)).all(|line| line.ends_with(": up to date")),
        "{answer:?}"
    );
    assert_eq!(files(&place.figures()), before);
    assert!(!place.data().exists());
}

#[test]
fn another_style_is_a_variant_that_says_so() {
    let place = clone();
    let before = files(&place.figures());
    let svg = |folder: &str, name: &str| {
        fs::read_to_string(place.figures().join(folder).join(format!("{name}.svg"))).unwrap()
    };
    fs::write(place.path().join("own.toml"), "full = 300.0\n[colours]\ngreen = \"#123456\"\n").unwrap();
    call(&place, &["redraw", STAGE, "--style", "slides"]).good();
    call(&place, &["redraw", STAGE, "--width", "84mm", "--font-size", "9"]).good();
    call(&place, &["redraw", STAGE, "--style", "own.toml", "--png"]).good();
    let variants = call(&place, &["variants", "--json"]).good().rows();
    assert_eq!(variants.len(), 3, "{variants:?}");
    let mut widths = BTreeMap::new();
    for variant in &variants {
        let (name, style) = (variant["variant"].as_str().unwrap(), variant["style"].as_str().unwrap());
        assert_eq!(name, format!("paper-style-{style}"));
        let folder = format!("variants/{name}");
        let text = fs::read_to_string(place.figures().join(&folder).join("style.toml")).unwrap();
        let drawn = svg(&folder, STAGE);
        assert!(drawn.contains("#123456") == text.contains("green = \"#123456\""), "{name}");
        // The file that a variant carries makes the same figures again.
        let again = place.path().join("again.toml");
        fs::write(&again, &text).unwrap();
        let again = chosen(Some(again.to_str().unwrap()), None, None).unwrap().unwrap();
        assert_eq!(again.text, text);
        widths.insert(style.to_owned(), (wide(&drawn), again.style));
    }
    let house = wide(&svg("", STAGE));
    let expected = |style: &PageStyle| if house > 300.0 { style.full } else { style.single };
    for (width, style) in widths.values() {
        assert!((width - expected(style)).abs() < 0.02, "{width} {style:?}");
    }
    assert!((widths["slides"].1.full - 720.0).abs() < 1e-9);
    let (own, _) = widths.iter().find(|(_, (_, style))| (style.full - 300.0).abs() < 1e-9).unwrap();
    assert!(place.figures().join(format!("variants/paper-style-{own}/png/{STAGE}.png")).exists());
    // Nothing that is committed has changed, and the variants go as they came.
    let mut after = files(&place.figures());
    after.retain(|file, _| !file.starts_with("variants/"));
    assert_eq!(after, before);
    let names: Vec<&str> = variants.iter().map(|variant| variant["variant"].as_str().unwrap()).collect();
    call(&place, &[&["variants", "rm"], &names[..]].concat()).good();
    assert_eq!(files(&place.figures()), before);
    assert!(!place.figures().join("variants").exists());
}

#[test]
fn a_style_that_is_none_is_refused_with_name_and_value() {
    let place = clone();
    let style = |text: &str| fs::write(place.path().join("own.toml"), text).unwrap();
    call(&place, &["redraw", "--style", "slide"]).refused(2, &["did you mean `slides`"]);
    call(&place, &["redraw", "--style", "gone.toml"]).refused(3, &["gone.toml"]);
    call(&place, &["redraw", "--width", "wide"]).refused(2, &["wide", "84mm"]);
    call(&place, &["redraw", "--width", "1mm"]).refused(2, &["full = 2.83", "72", "2000"]);
    for (text, words) in [
        ("ful = 3", &["ful", "full"][..]),
        ("full = 1e6", &["full = 1000000", "2000"]),
        ("dots = 5", &["dots = 5", "30"]),
        ("[colours]\nmauve = \"#000000\"", &["mauve", "colour"]),
        ("[colours]\nblue = \"blue\"", &["blue", "#0072b2"]),
    ] {
        style(text);
        call(&place, &["redraw", "--style", "own.toml"]).refused(2, words);
    }
    style("font = \"own.toml\"");
    call(&place, &["redraw", "--style", "own.toml"]).refused(2, &["font", "own.toml"]);
    call(&place, &["redraw", "--seed", "7"]).refused(2, &["--style"]);
    assert!(!place.figures().join("variants").exists());
}

#[test]
fn the_committed_style_file_is_the_style_of_the_committed_figures() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("figures/style.toml")).unwrap();
    assert_eq!(text, written(&PageStyle::default(), None));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures/style.toml");
    assert_eq!(chosen(Some(path.to_str().unwrap()), None, None).unwrap(), None);
    assert_eq!(chosen(Some("double"), None, None).unwrap(), None);
}
