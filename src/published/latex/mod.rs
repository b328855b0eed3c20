//! What authors input into a LaTeX document: numbers and captions, from the lock and the committed captions alone.

mod decimal;
mod documents;
mod formula;
mod prose;

pub use crate::published::latex::documents::files;
