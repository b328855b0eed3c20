//! Wires the command line to the commands and prints errors.

use clap::Parser;
use spectral_alignment::cli::{Cli, Command};
use spectral_alignment::stages::STAGES;
use spectral_alignment::{commands, spectrum};
use std::process::ExitCode;

fn main() -> ExitCode {
    spectrum::lapack::use_one_thread();
    let outcome = match &Cli::parse().command {
        Command::List { shared, json } => commands::list(STAGES, shared, *json),
        Command::Run { stages, shared, jobs, force } => {
            commands::run_stages(STAGES, stages, shared, *jobs, *force)
        }
        Command::Status { shared, json, committed } => commands::status(STAGES, shared, *json, *committed),
        Command::Tables { stage, shared, json } => commands::tables(STAGES, stage, shared, *json),
        Command::Claims { shared, json } => commands::claims(STAGES, shared, *json),
        Command::Export { experiment, shared, replicate, checkpoint, out, sample } => {
            commands::export_checkpoint(
                STAGES,
                experiment,
                shared,
                (*replicate, checkpoint),
                (*sample).into(),
                out,
            )
        }
        Command::Doctor { shared, json } => commands::doctor(STAGES, shared, *json),
        Command::Gc { shared, json, dry_run } => commands::gc(STAGES, shared, *json, *dry_run),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(error.exit_status())
    })
}
