//! When units were made and how long they took, for provenance and journal: never part of a key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Name of the seconds that a unit itself took on one thread.
pub const SECONDS: &str = "seconds";
/// Name of the seconds that all simulated units behind a stage's tables took, each on one thread.
pub const SIMULATION: &str = "simulation seconds";

/// The seconds of this name in a provenance.
#[must_use]
pub fn seconds(provenance: &[(String, String)], name: &str) -> Option<f64> {
    provenance.iter().find(|(key, _)| key == name)?.1.parse().ok()
}

/// The seconds that a unit with this provenance itself took, where they are known.
#[must_use]
pub fn took(provenance: &[(String, String)]) -> Option<f64> {
    seconds(provenance, SECONDS)
}

/// The last second that has a date with four digits for the year.
const LAST: u64 = 253_402_300_799;

/// A time as `2024-02-29T23:59:59Z`; the nearest that can be written so.
#[must_use]
pub fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
