//! Formulas as graphs, for tests of single functions.

use keopsc_ir::formula::{Graph, NodeId};

use crate::resolve::{Options, resolve};

/// A formula of pairs as it is written, in a few inputs.
pub(crate) fn pair(formula: &str) -> (Graph, NodeId) {
    let (graph, id) = output(&format!("Sum[j]({formula})"));
    let argument = graph.node(id).kind.arguments()[0];
    (graph, argument)
}

/// What an output is before anything is done to it.
pub(crate) fn output(formula: &str) -> (Graph, NodeId) {
    let inputs = "x = Vi(3); y = Vj(3); a = Vi(1); b = Vj(1); p = Pm(1); q = Pm(3)";
    let (file, errors) = keopsc_grammar::parse_file(&format!("{inputs}\nout f = {formula}\n"));
    assert!(errors.is_empty(), "{formula}: {errors:?}");
    let (program, diagnostics) = resolve(&file, &Options::default());
    let program = program.unwrap_or_else(|| panic!("{formula}: {diagnostics:?}"));
    let id = program.entries[0].outputs[0].node;
    (program.graph, id)
}
