//! The CUDA driver, found by `dlopen`: a table of its functions, and its errors as statuses and words.
//!
//! The table is filled once and never changes. Threads that fill it at the same time write the same addresses, so that no lock is needed.

use crate::abi::Status;
use crate::support::libc;
use crate::support::message::Message;
use core::ffi::{c_char, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// `CUDA_SUCCESS`.
pub const SUCCESS: i32 = 0;
/// `CUDA_ERROR_OUT_OF_MEMORY`.
pub const OUT_OF_MEMORY: i32 = 2;
/// `CUDA_ERROR_NOT_SUPPORTED`.
#[cfg(test)]
pub const NOT_SUPPORTED: i32 = 801;

/// A handle of the driver: context, module, function or stream.
pub type Handle = *mut c_void;
/// Memory of a GPU.
pub type DevicePointer = u64;

/// Declares [`Driver`] and [`Table`]: for each function its field, its symbol and its arguments.
macro_rules! functions {
    ($($name:ident = $symbol:literal ($($argument:ty),*);)*) => {
        /// The functions of the driver that calls use.
        #[derive(Clone, Copy)]
        pub struct Driver {
            $(pub $name: unsafe extern "C" fn($($argument),*) -> i32,)*
        }

        /// Where they are, once they have been looked up.
        pub struct Table {
            is_complete: AtomicBool,
            $($name: AtomicPtr<c_void>,)*
        }

        impl Table {
            /// Nothing is known yet.
            pub const fn empty() -> Table {
                Table { is_complete: AtomicBool::new(false), $($name: AtomicPtr::new(null_mut()),)* }
            }

            /// Looks all of them up. `find` gives NULL for what there is not; the name of that is the error.
            fn fill(&self, find: impl Fn(&'static core::ffi::CStr) -> *mut c_void) -> Result<(), &'static core::ffi::CStr> {
                $(
                    let address = find($symbol);
                    if address.is_null() {
                        return Err($symbol);
                    }
                    self.$name.store(address, Ordering::Relaxed);
                )*
                self.is_complete.store(true, Ordering::Release);
                Ok(())
            }

            /// Takes the functions of a driver that is no library.
            #[cfg(test)]
            pub fn install(&self, driver: &Driver) {
                $(self.$name.store(driver.$name as *mut c_void, Ordering::Relaxed);)*
                self.is_complete.store(true, Ordering::Release);
            }

            fn driver(&self) -> Option<Driver> {
                if !self.is_complete.load(Ordering::Acquire) {
                    return None;
                }
                // SAFETY: `fill` found every address under the name of the function of that type.
                Some(unsafe {
                    Driver {
                        $($name: transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) -> i32>(
                            self.$name.load(Ordering::Relaxed),
                        ),)*
                    }
                })
            }
        }
    };
}

functions! {
    init = c"cuInit" (u32);
    device_count = c"cuDeviceGetCount" (*mut i32);
    device_get = c"cuDeviceGet" (*mut i32, i32);
    device_attribute = c"cuDeviceGetAttribute" (*mut i32, i32, i32);
    primary_retain = c"cuDevicePrimaryCtxRetain" (*mut Handle, i32);
    primary_release = c"cuDevicePrimaryCtxRelease_v2" (i32);
    context_current = c"cuCtxGetCurrent" (*mut Handle);
    context_push = c"cuCtxPushCurrent_v2" (Handle);
    context_pop = c"cuCtxPopCurrent_v2" (*mut Handle);
    module_load = c"cuModuleLoadData" (*mut Handle, *const c_void);
    module_unload = c"cuModuleUnload" (Handle);
    module_function = c"cuModuleGetFunction" (*mut Handle, Handle, *const c_char);
    function_set = c"cuFuncSetAttribute" (Handle, i32, i32);
    launch = c"cuLaunchKernel" (Handle, u32, u32, u32, u32, u32, u32, u32, Handle, *mut *mut c_void, *mut *mut c_void);
    allocate = c"cuMemAlloc_v2" (*mut DevicePointer, usize);
    free = c"cuMemFree_v2" (DevicePointer);
    allocate_on_stream = c"cuMemAllocAsync" (*mut DevicePointer, usize, Handle);
    free_on_stream = c"cuMemFreeAsync" (DevicePointer, Handle);
    memory_info = c"cuMemGetInfo_v2" (*mut usize, *mut usize);
    copy_to_device = c"cuMemcpyHtoDAsync_v2" (DevicePointer, *const c_void, usize, Handle);
    copy_to_host = c"cuMemcpyDtoHAsync_v2" (*mut c_void, DevicePointer, usize, Handle);
    synchronize = c"cuStreamSynchronize" (Handle);
    error_name = c"cuGetErrorName" (i32, *mut *const c_char);
    error_text = c"cuGetErrorString" (i32, *mut *const c_char);
}

impl Driver {
    /// The driver of this machine.
    pub fn find(table: &Table, message: &mut Message) -> Result<Driver, Status> {
        if let Some(driver) = table.driver() {
            return Ok(driver);
        }
        // SAFETY: the name is NUL-terminated.
        let library = unsafe { libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            message.text("there is no CUDA driver: libcuda.so.1 cannot be loaded");
            return Err(Status::Driver);
        }
        // SAFETY: the library stays open, and names are NUL-terminated.
        let filled = table.fill(|name| unsafe { libc::dlsym(library, name.as_ptr()) });
        if let Err(missing) = filled {
            // SAFETY: as above.
            unsafe { message.text("the CUDA driver is too old: it has no ").name(missing.as_ptr()) };
            return Err(Status::Driver);
        }
        table.driver().ok_or(Status::Driver)
    }

    /// The status of what a function returned; for errors the message says which function it was, and the driver's name and text of the error.
    #[inline(always)]
    pub fn check(&self, function: &str, result: i32, message: &mut Message) -> Result<(), Status> {
        if result == SUCCESS { Ok(()) } else { Err(self.refuse(function, result, message)) }
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, function: &str, result: i32, message: &mut Message) -> Status {
        let (mut name, mut text) = (core::ptr::null(), core::ptr::null());
        // SAFETY: the texts are NUL-terminated and stay; what is unknown is left NULL or set to it.
        unsafe {
            (self.error_name)(result, &mut name);
            (self.error_text)(result, &mut text);
            message.text(function).text(": ");
            if name.is_null() {
                message.text("error ").number(result.into());
            } else {
                message.name(name);
            }
            if !text.is_null() {
                message.text(" (").name(text).text(")");
            }
        }
        if result == OUT_OF_MEMORY { Status::Memory } else { Status::Driver }
    }
}
