use crate::support::{Answer, Place, quick, quick_settings, stages};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use spectral_alignment::pipeline::plan::plan_all;
use spectral_alignment::published::DEFAULT_SEED;
use spectral_alignment::report::deviation::deviations;
use spectral_alignment::report::margin::margin;
use spectral_alignment::report::words::{address, estimate, formula, quoted, significant};
use spectral_alignment::report::{PAPER, Report, gather, page};
use spectral_alignment::stage::claim::{Bound, Claim, Kind, Relation, Verdict, chosen, declare};
use spectral_alignment::stage::rows::{At, Of, Statistic};
use spectral_alignment::stages::STAGES;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The report on the shared quick run.
fn gathered() -> Report {
    let place = quick();
    let plans = plan_all(STAGES, &quick_settings()).unwrap();
    gather(&plans, &place.store(), &quick_settings(), (&place.data(), &place.figures())).unwrap()
}

static PAGE: LazyLock<String> = LazyLock::new(|| page(&gathered()));

fn select<'a>(document: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    document.select(&Selector::parse(selector).unwrap()).collect()
}

fn attribute<'a>(element: &ElementRef<'a>, name: &str) -> &'a str {
    element.value().attr(name).unwrap_or_else(|| panic!("no {name}: {}", element.html()))
}

fn text(element: &ElementRef) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ids of claims and their verdicts in the order of the rows.
fn rows(document: &Html) -> Vec<(String, String)> {
    let rows = select(document, "tr[data-verdict]");
    let pair = |row: &ElementRef| {
        let id = attribute(row, "id").strip_prefix("claim-").unwrap().to_owned();
        (id, attribute(row, "data-verdict").to_owned())
    };
    rows.iter().map(pair).collect()
}

#[test]
fn the_page_is_well_formed_with_unique_ids_and_headings_in_order() {
    let document = Html::parse_document(&PAGE);
    assert!(document.errors.is_empty(), "{:?}", document.errors);
    assert!(PAGE.len() < 10 << 20, "{} bytes", PAGE.len());
    let mut ids = BTreeSet::new();
    for element in select(&document, "[id]") {
        assert!(ids.insert(attribute(&element, "id")), "two elements {}", attribute(&element, "id"));
    }
    for link in select(&document, "a[href^='#']") {
        assert!(ids.contains(&attribute(&link, "href")[1..]), "{}", link.html());
    }
    for element in select(&document, "[aria-labelledby], [popovertarget]") {
        let names = ["aria-labelledby", "popovertarget"];
        for id in names.iter().filter_map(|name| element.value().attr(name)) {
            assert!(ids.contains(id), "{}", element.html());
        }
    }
    let mut level = 0;
    for heading in select(&document, "h1, h2, h3, h4, h5, h6") {
        let next: usize = heading.value().name()[1..].parse().unwrap();
        assert!(next <= level + 1, "{} after level {level}", heading.html());
        level = next;
    }
    assert_eq!(select(&document, "h1").len(), 1);
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let document = Html::parse_document(&PAGE);
    let loading = "script, link, iframe, object, embed, video, audio, source, base, meta[http-equiv], [style*=url], use";
    assert!(select(&document, loading).is_empty());
    for element in select(&document, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on"), "{name} of {}", element.value().name());
            if ["src", "srcset", "poster", "data", "background"].contains(&name) {
                assert!(value.starts_with("data:image/svg+xml;base64,"), "{value}");
            }
            if ["href", "xlink:href", "action", "formaction"].contains(&name) {
                let plain = value.starts_with('#') || value.starts_with("./") || value.starts_with("../");
                let paper = value.starts_with("https://arxiv.org/") && element.value().name() == "a";
                assert!(plain || paper, "{value}");
            }
        }
    }
    let style: String = select(&document, "style").iter().map(text).collect();
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn every_claim_has_one_row_with_its_verdict_and_failing_claims_come_first() {
    let document = Html::parse_document(&PAGE);
    let claims = quick().call(&["claims", "--json"]).rows();
    let verdict = |claim: &Value| {
        (claim["id"].as_str().unwrap().to_owned(), claim["verdict"].as_str().unwrap().to_owned())
    };
    let mut expected: Vec<(String, String)> = claims.iter().map(verdict).collect();
    let mut found = rows(&document);
    let order =
        |verdict: &str| Verdict::ALL.map(Verdict::word).iter().position(|word| *word == verdict).unwrap();
    assert!(found.is_sorted_by_key(|(_, verdict)| order(verdict)), "{found:?}");
    for (id, verdict) in &found {
        let words =
            select(&document, &format!("tr[id='claim-{id}'] .verdict")).iter().map(text).collect::<Vec<_>>();
        assert!(words.len() == 1 && words[0].ends_with(verdict.as_str()), "{id}: {words:?}");
        let brief = select(&document, &format!(".brief a[href='#claim-{id}']"));
        assert_eq!(brief.len(), 1, "{id} stands once in the section of its stage");
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let printed = quick().call(&["claims"]).out;
    let summary = text(&select(&document, ".summary")[0]);
    assert!(printed.contains(&summary), "{summary}");
}

#[test]
fn every_figure_is_there_once_with_its_caption_and_a_text_alternative() {
    let document = Html::parse_document(&PAGE);
    let folder = quick().figures().join("variants").join("quick");
    let names: Vec<&str> = STAGES.iter().flat_map(|stage| stage.figures).copied().collect();
    let drawn: Vec<&str> = select(&document, "figure")
        .iter()
        .map(|figure| attribute(figure, "id").strip_prefix("figure-").unwrap())
        .collect();
    assert_eq!(drawn, names);
    for name in names {
        let image = select(&document, &format!("#figure-{name} img"))[0];
        let alternative = attribute(&image, "alt");
        assert!(
            alternative.contains("horizontal axis") && alternative.contains("vertical axis"),
            "{alternative}"
        );
        let caption = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        let (title, body) = caption.split_once('\n').unwrap();
        assert!(!alternative.contains(body.trim()), "{name}: the caption is read out twice");
        let flat = |text: &str| text.replace(['^', '_', '−', '-', '(', ')', ' ', '{', '}'], "");
        let below = text(&select(&document, &format!("#figure-{name} figcaption"))[0]);
        assert!(flat(&below).contains(&flat(title)) && flat(&below).contains(&flat(body.trim())), "{below}");
    }
    for image in select(&document, "img") {
        assert!(!attribute(&image, "alt").is_empty());
    }
    for drawing in select(&document, "svg") {
        assert_eq!(attribute(&drawing, "role"), "img");
        assert!(attribute(&drawing, "aria-label").len() > 10);
    }
}

#[test]
fn links_lead_to_the_tables_and_figures_of_every_stage() {
    let document = Html::parse_document(&PAGE);
    let folder = quick().figures().join("variants").join("quick");
    let mut tables = 0;
    for link in select(&document, "a") {
        let address = attribute(&link, "href");
        if !address.starts_with('#') && !address.starts_with("https:") {
            let path = folder.join(address);
            assert!(path.is_file(), "{}", path.display());
            tables += usize::from(path.extension().is_some_and(|extension| extension == "parquet"));
        }
    }
    assert!(tables >= 2 * STAGES.len(), "{tables}");
    for stage in stages() {
        let section = select(&document, &format!("section[aria-labelledby='stage-{stage}']"))[0];
        let words = text(&section);
        let seed = format!("root seed{DEFAULT_SEED}");
        for said in [seed.as_str(), "recipe", "compilerrustc", "on one thread for all replicates"] {
            assert!(words.contains(said), "{stage} does not say {said}: {words}");
        }
        assert!(words.contains(&format!("spectral-alignment run {stage} --profile quick --data")));
    }
}

#[test]
fn text_is_escaped() {
    let mut report = gathered();
    let strange = "<script>alert(\"1\")</script> & 'x' </table>";
    for claim in &mut report.sections[0].claims {
        claim.statement = strange.to_owned();
        claim.reason = Some(strange.to_owned());
    }
    report.sections[0].figures[0].title = strange.to_owned();
    report.sections[0].figures[0].svg = format!("<svg><desc>{strange}</desc></svg>");
    report.sections[0].provenance.push(("commit".to_owned(), strange.to_owned()));
    let page = page(&report);
    let document = Html::parse_document(&page);
    assert!(document.errors.is_empty() && !page.contains("<script"), "{:?}", document.errors);
    assert!(select(&document, "script").is_empty());
    let said = select(&document, "p.statement").iter().filter(|said| text(said) == strange).count();
    assert_eq!(said, report.sections[0].claims.len());
}

fn write(place: &Place, arguments: &[&str]) -> (PathBuf, Html) {
    let answer = place.call(&[&["report"], arguments].concat()).good();
    let path = PathBuf::from(answer.out.split(": ").next().unwrap());
    let html = fs::read_to_string(&path).unwrap();
    (path, Html::parse_document(&html))
}

#[test]
fn a_claim_that_fails_stands_on_top() {
    let mut report = gathered();
    let claim = &mut report.sections[2].claims[1];
    claim.verdict = Verdict::Fails;
    let id = format!("claim-{}", claim.id);
    let document = Html::parse_document(&page(&report));
    assert_eq!(rows(&document)[0].1, "fails");
    let failing = select(&document, "table[aria-labelledby=failing] tr[data-verdict]");
    assert!(failing.iter().any(|row| attribute(row, "id") == id));
    assert!(failing.iter().all(|row| text(row).contains("fails")));
}

#[test]
fn changed_parameters_and_a_replicate_that_diverges_stand_on_top() {
    let place = Place::copy_of(quick());
    let changed = ["--set", "gmm.lambda=1e0", "--set", "gmm.replicates=21"];
    place.call(&[&["run", "gmm-alignment"], &changed[..]].concat()).good();
    let (path, document) = write(&place, &changed);
    let folder = path.parent().unwrap();
    assert!(folder.parent().unwrap().ends_with("variants") && folder.join("gmm-alignment.svg").is_file());
    let found = rows(&document);
    assert_eq!(found.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), found.len());
    assert!(text(&select(&document, "header")[0]).contains("gmm.lambda = 1e0"));
    let commands: String = select(&document, "pre").iter().map(text).collect();
    assert!(commands.contains("--set gmm.lambda=1e0"), "{commands}");
    // The stages that share the experiment were not run with it: they say so.
    let notes: String = select(&document, ".notes").iter().map(text).collect();
    assert!(notes.contains("Nothing was computed of") && notes.contains("gmm-spectrum"), "{notes}");

    let changed = ["--set", "gmm.beta=1e300", "--set", "gmm.horizon=2"];
    place.call(&[&["run", "gmm-alignment"], &changed[..]].concat()).good();
    let (_, document) = write(&place, &changed);
    let notes: String = select(&document, ".notes").iter().map(text).collect();
    assert!(notes.contains("SGD diverged in 20 of 20 replicates of gmm"), "{notes}");
    assert!(notes.contains("Figure gmm-alignment of gmm-alignment is missing"), "{notes}");
}

#[test]
fn a_clone_shows_what_is_committed_and_says_so() {
    let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures");
    if !figures.join("figures.lock").exists() {
        return;
    }
    let place = Place::new();
    let copy = place.figures();
    fs::create_dir_all(copy.join("values")).unwrap();
    for entry in fs::read_dir(&figures).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    crate::support::copy(&figures.join("values"), &copy.join("values"));
    let answer: Answer =
        place.bare().args(["report", "--data", "data", "--figures", "figures"]).output().unwrap().into();
    assert!(answer.good().out.contains("figures/report.html"));
    let html = fs::read_to_string(copy.join("report.html")).unwrap();
    let document = Html::parse_document(&html);
    assert!(text(&select(&document, "header")[0]).contains("are read from the committed values"));
    for figure in ["gmm-alignment", "xor-collapse"] {
        assert_eq!(select(&document, &format!("#figure-{figure} img")).len(), 1);
    }
    assert!(select(&document, "a[href='./values/gmm-alignment/alignment.parquet']").len() == 1);
    fs::write(copy.join("gmm-alignment.svg"), "<svg/>").unwrap();
    let answer: Answer =
        place.bare().args(["report", "--data", "data", "--figures", "figures"]).output().unwrap().into();
    answer.good();
    let html = fs::read_to_string(copy.join("report.html")).unwrap();
    let document = Html::parse_document(&html);
    let notes: String = select(&document, ".notes").iter().map(text).collect();
    assert!(notes.contains("Figure gmm-alignment of gmm-alignment is missing"), "{notes}");
}

#[test]
fn a_run_writes_the_report_at_its_end_and_a_second_leaves_it() {
    let place = Place::copy_of(quick());
    let answer = place.call(&["run", "--report"]).good();
    let path = place.figures().join("variants").join("quick").join("report.html");
    assert!(answer.out.trim_end().lines().last().unwrap().starts_with(path.to_str().unwrap()));
    let first = fs::read(&path).unwrap();
    place.call(&["report"]).good();
    assert!(fs::read(&path).unwrap() == first);
    place.call(&["report", "--set", "nothing.d=3"]).refused(2, &["nothing"]);
}

fn measured(relation: Relation, bound: Bound, low: f64, high: f64) -> Claim {
    let claim = declare("A1.x", Kind::Bound).at_most(0.0, chosen("x")).not_run("");
    let measured = Some(f64::midpoint(low, high));
    Claim { relation, bound, measured, low: Some(low), high: Some(high), verdict: Verdict::Holds, ..claim }
}

#[test]
fn margins_are_relative_to_the_bound_and_negative_where_claims_fail() {
    let of = |relation, bound, low, high| margin(&measured(relation, bound, low, high)).unwrap();
    let number = Bound::Number;
    assert_eq!(of(Relation::AtMost, number(2.0), 1.0, 1.5), 0.25);
    assert_eq!(of(Relation::AtMost, number(2.0), 1.0, 2.5), -0.25);
    assert_eq!(of(Relation::AtMost, number(-0.5), -1.0, -0.75), 0.5);
    assert_eq!(of(Relation::AtLeast, number(0.5), 0.75, 1.0), 0.5);
    assert_eq!(of(Relation::AtLeast, number(0.5), 0.25, 1.0), -0.5);
    assert_eq!(of(Relation::In, Bound::Pair([1.0, 3.0]), 1.5, 2.0), 0.5);
    assert_eq!(of(Relation::In, Bound::Pair([1.0, 3.0]), 1.5, 3.5), -0.5);
    assert_eq!(of(Relation::AtMost, number(0.0), -4.0, -2.0), 0.5);
    assert_eq!(of(Relation::AtMost, number(4.0), 4.0, 4.0), 0.0);
    assert_eq!(margin(&declare("A1.x", Kind::Bound).at_most(1.0, chosen("x")).not_run("few")), None);
}

#[test]
fn deviations_are_those_of_the_mean_over_replicates_at_common_places() {
    let at = |replicate, step| At {
        experiment: "gmm".into(),
        replicate,
        step,
        time: f64::from(step as u32) / 10.0,
    };
    let outlier = |at: &At, rank, value| Statistic::new(at, "outlier", Of::default().rank(rank), value);
    let measured = [
        outlier(&at(Some(0), 10), 1, 1.0),
        outlier(&at(Some(1), 10), 1, 2.0),
        outlier(&at(Some(0), 20), 1, 3.0),
        outlier(&at(Some(1), 20), 1, 3.0),
        outlier(&at(Some(0), 20), 2, 9.0),
        Statistic::plain(&at(Some(0), 20), "loss", 9.0),
    ];
    let theory = [
        outlier(&at(None, 10), 1, 2.0),
        outlier(&at(None, 20), 1, 4.0),
        outlier(&at(None, 30), 1, 5.0),
        outlier(&at(None, 20), 2, 0.0),
        Statistic::plain(&at(None, 20), "edge", 9.0),
    ];
    let found = deviations(&measured, &theory);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].statistic.as_str(), found[0].places, found[0].absolute), ("outlier", 3, 9.0));
    assert_eq!((found[0].mean, found[0].largest), (Some(0.25), Some(0.25)));
    let own = [outlier(&at(Some(1), 10), 1, 4.0)];
    assert_eq!(
        deviations(&measured, &own)[0].largest,
        Some(0.5),
        "a prediction of one replicate is compared with it"
    );
}

#[test]
fn the_readme_lists_the_papers_claims_as_the_report_does() {
    let plain = |row: &str| row.replace('`', "").replace('μ', "mu").replace('ν', "nu").replace('λ', "lambda");
    let rows: Vec<String> = include_str!("../../README.md").lines().map(plain).collect();
    let start = rows.iter().position(|row| row == "| id | the paper claims |").unwrap() + 2;
    let listed: Vec<String> = rows[start..].iter().take_while(|row| row.starts_with('|')).cloned().collect();
    assert_eq!(listed, PAPER.map(|(id, words)| format!("| {id} | {words} |")));
    let ids = STAGES.iter().flat_map(|stage| stage.claims);
    let groups: BTreeSet<&str> = ids.map(|id| id.split('.').next().unwrap()).collect();
    assert_eq!(
        groups,
        PAPER.map(|(id, _)| id).into(),
        "every claim belongs to one of the paper, and none is left out"
    );
}

#[test]
fn words_are_short_true_and_safe() {
    let digits = |value| significant(value, 4);
    for (value, words) in [
        (0.0, "0"),
        (1.0, "1"),
        (46.051_701_86, "46.05"),
        (0.093_75, "0.09375"),
        (-0.45, "−0.45"),
        (0.700_000_000_000_000_1, "0.7"),
        (1234.56, "1235"),
        (99_999.6, "100000"),
        (4.6478e-13, "4.648 × 10⁻¹³"),
        (2.5e7, "2.5 × 10⁷"),
    ] {
        assert_eq!(digits(value), words);
    }
    assert_eq!(estimate(0.48926, 0.486_58, 0.491_94), ["0.4893", "0.4866", "0.4919"]);
    assert_eq!(estimate(30.230_000_000_000_008, 30.23, 30.230_000_000_000_01), ["30.23", "30.23", "30.23"]);
    assert_eq!(estimate(0.005, -0.084, 0.094), ["0.005", "−0.084", "0.094"]);
    assert_eq!(estimate(0.0, -84.0, 84.0), ["0", "−84", "84"]);
    for (text, html) in [
        ("lambda^{-1/2} of x_0", "λ<sup>−1/2</sup> of x<sub>0</sub>"),
        ("|P_U P_B|_F^2 / k", "|P<sub>U</sub> P<sub>B</sub>|<sub>F</sub><sup>2</sup> / k"),
        ("H_(W_i W_i) <b>", "H<sub>W<sub>i</sub> W<sub>i</sub></sub> &lt;b&gt;"),
        ("‖P_HP_G‖ e^-βt", "‖P<sub>H</sub>P<sub>G</sub>‖ e^-βt"),
        ("numbers >= 2 and a_ ^", "numbers ≥ 2 and a_ ^"),
    ] {
        assert_eq!(formula(text).into_string(), html);
    }
    assert_eq!(quoted("a b'c"), r"'a b'\''c'");
    assert_eq!(quoted("gmm.lambda=10"), "gmm.lambda=10");
    assert_eq!(address(Path::new("/a/b"), Path::new("/a/c:d/e \"f#<.svg")), "../c%3Ad/e%20%22f%23%3C.svg");
    assert_eq!(address(Path::new("/a/b"), Path::new("/a/b/e.svg")), "./e.svg");
}
