//! `new`.

use crate::commands::{Stages, print_line};
use crate::error::Result;
use crate::scaffold::scaffold;
use std::path::Path;
use std::process::ExitCode;

/// `new`.
///
/// # Errors
/// A name that no stage can have; a folder that is not the repository or cannot be written.
pub fn stage(all: &Stages, name: &str, root: &Path) -> Result<ExitCode> {
    for path in scaffold(root, name, all)? {
        print_line(&format!("wrote {}", path.display()))?;
    }
    print_line(&format!(
        "next: `just figure {name} --profile quick`, `just test {}`; docs/new-experiment.md",
        name.replace('-', "_")
    ))?;
    Ok(ExitCode::SUCCESS)
}
