//! A job file for HyperQueue, as `hq job submit-file` takes it: a task for each slice.

use crate::error::{Error, Result};
use crate::pipeline::units::seconds;
use std::fmt::Write;

/// The job file for slices of these costs in nanoseconds; `command` is the command line of one slice. Tasks write no files: the
/// store tells what is done.
///
/// # Errors
/// None but a defect.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate in seconds")]
pub fn job_file(costs: &[u64], command: impl Fn(u32) -> Vec<String>) -> Result<String> {
    let mut text = "name = \"spectral-alignment\"\n".to_owned();
    for (id, cost) in (1..).zip(costs) {
        // Arrays of texts are written alike in JSON and TOML.
        let words = serde_json::to_string(&command(id)).map_err(|error| Error::defect("job file", error))?;
        let time = seconds(*cost).ceil() as u64;
        let _ = write!(
            text,
            "\n[[task]]\nid = {id}\ncommand = {words}\nstdout = \"none\"\nstderr = \"none\"\n\n[[task.request]]\n\
             resources = {{ \"cpus\" = 1 }}\ntime_request = \"{time}s\"\n"
        );
    }
    Ok(text)
}
