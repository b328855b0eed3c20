//! Samples that SGD has seen beside fresh ones, at the end of training, with what [`crate::theory::own_samples`] predicts.
//!
//! The last n samples of the run are its own, and so are the first n. Each of the last n has a *twin*, a fresh sample that is shown to
//! the network at the same step but not learned. Shifting what the first layer makes of every twin as if it had been
//! learned gives the prediction for the last n: the matrices, eigenvalues and losses of twins so shifted. Fresh samples are the twins
//! without the shift.
//!
//! Nothing here knows which network it is: gradients in the first layer are what a step on a copy changes, curvatures are means of the
//! weights of blocks, and a shifted output is that of a network with `W + Δ` on its own point.

use crate::error::{Error, Result};
use crate::problem::{Problem, as_f64};
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{Sample, Stream};
use crate::simulation::kernel::padded;
use crate::simulation::task::{Block, Matrix, Parameters, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::BlockMatrix;
use crate::spectrum::leading_space;
use crate::spectrum::subspace::overlap;
use crate::study::points::Points;
use crate::study::reading::Reading;
use crate::theory::own_samples::Memory;
use ndarray::{Array1, Array2, ArrayView1, s};
use serde::Serialize;
use std::fmt;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OwnSamples {
    /// Rows of the first layer whose diagonal blocks are averaged over, or all if there are fewer.
    pub rows: u32,
    /// Parts of the last n samples, by age, whose losses are told apart.
    pub ages: u32,
    /// How many of the last n samples are left out of training, one at a time.
    pub left_out: u32,
    /// Whether the matrices of the first n samples are computed as well.
    pub first: bool,
}

impl OwnSamples {
    /// Approximate time, in nanoseconds.
    #[must_use]
    pub fn cost(&self, problem: &Problem, horizon: f64) -> f64 {
        let (d, rows) = (as_f64(problem.d()), f64::from(self.rows));
        let steps = horizon * d / problem.training.c;
        let samples = if self.first { 4.0 } else { 3.0 };
        let n = problem.training.phi * d;
        steps * (100.0 + 3.0 * d) + samples * 2.0 * rows * (n * d * d / 12.0 + d * d * d / 5.0)
    }
}

impl fmt::Display for OwnSamples {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, ages, left_out, first } = self;
        write!(out, "own samples, {rows} rows, {ages} ages, {left_out} left out, first {first}")
    }
}

/// Points in the order in which the network met them.
struct Met {
    /// n × padded(d).
    rows: Array2<f64>,
    clusters: Vec<u32>,
    /// Gradients in the first layer at their steps, n × K.
    gradients: Array2<f64>,
}

impl Met {
    fn new(n: usize, width: usize, rows: usize) -> Self {
        let gradients = Array2::zeros((n, rows));
        Self { rows: Array2::zeros((n, width)), clusters: vec![0; n], gradients }
    }
}

/// A run with what it met in its last n steps.
struct Run {
    own: Met,
    twins: Met,
    /// Parameters before the steps of those samples that are left out, with the places of these.
    before: Vec<(usize, Parameters)>,
    end: Parameters,
    last: u64,
}

/// `∂L/∂(W Y)` of a sample (length K): what a step on a copy of the network changes in the first layer, over `-δ Y`.
fn gradient(task: &dyn Task, parameters: &Parameters, label: u32, y: &[f64]) -> Result<Array1<f64>> {
    let (step, beta) = (task.problem().step_size(), task.problem().training.beta);
    let mut learner = task.learner(parameters);
    if !learner.step(label, y) {
        return Err(Error::Numeric { routine: "gradient", problem: "the network diverges".to_owned() });
    }
    let point = ArrayView1::from(&y[..task.problem().d()]);
    let change = &parameters[0] * (1.0 - step * beta) - &learner.parameters()[0];
    Ok(change.dot(&point) / (step * point.dot(&point)))
}

/// Trains once more, and keeps what the last n steps meet, and the parameters before some of them.
fn repeat(task: &dyn Task, seed: &Seed, last: u64, n: usize, kept: &[usize]) -> Result<Run> {
    let (law, width) = (task.law(), padded(task.problem().d()));
    let mut learner = task.learner(&task.initial(seed));
    let [mut train, mut test] = [Purpose::Train, Purpose::Test].map(|of| Stream::new(law, seed, of));
    let (mut own, mut twins) =
        (Met::new(n, width, task.problem().rows()), Met::new(n, width, task.problem().rows()));
    let mut before = Vec::new();
    let mut y = vec![0.0; width];
    for step in 0..last {
        let cluster = train.next_into(&mut y);
        if let Some(place) = (step + n as u64).checked_sub(last) {
            #[allow(clippy::cast_possible_truncation, reason = "below n")]
            let place = place as usize;
            let parameters = learner.parameters();
            for (met, cluster, stream) in
                [(&mut own, Some(cluster), &mut train), (&mut twins, None, &mut test)]
            {
                let mut row = met.rows.row_mut(place);
                let Some(row) = row.as_slice_mut() else { continue };
                let cluster = if let Some(cluster) = cluster {
                    row.copy_from_slice(&y);
                    cluster
                } else {
                    stream.next_into(row)
                };
                met.clusters[place] = cluster;
                let gradient = gradient(task, &parameters, law.labels()[cluster as usize], row)?;
                met.gradients.row_mut(place).assign(&gradient);
            }
            if kept.contains(&place) {
                before.push((place, parameters));
            }
        }
        if !learner.step(law.labels()[cluster as usize], &y) {
            return Err(Error::defect("own samples", "a run that reached the end diverges when repeated"));
        }
    }
    Ok(Run { own, twins, before, end: learner.parameters(), last })
}

/// The first layer.
fn first_layer(task: &dyn Task) -> crate::problem::network::Layer {
    task.layers()[0].0
}

/// `C = E[∂²L/∂p ∂pᵀ]` (K × K) on a sample: means of the weights of the first layer's blocks of H.
fn curvature(task: &dyn Task, parameters: &Parameters, sample: &Sample) -> Result<Array2<f64>> {
    let outputs = task.evaluate(parameters, sample).outputs;
    let (layer, rows) = (first_layer(task), task.problem().rows());
    let mut mean = Array2::zeros((rows, rows));
    for (row, index) in (0_u32..).zip(0..rows) {
        for (col, other) in (0_u32..).zip(0..=index) {
            let block = Block { layer, row, col };
            let weights = task.curvature(Matrix::Hessian, block, parameters, &outputs, sample)?.weights;
            let entry = weights.iter().sum::<f64>() / as_f64(weights.len());
            mean[[index, other]] = entry;
            mean[[other, index]] = entry;
        }
    }
    Ok(mean)
}

/// Losses and outputs of points, one by one; `moved` changes the first layer for each.
fn one_by_one(
    task: &dyn Task,
    parameters: &Parameters,
    met: &Met,
    moved: &dyn Fn(usize) -> Option<Array2<f64>>,
) -> (Vec<f64>, Array2<f64>) {
    let mut losses = Vec::with_capacity(met.clusters.len());
    let mut outputs: Option<Array2<f64>> = None;
    let mut network = parameters.clone();
    for place in 0..met.clusters.len() {
        if let Some(change) = moved(place) {
            network[0] = &parameters[0] + &change;
        }
        let row = met.rows.slice(s![place..=place, ..]).to_owned();
        let point = Points::new(task.law(), &row, vec![met.clusters[place]]).sample();
        let evaluation = task.evaluate(&network, &point);
        losses.push(evaluation.loss);
        let all =
            outputs.get_or_insert_with(|| Array2::zeros((met.clusters.len(), evaluation.outputs.ncols())));
        all.row_mut(place).assign(&evaluation.outputs.row(0));
    }
    (losses, outputs.unwrap_or_default())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / as_f64(values.len())
}

/// Standard deviation.
fn scatter(values: &[f64]) -> f64 {
    let middle = mean(values);
    (values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>() / as_f64(values.len()))
        .sqrt()
}

/// A sample with what the network makes of it.
struct Seen<'a> {
    of: &'a str,
    sample: &'a Sample,
    outputs: &'a Array2<f64>,
}

/// Eigenvalues, weights and outlier spaces of the first layer's diagonal blocks on a sample: means over rows.
fn spectra(
    task: &dyn Task,
    parameters: &Parameters,
    (rows, last): (u32, u64),
    Seen { of, sample, outputs }: &Seen,
    readings: &mut Vec<Reading>,
) -> Result<()> {
    let (layer, space) = (first_layer(task), task.mean_space());
    let outliers = space.ncols();
    let mut components: Option<f64> = None;
    for matrix in Matrix::BOTH {
        let mut values = vec![0.0; outliers + 1];
        let (mut shares, mut weights) = (0.0, vec![0.0; sample.len()]);
        for row in 0..rows {
            let block = Block::diagonal(layer, row);
            let curvature = task.curvature(matrix, block, parameters, outputs, sample)?;
            weights.iter_mut().zip(&curvature.weights).for_each(|(sum, weight)| *sum += weight);
            let matrix = BlockMatrix::new(curvature);
            let pairs = matrix.top(outliers + 1)?;
            values.iter_mut().zip(&pairs).for_each(|(sum, pair)| *sum += pair.value);
            shares += overlap(&leading_space(&pairs, outliers)?, &space);
            if components.is_none() {
                let pairs = matrix.unweighted().top(outliers)?;
                components = Some(overlap(&leading_space(&pairs, outliers)?, &space));
            }
        }
        let count = f64::from(rows);
        for (rank, value) in (1..).zip(values) {
            readings.push(Reading::new(last, "eigenvalue", of, value / count).matrix(matrix).rank(rank));
        }
        readings.push(Reading::new(last, "overlap", of, shares / count).matrix(matrix));
        readings.push(Reading::new(last, "weight", of, mean(&weights) / count).matrix(matrix));
        let relative = scatter(&weights) / mean(&weights);
        readings.push(Reading::new(last, "scatter of the weight", of, relative).matrix(matrix));
    }
    if let Some(share) = components {
        readings.push(Reading::new(last, "overlap of components", of, share));
    }
    Ok(())
}

/// The loss of a sample by age, the youngest part first.
fn by_age(of: &str, losses: &[f64], (ages, last): (u32, u64), readings: &mut Vec<Reading>) {
    let n = losses.len();
    let place = |age: u32| n - (n * age as usize) / (ages.max(1) as usize);
    for age in 0..ages {
        let part = &losses[place(age + 1)..place(age)];
        let middle = n - usize::midpoint(place(age + 1), place(age));
        readings.push(Reading::new(last - middle as u64, "loss by age", of, mean(part)).rank(age + 1));
    }
}

/// The shift of a sample's own `W Y` when it is left out, regressed through the origin on a prediction.
#[derive(Default)]
struct Regression {
    product: f64,
    square: f64,
}

impl Regression {
    fn add(&mut self, predicted: &Array1<f64>, measured: &Array1<f64>) {
        self.product += predicted.dot(measured);
        self.square += predicted.dot(predicted);
    }

    fn slope(&self) -> f64 {
        self.product / self.square
    }
}

/// Leaves some of the last samples out of training, one at a time.
fn leave_out(task: &dyn Task, run: &Run, memory: &Memory, readings: &mut Vec<Reading>) -> Result<()> {
    let Problem { training, .. } = task.problem();
    let (step, lambda, n) = (task.problem().step_size(), task.problem().lambda(), run.own.clusters.len());
    let labels = task.law().labels();
    let (mut derived, mut plain) = (Regression::default(), Regression::default());
    for (place, before) in &run.before {
        let without: Parameters = before.iter().map(|layer| layer * (1.0 - step * training.beta)).collect();
        let mut learner = task.learner(&without);
        for later in place + 1..n {
            let row = run.own.rows.row(later);
            let Some(y) = row.as_slice() else { continue };
            if !learner.step(labels[run.own.clusters[later] as usize], y) {
                return Err(Error::Numeric { routine: "leave-one-out", problem: "SGD diverges".to_owned() });
            }
        }
        let y = run.own.rows.slice(s![*place, ..task.problem().d()]);
        let shift = (&run.end[0] - &learner.parameters()[0]).dot(&y);
        let (gradient, age) = (run.own.gradients.row(*place), step * as_f64(n - 1 - place));
        let time = step * to_f64(run.last) - age;
        derived.add(&(memory.of(time, gradient) * (-step * y.dot(&y))), &shift);
        let decay = libm::exp(-training.beta * age);
        plain.add(&(&gradient * (-training.c / lambda * decay)), &shift);
    }
    if !run.before.is_empty() {
        readings.push(Reading::new(run.last, "slope of the shift", "derived", derived.slope()));
        readings.push(Reading::new(run.last, "slope of the shift", "noise and ridge", plain.slope()));
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a step count is exact in f64")]
fn to_f64(step: u64) -> f64 {
    step as f64
}

/// The readings of one replicate.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails; a trajectory that is not that of the seed.
pub fn run(
    parameters: OwnSamples,
    task: &dyn Task,
    seed: &Seed,
    trajectory: &Trajectory<Observed>,
) -> Result<Vec<Reading>> {
    let problem = task.problem();
    let Some(end) = trajectory.checkpoints.last() else { return Ok(Vec::new()) };
    #[allow(clippy::cast_possible_truncation, reason = "at most the sample size")]
    let n = (problem.sample_size() as u64).min(end.step) as usize;
    let left_out = (parameters.left_out as usize).min(n);
    let kept: Vec<usize> = (0..left_out).map(|index| (2 * index + 1) * n / (2 * left_out)).collect();
    let run = repeat(task, seed, end.step, n, &kept)?;
    if run.end != end.parameters {
        return Err(Error::defect("own samples", "the repeated run ends elsewhere"));
    }
    let fresh = Sample::first(task.law(), seed, Purpose::Test, n);
    let curvatures: Vec<Array2<f64>> = trajectory
        .checkpoints
        .iter()
        .map(|observed| curvature(task, &observed.parameters, &fresh))
        .collect::<Result<_>>()?;
    let times: Vec<f64> = trajectory.checkpoints.iter().map(|observed| observed.time).collect();
    let memory = Memory::new(problem.training.beta, problem.lambda(), &times, &curvatures)?;
    let mut readings = Vec::new();
    leave_out(task, &run, &memory, &mut readings)?;

    let step = problem.step_size();
    let moved = |place: usize| {
        let y = run.twins.rows.slice(s![place, ..problem.d()]);
        let time = step * (to_f64(run.last) - as_f64(n - 1 - place));
        let left = memory.of(time, run.twins.gradients.row(place)) * -step;
        Some(Array2::from_shape_fn((left.len(), y.len()), |(row, col)| left[row] * y[col]))
    };
    let (fresh_losses, fresh_outputs) = one_by_one(task, &run.end, &run.twins, &|_| None);
    let (shifted_losses, shifted_outputs) = one_by_one(task, &run.end, &run.twins, &moved);
    let (own_losses, own_outputs) = one_by_one(task, &run.end, &run.own, &|_| None);
    let own = Points::new(task.law(), &run.own.rows, run.own.clusters.clone()).sample();
    let first = Sample::first(task.law(), seed, Purpose::Train, n);
    let first_seen = task.evaluate(&run.end, &first);

    readings.push(Reading::new(run.last, "scatter of the loss", "fresh", scatter(&fresh_losses)));
    for (of, losses) in [("fresh", &fresh_losses), ("predicted", &shifted_losses), ("last", &own_losses)] {
        readings.push(Reading::new(run.last, "loss", of, mean(losses)));
        by_age(of, losses, (parameters.ages, run.last), &mut readings);
    }
    readings.push(Reading::new(run.last, "loss", "first", first_seen.loss));

    let mut seen = vec![
        Seen { of: "fresh", sample: &fresh, outputs: &fresh_outputs },
        Seen { of: "predicted", sample: &fresh, outputs: &shifted_outputs },
        Seen { of: "last", sample: &own, outputs: &own_outputs },
    ];
    if parameters.first {
        seen.push(Seen { of: "first", sample: &first, outputs: &first_seen.outputs });
    }
    #[allow(clippy::cast_possible_truncation, reason = "at most the rows asked for")]
    let rows = (problem.rows() as u64).min(u64::from(parameters.rows)) as u32;
    for seen in &seen {
        spectra(task, &run.end, (rows, run.last), seen, &mut readings)?;
    }
    Ok(readings)
}
