//! What becomes of the canvas of plotters: SVG and PDF.

pub mod pdf;
pub mod svg;
