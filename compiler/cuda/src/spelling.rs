//! How types, numbers and intrinsics are written in CUDA C++.

use keopsc_ir::types::ScalarType;
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::ring::Ring;
use keopsc_ops::scalar::Number;

/// How tightly an expression binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binding {
    /// `a ? b : c`
    Choice,
    /// `a < b`
    Comparison,
    /// `a + b`
    Sum,
    /// `a * b`, `-a`
    Product,
    /// What no operator can tear apart.
    Primary,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: String,
    binding: Binding,
}

impl Text {
    /// An expression that binds like this.
    pub(crate) fn new(binding: Binding, text: impl Into<String>) -> Text {
        Text { text: text.into(), binding }
    }

    /// A name, a call, an element.
    pub(crate) fn primary(text: impl Into<String>) -> Text {
        Text::new(Binding::Primary, text)
    }

    /// The text where anything may stand.
    pub(crate) fn loose(&self) -> &str {
        &self.text
    }

    /// The text where something of at least this binding must stand.
    pub(crate) fn at(&self, needed: Binding) -> String {
        if self.binding < needed { format!("({})", self.text) } else { self.text.clone() }
    }
}

/// How an intrinsic is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spelling {
    /// Between its two arguments: the binding of the whole, of the left and of the right argument.
    Infix(&'static str, [Binding; 3]),
    /// Before its argument.
    Negation,
    /// A function, in float32 and in float64.
    Function(&'static str, &'static str),
    /// `condition ? a : b`.
    Choice,
}

const SUM: [Binding; 3] = [Binding::Sum, Binding::Sum, Binding::Product];
const PRODUCT: [Binding; 3] = [Binding::Product, Binding::Product, Binding::Primary];
const COMPARISON: [Binding; 3] = [Binding::Comparison, Binding::Sum, Binding::Sum];

/// How an intrinsic is written. `fmin` and `fmax` pass over NaNs as the table asks.
pub(crate) fn spelling(intrinsic: Intrinsic) -> Spelling {
    use Spelling::*;
    match intrinsic {
        Intrinsic::Add => Infix("+", SUM),
        Intrinsic::Sub => Infix("-", SUM),
        Intrinsic::Mul => Infix("*", PRODUCT),
        Intrinsic::Div => Infix("/", PRODUCT),
        Intrinsic::Neg => Negation,
        Intrinsic::Abs => Function("fabsf", "fabs"),
        Intrinsic::Min => Function("fminf", "fmin"),
        Intrinsic::Max => Function("fmaxf", "fmax"),
        Intrinsic::Floor => Function("floorf", "floor"),
        Intrinsic::Ceil => Function("ceilf", "ceil"),
        Intrinsic::Trunc => Function("truncf", "trunc"),
        Intrinsic::Round => Function("roundf", "round"),
        Intrinsic::Sqrt => Function("sqrtf", "sqrt"),
        Intrinsic::Rsqrt => Function("rsqrtf", "rsqrt"),
        Intrinsic::Exp => Function("expf", "exp_by_table"),
        Intrinsic::Exp2 => Function("exp2_fast", "exp2_by_table"),
        Intrinsic::Expm1 => Function("expm1f", "expm1"),
        Intrinsic::Log => Function("logf", "log"),
        Intrinsic::Log2 => Function("log2f", "log2"),
        Intrinsic::Log10 => Function("log10f", "log10"),
        Intrinsic::Log1p => Function("log1pf", "log1p"),
        Intrinsic::Sin => Function("sinf", "sin"),
        Intrinsic::Cos => Function("cosf", "cos"),
        Intrinsic::Tan => Function("tanf", "tan"),
        Intrinsic::Asin => Function("asinf", "asin"),
        Intrinsic::Acos => Function("acosf", "acos"),
        Intrinsic::Atan => Function("atanf", "atan"),
        Intrinsic::Atan2 => Function("atan2f", "atan2"),
        Intrinsic::Sinh => Function("sinhf", "sinh"),
        Intrinsic::Cosh => Function("coshf", "cosh"),
        Intrinsic::Tanh => Function("tanhf", "tanh"),
        Intrinsic::Pow => Function("powf", "pow"),
        Intrinsic::Less => Infix("<", COMPARISON),
        Intrinsic::LessEqual => Infix("<=", COMPARISON),
        Intrinsic::Equal | Intrinsic::EqualIndex => Infix("==", COMPARISON),
        Intrinsic::NotEqual => Infix("!=", COMPARISON),
        Intrinsic::Select | Intrinsic::SelectIndex => Choice,
    }
}

/// What a fold's variable is called.
pub(crate) fn fold_name(with: Intrinsic) -> &'static str {
    match with {
        Intrinsic::Mul => "product",
        Intrinsic::Min => "minimum",
        Intrinsic::Max => "maximum",
        _ => "sum",
    }
}

/// The number that changes nothing: -0 + a is a even for a = -0, and `fmin`, `fmax` pass over NaN.
pub(crate) fn fold_neutral(with: Intrinsic, scalar: ScalarType, arithmetic: Arithmetic) -> Text {
    let value = match (with, arithmetic) {
        (Intrinsic::Mul, _) => 1.0,
        (Intrinsic::Min | Intrinsic::Max, Arithmetic::Real) => f64::NAN,
        (Intrinsic::Min, Arithmetic::Ring) => {
            return Text::primary(format!("{}::largest()", type_name(Kind::Real, scalar)));
        }
        (Intrinsic::Max, Arithmetic::Ring) => {
            return Text::primary(format!("{}::smallest()", type_name(Kind::Real, scalar)));
        }
        (_, Arithmetic::Real) => -0.0,
        (_, Arithmetic::Ring) => 0.0,
    };
    real(value, scalar, arithmetic)
}

/// The C type of a value of this kind where real numbers are `real`.
pub(crate) fn type_name(kind: Kind, real: ScalarType) -> &'static str {
    match (kind, real) {
        (Kind::Bool, _) => "bool",
        (Kind::Index, _) => "long long",
        (Kind::Real, ScalarType::F64) => "double",
        (Kind::Real, _) => "float",
    }
}

/// What numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Floating point.
    Real,
    /// Integers modulo 2^32 and 2^64: see [`keopsc_ops::ring`].
    Ring,
}

/// A real number: the shortest decimal that reads back to the same bits.
pub(crate) fn real(value: f64, real: ScalarType, arithmetic: Arithmetic) -> Text {
    if arithmetic == Arithmetic::Ring {
        return Text::primary(match real {
            ScalarType::F64 => format!("double::of({:#x}ull)", Ring::<64>::real(value).bits()),
            _ => format!("float::of({:#x}u)", Ring::<32>::real(value).bits()),
        });
    }
    let double = real == ScalarType::F64;
    let magnitude = match (value.abs(), value.abs() as f32) {
        (magnitude, _) if magnitude.is_nan() => special("NAN", double),
        (magnitude, _) if double && magnitude.is_infinite() => special("INFINITY", double),
        (magnitude, _) if double => format!("{magnitude:?}"),
        (_, magnitude) if magnitude.is_infinite() => special("INFINITY", double),
        (_, magnitude) => format!("{magnitude:?}f"),
    };
    if value.is_sign_negative() && !value.is_nan() {
        Text::new(Binding::Product, format!("-{magnitude}"))
    } else {
        Text::primary(magnitude)
    }
}

fn special(name: &str, double: bool) -> String {
    format!("{name}_{}", if double { "F64" } else { "F32" })
}

/// An integer.
pub(crate) fn integer(value: i64) -> Text {
    let suffix = if value.unsigned_abs() < SHORT { "" } else { "ll" };
    let magnitude = format!("{}{suffix}", value.unsigned_abs());
    if value < 0 { Text::new(Binding::Product, format!("-{magnitude}")) } else { Text::primary(magnitude) }
}

/// Integers below are `int`s: products of two of them are, too.
pub(crate) const SHORT: u64 = 1 << 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_their_type() {
        let single = |value| real(value, ScalarType::F32, Arithmetic::Real).at(Binding::Primary);
        assert_eq!(single(1.0), "1.0f");
        assert_eq!(single(-0.0), "(-0.0f)");
        assert_eq!(single(0.1), "0.1f");
        assert_eq!(single(1e300), "INFINITY_F32");
        assert_eq!(single(f64::NEG_INFINITY), "(-INFINITY_F32)");
        let double = |value| real(value, ScalarType::F64, Arithmetic::Real).at(Binding::Primary);
        assert_eq!(double(1e300), "1e300");
        assert_eq!(double(f64::NAN), "NAN_F64");
        assert_eq!(integer(-70000).loose(), "-70000ll");
    }
}
