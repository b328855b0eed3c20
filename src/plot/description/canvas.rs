//! The backend of plotters: one canvas in hundredths of a pt, whatever becomes of the ink.
//!
//! One pixel of plotters is one hundredth of a pt, in places, widths of lines, radii and sizes of fonts. A style of plotters
//! carries a colour and a width. What it cannot say travels beside it, as the [`Look`] of a [`Surface`], and holds until
//! the next one: the dash, and whether data are drawn (round joins) or furniture (mitred). Calls of one opaque paint under
//! one look are one path, so that a thousand marks are one element of a file, and their order shows nowhere. Text is
//! markup, laid out by the format. A figure can be drawn on any backend of plotters that implements [`Surface`]; without a
//! method of its own it draws solid lines.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "page units are whole numbers far below 2^31"
)]

use std::iter;

use plotters::element::{Drawable, PointCollection};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::style::{AXIS, Dash};

/// Page units per pt: coordinates are whole hundredths of a pt.
pub const UNITS: f64 = 100.0;
/// How far the middle of a line of text is above its baseline, in sizes of the font: half the height of a digit.
const MIDDLE: f64 = 0.33;

/// A place on the page in page units, from the upper left corner.
pub type Place = BackendCoord;

/// What a backend answers.
pub type Answer<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A length in pt as whole page units.
#[must_use]
pub fn units(pt: f64) -> i32 {
    (pt * UNITS).round() as i32
}

/// A width in pt as plotters takes it.
#[must_use]
pub fn width(pt: f64) -> u32 {
    units(pt).max(0) as u32
}

/// A point in pt as a place.
#[must_use]
pub fn place((x, y): (f64, f64)) -> Place {
    (units(x), units(y))
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Axes, legends and whatever a style of plotters alone describes.
    Furniture,
    /// Series.
    Data,
    /// What stands in a cell of a heat map.
    Cell,
}

/// What a style of plotters cannot say; an element without points, which holds for everything drawn after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The dash of lines.
    pub dash: Dash,
    /// What is drawn.
    pub role: Role,
}

impl Look {
    /// Solid lines of no data.
    pub const PLAIN: Self = Self { dash: Dash::Solid, role: Role::Furniture };

    /// Data with lines of this dash.
    #[must_use]
    pub const fn data(dash: Dash) -> Self {
        Self { dash, role: Role::Data }
    }
}

impl<'a, C: 'a> PointCollection<'a, C> for &'a Look {
    type Point = C;
    type IntoIter = iter::Empty<C>;

    fn point_iter(self) -> Self::IntoIter {
        iter::empty()
    }
}

impl<B: Surface> Drawable<B> for Look {
    fn draw<I: Iterator<Item = Place>>(&self, _: I, backend: &mut B, _: (u32, u32)) -> Answer<B> {
        backend.look(*self);
        Ok(())
    }
}

/// A backend of plotters on which figures can be drawn.
pub trait Surface: DrawingBackend {
    /// Sets the look of what is drawn from now on.
    fn look(&mut self, _look: Look) {}
}

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
    /// The anchor: the share of its width that is before it.
    pub across: f64,
    /// Quarters of a turn clockwise.
    pub turns: u8,
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

/// The colour of calls that are one path.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Paint {
    Line(Stroke),
    Area(Rgb, f64),
}

/// The backend.
#[derive(Debug)]
pub struct Canvas<F: Format> {
    format: F,
    size: (u32, u32),
    look: Look,
    path: Option<(Paint, Vec<Part>)>,
}

impl<F: Format> Canvas<F> {
    /// An empty canvas of this size in page units.
    #[must_use]
    pub fn new(format: F, size: (u32, u32)) -> Self {
        Self { format, size, look: Look::PLAIN, path: None }
    }

    /// What became of the ink.
    #[must_use]
    pub fn finish(mut self) -> F {
        self.close();
        self.format
    }

    /// Ends a path.
    fn close(&mut self) {
        match self.path.take() {
            Some((Paint::Line(stroke), parts)) => self.format.stroke(&parts, &stroke),
            Some((Paint::Area(colour, opacity), parts)) => self.format.fill(&parts, colour, opacity),
            None => {}
        }
    }

    fn ink<S: BackendStyle>(&mut self, part: Part, style: &S, fill: bool) -> Answer<Self> {
        let BackendColor { alpha: opacity, rgb } = style.color();
        let colour = Rgb::from(rgb);
        let paint = if fill {
            Paint::Area(colour, opacity)
        } else {
            // One is plotters' word for no width at all.
            let width =
                if style.stroke_width() <= 1 { AXIS } else { f64::from(style.stroke_width()) / UNITS };
            let Look { dash, role } = self.look;
            Paint::Line(Stroke { colour, opacity, width, dash, data: role == Role::Data })
        };
        match &mut self.path {
            _ if opacity <= 0.0 => {}
            // Where areas overlap that are not opaque, each of them shows.
            Some((last, parts)) if *last == paint && opacity >= 1.0 => parts.push(part),
            _ => {
                self.close();
                self.path = Some((paint, vec![part]));
            }
        }
        Ok(())
    }
}

impl<F: Format> Surface for Canvas<F> {
    fn look(&mut self, look: Look) {
        self.close();
        self.look = look;
    }
}

impl<F: Format> DrawingBackend for Canvas<F> {
    type ErrorType = PlotError;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Answer<Self> {
        Ok(())
    }

    fn present(&mut self) -> Answer<Self> {
        self.close();
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): Place, color: BackendColor) -> Answer<Self> {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: Place, to: Place, style: &S) -> Answer<Self> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: Place, b: Place, style: &S, fill: bool) -> Answer<Self> {
        self.ink(Part::Closed(vec![a, (b.0, a.1), b, (a.0, b.1)]), style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = Place>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<Self> {
        let mut places: Vec<Place> = path.into_iter().collect();
        let closed = places.len() > 2 && places.first() == places.last();
        places.truncate(places.len() - usize::from(closed));
        self.ink(if closed { Part::Closed(places) } else { Part::Open(places) }, style, false)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: Place,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Answer<Self> {
        self.ink(Part::Circle(centre, radius as i32), style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = Place>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<Self> {
        self.ink(Part::Closed(path.into_iter().collect()), style, true)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): Place) -> Answer<Self> {
        self.close();
        let anchor = style.anchor();
        let rise = match anchor.v_pos {
            VPos::Top => 2.0 * MIDDLE,
            VPos::Center => MIDDLE,
            VPos::Bottom => 0.0,
        };
        let across = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => 0.5,
            HPos::Right => 1.0,
        };
        let turn = style.transform();
        let turns = match turn {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 1,
            FontTransform::Rotate180 => 2,
            FontTransform::Rotate270 => 3,
        };
        let (dx, dy) = turn.transform(0, (rise * style.size()).round() as i32);
        let written = self.format.write(Lettering {
            source: text.to_owned(),
            size: style.size() / UNITS,
            colour: Rgb::from(style.color().rgb),
            place: (x + dx, y + dy),
            across,
            turns,
            in_cell: self.look.role == Role::Cell,
        });
        written.map_err(DrawingErrorKind::DrawingError)
    }
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
        let paint = |Rgb(red, green, blue), opacity| ShapeStyle::from(RGBAColor(red, green, blue, opacity));
        for item in &self.0 {
            match item {
                Item::Stroke(parts, stroke) => {
                    let role = if stroke.data { Role::Data } else { Role::Furniture };
                    backend.look(Look { dash: stroke.dash, role });
                    let style = paint(stroke.colour, stroke.opacity).stroke_width(width(stroke.width));
                    for part in parts {
                        match part {
                            Part::Open(places) => backend.draw_path(places.iter().copied(), &style)?,
                            Part::Closed(places) => {
                                backend.draw_path(places.iter().chain(places.first()).copied(), &style)?;
                            }
                            Part::Circle(centre, radius) => {
                                backend.draw_circle(*centre, *radius as u32, &style, false)?;
                            }
                        }
                    }
                }
                Item::Fill(parts, colour, opacity) => {
                    backend.look(Look::PLAIN);
                    let style = paint(*colour, *opacity).filled();
                    for part in parts {
                        match part {
                            Part::Open(places) | Part::Closed(places) => {
                                backend.fill_polygon(places.iter().copied(), &style)?;
                            }
                            Part::Circle(centre, radius) => {
                                backend.draw_circle(*centre, *radius as u32, &style, true)?;
                            }
                        }
                    }
                }
                Item::Text(text) => {
                    let across = match text.across {
                        share if share < 0.25 => HPos::Left,
                        share if share < 0.75 => HPos::Center,
                        _ => HPos::Right,
                    };
                    let turn = match text.turns {
                        0 => FontTransform::None,
                        1 => FontTransform::Rotate90,
                        2 => FontTransform::Rotate180,
                        _ => FontTransform::Rotate270,
                    };
                    let style = lettering(text.size, text.colour, (across, VPos::Bottom)).transform(turn);
                    backend.draw_text(&text.source, &style, text.place)?;
                }
            }
        }
        Ok(())
    }
}
