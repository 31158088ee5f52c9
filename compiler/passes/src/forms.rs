//! What a node is, where it is one of the few operations that rules have to know: the operators of the language, the spreading of scalars, and
//! single components. The names stand here once.

use std::sync::LazyLock;

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::{OperationId, catalogue};

/// `a * b`
pub(crate) fn product(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.product)?)
}

/// `a / b`
pub(crate) fn quotient(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.quotient)?)
}

/// `a + b`
pub(crate) fn sum(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.sum)?)
}

/// `a - b`
pub(crate) fn difference(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.difference)?)
}

/// What a node is the negative of.
pub(crate) fn negated(graph: &Graph, id: NodeId) -> Option<NodeId> {
    arguments_of(graph, id, KNOWN.negative)?.first().copied()
}

/// `1 / a`
pub(crate) fn inverse(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    graph.operation(KNOWN.inverse, &[], &[id]).ok()
}

/// The scalar that stands in every component of a node.
pub(crate) fn spread_scalar(graph: &Graph, id: NodeId) -> Option<NodeId> {
    arguments_of(graph, id, KNOWN.spread)?.first().copied()
}

/// A vector of `dim` components that all are this scalar.
pub(crate) fn spread(graph: &mut Graph, scalar: NodeId, dim: u32) -> Option<NodeId> {
    graph.operation(KNOWN.spread, &[i64::from(dim)], &[scalar]).ok()
}

/// Whether a node is the sum of the components of a vector, which it is given.
pub(crate) fn component_sum(graph: &Graph, id: NodeId) -> Option<NodeId> {
    arguments_of(graph, id, KNOWN.component_sum)?.first().copied()
}

/// `a | b`
pub(crate) fn inner_product(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.inner_product)?)
}

/// A vector and the number of its component that a node is.
pub(crate) fn component(graph: &Graph, id: NodeId) -> Option<(NodeId, i64)> {
    with_number(graph, id, KNOWN.component, 0)
}

/// Component `place` of a vector; of a scalar itself.
pub(crate) fn component_of(graph: &mut Graph, vector: NodeId, place: i64) -> Option<NodeId> {
    match graph.node(vector).dim {
        1 => Some(vector),
        _ => graph.operation(KNOWN.component, &[place], &[vector]).ok(),
    }
}

/// A scalar and the number of the only component of a vector that is not 0, but that scalar. (A vector of one component is a scalar itself, and
/// broadcasts.)
pub(crate) fn unit(graph: &Graph, id: NodeId) -> Option<(NodeId, i64)> {
    with_number(graph, id, KNOWN.unit, 1).filter(|_| graph.node(id).dim > 1)
}

/// Two vectors of which a node is the first's components and then the second's.
pub(crate) fn joined(graph: &Graph, id: NodeId) -> Option<(NodeId, NodeId)> {
    two(arguments_of(graph, id, KNOWN.joined)?)
}

struct Known {
    sum: OperationId,
    difference: OperationId,
    product: OperationId,
    quotient: OperationId,
    negative: OperationId,
    inverse: OperationId,
    inner_product: OperationId,
    component_sum: OperationId,
    spread: OperationId,
    component: OperationId,
    unit: OperationId,
    joined: OperationId,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let find = |name| catalogue::find_operation(name).unwrap_or_else(|| panic!("the catalogue has no {name}"));
    Known {
        sum: find("Add"),
        difference: find("Subtract"),
        product: find("Mult"),
        quotient: find("Divide"),
        negative: find("Minus"),
        inverse: find("Inv"),
        inner_product: find("Scalprod"),
        component_sum: find("Sum"),
        spread: find("SumT"),
        component: find("Elem"),
        unit: find("ElemT"),
        joined: find("Concat"),
    }
});

fn arguments_of(graph: &Graph, id: NodeId, known: OperationId) -> Option<&[NodeId]> {
    match &graph.node(id).kind {
        NodeKind::Operation { operation, arguments, .. } if *operation == known => Some(arguments),
        _ => None,
    }
}

/// The first argument and one of the parameters.
fn with_number(graph: &Graph, id: NodeId, known: OperationId, parameter: usize) -> Option<(NodeId, i64)> {
    match &graph.node(id).kind {
        NodeKind::Operation { operation, arguments, parameters } if *operation == known => {
            Some((*arguments.first()?, *parameters.get(parameter)?))
        }
        _ => None,
    }
}

fn two(arguments: &[NodeId]) -> Option<(NodeId, NodeId)> {
    match arguments {
        &[a, b] => Some((a, b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::pair;

    #[test]
    fn components_and_units() {
        let component_place = |formula: &str| {
            let (graph, id) = pair(formula);
            component(&graph, id).map(|(_, place)| place)
        };
        assert_eq!(["x[0]", "y[2]", "x", "Concat(x, y)"].map(component_place), [Some(0), Some(2), None, None]);
        let unit_place = |formula: &str| {
            let (graph, id) = pair(formula);
            unit(&graph, id).map(|(_, place)| place)
        };
        // One component is a scalar, which broadcasts.
        let formulas = ["ElemT(a, 3, 1)", "ElemT(b, 2, 0)", "ElemT(a, 1, 0)", "SumT(a, 3)"];
        assert_eq!(formulas.map(unit_place), [Some(1), Some(0), None, None]);
    }

    #[test]
    fn components_of_scalars_are_the_scalars() {
        let (mut graph, id) = pair("a * y");
        let [scalar, vector] = graph.node(id).kind.arguments()[..] else { panic!("a product has two factors") };
        assert_eq!([0, 2].map(|place| component_of(&mut graph, scalar, place)), [Some(scalar); 2]);
        let second = component_of(&mut graph, vector, 2).expect("there are three");
        assert_eq!(component(&graph, second), Some((vector, 2)));
        assert_eq!(component_of(&mut graph, vector, 3), None);
    }
}
