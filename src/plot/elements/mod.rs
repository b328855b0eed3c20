//! What is drawn, as elements of plotters on its areas and coordinates.

pub mod area;
pub mod axes;
pub mod bar;
pub mod keys;
pub mod marks;
pub mod path;
