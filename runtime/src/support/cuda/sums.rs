//! Gradients in inputs that several batch elements share, added up on the GPU after all passes: see `support::sum`, whose tree this is.

use super::gpu::Gpu;
use super::memory::Memory;
use crate::abi::{C64, C128, DeviceCode, DeviceKernel, DeviceSum, F32, SUM_THREADS, Status, TensorDescriptor};
use crate::support::arena::times;
use crate::support::message::Message;

/// Batch dimensions that a sum can have, after neighbours have become one.
const MOST_DIMENSIONS: usize = 8;

/// Adds up all results that are sums over the batch.
///
/// # Safety
/// The code is valid; all passes have been launched.
pub unsafe fn launch(
    gpu: &Gpu<'_>,
    memory: &Memory<'_>,
    code: &DeviceCode,
    compute: u8,
    message: &mut Message,
) -> Result<(), Status> {
    for (number, descriptor) in memory.problem.arguments().iter().enumerate() {
        if !memory.is_summed(number) {
            continue;
        }
        let sum = sum(memory, number, descriptor, message)?;
        let results = times(sum.groups as usize, sum.numbers as usize);
        let grid = [results.div_ceil(SUM_THREADS as usize), 1, 1];
        let number = if compute == F32 { code.sum_f32 } else { code.sum_f64 };
        let kernel = DeviceKernel { kernel: number, threads: SUM_THREADS, rows: SUM_THREADS, large_bytes: 0 };
        // SAFETY: as the caller promises.
        unsafe { gpu.launch(&kernel, grid, core::ptr::from_ref(&sum).cast(), message)? };
    }
    Ok(())
}

/// What is to be added up for a result.
fn sum(
    memory: &Memory<'_>,
    number: usize,
    descriptor: &TensorDescriptor,
    message: &mut Message,
) -> Result<DeviceSum, Status> {
    let parts = if matches!(descriptor.dtype, C64 | C128) { 2 } else { 1 };
    let (rows, components) = memory.shape(number);
    let result = memory.argument(number, descriptor);
    let width = times(components, parts);
    let mut sum = DeviceSum {
        source: memory.place(number).data.cast(),
        target: result.data.cast(),
        numbers: times(rows, width) as i64,
        width: width as i64,
        members: 1,
        groups: 1,
        row: result.row.saturating_mul(parts as i64),
        component: result.component.saturating_mul(parts as i64),
        dtype: descriptor.dtype.into(),
        dimensions: 0,
        extents: [1; MOST_DIMENSIONS],
        source_steps: [0; MOST_DIMENSIONS],
        target_steps: [0; MOST_DIMENSIONS],
        is_shared: [0; MOST_DIMENSIONS],
    };
    let batch_element = (times(rows, components) as i64).max(1);
    let extents = &memory.problem.extents;
    for (dimension, &extent) in extents.batch_shape.iter().enumerate().take(extents.batch_dimensions) {
        if extent == 1 {
            continue;
        }
        let is_shared = u8::from(memory.problem.is_shared(number, descriptor, dimension));
        let source_step = memory.step(number, dimension) / batch_element;
        let target_step = memory.argument_step(number, dimension).saturating_mul(parts as i64);
        let count = if is_shared != 0 { &mut sum.members } else { &mut sum.groups };
        *count = count.saturating_mul(extent);
        // What lies batch element by batch element in row-major order counts as one dimension.
        let last = (sum.dimensions as usize).wrapping_sub(1);
        let merges = sum.is_shared.get(last).is_some_and(|shared| *shared == is_shared)
            && sum.target_steps.get(last).is_some_and(|step| *step == target_step.saturating_mul(extent));
        let place = if merges { last } else { sum.dimensions as usize };
        let (Some(to_extent), Some(to_source), Some(to_target), Some(to_shared)) = (
            sum.extents.get_mut(place),
            sum.source_steps.get_mut(place),
            sum.target_steps.get_mut(place),
            sum.is_shared.get_mut(place),
        ) else {
            message.text("the batch has too many dimensions to add up over on a GPU");
            return Err(Status::Unsupported);
        };
        // Kernels divide by extents; that there are no members they are told besides.
        *to_extent = if merges { to_extent.saturating_mul(extent) } else { extent }.max(1);
        (*to_source, *to_target, *to_shared) = (source_step, target_step, is_shared);
        sum.dimensions = place as u32 + 1;
    }
    Ok(sum)
}
