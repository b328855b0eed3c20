//! A task: a network on a data law.

pub mod build;
pub mod definition;
pub mod tally;

pub use crate::simulation::task::build::{build, law};
pub use crate::simulation::task::definition::{
    Block, Curvature, Evaluation, LARGEST, LayerCurvature, Learner, Matrix, Parameters, Reduced, Spanning,
    Summary, Task, place,
};
