//! Every reduction in integers modulo 2^32 and 2^64: states merged in any way are those of one pass over all columns, bit for bit.

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions::{self, RowState, Rule};
use keopsc_ops::ring::Ring;
use keopsc_ops::scalar::{Number, Scalar};

/// A linear congruential generator's better half.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0 ^ (self.0 >> 32)
    }

    fn below(&mut self, count: usize) -> usize {
        ((self.bits() >> 16) % count as u64) as usize
    }

    /// Any integer, or one of a few, so that there are equals.
    fn number<const BITS: u32>(&mut self) -> Ring<BITS> {
        let bits = if self.below(2) == 0 { self.bits() } else { self.below(5) as u64 };
        Ring::new(bits.wrapping_sub(2))
    }
}

/// Whether a reduction goes on with exponentials of differences, which a ring's order does not respect unless values are bounded.
fn has_exponents(rule: &Rule) -> bool {
    let mut found = false;
    let mut see = |part: &Scalar<_>| found |= matches!(part, Scalar::Call(Intrinsic::Exp, _));
    rule.update_lets.iter().for_each(|item| item.value.visit(&mut see));
    found
}

type Column<const BITS: u32> = Vec<Vec<Ring<BITS>>>;

fn sequential<const BITS: u32>(rule: &Rule, columns: &[Column<BITS>], first: usize) -> RowState<Ring<BITS>> {
    let numbered = (first as u64..).zip(columns);
    numbered.fold(rule.initial(), |state, (number, column)| rule.update(&state, number, column))
}

/// Cuts at random, to the bottom; a part may be empty.
fn split<const BITS: u32>(
    rule: &Rule,
    columns: &[Column<BITS>],
    first: usize,
    random: &mut Random,
) -> RowState<Ring<BITS>> {
    if columns.len() < 2 || random.below(5) == 0 {
        return sequential(rule, columns, first);
    }
    let cut = random.below(columns.len() + 1);
    let (earlier, later) = columns.split_at(cut);
    let part = |part: &[Column<BITS>], first: usize, random: &mut Random| {
        if part.len() == columns.len() { sequential(rule, part, first) } else { split(rule, part, first, random) }
    };
    let earlier = part(earlier, first, random);
    rule.merge(&earlier, &part(later, first + cut, random))
}

fn check<const BITS: u32>() {
    let mut random = Random(u64::from(BITS));
    for (id, row) in reductions::reductions() {
        let signature = reductions::signature(id);
        for dim in [1, 2, 3] {
            let dims = signature.arguments.iter().map(|argument| if argument.pattern.text == "1" { 1 } else { dim });
            let dims: Vec<u32> = dims.collect();
            let parameters = vec![3; signature.parameters.len()];
            let rule = reductions::instantiate(id, &dims, &parameters).expect("it fits");
            for count in [0, 1, 2, 5, 17, 40] {
                let is_bounded = has_exponents(&rule);
                let value = |position: usize, random: &mut Random| match random.number() {
                    number if position == 0 && is_bounded => Ring::call(Intrinsic::Sin, &[number]),
                    number => number,
                };
                let argument = |(position, dim): (usize, &u32), random: &mut Random| -> Vec<Ring<BITS>> {
                    (0..*dim).map(|_| value(position, random)).collect()
                };
                let column = |random: &mut Random| -> Column<BITS> {
                    dims.iter().enumerate().map(|dim| argument(dim, random)).collect()
                };
                let columns: Vec<Column<BITS>> = (0..count).map(|_| column(&mut random)).collect();
                let whole = sequential(&rule, &columns, 0);
                for _ in 0..10 {
                    assert_eq!(split(&rule, &columns, 0, &mut random), whole, "{} of {columns:?}", row.name);
                }
                for (slot, components) in rule.slots.iter().zip(&whole.slots) {
                    let is_compensation = row.name.starts_with("Kahan") && slot.name == "c";
                    let zero = components.iter().all(|component| component.bits() == 0);
                    assert!(zero || !is_compensation, "{}: nothing was rounded off", row.name);
                }
            }
        }
    }
}

#[test]
fn merges_are_exact() {
    check::<32>();
    check::<64>();
}
