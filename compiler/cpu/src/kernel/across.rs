//! Few rows: columns in the lanes instead of rows, so that a single row fills the registers.
//!
//! Lane l takes a stretch of columns of its own and adds it up exactly as a row's lane would: the same chunks in the same order. Its state
//! is that of a stretch, and stretches are merged along the tree that they would have been merged along otherwise, so that the number of
//! rows changes no bit of the result.
//!
//! `accumulate_across` is [`super::accumulate`] with rows and columns swapped where they are read: from *column tiles*
//! `[columns of a lane][column_values][lanes]`. Here are `transpose`, which makes these, and `merge_lanes`.

use inkwell::IntPredicate;
use inkwell::values::{FunctionValue, IntValue, PointerValue};

use super::{Kernel, SHORT};
use crate::vector::Vector;

/// How many column tiles ahead memory is asked for.
const TILES_AHEAD: i64 = 2;

/// `(state, steps, row, target)`: merges neighbouring lanes of a state `steps` times, and puts what is then in the first lane into a row
/// of another state. The first one is used up.
pub fn emit_merge_lanes<'ctx>(
    kernel: &Kernel<'_, 'ctx>,
    merge: FunctionValue<'ctx>,
    initialize: FunctionValue<'ctx>,
    state: PointerValue<'ctx>,
    target: PointerValue<'ctx>,
) {
    let integers = kernel.integer_parameters();
    let (steps, row) = (integers[0], integers[1]);
    let later = kernel.state_buffer();
    kernel.call(initialize, &[later]);
    kernel.counted_loop(kernel.integer(0), steps, 1, |_| {
        kernel.for_each_line(|size, line| {
            let vector = kernel.line_type(size);
            let place = kernel.address(state, line);
            let lanes = kernel.load_all(&[place], vector)[0];
            let pick = |odd: u32| {
                let count = kernel.lanes.count();
                let numbers: Vec<u32> = (0..count).map(|lane| (2 * lane + odd) % count).collect();
                kernel.lanes.shuffle(lanes, lanes, &numbers)
            };
            kernel.store_all(&vec![pick(0), pick(1)], &[place, kernel.address(later, line)]);
        });
        kernel.call(merge, &[state, later]);
    });
    kernel.for_each_line(|size, line| {
        let lanes = kernel.load_all(&[kernel.address(state, line)], kernel.line_type(size))[0];
        let place = kernel.add(line, kernel.multiply(row, kernel.integer(size as i64)));
        kernel.store_lane(lanes, kernel.address(target, place), size);
    });
}

impl<'ctx> Kernel<'_, 'ctx> {
    /// Each line of a state: the bytes of an element, and where the line begins.
    fn for_each_line(&self, mut body: impl FnMut(u64, IntValue<'ctx>)) {
        for (accumulation, places) in self.pass.accumulations.iter().zip(&self.layout.slots) {
            for (slot, place) in accumulation.rule.slots.iter().zip(places) {
                let size = self.layout.element_size(slot);
                self.components_up_to(SHORT, slot.dim, |index| {
                    let bytes = self.integer((u64::from(self.layout.tile_rows) * size) as i64);
                    let line = self.multiply(self.component_number(index), bytes);
                    body(size, self.add(self.integer(place.offset as i64), line));
                });
            }
        }
    }
}

/// `(source, stride, rows, width, values, tile)`: takes `rows` rows of `width` elements from each of as many places as there are lanes, `stride`
/// elements from one to the next, to a column tile whose rows have `values` elements a lane. `rows * width` is at least the number of lanes.
pub fn emit_transpose<'ctx>(kernel: &Kernel<'_, 'ctx>, source: PointerValue<'ctx>, tile: PointerValue<'ctx>) {
    let integers = kernel.integer_parameters();
    let [stride, rows, width, values] = [0, 1, 2, 3].map(|number| integers[number]);
    let count = i64::from(kernel.lanes.count());
    let elements = kernel.multiply(rows, width);
    let last = kernel.subtract(elements, kernel.integer(count));
    // The processor does not see that so many places are each read on.
    let ahead = kernel.multiply(elements, kernel.integer(TILES_AHEAD));
    kernel.counted_loop(kernel.integer(0), elements, count, |first| {
        // The last square overlaps the one before.
        let first = kernel.smaller(first, last);
        let lane = |lane: i64| {
            let place = kernel.add(first, kernel.multiply(stride, kernel.integer(lane)));
            kernel.lanes.prefetch(kernel.lanes.offset(source, kernel.add(place, ahead)));
            kernel.lanes.load(kernel.lanes.offset(source, place), kernel.layout.real_size as u32)
        };
        let columns = kernel.transposed((0..count).map(lane).collect());
        let mut component = kernel.remainder(first, width);
        let row = kernel.divide(first, width);
        let mut place = kernel.add(kernel.multiply(row, values), component);
        for column in columns {
            let address = kernel.lanes.offset(tile, kernel.multiply(place, kernel.integer(count)));
            kernel.lanes.store(column, address, (count as u64 * kernel.layout.real_size) as u32);
            // The next element, perhaps of the next row.
            component = kernel.add(component, kernel.integer(1));
            let ends = kernel.compare(IntPredicate::EQ, component, width);
            let step = kernel.add(kernel.subtract(values, width), kernel.integer(1));
            place = kernel.add(place, kernel.choose(ends, step, kernel.integer(1)));
            component = kernel.choose(ends, kernel.integer(0), component);
        }
    });
}

impl<'ctx> Kernel<'_, 'ctx> {
    /// As many vectors as there are lanes, lane k of vector l becoming lane l of vector k: in each round neighbouring blocks, twice as large as in
    /// the one before, swap their outer quarters.
    fn transposed(&self, mut vectors: Vec<Vector<'ctx>>) -> Vec<Vector<'ctx>> {
        let count = self.lanes.count();
        for distance in (0..count.ilog2()).map(|round| 1 << round) {
            for first in (0..count).filter(|number| number & distance == 0) {
                let (a, b) = (vectors[first as usize], vectors[(first + distance) as usize]);
                let pick = |offset: u32| -> Vec<u32> {
                    let lane = |lane: u32| {
                        let low = lane & !distance | offset;
                        if lane & distance == 0 { low } else { count + low }
                    };
                    (0..count).map(lane).collect()
                };
                vectors[first as usize] = self.lanes.shuffle(a, b, &pick(0));
                vectors[(first + distance) as usize] = self.lanes.shuffle(a, b, &pick(distance));
            }
        }
        vectors
    }
}
