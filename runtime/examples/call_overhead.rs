//! Prints what a layer-1 call costs beyond its kernels: M = N = 10 points in three dimensions, kernels that do nothing.
//!
//! `cargo run --release -p keopsc-runtime --example call_overhead`

use core::ffi::c_void;
use keopsc_runtime::abi::*;
use keopsc_runtime::support::keops_support_plain;
use std::time::Instant;

const TILE: u32 = 64;

unsafe extern "C" fn initialize(_: *mut c_void) {}
unsafe extern "C" fn accumulate(_: *const c_void, _: *const c_void, _: *const c_void, _: i64, _: i64, _: *mut c_void) {}
unsafe extern "C" fn merge(_: *mut c_void, _: *const c_void) {}
unsafe extern "C" fn epilogue(_: *const c_void, _: *const c_void, _: *const c_void, _: *mut c_void) {}

fn main() {
    let tensor = |name: &'static core::ffi::CStr, dim, role, is_output| TensorDescriptor {
        name: name.as_ptr(),
        dim,
        role,
        dtype: F32,
        is_output,
        reserved: 0,
    };
    let tensors = [tensor(c"x", 3, ROLE_I, 0), tensor(c"y", 3, ROLE_J, 0), tensor(c"b", 1, ROLE_J, 0), tensor(c"c", 1, ROLE_I, 1)];
    let row_reads = [Read { tensor: 0, dim: 3 }];
    let column_reads = [Read { tensor: 1, dim: 3 }, Read { tensor: 2, dim: 1 }];
    let writes = [Write { tensor: 3, dim: 1, offset: 0, reserved: 0 }];
    let pass = PassDescriptor {
        rows: ROLE_I,
        columns: ROLE_J,
        compute: F32,
        reserved: 0,
        tile_rows: TILE,
        chunk: 512,
        num_row_reads: 1,
        num_column_reads: 2,
        num_parameter_reads: 0,
        num_writes: 1,
        row_values: 3,
        column_values: 4,
        parameter_values: 0,
        state_size: 4 * TILE,
        result_size: 4 * TILE,
        pair_cost: 8,
        row_reads: row_reads.as_ptr(),
        column_reads: column_reads.as_ptr(),
        parameter_reads: core::ptr::null(),
        writes: writes.as_ptr(),
        parameter_prologue: None,
        row_prologue: None,
        column_prologue: None,
        initialize,
        accumulate,
        merge,
        epilogue,
    };
    let clone = CloneDescriptor { name: c"generic".as_ptr(), requirement: REQUIRES_NOTHING, num_passes: 1, passes: &pass };
    let entry = EntryDescriptor {
        name: c"conv".as_ptr(),
        num_tensors: 4,
        num_temporaries: 0,
        tensors: tensors.as_ptr(),
        num_clones: 1,
        reserved: 0,
        clones: &clone,
    };
    let (mut x, mut y, mut b, mut c) = ([0.5_f32; 30], [0.5_f32; 30], [0.5_f32; 10], [0.0_f32; 10]);
    let pointers: [*mut c_void; 4] = [x.as_mut_ptr().cast(), y.as_mut_ptr().cast(), b.as_mut_ptr().cast(), c.as_mut_ptr().cast()];
    let calls = 100_000;
    let best = (0..20).map(|_| {
        let start = Instant::now();
        for _ in 0..calls {
            // SAFETY: the descriptors and arrays above fit together.
            let status = unsafe { keops_support_plain(&entry, 10, 10, pointers.as_ptr()) };
            assert_eq!(status, 0);
        }
        start.elapsed().as_nanos() / calls
    });
    println!("{} ns a call", best.min().unwrap_or(0));
}
