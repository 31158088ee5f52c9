//! The page of operations.

use keopsc_ops::OperationId;
use keopsc_ops::catalogue::{self, EarlyLaw, Operation, Value, When, families};

use super::Page;
use super::application::{Application, applications, numbers};
use super::chosen::CHOSEN;
use super::edges::{ONE, edges, inputs};
use super::example::Example;
use super::signature::dimensions;
use super::words::{contents, listed, vector};

/// Recipes longer than this are folded away, and those longer still are left out.
const LONG: usize = 110;
const VERY_LONG: usize = 700;

/// More laws than this are folded away.
const FEW: usize = 4;

/// The page of operations.
pub fn operations() -> Page {
    let mut examples = Vec::new();
    let contents =
        contents(families().map(|(heading, rows)| (heading, rows.iter().map(|(_, row)| row.name).collect())));
    let mut text = format!("{INTRODUCTION}{contents}");
    for (heading, rows) in families() {
        text.push_str(&format!("\n## {heading}\n"));
        for (id, row) in rows {
            text.push_str(&entry(id, row, &mut examples));
        }
    }
    Page { text, examples }
}

const INTRODUCTION: &str = "\
# Operations

<!-- `keopsc ops --markdown operations` prints this page from the compiler's tables. -->

Every operation of the formula language. All work on the values of one pair of rows: vectors of numbers, of which a number is one of one
component. In an example, `(1, 2)` is such a vector, the value of an input or a formula. All results here were computed by the compiler's
reference interpreter as the page was made, in float64, and are shown with six digits.

A *gradient* is the formula of the cotangent of an argument, where `e` is that of the value and `out` the value itself; an example shows
it for an `e` of ones. Where an operation *stands for* a formula, its derivatives are those of that formula. A *law* says what the compiler replaces
by what; `c` and `d` in it are constants. At ±inf, nan and ±0 the operations that work component by component have tables.
The *error* is that of code for CPUs, in units in the last place (ULP) in float32 and float64; [ulp.md](ulp.md) has the largest one over all float32
arguments.

";

fn entry(id: OperationId, row: &Operation, examples: &mut Vec<Example>) -> String {
    let mut text = format!("\n### {}\n\n`{}`", row.name, row.signature);
    if !row.aliases.is_empty() {
        let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        text.push_str(&format!(", also called {}", listed(&aliases)));
    }
    text.push_str(&format!("\n\n{}\n\n", row.doc));
    text.push_str(&format!("- {}\n", capital(&dimensions(row.signature))));
    text.push_str(&value(row));
    for (argument, formula) in row.gradient {
        text.push_str(&format!("- Gradient in `{argument}`: `{formula}`\n"));
    }
    text.push_str(&laws(row));
    if row.ulp > 0.0 && row.ulp.is_finite() {
        text.push_str(&format!("- Error: at most {} ULP\n", row.ulp));
    }
    text.push_str(&example(id, examples).unwrap_or_default());
    if let Some((table, computed)) = edges(id) {
        text.push_str(&format!("\n{table}"));
        examples.extend(computed);
    }
    text
}

fn value(row: &Operation) -> String {
    match row.value {
        Value::Recipe(recipe) if recipe.len() > VERY_LONG => {
            format!("- Component `k`: a long expression, which `keopsc ops {}` prints\n", row.name)
        }
        Value::Recipe(recipe) if recipe.len() > LONG => {
            format!(
                "- <details><summary>Component <code>k</code></summary><code>{}</code></details>\n",
                escaped(recipe)
            )
        }
        Value::Recipe(recipe) => format!("- Component `k`: `{recipe}`\n"),
        Value::Expansion([("", formula)]) => format!("- Stands for `{formula}`\n"),
        Value::Expansion(cases) => cases.iter().map(|(condition, formula)| case(condition, formula)).collect(),
        Value::Written(_) => {
            "- Stands for a formula that depends on its arguments' dimensions and parameters\n".to_owned()
        }
    }
}

fn case(condition: &str, formula: &str) -> String {
    match condition {
        "" => format!("- Else stands for `{formula}`\n"),
        condition => format!("- Where `{condition}`, stands for `{formula}`\n"),
    }
}

fn early_law(law: &EarlyLaw) -> String {
    let when = match law.when {
        When::Always => String::new(),
        When::Nonnegative(name) => format!(" if `{name}` cannot be negative"),
        When::HasRoot(name) => format!(" if the square of `{name}` is simpler"),
    };
    format!("- Before derivatives are formed: `{}` → `{}`{when}\n", law.left, law.right)
}

fn laws(row: &Operation) -> String {
    let when = |conditions: &[&str]| match conditions {
        [] => String::new(),
        conditions => format!(" if `{}`", conditions.join("`, `")),
    };
    let written = row.laws.iter().map(|law| format!("`{}` → `{}`{}", law.left, law.right, when(law.when)));
    let mut laws: Vec<String> = written.collect();
    if row.commutative {
        laws.push("its arguments may be exchanged".to_owned());
    }
    let mut text: String = row.early_laws.iter().map(early_law).collect();
    text += &match laws.len() {
        0 => String::new(),
        count @ 1..=FEW => format!("- Law{}: {}\n", if count == 1 { "" } else { "s" }, laws.join("; ")),
        count => {
            let items: String = laws.iter().map(|law| format!("  - {law}\n")).collect();
            format!("- <details><summary>{count} laws</summary>\n\n{items}\n  </details>\n")
        }
    };
    if !row.linear_in.is_empty() {
        let arguments: Vec<String> = row.linear_in.iter().map(|argument| format!("`{argument}`")).collect();
        text.push_str(&format!("- Linear in {}\n", listed(&arguments)));
    }
    text + &row.complex.iter().filter_map(complex_form).collect::<String>()
}

/// What an operation means where numbers are complex; nothing where all are real.
pub(super) fn complex_form((kinds, formula): &(&str, &str)) -> Option<String> {
    if !kinds.contains('z') {
        return None;
    }
    let word = |kind: &str| if kind == "z" { "complex" } else { "real" };
    let (arguments, result) = kinds.split_once("->")?;
    let arguments: Vec<&str> = arguments.split_whitespace().map(word).collect();
    let stands = if formula.is_empty() { String::new() } else { format!(": `{formula}`") };
    Some(format!("- Of complex inputs: {} to {}{stands}\n", arguments.join(" and "), word(result.trim())))
}

/// The value of one call, and the gradient where the value depends smoothly on something.
fn example(id: OperationId, examples: &mut Vec<Example>) -> Option<String> {
    let (application, values) = chosen(id)?;
    let given = inputs(&values);
    let names: Vec<String> = (0..values.len()).map(|number| format!("a{number}")).collect();
    let call = application.call(&names);
    let value = Example::compute(&given, &call, ONE).ok()?;
    let shown: Vec<String> = values.iter().map(|components| vector(components)).collect();
    let mut text = format!("\n```text\n{} = {}\n", application.call(&shown), vector(&value.results[0]));
    let ones = format!("SumT(1, {})", value.results[0].len());
    examples.push(value);
    let mut gradients = Vec::new();
    for (name, argument) in names.iter().zip(&catalogue::signature(id).arguments) {
        let gradient = Example::compute(&given, &format!("Grad({call}, {name}, {ones})"), ONE).ok()?;
        if gradient.results[0].iter().any(|component| *component != 0.0) {
            gradients.push(format!("{}: {}", argument.name, vector(&gradient.results[0])));
        }
        examples.push(gradient);
    }
    if !gradients.is_empty() {
        text.push_str(&format!("gradient  {}\n", gradients.join("  ")));
    }
    Some(text + "```\n")
}

fn chosen(id: OperationId) -> Option<(Application, Vec<Vec<f64>>)> {
    let name = catalogue::operation(id).name;
    if let Some((_, values, parameters)) = CHOSEN.iter().find(|(known, ..)| *known == name) {
        let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
        let dims = values.iter().map(|components| components.len() as u32).collect();
        let application = Application { operation: id, dims, parameters, dim: 0 };
        return Some((application, values.iter().map(|components| components.to_vec()).collect()));
    }
    let application = applications(id).into_iter().next()?;
    let values = application.dims.iter().enumerate().map(|(number, dim)| numbers(id, number, *dim)).collect();
    Some((application, values))
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_numbers_are_those_of_rows() {
        for (name, ..) in CHOSEN {
            assert!(catalogue::find_operation(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_operation_has_an_example() {
        for (id, row) in catalogue::operations() {
            assert!(example(id, &mut Vec::new()).is_some(), "{}", row.name);
        }
    }
}
