//! Networks, each with its SGD step, its evaluation and the weights of its curvature.

pub mod softmax;
pub mod two_layer;
