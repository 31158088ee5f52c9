//! Formula graph → formula graph in which more can be computed once per call, row or column.
//!
//! ```text
//! ij  Divide(Minus(d), s)           =>     ij  Mult(Minus(Inv(s)), d)           1/s once per call, one product a pair
//! ij  Mult(b, Mult(K, v)), v of 3   =>     ij  Mult(Mult(b, K), v)              one product more with a scalar, three fewer with a vector
//! ```
//!
//! Invariant: each result has at most two roundings more than before; sums are not reordered.

use keopsc_ir::formula::{Graph, NodeId, Program};
use keopsc_ir::types::Role;

use crate::forms::{inverse, negated, product, quotient};
use crate::rewrite::improve;
use crate::simplify::evaluate_constants;
use crate::without::Without;

/// A rule: an equal node, where there is a better one.
type Rule = fn(&mut Graph, NodeId) -> Option<NodeId>;

const RULES: &[(&str, Rule)] = &[
    ("evaluate_constants", evaluate_constants),
    ("multiply_by_inverse", multiply_by_inverse),
    ("move_sign", move_sign),
    ("group_product", group_product),
];

/// How often the graph is gone through, and how many rules may apply to a node one after the other.
const LIMITS: (usize, usize) = (4, 16);

/// Hoists what can be hoisted.
pub fn hoist(program: Program) -> Program {
    hoist_without(program, &Without::default())
}

/// The names of the rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// Hoists by some of the rules.
pub fn hoist_without(program: Program, without: &Without) -> Program {
    improve(&program, LIMITS, |graph, id| {
        let mut rules = RULES.iter().filter(|(name, _)| without.has_rule(name));
        rules.find_map(|(_, rule)| rule(graph, id))
    })
}

/// `a / b = Inv(b) * a` where a depends on a pair and b on less: a division a pair is dear.
fn multiply_by_inverse(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = quotient(graph, id)?;
    if graph.node(a).role != Role::Pair || graph.node(b).role == Role::Pair {
        return None;
    }
    let inverse = inverse(graph, b)?;
    graph.multiply(inverse, a).ok()
}

/// `-(a * b) = (-a) * b` and `a * (-b) = (-a) * b` where a depends on less than b.
fn move_sign(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = match negated(graph, id) {
        Some(inside) => product(graph, inside)?,
        None => {
            let (a, b) = product(graph, id)?;
            match (negated(graph, a), negated(graph, b)) {
                (None, Some(inside)) if weight(graph, &[a]) < weight(graph, &[inside]) => (a, inside),
                (Some(inside), None) if weight(graph, &[b]) < weight(graph, &[inside]) => (b, inside),
                _ => return None,
            }
        }
    };
    let (less, more) = if weight(graph, &[a]) <= weight(graph, &[b]) { (a, b) } else { (b, a) };
    if weight(graph, &[less]) == weight(graph, &[more]) {
        return None;
    }
    let negative = graph.negate(less).ok()?;
    graph.multiply(negative, more).ok()
}

/// `a * (b * c) = (a * b) * c` where the inner product then is of fewer components or made less often.
fn group_product(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (first, second) = product(graph, id)?;
    for (a, inner) in [(first, second), (second, first)] {
        let Some((b, c)) = product(graph, inner) else { continue };
        for (b, c) in [(b, c), (c, b)] {
            if weight(graph, &[a, b]) < weight(graph, &[inner]) {
                let outer = graph.multiply(a, b).ok()?;
                return graph.multiply(outer, c).ok();
            }
        }
    }
    None
}

/// How dear an elementwise operation on these nodes is: first how often it is made, then how many components it has.
fn weight(graph: &Graph, nodes: &[NodeId]) -> (u8, u32) {
    let often = match graph.role(nodes) {
        Role::Parameter => 0,
        Role::I | Role::J => 1,
        Role::Pair => 2,
    };
    (often, graph.dims(nodes).into_iter().max().unwrap_or(0))
}
