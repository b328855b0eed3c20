use crate::support::{Answer, Place, quick, quick_settings, stages};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use spectral_alignment::pipeline::plan::plan_all;
use spectral_alignment::published::DEFAULT_SEED;
use spectral_alignment::report::claim_figure::{SHOWN, claim_figure, fits};
use spectral_alignment::report::deviation::deviations;
use spectral_alignment::report::files::relative;
use spectral_alignment::report::margin::margin;
use spectral_alignment::report::words::{by_number, duration, estimate, formula, quoted, significant};
use spectral_alignment::report::{PAPER, Place as Standing, Report, gather, page};
use spectral_alignment::stage::claim::{Bound, Claim, Kind, Relation, Verdict, chosen, declare};
use spectral_alignment::stage::rows::{At, Of, Statistic};
use spectral_alignment::stages::STAGES;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The report on the shared quick run.
fn gathered() -> Report {
    let place = quick();
    let plans = plan_all(STAGES, &quick_settings()).unwrap();
    gather(&plans, &place.store(), &quick_settings(), (&place.data(), &place.figures())).unwrap()
}

static PAGE: LazyLock<String> = LazyLock::new(|| page(&gathered(), Standing::Alone));

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
fn the_page_loads_nothing_and_leads_nowhere_that_may_be_missing() {
    let document = Html::parse_document(&PAGE);
    let loading =
        "link, iframe, object, embed, video, audio, source, base, meta[http-equiv], [style*=url], use";
    assert!(select(&document, loading).is_empty());
    for element in select(&document, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on"), "{name} of {}", element.value().name());
            if ["src", "srcset", "poster", "data", "background"].contains(&name) {
                assert!(value.starts_with("data:image/svg+xml;base64,"), "{value}");
            }
            if ["href", "xlink:href", "action", "formaction"].contains(&name) {
                let paper = value.starts_with("https://arxiv.org/") && element.value().name() == "a";
                assert!(value.starts_with('#') || paper, "{value}");
            }
        }
    }
    let style: String = select(&document, "style").iter().map(text).collect();
    assert_eq!(style.matches("url(").count(), style.matches("url(data:image/png;base64,").count());
    assert!(!style.contains("@import"));
}

/// What stands between `before` and a quotation mark, wherever `before` stands.
fn quoted_after<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once('"').map(|(word, _)| word)).collect()
}

#[test]
fn the_script_is_of_the_page_and_the_page_does_without_it() {
    let document = Html::parse_document(&PAGE);
    let scripts = select(&document, "script");
    assert_eq!(scripts.len(), 1);
    let script: String = scripts[0].text().collect();
    for reaching in
        ["http", "fetch(", "XMLHttp", "import", "eval(", "WebSocket", "sendBeacon", "localStorage"]
    {
        assert!(!script.contains(reaching), "{reaching}");
    }
    // What it looks for is there.
    for id in quoted_after(&script, "getElementById(\"") {
        assert_eq!(select(&document, &format!("#{id}")).len(), 1, "{id}");
    }
    let fields = quoted_after(&script, "field(\"");
    assert_eq!(fields, BTreeSet::from(["order", "shown", "words"]));
    for field in fields.into_iter().chain(["verdict", "stage", "kind"]) {
        assert_eq!(select(&document, &format!("form#find [name={field}]")).len(), 1, "{field}");
    }
    // What needs it is hidden until it runs, and nothing else is.
    let hidden: BTreeSet<&str> =
        select(&document, "[hidden]").iter().map(|found| found.value().name()).collect();
    assert_eq!(hidden, BTreeSet::from(["button", "form"]));
    assert_eq!(select(&document, "form#find[hidden]").len(), 1);
    assert_eq!(select(&document, "button[hidden]").len(), select(&document, "tr[data-verdict]").len());
}

#[test]
fn every_claim_can_be_found_linked_and_copied_and_says_its_kind_nulls_and_figure() {
    let report = gathered();
    let document = Html::parse_document(&PAGE);
    let options = |name: &str| -> BTreeSet<&str> {
        let options = select(&document, &format!("form#find select[name={name}] option"));
        options.iter().map(|option| option.value().attr("value").unwrap()).collect()
    };
    let (verdicts, kinds, stages) = (options("verdict"), options("kind"), options("stage"));
    let mut nulls = 0;
    for section in &report.sections {
        for claim in &section.claims {
            let row = select(&document, &format!("tr[id='claim-{}']", claim.id))[0];
            let of = |selector: &str| row.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>();
            let words = text(&row);
            for (name, value, known) in [
                ("data-verdict", claim.verdict.word(), &verdicts),
                ("data-kind", claim.kind.word(), &kinds),
                ("data-stage", section.stage.name, &stages),
            ] {
                assert!(attribute(&row, name) == value && known.contains(value), "{}: {name}", claim.id);
            }
            let written = row.value().attr("data-margin").map(|margin| margin.parse::<f64>().unwrap());
            assert_eq!(written, margin(claim), "{}", claim.id);
            assert_eq!(of(&format!(".id a[href='#claim-{}']", claim.id)).len(), 1);
            let copied = attribute(&of("button.copy")[0], "data-copy");
            assert!(copied.starts_with(&claim.id) && copied.contains(claim.verdict.word()), "{copied}");
            if claim.measured.is_some() {
                assert!(words.contains(claim.kind.word()), "{words}");
                for null in &claim.nulls {
                    assert!(words.contains(&format!("null {}", null.name)), "{words}");
                    nulls += 1;
                }
                assert!(words.contains(&format!("of {} replicates", claim.replicates)), "{words}");
            }
            let figure = claim_figure(section.stage, &claim.id).unwrap();
            let link = of("td.shown a");
            let drawn = section.figures.iter().any(|card| card.name == figure);
            assert_eq!(link.len(), usize::from(drawn), "{}", claim.id);
            for link in link {
                assert_eq!(attribute(&link, "href"), format!("#figure-{figure}"));
                assert!(text(&link).contains(figure), "the link has a name");
            }
        }
    }
    assert!(nulls > 20, "{nulls}");
}

#[test]
fn every_claim_named_for_a_figure_is_of_the_stage_that_draws_it() {
    for (pattern, figure) in SHOWN {
        let stage = STAGES.iter().find(|stage| stage.figures.contains(&figure)).unwrap();
        let shown = stage.claims.iter().filter(|id| fits(pattern, id));
        let mut shown = shown.map(|id| claim_figure(stage, id)).peekable();
        assert!(shown.peek().is_some(), "{pattern}: no claim of {}", stage.name);
        assert!(shown.all(|found| found == Some(figure)), "{pattern}: an earlier pattern has its claims");
    }
    assert!(fits("a*b", "ab") && fits("a*", "a") && !fits("ab*b", "ab") && !fits("a", "ab"));
}

#[test]
fn thumbnails_stand_on_top_and_nothing_covers_a_figure() {
    let document = Html::parse_document(&PAGE);
    let figures: Vec<String> =
        select(&document, "figure").iter().map(|figure| format!("#{}", attribute(figure, "id"))).collect();
    let links = select(&document, ".gallery a");
    assert_eq!(links.iter().map(|link| attribute(link, "href")).collect::<Vec<_>>(), figures);
    let (gallery, verdicts) =
        (PAGE.find("class=\"gallery\"").unwrap(), PAGE.find("id=\"verdicts\"").unwrap());
    assert!(gallery < verdicts);
    let style: String = select(&document, "style").iter().map(text).collect();
    for link in &figures {
        let name = link.strip_prefix("#figure-").unwrap();
        assert_eq!(
            style.matches(&format!(".picture-{name} {{")).count(),
            1,
            "{name}: one picture for all places"
        );
    }
    // On a figure lies only the button that closes it, which is there while it is open.
    for button in select(&document, "figure .frame button") {
        assert!(
            attribute(&button, "class") == "close" && attribute(&button, "popovertargetaction") == "hide"
        );
    }
    assert_eq!(select(&document, "figcaption button[popovertarget]").len(), figures.len());
    assert!(style.contains(".card .close { display: none;"));
}

#[test]
fn experiments_stand_in_the_order_of_their_numbers_and_units_are_words() {
    let document = Html::parse_document(&PAGE);
    let mut tables = 0;
    for stage in stages() {
        let names = select(&document, &format!("table:has(#parameters-{stage}) tbody th"));
        let names: Vec<String> = names.iter().map(text).collect();
        assert!(names.is_sorted_by(|a, b| by_number(a, b).is_lt()), "{names:?}");
        tables += usize::from(names.len() > 1);
    }
    assert!(tables > 5);
    let lambdas: Vec<f64> = select(&document, "table:has(#parameters-xor-snr) tbody th")
        .iter()
        .map(|name| text(name).strip_prefix("xor-snr-lambda-").unwrap().parse().unwrap())
        .collect();
    assert!(lambdas.len() > 2 && lambdas.is_sorted(), "{lambdas:?}");
    let mut names =
        ["d1000", "d200", "lambda-10-phi-5", "lambda-1p25", "lambda-2", "lambda-0p8", "lambda-1", "d"];
    names.sort_by(|a, b| by_number(a, b));
    let sorted =
        ["d", "d200", "d1000", "lambda-0p8", "lambda-1", "lambda-1p25", "lambda-2", "lambda-10-phi-5"];
    assert_eq!(names, sorted);
    for (seconds, words) in
        [(0.25, "0.25 seconds"), (1.0, "1 second"), (119.0, "119 seconds"), (150.0, "2.5 minutes")]
    {
        assert_eq!(duration(seconds), words);
    }
    for made in select(&document, "details dd").iter().map(text).filter(|made| made.contains("on one thread"))
    {
        assert!(made.contains(" second") || made.contains(" minute"), "{made}");
    }
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
fn the_page_names_the_tables_and_figures_of_every_stage() {
    let document = Html::parse_document(&PAGE);
    let folder = quick().figures().join("variants").join("quick");
    let mut tables = 0;
    for stage in stages() {
        for name in select(&document, &format!("table:has(#files-{stage}) tbody th")) {
            let path = folder.join(text(&name));
            assert!(path.is_file(), "{}", path.display());
            tables += usize::from(path.extension().is_some_and(|extension| extension == "parquet"));
        }
        let section = select(&document, &format!("section[aria-labelledby='stage-{stage}']"))[0];
        let words = text(&section);
        let seed = format!("root seed{DEFAULT_SEED}");
        for said in [seed.as_str(), "recipe", "compilerrustc", "on one thread for all replicates"] {
            assert!(words.contains(said), "{stage} does not say {said}: {words}");
        }
        assert!(words.contains(&format!("spectral-alignment run {stage} --profile quick --data")));
    }
    assert!(tables >= 2 * STAGES.len(), "{tables}");
}

/// Every file below a folder by its path, with its bytes; of a link, where it leads.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(
                below(&entry.path()).into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)),
            );
            found.insert(name, Vec::new());
        } else if kind.is_symlink() {
            found.insert(name, fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes());
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Checks that everything on a bundle's pages that leads anywhere leads to a file of the bundle; the links to files.
fn check_links(out: &Path) -> BTreeSet<String> {
    let files = below(out);
    let html = String::from_utf8(files["index.html"].clone()).unwrap();
    let document = Html::parse_document(&html);
    assert!(document.errors.is_empty(), "{:?}", document.errors);
    let mut links = BTreeSet::new();
    for link in select(&document, "[href], [src]") {
        let address = link.value().attr("href").or(link.value().attr("src")).unwrap();
        if let Some(id) = address.strip_prefix('#') {
            assert_eq!(select(&document, &format!("[id='{id}']")).len(), 1, "{id}");
        } else if !address.starts_with("data:") && !address.starts_with("https://arxiv.org/") {
            assert!(files.contains_key(address), "{address} is not in the bundle");
            links.insert(address.to_owned());
        }
    }
    let is_document = |path: &str| Path::new(path).extension().is_some_and(|extension| extension == "md");
    for (path, bytes) in files.iter().filter(|(path, _)| is_document(path)) {
        for link in String::from_utf8_lossy(bytes).split("](").skip(1) {
            let (address, _) = link.split_once(')').unwrap();
            let there = out.join(path).parent().unwrap().join(address.split('#').next().unwrap());
            assert!(address.starts_with("https://") || there.is_file(), "{path}: {address}");
        }
    }
    let listed: BTreeMap<String, String> = String::from_utf8(files["bundle.sha256"].clone())
        .unwrap()
        .lines()
        .map(|line| line.split_once("  ").map(|(digest, path)| (path.to_owned(), digest.to_owned())).unwrap())
        .collect();
    let there = files.iter().filter(|(path, _)| *path != "bundle.sha256" && out.join(path).is_file());
    let there: BTreeMap<String, String> =
        there.map(|(path, bytes)| (path.clone(), spectral_alignment::digest::sha256(bytes))).collect();
    assert_eq!(listed, there);
    links
}

#[test]
fn every_link_of_a_bundle_leads_to_a_file_in_it_and_every_file_is_linked() {
    let place = Place::new();
    let out = place.path().join("passed on");
    let answer = quick().call(&["report", "--bundle", out.to_str().unwrap()]).good();
    assert!(answer.out.starts_with(out.join("index.html").to_str().unwrap()), "{answer:?}");
    let links = check_links(&out);
    let folder = quick().figures().join("variants").join("quick");
    for stage in STAGES {
        for figure in stage.figures {
            for format in ["svg", "pdf"] {
                let path = format!("figures/{figure}.{format}");
                assert!(links.contains(&path), "{path}");
                let published = folder.join(format!("{figure}.{format}"));
                assert_eq!(fs::read(out.join(&path)).unwrap(), fs::read(published).unwrap(), "{path}");
            }
        }
        assert!(
            links.iter().any(|link| link.starts_with(&format!("values/{}/", stage.name))),
            "{}",
            stage.name
        );
    }
    let files = below(&out).into_keys().filter(|path| out.join(path).is_file());
    let unlinked: Vec<String> = files.filter(|path| !links.contains(path)).collect();
    assert_eq!(unlinked, ["bundle.sha256", "docs/columns.csv", "index.html"]);
    for page in ["docs/glossary.md", "docs/tables.md", "docs/derivations.md"] {
        assert_eq!(
            fs::read(out.join(page)).unwrap(),
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap()
        );
    }
}

#[test]
fn a_bundle_is_brought_up_to_date_and_nothing_of_a_users_is_overwritten() {
    let place = Place::new();
    let out = place.path().join("bundle");
    let call = || quick().call(&["report", "--bundle", out.to_str().unwrap()]);
    let refused = |words: &[&str]| {
        let before = below(&out);
        call().refused(2, &[&["--bundle", "nothing was changed"], words].concat());
        assert!(below(&out) == before, "{words:?}");
    };
    // A folder with something in it.
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    refused(&["notes.txt"]);
    fs::remove_file(out.join("notes.txt")).unwrap();
    fs::create_dir(out.join("figures")).unwrap();
    refused(&["figures"]);
    fs::remove_dir(out.join("figures")).unwrap();
    // Empty, and a second time.
    call().good();
    let first = below(&out);
    call().good();
    assert!(below(&out) == first);
    // Files beside ours, in our folders, in place of ours, and links.
    fs::write(out.join("values/notes.txt"), "mine").unwrap();
    refused(&["values/notes.txt", "no part of a bundle"]);
    fs::remove_file(out.join("values/notes.txt")).unwrap();
    fs::create_dir(out.join("mine")).unwrap();
    refused(&["mine"]);
    fs::remove_dir(out.join("mine")).unwrap();
    let page = out.join("index.html");
    fs::write(&page, "mine").unwrap();
    refused(&["index.html", "changed"]);
    fs::remove_file(&page).unwrap();
    let other = place.path().join("other");
    fs::write(&other, "mine").unwrap();
    std::os::unix::fs::symlink(&other, &page).unwrap();
    refused(&["index.html"]);
    assert_eq!(fs::read(&other).unwrap(), b"mine");
    fs::remove_file(&page).unwrap();
    let list = fs::read_to_string(out.join("bundle.sha256")).unwrap();
    fs::write(out.join("bundle.sha256"), "mine").unwrap();
    refused(&["bundle.sha256"]);
    // What is missing comes back, what was written once and is no longer part goes, with its folder; a killed program leaves a
    // list with two digests for a path, and drafts.
    let gone = spectral_alignment::digest::sha256(b"former");
    let more = format!("{gone}  values/former/table.parquet\n{gone}  docs/glossary.md\n");
    fs::write(out.join("bundle.sha256"), list + &more).unwrap();
    fs::create_dir(out.join("values/former")).unwrap();
    fs::write(out.join("values/former/table.parquet"), "former").unwrap();
    fs::write(out.join("docs/glossary.md"), "former").unwrap();
    call().good();
    assert!(below(&out) == first);
    quick().call(&["report", "--bundle", other.to_str().unwrap()]).refused(2, &["--bundle", "is no folder"]);
    assert_eq!(fs::read(&other).unwrap(), b"mine");
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
    let page = page(&report, Standing::Bundle);
    let document = Html::parse_document(&page);
    assert!(document.errors.is_empty() && !page.contains("<script>alert"), "{:?}", document.errors);
    assert_eq!(select(&document, "script").len(), 1);
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
    let document = Html::parse_document(&page(&report, Standing::Alone));
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
    let named = select(&document, "table:has(#files-gmm-alignment) tbody th");
    assert!(named.iter().any(|name| text(name) == "values/gmm-alignment/alignment.parquet"));
    // A bundle of it has the committed tables, those over all stages too.
    let out = place.path().join("bundle");
    let arguments = ["report", "--data", "data", "--figures", "figures", "--bundle", "bundle"];
    let answer: Answer = place.bare().args(arguments).output().unwrap().into();
    answer.good();
    let links = check_links(&out);
    for table in
        ["values/gmm-alignment/alignment.parquet", "values/claims.parquet", "values/experiments.parquet"]
    {
        assert!(links.contains(table), "{table}");
        assert_eq!(fs::read(out.join(table)).unwrap(), fs::read(copy.join(table)).unwrap());
    }
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
    assert_eq!(relative(Path::new("/a/b"), Path::new("/a/c d/e.svg")), "../c d/e.svg");
    assert_eq!(relative(Path::new("/a/b"), Path::new("/a/b/e.svg")), "e.svg");
}
