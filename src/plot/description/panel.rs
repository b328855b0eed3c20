//! One pair of axes: what is drawn in them, and what they cannot do without.

use plotters::element::{Drawable, PointCollection};

use crate::plot::description::axis::{Axis, Scale};
use crate::plot::description::bar::Bar;
use crate::plot::description::element::{Element, Sketch};
use crate::plot::description::error::PlotError;
use crate::plot::description::look::same_look;
use crate::plot::description::series::{Series, Shape};
use crate::plot::description::style::Style;

/// Which end of a note is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Left,
    /// Its middle.
    Centre,
    /// Its right end.
    Right,
}

/// Free text inside the axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) anchor: Anchor,
}

/// One pair of axes with what is drawn in them.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) title: Option<String>,
    pub(crate) series: Vec<Series>,
    pub(crate) notes: Vec<Note>,
    pub(crate) legend_at: Option<(f64, f64)>,
    pub(crate) elements: Vec<Element>,
}

impl Panel {
    /// Empty axes.
    pub fn new(x: Axis, y: Axis) -> Self {
        let (title, series, notes, elements) = (None, Vec::new(), Vec::new(), Vec::new());
        Self { x, y, title, series, notes, legend_at: None, elements }
    }

    /// This panel with a heading, as in "$λ = 100$".
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// This panel with one more series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// A curve through points, as [`Series::line`].
    pub fn line(self, label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        self.series(Series::line(label, style, points))
    }

    /// A curve with marks at its points, as [`Series::marked_line`].
    pub fn marked_line(self, label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        self.series(Series::marked_line(label, style, points))
    }

    /// Marks at points, as [`Series::points`].
    pub fn points(self, label: impl Into<String>, style: Style, points: Vec<(f64, f64)>) -> Self {
        self.series(Series::points(label, style, points))
    }

    /// A filled band, as [`Series::band`].
    pub fn band(self, meaning: impl Into<String>, style: Style, ends: Vec<(f64, f64, f64)>) -> Self {
        self.series(Series::band(meaning, style, ends))
    }

    /// Points with bars, as [`Series::error_bars`].
    pub fn error_bars(
        self,
        label: impl Into<String>,
        style: Style,
        points: Vec<(f64, f64, f64, f64)>,
    ) -> Self {
        self.series(Series::error_bars(label, style, points))
    }

    /// This panel with any element of plotters on top of its series, as [`Element::new`]. Its points are values of the axes
    /// and count for their range; its pixels are hundredths of a pt, its text is markup. `words` say what it shows.
    ///
    /// ```
    /// use spectral_alignment::plot::shapes::*;
    /// use spectral_alignment::plot::{Axis, Caption, Figure, Panel, Width, lint, svg};
    ///
    /// let arrow = [(0.5, 0.9), (0.7, 0.4), (0.68, 0.5), (0.7, 0.4), (0.64, 0.46)];
    /// let losses = Quartiles::new(&[0.30, 0.32, 0.35, 0.41, 0.60]);
    /// let here = EmptyElement::at((0.2, 0.8)) + Text::new("$\\hat R$ falls", (200, -300), ("serif", 800).into_font());
    /// let panel = Panel::new(Axis::linear("time $t$").range(0.0, 1.0), Axis::linear("loss").range(0.0, 1.0))
    ///     .element("an arrow to the final losses", PathElement::new(arrow, BLACK.stroke_width(80)))
    ///     .element("a box of the final losses", Boxplot::new_vertical(0.8, &losses).width(900))
    ///     .element("words where it falls", here);
    /// let caption = Caption::new("Losses", "Quartiles of the final loss", "Replicates: 5", "They agree");
    /// let figure = Figure::new("losses", caption, Width::Single, 1).panel(panel);
    /// assert!(lint(&figure).is_empty());
    /// assert!(svg(&figure)?.contains("an arrow to the final losses"));
    /// # Ok::<(), spectral_alignment::plot::PlotError>(())
    /// ```
    pub fn element<E, X, Y>(mut self, words: impl Into<String>, element: E) -> Self
    where
        E: Drawable<Sketch> + 'static,
        for<'a> &'a E: PointCollection<'a, (X, Y)>,
        X: Into<f64> + Clone,
        Y: Into<f64> + Clone,
    {
        self.elements.push(Element::new(words, element));
        self
    }

    /// This panel with text whose `anchor` is at (`x`, `y`) as shares of the axes, from the lower left corner.
    pub fn note(mut self, x: f64, y: f64, text: impl Into<String>, anchor: Anchor) -> Self {
        self.notes.push(Note { text: text.into(), x, y, anchor });
        self
    }

    /// This panel with its legend inside the axes, upper left corner at (`x`, `y`) as shares of the axes.
    pub fn legend_inside(self, x: f64, y: f64) -> Self {
        Self { legend_at: Some((x, y)), ..self }
    }

    /// This panel with what lies at zero of its horizontal axis at the place that the axis has for it.
    pub(crate) fn placed(mut self) -> Self {
        if let Some(origin) = self.x.origin {
            for series in &mut self.series {
                series.move_across(|x| if x == 0.0 { origin.place } else { x });
            }
        }
        self
    }

    /// The range of one axis: as asked for, else that of the data.
    pub(crate) fn scale(&self, horizontal: bool) -> Result<Scale, PlotError> {
        let axis = if horizontal { &self.x } else { &self.y };
        let bad = |problem: String| PlotError::Range { label: axis.label.clone(), problem };
        if let Some((low, high)) = axis.range {
            return Scale { log: axis.log, low, high }.sound(&axis.label);
        }
        let elements = self.elements.iter().flat_map(|element| element.points.iter().copied());
        let points = self.series.iter().flat_map(Series::extent).chain(elements);
        let values = points.map(|(x, y)| if horizontal { x } else { y });
        let (low, high) = values
            .filter(|value| value.is_finite() && (!axis.log || *value > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Err(bad("nothing to draw".to_owned()));
        }
        let marks = |series: &Series| {
            matches!(
                series.shape,
                Shape::Points(_) | Shape::ErrorBars(_) | Shape::Stems(_) | Shape::Line { marks: true, .. }
            )
        };
        let has_map = self.series.iter().any(|series| matches!(series.shape, Shape::HeatMap(_)));
        let margin = match () {
            () if low < high && (has_map || (horizontal && !self.series.iter().any(marks))) => 0.0,
            () => 0.04,
        };
        Scale::around(low, high, axis.log, margin).sound(&axis.label)
    }

    /// Its colour bar, if colour carries a number.
    pub(crate) fn bar(&self) -> Result<Option<Bar>, PlotError> {
        let mut bars = self.series.iter().filter_map(Bar::of);
        let first = bars.next();
        if bars.any(|bar| Some(&bar) != first.as_ref()) {
            return Err(PlotError::TwoColourBars(self.y.label.clone()));
        }
        Ok(first)
    }

    /// Whether everything a reader needs is there, and the sizes fit.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        for axis in [&self.x, &self.y] {
            if axis.label.trim().is_empty() {
                return Err(PlotError::Unlabelled("an axis"));
            }
        }
        for series in &self.series {
            let what = match series.shape {
                Shape::Band(_) => "a band (its meaning)",
                Shape::ErrorBars(_) => "error bars (their meaning)",
                Shape::HeatMap(_) | Shape::Ranked(_) => "a colour bar",
                _ => continue,
            };
            if series.label.trim().is_empty() {
                return Err(PlotError::Unlabelled(what));
            }
        }
        for element in &self.elements {
            if element.words.trim().is_empty() {
                return Err(PlotError::Unlabelled("an element of plotters"));
            }
            if let Some((x, y)) = element.points.iter().find(|(x, y)| !(x.is_finite() && y.is_finite())) {
                let problem = format!("({x}, {y}) is no place for {}", element.words);
                return Err(PlotError::Range { label: self.y.label.clone(), problem });
            }
        }
        let keyed: Vec<&Series> = self.series.iter().filter(|series| !series.has_bar()).collect();
        let several =
            keyed.iter().any(|series| !same_look(series, keyed[0])) || keyed.len() < self.series.len();
        for series in &keyed {
            let explained =
                keyed.iter().any(|other| same_look(series, other) && !other.label.trim().is_empty());
            if several && !explained {
                return Err(PlotError::MissingLegend(self.y.label.clone()));
            }
        }
        match self.series.iter().flat_map(Series::sizes).find(|(_, wanted, got)| wanted != got) {
            Some((what, wanted, got)) => Err(PlotError::Sizes { what, wanted, got }),
            None => Ok(()),
        }
    }
}
