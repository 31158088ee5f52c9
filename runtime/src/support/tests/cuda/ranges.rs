//! Calls with block-sparse ranges on a GPU.

use super::driver::{install, kernels_launched, launches, machine};
use super::{column, expected_at, kernels, on_gpu, succeed, whole};
use crate::abi::*;
use crate::support::tests::harness::{Array, run_with};

fn i64s(shape: &[i64], numbers: &[i64]) -> Array {
    on_gpu(Array::of(I64, shape, numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()))
}

/// Rows 2 to 11 meet columns 0 to 3 and 7 to 8, rows 20 to 29 meet 5 to 9.
fn tables() -> Vec<Array> {
    vec![
        i64s(&[2, 2], &[20, 30, 2, 12]),
        i64s(&[2], &[1, 3]),
        i64s(&[3, 2], &[5, 10, 0, 4, 7, 9]),
        i64s(&[0, 2], &[]),
        i64s(&[0], &[]),
        i64s(&[0, 2], &[]),
    ]
}

fn meets(row: usize, column: usize) -> bool {
    ((2..12).contains(&row) && (column < 4 || (7..9).contains(&column)))
        || ((20..30).contains(&row) && (5..10).contains(&column))
}

fn run_ranges(arrays: &mut [Array], tables: &mut [Array], change: impl FnOnce(&mut Call)) -> (i32, String) {
    let tensors: Vec<DLTensor> = tables.iter_mut().map(Array::tensor).collect();
    let pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    run_with(kernels::product(), arrays, 1, |call| {
        call.ranges = pointers.as_ptr();
        change(call);
    })
}

fn results() -> Vec<f32> {
    let (x, y) = (whole(40, 1), whole(15, 2));
    (0..40).map(|row| expected_at(row, x[row], &y, (0..15).filter(|column| meets(row, *column)))).collect()
}

#[test]
fn blocks() {
    install();
    let mut arrays = [on_gpu(column(40, 1)), on_gpu(column(15, 2)), on_gpu(column(40, 3))];
    for check in 0..2 {
        machine(|machine| machine.calls.clear());
        arrays[2].bytes.fill(u64::MAX);
        assert_eq!(run_ranges(&mut arrays, &mut tables(), |call| call.check = check), (0, String::new()));
        assert_eq!(&arrays[2].memory::<f32>()[..40], results());
        let grids: Vec<_> = launches().into_iter().map(|launch| (launch.kernel, launch.grid)).collect();
        let wanted = [("finish", [3, 1, 1]), ("layout", [1, 1, 1]), ("few", [12, 1, 1])];
        assert_eq!(grids, wanted.map(|(name, grid)| (name.to_owned(), grid)));
        machine(|machine| assert_eq!(machine.calls.contains(&"synchronize"), check == 1));
    }
}

#[test]
fn many_column_blocks_are_shared_out() {
    install();
    // Rows 5 to 14 meet 19 columns, rows 20 to 22 the even ones of 50.
    let parts: Vec<i64> =
        (0..19).flat_map(|part| [part, part + 1]).chain((0..25).flat_map(|part| [2 * part, 2 * part + 1])).collect();
    let mut tables = tables();
    tables[0] = i64s(&[2, 2], &[5, 15, 20, 23]);
    tables[1] = i64s(&[2], &[19, 44]);
    tables[2] = i64s(&[44, 2], &parts);
    let mut arrays = [on_gpu(column(40, 1)), on_gpu(column(50, 2)), on_gpu(column(40, 3))];
    assert_eq!(run_ranges(&mut arrays, &mut tables, |_| ()), (0, String::new()));
    let (x, y) = (whole(40, 1), whole(50, 2));
    for (row, x) in x.iter().enumerate() {
        let meets = |column: &usize| match row {
            5..15 => *column < 19,
            20..23 => column.is_multiple_of(2),
            _ => false,
        };
        let wanted = expected_at(row, *x, &y, (0..50).filter(meets));
        assert_eq!(arrays[2].memory::<f32>()[row], wanted, "row {row}");
    }
    let grids: Vec<_> = launches().into_iter().map(|launch| (launch.kernel, launch.grid)).collect();
    let wanted = [("finish", [3, 1, 1]), ("layout", [1, 1, 1]), ("few", [12, 2, 1]), ("finish", [12, 1, 1])];
    assert_eq!(grids, wanted.map(|(name, grid)| (name.to_owned(), grid)));
}

#[test]
fn batches_of_ranges() {
    install();
    let mut tables = tables();
    tables[0] = i64s(&[2, 1, 2, 2], &[20, 30, 2, 12, 20, 30, 0, 0]);
    let mut arrays = [
        on_gpu(column(40, 1)),
        on_gpu(Array::f32(&[3, 15, 1], whole(45, 2))),
        on_gpu(Array::zeros(F32, &[2, 3, 40, 1])),
    ];
    assert_eq!(run_ranges(&mut arrays, &mut tables, |_| ()), (0, String::new()));
    let (x, y) = (whole(40, 1), whole(45, 2));
    for element in 0..6 {
        let y = &y[element % 3 * 15..][..15];
        for (row, x) in x.iter().enumerate() {
            let counts = element < 3 || row >= 20;
            let columns = (0..15).filter(|column| counts && meets(row, *column));
            assert_eq!(arrays[2].memory::<f32>()[element * 40 + row], expected_at(row, *x, y, columns));
        }
    }
    kernels_launched();
}

#[test]
fn no_blocks() {
    install();
    let mut tables = tables();
    (tables[0], tables[1], tables[2]) = (i64s(&[0, 2], &[]), i64s(&[0], &[]), i64s(&[0, 2], &[]));
    let mut arrays = [on_gpu(column(40, 1)), on_gpu(column(15, 2)), on_gpu(column(40, 3))];
    assert_eq!(run_ranges(&mut arrays, &mut tables, |_| ()), (0, String::new()));
    assert_eq!(kernels_launched(), ["finish"]);
    assert!(arrays[2].memory::<f32>().iter().all(|result| *result == 0.0));
}

#[test]
fn what_is_refused() {
    install();
    let mut arrays = [on_gpu(column(40, 1)), on_gpu(column(15, 2)), on_gpu(column(40, 3))];
    let mut bad = tables();
    bad[2] = i64s(&[3, 2], &[5, 10, 0, 4, 7, 99]);
    assert_eq!(
        run_ranges(&mut arrays, &mut bad, |call| call.check = 1),
        (Status::Ranges as i32, "product: redranges_j[2] is (7, 99), expected 0 <= begin <= end <= 15".to_owned())
    );
    let mut bad = tables();
    bad[1] = i64s(&[3], &[1, 2, 3]);
    assert_eq!(
        run_ranges(&mut arrays, &mut bad, |_| ()),
        (Status::Ranges as i32, "product: slices_i has 3 entries for 2 blocks of rows".to_owned())
    );
    let mut bad = tables();
    bad[3].device_type = DL_CPU;
    assert_eq!(
        run_ranges(&mut arrays, &mut bad, |_| ()),
        (Status::Device as i32, "product: ranges_j is not on CUDA device 0".to_owned())
    );
    assert_eq!(kernels_launched(), [""; 0]);
}

#[test]
fn ranges_in_the_cpus_memory() {
    install();
    let on_cpu = |array: Array| Array { device_type: DL_CPU, ..array };
    let mut arrays = [column(40, 1), column(15, 2), column(40, 3)];
    let mut tables: Vec<Array> = tables().into_iter().map(on_cpu).collect();
    assert_eq!(run_ranges(&mut arrays, &mut tables, |call| call.device_type = DL_CUDA), (0, String::new()));
    assert_eq!(&arrays[2].memory::<f32>()[..40], results());
    assert_eq!(kernels_launched(), ["finish", "layout", "few"]);
    machine(|machine| machine.free_bytes = 1000);
    assert_eq!(
        run_ranges(&mut arrays, &mut tables, |call| call.device_type = DL_CUDA),
        (
            Status::Memory as i32,
            "product: ranges: everything must fit into the GPU's memory at once: 1792 bytes are needed, 800 may be used"
                .to_owned()
        )
    );
    let mut arrays = [on_gpu(column(40, 1)), on_gpu(column(15, 2)), on_gpu(column(40, 3))];
    succeed(kernels::product(), &mut arrays, |_| ());
    kernels_launched();
}
