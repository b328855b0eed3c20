//! Commands that compute or write: `run`, `report`, `contact-sheet`, `new`.

use crate::cli::{NewArgs, RunArgs, Shared};
use crate::commands::console::{claim_line, named, open, print_line};
use crate::error::{Error, Result};
use crate::pipeline::plan::plan_all;
use crate::pipeline::run::{Done, RunOptions, run};
use crate::plot::contact_sheet::contact_sheet;
use crate::plot::png::{PRINT, png};
use crate::published::Figures;
use crate::published::publish::{drop_gone, publish, record, update};
use crate::report::{gather, page};
use crate::scaffold::scaffold;
use crate::stage::{Profile, Settings};
use crate::stages::STAGES;
use crate::store::Access;
use std::path::Path;
use std::process::ExitCode;

/// `run`.
pub(crate) fn run_stages(args: &RunArgs) -> Result<ExitCode> {
    let settings = args.shared.settings()?;
    let stages = named(&args.stages)?;
    let options = RunOptions { jobs: args.threads.number()?, force: args.force };
    plan_all(STAGES, &settings)?;
    let store = open(&args.shared, Access::Write)?;
    let figures = Figures::at(&args.shared.figures);
    // Before anything is computed that could not be published.
    figures.lock()?;
    let done = run(&stages, STAGES, &store, &settings, options)?;
    let (folder, changed) = figures.alone().and_then(|_alone| publish(&figures, &store, &settings, &done))?;
    if args.png {
        write_images(&folder, &done)?;
    }
    if Figures::commits(&settings) {
        let quick = Settings { profile: Profile::Quick, ..settings.clone() };
        let done = run(&stages, STAGES, &store, &quick, options)?;
        let _alone = figures.alone()?;
        record(&figures, &store, &quick, &done)?;
        for gone in drop_gone(&figures, STAGES)? {
            print_line(&format!("{gone}: no longer a stage; its figures and values have been removed"))?;
        }
    }
    for stage in &done {
        let name = stage.plan.stage.name;
        let state = if stage.computed { "computed" } else { "up to date" };
        let written = if changed.iter().any(|other| other == name) {
            format!(", written to {}", folder.display())
        } else {
            String::new()
        };
        print_line(&format!("{name}: {state}{written}"))?;
        for claim in figures.claims(&store, &settings, &stage.plan, Some(&stage.figures))? {
            print_line(&format!("    {}", claim_line(&claim)))?;
        }
    }
    drop(store);
    if args.report { report(&args.shared) } else { Ok(ExitCode::SUCCESS) }
}

/// Writes the figures of stages as PNG images, from their SVG files.
fn write_images(folder: &Path, done: &[Done]) -> Result<()> {
    for entry in done.iter().flat_map(|stage| &stage.figures.blobs) {
        let Some(name) = entry.name.strip_suffix(".svg") else { continue };
        let path = folder.join(&entry.name);
        let svg = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let image = png(&svg, PRINT)
            .map_err(|error| Error::Figure { figure: name.to_owned(), problem: error.to_string() })?;
        let image_path = folder.join("png").join(format!("{name}.png"));
        update(&image_path, &image)?;
        print_line(&image_path.display().to_string())?;
    }
    Ok(())
}

/// `report`.
pub fn report(shared: &Shared) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let plans = plan_all(STAGES, &settings)?;
    let store = open(shared, Access::Read)?;
    let report = gather(&plans, &store, &settings, (&shared.data, &shared.figures))?;
    let figures = Figures::at(&shared.figures);
    let path = figures.folder(&settings).join("report.html");
    let _alone = figures.alone()?;
    update(&path, page(&report).as_bytes())?;
    print_line(&format!("{}: {}", path.display(), report.summary()))?;
    Ok(ExitCode::SUCCESS)
}

/// `contact-sheet`.
pub(crate) fn write_contact_sheet(shared: &Shared) -> Result<ExitCode> {
    let figures = Figures::at(&shared.figures);
    let folder = figures.folder(&shared.settings()?);
    let drawn = |name: &&str| folder.join(format!("{name}.svg")).exists();
    let names: Vec<&str> = STAGES.iter().flat_map(|stage| stage.figures).copied().filter(drawn).collect();
    if names.is_empty() {
        return Err(Error::Absent {
            what: format!("there are no figures in {}", folder.display()),
            remedy: "`spectral-alignment run` draws them".to_owned(),
        });
    }
    let path = folder.join("contact-sheet.html");
    let _alone = figures.alone()?;
    update(&path, contact_sheet(&names).as_bytes())?;
    print_line(&path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// `new`.
pub(crate) fn new_stage(args: &NewArgs) -> Result<ExitCode> {
    let name = &args.name;
    for path in scaffold(&args.root, name, STAGES)? {
        print_line(&format!("wrote {}", path.display()))?;
    }
    let test = name.replace('-', "_");
    print_line(&format!(
        "next: `just figure {name} --profile quick`, `just test {test}`; docs/new-experiment.md"
    ))?;
    Ok(ExitCode::SUCCESS)
}
