//! What is computed of a replicate beyond its trajectory and its spectra: each study is a file of its own, so that a new one changes
//! the key of nothing else.

pub mod definition;
pub mod gradient_share;
pub mod own_samples;
pub mod points;
pub mod projected;
pub mod reading;

pub use crate::study::definition::Study;
pub use crate::study::reading::Reading;
