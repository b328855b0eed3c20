//! What the captions of stages on multilayer perceptrons share.

use crate::problem::as_f64;
use crate::problem::experiment::Experiment;

/// The parameters as a sentence of a caption; starts are He's.
pub fn parameters(experiments: &[&Experiment]) -> String {
    let of_all = |symbol: &str, of: &dyn Fn(&Experiment) -> f64| {
        let all = experiments.iter().map(|one| of(one)).filter(|value| value.is_finite());
        let mut all: Vec<f64> = all.collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let words: Vec<String> = all.iter().map(f64::to_string).collect();
        (!words.is_empty()).then(|| format!("{symbol} = {}", words.join(", ")))
    };
    let values = [
        of_all("d", &|one| as_f64(one.problem.d())),
        of_all("labels k", &|one| as_f64(one.problem.data.labels())),
        of_all("depth", &|one| as_f64(one.problem.network.layers().len())),
        of_all("width of hidden layers", &|one| {
            one.problem.network.widths().first().map_or(f64::NAN, |width| as_f64(*width))
        }),
        of_all("λ", &|one| one.problem.lambda()),
        of_all("β", &|one| one.problem.training.beta),
        of_all("c", &|one| one.problem.training.c),
        of_all("φ", &|one| one.problem.training.phi),
        of_all("T", &|one| one.horizon),
        of_all("replicates:", &|one| f64::from(one.replicates)).map(|words| words.replace(": =", ":")),
    ];
    format!("Parameters: {}", values.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
