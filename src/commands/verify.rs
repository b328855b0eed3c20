//! `verify`.

use crate::cli::Shared;
use crate::commands::{Stages, named, print_json, print_line, threads};
use crate::error::{Error, Result};
use crate::published::Figures;
use crate::published::verify::{Row, Verdict, VerifyOptions, verify};
use serde_json::json;
use std::process::ExitCode;

/// `verify`.
///
/// # Errors
/// Settings that nothing committed has; a lock that cannot be read; a computation that fails.
pub fn check(
    all: &Stages,
    names: &[String],
    shared: &Shared,
    jobs: Option<u16>,
    (as_json, twice): (bool, bool),
) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let stages = named(all, names)?;
    let jobs = threads(jobs)?;
    let scratch = tempfile::Builder::new()
        .prefix("spectral-alignment-verify-")
        .tempdir()
        .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
    let figures = Figures::at(&shared.figures);
    let (settings, scratch) = (&settings, scratch.path());
    let rows =
        verify(VerifyOptions { all, stages: &stages, settings, figures: &figures, scratch, jobs, twice })?;
    let bad = rows.iter().any(|row| row.verdict.is_bad());
    if as_json {
        let rows: Vec<_> = rows.iter().map(object).collect();
        print_json(&rows)?;
    } else {
        print(&rows)?;
    }
    Ok(if bad { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn object(row: &Row) -> serde_json::Value {
    json!({ "stage": row.stage, "profile": row.profile, "check": row.check, "what": row.what, "name": row.name,
            "verdict": row.verdict.word(), "detail": row.detail })
}

/// One line per stage and check, then those rows that are not identical; columns stand for their tables.
fn print(rows: &[Row]) -> Result<()> {
    for group in rows.chunk_by(|a, b| (&a.stage, a.check) == (&b.stage, b.check)) {
        let Some(first) = group.first() else { continue };
        let worst = group.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Identical);
        print_line(&format!("{} ({}, {}): {}", first.stage, first.profile, first.check, worst.word()))?;
        let columns = |row: &Row| {
            group
                .iter()
                .any(|other| other.what == "column" && other.name.starts_with(&format!("{}.", row.name)))
        };
        for row in group.iter().filter(|row| row.verdict != Verdict::Identical) {
            if row.what == "table" && columns(row) {
                continue;
            }
            let detail = row.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
            print_line(&format!("    {:16} {} {}{detail}", row.verdict.word(), row.what, row.name))?;
        }
    }
    let count = |verdict: Verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let verdicts = [Verdict::Identical, Verdict::Within, Verdict::Different, Verdict::Nondeterministic];
    let parts: Vec<String> =
        verdicts.iter().map(|verdict| format!("{} {}", count(*verdict), verdict.word())).collect();
    print_line(&parts.join(", "))
}
