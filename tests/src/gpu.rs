//! Kernels for GPUs in the emulator of `tests/emulator`: compiled by its nvcc, run by its libcuda.so.1, which this process opens.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use keopsc_cuda::library::Library;
use keopsc_driver::device::find::Compiler;
use keopsc_driver::device::{self, DeviceTarget};
use keopsc_ir::plan::Verified;
use keopsc_runtime::abi::{DL_CUDA, DLDevice, DLTensor};
use object::Architecture;

use crate::strided::Strided;

/// The emulator has two devices, one with many multiprocessors and one with few.
pub const DEVICES: u64 = 2;

/// What memory is aligned to.
const ALIGNMENT: usize = 256;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("emulator")
}

/// The object file with the kernels of some plans.
pub(crate) fn compile(plans: &[Verified], library: &Library) -> Vec<u8> {
    let target = DeviceTarget { architectures: vec![90], compiler: Ok(Compiler::Nvcc(folder().join("nvcc"))) };
    let images = device::compile(&library.text, &target).expect("kernels compile");
    device::tables::object(plans, library, &images, Architecture::X86_64).expect("the tables are those of the plans")
}

/// The emulated driver. Libraries that ask for libcuda.so.1 later get it, too.
pub struct Driver {
    library: libloading::Library,
}

/// The driver of this process.
pub fn driver() -> &'static Driver {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let built = tempfile::tempdir().expect("a temporary folder");
        let path = built.path().join("libcuda.so.1");
        let options =
            ["-std=c++20", "-O1", "-fvisibility=hidden", "-shared", "-fPIC", "-pthread", "-Wl,-soname,libcuda.so.1"];
        let status = Command::new("g++").args(options).arg("-o").arg(&path).arg(folder().join("libcuda.cpp")).status();
        assert!(matches!(&status, Ok(status) if status.success()), "g++ makes the emulated driver: {status:?}");
        // SAFETY: it has no initializers but those of its own variables.
        let library = unsafe { libloading::Library::new(&path) }.expect("the emulated driver loads");
        let driver = Driver { library };
        driver.call("cuInit", [0; 4]);
        driver
    })
}

impl Driver {
    /// Calls a function with up to four arguments, whose errors end the test.
    fn call(&self, name: &str, [a, b, c, d]: [usize; 4]) {
        // SAFETY: functions of the driver take integers and pointers; more of them than they know do no harm in the C ABI.
        let status = unsafe {
            let function = self.library.get::<unsafe extern "C" fn(usize, usize, usize, usize) -> i32>(name);
            function.expect("a function of the driver")(a, b, c, d)
        };
        assert_eq!(status, 0, "{name}");
    }

    /// With the context of a device as the current one.
    fn within<T>(&self, device: u64, body: impl FnOnce() -> T) -> T {
        let mut context = 0_usize;
        self.call("cuDevicePrimaryCtxRetain", [(&raw mut context).addr(), device as usize, 0, 0]);
        self.call("cuCtxPushCurrent_v2", [context, 0, 0, 0]);
        let result = body();
        self.call("cuCtxPopCurrent_v2", [0; 4]);
        self.call("cuDevicePrimaryCtxRelease_v2", [device as usize, 0, 0, 0]);
        result
    }

    /// Waits for all that a device has to do.
    pub fn synchronize(&self, device: u64) {
        self.within(device, || self.call("cuCtxSynchronize", [0; 4]));
    }
}

/// Memory of a device, whose end lies at a forbidden page.
#[derive(Debug)]
pub struct Memory {
    device: u64,
    base: usize,
    /// The first byte.
    pub address: usize,
    size: usize,
}

impl Memory {
    /// So many bytes.
    pub fn new(device: u64, size: usize) -> Memory {
        let whole = size.next_multiple_of(ALIGNMENT).max(ALIGNMENT);
        let mut base = 0_usize;
        let driver = driver();
        driver.within(device, || driver.call("cuMemAlloc_v2", [(&raw mut base).addr(), whole, 0, 0]));
        Memory { device, base, address: base + whole - size, size }
    }

    fn of(device: u64, bytes: &[u8]) -> Memory {
        let memory = Memory::new(device, bytes.len());
        if !bytes.is_empty() {
            let driver = driver();
            let arguments = [memory.address, bytes.as_ptr().expose_provenance(), bytes.len(), 0];
            driver.within(device, || driver.call("cuMemcpyHtoD_v2", arguments));
        }
        memory
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size];
        if self.size > 0 {
            let driver = driver();
            let arguments = [bytes.as_mut_ptr().expose_provenance(), self.address, self.size, 0];
            driver.within(self.device, || driver.call("cuMemcpyDtoH_v2", arguments));
        }
        bytes
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let driver = driver();
        driver.within(self.device, || driver.call("cuMemFree_v2", [self.base, 0, 0, 0]));
    }
}

/// A copy of a tensor, gaps included, on a device.
pub struct Uploaded {
    memory: Memory,
    /// As the ABI has it.
    pub tensor: DLTensor,
}

impl Uploaded {
    /// Copies it there.
    pub fn new(device: u64, strided: &Strided) -> Uploaded {
        let memory = Memory::of(device, strided.bytes());
        let mut tensor = strided.tensor();
        if !tensor.data.is_null() {
            let offset = tensor.data.addr().wrapping_sub(strided.bytes().as_ptr().addr());
            tensor.data = std::ptr::with_exposed_provenance_mut(memory.address.wrapping_add(offset));
        }
        tensor.device = DLDevice { device_type: DL_CUDA, device_id: device as i32 };
        Uploaded { memory, tensor }
    }

    /// What is there now.
    pub fn bytes(&self) -> Vec<u8> {
        self.memory.bytes()
    }
}
