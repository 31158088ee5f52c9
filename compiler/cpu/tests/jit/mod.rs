//! Compiles one scalar function into a loop over arrays, as kernels have it, and runs it in this process, or in an emulator where the level is of
//! another processor.

pub mod double_double;
pub mod functions;
pub mod levels;

use inkwell::OptimizationLevel;
use inkwell::builder::Builder;
use inkwell::context::Context;
use inkwell::execution_engine::ExecutionEngine;
use inkwell::module::Module;
use inkwell::targets::{FileType, InitializationConfig, Target};
use inkwell::values::{FunctionValue, PointerValue};
use inkwell::{AddressSpace, IntPredicate};
use keopsc_cpu::kernel::Kernel;
use keopsc_cpu::kernel::expression::{Bundle, Component, Reader};
use keopsc_cpu::kernel::layout::layout;
use keopsc_cpu::level::Level;
use keopsc_cpu::target;
use keopsc_cpu::vector::{Float, Lanes, Vector};
use keopsc_driver::link::{LinkRequest, Linker, link};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::{Scalar, Sign, Signs};
use keopsc_passes::schedule::schedule;
use keopsc_tests::emulated::{Argument, Emulated};
use keopsc_tests::is_foreign;

use functions::{Function, plan};

/// The type of an array's elements.
pub trait Element: Copy + Default {
    /// The same type, as kernels know it.
    const FLOAT: Float;
}

impl Element for f32 {
    const FLOAT: Float = Float::F32;
}

impl Element for f64 {
    const FLOAT: Float = Float::F64;
}

type Entry = unsafe extern "C" fn(*const [*const u8; 3], *mut u8, i64);

/// A compiled function. The functions of one thread share nothing with another's.
pub struct Compiled<'ctx> {
    code: Code<'ctx>,
    block: usize,
    float: Float,
}

enum Code<'ctx> {
    /// The engine owns the code.
    Here(Entry, #[expect(dead_code, reason = "kept as long as the function")] ExecutionEngine<'ctx>),
    Emulated(Emulated),
}

/// Compiles `source` with `chains` vectors side by side.
pub fn compile<'ctx>(
    context: &'ctx Context,
    source: &Function,
    level: &'static Level,
    float: Float,
    chains: u32,
) -> Compiled<'ctx> {
    let (module, builder) = (context.create_module("jit"), context.create_builder());
    let lanes = Lanes::new(&module, &builder, level, float);
    build_loop(&module, &builder, &lanes, source, chains);
    let machine = target::machine(level).expect("a target machine");
    target::optimize(&module, &machine).expect("the function is well formed");
    let code = if is_foreign(level) { emulate(&module, level) } else { run_here(&module) };
    Compiled { code, block: (chains * lanes.count()) as usize, float }
}

fn run_here<'ctx>(module: &Module<'ctx>) -> Code<'ctx> {
    Target::initialize_native(&InitializationConfig::default()).expect("this machine is a target");
    let engine = module.create_jit_execution_engine(OptimizationLevel::Aggressive).expect("an engine");
    let address = engine.get_function_address("run").expect("the function exists");
    // SAFETY: `build_loop` gave the function this signature, and the engine that owns its code lives in the result.
    Code::Here(unsafe { std::mem::transmute::<usize, Entry>(address) }, engine)
}

fn emulate<'ctx>(module: &Module<'ctx>, level: &'static Level) -> Code<'ctx> {
    let machine = target::machine(level).expect("a target machine");
    let object = target::generate(module, &machine, FileType::Object).expect("an object");
    let (exports, objects) = (["run".to_string()], [("run.o".to_string(), object.as_slice())]);
    let request = LinkRequest { soname: "librun.so", exports: &exports, objects: &objects };
    Code::Emulated(Emulated::load(level.triple_arch, &link(&Linker::InProcess, &request).expect("it links")))
}

impl Compiled<'_> {
    /// `out[k] = f(a[k], b[k], c[k])`; arguments beyond the function's are not read. All slices are equally long.
    pub fn run<E: Element>(&self, arguments: &[&[E]], out: &mut [E]) {
        assert!(E::FLOAT == self.float && arguments.iter().all(|argument| argument.len() == out.len()));
        let whole = out.len() / self.block * self.block;
        if whole > 0 {
            self.run_blocks(arguments, out, whole);
        }
        if whole < out.len() {
            let pad = |values: &[E]| {
                (0..self.block).map(|k| values.get(whole + k).copied().unwrap_or_default()).collect::<Vec<E>>()
            };
            let padded: Vec<Vec<E>> = arguments.iter().map(|values| pad(values)).collect();
            let slices: Vec<&[E]> = padded.iter().map(Vec::as_slice).collect();
            let mut last = vec![E::default(); self.block];
            self.run_blocks(&slices, &mut last, self.block);
            let rest = out.len() - whole;
            out[whole..].copy_from_slice(&last[..rest]);
        }
    }

    /// The first `count` elements, at least one block of them.
    fn run_blocks<E: Element>(&self, arguments: &[&[E]], out: &mut [E], count: usize) {
        let address = |k: usize| arguments.get(k).map_or(std::ptr::null(), |values| values.as_ptr().cast());
        let addresses = [address(0), address(1), address(2)];
        // SAFETY: the arrays have `count` elements, a multiple of the block, and the function reads and writes no others.
        unsafe {
            match &self.code {
                Code::Here(entry, _) => entry(&raw const addresses, out.as_mut_ptr().cast(), count as i64),
                Code::Emulated(library) => {
                    let bytes = count * size_of::<E>();
                    let arrays = addresses.map(|address| (address.cast(), bytes));
                    let out = Argument::Memory(out.as_mut_ptr().cast(), bytes);
                    library.call("run", &[Argument::Memories(&arrays), out, Argument::Number(count as i64)]);
                }
            }
        }
    }
}

fn build_loop<'ctx>(
    module: &Module<'ctx>,
    builder: &Builder<'ctx>,
    lanes: &Lanes<'_, 'ctx>,
    source: &Function,
    chains: u32,
) {
    let context = lanes.context();
    let (pointer, long) = (context.ptr_type(AddressSpace::default()), context.i64_type());
    let signature = context.void_type().fn_type(&[pointer.into(), pointer.into(), long.into()], false);
    let function = module.add_function("run", signature, None);
    lanes.level().attach(context, function);
    let (entry, body, exit) = (
        context.append_basic_block(function, "entry"),
        context.append_basic_block(function, "body"),
        context.append_basic_block(function, "exit"),
    );

    builder.position_at_end(entry);
    let arrays: Vec<PointerValue<'ctx>> =
        (0..source.arguments.len()).map(|k| argument_array(lanes, function, k as u64)).collect();
    let out = function.get_nth_param(1).expect("a parameter").into_pointer_value();
    let count = function.get_nth_param(2).expect("a parameter").into_int_value();
    builder.build_unconditional_branch(body).expect("built");

    builder.position_at_end(body);
    let index = builder.build_phi(long, "index").expect("built");
    index.add_incoming(&[(&long.const_zero(), entry)]);
    let start = index.as_basic_value().into_int_value();
    let at = |array, chain: u32| {
        let chain_start =
            builder.build_int_add(start, long.const_int(u64::from(chain * lanes.count()), false), "").expect("built");
        lanes.offset(array, chain_start)
    };
    let alignment = lanes.float().bits() / 8;
    let arguments: Vec<Vec<Vector<'ctx>>> = arrays
        .iter()
        .zip(source.arguments)
        .map(|(array, kind)| {
            (0..chains).map(|chain| decode(lanes, *kind, lanes.load(at(*array, chain), alignment))).collect()
        })
        .collect();
    for (chain, value) in evaluate(lanes, function, source, arguments).into_iter().enumerate() {
        lanes.store(encode(lanes, source.result, value), at(out, chain as u32), alignment);
    }
    let next =
        builder.build_int_add(start, long.const_int(u64::from(chains * lanes.count()), false), "").expect("built");
    index.add_incoming(&[(&next, builder.get_insert_block().expect("a block"))]);
    let more = builder.build_int_compare(IntPredicate::SLT, next, count, "").expect("built");
    builder.build_conditional_branch(more, body, exit).expect("built");

    builder.position_at_end(exit);
    builder.build_return(None).expect("built");
}

/// The function's values, emitted as a kernel does it. What a kernel has beside its instructions is that of any plan.
fn evaluate<'ctx>(
    lanes: &Lanes<'_, 'ctx>,
    function: FunctionValue<'ctx>,
    source: &Function,
    arguments: Vec<Bundle<'ctx>>,
) -> Bundle<'ctx> {
    let machine = lanes.level().machine();
    let scheduled = schedule(&plan("y = Vj(1)\nout f = Max[j](y)"), &machine);
    let (pass, schedule) = scheduled.passes().next().expect("a plan has a pass");
    let layout = layout(pass, schedule);
    let kernel = Kernel {
        lanes: *lanes,
        function,
        pass,
        schedule,
        layout: &layout,
        signs: &[],
        subtrahends: &[],
        across: false,
    };
    kernel.evaluate(&source.body, &Vec::new(), &mut Arguments(arguments))
}

/// One bundle an argument.
struct Arguments<'ctx>(Vec<Bundle<'ctx>>);

impl<'ctx> Reader<'ctx, u32> for Arguments<'ctx> {
    fn width(&self) -> usize {
        self.0[0].len()
    }

    fn read(&mut self, argument: u32, _: Component<'ctx>) -> Bundle<'ctx> {
        self.0[argument as usize].clone()
    }

    fn factors(&mut self, _: u32, _: Component<'ctx>) -> Option<(Bundle<'ctx>, Bundle<'ctx>)> {
        None
    }

    fn sign(&self, scalar: &Scalar<u32>) -> Sign {
        scalar.sign(&Unknown)
    }

    fn enter(&mut self) {}

    fn leave(&mut self) {}
}

/// Arguments may have any sign.
struct Unknown;

impl Signs<u32> for Unknown {
    fn of_value(&self, _: &u32) -> Sign {
        Sign::UNKNOWN
    }
}

fn argument_array<'ctx>(lanes: &Lanes<'_, 'ctx>, function: FunctionValue<'ctx>, k: u64) -> PointerValue<'ctx> {
    let (builder, context) = (lanes.builder(), lanes.context());
    let pointer = context.ptr_type(AddressSpace::default());
    let table = function.get_nth_param(0).expect("a parameter").into_pointer_value();
    // SAFETY: the table of addresses has three entries, and no intrinsic has more arguments.
    let slot =
        unsafe { builder.build_gep(pointer, table, &[context.i64_type().const_int(k, false)], "") }.expect("built");
    builder.build_load(pointer, slot, "").expect("built").into_pointer_value()
}

fn decode<'ctx>(lanes: &Lanes<'_, 'ctx>, kind: Kind, value: Vector<'ctx>) -> Vector<'ctx> {
    match kind {
        Kind::Real => value,
        Kind::Bool => lanes.not_equal(value, lanes.splat(0.0)),
        Kind::Index => lanes.real_to_integer(value),
    }
}

fn encode<'ctx>(lanes: &Lanes<'_, 'ctx>, kind: Kind, value: Vector<'ctx>) -> Vector<'ctx> {
    match kind {
        Kind::Real => value,
        Kind::Bool => lanes.select(value, lanes.splat(1.0), lanes.splat(0.0)),
        Kind::Index => lanes.integer_to_real(value),
    }
}
