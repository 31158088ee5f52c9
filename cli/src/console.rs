//! What goes to stdout and stderr, and how: results, errors, colours, JSON.

use std::io::{self, IsTerminal, Write};

use keopsc_driver::failure::Problem;

use crate::arguments::{Arguments, Color, MessageFormat};

/// How messages are to be written.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// For people or for programs.
    pub format: MessageFormat,
    /// Whether errors are coloured.
    pub is_colored: bool,
}

impl Console {
    /// As the arguments and the environment say.
    pub fn new(arguments: &Arguments) -> Console {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_colored = match arguments.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && !no_color,
        };
        Console { format: arguments.message_format, is_colored }
    }

    /// Writes a problem to stderr.
    pub fn problem(&self, problem: &Problem, severity: Severity) {
        match self.format {
            MessageFormat::Human => error_text(&self.human(problem, severity)),
            MessageFormat::Json => error_text(&json(problem, severity)),
        }
    }

    fn human(&self, problem: &Problem, severity: Severity) -> String {
        let text = problem.text(severity.name());
        let (head, rest) = text.split_once(": ").unwrap_or((&text, ""));
        match (self.is_colored, severity) {
            (false, _) => format!("{text}\n"),
            (true, Severity::Error) => format!("\x1b[1;31m{head}\x1b[0m: {rest}\n"),
            (true, Severity::Warning) => format!("\x1b[1;33m{head}\x1b[0m: {rest}\n"),
        }
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The command failed.
    Error,
    /// It went on.
    Warning,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

fn json(problem: &Problem, severity: Severity) -> String {
    let object = serde_json::json!({
        "severity": severity.name(),
        "code": problem.code.map(|code| code.as_str()),
        "message": problem.message,
        "notes": problem.notes,
        "help": problem.help,
    });
    format!("{object}\n")
}

/// Writes bytes to stdout. A reader that has gone away (`keopsc ops | head`) ends the program quietly.
pub fn output(bytes: &[u8]) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            Err(Problem::new(format!("cannot write to stdout: {}", keopsc_driver::failure::system_words(&error))))
        }
        Ok(()) => Ok(()),
    }
}

/// Writes text to stderr; if that is gone, there is nobody to tell.
pub fn error_text(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
