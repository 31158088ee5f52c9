//! Formula graph → kernel plan: which reductions share a pass over the pairs, and what is computed once per call, row, column or pair.
//!
//! ```text
//! conv = Sum[j](Exp(-SqDist(x, y) / sigma**2) * b)
//!
//! pass rows i, over j
//!   parameter   v3[1] = v2[0] * v2[0]                        sigma**2 is computed once
//!   pair        v5[1] = Σ_q (v0[q] - v1[q])²                 x and y are read per row and per column
//!               v6[1] = exp(-v5[0] / v3[0]) * v4[0]
//!   epilogue    v7[1] = outcome of Sum(v6)
//! ```
//!
//! Invariants: a reduction stands in a later pass than every reduction it depends on; a value stands in the block of the indices it
//! depends on, so that hoisting needs no further thought; what crosses passes is a tensor, and so is what a scatter takes and leaves.

mod block;
mod inline;
mod passes;
mod scalars;

use std::collections::BTreeMap;

use keopsc_ir::formula::{Entry, NodeId, Program};
use keopsc_ir::plan::{Pass, Plan, Tensor, TensorId, TensorKind};
use keopsc_ir::types::{Role, ScalarType};

use passes::Arrangement;

/// The plan of each entry, in order.
pub fn plan(program: &Program) -> Vec<Plan> {
    program.entries.iter().map(|entry| plan_entry(program, entry)).collect()
}

fn plan_entry(program: &Program, entry: &Entry) -> Plan {
    let arrangement = Arrangement::of(program, entry);
    let layout = Layout::of(program, entry, &arrangement);
    let passes =
        (0..arrangement.passes.len()).map(|number| plan_pass(program, &arrangement, &layout, number)).collect();
    Plan { name: entry.name.clone(), tensors: layout.tensors, passes, numerics: entry.numerics }
}

fn plan_pass(program: &Program, arrangement: &Arrangement, layout: &Layout, number: usize) -> Pass {
    let mut pass = block::build_pass(program, arrangement, layout, number);
    inline::inline_values(&mut pass);
    block::sink_into_epilogue(&mut pass);
    block::remove_unused_values(&mut pass);
    pass
}

/// The tensors of a plan, and which node lies where.
pub(crate) struct Layout {
    tensors: Vec<Tensor>,
    inputs: BTreeMap<u32, TensorId>,
    outputs: Vec<TensorId>,
    temporaries: BTreeMap<NodeId, TensorId>,
    /// What a pass leaves for the scatters that it ends in.
    scattered: BTreeMap<(usize, NodeId), TensorId>,
    compute: ScalarType,
}

impl Layout {
    fn of(program: &Program, entry: &Entry, arrangement: &Arrangement) -> Layout {
        let compute = program.computing_type(entry);
        let mut layout = Layout {
            tensors: Vec::new(),
            inputs: BTreeMap::new(),
            outputs: Vec::new(),
            temporaries: BTreeMap::new(),
            scattered: BTreeMap::new(),
            compute,
        };
        for &id in &entry.inputs {
            let input = program.input(id);
            let elements = input.dim / input.scalar.components();
            let tensor = layout.add(&input.name, TensorKind::Input, input.role, &[elements], input.scalar);
            layout.inputs.insert(id.0, tensor);
        }
        let result = program.scalar.unwrap_or(ScalarType::F32);
        for output in &entry.outputs {
            let scalar = match output {
                _ if program.graph.node(output.node).is_index => ScalarType::I64,
                output if output.is_complex => result.complex(),
                _ => result,
            };
            let mut shape = output.shape.clone();
            if let Some(last) = shape.last_mut() {
                *last /= scalar.components();
            }
            let tensor = layout.add(&output.name, TensorKind::Output, output.rows, &shape, scalar);
            layout.tensors[tensor.0 as usize].gradient_of = output.gradient_of.map(|id| layout.inputs[&id.0]);
            layout.outputs.push(tensor);
        }
        for (number, &node) in arrangement.temporaries.iter().enumerate() {
            let result = program.graph.node(node);
            let scalar = if result.is_index { ScalarType::I64 } else { compute };
            let tensor = layout.add(&format!("t{number}"), TensorKind::Temporary, result.role, &[result.dim], scalar);
            layout.temporaries.insert(node, tensor);
        }
        let passes = arrangement.passes.iter().enumerate();
        let scattered = passes.flat_map(|(pass, work)| work.scattered.iter().map(move |node| (pass, work.rows, *node)));
        for (number, (pass, rows, node)) in scattered.enumerate() {
            let name = format!("t{}", arrangement.temporaries.len() + number);
            let dim = program.graph.node(node).dim;
            let tensor = layout.add(&name, TensorKind::Temporary, rows, &[dim], compute);
            layout.scattered.insert((pass, node), tensor);
        }
        layout
    }

    fn add(&mut self, name: &str, kind: TensorKind, role: Role, shape: &[u32], scalar: ScalarType) -> TensorId {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            kind,
            role,
            shape: shape.to_vec(),
            scalar,
            gradient_of: None,
        });
        TensorId(self.tensors.len() as u32 - 1)
    }
}
