//! What is known of the sign of a scalar expression, whatever its components are. NaN may have any sign. A zero may be -0, which is as much at
//! least 0 as +0 is; that matters where it is divided by, so it is known of some numbers that they are not -0.

use super::{Counter, Index, Scalar};
use crate::intrinsics::Intrinsic;

/// What a number is known to be. Both hold for 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    /// It is at least 0.
    pub nonnegative: bool,
    /// It is at most 0.
    pub nonpositive: bool,
    /// It is not -0.
    pub plain: bool,
}

impl Sign {
    /// Nothing is known.
    pub const UNKNOWN: Sign = Sign { nonnegative: false, nonpositive: false, plain: false };
    /// At least 0 and not -0.
    const PLAIN: Sign = Sign { nonnegative: true, nonpositive: false, plain: true };
    /// At least 0.
    pub const NONNEGATIVE: Sign = Sign { nonnegative: true, nonpositive: false, plain: false };
    /// At most 0.
    pub const NONPOSITIVE: Sign = Sign { nonnegative: false, nonpositive: true, plain: false };

    /// That of a number.
    pub fn of(value: f64) -> Sign {
        let plain = value != 0.0 || value.is_sign_positive();
        Sign { nonnegative: value >= 0.0, nonpositive: value <= 0.0, plain }
    }

    fn minus(self) -> Sign {
        Sign { nonnegative: self.nonpositive, nonpositive: self.nonnegative, plain: false }
    }

    fn and(self, other: Sign) -> Sign {
        Sign {
            nonnegative: self.nonnegative && other.nonnegative,
            nonpositive: self.nonpositive && other.nonpositive,
            plain: self.plain && other.plain,
        }
    }

    /// Whether anything is known but that it is not -0.
    fn is_known(self) -> bool {
        self.nonnegative || self.nonpositive
    }

    fn times(self, other: Sign) -> Sign {
        let plain = self.nonnegative && other.nonnegative && self.plain && other.plain;
        Sign { nonnegative: self.and(other).is_known(), nonpositive: self.and(other.minus()).is_known(), plain }
    }

    /// The sign of a quotient. By what may be -0 as well as above 0, it may be of either sign.
    fn over(self, other: Sign) -> Sign {
        if other.nonnegative && other.plain { Sign { plain: false, ..self.times(other) } } else { Sign::UNKNOWN }
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
            Scalar::Fold { with: Intrinsic::Mul, body, .. } => body.sign(known).and(Sign::PLAIN),
            Scalar::Fold { .. } => Sign::UNKNOWN,
            Scalar::Choose { then, otherwise, .. } => then.sign(known).and(otherwise.sign(known)),
            Scalar::Call(intrinsic, arguments) => match intrinsic {
                Intrinsic::Add | Intrinsic::Min | Intrinsic::Max => of(0, arguments).and(of(1, arguments)),
                Intrinsic::Sub => {
                    let found = of(0, arguments).and(of(1, arguments).minus());
                    let found = Sign { plain: false, ..found };
                    if !found.is_known() { known.of_difference(&arguments[0], &arguments[1]) } else { found }
                }
                Intrinsic::Mul if arguments[0] == arguments[1] => Sign::PLAIN,
                Intrinsic::Mul => of(0, arguments).times(of(1, arguments)),
                Intrinsic::Div => of(0, arguments).over(of(1, arguments)),
                Intrinsic::Neg => of(0, arguments).minus(),
                Intrinsic::Abs | Intrinsic::Exp | Intrinsic::Exp2 => Sign::PLAIN,
                Intrinsic::Sqrt if of(0, arguments).plain => Sign::PLAIN,
                Intrinsic::Sqrt => Sign::NONNEGATIVE,
                // Of -0 it is -inf.
                Intrinsic::Rsqrt if of(0, arguments).plain => Sign::PLAIN,
                Intrinsic::Select => of(1, arguments).and(of(2, arguments)),
                _ => Sign::UNKNOWN,
            },
        }
    }
}

fn sign_of_index(index: &Index) -> Sign {
    match index {
        Index::Constant(number) => Sign::of(*number as f64),
        Index::Counter(Counter(_)) => Sign::PLAIN,
        _ => Sign::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Sign, Signs};
    use crate::intrinsics::Intrinsic;
    use crate::scalar::{Index, Scalar};

    /// 0 is at least 0 but may be -0, 1 at most 0, of others nothing is known but that 2 - 3 is at most 0.
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
            (square.clone(), Sign::PLAIN),
            (call(Div, &[down.clone(), up.clone()]), Sign::UNKNOWN),
            (call(Div, &[down.clone(), call(Sqrt, std::slice::from_ref(&up))]), Sign::UNKNOWN),
            (call(Rsqrt, std::slice::from_ref(&up)), Sign::UNKNOWN),
            (call(Div, &[down.clone(), call(Sqrt, std::slice::from_ref(&square))]), p),
            (call(Sqrt, std::slice::from_ref(&up)), n),
            (call(Neg, &[call(Div, &[Scalar::Constant(1.0), square.clone()])]), p),
            (call(Mul, &[down.clone(), square.clone()]), p),
            (call(Mul, &[down.clone(), down.clone()]), Sign::PLAIN),
            (call(Mul, &[down.clone(), any.clone()]), Sign::UNKNOWN),
            (call(Sub, &[down.clone(), up.clone()]), p),
            (call(Sub, &[up.clone(), up.clone()]), Sign::UNKNOWN),
            (call(Sub, &[any.clone(), other.clone()]), p),
            (call(Sub, &[other, any.clone()]), Sign::UNKNOWN),
            (call(Select, &[any.clone(), Scalar::Constant(0.0), down.clone()]), p),
            (call(Select, &[any.clone(), up.clone(), down.clone()]), Sign::UNKNOWN),
            (call(Add, &[up.clone(), square.clone()]), n),
            (call(Add, &[down.clone(), up.clone()]), Sign::UNKNOWN),
            (call(Min, &[down.clone(), down]), p),
            (call(Max, &[square, up.clone()]), n),
            (call(Max, &[up, any.clone()]), Sign::UNKNOWN),
            (call(Exp, &[any]), Sign::PLAIN),
        ] {
            assert_eq!(expression.sign(&Known), sign, "{expression:?}");
        }
    }
}
