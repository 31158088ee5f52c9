//! A scalar expression of a plan to text, with as few parentheses as reading it back allows.

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Index, Scalar};

use super::ValueId;
use super::notation::{Binding, COMPARISONS, FOLDS, INFIX, counter_name};
use crate::text::print_float;

/// The text of an expression; `dim` is that of a value.
pub fn print_scalar(scalar: &Scalar<ValueId>, dim: &dyn Fn(ValueId) -> u32) -> String {
    print_at(scalar, Binding::Loose, dim)
}

/// The text where something of at least this binding is needed.
fn print_at(scalar: &Scalar<ValueId>, needed: Binding, dim: &dyn Fn(ValueId) -> u32) -> String {
    match scalar {
        Scalar::Constant(value) => print_float(*value),
        Scalar::Component(value, Index::Constant(0)) if dim(*value) == 1 => format!("v{}", value.0),
        Scalar::Component(value, index) => format!("v{}[{}]", value.0, print_index(index)),
        Scalar::Index(index) => format!("index({})", print_index(index)),
        Scalar::Call(intrinsic, arguments) => print_call(*intrinsic, arguments, needed, dim),
        Scalar::Fold { with, counter, count, body } => {
            let name = FOLDS.iter().find(|(_, fold)| fold == with).map_or(with.name(), |(name, _)| name);
            format!("{name}({} < {count}, {})", counter_name(*counter), print_scalar(body, dim))
        }
        Scalar::Choose { left, comparison, right, then, otherwise } => {
            let spelling =
                COMPARISONS.iter().find(|(_, other)| other == comparison).map_or("", |(spelling, _)| spelling);
            let condition = format!("{} {spelling} {}", print_index(left), print_index(right));
            format!("choose({condition}, {}, {})", print_scalar(then, dim), print_scalar(otherwise, dim))
        }
    }
}

fn print_call(
    intrinsic: Intrinsic,
    arguments: &[Scalar<ValueId>],
    needed: Binding,
    dim: &dyn Fn(ValueId) -> u32,
) -> String {
    let infix = INFIX.iter().find(|(_, other, _)| *other == intrinsic);
    match (infix, arguments) {
        (Some((spelling, _, binding)), [left, right]) => {
            let of_left = if *binding == Binding::Loose { binding.tighter() } else { *binding };
            let left = print_at(left, of_left, dim);
            let right = print_at(right, binding.tighter(), dim);
            parenthesised(format!("{left} {spelling} {right}"), *binding < needed)
        }
        (None, [argument]) if intrinsic == Intrinsic::Neg && !matches!(argument, Scalar::Constant(_)) => {
            format!("-{}", print_at(argument, Binding::Factor, dim))
        }
        _ => {
            let arguments: Vec<String> = arguments.iter().map(|argument| print_scalar(argument, dim)).collect();
            format!("{}({})", intrinsic.name(), arguments.join(", "))
        }
    }
}

/// The text of an index expression.
pub fn print_index(index: &Index) -> String {
    print_index_at(index, Binding::Loose)
}

fn print_index_at(index: &Index, needed: Binding) -> String {
    let (left, spelling, right, binding) = match index {
        Index::Constant(value) => return value.to_string(),
        Index::Counter(counter) => return counter_name(*counter),
        Index::Add(left, right) => (left, "+", right, Binding::Compared),
        Index::Sub(left, right) => (left, "-", right, Binding::Compared),
        Index::Mul(left, right) => (left, "*", right, Binding::Term),
        Index::Div(left, right) => (left, "/", right, Binding::Term),
        Index::Rem(left, right) => (left, "%", right, Binding::Term),
    };
    let (left, right) = (print_index_at(left, binding), print_index_at(right, binding.tighter()));
    parenthesised(format!("{left} {spelling} {right}"), binding < needed)
}

fn parenthesised(text: String, needs: bool) -> String {
    if needs { format!("({text})") } else { text }
}
