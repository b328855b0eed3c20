//! From numbers per block and checkpoint to one per replicate, and how far a prediction may be off at finite d and n.

use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::stage::estimate::Values;
use crate::stage::rows::Selection;
use crate::stages::common::mixture::onset_place;
use std::collections::BTreeMap;

/// Those from the checkpoint on from which alignment is claimed.
pub fn from_onset<'a>(rows: Selection<'a>, experiment: &Experiment) -> Selection<'a> {
    let step = experiment.schedule()[onset_place(experiment)];
    rows.only(move |row| row.at.step >= step)
}

/// Those at the end.
pub fn ending<'a>(rows: Selection<'a>, experiment: &Experiment) -> Selection<'a> {
    let step = experiment.schedule().last().copied().unwrap_or(0);
    rows.step(step)
}

fn folded(rows: &Selection, fold: impl Fn(&[f64]) -> f64) -> Values {
    let mut runs: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for row in rows.iter() {
        runs.entry(row.at.replicate.unwrap_or(0)).or_default().push(row.value);
    }
    runs.into_iter().map(|(replicate, values)| (replicate, fold(&values))).collect()
}

/// The smallest number of every replicate.
pub fn smallest(rows: &Selection) -> Values {
    folded(rows, |values| values.iter().copied().fold(f64::INFINITY, f64::min))
}

/// The largest number of every replicate.
pub fn largest(rows: &Selection) -> Values {
    folded(rows, |values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The mean of the numbers of every replicate.
pub fn averaged(rows: &Selection) -> Values {
    folded(rows, |values| values.iter().sum::<f64>() / as_f64(values.len()))
}

/// Both values of every replicate that has both, combined.
pub fn combined(left: &Values, right: &Values, combine: impl Fn(f64, f64) -> f64) -> Values {
    let both =
        left.iter().filter_map(|(replicate, value)| Some((*replicate, *value, *right.get(replicate)?)));
    both.map(|(replicate, left, right)| (replicate, combine(left, right))).collect()
}

/// The left value of every replicate minus its right one.
pub fn minus(left: &Values, right: &Values) -> Values {
    combined(left, right, |left, right| left - right)
}

/// Mean over replicates; NaN if there is none.
pub fn mean(values: &Values) -> f64 {
    values.values().sum::<f64>() / as_f64(values.len())
}

/// Two standard deviations, relative to its mean, of the squared length of a Gaussian vector of `directions · d` components: what
/// unit eigenvectors have outside `V` is such a vector, one per eigenvector, up to the correlations of neighbours.
pub fn noise(experiment: &Experiment, directions: usize) -> f64 {
    2.0 * (2.0 / as_f64(directions * experiment.problem.d())).sqrt()
}

/// How many standard deviations the largest of k standard normal numbers lies above zero, at most in the mean: `√(2 ln k)`.
pub fn extreme(k: usize) -> f64 {
    (2.0 * libm::log(as_f64(k))).sqrt()
}

#[cfg(test)]
mod tests {
    use crate::stages::common::judged::{combined, extreme, minus};

    #[test]
    fn only_replicates_with_both_values_count() {
        let left = [(0, 3.0), (1, 5.0), (2, 7.0)].into();
        let right = [(1, 2.0), (2, 4.0), (3, 9.0)].into();
        assert_eq!(minus(&left, &right), [(1, 3.0), (2, 3.0)].into());
        assert_eq!(combined(&left, &right, |a, b| a * b), [(1, 10.0), (2, 28.0)].into());
    }

    #[test]
    fn the_largest_of_five_normals_is_below_its_bound() {
        // E max of five standard normals is 1.16296 (Harter 1961).
        assert!(extreme(5) > 1.16296 && extreme(5) < 1.8);
    }
}
