//! The laws of the catalogue: formulas of one shape are replaced by formulas of another.
//!
//! `c * (d * a) -> (c * d) * a` applies to `Mult(3, Mult(2, x))`. The operands of a commutative operation match in either order.

use keopsc_grammar::syntax::{Expr, ExprKind, UnaryOperator};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ir::types::Algebra;
use keopsc_ops::catalogue::operators::{self, Order};
use keopsc_ops::catalogue::{self, Accuracy, ParsedLaw, Pays};
use keopsc_ops::{Integers, OperationId};

use super::conditions::holds;
use super::constants::{constant, same_dim};
use super::{Applied, Context};
use crate::forms::spread_scalar;
use crate::template::{Names, build};
use crate::values::Value;

/// The names that match constants only.
const CONSTANTS: [&str; 2] = ["c", "d"];

/// When laws are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Wherever they match.
    Always,
    /// Where they make the program cheaper.
    Trial,
}

/// The names of all laws.
pub(super) fn names() -> impl Iterator<Item = String> {
    catalogue::laws().map(|law| law.name.clone())
}

/// The right side of the first law that applies at that moment.
pub(super) fn apply(
    graph: &mut Graph,
    id: NodeId,
    moment: Moment,
    context: Context<'_>,
    applied: &mut Applied,
) -> Option<NodeId> {
    for law in candidates(graph, id, moment, context) {
        if let Some(better) = apply_law(graph, id, law) {
            applied.count(&law.name);
            return Some(better);
        }
    }
    None
}

/// The laws whose left sides begin with the operation of a node and that may be applied at that moment.
pub(super) fn candidates<'c>(
    graph: &Graph,
    id: NodeId,
    moment: Moment,
    context: Context<'c>,
) -> impl Iterator<Item = &'static ParsedLaw> + use<'c> {
    let laws: &[ParsedLaw] = match &graph.node(id).kind {
        NodeKind::Operation { operation, .. } => catalogue::laws_of(*operation),
        _ => &[],
    };
    laws.iter().filter(move |law| may_apply(law, moment, context))
}

fn may_apply(law: &ParsedLaw, moment: Moment, context: Context<'_>) -> bool {
    let now = match moment {
        Moment::Always => law.law.pays == Pays::Always,
        Moment::Trial => law.law.pays == Pays::Tried,
    };
    let accurate = law.law.accuracy != Accuracy::Loose || context.algebra == Algebra::Fast;
    now && accurate && context.switches.are_on(&law.name)
}

/// The right side of a law for a node that has the shape of its left side.
pub(super) fn apply_law(graph: &mut Graph, id: NodeId, law: &'static ParsedLaw) -> Option<NodeId> {
    let mut names = find_match(graph, id, law)?;
    for name in CONSTANTS {
        if let Some(Value::Formula(id)) = names.get(name) {
            names.number(name, constant(graph, id)?);
        }
    }
    let dim = graph.node(id).dim;
    let better = build(graph, &law.right, &names).ok()?;
    same_dim(graph, better, dim).filter(|&better| better != id)
}

/// Whether the law may be applied to a node.
pub(super) fn find_match(graph: &Graph, id: NodeId, law: &'static ParsedLaw) -> Option<Names<'static>> {
    let goals = vec![Goal::Formula(&law.left, id)];
    let accept = |names: &mut Names<'static>| law.conditions.iter().all(|condition| holds(graph, condition, names));
    search(graph, goals, Names::of_integers(&Integers::default()), &accept)
}

/// What is still to be matched.
#[derive(Clone, Copy)]
enum Goal {
    Formula(&'static Expr, NodeId),
    Integer(&'static Expr, i64),
}

/// What the names stand for, if all goals match and the whole is accepted; operands are tried in both orders where both are the same.
fn search(
    graph: &Graph,
    mut goals: Vec<Goal>,
    mut names: Names<'static>,
    accept: &impl Fn(&mut Names<'static>) -> bool,
) -> Option<Names<'static>> {
    while let Some(goal) = goals.pop() {
        let (pattern, id) = match goal {
            Goal::Formula(pattern, id) => (pattern, id),
            Goal::Integer(pattern, value) if matches_integer(pattern, value, &mut names) => continue,
            Goal::Integer(..) => return None,
        };
        if let Some(number) = literal(pattern) {
            if constant(graph, spread_scalar(graph, id).unwrap_or(id)) == Some(number) {
                continue;
            }
            return None;
        }
        if let ExprKind::Name(name) = &pattern.kind {
            if matches_name(graph, name, id, &mut names) {
                continue;
            }
            return None;
        }
        let (expected, patterns) = operation_of(pattern)?;
        let NodeKind::Operation { operation, parameters, arguments } = &graph.node(id).kind else { return None };
        if expected != *operation || patterns.len() != arguments.len() + parameters.len() {
            return None;
        }
        let (formulas, integers) = patterns.split_at(arguments.len());
        goals.extend(integers.iter().zip(parameters).map(|(pattern, &value)| Goal::Integer(pattern, value)));
        if let (&[first, second], true) = (formulas, catalogue::operation(*operation).commutative) {
            let mut exchanged = goals.clone();
            exchanged.extend([Goal::Formula(second, arguments[0]), Goal::Formula(first, arguments[1])]);
            goals.extend([Goal::Formula(second, arguments[1]), Goal::Formula(first, arguments[0])]);
            return search(graph, goals, names.clone(), accept).or_else(|| search(graph, exchanged, names, accept));
        }
        goals.extend(formulas.iter().zip(arguments).rev().map(|(pattern, &argument)| Goal::Formula(pattern, argument)));
    }
    accept(&mut names).then_some(names)
}

fn matches_name(graph: &Graph, name: &'static str, id: NodeId, names: &mut Names<'static>) -> bool {
    match names.get(name) {
        Some(known) => known == Value::Formula(id),
        None => {
            names.formula(name, id);
            !CONSTANTS.contains(&name) || constant(graph, id).is_some()
        }
    }
}

/// The operation that a pattern begins with, and the patterns of its arguments and parameters.
fn operation_of(pattern: &'static Expr) -> Option<(OperationId, Vec<&'static Expr>)> {
    match &pattern.kind {
        ExprKind::Unary(operator, operand) => Some((operators::unary(*operator)?, vec![operand])),
        ExprKind::Binary(operator, left, right) => {
            let (operation, order) = operators::binary(*operator);
            Some((operation, if order == Order::Swapped { vec![right, left] } else { vec![left, right] }))
        }
        ExprKind::Call { function, arguments, .. } => {
            Some((catalogue::find_operation(&function.text)?, arguments.iter().collect()))
        }
        _ => None,
    }
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
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_grammar::parse_expression;

    #[test]
    fn numbers_in_patterns() {
        let number = |text: &str| literal(&parse_expression(text).expect("it parses"));
        for (text, expected) in [("3", 3.0), ("0.5", 0.5), ("-2", -2.0), ("-(-1.5)", 1.5)] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        assert_eq!(["a", "-a", "1 + 2", "1 / a", "Exp(1)"].map(number), [None; 5]);
    }

    /// A number is itself, a name whatever it was before.
    #[test]
    fn integers_in_patterns() {
        let matches = |text: &str, values: &[i64]| {
            let pattern: &'static Expr = Box::leak(Box::new(parse_expression(text).expect("it parses")));
            let mut names = Names::of_integers(&Integers::default());
            values.iter().all(|&value| matches_integer(pattern, value, &mut names))
        };
        assert!(matches("2", &[2]) && matches("2", &[2, 2]) && matches("n", &[5]) && matches("n", &[5, 5]));
        assert!(!matches("2", &[3]) && !matches("n", &[5, 6]) && !matches("1 + 1", &[2]) && !matches("2.0", &[2]));
    }
}
