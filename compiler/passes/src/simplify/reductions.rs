//! Rules about reductions: what does not depend on the reduced index leaves a sum over it, what does not depend on the rows is reduced once.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::reductions;

use super::constants::{constant, same_dim};
use super::spread::operation;

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
    let NodeKind::Reduction { reduction, over, rows, arguments, .. } = graph.node(id).kind.clone() else { return None };
    if reductions::reduction(reduction).name != "Sum" {
        return None;
    }
    let dim = graph.node(id).dim;
    let Split { outside: Some(outside), inside } = split(graph, arguments[0], over)? else { return None };
    let inside = match inside {
        Some(inside) => inside,
        None if constant(graph, arguments[0]) == Some(1.0) => return None,
        None => graph.constant(1.0),
    };
    let sum = graph.sum_over(over, rows, inside).ok()?;
    let product = graph.multiply(outside, sum).ok()?;
    same_dim(graph, product, dim)
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
    let (Some((name, arguments)), true) = (operation(graph, id), depth > 0) else { return Some(whole) };
    match (name, arguments.as_slice()) {
        ("Mult", &[a, b]) => {
            let (a, b) = (split_within(graph, a, over, depth - 1)?, split_within(graph, b, over, depth - 1)?);
            if a.outside.is_none() && b.outside.is_none() {
                return Some(whole);
            }
            Some(Split { outside: product(graph, a.outside, b.outside)?, inside: product(graph, a.inside, b.inside)? })
        }
        ("Minus", &[a]) => {
            let a = split_within(graph, a, over, depth - 1)?;
            let outside = match a.outside {
                Some(outside) => graph.negate(outside).ok()?,
                None => graph.constant(-1.0),
            };
            Some(Split { outside: Some(outside), inside: a.inside })
        }
        ("Divide", &[a, b]) if !graph.node(b).role.has(over) => {
            let a = split_within(graph, a, over, depth - 1)?;
            let numerator = match a.outside {
                Some(outside) => outside,
                None => graph.constant(1.0),
            };
            Some(Split { outside: Some(graph.divide(numerator, b).ok()?), inside: a.inside })
        }
        ("SumT", &[a]) => split_within(graph, a, over, depth - 1),
        _ => Some(whole),
    }
}

#[allow(
    clippy::option_option,
    reason = "the outer option says that something did not fit, the inner one that there is no factor"
)]
fn product(graph: &mut Graph, a: Option<NodeId>, b: Option<NodeId>) -> Option<Option<NodeId>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Some(graph.multiply(a, b).ok()?)),
        (a, b) => Some(a.or(b)),
    }
}
