//! Reproducible figures and measured verdicts for the spectral alignment of SGD (arXiv 2310.03010).
//!
//! Modules stand in the order in which data flows: a seed gives random streams, a task gives samples and steps, SGD a
//! trajectory, the spectrum eigenpairs of the Hessian and of the gradient matrix; a stage reduces these to tables, and
//! tables to claims and figures. `theory` predicts the same numbers without importing any of it; only studies, what else is computed of a
//! replicate, and stages see both.

extern crate blas_src as _;
extern crate lapack_src as _;
extern crate openblas_src as _;

pub mod digest;
pub mod error;
pub mod mutation;

pub mod problem;
pub mod random;
pub mod simulation;
pub mod spectrum;

pub mod theory;

pub mod study;

pub mod table;

pub mod plot;
pub mod stage;
pub mod stages;

pub mod store;

pub mod pipeline;

pub mod published;

pub mod report;
pub mod scaffold;

pub mod cluster;

pub mod cli;
pub mod commands;
