//! Randomness as an argument of theory, and the chi-square law drawn from it.
//!
//! Theory imports no simulation, so whoever runs a random process of theory hands it the numbers.

use crate::error::{Error, Result};
use crate::problem::as_f64;

/// A source of independent random numbers.
pub trait Noise {
    /// Fills `out` with independent N(0, 1) numbers.
    fn fill(&mut self, out: &mut [f64]);
    /// One uniform number in the open interval (0, 1).
    fn uniform(&mut self) -> f64;
}

/// The chi-square law with `ν ≥ 1` degrees of freedom: the law of `z_1² + … + z_ν²` for independent `z_i ~ N(0, 1)`, with
/// mean `ν` and variance `2ν`.
///
/// Twice a gamma variable of shape `ν/2`, drawn by rejection from the cube of a normal one (Marsaglia and Tsang, *A
/// simple method for generating gamma variables*, 2000), which is exact for shapes of 1 and above; the square of a normal
/// number for `ν = 1`. A draw takes one normal and one uniform number in most cases and calls `libm` alone. At `ν = 10⁹`
/// rounding moves the probability of a rejection by some 1e-7 of those few draws that need a logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquared {
    /// `ν/2 - 1/3`; 0 for `ν = 1`.
    shift: f64,
    /// `1/(3√shift)`.
    slope: f64,
}

impl ChiSquared {
    /// The law with this many degrees of freedom.
    ///
    /// # Errors
    /// No degree of freedom.
    pub fn new(degrees: usize) -> Result<Self> {
        if degrees == 0 {
            return Err(Error::parameter("degrees of freedom", degrees, "must be at least 1"));
        }
        let shift = if degrees == 1 { 0.0 } else { 0.5 * as_f64(degrees) - 1.0 / 3.0 };
        Ok(Self { shift, slope: 1.0 / (9.0 * shift).sqrt() })
    }

    /// One number of this law.
    pub fn draw(self, noise: &mut dyn Noise) -> f64 {
        let mut normal = [0.0];
        noise.fill(&mut normal);
        self.draw_from(normal[0], noise)
    }

    /// One number of this law, given the first normal number that it takes.
    pub fn draw_from(self, normal: f64, noise: &mut dyn Noise) -> f64 {
        let Self { shift, slope } = self;
        let square = normal * normal;
        if shift == 0.0 {
            return square;
        }
        let root = 1.0 + slope * normal;
        if root > 0.0 {
            let cube = root * root * root;
            let uniform = noise.uniform();
            // The first condition implies the second.
            if uniform < 1.0 - 0.0331 * square * square
                || libm::log(uniform) < 0.5 * square + shift * (1.0 - cube + libm::log(cube))
            {
                return 2.0 * shift * cube;
            }
        }
        self.draw(noise)
    }
}
