//! One pass → a structure that says what is special about it, and kernels that are instances of the skeleton.
//!
//! ```text
//! constructor      parameters, once a thread (long ones once a block, in shared memory)
//! read_row         what pairs need of a row, in registers
//! read_column      what pairs need of a column, in the tile
//! update           pair body, then one more column in the state
//! merge            the state of later columns joins that of earlier ones
//! write            epilogue and results of a row
//! ```

use keopsc_ir::plan::print::print_value;
use keopsc_ir::plan::{Block, Definition, Pass, Plan, TensorId, Value, ValueId};
use keopsc_ir::types::{Products, Role, ScalarType};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::Counter;

use crate::contraction::{CONTRACTED_ROWS, Contraction, Form, Large, PassValues, Terms};
use crate::expression::{Operands, Position, Writer};
use crate::library::{Kernel, Kernels, Order, Packed, PassKernels, part};
use crate::lines::Lines;
use crate::schedule::{
    GpuSchedule, MERGING_THREADS, Place, RESIDENT_THREADS, THREADS, WARP, needed_by_pairs, needed_by_rows,
    needed_by_tile, needed_by_writes,
};
use crate::spelling::{Arithmetic, Text, type_name};
use crate::state::{self, CONTRACTED};
use crate::storage::{load, parts, store, stored_type};
use crate::wide::WideSums;

/// Adds the structure and the kernels of a pass; their names go to `kernels`.
pub(crate) fn emit_pass(
    lines: &mut Lines,
    kernels: &mut Kernels,
    plan: &Plan,
    name: &str,
    number: usize,
    schedule: &GpuSchedule,
    arithmetic: Arithmetic,
) -> PassKernels {
    let pass = &plan.passes[number];
    let emitter = Emitter { plan, pass, schedule, tensors: tensors(pass, schedule), row: RowValues::Fields };
    lines.gap();
    let over = pass.over.map_or(String::new(), |over| format!(", over {over}"));
    lines.line(format!(
        "// Pass {number} of {}: rows {}{over}, compute {}.",
        plan.name,
        pass.rows,
        pass.compute.name()
    ));
    // Half of the time goes into the kernel for many rows.
    let many = part(kernels.new_part());
    let others = if emitter.accumulates() { part(kernels.new_part()) } else { many.clone() };
    lines.line(format!("#if {many} || {others}"));
    lines.open(format!("struct {name} {{"));
    let mut writer = Writer::new(std::mem::take(lines), pass.compute, arithmetic);
    emitter.write_members(&mut writer, name);
    *lines = writer.lines;
    lines.close("};");
    kernels.have_contractions |= schedule.contraction.is_some();
    kernels.have_products |= schedule.contraction.as_ref().is_some_and(Contraction::is_of_products);
    kernels.have_wide_sums |= schedule.wide.is_some();
    kernels.have_wide_quads |= schedule.wide_in_quads();
    kernels.have_queues |= schedule.queues;
    kernels.have_lists |= schedule.places_of_list.is_some();
    lines.line(format!("static_assert(sizeof({name}::State) == {}, \"as launches have it\");", schedule.state_bytes));
    let mut kernel = |lines: &mut Lines, suffix: &str, body: String, threads: u32, rows: u32| {
        // Several rows a thread are worth many registers, and so is a matrix product.
        let large = schedule.large.filter(|_| suffix == "reduce");
        let bounds = if let Some(Large { blocks, .. }) = large {
            format!("{threads}, RESIDENT({}, {blocks})", schedule.resident_blocks)
        } else if schedule.has_products() && suffix == "reduce" {
            format!("{threads}, {}", schedule.resident_blocks)
        } else if rows > threads {
            format!("{threads}, {}", RESIDENT_THREADS / threads)
        } else {
            threads.to_string()
        };
        let argument = format!("const {name}::Call __grid_constant__ call");
        lines.gap();
        lines.line(format!("#if {}", if suffix == "reduce" { &many } else { &others }));
        lines.line(format!("extern \"C\" __global__ void __launch_bounds__({bounds}) {name}_{suffix}({argument})"));
        lines.open("{");
        lines.line(body);
        lines.close("}");
        lines.line("#endif");
        kernels.names.push(format!("{name}_{suffix}"));
        let large_bytes = large.map_or(0, |large| large.bytes);
        Kernel { number: kernels.names.len() as u32 - 1, threads, rows, large_bytes }
    };
    let reduce = |tile: String| format!("reduce<{name}, {tile}>(call);");
    let queue = |rows: u32| if schedule.queues { format!(", Queue<{name}, {rows}>") } else { String::new() };
    let plain = |rows: u32, threads: u32| format!("PlainTile<{name}, {rows}, {threads}{}>", queue(rows));
    let mut reduces = [None, None];
    if schedule.has_products() {
        let tile = if schedule.in_quads { "QuadTile" } else { "RowTile" };
        let method =
            schedule.contraction.as_ref().map_or("Uncontracted".to_owned(), |one| format!("{:?}", one.method()));
        let sums = match (&schedule.wide, arithmetic) {
            (None, _) if schedule.queues => format!(", NoSums<{name}>{}", queue(1)),
            (None, _) => String::new(),
            (Some(_), Arithmetic::Real) => format!(", TensorSums<{name}>"),
            (Some(_), Arithmetic::Ring) => format!(", FusedSums<{name}>"),
        };
        let tile = match schedule.wide_in_quads() {
            true => format!("WideTile<{name}, {method}<{name}>>"),
            false => format!("{tile}<{name}, {method}<{name}>{sums}>"),
        };
        reduces[0] = Some(kernel(lines, "reduce", reduce(tile), schedule.threads, CONTRACTED_ROWS));
    } else if let Some(warps) = schedule.warps {
        let body = format!("reduce_lists<{name}, {warps}>(call);");
        reduces[0] = Some(kernel(lines, "reduce", body, schedule.threads, warps));
    } else if emitter.accumulates() {
        let GpuSchedule { rows, threads, .. } = *schedule;
        reduces[0] = Some(kernel(lines, "reduce", reduce(plain(rows, threads)), threads, threads * rows));
        if rows > 1 {
            reduces[1] = Some(kernel(lines, "reduce_few", reduce(plain(1, THREADS)), THREADS, THREADS));
        }
    }
    let mut packed = Packed::default();
    if let Some(contraction) = &schedule.contraction {
        packed = contraction.packed();
        let parts = ["columns", "rows"].into_iter().zip(["PACKED_COLUMNS", "PACKED_ROWS"]);
        for ((pack, size), (part, number)) in packed.kernels.iter_mut().zip(packed.sizes).zip(parts) {
            if size > 0 {
                let body = format!("pack<{name}, {number}>(call);");
                *pack = Some(kernel(lines, &format!("pack_{part}"), body, THREADS, THREADS));
            }
        }
    }
    let finish = match schedule.places_of_list {
        // Of a block's threads each has some places of a row.
        Some(places) => {
            let threads = places.next_multiple_of(WARP).min(MERGING_THREADS);
            kernel(lines, "finish", format!("finish_lists<{name}>(call);"), threads, 1)
        }
        None => kernel(lines, "finish", format!("finish<{name}>(call);"), THREADS, THREADS),
    };
    lines.line("#endif");
    PassKernels {
        rows: pass.rows,
        over: if emitter.accumulates() { pass.over } else { None },
        compute: pass.compute,
        order: schedule.order,
        views: emitter.tensors.clone(),
        reduce: reduces,
        finish,
        chunk: schedule.chunk,
        longest_split: 1 << (schedule.levels - 1),
        state_size: schedule.state_bytes,
        pair_cost: schedule.pair_cost,
        packed,
    }
}

/// The tensors that a pass reads or writes, in the plan's order.
fn tensors(pass: &Pass, schedule: &GpuSchedule) -> Vec<TensorId> {
    let values = pass.values.iter().zip(&schedule.places);
    let read = values.filter_map(|(value, place)| match value.definition {
        Definition::Read(tensor) if *place != Place::Nowhere => Some(tensor),
        _ => None,
    });
    let mut tensors: Vec<TensorId> = read.chain(pass.writes.iter().map(|write| write.tensor)).collect();
    tensors.sort();
    tensors.dedup();
    tensors
}

/// Where values of the row block are.
#[derive(Clone, Copy, PartialEq)]
enum RowValues {
    /// Fields of `row`.
    Fields,
    /// Variables.
    Variables,
    /// Nowhere, like those of the column block: they are computed where they are read.
    Nowhere,
}

/// A pass on its way to text.
#[derive(Clone)]
struct Emitter<'a> {
    plan: &'a Plan,
    pass: &'a Pass,
    schedule: &'a GpuSchedule,
    tensors: Vec<TensorId>,
    row: RowValues,
}

impl Emitter<'_> {
    fn accumulates(&self) -> bool {
        self.schedule.accumulations.contains(&true)
    }

    fn write_members(&self, writer: &mut Writer, name: &str) {
        self.write_constants(writer);
        self.write_structures(writer);
        self.write_constructor(writer, name);
        self.write_reads(writer);
        if self.schedule.has_products() {
            writer.lines.gap();
            writer.lines.line(format!("typedef {} Real;", type_name(Kind::Real, self.pass.compute)));
            let precision = match self.plan.numerics.products {
                Products::Auto => "FLOAT32",
                Products::Tf32 => "TF32",
                Products::Bf16 => "BF16",
            };
            writer.lines.line(format!("enum {{ PRECISION = {precision} }};"));
        }
        if let Some(contraction) = &self.schedule.contraction {
            self.write_contraction(writer, contraction);
        }
        if let Some(wide) = &self.schedule.wide {
            self.write_wide_columns(writer, wide);
            if wide.have_differences() {
                self.write_differences(writer, name, wide);
            }
        }
        state::write_functions(writer, self.pass, self.schedule, |writer| self.write_pair_values(writer), self);
        self.write_results(writer);
    }

    fn write_constants(&self, writer: &mut Writer) {
        let GpuSchedule { tile, levels, unroll, block, order, .. } = self.schedule;
        let order = match order {
            Order::Tree => "TREE",
            Order::Sequence => "SEQUENCE",
            Order::Carried => "CARRIED",
        };
        let constants = [("TILE", tile), ("LEVELS", levels), ("UNROLL", unroll), ("BLOCK", block)];
        let constants: Vec<String> = constants.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        writer.lines.line(format!("enum {{ {}, ORDER = {order} }};", constants.join(", ")));
    }

    fn write_structures(&self, writer: &mut Writer) {
        let lines = &mut writer.lines;
        lines.gap();
        lines.open("struct Call {");
        lines.line("Launch launch;");
        for id in &self.tensors {
            lines.line(format!("View tensor{};", id.0));
        }
        lines.close("};");
        self.write_structure(lines, "Shared", Place::Shared, Block::Parameter, None);
        self.write_structure(lines, "Row", Place::Row, Block::Row, None);
        self.write_structure(lines, "Column", Place::Tile, Block::Column, Some(self.schedule.column_alignment));
        lines.gap();
        lines.line("const Call &call;");
        lines.line("const Element element;");
        lines.line("Shared &shared;");
        for (id, value) in self.pass.block(Block::Parameter).filter(|(id, _)| self.place(*id) == Place::Thread) {
            let declaration = self.declaration(id, value);
            lines.line(format!("{declaration};"));
        }
    }

    /// The values that live in a place.
    fn write_structure(&self, lines: &mut Lines, name: &str, place: Place, block: Block, alignment: Option<u32>) {
        lines.gap();
        let alignment = alignment.map_or(String::new(), |bytes| format!("__align__({bytes}) "));
        lines.open(format!("struct {alignment}{name} {{"));
        if place == Place::Row && self.schedule.rows_are_found_again {
            lines.line("long long index;");
        }
        for (id, value) in self.pass.block(block).filter(|(id, _)| self.place(*id) == place) {
            lines.line(format!("{};", self.declaration(id, value)));
        }
        lines.close("};");
    }

    fn declaration(&self, id: ValueId, value: &Value) -> String {
        let extent = if value.dim == 1 { String::new() } else { format!("[{}]", value.dim) };
        format!("{} v{}{extent}", self.type_of(value), id.0)
    }

    fn write_constructor(&self, writer: &mut Writer, name: &str) {
        writer.lines.gap();
        // Parameters that lie in shared memory are the same for all instances of a block.
        let arguments = "const Call &call, const Element &element, Shared &shared, bool is_first = true";
        writer.lines.line(format!("__device__ __forceinline__ {name}({arguments})"));
        writer.lines.line("    : call(call), element(element), shared(shared)");
        writer.lines.open("{");
        for (id, value) in self.pass.block(Block::Parameter) {
            match self.place(id) {
                Place::Thread => {
                    self.quote(writer, id, value);
                    self.fill(writer, id, value);
                }
                Place::Shared => {
                    writer.lines.open("if (is_first) {");
                    self.define_shared(writer, id, value);
                    writer.lines.close("}");
                }
                _ => {}
            }
        }
        writer.lines.close("}");
    }

    /// `read_row` and `read_column`.
    fn write_reads(&self, writer: &mut Writer) {
        let needed =
            [needed_by_rows(self.pass, &self.schedule.places), needed_by_tile(self.pass, &self.schedule.places)];
        let blocks = [(Block::Row, Place::Row, "row", "Row"), (Block::Column, Place::Tile, "column", "Column")];
        for ((block, place, name, kind), needed) in blocks.into_iter().zip(needed) {
            writer.lines.gap();
            let arguments = format!("{kind} &{name}, long long index");
            writer.lines.line(format!("__device__ __forceinline__ void read_{name}({arguments}) const"));
            writer.lines.open("{");
            if block == Block::Row && self.schedule.rows_are_found_again {
                writer.lines.line("row.index = index;");
            }
            for (id, value) in self.pass.block(block).filter(|(id, _)| needed[id.0 as usize]) {
                if self.place(id) == place {
                    self.quote(writer, id, value);
                    self.fill(writer, id, value);
                } else if self.place(id) == Place::Thread {
                    self.define_variable(writer, id, value);
                }
            }
            writer.lines.close("}");
        }
    }

    /// The values of a pair that are not where they are used.
    fn write_pair_values(&self, writer: &mut Writer) {
        let by_pairs = needed_by_pairs(self.pass, &self.schedule.places);
        for (number, value) in self.pass.values.iter().enumerate() {
            let in_loop = matches!(value.block, Block::Column | Block::Pair) && by_pairs[number];
            if in_loop && self.schedule.places[number] == Place::Thread {
                self.define_variable(writer, ValueId(number as u32), value);
            }
        }
    }

    /// What the skeleton asks about a contraction: the coordinates of rows and of columns, and what it does with them.
    fn write_contraction(&self, writer: &mut Writer, contraction: &Contraction) {
        let real = type_name(Kind::Real, self.pass.compute);
        let Contraction { value, form, count, .. } = contraction;
        writer.lines.gap();
        self.quote(writer, *value, self.pass.value(*value));
        let form = match form {
            Form::Terms => String::new(),
            Form::Products => ", CONTRACTION = PRODUCTS".to_owned(),
            Form::Distances => ", CONTRACTION = DISTANCES".to_owned(),
        };
        let flags = [self.schedule.in_quads, contraction.has_wide_sums, self.schedule.wide_in_quads()];
        let [in_quads, has_wide_sums, wide_in_quads] = flags.map(u32::from);
        let others = format!("IN_QUADS = {in_quads}, HAS_WIDE_SUMS = {has_wide_sums}, WIDE_IN_QUADS = {wide_in_quads}");
        let large = self.schedule.large.map_or(String::new(), |Large { parts, in_halves, bytes, .. }| {
            let in_halves = u32::from(in_halves);
            let long_parts = self.schedule.long_parts;
            format!(
                ", LONG_PARTS = {long_parts}, LARGE_PARTS = {parts}, LARGE_BYTES = {bytes}, IN_HALVES = {in_halves}"
            )
        });
        writer.lines.line(format!("enum {{ COORDINATES = {count}{form}, {others}{large} }};"));
        let emitter = Emitter { row: RowValues::Nowhere, ..self.clone() };
        for (name, id) in [("row", contraction.row), ("column", contraction.column)] {
            writer.lines.gap();
            writer.lines.line(format!("__device__ __forceinline__ {real} {name}_term(long long index, int q) const"));
            writer.lines.open("{");
            let value = self.pass.value(id);
            let term = emitter.compute(writer, value, &Position::Computed(Text::primary("q")));
            writer.lines.line(format!("return {};", term.loose()));
            writer.lines.close("}");
            if contraction.form != Form::Terms {
                self.write_four_terms(writer, name, value);
            }
        }
        let terms = Terms { contraction, values: self };
        writer.lines.gap();
        let neutral = terms.neutral(writer);
        writer.lines.line(format!("static __device__ __forceinline__ {real} no_terms() {{ return {neutral}; }}"));
        writer.lines.gap();
        let arguments = format!("{real} &sum, {real} x, {real} y, int q");
        writer.lines.line(format!("__device__ __forceinline__ void add_term({arguments}) const"));
        writer.lines.open("{");
        let line = terms.add(writer);
        writer.lines.line(line);
        writer.lines.close("}");
    }

    /// Reads component `q` of eight columns, of which `rest` are there, by its number among those of all sums. Between these it is any.
    fn write_wide_columns(&self, writer: &mut Writer, wide: &WideSums) {
        let emitter = Emitter { row: RowValues::Nowhere, ..self.clone() };
        writer.lines.gap();
        wide.sums.iter().for_each(|sum| self.quote(writer, sum.product, self.pass.value(sum.product)));
        let has_differences = u32::from(wide.have_differences());
        writer.lines.line(format!("enum {{ WIDTH = {}, HAS_DIFFERENCES = {has_differences} }};", wide.width()));
        writer.lines.gap();
        let arguments = "Real (&terms)[8], long long first, int rest, int q";
        writer.lines.line("template <bool ARE_ALL_THERE>");
        writer.lines.line(format!("__device__ __forceinline__ void wide_terms({arguments}) const"));
        writer.lines.open("{");
        for (number, sum) in wide.sums.iter().enumerate() {
            let next = wide.sums.get(number + 1);
            if let Some(next) = next {
                writer.lines.open(format!("if (q < {}) {{", next.first));
            }
            writer.lines.line(format!("const int k{number} = {};", sum.clamped("q")));
            writer.lines.line("#pragma unroll");
            writer.lines.open("for (int c = 0; c < 8; ++c) {");
            writer.lines.line("const long long index = first + (ARE_ALL_THERE || c < rest ? c : 0);");
            let position = Position::Computed(Text::primary(format!("k{number}")));
            let term = emitter.compute(writer, self.pass.value(sum.column), &position);
            writer.lines.line(format!("terms[c] = {};", term.loose()));
            writer.lines.close("}");
            if next.is_some() {
                writer.lines.line("return;");
                writer.lines.close("}");
            }
        }
        writer.lines.close("}");
    }

    /// Which components of wide sums are those of a difference, and the middle of columns.
    fn write_differences(&self, writer: &mut Writer, name: &str, wide: &WideSums) {
        writer.lines.gap();
        writer.lines.line("// The coordinate whose difference component q is, negative if it is none.");
        writer.lines.line("static __device__ __forceinline__ int coordinate(int q)");
        writer.lines.open("{");
        for (number, sum) in wide.sums.iter().enumerate() {
            let coordinate = match sum.difference {
                Some(_) => sum.clamped("q"),
                None => "-1".to_owned(),
            };
            match wide.sums.get(number + 1) {
                Some(next) => {
                    writer.lines.open(format!("if (q < {}) {{", next.first));
                    writer.lines.line(format!("return {coordinate};"));
                    writer.lines.close("}");
                }
                None => writer.lines.line(format!("return {coordinate};")),
            }
        }
        writer.lines.close("}");
        writer.lines.gap();
        writer.lines.line("__device__ __forceinline__ Real middle(int q) const");
        writer.lines.open("{");
        match writer.is_real() {
            true => writer.lines.line(format!("return ((const float *)Packed<{name}>::header(call.launch))[q];")),
            false => writer.lines.line("return 0;"),
        }
        writer.lines.close("}");
    }

    /// Four coordinates at a time, with one load where they lie side by side.
    fn write_four_terms(&self, writer: &mut Writer, name: &str, value: &Value) {
        let dim = value.dim;
        writer.lines.gap();
        let arguments = "float (&terms)[4], long long index, int q";
        writer.lines.line(format!("__device__ __forceinline__ void {name}_terms({arguments}) const"));
        writer.lines.open("{");
        if let Definition::Read(tensor) = value.definition
            && self.plan.tensor(tensor).scalar == ScalarType::F32
        {
            let row = format!("row_of<const float>(call.tensor{}, element, index)", tensor.0);
            writer.lines.open(format!("if (four_of(terms, {row}, call.tensor{}, q, {dim})) {{", tensor.0));
            writer.lines.line("return;");
            writer.lines.close("}");
        }
        writer.lines.line("#pragma unroll");
        writer.lines.open("for (int e = 0; e < 4; ++e) {");
        writer.lines.line(format!("terms[e] = q + e < {dim} ? {name}_term(index, q + e) : 0.0f;"));
        writer.lines.close("}");
        writer.lines.close("}");
    }

    fn write_results(&self, writer: &mut Writer) {
        // Rows of the tile are gone by then, so that what is needed of them is read again.
        let emitter = Emitter { row: RowValues::Variables, ..self.clone() };
        writer.lines.gap();
        let sharing = if self.schedule.places_of_list.is_some() { ", int member = 0, int members = 1" } else { "" };
        let arguments = format!("long long index, const State &state{sharing}");
        writer.lines.line(format!("__device__ __forceinline__ void write({arguments}) const"));
        writer.lines.open("{");
        let needed = needed_by_writes(self.pass, &self.schedule.places);
        for (number, value) in self.pass.values.iter().enumerate().filter(|(number, _)| needed[*number]) {
            let is_kept = matches!(self.schedule.places[number], Place::Thread | Place::Row);
            if is_kept && matches!(value.block, Block::Row | Block::Epilogue) {
                emitter.define_variable(writer, ValueId(number as u32), value);
            }
        }
        self.pass.writes.iter().for_each(|write| emitter.write_result(writer, write.value, write.tensor));
        writer.lines.close("}");
    }

    fn place(&self, id: ValueId) -> Place {
        self.schedule.place(id)
    }

    fn type_of(&self, value: &Value) -> &'static str {
        type_name(kind_of(value), self.pass.compute)
    }

    /// The line of the plan that a value comes from.
    fn quote(&self, writer: &mut Writer, id: ValueId, value: &Value) {
        writer.lines.line(format!("// {}", print_value(self.plan, self.pass, id, value).trim()));
    }

    /// A value in variables of the thread.
    fn define_variable(&self, writer: &mut Writer, id: ValueId, value: &Value) {
        self.quote(writer, id, value);
        let declaration = self.declaration(id, value);
        if value.dim == 1 {
            let text = self.compute(writer, value, &Position::Known(0));
            return writer.lines.line(format!("const {declaration} = {};", text.loose()));
        }
        writer.lines.line(format!("{declaration};"));
        self.fill(writer, id, value);
    }

    /// Sets the components of a value where it lives.
    fn fill(&self, writer: &mut Writer, id: ValueId, value: &Value) {
        writer.for_each_component(value.dim, |writer, position| {
            let text = self.compute(writer, value, position);
            let place = self.read(id, position, writer);
            writer.lines.line(format!("{} = {};", place.loose(), text.loose()));
        });
    }

    /// A parameter in shared memory: its components are shared out among the threads.
    fn define_shared(&self, writer: &mut Writer, id: ValueId, value: &Value) {
        self.quote(writer, id, value);
        writer.for_each_component_by_threads(value.dim, |writer, position| {
            let text = self.compute(writer, value, position);
            let place = self.read(id, position, writer);
            writer.lines.line(format!("{} = {};", place.loose(), text.loose()));
        });
        writer.lines.line("__syncthreads();");
    }

    /// Component `position` of a value, from its definition.
    fn compute(&self, writer: &mut Writer, value: &Value, position: &Position) -> Text {
        match &value.definition {
            Definition::Read(tensor) => self.load(*tensor, value.block, position),
            Definition::Number if value.block == Block::Row => Text::primary("(call.launch.first_row + index)"),
            Definition::Number => Text::primary("(call.launch.first_column + index)"),
            Definition::Compute(scalar) => {
                writer.expression(scalar, kind_of(value), &vec![(Counter(0), position.clone())], self)
            }
            Definition::Outcome { accumulation, outcome } => {
                state::outcome(writer, self.pass, self.schedule, (*accumulation, *outcome), position)
            }
        }
    }

    fn load(&self, id: TensorId, block: Block, position: &Position) -> Text {
        let row = match block {
            Block::Row if self.row == RowValues::Fields && self.schedule.rows_are_found_again => "row.index",
            Block::Row | Block::Column => "index",
            Block::Parameter | Block::Pair | Block::Epilogue => "0",
        };
        let scalar = self.plan.tensor(id).scalar;
        let kind = format!("const {}", stored_type(scalar));
        load(self.element(id, &kind, row, position), scalar, self.pass.compute)
    }

    /// A component of a row of a tensor, where it is stored as that type.
    fn element(&self, id: TensorId, kind: &str, row: &str, position: &Position) -> String {
        let parts = parts(self.plan.tensor(id).scalar);
        let view = format!("call.tensor{}", id.0);
        let (types, at) = match parts {
            1 => (kind.to_owned(), "at".to_owned()),
            parts => (format!("{kind}, {parts}"), format!("at<{parts}>")),
        };
        let number = match position {
            Position::Known(0) => "0".to_owned(),
            position => format!("{at}({view}, {})", position.text().loose()),
        };
        format!("row_of<{types}>({view}, element, {row})[{number}]")
    }

    fn write_result(&self, writer: &mut Writer, id: ValueId, to: TensorId) {
        let tensor = self.plan.tensor(to);
        writer.lines.line(format!("// write {} = v{}", tensor.name, id.0));
        let write = |writer: &mut Writer, position: &Position| {
            let value = self.read(id, position, writer);
            let row = if self.pass.rows == Role::Parameter { "0" } else { "index" };
            let stored = self.element(to, stored_type(tensor.scalar), row, position);
            let store = format!("{stored} = {};", store(&value, tensor.scalar, self.pass.compute));
            // A gradient may be of the computing type, until it has been added up over the batch.
            let view = self.tensors.iter().position(|id| *id == to).filter(|_| tensor.gradient_of.is_some());
            match view.filter(|_| tensor.scalar.real() != self.pass.compute) {
                Some(view) => {
                    let wide = self.element(to, stored_type(self.pass.compute), row, position);
                    writer.lines.open(format!("if (call.launch.wide >> {view} & 1) {{"));
                    writer.lines.line(format!("{wide} = {};", value.loose()));
                    writer.lines.close("} else {");
                    writer.lines.line(format!("    {store}"));
                    writer.lines.line("}");
                }
                None => writer.lines.line(store),
            }
        };
        // Threads that have a list in common share components out.
        match self.schedule.places_of_list {
            Some(_) => writer.for_each_component_by(["member", "members"], tensor.dim(), write),
            None => writer.for_each_component_once(tensor.dim(), write),
        }
    }
}

impl PassValues for Emitter<'_> {
    fn definition(&self, id: ValueId) -> &Definition {
        &self.pass.value(id).definition
    }
}

impl Operands<ValueId> for Emitter<'_> {
    fn read(&self, id: ValueId, position: &Position, writer: &mut Writer) -> Text {
        let value = self.pass.value(id);
        let component = |variable: String| match value.dim {
            1 => Text::primary(variable),
            _ => Text::primary(format!("{variable}[{}]", position.text().loose())),
        };
        let is_parameter = value.block == Block::Parameter;
        match self.place(id) {
            _ if self.row == RowValues::Nowhere && !is_parameter => self.compute(writer, value, position),
            Place::Contracted => Text::primary(CONTRACTED),
            Place::Row if self.row == RowValues::Fields => component(format!("row.v{}", id.0)),
            Place::Nowhere | Place::Thread | Place::Row => component(format!("v{}", id.0)),
            Place::Shared => component(format!("shared.v{}", id.0)),
            Place::Tile => component(format!("column.v{}", id.0)),
            Place::Stored | Place::Inline => self.compute(writer, value, position),
        }
    }
}

fn kind_of(value: &Value) -> Kind {
    if value.is_index { Kind::Index } else { Kind::Real }
}
