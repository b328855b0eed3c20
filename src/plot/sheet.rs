//! Everything that a figure says: from it the page is laid out and judged.

use crate::plot::caption::Caption;
use crate::plot::error::PlotError;
use crate::plot::panel::Panel;

/// Width of a figure on the journal's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// The text width, 396 pt.
    Full,
    /// A single column, 193 pt.
    Single,
}

impl Width {
    /// In pt.
    #[must_use]
    pub fn pt(self) -> f64 {
        match self {
            Self::Full => 396.0,
            Self::Single => 193.0,
        }
    }
}

/// Panels in rows, with everything a reader needs to understand them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub(crate) name: String,
    pub(crate) caption: Caption,
    pub(crate) width: Width,
    pub(crate) columns: usize,
    pub(crate) panels: Vec<Panel>,
    pub(crate) height: Option<f64>,
    pub(crate) shared_x: bool,
    pub(crate) shared_y: bool,
}

impl Sheet {
    /// Whether everything a reader needs is there, and the sizes fit.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        if self.name.trim().is_empty() {
            return Err(PlotError::Unlabelled { what: "a figure (its name)" });
        }
        self.caption.check()?;
        if self.panels.is_empty() {
            return Err(PlotError::Unlabelled { what: "a figure (it has no panels)" });
        }
        self.panels.iter().try_for_each(Panel::check)
    }
}
