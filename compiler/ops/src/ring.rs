//! Integers modulo 2^32 or 2^64 in place of float32 or float64: numbers in which sums may be added in any order.
//!
//! A compiled plan divides its pairs among tiles, chunks and threads, and real numbers round differently each time. In a ring nothing rounds,
//! so the same plan computed with these integers has to agree with a plain double loop bit for bit, whatever the division: a pair that is left
//! out, taken twice or taken with another's numbers cannot hide behind a tolerance. The CPU back end can emit that arithmetic (for tests alone), the
//! interpreter computes with [`Ring`]; this file holds what each [`Intrinsic`] stands for there:
//!
//! | intrinsic | in the ring |
//! | --- | --- |
//! | `add`, `sub`, `mul`, `neg` | modulo 2^n |
//! | `abs`, `min`, `max`, comparisons | those of signed integers |
//! | `div` | a · b′, where b = 2^k · odd and b′ = 2^k / odd; 0 for b = 0. (ab)′ = a′b′ |
//! | `exp`, `exp2`, `pow` | 5^a, 5^a (the logarithm of e to base 2 being 1), a^b with b taken as unsigned: of odd numbers a sum's power is the product of powers |
//! | `sin`, `cos`, `asin`, `acos`, `atan`, `atan2`, `tanh` | a scrambling cut down to 2^(n−4) in size: bounded, as the functions are |
//! | roots, logarithms, roundings, `expm1`, `tan`, `sinh`, `cosh` | another scrambling each, f(−a) = −f(a) |
//! | constants | integers are themselves, ±inf are ±2^(n−2), log2 e is 1, all other numbers are scrambled bits |
//!
//! An infinity need not be the largest number, as minima begin with it in every chunk; with this one, differences of two bounded numbers
//! and infinities do not overflow. A finite ring has no order that all differences respect, so the reductions of exponentials, which
//! compare two values and go on with their difference, merge exactly for bounded values only.

use std::f64::consts::LOG2_E;

use crate::intrinsics::Intrinsic;
use crate::scalar::Number;

/// What `exp` and `exp2` are powers of.
pub const EXP_BASE: u64 = 5;
/// Bits that bounded functions are shifted right by.
pub const BOUNDED_SHIFT: u32 = 4;

/// An integer modulo 2^`BITS`; `BITS` is 32 or 64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ring<const BITS: u32>(u64);

impl<const BITS: u32> Ring<BITS> {
    /// The integer of these bits, of which those above `BITS` do not count.
    pub fn new(bits: u64) -> Self {
        Ring(bits & (u64::MAX >> (64 - BITS)))
    }

    /// The bits, zeros above `BITS`.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The value as a signed integer.
    pub fn signed(self) -> i64 {
        (self.0 << (64 - BITS)) as i64 >> (64 - BITS)
    }

    /// The signed integer, or its lower bits, in the other ring: what accumulators of float64 beside float32 stand for.
    pub fn convert<const OTHER: u32>(self) -> Ring<OTHER> {
        Ring::new(self.signed() as u64)
    }

    fn power(self, exponent: Self) -> Self {
        let (mut result, mut square) = (1u64, self.0);
        for bit in 0..BITS {
            if exponent.0 >> bit & 1 == 1 {
                result = result.wrapping_mul(square);
            }
            square = square.wrapping_mul(square);
        }
        Self::new(result)
    }

    /// b′ of the table above.
    fn inverse(self) -> Self {
        if self.0 == 0 {
            return self;
        }
        let twos = self.0.trailing_zeros();
        let odd = Self::new(self.0 >> twos);
        // The group of odd numbers has 2^(BITS - 1) elements, so that this power undoes one factor.
        let inverse = odd.power(Self::new((1 << (BITS - 1)) - 1));
        Self::new(inverse.0 << twos)
    }

    fn scrambled(self, intrinsic: Intrinsic) -> Self {
        let Scrambling { linear, cubic } = Scrambling::of(intrinsic);
        let square = self.0.wrapping_mul(self.0);
        Self::new(self.0.wrapping_mul(linear.wrapping_add(cubic.wrapping_mul(square))))
    }

    fn bounded(self, intrinsic: Intrinsic) -> Self {
        Self::new((self.scrambled(intrinsic).signed() >> BOUNDED_SHIFT) as u64)
    }
}

/// `linear · a + cubic · a³`, a permutation of the ring as `linear` is odd and `cubic` even.
#[derive(Clone, Copy, Debug)]
pub struct Scrambling {
    /// An odd number.
    pub linear: u64,
    /// An even number.
    pub cubic: u64,
}

impl Scrambling {
    /// That of a function.
    pub fn of(intrinsic: Intrinsic) -> Scrambling {
        let bits = mixed(intrinsic as u64);
        Scrambling { linear: bits | 1, cubic: bits.rotate_left(32) & !1 }
    }
}

/// Any 64 bits, the same for the same (SplitMix64).
fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl<const BITS: u32> Number for Ring<BITS> {
    fn real(value: f64) -> Self {
        const EXACT: f64 = (1u64 << 53) as f64;
        Self::new(if value.is_infinite() {
            (1i64 << (BITS - 2)).wrapping_mul(value.signum() as i64) as u64
        } else if value == LOG2_E {
            1
        } else if value.fract() == 0.0 && value.abs() <= EXACT {
            value as i64 as u64
        } else {
            mixed(value.to_bits())
        })
    }

    fn call(intrinsic: Intrinsic, arguments: &[Self]) -> Self {
        let a = arguments[0];
        let b = arguments.get(1).copied().unwrap_or(Self::new(0));
        let truth = |holds: bool| Self::new(u64::from(holds));
        match intrinsic {
            Intrinsic::Add => Self::new(a.0.wrapping_add(b.0)),
            Intrinsic::Sub => Self::new(a.0.wrapping_sub(b.0)),
            Intrinsic::Mul => Self::new(a.0.wrapping_mul(b.0)),
            Intrinsic::Div => Self::new(a.0.wrapping_mul(b.inverse().0)),
            Intrinsic::Neg => Self::new(a.0.wrapping_neg()),
            Intrinsic::Abs => Self::new(a.signed().wrapping_abs() as u64),
            Intrinsic::Min => Self::new(a.signed().min(b.signed()) as u64),
            Intrinsic::Max => Self::new(a.signed().max(b.signed()) as u64),
            Intrinsic::Exp | Intrinsic::Exp2 => Self::new(EXP_BASE).power(a),
            Intrinsic::Pow => a.power(b),
            Intrinsic::Floor
            | Intrinsic::Ceil
            | Intrinsic::Trunc
            | Intrinsic::Round
            | Intrinsic::Sqrt
            | Intrinsic::Rsqrt
            | Intrinsic::Log
            | Intrinsic::Expm1
            | Intrinsic::Log2
            | Intrinsic::Log10
            | Intrinsic::Log1p
            | Intrinsic::Tan
            | Intrinsic::Sinh
            | Intrinsic::Cosh => a.scrambled(intrinsic),
            Intrinsic::Sin | Intrinsic::Cos | Intrinsic::Asin | Intrinsic::Acos | Intrinsic::Atan | Intrinsic::Tanh => {
                a.bounded(intrinsic)
            }
            Intrinsic::Atan2 => Self::new(a.0.wrapping_add(b.scrambled(intrinsic).0)).bounded(intrinsic),
            Intrinsic::Less => truth(a.signed() < b.signed()),
            Intrinsic::LessEqual => truth(a.signed() <= b.signed()),
            Intrinsic::Equal | Intrinsic::EqualIndex => truth(a == b),
            Intrinsic::NotEqual => truth(a != b),
            Intrinsic::Select | Intrinsic::SelectIndex if a.0 != 0 => b,
            Intrinsic::Select | Intrinsic::SelectIndex => arguments[2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ring, Scrambling, mixed};
    use crate::intrinsics::Intrinsic::{self, *};
    use crate::scalar::Number;
    use std::collections::BTreeSet;

    fn laws<const BITS: u32>() {
        let call = |intrinsic, arguments: &[Ring<BITS>]| Ring::call(intrinsic, arguments);
        let number = |seed: u64| Ring::<BITS>::new(mixed(seed) << (seed % 5));
        for seed in 0..1000 {
            let (a, b, c) = (number(3 * seed), number(3 * seed + 1), number(3 * seed + 2));
            let product = |f: Intrinsic| call(Mul, &[call(f, &[a]), call(f, &[b])]);
            let sum = call(Add, &[a, b]);
            assert_eq!(call(Exp, &[sum]), product(Exp));
            assert_eq!(call(Exp2, &[sum]), product(Exp2));
            assert_eq!(call(Div, &[call(Div, &[c, a]), b]), call(Div, &[c, call(Mul, &[a, b])]));
            let odd = Ring::new(a.bits() | 1);
            assert_eq!(call(Mul, &[call(Div, &[b, odd]), odd]), b);
            assert_eq!(call(Pow, &[odd, sum]), call(Mul, &[call(Pow, &[odd, a]), call(Pow, &[odd, b])]));
            assert_eq!(call(Log, &[call(Neg, &[a])]), call(Neg, &[call(Log, &[a])]));
            assert_ne!(call(Log, &[a]), call(Sqrt, &[a]));
            for bounded in [call(Sin, &[a]), call(Atan2, &[a, b])] {
                assert!(bounded.signed().unsigned_abs() <= 1 << (BITS - 5), "{bounded:?}");
            }
        }
        let integers = [-3.0, 0.0, 7.0].map(|value| Ring::<BITS>::real(value).signed());
        assert_eq!(integers, [-3, 0, 7]);
        assert!(Ring::<BITS>::real(f64::NEG_INFINITY).signed() < Ring::<BITS>::real(f64::INFINITY).signed());
        assert_eq!(Ring::<BITS>::real(-0.0).bits(), 0);
        assert_ne!(Ring::<BITS>::real(0.5), Ring::<BITS>::real(-0.5));
    }

    #[test]
    fn laws_hold_in_both_rings() {
        laws::<32>();
        laws::<64>();
    }

    /// Those of signed integers, which are the ring's elements around 0.
    #[test]
    fn comparisons_are_those_of_integers() {
        let of = |number: i64| Ring::<32>::new(number as u64);
        for (a, b) in (-2..=2).flat_map(|a| (-2..=2).map(move |b| (a, b))) {
            let expected = [(Less, a < b), (LessEqual, a <= b), (Equal, a == b), (NotEqual, a != b)];
            for (comparison, holds) in expected {
                let truth = Ring::call(comparison, &[of(a), of(b)]);
                assert_eq!(truth.bits(), u64::from(holds), "{comparison:?} of {a} and {b}");
                assert_eq!(Ring::call(Select, &[truth, of(a), of(b)]), if holds { of(a) } else { of(b) });
            }
        }
    }

    /// The first numbers of the published generator, begun with 0.
    #[test]
    fn bits_are_those_of_splitmix64() {
        let begun = [0, 0x9e37_79b9_7f4a_7c15];
        assert_eq!(begun.map(mixed), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn scramblings_are_permutations_and_differ() {
        let all = || Intrinsic::ALL.iter().map(|intrinsic| Scrambling::of(*intrinsic));
        assert!(all().all(|one| one.linear % 2 == 1 && one.cubic % 2 == 0));
        let different: BTreeSet<(u64, u64)> = all().map(|one| (one.linear, one.cubic)).collect();
        assert_eq!(different.len(), Intrinsic::ALL.len());
    }
}
