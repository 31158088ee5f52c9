//! One block of memory for a whole call: measured first, then cut up.

use super::libc;
use crate::abi::Status;

/// Every part begins at a multiple of this.
pub const ALIGNMENT: usize = 64;

/// From so many bytes on memory comes in large pages, if the system has them: to get it in small ones takes longer than to fill it.
const LARGE: usize = 4 << 20;
/// A multiple of any system's small pages.
const PAGE: usize = 64 << 10;

/// Rounds up to whole cache lines; saturates, so that impossible sizes stay impossible.
pub fn align(bytes: usize) -> usize {
    bytes.saturating_add(ALIGNMENT - 1) & !(ALIGNMENT - 1)
}

/// A product that saturates.
pub fn times(left: usize, right: usize) -> usize {
    left.saturating_mul(right)
}

/// The caller's workspace if it is large enough, else memory of our own.
pub struct Arena {
    base: *mut u8,
    owned: *mut u8,
}

impl Arena {
    /// Room for `bytes` bytes, in `workspace` if its `size` suffices.
    pub fn new(bytes: usize, workspace: *mut u8, size: u64) -> Result<Arena, Status> {
        let wanted = with_slack(bytes);
        if !workspace.is_null() && wanted as u64 <= size {
            return Ok(Arena { base: aligned(workspace), owned: core::ptr::null_mut() });
        }
        if wanted > isize::MAX as usize {
            return Err(Status::Memory);
        }
        // SAFETY: a plain allocation.
        let owned = unsafe { libc::malloc(wanted) }.cast::<u8>();
        if owned.is_null() {
            return Err(Status::Memory);
        }
        if wanted >= LARGE {
            let first = owned.align_offset(PAGE);
            // SAFETY: the pages are within the block. That they cannot be large is no mistake.
            unsafe {
                libc::madvise(owned.wrapping_add(first).cast(), (wanted - first) / PAGE * PAGE, libc::MADV_HUGEPAGE)
            };
        }
        Ok(Arena { base: aligned(owned), owned })
    }

    /// The first byte, aligned.
    pub fn base(&self) -> *mut u8 {
        self.base
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if !self.owned.is_null() {
            // SAFETY: it came from malloc.
            unsafe { libc::free(self.owned.cast()) };
        }
    }
}

/// What to ask for so that an aligned block of `bytes` fits wherever it begins.
pub fn with_slack(bytes: usize) -> usize {
    bytes.saturating_add(ALIGNMENT)
}

fn aligned(pointer: *mut u8) -> *mut u8 {
    pointer.wrapping_add(pointer.align_offset(ALIGNMENT))
}
