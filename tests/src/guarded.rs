//! Memory between pages that may not be touched: a read or write outside ends the process.

use std::sync::{Mutex, Once, PoisonError};

/// Which end of the memory lies at a forbidden page. The other end may be a part of a page away from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// The first byte follows one.
    Front,
    /// The last byte precedes one.
    Back,
}

/// Some bytes, zero at first.
#[derive(Debug)]
pub struct Guarded {
    mapping: *mut u8,
    mapped: usize,
    data: *mut u8,
    size: usize,
}

fn page_size() -> usize {
    // SAFETY: a plain question.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

impl Guarded {
    /// That many bytes, perhaps none.
    pub fn new(size: usize, flush: Flush) -> Guarded {
        let page = page_size();
        let usable = size.next_multiple_of(page);
        let mapped = usable + 2 * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory at a place that the system chooses.
        let mapping = unsafe { libc::mmap(std::ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(mapping, libc::MAP_FAILED, "mmap of {mapped} bytes");
        let mapping = mapping.cast::<u8>();
        let first = mapping.wrapping_add(page);
        if usable > 0 {
            protect(first, usable, libc::PROT_READ | libc::PROT_WRITE);
        }
        let data = if flush == Flush::Front { first } else { first.wrapping_add(usable - size) };
        Guarded { mapping, mapped, data, size }
    }

    /// The first byte.
    pub fn data(&self) -> *mut u8 {
        self.data
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: they are mapped, readable and initialized with zeros; nothing writes while this is borrowed.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// The bytes, to be written. Not after [`Guarded::forbid_writing`].
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and writable.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.size) }
    }

    /// From now on a write ends the process.
    pub fn forbid_writing(&mut self) {
        self.protect(libc::PROT_READ);
    }

    /// The bytes may be written again.
    pub fn allow_writing(&mut self) {
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
    }

    fn protect(&mut self, protection: libc::c_int) {
        let usable = self.mapped - 2 * page_size();
        if usable > 0 {
            protect(self.mapping.wrapping_add(page_size()), usable, protection);
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.mapping.cast(), self.mapped) };
    }
}

fn protect(first: *mut u8, size: usize, protection: libc::c_int) {
    // SAFETY: the pages belong to a mapping of the caller's.
    let status = unsafe { libc::mprotect(first.cast(), size, protection) };
    assert_eq!(status, 0, "mprotect of {size} bytes");
}

static RUNNING: Mutex<Vec<(std::thread::ThreadId, String)>> = Mutex::new(Vec::new());

/// Calls `body`; should the process end by touching a forbidden page meanwhile, in whatever thread, `what` is printed before.
pub fn with_words_for_faults<T>(what: String, body: impl FnOnce() -> T) -> T {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(install_handler);
    let this = std::thread::current().id();
    let running = || RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running().push((this, what));
    let result = body();
    running().retain(|(thread, _)| *thread != this);
    result
}

fn install_handler() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the action is fully set; the handler has the signature for these flags.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = report as *const () as usize;
            action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// Prints what was running and returns, so that the fault happens again and ends the process.
extern "C" fn report(_: libc::c_int) {
    if let Ok(running) = RUNNING.try_lock() {
        for (_, what) in running.iter() {
            let lines = ["\na memory fault while this ran:\n", what, "\n"];
            for line in lines {
                // SAFETY: the bytes are there; `write` may be called in a signal handler.
                unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
            }
        }
    }
}
