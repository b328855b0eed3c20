//! Predicted densities of eigenvalues: the table `density`.

use crate::error::Result;
use crate::simulation::task::Matrix;
use crate::stage::rows::At;
use crate::table::{Table, TableBuilder};
use crate::theory::effective_spectrum::EffectiveSpectrum;

/// Points at which a density is computed.
const POINTS: usize = 400;

/// The rows of the table as they grow.
#[derive(Clone, Debug, Default)]
pub struct Densities {
    at: Vec<At>,
    matrix: Vec<&'static str>,
    eigenvalue: Vec<f64>,
    density: Vec<f64>,
}

impl Densities {
    /// Adds the density of a spectrum.
    ///
    /// # Errors
    /// A density that cannot be computed.
    pub fn add(&mut self, at: &At, matrix: Matrix, spectrum: &EffectiveSpectrum) -> Result<()> {
        for (place, value) in spectrum.density_grid(POINTS)? {
            self.at.push(at.clone());
            self.matrix.push(matrix.name());
            self.eigenvalue.push(place);
            self.density.push(value);
        }
        Ok(())
    }

    /// The table.
    ///
    /// # Errors
    /// NaN.
    pub fn table(self) -> Result<Table> {
        let experiments: Vec<&str> = self.at.iter().map(|at| at.experiment.as_str()).collect();
        TableBuilder::new("density")
            .str("experiment", &experiments)
            .u64("step", self.at.iter().map(|at| at.step).collect())
            .f64("time", self.at.iter().map(|at| at.time).collect())
            .str("matrix", &self.matrix)
            .f64("eigenvalue", self.eigenvalue)
            .f64("density", self.density)
            .build()
    }
}
