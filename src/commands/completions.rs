//! `completions`: what makes a shell complete commands, options and names.

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::console::print_styled;
use crate::error::Result;
use crate::stages::STAGES;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory};
use clap_complete::{Shell, generate};
use std::process::ExitCode;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// Arguments that take names of stages.
const NAMES: [&str; 3] = ["stages", "stage", "names"];

/// `completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut command = with_stages(Cli::command());
    let mut script = Vec::new();
    generate(args.shell, &mut command, PROGRAM, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        // The generator of clap_complete 4.6 calls a program with a hyphen by two names, and completes nothing.
        script = script.replace("spectral__subcmd__alignment", "spectral__alignment");
    }
    print_styled(script.trim_end())?;
    if args.shell == Shell::Fish {
        for line in fish(&command) {
            print_styled(&line)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of stages for fish, of which its generator writes none.
fn fish(command: &Command) -> Vec<String> {
    let named = |argument: &&Arg| !argument.is_hide_set() && NAMES.contains(&argument.get_id().as_str());
    let takes = |subcommand: &&Command| subcommand.get_positionals().any(|argument| named(&argument));
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    command
        .get_subcommands()
        .filter(takes)
        .map(|subcommand| {
            format!(
                "complete -c {PROGRAM} -n \"__fish_seen_subcommand_from {}\" -f -a \"{}\"",
                subcommand.get_name(),
                names.join(" ")
            )
        })
        .collect()
}

/// The command line with the names of stages wherever one is expected.
fn with_stages(command: Command) -> Command {
    let names: Vec<&'static str> = STAGES.iter().map(|stage| stage.name).collect();
    let stage = move |argument: Arg| match argument.get_id().as_str() {
        id if NAMES.contains(&id) => argument.value_parser(PossibleValuesParser::new(names.clone())),
        _ => argument,
    };
    command.mut_subcommands(move |subcommand| subcommand.mut_args(stage.clone()))
}
