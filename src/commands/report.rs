//! `report`.

use crate::cli::ReportArgs;
use crate::cli::shared::Shared;
use crate::cli::values::all_processors;
use crate::commands::console::{open, print_line};
use crate::error::Result;
use crate::pipeline::plan::plan_all;
use crate::pipeline::provenance::set_threads;
use crate::published::Figures;
use crate::report::{Place, Report, bundle, gather, page};
use crate::stages::STAGES;
use crate::store::Access;
use std::path::Path;
use std::process::ExitCode;

/// `report`.
pub(crate) fn report(args: &ReportArgs) -> Result<ExitCode> {
    set_threads(all_processors());
    args.bundle.as_deref().map_or_else(|| write_page(&args.shared), |out| write_bundle(&args.shared, out))
}

/// Writes the page beside the figures.
pub(crate) fn write_page(shared: &Shared) -> Result<ExitCode> {
    let report = gathered(shared)?;
    let figures = Figures::at(&shared.figures()?);
    let file = format!("{}report.html", Figures::below(&report.settings));
    let _alone = figures.alone()?;
    figures.update(&file, page(&report, Place::Alone).as_bytes())?;
    print_line(&format!("{}: {}", figures.root().join(file).display(), report.summary()))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page with all its files.
fn write_bundle(shared: &Shared, out: &Path) -> Result<ExitCode> {
    let report = gathered(shared)?;
    let files = bundle(&report, out)?;
    let page = out.join("index.html");
    print_line(&format!("{}: {}; {files} files in all", page.display(), report.summary()))?;
    Ok(ExitCode::SUCCESS)
}

fn gathered(shared: &Shared) -> Result<Report> {
    let settings = shared.settings()?;
    let plans = plan_all(STAGES, &settings)?;
    let (data, folder) = (shared.data()?, shared.figures()?);
    let store = open(shared, Access::Read)?;
    gather(&plans, &store, &settings, (&data, &folder))
}
