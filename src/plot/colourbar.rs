//! Colour bars: what a colour means when it is a number.

use crate::plot::axis::Scale;
use crate::plot::colour::{ColourMap, Rgb, rank_colour};
use crate::plot::error::PlotError;
use crate::plot::font::Font;
use crate::plot::frame::Frame;
use crate::plot::scene::{Part, Scene, Stroke, place};
use crate::plot::series::{Series, Shape};
use crate::plot::style::{AXIS, Dash};
use crate::plot::text::{LABEL, SMALL, Text};
use crate::plot::ticks::linear_ticks;

/// Space between axes and bar, width of the bar, and space between bar and numbers, in pt.
const GAP: f64 = 6.0;
const WIDTH: f64 = 8.0;
const PAD: f64 = 2.5;
/// Steps of a continuous bar and of a heat map's colours.
const STEPS: u32 = 64;

/// What a bar shows.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Ranks(u32),
    Values(ColourMap, f64, f64),
}

/// A colour bar: what it shows and its label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    label: String,
    kind: Kind,
}

/// A colour bar with its text laid out.
#[derive(Debug)]
pub(crate) struct SetBar {
    bar: Bar,
    label: Text,
    ticks: Vec<(f64, Text)>,
}

/// The colour of `value` in a heat map, in as many steps as the bar has.
pub(crate) fn cell_colour(map: ColourMap, (low, high): (f64, f64), value: f64) -> Rgb {
    let steps = f64::from(STEPS);
    let step = ((value - low) / (high - low) * steps).floor().clamp(0.0, steps - 1.0);
    map.at(step / (steps - 1.0))
}

impl Bar {
    /// The bar that a series needs.
    pub(crate) fn of(series: &Series) -> Option<Self> {
        let kind = match &series.shape {
            Shape::Ranked(curves) => Kind::Ranks(u32::try_from(curves.len()).unwrap_or(u32::MAX)),
            Shape::HeatMap(map) => Kind::Values(map.map, map.range.0, map.range.1),
            _ => return None,
        };
        Some(Self { label: series.label.clone(), kind })
    }

    /// Lays out its text for a bar `height` pt high.
    pub(crate) fn set(&self, font: &Font, height: f64) -> Result<SetBar, PlotError> {
        let numbers: Vec<(f64, String)> = match self.kind {
            Kind::Ranks(count) => rank_labels(count)
                .into_iter()
                .map(|rank| (1.0 - (f64::from(rank) - 0.5) / f64::from(count), rank.to_string()))
                .collect(),
            Kind::Values(_, low, high) => {
                let sound = low.is_finite() && high.is_finite() && low < high;
                if !sound {
                    let problem = format!("{low} to {high} is not a range of colours");
                    return Err(PlotError::Range { label: self.label.clone(), problem });
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
        Ok(SetBar { bar: self.clone(), label: Text::new(font, &self.label, LABEL)?, ticks })
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

impl SetBar {
    fn numbers_width(&self) -> f64 {
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

    fn tick(&self) -> f64 {
        match self.bar.kind {
            Kind::Ranks(_) => 0.0,
            Kind::Values(..) => 2.0,
        }
    }

    /// Draws it beside axes.
    pub(crate) fn draw(self, frame: &Frame, scene: &mut Scene) {
        let left = frame.left + frame.width + GAP;
        let right = left + WIDTH;
        let bottom = frame.top + frame.height;
        let corners = |top: f64| {
            vec![place((left, top)), place((right, top)), place((right, bottom)), place((left, bottom))]
        };
        // Each step reaches down to the end of the bar and the next covers it, so that no seam can show.
        let steps = match self.bar.kind {
            Kind::Ranks(count) => count,
            Kind::Values(..) => STEPS,
        };
        for step in 0..steps {
            let top = frame.top + frame.height * f64::from(step) / f64::from(steps);
            let colour = match self.bar.kind {
                Kind::Ranks(count) => rank_colour(step, count),
                Kind::Values(map, ..) => map.at(1.0 - f64::from(step) / f64::from(STEPS - 1)),
            };
            scene.fill(vec![Part::Closed(corners(top))], colour, 1.0);
        }
        let line = Stroke { colour: Rgb::BLACK, width: AXIS, dash: Dash::Solid, data: false };
        let mut parts = vec![Part::Closed(corners(frame.top))];
        let (tick, numbers) = (self.tick(), self.numbers_width());
        for (share, text) in self.ticks {
            let y = bottom - share * frame.height;
            if tick > 0.0 {
                parts.push(Part::Open(vec![place((right, y)), place((right + tick, y))]));
            }
            let middle = f64::midpoint(text.ascent(), -text.descent());
            scene.write(text, right + tick + PAD, y + middle);
        }
        scene.stroke(parts, line);
        let x = right + tick + PAD + numbers + 4.0 + self.label.ascent();
        let y = bottom - (frame.height - self.label.width) / 2.0;
        scene.write_upwards(self.label, x, y);
    }
}
