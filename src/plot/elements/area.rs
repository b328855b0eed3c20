//! The areas of plotters that elements are drawn on, and what more than one kind of element needs.

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::{CoordTranslate, Shift};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, EmptyElement, PathElement, Polygon};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use crate::plot::description::style::{Dash, Marker, Style};
use crate::plot::description::surface::{Look, Place, Surface, place, units, width};
use crate::plot::layout::side::Side;

/// The page, or a part of it.
pub(crate) type Page<B> = DrawingArea<B, Shift>;
/// A panel: its axes are coordinates of plotters.
pub(crate) type Chart<'c, B> = ChartContext<'c, B, Cartesian2d<&'c Side, &'c Side>>;
/// Whether it could be drawn.
pub(crate) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Colour of the area of a band.
pub(crate) fn tint(style: &Style) -> ShapeStyle {
    Color::mix(&style.colour.rgb(), 0.25).filled()
}

/// Draws lines.
pub(crate) fn lines<B: Surface, CT: CoordTranslate>(
    area: &DrawingArea<B, CT>,
    look: Look,
    style: ShapeStyle,
    lines: impl IntoIterator<Item = Vec<CT::From>>,
) -> Drawn<B> {
    area.draw(&look)?;
    lines.into_iter().try_for_each(|line| area.draw(&PathElement::new(line, style)))
}

/// The corners of marks in radii; those of lines are two.
fn corners(marker: Marker) -> &'static [&'static [(f64, f64)]] {
    match marker {
        Marker::None | Marker::Circle | Marker::Ring => &[],
        Marker::Square | Marker::OpenSquare => {
            &[&[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)]]
        }
        Marker::Triangle | Marker::OpenTriangle => &[&[(0.0, -1.2), (1.1, 0.75), (-1.1, 0.75)]],
        Marker::Diamond | Marker::OpenDiamond => &[&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]],
        Marker::Cross => &[&[(-0.9, -0.9), (0.9, 0.9)], &[(-0.9, 0.9), (0.9, -0.9)]],
        Marker::Plus => &[&[(-1.15, 0.0), (1.15, 0.0)], &[(0.0, -1.15), (0.0, 1.15)]],
    }
}

/// Draws the marks of a style: filled, or lines for crosses and open marks.
pub(crate) fn marks<B: Surface, CT: CoordTranslate>(
    area: &DrawingArea<B, CT>,
    look: Look,
    style: &Style,
    points: impl IntoIterator<Item = CT::From>,
) -> Drawn<B>
where
    CT::From: Clone,
{
    let radius = style.size / 2.0;
    // A disc too small to tell from a square is drawn as one, at half the bytes.
    let marker =
        if style.marker == Marker::Circle && style.size <= 1.2 { Marker::Square } else { style.marker };
    let ink = match marker {
        Marker::Cross
        | Marker::Plus
        | Marker::Ring
        | Marker::OpenSquare
        | Marker::OpenTriangle
        | Marker::OpenDiamond => style.rgb().stroke_width(width(style.width.clamp(0.6, 1.0))),
        _ => style.rgb().filled(),
    };
    area.draw(&Look { dash: Dash::Solid, ..look })?;
    for point in points {
        if corners(marker).is_empty() {
            area.draw(&Circle::new(point.clone(), units(radius), ink))?;
        }
        for outline in corners(marker) {
            let mut offsets: Vec<Place> =
                outline.iter().map(|(dx, dy)| place((dx * radius, dy * radius))).collect();
            if ink.filled {
                area.draw(&(EmptyElement::at(point.clone()) + Polygon::new(offsets, ink)))?;
            } else {
                // Back to the first corner, if there is an outline.
                offsets.extend((outline.len() > 2).then(|| offsets[0]));
                area.draw(&(EmptyElement::at(point.clone()) + PathElement::new(offsets, ink)))?;
            }
        }
    }
    Ok(())
}
