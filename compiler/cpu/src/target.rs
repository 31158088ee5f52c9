//! Target machines: from a module in LLVM IR to an object file or assembly text for one level.

use std::sync::Once;

use inkwell::OptimizationLevel;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple};

use crate::CompileError;
use crate::level::Level;

/// What is done to the IR before code generation. The generator emits clean SSA but for locals, so little is needed, and compile time counts.
const PIPELINE: &str = "function(sroa,early-cse<memssa>,simplifycfg)";

/// The machine of a level: this process's own, or Linux on another architecture.
pub fn machine(level: &Level) -> Result<TargetMachine, CompileError> {
    static INITIALIZED: Once = Once::new();
    INITIALIZED.call_once(|| {
        Target::initialize_x86(&InitializationConfig::default());
        Target::initialize_aarch64(&InitializationConfig::default());
    });
    let triple = triple(level);
    let target = Target::from_triple(&triple)
        .map_err(|text| CompileError::new("LLVM does not know this target", text.to_string()))?;
    target
        .create_target_machine(
            &triple,
            level.cpu,
            level.features,
            OptimizationLevel::Default,
            RelocMode::PIC,
            CodeModel::Default,
        )
        .ok_or_else(|| CompileError::new("LLVM cannot generate code for this level", level.name.to_string()))
}

fn triple(level: &Level) -> TargetTriple {
    match level.triple_arch {
        "" | std::env::consts::ARCH => TargetMachine::get_default_triple(),
        other => TargetTriple::create(&format!("{other}-unknown-linux-gnu")),
    }
}

/// Verifies a module and runs the light pipeline on it.
pub fn optimize(module: &Module<'_>, machine: &TargetMachine) -> Result<(), CompileError> {
    module.set_triple(&machine.get_triple());
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    module.verify().map_err(|text| CompileError::new("the generated IR is invalid", text.to_string()))?;
    module
        .run_passes(PIPELINE, machine, PassBuilderOptions::create())
        .map_err(|text| CompileError::new("LLVM's passes failed", text.to_string()))
}

/// Generates code.
pub fn generate(module: &Module<'_>, machine: &TargetMachine, kind: FileType) -> Result<Vec<u8>, CompileError> {
    let buffer = machine
        .write_to_memory_buffer(module, kind)
        .map_err(|text| CompileError::new("LLVM's code generation failed", text.to_string()))?;
    Ok(buffer.as_slice().to_vec())
}
