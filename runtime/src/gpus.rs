//! The GPUs of this machine.

use std::ffi::{CStr, c_char};

use crate::support::cuda;
use crate::support::message::Message;

/// The compute capability, times ten, of the GPU of that number: 90 for `sm_90`. `None` if this machine has not so many; the error says why nothing
/// can be said, for instance that there is no driver.
pub fn gpu_architecture(number: i32) -> Result<Option<u32>, String> {
    let mut words = [0 as c_char; 256];
    // SAFETY: the buffer has that many bytes and outlives the message.
    let mut message = unsafe { Message::over(words.as_mut_ptr(), words.len() as u64) };
    cuda::architecture(number, &mut message).map_err(|_| {
        // SAFETY: a message ends with a NUL.
        unsafe { CStr::from_ptr(words.as_ptr()) }.to_string_lossy().into_owned()
    })
}
