//! The typed description of a figure: what a stage says, and what it cannot leave out.

use std::fmt::Write as _;

use crate::plot::axis::Scale;
use crate::plot::caption::Caption;
use crate::plot::compose::compose;
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::frame::Frame;
use crate::plot::lint::lint;
use crate::plot::markup::parse;
use crate::plot::page::{Words, svg};
use crate::plot::panel::Panel;
use crate::plot::pdf::pdf;
use crate::plot::scene::Scene;
use crate::plot::sheet::{Sheet, Width};
use crate::plot::words::words;

/// Largest SVG in bytes.
pub const LARGEST: usize = 400_000;

/// A figure: panels in rows, with everything a reader needs to understand it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    sheet: Sheet,
}

impl Figure {
    /// A figure without panels yet. `name` is its file name and the prefix of its identifiers.
    #[must_use]
    pub fn new(name: impl Into<String>, caption: Caption, width: Width, columns: usize) -> Self {
        let sheet = Sheet {
            name: name.into(),
            caption,
            width,
            columns: columns.max(1),
            panels: Vec::new(),
            height: None,
            shared_x: false,
            shared_y: false,
        };
        Self { sheet }
    }

    /// This figure with one more panel; panels fill rows from the left.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.sheet.panels.push(panel);
        self
    }

    /// This figure with axes of every panel `pt` high.
    #[must_use]
    pub fn axes_height(self, pt: f64) -> Self {
        Self { sheet: Sheet { height: Some(pt), ..self.sheet } }
    }

    /// This figure with one horizontal range for all panels, labelled in the lowest row only.
    #[must_use]
    pub fn shared_x(self) -> Self {
        Self { sheet: Sheet { shared_x: true, ..self.sheet } }
    }

    /// This figure with one vertical range for all panels, labelled in the first column only.
    #[must_use]
    pub fn shared_y(self) -> Self {
        Self { sheet: Sheet { shared_y: true, ..self.sheet } }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.sheet.name
    }

    /// Its caption.
    #[must_use]
    pub fn caption(&self) -> &Caption {
        &self.sheet.caption
    }

    /// The page with everything in place, and where the axes of each panel are.
    ///
    /// # Errors
    /// Any [`PlotError`] but that of the backend.
    pub fn layout(&self) -> Result<(Scene, Vec<Frame>), PlotError> {
        self.sheet.check()?;
        compose(&self.sheet, &Font::bundled()?)
    }

    /// The figure as an SVG document.
    ///
    /// # Errors
    /// Any [`PlotError`].
    pub fn render(&self) -> Result<String, PlotError> {
        let (scene, frames) = self.layout()?;
        let document = svg(&scene, &Font::bundled()?, &self.words(&frames))?;
        if document.len() > LARGEST {
            return Err(PlotError::TooLarge { bytes: document.len(), most: LARGEST });
        }
        Ok(document)
    }

    /// The figure as a PDF document of one page: the same lines, areas and glyphs at the same places.
    ///
    /// # Errors
    /// Any [`PlotError`].
    pub fn pdf(&self) -> Result<Vec<u8>, PlotError> {
        let (scene, frames) = self.layout()?;
        pdf(&scene, &Font::bundled()?, &self.words(&frames))
    }

    /// What a strict reviewer would mark: empty for a good figure. An error of the layout is a finding too.
    #[must_use]
    pub fn lint(&self) -> Vec<String> {
        match self.layout() {
            Ok((scene, frames)) => lint(&scene, &frames, &self.sheet),
            Err(error) => vec![error.to_string()],
        }
    }

    /// Name, title and description for readers who cannot see it, given where the axes are.
    #[must_use]
    pub fn words(&self, frames: &[Frame]) -> Words {
        let title = self.sheet.caption.title().to_owned();
        Words { name: self.sheet.name.clone(), title, description: self.description(frames) }
    }

    /// The caption without its title, followed by what the axes and the legend say.
    fn description(&self, frames: &[Frame]) -> String {
        let mut words = self.sheet.caption.body();
        for ((panel, frame), letter) in self.sheet.panels.iter().zip(frames).zip('a'..='z') {
            let range = |scale: &Scale| format!("{} to {}", brief(scale.low), brief(scale.high));
            let title = panel.title.as_ref().map_or(String::new(), |title| format!(" ({})", plain(title)));
            let name = if self.sheet.panels.len() > 1 {
                format!(" Panel {letter}{title}")
            } else {
                format!(" Axes{title}")
            };
            let mut labels: Vec<String> = Vec::new();
            for label in panel.series.iter().map(|series| plain(&series.label)) {
                if !label.is_empty() && !labels.contains(&label) {
                    labels.push(label);
                }
            }
            let shown =
                if labels.is_empty() { String::new() } else { format!("; shown: {}", labels.join("; ")) };
            let _ = write!(
                words,
                "{name}: horizontal axis {}, {}; vertical axis {}, {}{shown}.",
                plain(&panel.x.label),
                range(&frame.x),
                plain(&panel.y.label),
                range(&frame.y)
            );
        }
        words
    }
}

/// A number with three digits.
fn brief(value: f64) -> String {
    if value == 0.0 || (0.01..1e5).contains(&value.abs()) {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.2e}")
    }
}

/// Markup as words; as it is written where it cannot be understood.
fn plain(text: &str) -> String {
    parse(text).map_or_else(|_| text.to_owned(), |nodes| words(&nodes)).replace('\n', " ")
}
