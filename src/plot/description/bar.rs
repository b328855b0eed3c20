//! Colour bars: what a colour means when it is a number.

use crate::plot::description::colour::{ColourMap, Rgb, rank_colour};
use crate::plot::description::series::{HeatMap, Series, Shape};

/// Steps of a bar and of a heat map's colours where nothing is said.
const STEPS: u32 = 64;

/// What a bar shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Ranks(u32),
    Values { map: ColourMap, low: f64, high: f64, steps: u32 },
}

/// A colour bar: what it shows and its label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

impl Bar {
    /// The bar that a series needs.
    pub(crate) fn of(series: &Series) -> Option<Self> {
        let kind = match &series.shape {
            Shape::Ranked(curves) => Kind::Ranks(u32::try_from(curves.len()).unwrap_or(u32::MAX)),
            Shape::HeatMap(HeatMap { map, range: (low, high), steps, .. }) => {
                Kind::Values { map: *map, low: *low, high: *high, steps: steps.unwrap_or(STEPS) }
            }
            _ => return None,
        };
        Some(Self { label: series.label.clone(), kind })
    }

    /// Its colours from above.
    pub(crate) fn colours(&self) -> Vec<Rgb> {
        match self.kind {
            Kind::Ranks(count) => (0..count).map(|rank| rank_colour(rank, count)).collect(),
            Kind::Values { map, steps, .. } => {
                (0..steps).rev().map(|step| step_colour(map, step, steps)).collect()
            }
        }
    }
}

fn step_colour(map: ColourMap, step: u32, steps: u32) -> Rgb {
    map.at(f64::from(step) / f64::from(steps.saturating_sub(1).max(1)))
}

/// The colour of a cell of this value, in as many steps as the bar has; an empty cell is white.
pub(crate) fn cell_colour(map: &HeatMap, value: f64) -> Rgb {
    if value.is_nan() {
        return Rgb::WHITE;
    }
    let ((low, high), steps) = (map.range, map.steps.unwrap_or(STEPS));
    let place = ((value - low) / (high - low) * f64::from(steps)).floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of steps")]
    let step = place.clamp(0.0, f64::from(steps) - 1.0) as u32;
    step_colour(map.map, step, steps)
}
