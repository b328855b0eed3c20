//! A named experiment: one parameter point, its schedule and replicates.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::problem::given::{Check, Given};
use crate::problem::training::Training;
use serde::Serialize;

/// Fewest checkpoints of an experiment.
pub const FEWEST_CHECKPOINTS: usize = 5;

/// Most points of the test sample of a reduced chain.
const CHAIN_SAMPLE: f64 = 2000.0;

/// Largest total of the parameters of all checkpoints of a trajectory, in bytes.
const PARAMETER_BYTES: f64 = 2e9;

/// How checkpoints are spread over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// Evenly in time.
    Linear,
    /// Geometrically from a hundredth of the horizon on, after the initial point.
    Geometric,
}

/// How the trajectory of a replicate is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Simulator {
    /// SGD in d dimensions.
    #[default]
    Sgd,
    /// The exact reduced chain of its Gram matrix, at a cost that does not depend on d: trajectories only, no spectra.
    Chain,
}

impl Simulator {
    /// Whether it is SGD itself.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    pub fn is_sgd(&self) -> bool {
        *self == Self::Sgd
    }
}

/// One parameter point with its replicates; the unit that stages share. Its name is no parameter: what is serialised are the
/// parameters under their names, those of all parts beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// Name, beginning with its task; seeds are derived from it.
    #[serde(skip)]
    pub name: String,
    /// Data law, network and training.
    #[serde(flatten)]
    pub problem: Problem,
    /// Training time `t = l δ`.
    pub horizon: f64,
    /// Number of checkpoints, the initial and the last point among them.
    pub checkpoints: usize,
    /// How they are spread.
    pub spacing: Spacing,
    /// Number of replicates.
    pub replicates: u32,
    /// How they are simulated.
    #[serde(skip_serializing_if = "Simulator::is_sgd")]
    pub simulator: Simulator,
    /// Its place in a family, if it belongs to one; not a parameter either.
    #[serde(skip)]
    pub member: Option<Member>,
}

/// The place of an experiment in its family.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name of the family.
    pub family: String,
    /// The value on each axis.
    pub place: Vec<(&'static str, f64)>,
}

impl Member {
    /// Whether a parameter is an axis of the family.
    #[must_use]
    pub fn has_axis(&self, key: &str) -> bool {
        self.place.iter().any(|(axis, _)| *axis == key)
    }
}

/// The keys of `--set` that every experiment has itself.
const OWN_KEYS: [&str; 3] = ["horizon", "replicates", "checkpoints"];

/// The keys of `--set` of all experiments together.
pub const KEYS: [&str; 12] = [
    "d",
    "k",
    "width",
    "depth",
    "lambda",
    "nuisance",
    "beta",
    "c",
    "phi",
    "horizon",
    "replicates",
    "checkpoints",
];

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
        let last = self.problem.steps(self.horizon);
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
        step as f64 * self.problem.step_size()
    }

    /// Whether a name of `--set` means this experiment: its own or that of its family.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.member.as_ref().is_some_and(|member| member.family == name)
    }

    /// The task it belongs to, the first word of its name.
    #[must_use]
    pub fn task(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// The problem whose parameters and samples are stored at each checkpoint: that of SGD itself, or of the reduced chain in
    /// coordinates of the span of means and first-layer rows, where a test sample of at most [`CHAIN_SAMPLE`] points lies as well.
    #[must_use]
    pub fn reduced_problem(&self) -> Problem {
        let mut reduced = self.problem.clone();
        if self.simulator == Simulator::Chain {
            let d = reduced.data.means() + reduced.rows();
            let n = (reduced.training.phi * reduced.d() as f64).min(CHAIN_SAMPLE);
            reduced.data = reduced.data.in_span(d);
            reduced.training.phi = n / d as f64;
        }
        reduced
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the name, the value and the rule it breaks.
    pub fn validate(&self) -> Result<()> {
        let check = Check { experiment: &self.name };
        self.problem.validate(&self.name, self.horizon)?;
        let reduced = self.reduced_problem();
        reduced.validate_memory(&self.name)?;
        if self.simulator == Simulator::Chain && self.problem.data.nuisance().is_some() {
            let rule = "the reduced chain needs isotropic noise";
            return Err(check.refused("nuisance", "given", rule));
        }
        if self.simulator == Simulator::Chain && self.problem.d() <= reduced.d() {
            let rule =
                format!("the reduced chain needs more dimensions than its {} coordinates", reduced.d());
            return Err(check.refused("d", self.problem.d(), rule));
        }
        if self.replicates == 0 || self.replicates > 100_000 {
            return Err(check.refused("replicates", self.replicates, "must be between 1 and 100000"));
        }
        if !(FEWEST_CHECKPOINTS..=10_000).contains(&self.checkpoints) {
            let rule =
                format!("must be between {FEWEST_CHECKPOINTS} and 10000, the initial point among them");
            return Err(check.refused("checkpoints", self.checkpoints, rule));
        }
        let rows = self.problem.network.rows_key();
        let stored = reduced.d() as f64 * reduced.rows() as f64 * self.checkpoints as f64 * 8.0;
        if stored > PARAMETER_BYTES {
            let rule = format!(
                "{rows} · d parameters at each are {stored:e} bytes, more than {PARAMETER_BYTES:e}; lower checkpoints, {rows} or d"
            );
            return Err(check.refused("checkpoints", self.checkpoints, rule));
        }
        if self.schedule().len() < self.checkpoints {
            let rule = format!(
                "{} checkpoints do not fit into {} steps; raise horizon or d, or lower checkpoints",
                self.checkpoints,
                self.problem.steps(self.horizon)
            );
            return Err(check.refused("checkpoints", self.checkpoints, rule));
        }
        Ok(())
    }

    /// Names of the parameters that `--set` changes: those of data law, network and training, and its own.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        let Problem { data, network, .. } = &self.problem;
        [data.keys(), network.keys(), &Training::KEYS, &OWN_KEYS].concat()
    }

    /// Changes one parameter, as `--set EXPERIMENT.KEY=VALUE` does.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a key that no experiment has, [`Error::Parameter`] for one that this experiment has not and for a
    /// value that does not parse.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let name = self.name.clone();
        self.set_as(&name, key, value)
    }

    /// Changes one parameter; errors name this experiment or family.
    ///
    /// # Errors
    /// As for [`Experiment::set`].
    pub fn set_as(&mut self, name: &str, key: &str, value: &str) -> Result<()> {
        if !KEYS.contains(&key) {
            return Err(Error::unknown("--set key", key, &KEYS));
        }
        let keys = self.keys();
        let given = Given { experiment: name, key, value };
        let Problem { data, network, training } = &mut self.problem;
        match key {
            _ if !keys.contains(&key) => return Err(given.not_of(&keys)),
            _ if data.keys().contains(&key) => data.set(key, &given)?,
            _ if network.keys().contains(&key) => network.set(key, &given)?,
            _ if Training::KEYS.contains(&key) => training.set(key, &given)?,
            "horizon" => self.horizon = given.number()?,
            "checkpoints" => self.checkpoints = given.count(10_000)?,
            _ => self.replicates = given.count(100_000)? as u32,
        }
        Ok(())
    }
}
