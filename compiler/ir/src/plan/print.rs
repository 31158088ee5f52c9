//! Plan to text, one line a tensor, a pass, a value, an accumulation and a write.
//!
//! ```text
//! plan conv
//! tensor x: input i[3] f32
//! tensor y: input j[3] f32
//! tensor b: input j[1] f32
//! tensor conv: output i[1] f32
//! pass rows i, over j, compute f32
//!   row v0[3] = read x
//!   column v1[3] = read y
//!   column v2[1] = read b
//!   pair v3[1] = exp(-sum(q < 3, (v0[q] - v1[q]) * (v0[q] - v1[q]))) * v2
//!   accumulate a0 = Sum(v3)
//!   epilogue v4[1] = outcome a0
//!   write conv = v4
//! ```
//!
//! A pass may end in `scatter t1 = x by t0`, or in `scatter t2 = 1 by t0`, which counts. `outcome a0.1` is the second outcome, `x#2` is tensor 2 where several have the name `x`. An accumulation's rule follows from
//! its reduction and its arguments. `parse` reads all of this back.

use std::fmt::Write;

use keopsc_ops::reductions;

use super::print_scalar::print_scalar;
use super::{Accumulation, Block, Definition, Pass, Plan, Scatter, Tensor, TensorId, TensorKind, Value, ValueId};
use crate::text::{print_list, print_numerics};

/// The words for blocks.
pub const BLOCKS: &[(Block, &str)] = &[
    (Block::Parameter, "parameter"),
    (Block::Row, "row"),
    (Block::Column, "column"),
    (Block::Pair, "pair"),
    (Block::Epilogue, "epilogue"),
];

/// The words for kinds of tensors.
pub const TENSOR_KINDS: &[(TensorKind, &str)] =
    &[(TensorKind::Input, "input"), (TensorKind::Output, "output"), (TensorKind::Temporary, "temporary")];

/// The text of a plan.
pub fn print(plan: &Plan) -> String {
    let mut text = format!("plan {}{}\n", plan.name, print_numerics(&plan.numerics));
    plan.tensors.iter().for_each(|tensor| text.push_str(&print_tensor(plan, tensor)));
    plan.passes.iter().for_each(|pass| text.push_str(&print_pass(plan, pass)));
    text
}

fn print_tensor(plan: &Plan, tensor: &Tensor) -> String {
    let Tensor { name, kind, role, shape, scalar, gradient_of } = tensor;
    let kind = word(TENSOR_KINDS, *kind);
    let gradient = gradient_of.map_or(String::new(), |id| format!(" gradient {}", plan.tensor(id).name));
    format!("tensor {name}: {kind} {role}[{}] {}{gradient}\n", print_list(shape), scalar.name())
}

fn print_pass(plan: &Plan, pass: &Pass) -> String {
    let over = pass.over.map_or(String::new(), |over| format!(", over {over}"));
    let mut text = format!("pass rows {}{over}, compute {}\n", pass.rows, pass.compute.name());
    let numbered = |number| ValueId(number as u32);
    for (number, value) in pass.values.iter().enumerate() {
        if value.block != Block::Epilogue {
            text.push_str(&print_value(plan, pass, numbered(number), value));
        }
    }
    pass.accumulations.iter().enumerate().for_each(|(number, one)| text.push_str(&print_accumulation(number, one)));
    for (number, value) in pass.values.iter().enumerate() {
        if value.block == Block::Epilogue {
            text.push_str(&print_value(plan, pass, numbered(number), value));
        }
    }
    for write in &pass.writes {
        writeln!(text, "  write {} = v{}", tensor_name(plan, write.tensor), write.value.0).ok();
    }
    for Scatter { numbers, values, sums } in &pass.scatters {
        let values = values.map_or("1".to_owned(), |values| tensor_name(plan, values));
        writeln!(text, "  scatter {} = {values} by {}", tensor_name(plan, *sums), tensor_name(plan, *numbers)).ok();
    }
    text
}

/// The text of one value, as a line.
pub fn print_value(plan: &Plan, pass: &Pass, id: ValueId, value: &Value) -> String {
    let index = if value.is_index { " index" } else { "" };
    let definition = match &value.definition {
        Definition::Read(tensor) => format!("read {}", tensor_name(plan, *tensor)),
        Definition::Number => "number".to_string(),
        Definition::Compute(scalar) => {
            print_scalar(scalar, &|id| pass.values.get(id.0 as usize).map_or(0, |value| value.dim))
        }
        Definition::Outcome { accumulation, outcome: 0 } => format!("outcome a{accumulation}"),
        Definition::Outcome { accumulation, outcome } => format!("outcome a{accumulation}.{outcome}"),
    };
    format!("  {} v{}[{}]{index} = {definition}\n", word(BLOCKS, value.block), id.0, value.dim)
}

fn print_accumulation(number: usize, accumulation: &Accumulation) -> String {
    let name = reductions::reduction(accumulation.reduction).name;
    let parameters = &accumulation.parameters;
    let bracket = if parameters.is_empty() { String::new() } else { format!("[{}]", print_list(parameters)) };
    let arguments = accumulation.arguments.iter().map(|value| format!("v{}", value.0));
    format!("  accumulate a{number} = {name}{bracket}({})\n", print_list(arguments))
}

/// `name`, or `name#number` where the name alone would not say which.
fn tensor_name(plan: &Plan, id: TensorId) -> String {
    let name = plan.tensors.get(id.0 as usize).map_or("", |tensor| &tensor.name);
    let unique = plan.tensors.iter().filter(|tensor| tensor.name == name).count() == 1;
    if unique { name.to_string() } else { format!("{name}#{}", id.0) }
}

fn word<T: PartialEq>(words: &[(T, &'static str)], choice: T) -> &'static str {
    words.iter().find(|(other, _)| *other == choice).map_or("", |(_, word)| word)
}
