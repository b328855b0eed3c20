//! A1, A2 and A5 over a grid of signal-to-noise ratios: rates of the alignment errors, and where outliers appear.

pub mod report;

use crate::error::Result;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::problem::family::Family;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::sine;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::mixture::{FIRST_BLOCK, Prediction, counted, experiment, mean_gram};
use crate::stages::common::shared::{Seen, all_seen, norm_errors, predicted_at, query};
use crate::table::Table;

/// The grid: dense where outliers appear, then half a decade apart.
const GRID: [u32; 18] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 100, 200, 300, 1000, 3000, 10_000, 30_000];

/// The grid of the quick profile.
const QUICK_GRID: [u32; 7] = [1, 5, 30, 100, 300, 3000, 30_000];

/// Eigenvalues among which outliers are counted.
const COUNTED: u32 = 8;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let grid: &[u32] = settings.profile.pick(&GRID, &QUICK_GRID);
    let mut base = experiment(settings.profile, "gmm-snr", 5, f64::from(grid[0]));
    // Rates need no large dimension: the errors are operator norms, not fluctuations.
    base.problem.data.set_d(settings.profile.pick(300, 60));
    base.checkpoints = FEWEST_CHECKPOINTS;
    let family = Family::new("gmm-snr", base).axis(over_lambda(grid));
    let ask = |point| {
        Request::new(point)
            .every_replicate(Checkpoints::Spread(2), FIRST_BLOCK, Question::Top(COUNTED))
            .every_replicate(Checkpoints::Last, FIRST_BLOCK, Question::Norms)
    };
    Ok(settings.points(family)?.into_iter().map(ask).collect())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        for checkpoint in [0, experiment.schedule().len() - 1] {
            let Some(gram) = mean_gram(data, experiment, checkpoint)? else { continue };
            let here = predicted_at(experiment, checkpoint);
            let predicted = Prediction::both(&here, experiment, &gram, &mut rows.theory)?;
            for (matrix, predicted) in Matrix::BOTH.into_iter().zip(&predicted) {
                let edge = predicted.predicted.spectrum.right_edge().position;
                rows.predict(&here, "edge", Of::block(matrix, FIRST_BLOCK), edge);
            }
            let thresholds = predicted.map(|predicted| predicted.threshold);
            for seen in all_seen(data, experiment, Checkpoints::At(checkpoint))? {
                measure(data, experiment, &seen, thresholds, &mut rows)?;
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}

/// Alignment, numbers of outliers and, at the end, the operator-norm errors of one replicate.
fn measure(
    data: &dyn Data,
    experiment: &Experiment,
    Seen { here, replicate, checkpoint, observed }: &Seen,
    thresholds: [f64; 2],
    rows: &mut Rows,
) -> Result<()> {
    let name = experiment.name.as_str();
    let x = observed.parameters[0].row(0);
    let space = task::build(&experiment.problem).mean_space();
    let row = Of::row(Layer::X, 0);
    rows.measure(here, "sine", row.with(Subspace::Means), sine(x, &space));
    rows.measure(here, "norm", row, x.dot(&x).sqrt());
    let pairs = data.pairs(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Top(COUNTED)))?;
    counted(here, &pairs, thresholds, &mut rows.statistics);
    for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
        let block = Of::block(matrix, FIRST_BLOCK);
        for (rank, pair) in (1..).zip(pairs) {
            rows.measure(here, "eigenvalue", block.rank(rank), pair.value);
        }
    }
    if *checkpoint > 0 {
        let norms = data.norms(name, *replicate, query(*checkpoint, FIRST_BLOCK, Question::Norms))?;
        for (matrix, norms) in Matrix::BOTH.into_iter().zip(norms) {
            rows.statistics.extend(norm_errors(here, Of::block(matrix, FIRST_BLOCK), norms));
        }
    }
    Ok(())
}
