//! How a series looks: colour, dash, marker, width.

use crate::plot::description::colour::{Colour, Rgb};

/// Width of curves in pt.
pub const LINE: f64 = 1.1;
/// Width of axes and ticks in pt.
pub const AXIS: f64 = 0.6;

/// The dash of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// No gaps.
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Dashes and dots.
    DashDot,
}

impl Dash {
    /// Lengths of marks and gaps in pt, for a line of `width` pt; empty for a solid line.
    #[must_use]
    pub fn lengths(self, width: f64) -> Vec<f64> {
        let unit = width.max(0.6);
        let lengths: &[f64] = match self {
            Self::Solid => &[],
            Self::Dashed => &[3.6, 2.0],
            Self::Dotted => &[1.0, 1.5],
            Self::DashDot => &[4.0, 1.6, 1.0, 1.6],
        };
        lengths.iter().map(|length| length * unit).collect()
    }
}

/// The mark drawn at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// No mark.
    None,
    /// Filled disc.
    Circle,
    /// Open circle, which shows what it surrounds.
    Ring,
    /// Filled square.
    Square,
    /// Open square, which shows what it surrounds.
    OpenSquare,
    /// Filled triangle, point up.
    Triangle,
    /// Open triangle, point up.
    OpenTriangle,
    /// Filled square on its corner.
    Diamond,
    /// Open square on its corner.
    OpenDiamond,
    /// Diagonal cross of two strokes.
    Cross,
    /// Upright cross of two strokes.
    Plus,
}

/// Everything about the look of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Its colour.
    pub colour: Colour,
    /// A darker shade of the colour, for another value of a parameter.
    pub dark: bool,
    /// Whether theory says it, so that legends name it after what was measured.
    pub predicted: bool,
    /// Dash of its line.
    pub dash: Dash,
    /// Mark at its points.
    pub marker: Marker,
    /// Width of its line in pt, at least 0.4.
    pub width: f64,
    /// Diameter of its marker in pt.
    pub size: f64,
}

impl Style {
    /// A measured quantity: a solid line; where points are drawn, discs.
    #[must_use]
    pub fn measured(colour: Colour) -> Self {
        Self {
            colour,
            dark: false,
            predicted: false,
            dash: Dash::Solid,
            marker: Marker::Circle,
            width: LINE,
            size: 3.4,
        }
    }

    /// A quantity of the theory: a dashed line in a darker shade, no marks.
    #[must_use]
    pub fn theory(colour: Colour) -> Self {
        let measured = Self::measured(colour);
        Self { dark: true, predicted: true, dash: Dash::Dashed, marker: Marker::None, ..measured }
    }

    /// A reference line: thin, grey, dotted.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            colour: Colour::Grey,
            dark: false,
            predicted: false,
            dash: Dash::Dotted,
            marker: Marker::None,
            width: 0.8,
            size: 3.4,
        }
    }

    /// This style with another dash.
    #[must_use]
    pub fn dash(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }

    /// This style with another marker.
    #[must_use]
    pub fn marker(self, marker: Marker) -> Self {
        Self { marker, ..self }
    }

    /// This style with another line width in pt.
    #[must_use]
    pub fn width(self, width: f64) -> Self {
        Self { width, ..self }
    }

    /// This style in a darker shade.
    #[must_use]
    pub fn darker(self) -> Self {
        Self { dark: true, ..self }
    }

    /// This style with another marker diameter in pt.
    #[must_use]
    pub fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// Colour of its lines and marks.
    #[must_use]
    pub fn rgb(&self) -> Rgb {
        let base = self.colour.rgb();
        if self.dark { base.mix(Rgb::BLACK, 0.45) } else { base }
    }
}
