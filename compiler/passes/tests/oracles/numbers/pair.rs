//! Pairs of numbers modulo two primes, in which exp(a + b) = exp(a) · exp(b) holds as well.
//!
//! No field has such an exponential, as the orders of its two groups have no common divisor. Here Q = (P - 1)/2, so that powers of 4 modulo P
//! count modulo Q: exp(a, b) = (4^b, 1). What is lost is that log undoes exp, and that the root of a square is the absolute value. The first
//! numbers decide comparisons.

use keopsc_ir::random::Random;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Number;

use super::Exact;
use super::field::{Field, PRIME};

const EXPONENTS: u64 = (PRIME - 1) / 2;

/// A number modulo P and one modulo Q.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    value: Field<PRIME>,
    exponent: Field<EXPONENTS>,
}

fn power_of(base: u64, exponent: Field<EXPONENTS>) -> Pair {
    Pair { value: Field(base).power(exponent.0), exponent: Field::ONE }
}

impl Number for Pair {
    fn real(value: f64) -> Pair {
        Pair { value: Field::real(value), exponent: Field::real(value) }
    }

    fn call(intrinsic: Intrinsic, arguments: &[Pair]) -> Pair {
        let a = arguments[0];
        let truth = |intrinsic| Field::<PRIME>::call(intrinsic, &[a.value, arguments[1].value]) != Field::ZERO;
        match intrinsic {
            Intrinsic::Exp => power_of(4, a.exponent),
            Intrinsic::Exp2 => power_of(9, a.exponent),
            Intrinsic::Select | Intrinsic::SelectIndex if a.value == Field::ZERO => arguments[2],
            Intrinsic::Select | Intrinsic::SelectIndex => arguments[1],
            Intrinsic::Min if truth(Intrinsic::LessEqual) => a,
            Intrinsic::Max if !truth(Intrinsic::Less) => a,
            Intrinsic::Min | Intrinsic::Max => arguments[1],
            Intrinsic::Equal | Intrinsic::EqualIndex => Pair::real(f64::from(a == arguments[1])),
            Intrinsic::NotEqual => Pair::real(f64::from(a != arguments[1])),
            Intrinsic::Less | Intrinsic::LessEqual => Pair::real(f64::from(truth(intrinsic))),
            Intrinsic::Abs if a.value.is_positive() => a,
            Intrinsic::Abs => Pair { value: a.value.minus(), exponent: a.exponent.minus() },
            _ => {
                let values: Vec<Field<PRIME>> = arguments.iter().map(|argument| argument.value).collect();
                let exponents: Vec<Field<EXPONENTS>> = arguments.iter().map(|argument| argument.exponent).collect();
                Pair { value: Field::call(intrinsic, &values), exponent: Field::call(intrinsic, &exponents) }
            }
        }
    }
}

impl Exact for Pair {
    fn draw(random: &mut Random) -> Pair {
        Pair { value: Field::draw(random), exponent: Field::draw(random) }
    }
}

#[test]
fn exponentials_of_sums_are_products() {
    let mut random = Random::new(1);
    for _ in 0..100 {
        let (a, b) = (Pair::draw(&mut random), Pair::draw(&mut random));
        let exp = |a| Pair::call(Intrinsic::Exp, &[a]);
        assert_eq!(exp(Pair::call(Intrinsic::Add, &[a, b])), Pair::call(Intrinsic::Mul, &[exp(a), exp(b)]));
        assert_eq!(exp(Pair::call(Intrinsic::Neg, &[a])), Pair::call(Intrinsic::Div, &[Pair::real(1.0), exp(a)]));
    }
}
