//! The typed description of a figure: what a stage says, and what it cannot leave out.

use crate::plot::description::caption::Caption;
use crate::plot::description::error::PlotError;
use crate::plot::description::page_style::PageStyle;
use crate::plot::description::panel::Panel;

/// Width of a figure on the journal's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// The text width.
    Full,
    /// A single column.
    Single,
}

impl PageStyle {
    /// A width in pt.
    #[must_use]
    pub fn pt(&self, width: Width) -> f64 {
        match width {
            Width::Full => self.full,
            Width::Single => self.single,
        }
    }
}

/// A figure: panels in rows, with everything a reader needs to understand them.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub(crate) name: String,
    pub(crate) caption: Caption,
    pub(crate) width: Width,
    pub(crate) columns: usize,
    pub(crate) panels: Vec<Panel>,
    pub(crate) height: Option<f64>,
    pub(crate) shared_x: bool,
    pub(crate) shared_y: bool,
    pub(crate) style: PageStyle,
    pub(crate) stretch: f64,
}

impl Figure {
    /// A figure without panels yet. `name` is its file name and the prefix of its identifiers.
    #[must_use]
    pub fn new(name: impl Into<String>, caption: Caption, width: Width, columns: usize) -> Self {
        Self {
            name: name.into(),
            caption,
            width,
            columns: columns.max(1),
            panels: Vec::new(),
            height: None,
            shared_x: false,
            shared_y: false,
            style: PageStyle::default(),
            stretch: 1.0,
        }
    }

    /// This figure with one more panel; panels fill rows from the left.
    #[must_use]
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel.placed());
        self
    }

    /// This figure with axes of every panel `pt` high.
    #[must_use]
    pub fn axes_height(self, pt: f64) -> Self {
        Self { height: Some(pt), ..self }
    }

    /// This figure with one horizontal range for all panels, labelled in the lowest row only.
    #[must_use]
    pub fn shared_x(self) -> Self {
        Self { shared_x: true, ..self }
    }

    /// This figure with one vertical range for all panels, labelled in the first column only.
    #[must_use]
    pub fn shared_y(self) -> Self {
        Self { shared_y: true, ..self }
    }

    /// This figure in another style.
    #[must_use]
    pub fn in_style(mut self, style: &PageStyle) -> Self {
        for series in self.panels.iter_mut().flat_map(|panel| &mut panel.series) {
            series.style.colour = style.colour(series.style.colour);
        }
        Self { style: style.clone(), ..self }
    }

    /// This figure with this many columns of panels, whose axes are this many times as high.
    #[must_use]
    pub(crate) fn arranged(self, columns: usize, stretch: f64) -> Self {
        Self { columns: columns.max(1), stretch, ..self }
    }

    /// Its width in pt before everything is scaled to the size of its type.
    pub(crate) fn page(&self) -> f64 {
        self.style.pt(self.width) / self.style.scale()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its caption.
    #[must_use]
    pub fn caption(&self) -> &Caption {
        &self.caption
    }

    /// Whether everything a reader needs is there, and the sizes fit.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        if self.name.trim().is_empty() {
            return Err(PlotError::Unlabelled("a figure (its name)"));
        }
        self.caption.check()?;
        if self.panels.is_empty() {
            return Err(PlotError::Unlabelled("a figure (it has no panels)"));
        }
        self.panels.iter().try_for_each(Panel::check)
    }
}
