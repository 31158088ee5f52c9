//! Texts of the tables → nodes: gradients, expansions and the right-hand sides of laws, with names standing for nodes and integers.

use keopsc_grammar::syntax::{Expr, ExprKind, Keyword, Name};
use keopsc_ir::formula::{Graph, NodeId};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::{Integers, OperationId, catalogue, reductions};

use crate::values::{self, Problem, Value};

/// What choices by row numbers are called in the texts.
pub(crate) const CHOICE: &str = "Chosen";

/// What the names in a text stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names<'a> {
    integers: Vec<(String, i64)>,
    numbers: Vec<(&'a str, f64)>,
    formulas: Vec<(&'a str, NodeId)>,
    reduced: Option<(Axis, Role)>,
    /// How many expansions the text is inside of.
    depth: u32,
}

impl<'a> Names<'a> {
    /// Names that stand for integers only.
    pub fn of_integers(integers: &Integers) -> Names<'a> {
        let integers = integers.iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Names { integers, numbers: Vec::new(), formulas: Vec::new(), reduced: None, depth: 0 }
    }

    /// Gives a name to a formula.
    pub fn formula(&mut self, name: &'a str, node: NodeId) {
        self.formulas.push((name, node));
    }

    /// Gives a name to a number, whatever formula it named before: what is computed from numbers is a number.
    pub fn number(&mut self, name: &'a str, value: f64) {
        self.numbers.push((name, value));
    }

    /// Gives a name to an integer.
    pub fn integer(&mut self, name: &str, value: i64) {
        self.integers.push((name.to_owned(), value));
    }

    /// What the signature of an operation names: its arguments, its parameters, and the dimensions that its letters stand for.
    pub fn of_operation(
        graph: &Graph,
        operation: OperationId,
        parameters: &[i64],
        arguments: &[NodeId],
    ) -> Result<Names<'a>, Problem> {
        let signature = catalogue::signature(operation);
        let integers = signature.bind(&graph.dims(arguments), parameters)?;
        let mut names = Names::of_integers(&integers);
        for (argument, &node) in signature.arguments.iter().zip(arguments) {
            names.formula(&argument.name, node);
        }
        Ok(names)
    }

    /// In the text `[j]` stands for this index, and reductions over it have these rows.
    pub fn reducing(mut self, over: Axis, rows: Role) -> Names<'a> {
        self.reduced = Some((over, rows));
        self
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<Value> {
        let number = self.numbers.iter().find(|(known, _)| *known == name).map(|(_, value)| Value::Real(*value));
        let formula = || self.formulas.iter().find(|(known, _)| *known == name).map(|(_, node)| Value::Formula(*node));
        let integer = || self.integers.iter().find(|(known, _)| known == name).map(|(_, value)| Value::Integer(*value));
        number.or_else(formula).or_else(integer)
    }
}

/// The expansion of an operation, inside of that many others.
pub(crate) fn expand(
    graph: &mut Graph,
    operation: OperationId,
    text: &Expr,
    (parameters, arguments): (&[i64], &[NodeId]),
    depth: u32,
) -> Result<NodeId, Problem> {
    let names = Names { depth, ..Names::of_operation(graph, operation, parameters, arguments)? };
    build(graph, text, &names)
}

/// The node of a text.
pub(crate) fn build(graph: &mut Graph, text: &Expr, names: &Names<'_>) -> Result<NodeId, Problem> {
    let value = evaluate(graph, text, names)?;
    values::to_formula(graph, &value)
}

fn evaluate(graph: &mut Graph, text: &Expr, names: &Names<'_>) -> Result<Value, Problem> {
    match &text.kind {
        ExprKind::Integer(number) => Ok(Value::Integer(*number)),
        ExprKind::Float(number) => Ok(Value::Real(*number)),
        ExprKind::Name(name) => Ok(names.get(name).unwrap_or_else(|| defect(text, "a name means nothing"))),
        ExprKind::Unary(operator, operand) => {
            let operand = evaluate(graph, operand, names)?;
            values::unary(graph, *operator, &operand)
        }
        ExprKind::Binary(operator, left, right) => {
            let (left, right) = (evaluate(graph, left, names)?, evaluate(graph, right, names)?);
            values::binary(graph, *operator, &left, &right)
        }
        ExprKind::Index(base, index) => {
            let (base, index) = (evaluate(graph, base, names)?, evaluate(graph, index, names)?);
            values::element(graph, &base, values::to_integer(&index)?)
        }
        ExprKind::Slice(base, from, to) => {
            let base = evaluate(graph, base, names)?;
            let mut bound = |bound: &Option<Box<Expr>>| match bound {
                Some(bound) => values::to_integer(&evaluate(graph, bound, names)?).map(Some),
                None => Ok(None),
            };
            let (from, to) = (bound(from)?, bound(to)?);
            values::slice(graph, &base, from, to)
        }
        ExprKind::Call { function, arguments, keywords } => call(graph, text, function, (arguments, keywords), names),
        ExprKind::Reduce { function, options, arguments, .. } => {
            reduce(graph, text, function, (options, arguments), names)
        }
        ExprKind::List(_) => defect(text, "no such thing in a table"),
    }
}

fn call(
    graph: &mut Graph,
    text: &Expr,
    function: &Name,
    (arguments, keywords): (&[Expr], &[Keyword]),
    names: &Names<'_>,
) -> Result<Value, Problem> {
    let Some(operation) = catalogue::find_operation(&function.text) else { defect(text, "no such operation") };
    let signature = catalogue::signature(operation);
    let mut given = Vec::with_capacity(arguments.len() + keywords.len());
    for argument in arguments.iter().chain(keywords.iter().map(|keyword| &keyword.value)) {
        given.push(evaluate(graph, argument, names)?);
    }
    let (formulas, integers) = signature.sort_call(given);
    let nodes: Result<Vec<NodeId>, Problem> = formulas.iter().map(|value| values::to_formula(graph, value)).collect();
    let parameters: Result<Vec<i64>, Problem> = integers.iter().map(values::to_integer).collect();
    values::apply_inside(graph, operation, &parameters?, &nodes?, names.depth).map(Value::Formula)
}

/// A reduction over the index that `[j]` stands for, its options in the order of its parameters; or a choice by that index.
fn reduce(
    graph: &mut Graph,
    text: &Expr,
    function: &Name,
    (options, arguments): (&[Keyword], &[Expr]),
    names: &Names<'_>,
) -> Result<Value, Problem> {
    let Some((over, rows)) = names.reduced else { defect(text, "no index is reduced here") };
    if function.text == CHOICE {
        return choose(graph, text, arguments, over, names);
    }
    let Some(reduction) = reductions::find_reduction(&function.text) else { defect(text, "no such reduction") };
    let nodes: Result<Vec<NodeId>, Problem> = arguments.iter().map(|argument| build(graph, argument, names)).collect();
    let nodes = values::with_defaults(graph, reductions::signature(reduction), &nodes?);
    let mut parameters = Vec::with_capacity(options.len());
    for option in options {
        parameters.push(values::to_integer(&evaluate(graph, &option.value, names)?)?);
    }
    Ok(match graph.reduction(reduction, over, rows, &parameters, &nodes)?[..] {
        [values, numbers] => Value::Pair(values, numbers),
        [result, ..] => Value::Formula(result),
        [] => defect(text, "a reduction without a result"),
    })
}

/// `Chosen[j](a, v)`: `v` in the column whose number is `a`, 0 in all others. Of a value-and-index pair the index counts.
fn choose(graph: &mut Graph, text: &Expr, arguments: &[Expr], axis: Axis, names: &Names<'_>) -> Result<Value, Problem> {
    let [by, value] = arguments else { defect(text, "a choice is by row numbers, of a value") };
    let (Value::Pair(_, by) | Value::Formula(by)) = evaluate(graph, by, names)? else {
        defect(text, "a choice is by row numbers")
    };
    let value = build(graph, value, names)?;
    Ok(Value::Formula(graph.chosen(by, axis, value)))
}

/// A row of a table is wrong: a defect of this program, that the tests of the tables find.
fn defect(text: &Expr, why: &str) -> ! {
    panic!("in the table's text `{}`: {why}", keopsc_grammar::print_expression(text))
}
