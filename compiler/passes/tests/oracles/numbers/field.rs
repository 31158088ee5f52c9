//! A finite field in place of the real numbers: what is equal by algebra is equal bit for bit.
//!
//! Sums, products and quotients are the field's own, with 1/0 = 0. A number is positive where it is a square: as the prime is 3 modulo 4,
//! just one of a and -a is, products have the product of the signs, and a < b means that b - a is positive (no order, as it is not transitive, but
//! a + c < b + c and -b < -a hold). The root is the positive one, so sqrt(a²) = |a|. Other functions are fixed scramblings that keep their
//! parity and, for exponentials and logarithms, are each other's inverse.

use std::f64::consts::LOG2_E;

use keopsc_ir::random::Random;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Number;

use super::Exact;

/// A prime P such that (P - 1)/2 is one, too, and both are 3 modulo 4.
pub const PRIME: u64 = 0x1fff_ffff_ffff_f3af;

/// A number modulo the prime `P`, which is 3 modulo 4 and 2 modulo 3 and above 2^59.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<const P: u64 = PRIME>(pub u64);

impl<const P: u64> Field<P> {
    pub const ZERO: Self = Field(0);
    pub const ONE: Self = Field(1);

    pub fn plus(self, other: Self) -> Self {
        Field((self.0 + other.0) % P)
    }

    pub fn minus(self) -> Self {
        Field((P - self.0) % P)
    }

    pub fn times(self, other: Self) -> Self {
        Field((u128::from(self.0) * u128::from(other.0) % u128::from(P)) as u64)
    }

    pub fn power(self, mut exponent: u64) -> Self {
        let (mut base, mut result) = (self, Self::ONE);
        while exponent > 0 {
            if exponent % 2 == 1 {
                result = result.times(base);
            }
            base = base.times(base);
            exponent /= 2;
        }
        result
    }

    pub fn inverse(self) -> Self {
        self.power(P - 2)
    }

    pub fn is_positive(self) -> bool {
        self.power((P - 1) / 2) == Self::ONE
    }

    fn is_below(self, other: Self) -> bool {
        other.plus(self.minus()).is_positive()
    }

    fn integer(value: u64) -> Self {
        Field(value % P)
    }

    /// Another number, the same for the same, with nothing in common but that 0 is kept and f(-a) = -f(a).
    fn scrambled(self, salt: u64) -> Self {
        let square = self.times(self);
        self.times(square.plus(Self::integer(salt)).power(5))
    }

    /// The integer that it is, if it is a small one.
    fn small(self) -> Option<i64> {
        match self.0 {
            small @ 0..=64 => Some(small as i64),
            large if P - large <= 64 => Some(-((P - large) as i64)),
            _ => None,
        }
    }

    fn to_the(self, exponent: Self) -> Self {
        match exponent.small() {
            Some(exponent @ 0..) => self.power(exponent as u64),
            Some(exponent) => self.inverse().power(exponent.unsigned_abs()),
            None => self.plus(exponent.scrambled(101)).scrambled(103),
        }
    }
}

/// (a + 1)³ is a permutation with f(0) = 1, as 3 does not divide P - 1.
fn exponential<const P: u64>(a: Field<P>) -> Field<P> {
    a.plus(Field::ONE).power(3)
}

fn logarithm<const P: u64>(a: Field<P>) -> Field<P> {
    a.power((2 * (P - 1)).div_ceil(3)).plus(Field::ONE.minus())
}

fn truth<const P: u64>(holds: bool) -> Field<P> {
    if holds { Field::ONE } else { Field::ZERO }
}

impl<const P: u64> Number for Field<P> {
    fn real(value: f64) -> Self {
        if !value.is_finite() {
            let infinity = Field::integer(0x0001_2345_6789_abcd);
            return if value == f64::INFINITY {
                infinity
            } else if value == f64::NEG_INFINITY {
                infinity.minus()
            } else {
                Field::integer(0x0004_2424_2424_2424)
            };
        }
        let bits = value.abs().to_bits();
        let (stored_exponent, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        let mantissa = if stored_exponent == 0 { fraction } else { fraction | 1 << 52 };
        let exponent = stored_exponent.max(1) - 1075;
        let two = Field::integer(2);
        let scale = if exponent < 0 { two.inverse() } else { two }.power(exponent.unsigned_abs());
        let magnitude = Field::integer(mantissa).times(scale);
        if value < 0.0 { magnitude.minus() } else { magnitude }
    }

    fn call(intrinsic: Intrinsic, arguments: &[Self]) -> Self {
        let a = arguments[0];
        let b = arguments.get(1).copied().unwrap_or(Field::ZERO);
        match intrinsic {
            Intrinsic::Add => a.plus(b),
            Intrinsic::Sub => a.plus(b.minus()),
            Intrinsic::Mul => a.times(b),
            Intrinsic::Div => a.times(b.inverse()),
            Intrinsic::Neg => a.minus(),
            Intrinsic::Abs => {
                if a.is_positive() {
                    a
                } else {
                    a.minus()
                }
            }
            Intrinsic::Min => {
                if b.is_below(a) {
                    b
                } else {
                    a
                }
            }
            Intrinsic::Max => {
                if a.is_below(b) {
                    b
                } else {
                    a
                }
            }
            Intrinsic::Floor => a.plus(Field::integer(3)).scrambled(11),
            Intrinsic::Ceil => a.minus().plus(Field::integer(3)).scrambled(11).minus(),
            Intrinsic::Trunc => a.scrambled(13),
            Intrinsic::Round => a.scrambled(17),
            Intrinsic::Sqrt => a.power(P / 4 + 1),
            Intrinsic::Rsqrt => a.power(P / 4 + 1).inverse(),
            Intrinsic::Exp => exponential(a),
            Intrinsic::Exp2 => exponential(a.times(Field::real(LOG2_E).inverse())),
            Intrinsic::Expm1 => exponential(a).plus(Field::ONE.minus()),
            Intrinsic::Log => logarithm(a),
            Intrinsic::Log2 => logarithm(a).times(Field::real(LOG2_E)),
            Intrinsic::Log10 => a.plus(Field::integer(11)).scrambled(59),
            Intrinsic::Log1p => logarithm(a.plus(Field::ONE)),
            Intrinsic::Sin => a.scrambled(19),
            Intrinsic::Cos => a.times(a.scrambled(23)).plus(Field::ONE),
            Intrinsic::Tan => a.scrambled(47),
            Intrinsic::Asin => a.scrambled(29),
            Intrinsic::Acos => a.plus(Field::integer(5)).scrambled(31),
            Intrinsic::Atan => a.scrambled(37),
            Intrinsic::Atan2 => a.times(a.times(a).plus(b.plus(Field::integer(5)).scrambled(41)).scrambled(43)),
            Intrinsic::Sinh => a.scrambled(61),
            Intrinsic::Cosh => a.times(a.scrambled(67)).plus(Field::ONE),
            Intrinsic::Tanh => a.scrambled(53),
            Intrinsic::Pow => a.to_the(b),
            Intrinsic::Less => truth(a.is_below(b)),
            Intrinsic::LessEqual => truth(a == b || a.is_below(b)),
            Intrinsic::Equal | Intrinsic::EqualIndex => truth(a == b),
            Intrinsic::NotEqual => truth(a != b),
            Intrinsic::Select | Intrinsic::SelectIndex => {
                if a == Field::ZERO {
                    arguments[2]
                } else {
                    b
                }
            }
        }
    }
}

impl<const P: u64> Exact for Field<P> {
    fn draw(random: &mut Random) -> Self {
        Field(random.bits() % P)
    }
}

#[test]
fn the_field_has_the_laws_it_is_chosen_for() {
    let mut random = Random::new(1);
    let call = |intrinsic, arguments: &[Field]| Field::call(intrinsic, arguments);
    for _ in 0..100 {
        let (a, b) = (Field::<PRIME>::draw(&mut random), Field::draw(&mut random));
        assert_eq!(a.times(a.inverse()), Field::ONE);
        assert_ne!(a.is_positive(), a.minus().is_positive());
        assert_eq!(a.times(b).is_positive(), a.is_positive() == b.is_positive());
        assert_eq!(call(Intrinsic::Sqrt, &[a.times(a)]), call(Intrinsic::Abs, &[a]));
        assert_eq!(call(Intrinsic::Log, &[call(Intrinsic::Exp, &[a])]), a);
        assert_eq!(call(Intrinsic::Log2, &[call(Intrinsic::Exp2, &[a])]), a);
        assert_eq!(call(Intrinsic::Exp2, &[Field::real(LOG2_E).times(a)]), call(Intrinsic::Exp, &[a]));
        assert_ne!(call(Intrinsic::Less, &[a, b]), call(Intrinsic::Less, &[b, a]));
        let (x, y) = (random.integer(-1000, 1000) as f64 / 8.0, random.integer(-1000, 1000) as f64 / 64.0);
        let (real_x, real_y) = (Field::<PRIME>::real(x), Field::real(y));
        assert_eq!(real_x.plus(real_y), Field::real(x + y));
        assert_eq!(real_x.times(real_y), Field::real(x * y));
    }
}
