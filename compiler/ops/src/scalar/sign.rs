//! What is known of the sign of a scalar expression, whatever its components are. NaN may have any sign.

use super::{Counter, Index, Scalar};
use crate::intrinsics::Intrinsic;

/// What a number is known to be. Both hold for 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    /// It is at least 0.
    pub nonnegative: bool,
    /// It is at most 0.
    pub nonpositive: bool,
}

impl Sign {
    /// Nothing is known.
    pub const UNKNOWN: Sign = Sign { nonnegative: false, nonpositive: false };
    /// At least 0.
    pub const NONNEGATIVE: Sign = Sign { nonnegative: true, nonpositive: false };
    /// At most 0.
    pub const NONPOSITIVE: Sign = Sign { nonnegative: false, nonpositive: true };

    /// That of a number.
    pub fn of(value: f64) -> Sign {
        Sign { nonnegative: value >= 0.0, nonpositive: value <= 0.0 }
    }

    fn minus(self) -> Sign {
        Sign { nonnegative: self.nonpositive, nonpositive: self.nonnegative }
    }

    fn and(self, other: Sign) -> Sign {
        Sign { nonnegative: self.nonnegative && other.nonnegative, nonpositive: self.nonpositive && other.nonpositive }
    }

    fn times(self, other: Sign) -> Sign {
        Sign { nonnegative: self.and(other) != Sign::UNKNOWN, nonpositive: self.and(other.minus()) != Sign::UNKNOWN }
    }
}

/// What is known of the components of an expression.
pub trait Signs<V> {
    /// The sign of every component of a value.
    fn of_value(&self, value: &V) -> Sign;

    /// What else is known of a difference.
    fn of_difference(&self, a: &Scalar<V>, b: &Scalar<V>) -> Sign {
        let _ = (a, b);
        Sign::UNKNOWN
    }
}

impl<V: PartialEq> Scalar<V> {
    /// The sign of every value that the expression can have. Rounding does not change what is found.
    pub fn sign(&self, known: &impl Signs<V>) -> Sign {
        let of = |number: usize, arguments: &[Scalar<V>]| arguments[number].sign(known);
        match self {
            Scalar::Constant(value) => Sign::of(*value),
            Scalar::Component(value, _) => known.of_value(value),
            Scalar::Index(index) => sign_of_index(index),
            Scalar::Fold { with: Intrinsic::Add | Intrinsic::Min | Intrinsic::Max, body, .. } => body.sign(known),
            Scalar::Fold { with: Intrinsic::Mul, body, .. } => body.sign(known).and(Sign::NONNEGATIVE),
            Scalar::Fold { .. } => Sign::UNKNOWN,
            Scalar::Choose { then, otherwise, .. } => then.sign(known).and(otherwise.sign(known)),
            Scalar::Call(intrinsic, arguments) => match intrinsic {
                Intrinsic::Add | Intrinsic::Min | Intrinsic::Max => of(0, arguments).and(of(1, arguments)),
                Intrinsic::Sub => {
                    let found = of(0, arguments).and(of(1, arguments).minus());
                    if found == Sign::UNKNOWN { known.of_difference(&arguments[0], &arguments[1]) } else { found }
                }
                Intrinsic::Mul if arguments[0] == arguments[1] => Sign::NONNEGATIVE,
                Intrinsic::Mul | Intrinsic::Div => of(0, arguments).times(of(1, arguments)),
                Intrinsic::Neg => of(0, arguments).minus(),
                Intrinsic::Abs | Intrinsic::Sqrt | Intrinsic::Rsqrt | Intrinsic::Exp | Intrinsic::Exp2 => {
                    Sign::NONNEGATIVE
                }
                Intrinsic::Select => of(1, arguments).and(of(2, arguments)),
                _ => Sign::UNKNOWN,
            },
        }
    }
}

fn sign_of_index(index: &Index) -> Sign {
    match index {
        Index::Constant(number) => Sign::of(*number as f64),
        Index::Counter(Counter(_)) => Sign::NONNEGATIVE,
        _ => Sign::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Sign, Signs};
    use crate::intrinsics::Intrinsic;
    use crate::scalar::{Index, Scalar};

    /// 0 is at least 0, 1 at most 0, of others nothing is known but that 2 - 3 is at most 0.
    struct Known;

    impl Signs<u32> for Known {
        fn of_value(&self, value: &u32) -> Sign {
            [Sign::NONNEGATIVE, Sign::NONPOSITIVE].get(*value as usize).copied().unwrap_or_default()
        }

        fn of_difference(&self, a: &Scalar<u32>, b: &Scalar<u32>) -> Sign {
            if (a, b) == (&value(2), &value(3)) { Sign::NONPOSITIVE } else { Sign::UNKNOWN }
        }
    }

    fn value(number: u32) -> Scalar<u32> {
        Scalar::Component(number, Index::Constant(0))
    }

    fn call(intrinsic: Intrinsic, arguments: &[Scalar<u32>]) -> Scalar<u32> {
        Scalar::Call(intrinsic, arguments.to_vec())
    }

    #[test]
    fn signs_of_expressions() {
        use Intrinsic::*;
        let [up, down, any, other] = [0, 1, 2, 3].map(value);
        let square = call(Mul, &[any.clone(), any.clone()]);
        let (n, p) = (Sign::NONNEGATIVE, Sign::NONPOSITIVE);
        for (expression, sign) in [
            (square.clone(), n),
            (call(Neg, &[call(Div, &[Scalar::Constant(1.0), square.clone()])]), p),
            (call(Mul, &[down.clone(), square.clone()]), p),
            (call(Mul, &[down.clone(), down.clone()]), n),
            (call(Mul, &[down.clone(), any.clone()]), Sign::UNKNOWN),
            (call(Sub, &[down.clone(), up.clone()]), p),
            (call(Sub, &[up.clone(), up.clone()]), Sign::UNKNOWN),
            (call(Sub, &[any.clone(), other.clone()]), p),
            (call(Sub, &[other, any.clone()]), Sign::UNKNOWN),
            (call(Select, &[any.clone(), Scalar::Constant(0.0), down.clone()]), p),
            (call(Select, &[any.clone(), up.clone(), down.clone()]), Sign::UNKNOWN),
            (call(Max, &[up, any.clone()]), Sign::UNKNOWN),
            (call(Exp, &[any]), n),
        ] {
            assert_eq!(expression.sign(&Known), sign, "{expression:?}");
        }
    }
}
