//! Block-sparse ranges against a dense mask, and what is refused.

use super::harness::{Array, noise, run_with};
use super::mock::{self, CHUNK, TILE};
use crate::abi::*;

/// Blocks of rows, each with its column blocks.
type Blocks = Vec<((i64, i64), Vec<(i64, i64)>)>;

fn array(shape: &[i64], values: Vec<i64>) -> Array {
    Array::of(I64, shape, values.into_iter().flat_map(i64::to_ne_bytes).collect())
}

/// The three tensors of one description.
fn side(blocks: &Blocks) -> [Array; 3] {
    let pairs = |pairs: Vec<(i64, i64)>| {
        array(&[pairs.len() as i64, 2], pairs.into_iter().flat_map(|(begin, end)| [begin, end]).collect())
    };
    let ends = blocks.iter().scan(0, |end, (_, parts)| {
        *end += parts.len() as i64;
        Some(*end)
    });
    let parts = blocks.iter().flat_map(|(_, parts)| parts.clone()).collect();
    [pairs(blocks.iter().map(|(rows, _)| *rows).collect()), array(&[blocks.len() as i64], ends.collect()), pairs(parts)]
}

fn six(over_j: &Blocks, over_i: &Blocks) -> Vec<Array> {
    side(over_j).into_iter().chain(side(over_i)).collect()
}

/// Runs `product(x, y)` with ranges.
fn product(x: &[f32], y: &[f32], ranges: &mut [Array], threads: i32) -> (i32, String, Vec<f32>) {
    let (rows, columns) = (x.len() as i64, y.len() as i64);
    let mut arrays = [
        Array::f32(&[rows, 1], x.to_vec()),
        Array::f32(&[columns, 1], y.to_vec()),
        Array::f32(&[rows, 1], vec![9.0; x.len()]),
    ];
    let (status, message) = with_ranges(mock::product(), &mut arrays, ranges, threads);
    (status, message, arrays[2].memory::<f32>()[..x.len()].to_vec())
}

fn with_ranges(entry: &EntryDescriptor, arrays: &mut [Array], ranges: &mut [Array], threads: i32) -> (i32, String) {
    let tensors: Vec<DLTensor> = ranges.iter_mut().map(Array::tensor).collect();
    let pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    run_with(entry, arrays, threads, |call| call.ranges = pointers.as_ptr())
}

/// Whole numbers, so that sums are exact in any order.
fn whole(count: usize, seed: u64) -> Vec<f32> {
    noise(count, seed).into_iter().map(|value| (value * 8.0).round()).collect()
}

fn masked(blocks: &Blocks, x: &[f32], y: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; x.len()];
    for ((begin, end), parts) in blocks {
        for row in *begin..*end {
            let columns = parts.iter().flat_map(|(begin, end)| *begin..*end);
            sums[row as usize] = columns.map(|column| x[row as usize] * y[column as usize]).sum();
        }
    }
    sums
}

#[test]
fn blocks_are_reduced_over_their_own_columns() {
    let (tile, chunk) = (TILE as i64, CHUNK as i64);
    let none: Blocks = vec![];
    let mixed: Blocks = vec![
        ((0, 3), vec![(0, 1), (5, 7)]),
        ((3, 3), vec![(2, 4)]),
        ((4, 4 + 3 * tile + 1), vec![(7, 7 + 5 * chunk + 2), (150, 150 + chunk)]),
        ((60, 61), vec![]),
        ((70, 80), vec![(0, 200)]),
    ];
    let unsorted: Blocks = vec![((50, 90), vec![(100, 150), (0, 30)]), ((0, 10), vec![(199, 200), (3, 3), (5, 9)])];
    let many: Blocks = (0..90).map(|row| ((row, row + 1), vec![(row, row + 20), (row + 50, row + 51)])).collect();
    let (x, y) = (whole(90, 1), whole(200, 2));
    for blocks in [none, mixed, unsorted, many] {
        for threads in [1, 2, 3, 8] {
            let (status, message, sums) = product(&x, &y, &mut six(&blocks, &vec![]), threads);
            assert_eq!((status, message.as_str()), (0, ""));
            assert_eq!(sums, masked(&blocks, &x, &y), "{threads} threads, {blocks:?}");
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let blocks: Blocks = vec![((0, 40), vec![(0, 333), (400, 1999)]), ((40, 50), vec![(0, 2000)])];
    let (x, y) = (noise(50, 3), noise(2000, 4));
    let results = [1, 2, 3, 8].map(|threads| product(&x, &y, &mut six(&blocks, &vec![]), threads).2);
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn passes_over_i_use_the_other_description() {
    let over_j: Blocks = vec![((0, 10), vec![(0, 5)]), ((10, 30), vec![(5, 20)])];
    let over_i: Blocks = vec![((0, 5), vec![(0, 10)]), ((5, 20), vec![(10, 30)])];
    let (x, y) = (whole(30, 1), whole(20, 2));
    let t = masked(&over_j, &x, &y);
    let mut arrays = [Array::f32(&[30, 1], x), Array::f32(&[20, 1], y.clone()), Array::zeros(F32, &[20, 1])];
    assert_eq!(with_ranges(mock::two_passes(), &mut arrays, &mut six(&over_j, &over_i), 2), (0, String::new()));
    assert_eq!(arrays[2].memory::<f32>()[..20], masked(&over_i, &y, &t));
}

#[test]
fn batch_elements_share_ranges() {
    let blocks: Blocks = vec![((2, 9), vec![(0, 3), (4, 30)])];
    let (x, y) = (whole(40, 1), whole(30, 2));
    for threads in [1, 3] {
        let mut arrays =
            [Array::f32(&[4, 10, 1], x.clone()), Array::f32(&[30, 1], y.clone()), Array::zeros(F32, &[4, 10, 1])];
        assert_eq!(with_ranges(mock::product(), &mut arrays, &mut six(&blocks, &vec![]), threads), (0, String::new()));
        for (element, result) in arrays[2].memory::<f32>().chunks(10).enumerate() {
            assert_eq!(result, masked(&blocks, &x[10 * element..][..10], &y));
        }
    }
}

#[test]
fn malformed_ranges_are_refused() {
    let good = || six(&vec![((0, 5), vec![(0, 3), (4, 9)]), ((5, 8), vec![(1, 2)])], &vec![]);
    let (x, y) = (whole(10, 1), whole(20, 2));
    let refused = |number: usize, array: Array| {
        let mut ranges = good();
        ranges[number] = array;
        let (status, message, sums) = product(&x, &y, &mut ranges, 1);
        assert!(sums.iter().all(|sum| *sum == 9.0), "nothing is written");
        (status, message)
    };
    let pairs = |values: &[i64]| array(&[values.len() as i64 / 2, 2], values.to_vec());
    for (number, given, status, text) in [
        (0, pairs(&[0, 5, 5, 11]), Status::Ranges, "ranges_i[1] is (5, 11), expected 0 <= begin <= end <= 10"),
        (0, pairs(&[0, 5, 7, 6]), Status::Ranges, "ranges_i[1] is (7, 6), expected 0 <= begin <= end <= 10"),
        (0, pairs(&[-1, 5, 5, 6]), Status::Ranges, "ranges_i[0] is (-1, 5), expected 0 <= begin <= end <= 10"),
        (0, pairs(&[0, 5, 4, 6]), Status::Ranges, "ranges_i: blocks overlap"),
        (0, pairs(&[0, 5]), Status::Ranges, "slices_i has 2 entries for 1 blocks of rows"),
        (1, array(&[2], vec![2, 1]), Status::Ranges, "slices_i[1] is 1, expected 2 to 3"),
        (1, array(&[2], vec![2, 4]), Status::Ranges, "slices_i[1] is 4, expected 2 to 3"),
        (
            1,
            array(&[1, 2], vec![2, 3]),
            Status::Unsupported,
            "slices_i has batch dimensions, which this version cannot do",
        ),
        (2, pairs(&[0, 3, 4, 21, 1, 2]), Status::Ranges, "redranges_j[1] is (4, 21), expected 0 <= begin <= end <= 20"),
        (2, pairs(&[4, 9, 3, 5, 1, 2]), Status::Ranges, "redranges_j: the column blocks of block 0 of rows overlap"),
        (3, array(&[0, 3], vec![]), Status::Ranges, "ranges_j: expected shape (..., 2)"),
        (4, Array::zeros(F32, &[0]), Status::Dtype, "slices_j is not int64"),
        (5, pairs(&[0, 11]), Status::Ranges, "redranges_i[0] is (0, 11), expected 0 <= begin <= end <= 10"),
    ] {
        assert_eq!(refused(number, given), (status as i32, format!("product: {text}")));
    }
    let missing = Array { bytes: vec![], ..pairs(&[0, 5, 5, 8]) };
    assert_eq!(refused(0, missing), (Status::NullPointer as i32, "product: ranges_i: data is NULL".to_owned()));
    let distant = Array { device_type: DL_CUDA, ..pairs(&[0, 5, 5, 8]) };
    assert_eq!(refused(0, distant), (Status::Device as i32, "product: ranges_i is not in the CPU's memory".to_owned()));
}
