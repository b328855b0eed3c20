//! `claims`: the verdicts, all or some, and what changed in them.

use crate::cli::{ClaimsArgs, PrintArgs};
use crate::commands::claim_list::{brief, print_by_paper, style};
use crate::commands::console::{open, print_json, print_line, print_verbatim, print_wrapped, styled};
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::plan_all;
use crate::published::{Figures, claims_at};
use crate::report::{claims_page, of_paper, summary};
use crate::stage::claim::{Claim, Source, Verdict};
use crate::stage::{Settings, Stage};
use crate::stages::STAGES;
use crate::store::{Access, Store};
use anstyle::Style;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Whether a name on the command line means a claim of a stage: its id, the paper's claim, the start of ids before a `*`, the stage.
fn means(name: &str, stage: &str, id: &str) -> bool {
    let starts = name.strip_suffix('*').is_some_and(|start| !start.is_empty() && id.starts_with(start));
    name == stage || name == id || name == of_paper(id) || starts
}

/// Checks that every name means a claim.
fn check(names: &[String]) -> Result<()> {
    let claims = || STAGES.iter().flat_map(|stage| stage.claims.iter().map(move |id| (stage.name, *id)));
    for name in names {
        if !claims().any(|(stage, id)| means(name, stage, id)) {
            let known: BTreeSet<&str> = claims().flat_map(|(stage, id)| [stage, id, of_paper(id)]).collect();
            return Err(Error::unknown(
                "claim or stage with claims",
                name,
                &known.into_iter().collect::<Vec<_>>(),
            ));
        }
    }
    Ok(())
}

/// The claims of stages under these settings, as far as `wanted`.
fn claims_under(
    figures: &Figures,
    store: &Store,
    settings: &Settings,
    wanted: &dyn Fn(&Stage) -> bool,
) -> Result<Vec<Claim>> {
    let context = RunContext::new(store, settings)?;
    let mut claims = Vec::new();
    for plan in plan_all(STAGES, settings)?.iter().filter(|plan| wanted(plan.stage)) {
        let current = context.current_tables(plan)?;
        claims.extend(figures.claims(store, settings, plan, current.as_ref())?);
    }
    Ok(claims)
}

/// How many claims of what is in the store under these settings have which verdict.
pub(crate) fn verdicts_of(
    figures: &Figures,
    store: &Store,
    settings: &Settings,
) -> Result<BTreeMap<&'static str, usize>> {
    let mut counts = BTreeMap::new();
    let computed = |claim: &Claim| claim.source == Source::Computed && claim.measured.is_some();
    for claim in claims_under(figures, store, settings, &|_| true)?.iter().filter(|claim| computed(claim)) {
        *counts.entry(claim.verdict.word()).or_default() += 1;
    }
    Ok(counts)
}

/// `claims`.
pub(crate) fn claims(args: &ClaimsArgs) -> Result<ExitCode> {
    let PrintArgs { shared, json } = &args.print;
    let folder = shared.figures()?;
    let figures = Figures::at(&folder);
    if args.page {
        print_verbatim(&claims_page(STAGES, &figures.lock()?, &figures.editions()?))?;
        return Ok(ExitCode::SUCCESS);
    }
    check(&args.names)?;
    let settings = shared.settings()?;
    plan_all(STAGES, &settings)?;
    let store = open(shared, Access::Read)?;
    let named =
        |stage: &str, id: &str| args.names.is_empty() || args.names.iter().any(|name| means(name, stage, id));
    let stage = |stage: &Stage| stage.claims.iter().any(|id| named(stage.name, id));
    let mut claims = claims_under(&figures, &store, &settings, &stage)?;
    claims.retain(|claim| named(&claim.stage, &claim.id));
    let wanted = |claim: &Claim| args.verdict.is_empty() || args.verdict.contains(&claim.verdict);
    if let Some(other) = &args.diff {
        let old = if let Some(settings) = figures.variant_settings(other)? {
            claims_under(&figures, &store, &settings, &stage)?
        } else {
            claims_at(&figures, other, settings.profile)?
        };
        let old: BTreeMap<&str, &Claim> = old
            .iter()
            .filter(|claim| named(&claim.stage, &claim.id))
            .map(|claim| (claim.id.as_str(), claim))
            .collect();
        print_changes(&old, &claims, &wanted, *json)?;
    } else {
        claims.retain(wanted);
        if *json {
            let rows: std::result::Result<Vec<_>, _> = claims.iter().map(serde_json::to_value).collect();
            print_json(rows.map_err(|error| Error::defect("claims", error))?)?;
        } else {
            print_by_paper(&claims)?;
            print_line(&summary(claims.iter()))?;
            if claims.iter().any(|claim| claim.source == Source::Committed) {
                let figures = folder.display();
                print_line(&format!("(some from the values committed in {figures}; `run` computes them)"))?;
            }
        }
    }
    let failed = claims.iter().any(|claim| wanted(claim) && claim.verdict == Verdict::Fails);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What became of a claim.
fn change(old: Option<&Claim>, new: Option<&Claim>) -> &'static str {
    match (old, new) {
        (None, _) => "added",
        (_, None) => "removed",
        (Some(old), Some(new)) if old.verdict != new.verdict => "verdict",
        (Some(old), Some(new)) if old.bound != new.bound || old.relation != new.relation => "bound",
        (Some(old), Some(new)) => {
            let numbers = |claim: &Claim| [claim.measured, claim.low, claim.high];
            if numbers(old) == numbers(new) { "none" } else { "numbers" }
        }
    }
}

fn print_changes(
    old: &BTreeMap<&str, &Claim>,
    new: &[Claim],
    wanted: &dyn Fn(&Claim) -> bool,
    json: bool,
) -> Result<()> {
    let mut rows: Vec<(Option<&Claim>, Option<&Claim>)> =
        new.iter().map(|claim| (old.get(claim.id.as_str()).copied(), Some(claim))).collect();
    let there: BTreeSet<&str> = new.iter().map(|claim| claim.id.as_str()).collect();
    rows.extend(
        old.values().filter(|claim| !there.contains(claim.id.as_str())).map(|claim| (Some(*claim), None)),
    );
    rows.retain(|(old, new)| [*old, *new].into_iter().flatten().any(wanted));
    if json {
        let side = |claim: Option<&Claim>| {
            claim.map_or(Value::Null, |claim| {
                json!({ "verdict": claim.verdict.word(), "measured": claim.measured, "low": claim.low, "high": claim.high })
            })
        };
        return print_json(rows.iter().map(|(old, new)| {
            let either = new.or(*old);
            json!({ "id": either.map(|claim| &claim.id), "stage": either.map(|claim| &claim.stage),
                    "old": side(*old), "new": side(*new), "change": change(*old, *new) })
        }));
    }
    let all = rows.len();
    rows.retain(|(old, new)| change(*old, *new) != "none");
    let shown =
        |claim: Option<&Claim>| claim.and_then(|claim| claim.measured).map_or_else(|| "-".to_owned(), brief);
    let id = |(old, new): &(Option<&Claim>, Option<&Claim>)| new.or(*old).map_or(0, |claim| claim.id.len());
    let widest = rows.iter().map(id).max().unwrap_or_default();
    for (old, new) in &rows {
        let name = new.or(*old).map_or("", |claim| claim.id.as_str());
        let verdict = |claim: Option<&Claim>| {
            claim.map_or_else(|| "-".to_owned(), |claim| styled(style(claim.verdict), claim.verdict.word()))
        };
        let words = match change(*old, *new) {
            "numbers" => verdict(*new),
            "bound" => format!("{}, another bound", verdict(*new)),
            _ => format!("{} → {}", verdict(*old), verdict(*new)),
        };
        let name = styled(Style::new().bold(), &format!("{name:widest$}"));
        let first = format!("{name}  {:>11} → {:>11}  ", shown(*old), shown(*new));
        print_wrapped(&first, 4, &words)?;
    }
    let verdicts = rows.iter().filter(|(old, new)| change(*old, *new) == "verdict").count();
    print_line(&format!("{} of {all} claims changed, {verdicts} of them in verdict", rows.len()))
}
