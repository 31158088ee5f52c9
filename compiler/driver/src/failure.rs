//! Why the driver could not do what was asked of it, and whose turn it is.

use std::fmt;
use std::io;
use std::path::Path;

pub use keopsc_diagnostics::system_words;
use keopsc_diagnostics::{Code, Diagnostic};

/// A failure of the driver. The command line turns each kind into its own exit code.
#[derive(Debug)]
pub enum Failure {
    /// The formula is wrong: its author has to change it.
    Source(Vec<Diagnostic>),
    /// A file, a tool, an option or the machine is in the way: the user has to change that.
    Environment(Problem),
    /// The compiler is wrong: its developers have to change it.
    Internal(String),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::Environment(problem)
    }
}

/// Something that is not in the formula and stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its row in the table of codes; wrong usage of the command line has none.
    pub code: Option<Code>,
    /// What could not be done and why, in one line.
    pub message: String,
    /// What else is known: a tool's own words, for example.
    pub notes: Vec<String>,
    /// What to do about it, if that is known.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without notes or help.
    pub fn new(message: impl Into<String>) -> Self {
        Problem { code: None, message: message.into(), notes: Vec::new(), help: None }
    }

    /// The operating system refused to read or write: `cannot write `out/k.so`: No such file or directory`.
    pub fn file(code: Code, action: &str, path: &Path, error: &io::Error) -> Self {
        Problem::new(format!("cannot {action} `{}`: {}", path.display(), system_words(error))).with_code(code)
    }

    /// The same with a code.
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// The same with one more note.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same with a help line.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Problem {
    /// The form that `keopsc_diagnostics` gives to messages without a place. `severity` is `error` or `warning`.
    pub fn text(&self, severity: &str) -> String {
        let code = self.code.map(|code| format!("[{code}]")).unwrap_or_default();
        let mut text = format!("{severity}{code}: {}", self.message);
        for note in &self.notes {
            text += &format!("\n  = {}", note.trim_end().replace('\n', "\n    "));
        }
        if let Some(help) = &self.help {
            text += &format!("\n  = help: {help}");
        }
        text
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text("error"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_notes_and_help() {
        let missing = io::Error::from_raw_os_error(2);
        let problem = Problem::file(Code::CannotRead, "read", Path::new("a/b.kf"), &missing)
            .with_note("one\ntwo\n")
            .with_help("look again");
        assert_eq!(
            problem.to_string(),
            "error[E0301]: cannot read `a/b.kf`: No such file or directory\n  = one\n    two\n  = help: look again"
        );
    }
}
