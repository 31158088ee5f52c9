//! What compiled kernels do, in plain Rust, as `abi` says it: `c_i = Σ_j weight(i, j) x_i y_j` in float32, with views (x, y, c).

use crate::abi::*;
use crate::support::tests::mock::{Product, Wiring, entry, leak, sum_pass, tensor};
use core::ffi::{CStr, c_char, c_void};

/// Rows of a block of `many`, of `few`, and of `finish`.
pub const MANY: usize = 64;
pub const FEW: usize = 4;
pub const FINISH: usize = 16;
/// Columns of a chunk.
pub const SHORTEST: usize = 16;
pub const LONGEST: usize = 64;

const NAMES: [&CStr; 6] = [c"many", c"few", c"finish", c"layout", c"sum_f32", c"sum_f64"];

/// What a pair is multiplied by: kernels know the numbers of rows and columns.
pub fn weight(row: i64, column: i64) -> f32 {
    (1 + (row + 2 * column) % 3) as f32
}

/// Runs a kernel.
pub unsafe fn run(name: &str, grid: [usize; 3], argument: *mut c_void) {
    unsafe {
        match name {
            "many" => reduce(&Pass::at(argument), grid, MANY),
            "few" => reduce(&Pass::at(argument), grid, FEW),
            "finish" => finish(&Pass::at(argument), grid),
            "layout" => layout(&argument.cast::<DeviceLaunch>().read(), grid),
            "sum_f32" => sum(&argument.cast::<DeviceSum>().read(), grid),
            name => panic!("{name}"),
        }
    }
}

struct Pass {
    launch: DeviceLaunch,
    views: [DeviceView; 3],
}

impl Pass {
    unsafe fn at(argument: *mut c_void) -> Pass {
        unsafe {
            let launch = argument.cast::<DeviceLaunch>();
            Pass { launch: launch.read(), views: launch.add(1).cast::<[DeviceView; 3]>().read() }
        }
    }

    fn states(&self, element: usize, split: usize, row: i64) -> *mut f64 {
        let splits = self.launch.splits as usize;
        let place = (element * splits + split) * self.launch.rows as usize + row as usize;
        self.launch.states.cast::<f64>().wrapping_add(place)
    }

    unsafe fn pair(&self, element: usize, row: i64, column: i64) -> f64 {
        let [x, y, _] = &self.views;
        assert!(row < self.launch.rows && column < self.launch.columns);
        let weight = weight(self.launch.first_row + row, self.launch.first_column + column);
        unsafe {
            f64::from(
                weight * *at::<f32>(&self.launch, x, element, row, 0) * *at::<f32>(&self.launch, y, element, column, 0),
            )
        }
    }

    unsafe fn write(&self, element: usize, row: i64, value: f64) {
        unsafe { *at::<f32>(&self.launch, &self.views[2], element, row, 0) = value as f32 }
    }
}

/// An element of a view, in the grid's batch element.
unsafe fn at<T>(launch: &DeviceLaunch, view: &DeviceView, element: usize, row: i64, component: i64) -> *mut T {
    let mut rest = element + launch.first_element as usize;
    let mut offset = row * view.row + component * view.component;
    for (extent, step) in launch.batch.iter().zip(view.batch).rev() {
        offset += (rest % *extent as usize) as i64 * step;
        rest /= *extent as usize;
    }
    assert_eq!(rest, 0, "there is such a batch element");
    view.data.cast::<T>().wrapping_offset(offset as isize)
}

unsafe fn reduce(pass: &Pass, [x, y, z]: [usize; 3], tile: usize) {
    let launch = &pass.launch;
    assert!(launch.split % launch.chunk == 0 && launch.first_column == launch.first_split * launch.split);
    for element in 0..z {
        for block in 0..x {
            if launch.ranges.count > 0 {
                (0..y).for_each(|split| unsafe { reduce_block(pass, element, split, block as i64, tile as i64) });
                continue;
            }
            for split in 0..y {
                for row in (block * tile) as i64..launch.rows.min(((block + 1) * tile) as i64) {
                    let first = split as i64 * launch.split;
                    assert!(first < launch.columns);
                    let columns = first..launch.columns.min(first + launch.split);
                    let sum = columns.map(|column| unsafe { pass.pair(element, row, column) }).sum();
                    unsafe {
                        match launch.splits {
                            1 => pass.write(element, row, sum),
                            _ => *pass.states(element, split + launch.first_split as usize, row) = sum,
                        }
                    }
                }
            }
        }
    }
}

/// The rows of a tile of a block of rows, and the block.
unsafe fn rows_of_tile(launch: &DeviceLaunch, element: usize, tile: i64) -> Option<(std::ops::Range<i64>, i64)> {
    let ranges = &launch.ranges;
    let tile_rows = i64::from(launch.tile_rows);
    unsafe {
        let tiles = core::slice::from_raw_parts(
            ranges.tiles.add(element * (ranges.count as usize + 1)),
            ranges.count as usize + 1,
        );
        let block =
            (0..ranges.count).find(|block| tiles[*block as usize] <= tile && tile < tiles[*block as usize + 1])?;
        let bound = |component| *at::<i64>(launch, &ranges.blocks, element, block, component);
        let first = bound(0) + (tile - tiles[block as usize]) * tile_rows;
        Some((first..bound(1).min(first + tile_rows), block))
    }
}

unsafe fn reduce_block(pass: &Pass, element: usize, split: usize, tile: i64, tile_rows: i64) {
    let launch = &pass.launch;
    let ranges = &launch.ranges;
    assert_eq!(i64::from(launch.tile_rows), tile_rows);
    unsafe {
        let Some((rows, block)) = rows_of_tile(launch, element, tile) else { return };
        let table = |view: &DeviceView, row, component| *at::<i64>(launch, view, element, row, component);
        for row in rows {
            let begin = if block == 0 { 0 } else { table(&ranges.ends, block - 1, 0) };
            let count = table(&ranges.ends, block, 0) - begin;
            let share = |split: usize| begin + count * split as i64 / launch.splits;
            let parts = share(split)..share(split + 1);
            let columns = parts.flat_map(|part| {
                assert!(part < ranges.num_parts);
                table(&ranges.parts, part, 0)..table(&ranges.parts, part, 1)
            });
            let sum = columns.map(|column| pass.pair(element, row, column)).sum();
            match launch.splits {
                1 => pass.write(element, row, sum),
                _ => *pass.states(element, split, row) = sum,
            }
        }
    }
}

unsafe fn finish(pass: &Pass, [x, y, z]: [usize; 3]) {
    assert_eq!(y, 1);
    let team = pass.launch.team as usize;
    assert!(team.is_power_of_two() && team <= FINISH);
    if pass.launch.ranges.count > 0 {
        for (element, tile) in (0..z).flat_map(|element| (0..x).map(move |tile| (element, tile))) {
            unsafe {
                let rows = rows_of_tile(&pass.launch, element, tile as i64).map_or(0..0, |(rows, _)| rows);
                for row in rows {
                    let states = (0..pass.launch.splits as usize).map(|split| *pass.states(element, split, row));
                    pass.write(element, row, states.sum());
                }
            }
        }
        return;
    }
    assert_eq!(x, (pass.launch.rows as usize).div_ceil(FINISH / team));
    assert_ne!(pass.launch.splits, 1);
    for element in 0..z {
        for row in 0..pass.launch.rows {
            unsafe {
                let states = (0..pass.launch.splits as usize).map(|split| *pass.states(element, split, row));
                pass.write(element, row, states.sum());
            }
        }
    }
}

unsafe fn layout(launch: &DeviceLaunch, [x, y, z]: [usize; 3]) {
    assert_eq!((x, y), (1, 1));
    let tile_rows = i64::from(launch.tile_rows);
    for element in 0..z {
        let mut sum = 0;
        for block in 0..=launch.ranges.count {
            unsafe {
                launch.ranges.tiles.add(element * (launch.ranges.count as usize + 1) + block as usize).write(sum);
                if block < launch.ranges.count {
                    let bound = |component| *at::<i64>(launch, &launch.ranges.blocks, element, block, component);
                    sum += (bound(1) - bound(0) + tile_rows - 1) / tile_rows;
                }
            }
        }
    }
}

unsafe fn sum(sum: &DeviceSum, [x, y, z]: [usize; 3]) {
    assert_eq!([x, y, z], [((sum.groups * sum.numbers) as usize).div_ceil(SUM_THREADS as usize), 1, 1]);
    assert!(sum.dtype == u32::from(F32) || sum.dtype == u32::from(C64));
    let parts = if sum.dtype == u32::from(C64) { 2 } else { 1 };
    for group in 0..sum.groups {
        let place = |member: i64| {
            let (mut group, mut member, mut source, mut target) = (group, member, 0, 0);
            for dimension in (0..sum.dimensions as usize).rev() {
                let is_shared = sum.is_shared[dimension] != 0;
                let rest = if is_shared { &mut member } else { &mut group };
                let index = *rest % sum.extents[dimension];
                *rest /= sum.extents[dimension];
                source += index * sum.source_steps[dimension];
                target += if is_shared { 0 } else { index * sum.target_steps[dimension] };
            }
            (source, target)
        };
        for number in 0..sum.numbers {
            let (row, q) = (number / sum.width, number % sum.width);
            let members = (0..sum.members).map(|member| unsafe {
                *sum.source.cast::<f32>().offset((place(member).0 * sum.numbers + number) as isize)
            });
            let at = place(0).1 + row * sum.row + q / parts * sum.component + q % parts;
            unsafe { *sum.target.cast::<f32>().offset(at as isize) = members.sum() };
        }
    }
}

/// Images for some architectures with all kernels.
pub fn code(architectures: &[(u32, bool)]) -> DeviceCode {
    code_in_parts(architectures, &[0])
}

/// Images for some architectures. The first byte of each is its architecture, the second its part; part 0 is all.
pub fn code_in_parts(architectures: &[(u32, bool)], parts: &[u8]) -> DeviceCode {
    let images = architectures.iter().flat_map(|&(architecture, is_ptx)| {
        parts.iter().map(move |part| DeviceImage {
            architecture,
            is_ptx: is_ptx.into(),
            bytes: leak(vec![architecture as u8, *part]).0,
            size: 2,
        })
    });
    let (images, num_images) = leak(images.collect());
    let (kernels, num_kernels) = leak::<*const c_char>(NAMES.iter().map(|name| name.as_ptr()).collect());
    DeviceCode { num_images, num_kernels, images, kernels, layout: 3, sum_f32: 4, sum_f64: 5, scatter: NO_KERNEL }
}

/// The part that a kernel is in: 1 or 2.
pub fn part(name: &CStr) -> usize {
    let number = NAMES.iter().position(|known| *known == name).unwrap();
    1 + number % 2
}

/// A pass with views (x, y, c).
pub fn device_pass(rows: u8, columns: u8, views: [u32; 3]) -> DevicePass {
    let kernel = |kernel, rows: usize, threads| DeviceKernel { kernel, threads, rows: rows as u32, large_bytes: 0 };
    let (views, num_views) = leak(views.to_vec());
    DevicePass {
        rows,
        columns,
        compute: F32,
        order: ORDER_TREE,
        num_views,
        views,
        reduce: [DeviceKernel { large_bytes: 70_000, ..kernel(0, MANY, 64) }, kernel(1, FEW, 64)],
        finish: kernel(2, FINISH, 16),
        shortest_chunk: SHORTEST as u32,
        longest_chunk: LONGEST as u32,
        longest_split: 16,
        state_size: 8,
        pair_cost: 64,
        packed_header: 0,
        pack: [NONE; 2],
        packed_sizes: [0; 2],
    }
}

const NONE: DeviceKernel = DeviceKernel { kernel: NO_KERNEL, threads: 0, rows: 0, large_bytes: 0 };

/// Gives an entry code for GPUs.
pub fn with_device(entry: &EntryDescriptor, passes: Vec<DevicePass>, code: DeviceCode) -> &'static EntryDescriptor {
    let (passes, num_passes) = leak(passes);
    let (code, _) = leak(vec![code]);
    let (device, _) = leak(vec![DeviceEntry { code, num_passes, reserved: 0, passes }]);
    &leak_one(EntryDescriptor { device, ..*entry })[0]
}

fn leak_one(entry: EntryDescriptor) -> &'static [EntryDescriptor] {
    Box::leak(Box::new([entry]))
}

/// The images of `product` and `two`.
pub fn usual_code() -> DeviceCode {
    code(&[(80, false), (90, false), (75, true)])
}

/// The same in two parts each, and one without kernels.
pub fn usual_code_in_parts() -> DeviceCode {
    code_in_parts(&[(80, false), (90, false), (75, true)], &[1, 3, 2])
}

/// `c_i = Σ_j weight x_i y_j`; `order` and `change` may alter the pass.
pub fn product_with(change: impl FnOnce(&mut DevicePass)) -> &'static EntryDescriptor {
    let mut pass = device_pass(ROLE_I, ROLE_J, [0, 1, 2]);
    change(&mut pass);
    with_device(crate::support::tests::mock::product(), vec![pass], usual_code())
}

/// The same as it is.
pub fn product() -> &'static EntryDescriptor {
    product_with(|_| ())
}

/// The same with kernels that are spread over several images.
pub fn product_in_parts() -> &'static EntryDescriptor {
    let pass = device_pass(ROLE_I, ROLE_J, [0, 1, 2]);
    with_device(crate::support::tests::mock::product(), vec![pass], usual_code_in_parts())
}

/// `t_i = Σ_j weight x_i y_j`, then `c_j = Σ_i weight y_j t_i`.
pub fn two_passes() -> &'static EntryDescriptor {
    let passes = vec![device_pass(ROLE_I, ROLE_J, [0, 1, 3]), device_pass(ROLE_J, ROLE_I, [1, 3, 2])];
    with_device(crate::support::tests::mock::two_passes(), passes, usual_code())
}

/// `g_i = Σ_j weight x_i y_j`, the gradient in `x`.
pub fn gradient() -> &'static EntryDescriptor {
    let tensors = vec![
        tensor(c"x", ROLE_I, 1, F32, false),
        tensor(c"y", ROLE_J, 1, F32, false),
        TensorDescriptor { gradient_of: 0, ..tensor(c"g", ROLE_I, 1, F32, true) },
    ];
    let wiring =
        Wiring { rows: ROLE_I, columns: ROLE_J, row_reads: &[0], column_reads: &[1], parameter_reads: &[], write: 2 };
    let pass = sum_pass::<Product>(&tensors, &wiring);
    with_device(entry(c"gradient", tensors, 0, vec![pass]), vec![device_pass(ROLE_I, ROLE_J, [0, 1, 2])], usual_code())
}
