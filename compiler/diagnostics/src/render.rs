//! Diagnostics as text for a terminal.
//!
//! ```text
//! error[E0102]: this `(` is never closed
//!   --> gauss.kf:1:10
//!   |
//! 1 | out f = f(x
//!   |          ^
//! ```
//!
//! Control characters of the source are shown as blanks, so that a formula cannot write to the terminal.

use std::fmt::Write;
use std::iter::repeat_n;
use std::ops::Range;

use codespan_reporting::diagnostic::{
    Diagnostic as Report, Label as ReportLabel, LabelStyle, Severity as ReportSeverity,
};
use codespan_reporting::files::{Error, SimpleFile};
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{Chars, Config, Styles, StylesWriter, emit_to_io_write, emit_to_write_style};
use keopsc_grammar::syntax::Span;

use crate::diagnostic::{Diagnostic, Label, Severity, Source};

/// All diagnostics with their places in the source, in the order given, each followed by an empty line.
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let file = SimpleFile::new(printable(&source.name), printable(&source.text));
    diagnostics.iter().map(|diagnostic| render_one(&file, diagnostic, color)).collect()
}

fn render_one(file: &SimpleFile<String, String>, diagnostic: &Diagnostic, color: bool) -> String {
    let report = report(file.source(), diagnostic);
    let mut bytes = Vec::new();
    match emit(&mut bytes, file, &report, color) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => without_places(diagnostic),
    }
}

fn emit(bytes: &mut Vec<u8>, file: &SimpleFile<String, String>, report: &Report<()>, color: bool) -> Result<(), Error> {
    let config = Config { chars: Chars::ascii(), ..Config::default() };
    if !color {
        return emit_to_io_write(bytes, &config, file, report);
    }
    let styles = Styles::default();
    emit_to_write_style(&mut StylesWriter::new(Ansi::new(bytes), &styles), &config, file, report)
}

fn report(text: &str, diagnostic: &Diagnostic) -> Report<()> {
    let severity = match diagnostic.severity {
        Severity::Error => ReportSeverity::Error,
        Severity::Warning => ReportSeverity::Warning,
    };
    Report::new(severity)
        .with_code(diagnostic.code.as_str())
        .with_message(printable(&diagnostic.message))
        .with_labels(diagnostic.labels.iter().map(|label| report_label(text, label)).collect())
        .with_notes(diagnostic.help.iter().map(|help| format!("help: {}", printable(help))).collect())
}

fn report_label(text: &str, label: &Label) -> ReportLabel<()> {
    let style = if label.primary { LabelStyle::Primary } else { LabelStyle::Secondary };
    ReportLabel::new(style, (), range_in(text, label.span)).with_message(printable(&label.text))
}

/// The span within the text, on character boundaries.
fn range_in(text: &str, span: Span) -> Range<usize> {
    let start = text.floor_char_boundary(span.start as usize);
    start..text.ceil_char_boundary(span.end as usize).max(start)
}

/// The text with blanks for control characters, each character as many bytes as before so that places stay right.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => repeat_n(c, 1),
        _ if c.is_control() => repeat_n(' ', c.len_utf8()),
        _ => repeat_n(c, 1),
    };
    text.chars().flat_map(shown).collect()
}

fn without_places(diagnostic: &Diagnostic) -> String {
    let mut text = format!("error[{}]: {}\n", diagnostic.code.as_str(), printable(&diagnostic.message));
    if let Some(help) = &diagnostic.help {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  = help: {}", printable(help));
    }
    text + "\n"
}
