//! A driver in plain Rust: devices whose memory is the host's, and kernels that run in the launch. Every test has its own.

use super::kernels;
use crate::support::cuda::device::NOT_FOUND;
use crate::support::cuda::driver::{DevicePointer, Driver, Handle, NOT_SUPPORTED};
use crate::support::cuda::state;
use core::ffi::{CStr, c_char, c_void};
use std::cell::RefCell;
use std::collections::HashMap;

/// What a launch was.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    pub kernel: String,
    pub grid: [u32; 3],
    pub threads: u32,
    pub stream: usize,
}

/// The machine, and what was done on it.
#[derive(Default)]
pub struct Machine {
    /// Compute capabilities of the devices.
    pub devices: Vec<(i32, i32)>,
    pub multiprocessors: i32,
    pub has_pools: bool,
    pub free_bytes: usize,
    /// A function that fails, and with what.
    pub failure: Option<(&'static str, i32)>,
    pub launches: Vec<Launch>,
    /// Names of all functions called, but for launches.
    pub calls: Vec<&'static str>,
    /// First bytes of loaded images.
    pub images: Vec<u8>,
    /// Bytes of dynamic shared memory that kernels may have.
    dynamic_bytes: HashMap<String, u32>,
    contexts: Vec<usize>,
    blocks: HashMap<DevicePointer, (Vec<u8>, usize)>,
    pub most_allocated: usize,
}

thread_local!(static MACHINE: RefCell<Machine> = RefCell::default());

/// Looks at this test's machine.
pub fn machine<T>(look: impl FnOnce(&mut Machine) -> T) -> T {
    MACHINE.with(|machine| look(&mut machine.borrow_mut()))
}

/// Installs a machine with one device of capability 9.0.
pub fn install() {
    machine(|machine| {
        *machine = Machine {
            devices: vec![(9, 0)],
            multiprocessors: 2,
            has_pools: true,
            free_bytes: 1 << 30,
            contexts: vec![77],
            ..Machine::default()
        };
    });
    state().table.install(&Driver {
        init,
        device_count,
        device_get,
        device_attribute,
        primary_retain,
        primary_release,
        context_current,
        context_push,
        context_pop,
        module_load,
        module_unload,
        module_function,
        function_set,
        launch,
        allocate,
        free,
        allocate_on_stream,
        free_on_stream,
        memory_info,
        copy_to_device,
        copy_to_host,
        synchronize,
        error_name,
        error_text,
    });
}

/// The launches since the last time, and that nothing is left behind.
pub fn launches() -> Vec<Launch> {
    machine(|machine| {
        assert_eq!(machine.contexts, [77], "what was current is so again");
        assert!(machine.blocks.is_empty(), "all memory is freed");
        std::mem::take(&mut machine.launches)
    })
}

/// The names of kernels launched since the last time.
pub fn kernels_launched() -> Vec<String> {
    launches().into_iter().map(|launch| launch.kernel).collect()
}

const CANARY: u8 = 0xa5;

fn called(name: &'static str, body: impl FnOnce(&mut Machine) -> i32) -> i32 {
    machine(|machine| {
        machine.calls.push(name);
        match machine.failure {
            Some((function, error)) if function == name => error,
            _ => body(machine),
        }
    })
}

unsafe extern "C" fn init(_: u32) -> i32 {
    called("init", |_| 0)
}
unsafe extern "C" fn device_count(count: *mut i32) -> i32 {
    called("device_count", |machine| {
        unsafe { *count = machine.devices.len() as i32 };
        0
    })
}
unsafe extern "C" fn device_get(device: *mut i32, number: i32) -> i32 {
    called("device_get", |_| {
        unsafe { *device = 100 + number };
        0
    })
}
unsafe extern "C" fn device_attribute(value: *mut i32, attribute: i32, device: i32) -> i32 {
    called("device_attribute", |machine| {
        let (major, minor) = machine.devices[device as usize - 100];
        let known = [(75, major), (76, minor), (16, machine.multiprocessors), (115, i32::from(machine.has_pools))];
        let Some((_, known)) = known.iter().find(|(number, _)| *number == attribute) else { return 1 };
        unsafe { *value = *known };
        0
    })
}
unsafe extern "C" fn primary_retain(context: *mut Handle, device: i32) -> i32 {
    called("primary_retain", |_| {
        unsafe { *context = (device as usize) as Handle };
        0
    })
}
unsafe extern "C" fn primary_release(_: i32) -> i32 {
    called("primary_release", |_| 0)
}
unsafe extern "C" fn context_current(context: *mut Handle) -> i32 {
    called("context_current", |machine| {
        unsafe { *context = *machine.contexts.last().unwrap() as Handle };
        0
    })
}
unsafe extern "C" fn context_push(context: Handle) -> i32 {
    called("context_push", |machine| {
        machine.contexts.push(context as usize);
        0
    })
}
unsafe extern "C" fn context_pop(_: *mut Handle) -> i32 {
    called("context_pop", |machine| {
        machine.contexts.pop();
        0
    })
}
/// The handle of an image with all kernels; then those of its parts.
const MODULE: usize = 5;

unsafe extern "C" fn module_load(module: *mut Handle, image: *const c_void) -> i32 {
    called("module_load", |machine| {
        assert!(machine.contexts.len() > 1);
        machine.images.push(unsafe { image.cast::<u8>().read() });
        let part = unsafe { image.cast::<u8>().add(1).read() };
        unsafe { *module = (MODULE + usize::from(part)) as Handle };
        0
    })
}
unsafe extern "C" fn module_unload(_: Handle) -> i32 {
    called("module_unload", |_| 0)
}
unsafe extern "C" fn module_function(function: *mut Handle, module: Handle, name: *const c_char) -> i32 {
    called("module_function", |_| {
        let part = module as usize - MODULE;
        if part > 0 && part != kernels::part(unsafe { CStr::from_ptr(name) }) {
            return NOT_FOUND;
        }
        unsafe { *function = name.cast_mut().cast() };
        0
    })
}

unsafe extern "C" fn function_set(function: Handle, attribute: i32, value: i32) -> i32 {
    let kernel = unsafe { CStr::from_ptr(function.cast()) }.to_str().unwrap().to_owned();
    called("function_set", |machine| {
        match attribute {
            8 => {
                machine.dynamic_bytes.insert(kernel, value as u32);
            }
            _ => assert_eq!((attribute, value), (9, 100), "all of it is shared memory"),
        }
        0
    })
}

unsafe extern "C" fn launch(
    function: Handle,
    x: u32,
    y: u32,
    z: u32,
    threads: u32,
    one: u32,
    also_one: u32,
    shared: u32,
    stream: Handle,
    arguments: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> i32 {
    assert_eq!((one, also_one, extra.is_null()), (1, 1, true));
    assert!(x > 0 && (1..65536).contains(&y) && (1..65536).contains(&z) && threads > 0);
    let kernel = unsafe { CStr::from_ptr(function.cast()) }.to_str().unwrap().to_owned();
    let stream = stream as usize;
    let failure = machine(|machine| {
        assert!(*machine.contexts.last().unwrap() >= 100, "a device's context is current");
        assert_eq!(shared, machine.dynamic_bytes.get(&kernel).copied().unwrap_or(0), "as much as it may have");
        machine.launches.push(Launch { kernel: kernel.clone(), grid: [x, y, z], threads, stream });
        machine.failure.filter(|(name, _)| *name == "launch").map(|(_, error)| error)
    });
    if let Some(error) = failure {
        return error;
    }
    unsafe { kernels::run(&kernel, [x, y, z].map(|extent| extent as usize), *arguments) };
    0
}

fn allocated(machine: &mut Machine, address: *mut DevicePointer, size: usize) -> i32 {
    let mut block = vec![CANARY; size + 512];
    let start = (block.as_mut_ptr() as u64).next_multiple_of(256);
    machine.blocks.insert(start, (block, size));
    machine.most_allocated = machine.most_allocated.max(machine.blocks.values().map(|(_, size)| size).sum());
    unsafe { *address = start };
    0
}

fn freed(machine: &mut Machine, address: DevicePointer) -> i32 {
    let (block, size) = machine.blocks.remove(&address).expect("it was allocated");
    let start = (address - block.as_ptr() as u64) as usize;
    assert!(block[start + size..].iter().all(|byte| *byte == CANARY), "nothing is written past the end");
    0
}

unsafe extern "C" fn allocate(address: *mut DevicePointer, size: usize) -> i32 {
    called("allocate", |machine| allocated(machine, address, size))
}
unsafe extern "C" fn free(address: DevicePointer) -> i32 {
    called("free", |machine| freed(machine, address))
}
unsafe extern "C" fn allocate_on_stream(address: *mut DevicePointer, size: usize, _: Handle) -> i32 {
    called(
        "allocate_on_stream",
        |machine| {
            if machine.has_pools { allocated(machine, address, size) } else { NOT_SUPPORTED }
        },
    )
}
unsafe extern "C" fn free_on_stream(address: DevicePointer, _: Handle) -> i32 {
    called("free_on_stream", |machine| freed(machine, address))
}
unsafe extern "C" fn memory_info(free: *mut usize, total: *mut usize) -> i32 {
    called("memory_info", |machine| {
        unsafe { (*free, *total) = (machine.free_bytes, 1 << 40) };
        0
    })
}
unsafe extern "C" fn copy_to_device(target: DevicePointer, source: *const c_void, size: usize, _: Handle) -> i32 {
    called("copy_to_device", |_| {
        unsafe { (target as *mut u8).copy_from(source.cast(), size) };
        0
    })
}
unsafe extern "C" fn copy_to_host(target: *mut c_void, source: DevicePointer, size: usize, _: Handle) -> i32 {
    called("copy_to_host", |_| {
        unsafe { target.cast::<u8>().copy_from(source as *const u8, size) };
        0
    })
}
unsafe extern "C" fn synchronize(_: Handle) -> i32 {
    called("synchronize", |_| 0)
}
unsafe extern "C" fn error_name(error: i32, name: *mut *const c_char) -> i32 {
    let known = match error {
        2 => c"CUDA_ERROR_OUT_OF_MEMORY".as_ptr(),
        3 => c"CUDA_ERROR_NOT_INITIALIZED".as_ptr(),
        700 => c"CUDA_ERROR_ILLEGAL_ADDRESS".as_ptr(),
        _ => core::ptr::null(),
    };
    unsafe { *name = known };
    0
}
unsafe extern "C" fn error_text(error: i32, text: *mut *const c_char) -> i32 {
    let known = match error {
        2 => c"out of memory".as_ptr(),
        3 => c"initialization error".as_ptr(),
        700 => c"an illegal memory access was encountered".as_ptr(),
        _ => core::ptr::null(),
    };
    unsafe { *text = known };
    0
}
