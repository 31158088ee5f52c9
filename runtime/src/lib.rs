//! The run-time side of a compiled library: its C ABI, the support code that is linked into it, and a loader.
//!
//! `abi` and `support` are compiled twice: here, and by `build.rs` with `--cfg keops_embed` into [`SUPPORT_OBJECT`].
#![cfg_attr(keops_embed, no_std)]

pub mod abi;
#[cfg(not(keops_embed))]
mod gpus;
#[cfg(not(keops_embed))]
pub mod loader;
#[cfg(not(keops_embed))]
pub mod manifest;
pub mod support;

#[cfg(not(keops_embed))]
pub use gpus::gpu_architecture;

/// A relocatable ELF object with the `keops_support_*` functions (hidden symbols), to be linked into every library.
/// It needs nothing but the C library.
#[cfg(not(keops_embed))]
pub static SUPPORT_OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/support.o"));

/// Never reached: a test looks for panics in the object.
#[cfg(keops_embed)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
