//! One pass of a scheduled plan → the small functions that the support code calls.
//!
//! | function | from → to |
//! | --- | --- |
//! | `parameter_prologue`, `row_prologue`, `column_prologue` | completes a record or tile ([`prologue`]) |
//! | `initialize`, `merge` | neutral state; two states to one ([`state`]) |
//! | `accumulate`, `accumulate_few` | row tile × chunk of columns → state ([`accumulate`]), of all rows or those of one vector |
//! | `accumulate_across`, `transpose`, `merge_lanes` | the same for few rows, columns in the lanes ([`across`]) |
//! | `epilogue` | state → result tile ([`epilogue`]) |
//!
//! Only constructs are known here (loads, loops, intrinsics, accumulators), no operation and no reduction by name.

pub mod accumulate;
pub mod across;
pub mod contract;
pub mod epilogue;
pub mod expression;
pub mod instructions;
pub mod layout;
pub mod prologue;
pub mod reader;
pub mod remembered;
pub mod state;
mod subtrahend;
pub mod update;

use inkwell::attributes::{Attribute, AttributeLoc};
use inkwell::module::{Linkage, Module};
use inkwell::types::BasicMetadataTypeEnum;
use inkwell::values::{FunctionValue, PointerValue};
use inkwell::{AddressSpace, GlobalVisibility};
use keopsc_ir::plan::signs::signs;
use keopsc_ir::plan::{Block, Pass};
use keopsc_ops::scalar::Sign;
use keopsc_passes::schedule::{Order, PassSchedule};

use crate::level::Level;
use crate::symbols;
use crate::vector::{Arithmetic, Float, Lanes};
use layout::Layout;

/// A function under construction and what it is made from.
#[derive(Clone, Copy)]
pub struct Kernel<'a, 'ctx> {
    /// Vector instructions at the insertion point.
    pub lanes: Lanes<'a, 'ctx>,
    /// The function.
    pub function: FunctionValue<'ctx>,
    /// The pass.
    pub pass: &'a Pass,
    /// Its layout in registers.
    pub schedule: &'a PassSchedule,
    /// Its layout in memory.
    pub layout: &'a Layout,
    /// What is known of the signs of its values.
    pub signs: &'a [Sign],
    /// Which of its values are columns' and only subtracted.
    pub subtrahends: &'a [bool],
    /// Whether columns lie in the lanes, and rows are broadcast.
    pub across: bool,
}

impl Kernel<'_, '_> {
    /// The same function with the lanes of the accumulators: as many, perhaps wider. Rules of reductions are evaluated in them.
    pub fn accumulating(&self) -> Self {
        Kernel { lanes: self.lanes.with_float(Float::of(self.schedule.accumulate)), ..*self }
    }
}

/// The functions of a pass that exist; the others have nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct PassFunctions {
    /// Whether there is a `parameter_prologue`.
    pub parameter_prologue: bool,
    /// Whether there is a `row_prologue`.
    pub row_prologue: bool,
    /// Whether there is a `column_prologue`.
    pub column_prologue: bool,
    /// Rows that `accumulate_few` takes, 0 if there is none: a tile then has a single vector of rows.
    pub few_rows: u32,
    /// Whether there are `accumulate_across`, `transpose` and `merge_lanes`.
    pub across: bool,
}

impl PassFunctions {
    /// Which functions a pass needs.
    pub fn of(pass: &Pass, schedule: &PassSchedule) -> PassFunctions {
        let needed = |block| !layout::computed(pass, block).is_empty();
        PassFunctions {
            parameter_prologue: needed(Block::Parameter),
            row_prologue: needed(Block::Row),
            column_prologue: needed(Block::Column),
            few_rows: if schedule.row_vectors > 1 { schedule.lanes } else { 0 },
            across: pass.over.is_some() && matches!(schedule.order, Order::Tree | Order::Carried),
        }
    }
}

/// Components up to which loops are unrolled where little time is spent.
const SHORT: u32 = 4;

/// Components above which values are not put on the stack where they may lie elsewhere.
const LONGEST_LOCAL: u32 = 1024;

/// A cache line: where loops lie in it is then their own affair, and not that of what stands before.
const FUNCTION_ALIGNMENT: u32 = 64;

/// The functions of a pass that are emitted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What every call needs.
    Main,
    /// What calls with few rows need.
    Few,
    /// What all passes of a module that compute in one type have in common.
    Shared,
}

impl Part {
    /// All.
    pub const ALL: [Part; 3] = [Part::Main, Part::Few, Part::Shared];
    /// Those with functions of a plan's own.
    pub const OF_A_PLAN: [Part; 2] = [Part::Main, Part::Few];

    /// For names of objects.
    pub fn name(self) -> &'static str {
        match self {
            Part::Main => "main",
            Part::Few => "few",
            Part::Shared => "shared",
        }
    }
}

/// What fills a function, given its pointer arguments.
type Body<'b, 'ctx> = dyn Fn(&Kernel<'_, 'ctx>, &[PointerValue<'ctx>]) + 'b;

/// Adds some functions of a pass to a module, named `prefix` and the function's name.
pub fn emit_pass<'ctx>(
    module: &Module<'ctx>,
    prefix: &str,
    level: &'static Level,
    arithmetic: Arithmetic,
    (pass, schedule): (&Pass, &PassSchedule),
    part: Part,
) {
    let context = module.get_context();
    let builder = context.create_builder();
    let pass = &subtrahend::rows_first(pass);
    let layout = layout::layout(pass, schedule);
    let (signs, subtrahends) = (signs(pass), subtrahend::subtrahends(pass));
    let lanes = Lanes::new(module, &builder, level, Float::of(pass.compute)).with_arithmetic(arithmetic);
    let emit = |schedule: &PassSchedule, name: &str, pointers: usize, counts: usize, body: &Body<'_, 'ctx>| {
        let function = find(module, name, pointers, counts);
        function.set_linkage(Linkage::External);
        function.as_global_value().set_alignment(FUNCTION_ALIGNMENT);
        level.attach(context, function);
        builder.position_at_end(context.append_basic_block(function, "entry"));
        let kernel = Kernel {
            lanes,
            function,
            pass,
            schedule,
            layout: &layout,
            signs: &signs,
            subtrahends: &subtrahends,
            across: false,
        };
        let arguments: Vec<_> = function.get_param_iter().filter(|value| value.is_pointer_value()).collect();
        let pointers: Vec<_> = arguments.into_iter().map(|value| value.into_pointer_value()).collect();
        body(&kernel, &pointers);
        kernel.return_nothing();
    };
    let define_with = |schedule: &PassSchedule, name: &str, pointers: usize, counts: usize, body: &Body<'_, 'ctx>| {
        emit(schedule, &format!("{prefix}{name}"), pointers, counts, body);
    };
    let define = |name: &str, pointers: usize, counts: usize, body: &Body<'_, 'ctx>| {
        define_with(schedule, name, pointers, counts, body);
    };
    let functions = PassFunctions::of(pass, schedule);
    // In memory a tile is what it is; only the first vector of rows is read and written.
    let few = PassSchedule { row_vectors: 1, ..schedule.clone() };
    match part {
        Part::Main => {
            if functions.parameter_prologue {
                define("parameter_prologue", 1, 0, &|kernel, p| prologue::emit_parameters(kernel, p[0]));
            }
            if functions.row_prologue {
                define("row_prologue", 2, 0, &|kernel, p| prologue::emit_tile(kernel, Block::Row, p[0], p[1]));
            }
            if functions.column_prologue {
                define("column_prologue", 2, 0, &|kernel, p| prologue::emit_tile(kernel, Block::Column, p[0], p[1]));
            }
            define("initialize", 1, 0, &|kernel, p| state::emit_initialize(kernel, p[0]));
            define("accumulate", 4, 3, &|kernel, p| accumulate::emit(kernel, p[0], p[1], p[2], p[3]));
            let looped = PassSchedule { unroll: schedule.unroll.min(SHORT), ..schedule.clone() };
            define_with(&looped, "merge", 2, 0, &|kernel, p| state::emit_merge(kernel, p[0], p[1]));
            define("epilogue", 4, 0, &|kernel, p| epilogue::emit(kernel, p[0], p[1], p[2], p[3]));
        }
        Part::Few => {
            if functions.few_rows > 0 {
                define_with(&few, "accumulate_few", 4, 3, &|kernel, p| {
                    accumulate::emit(kernel, p[0], p[1], p[2], p[3]);
                });
            }
            if functions.across {
                define_with(&few, "accumulate_across", 4, 4, &|kernel, p| {
                    accumulate::emit(&Kernel { across: true, ..*kernel }, p[0], p[1], p[2], p[3]);
                });
                let [initialize, merge] = [("initialize", 1), ("merge", 2)]
                    .map(|(name, pointers)| find(module, &format!("{prefix}{name}"), pointers, 0));
                define_with(&few, "merge_lanes", 2, 2, &|kernel, p| {
                    across::emit_merge_lanes(kernel, merge, initialize, p[0], p[1]);
                });
            }
        }
        Part::Shared => {
            let name = symbols::transpose(level, pass.compute);
            if functions.across && module.get_function(&name).is_none() {
                emit(&few, &name, 2, 4, &|kernel, p| across::emit_transpose(kernel, p[0], p[1]));
            }
        }
    }
}

/// A kernel function of the library, declared where it is not in the module.
pub fn find<'ctx>(module: &Module<'ctx>, name: &str, pointers: usize, counts: usize) -> FunctionValue<'ctx> {
    let function = module.get_function(name).unwrap_or_else(|| declare(module, name, pointers, counts));
    function.as_global_value().set_visibility(GlobalVisibility::Hidden);
    function
}

/// Declares a kernel function: `pointers` pointers, `counts` i64 before the last of them.
pub fn declare<'ctx>(module: &Module<'ctx>, name: &str, pointers: usize, counts: usize) -> FunctionValue<'ctx> {
    let context = module.get_context();
    let pointer: BasicMetadataTypeEnum = context.ptr_type(AddressSpace::default()).into();
    let mut parameters = vec![pointer; pointers - usize::from(counts > 0)];
    if counts > 0 {
        let count: BasicMetadataTypeEnum = context.i64_type().into();
        parameters.extend(vec![count; counts]);
        parameters.push(pointer);
    }
    let function = module.add_function(name, context.void_type().fn_type(&parameters, false), None);
    for (number, parameter) in function.get_param_iter().enumerate() {
        if parameter.is_pointer_value() {
            function.add_attribute(AttributeLoc::Param(number as u32), enum_attribute(module, "noalias"));
        }
    }
    function.add_attribute(AttributeLoc::Function, enum_attribute(module, "nounwind"));
    function
}

fn enum_attribute(module: &Module<'_>, name: &str) -> Attribute {
    module.get_context().create_enum_attribute(Attribute::get_named_enum_kind_id(name), 0)
}
