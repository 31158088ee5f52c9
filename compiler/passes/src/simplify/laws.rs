//! The laws of the catalogue: formulas of one shape are replaced by formulas of another.
//!
//! `Law { left: "c * (d * a)", right: "(c * d) * a" }` applies to `Mult(3, Mult(2, x))`. A name matches any formula, the same one wherever
//! it stands; `c` and `d` match constants; a literal matches that constant, 0 also a vector of zeros; in the place of a parameter a name matches its value.

use std::collections::HashMap;
use std::sync::LazyLock;

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, UnaryOperator};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue::operators::{self, Order};
use keopsc_ops::catalogue::{self, ParsedLaw};
use keopsc_ops::{Integers, OperationId};

use super::constants::{constant, is_zero, same_dim};
use crate::template::{Names, build};
use crate::values::Value;
use crate::without::Without;

/// The laws by the operation that their left sides begin with.
static LAWS: LazyLock<HashMap<OperationId, Vec<&'static ParsedLaw>>> = LazyLock::new(|| {
    let mut laws: HashMap<OperationId, Vec<&'static ParsedLaw>> = HashMap::new();
    for law in catalogue::laws() {
        laws.entry(outermost(&law.left).unwrap_or(law.operation)).or_default().push(law);
    }
    laws
});

/// The right side of the first law that applies.
pub(super) fn apply_laws(graph: &mut Graph, id: NodeId, without: &Without) -> Option<NodeId> {
    let NodeKind::Operation { operation, .. } = graph.node(id).kind else { return None };
    let dim = graph.node(id).dim;
    LAWS.get(&operation)?.iter().filter(|law| without.has_law(law)).find_map(|law| {
        let mut names = Names::of_integers(&Integers::default());
        if !matches(graph, &law.left, id, &mut names) {
            return None;
        }
        let better = build(graph, &law.right, &names).ok()?;
        same_dim(graph, better, dim).filter(|&better| better != id)
    })
}

/// The operation that a pattern begins with.
fn outermost(pattern: &Expr) -> Option<OperationId> {
    match &pattern.kind {
        ExprKind::Call { function, .. } => catalogue::find_operation(&function.text),
        ExprKind::Binary(operator, ..) => Some(operators::binary(*operator).0),
        ExprKind::Unary(operator, _) => operators::unary(*operator),
        _ => None,
    }
}

/// Whether a node has the shape of a pattern; `names` then has what the pattern's names stand for.
fn matches(graph: &Graph, pattern: &'static Expr, id: NodeId, names: &mut Names<'static>) -> bool {
    if let Some(number) = literal(pattern) {
        return constant(graph, id) == Some(number) || (number == 0.0 && is_zero(graph, id));
    }
    match &pattern.kind {
        ExprKind::Name(name) => match names.get(name) {
            Some(known) => known == Value::Formula(id),
            None => {
                names.formula(name, id);
                !matches!(name.as_str(), "c" | "d") || constant(graph, id).is_some()
            }
        },
        ExprKind::Unary(operator, operand) => {
            matches_operation(graph, operators::unary(*operator), &[operand], id, names)
        }
        ExprKind::Binary(operator, left, right) => {
            let (operation, order) = operators::binary(*operator);
            let operands: [&'static Expr; 2] = if order == Order::Swapped { [right, left] } else { [left, right] };
            matches_operation(graph, Some(operation), &operands, id, names)
        }
        ExprKind::Call { function, arguments, .. } => {
            let arguments: Vec<&'static Expr> = arguments.iter().collect();
            matches_operation(graph, catalogue::find_operation(&function.text), &arguments, id, names)
        }
        _ => false,
    }
}

fn matches_operation(
    graph: &Graph,
    expected: Option<OperationId>,
    patterns: &[&'static Expr],
    id: NodeId,
    names: &mut Names<'static>,
) -> bool {
    let NodeKind::Operation { operation, parameters, arguments } = &graph.node(id).kind else { return false };
    if expected != Some(*operation) || patterns.len() != arguments.len() + parameters.len() {
        return false;
    }
    let (formulas, integers) = patterns.split_at(arguments.len());
    formulas.iter().zip(arguments).all(|(pattern, &argument)| matches(graph, pattern, argument, names))
        && integers.iter().zip(parameters).all(|(pattern, &value)| matches_integer(pattern, value, names))
}

fn matches_integer(pattern: &'static Expr, value: i64, names: &mut Names<'static>) -> bool {
    match &pattern.kind {
        ExprKind::Integer(number) => *number == value,
        ExprKind::Name(name) => match names.get(name) {
            Some(known) => known == Value::Integer(value),
            None => {
                names.integer(name, value);
                true
            }
        },
        _ => false,
    }
}

/// The number that a pattern is, if it is one.
fn literal(pattern: &Expr) -> Option<f64> {
    match &pattern.kind {
        ExprKind::Integer(number) => Some(*number as f64),
        ExprKind::Float(number) => Some(*number),
        ExprKind::Unary(UnaryOperator::Minus, operand) => literal(operand).map(|number| -number),
        ExprKind::Binary(BinaryOperator::Divide, left, right) => Some(literal(left)? / literal(right)?),
        _ => None,
    }
}
