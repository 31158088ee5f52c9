//! Whether a scalar expression shows that its value is not negative.
//!
//! ```text
//! sum(q < 3, (f[q] - g[q]) * (f[q] - g[q]))       a sum of products of equal factors: yes
//! f[k] * g[k]                                     where `f` and `g` are: yes; else unknown
//! ```

use super::Scalar;
use crate::intrinsics::Intrinsic;

/// Whether the value is 0 or more, or NaN, whatever the components are; `component` says so of all components of a value.
pub fn is_nonnegative<V: PartialEq>(scalar: &Scalar<V>, component: &impl Fn(&V) -> bool) -> bool {
    match scalar {
        Scalar::Constant(number) => *number >= 0.0,
        Scalar::Component(value, _) => component(value),
        Scalar::Index(_) => false,
        Scalar::Call(intrinsic, arguments) => call_is_nonnegative(*intrinsic, arguments, component),
        Scalar::Fold { body, .. } => is_nonnegative(body, component),
        Scalar::Choose { then, otherwise, .. } => {
            is_nonnegative(then, component) && is_nonnegative(otherwise, component)
        }
    }
}

fn call_is_nonnegative<V: PartialEq>(
    intrinsic: Intrinsic,
    arguments: &[Scalar<V>],
    component: &impl Fn(&V) -> bool,
) -> bool {
    use Intrinsic::{
        Abs, Acos, Add, Ceil, Div, Exp, Exp2, Floor, Max, Min, Mul, Pow, Round, Rsqrt, Select, Sqrt, Trunc,
    };
    let is = |number: usize| is_nonnegative(&arguments[number], component);
    match intrinsic {
        Abs | Sqrt | Rsqrt | Exp | Exp2 | Acos => true,
        Mul => arguments[0] == arguments[1] || (is(0) && is(1)),
        Add | Div | Min => is(0) && is(1),
        Max => is(0) || is(1),
        Floor | Ceil | Trunc | Round | Pow => is(0),
        Select => is(1) && is(2),
        _ => false,
    }
}
