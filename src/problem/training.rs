//! Online SGD with ridge, and the sample on which it is looked at.

use crate::error::Result;
use crate::problem::data::DataLaw;
use crate::problem::given::{Check, Given};
use crate::problem::network::Network;
use serde::Serialize;

/// Parameters of online SGD.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Training {
    /// Ridge β: the step is `x ← x - δ (∇L + β x)`.
    pub beta: f64,
    /// Step constant `c`: `δ = c/d`.
    pub c: f64,
    /// Sample ratio `φ`: matrices are means over `n = φ d` samples.
    pub phi: f64,
    /// Where SGD starts.
    #[serde(skip_serializing_if = "Start::is_random")]
    pub start: Start,
}

/// Where SGD starts; what is not given is random, rows of the first layer `N(0, I_d/d)` and the second layer `N(0, I_K)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Start {
    /// Row i of the first layer projects on the span of the means as `Σ_b along[i][b] mean_b`, with the linearly independent
    /// means of the law; its part outside stays random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub along: Option<Vec<Vec<f64>>>,
    /// Weights of the second layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<Vec<f64>>,
}

impl Start {
    /// Whether nothing is given.
    #[must_use]
    pub fn is_random(&self) -> bool {
        *self == Self::default()
    }

    fn validate(&self, check: &Check, data: &DataLaw, network: &Network) -> Result<()> {
        if !self.is_random() && !network.takes_start() {
            let rule = format!("the start of a network {} is random", network.name());
            return Err(check.refused("start", format!("{self:?}"), rule));
        }
        let finite = |values: &[f64]| values.iter().all(|value| value.abs() <= 1e75);
        let (rows, means) = (network.rows(data), data.means());
        if let Some(along) = &self.along
            && !(along.len() == rows && along.iter().all(|row| row.len() == means && finite(row)))
        {
            let rule = format!("needs {means} finite coefficients for each of {rows} rows");
            return Err(check.refused("start", format!("{along:?}"), rule));
        }
        if let Some(second) = &self.second {
            let rule = if network.layers().len() < 2 {
                "the network has no second layer".to_owned()
            } else if second.len() == rows && finite(second) {
                return Ok(());
            } else {
                format!("needs one finite weight for each of {rows} neurons")
            };
            return Err(check.refused("start", format!("{second:?}"), rule));
        }
        Ok(())
    }
}

impl Training {
    /// Names of the parameters that `--set` changes.
    pub const KEYS: [&str; 3] = ["beta", "c", "phi"];

    /// From a random start.
    #[must_use]
    pub fn new(beta: f64, c: f64, phi: f64) -> Self {
        Self { beta, c, phi, start: Start::default() }
    }

    /// Changes the parameter of this name.
    ///
    /// # Errors
    /// A value outside its range.
    pub fn set(&mut self, key: &str, given: &Given) -> Result<()> {
        match key {
            "beta" => self.beta = given.number()?,
            "c" => self.c = given.number()?,
            "phi" => self.phi = given.number()?,
            _ => return Err(given.not_of(&Self::KEYS)),
        }
        Ok(())
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`crate::error::Error::Parameter`] with the name, the value and the rule it breaks.
    pub fn validate(&self, check: &Check, data: &DataLaw, network: &Network) -> Result<()> {
        check.positive("c", self.c)?;
        check.positive("phi", self.phi)?;
        if !(self.beta.is_finite() && self.beta >= 0.0) {
            return Err(check.refused("beta", self.beta, "must be a finite number, 0 or above"));
        }
        self.start.validate(check, data, network)
    }
}
