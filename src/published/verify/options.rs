//! What to verify, and how.

use crate::published::figures::Figures;
use crate::stage::{Settings, Stage};
use std::path::Path;

/// What to verify, and how.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// All stages of the program.
    pub all: &'a [&'static Stage],
    /// Those to verify.
    pub stages: &'a [&'static Stage],
    /// Profile; the seed is the default one, and there are no overrides.
    pub settings: &'a Settings,
    /// What is committed.
    pub figures: &'a Figures,
    /// An empty folder for stores.
    pub scratch: &'a Path,
    /// Threads.
    pub jobs: usize,
    /// Compute every stage twice.
    pub twice: bool,
}
