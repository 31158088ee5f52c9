//! One pass → one kernel.
//!
//! ```text
//! parameters and row                         every thread for its own row
//! for each chunk of columns:                 a new state
//!     for each tile of the chunk:            its columns computed by all threads, into shared memory
//!         for each column of the tile:       pair body, update of the state
//!     merge the state with those before it
//! epilogue and writes                        threads that have a row
//! ```
//!
//! Threads beyond the last row work on the last row, since they help to fill tiles, and write nothing.

use keopsc_ir::plan::print::print_value;
use keopsc_ir::plan::{Block, Definition, Pass, Plan, TensorId, Value, ValueId};
use keopsc_ir::types::Role;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::scalar::Counter;

use crate::expression::{Operands, Position, Writer};
use crate::launch::{kernel_name, tensors};
use crate::lines::Lines;
use crate::schedule::{GpuSchedule, LEVELS, Merging, Place, needed_by_pairs, needed_by_tile};
use crate::spelling::{Binding, Text, type_name};
use crate::state;
use crate::storage::{load, store, stored_type};

/// Adds the kernel of a pass, if it writes anything.
pub(crate) fn emit_pass(lines: &mut Lines, plan: &Plan, number: usize, pass: &Pass, schedule: &GpuSchedule) {
    if pass.writes.is_empty() {
        return;
    }
    let kernel = Kernel { plan, pass, schedule, name: kernel_name(plan, number) };
    lines.gap();
    let over = pass.over.map_or(String::new(), |over| format!(", over {over}"));
    lines.line(format!("// Pass {number}: rows {}{over}, compute {}.", pass.rows, pass.compute.name()));
    if kernel.accumulates() {
        state::define(lines, &kernel.name, pass, schedule);
    }
    kernel.write_head(lines);
    lines.open("{");
    let mut writer = Writer::new(std::mem::take(lines), pass.compute);
    kernel.write_body(&mut writer);
    *lines = writer.lines;
    lines.close("}");
}

/// A pass on its way to text.
struct Kernel<'a> {
    plan: &'a Plan,
    pass: &'a Pass,
    schedule: &'a GpuSchedule,
    name: String,
}

impl Kernel<'_> {
    fn accumulates(&self) -> bool {
        self.schedule.accumulations.contains(&true)
    }

    fn write_head(&self, lines: &mut Lines) {
        let threads = self.schedule.threads;
        lines.line(format!("extern \"C\" __global__ void __launch_bounds__({threads}) {}(", self.name));
        let arguments = tensors(self.pass, self.schedule).into_iter().map(|id| {
            let written = self.pass.writes.iter().any(|write| write.tensor == id);
            let constant = if written { "" } else { "const " };
            format!("{constant}{} *__restrict__ tensor{}", stored_type(self.plan.tensor(id).scalar), id.0)
        });
        let mut all = vec!["long long rows".to_string(), "long long columns".to_string()];
        all.extend(arguments);
        lines.line(format!("    {})", all.join(",\n    ")));
    }

    fn write_body(&self, writer: &mut Writer) {
        self.declare_shared(writer);
        let threads = self.schedule.threads;
        writer.lines.line(format!("const long long row = (long long)blockIdx.x * {threads} + threadIdx.x;"));
        let reads_rows = self.pass.block(Block::Row).any(|(id, value)| {
            matches!(value.definition, Definition::Read(_)) && self.schedule.place(id) != Place::Nowhere
        });
        if reads_rows {
            writer.lines.line("const long long source = row < rows ? row : rows - 1;");
        }
        for (id, value) in self.pass.block(Block::Parameter) {
            match self.schedule.place(id) {
                Place::Thread => self.define_variable(writer, id, value),
                Place::Shared => self.define_shared(writer, id, value),
                _ => {}
            }
        }
        for (id, value) in self.pass.block(Block::Row).filter(|(id, _)| self.schedule.place(*id) == Place::Thread) {
            self.define_variable(writer, id, value);
        }
        if self.accumulates() {
            self.write_chunks(writer);
        }
        writer.lines.open("if (row < rows) {");
        for (id, value) in self.pass.block(Block::Epilogue).filter(|(id, _)| self.schedule.place(*id) == Place::Thread)
        {
            self.define_variable(writer, id, value);
        }
        self.pass.writes.iter().for_each(|write| self.write_result(writer, write.value, write.tensor));
        writer.lines.close("}");
    }

    fn declare_shared(&self, writer: &mut Writer) {
        for (number, value) in self.pass.values.iter().enumerate() {
            let (name, count) = match self.schedule.places[number] {
                Place::Shared => ("shared", u64::from(value.dim)),
                Place::Tile => ("tile", u64::from(value.dim) * u64::from(self.schedule.tile)),
                _ => continue,
            };
            writer.lines.line(format!("__shared__ {} v{number}_{name}[{count}];", self.type_of(value)));
        }
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
        let kind = self.type_of(value);
        if value.dim == 1 {
            let text = self.compute(writer, value, &Position::Known(0));
            return writer.lines.line(format!("const {kind} v{} = {};", id.0, text.loose()));
        }
        writer.lines.line(format!("{kind} v{}[{}];", id.0, value.dim));
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
        writer.for_each_component_by_threads(value.dim, self.schedule.threads, |writer, position| {
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
            Definition::Number if value.block == Block::Row => Text::primary("row"),
            Definition::Number => column_number(),
            Definition::Compute(scalar) => {
                writer.expression(scalar, kind_of(value), &vec![(Counter(0), position.clone())], self)
            }
            Definition::Outcome { accumulation, outcome } => {
                state::outcome(writer, self.pass, self.schedule, (*accumulation, *outcome), position)
            }
        }
    }

    fn load(&self, id: TensorId, block: Block, position: &Position) -> Text {
        let tensor = self.plan.tensor(id);
        let row = match block {
            Block::Row => Some(Text::primary("source")),
            Block::Column => Some(column_number()),
            Block::Parameter | Block::Pair | Block::Epilogue => None,
        };
        let element = format!("tensor{}[{}]", id.0, element_number(row.as_ref(), tensor.dim(), position));
        load(element, tensor.scalar, self.pass.compute)
    }

    fn write_chunks(&self, writer: &mut Writer) {
        let GpuSchedule { chunk, merging, .. } = self.schedule;
        match merging {
            Merging::Tree => {
                writer.lines.line("// Level n has the merged state of 2^n chunks where bit n of `chunks` is set.");
                writer.lines.line(format!("{}_state levels[{LEVELS}];", self.name));
                writer.lines.line("unsigned long long chunks = 0;");
            }
            Merging::Sequence => {
                writer.lines.line(format!("{}_state total;", self.name));
                state::write_initial(writer, self.pass, self.schedule, "total");
            }
        }
        writer.lines.line(format!("{}_state state;", self.name));
        let chunk_suffix = if *chunk > i32::MAX as u64 { "ll" } else { "" };
        writer.lines.open(format!("for (long long chunk = 0; chunk < columns; chunk += {chunk}{chunk_suffix}) {{"));
        state::write_initial(writer, self.pass, self.schedule, "state");
        writer.lines.line(format!(
            "const long long end = columns - chunk < {chunk}{chunk_suffix} ? columns : chunk + {chunk}{chunk_suffix};"
        ));
        self.write_tiles(writer);
        match merging {
            Merging::Tree => self.write_carry(writer),
            Merging::Sequence => writer.lines.line(format!("{}_merge(total, state);", self.name)),
        }
        writer.lines.close("}");
        match merging {
            Merging::Tree => self.write_collection(writer),
            Merging::Sequence => writer.lines.line("state = total;"),
        }
    }

    /// As when one adds 1 to a binary number: two states of a level become one of the next.
    fn write_carry(&self, writer: &mut Writer) {
        writer.lines.line("int level = 0;");
        writer.lines.open("for (; chunks >> level & 1; ++level) {");
        self.merge_level(writer);
        writer.lines.close("}");
        writer.lines.line("levels[level] = state;");
        writer.lines.line("++chunks;");
    }

    /// All levels, the last columns first.
    fn write_collection(&self, writer: &mut Writer) {
        state::write_initial(writer, self.pass, self.schedule, "state");
        writer.lines.open("for (int level = 0; chunks >> level; ++level) {");
        writer.lines.open("if (chunks >> level & 1) {");
        self.merge_level(writer);
        writer.lines.close("}");
        writer.lines.close("}");
    }

    fn merge_level(&self, writer: &mut Writer) {
        writer.lines.line(format!("{}_state earlier = levels[level];", self.name));
        writer.lines.line(format!("{}_merge(earlier, state);", self.name));
        writer.lines.line("state = earlier;");
    }

    fn write_tiles(&self, writer: &mut Writer) {
        let tile = self.schedule.tile;
        writer.lines.open(format!("for (long long first = chunk; first < end; first += {tile}) {{"));
        writer.lines.line(format!("const int count = end - first < {tile} ? (int)(end - first) : {tile};"));
        self.write_tile(writer);
        writer.lines.open("for (int column = 0; column < count; ++column) {");
        let by_pairs = needed_by_pairs(self.pass, &self.schedule.places);
        for (number, value) in self.pass.values.iter().enumerate() {
            let in_loop = matches!(value.block, Block::Column | Block::Pair) && by_pairs[number];
            if in_loop && self.schedule.places[number] == Place::Thread {
                self.define_variable(writer, ValueId(number as u32), value);
            }
        }
        state::write_update(writer, self.pass, self.schedule, &column_number(), self);
        writer.lines.close("}");
        writer.lines.close("}");
    }

    /// Computes the columns of a tile, if there is anything to keep of them.
    fn write_tile(&self, writer: &mut Writer) {
        if !self.schedule.places.contains(&Place::Tile) {
            return;
        }
        let by_tile = needed_by_tile(self.pass, &self.schedule.places);
        writer.lines.line("__syncthreads();");
        let threads = self.schedule.threads;
        writer.lines.open(format!("for (int column = (int)threadIdx.x; column < count; column += {threads}) {{"));
        for (id, value) in self.pass.block(Block::Column).filter(|(id, _)| by_tile[id.0 as usize]) {
            match self.schedule.place(id) {
                Place::Thread => self.define_variable(writer, id, value),
                Place::Tile => {
                    self.quote(writer, id, value);
                    self.fill(writer, id, value);
                }
                _ => {}
            }
        }
        writer.lines.close("}");
        writer.lines.line("__syncthreads();");
    }

    fn write_result(&self, writer: &mut Writer, id: ValueId, to: TensorId) {
        let tensor = self.plan.tensor(to);
        let dim = tensor.dim();
        writer.lines.line(format!("// write {} = v{}", tensor.name, id.0));
        writer.for_each_component(dim, |writer, position| {
            let value = self.read(id, position, writer);
            let row = (self.pass.rows != Role::Parameter).then(|| Text::primary("row"));
            let number = element_number(row.as_ref(), dim, position);
            let stored = store(&value, tensor.scalar, self.pass.compute);
            writer.lines.line(format!("tensor{}[{number}] = {stored};", to.0));
        });
    }
}

impl Operands<ValueId> for Kernel<'_> {
    fn read(&self, id: ValueId, position: &Position, writer: &mut Writer) -> Text {
        let value = self.pass.value(id);
        let element = |suffix: &str, number: &str| Text::primary(format!("v{}{suffix}[{number}]", id.0));
        match self.schedule.place(id) {
            Place::Nowhere | Place::Thread if value.dim == 1 => Text::primary(format!("v{}", id.0)),
            Place::Nowhere | Place::Thread => element("", position.text().loose()),
            Place::Shared => element("_shared", position.text().loose()),
            Place::Tile => element("_tile", &element_number(Some(&Text::primary("column")), value.dim, position)),
            Place::Stored | Place::Inline => self.compute(writer, value, position),
        }
    }
}

fn kind_of(value: &Value) -> Kind {
    if value.is_index { Kind::Index } else { Kind::Real }
}

/// The number of the column within all columns.
fn column_number() -> Text {
    Text::new(Binding::Sum, "first + column")
}

/// Where a component of a row lies among `dim` components a row; without a row, among those of the only one.
fn element_number(row: Option<&Text>, dim: u32, position: &Position) -> String {
    match (row, position) {
        (None, position) => position.text().loose().to_string(),
        (Some(row), _) if dim == 1 => row.loose().to_string(),
        (Some(row), Position::Known(0)) => format!("{} * {dim}", row.at(Binding::Product)),
        (Some(row), position) => {
            format!("{} * {dim} + {}", row.at(Binding::Product), position.text().at(Binding::Product))
        }
    }
}
