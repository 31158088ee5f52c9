//! Whether the elements of strided tensors may share memory. Errs on the safe side.

use super::tensor::Tensor;
use core::num::NonZeroU64;

/// Half of what addresses can tell apart: no memory has longer steps, and sums of two residues do not overflow.
const LONGEST_STEP: u64 = i64::MAX as u64;

/// Whether two elements of one tensor may lie at the same place: some dimension's step is not larger than the extent of all finer ones.
pub fn overlaps_itself(tensor: &Tensor<'_>) -> bool {
    if tensor.is_empty() {
        return false;
    }
    tensor.dimensions().enumerate().any(|(number, (extent, stride))| {
        let step = stride.unsigned_abs();
        let finer = tensor.dimensions().enumerate().filter(|&(other, (_, stride))| {
            let other_step = stride.unsigned_abs();
            other != number && (other_step < step || (other_step == step && other < number))
        });
        let reach = finer.fold(0_u64, |reach, (_, (extent, stride))| reach.saturating_add(span(extent, stride)));
        extent > 1 && step <= reach
    })
}

/// Whether two tensors may share memory: their address ranges meet, and no modulus tells them apart.
pub fn share_memory(left: &Tensor<'_>, right: &Tensor<'_>) -> bool {
    if left.is_empty() || right.is_empty() {
        return false;
    }
    let (left_low, left_high) = addresses(left);
    let (right_low, right_high) = addresses(right);
    if left_high <= right_low || right_high <= left_low {
        return false;
    }
    let moduli = steps(left).chain(steps(right)).filter(|modulus| *modulus <= LONGEST_STEP);
    !moduli.filter_map(NonZeroU64::new).any(|modulus| interleaved(left, right, modulus))
}

/// Whether a tensor may have elements among the bytes from an address on.
pub fn share_bytes(tensor: &Tensor<'_>, (address, size): (usize, usize)) -> bool {
    if tensor.is_empty() || size == 0 {
        return false;
    }
    let (low, high) = addresses(tensor);
    low < (address as u64).saturating_add(size as u64) && (address as u64) < high
}

/// The steps of a tensor in bytes.
fn steps<'a>(tensor: &'a Tensor<'_>) -> impl Iterator<Item = u64> + 'a {
    tensor
        .dimensions()
        .filter(|&(extent, _)| extent > 1)
        .map(|(_, stride)| stride.unsigned_abs().saturating_mul(tensor.item_size()))
}

/// Whether the two lie in different residues modulo `modulus`, at most [`LONGEST_STEP`], as two columns of one matrix do.
fn interleaved(left: &Tensor<'_>, right: &Tensor<'_>, modulus: NonZeroU64) -> bool {
    let (left_start, left_length) = residues(left, modulus);
    let (right_start, right_length) = residues(right, modulus);
    let circle = modulus.get();
    if left_length.saturating_add(right_length) > circle {
        return false;
    }
    let gap = (right_start + (circle - left_start)) % modulus;
    gap >= left_length && circle - gap >= right_length
}

/// Where the bytes of a tensor begin modulo `modulus`, and how many follow, leaving out steps that are multiples of it.
fn residues(tensor: &Tensor<'_>, modulus: NonZeroU64) -> (u64, u64) {
    let size = tensor.item_size();
    let fine = || tensor.dimensions().filter(|&(_, stride)| stride.unsigned_abs().saturating_mul(size) % modulus != 0);
    let below = fine()
        .filter(|&(_, stride)| stride < 0)
        .fold(0_u64, |reach, (extent, stride)| reach.saturating_add(span(extent, stride)));
    let reach = fine().fold(0_u64, |reach, (extent, stride)| reach.saturating_add(span(extent, stride)));
    // Where that would lie before the first address it is still a residue.
    let start = tensor.address() as u64 % modulus + (modulus.get() - below.saturating_mul(size) % modulus);
    (start % modulus, reach.saturating_mul(size).saturating_add(size))
}

/// The first byte and the byte past the end.
pub fn addresses(tensor: &Tensor<'_>) -> (u64, u64) {
    let size = tensor.item_size();
    let reach = |negative: bool| {
        let same_sign = tensor.dimensions().filter(move |&(_, stride)| (stride < 0) == negative);
        same_sign.fold(0_u64, |reach, (extent, stride)| reach.saturating_add(span(extent, stride)))
    };
    let address = tensor.address() as u64;
    let low = address.saturating_sub(reach(true).saturating_mul(size));
    let high = address.saturating_add(reach(false).saturating_mul(size)).saturating_add(size);
    (low, high)
}

/// Elements from the first to the last along one dimension.
fn span(extent: i64, stride: i64) -> u64 {
    (extent.max(1) as u64 - 1).saturating_mul(stride.unsigned_abs())
}
