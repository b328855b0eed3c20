//! The k-component Gaussian mixture: `Y = μ_b + z/√λ` with probability `p_b`, and label b.

use crate::problem::data::{Means, Nuisance, cholesky, identity};
use crate::random::normal::Normals;
use crate::simulation::data::clusters::Clusters;
use crate::simulation::data::{InSpan, Law};
use ndarray::{Array2, s};

/// The mixture.
#[derive(Clone, Debug)]
pub struct Mixture {
    clusters: Clusters,
    nuisance: Option<Nuisance>,
}

impl Mixture {
    /// The mixture; the means are the rows of the Cholesky factor of their Gram matrix, in the first k coordinates.
    #[must_use]
    pub fn new(d: usize, lambda: f64, probabilities: &[f64], means: &Means) -> Self {
        let k = probabilities.len();
        let means = match means {
            Means::Orthonormal => identity(k),
            Means::Gram(gram) => cholesky(gram).unwrap_or_else(|| identity(k)),
        };
        #[allow(clippy::cast_possible_truncation, reason = "k ≤ d, and d samples fit in memory")]
        let labels = (0..k as u32).collect();
        Self { clusters: Clusters::new(d, lambda, means, labels, probabilities), nuisance: None }
    }

    /// The mixture with other noise in some coordinates after the first k, which draws the same normal numbers.
    #[must_use]
    pub fn with_nuisance(self, nuisance: Option<Nuisance>) -> Self {
        Self { nuisance, ..self }
    }
}

impl Law for Mixture {
    fn d(&self) -> usize {
        self.clusters.d
    }

    fn labels(&self) -> &[u32] {
        &self.clusters.labels
    }

    fn means(&self) -> Array2<f64> {
        self.clusters.full_means()
    }

    fn independent_means(&self) -> Array2<f64> {
        self.means()
    }

    fn mean_space(&self) -> Array2<f64> {
        // Linearly independent means in the first k coordinates span exactly those.
        Array2::eye(self.d()).slice(s![.., ..self.clusters.means.len()]).to_owned()
    }

    fn draw(&self, normals: &mut Normals, y: &mut [f64]) -> u32 {
        let cluster = self.clusters.draw(normals, y);
        if let Some(Nuisance { directions, variance }) = self.nuisance {
            let factor = variance.sqrt() / self.clusters.scale;
            for value in &mut y[self.clusters.means.len()..][..directions] {
                *value *= factor;
            }
        }
        cluster
    }

    fn in_span(&self) -> Option<InSpan> {
        if self.nuisance.is_some() {
            return None;
        }
        let Clusters { scale, means, cumulative, .. } = self.clusters.clone();
        Some(InSpan { basis: (0..means.len()).collect(), means, cumulative, scale })
    }
}
