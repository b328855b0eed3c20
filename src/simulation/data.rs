//! Gaussian mixtures as data laws, and samples of them drawn from named streams.

use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::kernel::padded;
use ndarray::{Array2, ArrayView2, s};

/// Samples per random stream, so that any tile can be regenerated alone.
pub const BLOCK: u64 = 256;

/// Law of `Y = mean_cluster + z/√λ`, `z ~ N(0, I_d)`. The means span the first few coordinates only.
#[derive(Clone, Debug)]
pub struct DataLaw {
    d: usize,
    scale: f64,
    /// Leading coordinates of each cluster mean; the rest are zero.
    means: Vec<Vec<f64>>,
    labels: Vec<u32>,
    cumulative: Vec<f64>,
}

impl DataLaw {
    /// The law with these cluster means (leading coordinates), labels and probabilities, one of each per cluster.
    #[must_use]
    pub fn new(d: usize, lambda: f64, means: Vec<Vec<f64>>, labels: Vec<u32>, probabilities: &[f64]) -> Self {
        let mut total = 0.0;
        let cumulative = probabilities
            .iter()
            .map(|p| {
                total += p;
                total
            })
            .collect();
        Self { d, scale: 1.0 / lambda.sqrt(), means, labels, cumulative }
    }

    /// Dimension of the data.
    #[must_use]
    pub fn d(&self) -> usize {
        self.d
    }

    /// Label of each cluster.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Cluster means in full coordinates, clusters × d.
    #[must_use]
    pub fn means(&self) -> Array2<f64> {
        let mut full = Array2::zeros((self.means.len(), self.d));
        for (mut row, mean) in full.rows_mut().into_iter().zip(&self.means) {
            for (entry, value) in row.iter_mut().zip(mean) {
                *entry = *value;
            }
        }
        full
    }

    /// Draws one sample into the first `d` entries of `y` and returns its cluster.
    pub fn draw(&self, normals: &mut Normals, y: &mut [f64]) -> u32 {
        let u = normals.uniform();
        let cluster = self.cumulative.iter().position(|&c| u < c).unwrap_or(self.cumulative.len() - 1);
        let y = &mut y[..self.d];
        normals.fill(y);
        for value in &mut *y {
            *value *= self.scale;
        }
        for (value, mean) in y.iter_mut().zip(&self.means[cluster]) {
            *value += mean;
        }
        #[allow(clippy::cast_possible_truncation, reason = "a mixture has few clusters")]
        let cluster = cluster as u32;
        cluster
    }
}

/// Endless samples of one purpose, in order: sample `i` comes from block `i / 256`.
#[derive(Debug)]
pub struct Stream<'a> {
    law: &'a DataLaw,
    seed: &'a Seed,
    purpose: Purpose,
    drawn: u64,
    normals: Normals,
}

impl<'a> Stream<'a> {
    /// The stream from its first sample on.
    #[must_use]
    pub fn new(law: &'a DataLaw, seed: &'a Seed, purpose: Purpose) -> Self {
        Self { law, seed, purpose, drawn: 0, normals: seed.stream(purpose, 0) }
    }

    /// Draws the next sample into the first `d` entries of `y` and returns its cluster.
    pub fn next_into(&mut self, y: &mut [f64]) -> u32 {
        if self.drawn > 0 && self.drawn.is_multiple_of(BLOCK) {
            self.normals = self.seed.stream(self.purpose, self.drawn / BLOCK);
        }
        self.drawn += 1;
        self.law.draw(&mut self.normals, y)
    }
}

/// A sample held in memory; rows are padded with zeros to whole vector lanes.
#[derive(Clone, Debug)]
pub struct Sample {
    d: usize,
    rows: Array2<f64>,
    /// Cluster of each row.
    pub clusters: Vec<u32>,
    /// Label of each row.
    pub labels: Vec<u32>,
}

impl Sample {
    /// The first `n` samples of a purpose: of [`Purpose::Test`] the fresh sample that serves all checkpoints of a replicate,
    /// of [`Purpose::Train`] the first that SGD saw.
    #[must_use]
    pub fn first(law: &DataLaw, seed: &Seed, purpose: Purpose, n: usize) -> Self {
        let mut rows = Array2::zeros((n, padded(law.d)));
        let mut stream = Stream::new(law, seed, purpose);
        let clusters: Vec<u32> = rows
            .rows_mut()
            .into_iter()
            .map(|mut row| row.as_slice_mut().map_or(0, |row| stream.next_into(row)))
            .collect();
        let labels = clusters.iter().map(|&cluster| law.labels[cluster as usize]).collect();
        Self { d: law.d, rows, clusters, labels }
    }

    /// Number of samples `n`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty()
    }

    /// The samples, n × d.
    #[must_use]
    pub fn features(&self) -> ArrayView2<'_, f64> {
        self.rows.slice(s![.., ..self.d])
    }

    /// The samples with their padding, n × padded(d), one contiguous row each.
    #[must_use]
    pub fn padded_rows(&self) -> ArrayView2<'_, f64> {
        self.rows.view()
    }
}
