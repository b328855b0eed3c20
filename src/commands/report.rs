//! `report`.

use crate::cli::Shared;
use crate::commands::{Stages, open, print_line};
use crate::error::Result;
use crate::pipeline::plan::plan_all;
use crate::published::Figures;
use crate::published::publish::update;
use crate::report::{gather, page};
use crate::store::Access;
use std::process::ExitCode;

/// Writes `report.html` beside the figures.
///
/// # Errors
/// Bad parameters; files that cannot be read or written.
pub fn report(all: &Stages, shared: &Shared) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let plans = plan_all(all, &settings)?;
    let store = open(shared, Access::Read)?;
    let report = gather(&plans, &store, &settings, (&shared.data, &shared.figures))?;
    let figures = Figures::at(&shared.figures);
    let path = figures.folder(&settings).join("report.html");
    let _alone = figures.alone()?;
    update(&path, page(&report).as_bytes())?;
    print_line(&format!("{}: {}", path.display(), report.summary()))?;
    Ok(ExitCode::SUCCESS)
}
