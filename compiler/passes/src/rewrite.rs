//! What passes over the formula graph share: a new graph from an old one, node by node, arguments first.

use std::convert::Infallible;

use keopsc_ir::formula::{Entry, Graph, Node, NodeId, NodeKind, Program};

/// A program with every node that its outputs need replaced by what `replace` makes of it.
///
/// `replace` gets the graph under construction, the old number, the old node with its arguments already those of the new graph.
pub(crate) fn rewrite<E>(
    program: &Program,
    mut replace: impl FnMut(&mut Graph, NodeId, Node) -> Result<NodeId, E>,
) -> Result<Program, E> {
    let needed = needed_nodes(program);
    let mut graph = Graph::default();
    let mut renamed: Vec<Option<NodeId>> = vec![None; program.graph.len()];
    for (id, node) in program.graph.nodes().filter(|(id, _)| needed[id.0 as usize]) {
        let node = Node {
            kind: with_arguments(&node.kind, |argument| renamed[argument.0 as usize].unwrap_or(argument)),
            ..*node
        };
        renamed[id.0 as usize] = Some(replace(&mut graph, id, node)?);
    }
    let mut entries = program.entries.clone();
    for output in entries.iter_mut().flat_map(|entry| &mut entry.outputs) {
        output.node = renamed[output.node.0 as usize].unwrap_or(output.node);
    }
    Ok(Program { inputs: program.inputs.clone(), graph, entries, scalar: program.scalar })
}

/// A program to all of whose nodes `better` was applied, bottom-up, until nothing changed or `rounds` are over.
///
/// `better` gives an equal node where there is a better one, and is asked again about that, `steps` times at most.
pub(crate) fn improve(
    program: &Program,
    (rounds, steps): (usize, usize),
    mut better: impl FnMut(&mut Graph, NodeId) -> Option<NodeId>,
) -> Program {
    let mut program = compact(program);
    for _ in 0..rounds {
        let improved = rewrite(&program, |graph, _, node| {
            let mut id = add(graph, node);
            for _ in 0..steps {
                match better(graph, id).filter(|&other| other != id) {
                    Some(other) => id = other,
                    None => break,
                }
            }
            Ok::<NodeId, Infallible>(id)
        });
        let next = match improved {
            Ok(improved) => compact(&improved),
            Err(never) => match never {},
        };
        if is_same(&next, &program) {
            break;
        }
        program = next;
    }
    program
}

/// Programs with the same inputs as one, which has all of their entries in the order of `order`, their names.
pub(crate) fn join(parts: &[Program], order: &[Entry]) -> Program {
    let mut graph = Graph::default();
    let mut entries = Vec::new();
    for part in parts {
        let mut renamed = Vec::with_capacity(part.graph.len());
        for (_, node) in part.graph.nodes() {
            let kind = with_arguments(&node.kind, |argument| renamed[argument.0 as usize]);
            renamed.push(graph.add(Node { kind, ..*node }));
        }
        for mut entry in part.entries.iter().cloned() {
            entry.outputs.iter_mut().for_each(|output| output.node = renamed[output.node.0 as usize]);
            entries.push(entry);
        }
    }
    let place = |entry: &Entry| order.iter().position(|other| other.name == entry.name);
    entries.sort_by_key(place);
    let Program { inputs, scalar, .. } = parts.first().cloned().unwrap_or_default();
    Program { inputs, graph, entries, scalar }
}

/// The same program without nodes that nothing needs.
pub(crate) fn compact(program: &Program) -> Program {
    let copy = |graph: &mut Graph, _: NodeId, node: Node| Ok::<NodeId, Infallible>(add(graph, node));
    match rewrite(program, copy) {
        Ok(program) => program,
        Err(never) => match never {},
    }
}

/// Whether two programs are node by node the same.
fn is_same(a: &Program, b: &Program) -> bool {
    a.entries == b.entries && a.graph.nodes().map(|(_, node)| node).eq(b.graph.nodes().map(|(_, node)| node))
}

/// Adds a node whose arguments are `graph`'s own; the role of an operation or a choice follows from theirs.
pub(crate) fn add(graph: &mut Graph, node: Node) -> NodeId {
    let role = match &node.kind {
        NodeKind::Operation { arguments, .. } => graph.role(arguments),
        NodeKind::Chosen { by, axis, value } => graph.role(&[*by, *value]).union(axis.role()),
        _ => node.role,
    };
    graph.add(Node { role, ..node })
}

fn needed_nodes(program: &Program) -> Vec<bool> {
    let mut needed = vec![false; program.graph.len()];
    for output in program.entries.iter().flat_map(|entry| &entry.outputs) {
        needed[output.node.0 as usize] = true;
    }
    let nodes: Vec<(NodeId, &Node)> = program.graph.nodes().collect();
    for (id, node) in nodes.into_iter().rev() {
        if needed[id.0 as usize] {
            for argument in node.kind.arguments() {
                needed[argument.0 as usize] = true;
            }
        }
    }
    needed
}

fn with_arguments(kind: &NodeKind, rename: impl Fn(NodeId) -> NodeId) -> NodeKind {
    let mut kind = kind.clone();
    match &mut kind {
        NodeKind::Input(_) | NodeKind::Constant(_) => {}
        NodeKind::Operation { arguments, .. } | NodeKind::Reduction { arguments, .. } => {
            arguments.iter_mut().for_each(|argument| *argument = rename(*argument));
        }
        NodeKind::Chosen { by, value, .. } | NodeKind::Scatter { by, value, .. } => {
            [by, value].into_iter().for_each(|argument| *argument = rename(*argument))
        }
        NodeKind::Gradient { of, variable, cotangent: direction }
        | NodeKind::Tangent { of, variable, tangent: direction } => {
            [of, variable, direction].into_iter().for_each(|argument| *argument = rename(*argument));
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::{output, pair};
    use keopsc_ir::formula::Output;
    use keopsc_ir::types::{Axis, Role};

    fn program(graph: Graph, node: NodeId) -> Program {
        let rows = graph.node(node).role;
        let output = Output { name: "f".to_owned(), node, rows, shape: vec![1], is_complex: false, gradient_of: None };
        let numerics = keopsc_ir::types::Numerics::default();
        let entry = Entry { name: "f".to_owned(), inputs: Vec::new(), outputs: vec![output], numerics };
        Program { graph, entries: vec![entry], ..Program::default() }
    }

    /// One round finds that nothing is better; a round that changes something is followed by another one.
    #[test]
    fn rounds_end_when_nothing_changes() {
        let (graph, id) = output("Sum[j](a * b)");
        let program = program(graph, id);
        let nodes = compact(&program).graph.len();
        let mut asked = 0;
        let same = improve(&program, (9, 9), |_, _| {
            asked += 1;
            None
        });
        assert_eq!((asked, same.graph.len()), (nodes, nodes));
        let mut changes = 0;
        improve(&program, (9, 9), |graph, id| {
            asked += 1;
            let is_sum = matches!(graph.node(id).kind, NodeKind::Reduction { .. });
            if !is_sum || changes == 1 {
                return None;
            }
            changes += 1;
            graph.negate(id).ok()
        });
        // The second round has one node more, and the new one is asked about at once.
        assert_eq!(asked, nodes + (nodes + 1) + (nodes + 1));
        let mut counted = 0;
        improve(&program, (3, 2), |graph, id| {
            counted += 1;
            graph.negate(id).ok()
        });
        assert!(counted > 0);
    }

    /// What a node depends on is what its arguments depend on by now.
    #[test]
    fn roles_follow_from_arguments() {
        let (mut graph, product) = pair("a * b");
        let [row, column] = graph.node(product).kind.arguments()[..] else { panic!("a product has two factors") };
        let one = graph.constant(1.0);
        let operation = graph.node(product).kind.clone();
        let chosen = |by, axis, value| NodeKind::Chosen { by, axis, value };
        let cases = [
            (with_arguments(&operation, |id| if id == row { one } else { id }), Role::J),
            (with_arguments(&operation, |id| if id == column { one } else { id }), Role::I),
            (with_arguments(&operation, |_| one), Role::Parameter),
            (chosen(one, Axis::J, one), Role::J),
            (chosen(one, Axis::I, one), Role::I),
            (chosen(one, Axis::J, column), Role::J),
            (chosen(row, Axis::J, one), Role::Pair),
            (chosen(one, Axis::J, row), Role::Pair),
        ];
        for (kind, role) in cases {
            let text = format!("{kind:?}");
            let id = add(&mut graph, Node { kind, dim: 1, role: Role::Pair, is_index: false });
            assert_eq!(graph.node(id).role, role, "{text}");
        }
    }
}
