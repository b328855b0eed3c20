//! Two versions of a claim, and of all claims of a stage.

use crate::published::verify::rows::{Rows, Verdict};
use crate::stage::claim::{Bound, Claim, Source};

/// How far the numbers of two claims may be apart, relative to the largest of them and of the bound, where both are judged
/// from the same tables: quantiles come from the system's mathematical library.
pub const SAME_TABLES: f64 = 1e-12;
/// Likewise for claims judged from tables that agree within tolerance: means and slopes of columns that may differ by 1e-7.
pub const NEAR_TABLES: f64 = 1e-6;

/// How the claim `new` compares with the committed one, given how far apart the numbers may be, and in words what differs.
fn compare(old: &Claim, new: &Claim, allowed: f64) -> (Verdict, Option<String>) {
    if old.verdict != new.verdict {
        let detail = format!("{} against {}", old.verdict.word(), new.verdict.word());
        return (Verdict::Different, Some(detail));
    }
    let bounds = match old.bound {
        Bound::Number(bound) => [bound, bound],
        Bound::Pair(pair) => pair,
    };
    let numbers = |claim: &Claim| {
        let own = [claim.measured, claim.low, claim.high, claim.predicted, claim.p_value];
        let nulls = claim.nulls.iter().flat_map(|null| [null.measured, null.low, null.high].map(Some));
        own.into_iter().chain(nulls).collect::<Vec<_>>()
    };
    let names =
        ["measured", "low", "high", "predicted", "p_value"].into_iter().chain(std::iter::repeat("null"));
    let all = numbers(old).into_iter().chain(numbers(new)).flatten().chain(bounds);
    let scale = all.filter(|value| value.is_finite()).fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut verdict = Verdict::Identical;
    let mut detail = None;
    for ((name, ours), theirs) in names.zip(numbers(old)).zip(numbers(new)) {
        let found = match (ours, theirs) {
            (Some(a), Some(b)) if a.to_bits() == b.to_bits() => Verdict::Identical,
            (Some(a), Some(b)) if (a - b).abs() <= allowed * scale => Verdict::Within,
            (None, None) => Verdict::Identical,
            _ => Verdict::Different,
        };
        if found > verdict {
            let show = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:?}"));
            verdict = found;
            detail = Some(format!("{name} {} against {}", show(ours), show(theirs)));
        }
    }
    let plain = |claim: &Claim| Claim {
        measured: None,
        low: None,
        high: None,
        p_value: None,
        predicted: None,
        nulls: Vec::new(),
        source: Source::Committed,
        ..claim.clone().without_values()
    };
    let null_names = |claim: &Claim| claim.nulls.iter().map(|null| null.name.clone()).collect::<Vec<_>>();
    if plain(old) != plain(new) || null_names(old) != null_names(new) {
        return (Verdict::Different, Some("the statement, its bound or its replicates differ".to_owned()));
    }
    (verdict, detail)
}

/// Compares all claims of a stage, by identifier.
pub(crate) fn compare_all_claims(rows: &mut Rows, old: &[Claim], new: &[Claim], allowed: f64) {
    for claim in new {
        match old.iter().find(|other| other.id == claim.id) {
            Some(other) => {
                let (verdict, detail) = compare(other, claim, allowed);
                rows.add("claim", &claim.id, verdict, detail);
            }
            None => rows.same("claim", &claim.id, false, "figures.lock does not have it"),
        }
    }
    for claim in old.iter().filter(|claim| !new.iter().any(|other| other.id == claim.id)) {
        rows.same("claim", &claim.id, false, "only figures.lock has it");
    }
}
