//! Histograms of whole spectra with what theory predicts of them.

use crate::error::Result;
use crate::plot::{Axis, Marker, Panel, Series, Style};
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::rows::{Statistics, extent};
use crate::stages::common::captions::time as words;
use crate::stages::common::looks;
use std::collections::BTreeMap;

/// Bins of a histogram.
const BINS: u32 = 60;

/// The tables `spectrum`, `theory` and `density` of a stage.
#[derive(Clone, Debug)]
pub struct Spectra {
    /// Eigenvalues.
    pub spectrum: Statistics,
    /// Outliers.
    pub theory: Statistics,
    places: Statistics,
    densities: Statistics,
}

impl Spectra {
    /// Reads them.
    ///
    /// # Errors
    /// Tables of another shape.
    pub fn read(results: &Results) -> Result<Self> {
        let column = |name: &str| Statistics::column(results.table("density")?, name);
        Ok(Self {
            spectrum: Statistics::eigenvalues(results)?,
            theory: Statistics::read(results, "theory")?,
            places: column("eigenvalue")?,
            densities: column("density")?,
        })
    }

    /// Steps and times of the densities of an experiment.
    pub fn times(&self, experiment: &str) -> Vec<(u64, f64)> {
        let rows = self.places.in_experiment(experiment);
        let times: BTreeMap<u64, f64> = rows.iter().map(|row| (row.at.step, row.at.time)).collect();
        times.into_iter().collect()
    }

    /// The predicted outliers of a matrix of an experiment after some steps, the largest first.
    pub fn outliers(&self, experiment: &str, matrix: Matrix, step: u64) -> Vec<f64> {
        self.theory.of(experiment, "outlier").matrix(matrix).step(step).values()
    }

    /// The panels of a matrix of an experiment, one for each time, on one horizontal range, so that times can be compared.
    pub fn panels(
        &self,
        experiment: &str,
        matrix: Matrix,
        block: &str,
        lambda: f64,
        replicates: u32,
    ) -> Vec<Panel> {
        let times = self.times(experiment);
        let shown = |step: u64| times.iter().any(|(time, _)| *time == step);
        let all = self.spectrum.in_experiment(experiment).matrix(matrix).only(|row| shown(row.at.step));
        let predicted = times.iter().flat_map(|(step, _)| self.outliers(experiment, matrix, *step));
        let positive = all.values().into_iter().chain(predicted).filter(|value| *value > 0.0);
        let (low, high) = extent(&positive.collect::<Vec<_>>());
        let mut panels = Vec::new();
        for &(step, time) in &times {
            let here = |of: &Statistics| of.in_experiment(experiment).matrix(matrix).step(step).values();
            let (edges, heights) = histogram(&all.clone().step(step).replicate(0).values());
            if edges.is_empty() {
                continue;
            }
            let curve = here(&self.places)
                .into_iter()
                .zip(here(&self.densities))
                .filter(|(place, _)| *place > 0.0)
                .map(|(place, density)| (place, density * place * std::f64::consts::LN_10))
                .collect();
            // A single eigenvalue in its bin stands clear of the axis, and of the mark of its prediction below it.
            let least = heights.iter().copied().filter(|height| *height > 0.0).fold(f64::INFINITY, f64::min);
            let floor = if least.is_finite() { least / 5.0 } else { 0.01 };
            let top = 1.8 * heights.iter().copied().fold(floor, f64::max);
            let outliers = self.outliers(experiment, matrix, step);
            let mut panel = Panel::new(
                Axis::log(format!("eigenvalue of ${block}$")).range(low / 1.2, high * 1.25),
                Axis::log("density").range(floor, top),
            )
            .title(format!(r"$\lambda = {lambda}$, $t = {}$", words(time)));
            for rank in 1..=outliers.len() {
                let rank = u32::try_from(rank).unwrap_or(u32::MAX);
                let values = all.clone().step(step).rank(rank).values();
                if values.len() > 1 {
                    let (low, high) = extent(&values);
                    panel = panel.band(
                        format!("band: range of an outlier over {replicates} replicates"),
                        Style::reference(),
                        vec![(low, floor, 2.5 * least), (high, floor, 2.5 * least)],
                    );
                }
            }
            panels.push(
                panel
                    .series(Series::histogram(
                        format!("${block}$, all eigenvalues of replicate 0"),
                        looks::matrix(matrix),
                        edges,
                        heights,
                    ))
                    .line("predicted density", looks::predicted(), curve)
                    .points(
                        "predicted outlier",
                        looks::predicted().marker(Marker::Triangle).size(4.0),
                        outliers.into_iter().map(|value| (value, 1.5 * floor)).collect(),
                    ),
            );
        }
        panels
    }
}

/// Edges and heights of a histogram in `log10`, normalised to area 1 there.
fn histogram(values: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let logs: Vec<f64> =
        values.iter().filter(|value| **value > 0.0).map(|value| libm::log10(*value)).collect();
    if logs.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let (low, high) = extent(&logs);
    let width = ((high - low) / f64::from(BINS)).max(1e-9);
    let mut counts = vec![0.0; BINS as usize];
    for log in &logs {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin number")]
        let bin = (((log - low) / width) as usize).min(counts.len() - 1);
        counts[bin] += 1.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "a number of eigenvalues is exact in f64")]
    let heights = counts.iter().map(|count| count / (values.len() as f64 * width)).collect();
    let edges = (0..=BINS).map(|bin| libm::exp10(low + f64::from(bin) * width)).collect();
    (edges, heights)
}
