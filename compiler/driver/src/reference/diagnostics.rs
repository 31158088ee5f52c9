//! The page of diagnostics: the table of codes, with what the compiler says of each row's wrong example.

use keopsc_diagnostics::{Code, Diagnostic, Source, render};
use keopsc_passes::resolve::Options;

use super::words::table;
use crate::failure::Failure;
use crate::formula::Formula;
use crate::session;

/// What the compiler calls the examples: the name that `keopsc check formula.kf` would show.
const NAME: &str = "formula.kf";

/// The first characters of the codes of one kind, and what these have in common.
const KINDS: [(&str, &str); 4] = [("E01", "Syntax"), ("E02", "Meaning"), ("W", "Warnings"), ("E03", "Files and tools")];

const INTRODUCTION: &str = "\
# Diagnostics

<!-- `keopsc ops --markdown diagnostics` prints this page from the compiler's tables. -->

Everything that the compiler can say about a formula, a file or a tool has a code, which never changes its meaning. `keopsc explain E0205` prints a row of this
page; with `--message-format json` errors come as one JSON object a line, with their codes and places. What libraries say of wrong calls has
no code but a status and a message: [abi.md](abi.md).

An error stands where the mistake is, with the places that it is about and, where one is known, a remedy. All errors of a text are shown, not the first alone.
Exit codes are 1 for errors in a formula, 2 for wrong usage and for what stands in the way (E03), and 70 for a defect of keopsc.
";

/// The page of diagnostics.
pub fn diagnostics() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (kind, heading) in KINDS {
        text += &format!("\n## {heading}\n\n");
        let rows = codes(kind)
            .map(|code| vec![format!("[{code}](#{})", code.as_str().to_lowercase()), code.title().to_owned()]);
        let head = vec!["code".to_owned(), "what it says".to_owned()];
        text += &table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
        text += &codes(kind).map(entry).collect::<String>();
    }
    text
}

fn codes(kind: &str) -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(move |code| code.as_str().starts_with(kind))
}

fn entry(code: Code) -> String {
    let examples = match (code.wrong_example(), code.right_example()) {
        ("", _) => String::new(),
        (wrong, right) if code.as_str().starts_with("E03") => commands(wrong, right),
        (wrong, right) => formulas(wrong, right),
    };
    format!("\n### {code}\n\n**{}.** {}\n{examples}", code.title(), code.why())
}

fn commands(wrong: &str, right: &str) -> String {
    format!(
        "\n```sh not run: what fails depends on the machine\n{wrong}\n```\n\nInstead:\n\n```sh not run: the same\n{right}\n```\n"
    )
}

fn formulas(wrong: &str, right: &str) -> String {
    let fails = if check(wrong).is_err() { " fails" } else { "" };
    // Examples of syntax may be parts of files.
    let part = if check(right).is_ok() { "" } else { " not run: a part of a file" };
    format!(
        "\n```kf{fails}\n{wrong}\n```\n\n```text output\n{}```\n\nInstead:\n\n```kf{part}\n{right}\n```\n",
        said(wrong)
    )
}

/// Warnings, or errors, with the text that they are about.
fn check(text: &str) -> Result<(Source, Vec<Diagnostic>), (Source, Vec<Diagnostic>)> {
    let formula = Formula::from_text(NAME, &format!("{text}\n"))?;
    match session::check(&formula, &Options::default()) {
        Ok(warnings) => Ok((formula.source, warnings)),
        Err(Failure::Source(errors)) => Err((formula.source, errors)),
        Err(Failure::Environment(_) | Failure::Internal(_)) => Err((formula.source, Vec::new())),
    }
}

fn said(text: &str) -> String {
    let (Ok((source, found)) | Err((source, found))) = check(text);
    format!("{}\n", render(&source, &found, false).trim_end())
}
