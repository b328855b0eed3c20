//! One checkpoint with everything needed to compute its spectra elsewhere.

use crate::answer::Answer;
use crate::ask::{Ask, Question, SampleKind};
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::model::TaskKind;
use crate::pipeline::committed::update;
use crate::pipeline::compute::compute;
use crate::pipeline::plan::{Shelf, Work};
use crate::pipeline::table::{Table, TableBuilder};
use crate::pipeline::units::{answer_from, trajectory_from};
use crate::simulate::Observed;
use crate::spectrum::{Pair, leading_space};
use crate::subspace::alignment;
use crate::task::data::Sample;
use crate::task::{self, Matrix, Task};
use std::path::Path;

/// Fewest eigenpairs of each block.
const PAIRS: u32 = 12;

/// What to export.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The replicate.
    pub replicate: u32,
    /// The checkpoint; none for the last.
    pub checkpoint: Option<usize>,
    /// The sample that the matrices are means over.
    pub sample: SampleKind,
}

/// Writes the files of one checkpoint into a folder, after computing what is missing.
///
/// # Errors
/// A replicate or checkpoint the experiment does not have; a folder that cannot be written.
pub fn export(shelf: &Shelf, experiment: &Experiment, request: Request, out: &Path) -> Result<()> {
    let Request { replicate, checkpoint, sample: kind } = request;
    if replicate >= experiment.replicates {
        let rule = format!("experiment {} has replicates 0 to {}", experiment.name, experiment.replicates - 1);
        return Err(Error::parameter("--replicate", replicate, rule));
    }
    let last = experiment.schedule().len() - 1;
    let checkpoint = checkpoint.unwrap_or(last);
    if checkpoint > last {
        let rule = format!("experiment {} has checkpoints 0 to {last}", experiment.name);
        return Err(Error::parameter("--checkpoint", checkpoint, rule));
    }
    let task = task::build(&experiment.model);
    let asks: Vec<Ask> = task
        .diagonal_blocks()
        .into_iter()
        .map(|block| Ask { checkpoint, sample: kind, block, question: Question::Top(PAIRS.max(space_size(&*task) + 2)) })
        .collect();
    compute(shelf, vec![Work { experiment: experiment.clone(), replicate, asks: asks.clone() }], 1, false)?;

    let missing = || Error::damaged(&experiment.name, "was damaged while it was exported; run the same command again");
    let unit = shelf.trajectory(experiment, replicate)?.ok_or_else(missing)?;
    let tables = [
        shelf.store.table(&unit, "trajectory")?.ok_or_else(missing)?,
        shelf.store.table(&unit, "evaluation")?.ok_or_else(missing)?,
    ];
    let trajectory = trajectory_from([&tables[0], &tables[1]], &*task)?;
    let diverged = || Error::parameter("--checkpoint", checkpoint, "SGD diverged before this checkpoint");
    let observed = trajectory.checkpoints.get(checkpoint).ok_or_else(diverged)?;
    let seed = shelf.seed(experiment, replicate);
    let sample = Sample::first(task.law(), &seed, kind.purpose(), experiment.model.sample_size());
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        let answer = shelf.find(&shelf.answer(experiment, replicate, ask, &unit)?)?.ok_or_else(missing)?;
        let table = shelf.store.table(&answer, "answer")?.ok_or_else(missing)?;
        if let Answer::Pairs(pairs) = answer_from(&table, ask.question)? {
            answers.push((ask, pairs));
        }
    }
    let written = [
        means_table(&*task)?,
        parameters_table(&*task, observed)?,
        sample_table(&sample)?,
        spectrum_table(experiment, replicate, observed, &answers)?,
        vectors_table(&answers)?,
        alignment_table(experiment, replicate, observed, &*task, &answers)?,
    ];
    for table in written {
        update(&out.join(format!("{}.parquet", table.name())), &table.to_parquet_bytes(&[])?)?;
    }
    let meta = meta(experiment, shelf.settings.seed, replicate, checkpoint, kind, observed);
    let mut meta = serde_json::to_vec_pretty(&meta).map_err(|error| Error::damaged(out.join("meta.json"), error))?;
    meta.push(b'\n');
    update(&out.join("meta.json"), &meta).map(|_| ())
}

type Answers = [(Ask, [Vec<Pair>; 2])];

fn space_size(task: &dyn Task) -> u32 {
    u32::try_from(task.mean_space().ncols()).unwrap_or(u32::MAX - 2)
}

fn meta(experiment: &Experiment, seed: u64, replicate: u32, checkpoint: usize, sample: SampleKind, at: &Observed) -> serde_json::Value {
    let model = &experiment.model;
    let TaskKind::Mixture { probabilities, .. } = &model.task;
    serde_json::json!({
        "experiment": experiment.name, "task": "mixture", "d": model.d, "k": probabilities.len(), "lambda": model.lambda,
        "beta": model.beta, "c": model.c, "phi": model.phi, "probabilities": probabilities, "n": model.sample_size(),
        "step": at.step, "time": at.time, "seed": seed, "replicate": replicate, "checkpoint": checkpoint,
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
    TableBuilder::new("parameters").str("layer", &layer).u32("row", row).u32("col", col).f64("value", value).build()
}

fn sample_table(sample: &Sample) -> Result<Table> {
    TableBuilder::new("sample")
        .u64("index", (0..sample.len() as u64).collect())
        .u32("label", sample.labels.clone())
        .u32("cluster", sample.clusters.clone())
        .f64_list("features", &sample.features().rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>())
        .build()
}

fn spectrum_table(experiment: &Experiment, replicate: u32, at: &Observed, answers: &Answers) -> Result<Table> {
    let rows: Vec<(&Ask, Matrix, usize, &Pair)> = answers
        .iter()
        .flat_map(|(ask, both)| {
            Matrix::BOTH.into_iter().zip(both).flat_map(move |(matrix, pairs)| {
                pairs.iter().enumerate().map(move |(index, pair)| (ask, matrix, index, pair))
            })
        })
        .collect();
    TableBuilder::new("spectrum")
        .str("experiment", &vec![experiment.name.as_str(); rows.len()])
        .u32("replicate", vec![replicate; rows.len()])
        .u64("step", vec![at.step; rows.len()])
        .f64("time", vec![at.time; rows.len()])
        .str("sample", &rows.iter().map(|row| row.0.sample.name()).collect::<Vec<_>>())
        .str("matrix", &rows.iter().map(|row| row.1.name()).collect::<Vec<_>>())
        .str("layer", &rows.iter().map(|row| row.0.block.layer.name()).collect::<Vec<_>>())
        .u32("row", rows.iter().map(|row| row.0.block.row).collect())
        .u32("col", rows.iter().map(|row| row.0.block.col).collect())
        .u32("rank", rows.iter().map(|row| small(row.2) + 1).collect())
        .f64("eigenvalue", rows.iter().map(|row| row.3.value).collect())
        .f64("residual", rows.iter().map(|row| row.3.residual).collect())
        .build()
}

fn vectors_table(answers: &Answers) -> Result<Table> {
    let (mut matrix, mut layer, mut row, mut rank) = (vec![], vec![], vec![], vec![]);
    let (mut col, mut value) = (vec![], vec![]);
    for (ask, both) in answers {
        for (of, pairs) in Matrix::BOTH.into_iter().zip(both) {
            for (index, pair) in pairs.iter().enumerate() {
                for (place, entry) in pair.vector.iter().enumerate() {
                    matrix.push(of.name());
                    layer.push(ask.block.layer.name());
                    row.push(ask.block.row);
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

fn alignment_table(experiment: &Experiment, replicate: u32, at: &Observed, task: &dyn Task, answers: &Answers) -> Result<Table> {
    let space = task.mean_space();
    let mut rows: Vec<(&str, u32, Option<&str>, &str, f64)> = Vec::new();
    for (ask, both) in answers {
        let block = ask.block;
        let layer = task.layers().iter().position(|(layer, ..)| *layer == block.layer).unwrap_or(0);
        let x = at.parameters[layer].row(block.row as usize);
        rows.push((block.layer.name(), block.row, None, "means", alignment(x, &space)));
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(both) {
            let outliers = leading_space(pairs, space.ncols())?;
            rows.push((block.layer.name(), block.row, Some(ask.sample.name()), matrix.name(), alignment(x, &outliers)));
        }
    }
    TableBuilder::new("alignment")
        .str("experiment", &vec![experiment.name.as_str(); rows.len()])
        .u32("replicate", vec![replicate; rows.len()])
        .u64("step", vec![at.step; rows.len()])
        .f64("time", vec![at.time; rows.len()])
        .str("layer", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .u32("row", rows.iter().map(|row| row.1).collect())
        .str_or_null("sample", &rows.iter().map(|row| row.2).collect::<Vec<_>>())
        .str("subspace", &rows.iter().map(|row| row.3).collect::<Vec<_>>())
        .f64("value", rows.iter().map(|row| row.4).collect())
        .build()
}
