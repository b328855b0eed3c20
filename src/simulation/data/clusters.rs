//! Gaussian clusters with isotropic noise.

use crate::random::normal::Normals;
use ndarray::Array2;

/// Law of `Y = mean_cluster + z/√λ`, `z ~ N(0, I_d)`. The means span the first few coordinates only.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Dimension of the data.
    pub d: usize,
    /// `1/√λ`.
    pub scale: f64,
    /// Leading coordinates of each cluster mean; the rest are zero.
    pub means: Vec<Vec<f64>>,
    /// Label of each cluster.
    pub labels: Vec<u32>,
    /// Probability of each cluster or one before it.
    pub cumulative: Vec<f64>,
}

impl Clusters {
    /// Clusters with these means (leading coordinates), labels and probabilities, one of each per cluster.
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

    /// Cluster means in full coordinates, clusters × d.
    #[must_use]
    pub fn full_means(&self) -> Array2<f64> {
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
