//! One self-contained page with every verdict and every figure.
//!
//! `gather` collects what was computed, otherwise what is committed; `page` writes it as HTML: `verdicts` is the table of all
//! claims with an `interval_plot` and a `margin` each, `section` one stage with its figures (`figure_card`), the `deviation` of measurement
//! from theory, and the `details` of what made it. Text is escaped by the templates; nothing on the page is a script or
//! comes from elsewhere.

pub mod claims_page;
mod details;
pub mod deviation;
mod figure_card;
pub mod gather;
mod interval_plot;
pub mod margin;
mod page;
mod section;
mod verdicts;
pub mod words;

pub use crate::report::claims_page::claims_page;
pub use crate::report::gather::{Report, gather, summary};
pub use crate::report::page::page;
pub use crate::report::verdicts::PAPER;
pub(crate) use crate::report::verdicts::of_paper;
