//! B5: each neuron ends on one of four directions, so the rank follows the coupon collector's law where `√λ ≫ log d`.
//!
//! The law is judged by its exponential tilt: the family `P_θ(r) ∝ P(r) e^{θr}` contains it at θ = 0, and `(r - m)/σ²` of a run, with
//! the law's mean and variance, is the score at 0, whose mean over runs is θ to first order. An interval for θ within a declared
//! distance of 0 excludes every larger tilt, so that fewer runs make the claim harder. Beside it stands the p-value of the fit to all
//! ranks. Where the law ends as d grows is mapped by the stage `rank-law-map`.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::family::{Axis, Family};
use crate::random::normal::Normals;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Statistic, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::xor_runs::{NARROW, Point, Run, exceptions_table, request, runs, runs_table};
use crate::table::{Table, TableBuilder};
use crate::theory::coupon_collector::covered;
use std::f64::consts::FRAC_1_SQRT_2;

/// Signal-to-noise ratios at K = 4.
const LAMBDAS: [u32; 5] = [100, 300, 1000, 3000, 10_000];
/// The family of these.
const FAMILY: &str = "xor-rank-lambda";
/// The largest of them, where the law is tested.
const LIMIT: u32 = 10_000;
/// Dimension of all points but those on the dimension: neurons choose by signs, which noise overturns more often at 100.
const DIMENSION: usize = 200;
/// Other dimensions at the largest signal-to-noise ratio.
const DIMENSIONS: [usize; 2] = [100, 400];
/// Other widths there.
const WIDTHS: [usize; 2] = [6, 12];
/// Replicates where the law is tested at width 4, at the other widths, at the smallest λ, and elsewhere.
const REPLICATES: [u32; 4] = [2500, 1500, 1000, 400];
/// Samples from the law behind a p-value: the least that there can be is below the level of claims.
const SAMPLES: u32 = 40_000;

fn at_lambda(lambda: u32) -> String {
    format!("xor-rank-lambda-{lambda}")
}

fn at_dimension(d: usize) -> String {
    if d == DIMENSION { at_lambda(LIMIT) } else { format!("xor-rank-law-d{d}") }
}

fn at_width(width: usize) -> String {
    if width == NARROW { at_lambda(LIMIT) } else { format!("xor-rank-law-k{width}") }
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let [many, wide, small, few] = REPLICATES;
    let base = |name: String, d: usize| {
        let lambda = f64::from(LIMIT);
        let point = Point { name, width: NARROW, d, lambda, horizon: 60.0, replicates: few };
        point.experiment(settings.profile, false)
    };
    let lambdas = Family::new(FAMILY, base("xor-rank".to_owned(), DIMENSION)).axis(over_lambda(&LAMBDAS));
    let widths = Family::new("xor-rank-width", base("xor-rank-law".to_owned(), DIMENSION)).axis(Axis::new(
        "width",
        "-k",
        WIDTHS.map(as_f64),
    ));
    let mut points = settings.members(lambdas)?;
    points.extend(DIMENSIONS.map(|d| base(at_dimension(d), d)));
    let others = points.len();
    points.extend(settings.members(widths)?);
    for (index, point) in points.iter_mut().enumerate() {
        let more = if index >= others {
            wide
        } else if point.name == at_lambda(LIMIT) {
            many
        } else if point.name == at_lambda(LAMBDAS[0]) {
            small
        } else {
            continue;
        };
        point.replicates = settings.profile.pick(more, point.replicates);
    }
    points.into_iter().map(|point| request(settings, point, Checkpoints::Last)).collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let runs = runs(data)?;
    let (mut law, mut fit) = ((Vec::new(), Vec::new(), Vec::new()), Vec::new());
    for experiment in data.experiments() {
        let here = At {
            experiment: experiment.name.clone(),
            replicate: None,
            step: experiment.problem.steps(experiment.horizon),
            time: experiment.horizon,
        };
        let expected = covered(experiment.problem.rows(), CLUSTERS);
        let ranks: Vec<u32> = of(&runs, &experiment.name).map(|run| run.outliers).collect();
        for (outliers, probability) in (0_u32..).zip(&expected) {
            law.0.push(experiment.name.clone());
            law.1.push(outliers);
            law.2.push(*probability);
        }
        let p = goodness(&ranks, &expected, &mut data.null(&experiment.name, 0));
        fit.push(Statistic::plain(&here, "goodness-of-fit p", p));
    }
    Ok(vec![
        runs_table(&runs)?,
        exceptions_table(&runs)?,
        TableBuilder::new("law")
            .str("experiment", &law.0)
            .u32("outliers", law.1)
            .f64("probability", law.2)
            .build()?,
        statistics_table("fit", &fit)?,
    ])
}

fn of<'a>(runs: &'a [Run], experiment: &'a str) -> impl Iterator<Item = &'a Run> + Clone {
    runs.iter().filter(move |run| run.at.experiment == experiment)
}

/// Pearson's statistic of counts against probabilities; infinite where something impossible was counted.
fn pearson(counts: &[u32], expected: &[f64]) -> f64 {
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let term = |(count, probability): (&u32, &f64)| {
        let (seen, mean) = (f64::from(*count), total * probability);
        if mean > 0.0 {
            (seen - mean) * (seen - mean) / mean
        } else if seen > 0.0 {
            f64::INFINITY
        } else {
            0.0
        }
    };
    counts.iter().zip(expected).map(term).sum()
}

/// The chance of a Pearson statistic as large as that of these ranks under their law, from [`SAMPLES`] samples of as many ranks,
/// so that it is as good where cells are small.
fn goodness(ranks: &[u32], expected: &[f64], normals: &mut Normals) -> f64 {
    let mut counts = vec![0; expected.len()];
    for rank in ranks {
        match counts.get_mut(*rank as usize) {
            Some(count) => *count += 1,
            None => return 1.0 / f64::from(SAMPLES + 1),
        }
    }
    let statistic = pearson(&counts, expected);
    // Normal numbers below the quantile of its cumulative probability are of a cell or one before it.
    let mut sum = 0.0;
    let ends: Vec<f64> = expected
        .iter()
        .map(|probability| {
            sum += probability;
            quantile(sum)
        })
        .collect();
    let mut draws = vec![0.0; ranks.len()];
    let mut further = 0_u32;
    for _ in 0..SAMPLES {
        normals.fill(&mut draws);
        counts.fill(0);
        for draw in &draws {
            let cell = ends.iter().take(ends.len() - 1).filter(|end| draw > end).count();
            counts[cell] += 1;
        }
        further += u32::from(pearson(&counts, expected) >= statistic * (1.0 - 1e-12));
    }
    f64::from(further + 1) / f64::from(SAMPLES + 1)
}

/// The point below which a standard normal number lies with this probability, by bisection.
fn quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(-middle * FRAC_1_SQRT_2) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use crate::random::seed::{Purpose, Seed};
    use crate::stages::xor_rank_law::{goodness, pearson, quantile};

    #[test]
    fn p_values_are_those_of_the_chi_square_law_where_cells_are_large() {
        let expected = [0.0, 0.25, 0.25, 0.25, 0.25];
        let ranks: Vec<u32> = [(1, 130), (2, 100), (3, 90), (4, 80)]
            .into_iter()
            .flat_map(|(rank, count)| std::iter::repeat_n(rank, count))
            .collect();
        assert!((pearson(&[0, 130, 100, 90, 80], &expected) - 14.0).abs() < 1e-12);
        let seed = Seed { root: 5, experiment: "test".to_owned(), replicate: 0 };
        // Three degrees of freedom: P(X > 14) = 0.00291.
        let p = goodness(&ranks, &expected, &mut seed.stream(Purpose::Null, 0));
        assert!((p - 0.00291).abs() < 0.0012, "{p}");
        // An impossible rank has the least p-value there is.
        let p = goodness(&[0, 1, 2, 3, 4], &expected, &mut seed.stream(Purpose::Null, 0));
        assert!(p < 1e-4, "{p}");
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!(quantile(0.5).abs() < 1e-12 && quantile(0.0) < -30.0);
    }
}
