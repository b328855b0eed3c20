//! Axes: what a stage says about one, and the scale that comes of it.

use crate::plot::description::error::PlotError;

/// One axis: its label, its kind and, where the data should not decide, its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) log: bool,
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) whole: bool,
    pub(crate) ticks: Option<Vec<f64>>,
    pub(crate) named: Vec<(f64, String)>,
    pub(crate) origin: Option<Origin>,
}

/// Where a logarithmic axis shows its zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Origin {
    /// The place that zero has.
    pub(crate) place: f64,
    /// The least value from which on the axis is logarithmic.
    pub(crate) first: f64,
}

impl Axis {
    /// A linear axis. The label is markup, with the unit where there is one; `\n` starts a second line.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            log: false,
            range: None,
            whole: false,
            ticks: None,
            named: Vec::new(),
            origin: None,
        }
    }

    /// A logarithmic axis; values that are not positive are not on it.
    #[must_use]
    pub fn log(label: impl Into<String>) -> Self {
        Self { log: true, ..Self::linear(label) }
    }

    /// A logarithmic axis from `first` on, with zero at a place of its own at its left end, for times.
    #[must_use]
    pub fn log_after_zero(label: impl Into<String>, first: f64) -> Self {
        Self { origin: Some(Origin { place: first / 1.7, first }), ..Self::log(label) }
    }

    /// This axis with a fixed range instead of that of the data.
    #[must_use]
    pub fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// This axis with labels at whole numbers only, for counts and indices.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// This axis with these words, in markup, at these values, and no other ticks.
    #[must_use]
    pub fn named(self, words: Vec<(f64, String)>) -> Self {
        Self { named: words, ..self }
    }

    /// This axis with labels at the given values.
    #[must_use]
    pub fn ticks(self, values: impl Into<Vec<f64>>) -> Self {
        Self { ticks: Some(values.into()), ..self }
    }
}

/// A resolved axis: the range drawn, and how values map to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Whether it is logarithmic.
    pub log: bool,
    /// Value at the left or lower end.
    pub low: f64,
    /// Value at the right or upper end.
    pub high: f64,
}

impl Scale {
    /// This range, if numbers can be told apart in it: its ends are finite, in order, and so is their distance or ratio.
    ///
    /// # Errors
    /// [`PlotError::Range`] of the axis with this label.
    pub(crate) fn sound(self, label: &str) -> Result<Self, PlotError> {
        let Self { log, low, high } = self;
        let extent = if log { high / low } else { high - low };
        if low.is_finite() && high.is_finite() && extent.is_finite() && low < high && (!log || low > 0.0) {
            return Ok(self);
        }
        let problem = format!("{low:e} to {high:e} is not a range of this axis");
        Err(PlotError::Range { label: label.to_owned(), problem })
    }

    /// Share of the axis at `value`: 0 at the low end, 1 at the high end; NaN where the axis has no such value.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            if value <= 0.0 {
                return f64::NAN;
            }
            libm::log10(value / self.low) / libm::log10(self.high / self.low)
        } else {
            (value - self.low) / (self.high - self.low)
        };
        // Rounding must not push what lies on an end beyond it.
        match share {
            share if share.abs() < 1e-9 => 0.0,
            share if (share - 1.0).abs() < 1e-9 => 1.0,
            share if share.is_finite() => share,
            _ => f64::NAN,
        }
    }

    /// The value at a share of the axis.
    #[must_use]
    pub fn value(&self, share: f64) -> f64 {
        if self.log {
            self.low * libm::pow(self.high / self.low, share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    /// As [`Scale::share`], but zero and negative values of a log axis lie far below it: for lower ends of bands.
    #[must_use]
    pub fn share_or_below(&self, value: f64) -> f64 {
        if self.log && value <= 0.0 { -1e3 } else { self.share(value) }
    }

    /// The range of the data with a margin on both sides, which never crosses zero.
    #[must_use]
    pub fn around(low: f64, high: f64, log: bool, margin: f64) -> Self {
        if log {
            let span = libm::log10(high / low);
            let pad = if span > 0.0 { span * margin } else { 0.3 };
            return Self { log, low: low / libm::pow(10.0, pad), high: high * libm::pow(10.0, pad) };
        }
        let span = high - low;
        let pad = if span > 0.0 { span * margin } else { (high.abs() * 0.1).max(0.5) };
        let keep_sign = |padded: f64, end: f64| if padded * end < 0.0 || end == 0.0 { 0.0 } else { padded };
        let (lower, upper) = (keep_sign(low - pad, low), keep_sign(high + pad, high));
        if lower < upper {
            Self { log, low: lower, high: upper }
        } else {
            Self { log, low: low - pad, high: high + pad }
        }
    }
}
