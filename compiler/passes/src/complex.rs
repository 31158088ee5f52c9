//! Complex numbers in formulas: which operations an operator or a name means where inputs are complex.
//!
//! The graph knows real numbers only; a complex one is two components, re and im. What is complex is known while a file is read, from the
//! inputs on: `x * y` of two complex inputs becomes `ComplexMult(x, y)`, and what has no meaning for complex numbers is refused. In files
//! without complex inputs nothing is, and the `Complex…` operations work on pairs of components, as in KeOps.

use keopsc_ir::formula::{Graph, NodeId};
use keopsc_ops::catalogue::{self, ComplexForm};
use keopsc_ops::{OperationId, reductions};

use crate::template::{self, Names};
use crate::values::{self, Problem, Value};

/// An operation whose arguments or result may be complex. Numbers count as complex where a real argument does not fit.
pub(crate) fn apply(
    graph: &mut Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[&Value],
) -> Result<Value, Problem> {
    let forms = catalogue::complex_forms(operation);
    let form =
        [false, true].into_iter().find_map(|promoting| forms.iter().find(|form| fits(form, arguments, promoting)));
    let Some(form) = form else {
        return match (forms, arguments.iter().any(|argument| is_complex(argument))) {
            ([], false) => apply_real(graph, operation, parameters, arguments),
            _ => Err(Problem::NotOfComplex { operation }),
        };
    };
    let mut nodes = Vec::with_capacity(arguments.len());
    for (argument, &complex) in arguments.iter().zip(&form.arguments) {
        nodes.push(if complex { to_complex(graph, argument)? } else { values::to_formula(graph, argument)? });
    }
    let node = match &form.formula {
        None => values::apply(graph, operation, parameters, &nodes)?,
        Some(text) => {
            let signature = catalogue::signature(operation);
            let mut names = Names::default();
            for (argument, &node) in signature.arguments.iter().zip(&nodes) {
                names.formula(&argument.name, node);
            }
            for (parameter, &value) in signature.parameters.iter().zip(parameters) {
                names.integer(&parameter.name, value);
            }
            template::build(graph, text, &names)?
        }
    };
    Ok(if form.result { Value::Complex(node) } else { Value::Formula(node) })
}

fn apply_real(
    graph: &mut Graph,
    operation: OperationId,
    parameters: &[i64],
    arguments: &[&Value],
) -> Result<Value, Problem> {
    let nodes: Result<Vec<NodeId>, Problem> =
        arguments.iter().map(|argument| values::to_formula(graph, argument)).collect();
    values::apply(graph, operation, parameters, &nodes?).map(Value::Formula)
}

/// Whether the arguments have these kinds; missing ones are real constants.
fn fits(form: &ComplexForm, arguments: &[&Value], promoting: bool) -> bool {
    let fit = |(number, &complex): (usize, &bool)| match arguments.get(number) {
        Some(Value::Complex(_)) => complex,
        Some(Value::Integer(_) | Value::Real(_)) => !complex || promoting,
        Some(_) | None => !complex,
    };
    form.arguments.iter().enumerate().all(fit)
}

/// Whether a value is complex.
pub(crate) fn is_complex(value: &Value) -> bool {
    matches!(value, Value::Complex(_))
}

/// The complex formula that a value is; a real number has the imaginary part 0.
fn to_complex(graph: &mut Graph, value: &Value) -> Result<NodeId, Problem> {
    if let Value::Complex(node) = value {
        return Ok(*node);
    }
    let real = values::to_formula(graph, value)?;
    values::apply(graph, named("Real2Complex"), &[], &[real])
}

/// As many complex numbers as `dim` components are, all of them this one.
pub(crate) fn spread(graph: &mut Graph, value: &Value, dim: u32) -> Result<NodeId, Problem> {
    let node = to_complex(graph, value)?;
    if graph.node(node).dim == dim {
        return Ok(node);
    }
    values::apply(graph, named("ComplexSpread"), &[i64::from(dim / 2)], &[node])
}

/// `z[k]`: two components.
pub(crate) fn element(graph: &mut Graph, node: NodeId, index: i64) -> Result<Value, Problem> {
    let numbers = graph.node(node).dim / 2;
    let position = if index < 0 { index.checked_add(i64::from(numbers)) } else { Some(index) };
    let Some(position) = position.filter(|position| (0..i64::from(numbers)).contains(position)) else {
        return Err(Problem::OutOfRange { index, dim: numbers });
    };
    values::apply(graph, named("Extract"), &[2 * position, 2], &[node]).map(Value::Complex)
}

/// Whether the result of a reduction is complex; `None` where its arguments, which are as many as it takes, may not be of these kinds.
pub(crate) fn reduction(reduction: keopsc_ops::ReductionId, arguments: &[&Value]) -> Option<bool> {
    if !arguments.iter().any(|argument| is_complex(argument)) {
        return Some(false);
    }
    let (kinds, result) = reductions::reduction(reduction).complex.split_once("->")?;
    let mut kinds = kinds.split_whitespace();
    let fit = arguments.iter().all(|argument| kinds.next().is_some_and(|kind| (kind == "z") == is_complex(argument)));
    fit.then(|| result.trim() == "z")
}

/// What an operation takes, in words: `complex, real`.
pub(crate) fn kinds_in_words(operation: OperationId) -> Vec<String> {
    let word = |complex: &bool| if *complex { "complex" } else { "real" };
    let forms = catalogue::complex_forms(operation).iter();
    forms.map(|form| form.arguments.iter().map(word).collect::<Vec<_>>().join(", ")).collect()
}

fn named(name: &str) -> OperationId {
    catalogue::find_operation(name).unwrap_or_else(|| panic!("the catalogue has no {name}"))
}
