//! Plans → the manifest of their library.

use keopsc_cpu::symbols::exported;
use keopsc_grammar::print_expression;
use keopsc_grammar::syntax::{File, Output, StatementKind};
use keopsc_ir::formula::{Origin, Program};
use keopsc_ir::plan::shards::{Field, Shards};
use keopsc_ir::plan::{Plan, Tensor, TensorKind, Verified};
use keopsc_ir::types::{Role, ScalarType};
use keopsc_runtime::abi::ABI_VERSION;
use keopsc_runtime::manifest as written;

use crate::device::DeviceTarget;
use crate::options::Options;

/// What a library says about itself.
pub fn manifest(options: &Options, file: &File, program: &Program, plans: &[Verified]) -> written::Manifest {
    let name = &options.name;
    let gpu = |target: &DeviceTarget| written::Gpu { architectures: target.architectures.clone(), ptx: target.ptx() };
    written::Manifest {
        abi_version: ABI_VERSION,
        compiler: concat!("keopsc ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: name.clone(),
        targets: options.levels.iter().map(|level| level.name.to_owned()).collect(),
        gpu: options.device.as_ref().map(gpu),
        entries: plans.iter().map(|plan| entry(name, file, program, plan)).collect(),
    }
}

fn entry(library: &str, file: &File, program: &Program, plan: &Plan) -> written::Entry {
    let visible = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary);
    written::Entry {
        name: plan.name.clone(),
        symbol: exported(library, &plan.name),
        formula: formula(file, &plan.name),
        tensors: visible.map(|found| tensor(program, plan, found)).collect(),
        shards: plan.shards().map(|found| shards(plan, &found)),
    }
}

fn shards(plan: &Plan, shards: &Shards<'_>) -> written::Shards {
    let field = |field: &Field| written::Field {
        name: field.name.clone(),
        dtype: dtype(field.scalar),
        count: field.count,
        offset: field.offset,
    };
    written::Shards {
        over: role(shards.over.role()),
        rows: role(shards.rows),
        record_size: shards.record_size,
        fields: shards.fields.iter().map(field).collect(),
        finalize: shards.finalize_reads.iter().map(|id| plan.tensor(*id).name.clone()).collect(),
    }
}

fn tensor(program: &Program, plan: &Plan, tensor: &Tensor) -> written::Tensor {
    written::Tensor {
        name: tensor.name.clone(),
        kind: kind(program, tensor),
        role: role(tensor.role),
        shape: tensor.shape.clone(),
        dtype: dtype(tensor.scalar),
        gradient_of: tensor.gradient_of.map(|id| plan.tensor(id).name.clone()),
    }
}

fn kind(program: &Program, tensor: &Tensor) -> written::Kind {
    if tensor.kind == TensorKind::Output {
        return written::Kind::Output;
    }
    let input = program.inputs.iter().find(|input| input.name == tensor.name);
    match input.map(|input| input.origin) {
        Some(Origin::Cotangent) => written::Kind::Cotangent,
        Some(Origin::Tangent) => written::Kind::Tangent,
        Some(Origin::Declared) | None => written::Kind::Input,
    }
}

/// Tensors of an entry never depend on both indices; a verified plan has no such tensor.
fn role(role: Role) -> written::Role {
    match role {
        Role::I | Role::Pair => written::Role::I,
        Role::J => written::Role::J,
        Role::Parameter => written::Role::Parameter,
    }
}

fn dtype(scalar: ScalarType) -> written::Dtype {
    match scalar {
        ScalarType::F16 => written::Dtype::F16,
        ScalarType::BF16 => written::Dtype::BF16,
        ScalarType::F32 => written::Dtype::F32,
        ScalarType::F64 => written::Dtype::F64,
        ScalarType::I64 => written::Dtype::I64,
        ScalarType::C64 => written::Dtype::C64,
        ScalarType::C128 => written::Dtype::C128,
    }
}

/// The formula of an entry as written: `Sum[j](K * b)`, or `value = …; score = …` of a fused block.
pub fn formula(file: &File, entry: &str) -> String {
    let named = |output: &Output| format!("{} = {}", output.name.text, print_expression(&output.value));
    for statement in &file.statements {
        match &statement.kind {
            StatementKind::Output(output) if output.name.text == entry => return named(output),
            StatementKind::Fused { name, outputs } if name.text == entry => {
                return outputs.iter().map(named).collect::<Vec<_>>().join("; ");
            }
            StatementKind::Fused { outputs, .. } => {
                if let Some(output) = outputs.iter().find(|output| output.name.text == entry) {
                    return named(output);
                }
            }
            _ => {}
        }
    }
    String::new()
}
