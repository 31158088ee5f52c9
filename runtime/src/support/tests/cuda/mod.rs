//! Calls on GPUs, with a driver and kernels in plain Rust.

mod calls;
mod devices;
mod driver;
mod host;
mod kernels;
mod ranges;
mod sizes;

use super::harness::{Array, run_with};
use crate::abi::*;

/// Small whole numbers, of which sums are exact.
pub fn whole(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|number| ((number * 7 + seed * 5) % 9) as f32 - 4.0).collect()
}

/// A column of them.
pub fn column(rows: usize, seed: usize) -> Array {
    Array::f32(&[rows as i64, 1], whole(rows, seed))
}

/// The same on a GPU.
pub fn on_gpu(array: Array) -> Array {
    Array { device_type: DL_CUDA, ..array }
}

/// `c_i = Σ_j weight(i, j) x_i y_j` over some columns.
pub fn expected_at(row: usize, x: f32, y: &[f32], columns: impl Iterator<Item = usize>) -> f32 {
    let pairs = columns.map(|column| f64::from(kernels::weight(row as i64, column as i64) * x * y[column]));
    pairs.sum::<f64>() as f32
}

/// The same for all rows and columns.
pub fn expected(x: &[f32], y: &[f32]) -> Vec<f32> {
    x.iter().enumerate().map(|(row, x)| expected_at(row, *x, y, 0..y.len())).collect()
}

/// Calls an entry; it must succeed.
pub fn succeed(entry: &EntryDescriptor, arrays: &mut [Array], change: impl FnOnce(&mut Call)) {
    assert_eq!(run_with(entry, arrays, 1, change), (0, String::new()));
}
