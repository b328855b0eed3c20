//! What one replicate goes through, whatever simulates it.

use crate::simulation::task::Parameters;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Parameters after a number of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps taken.
    pub step: u64,
    /// The parameters.
    pub parameters: Parameters,
}

/// What is known of one checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observed {
    /// Steps taken.
    pub step: u64,
    /// `step · δ`.
    pub time: f64,
    /// The parameters, one array per layer.
    pub parameters: Parameters,
    /// Mean loss on the test sample, without the ridge penalty.
    pub loss: f64,
    /// Share of the test sample classified correctly.
    pub accuracy: f64,
    /// Accuracy within each cluster; none if the test sample has no point of it.
    pub cluster_accuracy: Vec<Option<f64>>,
    /// What the network makes of each point of the test sample ([`crate::simulation::task::Evaluation::outputs`]); none
    /// of a trajectory that is read back.
    #[serde(skip)]
    pub outputs: Option<Array2<f64>>,
}

/// One replicate at its checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory<C> {
    /// The checkpoints reached, the initial point first.
    pub checkpoints: Vec<C>,
    /// The step at which a parameter or logit exceeded [`crate::simulation::task::LARGEST`] or was no number, if that happened.
    pub diverged: Option<u64>,
}
