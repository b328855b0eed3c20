//! Panels that many figures share.

use crate::plot::{Axis, Panel};

/// An empty panel over training time.
#[must_use]
pub fn over_time(y: Axis) -> Panel {
    Panel::new(Axis::linear("training time $t$"), y)
}
