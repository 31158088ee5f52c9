//! `keopsc completions` and `keopsc man`: generated from the declaration of the command line.

use clap::CommandFactory;
use keopsc_driver::failure::{Problem, system_words};

use super::Stop;
use crate::arguments::{Arguments, Completions};
use crate::console;

/// Prints a completion script.
pub fn completions(arguments: &Completions) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "keopsc", &mut script);
    Ok(console::output(&script)?)
}

/// Prints the man page, the commands' own pages after the main one.
pub fn man() -> Result<(), Stop> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    let own = command.get_subcommands().filter(|command| command.get_name() != "help").cloned();
    let commands: Vec<clap::Command> = std::iter::once(command.clone()).chain(own).collect();
    for command in commands {
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| Problem::new(format!("cannot make the man page: {}", system_words(&error))))?;
    }
    Ok(console::output(&page)?)
}
