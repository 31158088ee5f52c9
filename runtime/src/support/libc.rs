//! The few functions of the C library that the support code calls. Linux only.

use core::ffi::{c_char, c_int, c_void};

/// Linux's `SIG_SETMASK`.
pub const SIG_SETMASK: c_int = 2;

/// Linux's `RTLD_NOW`.
pub const RTLD_NOW: c_int = 2;

/// Linux's `MADV_HUGEPAGE`.
pub const MADV_HUGEPAGE: c_int = 14;

/// A `sigset_t` or `cpu_set_t`, with room to spare.
pub type Mask = [u64; 128];

unsafe extern "C" {
    pub fn malloc(size: usize) -> *mut c_void;
    pub fn free(block: *mut c_void);
    pub fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
    pub fn getenv(name: *const c_char) -> *const c_char;
    pub fn sched_getaffinity(process: c_int, size: usize, mask: *mut Mask) -> c_int;
    pub fn sigfillset(mask: *mut Mask) -> c_int;
    pub fn pthread_sigmask(how: c_int, new: *const Mask, old: *mut Mask) -> c_int;
    pub fn pthread_create(
        thread: *mut usize,
        attributes: *const c_void,
        body: extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
    pub fn pthread_join(thread: usize, result: *mut *mut c_void) -> c_int;
    pub fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    pub fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The value of an environment variable, `None` if unset or empty.
pub fn environment(name: &'static core::ffi::CStr) -> Option<&'static core::ffi::CStr> {
    // SAFETY: `name` is NUL-terminated; the value lives until the host changes its environment, and callers drop it at once.
    let value = unsafe { getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: getenv returns NUL-terminated text.
    let value = unsafe { core::ffi::CStr::from_ptr(value) };
    (!value.is_empty()).then_some(value)
}
