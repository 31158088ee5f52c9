//! Error texts, written straight into the caller's buffer: no allocation, cut to fit, always NUL-terminated.

use core::ffi::{CStr, c_char};

/// A text that grows in the caller's buffer, or nowhere if there is none.
pub struct Message {
    buffer: *mut u8,
    capacity: usize,
    length: usize,
}

impl Message {
    /// A message that nobody reads.
    pub const fn none() -> Message {
        Message { buffer: core::ptr::null_mut(), capacity: 0, length: 0 }
    }

    /// A message in `size` bytes at `buffer`, which may be NULL; empties it.
    ///
    /// # Safety
    /// `buffer` is NULL or has `size` writable bytes for as long as the message lives.
    pub unsafe fn over(buffer: *mut c_char, size: u64) -> Message {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if buffer.is_null() || size == 0 {
            return Message::none();
        }
        // SAFETY: at least one byte is writable.
        unsafe { buffer.write(0) };
        Message { buffer: buffer.cast(), capacity: size - 1, length: 0 }
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.length = 0;
        if !self.buffer.is_null() {
            // SAFETY: a buffer has at least one byte.
            unsafe { self.buffer.write(0) };
        }
    }

    /// Appends text.
    #[inline(never)]
    pub fn text(&mut self, text: &str) -> &mut Message {
        self.bytes(text.as_bytes())
    }

    /// Appends NUL-terminated text.
    ///
    /// # Safety
    /// `text` is NULL or NUL-terminated.
    #[inline(never)]
    pub unsafe fn name(&mut self, text: *const c_char) -> &mut Message {
        if text.is_null() {
            return self.text("?");
        }
        // SAFETY: not NULL, hence NUL-terminated.
        let text = unsafe { CStr::from_ptr(text) };
        self.bytes(text.to_bytes())
    }

    /// Appends a decimal number.
    #[inline(never)]
    pub fn number(&mut self, number: i64) -> &mut Message {
        let mut digits = [0_u8; 20];
        let mut rest = number.unsigned_abs();
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.text("-");
        }
        for digit in digits.iter().skip(digits.len() - used) {
            self.bytes(core::slice::from_ref(digit));
        }
        self
    }

    /// Appends a tuple as Python writes it: `()`, `(3,)`, `(2, 3)`.
    pub fn tuple(&mut self, numbers: impl Iterator<Item = i64>) -> &mut Message {
        self.text("(");
        let mut written = 0;
        for number in numbers {
            if written > 0 {
                self.text(", ");
            }
            self.number(number);
            written += 1;
        }
        self.text(if written == 1 { ",)" } else { ")" })
    }

    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) -> &mut Message {
        let count = bytes.len().min(self.capacity - self.length);
        if count > 0 {
            // SAFETY: `length + count <= capacity`, and one byte more holds the NUL.
            unsafe {
                self.buffer.add(self.length).copy_from_nonoverlapping(bytes.as_ptr(), count);
                self.buffer.add(self.length + count).write(0);
            }
            self.length += count;
        }
        self
    }
}
