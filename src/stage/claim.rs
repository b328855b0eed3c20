//! Claims of the paper as measured verdicts: a statistic per replicate, its interval, a bound declared beforehand, and what the
//! same statistic is where the claim's theory plays no part (its nulls).

use crate::error::{Error, Result};
use crate::stage::estimate::{Estimate, Estimator, MISS, Values};
use serde::{Deserialize, Serialize};

/// Fewest replicates that a verdict is given on.
pub const FEWEST_REPLICATES: usize = 20;

/// Edition of the declarations, and root seed of the committed results, so these rest on draws that nobody had seen when the
/// bounds were chosen.
pub const EDITION: u64 = 2;

/// What kind of statement a claim is, which decides how its bound is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Theory gives the number; measured and predicted differ by at most what finite d and n explain.
    Prediction,
    /// The inequality of a theorem, with its constants.
    Bound,
    /// The exponent of a power law, fitted where theory says that it rules.
    Rate,
    /// How often something happens, over independent replicates.
    Share,
    /// A distribution: how far it can be tilted before the sample excludes it.
    Law,
    /// An algebraic fact: a check, not evidence.
    Identity,
}

impl Kind {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prediction => "prediction",
            Self::Bound => "bound",
            Self::Rate => "rate",
            Self::Share => "share",
            Self::Law => "law",
            Self::Identity => "identity",
        }
    }
}

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
}

impl Relation {
    /// The sign between measurement and bound.
    pub fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::In => "in",
        }
    }
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

impl Bound {
    /// The least and the largest value that this relation allows.
    pub fn allowed(self, relation: Relation) -> [f64; 2] {
        match (relation, self) {
            (Relation::AtMost, Self::Number(bound)) => [f64::NEG_INFINITY, bound],
            (Relation::AtLeast, Self::Number(bound)) => [bound, f64::INFINITY],
            (_, Self::Pair(pair)) => pair,
            (Relation::In, Self::Number(bound)) => [bound, bound],
        }
    }
}

/// Where a bound comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Derived: the reason names the derivation or the theorem.
    Theory,
    /// Chosen before the result was seen: the reason says why this number.
    Chosen,
}

/// A bound's origin with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis(Origin, String);

/// A bound that follows from this.
pub fn theory(reason: impl Into<String>) -> Basis {
    Basis(Origin::Theory, reason.into())
}

/// A bound that was chosen, and why.
pub fn chosen(reason: impl Into<String>) -> Basis {
    Basis(Origin::Chosen, reason.into())
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// The whole interval breaks the bound.
    #[serde(rename = "fails")]
    Fails,
    /// The interval straddles the bound, or a null of the claim would hold too.
    #[serde(rename = "undecided")]
    Undecided,
    /// What the claim presupposes is not so at these parameters.
    #[serde(rename = "premise not met")]
    PremiseNotMet,
    /// The experiments are smaller than those the claim is meant for.
    #[serde(rename = "too small to judge")]
    TooSmall,
    /// Too few replicates, one that is missing or diverged, or nothing computed.
    #[serde(rename = "not run")]
    NotRun,
    /// The whole interval complies, and no null would.
    #[serde(rename = "holds")]
    Holds,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Fails, Self::Undecided, Self::PremiseNotMet, Self::TooSmall, Self::NotRun, Self::Holds];

    /// The word in tables and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Undecided => "undecided",
            Self::PremiseNotMet => "premise not met",
            Self::TooSmall => "too small to judge",
            Self::NotRun => "not run",
        }
    }

    /// The word after a number of claims.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Holds => "hold",
            Self::Fails => "fail",
            other => other.word(),
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

/// The statistic of a claim where the claim's theory plays no part, on the same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Null {
    /// What takes the place of the claim's object: `random-subspace`, `principal-components`, `start`, `static-theory`, ...
    pub name: String,
    /// Its estimate.
    pub measured: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether its interval complies with the bound of the claim; such a claim cannot hold.
    pub would_hold: bool,
}

/// One claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Id in the paper's list, optionally with a suffix.
    pub id: String,
    /// The stage that measures it.
    pub stage: String,
    /// What kind of statement it is.
    pub kind: Kind,
    /// What is claimed.
    pub statement: String,
    /// What is measured, per replicate.
    pub statistic: String,
    /// What is estimated from the values of the replicates.
    pub estimator: Estimator,
    /// The estimate.
    pub measured: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Confidence of the interval, `1 - MISS`.
    pub level: f64,
    /// What theory says the statistic is.
    pub predicted: Option<f64>,
    /// Probability of a sample at least as far from the law, where the claim is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// How interval and bound must lie.
    pub relation: Relation,
    /// The bound.
    pub bound: Bound,
    /// Where the bound comes from.
    pub bound_source: Origin,
    /// The derivation, or the reason for the choice.
    pub bound_reason: String,
    /// The same statistic where the theory plays no part.
    pub nulls: Vec<Null>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls_reason: Option<String>,
    /// The experiments it is about.
    pub experiments: Vec<String>,
    /// Number of replicates.
    pub replicates: usize,
    /// Edition of the declarations.
    pub edition: u64,
    /// Where the numbers come from.
    pub source: Source,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was not judged, or what else to know.
    pub reason: Option<String>,
    /// The statistic in each replicate, which `values/claims.parquet` has.
    #[serde(skip)]
    pub values: Values,
}

impl Claim {
    /// Takes the verdict back: the claim cannot be judged, for this reason; what was measured stays.
    pub fn withdraw(&mut self, verdict: Verdict, reason: impl Into<String>) {
        self.verdict = verdict;
        self.note(&reason.into());
    }

    /// Adds to what else there is to know.
    pub fn note(&mut self, remark: &str) {
        self.reason = Some(match self.reason.take() {
            Some(reason) => format!("{reason}; {remark}"),
            None => remark.to_owned(),
        });
    }

    /// The claim as the lock has it: the values of the replicates lie elsewhere.
    pub fn without_values(mut self) -> Self {
        self.values.clear();
        self
    }

    /// Whether it counts as evidence.
    pub fn is_evidence(&self) -> bool {
        self.kind != Kind::Identity
    }
}

/// A claim in the making: what is said, what is measured, the bound that is declared, the nulls.
#[derive(Clone, Debug)]
pub struct Declared {
    claim: Claim,
    nulls: Vec<(&'static str, Values)>,
    premise: Option<String>,
}

/// Declares the claim of this id. What is said, the statistic, the experiments, the bound and the nulls follow, and last the
/// values: [`Declared::mean`], [`Declared::median`] or [`Declared::share`].
pub fn declare(id: impl Into<String>, kind: Kind) -> Declared {
    let claim = Claim {
        id: id.into(),
        stage: String::new(),
        kind,
        statement: String::new(),
        statistic: String::new(),
        estimator: Estimator::Mean,
        measured: None,
        low: None,
        high: None,
        level: 1.0 - MISS,
        predicted: None,
        p_value: None,
        relation: Relation::In,
        bound: Bound::Pair([f64::NAN; 2]),
        bound_source: Origin::Chosen,
        bound_reason: String::new(),
        nulls: Vec::new(),
        nulls_reason: None,
        experiments: Vec::new(),
        replicates: 0,
        edition: EDITION,
        source: Source::Computed,
        verdict: Verdict::NotRun,
        reason: None,
        values: Values::new(),
    };
    Declared { claim, nulls: Vec::new(), premise: None }
}

impl Declared {
    fn with(mut self, change: impl FnOnce(&mut Claim)) -> Self {
        change(&mut self.claim);
        self
    }

    /// What is claimed.
    pub fn says(self, statement: impl Into<String>) -> Self {
        self.with(|claim| claim.statement = statement.into())
    }

    /// What is measured, per replicate.
    pub fn statistic(self, statistic: impl Into<String>) -> Self {
        self.with(|claim| claim.statistic = statistic.into())
    }

    /// The experiments it is about: a claim is judged only where all of their planned replicates ran, at sizes it is meant for.
    pub fn about<S: Into<String>>(self, experiments: impl IntoIterator<Item = S>) -> Self {
        self.with(|claim| claim.experiments.extend(experiments.into_iter().map(Into::into)))
    }

    /// The interval must be at most this.
    pub fn at_most(self, bound: f64, basis: Basis) -> Self {
        self.bound(Relation::AtMost, Bound::Number(bound), basis)
    }

    /// The interval must be at least this.
    pub fn at_least(self, bound: f64, basis: Basis) -> Self {
        self.bound(Relation::AtLeast, Bound::Number(bound), basis)
    }

    /// The interval must lie between these.
    pub fn between(self, low: f64, high: f64, basis: Basis) -> Self {
        self.bound(Relation::In, Bound::Pair([low, high]), basis)
    }

    /// The interval must lie within this distance of the prediction.
    pub fn near(self, predicted: f64, distance: f64, basis: Basis) -> Self {
        self.with(|claim| claim.predicted = Some(predicted)).between(
            predicted - distance,
            predicted + distance,
            basis,
        )
    }

    fn bound(self, relation: Relation, bound: Bound, Basis(source, reason): Basis) -> Self {
        self.with(|claim| {
            (claim.relation, claim.bound) = (relation, bound);
            (claim.bound_source, claim.bound_reason) = (source, reason);
        })
    }

    /// What theory says the statistic is, where the bound is not around it.
    pub fn predicted(self, value: f64) -> Self {
        self.with(|claim| claim.predicted = Some(value))
    }

    /// The probability of a sample at least as far from the law as this one; the claim fails where it is below [`MISS`].
    pub fn p_value(self, p: f64) -> Self {
        self.with(|claim| claim.p_value = Some(p))
    }

    /// The same statistic, on the same data, with something in the place of the claim's object that knows nothing of its theory.
    pub fn null(mut self, name: &'static str, values: Values) -> Self {
        self.nulls.push((name, values));
        self
    }

    /// Why no null makes sense.
    pub fn no_null(self, reason: impl Into<String>) -> Self {
        self.with(|claim| claim.nulls_reason = Some(reason.into()))
    }

    /// The claim is judged only where this is so; otherwise the reason is given with what was measured.
    pub fn premise(mut self, met: bool, otherwise: impl Into<String>) -> Self {
        if !met {
            self.premise.get_or_insert(otherwise.into());
        }
        self
    }

    /// The verdict on the mean of the values.
    ///
    /// # Errors
    /// As for [`Estimator::interval`]; a claim without nulls that does not say why.
    pub fn mean(self, values: Values) -> Result<Claim> {
        self.judge(Estimator::Mean, values)
    }

    /// The verdict on the median of the values, for statistics with heavy tails.
    ///
    /// # Errors
    /// As for [`Declared::mean`].
    pub fn median(self, values: Values) -> Result<Claim> {
        self.judge(Estimator::Median, values)
    }

    /// The verdict on the share of replicates in which something is so: values are 1 or 0.
    ///
    /// # Errors
    /// As for [`Declared::mean`].
    pub fn share(self, values: Values) -> Result<Claim> {
        self.judge(Estimator::Share, values)
    }

    fn judge(self, estimator: Estimator, values: Values) -> Result<Claim> {
        let Self { mut claim, nulls, premise } = self;
        if nulls.is_empty() && claim.nulls_reason.is_none() {
            return Err(Error::defect("claim", format!("{} has no null and does not say why", claim.id)));
        }
        claim.estimator = estimator;
        claim.replicates = values.len();
        let plain: Vec<f64> = values.values().copied().collect();
        claim.values = values;
        if let Some(bad) = plain.iter().find(|value| !value.is_finite()) {
            claim.withdraw(Verdict::NotRun, format!("the statistic is {bad} in a replicate"));
            return Ok(claim);
        }
        if plain.len() < FEWEST_REPLICATES {
            let number = plain.len();
            claim.withdraw(
                Verdict::NotRun,
                format!("{number} replicates; a verdict needs {FEWEST_REPLICATES}"),
            );
            return Ok(claim);
        }
        let Estimate { middle, low, high } = estimator.interval(&plain, MISS)?;
        (claim.measured, claim.low, claim.high) = (Some(middle), Some(low), Some(high));
        let [least, most] = claim.bound.allowed(claim.relation);
        if least.is_nan() || most.is_nan() {
            return Err(Error::defect("claim", format!("a bound of {} is no number", claim.id)));
        }
        let complies = |low: f64, high: f64| low >= least && high <= most;
        for (name, values) in nulls {
            let values: Vec<f64> = values.into_values().filter(|value| value.is_finite()).collect();
            if values.is_empty() {
                claim.note(&format!("the null {name} has no value at these parameters"));
                continue;
            }
            let Estimate { middle, low, high } = estimator.interval(&values, MISS)?;
            let would_hold = complies(low, high);
            claim.nulls.push(Null { name: name.to_owned(), measured: middle, low, high, would_hold });
        }
        let passing = claim.nulls.iter().find(|null| null.would_hold).map(|null| null.name.clone());
        let rejected = claim.p_value.is_some_and(|p| p < MISS);
        claim.verdict = if rejected || low > most || high < least {
            Verdict::Fails
        } else if complies(low, high) && passing.is_none() {
            Verdict::Holds
        } else {
            Verdict::Undecided
        };
        if let Some(name) = passing.filter(|_| claim.verdict == Verdict::Undecided) {
            claim.note(&format!("the null {name} would hold too"));
        }
        if let Some(reason) = premise {
            claim.withdraw(Verdict::PremiseNotMet, reason);
        }
        Ok(claim)
    }

    /// The claim without a verdict, with the reason.
    pub fn not_run(self, reason: impl Into<String>) -> Claim {
        let mut claim = self.claim;
        claim.withdraw(Verdict::NotRun, reason);
        claim
    }
}

/// Mean of the values and half the width of its 95 % interval, `t_{0.975, n-1} s/√n`; half is 0 for one value.
///
/// # Errors
/// [`Error::Numeric`] if there is no value or Student's t has no quantile.
pub fn interval(values: &[f64]) -> Result<(f64, f64)> {
    let Estimate { middle, high, .. } = Estimator::Mean.interval(values, 0.05)?;
    Ok((middle, high - middle))
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
