//! `redraw`: claims and figures anew from tables that are there, in the committed style or in another.

use crate::cli::RedrawArgs;
use crate::cli::values::all_processors;
use crate::commands::console::{named, open, plans_of, print_line};
use crate::commands::run::write_image;
use crate::error::{Error, Result, say};
use crate::pipeline::context::RunContext;
use crate::pipeline::parallel::each;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::{set_threads, threads};
use crate::pipeline::run::{present_in, results};
use crate::published::redraw::{Redrawn, redraw};
use crate::published::style_file::{FILE, NamedStyle, chosen};
use crate::published::variants::in_style;
use crate::published::{Figures, is_standard, overrides, standard};
use crate::stage::{Profile, Settings};
use crate::store::{Access, Blob};
use std::process::ExitCode;

/// `redraw`.
pub(crate) fn redraw_stages(args: &RedrawArgs) -> Result<ExitCode> {
    let settings = args.shared.settings()?;
    let style = chosen(args.style.as_deref(), args.width, args.font_size)?;
    set_threads(all_processors());
    let figures = Figures::at(&args.shared.figures()?);
    match style {
        Some(style) => draw_in(&style, args, &settings, &figures),
        None if is_standard(&settings) => redraw_committed(args, &settings, &figures),
        None => Err(Error::Usage(
            "what is not committed is drawn anew by `run`; `redraw` draws it with --style, --width or --font-size"
                .to_owned(),
        )),
    }
}

/// Redraws what is committed: with the paper profile also the quick one, as `run` does.
fn redraw_committed(args: &RedrawArgs, settings: &Settings, figures: &Figures) -> Result<ExitCode> {
    let stages = named(&args.stages)?;
    let mut code = ExitCode::SUCCESS;
    let profiles: &[Profile] = match settings.profile {
        Profile::Paper => &[Profile::Paper, Profile::Quick],
        Profile::Quick => &[Profile::Quick],
    };
    let _alone = figures.alone()?;
    for profile in profiles {
        let plans = plans_of(&stages, &standard(*profile))?;
        for (plan, redrawn) in plans.iter().zip(redraw(figures, &standard(*profile), &plans)?) {
            let name = plan.stage.name;
            let words = match redrawn {
                Redrawn::Changed => "redrawn".to_owned(),
                Redrawn::UpToDate => "up to date".to_owned(),
                Redrawn::Missing => {
                    code = ExitCode::FAILURE;
                    format!("nothing is committed; `run {name}` computes it")
                }
                Redrawn::Refused(reason) => {
                    code = ExitCode::FAILURE;
                    format!("its tables may be others now, since {reason}; `run {name}` computes them")
                }
            };
            print_line(&format!("{name}, {}: {words}", profile.word()))?;
        }
        if *profile == Profile::Paper && args.png {
            for name in plans.iter().flat_map(|plan| plan.stage.figures) {
                if let Some(svg) = figures.read(&format!("{name}.svg"))? {
                    write_image(figures, "", name, &svg, crate::plot::png::PRINT)?;
                }
            }
        }
    }
    Ok(code)
}

/// Draws stages in a style, into a variant of its own.
fn draw_in(
    style: &NamedStyle,
    args: &RedrawArgs,
    settings: &Settings,
    figures: &Figures,
) -> Result<ExitCode> {
    let plans = plans_of(&named(&args.stages)?, settings)?;
    let store = open(&args.shared, Access::Read)?;
    let context = RunContext::new(&store, settings)?;
    let drawn = each(&plans, threads(), |plan| drawn(style, plan, &context, figures))?;
    let below = in_style(&Figures::below(settings), style);
    let _alone = figures.alone()?;
    let mut code = ExitCode::SUCCESS;
    let mut any = false;
    for (plan, drawn) in plans.iter().zip(drawn) {
        let name = plan.stage.name;
        let Some((blobs, findings)) = drawn else {
            code = ExitCode::FAILURE;
            print_line(&format!("{name}: there are no tables to draw; `run {name}` computes them"))?;
            continue;
        };
        for finding in findings {
            say(&format!("in this style {finding}"));
        }
        for Blob { name, bytes } in &blobs {
            figures.update(&format!("{below}{name}"), bytes)?;
            if let Some(name) = name.strip_suffix(".svg").filter(|_| args.png) {
                write_image(figures, &below, name, bytes, style.style.dots)?;
            }
        }
        any |= !blobs.is_empty();
        print_line(&format!("{name}: drawn in {}", figures.root().join(&below).display()))?;
    }
    if any {
        figures.update(&format!("{below}{FILE}"), style.text.as_bytes())?;
        if !settings.overrides.is_empty() {
            let text = overrides::toml(&settings.overrides);
            figures.update(&format!("{below}overrides.toml"), text.as_bytes())?;
        }
    }
    Ok(code)
}

/// The figures of a stage in a style, from its tables in the cache, else from the committed ones, and what a reviewer would mark in
/// them; nothing where there are no tables.
fn drawn(
    style: &NamedStyle,
    plan: &StagePlan,
    context: &RunContext<'_>,
    figures: &Figures,
) -> Result<Option<(Vec<Blob>, Vec<String>)>> {
    let tables = match context.current_tables(plan)? {
        Some(tables) => Some(results(context.store, context.settings, plan, &tables)?),
        None => figures.results(context.settings, plan)?,
    };
    tables.map(|tables| present_in(&style.style, plan, &tables)).transpose()
}
