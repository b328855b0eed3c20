//! How much of the gradient lies in the top space of the whole first layer's H and G, for one sample, a batch and n of them, at
//! every checkpoint.
//!
//! Spaces come from the fresh test sample, gradients from as many further fresh samples. A share is a ratio of means, `Σ ‖P g‖²/Σ ‖g‖²`
//! over samples or batches, so that it is a function of the first two moments of the gradient ([`crate::theory::gradients`]).

use crate::error::Result;
use crate::problem::{Problem, as_f64};
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::Sample;
use crate::simulation::task::{LayerCurvature, Matrix, Parameters, Task};
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::subspace::{overlap, random_space};
use crate::spectrum::{BlockMatrix, Pair, leading_space};
use crate::study::points::Points;
use crate::study::reading::Reading;
use ndarray::{Array2, s};
use serde::Serialize;
use std::fmt;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GradientShare {
    /// Classes k: spaces have the dimensions k and k(k-1).
    pub classes: u32,
    /// Samples of a batch.
    pub batch: u32,
    /// Checkpoints between two that are looked at, plus 1.
    pub every: u32,
}

impl GradientShare {
    /// Approximate time, in nanoseconds.
    #[must_use]
    pub fn cost(&self, problem: &Problem) -> f64 {
        let (p, n) = (as_f64(problem.d() * problem.rows()), as_f64(problem.sample_size()));
        let k = f64::from(self.classes);
        5.0 * (n * p * p * (k + 1.0) / 16.0 + p * p * p / 4.0)
    }
}

impl fmt::Display for GradientShare {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { classes, batch, every } = self;
        write!(out, "gradient share, {classes} classes, batch {batch}, every {every}")
    }
}

/// Gradients of single samples in the first layer, `f_s a_sᵀ` (rows × d).
struct Gradients<'a> {
    of: LayerCurvature<'a>,
}

impl Gradients<'_> {
    /// Coefficients of every gradient in an orthonormal basis (p × m): n × m.
    fn coefficients(&self, basis: &Array2<f64>) -> Array2<f64> {
        let LayerCurvature { inputs, factors } = &self.of;
        let (rows, d) = (factors.ncols(), inputs.ncols());
        let mut all = Array2::zeros((inputs.nrows(), basis.ncols()));
        for (column, vector) in basis.columns().into_iter().enumerate() {
            let entries = vector.to_owned();
            let Ok(matrix) = entries.to_shape((rows, d)) else { continue };
            let images = inputs.dot(&matrix.t());
            for ((mut slot, image), factor) in
                all.rows_mut().into_iter().zip(images.rows()).zip(factors.rows())
            {
                slot[column] = image.dot(&factor);
            }
        }
        all
    }

    /// Share in the space with these coefficients of gradients that are means over batches of this size.
    fn share(&self, coefficients: &Array2<f64>, batch: usize) -> f64 {
        let LayerCurvature { inputs, factors } = &self.of;
        let (mut inside, mut whole) = (0.0, 0.0);
        for from in (0..inputs.nrows() / batch).map(|index| index * batch) {
            let part = s![from..from + batch, ..];
            let mean = coefficients.slice(part).sum_axis(ndarray::Axis(0));
            inside += mean.dot(&mean);
            if batch == 1 {
                let (a, f) = (inputs.row(from), factors.row(from));
                whole += a.dot(&a) * f.dot(&f);
            } else {
                let sum = factors.slice(part).t().dot(&inputs.slice(part));
                whole += sum.iter().map(|entry| entry * entry).sum::<f64>();
            }
        }
        inside / whole
    }
}

/// The leading pairs of the whole first layer's block of a matrix.
fn pairs(
    task: &dyn Task,
    matrix: Matrix,
    (parameters, outputs): (&Parameters, &Array2<f64>),
    sample: &Sample,
    count: usize,
) -> Result<Vec<Pair>> {
    let layer = task.layers()[0].0;
    let block = BlockMatrix::of_layer(task.layer_curvature(matrix, layer, parameters, outputs, sample)?);
    block.outliers(count, &block.cluster_start(&sample.clusters, count + 2)?)
}

/// `e_a ⊗ u` for every row a and every leading principal component u of the inputs.
fn components(rows: usize, sample: &Sample, count: usize) -> Result<Array2<f64>> {
    let features = sample.features();
    let weights = vec![1.0; features.nrows()];
    let block = BlockMatrix::new(crate::simulation::task::Curvature { features: features.into(), weights });
    let space = leading_space(&block.top(count)?, count)?;
    let d = space.nrows();
    let mut lifted = Array2::zeros((rows * d, rows * count));
    for row in 0..rows {
        lifted.slice_mut(s![row * d..(row + 1) * d, row * count..(row + 1) * count]).assign(&space);
    }
    Ok(lifted)
}

/// The readings of one replicate.
///
/// # Errors
/// [`crate::error::Error::Numeric`] if LAPACK fails; a network without blocks of whole layers.
pub fn run(
    parameters: GradientShare,
    task: &dyn Task,
    seed: &Seed,
    trajectory: &Trajectory<Observed>,
) -> Result<Vec<Reading>> {
    let n = task.problem().sample_size();
    let both = Sample::first(task.law(), seed, Purpose::Test, 2 * n);
    let half = |from: usize| {
        let rows = both.features().slice(s![from..from + n, ..]).to_owned();
        Points::new(task.law(), &rows, both.clusters[from..from + n].to_vec()).sample()
    };
    let (test, further) = (half(0), half(n));
    let (layer, rows, d) = task.layers()[0];
    let (k, batch) = (parameters.classes as usize, parameters.batch as usize);
    let all = k * (k - 1);
    let mut readings = Vec::new();
    let mut normals = seed.stream(Purpose::Null, 1);
    let random = random_space(rows * d, all, &mut normals)?;
    let lifted = components(rows, &test, k)?;
    for observed in trajectory.checkpoints.iter().step_by(parameters.every.max(1) as usize) {
        let at = &observed.parameters;
        let outputs = task.evaluate(at, &test).outputs;
        let hessian = pairs(task, Matrix::Hessian, (at, &outputs), &test, all + 1)?;
        let gradient = pairs(task, Matrix::Gradient, (at, &outputs), &test, k + 1)?;
        let outputs = task.evaluate(at, &further).outputs;
        let of = task.layer_curvature(Matrix::Gradient, layer, at, &outputs, &further)?;
        let gradients = Gradients { of };
        let tops = [leading_space(&hessian, k)?, leading_space(&gradient, k)?];
        for (space, basis) in [
            ("hessian, all", &leading_space(&hessian, all)?),
            ("hessian, k", &tops[0]),
            ("gradient, k", &tops[1]),
            ("components", &lifted),
            ("random", &random),
        ] {
            let coefficients = gradients.coefficients(basis);
            for (name, size) in
                [("share of one sample", 1), ("share of a batch", batch.min(n)), ("share of n samples", n)]
            {
                readings.push(Reading::new(observed.step, name, space, gradients.share(&coefficients, size)));
            }
        }
        readings.push(Reading::new(observed.step, "overlap", "tops", overlap(&tops[0], &tops[1])));
        for rank in [k, all] {
            let gap = hessian[rank - 1].value / hessian[rank].value;
            #[allow(clippy::cast_possible_truncation, reason = "k(k-1) is small")]
            readings.push(Reading::new(observed.step, "gap", "hessian", gap).rank(rank as u32));
        }
    }
    Ok(readings)
}
