//! `verify`.

use crate::cli::VerifyArgs;
use crate::commands::console::{named, print_json, print_line};
use crate::commands::interrupt::explain_interrupts;
use crate::error::Result;
use crate::pipeline::plan::plan_all;
use crate::published::Figures;
use crate::published::verify::{Row, Verdict, VerifyOptions, verify};
use crate::stages::STAGES;
use crate::store::Scratch;
use serde_json::json;
use std::process::ExitCode;

/// `verify`.
pub fn check(args: &VerifyArgs) -> Result<ExitCode> {
    let (stages, settings) = (named(&args.stages)?, args.print.shared.settings()?);
    let (figures, jobs) = (Figures::at(&args.print.shared.figures()?), args.threads.number()?);
    plan_all(STAGES, &settings)?;
    explain_interrupts(
        "interrupted: nothing was changed, and nothing is kept; the next `verify` starts anew",
    )?;
    let scratch = Scratch::new("spectral-alignment-verify-")?;
    let rows = verify(VerifyOptions {
        all: STAGES,
        stages: &stages,
        settings: &settings,
        figures: &figures,
        scratch: scratch.path(),
        jobs,
        twice: args.twice,
    })?;
    if args.print.json {
        print_json(rows.iter().map(object))?;
    } else {
        print(&rows)?;
    }
    Ok(if rows.iter().any(|row| row.verdict.is_bad()) { ExitCode::from(1) } else { ExitCode::SUCCESS })
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
