//! Text to a scalar expression of a plan, as `print_scalar` writes it.

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Comparison, Counter, Index, Scalar};

use super::ValueId;
use super::notation::{Binding, COMPARISONS, FOLDS, INFIX, MAXIMUM_DEPTH, counter_of_name};
use crate::text::{ReadError, Reader};

/// The expression that comes next.
pub(crate) fn parse_scalar(line: &mut Reader) -> Result<Scalar<ValueId>, ReadError> {
    parse_at(line, Binding::Loose, 0)
}

/// An expression whose infix operations bind at least this tightly.
fn parse_at(line: &mut Reader, needed: Binding, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    if depth > MAXIMUM_DEPTH {
        return line.error("expected an expression that is nested less deeply");
    }
    let mut left = parse_factor(line, depth)?;
    while let Some((intrinsic, binding)) = try_infix(line, needed) {
        // This nests at most as often as there are bindings, so it does not count as a level.
        let right = parse_at(line, binding.tighter(), depth)?;
        left = Scalar::Call(intrinsic, vec![left, right]);
        if binding == Binding::Loose {
            break;
        }
    }
    Ok(left)
}

/// The infix operation that comes next, if one does that binds at least this tightly.
fn try_infix(line: &mut Reader, needed: Binding) -> Option<(Intrinsic, Binding)> {
    let infix = INFIX.iter().find(|(spelling, _, binding)| *binding >= needed && line.try_symbol(spelling));
    infix.map(|(_, intrinsic, binding)| (*intrinsic, *binding))
}

fn parse_factor(line: &mut Reader, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    if line.at_number() {
        return Ok(Scalar::Constant(line.float()?));
    }
    if line.try_symbol("-") {
        return Ok(Scalar::Call(Intrinsic::Neg, vec![parse_at(line, Binding::Factor, depth + 1)?]));
    }
    if line.try_symbol("(") {
        let inner = parse_at(line, Binding::Loose, depth + 1)?;
        line.symbol(")")?;
        return Ok(inner);
    }
    let word = line.peek_word();
    let is_value = word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    if is_value { parse_component(line, depth) } else { parse_call(line, depth) }
}

fn parse_component(line: &mut Reader, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    let value = ValueId(line.numbered("v")?);
    if !line.try_symbol("[") {
        return Ok(Scalar::Component(value, Index::Constant(0)));
    }
    let index = parse_index(line, Binding::Compared, depth + 1)?;
    line.symbol("]")?;
    Ok(Scalar::Component(value, index))
}

fn parse_call(line: &mut Reader, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    let start = line.clone();
    let name = line.identifier()?;
    line.symbol("(")?;
    if let Some((_, with)) = FOLDS.iter().find(|(fold, _)| *fold == name) {
        return parse_fold(line, *with, depth);
    }
    match name {
        "index" => {
            let index = parse_index(line, Binding::Compared, depth + 1)?;
            line.symbol(")")?;
            Ok(Scalar::Index(index))
        }
        "choose" => parse_choice(line, depth),
        _ => {
            let Some(intrinsic) = Intrinsic::from_name(name) else {
                return start.error(format!("expected a scalar function, not `{name}`"));
            };
            let arguments = line.list(")", |line| parse_at(line, Binding::Loose, depth + 1))?;
            Ok(Scalar::Call(intrinsic, arguments))
        }
    }
}

fn parse_fold(line: &mut Reader, with: Intrinsic, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    let counter = parse_counter(line)?;
    line.symbol("<")?;
    let count = line.integer()?;
    line.symbol(",")?;
    let body = Box::new(parse_at(line, Binding::Loose, depth + 1)?);
    line.symbol(")")?;
    Ok(Scalar::Fold { with, counter, count, body })
}

fn parse_choice(line: &mut Reader, depth: usize) -> Result<Scalar<ValueId>, ReadError> {
    let left = parse_index(line, Binding::Compared, depth + 1)?;
    let comparison = parse_comparison(line)?;
    let right = parse_index(line, Binding::Compared, depth + 1)?;
    line.symbol(",")?;
    let then = Box::new(parse_at(line, Binding::Loose, depth + 1)?);
    line.symbol(",")?;
    let otherwise = Box::new(parse_at(line, Binding::Loose, depth + 1)?);
    line.symbol(")")?;
    Ok(Scalar::Choose { left, comparison, right, then, otherwise })
}

fn parse_comparison(line: &mut Reader) -> Result<Comparison, ReadError> {
    let comparison = COMPARISONS.iter().find(|(spelling, _)| line.try_symbol(spelling));
    comparison.map_or_else(|| line.error("expected `<`, `<=` or `==`"), |(_, comparison)| Ok(*comparison))
}

fn parse_counter(line: &mut Reader) -> Result<Counter, ReadError> {
    let word = line.peek_word();
    match counter_of_name(word) {
        Some(counter) => {
            line.try_symbol(word);
            Ok(counter)
        }
        None => line.error("expected a counter: `k`, `q`, `q2` …"),
    }
}

fn parse_index(line: &mut Reader, needed: Binding, depth: usize) -> Result<Index, ReadError> {
    if depth > MAXIMUM_DEPTH {
        return line.error("expected an expression that is nested less deeply");
    }
    let mut left = parse_index_factor(line, depth)?;
    while let Some((join, binding)) = try_index_infix(line, needed) {
        let right = parse_index(line, binding.tighter(), depth)?;
        left = join(Box::new(left), Box::new(right));
    }
    Ok(left)
}

type Join = fn(Box<Index>, Box<Index>) -> Index;

fn try_index_infix(line: &mut Reader, needed: Binding) -> Option<(Join, Binding)> {
    const INDEX_INFIX: &[(&str, Join, Binding)] = &[
        ("+", Index::Add, Binding::Compared),
        ("-", Index::Sub, Binding::Compared),
        ("*", Index::Mul, Binding::Term),
        ("/", Index::Div, Binding::Term),
        ("%", Index::Rem, Binding::Term),
    ];
    let infix = INDEX_INFIX.iter().find(|(spelling, _, binding)| *binding >= needed && line.try_symbol(spelling));
    infix.map(|(_, join, binding)| (*join, *binding))
}

fn parse_index_factor(line: &mut Reader, depth: usize) -> Result<Index, ReadError> {
    if line.at_number() {
        return Ok(Index::Constant(line.integer()?));
    }
    if line.try_symbol("(") {
        let inner = parse_index(line, Binding::Compared, depth + 1)?;
        line.symbol(")")?;
        return Ok(inner);
    }
    parse_counter(line).map(Index::Counter)
}
