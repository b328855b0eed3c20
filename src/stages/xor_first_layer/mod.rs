//! B1: the neurons of the first layer align with `Span(μ, ν)`, and so do the top two eigenvectors of their blocks.
//!
//! Alignment of eigenvectors is judged as measured less predicted, relative to the predicted noise, the share `1 - ‖P_U P_B‖²/2`
//! that is missing: gates drop half of the sample, so principal components of the data miss half as much, and a claim that is
//! to say anything of H or G must tell the two apart. The largest weights `r²` of a trained G belong to
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
use crate::spectrum::subspace::{overlap, random_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Alignment, Eigenvalue, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, at, query, reaches, seen, small, threshold};
use crate::stages::common::xor::{
    CONTRAST, MAIN, SHOWN, above, first, first_layer, law_of_sample, leading_neurons, leading_order, neurons,
    predicted, replicated, width,
};
use crate::table::Table;
use ndarray::Axis;

/// Dimension of `Span(μ, ν)`.
const DIMENSION: usize = 2;

/// Alignment that a neuron has to reach first: more than half of its square lies in the span.
const ONSET: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// The principal components that eigenvectors are compared with: of the data, the same for all neurons and times.
const COMPONENTS: Question = Question::Components(2);

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let request = |name: &str| -> Result<Request> {
        Ok(first_layer(settings, name)?.every_replicate(Checkpoints::Last, first(0), COMPONENTS))
    };
    Ok(vec![request(MAIN)?, request(CONTRAST)?])
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
        for replicate in data.finished(name)? {
            nulls(data, experiment, replicate, &mut rows)?;
            onsets(data, experiment, replicate, &mut rows)?;
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

/// How principal components of the data and a random plane compare with the means and with every neuron at the end.
fn nulls(data: &dyn Data, experiment: &Experiment, replicate: u32, rows: &mut Rows) -> Result<()> {
    let Some(seen) = seen(data, experiment, replicate, Checkpoints::Last)?.pop() else { return Ok(()) };
    let Seen { here, checkpoint, observed, .. } = &seen;
    let pairs = data.components(&experiment.name, replicate, query(*checkpoint, first(0), COMPONENTS))?;
    let components = leading_space(&pairs, DIMENSION)?;
    let space = task::build(&experiment.problem).mean_space();
    let random = random_space(space.nrows(), DIMENSION, &mut data.null(&experiment.name, replicate))?;
    for (subspace, sample, basis) in
        [(Subspace::Components, Some(SampleKind::Test), &components), (Subspace::Random, None, &random)]
    {
        let of = Of::layer(Layer::W).with(subspace);
        rows.measure(here, "overlap", of, overlap(basis, &space));
        for (neuron, w) in (0..).zip(observed.parameters[0].rows()) {
            rows.alignments.push(Alignment::of(here, (Layer::W, neuron, w), (subspace, sample, basis)));
        }
    }
    Ok(())
}

/// The time at which the alignment of every neuron first reaches [`ONSET`], and what the leading order of the effective dynamics
/// makes of the run's own start, both between checkpoints on a line; the horizon where that never happens. Beside it, how long
/// each row has become, and what is left of its start.
fn onsets(data: &dyn Data, experiment: &Experiment, replicate: u32, rows: &mut Rows) -> Result<()> {
    let checkpoints = data.trajectory(&experiment.name, replicate)?.checkpoints;
    let (Some(start), Some(end)) = (checkpoints.first(), checkpoints.last()) else { return Ok(()) };
    let here = at(experiment, replicate, end);
    let times: Vec<f64> = checkpoints.iter().map(|observed| observed.time).collect();
    let path = leading_order(experiment).path(&leading_neurons(experiment, start), &times)?;
    let reached = |curve: Vec<f64>| {
        let curve: Vec<(f64, f64)> = times.iter().copied().zip(curve).collect();
        reaches(&curve, ONSET).unwrap_or(end.time)
    };
    let measured: Vec<Vec<f64>> = checkpoints
        .iter()
        .map(|observed| neurons(experiment, observed).iter().map(|neuron| neuron.rho).collect())
        .collect();
    let decay = libm::exp(-experiment.problem.training.beta * end.time);
    let (old, new) = (start.parameters[0].axis_iter(Axis(0)), end.parameters[0].axis_iter(Axis(0)));
    for (index, (old, new)) in old.zip(new).enumerate() {
        let row = Of::row(Layer::W, small(index));
        let time = reached(measured.iter().map(|all| all[index]).collect());
        rows.measure(&here, "onset", row, time);
        let time = reached(path.iter().map(|all| all[index].rho()).collect());
        rows.predict(&here, "onset", row, time);
        let left = decay * (old.dot(&old) / new.dot(&new).max(f64::MIN_POSITIVE)).sqrt();
        rows.measure(&here, "left of the start", row, left);
    }
    Ok(())
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
            let row = law.neurons.row(neuron as usize);
            let unit = (&row / row.dot(&row).sqrt().max(f64::MIN_POSITIVE)).insert_axis(Axis(1));
            let share: f64 = outliers.iter().take(DIMENSION).map(|o| o.overlap_with_span(&unit)).sum();
            rows.predict(here, "overlap", block.with(Subspace::Row), share);
            rows.predict(here, "level", block, least);
            let counted = above(outliers.iter().map(|outlier| outlier.position), least);
            rows.predict(here, "outliers", block, as_f64(counted));
        }
    }
    Ok(())
}
