//! Results against the definition, for all sizes around tiles and chunks, layouts, types and thread counts.

use super::harness::{Array, noise, plain, run, run_with};
use super::mock::{self, CHUNK, Full, Product, TILE, expected, expected_in_sequence};
use crate::abi::*;
use crate::support::convert::{half_to_single, single_to_bfloat, single_to_half};

const OK: (i32, String) = (0, String::new());
const SIZES: [usize; 10] = [0, 1, 7, TILE, TILE + 1, CHUNK, CHUNK + 1, 5 * CHUNK, 7 * CHUNK + 3, 64 * CHUNK - 1];

struct Data {
    x: Vec<f32>,
    y: Vec<f32>,
    b: Vec<f32>,
    p: Vec<f32>,
}

impl Data {
    fn new(rows: usize, columns: usize, seed: u64) -> Data {
        Data {
            x: noise(2 * rows, seed),
            y: noise(2 * columns, seed + 1),
            b: noise(columns, seed + 2),
            p: noise(1, seed + 3),
        }
    }

    fn expected(&self) -> Vec<f32> {
        self.rows(expected::<Full<f32>>)
    }

    /// What `sum` makes of each row: of parameters, row and columns.
    fn rows(&self, sum: impl Fn(&[f32], &[f32], &[Vec<f32>]) -> f32) -> Vec<f32> {
        let columns: Vec<Vec<f32>> = self.b.iter().zip(self.y.chunks(2)).map(|(b, y)| vec![y[0], y[1], *b]).collect();
        self.x.chunks(2).map(|x| sum(&self.p, x, &columns)).collect()
    }

    fn arrays(&self) -> Vec<Array> {
        let (rows, columns) = (self.x.len() as i64 / 2, self.b.len() as i64);
        vec![
            Array::f32(&[rows, 2], self.x.clone()),
            Array::f32(&[columns, 2], self.y.clone()),
            Array::f32(&[columns, 1], self.b.clone()),
            Array::f32(&[1], self.p.clone()),
            Array::f32(&[rows, 1], vec![9.0; rows as usize]),
        ]
    }
}

#[test]
fn every_size_and_thread_count_gives_the_bits_of_the_tree() {
    let entry = mock::full::<f32>(F32);
    for rows in SIZES {
        for columns in SIZES {
            let data = Data::new(rows, columns, 7);
            let wanted = data.expected();
            let mut arrays = data.arrays();
            assert_eq!(plain(entry, rows as i64, columns as i64, &mut arrays), 0);
            assert_eq!(arrays[4].memory::<f32>()[..rows], wanted, "plain, {rows} rows, {columns} columns");
            for threads in [1, 2, 3, 8] {
                let mut arrays = data.arrays();
                assert_eq!(run(entry, &mut arrays, threads), OK);
                assert_eq!(
                    arrays[4].memory::<f32>()[..rows],
                    wanted,
                    "{threads} threads, {rows} rows, {columns} columns"
                );
            }
        }
    }
}

#[test]
fn chunks_are_merged_in_sequence_whatever_the_threads() {
    let orders = [ORDER_SEQUENCE, ORDER_ROOTS].map(|order| (order, mock::full_in_order::<f32>(F32, order)));
    for (rows, columns) in SIZES.iter().flat_map(|rows| SIZES.map(|columns| (*rows, columns))) {
        let data = Data::new(rows, columns, 11);
        for (order, entry) in orders {
            let roots = columns.isqrt().next_multiple_of(8).clamp(1, CHUNK);
            let chunk = if order == ORDER_ROOTS { roots } else { CHUNK };
            let wanted = data.rows(|p, x, y| expected_in_sequence::<Full<f32>>(p, x, y, chunk));
            for threads in [1, 3, 8] {
                let mut arrays = data.arrays();
                assert_eq!(run(entry, &mut arrays, threads), OK);
                let found = &arrays[4].memory::<f32>()[..rows];
                assert_eq!(found, wanted, "order {order}, {threads} threads, {rows} rows, {columns} columns");
            }
        }
    }
}

#[test]
fn columns_read_in_place_give_the_same() {
    let entry = mock::product();
    for (rows, columns) in [(1, 1), (9, 33), (3, 2000)] {
        let (x, y) = (noise(rows, 1), noise(columns, 2));
        let records: Vec<Vec<f32>> = y.iter().map(|y| vec![*y]).collect();
        let wanted: Vec<f32> = x.iter().map(|x| expected::<Product>(&[], &[*x], &records)).collect();
        // The second layout has a gap after each column, so that records are copied.
        let spread = y.iter().flat_map(|y| [*y, f32::NAN]).collect::<Vec<f32>>();
        for y in [
            Array::f32(&[columns as i64, 1], y.clone()),
            Array::f32(&[columns as i64, 1], spread).with_strides(&[2, 1]),
        ] {
            let mut arrays = [Array::f32(&[rows as i64, 1], x.clone()), y, Array::zeros(F32, &[rows as i64, 1])];
            assert_eq!(run(entry, &mut arrays, 3), OK);
            assert_eq!(arrays[2].memory::<f32>()[..rows], wanted);
        }
    }
}

#[test]
fn large_columns_are_walked_by_groups_of_tiles() {
    let entry = mock::product();
    let (rows, columns) = (TILE * 17 + 5, 140_000);
    let (x, y) = (noise(rows, 1), noise(columns, 2));
    let mut results = Vec::new();
    for threads in [1, 2, 8] {
        let mut arrays = [
            Array::f32(&[rows as i64, 1], x.clone()),
            Array::f32(&[columns as i64, 1], y.clone()),
            Array::zeros(F32, &[rows as i64, 1]),
        ];
        assert_eq!(run(entry, &mut arrays, threads), OK);
        results.push(arrays[2].memory::<f32>()[..rows].to_vec());
    }
    let records: Vec<Vec<f32>> = y.iter().map(|y| vec![*y]).collect();
    for row in [0, TILE, rows - 1] {
        assert_eq!(results[0][row], expected::<Product>(&[], &x[row..=row], &records));
    }
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn first_smallest_index_wins() {
    let entry = mock::smallest(F32);
    for (rows, columns) in [(1, 1), (20, 100), (3, 40 * CHUNK as i64), (5, 0)] {
        let (x, y): (Vec<f32>, Vec<f32>) =
            ((0..rows).map(|i| i as f32).collect(), (0..columns).map(|j| (j % 50) as f32).collect());
        for threads in [1, 2, 3, 8] {
            let mut arrays = [
                Array::f32(&[rows, 1], x.clone()),
                Array::f32(&[columns, 1], y.clone()),
                Array::zeros(F32, &[rows, 1]),
                Array::zeros(I64, &[rows, 1]),
            ];
            assert_eq!(run(entry, &mut arrays, threads), OK);
            let results = arrays[2].memory::<f32>().iter().zip(arrays[3].memory::<i64>());
            for (x, (value, index)) in x.iter().zip(results) {
                let best = (0..y.len()).min_by(|&a, &b| (x - y[a]).abs().total_cmp(&(x - y[b]).abs()));
                assert_eq!(*index, best.map_or(-1, |j| j as i64));
                assert_eq!(*value, best.map_or(f32::INFINITY, |j| (x - y[j]).abs()));
            }
        }
    }
}

#[test]
fn passes_leave_temporaries_for_later_ones() {
    let entry = mock::two_passes();
    let (x, y) = (noise(50, 1), noise(70, 2));
    let row = |value: &f32| vec![*value];
    let t: Vec<f32> =
        x.iter().map(|x| expected::<Product>(&[], &[*x], &y.iter().map(row).collect::<Vec<_>>())).collect();
    let wanted: Vec<f32> =
        y.iter().map(|y| expected::<Product>(&[], &[*y], &t.iter().map(row).collect::<Vec<_>>())).collect();
    for threads in [1, 8] {
        let mut arrays =
            [Array::f32(&[50, 1], x.clone()), Array::f32(&[70, 1], y.clone()), Array::zeros(F32, &[70, 1])];
        assert_eq!(run(entry, &mut arrays, threads), OK);
        assert_eq!(arrays[2].memory::<f32>(), wanted);
    }
}

#[test]
fn one_row_of_parameters() {
    let y = noise(1000, 3);
    let wanted = expected::<Product>(&[], &[0.25], &y.iter().map(|y| vec![*y]).collect::<Vec<_>>());
    for threads in [1, 8] {
        let mut arrays = [Array::f32(&[1], [0.25]), Array::f32(&[1000, 1], y.clone()), Array::zeros(F32, &[1])];
        assert_eq!(run_with(mock::parameter_rows(), &mut arrays, threads, |call| call.rows_i = 0), OK);
        assert_eq!(arrays[2].memory::<f32>()[0], wanted);
    }
}

#[test]
fn a_pass_without_reduction_goes_to_the_epilogue() {
    let mut arrays = [Array::f32(&[21, 1], (0..21).map(|i| i as f32)), Array::zeros(F32, &[21, 1])];
    assert_eq!(run_with(mock::no_reduction(), &mut arrays, 2, |call| call.rows_j = 5), OK);
    assert_eq!(arrays[1].memory::<f32>()[..21], (0..21).map(|i| 2.0 * i as f32).collect::<Vec<_>>());
}

/// Batch shape (3, 4): x varies along both, y along the first, b along the second (its first dimension is missing), p along none.
/// Steps along what has no elements, or one, may be any number.
#[test]
fn steps_that_are_not_taken() {
    let mut arrays = [
        Array::f32(&[2, 3, 1], [1.0; 6]),
        Array::f32(&[2, 0, 1], []).with_strides(&[i64::MAX, i64::MIN, i64::MAX]),
        Array::f32(&[2, 3, 1], [9.0; 6]),
    ];
    assert_eq!(run(mock::product(), &mut arrays, 1), (0, String::new()));
    assert_eq!(arrays[2].memory::<f32>()[..6], [0.0; 6]);
    let mut arrays = [
        Array::f32(&[1, 1], [1.0]).with_strides(&[i64::MAX, i64::MAX]),
        Array::f32(&[2, 1], [4.0, 2.0]),
        Array::f32(&[1, 1], [9.0]).with_strides(&[i64::MIN, i64::MAX]),
        Array::zeros(I64, &[1, 1]).with_strides(&[i64::MAX, i64::MAX]),
    ];
    assert_eq!(run(mock::smallest(F32), &mut arrays, 1), (0, String::new()));
    assert_eq!((arrays[2].memory::<f32>()[0], arrays[3].memory::<i64>()[0]), (1.0, 1));
}

#[test]
fn batches_broadcast() {
    let entry = mock::full::<f32>(F32);
    let (rows, columns) = (10, 20);
    for threads in [1, 2, 3, 8, 64] {
        let (x, y, b, p) = (noise(12 * rows * 2, 1), noise(3 * columns * 2, 2), noise(4 * columns, 3), noise(1, 4));
        let mut arrays = [
            Array::f32(&[3, 4, rows as i64, 2], x.clone()),
            Array::f32(&[3, 1, columns as i64, 2], y.clone()),
            Array::f32(&[4, columns as i64, 1], b.clone()),
            Array::f32(&[1], p.clone()),
            Array::zeros(F32, &[3, 4, rows as i64, 1]),
        ];
        assert_eq!(run(entry, &mut arrays, threads), OK);
        for (element, result) in arrays[4].memory::<f32>().chunks(rows).enumerate() {
            let (u, v) = (element / 4, element % 4);
            let data = Data {
                x: x[element * rows * 2..][..rows * 2].to_vec(),
                y: y[u * columns * 2..][..columns * 2].to_vec(),
                b: b[v * columns..][..columns].to_vec(),
                p: p.clone(),
            };
            assert_eq!(result, data.expected(), "{threads} threads, batch element ({u}, {v})");
        }
    }
}

#[test]
fn many_small_problems_run_side_by_side() {
    let entry = mock::full::<f32>(F32);
    let (batch, rows, columns) = (500, 5, 6);
    let (x, y, b, p) =
        (noise(batch * rows * 2, 1), noise(batch * columns * 2, 2), noise(batch * columns, 3), noise(batch, 4));
    let mut arrays = [
        Array::f32(&[batch as i64, rows as i64, 2], x.clone()),
        Array::f32(&[batch as i64, columns as i64, 2], y.clone()),
        Array::f32(&[batch as i64, columns as i64, 1], b.clone()),
        Array::f32(&[batch as i64, 1], p.clone()),
        Array::zeros(F32, &[batch as i64, rows as i64, 1]),
    ];
    assert_eq!(run(entry, &mut arrays, 8), OK);
    for (element, result) in arrays[4].memory::<f32>().chunks(rows).enumerate() {
        let part = |values: &[f32], size: usize| values[element * size..][..size].to_vec();
        let data = Data { x: part(&x, rows * 2), y: part(&y, columns * 2), b: part(&b, columns), p: part(&p, 1) };
        assert_eq!(result, data.expected(), "batch element {element}");
    }
}

#[test]
fn an_empty_batch_does_nothing() {
    let mut arrays = [Array::zeros(F32, &[0, 3, 1]), Array::zeros(F32, &[4, 1]), Array::zeros(F32, &[0, 3, 1])];
    assert_eq!(run(mock::product(), &mut arrays, 1), OK);
}

#[test]
fn column_major_negative_and_zero_strides() {
    let entry = mock::full::<f32>(F32);
    let (rows, columns) = (11, 37);
    let data = Data::new(rows, columns, 5);
    let wanted = data.expected();
    let transposed = |values: &[f32]| -> Vec<f32> {
        values.iter().step_by(2).chain(values.iter().skip(1).step_by(2)).copied().collect()
    };
    let mut arrays = data.arrays();
    arrays[0] = Array::f32(&[rows as i64, 2], transposed(&data.x)).with_strides(&[1, rows as i64]);
    // y backwards: rows from the last to the first, components too.
    arrays[1] = Array::f32(&[columns as i64, 2], data.y.iter().rev().copied()).with_strides(&[-2, -1]);
    arrays[1].offset = (2 * columns as u64 - 1) * 4;
    arrays[4] = Array::f32(&[rows as i64, 1], vec![9.0; 3 * rows]).with_strides(&[3, 1]);
    assert_eq!(run(entry, &mut arrays, 2), OK);
    for (row, three) in arrays[4].memory::<f32>().chunks(3).take(rows).enumerate() {
        assert_eq!(three, [wanted[row], 9.0, 9.0], "only the first of three elements belongs to the result");
    }
    // All rows of b the same.
    let same = Data { b: vec![0.75; columns], ..Data::new(rows, columns, 5) };
    let mut arrays = same.arrays();
    arrays[2] = Array::f32(&[columns as i64, 1], [0.75]).with_strides(&[0, 0]);
    assert_eq!(run(entry, &mut arrays, 2), OK);
    assert_eq!(arrays[4].memory::<f32>()[..rows], same.expected());
}

#[test]
fn a_result_may_be_another_column_of_the_same_matrix() {
    let entry = mock::product();
    let mut matrix = vec![0.0_f32; 30];
    for row in 0..10 {
        matrix[3 * row] = row as f32;
    }
    let mut shared = Array::f32(&[10, 1], matrix).with_strides(&[3, 1]);
    let mut y = Array::f32(&[2, 1], [1.0, 2.0]);
    let mut result = shared.tensor();
    result.byte_offset = 4;
    let (x, y) = (shared.tensor(), y.tensor());
    let pointers = [&raw const x, &raw const y, &raw const result];
    let mut call = super::harness::blank_call(1);
    call.num_tensors = 3;
    call.tensors = pointers.as_ptr();
    assert_eq!(unsafe { crate::support::keops_support_run(entry, &call) }, 0);
    let matrix = shared.memory::<f32>();
    assert!((0..10).all(|row| matrix[3 * row + 1] == 3.0 * row as f32 && matrix[3 * row] == row as f32));
}

#[test]
fn storage_types_convert_both_ways() {
    let (rows, columns) = (9, 21);
    let data = Data::new(rows, columns, 11);
    let halves = |to: fn(f32) -> u16, from: fn(u16) -> f32, dtype: u8| {
        let rounded = |values: &[f32]| values.iter().map(|value| from(to(*value))).collect::<Vec<_>>();
        let stored = |shape: &[i64], values: &[f32]| {
            Array::of(dtype, shape, values.iter().flat_map(|v| to(*v).to_ne_bytes()).collect())
        };
        let (r, c) = (rows as i64, columns as i64);
        let mut arrays = [
            stored(&[r, 2], &data.x),
            stored(&[c, 2], &data.y),
            stored(&[c, 1], &data.b),
            stored(&[1], &data.p),
            Array::zeros(dtype, &[r, 1]),
        ];
        assert_eq!(run(mock::full::<f32>(dtype), &mut arrays, 2), OK);
        let rounded_data = Data { x: rounded(&data.x), y: rounded(&data.y), b: rounded(&data.b), p: rounded(&data.p) };
        let wanted: Vec<u16> = rounded_data.expected().into_iter().map(to).collect();
        assert_eq!(arrays[4].memory::<u16>()[..rows], wanted);
    };
    halves(single_to_half, half_to_single, F16);
    halves(single_to_bfloat, |bits| f32::from_bits(u32::from(bits) << 16), BF16);
}

#[test]
fn single_and_double_mix() {
    let (rows, columns) = (9, 40);
    let data = Data::new(rows, columns, 13);
    let doubles = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let columns_of: Vec<Vec<f64>> =
        data.b.iter().zip(data.y.chunks(2)).map(|(b, y)| doubles(&[y[0], y[1], *b])).collect();
    let wanted: Vec<f64> =
        data.x.chunks(2).map(|x| expected::<Full<f64>>(&doubles(&data.p), &doubles(x), &columns_of)).collect();

    let mut arrays = data.arrays();
    assert_eq!(run(mock::full::<f64>(F32), &mut arrays, 2), OK);
    let singles: Vec<f32> = wanted.iter().map(|value| *value as f32).collect();
    assert_eq!(arrays[4].memory::<f32>()[..rows], singles);

    let widened = |array: &Array| {
        let count = array.shape.iter().product::<i64>() as usize;
        Array::of(
            F64,
            &array.shape,
            doubles(&array.memory::<f32>()[..count]).iter().flat_map(|value| value.to_ne_bytes()).collect(),
        )
    };
    let mut arrays: Vec<Array> = data.arrays().iter().map(widened).collect();
    assert_eq!(run(mock::full::<f64>(F64), &mut arrays, 2), OK);
    assert_eq!(arrays[4].memory::<f64>(), wanted);
    let mut arrays: Vec<Array> = data.arrays().iter().map(widened).collect();
    assert_eq!(run(mock::full::<f32>(F64), &mut arrays, 2), OK);
    assert_eq!(arrays[4].memory::<f64>(), doubles(&data.expected()));
}

#[test]
fn a_callers_workspace_is_enough() {
    let entry = mock::full::<f32>(F32);
    let data = Data::new(30, 300, 5);
    for threads in [1, 8] {
        let mut bytes = 0_u64;
        let mut arrays = data.arrays();
        let mut status = |call: &mut Call| unsafe { crate::support::keops_support_workspace(entry, call, &mut bytes) };
        assert_eq!(run_with(entry, &mut arrays, threads, |call| assert_eq!(status(call), 0)), OK);
        // Guard bytes on both sides; the block begins at an odd address.
        let mut block = vec![0x77_u8; bytes as usize + 65];
        let mut arrays = data.arrays();
        let given = |call: &mut Call| {
            call.workspace = unsafe { block.as_mut_ptr().add(1) }.cast();
            call.workspace_size = bytes;
        };
        assert_eq!(run_with(entry, &mut arrays, threads, given), OK);
        assert_eq!(arrays[4].memory::<f32>()[..30], data.expected());
        assert!(block[0] == 0x77 && block[bytes as usize + 1..].iter().all(|byte| *byte == 0x77));
        assert!(block.iter().any(|byte| *byte != 0x77), "the workspace was used");
    }
}
