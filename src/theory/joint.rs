//! Eigenvectors of two matrices of the same sample, `A = (1/n) Σ f_i Y_i Y_iᵀ` and `B = (1/n) Σ g_i Y_i Y_iᵀ`: how much their
//! outlier eigenspaces overlap, noise included.
//!
//! With `R_A = (z_A - A)⁻¹` outside `V` and `s_A = lim tr R_A / d = λφ/y_A`, leaving one sample out of both resolvents gives
//! `T = lim tr R_A R_B / d = s_A s_B / (1 - s_A s_B/(φλ²) E[f g/((1 - f/y_A)(1 - g/y_B))])`, and unit outlier eigenvectors `v` of A
//! and `w` of B that project to `r` and `s` on `V` have
//! `⟨v, w⟩ = ⟨r, s⟩ + T/(φλ) ⟨r, E[f g u uᵀ/((1 - f/y_A)(1 - g/y_B))] s⟩`.
//! For A = B it is the normalisation `‖r‖² - ⟨r, F'(z) r⟩ = 1` of one eigenvector and the orthogonality of two.

use crate::theory::NodeSet;
use crate::theory::effective_spectrum::{EffectiveSpectrum, Outlier};

/// `‖P_A P_B‖_F²/dim` of the spans of outlier eigenvectors of two matrices of the same sample; `dim` is the number of those of A.
///
/// # Panics
/// If the spectra are not of the same nodes.
pub fn overlap(
    (a, of_a): (&EffectiveSpectrum, &[Outlier]),
    (b, of_b): (&EffectiveSpectrum, &[Outlier]),
) -> f64 {
    let mut total = 0.0;
    for v in of_a {
        for w in of_b {
            let product = inner_product((a, v), (b, w));
            total += product * product;
        }
    }
    total / crate::problem::as_f64(of_a.len().max(1))
}

/// `⟨v, w⟩` of one outlier eigenvector of each, up to the free signs.
fn inner_product((a, v): (&EffectiveSpectrum, &Outlier), (b, w): (&EffectiveSpectrum, &Outlier)) -> f64 {
    let nodes: &NodeSet = a.nodes();
    assert_eq!(nodes.masses.len(), b.nodes().masses.len(), "two matrices of one sample");
    let (lambda, ratio) = (a.lambda(), a.ratio());
    let residual: f64 = nodes
        .residual_variance
        .iter()
        .zip(v.projection.iter().zip(&w.projection))
        .map(|(variance, (r, s))| variance * r * s)
        .sum();
    let (mut trace, mut moment) = (0.0, 0.0);
    for ((point, mass), (f, g)) in
        nodes.points.outer_iter().zip(&nodes.masses).zip(a.values().iter().zip(b.values()))
    {
        let factor = mass * f * g / ((1.0 - f / v.y) * (1.0 - g / w.y));
        trace += factor;
        moment += factor * (point.dot(&v.projection) * point.dot(&w.projection) + residual);
    }
    let both = (lambda * ratio / v.y) * (lambda * ratio / w.y);
    let resolvents = both / (1.0 - both / (ratio * lambda * lambda) * trace);
    v.projection.dot(&w.projection) + resolvents / (ratio * lambda) * moment
}
