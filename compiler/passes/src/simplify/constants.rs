//! What is known when the formula is compiled: operations on numbers, products with 0, sums with 0.

use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::{OperationId, catalogue};

/// An operation on numbers is a number: `2 * 3 = 6`. It is computed in float64, and left alone where it is not finite.
pub(super) fn evaluate_constants(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
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

/// How an operation treats a zero.
enum Zeros {
    /// The result is zero if this argument is.
    Linear(&'static [usize]),
    /// `a + 0 = a`, also for vectors.
    Sum,
    /// `a - 0 = a`, `0 - a = -a`, also for vectors.
    Difference,
}

/// The operations that simplify where an argument is zero. (That `0 * inf` would be NaN is given up, as KeOps does.)
const ZEROS: &[(&str, Zeros)] = &[
    ("Add", Zeros::Sum),
    ("Subtract", Zeros::Difference),
    ("Minus", Zeros::Linear(&[0])),
    ("Mult", Zeros::Linear(&[0, 1])),
    ("Divide", Zeros::Linear(&[0])),
    ("Sum", Zeros::Linear(&[0])),
    ("Scalprod", Zeros::Linear(&[0, 1])),
    ("Elem", Zeros::Linear(&[0])),
    ("ElemT", Zeros::Linear(&[0])),
    ("Extract", Zeros::Linear(&[0])),
    ("ExtractT", Zeros::Linear(&[0])),
    ("MatVecMult", Zeros::Linear(&[0, 1])),
    ("VecMatMult", Zeros::Linear(&[0, 1])),
    ("TensorProd", Zeros::Linear(&[0, 1])),
];

/// Zeros, vectors of zeros included, vanish from sums and make products and linear operations zero; so does the sum of zeros.
pub(super) fn drop_zeros(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (dim, kind) = (graph.node(id).dim, graph.node(id).kind.clone());
    let (operation, arguments) = match &kind {
        NodeKind::Operation { operation, arguments, .. } => (*operation, arguments),
        NodeKind::Reduction { reduction, arguments, .. } if keopsc_ops::reductions::reduction(*reduction).name == "Sum" => {
            return is_zero(graph, arguments[0]).then(|| zero(graph, dim)).flatten();
        }
        _ => return None,
    };
    let is_zero = |position: usize| arguments.get(position).is_some_and(|&argument| is_zero(graph, argument));
    match zeros(operation)? {
        Zeros::Linear(positions) if positions.iter().any(|&position| is_zero(position)) => zero(graph, dim),
        Zeros::Sum if is_zero(0) => same_dim(graph, arguments[1], dim),
        Zeros::Sum | Zeros::Difference if is_zero(1) => same_dim(graph, arguments[0], dim),
        Zeros::Difference if is_zero(0) => {
            let negative = graph.negate(arguments[1]).ok()?;
            same_dim(graph, negative, dim)
        }
        _ => None,
    }
}

fn zeros(operation: OperationId) -> Option<&'static Zeros> {
    let name = catalogue::operation(operation).name;
    ZEROS.iter().find(|(known, _)| *known == name).map(|(_, zeros)| zeros)
}

/// The number that a node is.
pub(super) fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    match graph.node(id).kind {
        NodeKind::Constant(value) => Some(value.0),
        _ => None,
    }
}

/// Whether a node is 0 or a vector of zeros.
pub(super) fn is_zero(graph: &Graph, id: NodeId) -> bool {
    let id = super::spread::spread_scalar(graph, id).unwrap_or(id);
    constant(graph, id) == Some(0.0)
}

fn zero(graph: &mut Graph, dim: u32) -> Option<NodeId> {
    let zero = graph.constant(0.0);
    same_dim(graph, zero, dim)
}

/// `node` as a vector of `dim` components: itself, or a scalar in each of them.
pub(super) fn same_dim(graph: &mut Graph, node: NodeId, dim: u32) -> Option<NodeId> {
    match graph.node(node).dim {
        own if own == dim => Some(node),
        1 => graph.named("SumT", &[i64::from(dim)], &[node]).ok(),
        _ => None,
    }
}
