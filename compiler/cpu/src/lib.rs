//! Scheduled plan → LLVM IR → object files.
//!
//! A library is several object files: one a level of the instruction set with the kernels ([`kernel`]), and one with the exported functions and
//! the tables that the support code reads ([`glue`]). The driver links them with the support code.
//!
//! Invariant: results depend on the plan, the level and the arguments only; code of a level is the same whatever machine compiled it.

pub mod glue;
pub mod kernel;
pub mod level;
pub mod math;
pub mod symbols;
pub mod target;
pub mod vector;

use inkwell::context::Context;
use inkwell::module::Module;
use inkwell::targets::FileType;
use keopsc_ir::plan::Verified;
use keopsc_passes::schedule::{Choice, Scheduled, schedule};

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

/// Compiles a library for some levels, best last. Levels are compiled side by side.
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

fn compile_clones(
    library: &Library<'_>,
    arithmetic: Arithmetic,
    clones: &[(&'static Level, Vec<Scheduled>)],
) -> Result<Vec<Object>, CompileError> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for clone in clones {
            let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
            let spawned = thread.spawn_scoped(scope, move || kernels_object(library, arithmetic, clone));
            threads
                .push(spawned.map_err(|error| CompileError::new("a thread could not be started", error.to_string()))?);
        }
        let mut objects = vec![glue_object(library, clones)?];
        for thread in threads {
            let object = thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))?;
            objects.push(object);
        }
        Ok(objects)
    })
}

/// The kernels of a level as LLVM IR, after the IR passes.
pub fn emit_llvm(library: &Library<'_>, level: &'static Level) -> Result<String, CompileError> {
    let context = Context::create();
    let (module, _) = kernels_module(&context, library, Arithmetic::Real, &(level, schedules(library, level)))?;
    Ok(module.print_to_string().to_string())
}

/// The kernels of a level as assembly text.
pub fn emit_assembly(library: &Library<'_>, level: &'static Level) -> Result<String, CompileError> {
    let context = Context::create();
    let (module, machine) = kernels_module(&context, library, Arithmetic::Real, &(level, schedules(library, level)))?;
    let text = target::generate(&module, &machine, FileType::Assembly)?;
    Ok(String::from_utf8_lossy(&text).trim_end_matches('\0').to_string())
}

/// The scheduled plans of a level.
pub fn schedules(library: &Library<'_>, level: &Level) -> Vec<Scheduled> {
    let machine = level.machine();
    library.plans.iter().map(|plan| schedule(plan, &machine).with_tiles(library.tiles, &machine)).collect()
}

fn kernels_object(
    library: &Library<'_>,
    arithmetic: Arithmetic,
    clone: &(&'static Level, Vec<Scheduled>),
) -> Result<Object, CompileError> {
    let context = Context::create();
    let (module, machine) = kernels_module(&context, library, arithmetic, clone)?;
    let bytes = target::generate(&module, &machine, FileType::Object)?;
    Ok(Object { name: clone.0.name.to_string(), bytes })
}

fn kernels_module<'ctx>(
    context: &'ctx Context,
    library: &Library<'_>,
    arithmetic: Arithmetic,
    (level, plans): &(&'static Level, Vec<Scheduled>),
) -> Result<(Module<'ctx>, inkwell::targets::TargetMachine), CompileError> {
    let machine = target::machine(level)?;
    let module = context.create_module(library.name);
    for scheduled in plans {
        // Passes for calls with ranges are numbered after the others.
        let for_ranges = scheduled.for_ranges().into_iter().flat_map(Scheduled::passes);
        for (number, pass) in scheduled.passes().chain(for_ranges).enumerate() {
            let prefix = symbols::kernel_prefix(scheduled.plan(), number, level);
            kernel::emit_pass(&module, &prefix, level, arithmetic, pass);
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
