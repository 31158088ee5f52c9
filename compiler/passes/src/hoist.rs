//! Formula graph → formula graph in which more can be computed once per call, row or column.
//!
//! ```text
//! ij  Divide(Minus(d), s)           =>     ij  Mult(Minus(Inv(s)), d)           1/s once per call, one product a pair
//! ij  Mult(b, Mult(K, v)), v of 3   =>     ij  Mult(Mult(b, K), v)              one product more with a scalar, three fewer with a vector
//! ij  Exp(Mult(s, d))               =>     ij  Exp2(Mult(Mult(1.44…, s), d))    powers of 2 are cheaper
//! ij  Exp(Minus(SqDist(x, y)))      =>     ij  Exp2(Mult(-1.44…, SqDist(x, y)))
//! ```
//!
//! Invariant: each result has at most two roundings more than before, what goes into compensated sums none; sums are not reordered.

use std::cmp::Ordering;
use std::collections::HashSet;

use keopsc_ir::formula::{Entry, Graph, NodeId, NodeKind, Program};
use keopsc_ir::types::{Role, SumScheme};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Scalar;
use keopsc_ops::{Integers, catalogue};

use crate::forms::{inverse, negated, product, quotient};
use crate::rewrite::{improve, join};
use crate::simplify::{Switches, evaluate_constants};
use crate::template::{Names, build};

/// A rule: an equal node, where there is a better one.
type Rule = fn(&mut Graph, NodeId) -> Option<NodeId>;

const RULES: &[(&str, Rule)] = &[
    ("evaluate constants", evaluate_constants),
    ("multiply by inverse", multiply_by_inverse),
    ("move sign", move_sign),
    ("group product", group_product),
    ("rescale argument", rescale_argument),
];

/// The rules that round a factor of the exponents or terms of a sum once for all of them: that error does not average out, as those of single terms
/// do, and would be the largest of a compensated sum.
const ROUNDING_ALL_ALIKE: &[&str] = &["multiply by inverse", "rescale argument"];

/// How often the graph is gone through, and how many rules may apply to a node one after the other.
const LIMITS: (usize, usize) = (4, 16);

/// Hoists what can be hoisted.
pub fn hoist(program: Program) -> Program {
    hoist_with(&program, &Switches::default())
}

/// The names of the rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// Hoists without the rules that are switched off. Entries whose sums are compensated are hoisted apart, without the rules of [`ROUNDING_ALL_ALIKE`].
pub fn hoist_with(program: &Program, switches: &Switches) -> Program {
    let (compensated, plain): (Vec<_>, Vec<_>) =
        program.entries.iter().cloned().partition(|entry| entry.numerics.sum == SumScheme::Kahan);
    let part = |entries: Vec<Entry>, left_out: &[&str]| {
        improve(&Program { entries, ..program.clone() }, LIMITS, |graph, id| {
            let rules = RULES.iter().filter(|(name, _)| switches.are_on(name) && !left_out.contains(name));
            rules.map(|(_, rule)| rule).find_map(|rule| rule(graph, id))
        })
    };
    join(&[part(plain, &[]), part(compensated, ROUNDING_ALL_ALIKE)], &program.entries)
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
    let (less, more) = match negated(graph, id) {
        Some(inside) => {
            let (a, b) = product(graph, inside)?;
            lighter_first(graph, a, b)?
        }
        None => {
            let (a, b) = product(graph, id)?;
            let (other, inside) = match (negated(graph, a), negated(graph, b)) {
                (None, Some(inside)) => (a, inside),
                (Some(inside), None) => (b, inside),
                _ => return None,
            };
            lighter_first(graph, other, inside).filter(|(less, _)| *less == other)?
        }
    };
    let negative = graph.negate(less).ok()?;
    graph.multiply(negative, more).ok()
}

/// Two nodes, the one first that depends on less or has fewer components; `None` where neither does.
fn lighter_first(graph: &Graph, a: NodeId, b: NodeId) -> Option<(NodeId, NodeId)> {
    match weight(graph, &[a]).cmp(&weight(graph, &[b])) {
        Ordering::Less => Some((a, b)),
        Ordering::Greater => Some((b, a)),
        Ordering::Equal => None,
    }
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

/// `Exp(p * a) = Exp2((log2 e * p) * a)` and the like, where a depends on the pair and p on less. Without such a factor p is 1 or -1, but only where
/// components are summed for a, which so has several roundings already: what may be exact, as `x + y`, keeps its `Exp`.
fn rescale_argument(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let NodeKind::Operation { operation, arguments, .. } = &graph.node(id).kind else { return None };
    let (other, text) = catalogue::rescaled(*operation)?;
    let argument = *arguments.first()?;
    if graph.node(argument).role != Role::Pair {
        return None;
    }
    let (less, more) = match (factor_of_less(graph, argument), negated(graph, argument)) {
        (Some(factors), _) => factors,
        (None, Some(positive)) if sums_components(graph, positive) => (graph.constant(-1.0), positive),
        (None, None) if sums_components(graph, argument) => (graph.constant(1.0), argument),
        _ => return None,
    };
    let mut names = Names::of_integers(&Integers::default());
    names.formula("f", less);
    let factor = build(graph, text, &names).ok()?;
    let rescaled = graph.multiply(factor, more).ok()?;
    graph.operation(other, &[], &[rescaled]).ok()
}

/// Whether several components are summed on the way to a node; where they are only chosen or moved, what comes out may be exact.
fn sums_components(graph: &Graph, id: NodeId) -> bool {
    let (mut seen, mut left) = (HashSet::new(), vec![id]);
    while let Some(id) = left.pop() {
        let NodeKind::Operation { operation, parameters, arguments } = &graph.node(id).kind else { continue };
        let mut sums = false;
        if let Ok(recipe) = catalogue::instantiate(*operation, &graph.dims(arguments), parameters) {
            recipe.visit(&mut |part| sums |= matches!(part, Scalar::Fold { with: Intrinsic::Add, count: 2.., .. }));
        }
        if sums {
            return true;
        }
        left.extend(arguments.iter().copied().filter(|argument| seen.insert(*argument)));
    }
    false
}

/// The factors of a product of which one depends on less than the pair, that one first.
fn factor_of_less(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    let (a, b) = product(graph, id)?;
    match (graph.node(a).role == Role::Pair, graph.node(b).role == Role::Pair) {
        (false, true) => Some((a, b)),
        (true, false) => Some((b, a)),
        _ => None,
    }
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
