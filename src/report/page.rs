//! The page: what it is about, what was found, and links to the parts.

use crate::report::details::{PROVENANCE, shown};
use crate::report::files::{DOCUMENTS, Place, link};
use crate::report::find::SCRIPT;
use crate::report::gallery::{gallery, pictures};
use crate::report::gather::{Origin, Report, Section};
use crate::report::section::section;
use crate::report::verdicts::{UNSETTLED, holding, verdicts};
use crate::report::words::formula;
use crate::stage::Profile;
use crate::stage::claim::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;

const STYLE: &str = include_str!("style.css");

/// The report as an HTML document that needs nothing but itself; in a bundle it also leads to the files beside it.
pub fn page(report: &Report, place: Place) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Spectral alignment of SGD: " (report.summary()) }
                style { (PreEscaped(STYLE)) }
                style { (PreEscaped(pictures(report))) }
            }
            body {
                a.skip href="#verdicts" { "To the verdicts" }
                header { (head(report, place)) }
                (groups(report))
                main {
                    (gallery(report))
                    (verdicts(report))
                    section aria-labelledby="stages" {
                        h2 id="stages" { "Stages" }
                        (contents(report))
                        @for stage in &report.sections { (section(report, stage, place)) }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

fn head(report: &Report, place: Place) -> Markup {
    let failing = report.count(Verdict::Fails) > 0;
    html! {
        h1 { "Spectral alignment of SGD" }
        p.about {
            "Figures and measured verdicts for "
            a href="https://arxiv.org/abs/2310.03010" {
                cite { "Spectral alignment of stochastic gradient descent for high-dimensional classification tasks" }
            }
            " by G. Ben Arous, R. Gheissari, J. Huang and A. Jagannath."
        }
        p.summary data-failing=(failing) { (report.summary()) }
        p.about { (settings(report)) " " (origin(report)) }
        (documents(report, place))
        (machine(report))
        @if !report.settings.overrides.is_empty() {
            ul.notes {
                @for change in &report.settings.overrides {
                    li { code { (change.experiment) "." (change.key) " = " (change.value) } }
                }
            }
        }
    }
}

/// What explains the page, and tables over all stages.
fn documents(report: &Report, place: Place) -> Markup {
    let documents = DOCUMENTS.iter().filter(|document| !document.explains.is_empty());
    html! {
        p.about {
            @for document in documents {
                @let path = format!("docs/{}", document.name);
                (link(place, &path, &html! { code { (path) } })) " explains " (document.explains) ". "
            }
            @for file in &report.summaries {
                @let words = match place { Place::Alone => &file.shown, Place::Bundle => &file.bundled };
                (link(place, &file.bundled, &html! { code { (words) } }))
                " has all " (file.bundled.trim_start_matches("values/").trim_end_matches(".parquet")) ". "
            }
            @if place == Place::Bundle { code { "sha256sum -c bundle.sha256" } " checks every file." }
        }
    }
}

/// What made the stages that were computed, where it is the same for all.
fn machine(report: &Report) -> Markup {
    let values = |name: &str| -> BTreeSet<&str> {
        let computed = report.sections.iter().filter(|section| section.origin == Origin::Computed);
        computed.map(|section| recorded(section, name)).collect()
    };
    let same = PROVENANCE.iter().filter(|(name, _)| *name != "finished").filter_map(|(name, words)| {
        let values = values(name);
        let value = values.first()?;
        Some((*words, if values.len() == 1 { shown(name, value) } else { "differs between stages" }))
    });
    let same: Vec<(&str, &str)> = same.collect();
    html! {
        @if !same.is_empty() { dl { @for (words, value) in &same { div { dt { (words) } dd { (value) } } } } }
    }
}

fn recorded<'a>(section: &'a Section, name: &str) -> &'a str {
    section.provenance.iter().find(|(key, _)| key == name).map_or("not recorded", |(_, value)| value)
}

fn settings(report: &Report) -> String {
    let size = match report.settings.profile {
        Profile::Paper => "Full size (profile paper)",
        Profile::Quick => "Small versions of all experiments (profile quick)",
    };
    let changed = match report.settings.overrides.len() {
        0 => ".",
        _ => ", with changed parameters:",
    };
    format!("{size}, root seed {}{changed}", report.settings.seed)
}

/// Where the numbers come from, in a sentence.
fn origin(report: &Report) -> String {
    let all = report.sections.len();
    let count =
        |of: &dyn Fn(Origin) -> bool| report.sections.iter().filter(|section| of(section.origin)).count();
    let committed = count(&|origin| matches!(origin, Origin::Committed { .. }));
    let nothing = count(&|origin| origin == Origin::Nothing);
    let computed = all - committed - nothing;
    let mut parts = Vec::new();
    if computed > 0 {
        parts.push(format!("{computed} of {all} stages were computed here"));
    }
    if committed > 0 {
        parts.push(format!("{committed} of {all} are read from the committed values"));
    }
    if nothing > 0 {
        parts.push(format!("{nothing} of {all} were not computed"));
    }
    format!("{}.", parts.join("; "))
}

/// Links to the parts of the page, which stay in sight.
fn groups(report: &Report) -> Markup {
    html! {
        nav.bar aria-label="Page" {
            ul.groups {
                li { a href="#figures" { "Figures" } " " span.aside { (report.figures().count()) } }
                @for (id, title, verdict) in UNSETTLED {
                    @let number = report.count(verdict);
                    @if number > 0 || verdict == Verdict::Fails {
                        li { a href={ "#" (id) } { (title) } " " span.aside { (number) } }
                    }
                }
                @for (letter, claims) in holding(report) {
                    li { a href={ "#group-" (letter) } { "Group " (letter) } " " span.aside { (claims.len()) } }
                }
                li { a href="#stages" { "Stages" } " " span.aside { (report.sections.len()) } }
            }
        }
    }
}

/// Links to the stages.
fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="Stages" {
            ul.stages {
                @for stage in &report.sections {
                    li {
                        a href={ "#stage-" (stage.stage.name) } { (stage.stage.name) }
                        " " span.aside { (tally(stage)) }
                        p { (formula(stage.stage.title)) }
                    }
                }
            }
        }
    }
}

/// The verdicts of a stage in a few words.
fn tally(section: &Section) -> String {
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter_map(|verdict| {
            let number = section.claims.iter().filter(|claim| claim.verdict == verdict).count();
            (number > 0).then(|| format!("{number} {}", verdict.plural()))
        })
        .collect();
    parts.join(", ")
}
