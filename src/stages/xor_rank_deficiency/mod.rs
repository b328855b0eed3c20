//! B4: where SGD converges to a sub-optimal classifier, fewer than four outliers remain: one for each classified cluster.

pub mod report;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{random_space, sine, space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Eigenvalue, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{Seen, at, query, seen};
use crate::stages::common::xor::{SECOND, law, leading_neurons, leading_order, threshold};
use crate::stages::common::xor_runs::{NARROW, Point, Run, exceptions_table, request, runs, runs_table};
use crate::table::Table;
use crate::theory::{self, leading};

/// Width 4: all ranks from 1 to 4 are frequent enough to be met.
const RUNS: &str = "xor-rank";
/// Enough that a share of 0.98 can be told from one, with an exception in a thousand.
const REPLICATES: u32 = 1000;
/// Width 8.
const WIDER: &str = "xor-rank-k8";

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let point = |name: &str, width: usize| Point {
        name: name.to_owned(),
        width,
        d: 200,
        lambda: 1000.0,
        horizon: 80.0,
        replicates: REPLICATES,
    };
    Ok(vec![
        request(settings, point(RUNS, NARROW).experiment(settings.profile, true), Checkpoints::All)?,
        request(settings, point(WIDER, 2 * NARROW).experiment(settings.profile, false), Checkpoints::Last)?,
    ])
}

/// The first run that ended with each number of outliers, from four down to one.
fn matched(runs: &[Run]) -> Vec<&Run> {
    (1..=4)
        .rev()
        .filter_map(|rank| runs.iter().find(|run| run.at.experiment == RUNS && run.outliers == rank))
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let runs = runs(data)?;
    let mut rows = Rows::default();
    let experiment = data.experiment(RUNS)?;
    for run in matched(&runs) {
        let Some(replicate) = run.at.replicate else { continue };
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, replicate, Checkpoints::All)? {
            let question = query(checkpoint, SECOND, Question::Values);
            let [values, _] = data.values(RUNS, replicate, question)?;
            rows.spectrum.extend(Eigenvalue::of_values(&here, Matrix::Hessian, &question, &values));
            let (law, block) = (law(experiment, &observed)?, Of::block(Matrix::Hessian, SECOND));
            let threshold = threshold(experiment, &law, theory::Matrix::Hessian)?;
            rows.predict(&here, "level", block, threshold);
            let expected = law.second_layer_spectrum(theory::Matrix::Hessian)?.values;
            for (rank, value) in (1..).zip(&expected) {
                rows.predict(&here, "eigenvalue", block.rank(rank), *value);
            }
            for (cluster, share) in (0..).zip(&observed.cluster_accuracy) {
                let of = Of::default().cluster(cluster);
                rows.measure(&here, "cluster accuracy", of, share.unwrap_or(0.0));
            }
        }
    }
    for run in matched(&runs) {
        if let Some(replicate) = run.at.replicate {
            paths(data, experiment, replicate, &mut rows)?;
        }
    }
    second_layer(data, &mut rows)?;
    let mut tables = vec![runs_table(&runs)?, exceptions_table(&runs)?];
    tables.extend(rows.tables(&["spectrum", "statistics", "theory"])?);
    Ok(tables)
}

/// Points of a predicted path.
const POINTS: u32 = 60;

/// Inner products of every neuron with the means and its second-layer weight along training, and what the leading order of the
/// effective dynamics makes of its start.
fn paths(data: &dyn Data, experiment: &Experiment, replicate: u32, rows: &mut Rows) -> Result<()> {
    let all = seen(data, experiment, replicate, Checkpoints::All)?;
    let mut add = |at: &At, measured: bool, neurons: &[leading::Neuron]| {
        for (row, neuron) in (0..).zip(neurons) {
            let products = (0..).zip(neuron.along);
            let mut of: Vec<_> = products.map(|(col, value)| ("m", Layer::W, Some(col), value)).collect();
            of.push(("v", Layer::V, Some(0), neuron.v));
            for (statistic, layer, col, value) in of {
                let of = Of { col, ..Of::row(layer, row) };
                if measured {
                    rows.measure(at, statistic, of, value);
                } else {
                    rows.predict(at, statistic, of, value);
                }
            }
        }
    };
    for Seen { here, observed, .. } in &all {
        add(here, true, &leading_neurons(experiment, observed));
    }
    if let Some(start) = all.first() {
        let neurons = leading_neurons(experiment, &start.observed);
        // As evenly in logarithms as the checkpoints are.
        let first = experiment.time(experiment.schedule()[1]);
        let time = |point: u32| {
            let share = f64::from(point) / f64::from(POINTS - 1);
            first * libm::pow(experiment.horizon / first, share)
        };
        let times: Vec<f64> = (0..POINTS).map(time).collect();
        let delta = experiment.time(1);
        for (time, neurons) in times.iter().zip(leading_order(experiment).path(&neurons, &times)?) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of steps")]
            let step = (time / delta).round() as u64;
            add(&At { step, time: *time, ..start.here.clone() }, false, &neurons);
        }
    }
    Ok(())
}

/// The angle between v and `B_t` at the end of every run of the wider network, that between v and a random space of as many
/// dimensions, and what is left of the start of v.
fn second_layer(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let experiment = data.experiment(WIDER)?;
    let task = task::build(&experiment.problem);
    for replicate in data.finished(WIDER)? {
        let checkpoints = data.trajectory(WIDER, replicate)?.checkpoints;
        let (Some(start), Some(end)) = (checkpoints.first(), checkpoints.last()) else { continue };
        let here = at(experiment, replicate, end);
        let (old, v) = (start.parameters[1].column(0), end.parameters[1].column(0));
        let space = space(&*task, Layer::V, &end.parameters)?;
        let random = random_space(space.nrows(), space.ncols(), &mut data.null(WIDER, replicate))?;
        let of = Of::row(Layer::V, 0);
        rows.measure(&here, "sine", of.with(Subspace::Means), sine(v, &space));
        rows.measure(&here, "sine", of.with(Subspace::Random), sine(v, &random));
        let decay = libm::exp(-experiment.problem.training.beta * end.time);
        let left = decay * (old.dot(&old) / v.dot(&v).max(f64::MIN_POSITIVE)).sqrt();
        rows.measure(&here, "left of the start", of, left);
    }
    Ok(())
}
