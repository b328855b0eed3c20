//! Figures as documents, and as what a lint reads.

use plotters::drawing::DrawingAreaErrorKind;
use plotters_backend::DrawingErrorKind;

use crate::plot::backends::pdf;
use crate::plot::backends::svg::Svg;
use crate::plot::description::canvas::Canvas;
use crate::plot::description::error::PlotError;
use crate::plot::description::figure::Figure;
use crate::plot::description::ink::{Item, Items};
use crate::plot::description::surface::width;
use crate::plot::layout::alt::Words;
use crate::plot::layout::compose::Layout;
use crate::plot::layout::font::Font;
use crate::plot::layout::frame::Frame;
use crate::plot::render::draw::draw;

/// Largest SVG in bytes.
pub const LARGEST: usize = 400_000;

fn failed(error: DrawingAreaErrorKind<PlotError>) -> PlotError {
    match error {
        DrawingAreaErrorKind::BackendError(DrawingErrorKind::DrawingError(error)) => error,
        other => PlotError::Backend(other.to_string()),
    }
}

/// The figure as an SVG document.
///
/// # Errors
/// Any [`PlotError`].
pub fn svg(figure: &Figure) -> Result<String, PlotError> {
    let font = Font::of(figure)?;
    let layout = Layout::of(figure, &font)?;
    let canvas = draw(&layout, Svg::canvas(&font, layout.size)).map_err(failed)?;
    let document = canvas.finish().document(&Words::of(figure, &layout.frames), figure.style.scale());
    if document.len() > LARGEST {
        return Err(PlotError::TooLarge { bytes: document.len(), most: LARGEST });
    }
    Ok(document)
}

/// The figure as a PDF document of one page: the same lines, areas and glyphs at the same places.
///
/// # Errors
/// Any [`PlotError`].
pub fn pdf(figure: &Figure) -> Result<Vec<u8>, PlotError> {
    let font = Font::of(figure)?;
    let layout = Layout::of(figure, &font)?;
    let words = Words::of(figure, &layout.frames);
    pdf::document(&font, (layout.size, figure.style.scale()), &words, |canvas| {
        draw(&layout, canvas).map_err(failed)
    })
}

/// The page before any file format and before it is scaled to the size of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width in pt.
    pub width: f64,
    /// Height in pt.
    pub height: f64,
    /// Everything on it in the order of drawing.
    pub items: Vec<Item>,
}

/// What is drawn, and where the axes of each panel are.
///
/// # Errors
/// Any [`PlotError`] of the layout.
pub fn scene(figure: &Figure) -> Result<(Scene, Vec<Frame>), PlotError> {
    let font = Font::of(figure)?;
    let layout = Layout::of(figure, &font)?;
    let (wide, high) = layout.size;
    let canvas = Canvas::new(Items::default(), (width(wide), width(high)));
    let Items(items) = draw(&layout, canvas).map_err(failed)?.finish();
    Ok((Scene { width: wide, height: high, items }, layout.frames))
}
