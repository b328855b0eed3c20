//! From a problem and a seed to a trajectory: data, networks, steps of SGD, the exact reduced chain.

pub mod chain;
pub mod data;
pub mod exponential;
pub mod kernel;
pub mod network;
pub mod observe;
pub mod sgd;
pub mod task;
pub mod trajectory;
