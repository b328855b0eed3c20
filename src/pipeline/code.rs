//! What simulated data depend on: parameters, source code and versions of crates.

use crate::digest::Value;
use crate::error::{Error, Result};
use crate::mutation;
use crate::pipeline::closure::{NUMERICAL_CRATES, PRESENTING_CRATES, closure};
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::{data, network};
use crate::study::definition;
use std::collections::BTreeMap;

/// Files that hold no mathematics: a change in an error message is no change of a result.
pub const NOT_DIGESTED: &str = "src/error.rs";

/// Digests of the code behind simulated units, by the source files of data law and network.
#[derive(Clone, Debug)]
pub struct Code {
    roots: BTreeMap<[&'static str; 2], Roots>,
    /// Names and locked versions of the crates whose arithmetic enters results, and the mutation of the build if it has one.
    pub crates: Vec<String>,
}

/// Digests of the code behind trajectories by SGD, behind those by the reduced chain, behind answers and behind studies.
#[derive(Clone, Debug, Default)]
struct Roots {
    sgd: String,
    chain: String,
    answers: String,
    studies: String,
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
        let mut roots = BTreeMap::new();
        for own in data::SOURCES.into_iter().flat_map(|law| network::SOURCES.map(|network| [law, network])) {
            let mut skipped = other_than(&own);
            skipped.push(NOT_DIGESTED);
            let digest = |root: &str| Ok::<_, Error>(closure(&[root], &skipped)?.digest());
            let code = Roots {
                sgd: digest("src/simulation/observe.rs")?,
                chain: digest("src/simulation/chain/mod.rs")?,
                answers: digest("src/spectrum/answer.rs")?,
                studies: digest(definition::SOURCE)?,
            };
            roots.insert(own, code);
        }
        Ok(Self { roots, crates: crates() })
    }

    fn roots(&self, experiment: &Experiment) -> &Roots {
        &self.roots[&own(experiment)]
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

    /// Digest of the code behind studies of an experiment.
    #[must_use]
    pub fn studies(&self, experiment: &Experiment) -> &str {
        &self.roots(experiment).studies
    }
}

/// Source files of the data law and the network of an experiment.
fn own(experiment: &Experiment) -> [&'static str; 2] {
    [experiment.problem.data.source(), experiment.problem.network.source()]
}

/// Source files of the data laws and networks that are not among these.
fn other_than(own: &[&'static str]) -> Vec<&'static str> {
    let all = data::SOURCES.into_iter().chain(network::SOURCES);
    all.filter(|file| !own.contains(file)).collect()
}

/// Source files of the data laws and networks that none of these experiments has: a change in one is no change of another's
/// results.
pub fn other_parts<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> Vec<&'static str> {
    other_than(&experiments.into_iter().flat_map(own).collect::<Vec<_>>())
}

/// Names and locked versions of the crates whose arithmetic enters results, and the mutation of the build if it has one.
#[must_use]
pub fn crates() -> Vec<String> {
    let mut all = named(NUMERICAL_CRATES);
    all.extend(mutation::NAME.map(|name| format!("mutation {name}")));
    all
}

/// Names and locked versions of the crates that judge and draw.
pub(crate) fn presenting_crates() -> Vec<String> {
    named(PRESENTING_CRATES)
}

fn named(crates: &[(&str, &str)]) -> Vec<String> {
    crates.iter().map(|(name, version)| format!("{name} {version}")).collect()
}

/// The parameters of an experiment that each replicate depends on, by name: not how many replicates there are.
///
/// # Errors
/// Two parameters of one name.
pub fn parameters(experiment: &Experiment) -> Result<BTreeMap<String, Value>> {
    let mut parameters = match Value::of(experiment)? {
        Value::Map(parameters) => parameters,
        other => BTreeMap::from([("parameters".to_owned(), other)]),
    };
    parameters.remove("replicates");
    Ok(parameters)
}
