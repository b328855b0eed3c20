//! What the stages of both tasks share: places, questions, levels, statistics.

use crate::error::Result;
use crate::problem::experiment::{Experiment, Simulator};
use crate::problem::{Means, Model, TaskKind};
use crate::simulation::observe::Observed;
use crate::simulation::task::Block;
use crate::spectrum::Pair;
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::stage::Results;
use crate::stage::rows::{At, Curves, Statistic, curves, statistics_rows};
use crate::theory::Matrix;
use crate::theory::effective_spectrum::EffectiveSpectrum;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Both matrices, named as in tables and as the theory knows them.
pub const MATRICES: [(&str, Matrix); 2] = [("hessian", Matrix::Hessian), ("gradient", Matrix::Gradient)];

/// Where a checkpoint of a replicate is.
#[must_use]
pub fn at(experiment: &Experiment, replicate: u32, observed: &Observed) -> At {
    At {
        experiment: experiment.name.clone(),
        replicate: Some(replicate),
        step: observed.step,
        time: observed.time,
    }
}

/// A question about the test sample.
#[must_use]
pub fn query(checkpoint: usize, block: Block, question: Question) -> Query {
    Query { checkpoint, sample: SampleKind::Test, block, question }
}

/// A count as a value of a table.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
pub fn number(count: usize) -> f64 {
    count as f64
}

/// Tracy-Widom scales between the edge of the bulk and what counts as an outlier.
pub const MARGIN: f64 = 4.0;

/// The level above which an eigenvalue of a d × d matrix counts as an outlier: the right edge of the bulk plus four
/// Tracy-Widom scales, which its extreme eigenvalue exceeds with probability below 10^-3.
#[must_use]
pub fn level(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.right_edge();
    edge.position + MARGIN * edge.tracy_widom_scale(number(d)).unwrap_or(0.0)
}

/// The level below which an eigenvalue counts as a negative outlier, likewise.
#[must_use]
pub fn level_below(spectrum: &EffectiveSpectrum, d: usize) -> f64 {
    let edge = spectrum.left_edge();
    edge.position - MARGIN * edge.tracy_widom_scale(number(d)).unwrap_or(0.0)
}

/// Squared cosine of the angle between an eigenvector and a vector.
#[must_use]
pub fn squared_cosine(pair: &Pair, vector: ndarray::ArrayView1<f64>) -> f64 {
    let product = pair.vector.dot(&vector);
    product * product / vector.dot(&vector)
}

/// A table of statistics, read for its curves.
#[derive(Clone, Debug)]
pub struct Statistics(Vec<Statistic>);

impl Statistics {
    /// The table of this name.
    ///
    /// # Errors
    /// A table the stage does not have or of another shape.
    pub fn read(results: &Results, table: &str) -> Result<Self> {
        Ok(Self(statistics_rows(results.table(table)?)?))
    }

    /// The rows of one statistic of an experiment.
    pub fn rows<'a>(&'a self, experiment: &'a str, name: &'a str) -> impl Iterator<Item = &'a Statistic> {
        self.0.iter().filter(move |row| row.at.experiment == experiment && row.statistic == name)
    }

    /// One curve over time per replicate (0 for a prediction), of a statistic with this first index, or without any.
    #[must_use]
    pub fn curves(&self, experiment: &str, name: &str, row: Option<u32>) -> Curves {
        curves(
            self.rows(experiment, name)
                .filter(|found| found.row == row)
                .map(|found| (&found.at, found.value)),
        )
    }

    /// The smallest value over the first index, as one curve over time per replicate.
    #[must_use]
    pub fn smallest(&self, experiment: &str, name: &str) -> Curves {
        let mut smallest: BTreeMap<u32, BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
        for found in self.rows(experiment, name) {
            let replicate = smallest.entry(found.at.replicate.unwrap_or(0)).or_default();
            let point = replicate.entry(found.at.step).or_insert((found.at.time, f64::INFINITY));
            point.1 = point.1.min(found.value);
        }
        smallest.into_iter().map(|(replicate, points)| (replicate, points.into_values().collect())).collect()
    }
}

/// Every value as a claim's statistic: 1 where it complies, 0 where it does not.
pub fn indicators<T>(values: impl IntoIterator<Item = T>, complies: impl Fn(T) -> bool) -> Vec<f64> {
    values.into_iter().map(|value| f64::from(u8::from(complies(value)))).collect()
}

/// The experiments of one task: of task A (`mixture`) or of task B.
#[must_use]
pub fn of_task<'a>(experiments: &[&'a Experiment], mixture: bool) -> Vec<&'a Experiment> {
    let task = |one: &&Experiment| matches!(one.model.task, TaskKind::Mixture { .. }) == mixture;
    experiments.iter().copied().filter(task).collect()
}

/// Whether test samples have `n = φ d` points: those of reduced chains do not, and no figure shows them.
#[must_use]
pub fn sampled(experiments: &[&Experiment]) -> bool {
    experiments.iter().any(|one| one.simulator == Simulator::Sgd)
}

/// The parameters of experiments as a sentence of a caption, by task: each value once, up to three combinations of values as
/// they belong together, ranges over more.
#[must_use]
pub fn parameters(experiments: &[&Experiment]) -> String {
    let (mixture, network) = (of_task(experiments, true), of_task(experiments, false));
    if mixture.is_empty() || network.is_empty() {
        return format!("Parameters: {}; {}", values(experiments), replicates(experiments));
    }
    let task = |name: &str, of: &[&Experiment]| format!("{name}, {}, {}", values(of), replicates(of));
    format!("Parameters: {}; {}", task("task A", &mixture), task("task B", &network))
}

fn replicates(experiments: &[&Experiment]) -> String {
    format!("replicates: {}", distinct(experiments.iter().map(|one| f64::from(one.replicates))))
}

/// The values of the parameters of experiments of one task.
fn values(experiments: &[&Experiment]) -> String {
    let rows = |one: &&Experiment| if matches!(one.model.task, TaskKind::Mixture { .. }) { "k" } else { "K" };
    let names = [experiments.first().map_or("k", rows), "d", "λ", "β", "c", "φ", "T"];
    let of = |one: &Experiment| {
        let model = &one.model;
        [
            number(model.task.rows()),
            number(model.d),
            model.lambda,
            model.beta,
            model.c,
            model.phi,
            one.horizon,
        ]
    };
    let mut sets: Vec<[f64; 7]> = Vec::new();
    for set in experiments.iter().map(|one| of(one)) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let varies = |index: usize| sets.iter().any(|set| set[index].total_cmp(&sets[0][index]).is_ne());
    let varied: Vec<usize> = (0..names.len()).filter(|index| varies(*index)).collect();
    let paired = varied.len() > 1 && sets.len() <= 3;
    let together = |set: &[f64; 7]| {
        varied
            .iter()
            .map(|index| format!("{} = {}", names[*index], set[*index]))
            .collect::<Vec<_>>()
            .join(" with ")
    };
    let mut words = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if *name == "φ" && !sampled(experiments) {
            continue;
        }
        if !paired || !varied.contains(&index) {
            words.push(format!("{name} = {}", distinct(sets.iter().map(|set| set[index]))));
        } else if varied.first() == Some(&index) {
            words.push(listed(&sets.iter().map(together).collect::<Vec<_>>()));
        }
        if index == 0 {
            words.extend(experiments.first().and_then(|one| classes(&one.model.task)));
        }
    }
    words.extend(experiments.first().and_then(|one| start(&one.model)));
    words.join(", ")
}

/// What is given of the start of task B.
fn start(model: &Model) -> Option<String> {
    let TaskKind::Xor { .. } = model.task else { return None };
    let mut words = Vec::new();
    if let Some(along) = &model.start.along {
        let pairs: Vec<String> = along
            .iter()
            .map(|row| format!("({})", row.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")))
            .collect();
        words.push(format!("(W_i·μ, W_i·ν) = {}", listed(&pairs)));
    }
    if let Some(second) = &model.start.second {
        words.push(format!("v_i = {}", listed(&second.iter().map(f64::to_string).collect::<Vec<_>>())));
    }
    (!words.is_empty()).then(|| format!("at the start {}", words.join(" and ")).replace('-', "−"))
}

/// Class probabilities where they are not equal, and inner products of means that are not orthogonal.
fn classes(task: &TaskKind) -> Option<String> {
    let TaskKind::Mixture { probabilities, means } = task else { return None };
    let mut words = Vec::new();
    if probabilities.iter().any(|p| p.total_cmp(&probabilities[0]).is_ne()) {
        let each: Vec<String> = probabilities.iter().map(f64::to_string).collect();
        words.push(format!("class probabilities {}", listed(&each)));
    }
    if let Means::Gram(gram) = means {
        for (a, row) in (1..).zip(gram) {
            for (b, product) in (1..a).zip(row).filter(|(_, product)| **product != 0.0) {
                words.push(format!("μ_{b}·μ_{a} = {product}"));
            }
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Words with commas, and "and" before the last.
#[must_use]
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Distinct values in increasing order: up to three as a list, more as a range.
fn distinct(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    match values.as_slice() {
        [low, _, _, .., high] => format!("{low} to {high}"),
        few => listed(&few.iter().map(f64::to_string).collect::<Vec<_>>()),
    }
}
