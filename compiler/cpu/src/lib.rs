//! Scheduled plan → LLVM IR → object files.
//!
//! A library is several object files: the kernels of each plan for each level of the instruction set ([`kernel`]), and one with the exported
//! functions and the tables that the support code reads ([`glue`]). They are compiled side by side; the driver links them with the support code.
//!
//! Invariant: results depend on the plan, the level and the arguments only; code of a level is the same whatever machine compiled it.

pub mod glue;
pub mod kernel;
pub mod level;
pub mod math;
mod parallel;
pub mod symbols;
pub mod target;
pub mod vector;

use inkwell::context::Context;
use inkwell::module::Module;
use inkwell::targets::FileType;
use keopsc_ir::plan::Verified;
use keopsc_passes::schedule::{Choice, Scheduled, schedule};

use kernel::Part;
use level::Level;
use vector::Arithmetic;

/// What a library is made from.
#[derive(Clone, Copy, Debug)]
pub struct Library<'a> {
    /// A C identifier: the prefix of the exported symbols.
    pub name: &'a str,
    /// The entries. At least one.
    pub plans: &'a [Verified],
    /// The JSON manifest to embed.
    pub manifest: &'a str,
    /// The tiles that are to be others than the scheduler's.
    pub tiles: &'a [Choice],
    /// Whether another object has code for GPUs: the tables that [`symbols::device_entry`] and its like name.
    pub has_device_code: bool,
}

/// An object file.
#[derive(Clone, Debug)]
pub struct Object {
    /// A name for messages and temporary files.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// Code generation failed: a defect of this compiler or its LLVM, never of the formula.
#[derive(Clone, Debug)]
pub struct CompileError {
    /// What could not be done.
    pub message: String,
    /// LLVM's own words.
    pub detail: String,
}

impl CompileError {
    fn new(message: &str, detail: String) -> CompileError {
        CompileError { message: message.to_string(), detail }
    }
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.message, self.detail)
    }
}

impl std::error::Error for CompileError {}

/// Bytes of stack for code generation, which walks nested expressions by recursion.
const STACK_SIZE: usize = 64 << 20;

/// Compiles a library for some levels, best last.
pub fn compile(library: &Library<'_>, levels: &[&'static Level]) -> Result<Vec<Object>, CompileError> {
    let clones: Vec<_> = levels.iter().map(|level| (*level, schedules(library, level))).collect();
    compile_clones(library, Arithmetic::Real, &clones)
}

/// For tests: compiles a library for a level in integers modulo 2^32 and 2^64 instead of float32 and float64, as [`keopsc_ops::ring`] has it.
/// `schedules` lays its plans out for the lanes of the level. Everything but the meaning of the scalar functions is what [`compile`] makes:
/// buffers, descriptors, loops, the support code.
pub fn compile_in_ring(
    library: &Library<'_>,
    level: &'static Level,
    schedules: Vec<Scheduled>,
) -> Result<Vec<Object>, CompileError> {
    compile_clones(library, Arithmetic::Ring, &[(level, schedules)])
}

/// A module of its own, so that modules are compiled side by side. How a library is cut depends on the library alone.
#[derive(Clone, Copy)]
struct Unit<'a> {
    level: &'static Level,
    plans: &'a [Scheduled],
    parts: &'a [Part],
}

fn compile_clones(
    library: &Library<'_>,
    arithmetic: Arithmetic,
    clones: &[(&'static Level, Vec<Scheduled>)],
) -> Result<Vec<Object>, CompileError> {
    let units = clones.iter().flat_map(|(level, plans)| {
        let unit = |plans, part| Unit { level, plans, parts: std::slice::from_ref(part) };
        let own = plans.chunks(1).flat_map(move |plan| Part::OF_A_PLAN.iter().map(move |part| unit(plan, part)));
        own.chain([unit(plans, &Part::Shared)])
    });
    let units: Vec<_> = units.collect();
    let objects = parallel::map(units.len() + 1, STACK_SIZE, |number| match number.checked_sub(1) {
        None => glue_object(library, clones),
        Some(number) => kernels_object(library, arithmetic, &units[number]),
    });
    let objects = objects.map_err(|error| CompileError::new("a thread could not be started", error.to_string()))?;
    objects.into_iter().collect()
}

/// The kernels of a level as LLVM IR, after the IR passes.
pub fn emit_llvm(library: &Library<'_>, level: &'static Level) -> Result<String, CompileError> {
    let context = Context::create();
    let unit = Unit { level, plans: &schedules(library, level), parts: &Part::ALL };
    let (module, _) = kernels_module(&context, library, Arithmetic::Real, &unit)?;
    Ok(module.print_to_string().to_string())
}

/// The kernels of a level as assembly text.
pub fn emit_assembly(library: &Library<'_>, level: &'static Level) -> Result<String, CompileError> {
    let context = Context::create();
    let unit = Unit { level, plans: &schedules(library, level), parts: &Part::ALL };
    let (module, machine) = kernels_module(&context, library, Arithmetic::Real, &unit)?;
    let text = target::generate(&module, &machine, FileType::Assembly)?;
    Ok(String::from_utf8_lossy(&text).trim_end_matches('\0').to_string())
}

/// The scheduled plans of a level.
pub fn schedules(library: &Library<'_>, level: &Level) -> Vec<Scheduled> {
    let machine = level.machine();
    library.plans.iter().map(|plan| schedule(plan, &machine).with_tiles(library.tiles, &machine)).collect()
}

fn kernels_object(library: &Library<'_>, arithmetic: Arithmetic, unit: &Unit<'_>) -> Result<Object, CompileError> {
    let context = Context::create();
    let (module, machine) = kernels_module(&context, library, arithmetic, unit)?;
    let bytes = target::generate(&module, &machine, FileType::Object)?;
    let plans = unit.plans.iter().map(|scheduled| scheduled.plan().name.as_str()).collect::<Vec<_>>().join("-");
    let parts = unit.parts.iter().map(|part| part.name()).collect::<Vec<_>>().join("-");
    Ok(Object { name: format!("{}-{parts}-{plans}", unit.level.name), bytes })
}

fn kernels_module<'ctx>(
    context: &'ctx Context,
    library: &Library<'_>,
    arithmetic: Arithmetic,
    unit: &Unit<'_>,
) -> Result<(Module<'ctx>, inkwell::targets::TargetMachine), CompileError> {
    let machine = target::machine(unit.level)?;
    let module = context.create_module(library.name);
    for scheduled in unit.plans {
        // Passes for calls with ranges are numbered after the others.
        let for_ranges = scheduled.for_ranges().into_iter().flat_map(Scheduled::passes);
        for (number, pass) in scheduled.passes().chain(for_ranges).enumerate() {
            let prefix = symbols::kernel_prefix(scheduled.plan(), number, unit.level);
            for part in unit.parts {
                kernel::emit_pass(&module, &prefix, unit.level, arithmetic, pass, *part);
            }
        }
    }
    target::optimize(&module, &machine)?;
    Ok((module, machine))
}

fn glue_object(library: &Library<'_>, clones: &[(&'static Level, Vec<Scheduled>)]) -> Result<Object, CompileError> {
    let context = Context::create();
    let level = clones.first().map_or(&level::PORTABLE, |(level, _)| level);
    let machine = target::machine(level)?;
    let module = glue::emit(&context, library, clones);
    target::optimize(&module, &machine)?;
    let bytes = target::generate(&module, &machine, FileType::Object)?;
    Ok(Object { name: "glue".to_string(), bytes })
}
