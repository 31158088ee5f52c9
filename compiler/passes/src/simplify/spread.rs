//! Scalars that stand in every component of a vector: `SumT(s, n)` is left out where the operation around it broadcasts anyway.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue;

use super::components::is_component_wise;

/// The scalar that stands in every component of a node.
pub(super) fn spread_scalar(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let (name, arguments) = operation(graph, id)?;
    (name == "SumT").then(|| arguments[0])
}

/// `SumT(s, n) * v = s * v`: an argument that broadcasts need not be spread, as long as the result keeps its dimension.
pub(super) fn drop_spreads(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(id).kind.clone() else { return None };
    let dim = graph.node(id).dim;
    let signature = catalogue::signature(operation);
    let spread = |position: &usize| signature.arguments[*position].pattern.repeats == 1;
    for position in (0..arguments.len()).filter(spread) {
        let Some(scalar) = spread_scalar(graph, arguments[position]) else { continue };
        let mut arguments = arguments.clone();
        arguments[position] = scalar;
        // A sum over components counts them, so it has to see as many.
        let counts = dim == 1 && arguments.iter().all(|&argument| graph.node(argument).dim == 1);
        if !counts && catalogue::infer_dim(operation, &graph.dims(&arguments), &parameters) == Ok(dim) {
            return graph.operation(operation, &parameters, &arguments).ok();
        }
    }
    spread_later(graph, id)
}

/// `Exp(SumT(s, n)) = SumT(Exp(s), n)`, for operations on single components that see nothing but scalars.
fn spread_later(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
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
    graph.named("SumT", &[i64::from(dim)], &[result]).ok()
}

/// `Sum(SumT(s, n)) = n * s`
pub(super) fn sum_spreads(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, arguments) = operation(graph, id)?;
    if name != "Sum" {
        return None;
    }
    let argument = arguments[0];
    if graph.node(argument).dim == 1 {
        return Some(argument);
    }
    let scalar = spread_scalar(graph, argument)?;
    let count = graph.constant(f64::from(graph.node(argument).dim));
    graph.multiply(count, scalar).ok()
}

/// `Sum(s * v) = s * Sum(v)` and `Scalprod(s * v, w) = s * Scalprod(v, w)` for a scalar `s`: fewer products, and a sum that others may share.
pub(super) fn take_scalars_out_of_sums(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, arguments) = operation(graph, id)?;
    if !matches!(name, "Sum" | "Scalprod") {
        return None;
    }
    if let (&[first, second], "Scalprod") = (arguments.as_slice(), name) {
        let scalar = if graph.node(first).dim == 1 { first } else { second };
        let other = if scalar == first { second } else { first };
        if graph.node(scalar).dim == 1 {
            let sum = graph.component_sum(other).ok()?;
            return graph.multiply(scalar, sum).ok();
        }
    }
    for (position, &argument) in arguments.iter().enumerate() {
        let Some(("Mult", factors)) = operation(graph, argument) else { continue };
        let Some(place) = factors.iter().position(|&factor| graph.node(factor).dim == 1) else { continue };
        let (scalar, vector) = (factors[place], factors[1 - place]);
        if graph.node(vector).dim == 1 {
            continue;
        }
        let mut arguments = arguments.clone();
        arguments[position] = vector;
        let sum = graph.named(name, &[], &arguments).ok()?;
        return graph.multiply(scalar, sum).ok();
    }
    None
}

/// Name and arguments of an operation.
pub(super) fn operation(graph: &Graph, id: NodeId) -> Option<(&'static str, Vec<NodeId>)> {
    match &graph.node(id).kind {
        NodeKind::Operation { operation, arguments, .. } => {
            Some((catalogue::operation(*operation).name, arguments.clone()))
        }
        _ => None,
    }
}
