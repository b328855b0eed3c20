//! The drawn page before any file format: strokes, fills and text in their final places.

use crate::plot::colour::Rgb;
use crate::plot::style::Dash;
use crate::plot::text::{Rect, Text};

/// Page units per pt: coordinates are whole hundredths of a pt.
pub const UNITS: f64 = 100.0;
/// Contrast with white of a ground on which black and white show equally well: the root of the 21 between them.
const EVEN: f64 = 4.583;

/// A place on the page in page units, from the upper left corner.
pub type Place = (i32, i32);

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Joined places.
    Open(Vec<Place>),
    /// Joined places, and back to the first.
    Closed(Vec<Place>),
    /// A circle with centre and radius.
    Circle(Place, i32),
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Rgb,
    /// Its width in pt.
    pub width: f64,
    /// Its dash.
    pub dash: Dash,
    /// Whether it carries data, as opposed to axes, legend and other furniture.
    pub data: bool,
}

/// A line of text with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedText {
    /// What is written.
    pub text: Text,
    /// Origin of the baseline in pt.
    pub x: f64,
    /// Origin of the baseline in pt, downwards.
    pub y: f64,
    /// Whether it runs upwards instead of to the right.
    pub upwards: bool,
    /// The colour of the cell that it stands in the middle of; none outside cells.
    pub ground: Option<Rgb>,
}

impl PlacedText {
    /// Black or white, whichever shows better on its ground.
    #[must_use]
    pub fn colour(&self) -> Rgb {
        match self.ground {
            Some(ground) if ground.contrast_on_white() > EVEN => Rgb::WHITE,
            _ => Rgb::BLACK,
        }
    }

    /// The ink box on the page in pt.
    #[must_use]
    pub fn ink(&self) -> Rect {
        let ink = self.text.ink;
        if self.upwards {
            Rect {
                left: self.x + ink.top,
                top: self.y - ink.right,
                right: self.x + ink.bottom,
                bottom: self.y - ink.left,
            }
        } else {
            Rect {
                left: self.x + ink.left,
                top: self.y + ink.top,
                right: self.x + ink.right,
                bottom: self.y + ink.bottom,
            }
        }
    }
}

/// One thing on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Lines of one look.
    Stroke(Vec<Part>, Stroke),
    /// Filled areas of one colour and opacity.
    Fill(Vec<Part>, Rgb, f64),
    /// Text.
    Text(PlacedText),
}

/// A page: everything on it in the order of drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width in pt.
    pub width: f64,
    /// Height in pt.
    pub height: f64,
    /// What is on it.
    pub items: Vec<Item>,
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "rounded, and a page is far below 2^31 hundredths of a pt"
)]
/// A length in pt as whole page units.
#[must_use]
pub fn units(pt: f64) -> i32 {
    (pt * UNITS).round() as i32
}

/// A point in pt as a place.
#[must_use]
pub fn place((x, y): (f64, f64)) -> Place {
    (units(x), units(y))
}

impl Scene {
    /// Adds lines; nothing if there are none.
    pub(crate) fn stroke(&mut self, parts: Vec<Part>, stroke: Stroke) {
        if !parts.is_empty() {
            self.items.push(Item::Stroke(parts, stroke));
        }
    }

    /// Adds areas; nothing if there are none.
    pub(crate) fn fill(&mut self, parts: Vec<Part>, colour: Rgb, opacity: f64) {
        if !parts.is_empty() {
            self.items.push(Item::Fill(parts, colour, opacity));
        }
    }

    /// Adds text that runs to the right from a baseline origin.
    pub(crate) fn write(&mut self, text: Text, x: f64, y: f64) {
        self.items.push(Item::Text(PlacedText { text, x, y, upwards: false, ground: None }));
    }

    /// Adds text that runs upwards from a baseline origin.
    pub(crate) fn write_upwards(&mut self, text: Text, x: f64, y: f64) {
        self.items.push(Item::Text(PlacedText { text, x, y, upwards: true, ground: None }));
    }

    /// Adds text in the middle of a cell of this colour.
    pub(crate) fn write_on(&mut self, ground: Rgb, text: Text, (x, y): (f64, f64)) {
        let left = x - f64::midpoint(text.ink.left, text.ink.right);
        let baseline = y - f64::midpoint(text.ink.top, text.ink.bottom);
        let placed = PlacedText { text, x: left, y: baseline, upwards: false, ground: Some(ground) };
        self.items.push(Item::Text(placed));
    }
}
