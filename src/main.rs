//! Reads the command line, executes the command and prints its error.

use clap::Parser;
use spectral_alignment::cli::Cli;
use spectral_alignment::{commands, spectrum};
use std::process::ExitCode;

fn main() -> ExitCode {
    spectrum::lapack::use_one_thread();
    commands::execute(&Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(error.exit_status())
    })
}
