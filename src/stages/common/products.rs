//! Inner products of named unit vectors with each other: the table `products`, for heat maps.

use crate::error::Result;
use crate::problem::network::Layer;
use crate::stage::rows::{At, located};
use crate::table::Table;
use ndarray::{Array1, ArrayView1};

/// A kind of vector: its name in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A mean of the data.
    Mean,
    /// A cluster mean as the second layer sees it.
    Feature,
    /// A row of parameters.
    Row,
    /// An eigenvector of a block of H.
    Hessian,
    /// An eigenvector of a block of G.
    Gradient,
}

impl Kind {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Feature => "feature",
            Self::Row => "row",
            Self::Hessian => "hessian",
            Self::Gradient => "gradient",
        }
    }

    /// Both eigenvectors.
    pub const MATRICES: [Self; 2] = [Self::Hessian, Self::Gradient];
}

/// The rows of the table as they grow.
#[derive(Clone, Debug, Default)]
pub struct Products {
    at: Vec<At>,
    layer: Vec<&'static str>,
    names: [Vec<String>; 2],
    values: Vec<f64>,
}

impl Products {
    /// Adds all products of some vectors, each made a unit vector first; those of one kind are numbered from 1.
    pub fn add(&mut self, at: &At, layer: Layer, vectors: &[(Kind, Array1<f64>)]) {
        let number = |index: usize| {
            let kind = vectors[index].0;
            vectors[..=index].iter().filter(|other| other.0 == kind).count()
        };
        let name = |index: usize| format!("{} {}", vectors[index].0.name(), number(index));
        for (i, (_, first)) in vectors.iter().enumerate() {
            for (j, (_, second)) in vectors.iter().enumerate() {
                let length = (first.dot(first) * second.dot(second)).sqrt();
                self.at.push(at.clone());
                self.layer.push(layer.name);
                self.names[0].push(name(i));
                self.names[1].push(name(j));
                self.values.push(if length > 0.0 { first.dot(second) / length } else { 0.0 });
            }
        }
    }

    /// The table.
    ///
    /// # Errors
    /// NaN.
    pub fn table(self) -> Result<Table> {
        located("products", self.at.iter())
            .str("layer", &self.layer)
            .str("first", &self.names[0])
            .str("second", &self.names[1])
            .f64("value", self.values)
            .build()
    }
}

/// A vector with its largest entry positive: the sign of an eigenvector is free.
pub fn upright(vector: ArrayView1<f64>) -> Array1<f64> {
    let largest =
        vector.iter().fold(0.0_f64, |most, entry| if entry.abs() > most.abs() { *entry } else { most });
    if largest < 0.0 { -&vector } else { vector.to_owned() }
}
