//! What an expression stands for, and what the operators of the language do with it.
//!
//! Numbers stay numbers as long as nothing but numbers meet, so that `2 * D` may be a dimension; where a number meets a formula it becomes
//! a constant node. Both formula files and the texts of the tables are read with these rules.

use keopsc_grammar::syntax::{BinaryOperator, UnaryOperator};
use keopsc_ir::formula::{Graph, NodeId, NodeKind};
use keopsc_ops::catalogue::operators::{self, Order};
use keopsc_ops::signature::{Numbers, ParameterSpec, Signature};
use keopsc_ops::{OperationId, ShapeError, catalogue};

use crate::complex;

/// How deep expansions may be in each other.
pub(crate) const EXPANSION_LIMIT: u32 = 72;

/// Graphs larger than this are not made by derivatives and expansions.
pub(crate) const NODE_LIMIT: usize = 1 << 15;

/// What an expression stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// An integer: a dimension, a parameter, or a constant.
    Integer(i64),
    /// A real constant.
    Real(f64),
    /// A formula.
    Formula(NodeId),
    /// A formula of complex numbers: two components each, re and im.
    Complex(NodeId),
    /// The two results of a value-and-index reduction.
    Pair(NodeId, NodeId),
    /// A list of integers.
    List(Vec<i64>),
}

/// Why a value cannot be had.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// The dimensions do not fit.
    Shape(ShapeError),
    /// A list stands where a formula is expected.
    ListAsFormula,
    /// A value-and-index pair stands where one formula is expected.
    PairAsFormula,
    /// A row number stands where a real number is expected.
    IndexAsFormula,
    /// A complex number stands where a real one is expected.
    ComplexAsFormula,
    /// An operation on other kinds of numbers, real and complex, than it takes.
    NotOfComplex {
        /// Which.
        operation: OperationId,
    },
    /// Integers that are not known when the file is read.
    NotAnInteger,
    /// Something else stands where a list of integers is expected.
    NotAList,
    /// A parameter that counts halves is given something else.
    NotAHalf {
        /// The parameter's name.
        parameter: String,
        /// What it may be, in words.
        expected: String,
    },
    /// Division or remainder by the number 0.
    DivisionByZero,
    /// An index outside `0..dim`.
    OutOfRange {
        /// As written.
        index: i64,
        /// The number of components.
        dim: u32,
    },
    /// An operation that stands for more formulas than can be written out.
    TooLarge {
        /// The operation's name.
        function: &'static str,
    },
    /// A slice without components.
    EmptySlice {
        /// Its first component.
        from: i64,
        /// One past its last.
        to: i64,
    },
}

impl From<ShapeError> for Problem {
    fn from(error: ShapeError) -> Problem {
        Problem::Shape(error)
    }
}

/// The formula that a value is; numbers become constants.
pub(crate) fn to_formula(graph: &mut Graph, value: &Value) -> Result<NodeId, Problem> {
    match value {
        Value::Integer(number) => Ok(graph.constant(*number as f64)),
        Value::Real(number) => Ok(graph.constant(*number)),
        Value::Formula(node) if graph.node(*node).is_index => Err(Problem::IndexAsFormula),
        Value::Formula(node) => Ok(*node),
        Value::Complex(_) => Err(Problem::ComplexAsFormula),
        Value::Pair(..) => Err(Problem::PairAsFormula),
        Value::List(_) => Err(Problem::ListAsFormula),
    }
}

/// The integer that a value is.
pub(crate) fn to_integer(value: &Value) -> Result<i64, Problem> {
    match value {
        Value::Integer(number) => Ok(*number),
        _ => Err(Problem::NotAnInteger),
    }
}

/// The integers that stand for a written parameter: itself, its number of halves, or the length of a list and its items.
pub(crate) fn to_parameter(value: &Value, spec: &ParameterSpec) -> Result<Vec<i64>, Problem> {
    match (spec.numbers, value) {
        (Numbers::Integers | Numbers::Nonzero, value) => to_integer(value).map(|number| vec![number]),
        (Numbers::Halves, value) => match to_halves(value) {
            Some(halves) => Ok(vec![halves]),
            None => Err(Problem::NotAHalf { parameter: spec.name.clone(), expected: spec.halves_in_words() }),
        },
        (Numbers::List, Value::List(items)) => Ok([&[items.len() as i64], items.as_slice()].concat()),
        (Numbers::List, _) => Err(Problem::NotAList),
    }
}

fn to_halves(value: &Value) -> Option<i64> {
    match *value {
        Value::Integer(number) => number.checked_mul(2),
        Value::Real(number) if (2.0 * number).fract() == 0.0 => Some((2.0 * number) as i64),
        _ => None,
    }
}

/// The number that a value is, if it is one.
fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        _ => None,
    }
}

/// `-a`, `+a`
pub(crate) fn unary(graph: &mut Graph, operator: UnaryOperator, operand: &Value) -> Result<Value, Problem> {
    match (operators::unary(operator), operand) {
        (None, Value::Integer(_) | Value::Real(_)) => Ok(operand.clone()),
        (None, Value::Complex(_)) => Ok(operand.clone()),
        (None, _) => to_formula(graph, operand).map(Value::Formula),
        (Some(_), Value::Integer(number)) => {
            Ok(number.checked_neg().map_or(Value::Real(-(*number as f64)), Value::Integer))
        }
        (Some(_), Value::Real(number)) => Ok(Value::Real(-number)),
        (Some(operation), _) => apply_to_values(graph, operation, &[], &[operand]),
    }
}

/// `a + b` and all other infix operators. A power with an integer exponent is one of multiplications.
pub(crate) fn binary(graph: &mut Graph, operator: BinaryOperator, a: &Value, b: &Value) -> Result<Value, Problem> {
    if let Some(value) = binary_numbers(operator, a, b)? {
        return Ok(value);
    }
    match (operator, b) {
        (BinaryOperator::Divide | BinaryOperator::Remainder, _) if to_number(b) == Some(0.0) => {
            Err(Problem::DivisionByZero)
        }
        (BinaryOperator::Power, Value::Integer(exponent)) => {
            apply_to_values(graph, operators::integer_power(), &[*exponent], &[a])
        }
        _ => match operators::binary(operator) {
            (operation, Order::Same) => apply_to_values(graph, operation, &[], &[a, b]),
            (operation, Order::Swapped) => apply_to_values(graph, operation, &[], &[b, a]),
        },
    }
}

/// The result of an operator on two numbers; `None` where an operand is a formula.
fn binary_numbers(operator: BinaryOperator, a: &Value, b: &Value) -> Result<Option<Value>, Problem> {
    if let (Value::Integer(a), Value::Integer(b)) = (a, b)
        && let Some(value) = binary_integers(operator, *a, *b)
    {
        return Ok(Some(Value::Integer(value)));
    }
    let (Some(a), Some(b)) = (to_number(a), to_number(b)) else { return Ok(None) };
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    Ok(Some(Value::Real(match operator {
        BinaryOperator::Add => a + b,
        BinaryOperator::Subtract => a - b,
        BinaryOperator::Multiply | BinaryOperator::Bar => a * b,
        BinaryOperator::Divide | BinaryOperator::Remainder if b == 0.0 => return Err(Problem::DivisionByZero),
        BinaryOperator::Divide => a / b,
        BinaryOperator::Remainder => a - b * (a / b).floor(),
        BinaryOperator::Power => a.powf(b),
        BinaryOperator::Less => truth(a < b),
        BinaryOperator::LessEqual => truth(a <= b),
        BinaryOperator::Greater => truth(a > b),
        BinaryOperator::GreaterEqual => truth(a >= b),
        BinaryOperator::Equal => truth(a == b),
        BinaryOperator::NotEqual => truth(a != b),
    })))
}

/// The result where it is an integer again.
fn binary_integers(operator: BinaryOperator, a: i64, b: i64) -> Option<i64> {
    match operator {
        BinaryOperator::Add => a.checked_add(b),
        BinaryOperator::Subtract => a.checked_sub(b),
        BinaryOperator::Multiply => a.checked_mul(b),
        BinaryOperator::Divide => a.checked_rem(b).filter(|rest| *rest == 0).and_then(|_| a.checked_div(b)),
        BinaryOperator::Remainder => a.checked_rem_euclid(b).filter(|_| !b.is_negative()),
        BinaryOperator::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => None,
    }
}

/// `v[k]`; negative numbers count from the end.
pub(crate) fn element(graph: &mut Graph, base: &Value, index: i64) -> Result<Value, Problem> {
    if let Value::Complex(node) = base {
        return complex::element(graph, *node, index);
    }
    let node = to_formula(graph, base)?;
    let dim = graph.node(node).dim;
    let position = if index < 0 { index.checked_add(i64::from(dim)) } else { Some(index) };
    match position.filter(|position| (0..i64::from(dim)).contains(position)) {
        Some(position) => named(graph, "Elem", &[position], &[base]),
        None => Err(Problem::OutOfRange { index, dim }),
    }
}

/// `v[a:b]`; negative bounds count from the end.
pub(crate) fn slice(graph: &mut Graph, base: &Value, from: Option<i64>, to: Option<i64>) -> Result<Value, Problem> {
    let (node, components) = match base {
        Value::Complex(node) => (*node, 2),
        _ => (to_formula(graph, base)?, 1),
    };
    let dim = graph.node(node).dim / components;
    let all = i64::from(dim);
    let bound = |written: i64| {
        let position = if written < 0 { written.checked_add(all) } else { Some(written) };
        position.filter(|position| (0..=all).contains(position)).ok_or(Problem::OutOfRange { index: written, dim })
    };
    let (from, to) = (bound(from.unwrap_or(0))?, bound(to.unwrap_or(all))?);
    if from >= to {
        return Err(Problem::EmptySlice { from, to });
    }
    let components = i64::from(components);
    let slice = named(graph, "Extract", &[from * components, (to - from) * components], &[&Value::Formula(node)])?;
    Ok(match (base, slice) {
        (Value::Complex(_), Value::Formula(slice)) => Value::Complex(slice),
        (_, slice) => slice,
    })
}

fn named(graph: &mut Graph, name: &str, parameters: &[i64], arguments: &[&Value]) -> Result<Value, Problem> {
    let operation = catalogue::find_operation(name).unwrap_or_else(|| panic!("the catalogue has no {name}"));
    apply_to_values(graph, operation, parameters, arguments)
}

fn apply_to_values(
    graph: &mut Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[&Value],
) -> Result<Value, Problem> {
    if arguments.iter().any(|argument| complex::is_complex(argument)) {
        return complex::apply(graph, operation, parameters, arguments);
    }
    let nodes: Result<Vec<NodeId>, Problem> = arguments.iter().map(|argument| to_formula(graph, argument)).collect();
    apply(graph, operation, parameters, &nodes?).map(Value::Formula)
}

/// An operation on formulas. Arguments that are left out get their constants; an operation that stands for a formula in other operations
/// is replaced by that formula, and so is one that an early law applies to.
pub(crate) fn apply(
    graph: &mut Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[NodeId],
) -> Result<NodeId, Problem> {
    apply_inside(graph, operation, parameters, arguments, 0)
}

/// The same inside of that many expansions.
pub(crate) fn apply_inside(
    graph: &mut Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[NodeId],
    depth: u32,
) -> Result<NodeId, Problem> {
    if arguments.iter().any(|&argument| graph.node(argument).is_index) {
        return Err(Problem::IndexAsFormula);
    }
    let arguments = with_defaults(graph, catalogue::signature(operation), arguments);
    let Some(text) = catalogue::expansion(operation, &graph.dims(&arguments), parameters)? else {
        return match crate::early::early_law(graph, operation, parameters, &arguments) {
            Some((right, names)) => crate::template::build(graph, right, &names),
            None => Ok(graph.operation(operation, parameters, &arguments)?),
        };
    };
    // Recursive expansions come to the same case on many ways.
    let kind = NodeKind::Operation { operation, parameters: parameters.to_vec(), arguments: arguments.clone() };
    if let Some(known) = graph.find(&kind) {
        return Ok(known);
    }
    if depth >= EXPANSION_LIMIT || graph.len() > NODE_LIMIT {
        return Err(Problem::TooLarge { function: catalogue::operation(operation).name });
    }
    let node = crate::template::expand(graph, operation, &text, (parameters, &arguments), depth + 1)?;
    graph.identify(kind, node);
    Ok(node)
}

/// The arguments, followed by the constants that stand for those left out.
pub(crate) fn with_defaults(graph: &mut Graph, signature: &Signature, arguments: &[NodeId]) -> Vec<NodeId> {
    let left_out = signature.arguments.iter().skip(arguments.len()).map_while(|argument| argument.default);
    let constants: Vec<NodeId> = left_out.map(|value| graph.constant(value)).collect();
    arguments.iter().copied().chain(constants).collect()
}
