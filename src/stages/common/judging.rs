//! From many numbers of a run to the one that a claim is judged on.

use crate::stage::estimate::Values;
use crate::stage::rows::Selection;
use std::collections::BTreeMap;

/// Numbers by replicate, step and row.
pub type Keyed = BTreeMap<(u32, u64, u32), f64>;

/// The numbers of a selection in which replicate, step and row say which is which.
pub fn keyed(selection: &Selection<'_>) -> Keyed {
    let key = |replicate, step, row: Option<u32>| (replicate, step, row.unwrap_or(0));
    let rows = selection.iter().filter_map(|row| Some((row.at.replicate?, row)));
    rows.map(|(replicate, row)| (key(replicate, row.at.step, row.of.row), row.value)).collect()
}

/// The numbers of a run as one; replicates without any are left out.
pub fn folded(values: impl IntoIterator<Item = (u32, f64)>, fold: impl Fn(&mut [f64]) -> f64) -> Values {
    let mut all: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (replicate, value) in values {
        all.entry(replicate).or_default().push(value);
    }
    all.into_iter().map(|(replicate, mut values)| (replicate, fold(&mut values))).collect()
}

/// The largest; NaN if one is.
pub fn largest(values: &mut [f64]) -> f64 {
    values
        .iter()
        .fold(f64::NEG_INFINITY, |most, value| if value.is_nan() { *value } else { most.max(*value) })
}

/// The mean.
pub fn mean(values: &mut [f64]) -> f64 {
    crate::stage::rows::average(values)
}

/// The median.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { f64::midpoint(values[(n - 1) / 2], values[n / 2]) }
}

/// Whether all of them are 1, as 1 or 0.
pub fn all_so(values: &mut [f64]) -> f64 {
    f64::from(u8::from(values.iter().all(|value| *value > 0.5)))
}

/// Every value mapped.
pub fn mapped(values: &Values, of: impl Fn(f64) -> f64) -> Values {
    values.iter().map(|(replicate, value)| (*replicate, of(*value))).collect()
}

/// `1 - ρ` from the sine `√(1 - ρ²)`, accurate where it is small.
pub fn deficit(sine: f64) -> f64 {
    sine * sine / (1.0 + (1.0 - sine * sine).max(0.0).sqrt())
}

/// Quartiles: lower, median, upper, each between the nearest order statistics on a line.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a short list"
)]
pub fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| {
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let place = share * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
    })
}
