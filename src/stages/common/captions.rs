//! Words that the captions of many figures share: what symbols mean, and how the sign of an eigenvector is shown.

use crate::problem::experiment::Experiment;
use crate::stages::common::words::{of_task, parameters, sampled};

/// What a caption defines beside the parameters, as its figure needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// H, G and their blocks of rows of the first layer.
    Blocks,
    /// H, G and their block of the second layer of task B.
    SecondBlock,
    /// The alignment ρ of a vector with a space.
    Alignment,
    /// The sine of the angle of a vector with a space.
    Sine,
    /// The overlap of two spaces.
    Overlap,
}

/// What the symbols of a figure mean, then [`parameters`]: two sentences of a caption.
pub fn setting(experiments: &[&Experiment], uses: &[Symbol]) -> String {
    let (mixture, network) =
        (!of_task(experiments, "gmm").is_empty(), !of_task(experiments, "xor").is_empty());
    let uses = |symbol: Symbol| uses.contains(&symbol);
    let of_mixture = "x^c is the parameter row and μ_c the mean of class c = 1, …, k";
    let of_network = "W_i and v_i are the first- and second-layer weights of neuron i = 1, …, K, and ±μ, ±ν the cluster means";
    let mut parts = match (mixture, network) {
        (true, true) => vec![
            format!("in task A, softmax regression, {of_mixture}"),
            format!("in task B, the two-layer network, {of_network}"),
        ],
        (true, false) => vec![of_mixture.to_owned()],
        _ => vec![of_network.to_owned()],
    };
    let matrices = uses(Symbol::Blocks) || uses(Symbol::SecondBlock);
    if matrices {
        let mut words = "H is the Hessian of the loss without ridge and G the gradient matrix, the mean outer product of the \
                         gradients of single points, on a fresh sample of n = φ d points"
            .to_owned();
        if uses(Symbol::Blocks) && mixture {
            words += ", H_ab and G_ab their d × d blocks";
        }
        if uses(Symbol::Blocks) && network {
            words += ", H_(W_iW_i) and G_(W_iW_i) their d × d blocks of neuron i in the first layer";
        }
        if uses(Symbol::SecondBlock) {
            words += ", H_vv and G_vv their K × K blocks of the second layer";
        }
        parts.push(words);
    }
    let (rho, sine) = ("ρ(x; B) = ‖P_B x‖/‖x‖", "sin(x; B) = ‖x - P_B x‖/‖x‖");
    match (uses(Symbol::Alignment), uses(Symbol::Sine)) {
        (true, true) => parts.push(format!("{rho} and {sine} with the projection P_B on B")),
        (true, false) => parts.push(format!("{rho} with the projection P_B on B")),
        (false, true) => parts.push(format!("{sine} with the projection P_B on B")),
        (false, false) => {}
    }
    if uses(Symbol::Overlap) {
        parts.push("‖P_U P_B‖_F^2/dim U, with projections P, is the overlap of U with B".to_owned());
    }
    if !matrices && sampled(experiments) {
        parts.push("test samples have n = φ d fresh points".to_owned());
    }
    parts.push(
        "N(0, I_d/λ) is the noise of a point about its mean, β the ridge, δ = c/d the step size, t = steps × δ the time and T its \
         end"
            .to_owned(),
    );
    format!("Here {}. {}", parts.join("; "), parameters(experiments))
}

/// Entries below this have a minus sign in their cell.
pub const NEGATIVE: f64 = -0.1;

/// What a caption says of the colours and signs of eigenvector entries.
pub fn signs() -> String {
    format!(
        "red is positive, blue negative with a minus sign below {}, white zero; eigenvectors, whose sign is free, have a positive \
         largest entry",
        NEGATIVE.to_string().replace('-', "−")
    )
}
