//! The PDF page: the same scene as the SVG, through krilla's paths and glyphs. Text stays text, in the bundled font.

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

use crate::plot::colour::Rgb;
use crate::plot::error::PlotError;
use crate::plot::font::{FONT_BYTES, Font};
use crate::plot::page::Words;
use crate::plot::scene::{Item, Part, Place, PlacedText, Scene, Stroke, UNITS};
use crate::plot::text::Glyph;
use crate::plot::words::plain_letter;

/// Distance of the control points of a quarter of a circle, in radii.
const QUARTER: f32 = 0.552_284_8;

/// Draws a scene as a PDF document of one page, with title and description, and without a date.
///
/// # Errors
/// [`PlotError::Pdf`] if krilla fails.
pub fn pdf(scene: &Scene, font: &Font, words: &Words) -> Result<Vec<u8>, PlotError> {
    let failed = |problem: &str| PlotError::Pdf { problem: problem.to_owned() };
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
    let face = Face::new(FONT_BYTES.into(), 0).ok_or_else(|| failed("cannot read the bundled font"))?;
    let size = PageSettings::from_wh(scene.width as f32, scene.height as f32)
        .ok_or_else(|| failed("the page has no size"))?;
    let mut page = document.start_page_with(size);
    let mut surface = page.surface();
    for item in &scene.items {
        match item {
            Item::Stroke(parts, stroke) => {
                surface.set_fill(None);
                surface.set_stroke(Some(pen(stroke)));
                draw(&mut surface, parts);
            }
            Item::Fill(parts, colour, opacity) => {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(*colour, *opacity)));
                draw(&mut surface, parts);
            }
            Item::Text(text) => write(&mut surface, text, font, &face),
        }
    }
    surface.finish();
    page.finish();
    document.finish().map_err(|error| failed(&format!("{error:?}")))
}

fn colour(Rgb(red, green, blue): Rgb) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(fill: Rgb, opacity: f64) -> Fill {
    let opacity = NormalizedF32::new(opacity as f32).unwrap_or(NormalizedF32::ONE);
    Fill { paint: colour(fill).into(), opacity, ..Fill::default() }
}

/// The stroke with the joins and the miter limit of the SVG.
fn pen(stroke: &Stroke) -> Pen {
    let lengths: Vec<f32> = stroke.dash.lengths(stroke.width).iter().map(|length| *length as f32).collect();
    Pen {
        paint: colour(stroke.colour).into(),
        width: stroke.width as f32,
        miter_limit: 4.0,
        line_join: if stroke.data { LineJoin::Round } else { LineJoin::Miter },
        dash: (!lengths.is_empty()).then_some(StrokeDash { array: lengths, offset: 0.0 }),
        ..Pen::default()
    }
}

fn draw(surface: &mut Surface, parts: &[Part]) {
    if let Some(path) = path(parts) {
        surface.draw_path(&path);
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
    let (x, y) = (placed.x as f32, placed.y as f32);
    surface.push_transform(&if placed.upwards {
        Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y)
    } else {
        Transform::from_translate(x, y)
    });
    surface.set_stroke(None);
    surface.set_fill(Some(fill(placed.colour(), 1.0)));
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
