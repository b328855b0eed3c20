//! What is drawn inside the axes: one type, one constructor per kind, each with the words the legend needs.

use std::iter;

use crate::plot::description::colour::{Colour, ColourMap};
use crate::plot::description::style::Style;

/// A grid of cells whose colour is a number.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Edges of the columns, one more than there are columns.
    pub x_edges: Vec<f64>,
    /// Edges of the rows from the lowest, one more than there are rows.
    pub y_edges: Vec<f64>,
    /// Values by row, then column; NaN leaves a cell empty.
    pub values: Vec<Vec<f64>>,
    /// The colours.
    pub map: ColourMap,
    /// Values at the two ends of the colour bar.
    pub range: (f64, f64),
    /// Number of colours, for counts and their means; as many as can be told apart without.
    pub steps: Option<u32>,
}

/// The geometry of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Line { points: Vec<(f64, f64)>, marks: bool },
    Points(Vec<(f64, f64)>),
    Band(Vec<(f64, f64, f64)>),
    Histogram { edges: Vec<f64>, heights: Vec<f64> },
    Rule { value: f64, horizontal: bool },
    ErrorBars(Vec<(f64, f64, f64, f64)>),
    Stems(Vec<(f64, f64)>),
    HeatMap(HeatMap),
    Ranked(Vec<Vec<(f64, f64)>>),
}

/// One series of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub(crate) label: String,
    pub(crate) style: Style,
    pub(crate) shape: Shape,
    pub(crate) cells: Vec<Vec<String>>,
}

impl Series {
    fn new(label: impl Into<String>, style: Style, shape: Shape) -> Self {
        Self { label: label.into(), style, shape, cells: Vec::new() }
    }

    /// A curve through points; a NaN breaks it, so one series can hold many curves of one look.
    #[must_use]
    pub fn line(label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self::new(label, style, Shape::Line { points, marks: false })
    }

    /// A curve with the style's marker at its points, save where it would touch the one before.
    #[must_use]
    pub fn marked_line(label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self::new(label, style, Shape::Line { points, marks: true })
    }

    /// Steps: each value holds until the next point, for counts.
    #[must_use]
    pub fn steps(label: impl Into<String>, style: Style, points: &[(f64, f64)]) -> Self {
        let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
        Self::line(label, style, corners.chain(points.last().copied()).collect())
    }

    /// The style's marker at every point.
    #[must_use]
    pub fn points(label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self::new(label, style, Shape::Points(points))
    }

    /// A filled band between `lo` and `hi` in `(x, lo, hi)`. `meaning` says what it is, as in
    /// "mean ± 1.96 s.e., n = 20", and must not be empty.
    #[must_use]
    pub fn band(meaning: impl Into<String>, style: Style, ends: Vec<(f64, f64, f64)>) -> Self {
        Self::new(meaning, style, Shape::Band(ends))
    }

    /// Filled steps: `heights[i]` between `edges[i]` and `edges[i + 1]`, drawn as given.
    #[must_use]
    pub fn histogram(label: impl Into<String>, style: Style, edges: Vec<f64>, heights: Vec<f64>) -> Self {
        Self::new(label, style, Shape::Histogram { edges, heights })
    }

    /// A horizontal line across the axes.
    #[must_use]
    pub fn rule_horizontal(label: impl Into<String>, style: Style, value: f64) -> Self {
        Self::new(label, style, Shape::Rule { value, horizontal: true })
    }

    /// A vertical line across the axes.
    #[must_use]
    pub fn rule_vertical(label: impl Into<String>, style: Style, value: f64) -> Self {
        Self::new(label, style, Shape::Rule { value, horizontal: false })
    }

    /// Points with bars from `lo` to `hi` in `(x, y, lo, hi)`. The label says what the bars are, as in
    /// "measured, mean ± 1.96 s.e., n = 20", and must not be empty.
    #[must_use]
    pub fn error_bars(label: impl Into<String>, style: Style, points: Vec<(f64, f64, f64, f64)>) -> Self {
        Self::new(label, style, Shape::ErrorBars(points))
    }

    /// Thin lines from zero to each point: the entries of a vector over their index.
    #[must_use]
    pub fn stems(label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self::new(label, style, Shape::Stems(points))
    }

    /// Cells whose colour is a number, with the label of its colour bar, which must not be empty.
    #[must_use]
    pub fn heatmap(bar_label: impl Into<String>, map: HeatMap) -> Self {
        Self::new(bar_label, Style::reference(), Shape::HeatMap(map))
    }

    /// This heat map with words in the middle of its cells, by row, then column; an empty text leaves a cell as it is.
    #[must_use]
    pub fn written(self, cells: Vec<Vec<String>>) -> Self {
        Self { cells, ..self }
    }

    /// A family of curves of rank 1, 2, … coloured by rank, with the label of its colour bar, which must not be empty.
    #[must_use]
    pub fn ranked(bar_label: impl Into<String>, style: Style, curves: Vec<Vec<(f64, f64)>>) -> Self {
        Self::new(bar_label, style, Shape::Ranked(curves))
    }

    /// Moves curves, bands and marks across.
    pub(crate) fn move_across(&mut self, to: impl Fn(f64) -> f64) {
        match &mut self.shape {
            Shape::Line { points, .. } | Shape::Points(points) | Shape::Stems(points) => {
                for point in points.iter_mut() {
                    point.0 = to(point.0);
                }
            }
            Shape::Band(ends) => ends.iter_mut().for_each(|end| end.0 = to(end.0)),
            Shape::ErrorBars(points) => points.iter_mut().for_each(|point| point.0 = to(point.0)),
            Shape::Ranked(curves) => curves.iter_mut().flatten().for_each(|point| point.0 = to(point.0)),
            Shape::Histogram { .. } | Shape::Rule { .. } | Shape::HeatMap(_) => {}
        }
    }

    /// What is counted, how many there must be, and how many there are.
    pub(crate) fn sizes(&self) -> Vec<(&'static str, usize, usize)> {
        match &self.shape {
            Shape::Histogram { edges, heights } => vec![("histogram edges", heights.len() + 1, edges.len())],
            Shape::HeatMap(map) => {
                let rows = [("heat map row edges", map.values.len() + 1, map.y_edges.len())];
                let columns = map.values.iter().map(|row| row.len() + 1);
                let columns = columns.map(|edges| ("heat map column edges", edges, map.x_edges.len()));
                let no_texts = Vec::new();
                let texts = self.cells.iter().chain(iter::repeat(&no_texts)).zip(&map.values);
                let texts = texts.map(|(texts, row)| ("texts of cells", row.len(), texts.len()));
                let written = !self.cells.is_empty();
                rows.into_iter().chain(columns).chain(texts.filter(|_| written)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether colour carries a number in it.
    pub(crate) fn has_bar(&self) -> bool {
        matches!(self.shape, Shape::HeatMap(_) | Shape::Ranked(_))
    }

    /// The points at which it draws a marker.
    pub(crate) fn marked(&self) -> Vec<(f64, f64)> {
        match &self.shape {
            Shape::Line { points, marks: true } | Shape::Points(points) => points.clone(),
            Shape::ErrorBars(points) => points.iter().map(|point| (point.0, point.1)).collect(),
            _ => Vec::new(),
        }
    }

    /// The ends of its error bars.
    pub(crate) fn bar_ends(&self) -> Vec<(f64, f64)> {
        match &self.shape {
            Shape::ErrorBars(points) => {
                points.iter().flat_map(|&(x, _, lo, hi)| [(x, lo), (x, hi)]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it is a filled area.
    pub(crate) fn is_area(&self) -> bool {
        matches!(self.shape, Shape::Band(_) | Shape::Histogram { .. } | Shape::HeatMap(_))
    }

    /// When it is drawn: areas (0) below the axes, then reference lines, curves, and marks on top.
    pub(crate) fn layer(&self) -> u8 {
        match self.shape {
            _ if self.is_area() => 0,
            Shape::Points(_) | Shape::ErrorBars(_) => 3,
            _ if self.style.colour == Colour::Grey => 1,
            _ => 2,
        }
    }

    /// Everything drawn, as points for the range of the axes; rules count in their own direction only.
    pub(crate) fn extent(&self) -> Vec<(f64, f64)> {
        match &self.shape {
            Shape::Line { points, .. } | Shape::Points(points) => points.clone(),
            Shape::Stems(points) => {
                points.iter().copied().chain(points.first().map(|first| (first.0, 0.0))).collect()
            }
            Shape::Band(ends) => ends.iter().flat_map(|&(x, lo, hi)| [(x, lo), (x, hi)]).collect(),
            Shape::Histogram { edges, heights } => {
                let tops = edges.iter().zip(heights.iter().chain(heights.last())).map(|(x, y)| (*x, *y));
                tops.chain(edges.first().map(|x| (*x, 0.0))).collect()
            }
            Shape::Rule { value, horizontal: true } => vec![(f64::NAN, *value)],
            Shape::Rule { value, horizontal: false } => vec![(*value, f64::NAN)],
            Shape::ErrorBars(points) => {
                points.iter().flat_map(|&(x, y, lo, hi)| [(x, lo), (x, y), (x, hi)]).collect()
            }
            Shape::HeatMap(map) => {
                let ys = map.y_edges.iter().map(|y| (f64::NAN, *y));
                map.x_edges.iter().map(|x| (*x, f64::NAN)).chain(ys).collect()
            }
            Shape::Ranked(curves) => curves.iter().flatten().copied().collect(),
        }
    }
}
