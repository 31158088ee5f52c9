//! Program to text, one line an input, a node and an entry.
//!
//! ```text
//! scalar f32
//! input x: i[3] f32
//! input y: j[3] f32
//! n0: i[3] = input x
//! n1: j[3] = input y
//! n2: ij[1] = SqDist(n0, n1)
//! n3: i[1] = Sum[j](n2)
//! n4: i[1] index = Min_ArgMin[j](n2).1
//! n5: p[1] = Sum[i -> p](n3)
//! n6: j[3] = scatter[i](n4, n0)
//! entry f(x, y) -> a: i[1] = n3, b: p[1] = n5 gradient x; sum = kahan
//! ```
//!
//! Integer parameters stand after the arguments of an operation and in the bracket of a reduction. `.1` after a reduction is its
//! second outcome. `parse` reads all of this back.

use std::fmt::Write;

use keopsc_ops::{catalogue, reductions};

use super::{Entry, Input, InputId, Node, NodeId, NodeKind, Origin, Output, Program};
use crate::text::{print_float, print_list, print_numerics};
use crate::types::{Axis, Role};

/// The text of a program.
pub fn print(program: &Program) -> String {
    let mut text = String::new();
    if let Some(scalar) = program.scalar {
        writeln!(text, "scalar {}", scalar.name()).ok();
    }
    program.inputs.iter().for_each(|input| text.push_str(&print_input(input)));
    program.graph.nodes().for_each(|(id, node)| text.push_str(&print_node(program, id, node)));
    program.entries.iter().for_each(|entry| text.push_str(&print_entry(program, entry)));
    text
}

fn print_input(input: &Input) -> String {
    let Input { name, role, dim, scalar, origin } = input;
    let origin = match origin {
        Origin::Declared => "",
        Origin::Cotangent => " cotangent",
        Origin::Tangent => " tangent",
    };
    format!("input {name}: {role}[{dim}] {}{origin}\n", scalar.name())
}

fn print_node(program: &Program, id: NodeId, node: &Node) -> String {
    let index = if node.is_index { " index" } else { "" };
    format!("n{}: {}[{}]{index} = {}\n", id.0, node.role, node.dim, print_kind(program, &node.kind))
}

fn print_kind(program: &Program, kind: &NodeKind) -> String {
    match kind {
        NodeKind::Input(input) => format!("input {}", input_name(program, *input)),
        NodeKind::Constant(value) => print_float(value.0),
        NodeKind::Operation { operation, parameters, arguments } => {
            let arguments = arguments.iter().map(node_name).chain(parameters.iter().map(i64::to_string));
            format!("{}({})", catalogue::operation(*operation).name, print_list(arguments))
        }
        NodeKind::Reduction { reduction, over, rows, parameters, arguments, outcome } => {
            let name = reductions::reduction(*reduction).name;
            let bracket = std::iter::once(print_axes(*over, *rows)).chain(parameters.iter().map(i64::to_string));
            let outcome = if *outcome == 0 { String::new() } else { format!(".{outcome}") };
            format!("{name}[{}]({}){outcome}", print_list(bracket), print_list(arguments.iter().map(node_name)))
        }
        NodeKind::Chosen { by, axis, value } => format!("chosen[{axis}](n{}, n{})", by.0, value.0),
        NodeKind::Scatter { by, over, value } => format!("scatter[{over}](n{}, n{})", by.0, value.0),
        NodeKind::Gradient { of, variable, cotangent } => {
            format!("gradient(n{}, n{}, n{})", of.0, variable.0, cotangent.0)
        }
        NodeKind::Tangent { of, variable, tangent } => {
            format!("tangent(n{}, n{}, n{})", of.0, variable.0, tangent.0)
        }
    }
}

/// `j` where the rows are the other index, else `j -> p`.
fn print_axes(over: Axis, rows: Role) -> String {
    if rows == over.other().role() { over.to_string() } else { format!("{over} -> {rows}") }
}

fn print_entry(program: &Program, entry: &Entry) -> String {
    let Entry { name, inputs, outputs, numerics } = entry;
    let inputs = print_list(inputs.iter().map(|&input| input_name(program, input)));
    let outputs = print_list(outputs.iter().map(|output| print_output(program, output)));
    format!("entry {name}({inputs}) -> {outputs}{}\n", print_numerics(numerics))
}

fn print_output(program: &Program, output: &Output) -> String {
    let complex = if output.is_complex { " complex" } else { "" };
    let gradient = output.gradient_of.map_or(String::new(), |id| format!(" gradient {}", input_name(program, id)));
    format!("{}: {}[{}]{complex} = n{}{gradient}", output.name, output.rows, print_list(&output.shape), output.node.0)
}

fn node_name(id: &NodeId) -> String {
    format!("n{}", id.0)
}

fn input_name(program: &Program, id: InputId) -> &str {
    &program.input(id).name
}
