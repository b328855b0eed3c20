//! Commands that compute or write: `run`, `contact-sheet`, `new`.

use crate::cli::shared::Shared;
use crate::cli::{NewArgs, RemoveArgs, RunArgs};
use crate::commands::claim_list::print_claims;
use crate::commands::console::{named, open, plans_of, print_line};
use crate::commands::inspect::print_units;
use crate::commands::interrupt::{KEPT, explain_interrupts};
use crate::commands::report::write_page;
use crate::commands::slices::run_one;
use crate::commands::sweep::sweep;
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::project::around;
use crate::pipeline::run::{Done, RunOptions, run, run_in_turn};
use crate::pipeline::slices::await_published;
use crate::pipeline::units::missing;
use crate::plot::contact_sheet::contact_sheet;
use crate::plot::png::{PRINT, png};
use crate::published::Figures;
use crate::published::overrides;
use crate::published::publish::{drop_gone, publish, record};
use crate::scaffold::{remove, scaffold};
use crate::stage::{Profile, Settings};
use crate::stages::STAGES;
use crate::store::{Access, Store};
use std::process::ExitCode;

/// `run`.
pub(crate) fn run_stages(args: &RunArgs) -> Result<ExitCode> {
    if args.json && !args.dry_run && args.sweep.is_empty() {
        return Err(Error::Usage("--json of `run` goes with --dry-run or --sweep".to_owned()));
    }
    if !args.sweep.is_empty() {
        return sweep(args);
    }
    if let Some(slice) = args.slice {
        return run_one(args, slice);
    }
    let settings = args.shared.settings()?;
    let stages = named(&args.stages)?;
    let options = RunOptions { jobs: args.threads.number()?, force: args.force };
    let plans = plans_of(&stages, &settings)?;
    if args.dry_run {
        let store = open(&args.shared, Access::Read)?;
        let context = RunContext::new(&store, &settings)?;
        return print_units(&context, &plans, &missing(&context, &plans)?, args.json);
    }
    let figures = Figures::at(&args.shared.figures()?);
    let store = open(&args.shared, Access::Write)?;
    explain_interrupts(KEPT)?;
    // Before anything is computed that could not be published.
    figures.lock()?;
    if args.merge {
        await_published(&RunContext::new(&store, &settings)?, &plans)?;
    }
    let (folder, mut changed) = (figures.folder(&settings), Vec::new());
    let done = run_in_turn(&stages, STAGES, &store, &settings, options, |done| {
        let _alone = figures.alone()?;
        changed.extend(publish(&figures, &store, &settings, done)?);
        Ok(())
    })?;
    if args.png {
        write_images(&store, &figures, &settings, &done)?;
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
        let mut claims = stage.verdicts(&store, &settings)?.to_vec();
        overrides::note_in(&mut claims, &stage.plan, &settings);
        print_claims(&claims.iter().collect::<Vec<_>>(), 4)?;
    }
    drop(store);
    if args.report { write_page(&args.shared) } else { Ok(ExitCode::SUCCESS) }
}

/// Writes the figures of stages as PNG images.
fn write_images(store: &Store, figures: &Figures, settings: &Settings, done: &[Done]) -> Result<()> {
    for stage in done {
        for entry in &stage.figures.blobs {
            let Some(name) = entry.name.strip_suffix(".svg") else { continue };
            let lost = || Error::Lost { what: entry.name.clone() };
            let svg = store.blob(&stage.figures, &entry.name)?.ok_or_else(lost)?;
            write_image(figures, &Figures::below(settings), name, &svg, PRINT)?;
        }
    }
    Ok(())
}

/// Writes a figure as a PNG image with this many dots per inch, to png/ in a folder below that of the figures.
pub(crate) fn write_image(figures: &Figures, below: &str, name: &str, svg: &[u8], dots: u16) -> Result<()> {
    let image = png(&String::from_utf8_lossy(svg), dots)
        .map_err(|error| Error::Figure { figure: name.to_owned(), problem: error.to_string() })?;
    let file = format!("{below}png/{name}.png");
    figures.update(&file, &image)?;
    print_line(&figures.root().join(file).display().to_string())
}

/// `contact-sheet`.
pub(crate) fn write_contact_sheet(shared: &Shared) -> Result<ExitCode> {
    let settings = shared.settings()?;
    let figures = Figures::at(&shared.figures()?);
    let folder = figures.folder(&settings);
    let drawn = |name: &&str| folder.join(format!("{name}.svg")).exists();
    let names: Vec<&str> = STAGES.iter().flat_map(|stage| stage.figures).copied().filter(drawn).collect();
    if names.is_empty() {
        return Err(Error::Absent {
            what: format!("there are no figures in {}", folder.display()),
            remedy: "`spectral-alignment run` draws them".to_owned(),
        });
    }
    let file = format!("{}contact-sheet.html", Figures::below(&settings));
    let _alone = figures.alone()?;
    figures.update(&file, contact_sheet(&names).as_bytes())?;
    print_line(&figures.root().join(file).display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// `new`.
pub(crate) fn new_stage(args: &NewArgs) -> Result<ExitCode> {
    let name = &args.name;
    let root = args.root.clone().map_or_else(|| around("name it with --root"), Ok)?;
    let from = match &args.from {
        Some(from) => named(std::slice::from_ref(from))?.first().copied(),
        None => None,
    };
    for path in scaffold(&root, name, from, STAGES)? {
        print_line(&format!("wrote {}", path.display()))?;
    }
    let test = name.replace('-', "_");
    print_line(&format!(
        "next: `just figure {name} --profile quick`, `just test {test}`; docs/new-experiment.md"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// `remove`.
pub(crate) fn remove_stage(args: &RemoveArgs) -> Result<ExitCode> {
    let root = args.root.clone().map_or_else(|| around("name it with --root"), Ok)?;
    for path in remove(&root, &args.name, STAGES)? {
        let done = if path.exists() { "changed" } else { "removed" };
        print_line(&format!("{done} {}", path.display()))?;
    }
    print_line("what it computed is dropped by `gc`, what it published by the next full `run`")?;
    Ok(ExitCode::SUCCESS)
}
