//! The ordered list of stages, nothing else. A new experiment is one new file and one line here.

pub mod architectures;
pub mod bbp_transition;
pub mod common;
pub mod dimension_limit;
pub mod effective_dynamics;
pub mod effective_spectrum;
pub mod gmm_alignment;
pub mod gmm_eigenvalues;
pub mod gmm_eigenvectors;
pub mod gmm_outlier_space;
pub mod gmm_snr;
pub mod gmm_spectrum;
pub mod rank_law_map;
pub mod top_subspace;
pub mod train_and_test;
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
    &gmm_alignment::report::STAGE,
    &gmm_outlier_space::report::STAGE,
    &gmm_eigenvalues::report::STAGE,
    &gmm_eigenvectors::report::STAGE,
    &gmm_spectrum::report::STAGE,
    &gmm_snr::report::STAGE,
    &bbp_transition::report::STAGE,
    &xor_first_layer::report::STAGE,
    &xor_second_layer::report::STAGE,
    &xor_eigenvalues_first::report::STAGE,
    &xor_eigenvalues_second::report::STAGE,
    &xor_eigenvectors::report::STAGE,
    &xor_rank_deficiency::report::STAGE,
    &xor_rank_law::report::STAGE,
    &rank_law_map::report::STAGE,
    &xor_snr::report::STAGE,
    &xor_collapse::report::STAGE,
    &effective_dynamics::report::STAGE,
    &xor_escape::report::STAGE,
    &effective_spectrum::report::STAGE,
    &dimension_limit::report::STAGE,
    &architectures::report::STAGE,
    &train_and_test::report::STAGE,
    &top_subspace::report::STAGE,
];
