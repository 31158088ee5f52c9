//! Single components of vectors: what is known of them before the vector is computed.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Index, Scalar};
use keopsc_ops::{OperationId, catalogue};

use crate::forms;

/// A component of a unit vector is its scalar or 0, one of `Concat(f, g)` one of `f` or of `g`, and one of a sum or product the sum or product of
/// components.
pub(super) fn take_component(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (vector, place) = forms::component(graph, id)?;
    if graph.node(vector).dim == 1 {
        return Some(vector);
    }
    if let Some((scalar, own)) = forms::unit(graph, vector) {
        return Some(if own == place { scalar } else { graph.constant(0.0) });
    }
    if let Some((first, second)) = forms::joined(graph, vector) {
        let length = i64::from(graph.node(first).dim);
        let (part, place) = if place < length { (first, place) } else { (second, place - length) };
        return forms::component_of(graph, part, place);
    }
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(vector).kind.clone() else { return None };
    let free = [Intrinsic::Add, Intrinsic::Sub, Intrinsic::Mul, Intrinsic::Neg];
    if !is_component_wise(graph, operation, &parameters, &arguments, &free) {
        return None;
    }
    let components: Option<Vec<NodeId>> =
        arguments.iter().map(|&argument| forms::component_of(graph, argument, place)).collect();
    graph.operation(operation, &parameters, &components?).ok()
}

/// The inner product of a unit vector and another is a component of that, times the unit vector's scalar.
pub(super) fn multiply_by_unit(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (first, second) = forms::inner_product(graph, id)?;
    let (unit, other) = if forms::unit(graph, first).is_some() { (first, second) } else { (second, first) };
    let (scalar, place) = forms::unit(graph, unit)?;
    let component = forms::component_of(graph, other, place)?;
    graph.multiply(scalar, component).ok()
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
