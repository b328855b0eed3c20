//! What one replicate goes through, whatever simulates it.

use crate::simulation::task::Parameters;

/// Parameters after a number of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps taken.
    pub step: u64,
    /// The parameters.
    pub parameters: Parameters,
}

/// One replicate at its checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory<C> {
    /// The checkpoints reached, the initial point first.
    pub checkpoints: Vec<C>,
    /// The step at which a parameter or logit exceeded [`crate::simulation::task::LARGEST`] or was no number, if that happened.
    pub diverged: Option<u64>,
}
