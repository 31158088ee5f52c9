//! What is known of the sign of a formula, from the rows of the operations that it is made of.
//!
//! `Exp(a) + 1` is positive, `SqDist(x, y) * 2` not negative, of `x - y` nothing is known. That holds for all inputs that are finite, and where
//! the formula is not NaN.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue::{self, Sign};

/// What is known of a sign, in increasing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    Nothing,
    Nonnegative,
    Positive,
}

/// How many operations deep it is looked.
const DEPTH: usize = 8;

/// Constants from here on are above zero in all types.
const SMALLEST: f64 = 1e-30;

/// Whether no component of a node is below zero, whatever the inputs are.
pub(crate) fn is_nonnegative(graph: &Graph, id: NodeId) -> bool {
    sign(graph, id) >= Known::Nonnegative
}

/// The sign of a node.
pub(super) fn sign(graph: &Graph, id: NodeId) -> Known {
    sign_within(graph, id, DEPTH)
}

fn sign_within(graph: &Graph, id: NodeId, depth: usize) -> Known {
    match &graph.node(id).kind {
        NodeKind::Constant(value) if value.0 >= SMALLEST => Known::Positive,
        NodeKind::Constant(value) if value.0 >= 0.0 => Known::Nonnegative,
        NodeKind::Operation { operation, arguments, .. } if depth > 0 => {
            let signs = |names| {
                let of = |position| {
                    arguments.get(position).map_or(Known::Nothing, |&argument| sign_within(graph, argument, depth - 1))
                };
                catalogue::positions(*operation, names).map(of).collect::<Vec<Known>>()
            };
            let none_is_negative = |signs: &[Known]| signs.iter().all(|sign| *sign >= Known::Nonnegative);
            match catalogue::operation(*operation).sign {
                Sign::Unknown => Known::Nothing,
                Sign::Nonnegative => Known::Nonnegative,
                Sign::OfProduct(_) if arguments.windows(2).all(|pair| pair[0] == pair[1]) => Known::Nonnegative,
                Sign::NonnegativeIf(names) | Sign::OfProduct(names) if none_is_negative(&signs(names)) => {
                    Known::Nonnegative
                }
                Sign::AsLargest(names) => {
                    let signs = signs(names);
                    let largest = signs.iter().copied().max().unwrap_or(Known::Nothing);
                    if none_is_negative(&signs) { largest } else { Known::Nothing }
                }
                Sign::NonnegativeIf(_) | Sign::OfProduct(_) => Known::Nothing,
            }
        }
        _ => Known::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::pair;

    #[test]
    fn signs_of_formulas() {
        let cases = [
            ("IntCst(3)", Known::Positive),
            ("0.0 * IntCst(1)", Known::Nonnegative),
            ("Exp(x[0] * y[0])", Known::Nonnegative),
            ("Square(x[0] - y[0])", Known::Nonnegative),
            ("SqDist(x, y) + 1", Known::Positive),
            ("SqDist(x, y) + 0.0", Known::Nonnegative),
            ("SqDist(x, y) - 1", Known::Nothing),
            ("SqDist(x, y) + a", Known::Nothing),
            ("(a * b) * (a * b)", Known::Nonnegative),
            ("SqDist(x, y) * Exp(b)", Known::Nonnegative),
            ("SqDist(x, y) * b", Known::Nothing),
            ("-SqDist(x, y)", Known::Nothing),
            ("a", Known::Nothing),
        ];
        for (formula, expected) in cases {
            let (graph, id) = pair(formula);
            assert_eq!(sign(&graph, id), expected, "{formula}");
        }
        let mut graph = Graph::default();
        for (value, expected) in
            [(0.0, Known::Nonnegative), (1e-40, Known::Nonnegative), (1e-30, Known::Positive), (-1.0, Known::Nothing)]
        {
            let id = graph.constant(value);
            assert_eq!((sign(&graph, id), is_nonnegative(&graph, id)), (expected, expected >= Known::Nonnegative));
        }
    }

    #[test]
    fn signs_are_looked_for_so_deep_and_no_deeper() {
        for depth in 0..2 * DEPTH {
            let formula = (0..depth).fold("Square(x[0] - y[0])".to_owned(), |inside, _| format!("Log1p({inside})"));
            let (graph, id) = pair(&formula);
            assert_eq!(is_nonnegative(&graph, id), depth < DEPTH, "{formula}");
        }
    }
}
