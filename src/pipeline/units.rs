//! The cached units as tables: a trajectory (experiment, replicate), and the answer to one question about it.

use crate::digest::{Ingredients, KeyBuilder, Value};
use crate::error::{Error, Result};
use crate::pipeline::closure::{NUMERICAL_CRATES, PRESENTING_CRATES, closure};
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::{data, network};
use crate::random::seed::{SCHEME, Seed};
use crate::simulation::task::{Matrix, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::Answer;
use crate::spectrum::query::{Query, Question};
use crate::spectrum::{Norms, Pair};
use crate::table::{Table, TableBuilder};
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

/// Files that hold no mathematics: a change in an error message is no change of a result.
pub const NO_MATHEMATICS: &str = "src/error.rs";

/// Digests of the code behind simulated units, by the source files of data law and network.
#[derive(Clone, Debug)]
pub struct Code {
    roots: BTreeMap<[&'static str; 2], Roots>,
    crates: Vec<String>,
}

/// Digests of the code behind trajectories by SGD, behind those by the reduced chain, and behind answers.
#[derive(Clone, Debug, Default)]
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
        let mut roots = BTreeMap::new();
        for own in data::SOURCES.into_iter().flat_map(|law| network::SOURCES.map(|network| [law, network])) {
            let mut skipped = foreign_to(&own);
            skipped.push(NO_MATHEMATICS);
            let digest = |root: &str| Ok::<_, Error>(closure(&[root], &skipped)?.digest());
            let code = Roots {
                sgd: digest("src/simulation/observe.rs")?,
                chain: digest("src/simulation/chain/mod.rs")?,
                answers: digest("src/spectrum/answer.rs")?,
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
}

/// Source files of the data law and the network of an experiment.
fn own(experiment: &Experiment) -> [&'static str; 2] {
    [experiment.problem.data.source(), experiment.problem.network.source()]
}

/// Source files of the data laws and networks that are not among these.
fn foreign_to(own: &[&'static str]) -> Vec<&'static str> {
    let all = data::SOURCES.into_iter().chain(network::SOURCES);
    all.filter(|file| !own.contains(file)).collect()
}

/// Source files of the data laws and networks that none of these experiments has: a change in one is no change of another's
/// results.
pub fn foreign<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> Vec<&'static str> {
    foreign_to(&experiments.into_iter().flat_map(own).collect::<Vec<_>>())
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

/// Ingredients of a trajectory.
///
/// # Errors
/// As for [`parameters`].
pub fn trajectory_key(code: &Code, experiment: &Experiment, seed: &Seed) -> Result<Ingredients> {
    Ok(KeyBuilder::new("trajectory")
        .with("experiment", &experiment.name)
        .with("replicate", seed.replicate)
        .with("seed", seed.root)
        .with("seed scheme", SCHEME)
        .with("parameters", parameters(experiment)?)
        .with("code", code.trajectories(experiment))
        .with("crates", code.crates.clone())
        .finish())
}

/// Ingredients of an answer: the question, and the values of the trajectory it is about.
///
/// # Errors
/// As for [`parameters`].
pub fn answer_key(
    code: &Code,
    experiment: &Experiment,
    seed: &Seed,
    query: Query,
    trajectory: &str,
) -> Result<Ingredients> {
    Ok(KeyBuilder::new("spectra")
        .with("experiment", &experiment.name)
        .with("replicate", seed.replicate)
        .with("seed", seed.root)
        .with("seed scheme", SCHEME)
        .with("parameters", parameters(experiment)?)
        .with("trajectory", trajectory)
        .with("question", Value::of(&query)?)
        .with("code", code.answers(experiment))
        .with("crates", code.crates.clone())
        .finish())
}

#[allow(clippy::cast_possible_truncation, reason = "indices of checkpoints, rows and ranks are small")]
fn small(index: usize) -> u32 {
    index as u32
}

/// The two tables of a trajectory: `trajectory` with the parameters, one row of a layer at one checkpoint in each row, and
/// `evaluation` with loss and accuracy on the test sample, over all clusters (null) and within each.
///
/// # Errors
/// A value that is NaN.
pub fn trajectory_tables(trajectory: &Trajectory<Observed>, task: &dyn Task) -> Result<Vec<Table>> {
    let (mut checkpoint, mut step, mut time, mut layer, mut row) = (vec![], vec![], vec![], vec![], vec![]);
    let mut values = Vec::new();
    let (mut at, mut cluster, mut loss, mut accuracy) = (vec![], vec![], vec![], vec![]);
    for (index, observed) in trajectory.checkpoints.iter().enumerate() {
        for ((name, ..), parameters) in task.layers().iter().zip(&observed.parameters) {
            for (number, entries) in parameters.rows().into_iter().enumerate() {
                checkpoint.push(small(index));
                step.push(observed.step);
                time.push(observed.time);
                layer.push(name.clone());
                row.push(small(number));
                values.push(entries.to_vec());
            }
        }
        at.push(small(index));
        cluster.push(None);
        loss.push(Some(observed.loss));
        accuracy.push(Some(observed.accuracy));
        for (number, share) in observed.cluster_accuracy.iter().enumerate() {
            at.push(small(index));
            cluster.push(Some(small(number)));
            loss.push(None);
            accuracy.push(*share);
        }
    }
    let diverged = vec![trajectory.diverged; checkpoint.len()];
    Ok(vec![
        TableBuilder::new("trajectory")
            .u32("checkpoint", checkpoint)
            .u64("step", step)
            .f64("time", time)
            .str("layer", &layer)
            .u32("row", row)
            .f64_list("values", &values)
            .u64_or_null("diverged_step", diverged)
            .build()?,
        TableBuilder::new("evaluation")
            .u32("checkpoint", at)
            .u32_or_null("cluster", cluster)
            .f64_or_null("loss", loss)
            .f64_or_null("accuracy", accuracy)
            .build()?,
    ])
}

fn misshapen(table: &str) -> Error {
    Error::damaged(format!("table {table}"), "does not have the shape it was written with")
}

/// A trajectory back from its two tables.
///
/// # Errors
/// Tables of another shape.
pub fn trajectory_from(tables: [&Table; 2], task: &dyn Task) -> Result<Trajectory<Observed>> {
    let [rows, evaluation] = tables;
    let checkpoint = rows.present("checkpoint", rows.u32s("checkpoint")?)?;
    let step = rows.present("step", rows.u64s("step")?)?;
    let time = rows.present("time", rows.f64s("time")?)?;
    let mut values = rows.present("values", rows.f64_lists("values")?)?.into_iter();
    let diverged = rows.u64s("diverged_step")?.first().copied().flatten();
    let layers = task.layers();
    let per_checkpoint: usize = layers.iter().map(|(_, rows, _)| rows).sum();
    let mut checkpoints = Vec::new();
    for start in (0..checkpoint.len()).step_by(per_checkpoint) {
        let mut parameters = Vec::with_capacity(layers.len());
        for &(_, rows, cols) in &layers {
            let flat: Vec<f64> = values.by_ref().take(rows).flatten().collect();
            parameters.push(Array2::from_shape_vec((rows, cols), flat).map_err(|_| misshapen("trajectory"))?);
        }
        checkpoints.push(Observed {
            step: step[start],
            time: time[start],
            parameters,
            loss: 0.0,
            accuracy: 0.0,
            cluster_accuracy: Vec::new(),
            outputs: None,
        });
    }
    let at = evaluation.present("checkpoint", evaluation.u32s("checkpoint")?)?;
    let cluster = evaluation.u32s("cluster")?;
    let (loss, accuracy) = (evaluation.f64s("loss")?, evaluation.f64s("accuracy")?);
    for row in 0..at.len() {
        let observed = checkpoints.get_mut(at[row] as usize).ok_or_else(|| misshapen("evaluation"))?;
        if cluster[row].is_some() {
            observed.cluster_accuracy.push(accuracy[row]);
        } else {
            observed.loss = loss[row].ok_or_else(|| misshapen("evaluation"))?;
            observed.accuracy = accuracy[row].ok_or_else(|| misshapen("evaluation"))?;
        }
    }
    Ok(Trajectory { checkpoints, diverged })
}

/// The table of an answer: `matrix`, then `eigenvalue, residual, vector` of each pair, `eigenvalue`, or the three norms.
///
/// # Errors
/// A value that is NaN.
pub fn answer_table(answer: &Answer) -> Result<Table> {
    let table = TableBuilder::new("answer");
    match answer {
        Answer::Pairs(both) => {
            let all = || {
                Matrix::BOTH
                    .iter()
                    .zip(both)
                    .flat_map(|(matrix, pairs)| pairs.iter().map(move |pair| (matrix, pair)))
            };
            table
                .str("matrix", &all().map(|(matrix, _)| matrix.name()).collect::<Vec<_>>())
                .f64("eigenvalue", all().map(|(_, pair)| pair.value).collect())
                .f64("residual", all().map(|(_, pair)| pair.residual).collect())
                .f64_list("vector", &all().map(|(_, pair)| pair.vector.to_vec()).collect::<Vec<_>>())
        }
        Answer::Values(both) => {
            let all = || {
                Matrix::BOTH
                    .iter()
                    .zip(both)
                    .flat_map(|(matrix, values)| values.iter().map(move |value| (matrix, *value)))
            };
            table
                .str("matrix", &all().map(|(matrix, _)| matrix.name()).collect::<Vec<_>>())
                .f64("eigenvalue", all().map(|(_, value)| value).collect())
        }
        Answer::Norms(both) => table
            .str("matrix", &Matrix::BOTH.map(Matrix::name))
            .f64("operator", both.iter().map(|norms| norms.operator).collect())
            .f64("outside", both.iter().map(|norms| norms.outside).collect())
            .f64("perpendicular", both.iter().map(|norms| norms.perpendicular).collect()),
    }
    .build()
}

/// An answer back from its table.
///
/// # Errors
/// A table of another shape.
pub fn answer_from(table: &Table, question: Question) -> Result<Answer> {
    let matrix = table.present("matrix", table.strs("matrix")?)?;
    let is = |row: usize, of: Matrix| matrix[row] == of.name();
    let column = |name: &str| table.present(name, table.f64s(name)?);
    Ok(match question {
        Question::Top(_) | Question::Outliers(_) => {
            let (value, residual) = (column("eigenvalue")?, column("residual")?);
            let vectors = table.present("vector", table.f64_lists("vector")?)?;
            Answer::Pairs(Matrix::BOTH.map(|of| {
                (0..value.len())
                    .filter(|&row| is(row, of))
                    .map(|row| Pair {
                        value: value[row],
                        residual: residual[row],
                        vector: Array1::from(vectors[row].clone()),
                    })
                    .collect()
            }))
        }
        Question::Values => {
            let value = column("eigenvalue")?;
            Answer::Values(
                Matrix::BOTH
                    .map(|of| (0..value.len()).filter(|&row| is(row, of)).map(|row| value[row]).collect()),
            )
        }
        Question::Norms => {
            let (operator, outside, perpendicular) =
                (column("operator")?, column("outside")?, column("perpendicular")?);
            if operator.len() != 2 {
                return Err(misshapen("answer"));
            }
            let norms = |row: usize| Norms {
                operator: operator[row],
                outside: outside[row],
                perpendicular: perpendicular[row],
            };
            Answer::Norms([norms(0), norms(1)])
        }
    })
}
