//! What a figure says, before anything has a place; and the canvas on which elements of plotters are drawn.

pub mod axis;
pub mod bar;
pub mod canvas;
pub mod caption;
pub mod colour;
pub mod element;
pub mod error;
pub mod figure;
pub mod ink;
pub mod look;
pub mod page_style;
pub mod panel;
pub mod series;
pub mod sight;
pub mod style;
pub mod surface;
