//! Legends: one entry per label, with a sample of every look it stands for.

use crate::plot::colour::Colour;
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::marks::{SIDE, band_fill, marker_item};
use crate::plot::scene::{Item, Part, Scene, Stroke, place};
use crate::plot::series::{Series, Shape};
use crate::plot::style::{Dash, Marker, Style};
use crate::plot::text::{SMALL, Text};

/// Height of a row, space between entries, between samples, and between samples and text, in pt.
pub(crate) const ROW: f64 = 11.5;
const BETWEEN: f64 = 13.0;
const SAMPLES: f64 = 2.5;
const PAD: f64 = 4.0;

/// What a sample shows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Line,
    MarkedLine,
    Marker,
    Band,
    Steps,
    ErrorBar,
    Stem,
    Upright,
}

/// The look of a series, as the legend shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    kind: Kind,
    style: Style,
}

impl Sample {
    /// The sample of a series; none where a colour bar explains it.
    fn of(series: &Series) -> Option<Self> {
        let plain = series.style.marker(Marker::None);
        let (kind, style) = match series.shape {
            Shape::Line { marks: false, .. } | Shape::Rule { horizontal: true, .. } => (Kind::Line, plain),
            Shape::Rule { horizontal: false, .. } => (Kind::Upright, plain),
            Shape::Line { marks: true, .. } => (Kind::MarkedLine, series.style),
            Shape::Points(_) => (Kind::Marker, series.style),
            Shape::Band(_) => (Kind::Band, plain.width(1.0).size(1.0)),
            Shape::Histogram { .. } => (Kind::Steps, plain),
            Shape::ErrorBars(_) => (Kind::ErrorBar, series.style),
            Shape::Stems(_) => (Kind::Stem, plain),
            Shape::HeatMap(_) | Shape::Ranked(_) => return None,
        };
        Some(Self { kind, style })
    }

    /// Place in the legend: what was measured, what theory says, references, bands.
    fn order(&self) -> u8 {
        match (self.kind, self.style) {
            (Kind::Band, _) => 3,
            (_, style) if style.colour == Colour::Grey => 2,
            (_, style) => u8::from(style.dark),
        }
    }

    fn width(&self) -> f64 {
        match self.kind {
            Kind::Line => 17.5,
            Kind::MarkedLine => 18.0,
            Kind::Marker => self.style.size.max(3.0) + 1.0,
            Kind::Band | Kind::Steps => 10.0,
            Kind::ErrorBar => 6.0,
            Kind::Stem => 7.0,
            Kind::Upright => 4.0,
        }
    }

    /// Draws it from `x` rightwards, centred at `y`.
    fn draw(&self, x: f64, y: f64, scene: &mut Scene) {
        let style = &self.style;
        let (right, middle) = (x + self.width(), x + self.width() / 2.0);
        let stroke = Stroke { colour: style.rgb(), width: style.width, dash: style.dash, data: false };
        let open = |points: &[(f64, f64)]| Part::Open(points.iter().map(|point| place(*point)).collect());
        let patch = |top: f64| {
            Part::Closed([(x, y - top), (right, y - top), (right, y + 3.0), (x, y + 3.0)].map(place).to_vec())
        };
        let mark = |scene: &mut Scene| {
            let item = marker_item(&[(middle, y)], style);
            scene.items.extend(item.map(|item| match item {
                Item::Stroke(parts, stroke) => Item::Stroke(parts, Stroke { data: false, ..stroke }),
                other => other,
            }));
        };
        match self.kind {
            Kind::Line => scene.stroke(vec![open(&[(x, y), (right, y)])], stroke),
            Kind::Upright => scene.stroke(vec![open(&[(middle, y + 4.0), (middle, y - 4.5)])], stroke),
            Kind::MarkedLine => {
                scene.stroke(vec![open(&[(x, y), (right, y)])], stroke);
                mark(scene);
            }
            Kind::Marker => mark(scene),
            Kind::Band => {
                let (colour, opacity) = band_fill(style);
                scene.fill(vec![patch(3.0)], colour, opacity);
                let sides =
                    vec![open(&[(x, y - 3.0), (right, y - 3.0)]), open(&[(x, y + 3.0), (right, y + 3.0)])];
                scene.stroke(sides, Stroke { width: SIDE, ..stroke });
            }
            Kind::Steps => {
                let (colour, opacity) = band_fill(style);
                scene.fill(vec![patch(3.0)], colour, opacity);
                let outline = [(x, y + 3.0), (x, y - 3.0), (right, y - 3.0), (right, y + 3.0)];
                scene.stroke(vec![open(&outline)], stroke);
            }
            Kind::ErrorBar => {
                let bars = vec![
                    open(&[(middle, y - 4.0), (middle, y + 4.0)]),
                    open(&[(middle - 1.5, y - 4.0), (middle + 1.5, y - 4.0)]),
                    open(&[(middle - 1.5, y + 4.0), (middle + 1.5, y + 4.0)]),
                ];
                scene.stroke(bars, Stroke { width: 0.8, dash: Dash::Solid, ..stroke });
                mark(scene);
            }
            Kind::Stem => {
                let stems = [(0.0, 2.0), (0.5, 5.0), (1.0, 3.5)];
                let parts = stems.map(|(share, height)| {
                    let at = x + 1.0 + share * (self.width() - 2.0);
                    open(&[(at, y + 3.0), (at, y + 3.0 - height)])
                });
                scene.stroke(parts.to_vec(), stroke);
            }
        }
    }
}

/// Whether two series look the same, so that one entry explains both.
pub(crate) fn same_look(a: &Series, b: &Series) -> bool {
    Sample::of(a) == Sample::of(b)
}

/// Whether two series could be told apart without colour, by mark, dash or width.
pub(crate) fn apart_without_colour(a: &Series, b: &Series) -> bool {
    let plain = |series: &Series| {
        let sample = Sample::of(series)?;
        let style = Style { colour: Colour::Black, dark: false, size: 1.0, ..sample.style };
        Some(Sample { style, ..sample })
    };
    plain(a) != plain(b)
}

/// One entry: its samples and its text.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    samples: Vec<Sample>,
    text: Text,
}

impl Entry {
    fn width(&self) -> f64 {
        self.samples_width() + PAD + self.text.width
    }

    fn samples_width(&self) -> f64 {
        self.samples.iter().map(|sample| sample.width() + SAMPLES).sum::<f64>() - SAMPLES
    }

    /// Draws it from `x`, with its text after samples of width `column`, in the row that starts at `top`.
    fn draw(self, x: f64, column: f64, top: f64, scene: &mut Scene) {
        let baseline = top + 0.72 * ROW;
        let mut at = x;
        for sample in &self.samples {
            sample.draw(at, baseline - 2.3, scene);
            at += sample.width() + SAMPLES;
        }
        scene.write(self.text, x + column + PAD, baseline);
    }
}

/// A legend with its text laid out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Legend {
    entries: Vec<Entry>,
}

impl Legend {
    /// The legend of some series: each label once, in order of kind, then of appearance; series without a label, or explained by a
    /// colour bar, have no entry.
    pub(crate) fn of<'s>(font: &Font, series: impl Iterator<Item = &'s Series>) -> Result<Self, PlotError> {
        let mut entries: Vec<Entry> = Vec::new();
        for one in series {
            let Some(sample) = Sample::of(one) else { continue };
            if one.label.trim().is_empty() {
                continue;
            }
            match entries.iter_mut().find(|entry| entry.text.source == one.label) {
                Some(entry) if entry.samples.contains(&sample) => {}
                Some(entry) => entry.samples.push(sample),
                None => {
                    entries.push(Entry { samples: vec![sample], text: Text::new(font, &one.label, SMALL)? });
                }
            }
        }
        entries.sort_by_key(|entry| entry.samples.first().map(Sample::order));
        Ok(Self { entries })
    }

    /// The entries in rows no wider than `width`.
    fn rows(self, width: f64) -> Vec<Vec<Entry>> {
        let mut rows: Vec<Vec<Entry>> = Vec::new();
        let mut used = 0.0;
        for entry in self.entries {
            let needed = entry.width();
            match rows.last_mut() {
                Some(row) if used + BETWEEN + needed <= width => {
                    used += BETWEEN + needed;
                    row.push(entry);
                }
                _ => {
                    used = needed;
                    rows.push(vec![entry]);
                }
            }
        }
        rows
    }

    /// Height in pt when wrapped to `width`.
    pub(crate) fn height(&self, width: f64) -> f64 {
        self.clone().rows(width).iter().map(|_| ROW).sum()
    }

    /// Draws it in rows from an upper left corner.
    pub(crate) fn draw_rows(self, (left, top): (f64, f64), width: f64, scene: &mut Scene) {
        let mut y = top;
        for row in self.rows(width) {
            let mut x = left;
            for entry in row {
                let (column, step) = (entry.samples_width(), entry.width() + BETWEEN);
                entry.draw(x, column, y, scene);
                x += step;
            }
            y += ROW;
        }
    }

    /// Draws it as a column from an upper left corner.
    pub(crate) fn draw_column(self, (left, top): (f64, f64), scene: &mut Scene) {
        let column = self.entries.iter().map(Entry::samples_width).fold(0.0, f64::max);
        let mut y = top;
        for entry in self.entries {
            entry.draw(left, column, y, scene);
            y += ROW;
        }
    }
}
