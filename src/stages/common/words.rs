//! The parameters of experiments in the words of captions.

use crate::problem::Problem;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, Simulator};
use std::cmp::Ordering;

/// The experiments of one task: of task A (`gmm`) or of task B (`xor`).
pub fn of_task<'a>(experiments: &[&'a Experiment], task: &str) -> Vec<&'a Experiment> {
    experiments.iter().copied().filter(|one| one.task() == task).collect()
}

/// Whether test samples have `n = φ d` points: those of reduced chains do not, and no figure shows them.
pub fn sampled(experiments: &[&Experiment]) -> bool {
    experiments.iter().any(|one| one.simulator == Simulator::Sgd)
}

/// The parameters of experiments as a sentence of a caption, by task: each value once, up to three combinations of values as
/// they belong together, ranges over more.
pub fn parameters(experiments: &[&Experiment]) -> String {
    let (mixture, network) = (of_task(experiments, "gmm"), of_task(experiments, "xor"));
    if mixture.is_empty() || network.is_empty() {
        return format!("Parameters: {}; {}", values(experiments), replicates(experiments));
    }
    let task = |name: &str, of: &[&Experiment]| format!("{name}, {}, {}", values(of), replicates(of));
    format!("Parameters: {}; {}", task("task A", &mixture), task("task B", &network))
}

fn replicates(experiments: &[&Experiment]) -> String {
    format!("replicates: {}", distinct(experiments.iter().map(|one| f64::from(one.replicates))))
}

/// The values of the parameters of experiments of one task.
fn values(experiments: &[&Experiment]) -> String {
    let rows = experiments.first().map_or("k", |one| one.problem.network.rows_symbol());
    let names = [rows, "d", "λ", "β", "c", "φ", "T"];
    let of = |one: &Experiment| {
        let problem = &one.problem;
        [
            as_f64(problem.rows()),
            as_f64(problem.d()),
            problem.lambda(),
            problem.training.beta,
            problem.training.c,
            problem.training.phi,
            one.horizon,
        ]
    };
    let mut sets: Vec<[f64; 7]> = Vec::new();
    for set in experiments.iter().map(|one| of(one)) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let varies = |index: usize| sets.iter().any(|set| set[index].total_cmp(&sets[0][index]).is_ne());
    let varied: Vec<usize> = (0..names.len()).filter(|index| varies(*index)).collect();
    let paired = varied.len() > 1 && sets.len() <= 3;
    let together = |set: &[f64; 7]| {
        varied
            .iter()
            .map(|index| format!("{} = {}", names[*index], rounded(set[*index])))
            .collect::<Vec<_>>()
            .join(" with ")
    };
    let mut words = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if *name == "φ" && !sampled(experiments) {
            continue;
        }
        if !paired || !varied.contains(&index) {
            words.push(format!("{name} = {}", distinct(sets.iter().map(|set| set[index]))));
        } else if varied.first() == Some(&index) {
            words.push(listed(&sets.iter().map(together).collect::<Vec<_>>()));
        }
        if index == 0 {
            words.extend(experiments.first().and_then(|one| classes(&one.problem)));
        }
    }
    words.extend(experiments.first().and_then(|one| start(&one.problem)));
    words.join(", ")
}

/// What is given of the start.
fn start(problem: &Problem) -> Option<String> {
    let mut words = Vec::new();
    let tuple = |all: Vec<String>| format!("({})", all.join(", "));
    if let Some(along) = &problem.training.start.along {
        let row = problem.network.row_symbol();
        let products = problem.data.mean_symbols().iter().map(|mean| format!("{row}·{mean}")).collect();
        let pairs: Vec<String> =
            along.iter().map(|row| tuple(row.iter().copied().map(rounded).collect())).collect();
        words.push(format!("{} = {}", tuple(products), listed(&pairs)));
    }
    if let Some(second) = &problem.training.start.second {
        words.push(format!("v_i = {}", listed(&second.iter().copied().map(rounded).collect::<Vec<_>>())));
    }
    (!words.is_empty()).then(|| format!("at the start {}", words.join(" and ")).replace('-', "−"))
}

/// A number with at most four significant digits after its whole part; whole numbers as they are.
fn rounded(value: f64) -> String {
    let digits = (3.0 - libm::floor(libm::log10(value.abs().max(1e-300)))).clamp(0.0, 300.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 300")]
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Class probabilities where they are not equal, and inner products of means that are not orthogonal.
fn classes(problem: &Problem) -> Option<String> {
    let (probabilities, symbols) = (problem.data.probabilities(), problem.data.mean_symbols());
    let mut words = Vec::new();
    if probabilities.iter().any(|p| p.total_cmp(&probabilities[0]).is_ne()) {
        let each: Vec<String> = probabilities.iter().copied().map(rounded).collect();
        words.push(format!("class probabilities {}", listed(&each)));
    }
    for (a, row) in problem.data.mean_gram().iter().enumerate() {
        for (b, product) in row[..a].iter().enumerate().filter(|(_, product)| **product != 0.0) {
            words.push(format!("{}·{} = {}", symbols[b], symbols[a], rounded(*product)));
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Words with commas, and "and" before the last.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Distinct values in increasing order: up to three as a list, more as a range.
fn distinct(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    match values.as_slice() {
        [low, _, _, .., high] => format!("{} to {}", rounded(*low), rounded(*high)),
        few => listed(&few.iter().copied().map(rounded).collect::<Vec<_>>()),
    }
}
