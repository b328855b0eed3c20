//! Projected training: from a time on, every step is projected on a space, or off it.
//!
//! A step of SGD is `x ← x - δ (∇L + β x)`. With a projection P it becomes `x ← x - δ P(∇L + β x)` where the ridge is projected too, which
//! freezes what P leaves out, or `x ← x - δ (P ∇L + β x)` where it acts everywhere, which erases it. P is that of a space of each
//! *unit*, or I minus it: a unit is a row of the first layer with its own diagonal block of H, or in a multilayer perceptron
//! a whole layer with its own block. Spaces are renewed at intervals, H being that of the projected network itself on a fresh sample each
//! time. All rules start from the same parameters, and see the same samples.

use crate::error::{Error, Result};
use crate::problem::{Problem, as_f64};
use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{Sample, Stream};
use crate::simulation::kernel::padded;
use crate::simulation::task::{Block, Parameters, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::Point;
use crate::spectrum::subspace::random_space;
use crate::spectrum::{BlockMatrix, leading_space, warm_start};
use crate::study::points::Points;
use crate::study::reading::Reading;
use ndarray::{Array1, Array2, s};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// How it is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Projected {
    /// The time from which on steps are projected.
    pub from: f64,
    /// The time between renewals of spaces.
    pub renewal: f64,
    /// Dimension of the space of a unit.
    pub dimension: u32,
    /// That of the wide space.
    pub wide: u32,
}

impl Projected {
    /// Approximate time, in nanoseconds.
    #[must_use]
    pub fn cost(&self, problem: &Problem, horizon: f64) -> f64 {
        let (d, rows, n) = (as_f64(problem.d()), as_f64(problem.rows()), as_f64(problem.sample_size()));
        let renewals = (horizon - self.from) / self.renewal;
        let steps = (horizon - self.from) * d / problem.training.c;
        let rules = as_f64(RULES.len());
        rules * (steps * (500.0 + 10.0 * rows * d) + renewals * rows * (n * d * d / 12.0 + d * d * d / 3.0))
    }
}

impl fmt::Display for Projected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, renewal, dimension, wide } = self;
        write!(out, "projected training from {from}, renewed {renewal}, {dimension} dimensions, wide {wide}")
    }
}

/// What spaces are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    /// All, that is, SGD itself.
    Whole,
    /// The top of the unit's block of H.
    Top,
    /// The same with more dimensions.
    Wide,
    /// Drawn uniformly.
    Random,
    /// Leading principal components of what the unit is given, for each of its rows.
    Components,
}

/// A rule: its name, its space, whether steps are projected on it rather than off it, and whether the ridge is projected too.
struct Rule {
    name: &'static str,
    space: Space,
    on: bool,
    with_ridge: bool,
}

const fn rule(name: &'static str, space: Space, on: bool, with_ridge: bool) -> Rule {
    Rule { name, space, on, with_ridge }
}

const RULES: [Rule; 8] = [
    rule("sgd", Space::Whole, true, true),
    rule("top", Space::Top, true, true),
    rule("top, ridge everywhere", Space::Top, true, false),
    rule("off top", Space::Top, false, true),
    rule("off top, ridge everywhere", Space::Top, false, false),
    rule("wide top", Space::Wide, true, true),
    rule("random", Space::Random, true, true),
    rule("components", Space::Components, true, true),
];

/// Rows of a layer that are projected together, with their block.
struct Unit {
    block: Block,
    rows: Range<usize>,
}

/// The units of a network.
fn units(task: &dyn Task) -> Vec<Unit> {
    let layers = task.layers();
    if task.has_whole_layers() {
        return layers
            .iter()
            .map(|(layer, rows, _)| Unit { block: Block::whole(*layer), rows: 0..*rows })
            .collect();
    }
    let (layer, rows, _) = layers[0];
    let blocks = (0_u32..).zip(0..rows);
    blocks.map(|(row, index)| Unit { block: Block::diagonal(layer, row), rows: index..index + 1 }).collect()
}

/// A vector of the unit's parameters.
fn flat(unit: &Unit, parameters: &Parameters) -> Array1<f64> {
    let layer = &parameters[unit.block.layer.index as usize];
    Array1::from_iter(layer.slice(s![unit.rows.clone(), ..]).iter().copied())
}

/// Orthonormal bases (p × dim) for every unit; none where nothing is projected.
fn bases(
    task: &dyn Task,
    units: &[Unit],
    (space, projected): (Space, &Projected),
    (parameters, sample): (&Parameters, &Sample),
    normals: &mut Normals,
) -> Result<Vec<Array2<f64>>> {
    if space == Space::Whole {
        return Ok(Vec::new());
    }
    let point = Point::new(task, parameters, sample);
    let dimension = if space == Space::Wide { projected.wide } else { projected.dimension } as usize;
    let of = |unit: &Unit, normals: &mut Normals| -> Result<Array2<f64>> {
        let vector = flat(unit, parameters);
        if space == Space::Random {
            return random_space(vector.len(), dimension, normals);
        }
        let [hessian, _] = point.matrices(unit.block)?;
        if space == Space::Components {
            return components(&hessian, unit, dimension);
        }
        let start = if unit.block.rows().is_none() {
            hessian.cluster_start(&sample.clusters, dimension + 2)?
        } else {
            warm_start(&task.mean_space(), vector.view())
        };
        let pairs = hessian.outliers(dimension, &start)?;
        leading_space(&pairs, dimension)
    };
    units.iter().map(|unit| of(unit, normals)).collect()
}

/// The leading principal components of the inputs, for each row of the unit.
fn components(block: &BlockMatrix, unit: &Unit, dimension: usize) -> Result<Array2<f64>> {
    let space = leading_space(&block.unweighted().top(dimension)?, dimension)?;
    let (inputs, rows) = (space.nrows(), unit.rows.len());
    let mut lifted = Array2::zeros((rows * inputs, rows * space.ncols()));
    for row in 0..rows {
        let own = s![row * inputs..(row + 1) * inputs, row * space.ncols()..(row + 1) * space.ncols()];
        lifted.slice_mut(own).assign(&space);
    }
    Ok(lifted)
}

/// The parameters after a step of a rule, given those after a step of SGD.
fn projected(
    rule: &Rule,
    units: &[Unit],
    bases: &[Array2<f64>],
    (before, after): (&Parameters, Parameters),
    shrink: f64,
) -> Parameters {
    if rule.space == Space::Whole {
        return after;
    }
    let kept = if rule.with_ridge { 1.0 } else { shrink };
    let mut next: Parameters = before.iter().map(|layer| layer * kept).collect();
    for (unit, basis) in units.iter().zip(bases) {
        let change = flat(unit, &after) - flat(unit, before) * kept;
        let inside = basis.dot(&basis.t().dot(&change));
        let change = if rule.on { inside } else { change - inside };
        let layer = &mut next[unit.block.layer.index as usize];
        let mut slots = layer.slice_mut(s![unit.rows.clone(), ..]);
        slots.iter_mut().zip(&change).for_each(|(slot, value)| *slot += value);
    }
    next
}

/// The fresh samples of all renewals, of n points each, after the n of the test sample.
fn fresh(task: &dyn Task, seed: &Seed, count: usize) -> Vec<Sample> {
    let (n, width) = (task.problem().sample_size(), padded(task.problem().d()));
    let mut stream = Stream::new(task.law(), seed, Purpose::Test);
    let mut draw = || {
        let mut rows = Array2::zeros((n, width));
        let clusters: Vec<u32> = rows
            .rows_mut()
            .into_iter()
            .map(|mut row| row.as_slice_mut().map_or(0, |row| stream.next_into(row)))
            .collect();
        Points::new(task.law(), &rows, clusters).sample()
    };
    draw();
    (0..count).map(|_| draw()).collect()
}

/// The readings of one replicate: losses of every rule at the checkpoints of the experiment after the start of projection.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails or a rule diverges.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
pub fn run(
    parameters: &Projected,
    task: &dyn Task,
    seed: &Seed,
    trajectory: &Trajectory<Observed>,
) -> Result<Vec<Reading>> {
    let problem = task.problem();
    let Some(end) = trajectory.checkpoints.last() else { return Ok(Vec::new()) };
    let (from, renewal) = (problem.steps(parameters.from), problem.steps(parameters.renewal).max(1));
    let (labels, width) = (task.law().labels(), padded(problem.d()));
    let mut stream = Stream::new(task.law(), seed, Purpose::Train);
    let mut y = vec![0.0; width];
    let mut learner = task.learner(&task.initial(seed));
    for _ in 0..from.min(end.step) {
        let cluster = stream.next_into(&mut y);
        learner.step(labels[cluster as usize], &y);
    }
    let start = learner.parameters();
    let later = end.step.saturating_sub(from) as usize;
    let mut samples = Vec::with_capacity(later);
    for _ in 0..later {
        let cluster = stream.next_into(&mut y);
        samples.push((labels[cluster as usize], y.clone()));
    }
    let renewed = fresh(task, seed, later.div_ceil(renewal as usize));
    let test = Sample::first(task.law(), seed, Purpose::Test, problem.sample_size());
    let units = units(task);
    let shrink = 1.0 - problem.step_size() * problem.training.beta;
    let looked: Vec<u64> =
        trajectory.checkpoints.iter().map(|one| one.step).filter(|step| *step > from).collect();

    let mut readings = vec![Reading::new(from, "loss", "start", task.evaluate(&start, &test).loss)];
    for rule in &RULES {
        let mut normals = seed.stream(Purpose::Null, 1);
        let (mut now, mut spaces) = (start.clone(), Vec::new());
        for (index, (label, y)) in samples.iter().enumerate() {
            if index % renewal as usize == 0 {
                let sample = &renewed[index / renewal as usize];
                spaces = bases(task, &units, (rule.space, parameters), (&now, sample), &mut normals)?;
            }
            let mut learner = task.learner(&now);
            if !learner.step(*label, y) {
                let problem = format!("training by the rule {} diverges", rule.name);
                return Err(Error::Numeric { routine: "projected training", problem });
            }
            now = projected(rule, &units, &spaces, (&now, learner.parameters()), shrink);
            let step = from + index as u64 + 1;
            if looked.contains(&step) {
                readings.push(Reading::new(step, "loss", rule.name, task.evaluate(&now, &test).loss));
            }
        }
    }
    Ok(readings)
}
