//! Single components of vectors: what is known of them before the vector is computed.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Index, Scalar};
use keopsc_ops::{OperationId, catalogue};

/// `Elem(ElemT(s, n, m), m) = s`, 0 for other components; `Elem(Concat(f, g), m)` is a component of `f` or of `g`; and a component of a sum or
/// product is the sum or product of components.
pub(super) fn take_component(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (_, component, arguments) = named(graph, id, "Elem")?;
    let component = component[0];
    let vector = arguments[0];
    if graph.node(vector).dim == 1 {
        return Some(vector);
    }
    if let Some((_, parameters, arguments)) = named(graph, vector, "ElemT") {
        return Some(if parameters[1] == component { arguments[0] } else { graph.constant(0.0) });
    }
    if let Some((_, _, arguments)) = named(graph, vector, "Concat") {
        let first = i64::from(graph.node(arguments[0]).dim);
        let (part, place) =
            if component < first { (arguments[0], component) } else { (arguments[1], component - first) };
        return graph.named("Elem", &[place], &[part]).ok();
    }
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(vector).kind.clone() else { return None };
    if !is_component_wise(
        graph,
        operation,
        &parameters,
        &arguments,
        &[Intrinsic::Add, Intrinsic::Sub, Intrinsic::Mul, Intrinsic::Neg],
    ) {
        return None;
    }
    let mut components = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let scalar = graph.node(argument).dim == 1;
        components.push(if scalar { argument } else { graph.named("Elem", &[component], &[argument]).ok()? });
    }
    graph.operation(operation, &parameters, &components).ok()
}

/// `Scalprod(ElemT(s, n, m), v) = s * Elem(v, m)`
pub(super) fn multiply_by_unit(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (_, _, arguments) = named(graph, id, "Scalprod")?;
    let place = arguments.iter().position(|&argument| named(graph, argument, "ElemT").is_some())?;
    let (_, parameters, unit) = named(graph, arguments[place], "ElemT")?;
    let other = *arguments.get(1 - place)?;
    if graph.node(arguments[place]).dim == 1 {
        // A vector of one component is a scalar, which is multiplied with every component of the other.
        return None;
    }
    let component = match graph.node(other).dim {
        1 => other,
        _ => graph.named("Elem", &[parameters[1]], &[other]).ok()?,
    };
    graph.multiply(unit[0], component).ok()
}

/// Whether each component of an operation's result is a function of the same components of its arguments, made of these intrinsics only
/// (of any where none are given).
pub(super) fn is_component_wise(
    graph: &Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[NodeId],
    intrinsics: &[Intrinsic],
) -> bool {
    let dims = graph.dims(arguments);
    let same = |dim: u32| dims.iter().all(|&other| other == 1 || other == dim);
    dims.iter().max().is_some_and(|&dim| same(dim) && catalogue::infer_dim(operation, &dims, parameters) == Ok(dim))
        && catalogue::instantiate(operation, &dims, parameters)
            .is_ok_and(|recipe| reads_own_component(&recipe, &dims, intrinsics))
}

fn reads_own_component(recipe: &Scalar<u32>, dims: &[u32], intrinsics: &[Intrinsic]) -> bool {
    match recipe {
        Scalar::Constant(_) => true,
        Scalar::Component(position, index) => {
            *index == Index::Counter(Counter(0)) || dims.get(*position as usize).is_none_or(|&dim| dim == 1)
        }
        Scalar::Call(intrinsic, arguments) => {
            (intrinsics.is_empty() || intrinsics.contains(intrinsic))
                && arguments.iter().all(|argument| reads_own_component(argument, dims, intrinsics))
        }
        Scalar::Index(_) | Scalar::Fold { .. } | Scalar::Choose { .. } => false,
    }
}

fn named(graph: &Graph, id: NodeId, name: &str) -> Option<(OperationId, Vec<i64>, Vec<NodeId>)> {
    match &graph.node(id).kind {
        NodeKind::Operation { operation, parameters, arguments } if catalogue::operation(*operation).name == name => {
            Some((*operation, parameters.clone(), arguments.clone()))
        }
        _ => None,
    }
}
