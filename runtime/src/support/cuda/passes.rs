//! The passes of a call whose tensors are all on the GPU: launches on a stream, without waiting for any.

use super::batch::Batch;
use super::divide::{self, Division, MOST_BLOCKS, STATE_BYTES, Size, tiles};
use super::gpu::{Gpu, align};
use super::memory::Memory;
use super::packing::{self, Packing, pack};
use super::scatter;
use crate::abi::{
    DEVICE_ARGUMENT, DEVICE_BATCH, DEVICE_VIEWS, DeviceCode, DeviceEntry, DeviceKernel, DeviceLaunch, DevicePass,
    DeviceRanges, DeviceView, LAYOUT_THREADS, Status,
};
use crate::support::arena::times;
use crate::support::message::Message;
use crate::support::problem::list;
use core::ffi::c_void;
use core::ptr::null_mut;

const NO_VIEW: DeviceView = DeviceView { data: null_mut(), row: 0, component: 0, batch: [0; DEVICE_BATCH] };
const NO_RANGES: DeviceRanges =
    DeviceRanges { count: 0, blocks: NO_VIEW, ends: NO_VIEW, parts: NO_VIEW, num_parts: 0, tiles: null_mut() };

/// The argument of a pass' kernels.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Parameters {
    /// Sizes.
    pub launch: DeviceLaunch,
    /// Tensors.
    pub views: [DeviceView; DEVICE_VIEWS],
}
const _: () = assert!(size_of::<Parameters>() <= DEVICE_ARGUMENT);
const _: () = assert!(core::mem::offset_of!(Parameters, views) == size_of::<DeviceLaunch>());

impl Parameters {
    /// For a launch of everything at once.
    pub fn new(size: &Size, division: &Division) -> Parameters {
        let launch = DeviceLaunch {
            rows: size.rows as i64,
            columns: size.columns as i64,
            first_row: 0,
            first_column: 0,
            chunk: division.chunk as i64,
            split: division.split as i64,
            splits: division.splits as i64,
            first_split: 0,
            states: null_mut(),
            batch: [1; DEVICE_BATCH],
            first_element: 0,
            team: 1,
            tile_rows: 0,
            wide: 0,
            packed: [null_mut(); 2],
            packed_steps: [0; 2],
            packed_offset: 0,
            ranges: NO_RANGES,
        };
        Parameters { launch, views: [NO_VIEW; DEVICE_VIEWS] }
    }

    /// What a launch takes.
    pub fn pointer(&self) -> *const c_void {
        core::ptr::from_ref(self).cast()
    }
}

/// The tensors that a pass' kernels take.
///
/// # Safety
/// The pass is valid.
pub unsafe fn views<'p>(pass: &'p DevicePass, message: &mut Message) -> Result<&'p [u32], Status> {
    if pass.num_views as usize > DEVICE_VIEWS {
        message.text("a pass has more tensors than a kernel takes");
        return Err(Status::Unsupported);
    }
    // SAFETY: a pass has this many views.
    Ok(unsafe { list(pass.views, pass.num_views) })
}

/// Which of these views are of the computing type instead of their storage type.
#[inline(never)]
pub fn wide(views: &[u32], is_wide: impl Fn(usize) -> bool, message: &mut Message) -> Result<u64, Status> {
    let mut wide = 0;
    for (view, number) in views.iter().enumerate() {
        if is_wide(*number as usize) {
            let Some(bit) = 1_u64.checked_shl(view as u32) else {
                message.text("a pass has more tensors than can be added up over a batch");
                return Err(Status::Unsupported);
            };
            wide |= bit;
        }
    }
    Ok(wide)
}

/// Joins the states of all splits of a launch's rows.
///
/// # Safety
/// The parameters are those of the pass.
#[inline(never)]
pub unsafe fn finish(
    gpu: &Gpu<'_>,
    pass: &DevicePass,
    parameters: &mut Parameters,
    elements: usize,
    message: &mut Message,
) -> Result<(), Status> {
    let launch = &mut parameters.launch;
    let rows = launch.rows as usize;
    let team = divide::team(&pass.finish, launch.splits as usize, times(rows, elements), gpu.device.multiprocessors);
    launch.team = team as u32;
    let grid = [times(rows, team).div_ceil((pass.finish.rows as usize).max(1)), 1, elements];
    // SAFETY: as the caller promises.
    unsafe { gpu.launch(&pass.finish, grid, parameters.pointer(), message) }
}

/// A pass in a call.
struct Run<'r> {
    memory: &'r Memory<'r>,
    pass: &'r DevicePass,
    views: &'r [u32],
    batch: Batch,
    /// Of what the kernels count through.
    size: Size,
    division: Division,
    /// The number of the first table of ranges.
    table: Option<usize>,
}

impl<'r> Run<'r> {
    /// # Safety
    /// The pass is valid.
    #[inline(never)]
    unsafe fn new(
        memory: &'r Memory<'r>,
        pass: &'r DevicePass,
        multiprocessors: usize,
        message: &mut Message,
    ) -> Result<Run<'r>, Status> {
        // SAFETY: as the caller promises.
        let views = unsafe { views(pass, message)? };
        let extents = &memory.problem.extents;
        let table = memory.first_table(pass.rows, pass.columns);
        let numbers =
            || views.iter().map(|view| *view as usize).chain(table.into_iter().flat_map(|first| first..first + 3));
        let merges = |outer: usize, inner: usize, extent: usize| {
            numbers()
                .all(|number| memory.step(number, outer) == memory.step(number, inner).saturating_mul(extent as i64))
        };
        let batch = Batch::of(extents, merges, message)?;
        let columns = if divide::reduces(pass) { extents.rows(pass.columns) } else { 0 };
        let size = Size { rows: extents.rows(pass.rows), columns, elements: batch.elements() };
        let division = match table {
            Some(first) => Division::sparse(pass, &size, memory.count(first), memory.count(first + 2), STATE_BYTES),
            None => Division::of(pass, &size, multiprocessors, STATE_BYTES),
        };
        Ok(Run { memory, pass, views, batch, size, division, table })
    }

    /// Bytes of what is laid out, of the numbers of row tiles and of states.
    fn scratch_bytes(&self) -> usize {
        let packed = self.packing().bytes();
        packed.saturating_add(align(self.tiles_bytes())).saturating_add(self.division.state_bytes(self.pass))
    }

    /// Bytes of the numbers of row tiles.
    fn tiles_bytes(&self) -> usize {
        let Some(first) = self.table else { return 0 };
        times(times(self.division.slab_elements, self.memory.count(first).saturating_add(1)), size_of::<i64>())
    }

    /// What is laid out at a time.
    fn packing(&self) -> Packing {
        let Division { slab_rows, slab_elements, .. } = self.division;
        Packing::of(self.pass, self.size.columns, slab_rows, slab_elements, self.table.is_some())
    }

    /// A tensor in a round over the batch.
    #[inline(never)]
    fn view(&self, number: usize, round: usize) -> DeviceView {
        let place = self.memory.place(number);
        let offset = self.batch.offset(round, |dimension| self.memory.step(number, dimension));
        DeviceView {
            data: place.data.wrapping_offset((offset as isize).wrapping_mul(place.size as isize)).cast(),
            row: place.row,
            component: place.component,
            batch: self.batch.for_kernels(0, |dimension| self.memory.step(number, dimension.last)),
        }
    }

    /// # Safety
    /// The pass is valid; `scratch` has the bytes.
    unsafe fn launch(
        &self,
        gpu: &Gpu<'_>,
        code: &DeviceCode,
        scratch: *mut u8,
        message: &mut Message,
    ) -> Result<(), Status> {
        let mut parameters = Parameters::new(&self.size, &self.division);
        parameters.launch.batch = self.batch.for_kernels(1, |dimension| dimension.extent as u32);
        parameters.launch.wide = wide(self.views, |number| self.memory.is_wide(number), message)?;
        self.packing().place(&mut parameters.launch, scratch);
        let scratch = scratch.wrapping_add(self.packing().bytes());
        for round in 0..self.batch.rounds() {
            for (view, number) in parameters.views.iter_mut().zip(self.views) {
                *view = self.view(*number as usize, round);
            }
            let mut first = 0;
            while first < self.size.elements {
                let elements = self.division.slab_elements.min(self.size.elements - first).max(1);
                parameters.launch.first_element = first as u32;
                // SAFETY: as the caller promises.
                unsafe {
                    match self.table {
                        Some(table) => {
                            parameters.launch.ranges = self.ranges(table, round, scratch);
                            self.launch_sparse(gpu, code, parameters, elements, scratch, message)?;
                        }
                        None => self.launch_rows(gpu, &parameters, elements, scratch, message)?,
                    }
                }
                first += elements;
            }
        }
        Ok(())
    }

    /// All rows of some batch elements, as many at a time as have room for their states.
    unsafe fn launch_rows(
        &self,
        gpu: &Gpu<'_>,
        whole: &Parameters,
        elements: usize,
        scratch: *mut u8,
        message: &mut Message,
    ) -> Result<(), Status> {
        if self.size.rows > 0 {
            // SAFETY: as the caller promises.
            unsafe { pack(gpu, self.pass, packing::COLUMNS, whole, elements, message)? };
        }
        let mut first = 0;
        while first < self.size.rows {
            let rows = self.division.slab_rows.min(self.size.rows - first).max(1);
            let mut parameters = *whole;
            parameters.launch.rows = rows as i64;
            parameters.launch.first_row = first as i64;
            parameters.launch.states = scratch.cast();
            self.advance(&mut parameters, self.pass.rows, first);
            // SAFETY: as the caller promises.
            unsafe {
                pack(gpu, self.pass, packing::ROWS, &parameters, elements, message)?;
                self.launch_columns(gpu, &parameters, elements, message)?;
                if self.division.splits != 1 {
                    finish(gpu, self.pass, &mut parameters, elements, message)?;
                }
            }
            first += rows;
        }
        Ok(())
    }

    /// All splits, as many at a time as a grid may have.
    unsafe fn launch_columns(
        &self,
        gpu: &Gpu<'_>,
        whole: &Parameters,
        elements: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        let Division { kernel, split, splits, .. } = self.division;
        let mut first = 0;
        while first < splits {
            let count = (splits - first).min(MOST_BLOCKS);
            let first_column = times(first, split);
            let mut parameters = *whole;
            parameters.launch.first_split = first as i64;
            parameters.launch.first_column = first_column as i64;
            parameters.launch.columns = times(count, split).min(self.size.columns.saturating_sub(first_column)) as i64;
            self.advance(&mut parameters, self.pass.columns, first_column);
            packing::advance_columns(self.pass, &mut parameters.launch, first_column);
            let grid = [tiles(&kernel, parameters.launch.rows as usize), count, elements];
            // SAFETY: as the caller promises.
            unsafe { gpu.launch(&kernel, grid, parameters.pointer(), message)? };
            first += count;
        }
        Ok(())
    }

    /// Moves the views of tensors whose rows have that role.
    #[inline(never)]
    fn advance(&self, parameters: &mut Parameters, role: u8, rows: usize) {
        if rows == 0 {
            return;
        }
        for (view, number) in parameters.views.iter_mut().zip(self.views) {
            let place = self.memory.place(*number as usize);
            if place.role == role {
                let bytes = (rows as isize).wrapping_mul(view.row as isize).wrapping_mul(place.size as isize);
                view.data = view.data.cast::<u8>().wrapping_offset(bytes).cast();
            }
        }
    }

    fn ranges(&self, table: usize, round: usize, scratch: *mut u8) -> DeviceRanges {
        DeviceRanges {
            count: self.memory.count(table) as i64,
            blocks: self.view(table, round),
            ends: self.view(table + 1, round),
            parts: self.view(table + 2, round),
            num_parts: self.memory.count(table + 2) as i64,
            tiles: scratch.cast(),
        }
    }

    /// The results of no columns for all rows, then those of the blocks' rows over them.
    unsafe fn launch_sparse(
        &self,
        gpu: &Gpu<'_>,
        code: &DeviceCode,
        mut parameters: Parameters,
        elements: usize,
        scratch: *mut u8,
        message: &mut Message,
    ) -> Result<(), Status> {
        let DeviceRanges { count, num_parts, .. } = parameters.launch.ranges;
        let kernel = &self.division.kernel;
        // SAFETY: as the caller promises.
        unsafe {
            let ranges = core::mem::replace(&mut parameters.launch.ranges, NO_RANGES);
            parameters.launch.splits = 0;
            finish(gpu, self.pass, &mut parameters, elements, message)?;
            if count == 0 || num_parts == 0 || self.size.rows == 0 || self.size.columns == 0 {
                return Ok(());
            }
            parameters.launch.ranges = ranges;
            parameters.launch.splits = self.division.splits as i64;
            parameters.launch.team = 1;
            parameters.launch.tile_rows = kernel.rows;
            parameters.launch.states = scratch.wrapping_add(align(self.tiles_bytes())).cast();
            for part in [packing::COLUMNS, packing::ROWS] {
                pack(gpu, self.pass, part, &parameters, elements, message)?;
            }
            let measure = DeviceKernel { kernel: code.layout, threads: LAYOUT_THREADS, rows: 1, large_bytes: 0 };
            gpu.launch(&measure, [1, 1, elements], parameters.pointer(), message)?;
            let most_tiles = (self.size.rows / (kernel.rows as usize).max(1)).saturating_add(count as usize);
            gpu.launch(kernel, [most_tiles, self.division.splits, elements], parameters.pointer(), message)?;
            if self.division.splits > 1 {
                gpu.launch(&self.pass.finish, [most_tiles, 1, elements], parameters.pointer(), message)?;
            }
            Ok(())
        }
    }
}

/// The parts of a call's workspace.
pub struct Needs {
    /// Temporaries and what is added up, which come first.
    pub kept: usize,
    /// What one pass after the other uses.
    pub scratch: usize,
}

impl Needs {
    /// What a call needs.
    ///
    /// # Safety
    /// The entry is valid.
    pub unsafe fn of(
        memory: &Memory<'_>,
        entry: &DeviceEntry,
        multiprocessors: usize,
        message: &mut Message,
    ) -> Result<Needs, Status> {
        let mut scratch = 0;
        if memory.problem.extents.batch_count > 0 {
            // SAFETY: as the caller promises.
            for pass in unsafe { list(entry.passes, entry.num_passes) } {
                // SAFETY: as the caller promises.
                let run = unsafe { Run::new(memory, pass, multiprocessors, message)? };
                scratch = scratch.max(run.scratch_bytes());
            }
            for pass in memory.problem.passes() {
                scratch = scratch.max(scatter::bytes(memory, pass, message)?);
            }
        }
        Ok(Needs { kept: memory.workspace_bytes(), scratch })
    }

    /// In all.
    pub fn bytes(&self) -> usize {
        self.kept.saturating_add(self.scratch)
    }
}

/// Launches all passes. What is added up over the batch is left in the workspace.
///
/// # Safety
/// The entry is valid, the memory's workspace has what the call needs.
pub unsafe fn launch(
    gpu: &Gpu<'_>,
    memory: &Memory<'_>,
    entry: &DeviceEntry,
    needs: &Needs,
    message: &mut Message,
) -> Result<(), Status> {
    if memory.problem.extents.batch_count == 0 {
        return Ok(());
    }
    let scratch = memory.workspace.wrapping_add(needs.kept);
    // SAFETY: as the caller promises.
    unsafe {
        let on_cpu = memory.problem.passes();
        for (pass, on_cpu) in list(entry.passes, entry.num_passes).iter().zip(on_cpu) {
            let run = Run::new(memory, pass, gpu.device.multiprocessors, message)?;
            run.launch(gpu, &*entry.code, scratch, message)?;
            scatter::launch(gpu, memory, &*entry.code, on_cpu, scratch, message)?;
        }
    }
    Ok(())
}
