//! The looks of series: what a legend has to show, and which of them could be mistaken for each other.

use crate::plot::description::colour::Colour;
use crate::plot::description::series::{Series, Shape};
use crate::plot::description::style::{Marker, Style};

/// What a key of a legend shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Line,
    MarkedLine,
    Marker,
    Band,
    Steps,
    ErrorBar,
    Stem,
    Upright,
}

/// The look of a series, as the legend shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) style: Style,
}

impl Key {
    /// The key of a series; none where a colour bar explains it.
    pub(crate) fn of(series: &Series) -> Option<Self> {
        let plain = series.style.marker(Marker::None);
        let (kind, style) = match series.shape {
            Shape::Line { marks: false, .. } | Shape::Rule { horizontal: true, .. } => (Kind::Line, plain),
            Shape::Rule { horizontal: false, .. } => (Kind::Upright, plain),
            Shape::Line { marks: true, .. } => (Kind::MarkedLine, series.style),
            Shape::Points(_) => (Kind::Marker, series.style),
            Shape::Band(_) => (Kind::Band, plain.width(1.0).size(1.0)),
            Shape::Histogram { .. } => (Kind::Steps, plain),
            Shape::ErrorBars(_) => (Kind::ErrorBar, series.style),
            Shape::Stems(_) => (Kind::Stem, plain),
            Shape::HeatMap(_) | Shape::Ranked(_) => return None,
        };
        Some(Self { kind, style })
    }

    /// Place in the legend: what was measured, what theory says, references, bands.
    pub(crate) fn order(&self) -> u8 {
        match (self.kind, self.style) {
            (Kind::Band, _) => 3,
            (_, style) if style.colour == Colour::Grey => 2,
            (_, style) => u8::from(style.predicted),
        }
    }

    /// Its width in pt.
    pub(crate) fn width(&self) -> f64 {
        match self.kind {
            Kind::Line => 17.5,
            Kind::MarkedLine => 18.0,
            Kind::Marker => self.style.size.max(3.0) + 1.0,
            Kind::Band | Kind::Steps => 10.0,
            Kind::ErrorBar => 6.0,
            Kind::Stem => 7.0,
            Kind::Upright => 4.0,
        }
    }
}

/// Whether two series look the same, so that one entry explains both.
pub(crate) fn same_look(a: &Series, b: &Series) -> bool {
    Key::of(a) == Key::of(b)
}

/// Whether two series could be told apart without colour, by mark, dash or width.
pub(crate) fn apart_without_colour(a: &Series, b: &Series) -> bool {
    let plain = |series: &Series| {
        let key = Key::of(series)?;
        let style = Style { colour: Colour::Black, dark: false, size: 1.0, ..key.style };
        Some(Key { style, ..key })
    };
    plain(a) != plain(b)
}
