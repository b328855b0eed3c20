//! B5: each neuron ends on one of four directions, so the rank follows the coupon collector's law as λ → ∞.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::family::{Axis, Family};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Statistic, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::xor_runs::{NARROW, Point, Run, exceptions_table, request, runs, runs_table};
use crate::table::{Table, TableBuilder};
use crate::theory::coupon_collector::covered;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

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
/// Replicates where the law is tested, and elsewhere.
const REPLICATES: (u32, u32) = (1000, 400);

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
    let (many, few) = REPLICATES;
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
    for point in points.iter_mut().filter(|point| point.name == at_lambda(LIMIT)) {
        point.replicates = settings.profile.pick(many, point.replicates);
    }
    points.extend(DIMENSIONS.map(|d| base(at_dimension(d), d)));
    points.extend(settings.members(widths)?);
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
        fit.push(Statistic::plain(&here, "goodness-of-fit p", goodness(&ranks, &expected)));
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

/// Pearson's chi-square test of ranks 1 to 4 against their law, at three degrees of freedom, where the chance to exceed x is
/// `erfc(√(x/2)) + √(2x/π) e^{-x/2}`; rank 0, which has probability 0, makes it 0.
fn goodness(ranks: &[u32], expected: &[f64]) -> f64 {
    let total = as_f64(ranks.len());
    let statistic: f64 = (1..)
        .zip(expected.iter().skip(1))
        .map(|(rank, probability)| {
            let seen = as_f64(ranks.iter().filter(|found| **found == rank).count());
            (seen - total * probability) * (seen - total * probability) / (total * probability)
        })
        .sum();
    if ranks.contains(&0) {
        return 0.0;
    }
    libm::erfc(statistic.sqrt() * FRAC_1_SQRT_2) + (2.0 * statistic / PI).sqrt() * libm::exp(-0.5 * statistic)
}
