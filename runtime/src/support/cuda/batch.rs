//! The batch dimensions of a pass as kernels count through them: neighbours are one where every tensor allows it, and the last three of what is
//! left are the kernels'; the host counts through the others.

use crate::abi::{DEVICE_BATCH, Status};
use crate::support::message::Message;
use crate::support::problem::Extents;
use crate::support::tensor::MAX_DIMENSIONS;

/// Batch dimensions, outermost first.
#[derive(Clone, Copy)]
pub struct Batch {
    dimensions: [Dimension; MAX_DIMENSIONS],
    count: usize,
    /// The first dimension that kernels count through.
    inner: usize,
}

/// One or several dimensions of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its extent.
    pub extent: usize,
    /// The innermost of the call's dimensions in it: that one's step is its step.
    pub last: usize,
}

impl Batch {
    /// The dimensions of a call, for which `merges(outer, inner, extent)` says whether each tensor's step along the dimension `outer` is `extent`
    /// times that along `inner`.
    pub fn of(
        extents: &Extents,
        merges: impl Fn(usize, usize, usize) -> bool,
        message: &mut Message,
    ) -> Result<Batch, Status> {
        let mut batch = Batch { dimensions: [Dimension { extent: 1, last: 0 }; MAX_DIMENSIONS], count: 0, inner: 0 };
        let shape = extents.batch_shape.iter().take(extents.batch_dimensions);
        for (number, extent) in shape.enumerate().filter(|(_, extent)| **extent != 1) {
            let extent = (*extent).max(0) as usize;
            let before = batch.count.checked_sub(1).and_then(|last| batch.dimensions.get_mut(last));
            match before {
                Some(before) if merges(before.last, number, extent) => {
                    *before = Dimension { extent: before.extent.saturating_mul(extent), last: number };
                }
                _ => {
                    if let Some(next) = batch.dimensions.get_mut(batch.count) {
                        *next = Dimension { extent, last: number };
                        batch.count += 1;
                    }
                }
            }
        }
        batch.inner = batch.count.saturating_sub(DEVICE_BATCH);
        if u32::try_from(batch.elements()).is_err() {
            message.text("the batch has too many elements for a GPU: ").number(batch.elements() as i64);
            return Err(Status::Unsupported);
        }
        Ok(batch)
    }

    fn outer(&self) -> &[Dimension] {
        self.dimensions.get(..self.inner).unwrap_or_default()
    }

    fn inner(&self) -> &[Dimension] {
        self.dimensions.get(self.inner..self.count).unwrap_or_default()
    }

    /// Batch elements that kernels count through.
    pub fn elements(&self) -> usize {
        self.inner().iter().fold(1, |count, dimension| count.saturating_mul(dimension.extent))
    }

    /// How often the host launches what does those.
    pub fn rounds(&self) -> usize {
        self.outer().iter().fold(1, |count, dimension| count.saturating_mul(dimension.extent))
    }

    /// Where a tensor of these steps is in a round, in elements.
    pub fn offset(&self, round: usize, step: impl Fn(usize) -> i64) -> i64 {
        let mut rest = round;
        self.outer().iter().rev().fold(0_i64, |offset, dimension| {
            let extent = dimension.extent.max(1);
            let number = (rest % extent) as i64;
            rest /= extent;
            offset.wrapping_add(number.wrapping_mul(step(dimension.last)))
        })
    }

    /// The kernels' dimensions: numbers of `value`, filled up from the front.
    pub fn for_kernels<T: Copy>(&self, fill: T, value: impl Fn(&Dimension) -> T) -> [T; DEVICE_BATCH] {
        let mut values = [fill; DEVICE_BATCH];
        values.iter_mut().rev().zip(self.inner().iter().rev()).for_each(|(to, dimension)| *to = value(dimension));
        values
    }
}
