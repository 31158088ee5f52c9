//! Layer 3: an entry in shards of its columns. `partial` reduces a shard to states, `merge` joins states, `finalize` makes results of them.
//!
//! The functions are there for every entry; generated code exports them for those that have shards.

use super::message::Message;
use super::problem::{Phase, States, list};
use super::state::Layout;
use super::{checked, code, cpu, executed, plain, state, threads, validate, validate_state};
use crate::abi::{Call, DL_CUDA, EntryDescriptor, ROLE_I, ROLE_J, Status};
use core::ffi::c_void;

/// Layer 1: reduces the columns of a shard, of which the first has number `first`.
///
/// # Safety
/// The entry is valid; there is a pointer for each of its tensors, and those to inputs and to the states have the sizes that the row counts tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_plain_partial(
    entry: *const EntryDescriptor,
    rows_i: i64,
    rows_j: i64,
    first: i64,
    pointers: *const *mut c_void,
    states: *mut c_void,
) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe {
        plain_states(&*entry, (rows_i, rows_j), states)
            .and_then(|states| plain(&*entry, rows_i, rows_j, Phase::Partial { first, states }, pointers))
    })
}

/// Layer 1: the results of states.
///
/// # Safety
/// As for [`keops_support_plain_partial`]; inputs that are not read may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_plain_finalize(
    entry: *const EntryDescriptor,
    rows_i: i64,
    rows_j: i64,
    pointers: *const *mut c_void,
    states: *const c_void,
) -> i32 {
    // SAFETY: as the caller promises; states are only read.
    code(unsafe {
        plain_states(&*entry, (rows_i, rows_j), states.cast_mut())
            .and_then(|states| plain(&*entry, rows_i, rows_j, Phase::Finalize { states }, pointers))
    })
}

/// Layer 1: joins the states `later` of later columns into `states`.
///
/// # Safety
/// The entry is valid, both have the size of states of `rows` rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_plain_merge(
    entry: *const EntryDescriptor,
    rows: i64,
    states: *mut c_void,
    later: *const c_void,
) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe {
        validate_state::layout(&*entry).and_then(|layout| {
            let size = layout.size(rows).ok_or(Status::Shape)? as u64;
            merge(
                &*entry,
                given(states, size),
                given(later.cast_mut(), size),
                0,
                (core::ptr::null_mut(), 0),
                &mut Message::none(),
            )
        })
    })
}

/// Layer 2: reduces the columns of a shard. The call has the inputs alone.
///
/// # Safety
/// The entry is valid; the pointers are NULL or point to what the ABI says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_partial(
    entry: *const EntryDescriptor,
    call: *const Call,
    first: i64,
    states: *mut c_void,
    size: u64,
) -> i32 {
    let phase = Phase::Partial { first, states: given(states, size) };
    // SAFETY: as the caller promises.
    code(unsafe { checked(entry, call, phase, |problem, call, message| executed(problem, call, message)) })
}

/// Layer 2: the results of states. Inputs that are not read may be NULL.
///
/// # Safety
/// As for [`keops_support_partial`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_finalize(
    entry: *const EntryDescriptor,
    call: *const Call,
    states: *const c_void,
    size: u64,
) -> i32 {
    // Only read.
    let phase = Phase::Finalize { states: given(states.cast_mut(), size) };
    // SAFETY: as the caller promises.
    code(unsafe { checked(entry, call, phase, |problem, call, message| executed(problem, call, message)) })
}

/// Layer 2: joins the states `later` of later columns into `states`. The call's tensors are not looked at.
///
/// # Safety
/// As for [`keops_support_partial`]; both states have `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_merge(
    entry: *const EntryDescriptor,
    call: *const Call,
    states: *mut c_void,
    later: *const c_void,
    size: u64,
) -> i32 {
    // SAFETY: as the caller promises.
    code(unsafe {
        validate::header(call).and_then(|call| {
            let mut message = Message::over(call.message, call.message_size);
            message.name((*entry).name).text(": ");
            let threads = validate::options(call, &mut message)?;
            if call.device_type == DL_CUDA {
                return Err(validate::refuse_states(&*entry, &mut message));
            }
            let (states, later) = (given(states, size), given(later.cast_mut(), size));
            merge(&*entry, states, later, threads, (call.workspace.cast(), call.workspace_size), &mut message)?;
            message.clear();
            Ok(())
        })
    })
}

/// The bytes of states of so many rows, -1 if there are no such states.
///
/// # Safety
/// The entry is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_state_size(entry: *const EntryDescriptor, rows: i64) -> i64 {
    // SAFETY: as the caller promises.
    let layout = unsafe { validate_state::layout(&*entry) };
    layout.ok().and_then(|layout| layout.size(rows)).unwrap_or(-1)
}

/// How many columns a shard should have so that so many are in at most so many shards, -1 if the numbers make no sense or no clone runs here.
///
/// # Safety
/// The entry is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keops_support_shard(entry: *const EntryDescriptor, columns: i64, shards: i64) -> i64 {
    // SAFETY: as the caller promises.
    let layout = unsafe { chosen_layout(&*entry, &mut Message::none()) };
    layout.ok().and_then(|layout| layout.shard(columns, shards)).unwrap_or(-1)
}

/// The states of the clone in use.
unsafe fn chosen_layout<'a>(entry: &'a EntryDescriptor, message: &mut Message) -> Result<Layout<'a>, Status> {
    // SAFETY: as the callers promise; a clone has this many passes.
    unsafe {
        let clone = cpu::choose(entry, message)?;
        Layout::of(list(clone.passes, clone.num_passes)).ok_or(Status::Unsupported)
    }
}

fn given(records: *mut c_void, size: u64) -> States {
    States { records: records.cast(), size }
}

/// The states of a layer-1 call, whose size its row counts tell.
unsafe fn plain_states(
    entry: &EntryDescriptor,
    (rows_i, rows_j): (i64, i64),
    records: *mut c_void,
) -> Result<States, Status> {
    // SAFETY: as the callers promise.
    let layout = unsafe { validate_state::layout(entry)? };
    let rows = match layout.rows {
        ROLE_I => rows_i,
        ROLE_J => rows_j,
        _ => 1,
    };
    Ok(given(records, layout.size(rows).ok_or(Status::Shape)? as u64))
}

unsafe fn merge(
    entry: &EntryDescriptor,
    states: States,
    later: States,
    threads: usize,
    workspace: (*mut u8, u64),
    message: &mut Message,
) -> Result<(), Status> {
    // SAFETY: as the callers promise.
    unsafe {
        let rows = validate_state::check_merge(&validate_state::layout(entry)?, &states, &later, message)?;
        message.clear();
        let layout = chosen_layout(entry, message)?;
        let threads = threads::allowed(threads);
        state::merge(&layout, rows, states.records, later.records, threads, workspace).inspect_err(|_| {
            message.name(entry.name).text(": out of memory");
        })
    }
}
