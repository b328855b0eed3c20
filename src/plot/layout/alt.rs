//! What a reader who cannot see the figure is told.

use std::fmt::Write as _;

use crate::plot::description::axis::Scale;
use crate::plot::description::figure::Figure;
use crate::plot::layout::frame::Frame;
use crate::plot::layout::markup::parse;
use crate::plot::layout::words::words;

/// What a reader who cannot see the figure is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// File-wide unique prefix of identifiers.
    pub name: String,
    /// Short title.
    pub title: String,
    /// Description.
    pub description: String,
}

impl Words {
    /// The caption, followed by what the axes, the legend and elements of plotters say, given where the axes are.
    #[must_use]
    pub fn of(figure: &Figure, frames: &[Frame]) -> Self {
        let title = figure.caption.title().to_owned();
        Self { name: figure.name.clone(), title, description: description(figure, frames) }
    }
}

/// The caption without its title, followed by what the axes and the legend say.
fn description(figure: &Figure, frames: &[Frame]) -> String {
    let mut words = figure.caption.body();
    for ((panel, frame), letter) in figure.panels.iter().zip(frames).zip('a'..='z') {
        let range = |scale: &Scale| format!("{} to {}", brief(scale.low), brief(scale.high));
        let title = panel.title.as_ref().map_or(String::new(), |title| format!(" ({})", plain(title)));
        let name =
            if figure.panels.len() > 1 { format!(" Panel {letter}{title}") } else { format!(" Axes{title}") };
        let mut labels: Vec<String> = Vec::new();
        let elements = panel.elements.iter().map(|element| plain(&element.words));
        for label in panel.series.iter().map(|series| plain(&series.label)).chain(elements) {
            if !label.is_empty() && !labels.contains(&label) {
                labels.push(label);
            }
        }
        let shown = if labels.is_empty() { String::new() } else { format!("; shown: {}", labels.join("; ")) };
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
