//! Why a value cannot be had, told to the person who wrote the formula.

use keopsc_diagnostics::{Code, Diagnostic};
use keopsc_grammar::syntax::Span;
use keopsc_ops::{OperationId, ShapeError};

use super::describe::{components, describe};
use super::scope::{Operand, Reported, Resolver};
use crate::complex;
use crate::values::{EXPANSION_LIMIT, NODE_LIMIT, Problem, Value};

impl Resolver<'_> {
    /// Reports a problem at `span` with `function` (an operator or a name; empty where there is none) on these operands.
    pub fn problem<T>(
        &mut self,
        span: Span,
        problem: &Problem,
        function: &str,
        operands: &[&Operand],
    ) -> Result<T, Reported> {
        let diagnostic = match problem {
            Problem::Shape(error) => self.shape_problem(span, error, function, operands),
            Problem::ListAsFormula => {
                let span = place(operands, span, |value| matches!(value, Value::List(_)));
                Diagnostic::error(Code::NotAFormula, span, "a list of integers stands where a formula is expected")
                    .with_help("lists are parameters of operations; join formulas with `Concat(f, g)`")
            }
            Problem::PairAsFormula => {
                let span = place(operands, span, |value| matches!(value, Value::Pair(..)));
                Diagnostic::error(Code::NotAFormula, span, "this reduction has two results, values and row numbers, and cannot be part of a formula")
                    .with_help("make it an output by itself, or use the reduction that gives the values alone, such as `Min` for `Min_ArgMin`")
            }
            Problem::IndexAsFormula => {
                let is_index =
                    |value: &Value| matches!(value, Value::Formula(node) if self.program.graph.node(*node).is_index);
                let span = place(operands, span, is_index);
                Diagnostic::error(Code::NotAFormula, span, "row numbers (64-bit integers) cannot be part of a formula")
                    .with_help("make them an output by themselves")
            }
            Problem::ComplexAsFormula => {
                let span = place(operands, span, |value| matches!(value, Value::Complex(_)));
                let message = if function.is_empty() {
                    "complex numbers stand where real ones are expected".to_owned()
                } else {
                    format!("`{function}` takes real numbers, and this is complex")
                };
                self.with_operands(Diagnostic::error(Code::WrongNumbers, span, message), operands)
                    .with_help("`ComplexReal(z)`, `ComplexImag(z)`, `ComplexAbs(z)` and `ComplexAngle(z)` are real")
            }
            Problem::NotOfComplex { operation } => self.wrong_numbers(span, *operation, function, operands),
            Problem::NotAnInteger => {
                let found =
                    operands.first().map_or(String::new(), |operand| describe(&self.program.graph, &operand.value));
                Diagnostic::error(
                    Code::NotAnInteger,
                    span,
                    "an integer that is known when the file is read is expected here",
                )
                .with_label(span, found)
                .with_help("integers are numbers, names from `dim D = 3`, and `+ - * / % **` of them")
            }
            Problem::NotAList => {
                let found =
                    operands.first().map_or(String::new(), |operand| describe(&self.program.graph, &operand.value));
                Diagnostic::error(Code::NotAnInteger, span, "a list of integers is expected here")
                    .with_label(span, found)
                    .with_help("write it in brackets: `[2, 3]`, or `[]` for none")
            }
            Problem::NotAHalf { parameter, expected } => {
                let message = format!("`{parameter}` of `{function}` has to be {expected}");
                let found =
                    operands.first().map_or(String::new(), |operand| describe(&self.program.graph, &operand.value));
                Diagnostic::error(Code::OutOfRange, span, message)
                    .with_label(span, found)
                    .with_help("it is a number that is known when the file is read, such as `3/2` or `2.5`")
            }
            Problem::TooLarge { function } => {
                let message = format!(
                    "`{function}` is written out, and this would be more than {NODE_LIMIT} operations or {EXPANSION_LIMIT} inside each other"
                );
                self.with_operands(Diagnostic::error(Code::TooLarge, span, message), operands)
                    .with_help("use smaller dimensions or parameters")
            }
            Problem::DivisionByZero => Diagnostic::error(
                Code::DivisionByZero,
                operands.get(1).map_or(span, |operand| operand.span),
                "division by the number 0",
            ),
            Problem::OutOfRange { index, dim } => {
                let help = format!("components are numbered from 0 to {}; -1 is the last one", dim.saturating_sub(1));
                let message = format!("there is no component {index} of {}", components(*dim));
                self.with_operands(Diagnostic::error(Code::OutOfRange, span, message), operands).with_help(help)
            }
            Problem::EmptySlice { from, to } => {
                let message = format!("the slice from {from} to {to} has no components");
                Diagnostic::error(Code::OutOfRange, span, message)
                    .with_help("`v[a:b]` are the components a, a+1, … b-1")
            }
        };
        self.report(diagnostic)
    }

    /// Kinds of numbers, real and complex, that an operation does not take.
    fn wrong_numbers(&self, span: Span, operation: OperationId, function: &str, operands: &[&Operand]) -> Diagnostic {
        let kinds = complex::kinds_in_words(operation);
        let message = match kinds.is_empty() {
            true => format!("`{function}` takes real numbers, and this is complex"),
            false => format!("`{function}` does not take these kinds of numbers"),
        };
        let help = match kinds.is_empty() {
            true => "`ComplexReal(z)`, `ComplexImag(z)`, `ComplexAbs(z)` and `ComplexAngle(z)` are real".to_owned(),
            false if !operands.iter().any(|operand| complex::is_complex(&operand.value)) => format!(
                "this file has complex inputs, so that it takes: {}; declare inputs of complex numbers with `dtype=c64`, or join parts with `Complex(re, im)`",
                kinds.join("; or ")
            ),
            false => format!(
                "it takes: {}; `Real2Complex(r)` makes real numbers complex, `Complex(re, im)` joins parts",
                kinds.join("; or ")
            ),
        };
        self.with_operands(Diagnostic::error(Code::WrongNumbers, span, message), operands).with_help(help)
    }

    fn shape_problem(&self, span: Span, error: &ShapeError, function: &str, operands: &[&Operand]) -> Diagnostic {
        let is_operator = !function.starts_with(|c: char| c.is_ascii_alphabetic());
        match error {
            ShapeError::DimensionConflict { given, .. } if is_operator && given.len() >= 2 => {
                let dims: Vec<u32> = given.iter().map(|(_, _, dim)| *dim).collect();
                let message = format!("the two sides of `{function}` have {} and {} components", dims[0], dims[1]);
                let help = "both need the same number of components, or one of them a single component";
                self.with_operands(Diagnostic::error(Code::DimensionMismatch, span, message), operands).with_help(help)
            }
            ShapeError::DimensionConflict { signature, .. } => {
                let message = format!("the dimensions of the arguments of `{function}` do not fit together");
                let help = format!(
                    "its form is `{signature}`; the same letter is the same number, `|1` also takes a single component"
                );
                self.with_operands(Diagnostic::error(Code::DimensionMismatch, span, message), operands).with_help(help)
            }
            ShapeError::ArgumentCount { signature, .. } => {
                Diagnostic::error(Code::ArgumentCount, span, error.to_string())
                    .with_help(format!("its form is `{signature}`"))
            }
            ShapeError::Unfit { .. } => self
                .with_operands(Diagnostic::error(Code::DimensionMismatch, span, error.to_string()), operands)
                .with_help(format!("`keopsc ops {function}` describes its arguments")),
            ShapeError::Parameter { .. } => {
                self.with_operands(Diagnostic::error(Code::OutOfRange, span, error.to_string()), operands)
            }
            ShapeError::TooLarge { .. } => {
                self.with_operands(Diagnostic::error(Code::TooLarge, span, error.to_string()), operands)
            }
        }
    }

    /// Labels each operand with what it is, and where its name comes from.
    pub fn with_operands(&self, mut diagnostic: Diagnostic, operands: &[&Operand]) -> Diagnostic {
        for operand in operands {
            let what = describe(&self.program.graph, &operand.value);
            let text = match &operand.name {
                Some(name) => format!("`{name}`: {what}"),
                None => what,
            };
            diagnostic = diagnostic.with_label(operand.span, text);
        }
        let mut told: Vec<&str> = Vec::new();
        for name in operands.iter().filter_map(|operand| operand.name.as_deref()) {
            if let (Some(definition), false) = (self.names.get(name), told.contains(&name)) {
                diagnostic = diagnostic.with_label(definition.span, format!("`{name}` is defined here"));
                told.push(name);
            }
        }
        diagnostic
    }
}

/// The place of the first operand that is to blame.
fn place(operands: &[&Operand], otherwise: Span, to_blame: impl Fn(&Value) -> bool) -> Span {
    operands.iter().find(|operand| to_blame(&operand.value)).map_or(otherwise, |operand| operand.span)
}
