//! Scalar expressions from their text form, exactly as [`super::print`] wrote them: nothing is folded or simplified.

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, UnaryOperator};

use super::print::{FOLDS, INFIX};
use super::{Comparison, Counter, Index, Scalar};
use crate::intrinsics::Intrinsic;

/// The expression that a syntax tree stands for; `value` gives the value of each name, where it has one.
///
/// The message of an error says what could not be read.
pub fn parse<V>(expr: &Expr, value: &dyn Fn(&str) -> Option<V>) -> Result<Scalar<V>, String> {
    match &expr.kind {
        ExprKind::Float(number) => Ok(Scalar::Constant(*number)),
        ExprKind::Name(name) if name == "inf" => Ok(Scalar::Constant(f64::INFINITY)),
        ExprKind::Name(name) if name == "nan" => Ok(Scalar::Constant(f64::NAN)),
        ExprKind::Unary(UnaryOperator::Minus, operand) => match parse(operand, value)? {
            Scalar::Constant(number) => Ok(Scalar::Constant(-number)),
            _ => Err("`-` stands before numbers only; write `neg(…)`".to_owned()),
        },
        ExprKind::Binary(operator, left, right) => {
            let symbol = match operator {
                BinaryOperator::Add => " + ",
                BinaryOperator::Subtract => " - ",
                BinaryOperator::Multiply => " * ",
                BinaryOperator::Divide => " / ",
                _ => return Err("of the operators only `+ - * /` combine real numbers".to_owned()),
            };
            let arguments = vec![parse(left, value)?, parse(right, value)?];
            let found = INFIX.iter().find(|(_, text)| *text == symbol);
            found
                .map(|(intrinsic, _)| Scalar::Call(*intrinsic, arguments))
                .ok_or_else(|| symbol.to_owned())
        }
        ExprKind::Index(base, index) => match &base.kind {
            ExprKind::Name(name) => match value(name) {
                Some(found) => Ok(Scalar::Component(found, parse_index(index)?)),
                None => Err(format!("there is no value `{name}`")),
            },
            _ => Err("only a name can have an index".to_owned()),
        },
        ExprKind::Call {
            function,
            arguments,
            keywords,
        } if keywords.is_empty() => parse_call(&function.text, arguments, value),
        _ => Err("this is no scalar expression".to_owned()),
    }
}

fn parse_call<V>(
    function: &str,
    arguments: &[Expr],
    value: &dyn Fn(&str) -> Option<V>,
) -> Result<Scalar<V>, String> {
    if let Some((with, _)) = FOLDS.iter().find(|(_, name)| *name == function) {
        let [range, body] = arguments else {
            return Err(format!("`{function}` takes a range and a body"));
        };
        let (left, comparison, right) = parse_comparison(range)?;
        return match (left, comparison, right) {
            (
                Index::Counter(counter),
                Comparison::Less,
                Index::Constant(count @ 1..=0xffff_ffff),
            ) => {
                let body = Box::new(parse(body, value)?);
                Ok(Scalar::Fold {
                    with: *with,
                    counter,
                    count: count as u32,
                    body,
                })
            }
            _ => Err(format!("the range of `{function}` is written `q1 < 3`")),
        };
    }
    match (function, arguments) {
        ("index", [index]) => Ok(Scalar::Index(parse_index(index)?)),
        ("choose", [condition, then, otherwise]) => {
            let (left, comparison, right) = parse_comparison(condition)?;
            let (then, otherwise) = (
                Box::new(parse(then, value)?),
                Box::new(parse(otherwise, value)?),
            );
            Ok(Scalar::Choose {
                left,
                comparison,
                right,
                then,
                otherwise,
            })
        }
        _ => {
            let intrinsic = Intrinsic::from_name(function)
                .ok_or_else(|| format!("there is no intrinsic `{function}`"))?;
            let expected = intrinsic.arguments().len();
            if arguments.len() != expected {
                return Err(format!(
                    "`{function}` takes {expected} arguments, {} are given",
                    arguments.len()
                ));
            }
            let arguments = arguments
                .iter()
                .map(|argument| parse(argument, value))
                .collect::<Result<_, _>>()?;
            Ok(Scalar::Call(intrinsic, arguments))
        }
    }
}

fn parse_comparison(expr: &Expr) -> Result<(Index, Comparison, Index), String> {
    let ExprKind::Binary(operator, left, right) = &expr.kind else {
        return Err("a comparison of indices is needed here".to_owned());
    };
    let comparison = match operator {
        BinaryOperator::Less => Comparison::Less,
        BinaryOperator::LessEqual => Comparison::LessEqual,
        BinaryOperator::Equal => Comparison::Equal,
        _ => return Err("indices are compared by `<`, `<=` or `==`".to_owned()),
    };
    Ok((parse_index(left)?, comparison, parse_index(right)?))
}

fn parse_index(expr: &Expr) -> Result<Index, String> {
    match &expr.kind {
        ExprKind::Integer(number) => Ok(Index::Constant(*number)),
        ExprKind::Unary(UnaryOperator::Minus, operand) => match operand.kind {
            ExprKind::Integer(number) => Ok(Index::Constant(-number)),
            _ => Err("`-` stands before numbers only".to_owned()),
        },
        ExprKind::Name(name) => parse_counter(name).map(Index::Counter),
        ExprKind::Binary(operator, left, right) => {
            let (left, right) = (Box::new(parse_index(left)?), Box::new(parse_index(right)?));
            match operator {
                BinaryOperator::Add => Ok(Index::Add(left, right)),
                BinaryOperator::Subtract => Ok(Index::Sub(left, right)),
                BinaryOperator::Multiply => Ok(Index::Mul(left, right)),
                BinaryOperator::Divide => Ok(Index::Div(left, right)),
                BinaryOperator::Remainder => Ok(Index::Rem(left, right)),
                _ => Err("indices are combined by `+ - * / %`".to_owned()),
            }
        }
        _ => Err("this is no index".to_owned()),
    }
}

fn parse_counter(name: &str) -> Result<Counter, String> {
    let number = if name == "k" {
        Some(0)
    } else {
        name.strip_prefix('q')
            .and_then(|digits| digits.parse::<u8>().ok())
    };
    number
        .map(|number| Counter(number.into()))
        .ok_or_else(|| format!("there is no counter `{name}`"))
}
