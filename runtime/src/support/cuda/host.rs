//! Calls on GPUs whose tensors lie in the CPU's memory.
//!
//! Where everything fits into the GPU's memory, inputs are copied there, all passes run, and results are copied back. Else each pass of each
//! batch element takes as many rows at a time as fit beside as many columns as fit, in whole splits: the states of all splits of these rows stay
//! on the GPU until `finish` joins them, so that bits are those of a call that fits. What passes leave for each other is then kept here, and scatters,
//! which need all rows at once, are done here, for the same bits.

use super::divide::{self, Division, MOST_BLOCKS, Size, tiles};
use super::gpu::{ALIGNMENT, Block, Cursor, Gpu};
use super::memory::Memory;
use super::packing::{self, Packing, pack};
use super::passes::{Needs, Parameters, finish, views, wide};
use super::{OnDevice, launch};
use crate::abi::{
    DeviceEntry, DevicePass, F32, NO_KERNEL, ORDER_SEQUENCE, ORDER_TREE, PassDescriptor, Status, TensorDescriptor,
};
use crate::support::arena::{Arena, times};
use crate::support::libc;
use crate::support::message::Message;
use crate::support::pack::{self, View, size_of_type};
use crate::support::problem::{Problem, list};
use crate::support::ranges::Tables;
use crate::support::scatter;
use crate::support::schedule::temporary_bytes;
use crate::support::sum::Sums;
use crate::support::threads::{allowed, positive};
use core::ptr::null_mut;

/// Bytes of rows that are not dense, copied at a time.
const STAGED_BYTES: usize = 8 << 20;

/// Runs a call, and waits for its results.
///
/// # Safety
/// The problem has been checked; its tensors may be read and written.
pub unsafe fn run(
    gpu: &Gpu<'_>,
    problem: &Problem<'_>,
    target: &OnDevice<'_>,
    entry: &DeviceEntry,
    message: &mut Message,
) -> Result<(), Status> {
    // Any address will do to measure.
    let somewhere = core::ptr::dangling_mut();
    let memory = Memory { problem, tables: target.tables.as_ref(), copies: somewhere, workspace: null_mut() };
    let budget = budget(gpu, message)?;
    // SAFETY: as the caller promises.
    unsafe {
        let needs = Needs::of(&memory, entry, gpu.device.multiprocessors, message)?;
        let copied = memory.copied_bytes();
        let bytes = copied.saturating_add(needs.bytes());
        if bytes <= budget {
            return run_whole(gpu, memory, entry, &needs, copied, message);
        }
        if target.tables.is_some() {
            message.text("ranges: everything must fit into the GPU's memory at once: ");
            return Err(refuse_budget(bytes, budget, message));
        }
        let temporaries = problem.descriptors().iter().skip(problem.entry.num_tensors as usize);
        let kept = temporaries.fold(0_usize, |sum, tensor| sum.saturating_add(temporary_bytes(problem, tensor)));
        let sum_bytes = Sums::new(problem, null_mut()).bytes();
        let on_cpu = problem.passes();
        let scattered = on_cpu.iter().map(|pass| scatter::bytes(problem, pass)).fold(0, usize::max);
        let bytes = kept.saturating_add(sum_bytes).saturating_add(scattered);
        let arena = Arena::new(bytes, null_mut(), 0).inspect_err(|_| no_memory(message))?;
        let scatters = arena.base().wrapping_add(kept).wrapping_add(sum_bytes);
        let sums = Sums::new(problem, arena.base().wrapping_add(kept));
        let slabs = Slabs { transfer: Transfer { gpu }, problem, sums, temporaries: arena.base(), budget };
        for element in 0..problem.extents.batch_count {
            for (pass, on_cpu) in list(entry.passes, entry.num_passes).iter().zip(on_cpu) {
                slabs.run(pass, on_cpu, element, message)?;
                let view = |number: u32| slabs.view_of(number as usize, element);
                scatter::run(problem, on_cpu, view, scatters, allowed(problem.asked_threads));
            }
        }
        sums.add_up(allowed(problem.asked_threads));
    }
    Ok(())
}

/// Bytes of the GPU's memory that a call may take: `KEOPSC_DEVICE_MEMORY`, or four fifths of what is free.
fn budget(gpu: &Gpu<'_>, message: &mut Message) -> Result<usize, Status> {
    match libc::environment(c"KEOPSC_DEVICE_MEMORY").and_then(|text| positive(text.to_bytes())) {
        Some(bytes) => Ok(bytes),
        None => gpu.free_bytes(message).map(|bytes| bytes / 5 * 4),
    }
}

#[cold]
fn refuse_budget(bytes: usize, budget: usize, message: &mut Message) -> Status {
    let number = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    message.number(number(bytes)).text(" bytes are needed, ").number(number(budget)).text(" may be used");
    Status::Memory
}

fn no_memory(message: &mut Message) {
    message.text("out of memory");
}

/// Everything at once.
unsafe fn run_whole(
    gpu: &Gpu<'_>,
    mut memory: Memory<'_>,
    entry: &DeviceEntry,
    needs: &Needs,
    copied: usize,
    message: &mut Message,
) -> Result<(), Status> {
    let block = Block::on_device(gpu, copied.saturating_add(needs.bytes()), message)?;
    memory.copies = block.base;
    memory.workspace = block.base.wrapping_add(copied);
    let transfer = Transfer { gpu };
    let problem = memory.problem;
    // SAFETY: as the caller promises; the block has room for all copies.
    unsafe {
        for (number, descriptor) in problem.arguments().iter().enumerate().filter(|(_, tensor)| tensor.is_output == 0) {
            let place = memory.argument(number, descriptor);
            let view = problem.view(number, descriptor);
            transfer.all(&memory, number, view, place.data, message, Transfer::upload)?;
        }
        for number in 0..Tables::COUNT {
            if let Some(table) = memory.tables.and_then(|tables| tables.get(number)) {
                let number = memory.num_tensors() + number;
                transfer.all(&memory, number, table.view(), memory.place(number).data, message, Transfer::upload)?;
            }
        }
        launch(gpu, &memory, entry, needs, message)?;
        for (number, descriptor) in problem.arguments().iter().enumerate().filter(|(_, tensor)| tensor.is_output != 0) {
            let place = memory.argument(number, descriptor);
            let view = problem.view(number, descriptor);
            transfer.all(&memory, number, view, place.data, message, Transfer::download)?;
        }
    }
    gpu.synchronize(message)
}

/// Copies between the CPU's memory, at any steps, and dense memory of the GPU.
struct Transfer<'g> {
    gpu: &'g Gpu<'g>,
}

/// `(transfer, view, rows, width, on_device)`.
type Direction<'g> = unsafe fn(&Transfer<'g>, &View, usize, usize, *mut u8, &mut Message) -> Result<(), Status>;

impl<'g> Transfer<'g> {
    /// Copies all batch elements of a tensor.
    #[inline(never)]
    unsafe fn all(
        &self,
        memory: &Memory<'_>,
        number: usize,
        view: View,
        on_device: *mut u8,
        message: &mut Message,
        direction: Direction<'g>,
    ) -> Result<(), Status> {
        if memory.is_empty(number) {
            return Ok(());
        }
        let (rows, width) = memory.shape(number);
        let count = memory.copied_count(number);
        let dimensions = || 0..memory.problem.extents.batch_dimensions;
        let extent = |dimension: usize| memory.copied_extent(number, dimension).max(1);
        let is_one = |dimension: usize| {
            extent(dimension) == 1 || memory.given_step(number, dimension) == memory.argument_step(number, dimension)
        };
        // SAFETY: as the caller promises; each batch element is in the tensor's memory and in its copy.
        unsafe {
            if is_dense(&view, rows, width) && dimensions().all(is_one) {
                // A single row may have any step.
                let view = View::dense(view.data, width, view.dtype);
                return direction(self, &view, times(count, rows), width, on_device, message);
            }
            let size = size_of_type(view.dtype);
            for element in 0..count {
                let mut rest = element;
                let mut offset = 0_isize;
                for dimension in dimensions().rev() {
                    offset += (rest % extent(dimension)) as isize * memory.given_step(number, dimension) as isize;
                    rest /= extent(dimension);
                }
                let at = View { data: view.data.wrapping_offset(offset * size as isize), ..view };
                let copy = on_device.wrapping_add(times(element, times(times(rows, width), size)));
                direction(self, &at, rows, width, copy, message)?;
            }
        }
        Ok(())
    }

    #[inline(never)]
    unsafe fn upload(
        &self,
        view: &View,
        rows: usize,
        width: usize,
        on_device: *mut u8,
        message: &mut Message,
    ) -> Result<(), Status> {
        let bytes = times(width, size_of_type(view.dtype));
        // SAFETY: as the caller promises; the staging memory has room for a piece.
        unsafe {
            if is_dense(view, rows, width) {
                return self.gpu.copy_to_device(on_device, view.data, times(rows, bytes), message);
            }
            pieces(rows, bytes, message, |first, rows, staging, message| {
                pack::transport(&view.at_row(first), &View::dense(staging, width, view.dtype), rows, width);
                self.gpu.copy_to_device(on_device.wrapping_add(first * bytes), staging, rows * bytes, message)?;
                self.gpu.synchronize(message)
            })
        }
    }

    #[inline(never)]
    unsafe fn download(
        &self,
        view: &View,
        rows: usize,
        width: usize,
        on_device: *mut u8,
        message: &mut Message,
    ) -> Result<(), Status> {
        let bytes = times(width, size_of_type(view.dtype));
        // SAFETY: as for `upload`.
        unsafe {
            if is_dense(view, rows, width) {
                return self.gpu.copy_to_host(view.data, on_device, times(rows, bytes), message);
            }
            pieces(rows, bytes, message, |first, rows, staging, message| {
                self.gpu.copy_to_host(staging, on_device.wrapping_add(first * bytes), rows * bytes, message)?;
                self.gpu.synchronize(message)?;
                pack::transport(&View::dense(staging, width, view.dtype), &view.at_row(first), rows, width);
                Ok(())
            })
        }
    }
}

/// Whether rows lie one after the other.
fn is_dense(view: &View, rows: usize, width: usize) -> bool {
    (width <= 1 || view.component_stride == 1) && (rows <= 1 || view.row_stride == width as isize)
}

/// Calls `copy(first, rows, staging, …)` for as many rows at a time as fit into staging memory.
fn pieces(
    rows: usize,
    bytes: usize,
    message: &mut Message,
    copy: impl Fn(usize, usize, *mut u8, &mut Message) -> Result<(), Status>,
) -> Result<(), Status> {
    if rows == 0 {
        return Ok(());
    }
    let most = (STAGED_BYTES / bytes.max(1)).clamp(1, rows);
    let arena = Arena::new(times(most, bytes), null_mut(), 0).inspect_err(|_| no_memory(message))?;
    let mut first = 0;
    while first < rows {
        let count = most.min(rows - first);
        copy(first, count, arena.base(), message)?;
        first += count;
    }
    Ok(())
}

/// A call that takes more memory than the GPU has.
struct Slabs<'s> {
    transfer: Transfer<'s>,
    problem: &'s Problem<'s>,
    sums: Sums<'s>,
    temporaries: *mut u8,
    budget: usize,
}

/// How often a pass takes a tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Parameter,
    Rows,
    Columns,
}

impl Part {
    fn of(pass: &DevicePass, descriptor: &TensorDescriptor) -> Part {
        if descriptor.role == pass.rows {
            Part::Rows
        } else if descriptor.role == pass.columns && divide::reduces(pass) {
            Part::Columns
        } else {
            Part::Parameter
        }
    }
}

/// What a pass takes at a time.
struct Slab {
    division: Division,
    rows: usize,
    columns: usize,
}

/// Bytes of a row and of a column of all tensors of a pass.
#[derive(Clone, Copy)]
struct Demand<'p> {
    pass: &'p DevicePass,
    size: Size,
    row_bytes: usize,
    column_bytes: usize,
}

impl Demand<'_> {
    fn of_split(&self, division: &Division) -> usize {
        times(division.split.min(self.size.columns), self.column_bytes)
    }

    fn of_row(&self, division: &Division) -> usize {
        self.row_bytes.saturating_add(division.state_bytes_of_row(self.pass)).max(1)
    }

    /// A row tile.
    fn of_tile(&self, division: &Division) -> usize {
        times(self.size.rows.min((division.kernel.rows as usize).max(1)), self.of_row(division))
    }

    /// A row tile and a split.
    fn least(&self, division: &Division) -> usize {
        self.of_tile(division).saturating_add(self.of_split(division))
    }

    /// The division with the same bits that needs least.
    fn smallest(&self, usual: Division) -> Division {
        let is_fixed = self.pass.order == ORDER_SEQUENCE;
        let longest = match self.pass.order {
            ORDER_TREE => times(usual.chunk, self.pass.longest_split as usize).min(self.size.columns),
            _ => self.size.columns,
        };
        let mut smallest = usual;
        for kernel in self.pass.reduce.iter().filter(|kernel| kernel.kernel != NO_KERNEL && usual.splits > 0) {
            let mut split = if is_fixed { usual.split } else { usual.chunk };
            loop {
                let other = Division { kernel: *kernel, ..usual }.with_split(split, self.size.columns);
                if self.least(&other) < self.least(&smallest) {
                    smallest = other;
                }
                if is_fixed || split >= longest {
                    break;
                }
                split *= 2;
            }
        }
        smallest
    }
}

impl Slab {
    /// As much as fits into `room` bytes: half of them for columns, or what rows leave, but a row tile and a split at least.
    fn of(demand: &Demand<'_>, multiprocessors: usize, room: usize, message: &mut Message) -> Result<Slab, Status> {
        let Demand { pass, size, column_bytes, .. } = *demand;
        let mut division = Division::of(pass, &size, multiprocessors, usize::MAX);
        if demand.least(&division) > room {
            division = demand.smallest(division);
        }
        let least = demand.least(&division);
        if least > room {
            message.text("not even a part of the rows fits into the GPU's memory: ");
            return Err(refuse_budget(least, room, message));
        }
        let bytes_of_row = demand.of_row(&division);
        let for_rows = demand.of_tile(&division).max((room / 2).min(room - demand.of_split(&division)));
        let for_columns = room - for_rows.min(times(size.rows, bytes_of_row));
        let columns = if times(size.columns, column_bytes) <= for_columns {
            size.columns
        } else {
            for_columns / times(division.split, column_bytes).max(1) * division.split
        };
        let tile = (division.kernel.rows as usize).max(1);
        let fitting = (room - times(columns, column_bytes)) / bytes_of_row;
        let rows = if fitting < size.rows { fitting / tile * tile } else { size.rows };
        Ok(Slab { division, rows, columns })
    }
}

impl Slabs<'_> {
    unsafe fn run(
        &self,
        pass: &DevicePass,
        on_cpu: &PassDescriptor,
        element: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        let gpu = self.transfer.gpu;
        let extents = &self.problem.extents;
        let columns = if divide::reduces(pass) { extents.rows(pass.columns) } else { 0 };
        let size = Size { rows: extents.rows(pass.rows), columns, elements: 1 };
        // SAFETY: as the callers promise.
        unsafe {
            let numbers = views(pass, message)?;
            let tensors = || {
                let descriptors = self.problem.descriptors();
                numbers.iter().filter_map(|number| Some((*number as usize, descriptors.get(*number as usize)?)))
            };
            let bytes = |wanted: Part| {
                let parts = tensors().filter(|(_, tensor)| Part::of(pass, tensor) == wanted);
                parts.fold(0_usize, |sum, (number, tensor)| sum.saturating_add(self.row_bytes(number, tensor)))
            };
            let [packed_column, packed_row] = pass.packed_sizes.map(|size| size as usize);
            let slack = times(numbers.len() + 3, ALIGNMENT).saturating_add(bytes(Part::Parameter));
            let room = self.budget.saturating_sub(slack.saturating_add(Packing::of(pass, 1, 1, 1, false).bytes()));
            let demand = Demand {
                pass,
                size,
                row_bytes: bytes(Part::Rows).saturating_add(packed_row),
                column_bytes: bytes(Part::Columns).saturating_add(packed_column),
            };
            let slab = Slab::of(&demand, gpu.device.multiprocessors, room, message)?;

            let mut cursor = Cursor::new();
            let mut parameters = Parameters::new(&size, &slab.division);
            parameters.launch.wide = wide(numbers, |number| self.is_wide(number), message)?;
            for (view, (number, tensor)) in parameters.views.iter_mut().zip(tensors()) {
                let part = Part::of(pass, tensor);
                let rows = [1, slab.rows, slab.columns].get(part as usize).copied().unwrap_or(1);
                view.data = null_mut::<u8>().wrapping_add(cursor.take(rows, self.row_bytes(number, tensor))).cast();
                view.row = if part == Part::Parameter { 0 } else { tensor.dim.into() };
                view.component = 1;
            }
            let packing = Packing::of(pass, slab.columns, slab.rows, 1, false);
            let packed = cursor.take(1, packing.bytes());
            let states = cursor.take(slab.rows, slab.division.state_bytes_of_row(pass));
            let block = Block::on_device(gpu, cursor.bytes(), message)?;
            for view in parameters.views.iter_mut().take(numbers.len()) {
                view.data = view.data.wrapping_byte_add(block.base as usize);
            }
            packing.place(&mut parameters.launch, block.base.wrapping_add(packed));
            parameters.launch.states = block.base.wrapping_add(states).cast();
            let run = SlabRun { slabs: self, pass, on_cpu, element, numbers, size, slab };
            run.upload(&parameters, Part::Parameter, 0, 1, message)?;
            let mut first = 0;
            while first < size.rows {
                let rows = run.slab.rows.min(size.rows - first);
                run.rows(&parameters, first, rows, message)?;
                first += rows;
            }
            // Later passes read on the host what this one wrote.
            gpu.synchronize(message)
        }
    }

    /// Bytes of a row of a tensor on the GPU: what is added up is of the computing type.
    fn row_bytes(&self, number: usize, descriptor: &TensorDescriptor) -> usize {
        let dtype = self.sums.view(number).map_or(descriptor.dtype, |view| view.dtype);
        times(descriptor.dim as usize, size_of_type(dtype))
    }

    fn is_wide(&self, number: usize) -> bool {
        let stored = self.problem.descriptors().get(number).map(|descriptor| descriptor.dtype);
        self.sums.view(number).is_some_and(|view| Some(view.dtype) != stored)
    }

    /// The tensor of that number in the CPU's memory, at a batch element.
    fn view_of(&self, number: usize, element: usize) -> View {
        let descriptor = self.problem.descriptors().get(number);
        descriptor.map_or(View::dense(null_mut(), 0, F32), |descriptor| self.view(number, descriptor, element))
    }

    /// A tensor in the CPU's memory, at a batch element.
    #[inline(never)]
    fn view(&self, number: usize, descriptor: &TensorDescriptor, element: usize) -> View {
        let extents = &self.problem.extents;
        if number >= self.problem.entry.num_tensors as usize {
            let earlier = self.problem.descriptors().iter().take(number).skip(self.problem.entry.num_tensors as usize);
            let offset = earlier.fold(0, |sum, tensor| sum + temporary_bytes(self.problem, tensor));
            let data = self.temporaries.wrapping_add(offset);
            return View { base: data, data, ..self.problem.view(number, descriptor) };
        }
        let summed = self.sums.view(number);
        let view = summed.unwrap_or_else(|| self.problem.view(number, descriptor));
        let mut rest = element;
        let mut offset = 0_isize;
        for (dimension, &extent) in extents.batch_shape.iter().enumerate().take(extents.batch_dimensions).rev() {
            let extent = (extent as usize).max(1);
            let step = match summed {
                Some(_) => self.sums.batch_stride(descriptor, dimension),
                None => self.problem.batch_stride(number, descriptor, dimension),
            };
            offset += (rest % extent) as isize * step;
            rest /= extent;
        }
        View { data: view.data.wrapping_offset(offset * size_of_type(view.dtype) as isize), ..view }
    }
}

/// A pass at a batch element, in slabs.
struct SlabRun<'s> {
    slabs: &'s Slabs<'s>,
    pass: &'s DevicePass,
    on_cpu: &'s PassDescriptor,
    element: usize,
    numbers: &'s [u32],
    size: Size,
    slab: Slab,
}

impl SlabRun<'_> {
    /// The results of some rows.
    #[inline(never)]
    unsafe fn rows(&self, whole: &Parameters, first: usize, rows: usize, message: &mut Message) -> Result<(), Status> {
        let gpu = self.slabs.transfer.gpu;
        let Division { kernel, split, splits, .. } = self.slab.division;
        let mut parameters = *whole;
        parameters.launch.rows = rows as i64;
        parameters.launch.first_row = first as i64;
        let fits = self.slab.columns >= self.size.columns;
        let most = if fits { MOST_BLOCKS } else { (self.slab.columns / split.max(1)).min(MOST_BLOCKS) }.max(1);
        // SAFETY: as the callers promise.
        unsafe {
            self.upload(&parameters, Part::Rows, first, rows, message)?;
            if fits && first == 0 {
                self.upload(&parameters, Part::Columns, 0, self.size.columns, message)?;
                pack(gpu, self.pass, packing::COLUMNS, &parameters, 1, message)?;
            }
            // Rows are laid out relative to columns, of whatever part of these.
            let mut are_rows_packed = false;
            let mut first_split = 0;
            while first_split < splits {
                let count = most.min(splits - first_split);
                let first_column = times(first_split, split);
                let columns = times(count, split).min(self.size.columns.saturating_sub(first_column));
                let mut some = parameters;
                some.launch.first_split = first_split as i64;
                some.launch.first_column = first_column as i64;
                some.launch.columns = columns as i64;
                if fits {
                    self.advance_columns(&mut some, first_column);
                    packing::advance_columns(self.pass, &mut some.launch, first_column);
                } else {
                    self.upload(&some, Part::Columns, first_column, columns, message)?;
                    pack(gpu, self.pass, packing::COLUMNS, &some, 1, message)?;
                }
                if !core::mem::replace(&mut are_rows_packed, fits) {
                    pack(gpu, self.pass, packing::ROWS, &some, 1, message)?;
                }
                gpu.launch(&kernel, [tiles(&kernel, rows), count, 1], some.pointer(), message)?;
                first_split += count;
            }
            if splits != 1 {
                finish(gpu, self.pass, &mut parameters, 1, message)?;
            }
            self.download(&parameters, first, rows, message)
        }
    }

    /// The tensors of the pass, with their numbers among views and tensors.
    fn tensors(&self) -> impl Iterator<Item = (usize, usize, &TensorDescriptor)> {
        let descriptors = self.slabs.problem.descriptors();
        let numbered = self.numbers.iter().map(|number| *number as usize).enumerate();
        numbered.filter_map(move |(view, number)| Some((view, number, descriptors.get(number)?)))
    }

    fn advance_columns(&self, parameters: &mut Parameters, columns: usize) {
        for (view, number, tensor) in self.tensors() {
            if let Some(view) = parameters.views.get_mut(view)
                && Part::of(self.pass, tensor) == Part::Columns
            {
                view.data = view.data.wrapping_byte_add(times(columns, self.slabs.row_bytes(number, tensor)));
            }
        }
    }

    fn is_written(&self, number: usize) -> bool {
        // SAFETY: a pass has this many writes.
        let writes = unsafe { list(self.on_cpu.writes, self.on_cpu.num_writes) };
        writes.iter().any(|write| write.tensor as usize == number)
    }

    /// Copies rows of what the pass reads.
    #[inline(never)]
    unsafe fn upload(
        &self,
        parameters: &Parameters,
        part: Part,
        first: usize,
        rows: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        for (view, number, tensor) in self.tensors() {
            let Some(on_device) = parameters.views.get(view) else { continue };
            if Part::of(self.pass, tensor) != part || self.is_written(number) {
                continue;
            }
            let source = self.slabs.view(number, tensor, self.element).at_row(first);
            // SAFETY: as the callers promise.
            unsafe {
                self.slabs.transfer.upload(&source, rows, tensor.dim as usize, on_device.data.cast(), message)?;
            }
        }
        Ok(())
    }

    /// Copies rows of what the pass writes.
    #[inline(never)]
    unsafe fn download(
        &self,
        parameters: &Parameters,
        first: usize,
        rows: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        let transfer = &self.slabs.transfer;
        for (view, number, tensor) in self.tensors() {
            let Some(on_device) = parameters.views.get(view).map(|view| view.data.cast()) else { continue };
            if !self.is_written(number) {
                continue;
            }
            let target = self.slabs.view(number, tensor, self.element).at_row(first);
            let width = tensor.dim as usize;
            // SAFETY: as the callers promise.
            unsafe {
                transfer.download(&target, rows, width, on_device, message)?;
            }
        }
        Ok(())
    }
}
