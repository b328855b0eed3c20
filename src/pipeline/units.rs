//! What simulated data depend on: parameters, source code and versions of crates.

use crate::digest::Value;
use crate::error::Result;
use crate::pipeline::closure::{NUMERICAL_CRATES, PRESENTING_CRATES, closure};
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::{Means, TaskKind};
use std::collections::BTreeMap;

/// Files that hold no mathematics: a change in an error message is no change of a result.
pub const NO_MATHEMATICS: &str = "src/error.rs";

/// Digests of the code behind the two kinds of simulated units.
#[derive(Clone, Debug)]
pub struct Code {
    mixture: Roots,
    xor: Roots,
    /// Names and locked versions of the crates whose arithmetic enters results.
    pub crates: Vec<String>,
}

/// Digests of the code behind trajectories by SGD, behind those by the reduced chain, and behind answers.
#[derive(Clone, Debug)]
struct Roots {
    sgd: String,
    chain: String,
    answers: String,
}

/// The file that simulates trajectories of an experiment.
#[must_use]
pub fn simulator(experiment: &Experiment) -> &'static str {
    match experiment.simulator {
        Simulator::Sgd => "src/simulation/observe.rs",
        Simulator::Chain => "src/simulation/chain/mod.rs",
    }
}

impl Code {
    /// The code this program was built from.
    ///
    /// # Errors
    /// A root that is not among the embedded sources.
    pub fn embedded() -> Result<Self> {
        let behind = |foreign: &'static str| -> Result<Roots> {
            let digest = |root: &str| Ok(closure(&[root], &[NO_MATHEMATICS, foreign])?.digest());
            Ok(Roots {
                sgd: digest("src/simulation/observe.rs")?,
                chain: digest("src/simulation/chain/mod.rs")?,
                answers: digest("src/spectrum/answer.rs")?,
            })
        };
        Ok(Self { mixture: behind(XOR)?, xor: behind(MIXTURE)?, crates: crates() })
    }

    fn roots(&self, experiment: &Experiment) -> &Roots {
        match experiment.model.task {
            TaskKind::Mixture { .. } => &self.mixture,
            TaskKind::Xor { .. } => &self.xor,
        }
    }

    /// Digest of the code behind trajectories of an experiment.
    #[must_use]
    pub fn trajectories(&self, experiment: &Experiment) -> &str {
        let roots = self.roots(experiment);
        match experiment.simulator {
            Simulator::Sgd => &roots.sgd,
            Simulator::Chain => &roots.chain,
        }
    }

    /// Digest of the code behind answers about an experiment.
    #[must_use]
    pub fn answers(&self, experiment: &Experiment) -> &str {
        &self.roots(experiment).answers
    }
}

const MIXTURE: &str = "src/simulation/task/mixture.rs";
const XOR: &str = "src/simulation/task/xor.rs";

/// Files of the tasks that none of these experiments has: a change in one task is no change of another's results.
pub fn foreign<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> Vec<&'static str> {
    let mut foreign = vec![MIXTURE, XOR];
    for experiment in experiments {
        let own = match experiment.model.task {
            TaskKind::Mixture { .. } => MIXTURE,
            TaskKind::Xor { .. } => XOR,
        };
        foreign.retain(|file| *file != own);
    }
    foreign
}

/// Names and locked versions of the crates whose arithmetic enters results.
#[must_use]
pub fn crates() -> Vec<String> {
    named(NUMERICAL_CRATES)
}

/// Names and locked versions of the crates that judge and draw.
#[must_use]
pub fn presenting_crates() -> Vec<String> {
    named(PRESENTING_CRATES)
}

fn named(crates: &[(&str, &str)]) -> Vec<String> {
    crates.iter().map(|(name, version)| format!("{name} {version}")).collect()
}

/// The parameters of an experiment that each replicate depends on, by name: not how many replicates there are.
#[must_use]
pub fn parameters(experiment: &Experiment) -> BTreeMap<String, Value> {
    let model = &experiment.model;
    let mut map: BTreeMap<String, Value> = [
        ("d", model.d.into()),
        ("lambda", model.lambda.into()),
        ("beta", model.beta.into()),
        ("c", model.c.into()),
        ("phi", model.phi.into()),
        ("horizon", experiment.horizon.into()),
        ("checkpoints", experiment.checkpoints.into()),
        ("spacing", format!("{:?}", experiment.spacing).to_lowercase().into()),
    ]
    .into_iter()
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .collect();
    if experiment.simulator == Simulator::Chain {
        map.insert("simulator".to_owned(), "reduced chain".into());
    }
    if let Some(along) = &model.start.along {
        map.insert("start along means".to_owned(), along.clone().into());
    }
    if let Some(second) = &model.start.second {
        map.insert("start of the second layer".to_owned(), second.clone().into());
    }
    match &model.task {
        TaskKind::Mixture { probabilities, means } => {
            map.insert("task".to_owned(), "mixture".into());
            map.insert("probabilities".to_owned(), probabilities.clone().into());
            let means: Value = match means {
                Means::Orthonormal => "orthonormal".into(),
                Means::Gram(gram) => gram.clone().into(),
            };
            map.insert("means".to_owned(), means);
        }
        TaskKind::Xor { width, mu, nu } => {
            map.insert("task".to_owned(), "xor".into());
            map.insert("width".to_owned(), (*width).into());
            map.insert("mu".to_owned(), mu.clone().into());
            map.insert("nu".to_owned(), nu.clone().into());
        }
    }
    map
}
