//! Softmax regression: `π = softmax(x·Y)`, one row `x^a` of d weights for each label; `L = -log π_b` for label b.
//!
//! With `y_a = 1{a=b}` for a sample of label b, `∇_a L = (π_a - y_a) Y`; block (a, a') of the matrices, both d × d, is
//! `H = (1/n) Σ (π_a 1{a=a'} - π_a π_a') YYᵀ` and `G = (1/n) Σ (π_a - y_a)(π_a' - y_a') YYᵀ`.

use crate::error::Result;
use crate::problem::Problem;
use crate::problem::network::Layer;
use crate::random::normal::StandardNormal;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{Law, Sample};
use crate::simulation::kernel::Rows;
use crate::simulation::network::heads::{first_largest, softmax, steps};
use crate::simulation::task::definition::{
    Block, Curvature, Evaluation, Learner, Matrix, Parameters, Reduced, Summary, Task, place,
};
use crate::simulation::task::tally::Tally;
use ndarray::Array2;
use ndarray_rand::RandomExt;
/// Softmax regression on the data of one problem.
#[derive(Debug)]
pub struct Softmax {
    problem: Problem,
    law: Box<dyn Law>,
    k: usize,
    d: usize,
}

impl Softmax {
    /// Softmax regression on data of this law.
    #[must_use]
    pub fn new(problem: &Problem, law: Box<dyn Law>) -> Self {
        Self { problem: problem.clone(), law, k: problem.rows(), d: problem.d() }
    }
}

/// The one layer of the reduced chain is the first.
#[derive(Debug)]
struct OneLayer;

impl Reduced for OneLayer {
    fn steps(&mut self, label: u32, step: f64, _shrink: f64, products: &mut [f64]) -> bool {
        steps(products, label, step)
    }

    fn further_layers(&self) -> Vec<Array2<f64>> {
        Vec::new()
    }
}

#[derive(Debug)]
struct SoftmaxSgd {
    rows: Rows,
    probabilities: Vec<f64>,
    step: f64,
    shrink: f64,
}

impl Learner for SoftmaxSgd {
    fn step(&mut self, label: u32, y: &[f64]) -> bool {
        self.rows.products(y, &mut self.probabilities);
        if !steps(&mut self.probabilities, label, self.step) {
            return false;
        }
        self.rows.descend(y, self.shrink, &self.probabilities);
        true
    }

    fn parameters(&self) -> Parameters {
        vec![self.rows.values()]
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
impl Task for Softmax {
    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn law(&self) -> &dyn Law {
        &*self.law
    }

    fn shapes(&self) -> Vec<(usize, usize)> {
        vec![(self.k, self.d)]
    }

    fn initial(&self, seed: &Seed) -> Parameters {
        let mut normals = seed.stream(Purpose::Initial, 0);
        let rows = Array2::random_using((self.k, self.d), StandardNormal, normals.generator());
        let mut rows = rows / (self.d as f64).sqrt();
        if let Some(along) = &self.problem.training.start.along {
            place(&mut rows, along, &self.law.independent_means(), &self.mean_space());
        }
        vec![rows]
    }

    fn learner(&self, parameters: &Parameters) -> Box<dyn Learner> {
        let step = self.problem.step_size();
        Box::new(SoftmaxSgd {
            rows: Rows::new(&parameters[0]),
            probabilities: vec![0.0; self.k],
            step,
            shrink: 1.0 - step * self.problem.training.beta,
        })
    }

    fn evaluate(&self, parameters: &Parameters, sample: &Sample) -> Evaluation {
        let mut x = Rows::new(&parameters[0]);
        let mut outputs = Array2::zeros((sample.len(), self.k));
        let mut tally = Tally::new(self.law.labels().len());
        for (index, (mut output, y)) in
            outputs.rows_mut().into_iter().zip(sample.padded_rows().rows()).enumerate()
        {
            let (Some(output), Some(y)) = (output.as_slice_mut(), y.to_slice()) else { continue };
            x.products(y, output);
            let (label, cluster) = (sample.labels[index] as usize, sample.clusters[index] as usize);
            let logit = output[label];
            let best = first_largest(output);
            tally.add(cluster, softmax(output) - logit, best == label);
        }
        tally.evaluation(outputs)
    }

    fn curvature<'a>(
        &self,
        matrix: Matrix,
        block: Block,
        _parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &'a Sample,
    ) -> Result<Curvature<'a>> {
        let (a, b) = (block.row as usize, block.col as usize);
        if block.layer != Layer::X || a >= self.k || b >= self.k {
            return Err(self.no_block(block));
        }
        let weights = outputs
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
        let means = self.law.independent_means();
        let dot = |u: ndarray::ArrayView1<f64>, v: ndarray::ArrayView1<f64>| {
            u.iter().zip(v).fold(0.0, |sum, (left, right)| sum + left * right)
        };
        let mut all = Vec::with_capacity(2 * self.k * self.k);
        for row in 0..self.k {
            for col in 0..self.k.max(means.nrows()) {
                let mut push = |statistic, rows: &Array2<f64>| {
                    if col < rows.nrows() {
                        all.push(Summary { statistic, row, col, value: dot(x.row(row), rows.row(col)) });
                    }
                };
                push("m", &means);
                push("R", x);
            }
        }
        all
    }

    fn diagonal_blocks(&self) -> Vec<Block> {
        #[allow(clippy::cast_possible_truncation, reason = "k ≤ d, and d samples fit in memory")]
        let k = self.k as u32;
        (0..k).map(|row| Block::diagonal(Layer::X, row)).collect()
    }

    fn reduced(&self, _random: &mut dyn FnMut(&mut [f64])) -> Box<dyn Reduced> {
        Box::new(OneLayer)
    }
}
