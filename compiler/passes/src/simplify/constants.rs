//! What is known when the formula is compiled: operations on numbers, products with 0, sums with 0.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::{catalogue, reductions};

use crate::forms;

/// An operation on numbers is a number: `2 * 3 = 6`. It is computed in float64, and left alone where it is not finite.
pub(crate) fn evaluate_constants(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    let NodeKind::Operation { operation, parameters, arguments } = &node.kind else { return None };
    if node.dim != 1 {
        return None;
    }
    let numbers: Vec<f64> = arguments.iter().map(|&argument| constant(graph, argument)).collect::<Option<_>>()?;
    let scalar = catalogue::instantiate(*operation, &graph.dims(arguments), parameters).ok()?;
    let value = keopsc_ops::scalar::evaluate(&scalar, 0, |&position, _| numbers[position as usize]);
    value.is_finite().then(|| graph.constant(value))
}

/// A product with zero is zero, and so is everything that is linear in an argument that is zero; so are a choice of zero and a sum of zeros over an index. (That
/// `0 * inf` would be NaN is given up, as KeOps does.) Zeros in sums vanish by laws of the catalogue.
pub(super) fn drop_zeros(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    let dim = node.dim;
    let vanishes = match &node.kind {
        NodeKind::Operation { operation, arguments, .. } => catalogue::linear_positions(*operation)
            .any(|position| arguments.get(position).is_some_and(|&argument| is_zero(graph, argument))),
        NodeKind::Reduction { reduction, arguments, .. } => {
            reductions::reduction(*reduction).linear && is_zero(graph, arguments[0])
        }
        NodeKind::Chosen { value, .. } | NodeKind::Scatter { value, .. } => is_zero(graph, *value),
        _ => false,
    };
    if !vanishes || is_zero(graph, id) {
        return None;
    }
    let zero = graph.constant(0.0);
    same_dim(graph, zero, dim)
}

/// The number that a node is.
pub(super) fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    match graph.node(id).kind {
        NodeKind::Constant(value) => Some(value.0),
        _ => None,
    }
}

/// Whether a node is 0 or a vector of zeros.
pub(crate) fn is_zero(graph: &Graph, id: NodeId) -> bool {
    let id = forms::spread_scalar(graph, id).unwrap_or(id);
    constant(graph, id) == Some(0.0)
}

/// `node` as a vector of `dim` components: itself, or a scalar in each of them.
pub(super) fn same_dim(graph: &mut Graph, node: NodeId, dim: u32) -> Option<NodeId> {
    match graph.node(node).dim {
        own if own == dim => Some(node),
        1 => forms::spread(graph, node, dim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::pair;
    use keopsc_ir::types::Axis;

    /// Everything that is linear in a zero is one, and nothing else is; zeros are not replaced by zeros.
    #[test]
    fn zeros_are_found() {
        let (mut graph, distance) = pair("SqDist(x, y)");
        let zero = graph.constant(0.0);
        let one = graph.constant(1.0);
        let [zeros, ones] = [zero, one].map(|scalar| forms::spread(&mut graph, scalar, 3).expect("dimensions fit"));
        let products = [graph.multiply(distance, zeros), graph.multiply(zeros, distance), graph.negate(zeros)];
        let zero_products = products.map(|product| product.expect("dimensions fit"));
        let chosen = [zero, zeros].map(|value| graph.chosen(distance, Axis::J, value));
        let scattered = [zero, zeros].map(|value| graph.scatter(distance, Axis::I, value));
        for id in [zero_products.as_slice(), &chosen, &scattered].concat() {
            let dim = graph.node(id).dim;
            let found = drop_zeros(&mut graph, id).expect("it vanishes");
            assert!(is_zero(&graph, found));
            assert_eq!(graph.node(found).dim, dim);
        }
        let product = graph.multiply(distance, ones).expect("dimensions fit");
        let sum = graph.plus(distance, zero).expect("dimensions fit");
        let others = [graph.chosen(zero, Axis::J, one), graph.scatter(zero, Axis::I, distance), product, sum];
        for id in others.into_iter().chain([zero, zeros, distance]) {
            assert_eq!(drop_zeros(&mut graph, id), None);
        }
    }
}
