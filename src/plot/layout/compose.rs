//! Composition: margins from the real extents of the text, then a place for everything.

use crate::plot::description::axis::Scale;
use crate::plot::description::error::PlotError;
use crate::plot::description::figure::Figure;
use crate::plot::description::ink::Lettering;
use crate::plot::description::panel::Panel;
use crate::plot::description::surface::{UNITS, units};
use crate::plot::layout::bar::SetBar;
use crate::plot::layout::cells::written;
use crate::plot::layout::font::Font;
use crate::plot::layout::frame::Frame;
use crate::plot::layout::legend::Legend;
use crate::plot::layout::markup::bold;
use crate::plot::layout::side::{Side, TICK, TICK_GAP};
use crate::plot::layout::text::{LABEL, LETTER, Text};

/// Lengths in pt: edge of the page, space between columns and rows.
const EDGE: f64 = 1.5;
const COLUMN_GAP: f64 = 8.0;
const ROW_GAP: f64 = 9.0;
/// Narrowest axes.
const NARROWEST: f64 = 40.0;

/// A panel with its text laid out, and the margins it needs.
pub(crate) struct Cell<'f> {
    pub(crate) panel: &'f Panel,
    pub(crate) x: Side,
    pub(crate) y: Side,
    pub(crate) title: Option<Text>,
    pub(crate) letter: Option<Text>,
    pub(crate) bar: Option<SetBar>,
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

fn scales(figure: &Figure, horizontal: bool) -> Result<Vec<Scale>, PlotError> {
    let own = figure.panels.iter().map(|panel| panel.scale(horizontal)).collect::<Result<Vec<_>, _>>()?;
    let shared = if horizontal { figure.shared_x } else { figure.shared_y };
    let axis = |panel: &Panel| if horizontal { panel.x.clone() } else { panel.y.clone() };
    if !shared {
        return Ok(own);
    }
    let first = axis(&figure.panels[0]);
    if let Some(other) =
        figure.panels.iter().map(axis).find(|other| other.label != first.label || other.log != first.log)
    {
        return Err(PlotError::NotShared { first: first.label, other: other.label });
    }
    let range = union(&own).map(|range| range.sound(&first.label)).transpose()?;
    Ok(range.map_or(own.clone(), |range| vec![range; own.len()]))
}

fn set<'f>(figure: &'f Figure, font: &Font, (width, height): (f64, f64)) -> Result<Vec<Cell<'f>>, PlotError> {
    let (xs, ys) = (scales(figure, true)?, scales(figure, false)?);
    let count = figure.panels.len();
    let mut cells = Vec::with_capacity(count);
    for (index, panel) in figure.panels.iter().enumerate() {
        let lowest = index + figure.columns >= count;
        let first = index % figure.columns == 0;
        let x = Side::new(font, &panel.x, xs[index], width, (true, lowest || !figure.shared_x))?;
        let y = Side::new(font, &panel.y, ys[index], height, (false, first || !figure.shared_y))?;
        let bar = panel.bar()?;
        // A bar is drawn once for neighbours in a row that share it.
        let next = figure.panels.get(index + 1).filter(|_| (index + 1) % figure.columns != 0);
        let repeated = match next {
            Some(next) => bar.is_some() && next.bar()? == bar,
            None => false,
        };
        let bar = bar.filter(|_| !repeated).map(|bar| SetBar::new(bar, font, height)).transpose()?;
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

/// A figure with a place for everything.
pub struct Layout<'f> {
    /// The figure.
    pub figure: &'f Figure,
    /// Width and height of the page in pt.
    pub size: (f64, f64),
    /// The axes of each panel, in whole hundredths of a pt.
    pub frames: Vec<Frame>,
    /// Where the columns begin, and the rows.
    pub(crate) grid: (Vec<f64>, Vec<f64>),
    pub(crate) cells: Vec<Cell<'f>>,
    /// The shared legend, and those inside axes.
    pub(crate) legends: Vec<Legend>,
    /// The words in the cells of each panel.
    pub(crate) written: Vec<Vec<Lettering>>,
}

/// A length in pt in whole hundredths, so that axes begin and end at pixels of plotters.
fn whole(pt: f64) -> f64 {
    f64::from(units(pt)) / UNITS
}

impl<'f> Layout<'f> {
    /// Lays out a figure.
    ///
    /// # Errors
    /// Any [`PlotError`] but those of backends.
    pub fn of(figure: &'f Figure, font: &Font) -> Result<Self, PlotError> {
        figure.check()?;
        let page = figure.page();
        let columns = figure.columns.min(figure.panels.len());
        let count = f64::from(u32::try_from(columns).unwrap_or(1));
        let proportion = match columns {
            1 => 0.62,
            2 => 0.72,
            _ => 0.95,
        };
        let sized = |width: f64| {
            (width, whole(figure.stretch * figure.height.unwrap_or((proportion * width).max(80.0))))
        };
        let mut axes = sized(page / count - 45.0);
        let mut cells = set(figure, font, axes)?;
        let widest = |cells: &[Cell], measure: fn(&Cell) -> f64| -> Vec<f64> {
            let column = |column| cells.iter().skip(column).step_by(columns);
            (0..columns).map(|at| whole(column(at).map(measure).fold(0.0, f64::max))).collect()
        };
        let margins = |cells: &[Cell]| (widest(cells, |cell| cell.left), widest(cells, |cell| cell.right));
        for _ in 0..3 {
            let (lefts, rights) = margins(&cells);
            let taken: f64 = lefts.iter().chain(&rights).sum();
            let width = whole((page - 2.0 * EDGE - COLUMN_GAP * (count - 1.0) - taken) / count);
            if width < NARROWEST {
                return Err(PlotError::NoRoom { name: figure.name.clone(), width });
            }
            let last = axes;
            axes = sized(width);
            if axes == last {
                break;
            }
            cells = set(figure, font, axes)?;
        }
        let (width, height) = axes;
        let (lefts, rights) = margins(&cells);
        let starts: Vec<f64> = (0..columns)
            .scan(EDGE, |left, at| {
                let start = *left;
                *left += lefts[at] + width + rights[at] + COLUMN_GAP;
                Some(start)
            })
            .collect();
        let shared = figure.panels.iter().filter(|panel| panel.legend_at.is_none());
        let corner = (EDGE + lefts[0], EDGE);
        let room = Some(page - EDGE - corner.0);
        let legend = Legend::new(font, shared.flat_map(|panel| &panel.series), corner, room)?;
        let mut top = EDGE + if legend.height > 0.0 { legend.height + 4.0 } else { 0.0 };
        let (mut rows, mut frames, mut legends, mut words) =
            (Vec::new(), Vec::new(), vec![legend], Vec::new());
        for row in cells.chunks(columns) {
            rows.push(top);
            top += whole(row.iter().map(Cell::above).fold(0.0, f64::max));
            for ((cell, start), left) in row.iter().zip(&starts).zip(&lefts) {
                let (x, y) = (cell.x.scale, cell.y.scale);
                let frame = Frame { left: start + left, top, width, height, x, y };
                if let Some(corner) = cell.panel.legend_at {
                    legends.push(Legend::new(font, cell.panel.series.iter(), frame.at(corner), None)?);
                }
                let series = cell.panel.series.iter().map(|series| written(series, &frame, font));
                words.push(series.collect::<Result<Vec<_>, _>>()?.concat());
                frames.push(frame);
            }
            top += height + whole(row.iter().map(Cell::below).fold(0.0, f64::max)) + ROW_GAP;
        }
        let size = (page, (top - ROW_GAP + EDGE).ceil());
        Ok(Self { figure, size, frames, grid: (starts, rows), cells, legends, written: words })
    }
}
