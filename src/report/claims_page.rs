//! The page `docs/claims.md`: every claim with its bound, where that comes from, its nulls, what was measured and the slack.

use crate::published::editions::Editions;
use crate::published::lockfile::LockFile;
use crate::report::verdicts::PAPER;
use crate::report::words::{estimate, greek, significant};
use crate::stage::claim::{Bound, Claim, Origin, Verdict};
use crate::stage::estimate::Estimator;
use crate::stage::{Profile, Stage};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use std::fmt::Write;

/// The distance of the estimate from the nearer bound in standard errors; negative where it is beyond. The standard error is half
/// the interval over the quantile that made it, for medians and shares the normal one.
#[allow(clippy::cast_precision_loss, reason = "a number of replicates is exact in f64")]
pub fn slack(claim: &Claim) -> Option<f64> {
    let (measured, low, high) = (claim.measured?, claim.low?, claim.high?);
    let [least, most] = claim.bound.allowed(claim.relation);
    let p = f64::midpoint(1.0, claim.level);
    let quantile = match claim.estimator {
        Estimator::Mean => StudentsT::new(0.0, 1.0, claim.replicates as f64 - 1.0).ok()?.inverse_cdf(p),
        Estimator::Median | Estimator::Share => Normal::new(0.0, 1.0).ok()?.inverse_cdf(p),
    };
    // The end of the interval on the side of the bound: intervals of shares and medians are not symmetric.
    let (below, above) = ((measured - low) / quantile, (high - measured) / quantile);
    let distance = |room: f64, error: f64| if error > 0.0 { room / error } else { f64::INFINITY };
    let slack = distance(measured - least, below).min(distance(most - measured, above));
    slack.is_finite().then_some(slack)
}

fn cell(text: &str) -> String {
    greek(text).replace('|', "\\|").replace('\n', " ")
}

fn must_be(claim: &Claim) -> String {
    match claim.bound {
        Bound::Number(bound) => format!("{} {}", claim.relation.sign(), significant(bound, 4)),
        Bound::Pair([low, high]) => format!("in [{}, {}]", significant(low, 4), significant(high, 4)),
    }
}

fn row(claim: &Claim, failed: &[u64]) -> String {
    let origin = match claim.bound_source {
        Origin::Theory => "theory",
        Origin::Chosen => "chosen",
    };
    let predicted = claim.predicted.map(|value| format!("; predicted {}", significant(value, 4)));
    let measured = match (claim.measured, claim.low, claim.high) {
        (Some(measured), Some(low), Some(high)) => {
            let [middle, low, high] = estimate(measured, low, high);
            format!("{middle} [{low}, {high}], {} of {}", claim.estimator.word(), claim.replicates)
        }
        _ => "–".to_owned(),
    };
    let nulls: Vec<String> = claim
        .nulls
        .iter()
        .map(|null| {
            let passes = if null.would_hold { " (would hold)" } else { "" };
            format!("{} {}{passes}", null.name, significant(null.measured, 4))
        })
        .collect();
    let nulls = if nulls.is_empty() {
        format!("none: {}", claim.nulls_reason.as_deref().unwrap_or_default())
    } else {
        nulls.join("; ")
    };
    let slack = slack(claim).map_or_else(|| "–".to_owned(), |slack| significant(slack, 2));
    let p = claim.p_value.map(|p| format!(", p = {}", significant(p, 2))).unwrap_or_default();
    let mut verdict = claim.verdict.word().to_owned();
    if !failed.is_empty() {
        let _ = write!(
            verdict,
            "; failed in edition {}",
            failed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    let reason = claim.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!(
        "| {} | {} | {}. *{}* | {}{} | {origin}: {} | {} | {}{} | {slack} | {}{} |\n",
        claim.id,
        claim.kind.word(),
        cell(&claim.statement),
        cell(&claim.statistic),
        cell(&must_be(claim)),
        predicted.unwrap_or_default(),
        cell(&claim.bound_reason),
        cell(&nulls),
        measured,
        p,
        verdict,
        cell(&reason),
    )
}

/// The page, from what is committed.
pub fn claims_page(stages: &[&'static Stage], lock: &LockFile, editions: &Editions) -> String {
    let entries = stages.iter().filter_map(|stage| lock.entry(stage.name, Profile::Paper));
    let claims: Vec<&Claim> = entries.flat_map(|entry| &entry.claims).collect();
    let mut page = format!(
        "# Claims\n\nWritten by `just claims-page` from `figures/figures.lock` and `figures/editions.json`. Every claim has a bound \
         that was declared before its data were drawn, an interval at level {} over replicates, and the same statistic where \
         the theory plays no part (nulls). Kinds, intervals and verdicts are defined in `src/stage/claim.rs` and \
         `src/stage/estimate.rs`; *slack* is the distance of the estimate from the nearer bound in standard errors.\n\n## \
         Editions\n\n| edition | claims | verdicts | what changed, and why |\n|---|---|---|---|\n",
        claims.first().map_or(1.0, |claim| claim.level)
    );
    for one in &editions.editions {
        let verdicts: Vec<String> =
            one.verdicts.iter().map(|(verdict, ids)| format!("{} {verdict}", ids.len())).collect();
        let verdicts = if verdicts.is_empty() { "not run yet".to_owned() } else { verdicts.join(", ") };
        let _ =
            writeln!(page, "| {} | {} | {verdicts} | {} |", one.number, one.claims.len(), cell(&one.change));
    }
    for (paper, words) in PAPER {
        let of: Vec<&&Claim> =
            claims.iter().filter(|claim| claim.id.split('.').next() == Some(paper)).collect();
        if of.is_empty() {
            continue;
        }
        let holds = of.iter().filter(|claim| claim.verdict == Verdict::Holds).count();
        let _ = write!(
            page,
            "\n## {paper}: {}\n\n{holds} of {} hold.\n\n| id | kind | statement, *statistic* | must be | bound from | nulls | \
             measured | slack | verdict |\n|---|---|---|---|---|---|---|---|---|\n",
            greek(words),
            of.len()
        );
        for claim in of {
            page.push_str(&row(claim, &editions.failed_before(&claim.id)));
        }
    }
    page.truncate(page.trim_end().len());
    page
}
