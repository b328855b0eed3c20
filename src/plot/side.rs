//! The two axes of a panel: their text, and how they are drawn, with left and lower spine, ticks outwards, numbers and
//! labels.

use crate::plot::axis::{Axis, Scale};
use crate::plot::colour::Rgb;
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::frame::Frame;
use crate::plot::scene::{Part, Scene, Stroke, place};
use crate::plot::style::{AXIS, Dash};
use crate::plot::text::{LABEL, SMALL, Text};
use crate::plot::ticks::ticks;

/// Lengths in pt: ticks, ticks to numbers, numbers to label.
pub(crate) const TICK: f64 = 3.0;
pub(crate) const TICK_GAP: f64 = 2.0;
const LABEL_GAP: f64 = 4.0;
/// Distance of baselines in a label of several lines.
const LEADING: f64 = 10.5;
/// Length and width of the short ticks in pt.
const MINOR: f64 = 1.8;
const MINOR_WIDTH: f64 = 0.45;

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
    pub(crate) fn overhang(&self, length: f64) -> (f64, f64) {
        let label = self.label.iter().map(|line| (line.width - length) / 2.0).fold(0.0, f64::max);
        self.major.iter().fold((label, label), |(left, right), (share, text)| {
            let half = text.as_ref().map_or(0.0, |text| text.width / 2.0);
            (left.max(half - share * length), right.max(half - (1.0 - share) * length))
        })
    }
}

/// Draws both axes.
pub(crate) fn draw_axes(x: Side, y: Side, frame: &Frame, scene: &mut Scene) {
    let (left, bottom) = (frame.left, frame.top + frame.height);
    let line = |points: [(f64, f64); 2]| Part::Open(points.map(place).to_vec());
    let down = |share: f64, length: f64| {
        let at = left + share * frame.width;
        line([(at, bottom), (at, bottom + length)])
    };
    let out = |share: f64, length: f64| {
        let at = bottom - share * frame.height;
        line([(left, at), (left - length, at)])
    };
    let corner = [(left, frame.top), (left, bottom), (left + frame.width, bottom)];
    let mut major = vec![Part::Open(corner.map(place).to_vec())];
    major.extend(x.major.iter().map(|(share, _)| down(*share, TICK)));
    major.extend(y.major.iter().map(|(share, _)| out(*share, TICK)));
    let mut minor: Vec<Part> = x.minor.iter().map(|share| down(*share, MINOR)).collect();
    minor.extend(y.minor.iter().map(|share| out(*share, MINOR)));
    let stroke = Stroke { colour: Rgb::BLACK, width: AXIS, dash: Dash::Solid, data: false };
    scene.stroke(major, stroke);
    scene.stroke(minor, Stroke { width: MINOR_WIDTH, ..stroke });

    let ascent = x.largest(Text::ascent);
    let baseline = bottom + TICK + TICK_GAP + ascent;
    let mut under = if ascent > 0.0 { baseline + x.largest(Text::descent) } else { bottom + TICK };
    for (share, text) in x.major {
        let Some(text) = text else { continue };
        let at = left + share * frame.width - text.width / 2.0;
        scene.write(text, at, baseline);
    }
    under += LABEL_GAP + x.label.first().map_or(0.0, Text::ascent);
    for text in x.label {
        let at = left + (frame.width - text.width) / 2.0;
        scene.write(text, at, under);
        under += LEADING;
    }

    let widest = y.largest(|text| text.width);
    let numbers = left - TICK - TICK_GAP;
    // All numbers of an axis sit on their ticks by the height of a digit, with or without exponents.
    for (share, text) in y.major {
        let Some(text) = text else { continue };
        let at = bottom - share * frame.height;
        let digit = 0.33 * text.glyphs.first().map_or(0.0, |glyph| glyph.size);
        let x = numbers - text.width;
        scene.write(text, x, at + digit);
    }
    let depth = y.label.last().map_or(0.0, Text::descent);
    let mut across = if widest > 0.0 { numbers - widest } else { left - TICK } - LABEL_GAP - depth;
    for text in y.label.into_iter().rev() {
        let at = bottom - (frame.height - text.width) / 2.0;
        scene.write_upwards(text, across, at);
        across -= LEADING;
    }
}
