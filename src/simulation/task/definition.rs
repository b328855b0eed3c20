//! What simulation and spectrum need to know of a task, a network on a data law: layers, SGD step, evaluation, curvature weights.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::problem::network::Layer;
use crate::random::seed::Seed;
use crate::simulation::data::{Law, Sample};
use ndarray::{Array2, ArrayView1, CowArray, Ix2};
use serde::Serialize;

/// A block of the Hessian or gradient matrix: rows `row` and `col` of one layer, indices from 0, or a whole layer
/// ([`Block::whole`]). A layer of single weights is one block, (layer, 0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Block {
    /// The layer.
    pub layer: Layer,
    /// First index.
    pub row: u32,
    /// Second index.
    pub col: u32,
}

impl Block {
    /// The diagonal block of one row of a layer.
    #[must_use]
    pub const fn diagonal(layer: Layer, row: u32) -> Self {
        Self { layer, row, col: row }
    }

    /// The block of all weights of a layer, row after row.
    #[must_use]
    pub const fn whole(layer: Layer) -> Self {
        Self::diagonal(layer, u32::MAX)
    }

    /// The two rows; none of the block of a whole layer.
    #[must_use]
    pub fn rows(self) -> Option<(u32, u32)> {
        ((self.row, self.col) != (u32::MAX, u32::MAX)).then_some((self.row, self.col))
    }

    /// The block in words, as in `(W, 0, 1)`.
    #[must_use]
    pub fn shown(self) -> String {
        match self.rows() {
            Some((row, col)) => format!("({}, {row}, {col})", self.layer.name),
            None => format!("({})", self.layer.name),
        }
    }
}

/// Which of the two empirical matrices, over a sample `Y^1..Y^n`. The ridge penalty `(β/2)‖x‖²` is left out of both: it would
/// add `βI` to H, and cross terms to G.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Matrix {
    /// `H(x) = (1/n) Σ ∇²L(x, Y^i)`.
    Hessian,
    /// `G(x) = (1/n) Σ ∇L(x, Y^i) ∇L(x, Y^i)ᵀ`.
    Gradient,
}

impl Matrix {
    /// Both matrices, in the order of tables.
    pub const BOTH: [Self; 2] = [Self::Hessian, Self::Gradient];

    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hessian => "hessian",
            Self::Gradient => "gradient",
        }
    }
}

/// Largest magnitude of a parameter or a logit: beyond it SGD counts as diverged, since fourth powers overflow.
pub const LARGEST: f64 = 1e75;

/// Parameters: one array (rows × columns) per layer, in the order of [`Task::layers`].
pub type Parameters = Vec<Array2<f64>>;

/// How well parameters do on a sample, with the network's outputs there.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Mean loss, without the ridge penalty.
    pub loss: f64,
    /// Share of samples classified correctly.
    pub accuracy: f64,
    /// Accuracy within each cluster; none if the sample has no point of it.
    pub cluster_accuracy: Vec<Option<f64>>,
    /// What [`Task::curvature`] needs of each sample, one row each: for task A the class probabilities π, n × k, for task B
    /// the K inner products `W_i·Y` and the output f, n × (K+1).
    pub outputs: Array2<f64>,
}

/// A block written as `(1/n) Σ_i weights_i · features_i features_iᵀ`, p × p.
#[derive(Debug)]
pub struct Curvature<'a> {
    /// n × p.
    pub features: CowArray<'a, f64, Ix2>,
    /// One weight per sample, of either sign.
    pub weights: Vec<f64>,
}

/// The block of a whole layer, written as `(1/n) Σ_s Σ_q (f_sq ⊗ a_s)(f_sq ⊗ a_s)ᵀ` over n samples; weight `(row, col)` of
/// the layer is entry `row · inputs + col`.
#[derive(Debug)]
pub struct LayerCurvature<'a> {
    /// What the layer is given, `a_s`: n × inputs.
    pub inputs: CowArray<'a, f64, Ix2>,
    /// The vectors `f_sq` as rows, those of each sample together: (n rank) × rows of the layer.
    pub factors: Array2<f64>,
}

/// A statistic of the parameters whose law closes as d → ∞: an inner product.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// `m` for parameters with means, `R` for parameters with each other.
    pub statistic: &'static str,
    /// First index.
    pub row: usize,
    /// Second index.
    pub col: usize,
    /// The inner product.
    pub value: f64,
}

/// Vectors that span a subspace.
#[derive(Clone, Debug)]
pub struct Spanning {
    /// The vectors as columns, p × m.
    pub columns: Array2<f64>,
    /// Share of the largest singular value below which directions are left out; none where the columns are orthonormal.
    pub cut: Option<f64>,
}

/// What a network makes of the products of the first layer's rows with a sample, for the reduced chain.
pub trait Reduced: std::fmt::Debug {
    /// Turns the products `x^i·Y` into the steps `δ e_i` along Y, and takes the step of the other layers; false if they exceed
    /// [`LARGEST`] or are no numbers.
    fn steps(&mut self, label: u32, step: f64, shrink: f64, products: &mut [f64]) -> bool;
    /// The layers after the first.
    fn further_layers(&self) -> Vec<Array2<f64>>;
}

/// The state of SGD between two samples.
pub trait Learner {
    /// One step `x ← x - δ (∇L(x, Y) + β x)` on a sample, padded with zeros to whole lanes ([`crate::simulation::kernel::padded`]).
    /// False, without a step, when a logit exceeds [`LARGEST`] or is no number.
    fn step(&mut self, label: u32, y: &[f64]) -> bool;
    /// A copy of the parameters.
    fn parameters(&self) -> Parameters;
}

/// A network on a data law.
pub trait Task: Send + Sync {
    /// Its parameters.
    fn problem(&self) -> &Problem;
    /// Law of the data.
    fn law(&self) -> &dyn Law;
    /// Shapes of the layers (rows, columns).
    fn shapes(&self) -> Vec<(usize, usize)>;
    /// Layers with their shapes (layer, rows, columns).
    fn layers(&self) -> Vec<(Layer, usize, usize)> {
        let layers = self.problem().network.layers().iter();
        layers.zip(self.shapes()).map(|(layer, (rows, cols))| (*layer, rows, cols)).collect()
    }
    /// Orthonormal basis (columns, d × dim) of the span of the means that rows of the first layer align with.
    fn mean_space(&self) -> Array2<f64> {
        self.law().mean_space()
    }
    /// What spans the subspace that parameter vectors of a layer align with: the means, if there is one layer only.
    fn spanning(&self, _layer: Layer, _parameters: &Parameters) -> Spanning {
        Spanning { columns: self.mean_space(), cut: None }
    }
    /// The parameter vector that a diagonal block belongs to: a row of its layer, or the whole of a layer of single weights.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a block the task does not have.
    fn vector<'p>(&self, parameters: &'p Parameters, block: Block) -> Result<ArrayView1<'p, f64>> {
        match parameters.get(block.layer.index as usize) {
            Some(weights) if weights.ncols() == 1 && block.row == 0 => Ok(weights.column(0)),
            Some(weights) if weights.ncols() > 1 && (block.row as usize) < weights.nrows() => {
                Ok(weights.row(block.row as usize))
            }
            _ => Err(self.no_block(block)),
        }
    }
    /// The error about a block the task does not have.
    fn no_block(&self, block: Block) -> Error {
        let layers = self.layers();
        let known: Vec<String> = layers
            .iter()
            .map(|(layer, rows, cols)| {
                let rows = if *cols == 1 { 1 } else { *rows };
                format!("({}, 0..{rows}, 0..{rows})", layer.name)
            })
            .collect();
        Error::parameter("block", block.shown(), format!("the task has blocks {}", known.join(" and ")))
    }
    /// Random initial parameters; rows of the first layer are `N(0, I_d/d)`.
    fn initial(&self, seed: &Seed) -> Parameters;
    /// SGD from these parameters on.
    fn learner(&self, parameters: &Parameters) -> Box<dyn Learner>;
    /// Mean loss, accuracy and outputs on a sample.
    fn evaluate(&self, parameters: &Parameters, sample: &Sample) -> Evaluation;
    /// A block of a matrix within one layer, at parameters that were evaluated on the sample with these outputs.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a block the task does not have.
    fn curvature<'a>(
        &self,
        matrix: Matrix,
        block: Block,
        parameters: &Parameters,
        outputs: &Array2<f64>,
        sample: &'a Sample,
    ) -> Result<Curvature<'a>>;
    /// Whether it has blocks of whole layers.
    fn has_whole_layers(&self) -> bool {
        false
    }
    /// Whether it has rectangular blocks between the first layer and the second.
    fn has_cross(&self) -> bool {
        false
    }
    /// The block of a whole layer, as [`Task::curvature`].
    ///
    /// # Errors
    /// [`Error::Parameter`] where the task has no blocks of whole layers.
    fn layer_curvature<'a>(
        &self,
        _matrix: Matrix,
        layer: Layer,
        _parameters: &Parameters,
        _outputs: &Array2<f64>,
        _sample: &'a Sample,
    ) -> Result<LayerCurvature<'a>> {
        Err(self.no_block(Block::whole(layer)))
    }
    /// The rectangular block of a matrix between one row of the first layer and the whole second, d × K.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a row the task does not have; one layer has no such block.
    fn cross(
        &self,
        _matrix: Matrix,
        row: u32,
        _parameters: &Parameters,
        _outputs: &Array2<f64>,
        _sample: &Sample,
    ) -> Result<Array2<f64>> {
        Err(Error::parameter("block", format!("({row}, v)"), "the task has one layer only"))
    }
    /// Summary statistics of the parameters.
    fn summary(&self, parameters: &Parameters) -> Vec<Summary>;
    /// Every diagonal block.
    fn diagonal_blocks(&self) -> Vec<Block>;
    /// The network's part in the reduced chain; `random` gives standard normal numbers for weights after the first layer that
    /// the start does not give.
    fn reduced(&self, random: &mut dyn FnMut(&mut [f64])) -> Box<dyn Reduced>;
}

impl std::fmt::Debug for dyn Task + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("problem", self.problem()).finish()
    }
}

/// Moves rows (m × d) so that row i projects on the space (columns, d × dim) as `Σ_b along[i][b] means_b` (rows, k × d).
pub fn place(rows: &mut Array2<f64>, along: &[Vec<f64>], means: &Array2<f64>, space: &Array2<f64>) {
    for (mut row, coefficients) in rows.rows_mut().into_iter().zip(along) {
        for unit in space.columns() {
            let inside = unit.iter().zip(&row).fold(0.0, |sum, (u, x)| sum + u * x);
            row.zip_mut_with(&unit, |x, u| *x -= inside * u);
        }
        for (coefficient, mean) in coefficients.iter().zip(means.rows()) {
            row.zip_mut_with(&mean, |x, m| *x += coefficient * m);
        }
    }
}
