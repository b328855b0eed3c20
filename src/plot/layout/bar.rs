//! Colour bars with their text laid out.

use crate::plot::description::axis::Scale;
use crate::plot::description::bar::{Bar, Kind};
use crate::plot::description::error::PlotError;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::{LABEL, SMALL, Text};
use crate::plot::layout::ticks::linear_ticks;

/// Space between axes and bar, width of the bar, and space between bar and numbers, in pt.
pub(crate) const GAP: f64 = 6.0;
pub(crate) const WIDTH: f64 = 8.0;
pub(crate) const PAD: f64 = 2.5;

/// A colour bar with its text laid out.
#[derive(Debug)]
pub(crate) struct SetBar {
    pub(crate) bar: Bar,
    pub(crate) label: Text,
    /// Share of the bar, from below, and number of each tick.
    pub(crate) ticks: Vec<(f64, Text)>,
}

impl SetBar {
    /// Lays out the text of a bar `height` pt high.
    pub(crate) fn new(bar: Bar, font: &Font, height: f64) -> Result<Self, PlotError> {
        let numbers: Vec<(f64, String)> = match bar.kind {
            Kind::Ranks(count) => rank_labels(count)
                .into_iter()
                .map(|rank| (1.0 - (f64::from(rank) - 0.5) / f64::from(count), rank.to_string()))
                .collect(),
            Kind::Values { low, high, .. } => {
                let sound = low.is_finite() && high.is_finite() && low < high;
                if !sound {
                    let problem = format!("{low} to {high} is not a range of colours");
                    return Err(PlotError::Range { label: bar.label.clone(), problem });
                }
                let scale = Scale { log: false, low, high };
                let most = if height < 90.0 { 4 } else { 5 };
                let ticks = linear_ticks(low, high, most, false);
                let factor = ticks.factor;
                let named = |label: String| match factor {
                    Some(exponent) if label != "0" => format!("${label}{{×}}10^{{{exponent}}}$"),
                    _ => label,
                };
                ticks.major.into_iter().map(|(value, label)| (scale.share(value), named(label))).collect()
            }
        };
        let ticks = numbers
            .into_iter()
            .map(|(share, label)| Ok((share, Text::new(font, &label, SMALL)?)))
            .collect::<Result<_, PlotError>>()?;
        Ok(Self { label: Text::new(font, &bar.label, LABEL)?, bar, ticks })
    }

    pub(crate) fn numbers_width(&self) -> f64 {
        self.ticks.iter().map(|(_, text)| text.ink.right).fold(0.0, f64::max)
    }

    /// Everything it needs to the right of the axes, in pt.
    pub(crate) fn width(&self) -> f64 {
        GAP + WIDTH
            + PAD
            + self.tick()
            + self.numbers_width()
            + 4.0
            + self.label.ascent()
            + self.label.descent()
    }

    /// Length of its ticks.
    pub(crate) fn tick(&self) -> f64 {
        match self.bar.kind {
            Kind::Ranks(_) => 0.0,
            Kind::Values { .. } => 2.0,
        }
    }
}

/// The ranks that are labelled: the first, and multiples of a round step.
fn rank_labels(count: u32) -> Vec<u32> {
    let round = [1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
    let fits = |step: &&u32| count / **step <= 4;
    let divides = |step: &&u32| count.is_multiple_of(**step) && count / **step >= 2;
    let step =
        round.iter().filter(fits).find(divides).or_else(|| round.iter().find(fits)).copied().unwrap_or(count);
    let mut labels = vec![1];
    labels.extend(
        (1..).map(|multiple| multiple * step).take_while(|rank| *rank <= count).filter(|rank| *rank > 1),
    );
    labels
}
