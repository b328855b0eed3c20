//! PDF, through krilla's paths and glyphs. Text stays text, in the bundled font.

#![allow(
    clippy::cast_possible_truncation,
    reason = "krilla takes f32; a page is a few hundred pt, so they are good to 10^-4 pt"
)]

use krilla::color::rgb;
use krilla::configure::{Configuration, PdfVersion};
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, LineJoin, Stroke as Pen, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{Font as Face, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use crate::plot::description::canvas::Canvas;
use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::ink::{Format, Lettering, Part, Stroke};
use crate::plot::description::surface::{Place, UNITS, width};
use crate::plot::layout::alt::Words;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::{Glyph, PlacedText};
use crate::plot::layout::words::plain_letter;

/// Distance of the control points of a quarter of a circle, in radii.
const QUARTER: f32 = 0.552_284_8;

/// The page of a document.
pub struct Pdf<'d> {
    surface: Surface<'d>,
    font: &'d Font,
    face: Face,
}

/// Draws a document of one page of `pt` wide and high, `scale` times as large as that, with title and description, and without a
/// date.
///
/// # Errors
/// [`PlotError::Pdf`] if krilla fails, and what `draw` reports.
pub fn document(
    font: &Font,
    (pt, scale): ((f64, f64), f64),
    words: &Words,
    draw: impl for<'d> FnOnce(Canvas<Pdf<'d>>) -> Result<Canvas<Pdf<'d>>, PlotError>,
) -> Result<Vec<u8>, PlotError> {
    let failed = |problem: &str| PlotError::Pdf(problem.to_owned());
    // Version 1.5: what LaTeX includes without a warning.
    let settings = SerializeSettings {
        configuration: Configuration::new_with_version(PdfVersion::Pdf15),
        xmp_metadata: false,
        enable_tagging: false,
        ..SerializeSettings::default()
    };
    let mut document = Document::new_with(settings);
    document.set_metadata(
        Metadata::new()
            .title(words.title.clone())
            .description(words.description.clone())
            .language("en".to_owned())
            .creator("spectral-alignment".to_owned()),
    );
    let face = Face::new(font.bytes.into(), 0).ok_or_else(|| failed("cannot read the font"))?;
    let size = PageSettings::from_wh((pt.0 * scale) as f32, (pt.1 * scale) as f32)
        .ok_or_else(|| failed("the page has no size"))?;
    let mut page = document.start_page_with(size);
    let mut surface = page.surface();
    let scaled = (scale - 1.0).abs() > 0.0;
    if scaled {
        surface.push_transform(&Transform::from_scale(scale as f32, scale as f32));
    }
    let pdf = Pdf { surface, font, face };
    let mut surface = draw(Canvas::new(pdf, (width(pt.0), width(pt.1))))?.finish().surface;
    if scaled {
        surface.pop();
    }
    surface.finish();
    page.finish();
    document.finish().map_err(|error| failed(&format!("{error:?}")))
}

impl Format for Pdf<'_> {
    fn stroke(&mut self, parts: &[Part], stroke: &Stroke) {
        self.draw(parts, None, Some(pen(stroke)));
    }

    fn fill(&mut self, parts: &[Part], colour: Rgb, opacity: f64) {
        self.draw(parts, Some(fill(colour, opacity)), None);
    }

    fn write(&mut self, text: Lettering) -> Result<(), PlotError> {
        write(&mut self.surface, &PlacedText::new(self.font, &text)?, self.font, &self.face);
        Ok(())
    }
}

impl Pdf<'_> {
    fn draw(&mut self, parts: &[Part], fill: Option<Fill>, pen: Option<Pen>) {
        self.surface.set_fill(fill);
        self.surface.set_stroke(pen);
        if let Some(path) = path(parts) {
            self.surface.draw_path(&path);
        }
    }
}

fn colour(Rgb(red, green, blue): Rgb) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn opacity(opacity: f64) -> NormalizedF32 {
    NormalizedF32::new(opacity as f32).unwrap_or(NormalizedF32::ONE)
}

fn fill(fill: Rgb, alpha: f64) -> Fill {
    Fill { paint: colour(fill).into(), opacity: opacity(alpha), ..Fill::default() }
}

/// The stroke with the joins and the miter limit of the SVG.
fn pen(stroke: &Stroke) -> Pen {
    let lengths: Vec<f32> = stroke.dash.lengths(stroke.width).iter().map(|length| *length as f32).collect();
    Pen {
        paint: colour(stroke.colour).into(),
        width: stroke.width as f32,
        opacity: opacity(stroke.opacity),
        miter_limit: 4.0,
        line_join: if stroke.data { LineJoin::Round } else { LineJoin::Miter },
        dash: (!lengths.is_empty()).then_some(StrokeDash { array: lengths, offset: 0.0 }),
        ..Pen::default()
    }
}

fn path(parts: &[Part]) -> Option<Path> {
    let pt = |units: i32| (f64::from(units) / UNITS) as f32;
    let mut builder = PathBuilder::new();
    let trace = |builder: &mut PathBuilder, places: &[Place]| {
        let mut places = places.iter();
        if let Some((x, y)) = places.next() {
            builder.move_to(pt(*x), pt(*y));
        }
        for (x, y) in places {
            builder.line_to(pt(*x), pt(*y));
        }
    };
    for part in parts {
        match part {
            Part::Open(places) => trace(&mut builder, places),
            Part::Closed(places) => {
                trace(&mut builder, places);
                builder.close();
            }
            Part::Circle((x, y), radius) => circle(&mut builder, (pt(*x), pt(*y)), pt(*radius)),
        }
    }
    builder.finish()
}

fn circle(builder: &mut PathBuilder, (x, y): (f32, f32), radius: f32) {
    let reach = QUARTER * radius;
    builder.move_to(x - radius, y);
    // Each quarter starts in the direction (a, b) from the centre and turns towards (-b, a).
    for (a, b) in [(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)] {
        let (c, d) = (-b, a);
        builder.cubic_to(
            x + a * radius + c * reach,
            y + b * radius + d * reach,
            x + c * radius + a * reach,
            y + d * radius + b * reach,
            x + c * radius,
            y + d * radius,
        );
    }
    builder.close();
}

fn write(surface: &mut Surface, placed: &PlacedText, font: &Font, face: &Face) {
    let (x, y, cos, sin) = (placed.x as f32, placed.y as f32, placed.turn.0 as f32, placed.turn.1 as f32);
    surface.push_transform(&Transform::from_row(cos, sin, -sin, cos, x, y));
    surface.set_stroke(None);
    surface.set_fill(Some(fill(placed.colour, 1.0)));
    let level = |a: &Glyph, b: &Glyph| (a.size - b.size).abs() < 1e-9 && (a.y - b.y).abs() < 1e-9;
    for run in placed.text.glyphs.chunk_by(level) {
        let Some(first) = run.first() else { continue };
        let mut text = String::new();
        let mut glyphs = Vec::with_capacity(run.len());
        for (index, glyph) in run.iter().enumerate() {
            let start = text.len();
            text.push(plain_letter(glyph.character));
            let advance = match run.get(index + 1) {
                Some(next) => next.x - glyph.x,
                None => font.advance(glyph.id) / font.units() * glyph.size,
            };
            let advance = (advance / glyph.size) as f32;
            let id = GlyphId::new(u32::from(glyph.id));
            glyphs.push(KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, start..text.len(), None));
        }
        let start = Point::from_xy(first.x as f32, first.y as f32);
        surface.draw_glyphs(start, &glyphs, face.clone(), &text, first.size as f32, false);
    }
    for &(left, top, width, height) in &placed.text.bars {
        if let Some(bar) = Rect::from_xywh(left as f32, top as f32, width as f32, height as f32) {
            let mut builder = PathBuilder::new();
            builder.push_rect(bar);
            if let Some(path) = builder.finish() {
                surface.draw_path(&path);
            }
        }
    }
    surface.pop();
}
