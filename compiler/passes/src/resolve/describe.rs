//! Values in the words of error messages.

use keopsc_ir::formula::{Graph, NodeId};
use keopsc_ir::types::Role;

use crate::values::Value;

/// How often a value of that role exists.
pub(super) fn role_words(role: Role) -> &'static str {
    match role {
        Role::I => "one row per i",
        Role::J => "one row per j",
        Role::Parameter => "a parameter",
        Role::Pair => "one row per pair (i, j)",
    }
}

/// `1 component`, `3 components`
pub(super) fn components(dim: u32) -> String {
    format!("{dim} component{}", if dim == 1 { "" } else { "s" })
}

/// Dimension and role of a node.
pub(super) fn describe_node(graph: &Graph, node: NodeId) -> String {
    let node = graph.node(node);
    let kind = if node.is_index { "row numbers, " } else { "" };
    format!("{kind}{}, {}", components(node.dim), role_words(node.role))
}

/// What a value is.
pub(super) fn describe(graph: &Graph, value: &Value) -> String {
    match value {
        Value::Integer(number) => format!("the number {number}"),
        Value::Real(number) => format!("the number {number}"),
        Value::Formula(node) => describe_node(graph, *node),
        Value::Complex(node) => {
            let node = graph.node(*node);
            let numbers = node.dim / 2;
            let plural = if numbers == 1 { "" } else { "s" };
            format!("{numbers} complex number{plural}, {}", role_words(node.role))
        }
        Value::Pair(values, _) => format!("values and row numbers: {} each", describe_node(graph, *values)),
        Value::List(numbers) => format!("the list {numbers:?}"),
    }
}
