//! A2: the outlier eigenspaces of all blocks of the Hessian and of the gradient matrix live in the span of the means.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::leading_space;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::overlap;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    COUNTS, FIRST_BLOCK, JudgedMatrix, MAIN, NO_RIDGE, OBLIQUE, OFF_DIAGONAL, Predicted, REPLICATED, SHOWN,
    UNEQUAL, WIDE, WIDE_CLEAR, classes, counts, each_judged, every_class, experiment, gram, law, main,
    outliers, places, principal_space, random_like, variant,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, seen, threshold, threshold_below};
use crate::table::Table;
use crate::theory::effective_spectrum::Outlier;
use crate::theory::mixture_law::MixtureLaw;

/// The experiments whose diagonal blocks are judged.
const DIAGONAL: [&str; 6] = [MAIN, WIDE, WIDE_CLEAR, NO_RIDGE, OBLIQUE, UNEQUAL];

/// The off-diagonal blocks whose outlier spaces are computed at the end; at the start the first.
const BLOCKS: [(u32, u32); 3] = [(0, 1), (1, 2), (3, 4)];

/// The off-diagonal blocks asked about at a checkpoint, as far as there are so many classes.
fn off_diagonal_blocks(experiment: &Experiment, checkpoint: usize) -> Vec<Block> {
    let all = if checkpoint == 0 { 1 } else { BLOCKS.len() };
    let known = BLOCKS[..all].iter().filter(|(_, col)| *col < classes(experiment));
    known.map(|&(row, col)| Block { layer: Layer::X, row, col }).collect()
}

fn first_and_last(experiment: &Experiment) -> [usize; 2] {
    [0, experiment.schedule().len() - 1]
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut main = main(settings)?
        .first_replicate(Checkpoints::First, OFF_DIAGONAL, Question::Top(SHOWN))
        .first_replicate(Checkpoints::Last, OFF_DIAGONAL, Question::Top(SHOWN));
    let k = classes(&main.experiment);
    for place in first_and_last(&main.experiment) {
        for block in off_diagonal_blocks(&main.experiment, place) {
            main = main.every_replicate(Checkpoints::At(place), block, Question::Outliers(k));
        }
    }
    for row in 0..k {
        main = main.first_replicate(Checkpoints::Last, Block::diagonal(Layer::X, row), Question::Top(SHOWN));
    }
    let mut wide = experiment(settings.profile, WIDE, 10, 100.0);
    wide.replicates = settings.profile.pick(30, wide.replicates);
    let wide = settings.experiment(wide)?;
    let mut clear = experiment(settings.profile, WIDE_CLEAR, 10, 500.0);
    clear.problem.data.set_d(settings.profile.pick(500, 100));
    // Overlaps of G scatter by 0.0021, and their tolerance is 0.0015.
    clear.replicates = settings.profile.pick(120, clear.replicates);
    let mut requests =
        vec![main, every_class(Request::new(wide)), every_class(Request::new(settings.experiment(clear)?))];
    for name in [NO_RIDGE, OBLIQUE, UNEQUAL] {
        requests.push(variant(settings, name)?);
    }
    requests.push(counts(settings)?);
    Ok(requests)
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut found = Found::default();
    for name in DIAGONAL {
        found.overlaps(data, data.experiment(name)?)?;
    }
    found.off_diagonal_spaces(data)?;
    found.off_diagonal_shown(data)?;
    found.counts(data)?;
    eigenvector_entries(data, &mut found.rows)?;
    let place = |row: &Statistic| (row.at.experiment.clone(), row.at.replicate, row.at.step);
    found.rows.statistics.sort_by_key(place);
    found.rows.theory.sort_by_key(place);
    found.rows.tables(&["statistics", "theory", "spectrum"])
}

/// Overlap of predicted outlier eigenvectors with the span of the means, per class.
fn predicted_overlap(law: &MixtureLaw, outliers: &[Outlier], k: usize) -> f64 {
    outliers.iter().take(k).map(|outlier| outlier.overlap_with_span_of_means(law)).sum::<f64>() / as_f64(k)
}

/// Rows of the tables.
#[derive(Default)]
struct Found {
    rows: Rows,
}

impl Found {
    /// Overlap of the top-k eigenspaces of diagonal blocks with the span of the means, measured and predicted, and that of what
    /// is put in their place.
    fn overlaps(&mut self, data: &dyn Data, experiment: &Experiment) -> Result<()> {
        let space = task::build(&experiment.problem).mean_space();
        let k = experiment.problem.rows();
        each_judged(data, experiment, &places(experiment), |judged| {
            let here = &judged.seen.here;
            for JudgedMatrix { matrix, pairs, predicted, outliers, scatter } in &judged.of {
                let block = Of::block(*matrix, Block::diagonal(Layer::X, judged.class));
                let spanned = block.with(Subspace::Means);
                let inside = overlap(&leading_space(pairs, k)?, &space);
                self.rows.measure(here, "overlap", spanned, inside);
                let foreseen = predicted_overlap(&predicted.law, outliers, k);
                self.rows.predict(here, "overlap", spanned, foreseen);
                let count = as_f64(outliers.len());
                self.rows.predict(here, "outliers beyond the bulk", block, count);
                self.rows.predict(here, "scatter", block, *scatter);
            }
            Ok(())
        })?;
        for Seen { here, replicate, .. } in all_seen(data, experiment, Checkpoints::Last)? {
            for (subspace, other) in [
                (Subspace::Components, principal_space(data, experiment, replicate)?),
                (Subspace::Random, random_like(data, experiment, replicate)?),
            ] {
                let of = Of::default().with(subspace);
                self.rows.measure(&here, "overlap with the means", of, overlap(&other, &space));
            }
        }
        if experiment.name != MAIN {
            return Ok(());
        }
        // Between the places at which claims are made, for the figure.
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, REPLICATED)? {
            if places(experiment).contains(&checkpoint) {
                continue;
            }
            let pairs = data.pairs(&experiment.name, replicate, outliers(experiment, checkpoint))?;
            let law = law(experiment, &gram(experiment, &observed)?)?;
            for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
                let spanned = Of::block(matrix, FIRST_BLOCK).with(Subspace::Means);
                let inside = overlap(&leading_space(pairs, k)?, &space);
                self.rows.measure(&here, "overlap", spanned, inside);
                let predicted = Predicted::finite(experiment, &law, (of, 0, 0))?;
                let foreseen = predicted_overlap(&law, &predicted.spectrum.outliers_above()?, k);
                self.rows.predict(&here, "overlap", spanned, foreseen);
            }
        }
        Ok(())
    }

    /// The same of off-diagonal blocks, whose outliers go by magnitude.
    fn off_diagonal_spaces(&mut self, data: &dyn Data) -> Result<()> {
        let experiment = data.experiment(MAIN)?;
        let space = task::build(&experiment.problem).mean_space();
        let k = experiment.problem.rows();
        for place in first_and_last(experiment) {
            for Seen { here, replicate, checkpoint, observed } in
                all_seen(data, experiment, Checkpoints::At(place))?
            {
                let law = law(experiment, &gram(experiment, &observed)?)?;
                for block in off_diagonal_blocks(experiment, place) {
                    let question = query(checkpoint, block, Question::Outliers(classes(experiment)));
                    let pairs = data.pairs(MAIN, replicate, question)?;
                    for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
                        let spanned = Of::block(matrix, block).with(Subspace::Means);
                        let inside = overlap(&leading_space(pairs, k)?, &space);
                        self.rows.measure(&here, "overlap", spanned, inside);
                        let predicted = Predicted::finite(
                            experiment,
                            &law,
                            (of, block.row as usize, block.col as usize),
                        )?;
                        let outliers = by_magnitude(predicted.spectrum.outliers()?);
                        let foreseen = predicted_overlap(&law, &outliers, k);
                        self.rows.predict(&here, "overlap", spanned, foreseen);
                    }
                }
            }
        }
        Ok(())
    }

    /// The largest eigenvalues of an off-diagonal block in the first replicate, with predicted edges and outliers.
    fn off_diagonal_shown(&mut self, data: &dyn Data) -> Result<()> {
        let experiment = data.experiment(MAIN)?;
        for place in first_and_last(experiment) {
            for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, Checkpoints::At(place))?
            {
                let gram = gram(experiment, &observed)?;
                let top = query(checkpoint, OFF_DIAGONAL, Question::Top(SHOWN));
                for ((matrix, of), pairs) in MATRICES.into_iter().zip(&data.pairs(MAIN, 0, top)?) {
                    let block = Of::block(matrix, OFF_DIAGONAL);
                    let predicted = Predicted::block(experiment, &gram, of, 0, 1)?;
                    let (left, right) = (predicted.spectrum.left_edge(), predicted.spectrum.right_edge());
                    self.rows.predict(&here, "left edge", block, left.position);
                    self.rows.predict(&here, "edge", block, right.position);
                    for (rank, outlier) in (1..).zip(by_magnitude(predicted.spectrum.outliers()?)) {
                        self.rows.predict(&here, "outlier", block.rank(rank), outlier.position);
                    }
                    self.rows.spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &top, pairs));
                }
            }
        }
        Ok(())
    }

    /// Numbers of eigenvalues of an off-diagonal block beyond the levels on both sides, by each replicate's own inner products
    /// and by those of its start.
    fn counts(&mut self, data: &dyn Data) -> Result<()> {
        let experiment = data.experiment(COUNTS)?;
        let d = experiment.problem.d();
        for replicate in data.finished(COUNTS)? {
            let mut at_start = None;
            for place in first_and_last(experiment) {
                for Seen { here, checkpoint, observed, .. } in
                    seen(data, experiment, replicate, Checkpoints::At(place))?
                {
                    let law = law(experiment, &gram(experiment, &observed)?)?;
                    let values =
                        data.values(COUNTS, replicate, query(checkpoint, OFF_DIAGONAL, Question::Values))?;
                    let mut levels = Vec::new();
                    for (_, of) in MATRICES {
                        let spectrum = Predicted::finite(experiment, &law, (of, 0, 1))?.spectrum;
                        levels.push((threshold_below(&spectrum, d), threshold(&spectrum, d)));
                    }
                    let start = at_start.get_or_insert_with(|| levels.clone()).clone();
                    for (index, matrix) in Matrix::BOTH.into_iter().enumerate() {
                        let block = Of::block(matrix, OFF_DIAGONAL);
                        for (of, (low, high)) in
                            [(block, levels[index]), (block.with(Subspace::Start), start[index])]
                        {
                            let below = values[index].iter().filter(|value| **value < low).count();
                            let above = values[index].iter().filter(|value| **value > high).count();
                            self.rows.measure(&here, "negative outliers", of, as_f64(below));
                            self.rows.measure(&here, "positive outliers", of, as_f64(above));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Outliers on both sides of the bulk, those of largest magnitude first, as measured eigenvalues are.
fn by_magnitude(mut outliers: Vec<Outlier>) -> Vec<Outlier> {
    outliers.sort_by(|a, b| b.position.abs().total_cmp(&a.position.abs()));
    outliers
}

/// Entries of the leading eigenvectors of every diagonal block along the means, in the first replicate at the end.
fn eigenvector_entries(data: &dyn Data, rows: &mut Rows) -> Result<()> {
    let experiment = data.experiment(MAIN)?;
    let means = task::build(&experiment.problem).law().means();
    let Some(Seen { here, checkpoint, .. }) = seen(data, experiment, 0, Checkpoints::Last)?.pop() else {
        return Ok(());
    };
    for row in 0..classes(experiment) {
        let block = Block::diagonal(Layer::X, row);
        let pairs = data.pairs(MAIN, 0, query(checkpoint, block, Question::Top(SHOWN)))?;
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            for (rank, pair) in (1..).zip(pairs.iter().take(means.nrows())) {
                for (mean, direction) in (0..).zip(means.rows()) {
                    let of = Of::block(matrix, block).rank(rank).cluster(mean);
                    rows.measure(&here, "entry", of, pair.vector.dot(&direction));
                }
            }
        }
    }
    Ok(())
}
