//! Target machines: from a module in LLVM IR to an object file or assembly text for one level.

use std::sync::OnceLock;

use inkwell::OptimizationLevel;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple};

use crate::CompileError;
use crate::level::Level;

/// What is done to the IR before code generation. The generator emits clean SSA but for locals, so little is needed, and compile time counts.
const PIPELINE: &str = "function(sroa,early-cse<memssa>,simplifycfg)";

/// The machine of this process's architecture at a level.
pub fn machine(level: &Level) -> Result<TargetMachine, CompileError> {
    static INITIALIZED: OnceLock<Result<(), String>> = OnceLock::new();
    INITIALIZED
        .get_or_init(|| Target::initialize_native(&InitializationConfig::default()))
        .as_ref()
        .map_err(|text| CompileError::new("LLVM has no code generator for this processor", text.clone()))?;
    let triple = triple();
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

/// The triple of this process.
pub fn triple() -> TargetTriple {
    TargetMachine::get_default_triple()
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
