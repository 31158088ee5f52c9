//! The time that a thread has had a processor for: what other programs take of a shared machine does not count.

use std::ffi::{c_int, c_long};
use std::time::Duration;

/// Linux's `CLOCK_THREAD_CPUTIME_ID`.
const THREAD_CLOCK: c_int = 3;

#[derive(Default)]
#[repr(C)]
struct Timespec {
    seconds: c_long,
    nanoseconds: c_long,
}

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
}

/// The time that this thread has had a processor for.
pub fn thread_time() -> Duration {
    let mut time = Timespec::default();
    // SAFETY: the function writes a `struct timespec`, which on 64-bit Linux is this.
    unsafe { clock_gettime(THREAD_CLOCK, &mut time) };
    Duration::new(time.seconds.unsigned_abs(), u32::try_from(time.nanoseconds).unwrap_or_default())
}
