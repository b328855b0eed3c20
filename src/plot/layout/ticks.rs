//! Ticks of our own: steps of 1, 2, 2.5, 5 times a power of ten, four to six labels; decades on log axes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "exponents and tick numbers are small whole numbers"
)]

use crate::plot::description::axis::{Axis, Origin, Scale};

/// The ticks of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticks {
    /// Value and label, in markup, of each labelled tick.
    pub major: Vec<(f64, String)>,
    /// Values of the short ticks.
    pub minor: Vec<f64>,
    /// Power of ten taken out of every label, to be named at the axis label.
    pub factor: Option<i32>,
}

/// Ticks with at most `most` labels, on an axis `length` pt long.
#[must_use]
pub fn ticks(axis: &Axis, scale: &Scale, most: u32, length: f64) -> Ticks {
    if !axis.named.is_empty() {
        return Ticks { major: axis.named.clone(), minor: Vec::new(), factor: None };
    }
    if let Some(values) = &axis.ticks {
        let inside = |value: &&f64| (-1e-9..=1.0 + 1e-9).contains(&scale.share(**value));
        let major = values.iter().filter(inside).map(|value| (*value, signed(&value.to_string()))).collect();
        return Ticks { major, minor: Vec::new(), factor: None };
    }
    if scale.log {
        let mut found = log_ticks(scale, most, length);
        if let Some(Origin { place, first }) = axis.origin {
            found.major.retain(|(value, _)| *value >= first);
            found.minor.retain(|value| *value >= first);
            found.major.insert(0, (place, "0".to_owned()));
        }
        found
    } else {
        linear_ticks(scale.low, scale.high, most, axis.whole)
    }
}

fn ten(exponent: i32) -> f64 {
    libm::pow(10.0, f64::from(exponent))
}

/// The multiples of `step` in the range.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = 1e-9 * (high - low) / step;
    let (first, last) = ((low / step - slack).ceil() as i64, (high / step + slack).floor() as i64);
    if last - first > 1000 {
        return Vec::new();
    }
    (first..=last).map(|number| number as f64 * step).collect()
}

/// Ticks of a linear range.
#[must_use]
pub fn linear_ticks(low: f64, high: f64, most: u32, whole: bool) -> Ticks {
    let middle = libm::log10(high - low).floor() as i32;
    let mut best: Option<(f64, f64, i32, Vec<f64>)> = None;
    for exponent in middle - 2..=middle + 1 {
        for (mantissa, penalty, digits) in [(1.0, 0.0, 0), (2.0, 0.0, 0), (2.5, 1.5, 1), (5.0, 0.0, 0)] {
            let step = mantissa * ten(exponent);
            if whole && (step < 1.0 || (digits > 0 && exponent < 1)) {
                continue;
            }
            let values = multiples(low, high, step);
            let count = values.len() as f64;
            if count < 2.0 || count > f64::from(most) {
                continue;
            }
            let few = if count < 4.0 { 10.0 * (4.0 - count) } else { 0.0 };
            let score = penalty + few + (count - 5.0).abs();
            if best.as_ref().is_none_or(|(other, ..)| score < *other) {
                best = Some((score, step, (digits - exponent).max(0), values));
            }
        }
    }
    let Some((_, step, decimals, values)) = best else {
        let major = [low, high].map(|value| (value, signed(&value.to_string()))).to_vec();
        return Ticks { major, minor: Vec::new(), factor: None };
    };
    let largest = low.abs().max(high.abs());
    let factor = (!(1e-3..1e5).contains(&largest)).then(|| libm::log10(largest).floor() as i32);
    let decimals = usize::try_from((decimals + factor.unwrap_or(0)).max(0)).unwrap_or(0);
    let decimals =
        if factor.is_some_and(|factor| factor > 0) { digits_needed(&values, factor) } else { decimals };
    let unit = factor.map_or(1.0, ten);
    let label = |value: f64| signed(&format!("{:.decimals$}", value / unit + 0.0));
    let minor = multiples(low, high, step / 2.0)
        .into_iter()
        .filter(|value| values.iter().all(|major| (major - value).abs() > step / 4.0))
        .filter(|_| !whole || step >= 2.0)
        .collect();
    Ticks { major: values.iter().map(|value| (*value, label(*value))).collect(), minor, factor }
}

/// Decimals that show every value exactly once a power of ten is taken out, at most 3.
fn digits_needed(values: &[f64], factor: Option<i32>) -> usize {
    let unit = factor.map_or(1.0, ten);
    let exact = |decimals: i32| {
        values.iter().all(|value| {
            let scaled = value / unit * ten(decimals);
            (scaled - scaled.round()).abs() < 1e-6
        })
    };
    (0..3).find(|decimals| exact(*decimals)).map_or(3, |decimals| usize::try_from(decimals).unwrap_or(0))
}

/// A number with the minus sign of print, never "−0".
fn signed(number: &str) -> String {
    let zero = number.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if zero { number.trim_start_matches('-').to_owned() } else { number.replace('-', "−") }
}

fn log_ticks(scale: &Scale, most: u32, length: f64) -> Ticks {
    let inside = |value: f64| (-1e-9..=1.0 + 1e-9).contains(&scale.share(value));
    let span = libm::log10(scale.high / scale.low);
    let first = libm::log10(scale.low).floor() as i32;
    let last = libm::log10(scale.high).ceil() as i32;
    let at = |digits: &[u32]| -> Vec<(u32, i32)> {
        (first..=last)
            .flat_map(|exponent| digits.iter().map(move |digit| (*digit, exponent)))
            .filter(|(digit, exponent)| inside(f64::from(*digit) * ten(*exponent)))
            .collect()
    };
    let value = |(digit, exponent): &(u32, i32)| f64::from(*digit) * ten(*exponent);
    let decades = at(&[1]);
    let minors = |major: &[(f64, String)]| -> Vec<f64> {
        let digits: &[u32] = if length / span > 9.0 { &[1, 2, 3, 4, 5, 6, 7, 8, 9] } else { &[1] };
        let free = |minor: &f64| major.iter().all(|(taken, _)| (taken / minor - 1.0).abs() > 1e-6);
        at(digits).iter().map(value).filter(free).collect()
    };
    if span < 1.5 || (decades.len() < 3 && span < 3.0) {
        for digits in [&[1, 2, 5][..], &[1, 3]] {
            let places = at(digits);
            if (3..=most.max(3) as usize).contains(&places.len()) {
                let plain = places.iter().all(|(_, exponent)| (-3..4).contains(exponent));
                let label = |(digit, exponent): &(u32, i32)| match (plain, digit) {
                    (true, _) => {
                        format!("{:.*}", usize::try_from(-exponent).unwrap_or(0), value(&(*digit, *exponent)))
                    }
                    (false, 1) => format!("$10^{{{exponent}}}$"),
                    (false, _) => format!("${digit}{{×}}10^{{{exponent}}}$"),
                };
                let major: Vec<(f64, String)> =
                    places.iter().map(|place| (value(place), label(place))).collect();
                let minor = minors(&major);
                return Ticks { major, minor, factor: None };
            }
        }
        if decades.len() < 2 {
            return linear_ticks(scale.low, scale.high, most.min(5), false);
        }
    }
    let stride = decades.len().div_ceil(most.max(2) as usize).max(1);
    let stride_offset = decades.iter().position(|(_, e)| e.rem_euclid(stride as i32) == 0).unwrap_or(0);
    let major: Vec<(f64, String)> = decades
        .iter()
        .skip(stride_offset)
        .step_by(stride)
        .map(|place| (value(place), format!("$10^{{{}}}$", place.1)))
        .collect();
    let minor = minors(&major);
    Ticks { major, minor, factor: None }
}
