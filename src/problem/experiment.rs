//! A named experiment: one parameter point, its schedule and replicates.

use crate::error::{Error, Result};
use crate::problem::{Model, TaskKind};
use serde::{Deserialize, Serialize};

/// Fewest checkpoints of an experiment.
pub const FEWEST_CHECKPOINTS: usize = 5;

/// Most points of the test sample of a reduced chain.
const CHAIN_SAMPLE: f64 = 2000.0;

/// Largest total of the parameters of all checkpoints of a trajectory, in bytes.
const PARAMETER_BYTES: f64 = 2e9;

/// How checkpoints are spread over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spacing {
    /// Evenly in time.
    Linear,
    /// Geometrically from a hundredth of the horizon on, after the initial point.
    Geometric,
}

/// How the trajectory of a replicate is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Simulator {
    /// SGD in d dimensions.
    #[default]
    Sgd,
    /// The exact reduced chain of its Gram matrix, at a cost that does not depend on d: trajectories only, no spectra.
    Chain,
}

/// One parameter point with its replicates; the unit that stages share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Name, beginning with its task; seeds are derived from it.
    pub name: String,
    /// Parameters.
    pub model: Model,
    /// Training time `t = l δ`.
    pub horizon: f64,
    /// Number of checkpoints, the initial and the last point among them.
    pub checkpoints: usize,
    /// How they are spread.
    pub spacing: Spacing,
    /// Number of replicates.
    pub replicates: u32,
    /// How they are simulated.
    pub simulator: Simulator,
}

/// The keys of `--set`: the names of the fields that they change.
pub const KEYS: [&str; 10] =
    ["d", "k", "width", "lambda", "beta", "c", "phi", "horizon", "replicates", "checkpoints"];

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "step counts are validated to be far below 2^53"
)]
impl Experiment {
    /// Steps of the checkpoints, increasing, from 0 to the last whole step.
    #[must_use]
    pub fn schedule(&self) -> Vec<u64> {
        let last = self.model.steps(self.horizon);
        let intervals = (self.checkpoints - 1) as f64;
        let mut schedule: Vec<u64> = (0..self.checkpoints)
            .map(|index| {
                let share = match self.spacing {
                    Spacing::Linear => index as f64 / intervals,
                    Spacing::Geometric if index == 0 => 0.0,
                    Spacing::Geometric => libm::pow(100.0, (index as f64 - 1.0) / (intervals - 1.0) - 1.0),
                };
                (share * last as f64).round() as u64
            })
            .collect();
        schedule[self.checkpoints - 1] = last;
        schedule.dedup();
        schedule
    }

    /// Time of a step.
    #[must_use]
    pub fn time(&self, step: u64) -> f64 {
        step as f64 * self.model.step_size()
    }

    /// The model of what is kept of each checkpoint: of SGD itself, of the reduced chain in coordinates of the span of means
    /// and first-layer rows, where a test sample of at most [`CHAIN_SAMPLE`] points lies as well.
    #[must_use]
    pub fn kept(&self) -> Model {
        match self.simulator {
            Simulator::Sgd => self.model.clone(),
            Simulator::Chain => {
                let d = self.model.task.means() + self.model.task.rows();
                let n = (self.model.phi * self.model.d as f64).min(CHAIN_SAMPLE);
                let task = match &self.model.task {
                    TaskKind::Xor { width, .. } => TaskKind::xor(*width),
                    mixture @ TaskKind::Mixture { .. } => mixture.clone(),
                };
                Model { task, d, phi: n / d as f64, ..self.model.clone() }
            }
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the name, the value and the rule it breaks.
    pub fn validate(&self) -> Result<()> {
        let name = |key: &str| format!("{}.{key}", self.name);
        self.model.validate(&self.name, self.horizon)?;
        let kept = self.kept();
        kept.validate_memory(&self.name)?;
        if self.simulator == Simulator::Chain && self.model.d <= kept.d {
            let rule = format!("the reduced chain needs more dimensions than its {} coordinates", kept.d);
            return Err(Error::parameter(name("d"), self.model.d, rule));
        }
        if self.replicates == 0 || self.replicates > 100_000 {
            return Err(Error::parameter(
                name("replicates"),
                self.replicates,
                "must be between 1 and 100000",
            ));
        }
        if !(FEWEST_CHECKPOINTS..=10_000).contains(&self.checkpoints) {
            let rule =
                format!("must be between {FEWEST_CHECKPOINTS} and 10000, the initial point among them");
            return Err(Error::parameter(name("checkpoints"), self.checkpoints, rule));
        }
        let rows = self.model.task.rows_key();
        let stored = kept.d as f64 * self.model.task.rows() as f64 * self.checkpoints as f64 * 8.0;
        if stored > PARAMETER_BYTES {
            let rule = format!(
                "{rows} · d parameters at each are {stored:e} bytes, more than {PARAMETER_BYTES:e}; lower checkpoints, {rows} or d"
            );
            return Err(Error::parameter(name("checkpoints"), self.checkpoints, rule));
        }
        if self.schedule().len() < self.checkpoints {
            let rule = format!(
                "{} checkpoints do not fit into {} steps; raise horizon or d, or lower checkpoints",
                self.checkpoints,
                self.model.steps(self.horizon)
            );
            return Err(Error::parameter(name("checkpoints"), self.checkpoints, rule));
        }
        Ok(())
    }

    /// Changes one parameter, as `--set EXPERIMENT.KEY=VALUE` does.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a key that is no field, [`Error::Parameter`] for a value that does not parse.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let name = format!("{}.{key}", self.name);
        let number = || match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(Error::parameter(name.clone(), value, "must be a finite number")),
        };
        let count = |most: u64| match value.trim().parse::<u64>() {
            Ok(count) if (1..=most).contains(&count) => Ok(count),
            _ => {
                Err(Error::parameter(name.clone(), value, format!("must be a whole number from 1 to {most}")))
            }
        };
        match key {
            "d" => self.model.d = count(1_000_000_000)? as usize,
            "k" => {
                let k = count(10_000)? as usize;
                let TaskKind::Mixture { probabilities, means } = &self.model.task else {
                    let rule = "task B always has four clusters, so k does not apply; set width";
                    return Err(Error::parameter(name, value, rule));
                };
                let equal = probabilities.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
                if !(equal && *means == crate::problem::Means::Orthonormal) {
                    let rule = "the classes of this experiment are not exchangeable, so k is fixed";
                    return Err(Error::parameter(name, value, rule));
                }
                self.model.task = TaskKind::mixture(k);
            }
            "width" => match &mut self.model.task {
                TaskKind::Xor { width, .. } => *width = count(10_000)? as usize,
                TaskKind::Mixture { .. } => {
                    let rule = "task A has no hidden layer, so width does not apply; set k";
                    return Err(Error::parameter(name, value, rule));
                }
            },
            "lambda" => self.model.lambda = number()?,
            "beta" => self.model.beta = number()?,
            "c" => self.model.c = number()?,
            "phi" => self.model.phi = number()?,
            "horizon" => self.horizon = number()?,
            "replicates" => self.replicates = count(100_000)? as u32,
            "checkpoints" => self.checkpoints = count(10_000)? as usize,
            _ => return Err(Error::unknown("--set key", key, &KEYS)),
        }
        Ok(())
    }
}
