//! How a pass is cut into blocks of a GPU: chunks, splits, and what is launched at a time.
//!
//! Only the length of chunks shows in results, with `ORDER_SEQUENCE` that of splits, too. Both are functions of the pass and the number of
//! columns. Everything else may depend on the machine.

use crate::abi::{DeviceKernel, DevicePass, NO_KERNEL, ORDER_CARRIED, ORDER_SEQUENCE, ORDER_TREE, ROLE_PARAMETER};
use crate::support::arena::times;

/// Up to so many columns have chunks of the shortest length.
const FEW_COLUMNS: usize = 8192;
/// Chunks that are merged one after the other are shared out among at most so many splits,
const MOST_SHARES: usize = 64;
/// which have at least so many chunks.
const LEAST_SHARE: usize = 4;
/// Blocks a multiprocessor that are worth dividing columns for: several times as many as are there at once.
const BLOCKS_A_MULTIPROCESSOR: usize = 64;
/// Threads a multiprocessor that are worth it where a split does not go on with the state of the one before, for short states and for long ones, which
/// cost more in every split than the pairs do.
const CARRIED_THREADS: [usize; 2] = [1024, 256];
/// Bytes from which on a state is long, and columns of a split for each of them: what splits leave is joined, each with all others.
const LONG_STATE: usize = 512;
const SPLIT_COLUMNS_A_BYTE: usize = 4;
/// Bytes from which on a state is a list, whose changes take a thread long: it needs others beside it more than it needs rows of its own, up to so
/// many columns for each byte. Most of them change nothing.
const LIST_STATE: usize = 32;
const COLUMNS_A_BYTE: usize = 2048;
/// Instructions of a thread that are worth a block.
const LEAST_WORK: usize = 2048;
/// States that a thread of `finish` joins one after the other; more are shared out where threads are idle.
const STATES_A_THREAD: usize = 8;
/// Blocks a multiprocessor that leave none of its threads idle in `finish`.
const FINISHING_BLOCKS: usize = 8;
/// What a pair costs with the kernel for many rows and with that for few, measured for Gaussian sums on an H100.
const MANY_COST: usize = 8;
const FEW_COST: usize = 9;
/// Column blocks of a block of rows are shared out among at most so many splits, which have at least so many of them on average.
const MOST_SPARSE_SPLITS: usize = 8;
const LEAST_PARTS: usize = 8;
/// States between `reduce` and `finish` take no more than this, but for those of a single row tile.
pub const STATE_BYTES: usize = 256 << 20;
/// The largest extent of a grid in y and z.
pub const MOST_BLOCKS: usize = 65535;
/// The largest extent of a grid in x.
const MOST_TILES: usize = i32::MAX as usize;

/// What is to be divided.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Rows of a batch element.
    pub rows: usize,
    /// Columns of a batch element, 0 where nothing is reduced.
    pub columns: usize,
    /// Batch elements.
    pub elements: usize,
}

/// How a pass is launched.
#[derive(Clone, Copy)]
pub struct Division {
    /// Reduces columns.
    pub kernel: DeviceKernel,
    /// Columns of a chunk.
    pub chunk: usize,
    /// Columns of a split.
    pub split: usize,
    /// Splits; 0 where there are no columns.
    pub splits: usize,
    /// Rows that are worked on at a time.
    pub slab_rows: usize,
    /// Batch elements that are worked on at a time.
    pub slab_elements: usize,
}

impl Division {
    /// The division of a pass without ranges.
    #[inline(never)]
    pub fn of(pass: &DevicePass, size: &Size, multiprocessors: usize, state_bytes: usize) -> Division {
        if !reduces(pass) || size.columns == 0 {
            return Division::whole(&pass.finish, 0, size);
        }
        let chunk = chunk(pass, size.columns);
        let chunks = size.columns.div_ceil(chunk.max(1));
        let kernel = kernel(pass, size, chunk, multiprocessors);
        let split = times(chunk, chunks_of_split(pass, kernel, size, chunk, multiprocessors));
        let splits = size.columns.div_ceil(split.max(1));
        Division { chunk, split, splits, ..Division::whole(kernel, chunks, size) }.in_slabs(pass, size, state_bytes)
    }

    /// The division of a pass with `blocks` blocks of rows and `parts` column blocks: a split has a share of a block's.
    ///
    /// The number of splits shows in bits, so that it depends on what there is, not on the machine.
    pub fn sparse(pass: &DevicePass, size: &Size, blocks: usize, parts: usize, state_bytes: usize) -> Division {
        let chunk = chunk(pass, size.columns);
        // The last tile of a block of rows is half empty on average.
        let padded = |kernel: &DeviceKernel| size.rows / blocks.max(1) + kernel.rows as usize / 2;
        let kernel = cheaper(pass, padded);
        let split = size.columns.div_ceil(chunk.max(1)).max(1).saturating_mul(chunk);
        let mean_parts = if pass.order == ORDER_CARRIED { 0 } else { parts / blocks.max(1) };
        let mut splits = 1;
        while splits < MOST_SPARSE_SPLITS && mean_parts / (2 * splits) >= LEAST_PARTS {
            splits *= 2;
        }
        let rows = times(size.rows, size.elements.min(MOST_BLOCKS));
        if times(rows, times(splits, pass.state_size as usize)) > state_bytes {
            splits = 1;
        }
        Division { chunk, split, splits, ..Division::whole(kernel, 0, size) }
    }

    fn whole(kernel: &DeviceKernel, splits: usize, size: &Size) -> Division {
        let slab_elements = size.elements.min(MOST_BLOCKS);
        Division { kernel: *kernel, chunk: 1, split: 1, splits, slab_rows: size.rows, slab_elements }
    }

    /// Works on as many rows and batch elements at a time as have room for their states.
    fn in_slabs(mut self, pass: &DevicePass, size: &Size, state_bytes: usize) -> Division {
        let tile = (self.kernel.rows as usize).max(1);
        let states_of_row = self.state_bytes_of_row(pass).max(1);
        let fitting_rows = (state_bytes / states_of_row / tile).clamp(1, MOST_TILES).saturating_mul(tile);
        self.slab_rows = size.rows.min(fitting_rows);
        if self.splits > 1 {
            let fitting_elements = state_bytes / times(self.slab_rows, states_of_row).max(1);
            let wanted = if self.slab_rows < size.rows { 1 } else { fitting_elements };
            self.slab_elements = self.slab_elements.min(wanted.max(1));
        } else {
            self.slab_rows = size.rows.min(times(MOST_TILES, tile));
        }
        self
    }

    /// The same with splits of another length.
    pub fn with_split(self, split: usize, columns: usize) -> Division {
        Division { split, splits: columns.div_ceil(split.max(1)), ..self }
    }

    /// Bytes of a row's states.
    pub fn state_bytes_of_row(&self, pass: &DevicePass) -> usize {
        if self.splits > 1 { times(self.splits, pass.state_size as usize) } else { 0 }
    }

    /// Bytes of the states of what is worked on at a time.
    pub fn state_bytes(&self, pass: &DevicePass) -> usize {
        times(times(self.slab_elements, self.slab_rows), self.state_bytes_of_row(pass))
    }
}

/// Whether a pass goes over columns.
pub fn reduces(pass: &DevicePass) -> bool {
    pass.columns != ROLE_PARAMETER
}

/// Columns of a chunk: the shortest length up to 8192 columns; twice that for up to twice as many, and so on to the longest.
pub fn chunk(pass: &DevicePass, columns: usize) -> usize {
    let mut chunk = (pass.shortest_chunk as usize).max(1);
    let mut reach = FEW_COLUMNS;
    while chunk < pass.longest_chunk as usize && reach < columns {
        chunk *= 2;
        reach *= 2;
    }
    chunk
}

/// Chunks of a split.
///
/// In a tree any power of two gives the same bits: it is the smallest with enough work for a block, and larger where there are enough blocks
/// anyhow. Shares of a sequence show in the bits.
#[inline(never)]
fn chunks_of_split(
    pass: &DevicePass,
    kernel: &DeviceKernel,
    size: &Size,
    chunk: usize,
    multiprocessors: usize,
) -> usize {
    let chunks = size.columns.div_ceil(chunk.max(1));
    if pass.order == ORDER_SEQUENCE {
        return chunks.div_ceil(MOST_SHARES).max(LEAST_SHARE);
    }
    let longest = if pass.order == ORDER_TREE { (pass.longest_split as usize).max(1) } else { chunks };
    let blocks = match pass.order {
        ORDER_CARRIED => carried_threads(pass) / (kernel.threads as usize).max(1),
        _ => BLOCKS_A_MULTIPROCESSOR,
    };
    let wanted = times(multiprocessors, blocks);
    let tiles = times(tiles(kernel, size.rows), size.elements);
    let fewest = match pass.order {
        ORDER_CARRIED if pass.state_size as usize >= LONG_STATE => {
            times(pass.state_size as usize, SPLIT_COLUMNS_A_BYTE)
        }
        _ => 0,
    };
    let mut count = 1;
    while count < chunks.min(longest) {
        let columns = times(count, chunk);
        let has_work = columns >= fewest && work(pass, kernel, columns) >= LEAST_WORK;
        let blocks = times(tiles, chunks.div_ceil((2 * count).max(1)));
        // `finish` counts as far as one grid does.
        let is_countable = chunks.div_ceil(count.max(1)) <= MOST_BLOCKS;
        if has_work && is_countable && blocks < wanted {
            break;
        }
        count *= 2;
    }
    count
}

fn carried_threads(pass: &DevicePass) -> usize {
    CARRIED_THREADS[usize::from(pass.state_size as usize >= LONG_STATE)]
}

/// The kernel to reduce with: that for few rows where its blocks are fuller, or where those of the other one would leave multiprocessors empty
/// although columns are divided.
fn kernel<'p>(pass: &'p DevicePass, size: &Size, chunk: usize, multiprocessors: usize) -> &'p DeviceKernel {
    let [many, few] = &pass.reduce;
    let kernel = cheaper(pass, |kernel| times(tiles(kernel, size.rows), kernel.rows as usize));
    if few.kernel == NO_KERNEL || core::ptr::eq(kernel, few) {
        return kernel;
    }
    let state = pass.state_size as usize;
    if pass.order == ORDER_CARRIED && state >= LIST_STATE && size.columns < times(state, COLUMNS_A_BYTE) {
        let threads = times(times(tiles(many, size.rows), size.elements), many.threads as usize);
        return if threads < times(multiprocessors, CARRIED_THREADS[0]) { few } else { many };
    }
    let split = times(chunk, chunks_of_split(pass, many, size, chunk, multiprocessors)).max(1);
    let blocks = times(times(tiles(many, size.rows), size.elements), size.columns.div_ceil(split));
    if blocks < multiprocessors { few } else { many }
}

/// The kernel that takes less time for so many rows, counting those that its blocks leave empty.
fn cheaper(pass: &DevicePass, padded: impl Fn(&DeviceKernel) -> usize) -> &DeviceKernel {
    let [many, few] = &pass.reduce;
    if few.kernel == NO_KERNEL || many.kernel == NO_KERNEL {
        return if few.kernel == NO_KERNEL { many } else { few };
    }
    if times(padded(few), FEW_COST) < times(padded(many), MANY_COST) { few } else { many }
}

/// A thread's tree has levels for so many states.
const MOST_STATES: usize = 1 << 15;

/// Threads of `finish` that share a row: a power of two.
pub fn team(finish: &DeviceKernel, splits: usize, rows: usize, multiprocessors: usize) -> usize {
    let wanted = times(multiprocessors, FINISHING_BLOCKS);
    let mut team = 1;
    while 2 * team <= finish.rows as usize
        && splits / team > STATES_A_THREAD
        && (times(rows, team) / (finish.rows as usize).max(1) < wanted || splits / team > MOST_STATES)
    {
        team *= 2;
    }
    team
}

/// Blocks that have so many rows.
pub fn tiles(kernel: &DeviceKernel, rows: usize) -> usize {
    rows.div_ceil((kernel.rows as usize).max(1))
}

/// Instructions of a thread for so many columns.
fn work(pass: &DevicePass, kernel: &DeviceKernel, columns: usize) -> usize {
    let pairs = times(columns, kernel.rows as usize) / (kernel.threads as usize).max(1);
    times(pairs, pass.pair_cost as usize)
}
