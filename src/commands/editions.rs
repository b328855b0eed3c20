//! Commands about what is declared and how much of it a seed decides: `editions`, `seeds`.

use crate::cli::{EditionsArgs, SeedsArgs};
use crate::commands::console::{named, open, print_json, print_line};
use crate::commands::interrupt::{KEPT, explain_interrupts};
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::plan_all;
use crate::pipeline::run::{RunOptions, judge, results, run};
use crate::published::Figures;
use crate::published::editions::{Declarations, FILE, declarations};
use crate::stage::Settings;
use crate::stage::claim::{EDITION, Verdict};
use crate::stages::STAGES;
use crate::store::Access;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// `editions`.
pub(crate) fn editions(args: &EditionsArgs) -> Result<ExitCode> {
    let shared = &args.print.shared;
    let figures = Figures::at(&shared.figures()?);
    let mut editions = figures.editions()?;
    let lock = figures.lock()?;
    let published = lock.declared()?;
    let declared = match &args.freeze {
        None => published,
        Some(reason) => {
            let declared = of_the_cache(args)?;
            editions.freeze(&declared, &|id| published.contains_key(id), reason)?;
            let _alone = figures.alone()?;
            figures.update(FILE, editions.text()?.as_bytes())?;
            declared
        }
    };
    let stale = editions.stale(&declared);
    if args.print.json {
        print_json(editions.editions.iter().map(|one| {
            json!({ "edition": one.number, "change": one.change, "digest": one.digest, "scheme": one.scheme,
                    "claims": one.claims.len(), "verdicts": one.verdicts })
        }))?;
    } else {
        for one in &editions.editions {
            let words: Vec<String> =
                one.verdicts.iter().map(|(verdict, ids)| format!("{} {verdict}", ids.len())).collect();
            let words = if words.is_empty() { "not run yet".to_owned() } else { words.join(", ") };
            print_line(&format!(
                "edition {}: {} claims, {words}; {}",
                one.number,
                one.claims.len(),
                one.change
            ))?;
        }
        print_line(stale.as_deref().unwrap_or("the declarations are those of the last edition"))?;
    }
    Ok(ExitCode::from(u8::from(stale.is_some())))
}

/// What the claims of all stages declare, from results in the cache; on-request stages that were not run have none.
fn of_the_cache(args: &EditionsArgs) -> Result<Declarations> {
    let shared = &args.print.shared;
    let settings = shared.settings()?;
    let store = open(shared, Access::Read)?;
    let (data, context) = (shared.data()?, RunContext::new(&store, &settings)?);
    let mut declared = Declarations::new();
    for plan in plan_all(STAGES, &settings)? {
        if plan.stage.claims.is_empty() {
            continue;
        }
        let current = context.current_tables(&plan)?;
        if current.is_none() && plan.stage.on_request {
            continue;
        }
        let current = current.ok_or_else(|| Error::Absent {
            what: format!("the claims of {} are not in {}", plan.stage.name, data.display()),
            remedy: format!(
                "`spectral-alignment run {} --seed {}` judges them",
                plan.stage.name, settings.seed
            ),
        })?;
        let claims = judge(plan.stage, &results(&store, &settings, &plan, &current)?)?;
        declared.extend(declarations(&claims, &plan.parameters()?)?);
    }
    Ok(declared)
}

/// `seeds`.
pub(crate) fn seeds(args: &SeedsArgs) -> Result<ExitCode> {
    let shared = &args.print.shared;
    let settings = shared.settings()?;
    let stages = named(&args.stages)?;
    plan_all(STAGES, &settings)?;
    let first = if settings.seed == EDITION { EDITION + 1000 } else { settings.seed };
    let options = RunOptions { jobs: args.threads.number()?, force: false };
    let store = open(shared, Access::Write)?;
    explain_interrupts(KEPT)?;
    let mut verdicts: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    let seeds: Vec<u64> = (0..u64::from(args.count)).map(|index| first + index).collect();
    for seed in &seeds {
        let settings = Settings { seed: *seed, ..settings.clone() };
        for done in run(&stages, STAGES, &store, &settings, options)? {
            for claim in done.claims(&store, &settings)? {
                verdicts.entry(claim.id.clone()).or_default().push(claim.verdict);
            }
        }
    }
    let flips = |of: &[Verdict]| of.windows(2).any(|pair| pair[0] != pair[1]);
    if args.print.json {
        print_json(verdicts.iter().map(|(id, of)| {
            let words: Vec<&str> = of.iter().map(|verdict| verdict.word()).collect();
            json!({ "id": id, "seeds": seeds, "verdicts": words, "flips": flips(of) })
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for (id, of) in verdicts.iter().filter(|(_, of)| flips(of)) {
        let words: Vec<String> =
            seeds.iter().zip(of).map(|(seed, verdict)| format!("{seed} {}", verdict.word())).collect();
        print_line(&format!("{id}: {}", words.join(", ")))?;
    }
    let flipping = verdicts.values().filter(|of| flips(of)).count();
    print_line(&format!(
        "{flipping} of {} claims have not the same verdict at all of {} seeds",
        verdicts.len(),
        seeds.len()
    ))?;
    let usual = |of: &[Verdict]| {
        Verdict::ALL.into_iter().max_by_key(|verdict| of.iter().filter(|one| *one == verdict).count())
    };
    for (index, seed) in seeds.iter().enumerate() {
        let odd = verdicts.values().filter(|of| of.get(index).copied() != usual(of)).count();
        print_line(&format!("seed {seed}: {odd} claims away from their most frequent verdict"))?;
    }
    Ok(ExitCode::SUCCESS)
}
