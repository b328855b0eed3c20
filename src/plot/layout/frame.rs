//! Where the axes of a panel are on the page.

use crate::plot::description::axis::Scale;

/// A point as shares of the axes' width (to the right) and height (upwards): the axes are 0..=1.
pub type Share = (f64, f64);

/// Where the axes of a panel are on the page, in pt, and how values map to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Left end.
    pub left: f64,
    /// Upper end.
    pub top: f64,
    /// Length of the horizontal axis.
    pub width: f64,
    /// Length of the vertical axis.
    pub height: f64,
    /// Horizontal scale.
    pub x: Scale,
    /// Vertical scale.
    pub y: Scale,
}

impl Frame {
    /// The place of a value on the page in pt, `y` downwards; NaN where the axes have no such value.
    #[must_use]
    pub fn place(&self, point: (f64, f64)) -> (f64, f64) {
        self.at(self.share(point))
    }

    pub(crate) fn share(&self, (x, y): (f64, f64)) -> Share {
        (self.x.share(x), self.y.share(y))
    }

    /// The place of a share.
    pub(crate) fn at(&self, (x, y): Share) -> (f64, f64) {
        (self.left + x * self.width, self.top + (1.0 - y) * self.height)
    }

    /// The value of a share.
    pub(crate) fn value(&self, (x, y): Share) -> (f64, f64) {
        (self.x.value(x), self.y.value(y))
    }

    pub(crate) fn share_of_place(&self, (x, y): (f64, f64)) -> Share {
        ((x - self.left) / self.width, 1.0 - (y - self.top) / self.height)
    }

    /// Whether a value is inside the axes or on them.
    pub(crate) fn shows(&self, point: (f64, f64)) -> bool {
        let (open, (x, y)) = (-1e-9..=1.0 + 1e-9, self.share(point));
        open.contains(&x) && open.contains(&y)
    }
}
