//! `numbers.tex` and `captions.tex`: a line for each claim, experiment and figure of a lock, and the macros that look them up.

use crate::digest::{Value, sha256};
use crate::published::latex::decimal::{Printed, exact, printed, rounded};
use crate::published::latex::prose::prose;
use crate::published::lockfile::{LockEntry, LockFile};
use crate::stage::Profile;
use crate::stage::claim::{Bound, Claim, Relation, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const SHARED: &str = include_str!("shared.tex");
const NUMBERS: &str = include_str!("numbers.tex");
const CAPTIONS: &str = include_str!("captions.tex");

/// What a claim lacks.
const NONE: &str = "\\mbox{--}";

/// The files for LaTeX that go with a lock, given how committed files are read; a caption that is not the one of the lock is left out.
pub fn files(lock: &LockFile, read: impl Fn(&str) -> Option<Vec<u8>>) -> BTreeMap<&'static str, Vec<u8>> {
    let captions = captions(lock, read).into_bytes();
    BTreeMap::from([("numbers.tex", numbers(lock).into_bytes()), ("captions.tex", captions)])
}

/// The entries at full size.
fn entries(lock: &LockFile) -> impl Iterator<Item = &LockEntry> {
    lock.stages.values().filter_map(|profiles| profiles.get(Profile::Paper.word()))
}

/// A name that TeX reads letter by letter: other letters than those of our names as hexadecimal digits.
fn name(text: &str) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "={byte:02X}");
        }
    }
    if name.is_empty() { "=".to_owned() } else { name }
}

fn head(lock: &LockFile, what: &str) -> String {
    format!(
        "% {what}: written from figures.lock by `spectral-alignment run`, not by hand.\n\
         % Edition {} of the declarations of claims, digest {}.\n{SHARED}",
        lock.edition,
        name(&lock.declarations)
    )
}

fn numbers(lock: &LockFile) -> String {
    let mut tex = head(lock, "Claims and parameters") + NUMBERS;
    let claims: Vec<&Claim> = entries(lock).flat_map(|entry| &entry.claims).collect();
    let count = |verdict: Verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
    let mut counts = format!("{{claims}}{{{}}}", claims.len());
    for verdict in Verdict::ALL {
        let _ = write!(counts, "{{{}}}{{{}}}", verdict.word(), count(verdict));
    }
    let _ = writeln!(tex, "\\SA@entry{{count}}{{{counts}}}");
    let _ = writeln!(tex, "\\SA@entry{{lock}}{{{{edition}}{{{}}}}}", lock.edition);
    for claim in claims {
        tex.push_str(&of_claim(claim));
    }
    let mut experiments: BTreeMap<&str, &Value> = BTreeMap::new();
    experiments
        .extend(entries(lock).flat_map(|entry| &entry.parameters).map(|(name, all)| (name.as_str(), all)));
    for (experiment, parameters) in experiments {
        let Value::Map(mut parameters) = parameters.clone() else { continue };
        if let Some(Value::List(classes)) = parameters.get("probabilities") {
            let classes = Value::from(classes.len());
            parameters.entry("k".to_owned()).or_insert(classes);
        }
        let pairs = parameters.iter().map(|(key, value)| format!("{{{}}}{{{}}}", name(key), of_value(value)));
        let all: Vec<String> = pairs.collect();
        let _ = writeln!(tex, "\\SA@entry{{parameter/{}}}{{{}}}", name(experiment), all.concat());
    }
    tex + "\\endgroup\n"
}

fn of_claim(claim: &Claim) -> String {
    let Printed { value, estimate, interval } = match (claim.measured, claim.low, claim.high) {
        (Some(middle), Some(low), Some(high)) => printed(middle, low, high),
        (middle, ..) => {
            let middle = middle.map_or(NONE.to_owned(), rounded);
            Printed { value: middle.clone(), estimate: middle, interval: NONE.to_owned() }
        }
    };
    let bound = match (claim.relation, claim.bound) {
        (Relation::AtMost, Bound::Number(bound)) => format!("\\le {}", rounded(bound)),
        (Relation::AtLeast, Bound::Number(bound)) => format!("\\ge {}", rounded(bound)),
        (Relation::In, Bound::Number(bound)) => format!("= {}", rounded(bound)),
        (_, Bound::Pair([low, high])) => format!("\\in [{}, {}]", rounded(low), rounded(high)),
    };
    let fields = [
        ("value", value),
        ("estimate", estimate),
        ("interval", interval),
        ("level", exact(claim.level)),
        ("bound", bound),
        ("predicted", claim.predicted.map_or(NONE.to_owned(), rounded)),
        ("verdict", claim.verdict.word().to_owned()),
        ("replicates", claim.replicates.to_string()),
        ("statement", prose(&claim.statement)),
        ("statistic", prose(&claim.statistic)),
    ];
    let all = fields.map(|(field, tex)| format!("  {{{field}}}{{{tex}}}\n")).concat();
    format!("\\SA@entry{{claim/{}}}{{\n{all}}}\n", name(&claim.id))
}

/// A parameter with all its digits.
fn of_value(value: &Value) -> String {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = |tex: String| if plain(&tex) { tex } else { format!("\\ensuremath{{{tex}}}") };
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Text(text) => prose(text),
        Value::Integer(whole) => number(whole.to_string()),
        Value::Float(value) => number(exact(*value)),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::List(values) if values.is_empty() => "none".to_owned(),
        Value::List(values) => list(
            values
                .iter()
                .map(|value| match value {
                    Value::List(_) | Value::Map(_) => format!("({})", of_value(value)),
                    value => of_value(value),
                })
                .collect(),
        ),
        Value::Map(fields) => {
            list(fields.iter().map(|(key, value)| format!("{}: {}", prose(key), of_value(value))).collect())
        }
    }
}

fn captions(lock: &LockFile, read: impl Fn(&str) -> Option<Vec<u8>>) -> String {
    let mut tex = head(lock, "Captions of the figures") + CAPTIONS;
    let mut seen = BTreeSet::new();
    for (file, digest) in entries(lock).flat_map(|entry| &entry.figures) {
        let Some(figure) = file.strip_suffix(".txt").filter(|figure| seen.insert((*figure).to_owned()))
        else {
            continue;
        };
        let Some(bytes) = read(file).filter(|bytes| sha256(bytes) == *digest) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let (title, body) = text.split_once('\n').unwrap_or((&text, ""));
        let (title, body) = (prose(title), prose(body));
        let _ =
            writeln!(tex, "\\SA@entry{{figure/{}}}{{{{title}}{{{title}}}{{body}}{{{body}}}}}", name(figure));
    }
    tex + "\\endgroup\n"
}
