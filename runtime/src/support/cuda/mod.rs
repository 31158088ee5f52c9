//! Calls on GPUs: the kernels of the library's images, launched through the CUDA driver, which is found by `dlopen` when a call needs it.
//!
//! `driver` (functions and errors) → `device` (contexts, modules) → `gpu` (launches, memory); `divide` and `batch` say how a pass is cut up,
//! `memory` where its tensors lie, `passes`, `scatter` and `sums` launch. `host` streams what lies in the CPU's memory through the GPU.
//!
//! Of a call whose tensors are on the GPU nothing is allocated, looked up or waited for but what its workspace lacks.

mod batch;
pub mod device;
pub mod divide;
pub mod driver;
mod gpu;
mod host;
mod memory;
mod packing;
mod passes;
mod scatter;
mod sums;

use super::arena::Arena;
use super::message::Message;
use super::problem::{Problem, list};
use super::ranges::{self, Tables};
use super::threads::positive;
use crate::abi::{Call, DeviceEntry, EntryDescriptor, F32, Status};
use core::ffi::{CStr, c_void};
use device::{Current, State};
use driver::Driver;
use gpu::{Block, Gpu, with_slack};
use memory::Memory;
use passes::Needs;

/// Where a call runs that runs on a GPU.
#[derive(Clone, Copy)]
pub struct OnDevice<'a> {
    /// The number of the GPU.
    pub number: i32,
    /// Whether the tensors are in the CPU's memory.
    pub is_streamed: bool,
    /// The tables of ranges.
    pub tables: Option<Tables<'a>>,
}

/// What a call says besides its tensors.
#[derive(Clone, Copy)]
pub struct Options {
    stream: *mut c_void,
    workspace: *mut u8,
    workspace_size: u64,
    checks_ranges: bool,
}

impl Options {
    /// Those of a layer-1 call.
    pub const PLAIN: Options = Options {
        stream: core::ptr::null_mut(),
        workspace: core::ptr::null_mut(),
        workspace_size: 0,
        checks_ranges: false,
    };

    /// Those of a layer-2 call.
    pub fn of(call: &Call) -> Options {
        Options {
            stream: call.stream,
            workspace: call.workspace.cast(),
            workspace_size: call.workspace_size,
            checks_ranges: call.check != 0,
        }
    }
}

#[cfg(not(test))]
pub fn state() -> &'static State {
    static STATE: State = State::new();
    &STATE
}

/// Each test has a driver of its own.
#[cfg(test)]
pub fn state() -> &'static State {
    thread_local!(static STATE: &'static State = Box::leak(Box::new(State::new())));
    STATE.with(|state| *state)
}

/// The compute capability, times ten, of the device of that number; `None` if there are not so many.
#[cfg(not(keops_embed))]
pub fn architecture(number: i32, message: &mut Message) -> Result<Option<u32>, Status> {
    let driver = Driver::find(&state().table, message)?;
    // SAFETY: it is the machine's.
    unsafe { device::architecture(&driver, number, message) }
}

/// Runs a checked call.
///
/// # Safety
/// The problem has been checked; its tensors may be read and written.
pub unsafe fn run(
    problem: &Problem<'_>,
    target: &OnDevice<'_>,
    options: &Options,
    message: &mut Message,
) -> Result<(), Status> {
    // SAFETY: as the caller promises.
    unsafe {
        with_gpu(problem.entry, target.number, options.stream, message, |gpu, entry, message| {
            if target.is_streamed {
                return host::run(gpu, problem, target, entry, message);
            }
            let mut memory = Memory {
                problem,
                tables: target.tables.as_ref(),
                copies: core::ptr::null_mut(),
                workspace: core::ptr::null_mut(),
            };
            if let Some(tables) = target.tables.as_ref().filter(|_| options.checks_ranges) {
                check_ranges(gpu, problem, tables, message)?;
            }
            let needs = Needs::of(&memory, entry, gpu.device.multiprocessors, message)?;
            let block = Block::on_stream(gpu, needs.bytes(), options.workspace, options.workspace_size, message)?;
            memory.workspace = block.base;
            launch(gpu, &memory, entry, &needs, message)
        })
    }
}

/// The bytes of device memory that a checked call needs as workspace.
///
/// # Safety
/// As for [`run`].
pub unsafe fn workspace(problem: &Problem<'_>, target: &OnDevice<'_>, message: &mut Message) -> Result<u64, Status> {
    if target.is_streamed {
        return Ok(0);
    }
    let memory = Memory {
        problem,
        tables: target.tables.as_ref(),
        copies: core::ptr::null_mut(),
        workspace: core::ptr::null_mut(),
    };
    // SAFETY: as the caller promises.
    unsafe {
        with_gpu(problem.entry, target.number, core::ptr::null_mut(), message, |gpu, entry, message| {
            let needs = Needs::of(&memory, entry, gpu.device.multiprocessors, message)?;
            Ok(with_slack(needs.bytes()) as u64)
        })
    }
}

/// Loads an entry's kernels on a device, so that calls find them there.
///
/// # Safety
/// The entry is valid.
pub unsafe fn prepare(entry: &EntryDescriptor, number: i32, message: &mut Message) -> Result<(), Status> {
    // SAFETY: as the caller promises.
    unsafe { with_gpu(entry, number, core::ptr::null_mut(), message, |_, _, _| Ok(())) }
}

/// Launches everything of a call whose tensors are on the GPU.
#[inline(never)]
unsafe fn launch(
    gpu: &Gpu<'_>,
    memory: &Memory<'_>,
    entry: &DeviceEntry,
    needs: &Needs,
    message: &mut Message,
) -> Result<(), Status> {
    // SAFETY: as the callers promise. All passes of an entry compute in the same type.
    unsafe {
        passes::launch(gpu, memory, entry, needs, message)?;
        let compute = list(entry.passes, entry.num_passes).first().map_or(F32, |pass| pass.compute);
        sums::launch(gpu, memory, &*entry.code, compute, message)
    }
}

/// Calls `body` with the GPU of that number ready, its context current. A message of an error begins with the entry's name.
unsafe fn with_gpu<T>(
    entry: &EntryDescriptor,
    number: i32,
    stream: *mut c_void,
    message: &mut Message,
    body: impl FnOnce(&Gpu<'_>, &DeviceEntry, &mut Message) -> Result<T, Status>,
) -> Result<T, Status> {
    // SAFETY: as the callers promise.
    unsafe {
        message.name(entry.name).text(": ");
        let Some(device_entry) = entry.device.as_ref() else {
            message.text(NO_CODE);
            return Err(Status::Device);
        };
        let state = state();
        let driver = Driver::find(&state.table, message)?;
        let device = device::device(state, &driver, &*device_entry.code, number, message)?;
        let _current = Current::enter(&driver, device.context, message)?;
        let gpu = Gpu { driver: &driver, device, stream, _current };
        let result = body(&gpu, device_entry, message)?;
        message.clear();
        Ok(result)
    }
}

/// What a library without kernels says.
pub const NO_CODE: &str = "this library has no code for GPUs: compile it with --target cuda";

/// Copies the tables of ranges to the host, waits for them, and checks what is in them.
#[inline(never)]
unsafe fn check_ranges(
    gpu: &Gpu<'_>,
    problem: &Problem<'_>,
    tables: &Tables<'_>,
    message: &mut Message,
) -> Result<(), Status> {
    let bytes = (0..Tables::COUNT).filter_map(|number| tables.get(number)).fold(0_usize, |sum, table| {
        let (low, high) = table.addresses();
        sum.saturating_add((high - low) as usize)
    });
    let arena = Arena::new(bytes, core::ptr::null_mut(), 0).inspect_err(|_| {
        message.text("out of memory");
    })?;
    let mut copy = arena.base();
    let mut on_host = *tables;
    for number in 0..Tables::COUNT {
        let Some(table) = on_host.get_mut(number) else { continue };
        let (low, high) = table.addresses();
        let size = (high - low) as usize;
        // SAFETY: the tensor's elements lie between these addresses; the arena has room for all of them.
        unsafe { gpu.copy_to_host(copy, low as *const u8, size, message)? };
        table.move_by((copy as isize).wrapping_sub(low as isize));
        copy = copy.wrapping_add(size);
    }
    gpu.synchronize(message)?;
    ranges::check(on_host, &problem.extents, message).map(|_| ())
}

/// Where layer-1 calls run: `KEOPSC_DEVICE` is `cpu` or `cuda:N`. `None` is the CPU.
pub fn chosen_device(named: Option<&CStr>) -> Result<Option<i32>, Status> {
    let Some(name) = named.map(CStr::to_bytes).filter(|name| *name != b"cpu") else { return Ok(None) };
    match name.strip_prefix(b"cuda") {
        Some([]) | Some(b":0") => Ok(Some(0)),
        Some([b':', number @ ..]) => {
            positive(number).and_then(|number| i32::try_from(number).ok()).map(Some).ok_or(Status::Device)
        }
        _ => Err(Status::Device),
    }
}
