//! What figures ask of a backend of plotters: the unit, and what styles of plotters cannot say.
//!
//! One pixel of plotters is one hundredth of a pt, in places, widths of lines, radii and sizes of fonts. A style of plotters
//! is a colour and a width. The rest travels beside it: a [`Look`] is an element without points that sets dash, joins and
//! role on a [`Surface`]. The cost: it holds until the next one, so that whoever needs a look sets it first, and a backend
//! without a method for it draws solid lines. Bits of the width or types of styles would not do: a backend sees no more
//! of a style than its trait, and any other one would draw such widths. Several areas or marks of one look are calls in a
//! row; a band with gaps is one polygon for each piece.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "page units are whole numbers far below 2^31"
)]

use std::iter;

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

use crate::plot::description::style::Dash;

/// Page units per pt: coordinates are whole hundredths of a pt.
pub const UNITS: f64 = 100.0;
/// A place on the page in page units, from the upper left corner.
pub type Place = BackendCoord;

/// What a backend answers.
pub type Answer<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A length in pt as whole page units.
#[must_use]
pub fn units(pt: f64) -> i32 {
    (pt * UNITS).round() as i32
}

/// A width in pt as plotters takes it.
#[must_use]
pub fn width(pt: f64) -> u32 {
    units(pt).max(0) as u32
}

/// A point in pt as a place.
#[must_use]
pub fn place((x, y): (f64, f64)) -> Place {
    (units(x), units(y))
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Axes, legends and whatever a style of plotters alone describes.
    Furniture,
    /// Series.
    Data,
    /// What stands in a cell of a heat map.
    Cell,
}

/// What a style of plotters cannot say; an element without points, which holds for everything drawn after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The dash of lines.
    pub dash: Dash,
    /// What is drawn.
    pub role: Role,
}

impl Look {
    /// Solid lines of no data.
    pub const PLAIN: Self = Self { dash: Dash::Solid, role: Role::Furniture };

    /// Data with lines of this dash.
    #[must_use]
    pub const fn data(dash: Dash) -> Self {
        Self { dash, role: Role::Data }
    }
}

impl<'a, C: 'a> PointCollection<'a, C> for &'a Look {
    type Point = C;
    type IntoIter = iter::Empty<C>;

    fn point_iter(self) -> Self::IntoIter {
        iter::empty()
    }
}

impl<B: Surface> Drawable<B> for Look {
    fn draw<I: Iterator<Item = Place>>(&self, _: I, backend: &mut B, _: (u32, u32)) -> Answer<B> {
        backend.look(*self);
        Ok(())
    }
}

/// A backend of plotters on which figures can be drawn.
pub trait Surface: DrawingBackend {
    /// Sets the look of what is drawn from now on.
    fn look(&mut self, _look: Look) {}
}
