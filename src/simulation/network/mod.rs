//! Networks, each with its SGD step, its evaluation and the weights of its curvature.

pub mod heads;
pub mod mlp;
pub mod softmax;
pub mod two_layer;
