//! Every verdict and every figure on one page, by itself or in a folder with all files behind it.
//!
//! `gather` collects what was computed, otherwise what is committed, with figures and tables as `cards`; `page` writes it as
//! HTML: `gallery` shows all figures small, `verdicts` is the table of all claims with an `interval_plot`, a `margin` and a
//! `claim_figure` each, `section` one stage with its figures (`figure_card`), the `deviation` of measurement from theory, and
//! the `details` of what made it (tables by `plain_table`). `bundle` writes the page with its `files`. Text is escaped by the
//! templates, and nothing on the page comes from elsewhere. `find.js` searches, filters and orders claims (the form is `find`);
//! without it the page lacks only that.

mod bundle;
pub mod cards;
pub mod claim_figure;
pub mod claims_page;
mod details;
pub mod deviation;
mod figure_card;
pub mod files;
mod find;
mod gallery;
pub mod gather;
mod interval_plot;
pub mod margin;
mod page;
mod plain_table;
mod section;
mod verdicts;
pub mod words;

pub use crate::report::bundle::bundle;
pub use crate::report::claims_page::claims_page;
pub use crate::report::files::Place;
pub use crate::report::gather::{Report, gather, summary};
pub use crate::report::page::page;
pub use crate::report::verdicts::PAPER;
pub(crate) use crate::report::verdicts::of_paper;
