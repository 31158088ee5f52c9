//! Values, launches and workspace of calls whose tensors are on a GPU.

use super::driver::{Launch, install, kernels_launched, launches, machine};
use super::{column, expected, kernels, on_gpu, succeed, whole};
use crate::abi::*;
use crate::support::keops_support_workspace;
use crate::support::tests::harness::{Array, blank_call, run, run_with};

/// x, y and a place for c.
fn arguments(rows: usize, columns: usize) -> Vec<Array> {
    vec![on_gpu(column(rows, 1)), on_gpu(column(columns, 2)), on_gpu(Array::zeros(F32, &[rows as i64, 1]))]
}

fn check(entry: &EntryDescriptor, rows: usize, columns: usize) -> Vec<String> {
    let mut arrays = arguments(rows, columns);
    succeed(entry, &mut arrays, |_| ());
    let wanted = expected(&whole(rows, 1), &whole(columns, 2));
    assert_eq!(&arrays[2].memory::<f32>()[..rows], wanted, "{rows} x {columns}");
    kernels_launched()
}

#[test]
fn all_sizes_and_orders() {
    install();
    for order in [ORDER_TREE, ORDER_SEQUENCE, ORDER_CARRIED] {
        let entry = kernels::product_with(|pass| pass.order = order);
        for rows in [0, 1, 3, 4, 5, 63, 64, 65] {
            for columns in [0, 1, 15, 16, 17, 100, 1000, 9000] {
                check(entry, rows, columns);
            }
        }
    }
}

#[test]
fn small_calls_take_two_launches_at_most() {
    install();
    assert_eq!(check(kernels::product(), 1000, 1000), ["many", "finish"]);
    assert_eq!(check(kernels::product(), 4, 100_000), ["few", "finish"]);
    assert_eq!(check(kernels::product(), 4, 0), ["finish"]);
    assert_eq!(check(kernels::product(), 0, 10), [""; 0]);
}

#[test]
fn what_is_launched() {
    install();
    let mut arrays = arguments(1000, 1000);
    succeed(kernels::product(), &mut arrays, |call| call.stream = 0x7000 as *mut _);
    let launch = |kernel: &str, grid, threads| Launch { kernel: kernel.to_owned(), grid, threads, stream: 0x7000 };
    assert_eq!(launches(), [launch("many", [16, 8, 1], 64), launch("finish", [63, 1, 1], 16)]);
}

#[test]
fn nothing_is_called_on_the_hot_path_but_what_is_needed() {
    install();
    let entry = kernels::product();
    let mut arrays = arguments(4, 4);
    succeed(entry, &mut arrays, |_| ());
    machine(|machine| machine.calls.clear());
    succeed(entry, &mut arrays, |_| ());
    machine(|machine| assert_eq!(machine.calls, ["context_current", "context_push", "context_pop"]));
}

#[test]
fn more_splits_than_a_grid_has() {
    install();
    let entry = kernels::product_with(|pass| {
        (pass.shortest_chunk, pass.longest_chunk, pass.longest_split) = (1, 1, 1);
    });
    let mut arrays = arguments(2, 70_000);
    succeed(entry, &mut arrays, |_| ());
    let grids: Vec<_> = launches().into_iter().map(|launch| launch.grid).collect();
    assert_eq!(grids, [[1, 65535, 1], [1, 4465, 1], [2, 1, 1]], "in teams of 16 threads a row");
    assert_eq!(&arrays[2].memory::<f32>()[..2], expected(&whole(2, 1), &whole(70_000, 2)));
}

#[test]
fn states_that_are_too_large_in_slabs() {
    install();
    let entry = kernels::product_with(|pass| {
        pass.state_size = 1 << 20;
        pass.longest_split = 1;
    });
    // 20 splits of a MB: 12 rows have room in 256 MB.
    assert_eq!(check(entry, 30, 320), ["few", "finish", "few", "finish", "few", "finish"]);
}

#[test]
fn strides() {
    install();
    let entry = kernels::product();
    let mut arrays = arguments(50, 40);
    arrays[0] = on_gpu(Array { shape: vec![50, 1], ..Array::f32(&[150], whole(150, 3)) }.with_strides(&[3, 1]));
    arrays[1] =
        on_gpu(Array { shape: vec![40, 1], offset: 39 * 4, ..Array::f32(&[40], whole(40, 4)) }.with_strides(&[-1, 1]));
    arrays[2] = on_gpu(Array { shape: vec![50, 1], ..Array::zeros(F32, &[100]) }.with_strides(&[2, 7]));
    succeed(entry, &mut arrays, |_| ());
    let x: Vec<f32> = whole(150, 3).into_iter().step_by(3).collect();
    let y: Vec<f32> = whole(40, 4).into_iter().rev().collect();
    let results: Vec<f32> = arrays[2].memory::<f32>().iter().copied().step_by(2).take(50).collect();
    assert_eq!(results, expected(&x, &y));
    assert!(arrays[2].memory::<f32>().iter().skip(1).step_by(2).all(|other| *other == 0.0));
}

/// x (5, 1, 3, M, 1) with y (4, 1, N, 1).
#[test]
fn batches() {
    install();
    let (rows, columns) = (9, 20);
    let x = whole(5 * 3 * rows, 1);
    let y = whole(4 * columns, 2);
    let mut arrays = [
        on_gpu(Array::f32(&[5, 1, 3, rows as i64, 1], x.clone())),
        on_gpu(Array::f32(&[4, 1, columns as i64, 1], y.clone())),
        on_gpu(Array::zeros(F32, &[5, 4, 3, rows as i64, 1])),
    ];
    succeed(kernels::product(), &mut arrays, |_| ());
    assert_eq!(launches().len(), 1);
    let results: Vec<f32> = (0..5 * 4 * 3)
        .flat_map(|element| {
            let (a, b, c) = (element / 12, element / 3 % 4, element % 3);
            expected(&x[(a * 3 + c) * rows..][..rows], &y[b * columns..][..columns])
        })
        .collect();
    assert_eq!(&arrays[2].memory::<f32>()[..results.len()], results);
}

/// Five dimensions of which no two neighbours are one: the host counts through two.
#[test]
fn batches_of_many_dimensions() {
    install();
    let (rows, columns) = (3, 5);
    let x = whole(32 * rows, 1);
    let y = whole(columns, 2);
    let mut arrays = [
        on_gpu(Array::f32(&[2, 2, 2, 2, 2, rows as i64, 1], x.clone())),
        on_gpu(Array::f32(&[columns as i64, 1], y.clone())),
        on_gpu(Array::zeros(F32, &[2, 2, 2, 2, 2, rows as i64, 1])),
    ];
    succeed(kernels::product(), &mut arrays, |_| ());
    assert_eq!(launches().iter().map(|launch| launch.grid[2]).collect::<Vec<_>>(), [32], "all are one");
    let reversed = [1, 2, 4, 8, 16].map(|step| step * rows as i64).into_iter().chain([1, 1]).collect::<Vec<_>>();
    arrays[0].strides = Some(reversed);
    succeed(kernels::product(), &mut arrays, |_| ());
    assert_eq!(launches().iter().map(|launch| launch.grid[2]).collect::<Vec<_>>(), [8, 8, 8, 8]);
    let results: Vec<f32> = (0_usize..32)
        .flat_map(|element| expected(&x[(element.reverse_bits() >> (usize::BITS - 5)) * rows..][..rows], &y))
        .collect();
    assert_eq!(&arrays[2].memory::<f32>()[..results.len()], results);
}

#[test]
fn no_batch_elements() {
    install();
    let mut arrays =
        [on_gpu(Array::zeros(F32, &[0, 9, 1])), on_gpu(column(20, 2)), on_gpu(Array::zeros(F32, &[0, 9, 1]))];
    succeed(kernels::product(), &mut arrays, |_| ());
    assert_eq!(kernels_launched(), [""; 0]);
}

fn two_expected(x: &[f32], y: &[f32]) -> Vec<f32> {
    expected(y, &expected(x, y))
}

#[test]
fn temporaries_lie_in_workspace() {
    install();
    let entry = kernels::two_passes();
    let (x, y) = (vec![1.0; 3 * 40], whole(10, 2));
    let mut arrays = [
        on_gpu(Array::f32(&[3, 40, 1], x.clone())),
        on_gpu(Array::f32(&[10, 1], y.clone())),
        on_gpu(Array::zeros(F32, &[3, 10, 1])),
    ];
    succeed(entry, &mut arrays, |_| ());
    machine(|machine| assert_eq!(machine.most_allocated, 512, "3 · 40 · 4 bytes in whole lines"));
    let results: Vec<f32> = (0..3).flat_map(|element| two_expected(&x[element * 40..][..40], &y)).collect();
    assert_eq!(&arrays[2].memory::<f32>()[..30], results);
    assert_eq!(kernels_launched().len(), 2);

    let mut bytes = 0;
    let tensors: Vec<DLTensor> = arrays.iter_mut().map(Array::tensor).collect();
    let pointers: Vec<_> = tensors.iter().map(core::ptr::from_ref).collect();
    let call = Call { num_tensors: 3, tensors: pointers.as_ptr(), ..blank_call(1) };
    assert_eq!(unsafe { keops_support_workspace(entry, &call, &mut bytes) }, 0);
    assert_eq!(bytes, 512 + 256);
    let mut memory = vec![0_u8; bytes as usize + 1];
    for offset in 0..2 {
        machine(|machine| machine.calls.clear());
        arrays[2].bytes.fill(0);
        succeed(entry, &mut arrays, |call| {
            call.workspace = memory.as_mut_ptr().wrapping_add(offset).cast();
            call.workspace_size = bytes;
        });
        machine(|machine| assert!(!machine.calls.contains(&"allocate_on_stream")));
        assert_eq!(&arrays[2].memory::<f32>()[..30], results);
    }
    succeed(entry, &mut arrays, |call| (call.workspace, call.workspace_size) = (memory.as_mut_ptr().cast(), bytes - 1));
    machine(|machine| assert!(machine.calls.contains(&"allocate_on_stream"), "too small is as if none were given"));
}

#[test]
fn without_memory_pools_workspace_must_be_given() {
    install();
    machine(|machine| machine.has_pools = false);
    let (status, text) =
        run(kernels::two_passes(), &mut [on_gpu(column(4, 0)), on_gpu(column(4, 0)), on_gpu(column(4, 0))], 1);
    assert_eq!(status, Status::Memory as i32);
    assert_eq!(text, "two: the call needs 512 bytes of workspace: CUDA device 0 has no memory pools to take them from");
    assert_eq!(check(kernels::product(), 4, 4), ["few"]);
}

#[test]
fn gradients_that_batch_elements_share() {
    install();
    let (rows, columns) = (6, 8);
    let (x, y) = (whole(2 * rows, 1), whole(2 * 3 * columns, 2));
    let of = |a: usize, b: usize| expected(&x[a * rows..][..rows], &y[(a * 3 + b) * columns..][..columns]);
    let mut arrays = [
        on_gpu(Array::f32(&[2, 1, rows as i64, 1], x.clone())),
        on_gpu(Array::f32(&[2, 3, columns as i64, 1], y.clone())),
        on_gpu(Array { shape: vec![2, 1, rows as i64, 1], ..Array::zeros(F32, &[64]) }.with_strides(&[32, 5, 2, 1])),
    ];
    succeed(kernels::gradient(), &mut arrays, |_| ());
    assert_eq!(kernels_launched(), ["few", "sum_f32"]);
    for a in 0..2 {
        for row in 0..rows {
            let sum: f32 = (0..3).map(|b| of(a, b)[row]).sum();
            assert_eq!(arrays[2].memory::<f32>()[a * 32 + row * 2], sum);
        }
    }
    arrays[2] = on_gpu(Array::zeros(F32, &[2, 3, rows as i64, 1]));
    succeed(kernels::gradient(), &mut arrays, |_| ());
    assert_eq!(kernels_launched(), ["few"], "that of each element was asked for");

    let mut arrays = [on_gpu(column(rows, 1)), on_gpu(Array::zeros(F32, &[0, 8, 1])), on_gpu(column(rows, 1))];
    succeed(kernels::gradient(), &mut arrays, |_| ());
    assert_eq!(kernels_launched(), ["sum_f32"]);
    assert!(arrays[2].memory::<f32>().iter().all(|sum| *sum == 0.0), "the sum of none");
}

#[test]
fn errors_of_the_driver() {
    install();
    let entry = kernels::two_passes();
    let mut arrays = [on_gpu(column(4, 0)), on_gpu(column(4, 0)), on_gpu(column(4, 0))];
    let mut fails = |function, error| {
        machine(|machine| machine.failure = Some((function, error)));
        let result = run(entry, &mut arrays, 1);
        launches();
        result
    };
    let refused = |status: Status, text: &str| (status as i32, text.to_owned());
    assert_eq!(
        fails("init", 3),
        refused(Status::Driver, "two: cuInit: CUDA_ERROR_NOT_INITIALIZED (initialization error)")
    );
    assert_eq!(fails("primary_retain", 46), refused(Status::Driver, "two: cuDevicePrimaryCtxRetain: error 46"));
    assert_eq!(fails("module_load", 46), refused(Status::Driver, "two: cuModuleLoadData: error 46"));
    assert_eq!(fails("module_function", 46), refused(Status::Driver, "two: cuModuleGetFunction: error 46 for many"));
    machine(|machine| {
        let count = |name| machine.calls.iter().filter(|call| **call == name).count();
        assert_eq!((count("primary_retain"), count("primary_release")), (3, 2), "what was retained is released");
        assert_eq!((count("module_load"), count("module_unload")), (2, 1));
    });
    assert_eq!(
        fails("launch", 700),
        refused(
            Status::Driver,
            "two: cuLaunchKernel: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)"
        )
    );
    assert_eq!(
        fails("allocate_on_stream", 2),
        refused(Status::Memory, "two: cuMemAllocAsync: CUDA_ERROR_OUT_OF_MEMORY (out of memory) of 256 bytes")
    );
    assert_eq!(
        fails("context_current", 3),
        refused(Status::Driver, "two: cuCtxGetCurrent: CUDA_ERROR_NOT_INITIALIZED (initialization error)")
    );
}

#[test]
fn places_that_do_not_agree() {
    install();
    let entry = kernels::product();
    let refused = |text: &str| (Status::Device as i32, format!("product: {text}"));
    let mut arrays = arguments(4, 4);
    arrays[1].device_type = DL_CPU;
    assert_eq!(
        run(entry, &mut arrays, 1),
        refused("tensor y is in the CPU's memory, but x is on CUDA device 0: all must be in one place")
    );
    let mut arrays = arguments(4, 4);
    arrays[2].device_id = 1;
    assert_eq!(
        run(entry, &mut arrays, 1),
        refused("result c is on CUDA device 1, but x is on CUDA device 0: all must be in one place")
    );
    let mut arrays = arguments(4, 4);
    assert_eq!(
        run_with(entry, &mut arrays, 1, |call| call.device_type = DL_CPU),
        refused("the tensors are on CUDA device 0, but the call asks for the CPU")
    );
    assert_eq!(
        run_with(entry, &mut arrays, 1, |call| (call.device_type, call.device_id) = (DL_CUDA, 3)),
        refused("the tensors are on CUDA device 0, but the call asks for CUDA device 3")
    );
    arrays.iter_mut().for_each(|array| array.device_type = DL_CUDA_MANAGED);
    succeed(entry, &mut arrays, |call| call.device_type = DL_CUDA);
    assert_eq!(kernels_launched(), ["few"]);
    arrays.iter_mut().for_each(|array| array.device_type = DL_CUDA_HOST);
    succeed(entry, &mut arrays, |_| ());
    assert_eq!(kernels_launched(), [""; 0], "pinned memory is the CPU's");
}
