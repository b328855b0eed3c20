//! Claims that have no kind yet.

use crate::error::Result;
use crate::stage::claim::{self, Claim, Kind, chosen};

/// Declares a claim.
pub fn declare(id: impl Into<String>) -> Undeclared {
    Undeclared(claim::declare(id, Kind::Bound).no_null("none yet"))
}

/// A claim without its bound.
#[derive(Clone, Debug)]
pub struct Undeclared(claim::Declared);

/// A claim.
#[derive(Clone, Debug)]
pub struct Declared(claim::Declared);

#[allow(missing_docs)]
impl Undeclared {
    pub fn says(self, statement: impl Into<String>) -> Self {
        Self(self.0.says(statement))
    }
    pub fn statistic(self, statistic: impl Into<String>) -> Self {
        Self(self.0.statistic(statistic))
    }
    pub fn at_most(self, bound: f64) -> Declared {
        Declared(self.0.at_most(bound, chosen("")))
    }
    pub fn at_least(self, bound: f64) -> Declared {
        Declared(self.0.at_least(bound, chosen("")))
    }
    pub fn between(self, low: f64, high: f64) -> Declared {
        Declared(self.0.between(low, high, chosen("")))
    }
    pub fn contains(self, bound: f64) -> Declared {
        Declared(self.0.near(bound, 0.05, chosen("")))
    }
}

#[allow(missing_docs, clippy::missing_errors_doc, clippy::must_use_candidate)]
impl Declared {
    pub fn measure(self, values: &[f64]) -> Result<Claim> {
        self.0.mean((0..).zip(values.iter().copied()).collect())
    }
    pub fn not_run(self, replicates: usize, reason: impl Into<String>) -> Claim {
        let mut claim = self.0.not_run(reason);
        claim.replicates = replicates;
        claim
    }
}
