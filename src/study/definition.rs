//! The list of studies.

use crate::error::Result;
use crate::problem::Problem;
use crate::random::seed::Seed;
use crate::simulation::task::Task;
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::study::gradient_share::{self, GradientShare};
use crate::study::own_samples::{self, OwnSamples};
use crate::study::projected::{self, Projected};
use crate::study::reading::Reading;
use serde::Serialize;
use std::fmt;

/// The file from which the code behind studies is found.
pub const SOURCE: &str = file!();

/// A study of one replicate that reached the end, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Study {
    /// Training samples beside fresh ones.
    OwnSamples(OwnSamples),
    /// Gradients in top spaces.
    GradientShare(GradientShare),
    /// Training whose steps are projected.
    Projected(Projected),
}

impl Study {
    /// Approximate time it takes, in nanoseconds.
    #[must_use]
    pub fn cost(&self, problem: &Problem, horizon: f64) -> f64 {
        match self {
            Self::OwnSamples(parameters) => parameters.cost(problem, horizon),
            Self::GradientShare(parameters) => parameters.cost(problem),
            Self::Projected(parameters) => parameters.cost(problem, horizon),
        }
    }

    /// Carries it out on a replicate that reached the end.
    ///
    /// # Errors
    /// [`crate::error::Error::Numeric`] if a routine misses its declared accuracy; a trajectory of another task or seed.
    pub fn run(
        &self,
        task: &dyn Task,
        seed: &Seed,
        trajectory: &Trajectory<Observed>,
    ) -> Result<Vec<Reading>> {
        match self {
            Self::OwnSamples(parameters) => own_samples::run(*parameters, task, seed, trajectory),
            Self::GradientShare(parameters) => gradient_share::run(*parameters, task, seed, trajectory),
            Self::Projected(parameters) => projected::run(parameters, task, seed, trajectory),
        }
    }
}

impl fmt::Display for Study {
    /// In one line that names every parameter: part of an id in the cache.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnSamples(parameters) => write!(out, "{parameters}"),
            Self::GradientShare(parameters) => write!(out, "{parameters}"),
            Self::Projected(parameters) => write!(out, "{parameters}"),
        }
    }
}
