//! What is committed beside the code: figures, the reduced tables behind them, both for LaTeX, and `figures.lock`.

pub mod editions;
pub mod figures;
mod history;
pub mod latex;
pub mod lockfile;
pub mod overrides;
pub mod publish;
pub mod redraw;
pub(crate) mod standard;
pub(crate) mod status;
pub mod style_file;
mod summary;
pub mod variants;
pub mod verify;
pub mod why;

pub use crate::published::figures::{Figures, NOT_COMPUTED};
pub use crate::published::history::claims_at;
pub use crate::published::standard::{DEFAULT_SEED, is_standard, standard, variant};
pub use crate::published::status::{Status, cached_status};
