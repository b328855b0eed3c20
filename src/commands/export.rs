//! One checkpoint with everything needed to compute its spectra elsewhere.

use crate::error::{Error, Result};
use crate::pipeline::compute::compute;
use crate::pipeline::plan::{RunContext, Work};
use crate::pipeline::units::{answer_from, trajectory_from};
use crate::problem::TaskKind;
use crate::problem::experiment::{Experiment, Simulator};
use crate::published::publish::update;
use crate::simulation::data::Sample;
use crate::simulation::observe::Observed;
use crate::simulation::task::xor::CLUSTERS;
use crate::simulation::task::{self, Block, Layer, Matrix, Task};
use crate::spectrum::answer::{Answer, Point};
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::spectrum::{Pair, leading_space};
use crate::stage::rows::{Alignment, At, Eigenvalue, Subspace, alignment_table, spectrum_table};
use crate::table::{Table, TableBuilder};
use std::collections::BTreeSet;
use std::path::Path;

/// Fewest eigenpairs of each block.
const PAIRS: u32 = 12;

/// What to export.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    /// The replicate.
    pub replicate: u32,
    /// The checkpoint; none for the last.
    pub checkpoint: Option<usize>,
    /// The sample that the matrices are means over.
    pub sample: SampleKind,
}

/// Writes the files of one checkpoint into a folder, after computing what is missing: `meta.json`, and the tables `means`,
/// `parameters`, `sample`, `spectrum`, `eigenvectors` (of the diagonal blocks) and `alignment`; of task B also `cross`, the
/// entries of the rectangular blocks `W_i v` (`row` i, `neuron` j, `col` the coordinate), and spectra of all `W_i W_j`.
///
/// # Errors
/// A replicate or checkpoint the experiment does not have; a folder that cannot be written.
pub fn export(context: &RunContext, experiment: &Experiment, request: Checkpoint, out: &Path) -> Result<()> {
    let Checkpoint { replicate, checkpoint, sample: kind } = request;
    if replicate >= experiment.replicates {
        let rule =
            format!("experiment {} has replicates 0 to {}", experiment.name, experiment.replicates - 1);
        return Err(Error::parameter("--replicate", replicate, rule));
    }
    if experiment.simulator == Simulator::Chain {
        let rule = "is simulated by the reduced chain, which draws no samples in d dimensions to export";
        return Err(Error::parameter("experiment", &experiment.name, rule));
    }
    let last = experiment.schedule().len() - 1;
    let checkpoint = checkpoint.unwrap_or(last);
    if checkpoint > last {
        let rule = format!("experiment {} has checkpoints 0 to {last}", experiment.name);
        return Err(Error::parameter("--checkpoint", checkpoint, rule));
    }
    let task = task::build(&experiment.model);
    let question = Question::Top(PAIRS.max(space_size(&*task) + 2));
    let queries: Vec<Query> =
        blocks(&*task).into_iter().map(|block| Query { checkpoint, sample: kind, block, question }).collect();
    let (experiment_of, stages) = (experiment.clone(), BTreeSet::from(["export"]));
    let work = Work { experiment: experiment_of, replicate, queries: queries.clone(), stages };
    compute(context, vec![work], 1, false)?;

    let missing =
        || Error::damaged(&experiment.name, "was damaged while it was exported; run the same command again");
    let unit = context.trajectory(experiment, replicate)?.ok_or_else(missing)?;
    let tables = [
        context.store.table(&unit, "trajectory")?.ok_or_else(missing)?,
        context.store.table(&unit, "evaluation")?.ok_or_else(missing)?,
    ];
    let trajectory = trajectory_from([&tables[0], &tables[1]], &*task)?;
    let diverged = || Error::parameter("--checkpoint", checkpoint, "SGD diverged before this checkpoint");
    let observed = trajectory.checkpoints.get(checkpoint).ok_or_else(diverged)?;
    let seed = context.seed(experiment, replicate);
    let sample = Sample::first(task.law(), &seed, kind.purpose(), experiment.model.sample_size());
    let mut answers = Vec::with_capacity(queries.len());
    for query in queries {
        let answer =
            context.find(&context.answer(experiment, replicate, query, &unit)?)?.ok_or_else(missing)?;
        let table = context.store.table(&answer, "answer")?.ok_or_else(missing)?;
        if let Answer::Pairs(pairs) = answer_from(&table, query.question)? {
            answers.push((query, pairs));
        }
    }
    let here = At {
        experiment: experiment.name.clone(),
        replicate: Some(replicate),
        step: observed.step,
        time: observed.time,
    };
    let mut spectrum = Vec::new();
    for (query, both) in &answers {
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(both) {
            spectrum.extend(Eigenvalue::of_pairs(&here, matrix, query, pairs));
        }
    }
    let written = [
        means_table(&*task)?,
        parameters_table(&*task, observed)?,
        sample_table(&sample)?,
        spectrum_table(&spectrum)?,
        vectors_table(&answers)?,
        alignment_table(&alignments(&here, observed, &*task, kind, &answers)?)?,
    ];
    for table in written.into_iter().chain(cross_table(&*task, observed, &sample)?) {
        update(&out.join(format!("{}.parquet", table.name())), &table.to_parquet_bytes(&[])?)?;
    }
    let meta = meta(experiment, context.settings.seed, replicate, checkpoint, kind, observed);
    let mut meta =
        serde_json::to_vec_pretty(&meta).map_err(|error| Error::damaged(out.join("meta.json"), error))?;
    meta.push(b'\n');
    update(&out.join("meta.json"), &meta).map(|_| ())
}

type Answers = [(Query, [Vec<Pair>; 2])];

/// The blocks whose spectra are exported: the diagonal ones, and in task B all `W_i W_j`.
fn blocks(task: &dyn Task) -> Vec<Block> {
    let mut blocks = task.diagonal_blocks();
    for (layer, rows, _) in task.layers().into_iter().filter(|(layer, ..)| *layer == Layer::W) {
        let pairs = (0..small(rows)).flat_map(|row| (row + 1..small(rows)).map(move |col| (row, col)));
        blocks.extend(pairs.map(|(row, col)| Block { layer, row, col }));
    }
    blocks
}

fn space_size(task: &dyn Task) -> u32 {
    u32::try_from(task.mean_space().ncols()).unwrap_or(u32::MAX - 2)
}

fn meta(
    experiment: &Experiment,
    seed: u64,
    replicate: u32,
    checkpoint: usize,
    sample: SampleKind,
    at: &Observed,
) -> serde_json::Value {
    let model = &experiment.model;
    let (task, probabilities) = match &model.task {
        TaskKind::Mixture { probabilities, .. } => ("mixture", probabilities.as_slice()),
        TaskKind::Xor { .. } => ("xor", &[0.25; CLUSTERS] as &[f64]),
    };
    serde_json::json!({
        "experiment": experiment.name, "task": task, "d": model.d, model.task.rows_key(): model.task.rows(),
        "lambda": model.lambda, "beta": model.beta, "c": model.c, "phi": model.phi, "probabilities": probabilities,
        "n": model.sample_size(), "step": at.step, "time": at.time, "seed": seed, "replicate": replicate, "checkpoint": checkpoint,
        "sample": sample.name(),
    })
}

#[allow(clippy::cast_possible_truncation, reason = "rows, columns and ranks are small")]
fn small(index: usize) -> u32 {
    index as u32
}

fn means_table(task: &dyn Task) -> Result<Table> {
    let means = task.law().means();
    let (clusters, d) = means.dim();
    TableBuilder::new("means")
        .u32("cluster", (0..clusters * d).map(|index| small(index / d)).collect())
        .u32("label", (0..clusters * d).map(|index| task.law().labels()[index / d]).collect())
        .u32("col", (0..clusters * d).map(|index| small(index % d)).collect())
        .f64("value", means.iter().copied().collect())
        .build()
}

fn parameters_table(task: &dyn Task, at: &Observed) -> Result<Table> {
    let (mut layer, mut row, mut col, mut value) = (vec![], vec![], vec![], vec![]);
    for ((name, ..), array) in task.layers().iter().zip(&at.parameters) {
        for ((i, j), entry) in array.indexed_iter() {
            layer.push(name.name());
            row.push(small(i));
            col.push(small(j));
            value.push(*entry);
        }
    }
    TableBuilder::new("parameters")
        .str("layer", &layer)
        .u32("row", row)
        .u32("col", col)
        .f64("value", value)
        .build()
}

fn sample_table(sample: &Sample) -> Result<Table> {
    TableBuilder::new("sample")
        .u64("index", (0..sample.len() as u64).collect())
        .u32("label", sample.labels.clone())
        .u32("cluster", sample.clusters.clone())
        .f64_list(
            "features",
            &sample.features().rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        )
        .build()
}

fn vectors_table(answers: &Answers) -> Result<Table> {
    let (mut matrix, mut layer, mut row, mut rank) = (vec![], vec![], vec![], vec![]);
    let (mut col, mut value) = (vec![], vec![]);
    for (query, both) in answers.iter().filter(|(query, _)| query.block.row == query.block.col) {
        for (of, pairs) in Matrix::BOTH.into_iter().zip(both) {
            for (index, pair) in pairs.iter().enumerate() {
                for (place, entry) in pair.vector.iter().enumerate() {
                    matrix.push(of.name());
                    layer.push(query.block.layer.name());
                    row.push(query.block.row);
                    rank.push(small(index) + 1);
                    col.push(small(place));
                    value.push(*entry);
                }
            }
        }
    }
    TableBuilder::new("eigenvectors")
        .str("matrix", &matrix)
        .str("layer", &layer)
        .u32("row", row)
        .u32("rank", rank)
        .u32("col", col)
        .f64("value", value)
        .build()
}

fn alignments(
    here: &At,
    at: &Observed,
    task: &dyn Task,
    kind: SampleKind,
    answers: &Answers,
) -> Result<Vec<Alignment>> {
    let mut rows = Vec::new();
    for (query, both) in answers.iter().filter(|(query, _)| query.block.row == query.block.col) {
        let block = query.block;
        let space = crate::spectrum::subspace::space(task, block.layer, &at.parameters)?;
        let x = task.vector(&at.parameters, block)?;
        let of = (block.layer, block.row, x);
        rows.push(Alignment::of(here, of, (Subspace::Means, None, &space)));
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(both) {
            // Nothing spans the space of a network whose neurons have all died.
            let leading = match space.ncols() {
                0 => space.clone(),
                count => leading_space(pairs, count)?,
            };
            rows.push(Alignment::of(here, of, (Subspace::Outliers(matrix), Some(kind), &leading)));
        }
    }
    Ok(rows)
}

/// The rectangular blocks between every row of the first layer and the whole second; nothing of a task of one layer.
fn cross_table(task: &dyn Task, at: &Observed, sample: &Sample) -> Result<Option<Table>> {
    if !task.layers().iter().any(|(layer, ..)| *layer == Layer::V) {
        return Ok(None);
    }
    let point = Point::new(task, &at.parameters, sample);
    let (mut matrix, mut row, mut neuron) = (vec![], vec![], vec![]);
    let (mut col, mut value) = (vec![], vec![]);
    for i in 0..small(at.parameters[0].nrows()) {
        for (of, block) in Matrix::BOTH.into_iter().zip(point.cross(i)?) {
            for ((place, j), entry) in block.indexed_iter() {
                matrix.push(of.name());
                row.push(i);
                neuron.push(small(j));
                col.push(small(place));
                value.push(*entry);
            }
        }
    }
    TableBuilder::new("cross")
        .str("matrix", &matrix)
        .u32("row", row)
        .u32("neuron", neuron)
        .u32("col", col)
        .f64("value", value)
        .build()
        .map(Some)
}
