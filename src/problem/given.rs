//! Values as a user gives them, and errors that name them.

use crate::error::{Error, Result};

/// The value of one `--set EXPERIMENT.KEY=VALUE`.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The experiment.
    pub experiment: &'a str,
    /// The key.
    pub key: &'a str,
    /// The value, as written.
    pub value: &'a str,
}

impl Given<'_> {
    /// A finite number.
    ///
    /// # Errors
    /// Anything else.
    pub fn number(&self) -> Result<f64> {
        match self.value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refused("must be a finite number")),
        }
    }

    /// A whole number from 1 to `most`.
    ///
    /// # Errors
    /// Anything else.
    pub fn count(&self, most: usize) -> Result<usize> {
        match self.value.trim().parse::<usize>() {
            Ok(count) if (1..=most).contains(&count) => Ok(count),
            _ => Err(self.refused(format!("must be a whole number from 1 to {most}"))),
        }
    }

    /// The error about this value.
    pub fn refused(&self, rule: impl Into<String>) -> Error {
        Error::parameter(format!("{}.{}", self.experiment, self.key), self.value, rule)
    }

    /// The error about a parameter that is not among those of an experiment.
    #[must_use]
    pub fn not_of(&self, keys: &[&str]) -> Error {
        self.refused(format!("{} is no parameter of this experiment; set {}", self.key, keys.join(", ")))
    }
}

/// Names the experiment in errors about its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The experiment.
    pub experiment: &'a str,
}

impl Check<'_> {
    /// The error about a parameter.
    pub fn refused(&self, key: &str, value: impl ToString, rule: impl Into<String>) -> Error {
        Error::parameter(format!("{}.{key}", self.experiment), value, rule)
    }

    /// Refuses anything but a finite number above 0.
    ///
    /// # Errors
    /// Any other value.
    pub fn positive(&self, key: &str, value: f64) -> Result<()> {
        if value.is_finite() && value > 0.0 {
            return Ok(());
        }
        Err(self.refused(key, value, "must be a finite number above 0"))
    }
}
