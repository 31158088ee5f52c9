//! Block-sparse ranges against a dense mask, and what is refused.

use super::harness::{Array, noise, run, run_with};
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
        (1, array(&[], vec![2]), Status::Ranges, "slices_i: expected shape (batch..., blocks), given shape ()"),
        (2, pairs(&[0, 3, 4, 21, 1, 2]), Status::Ranges, "redranges_j[1] is (4, 21), expected 0 <= begin <= end <= 20"),
        (2, pairs(&[4, 9, 3, 5, 1, 2]), Status::Ranges, "redranges_j: the column blocks of block 0 of rows overlap"),
        (
            3,
            array(&[0, 3], vec![]),
            Status::Ranges,
            "ranges_j: expected shape (batch..., blocks, 2), given shape (0, 3)",
        ),
        (4, Array::zeros(F32, &[0]), Status::Dtype, "slices_j is not int64"),
        (5, pairs(&[0, 11]), Status::Ranges, "redranges_i[0] is (0, 11), expected 0 <= begin <= end <= 10"),
    ] {
        assert_eq!(refused(number, given), (status as i32, format!("product: {text}")));
    }
    let deep = Array { shape: vec![1; 33], ..pairs(&[0, 1]) };
    let text = "product: ranges_i has 33 dimensions, at most 32 are possible";
    assert_eq!(refused(0, deep), (Status::Ranges as i32, text.to_owned()));
    let missing = Array { bytes: vec![], ..pairs(&[0, 5, 5, 8]) };
    assert_eq!(refused(0, missing), (Status::NullPointer as i32, "product: ranges_i: data is NULL".to_owned()));
    let (given, text) = (array(&[2], vec![2, 3]), "slices_i: data is not aligned to 8 bytes");
    assert_eq!(refused(1, Array { offset: 4, ..given }), (Status::Stride as i32, format!("product: {text}")));
    let distant = Array { device_type: DL_CUDA, ..pairs(&[0, 5, 5, 8]) };
    assert_eq!(refused(0, distant), (Status::Device as i32, "product: ranges_i is not in the CPU's memory".to_owned()));
}

#[test]
fn a_tensor_of_ranges_may_be_missing() {
    let mut arrays = [Array::zeros(F32, &[4, 1]), Array::zeros(F32, &[4, 1]), Array::f32(&[4, 1], vec![9.0; 4])];
    let mut ranges = six(&vec![], &vec![]);
    let tensors: Vec<DLTensor> = ranges.iter_mut().map(Array::tensor).collect();
    let mut pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    pointers[4] = core::ptr::null();
    let (status, message) = run_with(mock::product(), &mut arrays, 1, |call| call.ranges = pointers.as_ptr());
    assert_eq!((status, message.as_str()), (Status::NullPointer as i32, "product: slices_j is NULL"));
    assert_eq!(arrays[2].memory::<f32>()[..4], [9.0; 4]);
}

#[test]
fn results_do_not_share_memory_with_ranges() {
    let mut arrays = [Array::zeros(F32, &[4, 1]), Array::zeros(F32, &[4, 1]), Array::zeros(F32, &[4, 1])];
    let mut ranges = six(&vec![((0, 2), vec![(0, 4)])], &vec![]);
    let mut tensors: Vec<DLTensor> = ranges.iter_mut().map(Array::tensor).collect();
    tensors[2].data = arrays[2].pointer();
    let pointers: Vec<*const DLTensor> = tensors.iter().map(core::ptr::from_ref).collect();
    let (status, message) = run_with(mock::product(), &mut arrays, 1, |call| call.ranges = pointers.as_ptr());
    assert_eq!((status, message.as_str()), (Status::Stride as i32, "product: result c shares memory with redranges_j"));
}

#[test]
fn one_block_with_everything_gives_the_bits_of_a_dense_call() {
    for (rows, columns) in [(3, 5000), (100, 333), (40, 3), (70, 140_000)] {
        let (x, y) = (noise(rows, 5), noise(columns, 6));
        let mut arrays = [
            Array::f32(&[rows as i64, 1], x.clone()),
            Array::f32(&[columns as i64, 1], y.clone()),
            Array::zeros(F32, &[rows as i64, 1]),
        ];
        assert_eq!(run(mock::product(), &mut arrays, 1), (0, String::new()));
        let dense = arrays[2].memory::<f32>()[..rows].to_vec();
        let (end, half) = (columns as i64, columns as i64 / 2);
        for parts in [vec![(0, end)], vec![(0, half), (half, half), (half, end)]] {
            for threads in [1, 2, 5] {
                let blocks: Blocks = vec![((0, rows as i64), parts.clone())];
                let (status, message, sums) = product(&x, &y, &mut six(&blocks, &vec![]), threads);
                assert_eq!((status, message.as_str()), (0, ""));
                assert!(sums == dense, "{rows} rows, {columns} columns, {threads} threads, {parts:?}");
            }
        }
    }
}

#[test]
fn blocks_of_very_different_sizes_are_divided_without_changing_a_bit() {
    let (rows, columns) = (3000_i64, 20_000_i64);
    let (x, y) = (noise(rows as usize, 7), noise(columns as usize, 8));
    let tiny = |count: i64| (0..count).map(|k| ((k * 3, k * 3 + 2), vec![(k, k + 2), (k + 7, k + 8)]));
    let large = ((2900, 2910), vec![(3, 9000), (9001, 9002), (9010, 19_999)]);
    let scattered = ((2920, 2950), (0..6000).map(|k| (k * 3, k * 3 + 2)).collect());
    for blocks in [
        tiny(900).chain([large.clone()]).collect::<Blocks>(),
        tiny(1).chain([large.clone(), scattered.clone()]).collect(),
        [scattered].into_iter().chain(tiny(900)).chain([large]).collect(),
    ] {
        let results = [1, 2, 3, 5, 8, 64].map(|threads| product(&x, &y, &mut six(&blocks, &vec![]), threads));
        let wanted = masked(&blocks, &x, &y);
        for (status, message, sums) in &results {
            assert_eq!((*status, message.as_str()), (0, ""));
            assert!(*sums == results[0].2);
            assert!(sums.iter().zip(&wanted).all(|(sum, wanted)| (sum - wanted).abs() < 0.01));
        }
    }
}

/// A stack of the tables of several batch elements, padded to a rectangle: rows of no columns, and column blocks that nobody names.
fn stacked(sides: &[&Blocks], shape: &[i64]) -> [Array; 3] {
    let most_blocks = sides.iter().map(|side| side.len()).max().unwrap_or(0);
    let most_parts = sides.iter().map(|side| side.iter().map(|(_, parts)| parts.len()).sum()).max().unwrap_or(0);
    let mut tables: [Vec<i64>; 3] = Default::default();
    for blocks in sides {
        for (number, table) in side(blocks).iter().enumerate() {
            let (count, width) = [(most_blocks, 2), (most_blocks, 1), (most_parts, 2)][number];
            let given = &table.memory::<i64>()[..table.shape.iter().product::<i64>() as usize];
            let padding = if number == 1 { given.last().copied().unwrap_or(0) } else { 0 };
            tables[number].extend_from_slice(given);
            tables[number].resize(tables[number].len() + count * width - given.len(), padding);
        }
    }
    let [blocks, ends, parts] = tables;
    let with =
        |tail: &[usize]| shape.iter().copied().chain(tail.iter().map(|&extent| extent as i64)).collect::<Vec<_>>();
    [array(&with(&[most_blocks, 2]), blocks), array(&with(&[most_blocks]), ends), array(&with(&[most_parts, 2]), parts)]
}

fn sparsities() -> [Blocks; 3] {
    [
        vec![((0, 12), vec![(0, 5), (9, 30)]), ((20, 25), vec![(3, 4)])],
        vec![],
        vec![((24, 25), vec![(0, 40)]), ((1, 2), vec![(30, 31), (4, 7)]), ((7, 7), vec![(0, 1)])],
    ]
}

#[test]
fn batch_elements_have_ranges_of_their_own() {
    let (rows, columns) = (25, 40);
    let sparsities = sparsities();
    let sides: Vec<&Blocks> = sparsities.iter().collect();
    let (x, y) = (whole(2 * 3 * rows, 1), whole(3 * columns, 2));
    for threads in [1, 2, 5] {
        // Batch shape (2, 3): ranges along the second axis, the first shares them.
        for shape in [vec![3], vec![1, 3]] {
            let mut arrays = [
                Array::f32(&[2, 3, rows as i64, 1], x.clone()),
                Array::f32(&[3, columns as i64, 1], y.clone()),
                Array::f32(&[2, 3, rows as i64, 1], vec![9.0; 6 * rows]),
            ];
            let mut ranges: Vec<Array> = stacked(&sides, &shape).into_iter().chain(side(&vec![])).collect();
            assert_eq!(with_ranges(mock::product(), &mut arrays, &mut ranges, threads), (0, String::new()));
            for (element, result) in arrays[2].memory::<f32>()[..6 * rows].chunks(rows).enumerate() {
                let (x, y) = (&x[element * rows..][..rows], &y[element % 3 * columns..][..columns]);
                assert_eq!(result, masked(&sparsities[element % 3], x, y), "{threads} threads, element {element}");
            }
        }
    }
}

#[test]
fn ranges_bring_batch_axes_of_their_own() {
    let sparsities = sparsities();
    let sides: Vec<&Blocks> = sparsities.iter().collect();
    let (x, y) = (whole(25, 1), whole(40, 2));
    let mut ranges: Vec<Array> = stacked(&sides, &[3]).into_iter().chain(side(&vec![])).collect();
    let mut arrays =
        [Array::f32(&[25, 1], x.clone()), Array::f32(&[40, 1], y.clone()), Array::f32(&[3, 25, 1], vec![9.0; 75])];
    assert_eq!(with_ranges(mock::product(), &mut arrays, &mut ranges, 2), (0, String::new()));
    for (result, blocks) in arrays[2].memory::<f32>()[..75].chunks(25).zip(&sparsities) {
        assert_eq!(result, masked(blocks, &x, &y));
    }
    arrays[2] = Array::f32(&[25, 1], vec![9.0; 25]);
    assert_eq!(
        with_ranges(mock::product(), &mut arrays, &mut ranges, 2),
        (Status::Shape as i32, "product: result c: expected shape (3, 25, 1), given shape (25, 1)".to_owned())
    );
}

#[test]
fn the_six_tensors_broadcast_each_on_its_own() {
    // Rows differ along the first axis, columns along the second; the ends are shared.
    let (rows, columns) = (20, 30);
    let (x, y) = (whole(rows, 1), whole(columns, 2));
    let row_blocks = [[(0, 4), (10, 12)], [(3, 9), (1, 2)]];
    let parts = [[(0, 3), (7, 9), (5, 30)], [(6, 6), (2, 4), (0, 1)], [(1, 30), (0, 1), (29, 30)]];
    let flat = |pairs: &[(i64, i64)]| pairs.iter().flat_map(|(begin, end)| [*begin, *end]).collect::<Vec<_>>();
    let mut ranges = vec![
        array(&[2, 1, 2, 2], row_blocks.iter().flat_map(|blocks| flat(blocks)).collect()),
        array(&[2], vec![2, 3]),
        array(&[3, 3, 2], parts.iter().flat_map(|parts| flat(parts)).collect()),
    ];
    ranges.extend(side(&vec![]));
    for threads in [1, 5] {
        let mut arrays = [
            Array::f32(&[rows as i64, 1], x.clone()),
            Array::f32(&[columns as i64, 1], y.clone()),
            Array::f32(&[2, 3, rows as i64, 1], vec![9.0; 6 * rows]),
        ];
        assert_eq!(with_ranges(mock::product(), &mut arrays, &mut ranges, threads), (0, String::new()));
        for (element, result) in arrays[2].memory::<f32>()[..6 * rows].chunks(rows).enumerate() {
            let ([first, second], [a, b, c]) = (row_blocks[element / 3], parts[element % 3]);
            let blocks: Blocks = vec![(first, vec![a, b]), (second, vec![c])];
            assert_eq!(result, masked(&blocks, &x, &y));
        }
    }
}

#[test]
fn what_is_wrong_in_one_batch_element_is_found_there() {
    let refused = |change: &dyn Fn(&mut Vec<Array>)| {
        let sparsities = sparsities();
        let sides: Vec<&Blocks> = sparsities.iter().collect();
        let mut ranges: Vec<Array> = stacked(&sides, &[3]).into_iter().chain(stacked(&[&vec![]; 3], &[1, 3])).collect();
        change(&mut ranges);
        let mut arrays = [
            Array::f32(&[2, 3, 25, 1], whole(150, 1)),
            Array::f32(&[40, 1], whole(40, 2)),
            Array::f32(&[2, 3, 25, 1], vec![9.0; 150]),
        ];
        let outcome = with_ranges(mock::product(), &mut arrays, &mut ranges, 1);
        assert!(arrays[2].memory::<f32>()[..150].iter().all(|sum| *sum == 9.0), "nothing is written");
        outcome
    };
    let set =
        |table: usize, place: usize, value: i64| refused(&move |ranges| ranges[table].bytes[place] = value as u64);
    // Three blocks of rows and four column blocks an element.
    for ((table, place, value), text) in [
        ((0, 13, 26), "ranges_i[0] of batch element (0, 2) is (24, 26), expected 0 <= begin <= end <= 25"),
        ((0, 14, 24), "ranges_i[1] of batch element (0, 2) is (24, 2), expected 0 <= begin <= end <= 25"),
        ((0, 2, 11), "ranges_i: blocks of batch element (0, 0) overlap"),
        ((1, 5, -1), "slices_i[2] of batch element (0, 1) is -1, expected 0 to 4"),
        ((1, 8, 5), "slices_i[2] of batch element (0, 2) is 5, expected 3 to 4"),
        ((2, 9, 41), "redranges_j[0] of batch element (0, 1) is (0, 41), expected 0 <= begin <= end <= 40"),
        ((2, 21, 31), "redranges_j: the column blocks of block 1 of rows of batch element (0, 2) overlap"),
    ] {
        assert_eq!(set(table, place, value), (Status::Ranges as i32, format!("product: {text}")));
    }
    assert_eq!(
        refused(&|ranges| ranges[4] = array(&[4, 0], vec![])),
        (
            Status::Shape as i32,
            "product: tensor slices_j: batch shape (4,) does not broadcast with (2, 3) of the tensors before it"
                .to_owned()
        )
    );
}

/// Random numbers below a limit.
fn below(seed: &mut u64, limit: i64) -> i64 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 33) as i64 % limit
}

fn random_intervals(seed: &mut u64, count: i64, limit: i64) -> Vec<(i64, i64)> {
    (0..count)
        .map(|_| {
            let begin = below(seed, limit + 1);
            (begin, (begin + below(seed, 70)).min(limit))
        })
        .collect()
}

fn overlap(intervals: &[(i64, i64)], limit: i64) -> bool {
    (0..limit).any(|number| intervals.iter().filter(|(begin, end)| (*begin..*end).contains(&number)).count() > 1)
}

/// Around words of 64 bits, in any order: compared with counting.
#[test]
fn overlaps_are_found_wherever_they_are() {
    let (rows, columns) = (200, 260);
    let (x, y) = (whole(rows as usize, 1), whole(columns as usize, 2));
    let mut seed = 3;
    let (mut sound, mut refused) = (0, 0);
    for round in 0..600 {
        let count = 1 + round % 4;
        let row_blocks = random_intervals(&mut seed, count, rows);
        let blocks: Blocks = row_blocks
            .iter()
            .map(|rows| {
                let count = below(&mut seed, 4);
                (*rows, random_intervals(&mut seed, count, columns))
            })
            .collect();
        let rows_overlap = overlap(&row_blocks, rows);
        let columns_overlap = blocks.iter().position(|(_, parts)| overlap(parts, columns));
        let (status, message, sums) = product(&x, &y, &mut six(&blocks, &vec![]), 2);
        match (rows_overlap, columns_overlap) {
            (true, _) => assert_eq!(message, "product: ranges_i: blocks overlap", "{blocks:?}"),
            (false, Some(block)) => {
                let text = format!("product: redranges_j: the column blocks of block {block} of rows overlap");
                assert_eq!(message, text, "{blocks:?}");
            }
            (false, None) => {
                assert_eq!((status, message.as_str()), (0, ""), "{blocks:?}");
                assert_eq!(sums, masked(&blocks, &x, &y), "{blocks:?}");
                sound += 1;
                continue;
            }
        }
        assert_eq!(status, Status::Ranges as i32);
        refused += 1;
    }
    assert!(sound > 50 && refused > 50, "{sound} sound, {refused} refused");
}
