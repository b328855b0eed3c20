//! One axis of a panel: its text and how far it reaches, and the coordinate of plotters that it is.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::plot::description::axis::{Axis, Scale};
use crate::plot::description::error::PlotError;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::{LABEL, SMALL, Text};
use crate::plot::layout::ticks::ticks;

/// Lengths in pt: ticks, ticks to numbers, numbers to label.
pub(crate) const TICK: f64 = 3.0;
pub(crate) const TICK_GAP: f64 = 2.0;
pub(crate) const LABEL_GAP: f64 = 4.0;
/// Distance of baselines in a label of several lines.
pub(crate) const LEADING: f64 = 10.5;

/// One axis with its text laid out.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) scale: Scale,
    /// Values of the ticks, and the numbers of the long ones if they are shown.
    pub(crate) major: Vec<(f64, Option<Text>)>,
    pub(crate) minor: Vec<f64>,
    /// Lines of the label; none where a shared axis is labelled elsewhere.
    pub(crate) label: Vec<Text>,
}

impl Side {
    pub(crate) fn new(
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
                .map(|(value, label)| Ok((*value, Text::new(font, label, SMALL)?)))
                .collect::<Result<Vec<_>, PlotError>>()?;
            let room = |pair: &[(f64, Text)]| {
                let wanted = if horizontal {
                    f64::midpoint(pair[0].1.width, pair[1].1.width) + 4.0
                } else {
                    1.3 * SMALL
                };
                (scale.share(pair[1].0) - scale.share(pair[0].0)).abs() * length >= wanted
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
        let major = major.into_iter().map(|(value, text)| (value, shown.then_some(text))).collect();
        Ok(Self { scale, major, minor: found.minor, label })
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
    pub(crate) fn overhang(&self, length: f64) -> (f64, f64) {
        let label = self.label.iter().map(|line| (line.width - length) / 2.0).fold(0.0, f64::max);
        self.major.iter().fold((label, label), |(left, right), (value, text)| {
            let share = self.scale.share(*value);
            let half = text.as_ref().map_or(0.0, |text| text.width / 2.0);
            (left.max(half - share * length), right.max(half - (1.0 - share) * length))
        })
    }
}

#[allow(clippy::cast_possible_truncation, reason = "page units are whole numbers far below 2^31")]
impl Ranged for &Side {
    type ValueType = f64;
    type FormatOption = DefaultFormatting;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        // A chart of plotters ends one unit before its area does.
        let (from, to) = if from < to { (from, to + 1) } else { (from + 1, to) };
        from + (self.scale.share(*value) * f64::from(to - from)).round() as i32
    }

    /// The long ticks are plotters' bold points, the short ones its light points, however many it would like.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            self.minor.clone()
        } else {
            self.major.iter().map(|(value, _)| *value).collect()
        }
    }

    fn range(&self) -> Range<f64> {
        self.scale.low..self.scale.high
    }
}
