//! Layer 3 with mock kernels: any number of shards gives the bits of one call, and what is wrong with a call is said.

use super::harness::{Array, blank_call, noise, run};
use super::mock::{self, CHUNK, TILE};
use crate::abi::*;
use crate::support::state::Layout;
use crate::support::{
    keops_support_finalize, keops_support_merge, keops_support_partial, keops_support_plain_finalize,
    keops_support_plain_merge, keops_support_plain_partial, keops_support_shard, keops_support_state_size,
};
use core::ffi::{CStr, c_char, c_void};

const OK: (i32, String) = (0, String::new());

/// A call with these tensors and a message, given to `function`.
fn call(arrays: &mut [Option<Array>], threads: i32, function: impl FnOnce(&mut Call) -> i32) -> (i32, String) {
    let tensors: Vec<Option<DLTensor>> =
        arrays.iter_mut().map(|array| array.as_mut().map(|array| array.tensor())).collect();
    let pointers: Vec<*const DLTensor> =
        tensors.iter().map(|tensor| tensor.as_ref().map_or(core::ptr::null(), core::ptr::from_ref)).collect();
    let mut message = [0x55_u8; 300];
    let mut call = blank_call(threads);
    call.num_tensors = pointers.len() as u32;
    call.tensors = pointers.as_ptr();
    call.message = message.as_mut_ptr().cast::<c_char>();
    call.message_size = message.len() as u64;
    let status = function(&mut call);
    (status, CStr::from_bytes_until_nul(&message).unwrap().to_str().unwrap().to_owned())
}

fn partial(entry: &EntryDescriptor, inputs: &[Array], first: i64, state: &mut [u64], threads: i32) -> (i32, String) {
    let mut inputs: Vec<_> = inputs.iter().cloned().map(Some).collect();
    let (records, size) = (state.as_mut_ptr().cast(), size_of_val(state) as u64);
    call(&mut inputs, threads, |call| unsafe { keops_support_partial(entry, call, first, records, size) })
}

fn merge(entry: &EntryDescriptor, state: &mut [u64], later: &[u64], threads: i32) -> (i32, String) {
    let (records, size) = (state.as_mut_ptr().cast(), size_of_val(state) as u64);
    call(&mut [], threads, |call| unsafe { keops_support_merge(entry, call, records, later.as_ptr().cast(), size) })
}

fn finalize(entry: &EntryDescriptor, arrays: &mut [Option<Array>], state: &[u64], threads: i32) -> (i32, String) {
    let (records, size) = (state.as_ptr().cast(), size_of_val(state) as u64);
    call(arrays, threads, |call| unsafe { keops_support_finalize(entry, call, records, size) })
}

/// Merges neighbours as the documentation says.
fn merge_all(entry: &EntryDescriptor, mut states: Vec<Vec<u64>>, threads: i32) -> Vec<u64> {
    let mut step = 1;
    while step < states.len() {
        for shard in (0..states.len() - step).step_by(2 * step) {
            let (left, right) = states.split_at_mut(shard + step);
            assert_eq!(merge(entry, &mut left[shard], &right[0], threads), OK);
        }
        step *= 2;
    }
    states.swap_remove(0)
}

/// The value and the number of the nearest y, found in `shards` shards.
fn nearest(x: &[f32], y: &[f32], shards: i64, threads: i32) -> (Vec<u64>, Vec<u64>) {
    let entry = mock::smallest(F32);
    let rows = x.len() as i64;
    let length = unsafe { keops_support_shard(entry, y.len() as i64, shards) };
    let words = unsafe { keops_support_state_size(entry, rows) } as usize / 8;
    let states = (0..shards.max(1)).map(|shard| {
        let begin = (shard * length).min(y.len() as i64);
        let part = &y[begin as usize..y.len().min((begin + length) as usize)];
        let inputs = [Array::f32(&[rows, 1], x.to_vec()), Array::f32(&[part.len() as i64, 1], part.to_vec())];
        let mut state = vec![7; words];
        assert_eq!(partial(entry, &inputs, begin, &mut state, threads), OK);
        state
    });
    let state = merge_all(entry, states.collect(), threads);
    let value = Array::f32(&[rows, 1], vec![9.0; x.len()]);
    let mut arrays = [Some(Array::f32(&[rows, 1], x.to_vec())), None, Some(value), Some(Array::zeros(I64, &[rows, 1]))];
    assert_eq!(finalize(entry, &mut arrays, &state, threads), OK);
    let [_, _, value, index] = arrays.map(|array| array.map(|array| array.bytes).unwrap_or_default());
    (value, index)
}

#[test]
fn indices_count_from_the_first_column_of_all() {
    for (rows, columns) in [(1, 1), (TILE + 3, 5 * CHUNK + 1), (2, 64 * CHUNK - 1), (5, 0), (0, 40)] {
        let (x, y) = (noise(rows, 1), noise(columns, 2));
        let shape = |count: usize| [count as i64, 1];
        let mut whole = [
            Array::f32(&shape(rows), x.clone()),
            Array::f32(&shape(columns), y.clone()),
            Array::f32(&shape(rows), vec![9.0; rows]),
            Array::zeros(I64, &shape(rows)),
        ];
        assert_eq!(run(mock::smallest(F32), &mut whole, 1), OK);
        for shards in 1..8 {
            for threads in [1, 3] {
                let found = nearest(&x, &y, shards, threads);
                assert_eq!(found, (whole[2].bytes.clone(), whole[3].bytes.clone()), "{rows} {columns} {shards}");
            }
        }
    }
}

#[test]
fn columns_that_are_numbers_count_from_the_first_of_all() {
    let entry = mock::numbered();
    let x = Array::of(F64, &[1, 1], 1.0_f64.to_ne_bytes().to_vec());
    let states = [(0, 2 * CHUNK as i64), (2 * CHUNK as i64, 5)].map(|(first, columns)| {
        let mut state = vec![7];
        let (records, size) = (state.as_mut_ptr().cast(), 8);
        let function = |call: &mut Call| {
            call.rows_j = columns;
            unsafe { keops_support_partial(entry, call, first, records, size) }
        };
        assert_eq!(call(&mut [Some(x.clone())], 1, function), OK);
        state
    });
    let sum: i64 = (0..2 * CHUNK as i64 + 5).sum();
    assert_eq!(merge_all(entry, states.to_vec(), 1), [(sum as f64).to_bits()]);
}

/// `conv` on batches of shape (2, 3) whose inputs are broadcast, in shards of so many chunks.
fn batched_sum(columns: usize, chunks: usize, threads: i32) -> (Vec<u64>, Vec<u64>) {
    let entry = mock::full::<f32>(F32);
    let (rows, length) = (TILE + 1, chunks * CHUNK);
    let (m, n) = (rows as i64, columns as i64);
    let x = Array::f32(&[2, 1, m, 2], noise(4 * rows, 1));
    let (y, b) = (noise(3 * columns * 2, 2), noise(columns, 3));
    let p = Array::f32(&[3, 1], noise(3, 4));
    let result = || Array::zeros(F32, &[2, 3, m, 1]);
    let mut whole = [x.clone(), Array::f32(&[3, n, 2], y.clone()), Array::f32(&[n, 1], b.clone()), p.clone(), result()];
    assert_eq!(run(entry, &mut whole, threads), OK);
    let shards = (0..columns).step_by(length).map(|begin| {
        let end = columns.min(begin + length);
        let count = (end - begin) as i64;
        let part: Vec<f32> = y.chunks(2 * columns).flat_map(|batch| batch[2 * begin..2 * end].to_vec()).collect();
        let inputs =
            [x.clone(), Array::f32(&[3, count, 2], part), Array::f32(&[count, 1], b[begin..end].to_vec()), p.clone()];
        let mut state = vec![7; 2 * 3 * rows];
        assert_eq!(partial(entry, &inputs, begin as i64, &mut state, threads), OK);
        state
    });
    let state = merge_all(entry, shards.collect(), threads);
    let mut arrays = [Some(x), None, None, Some(p), Some(result())];
    assert_eq!(finalize(entry, &mut arrays, &state, threads), OK);
    let [.., whole] = whole;
    let [.., found] = arrays;
    (whole.bytes, found.unwrap().bytes)
}

#[test]
fn batches_have_the_bits_of_one_call() {
    for columns in [1, CHUNK, 5 * CHUNK, 7 * CHUNK + 3, 16 * CHUNK] {
        for chunks in [1, 2, 4, 8] {
            for threads in [1, 4] {
                let (whole, found) = batched_sum(columns, chunks, threads);
                assert_eq!(whole, found, "{columns} columns in shards of {chunks} chunks, {threads} threads");
            }
        }
    }
}

#[test]
fn layer_1_does_the_same() {
    let entry = mock::product();
    let (m, n, length) = (3_i64, 100, 4 * CHUNK);
    let (mut x, mut y) = (noise(3, 1), noise(100, 2));
    let mut whole = [Array::f32(&[m, 1], x.clone()), Array::f32(&[n as i64, 1], y.clone()), Array::zeros(F32, &[m, 1])];
    assert_eq!(run(entry, &mut whole, 1), OK);
    let mut states = [[7_u64; 3], [7; 3]];
    let mut result = [9.0_f32; 3];
    let x = x.as_mut_ptr().cast::<c_void>();
    unsafe {
        for (shard, state) in states.iter_mut().enumerate() {
            let first = shard * length;
            let pointers = [x, y[first..].as_mut_ptr().cast(), core::ptr::null_mut()];
            let count = length.min(n - first) as i64;
            let states = state.as_mut_ptr().cast();
            assert_eq!(keops_support_plain_partial(entry, m, count, first as i64, pointers.as_ptr(), states), 0);
        }
        let [state, later] = &mut states;
        assert_eq!(keops_support_plain_merge(entry, m, state.as_mut_ptr().cast(), later.as_ptr().cast()), 0);
        let pointers = [x, core::ptr::null_mut(), result.as_mut_ptr().cast()];
        assert_eq!(keops_support_plain_finalize(entry, m, n as i64, pointers.as_ptr(), state.as_ptr().cast()), 0);
    }
    assert_eq!(result, whole[2].memory::<f32>()[..3]);
}

#[test]
fn bytes_between_fields_are_zero() {
    let mut state = vec![u64::MAX; 4];
    let inputs = [Array::f32(&[2, 1], [1.0, 2.0]), Array::f32(&[1, 1], [3.0])];
    assert_eq!(partial(mock::smallest(F32), &inputs, 5, &mut state, 1), OK);
    assert_eq!(state, [u64::from(2.0_f32.to_bits()), 5, u64::from(1.0_f32.to_bits()), 5]);
}

#[test]
fn lengths_of_shards() {
    let entry = mock::product();
    let shard = |columns, shards| unsafe { keops_support_shard(entry, columns, shards) };
    let chunk = CHUNK as i64;
    let cases = [
        ((0, 1), chunk),
        ((chunk, 1), chunk),
        ((chunk + 1, 1), 2 * chunk),
        ((8 * chunk, 4), 2 * chunk),
        ((8 * chunk + 1, 4), 4 * chunk),
        ((8 * chunk + 1, 1000), chunk),
        ((i64::MAX, 1), i64::MAX),
        ((i64::MAX, 2), 1 << 62),
        ((i64::MAX, i64::MAX), chunk),
        ((-1, 1), -1),
        ((1, 0), -1),
        ((1, -1), -1),
    ];
    for ((columns, shards), length) in cases {
        assert_eq!(shard(columns, shards), length, "{columns} columns in {shards} shards");
    }
    let size = |rows| unsafe { keops_support_state_size(entry, rows) };
    assert_eq!([size(0), size(3), size(i64::MAX), size(-1)], [0, 24, -1, -1]);
    assert_eq!(unsafe { keops_support_shard(mock::two_passes(), 10, 2) }, -1);
}

#[test]
fn chunks_of_several_passes() {
    let pass = unsafe { *(*mock::product().clones).passes };
    let with = |chunks: &[u32]| chunks.iter().map(|&chunk| PassDescriptor { chunk, ..pass }).collect::<Vec<_>>();
    let length = |chunks: &[u32]| Layout::of(&with(chunks)).unwrap().shard(1000, 3);
    assert_eq!([length(&[128]), length(&[128, 512]), length(&[64, 128, 64])], [Some(512), Some(512), Some(512)]);
    // 60 columns are no binary part of 512, nor of 180: only all columns together have the same tree.
    assert_eq!([length(&[60, 512]), length(&[60, 180]), length(&[60, 120])], [Some(1000), Some(1000), Some(480)]);
}

#[test]
fn what_is_wrong_with_a_call() {
    let entry = mock::product();
    let inputs = [Array::f32(&[2, 1], [1.0, 2.0]), Array::f32(&[3, 1], [3.0, 4.0, 5.0])];
    let mut state = [7_u64; 3];
    let refused = |status: Status, text: &str| (status as i32, format!("product: {text}"));
    assert_eq!(
        partial(entry, &inputs, -1, &mut state[..2], 1),
        refused(Status::Arguments, "first is -1, expected 0 or more")
    );
    assert_eq!(
        partial(entry, &inputs, i64::MAX - 2, &mut state[..2], 1),
        refused(Status::Arguments, "first is 9223372036854775805: with 3 columns, their numbers pass 2^63 - 1")
    );
    assert_eq!(
        partial(entry, &inputs, 0, &mut state, 1),
        refused(Status::Shape, "state has 24 bytes, expected 16 (2 rows of 8 bytes)")
    );
    assert_eq!(
        partial(entry, &inputs[..1], 0, &mut state[..2], 1),
        refused(Status::Arguments, "expected 2 tensors (x, y), given 1")
    );
    assert_eq!(
        merge(entry, &mut state[..2], &[7; 2], -1),
        refused(Status::Arguments, "threads is -1, expected 0 (automatic) or more")
    );
    let mut arrays = [None, None, Some(Array::zeros(F32, &[2, 1]))];
    assert_eq!(finalize(entry, &mut arrays, &state[..2], 1), refused(Status::NullPointer, "tensor x is NULL"));
    assert_eq!(state, [7; 3]);

    let memory = state.as_mut_ptr();
    let with = |records: *mut u64, later: *mut u64, size| {
        call(&mut [], 1, |call| unsafe { keops_support_merge(entry, call, records.cast(), later.cast(), size) })
    };
    assert_eq!(with(core::ptr::null_mut(), memory, 8), refused(Status::NullPointer, "state is NULL"));
    assert_eq!(with(memory, core::ptr::null_mut(), 8), refused(Status::NullPointer, "later state is NULL"));
    assert_eq!(
        with(memory, memory.wrapping_byte_add(4), 8),
        refused(Status::Stride, "later state is not aligned to 8 bytes")
    );
    assert_eq!(
        with(memory, memory.wrapping_add(1), 16),
        refused(Status::Stride, "state shares memory with the later state")
    );
    assert_eq!(
        with(memory, memory.wrapping_add(1), 4),
        refused(Status::Shape, "state has 4 bytes, expected a multiple of 8, the bytes of a row")
    );
    assert_eq!(with(core::ptr::null_mut(), core::ptr::null_mut(), 0), OK);
    assert_eq!(state, [7; 3]);
}

#[test]
fn states_beside_tensors() {
    let entry = mock::product();
    let refused = |text: &str| (Status::Stride as i32, format!("product: {text}"));
    let mut inputs = [Some(Array::f32(&[2, 1], [1.0, 2.0])), Some(Array::f32(&[4, 1], [3.0; 4]))];
    let place = inputs[1].as_mut().unwrap().pointer();
    assert_eq!(
        call(&mut inputs, 1, |call| unsafe { keops_support_partial(entry, call, 0, place, 16) }),
        refused("state shares memory with y")
    );
    assert_eq!(inputs[1].as_ref().unwrap().memory::<f32>(), [3.0; 4]);
    let mut arrays = [inputs[0].take(), None, Some(Array::f32(&[2, 1], [9.0; 2]))];
    let place = arrays[2].as_mut().unwrap().pointer();
    assert_eq!(
        call(&mut arrays, 1, |call| unsafe { keops_support_finalize(entry, call, place.wrapping_byte_sub(8), 16) }),
        refused("state shares memory with c")
    );
    assert_eq!(arrays[2].as_ref().unwrap().memory::<f32>(), [9.0; 2]);
}

#[test]
fn an_entry_of_two_passes_has_no_shards() {
    let entry = mock::two_passes();
    let mut state = [7_u64; 2];
    assert_eq!(merge(entry, &mut state, &[7; 2], 1).0, Status::Unsupported as i32);
    let inputs = [Array::f32(&[2, 1], [1.0; 2]), Array::f32(&[2, 1], [1.0; 2])];
    assert_eq!(partial(entry, &inputs, 0, &mut state, 1).0, Status::Unsupported as i32);
}
