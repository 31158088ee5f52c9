//! Laws that are applied when a formula is built, because after `differentiate` it would be too late.
//!
//! ```text
//! Square(Sqrt(SqDist(x, y)) / s)        =>        SqDist(x, y) / Square(s)
//! ```
//!
//! Both are equal, but the derivative of a root at 0 is taken as 0, so that the left side has a wrong second derivative at x = y. Early laws
//! stand in the catalogue; what they need to know of a formula's sign is read off the rows of the operations that it is made of.

use keopsc_grammar::syntax::{Expr, ExprKind};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue::operators::{self, Order};
use keopsc_ops::catalogue::{self, ParsedEarlyLaw, When};
use keopsc_ops::{Integers, OperationId};

use crate::simplify::is_nonnegative;
use crate::template::Names;
use crate::values::Value;

/// How far a condition looks into a formula. Products of products may share factors, so that without a bound this takes exponential time.
const DEPTH: u32 = 8;

/// An operation that is not yet a node.
#[derive(Clone, Copy, Debug)]
struct Application<'a> {
    operation: OperationId,
    parameters: &'a [i64],
    arguments: &'a [NodeId],
}

/// The right side of the first early law that applies to an operation, with what its names stand for.
pub(crate) fn early_law(
    graph: &Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[NodeId],
) -> Option<(&'static Expr, Names<'static>)> {
    let application = Application { operation, parameters, arguments };
    let (law, names) = law_for(graph, application, DEPTH)?;
    Some((&law.right, names))
}

fn law_for(
    graph: &Graph,
    application: Application<'_>,
    depth: u32,
) -> Option<(&'static ParsedEarlyLaw, Names<'static>)> {
    let depth = depth.checked_sub(1)?;
    catalogue::early_laws(application.operation).iter().find_map(|law| {
        let mut names = Names::of_integers(&Integers::default());
        let applies =
            matches_application(graph, &law.left, application, &mut names) && holds(graph, law.when, &names, depth);
        applies.then_some((law, names))
    })
}

fn holds(graph: &Graph, when: When, names: &Names<'_>, depth: u32) -> bool {
    let formula = |name: &str| match names.get(name) {
        Some(Value::Formula(node)) => Some(node),
        _ => None,
    };
    match when {
        When::Always => true,
        When::Nonnegative(name) => formula(name).is_some_and(|node| is_nonnegative(graph, node)),
        When::HasRoot(name) => formula(name).is_some_and(|node| {
            let square = Application { operation: operators::square(), parameters: &[], arguments: &[node] };
            law_for(graph, square, depth).is_some()
        }),
    }
}

/// Whether an operation has the shape of a pattern; `names` then has what the pattern's names stand for.
fn matches_application(
    graph: &Graph,
    pattern: &'static Expr,
    application: Application<'_>,
    names: &mut Names<'static>,
) -> bool {
    let Some((operation, operands)) = parts(pattern) else { return false };
    let (formulas, parameters) = catalogue::signature(operation).sort_call(operands);
    operation == application.operation
        && formulas.len() == application.arguments.len()
        && parameters.len() == application.parameters.len()
        && formulas.iter().zip(application.arguments).all(|(formula, &id)| matches(graph, formula, id, names))
        && parameters.iter().zip(application.parameters).all(|(name, &value)| {
            let ExprKind::Name(name) = &name.kind else { return false };
            names.integer(name, value);
            true
        })
}

fn matches(graph: &Graph, pattern: &'static Expr, id: NodeId, names: &mut Names<'static>) -> bool {
    match (&pattern.kind, &graph.node(id).kind) {
        (ExprKind::Name(name), _) => match names.get(name) {
            Some(known) => known == Value::Formula(id),
            None => {
                names.formula(name, id);
                true
            }
        },
        (ExprKind::Float(number), NodeKind::Constant(value)) => value.0 == *number,
        (_, NodeKind::Operation { operation, parameters, arguments }) => {
            let application = Application { operation: *operation, parameters, arguments };
            matches_application(graph, pattern, application, names)
        }
        _ => false,
    }
}

/// The operation that a pattern is, and what it is applied to.
fn parts(pattern: &'static Expr) -> Option<(OperationId, Vec<&'static Expr>)> {
    match &pattern.kind {
        ExprKind::Call { function, arguments, .. } => {
            Some((catalogue::find_operation(&function.text)?, arguments.iter().collect()))
        }
        ExprKind::Unary(operator, operand) => Some((operators::unary(*operator)?, vec![&**operand])),
        ExprKind::Binary(operator, left, right) => match operators::binary(*operator) {
            (operation, Order::Same) => Some((operation, vec![&**left, &**right])),
            (operation, Order::Swapped) => Some((operation, vec![&**right, &**left])),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_grammar::parse_expression;

    #[test]
    fn patterns_are_operations_on_patterns() {
        let parts = |text: &str| {
            let pattern: &'static Expr = Box::leak(Box::new(parse_expression(text).expect("it parses")));
            let (operation, operands) = parts(pattern)?;
            let operands = operands.into_iter().map(keopsc_grammar::print_expression).collect::<Vec<_>>().join(", ");
            Some(format!("{}({operands})", catalogue::operation(operation).name))
        };
        let cases = [
            ("Square(a)", "Square(a)"),
            ("Powf(a, 0.5)", "Powf(a, 0.5)"),
            ("-a", "Minus(a)"),
            ("a - b", "Subtract(a, b)"),
            ("a < b", "LessThan(a, b)"),
            ("a > b", "LessThan(b, a)"),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(["a", "2", "+a", "NoOperation(a)"].map(parts), [None, None, None, None]);
    }
}
