//! The network that is trained.

use crate::error::Result;
use crate::problem::data::DataLaw;
use crate::problem::given::{Check, Given};
use serde::Serialize;

/// Source files of the networks, so that the keys of one do not change with the code of another.
pub const SOURCES: [&str; 2] = [SOFTMAX, TWO_LAYER];

const SOFTMAX: &str = "src/simulation/network/softmax.rs";
const TWO_LAYER: &str = "src/simulation/network/two_layer.rs";

/// A layer of parameters: its number in its network, and its name in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Layer {
    /// Number from 0, in the order in which a point passes.
    pub index: u32,
    /// Name.
    pub name: &'static str,
}

impl Layer {
    /// The only layer of softmax regression.
    pub const X: Self = Self { index: 0, name: "x" };
    /// The first of the two-layer network.
    pub const W: Self = Self { index: 0, name: "W" };
    /// Its second.
    pub const V: Self = Self { index: 1, name: "v" };
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "network", rename_all = "kebab-case")]
pub enum Network {
    /// Softmax regression: one layer `x` with a row of d weights for each label.
    Softmax,
    /// `f = v·relu(WY)`, the logit of label 1 against label 0: layers `W`, K rows of d weights, and `v`.
    TwoLayer {
        /// Width `K` of the hidden layer.
        width: usize,
    },
}

impl Network {
    /// Softmax regression.
    #[must_use]
    pub fn softmax() -> Self {
        Self::Softmax
    }

    /// The two-layer network of this width.
    #[must_use]
    pub fn two_layer(width: usize) -> Self {
        Self::TwoLayer { width }
    }

    /// Name of the network.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::TwoLayer { .. } => "two-layer",
        }
    }

    /// The source file that trains it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Self::Softmax => SOFTMAX,
            Self::TwoLayer { .. } => TWO_LAYER,
        }
    }

    /// Names of the parameters that `--set` changes.
    #[must_use]
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Softmax => &[],
            Self::TwoLayer { .. } => &["width"],
        }
    }

    /// Changes the parameter of this name.
    ///
    /// # Errors
    /// A value outside its range.
    pub fn set(&mut self, key: &str, given: &Given) -> Result<()> {
        match (self, key) {
            (Self::TwoLayer { width }, "width") => *width = given.count(10_000)?,
            (network, _) => return Err(given.not_of(network.keys())),
        }
        Ok(())
    }

    /// The layers, in order.
    #[must_use]
    pub fn layers(&self) -> &'static [Layer] {
        match self {
            Self::Softmax => &[Layer::X],
            Self::TwoLayer { .. } => &[Layer::W, Layer::V],
        }
    }

    /// Number of rows of `d` weights in the first layer.
    #[must_use]
    pub fn rows(&self, data: &DataLaw) -> usize {
        match self {
            Self::Softmax => data.labels(),
            Self::TwoLayer { width } => *width,
        }
    }

    /// Name of this number, as `--set` knows it.
    #[must_use]
    pub fn rows_key(&self) -> &'static str {
        match self {
            Self::Softmax => "k",
            Self::TwoLayer { .. } => "width",
        }
    }

    /// Symbol of this number.
    #[must_use]
    pub fn rows_symbol(&self) -> &'static str {
        match self {
            Self::Softmax => "k",
            Self::TwoLayer { .. } => "K",
        }
    }

    /// Symbol of a row of the first layer.
    #[must_use]
    pub fn row_symbol(&self) -> &'static str {
        match self {
            Self::Softmax => "x^c",
            Self::TwoLayer { .. } => "W_i",
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`crate::error::Error::Parameter`] with the name, the value and the rule it breaks.
    pub fn validate(&self, check: &Check, data: &DataLaw) -> Result<()> {
        match self {
            Self::TwoLayer { width: 0 } => {
                Err(check.refused("width", 0, "the hidden layer needs at least 1 neuron"))
            }
            Self::TwoLayer { .. } if data.labels() != 2 => {
                let rule = format!("has one output, for 2 labels; the data have {}", data.labels());
                Err(check.refused("network", self.name(), rule))
            }
            Self::Softmax | Self::TwoLayer { .. } => Ok(()),
        }
    }
}
