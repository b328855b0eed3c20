//! The words in the cells of a heat map.

use crate::plot::description::bar::cell_colour;
use crate::plot::description::error::PlotError;
use crate::plot::description::ink::Lettering;
use crate::plot::description::series::{Series, Shape};
use crate::plot::description::surface::place;
use crate::plot::layout::font::Font;
use crate::plot::layout::frame::Frame;
use crate::plot::layout::text::{SMALL, SMALLEST, Text};

/// Most of the width of a cell that its text fills, so that texts of neighbours stay apart.
const TEXT_SHARE: f64 = 0.5;

/// The texts of a heat map's cells, with their ink in the middle of each.
pub(crate) fn written(series: &Series, frame: &Frame, font: &Font) -> Result<Vec<Lettering>, PlotError> {
    let Shape::HeatMap(map) = &series.shape else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for ((texts, row), y) in series.cells.iter().zip(&map.values).zip(map.y_edges.windows(2)) {
        for ((source, value), x) in texts.iter().zip(row).zip(map.x_edges.windows(2)) {
            if source.is_empty() {
                continue;
            }
            let (from, to) = (frame.place((x[0], y[0])), frame.place((x[1], y[1])));
            let ink = Text::new(font, source, SMALL)?.ink;
            let room = TEXT_SHARE * (to.0 - from.0).abs();
            let size = (SMALL * (room / (ink.right - ink.left)).min(1.0)).max(SMALLEST);
            let ink = Text::new(font, source, size)?.ink;
            let left = f64::midpoint(from.0, to.0) - f64::midpoint(ink.left, ink.right);
            let baseline = f64::midpoint(from.1, to.1) - f64::midpoint(ink.top, ink.bottom);
            found.push(Lettering {
                source: source.clone(),
                size,
                colour: cell_colour(map, *value).against(),
                place: place((left, baseline)),
                halves: 0,
                turn: (1, 0),
                in_cell: true,
            });
        }
    }
    Ok(found)
}
