//! What commands share: stages by name, the store, and lines on standard output.

use crate::cli::Shared;
use crate::error::{Error, Result, plain, say};
use crate::stage::Stage;
use crate::stage::claim::{Bound, Claim};
use crate::stages::STAGES;
use crate::store::{Access, Store};
use std::io::Write;

/// Prints a line. A reader that has gone away, as in `… | head`, is no error.
pub(crate) fn print_line(line: &str) -> Result<()> {
    write(&plain(line))
}

fn write(line: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Prints rows as one JSON array.
pub(crate) fn print_json(rows: impl IntoIterator<Item = serde_json::Value>) -> Result<()> {
    write(&format!("{:#}", serde_json::Value::Array(rows.into_iter().collect())))
}

/// The stages with these names, in the order of the list; where none is named, all that are not on request.
pub fn named(names: &[String]) -> Result<Vec<&'static Stage>> {
    let known: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::unknown("stage", name, &known));
    }
    let wanted = |stage: &&Stage| {
        if names.is_empty() { !stage.on_request } else { names.iter().any(|name| name == stage.name) }
    };
    Ok(STAGES.iter().copied().filter(wanted).collect())
}

/// The store of a command: what was found damaged in it is named at the end, however the command ends.
pub struct OpenStore(Store);

impl std::ops::Deref for OpenStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        for problem in self.0.take_problems() {
            say(&format!("damaged: {problem}"));
        }
    }
}

/// Opens the store in the folder of the cache.
pub fn open(shared: &Shared, access: Access) -> Result<OpenStore> {
    Store::open(&shared.data, access, say).map(OpenStore)
}

/// A number with four decimals, or four digits where that would hide it.
fn brief(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1e-3 { format!("{value:.4}") } else { format!("{value:.3e}") }
}

/// One claim on one line.
pub(crate) fn claim_line(claim: &Claim) -> String {
    let relation = claim.relation.sign();
    let bound = match claim.bound {
        Bound::Number(bound) => brief(bound),
        Bound::Pair([low, high]) => format!("[{}, {}]", brief(low), brief(high)),
    };
    let measured = match (claim.measured, claim.low, claim.high) {
        (Some(measured), Some(low), Some(high)) => {
            format!("{} [{}, {}] {relation} {bound}", brief(measured), brief(low), brief(high))
        }
        _ => String::new(),
    };
    let reason = claim.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{:8} {:24} {measured} {}{reason}", claim.verdict.word(), claim.id, claim.statement)
}
