//! The values of one pass, each in the block of the indices it depends on.

use std::collections::HashMap;

use keopsc_ir::formula::{NodeId, NodeKind, Program};
use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, Scatter, TensorId, Value, ValueId, Write};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Index, Scalar};
use keopsc_ops::{catalogue, reductions};

use super::Layout;
use super::passes::{Arrangement, Reduced, Work, is_one};
use super::scalars::{replace_components, sites};

/// The values, accumulations and writes of the pass of that number.
pub(crate) fn build_pass(program: &Program, arrangement: &Arrangement, layout: &Layout, number: usize) -> Pass {
    let work = &arrangement.passes[number];
    let pass = Pass {
        rows: work.rows,
        over: work.over,
        compute: layout.compute,
        values: Vec::new(),
        accumulations: Vec::new(),
        writes: Vec::new(),
        scatters: Vec::new(),
    };
    let mut builder =
        PassBuilder { program, arrangement, layout, number, pass, known: HashMap::new(), numbers: HashMap::new() };
    for reduced in &work.accumulations {
        let accumulation = builder.accumulation(reduced);
        builder.pass.accumulations.push(accumulation);
    }
    builder.write_results(work);
    builder.pass.scatters = work.scatters.iter().map(|&node| scatter(program, layout, number, node)).collect();
    // Those by the same row numbers stand side by side.
    builder.pass.scatters.sort_by_key(|scatter| scatter.numbers);
    builder.pass
}

/// What the support code does for a scatter node at the end of a pass.
fn scatter(program: &Program, layout: &Layout, pass: usize, node: NodeId) -> Scatter {
    let graph = &program.graph;
    let NodeKind::Scatter { by, value, .. } = graph.node(node).kind else {
        unreachable!("passes end in scatters alone")
    };
    let scattered = layout.scattered.get(&(pass, value)).copied();
    let values = match &graph.node(value).kind {
        _ if scattered.is_some() => scattered,
        NodeKind::Input(input) => Some(layout.inputs[&input.0]),
        _ if is_one(graph, value) => None,
        _ => Some(layout.temporaries[&value]),
    };
    Scatter { numbers: layout.temporaries[&by], values, sums: layout.temporaries[&node] }
}

struct PassBuilder<'a> {
    program: &'a Program,
    arrangement: &'a Arrangement,
    layout: &'a Layout,
    number: usize,
    pass: Pass,
    known: HashMap<NodeId, ValueId>,
    /// The numbers of rows and of columns.
    numbers: HashMap<Axis, ValueId>,
}

impl PassBuilder<'_> {
    fn accumulation(&mut self, reduced: &Reduced) -> Accumulation {
        let arguments: Vec<ValueId> = reduced.arguments.iter().map(|&node| self.value(node)).collect();
        let dims: Vec<u32> = arguments.iter().map(|&value| self.pass.value(value).dim).collect();
        let rule = reductions::instantiate(reduced.reduction, &dims, &reduced.parameters);
        let rule = rule.expect("the graph's reductions have dimensions that fit");
        Accumulation { reduction: reduced.reduction, parameters: reduced.parameters.clone(), arguments, rule }
    }

    fn write_results(&mut self, work: &Work) {
        for (&node, &output) in work.output_nodes.iter().zip(&work.outputs) {
            let tensor = self.layout.outputs[output];
            self.write(node, tensor);
        }
        let (arrangement, layout) = (self.arrangement, self.layout);
        let here = |node: &&NodeId| arrangement.places.get(node).is_some_and(|place| place.0 == self.number);
        let results: Vec<NodeId> = arrangement.temporaries.iter().filter(here).copied().collect();
        for node in results {
            self.write(node, layout.temporaries[&node]);
        }
        for &node in &work.scattered {
            self.write(node, layout.scattered[&(self.number, node)]);
        }
    }

    fn write(&mut self, node: NodeId, tensor: TensorId) {
        let value = self.value(node);
        self.pass.writes.push(Write { value, tensor });
    }

    /// The value of a node, made where it is not known yet. Arguments come first, without recursion: graphs may be deep.
    fn value(&mut self, node: NodeId) -> ValueId {
        let mut waiting = vec![node];
        while let Some(&next) = waiting.last() {
            let missing = self.missing_arguments(next);
            if missing.is_empty() {
                waiting.pop();
                self.define(next);
            } else {
                waiting.extend(missing);
            }
        }
        self.known[&node]
    }

    fn missing_arguments(&self, node: NodeId) -> Vec<NodeId> {
        match &self.program.graph.node(node).kind {
            NodeKind::Reduction { .. } | NodeKind::Scatter { .. } => Vec::new(),
            kind => kind.arguments().into_iter().filter(|argument| !self.known.contains_key(argument)).collect(),
        }
    }

    fn define(&mut self, node: NodeId) {
        if self.known.contains_key(&node) {
            return;
        }
        let (block, definition) = match &self.program.graph.node(node).kind {
            NodeKind::Input(input) => self.read(self.layout.inputs[&input.0]),
            NodeKind::Constant(value) => (Block::Parameter, Definition::Compute(Scalar::Constant(value.0))),
            NodeKind::Operation { operation, parameters, arguments } => {
                let arguments: Vec<ValueId> = arguments.iter().map(|argument| self.known[argument]).collect();
                let dims: Vec<u32> = arguments.iter().map(|&value| self.pass.value(value).dim).collect();
                let recipe = catalogue::instantiate(*operation, &dims, parameters);
                let recipe = recipe.expect("the graph's operations have recipes and dimensions that fit");
                let value = replace_components(&recipe, &mut |&position, index| {
                    self.component(arguments[position as usize], index)
                });
                (self.block_of(&value), Definition::Compute(value))
            }
            NodeKind::Chosen { by, axis, value } => {
                let value = self.choice(self.known[by], *axis, self.known[value]);
                (self.block_of(&value), Definition::Compute(value))
            }
            NodeKind::Reduction { outcome, .. } => {
                let (pass, accumulation) = self.arrangement.places[&node];
                if pass == self.number {
                    (Block::Epilogue, Definition::Outcome { accumulation: accumulation as u32, outcome: *outcome })
                } else {
                    self.read(self.layout.temporaries[&node])
                }
            }
            NodeKind::Scatter { .. } => self.read(self.layout.temporaries[&node]),
            NodeKind::Gradient { .. } | NodeKind::Tangent { .. } => {
                unreachable!("`differentiate` leaves no requests for derivatives")
            }
        };
        let dim = self.program.graph.node(node).dim;
        let is_index = self.program.graph.node(node).is_index;
        self.pass.values.push(Value { block, dim, is_index, definition });
        self.known.insert(node, ValueId(self.pass.values.len() as u32 - 1));
    }

    /// Component `k` of a value where the same component of `by` is the number of the row or column, else 0.
    fn choice(&mut self, by: ValueId, axis: Axis, value: ValueId) -> Scalar<ValueId> {
        let number = self.number(axis);
        let index = if self.pass.value(by).dim == 1 { Index::Constant(0) } else { Index::K };
        let numbers = [self.component(by, &index), self.component(number, &Index::Constant(0))];
        let is_chosen = Scalar::Call(Intrinsic::EqualIndex, numbers.to_vec());
        Scalar::Call(Intrinsic::Select, vec![is_chosen, self.component(value, &index), Scalar::Constant(0.0)])
    }

    /// The number of the row or of the column, whichever the index is.
    fn number(&mut self, axis: Axis) -> ValueId {
        let block = if self.pass.rows == axis.role() { Block::Row } else { Block::Column };
        let Pass { values, .. } = &mut self.pass;
        *self.numbers.entry(axis).or_insert_with(|| {
            values.push(Value { block, dim: 1, is_index: true, definition: Definition::Number });
            ValueId(values.len() as u32 - 1)
        })
    }

    fn read(&self, tensor: TensorId) -> (Block, Definition) {
        let role = self.layout.tensors[tensor.0 as usize].role;
        let block = match role {
            Role::Parameter => Block::Parameter,
            role if role == self.pass.rows => Block::Row,
            _ => Block::Column,
        };
        (block, Definition::Read(tensor))
    }

    /// A component of a value; constants are put in directly.
    fn component(&self, value: ValueId, index: &Index) -> Scalar<ValueId> {
        match &self.pass.value(value).definition {
            Definition::Compute(Scalar::Constant(constant)) => Scalar::Constant(*constant),
            _ => Scalar::Component(value, index.clone()),
        }
    }

    fn block_of(&self, scalar: &Scalar<ValueId>) -> Block {
        let blocks = sites(scalar).into_iter().map(|site| self.pass.value(site.value).block);
        blocks.fold(Block::Parameter, union)
    }
}

/// The block of a value that is computed from values of both blocks.
fn union(a: Block, b: Block) -> Block {
    match (a, b) {
        (Block::Epilogue, _) | (_, Block::Epilogue) => Block::Epilogue,
        (Block::Parameter, other) | (other, Block::Parameter) => other,
        (Block::Row, Block::Row) => Block::Row,
        (Block::Column, Block::Column) => Block::Column,
        _ => Block::Pair,
    }
}

/// Moves row values that only the epilogue uses into the epilogue: row tiles then need no room for them.
pub(crate) fn sink_into_epilogue(pass: &mut Pass) {
    let mut used_before = vec![false; pass.values.len()];
    for argument in pass.accumulations.iter().flat_map(|accumulation| &accumulation.arguments) {
        used_before[argument.0 as usize] = true;
    }
    for number in (0..pass.values.len()).rev() {
        let Definition::Compute(scalar) = &pass.values[number].definition else { continue };
        let sinks = pass.values[number].block == Block::Row && !used_before[number];
        if !sinks && pass.values[number].block != Block::Epilogue {
            for site in sites(scalar) {
                used_before[site.value.0 as usize] = true;
            }
        }
        if sinks {
            pass.values[number].block = Block::Epilogue;
        }
    }
}

/// Leaves only values that something written or accumulated needs, ordered by block.
pub(crate) fn remove_unused_values(pass: &mut Pass) {
    let mut needed = vec![false; pass.values.len()];
    let results = pass.writes.iter().map(|write| write.value);
    for value in
        pass.accumulations.iter().flat_map(|accumulation| accumulation.arguments.iter().copied()).chain(results)
    {
        needed[value.0 as usize] = true;
    }
    for number in (0..pass.values.len()).rev() {
        if let (true, Definition::Compute(scalar)) = (needed[number], &pass.values[number].definition) {
            for site in sites(scalar) {
                needed[site.value.0 as usize] = true;
            }
        }
    }
    let mut order: Vec<usize> = (0..pass.values.len()).filter(|&number| needed[number]).collect();
    order.sort_by_key(|&number| pass.values[number].block);
    renumber(pass, &order);
}

/// Keeps the values of these numbers, in this order.
fn renumber(pass: &mut Pass, order: &[usize]) {
    let numbers: HashMap<ValueId, ValueId> =
        order.iter().enumerate().map(|(new, &old)| (ValueId(old as u32), ValueId(new as u32))).collect();
    let renumbered = |value: &Value| {
        let definition = match &value.definition {
            Definition::Compute(scalar) => {
                let rename = &mut |value: &ValueId, index: &Index| Scalar::Component(numbers[value], index.clone());
                Definition::Compute(replace_components(scalar, rename))
            }
            other => other.clone(),
        };
        Value { definition, ..value.clone() }
    };
    pass.values = order.iter().map(|&number| renumbered(&pass.values[number])).collect();
    for argument in pass.accumulations.iter_mut().flat_map(|accumulation| &mut accumulation.arguments) {
        *argument = numbers[argument];
    }
    for write in &mut pass.writes {
        write.value = numbers[&write.value];
    }
}
