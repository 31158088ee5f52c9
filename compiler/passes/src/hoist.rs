//! Formula graph → formula graph in which more can be computed once per call, row or column.
//!
//! ```text
//! ij  Divide(Minus(d), s)           =>     ij  Mult(Minus(Inv(s)), d)           1/s once per call, one product a pair
//! ij  Mult(b, Mult(K, v)), v of 3   =>     ij  Mult(Mult(b, K), v)              one product more with a scalar, three fewer with a vector
//! ```
//!
//! Invariant: each result has at most two roundings more than before; sums are not reordered.

use std::convert::Infallible;

use keopsc_ir::formula::{Graph, Node, NodeId, NodeKind, Program};
use keopsc_ir::types::Role;
use keopsc_ops::catalogue;

use crate::rewrite::{add, compact, is_same, rewrite};
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

/// How often the graph is gone through.
const ROUNDS: usize = 4;

/// How many rules may apply to a node one after the other.
const STEPS: usize = 16;

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
    let mut program = compact(&program);
    for _ in 0..ROUNDS {
        let next = compact(&hoist_once(&program, without));
        if is_same(&next, &program) {
            break;
        }
        program = next;
    }
    program
}

fn hoist_once(program: &Program, without: &Without) -> Program {
    let hoisted = rewrite(program, |graph, _, node| Ok::<NodeId, Infallible>(hoist_node(graph, node, without)));
    match hoisted {
        Ok(program) => program,
        Err(never) => match never {},
    }
}

fn hoist_node(graph: &mut Graph, node: Node, without: &Without) -> NodeId {
    let mut id = add(graph, node);
    for _ in 0..STEPS {
        let mut rules = RULES.iter().filter(|(name, _)| without.has_rule(name));
        match rules.find_map(|(_, rule)| rule(graph, id)) {
            Some(better) => id = better,
            None => break,
        }
    }
    id
}

/// `a / b = Inv(b) * a` where a depends on a pair and b on less: a division a pair is dear.
fn multiply_by_inverse(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = operands(graph, id, "Divide")?;
    if graph.node(a).role != Role::Pair || graph.node(b).role == Role::Pair {
        return None;
    }
    let inverse = graph.named("Inv", &[], &[b]).ok()?;
    graph.multiply(inverse, a).ok()
}

/// `-(a * b) = (-a) * b` and `a * (-b) = (-a) * b` where a depends on less than b.
fn move_sign(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (a, b) = match operand(graph, id, "Minus") {
        Some(product) => operands(graph, product, "Mult")?,
        None => {
            let (a, b) = operands(graph, id, "Mult")?;
            match (operand(graph, a, "Minus"), operand(graph, b, "Minus")) {
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
    let (first, second) = operands(graph, id, "Mult")?;
    for (a, inner) in [(first, second), (second, first)] {
        let Some((b, c)) = operands(graph, inner, "Mult") else { continue };
        for (b, c) in [(b, c), (c, b)] {
            if weight(graph, &[a, b]) < weight(graph, &[inner]) {
                let product = graph.multiply(a, b).ok()?;
                return graph.multiply(product, c).ok();
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

fn operand(graph: &Graph, id: NodeId, name: &str) -> Option<NodeId> {
    arguments(graph, id, name)?.first().copied()
}

fn operands(graph: &Graph, id: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
    match arguments(graph, id, name)? {
        &[a, b] => Some((a, b)),
        _ => None,
    }
}

fn arguments<'a>(graph: &'a Graph, id: NodeId, name: &str) -> Option<&'a [NodeId]> {
    match &graph.node(id).kind {
        NodeKind::Operation { operation, arguments, .. } if catalogue::operation(*operation).name == name => {
            Some(arguments)
        }
        _ => None,
    }
}
