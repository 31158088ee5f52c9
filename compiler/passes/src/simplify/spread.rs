//! Scalars that stand in every component of a vector: `SumT(s, n)` is left out where the operation around it broadcasts anyway.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue;

use super::components::is_component_wise;
use super::constants::constant;
use crate::forms::{component_sum, inner_product, product, spread, spread_scalar};

/// `SumT(s, n) * v = s * v`: an argument that broadcasts need not be spread, as long as the result keeps its dimension.
pub(super) fn drop_spreads(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(id).kind.clone() else { return None };
    let dim = graph.node(id).dim;
    let signature = catalogue::signature(operation);
    let broadcasts = |position: &usize| signature.arguments[*position].pattern.repeats == 1;
    for position in (0..arguments.len()).filter(broadcasts) {
        let Some(scalar) = spread_scalar(graph, arguments[position]) else { continue };
        let mut arguments = arguments.clone();
        arguments[position] = scalar;
        // A sum over components counts them, so it has to see as many.
        let counts = dim == 1 && arguments.iter().all(|&argument| graph.node(argument).dim == 1);
        if !counts && catalogue::infer_dim(operation, &graph.dims(&arguments), &parameters) == Ok(dim) {
            return graph.operation(operation, &parameters, &arguments).ok();
        }
    }
    None
}

/// `Exp(SumT(s, n)) = SumT(Exp(s), n)`, for operations on single components that see nothing but scalars.
pub(super) fn spread_later(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(id).kind.clone() else { return None };
    let dim = graph.node(id).dim;
    if dim == 1 || !is_component_wise(graph, operation, &parameters, &arguments, &[]) {
        return None;
    }
    let scalar = |&argument: &NodeId| {
        if graph.node(argument).dim == 1 { Some(argument) } else { spread_scalar(graph, argument) }
    };
    let scalars: Vec<NodeId> = arguments.iter().map(scalar).collect::<Option<_>>()?;
    let result = graph.operation(operation, &parameters, &scalars).ok()?;
    spread(graph, result, dim)
}

/// `Sum(SumT(s, n)) = n * s`
pub(super) fn sum_spreads(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let argument = component_sum(graph, id)?;
    let dim = graph.node(argument).dim;
    if dim == 1 {
        return Some(argument);
    }
    let scalar = spread_scalar(graph, argument)?;
    let count = graph.constant(f64::from(dim));
    graph.multiply(count, scalar).ok()
}

/// `Sum(s * v) = s * Sum(v)`, `MatVecMult(A, s * v) = s * MatVecMult(A, v)` for a scalar `s`, wherever an operation is linear and its result no
/// longer than `v`: fewer products, and a result that others may share or that depends on less. A spread scalar is one times ones.
pub(super) fn take_scalars_out(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    if let Some(better) = take_scalar_operand_out(graph, id) {
        return Some(better);
    }
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(id).kind.clone() else { return None };
    if is_component_wise(graph, operation, &parameters, &arguments, &[]) {
        return None;
    }
    for position in catalogue::linear_positions(operation) {
        let Some((scalar, vector)) = scaled(graph, *arguments.get(position)?) else { continue };
        if graph.node(id).dim > graph.node(vector).dim {
            continue;
        }
        let mut arguments = arguments.clone();
        arguments[position] = vector;
        let rest = graph.operation(operation, &parameters, &arguments).ok()?;
        return graph.multiply(scalar, rest).ok();
    }
    None
}

/// `s | v = s * Sum(v)`
fn take_scalar_operand_out(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (first, second) = inner_product(graph, id)?;
    let (scalar, other) = if graph.node(first).dim == 1 { (first, second) } else { (second, first) };
    if graph.node(scalar).dim != 1 {
        return None;
    }
    let sum = graph.component_sum(other).ok()?;
    graph.multiply(scalar, sum).ok()
}

/// A vector as a scalar times a vector.
fn scaled(graph: &mut Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    let dim = graph.node(id).dim;
    if let Some(scalar) = spread_scalar(graph, id).filter(|&scalar| dim > 1 && constant(graph, scalar) != Some(1.0)) {
        let one = graph.constant(1.0);
        return Some((scalar, spread(graph, one, dim)?));
    }
    let (a, b) = product(graph, id)?;
    match (graph.node(a).dim, graph.node(b).dim) {
        (1, other) if other > 1 => Some((a, b)),
        (other, 1) if other > 1 => Some((b, a)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::pair;

    #[test]
    fn vectors_that_are_scalars_times_vectors() {
        let cases = [
            ("a * y", Some(("a", "y"))),
            ("x * b", Some(("b", "x"))),
            ("SumT(a, 3) + 0 * y", None),
            ("SumT(a, 3)", Some(("a", "SumT(IntCst(1), 3)"))),
            ("SumT(IntCst(1), 3)", None),
            ("SumT(a, 1)", None),
            ("a * b", None),
            ("x * y", None),
            ("x + y", None),
        ];
        for (formula, expected) in cases {
            // All that is looked for is in one graph.
            let (scalar, vector) = expected.unwrap_or(("a", "y"));
            let (mut graph, id) = pair(&format!("(({formula}) | y) + Sum({scalar} * y) + Sum({vector} * y)"));
            let operand = |graph: &Graph, id: NodeId, number: usize| graph.node(id).kind.arguments()[number];
            let (first, last) = (operand(&graph, id, 0), operand(&graph, id, 1));
            let (first, second) = (operand(&graph, first, 0), operand(&graph, first, 1));
            let inside = |graph: &Graph, sum: NodeId| operand(graph, operand(graph, sum, 0), 0);
            let (scalar, vector) = (inside(&graph, second), inside(&graph, last));
            let formula_node = operand(&graph, first, 0);
            assert_eq!(scaled(&mut graph, formula_node), expected.map(|_| (scalar, vector)), "{formula}");
        }
    }
}
