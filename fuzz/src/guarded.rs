//! Memory in front of a page that may not be touched.

use std::ptr;

const PAGE: usize = 4096;

/// What a [`Slot`] has room for.
pub const ROOM: usize = 4 * PAGE;

/// Some pages between forbidden ones, mapped once and used again and again.
pub struct Slot {
    first: *mut u8,
}

// SAFETY: a slot is memory of the process; who writes is for its users to agree on.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Slot {
    /// Filled with small floating-point numbers, in whatever type they are read.
    pub fn new() -> Slot {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory at a place that the system chooses.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), ROOM + 2 * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(mapping, libc::MAP_FAILED, "mmap");
        let first = mapping.cast::<u8>().wrapping_add(PAGE);
        let slot = Slot { first };
        slot.protect(libc::PROT_READ | libc::PROT_WRITE);
        (0..ROOM).for_each(|at| slot.write(at, [0x3c, 0x38, 0x3f, 0xbc][at % 4] ^ (at as u8 & 3)));
        slot
    }

    /// A slot that may be read alone.
    pub fn for_reading() -> Slot {
        let slot = Slot::new();
        slot.protect(libc::PROT_READ);
        slot
    }

    fn protect(&self, protection: libc::c_int) {
        // SAFETY: the pages belong to this slot.
        let status = unsafe { libc::mprotect(self.first.cast(), ROOM, protection) };
        assert_eq!(status, 0, "mprotect");
    }

    fn write(&self, at: usize, byte: u8) {
        // SAFETY: the slot is writable, the place inside.
        unsafe { self.first.add(at).write(byte) };
    }

    /// The first byte.
    pub fn first(&self) -> *mut u8 {
        self.first
    }

    /// The forbidden page behind.
    pub fn end(&self) -> *mut u8 {
        self.first.wrapping_add(ROOM)
    }

    /// Room for so many bytes whose last one is the last before a forbidden page.
    pub fn back(&self, size: usize) -> *mut u8 {
        assert!(size <= ROOM);
        self.first.wrapping_add(ROOM - size)
    }

    /// Copies values there, flush with the forbidden page.
    pub fn put<T: Copy>(&self, values: &[T]) -> *mut T {
        let place = self.back(size_of_val(values)).cast::<T>();
        // SAFETY: the slot is writable and has the room; sizes are multiples of alignments, pages of both.
        unsafe { place.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        place
    }

    /// Fills all of it.
    pub fn fill(&self, byte: u8) {
        // SAFETY: the slot is writable.
        unsafe { self.first.write_bytes(byte, ROOM) };
    }

    /// Whether all of it is still what it was filled with.
    pub fn is_filled(&self, byte: u8) -> bool {
        // SAFETY: the slot is readable, and nothing writes meanwhile.
        unsafe { std::slice::from_raw_parts(self.first, ROOM) }.iter().all(|found| *found == byte)
    }
}

impl Default for Slot {
    fn default() -> Slot {
        Slot::new()
    }
}
