//! What is wrong with a text, in the words of the person who wrote it.

use crate::syntax::Span;

/// What kind of mistake a [`SyntaxError`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyntaxErrorCode {
    /// Something else was expected here.
    UnexpectedToken,
    /// A bracket that is never closed.
    UnclosedBracket,
    /// A bracket that closes nothing, or something else than what is open.
    UnmatchedBracket,
    /// `a < b < c`
    ChainedComparison,
    /// A positional argument after `name = value`.
    PositionalAfterKeyword,
    /// Too many brackets or operators within each other.
    TooDeep,
    /// The text has too many bytes.
    TooLong,
    /// A character that no formula has.
    BadCharacter,
    /// Digits that make no number, or one that is too large.
    BadNumber,
}

/// A mistake in a formula text.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntaxError {
    /// What kind of mistake it is.
    pub code: SyntaxErrorCode,
    /// Where it is.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// Other places that have to do with it.
    pub labels: Vec<(Span, String)>,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

impl SyntaxError {
    pub(crate) fn new(code: SyntaxErrorCode, span: Span, message: impl Into<String>) -> Self {
        SyntaxError { code, span, message: message.into(), labels: Vec::new(), help: None }
    }

    pub(crate) fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
