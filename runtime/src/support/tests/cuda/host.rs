//! Calls on a GPU whose tensors are in the CPU's memory: all at once, and in slabs.

use super::driver::{install, kernels_launched, machine};
use super::{column, expected, kernels, succeed, whole};
use crate::abi::*;
use crate::support::tests::harness::{Array, plain, run_with};

fn on_device(call: &mut Call) {
    call.device_type = DL_CUDA;
}

fn arguments(rows: usize, columns: usize) -> Vec<Array> {
    vec![column(rows, 1), column(columns, 2), Array::zeros(F32, &[rows as i64, 1])]
}

#[test]
fn what_fits() {
    install();
    let mut arrays = arguments(100, 40);
    succeed(kernels::product(), &mut arrays, on_device);
    assert_eq!(&arrays[2].memory::<f32>()[..100], expected(&whole(100, 1), &whole(40, 2)));
    assert_eq!(kernels_launched(), ["few"]);
    machine(|machine| {
        let transfers = machine.calls.iter().filter(|call| call.starts_with("copy")).count();
        assert_eq!((transfers, machine.calls.last()), (3, Some(&"context_pop")));
        assert!(machine.calls.contains(&"synchronize"));
    });
}

#[test]
fn slabs_of_rows_and_columns() {
    install();
    for order in [ORDER_TREE, ORDER_SEQUENCE, ORDER_CARRIED] {
        let entry = kernels::product_with(|pass| pass.order = order);
        for (rows, columns) in [(1500, 200), (200, 1500), (1500, 1500), (3, 20_000), (20_000, 0)] {
            // States of shares are there whatever their number.
            for free_bytes in
                [12_000, 16_000, 24_000].map(|bytes| if order == ORDER_SEQUENCE { 4 * bytes } else { bytes })
            {
                machine(|machine| (machine.free_bytes, machine.most_allocated) = (free_bytes, 0));
                let mut arrays = arguments(rows, columns);
                succeed(entry, &mut arrays, on_device);
                assert_eq!(
                    &arrays[2].memory::<f32>()[..rows],
                    expected(&whole(rows, 1), &whole(columns, 2)),
                    "{rows} x {columns} in {free_bytes}"
                );
                kernels_launched();
                machine(|machine| assert!(machine.most_allocated <= free_bytes / 5 * 4));
            }
        }
    }
}

#[test]
fn temporaries_and_batches_in_slabs() {
    install();
    let (rows, columns) = (300, 400);
    let (x, y) = (vec![1.0; 2 * rows], whole(3 * columns, 2).iter().map(|y| y / 4.0).collect::<Vec<_>>());
    let results: Vec<f32> = (0..6)
        .flat_map(|element| {
            let (x, y) = (&x[element / 3 * rows..][..rows], &y[element % 3 * columns..][..columns]);
            expected(y, &expected(x, y))
        })
        .collect();
    for free_bytes in [7000, 20_000, 1 << 20] {
        machine(|machine| machine.free_bytes = free_bytes);
        let mut arrays = [
            Array::f32(&[2, 1, rows as i64, 1], x.clone()),
            Array::f32(&[3, columns as i64, 1], y.clone()),
            Array::zeros(F32, &[2, 3, columns as i64, 1]),
        ];
        succeed(kernels::two_passes(), &mut arrays, on_device);
        assert_eq!(&arrays[2].memory::<f32>()[..results.len()], results);
        kernels_launched();
    }
}

#[test]
fn strides_and_shared_gradients() {
    install();
    let (rows, columns) = (700, 800);
    let (x, y) = (whole(2 * rows, 1), whole(3 * columns, 2));
    let x_rows: Vec<f32> = x.iter().copied().step_by(2).collect();
    for free_bytes in [8000, 1 << 20] {
        machine(|machine| machine.free_bytes = free_bytes);
        let mut arrays = [
            Array { shape: vec![rows as i64, 1], ..Array::f32(&[2 * rows as i64], x.clone()) }.with_strides(&[2, 1]),
            // Batch elements lie column by column.
            Array { shape: vec![3, columns as i64, 1], ..Array::f32(&[3 * columns as i64], y.clone()) }
                .with_strides(&[1, 3, 1]),
            Array { shape: vec![rows as i64, 1], ..Array::zeros(F32, &[2 * rows as i64]) }.with_strides(&[2, 1]),
        ];
        succeed(kernels::gradient(), &mut arrays, on_device);
        let of = |element: usize| expected(&x_rows, &y.iter().copied().skip(element).step_by(3).collect::<Vec<_>>());
        let (first, second, third) = (of(0), of(1), of(2));
        for row in 0..rows {
            assert_eq!(arrays[2].memory::<f32>()[2 * row], first[row] + second[row] + third[row]);
            assert_eq!(arrays[2].memory::<f32>()[2 * row + 1], 0.0);
        }
        kernels_launched();
    }
}

/// Batch elements of one row lie one after the other, whatever the step from row to row is said to be.
#[test]
fn single_rows() {
    install();
    let y = whole(3 * 40, 2);
    let mut arrays = [
        Array::f32(&[3, 1, 1], whole(3, 1)).with_strides(&[1, 0, 1]),
        Array::f32(&[3, 40, 1], y.clone()),
        Array::zeros(F32, &[3, 1, 1]).with_strides(&[1, 77, 1]),
    ];
    succeed(kernels::product(), &mut arrays, on_device);
    let results: Vec<f32> =
        whole(3, 1).iter().zip(y.chunks(40)).flat_map(|(x, y)| expected(core::slice::from_ref(x), y)).collect();
    assert_eq!(&arrays[2].memory::<f32>()[..3], results);
    kernels_launched();
}

/// What has no batch elements is not copied, though its steps are those of something that all of them share.
#[test]
fn empty_batches() {
    install();
    let mut arrays = [
        Array::f32(&[0, 5, 1], []).with_strides(&[0, 1, 1]),
        column(40, 2),
        Array::zeros(F32, &[0, 5, 1]).with_strides(&[0, 1, 1]),
    ];
    succeed(kernels::product(), &mut arrays, on_device);
    machine(|machine| assert_eq!(machine.calls.iter().filter(|call| call.starts_with("copy")).count(), 1));
    assert!(kernels_launched().is_empty());
}

#[test]
fn too_little_memory() {
    install();
    machine(|machine| machine.free_bytes = 2000);
    let mut arrays = arguments(5000, 5000);
    let (status, text) = run_with(kernels::product(), &mut arrays, 1, on_device);
    assert_eq!(status, Status::Memory as i32);
    assert!(text.starts_with("product: not even a part of the rows fits into the GPU's memory: "), "{text}");
}

/// The variable is the process', so that this test runs itself once more.
#[test]
fn layer_1() {
    let name = "KEOPSC_DEVICE";
    let Some(value) = std::env::var_os(name) else {
        for value in ["cuda:0", "cuda:1", "nonsense"] {
            let this = std::env::current_exe().unwrap();
            let arguments = ["--exact", "support::tests::cuda::host::layer_1"];
            let output = std::process::Command::new(this).args(arguments).env(name, value).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        }
        return;
    };
    install();
    let mut arrays = arguments(30, 20);
    let status = plain(kernels::product(), 30, 20, &mut arrays);
    let launched = kernels_launched();
    if value == "cuda:0" {
        assert_eq!((status, launched.len()), (0, 1));
        assert_eq!(&arrays[2].memory::<f32>()[..30], expected(&whole(30, 1), &whole(20, 2)));
    } else {
        assert_eq!((status, launched.len()), (Status::Device as i32, 0));
    }
}
