//! Text into tokens: names, numbers, punctuation, line ends. Blanks and `#` comments vanish here.
//!
//! A character or number that cannot be is reported once and becomes [`Token::Bad`], which no grammar rule takes.

use crate::error::{SyntaxError, SyntaxErrorCode};
use crate::syntax::Span;

/// A token of the formula language. Words that start statements are names here; `layout` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'text> {
    /// `sigma`
    Name(&'text str),
    /// `3`
    Integer(i64),
    /// `0.5`
    Float(f64),
    /// `"my/defs.kf"`, without its quotes; `layout` refuses it everywhere but after `use`.
    Quoted(&'text str),
    /// An operator, a bracket, `=`, `,` or `:`, as written (`^` is `**`).
    Punctuation(&'static str),
    /// `[` between a name and arguments: `Sum[j](…)`.
    ReduceBracket,
    /// A word that starts a statement: `out`, `dim` …
    Word(&'static str),
    /// A line end, `;` or `,` where a statement ends.
    Separator,
    /// What has been reported already.
    Bad,
}

/// A token with its first byte and one past its last: what the generated parser reads.
pub type Spanned<'text> = (u32, Token<'text>, u32);

/// All punctuation, longest first where one is the beginning of another; the second column is the token.
const PUNCTUATION: &[(&str, &str)] = &[
    ("**", "**"),
    ("^", "**"),
    ("<=", "<="),
    (">=", ">="),
    ("==", "=="),
    ("!=", "!="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
    ("|", "|"),
    (",", ","),
    (":", ":"),
    (";", ";"),
    ("\n", "\n"),
    ("(", "("),
    (")", ")"),
    ("[", "["),
    ("]", "]"),
    ("{", "{"),
    ("}", "}"),
];

/// What to write instead of characters that people paste or bring from other languages.
const INSTEAD: &[(&[char], &str)] = &[
    (&['−', '–', '—'], "write `-`"),
    (&['×', '·', '⋅', '∗', '@'], "write `*` for a product, `|` for a scalar product"),
    (&['÷'], "write `/`"),
    (&['≤'], "write `<=`"),
    (&['≥'], "write `>=`"),
    (&['≠', '!', '~'], "write `!=` to compare"),
    (&['∥', '‖', '∣'], "write `|` for the scalar product"),
    (&['.'], "operations are written as functions: `Sqrt(x)`, not `x.sqrt()`"),
    (&['"', '\'', '“', '”', '‘', '’'], "names and options are written without quotes"),
    (&['\\'], "inside brackets a formula goes on in the next line by itself"),
    (&['&'], "write `*` to combine conditions"),
    (&['\u{a0}', '\u{200b}', '\u{3000}'], "this is an invisible character; write a plain blank"),
];

/// All tokens of a text from byte `start` on, line ends included, and what could not be read.
pub fn tokenize(text: &str, start: usize) -> (Vec<Spanned<'_>>, Vec<SyntaxError>) {
    let mut tokens = Vec::with_capacity((text.len() - start) / 3);
    let mut errors = Vec::new();
    let mark = if text[start..].starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut position = start + mark;
    while let Some(first) = text[position..].chars().next() {
        let rest = &text[position..];
        let length = match first {
            ' ' | '\t' | '\r' | '\u{c}' => {
                position += 1;
                continue;
            }
            '#' => {
                position += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => word_length(rest),
            '0'..='9' => number_length(rest),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number_length(rest),
            '"' | '\'' => quoted_length(rest, first),
            _ => punctuation(rest).map_or(first.len_utf8(), |(written, _)| written.len()),
        };
        let span = Span { start: position as u32, end: (position + length) as u32 };
        let token = read_token(&rest[..length], span).unwrap_or_else(|error| {
            errors.push(error);
            Token::Bad
        });
        tokens.push((span.start, token, span.end));
        position += length;
    }
    (tokens, errors)
}

fn read_token(written: &str, span: Span) -> Result<Token<'_>, SyntaxError> {
    if written.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Ok(Token::Name(written));
    }
    if let Some((_, token)) = punctuation(written) {
        return Ok(Token::Punctuation(token));
    }
    if written.starts_with(|c: char| c.is_ascii_digit() || c == '.' && written.len() > 1) {
        return read_number(written).map_err(|why| bad_number(written, why, span));
    }
    match written.strip_prefix(['"', '\'']) {
        Some(rest) if !rest.is_empty() => Ok(Token::Quoted(&rest[..rest.len() - 1])),
        _ => Err(bad_character(written, span)),
    }
}

fn punctuation(rest: &str) -> Option<(&'static str, &'static str)> {
    PUNCTUATION.iter().find(|(written, _)| rest.starts_with(written)).copied()
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// The length of a quoted text, so that it is reported once; of the quote alone if no other follows in the line.
fn quoted_length(rest: &str, quote: char) -> usize {
    let line = rest.lines().next().unwrap_or(rest);
    line[1..].find(quote).map_or(1, |length| length + 2)
}

/// The length of a number together with all letters that are glued to it, so that `2x` is reported as a whole.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let sign_of_exponent = matches!(byte, b'+' | b'-')
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes[..length - 1].iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || sign_of_exponent) {
            break;
        }
        length += 1;
    }
    length
}

/// Why a number cannot be read.
enum NumberProblem {
    Form,
    Size,
}

fn read_number(written: &str) -> Result<Token<'_>, NumberProblem> {
    let well_formed = written.bytes().all(|b| b.is_ascii_digit() || b"._eE+-".contains(&b))
        && !written.ends_with('_')
        && !written.contains("__");
    if !well_formed {
        return Err(NumberProblem::Form);
    }
    let digits = written.replace('_', "");
    if let Ok(integer) = digits.parse() {
        return Ok(Token::Integer(integer));
    }
    match digits.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Token::Float(float)),
        Ok(_) => Err(NumberProblem::Size),
        Err(_) => Err(NumberProblem::Form),
    }
}

fn bad_number(written: &str, why: NumberProblem, span: Span) -> SyntaxError {
    let shown = shorten(written);
    let error = SyntaxError::new(
        SyntaxErrorCode::BadNumber,
        span,
        match why {
            NumberProblem::Form => format!("`{shown}` is not a number"),
            NumberProblem::Size => format!("`{shown}` is too large for a floating-point number"),
        },
    );
    let split = written.find(|c: char| c.is_ascii_alphabetic() || c == '_').unwrap_or(0);
    let (number, name) = written.split_at(split);
    match why {
        NumberProblem::Size => error.with_help("numbers reach up to about 1.8e308"),
        NumberProblem::Form if read_number(number).is_ok() && written.len() < 40 && !name.contains('.') => {
            error.with_help(format!("write `{number} * {name}` for a product; numbers have no suffix"))
        }
        NumberProblem::Form => error.with_help("numbers are written like `3`, `0.5` or `1e-3`"),
    }
}

/// What is said of a text whose first character has no meaning where it stands.
pub fn bad_character(written: &str, span: Span) -> SyntaxError {
    let character = written.chars().next().unwrap_or(' ');
    let shown = if character.is_control() || character.is_whitespace() || character == '\u{200b}' {
        format!("U+{:04X}", character as u32)
    } else {
        format!("`{character}`")
    };
    let error = SyntaxError::new(SyntaxErrorCode::BadCharacter, span, format!("{shown} has no meaning in a formula"));
    match INSTEAD.iter().find(|(characters, _)| characters.contains(&character)) {
        Some((_, help)) => error.with_help(*help),
        None if character.is_alphabetic() => error.with_help("names are made of the letters a-z, A-Z, digits and `_`"),
        None => error,
    }
}

fn shorten(written: &str) -> String {
    if written.len() <= 40 { written.to_owned() } else { format!("{}…", &written[..40]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>]) {
        let (tokens, errors) = tokenize(text, 0);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(tokens.iter().map(|t| t.1).collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_error(text: &str, message: &str, help: Option<&str>) {
        let (tokens, errors) = tokenize(text, 0);
        assert!(tokens.iter().any(|t| t.1 == Token::Bad));
        assert_eq!(errors.len(), 1);
        assert_eq!((errors[0].message.as_str(), errors[0].help.as_deref()), (message, help));
    }

    #[test]
    fn numbers() {
        check("3", &[Token::Integer(3)]);
        check("1_000", &[Token::Integer(1000)]);
        check("9223372036854775807", &[Token::Integer(i64::MAX)]);
        check("9223372036854775808", &[Token::Float(9223372036854775808.0)]);
        check(".5", &[Token::Float(0.5)]);
        check("1.", &[Token::Float(1.0)]);
        check("1e-3", &[Token::Float(1e-3)]);
        check("2.5E+2", &[Token::Float(250.0)]);
        check("1-2", &[Token::Integer(1), Token::Punctuation("-"), Token::Integer(2)]);
    }

    #[test]
    fn quoted_texts() {
        check("\"a'b\" 'c \"d' ''", &[Token::Quoted("a'b"), Token::Quoted("c \"d"), Token::Quoted("")]);
        check("\"σ#;\"\n", &[Token::Quoted("σ#;"), Token::Punctuation("\n")]);
        let help = "names and options are written without quotes";
        check_error("\"\n", "`\"` has no meaning in a formula", Some(help));
    }

    #[test]
    fn numbers_that_are_none() {
        check_error("2x", "`2x` is not a number", Some("write `2 * x` for a product; numbers have no suffix"));
        check_error("1.5f", "`1.5f` is not a number", Some("write `1.5 * f` for a product; numbers have no suffix"));
        check_error("1.2.3", "`1.2.3` is not a number", Some("numbers are written like `3`, `0.5` or `1e-3`"));
        check_error("1e", "`1e` is not a number", Some("write `1 * e` for a product; numbers have no suffix"));
        check_error(
            "1e999",
            "`1e999` is too large for a floating-point number",
            Some("numbers reach up to about 1.8e308"),
        );
    }

    #[test]
    fn characters() {
        check("a^2#b\n", &[Token::Name("a"), Token::Punctuation("**"), Token::Integer(2), Token::Punctuation("\n")]);
        check("\u{feff}a\r\n", &[Token::Name("a"), Token::Punctuation("\n")]);
        check_error("a − b", "`−` has no meaning in a formula", Some("write `-`"));
        check_error("$", "`$` has no meaning in a formula", None);
        check_error("\0", "U+0000 has no meaning in a formula", None);
        check_error(
            "σ",
            "`σ` has no meaning in a formula",
            Some("names are made of the letters a-z, A-Z, digits and `_`"),
        );
        check_error(
            "x.sqrt",
            "`.` has no meaning in a formula",
            Some("operations are written as functions: `Sqrt(x)`, not `x.sqrt()`"),
        );
    }
}
