//! Where statements begin and end: makes line ends, `;` and `,` into [`Token::Separator`] or drops them, tells the
//! words `out`, `dim` … from names, and checks that brackets match.
//!
//! ```text
//! out f = Sum[j](     →   «out» f = Sum «reduce[» j ] ( x * y ) «end»
//!     x * y)
//! ```
//!
//! Invariants of the result: brackets are balanced except in statements that hold a [`Token::Bad`], and whatever is
//! wrong has been reported.

use crate::MAXIMUM_NESTING;
use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::syntax::Span;
use crate::tokens::{Spanned, Token, bad_character};

/// Words that start a statement unless `=` follows, as in `dim = 3`.
const STATEMENT_WORDS: &[&str] = &["dim", "def", "out", "fused", "use", "dtype", "numerics"];

/// What a text is to be read as.
#[derive(Clone, Copy, PartialEq)]
pub enum Content {
    /// Statements.
    File,
    /// One expression, on any number of lines.
    Expression,
}

/// The tokens as the grammar wants them, and what is wrong with their brackets.
pub fn arrange<'text>(raw: &[Spanned<'text>], content: Content) -> (Vec<Spanned<'text>>, Vec<SyntaxError>) {
    let mut layout = Layout {
        raw,
        content,
        arranged: Vec::with_capacity(raw.len() + 1),
        open: Vec::new(),
        errors: Vec::new(),
        in_numerics: false,
    };
    for position in 0..raw.len() {
        layout.push(position);
    }
    layout.close_at_end();
    (layout.arranged, layout.errors)
}

/// A bracket that is open.
struct OpenBracket {
    token: &'static str,
    span: Span,
    /// Its position among the arranged tokens.
    position: usize,
}

struct Layout<'raw, 'text> {
    raw: &'raw [Spanned<'text>],
    content: Content,
    arranged: Vec<Spanned<'text>>,
    open: Vec<OpenBracket>,
    errors: Vec<SyntaxError>,
    in_numerics: bool,
}

impl<'text> Layout<'_, 'text> {
    fn push(&mut self, position: usize) {
        let (start, token, end) = self.raw[position];
        if self.is_in_brackets() && self.must_be_new_statement(position) {
            self.report_unclosed();
            self.end_statement(start, start);
        }
        match token {
            Token::Punctuation("\n") if self.is_in_brackets() || self.content == Content::Expression => {}
            Token::Punctuation("\n") => self.end_statement(start, end),
            Token::Punctuation(";") => {
                if self.is_in_brackets() {
                    self.report_unclosed();
                }
                self.end_statement(start, end);
            }
            Token::Punctuation(",") if !self.is_in_brackets() && !self.in_numerics => self.end_statement(start, end),
            Token::Punctuation(bracket @ ("(" | "[" | "{")) => self.open_bracket(bracket, start, end),
            Token::Punctuation(bracket @ (")" | "]" | "}")) => self.close_bracket(bracket, position),
            Token::Name(text) => self.push_name(text, position),
            Token::Quoted(_) if self.previous() != Some(Token::Word("use")) => {
                self.errors.push(bad_character("\"", Span { start, end }));
                self.arranged.push((start, Token::Bad, end));
            }
            other => self.arranged.push((start, other, end)),
        }
    }

    /// Between `(` or `[` and its end, where lines do not count. Braces hold statements.
    fn is_in_brackets(&self) -> bool {
        self.open.last().is_some_and(|bracket| bracket.token != "{")
    }

    fn previous(&self) -> Option<Token<'text>> {
        self.arranged.last().map(|spanned| spanned.1)
    }

    fn raw_token(&self, position: usize) -> Option<Token<'text>> {
        self.raw.get(position).map(|spanned| spanned.1)
    }

    fn end_statement(&mut self, start: u32, end: u32) {
        self.in_numerics = false;
        self.arranged.push((start, Token::Separator, end));
    }

    // ---- words

    fn push_name(&mut self, text: &'text str, position: usize) {
        let (start, _, end) = self.raw[position];
        let word = self.statement_word(text, position);
        self.in_numerics |= word == Some("numerics");
        self.arranged.push((start, word.map_or(Token::Name(text), Token::Word), end));
    }

    fn statement_word(&self, text: &str, position: usize) -> Option<&'static str> {
        if self.is_in_brackets() || self.content == Content::Expression {
            return None;
        }
        let word = STATEMENT_WORDS.iter().copied().find(|word| *word == text)?;
        let is_given_a_value = self.raw_token(position + 1) == Some(Token::Punctuation("="));
        match self.previous() {
            None | Some(Token::Separator) => (!is_given_a_value).then_some(word),
            Some(token) => (word == "numerics" && ends_expression(token)).then_some(word),
        }
    }

    /// At a line start inside brackets: can this only be the next statement, so that a bracket is missing before it?
    /// `name = value` may be an argument, but only after a comma or the bracket itself.
    fn must_be_new_statement(&self, position: usize) -> bool {
        if self.content == Content::Expression || position == 0 {
            return false;
        }
        if self.raw_token(position - 1) != Some(Token::Punctuation("\n")) {
            return false;
        }
        match (self.raw_token(position), self.raw_token(position + 1)) {
            (Some(Token::Punctuation("}")), _) => self.open.iter().any(|bracket| bracket.token == "{"),
            (Some(Token::Name(text)), Some(Token::Name(_) | Token::Quoted(_))) => STATEMENT_WORDS.contains(&text),
            (Some(Token::Name(_)), Some(Token::Punctuation("="))) => self.previous().is_some_and(ends_expression),
            _ => false,
        }
    }

    // ---- brackets

    /// Braces hold statements: one ends after `{`, another one before `}`.
    fn open_bracket(&mut self, token: &'static str, start: u32, end: u32) {
        let span = Span { start, end };
        self.open.push(OpenBracket { token, span, position: self.arranged.len() });
        if self.open.len() <= MAXIMUM_NESTING {
            self.arranged.push((start, Token::Punctuation(token), end));
            if token == "{" {
                self.end_statement(end, end);
            }
            return;
        }
        if self.open.len() == MAXIMUM_NESTING + 1 {
            let message = format!("more than {MAXIMUM_NESTING} brackets are open here");
            let error = SyntaxError::new(SyntaxErrorCode::TooDeep, span, message);
            self.errors.push(error.with_help("give the inner parts names"));
        }
        self.arranged.push((start, Token::Bad, end));
    }

    fn close_bracket(&mut self, token: &'static str, position: usize) {
        let (start, _, end) = self.raw[position];
        let span = Span { start, end };
        let opening = opening_of(token);
        let same_kind = self.open.iter().rposition(|bracket| bracket.token == opening);
        match same_kind {
            Some(depth) if depth + 1 == self.open.len() => {
                self.mark_reduction(position, self.open[depth].position);
                self.open.truncate(depth);
                if token == "}" {
                    self.end_statement(start, start);
                }
                self.arranged.push((start, Token::Punctuation(token), end));
            }
            Some(depth) if token == "}" || !self.open[depth..].iter().any(|bracket| bracket.token == "{") => {
                let unclosed = self.open.split_off(depth + 1);
                self.errors.push(unclosed_bracket(&unclosed).with_label(span, format!("before this `{token}`")));
                self.open.truncate(depth);
                self.arranged.push((start, Token::Bad, start));
                if token == "}" {
                    self.end_statement(start, start);
                    self.arranged.push((start, Token::Punctuation("}"), end));
                }
            }
            _ => {
                self.errors.push(self.unmatched_bracket(token, span));
                if self.is_in_brackets() {
                    self.open.pop();
                }
                self.arranged.push((start, Token::Bad, end));
            }
        }
    }

    /// `[` is a reduction's bracket where a name stands before it and `(` after its end.
    fn mark_reduction(&mut self, closing: usize, opening: usize) {
        let is_square = self.arranged[opening].1 == Token::Punctuation("[");
        let follows_name = opening > 0 && matches!(self.arranged[opening - 1].1, Token::Name(_));
        let has_arguments = self.raw_token(closing + 1) == Some(Token::Punctuation("("));
        if is_square && follows_name && has_arguments {
            self.arranged[opening].1 = Token::ReduceBracket;
        }
    }

    /// Reports all brackets that are open in this statement and leaves it.
    fn report_unclosed(&mut self) {
        let statement = self.open.iter().rposition(|bracket| bracket.token == "{").map_or(0, |depth| depth + 1);
        let unclosed = self.open.split_off(statement);
        self.errors.push(unclosed_bracket(&unclosed));
        let end = self.arranged.last().map_or(0, |spanned| spanned.2);
        self.arranged.push((end, Token::Bad, end));
    }

    fn close_at_end(&mut self) {
        let end = self.raw.last().map_or(0, |spanned| spanned.2);
        if self.is_in_brackets() {
            self.report_unclosed();
        }
        if self.open.is_empty() {
            return;
        }
        self.errors.push(unclosed_bracket(&self.open));
        for _ in 0..self.open.len() {
            self.end_statement(end, end);
            self.arranged.push((end, Token::Punctuation("}"), end));
        }
    }

    fn unmatched_bracket(&self, token: &str, span: Span) -> SyntaxError {
        match self.open.last() {
            Some(open) if open.token != "{" => {
                let message = format!("`{token}` does not close `{}`", open.token);
                SyntaxError::new(SyntaxErrorCode::UnmatchedBracket, span, message)
                    .with_label(open.span, "this bracket is open")
                    .with_help(format!("write `{}`", closing_of(open.token)))
            }
            _ => SyntaxError::new(
                SyntaxErrorCode::UnmatchedBracket,
                span,
                format!("`{token}` closes nothing: no `{}` is open here", opening_of(token)),
            ),
        }
    }
}

fn unclosed_bracket(unclosed: &[OpenBracket]) -> SyntaxError {
    let (innermost, outer) = match unclosed {
        [outer @ .., innermost] => (innermost, outer),
        [] => {
            return SyntaxError::new(SyntaxErrorCode::UnclosedBracket, Span::default(), "a bracket is never closed");
        }
    };
    let message = format!("this `{}` is never closed", innermost.token);
    let error = SyntaxError::new(SyntaxErrorCode::UnclosedBracket, innermost.span, message);
    match outer.last() {
        Some(next) => error.with_label(next.span, format!("nor is this `{}`", next.token)),
        None => error,
    }
}

fn ends_expression(token: Token<'_>) -> bool {
    matches!(token, Token::Name(_) | Token::Integer(_) | Token::Float(_) | Token::Bad | Token::Punctuation(")" | "]"))
}

fn opening_of(closing: &str) -> &'static str {
    match closing {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}

fn closing_of(opening: &str) -> &'static str {
    match opening {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
