//! How long units took, in their provenance: never part of a key.

use crate::pipeline::store::Manifest;

/// Name of the seconds that a unit itself took on one thread.
pub const SECONDS: &str = "seconds";
/// Name of the seconds that all simulated units behind a stage's tables took, each on one thread.
pub const SIMULATION: &str = "simulation seconds";

/// The seconds of this name in a provenance.
#[must_use]
pub fn seconds(provenance: &[(String, String)], name: &str) -> Option<f64> {
    provenance.iter().find(|(key, _)| key == name)?.1.parse().ok()
}

/// The seconds that a unit itself took.
#[must_use]
pub fn took(unit: &Manifest) -> f64 {
    seconds(&unit.provenance, SECONDS).unwrap_or(0.0)
}
