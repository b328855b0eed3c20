//! `run --sweep`: a variant for every combination of values, and one table and figure of the claims' statistics over them.

use crate::cli::RunArgs;
use crate::commands::claim_list::{brief, print_claims};
use crate::commands::console::{named, open, print_json, print_line, print_wrapped, styled};
use crate::commands::interrupt::{KEPT, explain_interrupts};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::plan::plan_all;
use crate::pipeline::run::{Done, RunOptions, run};
use crate::plot::{Axis, Caption, Colour, Figure, Panel, PlotError, Style, Width, pdf, svg};
use crate::published::publish::publish;
use crate::published::{Figures, overrides, variant};
use crate::stage::claim::Claim;
use crate::stage::{Override, Settings};
use crate::stages::STAGES;
use crate::store::Access;
use crate::table::{Table, TableBuilder};
use anstyle::Style as TextStyle;
use serde_json::json;
use std::process::ExitCode;

/// Most claims in the figure; the table has all.
const MOST_PANELS: usize = 12;

/// Colours of the lines in a panel, one for each combination of values of the axes after the first.
const COLOURS: [Colour; 5] = [Colour::Black, Colour::Blue, Colour::Vermillion, Colour::Green, Colour::Purple];

/// Most combinations: each is a run of its own.
const MOST_POINTS: usize = 200;

/// A parameter of an experiment and the values it takes.
struct Sweep {
    experiment: String,
    key: String,
    values: Vec<f64>,
}

impl Sweep {
    fn parse(text: &str) -> Result<Self> {
        let refused = |rule: &str| Err(Error::Usage(format!("--sweep {text}: {rule}")));
        let rule = "write EXPERIMENT.KEY=V1,V2,…, for example --sweep gmm.lambda=3,10,30";
        let Some((place, values)) = text.split_once('=') else { return refused(rule) };
        let Some((experiment, key)) = place.rsplit_once('.') else { return refused(rule) };
        let (experiment, key) = (experiment.trim().to_owned(), key.trim().to_owned());
        let numbers: Option<Vec<f64>> = values
            .split(',')
            .map(|value| value.trim().parse().ok().filter(|value: &f64| value.is_finite()))
            .collect();
        let Some(mut values) = numbers.filter(|_| !experiment.is_empty() && !key.is_empty()) else {
            return refused(rule);
        };
        values.sort_by(f64::total_cmp);
        if values.windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_eq()) {
            return refused("names a value twice");
        }
        Ok(Self { experiment, key, values })
    }

    fn name(&self) -> String {
        format!("{}.{}", self.experiment, self.key)
    }
}

/// A combination of values with the claims under it.
struct PointOfGrid {
    values: Vec<f64>,
    settings: Settings,
    claims: Vec<Claim>,
}

/// Every combination, the last axis fastest, with the settings it means.
fn grid(sweeps: &[Sweep], base: &Settings) -> Result<Vec<PointOfGrid>> {
    let mut places: Vec<Vec<f64>> = vec![Vec::new()];
    for sweep in sweeps {
        let further =
            |place: Vec<f64>| sweep.values.iter().map(move |value| [place.as_slice(), &[*value]].concat());
        places = places.into_iter().flat_map(further).collect();
    }
    if places.len() > MOST_POINTS {
        let rule = format!("--sweep: {} combinations are more than {MOST_POINTS}", places.len());
        return Err(Error::Usage(rule));
    }
    places
        .into_iter()
        .map(|values| {
            let mut settings = base.clone();
            for (sweep, value) in sweeps.iter().zip(&values) {
                let (experiment, key) = (sweep.experiment.clone(), sweep.key.clone());
                settings.overrides.push(Override { experiment, key, value: value.to_string() });
            }
            overrides::resolve(&mut settings.overrides);
            plan_all(STAGES, &settings)?;
            Ok(PointOfGrid { values, settings, claims: Vec::new() })
        })
        .collect()
}

/// The claims of a finished stage that a swept experiment, or a member of a swept family, has a part in.
fn reached(done: &Done, claims: &[Claim], sweeps: &[Sweep]) -> Vec<Claim> {
    let experiments = done.plan.experiments();
    let swept = |name: &String| {
        experiments.get(name).is_some_and(|one| sweeps.iter().any(|sweep| one.is_called(&sweep.experiment)))
    };
    let touched = |claim: &&Claim| {
        if claim.experiments.is_empty() {
            experiments.keys().any(swept)
        } else {
            claim.experiments.iter().any(swept)
        }
    };
    claims.iter().filter(touched).cloned().collect()
}

/// `run STAGE --sweep`.
pub(crate) fn sweep(args: &RunArgs) -> Result<ExitCode> {
    let base = args.shared.settings()?;
    let stages = named(&args.stages)?;
    let sweeps: Vec<Sweep> = args.sweep.iter().map(|text| Sweep::parse(text)).collect::<Result<_>>()?;
    let options = RunOptions { jobs: args.threads.number()?, force: args.force };
    let mut points = grid(&sweeps, &base)?;
    let figures = Figures::at(&args.shared.figures()?);
    let store = open(&args.shared, Access::Write)?;
    explain_interrupts(KEPT)?;
    for point in &mut points {
        let done = run(&stages, STAGES, &store, &point.settings, options)?;
        let folder = figures.folder(&point.settings);
        figures.alone().and_then(|_alone| publish(&figures, &store, &point.settings, &done))?;
        for done in &done {
            point.claims.extend(reached(done, done.claims(&store, &point.settings)?, &sweeps));
        }
        if !args.json {
            let at: Vec<String> = sweeps
                .iter()
                .zip(&point.values)
                .map(|(sweep, value)| format!("{} = {value}", sweep.name()))
                .collect();
            let heading = format!("{} in {}", at.join(", "), folder.display());
            print_wrapped("", 4, &styled(TextStyle::new().bold(), &heading))?;
            print_claims(&point.claims.iter().collect::<Vec<_>>(), 4)?;
        }
    }
    let below = format!("variants/{}-sweep-{}/", base.profile.word(), digest(args, &base));
    let _alone = figures.alone()?;
    figures.update(&format!("{below}sweep.parquet"), &table(&sweeps, &points)?.to_parquet_bytes(&[])?)?;
    let mut written = vec!["sweep.parquet"];
    if let Some(figure) = drawn(&sweeps, &points, &args.stages) {
        let failed =
            |error: PlotError| Error::Figure { figure: "sweep".to_owned(), problem: error.to_string() };
        figures.update(&format!("{below}sweep.svg"), svg(&figure).map_err(failed)?.as_bytes())?;
        figures.update(&format!("{below}sweep.pdf"), &pdf(&figure).map_err(failed)?)?;
        figures.update(&format!("{below}sweep.txt"), figure.caption().text().as_bytes())?;
        written.extend(["sweep.svg", "sweep.pdf", "sweep.txt"]);
    }
    if args.json {
        print_json(
            points.iter().flat_map(|point| point.claims.iter().map(|claim| row(&sweeps, point, claim))),
        )?;
    } else {
        print_line(&format!("{}: {}", figures.root().join(below).display(), written.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(sweeps: &[Sweep], point: &PointOfGrid, claim: &Claim) -> serde_json::Value {
    let mut row = json!({ "id": claim.id, "stage": claim.stage, "variant": variant(&point.settings),
                          "measured": claim.measured, "low": claim.low, "high": claim.high, "verdict": claim.verdict.word() });
    for (sweep, value) in sweeps.iter().zip(&point.values) {
        row[sweep.name()] = json!(value);
    }
    row
}

/// What tells sweeps apart: stages, axes, other settings.
fn digest(args: &RunArgs, base: &Settings) -> String {
    let words = [args.stages.join(" "), args.sweep.join(" "), format!("{base:?}")].join("\n");
    sha256(words.as_bytes()).get(..8).unwrap_or_default().to_owned()
}

/// A row for each claim and combination.
fn table(sweeps: &[Sweep], points: &[PointOfGrid]) -> Result<Table> {
    let rows: Vec<(&PointOfGrid, &Claim)> =
        points.iter().flat_map(|point| point.claims.iter().map(move |claim| (point, claim))).collect();
    let texts =
        |of: &dyn Fn(&Claim) -> &'static str| rows.iter().map(|(_, claim)| of(claim)).collect::<Vec<_>>();
    let variants: Vec<String> = rows.iter().map(|(point, _)| variant(&point.settings)).collect();
    let number = |of: &dyn Fn(&Claim) -> Option<f64>| {
        rows.iter().map(|(_, claim)| of(claim).filter(|value| value.is_finite())).collect::<Vec<_>>()
    };
    let mut table = TableBuilder::new("sweep");
    for (index, sweep) in sweeps.iter().enumerate() {
        table = table.f64(&sweep.name(), rows.iter().map(|(point, _)| point.values[index]).collect());
    }
    table
        .str("id", &rows.iter().map(|(_, claim)| claim.id.as_str()).collect::<Vec<_>>())
        .str("stage", &rows.iter().map(|(_, claim)| claim.stage.as_str()).collect::<Vec<_>>())
        .f64_or_null("measured", number(&|claim| claim.measured))
        .f64_or_null("low", number(&|claim| claim.low))
        .f64_or_null("high", number(&|claim| claim.high))
        .str("verdict", &texts(&|claim| claim.verdict.word()))
        .str("variant", &variants.iter().map(String::as_str).collect::<Vec<_>>())
        .build()
}

/// A panel for each claim: its statistic with its interval over the first axis, a line for each combination of the others.
fn drawn(sweeps: &[Sweep], points: &[PointOfGrid], stages: &[String]) -> Option<Figure> {
    let (first, others) = sweeps.split_first()?;
    let mut ids: Vec<&str> = Vec::new();
    for claim in points.iter().flat_map(|point| &point.claims).filter(|claim| claim.measured.is_some()) {
        if !ids.contains(&claim.id.as_str()) {
            ids.push(&claim.id);
        }
    }
    let all = ids.len();
    ids.truncate(MOST_PANELS);
    let mut lines: Vec<&[f64]> = Vec::new();
    for point in points {
        if !lines.contains(&&point.values[1..]) {
            lines.push(&point.values[1..]);
        }
    }
    let left_out = lines.len().saturating_sub(COLOURS.len());
    lines.truncate(COLOURS.len());
    let (least, most) = (first.values.first()?, first.values.last()?);
    let log = *least > 0.0 && most / least >= 5.0;
    let axis = || if log { Axis::log(first.name()) } else { Axis::linear(first.name()) };
    let shown = if all > ids.len() {
        format!(" The table has {} more claims.", all - ids.len())
    } else {
        String::new()
    };
    let more =
        if left_out > 0 { format!(" It also has {left_out} more combinations.") } else { String::new() };
    let values: Vec<String> = sweeps
        .iter()
        .map(|sweep| {
            format!(
                "{} = {}",
                sweep.name(),
                sweep.values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    let caption = Caption::new(
        format!("Claims of {} over {}", stages.join(", "), first.name()),
        format!(
            "Estimate (line with marks) and interval (band) of the statistic of each claim.{shown}{more}"
        ),
        format!("Parameters: {}", values.join("; ")),
        format!("{} claims under {} settings", all, points.len()),
    );
    let width = if ids.len() > 1 { Width::Full } else { Width::Single };
    let mut figure = Figure::new("sweep", caption, width, if ids.len() > 1 { 2 } else { 1 });
    for id in &ids {
        let mut panel = Panel::new(axis(), Axis::linear("statistic")).title(*id);
        for (line, colour) in lines.iter().zip(COLOURS) {
            let (mut middle, mut band) = (Vec::new(), Vec::new());
            for point in points.iter().filter(|point| point.values[1..] == **line) {
                let Some(claim) = point.claims.iter().find(|claim| claim.id == *id) else { continue };
                if let Some(measured) = claim.measured {
                    middle.push((point.values[0], measured));
                    band.extend(claim.low.zip(claim.high).map(|(low, high)| (point.values[0], low, high)));
                }
            }
            let label: Vec<String> = others
                .iter()
                .zip(*line)
                .map(|(sweep, value)| format!("{} = {}", sweep.name(), brief(*value)))
                .collect();
            let label = if label.is_empty() { "estimate".to_owned() } else { label.join(", ") };
            if !band.is_empty() {
                panel = panel.band("interval", Style::measured(colour), band);
            }
            panel = panel.marked_line(label, Style::measured(colour), middle);
        }
        figure = figure.panel(panel);
    }
    (!ids.is_empty()).then_some(figure)
}
