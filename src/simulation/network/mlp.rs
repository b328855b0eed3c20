//! A multilayer perceptron: ReLU layers of any widths without biases, then a linear layer with a softmax or a logistic head.
//!
//! With `a_0 = Y`, `z_l = W_l a_{l-1}` and `a_l = relu(z_l)` the logits are `z_L`; L is the depth. A gradient is
//! `∇_{W_l} L = e_l a_{l-1}ᵀ` with `e_L = π - y` (softmax head, `y` the unit vector of the label) or `σ(z_L) - y` (logistic head)
//! and `e_l = D_l W_{l+1}ᵀ e_{l+1}`, `D_l` the diagonal matrix of open gates `1{z_l > 0}`.
//!
//! Almost everywhere the logits are affine in `W_l` where the other layers are held, so the block of the Hessian that belongs
//! to one layer is its Gauss-Newton block, exactly. With `B_l = W_L D_{L-1} ⋯ W_{l+1} D_l`, the derivative of the logits in `z_l`,
//! and `diag π - ππᵀ = Σ_c π_c (u_c - π)(u_c - π)ᵀ` with unit vectors `u_c`, both matrices are, in layer l,
//! `(1/n) Σ_s Σ_q (f_sq ⊗ a_s)(f_sq ⊗ a_s)ᵀ` over samples s, where
//!
//! | head | Hessian | gradient matrix |
//! |---|---|---|
//! | softmax | `f_sc = √π_c B_lᵀ (u_c - π)`, c = 1..k | `f_s = B_lᵀ (π - y)` |
//! | logistic | `f_s = √(σ(1-σ)) B_lᵀ` | `f_s = (σ - y) B_lᵀ` |
//!
//! Without hidden layers and with a softmax head it is softmax regression; with one hidden layer and a logistic head it is the two-layer
//! network, `v` a row here and a column there. As there, the Hessian leaves out the kinks of the ReLU.

use crate::error::Result;
use crate::problem::Problem;
use crate::problem::network::{Head, Layer};
use crate::random::normal::StandardNormal;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{Law, Sample};
use crate::simulation::kernel::Rows;
use crate::simulation::network::heads::{
    first_largest, logistic_loss, relu, residual_and_curvature, softmax, steps,
};
use crate::simulation::task::definition::{
    Block, Curvature, Evaluation, LARGEST, LayerCurvature, Learner, Matrix, Parameters, Reduced, Spanning,
    Summary, Task,
};
use crate::simulation::task::tally::Tally;
use ndarray::{Array2, ArrayView1, CowArray, Ix2, s};
use ndarray_rand::RandomExt;

/// Singular values below this share of the largest are cut from the space that the data induce in a layer.
const CUT: f64 = 0.1;

/// Lanes of an inner product, as in the first layer.
const LANES: usize = 8;

/// The network on the data of one problem.
#[derive(Debug)]
pub struct Mlp {
    problem: Problem,
    law: Box<dyn Law>,
    /// Outputs of every layer, the logits last.
    widths: Vec<usize>,
    head: Head,
    gain: f64,
    d: usize,
}

impl Mlp {
    /// The network with hidden layers of these widths, on data of this law.
    #[must_use]
    pub fn new(problem: &Problem, law: Box<dyn Law>, hidden: &[usize], head: Head, gain: f64) -> Self {
        let mut widths = hidden.to_vec();
        widths.push(head.outputs(&problem.data));
        Self { problem: problem.clone(), law, widths, head, gain, d: problem.d() }
    }

    /// Where the outputs of a layer stand among those of an evaluation.
    fn place(&self, index: usize) -> std::ops::Range<usize> {
        let from: usize = self.widths[..index].iter().sum();
        from..from + self.widths[index]
    }

    /// What a layer is given: the sample itself, or the open part of the layer before, n × inputs.
    fn inputs<'a>(&self, index: usize, outputs: &Array2<f64>, sample: &'a Sample) -> CowArray<'a, f64, Ix2> {
        match index.checked_sub(1) {
            None => sample.features().into(),
            Some(before) => outputs.slice(s![.., self.place(before)]).mapv(relu).into(),
        }
    }

    /// Number of vectors `f_sq` of one sample.
    fn rank(&self, matrix: Matrix) -> usize {
        match (self.head, matrix) {
            (Head::Softmax, Matrix::Hessian) => self.widths.last().copied().unwrap_or(1),
            _ => 1,
        }
    }

    /// The vectors `f_sq` of a layer, one a row, those of each sample together: (n rank) × outputs of the layer.
    fn factors(
        &self,
        matrix: Matrix,
        index: usize,
        parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &Sample,
    ) -> Array2<f64> {
        let (last, rank) = (self.widths.len() - 1, self.rank(matrix));
        let logits = outputs.slice(s![.., self.place(last)]);
        let mut factors = Array2::zeros((sample.len() * rank, self.widths[last]));
        for (row, mut factor) in factors.rows_mut().into_iter().enumerate() {
            let (output, label) = (logits.row(row / rank), sample.labels[row / rank]);
            match (self.head, matrix) {
                (Head::Softmax, Matrix::Hessian) => {
                    let class = row % rank;
                    let root = output[class].sqrt();
                    factor.zip_mut_with(&output, |entry, pi| *entry = -root * pi);
                    // 1 - π_c as the sum of the others, accurate however small it is.
                    let others = output.iter().enumerate().filter(|(other, _)| *other != class);
                    factor[class] = root * others.fold(0.0, |sum, (_, pi)| sum + pi);
                }
                (Head::Softmax, Matrix::Gradient) => {
                    factor.assign(&output);
                    factor[label as usize] -= 1.0;
                }
                (Head::Logistic, matrix) => {
                    let (r, q) = residual_and_curvature(output[0], label);
                    factor[0] = if matrix == Matrix::Hessian { q.sqrt() } else { r };
                }
            }
        }
        for before in (index..last).rev() {
            factors = factors.dot(&parameters[before + 1]);
            let values = outputs.slice(s![.., self.place(before)]);
            for (row, mut factor) in factors.rows_mut().into_iter().enumerate() {
                factor.zip_mut_with(&values.row(row / rank), |entry, z| {
                    if *z <= 0.0 {
                        *entry = 0.0;
                    }
                });
            }
        }
        factors
    }

    /// The place of a layer that the network has.
    fn index(&self, layer: Layer) -> Option<usize> {
        let known = self.problem.network.layers().contains(&layer);
        known.then_some(layer.index as usize)
    }
}

/// Inner product in a fixed order, over eight lanes.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The layers after the first with the head; a step of theirs turns the products of the first layer into its steps.
#[derive(Debug)]
struct Tail {
    layers: Vec<Array2<f64>>,
    head: Head,
    /// `z_1..z_L` of the last sample.
    values: Vec<Vec<f64>>,
    /// `relu(z_l)`, then steps, as buffers.
    open: Vec<f64>,
    back: Vec<f64>,
}

impl Tail {
    fn new(first: usize, layers: &[Array2<f64>], head: Head) -> Self {
        let mut values = vec![vec![0.0; first]];
        values.extend(layers.iter().map(|layer| vec![0.0; layer.nrows()]));
        let layers = layers.iter().map(|layer| layer.as_standard_layout().to_owned()).collect();
        Self { layers, head, values, open: Vec::new(), back: Vec::new() }
    }

    /// Computes `z_2..z_L` from `z_1`, which stands in the first of the values.
    fn forward(&mut self) {
        for (index, layer) in self.layers.iter().enumerate() {
            self.open.clear();
            self.open.extend(self.values[index].iter().map(|z| relu(*z)));
            for (z, row) in self.values[index + 1].iter_mut().zip(layer.rows()) {
                *z = row.as_slice().map_or(f64::NAN, |row| dot(row, &self.open));
            }
        }
    }
}

impl Reduced for Tail {
    fn steps(&mut self, label: u32, step: f64, shrink: f64, products: &mut [f64]) -> bool {
        if !products.iter().all(|product| product.abs() <= LARGEST) {
            return false;
        }
        self.values[0].copy_from_slice(products);
        self.forward();
        let last = self.values.len() - 1;
        let mut ahead = self.values[last].clone();
        if !ahead.iter().all(|logit| logit.abs() <= LARGEST) {
            return false;
        }
        match self.head {
            Head::Softmax => {
                if !steps(&mut ahead, label, step) {
                    return false;
                }
            }
            Head::Logistic => ahead[0] = step * residual_and_curvature(ahead[0], label).0,
        }
        for (index, layer) in self.layers.iter_mut().enumerate().rev() {
            let values = &self.values[index];
            self.open.clear();
            self.open.extend(values.iter().map(|z| relu(*z)));
            self.back.clear();
            self.back.resize(values.len(), 0.0);
            for (mut row, &e) in layer.rows_mut().into_iter().zip(&ahead) {
                let Some(row) = row.as_slice_mut() else { continue };
                for ((weight, back), open) in row.iter_mut().zip(&mut self.back).zip(&self.open) {
                    *back += e * *weight;
                    *weight = shrink * *weight - e * open;
                }
            }
            for (back, z) in self.back.iter_mut().zip(values) {
                if *z <= 0.0 {
                    *back = 0.0;
                }
            }
            ahead.clone_from(&self.back);
        }
        products.copy_from_slice(&ahead);
        true
    }

    fn further_layers(&self) -> Vec<Array2<f64>> {
        self.layers.clone()
    }
}

#[derive(Debug)]
struct MlpSgd {
    rows: Rows,
    tail: Tail,
    /// Inner products `W_1 Y`, then the steps along Y.
    products: Vec<f64>,
    step: f64,
    shrink: f64,
}

impl Learner for MlpSgd {
    fn step(&mut self, label: u32, y: &[f64]) -> bool {
        self.rows.products(y, &mut self.products);
        if !self.tail.steps(label, self.step, self.shrink, &mut self.products) {
            return false;
        }
        self.rows.descend(y, self.shrink, &self.products);
        true
    }

    fn parameters(&self) -> Parameters {
        let mut all = vec![self.rows.values()];
        all.extend(self.tail.further_layers());
        all
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
impl Task for Mlp {
    fn problem(&self) -> &Problem {
        &self.problem
    }

    fn law(&self) -> &dyn Law {
        &*self.law
    }

    fn shapes(&self) -> Vec<(usize, usize)> {
        let inputs = std::iter::once(&self.d).chain(&self.widths);
        self.widths.iter().zip(inputs).map(|(rows, cols)| (*rows, *cols)).collect()
    }

    /// The means for the first layer, for later ones the means of all clusters pushed forward through the layers before, cut where
    /// singular values fall below a tenth of the largest.
    fn spanning(&self, layer: Layer, parameters: &Parameters) -> Spanning {
        if layer.index == 0 {
            return Spanning { columns: self.mean_space(), cut: None };
        }
        let mut columns = self.law.means().reversed_axes();
        for weights in &parameters[..layer.index as usize] {
            columns = weights.dot(&columns).mapv(relu);
        }
        Spanning { columns, cut: Some(CUT) }
    }

    fn vector<'p>(&self, parameters: &'p Parameters, block: Block) -> Result<ArrayView1<'p, f64>> {
        match (parameters.get(block.layer.index as usize), block.rows()) {
            (Some(weights), Some((row, _))) if (row as usize) < weights.nrows() => {
                Ok(weights.row(row as usize))
            }
            _ => Err(self.no_block(block)),
        }
    }

    /// Rows of hidden layers are `N(0, gain I/n)` with the n inputs of the layer, those of the last `N(0, I/n)`.
    fn initial(&self, seed: &Seed) -> Parameters {
        let mut normals = seed.stream(Purpose::Initial, 0);
        let last = self.widths.len() - 1;
        let layer = |(index, (rows, cols)): (usize, (usize, usize))| {
            let gain = if index < last { self.gain } else { 1.0 };
            let weights = Array2::random_using((rows, cols), StandardNormal, normals.generator());
            weights * (gain / cols as f64).sqrt()
        };
        self.shapes().into_iter().enumerate().map(layer).collect()
    }

    fn learner(&self, parameters: &Parameters) -> Box<dyn Learner> {
        let step = self.problem.step_size();
        Box::new(MlpSgd {
            rows: Rows::new(&parameters[0]),
            tail: Tail::new(self.widths[0], &parameters[1..], self.head),
            products: vec![0.0; self.widths[0]],
            step,
            shrink: 1.0 - step * self.problem.training.beta,
        })
    }

    /// Outputs are `z_1..z_{L-1}`, then π with a softmax head, or `z_L` with a logistic one.
    fn evaluate(&self, parameters: &Parameters, sample: &Sample) -> Evaluation {
        let mut first = Rows::new(&parameters[0]);
        let mut tail = Tail::new(self.widths[0], &parameters[1..], self.head);
        let mut outputs = Array2::zeros((sample.len(), self.widths.iter().sum()));
        let mut tally = Tally::new(self.law.labels().len());
        for (index, (mut output, y)) in
            outputs.rows_mut().into_iter().zip(sample.padded_rows().rows()).enumerate()
        {
            let (Some(output), Some(y)) = (output.as_slice_mut(), y.to_slice()) else { continue };
            first.products(y, &mut tail.values[0]);
            tail.forward();
            for (layer, values) in tail.values.iter().enumerate() {
                output[self.place(layer)].copy_from_slice(values);
            }
            let (label, cluster) = (sample.labels[index], sample.clusters[index] as usize);
            let logits = &mut output[self.place(self.widths.len() - 1)];
            let (loss, correct) = match self.head {
                Head::Logistic => logistic_loss(logits[0], label),
                Head::Softmax => {
                    let (logit, best) = (logits[label as usize], first_largest(logits));
                    (softmax(logits) - logit, best == label as usize)
                }
            };
            tally.add(cluster, loss, correct);
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
        let (Some(index), Some((i, j))) = (self.index(block.layer), block.rows()) else {
            return Err(self.no_block(block));
        };
        let (i, j) = (i as usize, j as usize);
        if i >= self.widths[index] || j >= self.widths[index] {
            return Err(self.no_block(block));
        }
        let (rank, factors) = (self.rank(matrix), self.factors(matrix, index, parameters, outputs, sample));
        let mut weights = vec![0.0; sample.len()];
        for (row, factor) in factors.rows().into_iter().enumerate() {
            weights[row / rank] += factor[i] * factor[j];
        }
        Ok(Curvature { features: self.inputs(index, outputs, sample), weights })
    }

    fn has_whole_layers(&self) -> bool {
        true
    }

    fn layer_curvature<'a>(
        &self,
        matrix: Matrix,
        layer: Layer,
        parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &'a Sample,
    ) -> Result<LayerCurvature<'a>> {
        let Some(index) = self.index(layer) else { return Err(self.no_block(Block::whole(layer))) };
        let factors = self.factors(matrix, index, parameters, outputs, sample);
        Ok(LayerCurvature { inputs: self.inputs(index, outputs, sample), factors })
    }

    /// `m` with `W_i·mean` for each row of the first layer and each independent mean.
    fn summary(&self, parameters: &Parameters) -> Vec<Summary> {
        let products = parameters[0].dot(&self.law.independent_means().t());
        let entries = products.indexed_iter();
        entries.map(|((row, col), value)| Summary { statistic: "m", row, col, value: *value }).collect()
    }

    fn diagonal_blocks(&self) -> Vec<Block> {
        #[allow(clippy::cast_possible_truncation, reason = "layers fit in memory")]
        let rows = |(layer, rows, _): (Layer, usize, usize)| {
            (0..rows as u32).map(move |row| Block::diagonal(layer, row))
        };
        self.layers().into_iter().flat_map(rows).collect()
    }

    fn reduced(&self, random: &mut dyn FnMut(&mut [f64])) -> Box<dyn Reduced> {
        let last = self.widths.len() - 1;
        let layer = |(index, (rows, cols)): (usize, (usize, usize))| {
            let mut weights = vec![0.0; rows * cols];
            random(&mut weights);
            let gain = if index < last { self.gain } else { 1.0 };
            let scale = (gain / cols as f64).sqrt();
            Array2::from_shape_fn((rows, cols), |(row, col)| scale * weights[row * cols + col])
        };
        let layers: Vec<Array2<f64>> = self.shapes().into_iter().enumerate().skip(1).map(layer).collect();
        Box::new(Tail::new(self.widths[0], &layers, self.head))
    }
}
