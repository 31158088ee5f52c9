//! The commands, one file each, and what their ends have in common.

mod cache;
mod check;
mod command_line;
mod compile;
mod explain;
mod inspect;
mod ops;
mod run;
mod shell;
mod targets;

use std::path::Path;
use std::process::ExitCode;

use keopsc_diagnostics::{Code, Diagnostic, Source, render, to_json};
use keopsc_driver::failure::{Failure, Problem};
use keopsc_driver::formula::Formula;
use keopsc_runtime::loader::{Library, LoadError};

use crate::arguments::{Arguments, Command, MessageFormat};
use crate::console::{self, Console, Severity};
use crate::defect;

const DONE: u8 = 0;
const SOURCE_ERRORS: u8 = 1;
const ENVIRONMENT: u8 = 2;

/// Why a command did not do what it was asked.
pub enum Stop {
    /// The formula is wrong; these are its texts.
    Source(Source, Vec<Diagnostic>),
    /// Something else is in the way.
    Environment(Problem),
    /// keopsc is wrong.
    Internal(String),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Environment(problem)
    }
}

/// Gives a driver's failure the texts that its diagnostics speak of.
pub fn stop(formula: &Formula) -> impl Fn(Failure) -> Stop {
    |failure| match failure {
        Failure::Source(diagnostics) => Stop::Source(formula.source.clone(), diagnostics),
        Failure::Environment(problem) => Stop::Environment(problem),
        Failure::Internal(message) => Stop::Internal(message),
    }
}

/// Loads a library that keopsc made.
fn open_library(path: &Path) -> Result<Library, Problem> {
    Library::open(path).map_err(|error| match error {
        LoadError::Read { path, error } => Problem::file(Code::CannotRead, "read", &path, &error),
        other => Problem::new(other.to_string()),
    })
}

/// Runs the command and reports what stopped it.
pub fn run(arguments: &Arguments) -> ExitCode {
    let console = Console::new(arguments);
    let result = match &arguments.command {
        Command::Compile(arguments) => compile::run(arguments, &console),
        Command::Check(arguments) => check::run(arguments, &console),
        Command::Run(arguments) => run::run(arguments, &console),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Ops(arguments) => ops::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Targets => targets::run(),
        Command::Cache(arguments) => cache::run(arguments),
        Command::Completions(arguments) => shell::completions(arguments),
        Command::Man => shell::man(),
    };
    match result {
        Ok(()) => ExitCode::from(DONE),
        Err(Stop::Source(source, diagnostics)) => {
            show_diagnostics(&console, &source, &diagnostics);
            ExitCode::from(SOURCE_ERRORS)
        }
        Err(Stop::Environment(problem)) => {
            console.problem(&problem, Severity::Error);
            ExitCode::from(ENVIRONMENT)
        }
        Err(Stop::Internal(message)) => defect::internal(&message),
    }
}

/// Writes errors or warnings about the formula to stderr.
pub fn show_diagnostics(console: &Console, source: &Source, diagnostics: &[Diagnostic]) {
    match console.format {
        _ if diagnostics.is_empty() => {}
        MessageFormat::Human => console::error_text(&render(source, diagnostics, console.is_colored)),
        MessageFormat::Json => {
            let lines = diagnostics.iter().map(|diagnostic| format!("{}\n", to_json(source, diagnostic)));
            console::error_text(&lines.collect::<String>());
        }
    }
}
