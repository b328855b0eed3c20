//! The keys under which the store holds the data of an experiment: three groups, and an id for each replicate, query and study.

use crate::digest::{Ingredients, KeyBuilder};
use crate::error::{Error, Result};
use crate::pipeline::code::{Code, parameters};
use crate::problem::experiment::Experiment;
use crate::random::seed::SCHEME;
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::Pair;
use crate::spectrum::answer::QueryResult;
use crate::spectrum::query::{Query, Question};
use crate::store::Group;
use crate::study::{Reading, Study};

/// The groups of an experiment under one root seed.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Trajectories, one per replicate.
    pub trajectories: Group,
    /// Results of queries about them.
    pub spectra: Group,
    /// Readings of studies of them.
    pub studies: Group,
}

impl Groups {
    /// The groups of an experiment.
    ///
    /// # Errors
    /// Parameters without a canonical form.
    pub fn of(code: &Code, experiment: &Experiment, seed: u64) -> Result<Self> {
        let parameters = parameters(experiment)?;
        let group = |kind: &str, digest: &str| {
            let ingredients: Ingredients = KeyBuilder::new(kind)
                .with("experiment", &experiment.name)
                .with("seed", seed)
                .with("seed scheme", SCHEME)
                .with("parameters", parameters.clone())
                .with("code", digest)
                .with("crates", code.crates.clone())
                .finish();
            Group::new(&experiment.name, ingredients)
        };
        Ok(Self {
            trajectories: group("trajectories", code.trajectories(experiment)),
            spectra: group("spectra", code.answers(experiment)),
            studies: group("studies", code.studies(experiment)),
        })
    }

    /// All three.
    #[must_use]
    pub fn all(&self) -> [&Group; 3] {
        [&self.trajectories, &self.spectra, &self.studies]
    }
}

/// Id of a trajectory in its group.
#[must_use]
pub fn trajectory_id(replicate: u32) -> String {
    replicate.to_string()
}

/// Id of the result of a query in its group: the query, and the values of the trajectory that it is about.
#[must_use]
pub fn query_id(replicate: u32, query: Query, trajectory: &str) -> String {
    let Query { checkpoint, sample, block, question } = query;
    let question = match question {
        Question::Top(count) => format!("top {count}"),
        Question::Outliers(count) => format!("outliers {count}"),
        Question::Values => "values".to_owned(),
        Question::Norms => "norms".to_owned(),
        Question::Components(count) => format!("components {count}"),
        Question::ClusterMeans => "cluster means".to_owned(),
    };
    format!(
        "{replicate}, checkpoint {checkpoint}, {}, block {}, {question}, of {trajectory}",
        sample.name(),
        block.shown()
    )
}

/// Id of the readings of a study in their group: the study, and the values of the trajectory that it is about.
#[must_use]
pub fn study_id(replicate: u32, study: &Study, trajectory: &str) -> String {
    format!("{replicate}, {study}, of {trajectory}")
}

/// A trajectory as bytes; equal values give equal bytes on every machine.
///
/// # Errors
/// A value that is not finite.
pub fn trajectory_bytes(trajectory: &Trajectory<Observed>) -> Result<Vec<u8>> {
    let finite = trajectory.checkpoints.iter().all(|observed| {
        observed
            .parameters
            .iter()
            .flatten()
            .chain([&observed.loss, &observed.accuracy])
            .all(|value| value.is_finite())
    });
    encode("trajectory", finite, trajectory)
}

/// The result of a query as bytes; equal values give equal bytes on every machine.
///
/// # Errors
/// A value that is not finite.
pub fn answer_bytes(answer: &QueryResult) -> Result<Vec<u8>> {
    let whole = |pair: &Pair| {
        pair.value.is_finite() && pair.residual.is_finite() && pair.vector.iter().all(|x| x.is_finite())
    };
    let finite = match answer {
        QueryResult::Pairs(both) => both.iter().flatten().all(whole),
        QueryResult::Components(pairs) => pairs.iter().all(whole),
        QueryResult::Values(both) => both.iter().flatten().all(|value| value.is_finite()),
        QueryResult::Norms(both) => both.iter().all(|norms| {
            norms.operator.is_finite() && norms.outside.is_finite() && norms.perpendicular.is_finite()
        }),
    };
    encode("result of a query", finite, answer)
}

/// The readings of a study as bytes; equal values give equal bytes on every machine.
///
/// # Errors
/// A value that is not finite.
pub fn study_bytes(readings: &[Reading]) -> Result<Vec<u8>> {
    encode("reading of a study", readings.iter().all(|reading| reading.value.is_finite()), &readings)
}

fn encode<T: serde::Serialize>(what: &'static str, finite: bool, value: &T) -> Result<Vec<u8>> {
    if !finite {
        return Err(Error::Numeric { routine: what, problem: "holds a value that is not finite".to_owned() });
    }
    postcard::to_stdvec(value).map_err(|error| Error::defect(what, error))
}

/// Decodes a value from its bytes, which have been verified.
///
/// # Errors
/// Bytes that another program wrote under this key.
pub fn decode<T: serde::de::DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|error| Error::defect(what, error))
}
