//! The rules that every [`Program`] keeps between passes. A pass that breaks one has a bug.

use keopsc_ops::catalogue;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions;

use super::{Entry, Graph, Input, InputId, Node, NodeId, NodeKind, Output, Program};
use crate::defect::{Defect, Defects};
use crate::text::is_identifier;
use crate::types::{Axis, Role, ScalarType};

/// How far a program has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Names are resolved; derivatives may still be requests.
    Resolved,
    /// Derivatives are formulas.
    Differentiated,
}

/// Checks every rule.
pub fn verify(program: &Program, stage: Stage) -> Result<(), Vec<Defect>> {
    let mut defects = Defects::default();
    verify_inputs(program, &mut defects);
    for (id, node) in program.graph.nodes() {
        verify_node(program, id, node, stage, &mut defects);
    }
    for (number, entry) in program.entries.iter().enumerate() {
        let first = program.entries.iter().position(|other| other.name == entry.name);
        defects.require(first == Some(number), &format!("entry {}", entry.name), "names of entries differ", || {
            format!("two of the name {}", entry.name)
        });
        verify_entry(program, entry, &mut defects);
    }
    let storable = |scalar: ScalarType| scalar != ScalarType::I64 && !scalar.is_complex();
    defects.require(program.scalar.is_none_or(storable), "scalar", "results are stored as real numbers", || {
        "i64".to_string()
    });
    defects.into_result()
}

fn verify_inputs(program: &Program, defects: &mut Defects) {
    for (number, input) in program.inputs.iter().enumerate() {
        let place = format!("input {}", input.name);
        defects.require(is_identifier(&input.name), &place, "a name is an identifier", || input.name.clone());
        let paired = input.dim % input.scalar.components() == 0;
        defects.require(paired, &place, "complex numbers have two components each", || input.dim.to_string());
        let first = program.inputs.iter().position(|other| other.name == input.name);
        defects.require(first == Some(number), &place, "names of inputs differ", || format!("{} twice", input.name));
        defects.require(input.role != Role::Pair, &place, "an input depends on one index at most", || "ij".to_string());
        defects.require(input.dim > 0, &place, "an input has components", || "none".to_string());
    }
}

fn verify_node(program: &Program, id: NodeId, node: &Node, stage: Stage, defects: &mut Defects) {
    let place = format!("n{}", id.0);
    let arguments = node.kind.arguments();
    let ordered = defects.require(
        arguments.iter().all(|argument| argument.0 < id.0),
        &place,
        "arguments stand before their users",
        || format!("{arguments:?}"),
    );
    if !ordered {
        return;
    }
    defects.require(node.dim > 0, &place, "a node has components", || "none".to_string());
    match &node.kind {
        NodeKind::Input(input) => verify_input_node(program, *input, node, &place, defects),
        NodeKind::Constant(_) => {
            verify_type(node, (1, Role::Parameter, false), &place, defects);
        }
        NodeKind::Operation { .. } => verify_operation(&program.graph, node, &place, defects),
        NodeKind::Reduction { .. } => verify_reduction(&program.graph, node, &place, defects),
        NodeKind::Chosen { by, axis, value } => {
            let graph = &program.graph;
            let (numbers, like) = (graph.node(*by), graph.node(*value));
            defects.require(numbers.is_index, &place, "a choice is by row numbers", || format!("n{}", by.0));
            verify_real(graph, &[*value], &place, defects);
            let role = numbers.role.union(like.role).union(axis.role());
            verify_type(node, (numbers.dim, role, false), &place, defects);
            defects.require(numbers.dim == like.dim, &place, "what is chosen has a row number a component", || {
                format!("{} row numbers for {} components", numbers.dim, like.dim)
            });
        }
        NodeKind::Scatter { by, over, value } => {
            verify_scatter(&program.graph, node, (*by, *over, *value), &place, defects)
        }
        NodeKind::Gradient { of, variable, cotangent } => {
            let graph = &program.graph;
            verify_request(graph, node, *variable, (*cotangent, *of), stage, &place, defects);
            verify_type(node, (graph.node(*variable).dim, node.role, false), &place, defects);
        }
        NodeKind::Tangent { of, variable, tangent } => {
            let graph = &program.graph;
            verify_request(graph, node, *variable, (*tangent, *variable), stage, &place, defects);
            verify_type(node, (graph.node(*of).dim, node.role, false), &place, defects);
        }
    }
}

fn verify_input_node(program: &Program, id: InputId, node: &Node, place: &str, defects: &mut Defects) {
    let input: Option<&Input> = program.inputs.get(id.0 as usize);
    defects.require(input.is_some(), place, "an input node's input exists", || format!("input {}", id.0));
    if let Some(input) = input {
        verify_type(node, (input.dim, input.role, input.scalar == ScalarType::I64), place, defects);
    }
}

fn verify_operation(graph: &Graph, node: &Node, place: &str, defects: &mut Defects) {
    let NodeKind::Operation { operation, parameters, arguments } = &node.kind else { return };
    let known = catalogue::operations().count() > operation.0 as usize;
    if !defects.require(known, place, "an operation is one of the catalogue", || format!("number {}", operation.0)) {
        return;
    }
    verify_real(graph, arguments, place, defects);
    match catalogue::infer_dim(*operation, &graph.dims(arguments), parameters) {
        Ok(dim) => verify_type(node, (dim, graph.role(arguments), false), place, defects),
        Err(error) => {
            defects.require(false, place, "arguments fit the signature", || error.to_string());
        }
    }
}

fn verify_reduction(graph: &Graph, node: &Node, place: &str, defects: &mut Defects) {
    let NodeKind::Reduction { reduction, over, rows, parameters, arguments, outcome } = &node.kind else { return };
    let known = reductions::reductions().count() > reduction.0 as usize;
    if !defects.require(known, place, "a reduction is one of the table", || format!("number {}", reduction.0)) {
        return;
    }
    verify_real(graph, arguments, place, defects);
    verify_axes(graph, *over, *rows, arguments, place, defects);
    match reductions::infer(*reduction, &graph.dims(arguments), parameters) {
        Ok(outcomes) => {
            let found = outcomes.get(*outcome as usize);
            defects.require(found.is_some(), place, "a reduction has the outcome", || format!("outcome {outcome}"));
            if let Some((kind, shape)) = found {
                verify_type(node, (shape.iter().product(), *rows, *kind == Kind::Index), place, defects);
            }
        }
        Err(error) => {
            defects.require(false, place, "arguments fit the signature", || error.to_string());
        }
    }
}

fn verify_axes(graph: &Graph, over: Axis, rows: Role, arguments: &[NodeId], place: &str, defects: &mut Defects) {
    defects.require(!rows.has(over), place, "a reduction's result does not depend on the reduced index", || {
        format!("{rows} over {over}")
    });
    let role = graph.role(arguments);
    defects.require(
        rows.union(over.role()).contains(role),
        place,
        "a reduction's arguments depend on nothing but the reduced index and the rows",
        || format!("arguments that depend on {role}, reduced over {over} to {rows}"),
    );
}

fn verify_scatter(
    graph: &Graph,
    node: &Node,
    (by, over, value): (NodeId, Axis, NodeId),
    place: &str,
    defects: &mut Defects,
) {
    let (numbers, summed) = (graph.node(by), graph.node(value));
    let found = matches!(numbers.kind, NodeKind::Reduction { over: columns, .. } if columns == over.other());
    defects.require(
        found && numbers.is_index && numbers.role == over.role(),
        place,
        "values are scattered by row numbers that a reduction over the other index found",
        || format!("n{}", by.0),
    );
    defects.require(over.role().contains(summed.role), place, "what is scattered has the rows of its numbers", || {
        format!("n{} of role {} over {over}", value.0, summed.role)
    });
    verify_real(graph, &[value], place, defects);
    verify_type(node, (summed.dim, over.other().role(), false), place, defects);
}

fn verify_request(
    graph: &Graph,
    node: &Node,
    variable: NodeId,
    (given, like): (NodeId, NodeId),
    stage: Stage,
    place: &str,
    defects: &mut Defects,
) {
    defects.require(stage == Stage::Resolved, place, "derivatives are gone after differentiation", || {
        "a request".to_string()
    });
    defects.require(
        matches!(graph.node(variable).kind, NodeKind::Input(_)),
        place,
        "derivatives are with respect to inputs",
        || format!("n{}", variable.0),
    );
    defects.require(
        graph.node(given).dim == graph.node(like).dim,
        place,
        "a cotangent has the components of the value, a tangent those of the variable",
        || format!("{} and {}", graph.node(given).dim, graph.node(like).dim),
    );
    verify_real(graph, &node.kind.arguments(), place, defects);
}

fn verify_real(graph: &Graph, arguments: &[NodeId], place: &str, defects: &mut Defects) {
    let index = arguments.iter().find(|&&argument| graph.node(argument).is_index);
    defects.require(index.is_none(), place, "row numbers are not computed with", || format!("{index:?}"));
}

fn verify_type(node: &Node, expected: (u32, Role, bool), place: &str, defects: &mut Defects) {
    let found = (node.dim, node.role, node.is_index);
    let text =
        |(dim, role, is_index): (u32, Role, bool)| format!("{role}[{dim}]{}", if is_index { " index" } else { "" });
    defects.require(found == expected, place, "a node's type follows from its arguments", || {
        format!("{} where {} is inferred", text(found), text(expected))
    });
}

fn verify_entry(program: &Program, entry: &Entry, defects: &mut Defects) {
    let place = format!("entry {}", entry.name);
    defects.require(is_identifier(&entry.name), &place, "a name is an identifier", || entry.name.clone());
    let mut seen = Vec::new();
    for input in &entry.inputs {
        let exists = (input.0 as usize) < program.inputs.len();
        defects.require(exists, &place, "an entry's inputs exist", || format!("input {}", input.0));
        defects.require(!seen.contains(input), &place, "an entry takes an input once", || format!("input {}", input.0));
        seen.push(*input);
    }
    defects.require(!entry.outputs.is_empty(), &place, "an entry has outputs", || "none".to_string());
    for (number, output) in entry.outputs.iter().enumerate() {
        let first = entry.outputs.iter().position(|other| other.name == output.name);
        defects.require(first == Some(number), &place, "names of outputs differ", || format!("{} twice", output.name));
        verify_output(program, output, &place, defects);
        let taken = output.gradient_of.is_none_or(|input| entry.inputs.contains(&input));
        defects.require(taken, &place, "an entry takes the inputs that its gradients are in", || output.name.clone());
    }
    let gradients = entry.outputs.iter().filter_map(|output| output.gradient_of);
    for input in used_inputs(program, entry).into_iter().chain(gradients) {
        defects.require(entry.inputs.contains(&input), &place, "an entry takes the inputs that it uses", || {
            program
                .inputs
                .get(input.0 as usize)
                .map_or_else(|| format!("input {}", input.0), |input| input.name.clone())
        });
    }
}

fn verify_output(program: &Program, output: &Output, place: &str, defects: &mut Defects) {
    defects.require(is_identifier(&output.name), place, "a name is an identifier", || output.name.clone());
    let exists = (output.node.0 as usize) < program.graph.len();
    if !defects.require(exists, place, "an output's node exists", || format!("n{}", output.node.0)) {
        return;
    }
    let node = program.graph.node(output.node);
    let shaped = output.shape.iter().try_fold(1u32, |product, &extent| product.checked_mul(extent)) == Some(node.dim);
    defects.require(shaped, place, "an output's extents multiply to its components", || format!("{:?}", output.shape));
    let like = output.gradient_of.is_none_or(|id| {
        program.inputs.get(id.0 as usize).is_some_and(|input| (input.role, input.dim) == (output.rows, node.dim))
    });
    defects.require(like, place, "a gradient has the rows and components of its input", || output.name.clone());
    let paired = !output.is_complex || (!node.is_index && output.shape.last().is_some_and(|extent| extent % 2 == 0));
    defects.require(paired, place, "complex numbers have two components each", || format!("{:?}", output.shape));
    // What is repeated goes through a temporary, which is read as real numbers, and these hold no large row number.
    defects.require(
        !node.is_index || output.rows == node.role,
        place,
        "an output of row numbers has the rows of its reduction",
        || format!("n{} of role {} for rows {}", output.node.0, node.role, output.rows),
    );
    defects.require(output.rows != Role::Pair, place, "an output depends on one index at most", || "ij".to_string());
    defects.require(
        output.rows.contains(node.role),
        place,
        "an output's rows have the indices that its node depends on",
        || format!("n{} of role {} for rows {}", output.node.0, node.role, output.rows),
    );
}

/// The inputs below an entry's outputs, as far as nodes exist and are in order.
fn used_inputs(program: &Program, entry: &Entry) -> Vec<InputId> {
    let graph = &program.graph;
    let mut needed = vec![false; graph.len()];
    let mark = |needed: &mut Vec<bool>, id: NodeId| {
        if let Some(flag) = needed.get_mut(id.0 as usize) {
            *flag = true;
        }
    };
    entry.outputs.iter().for_each(|output| mark(&mut needed, output.node));
    let mut used = Vec::new();
    for number in (0..graph.len()).rev() {
        if needed[number] {
            let kind = &graph.node(NodeId(number as u32)).kind;
            kind.arguments().iter().for_each(|&id| mark(&mut needed, id));
            used.extend(match kind {
                NodeKind::Input(input) => Some(*input),
                _ => None,
            });
        }
    }
    used
}
