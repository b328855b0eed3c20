//! A 2-layer ReLU network of width K, for two labels.
//!
//! `f = v·relu(WY)`, `L = log(1 + e^f) - y f`; `r = σ(f) - y`, `q = σ(f)(1 - σ(f))`, `1_i = 1{W_i·Y > 0}`.
//! Gradients `∇_{W_i} L = r v_i 1_i Y` and `∇_{v_i} L = r relu(W_i·Y)`. Blocks of the matrices, means over n samples:
//!
//! | block | shape | Hessian | gradient matrix |
//! |---|---|---|---|
//! | `W_i W_j` | d × d | `q v_i v_j 1_i 1_j YYᵀ` | `r² v_i v_j 1_i 1_j YYᵀ` |
//! | `v v` | K × K | `q relu(WY) relu(WY)ᵀ` | `r² relu(WY) relu(WY)ᵀ` |
//! | `W_i v_j` | d × 1 | `(q v_i relu_j + r 1{i=j}) 1_i Y` | `r² v_i 1_i relu_j Y` |
//!
//! The Hessian is the almost-everywhere one. It leaves out the kink of the ReLU, so it is the mean of the Hessians of
//! samples, but in the blocks `W_i W_i` not the derivative of the population gradient.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::problem::network::Layer;
use crate::random::normal::StandardNormal;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{Law, Sample};
use crate::simulation::kernel::Rows;
use crate::simulation::network::heads::{logistic_loss, relu, residual_and_curvature, weight};
use crate::simulation::task::definition::{
    Block, Curvature, Evaluation, LARGEST, Learner, Matrix, Parameters, Reduced, Spanning, Summary, Task,
    place,
};
use crate::simulation::task::tally::Tally;
use ndarray::{Array2, ArrayView1, s};
use ndarray_rand::RandomExt;

/// Singular values below this share of the largest are cut from `B_t`, as paper and claims do.
const CUT: f64 = 0.1;

/// The network on the data of one problem.
#[derive(Debug)]
pub struct TwoLayer {
    problem: Problem,
    law: Box<dyn Law>,
    width: usize,
    d: usize,
}

impl TwoLayer {
    /// The network of this width on data of this law.
    #[must_use]
    pub fn new(problem: &Problem, law: Box<dyn Law>, width: usize) -> Self {
        Self { problem: problem.clone(), law, width, d: problem.d() }
    }
}

/// The second layer in the reduced chain.
#[derive(Debug)]
struct SecondLayer {
    v: Vec<f64>,
}

impl Reduced for SecondLayer {
    fn steps(&mut self, label: u32, step: f64, shrink: f64, products: &mut [f64]) -> bool {
        if !products.iter().all(|product| product.abs() <= LARGEST) {
            return false;
        }
        let terms = products.iter().zip(&self.v).map(|(product, v)| v * product.max(0.0));
        let output = terms.fold(0.0, |sum, term| sum + term);
        if output.abs() > LARGEST || output.is_nan() {
            return false;
        }
        // r = σ(f) - y is σ(f) with label 0 and -σ(-f) with label 1.
        let sign = if label == 1 { -1.0 } else { 1.0 };
        let rate = step * sign / (1.0 + libm::exp(-sign * output));
        for (product, v) in products.iter_mut().zip(&mut self.v) {
            let feature = product.max(0.0);
            *product = if *product > 0.0 { rate * *v } else { 0.0 };
            *v = shrink * *v - rate * feature;
        }
        true
    }

    fn further_layers(&self) -> Vec<Array2<f64>> {
        vec![Array2::from_shape_fn((self.v.len(), 1), |(row, _)| self.v[row])]
    }
}

#[derive(Debug)]
struct ReluSgd {
    rows: Rows,
    v: Vec<f64>,
    /// Inner products `W_i·Y`, then the steps along Y.
    hidden: Vec<f64>,
    step: f64,
    shrink: f64,
}

impl Learner for ReluSgd {
    fn step(&mut self, label: u32, y: &[f64]) -> bool {
        self.rows.products(y, &mut self.hidden);
        let f = self.hidden.iter().zip(&self.v).fold(0.0, |sum, (h, v)| sum + v * relu(*h));
        if !(f.abs() <= LARGEST && self.hidden.iter().all(|h| h.abs() <= LARGEST)) {
            return false;
        }
        let (r, _) = residual_and_curvature(f, label);
        let rate = self.step * r;
        for (h, v) in self.hidden.iter_mut().zip(&mut self.v) {
            let feature = relu(*h);
            *h = if *h > 0.0 { rate * *v } else { 0.0 };
            *v = self.shrink * *v - rate * feature;
        }
        self.rows.descend(y, self.shrink, &self.hidden);
        true
    }

    fn parameters(&self) -> Parameters {
        vec![self.rows.values(), Array2::from_shape_fn((self.v.len(), 1), |(i, _)| self.v[i])]
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
impl Task for TwoLayer {
    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn law(&self) -> &dyn Law {
        &*self.law
    }

    fn shapes(&self) -> Vec<(usize, usize)> {
        vec![(self.width, self.d), (self.width, 1)]
    }

    /// The means for rows of W; for v `B_t = Span(relu(W m_1), relu(W m_2), …)` in `R^K` over the means of all clusters, cut where
    /// singular values fall below a tenth of the largest.
    fn spanning(&self, layer: Layer, parameters: &Parameters) -> Spanning {
        if layer != Layer::V {
            return Spanning { columns: self.mean_space(), cut: None };
        }
        Spanning { columns: parameters[0].dot(&self.law.means().t()).mapv(relu), cut: Some(CUT) }
    }

    fn initial(&self, seed: &Seed) -> Parameters {
        let mut normals = seed.stream(Purpose::Initial, 0);
        let w = Array2::random_using((self.width, self.d), StandardNormal, normals.generator());
        let mut v = Array2::random_using((self.width, 1), StandardNormal, normals.generator());
        let mut w = w / (self.d as f64).sqrt();
        if let Some(along) = &self.problem.training.start.along {
            place(&mut w, along, &self.law.independent_means(), &self.mean_space());
        }
        if let Some(second) = &self.problem.training.start.second {
            v.iter_mut().zip(second).for_each(|(weight, given)| *weight = *given);
        }
        vec![w, v]
    }

    fn learner(&self, parameters: &Parameters) -> Box<dyn Learner> {
        let step = self.problem.step_size();
        Box::new(ReluSgd {
            rows: Rows::new(&parameters[0]),
            v: parameters[1].column(0).to_vec(),
            hidden: vec![0.0; self.width],
            step,
            shrink: 1.0 - step * self.problem.training.beta,
        })
    }

    fn evaluate(&self, parameters: &Parameters, sample: &Sample) -> Evaluation {
        let mut w = Rows::new(&parameters[0]);
        let v = parameters[1].column(0);
        let mut outputs = Array2::zeros((sample.len(), self.width + 1));
        let mut tally = Tally::new(self.law.labels().len());
        for (index, (mut output, y)) in
            outputs.rows_mut().into_iter().zip(sample.padded_rows().rows()).enumerate()
        {
            let (Some(output), Some(y)) = (output.as_slice_mut(), y.to_slice()) else { continue };
            let (hidden, f) = output.split_at_mut(self.width);
            w.products(y, hidden);
            f[0] = hidden.iter().zip(&v).fold(0.0, |sum, (h, v)| sum + v * relu(*h));
            let (loss, correct) = logistic_loss(f[0], sample.labels[index]);
            tally.add(sample.clusters[index] as usize, loss, correct);
        }
        tally.evaluation(outputs)
    }

    fn curvature<'a>(
        &self,
        matrix: Matrix,
        block: Block,
        parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &'a Sample,
    ) -> Result<Curvature<'a>> {
        let (i, j) = (block.row as usize, block.col as usize);
        let points = || outputs.rows().into_iter().zip(&sample.labels);
        match block.layer {
            Layer::W if i < self.width && j < self.width => {
                let (v_i, v_j) = (parameters[1][[i, 0]], parameters[1][[j, 0]]);
                let weights = points()
                    .map(|(output, &label)| {
                        let open = output[i] > 0.0 && output[j] > 0.0;
                        if open { weight(matrix, output[self.width], label) * v_i * v_j } else { 0.0 }
                    })
                    .collect();
                Ok(Curvature { features: sample.features().into(), weights })
            }
            Layer::V if i == 0 && j == 0 => {
                let features = outputs.slice(s![.., ..self.width]).mapv(relu);
                let weights =
                    points().map(|(output, &label)| weight(matrix, output[self.width], label)).collect();
                Ok(Curvature { features: features.into(), weights })
            }
            _ => Err(self.no_block(block)),
        }
    }

    fn has_cross(&self) -> bool {
        true
    }

    fn cross(
        &self,
        matrix: Matrix,
        row: u32,
        parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &Sample,
    ) -> Result<Array2<f64>> {
        let i = row as usize;
        if i >= self.width {
            let rule = format!("the task has {} neurons", self.width);
            return Err(Error::parameter("block", format!("(W {row}, v)"), rule));
        }
        let v_i = parameters[1][[i, 0]];
        let factors: Vec<(f64, f64)> = (0..sample.len())
            .map(|n| residual_and_curvature(outputs[[n, self.width]], sample.labels[n]))
            .collect();
        let coefficients = Array2::from_shape_fn((sample.len(), self.width), |(n, j)| {
            let ((r, q), output) = (factors[n], outputs.row(n));
            let same = if i == j { r } else { 0.0 };
            match matrix {
                _ if output[i] <= 0.0 => 0.0,
                Matrix::Hessian => q * v_i * relu(output[j]) + same,
                Matrix::Gradient => r * r * v_i * relu(output[j]),
            }
        });
        Ok(sample.features().t().dot(&coefficients) / sample.len() as f64)
    }

    /// `m` with `W_i·mean` for each independent mean, `R` with `W_i·W_j`, `v` with `v_i` (col 0).
    fn summary(&self, parameters: &Parameters) -> Vec<Summary> {
        let w = &parameters[0];
        let means = self.law.independent_means();
        let dot = |u: ArrayView1<f64>, v: ArrayView1<f64>| {
            u.iter().zip(v).fold(0.0, |sum, (left, right)| sum + left * right)
        };
        let mut all = Vec::with_capacity(self.width * (self.width + 3));
        for row in 0..self.width {
            for (col, mean) in means.rows().into_iter().enumerate() {
                all.push(Summary { statistic: "m", row, col, value: dot(w.row(row), mean) });
            }
            for col in 0..self.width {
                all.push(Summary { statistic: "R", row, col, value: dot(w.row(row), w.row(col)) });
            }
            all.push(Summary { statistic: "v", row, col: 0, value: parameters[1][[row, 0]] });
        }
        all
    }

    fn diagonal_blocks(&self) -> Vec<Block> {
        #[allow(clippy::cast_possible_truncation, reason = "K weights of d entries fit in memory")]
        let width = self.width as u32;
        let first = (0..width).map(|row| Block::diagonal(Layer::W, row));
        first.chain([Block::diagonal(Layer::V, 0)]).collect()
    }

    fn reduced(&self, random: &mut dyn FnMut(&mut [f64])) -> Box<dyn Reduced> {
        let v = self.problem.training.start.second.clone().unwrap_or_else(|| {
            let mut v = vec![0.0; self.width];
            random(&mut v);
            v
        });
        Box::new(SecondLayer { v })
    }
}
