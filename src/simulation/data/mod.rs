//! Data laws, and samples of them drawn from named streams.

pub mod clusters;
pub mod mixture;
pub mod xor;

use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::kernel::padded;
use ndarray::{Array2, ArrayView2, s};

/// Samples per random stream, so that any tile can be regenerated alone.
pub const BLOCK: u64 = 256;

/// Law of a sample: a point in `R^d`, its cluster and its label.
pub trait Law: std::fmt::Debug + Send + Sync {
    /// Dimension of the data.
    fn d(&self) -> usize;
    /// Label of each cluster.
    fn labels(&self) -> &[u32];
    /// Cluster means in full coordinates, clusters × d.
    fn means(&self) -> Array2<f64>;
    /// The linearly independent means that rows of the first layer align with, one a row.
    fn independent_means(&self) -> Array2<f64>;
    /// Orthonormal basis (columns, d × dim) of their span.
    fn mean_space(&self) -> Array2<f64>;
    /// Draws one sample into the first `d` entries of `y` and returns its cluster.
    fn draw(&self, normals: &mut Normals, y: &mut [f64]) -> u32;
    /// The law in the span of its means, if its noise about them is Gaussian and isotropic.
    fn in_span(&self) -> Option<InSpan>;
}

/// A law `Y = mean_cluster + scale·z`, `z ~ N(0, I_d)`, in an orthonormal basis of the span of its means.
#[derive(Clone, Debug)]
pub struct InSpan {
    /// Coordinates of the mean of each cluster.
    pub means: Vec<Vec<f64>>,
    /// The clusters whose means are linearly independent and span the others.
    pub basis: Vec<usize>,
    /// Probability of each cluster or one before it.
    pub cumulative: Vec<f64>,
    /// Size of the noise, `1/√λ`.
    pub scale: f64,
}

/// Endless samples of one purpose, in order: sample `i` comes from block `i / 256`.
#[derive(Debug)]
pub struct Stream<'a> {
    law: &'a dyn Law,
    seed: &'a Seed,
    purpose: Purpose,
    drawn: u64,
    normals: Normals,
}

impl<'a> Stream<'a> {
    /// The stream from its first sample on.
    #[must_use]
    pub fn new(law: &'a dyn Law, seed: &'a Seed, purpose: Purpose) -> Self {
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
    pub fn first(law: &dyn Law, seed: &Seed, purpose: Purpose, n: usize) -> Self {
        let mut rows = Array2::zeros((n, padded(law.d())));
        let mut stream = Stream::new(law, seed, purpose);
        let clusters: Vec<u32> = rows
            .rows_mut()
            .into_iter()
            .map(|mut row| row.as_slice_mut().map_or(0, |row| stream.next_into(row)))
            .collect();
        let labels = clusters.iter().map(|&cluster| law.labels()[cluster as usize]).collect();
        Self { d: law.d(), rows, clusters, labels }
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
