//! Parallel loops: threads live for one loop, take units from a counter, and are joined before it returns.
//!
//! Nothing is left running between loops, so that the host may fork or unload the library at any time.

use super::libc::{self, Mask};
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this are never started.
pub const MAX_THREADS: usize = 1024;

/// The threads that a call may use: what it asks for, else `KEOPSC_NUM_THREADS`, else the processors it may run on.
pub fn allowed(asked: usize) -> usize {
    if asked > 0 {
        return asked.min(MAX_THREADS);
    }
    libc::environment(c"KEOPSC_NUM_THREADS")
        .and_then(|text| positive(text.to_bytes()))
        .unwrap_or_else(processors)
        .clamp(1, MAX_THREADS)
}

/// A decimal number above zero.
pub fn positive(text: &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.saturating_mul(10).saturating_add(usize::from(digit));
    }
    (number > 0).then_some(number)
}

fn processors() -> usize {
    let mut mask: Mask = [0; 128];
    // SAFETY: the mask has the size that is passed.
    let status = unsafe { libc::sched_getaffinity(0, size_of::<Mask>(), &mut mask) };
    if status < 0 {
        return 1;
    }
    mask.iter().map(|word| word.count_ones() as usize).sum()
}

struct Team<'a, C> {
    context: &'a C,
    body: unsafe fn(&C, unit: usize, thread: usize),
    units: usize,
    next_unit: AtomicUsize,
    next_thread: AtomicUsize,
}

/// Calls `body(context, unit, thread)` for every unit below `units`, on up to `threads` threads including the caller's.
/// `thread` is below `threads` and different for calls that run at the same time.
///
/// # Safety
/// `body` may be called so, from several threads at once, for different units.
pub unsafe fn parallel_for<C>(threads: usize, units: usize, context: &C, body: unsafe fn(&C, usize, usize)) {
    if threads.min(units) <= 1 {
        for unit in 0..units {
            // SAFETY: as the caller promises.
            unsafe { body(context, unit, 0) };
        }
        return;
    }
    let team = Team { context, body, units, next_unit: AtomicUsize::new(0), next_thread: AtomicUsize::new(0) };
    run_team(&team, threads.min(units).min(MAX_THREADS));
}

#[inline(never)]
fn run_team<C>(team: &Team<'_, C>, threads: usize) {
    let mut handles = [0_usize; MAX_THREADS];
    let mut started = 0;
    let argument = core::ptr::from_ref(team).cast_mut().cast::<c_void>();
    let old_mask = block_signals();
    for handle in handles.iter_mut().take(threads - 1) {
        // SAFETY: `team` outlives the thread, which is joined below.
        if unsafe { libc::pthread_create(handle, core::ptr::null(), worker::<C>, argument) } != 0 {
            break;
        }
        started += 1;
    }
    restore_signals(&old_mask);
    worker::<C>(argument);
    for handle in handles.iter().take(started) {
        // SAFETY: the thread was started above and is joined once.
        unsafe { libc::pthread_join(*handle, core::ptr::null_mut()) };
    }
}

extern "C" fn worker<C>(argument: *mut c_void) -> *mut c_void {
    // SAFETY: `run_team` passes its team and waits for this function to return.
    let team = unsafe { &*argument.cast::<Team<'_, C>>() };
    let thread = team.next_thread.fetch_add(1, Ordering::Relaxed);
    loop {
        let unit = team.next_unit.fetch_add(1, Ordering::Relaxed);
        if unit >= team.units {
            return core::ptr::null_mut();
        }
        // SAFETY: each unit is handed out once, each thread number to one thread.
        unsafe { (team.body)(team.context, unit, thread) };
    }
}

/// Threads inherit the mask: the host's signal handlers must run in the host's threads only.
fn block_signals() -> Mask {
    let mut all: Mask = [0; 128];
    let mut old: Mask = [0; 128];
    // SAFETY: both masks are at least as large as `sigset_t`.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
    }
    old
}

fn restore_signals(old: &Mask) {
    // SAFETY: `old` came from `pthread_sigmask`.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, old, core::ptr::null_mut()) };
}
