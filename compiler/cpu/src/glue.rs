//! A library's plans → its exported functions and the constant tables that the support code reads.
//!
//! The tables mirror `keopsc_runtime::abi` field by field. Kernels stand in other modules, one a level; here they are declared and
//! their addresses put into the tables.

use inkwell::builder::Builder;
use inkwell::context::Context;
use inkwell::module::{Linkage, Module};
use inkwell::types::{BasicMetadataTypeEnum, BasicType, BasicTypeEnum, IntType};
use inkwell::values::{BasicMetadataValueEnum, BasicValueEnum, FunctionValue, PointerValue, StructValue};
use inkwell::{AddressSpace, GlobalVisibility};
use keopsc_ir::plan::{Block, Pass, Plan, TensorKind};
use keopsc_ir::types::{Axis, Role, ScalarType};
use keopsc_passes::schedule::{PassSchedule, Scheduled};
use keopsc_runtime::abi;

use crate::Library;
use crate::kernel::layout::{self, Layout};
use crate::kernel::{PassFunctions, declare};
use crate::level::Level;
use crate::symbols;

/// Builds the module with the exported functions. `clones` has the scheduled plans of each level, best level last.
pub fn emit<'ctx>(
    context: &'ctx Context,
    library: &Library<'_>,
    clones: &[(&'static Level, Vec<Scheduled>)],
) -> Module<'ctx> {
    let module = context.create_module(library.name);
    let glue = Glue { context, module: &module, library };
    let entries: Vec<_> = (0..library.plans.len()).map(|number| glue.entry(number, clones)).collect();
    glue.module_table(&entries);
    module
}

struct Glue<'g, 'ctx> {
    context: &'ctx Context,
    module: &'g Module<'ctx>,
    library: &'g Library<'g>,
}

/// An entry's descriptor and its row in the public table.
struct Entry<'ctx> {
    descriptor: PointerValue<'ctx>,
    point: StructValue<'ctx>,
}

impl<'ctx> Glue<'_, 'ctx> {
    fn entry(&self, number: usize, clones: &[(&'static Level, Vec<Scheduled>)]) -> Entry<'ctx> {
        let plan = &self.library.plans[number];
        let count = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary).count() as u64;
        let schedules: Vec<_> = clones.iter().map(|(level, plans)| (*level, &plans[number])).collect();
        let null = self.context.ptr_type(AddressSpace::default()).const_null();
        // Kernels for calls with ranges are numbered after the others.
        let for_ranges = plan.for_ranges().map_or(null, |other| {
            let schedules: Vec<_> =
                schedules.iter().filter_map(|(level, scheduled)| Some((*level, scheduled.for_ranges()?))).collect();
            self.descriptor(other, &schedules, plan.passes.len(), null)
        });
        let descriptor = self.descriptor(plan, &schedules, 0, for_ranges);
        self.plain_function(plan, descriptor);
        let pointer = self.pointer();
        let [run, prepare, workspace] = [
            ("run", vec![pointer]),
            ("prepare", vec![self.i32().into(), self.i32().into()]),
            ("workspace", vec![pointer, pointer]),
        ]
        .map(|(name, parameters)| self.forward(&symbols::method(plan, name), name, &parameters, descriptor));
        let point = self.structure(&[
            self.u32(size_of::<abi::EntryPoint>() as u64).into(),
            self.u32(count).into(),
            self.text(&plan.name).into(),
            address(run),
            address(prepare),
            address(workspace),
        ]);
        Entry { descriptor, point }
    }

    /// What the support code knows of a plan, whose first pass has the kernels of that number.
    fn descriptor(
        &self,
        plan: &Plan,
        schedules: &[(&'static Level, &Scheduled)],
        first_pass: usize,
        for_ranges: PointerValue<'ctx>,
    ) -> PointerValue<'ctx> {
        let tensors: Vec<_> = plan.tensors.iter().map(|tensor| self.tensor(tensor)).collect();
        let temporaries = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Temporary).count();
        let levels: Vec<_> =
            schedules.iter().map(|(level, scheduled)| self.clone_of(level, scheduled, first_pass)).collect();
        self.constant(self.structure(&[
            self.text(&plan.name).into(),
            self.u32((tensors.len() - temporaries) as u64).into(),
            self.u32(temporaries as u64).into(),
            self.array(&tensors).into(),
            self.u32(levels.len() as u64).into(),
            self.u32(0).into(),
            self.array(&levels).into(),
            for_ranges.into(),
        ]))
    }

    /// `int32_t lib_entry(int64_t M, int64_t N, const T *input, …, T *result)`.
    fn plain_function(&self, plan: &Plan, descriptor: PointerValue<'ctx>) {
        let tensors = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary).count();
        let long: BasicMetadataTypeEnum = self.context.i64_type().into();
        let mut parameters = vec![long, long];
        parameters.extend(vec![self.pointer(); tensors]);
        let name = symbols::exported(self.library.name, &plan.name);
        let function = self.define(&name, &parameters, GlobalVisibility::Default);
        let builder = self.builder(function);
        let arguments: Vec<_> = function.get_param_iter().collect();
        let array = self.context.ptr_type(AddressSpace::default()).array_type(tensors as u32);
        let pointers = builder.build_alloca(array, "").expect("an insertion point");
        for (number, pointer) in arguments[2..].iter().enumerate() {
            let index = self.context.i64_type().const_int(number as u64, false);
            // SAFETY: the index is below the length of the array just allocated.
            let place =
                unsafe { builder.build_gep(self.context.ptr_type(AddressSpace::default()), pointers, &[index], "") };
            builder.build_store(place.expect("an insertion point"), *pointer).expect("an insertion point");
        }
        let support = self.support("plain", &[self.pointer(), long, long, self.pointer()], self.i32().into());
        let arguments = [descriptor.into(), arguments[0].into(), arguments[1].into(), pointers.into()];
        let call = builder.build_call(support, &arguments, "").expect("an insertion point");
        let status = call.try_as_basic_value().unwrap_basic();
        builder.build_return(Some(&status)).expect("an insertion point");
    }

    /// A hidden function that passes its arguments on to the support function of that name, the descriptor first.
    fn forward(
        &self,
        symbol: &str,
        support: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        descriptor: PointerValue<'ctx>,
    ) -> FunctionValue<'ctx> {
        let function = self.define(symbol, parameters, GlobalVisibility::Hidden);
        let builder = self.builder(function);
        let mut all = vec![self.pointer()];
        all.extend(parameters);
        let support = self.support(support, &all, self.i32().into());
        let mut arguments = vec![descriptor.into()];
        arguments.extend(function.get_param_iter().map(BasicMetadataValueEnum::from));
        let call = builder.build_call(support, &arguments, "").expect("an insertion point");
        builder.build_return(Some(&call.try_as_basic_value().unwrap_basic())).expect("an insertion point");
        function
    }

    /// `keops_module_v1`, `lib_strerror` and `lib_target`.
    fn module_table(&self, entries: &[Entry<'ctx>]) {
        let any_entry = entries[0].descriptor;
        let pointer: BasicTypeEnum = self.context.ptr_type(AddressSpace::default()).into();
        let strerror = self.getter(
            &symbols::exported(self.library.name, "strerror"),
            &[self.i32().into()],
            |builder, function| {
                let support = self.support("strerror", &[self.i32().into()], pointer);
                let status = function.get_first_param().expect("one parameter");
                builder
                    .build_call(support, &[status.into()], "")
                    .expect("an insertion point")
                    .try_as_basic_value()
                    .unwrap_basic()
            },
        );
        let target = self.getter(&symbols::exported(self.library.name, "target"), &[], |builder, _| {
            let support = self.support("target", &[self.pointer()], pointer);
            builder
                .build_call(support, &[any_entry.into()], "")
                .expect("an insertion point")
                .try_as_basic_value()
                .unwrap_basic()
        });
        let points: Vec<_> = entries.iter().map(|entry| entry.point).collect();
        let table = self.constant(self.structure(&[
            self.u32(size_of::<abi::Module>() as u64).into(),
            self.u32(u64::from(abi::ABI_VERSION)).into(),
            self.text(self.library.name).into(),
            self.text(self.library.manifest).into(),
            self.context.i64_type().const_int(self.library.manifest.len() as u64, false).into(),
            self.u32(points.len() as u64).into(),
            self.u32(size_of::<abi::EntryPoint>() as u64).into(),
            self.array(&points).into(),
            address(strerror),
            address(target),
            self.clusters().into(),
        ]));
        self.getter(abi::MODULE_SYMBOL, &[], |_, _| table.into());
    }

    /// The support code's table of functions that make block-sparse ranges.
    fn clusters(&self) -> PointerValue<'ctx> {
        let pointer = self.context.ptr_type(AddressSpace::default());
        let table = self.module.add_global(pointer, None, "keops_support_clusters");
        table.set_visibility(GlobalVisibility::Hidden);
        table.as_pointer_value()
    }

    fn getter(
        &self,
        name: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        value: impl FnOnce(&Builder<'ctx>, FunctionValue<'ctx>) -> BasicValueEnum<'ctx>,
    ) -> FunctionValue<'ctx> {
        let pointer = self.context.ptr_type(AddressSpace::default());
        let function = self.module.add_function(name, pointer.fn_type(parameters, false), None);
        let builder = self.builder(function);
        let value = value(&builder, function);
        builder.build_return(Some(&value)).expect("an insertion point");
        function
    }

    fn tensor(&self, tensor: &keopsc_ir::plan::Tensor) -> StructValue<'ctx> {
        let role = match tensor.role {
            Role::I => abi::ROLE_I,
            Role::J => abi::ROLE_J,
            Role::Parameter | Role::Pair => abi::ROLE_PARAMETER,
        };
        let is_output = u8::from(tensor.kind == TensorKind::Output);
        self.structure(&[
            self.text(&tensor.name).into(),
            self.u32(u64::from(tensor.dim())).into(),
            self.u8(role).into(),
            self.u8(dtype(tensor.scalar)).into(),
            self.u8(is_output).into(),
            self.u8(0).into(),
        ])
    }

    fn clone_of(&self, level: &'static Level, scheduled: &Scheduled, first_pass: usize) -> StructValue<'ctx> {
        let passes: Vec<_> = scheduled
            .passes()
            .enumerate()
            .map(|(number, (pass, schedule))| {
                let prefix = symbols::kernel_prefix(scheduled.plan(), first_pass + number, level);
                self.pass(scheduled.plan(), pass, schedule, &prefix)
            })
            .collect();
        self.structure(&[
            self.text(level.name).into(),
            self.u32(u64::from(level.requirement)).into(),
            self.u32(passes.len() as u64).into(),
            self.array(&passes).into(),
        ])
    }

    fn pass(&self, plan: &Plan, pass: &Pass, schedule: &PassSchedule, prefix: &str) -> StructValue<'ctx> {
        let layout = layout::layout(pass, schedule);
        let functions = PassFunctions::of(pass, schedule);
        let [rows, columns, parameters] =
            [Block::Row, Block::Column, Block::Parameter].map(|block| self.reads(plan, pass, block));
        let writes = self.writes(plan, pass, &layout);
        let kernel = |name: &str, pointers, counts| self.kernel(&format!("{prefix}{name}"), pointers, counts);
        let null: BasicValueEnum = self.context.ptr_type(AddressSpace::default()).const_null().into();
        let optional = |needed: bool, name: &str, pointers| if needed { kernel(name, pointers, 0) } else { null };
        let row_role = match pass.rows {
            Role::I => abi::ROLE_I,
            Role::J => abi::ROLE_J,
            Role::Parameter | Role::Pair => abi::ROLE_PARAMETER,
        };
        let column_role = match pass.over {
            Some(Axis::I) => abi::ROLE_I,
            Some(Axis::J) => abi::ROLE_J,
            None => abi::ROLE_PARAMETER,
        };
        let compute = if pass.compute == ScalarType::F64 { abi::F64 } else { abi::F32 };
        self.structure(&[
            self.u8(row_role).into(),
            self.u8(column_role).into(),
            self.u8(compute).into(),
            self.u8(0).into(),
            self.u32(u64::from(layout.tile_rows)).into(),
            self.u32(u64::from(schedule.chunk)).into(),
            self.u32(rows.len() as u64).into(),
            self.u32(columns.len() as u64).into(),
            self.u32(parameters.len() as u64).into(),
            self.u32(writes.len() as u64).into(),
            self.u32(u64::from(layout.row_values)).into(),
            self.u32(u64::from(layout.column_values)).into(),
            self.u32(u64::from(layout.parameter_values)).into(),
            self.u32(layout.state_size.max(64)).into(),
            self.u32(layout.result_size.max(64)).into(),
            self.u32(u64::from(schedule.pair_cost)).into(),
            self.u32(u64::from(functions.few_rows)).into(),
            self.array(&rows).into(),
            self.array(&columns).into(),
            self.array(&parameters).into(),
            self.array(&writes).into(),
            optional(functions.parameter_prologue, "parameter_prologue", 1),
            optional(functions.row_prologue, "row_prologue", 2),
            optional(functions.column_prologue, "column_prologue", 2),
            kernel("initialize", 1, 0),
            kernel("accumulate", 4, 2),
            if functions.few_rows > 0 { kernel("accumulate_few", 4, 2) } else { null },
            kernel("merge", 2, 0),
            kernel("epilogue", 4, 0),
        ])
    }

    fn reads(&self, plan: &Plan, pass: &Pass, block: Block) -> Vec<StructValue<'ctx>> {
        let read = |(_, tensor): (_, Option<keopsc_ir::plan::TensorId>)| {
            let (number, dim) = tensor.map_or((abi::ROW_NUMBERS, 1), |tensor| (tensor.0, plan.tensor(tensor).dim()));
            self.structure(&[number, dim].map(|number| self.u32(u64::from(number)).into()))
        };
        layout::reads(pass, block).into_iter().map(read).collect()
    }

    fn writes(&self, plan: &Plan, pass: &Pass, layout: &Layout) -> Vec<StructValue<'ctx>> {
        let write = |(write, offset): (&keopsc_ir::plan::Write, &u64)| {
            let dim = u64::from(plan.tensor(write.tensor).dim());
            let numbers = [u64::from(write.tensor.0), dim, *offset, 0];
            self.structure(&numbers.map(|number| self.u32(number).into()))
        };
        pass.writes.iter().zip(&layout.writes).map(write).collect()
    }

    fn kernel(&self, name: &str, pointers: usize, counts: usize) -> BasicValueEnum<'ctx> {
        let function = self.module.get_function(name).unwrap_or_else(|| declare(self.module, name, pointers, counts));
        function.as_global_value().set_visibility(GlobalVisibility::Hidden);
        address(function)
    }

    fn support(
        &self,
        name: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        result: BasicTypeEnum<'ctx>,
    ) -> FunctionValue<'ctx> {
        let name = format!("keops_support_{name}");
        self.module.get_function(&name).unwrap_or_else(|| {
            let function = self.module.add_function(&name, result.fn_type(parameters, false), None);
            function.as_global_value().set_visibility(GlobalVisibility::Hidden);
            function
        })
    }

    fn define(
        &self,
        name: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        visibility: GlobalVisibility,
    ) -> FunctionValue<'ctx> {
        let function = self.module.add_function(name, self.i32().fn_type(parameters, false), None);
        function.as_global_value().set_visibility(visibility);
        function
    }

    fn builder(&self, function: FunctionValue<'ctx>) -> Builder<'ctx> {
        let builder = self.context.create_builder();
        builder.position_at_end(self.context.append_basic_block(function, ""));
        builder
    }
}

/// Constants.
impl<'ctx> Glue<'_, 'ctx> {
    fn i32(&self) -> IntType<'ctx> {
        self.context.i32_type()
    }

    fn pointer(&self) -> BasicMetadataTypeEnum<'ctx> {
        self.context.ptr_type(AddressSpace::default()).into()
    }

    fn u32(&self, value: u64) -> inkwell::values::IntValue<'ctx> {
        self.i32().const_int(value, false)
    }

    fn u8(&self, value: u8) -> inkwell::values::IntValue<'ctx> {
        self.context.i8_type().const_int(u64::from(value), false)
    }

    fn structure(&self, fields: &[BasicValueEnum<'ctx>]) -> StructValue<'ctx> {
        self.context.const_struct(fields, false)
    }

    /// A private constant; its address.
    fn constant(&self, value: impl Into<BasicValueEnum<'ctx>>) -> PointerValue<'ctx> {
        let value = value.into();
        let global = self.module.add_global(value.get_type(), None, "");
        global.set_initializer(&value);
        global.set_constant(true);
        global.set_linkage(Linkage::Private);
        global.as_pointer_value()
    }

    fn text(&self, text: &str) -> PointerValue<'ctx> {
        self.constant(self.context.const_string(text.as_bytes(), true))
    }

    /// A private array of equal structs; NULL if it is empty.
    fn array(&self, values: &[StructValue<'ctx>]) -> PointerValue<'ctx> {
        match values.first() {
            None => self.context.ptr_type(AddressSpace::default()).const_null(),
            Some(first) => self.constant(first.get_type().const_array(values)),
        }
    }
}

fn address(function: FunctionValue<'_>) -> BasicValueEnum<'_> {
    function.as_global_value().as_pointer_value().into()
}

fn dtype(scalar: ScalarType) -> u8 {
    match scalar {
        ScalarType::F16 => abi::F16,
        ScalarType::BF16 => abi::BF16,
        ScalarType::F32 => abi::F32,
        ScalarType::F64 => abi::F64,
        ScalarType::I64 => abi::I64,
    }
}
