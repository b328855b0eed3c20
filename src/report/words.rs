//! Numbers, formulas, names and commands as text.

use crate::pipeline::project;
use crate::stage::Settings;
use crate::stage::claim::{Bound, Relation};
use maud::{Markup, html};
use std::cmp::Ordering;
use std::path::Path;

/// The power of ten of the first digit.
fn exponent(value: f64) -> i32 {
    let text = format!("{value:e}");
    text.rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn signed(text: &str) -> String {
    text.replace('-', "−")
}

/// A number with at most this many significant digits.
pub fn significant(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    let Some((mantissa, power)) = text.rsplit_once('e') else { return signed(&text) };
    let power: i32 = power.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        let cut = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        cut.to_owned()
    };
    if value == 0.0 {
        return "0".to_owned();
    }
    if (-3..6).contains(&power) {
        let whole = usize::try_from(power).unwrap_or(0);
        let zeros = usize::try_from(-power).unwrap_or(0);
        let decimals = (digits + zeros).saturating_sub(whole + 1);
        return signed(&trimmed(&format!("{value:.decimals$}")));
    }
    format!("{} × 10{}", signed(&trimmed(mantissa)), raised(&power.to_string()))
}

/// Digits as superscripts.
fn raised(text: &str) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |letter: char| letter.to_digit(10).and_then(|digit| DIGITS.get(digit as usize)).copied();
    text.chars().map(|letter| digit(letter).unwrap_or('⁻')).collect()
}

/// A mean and the ends of its interval, with as many decimals as the interval's width makes meaningful.
pub fn estimate(measured: f64, low: f64, high: f64) -> [String; 3] {
    let half = (high - low) / 2.0;
    let largest = measured.abs().max(low.abs()).max(high.abs());
    let all = [measured, low, high];
    if half <= 1e-9 * largest || !(1e-3..1e6).contains(&largest) {
        return all.map(|value| significant(value, 4));
    }
    let decimals = usize::try_from(1 - exponent(half)).unwrap_or(0).min(7);
    all.map(|value| {
        let text = format!("{value:.decimals$}");
        let zero = text.trim_start_matches('-').chars().all(|letter| letter == '0' || letter == '.');
        if zero { format!("{:.decimals$}", 0.0) } else { signed(&text) }
    })
}

/// A share in per cent.
pub(crate) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value.abs() >= 1000.0 {
        return format!("{} times", significant(share, 2));
    }
    let decimals = usize::from(value.abs() < 9.95);
    let text = format!("{value:.decimals$}");
    format!("{} %", signed(if text == "-0.0" { "0.0" } else { &text }))
}

/// The condition that the interval must meet.
pub(crate) fn condition(relation: Relation, bound: Bound) -> String {
    match (relation, bound) {
        (Relation::AtMost, Bound::Number(bound)) => format!("≤ {}", significant(bound, 4)),
        (Relation::AtLeast, Bound::Number(bound)) => format!("≥ {}", significant(bound, 4)),
        (_, Bound::Pair([low, high])) => format!("in [{}, {}]", significant(low, 4), significant(high, 4)),
        (Relation::In, Bound::Number(bound)) => format!("is {}", significant(bound, 4)),
    }
}

const LETTERS: [(&str, &str); 9] = [
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("beta", "β"),
    ("epsilon", "ε"),
    ("delta", "δ"),
    ("phi", "φ"),
    ("rho", "ρ"),
    ("sqrt", "√"),
];

/// Plain text with names of Greek letters and operators replaced by symbols.
pub(crate) fn greek(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.replace(">=", "≥").replace("<=", "≤").replace(" - ", " − ").chars().chain(['\0'])
    {
        if letter.is_ascii_alphabetic() {
            word.push(letter);
            continue;
        }
        let known = LETTERS.iter().find(|(name, _)| *name == word);
        out.push_str(known.map_or(word.as_str(), |(_, letter)| letter));
        word.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

/// Plain text in which words between backticks are commands.
pub(crate) fn prose(text: &str) -> Markup {
    html! { @for (index, part) in text.split('`').enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// Plain text with symbols for names of Greek letters and operators, and with raised and lowered indices: after `^` or `_`, what stands in brackets, a number, some small letters or
/// one capital.
pub fn formula(text: &str) -> Markup {
    indices(&greek(text))
}

fn indices(text: &str) -> Markup {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|tail| tail.find(['^', '_'])).map(|at| at + from) {
        let after = &rest[at + 1..];
        let length = index_length(after);
        // An index needs something to stand at, if only another index.
        if (at == 0 && parts.is_empty()) || length == 0 {
            from = at + 1;
            continue;
        }
        let inner = after[..length].trim_start_matches(['{', '(']).trim_end_matches('}');
        let inner = if after.starts_with('(') { inner.strip_suffix(')').unwrap_or(inner) } else { inner };
        let inner = indices(&inner.replace('-', "−"));
        let before = &rest[..at];
        parts.push(if rest.as_bytes().get(at) == Some(&b'^') {
            html! { (before) sup { (inner) } }
        } else {
            html! { (before) sub { (inner) } }
        });
        rest = &after[length..];
        from = 0;
    }
    html! { @for part in &parts { (part) } (rest) }
}

/// How many bytes at the start of `text` are an index.
fn index_length(text: &str) -> usize {
    let run = |text: &str, of: &dyn Fn(char) -> bool| text.find(|letter| !of(letter)).unwrap_or(text.len());
    let digits = |text: &str| run(text, &|letter| letter.is_ascii_digit());
    let Some(first) = text.chars().next() else { return 0 };
    match first {
        '{' => text.find('}').map_or(0, |end| end + 1),
        '(' => text.find(')').map_or(0, |end| end + 1),
        '-' | '−' => {
            let sign = first.len_utf8();
            let whole = digits(&text[sign..]);
            let rest = &text[sign + whole..];
            let below = rest.strip_prefix('/').map_or(0, digits);
            if whole == 0 { 0 } else { sign + whole + if below > 0 { below + 1 } else { 0 } }
        }
        _ if first.is_ascii_digit() => digits(text),
        _ if first.is_lowercase() => run(text, &char::is_lowercase),
        _ if first.is_uppercase() => first.len_utf8(),
        _ => 0,
    }
}

/// The parts of a name: text, and the number after it, where `0p8` is 0.8.
fn numbered(name: &str) -> Vec<(&str, f64)> {
    let digit = |letter: char| letter.is_ascii_digit();
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(at) = rest.find(digit) {
        let (text, from) = rest.split_at(at);
        let whole = from.len() - from.trim_start_matches(digit).len();
        let below = from[whole..].strip_prefix('p').map_or(0, |tail| {
            let digits = tail.len() - tail.trim_start_matches(digit).len();
            if digits == 0 { 0 } else { digits + 1 }
        });
        let (number, after) = from.split_at(whole + below);
        parts.push((text, number.replace('p', ".").parse().unwrap_or(f64::INFINITY)));
        rest = after;
    }
    parts.push((rest, f64::NEG_INFINITY));
    parts
}

/// The order of names in which their numbers count by size: `d200` stands before `d1000`, `lambda-0p8` before `lambda-1`.
pub fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (numbered(a), numbered(b));
    let parts = a.iter().zip(&b).map(|(a, b)| a.0.cmp(b.0).then(a.1.total_cmp(&b.1)));
    parts.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
}

/// A number with what it counts.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A time in words.
pub fn duration(seconds: f64) -> String {
    let (number, unit) = if seconds < 120.0 { (seconds, "second") } else { (seconds / 60.0, "minute") };
    let number = significant(number, 2);
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// The options that give these settings and folders on the command line, each with a space before it.
pub fn options(settings: &Settings, data: &Path, figures: &Path) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: &str| {
        text = format!("{text} --{name} {}", quoted(value));
    };
    if settings.profile != crate::stage::Profile::Paper {
        add("profile", settings.profile.word());
    }
    if settings.seed != crate::published::DEFAULT_SEED {
        add("seed", &settings.seed.to_string());
    }
    for change in &settings.overrides {
        add("set", &format!("{}.{}={}", change.experiment, change.key, change.value));
    }
    // What is a default anywhere in the clone is no option.
    let here = std::env::current_dir().ok();
    let root = here.as_deref().and_then(project::above);
    for (name, folder) in [("data", data), ("figures", figures)] {
        if folder != Path::new(name) && root.is_none_or(|root| folder != root.join(name)) {
            add(name, &folder.to_string_lossy());
        }
    }
    text
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=+,:@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
