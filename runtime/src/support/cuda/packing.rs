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

/// What is laid out for so many columns and rows at a time.
#[derive(Clone, Copy)]
pub struct Packing {
    /// Bytes of a batch element's columns and rows.
    steps: [usize; 2],
    elements: usize,
}

impl Packing {
    /// For that many columns and rows of each of these batch elements.
    pub fn of(pass: &DevicePass, columns: usize, rows: usize, elements: usize, has_ranges: bool) -> Packing {
        let header = pass.packed_header as usize;
        let step = |header: usize, part: usize, count: usize| {
            let size = pass.packed_sizes.get(part).map_or(0, |size| *size as usize);
            let room = pass.pack.get(part).map_or(count, |kernel| room(kernel, count, has_ranges));
            header.saturating_add(times(room, size))
        };
        Packing { steps: [step(header, COLUMNS, columns), step(0, ROWS, rows)], elements }
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

/// Columns or rows that there is room for: whole blocks of what lays them out, since they may be taken from there in tiles; with ranges, where a tile
/// may begin anywhere, one block more.
fn room(kernel: &DeviceKernel, count: usize, has_ranges: bool) -> usize {
    let blocks = tiles(kernel, count).saturating_add(usize::from(has_ranges));
    if kernel.kernel == NO_KERNEL { count } else { times(blocks, kernel.rows as usize) }
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
    let blocks = tiles(kernel, room(kernel, count as usize, parameters.launch.ranges.count > 0));
    // SAFETY: as the caller promises.
    unsafe { gpu.launch(kernel, [blocks, 1, elements], parameters.pointer(), message) }
}
