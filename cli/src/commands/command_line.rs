//! The declaration of the command line → its reference page, `docs/cli.md`.

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;

const INTRODUCTION: &str = "\
# The command line

<!-- `keopsc ops --markdown command-line` prints this page from the declaration of the command line. -->

`keopsc COMMAND --help` prints the same for one command, `keopsc man` the manual page, `keopsc completions SHELL` what makes a shell complete names and options.

";

/// The page.
pub fn page() -> String {
    let mut whole = Arguments::command();
    whole.build();
    let mut text = format!("{INTRODUCTION}| command | what it does |\n| --- | --- |\n");
    let commands = || whole.get_subcommands().filter(|command| command.get_name() != "help");
    for command in commands() {
        let name = command.get_name();
        text += &format!("| [`{name}`](#keopsc-{name}) | {} |\n", sentence(command.get_about()));
    }
    text += &format!(
        "\nOptions of every command:\n\n{}",
        options(whole.get_arguments().filter(|argument| argument.is_global_set()))
    );
    text += &notes(&whole);
    text + &commands().map(section).collect::<String>()
}

fn section(command: &Command) -> String {
    let (name, mut usage) = (command.get_name(), command.clone());
    let about = sentence(command.get_about());
    let usage = usage.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let rows = options(command.get_arguments().filter(|argument| !argument.is_global_set()));
    format!("\n## keopsc {name}\n\n{about}\n\n```text\n{usage}\n```\n{}{}", separated(&rows), notes(command))
}

fn separated(rows: &str) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{rows}") }
}

/// A table of arguments and options; nothing where there are none.
fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let shown = arguments
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version") && !argument.is_hide_set());
    let rows: String = shown.map(row).collect();
    if rows.is_empty() { rows } else { format!("| option | what it does |\n| --- | --- |\n{rows}") }
}

fn row(argument: &Arg) -> String {
    let help = sentence(argument.get_long_help().or(argument.get_help()));
    format!("| {} | {help}{}{} |\n", written(argument), choices(argument), default(argument))
}

/// `-o`, `--output PATH`
fn written(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default().join(" ");
    let value = if takes_value && !argument.is_positional() { format!(" {names}") } else { String::new() };
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let forms: Vec<String> = short.into_iter().chain(long).collect();
    let text = match forms.split_last() {
        None => format!("`{names}`"),
        Some((last, others)) => {
            others.iter().map(|form| format!("`{form}`, ")).collect::<String>() + &format!("`{last}{value}`")
        }
    };
    cell(&text)
}

/// The values that there are, where these are a few words.
fn choices(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let one = |value: &clap::builder::PossibleValue| match value.get_help() {
        Some(help) => format!("`{}`: {}", value.get_name(), sentence(Some(help)).trim_end_matches('.')),
        None => format!("`{}`", value.get_name()),
    };
    let values: Vec<String> = argument.get_possible_values().iter().map(one).collect();
    if values.is_empty() { String::new() } else { cell(&format!(" One of {}.", values.join("; "))) }
}

fn default(argument: &Arg) -> String {
    let values: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    match argument.get_action().takes_values() && !values.is_empty() {
        true => format!(" Default: `{}`.", values.join(",")),
        false => String::new(),
    }
}

/// What help says at its end: a paragraph for each that is there, lines as they are.
fn notes(command: &Command) -> String {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if text.is_empty() { text } else { format!("\n```text\n{}\n```\n", text.trim()) }
}

/// Help in one line, with a full stop.
fn sentence(help: Option<&StyledStr>) -> String {
    let text = help.map(ToString::to_string).unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cell(&if line.ends_with(['.', ']']) || line.is_empty() { line } else { format!("{line}.") })
}

/// Text that may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
