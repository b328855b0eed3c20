//! From one value per replicate to an estimate with an interval of a fixed level.

use crate::error::{Error, Result};
use crate::problem::as_f64;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::checked_beta_reg;
use std::collections::BTreeMap;

/// Probability that the interval of a claim misses the truth. It is the same for every claim and fixed, so a new claim changes
/// no other verdict, and 500 claims together stay below 5 %.
pub const MISS: f64 = 1e-4;

/// One number per replicate.
pub type Values = BTreeMap<u32, f64>;

/// What is estimated from the values of replicates, and how its interval is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimator {
    /// The mean; Student's t.
    Mean,
    /// The median; order statistics, which hold for any law, however heavy its tails.
    Median,
    /// The share of replicates with value 1 (the others have 0); Clopper and Pearson's exact interval.
    Share,
}

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub middle: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimator {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Share => "share",
        }
    }

    /// The estimate from independent values, with the two-sided interval that misses the truth with probability `miss` at most.
    ///
    /// # Errors
    /// [`Error::Numeric`] for no value, values of a share other than 0 and 1, too few values for a median at this level.
    pub fn interval(self, values: &[f64], miss: f64) -> Result<Estimate> {
        if values.is_empty() {
            return Err(refused("no replicate"));
        }
        match self {
            Self::Mean => mean(values, miss),
            Self::Median => median(values, miss),
            Self::Share => share(values, miss),
        }
    }
}

fn refused(problem: impl ToString) -> Error {
    Error::Numeric { routine: "interval", problem: problem.to_string() }
}

/// `x̄ ± t_{1 - miss/2, n-1} s/√n`; of width 0 for one value.
fn mean(values: &[f64], miss: f64) -> Result<Estimate> {
    let n = as_f64(values.len());
    let middle = values.iter().sum::<f64>() / n;
    if values.len() == 1 {
        return Ok(Estimate { middle, low: middle, high: middle });
    }
    let variance = values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>() / (n - 1.0);
    let law = StudentsT::new(0.0, 1.0, n - 1.0).map_err(refused)?;
    let half = law.inverse_cdf(1.0 - miss / 2.0) * (variance / n).sqrt();
    Ok(Estimate { middle, low: middle - half, high: middle + half })
}

/// From the j-th smallest to the j-th largest value, with the largest j for which `2 P(B < j) ≤ miss`, B binomial(n, 1/2).
fn median(values: &[f64], miss: f64) -> Result<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let (mut term, mut below, mut j) = (libm::exp2(-as_f64(n)), 0.0, 0);
    while j < n / 2 && 2.0 * (below + term) <= miss {
        below += term;
        term *= as_f64(n - j) / as_f64(j + 1);
        j += 1;
    }
    if j == 0 {
        return Err(refused(format!(
            "{n} values are too few for a median that is missed with probability {miss}"
        )));
    }
    let middle = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    Ok(Estimate { middle, low: sorted[j - 1], high: sorted[n - j] })
}

/// Clopper and Pearson: the shares at which as many successes, or as few, have probability `miss/2`.
fn share(values: &[f64], miss: f64) -> Result<Estimate> {
    if values.iter().any(|value| ![0.0_f64, 1.0].map(f64::to_bits).contains(&value.to_bits())) {
        return Err(refused("a share is of values 0 and 1"));
    }
    let (count, all) = (values.iter().filter(|value| **value > 0.5).count(), values.len());
    let (hits, n) = (as_f64(count), as_f64(all));
    let low = if count == 0 { 0.0 } else { beta_quantile(hits, n - hits + 1.0, miss / 2.0)? };
    let high = if count == all { 1.0 } else { beta_quantile(hits + 1.0, n - hits, 1.0 - miss / 2.0)? };
    Ok(Estimate { middle: hits / n, low, high })
}

/// The point with `I_x(a, b) = p`, by bisection to the last bit.
fn beta_quantile(a: f64, b: f64, p: f64) -> Result<f64> {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Ok(middle);
        }
        if checked_beta_reg(a, b, middle).map_err(refused)? < p { low = middle } else { high = middle }
    }
}
