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
//! The way of a figure: `figure`, `panel`, `series`, `axis`, `style` describe; `compose` lays out with `text` (from
//! `markup` and `font`), `ticks`, `legend` and `colourbar`; `frame` and `marks` draw into a `scene` (clipped by `path`);
//! `page` writes the scene as SVG through a plotters backend, `pdf` as PDF through krilla, and `png` renders an SVG. Curves are thinned to what 0.05 pt can show. Areas are drawn
//! first, then axes, grey references, curves and marks, each in the order given.

pub mod axis;
pub mod caption;
pub mod colour;
pub mod colourbar;
pub mod compose;
pub mod contact_sheet;
pub mod figure;
pub mod font;
mod frame;
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
pub mod sight;
pub mod style;
pub mod text;
pub mod ticks;
mod words;

pub use crate::plot::axis::{Axis, Scale};
pub use crate::plot::caption::Caption;
pub use crate::plot::colour::{Colour, ColourMap, Rgb};
pub use crate::plot::compose::Frame;
pub use crate::plot::figure::{Figure, Width};
pub use crate::plot::series::{HeatMap, Series};
pub use crate::plot::style::{Dash, Marker, Style};
pub use panel::{Anchor, Panel};

/// Everything that can be wrong with the description of a figure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlotError {
    /// Something that a reader needs has no words.
    #[error("{what} needs a label")]
    Unlabelled {
        /// What needs words.
        what: &'static str,
    },
    /// Series that look different, and one of them is not named.
    #[error("the panel of `{axis}` has series of different looks, and one has no label for the legend")]
    MissingLegend {
        /// Label of the vertical axis.
        axis: String,
    },
    /// One panel with two different colour bars.
    #[error("the panel of `{label}` needs two different colour bars")]
    TwoColourBars {
        /// Label of the vertical axis.
        label: String,
    },
    /// A range that an axis or a colour bar cannot have.
    #[error("`{label}`: {problem}")]
    Range {
        /// Label of the axis or bar.
        label: String,
        /// What is wrong.
        problem: String,
    },
    /// Axes that are shared but not equal.
    #[error("the shared axes `{first}` and `{other}` differ")]
    NotShared {
        /// Label of the first.
        first: String,
        /// Label of one that differs.
        other: String,
    },
    /// Data whose lengths do not fit.
    #[error("{got} {what} where {wanted} are needed")]
    Sizes {
        /// What was counted.
        what: &'static str,
        /// How many there must be.
        wanted: usize,
        /// How many there are.
        got: usize,
    },
    /// A character the bundled font does not have.
    #[error("the font has no glyph for `{character}` (U+{:04X}) in `{text}`", u32::from(*character))]
    MissingGlyph {
        /// The character.
        character: char,
        /// The label it is in.
        text: String,
    },
    /// Markup that cannot be understood.
    #[error("`{text}`: {problem}")]
    Markup {
        /// The label.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// The bundled font cannot be used.
    #[error("bundled font: {problem}")]
    Font {
        /// What is wrong.
        problem: String,
    },
    /// Labels leave no room for the axes.
    #[error("figure {name}: labels leave {width:.1} pt for the axes")]
    NoRoom {
        /// The figure.
        name: String,
        /// What is left.
        width: f64,
    },
    /// The document is larger than a committed figure may be.
    #[error("the figure has {bytes} bytes, more than {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most it may have.
        most: usize,
    },
    /// krilla failed.
    #[error("PDF: {problem}")]
    Pdf {
        /// What it said.
        problem: String,
    },
    /// resvg failed.
    #[error("PNG: {problem}")]
    Png {
        /// What it said.
        problem: String,
    },
    /// Plotters failed.
    #[error("plotters: {problem}")]
    Backend {
        /// What it said.
        problem: String,
    },
}
