//! Rules about reductions: what does not depend on the reduced index leaves a sum over it, what does not depend on the rows is reduced once.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::{catalogue, reductions};

use super::constants::{constant, same_dim};
use crate::forms::{difference, negated, product, quotient, spread_scalar, sum};

/// A reduction over j of what depends on j alone is the same for all rows i: it is done once.
///
/// Not so for row numbers: what is done once is read again as real numbers, which hold no large row number.
pub(super) fn reduce_fewer_rows(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let mut node = graph.node(id).clone();
    let NodeKind::Reduction { rows, arguments, .. } = &mut node.kind else { return None };
    if node.is_index || *rows == Role::Parameter || graph.role(arguments).contains(*rows) {
        return None;
    }
    *rows = Role::Parameter;
    node.role = Role::Parameter;
    Some(graph.add(node))
}

/// Σ_j a_i f_ij = a_i Σ_j f_ij: one product a row in place of one a pair, a narrower sum where a_i is a vector, and a sum that no longer depends on
/// the cotangent, so that a value and its gradient share a pass.
pub(super) fn take_factors_out_of_reductions(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Reduced { over, argument, dim } = linear_reduction(graph, id)?;
    let Split { outside: Some(outside), inside } = split(graph, argument, over)? else { return None };
    let inside = match inside {
        Some(inside) => inside,
        None if constant(graph, argument) == Some(1.0) => return None,
        None => graph.constant(1.0),
    };
    let rest = reduce_instead(graph, id, inside)?;
    let result = graph.multiply(outside, rest).ok()?;
    same_dim(graph, result, dim)
}

/// Σ_j A_i b_ij = A_i Σ_j b_ij for any operation that is linear in b, whose other arguments do not depend on j, and whose result is not narrower than b:
/// the operation once a row in place of once a pair, and often a narrower sum, as for Σ_j x_i ⊗ y_j.
pub(super) fn take_linear_operations_out_of_reductions(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Reduced { over, argument, dim } = linear_reduction(graph, id)?;
    let NodeKind::Operation { operation, parameters, mut arguments } = graph.node(argument).kind.clone() else {
        return None;
    };
    let varying: Vec<usize> = (0..arguments.len()).filter(|&at| graph.node(arguments[at]).role.has(over)).collect();
    let &[position] = varying.as_slice() else { return None };
    let is_linear = catalogue::linear_positions(operation).any(|linear| linear == position);
    if !is_linear || graph.node(arguments[position]).dim > dim {
        return None;
    }
    arguments[position] = reduce_instead(graph, id, arguments[position])?;
    graph.operation(operation, &parameters, &arguments).ok()
}

/// Σ_j f_ij (a_i ± b_ij) = a_i Σ_j f_ij ± Σ_j f_ij b_ij, which cancels where `a` and `b` are alike: far from the origin nothing may be left.
pub(super) fn distribute_over_differences(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Reduced { over, argument, dim } = linear_reduction(graph, id)?;
    let (first, second) = product(graph, argument)?;
    for (factor, both) in [(first, second), (second, first)] {
        let is_difference = difference(graph, both).is_some();
        let Some((a, b)) = difference(graph, both).or_else(|| sum(graph, both)) else { continue };
        if graph.node(a).role.has(over) == graph.node(b).role.has(over) {
            continue;
        }
        let (left, right) = (graph.multiply(factor, a).ok()?, graph.multiply(factor, b).ok()?);
        let (left, right) = (reduce_instead(graph, id, left)?, reduce_instead(graph, id, right)?);
        let result = if is_difference { graph.subtract(left, right) } else { graph.plus(left, right) };
        return same_dim(graph, result.ok()?, dim);
    }
    None
}

/// A reduction of one argument in which it is linear.
struct Reduced {
    over: Axis,
    argument: NodeId,
    dim: u32,
}

fn linear_reduction(graph: &Graph, id: NodeId) -> Option<Reduced> {
    let node = graph.node(id);
    match &node.kind {
        NodeKind::Reduction { reduction, over, arguments, .. } if reductions::reduction(*reduction).linear => {
            Some(Reduced { over: *over, argument: *arguments.first()?, dim: node.dim })
        }
        _ => None,
    }
}

/// The same reduction of another argument.
fn reduce_instead(graph: &mut Graph, id: NodeId, argument: NodeId) -> Option<NodeId> {
    let NodeKind::Reduction { reduction, over, rows, parameters, .. } = graph.node(id).kind.clone() else {
        return None;
    };
    graph.reduction(reduction, over, rows, &parameters, &[argument]).ok()?.first().copied()
}

/// A product as one factor that does not depend on an index and one that does.
struct Split {
    outside: Option<NodeId>,
    inside: Option<NodeId>,
}

/// How many factors deep products are looked into.
const DEPTH: usize = 32;

fn split(graph: &mut Graph, id: NodeId, over: Axis) -> Option<Split> {
    split_within(graph, id, over, DEPTH)
}

fn split_within(graph: &mut Graph, id: NodeId, over: Axis, depth: usize) -> Option<Split> {
    if !graph.node(id).role.has(over) {
        return Some(Split { outside: Some(id), inside: None });
    }
    let whole = Split { outside: None, inside: Some(id) };
    if depth == 0 {
        return Some(whole);
    }
    if let Some((a, b)) = product(graph, id) {
        let (a, b) = (split_within(graph, a, over, depth - 1)?, split_within(graph, b, over, depth - 1)?);
        if a.outside.is_none() && b.outside.is_none() {
            return Some(whole);
        }
        return Some(Split {
            outside: multiply(graph, a.outside, b.outside)?,
            inside: multiply(graph, a.inside, b.inside)?,
        });
    }
    if let Some(a) = negated(graph, id) {
        let a = split_within(graph, a, over, depth - 1)?;
        let outside = match a.outside {
            Some(outside) => graph.negate(outside).ok()?,
            None => graph.constant(-1.0),
        };
        return Some(Split { outside: Some(outside), inside: a.inside });
    }
    if let Some((a, b)) = quotient(graph, id).filter(|&(_, b)| !graph.node(b).role.has(over)) {
        let a = split_within(graph, a, over, depth - 1)?;
        let numerator = match a.outside {
            Some(outside) => outside,
            None => graph.constant(1.0),
        };
        return Some(Split { outside: Some(graph.divide(numerator, b).ok()?), inside: a.inside });
    }
    match spread_scalar(graph, id) {
        Some(scalar) => split_within(graph, scalar, over, depth - 1),
        None => Some(whole),
    }
}

#[allow(
    clippy::option_option,
    reason = "the outer option says that something did not fit, the inner one that there is no factor"
)]
fn multiply(graph: &mut Graph, a: Option<NodeId>, b: Option<NodeId>) -> Option<Option<NodeId>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Some(graph.multiply(a, b).ok()?)),
        (a, b) => Some(a.or(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::{output, pair};

    /// What is made of a formula that has one factor more.
    type Step = fn(&mut Graph, NodeId, NodeId) -> Option<NodeId>;

    #[test]
    fn factors_are_looked_for_so_deep_and_no_deeper() {
        let steps: [Step; 5] = [
            |graph, row, inside| graph.multiply(row, inside).ok(),
            |graph, row, inside| graph.multiply(inside, row).ok(),
            |graph, _, inside| graph.negate(inside).ok(),
            |graph, row, inside| graph.divide(inside, row).ok(),
            |graph, _, inside| crate::forms::spread(graph, inside, 1),
        ];
        for (number, step) in steps.into_iter().enumerate() {
            let (mut graph, innermost) = pair("SqDist(x, y) + a");
            let row = graph.node(innermost).kind.arguments()[1];
            let mut chain = vec![innermost];
            for depth in 0..DEPTH + 8 {
                let next = step(&mut graph, row, chain[depth]).expect("dimensions fit");
                chain.push(next);
            }
            for (depth, &outermost) in chain.iter().enumerate() {
                let found = split(&mut graph, outermost, Axis::J).expect("dimensions fit");
                assert_eq!(found.inside, Some(chain[depth.saturating_sub(DEPTH)]), "{depth} steps of kind {number}");
            }
        }
    }

    #[test]
    fn sums_of_nothing_but_a_count_have_no_factors() {
        for (formula, has_factor) in [("Sum[j](IntCst(1))", false), ("Sum[j](IntCst(2))", true), ("Sum[j](a)", true)] {
            let (mut graph, id) = output(formula);
            assert_eq!(take_factors_out_of_reductions(&mut graph, id).is_some(), has_factor, "{formula}");
        }
    }

    /// Row numbers are not read again as real numbers, and what has no rows has no fewer.
    #[test]
    fn reductions_that_are_done_once() {
        let cases = [
            ("Sum[j](b)", true),
            ("Min[j](b)", true),
            ("ArgMin[j](b)", false),
            ("Sum[j](a * b)", false),
            ("ArgMin[j](a * b)", false),
            ("Sum[i](a)", true),
        ];
        for (formula, once) in cases {
            let (mut graph, id) = output(formula);
            let fewer = reduce_fewer_rows(&mut graph, id);
            assert_eq!(fewer.is_some(), once, "{formula}");
            if let Some(fewer) = fewer {
                assert_eq!(graph.node(fewer).role, Role::Parameter, "{formula}");
                assert_eq!(reduce_fewer_rows(&mut graph, fewer), None, "{formula}");
            }
        }
    }
}
