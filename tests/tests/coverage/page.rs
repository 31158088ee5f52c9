//! The table as Markdown.

use keopsc_ops::{catalogue, reductions};

use super::verdict::{Verdict, Verdicts};

/// A row: its name, what each of its cases found, and what is said of it.
pub struct Row {
    pub name: &'static str,
    pub all: Verdicts,
    /// Each case by itself: kinds of arguments and parameters of an operation, the two directions of a reduction.
    pub cases: Vec<Verdicts>,
    /// Whether it works on complex numbers.
    pub is_complex: bool,
}

/// A heading and the rows under it.
pub type Family = (&'static str, Vec<Row>);

/// What is said below the tables, in the order of its numbers.
type Notes = Vec<String>;

/// The whole page.
pub fn page(operations: &[Family], reductions: &[Family]) -> String {
    let mut notes = Notes::new();
    let mut text = introduction(operations, reductions);
    text.push_str("\n## Operations\n");
    for (heading, rows) in operations {
        text.push_str(&format!("\n### {heading}\n\n{OPERATION_HEAD}"));
        text.extend(rows.iter().map(|row| operation_line(row, &mut notes)));
    }
    text.push_str(&format!("\n## Reductions\n\n{REDUCTION_HEAD}"));
    text.extend(reductions.iter().flat_map(|(_, rows)| rows).map(|row| reduction_line(row, &mut notes)));
    text.push_str("\n## Notes\n\n");
    text.extend((1..).zip(&notes).map(|(number, note)| format!("{number}. {note}\n")));
    text
}

const OPERATION_HEAD: &str = "\
| operation | value | gradient | second gradient | forward | float32 | float64 | complex | calls |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";
const REDUCTION_HEAD: &str = "\
| reduction | value | gradient | second gradient | forward | float32 | float64 | [j] | [i] |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

fn introduction(operations: &[Family], reductions: &[Family]) -> String {
    let count = |families: &[Family]| families.iter().map(|(_, rows)| rows.len()).sum::<usize>();
    format!(
        "\
# What is covered

<!-- `BLESS=1 cargo test -p keopsc-tests --test coverage` writes this page. -->

All {} operations and all {} reductions, each compiled and run inside reductions of formulas of i, j and parameters, for several kinds of
arguments and parameters. A test makes this table from the compiler's own tables: a cell says `yes` only where the comparison was made and
passed, and the test fails where one fails.

| column | compiled code | is compared with |
| --- | --- | --- |
| value | in float64 | the reference interpreter, on the formula as written |
| gradient, forward | in float64, with respect to every argument, in random directions | central differences of the interpreter's value |
| second gradient | in float64, of the gradients with random weights, with respect to every argument | central differences of the interpreter's gradients |
| float64 | value and derivatives | the interpreter, to ten digits |
| float32 | value and derivatives | those in float64, to {} times what one unit in the last place of all inputs makes of the result |
| complex | the gradient, as that of the pairs of real numbers | central differences |
| calls | of the operation: with what dimensions and parameters it was tried | |
| [j], [i] | all of it, with the reduction over j and over i | |

`0`: the derivative is zero, as that of a constant, a step or, the second time, of something linear; compiled code gives exactly zeros and so do
differences. `-`: there is nothing to compare: no complex numbers, or see the note.
",
        count(operations),
        count(reductions),
        super::verdict::FLOAT32
    )
}

fn operation_line(row: &Row, notes: &mut Notes) -> String {
    let complex = match (row.is_complex, row.all.gradient) {
        (true, gradient) => cell(gradient),
        (false, _) => "-",
    };
    let line = common(row, notes);
    format!("{line} {complex} | {} |\n", row.cases.len())
}

fn reduction_line(row: &Row, notes: &mut Notes) -> String {
    let directions: Vec<&str> = row.cases.iter().map(|case| cell(case.float64.max(case.float32))).collect();
    format!("{} {} |\n", common(row, notes), directions.join(" | "))
}

fn common(row: &Row, notes: &mut Notes) -> String {
    let all = &row.all;
    let without = noted(without_derivatives(row), notes);
    let derivatives = [all.gradient, all.second, all.forward].map(|verdict| match verdict {
        Verdict::Nothing | Verdict::Refused => format!("{}{without}", cell(verdict)),
        verdict => cell(verdict).to_owned(),
    });
    let (value, float32, float64) = (cell(all.value), cell(all.float32), cell(all.float64));
    format!("| {} | {value} | {} | {float32} | {float64} |", row.name, derivatives.join(" | "))
}

/// The number of a note, which is added where it is new.
fn noted(note: Option<String>, notes: &mut Notes) -> String {
    let Some(note) = note else { return String::new() };
    let number = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    format!(" ({})", number + 1)
}

fn cell(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Nothing => "-",
        Verdict::Zero => "0",
        Verdict::Yes => "yes",
        Verdict::Refused => "no",
        Verdict::Wrong => "WRONG",
    }
}

/// Why there are no derivatives to compare.
fn without_derivatives(row: &Row) -> Option<String> {
    match row.all.gradient {
        Verdict::Refused => Some("The compiler refuses the derivative, with an error that says so.".to_owned()),
        Verdict::Nothing if reductions::find_reduction(row.name).is_some() && !takes_no_formula(row.name) => {
            Some("Its results are row numbers, which jump, so that they have no derivative.".to_owned())
        }
        Verdict::Nothing => Some("It takes no formula, so that there is nothing to differentiate.".to_owned()),
        _ => None,
    }
}

/// Whether an operation of that name has integer parameters only.
fn takes_no_formula(name: &str) -> bool {
    let signature = catalogue::find_operation(name).map(catalogue::signature);
    signature.is_some_and(|signature| signature.arguments.is_empty())
}
