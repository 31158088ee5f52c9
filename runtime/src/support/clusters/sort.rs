//! Sorting by labels: the stable permutation, and where each cluster begins and ends.

use super::argument::{Argument, Kind, Request, named};
use crate::abi::{DLTensor, Status, TensorDescriptor};
use crate::support::arena::Arena;

const LABELS: &TensorDescriptor = &named(c"labels");
const ORDER: &TensorDescriptor = &named(c"order");
const RANGES: &TensorDescriptor = &named(c"ranges");

/// Bits of a digit: three of them sort most grids.
const DIGIT: u32 = 11;

/// A key and the number of the row that it belongs to.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Keyed {
    /// What is sorted by.
    pub key: u64,
    /// The row.
    pub row: usize,
}

/// Two lists of keys: radix sort moves them to and fro.
pub struct Keys {
    arena: Arena,
    count: usize,
    in_second: bool,
}

impl Keys {
    /// Room for `count` keys, those of rows 0, 1, 2 … in this order.
    pub fn new(request: &mut Request<'_>, count: usize) -> Result<Keys, Status> {
        let arena = request.memory(count.saturating_mul(2), size_of::<Keyed>())?;
        let mut keys = Keys { arena, count, in_second: false };
        for (row, keyed) in keys.list_mut().iter_mut().enumerate() {
            *keyed = Keyed { key: 0, row };
        }
        Ok(keys)
    }

    fn halves(&self) -> (*mut Keyed, *mut Keyed) {
        let first = self.arena.base().cast::<Keyed>();
        let second = first.wrapping_add(self.count);
        if self.in_second { (second, first) } else { (first, second) }
    }

    /// The keys in their present order.
    pub fn list(&self) -> &[Keyed] {
        // SAFETY: `new` wrote all of the first half, each digit all of the other.
        unsafe { core::slice::from_raw_parts(self.halves().0, self.count) }
    }

    /// The same, to be changed.
    pub fn list_mut(&mut self) -> &mut [Keyed] {
        // SAFETY: as in `list`; any bytes are keys.
        unsafe { core::slice::from_raw_parts_mut(self.halves().0, self.count) }
    }

    /// The other half: as many bytes as there are keys, and more.
    pub fn spare(&mut self) -> *mut u8 {
        self.halves().1.cast()
    }

    /// Sorts by the lowest `bits` bits, the only ones that are set; equal keys keep their order.
    pub fn sort(&mut self, bits: u32) {
        let mut shift = 0;
        while shift < bits {
            self.sort_digit(shift);
            shift += DIGIT;
        }
    }

    fn sort_digit(&mut self, shift: u32) {
        let digit = |keyed: &Keyed| (keyed.key >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_usize; 1 << DIGIT];
        for keyed in self.list() {
            if let Some(count) = places.get_mut(digit(keyed)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for place in &mut places {
            (*place, sum) = (sum, sum + *place);
        }
        let other = self.halves().1;
        for keyed in self.list() {
            if let Some(place) = places.get_mut(digit(keyed)) {
                // SAFETY: each key has its place below `count` in the other half.
                unsafe { other.add(*place).write(*keyed) };
                *place += 1;
            }
        }
        self.in_second = !self.in_second;
    }
}

/// How many bits a number takes.
pub fn bits(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

/// See [`crate::abi::Clusters::cluster_order`].
pub fn cluster_order(request: &mut Request<'_>, labels: *const DLTensor, order: *const DLTensor) -> Result<(), Status> {
    let labels = request.argument(LABELS, labels, Kind::Whole, &[-1])?;
    let count = labels.rows();
    let order = request.argument(ORDER, order, Kind::Integer, &[count as i64])?;
    request.writable(&order, &[&labels])?;
    request.holds(&order, count)?;
    let all = || (0..count).map(|row| labels.integer(row, 0));
    let (Some(least), Some(most)) = (all().min(), all().max()) else { return Ok(()) };
    let mut keys = Keys::new(request, count)?;
    for keyed in keys.list_mut() {
        keyed.key = labels.integer(keyed.row, 0).wrapping_sub(least) as u64;
    }
    keys.sort(bits(most.wrapping_sub(least) as u64));
    for (place, keyed) in keys.list().iter().enumerate() {
        order.write_integer(place, 0, keyed.row as i64);
    }
    Ok(())
}

/// See [`crate::abi::Clusters::cluster_ranges`].
pub fn cluster_ranges(
    request: &mut Request<'_>,
    labels: *const DLTensor,
    ranges: *const DLTensor,
) -> Result<(), Status> {
    let labels = request.argument(LABELS, labels, Kind::Whole, &[-1])?;
    let ranges = request.argument(RANGES, ranges, Kind::Integer, &[-1, 2])?;
    request.writable(&ranges, &[&labels])?;
    request.holds(&ranges, labels.rows())?;
    let clusters = ranges.rows();
    request.labels_below(&labels, clusters)?;
    let mut arena = request.memory(clusters, size_of::<usize>())?;
    let counts = counts(&mut arena, &labels, clusters);
    let mut begin = 0;
    for (cluster, count) in counts.iter().enumerate() {
        ranges.write_integer(cluster, 0, begin as i64);
        begin += count;
        ranges.write_integer(cluster, 1, begin as i64);
    }
    Ok(())
}

/// The number of points of each cluster. Labels are below `clusters`, for which the arena has room.
pub fn counts<'a>(arena: &'a mut Arena, labels: &Argument<'_>, clusters: usize) -> &'a mut [usize] {
    // SAFETY: the arena has room for them.
    let counts = unsafe {
        arena.base().write_bytes(0, clusters * size_of::<usize>());
        core::slice::from_raw_parts_mut(arena.base().cast::<usize>(), clusters)
    };
    for row in 0..labels.rows() {
        if let Some(count) = counts.get_mut(labels.integer(row, 0) as usize) {
            *count += 1;
        }
    }
    counts
}
