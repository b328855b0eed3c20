//! The SVG page: a drawing backend of ours around the one of plotters, in hundredths of a pt.
//!
//! Plotters writes the document; each element of ours (dashes, compound paths, glyphs, which it cannot write) holds its
//! place there as one pixel, and [`finish`] puts the elements in and gives the document its physical size, title and
//! description.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "page units are whole numbers far below 2^31"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};

use crate::plot::colour::Rgb;
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::path::path_data;
use crate::plot::scene::{Item, Part, PlacedText, Scene, Stroke, UNITS, units};
use crate::plot::style::Dash;
use crate::plot::text::Text;

type Drawn = Result<(), DrawingErrorKind<std::io::Error>>;

/// What a backend must do beyond plotters' own list to draw a [`Scene`]; a second one can write another format.
pub trait Surface: DrawingBackend {
    /// Draws lines of one look.
    ///
    /// # Errors
    /// Whatever the backend reports.
    fn strokes(&mut self, parts: &[Part], stroke: &Stroke) -> Result<(), DrawingErrorKind<Self::ErrorType>>;
    /// Fills areas.
    ///
    /// # Errors
    /// Whatever the backend reports.
    fn fills(
        &mut self,
        parts: &[Part],
        colour: Rgb,
        opacity: f64,
    ) -> Result<(), DrawingErrorKind<Self::ErrorType>>;
    /// Writes text that is already laid out.
    ///
    /// # Errors
    /// Whatever the backend reports.
    fn glyphs(&mut self, text: &PlacedText) -> Result<(), DrawingErrorKind<Self::ErrorType>>;

    /// Draws a whole scene.
    ///
    /// # Errors
    /// Whatever the backend reports.
    fn scene(&mut self, scene: &Scene) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.ensure_prepared()?;
        for item in &scene.items {
            match item {
                Item::Stroke(parts, stroke) => self.strokes(parts, stroke)?,
                Item::Fill(parts, colour, opacity) => self.fills(parts, *colour, *opacity)?,
                Item::Text(text) => self.glyphs(text)?,
            }
        }
        self.present()
    }
}

/// The SVG backend.
pub struct Page<'a> {
    document: SVGBackend<'a>,
    font: &'a Font,
    elements: Vec<String>,
    glyphs: BTreeSet<u16>,
}

/// What [`Page::into_content`] gives: elements in order, and the glyphs they use.
pub struct Content {
    elements: Vec<String>,
    glyphs: BTreeSet<u16>,
}

impl<'a> Page<'a> {
    /// A page of `width` × `height` pt whose document goes to `buffer`.
    #[must_use]
    pub fn new(buffer: &'a mut String, font: &'a Font, width: f64, height: f64) -> Self {
        let size = (units(width).max(0) as u32, units(height).max(0) as u32);
        Self {
            document: SVGBackend::with_string(buffer, size),
            font,
            elements: Vec::new(),
            glyphs: BTreeSet::new(),
        }
    }

    /// Ends drawing and lets go of the buffer.
    #[must_use]
    pub fn into_content(self) -> Content {
        Content { elements: self.elements, glyphs: self.glyphs }
    }

    fn element(&mut self, element: String) -> Drawn {
        let black = BackendColor { alpha: 1.0, rgb: (0, 0, 0) };
        self.document.draw_pixel((self.elements.len() as i32, 0), black)?;
        self.elements.push(element);
        Ok(())
    }
}

fn fill_attributes(colour: Rgb, opacity: f64) -> String {
    let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
    if colour == Rgb::BLACK { opacity } else { format!(" fill=\"{}\"{opacity}", colour.hex()) }
}

fn rgb<S: BackendStyle>(style: &S) -> (Rgb, f64) {
    let color = style.color();
    (Rgb(color.rgb.0, color.rgb.1, color.rgb.2), color.alpha)
}

impl Surface for Page<'_> {
    fn strokes(&mut self, parts: &[Part], stroke: &Stroke) -> Drawn {
        let lengths: Vec<String> =
            stroke.dash.lengths(stroke.width).iter().map(|length| units(*length).to_string()).collect();
        let dash = if lengths.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", lengths.join(" "))
        };
        let join = if stroke.data { " stroke-linejoin=\"round\"" } else { "" };
        self.element(format!(
            "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{join}{dash} d=\"{}\"/>",
            stroke.colour.hex(),
            units(stroke.width),
            path_data(parts)
        ))
    }

    fn fills(&mut self, parts: &[Part], colour: Rgb, opacity: f64) -> Drawn {
        self.element(format!("<path{} d=\"{}\"/>", fill_attributes(colour, opacity), path_data(parts)))
    }

    fn glyphs(&mut self, placed: &PlacedText) -> Drawn {
        let turn = if placed.upwards { " rotate(-90)" } else { "" };
        let fill = fill_attributes(placed.colour(), 1.0);
        let (x, y) = (units(placed.x), units(placed.y));
        let mut group = format!("<g{fill} transform=\"translate({x} {y}){turn}\">");
        for run in placed.text.glyphs.chunk_by(|a, b| (a.size - b.size).abs() < 1e-9) {
            let Some(first) = run.first() else { continue };
            let unit = first.size * UNITS / self.font.units();
            let _ = write!(group, "<g transform=\"scale({})\">", (unit * 1e4).round() / 1e4);
            for glyph in run {
                if self.font.ink(glyph.id).is_none() {
                    continue;
                }
                self.glyphs.insert(glyph.id);
                let _ = write!(group, "<use href=\"#g{}\"", glyph.id);
                for (name, pt) in [("x", glyph.x), ("y", glyph.y)] {
                    let offset = (pt * UNITS / unit).round() + 0.0;
                    if offset != 0.0 {
                        let _ = write!(group, " {name}=\"{offset}\"");
                    }
                }
                group.push_str("/>");
            }
            group.push_str("</g>");
        }
        for &(left, top, width, height) in &placed.text.bars {
            let (left, top, width, height) = (units(left), units(top), units(width), units(height));
            let _ = write!(group, "<path d=\"M{left} {top}h{width}v{height}h{}z\"/>", -width);
        }
        group.push_str("</g>");
        self.element(group)
    }
}

impl DrawingBackend for Page<'_> {
    type ErrorType = std::io::Error;

    fn get_size(&self) -> (u32, u32) {
        self.document.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn {
        self.document.ensure_prepared()
    }

    fn present(&mut self) -> Drawn {
        self.document.present()
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = vec![a, (b.0, a.1), b, (a.0, b.1)];
        if fill { self.fill_polygon(corners, style) } else { self.outline(Part::Closed(corners), style) }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let mut places: Vec<BackendCoord> = path.into_iter().collect();
        let closed = places.len() > 2 && places.first() == places.last();
        if closed {
            places.pop();
        }
        self.outline(if closed { Part::Closed(places) } else { Part::Open(places) }, style)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let part = Part::Circle(centre, radius as i32);
        let (colour, opacity) = rgb(style);
        if fill { self.fills(&[part], colour, opacity) } else { self.outline(part, style) }
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let (colour, opacity) = rgb(style);
        self.fills(&[Part::Closed(path.into_iter().collect())], colour, opacity)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let text = Text::new(self.font, text, style.size() / UNITS)
            .map_err(|error| DrawingErrorKind::FontError(Box::new(error)))?;
        let (x, y) = (f64::from(x) / UNITS, f64::from(y) / UNITS);
        self.glyphs(&PlacedText { text, x, y, upwards: false, ground: None })
    }
}

impl Page<'_> {
    fn outline<S: BackendStyle>(&mut self, part: Part, style: &S) -> Drawn {
        let width = f64::from(style.stroke_width()) / UNITS;
        self.strokes(&[part], &Stroke { colour: rgb(style).0, width, dash: Dash::Solid, data: false })
    }
}

/// What a reader who cannot see the figure is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// File-wide unique prefix of identifiers.
    pub name: String,
    /// Short title.
    pub title: String,
    /// Description.
    pub description: String,
}

/// Draws a scene as an SVG document.
///
/// # Errors
/// [`PlotError::Backend`] if plotters fails.
pub fn svg(scene: &Scene, font: &Font, words: &Words) -> Result<String, PlotError> {
    let mut document = String::new();
    let content = {
        let mut page = Page::new(&mut document, font, scene.width, scene.height);
        page.scene(scene).map_err(|error| PlotError::Backend { problem: error.to_string() })?;
        page.into_content()
    };
    Ok(finish(&document, &content, font, words, (scene.width, scene.height)))
}

/// Puts the elements into the document that plotters wrote, under a header with the physical size.
#[must_use]
pub fn finish(
    document: &str,
    content: &Content,
    font: &Font,
    words: &Words,
    (width, height): (f64, f64),
) -> String {
    let (wide, high) = (units(width), units(height));
    let pt = |value: i32| f64::from(value) / UNITS;
    let name = escape(&words.name);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\n<title id=\"{name}-title\">{}</title>\n\
         <desc id=\"{name}-desc\">{}</desc>\n",
        pt(wide),
        pt(high),
        escape(&words.title),
        escape(&words.description)
    );
    if !content.glyphs.is_empty() {
        out.push_str("<defs>\n");
        for &glyph in &content.glyphs {
            let _ = writeln!(out, "<path id=\"g{glyph}\" d=\"{}\"/>", font.outline(glyph));
        }
        out.push_str("</defs>\n");
    }
    let mut elements = content.elements.iter();
    for line in document.lines().skip(1) {
        match elements.next() {
            Some(element) => out.push_str(element),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
