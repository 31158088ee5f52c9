//! What every compiled library carries: checking of arguments, choice of the instruction set, packing, threads, the merge tree.
//!
//! `no_std`, no allocation but `malloc`, no panics, no global state but the chosen instruction set and what is loaded on GPUs. Generated code calls the
//! functions in this file and, for layer 3, in `shards`; everything else is below them:
//! `validate` → `problem` → `schedule` (threads and memory) → `execute` (batch; `sum` over it) → `pass` (tiles, chunks; `scatter` after it) → `pack` (elements).
//! `cuda` takes the place of what follows `problem` for calls on GPUs. `ranges` and `sparse` are what calls take of these where only some pairs count; `clusters` makes such ranges.

mod across;
mod arena;
mod bits;
mod clusters;
pub mod convert;
mod cpu;
pub(crate) mod cuda;
mod execute;
mod libc;
mod location;
pub(crate) mod message;
mod overlap;
mod pack;
mod pass;
mod problem;
mod ranges;
mod scatter;
mod schedule;
mod shards;
mod sparse;
mod state;
mod sum;
mod tensor;
#[cfg(test)]
mod tests;
mod threads;
mod validate;
mod validate_state;

pub use cpu::processor_level;

use crate::abi::{Call, CloneDescriptor, DL_CPU, DL_CUDA, EntryDescriptor, STATUSES, Status};
use arena::with_slack;
use core::ffi::{c_char, c_void};
use cuda::{OnDevice, Options};
use message::Message;
use problem::{Phase, Problem, Source, list};
use schedule::Schedule;
pub use shards::{
    keops_support_finalize, keops_support_merge, keops_support_partial, keops_support_plain_finalize,
    keops_support_plain_merge, keops_support_plain_partial, keops_support_shard, keops_support_state_size,
};
pub use tensor::dlpack_type;
use validate::Checked;

/// Layer 1: runs an entry on contiguous row-major memory, one pointer for each tensor.
///
/// # Safety
/// The entry is valid; the pointers have the sizes that it and the row counts tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_plain(
    entry: *const EntryDescriptor,
    rows_i: i64,
    rows_j: i64,
    pointers: *const *mut c_void,
) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe { plain(&*entry, rows_i, rows_j, Phase::Whole, pointers) })
}

/// Layer 2: runs an entry on strided, batched tensors.
///
/// # Safety
/// The entry is valid; the call's pointers are NULL or point to what the ABI says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_run(entry: *const EntryDescriptor, call: *const Call) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe { checked(entry, call, Phase::Whole, |problem, call, message| executed(problem, call, message)) })
}

/// The bytes of workspace that a call would take.
///
/// # Safety
/// As for [`keops_support_run`]; `bytes` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_workspace(
    entry: *const EntryDescriptor,
    call: *const Call,
    bytes: *mut u64,
) -> i32 {
    if bytes.is_null() {
        return Status::NullPointer as i32;
    }
    // SAFETY: as the caller promises.
    code(unsafe {
        checked(entry, call, Phase::Whole, |problem, _, message| {
            bytes.write(match &problem.device {
                Some(device) => cuda::workspace(problem, device, message)?,
                None => with_slack(Schedule::of(problem).bytes()) as u64,
            });
            Ok(())
        })
    })
}

/// Gets ready for a device: loads the kernels on a GPU; on the CPU that only means choosing the instruction set.
///
/// # Safety
/// The entry is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_prepare(entry: *const EntryDescriptor, device_type: i32, device_id: i32) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe {
        match device_type {
            0 | DL_CPU => cpu::choose(&*entry, &mut Message::none()).map(|_| ()),
            DL_CUDA => cuda::prepare(&*entry, device_id, &mut Message::none()),
            _ => Err(Status::Device),
        }
    })
}

/// The name of the clone in use, NULL if none fits.
///
/// # Safety
/// The entry is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_target(entry: *const EntryDescriptor) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { cpu::choose(&*entry, &mut Message::none()) }.map_or(core::ptr::null(), |clone| clone.name)
}

/// The text of a status.
#[unsafe(no_mangle)]
pub extern "C" fn keops_support_strerror(status: i32) -> *const c_char {
    let known = STATUSES.iter().find(|(known, ..)| *known as i32 == status);
    known.map_or(c"unknown status", |(.., text)| *text).as_ptr()
}

/// Runs a phase of a layer-1 call.
unsafe fn plain(
    entry: &EntryDescriptor,
    rows_i: i64,
    rows_j: i64,
    phase: Phase,
    pointers: *const *mut c_void,
) -> Result<(), Status> {
    let source = Source::Pointers(pointers);
    // SAFETY: as the callers promise.
    unsafe {
        let extents = validate::plain(entry, rows_i, rows_j, &phase, pointers)?;
        let device = match phase {
            Phase::Whole => cuda::chosen_device(libc::environment(c"KEOPSC_DEVICE"))?,
            Phase::Partial { .. } | Phase::Finalize { .. } => None,
        };
        let device = device.map(|number| OnDevice { number, is_streamed: true, tables: None });
        let message = &mut Message::none();
        let clone = clone(entry, device.is_some(), message)?;
        let problem = Problem { entry, clone, source, extents, phase, ranges: None, asked_threads: 0, device };
        match &problem.device {
            Some(device) => cuda::run(&problem, device, &Options::PLAIN, message),
            None => execute::execute(&problem, core::ptr::null_mut(), 0),
        }
    }
}

/// Runs a checked layer-2 call.
unsafe fn executed(problem: &Problem<'_>, call: &Call, message: &mut Message) -> Result<(), Status> {
    // SAFETY: as the callers promise.
    unsafe {
        if let Some(device) = &problem.device {
            return cuda::run(problem, device, &Options::of(call), message);
        }
        execute::execute(problem, call.workspace.cast(), call.workspace_size).inspect_err(|_| {
            message.name(problem.entry.name).text(": out of memory");
        })
    }
}

/// Checks a layer-2 call, chooses the clone, and goes on with `body`.
unsafe fn checked(
    entry: *const EntryDescriptor,
    call: *const Call,
    phase: Phase,
    body: impl FnOnce(&Problem<'_>, &Call, &mut Message) -> Result<(), Status>,
) -> Result<(), Status> {
    // SAFETY: as the callers promise.
    unsafe {
        let call = validate::header(call)?;
        let mut message = Message::over(call.message, call.message_size);
        let has_ranges = !call.ranges.is_null() && phase.reads_ranges();
        let for_ranges = if has_ranges { (*entry).for_ranges.as_ref() } else { None };
        if let (Some(entry), Phase::Partial { .. }) = (for_ranges, phase) {
            message
                .name(entry.name)
                .text(": ranges: with them this formula reduces otherwise than its states say; shard dense calls");
            return Err(Status::Unsupported);
        }
        let entry = for_ranges.unwrap_or(&*entry);
        let Checked { extents, ranges, device } = validate::call(entry, call, &phase, &mut message)?;
        let clone = clone(entry, device.is_some(), &mut message)?;
        let source = Source::Tensors(call.tensors);
        let asked_threads = call.threads as usize;
        let problem = Problem { entry, clone, source, extents, phase, ranges, asked_threads, device };
        body(&problem, call, &mut message)
    }
}

/// The clone for this processor; on a GPU any will do, of which no function is called.
unsafe fn clone<'a>(
    entry: &'a EntryDescriptor,
    is_on_device: bool,
    message: &mut Message,
) -> Result<&'a CloneDescriptor, Status> {
    // SAFETY: the entry is valid.
    unsafe {
        if is_on_device {
            return list(entry.clones, entry.num_clones).first().ok_or(Status::Target);
        }
        cpu::choose(entry, message)
    }
}

fn code(result: Result<(), Status>) -> i32 {
    result.err().unwrap_or(Status::Ok) as i32
}
