//! The rules of editions, and that what is committed keeps them.

use spectral_alignment::digest::Value;
use spectral_alignment::published::editions::{Declarations, Editions, declarations, digest};
use spectral_alignment::published::{DEFAULT_SEED, Figures};
use spectral_alignment::random::seed::SCHEME;
use spectral_alignment::stage::claim::{Claim, Declared, EDITION, Kind, chosen, declare};
use std::collections::BTreeMap;
use std::path::Path;

fn all(bound: f64) -> Declarations {
    let claim =
        |id: &str| declare(id, Kind::Bound).says("x").statistic("y").at_most(bound, chosen("z")).not_run("");
    declarations(&[claim("A1.one"), claim("A1.two")], &BTreeMap::new()).unwrap()
}

fn nothing(_: &str) -> bool {
    false
}

#[test]
fn a_declaration_is_all_that_decides_a_verdict_but_the_data() {
    let parameters = |d: i128| {
        BTreeMap::from([(
            "gmm".to_owned(),
            Value::Map(BTreeMap::from([("d".to_owned(), Value::Integer(d))])),
        )])
    };
    let base = || declare("A1.x", Kind::Bound).says("x").statistic("y").about(["gmm"]);
    let of = |claim: Claim, d| declarations(&[claim], &parameters(d)).unwrap()["A1.x"].clone();
    let plain = |declared: Declared| of(declared.at_most(1.0, chosen("z")).not_run(""), 10);
    let first = plain(base());
    // Wording and reasons are not part of it; kind, statistic, bound, relation, nulls and parameters are.
    assert_eq!(plain(base().says("other words")), first);
    assert_eq!(of(base().at_most(1.0, chosen("other reason")).not_run("later"), 10), first);
    assert_eq!(of(base().at_most(1.0 + 1e-12, chosen("z")).not_run(""), 10), first);
    let judged = |nulls: &[&'static str]| {
        let values = (0..20).map(|replicate| (replicate, 0.5)).collect::<BTreeMap<_, _>>();
        let declared = base().at_most(1.0, chosen("z")).no_null("a test");
        nulls
            .iter()
            .fold(declared, |declared, name| declared.null(name, values.clone()))
            .mean(values.clone())
            .unwrap()
    };
    assert_eq!(of(judged(&[]), 10), first);
    for other in [
        plain(declare("A1.x", Kind::Rate).statistic("y").about(["gmm"])),
        plain(base().statistic("another")),
        of(base().at_most(1.001, chosen("z")).not_run(""), 10),
        of(base().at_least(1.0, chosen("z")).not_run(""), 10),
        of(base().at_most(1.0, chosen("z")).not_run(""), 11),
        of(judged(&["start"]), 10),
    ] {
        assert_ne!(other, first);
    }
    assert!(declarations(&[base().at_most(1.0, chosen("z")).not_run("")], &BTreeMap::new()).is_err());
}

#[test]
fn an_edition_is_frozen_once_and_joined_only_by_claims_about_new_experiments() {
    let mut editions = Editions::default();
    assert!(editions.stale(&all(1.0)).unwrap().contains("not frozen"));
    editions.freeze(&all(1.0), &nothing, "the first").unwrap();
    assert_eq!(editions.stale(&all(1.0)), None);
    assert_eq!(
        (editions.editions[0].number, editions.editions[0].digest.clone()),
        (EDITION, digest(&all(1.0)))
    );
    // A changed bound and a claim that is gone need another edition.
    let mut fewer = all(1.0);
    fewer.remove("A1.two");
    for changed in [all(2.0), fewer] {
        assert!(editions.stale(&changed).unwrap().contains("A1."));
        assert!(editions.clone().freeze(&changed, &nothing, "again").is_err());
    }
    let mut more = all(1.0);
    more.insert("A1.three".to_owned(), "0123".to_owned());
    assert!(editions.stale(&more).unwrap().contains("A1.three"));
    assert!(editions.clone().freeze(&more, &|id| id == "A1.three", "joins").is_err());
    editions.freeze(&more, &nothing, "joins").unwrap();
    assert_eq!((editions.stale(&more), editions.editions.len()), (None, 1));
    assert_eq!(editions.editions[0].change, "the first");
}

#[test]
fn no_edition_is_raised_for_another_draw() {
    let mut editions = Editions::default();
    editions.freeze(&all(1.0), &nothing, "the first").unwrap();
    let mut earlier = editions.editions[0].clone();
    earlier.number = EDITION.wrapping_sub(1);
    // Numbers must increase, whatever the digests.
    let mut twins = Editions { editions: vec![editions.editions[0].clone(), earlier] };
    twins.editions[1].digest = "other".to_owned();
    assert!(twins.stale(&all(1.0)).is_some());
    let mut twins = Editions { editions: vec![editions.editions[0].clone(), editions.editions[0].clone()] };
    twins.editions[1].number += 1;
    assert!(twins.stale(&all(1.0)).unwrap().contains("another draw"));
    // The same declarations with another scheme of draws are a line of their own.
    twins.editions[0].scheme = "another scheme".to_owned();
    twins.editions[0].number = EDITION;
    twins.editions[1].number = EDITION + 1;
    assert!(!twins.stale(&all(1.0)).unwrap().contains("another draw"));
}

#[test]
fn what_is_committed_is_declared_in_the_last_edition() {
    assert_eq!(DEFAULT_SEED, EDITION);
    let figures = Figures::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("figures"));
    let (lock, editions) = (figures.lock().unwrap(), figures.editions().unwrap());
    let declared = lock.declared().unwrap();
    assert_eq!(editions.stale(&declared), None);
    assert_eq!((lock.edition, lock.declarations.as_str()), (EDITION, digest(&declared).as_str()));
    let last = editions.editions.last().unwrap();
    assert_eq!((last.scheme.as_str(), last.number), (SCHEME, EDITION));
    // Every claim of the edition has its verdict in the record.
    let claims: Vec<&Claim> = lock.stages.values().flat_map(|profiles| &profiles["paper"].claims).collect();
    assert_eq!(last.verdicts.values().map(Vec::len).sum::<usize>(), claims.len());
    for claim in claims {
        assert_eq!(claim.edition, EDITION, "{}", claim.id);
        assert!(last.verdicts[claim.verdict.word()].contains(&claim.id), "{}", claim.id);
    }
}

#[test]
fn the_page_of_claims_is_what_the_committed_claims_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let figures = Figures::at(&folder.join("figures"));
    let page = spectral_alignment::report::claims_page(
        spectral_alignment::stages::STAGES,
        &figures.lock().unwrap(),
        &figures.editions().unwrap(),
    );
    let committed = std::fs::read_to_string(folder.join("docs/claims.md")).unwrap();
    assert_eq!(committed.trim_end(), page, "`just claims-page` writes it");
}
