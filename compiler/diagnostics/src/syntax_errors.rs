//! The grammar's mistakes as diagnostics.

use keopsc_grammar::{SyntaxError, SyntaxErrorCode};

use crate::codes::Code;
use crate::diagnostic::Diagnostic;

impl From<SyntaxErrorCode> for Code {
    fn from(code: SyntaxErrorCode) -> Self {
        match code {
            SyntaxErrorCode::UnexpectedToken => Code::UnexpectedToken,
            SyntaxErrorCode::UnclosedBracket => Code::UnclosedBracket,
            SyntaxErrorCode::UnmatchedBracket => Code::UnmatchedBracket,
            SyntaxErrorCode::ChainedComparison => Code::ChainedComparison,
            SyntaxErrorCode::PositionalAfterKeyword => Code::PositionalAfterKeyword,
            SyntaxErrorCode::TooDeep => Code::TooDeep,
            SyntaxErrorCode::TooLong => Code::TooLong,
            SyntaxErrorCode::BadCharacter => Code::BadCharacter,
            SyntaxErrorCode::BadNumber => Code::BadNumber,
        }
    }
}

impl From<SyntaxError> for Diagnostic {
    fn from(error: SyntaxError) -> Self {
        let diagnostic = Diagnostic::error(error.code.into(), error.span, error.message);
        let labelled =
            error.labels.into_iter().fold(diagnostic, |diagnostic, (span, text)| diagnostic.with_label(span, text));
        Diagnostic { help: error.help, ..labelled }
    }
}
