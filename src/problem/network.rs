//! The network that is trained.

use crate::error::Result;
use crate::problem::data::DataLaw;
use crate::problem::given::{Check, Given};
use serde::Serialize;

/// Source files of the networks, so that the keys of one do not change with the code of another.
pub const SOURCES: [&str; 3] = [SOFTMAX, TWO_LAYER, MLP];

const SOFTMAX: &str = "src/simulation/network/softmax.rs";
const TWO_LAYER: &str = "src/simulation/network/two_layer.rs";
const MLP: &str = "src/simulation/network/mlp.rs";

/// Largest number of layers of a multilayer perceptron.
pub const DEEPEST: usize = 8;
/// Width of a hidden layer that `--set` adds to a multilayer perceptron without any.
const ADDED_WIDTH: usize = 20;

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
    /// Those of a multilayer perceptron, the first ones as many as it is deep.
    pub const DEEP: [Self; DEEPEST] = [
        Self { index: 0, name: "W1" },
        Self { index: 1, name: "W2" },
        Self { index: 2, name: "W3" },
        Self { index: 3, name: "W4" },
        Self { index: 4, name: "W5" },
        Self { index: 5, name: "W6" },
        Self { index: 6, name: "W7" },
        Self { index: 7, name: "W8" },
    ];

    /// All layers that any network has.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::X, Self::W, Self::V].into_iter().chain(Self::DEEP)
    }
}

/// What stands behind the last layer of a multilayer perceptron.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// One output for each label, `π = softmax`.
    Softmax,
    /// One output, the logit of label 1 against label 0.
    Logistic,
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
    /// ReLU layers without biases, then a linear one: layers `W1` to `WL`, rows of `Wl` standard normal times
    /// `√(gain/n)` at the start, with the n inputs of the layer. Without hidden layers a softmax head makes it softmax regression.
    Mlp {
        /// Widths of the hidden layers.
        widths: Vec<usize>,
        /// What stands behind the last layer.
        head: Head,
        /// `n` times the variance of a weight at the start, in hidden layers; 1 in the last layer. He's start is 2.
        gain: f64,
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

    /// The multilayer perceptron with hidden layers of these widths, from He's start.
    #[must_use]
    pub fn mlp(widths: Vec<usize>, head: Head) -> Self {
        Self::Mlp { widths, head, gain: 2.0 }
    }

    /// Name of the network.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::TwoLayer { .. } => "two-layer",
            Self::Mlp { .. } => "mlp",
        }
    }

    /// The source file that trains it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Self::Softmax => SOFTMAX,
            Self::TwoLayer { .. } => TWO_LAYER,
            Self::Mlp { .. } => MLP,
        }
    }

    /// Names of the parameters that `--set` changes.
    #[must_use]
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Softmax => &[],
            Self::TwoLayer { .. } => &["width"],
            Self::Mlp { .. } => &["width", "depth"],
        }
    }

    /// Changes the parameter of this name: `width` that of every hidden layer, `depth` the number of layers, where further
    /// hidden ones are as wide as the last.
    ///
    /// # Errors
    /// A value outside its range.
    pub fn set(&mut self, key: &str, given: &Given) -> Result<()> {
        match (self, key) {
            (Self::TwoLayer { width }, "width") => *width = given.count(10_000)?,
            (Self::Mlp { widths, .. }, "width") => widths.fill(given.count(10_000)?),
            (Self::Mlp { widths, .. }, "depth") => {
                let width = widths.last().copied().unwrap_or(ADDED_WIDTH);
                widths.resize(given.count(DEEPEST)? - 1, width);
            }
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
            Self::Mlp { widths, .. } => {
                const DEEP: &[Layer] = &Layer::DEEP;
                &DEEP[..(widths.len() + 1).min(DEEPEST)]
            }
        }
    }

    /// Number of rows of `d` weights in the first layer.
    #[must_use]
    pub fn rows(&self, data: &DataLaw) -> usize {
        match self {
            Self::Softmax => data.labels(),
            Self::TwoLayer { width } => *width,
            Self::Mlp { widths, head, .. } => widths.first().copied().unwrap_or_else(|| head.outputs(data)),
        }
    }

    /// Widths of the hidden layers.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        match self {
            Self::Softmax => Vec::new(),
            Self::TwoLayer { width } => vec![*width],
            Self::Mlp { widths, .. } => widths.clone(),
        }
    }

    /// Whether a start can be given: that of a multilayer perceptron is random.
    #[must_use]
    pub fn takes_start(&self) -> bool {
        !matches!(self, Self::Mlp { .. })
    }

    /// Name of this number, as `--set` knows it.
    #[must_use]
    pub fn rows_key(&self) -> &'static str {
        match self {
            Self::Softmax => "k",
            Self::TwoLayer { .. } | Self::Mlp { .. } => "width",
        }
    }

    /// Symbol of this number.
    #[must_use]
    pub fn rows_symbol(&self) -> &'static str {
        match self {
            Self::Softmax => "k",
            Self::TwoLayer { .. } => "K",
            Self::Mlp { .. } => "width",
        }
    }

    /// Symbol of a row of the first layer.
    #[must_use]
    pub fn row_symbol(&self) -> &'static str {
        match self {
            Self::Softmax => "x^c",
            Self::TwoLayer { .. } | Self::Mlp { .. } => "W_i",
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
            Self::Mlp { widths, .. } if widths.len() >= DEEPEST => {
                let rule = format!("has {} layers; at most {DEEPEST} are known", widths.len() + 1);
                Err(check.refused("depth", widths.len() + 1, rule))
            }
            Self::Mlp { widths, .. } if widths.contains(&0) => {
                Err(check.refused("width", 0, "every hidden layer needs at least 1 neuron"))
            }
            Self::Mlp { gain, .. } if !(gain.is_finite() && *gain > 0.0) => {
                Err(check.refused("gain", gain, "must be a finite number above 0"))
            }
            Self::Mlp { head: Head::Logistic, .. } if data.labels() != 2 => {
                let rule = format!("has one output, for 2 labels; the data have {}", data.labels());
                Err(check.refused("head", "logistic", rule))
            }
            Self::Softmax | Self::TwoLayer { .. } | Self::Mlp { .. } => Ok(()),
        }
    }
}

impl Head {
    /// Number of outputs.
    #[must_use]
    pub fn outputs(self, data: &DataLaw) -> usize {
        match self {
            Self::Softmax => data.labels(),
            Self::Logistic => 1,
        }
    }
}
