//! The ordered list of stages, nothing else. A new experiment is one new file and one line here.

pub mod gmm_alignment;
pub mod gmm_eigenvalues;
pub mod gmm_eigenvectors;
pub mod gmm_outlier_space;
pub mod gmm_snr;
pub mod gmm_spectrum;
pub mod grid;
pub mod mixture;
pub mod shared;

use crate::stage::Stage;

/// All stages, in the order in which they are listed, run and reported.
pub const STAGES: &[&Stage] = &[
    &gmm_alignment::STAGE,
    &gmm_outlier_space::STAGE,
    &gmm_eigenvalues::STAGE,
    &gmm_eigenvectors::STAGE,
    &gmm_spectrum::STAGE,
    &gmm_snr::STAGE,
];
