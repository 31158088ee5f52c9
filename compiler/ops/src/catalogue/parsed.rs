//! Rows as syntax trees.

use std::collections::BTreeSet;

use keopsc_grammar::parse_expression;
use keopsc_grammar::syntax::{Expr, ExprKind};

use super::{Condition, EarlyLaw, Law, Operation, Value, When, Write};
use crate::OperationId;
use crate::signature::Signature;

/// A row whose texts are parsed.
#[derive(Debug)]
pub(super) struct ParsedOperation {
    pub signature: Signature,
    pub value: ParsedValue,
    pub gradient: Vec<(usize, Expr)>,
    pub rescaled: Option<(&'static str, Expr)>,
    pub complex: Vec<ComplexForm>,
}

/// What an operation is of arguments of these kinds.
#[derive(Debug)]
pub struct ComplexForm {
    /// Which arguments are complex numbers.
    pub arguments: Vec<bool>,
    /// Whether the result is.
    pub result: bool,
    /// The formula that it stands for; `None` for the operation itself.
    pub formula: Option<Expr>,
}

/// A [`Value`] whose texts are parsed.
#[derive(Debug)]
pub(super) enum ParsedValue {
    Recipe(Expr),
    /// Conditions (`None` always holds) and formulas.
    Expansion(Vec<(Option<Expr>, Expr)>),
    Written(Write),
}

/// A law of simplification, as syntax trees.
#[derive(Debug)]
pub struct ParsedLaw {
    /// The law as written.
    pub law: Law,
    /// What it is called.
    pub name: String,
    /// The operation that the left side's outermost node is.
    pub operation: OperationId,
    /// The pattern.
    pub left: Expr,
    /// What replaces it.
    pub right: Expr,
    /// What has to hold besides.
    pub conditions: Vec<Condition>,
}

/// An [`EarlyLaw`], as syntax trees.
#[derive(Debug)]
pub struct ParsedEarlyLaw {
    /// The pattern.
    pub left: Expr,
    /// What replaces it.
    pub right: Expr,
    /// What has to be known of the formulas.
    pub when: When,
}

pub(super) fn parse_row(row: &Operation) -> Result<ParsedOperation, String> {
    let signature = Signature::parse(row.name, row.signature)?;
    let value = match row.value {
        Value::Written(write) => ParsedValue::Written(write),
        Value::Recipe(text) => ParsedValue::Recipe(parse_text(text)?),
        Value::Expansion(cases) => {
            let condition = |text: &str| {
                if text.is_empty() { Ok(None) } else { parse_text(text).map(Some) }
            };
            let case = |(holds, formula): &(&str, &str)| Ok((condition(holds)?, parse_text(formula)?));
            ParsedValue::Expansion(cases.iter().map(case).collect::<Result<_, String>>()?)
        }
    };
    let gradient = parse_gradient(&signature, row.gradient)?;
    let complex = row.complex.iter().map(|form| complex_form(&signature, form)).collect::<Result<_, String>>()?;
    let rescaled = row.rescaled.map(|(name, factor)| Ok::<_, String>((name, parse_text(factor)?))).transpose()?;
    Ok(ParsedOperation { signature, value, gradient, rescaled, complex })
}

/// `z r -> z` and a formula.
fn complex_form(signature: &Signature, (kinds, formula): &(&str, &str)) -> Result<ComplexForm, String> {
    let is_complex = |kind: &str| match kind {
        "z" => Ok(true),
        "r" => Ok(false),
        other => Err(format!("`{other}` is no kind of number")),
    };
    let (arguments, result) = kinds.split_once("->").ok_or_else(|| format!("`{kinds}` has no `->`"))?;
    let arguments = arguments.split_whitespace().map(is_complex).collect::<Result<Vec<bool>, String>>()?;
    if arguments.len() != signature.arguments.len() {
        return Err(format!("`{kinds}` has the kinds of {} arguments", arguments.len()));
    }
    let formula = if formula.is_empty() { None } else { Some(parse_text(formula)?) };
    Ok(ComplexForm { arguments, result: is_complex(result.trim())?, formula })
}

/// The formulas of a gradient, by argument position.
pub(crate) fn parse_gradient(signature: &Signature, texts: &[(&str, &str)]) -> Result<Vec<(usize, Expr)>, String> {
    let mut seen = BTreeSet::new();
    let item = |(name, text): &(&str, &str)| {
        let position = signature.arguments.iter().position(|argument| argument.name == *name);
        let position = position.filter(|position| seen.insert(*position));
        let position = position.ok_or_else(|| format!("`{name}` is no argument, or has two gradients"))?;
        Ok((position, parse_text(text)?))
    };
    texts.iter().map(item).collect()
}

pub(super) fn parse_law(operation: OperationId, law: &Law) -> Result<ParsedLaw, String> {
    let (left, right) = (parse_text(law.left)?, parse_text(law.right)?);
    let mut known = BTreeSet::new();
    collect_names(&left, &mut known);
    let mut conditions = Vec::with_capacity(law.when.len());
    for text in law.when {
        let condition = Condition::new(parse_text(text)?, |name| known.contains(name))?;
        if let Condition::Define(name, _) = &condition {
            known.insert(name.clone());
        }
        conditions.push(condition);
    }
    Ok(ParsedLaw { law: *law, name: law.name(), operation, left, right, conditions })
}

fn collect_names(expr: &Expr, names: &mut BTreeSet<String>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            names.insert(name.clone());
        }
        ExprKind::Unary(_, operand) => collect_names(operand, names),
        ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|side| collect_names(side, names)),
        ExprKind::Call { arguments, .. } => arguments.iter().for_each(|argument| collect_names(argument, names)),
        _ => {}
    }
}

pub(super) fn parse_early_law(law: &EarlyLaw) -> Result<ParsedEarlyLaw, String> {
    Ok(ParsedEarlyLaw { left: parse_text(law.left)?, right: parse_text(law.right)?, when: law.when })
}

pub(super) fn parse_text(text: &str) -> Result<Expr, String> {
    parse_expression(text).map_err(|error| format!("`{text}`: {}", error.message))
}
