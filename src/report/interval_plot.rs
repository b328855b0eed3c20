//! A word-sized plot of the interval of a claim and its bound.

use crate::report::margin::margin;
use crate::report::words::{condition, estimate, percent};
use crate::stage::claim::{Bound, Claim, Relation};
use maud::{Markup, html};

const WIDTH: f64 = 150.0;
const HEIGHT: f64 = 22.0;
const PAD: f64 = 5.0;

/// The range of numbers that is drawn, and the part of it in which the interval must lie.
struct Range {
    low: f64,
    high: f64,
    allowed: Option<[f64; 2]>,
}

impl Range {
    /// For a single bound the range starts from zero, so that distances are relative, as the margin is.
    fn of(claim: &Claim, low: f64, high: f64) -> Self {
        let nulls = claim.nulls.iter().map(|null| null.measured);
        let (low, high) = nulls.fold((low, high), |(low, high), value| (low.min(value), high.max(value)));
        let (from, to) = match (claim.relation, claim.bound) {
            (_, Bound::Number(bound)) => (low.min(bound).min(0.0), high.max(bound).max(0.0)),
            (_, Bound::Pair([from, to])) => (low.min(from), high.max(to)),
        };
        let beyond = 0.08 * (to - from);
        let (from, to) = (from - beyond, to + beyond);
        let allowed = match (claim.relation, claim.bound) {
            (Relation::AtMost, Bound::Number(bound)) => Some([from, bound]),
            (Relation::AtLeast, Bound::Number(bound)) => Some([bound, to]),
            (_, Bound::Pair(pair)) => Some(pair),
            _ => None,
        };
        Self { low: from, high: to, allowed }
    }

    fn place(&self, value: f64) -> f64 {
        let width = self.high - self.low;
        let share = if width > 0.0 { (value - self.low) / width } else { 0.5 };
        let place = PAD + (WIDTH - 2.0 * PAD) * share.clamp(0.0, 1.0);
        (place * 10.0).round() / 10.0
    }
}

/// The plot, with its numbers as text for screen readers; empty if nothing was measured.
pub(crate) fn interval_plot(claim: &Claim) -> Markup {
    let (Some(measured), Some(low), Some(high)) = (claim.measured, claim.low, claim.high) else {
        return html! {};
    };
    let range = Range::of(claim, low, high);
    let bounds = match claim.bound {
        Bound::Number(bound) => vec![bound],
        Bound::Pair(pair) => pair.to_vec(),
    };
    let [mean, from, to] = estimate(measured, low, high);
    let margin = margin(claim).map_or_else(String::new, |margin| format!("; margin {}", percent(margin)));
    let words =
        format!("{mean}, interval {from} to {to}; {}{margin}", condition(claim.relation, claim.bound));
    let middle = HEIGHT / 2.0;
    let (left, right) = (range.place(low), range.place(high));
    // A bar that is too short to see is drawn as wide as its mark.
    let (left, right) = if right - left < 3.0 {
        (f64::midpoint(left, right) - 1.5, f64::midpoint(left, right) + 1.5)
    } else {
        (left, right)
    };
    html! {
        svg.interval-plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) role="img" aria-label=(words) {
            title { (words) }
            @if let Some([from, to]) = range.allowed {
                rect.allowed x=(range.place(from)) y="3" width=(range.place(to) - range.place(from)) height=(HEIGHT - 6.0) {}
            }
            line.axis x1=(PAD) x2=(WIDTH - PAD) y1=(middle) y2=(middle) {}
            @for bound in bounds {
                line.bound x1=(range.place(bound)) x2=(range.place(bound)) y1="1" y2=(HEIGHT - 1.0) {}
            }
            line.interval x1=(left) x2=(right) y1=(middle) y2=(middle) {}
            @for null in &claim.nulls {
                rect.null x=(range.place(null.measured) - 2.5) y=(middle - 2.5) width="5" height="5" {}
            }
            circle.mean cx=(range.place(measured)) cy=(middle) r="3" {}
        }
    }
}
