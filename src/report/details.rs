//! What made the results of a stage: parameters, provenance, digests, files, and the commands that make them again.

use crate::digest::Value;
use crate::pipeline::plan::StagePlan;
use crate::problem::experiment::Simulator;
use crate::published::is_standard;
use crate::report::files::{Place, link};
use crate::report::gather::{Origin, Report, Seconds, Section};
use crate::report::plain_table::{Column, NOTHING, plain_table};
use crate::report::words::{by_number, count, duration, quoted};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// Names of provenance that are shown, in this order, with their words.
pub const PROVENANCE: [(&str, &str); 10] = [
    ("commit", "commit"),
    ("dirty", "sources"),
    ("program", "program"),
    ("compiler", "compiler"),
    ("target", "target"),
    ("cpu", "processor"),
    ("blas", "BLAS"),
    ("blas kernel", "BLAS kernel"),
    ("threads", "threads"),
    ("finished", "finished"),
];

/// A value of provenance in words.
pub fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    match (name, value) {
        ("dirty", "true") => "changed since that commit",
        ("dirty", "false") => "as in that commit",
        (_, other) => other,
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Float(value) => format!("{value}").replace('-', "−"),
        Value::List(values) => {
            let words: Vec<String> = values.iter().map(word).collect();
            let equal = words.windows(2).all(|pair| pair[0] == pair[1]);
            match words.first() {
                Some(first) if equal && words.len() > 1 => format!("{first} × {}", words.len()),
                _ => words.join(", "),
            }
        }
        Value::Map(values) => {
            let words: Vec<String> =
                values.iter().map(|(name, value)| format!("{name} {}", word(value))).collect();
            words.join(", ")
        }
        other => other.to_string(),
    }
}

/// Parameters of all experiments: what they share once, what differs in a table.
pub fn parameters(section: &Section) -> Markup {
    let experiments: BTreeMap<&str, BTreeMap<&str, String>> = section
        .parameters
        .iter()
        .map(|(name, value)| {
            let keys = match value {
                Value::Map(keys) => {
                    keys.iter().map(|(key, value)| (key.as_str(), word(value))).collect::<BTreeMap<_, _>>()
                }
                _ => BTreeMap::new(),
            };
            (name.as_str(), keys)
        })
        .collect();
    let keys: BTreeSet<&str> = experiments.values().flat_map(BTreeMap::keys).copied().collect();
    let values = |key: &str| experiments.values().map(|keys| keys.get(key)).collect::<BTreeSet<_>>();
    let (shared, different): (Vec<&str>, Vec<&str>) =
        keys.into_iter().partition(|key| values(key).len() == 1);
    let mut sorted: Vec<_> = experiments.iter().collect();
    sorted.sort_by(|a, b| by_number(a.0, b.0));
    let cell = |text: &str| html! { (text) };
    let rows: Vec<(Markup, Vec<Markup>)> = sorted
        .into_iter()
        .map(|(name, keys)| {
            let (ran, diverged) = section.replicates.get(*name).copied().unwrap_or_default();
            let values = different.iter().map(|key| cell(keys.get(key).map_or(NOTHING, String::as_str)));
            let counts = [ran, diverged].map(|count| cell(&count.to_string()));
            (cell(name), values.chain(counts).collect())
        })
        .collect();
    let mut columns: Vec<Column> = vec![("experiment", false)];
    columns.extend(different.iter().map(|key| (*key, true)));
    columns.extend([("replicates", true), ("diverged", true)]);
    let id = format!("parameters-{}", section.stage.name);
    html! {
        details {
            summary { "Parameters of " (count(experiments.len(), "experiment")) }
            dl {
                @for key in shared {
                    @if let Some(value) = values(key).into_iter().flatten().next() { div { dt { (key) } dd { (value) } } }
                }
            }
            (plain_table(&id, &format!("Experiments of {}", section.stage.name), &columns, &rows))
        }
    }
}

/// How long it took, in words.
fn time(seconds: Seconds) -> String {
    format!(
        "{} on one thread for all replicates and spectra behind it, which other stages may share; {} for tables, {} for \
         claims and figures",
        duration(seconds.simulation),
        duration(seconds.tables),
        duration(seconds.figures)
    )
}

/// What made it: seed, digests, machine, files.
pub fn made(report: &Report, section: &Section, place: Place) -> Markup {
    let said = |name: &str| section.provenance.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    html! {
        details {
            summary { "Seed, digests, machine and tables" }
            dl {
                div { dt { "root seed" } dd { (report.settings.seed) } }
                div { dt { "recipe" } dd { code { (section.recipe) } } }
                @match section.origin {
                    Origin::Computed => {
                        div {
                            dt { "time" }
                            dd { @if let Some(seconds) = section.seconds { (time(seconds)) } @else { "not recorded" } }
                        }
                        @if let Some(commit) = &section.drawn {
                            div { dt { "figures drawn at commit" } dd { (commit) } }
                        }
                        @for (name, words) in PROVENANCE {
                            div { dt { (words) } dd { @if let Some(value) = said(name) { (shown(name, value)) } @else { "not recorded" } } }
                        }
                    }
                    Origin::Committed { .. } => {
                        div { dt { "machine, commit, time" } dd { "not recorded with committed values" } }
                    }
                    Origin::Nothing => {}
                }
            }
            @if !section.tables.is_empty() { (files(section, place)) }
        }
    }
}

fn files(section: &Section, place: Place) -> Markup {
    let id = format!("files-{}", section.stage.name);
    let name = section.stage.name;
    let digest = |digest: &str| html! { code { (digest) } };
    let tables = section.tables.iter().map(|table| (&table.file, table.rows.to_string()));
    let drawn = section.figures.iter().flat_map(|card| &card.files);
    let rows: Vec<(Markup, Vec<Markup>)> = tables
        .chain(drawn.map(|(_, file)| (file, NOTHING.to_owned())))
        .map(|(file, rows)| {
            let words = match place {
                Place::Alone => &file.shown,
                Place::Bundle => &file.bundled,
            };
            (link(place, &file.bundled, &html! { (words) }), vec![html! { (rows) }, digest(&file.digest)])
        })
        .collect();
    let seen = match place {
        Place::Alone => "paths are those from the folder that the report was written to",
        Place::Bundle => "all of them lie beside this page",
    };
    let caption = format!("Tables and figures of {name}, with the SHA-256 of values and of files; {seen}");
    plain_table(&id, &caption, &[("file", false), ("rows", true), ("digest", false)], &rows)
}

/// The commands that compute the stage again, and that let someone else recompute its spectra.
pub fn commands(report: &Report, section: &Section) -> Markup {
    let (name, options) = (section.stage.name, &report.options);
    let committed = is_standard(&report.settings);
    let exported = StagePlan::new(section.stage, &report.settings).ok().and_then(|plan| {
        let sgd = |request: &&crate::stage::request::Request| request.experiment.simulator == Simulator::Sgd;
        plan.requests.iter().find(sgd).map(|request| request.experiment.name.clone())
    });
    html! {
        details {
            summary { "How to recompute" }
            p { "The stage, with all that it needs:" }
            pre { code { "spectral-alignment run " (name) (options) } }
            p { "The same from nothing, compared with what is in the cache:" }
            pre { code { "spectral-alignment run " (name) " --force" (options) } }
            @if committed {
                p { "From nothing, compared with what is committed, number by number:" }
                pre { code { "spectral-alignment verify " (name) (options) } }
            }
            @if let Some(experiment) = exported {
                @let out = quoted(&format!("/tmp/{experiment}"));
                p { "One checkpoint, recomputed from the definitions in NumPy:" }
                pre {
                    code {
                        "spectral-alignment export " (experiment) " --replicate 0 --checkpoint last --out " (out) (options) "\n"
                        "python3 scripts/recompute.py " (out)
                    }
                }
            }
        }
    }
}
