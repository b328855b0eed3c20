//! Task A: softmax regression on a k-component Gaussian mixture.
//!
//! `Y = μ_b + z/√λ` with probability `p_b`; parameters `x^1..x^k`; `π = softmax(x·Y)`, `L = -log π_b`.
//! With `y_a = 1{a=b}` for a sample of class b, `∇_a L = (π_a - y_a) Y`; block (a, a') of the matrices, both d × d, is
//! `H = (1/n) Σ (π_a 1{a=a'} - π_a π_a') YYᵀ` and `G = (1/n) Σ (π_a - y_a)(π_a' - y_a') YYᵀ`.

use crate::error::Result;
use crate::problem::{Means, Model, cholesky};
use crate::random::normal::StandardNormal;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{DataLaw, Sample};
use crate::simulation::kernel::{Kernel, padded};
use crate::simulation::task::tally::Tally;
use crate::simulation::task::{
    Block, Curvature, Evaluation, LARGEST, Layer, Learner, Matrix, Parameters, Summary, Task, place,
};
use ndarray::{Array2, s};
use ndarray_rand::RandomExt;

/// The task of one model.
#[derive(Debug)]
pub struct Mixture {
    model: Model,
    law: DataLaw,
    k: usize,
}

impl Mixture {
    /// The task; the means are the rows of the Cholesky factor of their Gram matrix, in the first k coordinates.
    #[must_use]
    pub fn new(model: &Model, probabilities: &[f64], means: &Means) -> Self {
        let k = probabilities.len();
        let identity = || (0..k).map(|a| (0..k).map(|b| f64::from(u8::from(a == b))).collect()).collect();
        let means = match means {
            Means::Orthonormal => identity(),
            Means::Gram(gram) => cholesky(gram).unwrap_or_else(identity),
        };
        #[allow(clippy::cast_possible_truncation, reason = "k ≤ d, and d samples fit in memory")]
        let labels = (0..k as u32).collect();
        let law = DataLaw::new(model.d, model.lambda, means, labels, probabilities);
        Self { model: model.clone(), law, k }
    }
}

/// `π = softmax(logits)` in place, in a fixed order with a portable exponential; returns `log Σ exp`.
fn softmax(logits: &mut [f64]) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for logit in &mut *logits {
        *logit = libm::exp(*logit - top);
        total += *logit;
    }
    for probability in logits {
        *probability /= total;
    }
    top + libm::log(total)
}

#[derive(Debug)]
struct SoftmaxSgd {
    kernel: Kernel,
    d: usize,
    rows: Vec<f64>,
    probabilities: Vec<f64>,
    step: f64,
    shrink: f64,
}

impl Learner for SoftmaxSgd {
    fn step(&mut self, label: u32, y: &[f64]) -> bool {
        self.kernel.dots(&self.rows, y, &mut self.probabilities);
        if !self.probabilities.iter().all(|logit| logit.abs() <= LARGEST) {
            return false;
        }
        softmax(&mut self.probabilities);
        self.probabilities[label as usize] -= 1.0;
        for residual in &mut self.probabilities {
            *residual *= self.step;
        }
        self.kernel.descend(&mut self.rows, y, self.shrink, &self.probabilities);
        true
    }

    fn parameters(&self) -> Parameters {
        let k = self.probabilities.len();
        let width = padded(self.d);
        vec![Array2::from_shape_fn((k, self.d), |(a, i)| self.rows[a * width + i])]
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
impl Task for Mixture {
    fn model(&self) -> &Model {
        &self.model
    }

    fn law(&self) -> &DataLaw {
        &self.law
    }

    fn layers(&self) -> Vec<(Layer, usize, usize)> {
        vec![(Layer::X, self.k, self.model.d)]
    }

    fn mean_space(&self) -> Array2<f64> {
        // Linearly independent means in the first k coordinates span exactly those.
        Array2::eye(self.model.d).slice(s![.., ..self.k]).to_owned()
    }

    fn initial(&self, seed: &Seed) -> Parameters {
        let mut normals = seed.stream(Purpose::Initial, 0);
        let rows = Array2::random_using((self.k, self.model.d), StandardNormal, normals.generator());
        let mut rows = rows / (self.model.d as f64).sqrt();
        if let Some(along) = &self.model.start.along {
            place(&mut rows, along, &self.law.means(), &self.mean_space());
        }
        vec![rows]
    }

    fn learner(&self, parameters: &Parameters) -> Box<dyn Learner> {
        let width = padded(self.model.d);
        let mut rows = vec![0.0; self.k * width];
        for (row, values) in rows.chunks_exact_mut(width).zip(parameters[0].rows()) {
            for (entry, value) in row.iter_mut().zip(values) {
                *entry = *value;
            }
        }
        let step = self.model.step_size();
        Box::new(SoftmaxSgd {
            kernel: Kernel::default(),
            d: self.model.d,
            rows,
            probabilities: vec![0.0; self.k],
            step,
            shrink: 1.0 - step * self.model.beta,
        })
    }

    fn evaluate(&self, parameters: &Parameters, sample: &Sample) -> Evaluation {
        let width = padded(self.model.d);
        let mut x = Array2::zeros((self.k, width));
        x.slice_mut(s![.., ..self.model.d]).assign(&parameters[0]);
        let x = x.into_raw_vec_and_offset().0;
        let kernel = Kernel::default();
        let mut outputs = Array2::zeros((sample.len(), self.k));
        let mut tally = Tally::new(self.k);
        for ((mut output, y), &label) in
            outputs.rows_mut().into_iter().zip(sample.padded_rows().rows()).zip(&sample.labels)
        {
            let (Some(output), Some(y)) = (output.as_slice_mut(), y.to_slice()) else { continue };
            kernel.dots(&x, y, output);
            let label = label as usize;
            let logit = output[label];
            let first_largest =
                (0..self.k).fold(0, |best, class| if output[class] > output[best] { class } else { best });
            tally.add(label, softmax(output) - logit, first_largest == label);
        }
        tally.evaluation(outputs)
    }

    fn curvature<'a>(
        &self,
        matrix: Matrix,
        block: Block,
        _parameters: &Parameters,
        at: &Evaluation,
        sample: &'a Sample,
    ) -> Result<Curvature<'a>> {
        let (a, b) = (block.row as usize, block.col as usize);
        if block.layer != Layer::X || a >= self.k || b >= self.k {
            return Err(self.no_block(block));
        }
        let weights = at
            .outputs
            .rows()
            .into_iter()
            .zip(&sample.labels)
            .map(|(pi, &label)| match matrix {
                Matrix::Hessian if a == b => pi[a] * (1.0 - pi[a]),
                Matrix::Hessian => -pi[a] * pi[b],
                Matrix::Gradient => {
                    let residual = |class: usize| pi[class] - f64::from(u8::from(class == label as usize));
                    residual(a) * residual(b)
                }
            })
            .collect();
        Ok(Curvature { features: sample.features().into(), weights })
    }

    fn summary(&self, parameters: &Parameters) -> Vec<Summary> {
        let x = &parameters[0];
        let means = self.law.means();
        let dot = |u: ndarray::ArrayView1<f64>, v: ndarray::ArrayView1<f64>| {
            u.iter().zip(v).fold(0.0, |sum, (left, right)| sum + left * right)
        };
        let mut all = Vec::with_capacity(2 * self.k * self.k);
        for row in 0..self.k {
            for col in 0..self.k {
                all.push(Summary { statistic: "m", row, col, value: dot(x.row(row), means.row(col)) });
                all.push(Summary { statistic: "R", row, col, value: dot(x.row(row), x.row(col)) });
            }
        }
        all
    }

    fn diagonal_blocks(&self) -> Vec<Block> {
        #[allow(clippy::cast_possible_truncation, reason = "k ≤ d, and d samples fit in memory")]
        let k = self.k as u32;
        (0..k).map(|row| Block::diagonal(Layer::X, row)).collect()
    }
}
