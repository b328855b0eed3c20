//! What each command does with the stages, and how it prints the result.

mod claim_list;
mod completions;
mod console;
mod editions;
pub mod export;
mod inspect;
mod interrupt;
mod questions;
mod redraw;
mod report;
mod run;
mod slices;
mod slurm;
mod sweep;
mod upkeep;
mod variants;
mod verify;
mod watch;

use crate::cli::Command;
use crate::error::Result;
use std::process::ExitCode;

pub use crate::commands::console::folded;

/// Executes a command; the exit status of one that did what it was asked.
///
/// # Errors
/// Bad parameters; files that cannot be read, written or healed.
pub fn execute(command: &Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => inspect::list(args),
        Command::Run(args) => run::run_stages(args),
        Command::Redraw(args) => redraw::redraw_stages(args),
        Command::Plan(args) => slices::plan(args),
        Command::Slurm(args) => slurm::submit(args),
        Command::Report(args) => report::report(args),
        Command::Status(args) => inspect::status(args),
        Command::Why(args) => inspect::explain(args),
        Command::Verify(args) => verify::check(args),
        Command::New(args) => run::new_stage(args),
        Command::Remove(args) => run::remove_stage(args),
        Command::ContactSheet(shared) => run::write_contact_sheet(shared),
        Command::Tables(args) => inspect::tables(args),
        Command::Claims(args) => questions::claims(args),
        Command::Variants(args) => variants::variants(args),
        Command::Editions(args) => editions::editions(args),
        Command::Seeds(args) => editions::seeds(args),
        Command::Export(args) => export::export_checkpoints(args),
        Command::Doctor(args) => upkeep::doctor(args),
        Command::Gc(args) => upkeep::gc(args),
        Command::Clean(args) => upkeep::clean(args),
        Command::Completions(args) => completions::completions(args),
    }
}
