//! PNG images of figures, for slides and for looking at them closely.

use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::plot::description::error::PlotError;

/// Resolution for print, in dots per inch.
pub const PRINT: u16 = 300;
/// Dots per inch of an SVG's own pixels.
const OWN: f32 = 96.0;
/// Inches per metre.
const INCHES: f32 = 1.0 / 0.0254;

/// Renders an SVG document on white at a resolution in dots per inch.
///
/// # Errors
/// [`PlotError::Png`] for a document that is no SVG or has no size.
pub fn pixels(svg: &str, dpi: u16) -> Result<Pixmap, PlotError> {
    let tree = Tree::from_str(svg, &Options::default()).map_err(|error| failed(&error))?;
    let scale = f32::from(dpi) / OWN;
    let size = tree.size();
    let (width, height) = (whole(size.width() * scale), whole(size.height() * scale));
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed(&"no size"))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    Ok(pixels)
}

/// The pixels as a PNG file that records its resolution.
///
/// # Errors
/// As for [`pixels`].
pub fn png(svg: &str, dpi: u16) -> Result<Vec<u8>, PlotError> {
    let pixels = pixels(svg, dpi)?;
    // On white nothing is transparent.
    let opaque: Vec<u8> =
        pixels.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let density = whole(f32::from(dpi) * INCHES);
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: density, yppu: density, unit: Unit::Meter }));
    let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
    writer.write_image_data(&opaque).map_err(|error| failed(&error))?;
    writer.finish().map_err(|error| failed(&error))?;
    Ok(bytes)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 10^7")]
fn whole(number: f32) -> u32 {
    number.round() as u32
}

fn failed(problem: &dyn std::fmt::Display) -> PlotError {
    PlotError::Png(problem.to_string())
}
