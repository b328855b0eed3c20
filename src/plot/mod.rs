//! Figures: a typed description of each, from which the page is drawn. The only user of plotters, krilla and resvg.
//!
//! A stage describes a [`Figure`] of [`Panel`]s with two [`Axis`] each and [`Series`] in them, and calls
//! [`Figure::render`] for the SVG document and [`Figure::pdf`] for the PDF. What a reader needs is an argument of a
//! constructor (labels, the meaning of bands and error bars, labels of colour bars, the caption), and both fail where it is
//! empty. Legends, colour bars,
//! panel letters, ticks and margins follow from the description. [`Figure::lint`] lists what a strict reviewer would
//! mark; [`Figure::layout`] gives the page before any file format and the place of the axes.
//!
//! ```
//! use spectral_alignment::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width};
//!
//! let curve = |rate: f64| -> Vec<(f64, f64)> {
//!     (0..=50).map(|i| f64::from(i) / 50.0).map(|t| (t, 1.0 - libm::exp(-rate * t))).collect()
//! };
//! let band = curve(4.0).iter().map(|&(t, y)| (t, y - 0.05, y + 0.05)).collect();
//! let panel = Panel::new(
//!     Axis::linear("training time $t/T$").range(0.0, 1.0),
//!     Axis::linear("alignment $\\rho(x^a; B)$").range(0.0, 1.0),
//! )
//! .title("$\\lambda = 100$")
//! .series(Series::band("mean ± 1.96 s.e., $n = 20$", Style::measured(Colour::Blue), band))
//! .series(Series::line("SGD", Style::measured(Colour::Blue), curve(4.0)))
//! .series(Series::line("effective dynamics", Style::theory(Colour::Blue), curve(4.1)));
//! let caption = Caption::new(
//!     "Alignment rises",
//!     "Alignment over training time: mean (solid) with a band of 1.96 standard errors, and effective dynamics (dashed)",
//!     "Parameters: λ = 100; replicates: 20",
//!     "Alignment rises to one",
//! );
//! let figure = Figure::new("rise", caption, Width::Single, 1).panel(panel);
//! assert!(figure.lint().is_empty());
//! assert!(figure.render()?.starts_with("<svg"));
//! assert!(figure.pdf()?.starts_with(b"%PDF"));
//! # Ok::<(), spectral_alignment::plot::PlotError>(())
//! ```
//!
//! Labels are upright text with mathematics between dollar signs: italic letters, Greek (`\lambda` or `λ`), `_`, `^`,
//! braces, `\hat \bar \tilde`, `\sqrt`, `\mathrm{op}`, `\nabla`, `\propto` and so on; the list is in `markup.rs`.
//! A character without a glyph and an unknown command are errors.
//!
//! The path of a figure: `figure`, `panel`, `series`, `axis`, `style` describe, and `sheet` holds what they say; `compose`
//! lays it out with `text` (from `markup` and `font`), `ticks`, `legend` and `colourbar`; `side` and `marks` draw into a
//! `scene`, at the places that a `frame` gives (clipped by `path`); `lint` judges the scene; `page` writes it as SVG through
//! a plotters backend, `pdf` as PDF through krilla, and `png` renders an SVG. Curves are thinned to what 0.05 pt can show.
//! Areas are drawn first, then axes, grey references, curves and marks, each in the order given.
//!
//! This file is the door for other rooms; files in here name each other, and no two of them in a circle.

pub mod axis;
pub mod caption;
pub mod colour;
pub mod colourbar;
pub mod compose;
pub mod contact_sheet;
pub mod error;
pub mod figure;
pub mod font;
pub mod frame;
mod legend;
mod lint;
mod marks;
mod markup;
pub mod page;
pub mod panel;
pub mod path;
pub mod pdf;
pub mod png;
pub mod scene;
pub mod series;
mod sheet;
mod side;
pub mod sight;
pub mod style;
pub mod text;
pub mod ticks;
mod words;

pub use crate::plot::axis::{Axis, Scale};
pub use crate::plot::caption::Caption;
pub use crate::plot::colour::{Colour, ColourMap, Rgb};
pub use crate::plot::error::PlotError;
pub use crate::plot::figure::Figure;
pub use crate::plot::frame::Frame;
pub use crate::plot::panel::{Anchor, Panel};
pub use crate::plot::series::{HeatMap, Series};
pub use crate::plot::sheet::Width;
pub use crate::plot::style::{Dash, Marker, Style};
