//! What is drawn, as a format gets it: parts of paths, lines, text.

#![allow(clippy::cast_sign_loss, reason = "a radius is positive")]

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
};

use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::style::Dash;
use crate::plot::description::surface::{Answer, Look, Place, Role, Surface, UNITS, width};

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

impl Part {
    fn draw<B: Surface>(&self, backend: &mut B, style: &ShapeStyle) -> Answer<B> {
        match self {
            Self::Circle(centre, radius) => backend.draw_circle(*centre, *radius as u32, style, style.filled),
            Self::Open(places) | Self::Closed(places) if style.filled => {
                backend.fill_polygon(places.iter().copied(), style)
            }
            Self::Open(places) => backend.draw_path(places.iter().copied(), style),
            Self::Closed(places) => backend.draw_path(places.iter().chain(places.first()).copied(), style),
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Rgb,
    /// Its opacity.
    pub opacity: f64,
    /// Its width in pt.
    pub width: f64,
    /// Its dash.
    pub dash: Dash,
    /// Whether it carries data, as opposed to axes, legend and other furniture.
    pub data: bool,
}

/// A line of text that is still to be laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Lettering {
    /// What is written, in markup.
    pub source: String,
    /// The size of its font in pt.
    pub size: f64,
    /// Its colour.
    pub colour: Rgb,
    /// Where its baseline meets its anchor.
    pub place: Place,
    /// The anchor: the halves of its width that are before it.
    pub halves: u8,
    /// The direction in which it runs.
    pub turn: (i32, i32),
    /// Whether it stands in a cell of a heat map.
    pub in_cell: bool,
}

/// What becomes of ink.
pub trait Format {
    /// Draws lines of one look.
    fn stroke(&mut self, parts: &[Part], stroke: &Stroke);
    /// Fills areas of one colour and opacity.
    fn fill(&mut self, parts: &[Part], colour: Rgb, opacity: f64);
    /// Writes a line of text.
    ///
    /// # Errors
    /// Text that cannot be laid out.
    fn write(&mut self, text: Lettering) -> Result<(), PlotError>;
}

/// A style of plotters for text of this size in pt, anchored as said.
#[must_use]
pub fn lettering(size: f64, colour: Rgb, (across, along): (HPos, VPos)) -> TextStyle<'static> {
    // Every format writes in the bundled font.
    let font = FontDesc::new(FontFamily::Serif, size * UNITS, FontStyle::Normal);
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(across, along) }
}

/// One thing on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Lines of one look.
    Stroke(Vec<Part>, Stroke),
    /// Filled areas of one colour and opacity.
    Fill(Vec<Part>, Rgb, f64),
    /// Text.
    Text(Lettering),
}

/// The format that remembers: everything on the page in the order of drawing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Items(pub Vec<Item>);

impl Format for Items {
    fn stroke(&mut self, parts: &[Part], stroke: &Stroke) {
        self.0.push(Item::Stroke(parts.to_vec(), *stroke));
    }

    fn fill(&mut self, parts: &[Part], colour: Rgb, opacity: f64) {
        self.0.push(Item::Fill(parts.to_vec(), colour, opacity));
    }

    fn write(&mut self, text: Lettering) -> Result<(), PlotError> {
        self.0.push(Item::Text(text));
        Ok(())
    }
}

impl Items {
    /// Draws everything on another backend.
    ///
    /// # Errors
    /// Whatever it reports.
    pub fn draw<B: Surface>(&self, backend: &mut B) -> Answer<B> {
        let ink = |Rgb(red, green, blue), opacity| ShapeStyle::from(RGBAColor(red, green, blue, opacity));
        for item in &self.0 {
            match item {
                Item::Stroke(parts, stroke) => {
                    backend.look(Look { dash: stroke.dash, role: Role::Furniture });
                    let style = ink(stroke.colour, stroke.opacity).stroke_width(width(stroke.width));
                    parts.iter().try_for_each(|part| part.draw(backend, &style))?;
                }
                Item::Fill(parts, colour, opacity) => {
                    backend.look(Look::PLAIN);
                    parts.iter().try_for_each(|part| part.draw(backend, &ink(*colour, *opacity).filled()))?;
                }
                Item::Text(text) => {
                    let anchor = [HPos::Left, HPos::Center, HPos::Right][usize::from(text.halves.min(2))];
                    let turn = match text.turn {
                        (1, _) => FontTransform::None,
                        (_, 1) => FontTransform::Rotate90,
                        (-1, _) => FontTransform::Rotate180,
                        _ => FontTransform::Rotate270,
                    };
                    let style = lettering(text.size, text.colour, (anchor, VPos::Bottom)).transform(turn);
                    backend.draw_text(&text.source, &style, text.place)?;
                }
            }
        }
        Ok(())
    }
}
