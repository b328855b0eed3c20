//! B1: the neurons of the first layer align with `Span(μ, ν)`, and so do the top two eigenvectors of their blocks.
//!
//! That two outliers stand above the predicted edge is claimed of H only. The largest weights `r²` of a trained G belong to
//! single rare samples, each of which can lift an eigenvalue over the edge of the typical sample: the counts in the
//! table `statistics` (`outliers` of `gradient`) show replicates with three or four.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task;
use crate::spectrum::leading_space;
use crate::spectrum::query::{Question, SampleKind};
use crate::spectrum::subspace::overlap;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Alignment, Eigenvalue, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, threshold};
use crate::stages::common::xor::{
    CONTRAST, MAIN, SHOWN, above, first, first_layer, law_of_sample, neurons, predicted, replicated, width,
};
use crate::table::Table;

/// Dimension of `Span(μ, ν)`.
const DIMENSION: usize = 2;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![first_layer(settings, MAIN)?, first_layer(settings, CONTRAST)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let asked = replicated(name).indices(experiment.schedule().len());
        for seen in all_seen(data, experiment, Checkpoints::All)? {
            weights(experiment, &seen, &mut rows);
            if asked.contains(&seen.checkpoint) {
                spectra(data, experiment, &seen, &mut rows)?;
            }
        }
    }
    rows.tables(&["alignment", "spectrum", "statistics", "theory"])
}

/// Alignment and strength of every neuron.
fn weights(experiment: &Experiment, Seen { here, observed, .. }: &Seen, rows: &mut Rows) {
    let all = neurons(experiment, observed);
    for (row, neuron) in (0..).zip(&all) {
        rows.alignments.push(Alignment {
            at: here.clone(),
            layer: Layer::W,
            row,
            sample: None,
            subspace: Subspace::Means,
            value: neuron.rho,
            sine: neuron.sine,
        });
        rows.measure(here, "strength", Of::row(Layer::W, row), neuron.strength);
    }
    let alive = all.iter().filter(|neuron| neuron.alive());
    let dead = all.len() - alive.clone().count();
    rows.measure(here, "dead neurons", Of::layer(Layer::W), as_f64(dead));
    for (row, neuron) in (0..).zip(&all).filter(|(_, neuron)| neuron.alive()) {
        let of = Of::row(Layer::W, row).with(Subspace::Means);
        rows.measure(here, "alignment of alive neurons", of, neuron.rho);
    }
    rows.measure(here, "loss", Of::default(), observed.loss);
    rows.measure(here, "accuracy", Of::default(), observed.accuracy);
}

/// Top of every neuron's block, with the span of its two outliers, measured and predicted.
fn spectra(data: &dyn Data, experiment: &Experiment, seen: &Seen, rows: &mut Rows) -> Result<()> {
    let Seen { here, replicate, checkpoint, observed } = seen;
    let space = task::build(&experiment.problem).mean_space();
    let law = law_of_sample(experiment, observed)?;
    for neuron in 0..width(experiment) {
        let question = query(*checkpoint, first(neuron), Question::Top(SHOWN));
        let pairs = data.pairs(&experiment.name, *replicate, question)?;
        let w = observed.parameters[0].row(neuron as usize);
        for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
            rows.spectrum.extend(Eigenvalue::of_pairs(here, matrix, &question, pairs));
            let top = leading_space(pairs, DIMENSION)?;
            let with = (Subspace::Outliers(matrix), Some(SampleKind::Test), &top);
            rows.alignments.push(Alignment::of(here, (Layer::W, neuron, w), with));
            let block = Of::block(matrix, first(neuron));
            let spanned = block.with(Subspace::Means);
            rows.measure(here, "overlap", spanned, overlap(&top, &space));
            let spectrum = predicted(experiment, &law, of, neuron as usize)?;
            let least = threshold(&spectrum, experiment.problem.d());
            let found = above(pairs.iter().map(|pair| pair.value), least);
            rows.measure(here, "outliers", block, as_f64(found));
            let outliers = spectrum.outliers_above()?;
            let inside: f64 =
                outliers.iter().take(DIMENSION).map(|o| o.overlap_with_span(&law.means_basis)).sum();
            rows.predict(here, "overlap", spanned, inside / as_f64(DIMENSION));
            rows.predict(here, "level", block, least);
            let counted = above(outliers.iter().map(|outlier| outlier.position), least);
            rows.predict(here, "outliers", block, as_f64(counted));
        }
    }
    Ok(())
}
