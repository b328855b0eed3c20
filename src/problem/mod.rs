//! Plain parameters of a learning problem, shared by simulation and theory; no formula of either stands here.

pub mod data;
pub mod experiment;
pub mod family;
pub mod given;
pub mod network;
pub mod training;

use crate::error::Result;
use crate::problem::data::DataLaw;
use crate::problem::given::Check;
use crate::problem::network::Network;
use crate::problem::training::Training;
use serde::Serialize;

/// Largest sample or block that is held in memory, in bytes.
const SAMPLE_BYTES: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;
/// Largest number of SGD steps of one trajectory.
const MOST_STEPS: f64 = 1e10;

/// A learning problem: a data law, a network and its training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// Law of the data.
    #[serde(flatten)]
    pub data: DataLaw,
    /// The network.
    #[serde(flatten)]
    pub network: Network,
    /// Online SGD.
    #[serde(flatten)]
    pub training: Training,
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are validated to be far below 2^53"
)]
impl Problem {
    /// Dimension `d` of the data.
    #[must_use]
    pub fn d(&self) -> usize {
        self.data.d()
    }

    /// Signal-to-noise ratio λ of a data law that has one; of others not a number.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.data.lambda().unwrap_or(f64::NAN)
    }

    /// Number of rows of `d` weights in the first layer: labels in softmax regression, neurons otherwise.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.network.rows(&self.data)
    }

    /// Step size `δ = c/d`; time is `step · δ`.
    #[must_use]
    pub fn step_size(&self) -> f64 {
        self.training.c / self.d() as f64
    }

    /// Sample size `n = φ d`, rounded to the nearest whole number.
    #[must_use]
    pub fn sample_size(&self) -> usize {
        (self.training.phi * self.d() as f64).round() as usize
    }

    /// Number of steps until time `horizon`, rounded to the nearest whole step.
    #[must_use]
    pub fn steps(&self, horizon: f64) -> u64 {
        (horizon / self.step_size()).round() as u64
    }

    /// Checks every parameter; `experiment` goes into the message.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::error::Error::Parameter) with the name, the value and the rule it breaks.
    pub fn validate(&self, experiment: &str, horizon: f64) -> Result<()> {
        let check = Check { experiment };
        self.data.validate(&check)?;
        self.network.validate(&check, &self.data)?;
        self.training.validate(&check, &self.data, &self.network)?;
        check.positive("horizon", horizon)?;
        if self.training.phi * (self.d() as f64) < 0.5 {
            return Err(check.refused("phi", self.training.phi, "must give at least one sample, n = φ d"));
        }
        let steps = horizon / self.step_size();
        if !(0.5..=MOST_STEPS).contains(&steps) {
            let rule =
                format!("gives {steps:.3e} SGD steps (horizon·d/c); choose between 1 and {MOST_STEPS:e}");
            return Err(check.refused("horizon", horizon, rule));
        }
        Ok(())
    }

    /// Checks that samples and blocks in d dimensions fit in memory.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::error::Error::Parameter) with the name, the value and what to change.
    pub fn validate_memory(&self, experiment: &str) -> Result<()> {
        let (check, d) = (Check { experiment }, self.d());
        if d as f64 * d as f64 * 8.0 > SAMPLE_BYTES {
            return Err(check.refused("d", d, "a block of d × d entries needs over 8 GiB; lower d"));
        }
        let n = self.training.phi * d as f64;
        if n * d as f64 * 8.0 > SAMPLE_BYTES {
            let rule =
                format!("a sample of n = φ d = {n} points in dimension {d} needs over 8 GiB; lower d or phi");
            return Err(check.refused("phi", self.training.phi, rule));
        }
        if n * self.rows() as f64 * 8.0 > SAMPLE_BYTES {
            let rule = format!("{n} sample points with as many outputs each need over 8 GiB");
            return Err(check.refused(self.network.rows_key(), self.rows(), rule));
        }
        Ok(())
    }
}

/// A count as a number, exact below 2^53.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    reason = "counts of nodes, classes, neurons and steps are far below 2^53"
)]
pub fn as_f64(count: usize) -> f64 {
    count as f64
}
