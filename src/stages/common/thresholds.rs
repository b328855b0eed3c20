//! Thresholds at which eigenvalues rise above the level of an outlier, measured and predicted by the same rule, and how far the
//! two are apart.
//!
//! A curve is the logarithm of an eigenvalue over its level, against the logarithm of λ or of time. Its threshold is where it
//! rises above 0, on a line between points; a curve that rises more than once, as noise makes it, is below for as long in all as
//! one that rises at its threshold. Where theory has no outlier the curve is that of the edge.

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::estimate::Values;
use crate::stage::rows::{Of, Selection, average};
use crate::stages::common::dimensions::mean_of;
use crate::stages::common::mixture::{FIRST_BLOCK, Prediction, classes};
use crate::stages::common::shared::threshold as level;
use crate::theory::effective_spectrum::EffectiveSpectrum;
use crate::theory::{NodeSet, Weights};
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

/// Largest difference of the logarithms of a measured and a predicted threshold: 15 % in λ or in time.
///
/// A threshold of the count is where an outlier clears the edge by [`crate::stages::common::shared::MARGIN`] = 4 Tracy-Widom
/// scales s. Near the transition at λ₀ an outlier leaves the edge like `(ln λ/λ₀)²`, so with `Δ = ln(λ/λ₀)` at the threshold it
/// rises there by `8s/Δ` per unit of `ln λ`. At finite d an eigenvalue is off its limit by fluctuations and by repulsion from the
/// bulk of order s each, those of k degenerate outliers by up to about two; so one threshold is off by at most `3Δ/8`, and a
/// mean over ranks by `Δ/4`. Δ is 0.2 to 0.5 at the d, φ and matrices of the stages: 0.13 at most. Grid steps add nothing, since
/// both curves are interpolated on the same grid. A prediction that is wrong by a factor 1.25, 0.22, fails.
pub const TOLERANCE: f64 = 0.14;

/// One line of the derivation of [`TOLERANCE`].
pub const DERIVED: &str = "ln 1.15: at the level, 4 Tracy-Widom scales s above the edge, an outlier rises by 8 s/D per unit of \
                           ln(lambda), D = 0.2 to 0.5 from its transition; finite d moves it by up to 2 s, so by D/4";

/// How far inside the grid a predicted threshold must lie, so that one that is off by as much is seen.
const INSIDE: f64 = 1.25;

/// The logarithm of the threshold of a curve of at least two points, increasing in the first coordinate: that of the first point
/// plus how long it is below 0.
pub fn crossing(curve: &[(f64, f64)]) -> Option<f64> {
    let (first, rest) = (curve.first()?, curve.windows(2));
    if curve.len() < 2 {
        return None;
    }
    let below = |((from, low), (to, high)): ((f64, f64), (f64, f64))| {
        let share = match (low < 0.0, high < 0.0) {
            (true, true) => 1.0,
            (false, false) => 0.0,
            (true, false) => low / (low - high),
            (false, true) => high / (high - low),
        };
        share * (to - from)
    };
    Some(first.0 + rest.map(|pair| below((pair[0], pair[1]))).sum::<f64>())
}

/// The first k eigenvalues that theory predicts over their level: outliers, and the edge for those that are not there.
///
/// # Errors
/// If outliers are not found.
pub fn relative(experiment: &Experiment, spectrum: &EffectiveSpectrum) -> Result<Vec<f64>> {
    let (outliers, edge) = (spectrum.outliers_above()?, spectrum.right_edge().position);
    let level = level(spectrum, experiment.problem.d());
    let position = |rank: usize| outliers.get(rank).map_or(edge, |outlier| outlier.position);
    Ok((0..classes(experiment) as usize).map(|rank| position(rank) / level).collect())
}

/// The same of the matrix without weights, whose eigenvectors are principal components: what remains of theory if it knows
/// neither network nor labels.
///
/// # Errors
/// As for [`relative`].
pub fn relative_without_weights(experiment: &Experiment, prediction: &Prediction) -> Result<Vec<f64>> {
    let nodes = &prediction.predicted.law.nodes;
    let ones = Weights::discrete(Array1::ones(nodes.masses.len()));
    let (phi, lambda) = (experiment.problem.training.phi, experiment.problem.lambda());
    relative(experiment, &EffectiveSpectrum::new(nodes, &ones, phi, lambda)?)
}

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// Curves over λ or over time by what they are of; replicate none is the prediction.
#[derive(Clone, Debug)]
pub struct Curves<K>(BTreeMap<(K, Option<u32>), Points>);

impl<K: Ord + Clone> Default for Curves<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Curves<K> {
    /// Adds an eigenvalue over its level at a place; nothing where it is not positive.
    pub fn add(&mut self, key: K, replicate: Option<u32>, place: f64, relative: f64) {
        if relative > 0.0 && place > 0.0 {
            let point = (libm::log(place), libm::log(relative));
            self.0.entry((key, replicate)).or_default().push(point);
        }
    }

    /// The threshold of every curve that has all places; predicted ones only if they lie well inside.
    pub fn thresholds(self) -> impl Iterator<Item = (K, Option<u32>, f64)> {
        let places = self.0.values().map(Vec::len).max().unwrap_or(0);
        self.0.into_iter().filter(move |(_, curve)| curve.len() == places).filter_map(
            |((key, replicate), mut curve)| {
                curve.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (first, last) = (curve.first()?.0, curve.last()?.0);
                let found = crossing(&curve)?;
                let margin = libm::log(INSIDE);
                let inside = (first + margin..=last - margin).contains(&found);
                (replicate.is_some() || inside).then(|| (key, replicate, libm::exp(found)))
            },
        )
    }
}

/// A threshold: experiment, step, rank.
type Place = (String, u64, Option<u32>);

/// Thresholds that theory predicts, by place.
pub fn predicted(rows: &Selection<'_>) -> BTreeMap<Place, f64> {
    rows.iter().map(|row| ((row.at.experiment.clone(), row.at.step, row.of.rank), row.value)).collect()
}

/// Per replicate, the logarithm of measured over expected thresholds: mean over the ranks of a group, of the group whose mean over
/// replicates is farthest from 0. Thresholds count where theory predicts one; `expected` is that prediction or what takes its place.
pub fn offsets<G: Ord>(
    measured: &Selection<'_>,
    judged: &BTreeMap<Place, f64>,
    expected: impl Fn(&Place) -> Option<f64>,
    group: impl Fn(&Place) -> G,
) -> Values {
    let mut groups: BTreeMap<G, BTreeMap<u32, Vec<f64>>> = BTreeMap::new();
    for row in measured.iter() {
        let place = (row.at.experiment.clone(), row.at.step, row.of.rank);
        let (Some(replicate), true) = (row.at.replicate, judged.contains_key(&place)) else { continue };
        if let Some(expected) = expected(&place) {
            let runs = groups.entry(group(&place)).or_default();
            runs.entry(replicate).or_default().push(libm::log(row.value / expected));
        }
    }
    let means = |runs: BTreeMap<u32, Vec<f64>>| -> Values {
        runs.into_iter().map(|(replicate, values)| (replicate, average(&values))).collect()
    };
    let distance = |values: &Values| mean_of(values).abs();
    let farthest = groups.into_values().map(means).max_by(|a, b| distance(a).total_cmp(&distance(b)));
    farthest.unwrap_or_default()
}

/// What a threshold of the first block is of.
pub fn of(matrix: Matrix, rank: u32) -> Of {
    Of::block(matrix, FIRST_BLOCK).rank(rank)
}

/// Draws of a sample's weights of which the mean edge is taken.
pub const DRAWS: usize = 64;
/// Nodes of the fine rule per point of the sample from which weights are drawn.
pub const FINE: usize = 16;
/// Mean of the Tracy-Widom law of real symmetric matrices (Bornemann 2010).
const TRACY_WIDOM_MEAN: f64 = -1.206_533_574_582_3;
/// Its variance.
const TRACY_WIDOM_VARIANCE: f64 = 1.607_781_034_581;

/// Mean and standard deviation of the largest eigenvalue of a bulk.
#[derive(Clone, Copy, Debug)]
pub struct Largest {
    /// Where it is expected.
    pub mean: f64,
    /// How far samples scatter around it.
    pub deviation: f64,
}

/// Where the largest eigenvalue of the bulk of a d × d matrix is expected, of a sample of n points with weights from a rule of
/// many more nodes: the mean, over draws of n weights, of the right edge at these weights with `n/(d - dim V)` in the place of φ,
/// plus the mean of the Tracy-Widom law in its scale; the variances of both add. Large weights are rare in a sample, so this lies below the edge of the limit
/// and tends to it as slowly as the largest of n weights tends to the supremum.
///
/// # Errors
/// Nodes that make no spectrum.
pub fn largest_of_bulk(
    nodes: &NodeSet,
    weights: &Array1<f64>,
    (n, d, lambda): (usize, usize, f64),
    mut uniform: impl FnMut() -> f64,
) -> Result<Largest> {
    let mut total = 0.0;
    let cumulative: Vec<f64> = nodes
        .masses
        .iter()
        .map(|mass| {
            total += mass;
            total
        })
        .collect();
    let outside = d.saturating_sub(nodes.dimension()).max(1);
    let [n_, outside] = [n, outside].map(as_f64);
    let (mut edges, mut variance) = (Vec::with_capacity(DRAWS), 0.0);
    for _ in 0..DRAWS {
        let drawn = Array1::from_shape_simple_fn(n, || {
            let point = uniform() * total;
            weights[cumulative.partition_point(|below| *below < point).min(weights.len() - 1)]
        });
        let flat = NodeSet::new(Array2::zeros((n, 0)), Array1::from_elem(n, 1.0 / n_), Array1::zeros(0))?;
        let spectrum = EffectiveSpectrum::new(&flat, &Weights::discrete(drawn), n_ / outside, lambda)?;
        let edge = spectrum.right_edge();
        let scale = edge.tracy_widom_scale(outside).unwrap_or(0.0);
        edges.push(edge.position + TRACY_WIDOM_MEAN * scale);
        variance += TRACY_WIDOM_VARIANCE * scale * scale / as_f64(DRAWS);
    }
    let mean = average(&edges);
    variance += edges.iter().map(|edge| (edge - mean) * (edge - mean)).sum::<f64>() / as_f64(DRAWS - 1);
    Ok(Largest { mean, deviation: variance.sqrt() })
}
