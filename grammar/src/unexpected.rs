//! A token that no grammar rule takes, put into the user's words: what was expected, after what, and what to do.

use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::syntax::Span;
use crate::tokens::{Spanned, Token};

/// What a name is after a word or bracket that wants one.
const NAMES_AFTER: &[(&str, &str)] = &[
    ("out", "the output's name"),
    ("dim", "the dimension's name"),
    ("def", "the definition's name"),
    ("fused", "a name for the joint entry"),
    ("use", "a library such as `kernels` or a file such as `\"definitions.kf\"`"),
    ("dtype", "a number type such as `f32` or `f64`"),
    ("numerics", "a setting such as `sum = kahan`"),
    ("[", "the reduced index, `i` or `j`,"),
];

/// Punctuation that is named when it would have been right, in this order.
const PUNCTUATION: &[&str] = &["=", "(", "reduce[", "[", ":", ",", ")", "]", "{", "}"];

/// Why `tokens[position]`, or the end of the text, was not expected; none if it has been reported already.
///
/// `tokens` are those of one statement and, as the last one, its end. `expected` are terminals of the grammar.
pub fn explain_unexpected(
    text: &str,
    tokens: &[Spanned<'_>],
    position: usize,
    expected: &[String],
) -> Option<SyntaxError> {
    let end = tokens.last().map_or(0, |token| token.2);
    let (start, found, end) = tokens.get(position).map_or((end, None, end), |token| (token.0, Some(token.1), token.2));
    if found == Some(Token::Bad) {
        return None;
    }
    let expected = expected.iter().map(|terminal| terminal.trim_matches('"')).collect();
    let span = Span { start, end };
    let place = Place { text, span, expected, found, before: &tokens[..position.min(tokens.len())] };
    let after = place.describe_previous().map_or(String::new(), |previous| format!(" after {previous}"));
    let message = format!("expected {}{after}, found {}", place.describe_expected(), place.describe_found());
    let mut error = SyntaxError::new(SyntaxErrorCode::UnexpectedToken, span, message);
    error.help = place.help().map(str::to_owned);
    if let Some(bracket) = place.enclosing_bracket() {
        error = error.with_label(Span { start: bracket.0, end: bracket.2 }, "inside this bracket");
    }
    Some(error)
}

/// An unexpected token and what stands around it.
struct Place<'a, 'text> {
    text: &'text str,
    span: Span,
    expected: Vec<&'a str>,
    /// The unexpected token; none at the end of the text.
    found: Option<Token<'text>>,
    /// All tokens before it in its statement.
    before: &'a [Spanned<'text>],
}

impl<'a, 'text> Place<'a, 'text> {
    fn expects(&self, terminal: &str) -> bool {
        self.expected.contains(&terminal)
    }

    fn expects_expression(&self) -> bool {
        self.expects("integer")
    }

    fn expects_operator(&self) -> bool {
        self.expects("+") && !self.expects_expression()
    }

    fn previous(&self) -> Option<&'a Spanned<'text>> {
        self.before.last()
    }

    // ---- the message

    fn describe_expected(&self) -> String {
        if self.expects_expression() {
            return "an expression".to_owned();
        }
        if self.expects("out") {
            return "a statement".to_owned();
        }
        let mut parts = Vec::new();
        if self.expects("name") {
            parts.push(self.describe_name().to_owned());
        }
        let named = PUNCTUATION.iter().filter(|terminal| self.expects(terminal));
        let hidden = |terminal: &&&str| self.expects_operator() && matches!(**terminal, "[" | "(" | "reduce[" | "=");
        parts.extend(
            named
                .filter(|terminal| !hidden(terminal))
                .map(|terminal| format!("`{}`", terminal.trim_start_matches("reduce"))),
        );
        if self.expects_operator() {
            parts.push("an operator".to_owned());
        }
        if self.may_end_here() {
            let whole = if self.expects_operator() { "formula" } else { "statement" };
            parts.push(format!("the end of the {whole}"));
        }
        join_with_or(&parts)
    }

    /// The grammar does not list the end among what it expects. It is right after a whole formula, setting or type.
    fn may_end_here(&self) -> bool {
        let is_in_brackets = self.expects(")") || self.expects("]");
        self.expected.is_empty() || self.expected == [","] || self.expects_operator() && !is_in_brackets
    }

    fn describe_name(&self) -> &'static str {
        let previous = match self.previous().map(|token| token.1) {
            Some(Token::Word(word)) => word,
            Some(Token::ReduceBracket) => "[",
            _ => return "a name",
        };
        NAMES_AFTER.iter().find(|(word, _)| *word == previous).map_or("a name", |(_, name)| name)
    }

    fn describe_previous(&self) -> Option<String> {
        let &(start, _, end) = self.previous()?;
        Some(format!("`{}`", self.slice(start, end)))
    }

    fn describe_found(&self) -> String {
        match self.found {
            None => "the end of the text".to_owned(),
            Some(Token::Separator) if self.slice(self.span.start, self.span.end).trim().is_empty() => {
                "the end of the line".to_owned()
            }
            Some(_) => format!("`{}`", self.slice(self.span.start, self.span.end)),
        }
    }

    fn slice(&self, start: u32, end: u32) -> &'text str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    // ---- help

    fn help(&self) -> Option<&'static str> {
        let previous = self.previous().map(|token| token.1);
        let starts_value = matches!(
            self.found,
            Some(Token::Name(_) | Token::Integer(_) | Token::Float(_) | Token::Punctuation("(" | "["))
        );
        if self.expects_expression()
            && self.found == Some(Token::Separator)
            && previous != Some(Token::Punctuation("="))
        {
            return Some("put a formula that goes over several lines into brackets");
        }
        if self.expects("out") && matches!(self.found, Some(Token::Punctuation("+" | "-" | "*" | "/" | "**" | "|"))) {
            return Some("put a formula that goes over several lines into brackets");
        }
        if self.expects("=") && self.before.len() == 1 {
            return Some(
                "a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
            );
        }
        match self.found {
            Some(Token::Punctuation("=")) if self.expects_operator() => {
                Some("`==` compares two values; `name = value` stands at the start of a statement or of an argument")
            }
            Some(Token::Punctuation("*")) if previous == Some(Token::Punctuation("*")) => {
                Some("a power is written `**`, without a blank")
            }
            Some(Token::Punctuation("/")) if previous == Some(Token::Punctuation("/")) => {
                Some("a quotient is written `/`")
            }
            Some(Token::Word("numerics")) => Some("`numerics` follows an output or stands alone"),
            Some(_)
                if starts_value
                    && self.expects_operator()
                    && matches!(
                        previous,
                        Some(Token::Integer(_) | Token::Float(_) | Token::Punctuation(")" | "]"))
                    ) =>
            {
                Some("write `*` for a product")
            }
            _ => None,
        }
    }

    /// The bracket that the unexpected token stands in, if it is more than two tokens back: nearer ones are in sight.
    fn enclosing_bracket(&self) -> Option<&'a Spanned<'text>> {
        if !self.expects(")") && !self.expects("]") {
            return None;
        }
        let mut depth = 0;
        let (distance, bracket) = self.before.iter().rev().enumerate().find(|(_, token)| {
            match token.1 {
                Token::Punctuation(")" | "]") => depth += 1,
                Token::Punctuation("(" | "[") | Token::ReduceBracket => depth -= 1,
                _ => {}
            }
            depth < 0
        })?;
        (distance > 1).then_some(bracket)
    }
}

fn join_with_or(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
