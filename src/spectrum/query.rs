//! A question about the spectra of one checkpoint.

use crate::random::seed::Purpose;
use crate::simulation::task::Block;
use serde::Serialize;

/// Which sample a matrix is a mean over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleKind {
    /// One fresh sample per replicate, the same for all checkpoints.
    Test,
    /// The first n samples that SGD saw.
    Train,
}

impl SampleKind {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
        }
    }

    /// Purpose of its random stream.
    #[must_use]
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Test => Purpose::Test,
            Self::Train => Purpose::Train,
        }
    }
}

/// A question about a block of both matrices at one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// This many eigenpairs of largest magnitude, bulk included, from the dense matrix.
    Top(u32),
    /// This many eigenpairs of largest magnitude, quickly where they stand clear of the bulk.
    Outliers(u32),
    /// All eigenvalues.
    Values,
    /// Operator norms of the block, of what the mean space misses, and of its complement.
    Norms,
    /// This many leading principal components of what the layer of the block is given, not centred and without any weights: what
    /// eigenvectors of the Hessian and the gradient matrix would be if neither the network nor the labels played a part.
    Components(u32),
    /// The means, over the clusters of the sample, of what the layer of the block is given: their left singular vectors, with
    /// the singular values.
    ClusterMeans,
}

/// A question put to one checkpoint of one replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Query {
    /// Index of the checkpoint.
    pub checkpoint: usize,
    /// The sample.
    pub sample: SampleKind,
    /// The block.
    pub block: Block,
    /// The question.
    pub question: Question,
}
