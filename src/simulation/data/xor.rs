//! The XOR Gaussian mixture: `Y ~ N(±μ, I/λ)` with label 1, `N(±ν, I/λ)` with label 0, `μ ⊥ ν` unit, four equally likely clusters
//! in the order `+μ, -μ, +ν, -ν`.

use crate::problem::data::CLUSTERS;
use crate::random::normal::Normals;
use crate::simulation::data::clusters::Clusters;
use crate::simulation::data::{InSpan, Law};
use ndarray::{Array2, Axis};

/// The clusters `+μ` and `+ν`.
const BASIS: [usize; 2] = [0, 2];

/// The mixture.
#[derive(Clone, Debug)]
pub struct Xor {
    clusters: Clusters,
}

impl Xor {
    /// The mixture for means with these leading coordinates.
    #[must_use]
    pub fn new(d: usize, lambda: f64, mu: &[f64], nu: &[f64]) -> Self {
        let minus = |mean: &[f64]| mean.iter().map(|value| -value).collect();
        let means = vec![mu.to_vec(), minus(mu), nu.to_vec(), minus(nu)];
        Self { clusters: Clusters::new(d, lambda, means, vec![1, 1, 0, 0], &[0.25; CLUSTERS]) }
    }
}

impl Law for Xor {
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
        self.means().select(Axis(0), &BASIS)
    }

    fn mean_space(&self) -> Array2<f64> {
        self.independent_means().reversed_axes()
    }

    fn draw(&self, normals: &mut Normals, y: &mut [f64]) -> u32 {
        self.clusters.draw(normals, y)
    }

    fn in_span(&self) -> Option<InSpan> {
        let means = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        let Clusters { scale, cumulative, .. } = self.clusters.clone();
        Some(InSpan { means: means.map(Vec::from).to_vec(), basis: BASIS.to_vec(), cumulative, scale })
    }
}
