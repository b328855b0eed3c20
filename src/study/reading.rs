//! What studies give.

use crate::simulation::task::Matrix;
use serde::{Deserialize, Serialize};

/// One number that a study gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// SGD steps taken, or of a training sample the step that it was for.
    pub step: u64,
    /// What was read.
    pub name: String,
    /// Of which sample or rule.
    pub of: String,
    /// Place in [`Matrix::BOTH`], of what belongs to a matrix.
    pub matrix: Option<u32>,
    /// Rank of an eigenvalue, or number of a part, from 1.
    pub rank: Option<u32>,
    /// Its value.
    pub value: f64,
}

impl Reading {
    /// A number of the whole network.
    #[must_use]
    pub fn new(step: u64, name: &str, of: &str, value: f64) -> Self {
        Self { step, name: name.to_owned(), of: of.to_owned(), matrix: None, rank: None, value }
    }

    /// Of a matrix.
    #[must_use]
    pub fn matrix(self, matrix: Matrix) -> Self {
        Self { matrix: (0_u32..).zip(Matrix::BOTH).find(|one| one.1 == matrix).map(|one| one.0), ..self }
    }

    /// Of a rank or part.
    #[must_use]
    pub fn rank(self, rank: u32) -> Self {
        Self { rank: Some(rank), ..self }
    }

    /// The matrix it belongs to.
    #[must_use]
    pub fn of_matrix(&self) -> Option<Matrix> {
        self.matrix.and_then(|place| Matrix::BOTH.get(place as usize).copied())
    }
}
