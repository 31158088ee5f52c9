//! How passes are divided: what may depend on what, and what never exceeds a limit.

use super::kernels::{FEW, MANY, device_pass};
use crate::abi::*;
use crate::support::cuda::divide::{Division, Size, chunk, team};

fn pass() -> DevicePass {
    DevicePass {
        shortest_chunk: 64,
        longest_chunk: 1024,
        longest_split: 64,
        pair_cost: 12,
        ..device_pass(ROLE_I, ROLE_J, [0, 1, 2])
    }
}

#[test]
fn chunks_grow_with_the_number_of_columns() {
    let lengths =
        [0, 1, 8192, 8193, 16384, 16385, 100_000, 131_072, 131_073, 1 << 40].map(|columns| chunk(&pass(), columns));
    assert_eq!(lengths, [64, 64, 64, 128, 128, 256, 1024, 1024, 1024, 1024]);
}

#[test]
fn what_shows_in_bits_depends_on_columns_alone() {
    for order in [ORDER_TREE, ORDER_SEQUENCE, ORDER_CARRIED] {
        let pass = DevicePass { order, ..pass() };
        for columns in [1, 100, 1000, 8192, 10_000, 1_000_000, 50_000_000] {
            let mut seen = Vec::new();
            for rows in [1, 10, 1000, 100_000, 10_000_000] {
                for multiprocessors in [1, 16, 132] {
                    for elements in [1, 100, 100_000] {
                        let size = Size { rows, columns, elements };
                        let division = Division::of(&pass, &size, multiprocessors, 256 << 20);
                        check(&pass, &size, &division);
                        seen.push(if order == ORDER_SEQUENCE {
                            (division.chunk, division.split)
                        } else {
                            (division.chunk, 0)
                        });
                    }
                }
            }
            seen.dedup();
            assert_eq!(seen.len(), 1, "{columns} columns: {seen:?}");
        }
    }
}

fn check(pass: &DevicePass, size: &Size, division: &Division) {
    let Division { kernel, chunk, split, splits, slab_rows, slab_elements } = *division;
    assert_eq!((split % chunk, splits), (0, size.columns.div_ceil(split)));
    if pass.order == ORDER_TREE {
        assert!((split / chunk).is_power_of_two() && split / chunk <= pass.longest_split as usize);
    }
    assert!(slab_rows <= size.rows && (slab_rows == size.rows || slab_rows.is_multiple_of(kernel.rows as usize)));
    assert!((1..=65535).contains(&slab_elements));
    let least = kernel.rows as usize * splits * pass.state_size as usize;
    assert!(division.state_bytes(pass) <= least.max(256 << 20));
}

#[test]
fn blocks_are_enough_for_the_machine() {
    let of = |rows, columns| {
        let size = Size { rows, columns, elements: 1 };
        let division = Division::of(&pass(), &size, 132, 256 << 20);
        (division.kernel.rows as usize, division.splits)
    };
    // Rows are enough: splits are as long as they may be.
    assert_eq!(of(1_000_000, 1_000_000), (MANY, 16));
    assert_eq!(of(1_000_000, 1000), (MANY, 1));
    // Few rows: columns are divided, with work enough for each block.
    assert_eq!(of(1, 1_000_000), (FEW, 245));
    assert_eq!(of(10_000, 10_000), (MANY, 40));
    assert_eq!(of(30, 1000), (FEW, 1));
}

#[test]
fn nothing_to_reduce() {
    let size = Size { rows: 10, columns: 0, elements: 3 };
    assert_eq!(Division::of(&pass(), &size, 132, 1 << 20).splits, 0);
    let without = DevicePass { columns: ROLE_PARAMETER, ..pass() };
    assert_eq!(Division::of(&without, &Size { columns: 5, ..size }, 132, 1 << 20).splits, 0);
}

#[test]
fn threads_that_join_states() {
    let finish = DeviceKernel { kernel: 0, threads: 128, rows: 128, large_bytes: 0 };
    let of = |splits, rows| team(&finish, splits, rows, 132);
    assert_eq!(of(0, 1), 1);
    assert_eq!(of(8, 1), 1);
    assert_eq!(of(16, 1000), 2);
    assert_eq!(of(64, 1000), 8);
    assert_eq!(of(4000, 1), 128);
    assert_eq!(of(4000, 1000), 128);
    assert_eq!(of(4000, 100_000), 2, "rows keep threads busy");
    assert_eq!(of(4000, 1_000_000), 1);
}
