//! Scatters on GPUs: `support::scatter` with other loops, for the same bits. All kernels are the library's own, whatever it scatters.

use super::batch::Batch;
use super::gpu::{Gpu, align};
use super::memory::Memory;
use crate::abi::{
    DEVICE_BATCH, DeviceCode, DeviceKernel, DeviceScatter, DeviceView, F32, NO_TENSOR, PassDescriptor, Scatter,
    ScatterKernel, Status,
};
use crate::support::arena::times;
use crate::support::message::Message;
use crate::support::scatter::{Size, scatters};
use core::ptr::null_mut;

/// Entries that a warp sorts, at least.
const STRETCH: usize = 512;
/// Counts of all stretches are at most about so many for each entry.
const COUNTS_AN_ENTRY: usize = 4;
/// Batch elements are done side by side while their memory together stays below this.
const BYTES: usize = 256 << 20;
/// The most batch elements of a grid.
const MOST_ELEMENTS: usize = 65535;
/// Kernels count entries and columns in 31 bits.
const MOST: usize = i32::MAX as usize;
/// Threads of a block, and those that work on their own.
const THREADS: usize = 256;
const WARPS: usize = 8;
/// Columns of a block that counts over stretches, and its threads.
const COLUMNS: usize = 32;
const WIDE_THREADS: usize = 1024;
/// Kernels that sort entries, which come first.
const SORTING_KERNELS: usize = 4;

/// The parts of a batch element's memory, in bytes.
struct Parts {
    stretch: usize,
    stretches: usize,
    counts: usize,
    starts: usize,
    order: usize,
    chunks: usize,
}

impl Parts {
    fn of(size: &Size, scatter: &Scatter) -> Parts {
        let stretch = STRETCH.max((size.columns / COUNTS_AN_ENTRY).next_multiple_of(STRETCH));
        let stretches = size.entries().div_ceil(stretch.max(1));
        let number = if scatter.accumulators as u8 == F32 { 4 } else { 8 };
        Parts {
            stretch,
            stretches,
            counts: times(times(stretches, size.columns), 4),
            starts: times(size.columns.saturating_add(1), 4),
            order: times(size.entries(), 4),
            chunks: times(times(size.slots(), size.width), number),
        }
    }

    /// Bytes for that many batch elements.
    fn bytes(&self, elements: usize) -> usize {
        let parts = [self.counts, self.starts, self.order, self.chunks];
        parts.iter().fold(0, |sum: usize, part| sum.saturating_add(align(times(*part, elements))))
    }

    /// How many batch elements are done side by side.
    fn elements(&self, all: usize) -> usize {
        (BYTES / self.bytes(1).max(1)).clamp(1, MOST_ELEMENTS).min(all.max(1))
    }
}

/// Bytes of the memory in which a pass's scatters are done.
pub fn bytes(memory: &Memory<'_>, pass: &PassDescriptor, message: &mut Message) -> Result<usize, Status> {
    let mut most = 0;
    for scatter in scatters(pass) {
        let size = Size::of(memory.problem, pass, scatter);
        if size.entries() > MOST || size.columns > MOST {
            message.text("what is scattered has too many rows for a GPU");
            return Err(Status::Unsupported);
        }
        let parts = Parts::of(&size, scatter);
        most = most.max(parts.bytes(parts.elements(batch(memory, scatter, message)?.elements())));
    }
    Ok(most)
}

/// Launches a pass's scatters.
///
/// # Safety
/// The code and the pass are valid; `scratch` has [`bytes`] bytes.
pub unsafe fn launch(
    gpu: &Gpu<'_>,
    memory: &Memory<'_>,
    code: &DeviceCode,
    pass: &PassDescriptor,
    scratch: *mut u8,
    message: &mut Message,
) -> Result<(), Status> {
    let mut sorted = NO_TENSOR;
    for scatter in scatters(pass) {
        let size = Size::of(memory.problem, pass, scatter);
        let batch = batch(memory, scatter, message)?;
        let run = Run { gpu, memory, code, pass, scatter, size, parts: Parts::of(&size, scatter), batch };
        // What is sorted lies in the same place for all scatters that do all batch elements at once.
        let is_sorted = sorted == scatter.numbers && run.is_at_once();
        sorted = if run.is_at_once() { scatter.numbers } else { NO_TENSOR };
        // SAFETY: as the caller promises.
        unsafe { run.launch(is_sorted, scratch, message)? };
    }
    Ok(())
}

/// The batch as kernels count through it.
fn batch(memory: &Memory<'_>, scatter: &Scatter, message: &mut Message) -> Result<Batch, Status> {
    let numbers = [scatter.numbers, scatter.values, scatter.sums];
    let merges = |outer: usize, inner: usize, extent: usize| {
        numbers.iter().filter(|number| **number != NO_TENSOR).all(|number| {
            let number = *number as usize;
            memory.step(number, outer) == memory.step(number, inner).saturating_mul(extent as i64)
        })
    };
    Batch::of(&memory.problem.extents, merges, message)
}

struct Run<'r> {
    gpu: &'r Gpu<'r>,
    memory: &'r Memory<'r>,
    code: &'r DeviceCode,
    pass: &'r PassDescriptor,
    scatter: &'r Scatter,
    size: Size,
    parts: Parts,
    batch: Batch,
}

impl Run<'_> {
    /// Whether all batch elements are done side by side.
    fn is_at_once(&self) -> bool {
        let all = self.batch.elements();
        self.batch.rounds() == 1 && self.parts.elements(all) == all
    }

    unsafe fn launch(&self, is_sorted: bool, scratch: *mut u8, message: &mut Message) -> Result<(), Status> {
        let all = self.batch.elements();
        for round in 0..self.batch.rounds() {
            let mut first = 0;
            while first < all {
                let elements = self.parts.elements(all).min(all - first);
                let call = self.call(round, first, self.parts.elements(all), scratch);
                // SAFETY: as the caller promises.
                unsafe { self.launch_kernels(&call, is_sorted, elements, message)? };
                first += elements;
            }
        }
        Ok(())
    }

    /// Sorting comes first, unless it is done; then sums, where some are wanted beside counts.
    unsafe fn launch_kernels(
        &self,
        call: &DeviceScatter,
        is_sorted: bool,
        elements: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        let is_single = self.scatter.accumulators as u8 == F32;
        let [add, finish] = match is_single {
            true => [ScatterKernel::AddF32, ScatterKernel::FinishF32],
            false => [ScatterKernel::AddF64, ScatterKernel::FinishF64],
        };
        let chunks = if call.values.data.is_null() { 0 } else { self.size.slots() };
        let columns = self.size.columns;
        let blocks = [
            (ScatterKernel::Count, THREADS, self.parts.stretches.div_ceil(WARPS)),
            (ScatterKernel::Offsets, WIDE_THREADS, columns.div_ceil(COLUMNS)),
            (ScatterKernel::Starts, WIDE_THREADS, columns.min(1)),
            (ScatterKernel::Place, THREADS, self.parts.stretches.div_ceil(WARPS)),
            (add, THREADS, chunks.div_ceil(WARPS)),
            (finish, THREADS, columns),
        ];
        if columns == 0 {
            return Ok(());
        }
        for (number, threads, blocks) in blocks.into_iter().skip(if is_sorted { SORTING_KERNELS } else { 0 }) {
            let kernel = self.code.scatter.wrapping_add(number as u32);
            let kernel = DeviceKernel { kernel, threads: threads as u32, rows: 0, large_bytes: 0 };
            let parameters = core::ptr::from_ref(call).cast();
            // SAFETY: as the caller promises.
            unsafe { self.gpu.launch(&kernel, [blocks, 1, elements], parameters, message)? };
        }
        Ok(())
    }

    /// What the kernels take, with room for so many batch elements.
    fn call(&self, round: usize, first_element: usize, elements: usize, scratch: *mut u8) -> DeviceScatter {
        let Parts { counts, starts, order, .. } = self.parts;
        let starts_at = scratch.wrapping_add(align(times(counts, elements)));
        let order_at = starts_at.wrapping_add(align(times(starts, elements)));
        let chunks = order_at.wrapping_add(align(times(order, elements)));
        DeviceScatter {
            numbers: self.view(self.scatter.numbers, round),
            values: self.view(self.scatter.values, round),
            sums: self.view(self.scatter.sums, round),
            entries: self.size.entries() as i64,
            columns: self.size.columns as i64,
            stretch: self.parts.stretch as i64,
            stretches: self.parts.stretches as i64,
            slots: self.size.slots() as i64,
            counts: scratch.cast(),
            starts: starts_at.cast(),
            order: order_at.cast(),
            chunks: chunks.cast(),
            places: self.size.places as u32,
            width: self.size.width as u32,
            value_type: self.value_type(),
            sum_type: self.pass.compute.into(),
            batch: self.batch.for_kernels(1, |dimension| dimension.extent as u32),
            first_element: first_element as u32,
        }
    }

    fn value_type(&self) -> u32 {
        let values = self.memory.problem.descriptors().get(self.scatter.values as usize);
        values.map_or(0, |values| values.dtype.into())
    }

    /// A tensor in a round; nothing for none.
    fn view(&self, number: u32, round: usize) -> DeviceView {
        if number == NO_TENSOR {
            return DeviceView { data: null_mut(), row: 0, component: 0, batch: [0; DEVICE_BATCH] };
        }
        let number = number as usize;
        let place = self.memory.place(number);
        let offset = self.batch.offset(round, |dimension| self.memory.step(number, dimension));
        DeviceView {
            data: place.data.wrapping_offset((offset as isize).wrapping_mul(place.size as isize)).cast(),
            row: place.row,
            component: place.component,
            batch: self.batch.for_kernels(0, |dimension| self.memory.step(number, dimension.last)),
        }
    }
}
