//! Libraries for another processor, run in QEMU's emulator of programs: calls through the C interface, with all memory that they name brought over
//! and taken back.
//!
//! ```text
//! Call, DLTensor, memory ─copy, with other addresses─▶ the same in the emulated process ─call─▶ status ─copy back─▶ memory here
//! ```
//!
//! Each tensor's bytes lie as far into a page as here, between pages that may not be touched.

pub mod process;
mod support;

use std::ffi::c_void;
use std::io;
use std::mem::offset_of;
use std::sync::{Mutex, PoisonError};

use keopsc_runtime::abi::{Call, DLTensor, MODULE_SYMBOL, Module};

use process::Process;
pub(crate) use support::support_object;

const PAGE: usize = 4096;

/// The name of its file.
const LIBRARY: &str = "libemulated.so";

/// A library in the emulator.
#[derive(Debug)]
pub struct Emulated {
    architecture: &'static str,
    /// Ends before the folder goes.
    process: Mutex<Process>,
    folder: tempfile::TempDir,
}

/// The status of a call in which the process ended, by a touch of a forbidden page perhaps.
const ENDED: i64 = -1;

/// What a function takes.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    /// Any integer.
    Number(i64),
    /// Memory that is read, and written if the function does so.
    Memory(*const c_void, usize),
    /// A call with its tensors.
    Call(&'a Call),
    /// The address of several pointers to memory.
    Memories(&'a [(*const c_void, usize)]),
}

impl Emulated {
    /// Loads a library, given by its bytes.
    pub fn load(architecture: &'static str, library: &[u8]) -> Emulated {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(LIBRARY), library).expect("a writable temporary folder");
        let process = Mutex::new(Process::start(architecture, &folder.path().join(LIBRARY)));
        Emulated { architecture, folder, process }
    }

    /// Calls an exported function; what it returns.
    ///
    /// # Safety
    /// Memory and tensors are as large as they say, and writable where the function writes.
    pub unsafe fn call(&self, name: &str, arguments: &[Argument<'_>]) -> i64 {
        // SAFETY: as the caller promises.
        self.attempt(|guest| unsafe {
            let function = guest.process.symbol(name)?;
            guest.call(function, arguments)
        })
    }

    /// Calls a function of an entry, which stands at that offset in `EntryPoint`.
    ///
    /// # Safety
    /// As for [`Emulated::call`].
    pub unsafe fn call_method(&self, entry: usize, offset: usize, arguments: &[Argument<'_>]) -> i64 {
        // SAFETY: as the caller promises.
        self.attempt(|guest| unsafe {
            let function = guest.method(entry, offset)?;
            guest.call(function, arguments)
        })
    }

    /// What `body` gives, or [`ENDED`] and a new process for the next call.
    fn attempt(&self, body: impl FnOnce(&mut Guest<'_>) -> io::Result<i64>) -> i64 {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guest = Guest { process: &mut process, blocks: Vec::new() };
        body(&mut guest).unwrap_or_else(|_| {
            *process = Process::start(self.architecture, &self.folder.path().join(LIBRARY));
            ENDED
        })
    }
}

/// The process during a call.
struct Guest<'a> {
    process: &'a mut Process,
    blocks: Vec<Block>,
}

/// Memory that is here and there.
struct Block {
    here: *mut u8,
    size: usize,
    there: u64,
}

impl Guest<'_> {
    /// The address of a function of an entry.
    fn method(&mut self, entry: usize, offset: usize) -> io::Result<u64> {
        let table = self.process.symbol(MODULE_SYMBOL)?;
        let module = self.process.call(table, &[])?;
        let entries = self.process.read_word(module + offset_of!(Module, entries) as u64)?;
        // Two numbers of 32 bits stand side by side.
        let counts = self.process.read_word(module + offset_of!(Module, num_entries) as u64)?;
        let (count, size) = (counts & 0xffff_ffff, counts >> 32);
        assert!((entry as u64) < count);
        self.process.read_word(entries + entry as u64 * size + offset as u64)
    }

    unsafe fn call(&mut self, function: u64, arguments: &[Argument<'_>]) -> io::Result<i64> {
        // SAFETY: as the callers promise.
        unsafe {
            let words: io::Result<Vec<u64>> = arguments.iter().map(|argument| self.bring_argument(*argument)).collect();
            let result = self.process.call(function, &words?)?;
            self.take_back()?;
            self.process.unmap()?;
            Ok(result as i64)
        }
    }

    unsafe fn bring_argument(&mut self, argument: Argument<'_>) -> io::Result<u64> {
        // SAFETY: as the callers promise.
        unsafe {
            match argument {
                Argument::Number(number) => Ok(number as u64),
                Argument::Memory(memory, size) => self.bring(memory, size),
                Argument::Call(call) => self.bring_call(call),
                Argument::Memories(memories) => {
                    let bring = |(memory, size): &(*const c_void, usize)| self.bring(*memory, *size);
                    let addresses: io::Result<Vec<u64>> = memories.iter().map(bring).collect();
                    self.place(&addresses?)
                }
            }
        }
    }

    /// Copies memory over; NULL stays NULL.
    unsafe fn bring(&mut self, memory: *const c_void, size: usize) -> io::Result<u64> {
        if memory.is_null() {
            return Ok(0);
        }
        let there = self.process.map(memory.addr() % PAGE, size)?;
        // SAFETY: as the callers promise.
        self.process.write(there, unsafe { std::slice::from_raw_parts(memory.cast(), size) })?;
        self.blocks.push(Block { here: memory.cast_mut().cast(), size, there });
        Ok(there)
    }

    /// Copies a structure whose pointers are those of the other process.
    fn place<T>(&mut self, structures: &[T]) -> io::Result<u64> {
        let size = size_of_val(structures);
        let there = self.process.map(0, size)?;
        // SAFETY: the structures of the ABI and pointers have no padding.
        self.process.write(there, unsafe { std::slice::from_raw_parts(structures.as_ptr().cast(), size) })?;
        Ok(there)
    }

    unsafe fn bring_call(&mut self, call: &Call) -> io::Result<u64> {
        // SAFETY: as the callers promise; ranges are six.
        let moved = unsafe {
            Call {
                tensors: self.bring_tensors(call.tensors, call.num_tensors as usize)? as *const _,
                ranges: self.bring_tensors(call.ranges, 6)? as *const _,
                workspace: self.bring(call.workspace, call.workspace_size as usize)? as *mut _,
                message: self.bring(call.message.cast(), call.message_size as usize)? as *mut _,
                ..*call
            }
        };
        self.place(&[moved])
    }

    unsafe fn bring_tensors(&mut self, tensors: *const *const DLTensor, count: usize) -> io::Result<u64> {
        if tensors.is_null() {
            return Ok(0);
        }
        // SAFETY: as the callers promise.
        let tensors = unsafe { std::slice::from_raw_parts(tensors, count) };
        // SAFETY: likewise; a tensor that the function does not read may be NULL.
        let bring =
            |tensor: &*const DLTensor| unsafe { tensor.as_ref().map_or(Ok(0), |tensor| self.bring_tensor(tensor)) };
        let addresses: io::Result<Vec<u64>> = tensors.iter().map(bring).collect();
        self.place(&addresses?)
    }

    unsafe fn bring_tensor(&mut self, tensor: &DLTensor) -> io::Result<u64> {
        let size = tensor.ndim as usize * 8;
        // SAFETY: the tensor has the elements that shape and strides tell, and as many of these as axes.
        let moved = unsafe {
            let (below, above) = reach(tensor);
            let first = tensor.data.wrapping_byte_add(tensor.byte_offset as usize).wrapping_byte_sub(below);
            let data = match tensor.data.is_null() {
                true => 0,
                false => self.bring(first, below + above)?.wrapping_add(below as u64).wrapping_sub(tensor.byte_offset),
            };
            DLTensor {
                data: data as *mut c_void,
                shape: self.bring(tensor.shape.cast(), size)? as *mut i64,
                strides: self.bring(tensor.strides.cast(), size)? as *mut i64,
                ..*tensor
            }
        };
        self.place(&[moved])
    }

    /// Copies back what has changed.
    unsafe fn take_back(&mut self) -> io::Result<()> {
        for Block { here, size, there } in std::mem::take(&mut self.blocks) {
            let bytes = self.process.read(there, size)?;
            // SAFETY: as the callers promise; what may not be written has not changed, or this ends the process as it would have there.
            unsafe {
                if std::slice::from_raw_parts(here, size) != bytes {
                    here.copy_from_nonoverlapping(bytes.as_ptr(), size);
                }
            }
        }
        Ok(())
    }
}

/// How many bytes a tensor has before its first element and from there on.
unsafe fn reach(tensor: &DLTensor) -> (usize, usize) {
    let axes = tensor.ndim as usize;
    // SAFETY: as the callers promise.
    let shape = unsafe { std::slice::from_raw_parts(tensor.shape, axes) };
    if shape.contains(&0) {
        return (0, 0);
    }
    let (mut below, mut above) = (0, 1);
    let mut dense = 1;
    for axis in (0..axes).rev() {
        // SAFETY: as the callers promise.
        let stride = if tensor.strides.is_null() { dense } else { unsafe { *tensor.strides.add(axis) } };
        let span = stride * (shape[axis] - 1);
        below -= span.min(0);
        above += span.max(0);
        dense *= shape[axis];
    }
    let bytes = i64::from(tensor.dtype.bits / 8);
    ((below * bytes) as usize, (above * bytes) as usize)
}
