//! A diagnostic as JSON, for editors and for the bindings.
//!
//! Lines and columns count from 1, columns in characters; an end is the column after the last character.

use keopsc_grammar::syntax::Span;
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Source;

/// The diagnostic as a JSON object. Without a place in the text, `line` and its siblings are null, and `file` is that of the formula.
pub fn to_json(source: &Source, diagnostic: &Diagnostic) -> Value {
    let mut object = json!({
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "code": diagnostic.code.as_str(),
        "message": diagnostic.message,
        "help": diagnostic.help,
    });
    add_place(&mut object, source, diagnostic.primary_span());
    let labels = diagnostic.labels.iter().map(|label| {
        let mut object = json!({ "text": label.text, "primary": label.primary });
        add_place(&mut object, source, Some(label.span));
        object
    });
    object["labels"] = labels.collect();
    object
}

fn add_place(object: &mut Value, source: &Source, span: Option<Span>) {
    let start = span.map(|span| source.locate(span.start));
    let end = span.map(|span| source.locate(span.end));
    let file = start.map_or(0, |(file, _)| file);
    let [start, end] =
        [start, end].map(|place| place.map(|(file, offset)| line_and_column(source.file_text(file), offset)));
    object["file"] = json!(source.file_name(file));
    object["line"] = json!(start.map(|place| place.0));
    object["column"] = json!(start.map(|place| place.1));
    object["end_line"] = json!(end.map(|place| place.0));
    object["end_column"] = json!(end.map(|place| place.1));
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line = before.rfind('\n').map_or(before, |newline| &before[newline + 1..]);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
