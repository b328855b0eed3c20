//! The share of a gradient of softmax regression in the span of the means, for means over any number of samples.
//!
//! The gradient of a sample in all rows is `e Yᵀ` with `e = π - y`, and `Σ_a e_a = 0`. With the projection P on `Span(μ)` on the side of
//! the data, one sample has the share `‖P Y‖²/‖Y‖²`, which is `(1 + k/λ)/(1 + d/λ)` on average where e does not know `‖Y‖`. The mean over m
//! samples has the population gradient `E[e Yᵀ]`, which lies in `V`, and an m-th of the variance:
//!
//! `E‖P ḡ‖² = ‖P E[e Yᵀ]‖² (1 - 1/m) + E[‖e‖² ‖P Y‖²]/m`, and the same without P.
//!
//! The share is the ratio of the two. The top space of the whole H of dimension k(k-1) is `Span(μ)` in every direction of rows that
//! sums to 0, up to what noise makes of eigenvectors: above the threshold its share is that of `Span(μ)`.

use crate::theory::mixture_law::MixtureLaw;

/// First and second moments of the gradient, inside `Span(μ)` and in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientMoments {
    /// `‖P E[e Yᵀ]‖²`.
    pub mean_inside: f64,
    /// `‖E[e Yᵀ]‖²`.
    pub mean: f64,
    /// `E[‖e‖² ‖P Y‖²]`.
    pub second_inside: f64,
    /// `E[‖e‖² ‖Y‖²]`.
    pub second: f64,
}

impl GradientMoments {
    /// Under a law of samples in d dimensions with signal-to-noise ratio λ.
    #[must_use]
    pub fn of(law: &MixtureLaw, d: f64, lambda: f64) -> Self {
        let residual = |node: usize, class: usize| {
            law.softmax[[node, class]] - f64::from(u8::from(law.labels[node] == class))
        };
        let (count, classes) = law.softmax.dim();
        let rank = law.nodes.dimension();
        let (mut mean, mut mean_inside) = (0.0, 0.0);
        for class in 0..classes {
            let mut moment = ndarray::Array1::<f64>::zeros(rank);
            for node in 0..count {
                moment
                    .scaled_add(law.nodes.masses[node] * residual(node, class), &law.nodes.points.row(node));
            }
            let inside = law.means_basis.t().dot(&moment);
            mean += moment.dot(&moment);
            mean_inside += inside.dot(&inside);
        }
        let squared =
            |node: usize| (0..classes).map(|class| residual(node, class)).map(|e| e * e).sum::<f64>();
        let total: f64 = (0..count).map(|node| law.nodes.masses[node] * squared(node)).sum();
        let moment = law.nodes.weighted_second_moment(squared);
        let second_inside = law.means_basis.t().dot(&moment).dot(&law.means_basis).diag().sum();
        #[allow(clippy::cast_precision_loss, reason = "a rank is exact in f64")]
        let outside = total * (d - rank as f64) / lambda;
        Self { mean_inside, mean, second_inside, second: moment.diag().sum() + outside }
    }

    /// The share in `Span(μ)` of the mean over this many samples.
    #[must_use]
    pub fn share(&self, samples: f64) -> f64 {
        let of = |mean: f64, second: f64| mean * (1.0 - 1.0 / samples) + second / samples;
        of(self.mean_inside, self.second_inside) / of(self.mean, self.second)
    }
}
