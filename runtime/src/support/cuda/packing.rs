//! Rows and columns as `reduce` takes them: some passes have a kernel that lays them out before.

use super::divide::tiles;
use super::gpu::{Gpu, align};
use super::passes::Parameters;
use crate::abi::{DeviceKernel, DeviceLaunch, DevicePass, NO_KERNEL, Status};
use crate::support::arena::times;
use crate::support::message::Message;

/// The parts of what is laid out, in the order of `DevicePass::pack`.
pub const COLUMNS: usize = 0;
/// See [`COLUMNS`].
pub const ROWS: usize = 1;

/// There is room for so many blocks of a kernel that lays out beyond the last.
const BLOCKS_BEYOND: usize = 2;

/// What is laid out for so many columns and rows at a time.
#[derive(Clone, Copy)]
pub struct Packing {
    /// Bytes of a batch element's columns and rows.
    steps: [usize; 2],
    elements: usize,
}

impl Packing {
    /// For that many columns and rows of each of these batch elements.
    pub fn of(pass: &DevicePass, columns: usize, rows: usize, elements: usize) -> Packing {
        let [column_size, row_size] = pass.packed_sizes.map(|size| size as usize);
        let header = pass.packed_header as usize;
        let beyond = |part: usize| pass.pack.get(part).map_or(0, |kernel| times(BLOCKS_BEYOND, kernel.rows as usize));
        let step = |header: usize, count: usize, part: usize, size: usize| {
            header.saturating_add(times(count.saturating_add(beyond(part)), size))
        };
        Packing { steps: [step(header, columns, COLUMNS, column_size), step(0, rows, ROWS, row_size)], elements }
    }

    /// Bytes of everything.
    pub fn bytes(&self) -> usize {
        let [columns, rows] = self.steps.map(|step| align(times(step, self.elements)));
        columns.saturating_add(rows)
    }

    /// Tells a launch that everything begins at `base`.
    pub fn place(&self, launch: &mut DeviceLaunch, base: *mut u8) {
        let [columns, _] = self.steps.map(|step| align(times(step, self.elements)));
        launch.packed = [base.cast(), base.wrapping_add(columns).cast()];
        launch.packed_steps = self.steps.map(|step| step as i64);
    }
}

/// Moves what is laid out on, to later columns.
pub fn advance_columns(pass: &DevicePass, launch: &mut DeviceLaunch, columns: usize) {
    let [size, _] = pass.packed_sizes;
    launch.packed_offset = launch.packed_offset.wrapping_add(times(columns, size as usize) as i64);
}

/// Lays the columns or the rows of a launch out, if the pass has a kernel for it.
///
/// # Safety
/// The parameters are those of the pass, and have room for what is laid out.
#[inline(never)]
pub unsafe fn pack(
    gpu: &Gpu<'_>,
    pass: &DevicePass,
    part: usize,
    parameters: &Parameters,
    elements: usize,
    message: &mut Message,
) -> Result<(), Status> {
    let Some(kernel) = pass.pack.get(part).filter(|kernel: &&DeviceKernel| kernel.kernel != NO_KERNEL) else {
        return Ok(());
    };
    // Rows are laid out relative to the columns; where there are none, nobody reads them.
    if parameters.launch.columns == 0 {
        return Ok(());
    }
    let count = if part == COLUMNS { parameters.launch.columns } else { parameters.launch.rows };
    let blocks = tiles(kernel, count as usize).saturating_add(BLOCKS_BEYOND);
    // SAFETY: as the caller promises.
    unsafe { gpu.launch(kernel, [blocks, 1, elements], parameters.pointer(), message) }
}
