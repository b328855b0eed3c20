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
        Command::Run { stages, shared, jobs, force, png, report } => {
            let done = commands::run_stages(STAGES, stages, shared, *jobs, (*force, *png));
            if *report { done.and_then(|_| commands::report::report(STAGES, shared)) } else { done }
        }
        Command::Report { shared } => commands::report::report(STAGES, shared),
        Command::Status { shared, json, committed } => commands::status(STAGES, shared, *json, *committed),
        Command::Why { stage, shared, json } => commands::why::explain(STAGES, stage, shared, *json),
        Command::Verify { stages, shared, json, jobs, twice } => {
            commands::verify::check(STAGES, stages, shared, *jobs, (*json, *twice))
        }
        Command::New { name, root } => commands::new::stage(STAGES, name, root),
        Command::ContactSheet { shared } => commands::write_contact_sheet(STAGES, shared),
        Command::Tables { stage, shared, json } => commands::tables(STAGES, stage, shared, *json),
        Command::Claims { shared, json } => commands::claims(STAGES, shared, *json),
        Command::Export(options) => commands::export::export_checkpoint(STAGES, options),
        Command::Doctor { shared, json } => commands::upkeep::doctor(STAGES, shared, *json),
        Command::Gc { shared, json, dry_run } => commands::upkeep::gc(STAGES, shared, *json, *dry_run),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(error.exit_status())
    })
}
