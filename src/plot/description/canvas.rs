//! The backend of plotters: one canvas in hundredths of a pt, whatever becomes of the ink.
//!
//! Calls of one opaque paint under one look are one path, so that a thousand marks are one element of a file. Text is markup
//! in the bundled font, laid out by the format; its anchor is the baseline, or the middle or top of a digit.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "page units are whole numbers far below 2^31"
)]

use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::ink::{Format, Lettering, Part, Stroke};
use crate::plot::description::style::AXIS;
use crate::plot::description::surface::{Answer, Look, Place, Role, Surface, UNITS};

/// How far the middle of a line of text is above its baseline, in sizes of the font: half the height of a digit.
const MIDDLE: f64 = 0.33;

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

    fn ink<S: BackendStyle>(&mut self, part: Part, style: &S, fill: bool) {
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
        self.ink(Part::Closed(vec![a, (b.0, a.1), b, (a.0, b.1)]), style, fill);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = Place>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<Self> {
        let mut places: Vec<Place> = path.into_iter().collect();
        let closed = places.len() > 2 && places.first() == places.last();
        places.truncate(places.len() - usize::from(closed));
        self.ink(if closed { Part::Closed(places) } else { Part::Open(places) }, style, false);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: Place,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Answer<Self> {
        self.ink(Part::Circle(centre, radius as i32), style, fill);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = Place>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<Self> {
        self.ink(Part::Closed(path.into_iter().collect()), style, true);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): Place) -> Answer<Self> {
        self.close();
        let anchor = style.anchor();
        let rise = match anchor.v_pos {
            VPos::Top => 2.0 * MIDDLE,
            VPos::Center => MIDDLE,
            VPos::Bottom => 0.0,
        };
        let halves = match anchor.h_pos {
            HPos::Left => 0,
            HPos::Center => 1,
            HPos::Right => 2,
        };
        let turn = style.transform();
        let (dx, dy) = turn.transform(0, (rise * style.size()).round() as i32);
        let written = self.format.write(Lettering {
            source: text.to_owned(),
            size: style.size() / UNITS,
            colour: Rgb::from(style.color().rgb),
            place: (x + dx, y + dy),
            halves,
            turn: turn.transform(1, 0),
            in_cell: self.look.role == Role::Cell,
        });
        written.map_err(DrawingErrorKind::DrawingError)
    }
}
