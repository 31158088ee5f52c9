//! Prints what calls cost beyond their kernels (which do nothing here), points in three dimensions: a layer-1 call with M = N = 10,
//! and each of 10,000 problems with M = N = 64 in one layer-2 call on one thread.
//!
//! `cargo run --release -p keopsc-runtime --example call_overhead`

use core::ffi::c_void;
use keopsc_runtime::abi::*;
use keopsc_runtime::support::{keops_support_plain, keops_support_run};
use std::time::Instant;

const TILE: u32 = 64;
const BATCH: i64 = 10_000;

unsafe extern "C" fn initialize(_: *mut c_void) {}
unsafe extern "C" fn accumulate(
    _: *const c_void,
    _: *const c_void,
    _: *const c_void,
    _: i64,
    _: i64,
    _: i64,
    _: *mut c_void,
) {
}
unsafe extern "C" fn merge(_: *mut c_void, _: *const c_void) {}
unsafe extern "C" fn epilogue(_: *const c_void, _: *const c_void, _: *const c_void, _: *mut c_void) {}

fn main() {
    let tensor = |name: &'static core::ffi::CStr, dim, role, is_output| TensorDescriptor {
        name: name.as_ptr(),
        dim,
        role,
        dtype: F32,
        is_output,
        finalize_reads: 0,
        gradient_of: NO_TENSOR,
    };
    let tensors = [
        tensor(c"x", 3, ROLE_I, 0),
        tensor(c"y", 3, ROLE_J, 0),
        tensor(c"b", 1, ROLE_J, 0),
        tensor(c"c", 1, ROLE_I, 1),
    ];
    let row_reads = [Read { tensor: 0, dim: 3 }];
    let column_reads = [Read { tensor: 1, dim: 3 }, Read { tensor: 2, dim: 1 }];
    let writes = [Write { tensor: 3, dim: 1, offset: 0, reserved: 0 }];
    let pass = PassDescriptor {
        rows: ROLE_I,
        columns: ROLE_J,
        compute: F32,
        order: ORDER_TREE,
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
        record_size: 0,
        num_fields: 0,
        few_rows: 0,
        lanes: 0,
        num_scatters: 0,
        row_reads: row_reads.as_ptr(),
        column_reads: column_reads.as_ptr(),
        parameter_reads: core::ptr::null(),
        writes: writes.as_ptr(),
        fields: core::ptr::null(),
        scatters: core::ptr::null(),
        parameter_prologue: None,
        row_prologue: None,
        column_prologue: None,
        initialize,
        accumulate,
        accumulate_few: None,
        accumulate_across: None,
        transpose: None,
        merge_lanes: None,
        merge,
        epilogue,
    };
    let clone =
        CloneDescriptor { name: c"generic".as_ptr(), requirement: REQUIRES_NOTHING, num_passes: 1, passes: &pass };
    let entry = EntryDescriptor {
        name: c"conv".as_ptr(),
        num_tensors: 4,
        num_temporaries: 0,
        tensors: tensors.as_ptr(),
        num_clones: 1,
        reserved: 0,
        clones: &clone,
        for_ranges: core::ptr::null(),
        device: core::ptr::null(),
    };
    let (mut x, mut y, mut b, mut c) = ([0.5_f32; 30], [0.5_f32; 30], [0.5_f32; 10], [0.0_f32; 10]);
    let pointers: [*mut c_void; 4] =
        [x.as_mut_ptr().cast(), y.as_mut_ptr().cast(), b.as_mut_ptr().cast(), c.as_mut_ptr().cast()];
    // SAFETY: the descriptors and arrays above fit together.
    let plain = best_nanoseconds(100_000, || unsafe { keops_support_plain(&entry, 10, 10, pointers.as_ptr()) });
    println!("layer 1, 10 x 10: {plain:.0} ns a call");

    let shapes = [[BATCH, 64, 3], [BATCH, 64, 3], [BATCH, 64, 1], [BATCH, 64, 1]];
    let mut arrays =
        shapes.map(|[batch, rows, dim]| (vec![0.5_f32; (batch * rows * dim) as usize], vec![batch, rows, dim]));
    let tensors = arrays.each_mut().map(|(values, shape)| DLTensor {
        data: values.as_mut_ptr().cast(),
        device: DLDevice { device_type: DL_CPU, device_id: 0 },
        ndim: 3,
        dtype: DLDataType { code: DL_FLOAT, bits: 32, lanes: 1 },
        shape: shape.as_mut_ptr(),
        strides: core::ptr::null_mut(),
        byte_offset: 0,
    });
    let pointers = tensors.each_ref().map(core::ptr::from_ref);
    let call = Call {
        struct_size: size_of::<Call>() as u32,
        num_tensors: 4,
        tensors: pointers.as_ptr(),
        rows_i: -1,
        rows_j: -1,
        threads: 1,
        device_type: 0,
        device_id: 0,
        check: 0,
        stream: core::ptr::null_mut(),
        ranges: core::ptr::null(),
        workspace: core::ptr::null_mut(),
        workspace_size: 0,
        message: core::ptr::null_mut(),
        message_size: 0,
    };
    // SAFETY: as above.
    let batch = best_nanoseconds(1, || unsafe { keops_support_run(&entry, &call) });
    println!("layer 2, {BATCH} problems of 64 x 64: {:.0} ns a problem", batch / BATCH as f64);
}

/// The least time of a call, over some repetitions of `calls` calls.
fn best_nanoseconds(calls: u32, function: impl Fn() -> i32) -> f64 {
    let once = || {
        let start = Instant::now();
        for _ in 0..calls {
            assert_eq!(function(), 0);
        }
        start.elapsed().as_nanos() as f64 / f64::from(calls)
    };
    (0..20).map(|_| once()).fold(f64::INFINITY, f64::min)
}
