//! What made the results of a stage: parameters, provenance, digests, files, and the commands that make them again.

use crate::digest::Value;
use crate::pipeline::plan::StagePlan;
use crate::problem::experiment::Simulator;
use crate::published::is_standard;
use crate::report::gather::{Origin, Report, Seconds, Section};
use crate::report::words::{quoted, significant};
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
    let id = format!("parameters-{}", section.stage.name);
    let empty = "–".to_owned();
    html! {
        details {
            summary { "Parameters of " (count(experiments.len(), "experiment")) }
            dl {
                @for key in shared {
                    @if let Some(value) = values(key).into_iter().flatten().next() { div { dt { (key) } dd { (value) } } }
                }
            }
            div.wide role="group" tabindex="0" aria-labelledby=(id) {
                table.plain {
                    caption id=(id) { "Experiments of " (section.stage.name) }
                    thead {
                        tr {
                            th scope="col" { "experiment" }
                            @for key in &different { th.number scope="col" { (key) } }
                            th.number scope="col" { "ran" }
                            th.number scope="col" { "diverged" }
                        }
                    }
                    tbody {
                        @for (name, keys) in &experiments {
                            @let (ran, diverged) = section.replicates.get(*name).copied().unwrap_or_default();
                            tr {
                                th scope="row" { (name) }
                                @for key in &different { td.number { (keys.get(key).unwrap_or(&empty)) } }
                                td.number { (ran) }
                                td.number { (diverged) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How long it took, in words.
fn time(seconds: Seconds) -> String {
    let word = |seconds: f64| {
        if seconds < 120.0 {
            format!("{} s", significant(seconds, 2))
        } else {
            format!("{} min", significant(seconds / 60.0, 2))
        }
    };
    format!(
        "{} on one thread for all replicates and spectra behind it, which other stages may share; {} for tables, {} for \
         claims and figures",
        word(seconds.simulation),
        word(seconds.tables),
        word(seconds.figures)
    )
}

/// What made it: seed, digests, machine, files.
pub fn made(report: &Report, section: &Section) -> Markup {
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
            @if !section.tables.is_empty() { (files(section)) }
        }
    }
}

fn files(section: &Section) -> Markup {
    let id = format!("files-{}", section.stage.name);
    html! {
        div.wide role="group" tabindex="0" aria-labelledby=(id) {
            table.plain {
                caption id=(id) { "Tables and figures of " (section.stage.name) ", with the SHA-256 of values and of files" }
                thead {
                    tr {
                        th scope="col" { "file" }
                        th.number scope="col" { "rows" }
                        th scope="col" { "digest" }
                    }
                }
                tbody {
                    @for table in &section.tables {
                        tr {
                            th scope="row" { a href=(table.address) { (table.name) ".parquet" } }
                            td.number { (table.rows) }
                            td { code { (table.values) } }
                        }
                    }
                    @for card in &section.figures {
                        @for (format, address, digest) in &card.files {
                            tr {
                                th scope="row" {
                                    @if let Some(address) = address {
                                        a href=(address) { (card.name) "." (format) }
                                    } @else { (card.name) "." (format) }
                                }
                                td.number { "–" }
                                td { code { (digest) } }
                            }
                        }
                    }
                }
            }
        }
    }
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
