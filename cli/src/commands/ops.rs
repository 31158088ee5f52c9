//! `keopsc ops`: the two tables of the language, one row of them, or the pages made of them.

use keopsc_diagnostics::suggest;
use keopsc_driver::failure::Problem;
use keopsc_driver::reference;
use keopsc_ops::catalogue::{Accuracy, EarlyLaw, Operation, Value, When, find_operation, operation, operations};
use keopsc_ops::reductions::{Reduction, SCATTER, find_reduction, reduction, reductions};

use super::{Stop, command_line};
use crate::arguments::{Ops, ReferencePage};
use crate::console;

/// Runs the command.
pub fn run(arguments: &Ops) -> Result<(), Stop> {
    let text = match &arguments.name {
        None if arguments.json => json(),
        None if let Some(page) = arguments.markdown => markdown(page),
        None => listing(),
        Some(name) => description(name).ok_or_else(|| unknown(name))?,
    };
    Ok(console::output(text.as_bytes())?)
}

fn listing() -> String {
    let operations: String = operations().map(|(_, row)| line(row.signature, row.doc)).collect();
    let reductions: String = reductions().map(|(_, row)| line(row.signature, row.doc)).collect();
    let scatter = line(SCATTER.form, SCATTER.doc);
    format!(
        "Operations\n\n{operations}\nReductions\n\n{reductions}\nSums by row numbers\n\n{scatter}\n\
         A dimension `n|1` is n, or 1 and repeated. `keopsc ops NAME` tells more about one.\n"
    )
}

/// Both tables: names, aliases, signatures and sentences, in the order of the reference page.
fn json() -> String {
    let row = |name: &str, aliases: &[&str], signature: &str, doc: &str| serde_json::json!({ "name": name, "aliases": aliases, "signature": signature, "doc": doc });
    let operations: Vec<_> =
        operations().map(|(_, found)| row(found.name, found.aliases, found.signature, found.doc)).collect();
    let reductions: Vec<_> =
        reductions().map(|(_, found)| row(found.name, found.aliases, found.signature, found.doc)).collect();
    format!("{}\n", serde_json::json!({ "operations": operations, "reductions": reductions }))
}

fn markdown(page: ReferencePage) -> String {
    match page {
        ReferencePage::Operations => reference::operations().text,
        ReferencePage::Reductions => reference::reductions().text,
        ReferencePage::Diagnostics => reference::diagnostics(),
        ReferencePage::CommandLine => command_line::page(),
    }
}

fn line(signature: &str, doc: &str) -> String {
    const COLUMN: usize = 58;
    match signature.len() < COLUMN {
        true => format!("  {signature:COLUMN$}{doc}\n"),
        false => format!("  {signature}\n  {:COLUMN$}{doc}\n", ""),
    }
}

/// The rows of that name; an operation and a reduction may share one.
fn description(name: &str) -> Option<String> {
    let operation = find_operation(name).map(|id| describe_operation(operation(id)));
    let reduction = find_reduction(name).map(|id| describe_reduction(reduction(id)));
    if name == SCATTER.name {
        return Some(head(SCATTER.form, SCATTER.doc, &[]));
    }
    match (operation, reduction) {
        (Some(operation), Some(reduction)) => Some(format!("{operation}\n{reduction}")),
        (one, other) => one.or(other),
    }
}

fn describe_operation(row: &Operation) -> String {
    let value = match row.value {
        Value::Recipe(recipe) => format!("component k  {recipe}\n"),
        Value::Written(_) => "stands for   a formula that its arguments' dimensions and lists decide\n".to_owned(),
        Value::Expansion(cases) => cases.iter().map(|(condition, formula)| expansion(condition, formula)).collect(),
    };
    let laws: String =
        row.laws.iter().map(|law| format!("law          {}{}\n", law.name(), accuracy(law.accuracy))).collect();
    let early: String = row.early_laws.iter().map(early_law).collect();
    format!("{}{value}{}{early}{laws}", head(row.signature, row.doc, row.aliases), gradients(row.gradient))
}

/// A law that is applied before derivatives are formed.
fn early_law(law: &EarlyLaw) -> String {
    let when = match law.when {
        When::Always => String::new(),
        When::Nonnegative(name) => format!(" if nonnegative({name})"),
        When::HasRoot(name) => format!(" if there is one for Square({name})"),
    };
    format!("at once      {} -> {}{when}\n", law.left, law.right)
}

/// What a law does to accuracy, where it does not keep every bit.
fn accuracy(accuracy: Accuracy) -> String {
    match accuracy {
        Accuracy::Exact => String::new(),
        Accuracy::Rounding(factor) => format!("    (at most {factor} times the error)"),
        Accuracy::Loose => "    (only with `numerics algebra = fast`)".to_owned(),
    }
}

fn describe_reduction(row: &Reduction) -> String {
    format!("{}{}", head(row.signature, row.doc, row.aliases), gradients(row.gradient))
}

fn head(signature: &str, doc: &str, aliases: &[&str]) -> String {
    let aliases = match aliases {
        [] => String::new(),
        aliases => format!("also called  {}\n", aliases.join(", ")),
    };
    format!("{signature}\n\n{doc}\n\n{aliases}")
}

fn expansion(condition: &str, formula: &str) -> String {
    match condition {
        "" => format!("stands for   {formula}\n"),
        condition => format!("stands for   {formula}    if {condition}\n"),
    }
}

fn gradients(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(argument, formula)| format!("gradient     {argument}: {formula}\n")).collect()
}

fn unknown(name: &str) -> Problem {
    let names = operations()
        .map(|(_, row)| (row.name, row.aliases))
        .chain(reductions().map(|(_, row)| (row.name, row.aliases)));
    let names = names.chain([(SCATTER.name, &[][..])]);
    let names = names.flat_map(|(name, aliases)| std::iter::once(name).chain(aliases.iter().copied()));
    let problem = Problem::new(format!("there is no operation or reduction `{name}`"));
    match suggest(name, names) {
        Some(near) => problem.with_help(format!("did you mean `{near}`?")),
        None => problem.with_help("`keopsc ops` lists them"),
    }
}
