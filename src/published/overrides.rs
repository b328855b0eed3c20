//! Changed parameters: read from a file, written beside the results, stated in the claims.

use crate::error::{Error, Result};
use crate::pipeline::plan::StagePlan;
use crate::stage::claim::Claim;
use crate::stage::{Override, Settings};
use crate::store::read_file;
use std::fmt::Write;
use std::path::Path;

/// Most bytes of such a file.
const LIMIT: u64 = 1 << 20;

/// Reads a TOML file with one table per experiment or family: `[gmm]` with lines like `lambda = 10`, `[gmm-snr]` with lines like
/// `lambda = [1, 10, 100]`.
///
/// # Errors
/// A file that cannot be read, is not TOML, or has anything but numbers in tables.
pub fn read(path: &Path) -> Result<Vec<Override>> {
    let text = String::from_utf8(read_file(path, LIMIT)?)
        .map_err(|_| Error::Usage(format!("--overrides {}: is not UTF-8 text", path.display())))?;
    parse(&text).map_err(|problem| Error::Usage(format!("--overrides {}: {problem}", path.display())))
}

/// The overrides in the text of such a file; the problem in words if it is malformed.
///
/// # Errors
/// As for [`read`].
pub fn parse(text: &str) -> std::result::Result<Vec<Override>, String> {
    let document: toml::Table =
        toml::from_str(text).map_err(|error| error.to_string().trim().replace('\n', " "))?;
    let mut overrides = Vec::new();
    for (experiment, keys) in document {
        let toml::Value::Table(keys) = keys else {
            return Err(format!(
                "`{experiment}` stands outside a table; write the experiment's name above it, as in [gmm]"
            ));
        };
        for (key, value) in keys {
            let several = match &value {
                toml::Value::Array(values) if values.len() > 1 => values.iter().map(written).collect(),
                one => written(one).map(|value| vec![value]),
            };
            let value = several
                .map_err(|kind| {
                    format!("{experiment}.{key}: must be a number, as in {key} = 10, not a {kind}")
                })?
                .join(",");
            overrides.push(Override { experiment: experiment.clone(), key, value });
        }
    }
    Ok(overrides)
}

/// A number as `--set` takes it; its type, if it is not a number.
fn written(value: &toml::Value) -> std::result::Result<String, &'static str> {
    match value {
        toml::Value::Integer(value) => Ok(value.to_string()),
        toml::Value::Float(value) => Ok(format!("{value:?}")),
        other => Err(other.type_str()),
    }
}

/// Overrides as the text of such a file.
#[must_use]
pub fn toml(overrides: &[Override]) -> String {
    let mut text = String::from("# What was changed; `--overrides` reads this file.\n");
    let mut table = "";
    for change in overrides {
        if change.experiment != table {
            table = &change.experiment;
            let _ = write!(text, "\n[{}]\n", quoted(table));
        }
        let _ = writeln!(text, "{} = {}", quoted(&change.key), number(&change.value));
    }
    text
}

fn quoted(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { text(name) }
}

/// A TOML string: JSON escapes the same characters in the same way.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A value of `--set` as TOML writes it, several values as an array.
fn number(value: &str) -> String {
    if value.contains(',') {
        return format!("[{}]", value.split(',').map(number).collect::<Vec<_>>().join(", "));
    }
    match (value.trim().parse::<i64>(), value.trim().parse::<f64>()) {
        (Ok(whole), _) => whole.to_string(),
        (_, Ok(real)) => format!("{real:?}").to_lowercase(),
        _ => text(value),
    }
}

/// Later overrides replace earlier ones of the same key; sorted, so that their order does not count.
pub fn resolve(overrides: &mut Vec<Override>) {
    overrides.reverse();
    overrides.sort_by(|a, b| (&a.experiment, &a.key).cmp(&(&b.experiment, &b.key)));
    overrides.dedup_by(|later, first| later.experiment == first.experiment && later.key == first.key);
}

/// The overrides that reach a stage, as on the command line.
#[must_use]
pub fn of_stage(plan: &StagePlan, settings: &Settings) -> Vec<String> {
    let experiments = plan.experiments();
    let reaches =
        |change: &&Override| experiments.values().any(|experiment| experiment.is_called(&change.experiment));
    let reaching = settings.overrides.iter().filter(reaches);
    reaching.map(|change| format!("{}.{}={}", change.experiment, change.key, change.value)).collect()
}

/// Notes in the claims of a stage with which overrides they were measured.
pub(crate) fn note_in(claims: &mut [Claim], plan: &StagePlan, settings: &Settings) {
    let changes = of_stage(plan, settings);
    if changes.is_empty() {
        return;
    }
    let said = format!("with {}", changes.join(", "));
    for claim in claims {
        claim.note(&said);
    }
}
