//! Answers to the questions of stages: spectra of both matrices at one checkpoint.

use crate::error::Result;
use crate::mutation;
use crate::problem::network::Layer;
use crate::simulation::data::Sample;
use crate::simulation::task::{Block, Matrix, Parameters, Task};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::spectrum::subspace::{singular, space};
use crate::spectrum::{BlockMatrix, Norms, Pair, signed, warm_start};
use ndarray::{Array2, Axis, stack};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The answer to a question, for the Hessian and for the gradient matrix, in the order of [`Matrix::BOTH`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum QueryResult {
    /// Eigenpairs by decreasing magnitude.
    Pairs([Vec<Pair>; 2]),
    /// All eigenvalues, largest first.
    Values([Vec<f64>; 2]),
    /// Operator norms.
    Norms([Norms; 2]),
    /// Principal components.
    Components(Vec<Pair>),
}

/// One value for each of the two matrices.
fn both<T>(mut make: impl FnMut(usize) -> Result<T>) -> Result<[T; 2]> {
    Ok([make(0)?, make(1)?])
}

/// Parameters at a checkpoint with their evaluation on a sample, ready to answer questions about blocks.
#[derive(Debug)]
pub struct Point<'a> {
    task: &'a dyn Task,
    parameters: &'a Parameters,
    sample: &'a Sample,
    outputs: Cow<'a, Array2<f64>>,
}

impl<'a> Point<'a> {
    /// Evaluates the parameters on the sample.
    #[must_use]
    pub fn new(task: &'a dyn Task, parameters: &'a Parameters, sample: &'a Sample) -> Self {
        let outputs = Cow::Owned(task.evaluate(parameters, sample).outputs);
        Self { task, parameters, sample, outputs }
    }

    /// A checkpoint with the sample of this kind; on the test sample it may have been evaluated already.
    #[must_use]
    pub fn observed(
        task: &'a dyn Task,
        observed: &'a Observed,
        kind: SampleKind,
        sample: &'a Sample,
    ) -> Self {
        match &observed.outputs {
            Some(outputs) if kind == SampleKind::Test => {
                Self { task, parameters: &observed.parameters, sample, outputs: Cow::Borrowed(outputs) }
            }
            _ => Self::new(task, &observed.parameters, sample),
        }
    }

    /// Both matrices of one block.
    ///
    /// # Errors
    /// A block the task does not have.
    pub fn matrices(&self, block: Block) -> Result<[BlockMatrix<'a>; 2]> {
        both(|index| {
            let (matrix, outputs) = (Matrix::BOTH[index], &self.outputs);
            if block.rows().is_none() {
                return self.layer(matrix, block.layer);
            }
            let mut curvature = self.task.curvature(matrix, block, self.parameters, outputs, self.sample)?;
            if matrix == Matrix::Hessian {
                curvature.weights = mutation::hessian_weights(curvature.weights);
            } else if let Some(labels) = mutation::gradient_labels(&self.sample.labels) {
                let mut sample = self.sample.clone();
                sample.labels = labels;
                let mutated = self.task.curvature(matrix, block, self.parameters, outputs, &sample)?;
                curvature.weights = mutated.weights;
            }
            Ok(BlockMatrix::new(curvature))
        })
    }

    fn layer(&self, matrix: Matrix, layer: Layer) -> Result<BlockMatrix<'a>> {
        let of = |sample| self.task.layer_curvature(matrix, layer, self.parameters, &self.outputs, sample);
        let mut curvature = of(self.sample)?;
        if matrix == Matrix::Gradient
            && let Some(labels) = mutation::gradient_labels(&self.sample.labels)
        {
            let mut mutated = self.sample.clone();
            mutated.labels = labels;
            let factors = self.task.layer_curvature(matrix, layer, self.parameters, &self.outputs, &mutated);
            curvature.factors = factors?.factors;
        }
        Ok(BlockMatrix::of_layer(curvature))
    }

    /// The means of what a layer is given over the clusters that the sample has: left singular vectors with singular values.
    fn cluster_means(&self, matrix: &BlockMatrix) -> Result<Vec<Pair>> {
        let (inputs, clusters) = (matrix.inputs(), &self.sample.clusters);
        let mean = |cluster: u32| {
            let mine: Vec<usize> =
                (0..clusters.len()).filter(|sample| clusters[*sample] == cluster).collect();
            inputs.select(Axis(0), &mine).mean_axis(Axis(0))
        };
        let known = clusters.iter().max().map_or(0, |most| most + 1);
        let means: Vec<_> = (0..known).filter_map(mean).collect();
        let means: Vec<_> = means.iter().map(|mean| mean.view()).collect();
        let columns = stack(Axis(1), &means).map_err(crate::spectrum::shape)?;
        let (vectors, values) = singular(&columns)?;
        let pairs = values.into_iter().zip(vectors.columns());
        Ok(pairs
            .map(|(value, vector)| Pair { value, vector: signed(vector.to_owned()), residual: 0.0 })
            .collect())
    }

    /// The answer to a question about a block whose matrices are at hand.
    ///
    /// # Errors
    /// [`crate::error::Error::Numeric`] if a routine misses its declared accuracy.
    pub fn answer(&self, query: Query, matrices: &[BlockMatrix; 2]) -> Result<QueryResult> {
        let basis = || space(self.task, query.block.layer, self.parameters);
        Ok(match query.question {
            Question::Top(count) => QueryResult::Pairs(both(|index| matrices[index].top(count as usize))?),
            Question::ClusterMeans => QueryResult::Components(self.cluster_means(&matrices[0])?),
            Question::Outliers(count) if query.block.rows().is_none() => QueryResult::Pairs(both(|index| {
                let start = matrices[index].cluster_start(&self.sample.clusters, count as usize + 2)?;
                matrices[index].outliers(count as usize, &start)
            })?),
            Question::Outliers(count) => {
                let start = warm_start(&basis()?, self.task.vector(self.parameters, query.block)?);
                QueryResult::Pairs(both(|index| matrices[index].outliers(count as usize, &start))?)
            }
            Question::Values => QueryResult::Values(both(|index| matrices[index].values())?),
            Question::Components(count) => {
                QueryResult::Components(matrices[0].unweighted().top(count as usize)?)
            }
            Question::Norms => {
                let space = basis()?;
                QueryResult::Norms(both(|index| matrices[index].norms(&space))?)
            }
        })
    }

    /// The rectangular block of both matrices between a row of the first layer and the whole second, d × K.
    ///
    /// # Errors
    /// A row the task does not have, or a task of one layer.
    pub fn cross(&self, row: u32) -> Result<[Array2<f64>; 2]> {
        both(|index| self.task.cross(Matrix::BOTH[index], row, self.parameters, &self.outputs, self.sample))
    }
}
