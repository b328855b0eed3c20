//! How far the interval of a claim is from where its verdict would change.

use crate::stage::claim::{Bound, Claim, Relation};

/// The distance of the interval's worst end from the bound, relative to the bound; negative where the claim fails, none
/// where nothing was measured.
///
/// For a range it is relative to half its width, for a bound of zero to the farther end of the interval.
pub fn margin(claim: &Claim) -> Option<f64> {
    let (low, high) = (claim.low?, claim.high?);
    let (room, scale) = match (claim.relation, claim.bound) {
        (Relation::AtMost, Bound::Number(bound)) => (bound - high, size(bound, low, high)),
        (Relation::AtLeast, Bound::Number(bound)) => (low - bound, size(bound, low, high)),
        (Relation::In, Bound::Pair([from, to])) => ((low - from).min(to - high), (to - from) / 2.0),
        _ => return None,
    };
    Some(if room == 0.0 { 0.0 } else { room / scale }).filter(|margin| margin.is_finite())
}

fn size(bound: f64, low: f64, high: f64) -> f64 {
    if bound == 0.0 { low.abs().max(high.abs()) } else { bound.abs() }
}
