//! Composition: margins from the real extents of the text, then everything at its place.

use crate::plot::PlotError;
use crate::plot::axis::{Axis, Scale};
use crate::plot::colourbar::SetBar;
use crate::plot::figure::Figure;
use crate::plot::font::Font;
use crate::plot::frame::draw_axes;
use crate::plot::legend::Legend;
use crate::plot::marks;
use crate::plot::markup::bold;
use crate::plot::panel::{Anchor, Panel};
use crate::plot::path::Share;
use crate::plot::scene::Scene;
use crate::plot::series::{Series, Shape};
use crate::plot::text::{LABEL, LETTER, SMALL, SMALLEST, Text};
use crate::plot::ticks::ticks;

/// Lengths in pt: edge of the page, space between columns and rows, ticks, ticks to numbers, numbers to label.
const EDGE: f64 = 1.5;
const COLUMN_GAP: f64 = 8.0;
const ROW_GAP: f64 = 9.0;
pub(crate) const TICK: f64 = 3.0;
pub(crate) const TICK_GAP: f64 = 2.0;
pub(crate) const LABEL_GAP: f64 = 4.0;
/// Distance of baselines in a label of several lines.
pub(crate) const LEADING: f64 = 10.5;
/// Most of the width of a cell that its text fills, so that texts of neighbours stay apart.
const TEXT_SHARE: f64 = 0.5;
/// Narrowest axes.
const NARROWEST: f64 = 40.0;

/// Where the axes of a panel are on the page, in pt, and how values map to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Left end.
    pub left: f64,
    /// Upper end.
    pub top: f64,
    /// Length of the horizontal axis.
    pub width: f64,
    /// Length of the vertical axis.
    pub height: f64,
    /// Horizontal scale.
    pub x: Scale,
    /// Vertical scale.
    pub y: Scale,
}

impl Frame {
    /// The place of a value on the page in pt, `y` downwards; NaN where the axes have no such value.
    #[must_use]
    pub fn place(&self, point: (f64, f64)) -> (f64, f64) {
        self.at(self.share(point))
    }

    pub(crate) fn share(&self, (x, y): (f64, f64)) -> Share {
        (self.x.share(x), self.y.share(y))
    }

    pub(crate) fn at(&self, (x, y): Share) -> (f64, f64) {
        (self.left + x * self.width, self.top + (1.0 - y) * self.height)
    }

    pub(crate) fn share_of_place(&self, (x, y): (f64, f64)) -> Share {
        ((x - self.left) / self.width, 1.0 - (y - self.top) / self.height)
    }
}

/// One axis with its text laid out.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) scale: Scale,
    /// Share of the axis, and the number if it is shown.
    pub(crate) major: Vec<(f64, Option<Text>)>,
    pub(crate) minor: Vec<f64>,
    /// Lines of the label; none where a shared axis is labelled elsewhere.
    pub(crate) label: Vec<Text>,
}

impl Side {
    fn new(
        font: &Font,
        axis: &Axis,
        scale: Scale,
        length: f64,
        (horizontal, shown): (bool, bool),
    ) -> Result<Self, PlotError> {
        let mut most = 6;
        let (found, major) = loop {
            let found = ticks(axis, &scale, most, length);
            let major = found
                .major
                .iter()
                .map(|(value, label)| Ok((scale.share(*value), Text::new(font, label, SMALL)?)))
                .collect::<Result<Vec<_>, PlotError>>()?;
            let room = |pair: &[(f64, Text)]| {
                let wanted = if horizontal {
                    f64::midpoint(pair[0].1.width, pair[1].1.width) + 4.0
                } else {
                    1.3 * SMALL
                };
                (pair[1].0 - pair[0].0).abs() * length >= wanted
            };
            if most <= 2 || major.windows(2).all(room) {
                break (found, major);
            }
            most -= 1;
        };
        let source = match found.factor {
            Some(exponent) => format!("{} [$10^{{{exponent}}}$]", axis.label),
            None => axis.label.clone(),
        };
        let label = if shown {
            source.lines().map(|line| Text::new(font, line, LABEL)).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        let minor = found.minor.iter().map(|value| scale.share(*value)).collect();
        let major = major.into_iter().map(|(share, text)| (share, shown.then_some(text))).collect();
        Ok(Self { scale, major, minor, label })
    }

    fn numbers(&self) -> impl Iterator<Item = &Text> {
        self.major.iter().filter_map(|(_, text)| text.as_ref())
    }

    /// Largest of some measure of the numbers.
    pub(crate) fn largest(&self, measure: impl Fn(&Text) -> f64) -> f64 {
        self.numbers().map(measure).fold(0.0, f64::max)
    }

    /// Thickness of the label with the space before it.
    pub(crate) fn label_depth(&self) -> f64 {
        let (Some(first), Some(last)) = (self.label.first(), self.label.last()) else { return 0.0 };
        let lines = f64::from(u32::try_from(self.label.len() - 1).unwrap_or(0));
        LABEL_GAP + first.ascent() + lines * LEADING + last.descent()
    }

    /// How far numbers and label reach beyond the two ends of an axis of this length.
    fn overhang(&self, length: f64) -> (f64, f64) {
        let label = self.label.iter().map(|line| (line.width - length) / 2.0).fold(0.0, f64::max);
        self.major.iter().fold((label, label), |(left, right), (share, text)| {
            let half = text.as_ref().map_or(0.0, |text| text.width / 2.0);
            (left.max(half - share * length), right.max(half - (1.0 - share) * length))
        })
    }
}

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
    Ok(union(&own).map_or(own.clone(), |range| vec![range; own.len()]))
}

fn cells<'f>(
    figure: &'f Figure,
    font: &Font,
    (width, height): (f64, f64),
) -> Result<Vec<Cell<'f>>, PlotError> {
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

/// Lays out a figure.
pub(crate) fn compose(figure: &Figure, font: &Font) -> Result<(Scene, Vec<Frame>), PlotError> {
    let page = figure.width.pt();
    let columns = figure.columns.min(figure.panels.len());
    let count = f64::from(u32::try_from(columns).unwrap_or(1));
    let mut width = page / count - 45.0;
    let proportion = match columns {
        1 => 0.62,
        2 => 0.72,
        _ => 0.95,
    };
    let mut height = figure.height.unwrap_or(proportion * width);
    let mut set = cells(figure, font, (width, height))?;
    let widest = |set: &[Cell], column: usize, measure: fn(&Cell) -> f64| {
        set.iter().skip(column).step_by(columns).map(measure).fold(0.0, f64::max)
    };
    for _ in 0..3 {
        let margins: f64 = (0..columns)
            .map(|column| widest(&set, column, |c| c.left) + widest(&set, column, |c| c.right))
            .sum();
        width = (page - 2.0 * EDGE - COLUMN_GAP * (count - 1.0) - margins) / count;
        if width < NARROWEST {
            return Err(PlotError::NoRoom { name: figure.name.clone(), width });
        }
        height = figure.height.unwrap_or((proportion * width).max(80.0));
        set = cells(figure, font, (width, height))?;
    }
    let lefts: Vec<f64> = (0..columns).map(|column| widest(&set, column, |c| c.left)).collect();
    let rights: Vec<f64> = (0..columns).map(|column| widest(&set, column, |c| c.right)).collect();

    let mut scene = Scene { width: page, height: 0.0, items: Vec::new() };
    let mut top = EDGE;
    let shared = figure.panels.iter().filter(|panel| panel.legend_at.is_none());
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
