//! Sets of row numbers, a bit each, 64 at a time.

use super::arena::times;

/// Numbers below some limit.
#[derive(Clone, Copy)]
pub struct Bits {
    words: *mut u64,
}

impl Bits {
    /// The bytes that numbers below `limit` take.
    pub fn bytes(limit: usize) -> usize {
        times(limit.div_ceil(64), size_of::<u64>())
    }

    /// The empty set of numbers below `limit`, in this memory.
    ///
    /// # Safety
    /// `memory` has [`Bits::bytes`] bytes for as long as the set is used, aligned to 8.
    pub unsafe fn empty(memory: *mut u8, limit: usize) -> Bits {
        // SAFETY: as the caller promises.
        unsafe { memory.write_bytes(0, Bits::bytes(limit)) };
        Bits { words: memory.cast() }
    }

    /// The set that [`Bits::empty`] began in this memory.
    pub fn at(memory: *mut u8) -> Bits {
        Bits { words: memory.cast() }
    }

    /// Adds `begin..end`; whether none of them was there.
    ///
    /// # Safety
    /// `end` is at most the limit.
    pub unsafe fn insert(&self, begin: usize, end: usize) -> bool {
        let mut seen = 0;
        each_word(begin, end, |word, mask| {
            // SAFETY: the word holds numbers below `end`.
            unsafe {
                let place = self.words.add(word);
                seen |= place.read() & mask;
                place.write(place.read() | mask);
            }
        });
        seen == 0
    }

    /// Takes `begin..end` out.
    ///
    /// # Safety
    /// `end` is at most the limit.
    pub unsafe fn remove(&self, begin: usize, end: usize) {
        each_word(begin, end, |word, mask| {
            // SAFETY: the word holds numbers below `end`.
            unsafe {
                let place = self.words.add(word);
                place.write(place.read() & !mask);
            }
        });
    }

    /// The first number from `begin` on that is in the set (or is not, if `present` is false), `end` if there is none before it.
    ///
    /// # Safety
    /// `end` is at most the limit.
    pub unsafe fn find(&self, present: bool, begin: usize, end: usize) -> usize {
        let mut at = begin;
        while at < end {
            // SAFETY: the word holds a number below `end`.
            let word = unsafe { self.words.add(at / 64).read() };
            let rest = (if present { word } else { !word }) >> (at % 64);
            if rest != 0 {
                return end.min(at + rest.trailing_zeros() as usize);
            }
            at = (at / 64 + 1) * 64;
        }
        end
    }
}

/// The words that `begin..end` touches, each with the bits of those numbers.
fn each_word(begin: usize, end: usize, mut visit: impl FnMut(usize, u64)) {
    let mut at = begin;
    while at < end {
        let next = end.min((at / 64 + 1) * 64);
        let mask = (u64::MAX >> (64 - (next - at))) << (at % 64);
        visit(at / 64, mask);
        at = next;
    }
}
