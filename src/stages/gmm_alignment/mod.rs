//! A1 and A3: the rows of softmax regression align with the span of the means, hence with the outlier eigenspaces of
//! their Hessian and gradient-matrix blocks, and these with each other.

pub mod report;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::leading_space;
use crate::spectrum::query::{Question, SampleKind};
use crate::spectrum::subspace::{alignment, overlap, sine};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Alignment, At, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::limit::limit;
use crate::stages::common::mixture::{
    CONTRAST, FIRST_BLOCK, Judged, MAIN, NO_RIDGE, OBLIQUE, Predicted, SHOWN, UNEQUAL, classes, contrast,
    each_judged, law, main, outliers, places, principal_space, random_like, replicated, variant,
};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, of_summary, predicted_at, query, seen};
use crate::table::Table;
use crate::theory::joint;
use crate::theory::mixture_law::MixtureLaw;
use ndarray::Axis as Along;

/// The experiments beside the main one and the contrast.
const VARIANTS: [&str; 3] = [NO_RIDGE, OBLIQUE, UNEQUAL];

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut requests: Vec<Request> = [main(settings)?, contrast(settings)?].map(followed).into();
    for name in VARIANTS {
        requests.push(variant(settings, name)?);
    }
    Ok(requests)
}

/// Checkpoints at which the outlier spaces of the first replicate are followed and predicted.
const FOLLOWED: Checkpoints = Checkpoints::Spread(25);

/// With the outlier spaces of the first replicate at many times.
fn followed(request: Request) -> Request {
    let places = followed_at(&request.experiment);
    request.first_replicate(places, FIRST_BLOCK, Question::Top(SHOWN))
}

/// The checkpoints of an experiment that are followed: those at which its top eigenvalues are shown as well.
fn followed_at(experiment: &Experiment) -> Checkpoints {
    if experiment.name == MAIN { FOLLOWED } else { Checkpoints::Spread(13) }
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut found = Found::default();
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let asked = replicated(name).indices(experiment.schedule().len());
        for seen in &all_seen(data, experiment, Checkpoints::All)? {
            found.rows(experiment, seen, true);
            if asked.contains(&seen.checkpoint) {
                found.outlier_spaces(data, experiment, seen)?;
            }
        }
        found.followed(data, experiment)?;
    }
    for name in VARIANTS {
        let experiment = data.experiment(name)?;
        for seen in &all_seen(data, experiment, Checkpoints::All)? {
            found.rows(experiment, seen, false);
        }
    }
    let main = data.experiment(MAIN)?;
    each_judged(data, main, &places(main), |judged| found.judged(data, main, judged))?;
    for name in [MAIN, CONTRAST, NO_RIDGE, OBLIQUE, UNEQUAL] {
        found.predicted_sines(data.experiment(name)?)?;
    }
    let place = |at: &At| (at.experiment.clone(), at.replicate, at.step);
    found.rows.alignments.sort_by_key(|row| place(&row.at));
    found.rows.statistics.sort_by_key(|row| place(&row.at));
    found.rows.tables(&["alignment", "statistics", "theory"])
}

/// Rows of the tables.
#[derive(Default)]
struct Found {
    rows: Rows,
}

impl Found {
    /// What the parameters alone show; of variants only what claims need.
    fn rows(&mut self, experiment: &Experiment, seen: &Seen, all: bool) {
        let Seen { here, observed, .. } = seen;
        let task = task::build(&experiment.problem);
        let space = task.mean_space();
        let x = &observed.parameters[0];
        for (row, weights) in (0..).zip(x.rows()) {
            let of = (Layer::X, row, weights);
            self.rows.alignments.push(Alignment::of(here, of, (Subspace::Means, None, &space)));
            let norm = weights.dot(&weights).sqrt();
            self.rows.measure(here, "norm", Of::row(Layer::X, row), norm);
        }
        let total = x.sum_axis(Along(0));
        let norm = total.dot(&total).sqrt();
        self.rows.measure(here, "norm of the class sum", Of::layer(Layer::X), norm);
        if !all {
            return;
        }
        self.rows.measure(here, "loss", Of::default(), observed.loss);
        self.rows.measure(here, "accuracy", Of::default(), observed.accuracy);
        for entry in task.summary(&observed.parameters) {
            let of = of_summary(&*task, entry.statistic, (entry.row, entry.col));
            self.rows.measure(here, entry.statistic, of, entry.value);
        }
    }

    /// Alignment of the first row with the outlier spaces of its block, where [`Found::judged`] does not see to it.
    fn outlier_spaces(&mut self, data: &dyn Data, experiment: &Experiment, seen: &Seen) -> Result<()> {
        let Seen { here, replicate, checkpoint, observed } = seen;
        if experiment.name == MAIN && places(experiment).contains(checkpoint) {
            return Ok(());
        }
        let pairs = data.pairs(&experiment.name, *replicate, outliers(experiment, *checkpoint))?;
        let k = experiment.problem.rows();
        let spaces = [leading_space(&pairs[0], k)?, leading_space(&pairs[1], k)?];
        let x = (Layer::X, 0, observed.parameters[0].row(0));
        for (matrix, space) in Matrix::BOTH.into_iter().zip(&spaces) {
            let with = (Subspace::Outliers(matrix), Some(SampleKind::Test), space);
            self.rows.alignments.push(Alignment::of(here, x, with));
        }
        let of = Of::block(Matrix::Hessian, Block::diagonal(Layer::X, 0));
        let of = of.with(Subspace::Outliers(Matrix::Gradient));
        self.rows.measure(here, "overlap", of, overlap(&spaces[0], &spaces[1]));
        Ok(())
    }

    /// Alignment of a row with the outlier spaces of its block, and of these with each other, measured, predicted, and with
    /// principal components and random spaces in their place.
    fn judged(&mut self, data: &dyn Data, experiment: &Experiment, judged: &Judged) -> Result<()> {
        let Judged { seen: Seen { here, replicate, observed, .. }, class, of } = judged;
        let k = experiment.problem.rows();
        let block = Block::diagonal(Layer::X, *class);
        let x = observed.parameters[0].row(*class as usize);
        let spaces = [leading_space(&of[0].pairs, k)?, leading_space(&of[1].pairs, k)?];
        let (components, random) =
            (principal_space(data, experiment, *replicate)?, random_like(data, experiment, *replicate)?);
        for (subspace, space) in [
            (Subspace::Outliers(Matrix::Hessian), &spaces[0]),
            (Subspace::Outliers(Matrix::Gradient), &spaces[1]),
            (Subspace::Components, &components),
            (Subspace::Random, &random),
        ] {
            let with = (subspace, Some(SampleKind::Test), space);
            self.rows.alignments.push(Alignment::of(here, (Layer::X, *class, x), with));
        }
        let mut push = |matrix, subspace, value| {
            let of = Of::block(matrix, block).with(subspace);
            self.rows.measure(here, "overlap", of, value);
        };
        let of_gradient = Subspace::Outliers(Matrix::Gradient);
        push(Matrix::Hessian, of_gradient, overlap(&spaces[0], &spaces[1]));
        push(Matrix::Gradient, Subspace::Components, overlap(&spaces[1], &components));
        push(Matrix::Gradient, Subspace::Random, overlap(&spaces[1], &random));
        for one in of {
            let row = one.predicted.law.parameters.row(*class as usize);
            let squared: f64 = one.outliers.iter().map(|outlier| outlier.overlap_with(&row)).sum();
            let with = Of::row(Layer::X, *class).with(Subspace::Outliers(one.matrix));
            self.rows.predict(here, "alignment", with, squared.sqrt());
        }
        let [h, g] = of;
        let both = joint::overlap((&h.predicted.spectrum, &h.outliers), (&g.predicted.spectrum, &g.outliers));
        let with = Of::block(Matrix::Hessian, block).with(of_gradient);
        self.rows.predict(here, "overlap", with, both);
        Ok(())
    }

    /// Alignment of the first row with the outlier spaces of its block along training: in the first replicate, and by the
    /// effective dynamics and the effective spectrum alone.
    fn followed(&mut self, data: &dyn Data, experiment: &Experiment) -> Result<()> {
        let (name, k) = (&experiment.name, experiment.problem.rows());
        let places = followed_at(experiment);
        for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, places)? {
            let x = observed.parameters[0].row(0);
            let pairs = data.pairs(name, 0, query(checkpoint, FIRST_BLOCK, Question::Top(SHOWN)))?;
            for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
                let of = Of::row(Layer::X, 0).with(Subspace::Outliers(matrix));
                self.rows.measure(&here, "alignment", of, alignment(x, &leading_space(pairs, k)?));
            }
        }
        let Ok(limit) = limit(experiment) else { return Ok(()) };
        for place in places.indices(experiment.schedule().len()) {
            let law = law(experiment, &limit.grams[place])?;
            for (matrix, of) in MATRICES {
                let outliers = Predicted::finite(experiment, &law, (of, 0, 0))?.spectrum.outliers_above()?;
                let row = law.parameters.row(0);
                let squared: f64 = outliers.iter().take(k).map(|outlier| outlier.overlap_with(&row)).sum();
                let of = Of::row(Layer::X, 0).with(Subspace::Outliers(matrix));
                self.rows.predict(
                    &predicted_at(experiment, place),
                    "alignment of the limit",
                    of,
                    squared.sqrt(),
                );
            }
        }
        Ok(())
    }

    /// `sin(x^a; Span μ)` of the effective dynamics, where they have a solution: under steps that are too long SGD has no limit.
    fn predicted_sines(&mut self, experiment: &Experiment) -> Result<()> {
        let (k, probabilities) = (experiment.problem.rows(), experiment.problem.data.probabilities());
        let Ok(limit) = limit(experiment) else { return Ok(()) };
        for (place, gram) in limit.grams.iter().enumerate() {
            let here = predicted_at(experiment, place);
            // Any vectors with this Gram matrix will do: the law has their coordinates.
            let law =
                MixtureLaw::with_nodes(gram, k, probabilities, experiment.problem.lambda(), 8 * (k + 1))?;
            for row in 0..classes(experiment) {
                let x = law.parameters.row(row as usize);
                let of = Of::row(Layer::X, row);
                let angle = sine(x, &law.means_basis);
                self.rows.predict(&here, "sine", of.with(Subspace::Means), angle);
                self.rows.predict(&here, "norm", of, x.dot(&x).sqrt());
            }
        }
        Ok(())
    }
}
