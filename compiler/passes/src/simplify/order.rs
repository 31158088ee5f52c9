//! Operands of commutative operations in one order, so that `x * y` and `y * x` are one node.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue;

/// Constants first, then by number.
pub(super) fn order_operands(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let NodeKind::Operation { operation, parameters, arguments } = graph.node(id).kind.clone() else { return None };
    let &[first, second] = arguments.as_slice() else { return None };
    let key = |node: NodeId| (!matches!(graph.node(node).kind, NodeKind::Constant(_)), node);
    if key(first) <= key(second) || !catalogue::operation(operation).commutative {
        return None;
    }
    graph.operation(operation, &parameters, &[second, first]).ok()
}
