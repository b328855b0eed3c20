//! `why`.

use crate::cli::Shared;
use crate::commands::{Stages, named, open, print_json, print_line};
use crate::error::Result;
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::published::Figures;
use crate::published::why::{Change, why};
use crate::store::Access;
use serde_json::json;
use std::process::ExitCode;

/// `why`.
///
/// # Errors
/// Bad parameters; a store or lock that cannot be read.
pub fn explain(all: &Stages, stage: &str, shared: &Shared, as_json: bool) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let stage = named(all, &[stage.to_owned()])?[0];
    plan_all(all, &settings)?;
    let plan = StagePlan::new(stage, &settings)?;
    let store = open(shared, Access::Read)?;
    let answer = why(&RunContext::new(&store, &settings)?, &Figures::at(&shared.figures), &plan)?;
    if as_json {
        let row = |change: Option<&Change>| {
            json!({ "stage": stage.name, "status": answer.status, "against": answer.against,
                    "ingredient": change.map(|change| &change.ingredient),
                    "old": change.and_then(|change| change.old.as_ref()),
                    "new": change.and_then(|change| change.new.as_ref()) })
        };
        let mut rows: Vec<_> = answer.changes.iter().map(|change| row(Some(change))).collect();
        if rows.is_empty() {
            rows.push(row(None));
        }
        print_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    let source = match answer.against {
        "cache" => "against the nearest earlier result in the cache",
        "figures.lock" => "against figures.lock, as nothing is cached",
        _ => "nothing is cached or committed",
    };
    if answer.status == "up to date" {
        print_line(&format!("{}: up to date", stage.name))?;
    } else {
        print_line(&format!("{}: {}; {source}:", stage.name, answer.status))?;
    }
    for change in &answer.changes {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        print_line(&format!("    {}: {} → {}", change.ingredient, side(&change.old), side(&change.new)))?;
    }
    Ok(ExitCode::SUCCESS)
}
