//! The intrinsics: scalar functions that the interpreter evaluates and each back end knows how to emit.

/// The kind of value a scalar expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A real number in the computing type.
    Real,
    /// A truth value.
    Bool,
    /// A row number, exact.
    Index,
}

macro_rules! intrinsics {
    ($($variant:ident $name:literal ($($argument:ident),*) -> $result:ident, $ulp:literal, $doc:literal, |$a:ident| $evaluate:expr;)*) => {
        /// A scalar function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Intrinsic { $(#[doc = $doc] $variant),* }

        impl Intrinsic {
            /// Every intrinsic, in table order.
            pub const ALL: &'static [Intrinsic] = &[$(Intrinsic::$variant),*];

            /// The name that recipes and printed plans use.
            pub fn name(self) -> &'static str {
                match self { $(Intrinsic::$variant => $name),* }
            }

            /// The kinds of the arguments.
            pub fn arguments(self) -> &'static [Kind] {
                match self { $(Intrinsic::$variant => &[$(Kind::$argument),*]),* }
            }

            /// The kind of the result.
            pub fn result(self) -> Kind {
                match self { $(Intrinsic::$variant => Kind::$result),* }
            }

            /// The published error bound in units in the last place, in float32 and float64; 0 is exact or correctly rounded.
            pub fn ulp(self) -> f64 {
                match self { $(Intrinsic::$variant => $ulp),* }
            }

            /// Whether the result of numbers of the computing type may lie between two of them.
            pub fn rounds(self) -> bool {
                use Intrinsic::*;
                !matches!(
                    self,
                    Neg | Abs | Min | Max | Floor | Ceil | Trunc | Round | Less | LessEqual | Equal | NotEqual | Select | SelectIndex
                )
            }

            /// Whether it is computed by a polynomial or the like.
            pub fn is_function(self) -> bool {
                use Intrinsic::*;
                matches!(self, Exp | Exp2 | Log | Log2 | Sin | Cos | Asin | Acos | Atan | Atan2 | Pow)
            }

            /// The value in float64; truth values are 1 and 0. The reference that all back ends are held against.
            ///
            /// Panics if `arguments` is shorter than [`Intrinsic::arguments`].
            pub fn evaluate(self, arguments: &[f64]) -> f64 {
                match self { $(Intrinsic::$variant => { let $a = arguments; $evaluate })* }
            }

            /// The intrinsic of that name.
            pub fn from_name(name: &str) -> Option<Intrinsic> {
                Intrinsic::ALL.iter().copied().find(|intrinsic| intrinsic.name() == name)
            }
        }
    };
}

fn truth(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

intrinsics! {
    Add "add" (Real, Real) -> Real, 0.0, "a + b", |a| a[0] + a[1];
    Sub "sub" (Real, Real) -> Real, 0.0, "a - b", |a| a[0] - a[1];
    Mul "mul" (Real, Real) -> Real, 0.0, "a * b", |a| a[0] * a[1];
    Div "div" (Real, Real) -> Real, 0.0, "a / b", |a| a[0] / a[1];
    Neg "neg" (Real) -> Real, 0.0, "-a", |a| -a[0];
    Abs "abs" (Real) -> Real, 0.0, "the absolute value", |a| a[0].abs();
    Min "min" (Real, Real) -> Real, 0.0, "the smaller; a NaN in `b` is passed over, one in `a` too (the other argument is taken)", |a| a[0].min(a[1]);
    Max "max" (Real, Real) -> Real, 0.0, "the larger; NaN as in `min`", |a| a[0].max(a[1]);
    Floor "floor" (Real) -> Real, 0.0, "the largest integer not above", |a| a[0].floor();
    Ceil "ceil" (Real) -> Real, 0.0, "the smallest integer not below", |a| a[0].ceil();
    Trunc "trunc" (Real) -> Real, 0.0, "the integer part", |a| a[0].trunc();
    Round "round" (Real) -> Real, 0.0, "the nearest integer, ties away from zero as in C", |a| a[0].round();
    Sqrt "sqrt" (Real) -> Real, 0.0, "the square root, NaN below 0", |a| a[0].sqrt();
    Rsqrt "rsqrt" (Real) -> Real, 1.0, "1/sqrt(a): +inf at 0, NaN below", |a| 1.0 / a[0].sqrt();
    Exp "exp" (Real) -> Real, 1.0, "e to the power a", |a| a[0].exp();
    Exp2 "exp2" (Real) -> Real, 1.0, "2 to the power a", |a| a[0].exp2();
    Expm1 "expm1" (Real) -> Real, 1.0, "e to the power a, less 1", |a| a[0].exp_m1();
    Log "log" (Real) -> Real, 1.0, "the natural logarithm: -inf at 0, NaN below", |a| a[0].ln();
    Log2 "log2" (Real) -> Real, 1.0, "the logarithm to base 2", |a| a[0].log2();
    Log10 "log10" (Real) -> Real, 1.0, "the logarithm to base 10", |a| a[0].log10();
    Log1p "log1p" (Real) -> Real, 1.0, "the natural logarithm of 1 + a: -inf at -1, NaN below", |a| a[0].ln_1p();
    Sin "sin" (Real) -> Real, 1.0, "the sine of radians", |a| a[0].sin();
    Cos "cos" (Real) -> Real, 1.0, "the cosine of radians", |a| a[0].cos();
    Tan "tan" (Real) -> Real, 1.0, "the tangent of radians", |a| a[0].tan();
    Asin "asin" (Real) -> Real, 2.0, "the arc sine, NaN outside [-1, 1]", |a| a[0].asin();
    Acos "acos" (Real) -> Real, 2.0, "the arc cosine, NaN outside [-1, 1]", |a| a[0].acos();
    Atan "atan" (Real) -> Real, 1.0, "the arc tangent", |a| a[0].atan();
    Atan2 "atan2" (Real, Real) -> Real, 2.0, "the angle of the point (b, a), as in C", |a| a[0].atan2(a[1]);
    Sinh "sinh" (Real) -> Real, 2.0, "the hyperbolic sine", |a| a[0].sinh();
    Cosh "cosh" (Real) -> Real, 2.0, "the hyperbolic cosine", |a| a[0].cosh();
    Tanh "tanh" (Real) -> Real, 1.0, "the hyperbolic tangent: -1 at -inf, 1 at inf", |a| a[0].tanh();
    Pow "pow" (Real, Real) -> Real, 2.0, "a to the power b, as in C", |a| a[0].powf(a[1]);
    Less "lt" (Real, Real) -> Bool, 0.0, "a < b", |a| truth(a[0] < a[1]);
    LessEqual "le" (Real, Real) -> Bool, 0.0, "a <= b", |a| truth(a[0] <= a[1]);
    Equal "eq" (Real, Real) -> Bool, 0.0, "a == b", |a| truth(a[0] == a[1]);
    NotEqual "ne" (Real, Real) -> Bool, 0.0, "a != b", |a| truth(a[0] != a[1]);
    EqualIndex "eq_index" (Index, Index) -> Bool, 0.0, "a == b of row numbers, in all their digits", |a| truth(a[0] == a[1]);
    Select "select" (Bool, Real, Real) -> Real, 0.0, "b where a holds, else c", |a| if a[0] != 0.0 { a[1] } else { a[2] };
    SelectIndex "select_index" (Bool, Index, Index) -> Index, 0.0, "`select` on row numbers", |a| if a[0] != 0.0 { a[1] } else { a[2] };
}
