//! Claims of the paper as measured verdicts: a statistic per replicate, its interval, a bound declared beforehand.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Fewest replicates that a verdict is given on.
pub const FEWEST_REPLICATES: usize = 20;

/// How the interval of the statistic must lie to the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// The whole interval is at most the bound.
    #[serde(rename = "<=")]
    AtMost,
    /// The whole interval is at least the bound.
    #[serde(rename = ">=")]
    AtLeast,
    /// The whole interval lies in the bound, a pair.
    #[serde(rename = "in")]
    In,
    /// The bound, a number, lies in the interval.
    #[serde(rename = "contains")]
    Contains,
}

/// A number or a pair.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// One number.
    Number(f64),
    /// Lower and upper end.
    Pair([f64; 2]),
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The whole interval complies.
    #[serde(rename = "holds")]
    Holds,
    /// It does not.
    #[serde(rename = "fails")]
    Fails,
    /// The premise is not met, there are too few replicates, or nothing was computed.
    #[serde(rename = "not run")]
    NotRun,
}

impl Verdict {
    /// The word in tables and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotRun => "not run",
        }
    }
}

/// Where the numbers of a claim come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The local store.
    Computed,
    /// The values committed beside the figures.
    Committed,
}

/// One claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Id in the paper's list, optionally with a suffix.
    pub id: String,
    /// The stage that measures it.
    pub stage: String,
    /// What is claimed.
    pub statement: String,
    /// What is measured, per replicate.
    pub statistic: String,
    /// Mean over replicates.
    pub measured: Option<f64>,
    /// Lower end of the 95 % interval of the mean over replicates (Student's t).
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// How interval and bound must lie.
    pub relation: Relation,
    /// The bound.
    pub bound: Bound,
    /// Number of replicates.
    pub replicates: usize,
    /// Where the numbers come from.
    pub source: Source,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was not run, or what else to know.
    pub reason: Option<String>,
}

/// A claim before it is measured: what is said, what is measured, and the bound that was declared.
#[derive(Clone, Debug)]
#[must_use]
pub struct Declared {
    id: String,
    statement: String,
    statistic: String,
    relation: Relation,
    bound: Bound,
}

/// Declares the claim of this id; what is said, the statistic that measures it and the bound follow.
pub fn declare(id: impl Into<String>) -> Undeclared {
    Undeclared { id: id.into(), statement: String::new(), statistic: String::new() }
}

/// A claim without its bound.
#[derive(Clone, Debug)]
#[must_use]
pub struct Undeclared {
    id: String,
    statement: String,
    statistic: String,
}

impl Undeclared {
    /// What is claimed.
    pub fn says(self, statement: impl Into<String>) -> Self {
        Self { statement: statement.into(), ..self }
    }

    /// What is measured, per replicate.
    pub fn statistic(self, statistic: impl Into<String>) -> Self {
        Self { statistic: statistic.into(), ..self }
    }

    /// The interval must be at most this.
    pub fn at_most(self, bound: f64) -> Declared {
        self.bound(Relation::AtMost, Bound::Number(bound))
    }

    /// The interval must be at least this.
    pub fn at_least(self, bound: f64) -> Declared {
        self.bound(Relation::AtLeast, Bound::Number(bound))
    }

    /// The interval must lie between these.
    pub fn between(self, low: f64, high: f64) -> Declared {
        self.bound(Relation::In, Bound::Pair([low, high]))
    }

    /// The interval must contain this.
    pub fn contains(self, bound: f64) -> Declared {
        self.bound(Relation::Contains, Bound::Number(bound))
    }

    fn bound(self, relation: Relation, bound: Bound) -> Declared {
        Declared { id: self.id, statement: self.statement, statistic: self.statistic, relation, bound }
    }
}

impl Declared {
    /// The verdict on one value of the statistic per replicate.
    ///
    /// # Errors
    /// [`Error::Numeric`] if Student's t has no quantile, which no number of replicates causes.
    pub fn measure(self, values: &[f64]) -> Result<Claim> {
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Ok(self.not_run(values.len(), format!("the statistic is {bad} in a replicate")));
        }
        if values.len() < FEWEST_REPLICATES {
            let reason = format!("{} replicates; a verdict needs {FEWEST_REPLICATES}", values.len());
            return Ok(self.not_run(values.len(), reason));
        }
        let (mean, half) = interval(values)?;
        let (low, high) = (mean - half, mean + half);
        let complies = match (self.relation, self.bound) {
            (Relation::AtMost, Bound::Number(bound)) => high <= bound,
            (Relation::AtLeast, Bound::Number(bound)) => low >= bound,
            (Relation::In, Bound::Pair([from, to])) => low >= from && high <= to,
            (Relation::Contains, Bound::Number(bound)) => low <= bound && bound <= high,
            _ => false,
        };
        let verdict = if complies { Verdict::Holds } else { Verdict::Fails };
        let mut claim = self.not_run(values.len(), String::new());
        claim.measured = Some(mean);
        claim.low = Some(low);
        claim.high = Some(high);
        claim.verdict = verdict;
        claim.reason = None;
        Ok(claim)
    }

    /// The claim without a verdict, with the reason.
    pub fn not_run(self, replicates: usize, reason: impl Into<String>) -> Claim {
        Claim {
            id: self.id,
            stage: String::new(),
            statement: self.statement,
            statistic: self.statistic,
            measured: None,
            low: None,
            high: None,
            relation: self.relation,
            bound: self.bound,
            replicates,
            source: Source::Computed,
            verdict: Verdict::NotRun,
            reason: Some(reason.into()),
        }
    }
}

/// Mean of the values and half the width of its 95 % interval, `t_{0.975, n-1} s/√n`; half is 0 for one value.
///
/// # Errors
/// [`Error::Numeric`] if there is no value or Student's t has no quantile.
#[allow(clippy::cast_precision_loss, reason = "a number of replicates is exact in f64")]
pub fn interval(values: &[f64]) -> Result<(f64, f64)> {
    let n = values.len() as f64;
    if values.is_empty() {
        return Err(Error::Numeric { routine: "interval", problem: "no replicate".to_owned() });
    }
    let mean = values.iter().sum::<f64>() / n;
    if values.len() == 1 {
        return Ok((mean, 0.0));
    }
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    let law = StudentsT::new(0.0, 1.0, n - 1.0)
        .map_err(|error| Error::Numeric { routine: "interval", problem: error.to_string() })?;
    Ok((mean, law.inverse_cdf(0.975) * (variance / n).sqrt()))
}

/// Slope of the least-squares line through `(ln x, ln y)`, for positive x, not all equal, and positive y.
pub fn log_slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x, libm::log(y))).collect();
    semilog_slope(&logs)
}

/// Slope of the least-squares line through `(ln x, y)`, for positive x, not all equal.
#[allow(clippy::cast_precision_loss, reason = "a number of points is exact in f64")]
pub fn semilog_slope(points: &[(f64, f64)]) -> f64 {
    let points: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (libm::log(x), y)).collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / n;
    let covariance: f64 = points.iter().map(|point| (point.0 - mean_x) * (point.1 - mean_y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - mean_x) * (point.0 - mean_x)).sum();
    covariance / variance
}
