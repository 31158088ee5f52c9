//! Text, as `print` writes it, to a program.
//!
//! Types are taken as written: whether they are right is for `verify` to say, as are references to nodes that come later.

use std::collections::HashMap;

use keopsc_ops::{catalogue, reductions};

use super::{Entry, Graph, Input, InputId, Node, NodeId, NodeKind, Origin, Output, Program};
use crate::text::{ReadError, Reader, lines};
use crate::types::{Axis, Float};

/// The program of a text.
pub fn parse(text: &str) -> Result<Program, ReadError> {
    let mut parser = Parser::default();
    for mut line in lines(text) {
        parser.line(&mut line)?;
        line.end()?;
    }
    Ok(parser.program)
}

#[derive(Default)]
struct Parser {
    program: Program,
    inputs: HashMap<String, InputId>,
}

impl Parser {
    fn line(&mut self, line: &mut Reader) -> Result<(), ReadError> {
        if line.try_keyword("scalar") {
            self.program.scalar = Some(line.scalar_type()?);
        } else if line.try_keyword("input") {
            self.input(line)?;
        } else if line.try_keyword("entry") {
            let entry = self.entry(line)?;
            self.program.entries.push(entry);
        } else {
            self.node(line)?;
        }
        Ok(())
    }

    fn input(&mut self, line: &mut Reader) -> Result<(), ReadError> {
        let name = line.identifier()?.to_string();
        line.symbol(":")?;
        let role = line.role()?;
        line.symbol("[")?;
        let dim = line.integer()?;
        line.symbol("]")?;
        let scalar = line.scalar_type()?;
        let origin = if line.try_keyword("cotangent") {
            Origin::Cotangent
        } else if line.try_keyword("tangent") {
            Origin::Tangent
        } else {
            Origin::Declared
        };
        let id = InputId(self.program.inputs.len() as u32);
        self.inputs.entry(name.clone()).or_insert(id);
        self.program.inputs.push(Input { name, role, dim, scalar, origin });
        Ok(())
    }

    fn node(&mut self, line: &mut Reader) -> Result<(), ReadError> {
        let expected = self.program.graph.len() as u32;
        let start = line.clone();
        if line.numbered("n")? != expected {
            return start.error(format!("expected n{expected}, as nodes are numbered in order"));
        }
        line.symbol(":")?;
        let role = line.role()?;
        line.symbol("[")?;
        let dim = line.integer()?;
        line.symbol("]")?;
        let is_index = line.try_keyword("index");
        line.symbol("=")?;
        let kind = self.kind(line)?;
        let graph: &mut Graph = &mut self.program.graph;
        if graph.add(Node { kind, dim, role, is_index }).0 != expected {
            return start.error("expected a formula that no other node has");
        }
        Ok(())
    }

    fn kind(&self, line: &mut Reader) -> Result<NodeKind, ReadError> {
        if line.try_keyword("input") {
            return Ok(NodeKind::Input(self.known_input(line)?));
        }
        if line.at_number() {
            return Ok(NodeKind::Constant(Float(line.float()?)));
        }
        if line.try_keyword("gradient") {
            let [of, variable, cotangent] = three_nodes(line)?;
            return Ok(NodeKind::Gradient { of, variable, cotangent });
        }
        if line.try_keyword("tangent") {
            let [of, variable, tangent] = three_nodes(line)?;
            return Ok(NodeKind::Tangent { of, variable, tangent });
        }
        if line.try_keyword("chosen") {
            let (axis, by, value) = by_numbers(line)?;
            return Ok(NodeKind::Chosen { by, axis, value });
        }
        if line.try_keyword("scatter") {
            let (over, by, value) = by_numbers(line)?;
            return Ok(NodeKind::Scatter { by, over, value });
        }
        let start = line.clone();
        let name = line.identifier()?;
        if line.try_symbol("[") { reduction(name, &start, line) } else { operation(name, &start, line) }
    }

    fn known_input(&self, line: &mut Reader) -> Result<InputId, ReadError> {
        let start = line.clone();
        let name = line.identifier()?;
        self.inputs.get(name).copied().map_or_else(|| start.error(format!("expected an input, not `{name}`")), Ok)
    }

    fn entry(&self, line: &mut Reader) -> Result<Entry, ReadError> {
        let name = line.identifier()?.to_string();
        line.symbol("(")?;
        let inputs = line.list(")", |line| self.known_input(line))?;
        line.symbol("->")?;
        let mut outputs = vec![self.output(line)?];
        while line.try_symbol(",") {
            outputs.push(self.output(line)?);
        }
        Ok(Entry { name, inputs, outputs, numerics: line.numerics()? })
    }

    fn output(&self, line: &mut Reader) -> Result<Output, ReadError> {
        let name = line.identifier()?.to_string();
        line.symbol(":")?;
        let rows = line.role()?;
        line.symbol("[")?;
        let shape = line.list("]", Reader::integer)?;
        let is_complex = line.try_keyword("complex");
        line.symbol("=")?;
        let node = node(line)?;
        let gradient_of = if line.try_keyword("gradient") { Some(self.known_input(line)?) } else { None };
        Ok(Output { name, node, rows, shape, is_complex, gradient_of })
    }
}

fn reduction(name: &str, start: &Reader, line: &mut Reader) -> Result<NodeKind, ReadError> {
    let Some(reduction) = reductions::find_reduction(name) else {
        return start.error(format!("expected a reduction of the table, not `{name}`"));
    };
    let over = line.axis()?;
    let rows = if line.try_symbol("->") { line.role()? } else { over.other().role() };
    let parameters = if line.try_symbol(",") {
        line.list("]", Reader::integer)?
    } else {
        line.symbol("]")?;
        Vec::new()
    };
    line.symbol("(")?;
    let arguments = line.list(")", node)?;
    let outcome = if line.try_symbol(".") { line.integer()? } else { 0 };
    Ok(NodeKind::Reduction { reduction, over, rows, parameters, arguments, outcome })
}

/// `[i](n4, n0)`: an index, row numbers, a value.
fn by_numbers(line: &mut Reader) -> Result<(Axis, NodeId, NodeId), ReadError> {
    line.symbol("[")?;
    let axis = line.axis()?;
    line.symbol("]")?;
    line.symbol("(")?;
    let by = node(line)?;
    line.symbol(",")?;
    let value = node(line)?;
    line.symbol(")")?;
    Ok((axis, by, value))
}

fn operation(name: &str, start: &Reader, line: &mut Reader) -> Result<NodeKind, ReadError> {
    let Some(operation) = catalogue::find_operation(name) else {
        return start.error(format!("expected an operation of the catalogue, not `{name}`"));
    };
    line.symbol("(")?;
    let mut arguments = Vec::new();
    let mut parameters = Vec::new();
    line.list(")", |line| {
        if line.at_number() {
            parameters.push(line.integer()?);
        } else if parameters.is_empty() {
            arguments.push(node(line)?);
        } else {
            return line.error("expected integers after the first one");
        }
        Ok(())
    })?;
    Ok(NodeKind::Operation { operation, parameters, arguments })
}

fn node(line: &mut Reader) -> Result<NodeId, ReadError> {
    line.numbered("n").map(NodeId)
}

fn three_nodes(line: &mut Reader) -> Result<[NodeId; 3], ReadError> {
    line.symbol("(")?;
    let first = node(line)?;
    line.symbol(",")?;
    let second = node(line)?;
    line.symbol(",")?;
    let third = node(line)?;
    line.symbol(")")?;
    Ok([first, second, third])
}
