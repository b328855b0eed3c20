//! A portable exponential that compilers turn into vectors.

use std::f64::consts::LOG2_E;

/// `ln 2` with its last 21 bits zero, and the rest of it.
const LN_2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
/// A number to which adding another rounds that to an integer, in the lowest bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Below, `exp` is set to 0: it is under 1e-307.
const LOWEST: f64 = -708.0;

/// `exp(x)` for `x ≤ 0`, within one unit in the last place of `libm`'s, by additions and products in a fixed order.
///
/// `x = n ln 2 + r` with an integer `n` and `|r| ≤ ln(2)/2`; the series of `exp(r)` to `r^13/13!` is off by 5e-18.
#[allow(clippy::inline_always, reason = "becomes vectors in loops")]
#[inline(always)]
#[must_use]
pub fn exp(x: f64) -> f64 {
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    let square = r * r;
    let pair = |low: f64, high: f64| low + high * r;
    let low = pair(0.5, 1.0 / 6.0) + pair(1.0 / 24.0, 1.0 / 120.0) * square;
    let middle = pair(1.0 / 720.0, 1.0 / 5040.0) + pair(1.0 / 40_320.0, 1.0 / 362_880.0) * square;
    let high = pair(1.0 / 3_628_800.0, 1.0 / 39_916_800.0)
        + pair(1.0 / 479_001_600.0, 1.0 / 6_227_020_800.0) * square;
    let fourth = square * square;
    let series = 1.0 + (r + square * (low + fourth * (middle + fourth * high)));
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < LOWEST { 0.0 } else { series * power }
}
