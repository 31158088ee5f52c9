//! A GPU with a stream to work on: launches, memory and copies, each with its error in words.

use super::device::{Current, Device};
use super::driver::{DevicePointer, Driver, Handle};
use crate::abi::{DeviceKernel, Status};
use crate::support::arena::times;
use crate::support::message::Message;
use core::ffi::c_void;

/// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`.
const MOST_DYNAMIC_BYTES: i32 = 8;
/// `CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT`.
const SHARED_PERCENTAGE: i32 = 9;

/// What every part of device memory is aligned to.
pub const ALIGNMENT: usize = 256;

/// Rounds up to [`ALIGNMENT`]; saturates.
pub fn align(bytes: usize) -> usize {
    bytes.saturating_add(ALIGNMENT - 1) & !(ALIGNMENT - 1)
}

/// A device whose context is current, and a stream.
pub struct Gpu<'d> {
    /// The driver.
    pub driver: &'d Driver,
    /// The device.
    pub device: &'static Device,
    /// The stream.
    pub stream: Handle,
    /// Its context is current for as long as this lives.
    pub _current: Current<'d>,
}

impl Gpu<'_> {
    /// Launches a kernel of one argument.
    ///
    /// # Safety
    /// `parameters` is what the kernel takes.
    #[inline(never)]
    pub unsafe fn launch(
        &self,
        kernel: &DeviceKernel,
        [x, y, z]: [usize; 3],
        parameters: *const c_void,
        message: &mut Message,
    ) -> Result<(), Status> {
        if x == 0 || y == 0 || z == 0 {
            return Ok(());
        }
        let mut arguments = [parameters.cast_mut()];
        let function = self.device.kernel(kernel.kernel);
        let large_bytes = if self.device.has_large_memory { kernel.large_bytes } else { 0 };
        if large_bytes > 0 {
            // Several blocks are to fit, whose memory is all that there is.
            for (attribute, value) in [(MOST_DYNAMIC_BYTES, large_bytes as i32), (SHARED_PERCENTAGE, 100)] {
                // SAFETY: the kernel is one of the device's.
                let allowed = unsafe { (self.driver.function_set)(function, attribute, value) };
                self.driver.check("cuFuncSetAttribute", allowed, message)?;
            }
        }
        // SAFETY: as the caller promises.
        let result = unsafe {
            (self.driver.launch)(
                function,
                x as u32,
                y as u32,
                z as u32,
                kernel.threads,
                1,
                1,
                large_bytes,
                self.stream,
                arguments.as_mut_ptr(),
                core::ptr::null_mut(),
            )
        };
        self.driver.check("cuLaunchKernel", result, message)
    }

    /// Copies to the device. The host's memory may change when this returns if it is not pinned.
    ///
    /// # Safety
    /// Both have so many bytes.
    #[inline(never)]
    pub unsafe fn copy_to_device(
        &self,
        target: *mut u8,
        source: *const u8,
        bytes: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: as the caller promises.
        let result =
            unsafe { (self.driver.copy_to_device)(target as DevicePointer, source.cast(), bytes, self.stream) };
        self.driver.check("cuMemcpyHtoDAsync", result, message)
    }

    /// Copies to the host. The bytes are there after [`Gpu::synchronize`].
    ///
    /// # Safety
    /// Both have so many bytes.
    #[inline(never)]
    pub unsafe fn copy_to_host(
        &self,
        target: *mut u8,
        source: *const u8,
        bytes: usize,
        message: &mut Message,
    ) -> Result<(), Status> {
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: as the caller promises.
        let result = unsafe { (self.driver.copy_to_host)(target.cast(), source as DevicePointer, bytes, self.stream) };
        self.driver.check("cuMemcpyDtoHAsync", result, message)
    }

    /// Waits for everything on the stream.
    #[inline(never)]
    pub fn synchronize(&self, message: &mut Message) -> Result<(), Status> {
        // SAFETY: the stream is the caller's.
        let result = unsafe { (self.driver.synchronize)(self.stream) };
        self.driver.check("cuStreamSynchronize", result, message)
    }

    /// Free bytes of the device.
    pub fn free_bytes(&self, message: &mut Message) -> Result<usize, Status> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: both are places for a number.
        let result = unsafe { (self.driver.memory_info)(&mut free, &mut total) };
        self.driver.check("cuMemGetInfo", result, message)?;
        Ok(free)
    }
}

/// Device memory of a call.
pub struct Block<'g> {
    gpu: &'g Gpu<'g>,
    /// The first byte, aligned.
    pub base: *mut u8,
    owner: Owner,
}

enum Owner {
    Caller,
    Stream,
    Device,
}

impl<'g> Block<'g> {
    /// The caller's workspace if it is large enough, else memory that is allocated and freed on the stream.
    pub fn on_stream(
        gpu: &'g Gpu<'g>,
        bytes: usize,
        workspace: *mut u8,
        size: u64,
        message: &mut Message,
    ) -> Result<Block<'g>, Status> {
        let wanted = with_slack(bytes);
        if wanted == 0 || (!workspace.is_null() && wanted as u64 <= size) {
            let base = workspace.wrapping_add((workspace as usize).wrapping_neg() & (ALIGNMENT - 1));
            return Ok(Block { gpu, base, owner: Owner::Caller });
        }
        if !gpu.device.has_pools {
            message.text("the call needs ").number(wanted as i64).text(" bytes of workspace: CUDA device ");
            message.number(gpu.device.number.into()).text(" has no memory pools to take them from");
            return Err(Status::Memory);
        }
        let mut address = 0;
        // SAFETY: the stream is the caller's.
        let result = unsafe { (gpu.driver.allocate_on_stream)(&mut address, bytes, gpu.stream) };
        gpu.driver.check("cuMemAllocAsync", result, message).inspect_err(|_| told_bytes(bytes, message))?;
        Ok(Block { gpu, base: address as *mut u8, owner: Owner::Stream })
    }

    /// Memory for a call that waits for its results.
    pub fn on_device(gpu: &'g Gpu<'g>, bytes: usize, message: &mut Message) -> Result<Block<'g>, Status> {
        let mut address = 0;
        // SAFETY: a plain allocation.
        let result = unsafe { (gpu.driver.allocate)(&mut address, bytes.max(1)) };
        gpu.driver.check("cuMemAlloc", result, message).inspect_err(|_| told_bytes(bytes, message))?;
        Ok(Block { gpu, base: address as *mut u8, owner: Owner::Device })
    }
}

fn told_bytes(bytes: usize, message: &mut Message) {
    message.text(" of ").number(i64::try_from(bytes).unwrap_or(i64::MAX)).text(" bytes");
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        let address = self.base as DevicePointer;
        // SAFETY: it came from this allocator. What is launched on the stream before this has it until it ends.
        unsafe {
            match self.owner {
                Owner::Caller => 0,
                Owner::Stream => (self.gpu.driver.free_on_stream)(address, self.gpu.stream),
                Owner::Device => (self.gpu.driver.free)(address),
            }
        };
    }
}

/// What to ask for so that aligned `bytes` fit wherever memory begins; nothing for nothing.
pub fn with_slack(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.saturating_add(ALIGNMENT) }
}

/// Where the next of several parts begins in a block.
pub struct Cursor(usize);

impl Cursor {
    /// At the beginning.
    pub fn new() -> Cursor {
        Cursor(0)
    }

    /// Takes `count` elements of `size` bytes. Gives where they begin.
    pub fn take(&mut self, count: usize, size: usize) -> usize {
        let start = self.0;
        self.0 = start.saturating_add(align(times(count, size)));
        start
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.0
    }
}
