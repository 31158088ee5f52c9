//! Calls of mock entries with owned tensors.

use crate::abi::*;
use crate::support::tensor::dlpack_type;
use crate::support::{keops_support_plain, keops_support_run};
use core::ffi::{CStr, c_char, c_void};

/// A tensor with its memory (as bytes), shape and strides.
#[derive(Clone)]
pub struct Array {
    pub bytes: Vec<u64>,
    pub shape: Vec<i64>,
    pub strides: Option<Vec<i64>>,
    pub dtype: DLDataType,
    pub device_type: i32,
    pub device_id: i32,
    pub offset: u64,
}

impl Array {
    /// Row-major float32.
    pub fn f32(shape: &[i64], values: impl IntoIterator<Item = f32>) -> Array {
        Array::of(F32, shape, values.into_iter().flat_map(f32::to_ne_bytes).collect())
    }

    /// Zeros of any storage type.
    pub fn zeros(dtype: u8, shape: &[i64]) -> Array {
        let size = usize::from(dlpack_type(dtype).bits) / 8;
        Array::of(dtype, shape, vec![0; shape.iter().product::<i64>() as usize * size])
    }

    pub fn of(dtype: u8, shape: &[i64], mut raw: Vec<u8>) -> Array {
        raw.resize(raw.len().next_multiple_of(8), 0);
        let bytes = raw.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
        Array {
            bytes,
            shape: shape.to_vec(),
            strides: None,
            dtype: dlpack_type(dtype),
            device_type: DL_CPU,
            device_id: 0,
            offset: 0,
        }
    }

    pub fn with_strides(mut self, strides: &[i64]) -> Array {
        self.strides = Some(strides.to_vec());
        self
    }

    /// The memory as elements of `T`.
    pub fn memory<T: Copy>(&self) -> &[T] {
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.bytes.len() * 8 / size_of::<T>()) }
    }

    pub fn pointer(&mut self) -> *mut c_void {
        if self.bytes.is_empty() { core::ptr::null_mut() } else { self.bytes.as_mut_ptr().cast() }
    }

    pub fn tensor(&mut self) -> DLTensor {
        DLTensor {
            data: self.pointer(),
            device: DLDevice { device_type: self.device_type, device_id: self.device_id },
            ndim: self.shape.len() as i32,
            dtype: self.dtype,
            shape: self.shape.as_mut_ptr(),
            strides: self.strides.as_mut().map_or(core::ptr::null_mut(), |strides| strides.as_mut_ptr()),
            byte_offset: self.offset,
        }
    }
}

/// Rounded noise, the same in every run.
pub fn noise(count: usize, mut seed: u64) -> Vec<f32> {
    let mut next = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A call without tensors.
pub fn blank_call(threads: i32) -> Call {
    Call {
        struct_size: size_of::<Call>() as u32,
        num_tensors: 0,
        tensors: core::ptr::null(),
        rows_i: -1,
        rows_j: -1,
        threads,
        device_type: 0,
        device_id: 0,
        check: 0,
        stream: core::ptr::null_mut(),
        ranges: core::ptr::null(),
        workspace: core::ptr::null_mut(),
        workspace_size: 0,
        message: core::ptr::null_mut(),
        message_size: 0,
    }
}

/// Calls an entry by layer 2; `change` may alter the call. Returns the status and the message.
pub fn run_with(
    entry: &EntryDescriptor,
    arrays: &mut [Array],
    threads: i32,
    change: impl FnOnce(&mut Call),
) -> (i32, String) {
    let tensors: Vec<DLTensor> = arrays.iter_mut().map(Array::tensor).collect();
    let pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    let mut message = [0x55_u8; 300];
    let mut call = blank_call(threads);
    call.num_tensors = pointers.len() as u32;
    call.tensors = pointers.as_ptr();
    call.message = message.as_mut_ptr().cast::<c_char>();
    call.message_size = message.len() as u64;
    change(&mut call);
    let status = unsafe { keops_support_run(entry, &call) };
    let text = CStr::from_bytes_until_nul(&message).map_or(String::new(), |text| text.to_str().unwrap().to_owned());
    (status, text)
}

/// Calls an entry by layer 2.
pub fn run(entry: &EntryDescriptor, arrays: &mut [Array], threads: i32) -> (i32, String) {
    run_with(entry, arrays, threads, |_| ())
}

/// Calls an entry by layer 1.
pub fn plain(entry: &EntryDescriptor, rows_i: i64, rows_j: i64, arrays: &mut [Array]) -> i32 {
    let pointers: Vec<*mut c_void> = arrays.iter_mut().map(Array::pointer).collect();
    unsafe { keops_support_plain(entry, rows_i, rows_j, pointers.as_ptr()) }
}
