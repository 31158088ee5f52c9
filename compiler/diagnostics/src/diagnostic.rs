//! The data of a diagnostic.

use keopsc_grammar::syntax::Span;

use crate::codes::Code;

/// How much is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// There is no result.
    Error,
    /// There is a result, but perhaps not the one that was meant.
    Warning,
}

/// A place and what it has to do with the diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words, written beside the source; may be empty.
    pub text: String,
    /// Is this the place that the message speaks of?
    pub primary: bool,
}

/// A mistake or a warning, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its row in the table of codes.
    pub code: Code,
    /// How much is in the way.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The places, the primary one first. There is none where the mistake is not in the text.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic of the code's own severity. The empty span at 0 means that the mistake is nowhere in the text.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let primary = Label { span, text: String::new(), primary: true };
        Diagnostic {
            code,
            severity: code.severity(),
            message: message.into(),
            labels: if span == Span::default() { Vec::new() } else { vec![primary] },
            help: None,
        }
    }

    /// An error.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, ..Diagnostic::new(code, span, message) }
    }

    /// A warning.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::new(code, span, message) }
    }

    /// Words for another place; for the same place, words beside its caret.
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        match self.labels.iter_mut().find(|label| label.span == span && label.text.is_empty()) {
            Some(label) => label.text = text,
            None => self.labels.push(Label { span, text, primary: false }),
        }
        self
    }

    /// What to do about it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Is it an error?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The place that the message speaks of, if it is in the text.
    pub fn primary_span(&self) -> Option<Span> {
        self.labels.iter().find(|label| label.primary).map(|label| label.span)
    }
}
