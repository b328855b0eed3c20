//! Where everything stands on the page: texts and their extents, ticks, legends, margins, axes.

pub mod alt;
pub mod bar;
pub mod cells;
pub mod compose;
pub mod font;
pub mod frame;
pub mod legend;
pub mod markup;
pub mod side;
pub mod text;
pub mod ticks;
pub mod words;
