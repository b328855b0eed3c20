//! Figures: a typed description of each, from which plotters draws the page. The only user of plotters, krilla and resvg.
//!
//! A stage describes a [`Figure`] of [`Panel`]s with two [`Axis`] each and [`Series`] in them; [`svg`] and [`pdf`] make
//! documents of it. What a reader needs is an argument of a constructor (labels, the meaning of bands and error bars,
//! labels of colour bars, the caption), and both fail where it is empty. Legends, colour bars, panel letters, ticks and
//! margins follow from the description. [`lint()`] lists what a strict reviewer would mark; [`scene`] gives the page before
//! any file format and the place of the axes. Any other element of plotters is one line: [`Panel::element`].
//!
//! ```
//! use spectral_alignment::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width, lint, pdf, svg};
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
//! assert!(lint(&figure).is_empty());
//! assert!(svg(&figure)?.starts_with("<svg"));
//! assert!(pdf(&figure)?.starts_with(b"%PDF"));
//! # Ok::<(), spectral_alignment::plot::PlotError>(())
//! ```
//!
//! Labels are upright text with mathematics between dollar signs: italic letters, Greek (`\lambda` or `λ`), `_`, `^`,
//! braces, `\hat \bar \tilde`, `\sqrt`, `\mathrm{op}`, `\nabla`, `\propto` and so on; the list is in `markup.rs`.
//! A character without a glyph and an unknown command are errors.
//!
//! The rooms, each of which imports only those before it:
//!
//! | room | what it does |
//! |---|---|
//! | `description` | what a figure says; the canvas, our backend of plotters |
//! | `layout` | text, ticks, legends, margins: where everything stands |
//! | `elements` | series, axes, keys and bars as elements of plotters on its areas and coordinates |
//! | `backends` | what becomes of the canvas: SVG, and PDF through krilla |
//! | `render` | draws a layout on any backend; documents, PNG, the contact sheet |
//! | `lint` | judges what was drawn |
//!
//! Everything on a page is drawn through a [`plotters_backend::DrawingBackend`]: the page is split into an area for each
//! panel, a `ChartBuilder` makes a chart of it whose axes are coordinates and key points of plotters, and elements of
//! plotters are drawn on it: areas first, then axes, grey references, curves and marks, each in the order given. What a
//! style of plotters cannot say is told beside it (`description/surface.rs`). What stays ours, and why:
//!
//! | what | because plotters |
//! |---|---|
//! | text and mathematics, and where they stand | has no fonts without system libraries, guesses widths, and sets no mathematics |
//! | choice of ticks | has all decades or none, and no short ticks |
//! | layout outside axes, shared legends, colour bars | covers data with its legend, and has no bars |
//! | clipping and gaps, before values become pixels | moves what is outside onto the axes, and draws NaN there |
//! | thinning to what 0.05 pt can show | writes every point |
//! | captions, alternative text, lint | knows no reader |
//!
//! What had to be worked around is in `docs/plotters-notes.md`, with a program for each.
//!
//! This file is the door for other rooms; files in here name each other, and no two of them in a circle.

pub mod backends;
pub mod description;
pub mod elements;
pub mod layout;
mod lint;
pub mod render;

pub use crate::plot::description::axis::{Axis, Scale};
pub use crate::plot::description::caption::Caption;
pub use crate::plot::description::colour::{Colour, ColourMap, Rgb};
pub use crate::plot::description::element::Element;
pub use crate::plot::description::error::PlotError;
pub use crate::plot::description::figure::{Figure, Width};
pub use crate::plot::description::page_style::{DESIGNED, FontFile, PageStyle};
pub use crate::plot::description::panel::{Anchor, Panel};
pub use crate::plot::description::series::{HeatMap, Series};
pub use crate::plot::description::style::{Dash, Marker, Style};
pub use crate::plot::description::{canvas, ink, sight, surface};
pub use crate::plot::elements::path;
pub use crate::plot::layout::frame::Frame;
pub use crate::plot::layout::{font, text, ticks};
pub use crate::plot::lint::{lint, restyled};
pub use crate::plot::render::files::{Scene, pdf, scene, svg};
pub use crate::plot::render::{contact_sheet, png};
/// Elements, colours and styles of plotters, for [`Panel::element`].
pub use plotters::prelude as shapes;

#[cfg(doctest)]
#[doc = include_str!("../../docs/plotters-notes.md")]
struct Notes;
