//! Whether the conditions of a law hold for the formulas that its names stand for.

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, UnaryOperator};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue::{self, Condition};
use keopsc_ops::scalar::Scalar;

use super::constants::constant;
use super::signs::{Known, is_nonnegative, sign};
use crate::forms::product;
use crate::template::Names;
use crate::values::Value;

/// Whether a condition holds; one that defines a name makes that stand for its integer.
pub(super) fn holds(graph: &Graph, condition: &Condition, names: &mut Names<'static>) -> bool {
    let formula = |name: &str| match names.get(name) {
        Some(Value::Formula(id)) => Some(id),
        _ => None,
    };
    match condition {
        Condition::Nonnegative(name) => formula(name).is_some_and(|id| is_nonnegative(graph, id)),
        Condition::Positive(name) => formula(name).is_some_and(|id| sign(graph, id) == Known::Positive),
        Condition::Rounded(name) => formula(name).is_some_and(|id| is_rounded(graph, id, DEPTH)),
        Condition::Moderate(name) => formula(name).and_then(|id| constant(graph, id)).is_some_and(is_moderate),
        Condition::Exact(computed) => is_exact(computed, &|expr| number(graph, expr, names)),
        Condition::Define(name, value) => match number(graph, value, names) {
            Some(value) if value.fract() == 0.0 && value.abs() < LARGEST_INTEGER => {
                names.integer(name, value as i64);
                true
            }
            _ => false,
        },
        Condition::Compare(comparison) => number(graph, comparison, names) == Some(1.0),
    }
}

/// How many operations deep it is looked for one that rounds.
const DEPTH: usize = 8;

/// Integers beyond are not exact as real numbers.
const LARGEST_INTEGER: f64 = 9e15;

/// Products and quotients of two such constants are numbers of float32.
fn is_moderate(number: f64) -> bool {
    (1e-18..1e18).contains(&number.abs())
}

/// Whether a node comes out of an operation that rounds, or is moved and chosen only from what does.
fn is_rounded(graph: &Graph, id: NodeId, depth: usize) -> bool {
    if let Some(other) = times_power_of_two(graph, id) {
        return is_rounded(graph, other, depth);
    }
    match &graph.node(id).kind {
        NodeKind::Reduction { .. } => true,
        NodeKind::Operation { operation, parameters, arguments } if depth > 0 => {
            let recipe = catalogue::instantiate(*operation, &graph.dims(arguments), parameters);
            recipe.is_ok_and(|recipe| rounds(&recipe))
                || (!arguments.is_empty() && arguments.iter().all(|&argument| is_rounded(graph, argument, depth - 1)))
        }
        _ => false,
    }
}

/// The other factor of a product with a power of two, which is exact.
fn times_power_of_two(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = product(graph, id)?;
    let is_power = |id| constant(graph, id).is_some_and(|number| number.abs().log2().fract() == 0.0);
    if is_power(a) { Some(b) } else { Some(a).filter(|_| is_power(b)) }
}

fn rounds(recipe: &Scalar<u32>) -> bool {
    let mut found = false;
    recipe.visit(&mut |part| {
        found |= match part {
            Scalar::Call(intrinsic, _) | Scalar::Fold { with: intrinsic, .. } => intrinsic.rounds(),
            _ => false,
        }
    });
    found
}

/// Whether a computation on constants rounds nowhere in float32.
fn is_exact(computed: &Expr, number: &impl Fn(&Expr) -> Option<f64>) -> bool {
    let Some(value) = number(computed) else { return false };
    // As any float32 may be a sum of two, so may a float64: what is added is found again where nothing was lost.
    let operands_are_exact = match &computed.kind {
        ExprKind::Binary(operator, left, right) => {
            let (Some(a), Some(b)) = (number(left), number(right)) else { return false };
            let nothing_is_lost = match operator {
                BinaryOperator::Add => value - a == b && value - b == a,
                BinaryOperator::Subtract => a - value == b && value + b == a,
                _ => true,
            };
            nothing_is_lost && is_exact(left, number) && is_exact(right, number)
        }
        _ => true,
    };
    operands_are_exact && value.is_finite() && f64::from(value as f32) == value
}

/// The value of an expression in constants, parameters and dimensions; 1 or 0 for a comparison.
fn number(graph: &Graph, expr: &Expr, names: &Names<'_>) -> Option<f64> {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match &expr.kind {
        ExprKind::Integer(number) => Some(*number as f64),
        ExprKind::Float(number) => Some(*number),
        ExprKind::Name(name) => match names.get(name)? {
            Value::Integer(number) => Some(number as f64),
            Value::Formula(id) => constant(graph, id),
            _ => None,
        },
        ExprKind::Unary(UnaryOperator::Minus, operand) => number(graph, operand, names).map(|number| -number),
        ExprKind::Call { function, arguments, .. } => match (function.text.as_str(), arguments.as_slice()) {
            ("dim", [argument]) => dim_of(graph, argument, names),
            _ => None,
        },
        ExprKind::Binary(operator, left, right) => {
            let (a, b) = (number(graph, left, names)?, number(graph, right, names)?);
            match operator {
                BinaryOperator::Add => Some(a + b),
                BinaryOperator::Subtract => Some(a - b),
                BinaryOperator::Multiply => Some(a * b),
                BinaryOperator::Divide => Some(a / b),
                BinaryOperator::Remainder => Some(a % b),
                BinaryOperator::Less => Some(truth(a < b)),
                BinaryOperator::LessEqual => Some(truth(a <= b)),
                BinaryOperator::Greater => Some(truth(a > b)),
                BinaryOperator::GreaterEqual => Some(truth(a >= b)),
                BinaryOperator::Equal => Some(truth(a == b)),
                BinaryOperator::NotEqual => Some(truth(a != b)),
                BinaryOperator::Bar | BinaryOperator::Power => None,
            }
        }
        _ => None,
    }
}

fn dim_of(graph: &Graph, argument: &Expr, names: &Names<'_>) -> Option<f64> {
    let ExprKind::Name(name) = &argument.kind else { return None };
    match names.get(name)? {
        Value::Formula(id) => Some(f64::from(graph.node(id).dim)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::{output, pair};
    use keopsc_grammar::parse_expression;

    fn exact(text: &str) -> bool {
        let names = Names::default();
        is_exact(&parse_expression(text).expect("it parses"), &|expr| number(&Graph::default(), expr, &names))
    }

    #[test]
    fn constants_that_round_are_told_from_those_that_do_not() {
        for text in ["1 + 2", "0.5 - 0.25", "1e6 + 1", "3 * 0.5", "(1 + 2) - (3 * 0.5)", "1e6 - 1", "-3 - 2.5"] {
            assert!(exact(text), "{text}");
        }
        for text in ["0.1 + 0.2", "1e10 + 1", "1267650600228229401496703205376.0 + 1", "16777216 + 1", "1 / 3"] {
            assert!(!exact(text), "{text}");
        }
        // What is lost in a part shows in the whole no more.
        for text in [
            "(0.1 + 0.2) * 0",
            "1 + 0 * (1 / 3)",
            "16777216 - 0.1",
            "0.1 - 1e10",
            "1267650600228229401496703205376.0 - 1",
            "1 - 1267650600228229401496703205376.0",
        ] {
            assert!(!exact(text), "{text}");
        }
    }

    #[test]
    fn conditions_compute_and_compare() {
        let value =
            |text: &str| number(&Graph::default(), &parse_expression(text).expect("it parses"), &Names::default());
        for (text, expected) in
            [("2 + 3", 5.0), ("2 - 3", -1.0), ("2 * 3", 6.0), ("3 / 2", 1.5), ("7 % 3", 1.0), ("-2", -2.0)]
        {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        let comparisons = [("<", "100"), ("<=", "110"), (">", "001"), (">=", "011"), ("==", "010"), ("!=", "101")];
        for (operator, expected) in comparisons {
            for (left, truth) in (1..).zip(expected.chars()) {
                let holds = value(&format!("{left} {operator} 2"));
                assert_eq!(holds, truth.to_digit(2).map(f64::from), "{left} {operator} 2");
            }
        }
        assert_eq!([value("2 ** 3"), value("2 | 3"), value("n"), value("dim(n)")], [None; 4]);
    }

    #[test]
    fn moderate_constants_may_be_multiplied_and_divided() {
        assert!(is_moderate(1e-17) && is_moderate(-1e17) && !is_moderate(0.0) && !is_moderate(1e19));
    }

    /// Products with powers of two are exact; what is moved and chosen is rounded only if all of it is.
    #[test]
    fn formulas_that_are_rounded() {
        let rounded = ["Sin(a)", "a * b", "3 * a", "x[0] - y[0]", "2 * (a * b)", "(a * b) * 0.25", "-8 * Sin(b)"];
        let chosen = ["Maximum(a * b, a / b)", "-Sin(a)", "Minimum(Sin(a), 2 * (a + b))", "Concat(x, y)[1] + a"];
        for formula in rounded.into_iter().chain(chosen) {
            let (graph, id) = pair(formula);
            assert!(is_rounded(&graph, id, DEPTH), "{formula}");
        }
        for formula in
            ["a", "-a", "2 * a", "a * 0.5", "-4 * (0.25 * b)", "Maximum(a, a * b)", "Maximum(a * b, b)", "x[1]"]
        {
            let (graph, id) = pair(formula);
            assert!(!is_rounded(&graph, id, DEPTH), "{formula}");
        }
        for reduction in ["Sum[j](b)", "Max[j](b)", "2 * Sum[j](b)", "-Min[j](a * b)"] {
            let (graph, id) = output(reduction);
            assert!(is_rounded(&graph, id, DEPTH), "{reduction}");
        }
    }

    #[test]
    fn roundings_are_looked_for_so_deep_and_no_deeper() {
        for depth in 0..2 * DEPTH {
            let (mut graph, mut id) = pair("a * b");
            for _ in 0..depth {
                id = graph.negate(id).expect("dimensions fit");
            }
            assert_eq!(is_rounded(&graph, id, DEPTH), depth < DEPTH, "{depth}");
        }
    }

    #[test]
    fn integers_are_defined_by_whole_numbers_that_are_exact() {
        let defined = |text: &str| {
            let mut names = Names::default();
            let value = parse_expression(text).expect("it parses");
            let holds = holds(&Graph::default(), &Condition::Define("n".to_owned(), value), &mut names);
            holds.then(|| names.get("n"))
        };
        assert_eq!(defined("6 / 2"), Some(Some(Value::Integer(3))));
        assert_eq!(defined("-4.0"), Some(Some(Value::Integer(-4))));
        assert_eq!(defined("8999999999999999"), Some(Some(Value::Integer(8_999_999_999_999_999))));
        for text in ["5 / 2", "9e15", "-9e15", "9000000000000001", "m"] {
            assert_eq!(defined(text), None, "{text}");
        }
    }
}
