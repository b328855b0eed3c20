//! What becomes of whole runs: outliers, classified clusters and covered directions, for the stages on rank and its law.

use crate::error::Result;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS, Spacing};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::Question;
use crate::stage::estimate::Values;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, located, places};
use crate::stage::{Data, Profile, Results, Settings};
use crate::stages::common::shared::{at, query, small};
use crate::stages::common::xor::{
    CLASSIFIED, SECOND, above, checked, classified, classified_with_zero, covered, experiment,
    hessian_threshold, law, neurons,
};
use crate::table::{Table, TableBuilder};
use std::collections::BTreeSet;

/// Width of the networks whose rank follows a law that can be counted by hand.
pub const NARROW: usize = 4;

/// An experiment with all eigenvalues of the second-layer block of every replicate at these checkpoints.
///
/// # Errors
/// A parameter outside its range.
pub fn request(settings: &Settings, experiment: Experiment, checkpoints: Checkpoints) -> Result<Request> {
    Ok(Request::new(checked(settings, experiment)?).every_replicate(checkpoints, SECOND, Question::Values))
}

/// Parameters of a point of the study of ranks.
#[derive(Clone, Debug)]
pub struct Point {
    /// Name of the experiment.
    pub name: String,
    /// Width K.
    pub width: usize,
    /// Dimension in the paper profile.
    pub d: usize,
    /// Signal-to-noise ratio.
    pub lambda: f64,
    /// Training time.
    pub horizon: f64,
    /// Replicates in the paper profile.
    pub replicates: u32,
}

impl Point {
    /// The experiment at this point, with the fewest checkpoints or about twice as many.
    ///
    /// By the time 60 to 80 every neuron has chosen, and its choice can be told from what is left of the start.
    pub fn experiment(self, profile: Profile, followed: bool) -> Experiment {
        let mut experiment = experiment(profile, &self.name, self.width, self.d, self.lambda);
        experiment.problem.data.set_d(profile.pick(self.d, 50));
        experiment.horizon = self.horizon;
        if followed {
            experiment.spacing = Spacing::Geometric;
        }
        experiment.checkpoints = if followed {
            profile.pick(2 * FEWEST_CHECKPOINTS - 1, FEWEST_CHECKPOINTS)
        } else {
            FEWEST_CHECKPOINTS
        };
        experiment.replicates = profile.pick(self.replicates, 40);
        experiment
    }
}

/// What became of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Where it ended.
    pub at: At,
    /// Outliers of `H_vv`.
    pub outliers: u32,
    /// Classified clusters.
    pub classified: u32,
    /// The same where the output 0 counts as label 0.
    pub classified_with_zero: u32,
    /// Directions that alive neurons point to, as a sum of powers of two.
    pub covered: u32,
    /// Directions that the signs at the start foretold, likewise.
    pub foretold: u32,
    /// Accuracy over all clusters.
    pub accuracy: f64,
    /// Smallest factor between an eigenvalue of `H_vv` and the level of outliers, as |ln|: small where the count is a close call.
    pub clearance: f64,
    /// Smallest distance of a cluster's accuracy from the 0.9 that classifies it.
    pub distance: f64,
}

impl Run {
    /// The run that this replicate made.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn of(data: &dyn Data, experiment: &Experiment, replicate: u32) -> Result<Option<Self>> {
        let trajectory = data.trajectory(&experiment.name, replicate)?;
        let last = experiment.schedule().len() - 1;
        let (Some(start), Some(end)) = (trajectory.checkpoints.first(), trajectory.checkpoints.get(last))
        else {
            return Ok(None);
        };
        let values = data.values(&experiment.name, replicate, query(last, SECOND, Question::Values))?;
        let threshold = hessian_threshold(experiment, end)?;
        let foretold = neurons(experiment, start).iter().map(|neuron| neuron.foretold).collect();
        let closest = |least: f64, value: f64| least.min(value);
        Ok(Some(Self {
            at: at(experiment, replicate, end),
            outliers: small(above(values[0].iter().copied(), threshold)),
            classified: small(classified(end)),
            classified_with_zero: small(classified_with_zero(&law(experiment, end)?)),
            covered: bits(&covered(&neurons(experiment, end))),
            foretold: bits(&foretold),
            accuracy: end.accuracy,
            clearance: values[0]
                .iter()
                .filter(|value| **value > 0.0)
                .map(|value| libm::log(value / threshold).abs())
                .fold(f64::MAX, closest),
            distance: accuracies(end).map(|share| (share - CLASSIFIED).abs()).fold(f64::MAX, closest),
        }))
    }

    /// Number of covered directions.
    pub fn rank(&self) -> u32 {
        self.covered.count_ones()
    }

    /// Why outliers and classified clusters differ, in words; nothing where they are equal.
    pub fn exception(&self) -> Option<String> {
        if self.outliers == self.classified {
            return None;
        }
        let cause = if self.outliers == self.rank() {
            format!(
                "a direction is covered and makes an outlier, but its cluster is not classified: the nearest accuracy is {:.3} from {CLASSIFIED}",
                self.distance
            )
        } else if self.classified == self.rank() {
            format!(
                "the clusters follow the covered directions, but an eigenvalue lies within a factor {:.2} of the level",
                libm::exp(self.clearance)
            )
        } else {
            format!(
                "{} directions are covered: the nearest accuracy is {:.3} from {CLASSIFIED}, the nearest eigenvalue within a factor {:.2} of the level",
                self.rank(),
                self.distance,
                libm::exp(self.clearance)
            )
        };
        Some(cause)
    }
}

fn accuracies(observed: &Observed) -> impl Iterator<Item = f64> {
    observed.cluster_accuracy.iter().flatten().copied()
}

/// Directions as a sum of powers of two.
pub fn bits(directions: &BTreeSet<usize>) -> u32 {
    directions.iter().map(|direction| 1 << direction).sum()
}

/// All runs of the stage's experiments.
///
/// # Errors
/// A store that cannot be read.
pub fn runs(data: &dyn Data) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for experiment in data.experiments() {
        for replicate in data.finished(&experiment.name)? {
            runs.extend(Run::of(data, experiment, replicate)?);
        }
    }
    Ok(runs)
}

/// One number of every run of an experiment, by replicate.
pub fn of_runs(runs: &[Run], experiment: &str, value: impl Fn(&Run) -> f64) -> Values {
    let all = runs.iter().filter(|run| run.at.experiment == experiment);
    all.filter_map(|run| Some((run.at.replicate?, value(run)))).collect()
}

/// Whether something is so in every run of an experiment, by replicate: 1 or 0.
pub fn is_so(runs: &[Run], experiment: &str, complies: impl Fn(&Run) -> bool) -> Values {
    of_runs(runs, experiment, |run| f64::from(u8::from(complies(run))))
}

/// The same of what one run and the next say together: the null of a claim that two numbers of a run agree.
pub fn with_next(runs: &[Run], experiment: &str, complies: impl Fn(&Run, &Run) -> bool) -> Values {
    let all: Vec<&Run> = runs.iter().filter(|run| run.at.experiment == experiment).collect();
    let next = all.iter().cycle().skip(1);
    let pairs = all.iter().zip(next);
    pairs
        .filter_map(|(run, next)| Some((run.at.replicate?, f64::from(u8::from(complies(run, next))))))
        .collect()
}

/// A column of the table `runs`, with its place in a run.
type Column<T> = (&'static str, fn(&mut Run) -> &mut T);
/// Columns of counts.
const COUNTS: [Column<u32>; 5] = [
    ("outliers", |run| &mut run.outliers),
    ("classified", |run| &mut run.classified),
    ("classified_with_zero", |run| &mut run.classified_with_zero),
    ("covered", |run| &mut run.covered),
    ("foretold", |run| &mut run.foretold),
];
/// Columns of other numbers.
const NUMBERS: [Column<f64>; 3] = [
    ("accuracy", |run| &mut run.accuracy),
    ("clearance", |run| &mut run.clearance),
    ("distance", |run| &mut run.distance),
];

/// The table `runs`.
///
/// # Errors
/// NaN.
pub fn runs_table(runs: &[Run]) -> Result<Table> {
    fn each<T: Copy>(runs: &[Run], of: fn(&mut Run) -> &mut T) -> Vec<T> {
        runs.iter().cloned().map(|mut run| *of(&mut run)).collect()
    }
    let table = located("runs", runs.iter().map(|run| &run.at));
    let table = COUNTS.into_iter().fold(table, |table, (name, of)| table.u32(name, each(runs, of)));
    NUMBERS.into_iter().fold(table, |table, (name, of)| table.f64(name, each(runs, of))).build()
}

/// Its rows.
///
/// # Errors
/// A table the stage does not have or of another shape.
pub fn runs_rows(results: &Results) -> Result<Vec<Run>> {
    let table = results.table("runs")?;
    let mut runs: Vec<Run> = places(table)?.into_iter().map(|at| Run { at, ..Run::default() }).collect();
    for (name, of) in COUNTS {
        runs.iter_mut()
            .zip(table.present(name, table.u32s(name)?)?)
            .for_each(|(run, value)| *of(run) = value);
    }
    for (name, of) in NUMBERS {
        runs.iter_mut()
            .zip(table.present(name, table.f64s(name)?)?)
            .for_each(|(run, value)| *of(run) = value);
    }
    Ok(runs)
}

/// The table `exceptions`: the runs in which outliers and classified clusters differ, with the cause.
///
/// # Errors
/// NaN.
pub fn exceptions_table(runs: &[Run]) -> Result<Table> {
    let found: Vec<(&Run, String)> =
        runs.iter().filter_map(|run| run.exception().map(|cause| (run, cause))).collect();
    TableBuilder::new("exceptions")
        .str("experiment", &found.iter().map(|(run, _)| run.at.experiment.as_str()).collect::<Vec<_>>())
        .u32_or_null("replicate", found.iter().map(|(run, _)| run.at.replicate).collect())
        .u32("outliers", found.iter().map(|(run, _)| run.outliers).collect())
        .u32("classified", found.iter().map(|(run, _)| run.classified).collect())
        .u32("directions", found.iter().map(|(run, _)| run.rank()).collect())
        .str("cause", &found.iter().map(|(_, cause)| cause.as_str()).collect::<Vec<_>>())
        .build()
}
