//! Reads the command line, executes the command and prints its error.

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};
use spectral_alignment::cli::Cli;
use spectral_alignment::error::{Error, say, say_error};
use spectral_alignment::{commands, spectrum};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// What OpenBLAS reads when it is loaded.
const THREADS: &str = "OPENBLAS_NUM_THREADS";

fn main() -> ExitCode {
    // As it is loaded, OpenBLAS starts a thread with a buffer of 128 MB for each processor, and such a thread spins for ever
    // where the system does not give that much; the program starts anew with none.
    if std::env::var_os(THREADS).is_none_or(|threads| threads != "1")
        && let Ok(program) = std::env::current_exe()
    {
        let _ = Command::new(program).args(std::env::args_os().skip(1)).env(THREADS, "1").exec();
    }
    spectrum::lapack::use_one_thread();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            match misspelt(&error) {
                Some(unknown) => say_error(&folded(&unknown.to_string())),
                None => say(&commands::folded("", error.render().to_string().trim_end())),
            }
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    commands::execute(&cli.command).unwrap_or_else(|error| {
        say_error(&folded(&error.to_string()));
        ExitCode::from(error.exit_status())
    })
}

/// An error in lines as wide as the terminal.
fn folded(message: &str) -> String {
    commands::folded("error: ", message)
}

/// The error about a command that there is not, with the nearest there are.
fn misspelt(error: &clap::Error) -> Option<Error> {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let cli = Cli::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    Some(Error::unknown("command", name, &known))
}
