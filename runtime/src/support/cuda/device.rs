//! GPUs that a library has loaded its kernels on. Each is loaded once, by the first call that needs it or by `prepare`, and stays until the
//! process ends.
//!
//! Threads that load one at the same time each do so; the first to finish is kept, the others undo what they did.

use super::driver::{Driver, Handle, SUCCESS, Table};
use crate::abi::{DeviceCode, DeviceImage, Status};
use crate::support::arena::times;
use crate::support::libc;
use crate::support::message::Message;
use crate::support::problem::list;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Devices have numbers below this.
pub const MAX_DEVICES: usize = 64;

/// `CUDA_ERROR_NOT_FOUND`: a module has no function of a name.
pub const NOT_FOUND: i32 = 500;
/// `CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT`.
const MULTIPROCESSORS: i32 = 16;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
const CAPABILITY_MAJOR: i32 = 75;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR`.
const CAPABILITY_MINOR: i32 = 76;
/// `CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED`.
const MEMORY_POOLS: i32 = 115;

/// Machine code for this compute capability has instructions of its own, and kernels that take [`DeviceKernel::large_bytes`].
///
/// [`DeviceKernel::large_bytes`]: crate::abi::DeviceKernel::large_bytes
const WITH_LARGE_MEMORY: u32 = 90;

/// What a library knows of the driver and of devices.
pub struct State {
    /// The driver's functions.
    pub table: Table,
    devices: [AtomicPtr<Device>; MAX_DEVICES],
}

impl State {
    /// Nothing yet.
    pub const fn new() -> State {
        State { table: Table::empty(), devices: [const { AtomicPtr::new(null_mut()) }; MAX_DEVICES] }
    }
}

/// A GPU with the library's kernels. Their handles follow in memory, then those of the modules that they are in.
pub struct Device {
    /// Its number.
    pub number: i32,
    /// Its primary context.
    pub context: Handle,
    /// Its multiprocessors.
    pub multiprocessors: usize,
    /// Whether memory can be allocated on a stream.
    pub has_pools: bool,
    /// Whether the code is that which takes more shared memory than every GPU has.
    pub has_large_memory: bool,
    num_kernels: usize,
    /// Modules that are loaded.
    num_modules: usize,
}

impl Device {
    /// The kernel of that number, NULL if there is none.
    pub fn kernel(&self, number: u32) -> Handle {
        if number as usize >= self.num_kernels {
            return null_mut();
        }
        // SAFETY: `load` wrote this many handles behind the device.
        unsafe { self.kernels().add(number as usize).read() }
    }

    fn kernels(&self) -> *mut Handle {
        core::ptr::from_ref(self).wrapping_add(1).cast_mut().cast()
    }

    fn modules(&self) -> *mut Handle {
        self.kernels().wrapping_add(self.num_kernels)
    }
}

/// The compute capability, times ten, of the device of that number; `None` if there are not so many.
///
/// # Safety
/// The driver is a driver.
#[cfg(not(keops_embed))]
pub unsafe fn architecture(driver: &Driver, number: i32, message: &mut Message) -> Result<Option<u32>, Status> {
    // SAFETY: outputs are places of the right type.
    unsafe {
        driver.check("cuInit", (driver.init)(0), message)?;
        let (mut count, mut handle) = (0, 0);
        driver.check("cuDeviceGetCount", (driver.device_count)(&mut count), message)?;
        if number >= count {
            return Ok(None);
        }
        driver.check("cuDeviceGet", (driver.device_get)(&mut handle, number), message)?;
        let mut attributes = [0; 2];
        for (attribute, kind) in attributes.iter_mut().zip([CAPABILITY_MAJOR, CAPABILITY_MINOR]) {
            let result = (driver.device_attribute)(attribute, kind, handle);
            driver.check("cuDeviceGetAttribute", result, message)?;
        }
        let [major, minor] = attributes.map(|attribute: i32| attribute.max(0) as u32);
        Ok(Some(10 * major + minor))
    }
}

/// The device of that number, with the library's kernels.
///
/// # Safety
/// The code is valid.
pub unsafe fn device(
    state: &'static State,
    driver: &Driver,
    code: &DeviceCode,
    number: i32,
    message: &mut Message,
) -> Result<&'static Device, Status> {
    let Some(place) = usize::try_from(number).ok().and_then(|number| state.devices.get(number)) else {
        message.text("there is no CUDA device ").number(number.into());
        return Err(Status::Device);
    };
    let mut loaded = place.load(Ordering::Acquire);
    if loaded.is_null() {
        // SAFETY: as the caller promises.
        let fresh = unsafe { load(driver, code, number, message)? };
        loaded = match place.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(earlier) => {
                // SAFETY: nobody else has seen it.
                unsafe { unload(driver, fresh) };
                earlier
            }
        };
    }
    // SAFETY: a device that stands in the table stays.
    Ok(unsafe { &*loaded })
}

unsafe fn load(driver: &Driver, code: &DeviceCode, number: i32, message: &mut Message) -> Result<*mut Device, Status> {
    // SAFETY: outputs are places of the right type; the code is valid.
    unsafe {
        driver.check("cuInit", (driver.init)(0), message)?;
        let mut count = 0;
        driver.check("cuDeviceGetCount", (driver.device_count)(&mut count), message)?;
        if number >= count {
            message.text("there is no CUDA device ").number(number.into()).text(": this machine has ");
            message.number(count.into());
            return Err(Status::Device);
        }
        let mut handle = 0;
        driver.check("cuDeviceGet", (driver.device_get)(&mut handle, number), message)?;
        let mut attributes = [0; 3];
        for (attribute, kind) in attributes.iter_mut().zip([CAPABILITY_MAJOR, CAPABILITY_MINOR, MULTIPROCESSORS]) {
            let result = (driver.device_attribute)(attribute, kind, handle);
            driver.check("cuDeviceGetAttribute", result, message)?;
        }
        let [major, minor, multiprocessors] = attributes.map(|attribute: i32| attribute.max(0) as u32);
        // Drivers that do not know the attribute have no pools either.
        let mut pools = 0;
        let has_pools = (driver.device_attribute)(&mut pools, MEMORY_POOLS, handle) == SUCCESS && pools > 0;

        let images = list(code.images, code.num_images);
        let best =
            best_image(images, major, minor).ok_or_else(|| refuse_images(images, number, [major, minor], message))?;

        let kernels = code.num_kernels as usize;
        let handles = kernels.saturating_add(images.len());
        let device =
            libc::malloc(size_of::<Device>().saturating_add(times(handles, size_of::<Handle>()))).cast::<Device>();
        if device.is_null() {
            message.text("out of memory");
            return Err(Status::Memory);
        }
        device.write(Device {
            number,
            context: null_mut(),
            multiprocessors: (multiprocessors as usize).max(1),
            has_pools,
            has_large_memory: best.architecture == WITH_LARGE_MEMORY && best.is_ptx == 0,
            num_kernels: kernels,
            num_modules: 0,
        });
        let retained = (driver.primary_retain)(&mut (*device).context, handle);
        let filled = driver
            .check("cuDevicePrimaryCtxRetain", retained, message)
            .and_then(|()| Current::enter(driver, (*device).context, message))
            .and_then(|_current| load_kernels(driver, code, best, &mut *device, message));
        if let Err(status) = filled {
            unload(driver, device);
            return Err(status);
        }
        Ok(device)
    }
}

/// Loads the images that are of the kind of the best one in the current context, and finds all kernels.
unsafe fn load_kernels(
    driver: &Driver,
    code: &DeviceCode,
    best: &DeviceImage,
    device: &mut Device,
    message: &mut Message,
) -> Result<(), Status> {
    // SAFETY: images are what the driver takes, names are NUL-terminated; there is room for a handle for each kernel and each image.
    unsafe {
        for image in list(code.images, code.num_images).iter().filter(|image| is_of_kind(image, best)) {
            let loaded = (driver.module_load)(device.modules().add(device.num_modules), image.bytes.cast());
            driver.check("cuModuleLoadData", loaded, message)?;
            device.num_modules += 1;
        }
        for (number, name) in list(code.kernels, code.num_kernels).iter().enumerate() {
            let mut found = SUCCESS;
            for module in 0..device.num_modules {
                found =
                    (driver.module_function)(device.kernels().add(number), device.modules().add(module).read(), *name);
                if found != NOT_FOUND {
                    break;
                }
            }
            driver.check("cuModuleGetFunction", found, message).inspect_err(|_| {
                message.text(" for ").name(*name);
            })?;
        }
    }
    Ok(())
}

/// Undoes what `load` did.
unsafe fn unload(driver: &Driver, device: *mut Device) {
    // SAFETY: the device came from malloc, and nobody else has it.
    unsafe {
        let Device { number, context, num_modules, .. } = device.read();
        if num_modules > 0
            && let Ok(_current) = Current::enter(driver, context, &mut Message::none())
        {
            for module in 0..num_modules {
                (driver.module_unload)((*device).modules().add(module).read());
            }
        }
        if !context.is_null() {
            let mut handle = 0;
            (driver.device_get)(&mut handle, number);
            (driver.primary_release)(handle);
        }
        libc::free(device.cast());
    }
}

/// The image to load on a device: machine code of the same major number, of the highest minor number that the device has, else the PTX of the
/// highest capability that it has.
pub fn best_image(images: &[DeviceImage], major: u32, minor: u32) -> Option<&DeviceImage> {
    let capability = major * 10 + minor;
    let fits = |image: &&DeviceImage| {
        image.architecture <= capability && (image.is_ptx != 0 || image.architecture / 10 == major)
    };
    images.iter().filter(fits).max_by_key(|image| (image.is_ptx == 0, image.architecture))
}

/// Whether two images have kernels for the same GPUs.
fn is_of_kind(image: &DeviceImage, other: &DeviceImage) -> bool {
    (image.architecture, image.is_ptx) == (other.architecture, other.is_ptx)
}

#[cold]
fn refuse_images(images: &[DeviceImage], number: i32, capability: [u32; 2], message: &mut Message) -> Status {
    let version = |message: &mut Message, [major, minor]: [u32; 2]| {
        message.number(major.into()).text(".").number(minor.into());
    };
    message.text("CUDA device ").number(number.into()).text(" has compute capability ");
    version(message, capability);
    message.text(", but this library's code is for ");
    let mut before: Option<&DeviceImage> = None;
    for image in images.iter() {
        if before.is_some_and(|before| is_of_kind(image, before)) {
            continue;
        }
        message.text(if before.is_some() { ", " } else { "" });
        before = Some(image);
        version(message, [image.architecture / 10, image.architecture % 10]);
        message.text(if image.is_ptx != 0 { " and later" } else { "" });
    }
    message.text(if images.is_empty() { "none" } else { "" });
    Status::Target
}

/// A context that is the thread's current one while this lives; then what was before is again.
pub struct Current<'d> {
    driver: &'d Driver,
    is_pushed: bool,
}

impl<'d> Current<'d> {
    /// Makes a context the thread's current one.
    ///
    /// # Safety
    /// It is a context.
    pub unsafe fn enter(driver: &'d Driver, context: Handle, message: &mut Message) -> Result<Current<'d>, Status> {
        let mut current: *mut c_void = null_mut();
        // SAFETY: as the caller promises.
        unsafe {
            driver.check("cuCtxGetCurrent", (driver.context_current)(&mut current), message)?;
            if current == context {
                return Ok(Current { driver, is_pushed: false });
            }
            driver.check("cuCtxPushCurrent", (driver.context_push)(context), message)?;
        }
        Ok(Current { driver, is_pushed: true })
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        if self.is_pushed {
            let mut popped = null_mut();
            // SAFETY: `enter` pushed it.
            unsafe { (self.driver.context_pop)(&mut popped) };
        }
    }
}
