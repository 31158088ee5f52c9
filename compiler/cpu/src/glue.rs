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
use keopsc_ir::plan::shards::Shards;
use keopsc_ir::plan::{Block, Pass, Plan, Scatter, TensorId, TensorKind};
use keopsc_ir::types::{Axis, Role, ScalarType, SumScheme};
use keopsc_passes::schedule::{Order, PassSchedule, Scheduled};
use keopsc_runtime::abi;

use crate::Library;
use crate::kernel::layout::{self, Layout};
use crate::kernel::{self, PassFunctions};
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

/// The fields of a record that are a pass's.
#[derive(Clone, Copy)]
struct Fields<'a, 'p> {
    shards: &'a Shards<'p>,
    pass: usize,
}

/// The pointers to tensors that a layer-1 function was given, and how many tensors the entry has: the others are NULL.
struct Pointers<'ctx> {
    given: Vec<BasicValueEnum<'ctx>>,
    count: usize,
}

impl<'ctx> Glue<'_, 'ctx> {
    fn entry(&self, number: usize, clones: &[(&'static Level, Vec<Scheduled>)]) -> Entry<'ctx> {
        let plan = &self.library.plans[number];
        let shards = plan.shards();
        let count = plan.tensors.iter().filter(|tensor| tensor.kind != TensorKind::Temporary).count() as u64;
        let schedules: Vec<_> = clones.iter().map(|(level, plans)| (*level, &plans[number])).collect();
        let null = self.context.ptr_type(AddressSpace::default()).const_null();
        // Kernels for calls with ranges are numbered after the others.
        let for_ranges = plan.for_ranges().map_or(null, |other| {
            let schedules: Vec<_> =
                schedules.iter().filter_map(|(level, scheduled)| Some((*level, scheduled.for_ranges()?))).collect();
            let device = self.device(&symbols::device_entry_for_ranges(other));
            self.descriptor(other, &schedules, plan.passes.len(), [null, device])
        });
        let descriptor = self.descriptor(plan, &schedules, 0, [for_ranges, self.device(&symbols::device_entry(plan))]);
        self.plain_function(plan, descriptor);
        let pointer = self.pointer();
        let [run, prepare, workspace] = [
            ("run", vec![pointer]),
            ("prepare", vec![self.i32().into(), self.i32().into()]),
            ("workspace", vec![pointer, pointer]),
        ]
        .map(|(name, parameters)| self.hidden(plan, name, &parameters, descriptor));
        let mut fields: Vec<BasicValueEnum<'ctx>> = vec![
            self.u32(size_of::<abi::EntryPoint>() as u64).into(),
            self.u32(count).into(),
            self.text(&plan.name).into(),
            address(run),
            address(prepare),
            address(workspace),
        ];
        fields.extend(match shards {
            Some(_) => self.shard_functions(plan, descriptor),
            None => [self.context.ptr_type(AddressSpace::default()).const_null().into(); 5],
        });
        Entry { descriptor, point: self.structure(&fields) }
    }

    /// An entry's code for GPUs, NULL if the library has none.
    fn device(&self, symbol: &str) -> PointerValue<'ctx> {
        let pointer = self.context.ptr_type(AddressSpace::default());
        if !self.library.has_device_code {
            return pointer.const_null();
        }
        let table = self.module.add_global(pointer, None, symbol);
        table.set_visibility(GlobalVisibility::Hidden);
        table.as_pointer_value()
    }

    /// What the support code knows of a plan, whose first pass has the kernels of that number, and where the descriptor for calls with ranges and
    /// the code for GPUs are.
    fn descriptor(
        &self,
        plan: &Plan,
        schedules: &[(&'static Level, &Scheduled)],
        first_pass: usize,
        [for_ranges, device]: [PointerValue<'ctx>; 2],
    ) -> PointerValue<'ctx> {
        let shards = plan.shards();
        let finalize_reads =
            |tensor: u32| shards.as_ref().is_some_and(|shards| shards.finalize_reads.contains(&TensorId(tensor)));
        let tensors: Vec<_> =
            (0..).zip(&plan.tensors).map(|(number, tensor)| self.tensor(tensor, finalize_reads(number))).collect();
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
            device.into(),
        ]))
    }

    /// `int32_t lib_entry(int64_t M, int64_t N, const T *input, …, T *result)`.
    fn plain_function(&self, plan: &Plan, descriptor: PointerValue<'ctx>) {
        let tensors = arguments(plan, TensorKind::Input) + arguments(plan, TensorKind::Output);
        let mut parameters = vec![self.long(); 2];
        parameters.extend(vec![self.pointer(); tensors]);
        let name = symbols::exported(self.library.name, &plan.name);
        self.plain(&name, "plain", &parameters, descriptor, |given| {
            let pointers = Pointers { given: given[2..].to_vec(), count: tensors };
            (given[..2].to_vec(), pointers, None)
        });
    }

    /// The functions of layer 3, exported; what the public table has of them.
    fn shard_functions(&self, plan: &Plan, descriptor: PointerValue<'ctx>) -> [BasicValueEnum<'ctx>; 5] {
        let (pointer, long) = (self.pointer(), self.long());
        let inputs = arguments(plan, TensorKind::Input);
        let count = inputs + arguments(plan, TensorKind::Output);
        let [partial, merge, finalize, state_size, shard] =
            symbols::SHARD_ENDS.map(|end| symbols::exported(self.library.name, &plan.name) + end);
        // (M, N, first, inputs, state)
        let mut parameters = vec![long; 3];
        parameters.extend(vec![pointer; inputs + 1]);
        self.plain(&partial, "plain_partial", &parameters, descriptor, |given| {
            let pointers = Pointers { given: given[3..3 + inputs].to_vec(), count };
            (given[..3].to_vec(), pointers, Some(given[3 + inputs]))
        });
        // (M, N, inputs, state, results)
        let mut parameters = vec![long; 2];
        parameters.extend(vec![pointer; count + 1]);
        self.plain(&finalize, "plain_finalize", &parameters, descriptor, |given| {
            let (inputs, rest) = given[2..].split_at(inputs);
            let pointers = Pointers { given: [inputs, &rest[1..]].concat(), count };
            (given[..2].to_vec(), pointers, Some(rest[0]))
        });
        let i32 = self.i32();
        let visible = |name: &str, result: IntType<'ctx>, support: &str, parameters: &[BasicMetadataTypeEnum<'ctx>]| {
            let function = self.define(name, result, parameters, GlobalVisibility::Default);
            self.forward(function, support, parameters, descriptor)
        };
        visible(&merge, i32, "plain_merge", &[long, pointer, pointer]);
        let state_size = visible(&state_size, self.context.i64_type(), "state_size", &[long]);
        let shard = visible(&shard, self.context.i64_type(), "shard", &[long, long]);
        let [partial, merge, finalize] = [
            ("partial", vec![pointer, long, pointer, long]),
            ("merge", vec![pointer, pointer, pointer, long]),
            ("finalize", vec![pointer, pointer, long]),
        ]
        .map(|(name, parameters)| self.hidden(plan, name, &parameters, descriptor));
        [partial, merge, finalize, state_size, shard].map(address)
    }

    /// An exported function that hands its pointers over as an array: `(descriptor, numbers, pointers, state)`.
    fn plain(
        &self,
        name: &str,
        support: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        descriptor: PointerValue<'ctx>,
        arrange: impl FnOnce(
            &[BasicValueEnum<'ctx>],
        ) -> (Vec<BasicValueEnum<'ctx>>, Pointers<'ctx>, Option<BasicValueEnum<'ctx>>),
    ) {
        let function = self.define(name, self.i32(), parameters, GlobalVisibility::Default);
        let builder = self.builder(function);
        let (numbers, pointers, state) = arrange(&function.get_param_iter().collect::<Vec<_>>());
        let pointer = self.context.ptr_type(AddressSpace::default());
        let array = builder.build_alloca(pointer.array_type(pointers.count as u32), "").expect("an insertion point");
        let missing = pointers.count - pointers.given.len();
        let all = pointers.given.into_iter().chain(vec![pointer.const_null().into(); missing]);
        for (number, value) in all.enumerate() {
            let index = self.context.i64_type().const_int(number as u64, false);
            // SAFETY: the index is below the length of the array just allocated.
            let place = unsafe { builder.build_gep(pointer, array, &[index], "") };
            builder.build_store(place.expect("an insertion point"), value).expect("an insertion point");
        }
        let mut types = vec![self.pointer()];
        types.extend(vec![self.long(); numbers.len()]);
        types.extend(vec![self.pointer(); 1 + usize::from(state.is_some())]);
        let support = self.support(support, &types, self.i32().into());
        let mut arguments: Vec<BasicMetadataValueEnum<'ctx>> = vec![descriptor.into()];
        arguments.extend(numbers.into_iter().map(BasicMetadataValueEnum::from));
        arguments.push(array.into());
        arguments.extend(state.map(BasicMetadataValueEnum::from));
        let call = builder.build_call(support, &arguments, "").expect("an insertion point");
        builder.build_return(Some(&call.try_as_basic_value().unwrap_basic())).expect("an insertion point");
    }

    /// A hidden function of an entry, for the public table.
    fn hidden(
        &self,
        plan: &Plan,
        name: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        descriptor: PointerValue<'ctx>,
    ) -> FunctionValue<'ctx> {
        let function = self.define(&symbols::method(plan, name), self.i32(), parameters, GlobalVisibility::Hidden);
        self.forward(function, name, parameters, descriptor)
    }

    /// Lets a function pass its arguments on to the support function of that name, the descriptor first.
    fn forward(
        &self,
        function: FunctionValue<'ctx>,
        support: &str,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        descriptor: PointerValue<'ctx>,
    ) -> FunctionValue<'ctx> {
        let builder = self.builder(function);
        let mut all = vec![self.pointer()];
        all.extend(parameters);
        let result = function.get_type().get_return_type().expect("a status or a size");
        let support = self.support(support, &all, result);
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

    fn tensor(&self, tensor: &keopsc_ir::plan::Tensor, finalize_reads: bool) -> StructValue<'ctx> {
        let role = match tensor.role {
            Role::I => abi::ROLE_I,
            Role::J => abi::ROLE_J,
            Role::Parameter | Role::Pair => abi::ROLE_PARAMETER,
        };
        let is_output = u8::from(tensor.kind == TensorKind::Output);
        self.structure(&[
            self.text(&tensor.name).into(),
            self.u32(u64::from(tensor.elements())).into(),
            self.u8(role).into(),
            self.u8(dtype(tensor.scalar)).into(),
            self.u8(is_output).into(),
            self.u8(finalize_reads.into()).into(),
            self.u32(tensor.gradient_of.map_or(abi::NO_TENSOR, |id| id.0).into()).into(),
        ])
    }

    fn clone_of(&self, level: &'static Level, scheduled: &Scheduled, first_pass: usize) -> StructValue<'ctx> {
        let shards = scheduled.plan().shards();
        let passes: Vec<_> = scheduled
            .passes()
            .enumerate()
            .map(|(number, (pass, schedule))| {
                let prefix = symbols::kernel_prefix(scheduled.plan(), first_pass + number, level);
                let shards = shards.as_ref().filter(|shards| number < shards.passes.len());
                let fields = shards.map(|shards| Fields { shards, pass: number });
                self.pass(level, scheduled.plan(), (pass, schedule), fields, &prefix)
            })
            .collect();
        self.structure(&[
            self.text(level.name).into(),
            self.u32(u64::from(level.requirement)).into(),
            self.u32(passes.len() as u64).into(),
            self.array(&passes).into(),
        ])
    }

    /// A pass; `state` says what it puts into records, if states can leave it.
    fn pass(
        &self,
        level: &Level,
        plan: &Plan,
        (pass, schedule): (&Pass, &PassSchedule),
        state: Option<Fields<'_, '_>>,
        prefix: &str,
    ) -> StructValue<'ctx> {
        let layout = layout::layout(pass, schedule);
        let fields = state.map(|state| self.fields(state, &layout)).unwrap_or_default();
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
        let order = match schedule.order {
            Order::Tree => abi::ORDER_TREE,
            Order::Sequence => abi::ORDER_SEQUENCE,
            Order::Roots => abi::ORDER_ROOTS,
            Order::Carried => abi::ORDER_CARRIED,
        };
        let compute = if pass.compute == ScalarType::F64 { abi::F64 } else { abi::F32 };
        self.structure(&[
            self.u8(row_role).into(),
            self.u8(column_role).into(),
            self.u8(compute).into(),
            self.u8(order).into(),
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
            self.u32(state.map_or(0, |state| state.shards.record_size)).into(),
            self.u32(fields.len() as u64).into(),
            self.u32(u64::from(functions.few_rows)).into(),
            self.u32(u64::from(schedule.lanes)).into(),
            self.u32(pass.scatters.len() as u64).into(),
            self.array(&rows).into(),
            self.array(&columns).into(),
            self.array(&parameters).into(),
            self.array(&writes).into(),
            self.array(&fields).into(),
            self.array(&self.scatters(plan, pass)).into(),
            optional(functions.parameter_prologue, "parameter_prologue", 1),
            optional(functions.row_prologue, "row_prologue", 2),
            optional(functions.column_prologue, "column_prologue", 2),
            kernel("initialize", 1, 0),
            kernel("accumulate", 4, 3),
            if functions.few_rows > 0 { kernel("accumulate_few", 4, 3) } else { null },
            if functions.across { kernel("accumulate_across", 4, 4) } else { null },
            if functions.across { self.kernel(&symbols::transpose(level, pass.compute), 2, 4) } else { null },
            if functions.across { kernel("merge_lanes", 2, 2) } else { null },
            kernel("merge", 2, 0),
            kernel("epilogue", 4, 0),
        ])
    }

    fn reads(&self, plan: &Plan, pass: &Pass, block: Block) -> Vec<StructValue<'ctx>> {
        let read = |(_, tensor): (_, Option<keopsc_ir::plan::TensorId>)| {
            let (number, dim) =
                tensor.map_or((abi::ROW_NUMBERS, 1), |tensor| (tensor.0, plan.tensor(tensor).elements()));
            self.structure(&[number, dim].map(|number| self.u32(u64::from(number)).into()))
        };
        layout::reads(pass, block).into_iter().map(read).collect()
    }

    fn writes(&self, plan: &Plan, pass: &Pass, layout: &Layout) -> Vec<StructValue<'ctx>> {
        let write = |(write, offset): (&keopsc_ir::plan::Write, &u64)| {
            let dim = u64::from(plan.tensor(write.tensor).elements());
            let numbers = [u64::from(write.tensor.0), dim, *offset, 0];
            self.structure(&numbers.map(|number| self.u32(number).into()))
        };
        pass.writes.iter().zip(&layout.writes).map(write).collect()
    }

    fn scatters(&self, plan: &Plan, pass: &Pass) -> Vec<StructValue<'ctx>> {
        // Sums in float64 are better than compensated ones in float32.
        let wide = plan.numerics.sum == SumScheme::Kahan || plan.numerics.accumulators(pass.compute) == ScalarType::F64;
        let accumulators = if wide { abi::F64 } else { dtype(pass.compute) };
        let scatter = |scatter: &Scatter| {
            let values = scatter.values.map_or(abi::NO_TENSOR, |values| values.0);
            let numbers = [scatter.numbers.0, values, scatter.sums.0, accumulators.into()];
            self.structure(&numbers.map(|number| self.u32(u64::from(number)).into()))
        };
        pass.scatters.iter().map(scatter).collect()
    }

    fn fields(&self, state: Fields<'_, '_>, layout: &Layout) -> Vec<StructValue<'ctx>> {
        let field = |field: &keopsc_ir::plan::shards::Field| {
            let place = layout.slots[field.accumulation][field.slot];
            let numbers = [place.offset, field.offset, u64::from(field.count), field.scalar.size()];
            self.structure(&numbers.map(|number| self.u32(number).into()))
        };
        state.shards.fields.iter().filter(|field| field.pass == state.pass).map(field).collect()
    }

    fn kernel(&self, name: &str, pointers: usize, counts: usize) -> BasicValueEnum<'ctx> {
        address(kernel::find(self.module, name, pointers, counts))
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
        result: IntType<'ctx>,
        parameters: &[BasicMetadataTypeEnum<'ctx>],
        visibility: GlobalVisibility,
    ) -> FunctionValue<'ctx> {
        let function = self.module.add_function(name, result.fn_type(parameters, false), None);
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

    fn long(&self) -> BasicMetadataTypeEnum<'ctx> {
        self.context.i64_type().into()
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

/// How many tensors of a kind a plan has.
fn arguments(plan: &Plan, kind: TensorKind) -> usize {
    plan.tensors.iter().filter(|tensor| tensor.kind == kind).count()
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
        ScalarType::C64 => abi::C64,
        ScalarType::C128 => abi::C128,
    }
}
