//! The ordered list of stages, nothing else. A new experiment is one new file and one line here.

pub mod bbp_figures;
pub mod bbp_transition;
pub mod common;
pub mod dimension_limit;
pub mod effective_dynamics;
pub mod effective_spectrum;
pub mod effective_spectrum_figures;
pub mod gmm_alignment;
pub mod gmm_eigenvalues;
pub mod gmm_eigenvectors;
pub mod gmm_outlier_space;
pub mod gmm_snr;
pub mod gmm_spectrum;
pub mod xor_collapse;
pub mod xor_eigenvalues_first;
pub mod xor_eigenvalues_second;
pub mod xor_eigenvectors;
pub mod xor_escape;
pub mod xor_first_layer;
pub mod xor_rank_deficiency;
pub mod xor_rank_law;
pub mod xor_second_layer;
pub mod xor_snr;

use crate::stage::Stage;

/// All stages, in the order in which they are listed, run and reported.
pub const STAGES: &[&Stage] = &[
    &gmm_alignment::STAGE,
    &gmm_outlier_space::STAGE,
    &gmm_eigenvalues::STAGE,
    &gmm_eigenvectors::STAGE,
    &gmm_spectrum::STAGE,
    &gmm_snr::STAGE,
    &bbp_transition::STAGE,
    &xor_first_layer::STAGE,
    &xor_second_layer::STAGE,
    &xor_eigenvalues_first::STAGE,
    &xor_eigenvalues_second::STAGE,
    &xor_eigenvectors::STAGE,
    &xor_rank_deficiency::STAGE,
    &xor_rank_law::STAGE,
    &xor_snr::STAGE,
    &xor_collapse::STAGE,
    &effective_dynamics::STAGE,
    &xor_escape::STAGE,
    &effective_spectrum::STAGE,
    &dimension_limit::STAGE,
];
