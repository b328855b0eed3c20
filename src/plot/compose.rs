//! Composition: margins from the real extents of the text, then everything at its place.

use crate::plot::axis::Scale;
use crate::plot::colourbar::SetBar;
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::frame::Frame;
use crate::plot::legend::Legend;
use crate::plot::marks;
use crate::plot::markup::bold;
use crate::plot::panel::{Anchor, Panel};
use crate::plot::scene::Scene;
use crate::plot::series::{Series, Shape};
use crate::plot::sheet::Sheet;
use crate::plot::side::{Side, TICK, TICK_GAP, draw_axes};
use crate::plot::text::{LABEL, LETTER, SMALL, SMALLEST, Text};

/// Lengths in pt: edge of the page, space between columns and rows.
const EDGE: f64 = 1.5;
const COLUMN_GAP: f64 = 8.0;
const ROW_GAP: f64 = 9.0;
/// Most of the width of a cell that its text fills, so that texts of neighbours stay apart.
const TEXT_SHARE: f64 = 0.5;
/// Narrowest axes.
const NARROWEST: f64 = 40.0;

/// A panel with its text laid out, and the margins it needs.
struct Cell<'f> {
    panel: &'f Panel,
    x: Side,
    y: Side,
    title: Option<Text>,
    letter: Option<Text>,
    bar: Option<SetBar>,
    left: f64,
    right: f64,
}

impl Cell<'_> {
    fn above(&self) -> f64 {
        let heading = |text: &Option<Text>| text.as_ref().map_or(0.0, |text| text.ascent() + 5.0);
        heading(&self.title).max(heading(&self.letter)).max(3.5)
    }

    fn below(&self) -> f64 {
        let numbers = self.x.largest(Text::ascent) + self.x.largest(Text::descent);
        TICK + if numbers > 0.0 { TICK_GAP + numbers } else { 0.0 } + self.x.label_depth()
    }
}

/// The union of ranges of equal kind.
fn union(scales: &[Scale]) -> Option<Scale> {
    scales.iter().copied().reduce(|a, b| Scale { low: a.low.min(b.low), high: a.high.max(b.high), ..a })
}

fn scales(sheet: &Sheet, horizontal: bool) -> Result<Vec<Scale>, PlotError> {
    let own = sheet.panels.iter().map(|panel| panel.scale(horizontal)).collect::<Result<Vec<_>, _>>()?;
    let shared = if horizontal { sheet.shared_x } else { sheet.shared_y };
    let axis = |panel: &Panel| if horizontal { panel.x.clone() } else { panel.y.clone() };
    if !shared {
        return Ok(own);
    }
    let first = axis(&sheet.panels[0]);
    if let Some(other) =
        sheet.panels.iter().map(axis).find(|other| other.label != first.label || other.log != first.log)
    {
        return Err(PlotError::NotShared { first: first.label, other: other.label });
    }
    Ok(union(&own).map_or(own.clone(), |range| vec![range; own.len()]))
}

fn cells<'f>(sheet: &'f Sheet, font: &Font, (width, height): (f64, f64)) -> Result<Vec<Cell<'f>>, PlotError> {
    let (xs, ys) = (scales(sheet, true)?, scales(sheet, false)?);
    let count = sheet.panels.len();
    let mut cells = Vec::with_capacity(count);
    for (index, panel) in sheet.panels.iter().enumerate() {
        let lowest = index + sheet.columns >= count;
        let first = index % sheet.columns == 0;
        let x = Side::new(font, &panel.x, xs[index], width, (true, lowest || !sheet.shared_x))?;
        let y = Side::new(font, &panel.y, ys[index], height, (false, first || !sheet.shared_y))?;
        let bar = panel.bar()?;
        // A bar is drawn once for neighbours in a row that share it.
        let next = sheet.panels.get(index + 1).filter(|_| (index + 1) % sheet.columns != 0);
        let repeated = match next {
            Some(next) => bar.is_some() && next.bar()? == bar,
            None => false,
        };
        let bar = bar.filter(|_| !repeated).map(|bar| bar.set(font, height)).transpose()?;
        let letter = char::from_u32(u32::from('a') + u32::try_from(index).unwrap_or(0)).filter(|_| count > 1);
        let letter = letter.map(|letter| Text::new(font, &bold(letter).to_string(), LETTER)).transpose()?;
        let title = panel.title.as_ref().map(|title| Text::new(font, title, LABEL)).transpose()?;
        let (before, after) = x.overhang(width);
        let numbers = y.largest(|text| text.width);
        let vertical = TICK + if numbers > 0.0 { TICK_GAP + numbers } else { 0.0 } + y.label_depth();
        let right = after.max(bar.as_ref().map_or(0.0, SetBar::width));
        cells.push(Cell { panel, x, y, title, letter, bar, left: vertical.max(before), right });
    }
    Ok(cells)
}

/// Lays out a sheet.
pub(crate) fn compose(sheet: &Sheet, font: &Font) -> Result<(Scene, Vec<Frame>), PlotError> {
    let page = sheet.width.pt();
    let columns = sheet.columns.min(sheet.panels.len());
    let count = f64::from(u32::try_from(columns).unwrap_or(1));
    let mut width = page / count - 45.0;
    let proportion = match columns {
        1 => 0.62,
        2 => 0.72,
        _ => 0.95,
    };
    let mut height = sheet.height.unwrap_or(proportion * width);
    let mut set = cells(sheet, font, (width, height))?;
    let widest = |set: &[Cell], column: usize, measure: fn(&Cell) -> f64| {
        set.iter().skip(column).step_by(columns).map(measure).fold(0.0, f64::max)
    };
    for _ in 0..3 {
        let margins: f64 = (0..columns)
            .map(|column| widest(&set, column, |c| c.left) + widest(&set, column, |c| c.right))
            .sum();
        width = (page - 2.0 * EDGE - COLUMN_GAP * (count - 1.0) - margins) / count;
        if width < NARROWEST {
            return Err(PlotError::NoRoom { name: sheet.name.clone(), width });
        }
        height = sheet.height.unwrap_or((proportion * width).max(80.0));
        set = cells(sheet, font, (width, height))?;
    }
    let lefts: Vec<f64> = (0..columns).map(|column| widest(&set, column, |c| c.left)).collect();
    let rights: Vec<f64> = (0..columns).map(|column| widest(&set, column, |c| c.right)).collect();

    let mut scene = Scene { width: page, height: 0.0, items: Vec::new() };
    let mut top = EDGE;
    let shared = sheet.panels.iter().filter(|panel| panel.legend_at.is_none());
    let legend = Legend::of(font, shared.flat_map(|panel| &panel.series))?;
    let legend_left = EDGE + lefts[0];
    let room = page - EDGE - legend_left;
    let legend_height = legend.height(room);
    if legend_height > 0.0 {
        legend.draw_rows((legend_left, top), room, &mut scene);
        top += legend_height + 4.0;
    }
    let mut frames = Vec::with_capacity(set.len());
    let mut rest = set.into_iter();
    loop {
        let row: Vec<Cell> = rest.by_ref().take(columns).collect();
        if row.is_empty() {
            break;
        }
        let above = row.iter().map(Cell::above).fold(0.0, f64::max);
        let below = row.iter().map(Cell::below).fold(0.0, f64::max);
        let mut left = EDGE;
        for (column, cell) in row.into_iter().enumerate() {
            let (x, y) = (cell.x.scale, cell.y.scale);
            let frame = Frame { left: left + lefts[column], top: top + above, width, height, x, y };
            draw_cell(cell, &frame, left, font, &mut scene)?;
            frames.push(frame);
            left += lefts[column] + width + rights[column] + COLUMN_GAP;
        }
        top += above + height + below + ROW_GAP;
    }
    scene.height = (top - ROW_GAP + EDGE).ceil();
    Ok((scene, frames))
}

/// Writes the texts of a heat map's cells.
fn write_cells(series: &Series, frame: &Frame, font: &Font, scene: &mut Scene) -> Result<(), PlotError> {
    let Shape::HeatMap(map) = &series.shape else { return Ok(()) };
    for ((texts, row), y) in series.cells.iter().zip(&map.values).zip(map.y_edges.windows(2)) {
        for ((text, value), x) in texts.iter().zip(row).zip(map.x_edges.windows(2)) {
            if text.is_empty() {
                continue;
            }
            let middle =
                |from: (f64, f64), to: (f64, f64)| (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
            let place = middle(frame.place((x[0], y[0])), frame.place((x[1], y[1])));
            let room = TEXT_SHARE * (frame.place((x[1], y[0])).0 - frame.place((x[0], y[0])).0).abs();
            let full = Text::new(font, text, SMALL)?;
            let size = SMALL * (room / (full.ink.right - full.ink.left)).min(1.0);
            let text = Text::new(font, text, size.max(SMALLEST))?;
            scene.write_on(marks::ground(map, *value), text, place);
        }
    }
    Ok(())
}

fn draw_cell(cell: Cell, frame: &Frame, left: f64, font: &Font, scene: &mut Scene) -> Result<(), PlotError> {
    let panel = cell.panel;
    let baseline = frame.top - 5.0;
    if let Some(letter) = cell.letter {
        scene.write(letter, left, baseline);
    }
    if let Some(title) = cell.title {
        let x = frame.left + (frame.width - title.width) / 2.0;
        scene.write(title, x, baseline);
    }
    let mut series: Vec<&Series> = panel.series.iter().collect();
    series.sort_by_key(|series| series.layer());
    let (areas, lines) = series.split_at(series.partition_point(|series| series.layer() == 0));
    for series in areas {
        marks::draw(series, frame, scene);
        write_cells(series, frame, font, scene)?;
    }
    draw_axes(cell.x, cell.y, frame, scene);
    let on_cells = areas.iter().any(|series| series.has_bar());
    for series in lines {
        if on_cells {
            marks::draw_rim(series, frame, scene);
        }
        marks::draw(series, frame, scene);
    }
    if let Some(bar) = cell.bar {
        bar.draw(frame, scene);
    }
    if let Some(corner) = panel.legend_at {
        Legend::of(font, panel.series.iter())?.draw_column(frame.at(corner), scene);
    }
    for note in &panel.notes {
        let text = Text::new(font, &note.text, SMALL)?;
        let (x, y) = frame.at((note.x, note.y));
        let shift = match note.anchor {
            Anchor::Left => 0.0,
            Anchor::Centre => text.width / 2.0,
            Anchor::Right => text.width,
        };
        scene.write(text, x - shift, y);
    }
    Ok(())
}
