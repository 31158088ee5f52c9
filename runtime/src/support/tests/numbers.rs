//! Row numbers stay int64 in tiles and records, as two halves beside float32.

use crate::abi::{F32, F64, I64};
use crate::support::pack::{Block, View, count, read, transpose, width};

const NUMBERS: [i64; 6] = [-1, 0, (1 << 24) + 1, (1 << 40) + 3, i64::MAX, i64::MIN];

/// The numbers that a buffer holds from its beginning.
fn numbers(buffer: &[u8]) -> Vec<i64> {
    buffer.chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().expect("eight bytes"))).collect()
}

/// Three rows of two row numbers each as a tile of four rows, then turned into records.
#[test]
fn through_a_tile_to_records() {
    for (compute, element) in [(F32, 4), (F64, 8)] {
        let mut source = NUMBERS;
        let data = source.as_mut_ptr().cast();
        let view = View { base: data, data, row_stride: 2, component_stride: 1, dtype: I64 };
        let lines = 2 * width(I64, compute);
        let mut tile = vec![0_u8; lines * 4 * element];
        let mut records = vec![0_u8; lines * 3 * element];
        let block = Block { data: tile.as_mut_ptr(), row_stride: 1, component_stride: 4 };
        // SAFETY: the tensor has these rows, tile and records have room for them.
        unsafe {
            read(&view, 0, 3, 2, block, compute);
            transpose(tile.as_ptr(), 4, records.as_mut_ptr(), 3, lines, compute);
        }
        assert_eq!(numbers(&records), NUMBERS);
    }
}

#[test]
fn straight_to_records() {
    for (compute, element) in [(F32, 4), (F64, 8)] {
        let mut source = NUMBERS;
        let data = source.as_mut_ptr().cast();
        let view = View { base: data, data, row_stride: 2, component_stride: 1, dtype: I64 };
        let dim = 2 * width(I64, compute);
        let mut records = vec![0_u8; dim * 2 * element];
        let block = Block { data: records.as_mut_ptr(), row_stride: dim, component_stride: 1 };
        // SAFETY: the tensor has three rows, the records have room for two.
        unsafe { read(&view, 1, 2, 2, block, compute) };
        assert_eq!(numbers(&records), NUMBERS[2..]);
    }
}

#[test]
fn of_the_rows_themselves() {
    let first = (1 << 33) - 2;
    for (compute, element) in [(F32, 4), (F64, 8)] {
        let dim = width(I64, compute);
        let mut records = vec![0_u8; dim * 4 * element];
        let block = Block { data: records.as_mut_ptr(), row_stride: dim, component_stride: 1 };
        // SAFETY: the records have room for four numbers.
        unsafe { count(first, 4, block, compute) };
        assert_eq!(numbers(&records), [first, first + 1, first + 2, first + 3].map(|number| number as i64));
    }
}
