//! The text form of scalar expressions; [`super::parse`] is its exact inverse.
//!
//! ```text
//! sum(q1 < 3, ((f[q1] - g[q1]) * (f[q1] - g[q1])))     select(lt(f[k], 0.0), 0.0, index(k + 1))
//! ```
//!
//! Numbers with a point, exponent or name (`inf`, `nan`) are real, plain ones integers.

use std::fmt::Write;

use super::{Counter, Index, Scalar};
use crate::intrinsics::Intrinsic;

/// The text of `scalar`; `name` gives the name of each value, an identifier.
pub fn print<V>(scalar: &Scalar<V>, name: &dyn Fn(&V) -> String) -> String {
    let mut text = String::new();
    write_scalar(&mut text, scalar, name);
    text
}

/// The infix operators.
pub(super) const INFIX: &[(Intrinsic, &str)] = &[
    (Intrinsic::Add, " + "),
    (Intrinsic::Sub, " - "),
    (Intrinsic::Mul, " * "),
    (Intrinsic::Div, " / "),
];

/// The names of folds.
pub(crate) const FOLDS: &[(Intrinsic, &str)] = &[
    (Intrinsic::Add, "sum"),
    (Intrinsic::Mul, "prod"),
    (Intrinsic::Min, "minimum"),
    (Intrinsic::Max, "maximum"),
];

// Writing to a String cannot fail, so the results of `write!` carry nothing.
fn write_scalar<V>(text: &mut String, scalar: &Scalar<V>, name: &dyn Fn(&V) -> String) {
    match scalar {
        Scalar::Constant(number) => write_number(text, *number),
        Scalar::Component(value, index) => {
            let _ = write!(text, "{}[{}]", name(value), IndexText(index));
        }
        Scalar::Index(index) => {
            let _ = write!(text, "index({})", IndexText(index));
        }
        Scalar::Call(intrinsic, arguments) => {
            match (lookup(INFIX, *intrinsic), arguments.as_slice()) {
                (Some(symbol), [left, right]) => {
                    text.push('(');
                    write_scalar(text, left, name);
                    text.push_str(symbol);
                    write_scalar(text, right, name);
                    text.push(')');
                }
                _ => {
                    text.push_str(intrinsic.name());
                    text.push('(');
                    for (number, argument) in arguments.iter().enumerate() {
                        if number > 0 {
                            text.push_str(", ");
                        }
                        write_scalar(text, argument, name);
                    }
                    text.push(')');
                }
            }
        }
        Scalar::Fold {
            with,
            counter,
            count,
            body,
        } => {
            let fold = lookup(FOLDS, *with).unwrap_or("fold");
            let _ = write!(text, "{fold}({} < {count}, ", counter_name(*counter));
            write_scalar(text, body, name);
            text.push(')');
        }
        Scalar::Choose {
            left,
            comparison,
            right,
            then,
            otherwise,
        } => {
            let _ = write!(
                text,
                "choose({} {} {}, ",
                IndexText(left),
                comparison.symbol(),
                IndexText(right)
            );
            write_scalar(text, then, name);
            text.push_str(", ");
            write_scalar(text, otherwise, name);
            text.push(')');
        }
    }
}

fn write_number(text: &mut String, number: f64) {
    let _ = match number {
        _ if number.is_nan() => write!(text, "nan"),
        f64::INFINITY => write!(text, "inf"),
        f64::NEG_INFINITY => write!(text, "-inf"),
        _ => write!(text, "{number:?}"),
    };
}

fn lookup(table: &[(Intrinsic, &'static str)], intrinsic: Intrinsic) -> Option<&'static str> {
    table
        .iter()
        .find(|(which, _)| *which == intrinsic)
        .map(|(_, text)| *text)
}

fn counter_name(counter: Counter) -> String {
    match counter {
        Counter(0) => "k".to_owned(),
        Counter(number) => format!("q{number}"),
    }
}

struct IndexText<'index>(&'index Index);

impl std::fmt::Display for IndexText<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (left, symbol, right) = match self.0 {
            Index::Constant(number) => return write!(formatter, "{number}"),
            Index::Counter(counter) => return formatter.write_str(&counter_name(*counter)),
            Index::Add(left, right) => (left, "+", right),
            Index::Sub(left, right) => (left, "-", right),
            Index::Mul(left, right) => (left, "*", right),
            Index::Div(left, right) => (left, "/", right),
            Index::Rem(left, right) => (left, "%", right),
        };
        write!(
            formatter,
            "({} {symbol} {})",
            IndexText(left),
            IndexText(right)
        )
    }
}
