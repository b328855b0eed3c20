//! Checkpoints with everything needed to compute their spectra elsewhere.

use crate::cli::{Checkpoints, ExportArgs, SampleSize, Selection};
use crate::commands::console::{open, print_line};
use crate::commands::interrupt::{KEPT, explain_interrupts};
use crate::error::{Error, Result};
use crate::pipeline::compute::compute;
use crate::pipeline::context::{RunContext, Work, place};
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, Simulator};
use crate::published::publish::update;
use crate::simulation::data::Sample;
use crate::simulation::task::{self, Block, Matrix, Task};
use crate::simulation::trajectory::Observed;
use crate::spectrum::answer::{Point, QueryResult};
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::spectrum::{Pair, leading_space};
use crate::stage::rows::{Alignment, At, Eigenvalue, Subspace, alignment_table, spectrum_table};
use crate::stages::STAGES;
use crate::stages::common::shared::{at, small};
use crate::store::Access;
use crate::table::{Table, TableBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Fewest eigenpairs of each block.
const PAIRS: u32 = 12;

/// Most bytes of a sample.
const SAMPLE_BYTES: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;

/// `export`.
pub(crate) fn export_checkpoints(args: &ExportArgs) -> Result<ExitCode> {
    let (shared, name) = (&args.shared, args.experiment.as_str());
    let settings = shared.settings()?;
    let plans = plan_all(STAGES, &settings)?;
    let mut experiments: BTreeMap<String, _> = plans.iter().flat_map(StagePlan::experiments).collect();
    let known: Vec<String> = experiments.keys().cloned().collect();
    let experiment = experiments.remove(name).ok_or_else(|| Error::unknown("experiment", name, &known))?;
    checked(&experiment, args.selection)?;
    let store = open(shared, Access::Write)?;
    explain_interrupts(KEPT)?;
    export(&RunContext::new(&store, &settings)?, &experiment, args.selection, &args.out)?;
    print_line(&format!(
        "{name}, replicate {}: written to {}",
        args.selection.replicate,
        args.out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the files of checkpoints into a folder, after computing what is missing: `meta.json`, and the tables `means`,
/// `parameters`, `sample`, `spectrum` (of every block), `eigenvectors` (of the diagonal blocks) and `alignment`; of a multilayer perceptron diagonal blocks of rows only; of task B also
/// `cross`, the entries of the rectangular blocks `W_i v` (`row` i, `neuron` j, `col` the coordinate).
///
/// # Errors
/// A replicate or checkpoint the experiment does not have; a sample that is too large; a folder that cannot be written.
pub fn export(context: &RunContext, experiment: &Experiment, selection: Selection, out: &Path) -> Result<()> {
    let Selection { replicate, sample: kind, .. } = selection;
    let (checkpoints, size) = checked(experiment, selection)?;
    let task = task::build(&experiment.problem);
    let question = Question::Top(PAIRS.max(space_size(&*task) + 2));
    let of = |checkpoint: usize| {
        blocks(&*task).into_iter().map(move |block| Query { checkpoint, sample: kind, block, question })
    };
    // Spectra of samples of another size than the experiment's are not cached.
    let cached = size == experiment.problem.sample_size();
    let queries: Vec<Query> = checkpoints.iter().filter(|_| cached).flat_map(|one| of(*one)).collect();
    let stages = BTreeSet::from(["export"]);
    let work =
        Work { experiment: Arc::new(experiment.clone()), replicate, queries, studies: Vec::new(), stages };
    compute(context, vec![work], 1, false)?;

    let lost = || Error::Lost { what: place(experiment, replicate) };
    let trajectory = context.trajectory(experiment, replicate)?.ok_or_else(lost)?;
    let seed = context.seed(experiment, replicate);
    let sample = Sample::first(task.law(), &seed, kind.purpose(), size);
    for checkpoint in checkpoints {
        let observed = match (trajectory.checkpoints.get(checkpoint), selection.checkpoint) {
            (Some(observed), _) => observed,
            (None, Checkpoints::All) => break,
            (None, _) => {
                let rule = "SGD diverged before this checkpoint";
                return Err(Error::parameter("--checkpoint", checkpoint, rule));
            }
        };
        let point = Point::new(&*task, &observed.parameters, &sample);
        let mut answers = Vec::new();
        for query in of(checkpoint) {
            let answer = if cached {
                context.answer(experiment, replicate, query)?.ok_or_else(lost)?
            } else {
                point.answer(query, &point.matrices(query.block)?)?
            };
            if let QueryResult::Pairs(pairs) = answer {
                answers.push((query, pairs));
            }
        }
        let folder = match selection.checkpoint {
            Checkpoints::All => out.join(format!("checkpoint-{checkpoint}")),
            _ => out.to_owned(),
        };
        let seed = context.settings.seed;
        let meta = meta(experiment, (seed, replicate, checkpoint), (kind, size), observed);
        write(&folder, &meta, &tables_of(experiment, replicate, &point, observed, (&sample, &answers))?)?;
    }
    Ok(())
}

/// The checkpoints that are meant, and the number of points of the sample.
fn checked(experiment: &Experiment, selection: Selection) -> Result<(Vec<usize>, usize)> {
    let replicate = selection.replicate;
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
    let checkpoints = match selection.checkpoint {
        Checkpoints::One(checkpoint) if checkpoint > last => {
            let rule = format!("experiment {} has checkpoints 0 to {last}", experiment.name);
            return Err(Error::parameter("--checkpoint", checkpoint, rule));
        }
        Checkpoints::One(checkpoint) => vec![checkpoint],
        Checkpoints::Last => vec![last],
        Checkpoints::All => (0..=last).collect(),
    };
    Ok((checkpoints, sample_size(experiment, &selection)?))
}

/// The number of points of the sample.
fn sample_size(experiment: &Experiment, selection: &Selection) -> Result<usize> {
    let steps = usize::try_from(experiment.problem.steps(experiment.horizon)).unwrap_or(usize::MAX);
    let size = match selection.sample_size {
        None => return Ok(experiment.problem.sample_size()),
        Some(SampleSize::Run) => steps,
        Some(SampleSize::Points(points)) => points.get(),
    };
    if selection.sample == SampleKind::Train && size > steps {
        let rule = format!("SGD takes {steps} training samples in a run of experiment {}", experiment.name);
        return Err(Error::parameter("--sample-size", size, rule));
    }
    if as_f64(size) * as_f64(experiment.problem.d()) * 8.0 > SAMPLE_BYTES {
        let rule = format!("as many points in dimension {} need over 8 GiB", experiment.problem.d());
        return Err(Error::parameter("--sample-size", size, rule));
    }
    Ok(size)
}

/// All tables of a checkpoint.
fn tables_of(
    experiment: &Experiment,
    replicate: u32,
    point: &Point<'_>,
    observed: &Observed,
    (sample, answers): (&Sample, &Answers),
) -> Result<Vec<Table>> {
    let task = task::build(&experiment.problem);
    let here = at(experiment, replicate, observed);
    let mut spectrum = Vec::new();
    for (query, both) in answers {
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(both) {
            spectrum.extend(Eigenvalue::of_pairs(&here, matrix, query, pairs));
        }
    }
    let mut tables = vec![
        means_table(&*task)?,
        parameters_table(&*task, observed)?,
        sample_table(sample)?,
        spectrum_table(&spectrum)?,
        vectors_table(answers)?,
        alignment_table(&alignments(&here, observed, &*task, answers)?)?,
    ];
    if task.has_cross() {
        tables.push(cross_table(point, observed)?);
    }
    Ok(tables)
}

fn write(folder: &Path, meta: &serde_json::Value, tables: &[Table]) -> Result<()> {
    for table in tables {
        update(&folder.join(format!("{}.parquet", table.name())), &table.to_parquet_bytes(&[])?)?;
    }
    let file = folder.join("meta.json");
    let mut meta = serde_json::to_vec_pretty(meta).map_err(|error| Error::defect("meta.json", error))?;
    meta.push(b'\n');
    update(&file, &meta)
}

type Answers = [(Query, [Vec<Pair>; 2])];

/// All blocks of rows of the same layer, each pair of rows once; of networks whose whole layers are blocks, the diagonal ones.
fn blocks(task: &dyn Task) -> Vec<Block> {
    let mut blocks = task.diagonal_blocks();
    if task.has_whole_layers() {
        return blocks;
    }
    for (layer, rows, _) in task.layers().into_iter().filter(|(.., cols)| *cols > 1) {
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
    (seed, replicate, checkpoint): (u64, u32, usize),
    (sample, size): (SampleKind, usize),
    at: &Observed,
) -> serde_json::Value {
    let problem = &experiment.problem;
    serde_json::json!({
        "experiment": experiment.name, "task": experiment.task(), "d": problem.d(), problem.network.rows_key(): problem.rows(),
        "widths": problem.network.widths(), "lambda": problem.data.lambda(), "beta": problem.training.beta, "c": problem.training.c, "delta": problem.step_size(), "phi": problem.training.phi,
        "probabilities": problem.data.probabilities(), "sample": sample.name(), "n": size, "step": at.step, "time": at.time, "seed": seed,
        "replicate": replicate, "checkpoint": checkpoint,
    })
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
    for ((of, ..), array) in task.layers().iter().zip(&at.parameters) {
        for ((i, j), entry) in array.indexed_iter() {
            layer.push(of.name);
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
                    layer.push(query.block.layer.name);
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

fn alignments(here: &At, at: &Observed, task: &dyn Task, answers: &Answers) -> Result<Vec<Alignment>> {
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
            rows.push(Alignment::of(here, of, (Subspace::Outliers(matrix), Some(query.sample), &leading)));
        }
    }
    Ok(rows)
}

/// The rectangular blocks between every row of the first layer and the whole second.
fn cross_table(point: &Point<'_>, at: &Observed) -> Result<Table> {
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
}
