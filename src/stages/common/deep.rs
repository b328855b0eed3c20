//! What the captions of stages on multilayer perceptrons share.

use crate::problem::as_f64;
use crate::problem::experiment::Experiment;

/// What the symbols mean, then the parameters: two sentences of a caption.
pub fn setting(experiments: &[&Experiment]) -> String {
    let values = |symbol: &str, of: &dyn Fn(&Experiment) -> f64| {
        let all = experiments.iter().map(|one| of(one)).filter(|value| value.is_finite());
        let mut all: Vec<f64> = all.collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let words: Vec<String> = all.iter().map(f64::to_string).collect();
        format!("{symbol} = {}", words.join(", "))
    };
    let parameters = [
        values("d", &|one| as_f64(one.problem.d())),
        values("labels k", &|one| as_f64(one.problem.data.labels())),
        values("depth", &|one| as_f64(one.problem.network.layers().len())),
        values("width of hidden layers", &|one| {
            one.problem.network.widths().first().map_or(f64::NAN, |width| as_f64(*width))
        }),
        values("λ", &|one| one.problem.lambda()),
        values("β", &|one| one.problem.training.beta),
        values("c", &|one| one.problem.training.c),
        values("φ", &|one| one.problem.training.phi),
        values("T", &|one| one.horizon),
        values("replicates:", &|one| f64::from(one.replicates)).replace(": =", ":"),
    ];
    format!(
        "Here W_l are the weights of layer l, the first one given the data; B_l is the span of the means for l = 1, and of the cluster means \
         pushed forward through the layers before for l > 1; H is the Hessian of the loss without ridge and G the gradient matrix, \
         in the block of a layer's weights, on a fresh sample of n = φ d points; starts are He's; N(0, I_d/λ) is the noise of a \
         point about its mean, β the ridge, δ = c/d the step size, t = steps × δ the time and T its end. Parameters: {}",
        parameters.join(", ")
    )
}
