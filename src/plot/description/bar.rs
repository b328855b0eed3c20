//! Colour bars: what a colour means when it is a number.

use crate::plot::description::colour::{ColourMap, Rgb, rank_colour};
use crate::plot::description::series::{HeatMap, Series, Shape};

/// Steps of a continuous bar and of a heat map's colours.
const STEPS: u32 = 64;

/// What a bar shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Ranks(u32),
    Values(ColourMap, f64, f64),
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
            Shape::HeatMap(map) => Kind::Values(map.map, map.range.0, map.range.1),
            _ => return None,
        };
        Some(Self { label: series.label.clone(), kind })
    }

    /// Its colours from above.
    pub(crate) fn colours(&self) -> Vec<Rgb> {
        match self.kind {
            Kind::Ranks(count) => (0..count).map(|rank| rank_colour(rank, count)).collect(),
            Kind::Values(map, ..) => (0..STEPS).rev().map(|step| step_colour(map, f64::from(step))).collect(),
        }
    }
}

fn step_colour(map: ColourMap, step: f64) -> Rgb {
    map.at(step / f64::from(STEPS - 1))
}

/// The colour of a cell of this value, in as many steps as the bar has; an empty cell is white.
pub(crate) fn cell_colour(map: &HeatMap, value: f64) -> Rgb {
    if value.is_nan() {
        return Rgb::WHITE;
    }
    let (low, high) = map.range;
    let steps = f64::from(STEPS);
    step_colour(map.map, ((value - low) / (high - low) * steps).floor().clamp(0.0, steps - 1.0))
}
