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
use codespan_reporting::files::{Error, SimpleFiles};
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{Chars, Config, Styles, StylesWriter, emit_to_io_write, emit_to_write_style};
use keopsc_grammar::syntax::Span;

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::Source;

/// All diagnostics with their places in the source, in the order given, each followed by an empty line.
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let mut files = SimpleFiles::new();
    for (name, text) in source.files() {
        files.add(printable(name), printable(text));
    }
    diagnostics.iter().map(|diagnostic| render_one(source, &files, diagnostic, color)).collect()
}

fn render_one(source: &Source, files: &SimpleFiles<String, String>, diagnostic: &Diagnostic, color: bool) -> String {
    let report = report(source, diagnostic);
    let mut bytes = Vec::new();
    match emit(&mut bytes, files, &report, color) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => without_places(diagnostic),
    }
}

fn emit(
    bytes: &mut Vec<u8>,
    files: &SimpleFiles<String, String>,
    report: &Report<usize>,
    color: bool,
) -> Result<(), Error> {
    let config = Config { chars: Chars::ascii(), ..Config::default() };
    if !color {
        return emit_to_io_write(bytes, &config, files, report);
    }
    let styles = Styles::default();
    emit_to_write_style(&mut StylesWriter::new(Ansi::new(bytes), &styles), &config, files, report)
}

fn report(source: &Source, diagnostic: &Diagnostic) -> Report<usize> {
    let severity = match diagnostic.severity {
        Severity::Error => ReportSeverity::Error,
        Severity::Warning => ReportSeverity::Warning,
    };
    Report::new(severity)
        .with_code(diagnostic.code.as_str())
        .with_message(printable(&diagnostic.message))
        .with_labels(diagnostic.labels.iter().map(|label| report_label(source, label)).collect())
        .with_notes(diagnostic.help.iter().map(|help| format!("help: {}", printable(help))).collect())
}

fn report_label(source: &Source, label: &Label) -> ReportLabel<usize> {
    let style = if label.primary { LabelStyle::Primary } else { LabelStyle::Secondary };
    let (file, range) = range_in(source, label.span);
    ReportLabel::new(style, file, range).with_message(printable(&label.text))
}

/// The file that a span begins in, and the span within its text, on the boundaries of characters.
fn range_in(source: &Source, span: Span) -> (usize, Range<usize>) {
    let (file, start) = source.locate(span.start);
    let text = source.file_text(file);
    let length = span.end.saturating_sub(span.start) as usize;
    (file, start..text.ceil_char_boundary(start + length).max(start))
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
