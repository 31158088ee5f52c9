//! Whole diagnostics as the user sees them.

use keopsc_diagnostics::{Code, Diagnostic, Source, render, to_json};
use keopsc_grammar::syntax::Span;
use serde_json::json;

fn source(text: &str) -> Source {
    Source::new("gauss.kf", text)
}

/// The place of a piece of the text.
fn span_of(text: &str, piece: &str) -> Span {
    let start = text.find(piece).expect("the piece is in the text");
    Span { start: start as u32, end: (start + piece.len()) as u32 }
}

#[track_caller]
fn check(text: &str, diagnostics: &[Diagnostic], expected: &str) {
    let rendered = render(&source(text), diagnostics, false);
    assert_eq!(rendered, expected, "\n{rendered}");
}

const TEXT: &str = "x = Vi(3)\ny = Vj(2)\nout f = Sum[j](SqDist(x, y))\n";

fn mismatch() -> Diagnostic {
    Diagnostic::error(Code::DimensionMismatch, span_of(TEXT, "SqDist(x, y)"), "`x` has 3 components, `y` has 2")
        .with_label(span_of(TEXT, "SqDist(x, y)"), "takes values of equal dimension")
        .with_label(span_of(TEXT, "Vj(2)"), "`y` is declared here")
        .with_help("declare both with the same dimension")
}

#[test]
fn an_error_with_labels_and_help() {
    check(
        TEXT,
        &[mismatch()],
        "\
error[E0205]: `x` has 3 components, `y` has 2
  --> gauss.kf:3:16
  |
2 | y = Vj(2)
  |     ----- `y` is declared here
3 | out f = Sum[j](SqDist(x, y))
  |                ^^^^^^^^^^^^ takes values of equal dimension
  |
  = help: declare both with the same dimension

",
    );
}

#[test]
fn several_errors_of_a_file() {
    let text = "K = Exp(-x\nout f = Sum[j](K +)\n3 = x\n";
    let diagnostics: Vec<_> = keopsc_grammar::parse_file(text).1.into_iter().map(Diagnostic::from).collect();
    check(
        text,
        &diagnostics,
        "\
error[E0102]: this `(` is never closed
  --> gauss.kf:1:8
  |
1 | K = Exp(-x
  |        ^

error[E0101]: expected an expression after `+`, found `)`
  --> gauss.kf:2:19
  |
2 | out f = Sum[j](K +)
  |                   ^

error[E0101]: expected a statement, found `3`
  --> gauss.kf:3:1
  |
3 | 3 = x
  | ^

",
    );
}

#[test]
fn a_warning() {
    let text = "K = 1";
    check(
        text,
        &[Diagnostic::warning(Code::UnusedDefinition, span_of(text, "K"), "`K` is never used")],
        "\
warning[W0201]: `K` is never used
  --> gauss.kf:1:1
  |
1 | K = 1
  | ^

",
    );
}

#[test]
fn a_mistake_that_is_nowhere_in_the_text() {
    let diagnostic =
        Diagnostic::error(Code::NoOutput, Span::default(), "this file has no `out`").with_help("write `out f = …`");
    check("", &[diagnostic], "error[E0209]: this file has no `out`\n = help: write `out f = …`\n\n");
}

#[test]
fn characters_that_are_wide_or_hidden() {
    let text = "# σ\u{1b}[31m\r\n\tK\t= é😀 $";
    let diagnostic = Diagnostic::error(Code::BadCharacter, span_of(text, "$"), "a\u{1b}b")
        .with_label(span_of(text, "\u{1b}"), "hidden");
    check(
        text,
        &[diagnostic],
        "\
error[E0107]: a b
  --> gauss.kf:2:9
  |
1 | # σ [31m 
  |    - hidden
2 |     K   = é😀 $
  |               ^

",
    );
}

#[test]
fn places_outside_the_text_do_no_harm() {
    let beyond = Span { start: 90, end: 95 };
    let reversed = Span { start: 3, end: 1 };
    let split = Span { start: 1, end: 2 };
    for span in [beyond, reversed, split] {
        let diagnostic = Diagnostic::error(Code::UnknownName, span, "nobody knows");
        assert!(
            render(&source("é = é"), std::slice::from_ref(&diagnostic), false)
                .starts_with("error[E0201]: nobody knows\n  --> gauss.kf:1:")
        );
        assert_eq!(to_json(&source("é = é"), &diagnostic)["line"], 1);
    }
}

#[test]
fn colours_change_no_letter() {
    let colored = render(&source(TEXT), &[mismatch()], true);
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    assert!(colored.len() > plain.len());
    assert_eq!(plain + rest, render(&source(TEXT), &[mismatch()], false));
}

#[test]
fn as_json() {
    assert_eq!(
        to_json(&source(TEXT), &mismatch()),
        json!({
            "severity": "error",
            "code": "E0205",
            "message": "`x` has 3 components, `y` has 2",
            "file": "gauss.kf",
            "line": 3, "column": 16, "end_line": 3, "end_column": 28,
            "labels": [
                {
                    "text": "takes values of equal dimension", "primary": true, "file": "gauss.kf",
                    "line": 3, "column": 16, "end_line": 3, "end_column": 28,
                },
                {
                    "text": "`y` is declared here", "primary": false, "file": "gauss.kf",
                    "line": 2, "column": 5, "end_line": 2, "end_column": 10,
                },
            ],
            "help": "declare both with the same dimension",
        })
    );
    let nowhere = to_json(&source(TEXT), &Diagnostic::error(Code::NoOutput, Span::default(), "this file has no `out`"));
    assert_eq!((&nowhere["line"], &nowhere["labels"], &nowhere["help"]), (&json!(null), &json!([]), &json!(null)));
    assert_eq!(nowhere["file"], "gauss.kf");
}

#[test]
fn places_in_two_files() {
    let mut source = Source::new("gauss.kf", "use \"é.kf\"\nout f = Sum[j](K(x))");
    let start = source.add("lib/é.kf", "# é\ndef K(x) = x + $\n") as u32;
    let at = |piece: &str| {
        let span = span_of(source.text(), piece);
        assert_eq!(span.start >= start, piece == "$");
        span
    };
    let diagnostic = Diagnostic::error(Code::BadCharacter, at("$"), "no").with_label(at("K(x)"), "used here");
    assert_eq!(
        render(&source, std::slice::from_ref(&diagnostic), false),
        "\
error[E0107]: no
  --> lib/é.kf:2:16
  |
2 | def K(x) = x + $
  |                ^
  |
  --> gauss.kf:2:16
  |
2 | out f = Sum[j](K(x))
  |                ---- used here

"
    );
    let json = to_json(&source, &diagnostic);
    assert_eq!((&json["file"], &json["line"], &json["column"]), (&json!("lib/é.kf"), &json!(2), &json!(16)));
    let label = &json["labels"][1];
    assert_eq!((&label["file"], &label["line"], &label["column"]), (&json!("gauss.kf"), &json!(2), &json!(16)));
    // The end of a text is in that text.
    let end = Diagnostic::error(Code::UnknownName, Span { start: start - 1, end: start - 1 }, "nobody knows");
    assert!(render(&source, &[end], false).contains("  --> gauss.kf:2:21\n"));
}
