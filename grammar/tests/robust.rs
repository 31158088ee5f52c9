//! No text breaks the parser, and printing undoes parsing.

use keopsc_grammar::generate::{random_expression, random_file};
use keopsc_grammar::{
    MAXIMUM_LEVELS, MAXIMUM_NESTING, SyntaxErrorCode, parse_expression, parse_file, print_expression, print_file,
};
use proptest::prelude::*;

/// Pieces of which token soups are made.
const PIECES: &[&str] = &[
    "x",
    "Sum",
    "j",
    "out ",
    "dim ",
    "def ",
    "fused ",
    "dtype ",
    "numerics ",
    "a = ",
    "K=",
    "3",
    "0.5",
    "1e-3",
    "2x",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "=",
    "==",
    "<",
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "^",
    ";",
    "\n",
    " ",
    "# c\n",
    "$",
    "é",
    "f(",
    "Sum[j](",
    "out a = Sum[j](x)\n",
    "fused v {\n",
];

/// The parser returns, and what it keeps prints to text that it reads again without a mistake.
fn survives(text: &str) {
    let (file, errors) = parse_file(text);
    for error in &errors {
        assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len(), "{error:?}");
        assert!(text.is_char_boundary(error.span.start as usize) && text.is_char_boundary(error.span.end as usize));
    }
    assert_eq!(parse_file(&print_file(&file)), (file, Vec::new()));
    if let Ok(expr) = parse_expression(text) {
        assert_eq!(parse_expression(&print_expression(&expr)), Ok(expr));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_undoes_parsing(seed: u64) {
        let file = random_file(seed);
        let printed = print_file(&file);
        prop_assert_eq!(parse_file(&printed), (file, Vec::new()), "{}", printed);
    }

    #[test]
    fn printing_an_expression_undoes_parsing(seed: u64, levels in 1..6_u32) {
        let expr = random_expression(seed, levels);
        let printed = print_expression(&expr);
        prop_assert_eq!(parse_expression(&printed), Ok(expr), "{}", printed);
    }

    #[test]
    fn random_text(text in "\\PC{0,80}") {
        survives(&text);
    }

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn token_soup(pieces in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        survives(&pieces.into_iter().map(|piece| PIECES[piece]).collect::<String>());
    }
}

fn code_of(text: &str) -> Option<SyntaxErrorCode> {
    survives(&format!("a = {text}"));
    parse_expression(text).err().map(|error| error.code)
}

#[test]
fn brackets_within_brackets() {
    for (open, close) in [("(", ")"), ("f(", ")"), ("[", "]"), ("x[", "]"), ("-f(", ")"), ("Sum[j](", ")")] {
        let nested = |count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
        assert_eq!(code_of(&nested(MAXIMUM_NESTING)), None, "{open}");
        assert_eq!(code_of(&nested(MAXIMUM_NESTING + 1)), Some(SyntaxErrorCode::TooDeep), "{open}");
        assert_eq!(code_of(&nested(5_000)), Some(SyntaxErrorCode::TooDeep), "{open}");
        assert_eq!(code_of(&open.repeat(5_000)), Some(SyntaxErrorCode::TooDeep), "{open}");
    }
}

#[test]
fn operators_within_operators() {
    for (piece, last) in [("-", "a"), ("a+", "a"), ("a**", "a"), ("a*", "a"), ("a|", "a"), ("a**-", "a")] {
        let levels_each = piece.len() - piece.matches("**").count() - usize::from(piece.starts_with('a'));
        let fitting = (MAXIMUM_LEVELS - 1) / levels_each;
        assert_eq!(code_of(&(piece.repeat(fitting) + last)), None, "{piece}");
        assert_eq!(code_of(&(piece.repeat(fitting + 1) + last)), Some(SyntaxErrorCode::TooDeep), "{piece}");
        assert_eq!(code_of(&(piece.repeat(5_000) + last)), Some(SyntaxErrorCode::TooDeep), "{piece}");
    }
    assert_eq!(code_of(&("a".to_owned() + &"[1]".repeat(5_000))), Some(SyntaxErrorCode::TooDeep));
}

#[test]
fn braces_within_braces() {
    survives(&"fused a {".repeat(5_000));
    survives(&"}".repeat(5_000));
    survives(&"({[".repeat(5_000));
    survives(&")}]".repeat(5_000));
}

#[test]
fn long_texts() {
    survives(&"out a = f(x\n".repeat(5_000));
    survives(&"a b c d ".repeat(5_000));
    survives(&format!("a = ({}", "(b ".repeat(5_000)));
    survives(&format!("a = {}", "9".repeat(5_000)));
    survives(&"a = 1\n".repeat(5_000));
    let too_long = " ".repeat(keopsc_grammar::MAXIMUM_BYTES + 1);
    assert_eq!(parse_file(&too_long).1.first().map(|error| error.code), Some(SyntaxErrorCode::TooLong));
    assert_eq!(parse_expression(&too_long).map_err(|error| error.code), Err(SyntaxErrorCode::TooLong));
}
